//! Answers that are kept because the same question comes again and again: a site's phones are all shown the same few
//! certificates. Only for answers that follow from the question alone; when it is full it begins anew.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Questions, by their bytes, and their answers.
pub(crate) struct Memo<K, V> {
    answers: HashMap<K, V, RandomState>,
    /// How much all answers weigh, and may weigh.
    weight: usize,
    limit: usize,
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    /// One that keeps at most `limit` answers, or as many as weigh so much.
    pub(crate) fn new(limit: usize) -> Self {
        Self { answers: HashMap::default(), weight: 0, limit }
    }

    /// The answer to a question that was asked before.
    pub(crate) fn get<Q>(&self, question: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.answers.get(question).cloned()
    }

    /// Keeps an answer.
    pub(crate) fn keep(&mut self, question: K, answer: V) {
        self.keep_heavy(question, answer, 1);
    }

    /// Keeps an answer that counts for so many. One that alone weighs more than all may is not kept.
    pub(crate) fn keep_heavy(&mut self, question: K, answer: V, weight: usize) {
        if weight > self.limit {
            return;
        }
        if self.weight.saturating_add(weight) > self.limit {
            self.answers.clear();
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add(weight);
        self.answers.insert(question, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_known_until_there_is_no_room() {
        let mut memo: Memo<Vec<u8>, u32> = Memo::new(2);
        memo.keep(vec![1], 10);
        memo.keep(vec![2], 20);
        assert_eq!((memo.get(&[1][..]), memo.get(&[2][..]), memo.get(&[3][..])), (Some(10), Some(20), None));
        memo.keep(vec![3], 30);
        assert_eq!((memo.get(&[1][..]), memo.get(&[3][..])), (None, Some(30)));
    }

    #[test]
    fn of_heavy_answers_there_is_room_for_fewer() {
        let mut memo: Memo<Vec<u8>, u32> = Memo::new(10);
        memo.keep_heavy(vec![1], 10, 6);
        memo.keep_heavy(vec![2], 20, 11);
        assert_eq!((memo.get(&[1][..]), memo.get(&[2][..])), (Some(10), None), "what never fits pushes nothing out");
        memo.keep_heavy(vec![3], 30, 5);
        assert_eq!((memo.get(&[1][..]), memo.get(&[3][..])), (None, Some(30)));
    }
}
