//! The page as a reader, a browser and an attacker see it.

use super::*;
use crate::model::{Outcome, Stage};
use crate::report::samples;

fn page(analysis: &Analysis) -> String {
    let mut out = Vec::new();
    begin("field.pcapng", &mut out).unwrap();
    capture(analysis, "field.pcapng", 1, &mut out).unwrap();
    end(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text of the page, without its tags.
fn text(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

#[test]
fn the_founding_loop_is_told_from_its_cause_to_its_frames() {
    let analysis = samples::founding_loop();
    let text = text(&page(&analysis));
    let device = &analysis.devices[0];
    let finding = device.primary().unwrap();
    let drop = device.attempts[0].drop.unwrap();
    for told in [
        words::address(device),
        told::headline(device),
        finding.summary.clone(),
        finding.why.to_owned(),
        told::ended(&device.attempts[0]).unwrap(),
        finding.evidence[0].display_filter.clone(),
        device.attempts[0].timeline[0].text.clone(),
        drop.at.frame.to_string(),
    ] {
        assert!(text.contains(&told), "{told}");
    }
    assert!(text.find(&finding.summary).unwrap() < text.find(&finding.evidence[0].text).unwrap(), "the cause comes first");
}

#[test]
fn a_device_without_an_address_is_told_by_what_it_was_recognised() {
    let mut analysis = samples::founding_loop();
    (analysis.devices[0].ips, analysis.devices[0].vlan) = (Vec::new(), None);
    assert!(page(&analysis).contains("<p class=\"facts\">recognised by "));
}

#[test]
fn an_attempt_that_the_capture_cut_off_is_neither_good_nor_bad() {
    let with_last = |stage: Stage| {
        let mut analysis = samples::founding_loop();
        let last = analysis.devices[0].attempts.last_mut().unwrap();
        last.drop = None;
        last.stages.iter_mut().for_each(|report| (report.stage, report.outcome) = (stage, Outcome::Ok));
        page(&analysis)
    };
    let (cut, signed_in) = (with_last(Stage::Enrolment), with_last(Stage::Register));
    assert!(!cut.contains("class=\"went-on\""));
    let dropped = |page: &str| page.matches("<g class=\"dropped\"").count();
    assert!(signed_in.contains("class=\"went-on\"") && dropped(&signed_in) == dropped(&cut));
}

#[test]
fn the_drop_is_marked_in_words_too() {
    let page = page(&samples::founding_loop());
    assert!(page.contains("✗ FIN, no ClientKeyExchange"), "in the diagram");
    assert!(page.contains("Ended here: "), "and in the table");
}

#[test]
fn a_page_fetches_nothing_and_runs_nothing() {
    for analysis in [samples::founding_loop(), samples::hostile(), samples::healthy()] {
        let page = page(&analysis);
        for outside in ["<script", "<link", "<img", "<iframe", "src=", "url(", "@import", " style=", "javascript:", " onclick"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<style>").count(), 1);
    }
}

#[test]
fn the_policy_allows_this_very_style_and_nothing_else() {
    let page = page(&samples::healthy());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(page.contains(&format!("content=\"default-src 'none'; style-src 'sha256-{hash}'\"")));
}

#[test]
fn what_came_by_wire_is_text_and_visible() {
    let page = page(&samples::hostile());
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "nothing steers the reader");
    assert!(page.contains("\\u{1b}"), "but it can be seen");
    let tags = page.split('<').filter(|part| part.starts_with("script") || part.starts_with("b>")).count();
    assert_eq!(tags, 0);
}

#[test]
fn every_label_that_is_referred_to_is_there_once() {
    let page = page(&samples::founding_loop());
    let attribute = |name: &str| -> Vec<String> {
        page.split(&format!(" {name}=\"")).skip(1).filter_map(|part| Some(part.split_once('"')?.0.to_owned())).collect()
    };
    let ids = attribute("id");
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
    for label in attribute("aria-labelledby").iter().flat_map(|labels| labels.split(' ')) {
        assert!(ids.iter().any(|id| id == label), "{label}");
    }
}

#[test]
fn tags_are_closed_in_order() {
    for analysis in [samples::founding_loop(), samples::hostile(), samples::healthy()] {
        let page = page(&analysis);
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(1).filter_map(|part| Some(part.split_once('>')?.0)) {
            let name = tag.split_whitespace().next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if matches!(name, "meta" | "br" | "!DOCTYPE") => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

/// A page of two captures; the second has a hostile name.
fn page_of_two() -> String {
    let mut out = Vec::new();
    let mut document = crate::report::document(crate::report::Format::Html { several: true }, "2 captures");
    document.begin(&mut out).unwrap();
    document.capture(&samples::founding_loop(), "field.pcapng", &mut out).unwrap();
    document.capture(&samples::healthy(), "\u{1b}[2J<b>.pcapng", &mut out).unwrap();
    document.end(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn several_captures_are_listed_with_a_link_to_each() {
    let page = page_of_two();
    let list = page.rsplit_once("<h1 id=\"captures\">").unwrap().1;
    assert!(page.find("href=\"#captures\"").unwrap() < page.find("field.pcapng").unwrap(), "the way to the list comes first");
    for number in 1..=2 {
        assert!(list.contains(&format!("href=\"#c{number}\"")), "the list leads to capture {number}");
        assert_eq!(page.matches(&format!("<h1 id=\"c{number}\">")).count(), 1, "and there it is");
    }
    let founding = samples::founding_loop();
    let device = &founding.devices[0];
    let text = text(&format!("<body>{list}"));
    for told in [words::address(device), told::headline(device), device.primary().unwrap().code.to_string()] {
        assert!(text.contains(&told), "{told}");
    }
    assert!(!page.contains("<b>") && !page.contains('\u{1b}'), "a file's name is text");
}

#[test]
fn one_capture_needs_no_list() {
    assert!(!page(&samples::founding_loop()).contains("\"captures\""));
}
