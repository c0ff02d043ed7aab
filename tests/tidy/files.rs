//! The form of source files, of the folders of captures, and of the list of dependencies.

use std::collections::BTreeSet;

use crate::source::{code, files, names, program, root, text, without_tests};

/// Lines of a file, without its tests.
const LIMIT: usize = 400;

fn rust_files() -> Vec<String> {
    ["src", "tests"].iter().flat_map(|folder| files(folder)).filter(|path| path.ends_with(".rs")).collect()
}

#[test]
fn no_file_is_too_long_to_read() {
    let too_long: Vec<String> = program().into_iter().filter(|path| without_tests(&text(path)).len() > LIMIT).collect();
    assert!(too_long.is_empty(), "more than {LIMIT} lines without tests: {too_long:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = rust_files().into_iter().filter(|path| !text(path).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "a file opens with `//!`, what comes in, what goes out: {silent:#?}");
}

#[test]
fn nothing_is_left_for_later_and_no_lint_is_silenced_without_a_reason() {
    // Put together here, so that this file does not hold them.
    let forbidden = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["dbg", "!"]].map(|parts| parts.concat());
    let pages = files("").into_iter().filter(|path| path.ends_with(".md"));
    for path in rust_files().into_iter().chain(pages) {
        for word in &forbidden {
            let found = text(&path).lines().position(|line| line.contains(word.as_str()));
            assert_eq!(found, None, "{path} has {word}");
        }
    }
    for path in rust_files() {
        let text = text(&path);
        let lints = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
        for (at, _) in text.match_indices('\n') {
            let attribute = text[at..].trim_start();
            if lints.iter().any(|lint| attribute.starts_with(lint)) {
                let attribute = attribute.split(")]").next().unwrap();
                assert!(attribute.contains("reason = \""), "{path}: {attribute})] without a reason");
            }
        }
    }
}

#[test]
fn each_protocol_has_its_parts() {
    for protocol in names("src/protocols").into_iter().filter(|name| name != "mod.rs") {
        for part in ["mod.rs", "parser.rs", "fields.rs", "tests.rs"] {
            let path = format!("src/protocols/{protocol}/{part}");
            assert!(root().join(&path).is_file(), "{path} is missing");
        }
    }
}

/// The folders under `captures/` that hold a capture.
fn cases() -> Vec<String> {
    let has_capture = |name: &String| names_of(name).iter().any(|file| file.starts_with("capture."));
    names("captures").into_iter().filter(|name| root().join("captures").join(name).is_dir()).filter(has_capture).collect()
}

fn names_of(case: &str) -> Vec<String> {
    names(&format!("captures/{case}"))
}

#[test]
fn each_capture_has_its_facts_its_story_and_its_line_in_the_table() {
    let table = text("captures/README.md");
    let rows: BTreeSet<&str> = table.lines().filter_map(|line| line.strip_prefix("| [")?.split(']').next()).collect();
    let cases = cases();
    assert_eq!(rows, cases.iter().map(String::as_str).collect(), "table of captures/README.md (left), folders (right)");
    for case in cases {
        let files = names_of(&case);
        for file in ["expect.toml", "README.md"] {
            assert!(files.iter().any(|name| name == file), "captures/{case}/{file} is missing");
        }
        let expect: toml::Table = text(&format!("captures/{case}/expect.toml")).parse().unwrap();
        let cause = |device: &toml::Value| match device.get("primary").and_then(toml::Value::as_str) {
            Some(code) => format!("`{code}`"),
            None => format!("none: {}", device["verdict"].as_str().unwrap()),
        };
        let row = table.lines().find(|line| line.starts_with(&format!("| [{case}]"))).unwrap();
        for device in expect["device"].as_array().unwrap() {
            assert!(row.contains(&cause(device)), "captures/README.md says otherwise than expect.toml: {row}");
        }
    }
}

/// The lines of a table of the manifest.
fn manifest(table: &str) -> Vec<String> {
    let text = text("Cargo.toml");
    let lines = text.lines().skip_while(|line| *line != format!("[{table}]")).skip(1).take_while(|line| !line.starts_with('['));
    lines.map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

/// The crate that a line of the manifest brings in, as code names it.
fn crate_name(line: &str) -> String {
    let name = line.split(' ').next().unwrap();
    if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") }
}

/// Does code name this crate, other than as a module of ours?
fn uses(code: &str, name: &str) -> bool {
    let inside_a_path = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let is_use = |(at, _): (usize, &str)| {
        let after = &code[at + name.len()..];
        !inside_a_path(&code[..at]) && (after.starts_with("::") || after.starts_with(';') || after.starts_with(','))
    };
    code.match_indices(name).any(is_use)
}

#[test]
fn each_dependency_has_a_reason_and_a_user() {
    let program: String = program().iter().flat_map(|path| code(path)).map(|(_, line)| line + "\n").collect();
    let benches = if root().join("benches").exists() { files("benches") } else { Vec::new() };
    let everything: String = rust_files().iter().chain(&benches).map(|path| text(path)).collect();
    for (table, users) in [("dependencies", &program), ("dev-dependencies", &everything)] {
        let lines = manifest(table);
        assert!(!lines.is_empty(), "[{table}]");
        for pair in lines.windows(2).filter(|pair| !pair[1].starts_with('#')) {
            let name = crate_name(&pair[1]);
            assert!(pair[0].starts_with("# "), "{name}: a comment above it says what it is for");
            assert!(uses(users, &name), "{name}: nothing uses it");
        }
        assert!(lines[0].starts_with("# "), "{}: a comment above it says what it is for", lines[0]);
    }
}

#[test]
fn each_feature_has_a_user() {
    let program: String = program().iter().map(|path| text(path)).collect();
    for line in manifest("features").iter().filter(|line| !line.starts_with("default") && !line.starts_with('#')) {
        let name = line.split(' ').next().unwrap();
        assert!(program.contains(&format!("feature = \"{name}\"")), "{name} switches nothing in src");
    }
}
