//! The project's own files: which there are, and what stands in them.

use std::collections::BTreeSet;
use std::path::Path;

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the project, as paths from its root, sorted. What is built and what is hidden is left out.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in root().join(folder).read_dir().unwrap_or_else(|error| panic!("{folder}: {error}")) {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if !name.starts_with('.') && name != "target" && name != "__pycache__" {
            found.extend(files(&path));
        }
    }
    found.sort();
    found
}

/// The names directly in a folder, sorted.
pub(crate) fn names(folder: &str) -> Vec<String> {
    let entries = root().join(folder).read_dir().unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The text of a file.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Compares a file with what it should hold, or writes it where `TIDY=write` asks for that.
#[track_caller]
pub(crate) fn hold(path: &str, wanted: &str) {
    let there = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    if there == wanted {
        return;
    }
    if std::env::var_os("TIDY").is_some_and(|word| word == "write") {
        write(path, wanted);
        return;
    }
    let line = (1..).zip(there.lines().zip(wanted.lines())).find(|(_, (there, wanted))| there != wanted);
    let first = match line {
        Some((number, (there, wanted))) => format!("line {number} is {there:?} and should be {wanted:?}"),
        None => format!("{} lines, and should be {}", there.lines().count(), wanted.lines().count()),
    };
    panic!("{path} is out of date: {first}; run `TIDY=write cargo test --test tidy` (twice, where an index changed)");
}

#[expect(clippy::disallowed_methods, reason = "what is generated is written here")]
fn write(path: &str, wanted: &str) {
    std::fs::create_dir_all(root().join(path).parent().unwrap()).unwrap();
    std::fs::write(root().join(path), wanted).unwrap();
}

/// The files under `src` that hold code of the program, not of its tests.
pub(crate) fn program() -> Vec<String> {
    let sources: Vec<String> = files("src").into_iter().filter(|path| path.ends_with(".rs")).collect();
    let tests: BTreeSet<String> = sources.iter().flat_map(|path| test_modules(path)).collect();
    let is_test = |path: &str| {
        let parts = Path::new(path).ancestors().filter_map(|part| part.to_str());
        parts.into_iter().any(|part| tests.contains(part.trim_end_matches(".rs")))
    };
    sources.into_iter().filter(|path| !is_test(path)).collect()
}

/// The modules that a file declares for tests only, as paths without their ending.
fn test_modules(path: &str) -> Vec<String> {
    let folder = path.trim_end_matches("/mod.rs").trim_end_matches("/lib.rs").trim_end_matches(".rs");
    let text = text(path);
    let mut modules = Vec::new();
    for item in text.split("#[cfg(test)]\n").skip(1) {
        let declaration = item.lines().find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
        if let Some(name) = declaration.strip_suffix(';').and_then(|line| line.split_once("mod ")) {
            modules.push(format!("{folder}/{}", name.1));
        }
    }
    modules
}

/// The lines of a file that are neither comments nor tests, with their numbers.
pub(crate) fn code(path: &str) -> Vec<(usize, String)> {
    without_tests(&text(path)).into_iter().filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
}

/// The lines of a text that do not belong to an item under `#[cfg(test)]`, with their numbers. Formatted code ends an item
/// where a line at its depth closes it.
pub(crate) fn without_tests(text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    let mut skipping: Option<usize> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let depth = line.len() - line.trim_start().len();
        if let Some(of) = skipping {
            let is_attribute = line.trim_start().starts_with("#[") || line.trim_start().starts_with("///");
            if depth == of && !is_attribute && line.ends_with(['}', ';', ',']) {
                skipping = None;
            }
        } else if line.trim_start() == "#[cfg(test)]" {
            skipping = Some(depth);
        } else {
            kept.push((number, line.to_owned()));
        }
    }
    kept
}

#[test]
fn what_is_under_test_only_is_left_out() {
    let text = "use a;\n#[cfg(test)]\nmod tests;\nfn b() {\n    #[cfg(test)]\n    {\n        c();\n    }\n    d();\n}\n\
                #[cfg(test)]\n#[cold]\nmod tests {\n    use e;\n}\nfn f() {}\n";
    let kept: Vec<String> = without_tests(text).into_iter().map(|(_, line)| line).collect();
    assert_eq!(kept, ["use a;", "fn b() {", "    d();", "}", "fn f() {}"]);
    assert!(program().contains(&"src/model/mod.rs".to_owned()));
    assert!(!program().contains(&"src/findings/testing.rs".to_owned()));
}
