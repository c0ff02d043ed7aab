//! `tls-version-mismatch`: no protocol version in common.

use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::{Leaving, alert_name, leads_to_drop};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Side};
use crate::protocols::tls::names::version_name;

/// protocol_version (RFC 5246 section 7.2.2).
const PROTOCOL_VERSION: u8 = 70;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-version-mismatch",
    stage: None,
    weight: Weight::Specific,
    order: 800,
    help: Help {
        what: "Device and server have no version of TLS in common: as a rule the device ends at TLS 1.0, and the server no longer \
               speaks it.",
        why: "The server refuses the hello with alert 70 (protocol_version), or, as Windows does where a version is switched off, \
              simply closes the connection.",
        fix: "Enable the device's version on the server (Windows: SCHANNEL\\Protocols\\TLS 1.0\\Server, Enabled = 1, \
              DisabledByDefault = 0, then a restart), or put the phones behind a proxy that speaks it, or replace them. Check with \
              `openssl s_client -connect server:5061 -tls1`.",
        look_alikes: "A ServerHello lower than the hello's version is negotiation, not a fault. A record version of TLS 1.0 around a \
                      newer hello is usual. Alert 86 answers a second try with a lower version after an unrelated drop.",
        references: &["RFC 5246 appendix E.1", "RFC 8446 section 4.2.1 (supported_versions)", "RFC 7507"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

/// A capture that lacks the hello shows all the same what the server has against it.
fn told_without_hello(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let left = shaken.leaving().filter(|left| (left.side, left.alert) == (Side::Server, Some(PROTOCOL_VERSION)))?;
    let (name, said) = (shaken.place.server(), alert_name(PROTOCOL_VERSION));
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: 0.85,
        summary: format!(
            "{name} refuses the device's version of TLS with alert {said}; the capture lacks what the device offers"
        ),
        fix: format!(
            "Enable the device's version of TLS on {name} (Windows: registry SCHANNEL\\Protocols, Server, Enabled = 1, then restart), or \
             put a proxy before it that speaks it. Which version that is, a capture of both directions shows: filter \
             `tls.handshake.type == 1`."
        ),
        evidence: vec![left.evidence(format!("{name} {}", left.words()))],
    })
}

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    if shaken.tls.client_hello.is_none() {
        return told_without_hello(case, shaken);
    }
    let (at, hello) = shaken.tls.client_hello.as_ref()?;
    let left = shaken.leaving()?;
    let highest = version_name(hello.highest_version());
    let name = shaken.place.server();
    let answered = shaken.tls.server_hello.as_ref().map(|(_, hello)| version_name(hello.chosen));
    let (summary, proof, confidence) = match (left.side, left.alert) {
        (Side::Server, Some(PROTOCOL_VERSION)) => {
            let said = alert_name(PROTOCOL_VERSION);
            (format!("the device offers {highest} at most, and {name} refuses that with alert {said}"), Proof::Told, 0.95)
        }
        (Side::Client, Some(PROTOCOL_VERSION)) => {
            let chosen = answered.unwrap_or_else(|| "a version that cannot be read".into());
            (format!("{name} chooses {chosen}, and the device, which offers {highest}, refuses that by alert"), Proof::Told, 0.9)
        }
        (Side::Server, None) if closes_on_old_hello(shaken, &left) => {
            (format!("the device offers {highest} at most, and {name} closes on that without an alert"), Proof::Inferred, 0.6)
        }
        (Side::Client, None) if refuses_old_answer(case, shaken) => {
            let chosen = answered.unwrap_or_else(|| "an old version".into());
            (
                format!("{name} chooses {chosen}, which the device's family does not take, and the device leaves"),
                Proof::Inferred,
                0.7,
            )
        }
        _ => return None,
    };
    let offered = Evidence::new(at.frame, "tls.handshake.type == 1", format!("the hello offers {highest} at most"));
    let who = if left.side == Side::Server { "the server" } else { "the device" };
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof,
        // A close without a word may have this reason; it does not prove it (tls-server-closed says what is certain).
        explains_drop: (left.alert.is_some() || left.side == Side::Client) && leads_to_drop(case, shaken.place.index),
        confidence,
        summary,
        fix: format!(
            "Enable {highest} on {name} (Windows: registry SCHANNEL\\Protocols, Server, Enabled = 1, then restart), with a cipher suite \
             that the device offers, or put a proxy before it that speaks {highest}. The server's log for that moment (Schannel 36874, \
             36888) confirms it. {}Check with `openssl s_client -connect {} {}`.",
            of_the_device(case, hello.highest_version()),
            shaken.place.target(),
            flag(hello.highest_version())
        ),
        evidence: vec![offered, left.evidence(format!("{who} {}", left.words()))],
    })
}

/// Windows with that version switched off closes without an alert; a server with a newer hello has no such reason.
fn closes_on_old_hello(shaken: &Shaken<'_>, left: &Leaving) -> bool {
    let old = shaken.tls.client_hello.as_ref().is_some_and(|(_, hello)| hello.highest_version() <= 0x0301);
    let taken = shaken.place.connection.stats.client.acknowledged > 0;
    shaken.reached() == Reached::ClientHello && old && taken && left.alert.is_none()
}

/// The server chose a version below what this family takes, and the device left before it gave a key of its own.
fn refuses_old_answer(case: &Case<'_>, shaken: &Shaken<'_>) -> bool {
    let chosen = shaken.tls.server_hello.as_ref().map(|(_, hello)| hello.chosen);
    let below = chosen.zip(case.profile.trust.tls_min).is_some_and(|(chosen, least)| chosen < least);
    below && shaken.reached() < Reached::ClientKey
}

/// What the device itself could do about it, where its family is known for that.
fn of_the_device(case: &Case<'_>, offered: u16) -> String {
    match case.profile.trust.tls_max {
        Some(most) if offered >= most => {
            format!("The device's family ends at {}: no setting of the device helps. ", version_name(most))
        }
        Some(most) => format!("The device's family speaks up to {}: allow that on the device. ", version_name(most)),
        None => String::new(),
    }
}

/// The option by which `openssl s_client` offers that version alone.
fn flag(version: u16) -> &'static str {
    match version {
        0x0304.. => "-tls1_3",
        0x0303 => "-tls1_2",
        0x0302 => "-tls1_1",
        _ => "-tls1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    #[test]
    fn alert_70_is_told() {
        let found = Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70)).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "the device offers TLS 1.0 at most, and pool.contoso.com (10.0.0.5:5061) refuses that with alert 70 (protocol_version)"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Told, true));
        assert_eq!(found.evidence[1].display_filter, "frame.number == 4 && tls.alert_message.desc == 70");
    }

    #[test]
    fn alert_70_is_told_though_the_capture_lacks_the_hello() {
        let answered = tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70).change(|connection| {
            connection.tls.as_mut().unwrap().client_hello = None;
        });
        let found = Login::new().step(answered).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) refuses the device's version of TLS with alert 70 (protocol_version); the capture lacks \
             what the device offers"
        );
        assert!(found.explains_drop && found.confidence < 0.95);
    }

    #[test]
    fn a_close_on_an_old_hello_is_an_inference() {
        let found = Login::new().step(tcp(Purpose::Registrar).hello().leaves(Side::Server, Close::Rst)).dropped().the(&RULE);
        assert_eq!(found.proof, Proof::Inferred);
        assert!(found.confidence < 0.7);
    }

    #[test]
    fn a_family_that_can_do_better_is_told_so_and_one_that_cannot_is_not_sent_to_its_settings() {
        let of = |most: Option<u16>| {
            let login = Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70)).dropped();
            login.profile(|profile| profile.trust.tls_max = most).the(&RULE).fix
        };
        assert!(of(Some(0x0301)).contains("no setting of the device helps"));
        assert!(of(Some(0x0303)).contains("speaks up to TLS 1.2: allow that on the device"));
        assert!(!of(None).contains("family"));
    }

    #[test]
    fn a_server_that_chooses_what_the_family_does_not_take() {
        let left = |chosen: u16| {
            let hello = tcp(Purpose::Registrar).hello_with(|hello| hello.version = 0x0303).server_hello(chosen, 0x002f);
            let login = Login::new().step(hello.leaves(Side::Client, Close::Fin)).dropped();
            login.profile(|profile| profile.trust.tls_min = Some(0x0303))
        };
        let found = left(0x0301).the(&RULE);
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
        left(0x0303).nothing(&RULE);
        left(0x0301).profile(|profile| profile.trust.tls_min = None).nothing(&RULE);
    }

    #[test]
    fn a_newer_hello_or_another_alert_says_nothing_of_versions() {
        let newer = tcp(Purpose::Registrar).hello_with(|hello| hello.version = 0x0303).leaves(Side::Server, Close::Rst);
        Login::new().step(newer).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 40)).dropped().nothing(&RULE);
        cut_by_server(vec![leaf()]).nothing(&RULE);
    }
}
