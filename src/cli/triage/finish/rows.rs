//! The rows of the results, in their order: files that are read in whatever order in; out come the rows that are ready, a row
//! for each file and each member of an archive, cut into blocks that several threads can make at the same time. The blocks
//! are the same whatever was ready first.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::block::{Found, Row};
use crate::cli::triage::store::{Finding, Outcome, Place};
use crate::cli::triage::walk::{self, Candidate, is_named_like_a_capture};
use crate::triage::Unread;
use crate::triage::journal::Content;

/// Rows of a block, at most.
const ROWS: usize = 64;
/// Bytes of a block that are kept in the journal, about.
const BYTES: u64 = 256 * 1024;

/// All rows, as they become ready: those of a file when it and all before it are read, and what was found is in the journal.
pub(super) struct Rows<'a> {
    files: &'a [Candidate],
    /// What was found in each file; none in those that have their rows.
    found: Vec<Option<Cow<'a, [Finding]>>>,
    /// How many files have their rows.
    done: usize,
    /// What could not be looked at comes last.
    faults: &'a [Unread],
    /// The path of the first row with a content.
    first: HashMap<Content, Arc<str>>,
    /// Rows of the block that is not whole yet, and how much is read to make them.
    begun: Vec<Row>,
    bytes: u64,
    whole: VecDeque<Vec<Row>>,
    /// How many blocks were given.
    given: usize,
    /// Files that are no captures.
    pub(super) others: usize,
}

impl<'a> Rows<'a> {
    /// Those of these files; what was found in some of them before is known.
    pub(super) fn of(found: &'a walk::Found, known: impl Fn(&Candidate) -> Option<&'a [Finding]>) -> Self {
        let walk::Found { files, faults } = found;
        Self {
            files,
            found: files.iter().map(|file| known(file).map(Cow::Borrowed)).collect(),
            done: 0,
            faults,
            first: HashMap::new(),
            begun: Vec::new(),
            bytes: 0,
            whole: VecDeque::new(),
            given: 0,
            others: 0,
        }
    }

    /// The files that are still to be read, by their places.
    pub(super) fn unread(&self) -> Vec<usize> {
        self.found.iter().enumerate().filter(|(_, found)| found.is_none()).map(|(place, _)| place).collect()
    }

    /// Takes what was found in a file.
    pub(super) fn take(&mut self, place: usize, findings: Vec<Finding>) {
        if let Some(slot) = self.found.get_mut(place) {
            *slot = Some(Cow::Owned(findings));
        }
    }

    /// The next block and its number; none where it is not ready. `place` says where the journal has a content.
    pub(super) fn block(&mut self, place: impl Fn(&Content) -> Option<Place>) -> Option<(usize, Vec<Row>)> {
        while self.whole.is_empty() && self.grow(&place) {}
        let block = self.whole.pop_front()?;
        let number = self.given;
        self.given = number.saturating_add(1);
        Some((number, block))
    }

    /// Was every block given?
    pub(super) fn is_over(&self) -> bool {
        self.done == self.files.len() && self.left() == 0
    }

    /// How many rows of what was read are in no block that was given.
    pub(super) fn left(&self) -> usize {
        let read: usize = self.found.iter().flatten().map(|found| found.len()).sum();
        let whole: usize = self.whole.iter().map(Vec::len).sum();
        read.saturating_add(whole).saturating_add(self.begun.len()).saturating_add(self.faults.len())
    }

    /// Adds the rows of the next file, if it is ready; behind the last one, what is left. Did it add any?
    fn grow(&mut self, place: &impl Fn(&Content) -> Option<Place>) -> bool {
        let Some((file, slot)) = self.files.get(self.done).zip(self.found.get_mut(self.done)) else { return self.end() };
        let is_written = |finding: &Finding| match &finding.outcome {
            Outcome::Capture(content) => place(content).is_some(),
            _ => true,
        };
        let Some(found) = slot.take_if(|found| found.iter().all(is_written)) else { return false };
        for finding in found.iter() {
            self.finding(file, finding, place);
        }
        self.done = self.done.saturating_add(1);
        true
    }

    fn finding(&mut self, file: &Candidate, finding: &Finding, place: &impl Fn(&Content) -> Option<Place>) {
        let Finding { member, outcome } = finding;
        let path: Arc<str> = match member {
            Some(member) => format!("{}/{member}", file.name()).into(),
            None => file.name().into(),
        };
        let found = match outcome {
            Outcome::Capture(content) => match (self.first.get(content), place(content)) {
                (Some(first), _) => Found::Duplicate(*content, Arc::clone(first)),
                (None, Some(place)) => {
                    self.first.insert(*content, Arc::clone(&path));
                    Found::Capture(*content, place)
                }
                // It was not ready.
                (None, None) => return,
            },
            Outcome::Error(error) => Found::Unread(error.clone()),
            Outcome::Other(error) if file.named || is_named_like_a_capture(&path) => Found::Unread(error.clone()),
            Outcome::Other(_) => {
                self.others = self.others.saturating_add(1);
                return;
            }
        };
        self.push(Row { path, found });
    }

    fn push(&mut self, row: Row) {
        self.bytes = self.bytes.saturating_add(row.length());
        self.begun.push(row);
        if self.begun.len() >= ROWS || self.bytes >= BYTES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.whole.push_back(std::mem::take(&mut self.begun));
        self.bytes = 0;
    }

    /// Behind the last file.
    fn end(&mut self) -> bool {
        for Unread { path, error } in std::mem::take(&mut self.faults) {
            self.push(Row { path: path.as_str().into(), found: Found::Unread(error.clone()) });
        }
        if !self.begun.is_empty() {
            self.cut();
        }
        !self.whole.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;
    use crate::triage::journal::Lengths;

    const FILES: usize = 300;

    fn files() -> walk::Found {
        let file = |number| Candidate { path: PathBuf::from(format!("{number:03}.pcap")), size: 1, modified: 1, named: false };
        let fault = |number| Unread { path: format!("x{number}"), error: "it cannot be looked at".to_owned() };
        walk::Found { files: (0..FILES).map(file).collect(), faults: (0..3).map(fault).collect() }
    }

    /// Captures, some of them twice; archives; what cannot be read; what is no capture.
    fn findings(number: usize) -> Vec<Finding> {
        let content = |number: usize| Outcome::Capture([number as u8; 32]);
        let member = |member: usize| Finding { member: Some(member.to_string()), outcome: content(number + member) };
        match number % 20 {
            3 => (0..100).map(member).collect(),
            5 => vec![Finding::of_file(Outcome::Error("it is cut".to_owned()))],
            7 => vec![Finding { member: Some("text".to_owned()), outcome: Outcome::Other("it is a text".to_owned()) }],
            9 => Vec::new(),
            _ => vec![Finding::of_file(content(number % 250))],
        }
    }

    fn contents(findings: &[Finding]) -> impl Iterator<Item = Content> {
        findings.iter().filter_map(|finding| if let Outcome::Capture(content) = finding.outcome { Some(content) } else { None })
    }

    fn place(content: &Content) -> Place {
        Place::new(0, Lengths([100, u64::from(content[0]) * 200, 0]))
    }

    type Blocks = Vec<(usize, Vec<Row>)>;

    /// The blocks of files that are read in this order; what was found is in the journal so many files later.
    fn blocks(order: &[usize], late: usize, known: &[Vec<Finding>]) -> (Blocks, usize) {
        let found = files();
        let number = |file: &Candidate| file.name()[..3].parse::<usize>().unwrap();
        let mut rows = Rows::of(&found, |file| known.get(number(file)).map(Vec::as_slice));
        let mut written: BTreeSet<Content> = known.iter().flat_map(|findings| contents(findings)).collect();
        assert_eq!(rows.unread(), (known.len()..FILES).collect::<Vec<_>>());
        let mut all = Vec::new();
        for step in 0..order.len() + late {
            if let Some(number) = order.get(step) {
                assert!(!rows.is_over());
                rows.take(*number, findings(*number));
            }
            written
                .extend(step.checked_sub(late).into_iter().flat_map(|step| contents(&findings(order[step])).collect::<Vec<_>>()));
            all.extend(std::iter::from_fn(|| rows.block(|content| written.get(content).map(place))));
        }
        assert!(rows.is_over());
        (all, rows.others)
    }

    #[test]
    fn the_blocks_are_the_same_whatever_was_ready_first() {
        let ordered: Vec<usize> = (0..FILES).collect();
        let wanted = blocks(&ordered, 0, &[]);
        assert_eq!(wanted.0.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..wanted.0.len()).collect::<Vec<_>>());
        assert!(wanted.0.iter().all(|(_, rows)| rows.len() <= ROWS));
        assert!(wanted.0.iter().any(|(_, rows)| rows.len() < ROWS && rows.iter().map(Row::length).sum::<u64>() >= BYTES));
        let backwards: Vec<usize> = ordered.iter().rev().copied().collect();
        // 7 and 300 have no common divisor: each file once.
        let leaping: Vec<usize> = ordered.iter().map(|number| number * 7 % FILES).collect();
        for order in [&ordered, &backwards, &leaping] {
            for late in [0, 1, 40, FILES] {
                assert!(blocks(order, late, &[]) == wanted, "{late} later");
            }
        }
        let known: Vec<Vec<Finding>> = (0..120).map(findings).collect();
        assert!(blocks(&ordered[120..], 10, &known) == wanted);
        let known: Vec<Vec<Finding>> = (0..FILES).map(findings).collect();
        let found = files();
        let mut rows = Rows::of(&found, |file| known.get(file.name()[..3].parse::<usize>().unwrap()).map(Vec::as_slice));
        let all: Blocks = std::iter::from_fn(|| rows.block(|content| Some(place(content)))).collect();
        assert!((all, rows.others) == wanted);
    }

    #[test]
    fn no_row_comes_before_one_that_is_not_ready() {
        let found = files();
        let mut rows = Rows::of(&found, |_| None);
        (1..FILES).for_each(|number| rows.take(number, findings(number)));
        assert_eq!(rows.block(|content| Some(place(content))), None);
        rows.take(0, findings(0));
        assert_eq!(rows.block(|_| None), None, "its entry is not written yet");
        let (number, block) = rows.block(|content| Some(place(content))).unwrap();
        assert_eq!((number, &*block[0].path), (0, "000.pcap"));
        let all: usize = (0..FILES).map(|number| findings(number).len()).sum();
        assert_eq!(rows.left(), all - block.len() + found.faults.len());
    }
}
