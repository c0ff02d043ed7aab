//! What `events` prints of TFTP: requests, errors, and the first of what follows a request.

use serde_json::Value;

use super::Message;
use crate::protocols::{Asker, Describe};

impl Message {
    fn opcode(&self) -> u16 {
        match self {
            Message::Request { write: false, .. } => 1,
            Message::Request { write: true, .. } => 2,
            Message::Data { .. } => 3,
            Message::Acknowledgment { .. } => 4,
            Message::Error { .. } => 5,
            Message::OptionAcknowledgment { .. } => 6,
        }
    }
}

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "tftp"
    }

    fn event(&self) -> Option<&'static str> {
        match self {
            Message::Request { write: false, .. } => Some("read_request"),
            Message::Request { write: true, .. } => Some("write_request"),
            Message::Data { block: 1, .. } => Some("data"),
            Message::Acknowledgment { block: 0 | 1 } => Some("acknowledgment"),
            Message::Error { .. } => Some("error"),
            Message::OptionAcknowledgment { .. } => Some("option_acknowledgment"),
            Message::Data { .. } | Message::Acknowledgment { .. } => None,
        }
    }

    fn asker(&self) -> Asker {
        match self {
            Message::Request { .. } => Asker::Sender,
            _ => Asker::Client,
        }
    }

    fn held(&self) -> usize {
        match self {
            Message::Request { file, .. } => file.held(),
            Message::Error { text, .. } => text.held(),
            Message::Data { .. } | Message::Acknowledgment { .. } | Message::OptionAcknowledgment { .. } => 0,
        }
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("tftp.opcode", self.opcode().into());
        match self {
            Message::Request { write, file } => {
                put(if *write { "tftp.destination_file" } else { "tftp.source_file" }, file.raw().into());
            }
            Message::Data { block, .. } | Message::Acknowledgment { block } => put("tftp.block", (*block).into()),
            Message::Error { code, text } => {
                put("tftp.error.code", (*code).into());
                put("tftp.error.message", text.raw().into());
            }
            Message::OptionAcknowledgment { .. } => {}
        }
    }
}
