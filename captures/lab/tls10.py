"""The phone's TLS 1.0 (RFC 2246): RSA key exchange, no extensions, its own clock in the random.

Written by hand because no library of today offers such a hello, or stops where the phone stops.
"""

import hashlib
import hmac
import os
import socket
import struct

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERSION = b"\x03\x01"
CHANGE_CIPHER, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, DONE, KEY_EXCHANGE, FINISHED = 1, 2, 11, 14, 16, 20
# RC4, 3DES, AES, DES, DSS and export suites: all that a Windows CE of the time has.
SUITES = (0x0004, 0x0005, 0x000A, 0x002F, 0x0035, 0x0009, 0x0064, 0x0062, 0x0003, 0x0006, 0x0013, 0x0012, 0x0063)
AES_128_SHA, AES_256_SHA = 0x002F, 0x0035


class Closed(Exception):
    """The server closed or reset the connection."""


class Alerted(Exception):
    """The server sent a fatal alert."""


class Session:
    """One connection of the phone to a TLS server."""

    def __init__(self, connection, clock, key_log=None):
        self.socket, self.clock, self.key_log = connection, clock, key_log
        self.transcript, self.records, self.messages = b"", b"", b""
        self.write_cipher = self.read_cipher = None

    def hello(self, sslv2=False):
        """The ClientHello, on request in the SSL 2.0 form (RFC 2246 appendix E)."""
        self.random = struct.pack("!I", int(self.clock()) & 0xFFFFFFFF) + os.urandom(28)
        if sslv2:
            specs = b"".join(b"\0" + struct.pack("!H", suite) for suite in SUITES)
            body = b"\1" + VERSION + struct.pack("!HHH", len(specs), 0, 32) + specs + self.random
            self.transcript += body
            self.socket.sendall(struct.pack("!H", 0x8000 | len(body)) + body)
            return
        suites = b"".join(struct.pack("!H", suite) for suite in SUITES)
        self._send_message(CLIENT_HELLO, VERSION + self.random + b"\0"
                           + struct.pack("!H", len(suites)) + suites + b"\1\0")

    def server_certificates(self):
        """Read the server's flight to its end; the certificates as sent, leaf first."""
        certificates = []
        while True:
            kind, body = self._read_message()
            if kind == SERVER_HELLO:
                self.server_random = body[2:34]
                self.suite = struct.unpack_from("!H", body, 35 + body[34])[0]
            elif kind == CERTIFICATE:
                certificates = _certificate_list(body)
                self.leaf = certificates[0]
            elif kind == DONE:
                return certificates

    def finish(self, spoilt=False):
        """ClientKeyExchange to both Finished; spoilt, the phone's keys are not the server's."""
        secret = VERSION + os.urandom(46)
        server_key = x509.load_der_x509_certificate(self.leaf).public_key()
        encrypted = server_key.encrypt(secret, padding.PKCS1v15())
        self._send_message(KEY_EXCHANGE, struct.pack("!H", len(encrypted)) + encrypted)
        self._make_keys(secret)
        self._send_record(CHANGE_CIPHER, b"\1")
        self.write_cipher = self._next_write
        if spoilt:
            self.write_cipher.mac_key = bytes(20)
        self._send_message(FINISHED, self._verify_data(b"client finished"))
        expected = self._verify_data(b"server finished")
        kind, body = self._read_message()
        if (kind, body) != (FINISHED, expected):
            raise Closed("bad Finished")

    def send(self, data):
        self._send_record(DATA, data)

    def receive(self, wait):
        """Application data; b"" when none came in time."""
        self.socket.settimeout(wait)
        try:
            while True:
                kind, data = self._read_record()
                if kind == DATA and data:
                    return data
        except TimeoutError:
            return b""

    def alert(self, description):
        self._send_record(ALERT, bytes([2, description]))

    def _send_message(self, kind, body):
        message = bytes([kind]) + len(body).to_bytes(3, "big") + body
        self.transcript += message
        self._send_record(HANDSHAKE, message)

    def _read_message(self):
        while len(self.messages) < 4 or len(self.messages) < 4 + int.from_bytes(self.messages[1:4], "big"):
            kind, data = self._read_record()
            if kind == CHANGE_CIPHER:
                self.read_cipher = self._next_read
            elif kind == HANDSHAKE:
                self.messages += data
        size = 4 + int.from_bytes(self.messages[1:4], "big")
        message, self.messages = self.messages[:size], self.messages[size:]
        self.transcript += message
        return message[0], message[4:]

    def _send_record(self, kind, data):
        if self.write_cipher:
            data = self.write_cipher.seal(kind, data)
        try:
            self.socket.sendall(bytes([kind]) + VERSION + struct.pack("!H", len(data)) + data)
        except OSError as error:
            raise Closed(str(error)) from error

    def _read_record(self):
        while len(self.records) < 5 or len(self.records) < 5 + struct.unpack_from("!H", self.records, 3)[0]:
            try:
                received = self.socket.recv(16384)
            except (ConnectionError, BrokenPipeError) as error:
                raise Closed(str(error)) from error
            if not received:
                raise Closed("end of stream")
            self.records += received
        size = 5 + struct.unpack_from("!H", self.records, 3)[0]
        record, self.records = self.records[:size], self.records[size:]
        kind, data = record[0], record[5:]
        if self.read_cipher:
            data = self.read_cipher.open(data)
        if kind == ALERT and data[:1] == b"\2":
            raise Alerted(data[1])
        if kind == ALERT and data == b"\1\0":
            raise Closed("close_notify")
        return kind, data

    def _make_keys(self, secret):
        """Master secret and key block (RFC 2246 sections 8.1 and 6.3)."""
        self.master = prf(secret, b"master secret", self.random + self.server_random, 48)
        if self.key_log:
            with open(self.key_log, "a", encoding="ascii") as file:
                file.write(f"CLIENT_RANDOM {self.random.hex()} {self.master.hex()}\n")
        key_size = {AES_128_SHA: 16, AES_256_SHA: 32}[self.suite]
        block = prf(self.master, b"key expansion", self.server_random + self.random, 2 * (20 + key_size + 16))
        parts = []
        for size in (20, 20, key_size, key_size, 16, 16):
            parts.append(block[:size])
            block = block[size:]
        self._next_write = RecordCipher(parts[0], parts[2], parts[4])
        self._next_read = RecordCipher(parts[1], parts[3], parts[5])

    def _verify_data(self, label):
        seen = hashlib.md5(self.transcript).digest() + hashlib.sha1(self.transcript).digest()
        return prf(self.master, label, seen, 12)


class RecordCipher:
    """AES-CBC with HMAC-SHA1, the initialisation vectors chained as TLS 1.0 does."""

    def __init__(self, mac_key, key, vector):
        self.mac_key, self.key, self.vector, self.number = mac_key, key, vector, 0

    def seal(self, kind, data):
        mac = hmac.digest(self.mac_key, struct.pack("!QB", self.number, kind) + VERSION
                          + struct.pack("!H", len(data)) + data, "sha1")
        pad = 15 - (len(data) + 20) % 16
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(self.vector)).encryptor()
        sealed = encryptor.update(data + mac + bytes([pad]) * (pad + 1))
        self.vector, self.number = sealed[-16:], self.number + 1
        return sealed

    def open(self, sealed):
        """The plain text. The lab's own server sent it, so its MAC is not checked."""
        plain = Cipher(algorithms.AES(self.key), modes.CBC(self.vector)).decryptor().update(sealed)
        self.vector = sealed[-16:]
        return plain[:-(plain[-1] + 1) - 20]


def prf(secret, label, seed, size):
    """RFC 2246 section 5: MD5 and SHA-1 halves, xored."""
    half = (len(secret) + 1) // 2
    left = _expand("md5", secret[:half], label + seed, size)
    right = _expand("sha1", secret[-half:], label + seed, size)
    return bytes(a ^ b for a, b in zip(left, right))


def _expand(hash_name, secret, seed, size):
    made, link = b"", seed
    while len(made) < size:
        link = hmac.digest(secret, link, hash_name)
        made += hmac.digest(secret, link + seed, hash_name)
    return made[:size]


def _certificate_list(body):
    certificates, rest = [], body[3:]
    while rest:
        size = int.from_bytes(rest[:3], "big")
        certificates.append(rest[3:3 + size])
        rest = rest[3 + size:]
    return certificates


def reset(connection):
    """Leave by RST: a linger time of zero throws the connection away."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
