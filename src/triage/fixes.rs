//! The fewest fixes that free most devices. A device is free when everything that it needs was put right, so a fix that frees
//! none alone may free many together with another one: the bundle that frees most devices for each fix goes first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    let (names, mut waiting) = commonest(needs);
    let mut fixes = Vec::new();
    while fixes.len() < STEPS {
        let Some(mut bundle) = best(&waiting) else { break };
        while let Some(need) = first(&waiting, &bundle) {
            bundle.remove(need);
            let frees = put_right(&mut waiting, need);
            fixes.push(Fix { need: names.get(need).copied().unwrap_or_default().to_owned(), frees });
        }
    }
    fixes
}

/// What must be put right together: numbers in order, which is that of the names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    all: Vec<usize>,
    /// A bit for each, which several share: most sets are told apart by these.
    bits: u64,
}

impl Needs {
    fn new(all: Vec<usize>) -> Self {
        let bits = all.iter().fold(0, |bits, need| bits | bit(*need));
        Self { all, bits }
    }

    fn contains(&self, need: usize) -> bool {
        self.bits & bit(need) != 0 && self.all.binary_search(&need).is_ok()
    }

    fn is_within(&self, other: &Needs) -> bool {
        self.bits & !other.bits == 0 && self.all.iter().all(|need| other.contains(*need))
    }

    fn remove(&mut self, need: usize) {
        self.all.retain(|one| *one != need);
        *self = Self::new(std::mem::take(&mut self.all));
    }
}

fn bit(need: usize) -> u64 {
    1 << (need % 64)
}

/// What devices wait for, and how many: those that need the same are one entry.
type Waiting = BTreeMap<Needs, usize>;

/// The names of all needs, and what devices wait for.
fn commonest<'a>(needs: impl Iterator<Item = &'a BTreeSet<String>>) -> (Vec<&'a str>, Waiting) {
    let mut counts: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for set in needs.filter(|set| !set.is_empty()) {
        let count = counts.entry(set.iter().map(String::as_str).collect()).or_default();
        *count = count.saturating_add(1);
    }
    let mut sets: Vec<(Vec<&str>, usize)> = counts.into_iter().collect();
    sets.sort_by(|(a, count_a), (b, count_b)| count_b.cmp(count_a).then_with(|| a.cmp(b)));
    sets.truncate(SETS);
    let names: BTreeSet<&str> = sets.iter().flat_map(|(set, _)| set.iter().copied()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number = |name: &&str| names.binary_search(name).ok();
    let waiting = sets.iter().map(|(set, count)| (Needs::new(set.iter().filter_map(number).collect()), *count)).collect();
    (names, waiting)
}

/// Takes a fix out of what devices wait for, and says how many are free now.
fn put_right(waiting: &mut Waiting, need: usize) -> usize {
    let mut freed = 0_usize;
    let changed: Vec<Needs> = waiting.keys().filter(|set| set.contains(need)).cloned().collect();
    for mut set in changed {
        let count = waiting.remove(&set).unwrap_or(0);
        set.remove(need);
        if set.all.is_empty() {
            freed = freed.saturating_add(count);
        } else {
            let waits = waiting.entry(set).or_default();
            *waits = waits.saturating_add(count);
        }
    }
    freed
}

/// The fix of a bundle that frees most by itself; of equals, the first by name.
fn first(waiting: &Waiting, bundle: &Needs) -> Option<usize> {
    let alone = |need: &usize| waiting.get(&Needs::new(vec![*need])).copied().unwrap_or(0);
    bundle.all.iter().copied().max_by(|a, b| alone(a).cmp(&alone(b)).then_with(|| b.cmp(a)))
}

/// The bundle that frees most devices for each of its fixes; of equals, the first by name.
fn best(waiting: &Waiting) -> Option<Needs> {
    // What is within a bundle begins with one of its needs.
    let mut beginning: HashMap<usize, Vec<(&Needs, usize)>> = HashMap::new();
    for (set, count) in waiting {
        let first = set.all.first().copied().unwrap_or_default();
        beginning.entry(first).or_default().push((set, *count));
    }
    let frees = |bundle: &Needs| -> usize {
        let sets = bundle.all.iter().filter_map(|need| beginning.get(need)).flatten();
        sets.filter(|(set, _)| set.is_within(bundle)).map(|(_, count)| count).sum()
    };
    let mut best: Option<(&Needs, usize)> = None;
    for bundle in waiting.keys() {
        let gain = frees(bundle);
        // Devices for each fix, without a division.
        let is_better =
            |(other, least): (&Needs, usize)| gain.saturating_mul(other.all.len()) > least.saturating_mul(bundle.all.len());
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
