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
use super::{Draft, DraftId, OPEN_QUERIES, Recorder, SAME_QUESTION, WholeFile, add_newest, purpose};

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
        let id = self.same_file(server, file, event.at).unwrap_or_else(|| {
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
    fn same_file(&self, server: Endpoint, file: &WireText, at: At) -> Option<DraftId> {
        let (id, draft, transfer) = self.drafts.iter().rev().take(64).find_map(|(id, draft)| match &draft.kind {
            StepKind::File(transfer) if transfer.flow.server == server && transfer.file == *file => Some((id, draft, transfer)),
            _ => None,
        })?;
        let Draft { last, .. } = draft;
        let refused = transfer.error.as_ref().is_some_and(|(_, code, _)| *code != tftp::error::OPTION);
        let open = transfer.accepted.is_none() && !refused && transfer.aborted.is_none();
        (open && at.time.since(last.time) <= SAME_QUESTION && !self.moved_on(id, last)).then_some(id)
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
        tftp::Message::Acknowledgment { .. } => {
            if side == Side::Server {
                transfer.accepted = transfer.accepted.or(Some(at));
            }
        }
        tftp::Message::Data { block, length, cut } => {
            transfer.accepted = transfer.accepted.or(Some(at));
            let (last, octets) = transfer.last_block.unwrap_or_default();
            // A block that comes again brings nothing new.
            if *block != last {
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
