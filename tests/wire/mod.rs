//! Captures made in a test, frame by frame: a phone, its switch and its servers, from Ethernet up.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The phone's MAC.
pub(crate) const PHONE: [u8; 6] = [0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c];
/// The switch's MAC.
pub(crate) const SWITCH: [u8; 6] = [0x00, 0x1b, 0x0c, 0x00, 0x00, 0x01];
/// To the other end of the link, whoever it is (IEEE 802.1X).
pub(crate) const PORT: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x03];
/// The phone's address.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 4, 23);
/// The phone's link-local address.
pub(crate) const PHONE_V6: &str = "fe80::204:f2ff:fe1a:2b3c";
/// The router's.
pub(crate) const ROUTER_V6: &str = "fe80::1";
/// The server of everything.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 4, 1);

/// A capture in the making (classic pcap, Ethernet).
pub(crate) struct Capture {
    bytes: Vec<u8>,
    time: f64,
    /// Frames so far.
    pub(crate) frames: u64,
    vlan: Option<u16>,
}

impl Capture {
    pub(crate) fn new() -> Self {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0; 8]);
        bytes.extend(65_535_u32.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        Self { bytes, time: 1_239_400_800.0, frames: 0, vlan: None }
    }

    /// Frames from now on carry this tag, or none.
    pub(crate) fn vlan(&mut self, vlan: Option<u16>) -> &mut Self {
        self.vlan = vlan;
        self
    }

    /// Nothing happens for so many seconds.
    pub(crate) fn pause(&mut self, seconds: f64) -> &mut Self {
        self.time += seconds;
        self
    }

    /// A frame.
    pub(crate) fn frame(&mut self, to: [u8; 6], from: [u8; 6], ether_type: u16, payload: &[u8]) -> &mut Self {
        let mut frame = [to, from].concat();
        if let Some(vlan) = self.vlan {
            frame.extend([0x81, 0x00]);
            frame.extend(vlan.to_be_bytes());
        }
        frame.extend(ether_type.to_be_bytes());
        frame.extend(payload);
        self.time += 0.01;
        self.frames += 1;
        self.bytes.extend((self.time as u32).to_le_bytes());
        self.bytes.extend(((self.time.fract() * 1e6) as u32).to_le_bytes());
        self.bytes.extend((frame.len() as u32).to_le_bytes());
        self.bytes.extend((frame.len() as u32).to_le_bytes());
        self.bytes.extend(frame);
        self
    }

    /// An IPv4 datagram of the phone, or to it.
    pub(crate) fn udp(&mut self, from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> &mut Self {
        let length = payload.len() as u16 + 8;
        let mut packet = vec![0x45, 0];
        packet.extend((length + 20).to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, 17, 0, 0]);
        packet.extend(from.0.octets());
        packet.extend(to.0.octets());
        packet.extend(from.1.to_be_bytes());
        packet.extend(to.1.to_be_bytes());
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(payload);
        let of_phone = from.0 == ADDRESS || from.0.is_unspecified();
        let (to, from) = if of_phone { (SWITCH, PHONE) } else { (PHONE, SWITCH) };
        self.frame(to, from, 0x0800, &packet)
    }

    /// An IPv6 packet of the phone, or of the router to it.
    fn ipv6(&mut self, of_phone: bool, to: &str, protocol: u8, payload: &[u8]) -> &mut Self {
        let address = |text: &str| text.parse::<Ipv6Addr>().expect("an address").octets();
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([protocol, 255]);
        packet.extend(address(if of_phone { PHONE_V6 } else { ROUTER_V6 }));
        packet.extend(address(to));
        packet.extend(payload);
        let (to, from) = if of_phone { ([0x33, 0x33, 0, 0, 0, 1], PHONE) } else { (PHONE, SWITCH) };
        self.frame(to, from, 0x86dd, &packet)
    }

    /// A DHCPv6 message of the phone, with these options behind its DUID.
    pub(crate) fn dhcpv6(&mut self, kind: u8, transaction: u8) -> &mut Self {
        self.dhcpv6_with(true, kind, transaction, &[])
    }

    /// The server gives 2001:db8::17.
    pub(crate) fn dhcpv6_gives(&mut self, kind: u8, transaction: u8) -> &mut Self {
        let mut given = vec![0, 3, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 24, 0x20, 0x01, 0x0d, 0xb8];
        given.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x17, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10]);
        self.dhcpv6_with(false, kind, transaction, &given)
    }

    /// The server has no address to give (RFC 8415 section 21.13).
    pub(crate) fn dhcpv6_refuses(&mut self, kind: u8, transaction: u8) -> &mut Self {
        self.dhcpv6_with(false, kind, transaction, &[0, 13, 0, 2, 0, 2])
    }

    fn dhcpv6_with(&mut self, of_phone: bool, kind: u8, transaction: u8, options: &[u8]) -> &mut Self {
        let mut message = vec![kind, 0, 0, transaction, 0, 1, 0, 10, 0, 3, 0, 1];
        message.extend(PHONE);
        message.extend(options);
        let ports: [u16; 2] = if of_phone { [546, 547] } else { [547, 546] };
        let mut payload: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        payload.extend((message.len() as u16 + 8).to_be_bytes());
        payload.extend([0, 0]);
        payload.extend(message);
        self.ipv6(of_phone, if of_phone { "ff02::1:2" } else { PHONE_V6 }, 17, &payload)
    }

    /// The router advertises itself.
    pub(crate) fn router_v6(&mut self) -> &mut Self {
        self.ipv6(false, "ff02::1", 58, &[134, 0, 0, 0, 64, 0x80, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// The phone asks for the MAC of the router, so often; perhaps it answers.
    pub(crate) fn asks_for_router_v6(&mut self, times: u8, answer: bool) -> &mut Self {
        let target = ROUTER_V6.parse::<Ipv6Addr>().expect("an address").octets();
        for _ in 0..times {
            let mac = [&[1, 1][..], &PHONE].concat();
            self.ipv6(true, "ff02::1:ff00:1", 58, &[&[135, 0, 0, 0, 0, 0, 0, 0], &target[..], &mac].concat()).pause(1.0);
        }
        if answer {
            let mac = [&[2, 1][..], &SWITCH].concat();
            self.ipv6(false, PHONE_V6, 58, &[&[136, 0, 0, 0, 0xe0, 0, 0, 0], &target[..], &mac].concat());
        }
        self
    }

    /// A DHCP message of the phone (vendor class of a SIP phone), or of the server.
    pub(crate) fn dhcp(&mut self, transaction: u8, kind: u8) -> &mut Self {
        let reply = matches!(kind, 2 | 5 | 6);
        let mut payload = vec![if reply { 2 } else { 1 }, 1, 6, 0, 0, 0, 0, transaction];
        payload.extend([0; 8]);
        payload.extend(if reply { ADDRESS.octets() } else { [0; 4] });
        payload.extend([0; 8]);
        payload.extend(PHONE);
        payload.extend([0; 202]);
        payload.extend([99, 130, 83, 99, 53, 1, kind]);
        if reply {
            payload.extend([54, 4, 10, 0, 4, 1, 51, 4, 0, 1, 0x51, 0x80, 1, 4, 255, 255, 255, 0, 66, 8]);
            payload.extend(b"10.0.4.1");
        } else {
            payload.extend([60, 7]);
            payload.extend(b"yealink");
        }
        payload.push(255);
        let (from, to) = match reply {
            true => ((SERVER, 67), (ADDRESS, 68)),
            false => ((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67)),
        };
        self.udp(from, to, &payload)
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    pub(crate) fn lease(&mut self, transaction: u8) -> &mut Self {
        self.dhcp(transaction, 1).dhcp(transaction, 2).dhcp(transaction, 3).dhcp(transaction, 5)
    }

    /// DISCOVERs, four seconds apart, that nobody answers.
    pub(crate) fn discovers(&mut self, transaction: u8, times: u8) -> &mut Self {
        for _ in 0..times {
            self.dhcp(transaction, 1).pause(4.0);
        }
        self
    }

    /// A TFTP read request from this port.
    pub(crate) fn read(&mut self, port: u16, file: &str) -> &mut Self {
        let payload = [&[0, 1], file.as_bytes(), b"\0octet\0"].concat();
        self.udp((ADDRESS, port), (SERVER, 69), &payload)
    }

    /// The answer to it, from a port of the server's choice.
    pub(crate) fn answers_from_new_port(&mut self, port: u16, payload: &[u8]) -> &mut Self {
        self.udp((SERVER, 40_000 + port % 10_000), (ADDRESS, port), payload)
    }

    /// A file of one block, from a new port, and its acknowledgment.
    pub(crate) fn file(&mut self, port: u16, file: &str) -> &mut Self {
        self.read(port, file).answers_from_new_port(port, b"\0\x03\0\x01sip.server=10.0.4.1");
        self.udp((ADDRESS, port), (SERVER, 40_000 + port % 10_000), &[0, 4, 0, 1])
    }

    /// EAPOL-Start.
    pub(crate) fn eapol_start(&mut self) -> &mut Self {
        self.frame(PORT, PHONE, 0x888e, &[1, 1, 0, 0])
    }

    /// An EAP packet of the phone or of the switch, to all who listen at the port.
    pub(crate) fn eap(&mut self, of_phone: bool, code: u8, identifier: u8, body: &[u8]) -> &mut Self {
        let length = (body.len() as u16 + 4).to_be_bytes();
        let mut payload = vec![1, 0, length[0], length[1], code, identifier, length[0], length[1]];
        payload.extend(body);
        self.frame(PORT, if of_phone { PHONE } else { SWITCH }, 0x888e, &payload)
    }

    /// The switch asks, the phone answers, and the switch lets it in or not.
    pub(crate) fn authenticates(&mut self, identifier: u8, result: u8) -> &mut Self {
        self.eap(false, 1, identifier, b"\x01")
            .eap(true, 2, identifier, b"\x01SEP0004F21A2B3C")
            .eap(false, result, identifier, b"")
    }

    /// LLDP of the switch: voice, tagged, in this VLAN. LLDP is untagged.
    pub(crate) fn announces(&mut self, vlan: u16) -> &mut Self {
        let bits = 1_u32 << 22 | u32::from(vlan) << 9 | 5 << 6 | 46;
        let mut payload = vec![2, 7, 4];
        payload.extend(SWITCH);
        payload.extend([254, 7, 0x00, 0x12, 0xbb, 1, 0, 0x3f, 4]);
        payload.extend([254, 8, 0x00, 0x12, 0xbb, 2, 1, (bits >> 16) as u8, (bits >> 8) as u8, bits as u8, 0, 0]);
        let tag = self.vlan.take();
        self.frame([0x01, 0x80, 0xc2, 0, 0, 0x0e], SWITCH, 0x88cc, &payload);
        self.vlan = tag;
        self
    }

    /// A REGISTER over UDP and its answer.
    pub(crate) fn registers(&mut self) -> &mut Self {
        let head = "Via: SIP/2.0/UDP 10.0.4.23;branch=z9hG4bK1\r\nFrom: <sip:23@example.com>;tag=1\r\nTo: <sip:23@example.com>\r\n\
                    Call-ID: 1@10.0.4.23\r\nCSeq: 1 REGISTER\r\nContact: <sip:23@10.0.4.23>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n";
        let asked = format!("REGISTER sip:example.com SIP/2.0\r\n{head}");
        let answered = format!("SIP/2.0 200 OK\r\n{head}");
        self.udp((ADDRESS, 5060), (SERVER, 5060), asked.as_bytes()).udp((SERVER, 5060), (ADDRESS, 5060), answered.as_bytes())
    }

    /// The bytes of the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
