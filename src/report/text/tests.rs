//! What people read, as it stands.

use super::*;
use crate::report::samples;

fn text(analysis: &Analysis, options: &Options) -> String {
    let mut out = Vec::new();
    write(analysis, "field.pcapng", options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn with(detail: Detail) -> Options {
    Options { detail, ..Options::default() }
}

#[test]
fn the_founding_loop() {
    insta::assert_snapshot!(text(&samples::founding_loop(), &Options::default()));
}

#[test]
fn the_founding_loop_in_full() {
    insta::assert_snapshot!(text(&samples::founding_loop(), &with(Detail::Verbose)));
}

#[test]
fn the_founding_loop_on_a_narrow_terminal() {
    insta::assert_snapshot!(text(&samples::founding_loop(), &Options { width: 60, ..Options::default() }));
}

#[test]
fn a_phone_that_signs_in() {
    insta::assert_snapshot!(text(&samples::healthy(), &Options::default()));
}

#[test]
fn dropped_without_a_known_cause() {
    insta::assert_snapshot!(text(&samples::dropped_without_cause(), &Options::default()));
}

#[test]
fn a_session_that_was_closed_in_the_end_is_told_as_the_last_of_several_attempts() {
    let mut dropped = samples::dropped_without_cause();
    let mut last = dropped.devices[0].attempts[0].clone();
    last.number = 2;
    dropped.devices[0].attempts.push(last);
    assert!(text(&dropped, &Options::default()).contains("DROPPED: attempt 2, the last, ended in TLS"));
}

#[test]
fn an_attempt_more_that_the_capture_cuts_off_is_not_one_of_those_that_fail() {
    let mut looping = samples::founding_loop();
    let device = &mut looping.devices[0];
    let failed = device.attempts.len();
    let mut cut = device.attempts[0].clone();
    (cut.number, cut.drop) = (failed as u32 + 1, None);
    device.attempts.push(cut);
    device.repeats.as_mut().unwrap().attempts = failed as u32;
    let told = text(&looping, &Options::default());
    assert!(told.contains(&format!("LOOPS: {failed} of {} attempts, every 62 s", failed + 1)), "{told}");
}

#[test]
fn several_phones() {
    insta::assert_snapshot!(text(&samples::several_phones(), &Options { several: true, ..Options::default() }));
}

#[test]
fn several_phones_in_a_line_each() {
    insta::assert_snapshot!(text(&samples::several_phones(), &Options { several: true, ..with(Detail::Quiet) }));
}

#[test]
fn nobody_logs_in() {
    insta::assert_snapshot!(text(&samples::nobody(), &Options::default()));
    let empty = Analysis { capture: CaptureSummary { format: "pcap", ..CaptureSummary::default() }, devices: Vec::new() };
    insta::assert_snapshot!("an_empty_capture", text(&empty, &Options::default()));
}

#[test]
fn hostile_text() {
    let text = text(&samples::hostile(), &Options::default());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "nothing may steer the terminal");
    assert!(!text.contains('\u{202e}'));
    insta::assert_snapshot!(text);
}

#[test]
fn colour_changes_no_word() {
    for analysis in [samples::founding_loop(), samples::several_phones(), samples::hostile()] {
        let plain = text(&analysis, &Options::default());
        let coloured = text(&analysis, &Options { colour: true, ..Options::default() });
        assert_ne!(plain, coloured);
        assert_eq!(without_colour(&coloured), plain);
    }
}

/// Takes out what `\x1b[…m` there is.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}

#[test]
fn lines_keep_to_the_width_unless_they_are_to_be_copied() {
    for width in [80, 100, 140] {
        let text = text(&samples::founding_loop(), &Options { width, ..Options::default() });
        let copied = |line: &&str| ["frame.number", "eth.addr", "/certsrv/"].iter().any(|part| line.contains(part));
        for line in text.lines().filter(|line| !copied(line)) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}
