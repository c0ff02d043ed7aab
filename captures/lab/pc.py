"""Communicator or Lync on a PC: three SRV names, sign-in, and then the address book over HTTPS."""

import contextlib
import socket
import time
import urllib.parse
from dataclasses import dataclass

from cryptography import x509

import kdc
import revocation
import tls10
from maker_phone import MakerPhone, MakerSettings
from phone import Dropped, Phone
from web_client import RETRIEVER

SRV_NAMES = ("_sipinternaltls._tcp", "_sipinternal._tcp", "_sip._tls")
KDC_NAME = "_kerberos._tcp.dc._msdcs.contoso.com"
PAUSE_AFTER_SIGN_IN = 1


@dataclass
class PcSettings(MakerSettings):
    """A PC of the domain; what it holds of CAs came by group policy."""

    mac: str = "00:15:5d:21:40:8a"
    host_name: str = "PC-4711"
    vendor_class: bytes = b"MSFT 5.0"
    dhcp_parameters: tuple = (1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43)
    transport: str = "tls"
    user_agent: str = "UCCAPI/15.0.4551.1005 OC/15.0.4551.1005 (Microsoft Lync)"
    address_book: str = ""             # the host of its web service, where it is downloaded
    stays: float = 8
    patience: float = 3


class Pc(MakerPhone):
    """It takes the first of its SRV names that is there."""

    def sign_in(self):
        self.get_address()
        host, port = first_service(self)
        self.registrar = self.address_of(host)
        self.call = f"{self.random.getrandbits(64):016x}@{self.ip}"
        self.register_with_digest(self._shake_hands(host, port))
        if self.settings.address_book:
            time.sleep(PAUSE_AFTER_SIGN_IN)
            with contextlib.suppress(Dropped):
                self.download_address_book(self.settings.address_book)
        self.stay_registered(self.session)

    def download_address_book(self, host):
        """As Windows does it: the handshake first, then the question whether the certificate is revoked, then the request."""
        connection = self.tcp(self.address_of(host), 443)
        if connection is None:
            raise Dropped("no address book server")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._context().wrap_socket(connection, server_hostname=host) as session:
            certificate = x509.load_der_x509_certificate(session.getpeercert(binary_form=True))
            if not self.is_known_good(certificate):
                raise Dropped("nobody says that the address book server's certificate is not revoked")
            session.settimeout(4)
            session.sendall(f"GET /abs/handler/F-0e2c.lsabs HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {self.settings.user_agent}\r\n"
                            "Connection: close\r\n\r\n".encode())
            session.recv(4096)

    def is_known_good(self, certificate):
        """The responder is asked first, then the list is fetched; one answer is enough."""
        return any(self._is_answered(urllib.parse.urlsplit(place)) for place in revocation.places(certificate))

    def _is_answered(self, place):
        try:
            connection = self.tcp(self.address_of(place.hostname), 80)
            if connection is None:
                return False
            with connection:
                connection.sendall(f"GET {place.path} HTTP/1.1\r\nHost: {place.hostname}\r\nAccept: */*\r\nUser-Agent: {RETRIEVER}\r\n"
                                   "Connection: Keep-Alive\r\n\r\n".encode())
                return self._response(connection)[0] == 200
        except Dropped:
            return False




class WorkgroupPc(Phone):
    """A PC that is no member of the domain, in clear SIP: NTLM at most, for a KDC that it reaches does not know it."""

    via = "TCP"

    def sign_in(self):
        self.get_address()
        host, port = first_service(self)
        connection = self.tcp(self.address_of(host), port)
        if connection is None:
            raise Dropped("no registrar")
        self.session = Clear(connection)
        self.register(self.session)
        self.stay(self.session)

    def accepts(self, schemes):
        """A ticket first, where it is asked for one."""
        offered = " ".join(schemes)
        if "Kerberos" in offered and self.services(KDC_NAME) and kdc.has_ticket(self.log_path.parent, self.settings.user):
            raise Dropped("a ticket, which no case foresees")
        return "NTLM" in offered


class Clear:
    """A connection without TLS, with what the phone asks of a session."""

    def __init__(self, connection):
        self.socket = connection

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, timeout):
        self.socket.settimeout(timeout)
        try:
            received = self.socket.recv(8192)
        except TimeoutError:
            return b""
        except OSError as error:
            raise tls10.Closed(str(error)) from error
        if not received:
            raise tls10.Closed("FIN")
        return received


def first_service(phone):
    """The best of the SRV names; all three are asked for, whatever the first brings."""
    found = [phone.services(f"{prefix}.{phone.settings.sip_domain}") for prefix in SRV_NAMES]
    best = next((services for services in found if services), None)
    if best is None:
        raise Dropped("no registrar in DNS")
    return best[0]
