//! What the connections of a device show of what it is, beside what it says of itself. Holds what was seen; knows no connection.

/// What a device did with ports of SIP, and with the server of its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conduct {
    /// It opened a port of SIP, said nothing, and left.
    pub knocked: bool,
    /// It came through a TLS handshake at a port of SIP, said nothing more, and left.
    pub shook_hands: bool,
    /// A TLS handshake of its at a port of SIP was broken off.
    pub broke_off: bool,
    /// It said something at a port of SIP that was no handshake.
    pub asked: bool,
    /// It turned to a web server that its own lease names for its configuration.
    pub is_provisioned: bool,
}

impl Conduct {
    /// Does it try ports of SIP and want nothing there, as health checks, port tests and watchers of certificates do? Who comes
    /// through handshakes refuses no certificate: what broke off one of them is another thing.
    pub fn only_tries_ports(self) -> bool {
        !self.asked && (self.shook_hands || self.knocked && !self.broke_off)
    }

    /// The same device was seen under another name, too.
    pub(super) fn join(&mut self, other: Conduct) {
        self.knocked |= other.knocked;
        self.shook_hands |= other.shook_hands;
        self.broke_off |= other.broke_off;
        self.asked |= other.asked;
        self.is_provisioned |= other.is_provisioned;
    }
}
