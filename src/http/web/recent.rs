//! What was asked lately, by keys that are of no use to who finds them in the memory.
//!
//! Each kind of answer has a memory of its own: guesses, however many, push out only each other.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// What tells one name with its password from every other.
pub(super) type Key = [u8; 32];

/// The latest keys of one kind, each once.
#[derive(Debug)]
pub(super) struct Recent<K> {
    keys: HashSet<K>,
    /// The earliest one first.
    order: VecDeque<K>,
    most: usize,
}

impl<K: Copy + Eq + Hash> Recent<K> {
    /// Remembers no more than so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            keys: HashSet::new(),
            order: VecDeque::new(),
            most,
        }
    }

    /// The earliest one is forgotten for it, if need be.
    pub(super) fn remember(&mut self, key: K) {
        if !self.keys.insert(key) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(earliest) = self.order.pop_front()
        {
            self.keys.remove(&earliest);
        }
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.keys.contains(key)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_forgotten_and_none_is_kept_twice() {
        let mut recent = Recent::new(2);
        for key in [1, 1, 2, 1, 3] {
            recent.remember(key);
        }
        assert_eq!(
            [1, 2, 3].map(|key| recent.contains(&key)),
            [false, true, true]
        );
        assert_eq!((recent.len(), recent.keys.len()), (2, 2));
    }
}
