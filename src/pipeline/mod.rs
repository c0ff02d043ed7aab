//! The pieces in a row: capture, packets, flows, protocols, events, devices, logins, findings, result. Reads no file and no
//! clock: any [`Read`] will do.

mod notes;

use std::fmt;
use std::io::Read;
use std::net::IpAddr;

use crate::capture::{CaptureError, CaptureReader, compressed};
use crate::device::facts::DeviceFacts;
use crate::device::{DeviceId, Devices};
use crate::dispatch::{Dispatcher, FlowState};
use crate::event::{Event, EventSink, What};
use crate::findings;
use crate::flow::{FlowTable, Signal};
use crate::login::Login;
use crate::model::{Mac, SECOND, Time, Verdict, Warning};
use crate::packet::Decoder;
use crate::profile::{Profile, Profiles};
use crate::verdict::{ATTEMPTS, Analysis, CaptureSummary, DeviceAnalysis, Gathered};
use notes::Notes;

/// Devices without any login that a result lists; further ones are counted in a note.
const WITHOUT_LOGIN: usize = 256;
/// Unsettled exchanges of all devices together. Beyond it, devices that have shown no login and are idle are forgotten in turn.
const UNSETTLED: usize = 8_192;
/// Beyond this many, devices that are not idle are forgotten, too.
const CROWDED: usize = 16_384;
/// A device that has done nothing for so long is idle.
const IDLE: i64 = 60 * SECOND;
/// What a device that has done nothing for so long waited for comes no more: the longest wait is that for a final answer of
/// SIP, 32 s (RFC 3261 section 17.1).
const QUIET: i64 = 40 * SECOND;
/// Events after which one device more is looked at, whether it is idle.
const ROUND: u8 = 8;

/// What an analysis is to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The profiles in use.
    pub profiles: Profiles,
    /// The profile that every device is taken for, whatever it shows.
    pub profile: Option<String>,
    /// The one device that is looked at.
    pub device: Option<Selector>,
}

impl Options {
    /// The profile that was named.
    fn chosen(&self) -> Option<&Profile> {
        self.profile.as_deref().and_then(|name| self.profiles.named(name))
    }
}

/// A device, as a user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// By its MAC.
    Mac(Mac),
    /// By one of its addresses.
    Ip(IpAddr),
}

impl std::str::FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mac = text.parse().map(Selector::Mac).ok();
        let ip = || text.parse().map(Selector::Ip).ok();
        mac.or_else(ip).ok_or_else(|| format!("{text:?} is neither a MAC address (00:04:f2:1a:2b:3c) nor an IP address"))
    }
}

/// By what `events` calls a device: its MAC where the capture has shown it, else its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// Its MAC.
    Mac(Mac),
    /// Its address.
    Ip(IpAddr),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Mac(mac) => mac.fmt(out),
            DeviceName::Ip(ip) => ip.fmt(out),
        }
    }
}

/// What a run gave, and the error that cut it short, if one did: what was read until then holds.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The result.
    pub result: T,
    /// Why the rest could not be read.
    pub error: Option<CaptureError>,
}

/// Reads a capture and says what each device did.
///
/// # Errors
/// If nothing of it can be read as a capture.
pub fn analyse<R: Read>(input: R, options: &Options) -> Result<Outcome<Analysis>, CaptureError> {
    let mut run = run(input, Logins::new(options))?;
    let end = run.capture.last_time.unwrap_or_default();
    let notes = std::mem::take(&mut run.sink.notes);
    run.capture.warnings.extend(run.sink.devices.warning());
    let (devices, warnings) = run.sink.finish(end);
    run.capture.notes = notes.tell(&run.capture);
    run.capture.warnings.extend(warnings);
    Ok(Outcome { result: Analysis { capture: run.capture, devices }, error: run.error })
}

/// Reads a capture and gives each event, with the device that it belongs to.
///
/// # Errors
/// If nothing of it can be read as a capture.
pub fn events<R: Read>(
    input: R,
    sink: &mut dyn FnMut(&Event, Option<DeviceName>) -> std::io::Result<()>,
) -> Result<Outcome<(CaptureSummary, std::io::Result<()>)>, CaptureError> {
    let mut run = run(input, Told { devices: Devices::default(), sink, result: Ok(()) })?;
    run.capture.warnings.extend(run.sink.devices.warning());
    Ok(Outcome { result: (run.capture, run.sink.result), error: run.error })
}

/// What is left when the capture has been read.
struct Run<S> {
    capture: CaptureSummary,
    sink: S,
    error: Option<CaptureError>,
}

fn run<R: Read, S: EventSink>(input: R, sink: S) -> Result<Run<S>, CaptureError> {
    let (input, compression) = compressed::plain(input)?;
    let mut reader = CaptureReader::open(input)?;
    let mut decoder = Decoder::new();
    let mut flows: FlowTable<FlowState> = FlowTable::default();
    let mut dispatcher = Dispatcher::new(sink);
    let error = loop {
        match reader.next_record() {
            Ok(Some(record)) => decoder.decode_each(&record, |packet| flows.push(packet, &mut dispatcher)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        if dispatcher.sink().is_done() {
            break None;
        }
    };
    flows.finish(&mut dispatcher);
    let facts = reader.facts();
    let mut warnings = reader.warnings().to_vec();
    if reader.more_warnings() > 0 {
        warnings.push(Warning { frame: None, text: format!("{} further warnings of this kind", reader.more_warnings()) });
    }
    warnings.extend(flows.warnings());
    if decoder.lost_datagrams() > 0 {
        let text =
            format!("{} fragmented IP datagrams never became complete, or were pushed out by others", decoder.lost_datagrams());
        warnings.push(Warning { frame: None, text });
    }
    let capture = CaptureSummary {
        format: reader.format(),
        compression,
        frames: facts.frames,
        bytes: reader.file_bytes(),
        first_time: facts.first,
        last_time: facts.last,
        truncated: facts.truncated,
        snaplen_limited: facts.snaplen_limited,
        dropped: facts.dropped,
        warnings,
        notes: Vec::new(),
    };
    Ok(Run { capture, sink: dispatcher.into_sink(), error })
}

/// Hands events on, with the names of their devices.
struct Told<'a> {
    devices: Devices,
    sink: &'a mut dyn FnMut(&Event, Option<DeviceName>) -> std::io::Result<()>,
    result: std::io::Result<()>,
}

impl EventSink for Told<'_> {
    fn event(&mut self, event: Event) {
        if self.result.is_err() {
            return;
        }
        let owner = self.devices.observe(&event);
        let name = owner
            .and_then(|owner| self.devices.facts(owner.device))
            .and_then(|facts| facts.mac.map(DeviceName::Mac).or_else(|| facts.addresses.last().copied().map(DeviceName::Ip)));
        self.result = (self.sink)(&event, name);
    }

    fn is_done(&self) -> bool {
        self.result.is_err()
    }
}

/// Gathers what each device does.
struct Logins<'a> {
    options: &'a Options,
    devices: Devices,
    logins: Vec<Option<Box<Tracked<'a>>>>,
    notes: Notes,
    now: Time,
    /// Unsettled exchanges of all devices, which of those is looked at next when room is needed, and how often one was
    /// forgotten.
    unsettled: usize,
    hand: usize,
    forgotten: u64,
    /// Events since a device was looked at.
    waited: u8,
}

#[derive(Default)]
struct Tracked<'a> {
    /// When it last did something.
    last: Time,
    /// Was what it did forgotten, to make room?
    forgotten: bool,
    login: Login,
    gathered: Gathered,
    /// How many events it had taken when its attempts were last settled.
    settled: u64,
    /// The family that it was last taken for, and how many events it had taken by then.
    family: Option<(u64, Option<&'a Profile>)>,
}

impl<'a> Tracked<'a> {
    /// The family that it is taken for. What is known of a device changes with its events alone.
    fn family(&mut self, options: &'a Options, facts: &DeviceFacts) -> Option<&'a Profile> {
        let events = self.login.events();
        match self.family {
            Some((at, family)) if at == events => family,
            _ => {
                let family = options.chosen().or_else(|| options.profiles.family(facts));
                self.family = Some((events, family));
                family
            }
        }
    }

    fn settle(&mut self, profile: &Profile, facts: &DeviceFacts, now: Time) {
        for attempt in self.login.settle(facts, profile, now) {
            self.gathered.attempt(&attempt, profile, facts, findings::ALL);
        }
        self.settled = self.login.events();
    }

    /// The same, unless nothing has come since it was last done.
    fn settle_once(&mut self, profile: &Profile, facts: &DeviceFacts, now: Time) {
        if self.settled != self.login.events() {
            self.settle(profile, facts, now);
        }
    }
}

impl EventSink for Logins<'_> {
    fn event(&mut self, event: Event) {
        self.now = self.now.max(event.at.time);
        if let What::Tcp(Signal::Ended, stats) = &event.what {
            self.notes.ended(stats);
        }
        let Some(owner) = self.devices.observe(&event) else { return };
        if let Some(joined) = owner.joined {
            self.join(joined, owner.device);
        }
        if self.logins.len() <= owner.device.0 {
            self.logins.resize_with(owner.device.0.saturating_add(1), || None);
        }
        let Some(slot) = self.logins.get_mut(owner.device.0) else { return };
        let tracked = slot.get_or_insert_with(Box::default);
        let Some(facts) = self.devices.facts_mut(owner.device) else { return };
        tracked.last = self.now;
        let before = tracked.login.unsettled();
        tracked.login.on(&event, facts);
        if tracked.login.is_full() {
            match tracked.family(self.options, facts) {
                Some(profile) => tracked.settle(profile, facts, self.now),
                None => tracked.login.forget(),
            }
        }
        self.unsettled = self.unsettled.saturating_sub(before).saturating_add(tracked.login.unsettled());
        self.waited = self.waited.saturating_add(1);
        if self.waited >= ROUND || self.unsettled > UNSETTLED {
            self.look_on(owner.device);
        }
    }
}

/// By what the family of a device was recognised.
fn shown_by(options: &Options, facts: &DeviceFacts) -> Vec<String> {
    match options.chosen() {
        Some(_) => vec!["named on the command line".to_owned()],
        None => options.profiles.recognise(facts).evidence,
    }
}

impl<'a> Logins<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            devices: Devices::default(),
            logins: Vec::new(),
            notes: Notes::default(),
            now: Time::default(),
            unsettled: 0,
            hand: 0,
            forgotten: 0,
            waited: 0,
        }
    }

    /// Moves the hand on by one device. If that is idle, and not the one at work, what it did is settled; where it shows no
    /// login, that is forgotten, if room is needed.
    fn look_on(&mut self, at_work: DeviceId) {
        self.waited = 0;
        let device = DeviceId(self.hand);
        self.hand = self.hand.saturating_add(1);
        if self.hand >= self.logins.len() {
            self.hand = 0;
        }
        let (Some(Some(tracked)), Some(facts)) = (self.logins.get_mut(device.0), self.devices.facts(device)) else { return };
        let unsettled = tracked.login.unsettled();
        if device == at_work || unsettled == 0 {
            return;
        }
        let pause = self.now.since(tracked.last);
        let is_crowded = (self.unsettled > UNSETTLED && pause >= IDLE) || self.unsettled > CROWDED;
        if pause < QUIET && !is_crowded {
            return;
        }
        match tracked.family(self.options, facts) {
            // One that is known by its address alone may turn out to be the same as another.
            Some(profile) if pause >= QUIET && facts.mac.is_some() => tracked.settle_once(profile, facts, self.now),
            None if is_crowded => {
                tracked.forgotten |= tracked.login.has_exchanges();
                tracked.login.clear();
                self.forgotten = self.forgotten.saturating_add(1);
            }
            _ => {}
        }
        self.unsettled = self.unsettled.saturating_sub(unsettled).saturating_add(tracked.login.unsettled());
    }

    /// Two devices turned out to be one.
    fn join(&mut self, from: DeviceId, into: DeviceId) {
        let Some(from) = self.logins.get_mut(from.0).and_then(Option::take) else { return };
        if self.logins.len() <= into.0 {
            self.logins.resize_with(into.0.saturating_add(1), || None);
        }
        if let Some(slot) = self.logins.get_mut(into.0) {
            let into = slot.get_or_insert_with(Box::default);
            into.forgotten |= from.forgotten;
            into.login.join(from.login);
        }
    }

    fn finish(self, end: Time) -> (Vec<DeviceAnalysis>, Vec<Warning>) {
        let Logins { options, devices, logins, forgotten, .. } = self;
        let mut surplus = 0_u64;
        let mut left_out = 0_u64;
        let mut without_login = 0_usize;
        let mut analyses = Vec::new();
        for (index, tracked) in logins.into_iter().enumerate() {
            let (Some(tracked), Some(facts)) = (tracked, devices.facts(DeviceId(index))) else { continue };
            if !is_selected(options.device, facts) || !(tracked.forgotten || tracked.login.has_exchanges()) {
                continue;
            }
            let (analysis, unlisted) = conclude(*tracked, options, facts, end);
            left_out = left_out.saturating_add(u64::from(unlisted));
            if analysis.verdict == Verdict::NoLogin {
                without_login = without_login.saturating_add(1);
                if without_login > WITHOUT_LOGIN {
                    surplus = surplus.saturating_add(1);
                    continue;
                }
            }
            analyses.push(analysis);
        }
        let warning = |count: u64, text: String| (count > 0).then_some(Warning { frame: None, text });
        let surplus = warning(surplus, format!("{surplus} further devices without any login are not listed"));
        let left_out = warning(
            left_out,
            format!("{left_out} attempts are counted but not listed: of one device the first {ATTEMPTS} are, and the last"),
        );
        let forgotten = warning(
            forgotten,
            format!(
                "what devices did before they showed a login was given up {forgotten} times, because there are so many of them"
            ),
        );
        (analyses, surplus.into_iter().chain(left_out).chain(forgotten).collect())
    }
}

fn conclude<'a>(mut tracked: Tracked<'a>, options: &'a Options, facts: &DeviceFacts, end: Time) -> (DeviceAnalysis, u32) {
    let profile = tracked.family(options, facts);
    let evidence = if profile.is_some() { shown_by(options, facts) } else { Vec::new() };
    let Tracked { login, mut gathered, .. } = tracked;
    if let Some(profile) = profile {
        for attempt in login.finish(facts, profile, end) {
            gathered.attempt(&attempt, profile, facts, findings::ALL);
        }
    }
    let left_out = gathered.left_out();
    (gathered.conclude(facts, profile, evidence), left_out)
}

fn is_selected(selector: Option<Selector>, facts: &DeviceFacts) -> bool {
    match selector {
        None => true,
        Some(Selector::Mac(mac)) => facts.mac == Some(mac),
        Some(Selector::Ip(ip)) => facts.addresses.contains(&ip),
    }
}
