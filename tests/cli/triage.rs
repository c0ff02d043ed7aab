//! `triage`: a batch of captures, as a user, a power cut and a cluster meet it.
#![allow(clippy::disallowed_methods, reason = "a test makes, reads and times files")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{PROGRAM, check, discover, file, looping, pcap, place, run, run_with, text, udp};

/// What a run leaves, but for its memory: the name of each file, and its bytes.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.ends_with(".triage") {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The rows of a run, by the capture's path.
fn rows(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// Rows of a table, by the names of its columns.
fn table(folder: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// Phones with so many packets each, of which none gets an address.
fn phones(place: &Path, count: u8) -> PathBuf {
    let folder = place.join("in");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..count {
        let packets: Vec<Vec<u8>> = (0..40 + number % 7).map(|second| discover(second / 8 + number)).collect();
        file(&folder, &format!("{number:03}"), &pcap(1, &packets));
    }
    folder
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, body) in members {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        block[148..156].fill(b' ');
        block[156] = b'0';
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(block);
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_labelled_captures_are_grouped_by_their_cause() {
    let place = place("triage-labelled");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let out = place.join("out");
    let (said, _) = check(&run(&["triage", text(&captures), "--out", text(&out)]), 0);
    assert!(said.contains("What failed alike") && said.contains("What frees most devices"), "{said}");

    // The cause that each device's fingerprint stands for is that of its label.
    let mut causes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut of_case: BTreeMap<String, String> = BTreeMap::new();
    let mut failed = 0;
    for row in table(&out, "logins.csv") {
        let case = Path::new(&row["capture"]).parent().unwrap().to_owned();
        let facts: toml::Table = std::fs::read_to_string(case.join("expect.toml")).unwrap().parse().unwrap();
        let is_it = |device: &&toml::Value| {
            [&row["mac"], &row["ips"]].iter().any(|known| {
                let names = [device.get("mac"), device.get("ip")];
                names.into_iter().flatten().any(|name| known.split(' ').any(|one| name.as_str() == Some(one)))
            })
        };
        let Some(device) = facts["device"].as_array().unwrap().iter().find(is_it) else { continue };
        assert_eq!(Some(row["verdict"].as_str()), device["verdict"].as_str(), "{case:?}");
        if !["loop", "dropped"].contains(&row["verdict"].as_str()) {
            assert_eq!(row["fingerprint"], "", "{case:?}");
            continue;
        }
        failed += 1;
        let label = device.get("primary").and_then(toml::Value::as_str).unwrap_or("unexplained");
        causes.entry(row["fingerprint"].clone()).or_default().insert(label.to_owned());
        of_case.insert(case.file_name().unwrap().to_str().unwrap().to_owned(), row["fingerprint"].clone());
    }
    assert!(failed > 100, "{failed} failed logins");
    let mixed: Vec<_> = causes.iter().filter(|(_, labels)| labels.len() > 1).collect();
    assert!(mixed.is_empty(), "{mixed:#?}");

    // The same failure in other conditions of the field is the same.
    for noisy in [
        "loop-vlan-tags",
        "loop-any-interface",
        "loop-mirrored-twice",
        "loop-reordered",
        "loop-gzip",
        "loop-nanosecond-big-endian",
        "device-behind-router",
        "device-behind-nat",
        "start-mid-login",
        "dropped-once",
    ] {
        assert_eq!(of_case[noisy], of_case["founding-loop-fin"], "{noisy}");
    }
    // Another hash or option needs another remedy.
    assert_ne!(of_case["dhcp-missing-router"], of_case["dhcp-missing-dns"]);
    assert_ne!(of_case["rsa4096-only"], of_case["sha256-only"]);

    // A line is that of `diagnose`.
    let capture = captures.join("founding-loop-rst/capture.pcapng");
    let (line, _) = check(&run(&["diagnose", "--format", "jsonl", text(&capture)]), 0);
    let lines = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    assert!(lines.contains(&line));
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    let links: Vec<&str> = page.split("href=\"captures/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 150, "{}", links.len());
    for link in links {
        let (name, id) = link.split_once('#').unwrap();
        let told = std::fs::read_to_string(out.join("captures").join(name)).unwrap();
        assert_eq!(told.matches(&format!("id=\"{id}\"")).count(), 1, "{link}");
    }
}

/// A Zstandard frame of raw blocks with a window of 8 MiB (RFC 8878 section 3.1.1).
fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
    let blocks: Vec<&[u8]> = bytes.chunks(128 << 10).collect();
    for (number, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(number + 1 == blocks.len());
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(*block);
    }
    frame
}

#[test]
fn an_archive_whose_window_is_larger_than_what_is_looked_at_is_one_all_the_same() {
    let place = place("triage-window");
    let folder = place.join("in");
    std::fs::create_dir_all(&folder).unwrap();
    let long = vec![b'x'; 3 << 20];
    file(&folder, "a.tar.zst", &zstandard(&tar(&[("read.me", &long), ("1.pcap", &pcap(1, &[discover(1)]))])));
    let out = place.join("out");
    check(&run(&["triage", text(&folder), "--out", text(&out)]), 0);
    let names: Vec<String> = rows(&out).iter().map(|row| row["capture"]["path"].as_str().unwrap().to_owned()).collect();
    assert!(matches!(names.as_slice(), [name] if name.ends_with("a.tar.zst/1.pcap")), "{names:?}");
}

#[test]
fn captures_are_found_by_what_they_hold_also_in_archives() {
    let place = place("triage-found");
    let folder = place.join("in/deep");
    std::fs::create_dir_all(&folder).unwrap();
    let capture = looping();
    let other = pcap(1, &[discover(1)]);
    file(&folder, "report.doc", &capture);
    file(&folder, "notes", b"This is a text.\n");
    file(&folder, "empty", b"");
    file(&folder, "a.gz", &gzip(&other));
    file(&folder, "logs.gz", &gzip(b"Only a log, and not a short one.\n"));
    file(
        &folder,
        "b.tgz",
        &gzip(&tar(&[("x/1.pcap", &pcap(1, &[discover(2)])), ("read.me", b"text"), ("x/2.gz", &gzip(&pcap(1, &[discover(3)])))])),
    );
    let out = place.join("out");
    let (said, _) = check(&run(&["triage", text(&place.join("in")), "--out", text(&out)]), 0);
    let names: Vec<String> = rows(&out)
        .iter()
        .map(|row| row["capture"]["path"].as_str().unwrap().split("in/deep/").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a.gz", "b.tgz/x/1.pcap", "b.tgz/x/2.gz", "report.doc"]);
    assert!(said.contains("4 captures, 43 frames; 3 files that are no captures"), "{said}");
}

#[test]
fn a_bad_file_gets_a_row_and_does_not_stop_the_others() {
    let place = place("triage-bad");
    let good = file(&place, "good", &looping());
    let named = file(&place, "named.txt", b"named, but a text\n");
    let cut = file(&place, "cut", &looping()[..10]);
    let missing = place.join("missing");
    let list = file(&place, "list", format!("{}\n{}\r\n", text(&good), text(&cut)).as_bytes());
    let out = place.join("out");
    let arguments = ["triage", text(&named), text(&missing), "--files-from", text(&list), "--out", text(&out), "-q"];
    let (said, _) = check(&run(&arguments), 3);
    assert!(
        said.contains("Not read") && said.contains("missing: there is no such file") && said.contains("this is text"),
        "{said}"
    );
    let rows = rows(&out);
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let path = row["capture"]["path"].as_str().unwrap();
        assert_eq!(row["error"].is_string(), path != text(&good), "{row}");
        assert_eq!(row["devices"].is_array(), path == text(&good), "{row}");
    }
    assert_eq!((&manifest(&out)["captures"], &manifest(&out)["unread"]), (&1.into(), &3.into()));
    let unread = table(&out, "captures.csv").into_iter().filter(|row| row["status"] == "unread");
    assert_eq!(unread.filter(|row| !row["error"].is_empty()).count(), 3);
}

/// What lies around in a folder to which many have written for years.
#[cfg(unix)]
#[test]
fn whatever_lies_in_a_folder_gets_one_row_and_nothing_is_lost() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::{fs::symlink, net::UnixListener};

    let place = place("triage-hostile");
    let folder = place.join("in");
    std::fs::create_dir_all(folder.join("directory.pcap")).unwrap();
    std::fs::create_dir(place.join("elsewhere")).unwrap();
    let names: [&[u8]; 8] = [
        b"-q.pcap",
        b"two\nlines.pcap",
        b"escape\x1b[2J.pcap",
        b"<script>alert(1).pcap",
        b"quotes \" ' `.pcap",
        b"no utf-8 \xff\xfe.pcap",
        b"directory.pcap/inside",
        b"=1+1,\xe2\x80\xae.pcap",
    ];
    for (number, name) in (1..).zip(names) {
        std::fs::write(folder.join(OsStr::from_bytes(name)), pcap(1, &[discover(number)])).unwrap();
    }
    file(&folder, "login.pcap", &looping());
    file(&folder, "login again.pcap", &looping());
    // Not one of these can be read, and each says why.
    file(&folder, "empty.pcap", b"");
    file(&folder, "text.pcapng.gz", &gzip(b"Only a text, whatever its name says.\n"));
    file(&folder, "cut", &looping()[..10]);
    file(&folder, "cut.zip", b"PK\x03\x04 and nothing behind it");
    file(&folder, "cut.pcap.gz", &gzip(&looping())[..12]);
    std::fs::File::create(folder.join("huge.pcap")).unwrap().set_len(1 << 33).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("pipe.pcap")).status().unwrap().success());
    let socket = UnixListener::bind(folder.join("socket.pcap"));
    symlink("nowhere", folder.join("dangling.pcap")).unwrap();
    symlink("circle.pcap", folder.join("circle.pcap")).unwrap();
    symlink(place.join("elsewhere"), folder.join("another directory")).unwrap();
    // These do not say that they are captures.
    file(&folder, "notes.txt", b"text");
    symlink(".", folder.join("itself")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();

    let out = place.join("out");
    let (said, err) = check(&run(&["triage", text(&folder), "--out", text(&out), "--jobs", "2"]), 3);
    drop(socket);
    assert_eq!(err, "");
    assert!(said.contains("9 captures, 48 frames; 1 duplicate; 1 file that is no capture; 11 files could not be read"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");

    let mut status: BTreeMap<String, String> = BTreeMap::new();
    for row in table(&out, "captures.csv") {
        let name = row["capture"].split("/in/").nth(1).unwrap().to_owned();
        assert_eq!(row["status"] == "unread", !row["error"].is_empty(), "{row:?}");
        assert!(status.insert(name, row["status"].clone()).is_none(), "a second row: {row:?}");
    }
    let of =
        |wanted: &str| status.iter().filter(|(_, status)| *status == wanted).map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let unread = [
        "another directory",
        "circle.pcap",
        "cut",
        "cut.pcap.gz",
        "cut.zip",
        "dangling.pcap",
        "empty.pcap",
        "huge.pcap",
        "pipe.pcap",
        "socket.pcap",
        "text.pcapng.gz",
    ];
    assert_eq!(of("unread"), unread);
    assert_eq!(of("duplicate"), ["login.pcap"]);
    assert_eq!(of("read").len(), names.len() + 1);
    assert!(status.contains_key("no utf-8 \u{fffd}\u{fffd}.pcap") && status.contains_key(r"two\u{a}lines.pcap"), "{status:?}");

    let paths: BTreeSet<String> =
        rows(&out).iter().map(|row| row["capture"]["path"].as_str().unwrap().split("/in/").nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths.len(), status.len());
    assert!(paths.contains("two\nlines.pcap") && paths.contains("escape\u{1b}[2J.pcap"), "programs get names as they are");
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(page.contains("&lt;script&gt;alert(1).pcap"));
    for name in unread {
        assert!(page.contains(&format!("/in/{name}</th>")), "{name}");
    }
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
}

#[test]
fn a_large_capture_is_read_piece_by_piece_and_told_alike() {
    let place = place("triage-large");
    let folder = place.join("in");
    std::fs::create_dir(&folder).unwrap();
    let packets: Vec<Vec<u8>> = (0..4_000_u32).map(|second| discover((second / 8) as u8)).collect();
    let large = file(&folder, "large", &pcap(1, &packets));
    assert!(std::fs::metadata(&large).unwrap().len() > 1 << 20);
    file(&folder, "copy", &pcap(1, &packets));
    file(&folder, "in.tgz", &gzip(&tar(&[("large", &pcap(1, &packets))])));
    let out = place.join("out");
    check(&run(&["triage", text(&folder), "--out", text(&out)]), 0);
    let (line, _) = check(&run(&["diagnose", "--format", "jsonl", text(&folder.join("copy"))]), 0);
    assert!(std::fs::read_to_string(out.join("results.jsonl")).unwrap().starts_with(&line));
    assert_eq!((&manifest(&out)["captures"], &manifest(&out)["duplicates"]), (&1.into(), &2.into()));
}

#[test]
fn a_large_compressed_capture_is_told_like_the_plain_one() {
    let place = place("triage-packed");
    let folder = place.join("in");
    std::fs::create_dir(&folder).unwrap();
    // Nothing makes noise much smaller.
    let mut word = 1_u32;
    let mut noise = || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (word >> 24) as u8
    };
    let mut packets: Vec<Vec<u8>> = (0..40_u8).map(|second| discover(second / 8)).collect();
    packets.extend((0..1_500).map(|_| {
        let payload: Vec<u8> = (0..1_000).map(|_| noise()).collect();
        udp(0x77, (40_000, 40_002), ([10, 9, 8, 7], [10, 9, 8, 6]), &payload)
    }));
    let plain = pcap(1, &packets);
    let packed = gzip(&plain);
    assert!(packed.len() > 1 << 20);
    file(&folder, "cut.pcap.gz", &packed[..packed.len() / 2]);
    file(&folder, "plain.pcap", &plain);
    let packed = file(&folder, "whole.pcap.gz", &packed);
    let out = place.join("out");
    check(&run(&["triage", text(&folder), "--out", text(&out), "--jobs", "2"]), 0);
    let rows = rows(&out);
    let [cut, told, unpacked] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&unpacked["devices"], &unpacked["capture"]["bytes"]), (&told["devices"], &told["capture"]["bytes"]));
    assert_eq!(unpacked["capture"]["compression"], "gzip");
    assert_eq!((&cut["devices"][0]["verdict"], &cut["capture"]["truncated"]), (&told["devices"][0]["verdict"], &true.into()));
    // `diagnose` unpacks it alike, from a file and from a pipe.
    let lines = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    let (line, _) = check(&run(&["diagnose", "--format", "jsonl", text(&packed)]), 0);
    assert!(lines.ends_with(&line));
    let piped = run_with(&std::fs::read(&packed).unwrap(), &["diagnose", "--format", "jsonl", "-"]);
    assert_eq!(check(&piped, 0).0.replace("\"path\":\"-\"", &format!("\"path\":\"{}\"", text(&packed))), line);
}

#[test]
fn a_file_that_takes_too_long_is_left() {
    let place = place("triage-late");
    let folder = phones(&place, 3);
    let out = place.join("out");
    let (said, _) = check(&run(&["triage", text(&folder), "--out", text(&out), "--time-limit", "0"]), 3);
    assert!(said.contains("it takes longer than 0 s and was left"), "{said}");
    assert_eq!(rows(&out).iter().filter(|row| row["error"].is_string()).count(), 3);
    // What failed is tried again.
    check(&run(&["triage", text(&folder), "--out", text(&out)]), 0);
    assert_eq!(manifest(&out)["captures"], 3);
}

#[test]
fn the_same_content_has_a_row_each_and_counts_once() {
    let place = place("triage-twice");
    let folder = place.join("in");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["b", "a", "c"] {
        file(&folder, name, &looping());
    }
    file(&folder, "archive", &tar(&[("d", &looping())]));
    let out = place.join("out");
    check(&run(&["triage", text(&folder), "--out", text(&out), "--jobs", "3"]), 0);
    let rows = rows(&out);
    let first = folder.join("a");
    assert_eq!(rows.iter().filter(|row| row["devices"].is_array()).count(), 1);
    assert_eq!(rows.iter().filter(|row| row["duplicate_of"] == text(&first)).count(), 3);
    assert_eq!((&manifest(&out)["captures"], &manifest(&out)["duplicates"]), (&1.into(), &3.into()));
    assert_eq!(table(&out, "logins.csv").len(), 1);
}

#[test]
fn the_results_are_the_same_whatever_the_threads_and_the_order() {
    let place = place("triage-order");
    let folder = phones(&place, 20);
    let (one, four) = (place.join("one"), place.join("four"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut arguments: Vec<&str> = paths.iter().map(|path| text(path)).collect();
    arguments.splice(0..0, ["triage", "--jobs", "1", "--out", text(&one)]);
    let (said, _) = check(&run(&arguments), 0);
    arguments[5..].reverse();
    (arguments[2], arguments[4]) = ("4", text(&four));
    let (again, _) = check(&run(&arguments), 0);
    assert_eq!(said.replace("/one", "/four"), again);
    assert!(results(&one) == results(&four));
    assert!(!results(&one).keys().any(|name| name.ends_with(".part")));
}

#[test]
fn every_file_below_a_path_is_found_once_by_one_thread_or_several() {
    let place = place("triage-listed");
    let folder = place.join("in");
    // More than one thread lists at a time, and more directories than it keeps open.
    let mut names: Vec<String> = (0..40).map(|number| format!("{number:02}/inner/file")).collect();
    names.extend((0..3_000).map(|number| format!("many/{number:04}")));
    for name in &names {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, []).unwrap();
    }
    let listed = |jobs: &str| {
        let (named, out) = (folder.join("many/0007"), place.join(jobs));
        check(&run(&["triage", text(&folder), text(&named), "--out", text(&out), "--plan", "1", "--jobs", jobs]), 0);
        std::fs::read_to_string(out.join("share-1-of-1.txt")).unwrap()
    };
    names.sort();
    let expected: String = names.iter().map(|name| format!("{}\n", text(&folder.join(name)))).collect();
    for jobs in ["1", "2", "7"] {
        assert!(listed(jobs) == expected, "{jobs} jobs");
    }
}

#[test]
fn what_was_read_before_is_not_read_again() {
    let place = place("triage-again");
    let folder = phones(&place, 5);
    // What was changed just now may be changed again.
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(60);
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(long_ago).unwrap();
    }
    let out = place.join("out");
    let arguments = ["triage", text(&folder), "--out", text(&out)];
    check(&run(&arguments), 0);
    let (before, journal) = (results(&out), std::fs::metadata(out.join(".triage/journal")).unwrap().len());
    // Other bytes, with size and time of the old ones: they are not looked at.
    let changed = folder.join("003");
    let length = std::fs::metadata(&changed).unwrap().len() as usize;
    std::fs::write(&changed, vec![0; length]).unwrap();
    std::fs::File::options().write(true).open(&changed).unwrap().set_modified(long_ago).unwrap();
    check(&run(&arguments), 0);
    assert!(results(&out) == before);
    assert_eq!(std::fs::metadata(out.join(".triage/journal")).unwrap().len(), journal);
    // A file that was only moved is known by its content.
    std::fs::rename(folder.join("001"), folder.join("moved")).unwrap();
    check(&run(&arguments), 0);
    let grown = std::fs::metadata(out.join(".triage/journal")).unwrap().len() - journal;
    assert!(grown < 1000, "{grown} bytes: the path, and not the capture");
    assert_eq!(manifest(&out)["captures"], 5);
    // Another profile is another question.
    let (_, _) = check(&run(&["triage", text(&folder), "--out", text(&out), "--profile", "snom"]), 0);
    assert!(table(&out, "logins.csv").iter().all(|row| row["profile"] == "snom"));
}

/// Ends a process as a power cut does.
fn killed_after(arguments: &[&str], wait: Duration) -> bool {
    let mut child = Command::new(PROGRAM).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(wait);
    let was_running = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    let _ = child.wait();
    was_running
}

/// So many hundredths of a time.
fn at_random(count: usize) -> Vec<u32> {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let next = |last: &u32| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), next).skip(1).map(|number| (number >> 16) % 105).take(count).collect()
}

#[test]
fn a_batch_that_was_killed_at_any_moment_goes_on_to_the_same_results() {
    let place = place("triage-killed");
    let folder = phones(&place, 60);
    let (whole, out) = (place.join("whole"), place.join("out"));
    let begin = std::time::Instant::now();
    check(&run(&["triage", text(&folder), "--out", text(&whole)]), 0);
    let length = begin.elapsed();
    let wanted = results(&whole);
    let mut killed = 0;
    // At six moments; at as many as are wanted, and others in each run, where that is said.
    let moments = std::env::var("LOGINLOOP_KILLS").ok().and_then(|count| count.parse().ok()).map(at_random);
    for part in moments.unwrap_or_else(|| vec![10, 30, 50, 70, 90, 100]) {
        let _ = std::fs::remove_dir_all(&out);
        // Once more after it was killed, so that what goes on is killed, too.
        killed += u32::from(killed_after(&["triage", text(&folder), "--out", text(&out)], length * part / 100));
        if out.join("manifest.json").is_file() {
            let is_whole = manifest(&out)["whole"] == true;
            assert!(!is_whole || results(&out) == wanted, "it says that it is whole, and is not");
        }
        killed_after(&["triage", text(&folder), "--out", text(&out)], length * part / 200);
        check(&run(&["triage", text(&folder), "--out", text(&out)]), 0);
        assert!(results(&out) == wanted, "killed after {part} hundredths");
    }
    assert!(killed > 0, "it was always too late");
}

#[test]
fn a_journal_that_a_power_cut_has_damaged_costs_what_was_damaged() {
    let place = place("triage-damaged");
    let folder = phones(&place, 8);
    let out = place.join("out");
    let arguments = ["triage", text(&folder), "--out", text(&out)];
    check(&run(&arguments), 0);
    let wanted = results(&out);
    let journal = out.join(".triage/journal");
    let bytes = std::fs::read(&journal).unwrap();
    for cut in [0, 10, bytes.len() / 3, bytes.len() - 1] {
        std::fs::write(&journal, &bytes[..cut]).unwrap();
        check(&run(&arguments), 0);
        assert!(results(&out) == wanted, "cut at {cut}");
    }
    let mut holed = bytes.clone();
    holed[bytes.len() / 2..bytes.len() / 2 + 100].fill(0);
    std::fs::write(&journal, holed).unwrap();
    check(&run(&arguments), 0);
    assert!(results(&out) == wanted);
}

#[test]
fn a_folder_that_holds_other_things_is_left_alone() {
    let place = place("triage-foreign");
    let folder = phones(&place, 1);
    let out = place.join("out");
    std::fs::create_dir(&out).unwrap();
    file(&out, "thesis.txt", b"four years");
    let (_, err) = check(&run(&["triage", text(&folder), "--out", text(&out)]), 2);
    assert!(err.contains("this folder holds other files"), "{err}");
    assert_eq!(results(&out).len(), 1);
}

#[test]
fn results_below_the_paths_are_no_captures() {
    let place = place("triage-inside");
    let folder = phones(&place, 2);
    let out = folder.join("results");
    for _ in 0..2 {
        check(&run(&["triage", text(&folder), "--out", text(&out)]), 0);
        assert_eq!((&manifest(&out)["captures"], &manifest(&out)["others"]), (&2.into(), &0.into()));
    }
}

#[test]
fn a_worker_answers_each_line_with_one_line() {
    let place = place("triage-worker");
    let good = file(&place, "good", &looping());
    let bad = file(&place, "bad", b"\xff\xfe\x00garbage");
    let folder = text(&place);
    let input = format!("{}\n\nno/such/file\n{folder}\n{}\r\n{}\n{}", text(&good), text(&bad), "x".repeat(100_000), text(&good));
    let (out, err) = check(&run_with(input.as_bytes(), &["triage", "--worker"]), 0);
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row["error"].is_string()).collect::<Vec<_>>(), [false, true, true, true, true, true, false]);
    let (line, _) = check(&run(&["diagnose", "--format", "jsonl", text(&good)]), 0);
    assert_eq!(out.lines().next(), Some(line.trim_end()));
    assert_eq!(out.lines().next_back(), out.lines().next());
    assert_eq!(err, "");
}

#[test]
fn shares_are_the_same_as_those_of_the_plan_and_together_all() {
    let place = place("triage-shares");
    let folder = phones(&place, 7);
    let lists = place.join("lists");
    check(&run(&["triage", text(&folder), "--plan", "3", "--out", text(&lists)]), 0);
    let mut all = BTreeSet::new();
    for number in 1..=3 {
        let (listed, shard) = (place.join(format!("listed-{number}")), place.join(format!("shard-{number}")));
        let list = lists.join(format!("share-{number}-of-3.txt"));
        check(&run(&["triage", "--files-from", text(&list), "--out", text(&listed)]), 0);
        check(&run(&["triage", text(&folder), "--shard", &format!("{number}/3"), "--out", text(&shard)]), 0);
        assert!(results(&listed) == results(&shard));
        for row in rows(&shard) {
            assert!(all.insert(row["capture"]["path"].as_str().unwrap().to_owned()), "{row}");
        }
    }
    assert_eq!(all.len(), 7);
}
