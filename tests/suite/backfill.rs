//! `backfill`: past days as a file that a real Prometheus reads, whatever happens on the way.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::answers::Past;
use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Finished, Setup};
use crate::support::gate::Gate;
use crate::support::prometheus::Prometheus;
use crate::support::repository::{Asked, Variables, expressions};
use crate::support::{rows, tools};

const ZONE: &str = "Asia/Shanghai";

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn yesterday(zone_name: &str) -> Date {
    let today = Timestamp::now().to_zoned(zone(zone_name)).date();
    today.yesterday().unwrap()
}

/// The first second of `date`.
fn start(date: Date, zone_name: &str) -> i64 {
    let midnight = date.to_zoned(zone(zone_name)).unwrap();
    midnight.timestamp().as_second()
}

fn last_second(date: Date, zone_name: &str) -> i64 {
    start(date.tomorrow().unwrap(), zone_name) - 1
}

/// The day that is the number `n`: its figures tell it from all others.
fn past(n: i64) -> Past {
    let agent = |id: &str, sessions: i64| {
        rows::with(rows::agent(id), json!({ "TotalSessionCnt": sessions }))
    };
    let span = |members: Value| rows::with(rows::session_example(), members);
    Past {
        // The second one is there on odd days only.
        agents: [agent("a@x", 100 + n), agent("b@x", 200 + n)]
            .into_iter()
            .take(1 + usize::try_from(n % 2).unwrap())
            .collect(),
        day: vec![span(json!({ "TotalSessionCnt": 300 + n }))],
        hours: vec![
            span(json!({ "Time": "09:00", "TotalSessionCnt": 400 + n })),
            span(json!({ "Time": "23:00", "TotalSessionCnt": 500 + n })),
        ],
    }
}

/// A Desk that remembers so many days, of which yesterday is the last.
fn desk(days: i64) -> (Desk, Vec<Date>) {
    let desk = Desk::with(vec![rows::example()]);
    let last = yesterday(ZONE);
    let dates: Vec<_> = (0..days).map(|n| last - (days - 1 - n).days()).collect();
    desk.set_past(
        (0..)
            .map(past)
            .zip(&dates)
            .map(|(past, date)| (*date, past)),
    );
    (desk, dates)
}

fn backfill(desk: &Desk, dates: &[Date], output: &Path) -> Setup {
    let (first, last) = (dates.first().unwrap(), dates.last().unwrap());
    Setup::of(desk).unset("ENDPOINTS").args(&format!(
        "backfill --from {first} --to {last} --output {}",
        output.display()
    ))
}

/// What promtool makes of `file` below `data`.
fn load(file: &Path, data: &Path) {
    let loaded = Command::new(tools::promtool())
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
        .args([file, data])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{file:?}: {loaded:?}");
}

fn prometheus(folder: tempfile::TempDir) -> Prometheus {
    fs::write(folder.path().join("prometheus.yml"), "").unwrap();
    Prometheus::over(folder)
}

/// Each family once, with what it is, above its samples, each series in one piece, times growing, and an end.
fn assert_well_formed(text: &str) {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (mut families, mut all_series) = (BTreeSet::new(), BTreeSet::new());
    let (mut family, mut at) = ("", (String::new(), i64::MIN));
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            family = head.strip_suffix(" gauge").unwrap();
            assert!(families.insert(family), "{family} comes twice");
            let help = format!("\n# HELP {family} ");
            assert!(text.contains(&help), "{family} has no help");
        }
        if line.starts_with('#') {
            continue;
        }
        let mut parts = line.rsplitn(3, ' ');
        let time: i64 = parts.next().unwrap().parse().unwrap();
        let series = parts.nth(1).unwrap();
        assert_eq!(series.split('{').next(), Some(family), "{line}");
        if series == at.0 {
            assert!(time > at.1, "{line}");
        } else {
            assert!(
                all_series.insert(series.to_owned()),
                "{series} is not in one piece"
            );
        }
        at = (series.to_owned(), time);
    }
}

#[test]
fn forty_days_are_at_their_places_in_prometheus() {
    let (desk, dates) = desk(40);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file)
        .args("--label job=desk --label instance=one")
        .run()
        .expect_code(0);
    assert!(
        finished.stderr.contains("holds 40 of 40 days"),
        "{finished:?}"
    );
    for date in &dates {
        let line = format!("{date}: ");
        assert!(finished.stderr.contains(&line), "{finished:?}");
    }
    let text = fs::read_to_string(&file).unwrap();
    assert_well_formed(&text);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["history.om"]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);

    load(&file, &folder.path().join("data"));
    let prometheus = prometheus(folder);
    prometheus.expect("vector(1)", 1.0);
    for (n, date) in (0..).zip(&dates) {
        let last = last_second(*date, ZONE);
        let at = |series: &str, at: i64| {
            let range = format!("max_over_time({series}[1s] @ {at})");
            let rows = prometheus.query(&range).unwrap();
            rows.first().map(|(labels, value)| {
                assert_eq!(
                    (&labels["job"], &labels["instance"]),
                    (&json!("desk"), &json!("one"))
                );
                *value
            })
        };
        let is = |value: i64| Some(f64::from(i32::try_from(value).unwrap()));
        assert_eq!(
            at(r#"tencent_desk_agent_sessions{agent_id="a@x"}"#, last),
            is(100 + n),
            "{date}"
        );
        let second = at(r#"tencent_desk_agent_sessions{agent_id="b@x"}"#, last);
        assert_eq!(second, is(200 + n).filter(|_| n % 2 == 1), "{date}");
        assert_eq!(at("tencent_desk_day_sessions", last), is(300 + n), "{date}");
        let hour = |hour: &str| format!(r#"tencent_desk_hour_sessions{{hour="{hour}"}}"#);
        assert_eq!(
            at(&hour("09"), start(*date, ZONE) + 10 * 3600 - 1),
            is(400 + n),
            "{date}"
        );
        assert_eq!(at(&hour("23"), last), is(500 + n), "{date}");
        assert_eq!(
            at("tencent_desk_day_start_timestamp_seconds", last),
            is(start(*date, ZONE)),
            "{date}"
        );
        // And nowhere else: in all of the day there is one sample.
        let count = prometheus.query(&format!(
            "count_over_time(tencent_desk_day_sessions[23h] @ {last})"
        ));
        assert_eq!(count.unwrap()[0].1, 1.0, "{date}");
    }
    the_board_shows(&prometheus, &dates);
}

/// Every expression of the board *History* has an answer, and each day's sessions stand on their day.
fn the_board_shows(prometheus: &Prometheus, dates: &[Date]) {
    let variables = Variables {
        job: "desk",
        instance: "one",
        agent_id: "",
        range: "30d",
    };
    let (first, last) = (start(dates[10], ZONE), last_second(dates[39], ZONE));
    let mut of_sessions = Vec::new();
    for expression in expressions() {
        if !expression.whence.starts_with("tencent-desk-history: ")
            || expression.expr.contains("ALERTS")
        {
            continue;
        }
        let expr = variables.fill_in(&expression.expr);
        let answer = match expression.asked {
            Asked::Now => prometheus.ask(&expr),
            Asked::OverTime => prometheus.ask_over(&expr, first, last, 12 * 3600),
        };
        let answer = answer.unwrap();
        let whence = &expression.whence;
        assert!(!answer.result.is_empty(), "{whence}: {answer:?}\n{expr}");
        if whence.contains(": Sessions (")
            && whence.ends_with(") A")
            && expression.asked == Asked::OverTime
        {
            of_sessions = answer.result[0]["values"].as_array().unwrap().clone();
        }
    }
    let shown: Vec<(Date, String)> = of_sessions
        .iter()
        .map(|point| {
            let at = Timestamp::from_second(point[0].as_i64().unwrap()).unwrap();
            let value = point[1].as_str().unwrap().to_owned();
            (at.to_zoned(zone(ZONE)).date(), value)
        })
        .collect();
    let expected: Vec<_> = (10..)
        .zip(&dates[10..])
        .map(|(n, date)| (*date, 100 + n + (n % 2) * (200 + n)))
        .map(|(date, sessions)| (date, sessions.to_string()))
        .collect();
    assert_eq!(shown, expected);
}

/// What came of five days where Desk replies so to what the third of them is asked of `endpoint`.
fn with_a_bad_day(place: usize, endpoint: Endpoint, reply: Reply) -> (Finished, String, Vec<Date>) {
    let (desk, dates) = desk(5);
    let from = start(dates[place], ZONE);
    desk.expect_refusals();
    desk.on_request(move |_, request| {
        let is_bad = request.endpoint() == Some(endpoint) && request.json()["From"] == json!(from);
        if is_bad { reply.clone() } else { Reply::Normal }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let setup = backfill(&desk, &dates, &file).args("--label job=desk");
    let finished = setup.run().expect_code(1);
    (finished, fs::read_to_string(&file).unwrap(), dates)
}

#[test]
fn a_day_that_fails_is_named_and_is_not_in_the_file_by_half() {
    std::thread::scope(|scope| {
        for (place, endpoint, reply, class) in [
            (
                0,
                Endpoint::AgentStatistics,
                Reply::Error(141_004),
                "protocol",
            ),
            (
                2,
                Endpoint::AgentStatistics,
                Reply::body("<html>"),
                "protocol",
            ),
            (
                2,
                Endpoint::SessionStatistics,
                Reply::Error(60008),
                "server",
            ),
            (
                3,
                Endpoint::SessionStatistics,
                Reply::Error(60009),
                "configuration",
            ),
            (4, Endpoint::AgentStatistics, Reply::Reset, "network"),
        ] {
            scope.spawn(move || {
                let (finished, text, dates) = with_a_bad_day(place, endpoint, reply);
                assert_well_formed(&text);
                for (n, date) in dates.iter().enumerate() {
                    let day = format!(" {}\n", last_second(*date, ZONE));
                    assert_eq!(text.contains(&day), n != place, "{date}: {finished:?}");
                }
                let bad = dates[place];
                assert!(
                    finished.stderr.contains("holds 4 of 5 days"),
                    "{finished:?}"
                );
                let told = format!("  {bad}: ");
                let line = finished.stderr.lines().find(|line| line.starts_with(&told));
                let line = line.unwrap_or_else(|| panic!("{finished:?}"));
                assert!(line.contains(&format!("({class}). What to do: ")), "{line}");
                // The command that asks for it gives it the same labels.
                let command = format!(
                    "backfill --from {bad} --to {bad} --output history-{bad}.om --label job=desk\n"
                );
                assert!(finished.stderr.contains(&command), "{finished:?}");
            });
        }
    });
}

#[test]
fn a_day_that_fails_for_a_moment_is_tried_again() {
    let (desk, dates) = desk(2);
    desk.expect_refusals();
    // A request is sent three times before a poll fails.
    desk.on_request(|n, _| {
        if n <= 3 {
            Reply::Error(60008)
        } else {
            Reply::Normal
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file).run().expect_code(0);
    assert!(finished.stderr.contains("tried again in "), "{finished:?}");
    assert_well_formed(&fs::read_to_string(&file).unwrap());
}

#[test]
fn where_all_days_would_fail_alike_the_rest_is_not_asked_for() {
    let (desk, dates) = desk(5);
    desk.always(Reply::Error(70003));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file).run().expect_code(1);
    assert!(desk.asked() <= 2, "{finished:?}");
    assert!(finished.stderr.contains("(credentials)"), "{finished:?}");
    assert!(
        finished.stderr.contains("5 of 5 days are missing"),
        "{finished:?}"
    );
    assert!(!file.exists());
}

#[test]
fn an_endpoint_that_desk_does_not_serve_is_left_out() {
    let (desk, dates) = desk(3);
    desk.expect_refusals();
    desk.reply_at(Endpoint::SessionStatistics, Reply::Error(60009));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file).run().expect_code(0);
    // For the first day, and for the last.
    assert_eq!(
        desk.asked_at(Endpoint::SessionStatistics),
        2,
        "{finished:?}"
    );
    assert_eq!(
        finished.stderr.matches("not served here").count(),
        1,
        "{finished:?}"
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("tencent_desk_agent_sessions{")
            && !text.contains("tencent_desk_day_sessions")
    );
}

#[test]
fn days_that_are_too_old_for_one_endpoint_take_it_from_no_other_day() {
    let (desk, dates) = desk(4);
    desk.expect_refusals();
    let third = start(dates[2], ZONE);
    desk.on_request(move |_, request| {
        let is_too_old = request.json()["From"].as_i64().unwrap() < third;
        match request.endpoint() == Some(Endpoint::SessionStatistics) && is_too_old {
            true => Reply::Error(60009),
            false => Reply::Normal,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file).run().expect_code(1);
    let missing = format!("  {} to {}: ", dates[0], dates[1]);
    assert!(finished.stderr.contains(&missing), "{finished:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert_well_formed(&text);
    for (n, date) in dates.iter().enumerate() {
        let last = last_second(*date, ZONE);
        let sample = |line: &str| {
            line.starts_with("tencent_desk_day_sessions ") && line.ends_with(&format!(" {last}"))
        };
        assert_eq!(text.lines().any(sample), n >= 2, "{date}: {text}");
    }
}

#[test]
fn rows_of_another_day_are_not_in_the_file_and_that_is_told() {
    let (desk, dates) = desk(1);
    let other = dates[0].tomorrow().unwrap();
    let day = rows::with(
        rows::session_example(),
        json!({ "Time": other.to_string() }),
    );
    let past = Past {
        day: vec![day],
        ..past(0)
    };
    desk.set_past([(dates[0], past)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let finished = backfill(&desk, &dates, &file).run().expect_code(0);
    let told = "0 rows of describe_session_statistics (1 left out: other_time)";
    assert!(finished.stderr.contains(told), "{finished:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("tencent_desk_day_sessions"), "{text}");
}

#[test]
fn a_stop_leaves_a_file_of_what_is_there() {
    let (desk, dates) = desk(6);
    let from = start(dates[4], ZONE);
    let gate = Gate::default();
    desk.on_request(
        move |_, request| match request.json()["From"] == json!(from) {
            true => Reply::Hang(gate.clone()),
            false => Reply::Normal,
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    let fetched = format!("{}: ", dates[3]);
    let finished = backfill(&desk, &dates, &file)
        .run_until(&fetched, Signal::INT)
        .expect_code(1);
    assert_well_formed(&fs::read_to_string(&file).unwrap());
    assert!(
        finished.stderr.contains("holds 4 of 6 days"),
        "{finished:?}"
    );
    let missing = format!("backfill --from {} --to {}", dates[4], dates[5]);
    assert!(finished.stderr.contains(&missing), "{finished:?}");
    load(&file, &folder.path().join("data"));
}

#[test]
fn a_file_that_is_there_is_replaced_by_force_only() {
    let (desk, dates) = desk(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.om");
    fs::write(&file, "precious").unwrap();
    let refused = backfill(&desk, &dates, &file).run().expect_code(64);
    assert!(
        refused.stderr.contains("--output: ") && refused.stderr.contains("--force"),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(desk.asked(), 0);
    backfill(&desk, &dates, &file)
        .args("--force")
        .run()
        .expect_code(0);
    assert_well_formed(&fs::read_to_string(&file).unwrap());
}

#[test]
fn what_cannot_be_written_is_told() {
    let (desk, dates) = desk(1);
    // A device is written to, and not replaced by a file.
    for output in ["/nowhere/history.om", "/dev/full"] {
        let finished = backfill(&desk, &dates, Path::new(output))
            .run()
            .expect_code(1);
        assert!(
            finished
                .stderr
                .contains(&format!("cannot write {output}: ")),
            "{finished:?}"
        );
    }
    let finished = backfill(&desk, &dates, Path::new("-")).run().expect_code(0);
    assert_well_formed(&finished.stdout);
}

#[test]
fn what_can_be_no_file_is_told_before_a_day_is_asked_for() {
    let (desk, dates) = desk(1);
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("new/");
    for (output, told) in [
        (Path::new(""), "--output: is empty"),
        (folder.path(), "is a folder: name a file in it"),
        (&inside, "is a folder: name a file in it"),
    ] {
        let (first, flag) = (dates[0], format!("--output={}", output.display()));
        let finished = Setup::of(&desk)
            .args(&format!(
                "backfill --from {first} --to {first} --force {flag}"
            ))
            .run()
            .expect_code(64);
        assert!(finished.stderr.contains(told), "{output:?}: {finished:?}");
    }
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_stop_is_heeded_where_nobody_reads_the_pipe() {
    let (desk, dates) = desk(1);
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // All days are there, and what is left is to write them.
    let fetched = format!("{}: ", dates[0]);
    let finished = backfill(&desk, &dates, &pipe)
        .run_until(&fetched, Signal::TERM)
        .expect_code(1);
    assert!(finished.stderr.contains("stopped before"), "{finished:?}");
}

#[test]
fn days_that_are_not_over_and_other_mistakes_are_told_in_words() {
    let (desk, _) = desk(1);
    let today = yesterday(ZONE).tomorrow().unwrap();
    for (args, told) in [
        (
            format!("--from {today} --to {today}"),
            "is not over in Asia/Shanghai",
        ),
        (
            "--from 2026-01-02 --to 2026-01-01".to_owned(),
            "--from: 2026-01-02 is after --to, 2026-01-01",
        ),
        ("--from 2026-01-02".to_owned(), "--to: is missing"),
        (
            "--from 2026-13-02 --to 2026-01-01".to_owned(),
            "--from: is no day of the calendar",
        ),
        (
            "--from 2026-01-01 --to 2026-01-01 --label job".to_owned(),
            "--label: \"job\" has no value",
        ),
    ] {
        let setup = Setup::of(&desk).args("backfill").args(&args);
        let finished = setup.run().expect_code(64);
        assert!(finished.stderr.contains(told), "{args}: {finished:?}");
    }
    let setup = Setup::of(&desk).set("ENDPOINTS", "get_member_list");
    let finished = setup
        .args("backfill --from 2026-01-01 --to 2026-01-01")
        .run()
        .expect_code(64);
    assert!(
        finished
            .stderr
            .contains("TENCENT_DESK_ENDPOINTS: names no endpoint"),
        "{finished:?}"
    );
    let finished = Setup::of(&desk)
        .args("check --from 2026-01-01")
        .run()
        .expect_code(64);
    assert!(finished.stderr.contains("are for backfill"), "{finished:?}");
    assert_eq!(desk.asked(), 0);
}

#[test]
fn days_are_those_of_the_zone_where_clocks_change_too() {
    const BERLIN: &str = "Europe/Berlin";
    let desk = Desk::with(vec![rows::example()]);
    desk.use_zone(BERLIN);
    let dates: Vec<Date> = ["2026-03-28", "2026-03-29", "2026-03-30"]
        .map(|date| date.parse().unwrap())
        .to_vec();
    let hours = ["01:00", "02:00", "03:00"];
    let hours = hours.map(|hour| rows::with(rows::session_example(), json!({ "Time": hour })));
    let of_day = Past {
        hours: hours.to_vec(),
        ..past(1)
    };
    desk.set_past(dates.iter().map(|date| (*date, of_day.clone())));
    let setup = backfill(&desk, &dates, Path::new("-")).set("TIME_ZONE", BERLIN);
    let text = setup.run().expect_code(0).stdout;
    assert_well_formed(&text);
    let stamps = |hour: &str| -> Vec<i64> {
        let series = format!("tencent_desk_hour_sessions{{hour=\"{hour}\"}} ");
        let lines = text.lines().filter(|line| line.starts_with(&series));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect()
    };
    let at = |day: usize, hours: i64| start(dates[day], BERLIN) + hours * 3600 - 1;
    assert_eq!(stamps("01"), [at(0, 2), at(1, 2), at(2, 2)]);
    // On the 29th there was no such hour.
    assert_eq!(stamps("02"), [at(0, 3), at(2, 3)]);
    assert_eq!(stamps("03"), [at(0, 4), at(1, 3), at(2, 4)]);
}
