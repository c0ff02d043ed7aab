//! Where an attempt was stopped, so that one that came further can be told. Attempts in; does not decide what stops one.

use crate::model::{Endpoint, Outcome, Stage};

use super::drops::rank;
use super::steps::{Attempt, Purpose, Step, StepKind};
use super::target::{errand, is_main_road};

/// What a device stood before when an attempt ended in a drop.
#[derive(Clone, Copy, Debug)]
pub struct Barrier {
    errand: u8,
    stage: Stage,
    /// The server that did not answer at all.
    silent: Option<Endpoint>,
}

impl Barrier {
    /// That of this attempt, if it ended in a drop.
    pub fn of(attempt: &Attempt) -> Option<Self> {
        let step = attempt.dropped()?;
        let silent = match &step.kind {
            StepKind::Connection(connection) if connection.syn_ack.is_none() => Some(connection.flow.server),
            _ => None,
        };
        Some(Self { errand: errand(step.purpose), stage: attempt.drop?.stage, silent })
    }

    /// Did this attempt come to what lies behind it?
    pub fn is_passed_by(&self, attempt: &Attempt) -> bool {
        attempt.steps.iter().any(|step| self.is_behind(step))
    }

    /// Names are asked for at any moment: a connection, or another exchange, shows where a device stands.
    fn is_behind(&self, step: &Step) -> bool {
        if !is_main_road(step) || rank(step) == 0 || self.stage == Stage::Session {
            return false;
        }
        let own = errand(step.purpose);
        let answers = || self.silent.is_some_and(|silent| server(step) == Some(silent)) && is_answered(step);
        own > self.errand
            || answers()
            || own == self.errand && (step.stage > self.stage || step.stage == self.stage && is_done(step))
    }
}

/// Has this step got through its stage, where no other one of the same stage has to? A device fetches several files, asks its
/// directory several things.
fn is_done(step: &Step) -> bool {
    let is_one = matches!(step.purpose, Purpose::Access | Purpose::Address | Purpose::Registrar);
    is_one && step.outcome == Outcome::Ok && step.ending.is_none() || step.stage == Stage::Connect && is_answered(step)
}

fn server(step: &Step) -> Option<Endpoint> {
    if let StepKind::Connection(connection) = &step.kind { Some(connection.flow.server) } else { None }
}

/// Did the server say anything on this connection? Then it took it, whatever the capture lacks of what was said.
fn is_answered(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if connection.stats.server.first_data.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Ending};
    use crate::model::{By, How, Side};

    fn passes(first: Login, second: Login) -> bool {
        Barrier::of(&first.dropped().attempt).is_some_and(|barrier| barrier.is_passed_by(&second.attempt))
    }

    #[test]
    fn a_server_that_was_silent_and_answers_now_is_behind_it_whatever_is_asked_of_it() {
        let silent = || Login::new().step(syn(Purpose::Enrolment).to("10.0.0.9", 443).syn_again(2).timed_out(By::Network));
        let answers = |host: &str| Login::new().step(tcp(Purpose::Enrolment).to(host, 443).hello().server_flight(Vec::new()));
        assert!(passes(silent(), answers("10.0.0.9")));
        assert!(!passes(silent(), answers("10.0.0.8")) && !passes(silent(), silent()));
    }

    #[test]
    fn who_is_answered_at_another_port_has_passed_a_port_that_was_shut() {
        let shut = || Login::new().step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst));
        let says = |side: Side| {
            let mut step = tcp(Purpose::Registrar).to("10.0.0.6", 5061).data(side, 300).into_step(50);
            (step.stage, step.outcome, step.ending) = (Stage::Connect, Outcome::Unclear, None);
            Login::new().step(step)
        };
        assert!(passes(shut(), says(Side::Server)));
        assert!(!passes(shut(), says(Side::Client)), "nobody answers");
        assert!(!passes(shut(), Login::new().step(lookup("pool.contoso.com"))), "it asks for the name again");
        assert!(passes(shut(), Login::new().step(tcp(Purpose::Registrar).hello().data(Side::Server, 1_000))));
        assert!(!passes(shut(), Login::new().step(lease(&[]))), "that comes before");
    }

    #[test]
    fn one_file_that_comes_is_not_the_one_that_was_refused() {
        let refused = || Login::new().step(tcp(Purpose::Provision).get("/phone.cfg").answer(403));
        assert!(!passes(refused(), Login::new().step(tcp(Purpose::Provision).get("/common.cfg").answer(200))));
        assert!(passes(refused(), Login::new().step(tcp(Purpose::Registrar).hello())), "it goes to its registrar");
    }

    #[test]
    fn who_is_lent_an_address_after_the_silence_of_dhcp_has_passed_that() {
        let silent = || {
            let step = dhcp_exchange().discover().discover().into_step(1);
            let ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            Login::new().step(Step { purpose: Purpose::Address, outcome: Outcome::Failed, ending, ..step })
        };
        let lent = Step { purpose: Purpose::Address, outcome: Outcome::Ok, ..lease(&[]).into_step(20) };
        assert!(passes(silent(), Login::new().step(lent)));
        assert!(!passes(silent(), silent()), "it asks on");
    }
}
