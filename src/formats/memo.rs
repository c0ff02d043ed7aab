//! Answers that are kept because the same question comes again and again: a site's phones are all shown the same few
//! certificates. Only for answers that follow from the question alone; when it is full it begins anew.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Questions, by their bytes, and their answers.
pub(crate) struct Memo<K, V> {
    answers: HashMap<K, V, RandomState>,
    limit: usize,
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    /// One that keeps at most `limit` answers.
    pub(crate) fn new(limit: usize) -> Self {
        Self { answers: HashMap::default(), limit }
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
        if self.answers.len() >= self.limit {
            self.answers.clear();
        }
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
}
