//! `provision-loop`: the device fetches its configuration whole, restarts, and fetches it again.

use crate::device::facts::FetchedFile;
use crate::findings::shared::files::{fetched_again, is_signed, missing_image};
use crate::findings::shared::restart::gave_up;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-loop",
    stage: Some(Stage::Provision),
    weight: Weight::Specific,
    order: 430,
    help: Help {
        what: "The device fetches its configuration files whole, restarts before it does anything else, and fetches the same again.",
        why: "A setting in the file makes it restart, and after the restart the file sets it again: a version that never matches, a \
              setting that two files give differently, a file that it cannot take.",
        fix: "Compare the files that it fetches with what its own log and web page say of them: a setting given twice, a firmware version \
              that it does not have, a wrong model. Serve a file with the account alone, and add the rest step by step.",
        look_alikes: "One restart after a changed configuration is normal. A device that fetches an image each time is update-loop; one \
                      that will not take a signed file is provision-trust-list-rejected.",
        references: &["RFC 1350", "Yealink, auto provisioning guide", "Polycom, UC Software administrator guide"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let configuration = |file: &FetchedFile| !file.image && !is_signed(file.name.raw());
    // What the file names and the server lacks is the nearer cause.
    let (file, again) = fetched_again(case, configuration).filter(|_| missing_image(case).is_none() && !gave_up(case))?;
    let page = is_page(case, file);
    let times = case.known.files.iter().filter(|other| other.name == file.name).count();
    Some(Found {
        stage: Stage::Provision,
        step: case.attempt.dropped_step,
        proof: Proof::Inferred,
        explains_drop: true,
        confidence: 0.75,
        summary: format!(
            "the device fetches {} whole {times} times, and starts over each time without going on{}",
            file.name,
            if page { "; what comes is a web page, and no configuration" } else { "" }
        ),
        fix: if page {
            format!(
                "Find who answers with a web page in place of {} (the server's sign-in form, a portal, a proxy), and have phones given the \
                 file without it: `curl -v URL` from their VLAN must show the configuration.",
                file.name
            )
        } else {
            format!(
                "See what in {} makes the device restart: its log tells, or a file with the account alone to which the rest is added step \
                 by step. A new capture must show it going on to its registrar.",
                file.name
            )
        },
        evidence: vec![
            Evidence::new(file.at.frame, "", format!("{} came whole", file.name)),
            Evidence::new(again.frame, "", format!("{} came whole", file.name)),
        ],
    })
}

/// Is what came for this file a page for people? Settings come in the clothes of HTML, too (snom's), but have no title and no form.
fn is_page(case: &Case<'_>, file: &FetchedFile) -> bool {
    const HEAD: usize = 4096;
    case.attempt.exchanges().any(|(_, _, exchange)| {
        let (Some((_, request)), Some((_, response))) = (&exchange.request, &exchange.response) else { return false };
        let bytes = response.body.bytes.get(..HEAD).unwrap_or(&response.body.bytes);
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let is_html = ["<!doctype html", "<html"].iter().any(|begin| text.trim_start().starts_with(begin));
        request.uri == file.name && is_html && (text.contains("<title") || text.contains("<form"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::StepKind;
    use crate::model::{By, How};

    /// Fetched in frame 6, where the device stops; and again in frame 106.
    fn twice(name: &'static str) -> Login {
        let mut fetched = file(name).whole().into_step(5);
        fetched.ending = Some(crate::login::steps::Ending { by: By::Device, how: How::Abandoned, at: fetched.last });
        let login = Login::new().step(lease(&[])).step(fetched).dropped();
        login.knowing(|known| {
            known.add_file(at_second(6, 5.0 / 100.0 + 1.01), name.into(), false);
            known.add_file(at_second(106, 200.0), name.into(), false);
        })
    }

    #[test]
    fn the_same_file_again_after_a_restart() {
        let found = twice("0004f21a2b3c.cfg").the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the device fetches 0004f21a2b3c.cfg whole 2 times, and starts over each time without going on"
        );
        assert_eq!(found.evidence[1].display_filter, "frame.number == 106");
    }

    #[test]
    fn a_web_page_in_place_of_the_file_is_told() {
        let comes = |body: &'static str| {
            let mut fetched = tcp(crate::login::steps::Purpose::Provision).get("/a.cfg").answer_with(200, move |answer| {
                answer.body = crate::protocols::http::Body { bytes: body.as_bytes().into(), complete: true, arrived: true };
            });
            fetched = fetched.abandoned();
            let login = Login::new().step(lease(&[])).step(fetched).dropped();
            let last = login.attempt.last;
            let again = login.knowing(move |known| {
                known.add_file(last, "/a.cfg".into(), false);
                known.add_file(at_second(106, 200.0), "/a.cfg".into(), false);
            });
            again.the(&RULE).summary
        };
        let is_page = |body| comes(body).ends_with("; what comes is a web page, and no configuration");
        assert!(is_page("<!DOCTYPE html><html><head><title>Sign in</title></head></html>"));
        assert!(!is_page("<html><pre>language: English</pre></html>") && !is_page("account.1.enable = 1"));
    }

    #[test]
    fn a_single_fetch_is_no_loop() {
        twice("a.cfg").knowing(|known| known.files.truncate(1)).nothing(&RULE);
    }

    #[test]
    fn a_device_that_goes_on_afterwards_only_restarted_once() {
        twice("a.cfg").knowing(|known| known.answered.push(at_second(120, 201.0))).nothing(&RULE);
    }

    #[test]
    fn who_then_asks_a_host_on_its_link_in_vain_went_on() {
        let then = |asks: u64| {
            let mut asked = router(asks, false).into_step(20);
            if let StepKind::Neighbour(neighbour) = &mut asked.kind {
                neighbour.router = false;
            }
            twice("a.cfg").with(move |attempt| attempt.steps.push(asked)).check(&RULE).len()
        };
        assert_eq!((then(4), then(1)), (0, 1));
    }

    #[test]
    fn an_image_and_a_signed_file_have_rules_of_their_own() {
        twice("a.cfg").knowing(|known| known.files.iter_mut().for_each(|file| file.image = true)).nothing(&RULE);
        twice("SEP0004F21A2B3C.cnf.xml.sgn").nothing(&RULE);
    }

    #[test]
    fn a_failure_that_shows_is_its_own_explanation() {
        let refused = Login::new().step(file("a.cfg").error(2, "Access violation")).dropped();
        refused.knowing(|known| known.add_file(at(1), "a.cfg".into(), false)).nothing(&RULE);
    }
}
