//! One device: in a line, or in full.

use std::io;

use super::Detail;
use crate::login::timeline::{Direction, Moment};
use crate::model::{Evidence, Frame, Verdict};
use crate::report::page::{Ink, Page, columns, safe};
use crate::report::{told, words};
use crate::verdict::{AttemptSummary, DeviceAnalysis, Finding};

/// Columns for the other side of a moment.
const PEER: usize = 26;
/// Marks of its family shown unless all is asked for.
const MARKS: usize = 2;
/// Columns before the further lines of a device's first lines.
const INDENT: usize = 4;
/// Evidence shown unless all is asked for.
const EVIDENCE: usize = 5;

/// One line of facts, easy to grep.
pub(super) fn quiet(page: &mut Page<'_>, prefix: &str, device: &DeviceAnalysis) -> io::Result<()> {
    let mut facts = vec![format!("{prefix}{}", words::address(device)), device.verdict.to_string()];
    match device.primary() {
        Some(finding) => facts.push(format!("{} ({})", finding.code, words::sure(finding.confidence))),
        None if told::is_failed(device) => facts.push("cause unknown".to_owned()),
        None => {}
    }
    if let Some(repeats) = &device.repeats {
        facts.push(format!("{} attempts, every {}", repeats.attempts, words::seconds(repeats.period_s)));
    }
    let attempt = device.typical_attempt().filter(|_| told::is_failed(device));
    if let Some(drop) = attempt.and_then(|attempt| attempt.drop) {
        facts.push(format!("{} {} {} in frame {}", drop.stage, drop.by, drop.how, drop.at.frame));
    }
    page.line(&[(Ink::Plain, &facts.join("  "))])
}

/// A device that did not drop.
pub(super) fn in_a_line(page: &mut Page<'_>, device: &DeviceAnalysis, detail: Detail) -> io::Result<()> {
    let mut text = told::headline(device);
    if !device.findings.is_empty() && detail != Detail::Verbose {
        let codes: Vec<&str> = device.findings.iter().map(|finding| finding.code).collect();
        text.push_str(&format!("; also seen: {}", codes.join(", ")));
    }
    let ink = if device.verdict == Verdict::SignedIn { Ink::Good } else { Ink::Plain };
    let start = format!("{}  {}  ", words::address(device), words::kind(device));
    page.broken(&start, Ink::Strong, ink, &text, INDENT)?;
    if detail == Detail::Verbose {
        about(page, device, detail)?;
        for finding in &device.findings {
            full_finding(page, "Also", finding)?;
        }
        for attempt in &device.attempts {
            timeline(page, device, attempt)?;
        }
        page.gap()?;
    }
    Ok(())
}

/// A device that loops or dropped.
pub(super) fn in_full(page: &mut Page<'_>, device: &DeviceAnalysis, detail: Detail) -> io::Result<()> {
    let start = format!("{}  {}  ", words::address(device), words::kind(device));
    page.broken(&start, Ink::Strong, Ink::Bad, &told::headline(device), INDENT)?;
    let primary = device.primary();
    match primary {
        Some(finding) => {
            let sure = words::sure(finding.confidence);
            page.labelled("Cause", Ink::Strong, &format!("{}  ({}, {sure})", finding.summary, finding.code))?;
        }
        None => page.labelled("Cause", Ink::Strong, told::NO_CAUSE)?,
    }
    let attempt = device.typical_attempt();
    if let Some(attempt) = attempt {
        ended(page, attempt)?;
    }
    match primary {
        Some(finding) => {
            if detail == Detail::Verbose {
                page.labelled("Why", Ink::Plain, finding.why)?;
            }
            page.labelled("Fix", Ink::Plain, &finding.fix)?;
            if let Some(onward) = told::onward(device) {
                page.labelled("Then", Ink::Plain, &onward)?;
            }
        }
        None => page.labelled("Next", Ink::Plain, told::NEXT_CAPTURE)?,
    }
    if let Some(finding) = primary {
        evidence(page, finding, attempt, detail)?;
    }
    names(page, device)?;
    also(page, device, detail)?;
    about(page, device, detail)?;
    if detail == Detail::Verbose {
        for attempt in &device.attempts {
            timeline(page, device, attempt)?;
        }
        if !device.attempts.is_empty() {
            page.gap()?;
        }
    } else if let Some(attempt) = attempt {
        timeline(page, device, attempt)?;
        page.gap()?;
    }
    filters(page, device, attempt)?;
    match primary {
        Some(finding) if detail != Detail::Verbose => page.labelled(
            "More",
            Ink::Plain,
            &format!("`loginloop explain {}` for what this means and what looks like it; -v for every attempt", finding.code),
        ),
        _ => Ok(()),
    }
}

fn ended(page: &mut Page<'_>, attempt: &AttemptSummary) -> io::Result<()> {
    let Some(ending) = told::ended(attempt) else { return Ok(()) };
    page.labelled("Ended by", Ink::Plain, &ending)?;
    if let Some(screen) = &attempt.screen {
        page.labelled("Screen", Ink::Plain, &format!("\"{screen}\""))?;
    }
    let passed = told::passed(attempt);
    if !passed.is_empty() {
        page.labelled("Passed", Ink::Plain, &passed.join(", "))?;
    }
    let not_shown = told::not_shown(attempt);
    if not_shown.is_empty() { Ok(()) } else { page.labelled("Not shown", Ink::Plain, &not_shown.join("; ")) }
}

/// Addresses, and by what the family was recognised.
fn about(page: &mut Page<'_>, device: &DeviceAnalysis, detail: Detail) -> io::Result<()> {
    let mut text = told::addresses(device);
    if !device.profile_evidence.is_empty() {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let shown = if detail == Detail::Verbose { usize::MAX } else { MARKS };
        let marks: Vec<&str> = device.profile_evidence.iter().take(shown).map(String::as_str).collect();
        text.push_str(&format!("recognised by {}", marks.join(", ")));
    }
    if text.is_empty() { Ok(()) } else { page.labelled("Device", Ink::Plain, &text) }
}

fn also(page: &mut Page<'_>, device: &DeviceAnalysis, detail: Detail) -> io::Result<()> {
    let mut label = "Also";
    for finding in device.findings.iter().filter(|finding| !finding.primary) {
        if detail == Detail::Verbose {
            full_finding(page, label, finding)?;
            continue;
        }
        let text = format!("{}  ({}, {})", finding.summary, finding.code, words::sure(finding.confidence));
        if label.is_empty() {
            page.under(Ink::Plain, &text)?;
        } else {
            page.labelled(label, Ink::Plain, &text)?;
        }
        label = "";
    }
    Ok(())
}

fn full_finding(page: &mut Page<'_>, label: &str, finding: &Finding) -> io::Result<()> {
    let label = if label.is_empty() { "Also" } else { label };
    page.labelled(label, Ink::Plain, &format!("{}  ({}, {})", finding.summary, finding.code, words::sure(finding.confidence)))?;
    page.under(Ink::Plain, &format!("Why: {}", finding.why))?;
    page.under(Ink::Plain, &format!("Fix: {}", finding.fix))?;
    evidence(page, finding, None, Detail::Verbose)
}

/// What proves a finding: unless all is asked for, only what lies in the attempt that is told.
fn evidence(page: &mut Page<'_>, finding: &Finding, attempt: Option<&AttemptSummary>, detail: Detail) -> io::Result<()> {
    let is_told = |frame: Frame| attempt.is_none_or(|attempt| (attempt.first.frame..=attempt.last.frame).contains(&frame));
    let all: Vec<&Evidence> = finding.evidence.iter().collect();
    let told: Vec<&Evidence> = all.iter().copied().filter(|evidence| is_told(evidence.frame)).collect();
    let (shown, limit) = match detail {
        Detail::Verbose => (&all, usize::MAX),
        _ if told.is_empty() => (&all, EVIDENCE),
        _ => (&told, EVIDENCE),
    };
    let mut label = if finding.primary { "Evidence" } else { "" };
    for evidence in shown.iter().take(limit) {
        let text = format!("frame {}: {}", evidence.frame, evidence.text);
        if label.is_empty() {
            page.under(Ink::Plain, &text)?;
        } else {
            page.labelled(label, Ink::Plain, &text)?;
        }
        page.copyable("", &format!("  {}", evidence.display_filter))?;
        label = "";
    }
    match all.len().checked_sub(shown.len().min(limit)) {
        Some(more) if more > 0 => page.under(Ink::Faint, &format!("{more} more with -v")),
        _ => Ok(()),
    }
}

/// The names of the site, where a certificate misses one that was asked for.
fn names(page: &mut Page<'_>, device: &DeviceAnalysis) -> io::Result<()> {
    for chain in device.chains.iter().filter(|chain| !chain.role_names.is_empty()) {
        page.labelled("Names", Ink::Plain, &format!("is it in the certificate of {}?", chain.server))?;
        for row in &chain.role_names {
            let (ink, covered) = if row.covered { (Ink::Plain, "yes") } else { (Ink::Bad, "NO") };
            let asked = if row.asked { ", asked for" } else { "" };
            let role = row.role.map(|role| format!(" ({})", role.used_for)).unwrap_or_default();
            page.under(ink, &format!("{}: {covered}{asked}{role}", row.name))?;
        }
    }
    Ok(())
}

/// The story of one attempt.
fn timeline(page: &mut Page<'_>, device: &DeviceAnalysis, attempt: &AttemptSummary) -> io::Result<()> {
    let of = device.attempts.len();
    let which = if of == 1 { "The attempt".to_owned() } else { format!("Attempt {} of {of}", attempt.number) };
    let frames = format!("frames {} to {}", attempt.first.frame, attempt.last.frame);
    let cause = attempt.primary_cause.map_or_else(String::new, |code| format!(", {code}"));
    let ending = match &attempt.drop {
        Some(drop) => format!(", ended in {} at frame {}{cause}", drop.stage, drop.at.frame),
        None => String::new(),
    };
    let start = words::clock(attempt.first.time);
    if attempt.timeline.is_empty() {
        let text = format!("{which} went like an earlier one: {frames}, from {start} UTC{ending}");
        return page.broken("", Ink::Plain, Ink::Faint, &text, INDENT);
    }
    page.gap()?;
    page.line(&[(Ink::Strong, &which), (Ink::Faint, &format!(" ({frames}; seconds from {start} UTC)"))])?;
    let peers = attempt.timeline.iter().map(|moment| columns(&moment.peer)).max().unwrap_or_default().min(PEER);
    let mut stage = None;
    for moment in &attempt.timeline {
        let name = if stage == Some(moment.stage) { "" } else { moment.stage.word() };
        stage = Some(moment.stage);
        line(page, attempt, moment, name, peers)?;
    }
    Ok(())
}

fn line(page: &mut Page<'_>, attempt: &AttemptSummary, moment: &Moment, stage: &str, peers: usize) -> io::Result<()> {
    let mark = if moment.decisive { ">>" } else { "  " };
    let arrow = match moment.direction {
        Direction::Out => '→',
        Direction::In => '←',
        Direction::Silence => '…',
    };
    let seconds = moment.at.time.seconds_since(attempt.first.time);
    let peer = safe(&moment.peer);
    let start = format!("{mark} {:>6} {seconds:>8.3}  {stage:<9} {arrow} {peer:<peers$}  ", moment.at.frame.number());
    let ink = if moment.decisive { Ink::Bad } else { Ink::Plain };
    page.hanging(&start, if moment.decisive { Ink::Bad } else { Ink::Plain }, ink, &moment.text)
}

/// Filters to paste into Wireshark.
fn filters(page: &mut Page<'_>, device: &DeviceAnalysis, attempt: Option<&AttemptSummary>) -> io::Result<()> {
    let filters = told::filters(device, attempt);
    let width = filters.iter().map(|(what, _)| columns(what)).max().unwrap_or_default();
    let mut label = "Wireshark";
    for (what, filter) in filters {
        page.copyable(label, &format!("{what:<width$}  {filter}"))?;
        label = "";
    }
    Ok(())
}
