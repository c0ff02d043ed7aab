//! `update-loop`: the device fetches an image of its software whole, restarts, and fetches it again.

use crate::findings::shared::files::fetched_again;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "update-loop",
    stage: Some(Stage::Update),
    weight: Weight::Specific,
    order: 2020,
    help: Help {
        what: "The device fetches an image of its software whole, restarts, and fetches the same image again.",
        why: "It does not take the image (wrong model, damaged, too large a step between versions), or the server asks for a version that \
              the image is not, so that it updates for ever and never signs in.",
        fix: "Compare the version that the server asks for with the one in the image and the one on the phone; see the maker's notes for \
              versions in between. Take the update out of the configuration until the phone signs in.",
        look_alikes: "One restart after an image is normal. A failed update that the device goes on from stops no login.",
        references: &["RFC 1350", "Polycom, UC Software administrator guide"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let (file, again) = fetched_again(case, |file| file.image)?;
    Some(Found {
        stage: Stage::Update,
        step: case.attempt.dropped_step,
        proof: Proof::Inferred,
        explains_drop: true,
        confidence: 0.75,
        summary: format!("the device fetches the image {} whole, restarts, and fetches it again", file.name),
        fix: format!(
            "Compare the version that the server asks for with that of {} and of the phone, or take the update out of the configuration \
             until the phone signs in. A new capture must show it going on to its registrar.",
            file.name
        ),
        evidence: vec![
            Evidence::new(file.at.frame, "", format!("{} came whole", file.name)),
            Evidence::new(again.frame, "", format!("{} came whole", file.name)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::Ending;
    use crate::model::{By, How};

    fn twice(image: bool) -> Login {
        let mut fetched = file("sip.ld").whole().into_step(5);
        fetched.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: fetched.last });
        let login = Login::new().step(lease(&[])).step(fetched).dropped();
        login.knowing(|known| {
            known.add_file(at_second(6, 5.0 / 100.0 + 1.01), "sip.ld".into(), image);
            known.add_file(at_second(106, 200.0), "sip.ld".into(), image);
        })
    }

    #[test]
    fn the_same_image_again_after_a_restart() {
        let found = twice(true).the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the device fetches the image sip.ld whole, restarts, and fetches it again");
    }

    #[test]
    fn once_or_configuration_or_a_device_that_goes_on_give_nothing() {
        twice(true).knowing(|known| known.files.truncate(1)).nothing(&RULE);
        twice(false).nothing(&RULE);
        twice(true).knowing(|known| known.answered.push(at_second(120, 201.0))).nothing(&RULE);
    }
}
