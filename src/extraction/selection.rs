//! Which frames of a capture belong to a device's login: first from the events, which conversations; then, packet by packet,
//! which frames are part of them.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use memchr::memmem;

use crate::capture::{CaptureError, CaptureReader, Record, compressed};
use crate::event::{Event, What};
use crate::keylog::KeyLog;
use crate::model::{Endpoint, Frame, Mac};
use crate::packet::{Body, Decoder, Packet};
use crate::pipeline::{self, DeviceName};
use crate::protocols::Message;
use crate::verdict::DeviceAnalysis;

/// Bytes at the beginning of a frame in which a device is looked for where the headers cannot be read: through tunnels, in
/// what an ICMP error quotes, in fragments.
const LOOK: usize = 512;
/// Conversations that are remembered.
const CONVERSATIONS: usize = 65_536;

/// What is known of a device and its conversations.
pub(super) struct Selection {
    mac: Option<Mac>,
    ips: Vec<IpAddr>,
    /// The two ends of its conversations, the lesser first.
    conversations: HashSet<(SocketAddr, SocketAddr)>,
    /// Frames of events that are the device's, or the link's.
    frames: BTreeSet<Frame>,
}

impl Selection {
    pub(super) fn of(device: &DeviceAnalysis) -> Self {
        Self { mac: device.mac, ips: device.ips.clone(), conversations: HashSet::new(), frames: BTreeSet::new() }
    }

    /// Learns from the events which conversations serve the login.
    pub(super) fn learn(&mut self, input: impl Read, keys: &Arc<KeyLog>) -> Result<(), CaptureError> {
        pipeline::events(input, keys, &mut |event, whose| {
            let is_its = match whose {
                Some(DeviceName::Mac(mac)) => self.mac == Some(mac),
                Some(DeviceName::Ip(ip)) => self.ips.contains(&ip),
                None => is_of_the_link(event),
            };
            if is_its {
                self.frames.insert(event.at.frame);
                if let (Endpoint::Ip(one), Endpoint::Ip(other)) = (event.flow.client, event.flow.server)
                    && self.conversations.len() < CONVERSATIONS
                {
                    self.conversations.insert(ordered(one, other));
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The frames; with `everything`, all that the device sends and receives.
    pub(super) fn frames(&self, input: impl Read, everything: bool) -> Result<BTreeSet<Frame>, CaptureError> {
        let (input, _) = compressed::plain(input)?;
        let mut reader = CaptureReader::open(input)?;
        let mut decoder = Decoder::new();
        let mut frames = self.frames.clone();
        while let Some(record) = reader.next_record()? {
            let mut belongs = false;
            decoder.decode_each(&record, |packet| belongs |= self.belongs(packet, everything, &record));
            if belongs {
                frames.insert(record.at.frame);
            }
        }
        Ok(frames)
    }

    fn belongs(&self, packet: &Packet<'_>, everything: bool, record: &Record<'_>) -> bool {
        let ends = packet.net.and_then(|net| {
            let (source, destination) = match &packet.body {
                Body::Udp(datagram) => (datagram.source_port, datagram.destination_port),
                Body::Tcp(segment) => (segment.source_port, segment.destination_port),
                _ => return None,
            };
            Some(ordered(SocketAddr::new(net.source, source), SocketAddr::new(net.destination, destination)))
        });
        match ends {
            Some(ends) if self.conversations.contains(&ends) => true,
            Some((one, other)) => everything && (self.ips.contains(&one.ip()) || self.ips.contains(&other.ip())),
            // Whatever has no ports: ARP, ICMP, fragments, the link.
            None => self.is_mentioned(record.data),
        }
    }

    fn is_mentioned(&self, data: &[u8]) -> bool {
        let head = data.get(..LOOK.min(data.len())).unwrap_or_default();
        let has = |needle: &[u8]| memmem::find(head, needle).is_some();
        self.mac.is_some_and(|mac| has(&mac.0))
            || self.ips.iter().any(|ip| match ip {
                IpAddr::V4(ip) => has(&ip.octets()),
                IpAddr::V6(ip) => has(&ip.octets()),
            })
    }
}

/// Is this something that a switch or a router says to all?
fn is_of_the_link(event: &Event) -> bool {
    matches!(&event.what, What::Message(Message::Lldp(_) | Message::Cdp(_) | Message::Eap(_)))
}

fn ordered(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
    if one <= other { (one, other) } else { (other, one) }
}
