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
            if self.has_time is None:
                self.ask_for_update()
            self.set_time()
            self.think()
            self.fetched = self.fetch_root_chain(self.find_web_service())
        self.think()
        connection, name = self.connect()
        self.session = self.handshake(connection, name, self.fetched)
        self.register(self.session)
        self.stay(self.session)

    def find_web_service(self):
        """DHCPINFORM of class MS-UC-Client; sub-option 3 of option 43 is the web server's name."""
        answer = self.dhcp.inform(self.ip, VENDOR_CLASS, PARAMETERS)
        if not answer or 43 not in answer["options"]:
            raise Dropped("no certificate web service")
        rest, found = answer["options"][43], {}
        while rest and rest[0] != 255:
            found[rest[0]] = rest[2:2 + rest[1]]
            rest = rest[2 + rest[1]:]
        if found.get(1) != VENDOR_CLASS or not found.get(4, b"").isdigit():
            raise Dropped("option 43 does not name a certificate web service")
        return found[3].decode()

    def fetch_root_chain(self, host):
        code, body = self.post(host, pool_web.ROOT_CHAIN, "text/xml; charset=utf-8", pool_web.ASK_CHAIN)
        if code != 200:
            raise Dropped(f"root chain: {code}")
        chain = re.search(rb"<X509CertificateChain>([^<]*)<", body)[1]
        return trust.read_bundle(base64.b64decode(chain))
