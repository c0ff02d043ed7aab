//! One device: what is told first, then what proves it, then the rest folded.

use maud::{Markup, html};

use super::{Prose, Wire, attempts, badge, chain, ladder};
use crate::report::{told, words};
use crate::verdict::{AttemptSummary, DeviceAnalysis, Finding};

/// Attempts listed one by one.
const LISTED: usize = 100;

/// `capture` is where its capture's title stands: the same device may be on the page once more, in another capture.
pub(super) fn section(device: &DeviceAnalysis, anchor: &str, capture: &str) -> Markup {
    let attempt = device.typical_attempt();
    let shown = attempt.or_else(|| device.attempts.iter().rfind(|attempt| !attempt.timeline.is_empty()));
    html! {
        section.device id=(anchor) aria-labelledby={ (anchor) "-title " (capture) } {
            h2 id={ (anchor) "-title" } { (words::address(device)) " " span.kind { (Wire(&words::kind(device))) } " " (badge(device)) }
            p.headline { (Wire(&told::headline(device))) }
            @if told::is_failed(device) { (answer(device, attempt)) }
            (about(device))
            (attempts::figure(device, anchor))
            @if let Some(attempt) = shown { (ladder::figure(device, attempt, anchor)) }
            (chain::figures(device, anchor))
            @if let Some(finding) = device.primary() { (evidence(finding)) }
            (filters(device, attempt))
            (also(device))
            (all_attempts(device, shown, anchor))
        }
    }
}

/// Cause, end, remedy: what most people read, and nothing else.
fn answer(device: &DeviceAnalysis, attempt: Option<&AttemptSummary>) -> Markup {
    let primary = device.primary();
    let row = |label: &str, text: &str| html! { dt { (label) } dd { (Prose(text)) } };
    html! {
        dl.answer {
            dt { "Cause" }
            dd.cause {
                @match primary {
                    Some(finding) => { (Wire(&finding.summary)) " (" code { (finding.code) } ", " (words::sure(finding.confidence)) ")" },
                    None => { (told::NO_CAUSE) },
                }
            }
            @if let Some(attempt) = attempt {
                @if let Some(ending) = told::ended(attempt) { (row("Ended by", &ending)) }
                @if let Some(screen) = &attempt.screen { (row("Screen", &format!("“{screen}”"))) }
                @let passed = told::passed(attempt);
                @if !passed.is_empty() { (row("Passed", &passed.join(", "))) }
                @let not_shown = told::not_shown(attempt);
                @if !not_shown.is_empty() { (row("Not shown", &not_shown.join("; "))) }
            }
            @match primary {
                Some(finding) => {
                    (row("Why", finding.why)) (row("Fix", &finding.fix))
                    @if let Some(onward) = told::onward(device) { dt { "Then" } dd { (Wire(&onward)) } }
                },
                None => { (row("Next", told::NEXT_CAPTURE)) },
            }
        }
    }
}

fn about(device: &DeviceAnalysis) -> Markup {
    let addresses = told::addresses(device);
    html! {
        p.facts {
            (addresses)
            @if !device.profile_evidence.is_empty() {
                @if !addresses.is_empty() { "; " }
                "recognised by "
                (Wire(&device.profile_evidence.join(", ")))
            }
        }
    }
}

/// The frames that prove a finding, each with a filter to paste.
fn evidence(finding: &Finding) -> Markup {
    html! {
        table.evidence {
            caption { "Evidence for " code { (finding.code) } }
            thead { tr { th scope="col" { "Frame" } th scope="col" { "What it shows" } th scope="col" { "Display filter" } } }
            tbody {
                @for proof in &finding.evidence {
                    tr { td.number { (proof.frame) } td { (Wire(&proof.text)) } td { code { (Wire(&proof.display_filter)) } } }
                }
            }
        }
    }
}

fn filters(device: &DeviceAnalysis, attempt: Option<&AttemptSummary>) -> Markup {
    html! {
        table.filters {
            caption { "To paste into Wireshark" }
            tbody {
                @for (what, filter) in told::filters(device, attempt) {
                    tr { th scope="row" { (what) } td { code { (filter) } } }
                }
            }
        }
    }
}

/// What else was found.
fn also(device: &DeviceAnalysis) -> Markup {
    let others = || device.findings.iter().filter(|finding| !finding.primary);
    html! {
        @if others().next().is_some() {
            h3 { "Also found" }
            @for finding in others() {
                details {
                    summary { (Wire(&finding.summary)) " (" code { (finding.code) } ", " (words::sure(finding.confidence)) ")" }
                    p { (Prose(finding.why)) }
                    p { strong { "Fix: " } (Prose(&finding.fix)) }
                    (evidence(finding))
                }
            }
        }
    }
}

/// Every attempt, a row each; those that went otherwise than the one shown have their own diagram, folded.
fn all_attempts(device: &DeviceAnalysis, shown: Option<&AttemptSummary>, anchor: &str) -> Markup {
    let others = device
        .attempts
        .iter()
        .filter(|attempt| !attempt.timeline.is_empty() && shown.map(|one| one.number) != Some(attempt.number));
    html! {
        @if device.attempts.len() > 1 {
            details {
                summary { "All " (words::counted(device.attempts.len(), "attempt")) }
                table {
                    thead { tr { th scope="col" { "No." } th scope="col" { "Begins" } th scope="col" { "Frames" } th scope="col" { "Ended" } th scope="col" { "Cause" } } }
                    tbody {
                        @for attempt in device.attempts.iter().take(LISTED) {
                            tr {
                                td.number { (attempt.number) }
                                td { (words::clock(attempt.first.time)) }
                                td { (attempt.first.frame) " to " (attempt.last.frame) }
                                td { @match &attempt.drop { Some(drop) => { (words::ending(drop, None)) ", in " (drop.stage) }, None => { "no" } } }
                                td { @if let Some(code) = attempt.primary_cause { code { (code) } } }
                            }
                        }
                    }
                }
                @if device.attempts.len() > LISTED { p { (device.attempts.len().saturating_sub(LISTED)) " more are in the JSON." } }
            }
        }
        @for attempt in others {
            details { summary { "Attempt " (attempt.number) " went another way" } (ladder::figure(device, attempt, anchor)) }
        }
    }
}
