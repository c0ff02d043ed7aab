"""Conditions of the field: the founding loop and its healthy twin once more, as other captures would show them.

Nothing is played again: the packets are those of the source, changed in one way. The same source gives the same bytes.
"""

import random
import re
import struct
import tomllib
from dataclasses import dataclass, field

import expect
import packets
from crowd import Crowd
from scenario import Device

LOOP, HEALTHY = "founding-loop-fin", "healthy-sha1-2048"
OPENED = "opened-not-admitted"
PHONE = bytes.fromhex("0004f21a2b3c")
VLAN_TAG = b"\x81\x00" + struct.pack("!H", 5 << 13 | 20)
SLL2 = 276
SNAP_LENGTH = 128
SILENCES = ("dhcp-no-offer", "dhcp-no-ack", "gateway-unreachable", "dns-no-answer", "ntp-no-answer", "directory-no-answer",
            "enrolment-no-answer", "tcp-no-answer", "tls-no-answer", "sip-no-answer", "path-loss", "path-mtu-black-hole")
CERTIFICATE_FAULTS = ("cert-unsupported-signature", "cert-unsupported-key", "cert-untrusted-issuer", "cert-weak",
                      "cert-name-mismatch", "cert-expired", "cert-not-yet-valid", "cert-missing-intermediate")


@dataclass
class Derived:
    """A capture made from another one, and which of its facts are other ones."""

    name: str
    source: str
    story: str
    text: str
    change: object                     # packets in, packets out
    write: object = packets.pcapng
    file_name: str = "capture.pcapng"
    notes: tuple = ()
    facts: dict = field(default_factory=dict)  # in place of the source's; None takes one away

    @property
    def devices(self):
        """For the table of all captures."""
        if self.source == HEALTHY:
            return [Device(verdict=self.facts.get("verdict", "signed-in"))]
        if self.source == OPENED:
            return [Device(primary=self.facts["primary"])]
        return [Device(primary=self.facts.get("primary", "cert-unsupported-signature"))]

    def make(self, captures, target):
        """Write the capture and its facts."""
        made = self.change(packets.read(captures / self.source / "capture.pcapng"))
        (target / self.file_name).write_bytes(self.write(made))
        text = (captures / self.source / "expect.toml").read_text()
        source = tomllib.loads(text)["device"][0]
        facts = source | {"absent": source["absent"] + list(SILENCES)} | self.facts
        shown = re.search(r"^# tshark -Y '(.*)', (.*)$", text, re.MULTILINE)
        if "filter" in self.facts:
            facts["drop_frames"] = [number for number, _ in expect.frames(target / self.file_name, facts["filter"])]
        elif shown:
            facts["filter"], facts["pick"] = shown[1], shown[2]
            numbers = {packet.number: number for number, packet in enumerate(made, 1)}
            facts["drop_frames"] = [numbers[number] for number in source["drop_frames"]]
            _check(target / self.file_name, facts)
        (target / "expect.toml").write_text(expect.derived(self.story, self.notes, facts))


def _check(capture, facts):
    """What was carried over by counting must be what tshark finds."""
    found = [number for number, _ in expect.frames(capture, facts["filter"])]
    if not set(facts["drop_frames"]) <= set(found):
        raise SystemExit(f"{capture}: {facts['drop_frames']} are not among {found}")


def tagged(source):
    return [packet.with_data(packet.data[:12] + VLAN_TAG + packet.data[12:]) for packet in source]


def on_any_interface(source):
    """`tcpdump -i any` on the phone's side of a bridge: Linux cooked capture, version 2."""
    return [packet.with_data(_cooked(packet.data)) for packet in source]


def _cooked(frame):
    kind = 1 if frame[0] & 1 else 0 if frame[6:12] != PHONE else 4
    return frame[12:14] + struct.pack("!HIHBB", 0, 3, 1, kind, 6) + frame[6:12] + bytes(2) + frame[14:]


def snapped(source):
    for packet in source:
        packet.data = packet.data[:SNAP_LENGTH]
    return source


def write_snapped(source):
    return packets.pcapng(source, snap_length=SNAP_LENGTH)


def write_cooked(source):
    return packets.pcapng(source, link_type=SLL2)


def mirrored(source):
    """Both sides of a port are mirrored: each packet comes again after four microseconds."""
    twice = []
    for packet in source:
        twice += [packet, packets.Packet(packet.nanoseconds + 4000, packet.data, packet.length, 0)]
    return sorted(twice, key=lambda packet: packet.nanoseconds)


def reordered(source):
    """One in four packets changes places with the next, where they are less than a millisecond apart."""
    order, chance, place = list(source), random.Random(1), 0
    while place + 1 < len(order):
        one, next_one = order[place:place + 2]
        if next_one.nanoseconds - one.nanoseconds < 10**6 and chance.random() < 0.25:
            one.nanoseconds, next_one.nanoseconds = next_one.nanoseconds, one.nanoseconds
            order[place:place + 2] = next_one, one
            place += 1
        place += 1
    return order


def from_phone_only(source):
    return [packet for packet in source if packet.data[6:12] == PHONE]


def same(source):
    return source


def both(name, story, text, change, loop=None, healthy=None, **more):
    """The condition on the loop and on its twin."""
    loop_facts, healthy_facts = loop or {}, healthy or {}
    return [Derived(f"{prefix}-{name}", source, f"{what} {story}", f"{text}\n\nDerived from `{source}` by `captures/lab/derive.py`.",
                    change, facts=facts, **more)
            for prefix, source, what, facts in (("loop", LOOP, "the founding loop,", loop_facts),
                                                ("healthy", HEALTHY, "its healthy twin,", healthy_facts))]


def _absent(*codes):
    """More codes that must not be said, beside the silences."""
    return [*codes, *SILENCES]


DERIVED = [
    *both("vlan-tags", "with VLAN tags", "Every frame bears an 802.1Q tag: VLAN 20, priority 5.", tagged),
    *both("any-interface", "captured on every interface at once", "Linux cooked capture, version 2 (`tcpdump -i any`).",
          on_any_interface, write=write_cooked),
    *both("snaplen-128", "cut after 128 bytes of each packet", """\
The certificates are cut off, and so are most DHCP options and all encrypted records. That the phone leaves the handshake
shows, again and again; nothing can be proven of the chain, and of a registration nothing can be judged.""",
          snapped, write=write_snapped, notes=("capture-truncated",),
          loop={"primary": None, "contributing": [],
                "absent": _absent(*CERTIFICATE_FAULTS, "clock-skew", "dhcp-missing-option", "tls-server-closed",
                                  "enrolment-bad-content", "enrolment-chain-incomplete")},
          healthy={"verdict": "incomplete",
                   "absent": _absent(*CERTIFICATE_FAULTS, "dhcp-missing-option", "enrolment-bad-content")}),
    *both("mirrored-twice", "each packet twice", """\
Both sides of the switch port are mirrored to the same place: every packet is there twice, four microseconds apart. The
copies are no retransmissions.""", mirrored),
    *both("reordered", "with packets in another order", """\
One in four packets that follow each other within a millisecond has changed places with the next, as where several queues
write one file.""", reordered),
    *both("one-way", "one direction only", """\
Only what the phone sends is in the capture. No answer can be seen, so that no silence can be concluded; that the phone
leaves in the handshake, before ClientKeyExchange, shows all the same; whether a registrar accepts it does not.""",
          from_phone_only, notes=("capture-one-sided",),
          loop={"primary": None, "contributing": [], "absent": _absent(*CERTIFICATE_FAULTS, "tls-server-closed")},
          healthy={"verdict": "incomplete", "absent": _absent(*CERTIFICATE_FAULTS)}),
    *both("gzip", "compressed", "gzip around pcapng.", same, write=packets.compressed, file_name="capture.pcapng.gz"),
    *both("nanosecond-big-endian", "in classic pcap of a big-endian machine", """\
Classic pcap, big-endian, with nanoseconds (magic a1b23c4d).""", same, write=packets.big_endian_pcap,
          file_name="capture.pcap"),
    Derived("sealed-not-admitted", OPENED, "a registrar wants a certificate that a GXP2170 does not have, and nothing opens TLS 1.3", """\
The same packets as in `opened-not-admitted`, without the secrets. By the lengths of the records the phone answers the server's
flight with something before its Finished, and all that the server says to that is as long as an alert. Derived by `captures/lab/derive.py`.""",
            same, facts={"primary": "tls-client-certificate-rejected", "drop": {"stage": "tls", "by": "server", "how": "alert"},
                         "filter": "tls.record.length == 19 && ip.src == 10.0.4.12", "pick": "all of them",
                         "absent": _absent("register-ended-encrypted", "tls-server-closed", *CERTIFICATE_FAULTS)}),
    Crowd(),
]
