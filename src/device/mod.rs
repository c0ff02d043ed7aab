//! Events in, devices out: whose event is this, and what is known of it.

pub mod facts;
