//! SIP requests and their answers.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::Flow;
use crate::model::{At, Frame};
use crate::protocols::sip;
use crate::text::WireText;

/// SIP over UDP with one server.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The server.
    pub flow: Flow,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// Frame of the answer that brought it.
    pub name_frame: Option<Frame>,
    /// Transactions of the device.
    pub transactions: Vec<Transaction>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
    /// When the device last sent this server a keep-alive, or answered what it asked.
    pub alive: Option<At>,
}

/// A SIP request of the device with what came back.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The request and its repeats.
    pub sent: Vec<At>,
    /// The request.
    pub request: Arc<sip::Message>,
    /// Provisional answers.
    pub provisional: Option<At>,
    /// The final answer.
    pub answer: Option<(At, Arc<sip::Message>)>,
    /// A final answer that the capture has, and the device did not hear.
    pub unheard: Option<(At, Arc<sip::Message>)>,
}
