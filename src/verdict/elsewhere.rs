//! What other attempts, and other devices of the same capture, show of the way behind a drop. Results in, results with their
//! counterfactual filled in out.

use std::sync::Arc;

use super::heading::Heading;
use super::obstacle::{Obstacle, Onward};
use super::result::{AttemptSummary, DeviceAnalysis, Finding};
use crate::device::facts::DeviceFacts;
use crate::device::servers::Servers;
use crate::findings::shared::judged::{PROBABLE, fault_words};
use crate::findings::{self, Weight};
use crate::formats::x509::Certificate;
use crate::login::steps::{Attempt, Purpose};
use crate::model::{At, Endpoint, Evidence, Stage, Verdict};
use crate::profile::Profile;
use crate::text::WireText;
use crate::trust::{self, Question};

/// Chains of different registrars that are remembered for all devices.
const REGISTRARS: usize = 32;
/// Bytes of the certificates in them.
const REGISTRAR_BYTES: usize = 1 << 20;

/// What stopped the device itself further on, in another attempt, will do so again.
const OF_ITSELF: f32 = 0.9;
/// It got through in another attempt.
const GOT_THROUGH: f32 = 0.85;
/// The same server gives others the same chain, as a rule.
const SAME_SERVER: f32 = 0.8;
/// What stopped another device of the same family.
const OF_ANOTHER: f32 = 0.6;
/// Another device of the same family signed in.
const ANOTHER_SIGNED_IN: f32 = 0.6;

/// A registrar and the chain that it gave to whoever came so far.
#[derive(Debug)]
struct Registrar {
    server: Endpoint,
    name: Option<WireText>,
    at: At,
    chain: Vec<Arc<Certificate>>,
}

/// The registrars of a capture, the first ones.
#[derive(Debug, Default)]
pub struct Registrars {
    known: Vec<Registrar>,
    bytes: usize,
    /// What any server showed to anybody.
    pub servers: Servers,
}

impl Registrars {
    /// Remembers the chains that an attempt met.
    pub fn note(&mut self, attempt: &Attempt) {
        for (step, connection) in attempt.connections().filter(|(step, _)| step.purpose == Purpose::Registrar) {
            let Some((at, chain)) = connection.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) else { continue };
            let server = connection.flow.server;
            let bytes = chain.iter().fold(self.bytes, |sum, certificate| sum.saturating_add(certificate.der.len()));
            let is_known = self.known.iter().any(|one| one.server == server);
            if is_known || chain.is_empty() || self.known.len() >= REGISTRARS || bytes > REGISTRAR_BYTES {
                continue;
            }
            self.bytes = bytes;
            self.known.push(Registrar { server, name: step.name().cloned(), at: *at, chain: chain.clone() });
        }
    }

    /// What this device would have against the chain of the registrar that it was on its way to.
    fn judged_by(&self, heading: &Heading, profile: &Profile, facts: &DeviceFacts) -> Option<Onward> {
        let registrar = self.known.iter().find(|registrar| heading.is_for(registrar.server, registrar.name.as_ref()))?;
        let profile = profile.for_firmware(facts);
        let question = Question {
            chain: &registrar.chain,
            fetched: &facts.fetched,
            store_known: facts.enrolment_seen && !facts.fetched.is_empty(),
            intermediates: facts.intermediates.taken(),
            roots: self.servers.roots(),
            name: registrar.name.as_ref().map(WireText::raw),
            now: registrar.at.time,
            device_now: None,
            policy: &profile.trust,
        };
        let mut obstacles: Vec<Obstacle> = Vec::new();
        for fault in trust::judge(&question).faults.iter().filter(|fault| fault.certainty >= PROBABLE) {
            let who = registrar.name.as_ref().map_or_else(|| registrar.server.to_string(), WireText::to_string);
            let summary = format!("the chain that {who} gives on another occasion: {}", fault_words(&fault.kind));
            let evidence = Evidence::new(registrar.at.frame, "tls.handshake.type == 11", summary.clone());
            let next = Obstacle::of_chain(fault, Stage::Tls, fault.certainty.min(0.95) * SAME_SERVER, summary, evidence);
            if !obstacles.iter().any(|known| known.code == next.code) {
                obstacles.push(next);
            }
        }
        Onward::stopped(obstacles)
    }
}

/// What other attempts of the same device show: `drop_stage` is where those of the primary cause end.
pub(super) fn in_other_attempts(
    attempts: &[AttemptSummary],
    signed_in: &[Option<f32>],
    findings: &[Finding],
    drop_stage: Stage,
) -> Option<Onward> {
    let went_well = |(attempt, signed_in): &(&AttemptSummary, &Option<f32>)| attempt.drop.is_none() && signed_in.is_some();
    if let Some((attempt, _)) = attempts.iter().zip(signed_in).find(went_well) {
        let text = format!("in attempt {} it signed in", attempt.number);
        let evidence = vec![Evidence::new(attempt.last.frame, "", text.clone())];
        return Some(Onward::Clear { confidence: GOT_THROUGH, text, evidence });
    }
    let further = attempts.iter().filter(|attempt| attempt.drop.is_some_and(|drop| drop.stage > drop_stage));
    let stopped = further.filter_map(|attempt| {
        let code = attempt.primary_cause?;
        let stage = attempt.drop?.stage;
        findings
            .iter()
            .filter(|finding| finding.code == code && names_a_cause(finding))
            .min_by_key(|finding| finding.stage != stage)
    });
    let obstacle = stopped.min_by_key(|finding| finding.stage).map(|finding| of_finding(finding, OF_ITSELF));
    Onward::stopped(obstacle.into_iter().collect()).or_else(|| came_further(attempts, drop_stage))
}

/// What stopped it further on is not known, but it came so far.
fn came_further(attempts: &[AttemptSummary], drop_stage: Stage) -> Option<Onward> {
    let dropped = attempts.iter().filter_map(|attempt| Some((attempt.number, attempt.drop?.stage)));
    let (number, stage) = dropped.filter(|(_, stage)| *stage > drop_stage).max_by_key(|(_, stage)| *stage)?;
    Some(Onward::Unknown {
        text: format!("in attempt {number} it came as far as {stage}, and what ended it there has no proven cause"),
    })
}

/// Fills in, for each device of which its own attempts do not tell, what others show. With each device come its family and
/// what is known of it.
pub fn look_at_others(devices: &mut [DeviceAnalysis], known: &[(Option<&Profile>, &DeviceFacts)], registrars: &Registrars) {
    let mut told: Vec<(usize, Onward)> = Vec::new();
    for (index, (device, (profile, facts))) in devices.iter().zip(known).enumerate() {
        let (Some(Onward::Unknown { .. }), Some(profile)) = (&device.onward, profile) else { continue };
        let Some(stage) = device.typical_attempt().and_then(|attempt| attempt.drop).map(|drop| drop.stage) else { continue };
        let of_chain = (stage <= Stage::Tls).then(|| registrars.judged_by(&device.heading, profile, facts)).flatten();
        if let Some(onward) = of_chain.or_else(|| of_another(devices, index, stage)) {
            told.push((index, onward));
        }
    }
    for (index, onward) in told {
        if let Some(device) = devices.get_mut(index) {
            device.onward = Some(onward);
        }
    }
}

/// What became of another device of the same family that came further.
fn of_another(devices: &[DeviceAnalysis], index: usize, stage: Stage) -> Option<Onward> {
    let family = devices.get(index)?.profile.as_ref().map(|(name, _)| name)?;
    let others = || {
        let all = devices.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
        all.filter(|other| other.profile.as_ref().is_some_and(|(name, _)| name == family))
    };
    if let Some(other) = others().find(|other| other.verdict == Verdict::SignedIn) {
        let who = other.mac.map(|mac| mac.to_string()).or_else(|| other.ips.last().map(ToString::to_string))?;
        let last = other.attempts.last()?;
        let text = format!("{who}, of the same family, signed in in this capture");
        let evidence = vec![Evidence::new(last.last.frame, "", text.clone())];
        return Some(Onward::Clear { confidence: ANOTHER_SIGNED_IN, text, evidence });
    }
    let came_further =
        |other: &&DeviceAnalysis| other.typical_attempt().and_then(|attempt| attempt.drop).is_some_and(|drop| drop.stage > stage);
    let stopped = others().filter(came_further).filter_map(DeviceAnalysis::primary).find(|finding| names_a_cause(finding))?;
    Onward::stopped(vec![of_finding(stopped, OF_ANOTHER)])
}

/// Does it say more than how something was left? The same trouble can show in several ways.
fn names_a_cause(finding: &Finding) -> bool {
    findings::ALL.iter().any(|rule| rule.code == finding.code && rule.weight == Weight::Specific)
}

/// Something that did stop the device, or another one, on another occasion.
fn of_finding(finding: &Finding, certainty: f32) -> Obstacle {
    Obstacle {
        code: finding.code,
        stage: finding.stage,
        confidence: finding.confidence * certainty,
        summary: finding.summary.clone(),
        fix: finding.fix.clone(),
        evidence: finding.evidence.iter().take(2).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::model::{Mac, Prospect, Side};
    use crate::verdict::Gathered;

    /// Devices of one capture, each with one attempt.
    fn together(logins: &[Login]) -> Vec<DeviceAnalysis> {
        let mut registrars = Registrars::default();
        let conclude = |(login, number): (&Login, u8)| {
            let mut gathered = Gathered::default();
            registrars.note(&login.attempt);
            gathered.attempt(login.attempt.clone(), &login.profile, &login.known, &Servers::default());
            let mut facts = login.known.clone();
            facts.mac = Some(Mac([0, 4, 0xf2, 0, 0, number]));
            gathered.conclude(&facts, Some(&login.profile), Vec::new())
        };
        let mut devices: Vec<DeviceAnalysis> = logins.iter().zip(1..).map(conclude).collect();
        let known: Vec<_> = logins.iter().map(|login| (Some(&login.profile), &login.known)).collect();
        look_at_others(&mut devices, &known, &registrars);
        devices
    }

    fn shut(port: u16) -> Login {
        let refused = syn(Purpose::Registrar).to("10.0.4.12", port).leaves(Side::Server, Close::Rst);
        Login::new().step(refused).dropped()
    }

    fn takes(port: u16, chain: Vec<Arc<Certificate>>) -> Login {
        takes_of("pool.contoso.com", port, chain)
    }

    fn takes_of(name: &str, port: u16, chain: Vec<Arc<Certificate>>) -> Login {
        let taken = tcp(Purpose::Registrar).named(name).to("10.0.4.12", port).hello().server_flight(chain);
        let taken = taken.client_finished().server_finished().encrypted(Side::Client).encrypted(Side::Server);
        Login::new().step(taken).signed_in()
    }

    fn of_family(login: Login, name: &str) -> Login {
        login.profile(|profile| name.clone_into(&mut profile.name))
    }

    fn large_key() -> Vec<Arc<Certificate>> {
        vec![certificate_with("CN=pool.contoso.com", "CN=CA", |body| body.key.bits = 4096)]
    }

    #[test]
    fn the_chain_that_another_device_was_given_is_judged_for_this_one() {
        let small = |login: Login| of_family(login, "old").profile(|profile| profile.trust.rsa_max = Some((2048, 0.9)));
        let devices = together(&[small(shut(5061)), of_family(takes(5061, large_key()), "new")]);
        let fixes: Vec<&str> = devices[0].fixes().iter().map(|fix| fix.code).collect();
        assert_eq!(fixes, ["tcp-refused", "cert-unsupported-key"]);
        let Some(Onward::Stopped { next, .. }) = &devices[0].onward else { panic!("{:?}", devices[0].onward) };
        assert_eq!((next.stage, next.confidence < 0.8), (Stage::Tls, true));
        // A firmware that takes it is not stopped by it.
        let newer = small(shut(5061)).knowing(|known| known.user_agents.push(WireText::from("Test/2.1")));
        let from_two = crate::profile::Variant {
            marker: "Test/".to_owned(),
            from: Some("2.0".to_owned().try_into().unwrap()),
            below: None,
            strict_domain: None,
            trust: crate::profile::TrustPolicy { rsa_max: Some((8192, 0.9)), ..Default::default() },
        };
        let newer = newer.profile(|profile| profile.variants.push(from_two));
        let devices = together(&[newer, of_family(takes(5061, large_key()), "new")]);
        assert_eq!(devices[0].fixes().iter().map(|fix| fix.code).collect::<Vec<_>>(), ["tcp-refused"]);
        // Another server's chain says nothing.
        let elsewhere = takes_of("mail.contoso.com", 443, large_key());
        let devices = together(&[small(shut(5061)), of_family(elsewhere, "new")]);
        assert_eq!(devices[0].onward.as_ref().map(Onward::prospect), Some(Prospect::Unknown));
    }

    #[test]
    fn a_device_of_the_same_family_that_signed_in_shows_that_nothing_else_is_in_the_way() {
        let devices = together(&[shut(5061), takes(443, vec![leaf()])]);
        let Some(Onward::Clear { text, .. }) = &devices[0].onward else { panic!("{:?}", devices[0].onward) };
        assert_eq!(text, "00:04:f2:00:00:02, of the same family, signed in in this capture");
        let devices = together(&[shut(5061), of_family(takes(443, vec![leaf()]), "another")]);
        assert_eq!(devices[0].onward.as_ref().map(Onward::prospect), Some(Prospect::Unknown));
    }

    #[test]
    fn a_device_of_the_same_family_that_came_further_shows_the_next_obstacle() {
        let ended = vec![certificate_with("CN=pool.contoso.com", "CN=CA", |body| body.not_after = at(1).time.plus(-1))];
        let devices = together(&[shut(443), refused(ended)]);
        let fixes: Vec<&str> = devices[0].fixes().iter().map(|fix| fix.code).collect();
        assert_eq!(fixes, ["tcp-refused", "cert-expired"]);
        assert_eq!(devices[1].fixes().len(), 1, "the one that came further learns nothing from the other");
    }

    #[test]
    fn only_the_first_registrars_are_remembered() {
        let mut registrars = Registrars::default();
        for port in 1..=u16::try_from(REGISTRARS).unwrap() + 1 {
            registrars.note(&takes(port, vec![leaf()]).attempt);
        }
        assert_eq!(registrars.known.len(), REGISTRARS);
        let mut registrars = Registrars { bytes: REGISTRAR_BYTES, ..Registrars::default() };
        registrars.note(&takes(1, vec![leaf()]).attempt);
        assert!(registrars.known.is_empty());
    }
}
