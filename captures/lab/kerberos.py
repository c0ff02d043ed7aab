"""Kerberos 5 (RFC 4120) with RC4-HMAC (RFC 4757) for a phone of the time: tickets from a KDC, and what a service makes of one.

Written by hand because the libraries of today correct their clock by the KDC's answer, and have types that this phone lacks.
"""

import calendar
import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher

import ber

PORT = 88
RC4_HMAC, DES_CBC_MD5, DES_CBC_CRC = 23, 3, 1
HMAC_MD5 = -138
PREAUTH_REQUIRED = 25
PRINCIPAL, SERVICE = 1, 2
AS_REQUEST, TGS_REQUEST, AP_REQUEST, ERROR = 0x6A, 0x6C, 0x6E, 0x7E
AUTHENTICATOR, TIME, TEXT = 0x62, 0x18, 0x1B
PA_TGS_REQUEST, PA_ENC_TIMESTAMP, PA_PAC_REQUEST = 1, 2, 128
# What a key is used for (RFC 4120 section 7.5.1, with the one number that RFC 4757 section 3 has for replies).
USE_TIMESTAMP, USE_TICKET, USE_BODY, USE_GRANTING, USE_REPLY, USE_SERVICE = 1, 2, 6, 7, 8, 11
FORWARDABLE_RENEWABLE_OK = 0x40000010
FAR_FUTURE = "20370913024805Z"
TRIES = (1, 2, 3)  # seconds that each copy of a request is waited for
TOLERANCE = 300

KERBEROS = bytes.fromhex("06092a864886f712010202")
KERBEROS_OF_WINDOWS = bytes.fromhex("06092a864882f712010202")
SPNEGO = bytes.fromhex("06062b0601050502")
GSS_CHECKSUM, GSS_AP_REQUEST = 0x8003, b"\1\0"


class Refused(Exception):
    """The KDC's error, or its silence."""


class Client:
    """The user of a device, and how it gets a ticket for a service."""

    etypes = (RC4_HMAC, DES_CBC_MD5, DES_CBC_CRC)

    def __init__(self, kdc, user, realm, key, clock, random):
        self.kdc, self.user, self.realm, self.key, self.clock, self.random = kdc, user, realm, key, clock, random

    def request_for(self, *service):
        """A ticket-granting ticket, one for the service, and the AP-REQ for it."""
        wants_rights = _padata(PA_PAC_REQUEST, ber.sequence(_at(0, ber.boolean(True))))
        body = self._body(("krbtgt", self.realm), _at(1, _name(PRINCIPAL, self.user)))
        try:
            answer = self._ask(AS_REQUEST, wants_rights, body)
        except Refused as reason:
            if reason.args[0] != PREAUTH_REQUIRED:
                raise
            answer = self._ask(AS_REQUEST, _padata(PA_ENC_TIMESTAMP, self._timestamp()) + wants_rights, body)
        ticket, key = _opened(answer, self.key)
        body = self._body(service)
        checksum = _checksum(HMAC_MD5, _keyed_hash(key, USE_BODY, body))
        asked_with = _padata(PA_TGS_REQUEST, self._ap_request(ticket, key, USE_GRANTING, checksum))
        ticket, key = _opened(self._ask(TGS_REQUEST, asked_with, body), key)
        return self._ap_request(ticket, key, USE_SERVICE, _checksum(GSS_CHECKSUM, struct.pack("<I16xI", 16, 0)))

    def _ask(self, kind, padata, body):
        """The parts of the answer; over UDP the request is repeated."""
        request = ber.encode(kind, ber.sequence(_at(1, ber.integer(5)), _at(2, ber.integer(kind & 0x1F)),
                                                _at(3, ber.sequence(padata)), _at(4, body)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.connect((self.kdc, PORT))
            for wait in TRIES:
                connection.send(request)
                connection.settimeout(wait)
                try:
                    return _answer(connection.recv(4096))
                except TimeoutError:
                    continue
        raise Refused("silence")

    def _body(self, service, *client):
        return ber.sequence(_at(0, ber.encode(0x03, b"\0" + FORWARDABLE_RENEWABLE_OK.to_bytes(4, "big"))), *client,
                            _at(2, ber.octets(self.realm, TEXT)), _at(3, _name(SERVICE, *service)),
                            _at(5, ber.octets(FAR_FUTURE, TIME)), _at(7, ber.integer(self.random.getrandbits(31))),
                            _at(8, ber.sequence(*map(ber.integer, self.etypes))))

    def _timestamp(self):
        seconds, microseconds = self._now()
        return _sealed(self.key, USE_TIMESTAMP, ber.sequence(_at(0, seconds), _at(1, microseconds)))

    def _ap_request(self, ticket, key, use, checksum):
        seconds, microseconds = self._now()
        authenticator = ber.encode(AUTHENTICATOR, ber.sequence(
            _at(0, ber.integer(5)), _at(1, ber.octets(self.realm, TEXT)), _at(2, _name(PRINCIPAL, self.user)), _at(3, checksum),
            _at(4, microseconds), _at(5, seconds)))
        return ber.encode(AP_REQUEST, ber.sequence(
            _at(0, ber.integer(5)), _at(1, ber.integer(14)), _at(2, ber.encode(0x03, bytes(5))), _at(3, ticket),
            _at(4, _sealed(key, use, authenticator))))

    def _now(self):
        now = self.clock()
        return ber.octets(time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now)), TIME), ber.integer(int(now % 1 * 10**6))


def negotiation(request):
    """An AP-REQ as the first token of SPNEGO (RFC 4178 section 4.2.1, RFC 4121 section 4.1)."""
    token = ber.encode(0x60, KERBEROS, GSS_AP_REQUEST, request)
    offer = ber.sequence(_at(0, ber.sequence(KERBEROS_OF_WINDOWS, KERBEROS)), _at(2, ber.octets(token)))
    return ber.encode(0x60, SPNEGO, _at(0, offer))


def completed():
    """A service's last word in SPNEGO: accept-completed, by Kerberos."""
    return _at(1, ber.sequence(_at(0, ber.integer(0, ber.ENUMERATED)), _at(1, KERBEROS_OF_WINDOWS)))


def is_negotiation(token):
    return token.startswith(b"\x60") and SPNEGO in token[:16]


def is_valid(token, key):
    """A service's check of the first token: its own key opens the ticket, and that of the ticket what the client says of itself."""
    offer = _parts(ber.walk(ber.walk(token)[0][1])[1][1])
    framed = ber.walk(ber.walk(ber.walk(offer[2])[0][1])[0][1].removeprefix(KERBEROS + GSS_AP_REQUEST))
    request = _parts(framed[0][1])
    ticket = _parts(ber.walk(request[3])[0][1])
    inside = _parts(ber.walk(_unsealed(key, USE_TICKET, ticket[3]))[0][1])
    session_key = ber.walk(_parts(inside[1])[1])[0][1]
    said = _parts(ber.walk(_unsealed(session_key, USE_SERVICE, request[4]))[0][1])
    clock = time.strptime(ber.walk(said[5])[0][1].decode(), "%Y%m%d%H%M%SZ")
    return said[2] == inside[3] and abs(time.time() - calendar.timegm(clock)) < TOLERANCE


def key_of(keytab):
    """The RC4 key in a keytab of one principal: its type, its length, the key."""
    mark = struct.pack("!HH", RC4_HMAC, 16)
    return keytab.read_bytes().partition(mark)[2][:16]


def _answer(message):
    """What the KDC gives, as parts; its error is raised."""
    tag, content = ber.walk(message)[0]
    parts = _parts(content)
    if tag == ERROR:
        raise Refused(int.from_bytes(ber.walk(parts[6])[0][1], "big"))
    return parts


def _opened(answer, key):
    """The ticket, and the key that goes with it."""
    reply = _parts(ber.walk(_unsealed(key, USE_REPLY, answer[6]))[0][1])
    return answer[5], ber.walk(_parts(reply[0])[1])[0][1]


def _parts(sequence):
    """The parts of a SEQUENCE by the numbers of their tags."""
    return {tag & 0x1F: body for tag, body in ber.walk(ber.walk(sequence)[0][1])}


def _sealed(key, use, plain):
    """EncryptedData: a keyed hash over a random block and the text, and both under RC4 (RFC 4757 section 4)."""
    base = hmac.digest(key, struct.pack("<I", use), "md5")
    plain = os.urandom(8) + plain
    hashed = hmac.digest(base, plain, "md5")
    sealed = hashed + _rc4(hmac.digest(base, hashed, "md5"), plain)
    return ber.sequence(_at(0, ber.integer(RC4_HMAC)), _at(2, ber.octets(sealed)))


def _unsealed(key, use, encrypted):
    sealed = ber.walk(_parts(encrypted)[2])[0][1]
    base = hmac.digest(key, struct.pack("<I", use), "md5")
    plain = _rc4(hmac.digest(base, sealed[:16], "md5"), sealed[16:])
    if not hmac.compare_digest(hmac.digest(base, plain, "md5"), sealed[:16]):
        raise Refused("another key")
    return plain[8:]


def _keyed_hash(key, use, data):
    """RFC 4757 section 4: the checksum of RC4-HMAC."""
    signing = hmac.digest(key, b"signaturekey\0", "md5")
    return hmac.digest(signing, hashlib.md5(struct.pack("<I", use) + data).digest(), "md5")


def _rc4(key, data):
    return Cipher(ARC4(key), None).encryptor().update(data)


def _checksum(kind, value):
    number = ber.integer(kind) if kind >= 0 else ber.octets(kind.to_bytes(2, "big", signed=True), ber.INTEGER)
    return ber.sequence(_at(0, number), _at(1, ber.octets(value)))


def _padata(kind, value):
    return ber.sequence(_at(1, ber.integer(kind)), _at(2, ber.octets(value)))


def _name(kind, *parts):
    return ber.sequence(_at(0, ber.integer(kind)), _at(1, ber.sequence(*(ber.octets(part, TEXT) for part in parts))))


def _at(number, element):
    """A part of a SEQUENCE, with the number of its explicit tag."""
    return ber.encode(0xA0 | number, element)
