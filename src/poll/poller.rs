//! Polls Desk at its interval, one poll after the other, and publishes how each ended.
//!
//! [`Poller::tick`] is one poll, without a timer, so that a test can drive it with a scripted clock
//! and scripted answers; [`Poller::run`] is the timer around it. What a good poll brought replaces
//! what was there as a whole; a failed one leaves it in its place, to age.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::base::blocking;
use crate::base::clock::{Clock, DayWindow, Now};
use crate::desk::{Class, Client, Error, Listing};
use crate::exposition::page::{Demand, Page};
use crate::exposition::snapshot::{Snapshot, named, unmatched};
use crate::status::board::{Heartbeat, LastPoll, State};
use crate::status::meters::Meters;

/// How often the loop looks at the clocks: a wall clock can jump over midnight, or back.
const GLANCE: Duration = Duration::from_secs(1);

/// A poll that has found no end by then is given up, unless figures may be even older.
const LONGEST_POLL: Duration = Duration::from_secs(300);

/// The longest pause that a rate limit leads to, where the interval is not longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The first pause after a failure that may pass; it doubles up to half the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// Where the rows come from: Desk, or a test's script.
pub trait Source: Send + Sync {
    /// The day's figures of every agent, whole.
    fn list_agents(&self, day: &DayWindow) -> impl Future<Output = Result<Listing, Error>> + Send;

    /// When the UserSig that is sent expires.
    fn user_sig_expiry(&self) -> Option<Timestamp>;
}

impl Source for Client {
    fn list_agents(&self, day: &DayWindow) -> impl Future<Output = Result<Listing, Error>> + Send {
        Client::list_agents(self, day)
    }

    fn user_sig_expiry(&self) -> Option<Timestamp> {
        Client::user_sig_expiry(self)
    }
}

/// How to poll.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The zone in which Desk counts its days.
    pub time_zone: TimeZone,
    /// From the start of one poll to the start of the next.
    pub interval: Duration,
    /// How long a good poll is shown while newer ones fail.
    pub max_staleness: Duration,
}

/// When to poll again.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    started: Now,
    wait: Duration,
    day: Option<DayWindow>,
}

impl Next {
    /// How long to wait from `now` on, if no clock jumps; zero where the next poll is due.
    ///
    /// It is due when its time has come by either clock, or Desk's day is another one.
    pub fn remaining(&self, now: Now) -> Duration {
        let until_day_ends = match self.day {
            Some(day) if !day.contains(now.wall) => Duration::ZERO,
            Some(day) => day.remaining(now.wall),
            None => Duration::MAX,
        };
        self.wait
            .saturating_sub(now.since(self.started))
            .min(until_day_ends)
    }
}

/// Polls `source` and publishes the state after each poll.
#[derive(Debug)]
pub struct Poller<S> {
    source: S,
    settings: Settings,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    state: watch::Sender<Arc<State>>,
    heartbeat: Arc<Heartbeat>,
    demand: Arc<Demand>,
    failures_in_a_row: u32,
    news: News,
}

impl<S: Source> Poller<S> {
    /// A poller that has not polled yet, and where its state can be seen.
    pub fn new(
        source: S,
        settings: Settings,
        clock: Arc<dyn Clock>,
        meters: Arc<Meters>,
        heartbeat: Arc<Heartbeat>,
        demand: Arc<Demand>,
    ) -> (Self, watch::Receiver<Arc<State>>) {
        let (state, seen) = watch::channel(Arc::default());
        let poller = Self {
            source,
            settings,
            clock,
            meters,
            state,
            heartbeat,
            demand,
            failures_in_a_row: 0,
            news: News::default(),
        };
        (poller, seen)
    }

    /// Polls for ever.
    pub async fn run(mut self) {
        loop {
            let next = self.tick().await;
            loop {
                let remaining = next.remaining(self.glance());
                if remaining.is_zero() {
                    break;
                }
                tokio::time::sleep(remaining.min(GLANCE)).await;
            }
        }
    }

    /// Polls once and publishes how it went.
    pub async fn tick(&mut self) -> Next {
        let started = self.glance();
        let day = DayWindow::around(started.wall, &self.settings.time_zone);
        let outcome = match &day {
            Ok(day) => match self.poll(day).await {
                Some(outcome) => outcome,
                None => return self.at_once(started),
            },
            Err(error) => Err(Error::new(Class::Configuration, error.to_string())),
        };
        self.conclude(started, day.ok(), outcome)
    }

    /// The day's page; `None` where the day was over before the poll was, so that it is moot.
    async fn poll(&self, day: &DayWindow) -> Option<Result<Arc<Page>, Error>> {
        let limit = LONGEST_POLL.max(self.settings.max_staleness);
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout(limit, self.source.list_agents(day)) => answer,
            () = self.while_it_is(day) => return None,
        };
        match answer {
            Ok(Ok(listing)) => Some(self.take(listing, *day).await),
            Ok(Err(error)) => Some(Err(error)),
            Err(_) => Some(Err(took_too_long(limit))),
        }
    }

    /// Turns an answer into a page, off the thread that serves scrapes.
    async fn take(&self, listing: Listing, day: DayWindow) -> Result<Arc<Page>, Error> {
        let ended = self.clock.now();
        let good_for = self.settings.max_staleness;
        let meters = self.meters.clone();
        let variants = self.demand.lately(ended);
        let rendered = blocking::RENDERING.run(move || {
            let snapshot = Arc::new(Snapshot::new(listing, day));
            meters.snapshot_taken(&snapshot);
            Page::render(snapshot, ended, good_for, &variants)
        });
        match rendered.await {
            Ok(page) => Ok(Arc::new(page)),
            Err(error) => Err(unrenderable(&error)),
        }
    }

    fn conclude(
        &mut self,
        started: Now,
        day: Option<DayWindow>,
        outcome: Result<Arc<Page>, Error>,
    ) -> Next {
        let now = self.glance();
        let took = now.mono.saturating_duration_since(started.mono);
        let failure = outcome.as_ref().err().cloned();
        self.failures_in_a_row = failure
            .as_ref()
            .map_or(0, |_| self.failures_in_a_row.saturating_add(1));
        let wait = failure.as_ref().map_or(self.settings.interval, |error| {
            // By both clocks, as `Next` counts: else a jump during the poll eats the pause after it.
            let elapsed = now.since(started);
            pause_after(
                error,
                self.failures_in_a_row,
                self.settings.interval,
                elapsed,
            )
        });
        let next = Next { started, wait, day };
        self.meters.poll_ended(failure.as_ref().map(Error::class));
        self.news.tell(failure.as_ref(), outcome.as_deref().ok());
        let last_good = outcome
            .ok()
            .or_else(|| self.state.borrow().last_good.clone());
        self.state.send_replace(Arc::new(State {
            last_good,
            last_poll: Some(LastPoll {
                ended: now.wall,
                took,
                failure,
                next: later(now, next.remaining(now)),
            }),
            user_sig_expiry: self.source.user_sig_expiry(),
        }));
        next
    }

    fn at_once(&self, started: Now) -> Next {
        tracing::info!("Desk's day ended during a poll: starting over with the new day");
        Next {
            started,
            wait: Duration::ZERO,
            day: None,
        }
    }

    /// Returns once `day` is over, by a wall clock that may jump.
    async fn while_it_is(&self, day: &DayWindow) {
        loop {
            let now = self.glance();
            if !day.contains(now.wall) {
                return;
            }
            tokio::time::sleep(day.remaining(now.wall).min(GLANCE)).await;
        }
    }

    /// Looks at the clocks, and shows that the loop turns.
    fn glance(&self) -> Now {
        let now = self.clock.now();
        self.heartbeat.beat(now);
        now
    }
}

fn later(now: Now, wait: Duration) -> Timestamp {
    now.wall.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn unrenderable(error: &dyn std::error::Error) -> Error {
    Error::new(
        Class::Protocol,
        format!("the answer cannot be rendered: {error}"),
    )
}

fn took_too_long(limit: Duration) -> Error {
    Error::new(
        Class::Network,
        format!(
            "the poll was given up after {limit:?}: Desk is slow, or TENCENT_DESK_REQUESTS_PER_SECOND too low"
        ),
    )
}

/// How long to wait after a failed poll, counted from its start, `elapsed` before.
///
/// Sooner than the interval where the failure may pass by itself, at the interval where an
/// operator has to change something, and ever later where Desk is asked too often.
fn pause_after(error: &Error, failures: u32, interval: Duration, elapsed: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    let pause = match error.class() {
        Class::Network | Class::Server if error.is_passing() => {
            let soon = FIRST_PAUSE.saturating_mul(doubled).min(interval / 2);
            let jittered = soon.mul_f64(0.8 + 0.2 * fastrand::f64());
            (elapsed + jittered).min(interval)
        }
        Class::RateLimited => {
            let ever_longer = interval.saturating_mul(doubled).saturating_mul(2);
            let limited = ever_longer.min(LONGEST_PAUSE.max(interval));
            elapsed + limited.mul_f64(1.0 + 0.2 * fastrand::f64())
        }
        _ => interval,
    };
    pause.max(
        error
            .demanded_pause()
            .map_or(Duration::ZERO, |demanded| elapsed + demanded),
    )
}

/// What was last said in the log: a line for each change of state, not one for each failure.
#[derive(Debug, Default)]
struct News {
    failure: Option<(Class, Option<i64>)>,
    lacked_rows: bool,
    unknown_fields: Vec<String>,
    has_held_ids_against_rows: bool,
}

impl News {
    fn tell(&mut self, failure: Option<&Error>, page: Option<&Page>) {
        let before = std::mem::replace(
            &mut self.failure,
            failure.map(|error| (error.class(), error.code())),
        );
        match failure {
            Some(error) if self.failure != before => {
                tracing::warn!(class = %error.class(), reason = %error, advice = error.advice(), "polls fail");
            }
            Some(error) => {
                tracing::debug!(class = %error.class(), reason = %error, "the poll failed too");
            }
            None if before.is_some() => tracing::info!("polls succeed again"),
            None => {}
        }
        if let Some(page) = page {
            self.tell_oddities(page.snapshot());
        }
    }

    fn tell_oddities(&mut self, snapshot: &Snapshot) {
        tracing::debug!(agents = snapshot.agents().len(), "the poll succeeded");
        if snapshot.unknown_fields != self.unknown_fields {
            if !snapshot.unknown_fields.is_empty() {
                tracing::warn!(
                    fields = named(&snapshot.unknown_fields),
                    "fields that this version does not know: not exposed"
                );
            }
            self.unknown_fields.clone_from(&snapshot.unknown_fields);
        }
        // Once: which of the agents have a row changes with who works, and is no news.
        let was_first = !std::mem::replace(&mut self.has_held_ids_against_rows, true);
        if was_first && !snapshot.unmatched_ids.is_empty() {
            tracing::warn!("{}", unmatched(&snapshot.unmatched_ids));
        }
        let lacks_rows = snapshot.missing_rows > 0;
        let lacked_rows = std::mem::replace(&mut self.lacked_rows, lacks_rows);
        match (lacks_rows, lacked_rows) {
            (true, false) => tracing::warn!(
                missing_rows = snapshot.missing_rows,
                agents = snapshot.agents().len(),
                "Desk promises more rows than it gives, also when asked twice"
            ),
            (false, true) => tracing::info!("Desk gives as many rows as it promises again"),
            _ => {}
        }
    }
}
