//! How each endpoint stands: written by its poller, read by whatever is served.
//!
//! A [`Feed`] is one immutable value, replaced whole at the end of each poll, so that no scrape sees the
//! outcome of one poll beside the figures of another.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::base::clock::Now;
use crate::base::mutex::lock;
use crate::catalog::{Endpoint, Need};
use crate::desk::Error;
use crate::exposition::page::Page;

/// How one endpoint stands after its last poll.
#[derive(Debug, Clone)]
pub struct Feed {
    /// What is polled.
    pub endpoint: &'static Endpoint,
    /// From the start of one poll to the start of the next, as configured.
    pub interval: Duration,
    /// What the last good poll brought; ask [`Feed::shown`] whether it may still be shown.
    pub last_good: Option<Arc<Page>>,
    /// How the last poll ended.
    pub last_poll: Option<LastPoll>,
    /// When the UserSig that is sent expires, where that can be read.
    pub user_sig_expiry: Option<Timestamp>,
}

/// How one poll ended.
#[derive(Debug, Clone)]
pub struct LastPoll {
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// With what.
    pub outcome: PollOutcome,
}

impl LastPoll {
    /// When it began.
    pub fn began(&self) -> Timestamp {
        let began = self.ended.checked_sub(self.took);
        began.unwrap_or(Timestamp::MIN)
    }
}

/// What a poll ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollOutcome {
    /// An answer.
    Good,
    /// A failure.
    Failed(Error),
    /// A refusal that is no failure: Desk does not serve the endpoint here.
    NotServed,
}

impl Feed {
    /// One that has not been polled yet.
    pub fn new(endpoint: &'static Endpoint, interval: Duration) -> Self {
        Self {
            endpoint,
            interval,
            last_good: None,
            last_poll: None,
            user_sig_expiry: None,
        }
    }

    /// Why the last poll failed, if it did.
    pub fn failure(&self) -> Option<&Error> {
        match self.last_poll.as_ref().map(|poll| &poll.outcome) {
            Some(PollOutcome::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether Desk serves the endpoint, as far as is known.
    pub fn is_served(&self) -> bool {
        let outcome = self.last_poll.as_ref().map(|poll| &poll.outcome);
        outcome != Some(&PollOutcome::NotServed)
    }

    /// Whether the last poll succeeded, and lately enough at `now`: one that hangs since then is
    /// no success.
    ///
    /// Midnight alone makes no difference: the figures of the day that is over go, but the poll that
    /// brought them did succeed, and another one begins at once.
    pub fn is_up(&self, now: Now) -> bool {
        let outcome = self.last_poll.as_ref().map(|poll| &poll.outcome);
        let last_good = self.last_good.as_ref();
        outcome == Some(&PollOutcome::Good) && last_good.is_some_and(|page| page.is_recent(now))
    }

    /// How many rows the last good answer counted and did not hold.
    pub fn missing_rows(&self) -> u64 {
        let last_good = self.last_good.as_ref();
        last_good.map_or(0, |page| page.snapshot().missing_rows)
    }

    /// The figures, if there are any that may be shown at `now`.
    pub fn shown(&self, now: Now) -> Option<&Arc<Page>> {
        self.last_good.as_ref().filter(|page| page.is_current(now))
    }
}

/// The feeds of all endpoints, the one that `tencent_desk_up` is about first, and the sign that each is
/// polled.
#[derive(Debug)]
pub struct Board {
    entries: Vec<Entry>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Entry {
    feed: Mutex<Arc<Feed>>,
    /// When the poller last looked at the clocks.
    beat: Mutex<Instant>,
}

impl Board {
    /// Pollers look at the clocks at least once a second; one that has not for so long is stuck.
    const LONGEST_SILENCE: Duration = Duration::from_secs(60);

    /// One entry for each of `feeds`, in their order; all pollers have just begun.
    pub fn new(feeds: Vec<Feed>, now: Now) -> Self {
        let entry = |feed| Entry {
            feed: Mutex::new(Arc::new(feed)),
            beat: Mutex::new(now.mono),
        };
        Self {
            entries: feeds.into_iter().map(entry).collect(),
            changes: watch::Sender::new(()),
        }
    }

    /// Changes with each feed that is published from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// All of them, as they stand.
    pub fn feeds(&self) -> Vec<Arc<Feed>> {
        self.entries
            .iter()
            .map(|entry| lock(&entry.feed).clone())
            .collect()
    }

    /// The one at `place`, if there is one.
    pub fn feed(&self, place: usize) -> Option<Arc<Feed>> {
        self.entries
            .get(place)
            .map(|entry| lock(&entry.feed).clone())
    }

    /// What the poller of the feed at `place` found.
    pub fn publish(&self, place: usize, feed: Feed) {
        if let Some(entry) = self.entries.get(place) {
            *lock(&entry.feed) = Arc::new(feed);
            self.changes.send_replace(());
        }
    }

    /// The poller of the feed at `place` has looked at the clocks.
    pub fn beat(&self, place: usize, now: Now) {
        if let Some(entry) = self.entries.get(place) {
            *lock(&entry.beat) = now.mono;
        }
    }

    /// Whether all pollers have lately looked at the clocks.
    pub fn is_alive(&self, now: Now) -> bool {
        self.stuck(now).is_empty()
    }

    /// The endpoints whose pollers have not.
    pub fn stuck(&self, now: Now) -> Vec<&'static str> {
        let silence = |entry: &Entry| now.mono.saturating_duration_since(*lock(&entry.beat));
        let is_stuck = |entry: &&Entry| silence(entry) > Self::LONGEST_SILENCE;
        let stuck = self.entries.iter().filter(is_stuck);
        stuck
            .map(|entry| lock(&entry.feed).endpoint.name())
            .collect()
    }

    /// Whether the first poll of each endpoint has ended, well or badly.
    pub fn is_ready(&self) -> bool {
        self.entries
            .iter()
            .all(|entry| lock(&entry.feed).last_poll.is_some())
    }

    /// Returns once it is.
    pub async fn until_ready(&self) {
        let mut changes = self.changes();
        while !self.is_ready() && changes.changed().await.is_ok() {}
    }

    /// Whether Desk answers other endpoints than the one at `place`: the required one, or where that is not
    /// polled, any. Only polls that began at `since` or later count, where that is given. `None` where such a
    /// poll of the required one has yet to end.
    pub fn answers_others(&self, place: usize, since: Option<Timestamp>) -> Option<bool> {
        let mut others = self.feeds();
        if place < others.len() {
            others.remove(place);
        }
        let is_good = |feed: &Arc<Feed>| {
            let poll = feed.last_poll.as_ref()?;
            let counts = since.is_none_or(|since| poll.began() >= since);
            counts.then(|| poll.outcome == PollOutcome::Good)
        };
        match others
            .iter()
            .find(|feed| feed.endpoint.need == Need::Required)
        {
            Some(required) => is_good(required),
            None => Some(others.iter().any(|feed| is_good(feed) == Some(true))),
        }
    }
}
