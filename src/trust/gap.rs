//! A path that leads to no CA of the device: what is missing, and whose fault it is.
//!
//! The same gap looks alike from below. What tells the cases apart:
//! 1. The bundle that the device fetched lacks the issuer of one of its own certificates: the enrolment is incomplete.
//! 2. A CA above the gap was sent beside the chain, or the missing CA calls itself an intermediate and the device fetched a CA
//!    that can be above it: an intermediate is missing. (A server's certificate alone does not tell: Windows servers send no
//!    roots, so theirs stands alone below a root as well.)
//! 3. A public CA has signed no server directly since 2012, when the CA/Browser Forum's rules forbade it: whoever sends a
//!    server's certificate of a public CA alone lacks an intermediate.
//! 4. The device went on elsewhere with a chain in which the missing CA was an intermediate: it is one, and what is above it the
//!    device has.
//! 5. Otherwise the CA is one that the device does not have. That can only be said where its CAs were seen being fetched.

use super::path::{End, Node, Path, Pool};
use super::{Fault, FaultKind, Link, Question};
use crate::formats::signature::{self, Verified};
use crate::formats::x509::{Body, Name};
use crate::model::Time;

/// 2012-07-01, when the CA/Browser Forum's Baseline Requirements came into force: from then on roots sign no servers.
const ROOTS_SIGN_NO_SERVERS_SINCE: Time = Time(1_341_100_800_000_000_000);

/// Most certificates beside the path from which another path is looked for.
const MAX_BESIDE: usize = 16;

/// What is wrong with the end of a path.
pub(super) fn faults(question: &Question<'_>, pool: &Pool<'_>, path: &Path) -> Option<Fault> {
    let last = pool.node(*path.nodes.last()?)?;
    match path.end {
        End::Anchor | End::TooLong => None,
        End::SelfSigned if path.nodes.len() == 1 => {
            Some(Fault { certificate: Some(last.link), kind: FaultKind::SelfSigned, certainty: 1.0 })
        }
        End::SelfSigned => {
            question.store_known.then(|| Fault { certificate: Some(last.link), ..untrusted(question, pool, &last.body.subject) })
        }
        End::Gap => gap(question, pool, path, last),
    }
}

fn gap(question: &Question<'_>, pool: &Pool<'_>, path: &Path, last: &Node<'_>) -> Option<Fault> {
    let missing = &last.body.issuer;
    let issuer = missing.text.to_string();
    let fault = |kind: FaultKind, certainty: f32| Some(Fault { certificate: None, kind, certainty });
    let bundle_lacks_it =
        pool.nodes().any(|(_, node)| node.held && !node.is_self_issued() && node.body.issuer.der == missing.der);
    if bundle_lacks_it && !is_subject_of_any(pool, missing) {
        let may_be_built_in = question.policy.built_in_cas && is_public(missing);
        return fault(FaultKind::EnrolmentIncomplete { issuer }, if may_be_built_in { 0.3 } else { 0.9 });
    }
    if went_on_with(question, last) {
        return fault(FaultKind::MissingIntermediate { issuer }, 0.95);
    }
    let same_name_sent =
        pool.nodes().any(|(_, node)| !node.held && !node.is_self_issued() && node.body.subject.der == missing.der);
    if same_name_sent {
        return fault(FaultKind::MissingIntermediate { issuer }, 0.9);
    }
    if question.store_known && is_subject_of_any(pool, missing) {
        return Some(untrusted(question, pool, missing));
    }
    let certainty = missing_intermediate(question, pool, path, last);
    if certainty > 0.0 {
        return fault(FaultKind::MissingIntermediate { issuer }, certainty);
    }
    question.store_known.then(|| untrusted(question, pool, missing))
}

/// Did the device go on with a chain in which the issuer of this certificate was an intermediate?
fn went_on_with(question: &Question<'_>, last: &Node<'_>) -> bool {
    let is_issuer =
        |ca: &Body| ca.subject.der == last.body.issuer.der && signature::verify(last.certificate, &ca.key) == Verified::Good;
    question.intermediates.iter().any(|(_, ca)| ca.body.as_ref().is_ok_and(is_issuer))
}

/// Is a certificate of this name there, whatever its key?
fn is_subject_of_any(pool: &Pool<'_>, name: &Name) -> bool {
    pool.nodes().any(|(_, node)| node.body.subject.der == name.der)
}

/// How sure is it that the missing issuer is an intermediate below a CA that is there or known? 0: nothing says so.
fn missing_intermediate(question: &Question<'_>, pool: &Pool<'_>, path: &Path, last: &Node<'_>) -> f32 {
    let missing = &last.body.issuer;
    let beside = || pool.nodes().filter(|(index, node)| !path.nodes.contains(index) && may_issue(node.body));
    let leads_to_anchor =
        |index: usize| Path::best(&pool.paths_from(index)).is_some_and(|path| path.rank() == (true, End::Anchor));
    let sent_beside = || beside().filter(|(_, node)| matches!(node.link, Link::Sent(_))).take(MAX_BESIDE);
    if sent_beside().any(|(index, _)| leads_to_anchor(index)) {
        return 0.9;
    }
    if !question.store_known && sent_beside().next().is_some() {
        return 0.6;
    }
    if is_called_intermediate(missing)
        && beside().any(|(_, node)| node.held && may_share_organisation(missing, &node.body.subject))
    {
        return 0.8;
    }
    let is_server_alone = path.nodes.len() == 1 && last.body.not_before >= ROOTS_SIGN_NO_SERVERS_SINCE;
    if is_server_alone && is_public(missing) && !is_called_root(missing) { 0.6 } else { 0.0 }
}

/// Is it a CA, as far as it says?
pub(super) fn may_issue(body: &Body) -> bool {
    match body.basic_constraints {
        Some((is_ca, _)) => is_ca,
        None => body.subject.der == body.issuer.der,
    }
}

/// The device did not fetch this CA. Where its family holds public CAs of its own, the name decides how sure it is that this
/// is none of them.
fn untrusted(question: &Question<'_>, pool: &Pool<'_>, ca: &Name) -> Fault {
    let same_name_fetched = pool.nodes().any(|(_, node)| node.held && node.body.subject.der == ca.der);
    let certainty = match (question.policy.built_in_cas, is_public(ca)) {
        _ if same_name_fetched => 0.95,
        (true, true) => 0.3,
        (true, false) => 0.85,
        (false, _) => 0.95,
    };
    Fault { certificate: None, kind: FaultKind::UntrustedIssuer { issuer: ca.text.to_string() }, certainty }
}

/// Words in the names of public CAs, of then and now.
static PUBLIC: &[&str] = &[
    "actalis",
    "addtrust",
    "affirmtrust",
    "amazon",
    "baltimore",
    "buypass",
    "certum",
    "comodo",
    "cybertrust",
    "dfn",
    "digicert",
    "digisign",
    "dst",
    "entrust",
    "equifax",
    "geotrust",
    "globalsign",
    "godaddy",
    "gte",
    "identrust",
    "isrg",
    "quovadis",
    "rapidssl",
    "sectigo",
    "securetrust",
    "starfield",
    "startcom",
    "swisssign",
    "symantec",
    "telekom",
    "teletrust",
    "thawte",
    "trustwave",
    "usertrust",
    "utn",
    "valicert",
    "verisign",
    "verizon",
    "visa",
    "wosign",
    "xramp",
];

/// The same, where it takes two words to tell.
static PUBLIC_PHRASES: &[&str] = &[
    "go daddy",
    "google trust",
    "let's encrypt",
    "microsoft azure tls",
    "microsoft rsa",
    "network solutions",
    "rsa data security",
    "ssl.com",
];

/// Is this the name of a public CA?
fn is_public(name: &Name) -> bool {
    let text = name.text.raw().to_lowercase();
    PUBLIC_PHRASES.iter().any(|phrase| text.contains(phrase)) || words(&text).any(|word| PUBLIC.contains(&word))
}

/// Does it call itself a root?
pub fn is_called_root(name: &Name) -> bool {
    words(&name.text.raw().to_lowercase()).any(|word| word == "root")
}

/// What CAs call themselves that are no roots.
static INTERMEDIATE: &[&str] = &["intermediate", "issuing", "policy", "sub", "subca", "subordinate"];

/// Does it call itself an intermediate?
pub fn is_called_intermediate(name: &Name) -> bool {
    words(&name.text.raw().to_lowercase()).any(|word| INTERMEDIATE.contains(&word))
}

/// Words that say nothing about whose CA it is.
static COMMON: &[&str] = &[
    "authority",
    "and",
    "ca",
    "cert",
    "certificate",
    "certificates",
    "certification",
    "class",
    "com",
    "corp",
    "enterprise",
    "for",
    "global",
    "inc",
    "limited",
    "llc",
    "local",
    "ltd",
    "net",
    "org",
    "pki",
    "primary",
    "public",
    "root",
    "secure",
    "server",
    "services",
    "test",
    "the",
    "trust",
];

/// Can two CAs belong to one organisation? Not where their names tell of two: no word in common that not every CA bears.
fn may_share_organisation(a: &Name, b: &Name) -> bool {
    let (a, b) = (a.text.raw().to_lowercase(), b.text.raw().to_lowercase());
    let telling = |word: &&str| {
        word.len() > 2
            && !COMMON.contains(word)
            && !INTERMEDIATE.contains(word)
            && !word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let of_a: Vec<&str> = words(&a).filter(telling).collect();
    let of_b: Vec<&str> = words(&b).filter(telling).collect();
    of_a.is_empty() || of_b.is_empty() || of_a.iter().any(|word| of_b.contains(word))
}

/// The words of a name's values: `CN=Contoso Root CA,DC=contoso` has contoso, root, ca, contoso.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let values = text.split([',', '+']).map(|part| part.split_once('=').map_or(part, |(_, value)| value));
    values.flat_map(|value| value.split(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty())
}
