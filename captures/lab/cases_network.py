"""Cases of addresses, names and the way there. As everywhere: what is set up and what must hold."""

from lync_phone import LyncPhone
from phone import Settings
from sip_phone import PatientPhone, SipSettings
from scenario import Case, Certificates, OTHER_CERTIFICATE_FAULTS, dns, dropping, refusing, signing_in
from trust import Rules
from world import BEHIND, DC, POOL, ROUTER

LYNC_AGENT = "CPE/{0} OCPhone/{0} (Microsoft Lync Phone Edition)"
OLD_LYNC = {"mac": "00:04:f2:9c:10:44", "host_name": "CX600-9C1044", "vendor_class": b"CPE-OCPHONE"}
NEW_LYNC = {"mac": "00:04:f2:9c:10:51", "host_name": "CX600-9C1051", "vendor_class": b"CPE-OCPHONE",
            "user_agent": LYNC_AGENT.format("4.0.7577.4512"), "rules": Rules(("sha1", "sha256"), 4096)}
OFF_SITE_DNS = "10.0.9.10"
# The port as two octets, the pool as plain text: what a hand that knows neither form enters.
BAD_43 = b"\1\x0cMS-UC-Client\2\5https\3\x12pool01.contoso.com\4\2\x01\xbb\5\x25/CertProv/CertProvisioningService.svc"
BAD_120 = b"pool01.contoso.com"

ADDRESS_CASES = [
    Case("dhcp-missing-router", "the scope has no router, and the DNS server is in another network", """\
Address, mask and domain come, option 3 does not. The phone cannot send to its DNS server, 10.0.9.10: nothing leaves
it. It waits, gives its lease up and starts over with DISCOVER. The decisive frame is the ACK, the last answer that the
phone had.""",
         [dropping(("address", "device", "abandoned"), "dhcp.option.dhcp == 5", "dhcp-missing-option", pick="last",
                   restarts_at="address", absent=("dhcp-no-offer", "dhcp-no-ack", "dns-no-answer", "gateway-unreachable"),
                   settings=Settings(attempts=3, begins_at_dhcp=True, begins_again=0.5))],
         dhcp_gateway="", dns_server=OFF_SITE_DNS),
    Case("dhcp-missing-dns", "the scope has no DNS server", """\
Everything but option 6 comes. Every step of the phone begins with a name, so that nothing follows the lease but a
pause; it starts over with DISCOVER. The decisive frame is the ACK.""",
         [dropping(("address", "device", "abandoned"), "dhcp.option.dhcp == 5", "dhcp-missing-option", pick="last",
                   restarts_at="address", absent=("dhcp-no-offer", "dhcp-no-ack", "dns-no-answer", "gateway-unreachable"),
                   settings=Settings(attempts=3, begins_at_dhcp=True, begins_again=0.5))],
         dns_server=""),
    Case("dhcp-bad-option", "options 43 and 120 for the Lync phone's PIN sign-in have the wrong form", """\
The DHCP server answers the INFORM of class MS-UC-Client, but the port in option 43 is two octets instead of digits, and
option 120 is the pool's name as plain text, without the octet for its encoding. The phone finds no certificate web
service in it, and asks again. The decisive frame is the answer to the INFORM, the last that the phone had.""",
         [dropping(("address", "device", "abandoned"), "dhcp.option.dhcp == 5 && dhcp.ip.your == 0.0.0.0",
                   "dhcp-bad-option", pick="last", restarts_at="address", profile="lync-phone-edition", runs=LyncPhone,
                   absent=("dhcp-missing-option", "dhcp-rogue-server", "dhcp-no-ack", "enrolment-no-answer"),
                   settings=Settings(**OLD_LYNC, user_agent=LYNC_AGENT.format("4.0.7577.4100"), attempts=3,
                                     begins_again=1))],
         uc_options=(BAD_43, BAD_120), dns=dns(more={"ucupdates-r2.contoso.com": POOL})),
    Case("dhcp-rogue-server", "a router for homes answers DISCOVER too, and quicker, with itself as router and DNS server",
         """\
Two OFFERs with other routers, DNS servers and domains; the stranger's comes a second earlier, and the phone takes it.
The stranger's DNS server knows neither the site's names nor time.windows.com, so that the phone has no time server. It
starts over with DISCOVER. The decisive frame is the NXDOMAIN for time.windows.com.""",
         [dropping(("names", "server", "rejected"), 'dns.flags.rcode == 3 && dns.qry.name == "time.windows.com"',
                   "dhcp-rogue-server", pick="last", restarts_at="address",
                   absent=("dhcp-no-offer", "dhcp-missing-option", "ntp-no-answer", "dns-no-answer"),
                   settings=Settings(attempts=3, begins_at_dhcp=True, lingers=3))],
         second_dhcp=True),
    Case("dhcp-no-ack", "the DHCP server offers an address and never confirms it", """\
DISCOVER, OFFER, then three REQUESTs without an answer; DISCOVER again.""",
         [dropping(("address", "unknown", "timeout"), "dhcp.option.dhcp == 3", "dhcp-no-ack", pick="last",
                   restarts_at="address", absent=("dhcp-no-offer", "dhcp-nak", "dhcp-rogue-server"),
                   settings=Settings(attempts=3, begins_again=0.5))],
         dhcp="no-ack"),
    Case("dhcp-declined", "another host has the address that the server gives, for ever", """\
After the ACK the phone asks by ARP whether the address is free (RFC 5227). A host with a fixed address answers; the
phone declines and starts over. The scope has this one address left, so that the server gives it again.""",
         [dropping(("address", "device", "rejected"), "dhcp.option.dhcp == 4", "dhcp-declined", restarts_at="address",
                   absent=("dhcp-nak", "dhcp-no-ack", "dhcp-no-offer", "gateway-unreachable"),
                   settings=Settings(attempts=3, probes_address=True, begins_at_dhcp=True))],
         dhcp="one-address", squatter=True),
    Case("gateway-unreachable", "the router that DHCP names is not there", """\
Option 3 says 10.0.4.254, where nobody is; the DNS server is beyond it. The phone asks for the router's MAC again and
again, and starts over with DISCOVER. The decisive frame is the last ARP request for it.""",
         [dropping(("address", "unknown", "timeout"), "arp.opcode == 1 && arp.dst.proto_ipv4 == 10.0.4.254",
                   "gateway-unreachable", pick="last", restarts_at="address",
                   absent=("dhcp-missing-option", "dns-no-answer", "dhcp-no-offer"),
                   settings=Settings(attempts=3, begins_at_dhcp=True, begins_again=0.5))],
         dhcp_gateway="10.0.4.254", dns_server=OFF_SITE_DNS),
]

ADDRESS_CASES.append(
    Case("static-gateway-unreachable", "a phone with a fixed address, whose router is not there", """\
Address, router (10.0.4.254, where nobody is) and DNS server, which is beyond it, were entered by hand. The phone asks for the
router's MAC again and again, and nothing else ever leaves it. The decisive frame is the last ARP request for it.""",
         [dropping(("address", "unknown", "timeout"), "arp.opcode == 1 && arp.dst.proto_ipv4 == 10.0.4.254",
                   "gateway-unreachable", pick="last", restarts_at=None, verdict="dropped", profile="generic-sip", runs=PatientPhone,
                   absent=("dhcp-missing-option", "dns-no-answer", "dhcp-no-offer"),
                   settings=SipSettings(mac="64:16:7f:2a:10:51", address=("10.0.4.23", "10.0.4.254", OFF_SITE_DNS), attempts=1))]))

STRICT_NAMES = {name: [("pool01.corp.fabrikam.net", 5061)] for name in
                ("_sipinternaltls._tcp.contoso.com", "_sip._tls.contoso.com", "_sipinternal._tcp.contoso.com")}

PATH_CASES = [
    Case("dns-srv-target-mismatch", "the SRV records name a pool outside the SIP domain, and the firmware is strict", """\
A Lync phone of 4.0.7577.4512 signs in as of contoso.com; the SRV records lead to pool01.corp.fabrikam.net, which has an
address. The phone takes no target outside its domain: it opens no connection and goes on to sipinternal, sip and
sipexternal.contoso.com, which do not exist. The decisive frame is the last NXDOMAIN.""",
         [dropping(("names", "server", "rejected"),
                   'dns.flags.rcode == 3 && dns.qry.name == "sipexternal.contoso.com"', "dns-srv-target-mismatch",
                   restarts_at="names", profile="lync-phone-edition", runs=LyncPhone,
                   absent=("dns-srv-target-unresolved", "dns-no-answer", "tcp-no-answer", "dhcp-bad-option"),
                   settings=Settings(**NEW_LYNC, strict_domain=True, lingers=3))],
         dns=dns(more=STRICT_NAMES | {"pool01.corp.fabrikam.net": POOL, "ucupdates-r2.contoso.com": POOL})),
    Case("path-loss", "nearly all packets between phone and pool are lost once the connection stands", """\
The SYNs pass, then 97 of 100 packets vanish, in both directions and of all sizes. The hello is sent again and again; the
phone gives up after 10 s. Other servers are near and not affected. The decisive frame is the last copy of the hello.""",
         [dropping(("tls", "network", "timeout"), "ip.src == {ip} && tcp.dstport == 5061 && tcp.len > 0", "path-loss",
                   pick="last", absent=("path-mtu-black-hole", "tcp-no-answer", "cert-unsupported-signature"),
                   settings=Settings(attempts=3, resets=True, begins_again=0.3))],
         pool_loss=97),
    Case("device-behind-nat", "the phone is behind a router that translates addresses", """\
As device-behind-router, but the router gives the phone's packets its own address (10.0.4.2) and ports of its own. The
capture is taken on the servers' side. The fault is the founding one.""",
         [refusing("cert-unsupported-signature", contributing=("cert-unsupported-key",), shown_as="ip", address=ROUTER,
                   absent=("dhcp-no-offer", *OTHER_CERTIFICATE_FAULTS),
                   settings=Settings(address=("10.0.8.23", BEHIND, DC)))],
         certificates=Certificates(size=4096, hash="sha256"), routed=True, nat=True, port="router"),
    Case("healthy-behind-nat", "its healthy twin: a phone behind a router that translates addresses signs in", """\
As device-behind-nat, with SHA-1 and RSA-2048.""",
         [signing_in(shown_as="ip", address=ROUTER, absent=("dhcp-no-offer", "cert-weak", *OTHER_CERTIFICATE_FAULTS),
                     settings=Settings(address=("10.0.8.23", BEHIND, DC)))],
         routed=True, nat=True, port="router"),
]

# So many records are too long for a datagram of 512 octets (RFC 1035 section 4.2.1).
MANY = {"_sipinternaltls._tcp.contoso.com": [(f"pool{number:02}.front-ends.contoso.com", 5061) for number in range(1, 15)]}
MANY |= {target: POOL for target, _ in MANY["_sipinternaltls._tcp.contoso.com"]}


def long_answer(name, story, text, device, **case):
    return Case(name, story, text, [device], dns=dns(more=MANY), certificates=Certificates(names=("pool01.front-ends.contoso.com",)), **case)


def not_over_tcp(by, how, decisive):
    return dropping(("names", by, how), decisive, "dns-no-answer", pick="last",
                    absent=("dns-name-not-found", "dns-server-error"), says=("TCP 53",),
                    settings=Settings(attempts=3, begins_again=0.3))


LONG_ANSWER_CASES = [
    long_answer("dns-tcp-refused", "an answer too long for UDP, and the name server's TCP port 53 refuses", """\
The SRV records of fourteen front ends do not fit into a datagram: the answer is truncated. The phone asks again over TCP, as it
must, and gets RST. It comes no further. The decisive frame is the RST.""",
                not_over_tcp("server", "rst", f"tcp.flags.reset == 1 && ip.src == {DC} && tcp.srcport == 53"),
                directory_drops="tcp dport 53", directory_verdict="reject with tcp reset"),
    long_answer("dns-tcp-silent", "an answer too long for UDP, and a firewall drops TCP 53", """\
As dns-tcp-refused, but nothing comes back to the SYNs. The decisive frame is the last of them.""",
                not_over_tcp("network", "timeout", f"tcp.flags.syn == 1 && ip.dst == {DC} && tcp.dstport == 53"),
                directory_drops="tcp dport 53"),
    long_answer("dns-tcp-healthy", "its healthy twin: the whole answer comes over TCP", "The phone signs in at the first of the front ends.",
                signing_in(absent=("dns-no-answer", "tcp-refused"))),
]

CASES = [*ADDRESS_CASES, *PATH_CASES, *LONG_ANSWER_CASES]
