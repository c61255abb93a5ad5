//! Polls one endpoint at its interval, one poll after the other, and publishes how each ended.
//!
//! [`Poller::tick`] is one poll, without a timer, so that a test can drive it with a scripted clock
//! and scripted answers; [`Poller::run`] is the timer around it. What a good poll brought replaces
//! what was there as a whole; a failed one leaves it in its place, to age.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::report::Report;
use super::schedule::{NOT_SERVED_PAUSE, Next, pause_after, pause_of_all};
use crate::base::blocking;
use crate::base::clock::{Clock, DayWindow, Now, Window};
use crate::catalog::{Endpoint, Need};
use crate::desk::{Answer, Class, Error, Fetch};
use crate::exposition::labels::Labels;
use crate::exposition::page::{Demand, Page};
use crate::exposition::snapshot::Snapshot;
use crate::status::board::{Board, Feed, LastPoll, PollOutcome};
use crate::status::meters::Meters;

/// How often the loop looks at the clocks: a wall clock can jump over midnight, or back.
const GLANCE: Duration = Duration::from_secs(1);

/// A poll that has found no end by then is given up, unless figures may be even older.
const LONGEST_POLL: Duration = Duration::from_secs(300);

/// What one poller does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What is polled.
    pub endpoint: &'static Endpoint,
    /// Its place on the board.
    pub place: usize,
    /// From the start of one poll to the start of the next.
    pub interval: Duration,
    /// How long a good poll is shown while newer ones fail.
    pub good_for: Duration,
}

/// What all pollers have in common.
#[derive(Debug)]
pub struct Shared {
    /// What they read the time from.
    pub clock: Arc<dyn Clock>,
    /// The zone in which Desk counts its days.
    pub time_zone: TimeZone,
    /// How agents are named.
    pub labels: Arc<Labels>,
    /// What counts their polls.
    pub meters: Arc<Meters>,
    /// Where they publish.
    pub board: Arc<Board>,
    /// Which variants of pages are asked for.
    pub demand: Arc<Demand>,
    /// What the log says of them.
    pub report: Report,
}

/// Polls one endpoint of `desk`.
#[derive(Debug)]
pub struct Poller<F> {
    plan: Plan,
    desk: Arc<F>,
    shared: Arc<Shared>,
    failures_in_a_row: u32,
    /// Since when each poll was refused in a way that may mean that Desk does not serve the endpoint.
    refused_since: Option<Timestamp>,
}

/// Whether Desk serves an endpoint that it refuses.
enum Verdict {
    /// It does: the refusal is a failure.
    Served,
    NotServed,
    /// It did, and what it serves everywhere has not been asked for since.
    Open,
}

impl<F: Fetch> Poller<F> {
    /// A poller that has not polled yet.
    pub fn new(plan: Plan, desk: Arc<F>, shared: Arc<Shared>) -> Self {
        Self {
            plan,
            desk,
            shared,
            failures_in_a_row: 0,
            refused_since: None,
        }
    }

    /// Polls for ever.
    pub async fn run(mut self) {
        loop {
            let next = self.tick().await;
            let mut is_due = false;
            loop {
                let now = self.glance();
                is_due |= self.drop_page_of_other_names();
                let wait = if is_due {
                    Duration::ZERO
                } else {
                    next.remaining(now)
                };
                let remaining = wait.max(self.desk.paused_for());
                if remaining.is_zero() {
                    break;
                }
                tokio::time::sleep(remaining.min(GLANCE)).await;
            }
        }
    }

    /// Drops the last good poll where agents have other names since; whether it did.
    fn drop_page_of_other_names(&self) -> bool {
        let feed = self.feed();
        let page = feed.last_good.as_ref();
        let has_other_names = page.is_some_and(|page| !page.snapshot().is_named_as_now());
        if has_other_names {
            let last_good = None;
            let feed = Feed { last_good, ..feed };
            self.shared.board.publish(self.plan.place, feed);
        }
        has_other_names
    }

    /// Polls once and publishes how it went.
    pub async fn tick(&mut self) -> Next {
        let started = self.glance();
        let window = match self.window(started) {
            Ok(window) => window,
            Err(error) => return self.conclude(started, Window::Now, Err(error)),
        };
        let Some(outcome) = self.poll(&window).await else {
            return self.at_once(started);
        };
        let Err(error) = outcome else {
            self.refused_since = None;
            return self.conclude(started, window, outcome);
        };
        match self.verdict_on(&error).await {
            Verdict::Served => self.conclude(started, window, Err(error)),
            Verdict::NotServed => self.conclude_not_served(started, error),
            Verdict::Open => self.leave_open(started, window, &error),
        }
    }

    fn window(&self, started: Now) -> Result<Window, Error> {
        if !self.plan.endpoint.ends_at_midnight {
            return Ok(Window::Now);
        }
        let day = DayWindow::around(started.wall, &self.shared.time_zone);
        day.map(Window::Day)
            .map_err(|error| Error::new(Class::Configuration, error.to_string()))
    }

    /// What came of one poll; `None` if the day was over before the poll was, so that it is moot.
    async fn poll(&self, window: &Window) -> Option<Result<Arc<Page>, Error>> {
        let limit = LONGEST_POLL.max(self.plan.good_for);
        let fetch = self.desk.fetch(self.plan.endpoint.calls, window);
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout(limit, fetch) => answer,
            () = self.while_it_is(window) => return None,
        };
        Some(match answer {
            Ok(Ok(answer)) => Ok(self.rendered(answer, *window).await),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(took_too_long(limit)),
        })
    }

    /// Turns an answer into a page, off the thread that serves scrapes.
    async fn rendered(&self, answer: Answer, window: Window) -> Arc<Page> {
        let ended = self.shared.clock.now();
        let Plan {
            endpoint, good_for, ..
        } = self.plan;
        let meters = self.shared.meters.clone();
        let labels = self.shared.labels.clone();
        labels.agents.refresh().await;
        let variants = self.shared.demand.lately(ended);
        let rendering = blocking::RENDERING.run(move || {
            let snapshot = Snapshot::new(endpoint, window, answer, labels);
            meters.snapshot_taken(&snapshot);
            Arc::new(Page::render(snapshot, ended, good_for, &variants))
        });
        rendering.await
    }

    /// Whether `error` says no more than that Desk does not serve the endpoint here, since it answers others.
    ///
    /// What was answered before may be refused together with all others: that is known once these have been
    /// asked too.
    async fn verdict_on(&mut self, error: &Error) -> Verdict {
        let may_be_absent = self.plan.endpoint.need == Need::WhereServed;
        if !may_be_absent || !error.may_mean_not_served() {
            self.refused_since = None;
            return Verdict::Served;
        }
        let now = self.glance().wall;
        let since = *self.refused_since.get_or_insert(now);
        let feed = self.feed();
        let is_known = feed.last_poll.is_some() && feed.is_served();
        let asked_since = is_known.then_some(since);
        loop {
            self.glance();
            let board = &self.shared.board;
            match board.answers_others(self.plan.place, asked_since) {
                Some(true) => return Verdict::NotServed,
                Some(false) => return Verdict::Served,
                None if is_known => return Verdict::Open,
                // The first poll of what Desk serves everywhere has yet to end.
                None => tokio::time::sleep(GLANCE / 10).await,
            }
        }
    }

    /// Lets the last poll stand, to age, until the next one tells.
    fn leave_open(&self, started: Now, window: Window, error: &Error) -> Next {
        let Plan {
            endpoint, interval, ..
        } = self.plan;
        self.shared.meters.poll_ended(endpoint, None);
        let endpoint = endpoint.name();
        tracing::debug!(endpoint, reason = %error, "refused: whether others are too is yet to be seen");
        Next {
            started,
            wait: interval,
            window,
        }
    }

    fn conclude(
        &mut self,
        started: Now,
        window: Window,
        outcome: Result<Arc<Page>, Error>,
    ) -> Next {
        let now = self.glance();
        let Plan {
            endpoint, interval, ..
        } = self.plan;
        let failure = outcome.as_ref().err();
        self.failures_in_a_row = failure.map_or(0, |_| self.failures_in_a_row.saturating_add(1));
        let wait = failure.map_or(interval, |error| {
            // By both clocks, as `Next` counts: else a jump during the poll eats the pause after it.
            let elapsed = now.since(started);
            let failures = self.failures_in_a_row;
            if error.pauses_all() {
                self.desk.pause(pause_of_all(error, failures, interval));
            }
            pause_after(error, failures, interval, elapsed)
        });
        self.shared
            .meters
            .poll_ended(endpoint, failure.map(Error::class));
        match &outcome {
            Ok(page) => self.shared.report.succeeded(page.snapshot(), now),
            Err(error) => self.shared.report.failed(endpoint, error, now),
        }
        let (last_good, outcome) = match outcome {
            Ok(page) => (Some(page), PollOutcome::Good),
            Err(error) => (self.feed().last_good, PollOutcome::Failed(error)),
        };
        self.publish(started, now, last_good, outcome);
        Next {
            started,
            wait,
            window,
        }
    }

    fn conclude_not_served(&mut self, started: Now, error: Error) -> Next {
        let now = self.glance();
        let endpoint = self.plan.endpoint;
        (self.failures_in_a_row, self.refused_since) = (0, None);
        self.shared.meters.poll_ended(endpoint, None);
        self.shared.report.not_served(endpoint, error);
        self.publish(started, now, None, PollOutcome::NotServed);
        Next {
            started,
            wait: NOT_SERVED_PAUSE,
            window: Window::Now,
        }
    }

    fn publish(
        &self,
        started: Now,
        ended: Now,
        last_good: Option<Arc<Page>>,
        outcome: PollOutcome,
    ) {
        let feed = Feed {
            last_good,
            last_poll: Some(LastPoll {
                ended: ended.wall,
                took: ended.mono.saturating_duration_since(started.mono),
                outcome,
            }),
            user_sig_expiry: self.desk.user_sig_expiry(),
            ..self.feed()
        };
        self.shared.board.publish(self.plan.place, feed);
        if self.shared.board.is_ready() {
            self.shared.report.name_unserved();
        }
    }

    /// How the endpoint stands.
    fn feed(&self) -> Feed {
        let feed = self.shared.board.feed(self.plan.place);
        let unpolled = || Feed::new(self.plan.endpoint, self.plan.interval);
        feed.map_or_else(unpolled, |feed| Feed::clone(&feed))
    }

    fn at_once(&self, started: Now) -> Next {
        tracing::info!("Desk's day ended during a poll: starting over with the new day");
        Next {
            started,
            wait: Duration::ZERO,
            window: Window::Now,
        }
    }

    /// Returns once `window` is over, by a wall clock that may jump.
    async fn while_it_is(&self, window: &Window) {
        loop {
            let now = self.glance();
            if !window.contains(now.wall) {
                return;
            }
            tokio::time::sleep(window.remaining(now.wall).min(GLANCE)).await;
        }
    }

    /// Looks at the clocks, and shows that the loop turns.
    fn glance(&self) -> Now {
        let now = self.shared.clock.now();
        self.shared.board.beat(self.plan.place, now);
        now
    }
}

fn took_too_long(limit: Duration) -> Error {
    Error::new(
        Class::Network,
        format!(
            "the poll was given up after {limit:?}: Desk is slow, or TENCENT_DESK_REQUESTS_PER_SECOND too low"
        ),
    )
}
