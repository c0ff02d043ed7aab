//! Builds paths from the server's certificate towards a CA: by issuer name and by the issuer's key. Dates play no part in
//! it: they only choose between complete paths, later.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Link, Question};
use crate::formats::signature::{self, Verified};
use crate::formats::x509::{Body, Certificate, KeyKind, PublicKey};

/// Most certificates that are looked at.
pub(super) const MAX_CERTIFICATES: usize = 512;
/// Longest path; real ones have at most five.
const MAX_LENGTH: usize = 10;
/// Most paths that are kept. Each step of the search is one of a path, so that this bounds the steps, too.
pub(super) const MAX_PATHS: usize = 16;
/// Most work that is done on the signatures of one question: 1 is a signature with RSA of 2048 bits.
pub(super) const MAX_EFFORT: u32 = 512;

/// A readable certificate of the question.
pub(super) struct Node<'a> {
    /// Where it came from; the chain, where it was both sent and fetched.
    pub(super) link: Link,
    /// The certificate.
    pub(super) certificate: &'a Certificate,
    /// What it says.
    pub(super) body: &'a Body,
    /// Does the device hold it, because it fetched it?
    pub(super) held: bool,
}

impl Node<'_> {
    /// Does it bear its issuer's name? (That is not yet to be signed with its own key.)
    pub(super) fn is_self_issued(&self) -> bool {
        self.body.subject.der == self.body.issuer.der
    }

    /// Is it a certificate of the same CA, though perhaps another one?
    pub(super) fn has_name_and_key_of(&self, other: &Node<'_>) -> bool {
        self.body.subject.der == other.body.subject.der && self.body.key.info == other.body.key.info
    }
}

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// It is longer than any real one.
    TooLong,
    /// No issuer of the last certificate is there.
    Gap,
    /// The last certificate signs itself, and the device did not fetch it.
    SelfSigned,
    /// The device holds the last certificate as a CA, or as this very server's.
    Anchor,
}

/// A path: indexes into the pool, the server's own certificate first.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// The certificates.
    pub(super) nodes: Vec<usize>,
    /// Those whose signature does not verify with the key of their issuer.
    pub(super) forged: Vec<usize>,
    /// How it ends.
    pub(super) end: End,
}

/// How a certificate stands to one that bears its issuer's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bond {
    /// It was signed with that key, or everything but the signature, which cannot be checked, says so.
    Signed,
    /// It names that key, or was sent together with it, but its signature does not verify.
    Forged,
    /// It was signed with another key: a CA renewed, or another CA of that name.
    OtherKey,
}

/// All certificates of a question that can be read.
pub(super) struct Pool<'a> {
    nodes: Vec<Node<'a>>,
    bonds: RefCell<BTreeMap<(usize, usize), Bond>>,
    effort: Cell<u32>,
}

impl<'a> Pool<'a> {
    /// Collects them: those sent first, each once.
    pub(super) fn new(question: &Question<'a>) -> Self {
        let mut nodes: Vec<Node<'a>> = Vec::new();
        let sent = question.chain.iter().enumerate().map(|(place, certificate)| (Link::Sent(place), certificate));
        let fetched = question.fetched.iter().enumerate().map(|(place, (_, certificate))| (Link::Fetched(place), certificate));
        for (link, certificate) in sent.chain(fetched) {
            let held = matches!(link, Link::Fetched(_));
            let Ok(body) = &certificate.body else { continue };
            if let Some(known) = nodes.iter_mut().find(|node| *node.certificate == **certificate) {
                known.held |= held;
            } else if nodes.len() < MAX_CERTIFICATES {
                nodes.push(Node { link, certificate, body, held });
            }
        }
        Self { nodes, bonds: RefCell::default(), effort: Cell::new(MAX_EFFORT) }
    }

    /// The server's own certificate, where it can be read.
    pub(super) fn leaf(&self) -> Option<&Node<'a>> {
        self.nodes.first().filter(|node| node.link == Link::Sent(0))
    }

    /// One certificate.
    pub(super) fn node(&self, index: usize) -> Option<&Node<'a>> {
        self.nodes.get(index)
    }

    /// All certificates.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &Node<'a>)> {
        self.nodes.iter().enumerate()
    }

    /// Paths from one certificate upwards, in the order in which a verifier meets them that follows the chain as sent.
    pub(super) fn paths_from(&self, start: usize) -> Vec<Path> {
        let mut search = Search { pool: self, found: Vec::new() };
        search.walk(&mut Path { nodes: vec![start], forged: Vec::new(), end: End::Gap });
        search.found
    }

    /// Was it signed with its own key? Where that cannot be checked, its name decides.
    pub(super) fn is_self_signed(&self, index: usize) -> bool {
        self.node(index).is_some_and(|node| node.is_self_issued() && self.verify(node, node) != Verified::Bad)
    }

    fn verify(&self, child: &Node<'_>, issuer: &Node<'_>) -> Verified {
        match self.effort.get().checked_sub(effort(&issuer.body.key)) {
            Some(left) => {
                self.effort.set(left);
                signature::verify(child.certificate, &issuer.body.key)
            }
            None => Verified::CannotCheck("too many certificates".to_owned()),
        }
    }

    /// How `child` stands to `issuer`; `None` where the names differ.
    fn bond(&self, child: usize, issuer: usize) -> Option<Bond> {
        let (from, to) = (self.node(child)?, self.node(issuer)?);
        if child == issuer || from.body.issuer.der != to.body.subject.der {
            return None;
        }
        if let Some(known) = self.bonds.borrow().get(&(child, issuer)) {
            return Some(*known);
        }
        let same_key_id = same_key_id(from, to);
        let bond = match (self.verify(from, to), same_key_id) {
            (Verified::Good, _) | (Verified::CannotCheck(_), None | Some(true)) => Bond::Signed,
            (Verified::CannotCheck(_), Some(false)) | (Verified::Bad, Some(false)) => Bond::OtherKey,
            (Verified::Bad, Some(true)) => Bond::Forged,
            (Verified::Bad, None) if follows(from.link, to.link) => Bond::Forged,
            (Verified::Bad, None) => Bond::OtherKey,
        };
        self.bonds.borrow_mut().insert((child, issuer), bond);
        Some(bond)
    }

    /// Certificates that can stand above the last one of `path`, the likeliest first; and whether they did not sign it.
    fn above(&self, path: &Path) -> (Vec<usize>, bool) {
        let Some(last) = path.nodes.last() else { return (Vec::new(), false) };
        let is_new = |candidate: &Node<'_>| {
            let mut before = path.nodes.iter().filter_map(|index| self.node(*index));
            !before.any(|node| node.has_name_and_key_of(candidate))
        };
        let (mut signers, mut forgers) = (Vec::new(), Vec::new());
        for index in self.nodes().filter(|(_, candidate)| is_new(candidate)).map(|(index, _)| index) {
            match self.bond(*last, index) {
                Some(Bond::Signed) => signers.push(index),
                Some(Bond::Forged) => forgers.push(index),
                Some(Bond::OtherKey) | None => {}
            }
        }
        // Stable: those with the same rank stay in the order in which they were sent.
        signers.sort_by_key(|index| {
            Reverse(self.node(*last).zip(self.node(*index)).and_then(|(child, issuer)| same_key_id(child, issuer)))
        });
        if signers.is_empty() { (forgers, true) } else { (signers, false) }
    }
}

/// How much work a signature with this key is: it grows with the square of the key's length at least.
fn effort(key: &PublicKey) -> u32 {
    let unit = if key.kind == KeyKind::Rsa { 2048 } else { 128 };
    let times = key.bits.div_ceil(unit).max(1);
    times.saturating_mul(times)
}

/// Does the child's authorityKeyIdentifier name the issuer's key? `None` where one of them has none.
fn same_key_id(child: &Node<'_>, issuer: &Node<'_>) -> Option<bool> {
    Some(child.body.authority_key_id.as_ref()? == issuer.body.subject_key_id.as_ref()?)
}

/// Was `issuer` sent right after `child`?
fn follows(child: Link, issuer: Link) -> bool {
    matches!((child, issuer), (Link::Sent(child), Link::Sent(issuer)) if child.checked_add(1) == Some(issuer))
}

impl Path {
    /// The better, the further a device comes on it.
    pub(super) fn rank(&self) -> (bool, End) {
        (self.forged.is_empty(), self.end)
    }

    /// The best of several; of equals the first.
    pub(super) fn best(paths: &[Path]) -> Option<&Path> {
        paths.iter().reduce(|best, path| if path.rank() > best.rank() { path } else { best })
    }
}

struct Search<'p, 'a> {
    pool: &'p Pool<'a>,
    found: Vec<Path>,
}

impl Search<'_, '_> {
    fn walk(&mut self, path: &mut Path) {
        if self.found.len() >= MAX_PATHS {
            return;
        }
        if let Some(end) = self.end(path) {
            return self.found.push(Path { end, ..path.clone() });
        }
        let (candidates, are_forged) = self.pool.above(path);
        if candidates.is_empty() {
            return self.found.push(Path { end: End::Gap, ..path.clone() });
        }
        for candidate in candidates {
            if are_forged {
                path.forged.extend(path.nodes.last().copied());
            }
            path.nodes.push(candidate);
            self.walk(path);
            path.nodes.pop();
            if are_forged {
                path.forged.pop();
            }
        }
    }

    /// Does the path end with its last certificate, whatever else there is?
    fn end(&self, path: &Path) -> Option<End> {
        let last = *path.nodes.last()?;
        let node = self.pool.node(last)?;
        if node.held && (path.nodes.len() == 1 || node.is_self_issued()) {
            return Some(End::Anchor);
        }
        if self.pool.is_self_signed(last) {
            return Some(End::SelfSigned);
        }
        (path.nodes.len() >= MAX_LENGTH).then_some(End::TooLong)
    }
}
