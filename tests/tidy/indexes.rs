//! Indexes that are made from the files there are: a new file is enough.

use loginloop::profile::Profiles;

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
    let (profiles, sources) = profiles.as_builtin();
    hold("src/profile/builtin.json", &profiles);
    hold("src/profile/sources.json", &sources);
}
