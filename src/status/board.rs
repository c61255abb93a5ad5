//! What the poller knows, as the server may see it: replaced whole at the end of each poll.
//!
//! One value, so that no scrape sees the outcome of one poll beside the figures of another.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::base::clock::Now;
use crate::base::mutex::lock;
use crate::desk::Error;
use crate::exposition::page::Page;

/// How things stand after the last poll.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// What the last good poll brought; ask [`State::shown`] whether it may still be shown.
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
    /// Why it failed, if it did.
    pub failure: Option<Error>,
    /// When the next one is due.
    pub next: Timestamp,
}

impl State {
    /// Whether the last poll succeeded, and lately enough at `now`: one that hangs since then is
    /// no success.
    ///
    /// Midnight alone makes no difference: the figures of the day that is over go, but the poll that
    /// brought them did succeed, and another one begins at once.
    pub fn is_up(&self, now: Now) -> bool {
        let last_poll = self.last_poll.as_ref();
        let has_succeeded = last_poll.is_some_and(|poll| poll.failure.is_none());
        has_succeeded
            && self
                .last_good
                .as_ref()
                .is_some_and(|page| page.is_recent(now))
    }

    /// How many rows the last good answer counted and did not hold.
    pub fn missing_rows(&self) -> u64 {
        let last_good = self.last_good.as_ref();
        last_good.map_or(0, |page| page.snapshot().missing_rows)
    }

    /// The agents' figures, if there are any that may be shown at `now`.
    pub fn shown(&self, now: Now) -> Option<&Arc<Page>> {
        self.last_good.as_ref().filter(|page| page.is_current(now))
    }
}

/// Shows from outside whether the poll loop turns.
#[derive(Debug)]
pub struct Heartbeat(Mutex<Instant>);

impl Heartbeat {
    /// The loop beats at least once a second; it is stuck after a minute without.
    const LONGEST_SILENCE: Duration = Duration::from_secs(60);

    /// Starts with a beat.
    pub fn new(now: Now) -> Self {
        Self(Mutex::new(now.mono))
    }

    /// The loop has turned.
    pub fn beat(&self, now: Now) {
        *lock(&self.0) = now.mono;
    }

    /// Whether it has turned lately.
    pub fn is_alive(&self, now: Now) -> bool {
        let last = *lock(&self.0);
        now.mono.saturating_duration_since(last) <= Self::LONGEST_SILENCE
    }
}
