//! When Desk is asked again after a failure, by its class: promise 5 of the contract. Told by how many
//! requests came and how far apart, compared with each other and never with a stop-watch.

use std::collections::BTreeSet;
use std::sync::Mutex;
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

/// The times between one request and the next, in seconds.
fn gaps(desk: &Desk) -> Vec<f64> {
    let requests = desk.requests();
    let gap = |pair: &[Request]| (pair[1].at - pair[0].at).as_secs_f64();
    requests.windows(2).map(gap).collect()
}

fn polls(page: &Page) -> f64 {
    page.own("exporter_polls_total", &[]).unwrap()
}

#[test]
fn within_a_poll_only_what_may_pass_is_asked_again_and_not_for_ever() {
    let html = || Reply::body("<html>");
    for (name, requests, reply) in [
        ("reset", 3, Reply::Reset),
        ("503", 3, Reply::Status(503, vec![], String::new())),
        ("141002", 3, Reply::Error(141_002)),
        ("141009", 1, Reply::Error(141_009)),
        ("70009", 1, Reply::Error(70_009)),
        ("70050", 1, Reply::Error(70_050)),
        ("141000", 1, Reply::Error(141_000)),
        ("HTML", 1, html()),
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
    assert!(
        pauses[0] > 1.5,
        "hardly later than the interval: {pauses:?}"
    );
    assert!(pauses[1] > 1.3 * pauses[0], "{pauses:?}");
    assert!(pauses[2] > 1.3 * pauses[1], "{pauses:?}");
    for desk in &others {
        let pauses = gaps(desk);
        assert!(pauses.len() > 6, "{pauses:?}");
        let mean = pauses.iter().sum::<f64>() / f64::from(u32::try_from(pauses.len()).unwrap());
        assert!(mean > 0.8, "sooner than the interval: {pauses:?}");
    }
}

#[test]
fn after_70050_desk_is_left_alone_for_a_minute() {
    let (refused, angry) = (
        desk_that(Reply::Error(70_009)),
        desk_that(Reply::Error(70_050)),
    );
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    wall.rule(&angry);
    let _refused = Setup::busily(&refused).start();
    let exporter = wall.over(Setup::busily(&angry)).start();
    exporter.after_first_poll();
    wait_for_requests(&refused, refused.asked() + 5);
    assert_eq!(angry.asked(), 1, "the interval has long passed");
    wall.jump(40);
    wait_for_requests(&refused, refused.asked() + 3);
    assert_eq!(angry.asked(), 1, "the minute has not");
    wall.jump(60);
    wait_for_requests(&angry, 2);
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
    let requests = desk.requests();
    // A busy machine may see one late and the next in time: a little less than the second.
    let second = Duration::from_millis(800);
    for window in requests.windows(5) {
        assert!(window[4].at - window[0].at >= second);
    }
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
