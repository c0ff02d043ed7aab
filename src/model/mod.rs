//! The words that every other module speaks: frames, times, stages, drops, verdicts.
//! They hold facts and know how to spell themselves; they contain no judgement and read no bytes.

mod words;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

pub use words::*;

/// The number of a packet record in its capture file, as Wireshark counts: from 1, over all interfaces. 0 is no packet's: what
/// was known without one.
///
/// Frames have an order: that of the file, but for a packet that the capture has a moment too late, which stands before the one
/// that can only have followed it ([`Frame::before`]).
// From the highest bit on: its place, one higher, so that a frame that may be missing takes no more room than one that is
// there; and how much it was moved to the front, taken off, so that what was moved stands before what is at home there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame(NonZeroU64);

/// Bits for how far a frame was moved.
const MOVED: u32 = 16;

impl Frame {
    /// The frame with this number.
    pub const fn new(number: u64) -> Self {
        let last = (u64::MAX >> MOVED).saturating_sub(1);
        let number = if number < last { number } else { last };
        Self(NonZeroU64::MIN.saturating_add((number.saturating_add(1) << MOVED).saturating_sub(1)))
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        let (place, back) = self.parts();
        place.saturating_add(back)
    }

    /// The same frame, in the order right before `other`, if that has a lower number.
    #[must_use]
    pub const fn before(self, other: Frame) -> Self {
        let (place, _) = other.parts();
        let back = self.number().saturating_sub(place);
        if back == 0 || back >> MOVED != 0 {
            return self;
        }
        Self(NonZeroU64::MIN.saturating_add(Self::new(place).0.get().saturating_sub(back).saturating_sub(1)))
    }

    /// The frame at whose place it stands: itself, or the one that it was moved before.
    #[must_use]
    pub const fn place(self) -> Self {
        Self::new(self.parts().0)
    }

    /// Was it moved before another one?
    pub const fn is_moved(self) -> bool {
        self.parts().1 > 0
    }

    /// The number of the frame at whose place it stands, and how much higher its own is.
    const fn parts(self) -> (u64, u64) {
        let places = self.0.get().saturating_add((1 << MOVED) - 1) >> MOVED;
        let back = (self.0.get().wrapping_neg()) & ((1 << MOVED) - 1);
        (places.saturating_sub(1), back)
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

impl JsonSchema for Frame {
    fn schema_name() -> Cow<'static, str> {
        "Frame".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The number of a packet record in its capture file, as Wireshark counts: from 1, over all interfaces.",
            "type": "integer",
            "format": "uint64",
            "minimum": 0
        })
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(out)
    }
}

/// Nanoseconds since 1970-01-01 00:00 UTC, as the capture says. Never the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

impl Time {
    /// The time that lies `seconds` after 1970, saturating at the ends of the representable range.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Nanoseconds from `earlier` to `self`; negative if `self` is the earlier one.
    pub fn since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to `self`, as people read them.
    pub fn seconds_since(self, earlier: Time) -> f64 {
        self.since(earlier) as f64 / SECOND as f64
    }

    /// This time moved by `nanoseconds`, saturating.
    pub fn plus(self, nanoseconds: i64) -> Time {
        Time(self.0.saturating_add(nanoseconds))
    }

    /// RFC 3339 in UTC without fractions, e.g. `2009-04-10T22:01:03Z`.
    pub fn whole_seconds(self) -> String {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(stamp) => stamp.to_string(),
            Err(_) => format!("{} s since 1970", self.seconds()),
        }
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with nine digits, e.g. `2009-04-10T22:01:03.123456000Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every i64 of nanoseconds lies between the years 1677 and 2262, so that jiff always has a timestamp for it.
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => write!(out, "{stamp:.9}"),
            Err(_) => write!(out, "{} ns since 1970", self.0),
        }
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339 in UTC, with nine digits."})
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where in the capture something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct At {
    /// Wireshark's frame number.
    pub frame: Frame,
    /// The frame's time stamp.
    pub time: Time,
}

/// An IEEE 802 MAC address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// The first three octets: the maker's prefix, unless the address is locally administered.
    pub fn oui(self) -> [u8; 3] {
        let [a, b, c, ..] = self.0;
        [a, b, c]
    }

    /// Is it the address of a group, or of all?
    pub fn is_group(self) -> bool {
        self.0.first().is_some_and(|first| first & 1 != 0)
    }

    /// Can this be the address of one station: neither a group address nor all zero?
    pub fn is_station(self) -> bool {
        self.0.first().is_some_and(|first| first & 1 == 0) && self.0 != [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl std::str::FromStr for Mac {
    type Err = ();

    /// Accepts `00:04:f2:1a:2b:3c`, `00-04-F2-1A-2B-3C` and `0004f21a2b3c`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let digits: Vec<u32> =
            text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).map(|c| c.to_digit(16).ok_or(())).collect::<Result<_, _>>()?;
        let mut mac = [0_u8; 6];
        if digits.len() != 12 {
            return Err(());
        }
        for (octet, pair) in mac.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair.iter().fold(0, |value, digit| value << 4 | *digit as u8);
        }
        Ok(Mac(mac))
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One end of a conversation: an address and port, or a MAC address where there is no IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An IP address and a port (0 where the protocol has none).
    Ip(SocketAddr),
    /// A station on the link.
    Mac(Mac),
}

impl Hash for Endpoint {
    /// As one number, where it fits: most events are looked up by their ends.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Endpoint::Ip(SocketAddr::V4(end)) => state.write_u64(u64::from(end.ip().to_bits()) << 16 | u64::from(end.port())),
            Endpoint::Ip(SocketAddr::V6(end)) => {
                state.write_u128(end.ip().to_bits());
                state.write_u16(end.port());
            }
            Endpoint::Mac(Mac([a, b, c, d, e, f])) => state.write_u64(u64::from_be_bytes([1, 0, a, b, c, d, e, f])),
        }
    }
}

impl Endpoint {
    /// The IP address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Endpoint::Ip(socket) => Some(socket.ip()),
            Endpoint::Mac(_) => None,
        }
    }

    /// The port; 0 where there is none.
    pub fn port(&self) -> u16 {
        match self {
            Endpoint::Ip(socket) => socket.port(),
            Endpoint::Mac(_) => 0,
        }
    }
}

impl fmt::Display for Endpoint {
    /// `ip:port`, `[ip]:port`, or a MAC.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Ip(socket) => socket.fmt(out),
            Endpoint::Mac(mac) => mac.fmt(out),
        }
    }
}

/// Can this be the address of one host?
pub fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast() && !address.is_loopback()
}

/// Which side of a flow: the one that began it, or the one that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Sent the SYN, the request, the ClientHello.
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// The other side.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// Where, by whom, how and at which frame an attempt was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropPoint {
    /// The stage that failed.
    pub stage: Stage,
    /// Who left.
    pub by: By,
    /// How.
    pub how: How,
    /// The decisive frame.
    pub at: At,
}

/// A frame that proves something, and how to see it in Wireshark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The frame.
    pub frame: Frame,
    /// A Wireshark display filter that selects this frame and says what to look at.
    pub display_filter: String,
    /// What the frame shows, in plain words.
    pub text: String,
}

impl Evidence {
    /// Evidence in one frame. `show` is an extra display-filter term that holds in that frame, or empty.
    pub fn new(frame: Frame, show: &str, text: impl Into<String>) -> Self {
        let mut display_filter = String::with_capacity(show.len().saturating_add(32));
        // Writing to a string cannot fail.
        let _ = write!(display_filter, "frame.number == {frame}");
        if !show.is_empty() {
            display_filter.push_str(" && ");
            display_filter.push_str(show);
        }
        Self { frame, display_filter, text: text.into() }
    }
}

/// Something about the input that a reader should know; it stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// The frame that it speaks of, where it speaks of one.
    pub frame: Option<Frame>,
    /// Plain words.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_moved_keeps_its_number_and_stands_before_the_other_one() {
        let (question, answer) = (Frame::new(7).before(Frame::new(5)), Frame::new(5));
        assert_eq!((question.number(), question.place(), answer.place()), (7, answer, answer));
        assert!(Frame::new(4) < question && question < answer);
        assert!(question.is_moved() && !answer.is_moved());
        let first = Frame::new(9).before(question);
        assert_eq!((first.number(), first.place()), (9, answer));
        assert!(Frame::new(4) < first && first < question, "and before one that was moved there itself");
    }

    #[test]
    fn only_a_frame_that_comes_later_is_moved_and_not_from_the_other_end_of_the_capture() {
        for (frame, other) in [(5, 5), (5, 6), (5 + (1 << MOVED), 5)] {
            assert_eq!(Frame::new(frame).before(Frame::new(other)), Frame::new(frame));
        }
        for number in [0, 1, u64::MAX >> (MOVED + 1)] {
            assert_eq!((Frame::new(number).number(), Frame::new(number).place()), (number, Frame::new(number)));
        }
    }

    #[test]
    fn times_are_rfc_3339_with_nine_digits() {
        assert_eq!(Time(1_239_400_863_123_456_000).to_string(), "2009-04-10T22:01:03.123456000Z");
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Time(i64::MIN).to_string(), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(Time::from_seconds(1_239_400_863).whole_seconds(), "2009-04-10T22:01:03Z");
    }

    #[test]
    fn a_mac_is_read_in_the_spellings_that_people_paste() {
        for text in ["00:04:f2:1a:2b:3c", "00-04-F2-1A-2B-3C", "0004f21a2b3c", "0004.f21a.2b3c"] {
            assert_eq!(text.parse(), Ok(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c])));
        }
        assert_eq!("00:04:f2".parse::<Mac>(), Err(()));
    }

    #[test]
    fn words_are_those_of_the_contract() {
        assert_eq!(
            Stage::ALL.iter().map(|s| s.word()).collect::<Vec<_>>().join(" "),
            "link address names time provision directory enrolment connect tls register session update"
        );
        assert_eq!(Verdict::SignedIn.to_string(), "signed-in");
    }
}
