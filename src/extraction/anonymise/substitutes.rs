//! What stands for what: for each word, MAC and address another one of the same length and kind. They are given out in the
//! order in which they were found, so that nothing of the old one can be reckoned from the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use memchr::memmem;

use super::found::Found;
use crate::model::Mac;

/// Words up to this length are replaced only where no letter stands beside them: they occur within others by chance.
const SHORT: usize = 4;
/// So far before a word its length is looked for (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// Letters of substitutes; none of them spells a word.
const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
/// Substitutes that are tried for a word.
const TRIES: usize = 512;

/// Old and new.
type Pair = (Vec<u8>, Vec<u8>);

/// All that is replaced.
pub(super) struct Substitutes {
    macs: BTreeMap<Mac, Mac>,
    ips: BTreeMap<IpAddr, IpAddr>,
    text: Patterns,
    binary: Patterns,
    words: BTreeSet<String>,
}

impl Substitutes {
    /// For what was found, without these words, and without addresses where they are to stay.
    pub(super) fn new(found: &Found, spared: &BTreeSet<String>, with_addresses: bool) -> Result<Self, BuildError> {
        let mut macs = macs(found);
        let mut ips = if with_addresses { addresses(found) } else { BTreeMap::new() };
        solicited(&mut ips, &mut macs);
        let mut text: Vec<Pair> = Vec::new();
        let mut taken: BTreeSet<String> = found.words.iter().cloned().collect();
        for (old, new) in &macs {
            text.extend(spellings(*old).into_iter().zip(spellings(*new)).map(|(old, new)| (old.into_bytes(), new.into_bytes())));
        }
        for (old, new) in &ips {
            text.extend(texts(*old).into_iter().zip(texts(*new)).filter(|(old, new)| old.len() == new.len()));
        }
        let known: BTreeSet<Vec<u8>> = text.iter().map(|(old, _)| old.to_ascii_lowercase()).collect();
        let mut words = BTreeSet::new();
        for (index, word) in found.words.iter().enumerate() {
            if known.contains(word.as_bytes()) || spared.contains(word) {
                continue;
            }
            let Some(new) = (0..TRIES).map(|turn| substitute(word, index + turn)).find(|new| !taken.contains(new)) else {
                continue;
            };
            taken.insert(new.clone());
            words.insert(word.clone());
            text.push((word.clone().into_bytes(), new.into_bytes()));
        }
        let wide: Vec<Pair> = text.iter().map(|(old, new)| (widened(old), widened(new))).collect();
        text.extend(wide);
        let mut binary: Vec<Pair> = macs.iter().map(|(old, new)| (old.0.to_vec(), new.0.to_vec())).collect();
        binary.extend(ips.iter().map(|(old, new)| (octets(*old), octets(*new))));
        Ok(Self { macs, ips, text: Patterns::new(text, true)?, binary: Patterns::new(binary, false)?, words })
    }

    pub(super) fn mac(&self, mac: Mac) -> Mac {
        self.macs.get(&mac).copied().unwrap_or(mac)
    }

    pub(super) fn ip(&self, ip: IpAddr) -> IpAddr {
        self.ips.get(&ip).copied().unwrap_or(ip)
    }

    /// The words that are replaced.
    pub(super) fn words(&self) -> &BTreeSet<String> {
        &self.words
    }

    /// Replaces what is spelt.
    pub(super) fn in_text(&self, bytes: &mut [u8]) {
        self.text.replace(bytes);
    }

    /// Replaces addresses as headers and fields hold them.
    pub(super) fn in_binary(&self, bytes: &mut [u8]) {
        self.binary.replace(bytes);
    }

    /// What is spelt there and should have been replaced.
    pub(super) fn spelt(&self, bytes: &[u8]) -> BTreeSet<String> {
        self.text.matches(bytes).map(|(old, ..)| old.iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect()).collect()
    }
}

struct Patterns {
    pairs: Vec<Pair>,
    automaton: AhoCorasick,
    is_text: bool,
}

impl Patterns {
    fn new(pairs: Vec<Pair>, is_text: bool) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(is_text)
            .build(pairs.iter().map(|(old, _)| old))?;
        Ok(Self { pairs, automaton, is_text })
    }

    /// Old, new, and where.
    fn matches<'p, 'b>(&'p self, bytes: &'b [u8]) -> impl Iterator<Item = (&'p [u8], &'p [u8], usize)> + use<'p, 'b> {
        let mut signed = if self.is_text { certificates(bytes) } else { Vec::new() }.into_iter().peekable();
        self.automaton.find_iter(bytes).filter_map(move |found| {
            let (old, new) = self.pairs.get(found.pattern().as_usize())?;
            while signed.next_if(|range| range.end <= found.start()).is_some() {}
            let is_chance = old.len() <= SHORT && signed.peek().is_some_and(|range| range.contains(&found.start()));
            let stands = !self.is_text || !is_chance && stands_alone(old, bytes, found.start());
            stands.then_some((old.as_slice(), new.as_slice(), found.start()))
        })
    }

    fn replace(&self, bytes: &mut [u8]) {
        let places: Vec<(&[u8], usize)> = self.matches(bytes).map(|(_, new, at)| (new, at)).collect();
        for (new, at) in places {
            let Some(place) = bytes.get_mut(at..at + new.len()) else { continue };
            for (byte, new) in place.iter_mut().zip(new) {
                *byte = if self.is_text && byte.is_ascii_uppercase() { new.to_ascii_uppercase() } else { *new };
            }
        }
    }
}

/// Where certificates and what is signed like them lie, in DER and in base64: short words in their keys are chance. In order,
/// none within another.
fn certificates(bytes: &[u8]) -> Vec<Range<usize>> {
    let der = outermost(memmem::find_iter(bytes, &[0x30, 0x82]), |at| {
        let (head, rest) = bytes.get(at + 2..)?.split_first_chunk()?;
        rest.starts_with(&[0x30, 0x82]).then(|| at + 4 + usize::from(u16::from_be_bytes(*head)))
    });
    let base64 = outermost(memmem::find_iter(bytes, b"MII"), |at| {
        let is_of_it = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n');
        let length = bytes.get(at..).unwrap_or_default().iter().position(|byte| !is_of_it(byte));
        Some(length.map_or(bytes.len(), |length| at + length))
    });
    let mut all = [der, base64].concat();
    all.sort_by_key(|range| range.start);
    all
}

/// The ranges that begin at these places, without those that begin within the one before: their ends are not looked for.
fn outermost(places: impl Iterator<Item = usize>, end: impl Fn(usize) -> Option<usize>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for at in places {
        if all.last().is_none_or(|last| at >= last.end) {
            all.extend(end(at).map(|end| at..end));
        }
    }
    all
}

/// Does it stand for itself there, and is not part of something longer by chance?
fn stands_alone(old: &[u8], bytes: &[u8], at: usize) -> bool {
    let end = at + old.len();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(0);
    let behind = bytes.get(end).copied().unwrap_or(0);
    if old.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | 0)) {
        return !before.is_ascii_digit() && (!behind.is_ascii_digit() || ends_a_field(bytes, at, end));
    }
    let stands = !before.is_ascii_alphabetic() && (!behind.is_ascii_alphabetic() || ends_a_field(bytes, at, end));
    old.len() > SHORT || stands
}

/// Does a length before it say that the text ends with it? What follows is then the tag of another field, whatever it spells.
fn ends_a_field(bytes: &[u8], at: usize, end: usize) -> bool {
    let before = bytes.get(at.saturating_sub(LONGEST_LABEL)..at).unwrap_or_default();
    for (distance, byte) in before.iter().rev().enumerate() {
        if usize::from(*byte) == end - at + distance {
            return true;
        }
        if !byte.is_ascii_graphic() {
            return false;
        }
    }
    false
}

/// A word of the same length, letters for letters and digits for digits.
fn substitute(word: &str, index: usize) -> String {
    let mut rest = index;
    let mut new: Vec<u8> = word
        .bytes()
        .rev()
        .map(|byte| {
            let (alphabet, is_digit) = if byte.is_ascii_digit() { (&b"0123456789"[..], true) } else { (LETTERS, false) };
            let letter = alphabet.get(rest % alphabet.len()).copied().unwrap_or(b'x');
            rest /= alphabet.len();
            // What a number begins with is never zero, so that it stays one of the same length.
            if is_digit && rest == 0 && letter == b'0' { b'1' } else { letter }
        })
        .collect();
    new.reverse();
    String::from_utf8(new).unwrap_or_default()
}

fn widened(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|byte| [*byte, 0]).collect()
}

/// The maker's prefix stays; the rest is counted.
fn macs(found: &Found) -> BTreeMap<Mac, Mac> {
    let taken: BTreeSet<Mac> = found.macs.iter().copied().collect();
    let mut given = 1_u32;
    let mut map = BTreeMap::new();
    for old in &found.macs {
        let [a, b, c, ..] = old.0;
        loop {
            let [_, d, e, f] = given.to_be_bytes();
            let new = Mac([a, b, c, d, e, f]);
            given += 1;
            if !taken.contains(&new) {
                map.insert(*old, new);
                break;
            }
        }
    }
    map
}

/// As people and programs write a MAC, whole and without the maker's prefix.
fn spellings(mac: Mac) -> [String; 4] {
    let colons = mac.to_string();
    let bare = colons.replace(':', "");
    let lower = bare.get(6..).unwrap_or_default().to_owned();
    [colons.replace(':', "-"), colons, bare, lower]
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// An address as text; of IPv4 also as the reverse look-up has it, in dots and in labels.
fn texts(ip: IpAddr) -> Vec<Vec<u8>> {
    let IpAddr::V4(v4) = ip else { return vec![ip.to_string().into_bytes()] };
    let [a, b, c, d] = v4.octets();
    let labels = [d, c, b, a].map(|octet| octet.to_string());
    let wire = labels.iter().flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes())).collect();
    vec![v4.to_string().into_bytes(), labels.join(".").into_bytes(), wire]
}

/// Other addresses: what networks share they share still, and each number has as many digits as before.
fn addresses(found: &Found) -> BTreeMap<IpAddr, IpAddr> {
    let mut numbers = Numbers::default();
    let mut map = BTreeMap::new();
    for ip in &found.ips {
        let new = match ip {
            IpAddr::V4(v4) => {
                let mut before = Vec::new();
                let new = v4.octets().map(|octet| numbers.octet(&mut before, octet));
                IpAddr::V4(Ipv4Addr::from(new))
            }
            IpAddr::V6(v6) => {
                let mut before = Vec::new();
                let new = v6.segments().map(|group| numbers.group(&mut before, group));
                IpAddr::V6(Ipv6Addr::from(new))
            }
        };
        map.insert(*ip, new);
    }
    map
}

/// What asks for an IPv6 address bears the end of it, in its address and in its MAC (RFC 4291 section 2.7.1, RFC 2464).
fn solicited(ips: &mut BTreeMap<IpAddr, IpAddr>, macs: &mut BTreeMap<Mac, Mac>) {
    let end = |ip: &IpAddr| match ip {
        IpAddr::V6(ip) => ip.octets().last_chunk::<3>().copied(),
        IpAddr::V4(_) => None,
    };
    let ends: Vec<_> = ips.iter().filter_map(|(old, new)| Some((end(old)?, end(new)?))).collect();
    for (old, new) in ends {
        let group = |[a, b, c]: [u8; 3]| Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
        ips.entry(group(old).into()).or_insert(group(new).into());
        let station = |[a, b, c]: [u8; 3]| Mac([0x33, 0x33, 0xff, a, b, c]);
        macs.entry(station(old)).or_insert(station(new));
    }
}

/// The numbers given out behind each prefix.
#[derive(Default)]
struct Numbers(BTreeMap<Vec<u16>, BTreeMap<u16, u16>>);

impl Numbers {
    /// The first octet tells private from public, and 0 and 255 are networks and broadcasts.
    fn octet(&mut self, before: &mut Vec<u16>, octet: u8) -> u8 {
        let kept = before.is_empty() || matches!(octet, 0 | 255);
        let class = match octet {
            _ if kept => u16::from(octet)..=u16::from(octet),
            1..=9 => 1..=9,
            10..=99 => 10..=99,
            _ => 100..=254,
        };
        u8::try_from(self.give(before, u16::from(octet), class)).unwrap_or(octet)
    }

    /// The first group tells link-local, unique local and global apart.
    fn group(&mut self, before: &mut Vec<u16>, group: u16) -> u16 {
        let kept = before.is_empty() || group == 0;
        let class = match group {
            _ if kept => group..=group,
            1..=0xf => 1..=0xf,
            0x10..=0xff => 0x10..=0xff,
            0x100..=0xfff => 0x100..=0xfff,
            _ => 0x1000..=0xffff,
        };
        self.give(before, group, class)
    }

    fn give(&mut self, before: &mut Vec<u16>, old: u16, mut class: std::ops::RangeInclusive<u16>) -> u16 {
        let given = self.0.entry(before.clone()).or_default();
        let new = match given.get(&old) {
            Some(new) => *new,
            None => class.find(|new| !given.values().any(|other| other == new)).unwrap_or(old),
        };
        given.insert(old, new);
        before.push(old);
        new
    }
}
