//! Reads a capture of a desk phone that loops through its login, and says which device, how often, where, who, why, and
//! what to do.
//!
//! The modules stand in dependency order; each uses only those above it.

pub mod model;

pub mod bytes;
pub mod text;

pub mod capture;

pub mod rewrite;

pub mod packet;

pub mod flow;

pub mod formats;
pub mod keylog;

pub mod protocols;

pub mod event;

pub mod dispatch;

pub mod order;

pub mod device;

pub mod profile;
pub mod trust;

pub mod login;

pub mod findings;

pub mod acceptance;
pub mod verdict;

pub mod pipeline;

pub mod comparison;

pub mod extraction;

pub mod triage;

pub mod report;

#[cfg(feature = "cli")]
pub mod cli;
