//! Indexes that are made from the files there are: a new file is enough.

use std::collections::BTreeMap;

use loginloop::profile::{Mark, MarkKind, Profile, Profiles};

use crate::source::{hold, names, text};

const BEGIN: &str = "// index begin\n";
const END: &str = "// index end\n";

/// The modules of the rules: each file of `src/findings` that has a `RULE`.
pub(crate) fn rules() -> Vec<String> {
    let files = names("src/findings").into_iter().filter_map(|name| name.strip_suffix(".rs").map(str::to_owned));
    files.filter(|name| text(&format!("src/findings/{name}.rs")).contains("\npub static RULE: Rule")).collect()
}

#[test]
fn the_index_of_findings_is_that_of_its_files() {
    let rules = rules();
    let mut index = String::new();
    index.extend(rules.iter().map(|name| format!("pub mod {name};\n")));
    index.push_str("\n/// All rules, sorted by code.\npub static ALL: &[&Rule] = &[\n");
    index.extend(rules.iter().map(|name| format!("    &{name}::RULE,\n")));
    index.push_str("];\n");
    let there = text("src/findings/mod.rs");
    let (before, rest) = there.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    hold("src/findings/mod.rs", &format!("{before}{BEGIN}{index}{END}{after}"));
}

#[test]
fn each_file_of_findings_is_a_rule_or_says_that_it_is_none() {
    let rules = rules();
    let files = names("src/findings").into_iter().filter_map(|name| name.strip_suffix(".rs").map(str::to_owned));
    let others: Vec<String> = files.filter(|name| !rules.contains(name)).collect();
    assert_eq!(others, ["mod", "testing"], "what rules share belongs into src/findings/shared");
}

#[test]
fn the_profiles_in_the_program_are_those_of_the_files() {
    let mut profiles = Profiles::default();
    for name in names("src/profile/devices").into_iter().filter(|name| name.ends_with(".toml")) {
        let path = format!("src/profile/devices/{name}");
        profiles.load(&path, &text(&path)).unwrap_or_else(|error| panic!("{error}"));
        assert!(profiles.named(name.trim_end_matches(".toml")).is_some(), "{path}: the file is named like its profile");
    }
    hold("src/profile/recognise/marks.rs", &marks(&profiles));
    let (profiles, sources) = profiles.as_builtin();
    hold("src/profile/builtin.jsonl", &profiles);
    hold("src/profile/sources.json", &sources);
}

/// What speaks for which of the profiles, and how much: of those that need certain marks, these; of the others, all that do not
/// speak against them.
fn marks(profiles: &Profiles) -> String {
    let mut marks: BTreeMap<String, BTreeMap<&str, [u64; 3]>> = BTreeMap::new();
    for (number, profile) in profiles.all().enumerate() {
        assert!(number < 64, "a number of 64 bits holds no more profiles: find another way in src/profile/recognise");
        for (mark, weight) in speaking_for(profile) {
            let values = marks.entry(format!("{:?}", mark.kind)).or_default();
            for value in &mark.values {
                let numbers = &mut values.entry(value).or_default()[weight - 1];
                assert!(*numbers & 1 << number == 0, "{}: {value} stands there twice", profile.name);
                *numbers |= 1 << number;
            }
        }
    }
    let mut text = "//! What shows a profile that comes with the program, and which of them it speaks for, a bit each: weakly, more, or so that it
//! is enough. `cargo test --test tidy` makes this of the files in `src/profile/devices`.

use crate::profile::MarkKind;

/// What speaks for which profiles.
type Values = &'static [(&'static str, [u64; 3])];

/// Kind by kind.
#[rustfmt::skip]
pub(super) static MARKS: &[(MarkKind, Values)] = &[
".to_owned();
    for (kind, values) in &marks {
        text.push_str(&format!("    (MarkKind::{kind}, &[\n"));
        text.extend(values.iter().map(|(value, [weak, medium, strong])| {
            format!("        (\"{}\", [0x{weak:04x}, 0x{medium:04x}, 0x{strong:04x}]),\n", value.escape_default())
        }));
        text.push_str("    ]),\n");
    }
    text.push_str("];\n");
    text
}

/// Each mark with the weight that makes the profile worth a look: one that is needed is, and for a fallback the maker of phones.
fn speaking_for(profile: &Profile) -> impl Iterator<Item = (&Mark, usize)> {
    const ENOUGH: u8 = 3;
    let is_any_needed = profile.recognition.iter().any(|mark| mark.needed);
    let speaking = profile.recognition.iter().filter(move |mark| mark.weight > 0 && (mark.needed || !is_any_needed));
    speaking.map(|mark| {
        let is_enough = mark.needed || profile.fallback && mark.kind == MarkKind::Oui && mark.weight > 1;
        (mark, usize::from(if is_enough { ENOUGH } else { mark.weight }))
    })
}
