//! `tls-no-shared-cipher`: no cipher suite in common.

use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::{alert_name, leads_to_drop};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Side};
use crate::protocols::tls::ClientHello;
use crate::protocols::tls::names::{cipher_name, version_name};

/// Cipher suites that a line shows.
const SHOWN: usize = 5;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-no-shared-cipher",
    stage: None,
    weight: Weight::Specific,
    order: 805,
    help: Help {
        what: "The server takes none of the cipher suites that the device offers, and answers the hello with alert 40 \
               (handshake_failure) or 71 (insufficient_security).",
        why: "Old phones offer RC4 and 3DES with RSA key exchange only; a hardened server has switched these off, or has a \
              certificate (ECDSA) that none of the offered suites can use.",
        fix: "Enable one of the offered suites on the server (Windows: SSL Cipher Suite Order in the group policy, SCHANNEL\\Ciphers \
              in the registry), give it an RSA certificate, or upgrade the device. Check with `openssl s_client -connect \
              server:5061 -cipher SUITE`.",
        look_alikes: "Alert 40 right after the hello also answers a missing or unknown server name, a missing curve, or signature \
                      algorithms that do not fit. Alert 70 is tls-version-mismatch.",
        references: &["RFC 5246 section 7.4.1.3 (cipher suite selection)", "RFC 7465 (RC4 prohibited)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let (at, hello) = shaken.tls.client_hello.as_ref()?;
    let left = shaken.leaving().filter(|left| left.side == Side::Server)?;
    let alert = left.alert.filter(|alert| matches!(alert, 40 | 71))?;
    if shaken.reached() != Reached::ClientHello {
        return None;
    }
    let name = shaken.place.server();
    let suites = offered(hello);
    let summary =
        format!("{name} takes none of the cipher suites that the device offers ({suites}): alert {}", alert_name(alert));
    let unnamed = if hello.server_name.is_none() { ", or that the hello names no server" } else { "" };
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: confidence(alert, hello),
        summary,
        fix: format!(
            "Enable on {name} one of what the device offers ({suites}; {} at most), with an RSA certificate, or upgrade the device. The \
             server's log for that moment (Schannel 36874) tells whether it was the suites{unnamed}. Check with `openssl s_client \
             -connect {} -cipher SUITE`.",
            version_name(hello.highest_version()),
            shaken.place.target()
        ),
        evidence: vec![
            Evidence::new(at.frame, "tls.handshake.type == 1", format!("the hello offers {suites}")),
            left.evidence(format!("the server {}", left.words())),
        ],
    })
}

/// 71 can mean nothing else; 40 can speak of names, curves and signatures too, more likely so where the hello is modern.
fn confidence(alert: u8, hello: &ClientHello) -> f32 {
    match (alert, hello.ciphers.iter().any(|suite| is_modern(*suite))) {
        (71, _) => 0.9,
        (_, false) => 0.75,
        (_, true) => 0.55,
    }
}

/// Is it of TLS 1.3, or an ECDHE suite with AES-GCM or ChaCha20, which every current server takes?
fn is_modern(suite: u16) -> bool {
    matches!(suite, 0x1301..=0x1303 | 0xc02b..=0xc02c | 0xc02f..=0xc030 | 0xcca8..=0xcca9)
}

/// The suites of a hello, in words, without signalling values and GREASE.
fn offered(hello: &ClientHello) -> String {
    let real = |suite: &&u16| !matches!(**suite, 0x00ff | 0x5600) && **suite & 0x0f0f != 0x0a0a;
    let names: Vec<_> = hello.ciphers.iter().filter(real).map(|suite| cipher_name(*suite)).collect();
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN => format!("{} and {} more", first.join(", "), names.len().saturating_sub(SHOWN)),
        _ if names.is_empty() => "none that can be read".to_owned(),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    #[test]
    fn alert_40_on_an_old_hello_shows_what_was_offered() {
        let found = Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 40)).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) takes none of the cipher suites that the device offers (TLS_RSA_WITH_RC4_128_MD5, \
             TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_3DES_EDE_CBC_SHA): alert 40 (handshake_failure)"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn alert_40_on_a_modern_hello_is_less_sure() {
        let hello = tcp(Purpose::Registrar).hello_with(|hello| hello.ciphers = vec![0x0a0a, 0xc02f, 0x00ff]);
        let found = Login::new().step(hello.alert(Side::Server, 2, 40)).dropped().the(&RULE);
        assert!(found.confidence < 0.6);
        assert!(found.summary.contains("(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)"), "{}", found.summary);
    }

    #[test]
    fn other_alerts_other_moments_and_the_device_itself_are_others() {
        Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70)).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).hello().leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        refused_saying(40, vec![leaf()]).nothing(&RULE);
        let late = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().alert(Side::Server, 2, 40);
        Login::new().step(late).dropped().nothing(&RULE);
    }
}
