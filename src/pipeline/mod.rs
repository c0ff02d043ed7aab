//! The pieces in a row: capture, packets, flows, protocols, events, devices, logins, findings, result. Reads no file and no
//! clock: any [`Read`] will do.

mod naming;
mod notes;
mod reading;
mod room;

use std::io::Read;
use std::sync::Arc;

use crate::capture::{CaptureError, ahead, compressed};
use crate::device::facts::DeviceFacts;
use crate::device::ledger::Ledger;
use crate::device::{DeviceId, Devices};
use crate::event::{Event, EventSink, What};
use crate::flow::FlowTable;
use crate::keylog::KeyLog;
use crate::login::Login;
use crate::login::steps::Attempt;
use crate::model::{Time, Verdict, Warning};
use crate::order::Ordered;
use crate::profile::{self, Profile, Profiles};
use crate::verdict::{Analysis, CaptureSummary, DeviceAnalysis, Gathered, Registrars, look_at_others};
use naming::is_selected;
pub use naming::{DeviceName, Selector, Wanted};
use notes::Notes;
use reading::run;
use room::{Costs, EXCHANGES, RESULTS, ROUND, UNSETTLED};

/// Devices without any login that a result lists; further ones are counted in a note.
const WITHOUT_LOGIN: usize = 256;
/// Devices with an incomplete login, of which nothing was found, that a result lists; further ones are counted in a note.
const UNFINISHED: usize = 1_024;

/// What an analysis is to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The profiles in use.
    pub profiles: Profiles,
    /// The profile that every device is taken for, whatever it shows.
    pub profile: Option<String>,
    /// The one device that is looked at.
    pub device: Option<Selector>,
    /// The secrets of TLS connections, beside those that the capture brings.
    pub keys: Arc<KeyLog>,
}

impl Options {
    /// The profile that was named.
    fn chosen(&self) -> Option<&Profile> {
        self.profile.as_deref().and_then(|name| self.profiles.named(name))
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
    let (input, compression) = compressed::plain(input)?;
    analyse_plain(input, compression, options)
}

/// The same for large input: what is compressed is unpacked by a thread of its own.
///
/// # Errors
/// If nothing of it can be read as a capture.
pub fn analyse_large<R: Read + Send>(input: R, options: &Options) -> Result<Outcome<Analysis>, CaptureError> {
    ahead::unpacked(input, |plain, compression| analyse_plain(plain, compression, options))?
}

fn analyse_plain(
    input: impl Read,
    compression: Option<&'static str>,
    options: &Options,
) -> Result<Outcome<Analysis>, CaptureError> {
    let flows = FlowTable::default().without_copies().in_order();
    let mut run = run(input, compression, &options.keys, flows, Ordered::new(Logins::new(options)))?;
    let end = run.capture.last_time.unwrap_or_default();
    let mut logins = run.sink.finish();
    let notes = std::mem::take(&mut logins.notes);
    run.capture.warnings.extend(logins.devices.warnings());
    let (devices, warnings) = logins.finish(end, notes.is_lossy(&run.capture));
    run.capture.notes = notes.tell(&run.capture);
    run.capture.warnings.extend(warnings);
    let mut result = Analysis { capture: run.capture, devices };
    result.doubt(&run.conflicts);
    Ok(Outcome { result, error: run.error })
}

/// Reads a capture and gives each event, with the device that it belongs to; `keys` open what is encrypted.
///
/// # Errors
/// If nothing of it can be read as a capture.
pub fn events<R: Read>(
    input: R,
    keys: &Arc<KeyLog>,
    sink: &mut dyn FnMut(&Event, Option<DeviceName>) -> std::io::Result<()>,
) -> Result<Outcome<(CaptureSummary, std::io::Result<()>)>, CaptureError> {
    let (input, compression) = compressed::plain(input)?;
    let told = Told { devices: Devices::default(), notes: Notes::default(), sink, result: Ok(()) };
    let mut run = run(input, compression, keys, FlowTable::default(), told)?;
    run.capture.warnings.extend(run.sink.devices.warnings());
    run.capture.notes = run.sink.notes.of_secrets();
    Ok(Outcome { result: (run.capture, run.sink.result), error: run.error })
}

/// Hands events on, with the names of their devices.
struct Told<'a> {
    devices: Devices,
    notes: Notes,
    sink: &'a mut dyn FnMut(&Event, Option<DeviceName>) -> std::io::Result<()>,
    result: std::io::Result<()>,
}

impl EventSink for Told<'_> {
    fn event(&mut self, event: Event) {
        if self.result.is_err() || matches!(event.what, What::Unread { .. }) {
            return;
        }
        self.notes.event(&event);
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
    /// Unsettled exchanges of all devices, and which of those is looked at next when room is needed.
    unsettled: usize,
    hand: usize,
    /// Events since one was looked at.
    waited: u8,
    /// What the unsettled exchanges of each device take.
    ledger: Ledger,
    /// What is kept to be told of all devices takes so much.
    results: usize,
    /// How much is enough.
    enough: usize,
    costs: Costs,
    /// The chains that their registrars gave.
    registrars: Registrars,
}

#[derive(Default)]
struct Tracked<'a> {
    /// Was what it did forgotten, to make room?
    forgotten: bool,
    login: Login,
    gathered: Gathered,
    /// How many events it had taken when its attempts were last settled.
    settled: u64,
    /// The family that it was last taken for, and what it had shown by then.
    family: Option<(u64, Option<&'a Profile>)>,
}

impl EventSink for Logins<'_> {
    fn event(&mut self, event: Event) {
        self.now = self.now.max(event.at.time);
        self.notes.event(&event);
        self.registrars.servers.event(&event);
        let bystander = self.devices.bystander(&event).and_then(|device| self.logins.get_mut(device.0)?.as_mut());
        if let Some(tracked) = bystander {
            tracked.login.speaks(&event);
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
        let before = tracked.login.unsettled();
        tracked.login.on(&event, facts);
        if tracked.login.is_full() {
            let told = tracked.gathered.held();
            self.costs.brief |= tracked.gathered.be_brief(self.results > self.enough);
            tracked.settle(self.options, facts, self.now, &mut self.registrars);
            self.results = self.results.saturating_sub(told).saturating_add(tracked.gathered.held());
        }
        self.unsettled = self.unsettled.saturating_sub(before).saturating_add(tracked.login.unsettled());
        self.ledger.set(owner.device, tracked.login.held());
        self.ledger.seen(owner.device, self.now);
        self.waited = self.waited.saturating_add(1);
        if self.waited >= ROUND || self.unsettled > UNSETTLED {
            self.look_on(owner.device);
        }
        if self.ledger.is_over() {
            self.make_room();
        }
    }
}

impl<'a> Tracked<'a> {
    /// The family that it is taken for.
    fn family(&mut self, options: &'a Options, facts: &DeviceFacts) -> Option<&'a Profile> {
        let shown = profile::shown(facts);
        match self.family {
            Some((then, family)) if then == shown => family,
            _ => {
                let family = options.chosen().or_else(|| options.profiles.family(facts));
                self.family = Some((shown, family));
                family
            }
        }
    }

    /// The same, and by what it was recognised.
    fn recognised(&self, options: &'a Options, facts: &DeviceFacts) -> (Option<&'a Profile>, Vec<String>) {
        if let Some(profile) = options.chosen() {
            return (Some(profile), vec!["named on the command line".to_owned()]);
        }
        match self.family {
            Some((then, family)) if then == profile::shown(facts) => {
                (family, family.map_or_else(Vec::new, |profile| Profiles::evidence(profile, facts)))
            }
            _ => {
                let recognised = options.profiles.recognise(facts);
                (recognised.profile, recognised.evidence)
            }
        }
    }

    /// Has nothing come since its attempts were last settled?
    fn is_settled(&self) -> bool {
        self.settled == self.login.events()
    }

    /// Did it do anything that a login can stand on?
    fn did_anything(&self) -> bool {
        self.forgotten || self.login.has_exchanges() || self.gathered.held() > 0
    }

    /// Runs the rules on attempts that are over.
    fn gather(&mut self, attempts: Vec<Attempt>, profile: &Profile, facts: &DeviceFacts, registrars: &mut Registrars) {
        for attempt in attempts {
            registrars.note(&attempt);
            self.gathered.attempt(attempt, profile, facts, &registrars.servers);
        }
    }

    /// Takes out what is over; of a device without a login, the oldest goes.
    fn settle(&mut self, options: &'a Options, facts: &DeviceFacts, now: Time, registrars: &mut Registrars) {
        self.settled = self.login.events();
        match self.family(options, facts) {
            Some(profile) => {
                let attempts = self.login.settle(facts, profile, now);
                self.gather(attempts, profile, facts, registrars);
            }
            None => self.login.forget(),
        }
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
            waited: 0,
            ledger: Ledger::new(EXCHANGES),
            results: 0,
            enough: RESULTS,
            costs: Costs::default(),
            registrars: Registrars::default(),
        }
    }

    /// Two devices turned out to be one.
    fn join(&mut self, from_id: DeviceId, into_id: DeviceId) {
        let Some(from) = self.logins.get_mut(from_id.0).and_then(Option::take) else { return };
        if self.logins.len() <= into_id.0 {
            self.logins.resize_with(into_id.0.saturating_add(1), || None);
        }
        if let Some(slot) = self.logins.get_mut(into_id.0) {
            let into = slot.get_or_insert_with(Box::default);
            into.forgotten |= from.forgotten;
            if into.gathered.held() == 0 {
                into.gathered = from.gathered;
            }
            into.login.join(from.login);
            self.ledger.set(into_id, into.login.held());
        }
        self.ledger.set(from_id, 0);
    }

    fn finish(self, end: Time, is_lossy: bool) -> (Vec<DeviceAnalysis>, Vec<Warning>) {
        // What a device said last, a capture that loses packets need not hold.
        let in_view = |facts: &DeviceFacts| facts.last_said.filter(|_| !is_lossy);
        let Logins { options, devices, logins, mut costs, mut results, enough, mut registrars, .. } = self;
        let (mut without_login, mut unfinished) = (0_usize, 0_usize);
        let mut analyses = Vec::new();
        let mut known = Vec::new();
        for (index, tracked) in logins.into_iter().enumerate() {
            let (Some(mut tracked), Some(facts)) = (tracked, devices.facts(DeviceId(index))) else { continue };
            // Of a phone, a question for its router that nobody answers is something, too.
            let in_vain = |tracked: &mut Tracked<'a>| tracked.login.asks_in_vain() && tracked.family(options, facts).is_some();
            if !is_selected(options.device, facts) || !tracked.did_anything() && !in_vain(&mut tracked) {
                continue;
            }
            let told = tracked.gathered.held();
            costs.brief |= tracked.gathered.be_brief(results > enough);
            let (profile, evidence) = tracked.recognised(options, facts);
            if let Some(profile) = profile {
                let attempts = tracked.login.conclude(facts, profile, end, in_view(facts).unwrap_or(end));
                tracked.gather(attempts, profile, facts, &mut registrars);
            }
            results = results.saturating_sub(told).saturating_add(tracked.gathered.held());
            costs.left_out = costs.left_out.saturating_add(u64::from(tracked.gathered.left_out()));
            // Any host may have to prove who it is to a switch; and some phones look at a certificate when the handshake is over.
            tracked.gathered.may_be_phone(tracked.login.is_at_port() || facts.conduct.shook_hands);
            let analysis = tracked.gathered.conclude(facts, profile, evidence);
            if analysis.verdict == Verdict::NoLogin {
                without_login = without_login.saturating_add(1);
                if without_login > WITHOUT_LOGIN {
                    costs.surplus = costs.surplus.saturating_add(1);
                    continue;
                }
            }
            if analysis.verdict == Verdict::Incomplete && analysis.findings.is_empty() {
                unfinished = unfinished.saturating_add(1);
                if unfinished > UNFINISHED {
                    costs.unfinished = costs.unfinished.saturating_add(1);
                    continue;
                }
            }
            analyses.push(analysis);
            known.push((profile, facts));
        }
        look_at_others(&mut analyses, &known, &registrars);
        (analyses, costs.warnings())
    }
}
