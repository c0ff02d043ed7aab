//! `provision-not-found`: the configuration file is not there, and no other is served in its place.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::files;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-not-found",
    stage: Some(Stage::Provision),
    weight: Weight::Specific,
    order: 415,
    help: Help {
        what: "None of the configuration files that the device asks for is on the server.",
        why: "Phones ask for a file of their own and for a common one. With neither they know no registrar and no account.",
        fix: "Add the device on the configuration or call server, so that its file is made, or put the file there under exactly the name \
              that is asked for: TFTP and many web servers tell upper from lower case. A new capture must show the file.",
        look_alikes: "Trust lists of a cluster that is not secure, directories, licences and files for one MAC are optional: missing, they \
                      stop nothing where another file comes.",
        references: &["RFC 1350 section 5", "RFC 9110 sections 15.5.5 and 15.5.11"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = files::failed(case, |said| said.is_missing());
    if failures.is_empty() {
        return without_image(case).into_iter().collect();
    }
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the configuration server has none of the files that the device asks for: {list}"),
        fix: format!(
            "Add the device on that server, or put its file there under exactly this name, upper and lower case alike: {list}. A new \
             capture must show the file."
        ),
    })
}

/// A phone whose configuration names software that is not there may restart for ever to fetch it.
fn without_image(case: &Case<'_>) -> Option<Found> {
    let (file, at, code) = files::missing_image(case)?;
    case.attempt.drop.filter(|drop| drop.stage == Stage::Provision)?;
    Some(Found {
        stage: Stage::Provision,
        step: case.attempt.dropped_step,
        proof: Proof::Inferred,
        explains_drop: true,
        confidence: 0.7,
        summary: format!(
            "the software that the configuration names is not on its server ({file}: {code}), and the device starts over"
        ),
        fix: format!(
            "Put {file} there, for exactly this model, or take it out of the configuration. A new capture must show the file, or a \
             device that goes on without asking for it."
        ),
        evidence: vec![Evidence::new(at.frame, &format!("http.response.code == {code}"), format!("{file}: {code}"))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Purpose};
    use crate::model::{By, How, Outcome};

    #[test]
    fn neither_its_own_file_nor_the_common_one_is_there() {
        let own = file("SEP0004F21A2B3C.cnf.xml").error(1, "File not found");
        let common = file("XMLDefault.cnf.xml").error(0, "No such file");
        let found = Login::new().step(own).step(common).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the configuration server has none of the files that the device asks for: SEP0004F21A2B3C.cnf.xml on 10.0.0.69 (TFTP \
             error 1 (File not found)), XMLDefault.cnf.xml on 10.0.0.69 (TFTP error 0 (No such file))"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && tftp.error.code == 1");
    }

    #[test]
    fn a_web_server_says_404() {
        let asked = tcp(Purpose::Provision).named("cfg.contoso.com").get("/0004f21a2b3c.cfg").answer(404);
        let found = Login::new().step(asked).dropped().the(&RULE);
        assert!(found.summary.ends_with("/0004f21a2b3c.cfg on cfg.contoso.com (404)"));
    }

    #[test]
    fn a_common_file_makes_up_for_it() {
        Login::new().step(file("a.cfg").error(1, "File not found")).step(file("b.cfg").whole()).nothing(&RULE);
    }

    #[test]
    fn software_that_the_configuration_names_and_nobody_has_sends_the_device_back() {
        let ends = |name: &'static str| {
            let fetches = tcp(Purpose::Provision).get("/0004f21a2b3c.cfg").answer(200).get(name).answer(404);
            let mut step = fetches.stage(Stage::Provision).into_step(1);
            step.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: step.last });
            let mut login = Login::new().step(step).dropped();
            login.attempt.steps[0].outcome = Outcome::Ok;
            login
        };
        let stage = |login: Login| login.the(&RULE).stage;
        assert_eq!(stage(ends("/sip.ld")), Stage::Provision);
        ends("/ringtone.wav").nothing(&RULE);
    }

    #[test]
    fn a_refusal_is_another_matter() {
        Login::new().step(file("a.cfg").error(2, "Access violation")).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Provision).get("/a.cfg").answer(403)).dropped().nothing(&RULE);
    }
}
