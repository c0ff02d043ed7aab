//! `provision-no-answer`: the configuration server does not answer.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::files::{self, Said};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-no-answer",
    stage: Some(Stage::Provision),
    weight: Weight::Specific,
    order: 410,
    help: Help {
        what: "The device asks its configuration server for files, again and again, and nothing comes back; or a file stops in its middle.",
        why: "Without its configuration it knows no registrar and no account.",
        fix: "See that the server runs and is the one that DHCP names (option 66, 150 or 160). For TFTP, see the firewalls between: the \
              answer comes from a new port of the server, which only a firewall that knows TFTP lets through. A new capture must show \
              DATA after the read request.",
        look_alikes: "A TCP connection that is refused or not answered is tcp-refused or tcp-no-answer. A capture that holds only what the \
                      device sends shows no answers at all.",
        references: &["RFC 1350 section 4", "RFC 9110"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let silent = files::failed(case, |said| *said == Said::Nothing);
    let mut found = answers::told(case, &silent, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("nothing comes back from the configuration server: {list}"),
        fix: format!(
            "See that the server runs and that this network reaches it ({list}), by the proxy where one leads there; for TFTP, that the \
             firewalls between let its answers through, which come from another port than 69. A new capture must show the file."
        ),
    });
    let stalled = files::failed(case, |said| *said == Said::Stalled);
    found.extend(answers::told(case, &stalled, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the configuration file stops in its middle: {list}"),
        fix: format!(
            "See on the server why it sends no more of {list}, and on the way there what may swallow it: a firewall that forgets the \
             transfer, a narrower path for full-size packets. A new capture must show the file whole."
        ),
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, StepKind};
    use crate::model::{By, Side};

    #[test]
    fn read_requests_that_nobody_answers() {
        let found = Login::new().step(file("SEP0004F21A2B3C.cnf.xml").again().again().silent()).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "nothing comes back from the configuration server: SEP0004F21A2B3C.cnf.xml on 10.0.0.69 (no answer)"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 3");
    }

    #[test]
    fn a_file_that_stops_in_its_middle() {
        let stalls = |acknowledged: &[f64]| {
            let mut step = file("SEP0004F21A2B3C.cnf.xml").silent().into_step(3);
            if let StepKind::File(transfer) = &mut step.kind {
                (transfer.accepted, transfer.last_answer) = (Some(at_second(4, 0.1)), Some(at_second(4, 0.1)));
                transfer.acknowledged = (5..).zip(acknowledged).map(|(frame, second)| at_second(frame, *second)).collect();
            }
            Login::new().with(|attempt| attempt.steps.push(step)).dropped()
        };
        let found = stalls(&[0.1, 4.1, 8.1]).the(&RULE);
        assert!(
            found.summary.starts_with("the configuration file stops in its middle: SEP0004F21A2B3C.cnf.xml on 10.0.0.69"),
            "{found:?}"
        );
    }

    #[test]
    fn a_web_request_that_nobody_answers() {
        let asked = tcp(Purpose::Provision).named("cfg.contoso.com").get("/a.cfg").timed_out(By::Unknown);
        assert!(Login::new().step(asked).dropped().the(&RULE).summary.contains("/a.cfg on cfg.contoso.com"));
    }

    #[test]
    fn a_request_that_is_lost_like_others_before_it_is_no_silence_of_the_server() {
        let lost = |before: u32| {
            let asked = tcp(Purpose::Provision).get("/a.cfg").stuck(Side::Client, 120, 5).timed_out(By::Unknown);
            Login::new().step(asked.change(move |connection| connection.stats.client.retransmitted += before)).dropped()
        };
        lost(0).the(&RULE);
        lost(2).nothing(&RULE);
    }

    #[test]
    fn a_proxy_that_does_not_answer() {
        let connect = |request: &mut crate::protocols::http::Request| request.method = "CONNECT".into();
        let asked = || tcp(Purpose::Provision).to("10.0.0.81", 8080).get_with("cfg.contoso.com:443", connect);
        let found = Login::new().step(asked().timed_out(By::Unknown)).dropped().the(&RULE);
        assert!(found.summary.ends_with("cfg.contoso.com:443 by way of 10.0.0.81:8080 (no answer)"), "{found:?}");
        Login::new().step(asked().answer(200)).dropped().nothing(&RULE);
    }

    #[test]
    fn a_web_server_that_closes_instead_of_an_answer() {
        let closed = |side| {
            let asked = tcp(Purpose::Provision).named("cfg.contoso.com").get("/a.cfg").leaves(side, Close::Fin);
            Login::new().step(asked).dropped().check(&RULE).len()
        };
        assert_eq!((closed(Side::Server), closed(Side::Client)), (1, 0));
    }

    #[test]
    fn an_answer_from_another_server_makes_it_good() {
        Login::new().step(file("a.cfg").silent()).step(file("b.cfg").whole()).nothing(&RULE);
    }

    #[test]
    fn a_refusal_and_a_silent_port_are_other_matters() {
        Login::new().step(file("a.cfg").error(1, "File not found")).dropped().nothing(&RULE);
        Login::new().step(syn(Purpose::Provision).syn_again(3).timed_out(By::Unknown)).dropped().nothing(&RULE);
    }
}
