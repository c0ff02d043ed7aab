"""DHCP messages (RFC 2131, RFC 2132), the phone's client, and servers that misbehave."""

import random
import socket
import struct
import subprocess
import time

COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, INFORM = 1, 2, 3, 4, 5, 6, 8
BROADCAST = "255.255.255.255"


class NoLease(Exception):
    """No server gave an address."""


def message(op, kind, xid, mac, options, client="0.0.0.0", your="0.0.0.0", seconds=0):
    header = struct.pack("!BBBBIHH", op, 1, 6, 0, xid, seconds, 0)
    addresses = b"".join(map(socket.inet_aton, (client, your, "0.0.0.0", "0.0.0.0")))
    body = b"".join(bytes([code, len(value)]) + value for code, value in [(53, bytes([kind])), *options])
    whole = header + addresses + mac_bytes(mac).ljust(16, b"\0") + bytes(192) + COOKIE + body + b"\xff"
    return whole.ljust(300, b"\0")  # the least size of BOOTP (RFC 1542 section 2.1)


def parse(data):
    """A message as a dictionary of what the lab looks at."""
    options, rest = {}, data[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        code, size = rest[0], rest[1]
        options[code] = options.get(code, b"") + rest[2:2 + size]
        rest = rest[2 + size:]
    return {"op": data[0], "xid": struct.unpack("!I", data[4:8])[0], "your": socket.inet_ntoa(data[16:20]),
            "client": socket.inet_ntoa(data[12:16]), "mac": data[28:34].hex(":"),
            "kind": options.get(53, b"\0")[0], "options": options}


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


class Client:
    """A client that has no address yet, so it writes whole Ethernet frames."""

    # Field phones wait 4, 8, 16… seconds (RFC 2131 section 4.1); the lab is in more of a hurry.
    waits = (1.5, 3, 4)

    def __init__(self, mac, options, seed, interface="eth0", probes=False, needs=(), waits=waits):
        self.mac, self.options, self.interface, self.probes, self.needs = mac, options, interface, probes, needs
        self.waits = waits
        self.random = random.Random(seed)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((interface, 0))
        if probes:
            self.listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
            self.listener.bind((interface, 0))

    def lease(self):
        """DISCOVER, OFFER, REQUEST, ACK; the address is set on the interface and announced."""
        xid = self.random.getrandbits(32)
        offer = self._ask(DISCOVER, xid, [], {OFFER})
        wanted = [(50, socket.inet_aton(offer["your"])), (54, offer["options"][54])]
        answer = self._ask(REQUEST, xid, wanted, {ACK, NAK})
        if answer["kind"] == NAK:
            raise NoLease("refused")
        if self.probes and self._is_taken(answer["your"]):
            given_back = [(61, b"\1" + mac_bytes(self.mac)), (50, socket.inet_aton(answer["your"])),
                          (54, answer["options"][54])]
            self._broadcast(message(1, DECLINE, self.random.getrandbits(32), self.mac, given_back))
            raise NoLease("the address is in use")
        self._configure(answer)
        return answer

    def inform(self, address, vendor_class, parameters):
        """Ask for more options for an address already held (RFC 2131 section 3.4)."""
        xid = self.random.getrandbits(32)
        options = [(61, b"\1" + mac_bytes(self.mac)), (60, vendor_class), (55, bytes(parameters))]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface.encode() + b"\0")
            sender.bind((address, 68))
            sender.sendto(message(1, INFORM, xid, self.mac, options, client=address), (BROADCAST, 67))
            return self._receive(xid, {ACK}, 3)

    def _ask(self, kind, xid, more, wanted):
        started = time.monotonic()
        for wait in self.waits:
            seconds = int(time.monotonic() - started)
            options = [(61, b"\1" + mac_bytes(self.mac)), *more, *self.options]
            self._broadcast(message(1, kind, xid, self.mac, options, seconds=seconds))
            answer = self._receive(xid, wanted, wait)
            if answer:
                return answer
        raise NoLease("silence")

    def _broadcast(self, payload):
        udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
        pseudo = bytes(4) + b"\xff" * 4 + struct.pack("!BBH", 0, 17, len(udp))
        udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp)) + udp[8:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), self.random.getrandbits(16), 0, 128, 17, 0)
        ip += bytes(4) + b"\xff" * 4
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.socket.send(b"\xff" * 6 + mac_bytes(self.mac) + b"\x08\x00" + ip + udp)

    def _receive(self, xid, wanted, wait):
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame = self.socket.recv(2048)
            except TimeoutError:
                return None
            if frame[23] == 17 and frame[34:38] == struct.pack("!HH", 67, 68):
                answer = parse(frame[42:])
                if answer["xid"] == xid and answer["kind"] in wanted and all(code in answer["options"] for code in self.needs):
                    return answer
        return None

    def _configure(self, answer):
        address, options = answer["your"], answer["options"]
        prefix = bin(int.from_bytes(options[1], "big")).count("1")
        ip("addr", "flush", "dev", self.interface)
        ip("addr", "add", f"{address}/{prefix}", "dev", self.interface)
        if 3 in options:
            ip("route", "replace", "default", "via", socket.inet_ntoa(options[3][:4]))
        self.announce(address)

    def _is_taken(self, address):
        """ARP probes (RFC 5227 section 2.1.1): does another host answer for the address?"""
        for _ in range(3):
            self._arp("0.0.0.0", address)
            self.listener.settimeout(0.5)
            try:
                while self.listener.recv(2048)[28:32] != socket.inet_aton(address):
                    continue
            except TimeoutError:
                continue
            return True
        return False

    def announce(self, address):
        """An ARP announcement (RFC 5227 section 2.3)."""
        self._arp(address, address)

    def _arp(self, sender, target):
        own = mac_bytes(self.mac)
        arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + socket.inet_aton(sender)
        arp += bytes(6) + socket.inet_aton(target)
        self.socket.send(b"\xff" * 6 + own + b"\x08\x06" + arp)


def offer_only(address, offered, refuses, lease_time=True):
    """A server that offers an address and then refuses it (its lease file and its scope disagree), or says no more."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    server.bind(("0.0.0.0", 67))
    identity = (54, socket.inet_aton(address))
    while True:
        asked = parse(server.recv(2048))
        if asked["kind"] == DISCOVER:
            options = [identity, (51, struct.pack("!I", 86400)), (1, bytes([255, 255, 255, 0]))]
            options = [option for option in options if lease_time or option[0] != 51]
            answer = message(2, OFFER, asked["xid"], asked["mac"], options, your=offered)
        elif not refuses:
            continue
        else:
            reason = (56, b"address not available")
            answer = message(2, NAK, asked["xid"], asked["mac"], [identity, reason])
        server.sendto(answer, (BROADCAST, 68))


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) & 1 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF
