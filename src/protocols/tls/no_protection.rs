//! The record protection of a program that was built without it: nothing is opened.
#![allow(dead_code, reason = "the other one reads what this one is given")]

use super::record::Header;
use crate::keylog::Random;
use crate::model::Side;

/// There is none.
#[derive(Debug)]
pub(super) enum Opener {}

/// What a record holds.
pub(super) struct Plain {
    /// ContentType.
    pub(super) kind: u8,
    /// The content.
    pub(super) bytes: Vec<u8>,
}

/// What the keys of a connection up to TLS 1.2 follow from.
pub(super) struct Agreed<'a> {
    /// The version that the server chose.
    pub(super) version: u16,
    /// The cipher suite.
    pub(super) suite: u16,
    /// Is the MAC that of the ciphertext?
    pub(super) encrypt_then_mac: bool,
    /// The random bytes of the ClientHello.
    pub(super) client: &'a Random,
    /// Those of the ServerHello.
    pub(super) server: &'a Random,
}

impl Opener {
    /// None.
    pub(super) fn up_to_1_2(_master: &[u8], _agreed: &Agreed<'_>, _side: Side) -> Option<Self> {
        None
    }

    /// None.
    pub(super) fn of_1_3(_suite: u16, _secret: &[u8]) -> Option<Self> {
        None
    }

    /// None.
    pub(super) fn renewed(&self) -> Option<Self> {
        match *self {}
    }

    /// None.
    pub(super) fn is_fresh(&self) -> bool {
        match *self {}
    }

    /// None.
    pub(super) fn open(&mut self, _header: Header, _body: &[u8]) -> Option<Plain> {
        match *self {}
    }
}
