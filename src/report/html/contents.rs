//! What a page of several captures holds: a row each, with a link to it. It stands behind the last capture, since a page is
//! written while captures are still read; a link at the top leads to it.

use std::io::{self, Write};

use maud::{Markup, html};

use super::{Wire, badge, cause, place};
use crate::model::Verdict;
use crate::report::{told, words};
use crate::verdict::{Analysis, DeviceAnalysis};

/// Captures that get a row; of further ones only the number is told.
const ROWS: usize = 10_000;
/// Where on the page the table stands.
const PLACE: &str = "captures";

/// The rows of the captures that were written.
#[derive(Debug, Default)]
pub struct Contents {
    rows: Vec<String>,
    more: usize,
}

impl Contents {
    /// The number of the next capture.
    pub fn next(&self) -> usize {
        self.rows.len().saturating_add(self.more).saturating_add(1)
    }

    /// Takes note of a capture that was written.
    pub fn add(&mut self, analysis: &Analysis, path: &str) {
        if self.rows.len() < ROWS {
            self.rows.push(row(analysis, path, self.next()).into_string());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Writes the link that leads to the table.
    pub fn link(out: &mut dyn Write) -> io::Result<()> {
        let link = html! { nav { a href={ "#" (PLACE) } { "The captures of this page, a line each" } } };
        writeln!(out, "{}", link.into_string())
    }

    /// Writes the table.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let table = html! {
            section aria-labelledby=(PLACE) {
                h1 id=(PLACE) { "Captures of this page" }
                table.overview {
                    caption { "The device of each capture that needs help most" }
                    thead { tr {
                        th scope="col" { "Capture" } th scope="col" { "Logins" } th scope="col" { "Verdict" }
                        th scope="col" { "Ends in" } th scope="col" { "Cause" }
                    } }
                    tbody { @for row in &self.rows { (maud::PreEscaped(row)) } }
                }
                @if self.more > 0 { p.note { "and " (words::counted(self.more, "capture")) " more" } }
            }
        };
        writeln!(out, "{}", table.into_string())
    }
}

fn row(analysis: &Analysis, path: &str, number: usize) -> Markup {
    let devices = told::by_urgency(&analysis.devices);
    let logins: Vec<&DeviceAnalysis> = devices.into_iter().filter(|device| device.verdict != Verdict::NoLogin).collect();
    html! {
        tr {
            th scope="row" { a href={ "#" (place(number)) } { (Wire(path)) } }
            td.number { (logins.len()) }
            @match logins.first() {
                None => { td colspan="3" { "No login found." } },
                Some(device) => {
                    td { (badge(device)) }
                    td { (words::address(device)) ": " (Wire(&told::headline(device))) }
                    td { @if told::is_failed(device) { (cause(device)) } }
                },
            }
        }
    }
}
