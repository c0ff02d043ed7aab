"""Twenty phones behind one router, among other traffic: what other cases played, put side by side.

The phones of those cases get addresses of their own beyond the router, whose MAC then stands for all of them.
"""

import re
import struct
import tomllib
from dataclasses import dataclass, replace

import expect
import packets
from scenario import Device

BEHIND, HEALTHY, UNKNOWN = "device-behind-router", "sip-udp-generic-healthy", "sip-user-not-found"
ROUTER, SERVERS_SWITCH = bytes.fromhex("00155d040002"), bytes.fromhex("00155d04000c")
PLAYED = bytes([10, 0, 4, 23])
UDP, DHCP_PORTS = 17, {67, 68}
SECOND = 10**9
# G.711: 20 ms a packet, 160 octets behind the header of RTP.
RTP_PACKETS, RTP_EVERY = 40, SECOND // 50


@dataclass
class Crowd:
    """The case: a phone that loops as `BEHIND` does, two that the registrar does not know, seventeen that are well."""

    name: str = "twenty-behind-a-router"
    source: str = BEHIND
    story: str = "twenty phones behind one router, three of them loop, among calls and announcements"
    text: str = """\
All phones bear the router's MAC. One loops with the founding fault; two are users that the registrar does not know; seventeen
register and stay. Two of those have a call (RTP), and a PC announces itself (multicast DNS).

Put together by `captures/lab/crowd.py` from `device-behind-router`, `sip-user-not-found` and `sip-udp-generic-healthy`."""
    file_name: str = "capture.pcapng"

    @property
    def devices(self):
        """For the table of all captures."""
        return [Device(primary="cert-unsupported-signature"), Device(primary="sip-user-not-found"),
                Device(verdict="signed-in")]

    def make(self, captures, target):
        """Write the capture and its facts."""
        looping = packets.read(captures / BEHIND / "capture.pcapng")
        begin = looping[0].nanoseconds
        parts = [("10.0.8.23", looping)]
        for place in range(19):
            source, host = (UNKNOWN, 50 + place) if place < 2 else (HEALTHY, 50 + place)
            address = f"10.0.8.{host}"
            parts.append((address, _moved(packets.read(captures / source / "capture.pcapng"), address,
                                          begin + place * SECOND * 2 // 5)))
        noise = [*_call("10.0.8.60", "10.0.8.61", begin + 8 * SECOND), *_announcements("10.0.8.90", begin)]
        everything = [(packet, address) for address, part in parts for packet in part]
        everything += [(packet, None) for packet in noise]
        everything.sort(key=lambda one: one[0].nanoseconds)
        capture = target / self.file_name
        capture.write_bytes(packets.pcapng([packet for packet, _ in everything]))
        places = {(address, packet.number): number for number, (packet, address) in enumerate(everything, 1)}
        blocks = [_facts(captures, target, source, address, places)
                  for address, source in [("10.0.8.23", BEHIND), ("10.0.8.50", UNKNOWN), ("10.0.8.51", UNKNOWN),
                                          *((f"10.0.8.{host}", HEALTHY) for host in range(52, 69))]]
        (target / "expect.toml").write_text(expect.several(self.story, blocks))


def _facts(captures, target, source, address, places):
    text = (captures / source / "expect.toml").read_text()
    facts = tomllib.loads(text)["device"][0]
    facts.pop("mac", None)
    facts = {"ip": address} | facts
    if source == HEALTHY:
        return facts
    shown = re.search(r"^# tshark -Y '(.*)', (.*)$", text, re.MULTILINE)
    facts["filter"], facts["pick"] = f"{shown[1]} && ip.addr == {address}", shown[2]
    facts["drop_frames"] = [places[address, number] for number in facts["drop_frames"]]
    found = {number for number, _ in expect.frames(target / "capture.pcapng", facts["filter"])}
    if not set(facts["drop_frames"]) <= found:
        raise SystemExit(f"{address}: {facts['drop_frames']} are not among {sorted(found)}")
    return facts


def _moved(source, address, begin):
    """What the phone of a case said and heard beyond its link, as the phone with this address behind the router."""
    later = begin - source[0].nanoseconds
    moved = [_readdressed(packet, address) for packet in source if _is_routed(packet.data)]
    return [replace(packet, nanoseconds=packet.nanoseconds + later) for packet in moved]


def _is_routed(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != UDP or PLAYED not in (frame[26:30], frame[30:34]):
        return False
    return not DHCP_PORTS & set(struct.unpack_from("!HH", frame, 34))


def _readdressed(packet, address):
    frame, host = packet.data, address.encode()
    place = bytes(map(int, address.split(".")))
    source, destination = (place if end == PLAYED else end for end in (frame[26:30], frame[30:34]))
    ports = frame[34:38]
    payload = frame[42:].replace(b"10.0.4.23", host)
    # Another call than the others': the first letters of Call-ID, branch and tag.
    payload = re.sub(rb"(Call-ID: |branch=z9hG4bK|;tag=)..", lambda known: known[1] + host[-2:], payload)
    ends = ROUTER + frame[6:12] if source != place else frame[:6] + ROUTER
    return packet.with_data(_udp(ends, source, destination, ports, payload))


def _udp(ends, source, destination, ports, payload):
    length = len(payload) + 8
    head = struct.pack("!BBHHHBBH", 0x45, 0, length + 20, 0, 0x4000, 63, UDP, 0) + source + destination
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    body = ports + struct.pack("!HH", length, 0) + payload
    told = _checksum(source + destination + struct.pack("!BBH", 0, UDP, length) + body) or 0xFFFF
    return ends + b"\x08\x00" + head + body[:6] + struct.pack("!H", told) + body[8:]


def _checksum(octets):
    """RFC 1071."""
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _packet(nanoseconds, data):
    return packets.Packet(nanoseconds, data, len(data), 0)


def _call(one, other, begin):
    """Both directions of a call: RTP (RFC 3550), G.711."""
    for number in range(RTP_PACKETS):
        for source, destination, stream in ((one, other, 1), (other, one, 2)):
            head = struct.pack("!BBHII", 0x80, 0, number, number * 160, stream)
            place, target = (bytes(map(int, end.split("."))) for end in (source, destination))
            frame = _udp(SERVERS_SWITCH + ROUTER, place, target, struct.pack("!HH", 16384, 16384), head + b"\xff" * 160)
            yield _packet(begin + number * RTP_EVERY + stream, frame)


def _announcements(address, begin):
    """A PC that tells everybody its name."""
    place = bytes(map(int, address.split(".")))
    name = b"\x04desk\x05local\x00"
    told = struct.pack("!HHHHHH", 0, 0x8400, 0, 1, 0, 0) + name + struct.pack("!HHIH", 1, 0x8001, 120, 4) + place
    for number in range(5):
        frame = _udp(bytes.fromhex("01005e0000fb") + ROUTER, place, bytes([224, 0, 0, 251]), struct.pack("!HH", 5353, 5353), told)
        yield _packet(begin + number * 2 * SECOND + 7, frame)
