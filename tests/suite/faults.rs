//! Whatever Desk does in the middle of a walk: a scrape shows the last good poll, whole, and `up 0`.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Reply};
use crate::support::exporter::Setup;
use crate::support::gate::Gate;
use crate::support::page::Page;
use crate::support::rows::{self, agents, with};

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

fn faults() -> Vec<(&'static str, Reply)> {
    let status = |code: u16| Reply::Status(code, vec![], "<html></html>".into());
    vec![
        ("no answer in time", Reply::Hang(Gate::default())),
        ("reset", Reply::Reset),
        ("truncated", Reply::Truncated),
        ("dripping", Reply::Drip(Duration::from_millis(20))),
        (
            "an answer of another protocol",
            Reply::Raw(b"SSH-2.0-x\r\n".to_vec()),
        ),
        ("an end before the head", Reply::Raw(Vec::new())),
        ("500", status(500)),
        ("503", status(503)),
        ("404", status(404)),
        (
            "302",
            Reply::Status(302, vec![("Location", "/".into())], String::new()),
        ),
        ("HTML", Reply::body("<!doctype html><p>maintenance")),
        (
            "JSON without its comma",
            Reply::body(
                r#"{"ErrorCode": 0,"TotalCount": 150,"Data": [{"AgentId": "a""FreeTime": 1}]}"#,
            ),
        ),
        (
            "no Data",
            Reply::body(r#"{"ErrorCode":0,"TotalCount":150}"#),
        ),
        (
            "Data null",
            Reply::body(r#"{"ErrorCode":0,"TotalCount":150,"Data":null}"#),
        ),
        (
            "no ErrorCode",
            Reply::body(r#"{"TotalCount":150,"Data":[]}"#),
        ),
        ("null", Reply::body("null")),
        ("nothing", Reply::body("")),
        ("open brackets", Reply::body("[".repeat(100_000))),
        (
            "invalid UTF-8",
            Reply::Body(
                b"{\"ErrorCode\":0,\"TotalCount\":150,\"Data\":[{\"AgentId\":\"\xff\"}]}".to_vec(),
            ),
        ),
        ("141002", Reply::Error(141_002)),
        ("141009", Reply::Error(141_009)),
        ("70001", Reply::Error(70_001)),
        ("an unknown code", Reply::Error(99_999)),
    ]
}

#[test]
fn a_fault_on_a_later_page_leaves_the_last_poll_whole() {
    thread::scope(|scope| {
        for (name, fault) in faults() {
            scope.spawn(move || {
                let desk = Desk::with(day(1));
                let setup = Setup::busily(&desk).set("REQUEST_TIMEOUT", "1s");
                let exporter = setup.start();
                assert_eq!(shown(&exporter.wait_until_up()), [1.0; 150], "{name}");

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
            });
        }
    });
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
fn the_last_good_poll_goes_when_it_is_too_old() {
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
    assert_eq!(page.own("day_start_timestamp_seconds", &[]), None);
    assert!(
        page.own("exporter_last_success_timestamp_seconds", &[])
            .is_some()
    );
}

#[test]
fn an_expired_signature_is_renewed_at_once() {
    for code in [70_001, 70_052, 70_347] {
        let desk = Desk::with(day(1));
        desk.on_request(move |n, _| {
            if n == 1 {
                Reply::Error(code)
            } else {
                Reply::Normal
            }
        });
        let page = Setup::of(&desk).start().wait_until_up();
        assert_eq!(shown(&page), [1.0; 150]);
    }
}

#[test]
fn rows_that_move_between_pages_are_not_half_believed() {
    let desk = Desk::with(day(1));
    let texts: Vec<String> = day(1).iter().map(Value::to_string).collect();
    // The second page begins one row early or late, another way each time.
    desk.on_request(move |n, request| match request.offset() {
        0 => Reply::Normal,
        _ => Reply::body(rows::answer(
            150,
            &texts[(90 + n).min(149)..(140 + n).min(150)],
        )),
    });
    let exporter = Setup::of(&desk).set("REQUESTS_PER_SECOND", "100").start();
    let page = exporter.after_first_poll();
    let agents = shown(&page).len();
    assert!(agents == 0 || agents == 150, "{agents} of 150 agents");
}
