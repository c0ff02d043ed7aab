//! The chains that the device did not take: a card a certificate, and in it what the device can and cannot verify.

use maud::{Markup, html};

use super::Wire;
use crate::verdict::{Chain, Check, DeviceAnalysis, Drawn, RoleName};

pub(super) fn figures(device: &DeviceAnalysis, anchor: &str) -> Markup {
    html! {
        @for (number, chain) in device.chains.iter().enumerate() { (figure(chain, &format!("{anchor}-chain{number}"))) }
    }
}

fn figure(chain: &Chain, id: &str) -> Markup {
    html! {
        figure.certificates aria-labelledby=(id) {
            figcaption id=(id) {
                "Certificates of " (Wire(&chain.server)) " in frame " (chain.at.frame)
                @if let Some(wanted) = &chain.wanted { ", which had to cover " (wanted.to_string()) }
            }
            @for fault in &chain.faults { p.refused { "✗ " (Wire(fault)) } }
            ol.chain {
                @for (place, certificate) in chain.certificates.iter().enumerate() { (card(certificate, place)) }
            }
            @if !chain.role_names.is_empty() { (names(&chain.role_names)) }
        }
    }
}

/// The names of the SIP domain, and which of them the server's own certificate covers.
fn names(rows: &[RoleName]) -> Markup {
    html! {
        table {
            caption { "Names of the site that the server's own certificate covers, and those asked for" }
            thead { tr { th scope="col" { "Name" } th scope="col" { "Used for" } th scope="col" { "Covered" } th scope="col" { "Asked for" } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { code { (row.name.to_string()) } }
                        td { (row.role.map(|role| role.used_for).unwrap_or_default()) }
                        @if row.covered { td.verified { "✓ yes" } } @else { td.refused { "✗ no" } }
                        td { @if row.asked { "yes" } @else { "no" } }
                    }
                }
            }
        }
    }
}

fn card(certificate: &Drawn, place: usize) -> Markup {
    let text =
        |text: &Option<crate::text::WireText>| text.as_ref().map_or_else(|| "cannot be read".to_owned(), ToString::to_string);
    html! {
        li {
            h3 { (text(&certificate.subject)) }
            p.facts {
                @match (certificate.fetched_in, place) {
                    (Some(frame), _) => { "fetched by the device, frame " (frame) },
                    (None, 0) => { "the server's own" },
                    (None, _) => { "sent with it" },
                }
                "; issued by "
                @if certificate.issuer == certificate.subject { "itself" } @else { (text(&certificate.issuer)) }
            }
            ul { @for check in &certificate.checks { (line(check)) } }
            @if !certificate.names.is_empty() {
                details {
                    summary { "Names" }
                    p { @for name in &certificate.names { code { (name.to_string()) } " " } }
                }
            }
        }
    }
}

/// The mark says what the colour says.
fn line(check: &Check) -> Markup {
    let (class, mark) = match check.passes {
        Some(true) => ("verified", "✓ passes"),
        Some(false) => ("refused", "✗ refused"),
        None => ("facts", "not known"),
    };
    html! { li { (check.what.word()) ": " (Wire(&check.value)) " " span class=(class) { "(" (mark) ")" } } }
}
