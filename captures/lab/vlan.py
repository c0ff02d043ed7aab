"""A switch port with VLANs: tags (IEEE 802.1Q), and how a switch and a phone tell each other of the voice VLAN (LLDP-MED, CDP).

The kernel need know nothing of VLANs: a process puts the tags on and takes them off. It is the phone's network card and the
switch's port in one, with the cable between them, so that what passes on that can be captured.
"""

import os
import select
import socket
import struct
import time

import dhcp

TAG, LLDP = b"\x81\x00", b"\x88\xcc"
TO_LLDP, TO_CDP = bytes.fromhex("0180c200000e"), bytes.fromhex("01000ccccccc")
CDP_SNAP = bytes.fromhex("aaaa0300000c2000")
TIA, CAPABILITIES, POLICY = b"\x00\x12\xbb", 1, 2
TELEPHONE = 0x0024  # and bridge, for the PC behind it
VOICE = 1
CDP_DEVICE, CDP_PORT, CDP_CAPABILITIES, CDP_SOFTWARE, CDP_PLATFORM, CDP_NATIVE, CDP_VOICE, CDP_ASKS = 1, 3, 4, 5, 6, 10, 14, 15
PORT, TRUNK = "wire", "trunk"  # the switch's end of the cable, and the phone's
PORT_MAC = "00:15:5d:04:00:f0"
SWITCH, PORT_NAME = "sw-3f-02", "GigabitEthernet1/0/12"
PLATFORM, SOFTWARE = "cisco WS-C2960X-24PS-L", "Cisco IOS Software, C2960X Software, Version 15.2(7)E2"
LLDPD = """\
configure system hostname {switch}
configure system description "{software}"
configure lldp portidsubtype local {port}
configure lldp tx-interval {every}
configure med policy application voice tagged vlan {vlan} priority voice dscp 46
"""


def start(network, host, mac, folder, access):
    """The port, what is behind it, and what the switch says of its voice VLAN."""
    network.patch_cable(PORT, TRUNK, PORT_MAC)
    network.patch_cable("lan", "uplink", attached="uplink")
    lans = {access.site: "lan"} | ({access.other: "other"} if access.other else {})
    network.spawn("switch", _forward, folder / "vlan", host, dhcp.mac_bytes(mac), lans)
    if access.lldp:
        text = LLDPD.format(switch=SWITCH, software=SOFTWARE, port=PORT_NAME, every=access.every, vlan=access.lldp)
        (folder / "lldpd.conf").write_text(text)
        folder.chmod(0o711)  # lldpd gives up its rights, and must find its socket there
        network.execute("switch", "lldpd", "-d", "-i", "-M", "4", "-I", PORT, "-u", str(folder / "lldpd"), "-O", str(folder / "lldpd.conf"))
    if access.cdp:
        network.spawn("switch", _announce, access.cdp, access.every)


def use(file, vlan):
    """From now on the phone's frames are of this VLAN."""
    new = file.with_suffix(".new")
    new.write_text(str(vlan))
    os.replace(new, file)


class Neighbour:
    """What a phone says to its switch, and hears of it."""

    def __init__(self, mac):
        self.mac = dhcp.mac_bytes(mac)
        self.socket = _raw("eth0")

    def speak(self, name, description, by_cdp=False):
        """The question for the voice VLAN: a policy of which nothing is known, or the query of CDP."""
        address = b"\5\1" + bytes(4)
        said = (_tlv(1, address) + _tlv(2, b"\3" + self.mac) + _tlv(3, struct.pack("!H", 120)) + _tlv(5, name.encode())
                + _tlv(6, description.encode()) + _tlv(7, struct.pack("!HH", TELEPHONE, TELEPHONE))
                + _media(CAPABILITIES, b"\x00\x33\x03") + _media(POLICY, struct.pack("!BBH", VOICE, 0x80, 0)) + _tlv(0, b""))
        self.socket.send((TO_LLDP + self.mac + LLDP + said).ljust(60, b"\0"))
        if by_cdp:
            asks = {CDP_DEVICE: name.encode(), CDP_PORT: b"Port 1", CDP_CAPABILITIES: struct.pack("!I", 0x90),
                    CDP_PLATFORM: description.encode(), CDP_ASKS: b"\x20\x02\x00\x01"}
            self.socket.send(_cdp(self.mac, asks))

    def hears(self, seconds, but=None):
        """The voice VLAN that the next announcement names; None if there is none in that time. One VLAN may be passed over."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            frame, address = self.socket.recvfrom(2048)
            vlan = _announced(frame) if address[2] != socket.PACKET_OUTGOING else None
            if vlan and vlan != but:
                return vlan
        return None

    def forget(self):
        """What was heard up to now does not count."""
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(2048)


def _forward(file, host, mac, lans):
    """Frames of the phone get the tag of its VLAN, those of a VLAN its own; in the right one they reach each other."""
    phone, trunk, port = _raw(host), _raw(TRUNK), _raw(PORT)
    behind = {vlan: _raw(name) for vlan, name in lans.items()}
    while True:
        for ready in select.select([phone, trunk, *behind.values()], [], [])[0]:
            frame, address = ready.recvfrom(2048)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            vlan = int(file.read_text()) if file.exists() else 0
            if _is_neighbourly(frame):
                if ready in (phone, trunk):
                    (trunk if ready is phone else phone).send(frame)
            elif ready is phone:
                trunk.send(_tagged(frame, vlan))
                if vlan in behind:
                    behind[vlan].send(frame)
            elif ready is not trunk and (frame[:6] == mac or frame[0] & 1):
                own = next(one for one, lan in behind.items() if lan is ready)
                port.send(_tagged(frame, own))
                if own == vlan:
                    phone.send(frame)


def _announce(vlan, every):
    """CDP of the switch; it begins half an interval after LLDP."""
    port = _raw(PORT)
    said = {CDP_DEVICE: SWITCH.encode(), CDP_PORT: PORT_NAME.encode(), CDP_CAPABILITIES: struct.pack("!I", 0x28),
            CDP_SOFTWARE: SOFTWARE.encode(), CDP_PLATFORM: PLATFORM.encode(), CDP_NATIVE: struct.pack("!H", 1),
            CDP_VOICE: struct.pack("!BH", 1, vlan)}
    time.sleep(every / 2)
    while True:
        port.send(_cdp(dhcp.mac_bytes(PORT_MAC), said))
        time.sleep(every)


def _announced(frame):
    """The voice VLAN that a frame of the switch names."""
    if frame[:6] == TO_CDP:
        rest = frame[26:14 + struct.unpack_from("!H", frame, 12)[0]]
        while len(rest) >= 4:
            kind, size = struct.unpack_from("!HH", rest)
            if kind == CDP_VOICE:
                return struct.unpack_from("!H", rest, 5)[0]
            rest = rest[size:]
    elif frame[12:14] == LLDP:
        rest = frame[14:]
        while len(rest) >= 2 and (head := struct.unpack_from("!H", rest)[0]):
            value, rest = rest[2:2 + (head & 0x1FF)], rest[2 + (head & 0x1FF):]
            if head >> 9 == 127 and value[:5] == TIA + bytes([POLICY, VOICE]):
                return int.from_bytes(value[5:8], "big") >> 9 & 0xFFF
    return None


def _tlv(kind, value):
    return struct.pack("!H", kind << 9 | len(value)) + value


def _media(kind, value):
    """A part of LLDP-MED (ANSI/TIA-1057 section 10.2)."""
    return _tlv(127, TIA + bytes([kind]) + value)


def _cdp(mac, parts):
    body = b"".join(struct.pack("!HH", kind, 4 + len(value)) + value for kind, value in parts.items())
    body = struct.pack("!BBH", 2, 180, dhcp.checksum(b"\2\xb4\0\0" + body)) + body
    return (TO_CDP + mac + struct.pack("!H", len(CDP_SNAP) + len(body)) + CDP_SNAP + body).ljust(60, b"\0")


def _tagged(frame, vlan):
    """With the tag of a VLAN, of priority 0; or as it is."""
    return frame[:12] + TAG + struct.pack("!H", vlan) + frame[12:] if vlan else frame


def _is_neighbourly(frame):
    """What goes no further than the next switch."""
    return frame[12:14] == LLDP or frame[:6] == TO_CDP


def _raw(interface):
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    opened.bind((interface, 0))
    return opened
