//! Reads a DHCP or BOOTP message and its options in wire order, over the fields that option 52 lends to them as well.

use std::ops::Range;

use dhcproto::v4::{HType, MAGIC, borrowed};

use super::{DhcpOption, Message, Options, check, option};
use crate::bytes::Reader;
use crate::model::Mac;

/// The fixed part, up to and with the magic cookie (RFC 2131 section 2).
const HEADER: usize = 240;
/// As much of it as there must be: up to and with giaddr.
const SHORTEST: usize = 28;
/// Where chaddr, if it is a MAC, ends.
const MAC_END: usize = 34;
/// The server name, which options may overflow into.
const SERVER_NAME: Range<usize> = 44..108;
/// The boot file name, which options may overflow into.
const FILE: Range<usize> = 108..236;
/// The magic cookie, which tells DHCP from the vendor area of BOOTP.
const COOKIE: Range<usize> = 236..HEADER;
/// How many options of a message are kept: there are but 254 numbers.
const MAX_OPTIONS: usize = 1024;
/// As many options as a message has at most, as a rule: for those there is room at once.
const USUAL_OPTIONS: usize = 24;

/// Could this be DHCP or BOOTP: an operation that exists, or the magic cookie?
pub(super) fn looks_right(bytes: &[u8]) -> bool {
    bytes.len() >= SHORTEST && (matches!(bytes.first(), Some(1 | 2)) || has_cookie(bytes))
}

/// Does the magic cookie stand where it should?
pub(super) fn has_cookie(bytes: &[u8]) -> bool {
    bytes.get(COOKIE) == Some(&MAGIC)
}

/// Reads a message. `whole` is false where the capture cut it.
pub(super) fn parse(bytes: &[u8], whole: bool) -> Option<Message> {
    if !looks_right(bytes) {
        return None;
    }
    // dhcproto wants all of the fixed part; a message that the capture cut behind giaddr is still worth reading.
    let mut header = [0_u8; HEADER];
    for (to, from) in header.iter_mut().zip(bytes) {
        *to = *from;
    }
    let fixed = borrowed::Message::new(&header).ok()?;
    let mut message = Message {
        operation: fixed.opcode().into(),
        transaction: fixed.xid(),
        kind: None,
        hardware_address: hardware_address(&fixed, bytes.len()),
        client: fixed.ciaddr(),
        your: fixed.yiaddr(),
        server: fixed.siaddr(),
        relay: fixed.giaddr(),
        options: Options::default(),
        problems: Vec::new(),
        cut: !whole,
    };
    if has_cookie(bytes) {
        let mut walk = Walk { whole, found: Vec::with_capacity(USUAL_OPTIONS), problems: Vec::new() };
        walk.options(bytes);
        (message.options, message.problems) = walk.finish();
        message.kind = message.option(option::MESSAGE_TYPE).and_then(|value| value.first().copied());
        check::values(&mut message);
    }
    Some(message)
}

/// chaddr, if it is a MAC. Its length comes first: `chaddr()` trusts it, and fails on one that leads out of the message.
fn hardware_address(fixed: &borrowed::Message<'_>, captured: usize) -> Option<Mac> {
    let is_mac = fixed.hlen() == 6 && matches!(fixed.htype(), HType::Eth | HType::IEEE802) && captured >= MAC_END;
    if is_mac { fixed.chaddr().try_into().ok().map(Mac) } else { None }
}

/// Where an option stands. Parts of one that was split over several places are joined in this order (RFC 3396 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Options,
    File,
    ServerName,
}

/// Goes through the places in which options stand.
#[derive(Debug)]
struct Walk<'a> {
    whole: bool,
    found: Vec<(Place, DhcpOption<'a>)>,
    problems: Vec<(u8, String)>,
}

impl<'a> Walk<'a> {
    // Ours and not dhcproto's walk: that one joins neighbours of one number, stops without a word at what is malformed,
    // drops a good option before a malformed neighbour, and does not follow option 52.
    fn options(&mut self, message: &'a [u8]) {
        let mut reader = Reader::new(message.get(HEADER..).unwrap_or_default());
        let mut overloaded = false;
        let mut ended = None;
        while ended.is_none() {
            ended = self.step(&mut reader, Place::Options);
            if !overloaded && let Some((Place::Options, DhcpOption { code: option::OVERLOAD, data })) = self.found.last() {
                overloaded = true;
                let fields = data.first().copied().unwrap_or_default();
                self.overload(message, fields);
            }
        }
        if ended == Some(End::Missing) && self.whole {
            self.problems.push((option::END, "the options do not close with the end option (255)".to_owned()));
        }
    }

    /// Follows option 52: 1 is the file field, 2 the server name, 3 both. Wireshark lists their options at this place.
    fn overload(&mut self, message: &'a [u8], fields: u8) {
        for (bit, place, range, name) in [(2, Place::ServerName, SERVER_NAME, "server name"), (1, Place::File, FILE, "file")] {
            let Some(area) = message.get(range).filter(|_| fields & bit != 0) else { continue };
            let mut reader = Reader::new(area);
            let mut ended = None;
            while ended.is_none() {
                ended = self.step(&mut reader, place);
            }
            if ended == Some(End::Missing) {
                let text = format!("the options in the {name} field do not close with the end option (255)");
                self.problems.push((option::OVERLOAD, text));
            }
        }
    }

    /// Reads one option, or says how the options ended.
    fn step(&mut self, reader: &mut Reader<'a>, place: Place) -> Option<End> {
        let Ok(code) = reader.u8("option") else { return Some(End::Missing) };
        match code {
            option::PAD => return None,
            option::END => return Some(End::Proper),
            _ if self.found.len() >= MAX_OPTIONS => {
                self.problems.push((option::END, format!("more than {MAX_OPTIONS} options")));
                return Some(End::Overrun);
            }
            _ => {}
        }
        let length = reader.u8("length").ok().map(usize::from);
        let value = length.and_then(|length| reader.take(length, "value").ok());
        let data = value.unwrap_or_else(|| reader.rest());
        if value.is_none() && self.whole {
            let told =
                length.map_or("no length octet".to_owned(), |length| format!("{length} octets announced, {} there", data.len()));
            self.problems.push((code, told));
        }
        let overrun = value.is_none();
        self.found.push((place, DhcpOption { code, data }));
        overrun.then_some(End::Overrun)
    }

    /// The options in the order in which Wireshark lists them. Where one number occurs in several places, its values
    /// are dealt out to its places so that joining them from front to back joins them in the order of RFC 3396.
    fn finish(self) -> (Options, Vec<(u8, String)>) {
        let places = |option: &(Place, DhcpOption<'_>)| option.0;
        if self.found.iter().all(|option| places(option) == Place::Options) {
            return (self.found.into_iter().map(|(_, option)| option).collect(), self.problems);
        }
        let codes: Vec<u8> = self.found.iter().map(|(_, option)| option.code).collect();
        let mut by_place = self.found;
        by_place.sort_by_key(places);
        let take = |code: u8| {
            let part = by_place.iter().position(|(_, option)| option.code == code)?;
            Some(by_place.remove(part).1)
        };
        (codes.into_iter().filter_map(take).collect(), self.problems)
    }
}

/// How a list of options ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With option 255.
    Proper,
    /// With the field's last octet, between two options.
    Missing,
    /// Inside an option, or because there were too many.
    Overrun,
}
