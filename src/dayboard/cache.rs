//! Pages that were asked for, each rendered once for as long as what the polls brought holds.
//!
//! It is bounded in number and in bytes: the oldest go first. Rendering has a thread of its own, so that no scrape
//! waits for it, and however many ask, one page is made at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::OnceCell;

use super::figures::Figures;
use crate::base::mutex::lock;
use crate::exposition::coding::Piece;
use crate::exposition::page::Page;

/// So many pages are held.
const MOST: usize = 64;
/// So many bytes of pages are held, in all.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What pages are made of: they hold until any of it is another, or may not be shown any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Edition(Vec<Weak<Page>>);

impl Edition {
    pub(super) fn of(shown: &[Arc<Page>]) -> Self {
        Self(shown.iter().map(Arc::downgrade).collect())
    }

    pub(super) fn is_of(&self, shown: &[Arc<Page>]) -> bool {
        let is_same = |(held, page): (&Weak<Page>, &Arc<Page>)| held.as_ptr() == Arc::as_ptr(page);
        self.0.len() == shown.len() && self.0.iter().zip(shown).all(is_same)
    }
}

/// What is made of one edition.
#[derive(Debug)]
pub(super) struct Cache<K>(Mutex<Held<K>>);

#[derive(Debug)]
struct Held<K> {
    edition: Edition,
    figures: Arc<OnceCell<Arc<Figures>>>,
    pages: VecDeque<(K, Arc<OnceCell<Piece>>)>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self(Mutex::new(Held {
            edition: Edition::default(),
            figures: Arc::default(),
            pages: VecDeque::new(),
        }))
    }
}

impl<K: Clone + PartialEq> Cache<K> {
    /// Where the figures of `shown` belong, and the page of them that `key` names.
    pub(super) fn places(
        &self,
        shown: &[Arc<Page>],
        key: &K,
    ) -> (Arc<OnceCell<Arc<Figures>>>, Arc<OnceCell<Piece>>) {
        let mut held = lock(&self.0);
        if !held.edition.is_of(shown) {
            *held = Held {
                edition: Edition::of(shown),
                figures: Arc::default(),
                pages: VecDeque::new(),
            };
        }
        let known = held.pages.iter().find(|(known, _)| known == key);
        let known = known.map(|(_, page)| page.clone());
        let page = known.unwrap_or_else(|| held.add(key.clone()));
        (held.figures.clone(), page)
    }
}

impl<K> Held<K> {
    fn add(&mut self, key: K) -> Arc<OnceCell<Piece>> {
        let page = Arc::<OnceCell<Piece>>::default();
        self.pages.push_back((key, page.clone()));
        self.shrink();
        page
    }

    fn shrink(&mut self) {
        let size = |(_, page): &(K, Arc<OnceCell<Piece>>)| page.get().map_or(0, Piece::size);
        let mut bytes: usize = self.pages.iter().map(size).sum();
        while self.pages.len() > MOST || bytes > MOST_BYTES {
            let Some(oldest) = self.pages.pop_front() else {
                return;
            };
            bytes -= size(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock as _, SystemClock};
    use crate::exposition::coding::{Coding, Encoder};

    fn page() -> Arc<Page> {
        Arc::new(Page::sample(0, SystemClock.now(), 0))
    }

    fn one_of(page: &Arc<Page>) -> &[Arc<Page>] {
        std::slice::from_ref(page)
    }

    fn piece(bytes: usize) -> Piece {
        let mut encoder = Encoder::raw_within(usize::MAX, Coding::Identity);
        encoder.push(&vec![b'x'; bytes]);
        encoder.finish().unwrap()
    }

    #[test]
    fn a_page_is_held_until_what_it_is_made_of_is_another() {
        let cache = Cache::default();
        let (first, second) = (page(), page());
        let (figures, one) = cache.places(one_of(&first), &1);
        let (same_figures, again) = cache.places(one_of(&first), &1);
        assert!(Arc::ptr_eq(&one, &again) && Arc::ptr_eq(&figures, &same_figures));
        let (_, other) = cache.places(one_of(&first), &2);
        assert!(!Arc::ptr_eq(&one, &other));
        for shown in [vec![second.clone()], vec![first.clone(), second], vec![]] {
            let (_, renewed) = cache.places(&shown, &1);
            assert!(!Arc::ptr_eq(&one, &renewed));
            cache.places(one_of(&first), &1);
        }
    }

    #[test]
    fn a_flood_of_pages_is_held_within_bounds() {
        let cache = Cache::default();
        for key in 0..1000 {
            let (_, page) = cache.places(&[], &key);
            page.set(piece(100_000)).unwrap();
        }
        let held = lock(&cache.0);
        let bytes: usize = held
            .pages
            .iter()
            .map(|(_, page)| page.get().unwrap().size())
            .sum();
        assert!(
            held.pages.len() <= MOST && bytes <= MOST_BYTES + 100_000,
            "{bytes}"
        );
        assert_eq!(held.pages.back().unwrap().0, 999);
        drop(held);
        for key in 0..1000 {
            cache.places(&[], &(key + 1000));
        }
        assert!(lock(&cache.0).pages.len() <= MOST);
    }

    #[test]
    fn a_page_that_was_polled_is_not_kept_for_this() {
        let polled = page();
        let cache = Cache::default();
        cache.places(one_of(&polled), &1);
        assert_eq!(Arc::strong_count(&polled), 1);
    }
}
