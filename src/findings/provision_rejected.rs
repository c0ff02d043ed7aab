//! `provision-rejected`: the configuration server refuses the file.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::files::{self, Said};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-rejected",
    stage: Some(Stage::Provision),
    weight: Weight::Specific,
    order: 412,
    help: Help {
        what: "The configuration server answers, and does not give the file: 401 or 403, another error, a redirection \
               to itself or to where the device does not go, a close in the middle, or a TFTP access violation. Or the proxy does not lead the device there.",
        why: "Without its configuration the device knows no registrar and no account.",
        fix: "Give the phone the credentials that the server wants, or let phones fetch without; on the server, see the rights on the file \
              and its folder. `curl -v URL` or `tftp SERVER -c get FILE` from the phones' VLAN must give the file.",
        look_alikes: "One 401 and then 200 is authentication. A refused upload of logs (PUT 403 or 405) stops nothing.",
        references: &["RFC 1350 section 5", "RFC 9110 section 15.5"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let around = files::failed(case, |said| matches!(said, Said::Http(300..=399)));
    let mut found = answers::told(case, &around, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the configuration server leads the device in a circle, from the file to itself: {list}"),
        fix: format!(
            "Correct the redirection on the server (its Location, rewrite rules, a change from http to https that is made twice): {list}. \
             From the phones' VLAN, `curl -v -L` must be given the file."
        ),
    });
    let elsewhere = files::failed(case, |said| matches!(said, Said::Elsewhere(_)));
    found.extend(answers::told(case, &elsewhere, |list| Words {
        proof: Proof::Told,
        confidence: 0.8,
        summary: format!("the configuration server sends the device elsewhere, where it does not go: {list}"),
        fix: format!(
            "Serve the file where the phone asks for it, or give the phone the address that the redirection names ({list}): many follow \
             none, and no phone follows one to a scheme that it does not speak. `curl -v URL` shows the Location."
        ),
    }));
    let parts = files::failed(case, |said| *said == Said::APart);
    found.extend(answers::told(case, &parts, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the configuration server closes in the middle of the file: {list}"),
        fix: format!(
            "See on the server, and on a proxy before it, why it closes before the end ({list}): its log, a limit of time or size, a length \
             that is announced wrongly. From the phones' VLAN, `curl -v` must be given the whole file."
        ),
    }));
    let nowhere = files::failed(case, |said| matches!(said, Said::NoTunnel(_)));
    found.extend(answers::told(case, &nowhere, |list| Words {
        proof: Proof::Told,
        confidence: 0.85,
        summary: format!("the proxy does not lead the device to its server: {list}"),
        fix: format!(
            "See at the proxy why it refuses ({list}): its rules and the credentials that it wants (403, 407), or whether it reaches that \
             server (502, 503, 504). Or let phones go there without it. `curl -v -x PROXY URL` from the phones' VLAN must be let through."
        ),
    }));
    let is_refusal = |said: &Said<'_>| match said {
        Said::Nothing | Said::APart | Said::Stalled | Said::Elsewhere(_) | Said::NoTunnel(_) | Said::Http(300..=399) => false,
        Said::Http(_) | Said::Tftp(..) => !said.is_missing(),
    };
    let refused = files::failed(case, is_refusal);
    found.extend(answers::told(case, &refused, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the configuration server refuses the file: {list}"),
        fix: format!(
            "See on the server why it refuses: credentials, rights on the file, its own log ({list}). From the phones' VLAN, `curl -v` or a \
             TFTP client must be given the file."
        ),
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::Outcome;

    #[test]
    fn access_violation_401_and_403_are_told() {
        let found = Login::new().step(file("a.cfg").error(2, "Access violation")).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the configuration server refuses the file: a.cfg on 10.0.0.69 (TFTP error 2 (Access violation))"
        );
        for code in [401, 403] {
            let found = Login::new().step(tcp(Purpose::Provision).get("/a.cfg").answer(code)).dropped().the(&RULE);
            assert_eq!(found.evidence[0].display_filter, format!("frame.number == 4 && http.response.code == {code}"));
        }
    }

    #[test]
    fn a_proxy_that_does_not_lead_there_is_told_as_that() {
        let tunnel = |code: u16| {
            let connect = |request: &mut crate::protocols::http::Request| request.method = "CONNECT".into();
            tcp(Purpose::Provision).to("10.0.0.81", 8080).get_with("cfg.contoso.com:443", connect).answer(code)
        };
        for code in [403, 407, 502] {
            let found = Login::new().step(tunnel(code)).dropped().the(&RULE);
            let says = format!(
                "the proxy does not lead the device to its server: cfg.contoso.com:443 by way of 10.0.0.81:8080 ({code})"
            );
            assert_eq!((found.explains_drop, found.summary), (true, says));
        }
        Login::new().step(tunnel(200)).dropped().nothing(&RULE);
    }

    #[test]
    fn a_server_that_sends_the_device_where_it_does_not_go_is_told_as_that() {
        let found = Login::new().step(tcp(Purpose::Provision).get("/a.cfg").answer(302)).dropped().the(&RULE);
        assert!(found.summary.starts_with("the configuration server sends the device elsewhere, where it does not go: /a.cfg"));
        let left = |code: u16| {
            let mut step = tcp(Purpose::Provision).get("/a.cfg").answer(code).abandoned().into_step(3);
            step.outcome = Outcome::Unclear;
            Login::new().step(step).dropped().check(&RULE).iter().filter(|found| found.explains_drop).count()
        };
        assert_eq!((left(302), left(404)), (1, 0), "it goes no further");
        let followed = tcp(Purpose::Provision).get("/a.cfg").answer(302).get("/b.cfg").answer(200);
        Login::new().step(followed).dropped().nothing(&RULE);
    }

    #[test]
    fn a_file_that_leads_to_itself_is_told_as_that() {
        let around = tcp(Purpose::Provision).get("/a.cfg").answer(302).get("/a.cfg").answer(302).get("/a.cfg").answer(302);
        let found = Login::new().step(around).dropped().the(&RULE);
        assert!(
            found.summary.starts_with("the configuration server leads the device in a circle, from the file to itself: /a.cfg")
        );
    }

    #[test]
    fn a_file_that_the_server_breaks_off_is_told_as_that() {
        let part =
            tcp(Purpose::Provision).get("/a.cfg").answer(200).leaves(crate::model::Side::Server, crate::login::steps::Close::Fin);
        let found = Login::new().step(part).dropped().the(&RULE);
        assert!(
            found.summary.starts_with("the configuration server closes in the middle of the file: /a.cfg"),
            "{}",
            found.summary
        );
        let swallowed = tcp(Purpose::Provision).get("/a.cfg").answer(200).timed_out(crate::model::By::Network);
        let swallowed = Login::new().step(swallowed).dropped();
        swallowed.nothing(&RULE);
        swallowed.nothing(&crate::findings::provision_no_answer::RULE);
    }

    #[test]
    fn a_denied_file_at_which_the_device_stops_is_told_though_another_came() {
        let login = Login::new().step(tcp(Purpose::Provision).get("/J100Supgrade.txt").answer(200));
        let found = login.step(tcp(Purpose::Provision).get("/46xxsettings.txt").answer(403)).dropped().the(&RULE);
        assert!(found.explains_drop && found.summary.contains("/46xxsettings.txt"), "{}", found.summary);
    }

    #[test]
    fn a_missing_file_and_a_file_that_comes_are_no_refusal() {
        Login::new().step(tcp(Purpose::Provision).get("/a.cfg").answer(404)).dropped().nothing(&RULE);
        Login::new().step(file("a.cfg").error(2, "Access violation")).step(file("b.cfg").whole()).nothing(&RULE);
    }
}
