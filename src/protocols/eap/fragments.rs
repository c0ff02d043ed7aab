//! The TLS inside EAP: messages longer than a packet come in pieces, each acknowledged by an empty one (RFC 5216 section
//! 2.1.5; PEAP, TTLS, FAST and TEAP do the same). EAPOL frames in, whole messages out; what they hold is not looked at.

use super::{code, kind, method};
use crate::bytes::Reader;

/// Most bytes of a message that is put together: a flight with a long chain has some ten thousand.
const MAX_MESSAGE: usize = 64 << 10;
/// Flags (RFC 5216 section 3.1): the length of the whole message is there, more is to come, a conversation begins.
const LENGTH: u8 = 0x80;
const MORE: u8 = 0x40;
const START: u8 = 0x20;
/// Flag of TEAP (RFC 7170 section 4.1): the length of what is no TLS follows.
const OUTER: u8 = 0x10;

/// A packet with a piece of TLS in it, or with the acknowledgment of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Is it of the peer that asks to be let in, not of the authenticator?
    pub of_peer: bool,
    /// Does a conversation begin here?
    pub begins: bool,
    identifier: u8,
    length: Option<usize>,
    more: bool,
    /// `None` where the capture cut it.
    data: Option<&'a [u8]>,
}

/// The piece in an EAPOL frame.
pub fn piece(frame: &[u8]) -> Option<Piece<'_>> {
    let mut reader = Reader::new(frame);
    reader.u8("version").ok()?;
    if reader.u8("type").ok()? != kind::EAP {
        return None;
    }
    reader.u16("length").ok()?;
    let code = reader.u8("code").ok()?;
    let identifier = reader.u8("identifier").ok()?;
    let whole = usize::from(reader.u16("length").ok()?);
    let method = reader.u8("type").ok()?;
    let flags = reader.u8("flags").ok()?;
    let with_tls = [method::TLS, method::TTLS, method::PEAP, method::FAST, method::TEAP].contains(&method);
    if !with_tls || !matches!(code, code::REQUEST | code::RESPONSE) || method == method::TEAP && flags & OUTER != 0 {
        return None;
    }
    let mut before = 6_usize;
    let mut length = None;
    if flags & LENGTH != 0 {
        length = usize::try_from(reader.u32("message length").ok()?).ok();
        before = 10;
    }
    let data = reader.peek().get(..whole.checked_sub(before)?);
    let begins = code == code::REQUEST && flags & START != 0;
    Some(Piece { of_peer: code == code::RESPONSE, begins, identifier, length, more: flags & MORE != 0, data })
}

/// What one side has said of a message.
#[derive(Debug, Default)]
pub struct Join {
    last: Option<u8>,
    length: Option<usize>,
    joined: Vec<u8>,
    broken: bool,
}

/// What came of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The message is not whole yet, or the piece was a repeat or an acknowledgment.
    Nothing,
    /// The message.
    Message(Vec<u8>),
    /// The message ends here, and a part of it is missing.
    Lost,
}

impl Join {
    /// Takes the next piece of this side. A repeat bears the identifier of the first (RFC 3748 section 4.1).
    pub fn take(&mut self, piece: &Piece<'_>) -> Joined {
        if self.last == Some(piece.identifier) {
            return Joined::Nothing;
        }
        self.last = Some(piece.identifier);
        self.length = self.length.or(piece.length);
        match piece.data {
            Some(data) if self.joined.len().saturating_add(data.len()) <= MAX_MESSAGE => self.joined.extend_from_slice(data),
            _ => self.broken = true,
        }
        if piece.more {
            return Joined::Nothing;
        }
        let joined = std::mem::take(&mut self.joined);
        let is_whole = !std::mem::take(&mut self.broken) && self.length.take().is_none_or(|length| length == joined.len());
        match (is_whole, joined.is_empty()) {
            (true, true) => Joined::Nothing,
            (true, false) => Joined::Message(joined),
            (false, _) => Joined::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An EAPOL frame with this EAP-TLS packet.
    fn frame(code: u8, identifier: u8, flags: u8, length: Option<u32>, data: &[u8]) -> Vec<u8> {
        let length = length.map(u32::to_be_bytes).map(Vec::from).unwrap_or_default();
        let whole = ((6 + length.len() + data.len()) as u16).to_be_bytes();
        let head = [1, 0, whole[0], whole[1], code, identifier, whole[0], whole[1], 13, flags];
        [head.as_slice(), &length, data].concat()
    }

    fn taken(join: &mut Join, frame: &[u8]) -> Joined {
        join.take(&piece(frame).expect("a piece"))
    }

    #[test]
    fn pieces_are_joined_and_a_repeat_counts_once() {
        let mut join = Join::default();
        assert_eq!(taken(&mut join, &frame(1, 3, 0xc0, Some(6), b"abc")), Joined::Nothing);
        assert_eq!(taken(&mut join, &frame(1, 3, 0xc0, Some(6), b"abc")), Joined::Nothing);
        assert_eq!(taken(&mut join, &frame(1, 4, 0x40, None, b"de")), Joined::Nothing);
        assert_eq!(taken(&mut join, &frame(1, 5, 0, None, b"f")), Joined::Message(b"abcdef".to_vec()));
    }

    #[test]
    fn an_acknowledgment_is_no_message_and_the_start_begins_one() {
        let mut join = Join::default();
        assert_eq!(taken(&mut join, &frame(2, 3, 0, None, b"")), Joined::Nothing);
        assert!(piece(&frame(1, 2, 0x20, None, b"")).is_some_and(|piece| piece.begins && !piece.of_peer));
        assert!(piece(&frame(2, 2, 0x20, None, b"")).is_some_and(|piece| !piece.begins && piece.of_peer));
    }

    #[test]
    fn a_message_that_lacks_a_piece_or_was_cut_is_lost_and_the_next_is_read() {
        let mut join = Join::default();
        taken(&mut join, &frame(1, 3, 0xc0, Some(6), b"abc"));
        assert_eq!(taken(&mut join, &frame(1, 5, 0, None, b"f")), Joined::Lost);
        let whole = frame(1, 6, 0, None, b"gh");
        assert_eq!(taken(&mut join, &whole[..whole.len() - 1]), Joined::Lost);
        assert_eq!(taken(&mut join, &frame(1, 7, 0, None, b"i")), Joined::Message(b"i".to_vec()));
    }

    #[test]
    fn a_message_longer_than_any_is_not_kept() {
        let mut join = Join::default();
        for identifier in 0..60 {
            assert_eq!(taken(&mut join, &frame(1, identifier, 0x40, None, &[7; 1_400])), Joined::Nothing);
            assert!(join.joined.len() <= MAX_MESSAGE);
        }
        assert_eq!(taken(&mut join, &frame(1, 60, 0, None, &[7; 1_400])), Joined::Lost);
    }
}
