//! An attempt as a person would tell it.

use crate::model::{At, Stage};

use super::steps::Attempt;

/// A moment of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, in which frame.
    pub at: At,
    /// The stage.
    pub stage: Stage,
    /// Who to whom.
    pub direction: Direction,
    /// The other side, as people name it: `DNS 10.0.0.2`, `pool.contoso.com:5061`.
    pub peer: String,
    /// What, in a few words.
    pub text: String,
    /// Is it the decisive frame?
    pub decisive: bool,
}

/// Who speaks to whom in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device to a peer.
    Out,
    /// A peer to the device.
    In,
    /// Nobody: something did not happen.
    Silence,
}

/// The moments.
pub fn moments(attempt: &Attempt) -> Vec<Moment> {
    let _ = attempt;
    Vec::new()
}
