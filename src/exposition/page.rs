//! A snapshot as bytes: rendered and compressed once per poll, handed out at every scrape.
//!
//! A page carries what decides how long it may be shown; it is shown whole or not at all. It holds
//! the variants that scrapers have lately asked for, each made once: by the poll, or, where it has not
//! been asked for lately, when a scrape asks, off the thread that serves scrapes.
//!
//! What it holds is bounded, since there are nine variants, and some are large. Each format in gzip is
//! always held, where it is asked for: the smallest form, and what every Prometheus asks for. Others are held
//! where they fit beside it. What does not fit is sent uncompressed, and decompressed from gzip as it is
//! read: twenty times less work than rendering and compressing it, and nothing to hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::base::blocking;
use crate::base::clock::Now;
use crate::base::mutex::lock;
use crate::exposition::Variant;
use crate::exposition::coding::{Coding, Inflating, Piece};
use crate::exposition::snapshot::Snapshot;

/// What a page holds, in bytes, beyond each format in gzip. During a poll there are two pages.
const MOST_HELD: usize = 24 * 1024 * 1024;

/// One endpoint's part of `/metrics`, as of one good poll.
#[derive(Debug)]
pub struct Page {
    snapshot: Snapshot,
    /// When the poll ended.
    pub ended: Now,
    /// How long after that it may be shown.
    pub good_for: Duration,
    most_held: usize,
    /// What was asked for: made and held, or found to be too large for that.
    pieces: Mutex<HashMap<Variant, Option<Arc<Piece>>>>,
    /// One variant is made at a time, so that each knows what the others hold.
    turn: tokio::sync::Mutex<()>,
}

/// The bytes of a page in one variant.
#[derive(Debug)]
pub enum Shown {
    /// As they were asked for.
    Held(Arc<Piece>),
    /// Uncompressed, whatever was asked for, and made as they are read.
    Inflated(Box<Inflating>),
}

impl Page {
    /// Renders `snapshot` in `variants`; its poll ended at `ended`, and it may be shown for
    /// `good_for` at most.
    pub fn render(
        snapshot: Snapshot,
        ended: Now,
        good_for: Duration,
        variants: &[Variant],
    ) -> Self {
        let page = Self::bare(snapshot, ended, good_for, MOST_HELD);
        // The smaller ones first: of the others there may be too much.
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Identity] {
            for &variant in variants.iter().filter(|variant| variant.coding == coding) {
                if page.make(variant).is_none() {
                    page.make(variant.in_gzip());
                }
            }
        }
        page
    }

    /// A page of which nothing is made yet.
    fn bare(snapshot: Snapshot, ended: Now, good_for: Duration, most_held: usize) -> Self {
        Self {
            snapshot,
            ended,
            good_for,
            most_held,
            pieces: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Whether it may be shown at `now`: its day lasts, where it has one, it is not too old, and its agents are
    /// named as they are now.
    ///
    /// Where the wall clock was set back since, by less than a day, its age is what the monotonic clock
    /// says.
    pub fn is_current(&self, now: Now) -> bool {
        self.snapshot.window.contains(now.wall)
            && self.is_recent(now)
            && self.snapshot.is_named_as_now()
    }

    /// Whether it is not too old at `now`, whatever day that is.
    pub fn is_recent(&self, now: Now) -> bool {
        now.since(self.ended) <= self.good_for
    }

    /// What it shows.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Its bytes in `variant`, or uncompressed. However many ask at once, they are made once.
    pub async fn show(self: &Arc<Self>, variant: Variant) -> Shown {
        if let Some(piece) = self.piece(variant).await {
            return Shown::Held(piece);
        }
        // This one is always held.
        let gzip = self.piece(variant.in_gzip()).await.unwrap_or_default();
        Shown::Inflated(Box::new(Inflating::new(gzip)))
    }

    async fn piece(self: &Arc<Self>, variant: Variant) -> Option<Arc<Piece>> {
        if let Some(tried) = self.tried(variant) {
            return tried;
        }
        // In a task of its own: a scrape that is broken off meanwhile leaves it to the others.
        let page = self.clone();
        let making = tokio::spawn(async move {
            let _turn = page.turn.lock().await;
            let page = page.clone();
            blocking::RENDERING.run(move || page.make(variant)).await
        });
        // It fails where the process ends, and then nothing is shown.
        making.await.ok().flatten()
    }

    /// What there is of `variant`; made, where that has not been tried yet.
    fn make(&self, variant: Variant) -> Option<Arc<Piece>> {
        if let Some(tried) = self.tried(variant) {
            return tried;
        }
        let made = variant.families_within(self.room_for(variant), &self.snapshot);
        let made = made.map(Arc::new);
        lock(&self.pieces).insert(variant, made.clone());
        made
    }

    /// What came of the try to make `variant`, if there was one.
    fn tried(&self, variant: Variant) -> Option<Option<Arc<Piece>>> {
        lock(&self.pieces).get(&variant).cloned()
    }

    fn room_for(&self, variant: Variant) -> usize {
        if variant.coding == Coding::Gzip {
            return usize::MAX;
        }
        let pieces = lock(&self.pieces);
        let held: usize = pieces.values().flatten().map(|piece| piece.size()).sum();
        self.most_held.saturating_sub(held)
    }
}

/// Which variants scrapers have lately asked for.
#[derive(Debug)]
pub struct Demand(Mutex<HashMap<Variant, Instant>>);

impl Demand {
    /// A scraper that has not come for so long will find its variant made when it comes.
    const LATELY: Duration = Duration::from_secs(600);

    /// Expects what every Prometheus asks for, before any scrape has asked.
    pub fn new(now: Now) -> Self {
        let demand = Self(Mutex::default());
        demand.note(Variant::USUAL, now);
        demand
    }

    /// A scrape asks for `variant`.
    pub fn note(&self, variant: Variant, now: Now) {
        lock(&self.0).insert(variant, now.mono);
    }

    /// The variants that are worth making at `now`.
    pub fn lately(&self, now: Now) -> Vec<Variant> {
        let asked = lock(&self.0);
        let is_recent =
            |asked: &Instant| now.mono.saturating_duration_since(*asked) <= Self::LATELY;
        let is_wanted = |variant: &Variant| asked.get(variant).is_some_and(is_recent);
        Variant::ALL.into_iter().filter(is_wanted).collect()
    }
}

#[cfg(test)]
impl Page {
    /// Of `snapshot`, of which nothing is made yet.
    pub(crate) fn of(snapshot: Snapshot, ended: Now) -> Self {
        Self::bare(snapshot, ended, Duration::from_secs(300), 0)
    }

    /// Made up: so many agents, of whom nothing is made yet, and beside gzip so many bytes held.
    pub(crate) fn sample(agents: usize, ended: Now, most_held: usize) -> Self {
        use crate::base::clock::{DayWindow, Window};
        let row =
            |n| format!(r#"{{"AgentId":"agent {n}","AgentNickName":"N {n}","BusyTime":{n}}}"#);
        let rows: Vec<_> = (0..agents).map(row).collect();
        let mut snapshot = Snapshot::of_agents(&format!("[{}]", rows.join(",")), &[]);
        let day = DayWindow::around(ended.wall, &jiff::tz::TimeZone::UTC);
        snapshot.window = Window::Day(day.unwrap());
        Self::bare(snapshot, ended, Duration::from_secs(300), most_held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Format;
    use futures_util::FutureExt as _;
    use jiff::ToSpan;

    fn now(wall: &str) -> Now {
        Now {
            wall: wall.parse().unwrap(),
            mono: Instant::now(),
        }
    }

    fn page(ended: Now) -> Page {
        Page::sample(0, ended, 0)
    }

    #[test]
    fn it_is_shown_within_its_day_and_time_only() {
        let ended = now("2026-01-01T23:58:00Z");
        let page = page(ended);
        let later = |wall: i64, mono| Now {
            wall: ended.wall + wall.seconds(),
            mono: ended.mono + Duration::from_secs(mono),
        };
        assert!(page.is_current(ended) && page.is_recent(ended));
        assert!(page.is_current(later(119, 119)));
        assert!(!page.is_current(later(120, 120)), "the day is over");
        assert!(page.is_recent(later(300, 300)), "the day is over");
        assert!(
            !page.is_current(later(0, 301)) && !page.is_recent(later(0, 301)),
            "too old, though the wall clock stood still"
        );
        assert!(!page.is_recent(later(301, 0)), "too old, as after a sleep");
        assert!(
            page.is_current(later(-7200, 60)),
            "the wall clock was set back"
        );
        assert!(
            !page.is_current(later(-86_400, 60)),
            "set back to another day"
        );
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_not_made() {
        let start = now("2026-01-01T12:00:00Z");
        let later = |seconds| Now {
            mono: start.mono + Duration::from_secs(seconds),
            ..start
        };
        let demand = Demand::new(start);
        assert_eq!(demand.lately(start), [Variant::USUAL]);
        let other = Variant::ALL[0];
        demand.note(other, later(300));
        assert_eq!(demand.lately(later(301)), [other, Variant::USUAL]);
        assert_eq!(demand.lately(later(601)), [other]);
        assert!(demand.lately(later(901)).is_empty());
    }

    fn page_of(agents: usize, most_held: usize) -> Arc<Page> {
        Arc::new(Page::sample(agents, now("2026-01-01T12:00:00Z"), most_held))
    }

    /// Whether it is held, and what it stands for as it is.
    async fn shown(page: &Arc<Page>, variant: Variant) -> (bool, Vec<u8>) {
        match page.show(variant).await {
            Shown::Held(piece) => (true, variant.coding.join(&[&piece]).concat()),
            Shown::Inflated(bytes) => {
                let plain: Vec<_> = bytes.map(Result::unwrap).collect();
                (false, plain.concat())
            }
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_sent_as_it_is_and_not_held() {
        let size = |variant: Variant| variant.families(page_of(500, 0).snapshot()).unwrap().size();
        let gzip = Variant::ALL
            .into_iter()
            .filter(|variant| variant.coding == Coding::Gzip);
        let most_held = gzip.map(size).sum::<usize>() + size(Variant::USUAL.plain());
        let page = page_of(500, most_held);
        let plain = |variant: Variant| {
            let piece = variant.plain().families(page.snapshot()).unwrap();
            Coding::Identity.join(&[&piece]).concat()
        };
        let mut held = Vec::new();
        // In this order all of gzip comes before any that has to fit, as in a poll.
        for coding in [Coding::Gzip, Coding::Identity, Coding::Zstd] {
            for format in [Format::OpenMetrics, Format::Text, Format::Protobuf] {
                let variant = Variant::of(format, coding);
                for _ in 0..2 {
                    let (is_held, bytes) = shown(&page, variant).await;
                    held.push(is_held);
                    if !is_held || coding == Coding::Identity {
                        assert!(bytes == plain(variant), "{variant:?}");
                    }
                }
            }
        }
        assert_eq!(held.iter().filter(|held| **held).count(), 2 * 4, "{held:?}");
        assert_eq!(page.room_for(Variant::USUAL.plain()), 0);
    }

    #[tokio::test]
    async fn each_variant_is_made_once_or_never() {
        let page = page_of(500, 0);
        let zstd = Variant::of(Format::Text, Coding::Zstd);
        assert!(!shown(&page, zstd).await.0);
        // What was too large is not tried again, and its gzip is there.
        assert!(matches!(page.tried(zstd), Some(None)));
        let Some(Some(gzip)) = page.tried(zstd.in_gzip()) else {
            panic!("it is made");
        };
        let Shown::Held(held) = page.show(zstd.in_gzip()).await else {
            panic!("it is held");
        };
        assert!(Arc::ptr_eq(&gzip, &held));
    }

    #[tokio::test]
    async fn what_was_asked_for_is_made_though_who_asked_has_gone() {
        let page = Arc::new(page(now("2026-01-01T12:00:00Z")));
        assert!(page.show(Variant::USUAL).now_or_never().is_none());
        let is_made = async {
            while page.tried(Variant::USUAL).is_none() {
                tokio::task::yield_now().await;
            }
        };
        let made = tokio::time::timeout(Duration::from_secs(60), is_made).await;
        assert!(made.is_ok());
    }
}
