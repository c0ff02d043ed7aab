"""A Lync Phone Edition phone: options by DHCPINFORM, root chain by HTTP from the pool, then the registrar."""

import base64
import re

import pool_web
import trust
from phone import Dropped, Phone

VENDOR_CLASS = b"MS-UC-Client"
PARAMETERS = (43, 120)


class LyncPhone(Phone):
    """After a drop it starts again at the registrar's names: what it has fetched it keeps."""

    fetched = None

    def sign_in(self):
        self.get_address()
        if self.fetched is None:
            self.ask_for_update()
            self.set_time()
            self.think()
            self.fetched = self.fetch_root_chain(self.find_web_service())
        self.think()
        connection, name = self.connect()
        self.session = self.handshake(connection, name, self.fetched)
        self.register(self.session)
        self.stay(self.session)

    def ask_for_update(self):
        """A side road: whatever comes back, the phone goes on."""
        inventory = f"MAC={self.settings.mac.replace(':', '-').upper()}&SN=0004F2{self.settings.host_name[-6:]}"
        self._post("ucupdates-r2.contoso.com", pool_web.UPDATE, "application/x-www-form-urlencoded", inventory)

    def find_web_service(self):
        """DHCPINFORM of class MS-UC-Client; sub-option 3 of option 43 is the web server's name."""
        answer = self.dhcp.inform(self.ip, VENDOR_CLASS, PARAMETERS)
        if not answer or 43 not in answer["options"]:
            raise Dropped("no certificate web service")
        rest = answer["options"][43]
        while rest[0] != 3:
            rest = rest[2 + rest[1]:]
        return rest[2:2 + rest[1]].decode()

    def fetch_root_chain(self, host):
        code, body = self._post(host, pool_web.ROOT_CHAIN, "text/xml; charset=utf-8", pool_web.ASK_CHAIN)
        if code != 200:
            raise Dropped(f"root chain: {code}")
        chain = re.search(rb"<X509CertificateChain>([^<]*)<", body)[1]
        return trust.read_bundle(base64.b64decode(chain))

    def _post(self, host, path, content_type, body):
        connection = self._tcp(self._address(host), 80)
        if connection is None:
            raise Dropped(f"{host}: port 80 closed")
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {self.settings.user_agent}",
                 f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: Keep-Alive"]
        with connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            return self._response(connection)
