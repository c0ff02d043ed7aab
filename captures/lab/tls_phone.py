"""A SIP phone of today: SRV `_sips._tcp`, then SIP over TLS. Its TLS and its judgement of certificates are OpenSSL's."""

import pathlib
import socket
import ssl
from dataclasses import dataclass

from phone import Dropped
from sip_phone import SipPhone, SipSettings

SRV = "_sips._tcp.contoso.com"


@dataclass
class TlsSettings(SipSettings):
    """A phone in whose store the site's root was put by hand."""

    mac: str = "00:22:ee:5d:44:12"
    host_name: str = "desk-2001"
    transport: str = "tls"
    patience: float = 4
    certificate: str = ""              # of its own, to show to servers that ask: phone, server, stranger or itself
    srv: str = SRV


class TlsPhone(SipPhone):
    """Looks its registrar up before each try."""

    has_fitting_certificate = True

    def sign_in(self):
        self.get_address()
        services = self.services(self.settings.srv)
        if not services:
            raise Dropped("no registrar in DNS")
        host, port = services[0]
        self.registrar = self.address_of(host)
        self.call = f"{self.random.getrandbits(64):016x}@{self.ip}"
        self.register_with_digest(self._shake_hands(host, port))
        self.stay_registered(self.session)

    def _shake_hands(self, host, port):
        connection = self.tcp(self.registrar, port)
        if connection is None:
            raise Dropped("no registrar")
        # OpenSSL writes the end of its handshake and the first request in two parts.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(self.settings.tls_patience)
        try:
            self.session = self._context().wrap_socket(connection, server_hostname=host)
        except OSError as error:
            connection.close()
            raise Dropped(f"TLS: {error}") from error
        self.session.settimeout(4)
        return self.session

    def _context(self):
        folder = pathlib.Path(self.log_path).parent
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("DEFAULT:@SECLEVEL=2")
        context.load_verify_locations(folder / "trusted.pem")
        context.keylog_filename = str(self.key_log)
        if self.settings.certificate and self.has_fitting_certificate:
            context.load_cert_chain(folder / f"{self.settings.certificate}.pem", folder / "phone-key.pem")
        return context
