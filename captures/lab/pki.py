"""The lab's certificate authorities. Keys are made once per run, certificates once per case."""

import datetime
import hashlib
import ipaddress
import itertools
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

import ber

SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")
SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
SIZES = {"root": (2048, 4096), "issuing": (2048, 4096), "leaf": (1024, 2048, 4096), "foreign-root": (2048,),
         "foreign-issuing": (2048,), "legacy": (2048,), "phone": (2048,)}
CRL = "http://ca01.contoso.com/CertEnroll/issuing.crl"
USAGES = {"server": [ExtendedKeyUsageOID.SERVER_AUTH], "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
          "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]}


class Keys:
    """RSA keys by role and size, shared by all cases of a run through a private folder."""

    def __init__(self, folder):
        self.folder = folder

    def make_all(self):
        for role, sizes in SIZES.items():
            for size in sizes:
                self._make(role, size)

    def load(self, role, size):
        return serialization.load_pem_private_key(self.path(role, size).read_bytes(), None)

    def path(self, role, size):
        return self.folder / f"{role}-{size}.pem"

    def _make(self, role, size):
        key = rsa.generate_private_key(65537, size)
        with open(os.open(self.path(role, size), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.TraditionalOpenSSL,
                                         serialization.NoEncryption()))


class Authority:
    """A root and an issuing CA below it, of one key size and one signature hash."""

    def __init__(self, keys, size, hash_name, names=("Contoso Root CA", "Contoso Issuing CA"), roles=""):
        self.hash_name = hash_name
        self.root_key = keys.load(f"{roles}root", size)
        self.issuing_key = keys.load(f"{roles}issuing", size)
        root_name, issuing_name = map(_name, names)
        self.root = certificate(root_name, self.root_key, root_name, self.root_key, hash_name,
                                years(-5), years(15), authority=True)
        self.issuing = certificate(issuing_name, self.issuing_key, root_name, self.root_key, hash_name,
                                   years(-3), years(7), authority=True)
        self._root_name, self._issuing_name = root_name, issuing_name

    def leaf(self, key, host_names, not_before, not_after, hash_name=None, **use):
        subject = _name(host_names[0])
        return certificate(subject, key, self._issuing_name, self.issuing_key, hash_name or self.hash_name,
                           not_before, not_after, host_names=host_names, **use)

    def cross_signed(self, keys):
        """The root's name and key under an older CA's signature, which ended forty days ago."""
        legacy = keys.load("legacy", 2048)
        return certificate(self._root_name, self.root_key, _name("Contoso Legacy CA"), legacy, self.hash_name,
                           years(-12), days(-40), authority=True)


def crowd(key, limit):
    """Roots of many companies: as many as fit, with their names, into a list of CAs of that many bytes (RFC 5246 section 7.4.4)."""
    made = []
    for number in itertools.count(1):
        company = f"{'Public Trust Network ' * (number % 3 > 0)}Services {number:03} {'Ltd.' if number % 2 else 'Incorporated'}"
        name = x509.Name.from_rfc4514_string(f"CN=Root CA {number:03},OU=Certification Authority,O={company},C=US")
        limit -= 2 + len(name.public_bytes())
        if limit < 0:
            return made
        made.append(certificate(name, key, name, key, "sha256", years(-5), years(15), authority=True))


def self_signed(key, host_names, hash_name):
    subject = _name(host_names[0])
    return certificate(subject, key, subject, key, hash_name, years(-1), years(2), host_names=host_names)


def certificate(subject, key, issuer, issuer_key, hash_name, not_before, not_after,
                authority=False, host_names=(), **use):
    """One certificate, DER."""
    builder = (x509.CertificateBuilder()
               .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
               .serial_number(_serial(subject, issuer, not_before))
               .not_valid_before(not_before).not_valid_after(not_after)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False))
    extensions = _authority_extensions() if authority else _end_extensions(host_names, **use)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return _signed(builder, issuer_key, hash_name)


def years(number):
    """Midnight that many years from today: near enough to 365.25 days a year."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=int(365.25 * number))


def days(number):
    return years(0) + datetime.timedelta(days=number)


def pem(*certificates):
    return "".join(x509.load_der_x509_certificate(one).public_bytes(serialization.Encoding.PEM).decode()
                   for one in certificates)


def _name(common_name):
    if "=" in common_name:
        return x509.Name.from_rfc4514_string(common_name)
    company = "fabrikam" if "Fabrikam" in common_name else "contoso"
    return x509.Name.from_rfc4514_string(f"CN={common_name},DC={company},DC=com")


def _serial(subject, issuer, not_before):
    """The same certificate has the same serial number in every run."""
    seed = f"{subject.rfc4514_string()}|{issuer.rfc4514_string()}|{not_before.date()}"
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:9], "big") | 1 << 71


def _authority_extensions():
    return [(x509.BasicConstraints(ca=True, path_length=None), True),
            (_key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True), True)]


def _end_extensions(host_names, usage="server", crl=CRL, ocsp=""):
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
    extensions = [(x509.BasicConstraints(ca=False, path_length=None), True),
                  (_key_usage(digital_signature=True, key_encipherment=True), True),
                  (x509.ExtendedKeyUsage(USAGES[usage]), False),
                  (x509.SubjectAlternativeName([_general_name(name) for name in host_names]), False),
                  (x509.CRLDistributionPoints([point]), False)]
    if ocsp:
        responder = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp))
        extensions.append((x509.AuthorityInformationAccess([responder]), False))
    return extensions


def _general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(**used):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{usage: used.get(usage, False) for usage in every})


def _signed(builder, issuer_key, hash_name):
    made = builder.sign(issuer_key, hashes.SHA256())
    if hash_name == "sha256":
        return made.public_bytes(serialization.Encoding.DER)
    # The library signs no certificate with SHA-1 any more; the two identifiers are of one length,
    # so the body is kept and signed again (RFC 5280 section 4.1).
    body = made.tbs_certificate_bytes.replace(SHA256_WITH_RSA, SHA1_WITH_RSA, 1)
    signature = issuer_key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    algorithm = ber.sequence(SHA1_WITH_RSA, ber.NULL)
    return ber.sequence(body, algorithm, ber.encode(0x03, b"\0" + signature))
