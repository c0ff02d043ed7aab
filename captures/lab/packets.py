"""Packets of the lab's captures, read from pcapng, and written in the forms that the field has."""

import gzip
import struct
from dataclasses import dataclass, replace

SECTION_HEADER, INTERFACE, PACKET, RESOLUTION = 0x0A0D0D0A, 1, 6, 9
ETHERNET = 1


@dataclass
class Packet:
    """A frame: when, its bytes, how long it was on the wire, and its number in the source."""

    nanoseconds: int
    data: bytes
    length: int
    number: int

    def with_data(self, data):
        return replace(self, data=data, length=len(data))


def read(path):
    """The packets of a capture of the lab: little-endian pcapng, one interface."""
    data, packets, ticks = path.read_bytes(), [], 10**6
    while data:
        kind, size = struct.unpack_from("<II", data)
        block, data = data[:size], data[size:]
        if kind == INTERFACE:
            ticks = _ticks(block[16:-4])
        elif kind == PACKET:
            _, high, low, captured, length = struct.unpack_from("<IIIII", block, 8)
            when = (high << 32 | low) * 10**9 // ticks
            packets.append(Packet(when, block[28:28 + captured], length, len(packets) + 1))
    return packets


def _ticks(options):
    """Units of a second (option if_tsresol); microseconds where nothing is said."""
    while options:
        code, size = struct.unpack_from("<HH", options)
        if code == RESOLUTION:
            return 10 ** options[4]
        options = options[4 + (size + 3 & ~3):]
    return 10**6


def pcapng(packets, link_type=ETHERNET, snap_length=262144):
    blocks = [_block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
              _block(INTERFACE, struct.pack("<HHI", link_type, 0, snap_length) + struct.pack("<HHBxxx", RESOLUTION, 1, 9)
                     + struct.pack("<HH", 0, 0))]
    for packet in packets:
        head = struct.pack("<IIIII", 0, packet.nanoseconds >> 32, packet.nanoseconds & 0xFFFFFFFF, len(packet.data),
                           packet.length)
        blocks.append(_block(PACKET, head + packet.data + bytes(-len(packet.data) % 4)))
    return b"".join(blocks)


def _block(kind, body):
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def compressed(packets):
    """pcapng in gzip; no time in its header, so that the same packets give the same bytes."""
    return gzip.compress(pcapng(packets), mtime=0)


def big_endian_pcap(packets):
    """Classic pcap with nanoseconds, written by a big-endian machine."""
    whole = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, ETHERNET)
    return whole + b"".join(
        struct.pack(">IIII", packet.nanoseconds // 10**9, packet.nanoseconds % 10**9, len(packet.data), packet.length)
        + packet.data for packet in packets)
