//! Display filters: each selects exactly the frame that it speaks of, as tshark says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::{captures, diagnose, document};

/// The frames that a filter selects, as tshark says; `None` where there is no tshark.
fn selected(capture: &Path, filter: &str) -> Option<Vec<u64>> {
    let output =
        match Command::new("tshark").arg("-r").arg(capture).args(["-Y", filter, "-T", "fields", "-e", "frame.number"]).output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("skipped: tshark cannot be run ({error})");
                return None;
            }
        };
    // A capture that is cut makes tshark complain, and is read all the same.
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || complaint.contains("cut short"), "{filter}: {complaint}");
    let frames = String::from_utf8(output.stdout).unwrap();
    Some(frames.lines().map(|line| line.trim().parse().unwrap()).collect())
}

/// Every filter begins with its frame's number, so that it selects that frame or none. So filters of different frames can
/// be asked together: one run of tshark for the first filter of each frame, one for the second…
#[test]
fn every_display_filter_selects_exactly_its_frame() {
    let captures = captures();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in captures.chunks(captures.len().div_ceil(threads)) {
            scope.spawn(move || part.iter().for_each(|capture| each_filter_selects_its_frame(capture)));
        }
    });
}

fn each_filter_selects_its_frame(capture: &Path) {
    let document = document(capture);
    let mut filters: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for device in document["devices"].as_array().unwrap() {
        for finding in device["findings"].as_array().unwrap() {
            for evidence in finding["evidence"].as_array().unwrap() {
                let frame = evidence["frame"].as_u64().unwrap();
                let filter = evidence["display_filter"].as_str().unwrap();
                let number = format!("frame.number == {frame}");
                let rest = filter.strip_prefix(&number).unwrap_or_else(|| panic!("{filter:?} begins with {number}"));
                assert!(rest.is_empty() || rest.starts_with(" && "), "{filter:?}");
                filters.entry(frame).or_default().insert(filter.to_owned());
            }
        }
    }
    while !filters.is_empty() {
        let together: Vec<(u64, String)> =
            filters.iter_mut().filter_map(|(frame, filters)| Some((*frame, filters.pop_first()?))).collect();
        filters.retain(|_, filters| !filters.is_empty());
        let filter = together.iter().map(|(_, filter)| format!("({filter})")).collect::<Vec<_>>().join(" || ");
        let Some(frames) = selected(capture, &filter) else { return };
        let missed: Vec<&(u64, String)> = together.iter().filter(|(frame, _)| !frames.contains(frame)).collect();
        assert!(missed.is_empty(), "{}: these select nothing: {missed:#?}", capture.display());
        assert_eq!(frames.len(), together.len(), "{}: {frames:?}", capture.display());
    }
}

/// The filters at the end of the report for people.
#[test]
fn the_filters_to_paste_are_good() {
    let looping = captures()
        .into_iter()
        .find(|capture| document(capture)["devices"].as_array().unwrap().iter().any(|device| device["verdict"] == "loop"));
    let Some(capture) = looping else { return };
    let report = diagnose("text", &capture);
    let lines = report.lines().skip_while(|line| !line.starts_with("Wireshark:"));
    let mut filters = 0;
    for line in lines.take_while(|line| line.starts_with("Wireshark:") || line.starts_with("  ")) {
        let start = ["frame.number", "eth.addr", "ip.addr", "ipv6.addr"].iter().filter_map(|field| line.find(field)).min();
        let filter = &line[start.unwrap_or_else(|| panic!("a filter: {line}"))..];
        let Some(frames) = selected(&capture, filter) else { return };
        assert!(!frames.is_empty(), "{filter}");
        filters += 1;
    }
    assert_eq!(filters, 3, "{report}");
}
