"""BER as LDAP and X.509 use it (X.690): just enough to write and to walk it."""

NULL = b"\x05\x00"
SEQUENCE, SET, INTEGER, OCTETS, ENUMERATED, BOOLEAN = 0x30, 0x31, 0x02, 0x04, 0x0A, 0x01


def encode(tag, *parts):
    body = b"".join(parts)
    return bytes([tag]) + _length(len(body)) + body


def sequence(*parts):
    return encode(SEQUENCE, *parts)


def octets(value, tag=OCTETS):
    return encode(tag, value.encode() if isinstance(value, str) else value)


def integer(value, tag=INTEGER):
    return encode(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value):
    return encode(BOOLEAN, b"\xff" if value else b"\x00")


def decode(data):
    """The first element: its tag, its body, and what follows. None while bytes are missing."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    if size & 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        return None
    return data[0], data[start:start + size], data[start + size:]


def walk(data):
    """All elements, one after the other, as (tag, body)."""
    found = []
    while data:
        tag, body, data = decode(data)
        found.append((tag, body))
    return found


def _length(size):
    if size < 0x80:
        return bytes([size])
    encoded = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(encoded)]) + encoded
