//! The report for people: short, the cause in the first lines, then what proves it. Everything can be read without colour.

use std::io::{self, Write};

use super::page::{Ink, Page};
use super::{told, words};
use crate::model::Verdict;
use crate::verdict::{Analysis, CaptureSummary, DeviceAnalysis};

mod device;
#[cfg(test)]
mod tests;

/// The width where nothing is known of the terminal.
pub const WIDTH: usize = 100;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// A line for each device.
    Quiet,
    /// The cause, what proves it, one attempt.
    #[default]
    Normal,
    /// All attempts, all findings, all evidence.
    Verbose,
}

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of a line; filters are never wrapped.
    pub width: usize,
    /// With colour?
    pub colour: bool,
    /// How much is said.
    pub detail: Detail,
    /// Is it one of several captures, so that each must say its name first?
    pub several: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: WIDTH, colour: false, detail: Detail::Normal, several: false }
    }
}

/// Writes the report on one capture.
pub fn write(analysis: &Analysis, path: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, options.width, options.colour);
    let order = told::by_urgency(&analysis.devices);
    let (others, logins): (Vec<_>, Vec<_>) = order.into_iter().partition(|device| device.verdict == Verdict::NoLogin);
    if options.detail == Detail::Quiet {
        return quiet(&mut page, analysis, path, options, &logins, others.len());
    }
    if options.several {
        page.line(&[(Ink::Strong, &format!("== {path} =="))])?;
        page.gap()?;
    }
    let dropped = |device: &&DeviceAnalysis| told::is_failed(device);
    for device in logins.iter().copied().filter(dropped) {
        device::in_full(&mut page, device, options.detail)?;
        page.gap()?;
    }
    let mut lines = false;
    for device in logins.iter().copied().filter(|device| !dropped(device)) {
        device::in_a_line(&mut page, device, options.detail)?;
        lines = true;
    }
    if logins.is_empty() {
        nothing_found(&mut page, analysis, path)?;
        lines = true;
    }
    lines |= no_logins(&mut page, &others, options.detail)?;
    if lines {
        page.gap()?;
    }
    capture(&mut page, &analysis.capture, path)
}

fn quiet(
    page: &mut Page<'_>,
    analysis: &Analysis,
    path: &str,
    options: &Options,
    logins: &[&DeviceAnalysis],
    others: usize,
) -> io::Result<()> {
    let prefix = if options.several { format!("{path}: ") } else { String::new() };
    for device in logins {
        device::quiet(page, &prefix, device)?;
    }
    if logins.is_empty() {
        let frames = words::counted(analysis.capture.frames as usize, "frame");
        let others = words::counted(others, "device");
        page.line(&[(Ink::Plain, &format!("{prefix}no login found in {frames} of {others}"))])?;
    }
    Ok(())
}

/// Nothing was found: what was looked at, and what to try.
fn nothing_found(page: &mut Page<'_>, analysis: &Analysis, path: &str) -> io::Result<()> {
    let capture = &analysis.capture;
    if capture.frames == 0 {
        page.line(&[(Ink::Strong, "No login found: "), (Ink::Plain, &format!("{path} holds no packets"))])?;
        return page.labelled(
            "Try",
            Ink::Plain,
            "capture again, at the phone's switch port, and stop only after the phone has failed twice",
        );
    }
    let frames = words::counted(capture.frames as usize, "frame");
    let looked = if analysis.devices.is_empty() {
        format!("nothing in {frames} is of a protocol that a login stands on (DHCP, ARP, DNS, NTP, HTTP, TLS, SIP)")
    } else {
        let devices = words::counted(analysis.devices.len(), "device");
        format!("{devices} in {frames}, and no exchange that belongs to a phone's login")
    };
    page.hanging("No login found: ", Ink::Strong, Ink::Plain, &looked)?;
    page.labelled(
        "Try",
        Ink::Plain,
        &format!(
            "`loginloop events {path}` shows what was decoded; a capture at the phone's switch port, begun before the phone is \
             plugged in, shows the whole login"
        ),
    )
}

/// Devices that show no login: a count, and the first of them.
fn no_logins(page: &mut Page<'_>, others: &[&DeviceAnalysis], detail: Detail) -> io::Result<bool> {
    const SHOWN: usize = 4;
    if others.is_empty() {
        return Ok(false);
    }
    let shown = if detail == Detail::Verbose { others.len() } else { SHOWN };
    let mut names: Vec<String> = others.iter().take(shown).map(|device| words::address(device)).collect();
    if let Some(more) = others.len().checked_sub(shown).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    let show = if others.len() == 1 { "shows" } else { "show" };
    let text = format!("{} {show} no login: {}", words::counted(others.len(), "device"), names.join(", "));
    page.hanging("", Ink::Plain, Ink::Faint, &text)?;
    if let Some(hint) = told::may_be_phone(others) {
        page.hanging("", Ink::Plain, Ink::Faint, &hint)?;
    }
    Ok(true)
}

/// The capture itself: what was read, and what it lacks.
fn capture(page: &mut Page<'_>, capture: &CaptureSummary, path: &str) -> io::Result<()> {
    page.labelled("Capture", Ink::Plain, &told::capture(capture, path))?;
    for line in told::shortcomings(capture) {
        page.under(Ink::Plain, &line)?;
    }
    Ok(())
}
