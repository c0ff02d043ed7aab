"""Cases of the switch port: the voice VLAN that LLDP-MED and CDP name, and the one in which the phone asks for its address."""

from cases_makers import MITEL, MULTIPLATFORM, SIP_DNS, TODAY, given
from scenario import Access, Case, dropping, signing_in
from vlan_phone import FixedVlanPhone, TornPhone, VlanPhone, VlanSettings
from world import DC

AT_PORT = {"dns": SIP_DNS, "kamailio": "ok", "port": "wire"}
MITEL_FILES = {"files": {file: 200 for file in MITEL["files"]}, "tftp": True, **given(f"66,{DC}")}
MITEL_MODEL = MITEL | {"model": "Mitel IP Phone 6867i"}
CISCO_MODEL = MULTIPLATFORM | {"model": "Cisco IP Phone 8841", "by_cdp": True}
NO_VLAN_FAULT = ("vlan-mismatch", "vlan-flapping", "dhcp-no-offer", "device-restarted")

CASES = [
    Case("vlan-mismatch", "a phone keeps to the VLAN that was entered at its last desk; the switch announces another", """\
VLAN 30 was entered at a 6867i by hand, which counts more than what a switch says. Here the voice VLAN is 20, as LLDP-MED tells the
phone (lldpd, which answers the phone's own announcement). The DISCOVERs, tagged with 30, lead nowhere. The phone repeats them after 4
and 8 s, waits 16 s more, and starts over. The decisive frame is the last DISCOVER.""",
         [dropping(("address", "unknown", "timeout"), "dhcp.option.dhcp == 1", "vlan-mismatch", pick="last", restarts_at="address",
                   profile="mitel", runs=FixedVlanPhone, contributing=("dhcp-no-offer",),
                   absent=("vlan-flapping", "dhcp-no-ack", "device-restarted"),
                   says=("VLAN 30", "VLAN 20"),
                   settings=VlanSettings(**MITEL_MODEL, vlan=30, dhcp_waits=(4, 8, 16), begins_at_dhcp=True, begins_again=5.5))],
         access=Access(lldp=20), **MITEL_FILES, **AT_PORT),
    Case("vlan-announced-healthy", "its healthy twin: nothing was entered, and the phone goes where LLDP-MED says", """\
All that the phone sends is tagged with 20, from its DISCOVER to its REGISTER.""",
         [signing_in(profile="mitel", runs=VlanPhone, absent=NO_VLAN_FAULT, settings=VlanSettings(**MITEL_MODEL))],
         access=Access(lldp=20), **MITEL_FILES, **AT_PORT),
    Case("vlan-flapping", "CDP announces VLAN 20 for voice, LLDP-MED VLAN 30, and the phone follows whatever it hears last", """\
The switch port's voice VLAN was changed, and the LLDP-MED policy of another hand was left. Where a Cisco 8841 hears CDP, it gets an
address in VLAN 20; where it hears LLDP-MED, it leaves that address and gets one in VLAN 30; and so on, with the
seconds in between that its restart takes. It does nothing else. The decisive frame is the ACK, the last answer that it had. (lldpd
speaks LLDP-MED, a script CDP, each every 10 s: the lab is in a hurry.)""",
         [dropping(("address", "device", "abandoned"), "dhcp.option.dhcp == 5", "vlan-flapping", pick="last", restarts_at="address",
                   profile="cisco-multiplatform", runs=TornPhone,
                   absent=("vlan-mismatch", "dhcp-no-offer", "dhcp-rogue-server", "provision-no-server"),
                   settings=VlanSettings(**CISCO_MODEL, attempts=6, begins_at_dhcp=True, begins_again=0.5, pause=(5, 6)))],
         access=Access(lldp=30, cdp=20, other=30, every=10), **AT_PORT),
    Case("vlan-announced-alike-healthy", "its healthy twin: CDP and LLDP-MED name the same VLAN", """\
Both say 20. The phone gets one address, and registers over TLS.""",
         [signing_in(profile="cisco-multiplatform", runs=VlanPhone, absent=NO_VLAN_FAULT, settings=VlanSettings(**CISCO_MODEL))],
         access=Access(lldp=20, cdp=20, every=8), certificates=TODAY, kamailio_tls="plain", **AT_PORT),
]
