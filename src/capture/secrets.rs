//! Blocks of secrets in, the key logs of TLS in them out. Knows nothing of what those say.

use super::Order;

/// The kind of secrets of TLS, in the form of a key log.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// The key log of a whole Decryption Secrets Block, if it holds that of TLS.
pub(super) fn key_log(order: Order, block: &[u8]) -> Option<&[u8]> {
    let (&[k0, k1, k2, k3, l0, l1, l2, l3], text) = block.get(8..)?.split_first_chunk()?;
    let length = order.u32([l0, l1, l2, l3]) as usize;
    text.get(..length).filter(|_| order.u32([k0, k1, k2, k3]) == TLS_KEY_LOG)
}
