//! Would a device accept this chain, for these names, at this time? Pure: used by the `cert-*` findings.

use std::sync::Arc;

use path::{End, Node, Path, Pool};

use crate::formats::x509::{Certificate, Hash};
use crate::model::{Frame, Time};
use crate::profile::TrustPolicy;

mod gap;
mod path;
mod repair;
pub mod roles;
mod strength;
mod usage;
mod validity;
mod words;

pub use gap::{is_called_intermediate, is_called_root};
pub use repair::{Repair, judge_repaired};
pub use usage::names_of;
pub use validity::root_of;
pub use words::{certificate_in_words, chain_in_words, key_name};

/// The question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The chain as sent, the server's own certificate first.
    pub chain: &'a [Arc<Certificate>],
    /// CAs that the device fetched, with the frames that brought them.
    pub fetched: &'a [(Frame, Arc<Certificate>)],
    /// Did the device fetch its CAs in this capture (so that what it did not fetch, and is no public CA, it lacks)?
    pub store_known: bool,
    /// Intermediate CAs of chains that this device went on with, with the frames that brought them.
    pub intermediates: &'a [(Frame, Arc<Certificate>)],
    /// Roots that servers sent to anybody, with the frames that brought them: these exist, whether or not the device has them.
    pub roots: &'a [(Frame, Arc<Certificate>)],
    /// The name that led to the server, if it is known.
    pub name: Option<&'a str>,
    /// The capture's clock.
    pub now: Time,
    /// The device's own clock, where it is known.
    pub device_now: Option<Time>,
    /// What the device can verify.
    pub policy: &'a TrustPolicy,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Everything that is wrong, in the order in which a verifier walks the path.
    pub faults: Vec<Fault>,
    /// The path that was built: indexes into `chain`, then into `fetched`.
    pub path: Vec<Link>,
    /// Does the path end in a CA that the device fetched, or in this very certificate, fetched?
    pub anchored: bool,
}

/// One certificate of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// From the chain that the server sent.
    Sent(usize),
    /// From what the device had fetched.
    Fetched(usize),
}

/// Something wrong with a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Of which certificate; `None` where it is about one that is not there.
    pub certificate: Option<Link>,
    /// What.
    pub kind: FaultKind,
    /// Between 0 and 1: 1 where the captured bytes prove it, less where it is said of such devices.
    pub certainty: f32,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// Signed with an algorithm that the device cannot verify.
    UnsupportedSignature {
        /// The hash, where it is known.
        hash: Option<Hash>,
        /// In words: `sha256WithRSAEncryption`.
        algorithm: String,
    },
    /// A key that the device cannot use.
    UnsupportedKey {
        /// In words: `RSA 4096`.
        key: String,
        /// What it can use: `RSA up to 2048 bits`.
        wanted: String,
    },
    /// Too weak for the device: `SHA-1 signature`, `RSA 1024`.
    Weak {
        /// What is weak.
        what: String,
        /// What is wanted.
        wanted: String,
    },
    /// The chain leads to a CA that the device does not have.
    UntrustedIssuer {
        /// Its name.
        issuer: String,
    },
    /// The server's own certificate is signed with its own key.
    SelfSigned,
    /// An intermediate is neither sent nor fetched.
    MissingIntermediate {
        /// Its name.
        issuer: String,
    },
    /// The bundle that the device fetched lacks a CA that this chain needs.
    EnrolmentIncomplete {
        /// Its name.
        issuer: String,
    },
    /// The path sent ends in an expired cross-signed root while a valid one exists.
    CrossSignedExpired,
    /// A signature does not verify with the issuer's key.
    BadSignature,
    /// After its end.
    Expired {
        /// Its end.
        not_after: Time,
        /// By whose clock.
        clock: Clock,
    },
    /// Before its beginning.
    NotYetValid {
        /// Its beginning.
        not_before: Time,
        /// By whose clock.
        clock: Clock,
    },
    /// No name in it covers the one that was looked up.
    NameMismatch {
        /// The name that was looked up.
        wanted: String,
        /// Those that it has.
        names: Vec<String>,
    },
    /// Extended key usage, key usage or basic constraints forbid this use.
    WrongUsage {
        /// Which, in words.
        what: String,
    },
}

/// Whose clock puts a certificate outside its validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Both the capture's and the device's (or the device's is not known).
    Both,
    /// The device's alone: its clock is the cause.
    DeviceOnly,
    /// The capture's alone: the device's clock puts it inside.
    CaptureOnly,
}

/// What a device that does not check its server still refuses.
const WITHOUT_CHECKS: f32 = 0.2;

/// Would the device accept this chain? Everything that speaks against it, in the order in which a verifier finds it: the
/// path, its signatures and keys, its dates, the name, the usage.
pub fn judge(question: &Question<'_>) -> Judgement {
    let pool = Pool::new(question);
    if pool.leaf().is_none() {
        return Judgement::default();
    }
    let paths = pool.paths_from(0);
    let Some(best) = Path::best(&paths) else { return Judgement::default() };
    // Of complete paths that lead equally far, an outdated one does no harm where another is in order: renewed CAs leave their
    // old certificates behind.
    let in_order = |path: &&Path| path.rank() == best.rank() && validity::is_in_order(question, &pool, path);
    let path = paths.iter().find(in_order).unwrap_or(best);
    let walk = Walk { pool: &pool, path };
    let policy = question.policy;

    let mut faults: Vec<Fault> = Vec::new();
    for forged in path.forged.iter().filter_map(|index| pool.node(*index)) {
        faults.push(Fault { certificate: Some(forged.link), kind: FaultKind::BadSignature, certainty: 1.0 });
    }
    faults.extend(gap::faults(question, &pool, path));
    let of_the_chain = faults.len();
    strength::signatures(&walk, policy, &mut faults);
    strength::keys(&walk, policy, &mut faults);
    strength::weak(&walk, policy, &mut faults);
    let of_algorithms = faults.len();
    validity::faults(question, &paths, &walk, &mut faults);
    if let (Some(leaf), Some(wanted)) = (walk.steps().next(), question.name) {
        usage::name(&leaf, wanted, policy, &mut faults);
    }
    usage::usage(&walk, &mut faults);
    if policy.checks_chain == Some(false) {
        // Keys and signatures still have to be read; who issued them, for whom and until when does not interest it.
        let ignored = |place: usize| place < of_the_chain || place >= of_algorithms;
        for (_, fault) in faults.iter_mut().enumerate().filter(|(place, _)| ignored(*place)) {
            fault.certainty *= WITHOUT_CHECKS;
        }
    }
    let links = walk.steps().map(|step| step.node.link).collect();
    Judgement { faults, path: links, anchored: path.end == End::Anchor }
}

/// A path, as the checks walk it.
struct Walk<'p, 'a> {
    pool: &'p Pool<'a>,
    path: &'p Path,
}

/// One certificate of it.
struct Step<'p, 'a> {
    node: &'p Node<'a>,
    /// 0 is the server's own.
    place: usize,
    /// Is it where the path ends: a CA that signed itself, or a certificate that the device holds as such?
    is_top: bool,
}

impl<'p, 'a> Walk<'p, 'a> {
    fn steps(&self) -> impl Iterator<Item = Step<'p, 'a>> {
        let (pool, path) = (self.pool, self.path);
        let last = path.nodes.len().saturating_sub(1);
        path.nodes.iter().enumerate().filter_map(move |(place, index)| {
            let node = pool.node(*index)?;
            // A server's own certificate that signs itself is trusted only where the device holds it.
            let is_top = place == last && (path.end == End::Anchor || (path.end == End::SelfSigned && place > 0));
            Some(Step { node, place, is_top })
        })
    }
}

#[cfg(test)]
mod tests;
