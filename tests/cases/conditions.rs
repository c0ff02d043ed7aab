//! The same failure under other conditions of the field has the same fingerprint: on another VLAN, on another link layer,
//! mirrored twice, at another time, at another site, among the traffic of others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use loginloop::capture::{CaptureReader, compressed};
use loginloop::model::Verdict;
use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;
use loginloop::triage::Digest;

const ETHERNET: u16 = 1;
const COOKED: u16 = 113;
const MILLISECOND: i64 = 1_000_000;

#[derive(Clone)]
struct Frame {
    time: i64,
    wire_length: u32,
    data: Vec<u8>,
}

/// The frames of a capture, if all of them are of Ethernet.
#[allow(clippy::disallowed_methods, reason = "a test reads files")]
fn frames(capture: &Path) -> Option<Vec<Frame>> {
    let bytes = std::fs::read(capture).unwrap();
    let (input, _) = compressed::plain(bytes.as_slice()).unwrap();
    let mut reader = CaptureReader::open(input).ok()?;
    let mut frames = Vec::new();
    while let Ok(Some(record)) = reader.next_record() {
        if record.link_type != ETHERNET || record.data.len() < 14 {
            return None;
        }
        frames.push(Frame { time: record.at.time.0, wire_length: record.wire_length, data: record.data.to_vec() });
    }
    Some(frames)
}

/// A classic capture with nanoseconds.
fn pcap(link_type: u16, frames: &[Frame]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, link_type.into()] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let (second, rest) = (frame.time.div_euclid(1_000_000_000) as u32, frame.time.rem_euclid(1_000_000_000) as u32);
        for word in [second, rest, frame.data.len() as u32, frame.wire_length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&frame.data);
    }
    file
}

fn each(frames: &[Frame], change: impl Fn(&Frame) -> Vec<Frame>) -> Vec<Frame> {
    frames.iter().flat_map(change).collect()
}

/// What a bridge sends to its neighbour alone bears no tag (IEEE 802.1Q section 8.6.3), and what has one keeps it.
fn tagged(frame: &Frame) -> Vec<Frame> {
    let mut tagged = frame.clone();
    if !frame.data.starts_with(&[0x01, 0x80, 0xc2])
        && !frame.data.starts_with(&[0x01, 0x00, 0x0c])
        && frame.data[12..14] != [0x81, 0]
    {
        tagged.data.splice(12..12, [0x81, 0, 0, 0x20]);
        tagged.wire_length += 4;
    }
    vec![tagged]
}

/// As Linux gives packets of all interfaces at once (LINKTYPE_LINUX_SLL); frames with a length instead of a type are left out.
fn cooked(frame: &Frame) -> Vec<Frame> {
    if frame.data[12..14] < [6, 0][..] {
        return Vec::new();
    }
    let kind = if frame.data.starts_with(&[0xff; 6]) { 1 } else { 2 * (frame.data[0] & 1) };
    let head = [&[0, kind, 0, 1, 0, 6][..], &frame.data[6..12], &[0, 0]].concat();
    let data = [head.as_slice(), &frame.data[12..]].concat();
    vec![Frame { data, wire_length: frame.wire_length + 2, ..*frame }]
}

/// A switch mirrors both VLANs, and its queues fill and empty: the copy of each frame comes up to three milliseconds later, behind
/// others.
fn mirrored(frames: &[Frame]) -> Vec<Frame> {
    let late = |frame: &Frame| Frame { time: frame.time + 2_000 + frame.time.rem_euclid(3 * MILLISECOND), ..frame.clone() };
    let mut all = each(frames, |frame| [vec![frame.clone()], tagged(&late(frame))].concat());
    all.sort_by_key(|frame| frame.time);
    all
}

fn later(frame: &Frame) -> Vec<Frame> {
    vec![Frame { time: frame.time + 61 * 1_000 * MILLISECOND + 123_456_789, ..frame.clone() }]
}

/// Other machines of the same makers in other subnets, whose cards reckon the checksums (captured before they do) and fill short frames up to 60
/// octets; the capture was begun while others spoke, so every frame has another number.
fn elsewhere(frames: &[Frame]) -> Vec<Frame> {
    let mut macs: Vec<[u8; 6]> =
        frames.iter().flat_map(|one| [one.data[..6].try_into().unwrap(), one.data[6..12].try_into().unwrap()]).collect();
    macs.retain(|mac| mac[0] & 1 == 0 && *mac != [0; 6]);
    macs.sort_unstable();
    macs.dedup();
    let other = |[a, b, c, d, e, f]: [u8; 6]| [a, b, c, d ^ 0x11, e ^ 0x22, f ^ 0x10];
    // As in DHCP, and as in the names of configuration files.
    let forms = |mac: [u8; 6]| {
        let lower: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        [mac.to_vec(), lower.to_uppercase().into_bytes(), lower.into_bytes()]
    };
    let mut replaced: Vec<(Vec<u8>, Vec<u8>)> =
        macs.into_iter().flat_map(|mac| std::iter::zip(forms(mac), forms(other(mac)))).collect();
    let text = |[a, b, c, d]: [u8; 4]| format!("{a}.{b}.{c}.{d}").into_bytes();
    for address in own_addresses(frames) {
        let [a, b, c, d] = address;
        // As long as it was, written as text.
        let there = [a, b, (c + 3) % 10, d];
        replaced.extend([(address.to_vec(), there.to_vec()), (text(address), text(there))]);
    }
    // 10.0.4.1 is no part of 10.0.4.12.
    let longest = aho_corasick::AhoCorasick::builder().match_kind(aho_corasick::MatchKind::LeftmostLongest).to_owned();
    let search = longest.build(replaced.iter().map(|(old, _)| old)).unwrap();
    let with: Vec<&[u8]> = replaced.iter().map(|(_, new)| new.as_slice()).collect();
    let change = |frame: &Frame| {
        let mut data = search.replace_all_bytes(&frame.data, &with);
        if data[12..14] == [8, 0] && data.len() >= 34 {
            data[24..26].fill(0);
        }
        if data.len() == frame.wire_length as usize {
            data.resize(data.len().max(60), 0);
        }
        vec![Frame { wire_length: frame.wire_length.max(60), data, ..*frame }]
    };
    let others = among_others(frames).into_iter().filter(|one| one.data.starts_with(&[2, 0xaa])).take(37);
    let mut all: Vec<Frame> = others.chain(each(frames, change)).collect();
    if let Some(first) = frames.iter().map(|one| one.time).min() {
        all.iter_mut().take(37).for_each(|one| one.time = one.time.min(first - MILLISECOND));
    }
    all
}

/// The addresses of private subnets (RFC 1918 section 3) that send or are sent to, of subnets numbered by one digit.
fn own_addresses(frames: &[Frame]) -> BTreeSet<[u8; 4]> {
    let packets = frames.iter().filter(|one| one.data[12..14] == [8, 0] && one.data.len() >= 34);
    let addresses = packets.flat_map(|one| [26, 30].map(|place| one.data[place..place + 4].try_into().unwrap()));
    let is_private = |[a, b, ..]: [u8; 4]| a == 10 || (a, b) == (192, 168) || a == 172 && b / 16 == 1;
    addresses.filter(|one: &[u8; 4]| is_private(*one) && one[2] < 10 && one[3] != 255).collect()
}

/// A call of two others, from before the first frame to behind the last one.
fn among_others(frames: &[Frame]) -> Vec<Frame> {
    let mut all = frames.to_vec();
    let (Some(first), Some(last)) = (frames.iter().map(|one| one.time).min(), frames.iter().map(|one| one.time).max()) else {
        return all;
    };
    let (first, last) = (first - 5_000 * MILLISECOND, last + 1_000 * MILLISECOND);
    for number in 0..400_i64 {
        let mut data = vec![2, 0xaa, 0xbb, 0xcc, 0xdd, 2, 2, 0xaa, 0xbb, 0xcc, 0xdd, 1, 8, 0];
        data.extend([0x45, 0, 0, 200, 0, 0, 0, 0, 64, 17, 0, 0, 10, 254, 1, 1, 10, 254, 1, 2]);
        data.extend([0x75, 0x30, 0x75, 0x32, 0, 180, 0, 0, 0x80, 0, (number >> 8) as u8, number as u8]);
        data.resize(214, 0xd5);
        all.push(Frame { time: first + (last - first) / 400 * number, wire_length: 214, data });
    }
    all.sort_by_key(|frame| frame.time);
    all
}

/// Packets that come within two milliseconds of each other, in opposite directions, have changed places, as where a queue for each
/// direction writes one file; `from` is the first packet that may have.
fn crossed(frames: &[Frame], from: usize) -> Vec<Frame> {
    let mut crossed = frames.to_vec();
    let mut place = from;
    while place + 1 < crossed.len() {
        let (one, next) = (&crossed[place], &crossed[place + 1]);
        let answers = one.data[..6] == next.data[6..12] && one.data[6..12] == next.data[..6];
        if answers && next.time - one.time < 2 * MILLISECOND {
            let (earlier, later) = (one.time, next.time);
            crossed.swap(place, place + 1);
            (crossed[place].time, crossed[place + 1].time) = (earlier, later);
            place += 1;
        }
        place += 1;
    }
    crossed
}

fn verdicts(bytes: &[u8], options: &Options) -> Vec<Verdict> {
    analyse(bytes, options).unwrap().result.devices.iter().map(|device| device.verdict).collect()
}

fn fingerprints(bytes: &[u8], options: &Options) -> Vec<String> {
    let digest = Digest::of(&analyse(bytes, options).unwrap().result);
    let mut all: Vec<String> = digest.logins.into_iter().filter_map(|login| Some(login.ended?.fingerprint)).collect();
    all.sort();
    all
}

/// The captures that no snap length cut, with their frames: of what was cut, too, less is known than its place.
fn uncut() -> impl Iterator<Item = (PathBuf, Vec<Frame>)> {
    let with_frames = captures().into_iter().filter_map(|capture| frames(&capture).map(|frames| (capture, frames)));
    with_frames.filter(|(_, frames)| frames.iter().all(|frame| frame.data.len() >= frame.wire_length as usize))
}

fn captures() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").read_dir().unwrap();
    let files = cases.flat_map(|case| ["capture.pcapng", "capture.pcap"].map(|name| case.as_ref().unwrap().path().join(name)));
    files.filter(|path| path.is_file()).collect()
}

#[test]
fn the_conditions_under_which_a_failure_was_captured_are_no_part_of_its_fingerprint() {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let mut compared = 0;
    for capture in captures() {
        let Some(frames) = frames(&capture) else { continue };
        let wanted = fingerprints(&pcap(ETHERNET, &frames), &options);
        let tagged_later_elsewhere = each(&each(&elsewhere(&frames), later), tagged);
        let conditions = [
            ("elsewhere, later, on another VLAN", ETHERNET, tagged_later_elsewhere),
            ("cooked", COOKED, each(&frames, cooked)),
            ("mirrored, among others", ETHERNET, mirrored(&among_others(&frames))),
        ];
        for (condition, link_type, frames) in conditions {
            assert_eq!(fingerprints(&pcap(link_type, &frames), &options), wanted, "{condition}: {}", capture.display());
            compared += wanted.len();
        }
    }
    assert!(compared > 250, "{compared} failed logins");
}

#[test]
fn a_device_that_is_signed_in_stays_so_where_the_capture_has_the_directions_in_another_order() {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let (mut compared, mut others) = (0, Vec::new());
    for (capture, frames) in uncut() {
        if verdicts(&pcap(ETHERNET, &frames), &options) != [Verdict::SignedIn] {
            continue;
        }
        for from in [0, 1] {
            let bytes = pcap(ETHERNET, &crossed(&frames, from));
            if verdicts(&bytes, &options) != [Verdict::SignedIn] {
                others.push(format!("{from}: {}", capture.display()));
            }
            compared += 1;
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(compared > 40, "{compared} logins");
}

#[test]
fn a_failure_has_its_fingerprint_where_the_capture_has_the_directions_in_another_order() {
    // The answers of TFTP come from new ports; loops whose packets have changed places already.
    const KNOWN: [&str; 2] = ["mitel-no-configuration", "loop-reordered"];
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let (mut compared, mut others) = (0, Vec::new());
    for (capture, frames) in uncut() {
        if KNOWN.iter().any(|name| capture.parent().is_some_and(|case| case.ends_with(name))) {
            continue;
        }
        let wanted = fingerprints(&pcap(ETHERNET, &frames), &options);
        for from in [0, 1] {
            if fingerprints(&pcap(ETHERNET, &crossed(&frames, from)), &options) != wanted {
                others.push(format!("{from}: {}", capture.display()));
            }
            compared += wanted.len();
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(compared > 150, "{compared} failed logins");
}

#[test]
fn a_device_that_is_signed_in_is_not_said_to_fail_where_the_capture_lost_a_frame() {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let (mut compared, mut others) = (0, Vec::new());
    for (capture, frames) in uncut() {
        if verdicts(&pcap(ETHERNET, &frames), &options) != [Verdict::SignedIn] {
            continue;
        }
        // One in six, for time's sake.
        for lost in (0..frames.len()).skip(compared % 6).step_by(6) {
            let mut rest = frames.clone();
            rest.remove(lost);
            let said = verdicts(&pcap(ETHERNET, &rest), &options);
            if said.iter().any(|verdict| matches!(verdict, Verdict::Loop | Verdict::Dropped)) {
                others.push(format!("without frame {}: {}", lost + 1, capture.display()));
            }
            compared += 1;
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(compared > 400, "{compared} captures");
}
