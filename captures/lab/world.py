"""From a case to its capture: hosts, servers, phones, and the dumpcap that watches them."""

import os
import shutil
import signal
import time

import certsrv
import dhcp as dhcp_servers
import dns
import expect
import kamailio
import kdc
import ldap
import nginx
import ntp
import pcapng
import pki
import pool_web
import registrar
import restart
import revocation
import sip_phone
import vlan
from lync_phone import LyncPhone
from network import Network, fork, run
from scenario import GATEWAY

DC, CA, POOL, TIME = "10.0.4.10", "10.0.4.11", "10.0.4.12", "10.0.4.13"
GATEWAY_MAC = "00:15:5d:04:00:01"
SERVER_MAC = "00:15:5d:04:00:{:02x}"
GATEWAY_6, DC_6, POOL_6 = "2001:db8:4::1", "2001:db8:4::10", "2001:db8:4::12"
DEAF = "10.0.4.14"  # answers no DNS
HOME_POOL = "10.0.4.15"
SECOND_DHCP, SECOND_MAC = "10.0.4.66", "00:15:5d:66:00:01"
OTHER_DHCP, OTHER_MAC = "10.0.30.1", "00:15:5d:30:00:01"
SQUATTER_MAC = "00:15:5d:77:00:01"
ROUTER, BEHIND = "10.0.4.2", "10.0.8.1"
ROUTER_MAC, BEHIND_MAC = "00:15:5d:04:00:02", "00:15:5d:08:00:01"
BACK_DNS_PORT = 5353
INSPECTION = ("CN=FGT60F-Root,OU=Certificate Authority,O=Fortinet", "CN=FG60FTK20099,OU=Certificate Authority,O=Fortinet")
FULL_LIST = 16384  # bytes of CAs that Windows servers send at most (KB 2464556)
HOMES = {"moved": "ok", "circle": "moved-back"}  # the home pool's route, by the first registrar's
# Option 43 for class MS-UC-Client: scheme, host, port and path of the certificate web service; option 120: the pool.
UC_OPTION_43 = ("MS-UC-Client", "https", "pool01.contoso.com", "443", "/CertProv/CertProvisioningService.svc")


def play(case, keys, folder):
    """Play a case. The folder then holds `capture.*`, a log per phone, and perhaps `keys.log`."""
    with Network(case.name) as network:
        network.gateway(GATEWAY_MAC, GATEWAY)
        for number, name in enumerate(("dc", "ca", "pool", "time")):
            network.host(name, SERVER_MAC.format(10 + number), f"10.0.4.{10 + number}")
        for device in case.devices:
            _plug_in(network, case, device)
        _start_servers(network, case, keys, folder)
        time.sleep(1.5)  # the servers open their ports; before the capture, so that it holds no trace of that
        network.capture(folder / f"capture.{case.file_format}", case.port, case.file_format)
        if case.restart:
            begin = _start_sip if case.kamailio else _start_registrar
            restart.later(network, case, folder, lambda: begin(network, case, folder))
        _play_phones(network, case, folder)


def _play_phones(network, case, folder):
    """Let the phones run; those that are signed in stay so until the capture has ended."""
    captured = fork.Event()
    ends = [fork.Event() for _ in case.devices]
    phones = [network.spawn(device.host, _phone, device, folder, end, captured)
              for device, end in zip(case.devices, ends)]
    for phone, end in zip(phones, ends):
        while not end.wait(0.5):
            if not phone.is_alive() and not end.is_set():
                raise SystemExit("a phone's script failed")
    network.stop_capture()
    captured.set()


def _phone(device, folder, end, captured):
    phone = device.runs(device.settings, folder / f"{device.host}.log", folder / "keys.log")

    def freeze(*_):
        """No connection may close before the capture has ended."""
        end.set()
        captured.wait()
        os._exit(0)

    signal.signal(signal.SIGALRM, freeze)
    phone.run()
    freeze()


def _plug_in(network, case, device):
    if case.routed:
        network.router("router", ROUTER_MAC, ROUTER, BEHIND_MAC, BEHIND, device.host)
        _set_address(network, device)
        for server in ("dc", "ca", "pool", "time"):
            network.route(server, ROUTER, "10.0.8.0/24")
        if case.nat:
            network.masquerade("router", "eth0")
    else:
        network.host(device.host, device.settings.mac, attached=case.access is None)
        if device.settings.address:
            _set_address(network, device)
    if case.phone_drops:
        network.filter_incoming(device.host, case.phone_drops)


def _set_address(network, device):
    """What a phone with a fixed address would have been given by hand."""
    own, gateway, _ = device.settings.address
    namespace = network.namespace(device.host)
    run("ip", "link", "set", "eth0", "address", device.settings.mac, "up", namespace=namespace)
    run("ip", "addr", "add", f"{own}/24", "dev", "eth0", namespace=namespace)
    network.route(device.host, gateway)


def _start_servers(network, case, keys, folder):
    if case.access:
        _start_vlans(network, case, folder)
    if case.ipv6:
        _start_ipv6(network)
    _start_dns_and_dhcp(network, case, folder)
    if case.ntp is not None:
        network.spawn("time", ntp.serve, TIME, case.ntp, case.ntp_synchronised)
    else:
        network.filter_incoming("time", "udp dport 123")
    if case.directory_drops:
        network.filter_incoming("dc", case.directory_drops, case.directory_verdict)
    network.spawn("dc", ldap.serve, DC, case.directory, "ca01.contoso.com", folder / "service.keytab")
    chains = _certificates(network, case.certificates, keys, folder)
    if case.certsrv in nginx.PAGES:
        nginx.page(network, "ca", CA, folder, case.certsrv)
    elif case.certsrv != "refused":
        network.spawn("ca", certsrv.serve, CA, case.certsrv, chains)
    if case.kamailio_tls == "crowded":
        (folder / "crowd.pem").write_text(pki.pem(*pki.crowd(keys.load("legacy", 2048), FULL_LIST)))
    _start_registrar(network, case, folder)
    _start_pool_services(network, case, chains)
    _start_sip(network, case, folder)
    if case.kerberos:
        kdc.start(network, "dc", DC, folder, case.kerberos)
    if case.restart:
        restart.watch(network, POOL)
    if case.files and not case.tftp:
        nginx.files(network, "pool", POOL, folder, case.files, case.files_mutual)
    if case.web_names:
        nginx.tokens(network, "pool", POOL, folder)
    if case.web_service:
        nginx.web_service(network, case.web_service, {"pool": POOL, "ca": CA}[case.web_service], folder)
    if case.updates:
        nginx.updates(network, "pool", POOL, folder, case.updates)
    if case.pool_loss:
        network.lose("pool", 5061, case.pool_loss)
    if case.pool_drops:
        network.filter_incoming("pool", case.pool_drops, case.pool_verdict)


def _start_dns_and_dhcp(network, case, folder):
    options = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv",
               "--no-hosts", "--bind-interfaces", "--interface=eth0", "--local=/contoso.com/", "--local=/windows.com/"]
    for name, value in case.dns.items():
        if isinstance(value, str):
            options.append(f"--host-record={name},{value}")
        else:
            options += [f"--srv-host={name},{target},{port}" for target, port in value]
    if case.dns_server == DEAF:
        network.host("deaf", SERVER_MAC.format(14), DEAF)
        network.filter_incoming("deaf", "udp dport 53")
    if case.broken_zone:
        options += [f"--port={BACK_DNS_PORT}", "--interface=lo"]
        network.spawn("dc", dns.forward_with_failures, DC, BACK_DNS_PORT, case.broken_zone)
    if case.dhcp in ("good", "one-address"):
        options += _dhcp_options(case)
    elif case.dhcp in ("refuses", "no-ack", "no-lease-time"):
        network.spawn("dc", dhcp_servers.offer_only, DC, case.devices[0].address, case.dhcp == "refuses", case.dhcp != "no-lease-time")
    if case.second_dhcp:
        options.append("--dhcp-reply-delay=1")
        _start_second_dhcp(network)
    if case.squatter:
        network.host("squatter", SQUATTER_MAC, case.devices[0].address)
    if case.tftp:
        options += ["--enable-tftp", f"--tftp-root={_tftp_folder(case, folder)}"]
    network.execute("dc", "dnsmasq", *options, *case.dhcp_more)


def _tftp_folder(case, folder):
    files = folder / "tftp"
    files.mkdir()
    for file in case.files:
        (files / file).write_bytes(b"configuration" * 100)
    return files


def _dhcp_options(case):
    leases = [f"--dhcp-host={device.settings.mac},{device.address}" for device in case.devices]
    pool = "10.0.4.100,10.0.4.200"
    if case.dhcp == "one-address":
        leases, pool = [], f"{case.devices[0].address},{case.devices[0].address}"
    vendor, servers = case.uc_options or (_uc_options(), bytes(1) + dns.encode_name("pool01.contoso.com"))
    # An option without a value is left out, where dnsmasq would else give its own address.
    given = [f"--dhcp-option=3{',' * bool(case.dhcp_gateway)}{case.dhcp_gateway}",
             f"--dhcp-option=6{',' * bool(case.dns_server)}{case.dns_server}", "--dhcp-option=15,contoso.com"]
    return [f"--dhcp-range={pool},255.255.255.0,8h", "--dhcp-authoritative", "--no-ping",
            "--dhcp-leasefile=/dev/null", *given, "--dhcp-vendorclass=set:uc,MS-UC-Client",
            f"--dhcp-option=tag:uc,43,{_hex(vendor)}", f"--dhcp-option=tag:uc,120,{_hex(servers)}", *leases]


def _start_vlans(network, case, folder):
    if case.access.other:
        network.host("other", OTHER_MAC, OTHER_DHCP, attached=False)
        network.execute("other", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0",
                        "--bind-interfaces", "--interface=eth0", "--no-ping", "--dhcp-authoritative", "--dhcp-leasefile=/dev/null",
                        "--dhcp-range=10.0.30.100,10.0.30.200,255.255.255.0,8h", f"--dhcp-option=6,{DC}")
    vlan.start(network, case.devices[0].host, case.devices[0].settings.mac, folder, case.access)


def _start_ipv6(network):
    """The gateway names the prefix, the name server and the domain (RFC 4861, RFC 8106), and gives out no addresses."""
    network.speak_ipv6("switch", "br0", GATEWAY_6, router=True)
    network.speak_ipv6("dc", "eth0", DC_6)
    network.speak_ipv6("pool", "eth0", POOL_6)
    network.execute("switch", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0",
                    "--bind-interfaces", "--interface=br0", "--enable-ra", "--dhcp-range=2001:db8:4::,ra-only",
                    "--dhcp-leasefile=/dev/null", f"--dhcp-option=option6:dns-server,[{DC_6}]",
                    "--dhcp-option=option6:domain-search,contoso.com")


def _start_second_dhcp(network):
    """A router for homes, plugged in by somebody: it gives out itself, and knows none of the site's names."""
    network.host("second", SECOND_MAC, SECOND_DHCP)
    network.execute("second", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
                    "--no-resolv", "--no-hosts", "--bind-interfaces", "--interface=eth0", "--local=/#/", "--no-ping",
                    "--dhcp-range=10.0.4.210,10.0.4.220,255.255.255.0,8h", "--dhcp-leasefile=/dev/null",
                    f"--dhcp-option=3,{SECOND_DHCP}", f"--dhcp-option=6,{SECOND_DHCP}", "--dhcp-option=15,home")


def _uc_options():
    return b"".join(bytes([code, len(value)]) + value.encode() for code, value in enumerate(UC_OPTION_43, 1))


def _hex(data):
    return data.hex(":")


def _certificates(network, wanted, keys, folder):
    """Write the registrar's chain and key, and what phones hold; return the bundle for the enrolment page."""
    site = pki.Authority(keys, wanted.size, wanted.hash)
    leaf_size = wanted.leaf_size or wanted.size
    leaf_key = keys.load("leaf", leaf_size)
    foreign = pki.Authority(keys, 2048, wanted.hash, ("Fabrikam Root CA", "Fabrikam Issuing CA"), "foreign-")
    inspection = pki.Authority(keys, 2048, wanted.hash, INSPECTION, "foreign-")
    issuer = {"foreign": foreign, "inspection": inspection}.get(wanted.leaf_from, site)
    if wanted.leaf_from == "itself":
        leaf = pki.self_signed(leaf_key, wanted.names, wanted.hash)
    else:
        leaf = issuer.leaf(leaf_key, wanted.names, *map(pki.days, wanted.valid), wanted.leaf_hash,
                           usage=wanted.usage, crl=wanted.crl, ocsp=wanted.ocsp)
    parts = {"leaf": leaf, "issuing": issuer.issuing, "root": issuer.root, "cross": site.cross_signed(keys)}
    (folder / "chain.pem").write_text(pki.pem(*(parts[part] for part in wanted.sends)))
    shutil.copy(keys.path("leaf", leaf_size), folder / "key.pem")
    if wanted.ocsp and wanted.responds:
        revocation.respond(network, "time", folder, keys, pki.pem(site.issuing), leaf, wanted.size)
    if wanted.list_is_there:
        (folder / "issuing.crl").write_bytes(revocation.list_of_none(site))
        nginx.revocation_list(network, "time", TIME, folder)
    (folder / "trusted.pem").write_text(pki.pem(site.root))
    (folder / "clients.pem").write_text(pki.pem(site.root, site.issuing))
    (folder / "makers.pem").write_text(pki.pem(foreign.root, foreign.issuing))
    own = foreign.leaf(keys.load("phone", 2048), ("0022ee5d4412",), pki.days(-300), pki.days(900), usage="client")
    (folder / "phone.pem").write_text(pki.pem(own, foreign.issuing))
    shutil.copy(keys.path("phone", 2048), folder / "phone-key.pem")
    for name, authority in (("server", site), ("stranger", foreign)):
        one = authority.leaf(keys.load("phone", 2048), ("edge.contoso.com",), pki.days(-300), pki.days(900), usage="both")
        (folder / f"{name}.pem").write_text(pki.pem(one, authority.issuing))
    (folder / "own.pem").write_text(pki.pem(pki.self_signed(leaf_key, wanted.names, wanted.hash)))
    (folder / "itself.pem").write_text(pki.pem(pki.self_signed(keys.load("phone", 2048), ("um01.contoso.com",), wanted.hash)))
    fetched = {"issuing": site.issuing, "root": site.root}
    return certsrv.bundle(*(pki.pem(fetched[part]) for part in wanted.bundle))


def _start_registrar(network, case, folder):
    if case.registrar.mode == "refused" or case.kamailio:
        return
    if case.registrar.mode == "sites":
        nginx.sites(network, "pool", POOL, folder)
        return
    settings = vars(case.registrar) | {"certificates": folder / "chain.pem", "key": folder / "key.pem"}
    port = 5060 if case.registrar.mode == "plain" else 5061
    network.registrar = network.spawn("pool", registrar.serve, POOL, port, settings)


def _start_pool_services(network, case, chains):
    if any(device.runs is LyncPhone for device in case.devices):
        network.spawn("pool", pool_web.serve, POOL, chains)


def _start_sip(network, case, folder):
    if case.kamailio:
        address = f"[{POOL_6}]" if case.ipv6 else POOL
        network.registrar = kamailio.start(network, "pool", address, folder, case.kamailio, case.kamailio_tls)
    if case.kamailio in HOMES:
        network.host("home", SERVER_MAC.format(15), HOME_POOL)
        kamailio.start(network, "home", HOME_POOL, folder, HOMES[case.kamailio])
    if case.sip:
        network.spawn("pool", sip_phone.serve_udp, POOL, case.sip)
        network.spawn("pool", sip_phone.serve_tcp, POOL, case.sip)


def keep(case, made, target):
    """Take over what belongs beside the case, cut to the piece that the case wants to show."""
    name = f"capture.{case.file_format}"
    if case.cut:
        _cut(case, made / name, target / name)
    else:
        shutil.copy(made / name, target / name)
    (target / name).chmod(0o644)  # dumpcap lets nobody else read
    if case.file_format == "pcapng":
        pcapng.forget_machine(target / name)
    if (made / "keys.log").exists() and case.secrets == "inside":
        (target / name).rename(made / "without-secrets")
        run("editcap", "--inject-secrets", f"tls,{made / 'keys.log'}", str(made / "without-secrets"), str(target / name))
    elif (made / "keys.log").exists():
        shutil.copy(made / "keys.log", target / "keys.log")


def _cut(case, source, target):
    """Keep the capture from, or up to, the first frame that `cut_at` finds."""
    first = expect.frames(source, case.cut_at)[0][0]
    last = expect.frames(source, "frame")[-1][0]
    wanted = f"{first}-{last}" if case.cut == "before" else f"1-{first}"
    run("editcap", "-r", str(source), str(target), wanted)
