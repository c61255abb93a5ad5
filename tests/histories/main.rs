//! However clocks and Desk behave, a scrape shows one good answer of the present day, or nothing.
//!
//! Random histories drive [`Poller::tick`], for any endpoint, with scripted clocks and scripted answers, in
//! paused time and without sockets. Beside it runs a model of the contract that is too simple to be wrong:
//! the last good answer, the date on which its poll started, what both clocks said when it ended, and whether
//! Desk answers another endpoint.
//! After every poll, and at instants between polls, what is exposed must be exactly what the model
//! says, in both directions: nothing that it does not allow, and everything that it does.

// Outside `#[test]` functions too: that is how tests fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod pause;
mod wordings;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRunner};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use tencent_desk_exporter::base::clock::{Clock, DayWindow, Now, Window};
use tencent_desk_exporter::catalog::{ENDPOINTS, Endpoint, Interval, Need};
use tencent_desk_exporter::desk::call::{Call, Start};
use tencent_desk_exporter::desk::{Answer as Told, Class, Error, Fetch, reply};
use tencent_desk_exporter::exposition::coding::{Coding, Piece};
use tencent_desk_exporter::exposition::page::Demand;
use tencent_desk_exporter::exposition::{Format, Variant};
use tencent_desk_exporter::poll::schedule::{Next, good_for};
use tencent_desk_exporter::poll::{Plan, Poller, Report, Shared};
use tencent_desk_exporter::status::board::{Board, Feed, LastPoll, PollOutcome};
use tencent_desk_exporter::status::meters::Meters;

use wordings::{WORDINGS, Wording};

/// Histories in all, cut into parts that run side by side.
const HISTORIES: u32 = 10_000;
const PARTS: u32 = 2;

/// What passes in a poll beyond this, passes while the process stands still: for each second of
/// sleep the poller looks at the clocks, and that takes its time here.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// Zones whose dates follow each other, though some of their midnights do not exist or come twice,
/// and one of their dates is missing. (`properties.rs` has those whose clocks went back over
/// midnight into a date that was over already.)
const ZONES: [&str; 10] = [
    "Asia/Shanghai",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

/// The codes that say no more of a further endpoint than that Desk does not serve it, while it answers others.
const NOT_SERVED: [i64; 6] = [60002, 60009, 60017, 141_000, 10003, 10026];

/// How a poll ends.
#[derive(Debug, Clone)]
enum Answer {
    /// With rows of these ids.
    Good(Vec<Option<u8>>),
    Fails(Class),
    /// With an error code of Desk's.
    Refused(i64),
    /// With HTTP 404.
    NotFound,
    /// Not by itself.
    Never,
}

/// What happens to the clocks: time passes for both, then the wall clock is set.
#[derive(Debug, Clone, Copy)]
struct Movement {
    passes: Duration,
    set_by: SignedDuration,
}

/// What happens between two polls, or between two scrapes.
#[derive(Debug, Clone, Copy)]
enum Gap {
    /// Until the next poll is due.
    UntilDue,
    Moves(Movement),
    /// Until so many milliseconds from the next midnight, by both clocks or by a jump.
    NearMidnight {
        millis: i64,
        by_jump: bool,
    },
    /// The wall clock is set back to so many milliseconds from the last midnight.
    BackToMidnight {
        millis: i64,
    },
    /// Until so many nanoseconds from the end of the last good answer's time, by either clock.
    NearStaleness {
        nanos: i64,
        by_jump: bool,
    },
}

#[derive(Debug, Clone)]
struct Step {
    before: Gap,
    during: Vec<Movement>,
    /// The wall clock is set by this, just before it is read for this many-th time in the poll.
    slip: Option<(usize, SignedDuration)>,
    answer: Answer,
    /// Whether the last poll of the other endpoint succeeded.
    other_answers: bool,
    scrapes: Vec<Gap>,
}

#[derive(Debug, Clone)]
struct History {
    wording: &'static Wording,
    /// Another one on the same board.
    other: &'static Wording,
    /// How long its first poll takes.
    other_takes: Duration,
    zone: &'static str,
    start: Timestamp,
    interval: Duration,
    max_staleness: Duration,
    steps: Vec<Step>,
}

fn histories() -> impl Strategy<Value = History> {
    let times = (0..1_500_000_000_i64, any::<bool>(), 0..100_000_i64);
    let interval = select(vec![1_u64, 5, 60, 60, 600]);
    (
        endpoints(),
        select(&ZONES),
        times,
        interval,
        0..4_u64,
        0..5_000_u64,
        several_steps(),
    )
        .prop_map(
            |((wording, other), zone, times, interval, more, other_millis, steps)| History {
                wording,
                other,
                other_takes: Duration::from_millis(other_millis),
                zone,
                start: start(zone, times),
                interval: Duration::from_secs(interval),
                max_staleness: Duration::from_secs(interval * (more + 1) + 37 * more),
                steps,
            },
        )
}

/// One that is polled, and agent statistics or any other beside it.
fn endpoints() -> impl Strategy<Value = (&'static Wording, &'static Wording)> {
    let others = prop_oneof![2 => Just(0), 1 => 0..WORDINGS.len()];
    (0..WORDINGS.len(), others).prop_map(|(polled, other)| {
        let other = match other == polled {
            true => (other + 1) % WORDINGS.len(),
            false => other,
        };
        (WORDINGS[polled], WORDINGS[other])
    })
}

/// Any time from 2005 on, or the hours before a change of the zone's clocks.
fn start(zone: &str, (second, is_before_change, ahead): (i64, bool, i64)) -> Timestamp {
    let any = Timestamp::from_second(1_104_537_600 + second).unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let change = zone.following(any).next();
    match change {
        Some(change) if is_before_change => change.timestamp() - ahead.seconds(),
        _ => any,
    }
}

fn several_steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![7 => vec(steps(), 5..=8), 1 => vec(steps(), 9..=30)]
}

fn steps() -> impl Strategy<Value = Step> {
    (
        gaps(),
        vec(movements(), 0..4),
        proptest::option::weighted(0.1, (1..8_usize, jumps())),
        answers(),
        proptest::bool::weighted(0.7),
        vec(gaps(), 0..3),
    )
        .prop_map(
            |(before, during, slip, answer, other_answers, scrapes)| Step {
                before,
                during,
                slip,
                answer,
                other_answers,
                scrapes,
            },
        )
}

fn gaps() -> impl Strategy<Value = Gap> {
    prop_oneof![
        6 => Just(Gap::UntilDue),
        3 => movements().prop_map(Gap::Moves),
        2 => (-3000..3000_i64, any::<bool>())
            .prop_map(|(millis, by_jump)| Gap::NearMidnight { millis, by_jump }),
        1 => (-3000..3000_i64).prop_map(|millis| Gap::BackToMidnight { millis }),
        2 => (-1..=1_i64, any::<bool>())
            .prop_map(|(nanos, by_jump)| Gap::NearStaleness { nanos, by_jump }),
    ]
}

fn movements() -> impl Strategy<Value = Movement> {
    let passes = prop_oneof![
        2 => Just(0),
        6 => 0..3_000_u64,
        2 => 0..120_000_u64,
        1 => 0..900_000_u64,
    ];
    let set_by = prop_oneof![5 => Just(SignedDuration::ZERO), 1 => jumps()];
    (passes, set_by).prop_map(|(millis, set_by)| Movement {
        passes: Duration::from_millis(millis),
        set_by,
    })
}

/// Seconds, minutes, hours or days, forwards or backwards.
fn jumps() -> impl Strategy<Value = SignedDuration> {
    (
        select(vec![10_i64, 600, 36_000, 86_400, 400_000]),
        -1000..=1000_i64,
    )
        .prop_map(|(size, part)| SignedDuration::from_millis(size * part))
}

fn answers() -> impl Strategy<Value = Answer> {
    let rows = vec(proptest::option::weighted(0.9, 0..5_u8), 0..5);
    prop_oneof![
        200 => rows.prop_map(Answer::Good),
        120 => select(&Class::ALL).prop_map(Answer::Fails),
        60 => select(vec![70050, 70001, 141_009, 141_002, 60006, 123_456]).prop_map(Answer::Refused),
        60 => select(&NOT_SERVED).prop_map(Answer::Refused),
        10 => Just(Answer::NotFound),
        1 => Just(Answer::Never),
    ]
}

/// Clocks of which one is paused time, and the other that and a script.
#[derive(Debug)]
struct Clocks {
    origin: tokio::time::Instant,
    start: Timestamp,
    hands: Mutex<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    /// How far the wall clock is ahead of paused time.
    ahead: SignedDuration,
    /// How long the whole process stood still, which paused time knows nothing of.
    stalled: Duration,
    slip: Option<(usize, SignedDuration)>,
    readings: Vec<Now>,
}

impl Clocks {
    fn set_by(&self, jump: SignedDuration) {
        self.hands.lock().unwrap().ahead += jump;
    }

    /// For both clocks, while the process stands still.
    fn stall(&self, time: Duration) {
        self.hands.lock().unwrap().stalled += time;
    }

    fn expect_slip(&self, slip: Option<(usize, SignedDuration)>) {
        self.hands.lock().unwrap().slip = slip;
    }

    fn count_readings(&self) -> usize {
        self.hands.lock().unwrap().readings.len()
    }

    /// What they said since this was last called.
    fn take_readings(&self) -> Vec<Now> {
        std::mem::take(&mut self.hands.lock().unwrap().readings)
    }

    /// What they say, without being read.
    fn peek(&self) -> Now {
        let hands = self.hands.lock().unwrap();
        let mono = tokio::time::Instant::now() + hands.stalled;
        Now {
            wall: self.start + (mono - self.origin) + hands.ahead,
            mono: mono.into_std(),
        }
    }
}

impl Clock for Clocks {
    fn now(&self) -> Now {
        {
            let mut hands = self.hands.lock().unwrap();
            if let Some((left, jump)) = hands.slip.take() {
                match left {
                    1 => hands.ahead += jump,
                    _ => hands.slip = Some((left - 1, jump)),
                }
            }
        }
        let now = self.peek();
        self.hands.lock().unwrap().readings.push(now);
        now
    }
}

/// A Desk that answers as the step says.
#[derive(Debug, Clone)]
struct Script {
    wording: &'static Wording,
    clocks: Arc<Clocks>,
    stage: Arc<Mutex<Stage>>,
}

#[derive(Debug, Default)]
struct Stage {
    during: Vec<Movement>,
    answer: Option<Answer>,
    serial: usize,
    asked: Option<Window>,
    /// How often the clocks had been read when the answer was given.
    answered_at: Option<usize>,
    /// For how long all polls were to pause.
    paused: Option<Duration>,
}

impl Fetch for Script {
    async fn fetch(&self, calls: &'static [Call], window: &Window) -> Result<Told, Error> {
        let (during, answer, serial) = {
            let mut stage = self.stage.lock().unwrap();
            stage.asked = Some(*window);
            (
                stage.during.clone(),
                stage.answer.clone().unwrap(),
                stage.serial,
            )
        };
        for movement in during {
            let slept = movement.passes.min(LONGEST_SLEEP);
            tokio::time::sleep(slept).await;
            self.clocks.stall(movement.passes - slept);
            self.clocks.set_by(movement.set_by);
        }
        if matches!(answer, Answer::Never) {
            std::future::pending::<()>().await;
        }
        self.stage.lock().unwrap().answered_at = Some(self.clocks.count_readings());
        match answer {
            Answer::Good(ids) => {
                let date = window.day().map(DayWindow::date);
                Ok(told(calls, &self.wording.bodies(&ids, serial, date)))
            }
            other => Err(failure(&other).unwrap()),
        }
    }

    fn user_sig_expiry(&self) -> Option<Timestamp> {
        None
    }

    fn pause(&self, time: Duration) {
        self.stage.lock().unwrap().paused = Some(time);
    }

    fn paused_for(&self) -> Duration {
        Duration::ZERO
    }
}

fn failure(answer: &Answer) -> Option<Error> {
    match answer {
        Answer::Good(_) | Answer::Never => None,
        Answer::Fails(class) => Some(Error::new(*class, "as the script says")),
        Answer::Refused(code) => Some(Error::refused(*code, "as the script says")),
        Answer::NotFound => Some(Error::status(
            StatusCode::NOT_FOUND,
            &HeaderMap::new(),
            SystemTime::UNIX_EPOCH,
        )),
    }
}

fn told(calls: &'static [Call], bodies: &[String]) -> Told {
    let mut told = Told::default();
    assert_eq!(calls.len(), bodies.len());
    for (call, body) in calls.iter().zip(bodies) {
        let reply = reply::decode(call, Start::default(), body.as_bytes()).unwrap();
        told.tables.extend(reply.tables);
        told.total = told.total.or(reply.total);
    }
    told
}

/// The last good answer, as the contract sees it.
#[derive(Debug, Clone)]
struct Good {
    samples: Vec<String>,
    date: Date,
    ended: Now,
}

/// What has to hold, and what is needed to tell.
struct Model {
    wording: &'static Wording,
    zone: TimeZone,
    interval: Duration,
    good_for: Duration,
    last_good: Option<Good>,
    last_poll: Option<PollOutcome>,
    /// Whether the other endpoint's last poll succeeded.
    other_answers: bool,
}

type Verdict = Result<(), TestCaseError>;

impl Model {
    fn date(&self, instant: Timestamp) -> Date {
        instant.to_zoned(self.zone.clone()).date()
    }

    fn midnight_after(&self, instant: Timestamp) -> Timestamp {
        let tomorrow = self.date(instant).tomorrow().unwrap();
        let midnight = tomorrow.to_zoned(self.zone.clone()).unwrap();
        midnight.start_of_day().unwrap().timestamp()
    }

    fn is_fresh(&self, good: &Good, now: Now) -> bool {
        let by_wall = now.wall.duration_since(good.ended.wall);
        let by_mono = now.mono.duration_since(good.ended.mono);
        by_mono <= self.good_for && by_wall <= SignedDuration::try_from(self.good_for).unwrap()
    }

    /// Whether an instant of a poll is on another day than `started`, where that makes a difference.
    fn is_day_over(&self, started: Now, instant: Timestamp) -> bool {
        self.wording.is_of_a_day && self.date(instant) != self.date(started.wall)
    }

    /// What a poll with this answer is to be told as.
    fn outcome(&self, answer: &Answer) -> PollOutcome {
        let may_be_unserved = match answer {
            Answer::Refused(code) => NOT_SERVED.contains(code),
            Answer::NotFound => true,
            _ => false,
        };
        let is_required = self.wording.endpoint.need == Need::Required;
        match failure(answer) {
            None => PollOutcome::Good,
            Some(_) if may_be_unserved && !is_required && self.other_answers => {
                PollOutcome::NotServed
            }
            Some(error) => PollOutcome::Failed(error),
        }
    }

    /// What a scrape at `now` shows: exactly what it must.
    fn check_scrape(&self, feed: &Feed, now: Now) -> Verdict {
        let expected = self
            .last_good
            .as_ref()
            .filter(|good| !self.wording.is_of_a_day || good.date == self.date(now.wall))
            .filter(|good| self.is_fresh(good, now))
            .map(|good| good.samples.clone());
        let shown = feed.shown(now).map(|page| {
            text(&PLAIN.families(page.snapshot()).unwrap())
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        prop_assert_eq!(shown, expected, "at {:?}", now);
        prop_assert_eq!(feed.is_up(now), self.is_up(now));
        Ok(())
    }

    /// The last poll succeeded, and within the time for which a success is good.
    fn is_up(&self, now: Now) -> bool {
        let last_good = self.last_good.as_ref();
        self.last_poll == Some(PollOutcome::Good)
            && last_good.is_some_and(|good| self.is_fresh(good, now))
    }

    /// The day that was asked for is that on which the poll started, whole; or there was none.
    fn check_asked(&self, asked: &Window, started: Now) -> Verdict {
        prop_assert_eq!(asked.day().is_some(), self.wording.is_of_a_day);
        let Some(asked) = asked.day() else {
            return Ok(());
        };
        let second = |second| self.date(Timestamp::from_second(second).unwrap());
        let date = self.date(started.wall);
        prop_assert_eq!(second(asked.from_second()), date);
        prop_assert_eq!(second(asked.to_second()), date);
        prop_assert!(second(asked.from_second() - 1) < date);
        prop_assert!(second(asked.to_second() + 1) > date);
        Ok(())
    }

    /// When the next poll is due, seen from the end of the last one.
    fn check_next(&self, next: &Next, started: Now, ended: Now, outcome: &PollOutcome) -> Verdict {
        let remaining = next.remaining(ended);
        let since = |wall: SignedDuration, mono: Duration| {
            mono.max(Duration::try_from(wall).unwrap_or_default())
        };
        let took = since(
            ended.wall.duration_since(started.wall),
            ended.mono.duration_since(started.mono),
        );
        if *outcome == PollOutcome::NotServed {
            let hour = Duration::from_secs(3600);
            prop_assert_eq!(remaining, hour.saturating_sub(took), "not served");
            return Ok(());
        }
        if self.is_day_over(started, ended.wall) {
            prop_assert_eq!(remaining, Duration::ZERO, "it is another day");
            return Ok(());
        }
        let due = ended.wall + remaining;
        let is_late = !remaining.is_zero() && self.is_day_over(started, due - 1.nanosecond());
        prop_assert!(!is_late, "due after midnight: {}", due);
        if self.is_day_over(started, due) {
            return Ok(());
        }
        let regular = self.interval.saturating_sub(took);
        let failure = match outcome {
            PollOutcome::Failed(error) => Some(error),
            _ => None,
        };
        match failure.map(Error::class) {
            // HTTP 404 does not pass by itself.
            _ if failure.and_then(Error::status_code).is_some() => {
                prop_assert_eq!(remaining, regular);
            }
            Some(Class::Network | Class::Server) => {
                prop_assert!(remaining <= regular);
                let is_sooner = remaining < regular || took >= self.interval / 2;
                prop_assert!(is_sooner, "{:?} is no sooner than {:?}", remaining, regular);
            }
            Some(Class::RateLimited) => {
                prop_assert!(remaining >= self.interval, "{:?} after a limit", remaining);
                let longest = self.interval.max(Duration::from_secs(300));
                prop_assert!(remaining <= longest.mul_f64(1.2));
            }
            _ if failure.and_then(Error::code) == Some(70050) => {
                prop_assert!(remaining >= Duration::from_secs(60), "{:?}", remaining);
            }
            _ => prop_assert_eq!(remaining, regular),
        }
        Ok(())
    }

    /// All polls pause where Desk is asked too often, and only there: not for ever, however seldom this endpoint
    /// is asked.
    fn check_pause(&self, paused: Option<Duration>, outcome: &PollOutcome) -> Verdict {
        let least = match outcome {
            PollOutcome::Failed(error) if error.code() == Some(70050) => {
                Some(Duration::from_secs(60))
            }
            PollOutcome::Failed(error) if error.class() == Class::RateLimited => {
                Some(self.interval.min(Duration::from_secs(60)))
            }
            _ => None,
        };
        prop_assert_eq!(paused.is_some(), least.is_some(), "{:?}", outcome);
        prop_assert!(paused >= least);
        prop_assert!(paused <= Some(Duration::from_secs(360)) || paused.is_none());
        Ok(())
    }
}

/// Pages are rendered one after the other in the whole process. A clock that stands still runs on while its
/// runtime waits for another one's page, so that what goes by it alone has to be alone.
static RENDERING: std::sync::RwLock<()> = std::sync::RwLock::new(());

/// One history under way.
struct Play {
    model: Model,
    other: &'static Endpoint,
    other_takes: Duration,
    /// Where the two are on the board.
    place: usize,
    other_place: usize,
    clocks: Arc<Clocks>,
    stage: Arc<Mutex<Stage>>,
    poller: Poller<Script>,
    board: Arc<Board>,
    next: Option<Next>,
}

impl Play {
    fn new(history: &History, meters: Arc<Meters>) -> Self {
        let zone = TimeZone::get(history.zone).unwrap();
        let clocks = Arc::new(Clocks {
            origin: tokio::time::Instant::now(),
            start: history.start,
            hands: Mutex::default(),
        });
        let stage = Arc::new(Mutex::default());
        let wording = history.wording;
        let script = Script {
            wording,
            clocks: clocks.clone(),
            stage: Arc::clone(&stage),
        };
        let interval = history.interval;
        let mut endpoints = [wording.endpoint, history.other.endpoint];
        // As on any board, what is required comes first.
        endpoints.sort_by_key(|endpoint| endpoint.need != Need::Required);
        let is_polled = |endpoint: &Endpoint| endpoint.name() == wording.endpoint.name();
        let place = usize::from(!is_polled(endpoints[0]));
        let plan = Plan {
            endpoint: wording.endpoint,
            place,
            interval,
            good_for: good_for(wording.endpoint.interval, interval, history.max_staleness),
        };
        let now = clocks.peek();
        let feeds = endpoints.map(|endpoint| Feed::new(endpoint, interval));
        let board = Arc::new(Board::new(feeds.into(), now));
        let shared = Shared {
            clock: clocks.clone(),
            time_zone: zone.clone(),
            labels: Arc::default(),
            meters,
            board: board.clone(),
            demand: Arc::new(Demand::new(now)),
            report: Report::default(),
        };
        let poller = Poller::new(plan, Arc::new(script), Arc::new(shared));
        Self {
            model: Model {
                wording,
                zone,
                interval,
                good_for: plan.good_for,
                last_good: None,
                last_poll: None,
                other_answers: false,
            },
            other: history.other.endpoint,
            other_takes: history.other_takes,
            place,
            other_place: 1 - place,
            clocks,
            stage,
            poller,
            board,
            next: None,
        }
    }

    fn feed(&self) -> Arc<Feed> {
        self.board.feed(self.place).unwrap()
    }

    async fn pass(&self, gap: Gap) {
        let now = self.clocks.peek();
        let (passes, set_by) = match gap {
            Gap::UntilDue => (
                self.next.map_or(Duration::ZERO, |next| next.remaining(now)),
                SignedDuration::ZERO,
            ),
            Gap::Moves(movement) => (movement.passes, movement.set_by),
            Gap::NearMidnight { millis, by_jump } => {
                let midnight = self.model.midnight_after(now.wall);
                let left = midnight.duration_since(now.wall) + SignedDuration::from_millis(millis);
                either(left, by_jump)
            }
            Gap::BackToMidnight { millis } => {
                let today = self.model.date(now.wall).to_zoned(self.model.zone.clone());
                let since = now.wall.duration_since(today.unwrap().timestamp());
                (Duration::ZERO, SignedDuration::from_millis(millis) - since)
            }
            Gap::NearStaleness { nanos, by_jump } => {
                let age = self
                    .model
                    .last_good
                    .as_ref()
                    .map_or(SignedDuration::ZERO, |good| match by_jump {
                        true => now.wall.duration_since(good.ended.wall),
                        false => (now.mono - good.ended.mono).try_into().unwrap(),
                    });
                let limit = SignedDuration::try_from(self.model.good_for).unwrap();
                either(limit - age + SignedDuration::from_nanos(nanos), by_jump)
            }
        };
        tokio::time::advance(passes).await;
        self.clocks.set_by(set_by);
    }

    async fn step(&mut self, step: &Step, serial: usize) -> Verdict {
        self.pass(step.before).await;
        self.model.check_scrape(&self.feed(), self.clocks.peek())?;
        self.poll(step, serial).await?;
        self.model.check_scrape(&self.feed(), self.clocks.peek())?;
        for gap in &step.scrapes {
            self.pass(*gap).await;
            self.model.check_scrape(&self.feed(), self.clocks.peek())?;
        }
        Ok(())
    }

    async fn poll(&mut self, step: &Step, serial: usize) -> Verdict {
        *self.stage.lock().unwrap() = Stage {
            during: step.during.clone(),
            answer: Some(step.answer.clone()),
            serial,
            ..Stage::default()
        };
        let before = self.feed();
        self.clocks.expect_slip(step.slip);
        let next = self.tick(step.other_answers, serial == 1).await;
        self.clocks.expect_slip(None);
        self.next = Some(next);

        let readings = self.clocks.take_readings();
        let (started, ended) = (readings[0], *readings.last().unwrap());
        let stage = std::mem::take(&mut *self.stage.lock().unwrap());
        self.model.check_asked(&stage.asked.unwrap(), started)?;
        let Some(answered_at) = stage.answered_at else {
            return self.broken_off(&before, &readings, &next);
        };
        if let Answer::Good(ids) = &step.answer {
            self.model.last_good = Some(Good {
                samples: self.model.wording.samples(ids, serial),
                date: self.model.date(started.wall),
                ended: readings[answered_at],
            });
        }
        let outcome = self.model.outcome(&step.answer);
        self.model.check_pause(stage.paused, &outcome)?;
        self.ended(outcome, &next, started, ended)
    }

    /// One poll, before which another of the other endpoint has ended. At first it ends meanwhile, where it is
    /// one whose answer is waited for; where it is not, it has yet to be polled.
    async fn tick(&mut self, other_answers: bool, is_first: bool) -> Next {
        let (other, takes) = (self.other, self.other_takes);
        let (board, place) = (self.board.clone(), self.other_place);
        let other_ends = || {
            let feed = other_feed(other, other_answers);
            board.publish(place, feed);
        };
        self.model.other_answers = other_answers;
        if !is_first {
            other_ends();
            return self.poller.tick().await;
        }
        if other.need == Need::Required {
            let meanwhile = async {
                tokio::time::sleep(takes).await;
                other_ends();
            };
            return tokio::join!(self.poller.tick(), meanwhile).0;
        }
        self.model.other_answers = false;
        let next = self.poller.tick().await;
        other_ends();
        next
    }

    /// The poll was given up: because its day was over, so that it left no trace, or for its length.
    fn broken_off(&mut self, before: &Arc<Feed>, readings: &[Now], next: &Next) -> Verdict {
        let (started, ended) = (readings[0], *readings.last().unwrap());
        let feed = self.feed();
        if Arc::ptr_eq(before, &feed) {
            let mut readings = readings.iter();
            let is_moot = readings.any(|now| self.model.is_day_over(started, now.wall));
            prop_assert!(is_moot, "given up within its day");
            prop_assert_eq!(next.remaining(ended), Duration::ZERO);
            return Ok(());
        }
        let limit = self.model.good_for.max(Duration::from_secs(300));
        prop_assert!(ended.mono - started.mono >= limit, "given up too soon");
        prop_assert_eq!(feed.failure().map(Error::class), Some(Class::Network));
        let outcome = feed.last_poll.as_ref().unwrap().outcome.clone();
        self.ended(outcome, next, started, ended)
    }

    fn ended(&mut self, outcome: PollOutcome, next: &Next, started: Now, ended: Now) -> Verdict {
        let feed = self.feed();
        let told = feed.last_poll.as_ref().unwrap();
        prop_assert_eq!(&told.outcome, &outcome);
        self.model.check_next(next, started, ended, &outcome)?;
        if outcome == PollOutcome::NotServed {
            self.model.last_good = None;
        }
        self.model.last_poll = Some(outcome);
        Ok(())
    }
}

/// How an endpoint stands of which no more matters than whether Desk answers it.
fn other_feed(endpoint: &'static Endpoint, answers: bool) -> Feed {
    let outcome = match answers {
        true => PollOutcome::Good,
        false => PollOutcome::Failed(Error::new(Class::Server, "as the script says")),
    };
    // It began after whatever is refused, so that nothing is left open.
    let last_poll = LastPoll {
        ended: Timestamp::MAX,
        took: Duration::ZERO,
        outcome,
    };
    Feed {
        last_poll: Some(last_poll),
        ..Feed::new(endpoint, Duration::ZERO)
    }
}

/// Time that passes for both clocks, or a jump of the one.
fn either(left: SignedDuration, by_jump: bool) -> (Duration, SignedDuration) {
    match by_jump {
        true => (Duration::ZERO, left),
        false => (left.try_into().unwrap_or_default(), SignedDuration::ZERO),
    }
}

async fn play(history: &History, meters: Arc<Meters>) -> Verdict {
    let mut play = Play::new(history, meters.clone());
    for (serial, step) in history.steps.iter().enumerate() {
        play.step(step, serial + 1).await?;
    }
    if history.steps.len().is_multiple_of(8) {
        check_own_page(&play, &meters)?;
    }
    Ok(())
}

/// The variant that is its own plain text.
const PLAIN: Variant = Variant {
    format: Format::Text,
    coding: Coding::Identity,
};

fn text(piece: &Piece) -> String {
    String::from_utf8(PLAIN.coding.join(&[piece]).concat()).unwrap()
}

/// The exporter's own metrics say the same.
fn check_own_page(play: &Play, meters: &Meters) -> Verdict {
    let (feed, now) = (play.feed(), play.clocks.peek());
    let endpoint = play.model.wording.endpoint;
    let text = text(&meters.piece(PLAIN, std::slice::from_ref(&feed), now));
    let value = |series: &str| {
        let mut lines = text.lines();
        let found = lines.find_map(|line| line.strip_prefix(&format!("tencent_desk_{series} ")));
        found.map(str::to_owned)
    };
    let of_endpoint = |metric| value(&format!("{metric}{{endpoint=\"{}\"}}", endpoint.name()));
    let is_served = play.model.last_poll != Some(PollOutcome::NotServed);
    let up = u8::from(play.model.is_up(now)).to_string();
    prop_assert_eq!(value("up"), Some(up.clone()));
    prop_assert_eq!(of_endpoint("exporter_endpoint_up"), is_served.then_some(up));
    let has_interval = of_endpoint("exporter_poll_interval_seconds").is_some();
    prop_assert_eq!(has_interval, is_served);
    let has_succeeded = of_endpoint("exporter_last_success_timestamp_seconds").is_some();
    prop_assert_eq!(has_succeeded, play.model.last_good.is_some());

    let shown = feed.shown(now);
    let agents = shown.filter(|_| endpoint.need == Need::Required);
    let agents = agents.map_or(0, |page| page.snapshot().count(0));
    prop_assert_eq!(value("exporter_agents"), Some(agents.to_string()));
    let is_of_today = endpoint.interval == Interval::Poll;
    let is_shown = shown.is_some_and(|page| !page.snapshot().is_empty());
    let has_day = value("day_start_timestamp_seconds").is_some();
    prop_assert_eq!(has_day, is_of_today && is_shown);
    Ok(())
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        // What once failed is tried first from then on: commit the file.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/histories/regressions",
        ))),
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    }
}

fn play_some(cases: u32) {
    let meters = Arc::new(Meters::new(ENDPOINTS, Timestamp::UNIX_EPOCH).unwrap());
    let outcome = TestRunner::new(config(cases)).run(&histories(), |history| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(&history, meters.clone()))
    });
    if let Err(why) = outcome {
        panic!("{why}");
    }
}

#[test]
fn a_scrape_shows_one_good_answer_of_today_or_nothing() {
    let _shared = RENDERING.read();
    thread::scope(|scope| {
        for _ in 0..PARTS {
            scope.spawn(|| play_some(HISTORIES / PARTS));
        }
    });
}
