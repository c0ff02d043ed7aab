//! The real program: exit codes, what goes to standard output and what to standard error, and every way of giving it a
//! file that is none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "cli/triage.rs"]
mod triage;

const PROGRAM: &str = env!("CARGO_BIN_EXE_loginloop");

/// A place for this test's files, emptied first.
fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{test}"));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    place
}

fn file(place: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = place.join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(bytes).unwrap();
    path
}

/// Runs the program where nothing of the user's surroundings counts.
fn run_with(input: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not want its input closes it; that is no fault.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn run(arguments: &[&str]) -> Output {
    run_with(b"", arguments)
}

#[track_caller]
fn check(output: &Output, code: i32) -> (String, String) {
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    let err = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
    assert!(!err.contains("panicked"), "{err}");
    (out, err)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A pcap file of Ethernet (or another link type) with these packets, a second apart.
fn pcap(link_type: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link_type] {
        file.extend(word.to_le_bytes());
    }
    for (second, packet) in (1_239_400_863_u32..).zip(packets) {
        let length = packet.len() as u32;
        for word in [second, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// A UDP datagram over IPv4 and Ethernet, without checksums.
fn udp(mac: u8, ports: (u16, u16), addresses: ([u8; 4], [u8; 4]), payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend([0x00, 0x04, 0xf2, 0x1a, 0x2b, mac, 0x08, 0x00]);
    let length = (28 + payload.len()) as u16;
    packet.extend([0x45, 0]);
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 0, 128, 17, 0, 0]);
    packet.extend(addresses.0);
    packet.extend(addresses.1);
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}

/// A DHCPDISCOVER of a Communicator phone.
fn discover(transaction: u8) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 0, 0, 0, transaction];
    message.resize(28, 0);
    message.extend([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 1, 60, 11]);
    message.extend(b"CPE-OCPhone");
    message.extend([55, 4, 1, 3, 6, 15, 255]);
    message.resize(300, 0);
    udp(0x3c, (68, 67), ([0; 4], [255; 4]), &message)
}

/// A phone that asks for an address again and again, and gets none.
fn looping() -> Vec<u8> {
    pcap(1, &(0..40_u8).map(|second| discover(second / 8)).collect::<Vec<_>>())
}

#[test]
fn no_arguments_is_a_usage_error_with_help() {
    let (out, err) = check(&run(&[]), 2);
    assert_eq!(out, "");
    assert!(err.contains("Usage: loginloop") && err.contains("diagnose"), "{err}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [&["--help"][..], &["--version"], &["diagnose", "--help"], &["events", "-h"], &["help", "explain"]] {
        let (out, err) = check(&run(arguments), 0);
        assert!(!out.is_empty() && err.is_empty(), "{arguments:?}: {err}");
    }
}

#[test]
fn only_commands_that_are_there_are_listed() {
    let (out, _) = check(&run(&["--help"]), 0);
    assert!(!out.contains("decrypt"));
    check(&run(&["decrypt"]), 2);
}

#[test]
fn a_file_instead_of_a_command_gets_a_hint() {
    let place = place("hint");
    let capture = file(&place, "field.pcap", &looping());
    let (_, err) = check(&run(&[text(&capture)]), 2);
    assert!(err.contains(&format!("loginloop diagnose {}", text(&capture))), "{err}");
}

#[test]
fn wrong_options_are_usage_errors() {
    for arguments in [
        &["diagnose"][..],
        &["diagnose", "--no-such-option", "x"],
        &["diagnose", "--format", "xml", "x"],
        &["diagnose", "--device", "phone", "x"],
        &["diagnose", "--fail-on", "rain", "x"],
        &["diagnose", "-q", "-v", "x"],
        &["diagnose", "-", "-"],
        &["diagnose", "--profile", "comunicator-phone-edition", "x"],
        &["explain", "no-such-code"],
        &["profiles", "no-such-profile"],
    ] {
        let (out, err) = check(&run(arguments), 2);
        assert!(out.is_empty() && !err.is_empty(), "{arguments:?}");
    }
    let (_, err) = check(&run(&["diagnose", "--profile", "comunicator-phone-edition", "x"]), 2);
    assert!(err.contains("did you mean communicator-phone-edition?"), "{err}");
}

#[test]
fn a_file_that_is_not_there_or_is_a_directory() {
    let place = place("missing");
    let missing = place.join("missing.pcap");
    for command in ["diagnose", "events"] {
        let (out, err) = check(&run(&[command, text(&missing)]), 3);
        assert!(out.is_empty() && err.contains("missing.pcap") && err.contains("no such file"), "{err}");
        let (out, err) = check(&run(&[command, text(&place)]), 3);
        assert!(out.is_empty() && err.contains("directory"), "{err}");
    }
}

#[test]
fn files_that_are_no_captures() {
    let place = place("none");
    let empty = file(&place, "empty.pcap", b"");
    let words = file(&place, "words.txt", b"14:02:11 phone did not log in\n");
    let zipped = file(&place, "field.pcap.zst", b"\x28\xb5\x2f\xfd\0\0\0\0\0\0\x03");
    let archive = file(&place, "field.zip", b"PK\x03\x04\x14\0\0\0\x08\0");
    let noise = file(&place, "noise.bin", &[0xee; 64]);
    for (path, says) in [
        (&empty, "empty"),
        (&words, "text"),
        (&zipped, "the compressed data is cut, before the first packet"),
        (&archive, "a ZIP archive, which is not read as it is; convert it first: unzip IN"),
        (&noise, "not a capture"),
    ] {
        for command in ["diagnose", "events"] {
            let (out, err) = check(&run(&[command, text(path)]), 3);
            assert_eq!(out, "");
            assert!(err.starts_with("loginloop: ") && err.contains(text(path)) && err.contains(says), "{err}");
        }
    }
}

#[test]
fn a_capture_cut_inside_a_packet_is_read_up_to_there() {
    let place = place("cut");
    let whole = looping();
    let capture = file(&place, "cut.pcap", &whole[..whole.len() - 100]);
    let (out, err) = check(&run(&["diagnose", text(&capture)]), 0);
    assert!(out.contains("middle of a packet") || out.contains("cut inside"), "{out}");
    assert_eq!(err, "");
    let (out, err) = check(&run(&["diagnose", "--format", "json", text(&capture)]), 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["capture"]["truncated"], true);
    assert_eq!(document["capture"]["frames"], 39);
    assert!(!document["capture"]["warnings"].as_array().unwrap().is_empty());
    assert!(err.contains("warning") && err.contains("cut.pcap"), "{err}");
    check(&run(&["events", text(&capture)]), 0);
}

#[test]
fn an_unknown_link_type_is_no_failure() {
    let place = place("link");
    let capture = file(&place, "odd.pcap", &pcap(147, &[vec![1, 2, 3, 4], vec![5, 6, 7, 8]]));
    let (out, _) = check(&run(&["diagnose", text(&capture)]), 0);
    assert!(out.contains("No login found") && out.contains("2 frames"), "{out}");
    let (out, _) = check(&run(&["events", text(&capture)]), 0);
    assert_eq!(out, "");
}

#[test]
fn nothing_found_says_what_was_looked_at() {
    let place = place("nothing");
    let media = udp(0x3c, (40_000, 40_002), ([10, 0, 4, 23], [10, 0, 4, 24]), &[0x80; 172]);
    let capture = file(&place, "media.pcap", &pcap(1, &[media.clone(), media]));
    let (out, err) = check(&run(&["diagnose", text(&capture)]), 0);
    assert!(out.contains("No login found") && out.contains("2 frames") && out.contains("Try:"), "{out}");
    assert_eq!(err, "");
    let none = file(&place, "none.pcap", &pcap(1, &[]));
    let (out, _) = check(&run(&["diagnose", text(&none)]), 0);
    assert!(out.contains("no packets"), "{out}");
}

#[test]
fn standard_input_is_a_dash() {
    let (out, _) = check(&run_with(&looping(), &["diagnose", "--format", "json", "-"]), 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["capture"]["path"], "-");
    assert_eq!(document["capture"]["frames"], 40);
    let (_, err) = check(&run_with(b"", &["diagnose", "-"]), 3);
    assert!(err.contains("-: ") && err.contains("empty"), "{err}");
}

/// Ctrl-C, as a terminal sends it, while the capturing program goes on and its pipe stays open.
#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_reading_and_gives_the_verdict_on_what_was_read() {
    let packets: Vec<_> = (0..6000_u32).map(|second| discover((second / 8) as u8)).collect();
    let capture = pcap(1, &packets);
    let mut child = Command::new(PROGRAM)
        .args(["diagnose", "--format", "json", "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // More than a pipe holds: when all but the last packet is written, the program reads.
    pipe.write_all(&capture[..capture.len() - 10]).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let (out, err) = check(&child.wait_with_output().unwrap(), 0);
    drop(pipe);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["capture"]["frames"], 5999);
    assert_eq!(document["capture"]["truncated"], false);
    assert_eq!(document["devices"][0]["verdict"], "loop");
    assert!(document["capture"]["warnings"][0]["text"].as_str().unwrap().contains("stopped after frame 5999"), "{out}");
    assert!(err.contains("reading is stopped"), "{err}");
}

#[test]
fn compressed_captures_say_by_what() {
    let place = place("compressed");
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&looping()).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(&looping()[..], ruzstd::encoding::CompressionLevel::Fastest);
    for (name, bytes) in [("lz4", lz4.finish().unwrap()), ("zstd", zstd)] {
        // The name of a file says nothing.
        let capture = file(&place, "field.pcap", &bytes);
        let (out, _) = check(&run(&["diagnose", "--format", "json", text(&capture)]), 0);
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&document["capture"]["compression"], &document["capture"]["frames"]), (&name.into(), &40.into()));
        let (out, _) = check(&run_with(&bytes, &["diagnose", "--format", "json", "-"]), 0);
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&document["capture"]["compression"], &document["capture"]["frames"]), (&name.into(), &40.into()));
    }
}

#[test]
fn one_bad_file_does_not_cost_the_others_their_report() {
    let place = place("several");
    let good = file(&place, "good.pcap", &looping());
    let bad = file(&place, "bad.pcap", b"");
    let (out, err) = check(&run(&["diagnose", text(&bad), text(&good)]), 3);
    assert!(out.contains("good.pcap") && !out.contains("bad.pcap"), "{out}");
    assert!(err.contains("bad.pcap"), "{err}");
    let (out, _) = check(&run(&["diagnose", "--format", "jsonl", text(&good), text(&bad), text(&good)]), 3);
    assert_eq!(out.lines().count(), 2);
    let (out, err) = check(&run(&["diagnose", "--format", "json", text(&good), text(&good)]), 2);
    assert!(out.is_empty() && err.contains("jsonl"), "{err}");
}

#[test]
fn output_goes_to_a_file_and_never_over_the_capture() {
    let place = place("output");
    let capture = file(&place, "field.pcap", &looping());
    let report = place.join("report.json");
    let (out, err) = check(&run(&["diagnose", "--format", "json", "-o", text(&report), text(&capture)]), 0);
    assert!(out.is_empty() && err.is_empty(), "{out}{err}");
    let document: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(document["schema"], "loginloop/1");
    let (_, err) = check(&run(&["diagnose", "-o", text(&capture), text(&capture)]), 2);
    assert!(err.contains("field.pcap"), "{err}");
    assert_eq!(std::fs::metadata(&capture).unwrap().len(), looping().len() as u64);
    let nowhere = place.join("no-such-directory/report.json");
    let (_, err) = check(&run(&["diagnose", "-o", text(&nowhere), text(&capture)]), 3);
    assert!(err.contains("no-such-directory"), "{err}");
}

#[test]
fn fail_on_says_what_was_found_by_the_exit_code() {
    let place = place("fail-on");
    let capture = file(&place, "field.pcap", &looping());
    check(&run(&["diagnose", text(&capture)]), 0);
    let (out, _) = check(&run(&["diagnose", "--format", "json", text(&capture)]), 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["devices"][0]["verdict"], "loop", "{out}");
    check(&run(&["diagnose", "--fail-on", "loop", text(&capture)]), 1);
    check(&run(&["diagnose", "--fail-on", "dropped", text(&capture)]), 1);
    let quiet = file(&place, "quiet.pcap", &pcap(1, &[]));
    check(&run(&["diagnose", "--fail-on", "dropped", text(&quiet)]), 0);
    let empty = file(&place, "empty.pcap", b"");
    check(&run(&["diagnose", "--fail-on", "loop", text(&capture), text(&empty)]), 3);
}

#[test]
fn a_device_that_is_not_there_gets_the_list_of_those_that_are() {
    let place = place("device");
    let capture = file(&place, "field.pcap", &looping());
    let (_, err) = check(&run(&["diagnose", "--device", "00:11:22:33:44:55", text(&capture)]), 0);
    assert!(err.contains("no traffic of 00:11:22:33:44:55") && err.contains("00:04:f2:1a:2b:3c"), "{err}");
    let (out, err) = check(&run(&["diagnose", "--device", "0004f21a2b3c", text(&capture)]), 0);
    assert!(out.contains("00:04:f2:1a:2b:3c") && err.is_empty(), "{out}{err}");
}

#[test]
fn events_are_json_lines_in_frame_order() {
    let place = place("events");
    let capture = file(&place, "field.pcap", &looping());
    let (out, err) = check(&run(&["events", text(&capture)]), 0);
    assert_eq!(err, "");
    let events: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 40);
    for (frame, event) in (1_u64..).zip(&events) {
        assert_eq!(event["frame"], frame);
        assert_eq!(event["protocol"], "dhcp");
        assert_eq!(event["event"], "discover");
        assert_eq!(event["device"], "00:04:f2:1a:2b:3c");
        assert_eq!(event["src"], "0.0.0.0:68");
        assert_eq!(event["dhcp.option.vendor_class_id"], "CPE-OCPhone");
    }
    let (out, _) = check(&run(&["events", "--device", "10.9.9.9", text(&capture)]), 0);
    assert_eq!(out, "");
}

#[test]
fn colour_is_only_where_it_was_asked_for() {
    let place = place("colour");
    let capture = file(&place, "field.pcap", &looping());
    let (plain, _) = check(&run(&["diagnose", text(&capture)]), 0);
    assert!(!plain.contains('\u{1b}'));
    let (coloured, _) = check(&run(&["diagnose", "--color", "always", text(&capture)]), 0);
    assert!(coloured.contains('\u{1b}'));
    let (never, _) = check(&run(&["diagnose", "--color", "never", text(&capture)]), 0);
    assert_eq!(plain, never);
}

#[test]
#[cfg(unix)]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = place("pipe");
    let capture = file(&place, "field.pcap", &pcap(1, &(0..5000).map(|_| discover(1)).collect::<Vec<_>>()));
    for arguments in [&["events", text(&capture)][..], &["explain"], &["diagnose", "-v", text(&capture)]] {
        let mut child = Command::new(PROGRAM).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let (out, err) = check(&child.wait_with_output().unwrap(), 0);
        assert!(out.is_empty() && err.is_empty(), "{err}");
    }
}

#[test]
fn a_code_is_found_however_it_is_spelled_and_by_what_it_is_about() {
    let (right, _) = check(&run(&["explain", "cert-unsupported-signature"]), 0);
    let (out, _) = check(&run(&["explain", "CERT_Unsupported-Signature"]), 0);
    assert_eq!(out, right);
    let (_, err) = check(&run(&["explain", "Kerberos"]), 2);
    assert!(err.contains("kerberos-"), "{err}");
    let (_, err) = check(&run(&["explain", "SHA-1"]), 2);
    assert!(err.contains("cert-unsupported-signature"), "{err}");
    let (_, err) = check(&run(&["profiles", "CX700"]), 2);
    assert!(err.contains("communicator-phone-edition"), "a model leads to its family: {err}");
}

#[test]
fn every_command_that_judges_takes_the_same_family_and_device() {
    let place = place("judging");
    let capture = file(&place, "field.pcap", &looping());
    let capture = text(&capture);
    let out = place.join("out.pcapng");
    let family = ["--profile", "snom", "--device", "00:04:f2:1a:2b:3c"];
    for command in [&["diagnose", capture][..], &["compare", capture, capture]] {
        let (told, _) = check(&run(&[command, &family].concat()), 0);
        assert!(told.contains("snom"), "{command:?}: {told}");
    }
    for command in ["annotate", "extract", "prove"] {
        let arguments = [&[command, capture, "-o", text(&out), "-q"][..], &family].concat();
        let (told, err) = check(&run(&arguments), 0);
        assert!(told.is_empty() && err.is_empty(), "{command} is quiet: {told}{err}");
        let (_, err) = check(&run(&[command, capture, "-o", text(&out), "--profile", "snm"]), 2);
        assert!(err.contains("did you mean snom?"), "{command}: {err}");
        let (_, err) = check(&run(&[command, capture, "-o", text(&out), "--device", "phone"]), 2);
        assert!(err.contains("--device"), "{command}: {err}");
    }
}

#[test]
fn explanations_and_profiles() {
    let (out, _) = check(&run(&["explain"]), 0);
    assert!(out.contains("capture-one-sided"), "{out}");
    let (out, _) = check(&run(&["explain", "capture-lossy"]), 0);
    assert!(out.contains("acknowledged"), "{out}");
    let (_, err) = check(&run(&["explain", "capture-losy"]), 2);
    assert!(err.contains("did you mean capture-lossy?"), "{err}");
    for format in ["json", "markdown"] {
        let (out, _) = check(&run(&["explain", "--format", format]), 0);
        assert!(out.contains("capture-truncated"), "{out}");
    }
    let (out, _) = check(&run(&["profiles"]), 0);
    assert!(out.contains("communicator-phone-edition"), "{out}");
    let (out, _) = check(&run(&["profiles", "communicator-phone-edition", "--format", "json"]), 0);
    let profile: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(profile["trust"]["hashes"]["value"], serde_json::json!(["MD2", "MD5", "SHA-1"]));
}

#[test]
fn profiles_of_the_user() {
    let place = place("profiles");
    let (_, err) = check(&run(&["profiles", "--profiles-dir", text(&place)]), 3);
    assert!(err.contains("no profile"), "{err}");
    file(&place, "broken.toml", b"name = \"lobby-phone\"\nno_such_field = 1\n");
    let (out, err) = check(&run(&["profiles", "--profiles-dir", text(&place)]), 3);
    assert!(out.is_empty() && err.contains("broken.toml:"), "{err}");
}

/// The phones of a site that no profile of the program fits.
const LOBBY: &str = r#"
name = "lobby-phone"
title = "Lobby phone"
about = "The phones in the lobby."
order = ["address", "provision", "register"]
registrar_names = []
registrar_ports = [5060]

[trust.hashes]
value = ["SHA-1"]
certainty = 0.8
source = "tried out"

[[mark]]
kind = "oui"
value = ["00:22:ee"]
weight = 3
"#;

#[test]
fn a_profile_of_the_users_is_shown_and_recognises_its_devices() {
    let place = place("own-profiles");
    let own = file(&place, "lobby.toml", LOBBY.as_bytes());
    for at in [&place, &own] {
        let (out, _) = check(&run(&["profiles", "lobby-phone", "--profiles-dir", text(at)]), 0);
        assert!(
            out.contains("signatures made with SHA-1 (80 % sure)") && out.contains("hashes that it verifies: tried out"),
            "{out}"
        );
    }
    let phone = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/sip-udp-generic-healthy/capture.pcapng");
    let (out, _) = check(&run(&["diagnose", "--format", "json", "--profiles-dir", text(&place), phone]), 0);
    let result: serde_json::Value = serde_json::from_str(&out).unwrap();
    let profiles = result["devices"].as_array().unwrap().iter().map(|device| device["profile"].as_str());
    assert!(profiles.flatten().any(|profile| profile == "lobby-phone"), "{out}");
    // The same name again: which of the two is meant?
    file(&place, "other.toml", LOBBY.as_bytes());
    let (_, err) = check(&run(&["profiles", "--profiles-dir", text(&place)]), 3);
    assert!(
        err.contains("other.toml:2:8: the name \"lobby-phone\" is that of the profile in") && err.contains("lobby.toml"),
        "{err}"
    );
}

#[test]
fn a_profile_that_cannot_be_read_says_so() {
    let place = place("unreadable-profiles");
    let latin = file(&place, "latin.toml", b"name = \"b\xfcro\"\n");
    let (_, err) = check(&run(&["profiles", "--profiles-dir", text(&latin)]), 3);
    assert!(err.contains("latin.toml: this profile cannot be read"), "{err}");
    let (_, err) = check(&run(&["profiles", "--profiles-dir", text(&place.join("nowhere"))]), 3);
    assert!(err.contains("nowhere"), "{err}");
}

/// A capture of the repository whose login only its key log explains, and that key log.
fn encrypted() -> (String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/opened-version-blocked");
    (text(&folder.join("capture.pcapng")).to_owned(), text(&folder.join("keys.log")).to_owned())
}

#[test]
fn a_key_log_opens_what_each_command_reads() {
    let place = place("keylog");
    let (capture, keys) = encrypted();
    let given = |arguments: &[&str]| check(&run(&[arguments, &["--keylog", &keys]].concat()), 0);
    let (out, _) = given(&["diagnose", &capture]);
    assert!(out.contains("sip-client-version-blocked"), "{out}");
    let (out, err) = given(&["events", &capture]);
    assert!(out.contains("\"sip.Status-Code\":403") && err.is_empty(), "{err}");
    let told = place.join("told.pcapng");
    given(&["annotate", &capture, "-o", text(&told)]);
    let table = std::fs::read_to_string(place.join("told.pcapng.loginloop.tsv")).unwrap();
    assert!(table.contains("sip-client-version-blocked"), "{table}");
    let (_, err) = given(&["extract", &capture, "-o", text(&place.join("login.pcapng"))]);
    assert!(!err.contains("another verdict"), "{err}");
    let (out, _) = given(&["compare", &capture, &capture]);
    assert!(!out.is_empty());
    for (out, arguments) in [("with", &["--keylog", &keys][..]), ("without", &[]), ("with", &["--keylog", &keys])] {
        let out = place.join(out);
        check(&run(&[&["triage", &capture, "--out", text(&out)], arguments].concat()), 0);
        let rows = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
        assert_eq!(rows.contains("sip-client-version-blocked"), out.ends_with("with"), "{rows}");
    }
    // The same folder, first without and then with secrets: what was remembered does not hold any more.
    check(&run(&["triage", &capture, "--out", text(&place.join("without")), "--keylog", &keys]), 0);
    assert!(std::fs::read_to_string(place.join("without/results.jsonl")).unwrap().contains("sip-client-version-blocked"));
}

#[test]
fn a_key_log_that_cannot_be_read_is_a_fault_and_a_line_of_it_is_none() {
    let place = place("keylog-faults");
    let (capture, keys) = encrypted();
    let (out, err) = check(&run(&["diagnose", &capture, "--keylog", text(&place.join("nothing"))]), 3);
    assert!(out.is_empty() && err.contains("nothing: this key log cannot be read"), "{err}");
    let mut lines = std::fs::read_to_string(&keys).unwrap();
    lines.push_str("CLIENT_RANDOM 00 11\n");
    let number = lines.lines().count();
    let odd = file(&place, "odd.log", lines.as_bytes());
    let (out, err) = check(&run(&["diagnose", &capture, "--keylog", text(&odd)]), 0);
    assert!(out.contains("sip-client-version-blocked"), "{out}");
    assert!(err.contains(&format!("odd.log: warning: line {number} is passed over: the random bytes")), "{err}");
    let empty = file(&place, "empty.log", b"# nothing\n");
    let (_, err) = check(&run(&["diagnose", &capture, "--keylog", text(&empty)]), 0);
    assert!(err.contains("empty.log: warning: no secret of a TLS connection is in it"), "{err}");
}

#[test]
fn secrets_that_are_missing_or_do_not_fit_are_told_and_none_is_printed() {
    let place = place("keylog-wrong");
    let (capture, keys) = encrypted();
    let right = std::fs::read_to_string(&keys).unwrap();
    let lines: Vec<&str> = right.lines().filter(|line| line.starts_with("CLIENT_RANDOM")).collect();
    let secret = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let swapped = lines[0].replace(&secret(lines[0]), &secret(lines[1]));
    let wrong = file(&place, "wrong.log", format!("{swapped}\n{}\n", lines[1]).as_bytes());
    let (out, err) = check(&run(&["diagnose", "-v", &capture, "--keylog", text(&wrong)]), 0);
    let note = "the key log holds no secrets for 2 of 4 encrypted connections; the secrets of the key log do not fit 1 of 4";
    let flat: String = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(note) && flat.contains("capture-encrypted"), "{out}");
    for line in lines {
        assert!(!out.contains(&secret(line)) && !err.contains(&secret(line)));
    }
}

#[test]
fn a_copy_to_share_holds_no_secrets_and_says_so() {
    let place = place("keylog-shared");
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/opened-not-admitted/capture.pcapng");
    let whole = place.join("whole.pcapng");
    let shared = place.join("shared.pcapng");
    check(&run(&["extract", text(&capture), "-o", text(&whole)]), 0);
    let (_, err) = check(&run(&["extract", "--anonymise", text(&capture), "-o", text(&shared)]), 0);
    assert!(err.contains("left out: the secrets of TLS"), "{err}");
    #[expect(clippy::disallowed_methods, reason = "a test reads what the program wrote")]
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(14).any(|window| window == b"TRAFFIC_SECRET")
    };
    assert!(holds(&whole) && !holds(&shared));
}
