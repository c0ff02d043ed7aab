//! NTLMSSP tokens ([MS-NLMP] 2.2.1), as HTTP and SIP carry them. Hashes are never kept.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::bytes::{ParseError, Reader};
use crate::model::Time;
use crate::text::WireText;

/// What every token begins with.
const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Longest base64 text that is looked at: a type 3 with long names stays well below.
const TEXT_LIMIT: usize = 64 * 1024;
/// `NTLMSSP_NEGOTIATE_UNICODE`: names are UTF-16LE, otherwise in the sender's OEM code page.
const UNICODE: u32 = 1;
/// `MsvAvNbComputerName`.
const AV_COMPUTER: u16 = 1;
/// `MsvAvTimestamp`.
const AV_TIMESTAMP: u16 = 7;
/// Seconds from 1601, where FILETIME begins, to 1970.
const FILETIME_EPOCH: u64 = 11_644_473_600;
/// FILETIME ticks of 100 ns in a second.
const TICKS: u64 = 10_000_000;
/// An NTLMv1 answer has this length; a longer one is NTLMv2.
const NTLMV1_RESPONSE: usize = 24;
/// Where an NTLMv2 answer holds its time: 16 octets of proof, then version and reserved octets ([MS-NLMP] 2.2.2.7, 2.2.2.8).
const NTLMV2_TIME: usize = 24;
/// Base64 as clients write it: padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// One leg of an NTLM exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Type 1: the client asks.
    Negotiate,
    /// Type 2: the server challenges.
    Challenge {
        /// The server's own name for itself.
        target: WireText,
        /// The server's clock (AV pair 7).
        timestamp: Option<Time>,
    },
    /// Type 3: the client answers.
    Authenticate {
        /// Domain.
        domain: WireText,
        /// User.
        user: WireText,
        /// Workstation.
        workstation: WireText,
        /// The client's clock (NTLMv2 blob).
        timestamp: Option<Time>,
    },
    /// Bears the signature, but could not be read further: its type.
    Other(u32),
}

/// Reads a token.
pub fn parse(bytes: &[u8]) -> Option<Token> {
    let body = bytes.strip_prefix(SIGNATURE)?;
    let kind = Reader::new(body).u32_le("message type").ok()?;
    let token = match kind {
        1 => Ok(Token::Negotiate),
        2 => challenge(bytes),
        3 => authenticate(bytes),
        _ => return Some(Token::Other(kind)),
    };
    Some(token.unwrap_or(Token::Other(kind)))
}

/// Reads a token from an authentication header: bare, or inside a SPNEGO token ([MS-SPNG]).
pub fn from_base64(text: &str) -> Option<Token> {
    let digits: &[u8] = text.trim().as_bytes().get(..text.trim().len().min(TEXT_LIMIT))?;
    let end = digits.iter().position(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/'))).unwrap_or(digits.len());
    // A lone digit behind the last group of four says nothing, and would cost the rest.
    let end = if end % 4 == 1 { end.saturating_sub(1) } else { end };
    let bytes = BASE64.decode(digits.get(..end)?).ok()?;
    let start = memchr::memmem::find(&bytes, SIGNATURE)?;
    parse(bytes.get(start..)?)
}

/// `CHALLENGE_MESSAGE` ([MS-NLMP] 2.2.1.2).
fn challenge(bytes: &[u8]) -> Result<Token, ParseError> {
    let mut reader = Reader::new(bytes);
    reader.take(12, "signature and type")?;
    let target = field(&mut reader, bytes, "target name")?;
    let flags = reader.u32_le("flags")?;
    reader.take(16, "challenge and reserved")?;
    // The oldest servers end here.
    let info = field(&mut reader, bytes, "target info").unwrap_or_default();
    let named = text(target, flags & UNICODE != 0);
    // AV pairs are UTF-16LE whatever the flags say ([MS-NLMP] 2.2.2.1).
    let own_name = |value: &[u8]| text(value, true);
    let target = if named.is_empty() { av_pair(info, AV_COMPUTER).map(own_name).unwrap_or_default() } else { named };
    Ok(Token::Challenge { target, timestamp: av_pair(info, AV_TIMESTAMP).and_then(filetime) })
}

/// `AUTHENTICATE_MESSAGE` ([MS-NLMP] 2.2.1.3).
fn authenticate(bytes: &[u8]) -> Result<Token, ParseError> {
    let mut reader = Reader::new(bytes);
    reader.take(12, "signature and type")?;
    field(&mut reader, bytes, "LM response")?;
    let response = field(&mut reader, bytes, "NT response")?;
    let domain = field(&mut reader, bytes, "domain")?;
    let user = field(&mut reader, bytes, "user")?;
    let workstation = field(&mut reader, bytes, "workstation")?;
    // The oldest clients send no session key and no flags, and speak OEM.
    let flags = field(&mut reader, bytes, "session key").and_then(|_| reader.u32_le("flags")).unwrap_or(0);
    let unicode = flags & UNICODE != 0;
    let stamp = if response.len() > NTLMV1_RESPONSE { response.get(NTLMV2_TIME..) } else { None };
    Ok(Token::Authenticate {
        domain: text(domain, unicode),
        user: text(user, unicode),
        workstation: text(workstation, unicode),
        timestamp: stamp.and_then(filetime),
    })
}

/// The bytes that a length and offset in the header point to; nothing where they point outside.
fn field<'a>(reader: &mut Reader<'_>, whole: &'a [u8], name: &'static str) -> Result<&'a [u8], ParseError> {
    let length = usize::from(reader.u16_le(name)?);
    reader.u16_le(name)?;
    let offset = reader.u32_le(name)?;
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    Ok(whole.get(start..start.saturating_add(length)).unwrap_or_default())
}

/// The value of the first AV pair of this kind ([MS-NLMP] 2.2.2.1).
fn av_pair(info: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut reader = Reader::new(info);
    loop {
        let id = reader.u16_le("AvId").ok()?;
        let length = reader.u16_le("AvLen").ok()?;
        let value = reader.take(usize::from(length), "AvValue").ok()?;
        match id {
            0 => return None,
            id if id == wanted => return Some(value),
            _ => {}
        }
    }
}

/// A name: UTF-16LE, or octets of an unknown code page, of which the ASCII ones are safe.
fn text(bytes: &[u8], unicode: bool) -> WireText {
    if !unicode {
        return WireText::from_bytes(bytes);
    }
    let units = bytes.chunks_exact(2).map(|pair| pair.iter().rev().fold(0_u16, |unit, octet| unit << 8 | u16::from(*octet)));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A FILETIME: ticks of 100 ns since 1601. Zero is "not set".
fn filetime(bytes: &[u8]) -> Option<Time> {
    let ticks = Reader::new(bytes).u64_le("FILETIME").ok().filter(|ticks| *ticks != 0)?;
    let since_1970 = i128::from(ticks) - i128::from(FILETIME_EPOCH) * i128::from(TICKS);
    i64::try_from(since_1970 * 100).ok().map(Time)
}

impl Token {
    /// Memory that it takes beyond its own size.
    pub(crate) fn held(&self) -> usize {
        match self {
            Token::Challenge { target, .. } => target.held(),
            Token::Authenticate { domain, user, workstation, .. } => {
                domain.held().saturating_add(user.held()).saturating_add(workstation.held())
            }
            Token::Negotiate | Token::Other(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [MS-NLMP] 2.2.1.2: header of 48 octets, then the target name and its AV pairs.
    fn challenge_bytes() -> Vec<u8> {
        let target: Vec<u8> = "Server".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut info = vec![2, 0, 4, 0, b'D', 0, b'o', 0, 7, 0, 8, 0];
        info.extend(133_000_000_000_000_000_u64.to_le_bytes());
        info.extend([0, 0, 0, 0]);
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend([12, 0, 12, 0, 48, 0, 0, 0]);
        bytes.extend(0xe28a_8233_u32.to_le_bytes());
        bytes.extend([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([info.len() as u8, 0, info.len() as u8, 0, 60, 0, 0, 0]);
        bytes.extend(target);
        bytes.extend(info);
        bytes
    }

    /// [MS-NLMP] 2.2.1.3: header of 64 octets, then domain, user and workstation, then the answers.
    fn answer_bytes(response: &[u8]) -> Vec<u8> {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let parts = [vec![0; 24], response.to_vec(), utf_16("CONTOSO"), utf_16("lee"), utf_16("CX700"), Vec::new()];
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(3_u32.to_le_bytes());
        let mut offset = 64;
        for part in &parts {
            let length = part.len() as u16;
            bytes.extend(length.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend((offset as u32).to_le_bytes());
            offset += part.len();
        }
        bytes.extend(UNICODE.to_le_bytes());
        bytes.extend(parts.concat());
        bytes
    }

    #[test]
    fn a_challenge_names_its_server_and_its_clock() {
        let stamp = Time(13_300_000_000_000_000_000_i128.saturating_sub(11_644_473_600_000_000_000) as i64);
        let wanted = Token::Challenge { target: WireText::from("Server"), timestamp: Some(stamp) };
        assert_eq!(parse(&challenge_bytes()), Some(wanted));
    }

    #[test]
    fn an_answer_names_domain_user_and_workstation() {
        let Some(Token::Authenticate { domain, user, workstation, timestamp }) =
            from_base64(&BASE64.encode(answer_bytes(&[9; 24])))
        else {
            panic!("type 3")
        };
        assert_eq!((domain.raw(), user.raw(), workstation.raw(), timestamp), ("CONTOSO", "lee", "CX700", None));
    }

    #[test]
    fn an_ntlmv2_answer_carries_the_clients_clock() {
        let stamp = (FILETIME_EPOCH * TICKS + 5 * TICKS).to_le_bytes();
        let response = [&[0x55; 16][..], &[1, 1, 0, 0, 0, 0, 0, 0], &stamp, &[0; 16]].concat();
        assert!(matches!(
            parse(&answer_bytes(&response)),
            Some(Token::Authenticate { timestamp: Some(Time(5_000_000_000)), .. })
        ));
    }

    #[test]
    fn a_token_is_found_bare_unpadded_and_inside_spnego() {
        assert_eq!(from_base64("TlRMTVNTUAABAAAABwIAAgcABwAoAAAA"), Some(Token::Negotiate));
        assert_eq!(from_base64(" TlRMTVNTUAABAAAABwIAAgcABw=="), Some(Token::Negotiate));
        assert_eq!(from_base64("TlRMTVNTUAABAAAABwIAAgcABw"), Some(Token::Negotiate));
        let mut spnego = vec![0xa1, 0x81, 0x22, 0x30, 0x20, 0xa2, 0x1e, 0x04, 0x1c];
        spnego.extend(SIGNATURE);
        spnego.extend(9_u32.to_le_bytes());
        assert_eq!(from_base64(&BASE64.encode(spnego)), Some(Token::Other(9)));
        assert_eq!(from_base64("YIIGhgYGKwYBBQUC"), None);
        assert_eq!(from_base64(""), None);
    }

    #[test]
    fn whatever_is_cut_or_points_outside_never_panics() {
        for whole in [challenge_bytes(), answer_bytes(&[9; 60])] {
            for end in 0..whole.len() {
                let _ = parse(&whole[..end]);
            }
            for at in 0..whole.len() {
                let mut bent = whole.clone();
                bent[at] = 0xff;
                assert!(parse(&bent).is_some() || at < 8, "the signature still stands");
            }
        }
        let mut short = SIGNATURE.to_vec();
        short.extend(2_u32.to_le_bytes());
        assert_eq!(parse(&short), Some(Token::Other(2)));
    }
}
