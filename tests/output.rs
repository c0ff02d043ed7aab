//! No packet steers a terminal: in every capture of the repository the words that devices and servers say are replaced by
//! escape sequences, control characters and what turns text round; no report hands one of these on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use loginloop::pipeline::{self, Options};
use loginloop::profile::Profiles;
use loginloop::report::events::EventWriter;
use loginloop::report::html::batch::Line;
use loginloop::report::triage::{csv, tables};
use loginloop::report::{html, json, text, triage};
use loginloop::triage::{Digest, Growing};

/// Words of the captures, and what stands there instead: of the same length, so that no length field lies.
const WORDS: &[(&str, &[u8])] = &[
    // ESC [ 2 J, U+009B (the same in one character), carriage return.
    ("contoso", b"\x1b[2J\xc2\x9b\r"),
    // U+202E turns what follows round; bell, delete, escape.
    ("pool01", b"\xe2\x80\xae\x07\x7f\x1b"),
    ("Unauthorized", b"\x1b]0;title\x07\xc2\x90"),
    ("DeskPhone", b"\x1b[31m\xe2\x80\x8b\x08"),
    ("CPE-OCPHONE", b"\x1b[?1049hm\xc2\x9d"),
    ("Microsoft-IIS", b"\x1b[5m\x00\xe2\x81\xa6\xef\xbb\xbf\x7f\x0b"),
];

/// The same, with what a browser would take for more than text.
const MARKUP: &[(&str, &[u8])] = &[
    ("contoso", b"<img y>"),
    ("pool01", b"\"><b>x"),
    ("Unauthorized", b"<svg/onload>"),
    ("DeskPhone", b"<script>'"),
    ("CPE-OCPHONE", b"=cmd|'&amp;"),
    ("Microsoft-IIS", b"<!-- </style>"),
];

fn damaged(file: &[u8], words: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for (word, instead) in words {
        assert_eq!(word.len(), instead.len(), "{word}");
        // In NTLM and some certificates text is UTF-16; there only what is one octet long goes in.
        let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
        let ascii: Vec<u8> = instead.iter().map(|byte| if byte.is_ascii() { *byte } else { 0x9b }).collect();
        for (word, instead) in [(word.as_bytes().to_vec(), instead.to_vec()), (wide(word.as_bytes()), wide(&ascii))] {
            let mut from = 0;
            while let Some(place) = bytes[from..].windows(word.len()).position(|window| window == word) {
                bytes[from + place..from + place + word.len()].copy_from_slice(&instead);
                from += place + word.len();
            }
        }
    }
    bytes
}

#[track_caller]
fn is_harmless(what: &str, output: &[u8]) {
    let output = std::str::from_utf8(output).unwrap();
    let treacherous = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let place = output.find(treacherous);
    assert!(place.is_none(), "{what}: {:?}", place.and_then(|place| output.get(place.saturating_sub(60)..place + 4)));
}

#[test]
fn no_text_of_a_packet_reaches_a_terminal_as_it_came() {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let mut keys = BTreeSet::new();
    let mut shown = 0;
    let mut escaped_names = 0;
    for path in support::captures() {
        let what = path.display().to_string();
        let bytes = damaged(&support::read(&path), WORDS);
        let analysis = pipeline::analyse(bytes.as_slice(), &options).unwrap().result;
        for detail in [text::Detail::Quiet, text::Detail::Normal, text::Detail::Verbose] {
            let mut out = Vec::new();
            text::write(&analysis, &what, &text::Options { detail, ..text::Options::default() }, &mut out).unwrap();
            is_harmless(&what, &out);
            shown += String::from_utf8_lossy(&out).matches(r"\u{1b}").count();
        }
        let (mut document, mut line) = (Vec::new(), Vec::new());
        json::document(&analysis, &what, &mut document).unwrap();
        json::line(&analysis, &what, &mut line).unwrap();
        let mut events = EventWriter::new(Vec::new());
        let outcome = pipeline::events(bytes.as_slice(), &Default::default(), &mut |event, _| events.event(event, None)).unwrap();
        outcome.result.1.unwrap();
        let events = events.finish().unwrap();
        for output in [&document, &line, &events] {
            is_harmless(&what, output);
        }
        // Names of DNS have a notation of their own for such octets.
        escaped_names += String::from_utf8_lossy(&events).matches(r"\\033[2J").count();
        for event in String::from_utf8(events).unwrap().lines().filter(|event| event.contains(r"\u001b")) {
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            let hostile = event.as_object().unwrap().iter().filter(|(_, value)| value.to_string().contains(r"\u001b"));
            keys.extend(hostile.map(|(key, _)| key.clone()));
        }
    }
    assert!(escaped_names > 100, "names of DNS: {escaped_names}");
    assert!(shown > 100, "the reports speak of these words: {shown}");
    for key in [
        "certificates",
        "dhcp.option.domain_name",
        "http.host",
        "http.server",
        "sip.User-Agent",
        "sip.r-uri",
        "tls.handshake.extensions_server_name",
    ] {
        assert!(keys.contains(key), "nothing hostile stood in {key}: {keys:?}");
    }
}

/// The batch of all captures: its page, its summary for a terminal, its tables.
fn batch(words: &[(&str, &[u8])]) -> (String, Vec<u8>, Vec<Vec<u8>>) {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let evil = words.iter().map(|(_, instead)| String::from_utf8_lossy(instead)).collect::<Vec<_>>().join("/");
    let (mut growing, mut lines) = (Growing::default(), Vec::new());
    let mut sheets = vec![Vec::new(), Vec::new(), Vec::new()];
    for (place, table) in [tables::CAPTURES, tables::LOGINS, tables::FINDINGS].iter().enumerate() {
        csv::begin(table, &mut sheets[place]).unwrap();
    }
    for path in support::captures() {
        let bytes = damaged(&support::read(&path), words);
        let digest = Digest::of(&pipeline::analyse(bytes.as_slice(), &options).unwrap().result);
        let name = format!("{}/{evil}", path.display());
        growing.capture(&name, Some("captures/0001.html#c1"), &digest);
        lines.push(Line::new(&name, &digest));
        csv::write(&tables::capture(&name, "", &digest), &mut sheets[0]).unwrap();
        for login in &digest.logins {
            csv::write(&tables::login(&name, login), &mut sheets[1]).unwrap();
            login.findings.iter().for_each(|told| csv::write(&tables::finding(&name, login, told), &mut sheets[2]).unwrap());
        }
        growing.unread(&name, &evil);
    }
    let overview = growing.finish(0);
    let (mut page, mut summary) = (Vec::new(), Vec::new());
    html::batch::write(&overview, &lines, &mut page).unwrap();
    triage::text::write(&overview, &evil, &triage::text::Options { width: 80, colour: false, quiet: false }, &mut summary)
        .unwrap();
    (String::from_utf8(page).unwrap(), summary, sheets)
}

#[test]
fn no_text_of_a_packet_steers_who_reads_a_batch() {
    let (page, summary, sheets) = batch(WORDS);
    assert!(page.matches(r"\u{1b}[2J").count() > 100, "the page speaks of these words");
    // Its own script and its look stand on lines of their own, and its tables in rows; of control characters there is no other.
    is_harmless("page", page.as_bytes());
    is_harmless("summary", &summary);
    for sheet in &sheets {
        is_harmless("table", &String::from_utf8_lossy(sheet).replace("\r\n", "\n").into_bytes());
    }
}

#[test]
fn no_text_of_a_packet_is_markup_in_a_batch() {
    let (page, _, sheets) = batch(MARKUP);
    assert!(page.matches("&lt;img y&gt;").count() > 100, "the page speaks of these words");
    for (_, evil) in MARKUP.iter().filter(|(_, evil)| evil.contains(&b'<')) {
        let evil = std::str::from_utf8(evil).unwrap();
        assert!(!page.contains(evil), "{evil}");
    }
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    for sheet in &sheets {
        let rows: Vec<&[u8]> = sheet.split(|byte| *byte == b'\n').collect();
        assert!(rows.len() > 100);
        assert!(rows.iter().all(|row| !row.starts_with(b"=") && !row.windows(2).any(|pair| pair == b",=" || pair == b"\"=")));
    }
}
