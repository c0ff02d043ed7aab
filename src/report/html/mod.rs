//! The report as one HTML page: nothing is fetched, no script is needed, and it can be printed. Whatever came by wire is
//! made visible by `Wire` before it is escaped.

use std::io::{self, Write};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use super::page::safe;
use super::{told, words};
use crate::model::Verdict;
use crate::text::every;
use crate::verdict::{Analysis, DeviceAnalysis};

mod attempts;
pub mod batch;
mod chain;
mod chart;
pub mod contents;
mod device;
mod ladder;
#[cfg(test)]
mod tests;

/// The look; in the page, so that the page stands alone.
const STYLE: &str = include_str!("style.css");
/// Devices without a login that are named.
const WITHOUT_LOGIN: usize = 16;

/// Text that came by wire, or may hold such text.
struct Wire<'a>(&'a str);

impl Render for Wire<'_> {
    fn render_to(&self, buffer: &mut String) {
        let text = safe(self.0);
        if every(&text, |byte| !matches!(byte, b'&' | b'<' | b'>' | b'"')) {
            return buffer.push_str(&text);
        }
        let mut rest = text.as_ref();
        while let Some((place, named)) = rest.bytes().enumerate().find_map(|(place, byte)| Some((place, named(byte)?))) {
            let (plain, behind) = rest.split_at_checked(place).unwrap_or_default();
            buffer.push_str(plain);
            buffer.push_str(named);
            rest = behind.get(1..).unwrap_or_default();
        }
        buffer.push_str(rest);
    }
}

/// What stands for a character that HTML takes for its own, in text and in attributes.
fn named(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    }
}

/// Sentences of ours that may hold such text, and commands between backticks.
struct Prose<'a>(&'a str);

impl Render for Prose<'_> {
    fn render_to(&self, buffer: &mut String) {
        for (place, part) in self.0.split('`').enumerate() {
            let is_command = place % 2 == 1;
            buffer.push_str(if is_command { "<code>" } else { "" });
            Wire(part).render_to(buffer);
            buffer.push_str(if is_command { "</code>" } else { "" });
        }
    }
}

/// Writes what stands before the first capture.
pub fn begin(title: &str, out: &mut dyn Write) -> io::Result<()> {
    begin_with(title, &POLICY, out)
}

/// What a page may do: one that says so is as safe in a ticket system as on a disk.
static POLICY: LazyLock<String> =
    LazyLock::new(|| format!("default-src 'none'; style-src 'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

/// The same, with another policy.
fn begin_with(title: &str, policy: &str, out: &mut dyn Write) -> io::Result<()> {
    let head = html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="color-scheme" content="light dark";
            title { "loginloop: " (Wire(title)) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>\n<main>"))
    };
    writeln!(out, "{}", head.into_string())
}

/// Writes one capture. `number` tells it from the others of the page.
pub fn capture(analysis: &Analysis, path: &str, number: usize, out: &mut dyn Write) -> io::Result<()> {
    let top = html! {
        header {
            h1 id=(place(number)) { (Wire(path)) }
            p.facts { (Wire(&told::capture(&analysis.capture, path))) }
            (shortcomings(analysis))
        }
    };
    write!(out, "{}", top.into_string())?;
    devices(analysis, number, out)
}

/// Writes one capture whose content this is, below its path.
pub fn put(path: &str, number: usize, content: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let top = html! { h1 id=(place(number)) { (Wire(path)) } };
    write!(out, "{}", top.into_string())?;
    out.write_all(content)
}

/// Where on its page the capture of this number stands.
pub fn place(number: usize) -> String {
    format!("c{number}")
}

/// Writes what a page tells of a capture below its path: the same wherever the same bytes lie.
pub fn content(analysis: &Analysis, number: usize, out: &mut dyn Write) -> io::Result<()> {
    let top = html! {
        header { p.facts { (Wire(&told::extent(&analysis.capture))) } (shortcomings(analysis)) }
    };
    write!(out, "{}", top.into_string())?;
    devices(analysis, number, out)
}

fn shortcomings(analysis: &Analysis) -> Markup {
    html! { @for line in told::shortcomings(&analysis.capture) { p.note { (Wire(&line)) } } }
}

fn devices(analysis: &Analysis, number: usize, out: &mut dyn Write) -> io::Result<()> {
    let order = told::by_urgency(&analysis.devices);
    let (others, logins): (Vec<_>, Vec<_>) = order.into_iter().partition(|device| device.verdict == Verdict::NoLogin);
    let all = html! {
        (overview(&logins, number))
        @if !others.is_empty() { (without_login(&others)) }
    };
    out.write_all(all.into_string().as_bytes())?;
    for (index, device) in logins.iter().enumerate() {
        out.write_all(b"\n")?;
        out.write_all(device::section(device, &anchor(number, index), &place(number)).into_string().as_bytes())?;
    }
    out.write_all(b"\n")?;
    Ok(())
}

/// Writes what stands after the last capture.
pub fn end(out: &mut dyn Write) -> io::Result<()> {
    let foot = html! {
        (PreEscaped("</main>"))
        footer { p { "Made by loginloop " (env!("CARGO_PKG_VERSION")) ". Frame numbers are Wireshark's; times are UTC." } }
        (PreEscaped("</body>\n</html>"))
    };
    writeln!(out, "{}", foot.into_string())
}

/// Where a device stands on the page.
fn anchor(capture: usize, device: usize) -> String {
    format!("c{capture}-d{device}")
}

/// All devices that logged in or tried to, a row each.
fn overview(devices: &[&DeviceAnalysis], number: usize) -> Markup {
    html! {
        @if devices.is_empty() {
            p { strong { "No login found." } " No device in this capture did what belongs to a phone's login." }
        } @else {
            table.overview {
                caption { "Devices" }
                thead { tr { th scope="col" { "Device" } th scope="col" { "Verdict" } th scope="col" { "Ends in" } th scope="col" { "Cause" } } }
                tbody {
                    @for (index, device) in devices.iter().enumerate() {
                        tr {
                            th scope="row" { a href={ "#" (anchor(number, index)) } { (words::address(device)) } br; (Wire(&words::kind(device))) }
                            td { (badge(device)) }
                            td { (Wire(&told::headline(device))) }
                            td { @if told::is_failed(device) { (cause(device)) } }
                        }
                    }
                }
            }
        }
    }
}

fn cause(device: &DeviceAnalysis) -> Markup {
    html! {
        @match device.primary() {
            Some(finding) => { code { (finding.code) } " (" (words::sure(finding.confidence)) ")" },
            None => { "not found" },
        }
    }
}

/// The verdict in a word; the colour only repeats it.
fn badge(device: &DeviceAnalysis) -> Markup {
    let class = match device.verdict {
        Verdict::Loop | Verdict::Dropped => "bad",
        Verdict::SignedIn => "good",
        Verdict::Incomplete | Verdict::NoLogin => "plain",
    };
    html! { span class={ "badge " (class) } { (device.verdict.to_string()) } }
}

fn without_login(others: &[&DeviceAnalysis]) -> Markup {
    let shown: Vec<String> = others.iter().take(WITHOUT_LOGIN).map(|device| words::address(device)).collect();
    html! {
        p.facts {
            (words::counted(others.len(), "device")) " without a login: " (shown.join(", "))
            @if others.len() > shown.len() { " and " (others.len().saturating_sub(shown.len())) " more" }
        }
        @if let Some(hint) = told::may_be_phone(others) { p.facts { (hint) } }
    }
}
