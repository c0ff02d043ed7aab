//! What was found of an attempt in, its primary cause out; and of many causes, the commonest. Knows no attempt.

use crate::findings::{Found, Proof, Rule};
use crate::model::Stage;

/// The commonest; of equals, the last.
pub(super) fn commonest<T: PartialEq + Copy>(items: impl Iterator<Item = T>) -> Option<T> {
    // Each item once, with how often and where last it came: there are few different ones.
    let mut counts: Vec<(T, usize, usize)> = Vec::new();
    for (place, item) in items.enumerate() {
        match counts.iter_mut().find(|(known, ..)| *known == item) {
            Some((_, count, last)) => (*count, *last) = (count.saturating_add(1), place),
            None => counts.push((item, 1, place)),
        }
    }
    counts.into_iter().max_by_key(|(_, count, last)| (*count, *last)).map(|(item, ..)| item)
}

/// The cause whose removal would let the device past the drop. Specific before general; proven before told before
/// inferred; of two on one path, the earlier one in the order of the story.
pub(super) fn primary(found: &[(&'static Rule, Found)]) -> Option<&'static Rule> {
    let explaining = || found.iter().filter(|(_, found)| found.explains_drop);
    // Whatever set the device's clock wrong comes before the clock, and the clock before the certificate that it puts
    // outside its validity: one proof holds for all of them.
    let clock_proven = explaining().any(|(_, found)| found.stage == Stage::Time && found.proof == Proof::Proven);
    let proof = |found: &Found| if clock_proven && found.stage == Stage::Time { Proof::Proven } else { found.proof };
    explaining()
        .min_by_key(|(rule, found)| (std::cmp::Reverse(rule.weight), std::cmp::Reverse(proof(found)), rule.order, rule.code))
        .map(|(rule, _)| *rule)
}
