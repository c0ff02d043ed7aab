"""The cases. Each says what is set up and what must hold; nothing here looks at a capture.

The words of the expectations: a drop is the device's when the device ends it,
the server's when the server ends or rejects it, and `unknown` where there is only silence.
"""

import cases_directory
import cases_ipv6
import cases_makers
import cases_network
import cases_opened
import cases_pc
import cases_servers
import cases_sip
import cases_tls
import cases_vlan
import cases_web
from lync_phone import LyncPhone
from phone import Settings
from scenario import (CLEAR_NETWORK, DNS, OTHER_CERTIFICATE_FAULTS, Case, Certificates, Device, Registrar,
                      dns, dropping, refusing, signing_in)
from sip_phone import SipPhone, SipSettings
from trust import Rules
from world import BEHIND, DC, DEAF, POOL, TIME

DAY = 86400
NO_REGISTRAR = ("_sipinternaltls._tcp.contoso.com",)
SRV_NAMES = ("_sipinternaltls._tcp.contoso.com", "_sip._tls.contoso.com", "_sipinternal._tcp.contoso.com")
LYNC_AGENT = "CPE/{0} OCPhone/{0} (Microsoft Lync Phone Edition)"


# The founding case and its neighbours.

def founding(name, how, words):
    return Case(name, f"RSA-4096 and SHA-256: the phone leaves {words} after the server's flight, for ever", f"""\
DHCP, DNS, NTP, the domain controller and the CA's web page all do their part: the phone fetches root and issuing CA,
after the two 401 that NTLM needs. The registrar then sends a chain with 4096-bit keys, signed
sha256WithRSAEncryption. The phone acknowledges the whole flight and leaves without a ClientKeyExchange, {words}. It
pauses, and starts again at the domain controller.""",
                [refusing("cert-unsupported-signature", how, contributing=("cert-unsupported-key",),
                          absent=OTHER_CERTIFICATE_FAULTS)],
                certificates=FOUNDING)


FOUNDING = Certificates(size=4096, hash="sha256")

FOUNDING_CASES = [
    founding("founding-loop-fin", "fin", "by FIN"),
    founding("founding-loop-rst", "rst", "by RST"),
    founding("founding-loop-alert", "43", "by a fatal alert 43 (unsupported_certificate)"),
    Case("healthy-sha1-2048", "the founding case's healthy twin: SHA-1 and RSA-2048, the phone signs in and stays", """\
The same site as in the founding case, but root, issuing CA and registrar have 2048-bit keys and SHA-1 signatures. The
TLS 1.0 handshake is completed, REGISTER passes after its three NTLM legs, two SUBSCRIBEs follow and keep-alives.""",
         [signing_in(absent=("cert-weak", "cert-unsupported-signature", "cert-unsupported-key",
                             *OTHER_CERTIFICATE_FAULTS))]),
    Case("sha256-only", "SHA-256 signatures, but keys of 2048 bits: the signature alone keeps the phone out", """\
As the founding case, but all keys are of 2048 bits. What the phone cannot verify is the signature. It also asks for
its update server once, `ucupdates-r2.contoso.com`, which does not exist: noise that causes nothing.""",
         [refusing("cert-unsupported-signature", absent=("cert-unsupported-key", *OTHER_CERTIFICATE_FAULTS),
                   settings=Settings(asks_updates=True))],
         certificates=Certificates(hash="sha256")),
    Case("rsa4096-only", "keys of 4096 bits, but SHA-1 signatures: the key size alone keeps the phone out", """\
As the founding case, but all signatures are sha1WithRSAEncryption. The scripted firmware takes no key above 2048
bits. The capture is in classic pcap.""",
         [refusing("cert-unsupported-key", absent=("cert-unsupported-signature", *OTHER_CERTIFICATE_FAULTS))],
         certificates=Certificates(size=4096), file_format="pcap"),
    Case("sslv2-hello-loop", "the founding fault behind a ClientHello in the SSL 2.0 form", """\
As sha256-only, but the phone's stack sends its TLS 1.0 ClientHello in the SSL 2.0 form (RFC 2246 appendix E).""",
         [refusing("cert-unsupported-signature", settings=Settings(hello="sslv2", attempts=3),
                   absent=("cert-unsupported-key", "tls-version-mismatch", *OTHER_CERTIFICATE_FAULTS))],
         certificates=Certificates(hash="sha256")),
]

FOUNDING_CASES += [
    Case("dropped-once", "the founding drop, seen once: no second attempt in the capture", """\
As founding-loop-fin, but the capture ends in the pause after the first drop.""",
         [refusing("cert-unsupported-signature", contributing=("cert-unsupported-key",), verdict="dropped",
                   restarts_at=None, settings=Settings(attempts=1), absent=OTHER_CERTIFICATE_FAULTS)],
         certificates=FOUNDING),
    Case("unexplained-close", "the certificate is one that this phone takes elsewhere, and it leaves all the same", """\
SHA-1, RSA-2048, valid, the right name, the right CA: as in healthy-sha1-2048. This phone's store is damaged, so it
leaves by FIN after the server's flight. Nothing on the wire says why.""",
         [refusing("tls-closed-after-certificate", settings=Settings(rules=Rules(hashes=())),
                   absent=("cert-weak", "cert-unsupported-signature", "cert-unsupported-key", "cert-expired",
                           "cert-name-mismatch", "cert-untrusted-issuer", "path-mtu-black-hole"))]),
]

# Certificates that this phone could verify, and does refuse. All are SHA-1 and RSA-2048.

SUPPORTED = ("cert-unsupported-signature", "cert-unsupported-key", *CLEAR_NETWORK)

CERTIFICATE_CASES = [
    Case("cert-expired", "the registrar's certificate expired twelve days ago", """\
Nobody renewed the registrar's certificate. The phone has the right time and refuses, with alert 45.""",
         [refusing("cert-expired", "45", absent=("clock-skew", "cert-not-yet-valid", *SUPPORTED))],
         certificates=Certificates(valid=(-730, -12))),
    Case("not-yet-valid-wrong-phone-clock", "NTP is silent, the phone's clock stands at 2006: nothing is valid yet",
         """\
The time server drops NTP. The phone goes on with its power-on clock, 1 January 2006, which shows in its NTP requests
and in the gmt_unix_time of its hellos. The registrar's certificate is good today, but not in 2006: the phone leaves
by FIN.""",
         [refusing("ntp-no-answer", contributing=("cert-not-yet-valid", "clock-skew"),
                   absent=("cert-expired", "cert-untrusted-issuer", *SUPPORTED),
                   settings=Settings(needs_time=False))], ntp=None),
    Case("ntp-wrong-time", "the time server says it is synchronised, and is nine years slow", """\
A stratum 2 answer without any sign of trouble, nine years in the past. The phone takes it, and then finds the
registrar's certificate not yet valid. The Date headers and NTLM time stamps of the other servers tell the truth.""",
         [refusing("ntp-wrong-time", contributing=("cert-not-yet-valid",),
                   absent=("ntp-no-answer", "ntp-unsynchronised", "cert-expired", *SUPPORTED))],
         ntp=-9 * 365.25 * DAY),
    Case("wrong-name", "the registrar's certificate bears the old server's name", """\
The SRV record leads to pool01.contoso.com; the certificate is for ocs-old.contoso.com and sip-old.contoso.com.""",
         [refusing("cert-name-mismatch", absent=("cert-expired", "cert-untrusted-issuer", *SUPPORTED))],
         certificates=Certificates(names=("ocs-old.contoso.com", "sip-old.contoso.com"))),
    Case("missing-intermediate", "the registrar sends its leaf alone, and enrolment gave the root alone", """\
Leaf and root are there, the issuing CA between them is nowhere: neither sent nor fetched. The phone says unknown_ca
(48).""",
         [refusing("cert-missing-intermediate", "48",
                   absent=("cert-expired", "enrolment-chain-incomplete", "cert-self-signed", *SUPPORTED))],
         certificates=Certificates(sends=("leaf",), bundle=("root",))),
    Case("foreign-ca", "the registrar's chain leads to another company's CA than the one fetched", """\
Enrolment delivers Contoso's root and issuing CA. The registrar's certificate was issued by Fabrikam's; its whole
chain, root included, is sent, and is of no use to this phone.""",
         [refusing("cert-untrusted-issuer", "rst",
                   absent=("cert-expired", "cert-self-signed", "cert-missing-intermediate", *SUPPORTED))],
         certificates=Certificates(leaf_from="foreign", sends=("leaf", "issuing", "root"))),
    Case("self-signed", "the registrar's certificate is signed with its own key", """\
The pool got a certificate that it made itself; enrolment works and does not help.""",
         [refusing("cert-self-signed", absent=("cert-expired", "cert-name-mismatch", *SUPPORTED))],
         certificates=Certificates(leaf_from="itself", sends=("leaf",))),
    Case("enrolment-chain-incomplete", "the CA's page delivers the issuing CA without its root", """\
The bundle from the enrolment page holds the issuing CA and nothing above it; the registrar sends its leaf alone. The
chain ends at the issuing CA, which is no anchor: the root should have come with the bundle.""",
         [refusing("enrolment-chain-incomplete", absent=("cert-expired", "cert-self-signed", *SUPPORTED))],
         certificates=Certificates(sends=("leaf",), bundle=("issuing",))),
]

# The registrar's ports and its TLS.

WITHOUT_SRV = dns(without=NO_REGISTRAR, more={"sip.contoso.com": POOL})


def tls_server(name, story, text, registrar, drop, decisive, primary, absent=(), settings=None):
    return Case(name, story, text, [dropping(drop, decisive, primary, absent=absent,
                                             settings=settings or Settings(attempts=3))], registrar=registrar)


REGISTRAR_CASES = [
    Case("port-refused", "the front end service is down: 5061 and 443 answer with RST", """\
There are no SRV records; sip.contoso.com leads to the pool, where nothing listens on 5061, nor on 443. The last name
of the list, sipexternal.contoso.com, does not exist. The decisive frame is the RST from 443. Classic pcap.""",
         [dropping(("connect", "server", "rst"), f"tcp.flags.reset == 1 && ip.src == {POOL} && tcp.srcport == 443",
                   "tcp-refused", absent=("tcp-no-answer", "dns-name-not-found", "icmp-unreachable"),
                   settings=Settings(attempts=3))],
         dns=WITHOUT_SRV, registrar=Registrar("refused"), file_format="pcap"),
    Case("port-silent", "a firewall drops every SYN to the pool's 5061 and 443", """\
Names as in port-refused, but the SYNs vanish. The phone repeats each (after 1 and 3 s), gives the port up after 5 s
and goes on to 443, then to the next name, then starts over. The decisive frame is the last SYN to 443.""",
         [dropping(("connect", "unknown", "timeout"),
                   f"tcp.flags.syn == 1 && ip.dst == {POOL} && tcp.dstport == 443", "tcp-no-answer", pick="last",
                   absent=("tcp-refused", "dns-name-not-found", "gateway-unreachable"),
                   settings=Settings(attempts=3, begins_again=0.3))],
         dns=WITHOUT_SRV, pool_drops="tcp dport { 443, 5061 }"),
    Case("icmp-prohibited", "a packet filter at the pool answers every SYN with ICMP: administratively prohibited", """\
Names as in port-refused; type 3 code 13 comes back for 5061 and for 443. The decisive frame is the ICMP message that
answers the last SYN.""",
         [dropping(("connect", "network", "icmp"), "icmp.type == 3 && icmp.code == 13", "icmp-unreachable", pick="last",
                   absent=("tcp-refused", "tcp-no-answer", "dns-name-not-found"))],
         dns=WITHOUT_SRV, pool_drops="tcp dport { 443, 5061 }", pool_verdict="reject with icmp type admin-prohibited"),
    tls_server("tcp-accepted-then-closed", "a load balancer without a living member: accepted, and closed at once", """\
The pool's port accepts the connection and sends FIN before the phone has said a word.""",
               Registrar("close-at-once"), ("connect", "server", "fin"),
               f"tcp.flags.fin == 1 && ip.src == {POOL} && tcp.srcport == 5061", "tcp-accepted-then-closed",
               absent=("tcp-refused", "tls-server-closed", "tls-no-answer")),
    tls_server("tls-no-answer", "the registrar acknowledges the ClientHello and says nothing", """\
The service hangs: its TCP stack acknowledges the hello, no TLS byte comes. The phone waits 10 s, closes and starts
over. The decisive frame is the ClientHello, the request that nobody answered.""",
               Registrar("hello-then-silent"), ("tls", "unknown", "timeout"),
               "tls.handshake.type == 1 && ip.src == {ip}", "tls-no-answer",
               absent=("tcp-no-answer", "path-mtu-black-hole", "tls-server-closed"),
               settings=Settings(attempts=3, begins_again=0.3)),
    tls_server("tls-version-mismatch", "the registrar speaks TLS 1.2 only: alert 70", """\
TLS 1.0 was switched off on the pool. It answers the phone's hello with protocol_version.""",
               Registrar(versions=("TLSv1_2", "TLSv1_2"), ciphers="AES128-GCM-SHA256"), ("tls", "server", "alert"),
               f"tls.alert_message.level == 2 && ip.src == {POOL}", "tls-version-mismatch",
               absent=("tls-no-shared-cipher", "tls-server-closed", "cert-unsupported-signature")),
    tls_server("tls-no-shared-cipher", "the registrar takes forward-secret suites only: alert 40", """\
The pool still speaks TLS 1.0, but only with ECDHE, which the phone lacks. It answers with handshake_failure.""",
               Registrar(ciphers="ECDHE-RSA-AES128-SHA"), ("tls", "server", "alert"),
               f"tls.alert_message.level == 2 && ip.src == {POOL}", "tls-no-shared-cipher",
               absent=("tls-version-mismatch", "tls-server-closed", "cert-unsupported-signature")),
    tls_server("server-closes-after-hello", "the registrar reads the ClientHello and closes without an alert", """\
The service takes the hello and sends FIN. Nothing on the wire says why.""",
               Registrar("hello-then-close"), ("tls", "server", "fin"),
               f"tcp.flags.fin == 1 && ip.src == {POOL} && tcp.srcport == 5061", "tls-server-closed",
               absent=("tcp-accepted-then-closed", "tls-no-answer", "tls-no-shared-cipher")),
    Case("path-mtu-black-hole", "full-size segments of the registrar never arrive, small ones do", """\
Between the capture and the phone, packets of the pool above 1400 bytes vanish without an ICMP message. The registrar
repeats the first segment of its flight; the phone acknowledges nothing beyond its hello and closes after 10 s. The
decisive frame is the last copy of that segment. Other servers are near and not affected.""",
         [dropping(("tls", "network", "timeout"), f"ip.src == {POOL} && tcp.srcport == 5061 && tcp.len >= 1400",
                   "path-mtu-black-hole", pick="last", absent=("tls-no-answer", "cert-unsupported-signature"),
                   settings=Settings(attempts=3, begins_again=0.3))],
         phone_drops=f"ip saddr {POOL} meta length > 1400"),
    Case("session-cut", "signed in, cut by the server after a few seconds, thrice", """\
The handshake and the registration are good (`keys.log` opens them). Some seconds later the server resets the
connection, each time after another while, with keep-alives passing every second. The phone starts over.""",
         [dropping(("session", "server", "rst"), f"tcp.flags.reset == 1 && ip.src == {POOL} && tcp.srcport == 5061",
                   "session-dropped", absent=("sip-auth-rejected", "session-idle-cut", "cert-weak"),
                   settings=Settings(attempts=3, keep_alive=1, stays=60))],
         registrar=Registrar(cut_after=(3.2, 6.7, 4.4))),
]

# Address, names, time.

BLOCKED_TIME = dns(without=("_ntp._udp.contoso.com",), more={"time.windows.com": "203.0.113.123"})

EARLY_CASES = [
    Case("dhcp-no-answer", "no DHCP server answers", """\
DISCOVERs only, three to an attempt. Classic pcap.""",
         [dropping(("address", "unknown", "timeout"), "dhcp.option.dhcp == 1", "dhcp-no-offer", pick="last",
                   restarts_at="address", absent=("dhcp-nak", "dhcp-no-ack"),
                   settings=Settings(attempts=3, begins_again=0.5))],
         dhcp="silent", file_format="pcap"),
    Case("dhcp-nak", "the DHCP server offers an address and refuses it, for ever", """\
DISCOVER, OFFER, REQUEST, NAK: the server's lease file and its scope disagree.""",
         [dropping(("address", "server", "rejected"), "dhcp.option.dhcp == 6", "dhcp-nak", restarts_at="address",
                   absent=("dhcp-no-offer", "dhcp-no-ack", "dhcp-rogue-server"))], dhcp="refuses"),
    Case("dns-no-records", "none of the six registrar names exists", """\
The directory and enrolment are fine; for the registrar, three SRV and three A names all give NXDOMAIN. The decisive
frame is the last of them.""",
         [dropping(("names", "server", "rejected"),
                   'dns.flags.rcode == 3 && dns.qry.name == "sipexternal.contoso.com"', "dns-name-not-found",
                   absent=("dns-no-answer", "dns-server-error", "tcp-refused"))],
         dns=dns(without=NO_REGISTRAR)),
    Case("dns-no-answer", "the DNS server that DHCP names is silent", """\
DHCP gives out 10.0.4.14, a host that answers ARP and drops all DNS. The phone asks its first name three times, and
starts over.""",
         [dropping(("names", "unknown", "timeout"), "dns && ip.src == {ip}", "dns-no-answer", pick="last",
                   restarts_at="names", absent=("dns-name-not-found", "dns-server-error", "ntp-no-answer"),
                   settings=Settings(begins_again=0.5))],
         dns_server=DEAF),
    Case("dns-srvfail", "the SIP domain's zone is broken: SERVFAIL for every name", """\
The sign-in address is of voice.contoso.com, a zone that the DNS server cannot load. The directory's domain,
contoso.com, is fine. All six registrar names give SERVFAIL; so does `_ntp._udp`, for which time.windows.com stands
in.""",
         [dropping(("names", "server", "rejected"),
                   'dns.flags.rcode == 2 && dns.qry.name == "sipexternal.voice.contoso.com"', "dns-server-error",
                   absent=("dns-no-answer", "dns-name-not-found"), settings=Settings(sip_domain="voice.contoso.com"))],
         dns=dns(more={"time.windows.com": TIME}), broken_zone="voice.contoso.com"),
    Case("dns-target-unresolved", "the SRV records name a pool that has no address", """\
All three SRV names lead to pool02.contoso.com, retired and gone from DNS. The decisive frame is the last NXDOMAIN.""",
         [dropping(("names", "server", "rejected"),
                   'dns.flags.rcode == 3 && dns.qry.name == "pool02.contoso.com"', "dns-srv-target-unresolved",
                   pick="last", absent=("dns-name-not-found", "dns-no-answer"))],
         dns=dns(more={name: [("pool02.contoso.com", 5061)] for name in SRV_NAMES})),
    Case("ntp-silent", "the site blocks NTP to the Internet, and this phone does not go on without the time", """\
There is no `_ntp._udp` record; time.windows.com resolves to an Internet address, and what goes there is dropped
without a word. Three requests, then the phone starts over with the look-up for its time server.""",
         [dropping(("time", "unknown", "timeout"), "ntp.flags.mode == 3 && ip.src == {ip}", "ntp-no-answer",
                   pick="last", restarts_at="names", absent=("dns-name-not-found", "ntp-wrong-time", "cert-expired"),
                   settings=Settings(begins_again=0.5))],
         dns=BLOCKED_TIME),
    Case("ntp-unsynchronised", "the time server answers that it knows no time", """\
Every answer has leap indicator 3 and stratum 16. The phone asks three times, does not take it, and starts over.""",
         [dropping(("time", "server", "rejected"), f"ntp.flags.mode == 4 && ip.src == {TIME}", "ntp-unsynchronised",
                   pick="last", restarts_at="names", absent=("ntp-no-answer", "ntp-wrong-time"))],
         ntp_synchronised=False),
]

# The directory.

DIRECTORY_CASES = [
    Case("directory-port-silent", "a firewall between the voice network and the domain controller drops LDAP", """\
The locator's SRV record and the controller's address are there; SYNs to port 389 vanish. DNS of the same host
answers.""",
         [dropping(("directory", "network", "timeout"), f"tcp.flags.syn == 1 && ip.dst == {DC} && tcp.dstport == 389",
                   "tcp-no-answer", pick="last", absent=("directory-no-answer", "tcp-refused"),
                   settings=Settings(begins_again=0.3))],
         directory_drops="tcp dport 389"),
    Case("ldap-bind-failed", "the domain controller refuses the phone's password", """\
The second step of the SASL bind gives resultCode 49, with data 52e in its text.""",
         [dropping(("directory", "server", "rejected"), "ldap.resultCode == 49", "ldap-bind-failed",
                   absent=("ldap-no-ca-found", "account-unusable"))],
         directory="rejects"),
    Case("ldap-no-ca-found", "the directory knows neither a CA certificate nor an enrolment service", """\
The bind succeeds, both searches end in success without an entry: nobody has published the CA. The phone has nowhere
to fetch its root from and starts over. The decisive frame is the last searchResDone, the last answer that it had.""",
         [dropping(("directory", "device", "abandoned"), "ldap.protocolOp == 5", "ldap-no-ca-found", pick="last",
                   absent=("ldap-bind-failed", "ldap-search-failed"))],
         directory="empty"),
]

# Enrolment.


def page(name, story, text, certsrv, how, decisive, primary, by="server", absent=()):
    return Case(name, story, text, [dropping(("enrolment", by, how), decisive, primary, pick="last", absent=absent)],
                certsrv=certsrv)


ENROLMENT_CASES = [
    page("enrolment-401-for-ever", "the CA's web page refuses the phone's credentials", """\
The NTLM legs are complete, and the third answer is 401 again. The phone never gets a certificate.""",
         "unauthorised", "rejected", "http.response.code == 401", "enrolment-unauthorised",
         absent=("enrolment-auth-scheme", "enrolment-forbidden", "ldap-bind-failed")),
    page("enrolment-404", "the CA host has no web enrolment pages", """\
IIS runs on the CA, the web enrolment role is not installed.""",
         "404", "rejected", "http.response.code == 404", "enrolment-not-found",
         absent=("enrolment-unauthorised", "enrolment-bad-content")),
    page("enrolment-bad-content", "a login page comes instead of the certificate", """\
Something answers for the CA with 200 and an HTML form. The phone finds no certificate in it and gives up. The
decisive frame is that 200, the last answer that the phone had; its FIN afterwards only closes a finished exchange.""",
         "html", "abandoned", "http.response.code == 200", "enrolment-bad-content", by="device",
         absent=("enrolment-unauthorised", "enrolment-not-found")),
    page("enrolment-500", "the CA's web page fails with 500", """\
The certificate service behind the page is down.""",
         "500", "rejected", "http.response.code == 500", "enrolment-server-error",
         absent=("enrolment-not-found", "enrolment-no-answer")),
    page("enrolment-port-refused", "nothing listens on port 80 of the CA host", """\
The directory names the CA host; its port 80 answers with RST.""",
         "refused", "rst", "tcp.flags.reset == 1 && tcp.srcport == 80", "tcp-refused",
         absent=("enrolment-no-answer", "tcp-no-answer")),
]

# Other phones, and captures that show only a part.

LYNC = Settings(mac="00:04:f2:9c:10:44", host_name="CX600-9C1044", vendor_class=b"CPE-OCPHONE", attempts=3,
                user_agent=LYNC_AGENT.format("4.0.7577.4100"))
NEW_LYNC = Settings(mac="00:04:f2:9c:10:51", host_name="CX600-9C1051", vendor_class=b"CPE-OCPHONE",
                    user_agent=LYNC_AGENT.format("4.0.7577.4512"), rules=Rules(("sha1", "sha256"), 4096), stays=25)
LYNC_DNS = dns(more={"ucupdates-r2.contoso.com": POOL})
SIP_DNS = DNS | {"pbx.contoso.com": POOL}
GENERIC = {"profile": "generic-sip", "runs": SipPhone}


def sip_loop(name, story, text, mode, transport, code, primary, restarts_at):
    return Case(name, story, text, [dropping(("register", "server", "rejected"), f"sip.Status-Code == {code}", primary,
                                             pick="last", restarts_at=restarts_at, absent=("sip-no-answer",),
                                             settings=SipSettings(transport=transport), **GENERIC)],
                dns=SIP_DNS, sip=mode)


OTHER_CASES = [
    Case("three-phones", "one phone loops between two that do not", """\
The whole switch is captured. A Communicator phone loops at the pool's SHA-256 certificate. A Lync phone with newer
firmware signs in at the same pool, and a SIP phone registers with its own server. Each has its own MAC and address.""",
         [refusing("cert-unsupported-signature", absent=("cert-unsupported-key", *OTHER_CERTIFICATE_FAULTS)),
          signing_in(profile="lync-phone-edition", settings=NEW_LYNC, runs=LyncPhone, host="lync",
                     address="10.0.4.24", absent=("cert-unsupported-signature", "cert-unsupported-key")),
          signing_in(settings=SipSettings(stays=25), host="desk", address="10.0.4.25",
                     absent=("sip-auth-rejected",), **GENERIC)],
         certificates=Certificates(hash="sha256"), dns=LYNC_DNS | SIP_DNS, sip="ok", port="br0"),
    Case("sip-udp-generic-healthy", "a SIP phone of no particular make registers over UDP", """\
REGISTER, 401, REGISTER with Digest, 200, then keep-alives.""",
         [signing_in(settings=SipSettings(), absent=("sip-auth-rejected", "sip-no-answer"), **GENERIC)],
         dns=SIP_DNS, sip="ok"),
    sip_loop("sip-udp-auth-rejected", "a SIP phone's password is wrong: 401 to its credentials", """\
Over UDP. The 401 after the credentials is the one that counts, the first is the challenge.""",
             "rejects", "udp", 401, "sip-auth-rejected", "register"),
    sip_loop("sip-tcp-forbidden", "a SIP phone's account is blocked: 403", """\
Over TCP, a new connection for each attempt.""",
             "forbids", "tcp", 403, "sip-forbidden", "connect"),
    Case("lync-sha256-old-firmware", "a Lync phone with firmware from before SHA-2 loops at the registrar", """\
Class CPE-OCPHONE at first, then DHCPINFORM as MS-UC-Client with options 43 and 120 in the answer; update and root
chain by HTTP 80 with the phone's User-Agent, 4.0.7577.4100, in the clear. The registrar's chain is SHA-256 with 2048
bits. After a drop the phone starts again at the registrar's SRV names.""",
         [refusing("cert-unsupported-signature", restarts_at="names", profile="lync-phone-edition", settings=LYNC,
                   runs=LyncPhone, absent=("cert-unsupported-key", *OTHER_CERTIFICATE_FAULTS))],
         certificates=Certificates(hash="sha256"), dns=LYNC_DNS),
    Case("lync-sha256-new-firmware", "the same site, a Lync phone with newer firmware: it signs in", """\
As lync-sha256-old-firmware; this phone is of 4.0.7577.4512, takes SHA-2, and stays signed in.""",
         [signing_in(profile="lync-phone-edition", settings=NEW_LYNC, runs=LyncPhone,
                     absent=("cert-unsupported-signature", "cert-unsupported-key", "dhcp-rogue-server"))],
         certificates=Certificates(hash="sha256"), dns=LYNC_DNS),
    Case("start-mid-login", "the capture begins in the middle of a login", """\
The founding case without its beginning: the first frame is the phone's question for the registrar's SRV record. DHCP,
time, directory and enrolment of the first attempt were not captured.""",
         [refusing("cert-unsupported-signature", contributing=("cert-unsupported-key",),
                   absent=("dhcp-no-offer", "ntp-no-answer", *OTHER_CERTIFICATE_FAULTS))],
         certificates=FOUNDING, cut="before", cut_at='dns.qry.name == "_sipinternaltls._tcp.contoso.com"'),
    Case("end-mid-login", "the capture ends right after the ClientHello", """\
The founding case up to its first ClientHello. What would have come next is not known: no judgement.""",
         [Device(verdict="incomplete", restarts_at=None, settings=Settings(attempts=1),
                 absent=("tls-no-answer", "cert-unsupported-signature", "tls-server-closed"))],
         certificates=FOUNDING, cut="after", cut_at="tls.handshake.type == 1"),
    Case("device-behind-router", "the phone is behind a router: its MAC is not in the capture", """\
The phone has a fixed address in 10.0.8.0/24; the capture is taken on the servers' side of the router. Every frame of
the phone bears the router's MAC, and there is no DHCP. The fault is the founding one.""",
         [refusing("cert-unsupported-signature", contributing=("cert-unsupported-key",), shown_as="ip",
                   address="10.0.8.23", absent=("dhcp-no-offer", *OTHER_CERTIFICATE_FAULTS),
                   settings=Settings(address=("10.0.8.23", BEHIND, DC)))],
         certificates=FOUNDING, routed=True, port="router"),
]

CASES = [*FOUNDING_CASES, *CERTIFICATE_CASES, *REGISTRAR_CASES, *EARLY_CASES, *DIRECTORY_CASES,
         *ENROLMENT_CASES, *OTHER_CASES, *cases_network.CASES, *cases_tls.CASES, *cases_web.CASES, *cases_sip.CASES,
         *cases_makers.CASES, *cases_pc.CASES, *cases_servers.CASES,
         *cases_opened.CASES, *cases_directory.CASES, *cases_vlan.CASES, *cases_ipv6.CASES]
