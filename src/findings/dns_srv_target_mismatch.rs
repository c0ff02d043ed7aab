//! `dns-srv-target-mismatch`: the SRV target lies outside the domain that the device accepts.

use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Attempt, Lookup, Purpose, StepKind};
use crate::model::{Evidence, How, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-srv-target-mismatch",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 220,
    help: Help {
        what: "The SRV record of the SIP domain names a server outside that domain, and this device takes none but servers inside it.",
        why: "Otherwise a forged DNS answer could lead it to a stranger's server with a good certificate; so it asks for the next name of \
              its list instead, and opens no connection to the target.",
        fix: "Give the SRV record a target inside the SIP domain (for example sip.DOMAIN with an A record of the pool's address), and let \
              the pool's certificate have that name among its subject alternative names. `nslookup -type=SRV` must give the new target.",
        look_alikes: "If the device connects to the target, it has accepted it: look at the certificate's names then. A target without an \
                      address is another fault.",
        references: &["RFC 5922 section 4", "RFC 2782"],
    },
    check,
};

/// How a target lies to the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Inside,
    /// In a domain below it: whether devices take that is not documented.
    Below,
    Outside,
}

fn check(case: &Case<'_>) -> Vec<Found> {
    let steps = case.attempt.steps.iter().enumerate();
    let mut found: Vec<Found> = steps
        .filter_map(|(index, step)| match &step.kind {
            StepKind::Lookup(lookup) if step.purpose == Purpose::Registrar => tell(case, index, lookup),
            _ => None,
        })
        .collect();
    found.truncate(2);
    found
}

fn tell(case: &Case<'_>, index: usize, lookup: &Lookup) -> Option<Found> {
    let answer = lookup.answer.as_ref()?;
    let mut targets = lookup.targets().filter(|(target, _)| !target.is_empty());
    let (target, _) = targets.next()?;
    let domain = domain(lookup.name.raw())?;
    // One good target among several is enough.
    let best = lookup.targets().map(|(target, _)| lies(target.raw(), &domain)).min_by_key(|lies| *lies as u8)?;
    if best == Lies::Inside
        || lookup.targets().any(|(target, _)| was_tried(case.attempt, target.raw()))
        || !has_address(case.attempt, target.raw())
    {
        return None;
    }
    let drop = case.attempt.drop?;
    // A device of which that is not known shows it where it does not even ask for the target's address: it stops with this very
    // answer, or goes on to the next names of its list.
    let passes_over = (drop.how == How::Abandoned && case.attempt.dropped_step == Some(index) || asks_on(case, index))
        && !case.attempt.lookups().any(|(_, other)| other.name.raw().eq_ignore_ascii_case(target.raw()));
    let is_left = passes_over || stops_at_address(case, lookup, target.raw());
    if !(case.profile.strict_domain || is_left && best == Lies::Outside) {
        return None;
    }
    let by_names =
        case.attempt.dropped().is_some_and(|step| step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Lookup(_)));
    let gave_up = matches!(drop.how, How::Rejected | How::Abandoned);
    let connected = case.attempt.connections().any(|(step, _)| step.purpose == Purpose::Registrar);
    Some(Found {
        stage: Stage::Names,
        step: Some(index),
        proof: Proof::Inferred,
        explains_drop: best == Lies::Outside && by_names && gave_up && !connected,
        confidence: match best {
            Lies::Outside if case.profile.strict_domain => 0.85,
            Lies::Outside => 0.6,
            Lies::Inside | Lies::Below => 0.4,
        },
        summary: format!(
            "{} names {target}, which does not lie in {}, and the device does not connect to it",
            lookup.name,
            escaped(&domain)
        ),
        fix: format!(
            "Let {} name a host of {} instead of {target}, with an A record of the same address, and add that name to the certificate's \
             subject alternative names. `nslookup -type=SRV {}` must give it, and a new capture must show a SYN to it.",
            lookup.name,
            escaped(&domain),
            lookup.name
        ),
        evidence: vec![Evidence::new(
            answer.at.frame,
            "dns.flags.response == 1",
            format!("{} names the target {target}", lookup.name),
        )],
    })
}

/// Does a device of Microsoft's list of names (of which none but the firmware's version says whether it is strict) ask for the
/// address of its target, and start over with that instead of connecting to it, then or ever?
fn stops_at_address(case: &Case<'_>, service: &Lookup, target: &str) -> bool {
    let of_the_list = service.name.raw().to_ascii_lowercase().starts_with("_sipinternal");
    let Some(StepKind::Lookup(last)) = case.attempt.dropped().map(|step| &step.kind) else { return false };
    let abandoned = case.attempt.drop.is_some_and(|drop| drop.how == How::Abandoned);
    let never_heard = !last.addresses().any(|address| case.known.heard_from.contains(address));
    of_the_list && abandoned && last.name.raw().eq_ignore_ascii_case(target) && last.addresses().next().is_some() && never_heard
}

/// Does the device ask for further names of its registrar once it has this answer, and stop with them?
fn asks_on(case: &Case<'_>, index: usize) -> bool {
    let of_list = |place: usize| {
        let step = case.attempt.steps.get(place);
        step.is_some_and(|step| step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Lookup(_)))
    };
    case.attempt.dropped_step.is_some_and(|dropped| dropped > index && of_list(dropped))
}

fn escaped(text: &str) -> String {
    crate::text::WireText::from(text).to_string()
}

/// The domain that a service record belongs to.
fn domain(name: &str) -> Option<String> {
    let labels = name.trim_end_matches('.').split('.').skip_while(|label| label.starts_with('_'));
    let domain = labels.collect::<Vec<_>>().join(".").to_ascii_lowercase();
    (name.starts_with('_') && !domain.is_empty()).then_some(domain)
}

fn lies(target: &str, domain: &str) -> Lies {
    let target = target.trim_end_matches('.').to_ascii_lowercase();
    match target.strip_suffix(domain).and_then(|host| host.strip_suffix('.')) {
        Some(host) if host.contains('.') => Lies::Below,
        Some(_) => Lies::Inside,
        None if target == domain => Lies::Inside,
        None => Lies::Outside,
    }
}

/// Did the device connect, or try to, to this host?
fn was_tried(attempt: &Attempt, target: &str) -> bool {
    let addresses: Vec<_> = named(attempt, target).flat_map(|lookup| lookup.addresses()).collect();
    attempt.steps.iter().any(|step| match &step.kind {
        StepKind::Connection(connection) => connection.flow.server_ip().is_some_and(|server| addresses.contains(&server)),
        StepKind::Registration(registration) => registration.flow.server_ip().is_some_and(|server| addresses.contains(&server)),
        _ => false,
    })
}

/// No address was asked for, or one was found.
fn has_address(attempt: &Attempt, target: &str) -> bool {
    let mut own =
        attempt.lookups().map(|(_, lookup)| lookup).filter(|lookup| lookup.name.raw().eq_ignore_ascii_case(target)).peekable();
    own.peek().is_none() || own.any(|lookup| lookup.addresses().next().is_some())
}

/// Look-ups that brought the addresses of this host: its own, and service records with additional records.
fn named<'a>(attempt: &'a Attempt, target: &'a str) -> impl Iterator<Item = &'a Lookup> {
    attempt.lookups().map(|(_, lookup)| lookup).filter(move |lookup| {
        lookup.name.raw().eq_ignore_ascii_case(target)
            || lookup.targets().any(|(other, _)| other.raw().eq_ignore_ascii_case(target))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::*;
    use crate::login::steps::Ending;
    use crate::model::By;

    fn strict(target: &str) -> Login {
        Login::new()
            .profile(|profile| profile.strict_domain = true)
            .step(lookup("_sipinternaltls._tcp.contoso.com").service(target, 5061))
            .step(lookup(target).address("10.0.0.5"))
    }

    fn gives_up(login: Login) -> Login {
        login.step(lookup("sipexternal.contoso.com").rcode(3)).dropped()
    }

    #[test]
    fn a_target_in_another_domain_that_is_never_connected_to() {
        let found = gives_up(strict("pool.corp.contoso.net")).the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "_sipinternaltls._tcp.contoso.com names pool.corp.contoso.net, which does not lie in contoso.com, and the device does not \
             connect to it"
        );
    }

    #[test]
    fn a_domain_below_may_be_taken() {
        assert!(!gives_up(strict("pool.lync.contoso.com")).the(&RULE).explains_drop);
    }

    #[test]
    fn a_target_inside_a_device_that_is_not_strict_and_one_that_connects_give_nothing() {
        gives_up(strict("pool.contoso.com")).nothing(&RULE);
        gives_up(strict("pool.corp.contoso.net")).profile(|profile| profile.strict_domain = false).nothing(&RULE);
        strict("pool.corp.contoso.net").step(tcp(Purpose::Registrar).named("pool.corp.contoso.net")).dropped().nothing(&RULE);
    }

    #[test]
    fn a_device_that_stops_with_the_answer_and_asks_for_no_address_shows_that_it_is_strict() {
        let stops = |then: Option<&'static str>| {
            let mut asked = lookup("_sip._tls.contoso.com").service("pool.fabrikam.net", 5061).into_step(1);
            asked.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: asked.last });
            let mut login = Login::new().step(asked);
            if let Some(name) = then {
                login = login.step(lookup(name).address("10.0.0.5"));
            }
            login.dropped_in(0)
        };
        assert!(stops(None).the(&RULE).explains_drop);
        stops(Some("pool.fabrikam.net")).nothing(&RULE);
    }

    #[test]
    fn a_device_of_microsofts_list_that_starts_over_with_the_targets_address_does_not_take_it() {
        let stops = |service: &'static str, target: &'static str| {
            let mut asked = lookup(target).address("10.0.0.5").into_step(9);
            asked.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: asked.last });
            Login::new().step(lookup(service).service(target, 5061)).step(asked).dropped_in(1)
        };
        let found = stops("_sipinternaltls._tcp.contoso.com", "pool.wingtip.local").the(&RULE);
        assert!(found.explains_drop && found.confidence < 0.7);
        stops("_sipinternaltls._tcp.contoso.com", "pool.contoso.com").nothing(&RULE);
        stops("_sips._tcp.contoso.com", "pool.wingtip.local").nothing(&RULE);
        let heard = |known: &mut crate::device::facts::DeviceFacts| known.heard_from = Hosts::from([ip("10.0.0.5")]);
        stops("_sipinternaltls._tcp.contoso.com", "pool.wingtip.local").knowing(heard).nothing(&RULE);
    }

    #[test]
    fn a_device_that_passes_over_the_answer_to_the_next_names_shows_it_too() {
        let asked = |target| Login::new().step(lookup("_sipinternaltls._tcp.contoso.com").service(target, 5061));
        assert!(gives_up(asked("pool.corp.contoso.net")).the(&RULE).explains_drop);
        gives_up(asked("pool.contoso.com")).nothing(&RULE);
        gives_up(asked("pool.corp.contoso.net").step(lookup("pool.corp.contoso.net").address("10.0.0.5"))).nothing(&RULE);
    }

    #[test]
    fn a_target_without_an_address_is_another_fault() {
        let login = Login::new()
            .profile(|profile| profile.strict_domain = true)
            .step(lookup("_sipinternaltls._tcp.contoso.com").service("pool.corp.contoso.net", 5061))
            .step(lookup("pool.corp.contoso.net").rcode(3));
        login.dropped().nothing(&RULE);
    }
}
