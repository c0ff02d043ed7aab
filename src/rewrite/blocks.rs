//! Blocks of pcapng as bytes: what is written into a capture, and where a comment goes in a block that is there already.

use crate::capture::Order;
use crate::capture::pcapng::{ENHANCED_PACKET, INTERFACE, SECTION, SECTION_MAGIC};

/// opt_comment.
const COMMENT: u16 = 1;
/// if_tsresol.
const RESOLUTION: u16 = 9;
/// The longest option.
const LONGEST: usize = 65_535;

/// A block with this body.
pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().saturating_add(12)).unwrap_or(u32::MAX);
    let mut block = Vec::with_capacity(body.len().saturating_add(12));
    block.extend(order.put_u32(kind));
    block.extend(order.put_u32(length));
    block.extend(body);
    block.extend(order.put_u32(length));
    block
}

/// These comments as options, without an end of options.
pub(super) fn comments<'a>(order: Order, texts: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut options = Vec::new();
    for text in texts {
        let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        option(order, COMMENT, text.as_bytes().get(..end).unwrap_or_default(), &mut options);
    }
    options
}

fn option(order: Order, code: u16, value: &[u8], options: &mut Vec<u8>) {
    options.extend(order.put_u16(code));
    options.extend(order.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX)));
    options.extend(value);
    pad(options);
}

/// Options as they stand at the end of a body: these new ones before the old ones, with an end behind them.
pub(super) fn options(order: Order, new: &[u8], old: &[u8]) -> Vec<u8> {
    let mut all = new.to_vec();
    all.extend(old);
    if !new.is_empty() && old.is_empty() {
        option(order, 0, &[], &mut all);
    }
    all
}

/// A section header of ours.
pub(super) fn section(comment: Option<&str>) -> Vec<u8> {
    let order = Order::Little;
    let mut body = order.put_u32(SECTION_MAGIC).to_vec();
    body.extend(order.put_u16(1));
    body.extend(order.put_u16(0));
    // The length of the section is not told.
    body.extend([0xff; 8]);
    body.extend(options(order, &comments(order, comment.into_iter()), &[]));
    block(order, SECTION, &body)
}

/// An interface of ours: nanoseconds, no limit.
pub(super) fn interface(link_type: u16) -> Vec<u8> {
    let order = Order::Little;
    let mut body = order.put_u16(link_type).to_vec();
    body.extend([0; 6]);
    let mut resolution = Vec::new();
    option(order, RESOLUTION, &[9], &mut resolution);
    body.extend(options(order, &resolution, &[]));
    block(order, INTERFACE, &body)
}

/// A packet of ours. `ticks` are nanoseconds.
pub(super) fn packet(interface: u32, ticks: u64, wire_length: u32, data: &[u8], texts: &[String]) -> Vec<u8> {
    let order = Order::Little;
    let mut body = order.put_u32(interface).to_vec();
    body.extend(order.put_u32((ticks >> 32) as u32));
    body.extend(order.put_u32(ticks as u32));
    body.extend(order.put_u32(u32::try_from(data.len()).unwrap_or(u32::MAX)));
    body.extend(order.put_u32(wire_length));
    body.extend(data);
    pad(&mut body);
    body.extend(options(order, &comments(order, texts.iter().map(String::as_str)), &[]));
    block(order, ENHANCED_PACKET, &body)
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
