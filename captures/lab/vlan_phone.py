"""A phone of some maker at a switch port with VLANs."""

from dataclasses import dataclass

import vlan
from maker_phone import MakerPhone, MakerSettings
from phone import Dropped

HEARS_FOR = 4  # seconds that it waits for the switch to name a voice VLAN


@dataclass
class VlanSettings(MakerSettings):
    """Where its VLAN comes from."""

    vlan: int = 0                      # entered by hand, which counts more than what the switch says
    model: str = ""                    # what it says of itself to the switch
    by_cdp: bool = False               # it speaks CDP too


class VlanPhone(MakerPhone):
    """It asks the switch for the voice VLAN before it asks for an address."""

    vlan, neighbour = 0, None          # 0 is untagged

    def get_address(self):
        if self.dns is None:
            self.join(self.settings.vlan or self.ask_switch() or self.vlan)
        super().get_address()

    def ask_switch(self):
        self.neighbour = self.neighbour or vlan.Neighbour(self.settings.mac)
        self.neighbour.forget()
        self.neighbour.speak(self.settings.host_name, self.settings.model, self.settings.by_cdp)
        return self.neighbour.hears(HEARS_FOR)

    def join(self, number):
        self.vlan = number
        vlan.use(self.log_path.parent / "vlan", number)


class FixedVlanPhone(VlanPhone):
    """It asks the switch like the others, and keeps to what was entered."""

    def get_address(self):
        if self.dns is None:
            self.ask_switch()
        super().get_address()


class TornPhone(VlanPhone):
    """Whatever announcement comes last counts: it leaves its VLAN, with the address that it has there, for the one that is named."""

    def ask_switch(self):
        return 0 if self.vlan else super().ask_switch()

    def sign_in(self):
        self.get_address()
        self.neighbour.forget()
        self.vlan = self.neighbour.hears(60, but=self.vlan)
        raise Dropped("another voice VLAN is announced")
