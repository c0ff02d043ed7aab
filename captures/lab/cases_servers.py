"""Cases of servers that were restarted, and of servers among each other: a front end and its voice mail."""

from maker_phone import MakerPhone, MakerSettings
from phone import Settings
from scenario import CLEAR_NETWORK, DNS, GATEWAY, Case, Certificates, dropping, signing_in
from world import DC, POOL

CLOSED = f"(tcp.flags.fin == 1 || tcp.flags.reset == 1) && ip.src == {POOL} && tcp.srcport == 5061"
CUT = ("session", "server", "fin")
SERVER = {"address": ("10.0.4.23", GATEWAY, DC), "transport": "tls", "stays": 12}
FRONT_END = {"mac": "00:15:5d:04:00:22", "host_name": "fe01", "user_agent": "RTC/3.5", "certificate": "server",
             "registrar": ("um01.contoso.com", 5061), **SERVER}
VOICE_MAIL = {"mac": "00:15:5d:04:00:23", "host_name": "um01", "user_agent": "RTCC/3.5.0.0 UM", "certificate": "itself",
              "registrar": ("pool01.contoso.com", 5061), **SERVER}
UM_DNS = DNS | {"um01.contoso.com": POOL}
UM = Certificates(hash="sha256", names=("um01.contoso.com",))
OF_SERVERS = {"profile": "sip-server", "runs": MakerPhone}
STAYING = Settings(attempts=4, keep_alive=1, stays=14)

REBOOT_CASES = [
    Case("service-down-after-reboot", "the pool was rebooted, and its front end service did not start", """\
The phone is signed in. The pool's services end, its host is gone for two seconds and comes back: it answers ARP and echo requests,
and its web service listens on 443, as another host sees that asks every other second. Port 5061 answers with RST, for ever. The
capture is that of the whole switch.""",
         [dropping([CUT, *[("connect", "server", "rst")] * 3], CLOSED, "tcp-refused", settings=STAYING,
                   says=("10.0.4.12:5061 still took a connection",),
                   absent=("tcp-no-answer", "icmp-unreachable", "gateway-unreachable", "session-idle-cut"))],
         restart="stays-down", reboots=True, web_service="pool", port="br0"),
    Case("service-up-after-reboot", "its healthy twin: the front end service starts with the pool, and the phone is in again", """\
As service-down-after-reboot, but the service listens again as soon as the host is back. The phone was cut off once.""",
         [signing_in(drop=[dict(zip(("stage", "by", "how"), CUT))], decisive=CLOSED, settings=STAYING, absent=("tcp-refused",))],
         restart="same", reboots=True, web_service="pool", port="br0"),
]

VOICE_MAIL_CASES = [
    Case("voice-mail-self-signed", "the voice-mail server comes back with a certificate that it signed itself, and the SIP server drops it", """\
Mutual TLS between a front end and Exchange Unified Messaging. The first connection is good. Then the voice-mail service is started
again with the self-signed certificate of its installation; the front end, a client here, refuses with alert 48 (unknown_ca), for
ever.""",
         [dropping([CUT, *[("tls", "device", "alert")] * 3],
                   f"({CLOSED}) || (tls.alert_message.level == 2 && ip.src == {{ip}})", "cert-self-signed", restarts_at="names",
                   settings=MakerSettings(**FRONT_END, attempts=4), **OF_SERVERS,
                   absent=("cert-name-mismatch", "cert-expired", "tls-client-certificate-rejected", *CLEAR_NETWORK))],
         certificates=UM, dns=UM_DNS, kamailio="ok", kamailio_tls="mutual", restart="self-signed"),
    Case("voice-mail-restarted", "its healthy twin: the voice-mail server comes back with the certificate that it had", """\
The front end is cut off once, connects again, and stays.""",
         [signing_in(drop=[dict(zip(("stage", "by", "how"), CUT))], decisive=CLOSED, settings=MakerSettings(**FRONT_END, attempts=4),
                     absent=("cert-self-signed", "cert-untrusted-issuer"), **OF_SERVERS)],
         certificates=UM, dns=UM_DNS, kamailio="ok", kamailio_tls="mutual", restart="same"),
    Case("voice-mail-not-admitted", "the other way round: a SIP server refuses the voice-mail server's self-signed certificate", """\
Here the voice-mail server is the client. It shows the certificate that it signed itself; the front end demands one of a CA that it
trusts, and answers with alert 48 (unknown_ca).""",
         [dropping(("tls", "server", "alert"), f"tls.alert_message.level == 2 && ip.src == {POOL}", "tls-client-certificate-rejected",
                   restarts_at="names", settings=MakerSettings(**VOICE_MAIL, attempts=3), says=("self-signed",), **OF_SERVERS,
                   absent=("cert-untrusted-issuer", "cert-self-signed", "tls-handshake-failed"))],
         certificates=Certificates(hash="sha256"), dns=UM_DNS, kamailio="ok", kamailio_tls="mutual"),
]

CASES = [*REBOOT_CASES, *VOICE_MAIL_CASES]
