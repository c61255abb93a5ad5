//! From page to page: every agent, none twice, none invented, however Desk counts.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::desk::{Count, Desk, Reply};
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::rows;

const MISSING_ROWS: &str = "exporter_missing_rows";

fn ids(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(rows::nth_id).collect()
}

/// One good poll of this Desk, at a pace that costs the tests no time.
fn polled(desk: &Desk) -> Page {
    quick(desk).start().wait_until_up()
}

fn quick(desk: &Desk) -> Setup {
    Setup::of(desk).set("REQUESTS_PER_SECOND", "100")
}

/// One poll that ends badly, although every answer came in good order.
fn failed(desk: &Desk) -> Page {
    let page = quick(desk).start().after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0), "{page}");
    let class = [("class", "protocol")];
    let failures = page.own("exporter_poll_failures_total", &class);
    assert!(failures >= Some(1.0), "{page}");
    page
}

#[test]
fn two_hundred_and_fifty_agents_are_three_requests() {
    let desk = Desk::with(rows::agents(250));
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=250));
    assert_eq!(page.own("exporter_agents", &[]), Some(250.0));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(0.0));
    assert_eq!(page.agent(&rows::nth_id(250), "sessions"), Some(250.0));
    let mut offsets = desk.offsets();
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 100, 200]);
}

#[test]
fn a_thousand_agents_are_ten_requests_over_a_few_connections() {
    let desk = Desk::with(rows::agents(1000));
    let exporter = Setup::of(&desk).start();
    let page = exporter.wait_until_up();
    assert_eq!(page.agents(), ids(1..=1000));
    assert_eq!(desk.asked(), 10);
    assert!(
        desk.connections() <= 8,
        "{} connections",
        desk.connections()
    );
    assert!(desk.requests().iter().all(|r| r.json()["Limit"] == 100));
}

#[test]
fn every_request_has_a_random_number_of_its_own() {
    let desk = Desk::with(rows::agents(1000));
    polled(&desk);
    let randoms: BTreeSet<String> = desk
        .requests()
        .iter()
        .map(|r| r.parameter("random"))
        .collect();
    assert_eq!(randoms.len(), desk.asked());
}

#[test]
fn polls_share_a_connection_that_is_kept_alive() {
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::busily(&desk).start();
    exporter.wait_for("a second poll", |_| desk.asked() >= 2);
    let requests = desk.requests();
    assert_eq!(requests[0].connection, requests[1].connection);
}

#[test]
fn requests_keep_the_pace_over_any_second() {
    let desk = Desk::with(rows::agents(1000));
    let exporter = Setup::of(&desk).set("REQUESTS_PER_SECOND", "4").start();
    exporter.wait_until_up();
    let quickest = desk.shortest_time_of(5);
    assert!(quickest >= Duration::from_secs(1), "five in {quickest:?}");
}

#[test]
fn exactly_a_hundred_agents_are_asked_after_once() {
    let desk = Desk::with(rows::agents(100));
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=100));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(0.0));
    assert_eq!(desk.offsets(), [0, 100]);
}

#[test]
fn a_total_count_that_counts_the_page_loses_no_agent() {
    for count in [150, 250] {
        let desk = Desk::with(rows::agents(count));
        desk.count(Count::ThisPage);
        let page = polled(&desk);
        assert_eq!(page.agents(), ids(1..=count));
    }
}

#[test]
fn shorter_pages_than_asked_for_are_followed_from_where_they_end() {
    let desk = Desk::with(rows::agents(150));
    desk.cap_pages_at(60);
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=150));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(0.0));
    let offsets = desk.offsets();
    assert!(
        [0, 60, 120].iter().all(|o| offsets.contains(o)),
        "{offsets:?}"
    );
}

#[test]
fn a_total_count_that_is_too_high_twice_is_what_desk_means() {
    let desk = Desk::with(rows::agents(7));
    desk.count(Count::Always(10));
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=7));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(3.0));
    assert_eq!(desk.offsets().iter().filter(|o| **o == 0).count(), 2);
}

#[test]
fn a_total_count_that_changes_with_every_answer_is_no_answer() {
    let desk = Desk::with(rows::agents(3));
    desk.count(Count::Scripted(Box::new(|n| {
        1000 + i64::try_from(n).unwrap()
    })));
    let page = failed(&desk);
    assert_eq!(page.agents(), BTreeSet::new());
    assert!(desk.asked() < 60, "{} requests", desk.asked());
}

#[test]
fn a_desk_that_ignores_the_offset_neither_loops_nor_invents() {
    let desk = Desk::with(rows::agents(150));
    desk.ignore_offset();
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=100));
    assert_eq!(page.own("exporter_agents", &[]), Some(100.0));
    // What it lacks it lacks both times, so Desk means it.
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(50.0));
    assert_eq!(desk.offsets(), [0, 100, 0, 100]);
}

/// A Desk that writes an empty list as null.
fn null_behind(desk: &Desk, offset: u64, count: i64) {
    desk.on_request(move |_, request| match request.offset() {
        at if at < offset => Reply::Normal,
        _ => Reply::body(format!(
            r#"{{"ErrorCode":0,"TotalCount":{count},"Data":null}}"#
        )),
    });
}

#[test]
fn null_behind_the_last_full_page_is_its_end() {
    let desk = Desk::with(rows::agents(100));
    null_behind(&desk, 100, 100);
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=100));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(0.0));
    assert_eq!(desk.offsets(), [0, 100]);
}

#[test]
fn null_in_the_middle_loses_no_agent_silently() {
    let desk = Desk::with(rows::agents(250));
    null_behind(&desk, 100, 250);
    assert_eq!(failed(&desk).agents(), BTreeSet::new());
}

/// As the documents' own example has it: one row, and five are counted.
#[test]
fn null_behind_a_short_page_is_the_end_when_said_twice() {
    let desk = Desk::with(rows::agents(1));
    desk.count(Count::Always(5));
    null_behind(&desk, 1, 5);
    let page = polled(&desk);
    assert_eq!(page.agents(), ids(1..=1));
    assert_eq!(page.own(MISSING_ROWS, &[]), Some(4.0));
    assert_eq!(desk.offsets(), [0, 1, 0, 1]);
}

/// Pages without end, each of 15 MB or so.
fn endless(row: impl Fn(u64) -> String + Send + Sync + 'static) -> Desk {
    let desk = Desk::with(Vec::new());
    desk.on_request(move |_, request| {
        let rows: Vec<_> = (0..100).map(|n| row(request.offset() + n)).collect();
        Reply::body(rows::answer(1_000_000, &rows))
    });
    desk
}

#[test]
fn answers_without_measure_are_refused_within_little_memory() {
    let padding = "x".repeat(150_000);
    let name = padding[..120_000].to_owned();
    let id = "i".repeat(4000);
    let long_id = "i".repeat(1_000_000);
    for desk in [
        endless(move |n| format!(r#"{{"AgentId":"{n}","AgentNickName":"{name}"}}"#)),
        endless(move |n| format!(r#"{{"AgentId":"{n}","New":"{padding}"}}"#)),
        endless(move |n| format!(r#"{{"AgentId":"{id}{n}"}}"#)),
        endless(move |n| match n % 100 {
            0..15 => format!(r#"{{"AgentId":"{long_id}{n}"}}"#),
            _ => format!(r#"{{"AgentId":"{n}"}}"#),
        }),
    ] {
        // As where 1 GiB is all there is.
        let exporter = quick(&desk)
            .set("REQUEST_TIMEOUT", "60s")
            .through("ulimit -v 1048576; exec \"$@\"")
            .start();
        let page = exporter.after_first_poll();
        let failures = page.own("exporter_poll_failures_total", &[("class", "protocol")]);
        assert_eq!(failures, Some(1.0), "{page}\n{}", exporter.output());
    }
}

#[test]
fn a_desk_without_agents_is_a_good_answer() {
    let desk = Desk::with(Vec::new());
    let page = polled(&desk);
    assert_eq!(page.agents(), BTreeSet::new());
    assert_eq!(page.own("exporter_agents", &[]), Some(0.0));
    assert_eq!(page.own("day_start_timestamp_seconds", &[]), None);
    assert_eq!(desk.offsets(), [0]);
}

#[test]
fn chosen_agents_are_asked_for_by_an_array() {
    let desk = Desk::with(rows::agents(5));
    let wanted = format!("{},{}", rows::nth_id(2), rows::nth_id(4));
    let exporter = Setup::of(&desk).set("AGENT_IDS", wanted).start();
    let page = exporter.wait_until_up();
    assert_eq!(page.agents(), ids([2, 4]));
    let sent = &desk.requests()[0].json()["AgentIds"];
    assert_eq!(*sent, serde_json::json!([rows::nth_id(2), rows::nth_id(4)]));
}

#[test]
fn a_desk_that_ignores_the_choice_shows_no_other_agent() {
    for count in [Count::Matching, Count::Always(2)] {
        let desk = Desk::with(rows::agents(150));
        desk.ignore_filter();
        desk.count(count);
        let wanted = format!("{},{}", rows::nth_id(2), rows::nth_id(140));
        let page = quick(&desk)
            .set("AGENT_IDS", wanted)
            .start()
            .wait_until_up();
        assert_eq!(page.agents(), ids([2, 140]));
        assert_eq!(page.own("exporter_agents", &[]), Some(2.0));
        assert_eq!(page.own(MISSING_ROWS, &[]), Some(0.0));
        let discarded = |reason| page.own("exporter_discarded_rows_total", &[("reason", reason)]);
        assert_eq!(discarded("not_asked"), Some(148.0));
        assert_eq!(discarded("duplicate"), Some(0.0));
    }
}

#[test]
fn ids_that_match_no_agent_are_told_once() {
    let desk = Desk::with(rows::agents(2));
    let wanted = format!("{},slip@desk.example", rows::nth_id(1));
    let setup = Setup::busily(&desk).set("AGENT_IDS", wanted);
    let told = |text: &str| text.matches("slip@desk.example").count();
    let finished = setup.clone().args("check").run().expect_code(0);
    assert!(finished.stdout.contains("Warning"), "{}", finished.stdout);
    assert_eq!(told(&finished.stdout), 1, "{}", finished.stdout);

    let exporter = setup.start();
    exporter.wait_for("three polls", |page| {
        page.own("exporter_polls_total", &[]) >= Some(3.0)
    });
    assert_eq!(told(&exporter.output()), 1, "{}", exporter.output());
    desk.set_rows(Vec::new());
    exporter.wait_for("no agent", |page| page.agents().is_empty());
    // That there is none at all is told in a line of its own, with all that were asked for.
    exporter.wait_for_output("has no agent today");
    assert_eq!(exporter.output().matches(&rows::nth_id(1)).count(), 1);
}

#[test]
fn all_agents_are_asked_for_by_no_array_at_all() {
    let desk = Desk::with(rows::agents(1));
    polled(&desk);
    let body = desk.requests()[0].json();
    assert_eq!(body.get("AgentIds"), None);
    assert_eq!(
        (body["From"].as_i64().unwrap(), body["To"].as_i64().unwrap()),
        desk.today()
    );
}

#[test]
fn who_is_gone_from_desk_is_gone_from_the_page() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::busily(&desk).start();
    assert_eq!(exporter.wait_until_up().agents(), ids([1, 2, 3]));
    desk.set_rows(vec![rows::agent("newcomer"), rows::agents(2)[1].clone()]);
    let newcomer_is_there = |page: &Page| page.agents().contains("newcomer");
    let page = exporter.wait_for("the newcomer", newcomer_is_there);
    let left: BTreeSet<String> = ["newcomer".to_owned(), rows::nth_id(2)].into();
    assert_eq!(page.agents(), left);
}

#[test]
fn the_day_is_that_of_the_configured_zone() {
    for zone in ["Pacific/Auckland", "America/New_York", "Asia/Kolkata"] {
        let desk = Desk::with(rows::agents(1));
        desk.use_zone(zone);
        let exporter = Setup::of(&desk).set("TIME_ZONE", zone).start();
        let page = exporter.wait_until_up();
        let shown = page.own("day_start_timestamp_seconds", &[]).unwrap();
        assert_eq!(shown.to_string(), desk.today().0.to_string());
    }
}

#[test]
fn forty_scrapes_at_once_ask_desk_nothing() {
    let desk = Desk::with(rows::agents(150));
    let exporter: Exporter = quick(&desk).start();
    exporter.wait_until_up();
    let before = desk.asked();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(exporter.page().agents().len(), 150));
        }
    });
    assert_eq!(desk.asked(), before);
}
