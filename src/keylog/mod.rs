//! Key logs in, the secrets of TLS connections out: lines as NSS, OpenSSL and others write them where SSLKEYLOGFILE names a
//! file, and as Decryption Secrets Blocks of pcapng hold them. The one place where secrets are kept; none is ever printed.
#![deny(clippy::arithmetic_side_effects)]

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use sha2::{Digest as _, Sha256};

mod line;
#[cfg(test)]
mod tests;

use line::Line;
pub use line::Problem;

/// Secrets that are kept, of a key log; the oldest go. A connection has one of them (TLS 1.3: four).
const MAX_SECRETS: usize = 65_536;
/// Bytes of a line that are looked at: the longest that means anything has 240 or so.
const LINE: u64 = 4 << 10;

/// The random bytes of a ClientHello, by which key logs name connections.
pub type Random = [u8; 32];

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The master secret, up to TLS 1.2.
    Master,
    /// TLS 1.3: what the client sends of the handshake.
    ClientHandshake,
    /// TLS 1.3: what the server sends of the handshake.
    ServerHandshake,
    /// TLS 1.3: what the client sends behind its Finished.
    ClientTraffic,
    /// TLS 1.3: what the server sends behind its Finished.
    ServerTraffic,
}

/// A secret.
#[derive(Clone, Copy)]
pub struct Secret {
    bytes: [u8; Secret::LONGEST],
    length: u8,
}

impl Secret {
    /// A master secret has so many bytes (RFC 5246 section 8.1); those of TLS 1.3 are as long as a hash, of which SHA-384 is the
    /// longest in use (RFC 8446 section B.4).
    pub const LONGEST: usize = 48;

    fn new(secret: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(Self { bytes, length: u8::try_from(secret.len()).ok()? })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

type Secrets = HashMap<(Label, Random), Secret, RandomState>;

/// The secrets of a key log.
#[derive(Clone, Default)]
pub struct KeyLog {
    /// Half of them at most; when it is full, it becomes `older`.
    newer: Secrets,
    older: Secrets,
}

impl KeyLog {
    /// Reads a key log line by line; each that is not understood is told, with its number, and passed over.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&mut self, mut input: impl BufRead, tell: &mut dyn FnMut(u64, Problem)) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut number: u64 = 0;
        loop {
            bytes.clear();
            if input.by_ref().take(LINE).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(());
            }
            number = number.saturating_add(1);
            if !bytes.ends_with(b"\n") && bytes.len() as u64 == LINE {
                input.skip_until(b'\n')?;
            }
            match line::read(&bytes) {
                Ok(line) => self.take(line),
                Err(problem) => tell(number, problem),
            }
        }
    }

    fn take(&mut self, line: Line) {
        let Line::Secret { label, random, secret } = line else { return };
        if self.newer.len() >= MAX_SECRETS / 2 {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert((label, random), secret);
    }

    /// Does it hold none?
    pub fn is_empty(&self) -> bool {
        self.newer.is_empty() && self.older.is_empty()
    }

    /// The same for two logs that hold the same secrets: what results depend on, and tells none of them.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut all: Vec<_> = self.older.iter().chain(&self.newer).collect();
        all.sort_unstable_by_key(|((label, random), secret)| (*label, *random, secret.bytes));
        let mut hasher = Sha256::new();
        for ((label, random), secret) in all {
            hasher.update([*label as u8]);
            hasher.update(random);
            hasher.update(secret.bytes());
        }
        hasher.finalize().into()
    }

    /// The secret of a connection; of several, the last.
    pub fn find(&self, label: Label, random: &Random) -> Option<&Secret> {
        let key = (label, *random);
        self.newer.get(&key).or_else(|| self.older.get(&key))
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyLog of {}", self.newer.len().saturating_add(self.older.len()))
    }
}

/// The secrets that a run has: those of the key log that it was given, and those that the capture brings.
#[derive(Debug, Default)]
pub struct Keys {
    given: Arc<KeyLog>,
    found: KeyLog,
    /// Lines in the capture's own key log that are not understood.
    foreign: u64,
}

impl Keys {
    /// Those of a key log.
    pub fn new(given: Arc<KeyLog>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Takes a key log that the capture holds.
    pub fn add(&mut self, text: &[u8]) {
        let foreign = &mut self.foreign;
        // Nothing fails that is read from memory.
        let _ = self.found.read(text, &mut |_, _| *foreign = foreign.saturating_add(1));
    }

    /// Lines in the capture's own key log that are not understood.
    pub fn foreign(&self) -> u64 {
        self.foreign
    }

    /// These, if there are any.
    pub fn any(&self) -> Option<&Self> {
        let none = self.given.is_empty() && self.found.is_empty();
        (!none).then_some(self)
    }

    /// The secret of a connection.
    pub fn find(&self, label: Label, random: &Random) -> Option<&Secret> {
        self.found.find(label, random).or_else(|| self.given.find(label, random))
    }
}
