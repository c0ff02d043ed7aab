"""A login that goes well, and one that does not, for families of phones that have a profile of their own."""

from maker_phone import SERVER, ClusterPhone, MakerPhone, MakerSettings, RestartingPhone, TrustingPhone
from scenario import CLEAR_NETWORK, DNS, GATEWAY, Case, Certificates, Device, dropping, signing_in
from tls_phone import SRV
from world import CA, DC, POOL

SIP_DNS = DNS | {"pbx.contoso.com": POOL, SERVER: POOL, SRV: [("pool01.contoso.com", 5061)]}
URL = f"http://{SERVER}/"
TODAY = Certificates(hash="sha256")
CLIENT_ALERT = "tls.alert_message.level == 2 && ip.src == {ip}"
SERVER_ALERT = f"tls.alert_message.level == 2 && ip.src == {POOL}"
NOT_HERE = ("dhcp-no-offer", "provision-no-server", "sip-auth-rejected")

POLYCOM = {"mac": "64:16:7f:2a:10:51", "host_name": "64167f2a1051", "dhcp_parameters": (1, 28, 160, 66, 43, 3, 4, 42, 2, 6, 15),
           "vendor_class": b"\0\0\x36\x3d\x1b\x01\x07Polycom\x02\x08VVX_411\x05\x04BOOT",
           "user_agent": "FileTransport PolycomVVX-VVX_411-UA/5.9.0.9373 Type/Application",
           "files": ("64167f2a1051.cfg", "000000000000.cfg")}
YEALINK = {"mac": "80:5e:c0:2b:77:19", "host_name": "SIP-T46S", "vendor_class": b"yealink",
           "dhcp_parameters": (1, 2, 3, 4, 6, 7, 12, 15, 28, 42, 66, 67, 43, 120),
           "user_agent": "Yealink SIP-T46S 66.84.0.15 80:5e:c0:2b:77:19", "files": ("y000000000066.cfg", "805ec02b7719.cfg")}
CISCO = {"mac": "00:1d:a2:4c:31:0e", "host_name": "SEP001DA24C310E", "vendor_class": b"Cisco Systems, Inc. IP Phone CP-8841\0",
         "dhcp_parameters": (1, 66, 6, 3, 15, 150, 35), "user_agent": "Cisco-CP8841/12.5.1", "fetches_by": "tftp",
         "files": ("CTLSEP001DA24C310E.tlv", "ITLSEP001DA24C310E.tlv", "SEP001DA24C310E.cnf.xml.sgn")}
MULTIPLATFORM = {"mac": "00:56:2b:04:36:15", "host_name": "SEP00562B043615",
                 "vendor_class": b"Cisco Systems, Inc. IP Phone CP-8841-3PCC",
                 "dhcp_parameters": (1, 3, 6, 15, 35, 66, 150, 2, 7, 42, 43, 58, 59, 159, 160),
                 "user_agent": "Cisco-CP-8841-3PCC/11.0 (00562b043615)", "transport": "tls"}
AVAYA = {"mac": "c8:1f:ea:83:e8:5a", "host_name": "AVX83E85A", "vendor_class": b"ccp.avaya.com",
         "dhcp_parameters": (1, 28, 3, 6, 15, 42, 242), "user_agent": "AVAYA/J179-4.1.3.0.6 (MAC:c81fea83e85a)",
         "files": ("J100Supgrade.txt", "46xxsettings.txt")}
SNOM = {"mac": "00:04:13:62:0a:1f", "host_name": "snomD785-620A1F", "vendor_class": b"snomD785",
        "dhcp_parameters": (1, 3, 6, 12, 15, 42, 66, 67, 120), "user_agent": "snomD785/10.1.198.12"}
AUDIOCODES = {"mac": "00:90:8f:41:9c:22", "host_name": "420HD-419C22", "dhcp_parameters": (1, 3, 6, 15, 42, 43, 66, 67, 120, 160),
              "user_agent": "AUDC-IPPhone/2.2.16 (420HD-Rev0; 00908F419C22)", "files": ("00908f419c22.cfg",)}
GRANDSTREAM = {"mac": "c0:74:ad:10:6e:b3", "host_name": "GXP2170", "vendor_class": b"Grandstream GXP2170 dslforum.org",
               "dhcp_parameters": (1, 3, 6, 12, 15, 28, 42, 43, 66, 125), "transport": "tls",
               "user_agent": "Grandstream GXP2170 1.0.11.64"}
MITEL = {"mac": "08:00:0f:c1:20:7d", "host_name": "Mitel6867i", "vendor_class": b"AastraIPPhone6867i",
         "dhcp_parameters": (1, 3, 6, 42, 43, 66, 159, 160), "user_agent": "Mitel6867i MAC:08-00-0F-C1-20-7D V:5.1.0.3053-SIP",
         "fetches_by": "tftp", "files": ("aastra.cfg", "08000FC1207D.cfg")}
TEAMS = {"mac": "24:9a:d8:7a:03:c4", "host_name": "MP56-7A03C4", "vendor_class": b"yealink",
         "dhcp_parameters": (1, 3, 6, 15, 26, 28, 42, 43, 51, 58, 59), "token_server": "login.microsoftonline.com", "stays": 1}
ZOOM = {"mac": "80:5e:c0:2b:90:04", "host_name": "SIP-T54W", "vendor_class": b"yealink", "dhcp_parameters": YEALINK["dhcp_parameters"],
        "user_agent": "Yealink SIP-T54W 96.86.0.70", "transport": "tls", "registrar": ("us01sip.zoom.us", 5091), "patience": 3}
PC = {"mac": "00:15:5d:21:40:8a", "host_name": "PC-4711", "vendor_class": b"MSFT 5.0",
      "dhcp_parameters": (1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43), "transport": "tls",
      "user_agent": "UCCAPI/15.0.4551.1005 OC/15.0.4551.1005 (Microsoft Lync)", "srv": "_sipinternaltls._tcp.contoso.com"}
SERVER_SIDE = {"mac": "00:15:5d:04:00:21", "host_name": "edge", "address": ("10.0.4.23", GATEWAY, DC), "transport": "tls",
               "user_agent": "Edge/1.0"}

ZOOM_DNS = SIP_DNS | {"us01sip.zoom.us": POOL}
TEAMS_DNS = DNS | {"login.microsoftonline.com": POOL}
TEAMS_NAMES = ("login.microsoftonline.com",)


def well(name, story, text, profile, says, absent=(), runs=MakerPhone, settings=None, **case):
    device = signing_in(profile=profile, runs=runs, absent=(*NOT_HERE, *absent), settings=MakerSettings(**says, **(settings or {})))
    return Case(name, story, text, [device], **{"dns": SIP_DNS, "kamailio": "ok", **case})


def badly(name, story, text, profile, says, drop, decisive, primary, absent=(), runs=MakerPhone, settings=None, pick="last",
          restarts_at="names", **case):
    device = dropping(drop, decisive, primary, profile=profile, runs=runs, absent=(*absent, *CLEAR_NETWORK), pick=pick,
                      restarts_at=restarts_at, settings=MakerSettings(**says, **(settings or {})))
    return Case(name, story, text, [device], **{"dns": SIP_DNS, "kamailio": "ok", **case})


def given(*options):
    """DHCP options of the scope, for dnsmasq."""
    return {"dhcp_more": tuple(f"--dhcp-option={option}" for option in options)}


CASES = [
    well("polycom-healthy", "a VVX takes its configuration from the server of option 160, and registers", """\
The file of its own is not there, the one for all is: a 404 for `<mac>.cfg` is no fault.""",
         "polycom-ucs", POLYCOM, ("provision-not-found",), files={"000000000000.cfg": 200}, **given(f"160,{URL}")),
    badly("polycom-no-configuration", "option 160 leads a VVX to a server that has no file for it", """\
Neither `<mac>.cfg` nor `000000000000.cfg` is on the server: 404 twice, for ever. The phone never comes to register.""",
          "polycom-ucs", POLYCOM, ("provision", "server", "rejected"), "http.response.code == 404", "provision-not-found",
          files={"sip.ld": 200}, **given(f"160,{URL}")),
    well("yealink-healthy", "a T46S takes the files of its model and of its MAC, and registers over TLS", """\
It trusts the site's CA, which was put into its list.""",
         "yealink", YEALINK, settings={"transport": "tls"}, files={file: 200 for file in YEALINK["files"]}, certificates=TODAY,
         kamailio_tls="plain", **given(f"66,{URL}")),
    badly("yealink-unknown-ca", "a T46S accepts certificates of CAs that it knows, and does not know this one", """\
Its configuration comes; the registrar's certificate is of a CA that is not in the phone's list ("only accept trusted
certificates"): alert 48 (unknown_ca).""",
          "yealink", YEALINK, ("tls", "device", "alert"), CLIENT_ALERT, "cert-untrusted-issuer",
          ("cert-expired", "cert-name-mismatch", "cert-weak"), settings={"transport": "tls"},
          files={file: 200 for file in YEALINK["files"]}, certificates=Certificates(hash="sha256", leaf_from="foreign"),
          kamailio_tls="plain", **given(f"66,{URL}")),
    badly("provision-loop", "a T46S takes both its files, restarts for a setting in them, and takes them again", """\
The two files give one setting differently, and the phone restarts whenever it changes. As in yealink-healthy, both come whole each
time; it never goes on to register. The decisive frame is the last answer of the configuration server.""",
          "yealink", YEALINK, ("provision", "device", "abandoned"), "http.response.code == 200", "provision-loop",
          ("provision-not-found", "provision-rejected", "provision-no-server", "device-restarted", "update-loop"), runs=RestartingPhone,
          settings={"transport": "tls", "begins_at_dhcp": True, "begins_again": 0.5}, restarts_at="address",
          files={file: 200 for file in YEALINK["files"]}, certificates=TODAY, kamailio_tls="plain", **given(f"66,{URL}")),
    well("cisco-healthy", "a Cisco phone finds no CTL, takes ITL and configuration by TFTP, and registers", """\
A CTL that is not found is normal: the cluster is not in mixed mode.""",
         "cisco-cucm", CISCO, ("provision-not-found", "provision-trust-list-rejected"),
         files={file: 200 for file in CISCO["files"][1:]}, tftp=True, **given(f"150,{DC}")),
    badly("cisco-trust-list", "a Cisco phone was moved here from another cluster, and holds that one's trust list", """\
It fetches the ITL and its signed configuration whole, finds nobody on its own list who signed them, restarts and
fetches them again, for ever. The decisive frame is the last block of the last file.""",
          "cisco-cucm", CISCO, ("provision", "device", "abandoned"), f"tftp.opcode == 3 && ip.src == {DC}",
          "provision-trust-list-rejected", ("provision-not-found",), runs=ClusterPhone,
          settings={"begins_at_dhcp": True, "begins_again": 0.5}, restarts_at="address",
          files={file: 200 for file in CISCO["files"][1:]}, tftp=True, **given(f"150,{DC}")),
    well("cisco-multiplatform-healthy", "a Cisco multiplatform phone registers over TLS", "Its trust is that of a chain, not of a list.",
         "cisco-multiplatform", MULTIPLATFORM, certificates=TODAY, kamailio_tls="plain"),
    badly("cisco-multiplatform-wrong-name", "a Cisco multiplatform phone compares the name in the certificate with the host", """\
The certificate bears the old server's name: alert 42 (bad_certificate).""",
          "cisco-multiplatform", MULTIPLATFORM, ("tls", "device", "alert"), CLIENT_ALERT, "cert-name-mismatch",
          ("cert-expired", "cert-untrusted-issuer"), certificates=Certificates(hash="sha256", names=("oldpbx.contoso.com",)),
          kamailio_tls="plain"),
    well("avaya-healthy", "a J179 takes its settings from the server of option 242, and registers", """\
The upgrade file first, then the settings.""",
         "avaya", AVAYA, ("dhcp-missing-option",), files={file: 200 for file in AVAYA["files"]},
         **given(f'242,"HTTPSRVR={SERVER}"')),
    badly("avaya-no-lease-time", "the DHCP server offers addresses without a lease time, and a J179 takes none of them", """\
An offer without option 51 is not accepted: the phone asks again and again. The decisive frame is the first offer that
it leaves.""",
          "avaya", AVAYA, ("address", "device", "abandoned"), "dhcp.option.dhcp == 2", "dhcp-missing-option", pick="first",
          absent=("dhcp-no-offer", "dhcp-no-ack"), settings={"needs_options": (51,), "attempts": 4}, restarts_at="address", dhcp="no-lease-time"),
    well("snom-healthy", "a D785 registers", "Over UDP, with Digest.", "snom", SNOM),
    badly("snom-no-challenge", "the registrar refuses a D785 without saying how to authenticate", """\
401 without WWW-Authenticate: there is nothing to answer (RFC 3261 section 22.1). The phone repeats its bare REGISTER.""",
          "snom", SNOM, ("register", "server", "rejected"), "sip.Status-Code == 401", "sip-auth-scheme-unsupported",
          ("sip-auth-rejected", "sip-no-answer"), restarts_at="register", kamailio="no-challenge"),
    well("audiocodes-healthy", "a 420HD takes its configuration from the server of option 160, and registers", "One file, of its MAC.",
         "audiocodes", AUDIOCODES, files={AUDIOCODES["files"][0]: 200}, **given(f"160,{URL}")),
    badly("audiocodes-refused", "the configuration server wants a user and password that a 420HD does not have", "401, for ever.",
          "audiocodes", AUDIOCODES, ("provision", "server", "rejected"), "http.response.code == 401", "provision-rejected",
          ("provision-not-found",), files={AUDIOCODES["files"][0]: 401}, **given(f"160,{URL}")),
    well("grandstream-unchecked", "a GXP2170 signs in at a registrar whose certificate no phone should take", """\
The certificate is of an unknown CA, and for another name. This phone checks neither unless it is told to: its login goes well, and
there is nothing to blame.""",
         "grandstream", GRANDSTREAM, ("cert-untrusted-issuer", "cert-name-mismatch"), runs=TrustingPhone,
         certificates=Certificates(hash="sha256", leaf_from="foreign", names=("oldpbx.contoso.com",)), kamailio_tls="plain"),
    badly("grandstream-not-admitted", "a registrar wants a certificate that a GXP2170 does not have", """\
Mutual TLS: the phone sends an empty list, and the server leaves.""",
          "grandstream", GRANDSTREAM, ("tls", "server", "alert"), SERVER_ALERT, "tls-client-certificate-rejected",
          ("cert-untrusted-issuer",), runs=TrustingPhone, certificates=TODAY, kamailio_tls="mutual"),
    well("mitel-healthy", "a 6867i takes aastra.cfg by TFTP, and registers", "The file of its own is not there, which is no fault.",
         "mitel", MITEL, ("provision-not-found",), files={"aastra.cfg": 200}, tftp=True, **given(f"66,{DC}")),
    badly("mitel-no-configuration", "the TFTP server of option 66 has no configuration for a 6867i", """\
Neither `aastra.cfg` nor `<MAC>.cfg`: error 1 (file not found), twice, for ever.""",
          "mitel", MITEL, ("provision", "server", "rejected"), "tftp.opcode == 5", "provision-not-found", restarts_at="provision",
          files={"startup.cfg": 200}, tftp=True, **given(f"66,{DC}")),
    Case("teams-waits-for-the-code", "a Teams phone shows a code, and asks for its token until the user has typed it", """\
TLS 1.2 with server_name, a short session for each question. These are waiting, not a loop; that the phone is in cannot be seen.""",
         [Device(verdict="incomplete", restarts_at=None, profile="teams-phone", runs=MakerPhone,
                 absent=("session-dropped", "register-ended-encrypted", "tls-intercepted"), settings=MakerSettings(**TEAMS))],
         dns=TEAMS_DNS, kamailio="ok", web_names=TEAMS_NAMES, certificates=Certificates(hash="sha256", names=TEAMS_NAMES)),
    Case("teams-healthy", "a Teams phone gets its token, and keeps the connection over which calls are announced", """\
After the user has typed the code, the phone opens a connection to trouter.teams.microsoft.com and keeps it. All that it says is
encrypted; that the server keeps it too shows that the phone is signed in.""",
         [Device(verdict="signed-in", restarts_at=None, profile="teams-phone", runs=MakerPhone,
                 absent=("session-dropped", "register-ended-encrypted", "tls-intercepted"),
                 settings=MakerSettings(**TEAMS, announcements="go.trouter.teams.microsoft.com"))],
         dns=TEAMS_DNS | {"go.trouter.teams.microsoft.com": CA}, kamailio="ok", web_names=TEAMS_NAMES, web_service="ca",
         certificates=Certificates(hash="sha256", names=(*TEAMS_NAMES, "go.trouter.teams.microsoft.com"))),
    badly("teams-intercepted", "a firewall that inspects TLS answers a Teams phone in Microsoft's place", """\
The certificate bears the right name, and the firewall's own CA (a FortiGate's) has issued it: alert 48 (unknown_ca). The phone shows
no code.""",
          "teams-phone", TEAMS, ("enrolment", "device", "alert"), CLIENT_ALERT, "tls-intercepted", ("cert-name-mismatch",), dns=TEAMS_DNS,
          web_names=TEAMS_NAMES, certificates=Certificates(hash="sha256", leaf_from="inspection", names=TEAMS_NAMES)),
    well("zoom-healthy", "a T54W that Zoom provisions registers on port 5091", "TLS, with the proxy of its region.",
         "zoom-phone", ZOOM, dns=ZOOM_DNS, certificates=Certificates(hash="sha256", names=("us01sip.zoom.us",)), kamailio_tls="plain"),
    badly("zoom-port-silent", "a firewall lets 443 out, and not Zoom's port 5091", "Every SYN vanishes; the phone gives up after 3 s.",
          "zoom-phone", ZOOM, ("connect", "unknown", "timeout"), "tcp.flags.syn == 1 && ip.src == {ip} && tcp.dstport == 5091",
          "tcp-no-answer", ("dns-no-answer",), dns=ZOOM_DNS, pool_drops="tcp dport 5091",
          settings={"begins_again": 0.5}),
    well("communicator-pc-healthy", "Lync on a PC signs in", "A PC asks for the same names as a phone, and is none.", "communicator-pc", PC,
         certificates=TODAY, kamailio_tls="plain", dns=DNS),
    badly("communicator-pc-expired", "Lync on a PC finds an expired certificate", "Alert 45 (certificate_expired).", "communicator-pc", PC,
          ("tls", "device", "alert"), CLIENT_ALERT, "cert-expired", ("cert-untrusted-issuer", "cert-name-mismatch"),
          certificates=Certificates(hash="sha256", valid=(-400, -12)), kamailio_tls="plain", dns=DNS),
    well("sip-server-healthy", "two SIP servers show each other their certificates", """\
The certificate of the one that connects is good for a client and for a server, of a CA that the other trusts.""",
         "sip-server", SERVER_SIDE, settings={"certificate": "server"}, certificates=TODAY, kamailio_tls="mutual"),
    badly("sip-server-refused", "a SIP server shows a certificate of a CA that the other does not know", "Alert 48 (unknown_ca).",
          "sip-server", SERVER_SIDE, ("tls", "server", "alert"), SERVER_ALERT, "tls-client-certificate-rejected",
          ("cert-untrusted-issuer", "tls-handshake-failed"), settings={"certificate": "stranger"}, certificates=TODAY,
          kamailio_tls="mutual"),
]
