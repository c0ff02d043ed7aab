"""Cases of a site with IPv6: the phone makes its address from what the router advertises."""

from cases_makers import SIP_DNS, TODAY, YEALINK
from ipv6_phone import Ipv6Phone, made_from
from maker_phone import MakerSettings
from scenario import CLEAR_NETWORK, Case, dropping, signing_in
from world import POOL_6

SAYS = {key: value for key, value in YEALINK.items() if key != "files"} | {"transport": "tls"}
NO_FAULT_OF_ADDRESSES = ("dhcp-no-offer", "gateway-unreachable", "dns-no-answer", "provision-no-server")
PHONE = {"profile": "yealink", "runs": Ipv6Phone, "address": made_from(SAYS["mac"])}
SITE = {"dns": SIP_DNS | {"pool01.contoso.com": POOL_6}, "certificates": TODAY, "kamailio": "ok", "ipv6": True}

CASES = [
    Case("ipv6-healthy", "a T46S with IPv6 alone makes its address from the router's prefix, and registers over TLS", """\
The phone is set to IPv6 and asks for no lease. It solicits a router, whose advertisement names the prefix and the name server (RFC 8106);
it makes its address from its MAC (RFC 4862) and asks whether anybody has it. SRV and AAAA lead to the registrar, which is in the same
network: neighbour discovery finds it. It registers over TLS 1.2, and keeps the connection.""",
         [signing_in(absent=(*NO_FAULT_OF_ADDRESSES, "tcp-refused", "sip-auth-rejected", *CLEAR_NETWORK),
                     settings=MakerSettings(**SAYS, stays=12, keep_alive=3), **PHONE)],
         kamailio_tls="plain", **SITE),
    Case("ipv6-refused", "a T46S with IPv6 alone finds its registrar's TLS port closed", """\
As ipv6-healthy up to the registrar's address. The registrar listens on 5060 alone: port 5061 answers each SYN with RST. The phone pauses,
and begins again with the look-up. The decisive frame is the RST.""",
         [dropping(("connect", "server", "rst"), f"tcp.flags.reset == 1 && ipv6.src == {POOL_6}", "tcp-refused", pick="last",
                   restarts_at="names", absent=(*NO_FAULT_OF_ADDRESSES, "tcp-no-answer", "icmp-unreachable", *CLEAR_NETWORK),
                   settings=MakerSettings(**SAYS, attempts=4), **PHONE)],
         **SITE),
]
