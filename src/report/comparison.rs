//! Two logins side by side: for people, and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::page::{Ink, Page};
use super::{told, visible, words};
use crate::comparison::{Comparison, Difference, Story};
use crate::login::timeline::Moment;
use crate::model::Frame;

/// Values of one side that are shown on a line.
const VALUES: usize = 4;

/// Writes it for people. Each story comes with what its capture is called.
pub fn text(
    healthy: (&str, &Story),
    failing: (&str, &Story),
    comparison: &Comparison<'_>,
    width: usize,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    for (label, (path, story)) in [("Healthy", healthy), ("Failing", failing)] {
        let device = &story.device;
        let text = format!("{path}: {}  {}  {}", words::address(device), words::kind(device), told::headline(device));
        page.labelled(label, Ink::Strong, &text)?;
    }
    page.gap()?;
    match &comparison.parting {
        None => page.line(&[(Ink::Strong, "They do not part: each stage that both show ended alike.")])?,
        Some(parting) => {
            let (good, bad) = parting.outcomes;
            page.line(&[(
                Ink::Bad,
                &format!("They part at {}: {good} in the healthy login, {bad} in the failing one", words::stage(parting.stage)),
            )])?;
            moments(&mut page, "Healthy", &parting.healthy)?;
            moments(&mut page, "Failing", &parting.failing)?;
            if let Some(finding) = failing.1.device.primary() {
                page.labelled("Cause", Ink::Strong, &format!("{}  ({})", finding.summary, finding.code))?;
            }
        }
    }
    page.gap()?;
    differences(&mut page, &comparison.differences)
}

fn moments(page: &mut Page<'_>, label: &str, moments: &[&Moment]) -> io::Result<()> {
    let mut label = label;
    for moment in moments {
        let ink = if moment.decisive { Ink::Bad } else { Ink::Plain };
        let text = format!("frame {:>5}  {}  {}", moment.at.frame.number(), moment.peer, moment.text);
        if label.is_empty() {
            page.under(ink, &text)?
        } else {
            page.labelled(label, ink, &text)?
        }
        label = "";
    }
    if moments.is_empty() { page.labelled(label, Ink::Faint, "nothing of this stage") } else { Ok(()) }
}

fn differences(page: &mut Page<'_>, differences: &[Difference]) -> io::Result<()> {
    if differences.is_empty() {
        return page.line(&[(Ink::Plain, "Nothing that both did was different.")]);
    }
    page.line(&[(Ink::Strong, "What was different up to there:")])?;
    let mut subject = "";
    for difference in differences {
        if subject != difference.subject {
            subject = &difference.subject;
            page.line(&[(Ink::Plain, &format!("  {subject}"))])?;
        }
        page.hanging("    ", Ink::Plain, Ink::Plain, &difference.key)?;
        page.hanging("      healthy  ", Ink::Faint, Ink::Good, &side(difference.healthy.as_ref()))?;
        page.hanging("      failing  ", Ink::Faint, Ink::Bad, &side(difference.failing.as_ref()))?;
    }
    Ok(())
}

fn side(values: Option<&(Vec<String>, Frame)>) -> String {
    let Some((values, frame)) = values else { return "-".to_owned() };
    let shown: Vec<&str> = values.iter().take(VALUES).map(String::as_str).collect();
    let more = values.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} (frame {frame})", shown.join(", "))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    healthy: Login<'a>,
    failing: Login<'a>,
    parting: Option<Part<'a>>,
    differences: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Login<'a> {
    path: &'a str,
    device: String,
    verdict: String,
    primary_cause: Option<&'static str>,
}

#[derive(Serialize)]
struct Part<'a> {
    stage: crate::model::Stage,
    healthy: Step<'a>,
    failing: Step<'a>,
}

#[derive(Serialize)]
struct Step<'a> {
    outcome: crate::model::Outcome,
    moments: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    frame: Frame,
    peer: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    subject: &'a str,
    key: &'a str,
    healthy: Option<Values<'a>>,
    failing: Option<Values<'a>>,
}

#[derive(Serialize)]
struct Values<'a> {
    frame: Frame,
    values: &'a [String],
}

impl<'a> Login<'a> {
    fn new((path, story): (&'a str, &'a Story)) -> Self {
        let device = &story.device;
        let primary_cause = device.primary().map(|finding| finding.code);
        Self { path, device: words::address(device), verdict: device.verdict.to_string(), primary_cause }
    }
}

impl<'a> Step<'a> {
    fn new(outcome: crate::model::Outcome, moments: &[&'a Moment]) -> Self {
        let told = |moment: &&'a Moment| Told { frame: moment.at.frame, peer: &moment.peer, text: &moment.text };
        Self { outcome, moments: moments.iter().map(told).collect() }
    }
}

impl<'a> Line<'a> {
    fn new(difference: &'a Difference) -> Self {
        fn values<'a>(side: &'a Option<(Vec<String>, Frame)>) -> Option<Values<'a>> {
            side.as_ref().map(|(values, frame)| Values { frame: *frame, values })
        }
        Self {
            subject: &difference.subject,
            key: &difference.key,
            healthy: values(&difference.healthy),
            failing: values(&difference.failing),
        }
    }
}

/// Writes it for programs, indented.
pub fn json(
    healthy: (&str, &Story),
    failing: (&str, &Story),
    comparison: &Comparison<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let document = Document {
        schema: "loginloop-comparison/1",
        healthy: Login::new(healthy),
        failing: Login::new(failing),
        parting: comparison.parting.as_ref().map(|parting| Part {
            stage: parting.stage,
            healthy: Step::new(parting.outcomes.0, &parting.healthy),
            failing: Step::new(parting.outcomes.1, &parting.failing),
        }),
        differences: comparison.differences.iter().map(Line::new).collect(),
    };
    visible::indented(&document, &mut *out)?;
    out.write_all(b"\n")
}
