//! Faults of Desk in the middle of a walk: a scrape shows the last good poll, whole, and `up 0`;
//! and once that poll is too old, no agent, while the exporter goes on to speak of itself.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Reply, response};
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::page::Page;
use crate::support::rows::{self, agents, with};
use crate::support::secrecy::{assert_hides, everything_shown};
use crate::support::wall::Wall;

/// 150 agents, each with this many sessions: two pages.
fn day(sessions: usize) -> Vec<Value> {
    let counted = |row: Value| with(row, json!({ "TotalSessionCnt": sessions }));
    agents(150).into_iter().map(counted).collect()
}

/// The numbers of sessions that the page shows, over all agents.
fn shown(page: &Page) -> Vec<f64> {
    let family = page.family("tencent_desk_agent_sessions");
    let samples = family
        .map(|family| family.samples.as_slice())
        .unwrap_or_default();
    samples.iter().map(|sample| sample.value).collect()
}

fn is_up(page: &Page) -> bool {
    page.own("up", &[]) == Some(1.0)
}

/// The API's own example of an answer, without the comma that it lacks.
const DOCUMENTED: &str = r#"{
    "ActionStatus": "OK",
    "ErrorInfo": "",
    "ErrorCode": 0,
    "TotalCount": 150,
    "Data": [
        {
            "AgentId": "1289316652@qq.com",
            "AgentNickName": "Meimei"
            "FirstLoginTimestamp": 1738923814,
            "LastLogoutTimestamp": 1738934235
        }
    ]
}"#;

const MIB: usize = 1024 * 1024;

/// An answer as the documents promise it, but longer than any real one; `framing` says how
/// its end is told.
fn endless(framing: &str) -> Reply {
    let padding = " ".repeat(17 * MIB);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{framing}\r\n");
    let body = rows::answer(150, &[padding]);
    Reply::Raw(format!("{head}{body}").into_bytes())
}

/// What may happen, the class that it is of, and how it happens.
fn faults() -> Vec<(&'static str, &'static str, Reply)> {
    let status = |code: u16| Reply::Status(code, vec![], "<html></html>".into());
    let redirect = |code: u16| Reply::Status(code, vec![("Location", "/".into())], String::new());
    let cut = response(200, &[], rows::answer(150, &[]).as_bytes());
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n{\"ErrorCode\":0";
    vec![
        ("no answer in time", "network", Reply::Hang(Gate::default())),
        ("reset", "network", Reply::Reset),
        ("truncated", "network", Reply::Truncated),
        ("cut in the head", "network", Reply::Raw(cut[..20].to_vec())),
        ("cut in a chunk", "network", Reply::Raw(chunked.into())),
        (
            "dripping",
            "network",
            Reply::Drip(Duration::from_millis(20)),
        ),
        (
            "another protocol",
            "network",
            Reply::Raw(b"SSH-2.0-x\r\n".to_vec()),
        ),
        ("an end before the head", "network", Reply::Raw(Vec::new())),
        ("500", "network", status(500)),
        ("503", "network", status(503)),
        ("404", "network", status(404)),
        ("204", "network", status(204)),
        ("302", "network", redirect(302)),
        ("307", "network", redirect(307)),
        (
            "HTML",
            "protocol",
            Reply::body("<!doctype html><p>maintenance"),
        ),
        (
            "the documented example",
            "protocol",
            Reply::body(DOCUMENTED),
        ),
        (
            "no Data",
            "protocol",
            Reply::body(r#"{"ErrorCode":0,"TotalCount":150}"#),
        ),
        (
            "Data null",
            "protocol",
            Reply::body(r#"{"ErrorCode":0,"TotalCount":150,"Data":null}"#),
        ),
        (
            "Data an object",
            "protocol",
            Reply::body(r#"{"ErrorCode":0,"TotalCount":150,"Data":{}}"#),
        ),
        (
            "no TotalCount",
            "protocol",
            Reply::body(r#"{"ErrorCode":0,"Data":[]}"#),
        ),
        (
            "no ErrorCode",
            "protocol",
            Reply::body(r#"{"TotalCount":150,"Data":[]}"#),
        ),
        ("null", "protocol", Reply::body("null")),
        ("nothing", "protocol", Reply::body("")),
        (
            "two answers in one",
            "protocol",
            Reply::body(rows::answer(150, &[]).repeat(2)),
        ),
        (
            "open brackets",
            "protocol",
            Reply::body("[".repeat(100_000)),
        ),
        (
            "open brackets in Data",
            "protocol",
            Reply::body(rows::answer(150, &["[".repeat(100_000)])),
        ),
        (
            "17 MiB, announced",
            "protocol",
            endless("Content-Length: 17825900\r\n"),
        ),
        (
            "17 MiB, not announced",
            "protocol",
            endless("Connection: close\r\n"),
        ),
        ("141002", "server", Reply::Error(141_002)),
        ("141009", "rate_limited", Reply::Error(141_009)),
        ("70001", "credentials", Reply::Error(70_001)),
        ("an unknown code", "protocol", Reply::Error(99_999)),
    ]
}

/// An exporter that has polled [`day`] 1 of this Desk, and on whose clock it is ten in the morning.
fn after_a_good_poll(desk: &Desk, format: &str) -> (Exporter, Wall) {
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    wall.rule(desk);
    let setup = Setup::busily(desk)
        .set("REQUEST_TIMEOUT", "1s")
        .set("MAX_STALENESS", "1h")
        .set("LOG_LEVEL", "trace")
        .set("LOG_FORMAT", format);
    let exporter = wall.over(setup).start();
    assert_eq!(shown(&exporter.wait_until_up()), [1.0; 150]);
    (exporter, wall)
}

fn assert_survives(name: &str, class: &str, fault: Reply, format: &str) {
    let desk = Desk::with(day(1));
    let (exporter, wall) = after_a_good_poll(&desk, format);

    desk.on_request(move |_, request| match request.offset() {
        0 => Reply::Normal,
        _ => fault.clone(),
    });
    desk.set_rows(day(2));
    let page = exporter.wait_for(name, |page| {
        assert_eq!(shown(page), [1.0; 150], "{name}");
        !is_up(page)
    });
    assert_eq!(page.own("exporter_agents", &[]), Some(150.0), "{name}");
    // A busy machine may be too slow for a second, which is of another class, but not for ever.
    exporter.wait_for(&format!("{name} to be {class}"), |page| {
        assert_eq!(shown(page), [1.0; 150], "{name}");
        page.own("exporter_poll_failures_total", &[("class", class)]) >= Some(1.0)
    });

    // Two hours later it is still the same day, but the figures are too old.
    wall.jump(7200);
    let page = exporter.page();
    assert!(page.agents().is_empty(), "{name}: {page}");
    assert_eq!(page.own("up", &[]), Some(0.0), "{name}");
    assert_eq!(page.own("exporter_agents", &[]), Some(0.0), "{name}");
    assert_eq!(page.own("day_start_timestamp_seconds", &[]), None, "{name}");
    let last = page.own("exporter_last_success_timestamp_seconds", &[]);
    assert!(last.is_some(), "{name}: {page}");
    assert_hides(&everything_shown(&exporter), &desk);
}

#[test]
fn a_fault_on_a_later_page_leaves_the_last_poll_whole_until_it_is_too_old() {
    thread::scope(|scope| {
        let formats = ["logfmt", "json"].into_iter().cycle();
        for ((name, class, fault), format) in faults().into_iter().zip(formats) {
            scope.spawn(move || assert_survives(name, class, fault, format));
        }
    });
}

#[test]
fn an_answer_past_all_measure_is_called_so() {
    let desk = Desk::with(day(1));
    desk.always(endless("Connection: close\r\n"));
    let exporter = Setup::of(&desk).start();
    exporter.after_first_poll();
    exporter.wait_for_output("larger than 16 MiB");
    assert!(exporter.get("/").text().contains("larger than 16 MiB"));
}

#[test]
fn when_desk_is_well_again_so_is_the_page() {
    let desk = Desk::with(day(1));
    let exporter = Setup::busily(&desk).start();
    exporter.wait_until_up();
    desk.always(Reply::Error(141_000));
    exporter.wait_for("up 0", |page| !is_up(page));
    desk.set_rows(day(3));
    desk.always(Reply::Normal);
    let page = exporter.wait_until_up();
    assert_eq!(shown(&page), [3.0; 150]);
}

#[test]
fn the_last_good_poll_goes_when_it_is_too_old_by_the_monotonic_clock_too() {
    let desk = Desk::with(day(1));
    let exporter = Setup::busily(&desk).set("MAX_STALENESS", "3s").start();
    exporter.wait_until_up();
    desk.always(Reply::Error(141_000));
    exporter.wait_for("the agents gone", |page| {
        assert!(shown(page).is_empty() || shown(page) == [1.0; 150]);
        page.agents().is_empty()
    });
    let page = exporter.page();
    assert_eq!(page.own("up", &[]), Some(0.0));
    assert_eq!(page.own("exporter_agents", &[]), Some(0.0));
}

/// The last poll succeeded; but of a Desk that has said nothing since, that is no news.
#[test]
fn a_poll_that_hangs_until_the_last_one_is_too_old_is_not_up() {
    let desk = Desk::with(day(1));
    let hanging = |staleness: &str| {
        Setup::busily(&desk)
            .set("REQUEST_TIMEOUT", "5m")
            .set("MAX_STALENESS", staleness)
    };
    let hang = || {
        let gate = Gate::default();
        let asked = desk.asked();
        desk.always(Reply::Hang(gate.clone()));
        eventually(|| (desk.asked() > asked).then_some(())).expect("a poll that hangs");
        gate
    };

    // By the wall clock alone, as after a laptop's sleep.
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    wall.rule(&desk);
    let exporter = wall.over(hanging("1h")).start();
    exporter.wait_until_up();
    let gate = hang();
    let page = exporter.page();
    assert!(is_up(&page) && shown(&page) == [1.0; 150], "{page}");
    wall.jump(7200);
    let page = exporter.page();
    assert!(!is_up(&page) && page.agents().is_empty(), "{page}");
    let landing = exporter.get("/");
    assert!(landing.text().contains("finds no end"), "{landing:?}");
    desk.always(Reply::Normal);
    gate.open();
    assert_eq!(shown(&exporter.wait_until_up()), [1.0; 150]);
    drop(exporter);

    // By the monotonic one.
    let exporter = wall.over(hanging("3s")).start();
    exporter.wait_until_up();
    let gate = hang();
    let page = exporter.wait_for("the agents gone", |page| {
        assert_eq!(is_up(page), !page.agents().is_empty(), "{page}");
        page.agents().is_empty()
    });
    let failures = page.own("exporter_poll_failures_total", &[("class", "network")]);
    assert_eq!(failures, Some(0.0), "no poll has ended: {page}");
    gate.open();
}

#[test]
fn fewer_rows_than_promised_are_a_poll_of_their_own_and_the_gap_is_told() {
    let desk = Desk::with(day(1));
    let exporter = Setup::busily(&desk).start();
    assert_eq!(shown(&exporter.wait_until_up()), [1.0; 150]);
    // Both changes in one: a poll may come between any two.
    let texts: Vec<String> = day(2).iter().map(Value::to_string).collect();
    let part = rows::answer(150, &texts[..100]);
    desk.on_request(move |_, request| match request.offset() {
        0 => Reply::body(part.clone()),
        _ => Reply::body(rows::answer(150, &[])),
    });
    let page = exporter.wait_for("the poll that lacks rows", |page| {
        let gap = page.own("exporter_missing_rows", &[]).unwrap();
        let whole = shown(page) == [1.0; 150] && gap == 0.0;
        assert!(
            whole || (shown(page) == [2.0; 100] && gap == 50.0),
            "{page}"
        );
        !whole
    });
    assert!(is_up(&page));
    let landing = exporter.get("/");
    assert!(
        landing.text().contains("less 50 rows"),
        "{}",
        landing.text()
    );
}

#[test]
fn rows_that_move_between_pages_are_not_half_believed() {
    let desk = Desk::with(day(1));
    let exporter = Setup::busily(&desk).start();
    assert_eq!(shown(&exporter.wait_until_up()), [1.0; 150]);
    let texts: Vec<String> = day(2).iter().map(Value::to_string).collect();
    // The second page begins early, each time by another number of rows.
    desk.on_request(move |n, request| match request.offset() {
        0 => Reply::Normal,
        _ => Reply::body(rows::answer(150, &texts[90 - n % 40..140 - n % 40])),
    });
    desk.set_rows(day(2));
    let page = exporter.wait_for("a poll that contradicts itself", |page| {
        assert_eq!(shown(page), [1.0; 150]);
        !is_up(page)
    });
    let failures = page.own("exporter_poll_failures_total", &[("class", "protocol")]);
    assert!(failures >= Some(1.0), "{page}");
}
