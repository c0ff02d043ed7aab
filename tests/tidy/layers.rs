//! The modules stand in dependency order in `src/lib.rs`, and each uses only those before it. Siblings that must stay apart
//! do not use each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{code, program, text};

/// Folders whose modules do not use each other, and the modules there that hold what they share.
const APART: &[(&str, &[&str])] = &[
    ("protocols", &[]),
    ("login::stages", &["connect", "session", "tls", "web"]),
    ("findings", &["shared"]),
    ("report", &["cells", "page", "queries", "told", "visible", "words"]),
];

/// The modules of `src/lib.rs`, in its order.
fn order() -> Vec<String> {
    let lib = text("src/lib.rs");
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    modules.map(str::to_owned).collect()
}

/// The path of a file's module within the crate.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// A use of another module: where, and which.
struct Use {
    from: Vec<String>,
    to: Vec<String>,
    place: String,
}

/// Every path through `crate` or `super` in the program.
fn uses() -> Vec<Use> {
    let files = program().into_iter().filter(|path| path != "src/main.rs" && path != "src/lib.rs");
    files.flat_map(|path| code(&path).into_iter().flat_map(move |(number, line)| uses_in(&path, number, &line))).collect()
}

fn uses_in(path: &str, number: usize, line: &str) -> Vec<Use> {
    let from = module(path);
    let place = format!("{path}:{number}: {}", line.trim());
    assert!(!line.contains("crate::{"), "{place}: one line for each module that is used");
    let mut uses = Vec::new();
    for word in paths(line) {
        let parts: Vec<&str> = word.split("::").collect();
        let ups = parts.iter().take_while(|part| **part == "super").count();
        let base: &[String] = match (parts[0], ups) {
            ("crate", _) => &[],
            (_, 0) => continue,
            (_, ups) => &from[..from.len() - ups],
        };
        let down = parts.iter().skip(ups.max(1)).filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
        uses.push(Use { from: from.clone(), to: base.iter().cloned().chain(down).collect(), place: place.clone() });
    }
    uses
}

/// The paths of a line; of a list in braces, each with what stands before it.
fn paths(line: &str) -> Vec<String> {
    let words = |text: &str| {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    match line.split_once("::{") {
        Some((before, list)) => {
            let mut before = words(before);
            let prefix = before.pop().unwrap_or_default();
            before.extend(words(list).into_iter().map(|word| format!("{prefix}::{word}")));
            before
        }
        None => words(line),
    }
}

/// Which files each file uses. A folder's own file is left out: those in the folder use what it holds for all of them.
fn files_used() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files: BTreeSet<Vec<String>> =
        program().iter().filter(|path| !path.ends_with("/mod.rs")).map(|path| module(path)).collect();
    let mut used: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for Use { from, to, .. } in uses() {
        let file = (1..=to.len()).rev().map(|length| to[..length].to_vec()).find(|path| files.contains(path));
        if let Some(file) = file.filter(|file| files.contains(&from) && *file != from) {
            used.entry(from).or_default().insert(file);
        }
    }
    used
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let used = files_used();
    assert!(used.len() > 100, "paths are not read");
    let mut circles = Vec::new();
    for start in used.keys() {
        let mut reached = BTreeSet::new();
        let mut left: Vec<_> = used[start].iter().collect();
        while let Some(file) = left.pop() {
            if reached.insert(file) {
                left.extend(used.get(file).into_iter().flatten());
            }
        }
        circles.extend(reached.contains(start).then(|| start.join("::")));
    }
    assert!(circles.is_empty(), "these use each other in a circle:\n{}", circles.join("\n"));
}

#[test]
fn each_module_uses_only_those_before_it() {
    let order = order();
    let position = |module: &String| order.iter().position(|one| one == module);
    let mut wrong = Vec::new();
    for Use { from, to, place } in uses() {
        let Some(target) = to.first() else { continue };
        if position(target).is_none_or(|target| Some(target) > position(&from[0])) {
            wrong.push(place);
        }
    }
    assert!(wrong.is_empty(), "src/lib.rs lists these later than their users:\n{}", wrong.join("\n"));
}

#[test]
fn siblings_do_not_use_each_other() {
    let files = program();
    let mut wrong = Vec::new();
    for (folder, shared) in APART {
        let folder: Vec<String> = folder.split("::").map(str::to_owned).collect();
        let siblings: Vec<String> = files
            .iter()
            .map(|file| module(file))
            .filter(|path| path.starts_with(&folder))
            .filter_map(|path| path.get(folder.len()).cloned())
            .collect();
        assert!(siblings.len() > 1, "{folder:?} has no modules");
        for Use { from, to, place } in uses() {
            let (Some(own), Some(other)) = (from.get(folder.len()), to.get(folder.len())) else { continue };
            let both_inside = from.starts_with(&folder) && to.starts_with(&folder);
            if both_inside && own != other && siblings.contains(other) && !shared.contains(&other.as_str()) {
                wrong.push(place);
            }
        }
    }
    assert!(wrong.is_empty(), "what siblings share belongs below them:\n{}", wrong.join("\n"));
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let to = |path: &str, line: &str| uses_in(path, 1, line).into_iter().map(|one| one.to.join("::")).collect::<Vec<_>>();
    assert_eq!(
        to("src/login/timeline/connection.rs", "use super::super::steps::{Close, Step};"),
        ["login::steps::Close", "login::steps::Step"]
    );
    assert_eq!(to("src/report/text/mod.rs", "use super::page::Page;"), ["report::page::Page"]);
    assert_eq!(
        to("src/flow/mod.rs", "pub fn a(b: crate::model::Mac) -> crate::text::WireText {"),
        ["model::Mac", "text::WireText"]
    );
    assert_eq!(
        to("src/report/text/told.rs", "use super::{page, told::Told};"),
        ["report::text::page", "report::text::told::Told"]
    );
    assert!(to("src/flow/mod.rs", "use self::key::Key;").is_empty());
}
