//! `demo`: one command, no account, and a contact centre that can be believed.

use std::collections::BTreeSet;

use crate::support::desk::Desk;
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::rows;
use crate::support::tools::promtool_findings;
use crate::support::wall::Wall;

fn demo() -> Exporter {
    Setup::bare().args("demo").start()
}

#[test]
fn the_demo_shows_a_busy_day_that_moves() {
    let exporter = demo();
    let first = exporter.wait_until_up();
    assert_eq!(first.agent_families().len(), 22, "{first}");
    assert!((12..=26).contains(&first.agents().len()), "{first}");
    assert_numbers_fit_together(&first);
    assert_names_of_two_languages(&first);
    assert_eq!(promtool_findings(&first.to_string()), "");

    let moved = |page: &Page| page.agent_samples() != first.agent_samples();
    let second = exporter.wait_for("other values", moved);
    assert_numbers_fit_together(&second);
    assert_only_grows(&first, &second);
}

#[test]
fn the_demo_shows_all_endpoints_and_their_figures_agree() {
    let exporter = demo();
    let page = exporter.after_first_poll();
    for endpoint in Endpoint::ALL {
        let up = page.own("exporter_endpoint_up", &[("endpoint", endpoint.name())]);
        assert_eq!(up, Some(1.0), "{endpoint:?}: {page}");
    }
    let sum = |name: &str| -> f64 { page.all(name).iter().map(|sample| sample.value).sum() };
    // Two polls may be some seconds apart: a session more or less has begun in between.
    let about = |one: f64, other: f64| (one - other).abs() <= 5.0;
    assert!(
        about(sum("active_sessions"), sum("agent_current_sessions")),
        "{page}"
    );
    assert!(
        about(sum("queued_sessions"), sum("group_queued_users")),
        "{page}"
    );
    assert!(about(sum("hour_sessions"), sum("day_sessions")), "{page}");
    assert!(
        about(sum("agent_sessions"), sum("agent_realtime_sessions")),
        "{page}"
    );
    for state in ["free", "busy", "rest"] {
        let online = page.own("online_agents", &[("state", state)]).unwrap();
        let with_status = page.all("agent_status").into_iter();
        let with_status = with_status.filter(|sample| sample.label("status") == Some(state));
        let with_status = f64::from(u32::try_from(with_status.count()).unwrap());
        assert!(about(online, with_status), "{state}: {page}");
    }
    assert_eq!(page.own("members", &[]), Some(26.0));
    for sample in page.all("agent_current_sessions") {
        let limit = page.value("tencent_desk_agent_reception_limit", &sample.pairs());
        assert!(Some(sample.value) <= limit, "{sample:?} {limit:?}");
    }
}

#[test]
fn the_demo_says_where_to_look() {
    let exporter = demo();
    exporter.wait_until_up();
    // Address and path stand in the log in any case, but not as something to open.
    let url = format!("http://{}", exporter.address());
    exporter.wait_for_output(&format!(
        "Open {url}/ in a browser; the metrics are at {url}/metrics."
    ));
}

/// The demo at a time, in a zone that is set, or where it chooses one itself.
fn demo_at(civil: &str, zone: &str, time_zone: &str) -> (Wall, Exporter) {
    let wall = Wall::at(civil, zone);
    let setup = Setup::bare().args("demo").set("TIME_ZONE", time_zone);
    let exporter = wall.over(setup).start();
    (wall, exporter)
}

#[test]
fn the_demo_plays_in_the_time_zone_that_is_set_at_any_time() {
    for (zone, date, agents) in [
        ("Asia/Shanghai", "2026-11-23T00:00:30", 0..=0),
        ("Asia/Shanghai", "2026-11-23T03:00:00", 0..=0),
        ("America/New_York", "2026-11-01T07:50:00", 0..=0),
        ("America/Sao_Paulo", "2018-11-04T08:30:00", 6..=10),
        ("Europe/Berlin", "2026-03-29T16:00:00", 20..=24),
        ("Europe/Berlin", "2026-03-29T23:59:00", 24..=24),
    ] {
        let (_wall, exporter) = demo_at(date, zone, zone);
        let page = exporter.wait_until_up();
        assert!(agents.contains(&page.agents().len()), "{date}: {page}");
        exporter.wait_for_output(&format!("in {zone}, where it is {}", &date[11..13]));
        let log = exporter.log().join("\n");
        assert!(log.contains(&format!("time_zone={zone}")), "{log}");
    }
}

#[test]
fn without_a_time_zone_the_demo_says_which_it_plays_in() {
    for (utc, zone, time) in [
        ("2026-11-23T04:45:00", "Asia/Shanghai", "12:45"),
        ("2026-11-23T20:45:00", "Etc/GMT+5", "15:45"),
        ("2026-11-23T00:00:30", "Etc/GMT+9", "15:00"),
    ] {
        let (_wall, exporter) = demo_at(utc, "UTC", "");
        let page = exporter.wait_until_up();
        assert!(page.agents().len() >= 12, "{utc}: {page}");
        exporter.wait_for_output(&format!("The demo runs, in {zone}, where it is {time};"));
    }
}

#[test]
fn a_time_zone_that_is_none_stops_the_demo_as_it_stops_serve() {
    let setup = Setup::bare()
        .args("demo")
        .set("TIME_ZONE", "Europe/Shanghai");
    let finished = setup.run().expect_code(64);
    let advice = "TENCENT_DESK_TIME_ZONE: is no time zone";
    assert!(finished.stderr.contains(advice), "{finished:?}");
}

#[test]
fn the_demo_goes_over_midnight() {
    let (wall, exporter) = demo_at("2026-03-28T23:59:50", "Europe/Berlin", "Europe/Berlin");
    let evening = exporter.wait_until_up();
    assert_eq!(evening.agents().len(), 24, "{evening}");
    exporter.wait_for("a good poll of the next day", |page| {
        page.agents().is_empty() && page.value("tencent_desk_up", &[]) == Some(1.0)
    });
    // The day has 23 hours, and its agents come at eight all the same.
    wall.set("2026-03-29T08:20:00", "Europe/Berlin");
    exporter.wait_for("the early ones", |page| page.agents().len() >= 6);
}

#[test]
fn a_poll_fails_now_and_then_and_the_next_ones_succeed() {
    // Its requests are the first to fail in a row, after some twenty polls of two requests each.
    let endpoint = "describe_session_statistics";
    let exporter = Setup::bare()
        .args("demo")
        .set("ENDPOINTS", endpoint)
        .set("POLL_INTERVAL", "1s")
        .start();
    let server = [("class", "server"), ("endpoint", endpoint)];
    let failed = exporter.wait_for("a poll that Desk fails", |page| {
        page.own("exporter_poll_failures_total", &server) >= Some(1.0)
    });
    let requests = failed.own("exporter_request_failures_total", &server);
    assert!(requests >= Some(3.0), "{failed}");
    let last_good = failed.own("day_sessions", &[]);
    assert!(last_good.is_some(), "the last good poll: {failed}");
    exporter.wait_for("a good one", |page| {
        page.value("tencent_desk_up", &[]) == Some(1.0)
    });
}

#[test]
fn the_demo_uses_nothing_of_the_account() {
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::bare()
        .set("ENDPOINT", desk.url())
        .set("SDK_APP_ID", "no number")
        .set("SECRET_KEY", "the real key")
        .set("USER_SIG_FILE", "/nowhere")
        .set("AGENT_IDS", "nobody")
        .set("REGION", "mars")
        .args("demo")
        .start();
    assert!(exporter.wait_until_up().agents().len() >= 12);
    assert_eq!(desk.asked(), 0);
}

#[test]
fn the_demo_stops_when_asked() {
    let mut exporter = demo();
    assert_eq!(
        exporter.interrupt().code(),
        Some(0),
        "{}",
        exporter.output()
    );
}

/// What must be true of any agent's day, however it went.
#[track_caller]
fn assert_numbers_fit_together(page: &Page) {
    for id in page.agents() {
        let value = |name: &str| page.agent(&id, name).unwrap_or(0.0);
        let sessions = value("sessions");
        let answered = sessions - value("unanswered_sessions");
        let at_most = [
            ("unanswered_sessions", sessions),
            ("effective_sessions", answered),
            ("transferred_sessions", sessions),
            ("ended_sessions", sessions),
            ("rated_sessions", sessions),
            ("satisfied_sessions", value("rated_sessions")),
            ("first_response_under_30s_sessions", answered),
            ("response_under_30s_sessions", value("effective_sessions")),
            ("served_users", sessions),
        ];
        for (name, limit) in at_most {
            assert!(
                value(name) <= limit,
                "{id}: {name} {} > {limit}",
                value(name)
            );
        }
        let spoken = value("sent_messages") + value("user_messages");
        assert!(spoken <= value("messages"), "{id}: {spoken} messages");
        if sessions > 0.0 {
            let average = value("session_seconds") / sessions;
            let shown = value("average_session_seconds");
            assert!(
                (average - shown).abs() <= 1.0,
                "{id}: {shown} instead of {average}"
            );
        }
    }
}

#[track_caller]
fn assert_names_of_two_languages(page: &Page) {
    let infos = &page.family("tencent_desk_agent_info").unwrap().samples;
    let names: BTreeSet<&str> = infos.iter().filter_map(|s| s.label("nickname")).collect();
    assert!(names.iter().any(|name| name.is_ascii()), "{names:?}");
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    assert!(
        names.iter().any(|name| name.contains(is_chinese)),
        "{names:?}"
    );
}

/// Within a day nothing but averages, the ratio, and the last logout may fall.
#[track_caller]
fn assert_only_grows(before: &Page, after: &Page) {
    let day = |page: &Page| page.own("day_start_timestamp_seconds", &[]);
    assert_eq!(
        day(before),
        day(after),
        "it is afternoon where the demo plays"
    );
    for old in before.agent_samples() {
        if ["average", "ratio", "logout"]
            .iter()
            .any(|word| old.name.contains(word))
        {
            continue;
        }
        let new = after.value(&old.name, &old.pairs());
        assert!(new >= Some(old.value), "{old:?} became {new:?}");
    }
}
