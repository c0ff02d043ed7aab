//! One attempt as a sequence diagram: the phone on the left, whoever it spoke to beside it, a row a message; and the same as
//! a table, for who cannot see it.

use maud::{Markup, html};

use super::Wire;
use crate::login::timeline::{Direction, Moment};
use crate::model::Stage;
use crate::report::words;
use crate::verdict::{AttemptSummary, DeviceAnalysis};

/// Lifelines besides the phone's; who comes later shares the last one.
const PEERS: usize = 7;
/// Columns before the phone: stage, frame and time.
const LEFT: usize = 290;
/// Room for the lifelines: what a usual window shows.
const LIFELINES: usize = 720;
/// From one lifeline to the next, at least: a shorter name would say nothing.
const NARROWEST: usize = 112;
/// And at most.
const WIDEST: usize = 170;
/// Room behind the last lifeline, for half of its name.
const RIGHT: usize = 75;
/// From one message to the next.
const ROW: usize = 40;
/// Room for the names above.
const TOP: usize = 56;
/// Characters of a message that the diagram shows; the table has all.
const SHOWN: usize = 96;
/// Width of a character of a name above a lifeline.
const CHARACTER: usize = 6;
/// Characters between two such names.
const BETWEEN: usize = 3;

pub(super) fn figure(device: &DeviceAnalysis, attempt: &AttemptSummary, anchor: &str) -> Markup {
    let id = format!("{anchor}-a{}", attempt.number);
    let alike = device.attempts.iter().filter(|other| other.timeline.is_empty()).count();
    html! {
        figure.ladder {
            figcaption {
                "Attempt " (attempt.number) " of " (device.attempts.len()) ", frames " (attempt.first.frame) " to " (attempt.last.frame)
                ", seconds from " (words::clock(attempt.first.time)) " UTC"
                @if alike > 0 { "; " (words::counted(alike, "attempt")) " more went like one that is drawn" }
            }
            div.scroll tabindex="0" role="group" aria-label="Sequence diagram" { (diagram(device, attempt, &id)) }
            details {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="group" aria-label="Messages as a table" { (table(device, attempt)) }
            }
        }
    }
}

/// Who stands where: each peer once, in the order in which the phone spoke to it.
fn lifelines(attempt: &AttemptSummary) -> Vec<&str> {
    let mut peers: Vec<&str> = Vec::new();
    for moment in &attempt.timeline {
        if !moment.peer.is_empty() && !peers.contains(&moment.peer.as_str()) && peers.len() < PEERS {
            peers.push(&moment.peer);
        }
    }
    peers
}

/// Where the lifelines stand.
struct Layout<'a> {
    peers: Vec<&'a str>,
    apart: usize,
}

impl<'a> Layout<'a> {
    fn of(attempt: &'a AttemptSummary) -> Self {
        let peers = lifelines(attempt);
        let apart = LIFELINES.checked_div(peers.len()).unwrap_or(WIDEST).clamp(NARROWEST, WIDEST);
        Self { peers, apart }
    }

    /// The place of a lifeline; 0 is the phone's.
    fn x(&self, place: usize) -> usize {
        LEFT.saturating_add(place.saturating_mul(self.apart))
    }

    /// The place of a peer's lifeline.
    fn column(&self, peer: &str) -> usize {
        let last = self.peers.len().saturating_sub(1);
        self.x(self.peers.iter().position(|known| *known == peer).unwrap_or(last).saturating_add(1))
    }

    /// How much of a name fits above a lifeline.
    fn characters(&self) -> usize {
        self.apart.saturating_sub(BETWEEN * CHARACTER) / CHARACTER
    }

    fn width(&self) -> usize {
        self.x(self.peers.len().max(4)).saturating_add(RIGHT)
    }
}

fn y(row: usize) -> usize {
    TOP.saturating_add(row.saturating_add(1).saturating_mul(ROW))
}

fn diagram(device: &DeviceAnalysis, attempt: &AttemptSummary, id: &str) -> Markup {
    let layout = Layout::of(attempt);
    let width = layout.width();
    let bottom = y(attempt.timeline.len());
    let height = bottom.saturating_add(12);
    html! {
        svg id=(id) width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby={ (id) "-t" }
            font-family="system-ui, sans-serif" font-size="13" fill="currentColor" stroke="none" {
            title id={ (id) "-t" } { "Who said what in attempt " (attempt.number) }
            (lifeline(LEFT, "phone", &words::address(device), layout.characters(), bottom))
            @for peer in &layout.peers {
                @let (role, address) = role(attempt, peer);
                (lifeline(layout.column(peer), role, address, layout.characters(), bottom))
            }
            (stages(device, attempt, width))
            @for (row, moment) in attempt.timeline.iter().enumerate() { (message(&layout, attempt, moment, row)) }
        }
    }
}

/// What a peer is to the phone, by the first that was said to it, and its name without that.
fn role<'a>(attempt: &AttemptSummary, peer: &'a str) -> (&'static str, &'a str) {
    const KINDS: [&str; 6] = ["DHCP", "DNS", "NTP", "TFTP", "ARP", "switch"];
    if let Some(kind) = KINDS.iter().find(|kind| peer.split(' ').next() == Some(kind)) {
        return (kind, peer.get(kind.len()..).unwrap_or_default().trim_start());
    }
    let stage = attempt.timeline.iter().find(|moment| moment.peer == peer).map(|moment| moment.stage);
    let role = match stage {
        Some(Stage::Link) => "switch",
        Some(Stage::Address) => "DHCP",
        Some(Stage::Names) => "DNS",
        Some(Stage::Time) => "NTP",
        Some(Stage::Provision) => "provisioning",
        Some(Stage::Directory) => "directory",
        Some(Stage::Enrolment) => "CA",
        Some(Stage::Connect | Stage::Tls | Stage::Register | Stage::Session) => "registrar",
        Some(Stage::Update) => "update server",
        None => "",
    };
    (role, peer)
}

fn lifeline(x: usize, role: &str, address: &str, characters: usize, bottom: usize) -> Markup {
    html! {
        text x=(x) y="20" text-anchor="middle" font-weight="bold" { (role) }
        text x=(x) y="38" text-anchor="middle" font-size="11" { (Wire(&shortened(address, characters))) title { (Wire(address)) } }
        line x1=(x) y1="46" x2=(x) y2=(bottom) stroke="currentColor" stroke-opacity="0.35" stroke-dasharray="4 3" {}
    }
}

/// A band for each run of one stage, with what the phone's screen says meanwhile.
fn stages(device: &DeviceAnalysis, attempt: &AttemptSummary, width: usize) -> Markup {
    let mut runs: Vec<(usize, Stage)> = Vec::new();
    for (row, moment) in attempt.timeline.iter().enumerate() {
        if runs.last().map(|(_, stage)| *stage) != Some(moment.stage) {
            runs.push((row, moment.stage));
        }
    }
    html! {
        @for (row, stage) in runs {
            @let top = y(row).saturating_sub(ROW.saturating_sub(10));
            line x1="0" y1=(top) x2=(width) y2=(top) stroke="currentColor" stroke-opacity="0.15" {}
            text x="4" y=(top.saturating_add(15)) font-weight="bold" { (stage.word()) }
            @if let Some(screen) = device.screen(stage) {
                text.screen x="4" y=(top.saturating_add(30)) font-size="10" { "“" (Wire(&shortened(screen, 26))) "”" title { (Wire(screen)) } }
            }
        }
    }
}

fn message(layout: &Layout<'_>, attempt: &AttemptSummary, moment: &Moment, row: usize) -> Markup {
    let (phone, y) = (LEFT, y(row));
    let there = if moment.peer.is_empty() { phone } else { layout.column(&moment.peer) };
    let (from, to) = match moment.direction {
        Direction::In => (there, phone),
        Direction::Out | Direction::Silence => (phone, there),
    };
    let class = if moment.decisive { "message decisive" } else { "message" };
    let seconds = moment.at.time.seconds_since(attempt.first.time);
    html! {
        g class=(class) {
            title { "frame " (moment.at.frame) ": " (Wire(&moment.text)) }
            text x=(LEFT.saturating_sub(70)) y=(y) text-anchor="end" font-size="11" { (format!("{seconds:.3}")) }
            text x=(LEFT.saturating_sub(12)) y=(y) text-anchor="end" font-size="11" font-weight="bold" { (moment.at.frame) }
            @if from != to { (arrow(from, to, y, moment.direction)) }
            @if moment.decisive { circle cx=(to) cy=(y) r="7" fill="none" stroke="currentColor" stroke-width="2" {} }
            text.said x=(phone.saturating_add(10)) y=(y.saturating_sub(7)) {
                @if moment.decisive { "✗ " }
                (Wire(&shortened(&moment.text, SHOWN)))
            }
        }
    }
}

fn arrow(from: usize, to: usize, y: usize, direction: Direction) -> Markup {
    let dash = if direction == Direction::Silence { "2 6" } else { "none" };
    // The head points back to where the line came from.
    let back = if to > from { to.saturating_sub(9) } else { to.saturating_add(9) };
    html! {
        line x1=(from) y1=(y) x2=(to) y2=(y) stroke="currentColor" stroke-width="1.5" stroke-dasharray=(dash) {}
        @if direction != Direction::Silence {
            polygon points={ (to) "," (y) " " (back) "," (y.saturating_sub(4)) " " (back) "," (y.saturating_add(4)) } {}
        }
    }
}

/// The same in words.
fn table(device: &DeviceAnalysis, attempt: &AttemptSummary) -> Markup {
    html! {
        table {
            thead { tr { @for name in ["Frame", "Seconds", "Stage", "Screen", "From", "To", "What"] { th scope="col" { (name) } } } }
            tbody {
                @for moment in &attempt.timeline {
                    @let (from, to) = match moment.direction { Direction::In => (moment.peer.as_str(), "phone"), _ => ("phone", moment.peer.as_str()) };
                    tr class=[moment.decisive.then_some("decisive")] {
                        td.number { (moment.at.frame) }
                        td.number { (format!("{:.3}", moment.at.time.seconds_since(attempt.first.time))) }
                        td { (moment.stage.word()) }
                        td { @if let Some(screen) = device.screen(moment.stage) { (Wire(screen)) } }
                        td { (Wire(from)) }
                        td { (Wire(to)) }
                        td { @if moment.decisive { strong { "Ended here: " } } (Wire(&moment.text)) }
                    }
                }
            }
        }
    }
}

/// Text of at most so many characters, with a mark where something was left out.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
