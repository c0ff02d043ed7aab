//! The stream: records, opened where a key log has their secrets, the handshake messages inside them, and when it is no longer
//! worth looking.

use std::sync::Arc;

use super::decryption::State;
use super::protection::Plain;
use super::record::{self, Header, Resync};
use super::{Decryption, Message, handshake, is_1_3, sslv2};
use crate::flow::{Interest, Step};
use crate::model::Side;
use crate::protocols::{self, Inner, Out, StreamParser};

/// Records of application data that are told of each side.
const TOLD_RECORDS: u32 = 16;
/// Records of application data of one side after which a connection counts as a bulk transfer, of which no more is asked.
const BULK_RECORDS: u32 = 48;
/// Bytes of one side that may pass without a record header before the stream is given up: it is not TLS.
const MAX_LOST: usize = 256 << 10;

/// Reads both directions of a connection. Between calls it keeps only what a handshake message that spans records has so
/// far: the headers between the pieces must go, so the stream's own buffer cannot serve.
#[derive(Debug, Default)]
pub(super) struct Parser {
    client: Direction,
    server: Direction,
    /// The version that the server chose; 0 until it is known.
    chosen: u16,
    decryption: State,
    /// Does nobody want what is inside, or can it not be told in full?
    inside_is_over: bool,
}

#[derive(Debug, Default)]
struct Direction {
    /// Has it begun, so that an SSLv2-format hello is no longer expected?
    begun: bool,
    /// Is the place of the next record header unknown? If so, how many bytes were searched in vain.
    lost: Option<usize>,
    /// Did it send ChangeCipherSpec?
    encrypted: bool,
    /// The beginning of a handshake message whose end is in a later record.
    joined: Vec<u8>,
    /// Bytes of a record that nobody wants, still to come.
    skip: usize,
    /// The length of what that record holds, if it is told once it has passed.
    passing: Option<u16>,
    /// Records of application data so far.
    application_records: u32,
}

/// What became of the front of the bytes in hand.
enum Next {
    /// So many are used up.
    Used(usize),
    /// So many must be there.
    Need(usize),
    /// Enough was seen.
    Done,
}

impl StreamParser for Parser {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut used: usize = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            match self.next(side, rest, out) {
                Next::Used(count) => used = used.saturating_add(count),
                Next::Need(need) => return Step::Used { bytes: used, need },
                Next::Done => return Step::Done,
            }
        }
    }

    fn cut(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        let direction = self.direction(side);
        let header = Header::read(rest).filter(|header| header.kind == record::HANDSHAKE && header.is_plausible());
        let (Some(_), Some(body), None, 0) = (header, rest.get(record::HEADER..), direction.lost, direction.skip) else { return };
        if direction.encrypted && !is_1_3(self.chosen) {
            return;
        }
        let mut joined = std::mem::take(&mut self.direction(side).joined);
        joined.extend_from_slice(body);
        let rest = self.messages(side, &joined, out);
        if let Some(beginning) = handshake::beginning(rest) {
            tell(side, Message::Cut(Box::new(beginning)), out);
        }
    }

    fn gap(&mut self, side: Side, missing: u64, out: &mut dyn Out) -> Step {
        let encrypted = self.direction(side).encrypted;
        let told = self.decryption.gap(side, encrypted);
        self.told(side, told, out);
        let direction = self.direction(side);
        let skip = u64::try_from(direction.skip).unwrap_or(u64::MAX);
        if missing <= skip && skip > 0 && direction.passing.is_none() {
            // The hole lies inside a record that is passed over anyway.
            direction.skip = usize::try_from(skip.saturating_sub(missing)).unwrap_or(usize::MAX);
        } else {
            direction.skip = 0;
            direction.passing = None;
            direction.begun = true;
            direction.joined = Vec::new();
            direction.lost = Some(0);
        }
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, side: Side, _rest: &[u8], out: &mut dyn Out) {
        // A record that was cut by the end is no message.
        if self.reads_inside() {
            out.inner(side, Inner::End);
        }
    }

    fn held(&self) -> usize {
        let joined = self.client.joined.capacity().saturating_add(self.server.joined.capacity());
        joined.saturating_add(self.decryption.held())
    }
}

impl Parser {
    fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn next(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Next {
        let direction = self.direction(side);
        if bytes.is_empty() {
            return Next::Need(if direction.skip == 0 { record::HEADER } else { 0 });
        }
        if direction.skip > 0 {
            let count = direction.skip.min(bytes.len());
            direction.skip = direction.skip.saturating_sub(count);
            if direction.skip == 0
                && let Some(length) = direction.passing.take()
            {
                self.application_data(side, length, out);
                return if self.is_enough() { Next::Done } else { Next::Used(count) };
            }
            return Next::Used(count);
        }
        if let Some(searched) = direction.lost {
            return direction.search(bytes, searched);
        }
        if !direction.begun && sslv2::Header::may_begin(bytes) {
            return self.sslv2_hello(side, bytes, out);
        }
        let Some(header) = Header::read(bytes) else { return Next::Need(record::HEADER) };
        direction.begun = true;
        if !header.is_plausible() {
            direction.lost = Some(0);
            return Next::Used(0);
        }
        if header.kind == record::APPLICATION_DATA && direction.application_records >= TOLD_RECORDS && !self.reads_inside() {
            let direction = self.direction(side);
            direction.skip = header.whole();
            direction.application_records = direction.application_records.saturating_add(1);
            return if self.is_enough() { Next::Done } else { Next::Used(0) };
        }
        if header.kind == record::APPLICATION_DATA && out.keys().is_none() {
            // Nothing can open it: that it came is all that is told, and its bytes need not be kept until it is whole.
            let direction = self.direction(side);
            direction.skip = header.whole();
            direction.passing = Some(header.length);
            return Next::Used(0);
        }
        let Some(body) = bytes.get(record::HEADER..header.whole()) else { return Next::Need(header.whole()) };
        self.record(side, header, body, out);
        if self.is_enough() { Next::Done } else { Next::Used(header.whole()) }
    }

    /// Is what the connection carries told, too?
    fn reads_inside(&self) -> bool {
        self.decryption.is_open() && !self.inside_is_over
    }

    /// Has all been told that is told of a connection?
    fn is_enough(&self) -> bool {
        if self.reads_inside() {
            return false;
        }
        let (client, server) = (self.client.application_records, self.server.application_records);
        client.min(server) >= TOLD_RECORDS || client.max(server) >= BULK_RECORDS
    }

    /// The first bytes of a direction may be a hello in SSLv2 format.
    fn sslv2_hello(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Next {
        if bytes.len() < sslv2::FIXED {
            return Next::Need(sslv2::FIXED);
        }
        let Some(header) = sslv2::Header::read(bytes) else {
            self.direction(side).begun = true;
            return Next::Used(0);
        };
        let Some(hello) = bytes.get(..header.whole) else { return Next::Need(header.whole) };
        self.direction(side).begun = true;
        let client_hello = sslv2::client_hello(&header, hello);
        self.decryption.client_hello(&client_hello);
        tell(side, Message::ClientHello(Arc::new(client_hello)), out);
        Next::Used(header.whole)
    }

    fn record(&mut self, side: Side, header: Header, body: &[u8], out: &mut dyn Out) {
        if !self.is_encrypted(side, header, body) {
            return self.content(side, header.kind, body, out);
        }
        match self.open(side, header, body, out) {
            Some(plain) if plain.kind == record::APPLICATION_DATA => {
                self.content(side, plain.kind, &plain.bytes, out);
                self.inside(side, &plain.bytes, out);
            }
            Some(plain) => self.content(side, plain.kind, &plain.bytes, out),
            None if header.kind == record::HANDSHAKE => tell(side, Message::EncryptedHandshake, out),
            None => self.content(side, header.kind, body, out),
        }
    }

    /// Is a record encrypted? In TLS 1.3 all that is looks like application data (RFC 8446 section 5.2), and ChangeCipherSpec
    /// means nothing. A hello in clear may follow one all the same, and an alert of two octets is one in clear.
    fn is_encrypted(&mut self, side: Side, header: Header, body: &[u8]) -> bool {
        match header.kind {
            record::APPLICATION_DATA => true,
            _ if is_1_3(self.chosen) || !self.direction(side).encrypted => false,
            record::HANDSHAKE => !handshake::is_hello_in_clear(body),
            record::ALERT => body.len() > 2,
            _ => true,
        }
    }

    /// What an encrypted record holds, if there are secrets that open it.
    fn open(&mut self, side: Side, header: Header, body: &[u8], out: &mut dyn Out) -> Option<Plain> {
        let encrypted = self.direction(side).encrypted;
        let (plain, told) = self.decryption.open(side, header, body, encrypted, out.keys()?);
        self.told(side, told, out);
        plain
    }

    /// Tells what became of the decryption.
    fn told(&mut self, side: Side, told: Option<Decryption>, out: &mut dyn Out) {
        let Some(told) = told else { return };
        tell(side, Message::Decryption(told), out);
        if told == Decryption::Torn && !self.inside_is_over {
            self.inside_is_over = true;
            out.inner(side, Inner::Torn);
        }
    }

    /// Hands on what the connection carries.
    fn inside(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) {
        if self.reads_inside() && out.inner(side, Inner::Bytes(bytes)) == Interest::SignalsOnly {
            self.inside_is_over = true;
        }
    }

    /// The content of a record, in clear or opened.
    fn content(&mut self, side: Side, kind: u8, body: &[u8], out: &mut dyn Out) {
        match kind {
            record::HANDSHAKE => self.handshake(side, body, out),
            record::CHANGE_CIPHER_SPEC => {
                self.interrupted(side, out);
                self.direction(side).encrypted = true;
                self.decryption.change_cipher_spec(side);
                tell(side, Message::ChangeCipherSpec, out);
            }
            record::ALERT => tell(side, alert(body), out),
            record::APPLICATION_DATA => self.application_data(side, u16::try_from(body.len()).unwrap_or(u16::MAX), out),
            _ => self.interrupted(side, out),
        }
    }

    /// A record of another type has come. Fragments of one message follow each other without (RFC 8446 section 5.1); so what
    /// looked like the beginning of a message was none.
    fn interrupted(&mut self, side: Side, out: &mut dyn Out) {
        let direction = self.direction(side);
        if !direction.joined.is_empty() {
            direction.joined = Vec::new();
            tell(side, Message::EncryptedHandshake, out);
        }
    }

    /// A record of application data, of so many octets, has come.
    fn application_data(&mut self, side: Side, length: u16, out: &mut dyn Out) {
        self.interrupted(side, out);
        let direction = self.direction(side);
        direction.application_records = direction.application_records.saturating_add(1);
        if direction.application_records <= TOLD_RECORDS {
            tell(side, Message::ApplicationData { length, turn: out.turn() }, out);
        }
    }

    fn handshake(&mut self, side: Side, body: &[u8], out: &mut dyn Out) {
        if self.direction(side).joined.is_empty() {
            let rest = self.messages(side, body, out);
            if !rest.is_empty() {
                self.direction(side).joined = rest.to_vec();
            }
            return;
        }
        let joined = &mut self.direction(side).joined;
        joined.extend_from_slice(body);
        // Until the message is whole, each fragment costs its own length only.
        if handshake::Header::read(joined).is_none_or(|header| joined.len() < header.whole() && header.is_plausible(joined.len()))
        {
            return;
        }
        let joined = std::mem::take(joined);
        let rest = self.messages(side, &joined, out).to_vec();
        self.direction(side).joined = rest;
    }

    /// Tells the whole messages in `bytes`. Returns the beginning of one that is not whole.
    fn messages<'a>(&mut self, side: Side, mut bytes: &'a [u8], out: &mut dyn Out) -> &'a [u8] {
        while let Some(header) = handshake::Header::read(bytes) {
            if !header.is_plausible(bytes.len()) {
                tell(side, Message::EncryptedHandshake, out);
                return &[];
            }
            let Some((message, rest)) = bytes.split_at_checked(header.whole()) else { return bytes };
            self.message(side, header.kind, message.get(handshake::HEADER..).unwrap_or_default(), out);
            bytes = rest;
        }
        // Fewer than four bytes: the beginning of a header, if they can be one.
        if bytes.first().is_some_and(|kind| handshake::is_known(*kind)) { bytes } else { &[] }
    }

    fn message(&mut self, side: Side, kind: u8, body: &[u8], out: &mut dyn Out) {
        let message = handshake::read(kind, body, self.chosen);
        match &message {
            Message::ClientHello(hello) => self.decryption.client_hello(hello),
            Message::ServerHello(hello) => {
                self.chosen = hello.chosen;
                self.decryption.server_hello(hello);
            }
            Message::Handshake(handshake::FINISHED) => self.decryption.finished(side),
            Message::Handshake(handshake::KEY_UPDATE) => self.decryption.key_update(side),
            _ => {}
        }
        tell(side, message, out);
    }
}

impl Direction {
    /// Looks for the next record header after a hole.
    fn search(&mut self, bytes: &[u8], searched: usize) -> Next {
        let (passed, next) = match record::resynchronise(bytes) {
            Resync::At(start) => {
                self.lost = None;
                return Next::Used(start);
            }
            Resync::Perhaps(0, need) => return Next::Need(need),
            Resync::Perhaps(start, _) => (start, Next::Used(start)),
            Resync::Nowhere(0) => return Next::Need(record::HEADER),
            Resync::Nowhere(passed) => (passed, Next::Used(passed)),
        };
        let searched = searched.saturating_add(passed);
        self.lost = Some(searched);
        if searched > MAX_LOST { Next::Done } else { next }
    }
}

/// An alert in clear has two octets and one of two levels; under encryption it has at least the length of a MAC.
fn alert(body: &[u8]) -> Message {
    match body {
        [level @ 1..=2, description] => Message::Alert { level: *level, description: *description },
        _ => Message::EncryptedAlert,
    }
}

fn tell(side: Side, message: Message, out: &mut dyn Out) {
    out.message(side, protocols::Message::Tls(message));
}
