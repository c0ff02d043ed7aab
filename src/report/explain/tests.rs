//! The texts of the built-in rules and profiles change often, so these tests look at form, not at words.

use super::*;
use crate::findings::{Help, Weight};
use crate::profile::Profiles;

static RULE: Rule = Rule {
    code: "dhcp-nak",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 100,
    help: Help {
        what: "The DHCP server refuses the address that the phone asks for. It has no lease afterwards.",
        why: "Without an address there is no next step.",
        fix: "On the DHCP server, look for two scopes of one network.",
        look_alikes: "A NAK after a move is normal, once.",
        references: &["RFC 2131 section 3.2"],
    },
    check: |_| Vec::new(),
};

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_finding_in_full() {
    insta::assert_snapshot!(text(|out| finding_text(&RULE, 80, false, out)));
    insta::assert_snapshot!("a_finding_in_markdown", finding_markdown(&RULE));
    insta::assert_snapshot!("a_finding_in_json", text(|out| finding_json(&RULE, out)));
}

#[test]
fn every_code_is_listed_and_documented_once() {
    let list = text(|out| findings_text(100, false, out));
    let docs = findings_markdown();
    for code in codes() {
        assert_eq!(list.matches(&format!("  {code} ")).count(), 1, "{code}");
        assert_eq!(docs.matches(&format!("### `{code}`\n")).count(), 1, "{code}");
    }
    let json: serde_json::Value = serde_json::from_str(&text(findings_json_into)).unwrap();
    assert_eq!(json.as_array().unwrap().len(), codes().count());
}

fn findings_json_into(out: &mut Vec<u8>) -> io::Result<()> {
    findings_json(out)
}

#[test]
fn every_profile_can_be_shown() {
    let profiles = Profiles::builtin().with_sources();
    let list = text(|out| profiles_text(&profiles, 100, false, out));
    let docs = profiles_markdown();
    for profile in profiles.all() {
        assert!(list.contains(&profile.name) && docs.contains(&format!("`{}`", profile.name)), "{}", profile.name);
        let full = text(|out| profile_text(profile, 100, false, out));
        assert!(full.contains("How it is recognised") && full.contains("Sources"), "{full}");
        let json: serde_json::Value = serde_json::from_str(&text(|out| profile_json(profile, out))).unwrap();
        assert_eq!(json["name"], profile.name.as_str());
    }
    let json: serde_json::Value = serde_json::from_str(&text(|out| profiles_json(&profiles, out))).unwrap();
    assert_eq!(json.as_array().unwrap().len(), profiles.all().count());
}
