//! The picture of a batch: captures come in the order of their paths, each once; out come counts, groups and fixes.

use std::collections::{BTreeMap, BTreeSet};

use super::fixes::{Fix, cover};
use super::groups::{Group, Groups, Seen};
use super::login::{Digest, Login};
use crate::model::{Time, Verdict};

/// Nanoseconds of a day.
const DAY: i64 = 86_400 * crate::model::SECOND;

/// A batch, seen as a whole.
#[derive(Debug, Default)]
pub struct Overview {
    /// Captures that were read, each content once.
    pub captures: usize,
    /// Files whose content another one has, too.
    pub duplicates: usize,
    /// Files that could not be read.
    pub unread: Vec<Unread>,
    /// Files that are no captures.
    pub others: usize,
    /// Packets of all captures.
    pub frames: u64,
    /// Devices that logged in or tried to: one MAC is one device, one address is one in its capture.
    pub devices: usize,
    /// Devices of which a login failed.
    pub failed: usize,
    /// Of these, those for whose drop no cause was found.
    pub unexplained: usize,
    /// Logins by verdict.
    pub verdicts: Vec<Counted>,
    /// Failed logins by the code of their cause.
    pub causes: Vec<Counted>,
    /// Failed logins by the stage at which they drop, in the order of the story.
    pub stages: Vec<Counted>,
    /// Failed logins by family.
    pub families: Vec<Counted>,
    /// Failed logins by the day on which they began, in order of time.
    pub days: Vec<(Time, usize)>,
    /// Logins that failed alike, those of most devices first.
    pub groups: Vec<Group>,
    /// What frees most devices, in this order.
    pub fixes: Vec<Remedy>,
}

/// A word, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The word.
    pub word: String,
    /// How often.
    pub count: usize,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub path: String,
    /// Why.
    pub error: String,
}

/// A fix, what it brings, and how it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What it is, and what it frees.
    pub fix: Fix,
    /// What was found, of the first device in the order of the captures.
    pub summary: String,
    /// What is to be done there.
    pub how: String,
}

/// An overview that is being made.
#[derive(Debug, Default)]
pub struct Growing {
    overview: Overview,
    groups: Groups,
    devices: BTreeMap<String, u32>,
    verdicts: BTreeMap<Verdict, usize>,
    causes: BTreeMap<String, usize>,
    stages: BTreeMap<crate::model::Stage, usize>,
    families: BTreeMap<String, usize>,
    days: BTreeMap<i64, usize>,
    /// What each failed device needs.
    needs: BTreeMap<u32, BTreeSet<String>>,
    unexplained: BTreeSet<u32>,
    /// Summary and fix, need by need.
    told: BTreeMap<String, (String, String)>,
}

impl Growing {
    /// Adds a capture, and where its page is. (They come in the order of their paths.)
    pub fn capture(&mut self, path: &str, page: Option<&str>, digest: &Digest) {
        let number = self.overview.captures;
        self.overview.captures = number.saturating_add(1);
        self.overview.frames = self.overview.frames.saturating_add(digest.frames);
        for login in &digest.logins {
            count(&mut self.verdicts, login.verdict);
            let device = self.device(path, login);
            let seen = Seen { path, page, number, logins: digest.logins.len(), frames: digest.frames, device };
            self.login(login, seen);
        }
    }

    /// Adds a file whose content came before.
    pub fn duplicate(&mut self) {
        self.overview.duplicates = self.overview.duplicates.saturating_add(1);
    }

    /// Adds a file that could not be read.
    pub fn unread(&mut self, path: &str, error: &str) {
        self.overview.unread.push(Unread { path: path.to_owned(), error: error.to_owned() });
    }

    /// The picture. `others` counts files that are no captures.
    pub fn finish(self, others: usize) -> Overview {
        let worded = |counts: BTreeMap<String, usize>| {
            let mut counted: Vec<Counted> = counts.into_iter().map(|(word, count)| Counted { word, count }).collect();
            counted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.word.cmp(&b.word)));
            counted
        };
        let remedy = |fix: Fix| {
            let (summary, how) = self.told.get(&fix.need).cloned().unwrap_or_default();
            Remedy { fix, summary, how }
        };
        Overview {
            others,
            devices: self.devices.len(),
            failed: self.needs.len(),
            unexplained: self.unexplained.len(),
            verdicts: self.verdicts.iter().map(|(verdict, count)| Counted { word: verdict.to_string(), count: *count }).collect(),
            stages: self.stages.iter().map(|(stage, count)| Counted { word: stage.to_string(), count: *count }).collect(),
            causes: worded(self.causes),
            families: worded(self.families),
            days: self.days.into_iter().map(|(day, count)| (Time(day.saturating_mul(DAY)), count)).collect(),
            groups: self.groups.finish(),
            fixes: cover(self.needs.values()).into_iter().map(remedy).collect(),
            ..self.overview
        }
    }

    fn device(&mut self, path: &str, login: &Login) -> u32 {
        // Behind every router there is a 10.0.0.5.
        let identity = login.mac.clone().unwrap_or_else(|| format!("{} in {path}", login.device()));
        let next = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        *self.devices.entry(identity).or_insert(next)
    }

    fn login(&mut self, login: &Login, seen: Seen<'_>) {
        let Some(ended) = &login.ended else { return };
        self.groups.add(login, ended, seen);
        let cause = login.primary().map_or("unexplained", |finding| finding.code.as_str());
        count(&mut self.causes, cause.to_owned());
        count(&mut self.stages, ended.stage);
        count(&mut self.families, login.family.clone().unwrap_or_else(|| "unknown".to_owned()));
        if let Some(start) = login.start {
            count(&mut self.days, start.div_euclid(DAY));
        }
        if login.needs.is_empty() {
            self.unexplained.insert(seen.device);
        }
        let needs = self.needs.entry(seen.device).or_default();
        for need in &login.needs {
            needs.insert(need.key.clone());
            self.told.entry(need.key.clone()).or_insert_with(|| (need.summary.clone(), need.fix.clone()));
        }
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}
