//! What a finding means and what a profile says: as text, JSON and Markdown, made from the rules and profiles themselves.

use std::io::{self, Write};

use crate::findings::{self, Rule};
use crate::model::Stage;

mod profiles;
mod similar;
#[cfg(test)]
mod tests;

pub use profiles::{profile_json, profile_markdown, profile_text, profiles_json, profiles_markdown, profiles_text};
pub use similar::closest;

use super::page::{Ink, Page};
use super::visible;

/// A note about a capture: it causes nothing, and lowers the confidence of what depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The stable code.
    pub code: &'static str,
    /// What it means, and what to do.
    pub what: &'static str,
}

/// All notes.
pub static NOTES: &[Note] = &[
    Note {
        code: "capture-clock-odd",
        what: "The capture's own clock jumps or runs backwards, so that times, periods and validity of certificates are unsure. \
               Capture again on a machine with a steady clock.",
    },
    Note {
        code: "capture-encrypted",
        what: "There are secrets of TLS connections, in a key log or in the capture, but not those of all connections, or they do not \
               fit; what those carry is judged by sizes and order alone. Take the key log of the same run as the capture, let the \
               capture begin before the connections, and keep packets whole.",
    },
    Note {
        code: "capture-lossy",
        what: "The capture lacks packets that were on the wire (they were acknowledged all the same). What seems to be missing may \
               not have been missing. Capture again with a larger buffer, or a filter on the phone's address.",
    },
    Note {
        code: "capture-one-sided",
        what: "The capture holds only one direction of the phone's traffic, so that an answer that is not there proves nothing. \
               Mirror both directions of the phone's switch port.",
    },
    Note {
        code: "capture-truncated",
        what: "Packets were cut by the snap length, or the file ends in the middle of one. Capture again with full packets \
               (tcpdump -s 0), and stop the capture before copying it.",
    },
];

/// The rule with this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    findings::ALL.iter().copied().find(|rule| rule.code == code)
}

/// The note with this code.
pub fn note(code: &str) -> Option<&'static Note> {
    NOTES.iter().find(|note| note.code == code)
}

/// All codes, of rules and notes.
pub fn codes() -> impl Iterator<Item = &'static str> {
    findings::ALL.iter().map(|rule| rule.code).chain(NOTES.iter().map(|note| note.code))
}

/// The codes of the findings whose texts hold this word, whatever its case.
pub fn that_speak_of(word: &str) -> Vec<&'static str> {
    let word = word.to_lowercase();
    let holds = |text: &&str| text.to_lowercase().contains(&word);
    let speaks = |rule: &&&Rule| [rule.help.what, rule.help.why, rule.help.fix].iter().any(holds);
    findings::ALL.iter().filter(speaks).map(|rule| rule.code).collect()
}

/// The rules of each stage, in the order of the story; those that take the stage of their connection stand last.
fn by_stage() -> Vec<(&'static str, Vec<&'static Rule>)> {
    let of = |stage: Option<Stage>| findings::ALL.iter().copied().filter(|rule| rule.stage == stage).collect::<Vec<_>>();
    let stages = Stage::ALL.iter().map(|stage| (stage.word(), of(Some(*stage))));
    stages.chain([("any", of(None))]).filter(|(_, rules)| !rules.is_empty()).collect()
}

fn stage_word(rule: &Rule) -> &'static str {
    rule.stage.map_or("any", Stage::word)
}

/// The first sentence of a text.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

/// All codes by stage, each with a sentence.
pub fn findings_text(width: usize, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    for (stage, rules) in by_stage() {
        page.line(&[(Ink::Strong, &heading(stage))])?;
        for rule in rules {
            page.hanging(&format!("  {:<33} ", rule.code), Ink::Plain, Ink::Plain, first_sentence(rule.help.what))?;
        }
        page.gap()?;
    }
    page.line(&[(Ink::Strong, "Notes about the capture itself")])?;
    for note in NOTES {
        page.hanging(&format!("  {:<33} ", note.code), Ink::Plain, Ink::Plain, first_sentence(note.what))?;
    }
    page.gap()?;
    page.labelled("More", Ink::Plain, "`loginloop explain CODE`: why it makes a phone drop, what to do, what looks like it")
}

fn heading(stage: &str) -> String {
    if stage == "any" { "Any stage (that of the connection)".to_owned() } else { format!("Stage {stage}") }
}

/// One code in full.
pub fn finding_text(rule: &Rule, width: usize, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    page.line(&[(Ink::Strong, rule.code), (Ink::Faint, &format!("  (stage: {})", stage_word(rule)))])?;
    page.labelled("What", Ink::Plain, rule.help.what)?;
    page.labelled("Why", Ink::Plain, rule.help.why)?;
    page.labelled("Fix", Ink::Plain, rule.help.fix)?;
    if !rule.help.look_alikes.is_empty() {
        page.labelled("Unlike", Ink::Plain, rule.help.look_alikes)?;
    }
    let mut label = "Sources";
    for reference in rule.help.references {
        if label.is_empty() {
            page.under(Ink::Plain, reference)?;
        } else {
            page.labelled(label, Ink::Plain, reference)?;
        }
        label = "";
    }
    Ok(())
}

/// One note in full.
pub fn note_text(note: &Note, width: usize, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    page.line(&[(Ink::Strong, note.code), (Ink::Faint, "  (a note about the capture)")])?;
    page.labelled("What", Ink::Plain, note.what)
}

fn as_json(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "code": rule.code,
        "stage": stage_word(rule),
        "what": rule.help.what,
        "why": rule.help.why,
        "fix": rule.help.fix,
        "look_alikes": rule.help.look_alikes,
        "references": rule.help.references,
    })
}

fn note_as_json(note: &Note) -> serde_json::Value {
    serde_json::json!({"code": note.code, "stage": null, "what": note.what})
}

/// Writes a value, indented, with a line end.
fn pretty(value: &serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
    visible::indented(value, &mut *out)?;
    out.write_all(b"\n")
}

/// All findings and notes as a JSON list.
pub fn findings_json(out: &mut dyn Write) -> io::Result<()> {
    let all = findings::ALL.iter().map(|rule| as_json(rule)).chain(NOTES.iter().map(note_as_json));
    pretty(&all.collect(), out)
}

/// One finding as a JSON object.
pub fn finding_json(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    pretty(&as_json(rule), out)
}

/// One note as a JSON object.
pub fn note_json(note: &Note, out: &mut dyn Write) -> io::Result<()> {
    pretty(&note_as_json(note), out)
}

/// One finding in Markdown, under a heading of the third level.
pub fn finding_markdown(rule: &Rule) -> String {
    let help = &rule.help;
    let mut text = format!("### `{}`\n\nStage: `{}`\n\n{}\n\n", rule.code, stage_word(rule), help.what);
    text.push_str(&format!("**Why it makes a phone drop.** {}\n\n**What to do.** {}\n", help.why, help.fix));
    if !help.look_alikes.is_empty() {
        text.push_str(&format!("\n**What looks like it.** {}\n", help.look_alikes));
    }
    if !help.references.is_empty() {
        text.push_str("\nSources:\n\n");
        text.extend(help.references.iter().map(|reference| format!("- {reference}\n")));
    }
    text
}

/// One note in Markdown.
pub fn note_markdown(note: &Note) -> String {
    format!("### `{}`\n\n{}\n", note.code, note.what)
}

/// What stands above every page that is made from the source.
const GENERATED: &str = "<!-- Made from the source by `TIDY=write cargo test --test tidy`; do not edit. -->\n";

/// `docs/findings.md`.
pub fn findings_markdown() -> String {
    let mut text = format!("{GENERATED}# Findings\n\n");
    text.push_str(
        "The cause codes of `loginloop`, by the stage of the login. Codes are stable: one may be added, none is renamed. \
         `loginloop explain CODE` prints the same.\n",
    );
    for (stage, rules) in by_stage() {
        text.push_str(&format!("\n## {}\n", heading(stage)));
        for rule in rules {
            text.push('\n');
            text.push_str(&finding_markdown(rule));
        }
    }
    text.push_str("\n## Notes about the capture\n");
    for note in NOTES {
        text.push('\n');
        text.push_str(&note_markdown(note));
    }
    text
}
