//! The exchanges of one device by their numbers. Numbers are given in rising order, so that a list is in order by itself,
//! and costs little for the many devices that do little.

use super::{Draft, DraftId};

/// Exchanges in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Drafts(Vec<(DraftId, Draft)>);

impl Drafts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (DraftId, &Draft)> + '_ {
        self.0.iter().map(|(id, draft)| (*id, draft))
    }

    /// Those with a higher number than this.
    pub(super) fn after(&self, id: DraftId) -> impl Iterator<Item = &Draft> + '_ {
        let first = self.0.partition_point(|(other, _)| *other <= id);
        self.0.iter().skip(first).map(|(_, draft)| draft)
    }

    /// All, to change them.
    pub(super) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Draft> + '_ {
        self.0.iter_mut().map(|(_, draft)| draft)
    }

    /// That with this number.
    pub(super) fn get(&self, id: DraftId) -> Option<&Draft> {
        let index = self.place(id)?;
        self.0.get(index).map(|(_, draft)| draft)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, id: DraftId) -> Option<&mut Draft> {
        let index = self.place(id)?;
        self.0.get_mut(index).map(|(_, draft)| draft)
    }

    /// Is there one with this number?
    pub(super) fn contains(&self, id: DraftId) -> bool {
        self.place(id).is_some()
    }

    /// Adds one; its number is higher than all others.
    pub(super) fn push(&mut self, id: DraftId, draft: Draft) {
        self.0.push((id, draft));
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: DraftId) {
        if let Some(index) = self.place(id) {
            self.0.remove(index);
        }
    }

    /// Keeps only those that `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(DraftId, &Draft) -> bool) {
        self.0.retain(|(id, draft)| keep(*id, draft));
    }

    /// These, which are in order.
    pub(super) fn from_list(mut drafts: Vec<(DraftId, Draft)>) -> Self {
        drafts.shrink_to_fit();
        Self(drafts)
    }

    /// All, in order.
    pub(super) fn into_list(self) -> Vec<(DraftId, Draft)> {
        self.0
    }

    fn place(&self, id: DraftId) -> Option<usize> {
        self.0.binary_search_by_key(&id, |(other, _)| *other).ok()
    }
}
