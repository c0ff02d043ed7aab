"""A SIP phone of no particular make, and its registrar: REGISTER in the clear, Digest (RFC 3261, RFC 2617)."""

import contextlib
import hashlib
import itertools
import os
import re
import socket
import socketserver
import time
from dataclasses import dataclass

import sip
from phone import Dropped, Phone, Settings

PORT = 5060
RETRANSMISSIONS = (0.5, 1, 2, 4)
LEGS = 5  # requests of one registration: a few redirections, a challenge
HOST = "pbx.contoso.com"
USER, PASSWORD, REALM = "2001", "lab-only", "contoso.com"


@dataclass
class SipSettings(Settings):
    """A phone with a registrar's name instead of a directory."""

    mac: str = "00:22:ee:5d:31:07"
    host_name: str = "desk-2001"
    vendor_class: bytes = b""
    dhcp_parameters: tuple = (1, 28, 3, 6, 12, 15, 42, 66)
    user_agent: str = "DeskPhone 200/2.4.1"
    transport: str = "udp"             # udp or tcp
    expires: int = 3600                # seconds of a registration
    refreshes: int = 0                 # registrations renewed while signed in, with the nonce that it has


class SipPhone(Phone):
    """Address, name, REGISTER. The registrar's address is looked up once."""

    registrar = None
    number = 0

    def sign_in(self):
        self.get_address()
        if not self.registrar:
            self.registrar = self.address_of(HOST)
            self.call = f"{self.random.getrandbits(64):016x}@{self.ip}"
        self.register_with_digest(self._open(self.registrar))
        self.stay_registered(self.session)

    def register_with_digest(self, connection, challenge=""):
        """REGISTER, with credentials when they are asked for; to where a 301 says, but not in a circle for ever."""
        for _ in range(LEGS):
            answer = self._register(connection, *self._credentials(challenge))
            again = answer["WWW-Authenticate"]
            if answer.code == 401 and "Digest" in again and (not challenge or "stale=true" in again):
                challenge = again
            elif answer.code in (301, 302):
                connection.close()
                connection = self._open(self.address_of(re.search(r"<sip:([^:;>]+)", answer["Contact"])[1]))
            else:
                break
        if answer.code != 200:
            connection.close()
            raise Dropped(f"REGISTER: {answer.code}")
        self.session, self.challenge = connection, challenge

    def stay_registered(self, connection):
        """Keep-alives (RFC 5626 section 3.5.1; over UDP any small datagram does), and renewals in between."""
        ends = time.monotonic() + self.settings.stays
        for number in itertools.count():
            if time.monotonic() > ends:
                return
            self._wait(connection, self.settings.keep_alive)
            if number < self.settings.refreshes:
                self.register_with_digest(connection, self.challenge)
            else:
                connection.send(b"\r\n\r\n")

    def _wait(self, connection, seconds):
        """Until then, unless the other side closes."""
        ends = time.monotonic() + seconds
        try:
            while (left := ends - time.monotonic()) > 0:
                connection.settimeout(left)
                if not connection.recv(4096) and connection.type == socket.SOCK_STREAM:
                    raise ConnectionError("closed")
        except TimeoutError:
            return
        except OSError as error:
            connection.close()
            raise Dropped(f"session cut: {error}") from error

    def _open(self, registrar):
        if self.settings.transport == "tcp":
            connection = self.tcp(registrar, PORT)
            if connection is None:
                raise Dropped("no registrar")
        else:
            connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            connection.bind((self.ip, PORT))
            connection.connect((registrar, PORT))
        connection.settimeout(4)
        return connection

    def _register(self, connection, *headers):
        self.number += 1
        address = f"sip:{USER}@{REALM}"
        host, port = connection.getsockname()[:2]
        own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"  # RFC 3261 section 25.1: IPv6reference
        branch = f"z9hG4bK{self.random.getrandbits(48):012x}"
        transport = self.settings.transport
        request = sip.render(f"REGISTER sip:{REALM} SIP/2.0", [
            ("Via", f"SIP/2.0/{transport.upper()} {own};branch={branch};rport"), ("Max-Forwards", "70"),
            ("From", f"<{address}>;tag={self.call[:8]}"), ("To", f"<{address}>"), ("Call-ID", self.call),
            ("CSeq", f"{self.number} REGISTER"), ("Contact", f"<sip:{USER}@{own};transport={transport}>"),
            ("User-Agent", self.settings.user_agent), ("Expires", str(self.settings.expires)),
            *headers])
        try:
            return sip.take(self._answer_to(request, connection))[0]
        except OSError as error:
            connection.close()
            raise Dropped(f"REGISTER: {error}") from error

    def _answer_to(self, request, connection):
        """Over UDP a request is repeated (RFC 3261 section 17.1.2.1), though not for all of the 32 seconds."""
        for wait in RETRANSMISSIONS if self.settings.transport == "udp" else (4,):
            connection.send(request)
            connection.settimeout(wait)
            with contextlib.suppress(TimeoutError):
                return connection.recv(4096)
        raise TimeoutError("silence")

    def _credentials(self, challenge):
        if not challenge:
            return ()
        nonce = re.search(r'nonce="([^"]+)"', challenge)[1]
        uri = f"sip:{REALM}"
        return (("Authorization", f'Digest username="{USER}", realm="{REALM}", nonce="{nonce}", uri="{uri}", '
                                  f'response="{_response(nonce, uri)}", algorithm=MD5'),)


class PatientPhone(SipPhone):
    """It asks for its registrar's name until it gives up after a while."""

    patience = 40

    def sign_in(self):
        self.get_address()
        ends = time.monotonic() + self.patience
        while time.monotonic() < ends:
            if self.dns.addresses(HOST):
                return
        raise Dropped("no DNS answer")


def serve_udp(address, mode):
    Datagram.mode = mode
    socketserver.ThreadingUDPServer((address, PORT), Datagram).serve_forever()


def serve_tcp(address, mode):
    Stream.mode = mode
    socketserver.ThreadingTCPServer((address, PORT), Stream).serve_forever()


class Datagram(socketserver.BaseRequestHandler):
    """One datagram is one message."""

    mode = "ok"

    def handle(self):
        data, server = self.request
        if data.strip():
            server.sendto(_answer(self.mode, sip.take(data)[0]), self.client_address)


class Stream(socketserver.BaseRequestHandler):
    """One connection; the lab's phone sends its messages whole."""

    mode = "ok"

    def handle(self):
        while data := self.request.recv(4096):
            if data.strip():
                self.request.sendall(_answer(self.mode, sip.take(data)[0]))


def _answer(mode, request):
    given = request["Authorization"]
    if given and mode == "forbids":
        return sip.answer(request, 403, "Forbidden")
    if not given or mode == "rejects" or not _is_right(given):
        challenge = f'Digest realm="{REALM}", nonce="{os.urandom(16).hex()}", algorithm=MD5'
        return sip.answer(request, 401, "Unauthorized", ("WWW-Authenticate", challenge))
    return sip.answer(request, 200, "OK", ("Contact", request["Contact"]), ("Expires", "3600"))


def _is_right(given):
    nonce, uri, response = (re.search(f'{name}="([^"]+)"', given)[1] for name in ("nonce", "uri", "response"))
    return response == _response(nonce, uri)


def _response(nonce, uri):
    """RFC 2617 section 3.2.2 without qop."""
    return _md5(f"{_md5(f'{USER}:{REALM}:{PASSWORD}')}:{nonce}:{_md5(f'REGISTER:{uri}')}")


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()
