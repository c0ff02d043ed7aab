//! All attempts of a device on one line of time: how long each took, where it ended, how regular they are.

use maud::{Markup, html};

use crate::login::steps::StageReport;
use crate::model::{Outcome, Stage};
use crate::report::words;
use crate::verdict::{AttemptSummary, DeviceAnalysis};

/// Attempts that are drawn: with more, bars are thinner than a line.
const DRAWN: usize = 200;
/// Width of the line of time.
const WIDTH: f64 = 900.0;

pub(super) fn figure(device: &DeviceAnalysis, anchor: &str) -> Markup {
    let attempts = device.attempts.get(..DRAWN.min(device.attempts.len())).unwrap_or_default();
    let (Some(first), Some(last)) = (attempts.first(), attempts.last()) else { return html! {} };
    if attempts.len() < 2 {
        return html! {};
    }
    let length = last.last.time.seconds_since(first.first.time).max(0.001);
    let place = |attempt: &AttemptSummary| {
        let from = attempt.first.time.seconds_since(first.first.time) / length * WIDTH;
        let to = attempt.last.time.seconds_since(first.first.time) / length * WIDTH;
        (from, (to - from).max(2.0))
    };
    let id = format!("{anchor}-attempts");
    html! {
        figure.attempts {
            figcaption {
                "Attempts from " (words::clock(first.first.time)) " UTC, over " (words::seconds(length))
                @if device.attempts.len() > DRAWN { " (the first " (DRAWN) ")" }
            }
            div.scroll tabindex="0" role="group" aria-label="Attempts over time" {
                svg id=(id) width="940" height="74" viewBox="-20 0 940 74" role="img" aria-labelledby={ (id) "-t" }
                    font-family="system-ui, sans-serif" font-size="12" fill="currentColor" {
                    title id={ (id) "-t" } { (words::counted(attempts.len(), "attempt")) ", one after the other" }
                    line x1="0" y1="52" x2="900" y2="52" stroke="currentColor" stroke-opacity="0.4" {}
                    @for attempt in attempts {
                        @let (from, wide) = place(attempt);
                        g class=[class(attempt)] {
                            title { (told(attempt)) }
                            rect x=(format!("{from:.1}")) y="22" width=(format!("{wide:.1}")) height="30" fill-opacity="0.35" stroke="currentColor" {}
                            @if wide > 16.0 || attempts.len() < 30 { text x=(format!("{:.1}", from + 3.0)) y="16" { (attempt.number) @if attempt.drop.is_some() { "✗" } } }
                        }
                    }
                    text x="0" y="70" { "0 s" }
                    text x="900" y="70" text-anchor="end" { (words::seconds(length)) }
                }
            }
        }
    }
}

/// Good is what came to the registrar's answer or beyond; of what the capture cut off nobody knows.
fn class(attempt: &AttemptSummary) -> Option<&'static str> {
    let signs_in = |stage: &StageReport| matches!(stage.stage, Stage::Register | Stage::Session) && stage.outcome == Outcome::Ok;
    match attempt.drop {
        Some(_) => Some("dropped"),
        None => attempt.stages.iter().any(signs_in).then_some("went-on"),
    }
}

fn told(attempt: &AttemptSummary) -> String {
    let frames = format!("attempt {}, frames {} to {}", attempt.number, attempt.first.frame, attempt.last.frame);
    match &attempt.drop {
        Some(drop) => format!("{frames}: ended by {}, in {}", words::ending(drop, None), drop.stage),
        None => frames,
    }
}
