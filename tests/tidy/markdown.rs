//! What the Markdown files say of the project: paths exist, links lead somewhere, commands run, and the sample in the README
//! is what the program prints.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::source::{files, names, root, text};

/// What ends a word in Markdown.
const BETWEEN_WORDS: &[char] = &['`', '(', ')', '[', ']', '|', '"', '\'', ',', ';', '{', '}'];
/// Endings by which a word is seen to name a file.
const ENDINGS: &[&str] = &[".rs", ".md", ".toml", ".py", ".txt", ".tsv"];
/// What stands for a capture, and the one that is taken for it.
const CAPTURE_WORDS: &[&str] = &["CAPTURE", "CAPTURE…", "PATH…", "field.pcapng"];
const CAPTURE: &str = "captures/founding-loop-fin/capture.pcapng";

fn pages() -> Vec<String> {
    files("").into_iter().filter(|path| path.ends_with(".md")).collect()
}

/// The folder of a page.
fn folder(page: &str) -> &Path {
    Path::new(page).parent().unwrap()
}

/// Is this word a path, and if so, which part of it must exist? From a placeholder on, nothing must.
fn as_path<'a>(word: &'a str, top: &BTreeSet<String>) -> Option<&'a str> {
    let word = word.trim_end_matches(['.', ':']);
    let known = word.split_once('/').is_some_and(|(first, _)| top.contains(first));
    let is_path = known || ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    let is_placeholder = |part: &str| part.contains(['<', '*', '…']) || part.starts_with(|c: char| c.is_ascii_uppercase());
    let fixed = word
        .split('/')
        .take_while(|part| part.ends_with(".md") || !is_placeholder(part))
        .map(|part| part.len() + 1)
        .sum::<usize>();
    let fixed = &word[..fixed.saturating_sub(1)];
    (is_path && !fixed.is_empty() && !word.contains("://")).then_some(fixed)
}

#[test]
fn every_path_that_a_page_names_exists() {
    let top: BTreeSet<String> = names("").into_iter().filter(|name| root().join(name).is_dir() && name != "target").collect();
    let everywhere = files("");
    let file_names: BTreeSet<&str> = everywhere.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    let (mut named, mut missing) = (0, Vec::new());
    for page in pages() {
        for word in text(&page).split(|c: char| c.is_whitespace() || BETWEEN_WORDS.contains(&c)) {
            let Some(path) = as_path(word, &top) else { continue };
            named += 1;
            let is_bare_name = !path.contains('/') && file_names.contains(path);
            if !is_bare_name && !root().join(path).exists() && !root().join(folder(&page)).join(path).exists() {
                missing.push(format!("{page}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(named > 100, "only {named} paths were seen");
}

#[test]
fn every_link_leads_somewhere() {
    let (mut followed, mut broken) = (0, Vec::new());
    for page in pages() {
        for target in text(&page).split("](").skip(1).filter_map(|rest| rest.split([')', '#', '\n']).next()) {
            if target.is_empty() || target.contains("://") {
                continue;
            }
            followed += 1;
            if !root().join(folder(&page)).join(target).exists() {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(followed > 50, "only {followed} links were seen");
}

/// The commands of the program that a text shows, without its name: in code spans and on lines of code blocks.
fn commands(text: &str) -> Vec<Vec<String>> {
    let spans = text.split('`').skip(1).step_by(2);
    let lines = text.lines().map(str::trim_start);
    let all = spans.chain(lines).filter(|span| !span.contains('\n'));
    let arguments = all.filter_map(|one| one.strip_prefix("loginloop ").or_else(|| one.strip_prefix("cargo run --release -- ")));
    let is_command =
        |line: &&str| line.split(' ').next().is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    arguments.filter(is_command).map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn loginloop(arguments: &[String]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loginloop")).current_dir(root()).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(if output.stdout.is_empty() { output.stderr } else { output.stdout }).unwrap())
}

#[test]
fn every_command_that_a_page_shows_runs() {
    // The page of the command line is made from the options themselves.
    let pages = pages().into_iter().filter(|page| page != "docs/cli.md");
    let shown: BTreeSet<(String, Vec<String>)> =
        pages.flat_map(|page| commands(&text(&page)).into_iter().map(move |command| (page.clone(), command))).collect();
    assert!(shown.len() > 5, "{shown:#?}");
    for (page, command) in shown {
        // Each command has a folder of its own to write to.
        let folder = format!("{}/tidy-{}", env!("CARGO_TARGET_TMPDIR"), command[0]);
        std::fs::create_dir_all(&folder).unwrap();
        let is_optional = |word: &&String| !word.starts_with('[');
        let concrete = |word: &String| match word.as_str() {
            word if CAPTURE_WORDS.contains(&word) => CAPTURE.to_owned(),
            "HEALTHY" | "FAILING" => CAPTURE.to_owned(),
            "CODE" => "tcp-refused".to_owned(),
            "NAME" => "generic-sip".to_owned(),
            "CHAIN" => "src/trust/samples/leaf.der".to_owned(),
            "OUT.pcapng" | "told.pcapng" => concat!(env!("CARGO_TARGET_TMPDIR"), "/tidy-out.pcapng").to_owned(),
            "SHELL" => "bash".to_owned(),
            "DIR" => folder.clone(),
            word => word.to_owned(),
        };
        let arguments: Vec<String> = command.iter().filter(is_optional).map(concrete).collect();
        let (exit, said) = loginloop(&arguments);
        // 1 is an answer, too: something was found.
        assert!(matches!(exit, Some(0 | 1)), "{page}: loginloop {}: {said}", command.join(" "));
    }
}

/// A text in one line, so that its width does not matter.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_sample_in_the_readme_is_what_the_program_prints() {
    let readme = text("README.md");
    let sample = readme.split("```").skip(1).step_by(2).find(|block| block.contains("LOOPS:")).unwrap();
    let sample = sample.split_once('\n').unwrap().1;
    let command = commands(&readme).into_iter().find(|command| command[0] == "diagnose" && command[1].contains('/')).unwrap();
    let (_, printed) = loginloop(&command);
    let printed = flat(&printed);
    let mut from = 0;
    // An ellipsis on a line of its own stands for lines left out.
    for part in sample.split("\n…\n") {
        let part = flat(part);
        let at = printed[from..]
            .find(&part)
            .unwrap_or_else(|| panic!("`loginloop {}` does not print\n{part}\nbut\n{printed}", command.join(" ")));
        from += at + part.len();
    }
}

#[test]
fn paths_and_commands_are_seen() {
    let top = BTreeSet::from(["src".to_owned(), "captures".to_owned()]);
    assert_eq!(as_path("src/login/attempt.rs", &top), Some("src/login/attempt.rs"));
    assert_eq!(as_path("src/findings/<code>.rs", &top), Some("src/findings"));
    assert_eq!(as_path("captures/lab/make", &top), Some("captures/lab/make"));
    assert_eq!(as_path("README.md", &top), Some("README.md"));
    assert_eq!(as_path("either/or", &top), None);
    assert_eq!(as_path("https://example.com/a.md", &top), None);
    assert_eq!(
        commands("a `loginloop explain CODE` b\n```\nloginloop events x\n```"),
        [vec!["explain", "CODE"], vec!["events", "x"]]
    );
}
