"""Take the machine out of a pcapng file: its processor and kernel are no part of the story."""

import struct

SECTION_HEADER, INTERFACE = 0x0A0D0D0A, 1
# Where the options of a block begin, and which of them name the machine (pcapng sections 4.1 and 4.2).
FIXED_SIZE = {SECTION_HEADER: 24, INTERFACE: 16}
MACHINE_OPTIONS = {SECTION_HEADER: (2, 3), INTERFACE: (12,)}


def forget_machine(path):
    """Rewrite the file in place. It is little-endian: the lab wrote it."""
    data, kept = path.read_bytes(), b""
    while data:
        kind, size = struct.unpack_from("<II", data)
        block, data = data[:size], data[size:]
        kept += _without_machine(kind, block) if kind in FIXED_SIZE else block
    path.write_bytes(kept)


def _without_machine(kind, block):
    start = FIXED_SIZE[kind]
    body, options = block[8:start], block[start:-4]
    while options:
        code, size = struct.unpack_from("<HH", options)
        padded = 4 + (size + 3 & ~3)
        if code not in MACHINE_OPTIONS[kind]:
            body += options[:padded]
        options = options[padded:]
    size = struct.pack("<I", len(body) + 12)
    return block[:4] + size + body + size
