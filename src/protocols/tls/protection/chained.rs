//! Records with a MAC of their own: block ciphers in CBC mode, RC4, and none at all (RFC 2246 to RFC 5246, section 6.2.3), the MAC
//! inside the encryption or, by RFC 7366, around it.

use aes::{Aes128, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockCipher, BlockDecryptMut, KeyInit, KeyIvInit, StreamCipher};
use des::{Des, TdesEde3};
use rc4::Rc4;
use rc4::consts::U16;

use super::Header;
use super::derive::Hash;

/// Decrypts whole blocks in place, by a key and an IV.
type Run = fn(&[u8], &[u8], &mut [u8]) -> Option<()>;

/// What encrypts.
#[derive(Clone, Copy)]
pub(super) enum Cipher {
    /// Blocks: the lengths of key and block, and how they are decrypted in place.
    Blocks { key: usize, block: usize, run: Run },
    /// RC4 with 128 bits.
    Rc4,
    /// Nothing: records are only authenticated, as those of phones whose server trusts its network.
    Null,
}

pub(super) const AES_128: Cipher = Cipher::Blocks { key: 16, block: 16, run: run::<Aes128> };
pub(super) const AES_256: Cipher = Cipher::Blocks { key: 32, block: 16, run: run::<Aes256> };
pub(super) const TRIPLE_DES: Cipher = Cipher::Blocks { key: 24, block: 8, run: run::<TdesEde3> };
pub(super) const DES: Cipher = Cipher::Blocks { key: 8, block: 8, run: run::<Des> };

fn run<C: KeyInit + BlockCipher + BlockDecryptMut>(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<()>
where
    Decryptor<C>: KeyIvInit + BlockDecryptMut,
{
    let chain = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    chain.decrypt_padded_mut::<NoPadding>(bytes).ok().map(|_| ())
}

impl Cipher {
    /// Length of a key.
    pub(super) fn key(self) -> usize {
        match self {
            Self::Blocks { key, .. } => key,
            Self::Rc4 => 16,
            Self::Null => 0,
        }
    }

    /// Length of a block.
    pub(super) fn block(self) -> usize {
        match self {
            Self::Blocks { block, .. } => block,
            Self::Rc4 | Self::Null => 0,
        }
    }
}

/// One direction.
pub(super) struct Chained {
    state: State,
    hash: Hash,
    mac_key: Vec<u8>,
    encrypt_then_mac: bool,
}

enum State {
    Blocks {
        block: usize,
        run: Run,
        key: Vec<u8>,
        /// TLS 1.0: the last block of ciphertext, with which the next record goes on; from TLS 1.1 on each begins with its own.
        chain: Option<Vec<u8>>,
    },
    Rc4(Box<Rc4<U16>>),
    Null,
}

impl Chained {
    /// `first`: the first IV, where records do not bring theirs.
    pub(super) fn new(
        cipher: Cipher,
        key: &[u8],
        first: Option<&[u8]>,
        mac: (Hash, &[u8]),
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let state = match cipher {
            Cipher::Blocks { block, run, .. } => {
                State::Blocks { block, run, key: key.to_vec(), chain: first.map(<[u8]>::to_vec) }
            }
            Cipher::Rc4 => State::Rc4(Box::new(Rc4::new_from_slice(key).ok()?)),
            Cipher::Null => State::Null,
        };
        // Ciphers without blocks have nothing to gain from it, and keep the old order (RFC 7366 section 3).
        let encrypt_then_mac = encrypt_then_mac && matches!(state, State::Blocks { .. });
        Some(Self { state, hash: mac.0, mac_key: mac.1.to_vec(), encrypt_then_mac })
    }

    pub(super) fn open(&mut self, sequence: u64, header: Header, body: &[u8]) -> Option<Vec<u8>> {
        if self.encrypt_then_mac {
            let sealed = self.authentic(sequence, header, body)?.to_vec();
            return self.state.decrypted(&sealed);
        }
        let mut bytes = self.state.decrypted(body)?;
        let length = self.authentic(sequence, header, &bytes)?.len();
        bytes.truncate(length);
        Some(bytes)
    }

    /// What stands before the MAC, if that is the right one.
    fn authentic<'a>(&self, sequence: u64, header: Header, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (content, mac) = bytes.split_at_checked(bytes.len().checked_sub(self.hash.length())?)?;
        let authenticated = header.authenticated(sequence, u16::try_from(content.len()).ok()?);
        (self.hash.mac(&self.mac_key, &[&authenticated, content]) == mac).then_some(content)
    }
}

impl State {
    /// What is behind the encryption, without the padding.
    fn decrypted(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Null => Some(sealed.to_vec()),
            Self::Rc4(rc4) => {
                let mut bytes = sealed.to_vec();
                rc4.apply_keystream(&mut bytes);
                Some(bytes)
            }
            Self::Blocks { block, run, key, chain } => {
                let (iv, sealed) = match chain {
                    Some(chain) => (chain.as_slice(), sealed),
                    None => sealed.split_at_checked(*block)?,
                };
                let mut bytes = sealed.to_vec();
                run(key, iv, &mut bytes)?;
                if let Some(chain) = chain {
                    *chain = sealed.get(sealed.len().checked_sub(*block)?..)?.to_vec();
                }
                // The last byte says how many of its kind stand before it (RFC 5246 section 6.2.3.2).
                let last = *bytes.last()?;
                let length = bytes.len().checked_sub(usize::from(last).saturating_add(1))?;
                let padding = bytes.get(length..)?;
                if padding.iter().any(|byte| *byte != last) {
                    return None;
                }
                bytes.truncate(length);
                Some(bytes)
            }
        }
    }
}
