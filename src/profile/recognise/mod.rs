//! Which family is it? Marks are weighed, so that no weak one decides alone.
//!
//! A family is taken into account where its marks weigh 3 together: a strong one; a medium and a weak one; three weak ones. A
//! fallback says no more than that it is a phone: for that the MAC of a maker of phones, and of hardly anything else that asks for an
//! address, is enough.
//! Each fact counts once, for the heaviest mark that it fits. A mark of weight 0 rules the family out, whatever else speaks
//! for it: a Windows PC asks for the same names as a phone, but never a phone for an address as Windows does. A family with
//! marks that are needed is out where none of them is seen, and goes before the others where one is: whatever its make, a phone
//! of a service asks for the names of that service. Else the heaviest family wins, a fallback only where there is no other; of
//! two equal ones the first by name.

use std::cmp::Reverse;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;
use marks::MARKS;

use super::known::Known;
use super::{Mark, MarkKind, Profile, Profiles, Recognised};
use crate::device::computer;
use crate::device::facts::DeviceFacts;
use crate::formats::x509::{AlternativeName, Certificate};
use crate::model::Mac;
use crate::text::{WireText, begins, contains};

mod marks;

/// The weight from which a family is taken into account.
const ENOUGH: u32 = 3;
/// The weight of a mark that is enough by itself.
const STRONG: u8 = 3;
/// Who asks DHCP for more options than these asks for all that there are: what is among them says nothing.
const CHOSEN: usize = 64;

impl Profiles {
    /// Which family shows itself in these facts?
    pub fn recognise(&self, facts: &DeviceFacts) -> Recognised<'_> {
        match self.heaviest(&Shown::new(facts)) {
            Some((profile, weighed)) => Recognised {
                profile: Some(profile),
                certainty: weighed.certainty(),
                evidence: weighed.evidence.iter().map(Seen::to_string).collect(),
            },
            None => Recognised { profile: None, evidence: Vec::new(), certainty: 0.0 },
        }
    }

    /// The same, without saying by what.
    pub fn family(&self, facts: &DeviceFacts) -> Option<&Profile> {
        self.heaviest(&Shown::new(facts)).map(|(profile, _)| profile)
    }

    /// By what is a device seen to be of the family that it was taken for?
    pub fn evidence(profile: &Profile, facts: &DeviceFacts) -> Vec<String> {
        weigh(profile, &Shown::new(facts)).map_or_else(Vec::new, |weighed| weighed.evidence.iter().map(Seen::to_string).collect())
    }

    fn heaviest<'p: 'f, 'f>(&'p self, shown: &'f Shown<'_>) -> Option<(&'p Profile, Weighed<'f>)> {
        let candidates = candidates(shown);
        let is_candidate = |known: &&Known| known.number().is_none_or(|number| candidates.contains(number));
        let (fallbacks, families): (Vec<&Known>, Vec<&Known>) =
            self.all.iter().filter(is_candidate).partition(|known| known.is_fallback());
        heaviest(&families, shown).or_else(|| heaviest(&fallbacks, shown))
    }
}

fn heaviest<'p: 'f, 'f>(among: &[&'p Known], shown: &'f Shown<'_>) -> Option<(&'p Profile, Weighed<'f>)> {
    let rank = |weighed: &Weighed<'_>| (weighed.needed, weighed.sum);
    let mut best: Option<(&Profile, Weighed<'_>)> = None;
    for known in among {
        let profile = known.profile();
        let Some(weighed) = weigh(profile, shown) else { continue };
        if best.as_ref().is_none_or(|(_, before)| rank(&weighed) > rank(before)) {
            best = Some((profile, weighed));
        }
    }
    best
}

/// Some of the profiles that come with the program, by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers(u64);

impl Numbers {
    /// How many there can be.
    const ALL: usize = 64;

    fn contains(self, number: usize) -> bool {
        1_u64.checked_shl(u32::try_from(number).unwrap_or(u32::MAX)).is_none_or(|bit| self.0 & bit != 0)
    }

    /// One after the other.
    fn iter(self) -> impl Iterator<Item = usize> {
        let left = std::iter::successors(Some(self.0), |left| Some(left & left.wrapping_sub(1)));
        left.take_while(|left| *left != 0).map(|left| left.trailing_zeros() as usize)
    }
}

/// Those of which enough may be shown that speaks for them: none of the others need be read, let alone weighed.
fn candidates(shown: &Shown<'_>) -> Numbers {
    let mut weights = [0_u32; Numbers::ALL];
    for (kind, values) in MARKS.iter().filter(|(kind, _)| shown.has_any(*kind)) {
        for (_, of) in values.iter().filter(|(value, _)| seen(*kind, "", value, shown).is_some()) {
            for (weight, numbers) in (1..).zip(of) {
                for number in Numbers(*numbers).iter() {
                    if let Some(sum) = weights.get_mut(number) {
                        *sum = sum.saturating_add(weight);
                    }
                }
            }
        }
    }
    let enough = weights.iter().enumerate().filter(|(_, sum)| **sum >= ENOUGH);
    Numbers(enough.fold(0, |numbers, (number, _)| numbers | 1 << number))
}

#[derive(Default)]
struct Weighed<'a> {
    sum: u32,
    /// Was a mark seen without which it is none of this family?
    needed: bool,
    strongest: u8,
    /// Is it made by who makes nothing but phones?
    of_a_maker_of_phones: bool,
    evidence: Vec<Seen<'a>>,
}

impl Weighed<'_> {
    fn certainty(&self) -> f32 {
        match (self.strongest >= STRONG, self.sum) {
            (true, 5..) => 0.97,
            (true, _) => 0.9,
            (false, 5..) => 0.85,
            (false, 4) => 0.75,
            (false, _) => 0.65,
        }
    }
}

/// What speaks for this family; `None` where that is not enough, or something speaks against it.
fn weigh<'a>(profile: &'a Profile, shown: &'a Shown<'_>) -> Option<Weighed<'a>> {
    let fits =
        |mark: &'a Mark| mark.values.iter().filter_map(move |value| Some((mark, seen(mark.kind, &mark.note, value, shown)?)));
    let shown_at_all = profile.recognition.iter().filter(|mark| shown.has_any(mark.kind));
    let mut fitting: Vec<(&Mark, Seen<'a>)> = shown_at_all.flat_map(fits).collect();
    if fitting.iter().any(|(mark, _)| mark.weight == 0) {
        return None;
    }
    fitting.sort_by_key(|(mark, _)| Reverse(mark.weight));
    let mut weighed = Weighed::default();
    for (mark, seen) in fitting {
        weighed.needed |= mark.needed;
        if !weighed.evidence.contains(&seen) {
            weighed.sum = weighed.sum.saturating_add(u32::from(mark.weight));
            weighed.strongest = weighed.strongest.max(mark.weight);
            weighed.of_a_maker_of_phones |= mark.weight > 1 && matches!(mark.kind, MarkKind::Oui);
            weighed.evidence.push(seen);
        }
    }
    let lacking = !weighed.needed && profile.recognition.iter().any(|mark| mark.needed);
    let enough = weighed.sum >= ENOUGH || profile.fallback && weighed.of_a_maker_of_phones;
    // A port is no speech: who only tries it is no phone for that, nor for the name of the host.
    let only_reaches_host = profile.fallback && weighed.evidence.iter().all(Seen::is_of_host);
    let facts = shown.facts;
    let is_host = || facts.conduct.only_tries_ports() || facts.wants_other_services() || facts.only_pings;
    let tries = only_reaches_host && (is_host() || computer::asks_as_one(&facts.parameter_list));
    (enough && !lacking && !tries).then_some(weighed)
}

/// A fact that a mark fits. Two marks that one fact fits have seen the same.
#[derive(PartialEq)]
enum Seen<'a> {
    /// The prefix of a MAC, and whose it is.
    Maker(Mac, &'a str),
    /// What the device said, with the words before and behind it.
    Said(&'static str, &'a WireText, &'static str),
    /// What is told of it in words of our own, with those before and behind it.
    Told(&'static str, &'a str, &'static str),
    /// What it does.
    Does(&'static str),
}

impl Seen<'_> {
    const CONNECTS: Self = Self::Does("connects to a port of SIP");
    const ASKED_DNS: &'static str = "asked DNS for ";
    const ASKED_BY_TLS: &'static str = "asked for ";

    /// Does it say no more than to which host the device turns, at a port of SIP?
    fn is_of_host(&self) -> bool {
        match self {
            Seen::Said(Self::ASKED_DNS | Self::ASKED_BY_TLS, name, _) => !name.raw().starts_with('_'),
            seen => *seen == Self::CONNECTS,
        }
    }
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Maker(mac, maker) => {
                let [a, b, c] = mac.oui();
                write!(out, "MAC {mac} has the prefix {a:02x}:{b:02x}:{c:02x}")?;
                if maker.is_empty() { Ok(()) } else { write!(out, " of {maker}") }
            }
            Seen::Said(before, text, behind) => write!(out, "{before}{text}{behind}"),
            Seen::Told(before, text, behind) => write!(out, "{before}{text}{behind}"),
            Seen::Does(what) => out.write_str(what),
        }
    }
}

/// What a device shows, and what is put into words or digits of it once for all marks.
struct Shown<'a> {
    facts: &'a DeviceFacts,
    /// The MAC that bears its maker's prefix, and that.
    maker: Option<(Mac, String)>,
    hello: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(facts: &'a DeviceFacts) -> Self {
        // A locally administered address (IEEE 802c) bears no maker's prefix. Makers of phones have switches and access points, too.
        let universal = facts.mac.filter(|mac| !facts.is_infrastructure && mac.0.first().is_some_and(|octet| octet & 2 == 0));
        let maker = universal.map(|mac| {
            let [a, b, c] = mac.oui();
            (mac, format!("{a:02x}{b:02x}{c:02x}"))
        });
        Self { facts, maker, hello: facts.hello_in_words() }
    }

    /// Is there anything that a mark of this kind looks at? There are hundreds of marks, and few devices show much.
    fn has_any(&self, kind: MarkKind) -> bool {
        let facts = self.facts;
        match kind {
            MarkKind::Oui => self.maker.is_some(),
            MarkKind::VendorClass | MarkKind::VendorClassPart => !facts.vendor_classes.is_empty(),
            MarkKind::HostName => facts.host_name.is_some(),
            MarkKind::ParameterList | MarkKind::AskedOptions => !facts.parameter_list.is_empty(),
            MarkKind::UserClass => !facts.user_classes.is_empty(),
            MarkKind::VendorIdentity => !facts.vendor_identities.is_empty(),
            MarkKind::UserAgent => !facts.user_agents.is_empty(),
            MarkKind::Name | MarkKind::Domain => !facts.names_asked.is_empty() || !facts.server_names.is_empty(),
            MarkKind::Path | MarkKind::File => !facts.paths_asked.is_empty(),
            MarkKind::User => facts.mac.is_some() && !facts.users.is_empty(),
            MarkKind::Described => !facts.described.is_empty(),
            MarkKind::Telephone => facts.is_telephone,
            MarkKind::Provisioned => facts.conduct.is_provisioned,
            MarkKind::SideBySide => facts.services.side_by_side,
            MarkKind::Hello => self.hello.is_some(),
            MarkKind::Certificate | MarkKind::ServerCertificate => facts.own_certificate.is_some(),
            MarkKind::Sip => facts.speaks_sip || !facts.sip_domains.is_empty() || facts.connects_to_sip(),
        }
    }
}

/// A number that is another one when anything is known that a mark looks at and that was not known before: as long as it stays,
/// so does the family. The lists of texts only grow.
pub fn shown(facts: &DeviceFacts) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    let lists = [
        &facts.vendor_classes,
        &facts.user_classes,
        &facts.vendor_identities,
        &facts.user_agents,
        &facts.names_asked,
        &facts.server_names,
        &facts.paths_asked,
        &facts.users,
        &facts.described,
        &facts.sip_domains,
    ];
    lists.map(Vec::len).hash(&mut hasher);
    (facts.mac, facts.host_name.as_ref().map(WireText::raw), &facts.parameter_list).hash(&mut hasher);
    let role = (facts.is_telephone, facts.is_infrastructure, facts.asks_for_others, facts.passes_on_http);
    (facts.highest_tls, facts.sends_server_name, role).hash(&mut hasher);
    let by_sip = (facts.speaks_sip, facts.only_pings, facts.connects_to_sip(), facts.wants_other_services());
    (by_sip, facts.services.side_by_side, facts.conduct).hash(&mut hasher);
    facts.own_certificate.as_ref().map(|own| own.sha256).hash(&mut hasher);
    hasher.finish()
}

/// The fact that a value of a mark fits.
fn seen<'a>(kind: MarkKind, note: &'a str, value: &'a str, shown: &'a Shown<'_>) -> Option<Seen<'a>> {
    let facts = shown.facts;
    let first = |texts: &'a [WireText], fits: fn(&str, &str) -> bool| texts.iter().find(|text| fits(text.raw(), value));
    Some(match kind {
        MarkKind::Oui => {
            let (mac, _) = shown.maker.as_ref().filter(|(_, prefix)| prefix == value)?;
            Seen::Maker(*mac, note)
        }
        MarkKind::VendorClass => Seen::Said("DHCP vendor class ", first(&facts.vendor_classes, begins)?, " (option 60)"),
        MarkKind::VendorClassPart => Seen::Said("DHCP vendor class ", first(&facts.vendor_classes, contains)?, " (option 60)"),
        MarkKind::HostName => Seen::Said("DHCP host name ", first(facts.host_name.as_slice(), begins)?, " (option 12)"),
        MarkKind::ParameterList => {
            let fits = options(value).eq(facts.parameter_list.iter().copied().map(Some));
            fits.then_some(Seen::Told("DHCP parameter list ", value, " (option 55)"))?
        }
        MarkKind::AskedOptions => {
            let asked = |option: Option<u8>| option.is_some_and(|option| facts.parameter_list.contains(&option));
            let chooses = facts.parameter_list.len() <= CHOSEN;
            (chooses && options(value).all(asked)).then_some(Seen::Told("asks for DHCP option ", value, " (option 55)"))?
        }
        MarkKind::UserClass => Seen::Said("DHCP user class ", first(&facts.user_classes, begins)?, " (option 77)"),
        MarkKind::VendorIdentity => {
            Seen::Said("DHCP vendor identity ", first(&facts.vendor_identities, begins)?, " (option 124, of DHCPv6 16)")
        }
        MarkKind::UserAgent => Seen::Said("user agent ", first(&facts.user_agents, contains)?, ""),
        MarkKind::Name => named(facts, value, begins)?,
        MarkKind::Domain => named(facts, value, is_within)?,
        MarkKind::Path => Seen::Said("asked a server for ", first(&facts.paths_asked, begins)?, ""),
        MarkKind::File => Seen::Said("asked a server for ", first(&facts.paths_asked, is_file)?, ""),
        MarkKind::User => {
            let named = format!("{value}{}", digits(facts.mac?));
            let user = facts.users.iter().find(|user| contains(user.raw(), &named))?;
            Seen::Said("names its user ", user, "")
        }
        MarkKind::Described => Seen::Said("describes itself as ", first(&facts.described, contains)?, " (LLDP or CDP)"),
        MarkKind::Telephone => facts.is_telephone.then_some(Seen::Does("says that it is a telephone (LLDP or CDP)"))?,
        MarkKind::Provisioned => facts
            .conduct
            .is_provisioned
            .then_some(Seen::Does("turns to the server that its lease names for its configuration"))?,
        MarkKind::SideBySide => facts
            .services
            .side_by_side
            .then_some(Seen::Does("asks DNS for several services side by side, though the first is good"))?,
        MarkKind::Hello => {
            let hello = shown.hello.as_deref().filter(|hello| begins(hello, value))?;
            Seen::Told("its TLS hello offers at most ", hello, "")
        }
        MarkKind::Certificate => {
            let subject = &facts.own_certificate.as_ref()?.body.as_ref().ok()?.subject.text;
            contains(subject.raw(), value).then_some(Seen::Said("its own certificate is that of ", subject, ""))?
        }
        MarkKind::ServerCertificate => {
            let host = host_of_server(facts.own_certificate.as_ref()?).filter(|host| begins(host.raw(), value))?;
            Seen::Said("its own certificate is good for a server, ", host, "")
        }
        MarkKind::Sip => match first(&facts.sip_domains, begins) {
            Some(domain) => Seen::Said("SIP domain ", domain, ""),
            None if facts.speaks_sip && !facts.only_pings && value.is_empty() => Seen::Does("speaks SIP"),
            None if facts.connects_to_sip() && value.is_empty() => Seen::CONNECTS,
            None => return None,
        },
    })
}

/// A name that fits, of those that the device asked for by DNS or in a TLS hello.
fn named<'a>(facts: &'a DeviceFacts, value: &str, fits: fn(&str, &str) -> bool) -> Option<Seen<'a>> {
    let first = |texts: &'a [WireText]| texts.iter().find(|text| fits(text.raw(), value));
    let asked = first(&facts.names_asked).map(|name| Seen::Said(Seen::ASKED_DNS, name, ""));
    asked.or_else(|| Some(Seen::Said(Seen::ASKED_BY_TLS, first(&facts.server_names)?, " in a TLS hello")))
}

/// The DHCP options of a list such as `1,3,6`.
fn options(list: &str) -> impl Iterator<Item = Option<u8>> {
    list.split(',').map(|number| number.parse().ok())
}

/// The host name in a certificate that says that it is good for a server (RFC 5280 section 4.2.1.12).
fn host_of_server(certificate: &Certificate) -> Option<&WireText> {
    const SERVER_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.1";
    let body = certificate.body.as_ref().ok()?;
    let purposes = body.extended_key_usage.as_ref()?;
    let alternative = body.alternative_names.iter().filter_map(|name| match name {
        AlternativeName::Dns(name) => Some(name),
        _ => None,
    });
    let host = alternative.chain(&body.common_name).find(|name| name.raw().contains('.') && !name.raw().contains(' '));
    host.filter(|_| purposes.iter().any(|purpose| purpose == SERVER_AUTHENTICATION))
}

/// A MAC without colons.
fn digits(mac: Mac) -> String {
    mac.0.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Does the last part of this path begin so, with the twelve digits of a MAC for `{mac}`?
fn is_file(path: &str, pattern: &str) -> bool {
    const DIGITS: usize = 12;
    let file = path.rsplit('/').next().unwrap_or_default();
    let Some((before, behind)) = pattern.split_once("{mac}") else { return begins(file, pattern) };
    let rest = file.get(before.len()..).filter(|_| begins(file, before));
    let mac = rest.and_then(|rest| rest.split_at_checked(DIGITS));
    mac.is_some_and(|(mac, rest)| mac.bytes().all(|digit| digit.is_ascii_hexdigit()) && begins(rest, behind))
}

/// Is this name the domain, or one in it?
fn is_within(name: &str, domain: &str) -> bool {
    let name = name.trim_end_matches('.');
    let Some(before) = name.len().checked_sub(domain.len()) else { return false };
    let ends = name.get(before..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
    ends && name.get(..before).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
