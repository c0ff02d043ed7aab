//! Records whose encryption and authentication are one (RFC 5246 section 6.2.3.3, RFC 8446 section 5.2).

use aes::{Aes128, Aes256};
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::{AeadInPlace, Aes128Gcm, Aes256Gcm, KeyInit};
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;

use super::Header;

/// Length of a nonce, whatever the cipher.
pub(super) const NONCE: usize = 12;

/// Opens in place what a key, a nonce and associated data protect; the tag stands at the end.
type Run = fn(&[u8], &[u8; NONCE], &[u8], &mut Vec<u8>) -> Option<()>;

/// A cipher: the length of its key and of its tag, and how it opens.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) key: usize,
    tag: usize,
    run: Run,
}

pub(super) const AES_128_GCM: Open = Open { key: 16, tag: 16, run: run::<Aes128Gcm> };
pub(super) const AES_256_GCM: Open = Open { key: 32, tag: 16, run: run::<Aes256Gcm> };
pub(super) const AES_128_CCM: Open = Open { key: 16, tag: 16, run: run::<Ccm<Aes128, U16, U12>> };
pub(super) const AES_256_CCM: Open = Open { key: 32, tag: 16, run: run::<Ccm<Aes256, U16, U12>> };
pub(super) const AES_128_CCM_8: Open = Open { key: 16, tag: 8, run: run::<Ccm<Aes128, U8, U12>> };
pub(super) const AES_256_CCM_8: Open = Open { key: 32, tag: 8, run: run::<Ccm<Aes256, U8, U12>> };
pub(super) const CHACHA20_POLY1305: Open = Open { key: 32, tag: 16, run: run::<ChaCha20Poly1305> };

fn run<C: KeyInit + AeadInPlace<NonceSize = U12>>(
    key: &[u8],
    nonce: &[u8; NONCE],
    associated: &[u8],
    bytes: &mut Vec<u8>,
) -> Option<()> {
    C::new_from_slice(key).ok()?.decrypt_in_place(nonce.into(), associated, bytes).ok()
}

/// Where the nonce of a record comes from.
#[derive(Clone, Copy)]
pub(super) enum Nonce {
    /// Four bytes of the keys, and eight that stand before the ciphertext (RFC 5288 section 3).
    Explicit,
    /// Twelve bytes of the keys, in which the record is counted (RFC 7905 section 2, RFC 8446 section 5.3).
    Counted,
}

impl Nonce {
    /// Bytes that come from the keys.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Explicit => NONCE.saturating_sub(EXPLICIT),
            Self::Counted => NONCE,
        }
    }
}

/// Bytes of a nonce that a record carries.
const EXPLICIT: usize = 8;

/// One direction.
pub(super) struct Aead {
    open: Open,
    nonce: Nonce,
    key: Vec<u8>,
    /// What comes from the keys, then zeros.
    iv: [u8; NONCE],
}

impl Aead {
    pub(super) fn new(open: Open, nonce: Nonce, key: &[u8], fixed: &[u8]) -> Option<Self> {
        let mut iv = [0; NONCE];
        iv.get_mut(..fixed.len())?.copy_from_slice(fixed);
        Some(Self { open, nonce, key: key.to_vec(), iv })
    }

    pub(super) fn open_1_2(&self, sequence: u64, header: Header, body: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = match self.nonce {
            Nonce::Explicit => {
                let (explicit, sealed) = body.split_at_checked(EXPLICIT)?;
                let mut nonce = self.iv;
                nonce.last_chunk_mut::<EXPLICIT>()?.copy_from_slice(explicit);
                (nonce, sealed)
            }
            Nonce::Counted => (self.counted(sequence), body),
        };
        let length = u16::try_from(sealed.len().checked_sub(self.open.tag)?).ok()?;
        let associated = header.authenticated(sequence, length);
        self.run(&nonce, &associated, sealed)
    }

    pub(super) fn open_1_3(&self, sequence: u64, header: Header, body: &[u8]) -> Option<Vec<u8>> {
        self.run(&self.counted(sequence), &header.bytes(), body)
    }

    fn run(&self, nonce: &[u8; NONCE], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = sealed.to_vec();
        (self.open.run)(&self.key, nonce, associated, &mut bytes)?;
        Some(bytes)
    }

    fn counted(&self, sequence: u64) -> [u8; NONCE] {
        let mut nonce = self.iv;
        for (byte, count) in nonce.iter_mut().rev().zip(sequence.to_be_bytes().iter().rev()) {
            *byte ^= count;
        }
        nonce
    }
}
