//! An extracted login made safe to share: names, users, MACs and addresses replaced, secrets overwritten, all at the same
//! length, so that no frame changes its form. What comes out is judged again; where it says something else, less is replaced,
//! and what was left in is listed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Bounded, Essence, Extract, ExtractError, judged};
use crate::capture::CaptureReader;
use crate::model::Frame;
use crate::packet::{self, Body, Decoder};
use crate::pipeline::Options;
use crate::rewrite::{self, Edit, Packet};
use crate::verdict::DeviceAnalysis;
use found::{Found, Public};
use streams::Streams;
use substitutes::Substitutes;

mod checksums;
mod found;
mod secrets;
mod streams;
mod substitutes;
#[cfg(test)]
mod tests;

/// Ports of TCP behind which addresses stand in binary: DNS and Kerberos.
const BINARY_PORTS: [u16; 2] = [53, 88];

/// A login that can be shared.
#[derive(Debug)]
pub struct Anonymised {
    /// The capture, with the device as it is called in it.
    pub extract: Extract,
    /// What was left in, in plain words.
    pub left: Vec<String>,
    /// Findings that this copy alone gives, beside the same verdict: where a name in a certificate was replaced, its signature
    /// is none any more.
    pub only_here: Vec<&'static str>,
    /// Was the login judged with secrets of TLS? They are not in this copy, which is judged without them.
    pub lacks_secrets: bool,
}

/// Replaces what tells whose login this is.
///
/// # Errors
/// If the extracted capture cannot be read, or has too many names.
pub fn anonymise(extract: &Extract, options: &Options) -> Result<Anonymised, ExtractError> {
    let public = Public::of(options);
    // Secrets and ciphertext together are what was hidden: who gets the copy has the ciphertext alone.
    let lacks_secrets = !options.keys.is_empty() || extract.has_secrets();
    let options = &Options { keys: Arc::default(), ..options.clone() };
    let found = Found::in_capture(&extract.capture, &public)?;
    let nothing = BTreeSet::new();
    let essence = Essence::of(&extract.device);
    let mut last = None;
    // Names in certificates are signed, and networks may be such that other addresses lie elsewhere.
    for (spared, with_addresses) in [(&nothing, true), (&found.in_certificates, true), (&found.in_certificates, false)] {
        let substitutes = Substitutes::new(&found, spared, with_addresses).map_err(|_| ExtractError::TooLarge)?;
        let frames = replaced(&extract.capture, &substitutes)?;
        let capture = written(&extract.capture, &frames, None)?;
        let device = renamed(&extract.device, &substitutes);
        let now = judged(&capture, options, &device).filter(|now| Essence::of(now) == essence);
        let is_same = extract.is_same && now.is_some();
        let left = left(&capture, &frames, &substitutes, &public, spared, with_addresses)?;
        let only_here = now.map(|now| codes_new_in(&now, &extract.device)).unwrap_or_default();
        let capture = written(&extract.capture, &frames, Some(&comment(&left, &only_here)))?;
        let extract = Extract { capture, device, packets: extract.packets, is_same };
        last = Some(Anonymised { extract, left, only_here, lacks_secrets });
        if is_same {
            break;
        }
    }
    last.ok_or(ExtractError::NoDevice)
}

fn codes_new_in(now: &DeviceAnalysis, before: &DeviceAnalysis) -> Vec<&'static str> {
    let is_known = |code: &str| before.findings.iter().any(|finding| finding.code == code);
    let codes: BTreeSet<&'static str> = now.findings.iter().map(|finding| finding.code).collect();
    codes.into_iter().filter(|code| !is_known(code)).collect()
}

/// What whoever gets the capture should know.
fn comment(left: &[String], only_here: &[&str]) -> String {
    let mut comment = format!("Anonymised by loginloop. Left in: {}.", left.join("; "));
    if !only_here.is_empty() {
        comment.push_str(&format!(" Only in this copy, because names in certificates were replaced: {}.", only_here.join(", ")));
    }
    comment
}

/// The frames with everything replaced.
fn replaced(capture: &[u8], substitutes: &Substitutes) -> Result<Vec<Vec<u8>>, ExtractError> {
    let mut reader = CaptureReader::open(capture)?;
    let mut decoder = Decoder::new();
    let (mut old, mut new, mut streams, mut headers) = (Vec::new(), Vec::new(), Streams::default(), Vec::new());
    while let Some(record) = reader.next_record()? {
        let mut data = record.data.to_vec();
        let index = new.len();
        let mut is_stream = false;
        decoder.decode_each(&record, |packet| {
            let (Body::Tcp(segment), Some(net)) = (&packet.body, packet.net) else { return };
            let Some(place) = packet::place(&record, segment.payload) else { return };
            is_stream = true;
            let ports = [segment.source_port, segment.destination_port];
            let binary = if BINARY_PORTS.iter().any(|port| ports.contains(port)) { data.len() } else { place.start };
            substitutes.in_binary(data.get_mut(..binary).unwrap_or_default());
            let [from, to] = [(net.source, ports[0]), (net.destination, ports[1])].map(|(ip, port)| SocketAddr::new(ip, port));
            streams.put((from, to), segment.sequence, index, place);
        });
        if !is_stream {
            substitutes.in_binary(&mut data);
            in_message(&mut data, substitutes);
        }
        old.push(record.data.to_vec());
        headers.push(packet::ip_place(&record));
        new.push(data);
    }
    streams.edit(&mut new, &|bytes| in_message(bytes, substitutes));
    for ((old, new), header) in old.iter().zip(&mut new).zip(headers) {
        if let Some(header) = header {
            checksums::correct(old, new, header);
        }
    }
    Ok(new)
}

fn in_message(bytes: &mut [u8], substitutes: &Substitutes) {
    secrets::hide(bytes, &|inner| substitutes.in_text(inner));
    substitutes.in_text(bytes);
}

/// The capture with these frames instead of its own.
fn written(capture: &[u8], frames: &[Vec<u8>], comment: Option<&str>) -> Result<Vec<u8>, ExtractError> {
    let mut out = Bounded(Vec::new());
    rewrite::rewrite(|| Ok(capture), &mut Instead { frames: frames.iter(), comment }, &mut out)?;
    Ok(out.0)
}

/// Puts other data in the place of each packet's.
struct Instead<'f> {
    frames: std::slice::Iter<'f, Vec<u8>>,
    comment: Option<&'f str>,
}

impl Edit for Instead<'_> {
    fn section_comment(&self) -> Option<&str> {
        self.comment
    }

    fn packet<'a>(&mut self, _: Frame, _: &'a [u8]) -> Packet<'a> {
        self.frames.next().map_or(Packet::Dropped, |data| Packet::Kept(Cow::Owned(data.clone()), Vec::new()))
    }

    fn keeps_surroundings(&self) -> bool {
        false
    }
}

/// The device as it is called in the new capture.
fn renamed(device: &DeviceAnalysis, substitutes: &Substitutes) -> DeviceAnalysis {
    let mut device = device.clone();
    device.mac = device.mac.map(|mac| substitutes.mac(mac));
    device.ips.iter_mut().for_each(|ip| *ip = substitutes.ip(*ip));
    device
}

/// What was left in: what always is, what was spared, and what is still to be read.
fn left(
    capture: &[u8],
    frames: &[Vec<u8>],
    substitutes: &Substitutes,
    public: &Public,
    spared: &BTreeSet<String>,
    with_addresses: bool,
) -> Result<Vec<String>, ExtractError> {
    let mut left = vec![
        "makers' prefixes of MACs, first octets of addresses, times and ports".to_owned(),
        "Kerberos tickets, paths and bodies of HTTP and file names but for the names in them, numbers of up to three digits, \
         what is encrypted"
            .to_owned(),
    ];
    if !with_addresses {
        left.push("addresses".to_owned());
    }
    if !spared.is_empty() {
        left.push(format!("names that stand in certificates, whose signatures cover them: {}", listed(spared)));
    }
    let read = Found::in_capture(capture, public)?;
    if read.is_cut {
        left.push("names, MACs or addresses beyond the first 16,384".to_owned());
    }
    let mut still: BTreeSet<String> = frames.iter().flat_map(|data| substitutes.spelt(data)).collect();
    still.extend(read.words.into_iter().filter(|word| substitutes.words().contains(word)));
    if !still.is_empty() {
        left.push(format!("names in places where they could not be replaced: {}", listed(&still)));
    }
    Ok(left)
}

fn listed(words: &BTreeSet<String>) -> String {
    words.iter().map(|word| word.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
}
