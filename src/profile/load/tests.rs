//! Profile files, good and bad, and what is said of the bad ones.

use super::*;
use crate::device::facts::DeviceFacts;
use crate::formats::x509::Hash;
use crate::model::Stage;
use crate::profile::{Source, TrustPolicy, Version};
use crate::text::WireText;

const MINIMAL: &str = r#"name = "mine"
title = "My phone"
about = "A phone."
order = ["address", "tls"]
registrar_names = ["sip.{domain}"]
registrar_ports = [5061]
sources = []
mark = []
trust = {}
"#;

fn error(text: &str) -> String {
    Profiles::default().load("mine.toml", text).unwrap_err().to_string()
}

fn with(more: &str) -> String {
    format!("{}{more}", MINIMAL.replace("mark = []\ntrust = {}\n", ""))
}

#[test]
fn the_families_that_are_promised_come_with_the_program() {
    let names: Vec<String> = Profiles::builtin().all().map(|profile| profile.name.clone()).collect();
    let promised = [
        "audiocodes",
        "avaya",
        "cisco-cucm",
        "cisco-multiplatform",
        "communicator-pc",
        "communicator-phone-edition",
        "generic-sip",
        "grandstream",
        "lync-phone-edition",
        "mitel",
        "polycom-ucs",
        "sip-server",
        "snom",
        "teams-phone",
        "yealink",
        "zoom-phone",
    ];
    let missing: Vec<&str> = promised.into_iter().filter(|name| !names.iter().any(|there| there == name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each has its source: where it has room for one itself, the schema asks for it.
#[test]
fn every_statement_that_comes_with_the_program_has_its_source_and_a_certainty() {
    for profile in Profiles::builtin().with_sources().all() {
        let has = |what: &str| profile.sources.iter().any(|source| source.of.iter().any(|of| of == what));
        let mut wanted = vec!["what it is", "order of its login", "ports of its registrar", "SRV targets", "need of the time"];
        wanted.extend((!profile.registrar_names.is_empty()).then_some("names of its registrar"));
        wanted.extend((!profile.sign_in_names.is_empty()).then_some("names where it signs in"));
        wanted.extend((!profile.redirect_names.is_empty()).then_some("names of its redirect service"));
        wanted.extend((!profile.session_domains.is_empty()).then_some("where it keeps its session"));
        wanted.extend((!profile.screens.is_empty()).then_some("screens"));
        wanted.extend((!profile.required_options.is_empty()).then_some("DHCP options"));
        for what in wanted {
            assert!(has(what), "{}: {what}", profile.name);
        }
        for mark in &profile.recognition {
            assert!(has("recognition") || has(mark.kind.words()), "{}: {mark:?}", profile.name);
        }
        // How sure a mark is, its weight says.
        let marks: Vec<&str> = profile.recognition.iter().map(|mark| mark.kind.words()).collect();
        let unsure = |source: &&Source| source.certainty.is_none() && !source.of.iter().all(|of| marks.contains(&of.as_str()));
        assert_eq!(profile.sources.iter().find(unsure), None, "{}", profile.name);
        assert!(profile.sources.iter().all(|source| !source.text.is_empty()), "{}", profile.name);
    }
}

#[test]
fn a_file_of_the_users_takes_the_place_of_a_built_in_one() {
    let mut profiles = Profiles::builtin();
    let builtin = profiles.all().count();
    profiles.load("mine.toml", MINIMAL).unwrap();
    profiles.load("sip.toml", &MINIMAL.replace("\"mine\"", "\"generic-sip\"")).unwrap();
    assert_eq!(profiles.all().count(), builtin + 1);
    assert_eq!(profiles.named("mine").unwrap().title, "My phone");
    assert_eq!(profiles.named("generic-sip").unwrap().title, "My phone");
}

#[test]
fn two_files_of_the_users_cannot_have_one_name() {
    let mut profiles = Profiles::builtin();
    profiles.load("mine.toml", MINIMAL).unwrap();
    let error = profiles.load("yours.toml", &format!("# Yours.\n{MINIMAL}")).unwrap_err().to_string();
    assert_eq!(error, "yours.toml:2:8: the name \"mine\" is that of the profile in mine.toml, too; give each its own");
}

#[test]
fn what_the_program_holds_says_the_same_as_the_file() {
    let mut read = Profiles::default();
    read.load("mine.toml", &with("trust = {}\n[[mark]]\nkind = \"oui\"\nvalue = [\"00:04:F2\"]\nweight = 2\n")).unwrap();
    let (profiles, sources) = read.as_builtin();
    let mut again: Profile = serde_json::from_str(&profiles).unwrap();
    let mut sources: BTreeMap<String, Vec<Source>> = serde_json::from_str(&sources).unwrap();
    again.file = Some("mine.toml".to_owned());
    again.sources = sources.remove("mine").unwrap();
    assert_eq!(read.all().collect::<Vec<_>>(), [&again]);
}

#[test]
fn an_unknown_field_names_file_line_and_the_fields_allowed() {
    let text = error(&MINIMAL.replace("about =", "abuot ="));
    assert!(text.starts_with("mine.toml:3:1: unknown field `abuot`, expected one of `name`, `title`, `about`"), "{text}");
    let text = error(&with("mark = []\n[trust.hashes]\nvalue = [\"MD5\"]\ncertainty = 1\nsauce = \"x\"\n"));
    assert!(text.starts_with("mine.toml:12:1: unknown field `sauce`, expected one of `value`, `certainty`, `source`"), "{text}");
}

#[test]
fn an_unknown_value_names_those_allowed() {
    let text = error(&MINIMAL.replace("\"tls\"", "\"ssl\""));
    assert!(text.starts_with("mine.toml:4:21: \"ssl\" is not one of link, address"), "{text}");
    let text = error(&with("mark = []\n[trust.hashes]\nvalue = [\"SHA1\"]\ncertainty = 1\nsource = \"x\"\n"));
    assert!(text.starts_with("mine.toml:10:10: unknown variant `SHA1`, expected one of `MD2`, `MD5`, `SHA-1`"), "{text}");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"mac\"\nvalue = \"a\"\nweight = 1\n"));
    assert!(text.starts_with("mine.toml:10:8: unknown variant `mac`, expected one of `oui`, `vendor-class`"), "{text}");
}

#[test]
fn numbers_out_of_range_name_the_range() {
    let text = error(&with("mark = []\n[trust.hashes]\nvalue = [\"MD5\"]\ncertainty = 1.5\nsource = \"x\"\n"));
    assert_eq!(text, "mine.toml:11:13: certainty 1.5 is not above 0 and at most 1");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"name\"\nvalue = \"a\"\nweight = 4\n"));
    assert_eq!(text, "mine.toml:12:10: weight 4 is none of 3 (strong), 2 (medium), 1 (weak), 0 (rules out)");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"oui\"\nvalue = \"0004\"\nweight = 1\n"));
    assert_eq!(text, "mine.toml:11:9: \"0004\" is not the first half of a MAC address, such as \"0004f2\"");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"oui\"\nvalue = [\n  \"0004f2\",\n  \"0004\",\n]\nweight = 1\n"));
    assert!(text.starts_with("mine.toml:13:3: \"0004\" is not"), "of a list, the line of the value is named: {text}");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"name\"\nvalue = \"\"\nweight = 1\n"));
    assert_eq!(text, "mine.toml:11:9: an empty value would fit every device");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"telephone\"\nvalue = \"a\"\nweight = 1\n"));
    assert_eq!(text, "mine.toml:11:9: who is a telephone says no more of it: the value is \"\"");
    let text = error(&MINIMAL.replace("\"mine\"", "\"My Phone\""));
    assert_eq!(text, "mine.toml:1:8: the name \"My Phone\" must be lower-case letters, digits and hyphens");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"asked-options\"\nvalue = \"66, x\"\nweight = 1\n"));
    assert_eq!(text, "mine.toml:11:9: \"66, x\" is not a list of DHCP options, such as \"1,3,6,15\"");
    let text = error(&MINIMAL.replace("title = \"My phone\"\n", ""));
    assert!(text.starts_with("mine.toml:1:1: missing field `title`"), "{text}");
    assert!(error("name = ").starts_with("mine.toml:1:8: "));
}

#[test]
fn a_value_of_the_wrong_type_names_the_type_wanted() {
    let text = error(&MINIMAL.replace("[5061]", "\"5061\""));
    assert!(text.starts_with("mine.toml:6:19: invalid type: string \"5061\", expected a sequence"), "{text}");
    let text = error(&with("trust = {}\n[[mark]]\nkind = \"name\"\nvalue = 7\nweight = 1\n"));
    assert!(text.starts_with("mine.toml:11:9: invalid type: integer `7`, expected a text or a list of texts"), "{text}");
    let text = error(&MINIMAL.replace("sources = []", "sources = [7]"));
    assert!(text.starts_with("mine.toml:7:"), "{text}");
    assert!(text.contains("invalid type: integer `7`, expected a text or a table"), "{text}");
    let text = error(&MINIMAL.replace("sources = []", "sources = [{ of = [\"ordre\"], source = \"x\" }]"));
    assert!(text.contains("unknown variant `ordre`, expected one of `about`, `order`, `screens`"), "{text}");
}

#[test]
fn communicator_phone_edition_is_what_its_documents_say() {
    let profiles = Profiles::builtin().with_sources();
    let profile = profiles.named("communicator-phone-edition").unwrap();
    assert_eq!(profile.trust.hashes, Some((vec![Hash::Md2, Hash::Md5, Hash::Sha1], 0.95)));
    assert_eq!(profile.trust.rsa_max, Some((2048, 0.5)));
    assert_eq!(profile.trust.tls_max, Some(0x0301));
    assert_eq!(profile.trust.sends_sni, Some(false));
    assert!(profile.needs_time && !profile.strict_domain);
    assert_eq!(profile.screen(Stage::Tls), Some("Connecting to Office Communications Server"));
    assert_eq!(profile.screen(Stage::Directory), Some("Locating Domain Controller"));
    assert_eq!(profile.screen(Stage::Names), None);
    assert_eq!(profile.required_options.iter().map(|needed| needed.option).collect::<Vec<_>>(), [1, 3, 6]);
    let hashes = profile.sources.iter().find(|source| source.of == ["hashes that it verifies"]).unwrap();
    assert!(hashes.text.starts_with("Microsoft, Windows CE 5.0") && hashes.certainty == Some(0.95));
}

#[test]
fn nothing_is_known_of_a_sip_phone_in_general() {
    let profiles = Profiles::builtin();
    let profile = profiles.named("generic-sip").unwrap();
    assert_eq!(profile.trust, TrustPolicy { built_in_cas: true, ..Default::default() });
    assert!(profile.fallback);
}

fn lync_phone(agents: &[&str]) -> Profile {
    let user_agents = agents.iter().map(|agent| WireText::from(*agent)).collect();
    let facts = DeviceFacts { user_agents, ..Default::default() };
    Profiles::builtin().named("lync-phone-edition").unwrap().for_firmware(&facts).into_owned()
}

fn takes_sha256(profile: &Profile) -> (bool, f32) {
    let (hashes, certainty) = profile.trust.hashes.as_ref().unwrap();
    (hashes.contains(&Hash::Sha256), *certainty)
}

#[test]
fn what_a_lync_phone_verifies_depends_on_its_firmware() {
    assert_eq!(takes_sha256(&lync_phone(&[])), (false, 0.4));
    assert_eq!(takes_sha256(&lync_phone(&["CPE/4.0.7577.4366 OCPhone/4.0.7577.4366"])), (false, 0.75));
    assert_eq!(takes_sha256(&lync_phone(&["CPE/4.0.7577.4444 OCPhone/4.0.7577.4444"])), (true, 0.85));
    // After an update the later version counts.
    assert_eq!(takes_sha256(&lync_phone(&["cpe/4.0.7577.250", "cpe/4.0.7577.4478", "Mozilla/5.0"])), (true, 0.85));
    let old = lync_phone(&["CPE/4.0.7577.250"]);
    assert!(!old.strict_domain);
    assert_eq!(old.trust.pss, Some((false, 0.9)), "what a variant does not speak of stays");
    assert!(lync_phone(&["CPE/4.0.7577.4363"]).strict_domain);
}

#[test]
fn versions_are_compared_number_by_number() {
    let version = |text: &str| Version::try_from(text.to_owned()).unwrap();
    assert!(version("4.0.7577.4444") > version("4.0.7577.250"));
    assert!(version("4.0") < version("4.0.1"));
    for bad in ["", "4", "4..0", "4.0x", "v4.0", "4.0.", "99999999999.0"] {
        assert!(Version::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}
