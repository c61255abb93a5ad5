//! `demo`: one command, no account, and a contact centre that anyone would believe.

use std::collections::BTreeSet;

use crate::support::desk::Desk;
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::rows;
use crate::support::tools::promtool_findings;

fn demo() -> Exporter {
    Setup::bare().args("demo").start()
}

#[test]
fn the_demo_shows_a_busy_day_that_moves() {
    let exporter = demo();
    let first = exporter.wait_until_up();
    assert_eq!(first.agent_families().len(), 22, "{first}");
    assert!((20..=30).contains(&first.agents().len()), "{first}");
    assert_numbers_fit_together(&first);
    assert_names_of_two_languages(&first);
    assert_eq!(promtool_findings(&first.to_string()), "");

    let moved = |page: &Page| page.agent_samples() != first.agent_samples();
    let second = exporter.wait_for("other values", moved);
    assert_numbers_fit_together(&second);
    assert_only_grows(&first, &second);
}

#[test]
fn the_demo_says_where_to_look() {
    let exporter = demo();
    exporter.wait_until_up();
    // Address and path stand in the log in any case, but not as something to open.
    exporter.wait_for_output(&format!("see http://{}/metrics ", exporter.address()));
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
    assert!(exporter.wait_until_up().agents().len() >= 20);
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
            ("response_under_30s_sessions", answered),
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
    let same_day = |page: &Page| page.own("day_start_timestamp_seconds", &[]);
    if same_day(before) != same_day(after) {
        return;
    }
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
