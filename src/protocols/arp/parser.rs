//! Reads the 28 octets of ARP over Ethernet. Padding behind them is no concern of ours.

use std::net::Ipv4Addr;

use super::Message;
use crate::bytes::{ParseError, Reader};
use crate::model::Mac;

/// Hardware types that carry a 48-bit MAC: Ethernet and IEEE 802 (IANA ARP parameters).
const ETHERNET: [u16; 2] = [1, 6];
/// The ether type of IPv4, which is what ARP resolves here.
const IPV4: u16 = 0x0800;

/// Reads an ARP packet, from its hardware type on. `None` where it is cut short, or is not about IPv4 over Ethernet.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    read(&mut Reader::new(bytes)).ok()
}

fn read(reader: &mut Reader<'_>) -> Result<Message, ParseError> {
    let ethernet = ETHERNET.contains(&reader.u16("hardware type")?);
    let ipv4 = reader.u16("protocol type")? == IPV4;
    let lengths = (reader.u8("hardware length")?, reader.u8("protocol length")?);
    if !ethernet || !ipv4 || lengths != (6, 4) {
        return Err(reader.invalid("address types"));
    }
    Ok(Message {
        operation: reader.u16("operation")?,
        sender_mac: Mac(reader.array("sender hardware address")?),
        sender_ip: Ipv4Addr::from(reader.array::<4>("sender protocol address")?),
        target_mac: Mac(reader.array("target hardware address")?),
        target_ip: Ipv4Addr::from(reader.array::<4>("target protocol address")?),
    })
}
