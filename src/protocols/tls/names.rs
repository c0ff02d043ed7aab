//! Names of versions, alerts and cipher suites, for reports.

use std::borrow::Cow;

use tls_parser::TlsCipherSuite;

/// `TLS 1.2`, `SSL 3.0`…
pub fn version_name(version: u16) -> Cow<'static, str> {
    Cow::Borrowed(match version {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        draft if draft >> 8 == 0x7f => return Cow::Owned(format!("TLS 1.3 draft {}", draft & 0xff)),
        other => return Cow::Owned(format!("version 0x{other:04x}")),
    })
}

/// The name of an alert description in its RFC (RFC 5246 section 7.2, RFC 8446 section 6, and extensions).
pub fn alert_name(description: u8) -> Cow<'static, str> {
    Cow::Borrowed(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return Cow::Owned(format!("alert {other}")),
    })
}

/// The IANA name of a cipher suite, e.g. `TLS_RSA_WITH_AES_128_CBC_SHA`.
pub fn cipher_name(cipher: u16) -> Cow<'static, str> {
    let [high, low] = cipher.to_be_bytes();
    match TlsCipherSuite::from_id(cipher) {
        Some(suite) => Cow::Borrowed(suite.name),
        // RFC 8701: values that mean nothing, so that servers stay used to unknown ones.
        None if high == low && low & 0x0f == 0x0a => Cow::Owned(format!("GREASE 0x{cipher:04x}")),
        None => Cow::Owned(format!("cipher suite 0x{cipher:04x}")),
    }
}
