//! One line of a key log: a word, the random bytes of a ClientHello and a secret, both in hexadecimal digits.

use super::{Label, Random, Secret};

/// What a line says.
pub(super) enum Line {
    /// A secret that is of use.
    Secret {
        /// What it is for.
        label: Label,
        /// The connection.
        random: Random,
        /// The secret.
        secret: Secret,
    },
    /// A remark, nothing, or a secret that is of no use here.
    Other,
}

/// Why a line is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is of another form.
    #[error("this is no line of a key log, which has a word, the random bytes of a ClientHello, and a secret")]
    Form,
    /// The random bytes are not 32 in hexadecimal digits.
    #[error("the random bytes of the ClientHello are not 64 hexadecimal digits")]
    Random,
    /// The secret has not the length of one.
    #[error("the secret is not as long as one of its kind")]
    Secret,
}

/// Words of lines that are of no use: keys of early data and of exports, those that follow from others, what encrypts
/// ClientHellos, and secrets that connections by RSA alone begin with.
const UNUSED: &[&[u8]] = &[
    b"CLIENT_EARLY_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_N",
    b"EARLY_EXPORTER_MASTER_SECRET",
    b"EARLY_EXPORTER_SECRET",
    b"EXPORTER_SECRET",
    b"ECH_CONFIG",
    b"ECH_SECRET",
    b"PMS_CLIENT_RANDOM",
    b"RSA",
    b"SERVER_TRAFFIC_SECRET_N",
];

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<Line, Problem> {
    // Editors of Windows begin a text with a mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(Line::Other);
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default();
    if UNUSED.contains(&word) {
        return Ok(Line::Other);
    }
    let label = label(word).ok_or(Problem::Form)?;
    let (Some(random), Some(secret), None) = (words.next(), words.next(), words.next()) else { return Err(Problem::Form) };
    let mut bytes = Random::default();
    if hexadecimal(random, &mut bytes) != Some(bytes.len()) {
        return Err(Problem::Random);
    }
    let mut longest = [0; Secret::LONGEST];
    let is_good = match (label, hexadecimal(secret, &mut longest)) {
        (Label::Master, length) => length == Some(48),
        (_, length) => matches!(length, Some(32 | 48)),
    };
    let length = secret.len() / 2;
    let secret = longest.get(..length).filter(|_| is_good).and_then(Secret::new).ok_or(Problem::Secret)?;
    Ok(Line::Secret { label, random: bytes, secret })
}

fn label(word: &[u8]) -> Option<Label> {
    Some(match word {
        b"CLIENT_RANDOM" => Label::Master,
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
        b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientTraffic,
        b"SERVER_TRAFFIC_SECRET_0" => Label::ServerTraffic,
        _ => return None,
    })
}

/// Fills `out` from its begin; returns how many bytes there were, or nothing if they do not fit or are none.
fn hexadecimal(digits: &[u8], out: &mut [u8]) -> Option<usize> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let length = digits.len() / 2;
    for (pair, byte) in digits.chunks_exact(2).zip(out.get_mut(..length)?) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(length)
}
