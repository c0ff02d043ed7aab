//! What in a capture tells whose it is: words of names, MACs and addresses, from the events. What profiles and protocols
//! stand on is nobody's own and is passed over. Replaces nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexSet;
use serde_json::Value;

use crate::capture::CaptureError;
use crate::event::What;
use crate::formats::ntlm::{self, Token};
use crate::model::{Mac, is_host};
use crate::pipeline::{self, Options};
use crate::protocols::{Message, dhcp};
use crate::trust::roles::ROLES;

/// Shortest word that is replaced.
const SHORTEST: usize = 2;
/// Things of a kind that are replaced.
const MOST: usize = 16_384;
/// Keys of events whose values are names.
const NAMES: [&str; 31] = [
    "cdp.deviceid",
    "dhcp.option.domain_name",
    "dhcp.option.hostname",
    "dhcpv6.sip_server_domain_search_fqdn",
    "dNSHostName",
    "dns.qry.name",
    "eap.identity",
    "http.host",
    "issuer",
    "kerberos.CNameString",
    "kerberos.realm",
    "kerberos.SNameString",
    "ldap.baseObject",
    "ldap.name",
    "ldap.objectName",
    "ldap.requestName",
    "ldap.responseName",
    "lldp.tlv.system.name",
    "name",
    "sip.Call-ID",
    "sip.Contact",
    "sip.from.addr",
    "sip.r-uri",
    "sip.to.addr",
    "subject",
    "subject_alt_names",
    "tls.handshake.dnames",
    "tls.handshake.extensions_server_name",
    "user",
    "value",
    "http.location",
];
/// Keys that hold certificates.
const CERTIFICATES: [&str; 4] = ["certificates", "issuer", "subject", "subject_alt_names"];
/// Keys of tokens.
const TOKENS: [&str; 4] = ["http.authorization", "http.proxy_authorization", "http.www_authenticate", "http.proxy_authenticate"];
/// Words that belong to protocols and directories.
const PROTOCOLS: &str = "_ldap _tcp _udp _tls _ntp _kerberos _msdcs _sites _sip _sips _gc _sipinternal _sipinternaltls \
    _sipfederationtls _sipexternal ntp ldap ldaps kerberos kpasswd krbtgt http https sip sips tcp udp tls gc dc cn ou o c l st \
    dc1 pdc msdcs sites first default site name domaindnszones forestdnszones com net org local lan corp example test invalid \
    www arpa in addr ip6 home internal co de uk us eu io gov edu info configuration services service public key aia cdp ca \
    certification certificate certificates authority authorities issuing root policy intermediate sub server servers users \
    computers system schema class object objectclass transport user phone inc ltd llc gmbh corporation limited host realm \
    location content type length cookie cookies authorization authenticate accept agent date via from to contact call id cseq \
    max forwards expires allow supported require event register invite options notify subscribe message ack bye cancel get post \
    head put connect basic digest ntlm negotiate bearer nonce response username password realm uri algorithm opaque branch tag \
    ntlmssp wpad time ucupdates r2 pool xml html text application utf crl ocsp pki email sn dns file port path session proxy enrollment enrolment";

/// Words that are nobody's own.
pub(super) struct Public(BTreeSet<String>);

impl Public {
    pub(super) fn of(options: &Options) -> Self {
        let mut words: BTreeSet<String> = words(PROTOCOLS).collect();
        words.extend(ROLES.iter().flat_map(|role| self::words(role.label)));
        for profile in options.profiles.all() {
            let names = (&profile.registrar_names, &profile.sign_in_names, &profile.redirect_names);
            let known = (&profile.recognition, names, &profile.trust);
            let text = serde_json::to_string(&known).unwrap_or_default();
            words.extend(self::words(&text));
        }
        Self(words)
    }
}

/// The words of a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() >= SHORTEST).map(str::to_ascii_lowercase)
}

/// What was found, in the order of the capture.
#[derive(Default)]
pub(super) struct Found {
    pub(super) words: IndexSet<String>,
    pub(super) in_certificates: BTreeSet<String>,
    pub(super) macs: IndexSet<Mac>,
    pub(super) ips: IndexSet<IpAddr>,
    /// Was there more of one of them than is replaced?
    pub(super) is_cut: bool,
}

impl Found {
    pub(super) fn in_capture(capture: &[u8], public: &Public) -> Result<Self, CaptureError> {
        let mut found = Self::default();
        pipeline::events(capture, &Arc::default(), &mut |event, _| {
            for end in [event.source(), event.destination()] {
                found.ips.extend(end.ip().filter(|ip| is_own(*ip)));
            }
            found.macs.extend([event.link.source, event.link.destination].into_iter().flatten().filter(|mac| mac.is_station()));
            if let What::Message(message) = &event.what {
                if let Message::Dhcp(message) = message {
                    found.domain_names(message, public);
                }
                message.describe().fields(&mut |key, value| found.look(key, &value, false, public));
            }
            Ok(())
        })?;
        Ok(found.bounded())
    }

    /// The first ones of each kind.
    fn bounded(mut self) -> Self {
        self.is_cut = [self.words.len(), self.macs.len(), self.ips.len()].into_iter().any(|count| count > MOST);
        self.words.truncate(MOST);
        self.macs.truncate(MOST);
        self.ips.truncate(MOST);
        self
    }

    /// Names in options that events do not tell: TFTP server, FQDN of the client, search list, SIP servers.
    fn domain_names(&mut self, message: &dhcp::Message, public: &Public) {
        for option in [66, 81, 119, 120] {
            let data = message.option(option).unwrap_or_default();
            // Labels have a length before them, the FQDN two result codes as well (RFC 4702 section 2): no letters, as a rule.
            self.words(&String::from_utf8_lossy(&data), false, public);
        }
    }

    /// Looks at a value of an event.
    fn look(&mut self, key: &str, value: &Value, in_certificate: bool, public: &Public) {
        let in_certificate = in_certificate || CERTIFICATES.contains(&key);
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.look(key, value, in_certificate, public)),
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.look(key, value, in_certificate, public)),
            Value::String(text) => self.text(key, text, in_certificate, public),
            _ => {}
        }
    }

    fn text(&mut self, key: &str, text: &str, in_certificate: bool, public: &Public) {
        if let Ok(ip) = text.parse() {
            self.ips.extend(Some(ip).filter(|ip| is_own(*ip)));
        } else if let Some(mac) = text.parse().ok().filter(|mac: &Mac| mac.is_station() && text.contains(':')) {
            self.macs.insert(mac);
        } else if NAMES.contains(&key) {
            let name = match key {
                // Only the host: the path is the server's business.
                "http.location" => text.split('/').nth(2).unwrap_or_default(),
                "sip.Call-ID" => text.split_once('@').map_or("", |(_, host)| host),
                _ => text,
            };
            self.words(name, in_certificate, public);
        } else if TOKENS.contains(&key) {
            let token = text.split_once(' ').and_then(|(_, token)| ntlm::from_base64(token.trim()));
            let names = match token {
                Some(Token::Challenge { target, .. }) => vec![target],
                Some(Token::Authenticate { domain, user, workstation, .. }) => vec![domain, user, workstation],
                _ => Vec::new(),
            };
            names.iter().for_each(|name| self.words(name.raw(), false, public));
        }
    }

    fn words(&mut self, text: &str, in_certificate: bool, public: &Public) {
        for word in words(text).filter(|word| !public.0.contains(word)) {
            // Short numbers are parts of addresses, ports and versions.
            if word.len() < 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            if in_certificate {
                self.in_certificates.insert(word.clone());
            }
            self.words.insert(word);
        }
    }
}

/// Is this the address of a host of somebody?
fn is_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_host(ip) && ip.octets().first().is_some_and(|first| (1..224).contains(first)),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beyond_the_bound_stay_and_that_is_said() {
        let with =
            |words: usize| Found { words: (0..words).map(|word| word.to_string()).collect(), ..Found::default() }.bounded();
        assert_eq!((with(MOST).words.len(), with(MOST).is_cut), (MOST, false));
        assert_eq!((with(MOST + 1).words.len(), with(MOST + 1).is_cut), (MOST, true));
    }
}
