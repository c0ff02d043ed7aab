//! NTP and SNTP (RFC 5905, RFC 4330): where a phone has its clock from.

use crate::model::{Side, Time};
use crate::protocols::{self, Guess, Out, OverUdp, Probe, Protocol};

mod fields;
mod parser;
#[cfg(test)]
mod tests;

/// The port of NTP, at both ends or at one.
const PORT: u16 = 123;

/// NTP, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "ntp", udp: Some(OverUdp { probe, read }), tcp: None, link: None };

fn probe(probe: &Probe<'_>) -> Guess {
    if probe.on_port(PORT) && parser::parse(probe.bytes).is_some() { Guess::Yes } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], _whole: bool, out: &mut dyn Out) -> bool {
    let message = parser::parse(bytes);
    let read = message.is_some();
    if let Some(message) = message {
        out.message(side, protocols::Message::Ntp(message));
    }
    read
}

/// Modes (RFC 5905 section 7.3).
pub mod mode {
    /// A peer that asks.
    pub const SYMMETRIC_ACTIVE: u8 = 1;
    /// A peer that answers.
    pub const SYMMETRIC_PASSIVE: u8 = 2;
    /// A client's question.
    pub const CLIENT: u8 = 3;
    /// A server's answer.
    pub const SERVER: u8 = 4;
    /// A server's announcement to all.
    pub const BROADCAST: u8 = 5;
    /// A control message (RFC 9327).
    pub const CONTROL: u8 = 6;
    /// A message between programs of one maker.
    pub const PRIVATE: u8 = 7;
}

/// An NTP packet. Of modes 6 and 7 only version and mode (and for 6 the leap indicator) hold; the rest is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Leap indicator; 3 means "not synchronised".
    pub leap: u8,
    /// Version.
    pub version: u8,
    /// Mode: 3 client, 4 server, 5 broadcast.
    pub mode: u8,
    /// Stratum; 0 in an answer is a kiss of death, 16 and more "not synchronised".
    pub stratum: u8,
    /// Reference identifier; the kiss code where the stratum is 0.
    pub reference_id: [u8; 4],
    /// Originate timestamp, raw (RFC 5905 section 6: 32 bits of seconds since 1900, 32 of fraction); 0 is unknown.
    pub originate: u64,
    /// Receive timestamp, raw.
    pub receive: u64,
    /// Transmit timestamp, raw.
    pub transmit: u64,
    /// Is the packet shorter than its header, so that fields are missing?
    pub cut: bool,
}

impl Message {
    /// The sender's clock when it sent this. `None` where it did not say.
    pub fn transmit_time(&self) -> Option<Time> {
        to_time(self.transmit)
    }

    /// Can a client set its clock by this answer (RFC 4330 section 5)? One that the capture cut shows no fault in what is left.
    pub fn is_usable(&self) -> bool {
        self.leap != 3 && (1..16).contains(&self.stratum) && (self.transmit != 0 || self.cut)
    }
}

/// An NTP timestamp of era 0 (until 2036-02-07), or of era 1 for what would lie before 1968 (RFC 4330 section 3).
pub fn to_time(stamp: u64) -> Option<Time> {
    /// Seconds from 1900 to 1970.
    const UNIX: i64 = 2_208_988_800;
    const ERA: i64 = 1 << 32;
    if stamp == 0 {
        return None;
    }
    let seconds = (stamp >> 32) as i64;
    let fraction = ((stamp & 0xffff_ffff) as i64).wrapping_mul(crate::model::SECOND) >> 32;
    let era = if seconds & (1 << 31) == 0 { ERA } else { 0 };
    Some(Time::from_seconds(seconds + era - UNIX).plus(fraction))
}
