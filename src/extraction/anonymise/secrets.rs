//! What proves or tells who somebody is and no protocol stands on: passwords, cookies, answers to challenges, and what people are
//! called in SIP, in what one side said. It is overwritten
//! at the same length and in the same alphabet; what base64 wraps is edited inside. Names are somebody else's business.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

/// Shortest base64 that is looked into.
const SHORTEST: usize = 16;
/// The beginning of an NTLM answer ([MS-NLMP] 2.2.1.3).
const NTLM_ANSWER: &[u8] = b"NTLMSSP\0\x03\0\0\0";
/// Where it says where the LM and the NT answer lie, and the session key.
const NTLM_FIELDS: [usize; 3] = [12, 20, 52];
/// Of an NTLMv2 answer, the proof; the client's clock behind it is no secret.
const NTLMV2_PROOF: usize = 16;
const NTLMV1_ANSWER: usize = 24;
/// Header fields of SIP that say what somebody is called, with their short forms.
const NAMING: [&[u8]; 12] = [
    b"from:",
    b"f:",
    b"to:",
    b"t:",
    b"contact:",
    b"m:",
    b"p-asserted-identity:",
    b"p-preferred-identity:",
    b"remote-party-id:",
    b"referred-by:",
    b"b:",
    b"reply-to:",
];
/// `version 3` of an LDAP bind (RFC 4511 section 4.2).
const LDAP_VERSION: &[u8] = &[2, 1, 3, 4];

/// Overwrites the secrets; `inner` edits what base64 wraps.
pub(super) fn hide(bytes: &mut [u8], inner: &dyn Fn(&mut [u8])) {
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        header(line, inner);
    }
    ntlm(bytes);
    simple_bind(bytes);
}

/// A header field of HTTP or SIP.
fn header(line: &mut [u8], inner: &dyn Fn(&mut [u8])) {
    let Some(colon) = memchr::memchr(b':', line.get(..32.min(line.len())).unwrap_or_default()) else { return };
    let (name, value) = line.split_at_mut(colon + 1);
    let name = name.trim_ascii().to_ascii_lowercase();
    match name.as_slice() {
        b"cookie:" | b"set-cookie:" => overwrite(value, b'x'),
        name if NAMING.contains(&name) => display_name(value),
        b"authorization:" | b"proxy-authorization:" => {
            let scheme = value.trim_ascii_start().to_ascii_lowercase();
            let is_bare = [&b"basic "[..], b"bearer "].iter().any(|bare| scheme.starts_with(bare));
            if is_bare {
                let begin = value.len() - value.trim_ascii_start().len() + scheme.iter().position(|b| *b == b' ').unwrap_or(0);
                overwrite(value.get_mut(begin..).unwrap_or_default(), b'e');
                return;
            }
            if let Some(at) = memmem::find(&value.to_ascii_lowercase(), b"response=\"") {
                let answer = value.get_mut(at + 10..).unwrap_or_default();
                let end = memchr::memchr(b'"', answer).unwrap_or(answer.len());
                overwrite(answer.get_mut(..end).unwrap_or_default(), b'0');
            }
            base64(value, inner);
        }
        b"www-authenticate:" | b"proxy-authenticate:" | b"authentication-info:" | b"proxy-authentication-info:" => {
            base64(value, inner);
        }
        _ => {}
    }
}

/// What a person is called stands before the address in angle brackets (RFC 3261 section 20.10).
fn display_name(value: &mut [u8]) {
    let end = memchr::memchr(b'<', value).unwrap_or(0);
    overwrite(value.get_mut(..end).unwrap_or_default(), b'x');
}

fn overwrite(bytes: &mut [u8], with: u8) {
    for byte in bytes.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()) {
        *byte = with;
    }
}

/// Edits what each run of base64 wraps.
fn base64(value: &mut [u8], inner: &dyn Fn(&mut [u8])) {
    let is_of_it = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    for run in value.split_mut(|byte| !is_of_it(byte)).filter(|run| run.len() >= SHORTEST) {
        let Ok(mut decoded) = STANDARD.decode(&*run) else { continue };
        ntlm(&mut decoded);
        inner(&mut decoded);
        let encoded = STANDARD.encode(decoded);
        if encoded.len() == run.len() {
            run.copy_from_slice(encoded.as_bytes());
        }
    }
}

/// Blanks the answers of NTLM.
fn ntlm(bytes: &mut [u8]) {
    let places: Vec<usize> = memmem::find_iter(bytes, NTLM_ANSWER).collect();
    for place in places {
        let Some(token) = bytes.get_mut(place..) else { continue };
        for field in NTLM_FIELDS {
            let Some(&[l0, l1, _, _, a, b, c, d]) = token.get(field..).and_then(<[u8]>::first_chunk) else { continue };
            let (length, at) = (usize::from(u16::from_le_bytes([l0, l1])), u32::from_le_bytes([a, b, c, d]) as usize);
            let secret = if length > NTLMV1_ANSWER { NTLMV2_PROOF } else { length };
            if let Some(answer) = token.get_mut(at..at.saturating_add(secret)) {
                answer.fill(0);
            }
        }
    }
}

/// Blanks the password of a simple bind: version, name, and a password in tag 0.
fn simple_bind(bytes: &mut [u8]) {
    let places: Vec<usize> = memmem::find_iter(bytes, LDAP_VERSION).map(|at| at + LDAP_VERSION.len()).collect();
    for place in places {
        let Some(&name) = bytes.get(place).filter(|length| **length < 0x80) else { continue };
        let tag = place + 1 + usize::from(name);
        if let Some(&[0x80, length]) = bytes.get(tag..).and_then(<[u8]>::first_chunk)
            && length < 0x80
            && let Some(password) = bytes.get_mut(tag + 2..tag + 2 + usize::from(length))
        {
            password.fill(b'x');
        }
    }
}
