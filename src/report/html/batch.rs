//! A batch as one page: what failed and how often, drawn; groups, fixes and captures as tables. The tables can be sorted by a
//! few lines of script in the page itself; without them it reads the same.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{Prose, STYLE, Wire, begin_with, chart, end};
use crate::report::{queries, told, words};
use crate::triage::{Digest, Group, Overview, Remedy};

/// Sorts tables.
const SCRIPT: &str = include_str!("sort.js");
/// Rows of the table of groups.
const GROUPS: usize = 500;
/// Rows of the table of captures.
pub const CAPTURES: usize = 2_000;
/// Logins of a capture in that table.
const LOGINS: usize = 16;
/// Files that could not be read, one by one.
const UNREAD: usize = 500;

/// A capture, as the page lists it.
#[derive(Debug)]
pub struct Line {
    path: String,
    /// Where its own page is.
    page: Option<String>,
    /// The cells of its logins, behind the path.
    logins: Vec<Markup>,
}

impl Line {
    /// The line of a capture.
    pub fn new(path: &str, digest: &Digest) -> Self {
        let begins = digest.first.map(|time| words::clock(crate::model::Time(time))).unwrap_or_default();
        let logins = digest.logins.iter().map(|login| {
            let stage = login.ended.as_ref().map(|ended| ended.stage.to_string()).unwrap_or_default();
            let cause = login.primary().filter(|_| login.ended.is_some()).map(|finding| finding.code.clone());
            [login.device().to_owned(), login.verdict.to_string(), stage, cause.unwrap_or_default()]
        });
        let mut logins: Vec<[String; 4]> = logins.take(LOGINS).collect();
        if digest.logins.len() > logins.len() {
            let more = format!("{} more", digest.logins.len().saturating_sub(logins.len()));
            logins.push([more, "in logins.csv".to_owned(), String::new(), String::new()]);
        }
        if logins.is_empty() {
            logins.push(["none", "no-login", "", ""].map(str::to_owned));
        }
        let logins = logins.iter().map(|login| cells(&begins, digest.frames, login)).collect();
        Self { path: path.to_owned(), page: None, logins }
    }

    /// The same, with the place of its page.
    pub fn on(self, page: Option<String>) -> Self {
        Self { page, ..self }
    }
}

/// Writes the page. `lines` are the first captures, at most [`CAPTURES`].
pub fn write(overview: &Overview, lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!("default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'", hash(STYLE), hash(SCRIPT));
    begin_with("triage", &policy, out)?;
    let sections = [
        ("fixes", fixes(overview)),
        ("groups", groups(overview)),
        ("unread", unread(overview)),
        ("captures", captures(overview, lines)),
        ("tables", tables()),
    ];
    let page = html! {
        header {
            h1 { "Triage of " (words::counted(overview.captures, "capture")) }
            p.headline { (told::batch(overview)) }
            (first_fix(overview))
            p.facts { (told::batch_extent(overview)) }
        }
        (charts(overview))
        @for (place, table) in sections {
            @if !table.0.is_empty() { section.scroll tabindex="0" aria-labelledby=(place) { (table) } }
        }
        script { (PreEscaped(SCRIPT)) }
    };
    writeln!(out, "{}", page.into_string())?;
    end(out)
}

/// Where to begin.
fn first_fix(overview: &Overview) -> Markup {
    let first = overview.fixes.first().filter(|one| one.fix.frees > 0);
    html! {
        @if let Some(Remedy { fix, .. }) = first {
            p { "One fix frees " (fix.frees) " of them: " a href="#fixes" { code { (Wire(&fix.need)) } } }
        }
    }
}

fn charts(overview: &Overview) -> Markup {
    html! {
        section.charts {
            (chart::bars("Failed logins by cause", "by-cause", &overview.causes))
            (chart::bars("Failed logins by the stage at which they drop", "by-stage", &overview.stages))
            (chart::bars("Failed logins by device family", "by-family", &overview.families))
            (chart::times("Failed logins by the day on which they began", "by-time", &overview.days))
        }
    }
}

fn fixes(overview: &Overview) -> Markup {
    let mut sum = 0_usize;
    html! {
        @if !overview.fixes.is_empty() {
            h2 id="fixes" { "What frees most devices" }
            p.facts { "In this order. A device is free when everything that it needs was put right: a fix that frees none by itself stands before the one that it needs beside it." }
            table.sortable {
                thead { tr { th scope="col" { "No." } th scope="col" { "Fix" } th scope="col" { "Frees" } th scope="col" { "Together" } th scope="col" { "What, in one case" } } }
                tbody {
                    @for (place, Remedy { fix, summary, how }) in overview.fixes.iter().enumerate() {
                        @let together = { sum = sum.saturating_add(fix.frees); sum };
                        tr {
                            td.number { (place.saturating_add(1)) }
                            th.fix scope="row" { code { (Wire(&fix.need)) } }
                            td.number { (fix.frees) }
                            td.number { (together) " of " (overview.failed) }
                            td { (Prose(summary)) details { summary { "What to do" } p { (Prose(how)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn groups(overview: &Overview) -> Markup {
    let more = overview.groups.len().saturating_sub(GROUPS);
    html! {
        @if !overview.groups.is_empty() {
            h2 id="groups" { "What failed alike" }
            table.sortable {
                thead { tr {
                    th scope="col" { "Devices" } th scope="col" { "Captures" } th scope="col" { "Cause" } th scope="col" { "Drops in" }
                    th scope="col" { "Family" } th scope="col" { "Fingerprint, clearest example, remedy" }
                } }
                tbody { @for group in overview.groups.iter().take(GROUPS) { (row(group)) } }
            }
            @if more > 0 { p { (words::counted(more, "further group")) " are in logins.csv, column fingerprint." } }
        }
    }
}

fn row(group: &Group) -> Markup {
    let example = &group.example;
    html! {
        tr {
            td.number { (group.devices) }
            td.number { (group.captures) }
            td { @match &group.code { Some(code) => { code { (code) } }, None => { "not found" } } }
            td { (group.stage) }
            td { (Wire(group.family.as_deref().unwrap_or("unknown"))) }
            td {
                code { (Wire(&group.fingerprint)) }
                p { (linked(&example.path, example.page.as_deref())) ", " (Wire(&example.device)) ", frame " (example.frame) }
                @if let Some(summary) = &example.summary { p { (Prose(summary)) } }
                @if let Some(fix) = &example.fix { details { summary { "What to do" } p { (Prose(fix)) } } }
            }
        }
    }
}

fn linked(path: &str, page: Option<&str>) -> Markup {
    html! {
        @match page {
            Some(page) => { a href=(page) { (Wire(path)) } },
            None => { (Wire(path)) },
        }
    }
}

fn unread(overview: &Overview) -> Markup {
    let more = overview.unread.len().saturating_sub(UNREAD);
    html! {
        @if !overview.unread.is_empty() {
            h2 id="unread" { "Not read" }
            table.sortable {
                thead { tr { th scope="col" { "File" } th scope="col" { "Why" } } }
                tbody {
                    @for unread in overview.unread.iter().take(UNREAD) {
                        tr { th scope="row" { (Wire(&unread.path)) } td { (Prose(&unread.error)) } }
                    }
                }
            }
            @if more > 0 { p { (words::counted(more, "further file")) " are in captures.csv." } }
        }
    }
}

fn captures(overview: &Overview, lines: &[Line]) -> Markup {
    let more = overview.captures.saturating_sub(lines.len());
    html! {
        h2 id="captures" { "Captures" }
        table.sortable {
            thead { tr {
                th scope="col" { "Capture" } th scope="col" { "Begins" } th scope="col" { "Frames" } th scope="col" { "Device" }
                th scope="col" { "Verdict" } th scope="col" { "Drops in" } th scope="col" { "Cause" }
            } }
            tbody {
                @for Line { path, page, logins } in lines {
                    @for login in logins { tr { th scope="row" { (linked(path, page.as_deref())) } (login) } }
                }
            }
        }
        @if more > 0 { p { (words::counted(more, "further capture")) " are in captures.csv and logins.csv; those with a login are told in the folder captures." } }
    }
}

/// What can be asked of the tables.
fn tables() -> Markup {
    html! {
        h2 id="tables" { "Ask the tables" }
        p.facts { "captures, logins and findings lie beside this page, each as Parquet and CSV. These are to be run in this folder." }
        @for (tool, text) in queries::all() {
            details { summary { (tool) } pre { code { (text) } } }
        }
    }
}

/// What is told of a login behind the path: device, verdict, where it ended, cause.
fn cells(begins: &str, frames: u64, [device, verdict, stage, cause]: &[String; 4]) -> Markup {
    html! {
        td { (begins) }
        td.number { (frames) }
        td { (Wire(device)) }
        td { (verdict) }
        td { (stage) }
        td { @if !cause.is_empty() { code { (cause) } } }
    }
}
