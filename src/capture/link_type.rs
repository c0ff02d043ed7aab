//! Link types, by their numbers in capture files: <https://www.tcpdump.org/linktypes.html>.

/// BSD loopback: an address family in the byte order of the capturing machine.
pub const NULL: u16 = 0;
/// Ethernet.
pub const ETHERNET: u16 = 1;
/// Token Ring.
pub const TOKEN_RING: u16 = 6;
/// ARCNET, as BSD captures it.
pub const ARCNET: u16 = 7;
/// PPP, with or without address and control octets.
pub const PPP: u16 = 9;
/// FDDI.
pub const FDDI: u16 = 10;
/// Raw IP, as some systems number it.
pub const RAW_BSD: u16 = 12;
/// Raw IP, as OpenBSD numbers it.
pub const RAW_OPENBSD: u16 = 14;
/// PPP in HDLC-like framing, or Cisco's HDLC: the first octet tells.
pub const PPP_SERIAL: u16 = 50;
/// PPP over Ethernet, from the PPPoE header on.
pub const PPP_ETHER: u16 = 51;
/// Raw IP: the version nibble tells which.
pub const RAW: u16 = 101;
/// Cisco's HDLC.
pub const CISCO_HDLC: u16 = 104;
/// IEEE 802.11 frames alone.
pub const IEEE802_11: u16 = 105;
/// OpenBSD loopback: an address family in network order.
pub const LOOP: u16 = 108;
/// Linux "cooked" capture, from `-i any`.
pub const LINUX_SLL: u16 = 113;
/// IEEE 802.11 behind a Prism header.
pub const IEEE802_11_PRISM: u16 = 119;
/// IEEE 802.11 behind a radiotap header.
pub const IEEE802_11_RADIOTAP: u16 = 127;
/// ARCNET, as Linux captures it.
pub const ARCNET_LINUX: u16 = 129;
/// IEEE 802.11 behind an AVS header.
pub const IEEE802_11_AVS: u16 = 163;
/// Per-packet information, mostly before 802.11 frames.
pub const PPI: u16 = 192;
/// Endace's records, each with a link type of its own.
pub const ERF: u16 = 197;
/// Raw IPv4.
pub const IPV4: u16 = 228;
/// Raw IPv6.
pub const IPV6: u16 = 229;
/// Linux netfilter log.
pub const NFLOG: u16 = 239;
/// IP over InfiniBand.
pub const IPOIB: u16 = 242;
/// Apple's packet tap: which interface a packet was on, before the packet.
pub const PKTAP: u16 = 258;
/// Linux "cooked" capture, version 2.
pub const LINUX_SLL2: u16 = 276;

/// Stands for a link that has no number.
pub const UNKNOWN: u16 = u16::MAX;

/// Can packets of this link type be decoded?
pub fn is_known(link_type: u16) -> bool {
    matches!(link_type, NULL | ETHERNET | PPP | RAW_BSD | RAW_OPENBSD | RAW | LOOP | LINUX_SLL | IPV4 | IPV6 | LINUX_SLL2)
        || matches!(link_type, ARCNET | ARCNET_LINUX | IEEE802_11 | IEEE802_11_PRISM | IEEE802_11_RADIOTAP | IEEE802_11_AVS | PPI)
        || matches!(link_type, PPP_SERIAL | PPP_ETHER | CISCO_HDLC | ERF)
        || matches!(link_type, TOKEN_RING | FDDI | NFLOG | IPOIB | PKTAP)
}

/// What a link type is, where people are likely to meet it.
pub(super) fn name(link_type: u16) -> &'static str {
    match link_type {
        149 | 186 | 189 | 220 | 249 | 266 => "USB",
        187 | 201 | 251 | 255 => "Bluetooth",
        227 => "CAN bus",
        252 => "exported PDUs",
        253 => "Linux netlink",
        UNKNOWN => "a link without a number",
        147..=162 => "private use",
        _ => "not one of IP phones' links",
    }
}
