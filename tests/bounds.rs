//! The table of bounds in ARCHITECTURE.md says what the code says, leaves no bound out, and names a test for each.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names that tell what a format allows or how text is shown, or that bound what a loop looks at, and no memory.
const NO_MEMORY: &[&str] = &[
    "LINE_LIMIT",
    "MAX_AGE",
    "MAX_BESIDE",
    "MAX_BLOCK_FOUND",
    "MAX_BODY",
    "MAX_CHUNKS",
    "MAX_EXTENSIONS",
    "MAX_FIRST",
    "MAX_LAST_WORDS",
    "MAX_LENGTH",
    "MAX_LOST",
    "MAX_PAUSE",
    "MAX_SHORT_BODY",
    "METHOD_LIMIT",
    "PARAMETER_LIMIT",
    "PROBE_LIMIT",
    "CONTACT_LIMIT",
    "SLOTS_LIMIT",
    "TEXT_LIMIT",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Bound, file, name and test of each row.
fn rows() -> Vec<[String; 4]> {
    let page = text(&root().join("ARCHITECTURE.md"));
    let table = page.split("## Bounds").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let rows: Vec<[String; 4]> = rows
        .map(|row| {
            let code: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
            assert_eq!(code.len(), 4, "the row has no test: {row}");
            [code[0], code[1], code[2], code[3]].map(str::to_owned)
        })
        .collect();
    assert!(rows.len() > 40);
    rows
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            None => sources(&path, found),
            Some(ending) if ending == "rs" => found.push(path),
            Some(_) => {}
        }
    }
}

#[test]
fn each_bound_of_the_table_is_that_of_the_code() {
    for [bound, file, name, _] in rows() {
        let source = text(&root().join(&file));
        let says = |line: &str| {
            let line = line.trim();
            let constant = line.contains(&format!("const {name}: ")) && line.ends_with(&format!(" = {bound};"));
            let value = |end: &str| line.contains(&format!("{name}: {bound}{end}"));
            constant || line == format!("{name}: {bound},") || line.starts_with("Self {") && (value(",") || value(" }"))
        };
        assert!(source.lines().any(says), "{file} does not say that {name} is {bound}");
    }
}

#[test]
fn no_bound_of_the_code_is_missing_in_the_table() {
    let told: BTreeSet<(String, String)> = rows().into_iter().map(|[_, file, name, _]| (file, name)).collect();
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    for path in paths {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        for line in text(&path).lines() {
            let Some((_, constant)) = line.split_once("const ") else { continue };
            let name = constant.split(':').next().unwrap_or_default();
            let is_bound = name.starts_with("MAX_") || name.ends_with("_LIMIT");
            let known = NO_MEMORY.contains(&name) || told.contains(&(file.clone(), name.to_owned()));
            assert!(!is_bound || known, "{file}: {name} is not in the table of bounds of ARCHITECTURE.md");
        }
    }
}

#[test]
fn each_bound_of_the_table_has_a_test_that_goes_beyond_it() {
    let mut paths = Vec::new();
    ["src", "tests"].iter().for_each(|folder| sources(&root().join(folder), &mut paths));
    let mut tests = BTreeSet::new();
    for path in paths {
        let text = text(&path);
        let of_test = text.split("#[test]").skip(1).filter_map(|after| after.split_once("fn ")?.1.split_once('('));
        tests.extend(of_test.map(|(name, _)| name.to_owned()));
    }
    for [_, _, name, test] in rows() {
        assert!(tests.contains(&test), "there is no test {test}, which the row of {name} names");
    }
}
