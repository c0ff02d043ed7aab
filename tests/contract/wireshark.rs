//! What `events` says under Wireshark's names, tshark says of the same frame, and the other way round. With
//! `LOGINLOOP_CAPTURES=FOLDER` the captures in that folder are held against tshark, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::captures;

/// Of these, events tell less than tshark does: what no login stands on.
const TOLD_IN_PART: [(&str, &str); 7] = [
    ("dhcpv6.msgtype", "what a relay carries"),
    ("icmp.", "echoes, and what an error quotes"),
    ("icmpv6.", "neighbour discovery has events of its own, echoes and multicast listeners none"),
    ("kerberos.", "the tickets inside, and whom a ticket is for that was given"),
    ("tftp.", "the blocks behind the first"),
    ("tls.handshake.extension.type", "a server's"),
    ("tls.handshake.sig_hash_alg", "those of a key exchange"),
];

/// Looked at one by one.
const OTHERWISE: &str = include_str!("otherwise.tsv");

/// Multicast DNS, Link-Local Multicast Name Resolution (RFC 6762, 4795) and SSDP: they lead no phone to its servers.
const NOT_READ: [&str; 3] = ["5353", "5355", "1900"];

/// What is said of one frame: the values under each key.
type Said = BTreeMap<String, BTreeSet<String>>;

#[test]
fn what_events_say_is_what_tshark_says() {
    let Some(known) = names_of_fields() else {
        eprintln!("skipped: tshark cannot be run");
        return;
    };
    let captures: Vec<PathBuf> = captures().into_iter().chain(further()).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (facts, differences) = std::thread::scope(|scope| {
        let parts = captures.chunks(captures.len().div_ceil(threads));
        let workers: Vec<_> = parts.map(|part| scope.spawn(|| compared(part, &known))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold((0, Vec::new()), |(facts, mut all), (more, further)| {
            all.extend(further);
            (facts + more, all)
        })
    });
    eprintln!("{facts} facts are the same");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(facts > 10_000, "there was something to compare");
}

fn further_folder() -> Option<PathBuf> {
    std::env::var_os("LOGINLOOP_CAPTURES").map(PathBuf::from)
}

/// The captures of a folder that somebody else has.
fn further() -> Vec<PathBuf> {
    let Some(folder) = further_folder() else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// The names of all fields that tshark knows.
fn names_of_fields() -> Option<BTreeSet<String>> {
    let output = Command::new("tshark").args(["-G", "fields"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let fields = text.lines().filter_map(|line| line.strip_prefix("F\t"));
    Some(fields.filter_map(|field| field.split('\t').nth(1)).map(str::to_owned).collect())
}

/// How many facts are the same, and each that differs.
fn compared(captures: &[PathBuf], known: &BTreeSet<String>) -> (usize, Vec<String>) {
    let (mut facts, mut differences) = (0, Vec::new());
    for capture in captures {
        let ours = ours(capture, known);
        let keys: Vec<&str> =
            ours.values().flat_map(BTreeMap::keys).map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        let theirs = Theirs::of(capture, &keys);
        let folders = [Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")), further_folder()];
        let inside = folders.iter().flatten().find_map(|folder| capture.strip_prefix(folder).ok());
        let name = inside.unwrap_or(capture).to_string_lossy();
        let none = Said::new();
        for (frame, said) in &theirs.frames {
            let own = ours.get(frame).unwrap_or(&none);
            // An error quotes the packet that it answers, and tshark reads on in it.
            let only = ["icmp.type", "icmpv6.type"].into_iter().find(|key| said.contains_key(*key)).map(|key| &key[..4]);
            for key in keys.iter().filter(|key| only.is_none_or(|only| key.starts_with(only))) {
                match (own.get(*key), said.get(*key)) {
                    (own, said) if own == said => facts += usize::from(own.is_some()),
                    (None, Some(_)) if theirs.is_cut || is_in(&TOLD_IN_PART, key) => {}
                    (Some(own), Some(said)) if own.is_subset(said) && is_in(&TOLD_IN_PART, key) => {}
                    // Of a message that is cut tshark tells nothing.
                    (Some(_), None) if theirs.is_cut => {}
                    _ if is_expected(&name, key) => {}
                    (own, said) => differences.push(format!("{name} {frame} {key}: {own:?}, tshark {said:?}")),
                }
            }
        }
    }
    (facts, differences)
}

fn is_in(list: &[(&str, &str)], key: &str) -> bool {
    list.iter().any(|(begin, _)| key.starts_with(begin))
}

fn is_expected(capture: &str, key: &str) -> bool {
    let begins = |text: &str, begin: &str| begin == "*" || text.starts_with(begin);
    OTHERWISE.lines().filter(|line| !line.starts_with('#')).any(|line| {
        let mut cells = line.split('\t');
        let (name, begin) = (cells.next().unwrap(), cells.next().unwrap());
        begins(capture, name) && begins(key, begin)
    })
}

/// What `events` says of each frame, where tshark has a field of that name.
fn ours(capture: &Path, known: &BTreeSet<String>) -> BTreeMap<u64, Said> {
    let output = Command::new(env!("CARGO_BIN_EXE_loginloop")).arg("events").arg(capture).output().unwrap();
    let mut frames: BTreeMap<u64, Said> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let said = frames.entry(event["frame"].as_u64().unwrap()).or_default();
        for (key, value) in event.as_object().unwrap().iter().filter(|(key, _)| key.contains('.') && known.contains(*key)) {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values.iter().filter(|value| !value.is_object()) {
                say(said, key, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
    }
    frames
}

/// What tshark says.
struct Theirs {
    frames: BTreeMap<u64, Said>,
    /// Did the capture's snap length cut any of them?
    is_cut: bool,
}

impl Theirs {
    fn of(capture: &Path, keys: &[&str]) -> Self {
        const OWN: [&str; 4] = ["frame.number", "frame.len", "frame.cap_len", "udp.port"];
        let mut command = Command::new("tshark");
        command
            .args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "fields", "-E", "aggregator=\u{1f}", "-r"])
            .arg(capture);
        command.args(OWN.iter().chain(keys).flat_map(|key| ["-e", *key]));
        let output = command.output().unwrap();
        let mut theirs = Self { frames: BTreeMap::new(), is_cut: false };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut columns = line.split('\t');
            let [number, length, captured, port] = std::array::from_fn(|_| columns.next().unwrap_or_default());
            theirs.is_cut |= length != captured;
            let said = theirs.frames.entry(number.parse().unwrap()).or_default();
            if port.split('\u{1f}').any(|port| NOT_READ.contains(&port)) {
                continue;
            }
            for (key, values) in keys.iter().zip(columns) {
                values.split('\u{1f}').for_each(|value| say(said, key, value));
            }
        }
        theirs
    }
}

/// Notes a value in the form in which both can be compared. Nothing in words is nothing.
fn say(said: &mut Said, key: &str, value: &str) {
    // tshark lists padding and the end among the options.
    if value.is_empty() || key == "dhcp.option.type" && ["0", "255"].contains(&value) {
        return;
    }
    said.entry(key.to_owned()).or_default().insert(comparable(value));
}

fn comparable(value: &str) -> String {
    let value = value.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    let value = value.trim().trim_end_matches('.').to_lowercase();
    let number = value.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match (value.as_str(), number) {
        ("true", _) => "1".to_owned(),
        ("false", _) => "0".to_owned(),
        (_, Some(number)) => number.to_string(),
        _ => value,
    }
}
