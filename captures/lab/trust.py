"""What a phone accepts as a server's certificate: its rules, applied to what it was sent and has fetched."""

import datetime
import warnings
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID


class Refused(Exception):
    """Why the phone does not go on."""


@dataclass
class Rules:
    """The certificates that a firmware can verify."""

    hashes: tuple = ("md5", "sha1")
    largest_key: int = 2048
    keeps_to_what_was_sent: bool = False  # follows the server's list to its end, though a shorter way is there


def read_bundle(data):
    """The certificates of a PKCS#7 bundle. OpenSSL does not sort the set as DER would want it: no matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pkcs7.load_der_pkcs7_certificates(data)


def check(rules, sent, fetched, name, now):
    """Raise Refused unless the chain leads to a fetched root and every certificate below it is acceptable."""
    sent = [x509.load_der_x509_certificate(one) for one in sent]
    if rules.keeps_to_what_was_sent:
        for certificate in sent:
            _check_dates(certificate, now)
    chain = _chain(sent, fetched)
    for certificate in chain[:-1]:  # the anchor is trusted, its own signature proves nothing
        _check_hash(rules, certificate)
    for certificate in chain:
        _check_key(rules, certificate)
        _check_dates(certificate, now)
    _check_name(chain[0], name)


def _chain(sent, fetched):
    """The path from the leaf to a root that was fetched."""
    chain = [sent[0]]
    if sent[0].subject == sent[0].issuer:
        raise Refused("self-signed")
    while chain[-1].subject != chain[-1].issuer:
        issuer = next((one for one in [*fetched, *sent] if _issued(one, chain[-1])), None)
        if issuer is None:
            raise Refused(f"no issuer for {chain[-1].subject.rfc4514_string()}")
        chain.append(issuer)
    if chain[-1] not in fetched:
        raise Refused("root not trusted")
    return chain


def _issued(issuer, certificate):
    if issuer.subject != certificate.issuer:
        return False
    try:
        issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes,
                                   padding.PKCS1v15(), certificate.signature_hash_algorithm)
    except InvalidSignature:
        return False
    return True


def _check_hash(rules, certificate):
    name = certificate.signature_hash_algorithm.name
    if name not in rules.hashes:
        raise Refused(f"cannot verify {name}")


def _check_key(rules, certificate):
    size = certificate.public_key().key_size
    if size > rules.largest_key:
        raise Refused(f"cannot use a key of {size} bits")


def _check_dates(certificate, now):
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    if moment < certificate.not_valid_before_utc:
        raise Refused(f"not yet valid by the phone's clock ({moment:%Y-%m-%d})")
    if moment > certificate.not_valid_after_utc:
        raise Refused(f"expired by the phone's clock ({moment:%Y-%m-%d})")


def _check_name(certificate, name):
    try:
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = [part.value for part in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if name.lower() not in map(str.lower, names):
        raise Refused(f"{name} is not among {names}")
