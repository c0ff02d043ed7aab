"""What a case sets up, and what must then hold. The defaults are a site where everybody signs in."""

from dataclasses import dataclass, field

import pki
from phone import Phone, Settings

GATEWAY = "10.0.4.1"
DNS = {
    "_ntp._udp.contoso.com": [("time01.contoso.com", 123)],
    "_ldap._tcp.dc._msdcs.contoso.com": [("dc01.contoso.com", 389)],
    "_sipinternaltls._tcp.contoso.com": [("pool01.contoso.com", 5061)],
    "dc01.contoso.com": "10.0.4.10",
    "ca01.contoso.com": "10.0.4.11",
    "pool01.contoso.com": "10.0.4.12",
    "time01.contoso.com": "10.0.4.13",
}


def dns(without=(), more=None):
    """The site's records, less some, plus others."""
    return {name: value for name, value in DNS.items() if name not in without} | (more or {})


@dataclass
class Certificates:
    """The CA, what the registrar sends, and what enrolment delivers."""

    size: int = 2048
    hash: str = "sha1"
    leaf_size: int | None = None       # where they differ from the authorities'
    leaf_hash: str | None = None
    names: tuple = ("pool01.contoso.com", "sip.contoso.com")
    valid: tuple = (-30, 700)          # days from today
    sends: tuple = ("leaf", "issuing")
    bundle: tuple = ("issuing", "root")
    leaf_from: str = "site"            # site, foreign, inspection or itself
    usage: str = "server"              # or client: what the leaf may be used for
    crl: str = pki.CRL
    ocsp: str = ""                     # the responder's address
    responds: bool = True              # the responder is there, and says that the leaf is revoked
    list_is_there: bool = False        # at the time server's port 80


@dataclass
class Registrar:
    """The OCS pool's listener."""

    mode: str = "tls"                  # tls, plain, close-at-once, hello-then-silent, hello-then-close, refused, sites
    versions: tuple = ("TLSv1", "TLSv1_2")
    ciphers: str = "AES128-SHA"
    cut_after: tuple = ()              # seconds between the 200 and the server's reset, connection by connection
    idle: float | None = None          # seconds without a word after which the connection is reset
    forbids: bool = False              # 403 to the last leg
    schemes: tuple = ("NTLM", "Kerberos")
    refuses: bool = False              # 401 to the last leg, with [MS-OCER]'s reason


@dataclass
class Access:
    """A switch port with VLANs, all of them tagged, and what the switch says of the voice VLAN there."""

    site: int = 20                     # the VLAN of the site's servers
    other: int | None = None           # a VLAN with a DHCP server and nothing else
    lldp: int | None = None            # the voice VLAN that LLDP-MED names, and CDP
    cdp: int | None = None
    every: int = 30                    # seconds between two announcements


@dataclass
class Device:
    """One phone of a case, and what the capture of it must say."""

    verdict: str = "loop"
    drop: list | None = None           # stage, by, how: of all attempts, or of each
    decisive: str = ""                 # tshark filter; {mac} and {ip} are the phone's
    pick: str = "first"                # which match within an attempt
    restarts_at: str | None = "directory"
    primary: str | None = None
    contributing: tuple = ()
    absent: tuple = ()
    says: tuple = ()                   # what the findings must say, word for word
    names: tuple = ()                  # of a certificate that misses one: (name, is it covered, was it asked for)
    profile: str = "communicator-phone-edition"
    settings: Settings = field(default_factory=Settings)
    runs: type = Phone
    host: str = "phone"
    address: str = "10.0.4.23"
    shown_as: str = "mac"              # or ip, where no frame ties a MAC to it


@dataclass
class Case:
    """One capture."""

    name: str
    story: str
    text: str
    devices: list
    certificates: Certificates = field(default_factory=Certificates)
    registrar: Registrar = field(default_factory=Registrar)
    certsrv: str = "ok"                # ok, unauthorised, kerberos, 404, 500, html, refused; of nginx: redirect, forbidden, basic, hung
    dhcp: str = "good"                 # good, silent, refuses, no-ack, no-lease-time, one-address
    dhcp_gateway: str = GATEWAY        # "" leaves the option out
    uc_options: tuple = ()             # options 43 and 120 for class MS-UC-Client, where they are not the right ones
    second_dhcp: bool = False          # a second server, quicker, with itself as router and DNS server
    squatter: bool = False             # another host has the first phone's address
    dns: dict = field(default_factory=dns)
    broken_zone: str = ""              # its names give SERVFAIL
    dns_server: str = "10.0.4.10"      # the address that DHCP gives out, "" for none; 10.0.4.14 answers nothing
    sip: str = ""                      # a plain SIP registrar: ok, rejects, forbids
    kamailio: str = ""                 # Kamailio as registrar: a name of kamailio.ROUTES
    kamailio_tls: str = ""             # its listener on 5061: plain, or of kamailio.AUTHORITIES, with -1.3 behind it for TLS 1.3
    secrets: str = "beside"            # the TLS key log: beside the capture (keys.log), or inside it
    opened: list = field(default_factory=list)  # the devices once more, as that key log shows them
    files: dict = field(default_factory=dict)  # of the configuration server, with the status code of each; others are not there
    files_mutual: bool = False         # over HTTPS, to phones that show their maker's certificate
    tftp: bool = False                 # it is the DHCP server's TFTP
    web_names: tuple = ()              # names of an HTTPS server on the pool's 443, which wants no more than a handshake
    web_service: str = ""              # the host with the pool's web service on 443: pool or ca
    dhcp_more: tuple = ()              # further options for dnsmasq
    kerberos: str = ""                 # MIT's KDC is on the domain controller: empty (it knows nobody), or of kdc.ACCOUNTS
    restart: str = ""                  # while a phone is signed in the pool's registrar ends, and: same, self-signed, stays-down
    restart_after: float = 5           # seconds after the capture began
    reboots: bool = False              # its host goes too, for a while
    updates: str = ""                  # what nginx on the pool's port 80 makes of update requests: a status code, or of nginx.UPDATES
    ntp: float | None = 0              # seconds off, None is silence
    ntp_synchronised: bool = True
    directory: str = "ok"              # ok, rejects (the credentials), empty (no CA known), no-container (to look in), hangs
    directory_verdict: str = "drop"
    directory_drops: str = ""          # nftables expressions: what vanishes, and where
    pool_drops: str = ""
    pool_verdict: str = "drop"
    phone_drops: str = ""
    pool_loss: int = 0                 # of 100 packets to or from the pool's 5061, SYNs apart, so many vanish
    routed: bool = False               # the phone is behind a router
    nat: bool = False                  # which translates its address to its own
    ipv6: bool = False                 # gateway, name server and registrar speak IPv6 too, and the gateway advertises itself
    access: Access | None = None       # the phone's port has VLANs; it is captured at "wire"
    port: str = "phone"                # where the capture is taken; br0 sees every host
    file_format: str = "pcapng"
    cut: str = ""                      # "before" or "after" the frame that cut_at finds
    cut_at: str = ""


CLEAR_NETWORK = ("path-mtu-black-hole", "path-loss", "tls-server-closed", "tls-closed-after-certificate")
OTHER_CERTIFICATE_FAULTS = ("cert-expired", "cert-not-yet-valid", "cert-name-mismatch", "cert-untrusted-issuer",
                            "cert-self-signed", "cert-missing-intermediate", "clock-skew", *CLEAR_NETWORK)

# What leaves a certificate: the phone's FIN, RST or alert on the registrar's connection.
LEFT = {
    "fin": "tcp.flags.fin == 1 && ip.src == {ip} && tcp.dstport == 5061",
    "rst": "tcp.flags.reset == 1 && ip.src == {ip} && tcp.dstport == 5061",
    "alert": "tls.alert_message.level == 2 && ip.src == {ip}",
}


def refusing(primary, how="fin", contributing=(), absent=(), **more):
    """A phone that refuses the registrar's certificate, for ever."""
    settings = more.pop("settings", None) or Settings(leaves_by=how)
    how = how if how in LEFT else "alert"
    return dropping(("tls", "device", how), LEFT[how], primary, contributing=contributing, absent=absent,
                    settings=settings, **more)


def dropping(drop, decisive, primary, **more):
    """A phone whose attempts end at (stage, by, how), all of them alike, or each as the list says."""
    drops = drop if isinstance(drop, list) else [drop]
    return Device(drop=[dict(zip(("stage", "by", "how"), one)) for one in drops], decisive=decisive, primary=primary, **more)


def signing_in(**more):
    return Device(verdict="signed-in", restarts_at=None, **more)
