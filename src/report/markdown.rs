//! The report for a ticket: Markdown that GitHub, GitLab, Jira and a plain reader take alike. Whatever came by wire is made
//! visible and cannot begin a link, a picture, a tag or a table cell.

use std::io::{self, Write};

use super::page::safe;
use super::{told, words};
use crate::login::timeline::Direction;
use crate::model::Verdict;
use crate::verdict::{Analysis, AttemptSummary, DeviceAnalysis, Finding};

/// Writes one capture.
pub fn write(analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n", plain(path))?;
    writeln!(out, "{}", plain(&told::capture(&analysis.capture, path)))?;
    let shortcomings = told::shortcomings(&analysis.capture);
    if !shortcomings.is_empty() {
        writeln!(out)?;
        for line in shortcomings {
            writeln!(out, "- {}", plain(&line))?;
        }
    }
    let (others, logins): (Vec<_>, Vec<_>) =
        told::by_urgency(&analysis.devices).into_iter().partition(|device| device.verdict == Verdict::NoLogin);
    for one in &logins {
        device(one, out)?;
    }
    if logins.is_empty() {
        writeln!(out, "\nNo login found.")?;
    }
    if !others.is_empty() {
        writeln!(out, "\n{} without a login.", words::counted(others.len(), "device"))?;
    }
    Ok(())
}

fn device(device: &DeviceAnalysis, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## {} {}\n", words::address(device), plain(&words::kind(device)))?;
    writeln!(out, "**{}**", plain(&told::headline(device)))?;
    if !told::is_failed(device) {
        return others(device, out);
    }
    let attempt = device.typical_attempt();
    let mut rows: Vec<(&str, String)> = Vec::new();
    let primary = device.primary();
    rows.push(match primary {
        Some(finding) => ("Cause", cause(finding)),
        None => ("Cause", plain(told::NO_CAUSE)),
    });
    if let Some(attempt) = attempt {
        rows.extend(told::ended(attempt).map(|ending| ("Ended by", plain(&ending))));
        rows.extend(attempt.screen.as_ref().map(|screen| ("Screen", plain(&format!("“{screen}”")))));
        rows.push(("Passed", plain(&told::passed(attempt).join(", "))));
        rows.push(("Not shown", plain(&told::not_shown(attempt).join("; "))));
    }
    match primary {
        Some(finding) => {
            rows.extend([("Why", prose(finding.why)), ("Fix", prose(&finding.fix))]);
            rows.extend(told::onward(device).map(|onward| ("Then", plain(&onward))));
        }
        None => rows.push(("Next", plain(told::NEXT_CAPTURE))),
    }
    rows.push(("Device", plain(&told::addresses(device))));
    writeln!(out)?;
    for (label, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "- **{label}:** {text}")?;
    }
    if let Some(finding) = primary {
        evidence(finding, out)?;
    }
    others(device, out)?;
    if let Some(attempt) = attempt {
        story(device, attempt, out)?;
    }
    writeln!(out, "\n### Wireshark\n")?;
    for (what, filter) in told::filters(device, attempt) {
        writeln!(out, "- {what}: {}", code(&filter))?;
    }
    Ok(())
}

fn cause(finding: &Finding) -> String {
    format!("{} ({}, {})", plain(&finding.summary), code(finding.code), words::sure(finding.confidence))
}

fn others(device: &DeviceAnalysis, out: &mut dyn Write) -> io::Result<()> {
    let others: Vec<&Finding> = device.findings.iter().filter(|finding| !finding.primary).collect();
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Also found\n")?;
    for finding in others {
        writeln!(out, "- {} Fix: {}", cause(finding), prose(&finding.fix))?;
    }
    Ok(())
}

fn evidence(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### Evidence\n\n| frame | what it shows | display filter |\n| --- | --- | --- |")?;
    for proof in &finding.evidence {
        writeln!(out, "| {} | {} | {} |", proof.frame, plain(&proof.text), in_cell(&code(&proof.display_filter)))?;
    }
    Ok(())
}

fn story(device: &DeviceAnalysis, attempt: &AttemptSummary, out: &mut dyn Write) -> io::Result<()> {
    let start = words::clock(attempt.first.time);
    writeln!(out, "\n### Attempt {} of {}, seconds from {start} UTC\n", attempt.number, device.attempts.len())?;
    writeln!(out, "| frame | seconds | stage | | peer | what |\n| ---: | ---: | --- | --- | --- | --- |")?;
    for moment in &attempt.timeline {
        let arrow = match moment.direction {
            Direction::Out => '→',
            Direction::In => '←',
            Direction::Silence => '…',
        };
        let seconds = moment.at.time.seconds_since(attempt.first.time);
        let text = plain(&moment.text);
        let text = if moment.decisive { format!("**ended here: {text}**") } else { text };
        writeln!(out, "| {} | {seconds:.3} | {} | {arrow} | {} | {text} |", moment.at.frame, moment.stage, plain(&moment.peer))?;
    }
    Ok(())
}

/// Text in which nothing is Markdown: visible, and with a backslash before whatever could begin something.
fn plain(text: &str) -> String {
    let visible = safe(text);
    let mut plain = String::with_capacity(visible.len());
    for c in visible.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' | '#' | '~' | '@' => {
                plain.push('\\');
                plain.push(c);
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// Sentences of ours that may hold such text, and commands between backticks.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { code(part) } else { plain(part) }).collect()
}

/// Text to copy: with a fence that is longer than any within.
fn code(text: &str) -> String {
    let visible = safe(text);
    let longest = visible.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1));
    let gap = if longest > 0 { " " } else { "" };
    format!("{fence}{gap}{visible}{gap}{fence}")
}

/// In a table even code may hold no bar.
fn in_cell(code: &str) -> String {
    code.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn markdown(analysis: &Analysis) -> String {
        let mut out = Vec::new();
        write(analysis, "field.pcapng", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_founding_loop() {
        insta::assert_snapshot!(markdown(&samples::founding_loop()));
    }

    #[test]
    fn nothing_from_the_wire_is_markdown() {
        assert_eq!(plain("[a](http://x) <b> `c` | ![d](e)"), "\\[a\\](http://x) &lt;b&gt; \\`c\\` \\| \\!\\[d\\](e)");
        assert_eq!(plain("a\nb\u{202e}"), "a\\\\u{a}b\\\\u{202e}");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert!(!markdown(&samples::hostile()).contains('\u{1b}'));
    }
}
