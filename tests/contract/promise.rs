//! What `docs/contract.md` promises: its words, its codes, its sample document. Nothing of this is written a second time.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// The page, read.
pub(crate) struct Promise {
    text: String,
}

impl Promise {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contract.md");
        Self { text: std::fs::read_to_string(path).unwrap() }
    }

    /// The section under a heading, up to the next heading.
    fn section(&self, heading: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
        rest.split("\n#").next().unwrap()
    }

    /// The rows of the table in a section, cell by cell, without its head.
    fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let rows = self.section(heading).lines().filter(|line| line.starts_with('|'));
        let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let rows: Vec<Vec<String>> = rows.skip(2).map(cells).collect();
        assert!(!rows.is_empty(), "{heading}: no table");
        rows
    }

    /// The words of a kind.
    pub(crate) fn words(&self, of: &str) -> Vec<String> {
        let row = self.table("## Words").into_iter().find(|row| row[0] == of).unwrap_or_else(|| panic!("no words of {of}"));
        row[1].split(", ").map(str::to_owned).collect()
    }

    /// The cause codes with their stages.
    pub(crate) fn codes(&self) -> BTreeMap<String, String> {
        self.table("## Cause codes").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
    }

    /// The sample document.
    pub(crate) fn sample(&self) -> Value {
        let (_, rest) = self.text.split_once("```json\n").unwrap();
        serde_json::from_str(rest.split_once("```").unwrap().0).unwrap()
    }

    /// The places in the document that may be null, as `devices.attempts.drop`.
    pub(crate) fn nullable(&self) -> Vec<String> {
        let (_, rest) = self.text.split_once("These can be: ").unwrap();
        let list = rest.split_once(".\n").unwrap().0;
        list.split(',').map(|place| place.trim().trim_matches('`').to_owned()).collect()
    }
}
