//! Certificate chains of servers as the `cert-*` rules see them: asks `trust` what is wrong with a chain, and turns one
//! fault into one finding.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::findings::shared::alert::{can_mean, is_gap, named_by};
use crate::findings::shared::handshake::{Refusal, Shaken, handshakes};
use crate::findings::shared::own_clock::own_clock;
use crate::findings::shared::place::{Leaving, Place};
use crate::findings::{Case, Found, Proof};
use crate::formats::names;
use crate::formats::x509::{Body, Certificate, Hash, KeyKind, Scheme};
use crate::model::{At, Evidence, Frame, Side, Time};
use crate::profile::TrustPolicy;
use crate::text::WireText;
use crate::trust::{self, Clock, Fault, FaultKind, Link, Question};

/// Chains that are judged in one attempt, at most: those nearest to the drop.
const CHAINS: usize = 4;
/// How sure it is that a device refuses a signature that its own hello does not list.
const NOT_IN_HELLO: f32 = 0.7;
/// From here on a fault can be what the device meant.
const PROBABLE: f32 = 0.5;

/// A chain that the device may have refused, with its faults.
pub struct Judged<'a> {
    /// The connection and its handshake.
    pub shaken: Shaken<'a>,
    /// The frame of the Certificate.
    pub at: At,
    /// The chain, the server's own certificate first.
    pub chain: &'a [Arc<Certificate>],
    /// CAs that the device had fetched.
    pub fetched: &'a [(Frame, Arc<Certificate>)],
    /// How the device turned away from it, if it did.
    pub refusal: Option<Refusal>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// The chains of an attempt that the device did not take, each with what `trust` has against it.
pub fn judged<'a>(case: &Case<'a>) -> Vec<Judged<'a>> {
    let mut all: Vec<Judged<'a>> = handshakes(case).into_iter().filter_map(|shaken| open(case, shaken)).collect();
    let surplus = all.len().saturating_sub(CHAINS);
    let mut place = 0_usize;
    all.retain(|one| {
        place = place.saturating_add(1);
        place > surplus || one.place().is_drop(case)
    });
    for one in &mut all {
        one.faults = faults(case, one);
    }
    all
}

/// The same with these faults for every chain: for tests of what is made of them.
#[cfg(test)]
pub(crate) fn judged_as<'a>(case: &Case<'a>, faults: &[Fault]) -> Vec<Judged<'a>> {
    let open = handshakes(case).into_iter().filter_map(|shaken| open(case, shaken));
    open.map(|one| Judged { faults: faults.to_vec(), ..one }).collect()
}

/// A readable chain, unless the device went on past it: then it has taken it, whatever could be said against it.
fn open<'a>(case: &Case<'a>, shaken: Shaken<'a>) -> Option<Judged<'a>> {
    let (at, chain) = shaken.tls.certificate.as_ref()?;
    if chain.is_empty() || shaken.accepted() {
        return None;
    }
    let before = case.known.fetched.iter().take_while(|(frame, _)| *frame < at.frame).count();
    let fetched = case.known.fetched.get(..before).unwrap_or_default();
    Some(Judged { shaken, at: *at, chain, fetched, refusal: shaken.refusal(), faults: Vec::new() })
}

/// The device's own clock when a frame was captured, where it shows.
pub fn device_time(case: &Case<'_>, at: At) -> Option<Time> {
    own_clock(case, at).map(|clock| at.time.plus(clock.ahead))
}

/// The name that the certificate must cover: the one that was looked up, else the one in the hello.
fn wanted_name<'a>(shaken: &Shaken<'a>) -> Option<&'a WireText> {
    let said = shaken.tls.client_hello.as_ref().and_then(|(_, hello)| hello.server_name.as_ref());
    shaken.place.connection.name.as_ref().or(said)
}

/// What is wrong with a chain.
pub fn faults(case: &Case<'_>, judged: &Judged<'_>) -> Vec<Fault> {
    let question = Question {
        chain: judged.chain,
        fetched: judged.fetched,
        store_known: case.known.enrolment_seen && !judged.fetched.is_empty(),
        name: wanted_name(&judged.shaken).map(WireText::raw),
        now: judged.at.time,
        device_now: device_time(case, judged.at),
        policy: &case.profile.trust,
    };
    let mut faults = remembered(&question);
    if !faults.iter().any(|fault| matches!(fault.kind, FaultKind::UnsupportedSignature { .. } | FaultKind::Weak { .. })) {
        faults.extend(outside_hello(judged));
    }
    if !question.store_known && !faults.iter().any(|fault| is_gap(&fault.kind)) {
        faults.extend(issuer_not_sent(judged));
    }
    if !faults.iter().any(|fault| fault.certainty >= PROBABLE) {
        faults.extend(weak_by_its_word(judged).or_else(|| address_not_covered(case, judged)));
    }
    faults
}

/// What a judgement depends on.
#[derive(PartialEq)]
struct Key {
    chain: Vec<[u8; 32]>,
    fetched: Vec<[u8; 32]>,
    store_known: bool,
    name: Option<String>,
    now: Time,
    device_now: Option<Time>,
    policy: TrustPolicy,
}

/// Asks `trust`, unless the same was asked a moment ago: a dozen rules ask for each chain, and signatures take time.
fn remembered(question: &Question<'_>) -> Vec<Fault> {
    thread_local! {
        static LAST: RefCell<VecDeque<(Key, Vec<Fault>)>> = const { RefCell::new(VecDeque::new()) };
    }
    let key = Key {
        chain: question.chain.iter().map(|one| one.sha256).collect(),
        fetched: question.fetched.iter().map(|(_, one)| one.sha256).collect(),
        store_known: question.store_known,
        name: question.name.map(str::to_owned),
        now: question.now,
        device_now: question.device_now,
        policy: question.policy.clone(),
    };
    LAST.with_borrow_mut(|last| {
        if let Some((_, faults)) = last.iter().find(|(known, _)| *known == key) {
            return faults.clone();
        }
        let faults = trust::judge(question).faults;
        last.truncate(CHAINS.saturating_sub(1));
        last.push_front((key, faults.clone()));
        faults
    })
}

/// The first certificate whose signature the device's own hello does not list (RFC 5246 section 7.4.1.4.1). Many stacks
/// take such a chain all the same, so it counts only where the device left.
fn outside_hello(judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?;
    let (_, hello) = judged.shaken.tls.client_hello.as_ref()?;
    let listed = hello.signature_algorithms.as_ref().filter(|listed| !listed.is_empty())?;
    let chosen = judged.shaken.tls.server_hello.as_ref().map(|(_, hello)| hello.chosen)?;
    if chosen < 0x0303 {
        return None;
    }
    judged.chain.iter().enumerate().find_map(|(index, certificate)| {
        let body = certificate.body.as_ref().ok()?;
        let codes = scheme_codes(body.signature_algorithm.scheme, body.signature_algorithm.hash);
        let outside = body.subject.der != body.issuer.der && !codes.is_empty() && !codes.iter().any(|code| listed.contains(code));
        // A stack of today leaves old digests out because they are weak, not because it does not know them.
        let weak = is_weak(body.signature_algorithm.hash);
        let kind = if weak { weak_signature(body) } else { unsupported_signature(body) };
        outside.then_some(Fault { certificate: Some(Link::Sent(index)), kind, certainty: NOT_IN_HELLO })
    })
}

fn unsupported_signature(body: &Body) -> FaultKind {
    FaultKind::UnsupportedSignature { hash: body.signature_algorithm.hash, algorithm: algorithm_name(body) }
}

fn weak_signature(body: &Body) -> FaultKind {
    FaultKind::Weak { what: format!("{} signature", algorithm_name(body)), wanted: "SHA-256 or better".to_owned() }
}

fn is_weak(hash: Option<Hash>) -> bool {
    matches!(hash, Some(Hash::Md2 | Hash::Md5 | Hash::Sha1))
}

/// The device says unknown_ca of a server's certificate that stands alone. A CA that calls itself an intermediate, or whose
/// certificate is offered for download (RFC 5280 section 4.2.2.1), is more likely one that the server should have sent than
/// a root.
fn issuer_not_sent(judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?.alert().filter(|alert| *alert == 48)?;
    let [alone] = judged.chain else { return None };
    let body = alone.body.as_ref().ok()?;
    let issuer = &body.issuer;
    let by_its_looks = trust::is_called_intermediate(issuer) || !body.issuer_locations.is_empty();
    (issuer.der != body.subject.der && by_its_looks && !trust::is_called_root(issuer)).then(|| Fault {
        certificate: None,
        kind: FaultKind::MissingIntermediate { issuer: issuer.text.to_string() },
        certainty: PROBABLE,
    })
}

/// A device that came without a name, though the capture shows it from its lease on, connected by address: then the address
/// is what the certificate must bear (RFC 6125 section 1.7.2). Its alert says that something in it is not as it must be.
fn address_not_covered(case: &Case<'_>, judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?.alert().filter(|alert| matches!(alert, 42 | 46))?;
    let (leased, _) = case.known.lease.as_ref()?;
    if wanted_name(&judged.shaken).is_some() || *leased > judged.at {
        return None;
    }
    let address = judged.place().connection.flow.server_ip()?.to_string();
    let body = judged.body(Some(Link::Sent(0)))?;
    (!names::covers(body, &address)).then(|| Fault {
        certificate: Some(Link::Sent(0)),
        kind: FaultKind::NameMismatch { wanted: address, names: trust::names_of(body) },
        certainty: PROBABLE,
    })
}

/// A stack of today that says bad_certificate of a chain against which nothing else speaks means a key or a digest below its
/// security level: such a stack has no alert of its own for that (RFC 5246 section 7.2.2).
fn weak_by_its_word(judged: &Judged<'_>) -> Option<Fault> {
    const RSA_OF_TODAY: u32 = 2048;
    judged.refusal?.alert().filter(|alert| *alert == 42)?;
    let (_, hello) = judged.shaken.tls.client_hello.as_ref()?;
    if hello.highest_version() < 0x0303 {
        return None;
    }
    judged.chain.iter().enumerate().find_map(|(index, certificate)| {
        let body = certificate.body.as_ref().ok()?;
        let short = body.key.kind == KeyKind::Rsa && body.key.bits < RSA_OF_TODAY;
        let kind = if short {
            let wanted = format!("RSA of at least {RSA_OF_TODAY} bits");
            FaultKind::Weak { what: format!("RSA key of {} bits", body.key.bits), wanted }
        } else if body.subject.der != body.issuer.der && is_weak(body.signature_algorithm.hash) {
            weak_signature(body)
        } else {
            return None;
        };
        Some(Fault { certificate: Some(Link::Sent(index)), kind, certainty: PROBABLE })
    })
}

/// The code points of a signature in a hello (RFC 5246 section 7.4.1.4.1, RFC 8446 section 4.2.3); empty if unknown.
fn scheme_codes(scheme: Scheme, hash: Option<Hash>) -> Vec<u16> {
    let number = match hash {
        Some(Hash::Md5) => 0x0100,
        Some(Hash::Sha1) => 0x0200,
        Some(Hash::Sha224) => 0x0300,
        Some(Hash::Sha256) => 0x0400,
        Some(Hash::Sha384) => 0x0500,
        Some(Hash::Sha512) => 0x0600,
        Some(Hash::Md2) | None => 0,
    };
    match (scheme, number) {
        (Scheme::EdDsa, _) => vec![0x0807, 0x0808],
        (Scheme::Rsa, 1..) => vec![number | 1],
        (Scheme::Dsa, 1..) => vec![number | 2],
        (Scheme::Ecdsa, 1..) => vec![number | 3],
        (Scheme::RsaPss, 0x0400) => vec![0x0804, 0x0809],
        (Scheme::RsaPss, 0x0500) => vec![0x0805, 0x080a],
        (Scheme::RsaPss, 0x0600) => vec![0x0806, 0x080b],
        _ => Vec::new(),
    }
}

/// A signature algorithm as people write it.
pub fn algorithm_name(body: &Body) -> String {
    let hash = match body.signature_algorithm.hash {
        Some(Hash::Md2) => "md2",
        Some(Hash::Md5) => "md5",
        Some(Hash::Sha1) => "sha1",
        Some(Hash::Sha224) => "sha224",
        Some(Hash::Sha256) => "sha256",
        Some(Hash::Sha384) => "sha384",
        Some(Hash::Sha512) => "sha512",
        None => return format!("algorithm {}", body.signature_algorithm.oid),
    };
    match body.signature_algorithm.scheme {
        Scheme::Rsa => format!("{hash}WithRSAEncryption"),
        Scheme::RsaPss => format!("RSASSA-PSS with {hash}"),
        Scheme::Ecdsa => format!("ecdsa-with-{}", hash.to_uppercase()),
        Scheme::Dsa => format!("dsa-with-{hash}"),
        Scheme::EdDsa | Scheme::Unknown => format!("algorithm {}", body.signature_algorithm.oid),
    }
}

impl<'a> Judged<'a> {
    /// The connection.
    pub fn place(&self) -> Place<'a> {
        self.shaken.place
    }

    /// What a fault's certificate says, where it can be read.
    pub fn body(&self, link: Option<Link>) -> Option<&'a Body> {
        let certificate = match link? {
            Link::Sent(index) => self.chain.get(index)?,
            Link::Fetched(index) => &self.fetched.get(index)?.1,
        };
        certificate.body.as_ref().ok()
    }

    /// Which certificate, in words: `the server's certificate (CN=pool.contoso.com)`.
    pub fn which(&self, link: Option<Link>) -> String {
        let subject = self.body(link).map(|body| format!(" ({})", body.subject.text)).unwrap_or_default();
        match link {
            None => "the chain".to_owned(),
            Some(Link::Sent(0)) => format!("the server's certificate{subject}"),
            Some(Link::Sent(_)) => format!("the CA certificate sent with it{subject}"),
            Some(Link::Fetched(_)) => format!("the CA certificate that the device fetched{subject}"),
        }
    }

    /// The certificate's common name, else its whole subject.
    fn short_name(&self, link: Option<Link>) -> String {
        let Some(body) = self.body(link) else { return "the chain".to_owned() };
        body.common_name.as_ref().map_or_else(|| body.subject.text.to_string(), WireText::to_string)
    }

    /// Subject of the server's own certificate.
    pub fn subject(&self) -> String {
        self.body(Some(Link::Sent(0)))
            .map_or_else(|| "certificate that cannot be read".to_owned(), |body| body.subject.text.to_string())
    }

    /// A command that shows the chain that the server sends now.
    pub fn show(&self) -> String {
        format!("openssl s_client -connect {} -showcerts", self.place().target())
    }
}

/// The clock on which a fault rests, if it rests on one.
fn clock_of(kind: &FaultKind) -> Option<Clock> {
    match kind {
        FaultKind::Expired { clock, .. } | FaultKind::NotYetValid { clock, .. } => Some(*clock),
        _ => None,
    }
}

/// One fault of one chain as a finding.
pub fn certificate_found(case: &Case<'_>, judged: &Judged<'_>, fault: &Fault, summary: String, fix: &str) -> Found {
    let place = judged.place();
    let alert = judged.refusal.and_then(|refusal| refusal.alert());
    let told = alert.is_some_and(|alert| named_by(alert, &fault.kind));
    let proof = match () {
        () if fault.certainty >= 1.0 => Proof::Proven,
        () if told => Proof::Told,
        () => Proof::Inferred,
    };
    // The device judges by its own clock: what only the capture's puts out of date, it has not refused for that.
    let by_device = clock_of(&fault.kind) != Some(Clock::CaptureOnly) && alert.is_none_or(|alert| can_mean(alert, &fault.kind));
    let explains_drop = place.is_drop(case) && judged.refusal.is_some() && by_device;
    Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof,
        explains_drop,
        confidence: confidence(judged, fault, told, explains_drop),
        summary,
        fix: format!("{}{}", fix, mend_together(judged, fault)),
        evidence: evidence(judged, fault),
    }
}

/// How sure it is that this fault is there and, where it is said to explain the drop, that it does.
fn confidence(judged: &Judged<'_>, fault: &Fault, told: bool, explains_drop: bool) -> f32 {
    let known = fault.certainty.clamp(0.0, 0.95);
    if !explains_drop {
        return known * 0.9;
    }
    let late = judged.refusal.is_some_and(|refusal| refusal.late);
    match () {
        () if told => known.max(0.9),
        () if late => known * 0.8,
        () => known,
    }
}

/// What else the same chain needs, so that nobody has to reissue it twice. Signatures and keys are named together where the
/// finding is about one of them.
fn mend_together(judged: &Judged<'_>, fault: &Fault) -> String {
    let strength = |kind: &FaultKind| matches!(kind, FaultKind::UnsupportedSignature { .. } | FaultKind::UnsupportedKey { .. });
    let named = |other: &&Fault| *other == fault || strength(&fault.kind) && strength(&other.kind);
    let counts = |other: &&Fault| other.certainty >= PROBABLE && clock_of(&other.kind) != Some(Clock::DeviceOnly);
    let mut others: Vec<(String, Vec<String>)> = Vec::new();
    for other in judged.faults.iter().filter(|other| !named(other) && counts(other)) {
        let (words, whose) = (fault_words(&other.kind), judged.short_name(other.certificate));
        match others.iter_mut().find(|(known, _)| *known == words) {
            Some((_, list)) => list.push(whose),
            None => others.push((words, vec![whose])),
        }
    }
    if others.is_empty() {
        return String::new();
    }
    let others: Vec<String> = others.iter().take(4).map(|(words, whose)| format!("{words} ({})", whose.join(", "))).collect();
    format!(" This alone may not be enough: mend in the same go {}.", others.join("; "))
}

/// Which certificates of a chain must be issued again for what the device can verify, and how: one sentence for the
/// signatures, one for the keys.
pub fn reissue(case: &Case<'_>, judged: &Judged<'_>) -> String {
    let server = judged.place().server();
    let listed = |fits: fn(&FaultKind) -> bool| {
        let at_fault = || judged.faults.iter().filter(|fault| fits(&fault.kind));
        let probable = at_fault().any(|fault| fault.certainty >= PROBABLE);
        let at_fault = at_fault().filter(|fault| !probable || fault.certainty >= PROBABLE);
        let mut names: Vec<String> = at_fault.map(|fault| judged.short_name(fault.certificate)).collect();
        names.dedup();
        names.join(", ")
    };
    let mut sentences = Vec::new();
    let signatures = listed(|kind| matches!(kind, FaultKind::UnsupportedSignature { .. }));
    if !signatures.is_empty() {
        let with = strongest_hash(case).map(|hash| format!(" ({hash})")).unwrap_or_default();
        sentences
            .push(format!("Have these issued again for {server} with a signature that the device verifies{with}: {signatures}."));
    }
    let keys = listed(|kind| matches!(kind, FaultKind::UnsupportedKey { .. }));
    let wanted = judged.faults.iter().find_map(|fault| match &fault.kind {
        FaultKind::UnsupportedKey { key, wanted } => Some((WireText::from(key.as_str()), wanted)),
        _ => None,
    });
    if let (Some((key, wanted)), false) = (wanted, keys.is_empty()) {
        sentences.push(format!("Give these a key that the device can use ({wanted} instead of {key}): {keys}."));
    }
    sentences.join(" ")
}

/// The hash to issue with: nobody should go back to MD5 where SHA-1 will do.
fn strongest_hash(case: &Case<'_>) -> Option<&'static str> {
    let (known, _) = case.profile.trust.hashes.as_ref()?;
    known.iter().max().map(|hash| hash_name(*hash))
}

/// A hash as people write it.
pub fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Md2 => "MD2",
        Hash::Md5 => "MD5",
        Hash::Sha1 => "SHA-1",
        Hash::Sha224 => "SHA-224",
        Hash::Sha256 => "SHA-256",
        Hash::Sha384 => "SHA-384",
        Hash::Sha512 => "SHA-512",
    }
}

/// A fault in a few words.
pub fn fault_words(kind: &FaultKind) -> String {
    let escaped = |text: &String| WireText::from(text.as_str()).to_string();
    match kind {
        FaultKind::UnsupportedSignature { algorithm, .. } => format!("signature {}", escaped(algorithm)),
        FaultKind::UnsupportedKey { key, .. } => format!("key {}", escaped(key)),
        FaultKind::Weak { what, .. } => format!("too weak ({})", escaped(what)),
        FaultKind::UntrustedIssuer { issuer } => format!("issuer {} not trusted", escaped(issuer)),
        FaultKind::SelfSigned => "self-signed".to_owned(),
        FaultKind::MissingIntermediate { issuer } => format!("intermediate {} missing", escaped(issuer)),
        FaultKind::EnrolmentIncomplete { issuer } => format!("CA {} not in the fetched bundle", escaped(issuer)),
        FaultKind::CrossSignedExpired => "path ends in an expired cross-signed root".to_owned(),
        FaultKind::BadSignature => "signature does not verify".to_owned(),
        FaultKind::Expired { not_after, .. } => format!("expired {}", not_after.whole_seconds()),
        FaultKind::NotYetValid { not_before, .. } => format!("not valid before {}", not_before.whole_seconds()),
        FaultKind::NameMismatch { wanted, .. } => format!("name {} not in it", escaped(wanted)),
        FaultKind::WrongUsage { what } => escaped(what),
    }
}

/// The Certificate, the fetched certificate where the fault is in it, and how the device left.
fn evidence(judged: &Judged<'_>, fault: &Fault) -> Vec<Evidence> {
    let at_fault = judged.which(fault.certificate);
    let text = format!("{} sends its chain; {at_fault}: {}", judged.place().server(), fault_words(&fault.kind));
    let mut evidence = vec![Evidence::new(judged.at.frame, "tls.handshake.type == 11", text)];
    if let Some(Link::Fetched(index)) = fault.certificate
        && let Some((frame, _)) = judged.fetched.get(index)
    {
        evidence.push(Evidence::new(*frame, "", format!("the device fetches {}", judged.which(fault.certificate))));
    }
    evidence.extend(left(judged.shaken.leaving()));
    evidence
}

/// How somebody left, as evidence.
pub fn left(leaving: Option<Leaving>) -> Option<Evidence> {
    let leaving = leaving?;
    let who = match leaving.side {
        Side::Client => "the device",
        Side::Server => "the server",
    };
    Some(leaving.evidence(format!("{who} {}", leaving.words())))
}

/// Does a fault of the chain that this connection brought explain why the device left?
pub fn explains(case: &Case<'_>, index: usize) -> bool {
    judged(case).iter().filter(|one| one.place().index == index && one.refusal.is_some()).any(|one| {
        let alert = one.refusal.and_then(|refusal| refusal.alert());
        let fits = |fault: &Fault| {
            let by_device = clock_of(&fault.kind) != Some(Clock::CaptureOnly);
            fault.certainty >= PROBABLE && by_device && alert.is_none_or(|alert| can_mean(alert, &fault.kind))
        };
        one.faults.iter().any(fits)
    })
}
