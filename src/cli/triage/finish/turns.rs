//! What several threads make, put in order: each waits until it is its turn. Numbers in, and calls in the order of the numbers
//! out, one after the other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Something that is reached in turn.
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    what: T,
    next: usize,
    /// Has a thread left before its turn? Those behind it would wait for ever.
    is_over: bool,
}

impl<T> Turns<T> {
    pub(super) fn new(what: T) -> Self {
        Self { state: Mutex::new(State { what, next: 0, is_over: false }), changed: Condvar::new() }
    }

    /// Waits for the turn of this number; `None` where it does not come any more.
    pub(super) fn at<R>(&self, number: usize, on: impl FnOnce(&mut T) -> R) -> Option<R> {
        let waiting = |state: &mut State<T>| state.next != number && !state.is_over;
        let mut state = self.changed.wait_while(self.locked(), waiting).unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return None;
        }
        let result = on(&mut state.what);
        state.next = number.saturating_add(1);
        drop(state);
        self.changed.notify_all();
        Some(result)
    }

    /// Says, when it is dropped and was not kept from it, that there are no further turns.
    pub(super) fn over(&self) -> Over<'_, T> {
        Over { turns: self, is_over: true }
    }

    pub(super) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).what
    }

    fn locked(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that takes turns: wherever it leaves, the others do not wait for it.
pub(super) struct Over<'a, T> {
    turns: &'a Turns<T>,
    is_over: bool,
}

impl<T> Over<'_, T> {
    /// This thread has had all its turns.
    pub(super) fn done(mut self) {
        self.is_over = false;
    }
}

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        if self.is_over {
            self.turns.locked().is_over = true;
            self.turns.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn whoever_is_ready_first_comes_in_order() {
        let turns = Turns::new(Vec::new());
        thread::scope(|scope| {
            for number in (0..20).rev() {
                let turns = &turns;
                scope.spawn(move || turns.at(number, |all| all.push(number)));
            }
        });
        assert_eq!(turns.into_inner(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_waits_for_a_thread_that_left() {
        let turns = Turns::new(());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.at(1, |()| ()));
            drop(turns.over());
            assert_eq!(waiting.join().unwrap(), None);
        });
        // One that has had all its turns does not end those of others.
        let turns = Turns::new(());
        turns.over().done();
        assert_eq!(turns.at(0, |()| ()), Some(()));
    }
}
