//! Recording where a device has its files from: TFTP, and which files came whole, over HTTP too.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::event::Event;
use crate::flow::Flow;
use crate::model::{At, Endpoint, Side};
use crate::protocols::{http, tftp};
use crate::text::WireText;

use super::super::steps::{Purpose, StepKind, Transfer};
use super::repeats::{begins_next_series, is_next_retry};
use super::{DraftId, OPEN_QUERIES, Recorder, SAME_QUESTION, WholeFile, add_newest, purpose};

/// Octets of a block where no option says otherwise (RFC 1350 section 2).
const BLOCK: u16 = 512;
/// Files that came whole and wait to be taken note of.
const WHOLE_FILES: usize = 64;

/// A request whose answers, from whatever port of the server, are still to come.
#[derive(Clone, Debug)]
pub(super) struct OpenTransfer {
    client: Endpoint,
    server: IpAddr,
    pub(super) draft: DraftId,
}

/// The same requests after their drafts got new numbers.
pub(super) fn renumbered(open: Vec<OpenTransfer>, numbers: &HashMap<DraftId, DraftId, RandomState>) -> Vec<OpenTransfer> {
    open.into_iter().filter_map(|one| Some(OpenTransfer { draft: *numbers.get(&one.draft)?, ..one })).collect()
}

impl Recorder {
    pub(super) fn tftp(&mut self, event: &Event, message: &tftp::Message) {
        if let tftp::Message::Request { write, file } = message {
            self.tftp_request(event, *write, file);
            return;
        }
        let Some(server) = event.flow.server_ip() else { return };
        let open = self.transfers.iter().rev().find(|open| open.client == event.flow.client && open.server == server);
        let Some(id) = open.map(|open| open.draft) else { return };
        let Some(StepKind::File(transfer)) = self.touch(id, event.at) else { return };
        let was_complete = transfer.complete.is_some();
        record_tftp(transfer, event.at, event.side, message);
        if !was_complete && transfer.complete.is_some() && !transfer.write {
            let name = transfer.file.clone();
            let purpose = purpose::of_file(name.raw());
            self.whole_file(event.at, name, purpose);
        }
    }

    fn tftp_request(&mut self, event: &Event, write: bool, file: &WireText) {
        let (client, server) = (event.source(), event.destination());
        let Some(host) = server.ip() else { return };
        let id = self.same_file(client, server, file, event.at).unwrap_or_else(|| {
            let name = self.names.name_of(server).map(|(name, _)| name);
            let flow = Flow { client, server, ..event.flow };
            let transfer = Transfer {
                flow,
                name,
                file: file.clone(),
                write,
                requests: Vec::new(),
                accepted: None,
                last_answer: None,
                block_size: BLOCK,
                last_block: None,
                acknowledged: Vec::new(),
                complete: None,
                error: None,
                aborted: None,
                unreachable: None,
            };
            self.begin(event.at, StepKind::File(Box::new(transfer)))
        });
        if self.transfers.len() >= OPEN_QUERIES {
            self.transfers.remove(0);
        }
        self.transfers.push(OpenTransfer { client, server: host, draft: id });
        if let Some(StepKind::File(transfer)) = self.touch(id, event.at) {
            transfer.flow.client = client;
            add_newest(&mut transfer.requests, event.at);
        }
    }

    /// The transfer that this request goes on with: the same file of the same server, while neither file nor refusal has
    /// come. A request that is repeated without its options, because the server refused those, goes on too (RFC 2347).
    fn same_file(&self, client: Endpoint, server: Endpoint, file: &WireText, at: At) -> Option<DraftId> {
        let (id, last, transfer) = self.drafts.iter().rev().take(64).find_map(|(id, draft)| match &draft.kind {
            StepKind::File(transfer) if transfer.flow.server == server && transfer.file == *file => {
                Some((id, &draft.last, transfer))
            }
            _ => None,
        })?;
        let refused = transfer.error.as_ref().is_some_and(|(_, code, _)| *code != tftp::error::OPTION);
        let open = transfer.accepted.is_none() && !refused && transfer.aborted.is_none();
        let same =
            at.time.since(last.time) <= SAME_QUESTION && !self.moved_on(id, last) && !self.asks_anew(id, transfer, client, at);
        (open && same).then_some(id)
    }

    /// Does the device ask for this file from another port after a pause that its repeats do not have? One that takes another port
    /// for each of them shows that by the pause alone, which is then to be a longer one.
    fn asks_anew(&self, id: DraftId, transfer: &Transfer, client: Endpoint, at: At) -> bool {
        let mut ports = self.transfers.iter().rev().filter(|open| open.draft == id).map(|open| open.client);
        let keeps_port = ports.next().zip(ports.next()).is_some_and(|(last, before)| last == before);
        let is_late = || keeps_port || !is_next_retry(transfer.requests.iter().copied(), at);
        client != transfer.flow.client && begins_next_series(&transfer.requests, at) && is_late()
    }

    /// Takes note of a page that came whole, if it is a file that a login stands on.
    pub(super) fn whole_page(&mut self, at: At, response: &http::Response) {
        let Some(request) = response.request.as_ref().filter(|_| response.code == 200 && response.body.arrived) else { return };
        let purpose = purpose::of_request(request);
        if request.method.raw() == "GET" && matches!(purpose, Purpose::Provision | Purpose::Update) {
            self.whole_file(at, request.uri.clone(), purpose);
        }
    }

    fn whole_file(&mut self, at: At, name: WireText, purpose: Purpose) {
        if self.whole_files.len() < WHOLE_FILES {
            self.whole_files.push(WholeFile { at, name, purpose });
        }
    }
}

fn record_tftp(transfer: &mut Transfer, at: At, side: Side, message: &tftp::Message) {
    if side == Side::Server && !matches!(message, tftp::Message::Error { .. }) {
        transfer.last_answer = Some(at);
    }
    match message {
        tftp::Message::Request { .. } => {}
        tftp::Message::OptionAcknowledgment { block_size } => {
            transfer.accepted = transfer.accepted.or(Some(at));
            transfer.block_size = block_size.unwrap_or(BLOCK);
        }
        tftp::Message::Acknowledgment { .. } if side == Side::Server => {
            transfer.accepted = transfer.accepted.or(Some(at));
        }
        tftp::Message::Acknowledgment { block } => {
            // One of a later block shows that the capture lacks that.
            if *block == transfer.last_block.map_or(0, |(last, _)| last) {
                add_newest(&mut transfer.acknowledged, at);
            }
        }
        tftp::Message::Data { block, length, cut } => {
            transfer.accepted = transfer.accepted.or(Some(at));
            let (last, octets) = transfer.last_block.unwrap_or_default();
            // A block that comes again brings nothing new.
            if *block != last {
                transfer.acknowledged.clear();
                transfer.last_block = Some((*block, octets.saturating_add(u64::from(*length))));
            }
            if *length < transfer.block_size && !cut {
                transfer.complete = transfer.complete.or(Some(at));
            }
        }
        tftp::Message::Error { code, text } if side == Side::Server => transfer.error = Some((at, *code, text.clone())),
        tftp::Message::Error { .. } => transfer.aborted = transfer.aborted.or(Some(at)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::device::facts::DeviceFacts;
    use crate::event::What;
    use crate::findings::testing::at_second;
    use crate::flow::Transport;
    use crate::packet::Link;
    use crate::protocols::Message;

    /// How often each file was asked for, by requests of a file, from a port, at a second.
    fn asked(requests: &[(&str, u16, f64)]) -> Vec<usize> {
        let mut recorder = Recorder::default();
        for (frame, (file, port, second)) in (1..).zip(requests) {
            let end = |host: u8, port: u16| Endpoint::Ip(SocketAddr::from(([10, 0, 0, host], port)));
            let flow = Flow { id: frame, transport: Transport::Udp, client: end(23, *port), server: end(7, 69), oriented: true };
            let request = tftp::Message::Request { write: false, file: WireText::from(*file) };
            let what = What::Message(Message::Tftp(Box::new(request)));
            let at = at_second(frame, *second);
            recorder.event(&Event { at, link: Link::default(), flow, side: Side::Client, what }, &DeviceFacts::default());
        }
        let files = recorder.drafts().filter_map(|(_, draft)| match &draft.kind {
            StepKind::File(transfer) => Some(transfer.requests.len()),
            _ => None,
        });
        files.collect()
    }

    /// One file, asked for at these seconds, from the port that `port` says for each request.
    fn one_file(seconds: &[f64], port: fn(u16) -> u16) -> Vec<usize> {
        let requests: Vec<_> = (0..).zip(seconds).map(|(number, second)| ("SEP001.cnf.xml", port(number), *second)).collect();
        asked(&requests)
    }

    const SERIES: [f64; 12] = [0.0, 4.0, 8.0, 12.0, 24.0, 28.0, 32.0, 36.0, 48.0, 52.0, 56.0, 60.0];

    #[test]
    fn a_file_that_is_asked_for_from_another_port_after_a_longer_pause_is_asked_for_anew() {
        assert_eq!(one_file(&SERIES, |number| 50_000 + number / 4), [4, 4, 4]);
        assert_eq!(one_file(&[0.0, 4.0, 8.0, 16.0, 20.0, 24.0], |number| 50_000 + number / 3), [3, 3], "twice as long is longer");
        assert_eq!(one_file(&SERIES, |_| 50_000), [12], "the same request");
        assert_eq!(one_file(&[0.0, 4.0, 8.0, 12.0, 16.0, 20.0], |number| 50_000 + number / 3), [6], "no pause");
    }

    #[test]
    fn where_each_repeat_has_a_port_of_its_own_only_a_much_longer_pause_tells() {
        let own_port = |number| 50_000 + number;
        assert_eq!(one_file(&SERIES, own_port), [4, 4, 4]);
        assert_eq!(one_file(&[0.0, 4.0, 8.0, 12.0, 16.0], own_port), [5]);
        assert_eq!(one_file(&[0.0, 1.0, 3.0, 7.0, 15.0], own_port), [5], "it backs off");
        assert_eq!(one_file(&[0.0, 1.0, 2.0, 4.0, 8.0], own_port), [5], "it backs off after its second repeat");
    }

    #[test]
    fn the_files_of_a_list_are_each_asked_for_once_whatever_their_ports() {
        let list = ["CTLSEP001.tlv", "SEP001.cnf.xml", "XMLDefault.cnf.xml"];
        let requests = (0..)
            .zip(list)
            .flat_map(|(number, file)| [0.0, 4.0, 8.0].map(|second| (file, 50_000 + number, f64::from(number) * 20.0 + second)));
        assert_eq!(asked(&requests.collect::<Vec<_>>()), [3, 3, 3]);
    }
}
