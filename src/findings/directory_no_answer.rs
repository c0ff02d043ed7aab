//! `directory-no-answer`: the domain controller takes the device's request and does not answer.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::directory;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{DirectoryRequest, Purpose, Step, StepKind, TicketRequest};
use crate::model::{At, Evidence, Outcome, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "directory-no-answer",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 450,
    help: Help {
        what: "The domain controller takes the device's request and does not answer.",
        why: "The device cannot locate its certificates or check its user.",
        fix: "Check the directory service on that host and the firewall between the phones and it (TCP and UDP 389, TCP and UDP 88).",
        look_alikes: "An SRV record that lists a dead controller first and a living one next is only a delay.",
        references: &["RFC 4511", "RFC 4120 section 7.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        if step.stage != Stage::Directory || !answers::is_silence(step) && !closes_instead(step) {
            return None;
        }
        let (at, show) = unanswered(kind).filter(|(at, _)| !answered_later(case, *at))?;
        let server = directory::server(step);
        let evidence = Evidence::new(at.frame, show, format!("request to {server}, and no answer"));
        Some((server, vec![evidence]))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.88,
        summary: format!("the domain controller does not answer: {list}"),
        fix: format!(
            "Check the directory service on {list} and the firewall between the phone's VLAN and it; `ldapsearch` to it must answer."
        ),
    })
}

/// Did the controller take a request, and close instead of an answer?
fn closes_instead(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    answers::is_closed_instead(step) && last_sent(&connection.ldap, &connection.kerberos).is_some()
}

/// Did a domain controller answer on a connection after that? One that only stood open, and had answered before, does not count.
fn answered_later(case: &Case<'_>, asked: At) -> bool {
    let good = |step: &Step| step.purpose == Purpose::Directory && step.outcome == Outcome::Ok;
    case.attempt.connections().any(|(step, _)| good(step) && step.goes_well_until() > Some(asked))
}

/// The last request that nobody answered, and what it is in Wireshark.
fn unanswered(kind: &StepKind) -> Option<(At, &'static str)> {
    match kind {
        StepKind::Connection(connection) => {
            let open = last_sent(&connection.ldap, &connection.kerberos);
            let unread = || connection.stats.client.first_data.filter(|_| connection.stats.server.first_data.is_none());
            connection.syn_ack?;
            Some((open.or_else(unread)?, "tcp.len > 0"))
        }
        StepKind::Inquiry(inquiry) => Some((last_sent(&inquiry.ldap, &inquiry.kerberos)?, "udp")),
        _ => None,
    }
}

fn last_sent(ldap: &[DirectoryRequest], kerberos: &[TicketRequest]) -> Option<At> {
    let directory = ldap.iter().filter(|request| request.answer.is_none()).filter_map(|request| request.sent.last());
    let tickets = kerberos.iter().filter(|request| request.answer.is_none()).filter_map(|request| request.sent.last());
    directory.chain(tickets).max().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::model::{By, Side};

    #[test]
    fn a_request_that_the_domain_controller_never_answers() {
        let silent = tcp(Purpose::Directory).to("10.0.0.3", 389).data(Side::Client, 60).timed_out(By::Unknown);
        let found = Login::new().step(silent).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the domain controller does not answer: pool.contoso.com (10.0.0.3:389)");
    }

    #[test]
    fn a_search_that_is_not_answered_after_a_bind_that_was() {
        let half = tcp(Purpose::Directory).to("10.0.0.3", 389).bind(0, "").ldap(ldap_search("(objectClass=*)"), None);
        let found = Login::new().step(half.timed_out(By::Unknown)).dropped().the(&RULE);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 5 && tcp.len > 0");
    }

    #[test]
    fn a_controller_that_closes_instead_of_an_answer() {
        let asked = || tcp(Purpose::Directory).to("10.0.0.3", 389).ldap(ldap_search("(objectClass=*)"), None);
        let closed = asked().leaves(Side::Server, crate::login::steps::Close::Rst);
        assert!(Login::new().step(closed).dropped().the(&RULE).explains_drop);
        let left = asked().leaves(Side::Client, crate::login::steps::Close::Rst);
        Login::new().step(left).dropped().nothing(&RULE);
    }

    #[test]
    fn a_kdc_that_does_not_answer_over_udp() {
        let found = Login::new().step(kerberos(vec![(as_req(false), None)])).dropped().the(&RULE);
        assert_eq!(found.summary, "the domain controller does not answer: dc01.contoso.com (10.0.0.3:88)");
    }

    #[test]
    fn silence_over_udp_is_no_loss_where_tcp_is_answered() {
        let over_tcp = tcp(Purpose::Directory).to("10.0.0.3", 88).data(Side::Client, 200).data(Side::Server, 900);
        Login::new().step(kerberos(vec![(as_req(false), None)])).step(over_tcp).nothing(&RULE);
    }

    #[test]
    fn silence_of_the_kdc_while_a_connection_for_ldap_stands_open() {
        let open = tcp(Purpose::Directory).to("10.0.0.3", 389).search("(objectClass=*)", 1, 0).act(|wire| wire.skip(2000));
        let asked = kerberos(vec![(as_req(false), None)]).into_step(5);
        let login = Login::new().step(open.data(Side::Client, 7).into_step(1)).step(asked);
        assert_eq!(
            login.dropped_in(1).the(&RULE).summary,
            "the domain controller does not answer: dc01.contoso.com (10.0.0.3:88)"
        );
    }

    #[test]
    fn a_silent_port_and_an_answer_give_nothing() {
        Login::new().step(syn(Purpose::Directory).to("10.0.0.3", 389).timed_out(By::Unknown)).dropped().nothing(&RULE);
        let answered = tcp(Purpose::Directory).to("10.0.0.3", 389).data(Side::Client, 60).data(Side::Server, 20);
        Login::new().step(answered.timed_out(By::Unknown)).dropped().nothing(&RULE);
        let refused = tcp(Purpose::Directory).to("10.0.0.3", 389).bind(49, "");
        Login::new().step(refused).dropped().nothing(&RULE);
    }
}
