//! Which family is it? Marks are weighed, so that no weak one decides alone.
//!
//! A family is taken into account where its marks weigh 3 together: a strong one; a medium and a weak one; three weak ones. A
//! fallback says no more than that it is a phone: for that the MAC of a maker of nothing but phones is enough.
//! Each fact counts once, for the heaviest mark that it fits. A mark of weight 0 rules the family out, whatever else speaks
//! for it: a Windows PC asks for the same names as a phone, but never a phone for an address as Windows does. The heaviest
//! family wins, a fallback only where there is no other; of two equal ones the first by name.

use super::{Mark, MarkKind, Profile, Profiles, Recognised};
use crate::device::facts::DeviceFacts;
use crate::text::WireText;

/// The weight from which a family is taken into account.
const ENOUGH: u32 = 3;
/// The weight of a mark that is enough by itself.
const STRONG: u8 = 3;
/// What rules a family out comes first, then the heaviest.
const IN_TURN: [u8; 4] = [0, STRONG, 2, 1];

impl Profiles {
    /// Which family shows itself in these facts?
    pub fn recognise(&self, facts: &DeviceFacts) -> Recognised<'_> {
        let mut best: Option<(&Profile, Weighed)> = None;
        for profile in &self.all {
            let Some(weighed) = weigh(profile, facts) else { continue };
            let rank = |profile: &Profile, weighed: &Weighed| (!profile.fallback, weighed.sum);
            if best.as_ref().is_none_or(|(other, before)| rank(profile, &weighed) > rank(other, before)) {
                best = Some((profile, weighed));
            }
        }
        match best {
            Some((profile, weighed)) => {
                Recognised { profile: Some(profile), certainty: weighed.certainty(), evidence: weighed.evidence }
            }
            None => Recognised { profile: None, evidence: Vec::new(), certainty: 0.0 },
        }
    }
}

#[derive(Default)]
struct Weighed {
    sum: u32,
    strongest: u8,
    /// Is it made by who makes nothing but phones?
    of_a_maker_of_phones: bool,
    evidence: Vec<String>,
}

impl Weighed {
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
fn weigh(profile: &Profile, facts: &DeviceFacts) -> Option<Weighed> {
    let marks = |weight: u8| profile.recognition.iter().filter(move |mark| mark.weight == weight);
    let mut weighed = Weighed::default();
    for mark in IN_TURN.into_iter().flat_map(marks) {
        let Some(seen) = seen(mark, facts) else { continue };
        if mark.weight == 0 {
            return None;
        }
        if !weighed.evidence.contains(&seen) {
            weighed.sum = weighed.sum.saturating_add(u32::from(mark.weight));
            weighed.strongest = weighed.strongest.max(mark.weight);
            weighed.of_a_maker_of_phones |= mark.weight > 1 && matches!(mark.kind, MarkKind::Oui);
            weighed.evidence.push(seen);
        }
    }
    (weighed.sum >= ENOUGH || profile.fallback && weighed.of_a_maker_of_phones).then_some(weighed)
}

/// The fact that a mark fits, in plain words. Two marks that one fact fits give the same words.
fn seen(mark: &Mark, facts: &DeviceFacts) -> Option<String> {
    let first = |texts: &[WireText], fits: fn(&str, &str) -> bool| {
        texts.iter().find(|text| fits(text.raw(), &mark.value)).map(WireText::to_string)
    };
    Some(match mark.kind {
        MarkKind::Oui => {
            // A locally administered address (IEEE 802c) bears no maker's prefix.
            let mac = facts.mac.filter(|mac| mac.0.first().is_some_and(|octet| octet & 2 == 0))?;
            let [a, b, c] = mac.oui();
            if u32::from_str_radix(&mark.value, 16) != Ok(u32::from_be_bytes([0, a, b, c])) {
                return None;
            }
            let maker = if mark.note.is_empty() { String::new() } else { format!(" of {}", mark.note) };
            format!("MAC {mac} has the prefix {a:02x}:{b:02x}:{c:02x}{maker}")
        }
        MarkKind::VendorClass => format!("DHCP vendor class {} (option 60)", first(&facts.vendor_classes, begins)?),
        MarkKind::HostName => format!("DHCP host name {} (option 12)", first(facts.host_name.as_slice(), begins)?),
        MarkKind::ParameterList => {
            let wanted = mark.value.split(',').map(|number| number.parse::<u8>().ok());
            if !wanted.eq(facts.parameter_list.iter().copied().map(Some)) {
                return None;
            }
            format!("DHCP parameter list {} (option 55)", mark.value)
        }
        MarkKind::UserAgent => format!("user agent {}", first(&facts.user_agents, contains)?),
        MarkKind::Name => format!("asked DNS for {}", first(&facts.names_asked, begins)?),
        MarkKind::Path => format!("asked a server for {}", first(&facts.paths_asked, begins)?),
        MarkKind::Described => format!("describes itself as {} (LLDP or CDP)", first(&facts.described, contains)?),
        MarkKind::Hello => {
            let hello = facts.hello_in_words().filter(|hello| begins(hello, &mark.value))?;
            format!("its TLS hello offers at most {hello}")
        }
        MarkKind::Sip => match first(&facts.sip_domains, begins) {
            Some(domain) => format!("SIP domain {domain}"),
            None if facts.speaks_sip && mark.value.is_empty() => "speaks SIP".to_owned(),
            None if facts.connects_to_sip() && mark.value.is_empty() => "connects to a port of SIP".to_owned(),
            None => return None,
        },
    })
}

/// Does `text` begin with `prefix`, whatever the case?
fn begins(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Does `text` contain `part`, whatever the case?
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests;
