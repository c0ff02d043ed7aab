//! What a device got past, and what therefore did not end its attempt. A case and a finding in, an answer out; knows no code.

use crate::findings::{Case, Found};
use crate::model::Stage;

/// Does all that shows this fault on the way to the registrar come before the exchange by which the device signed in all the same?
pub(super) fn is_passed(case: &Case<'_>, found: &Found) -> bool {
    let signed_in = case.attempt.drop.filter(|drop| drop.stage == Stage::Session).and_then(|_| case.attempt.dropped());
    let on_the_way = matches!(found.stage, Stage::Address | Stage::Names | Stage::Connect | Stage::Tls);
    on_the_way && signed_in.is_some_and(|step| found.evidence.iter().all(|shown| shown.frame < step.first.frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::findings::{dhcp_missing_option, tcp_refused};
    use crate::login::steps::{Close, Purpose, Step};
    use crate::model::Side;

    #[test]
    fn who_signs_in_with_a_lease_is_not_stopped_by_what_that_lacks() {
        let no_router = || Login::new().step(lease(&[(1, &[255, 255, 255, 0])]));
        let stopped = no_router().step(lookup("sip.contoso.com").times(3)).dropped();
        let found = stopped.profile(|profile| profile.required_options = vec![needed(3)]).the(&dhcp_missing_option::RULE);
        let stops_in = |stage: Stage| {
            let register = registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(200, 1)))]).into_step(20);
            is_passed(&no_router().step(Step { stage, ..register }).dropped().case(), &found)
        };
        assert!(stops_in(Stage::Session));
        assert!(!stops_in(Stage::Register));
    }

    #[test]
    fn what_comes_of_the_session_itself_is_not_passed() {
        let refused = syn(Purpose::Registrar).leaves(Side::Server, Close::Rst);
        let mut login = Login::new().step(refused).dropped();
        let found = login.the(&tcp_refused::RULE);
        login.attempt.drop = login.attempt.drop.map(|drop| crate::model::DropPoint { stage: Stage::Session, ..drop });
        assert!(!is_passed(&login.case(), &found));
    }
}
