//! DHCPv4 (RFC 2131, RFC 2132): where a phone has its address, names and vendor options from.

use std::net::Ipv4Addr;

use crate::model::Mac;
use crate::text::WireText;

/// Message types (option 53).
pub mod kind {
    /// DHCPDISCOVER.
    pub const DISCOVER: u8 = 1;
    /// DHCPOFFER.
    pub const OFFER: u8 = 2;
    /// DHCPREQUEST.
    pub const REQUEST: u8 = 3;
    /// DHCPDECLINE.
    pub const DECLINE: u8 = 4;
    /// DHCPACK.
    pub const ACK: u8 = 5;
    /// DHCPNAK.
    pub const NAK: u8 = 6;
    /// DHCPRELEASE.
    pub const RELEASE: u8 = 7;
    /// DHCPINFORM.
    pub const INFORM: u8 = 8;
}

/// One option, joined from its parts where RFC 3396 splits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpOption {
    /// Its number.
    pub code: u8,
    /// Its value.
    pub data: Vec<u8>,
}

/// A DHCP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// 1 from client, 2 from server.
    pub operation: u8,
    /// Transaction.
    pub transaction: u32,
    /// Option 53; `None` for plain BOOTP.
    pub kind: Option<u8>,
    /// chaddr, if it is a MAC.
    pub hardware_address: Option<Mac>,
    /// ciaddr.
    pub client: Ipv4Addr,
    /// yiaddr.
    pub your: Ipv4Addr,
    /// siaddr.
    pub server: Ipv4Addr,
    /// giaddr.
    pub relay: Ipv4Addr,
    /// The options in wire order, without pad (0) and end (255), as they stand in the message.
    pub options: Vec<DhcpOption>,
    /// What was malformed, each with the option's number (255 for the option field as a whole).
    pub problems: Vec<(u8, String)>,
}

impl Message {
    /// The value of an option: its parts joined (RFC 3396).
    pub fn option(&self, code: u8) -> Option<Vec<u8>> {
        let mut parts = self.options.iter().filter(|option| option.code == code).peekable();
        parts.peek()?;
        Some(parts.flat_map(|option| option.data.iter().copied()).collect())
    }

    /// An option that holds text, without trailing NULs.
    pub fn text(&self, code: u8) -> Option<WireText> {
        let value = self.option(code)?;
        let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        Some(WireText::from_bytes(value.get(..end).unwrap_or_default()))
    }

    /// An option that holds IPv4 addresses.
    pub fn addresses(&self, code: u8) -> Vec<Ipv4Addr> {
        self.option(code).unwrap_or_default().as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets)).collect()
    }

    /// Option 54: which server speaks, or is spoken to.
    pub fn server_id(&self) -> Option<Ipv4Addr> {
        self.addresses(54).first().copied()
    }

    /// Option 60.
    pub fn vendor_class(&self) -> Option<WireText> {
        self.text(60)
    }

    /// Option 55.
    pub fn parameter_list(&self) -> Vec<u8> {
        self.option(55).unwrap_or_default()
    }
}
