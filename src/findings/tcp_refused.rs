//! `tcp-refused`: a SYN answered by a RST.

use crate::findings::shared::reach::{self, Telling};
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::login::steps::{Close, Connection, StepKind};
use crate::model::{At, Evidence, Side};

/// The rule.
pub static RULE: Rule = Rule {
    code: "tcp-refused",
    stage: None,
    weight: Weight::Specific,
    order: 445,
    help: Help {
        what: "The server's host answered the device's SYN with a RST: the host can be reached, but nothing listens on that port, \
               or a firewall refuses in its name.",
        why: "Without a connection there is no TLS and no registration; the device tries its next target, and begins again when it \
              has none left.",
        fix: "Start the service (an Office Communications Server front end stays stopped after a restart when it cannot reach \
              Active Directory or its database), or correct the port in DNS or DHCP. Check on the server with `netstat -ano` and \
              from the phone's network with `Test-NetConnection host -Port 5061` or `nc -vz host 5061`.",
        look_alikes: "Port 5061 refused and 443 accepted is an ordinary fall-back. A RST with another TTL than the host's other \
                      packets, or faster than its round trip, comes from a firewall.",
        references: &["RFC 9293 section 3.5.2 (reset generation)"],
    },
    check,
};

static TELLING: Telling = Telling {
    confidence: 0.95,
    summary: |targets| format!("connection refused by {targets}: a RST answers the SYN instead of a SYN-ACK"),
    fix: |targets| {
        format!(
            "Start the service on {targets}, or correct the address and port that DNS, DHCP or the configuration give. On the server \
             `netstat -ano` must show the port as LISTENING; from the phone's network `nc -vz` to it must connect."
        )
    },
};

/// Where the capture shows the server's side alone, with its SYN-ACKs if there were any.
static TELLING_ONE_SIDED: Telling = Telling {
    confidence: 0.6,
    summary: |targets| {
        format!("connection refused by {targets}, it seems: RST is all that it sends, and the capture lacks what it answers")
    },
    ..TELLING
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let unseen = reach::failures(case, |place| {
        let at = refuses_unseen(place.connection)?;
        Some(vec![Evidence::new(at.frame, "tcp.flags.reset == 1", format!("{} sends RST, and nothing before", place.server()))])
    });
    let mut found = reach::told(case, unseen, &TELLING_ONE_SIDED);
    found.extend(seen(case));
    found
}

/// The RST of a server that has said nothing else to a client of which the capture holds nothing, behind the answer by which its
/// name was found: who refuses a SYN sends no more than that (RFC 9293 section 3.10.7.1).
fn refuses_unseen(connection: &Connection) -> Option<At> {
    let (at, side, close) = connection.first_close()?;
    let stats = &connection.stats;
    let nothing_else = connection.syn_ack.is_none() && stats.server.first_data.is_none();
    let alone = connection.syn.is_none() && stats.client.last.is_none() && connection.name_frame.is_some();
    (side == Side::Server && close == Close::Rst && nothing_else && alone).then_some(at)
}

fn seen(case: &Case<'_>) -> Vec<Found> {
    let failures = reach::failures(case, |place| {
        let at = place.connection.refused()?;
        let mut evidence = reach::syns(place);
        evidence.truncate(1);
        evidence.push(Evidence::new(at.frame, "tcp.flags.reset == 1", format!("{} answers with RST", place.server())));
        Some(evidence)
    });
    let mut found = reach::told(case, failures, &TELLING);
    found.iter_mut().for_each(|one| tell_of_better_days(case, one));
    found
}

/// A port that took connections before: its service ended while the device stayed, as when a server is restarted.
fn tell_of_better_days(case: &Case<'_>, found: &mut Found) {
    let Some(StepKind::Connection(connection)) =
        found.step.and_then(|index| case.attempt.steps.get(index)).map(|step| &step.kind)
    else {
        return;
    };
    let Some(at) = connection.refused() else { return };
    let before = case.known.accepted.iter().find(|(server, accepted)| *server == connection.flow.server && *accepted < at);
    let Some((server, accepted)) = before else { return };
    let seconds = at.time.seconds_since(accepted.time);
    found.summary.push_str(&format!("; {server} still took a connection {seconds:.0} s earlier"));
    found.evidence.push(Evidence::new(accepted.frame, "tcp.flags.syn == 1", format!("{server} takes a connection: SYN-ACK")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::{Endpoint, Stage};

    #[test]
    fn all_refused_targets_of_a_stage_are_one_finding() {
        let login = Login::new()
            .step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst))
            .step(syn(Purpose::Registrar).to("10.0.0.5", 443).leaves(Side::Server, Close::Rst))
            .dropped();
        let found = login.the(&RULE);
        assert_eq!(
            found.summary,
            "connection refused by pool.contoso.com (10.0.0.5:5061), pool.contoso.com (10.0.0.5:443): a RST answers the SYN instead of \
             a SYN-ACK"
        );
        assert_eq!((found.stage, found.step, found.explains_drop), (Stage::Connect, Some(1), true));
        assert_eq!(found.evidence[1].display_filter, "frame.number == 2 && tcp.flags.reset == 1");
    }

    #[test]
    fn a_port_that_a_page_leads_to_is_what_fails_and_not_the_page() {
        let led = |leads: bool| {
            let to = leads.then(|| "https://ca.contoso.com/certsrv/".into());
            let page = tcp(Purpose::Enrolment).to("10.0.0.7", 80).get("/certsrv/").answer_with(302, move |answer| {
                answer.location = to;
            });
            let mut page = page.into_step(1);
            page.outcome = crate::model::Outcome::Failed;
            let refused = syn(Purpose::Enrolment).to("10.0.0.7", 443).leaves(Side::Server, Close::Rst);
            Login::new().step(page).step(refused).dropped().the(&RULE).explains_drop
        };
        assert_eq!((led(true), led(false)), (true, false));
    }

    #[test]
    fn a_port_that_took_a_connection_before_has_lost_its_service() {
        let refused = || Login::new().step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped();
        let server = Endpoint::Ip("10.0.0.5:5061".parse().unwrap());
        let taken = |server: Endpoint, at: At| refused().knowing(|known| known.accepted.push((server, at)));
        let found = taken(server, at_second(1, -60.0)).the(&RULE);
        assert!(found.summary.contains("10.0.0.5:5061 still took a connection 6"), "{}", found.summary);
        assert_eq!(found.evidence.last().unwrap().display_filter, "frame.number == 1 && tcp.flags.syn == 1");
        let other = Endpoint::Ip("10.0.0.5:443".parse().unwrap());
        for login in [refused(), taken(other, at_second(1, -60.0)), taken(server, at_second(900, 60.0))] {
            assert!(login.the(&RULE).summary.ends_with("instead of a SYN-ACK"));
        }
    }

    #[test]
    fn a_server_of_which_nothing_but_resets_is_seen_refuses_it_seems() {
        let reset = |client: Option<At>| {
            let shown = syn(Purpose::Registrar).leaves(Side::Server, Close::Rst).change(move |connection| {
                connection.syn = None;
                connection.stats.client = crate::flow::SideStats { last: client, ..Default::default() };
                connection.name_frame = Some(crate::model::Frame::new(1));
            });
            Login::new().step(shown).dropped()
        };
        let found = reset(None).the(&RULE);
        assert!(found.explains_drop && found.confidence < 0.7);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && tcp.flags.reset == 1");
        reset(Some(at(1))).nothing(&RULE);
    }

    #[test]
    fn a_fall_back_that_connects_takes_the_blame_away() {
        let login = Login::new()
            .step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst))
            .step(
                tcp(Purpose::Registrar).to("10.0.0.5", 443).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst),
            )
            .dropped();
        assert!(!login.the(&RULE).explains_drop);
    }

    #[test]
    fn a_last_resort_that_is_refused_is_not_why_the_first_target_failed() {
        let login = Login::new()
            .step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst))
            .step(syn(Purpose::Registrar).to("10.0.0.5", 443).leaves(Side::Server, Close::Rst))
            .dropped();
        assert!(!login.the(&RULE).explains_drop);
    }

    #[test]
    fn an_accepted_connection_that_is_reset_is_not_refused() {
        Login::new().step(tcp(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped().nothing(&RULE);
    }
}
