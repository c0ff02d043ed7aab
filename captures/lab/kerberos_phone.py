"""A phone that signs in to the directory by Kerberos: its tickets come from the domain controller, over UDP."""

from dataclasses import dataclass

import kdc
import kerberos
from phone import Dropped, Phone, Settings

KDC_NAME = "_kerberos._tcp.dc._msdcs.contoso.com"


@dataclass
class KerberosSettings(Settings):
    """Its clock may be wrong all the same."""

    adds_to_time: float = 0            # seconds that it puts on what the time server says


class KerberosPhone(Phone):
    """As the other, but for the bind."""

    def set_time(self):
        if self.has_time is None:
            super().set_time()
            self.clock_base += self.settings.adds_to_time

    def bind(self, client):
        """Two tickets, and then the bind in one step."""
        try:
            services = self.services(KDC_NAME)
            if not services:
                raise Dropped("no KDC")
            key = kerberos.key_of(self.log_path.parent / "user.keytab")
            user = kerberos.Client(self.address_of(services[0][0]), self.settings.user, kdc.REALM, key, self.clock, self.random)
            client.bind_with(kerberos.negotiation(user.request_for(*kdc.SERVICE.split("/"))))
        except (Dropped, kerberos.Refused) as reason:
            client.close()
            raise Dropped(f"directory: {reason}") from reason
