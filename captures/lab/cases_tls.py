"""More cases of the registrar's TLS: what the certificate is for, who may show one, who stands between, and sessions."""

from maker_phone import SERVER, ChoosingPhone, MakerPhone, MakerSettings
from phone import Settings
from scenario import CLEAR_NETWORK, DNS, Case, Certificates, Registrar, dropping, refusing, signing_in
from tls_phone import SRV, TlsPhone, TlsSettings
from trust import Rules
from world import POOL

OPENSSL_DNS = DNS | {SRV: [("pool01.contoso.com", 5061)]}
TODAY = {"profile": "generic-sip", "runs": TlsPhone, "restarts_at": "names"}
CLIENT_ALERT = "tls.alert_message.level == 2 && ip.src == {ip}"
SERVER_ALERT = f"tls.alert_message.level == 2 && ip.src == {POOL}"
CHOOSING = MakerSettings(transport="tls", certificate="phone", fetches_by="https", files=("0022ee5d4412.cfg",),
                         user_agent="DeskPhone 200/2.4.1")
REVOCATION = ("cert-expired", "cert-name-mismatch", "cert-untrusted-issuer", "cert-weak", *CLEAR_NETWORK)


def openssl_phone(name, story, text, primary, certificates, absent=(), **more):
    """A SIP phone of today that refuses the registrar's certificate by an alert. The registrar is Kamailio."""
    device = dropping(("tls", "device", "alert"), CLIENT_ALERT, primary, absent=(*absent, *CLEAR_NETWORK),
                      settings=TlsSettings(), **TODAY, **more)
    return Case(name, story, text, [device], certificates=certificates, dns=OPENSSL_DNS, kamailio="ok",
                kamailio_tls="plain")


CERTIFICATE_CASES = [
    openssl_phone("cert-wrong-usage", "the registrar's certificate is made for clients", """\
A SIP phone of today, with OpenSSL's checks. The extended key usage of the certificate is Client Authentication alone:
alert 43 (unsupported_certificate).""",
                  "cert-wrong-usage", Certificates(hash="sha256", usage="client"),
                  ("cert-unsupported-key", "cert-expired", "cert-name-mismatch", "cert-weak")),
    openssl_phone("tls-intercepted", "a firewall that inspects TLS answers in the registrar's place", """\
The certificate bears the registrar's name, and the firewall's own CA (a FortiGate's) has issued it. The phone knows the
site's CA alone: alert 48 (unknown_ca).""",
                  "tls-intercepted", Certificates(hash="sha256", leaf_from="inspection"),
                  ("cert-expired", "cert-name-mismatch", "cert-weak", "cert-self-signed")),
    Case("cert-cross-signed-expired", "the registrar sends its root in an old CA's cross-signed form, which has expired", """\
Enrolment delivers the valid root. The registrar sends leaf, issuing CA and, as the third, the same root under the
signature of an older CA, which ended forty days ago. This phone keeps to the chain as it was sent: alert 45
(certificate_expired).""",
         [refusing("cert-cross-signed-expired", "45", settings=Settings(
             leaves_by="45", rules=Rules(keeps_to_what_was_sent=True)),
                   absent=("cert-name-mismatch", "cert-self-signed", "cert-unsupported-signature", "cert-not-yet-valid"))],
         certificates=Certificates(sends=("leaf", "issuing", "cross"))),
    Case("cert-revoked", "the OCSP responder says that the registrar's certificate is revoked", """\
The certificate names a responder. In the middle of the handshake the phone asks it (HTTP, in the clear; OpenSSL's
responder), is told `revoked`, and leaves by alert 44 (certificate_revoked).""",
         [refusing("cert-revoked", "44", absent=("cert-revocation-unreachable", *REVOCATION),
                   settings=Settings(leaves_by="44", asks_revocation=True))],
         certificates=Certificates(ocsp="http://ocsp.contoso.com/ocsp"),
         dns=DNS | {"ocsp.contoso.com": "10.0.4.13"}),
    Case("cert-revocation-unreachable", "the revocation list cannot be fetched, and the phone insists on it", """\
The list is at pki.contoso.com, an address beyond the site that answers nothing. In the middle of the handshake the phone
tries to fetch it, gives its SYNs up after 5 s, and leaves the registrar by FIN.""",
         [refusing("cert-revocation-unreachable", absent=("cert-revoked", *REVOCATION),
                   settings=Settings(asks_revocation=True, attempts=3))],
         certificates=Certificates(crl="http://pki.contoso.com/issuing.crl"),
         dns=DNS | {"pki.contoso.com": "203.0.113.80"}),
]

HANDSHAKE_CASES = [
    Case("tls-client-certificate-rejected", "the registrar demands a certificate of the phone and does not know its CA", """\
Mutual TLS. The phone shows a certificate of another company's CA; OpenSSL in Kamailio answers with alert 48
(unknown_ca).""",
         [dropping(("tls", "server", "alert"), SERVER_ALERT, "tls-client-certificate-rejected",
                   absent=("cert-untrusted-issuer", "tls-no-shared-cipher", "tls-handshake-failed", *CLEAR_NETWORK),
                   settings=TlsSettings(certificate="phone"), **TODAY)],
         certificates=Certificates(hash="sha256"), dns=OPENSSL_DNS, kamailio="ok", kamailio_tls="mutual"),
    Case("tls-issuer-list-truncated", "the registrar's list of CAs is full, and the CA of the phone's certificate has fallen off it", """\
The registrar names some hundred and forty roots of others. With them the list in its CertificateRequest is full: the next would not fit
into 16 384 bytes, where Windows cuts it. The CA of the phone's maker is not among them. The phone picks its certificate by that list,
finds none to show, and sends an empty Certificate: alert 40 (handshake_failure) of OpenSSL in Kamailio. Before that it has shown its
certificate to the configuration server (nginx, on the same host), which names its maker's CA alone.""",
         [dropping(("tls", "server", "alert"), f"{SERVER_ALERT} && tcp.srcport == 5061", "tls-issuer-list-truncated",
                   contributing=("tls-client-certificate-rejected",),
                   absent=("cert-untrusted-issuer", "tls-no-shared-cipher", "provision-rejected", *CLEAR_NETWORK),
                   profile="generic-sip", runs=ChoosingPhone, restarts_at="names", says=("Fabrikam Issuing CA",),
                   settings=CHOOSING)],
         certificates=Certificates(hash="sha256", names=("pool01.contoso.com", SERVER)), kamailio="ok", kamailio_tls="crowded",
         dns=OPENSSL_DNS | {SERVER: POOL}, files={CHOOSING.files[0]: 200}, files_mutual=True,
         dhcp_more=(f"--dhcp-option=66,https://{SERVER}/",)),
    Case("tls-issuer-list-whole-healthy", "its healthy twin: a short list, with the CA of the phone's maker in it", """\
The registrar names that CA alone. The phone shows its certificate, and registers.""",
         [signing_in(absent=("tls-client-certificate-rejected", "tls-issuer-list-truncated"), profile="generic-sip", runs=MakerPhone,
                     settings=CHOOSING)],
         certificates=Certificates(hash="sha256", names=("pool01.contoso.com", SERVER)), kamailio="ok", kamailio_tls="makers",
         dns=OPENSSL_DNS | {SERVER: POOL}, files={CHOOSING.files[0]: 200}, files_mutual=True,
         dhcp_more=(f"--dhcp-option=66,https://{SERVER}/",)),
    Case("tls-no-sni", "two sites share an address, and the phone's hello does not say which it wants", """\
A reverse proxy (nginx) holds several sites on the registrar's address and port, and refuses hellos that name none of
them: alert 112 (unrecognized_name). The phone's TLS 1.0 knows no extensions.""",
         [dropping(("tls", "server", "alert"), SERVER_ALERT, "tls-no-sni",
                   absent=("tls-version-mismatch", "tls-no-shared-cipher", "tls-handshake-failed", "cert-name-mismatch"))],
         registrar=Registrar("sites")),
    Case("tls-handshake-failed", "the phone's stack derives other keys than the server: alert 20", """\
The certificate is taken, ClientKeyExchange, ChangeCipherSpec and Finished go out; OpenSSL cannot verify the Finished
record and answers with bad_record_mac.""",
         [dropping(("tls", "server", "alert"), SERVER_ALERT, "tls-handshake-failed",
                   absent=("tls-version-mismatch", "tls-no-shared-cipher", "cert-weak", *CLEAR_NETWORK),
                   settings=Settings(spoils_finished=True))]),
    Case("register-ended-encrypted", "the registrar refuses the user, inside TLS", """\
The handshake is completed; REGISTER passes in its three NTLM legs, and the last answer is 403. Without the keys, nobody
can read that: four records each way, then the phone closes by FIN. (`keys.log` opens them.)""",
         [dropping(("register", "device", "fin"), "tcp.flags.fin == 1 && ip.src == {ip} && tcp.dstport == 5061",
                   "register-ended-encrypted", absent=("session-dropped", "tls-closed-after-certificate", "cert-weak"))],
         registrar=Registrar(forbids=True)),
    Case("session-idle-cut", "a time-out of 60 s cuts what is silent for longer; the phone's keep-alive comes after 90 s", """\
The phone is signed in and says nothing for 60 s; its connection is reset. It starts over, and is cut again after the same
time.""",
         [dropping(("session", "server", "rst"), f"tcp.flags.reset == 1 && ip.src == {POOL} && tcp.srcport == 5061",
                   "session-idle-cut", absent=("sip-auth-rejected", "cert-weak", "register-ended-encrypted"),
                   settings=Settings(attempts=2, keep_alive=90, stays=200))],
         registrar=Registrar(idle=60)),
]

CASES = [*CERTIFICATE_CASES, *HANDSHAKE_CASES]
