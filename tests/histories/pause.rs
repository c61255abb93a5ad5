//! A refusal for the rate, or of a kind that asks to be left alone, stops all pollers until it is over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::time::Instant;

use tencent_desk_exporter::base::clock::{DayWindow, Window};
use tencent_desk_exporter::catalog::ENDPOINTS;
use tencent_desk_exporter::desk::call::Call;
use tencent_desk_exporter::desk::{Answer as Told, Error, Fetch};
use tencent_desk_exporter::exposition::page::Demand;
use tencent_desk_exporter::poll::{Plan, Poller, Report, Shared};
use tencent_desk_exporter::status::board::{Board, Feed};
use tencent_desk_exporter::status::meters::Meters;

use crate::wordings::WORDINGS;
use crate::{Clocks, config, told};

/// The rate, for all and for one endpoint, and a signature that was tried too often.
const REFUSALS: [i64; 3] = [60007, 141_009, 70050];

/// After three refusals all have been asked again by then.
const LONG: Duration = Duration::from_secs(2400);

/// A Desk that refuses some of the polls, which are counted from 0 over all endpoints.
#[derive(Debug)]
struct Refusing {
    refusals: Vec<(usize, i64)>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    polls: usize,
    /// Polls that began in a pause.
    hasty: Vec<&'static str>,
    /// Which endpoints were asked since the last pause began.
    since: BTreeSet<&'static str>,
    paused_until: Option<Instant>,
}

impl Seen {
    fn paused_for(&self) -> Duration {
        let until = self.paused_until;
        until.map_or(Duration::ZERO, |until| until - Instant::now())
    }
}

impl Fetch for Refusing {
    async fn fetch(&self, calls: &'static [Call], window: &Window) -> Result<Told, Error> {
        let name = calls[0].command;
        let poll = {
            let mut seen = self.seen.lock().unwrap();
            if !seen.paused_for().is_zero() {
                seen.hasty.push(name);
            }
            seen.since.insert(name);
            seen.polls += 1;
            seen.polls - 1
        };
        tokio::time::sleep(Duration::from_millis(70)).await;
        if let Some((_, code)) = self.refusals.iter().find(|(refused, _)| *refused == poll) {
            return Err(Error::refused(*code, "as the script says"));
        }
        let mut wordings = WORDINGS.iter();
        let wording = wordings.find(|wording| wording.endpoint.name() == name);
        let date = window.day().map(DayWindow::date);
        Ok(told(calls, &wording.unwrap().bodies(&[], poll, date)))
    }

    fn user_sig_expiry(&self) -> Option<Timestamp> {
        None
    }

    fn pause(&self, time: Duration) {
        let mut seen = self.seen.lock().unwrap();
        let until = Instant::now() + time;
        seen.paused_until = seen.paused_until.max(Some(until));
        seen.since.clear();
    }

    fn paused_for(&self) -> Duration {
        self.seen.lock().unwrap().paused_for()
    }
}

/// All endpoints are polled, each at one of these intervals.
async fn polled(desk: Arc<Refusing>, intervals: &[u64]) {
    let clocks = Arc::new(Clocks {
        origin: Instant::now(),
        start: "2026-11-23T02:00:00Z".parse().unwrap(),
        hands: Mutex::default(),
    });
    let now = clocks.peek();
    let intervals: Vec<_> = intervals.iter().copied().map(Duration::from_secs).collect();
    let plans: Vec<_> = ENDPOINTS.iter().zip(intervals).enumerate().collect();
    let feeds = plans.iter();
    let feeds = feeds.map(|(_, (endpoint, interval))| Feed::new(endpoint, *interval));
    let board = Arc::new(Board::new(feeds.collect(), now));
    let shared = Arc::new(Shared {
        clock: clocks,
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        labels: Arc::default(),
        meters: Arc::new(Meters::new(ENDPOINTS, Timestamp::UNIX_EPOCH).unwrap()),
        board,
        demand: Arc::new(Demand::new(now)),
        report: Report::default(),
    });
    for (place, (endpoint, interval)) in plans {
        let plan = Plan {
            endpoint,
            place,
            interval,
            good_for: LONG,
        };
        tokio::spawn(Poller::new(plan, desk.clone(), shared.clone()).run());
    }
    tokio::time::sleep(LONG).await;
}

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn a_refusal_for_the_rate_stops_all_pollers_until_it_is_over(
        refusals in btree_map(0..30_usize, select(&REFUSALS), 1..=3),
        intervals in proptest::collection::vec(select(vec![5_u64, 15, 60, 300]), ENDPOINTS.len()),
    ) {
        let desk = Arc::new(Refusing {
            refusals: refusals.into_iter().collect(),
            seen: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let _alone = crate::RENDERING.write();
        runtime.block_on(polled(desk.clone(), &intervals));
        let seen = desk.seen.lock().unwrap();
        prop_assert!(seen.paused_until.is_some());
        prop_assert!(seen.hasty.is_empty(), "asked in a pause: {:?}", seen.hasty);
        prop_assert_eq!(seen.since.len(), ENDPOINTS.len(), "asked again: {:?}", seen.since);
    }
}
