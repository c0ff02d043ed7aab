//! One JSON object a line for each event: what the login machine sees, in Wireshark's field names.

use std::fmt::Display;
use std::io::{self, Write};

use super::visible;
use crate::event::{Event, What};
use crate::flow::{Flow, Signal, community_id};
use crate::model::At;

/// Writes events. Keys are written as they come; one line is put together in a buffer that is used again.
pub struct EventWriter<W> {
    out: W,
    line: Vec<u8>,
    /// The flow of the last event with its Community ID: events of one flow come in bursts.
    last_flow: Option<(Flow, Option<String>)>,
    /// The newest frame that was told. What never came to its end is known late, and stands there: lines are in frame order.
    newest: At,
}

impl<W: Write> EventWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::with_capacity(1024), last_flow: None, newest: At::default() }
    }

    /// Writes one event, if it is one that is printed. `device` is the MAC or address of the device that it belongs to,
    /// if it belongs to one.
    pub fn event(&mut self, event: &Event, device: Option<&dyn Display>) -> io::Result<()> {
        let (protocol, word, message) = match &event.what {
            What::Message(message) => {
                let message = message.describe();
                let Some(word) = message.event() else { return Ok(()) };
                (message.protocol(), word, Some(message))
            }
            What::Tcp(signal, _) => {
                let Some(word) = signal_word(*signal) else { return Ok(()) };
                ("tcp", word, None)
            }
            What::Unread { .. } => return Ok(()),
        };
        self.newest = self.newest.max(event.at);
        self.line.clear();
        write!(self.line, "{{\"frame\":{}", self.newest.frame)?;
        // Times, addresses and our own words need no escaping.
        write!(self.line, ",\"time\":\"{}\"", self.newest.time)?;
        write!(self.line, ",\"src\":\"{}\",\"dst\":\"{}\"", event.source(), event.destination())?;
        match device {
            Some(device) => write!(self.line, ",\"device\":\"{device}\"")?,
            None => self.line.extend_from_slice(b",\"device\":null"),
        }
        self.flow(&event.flow)?;
        write!(self.line, ",\"protocol\":\"{protocol}\",\"event\":\"{word}\"")?;
        if let Some(message) = message {
            let line = &mut self.line;
            let mut failed = None;
            message.fields(&mut |key, value| {
                if failed.is_none() {
                    failed = field(line, key, &value).err();
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)
    }

    fn flow(&mut self, flow: &Flow) -> io::Result<()> {
        let known = self.last_flow.as_ref().is_some_and(|(last, _)| {
            last.client == flow.client && last.server == flow.server && last.transport == flow.transport
        });
        if !known {
            self.last_flow = Some((*flow, community_id(flow)));
        }
        match &self.last_flow {
            Some((_, Some(id))) => write!(self.line, ",\"flow\":\"{id}\""),
            _ => Ok(()),
        }
    }

    /// Writes what is still in a buffer, and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn field(line: &mut Vec<u8>, key: &str, value: &serde_json::Value) -> io::Result<()> {
    line.push(b',');
    visible::compact(key, &mut *line)?;
    line.push(b':');
    visible::compact(value, line)
}

/// What is printed of a TCP connection: its first SYN and SYN-ACK, and the sides' first FIN and RST.
fn signal_word(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::Syn { first: true } => Some("syn"),
        Signal::SynAck { first: true } => Some("syn_ack"),
        Signal::Fin(_) => Some("fin"),
        Signal::Rst(_) => Some("rst"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use super::*;
    use crate::flow::Transport;
    use crate::model::{At, Endpoint, Frame, Side, Time};
    use crate::protocols::{Message, dns};
    use crate::text::WireText;

    fn event(what: What, transport: Transport) -> Event {
        let end = |text: &str| Endpoint::Ip(text.parse::<SocketAddr>().unwrap());
        let (client, server) = (end("10.0.4.23:1050"), end("10.0.0.5:5061"));
        let flow = Flow { id: 1, transport, client, server, oriented: true };
        let at = At { frame: Frame::new(17), time: Time::from_seconds(1_239_400_863) };
        Event { at, link: Default::default(), flow, side: Side::Client, what }
    }

    fn written(event: &Event) -> String {
        let mut writer = EventWriter::new(Vec::new());
        writer.event(event, Some(&"00:04:f2:1a:2b:3c")).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn what_is_known_late_stands_where_it_became_known() {
        let late = event(What::Tcp(Signal::Fin(Side::Server), Default::default()), Transport::Tcp);
        let early = Event { at: At { frame: Frame::new(3), ..late.at }, ..late.clone() };
        let mut writer = EventWriter::new(Vec::new());
        [&late, &early].into_iter().for_each(|event| writer.event(event, None::<&dyn std::fmt::Display>).unwrap());
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert!(text.lines().all(|line| line.starts_with("{\"frame\":17,")), "{text}");
    }

    #[test]
    fn a_syn_is_one_line() {
        let event = event(What::Tcp(Signal::Syn { first: true }, Arc::default()), Transport::Tcp);
        insta::assert_snapshot!(written(&event));
    }

    #[test]
    fn hostile_names_stay_in_their_strings() {
        let message = dns::Message {
            id: 0x2b,
            response: false,
            opcode: 0,
            rcode: 0,
            truncated: false,
            iterative: false,
            question: Some(dns::Question { name: WireText::from("a\",\"frame\":1,\"x\":\"\n\u{1b}[2J"), kind: 1 }),
            records: Vec::new(),
            tcp: false,
            problem: None,
        };
        let line = written(&event(What::Message(Message::Dns(std::sync::Arc::new(message))), Transport::Udp));
        assert_eq!(line.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["frame"], 17);
        assert_eq!(json["dns.qry.name"], "a\",\"frame\":1,\"x\":\"\n\u{1b}[2J");
    }

    #[test]
    fn repeats_and_what_only_logins_need_print_nothing() {
        for signal in
            [Signal::Syn { first: false }, Signal::SynAck { first: false }, Signal::FirstData(Side::Client), Signal::Ended]
        {
            assert_eq!(written(&event(What::Tcp(signal, Arc::default()), Transport::Tcp)), "");
        }
    }
}
