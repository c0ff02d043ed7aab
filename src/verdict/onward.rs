//! The counterfactual: what would have become of a device, had its primary cause been mended. A case and its primary cause in,
//! the next obstacle out; decides neither what dropped nor why.
//!
//! What "mended" means depends on the cause. A chain is judged once more with one thing changed. Whoever lacked the time, a
//! name or an answer came no further: what lies behind is told by what else the capture shows (`elsewhere.rs`), or not at all.

use super::obstacle::{OBSTACLES, Obstacle, Onward};
use crate::acceptance;
use crate::findings::shared::chain;
use crate::findings::shared::judged::{Judged, PROBABLE, fault_words};
use crate::findings::{self, Case, Found, Rule};
use crate::login::steps::Attempt;
use crate::model::{DropPoint, Evidence, Outcome, Stage};
use crate::trust::{self, Fault, Repair};

/// How sure it is that a device goes on after a chain of which everything that is known was judged and is in order.
const WHOLE_CHAIN: f32 = 0.85;
/// What each thing costs that is not known: what the family can verify, which CAs the device holds, the name that led there.
const NOT_KNOWN: f32 = 0.85;
/// It had signed in before the drop.
const SIGNED_IN: f32 = 0.85;
/// A fault that stopped nobody yet is this much less sure than one that did.
const UNTRIED: f32 = 0.9;

/// What lies behind the drop of this attempt, as far as it shows itself. `primary` is its cause.
pub(super) fn of_attempt(case: &Case<'_>, primary: &Rule, found: &[(&'static Rule, Found)]) -> Onward {
    let Some(drop) = case.attempt.drop else { return Onward::Unknown { text: String::new() } };
    if drop.stage == Stage::Session {
        let text = "it had signed in; what ends the session is all that is in its way".to_owned();
        let evidence = vec![Evidence::new(drop.at.frame, "", "where the session ended")];
        return Onward::Clear { confidence: SIGNED_IN, text, evidence };
    }
    let judged = chain::judged(case);
    let at_drop = judged.iter().find(|judged| judged.place().is_drop(case));
    match at_drop.and_then(|judged| Some((judged, repair(judged, primary, found)?))) {
        Some((judged, repair)) => behind_chain(case, judged, primary, repair, found),
        None => Onward::Unknown { text: unseen(case.attempt, drop) },
    }
}

/// What mends the primary cause, as far as the chain at the drop goes; `None` where that would have been another chain, or
/// where it is not known what was wrong.
fn repair(judged: &Judged<'_>, primary: &Rule, found: &[(&'static Rule, Found)]) -> Option<Vec<Repair>> {
    if primary.stage == Some(Stage::Time) {
        return Some(vec![Repair::Clock]);
    }
    if let Some(fault) = judged.faults.iter().find(|fault| acceptance::code(&fault.kind) == primary.code) {
        return Some(vec![Repair::of(fault)]);
    }
    let step = found.iter().find(|(rule, found)| rule.code == primary.code && found.explains_drop)?.1.step;
    match primary.code {
        // The chain does not show it, and the device says so.
        "cert-unsupported-signature" => Some(vec![Repair::Signatures]),
        "cert-unsupported-key" => Some(vec![Repair::Keys]),
        "cert-untrusted-issuer" | "cert-missing-intermediate" => Some(vec![Repair::Trust]),
        // These let the chain through as it is.
        "path-mtu-black-hole" | "path-loss" | "cert-revocation-unreachable" => Some(Vec::new()),
        // A fetch of CA certificates that failed before: with it the device would have had them.
        _ if step.is_some_and(|step| step != judged.place().index) => Some(vec![Repair::Trust]),
        _ => None,
    }
}

/// The same chain, judged until nothing is left to mend.
fn behind_chain(
    case: &Case<'_>,
    judged: &Judged<'_>,
    primary: &Rule,
    mut repairs: Vec<Repair>,
    found: &[(&'static Rule, Found)],
) -> Onward {
    let question = chain::question(case, judged);
    let first = repairs.clone();
    let mut obstacles = Vec::new();
    let rest = loop {
        let faults = trust::judge_repaired(&question, &repairs);
        let next = faults.iter().filter(|fault| fault.certainty >= PROBABLE).min_by_key(|fault| order(fault));
        match next.filter(|_| obstacles.len() < OBSTACLES) {
            Some(fault) => {
                obstacles.push(obstacle(judged, fault, primary, found));
                repairs.push(Repair::of(fault));
            }
            None => break faults,
        }
    };
    Onward::stopped(obstacles).unwrap_or_else(|| in_order(case, judged, &first, &rest))
}

/// The earlier cause first, as among findings.
fn order(fault: &Fault) -> u16 {
    let code = acceptance::code(&fault.kind);
    findings::ALL.iter().find(|rule| rule.code == code).map_or(u16::MAX, |rule| rule.order)
}

/// A fault that is left: told as the rule told it, where it did.
fn obstacle(judged: &Judged<'_>, fault: &Fault, primary: &Rule, found: &[(&'static Rule, Found)]) -> Obstacle {
    let code = acceptance::code(&fault.kind);
    let place = judged.place();
    let told = found.iter().find(|(rule, found)| rule.code == code && code != primary.code && found.step == Some(place.index));
    if let Some((_, told)) = told {
        return Obstacle {
            code,
            stage: told.stage,
            confidence: told.confidence.min(fault.certainty.min(0.95) * UNTRIED),
            summary: told.summary.clone(),
            fix: told.fix.clone(),
            evidence: told.evidence.iter().take(1).cloned().collect(),
        };
    }
    let summary = format!("{}: {}", judged.which(fault.certificate), fault_words(&fault.kind));
    let text = format!("{} sends its chain; {summary}", place.server());
    let evidence = Evidence::new(judged.at.frame, "tls.handshake.type == 11", text);
    Obstacle::of_chain(fault, place.step.stage, fault.certainty.min(0.95) * UNTRIED, summary, evidence)
}

/// Nothing probable is left against the chain.
fn in_order(case: &Case<'_>, judged: &Judged<'_>, repairs: &[Repair], rest: &[Fault]) -> Onward {
    let question = chain::question(case, judged);
    let policy = question.policy;
    let mended = |repair: &Repair| repairs.contains(repair);
    let knows = [
        ("signatures", mended(&Repair::Signatures) || policy.hashes.is_some() || policy.weak_hashes.is_some()),
        ("keys", mended(&Repair::Keys) || policy.keys.is_some() || policy.rsa_max.is_some() || policy.rsa_min.is_some()),
        ("dates", true),
        ("name", mended(&Repair::Name) || question.name.is_some()),
        ("issuer", mended(&Repair::Trust) || question.store_known),
    ];
    let doubt = rest.iter().map(|fault| fault.certainty).fold(0.0, f32::max);
    let unknown = knows.iter().filter(|(_, known)| !known).fold(WHOLE_CHAIN, |sure, _| sure * NOT_KNOWN);
    let list = |wanted: bool| {
        let words: Vec<&str> = knows.iter().filter(|(_, known)| *known == wanted).map(|(word, _)| *word).collect();
        words.join(", ")
    };
    let open = list(false);
    let open = if open.is_empty() { open } else { format!("; of its {open} the capture and the profile tell nothing") };
    let behind = case.attempt.drop.map(|drop| unseen(case.attempt, drop)).unwrap_or_default();
    Onward::Clear {
        confidence: unknown * (1.0 - doubt),
        text: format!("the chain of {} is in order otherwise ({}){open}; {behind}", judged.place().server(), list(true)),
        evidence: vec![Evidence::new(judged.at.frame, "tls.handshake.type == 11", "the chain that was judged once more")],
    }
}

/// What lies behind the drop, which this attempt did not reach.
pub(super) fn unseen(attempt: &Attempt, drop: DropPoint) -> String {
    let behind = attempt.stages.iter().filter(|report| report.stage > drop.stage && report.stage != Stage::Update);
    let never: Vec<&str> =
        behind.filter(|report| matches!(report.outcome, Outcome::Unseen)).map(|report| report.stage.word()).collect();
    match never.as_slice() {
        [] => format!("nothing that comes after {} is in the capture", drop.stage),
        [one] => format!("the attempt ended before {one}"),
        [rest @ .., last] => format!("the attempt ended before {} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::formats::x509::{Hash, KeyKind};
    use crate::login::steps::{Close, Purpose, StageReport};
    use crate::model::Prospect;
    use crate::model::Side;
    use crate::verdict::{DeviceAnalysis, Gathered};

    /// What is made of attempts of one device.
    fn analysis(logins: &[Login]) -> DeviceAnalysis {
        let mut gathered = Gathered::default();
        for login in logins {
            gathered.attempt(login.attempt.clone(), &login.profile, &login.known, &crate::device::servers::Servers::default());
        }
        let last = logins.last().unwrap();
        gathered.conclude(&last.known, Some(&last.profile), Vec::new())
    }

    /// A phone that verifies SHA-1 and uses RSA up to 2048 bits.
    fn old_phone(login: Login) -> Login {
        login.profile(|profile| {
            profile.trust.hashes = Some((vec![Hash::Md5, Hash::Sha1], 0.95));
            profile.trust.keys = Some((vec![KeyKind::Rsa], 0.9));
            profile.trust.rsa_max = Some((2048, 0.6));
        })
    }

    fn modern(bits: u32) -> std::sync::Arc<crate::formats::x509::Certificate> {
        certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.signature_algorithm.hash = Some(Hash::Sha256);
            body.key.bits = bits;
        })
    }

    fn codes(device: &DeviceAnalysis) -> Vec<&'static str> {
        device.fixes().iter().map(|fix| fix.code).collect()
    }

    #[test]
    fn a_large_key_behind_a_new_signature_is_the_next_obstacle() {
        let device = analysis(&[old_phone(refused(vec![modern(4096)]))]);
        assert_eq!(codes(&device), ["cert-unsupported-signature", "cert-unsupported-key"]);
        let Some(Onward::Stopped { next, further }) = &device.onward else { panic!("{:?}", device.onward) };
        let chain = device.attempts[0].drop.unwrap().at.frame.number() - 1;
        assert!(further.is_empty());
        assert!(next.evidence[0].frame.number() <= chain, "the chain, which came before the phone left");
        assert!(next.confidence < device.primary().unwrap().confidence, "nobody saw it stop the phone");
    }

    #[test]
    fn where_only_the_signature_is_new_nothing_else_is_in_the_way() {
        let device = analysis(&[old_phone(refused(vec![modern(2048)]))]);
        assert_eq!(codes(&device), ["cert-unsupported-signature"]);
        assert_eq!(device.onward.as_ref().unwrap().prospect(), Prospect::Clear);
    }

    #[test]
    fn the_less_is_known_of_the_device_the_less_sure_is_it_that_nothing_else_is_in_the_way() {
        let ended = || vec![certificate_with("CN=pool.contoso.com", "CN=CA", |body| body.not_after = at(1).time.plus(-1))];
        let sure = |device: &DeviceAnalysis| match device.onward.as_ref().unwrap() {
            Onward::Clear { confidence, .. } => *confidence,
            other => panic!("{other:?}"),
        };
        let (known, unknown) = (analysis(&[old_phone(refused(ended()))]), analysis(&[refused(ended())]));
        assert_eq!((codes(&known), codes(&unknown)), (vec!["cert-expired"], vec!["cert-expired"]));
        assert!(sure(&known) > sure(&unknown));
    }

    #[test]
    fn a_chain_of_nothing_but_faults_is_told_up_to_a_bound() {
        let name = |place: usize| if place == 0 { "CN=pool.contoso.com".to_owned() } else { format!("CN=CA {place}") };
        let ended = |place: usize| {
            certificate_with(&name(place), &name(place + 1), |body| {
                body.not_after = at(1).time.plus(-1);
                body.basic_constraints = (place > 0).then_some((true, None));
            })
        };
        let device = analysis(&[refused((0..10).map(ended).collect())]);
        assert_eq!(device.primary().unwrap().code, "cert-expired");
        assert_eq!(device.onward.iter().flat_map(Onward::obstacles).count(), OBSTACLES);
    }

    #[test]
    fn a_refused_port_hides_what_is_behind_it() {
        let never = |stage: Stage| StageReport { stage, outcome: Outcome::Unseen, first: None, last: None, detail: "".into() };
        let login = Login::new().step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped();
        let device = analysis(&[login.with(|attempt| attempt.stages = vec![never(Stage::Tls), never(Stage::Register)])]);
        assert_eq!(codes(&device), ["tcp-refused"]);
        let Some(Onward::Unknown { text }) = &device.onward else { panic!("{:?}", device.onward) };
        assert_eq!(text, "the attempt ended before tls and register");
    }

    #[test]
    fn an_unexplained_close_says_nothing_of_what_comes_next() {
        let device = analysis(&[refused(vec![leaf()])]);
        assert_eq!(codes(&device), ["tls-closed-after-certificate"]);
        assert_eq!(device.onward.as_ref().unwrap().prospect(), Prospect::Unknown);
    }

    #[test]
    fn another_attempt_that_came_further_shows_the_next_obstacle() {
        let shut = || Login::new().step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped();
        let numbered = |login: Login, number: u32| login.with(|attempt| attempt.number = number);
        let ended = vec![certificate_with("CN=pool.contoso.com", "CN=CA", |body| body.not_after = at(1).time.plus(-1))];
        let device = analysis(&[numbered(shut(), 1), numbered(refused(ended), 2), numbered(shut(), 3)]);
        assert_eq!(codes(&device), ["tcp-refused", "cert-expired"]);
        let through = numbered(Login::new().step(tcp(Purpose::Registrar)).signed_in(), 2);
        let device = analysis(&[numbered(shut(), 1), through, numbered(shut(), 3)]);
        let Some(Onward::Clear { text, .. }) = &device.onward else { panic!("{:?}", device.onward) };
        assert_eq!(text, "in attempt 2 it signed in");
    }

    #[test]
    fn a_device_without_a_drop_has_none() {
        let device = analysis(&[Login::new().step(tcp(Purpose::Registrar)).signed_in()]);
        assert_eq!((device.onward.as_ref(), device.fixes().len()), (None, 0));
    }
}
