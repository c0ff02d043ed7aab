//! Look-ups that serve one errand: which of them are noise, and which failures stand for the whole list of names.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::place;
use crate::findings::{Case, Found};
use crate::login::steps::{Lookup, Purpose, Step, StepKind};
use crate::model::{Evidence, Frame, Outcome};
use crate::protocols::dns;
use crate::text::{WireText, begins};

/// Is it only what a resolver does beside the real question: IPv6 beside IPv4, or a name that failed with a suffix more?
pub fn is_noise(case: &Case<'_>, lookup: &Lookup) -> bool {
    let (asked, name) = (case.asked(), lookup.name.raw());
    match lookup.kind {
        dns::kind::AAAA => asked.for_address(name) || asked.is_with_suffix(name),
        dns::kind::A | dns::kind::SRV => asked.is_with_suffix(name),
        _ => true,
    }
}

fn is_same_name(one: &Lookup, other: &Lookup) -> bool {
    are_one(&one.name, &other.name)
}

/// Is the name of `first` asked for once more in `again`, with a suffix? A name of one label is meant to get one.
fn is_repeated_with_suffix(first: &Lookup, again: &Lookup) -> bool {
    let (asked, longer) = (bare(&first.name), bare(&again.name));
    longer.as_bytes().get(asked.len()) == Some(&b'.') && asked.contains('.') && begins(longer, asked)
}

/// Did the attempt end with this very name: with the look-up itself, or with what a resolver asks beside and after it?
fn is_last_asked(case: &Case<'_>, index: usize, lookup: &Lookup) -> bool {
    let last = case.attempt.dropped().and_then(|step| match &step.kind {
        StepKind::Lookup(last) => Some(last),
        _ => None,
    });
    let repeats = |last: &Lookup| is_same_name(lookup, last) || is_repeated_with_suffix(lookup, last);
    case.attempt.dropped_step == Some(index) || last.is_some_and(|last| is_noise(case, last) && repeats(last))
}

/// The service whose record names this host, and the answer that held it.
pub fn service<'a>(case: &Case<'a>, lookup: &'a Lookup) -> Option<(&'a WireText, Frame)> {
    let mut services = case.attempt.lookups().map(|(_, other)| other);
    let here =
        services.find(|other| names(other, lookup)).and_then(|service| Some((&service.name, service.answer.as_ref()?.at.frame)));
    here.or_else(|| lookup.target_of.as_deref().map(|(name, frame)| (name, *frame)))
}

/// The failed look-ups of the login itself for which `look` has words, one list for each errand. An errand that found a
/// name or reached a server has no failure.
pub(crate) fn failures<'a>(
    case: &Case<'a>,
    look: impl Fn(&'a Lookup) -> Option<(String, Vec<Evidence>)>,
) -> Vec<(Purpose, Vec<Failure<'a>>)> {
    let mut lists: Vec<(Purpose, Vec<Failure<'a>>)> = Vec::new();
    for (index, step) in case.attempt.steps.iter().enumerate() {
        let StepKind::Lookup(lookup) = &step.kind else { continue };
        // A name that serves nothing known matters where the attempt ended with it.
        let aside = match step.purpose {
            Purpose::Update | Purpose::Revocation => true,
            Purpose::Other => !is_last_asked(case, index, lookup),
            _ => false,
        };
        if step.outcome != Outcome::Failed || aside {
            continue;
        }
        // Whether it is noise is asked last: that takes a look at all others.
        let Some((what, evidence)) = look(lookup) else { continue };
        if is_noise(case, lookup) || made_good(case, step) {
            continue;
        }
        let failure = Failure { index, step, what, evidence };
        match lists.iter_mut().find(|(purpose, _)| *purpose == step.purpose) {
            Some((_, list)) => list.push(failure),
            None => lists.push((step.purpose, vec![failure])),
        }
    }
    lists
}

/// Did the same errand go well by another name, or by none?
fn made_good(case: &Case<'_>, failed: &Step) -> bool {
    case.attempt.steps.iter().any(|step| {
        let connected = match &step.kind {
            StepKind::Connection(_) => place::connections(case).any(|place| std::ptr::eq(place.step, step) && place.connected()),
            StepKind::Port(_) | StepKind::Neighbour(_) | StepKind::Lease(_) | StepKind::LeaseV6(_) => false,
            _ => step.outcome == Outcome::Ok,
        };
        // The record that led to this name is no success of its own.
        let led_here =
            matches!((&step.kind, &failed.kind), (StepKind::Lookup(service), StepKind::Lookup(target)) if names(service, target));
        step.purpose == failed.purpose && failed.purpose != Purpose::Other && connected && !led_here
    })
}

/// Does this service record name that host as its target?
fn names(service: &Lookup, host: &Lookup) -> bool {
    service.targets().any(|(target, _)| are_one(target, &host.name))
}

/// Are they the same name, with or without the final dot?
fn are_one(name: &WireText, other: &WireText) -> bool {
    bare(name).eq_ignore_ascii_case(bare(other))
}

/// A name without the final dot, which most do not have.
fn bare(name: &WireText) -> &str {
    let name = name.raw();
    if name.ends_with('.') { name.trim_end_matches('.') } else { name }
}

/// One finding for a list of names. An attempt that ended with one of the same errand that is only noise, such as the last name
/// once more with a suffix, ended with the list.
pub(crate) fn told(case: &Case<'_>, purpose: Purpose, list: &[Failure<'_>], words: impl Fn(&str) -> Words) -> Vec<Found> {
    let ends_in_noise = case.attempt.drop.is_some()
        && case.attempt.dropped().is_some_and(|step| {
            step.purpose == purpose && matches!(&step.kind, StepKind::Lookup(lookup) if is_noise(case, lookup))
        });
    let mut found = answers::told(case, list, words);
    found.iter_mut().for_each(|one| one.explains_drop |= ends_in_noise);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    fn noise(login: &Login) -> Vec<bool> {
        let case = login.case();
        login.attempt.lookups().map(|(_, lookup)| is_noise(&case, lookup)).collect()
    }

    #[test]
    fn suffixes_and_ipv6_beside_ipv4_are_noise() {
        let login = Login::new()
            .step(lookup("sip.contoso.com").rcode(3))
            .step(lookup("sip.contoso.com.corp.contoso.com").rcode(3))
            .step(lookup("sip.contoso.com").kind(dns::kind::AAAA).rcode(0))
            .step(lookup("time.contoso.com").kind(dns::kind::AAAA).rcode(0))
            .step(lookup("pool").rcode(3))
            .step(lookup("pool.contoso.com").rcode(3));
        assert_eq!(noise(&login), [false, true, true, false, false, false]);
    }
}
