//! Days end: what is shown, and asked, around midnight in zones whose days are not all alike, and when
//! the clock is set. The exporter lives under `faketime`, the fake Desk by the same clock.

use jiff::Timestamp;

use crate::support::desk::{Desk, Reply};
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::page::Page;
use crate::support::rows;
use crate::support::wall::Wall;

const NEW_YORK: &str = "America/New_York";
const BERLIN: &str = "Europe/Berlin";
const SHANGHAI: &str = "Asia/Shanghai";

/// An evening, how many hours its day has, and how many the next.
const EVENINGS: [(&str, &str, i64, i64); 4] = [
    (SHANGHAI, "2026-11-23", 24, 24),
    (NEW_YORK, "2026-11-01", 25, 24),
    (BERLIN, "2026-03-29", 23, 24),
    (BERLIN, "2026-03-28", 24, 23),
];

/// A Desk and an exporter that polls it once an hour, and both go by the same wall clock.
struct Night {
    wall: Wall,
    desk: Desk,
    exporter: Exporter,
}

impl Night {
    fn begin(civil: &str, zone: &str) -> Night {
        let desk = Desk::with(rows::agents(3));
        Night::of(desk, civil, zone, "1h")
    }

    fn of(desk: Desk, civil: &str, zone: &str, interval: &str) -> Night {
        let wall = Wall::at(civil, zone);
        wall.rule(&desk);
        desk.use_zone(zone);
        let setup = Setup::of(&desk)
            .set("TIME_ZONE", zone)
            .set("POLL_INTERVAL", interval)
            .set("REQUEST_TIMEOUT", "50s")
            .set("MAX_STALENESS", "3h");
        let exporter = wall.over(setup).start();
        Night {
            wall,
            desk,
            exporter,
        }
    }

    /// The days that were asked for, each once: first second and length in hours.
    fn days_asked_for(&self) -> Vec<(i64, i64)> {
        let window = |body: serde_json::Value| {
            let (from, to) = (body["From"].as_i64().unwrap(), body["To"].as_i64().unwrap());
            assert_eq!((to + 1 - from) % 3600, 0);
            (from, (to + 1 - from) / 3600)
        };
        let requests = self.desk.requests();
        let mut days: Vec<_> = requests.iter().map(|r| window(r.json())).collect();
        days.dedup();
        days
    }

    /// Scrapes on and on until a scrape has begun after `midnight`; holds each to its day.
    fn scrape_over(&self, midnight: Timestamp) {
        loop {
            let before = self.wall.now();
            let page = self.exporter.page();
            let after = self.wall.now();
            if after < midnight {
                assert_eq!(page.agents().len(), 3, "the day lasts: {page}");
            }
            if before >= midnight {
                assert!(page.agents().is_empty(), "yesterday's: {page}");
                assert_eq!(day_shown(&page), None);
                return;
            }
        }
    }

    fn wait_for_another_request(&self, asked: usize) {
        let came = eventually(|| (self.desk.asked() > asked).then_some(()));
        assert!(came.is_some(), "no request:\n{}", self.exporter.output());
    }

    fn wait_for_day(&self, start: i64) -> Page {
        self.exporter.wait_for("the agents of that day", |page| {
            day_shown(page) == Some(start)
        })
    }
}

fn day_shown(page: &Page) -> Option<i64> {
    let start = page.own("day_start_timestamp_seconds", &[])?;
    Some(start.to_string().parse().expect("a whole second"))
}

fn over_midnight(zone: &str, date: &str, hours: i64, hours_of_next: i64, after: Reply) {
    let night = Night::begin(&format!("{date}T23:30:00"), zone);
    let page = night.exporter.wait_until_up();
    assert_eq!(page.agents().len(), 3);
    let (start, last) = night.desk.today();
    assert_eq!(day_shown(&page), Some(start));
    let midnight = Timestamp::from_second(last + 1).unwrap();

    let asked = night.desk.asked();
    night.desk.always(after.clone());
    night.wall.set(&format!("{date}T23:59:57"), zone);
    night.scrape_over(midnight);
    // Half an hour before its time, because the day has ended.
    night.wait_for_another_request(asked);
    let next = (midnight.as_second(), hours_of_next);
    assert_eq!(night.days_asked_for(), [(start, hours), next]);

    if let Reply::Hang(gate) = &after {
        let page = night.exporter.page();
        assert!(page.agents().is_empty());
        assert_eq!(page.own("up", &[]), Some(1.0), "the last poll did succeed");
        gate.open();
        let page = night.wait_for_day(midnight.as_second());
        assert_eq!(page.agents().len(), 3);
        assert_eq!(page.own("up", &[]), Some(1.0));
    } else {
        let page = night
            .exporter
            .wait_for("up 0", |page| page.own("up", &[]) == Some(0.0));
        assert!(page.agents().is_empty(), "{page}");
        let last = page.own("exporter_last_success_timestamp_seconds", &[]);
        assert!(last < Some(midnight.as_second() as f64), "{page}");
    }
}

#[test]
fn yesterday_ends_at_midnight_while_the_next_poll_hangs() {
    std::thread::scope(|scope| {
        for (zone, date, hours, next) in EVENINGS {
            let hang = Reply::Hang(Gate::default());
            scope.spawn(move || over_midnight(zone, date, hours, next, hang));
        }
    });
}

#[test]
fn yesterday_ends_at_midnight_while_the_next_poll_fails() {
    std::thread::scope(|scope| {
        for (zone, date, hours, next) in EVENINGS {
            scope.spawn(move || over_midnight(zone, date, hours, next, Reply::Error(141_000)));
        }
    });
}

#[test]
fn a_poll_that_began_yesterday_is_not_shown_as_todays() {
    let desk = Desk::with(vec![rows::agent("of-yesterday")]);
    let yesterdays = Gate::default();
    let gate = yesterdays.clone();
    desk.on_request(move |n, _| match n {
        1 => Reply::Hang(gate.clone()),
        _ => Reply::Normal,
    });
    let night = Night::of(desk, "2026-11-23T23:00:00", SHANGHAI, "1h");
    night.wait_for_another_request(0);
    let (start, last) = night.desk.today();
    night.desk.set_rows(vec![rows::agent("of-today")]);
    night.wall.set("2026-11-24T00:00:10", SHANGHAI);
    yesterdays.open();
    let page = night.exporter.wait_for("today's agent", |page| {
        assert!(!page.agents().contains("of-yesterday"), "{page}");
        !page.agents().is_empty()
    });
    assert_eq!(day_shown(&page), Some(last + 1));
    assert_eq!(night.days_asked_for(), [(start, 24), (last + 1, 24)]);
}

#[test]
fn a_clock_set_forward_by_days_is_followed_at_once() {
    let night = Night::begin("2026-06-01T12:00:00", SHANGHAI);
    night.exporter.wait_until_up();
    let (start, _) = night.desk.today();
    let gate = Gate::default();
    night.desk.always(Reply::Hang(gate.clone()));
    night.wall.jump(3 * 86_400);
    assert!(night.exporter.page().agents().is_empty());
    gate.open();
    night.wait_for_day(start + 3 * 86_400);
}

#[test]
fn a_clock_set_back_by_days_is_followed_at_once() {
    let night = Night::begin("2026-06-03T12:00:00", SHANGHAI);
    night.exporter.wait_until_up();
    let (start, _) = night.desk.today();
    let gate = Gate::default();
    night.desk.always(Reply::Hang(gate.clone()));
    night.wall.jump(-2 * 86_400);
    assert!(night.exporter.page().agents().is_empty());
    gate.open();
    night.wait_for_day(start - 2 * 86_400);
}

#[test]
fn a_clock_set_back_within_the_day_neither_hides_nor_delays() {
    let desk = Desk::with(rows::agents(3));
    let night = Night::of(desk, "2026-06-03T12:00:00", SHANGHAI, "2s");
    night.exporter.wait_until_up();
    night.wall.jump(-6 * 3600);
    assert_eq!(night.exporter.page().agents().len(), 3);
    let asked = night.desk.asked();
    night.wait_for_another_request(asked + 1);
    assert_eq!(night.exporter.page().own("up", &[]), Some(1.0));
}

#[test]
fn a_clock_set_forward_within_the_day_makes_figures_old() {
    let night = Night::begin("2026-06-03T12:00:00", SHANGHAI);
    night.exporter.wait_until_up();
    night.desk.always(Reply::Error(141_000));
    night.wall.jump(7200);
    night
        .exporter
        .wait_for("a poll that is due by now", |page| {
            assert_eq!(page.agents().len(), 3, "two hours are not too old here");
            page.own("up", &[]) == Some(0.0)
        });
    night.wall.jump(7200);
    assert!(night.exporter.page().agents().is_empty(), "four are");
}
