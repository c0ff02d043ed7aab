//! Would a device accept this chain, for these names, at this time? Pure: used by the `cert-*` findings.

use std::sync::Arc;

use crate::formats::x509::{Certificate, Hash};
use crate::model::{Frame, Time};
use crate::profile::TrustPolicy;

/// The question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The chain as sent, the server's own certificate first.
    pub chain: &'a [Arc<Certificate>],
    /// CAs that the device fetched, with the frames that brought them.
    pub fetched: &'a [(Frame, Arc<Certificate>)],
    /// Did the device fetch its CAs in this capture (so that what it did not fetch, and is no public CA, it lacks)?
    pub store_known: bool,
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
