//! A set of the latest keys, of bounded size.
//!
//! Accepted, rejected and missed attempts each have a set of their own, so that guesses, however many,
//! displace only other guesses.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// Identifies a name with its password. It is a salted hash: the memory of the process holds no
/// password after a request.
pub(super) type AttemptId = [u8; 32];

/// The latest keys, each once.
#[derive(Debug)]
pub(super) struct Recent<K> {
    keys: HashSet<K>,
    /// The same keys, the earliest first.
    order: VecDeque<K>,
    max: usize,
}

impl<K: Copy + Eq + Hash> Recent<K> {
    /// An empty set for at most `max` keys.
    pub(super) fn new(max: usize) -> Self {
        Self {
            keys: HashSet::new(),
            order: VecDeque::new(),
            max,
        }
    }

    /// Adds a key, and removes the earliest one if there are too many.
    pub(super) fn insert(&mut self, key: K) {
        if !self.keys.insert(key) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.max
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
    fn the_earliest_key_is_removed_and_none_is_kept_twice() {
        let mut recent = Recent::new(2);
        for key in [1, 1, 2, 1, 3] {
            recent.insert(key);
        }
        assert_eq!(
            [1, 2, 3].map(|key| recent.contains(&key)),
            [false, true, true]
        );
        assert_eq!((recent.len(), recent.keys.len()), (2, 2));
    }
}
