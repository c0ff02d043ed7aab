//! Each rule is a file of its own: named for its code, explained in full, and tested both ways.

use std::collections::BTreeSet;

use loginloop::findings;

use crate::indexes::rules;
use crate::source::text;

/// How a test says that a rule fires. (`fit_to_print` is for what cannot be had from a whole login.)
const FIRES: &[&str] = &[".the(&RULE)", ".check(&RULE)", "fit_to_print("];
/// How a test says that it does not.
const KEEPS_QUIET: &[&str] = &[".nothing(&RULE)", ".is_empty()", ".is_none()"];

#[test]
fn a_rule_bears_the_name_of_its_file() {
    let files: BTreeSet<String> = rules().iter().map(|name| name.replace('_', "-")).collect();
    let codes: BTreeSet<String> = findings::ALL.iter().map(|rule| rule.code.to_owned()).collect();
    let apart: Vec<&String> = files.symmetric_difference(&codes).collect();
    assert!(apart.is_empty(), "only a file, or only a code in the index: {apart:?}");
    for name in rules() {
        let code = name.replace('_', "-");
        let text = text(&format!("src/findings/{name}.rs"));
        assert!(text.contains(&format!("code: \"{code}\"")), "src/findings/{name}.rs has not the code {code}");
        assert!(text.starts_with(&format!("//! `{code}`: ")), "src/findings/{name}.rs opens with what {code} is");
    }
}

#[test]
fn a_rule_is_tested_on_a_login_that_has_the_fault_and_on_one_that_has_not() {
    let untested = |name: &String| {
        let text = text(&format!("src/findings/{name}.rs"));
        let tests = text.split_once("#[cfg(test)]\nmod tests {").map(|(_, tests)| tests).unwrap_or_default();
        ![FIRES, KEEPS_QUIET].iter().all(|ways| ways.iter().any(|way| tests.contains(way)))
    };
    let untested: Vec<String> = rules().into_iter().filter(untested).collect();
    assert!(untested.is_empty(), "each needs a test that says {FIRES:?} and one that says {KEEPS_QUIET:?}: {untested:#?}");
}

#[test]
fn a_rule_says_what_it_is_why_what_to_do_and_what_looks_like_it() {
    for rule in findings::ALL {
        let help = &rule.help;
        for (part, text) in [("what", help.what), ("why", help.why), ("fix", help.fix), ("look_alikes", help.look_alikes)] {
            assert!(text.ends_with('.') && text.split(' ').count() >= 5, "{}: {part} is no sentence: {text:?}", rule.code);
        }
    }
}
