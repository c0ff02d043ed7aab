//! `sip-redirect-loop`: the registrars send the device in a circle.

use std::net::IpAddr;

use crate::findings::shared::registration::transactions;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Attempt, Step, StepKind};
use crate::model::{At, Evidence, Outcome, Stage};
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-redirect-loop",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 890,
    help: Help {
        what: "A registrar sends the device on (301 or 302) to a registrar that it has tried already in this login.",
        why: "Each of them holds the other to be the user's home, so that the device never comes to one that takes its registration.",
        fix: "Agree where the user is homed: Lync: Get-CsUser shows the RegistrarPool, Move-CsUser mends it; check that the pool's name \
              in the Contact resolves to that pool and to no Director. A new capture must show at most one 301, then 200.",
        look_alikes: "One 301 from a Director or Edge to the home pool is normal.",
        references: &["RFC 3261 section 8.1.3.4", "RFC 3261 section 21.3"],
    },
    check: |case| found(case).into_iter().collect(),
};

/// A REGISTER that was answered by a redirection.
struct Redirect<'a> {
    index: usize,
    from: String,
    at: At,
    code: u16,
    contacts: &'a [WireText],
}

fn found(case: &Case<'_>) -> Option<Found> {
    let mut all: Vec<Redirect<'_>> = case.attempt.steps.iter().enumerate().flat_map(redirects).collect();
    all.sort_by_key(|redirect| redirect.at);
    // The first one is the way to the home pool, even if that is where the device comes from.
    let (back, host) = all.iter().skip(1).find_map(|redirect| Some((redirect, tried(case.attempt, redirect)?)))?;
    if case
        .attempt
        .steps
        .iter()
        .any(|step| step.outcome == Outcome::Ok && transactions(&step.kind).is_some_and(|(list, _)| !list.is_empty()))
    {
        return None;
    }
    let way: Vec<&str> = all.iter().map(|redirect| redirect.from.as_str()).take(4).collect();
    let mut servers: Vec<&str> = Vec::new();
    for redirect in &all {
        if servers.len() < 4 && !servers.contains(&redirect.from.as_str()) {
            servers.push(&redirect.from);
        }
    }
    // Who sends the device to itself has to agree with nobody.
    let home = match servers.as_slice() {
        [one] => format!("{one} must register it, or send it on to the server that does"),
        more => format!("{} must agree which of them registers it", more.join(" and ")),
    };
    let evidence = all.iter().take(6).map(|redirect| {
        let to: Vec<String> = redirect.contacts.iter().take(3).map(ToString::to_string).collect();
        let text = format!("{} sends the device on to {}", redirect.from, to.join(", "));
        Evidence::new(redirect.at.frame, &format!("sip.Status-Code == {}", redirect.code), text)
    });
    let drop = case.attempt.dropped_step.filter(|_| case.attempt.drop.is_some());
    Some(Found {
        stage: Stage::Register,
        step: Some(back.index),
        proof: Proof::Proven,
        explains_drop: drop.is_some_and(|drop| all.iter().any(|redirect| redirect.index == drop)),
        confidence: 0.92,
        summary: format!(
            "{} redirections lead back to {host}, which the device had tried (by way of {}); one is normal",
            all.len(),
            way.join(", ")
        ),
        fix: format!(
            "Give the user one home: {home} (Lync: RegistrarPool in Get-CsUser), and DNS must give each name its own address. A new \
             capture must show at most one redirection, then 200."
        ),
        evidence: evidence.collect(),
    })
}

fn redirects((index, step): (usize, &Step)) -> Vec<Redirect<'_>> {
    let Some((list, server)) = transactions(&step.kind) else { return Vec::new() };
    let from = || match name(step) {
        Some(name) => format!("{name} ({server})"),
        None => server.to_string(),
    };
    let registers = list.iter().filter(|one| one.request.method() == "REGISTER");
    registers
        .filter_map(|one| {
            let (at, answer) = one.answer.as_ref()?;
            let code = answer.code().filter(|code| matches!(code, 301 | 302))?;
            Some(Redirect { index, from: from(), at: *at, code, contacts: &answer.contacts })
        })
        .collect()
}

fn name(step: &Step) -> Option<&WireText> {
    match &step.kind {
        StepKind::Registration(registration) => registration.name.as_ref(),
        StepKind::Connection(connection) => connection.name.as_ref(),
        _ => None,
    }
}

/// The first target of a redirection that the device had sent a REGISTER to before it came.
fn tried(attempt: &Attempt, redirect: &Redirect<'_>) -> Option<String> {
    let asked_before = |step: &&Step| {
        transactions(&step.kind).is_some_and(|(list, _)| list.iter().flat_map(|one| &one.sent).any(|at| *at < redirect.at))
    };
    redirect.contacts.iter().find_map(|contact| {
        let (host, port) = host(contact.raw())?;
        let is_it = |step: &Step| {
            let server = transactions(&step.kind).map(|(_, server)| server);
            let same_host = name(step).is_some_and(|name| name.raw().eq_ignore_ascii_case(&host))
                || server.is_some_and(|server| server.ip().is_some() && server.ip() == host.parse::<IpAddr>().ok());
            same_host && port.is_none_or(|port| server.is_some_and(|server| server.port() == port))
        };
        attempt.steps.iter().filter(asked_before).any(is_it).then(|| WireText::from(host.as_str()).to_string())
    })
}

/// Host and port of `sip:user@host:port;transport=tls`, with or without angle brackets.
fn host(contact: &str) -> Option<(String, Option<u16>)> {
    let inner = contact.split('<').next_back()?.split('>').next()?;
    let (_, rest) = inner.split_once(':')?;
    let place = rest.split([';', '?']).next()?;
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[') {
        Some(v6) => {
            let (host, port) = v6.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    (!host.is_empty()).then(|| (host.trim_end_matches('.').to_owned(), port.and_then(|port| port.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;
    use crate::protocols::sip;

    fn sent_on(to: &str) -> sip::Message {
        sip::Message { contacts: vec![WireText::from(to)], ..sip_answer(301, 1) }
    }

    fn asked(name: &str, address: &str, answer: sip::Message) -> impl IntoStep {
        let spoken = tcp(Purpose::Registrar).named(name).to(address, 5061).sip(sip_request("REGISTER", 1), Some(answer));
        spoken.leaves(Side::Client, Close::Fin)
    }

    #[test]
    fn two_pools_that_name_each_other() {
        let login = Login::new()
            .step(asked("a.contoso.com", "10.0.0.5", sent_on("<sip:b.contoso.com:5061;transport=tls>")))
            .step(asked("b.contoso.com", "10.0.0.6", sent_on("<sip:a.contoso.com:5061;transport=tls>")))
            .dropped();
        let found = login.the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "2 redirections lead back to a.contoso.com, which the device had tried (by way of a.contoso.com (10.0.0.5:5061), \
             b.contoso.com (10.0.0.6:5061)); one is normal"
        );
        assert!(found.fix.contains(": a.contoso.com (10.0.0.5:5061) and b.contoso.com (10.0.0.6:5061) must agree which of them"));
    }

    #[test]
    fn the_fix_names_each_server_once() {
        let to_itself = || asked("a.contoso.com", "10.0.0.5", sent_on("<sip:a.contoso.com:5061;transport=tls>"));
        let found = Login::new().step(to_itself()).step(to_itself()).dropped().the(&RULE);
        assert!(found.fix.contains(": a.contoso.com (10.0.0.5:5061) must register it, or send it on to"), "{}", found.fix);
    }

    #[test]
    fn one_redirection_to_the_home_pool_is_normal() {
        let login = Login::new()
            .step(asked("director.contoso.com", "10.0.0.5", sent_on("sip:pool.contoso.com:5061;transport=tls")))
            .step(asked("pool.contoso.com", "10.0.0.6", sip_answer(403, 1)))
            .dropped();
        login.nothing(&RULE);
    }

    #[test]
    fn a_chain_that_goes_on_is_no_circle() {
        let login = Login::new()
            .step(asked("a.contoso.com", "10.0.0.5", sent_on("sip:b.contoso.com")))
            .step(asked("b.contoso.com", "10.0.0.6", sent_on("sip:c.contoso.com")))
            .dropped();
        login.nothing(&RULE);
    }

    #[test]
    fn contacts_in_all_their_spellings() {
        assert_eq!(
            host("\"A\" <sip:anna@pool.contoso.com:5061;transport=tls>;q=0.7"),
            Some(("pool.contoso.com".to_owned(), Some(5061)))
        );
        assert_eq!(host("sips:[2001:db8::1]:5061"), Some(("2001:db8::1".to_owned(), Some(5061))));
        assert_eq!(host("sip:10.0.0.5"), Some(("10.0.0.5".to_owned(), None)));
        assert_eq!(host("nonsense"), None);
    }
}
