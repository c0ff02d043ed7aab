//! DHCPv4 (RFC 2131, RFC 2132): where a phone has its address, names and vendor options from.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::model::{Mac, Side, is_host};
use crate::protocols::{self, Guess, Out, OverUdp, Probe, Protocol};
use crate::text::WireText;

mod check;
mod fields;
mod options;
mod parser;
#[cfg(test)]
mod tests;
mod values;

pub use options::{DhcpOption, Options};

/// The ports of server and client.
const PORTS: [u16; 2] = [67, 68];
/// The port of boot servers that answer beside the DHCP server (PXE).
const BOOT_PORT: u16 = 4011;

/// DHCPv4, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "dhcp", udp: Some(OverUdp { probe, read }), tcp: None, link: None };

fn probe(probe: &Probe<'_>) -> Guess {
    let well_known = PORTS.iter().any(|port| probe.on_port(*port)) && parser::looks_right(probe.bytes);
    // Any client may have 4011 as its own port by chance: there, the cookie must tell.
    let boot = probe.on_port(BOOT_PORT) && parser::has_cookie(probe.bytes);
    if well_known || boot { Guess::Yes } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool {
    let message = parser::parse(bytes, whole);
    let read = message.is_some();
    if let Some(message) = message {
        out.message(side, protocols::Message::Dhcp(Arc::new(message)));
    }
    read
}

/// Numbers of options that are looked at by name (RFC 2132 unless said otherwise).
pub mod option {
    /// Those that name a configuration server, of one family or another; 43 and 125 can hold it too.
    pub const NAMING: [u8; 10] = [VENDOR, 66, 67, 125, 128, 150, 159, 160, 161, 242];
    /// Those of which [`configuration_hosts`](super::Message::configuration_hosts) reads the host; 242 holds it among other settings.
    pub const HOSTS: [u8; 4] = [66, 159, 160, 242];
    /// Nothing: fills up.
    pub const PAD: u8 = 0;
    /// Network mask.
    pub const MASK: u8 = 1;
    /// Routers.
    pub const ROUTERS: u8 = 3;
    /// DNS servers.
    pub const NAME_SERVERS: u8 = 6;
    /// Host name.
    pub const HOST_NAME: u8 = 12;
    /// Domain name.
    pub const DOMAIN_NAME: u8 = 15;
    /// NTP servers.
    pub const NTP_SERVERS: u8 = 42;
    /// Vendor-specific information.
    pub const VENDOR: u8 = 43;
    /// Address that the client would like.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// Lease time.
    pub const LEASE: u8 = 51;
    /// Whether options stand in the file and server name fields.
    pub const OVERLOAD: u8 = 52;
    /// What kind of DHCP message it is.
    pub const MESSAGE_TYPE: u8 = 53;
    /// Which server speaks, or is spoken to.
    pub const SERVER_ID: u8 = 54;
    /// Options that the client asks for.
    pub const PARAMETER_LIST: u8 = 55;
    /// Text, of a NAK for one.
    pub const MESSAGE: u8 = 56;
    /// Vendor class.
    pub const VENDOR_CLASS: u8 = 60;
    /// User class (RFC 3004).
    pub const USER_CLASS: u8 = 77;
    /// SIP servers (RFC 3361).
    pub const SIP_SERVERS: u8 = 120;
    /// Vendor-identifying vendor class (RFC 3925).
    pub const VENDOR_IDENTITY: u8 = 124;
    /// The last option.
    pub const END: u8 = 255;
}

/// Sub-option of option 43 that holds the voice VLAN.
const VOICE_VLAN: u8 = 10;

/// Sub-options of option 43 for UC clients: host and port (ASCII digits) of their certificate web service.
const WEB_HOST: u8 = 3;
const WEB_PORT: u8 = 4;

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
    /// The options in wire order, without pad (0) and end (255), as they stand in the message; those that option 52 puts
    /// into the server name and file fields stand behind it. One that runs over the end has the value that is there.
    pub options: Options,
    /// What was malformed, each with the option's number (255 for the option field as a whole).
    pub problems: Vec<(u8, String)>,
    /// Did the capture hold only the beginning? Then an option that is not here may have been sent all the same.
    pub cut: bool,
}

/// What option 120 says (RFC 3361).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SipServers {
    /// Names, as labels; one at least.
    Names(Vec<WireText>),
    /// IPv4 addresses; one at least.
    Addresses(Vec<Ipv4Addr>),
    /// Neither: what is wrong with it.
    Malformed(String),
}

impl Message {
    /// The value of an option: its parts joined (RFC 3396).
    pub fn option(&self, code: u8) -> Option<Cow<'_, [u8]>> {
        self.options.joined(code)
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
        self.option(option::SERVER_ID)?.first_chunk::<4>().copied().map(Ipv4Addr::from)
    }

    /// The address that this gives, or asks for, to one who has none yet: what an OFFER names, and a REQUEST that takes an offer up by
    /// naming its server (RFC 2131 section 4.3.2).
    pub fn offered(&self) -> Option<Ipv4Addr> {
        let address = match self.kind? {
            kind::OFFER => self.your,
            kind::REQUEST if self.client.is_unspecified() && self.server_id().is_some() => {
                self.option(option::REQUESTED_ADDRESS)?.first_chunk::<4>().copied().map(Ipv4Addr::from)?
            }
            _ => return None,
        };
        is_host(address).then_some(address)
    }

    /// Option 60.
    pub fn vendor_class(&self) -> Option<WireText> {
        self.text(option::VENDOR_CLASS)
    }

    /// Option 77 as text. RFC 3004 section 4 puts a length before each class, and many clients put none; of several classes
    /// the first counts.
    pub fn user_class(&self) -> Option<WireText> {
        let value = self.option(option::USER_CLASS)?;
        let (length, behind) = value.split_first()?;
        let own = behind.get(..usize::from(*length)).filter(|_| *length > 0 && !length.is_ascii_graphic());
        own.map(WireText::from_bytes).or_else(|| self.text(option::USER_CLASS))
    }

    /// Option 124 (RFC 3925 section 3): enterprise number, length, and classes, each behind its length; a text for each class,
    /// as `enterprise:class`.
    pub fn vendor_identities(&self) -> Vec<WireText> {
        let value = self.option(option::VENDOR_IDENTITY).unwrap_or_default();
        let mut found = Vec::new();
        let mut rest: &[u8] = &value;
        while let Some((enterprise, [length, behind @ ..])) = rest.split_first_chunk::<4>() {
            let (mut classes, after) = behind.split_at_checked(usize::from(*length)).unwrap_or((behind, &[]));
            while let [length, behind @ ..] = classes {
                let (class, after) = behind.split_at_checked(usize::from(*length)).unwrap_or((behind, &[]));
                let text = crate::text::lossy(class);
                found.push(WireText::from(format!("{}:{text}", u32::from_be_bytes(*enterprise))));
                classes = after;
            }
            rest = after;
        }
        found
    }

    /// Option 55.
    pub fn parameter_list(&self) -> Vec<u8> {
        self.option(option::PARAMETER_LIST).unwrap_or_default().into_owned()
    }

    /// Option 51, in seconds.
    pub fn lease_seconds(&self) -> Option<u32> {
        self.option(option::LEASE)?.first_chunk::<4>().copied().map(u32::from_be_bytes)
    }

    /// Option 43 as code and value, in order. What runs over the end is left out, and told in `problems`.
    pub fn vendor_suboptions(&self) -> Vec<(u8, Vec<u8>)> {
        let value = self.option(option::VENDOR).unwrap_or_default();
        values::suboptions(&value).list.into_iter().map(|(code, data)| (code, data.to_vec())).collect()
    }

    /// The voice VLAN of option 43, sub-option 10: 16 bits, or ASCII digits.
    pub fn voice_vlan(&self) -> Option<u16> {
        let value = self.option(option::VENDOR)?;
        values::suboptions(&value).list.iter().find(|(code, _)| *code == VOICE_VLAN).and_then(|(_, value)| values::vlan(value))
    }

    /// The hosts that the options for a configuration server name (RFC 2132 section 9.4; 159 and 160 by custom, 242 by Avaya), in
    /// lower case: a host alone or that of a URL.
    pub fn configuration_hosts(&self) -> Vec<String> {
        let texts = option::HOSTS.into_iter().filter_map(|code| Some((code, self.text(code)?)));
        let hosts = texts.flat_map(|(code, text)| match code {
            242 => values::file_servers(text.raw()),
            _ => vec![values::host(text.raw())],
        });
        hosts.filter(|host| !host.is_empty()).collect()
    }

    /// Does it say where the configuration is: by an option, or by the server to boot from in its header?
    pub fn names_configuration(&self) -> bool {
        self.names_boot_server() || option::NAMING.iter().any(|code| self.option(*code).is_some())
    }

    /// Does the header name a server to boot from (RFC 2131 section 2)? Some servers put their own address there, whatever they serve.
    fn names_boot_server(&self) -> bool {
        !self.server.is_unspecified() && self.server_id() != Some(self.server)
    }

    /// Host and port of the web service that option 43 names to UC clients: its first sub-option says that it is for them.
    pub fn web_service(&self) -> Option<(WireText, u16)> {
        let list = self.vendor_suboptions();
        let value = |wanted: u8| list.iter().find(|(code, _)| *code == wanted).map(|(_, value)| value.as_slice());
        value(1).filter(|class| class.eq_ignore_ascii_case(b"MS-UC-Client"))?;
        let port = std::str::from_utf8(value(WEB_PORT)?).ok()?.parse().ok()?;
        Some((WireText::from_bytes(value(WEB_HOST)?), port))
    }

    /// Option 120.
    pub fn sip_servers(&self) -> Option<SipServers> {
        self.option(option::SIP_SERVERS).map(|value| values::sip_servers(&value))
    }
}
