//! Signature algorithms by OID: name, hash and scheme. By OID, because the library's own table lacks some and refuses others.

use asn1_rs::FromDer;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::{Hash, Scheme, SignatureAlgorithm};

struct Known {
    oid: &'static str,
    name: &'static str,
    hash: Option<Hash>,
    scheme: Scheme,
}

const fn known(oid: &'static str, name: &'static str, hash: Option<Hash>, scheme: Scheme) -> Known {
    Known { oid, name, hash, scheme }
}

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// RFC 3279, RFC 4055, RFC 5758, RFC 8410; the names are OpenSSL's, which is what certificate tools print.
static KNOWN: &[Known] = &[
    known("1.2.840.113549.1.1.11", "sha256WithRSAEncryption", Some(Hash::Sha256), Scheme::Rsa),
    known("1.2.840.113549.1.1.5", "sha1WithRSAEncryption", Some(Hash::Sha1), Scheme::Rsa),
    known("1.2.840.113549.1.1.12", "sha384WithRSAEncryption", Some(Hash::Sha384), Scheme::Rsa),
    known("1.2.840.113549.1.1.13", "sha512WithRSAEncryption", Some(Hash::Sha512), Scheme::Rsa),
    known("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", Some(Hash::Sha256), Scheme::Ecdsa),
    known("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", Some(Hash::Sha384), Scheme::Ecdsa),
    known("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", Some(Hash::Sha512), Scheme::Ecdsa),
    known(RSASSA_PSS, "rsassaPss", None, Scheme::RsaPss),
    known("1.2.840.113549.1.1.2", "md2WithRSAEncryption", Some(Hash::Md2), Scheme::Rsa),
    known("1.2.840.113549.1.1.4", "md5WithRSAEncryption", Some(Hash::Md5), Scheme::Rsa),
    known("1.2.840.113549.1.1.14", "sha224WithRSAEncryption", Some(Hash::Sha224), Scheme::Rsa),
    known("1.2.840.113549.1.1.15", "sha512-224WithRSAEncryption", None, Scheme::Rsa),
    known("1.2.840.113549.1.1.16", "sha512-256WithRSAEncryption", None, Scheme::Rsa),
    // The older names of the OIW, which Microsoft's tools still wrote in the years of these phones.
    known("1.3.14.3.2.29", "sha1WithRSA", Some(Hash::Sha1), Scheme::Rsa),
    known("1.3.14.3.2.3", "md5WithRSA", Some(Hash::Md5), Scheme::Rsa),
    known("1.2.840.10045.4.1", "ecdsa-with-SHA1", Some(Hash::Sha1), Scheme::Ecdsa),
    known("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", Some(Hash::Sha224), Scheme::Ecdsa),
    known("1.2.840.10040.4.3", "dsa-with-SHA1", Some(Hash::Sha1), Scheme::Dsa),
    known("1.3.14.3.2.27", "dsaWithSHA1", Some(Hash::Sha1), Scheme::Dsa),
    known("2.16.840.1.101.3.4.3.1", "dsa-with-SHA224", Some(Hash::Sha224), Scheme::Dsa),
    known("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256", Some(Hash::Sha256), Scheme::Dsa),
    known("2.16.840.1.101.3.4.3.3", "dsa-with-SHA384", Some(Hash::Sha384), Scheme::Dsa),
    known("2.16.840.1.101.3.4.3.4", "dsa-with-SHA512", Some(Hash::Sha512), Scheme::Dsa),
    known("1.3.101.112", "ED25519", None, Scheme::EdDsa),
    known("1.3.101.113", "ED448", None, Scheme::EdDsa),
];

fn find(oid: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.oid == oid)
}

/// The name of a signature algorithm, as certificate tools print it; the OID where there is none.
pub fn signature_name(oid: &str) -> &str {
    find(oid).map_or(oid, |known| known.name)
}

pub(super) fn signature_algorithm(identifier: &AlgorithmIdentifier<'_>) -> SignatureAlgorithm {
    let oid = identifier.algorithm.to_id_string();
    let found = find(&oid);
    let scheme = found.map_or(Scheme::Unknown, |known| known.scheme);
    let (hash, pss_salt_length) = match scheme {
        Scheme::RsaPss => pss_parameters(identifier),
        _ => (found.and_then(|known| known.hash), None),
    };
    SignatureAlgorithm { oid, hash, scheme, pss_salt_length }
}

/// Hash and salt length (RFC 4055 section 3.1). The salt length stays `None` where the mask is made with another hash than
/// the message's, or the trailer is not the usual one: such a signature cannot be checked here.
fn pss_parameters(identifier: &AlgorithmIdentifier<'_>) -> (Option<Hash>, Option<u32>) {
    let Some(parameters) = identifier.parameters().and_then(|any| RsaSsaPssParams::try_from(any).ok()) else {
        return (None, None);
    };
    let hash = hash_by_oid(&parameters.hash_algorithm_oid().to_id_string());
    let mask = match parameters.mask_gen_algorithm_raw() {
        Some(mask) => mask
            .parameters()
            .and_then(|any| asn1_rs::Oid::from_der(any.data).ok())
            .and_then(|(_, oid)| hash_by_oid(&oid.to_id_string())),
        None => Some(Hash::Sha1),
    };
    let is_plain = mask == hash && parameters.trailer_field() == 1;
    (hash, is_plain.then(|| parameters.salt_length()))
}

fn hash_by_oid(oid: &str) -> Option<Hash> {
    Some(match oid {
        "1.3.14.3.2.26" => Hash::Sha1,
        "1.2.840.113549.2.5" => Hash::Md5,
        "2.16.840.1.101.3.4.2.1" => Hash::Sha256,
        "2.16.840.1.101.3.4.2.2" => Hash::Sha384,
        "2.16.840.1.101.3.4.2.3" => Hash::Sha512,
        "2.16.840.1.101.3.4.2.4" => Hash::Sha224,
        _ => return None,
    })
}
