//! What several rules ask, asked in one place: questions over a closed attempt in, plain answers out. Nothing here knows a
//! rule or a code.

pub(super) mod access;
pub mod alert;
pub(super) mod answers;
pub mod chain;
pub(crate) mod client_certificate;
pub(super) mod directory;
pub mod fetch;
pub(super) mod files;
pub mod handshake;
pub mod hints;
pub mod idle;
pub mod judged;
pub mod name_errand;
pub(super) mod no_server;
pub mod option_need;
pub mod own_clock;
pub mod own_network;
pub mod place;
pub mod reach;
pub mod registration;
pub mod reissue;
pub mod restart;
pub mod role_names;
pub mod sketch;
#[cfg(test)]
pub(crate) mod testing_link;
pub mod update_status;
pub(super) mod vlans;
pub(crate) mod wrong_clock;
