//! What was seen, when, between whom: the one thing that flows from the protocols to the logins.

use std::sync::Arc;

use crate::flow::{Flow, Signal, TcpStats};
use crate::model::{At, Endpoint, Side};
use crate::packet::Link;
use crate::protocols::Message;

/// A message or a TCP signal, where and when it was seen.
#[derive(Clone, Debug)]
pub struct Event {
    /// The frame that completed it.
    pub at: At,
    /// The link layer of that frame.
    pub link: Link,
    /// The conversation.
    pub flow: Flow,
    /// Who sent it.
    pub side: Side,
    /// What it was.
    pub what: What,
}

/// What was seen.
#[derive(Clone, Debug)]
pub enum What {
    /// Something that happened to a TCP connection, and what its sides had done by then. Shared, so that the room for what
    /// nobody keeps is used again.
    Tcp(Signal, Arc<TcpStats>),
    /// A message.
    Message(Message),
    /// A datagram on a port of signalling that no protocol reads, be it a keep-alive, or one that the capture cut: that its sender
    /// lives is all that it tells.
    Unread {
        /// Does the capture hold all of it?
        whole: bool,
    },
}

impl Event {
    /// Who sent it.
    pub fn source(&self) -> Endpoint {
        self.flow.endpoint(self.side)
    }

    /// To whom.
    pub fn destination(&self) -> Endpoint {
        self.flow.endpoint(self.side.other())
    }
}

/// Takes events in the order of the capture.
pub trait EventSink {
    /// One event.
    fn event(&mut self, event: Event);

    /// Is nothing more wanted?
    fn is_done(&self) -> bool {
        false
    }
}
