//! The exchanges of one device by their numbers, and the memory that they take. Numbers are given in rising order, so that a
//! list is in order by itself, and costs little for the many devices that do little.

use super::{Draft, DraftId, ENTRIES};

/// What an exchange takes, about, before anything is recorded of it.
const EMPTY: usize = 1024;
/// Lists of the longest kind that an exchange can hold: what comes when they are full displaces what was there.
const LISTS: usize = 4;

/// Exchanges in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    list: Vec<(DraftId, Draft)>,
    held: usize,
}

/// Memory that an exchange takes: what was recorded of it, as far as its lists can hold that.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::login) struct Weight {
    sum: usize,
    largest: usize,
}

impl Weight {
    fn bytes(self) -> usize {
        self.sum.min(self.largest.saturating_mul(LISTS.saturating_mul(ENTRIES))).saturating_add(EMPTY)
    }
}

impl Drafts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Memory that they take, about.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// All, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (DraftId, &Draft)> + '_ {
        self.list.iter().map(|(id, draft)| (*id, draft))
    }

    /// Those with a higher number than this.
    pub(super) fn after(&self, id: DraftId) -> impl Iterator<Item = &Draft> + '_ {
        let first = self.list.partition_point(|(other, _)| *other <= id);
        self.list.iter().skip(first).map(|(_, draft)| draft)
    }

    /// All, to change them.
    pub(super) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Draft> + '_ {
        self.list.iter_mut().map(|(_, draft)| draft)
    }

    /// That with this number.
    pub(super) fn get(&self, id: DraftId) -> Option<&Draft> {
        let index = self.place(id)?;
        self.list.get(index).map(|(_, draft)| draft)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, id: DraftId) -> Option<&mut Draft> {
        let index = self.place(id)?;
        self.list.get_mut(index).map(|(_, draft)| draft)
    }

    /// Is there one with this number?
    pub(super) fn contains(&self, id: DraftId) -> bool {
        self.place(id).is_some()
    }

    /// Adds one; its number is higher than all others.
    pub(super) fn push(&mut self, id: DraftId, draft: Draft) {
        self.held = self.held.saturating_add(draft.weight.bytes());
        self.list.push((id, draft));
    }

    /// Something of so many bytes was recorded of it.
    pub(super) fn weigh(&mut self, id: DraftId, bytes: usize) {
        let Some(draft) = self.get_mut(id) else { return };
        let before = draft.weight.bytes();
        draft.weight.sum = draft.weight.sum.saturating_add(bytes);
        draft.weight.largest = draft.weight.largest.max(bytes);
        let after = draft.weight.bytes();
        self.held = self.held.saturating_sub(before).saturating_add(after);
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: DraftId) {
        if let Some(index) = self.place(id) {
            let (_, draft) = self.list.remove(index);
            self.held = self.held.saturating_sub(draft.weight.bytes());
        }
    }

    /// Keeps only those that `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(DraftId, &Draft) -> bool) {
        self.list.retain(|(id, draft)| keep(*id, draft));
        self.held = weight_of(&self.list);
        if self.list.is_empty() {
            self.list = Vec::new();
        }
    }

    /// These, which are in order.
    pub(super) fn from_list(mut list: Vec<(DraftId, Draft)>) -> Self {
        list.shrink_to_fit();
        let held = weight_of(&list);
        Self { list, held }
    }

    /// All, in order.
    pub(super) fn into_list(self) -> Vec<(DraftId, Draft)> {
        self.list
    }

    fn place(&self, id: DraftId) -> Option<usize> {
        // What is asked for is one of the last, as a rule, and among those no number is missing.
        let (newest, _) = self.list.last()?;
        let guess =
            usize::try_from(newest.checked_sub(id)?).ok().and_then(|back| self.list.len().checked_sub(back)?.checked_sub(1));
        match guess {
            Some(guess) if self.list.get(guess).is_some_and(|(other, _)| *other == id) => Some(guess),
            _ => self.list.binary_search_by_key(&id, |(other, _)| *other).ok(),
        }
    }
}

fn weight_of(list: &[(DraftId, Draft)]) -> usize {
    list.iter().map(|(_, draft)| draft.weight.bytes()).fold(0, usize::saturating_add)
}
