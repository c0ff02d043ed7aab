"""Cases of a PC with Communicator or Lync: one certificate for all names, an address book that does not come, no domain."""

from pc import Pc, PcSettings, WorkgroupPc
from phone import Settings
from scenario import CLEAR_NETWORK, DNS, Case, Certificates, Registrar, dropping, signing_in
from world import CA, POOL, TIME

PC = {"profile": "communicator-pc", "runs": Pc}
ROLES = ("webconf", "av", "revproxy", "cwa", "download.cwa", "as.cwa", "mail", "autodiscover")
OTHERS = tuple(f"{role}.contoso.com" for role in ROLES)
EDGE = {name: value for name, value in DNS.items() if not name.startswith("_sip")} | {
    "_sip._tls.contoso.com": [("sip.contoso.com", 5061)], "sip.contoso.com": POOL}
CLIENT_ALERT = "tls.alert_message.level == 2 && ip.src == {ip}"


def edge(name, story, text, device, names):
    """The edge server, from outside, and the one certificate of all its names."""
    return Case(name, story, text, [device], dns=EDGE, kamailio="ok", kamailio_tls="plain",
                certificates=Certificates(hash="sha256", names=names))


EDGE_CASES = [
    edge("one-certificate-misses-sip", "the certificate for all external names was issued anew, and sip.contoso.com was forgotten", """\
One certificate serves all that the site shows to the outside: conferences, media relay, reverse proxy, web access, Exchange. The
name by which clients sign in is not in it any more. DNS leads the PC to sip.contoso.com; it refuses with alert 42
(bad_certificate).""",
         dropping(("tls", "device", "alert"), CLIENT_ALERT, "cert-name-mismatch", restarts_at="names", settings=PcSettings(attempts=3),
                  absent=("cert-expired", "cert-untrusted-issuer", "cert-self-signed", *CLEAR_NETWORK),
                  names=(("sip.contoso.com", False, True), *((one, True, False) for one in OTHERS)), **PC), OTHERS),
    edge("one-certificate-for-all", "its healthy twin: sip.contoso.com is in the certificate too", "The nine names of the site are in it.",
         signing_in(settings=PcSettings(), absent=("cert-name-mismatch",), **PC), ("sip.contoso.com", *OTHERS)),
]


def book(name, story, text, device, *, host="ca", **certificates):
    """A PC that signs in, and downloads its address book from the pool's web service."""
    names = ("pool01.contoso.com", "revproxy.contoso.com")
    records = DNS | {"revproxy.contoso.com": CA} | certificates.pop("records", {})
    return Case(name, story, text, [device], dns=records, kamailio="ok", kamailio_tls="plain", web_service=host,
                certificates=Certificates(hash="sha256", names=names, **{"crl": "http://pki.contoso.com/issuing.crl", **certificates}))


def signed_in(*says, contributing=("cert-revocation-unreachable",), absent=(), host="revproxy.contoso.com"):
    return signing_in(contributing=contributing, says=says, settings=PcSettings(address_book=host), **PC,
                      absent=("cert-revoked", "cert-untrusted-issuer", "cert-name-mismatch", "session-dropped", "dns-name-not-found",
                              "tcp-refused", "tcp-no-answer", *absent))


ADDRESS_BOOK_CASES = [
    book("address-book-list-unresolved", "the address book does not come: the host of the revocation list does not resolve", """\
The PC is signed in. It opens the web service, finishes the handshake, and wants to know whether the certificate is revoked: the
list is at pki.contoso.com, which does not exist. It closes without a request. The login is not touched.""",
         signed_in("pki.contoso.com does not resolve")),
    book("address-book-list-refused", "the address book does not come: nothing listens where the revocation list should be", """\
As address-book-list-unresolved, but pki.contoso.com has an address, and its port 80 answers with RST.""",
         signed_in("pki.contoso.com refuses"), records={"pki.contoso.com": TIME}),
    book("address-book-list-silent", "the address book does not come: the host of the revocation list is silent", """\
As address-book-list-unresolved, but pki.contoso.com is beyond the site, and nothing comes back. The address book is on the pool
itself, port 443.""",
         signed_in("pki.contoso.com does not answer", host="pool01.contoso.com"), host="pool", records={"pki.contoso.com": "203.0.113.80"}),
    book("address-book-responder-silent", "the address book does not come: neither OCSP responder nor revocation list can be reached", """\
The certificate names a responder, which is silent, and a list, whose host does not exist.""",
         signed_in("ocsp.contoso.com does not answer", "pki.contoso.com does not resolve"), ocsp="http://ocsp.contoso.com/ocsp", responds=False, records={"ocsp.contoso.com": "203.0.113.81"}),
    book("address-book-healthy", "its healthy twin: the responder is silent, the revocation list comes, and so does the address book", """\
One of the two is enough: the PC goes on with its request.""",
         signed_in(contributing=(), absent=("cert-revocation-unreachable",)), ocsp="http://ocsp.contoso.com/ocsp", responds=False, list_is_there=True,
         records={"ocsp.contoso.com": "203.0.113.81", "pki.contoso.com": TIME}),
]

CLEAR = {name: value for name, value in DNS.items() if not name.startswith("_sip")} | {
    "_sipinternal._tcp.contoso.com": [("pool01.contoso.com", 5060)]}
KDC_DNS = CLEAR | {"_kerberos._tcp.dc._msdcs.contoso.com": [("dc01.contoso.com", 88)]}
WORKGROUP = {"profile": "communicator-pc", "runs": WorkgroupPc}
UNAUTHORISED = "sip.Status-Code == 401"


def workgroup(name, story, text, device, records=CLEAR, **registrar):
    """A PC outside the domain, and a pool that speaks SIP in clear."""
    return Case(name, story, text, [device], dns=records, registrar=Registrar("plain", **registrar),
                kerberos="empty" if records is KDC_DNS else "")


def unauthorised(primary, absent, **more):
    """401 is the last word, for ever."""
    return dropping(("register", "server", "rejected"), UNAUTHORISED, primary, pick="last", absent=absent,
                    settings=PcSettings(attempts=3, transport="tcp"), **WORKGROUP, **more)


WORKGROUP_CASES = [
    workgroup("workgroup-kerberos-only", "the pool offers Kerberos alone, and the PC is no member of the domain: 401 for ever", """In clear SIP. The PC asks for a domain controller of the realm, and there is none that it may see: without a ticket it has no
credentials for the one scheme that the 401 offers. It closes, waits, and sends its bare REGISTER again.""",
              unauthorised("sip-auth-scheme-unsupported", ("sip-auth-rejected", "sip-forbidden", "tcp-refused"), restarts_at="names"),
              schemes=("Kerberos",)),
    workgroup("workgroup-kdc-unknown", "the domain controller does not know the PC's user, and the pool offers Kerberos alone", """As workgroup-kerberos-only, but the PC finds a domain controller (MIT's krb5kdc): it asks for a ticket, and is told that nobody of
that name is known (KRB-ERROR 6).""",
              unauthorised("sip-auth-scheme-unsupported", ("sip-auth-rejected", "sip-forbidden", "tcp-refused"), restarts_at="names",
                           contributing=("kerberos-principal-unknown",)),
              KDC_DNS, schemes=("Kerberos",)),
    workgroup("workgroup-ntlm-refused", "the PC falls back to NTLM, and its credentials are refused", """The domain controller does not know the user (KRB-ERROR 6); the PC goes on with NTLM, which the pool offers too. The type 3 message
is answered by 401 again, with `ms-diagnostics: 1000` (final handshake failed).""",
              unauthorised("sip-auth-rejected", ("sip-auth-scheme-unsupported", "sip-clock-skew"), restarts_at="names",
                           says=("1000",)),
              KDC_DNS, refuses=True),
    workgroup("workgroup-ntlm-healthy", "its healthy twin: the PC falls back to NTLM, and is in", """The domain controller does not know the user (KRB-ERROR 6), which is the way of a machine outside the domain: NTLM follows, and 200.""",
              signing_in(settings=PcSettings(transport="tcp"), absent=("sip-auth-rejected", "sip-auth-scheme-unsupported"), **WORKGROUP),
              KDC_DNS),
    Case("workgroup-enrolment-kerberos-only", "the CA's web page offers Negotiate alone, and the phone has no Kerberos", """A Communicator phone asks for the CA certificates. The 401 offers Negotiate and nothing else; the phone knows NTLM, and gives no
credentials.""",
         [dropping(("enrolment", "server", "rejected"), "http.response.code == 401", "enrolment-auth-scheme", pick="last",
                   absent=("enrolment-unauthorised", "enrolment-forbidden"), settings=Settings(attempts=3))],
         certsrv="kerberos"),
    Case("workgroup-enrolment-ntlm-in-negotiate", "the CA's web page takes Kerberos alone within Negotiate, and the phone has NTLM", """The phone puts the first leg of NTLM into Negotiate (RFC 4559). The page takes no NTLM there: 401 once more, without a challenge
that a second leg could answer.""",
         [dropping(("enrolment", "server", "rejected"), "http.response.code == 401", "enrolment-auth-scheme", pick="last",
                   absent=("enrolment-unauthorised", "enrolment-forbidden"),
                   settings=Settings(attempts=3, negotiates=True))],
         certsrv="kerberos"),
]

CASES = [*EDGE_CASES, *ADDRESS_BOOK_CASES, *WORKGROUP_CASES]
