//! What a device fetches by single questions: files by TFTP, names, the time.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::Flow;
use crate::model::{At, Frame};
use crate::protocols::{dns, ntp};
use crate::text::WireText;

/// A file over TFTP.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Who asked whom.
    pub flow: Flow,
    /// The name that led to the server.
    pub name: Option<WireText>,
    /// The file.
    pub file: WireText,
    /// Is it written to the server?
    pub write: bool,
    /// Requests.
    pub requests: Vec<At>,
    /// The first block, or what else shows that the server takes the request.
    pub accepted: Option<At>,
    /// The server's last block, or its last word otherwise that is no error.
    pub last_answer: Option<At>,
    /// Octets of a full block (RFC 2348).
    pub block_size: u16,
    /// The last block that came, and how many octets had come by then.
    pub last_block: Option<(u16, u64)>,
    /// When the device acknowledged the last block, and acknowledged it again because no other came.
    pub acknowledged: Vec<At>,
    /// The frame that brought the last block of the file.
    pub complete: Option<At>,
    /// The server's error: code and text.
    pub error: Option<(At, u16, WireText)>,
    /// The device gave it up.
    pub aborted: Option<At>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
}

/// One name and record type, with all repeats of the question.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The name as asked.
    pub name: WireText,
    /// The record type.
    pub kind: u16,
    /// Of a host that has no address: the service whose record names it, and the answer that held that, be it in an attempt before:
    /// records are kept for as long as they say (RFC 1035 section 3.2.1).
    pub target_of: Option<Box<(WireText, Frame)>>,
    /// Each query, with the server asked.
    pub queries: Vec<(At, IpAddr)>,
    /// The last answer (a good one displaces a bad one; a truncated one is displaced by that over TCP).
    pub answer: Option<Answer>,
    /// ICMP unreachable for a query: frame and the ICMP's sender.
    pub unreachable: Option<(At, IpAddr)>,
}

/// An answer to a look-up.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its frame.
    pub at: At,
    /// Who answered.
    pub server: IpAddr,
    /// The response code.
    pub rcode: u16,
    /// Was it truncated, with no answer over TCP?
    pub truncated: bool,
    /// Was it cut by the capture, or malformed? Then it proves no absence.
    pub partial: bool,
    /// The message, for its records.
    pub message: Arc<dns::Message>,
}

impl Answer {
    /// Answer and additional records.
    pub fn records(&self) -> &[dns::Record] {
        &self.message.records
    }
}

impl Lookup {
    /// Addresses in the answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.answer.iter().flat_map(Answer::records).filter_map(|record| match record.data {
            dns::RecordData::Address(address) => Some(address),
            _ => None,
        })
    }

    /// SRV targets in the answer: host and port.
    pub fn targets(&self) -> impl Iterator<Item = (&WireText, u16)> + '_ {
        self.answer.iter().flat_map(Answer::records).filter_map(|record| match &record.data {
            dns::RecordData::Service { target, port, .. } if record.answer => Some((target, *port)),
            _ => None,
        })
    }

    /// Was the answer cut, and the whole never came over TCP?
    pub fn is_truncated(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.truncated)
    }

    /// Did the answer hold what was asked for?
    pub fn found(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| {
            answer.rcode == 0
                && answer.records().iter().any(|record| {
                    record.answer
                        && match &record.data {
                            dns::RecordData::Address(IpAddr::V4(_)) => self.kind == dns::kind::A,
                            dns::RecordData::Address(IpAddr::V6(_)) => self.kind == dns::kind::AAAA,
                            dns::RecordData::Service { target, .. } => self.kind == dns::kind::SRV && !target.is_empty(),
                            dns::RecordData::Pointer(_) => self.kind == dns::kind::PTR,
                            dns::RecordData::Alias(_) => self.kind == dns::kind::CNAME,
                            dns::RecordData::NameServer(_) => self.kind == dns::kind::NS,
                        }
                })
        })
    }
}

/// NTP with one server.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The server.
    pub server: IpAddr,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// Requests.
    pub requests: Vec<(At, ntp::Message)>,
    /// Answers.
    pub answers: Vec<(At, ntp::Message)>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
    /// Does the device go on all the same, to what the capture cut so that it cannot be read?
    pub done_without: bool,
}
