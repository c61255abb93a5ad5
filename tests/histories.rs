//! However clocks and Desk behave, a scrape shows one good answer of the present day, or nothing.
//!
//! Random histories drive [`Poller::tick`] with scripted clocks and scripted answers, in paused time
//! and without sockets. Beside it runs a model of the contract that is too simple to be wrong: the
//! last good answer, the date on which its poll started, and what both clocks said when it ended.
//! After every poll, and at instants between polls, what is exposed must be exactly what the model
//! says, in both directions: nothing that it does not allow, and everything that it does.

// Outside `#[test]` functions too: that is how tests fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRunner};

use tencent_desk_exporter::base::clock::{Clock, DayWindow, Now, Window};
use tencent_desk_exporter::catalog::StatusNames;
use tencent_desk_exporter::catalog::agents::ENDPOINT;
use tencent_desk_exporter::desk::call::{Call, Start};
use tencent_desk_exporter::desk::{Answer as Told, Class, Error, reply};
use tencent_desk_exporter::exposition::coding::{Coding, Piece};
use tencent_desk_exporter::exposition::page::Demand;
use tencent_desk_exporter::exposition::{Format, Variant};
use tencent_desk_exporter::poll::schedule::Next;
use tencent_desk_exporter::poll::{Fetch, Plan, Poller, Shared};
use tencent_desk_exporter::status::board::{Board, Feed};
use tencent_desk_exporter::status::meters::Meters;

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

/// How a poll ends.
#[derive(Debug, Clone)]
enum Answer {
    /// With these rows: an agent's number, or none where the row has no id.
    Good(Vec<Option<u8>>),
    Fails(Class),
    /// With an error code of Desk's.
    Refused(i64),
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
    scrapes: Vec<Gap>,
}

#[derive(Debug, Clone)]
struct History {
    zone: &'static str,
    start: Timestamp,
    interval: Duration,
    max_staleness: Duration,
    steps: Vec<Step>,
}

fn histories() -> impl Strategy<Value = History> {
    let times = (0..1_500_000_000_i64, any::<bool>(), 0..100_000_i64);
    let interval = select(vec![1_u64, 5, 60, 60, 600]);
    (select(&ZONES), times, interval, 0..4_u64, several_steps()).prop_map(
        |(zone, times, interval, more, steps)| History {
            zone,
            start: start(zone, times),
            interval: Duration::from_secs(interval),
            max_staleness: Duration::from_secs(interval * (more + 1) + 37 * more),
            steps,
        },
    )
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
        vec(gaps(), 0..3),
    )
        .prop_map(|(before, during, slip, answer, scrapes)| Step {
            before,
            during,
            slip,
            answer,
            scrapes,
        })
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
    clocks: Arc<Clocks>,
    stage: Arc<Mutex<Stage>>,
}

#[derive(Debug, Default)]
struct Stage {
    during: Vec<Movement>,
    answer: Option<Answer>,
    serial: usize,
    asked: Option<DayWindow>,
    /// How often the clocks had been read when the answer was given.
    answered_at: Option<usize>,
}

impl Fetch for Script {
    async fn fetch(&self, _: &'static [Call], window: &Window) -> Result<Told, Error> {
        let (during, answer, serial) = {
            let mut stage = self.stage.lock().unwrap();
            stage.asked = window.day().copied();
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
            Answer::Good(rows) => Ok(told(&rows, serial)),
            other => Err(failure(&other).unwrap()),
        }
    }

    fn user_sig_expiry(&self) -> Option<Timestamp> {
        None
    }

    fn pause(&self, _: Duration) {}

    fn paused_for(&self) -> Duration {
        Duration::ZERO
    }
}

fn failure(answer: &Answer) -> Option<Error> {
    match answer {
        Answer::Good(_) | Answer::Never => None,
        Answer::Fails(class) => Some(Error::new(*class, "as the script says")),
        Answer::Refused(code) => Some(Error::refused(*code, "as the script says")),
    }
}

/// Each row of each answer has a number that no other row has.
fn number(serial: usize, row: usize) -> usize {
    serial * 100 + row
}

fn told(rows: &[Option<u8>], serial: usize) -> Told {
    let data: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(row, agent)| {
            let n = number(serial, row);
            let id = agent.map_or_else(|| "null".to_owned(), |agent| format!("\"a{agent}\""));
            format!(r#"{{"AgentId":{id},"AgentNickName":"n{n}","TotalMsgCnt":{n}}}"#)
        })
        .collect();
    let body = format!(
        r#"{{"ErrorCode":0,"TotalCount":{},"Data":[{}]}}"#,
        rows.len(),
        data.join(",")
    );
    let page = reply::decode(&ENDPOINT.calls[0], Start::default(), body.as_bytes()).unwrap();
    Told {
        tables: page.tables,
        ..Told::default()
    }
}

/// The samples of that: of an agent's rows the last one.
fn samples(rows: &[Option<u8>], serial: usize) -> Vec<String> {
    let by_agent: BTreeMap<u8, usize> = rows
        .iter()
        .enumerate()
        .filter_map(|(row, agent)| Some(((*agent)?, number(serial, row))))
        .collect();
    let infos = by_agent.iter().map(|(agent, n)| {
        format!(r#"tencent_desk_agent_info{{agent_id="a{agent}",nickname="n{n}"}} 1"#)
    });
    let messages = by_agent
        .iter()
        .map(|(agent, n)| format!(r#"tencent_desk_agent_messages{{agent_id="a{agent}"}} {n}"#));
    infos.chain(messages).collect()
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
    zone: TimeZone,
    interval: Duration,
    max_staleness: Duration,
    last_good: Option<Good>,
    /// How the last poll failed, if it did; outside, whether there was one.
    last_poll: Option<Option<Error>>,
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
        by_mono <= self.max_staleness
            && by_wall <= SignedDuration::try_from(self.max_staleness).unwrap()
    }

    /// What a scrape at `now` shows: exactly what it must.
    fn check_scrape(&self, feed: &Feed, now: Now) -> Verdict {
        let expected = self
            .last_good
            .as_ref()
            .filter(|good| good.date == self.date(now.wall) && self.is_fresh(good, now))
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
        matches!(self.last_poll, Some(None))
            && last_good.is_some_and(|good| self.is_fresh(good, now))
    }

    /// The day that was asked for is that on which the poll started, whole.
    fn check_asked(&self, asked: &DayWindow, started: Now) -> Verdict {
        let second = |second| self.date(Timestamp::from_second(second).unwrap());
        let date = self.date(started.wall);
        prop_assert_eq!(second(asked.from_second()), date);
        prop_assert_eq!(second(asked.to_second()), date);
        prop_assert!(second(asked.from_second() - 1) < date);
        prop_assert!(second(asked.to_second() + 1) > date);
        Ok(())
    }

    /// When the next poll is due, seen from the end of the last one.
    fn check_next(
        &self,
        next: &Next,
        started: Now,
        ended: Now,
        failure: Option<&Error>,
    ) -> Verdict {
        let remaining = next.remaining(ended);
        let date = self.date(ended.wall);
        if date != self.date(started.wall) {
            prop_assert_eq!(remaining, Duration::ZERO, "it is another day");
            return Ok(());
        }
        let due = ended.wall + remaining;
        let is_within = remaining.is_zero() || self.date(due - 1.nanosecond()) == date;
        prop_assert!(is_within, "due after midnight: {}", due);
        if self.date(due) != date {
            return Ok(());
        }
        let since = |wall: SignedDuration, mono: Duration| {
            mono.max(Duration::try_from(wall).unwrap_or_default())
        };
        let took = since(
            ended.wall.duration_since(started.wall),
            ended.mono.duration_since(started.mono),
        );
        let regular = self.interval.saturating_sub(took);
        match failure.map(Error::class) {
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
}

/// One history under way.
struct Play {
    model: Model,
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
        let script = Script {
            clocks: clocks.clone(),
            stage: Arc::clone(&stage),
        };
        let plan = Plan {
            endpoint: &ENDPOINT,
            place: 0,
            interval: history.interval,
            good_for: history.max_staleness,
        };
        let now = clocks.peek();
        let board = Board::new(vec![Feed::new(&ENDPOINT, history.interval)], now);
        let board = Arc::new(board);
        let shared = Shared::new(
            clocks.clone(),
            zone.clone(),
            StatusNames::new(),
            meters,
            board.clone(),
            Arc::new(Demand::new(now)),
        );
        let poller = Poller::new(plan, Arc::new(script), Arc::new(shared));
        Self {
            model: Model {
                zone,
                interval: history.interval,
                max_staleness: history.max_staleness,
                last_good: None,
                last_poll: None,
            },
            clocks,
            stage,
            poller,
            board,
            next: None,
        }
    }

    fn feed(&self) -> Arc<Feed> {
        self.board.feed(0).unwrap()
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
                let limit = SignedDuration::try_from(self.model.max_staleness).unwrap();
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
        let next = self.poller.tick().await;
        self.clocks.expect_slip(None);
        self.next = Some(next);

        let readings = self.clocks.take_readings();
        let (started, ended) = (readings[0], *readings.last().unwrap());
        let stage = std::mem::take(&mut *self.stage.lock().unwrap());
        self.model.check_asked(&stage.asked.unwrap(), started)?;
        let Some(answered_at) = stage.answered_at else {
            return self.broken_off(&before, &readings, &next);
        };
        let failure = failure(&step.answer);
        if let Answer::Good(rows) = &step.answer {
            self.model.last_good = Some(Good {
                samples: samples(rows, serial),
                date: self.model.date(started.wall),
                ended: readings[answered_at],
            });
        }
        self.ended(failure, &next, started, ended)
    }

    /// The poll was given up: because its day was over, so that it left no trace, or for its length.
    fn broken_off(&mut self, before: &Arc<Feed>, readings: &[Now], next: &Next) -> Verdict {
        let (started, ended) = (readings[0], *readings.last().unwrap());
        let feed = self.feed();
        if Arc::ptr_eq(before, &feed) {
            let day = self.model.date(started.wall);
            let is_moot = readings.iter().any(|now| self.model.date(now.wall) != day);
            prop_assert!(is_moot, "given up within its day");
            prop_assert_eq!(next.remaining(ended), Duration::ZERO);
            return Ok(());
        }
        let limit = self.model.max_staleness.max(Duration::from_secs(300));
        prop_assert!(ended.mono - started.mono >= limit, "given up too soon");
        let failure = feed.failure().cloned();
        prop_assert_eq!(failure.as_ref().map(Error::class), Some(Class::Network));
        self.ended(failure, next, started, ended)
    }

    fn ended(&mut self, failure: Option<Error>, next: &Next, started: Now, ended: Now) -> Verdict {
        let feed = self.feed();
        let told = feed.last_poll.as_ref().unwrap();
        prop_assert_eq!(feed.failure(), failure.as_ref());
        prop_assert_eq!(told.next, ended.wall + next.remaining(ended));
        self.model
            .check_next(next, started, ended, failure.as_ref())?;
        self.model.last_poll = Some(failure);
        Ok(())
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
    let text = text(&meters.piece(PLAIN, std::slice::from_ref(&feed), now));
    let up = u8::from(play.model.is_up(now));
    let up = format!("\ntencent_desk_up {up}\n");
    prop_assert!(text.contains(&up), "{}", text);
    let agents = feed.shown(now).map_or(0, |page| page.snapshot().count(0));
    let agents_line = format!("\ntencent_desk_exporter_agents {agents}\n");
    prop_assert!(text.contains(&agents_line), "{}", text);
    let has_day = text.contains("\ntencent_desk_day_start_timestamp_seconds ");
    prop_assert_eq!(has_day, agents > 0);
    Ok(())
}

fn play_some(cases: u32) {
    let meters = Arc::new(Meters::new(&[&ENDPOINT], Timestamp::UNIX_EPOCH).unwrap());
    let config = Config {
        cases,
        // What once failed is tried first from then on: commit the file.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/histories.proptest-regressions",
        ))),
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&histories(), |history| {
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
    thread::scope(|scope| {
        for _ in 0..PARTS {
            scope.spawn(|| play_some(HISTORIES / PARTS));
        }
    });
}
