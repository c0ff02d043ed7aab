//! What would have become of a device, had its primary cause been mended: the answer alone. `onward.rs` and `elsewhere.rs` find
//! it.

use crate::acceptance;
use crate::findings;
use crate::model::{Evidence, Prospect, Stage};
use crate::trust::Fault;

/// Obstacles that are told, one behind the other.
pub(super) const OBSTACLES: usize = 8;

/// What would have become of a device, had its primary cause been mended.
#[derive(Clone, Debug, PartialEq)]
pub enum Onward {
    /// It would have been stopped by this.
    Stopped {
        /// What it would have met first.
        next: Obstacle,
        /// What it would have met behind that, one after the other.
        further: Vec<Obstacle>,
    },
    /// Nothing else that the capture shows would have stopped it.
    Clear {
        /// How sure that is.
        confidence: f32,
        /// What was judged, and what the attempt did not reach.
        text: String,
        /// The frames that show it.
        evidence: Vec<Evidence>,
    },
    /// The capture cannot tell.
    Unknown {
        /// Why.
        text: String,
    },
}

/// What would have stopped a device, though it was not what did.
#[derive(Clone, Debug, PartialEq)]
pub struct Obstacle {
    /// The cause code.
    pub code: &'static str,
    /// Where.
    pub stage: Stage,
    /// How sure it is.
    pub confidence: f32,
    /// One line, plain words, with the values.
    pub summary: String,
    /// What an administrator does.
    pub fix: String,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
}

impl Onward {
    /// In a word.
    pub fn prospect(&self) -> Prospect {
        match self {
            Self::Stopped { .. } => Prospect::Stopped,
            Self::Clear { .. } => Prospect::Clear,
            Self::Unknown { .. } => Prospect::Unknown,
        }
    }

    /// What would have stopped it, one after the other.
    pub fn obstacles(&self) -> impl Iterator<Item = &Obstacle> {
        let (next, further) = match self {
            Self::Stopped { next, further } => (Some(next), further.as_slice()),
            Self::Clear { .. } | Self::Unknown { .. } => (None, [].as_slice()),
        };
        next.into_iter().chain(further)
    }

    /// The first of several obstacles and the others; `None` where there is none.
    pub(super) fn stopped(obstacles: Vec<Obstacle>) -> Option<Self> {
        let mut obstacles = obstacles.into_iter().take(OBSTACLES);
        Some(Self::Stopped { next: obstacles.next()?, further: obstacles.collect() })
    }

    /// Memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        let of = |evidence: &[Evidence]| {
            let sizes = evidence.iter().map(|one| size_of_val(one).saturating_add(one.display_filter.len() + one.text.len()));
            sizes.sum::<usize>()
        };
        let texts = match self {
            Self::Stopped { .. } => 0,
            Self::Clear { text, evidence, .. } => text.len().saturating_add(of(evidence)),
            Self::Unknown { text } => text.len(),
        };
        let obstacles = self.obstacles().map(|one| {
            size_of_val(one).saturating_add(one.summary.len()).saturating_add(one.fix.len()).saturating_add(of(&one.evidence))
        });
        obstacles.fold(size_of::<Self>().saturating_add(texts), usize::saturating_add)
    }
}

impl Obstacle {
    /// A fault of a chain that would be found if the device came to judge it.
    pub(super) fn of_chain(fault: &Fault, stage: Stage, confidence: f32, summary: String, evidence: Evidence) -> Self {
        let code = acceptance::code(&fault.kind);
        let rule = findings::ALL.iter().find(|rule| rule.code == code);
        Self {
            code,
            stage,
            confidence,
            summary,
            fix: rule.map_or_else(String::new, |rule| rule.help.fix.to_owned()),
            evidence: vec![evidence],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_obstacles_are_told() {
        let obstacle = |number: usize| Obstacle {
            code: "tcp-refused",
            stage: Stage::Connect,
            confidence: 0.5,
            summary: number.to_string(),
            fix: String::new(),
            evidence: Vec::new(),
        };
        let onward = Onward::stopped((0..=OBSTACLES).map(obstacle).collect()).unwrap();
        assert_eq!(onward.obstacles().count(), OBSTACLES);
        assert_eq!(onward.obstacles().next().unwrap().summary, "0");
    }
}
