//! What becomes of the others where an endpoint is not served, fails, hangs, grows old or asks to be left alone: promises
//! 4, 6, 7 and 8 of the contract.

use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::page::Page;
use crate::support::rows;
use crate::support::wall::Wall;

/// By these codes Desk says that it does not serve an endpoint.
const NOT_SERVED: [i64; 6] = [60002, 60009, 60017, 141_000, 10003, 10026];

/// A family of each further endpoint.
fn family(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::AgentStatistics => "agent_sessions",
        Endpoint::MemberRealtime => "agent_current_sessions",
        Endpoint::ReceptionRealtime => "queued_sessions",
        Endpoint::SessionStatistics => "day_sessions",
        Endpoint::MemberList => "agent_reception_limit",
        Endpoint::GroupList => "group_info",
    }
}

fn desk() -> Desk {
    Desk::with(vec![rows::example()])
}

/// Polls every endpoint as often as it may.
fn busily(desk: &Desk) -> Setup {
    Setup::busily(desk)
        .unset("ENDPOINTS")
        .set("REALTIME_INTERVAL", "1s")
        .set("DIRECTORY_INTERVAL", "1s")
}

fn up(page: &Page, endpoint: Endpoint) -> Option<f64> {
    own(page, "endpoint_up", endpoint)
}

fn own(page: &Page, name: &str, endpoint: Endpoint) -> Option<f64> {
    let name = format!("tencent_desk_exporter_{name}");
    page.value(&name, &[("endpoint", endpoint.name())])
}

fn failures(page: &Page, endpoint: Endpoint) -> f64 {
    let samples = page.all("exporter_poll_failures_total").into_iter();
    let own = samples.filter(|sample| sample.label("endpoint") == Some(endpoint.name()));
    own.map(|sample| sample.value).sum()
}

/// Waits until each of these endpoints has been polled so often.
#[track_caller]
fn wait_for_polls(exporter: &Exporter, endpoints: &[Endpoint], polls: f64) -> Page {
    exporter.wait_for("more polls", |page| {
        let so_often = |it: &Endpoint| own(page, "polls_total", *it) >= Some(polls);
        endpoints.iter().all(so_often)
    })
}

/// In one poll, which for sessions may be two requests at once.
#[track_caller]
fn assert_asked_once(desk: &Desk, endpoint: Endpoint) {
    let requests = if endpoint == Endpoint::SessionStatistics {
        2
    } else {
        1
    };
    let asked = desk.asked_at(endpoint);
    assert!((1..=requests).contains(&asked), "{endpoint:?}: {asked}");
}

/// The log's lines, but those of the level `debug`, with this text.
fn lines_with(exporter: &Exporter, text: &str) -> Vec<String> {
    let mut lines = exporter.log();
    lines.retain(|line| line.contains(text) && !line.contains("level=debug"));
    lines
}

#[track_caller]
fn assert_served(page: &Page, endpoint: Endpoint) {
    assert_eq!(up(page, endpoint), Some(1.0), "{endpoint:?}: {page}");
    assert!(
        !page.all(family(endpoint)).is_empty(),
        "{endpoint:?}: {page}"
    );
    assert!(own(page, "poll_interval_seconds", endpoint).is_some());
}

#[track_caller]
fn assert_not_served(page: &Page, endpoint: Endpoint) {
    assert_eq!(up(page, endpoint), None, "{endpoint:?}: {page}");
    assert!(
        page.all(family(endpoint)).is_empty(),
        "{endpoint:?}: {page}"
    );
    assert_eq!(own(page, "poll_interval_seconds", endpoint), None);
    assert!(failures(page, endpoint).abs() < 0.5, "{endpoint:?}: {page}");
}

#[test]
fn each_endpoint_alone_may_not_be_served() {
    for (endpoint, code) in Endpoint::FURTHER.into_iter().zip(NOT_SERVED) {
        let desk = desk();
        desk.reply_at(endpoint, Reply::Error(code));
        let exporter = busily(&desk).start();
        let others = Endpoint::ALL.map(|it| {
            if it == endpoint {
                Endpoint::AgentStatistics
            } else {
                it
            }
        });
        wait_for_polls(&exporter, &others, 3.0);
        let page = exporter.page();
        assert_eq!(page.value("tencent_desk_up", &[]), Some(1.0));
        for other in others {
            assert_served(&page, other);
        }
        assert_not_served(&page, endpoint);
        assert_asked_once(&desk, endpoint);
        assert_eq!(
            lines_with(&exporter, endpoint.name()).len(),
            1,
            "{}",
            exporter.output()
        );
        assert_eq!(exporter.get("/-/ready").status, 200);
        assert_eq!(exporter.get("/-/healthy").status, 200);
    }
}

#[test]
fn all_further_endpoints_may_not_be_served_for_any_reason_that_says_so() {
    let of_code = |code| (code, Reply::Error(code));
    let not_found = (
        404,
        Reply::Status(404, vec![], "<html>not found".to_owned()),
    );
    for (code, reply) in NOT_SERVED.map(of_code).into_iter().chain([not_found]) {
        let desk = desk();
        for endpoint in Endpoint::FURTHER {
            desk.reply_at(endpoint, reply.clone());
        }
        let exporter = busily(&desk).start();
        let page = wait_for_polls(&exporter, &[Endpoint::AgentStatistics], 4.0);
        assert_served(&page, Endpoint::AgentStatistics);
        for endpoint in Endpoint::FURTHER {
            assert_not_served(&page, endpoint);
            assert_asked_once(&desk, endpoint);
        }
        let lines = lines_with(&exporter, &code.to_string());
        assert_eq!(lines.len(), 1, "{code}: {}", exporter.output());
        assert_eq!(exporter.get("/-/ready").status, 200);
    }
}

#[test]
fn what_is_not_served_is_asked_again_every_hour() {
    let wall = Wall::at("2026-11-23T10:00:00", "Asia/Shanghai");
    let desk = desk();
    wall.rule(&desk);
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Error(60009));
    }
    let exporter = wall.over_waits(busily(&desk)).start();
    let asked = || Endpoint::FURTHER.map(|endpoint| desk.asked_at(endpoint));
    wait_for_polls(&exporter, &[Endpoint::AgentStatistics], 3.0);
    let once = asked();
    wall.jump(50 * 60);
    let polls = own(&exporter.page(), "polls_total", Endpoint::AgentStatistics).unwrap();
    wait_for_polls(&exporter, &[Endpoint::AgentStatistics], polls + 3.0);
    assert_eq!(asked(), once);
    wall.jump(11 * 60);
    exporter.wait_for("the next try of each", |_| {
        asked().into_iter().zip(once).all(|(now, then)| now > then)
    });
    assert_eq!(
        lines_with(&exporter, "60009").len(),
        1,
        "{}",
        exporter.output()
    );
    // From now on Desk serves them.
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Normal);
    }
    wall.jump(61 * 60);
    let page = wait_for_polls(&exporter, &Endpoint::FURTHER, 4.0);
    for endpoint in Endpoint::ALL {
        assert_served(&page, endpoint);
    }
}

#[test]
fn where_agent_statistics_are_refused_too_it_is_a_failure() {
    let desk = desk();
    desk.always(Reply::Error(60009));
    let exporter = busily(&desk).start();
    let page = wait_for_polls(&exporter, &Endpoint::ALL, 3.0);
    assert_eq!(page.value("tencent_desk_up", &[]), Some(0.0));
    for endpoint in Endpoint::ALL {
        assert_eq!(up(&page, endpoint), Some(0.0), "{endpoint:?}: {page}");
        assert!(failures(&page, endpoint) >= 2.0, "{endpoint:?}: {page}");
    }
}

#[test]
fn what_was_served_and_is_refused_together_with_all_comes_back_with_all() {
    for refusal in [
        Reply::Error(60017),
        Reply::Status(404, vec![], String::new()),
    ] {
        let desk = desk();
        // The others are refused before agent statistics are.
        let exporter = busily(&desk).set("POLL_INTERVAL", "4s").start();
        wait_for_polls(&exporter, &Endpoint::ALL, 1.0);
        desk.always(refusal);
        exporter.wait_for("failures of all", |page| {
            let fails = |it: Endpoint| up(page, it) == Some(0.0);
            Endpoint::ALL.into_iter().all(fails)
        });
        assert_eq!(lines_with(&exporter, "not served").len(), 0);
        assert_eq!(lines_with(&exporter, "polls fail").len(), 1);
        desk.always(Reply::Normal);
        exporter.wait_for("all figures", |page| {
            let is_up = |it: Endpoint| up(page, it) == Some(1.0);
            Endpoint::ALL.into_iter().all(is_up)
        });
    }
}

#[test]
fn what_is_served_no_more_is_no_failure() {
    let desk = desk();
    let exporter = busily(&desk).start();
    wait_for_polls(&exporter, &Endpoint::ALL, 2.0);
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Error(60009));
    }
    let page = exporter.wait_for("none of them", |page| {
        let is_gone = |it: Endpoint| up(page, it).is_none();
        Endpoint::FURTHER.into_iter().all(is_gone)
    });
    for endpoint in Endpoint::FURTHER {
        assert_not_served(&page, endpoint);
    }
}

#[test]
fn a_failing_endpoint_takes_nothing_from_the_others() {
    let faults = [
        Reply::Error(141_002),
        Reply::Reset,
        Reply::body("<html>"),
        Reply::Status(503, vec![], "<html>".to_owned()),
        Reply::body(r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#),
    ];
    for (endpoint, fault) in Endpoint::FURTHER.into_iter().zip(faults) {
        let desk = desk();
        let exporter = busily(&desk).start();
        wait_for_polls(&exporter, &Endpoint::ALL, 2.0);
        desk.reply_at(endpoint, fault);
        let failed = exporter.wait_for("a failed poll", |page| up(page, endpoint) == Some(0.0));
        // Its own figures are not too old yet.
        assert!(
            !failed.all(family(endpoint)).is_empty(),
            "{endpoint:?}: {failed}"
        );
        let before = own(&failed, "polls_total", Endpoint::AgentStatistics).unwrap();
        let page = wait_for_polls(&exporter, &[Endpoint::AgentStatistics], before + 2.0);
        assert_eq!(page.value("tencent_desk_up", &[]), Some(1.0));
        for other in Endpoint::ALL.into_iter().filter(|it| *it != endpoint) {
            assert_served(&page, other);
            assert!(
                failures(&page, other).abs() < 0.5,
                "{endpoint:?}, {other:?}: {page}"
            );
        }
        desk.reply_at(endpoint, Reply::Normal);
        exporter.wait_for("a good poll", |page| up(page, endpoint) == Some(1.0));
    }
}

#[test]
fn endpoints_that_fail_for_one_reason_are_one_line_in_the_log() {
    let desk = desk();
    let exporter = busily(&desk).start();
    wait_for_polls(&exporter, &Endpoint::ALL, 2.0);
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Error(141_002));
    }
    exporter.wait_for("five failed polls", |page| {
        let fails = |endpoint: Endpoint| failures(page, endpoint) >= 2.0;
        Endpoint::FURTHER.into_iter().all(fails)
    });
    assert_eq!(
        lines_with(&exporter, "141002").len(),
        1,
        "{}",
        exporter.output()
    );
}

#[test]
fn an_endpoint_that_hangs_holds_up_no_other() {
    let desk = desk();
    let gate = Gate::default();
    desk.reply_at(Endpoint::ReceptionRealtime, Reply::Hang(gate.clone()));
    let exporter = busily(&desk).set("REQUEST_TIMEOUT", "50s").start();
    let others = Endpoint::ALL.map(|endpoint| match endpoint {
        Endpoint::ReceptionRealtime => Endpoint::AgentStatistics,
        other => other,
    });
    let page = wait_for_polls(&exporter, &others, 3.0);
    assert!(page.all("queued_sessions").is_empty());
    gate.open();
    exporter.wait_for("its own page", |page| {
        !page.all("queued_sessions").is_empty()
    });
}

#[test]
fn the_figures_of_now_are_gone_before_those_of_today_and_groups_last_the_longest() {
    let wall = Wall::at("2026-11-23T10:00:00", "Asia/Shanghai");
    let desk = desk();
    wall.rule(&desk);
    let setup = busily(&desk)
        .set("DIRECTORY_INTERVAL", "5m")
        .set("MAX_STALENESS", "5m");
    let exporter = wall.over_waits(setup).start();
    wait_for_polls(&exporter, &Endpoint::ALL, 1.0);
    let all_shown = exporter.page();
    for endpoint in Endpoint::ALL {
        assert_served(&all_shown, endpoint);
        desk.reply_at(endpoint, Reply::Error(141_002));
    }
    let now = [Endpoint::MemberRealtime, Endpoint::ReceptionRealtime];
    let today = [Endpoint::AgentStatistics, Endpoint::SessionStatistics];
    let slow = [Endpoint::MemberList, Endpoint::GroupList];
    let gone = |page: &Page, endpoints: [Endpoint; 2]| {
        endpoints.map(|endpoint| page.all(family(endpoint)).is_empty())
    };
    wall.jump(40);
    let page = exporter.wait_for("no figures of now", |page| gone(page, now) == [true; 2]);
    assert_eq!(
        (gone(&page, today), gone(&page, slow)),
        ([false; 2], [false; 2]),
        "{page}"
    );
    wall.jump(300);
    let page = exporter.wait_for("none of today", |page| gone(page, today) == [true; 2]);
    assert_eq!(gone(&page, slow), [false; 2], "{page}");
    wall.jump(900);
    exporter.wait_for("no groups", |page| gone(page, slow) == [true; 2]);
}

#[test]
fn at_midnight_goes_what_counts_since_then_and_stays_what_does_not() {
    let wall = Wall::at("2026-11-23T23:59:50", "Asia/Shanghai");
    let desk = desk();
    wall.rule(&desk);
    let exporter = wall.over(busily(&desk)).start();
    wait_for_polls(&exporter, &Endpoint::ALL, 1.0);
    let (today, gate) = (
        [Endpoint::AgentStatistics, Endpoint::SessionStatistics],
        Gate::default(),
    );
    for endpoint in today {
        desk.reply_at(endpoint, Reply::Hang(gate.clone()));
    }
    let page = exporter.wait_for("midnight", |page| {
        today
            .into_iter()
            .all(|endpoint| page.all(family(endpoint)).is_empty())
    });
    assert!(page.all("hour_sessions").is_empty(), "{page}");
    for endpoint in [
        Endpoint::ReceptionRealtime,
        Endpoint::MemberList,
        Endpoint::GroupList,
    ] {
        assert!(
            !page.all(family(endpoint)).is_empty(),
            "{endpoint:?}: {page}"
        );
    }
    assert_eq!(
        page.value("tencent_desk_day_start_timestamp_seconds", &[]),
        None
    );
    gate.open();
    for endpoint in today {
        desk.reply_at(endpoint, Reply::Normal);
    }
    exporter.wait_for("the next day", |page| !page.all("day_sessions").is_empty());
}

#[test]
fn a_refusal_of_one_endpoint_for_the_rate_stops_the_others_too() {
    let desk = desk();
    let refused = Endpoint::GroupList;
    let wish = vec![("Retry-After", "4".to_owned())];
    desk.reply_at(refused, Reply::Status(429, wish, String::new()));
    let exporter = busily(&desk).start();
    exporter.wait_for("three refusals", |_| desk.asked_at(refused) >= 3);
    let refusals = desk.requests_at(refused);
    for endpoint in Endpoint::ALL.into_iter().filter(|it| *it != refused) {
        let polls = desk.requests_at(endpoint).into_iter();
        // One under way when the pause begins, and one when it is over; else there would be one a second.
        let a_poll = usize::from(endpoint == Endpoint::SessionStatistics) + 1;
        let came: Vec<_> = polls.map(|request| request.at).collect();
        for pause in refusals.windows(2) {
            let within = |at: &&_| pause[0].at < **at && **at < pause[1].at;
            let count = came.iter().filter(within).count();
            assert!(count <= 2 * a_poll, "{endpoint:?}: {count} in a pause");
        }
    }
}
