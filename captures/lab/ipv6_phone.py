"""A phone set to IPv6 alone: its kernel makes the address (RFC 4862), the script reads the router advertisement."""

import ipaddress
import json
import socket
import subprocess
import time

import dns
import network
from maker_phone import MakerPhone
from phone import Dropped

ROUTER_ADVERTISEMENT = 134
FIXED_PART = 16      # octets before the options (RFC 4861 section 4.2)
NAME_SERVERS = 25    # RFC 8106 section 5.1
FIRST = 6            # octets of that option, without kind and length, before the first address
PATIENCE = 8


class Ipv6Phone(MakerPhone):
    """It switches IPv6 on, and has what it needs when a router has advertised itself."""

    def get_address(self):
        if self.dns:
            return
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as listener:
            network.run("sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0", "net.ipv6.conf.eth0.disable_ipv6=0")
            server = _name_server(listener)
        self.ip = _own_address()
        self.dns = dns.Resolver(server, self.random)


def _name_server(listener):
    """The first of those that the router names."""
    ends = time.monotonic() + PATIENCE
    while (left := ends - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            message = listener.recv(1500)
        except TimeoutError:
            break
        if message[0] == ROUTER_ADVERTISEMENT and (servers := dict(_options(message)).get(NAME_SERVERS)):
            return socket.inet_ntop(socket.AF_INET6, servers[FIRST:FIRST + 16])
    raise Dropped("no router advertisement")


def _options(message):
    """Kind and content; lengths are in units of eight octets (RFC 4861 section 4.6)."""
    offset = FIXED_PART
    while offset + 2 <= len(message) and (size := message[offset + 1] * 8):
        yield message[offset], message[offset + 2:offset + size]
        offset += size


def _own_address():
    """The address of the advertised prefix, once nobody else has claimed it."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        listed = subprocess.run(["ip", "-json", "-6", "addr", "show", "dev", "eth0", "scope", "global", "-tentative"],
                                check=True, capture_output=True, text=True).stdout
        if found := [one["local"] for part in json.loads(listed) for one in part.get("addr_info", ()) if "local" in one]:
            return found[0]
        time.sleep(0.1)
    raise Dropped("no address")


def made_from(mac, prefix="2001:db8:4::"):
    """The address that a phone with this MAC makes (RFC 4291 appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    own = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.IPv6Address(ipaddress.IPv6Address(prefix).packed[:8] + own))
