//! The chains that a device did not take, drawn for people: each certificate with what the device can and cannot verify in
//! it. Attempt in, facts out; says nothing of causes.

use crate::findings::Case;
use crate::findings::shared::chain::judged;
use crate::findings::shared::judged::{Judged, PROBABLE, algorithm_name, fault_words, wanted_name};
use crate::findings::shared::role_names::{self, RoleName};
use crate::formats::x509::{AlternativeName, Body, KeyKind};
use crate::model::{Aspect, At, Frame};
use crate::profile::TrustPolicy;
use crate::text::WireText;
use crate::trust::{Fault, FaultKind, Link, key_name};

/// Names of a certificate that are listed.
const NAMES: usize = 24;

/// A chain that a server presented, and the device did not go on after.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Its frame.
    pub at: At,
    /// The server: `pool.contoso.com (10.0.4.12:5061)`.
    pub server: String,
    /// The name that had to be covered, where it is known.
    pub wanted: Option<WireText>,
    /// The certificates: those sent, in their order, then fetched ones that something is wrong with.
    pub certificates: Vec<Drawn>,
    /// What is wrong with the chain as a whole.
    pub faults: Vec<String>,
    /// Which names of the SIP domain the server's certificate covers, where it misses one.
    pub role_names: Vec<RoleName>,
}

/// One certificate of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The frame of the answer that brought it, where the device had fetched it; `None` where the server sent it.
    pub fetched_in: Option<Frame>,
    /// To whom it was issued; `None` where it cannot be read.
    pub subject: Option<WireText>,
    /// By whom.
    pub issuer: Option<WireText>,
    /// The names that it covers.
    pub names: Vec<WireText>,
    /// What the device looks at in it.
    pub checks: Vec<Check>,
}

/// Something that a device looks at in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub what: Aspect,
    /// What the certificate has there.
    pub value: String,
    /// Does it pass? `None` where that is not known of the device.
    pub passes: Option<bool>,
}

/// The chains of an attempt, as they are drawn.
pub fn chains(case: &Case<'_>) -> Vec<Chain> {
    judged(case).iter().map(|one| chain(case, one)).collect()
}

fn chain(case: &Case<'_>, judged: &Judged<'_>) -> Chain {
    let policy = &case.profile.trust;
    let probable = || judged.faults.iter().filter(|fault| fault.certainty >= PROBABLE);
    let sent = (0..judged.chain.len()).map(Link::Sent);
    let fetched =
        (0..judged.fetched.len()).map(Link::Fetched).filter(|link| probable().any(|fault| fault.certificate == Some(*link)));
    Chain {
        at: judged.at,
        server: judged.place().server(),
        wanted: wanted_name(&judged.shaken).cloned(),
        certificates: sent.chain(fetched).map(|link| drawn(judged, policy, link)).collect(),
        faults: probable().filter(|fault| fault.certificate.is_none()).map(|fault| fault_words(&fault.kind)).collect(),
        role_names: role_names::table(case, judged),
    }
}

fn drawn(judged: &Judged<'_>, policy: &TrustPolicy, link: Link) -> Drawn {
    let fetched_in = match link {
        Link::Sent(_) => None,
        Link::Fetched(index) => judged.fetched.get(index).map(|(frame, _)| *frame),
    };
    let Some(body) = judged.body(Some(link)) else {
        return Drawn { fetched_in, subject: None, issuer: None, names: Vec::new(), checks: Vec::new() };
    };
    let faults: Vec<&Fault> =
        judged.faults.iter().filter(|fault| fault.certificate == Some(link) && fault.certainty >= PROBABLE).collect();
    Drawn {
        fetched_in,
        subject: Some(body.subject.text.clone()),
        issuer: Some(body.issuer.text.clone()),
        names: names(body),
        checks: checks(body, policy, &faults, wanted_name(&judged.shaken).filter(|_| link == Link::Sent(0))),
    }
}

fn names(body: &Body) -> Vec<WireText> {
    let name = |one: &AlternativeName| match one {
        AlternativeName::Dns(name) | AlternativeName::Uri(name) => Some(name.clone()),
        AlternativeName::Ip(ip) => Some(WireText::from(ip.to_string())),
        AlternativeName::Email(_) | AlternativeName::Other(_) => None,
    };
    body.alternative_names.iter().filter_map(name).take(NAMES).collect()
}

/// What the device looks at: a fault fails; what its family is known to take passes; of the rest nothing is said.
fn checks(body: &Body, policy: &TrustPolicy, faults: &[&Fault], wanted: Option<&WireText>) -> Vec<Check> {
    let check = |what: Aspect, value: String, takes: Option<bool>| {
        let fails = faults.iter().any(|fault| concerns(&fault.kind) == what);
        Check { what, value, passes: if fails { Some(false) } else { takes } }
    };
    let hash = body.signature_algorithm.hash;
    let takes_hash = policy.hashes.as_ref().zip(hash).map(|((hashes, _), hash)| hashes.contains(&hash)).filter(|takes| *takes);
    let takes_kind = policy.keys.as_ref().map(|(kinds, _)| kinds.contains(&body.key.kind));
    let takes_size = policy.rsa_max.map(|(most, _)| body.key.kind != KeyKind::Rsa || body.key.bits <= most);
    let takes_key = takes_kind.into_iter().chain(takes_size).reduce(|one, other| one && other).filter(|takes| *takes);
    let validity = format!("{} to {}", body.not_before.whole_seconds(), body.not_after.whole_seconds());
    let mut checks = vec![
        check(Aspect::Signature, algorithm_name(body), takes_hash),
        check(Aspect::Key, key_name(&body.key), takes_key),
        check(Aspect::Validity, validity, Some(true)),
    ];
    checks.extend(wanted.map(|wanted| check(Aspect::Name, wanted.to_string(), Some(true))));
    let others = faults.iter().filter(|fault| concerns(&fault.kind) == Aspect::Other);
    checks.extend(others.map(|fault| Check { what: Aspect::Other, value: fault_words(&fault.kind), passes: Some(false) }));
    checks
}

/// Which check a fault fails.
fn concerns(kind: &FaultKind) -> Aspect {
    match kind {
        FaultKind::UnsupportedSignature { .. } | FaultKind::BadSignature => Aspect::Signature,
        FaultKind::UnsupportedKey { .. } => Aspect::Key,
        FaultKind::Weak { what, .. } if what.ends_with("signature") => Aspect::Signature,
        FaultKind::Weak { .. } => Aspect::Key,
        FaultKind::Expired { .. } | FaultKind::NotYetValid { .. } => Aspect::Validity,
        FaultKind::NameMismatch { .. } => Aspect::Name,
        FaultKind::UntrustedIssuer { .. }
        | FaultKind::SelfSigned
        | FaultKind::MissingIntermediate { .. }
        | FaultKind::EnrolmentIncomplete { .. }
        | FaultKind::CrossSignedExpired
        | FaultKind::WrongUsage { .. } => Aspect::Other,
    }
}
