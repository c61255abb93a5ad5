//! A snapshot as bytes: rendered and compressed once per poll, handed out at every scrape.
//!
//! A page carries what decides how long it may be shown; it is shown whole or not at all. It holds
//! the variants that scrapers have lately asked for. Another one is made when somebody asks for it,
//! off the thread that serves scrapes, and from then on with each poll.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::clock::{DayWindow, Now};
use crate::exposition::coding::Piece;
use crate::exposition::{ByVariant, Variant};
use crate::lanes;
use crate::lock::lock;
use crate::snapshot::Snapshot;

/// The agents' part of `/metrics`, as of one good poll.
#[derive(Debug)]
pub struct Page {
    snapshot: Arc<Snapshot>,
    /// When the poll ended.
    pub ended: Now,
    /// How long after that it may be shown.
    pub good_for: Duration,
    pieces: ByVariant<OnceCell<Arc<Piece>>>,
}

impl Page {
    /// Renders `snapshot` in `variants`; its poll ended at `ended`, and it may be shown for
    /// `good_for` at most.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub fn render(
        snapshot: Arc<Snapshot>,
        ended: Now,
        good_for: Duration,
        variants: &[Variant],
    ) -> io::Result<Self> {
        let mut pieces = ByVariant::<OnceCell<_>>::default();
        for &variant in variants {
            let piece = Arc::new(variant.agents(&snapshot)?);
            *pieces.of_mut(variant) = OnceCell::new_with(Some(piece));
        }
        Ok(Self {
            snapshot,
            ended,
            good_for,
            pieces,
        })
    }

    /// Whether it may be shown at `now`: its day lasts, and it is not too old.
    ///
    /// A page from the future is one of a wall clock that was since set back, by less than a day:
    /// its age is then what the monotonic clock says.
    pub fn is_current(&self, now: Now) -> bool {
        self.day().contains(now.wall) && self.is_recent(now)
    }

    /// Whether it is not too old at `now`, whatever day that is.
    pub fn is_recent(&self, now: Now) -> bool {
        now.since(self.ended) <= self.good_for
    }

    /// The day that it is about.
    pub fn day(&self) -> &DayWindow {
        &self.snapshot.day
    }

    /// What it shows.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Its bytes in `variant`. However many ask at once, they are made once.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub async fn piece(self: &Arc<Self>, variant: Variant) -> io::Result<Arc<Piece>> {
        if let Some(piece) = self.pieces.of(variant).get() {
            return Ok(piece.clone());
        }
        // In a task of its own: whoever goes away while it is made leaves it to the others.
        let page = self.clone();
        let making = tokio::spawn(async move { page.make(variant).await });
        making.await.map_err(io::Error::other)?
    }

    async fn make(&self, variant: Variant) -> io::Result<Arc<Piece>> {
        let cell = self.pieces.of(variant);
        let piece = cell.get_or_try_init(|| async {
            let snapshot = self.snapshot.clone();
            let made = lanes::RENDERING.run(move || variant.agents(&snapshot));
            made.await.map_err(io::Error::other)?.map(Arc::new)
        });
        piece.await.cloned()
    }
}

/// Which variants scrapers have lately asked for.
#[derive(Debug)]
pub struct Demand(Mutex<ByVariant<Option<Instant>>>);

impl Demand {
    /// A scraper that has not come for so long will find its variant made when it comes.
    const LATELY: Duration = Duration::from_secs(600);

    /// Expects what every Prometheus asks for, before anybody has asked.
    pub fn new(now: Now) -> Self {
        let demand = Self(Mutex::default());
        demand.note(Variant::USUAL, now);
        demand
    }

    /// Somebody asks for `variant`.
    pub fn note(&self, variant: Variant, now: Now) {
        *lock(&self.0).of_mut(variant) = Some(now.mono);
    }

    /// The variants that are worth making at `now`.
    pub fn lately(&self, now: Now) -> Vec<Variant> {
        let is_recent = |asked: Instant| now.mono.saturating_duration_since(asked) <= Self::LATELY;
        let asked = lock(&self.0);
        let is_wanted = |&variant: &Variant| asked.of(variant).is_some_and(is_recent);
        Variant::ALL.into_iter().filter(is_wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Listing;
    use futures_util::FutureExt as _;
    use jiff::{ToSpan, tz::TimeZone};

    fn now(wall: &str) -> Now {
        Now {
            wall: wall.parse().unwrap(),
            mono: Instant::now(),
        }
    }

    fn page(ended: Now) -> Page {
        let day = DayWindow::around(ended.wall, &TimeZone::UTC).unwrap();
        let snapshot = Arc::new(Snapshot::new(Listing::default(), day));
        Page::render(snapshot, ended, Duration::from_secs(300), &[]).unwrap()
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

    #[tokio::test]
    async fn a_variant_that_was_not_made_yet_is_made_when_asked_for() {
        let page = Arc::new(page(now("2026-01-01T12:00:00Z")));
        for variant in Variant::ALL {
            assert!(page.piece(variant).await.is_ok());
        }
    }

    #[tokio::test]
    async fn what_was_asked_for_is_made_though_who_asked_has_gone() {
        let page = Arc::new(page(now("2026-01-01T12:00:00Z")));
        assert!(page.piece(Variant::USUAL).now_or_never().is_none());
        let is_made = async {
            while !page.pieces.of(Variant::USUAL).initialized() {
                tokio::task::yield_now().await;
            }
        };
        let made = tokio::time::timeout(Duration::from_secs(60), is_made).await;
        assert!(made.is_ok());
    }
}
