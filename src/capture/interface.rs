//! Interfaces of a pcapng section: what their descriptions and statistics say.

use pcap_parser::pcapng::{
    OptionCode, PcapNGOption, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_interfacestatisticsblock_be, parse_interfacestatisticsblock_le,
};

use super::Notes;
use super::buffer::Order;
use super::clock::Clock;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) link_type: u16,
    /// Longest packet that it keeps; 0 for no limit.
    pub(super) snaplen: u32,
    pub(super) clock: Clock,
    announced: bool,
    /// Packets that it lost, by the last statistics of it.
    dropped: u64,
}

impl Interface {
    /// That of a description. A damaged one still takes its number, or all later packets would get the wrong link; `offset` is
    /// where it stands in the file.
    pub(super) fn read(order: Order, block: &[u8], offset: u64, notes: &mut Notes) -> Self {
        let parsed = match order {
            Order::Little => parse_interfacedescriptionblock_le(block),
            Order::Big => parse_interfacedescriptionblock_be(block),
        };
        let (link_type, snaplen, clock) = match parsed {
            Ok((_, parsed)) => (parsed.linktype.0 as u16, parsed.snaplen, clock(order, &parsed.options)),
            Err(_) => {
                notes.warn(
                    None,
                    format!("the interface block at offset {offset} is damaged; its times are taken as microseconds"),
                );
                let link_type = block.get(8..).and_then(<[u8]>::first_chunk).map_or(u16::MAX, |&bytes| order.u16(bytes));
                (link_type, 0, Clock::default())
            }
        };
        Self { link_type, snaplen, clock, announced: false, dropped: 0 }
    }

    /// A packet of it has come: the first one names its link type.
    #[inline]
    pub(super) fn announce(&mut self, notes: &mut Notes) {
        if !self.announced {
            self.announced = true;
            notes.link_type(self.link_type);
        }
    }

    /// It has lost so many packets by now.
    pub(super) fn lost(&mut self, packets: u64, notes: &mut Notes) {
        notes.facts.dropped = notes.facts.dropped.saturating_add(packets.saturating_sub(self.dropped));
        self.dropped = self.dropped.max(packets);
    }
}

/// The number of an interface, and what it has lost so far: its own count and the operating system's (isb_ifdrop, isb_osdrop).
pub(super) fn losses(order: Order, block: &[u8]) -> Option<(u32, u64)> {
    let parsed = match order {
        Order::Little => parse_interfacestatisticsblock_le(block),
        Order::Big => parse_interfacestatisticsblock_be(block),
    };
    let (_, parsed) = parsed.ok()?;
    let lost = [OptionCode::IsbIfDrop, OptionCode::IsbOsDrop]
        .map(|code| number(order, &parsed.options, code).unwrap_or(0))
        .into_iter()
        .fold(0, u64::saturating_add);
    Some((parsed.if_id, lost))
}

fn clock(order: Order, options: &[PcapNGOption<'_>]) -> Clock {
    let resolution = match value(options, OptionCode::IfTsresol) {
        Some(&[resolution, ..]) => resolution,
        _ => Clock::MICROSECONDS,
    };
    let offset = number(order, options, OptionCode::IfTsoffset).map_or(0, |offset| offset as i64);
    Clock::new(resolution, offset)
}

fn number(order: Order, options: &[PcapNGOption<'_>], code: OptionCode) -> Option<u64> {
    value(options, code).and_then(<[u8]>::first_chunk).map(|&bytes| order.u64(bytes))
}

/// The value of an option. The library's own getters do not know section byte orders or the end of options.
fn value<'a>(options: &'a [PcapNGOption<'_>], code: OptionCode) -> Option<&'a [u8]> {
    let mut options = options.iter().take_while(|option| option.code != OptionCode::EndOfOpt);
    options.find(|option| option.code == code).and_then(|option| option.as_bytes().ok())
}
