"""Is a certificate revoked? The phone's question by list (RFC 5280) or by OCSP (RFC 6960), and OpenSSL's responder."""

import datetime
import urllib.parse
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp


def is_good(phone, sent):
    """By OCSP where the certificate names a responder, else by its list, which this phone only ever fails to fetch."""
    responder = _responder_of(sent[0])
    address = urllib.parse.urlsplit(responder or _list_of(sent[0]))
    if not responder:
        return phone.tcp(phone.address_of(address.hostname), 80) is not None
    _, answer = phone.post(address.hostname, address.path, "application/ocsp-request", _question(sent[0], sent[1]))
    return not _is_revoked(answer)


def places(certificate):
    """Where it can be asked whether the certificate is revoked: its responder first, then its list."""
    return [place for place in (_responder_of(certificate), _list_of(certificate)) if place]


def _question(certificate, issuer):
    """An OCSP request for one certificate."""
    built = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()
    return built.public_bytes(serialization.Encoding.DER)


def _is_revoked(response):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ocsp.load_der_ocsp_response(response).certificate_status == ocsp.OCSPCertStatus.REVOKED


def _responder_of(certificate):
    """The address of the certificate's OCSP responder, "" where it names none."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    return access[0].access_location.value


def _list_of(certificate):
    """The address of the certificate's revocation list."""
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    return points[0].full_name[0].value


def list_of_none(authority):
    """The authority's list, DER, which holds nobody."""
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer = x509.load_der_x509_certificate(authority.issuing).subject
    built = (x509.CertificateRevocationListBuilder().issuer_name(issuer)
             .last_update(now - datetime.timedelta(days=1)).next_update(now + datetime.timedelta(days=6)))
    return built.sign(authority.issuing_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def respond(network, host, folder, keys, issuing, leaf, size):
    """A responder on port 80 of a host whose index says that the leaf was revoked."""
    certificate = x509.load_der_x509_certificate(leaf)
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    ends = certificate.not_valid_after_utc
    row = ["R", f"{ends:%y%m%d%H%M%SZ}", f"{yesterday:%y%m%d%H%M%SZ},superseded", f"{certificate.serial_number:X}",
           "unknown", f"/CN={certificate.subject.rfc4514_string()}"]
    (folder / "index.txt").write_text("\t".join(row) + "\n")
    (folder / "issuing.pem").write_text(issuing)
    network.execute(host, "openssl", "ocsp", "-port", "80", "-index", str(folder / "index.txt"), "-rmd", "sha1",
                    "-CA", str(folder / "issuing.pem"), "-rsigner", str(folder / "issuing.pem"),
                    "-rkey", str(keys.path("issuing", size)), "-ignore_err", "-nmin", "60")
