"""A phone of some maker: it fetches its configuration over HTTP or TFTP, as that maker's phones do, then registers."""

import contextlib
import socket
import struct
import time
from dataclasses import dataclass

from phone import Dropped
from sip_phone import SipPhone
from tls_phone import TlsPhone, TlsSettings

SERVER = "cfg.contoso.com"
TFTP_SERVER = "10.0.4.10"
OPCODES = {"request": 1, "data": 3, "acknowledgement": 4}
BLOCK = 512
POLL_INTERVAL = 5  # RFC 8628 section 3.2


@dataclass
class MakerSettings(TlsSettings):
    """What a maker's phones say of themselves, and which files they ask for."""

    user_agent: str = ""
    transport: str = "udp"
    attempts: int = 3
    stays: float = 3
    keep_alive: float = 1
    pause: tuple = (1.5, 2.5)
    files: tuple = ()
    fetches_by: str = "http"           # or https, tftp
    registrar: tuple = ()              # name and port, where no SRV record leads there
    token_server: str = ""             # no SIP: an HTTPS server that it asks for a token, time after time
    polls: int = 4
    announcements: str = ""            # the server to which it keeps a connection once it has its token
    announced_for: float = 36


class MakerPhone(TlsPhone):
    """Address, configuration, registration."""

    def sign_in(self):
        self.get_address()
        if self.settings.files:
            self._fetch_configuration()
        if self.settings.token_server:
            self._wait_for_token()
            if self.settings.announcements:
                self._listen()
        elif self.settings.transport == "tls" and self.settings.registrar:
            host, port = self.settings.registrar
            self.registrar = self.address_of(host)
            self.call = f"{self.random.getrandbits(64):016x}@{self.ip}"
            self.register_with_digest(self._shake_hands(host, port))
            self.stay_registered(self.session)
        elif self.settings.transport == "tls":
            super().sign_in()
        else:
            SipPhone.sign_in(self)

    def _fetch_configuration(self):
        """One file of the list is enough."""
        if self.settings.fetches_by == "tftp":
            fetched = [self._by_tftp(TFTP_SERVER, file) for file in self.settings.files]
        else:
            server = self.address_of(SERVER)
            fetched = [self._by_http(server, file) for file in self.settings.files]
        if not any(fetched):
            raise Dropped("no configuration")

    def _by_http(self, server, file):
        by_tls = self.settings.fetches_by == "https"
        connection = self.tcp(server, 443 if by_tls else 80)
        if connection is None:
            raise Dropped("no configuration server")
        if by_tls:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self._context().wrap_socket(connection, server_hostname=SERVER)
        lines = [f"GET /{file} HTTP/1.1", f"Host: {SERVER}", f"User-Agent: {self.settings.user_agent}", "Connection: close"]
        with connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return self._response(connection)[0] == 200

    def _by_tftp(self, server, file):
        """RFC 1350: a block, its acknowledgement, and so on to the first that is not full."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((self.ip, 0))
            sender.settimeout(2)
            sender.sendto(struct.pack("!H", OPCODES["request"]) + file.encode() + b"\0octet\0", (server, 69))
            while True:
                block, peer = sender.recvfrom(BLOCK + 4)
                if not block.startswith(struct.pack("!H", OPCODES["data"])):
                    return False
                sender.sendto(struct.pack("!H", OPCODES["acknowledgement"]) + block[2:4], peer)
                if len(block) < BLOCK + 4:
                    return True

    def _wait_for_token(self):
        """RFC 8628: the user has not typed the code yet, and then has. A session for each question."""
        host = self.settings.token_server
        for _ in range(self.settings.polls):
            self.registrar = self.address_of(host)
            session = self._shake_hands(host, 443)
            request = f"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            with contextlib.suppress(OSError):
                session.sendall(request.encode())
                session.recv(4096)
            session.close()
            time.sleep(POLL_INTERVAL)


    def _listen(self):
        """A connection over which calls would be announced; something is said on it every few seconds."""
        host = self.settings.announcements
        self.registrar = self.address_of(host)
        session = self.session = self._shake_hands(host, 443)
        ends = time.monotonic() + self.settings.announced_for
        while time.monotonic() < ends:
            session.sendall(f"GET /v4/c HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            session.recv(4096)
            time.sleep(POLL_INTERVAL)


class TrustingPhone(MakerPhone):
    """It does not check who the server is: nobody has told it to."""

    def _context(self):
        context = super()._context()
        context.check_hostname, context.verify_mode = False, 0
        return context


class ClusterPhone(MakerPhone):
    """It holds the trust list of another cluster: it fetches the signed files of this one, and takes none."""

    def _fetch_configuration(self):
        super()._fetch_configuration()
        raise Dropped("nobody on the trust list signed this")


class RestartingPhone(MakerPhone):
    """A setting that needs a restart is in its configuration, and it never finds that it has it already."""

    def _fetch_configuration(self):
        super()._fetch_configuration()
        raise Dropped("a setting that needs a restart")


class ChoosingPhone(MakerPhone):
    """It shows its certificate only where the server names its maker's CA; the registrar's list has lost that."""

    def _fetch_configuration(self):
        self.has_fitting_certificate = True
        super()._fetch_configuration()

    def _shake_hands(self, host, port):
        self.has_fitting_certificate = False
        return super()._shake_hands(host, port)
