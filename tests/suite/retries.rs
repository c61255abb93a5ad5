//! When Desk is asked again after a failure, by its class: promise 5 of the contract. Told by how many
//! requests came and by how far apart they are at least, never with a stop-watch: a busy machine stretches
//! every pause and shortens none, so what has to come soon is waited for until it does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::desk::{Count, Desk, Reply, Request};
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup, logfmt};
use crate::support::page::Page;
use crate::support::rows;
use crate::support::wall::Wall;

/// A Desk of one agent that only ever replies so.
fn desk_that(reply: Reply) -> Desk {
    let desk = Desk::with(rows::agents(1));
    desk.always(reply);
    desk
}

fn wait_for_requests(desk: &Desk, count: usize) {
    let came = eventually(|| (desk.asked() >= count).then_some(()));
    assert!(came.is_some(), "{} of {count} requests", desk.asked());
}

/// How often [`Setup::busily`] polls.
const INTERVAL: Duration = Duration::from_secs(1);

/// The times between one request and the next.
fn gaps(desk: &Desk) -> Vec<Duration> {
    let requests = desk.requests();
    let gap = |pair: &[Request]| pair[1].at - pair[0].at;
    requests.windows(2).map(gap).collect()
}

fn polls(page: &Page) -> f64 {
    page.own("exporter_polls_total", &[]).unwrap()
}

#[test]
fn within_a_poll_only_what_may_pass_is_asked_again_and_not_for_ever() {
    let html = || Reply::body("<html>");
    let status = |code| Reply::Status(code, vec![], String::new());
    for (name, requests, reply) in [
        ("reset", 3, Reply::Reset),
        ("503", 3, Reply::Status(503, vec![], String::new())),
        ("141002", 3, Reply::Error(141_002)),
        ("141009", 1, Reply::Error(141_009)),
        ("70009", 1, Reply::Error(70_009)),
        ("70050", 1, Reply::Error(70_050)),
        ("141000", 1, Reply::Error(141_000)),
        ("HTML", 1, html()),
        ("302", 1, status(302)),
        ("400", 1, status(400)),
        ("401", 1, status(401)),
        ("403", 1, status(403)),
        ("404", 1, status(404)),
        ("407", 1, status(407)),
        ("429", 1, status(429)),
    ] {
        let desk = desk_that(reply);
        let exporter = Setup::of(&desk).start();
        let page = exporter.after_first_poll();
        assert_eq!((polls(&page), desk.asked()), (1.0, requests), "{name}");
    }
}

#[test]
fn a_poll_over_many_pages_asks_again_for_some_of_them_only() {
    let desk = Desk::with(rows::agents(4000));
    let failed_once = Mutex::new(BTreeSet::new());
    desk.on_request(
        move |_, request| match failed_once.lock().unwrap().insert(request.offset()) {
            true => Reply::Error(141_002),
            false => Reply::Normal,
        },
    );
    let setup = Setup::of(&desk).set("REQUESTS_PER_SECOND", "1000");
    let page = setup.start().after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0));
    assert!(page.agents().is_empty());
    assert!(desk.asked() < 60, "{} requests", desk.asked());
}

#[test]
fn after_a_poll_that_failed_by_chance_the_next_does_not_wait_for_the_interval() {
    for reply in [Reply::Error(141_002), Reply::Reset] {
        let desk = desk_that(reply);
        let exporter = Setup::of(&desk).start();
        exporter.after_first_poll();
        desk.always(Reply::Normal);
        exporter.wait_until_up();
    }
}

#[test]
fn a_rate_limit_is_waited_out_ever_longer_and_other_classes_keep_the_interval() {
    let limited = desk_that(Reply::Error(141_009));
    let others = [70_009, 141_000, 99_999].map(|code| desk_that(Reply::Error(code)));
    let _exporters: Vec<Exporter> = std::iter::once(&limited)
        .chain(&others)
        .map(|desk| Setup::busily(desk).start())
        .collect();
    wait_for_requests(&limited, 4);

    let pauses = gaps(&limited);
    for (pause, least) in pauses.iter().zip([2, 4, 8]) {
        assert!(*pause >= least * INTERVAL, "{pauses:?}");
    }
    for desk in &others {
        let is_regular = |pause: &Duration| *pause < 3 * INTERVAL / 2;
        let regular = eventually(|| gaps(desk).iter().any(is_regular).then_some(()));
        assert!(
            regular.is_some(),
            "later than the interval: {:?}",
            gaps(desk)
        );
        wait_for_requests(desk, 9);
        // The first may be seen when its poll is nearly over, so that much less than an interval is left.
        let quickest = desk.shortest_time_of(9);
        assert!(quickest >= 7 * INTERVAL, "nine polls in {quickest:?}");
    }
}

#[test]
fn a_wish_to_be_left_alone_is_heeded() {
    for (status, class) in [(429, "rate_limited"), (503, "network")] {
        let desk = desk_that(Reply::Status(
            status,
            vec![("Retry-After", "4".to_owned())],
            String::new(),
        ));
        let exporter = Setup::busily(&desk).start();
        let page = exporter.after_first_poll();
        let failures = page.own("exporter_poll_failures_total", &[("class", class)]);
        assert_eq!(failures, Some(1.0), "{page}");
        wait_for_requests(&desk, 3);
        let pauses = gaps(&desk);
        assert!(
            pauses.iter().all(|pause| *pause >= 4 * INTERVAL),
            "{pauses:?}"
        );
    }
}

#[test]
fn after_70050_desk_is_left_alone_for_a_minute() {
    let refused = desk_that(Reply::Error(70_009));
    let angry = Desk::with(rows::agents(1));
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    wall.rule(&angry);
    let (clock, came) = (wall.clone(), Arc::new(Mutex::new(Vec::new())));
    angry.on_request({
        let came = Arc::clone(&came);
        move |_, _| {
            came.lock().unwrap().push(clock.now());
            Reply::Error(70_050)
        }
    });
    let _refused = Setup::busily(&refused).start();
    let exporter = wall.over(Setup::busily(&angry)).start();
    exporter.after_first_poll();
    // The interval passes often, then most of the minute; and it would be seen if that were enough.
    wait_for_requests(&refused, refused.asked() + 5);
    wall.jump(40);
    wait_for_requests(&refused, refused.asked() + 3);
    wall.jump(60);
    wait_for_requests(&angry, 2);
    let came = came.lock().unwrap();
    let pause = came[1].duration_since(came[0]);
    assert!(pause.as_secs() >= 60, "left alone for {pause:#}");
}

#[test]
fn a_signature_that_has_expired_is_made_anew_at_once_and_once() {
    for code in [70_001, 70_052, 70_347] {
        let desk = Desk::with(rows::agents(1));
        let exporter = Setup::busily(&desk).start();
        exporter.wait_until_up();
        let expired = desk.requests()[0].user_sig();
        desk.on_request(move |_, request| match request.user_sig() == expired {
            true => Reply::Error(code),
            false => Reply::Normal,
        });
        wait_for_requests(&desk, desk.asked() + 4);
        let page = exporter.page();
        let class = [("class", "credentials")];
        assert_eq!(page.own("exporter_poll_failures_total", &class), Some(0.0));
        let endpoint = ("endpoint", "describe_agent_statistics");
        let refused = page.own("exporter_request_failures_total", &[endpoint, class[0]]);
        assert_eq!(refused, Some(1.0), "{page}");

        let desk = desk_that(Reply::Error(code));
        let page = Setup::of(&desk).start().after_first_poll();
        assert_eq!((polls(&page), desk.asked()), (1.0, 2), "{code}");
        let desk = desk_that(Reply::Error(code));
        desk.expect_refusals();
        let given = Setup::of(&desk).unset("SECRET_KEY").set("USER_SIG", "old");
        let page = given.start().after_first_poll();
        assert_eq!((polls(&page), desk.asked()), (1.0, 1), "{code}, given");
    }
}

#[test]
fn what_is_asked_again_keeps_the_pace_too() {
    let desk = Desk::with(rows::agents(600));
    desk.on_request(|n, _| match n % 3 {
        0 => Reply::Error(141_002),
        1 => Reply::Reset,
        _ => Reply::Normal,
    });
    let setup = Setup::busily(&desk).set("REQUESTS_PER_SECOND", "4");
    let _exporter = setup.start();
    wait_for_requests(&desk, 30);
    let quickest = desk.shortest_time_of(5);
    assert!(quickest >= Duration::from_secs(1), "five in {quickest:?}");
}

#[test]
fn the_log_has_a_line_for_each_change_of_state() {
    let desk = desk_that(Reply::Error(70_009));
    let exporter = Setup::busily(&desk).start();
    let told = |what: &str| -> Vec<_> {
        let lines = exporter.log().into_iter().map(|line| logfmt(&line));
        lines
            .filter(|line| line.get("message").is_some_and(|said| said == what))
            .collect()
    };
    let some_polls_more = || {
        let before = polls(&exporter.page());
        exporter.wait_for("more polls", |page| polls(page) > before + 3.0);
    };
    some_polls_more();
    assert_eq!(told("polls fail").len(), 1, "{}", exporter.output());
    desk.always(Reply::Error(141_000));
    some_polls_more();
    desk.always(Reply::Normal);
    some_polls_more();
    assert_eq!(
        told("polls succeed again").len(),
        1,
        "{}",
        exporter.output()
    );
    desk.always(Reply::body("<html>"));
    some_polls_more();

    let failures = told("polls fail");
    let classes: Vec<_> = failures.iter().map(|line| line["class"].as_str()).collect();
    assert_eq!(classes, ["credentials", "configuration", "protocol"]);
    assert!(failures[0]["reason"].contains("70009"), "{failures:?}");
    assert!(failures[0]["advice"].contains("TENCENT_DESK_SECRET_KEY"));
    assert!(failures.iter().all(|line| line["level"] == "warn"));
}

#[test]
fn a_gap_in_desks_rows_is_told_when_it_opens_and_when_it_closes() {
    let desk = Desk::with(rows::agents(2));
    let exporter = Setup::busily(&desk).start();
    let gap_of =
        |rows: f64| move |page: &Page| page.own("exporter_missing_rows", &[]) == Some(rows);
    for (count, gap) in [(5, 3.0), (6, 4.0), (2, 0.0)] {
        desk.count(Count::Always(count));
        exporter.wait_for("another gap", gap_of(gap));
    }
    // A line is written before the page is shown, yet may be read after it.
    exporter.wait_for_output("as many rows as it promises again");
    let told = |what: &str| {
        exporter
            .log()
            .iter()
            .filter(|line| line.contains(what))
            .count()
    };
    assert_eq!(told("promises more rows than it gives"), 1);
    assert_eq!(told("as many rows as it promises again"), 1);
}
