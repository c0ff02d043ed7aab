//! Would these devices accept this chain, without any capture? A chain, profiles and names in; for each family what it
//! objects to, and which names the certificate covers. Reads no file and no clock: the time is given.

use std::sync::Arc;

use crate::findings::shared::judged::fault_words;
use crate::formats::names;
use crate::formats::x509::Certificate;
use crate::model::{Frame, Time};
use crate::profile::{Profile, Profiles};
use crate::trust::{self, Fault, FaultKind, Link, Question, roles};

pub use roles::{ROLES, Role};

/// From here on a device is said to refuse.
const REFUSES: f32 = 0.5;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The certificates of the server, its own first (`leaf_first` puts it there).
    pub chain: Vec<Arc<Certificate>>,
    /// The CAs that the device holds; empty where that is not known, so that nothing is concluded from a CA it may lack.
    pub authorities: Vec<Arc<Certificate>>,
    /// The names that lead devices to the server.
    pub names: Vec<String>,
    /// When.
    pub now: Time,
}

/// What one family makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Name of the profile.
    pub profile: String,
    /// What people call the family.
    pub title: String,
    /// What it objects to, the surest first; what is below even odds is a doubt.
    pub objections: Vec<Objection>,
    /// Is it known at all what this family can verify?
    pub is_known: bool,
}

impl Opinion {
    /// Does it refuse?
    pub fn refuses(&self) -> bool {
        self.objections.iter().any(|objection| objection.certainty >= REFUSES)
    }
}

/// Something that a device objects to.
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    /// The cause code that it would be in a capture.
    pub code: &'static str,
    /// Which certificate: its subject. `None` where it is about one that is not there.
    pub certificate: Option<String>,
    /// What, in a few words with the value.
    pub what: String,
    /// What the device takes instead, where that is known.
    pub wanted: Option<String>,
    /// Between 0 and 1.
    pub certainty: f32,
}

/// Does the certificate cover a name?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The name.
    pub name: String,
    /// What it is for, where it is the name of a known role.
    pub role: Option<&'static Role>,
    /// Is it covered?
    pub covered: bool,
}

/// The certificates in the order in which a server should send them: its own first. A set out of a bundle has no order.
pub fn leaf_first(certificates: Vec<Arc<Certificate>>) -> Vec<Arc<Certificate>> {
    let issues = |one: &Certificate| {
        let subject = one.body.as_ref().ok().map(|body| &body.subject.der);
        certificates.iter().any(|other| {
            let issuer = other.body.as_ref().ok().map(|body| &body.issuer.der);
            other.sha256 != one.sha256 && subject.is_some() && issuer == subject
        })
    };
    let (authorities, leaves): (Vec<_>, Vec<_>) = certificates.iter().cloned().partition(|one| issues(one));
    leaves.into_iter().chain(authorities).collect()
}

/// What each of these families makes of the chain.
pub fn opinions<'a>(request: &Request, profiles: impl Iterator<Item = &'a Profile>) -> Vec<Opinion> {
    profiles.map(|profile| opinion(request, profile)).collect()
}

/// The profiles that are asked about: the named one, or all.
pub fn asked<'a>(profiles: &'a Profiles, name: Option<&'a str>) -> impl Iterator<Item = &'a Profile> {
    profiles.all().filter(move |profile| name.is_none_or(|name| profile.name == name))
}

fn opinion(request: &Request, profile: &Profile) -> Opinion {
    let fetched: Vec<(Frame, Arc<Certificate>)> =
        request.authorities.iter().map(|one| (Frame::new(0), Arc::clone(one))).collect();
    let judge = |name: Option<&str>| {
        let question = Question {
            chain: &request.chain,
            fetched: &fetched,
            store_known: !fetched.is_empty(),
            intermediates: &[],
            roots: &[],
            name,
            now: request.now,
            device_now: None,
            policy: &profile.trust,
        };
        let faults = trust::judge(&question).faults;
        faults.iter().map(|fault| objection(&question, fault)).collect::<Vec<_>>()
    };
    let mut objections = judge(None);
    for name in &request.names {
        for objection in judge(Some(name)) {
            if !objections.contains(&objection) {
                objections.push(objection);
            }
        }
    }
    objections.sort_by(|a, b| b.certainty.total_cmp(&a.certainty));
    let trust = &profile.trust;
    let is_known = trust.hashes.is_some() || trust.keys.is_some() || trust.rsa_max.is_some() || trust.weak_hashes.is_some();
    Opinion { profile: profile.name.clone(), title: profile.title.clone(), objections, is_known }
}

fn objection(question: &Question<'_>, fault: &Fault) -> Objection {
    let subject = |link: Link| Some(question.certificate(link)?.body.as_ref().ok()?.subject.text.to_string());
    let wanted = match &fault.kind {
        FaultKind::UnsupportedKey { wanted, .. } | FaultKind::Weak { wanted, .. } => Some(wanted.clone()),
        FaultKind::UnsupportedSignature { .. } => question
            .policy
            .hashes
            .as_ref()
            .map(|(hashes, _)| hashes.iter().map(|hash| hash.name()).collect::<Vec<_>>().join(", ")),
        _ => None,
    };
    Objection {
        code: code(&fault.kind),
        certificate: fault.certificate.and_then(subject),
        what: fault_words(&fault.kind),
        wanted,
        certainty: fault.certainty,
    }
}

/// The cause code under which a fault would be found in a capture.
pub fn code(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::UnsupportedSignature { .. } => "cert-unsupported-signature",
        FaultKind::UnsupportedKey { .. } => "cert-unsupported-key",
        FaultKind::Weak { .. } => "cert-weak",
        FaultKind::UntrustedIssuer { .. } | FaultKind::BadSignature => "cert-untrusted-issuer",
        FaultKind::SelfSigned => "cert-self-signed",
        FaultKind::MissingIntermediate { .. } => "cert-missing-intermediate",
        FaultKind::EnrolmentIncomplete { .. } => "enrolment-chain-incomplete",
        FaultKind::CrossSignedExpired => "cert-cross-signed-expired",
        FaultKind::Expired { .. } => "cert-expired",
        FaultKind::NotYetValid { .. } => "cert-not-yet-valid",
        FaultKind::NameMismatch { .. } => "cert-name-mismatch",
        FaultKind::WrongUsage { .. } => "cert-wrong-usage",
    }
}

/// Which of these names the server's own certificate covers; and, for each domain, which names of the known roles.
pub fn coverage(leaf: &Certificate, asked: &[String], domains: &[String]) -> Vec<Coverage> {
    let Ok(body) = &leaf.body else { return Vec::new() };
    let covers = |name: &str| names::covers(body, name);
    let of_roles = domains.iter().flat_map(|domain| ROLES.iter().map(move |role| (role.name_in(domain), Some(role))));
    let asked = asked.iter().map(|name| (name.clone(), roles::of_name(name).map(|(role, _)| role)));
    asked.chain(of_roles).map(|(name, role)| Coverage { covered: covers(&name), name, role }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings;

    #[test]
    fn every_code_is_one_that_a_rule_finds() {
        let kinds = [
            FaultKind::UnsupportedSignature { hash: None, algorithm: String::new() },
            FaultKind::UnsupportedKey { key: String::new(), wanted: String::new() },
            FaultKind::Weak { what: String::new(), wanted: String::new() },
            FaultKind::UntrustedIssuer { issuer: String::new() },
            FaultKind::SelfSigned,
            FaultKind::MissingIntermediate { issuer: String::new() },
            FaultKind::EnrolmentIncomplete { issuer: String::new() },
            FaultKind::CrossSignedExpired,
            FaultKind::BadSignature,
            FaultKind::Expired { not_after: Time::from_seconds(0), clock: trust::Clock::Both },
            FaultKind::NotYetValid { not_before: Time::from_seconds(0), clock: trust::Clock::Both },
            FaultKind::NameMismatch { wanted: String::new(), names: Vec::new() },
            FaultKind::WrongUsage { what: String::new() },
        ];
        for kind in kinds {
            assert!(findings::ALL.iter().any(|rule| rule.code == code(&kind)), "{kind:?}");
        }
    }
}
