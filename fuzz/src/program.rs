//! The whole program on any capture: each report is well-formed, and nothing in it steers a terminal.

use loginloop::pipeline::{self, Options};
use loginloop::profile::Profiles;
use loginloop::report::events::EventWriter;
use loginloop::report::text::{Detail, Options as TextOptions};
use loginloop::report::{self, Format, annotation, json, text};

/// Is each line a JSON value, shown safely?
pub fn is_json_lines(bytes: &[u8]) {
    steers_no_terminal(bytes);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok(), "{}", String::from_utf8_lossy(line));
    }
}

/// Control characters other than the line end, and what turns text round or hides it.
pub fn steers_no_terminal(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("output is text");
    let bad = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!text.contains(bad), "{text:?}");
}

/// `diagnose`, in every format.
pub fn report(bytes: &[u8]) {
    let options = Options { profiles: profiles().clone(), ..Options::default() };
    let Ok(outcome) = pipeline::analyse(bytes, &options) else { return };
    let analysis = &outcome.result;
    for detail in [Detail::Quiet, Detail::Normal, Detail::Verbose] {
        let mut out = Vec::new();
        let look = TextOptions { detail, ..TextOptions::default() };
        text::write(analysis, "capture", &look, &mut out).expect("memory takes it");
        steers_no_terminal(&out);
    }
    let (mut document, mut line) = (Vec::new(), Vec::new());
    json::document(analysis, "capture", &mut document).expect("memory takes it");
    json::line(analysis, "capture", &mut line).expect("memory takes it");
    steers_no_terminal(&document);
    is_json_lines(&line);
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("it is JSON");
    assert_eq!(read(&document), read(&line));
    for format in [Format::Html { several: true }, Format::Markdown, Format::Sarif, Format::Junit, Format::Csv] {
        let (mut document, mut out) = (report::document(format, "capture"), Vec::new());
        document.begin(&mut out).expect("memory takes it");
        document.capture(analysis, "capture", &mut out).expect("memory takes it");
        document.end(&mut out).expect("memory takes it");
        // Rows for spreadsheets end as RFC 4180 says.
        out.retain(|byte| *byte != b'\r' || format != Format::Csv);
        steers_no_terminal(&out);
    }
    let mut table = Vec::new();
    annotation::table(analysis, &mut table).expect("memory takes it");
    assert!(
        table.split(|byte| *byte == b'\n').skip(1).all(|line| line.is_empty() || line.split(|byte| *byte == b'\t').count() == 8)
    );
}

/// `events`.
pub fn events(bytes: &[u8]) {
    let mut writer = EventWriter::new(Vec::new());
    let mut frame = 0;
    let read = pipeline::events(bytes, &Default::default(), &mut |event, device| {
        frame = frame.max(event.at.frame.number());
        writer.event(event, device.as_ref().map(|device| device as &dyn std::fmt::Display))
    });
    if let Ok(outcome) = read {
        assert!(frame <= outcome.result.0.frames);
    }
    is_json_lines(&writer.finish().expect("memory takes it"));
}

fn profiles() -> &'static Profiles {
    static PROFILES: std::sync::OnceLock<Profiles> = std::sync::OnceLock::new();
    PROFILES.get_or_init(Profiles::builtin)
}
