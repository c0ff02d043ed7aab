"""Cases of the domain controller: tickets that it does not give, accounts, searches, and a directory that hangs."""

from kerberos_phone import KerberosPhone, KerberosSettings
from phone import Settings
from scenario import Case, dns, dropping, signing_in

KDC_DNS = dns(more={"_kerberos._tcp.dc._msdcs.contoso.com": [("dc01.contoso.com", 88)]})
ALL_OF_KERBEROS = ("kerberos-clock-skew", "kerberos-preauth-failed", "kerberos-principal-unknown", "kerberos-etype-unsupported",
                   "kerberos-error", "account-unusable", "directory-no-answer", "ldap-bind-failed")


def refused(name, story, text, code, primary, accounts, settings=None, says=(), absent=()):
    """A KRB-ERROR is the last word, for ever."""
    device = dropping(("directory", "server", "rejected"), f"kerberos.error_code == {code}", primary, pick="last", runs=KerberosPhone,
                      absent=(*(one for one in ALL_OF_KERBEROS if one != primary), *absent), says=says,
                      settings=settings or KerberosSettings())
    return Case(name, story, text, [device], dns=KDC_DNS, kerberos=accounts)


KERBEROS_CASES = [
    Case("kerberos-healthy", "a phone that binds by Kerberos: ticket, bind, enrolment, and it is in", """\
The phone asks MIT's krb5kdc for a ticket: KRB-ERROR 25 (preauthentication required), which is the way of the protocol, then
AS-REP and TGS-REP, all of RC4-HMAC. The bind takes one step. What follows is as in healthy-sha1-2048.""",
         [signing_in(runs=KerberosPhone, absent=(*ALL_OF_KERBEROS, "clock-skew"), settings=KerberosSettings())],
         dns=KDC_DNS, kerberos="ok"),
    refused("kerberos-clock-skew", "the phone's clock is an hour ahead of the domain controller's: no ticket", """\
The time server is right. The phone adds the hour of daylight saving time to what it says, though UTC knows none, and encrypts
that time for the KDC (MIT's krb5kdc): KRB-ERROR 37.""",
            37, "kerberos-clock-skew", "ok", KerberosSettings(adds_to_time=3600), absent=("ntp-no-answer", "ntp-wrong-time")),
    refused("kerberos-etype-unsupported", "the domain controller was hardened: it has AES keys alone, and the phone knows RC4 and DES", """\
The phone offers the encryption types 23, 3 and 1; the KDC (MIT's krb5kdc) has none of them any more: KRB-ERROR 14 to the first
request.""",
            14, "kerberos-etype-unsupported", "hardened", says=("RC4-HMAC",)),
    refused("account-unusable", "the user's account is locked at the domain controller", """\
KRB-ERROR 18 (client's credentials have been revoked) to the first request, of MIT's krb5kdc.""",
            18, "account-unusable", "locked", says=("kim@CONTOSO.COM",)),
    refused("kerberos-error", "the account that bears the directory's service name may not be used as a service", """\
The user gets its ticket-granting ticket. For `ldap/dc01.contoso.com` there is none: its account was marked as no service,
KRB-ERROR 27 (must use user-to-user), of MIT's krb5kdc.""",
            27, "kerberos-error", "no-service", says=("ldap/dc01.contoso.com",)),
    Case("kerberos-port-silent", "a firewall between the voice network and the domain controller drops Kerberos", """\
LDAP passes, and DNS of the same host answers; what goes to UDP 88 vanishes. The phone sends its request three times, and starts
over. The decisive frame is the last copy of it.""",
         [dropping(("directory", "network", "timeout"), "udp.dstport == 88 && ip.src == {ip}", "directory-no-answer", pick="last",
                   runs=KerberosPhone, absent=("tcp-no-answer", "kerberos-error", "dns-no-answer", "ldap-bind-failed"),
                   settings=KerberosSettings(attempts=3, begins_again=0.3))],
         dns=KDC_DNS, kerberos="ok", directory_drops="udp dport 88"),
]

LDAP_CASES = [
    Case("ldap-search-failed", "the container in which the directory keeps its CAs is gone", """\
A clean-up after an old CA has taken `CN=Public Key Services` with it. The bind succeeds, the first search below it gets resultCode
32 (noSuchObject), and the phone starts over.""",
         [dropping(("directory", "server", "rejected"), "ldap.resultCode == 32", "ldap-search-failed",
                   absent=("ldap-no-ca-found", "ldap-bind-failed", "account-unusable"), settings=Settings())],
         directory="no-container"),
    Case("ldap-hangs", "the domain controller acknowledges the phone's LDAP request and says nothing", """\
The directory service hangs: its TCP stack takes the connection and the request. The phone waits 5 s, closes and starts over. The
decisive frame is that request.""",
         [dropping(("directory", "unknown", "timeout"), "ldap && ip.src == {ip}", "directory-no-answer", pick="last",
                   absent=("tcp-no-answer", "tcp-refused", "ldap-no-ca-found"), settings=Settings(attempts=3, begins_again=0.3))],
         directory="hangs"),
]

CASES = [*KERBEROS_CASES, *LDAP_CASES]
