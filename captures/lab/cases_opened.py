"""What only secrets of TLS show: refusals inside it, and certificates and alerts of TLS 1.3."""

from cases_makers import CLIENT_ALERT, GRANDSTREAM, SERVER_ALERT, URL, YEALINK, badly, given
from cases_tls import OPENSSL_DNS, TODAY
from maker_phone import TrustingPhone
from scenario import CLEAR_NETWORK, Case, Certificates, dropping
from tls_phone import TlsSettings

FIN = "tcp.flags.fin == 1 && ip.src == {ip} && tcp.dstport == 5061"
SEALED = ("session-dropped", "tls-closed-after-certificate", "cert-untrusted-issuer", "tls-client-certificate-rejected")

CASES = [
    Case("opened-version-blocked", "the registrar does not let this firmware in, and says so inside TLS 1.2", """\
Two REGISTER, a challenge, and 403 with `ms-diagnostics: 17002` pass under encryption; then the phone closes. Without the key
log that is all that shows; with it, the refusal and its reason do.""",
         [dropping(("register", "device", "fin"), FIN, "register-ended-encrypted", absent=(*SEALED, "sip-forbidden"),
                   settings=TlsSettings(), **TODAY)],
         opened=[dropping(("register", "server", "rejected"), "sip.Status-Code == 403", "sip-client-version-blocked", pick="last",
                          absent=(*SEALED, "register-ended-encrypted", "sip-forbidden", *CLEAR_NETWORK), settings=TlsSettings(), **TODAY)],
         certificates=Certificates(hash="sha256"), dns=OPENSSL_DNS, kamailio="old-client", kamailio_tls="plain"),
    badly("opened-unknown-ca", "a T46S refuses the registrar's chain in TLS 1.3, which the secrets in the capture show", """\
The certificate is encrypted, as all behind the ServerHello is in TLS 1.3. The phone's alert 48 (unknown_ca) is not: OpenSSL
refuses a chain before it has keys of its own.""",
          "yealink", YEALINK, ("tls", "device", "alert"), CLIENT_ALERT, "cert-untrusted-issuer",
          ("register-ended-encrypted", "cert-expired", "cert-name-mismatch", "cert-weak"), settings={"transport": "tls"},
          files={file: 200 for file in YEALINK["files"]}, certificates=Certificates(hash="sha256", leaf_from="foreign"),
          kamailio_tls="plain-1.3", secrets="inside", **given(f"66,{URL}")),
    badly("opened-not-admitted", "a registrar wants a certificate that a GXP2170 does not have, in TLS 1.3", """\
In TLS 1.3 the phone has finished, and has sent its REGISTER, before the server looks at its empty Certificate and says
116 (certificate_required). The secrets are in the capture.""",
          "grandstream", GRANDSTREAM, ("tls", "server", "alert"), SERVER_ALERT, "tls-client-certificate-rejected",
          ("cert-untrusted-issuer", "register-ended-encrypted", "sip-no-answer"), runs=TrustingPhone, certificates=Certificates(hash="sha256"),
          kamailio_tls="mutual-1.3", secrets="inside"),
]
