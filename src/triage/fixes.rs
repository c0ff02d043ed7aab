//! The fewest fixes that free most devices. A device is free when everything that it needs was put right, so a fix that frees
//! none alone may free many together with another one: the bundle that frees most devices for each fix goes first.

use std::collections::{BTreeMap, BTreeSet};

/// Steps that are told; who has put so much right looks again.
const STEPS: usize = 40;
/// Different sets of needs that are weighed: those of most devices.
const SETS: usize = 500;

/// A fix, and what it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What must be put right.
    pub need: String,
    /// Devices that are free with it and all that stand before it, and were not before.
    pub frees: usize,
}

/// Fixes in the order in which they free most devices. `needs` holds for each device what it needs.
pub fn cover<'a>(needs: impl Iterator<Item = &'a BTreeSet<String>>) -> Vec<Fix> {
    let mut waiting = commonest(needs);
    let mut fixes = Vec::new();
    while fixes.len() < STEPS {
        let Some(mut bundle) = best(&waiting) else { break };
        while let Some(need) = first(&waiting, &bundle) {
            bundle.remove(need);
            fixes.push(Fix { need: need.to_owned(), frees: put_right(&mut waiting, need) });
        }
    }
    fixes
}

/// What devices wait for, and how many: those that need the same are one entry.
type Waiting<'a> = BTreeMap<BTreeSet<&'a str>, usize>;

fn commonest<'a>(needs: impl Iterator<Item = &'a BTreeSet<String>>) -> Waiting<'a> {
    let mut waiting = Waiting::new();
    for set in needs.filter(|set| !set.is_empty()) {
        let count = waiting.entry(set.iter().map(String::as_str).collect()).or_default();
        *count = count.saturating_add(1);
    }
    let mut sets: Vec<(BTreeSet<&str>, usize)> = waiting.into_iter().collect();
    sets.sort_by(|(a, count_a), (b, count_b)| count_b.cmp(count_a).then_with(|| a.cmp(b)));
    sets.truncate(SETS);
    sets.into_iter().collect()
}

/// Takes a fix out of what devices wait for, and says how many are free now.
fn put_right(waiting: &mut Waiting<'_>, need: &str) -> usize {
    let mut freed = 0_usize;
    for (mut set, count) in std::mem::take(waiting) {
        set.remove(need);
        if set.is_empty() {
            freed = freed.saturating_add(count);
        } else {
            let waits = waiting.entry(set).or_default();
            *waits = waits.saturating_add(count);
        }
    }
    freed
}

/// Devices that a bundle frees.
fn frees(waiting: &Waiting<'_>, bundle: &BTreeSet<&str>) -> usize {
    waiting.iter().filter(|(set, _)| set.is_subset(bundle)).map(|(_, count)| count).sum()
}

/// The fix of a bundle that frees most by itself; of equals, the first by name.
fn first<'a>(waiting: &Waiting<'a>, bundle: &BTreeSet<&'a str>) -> Option<&'a str> {
    let alone = |need: &&str| waiting.get(&BTreeSet::from([*need])).copied().unwrap_or(0);
    bundle.iter().copied().max_by(|a, b| alone(a).cmp(&alone(b)).then_with(|| b.cmp(a)))
}

/// The bundle that frees most devices for each of its fixes; of equals, the first by name.
fn best<'a>(waiting: &Waiting<'a>) -> Option<BTreeSet<&'a str>> {
    let mut best: Option<(&BTreeSet<&str>, usize)> = None;
    for bundle in waiting.keys() {
        let gain = frees(waiting, bundle);
        // Devices for each fix, without a division.
        let is_better =
            |(other, least): (&BTreeSet<&str>, usize)| gain.saturating_mul(other.len()) > least.saturating_mul(bundle.len());
        if best.is_none_or(is_better) {
            best = Some((bundle, gain));
        }
    }
    best.map(|(bundle, _)| bundle.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(needs: &[&[&str]]) -> Vec<BTreeSet<String>> {
        needs.iter().map(|set| set.iter().map(|need| (*need).to_owned()).collect()).collect()
    }

    fn told(needs: &[&[&str]]) -> Vec<(String, usize)> {
        cover(sets(needs).iter()).into_iter().map(|fix| (fix.need, fix.frees)).collect()
    }

    #[test]
    fn what_frees_most_devices_goes_first() {
        let fixes = told(&[&["dns"], &["cert"], &["cert"], &["ntp"], &["cert"], &["ntp"]]);
        assert_eq!(fixes, [("cert".into(), 3), ("ntp".into(), 2), ("dns".into(), 1)]);
    }

    #[test]
    fn a_device_is_free_only_when_all_that_it_needs_was_put_right() {
        assert_eq!(told(&[&["key", "signature"]]), [("key".into(), 0), ("signature".into(), 1)]);
        let fixes = told(&[&["signature"], &["key", "signature"], &["key", "signature"], &["dns"]]);
        assert_eq!(fixes, [("signature".into(), 1), ("key".into(), 2), ("dns".into(), 1)]);
    }

    #[test]
    fn a_fix_that_frees_nobody_is_not_proposed() {
        assert!(told(&[]).is_empty());
        assert!(told(&[&[], &[]]).is_empty());
    }

    #[test]
    fn the_list_ends() {
        let needs: Vec<BTreeSet<String>> = (0..200).map(|number| BTreeSet::from([format!("{number:03}")])).collect();
        assert_eq!(cover(needs.iter()).len(), STEPS);
    }
}
