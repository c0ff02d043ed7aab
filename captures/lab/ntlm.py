"""NTLM version 2 messages ([MS-NLMP] sections 2.2.1 and 3.3.2): made, read and checked."""

import hashlib
import hmac
import struct
import time

SIGNATURE = b"NTLMSSP\0"
FLAGS = 0xA2898205  # Unicode, NTLM, always sign, extended security, target info, version, 128, 56
VERSION = bytes.fromhex("0502ce0e0000000f")
EPOCH_1601 = 11644473600

DOMAIN, USER, WORKSTATION = "CONTOSO", "kim", "CPE-1A2B3C"
# The account's key: what a server holds in place of the password. The lab's own, of no meaning elsewhere.
ACCOUNT_KEY = hashlib.md5(b"loginloop lab account").digest()


def negotiate():
    return SIGNATURE + struct.pack("<II", 1, FLAGS) + bytes(16) + VERSION


def challenge(server_challenge, domain=DOMAIN, computer="CA01"):
    target, info = domain.encode("utf-16le"), _target_info(domain, computer)
    offset = 56
    return (SIGNATURE + struct.pack("<I", 2) + _field(target, offset) + struct.pack("<I", FLAGS)
            + server_challenge + bytes(8) + _field(info, offset + len(target)) + VERSION + target + info)


def authenticate(challenge_message, client_challenge, key=ACCOUNT_KEY, user=USER, domain=DOMAIN,
                 workstation=WORKSTATION):
    server_challenge = challenge_message[24:32]
    size, _, start = struct.unpack_from("<HHI", challenge_message, 40)
    info = challenge_message[start:start + size]
    blob = b"\1\1" + bytes(6) + _time_of(info) + client_challenge + bytes(4) + info + bytes(4)
    proof = _proof(key, user, domain, server_challenge, blob)
    fields = (bytes(24), proof + blob, domain.encode("utf-16le"), user.encode("utf-16le"),
              workstation.encode("utf-16le"), b"")
    header, payload, offset = b"", b"", 72
    for value in fields:
        header += _field(value, offset + len(payload))
        payload += value
    return SIGNATURE + struct.pack("<I", 3) + header + struct.pack("<I", FLAGS) + VERSION + payload


def is_valid(message, server_challenge, key=ACCOUNT_KEY):
    """The server's check of an authenticate message."""
    response, domain, user = (_value(message, at) for at in (20, 28, 36))
    proof = _proof(key, user.decode("utf-16le"), domain.decode("utf-16le"), server_challenge, response[16:])
    return hmac.compare_digest(proof, response[:16])


def kind(message):
    return struct.unpack_from("<I", message, 8)[0]


def _proof(key, user, domain, server_challenge, blob):
    version_2_key = hmac.digest(key, (user.upper() + domain).encode("utf-16le"), "md5")
    return hmac.digest(version_2_key, server_challenge + blob, "md5")


def _target_info(domain, computer):
    pairs = ((2, domain.encode("utf-16le")), (1, computer.encode("utf-16le")),
             (4, "contoso.com".encode("utf-16le")),
             (3, f"{computer.lower()}.contoso.com".encode("utf-16le")),
             (7, struct.pack("<Q", int((time.time() + EPOCH_1601) * 10_000_000))), (0, b""))
    return b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in pairs)


def _time_of(info):
    """The server's own time stamp is sent back ([MS-NLMP] section 3.1.5.1.2)."""
    while info:
        kind, size = struct.unpack_from("<HH", info)
        if kind == 7:
            return info[4:4 + size]
        info = info[4 + size:]
    return bytes(8)


def _field(value, offset):
    return struct.pack("<HHI", len(value), len(value), offset)


def _value(message, at):
    size, _, start = struct.unpack_from("<HHI", message, at)
    return message[start:start + size]
