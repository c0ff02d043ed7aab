//! Tokens of the GSS-API as binds and HTTP carry them: SPNEGO (RFC 4178, [MS-SPNG]), and inside it or bare, Kerberos
//! (RFC 4121) or NTLM. Tickets and hashes are never kept.

use std::borrow::Cow;

use super::ber::{self, tag};
use super::ntlm;

/// 1.3.6.1.5.5.2, SPNEGO.
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// 1.2.840.113554.1.2.2, Kerberos 5.
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.2.840.48018.1.2.2: the same, as Windows once misspelt it.
const KERBEROS_MICROSOFT: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// A token of the GSS-API that names its mechanism (RFC 2743 section 3.1).
const INITIAL: u8 = 0x60;
/// NegTokenInit and NegTokenResp.
const NEGOTIATION: [u8; 2] = [0xa0, 0xa1];
/// Where both of them hold the mechanism's own token.
const INNER: u8 = 0xa2;
/// Tokens inside tokens: SPNEGO holds a mechanism's, and that holds none.
const DEPTH: usize = 4;
/// KRB-ERROR, and where it holds its code (RFC 4120 section 5.9.1).
const KRB_ERROR: u8 = 0x7e;
const ERROR_CODE: u8 = 0xa6;

/// What a token is in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A leg of NTLM.
    Ntlm(ntlm::Token),
    /// Kerberos: a ticket, or the answer to one.
    Kerberos,
    /// A KRB-ERROR, with its code.
    KerberosError(i64),
    /// Nothing that is known, or a negotiation without a token.
    Other,
}

/// Reads a token: SPNEGO, Kerberos or NTLM.
pub fn parse(bytes: &[u8]) -> Token {
    let mut token = bytes;
    for _ in 0..DEPTH {
        if let Some(token) = ntlm::parse(token) {
            return Token::Ntlm(token);
        }
        let Some((outer, _)) = ber::element(token) else { return Token::Other };
        let inner = match outer.tag {
            INITIAL => match named(outer.content) {
                Some((KERBEROS | KERBEROS_MICROSOFT, message)) => return kerberos(message),
                Some((SPNEGO, negotiation)) => Some(negotiation),
                _ => None,
            },
            other if NEGOTIATION.contains(&other) => negotiated(outer.content),
            _ => None,
        };
        match inner {
            Some(inner) => token = inner,
            None => return Token::Other,
        }
    }
    Token::Other
}

/// The mechanism that a token names, and what follows.
fn named(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mechanism, rest) = ber::element(content)?;
    (mechanism.tag == tag::OBJECT_IDENTIFIER).then_some((mechanism.content, rest))
}

/// The mechanism's token in a negotiation.
fn negotiated(content: &[u8]) -> Option<&[u8]> {
    let fields = ber::find(content, tag::SEQUENCE)?;
    ber::find(ber::find(fields, INNER)?, tag::OCTET_STRING)
}

/// A Kerberos message behind its two octets of token type (RFC 4121 section 4.1).
fn kerberos(message: &[u8]) -> Token {
    let error = || {
        let (error, _) = ber::element(message.get(2..)?)?;
        let fields = ber::find(error.content, tag::SEQUENCE).filter(|_| error.tag == KRB_ERROR)?;
        ber::integer(ber::find(ber::find(fields, ERROR_CODE)?, tag::INTEGER)?)
    };
    error().map_or(Token::Kerberos, Token::KerberosError)
}

/// The bytes that a wrapped message holds, where the wrapping only signs them. Of NTLM it does not show whether it does:
/// who asks must see whether the bytes make sense.
pub fn unwrapped(token: &[u8]) -> Option<Cow<'_, [u8]>> {
    match token {
        [0x05, 0x04, flags, 0xff, rest @ ..] => signed(*flags, rest),
        [0x01, 0x00, 0x00, 0x00, ..] => token.get(NTLM_SIGNATURE..).map(Cow::Borrowed),
        [INITIAL, ..] => signed_with_rc4(token).map(Cow::Borrowed),
        _ => None,
    }
}

/// Version, checksum and number ([MS-NLMP] 2.2.2.9.1).
const NTLM_SIGNATURE: usize = 16;
/// The flag of a sealed token (RFC 4121 section 4.2.2).
const SEALED: u8 = 2;

/// A wrap token of RFC 4121 section 4.2.6.2, behind its flags and filler: lengths, number, then the bytes with their
/// checksum, turned to the right.
fn signed(flags: u8, rest: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [ec_high, ec_low, rrc_high, rrc_low, _, _, _, _, _, _, _, _, turned @ ..] = rest else { return None };
    if flags & SEALED != 0 {
        return None;
    }
    let checksum = usize::from(u16::from_be_bytes([*ec_high, *ec_low]));
    let turn = usize::from(u16::from_be_bytes([*rrc_high, *rrc_low])).checked_rem(turned.len())?;
    let (checksum_and_more, bytes) = turned.split_at_checked(turn)?;
    let length = turned.len().checked_sub(checksum)?;
    Some(match bytes.get(..length) {
        Some(bytes) => Cow::Borrowed(bytes),
        None => {
            let mut turned_back = [bytes, checksum_and_more].concat();
            turned_back.truncate(length);
            Cow::Owned(turned_back)
        }
    })
}

/// A wrap token of the older kind (RFC 1964 section 1.2.2, RFC 4757 section 7.3): behind the mechanism come the type 02 01,
/// the algorithms, of which the second is ff ff where nothing is sealed, a filler, then number, checksum and confounder.
/// The bytes are followed by their padding.
fn signed_with_rc4(token: &[u8]) -> Option<&[u8]> {
    const HEAD: usize = 8;
    const NUMBER_CHECKSUM_CONFOUNDER: usize = 24;
    let (outer, _) = ber::element(token)?;
    let (mechanism, rest) = named(outer.content)?;
    let is_clear = mechanism == KERBEROS && matches!(rest, [0x02, 0x01, _, _, 0xff, 0xff, ..]);
    let bytes = rest.get(HEAD.saturating_add(NUMBER_CHECKSUM_CONFOUNDER)..)?;
    is_clear.then_some(bytes)
}

impl Token {
    /// Memory that it takes beyond its own size.
    pub(crate) fn held(&self) -> usize {
        match self {
            Token::Ntlm(token) => token.held(),
            Token::Kerberos | Token::KerberosError(_) | Token::Other => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NTLM: &[u8] = b"NTLMSSP\0\x01\x00\x00\x00\x07\x02\x02\xa2";

    fn put(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    /// NegTokenResp (RFC 4178 section 4.2.2) with this token.
    fn answer(token: &[u8]) -> Vec<u8> {
        let state = put(0xa0, &put(tag::ENUMERATED, &[1]));
        put(0xa1, &put(tag::SEQUENCE, &[state, put(0xa2, &put(tag::OCTET_STRING, token))].concat()))
    }

    fn initial(mechanism: &[u8], rest: &[u8]) -> Vec<u8> {
        put(0x60, &[put(tag::OBJECT_IDENTIFIER, mechanism), rest.to_vec()].concat())
    }

    #[test]
    fn ntlm_is_found_bare_and_in_either_token_of_a_negotiation() {
        let wanted = Token::Ntlm(ntlm::Token::Negotiate);
        let first = put(0xa0, &put(tag::SEQUENCE, &put(0xa2, &put(tag::OCTET_STRING, NTLM))));
        for token in [NTLM.to_vec(), initial(SPNEGO, &first), answer(NTLM)] {
            assert_eq!(parse(&token), wanted);
        }
    }

    #[test]
    fn kerberos_is_told_from_its_refusal() {
        let ticket = initial(KERBEROS, &[0x01, 0x00, 0x6e, 0x00]);
        assert_eq!(parse(&ticket), Token::Kerberos);
        let error = put(0x7e, &put(tag::SEQUENCE, &put(0xa6, &put(tag::INTEGER, &[37]))));
        let refusal = initial(KERBEROS_MICROSOFT, &[&[0x03, 0x00], &error[..]].concat());
        assert_eq!(parse(&answer(&refusal)), Token::KerberosError(37));
    }

    #[test]
    fn tokens_inside_tokens_without_end_are_given_up() {
        let mut token = NTLM.to_vec();
        for _ in 0..5 {
            token = answer(&token);
        }
        assert_eq!(parse(&token), Token::Other);
        assert_eq!(parse(&[]), Token::Other);
        assert_eq!(parse(&[0x60, 0x84, 0xff, 0xff, 0xff, 0xff]), Token::Other);
    }

    #[test]
    fn what_is_only_signed_can_be_read_wherever_the_checksum_stands() {
        let number = [0; 8];
        let behind = [&[5, 4, 4, 0xff, 0, 2, 0, 0], &number[..], b"data", b"##"].concat();
        let before = [&[5, 4, 4, 0xff, 0, 2, 0, 2], &number[..], b"##", b"data"].concat();
        let sealed = [&[5, 4, 6, 0xff, 0, 0, 0, 28], &number[..], b"????????"].concat();
        assert_eq!(unwrapped(&behind).as_deref(), Some(&b"data"[..]));
        assert_eq!(unwrapped(&before).as_deref(), Some(&b"data"[..]));
        assert_eq!(unwrapped(&sealed), None);
        let ntlm = [&[1, 0, 0, 0], &[9; 12][..], b"data"].concat();
        assert_eq!(unwrapped(&ntlm).as_deref(), Some(&b"data"[..]));
        let older = |seal: u8| {
            let head = [0x02, 0x01, 0x11, 0x00, seal, seal, 0xff, 0xff];
            initial(KERBEROS, &[&head[..], &[9; 24], b"data\x01"].concat())
        };
        assert_eq!(unwrapped(&older(0xff)).as_deref(), Some(&b"data\x01"[..]));
        assert_eq!(unwrapped(&older(0x10)), None);
    }

    #[test]
    fn whatever_is_cut_never_panics() {
        let error = put(0x7e, &put(tag::SEQUENCE, &put(0xa6, &put(tag::INTEGER, &[37]))));
        let refusal = answer(&initial(KERBEROS, &[&[0x03, 0x00], &error[..]].concat()));
        let wrapped = [&[5, 4, 4, 0xff, 0, 2, 0, 9], &[0; 8][..], b"data##"].concat();
        for whole in [refusal, wrapped] {
            for end in 0..whole.len() {
                let _ = (parse(&whole[..end]), unwrapped(&whole[..end]));
            }
        }
    }
}
