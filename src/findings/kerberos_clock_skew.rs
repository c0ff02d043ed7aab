//! `kerberos-clock-skew`: the KDC, or a service, finds the device's clock too far from its own (KRB_AP_ERR_SKEW).

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{SECOND, Stage, Time};
use crate::protocols::kerberos::code;

/// The rule.
pub static RULE: Rule = Rule {
    code: "kerberos-clock-skew",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 345,
    help: Help {
        what: "The domain controller finds the device's clock too far from its own (KRB_AP_ERR_SKEW, 37).",
        why: "Kerberos refuses what is older or newer than five minutes, whatever the password.",
        fix: "Give the phone the right time: an NTP server that answers (SRV _ntp._udp, DHCP option 42, UDP 123 open), and check the domain controller's own clock with `w32tm /query /status`. A new capture must show an NTP answer, and then a ticket.",
        look_alikes: "Windows clients try again with the time of the answer: 37 and then a ticket is harmless. The domain controller's clock can be the wrong one: its stime is in the answer, in clear.",
        references: &["RFC 4120 sections 5.9.1 and 8.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    directory::told(
        case,
        |refusal| refusal.reason() == Reason::Kerberos(code::SKEW),
        clocks,
        |_, list| Words {
            proof: Proof::Told,
            confidence: 0.95,
            summary: format!("the domain controller finds the device's clock too far from its own: {list}"),
            fix: format!(
                "Set both clocks by the same source: see that the phone's NTP server answers it, and check the domain controller with `w32tm /query /status`: {list}. A new capture must show a ticket."
            ),
        },
    )
}

/// What the clocks said, as far as the answer tells.
fn clocks(refusal: &Refusal<'_>) -> String {
    let told = refusal.error();
    let server = told.and_then(|error| error.server_time).map(|time| says(time, refusal.at().time));
    let device = told.and_then(|error| error.client_time).map(|time| format!("the device's was {}", time.whole_seconds()));
    let clocks: Vec<String> = server.into_iter().chain(device).collect();
    if clocks.is_empty() { refusal.server() } else { format!("{}: {}", refusal.server(), clocks.join(", ")) }
}

/// The server's clock, and how far the capture's is from it, where that matters.
fn says(server: Time, capture: Time) -> String {
    const MATTERS: i64 = 300 * SECOND;
    let ahead = server.since(capture);
    let off = if ahead.abs() < MATTERS { String::new() } else { format!(", {} s off the capture's", ahead / SECOND) };
    format!("its clock says {}{off}", server.whole_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::kerberos as tickets;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::protocols::kerberos;

    fn skewed() -> kerberos::Message {
        let mut message = krb_error(code::SKEW);
        if let kerberos::Body::Error(error) = &mut message.body {
            error.server_time = Some(BEGIN);
            error.client_time = Some(BEGIN.plus(-7200 * SECOND));
        }
        message
    }

    #[test]
    fn both_clocks_are_named_where_the_answer_tells_them() {
        let found = Login::new().step(tickets(vec![(as_req(true), Some(skewed()))])).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert!(
            found.summary.contains("its clock says 2009-04-10T22:00:00Z, the device's was 2009-04-10T20:00:00Z"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn a_service_says_it_inside_its_answer_to_the_bind() {
        let refused = tcp(Purpose::Directory).to("10.0.0.3", 389).bind_refused_by_kerberos(37);
        assert!(Login::new().step(refused).dropped().the(&RULE).explains_drop);
    }

    #[test]
    fn a_second_try_by_the_time_of_the_answer_makes_it_good() {
        let second = tickets(vec![(as_req(true), Some(skewed())), (as_req(true), Some(ticket()))]);
        Login::new().step(second).step(syn(Purpose::Registrar).timed_out(crate::model::By::Unknown)).dropped().nothing(&RULE);
    }
}
