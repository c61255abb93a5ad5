//! The log as an operator reads it: in the journal, in a collector that wants every line in one format, and in the
//! first minutes of a trouble.

use std::collections::BTreeMap;
use std::net::TcpListener;

use serde_json::Value;

use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup, logfmt};
use crate::support::{Unanswered, eventually, rows};

/// Tells the exporter that the journal reads its standard error, as systemd does.
const TO_THE_JOURNAL: &str =
    "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec \"$@\"";

/// Lines of the log by their message.
fn told(exporter: &Exporter, message: &str) -> Vec<BTreeMap<String, String>> {
    let lines = exporter.log().into_iter().map(|line| logfmt(&line));
    let is_it = |line: &BTreeMap<String, String>| line.get("message").is_some_and(|m| m == message);
    lines.filter(is_it).collect()
}

#[test]
fn the_journal_gets_the_priority_of_each_line_and_others_do_not() {
    let desk = Desk::with(rows::agents(1));
    for format in ["logfmt", "json"] {
        let setup = Setup::of(&desk)
            .set("LOG_FORMAT", format)
            .set("LOG_LEVEL", "debug")
            .set("NO_SETTING", "x");
        let run = |setup: Setup| {
            let stderr = setup.args("check").run().expect_code(0).stderr;
            stderr.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let plain = run(setup.clone());
        assert!(plain.iter().all(|line| !line.starts_with('<')), "{plain:?}");
        let elsewhere = setup.clone().env("JOURNAL_STREAM", "1:1");
        assert!(run(elsewhere).iter().all(|line| !line.starts_with('<')));

        let lines = run(setup.through(TO_THE_JOURNAL));
        let priority_of = |level: &str| match level {
            "ERROR" | "error" => "<3>",
            "WARN" | "warn" => "<4>",
            "INFO" | "info" => "<6>",
            _ => "<7>",
        };
        let mut priorities: Vec<_> = lines.iter().map(|line| line.split_at(3)).collect();
        for (priority, line) in &priorities {
            let level = match format {
                "json" => serde_json::from_str::<Value>(line).unwrap()["level"].clone(),
                _ => logfmt(line)["level"].clone().into(),
            };
            let expected = priority_of(level.as_str().unwrap());
            assert_eq!(*priority, expected, "{line}");
        }
        priorities.sort_unstable();
        priorities.dedup_by_key(|(priority, _)| *priority);
        assert_eq!(priorities.len(), 3, "{lines:?}");
    }
    let mistaken = Setup::bare().through(TO_THE_JOURNAL).run().expect_code(64);
    let lines = mistaken.stderr.lines();
    assert!(lines.clone().count() > 1 && lines.clone().all(|line| line.starts_with("<3>TENC")));
}

#[test]
fn why_it_ends_is_told_in_the_format_of_the_log_at_any_level() {
    let desk = Desk::with(rows::agents(1));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let busy = || Setup::of(&desk).set("LISTEN_ADDRESS", address.to_string());
    for level in ["info", "off"] {
        for (setup, code, reason) in [
            (busy(), 1, "cannot listen on"),
            (busy().args("demo"), 1, "cannot listen on"),
            (Setup::bare(), 64, "TENCENT_DESK_SDK_APP_ID: is not set"),
            (Setup::bare().args("check"), 64, "TENCENT_DESK_SDK_APP_ID: "),
            (Setup::bare().args("--no.flag"), 64, "--no.flag"),
            (
                busy().set("SECRET_KEY", "wr0ng").args("check"),
                1,
                "the check has failed",
            ),
        ] {
            desk.expect_refusals();
            let setup = setup.set("LOG_LEVEL", level);
            let json = setup.clone().set("LOG_FORMAT", "json").run();
            let json = json.expect_code(code).stderr;
            let mut reasons = json.lines().map(|line| {
                let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                (event["level"] == "ERROR").then(|| event["message"].to_string())
            });
            let is_told = reasons.any(|told| told.is_some_and(|told| told.contains(reason)));
            assert!(is_told, "{json}");

            let chosen = setup.set("LOG_FORMAT", "logfmt").run();
            let lines = chosen.expect_code(code).stderr;
            let is_told = |line: &str| {
                let pairs = logfmt(line);
                pairs["level"] == "error" && pairs["message"].contains(reason)
            };
            assert!(lines.lines().any(is_told), "{lines}");
        }
    }
    // Where no format is chosen and no log has begun, a person reads it.
    let mistaken = Setup::bare().run().expect_code(64);
    assert!(mistaken.stderr.starts_with("TENCENT_DESK_SDK_APP_ID: "));
}

#[test]
fn polls_that_begin_to_fail_are_one_line_with_two_hosts_too() {
    // Both hosts of the region are out of reach by way of this proxy.
    let nothing = Unanswered::new();
    let exporter = Setup::bare()
        .set("SDK_APP_ID", "1400000000")
        .set("SECRET_KEY", "k3y")
        .set("POLL_INTERVAL", "1s")
        .set("REALTIME_INTERVAL", "1s")
        .set("DIRECTORY_INTERVAL", "1s")
        .set("REQUESTS_PER_SECOND", "100")
        .env("HTTPS_PROXY", format!("http://{}", nothing.address()))
        .start();
    exporter.wait_for("many failures", |page| {
        page.own("exporter_request_failures_total", &[("class", "network")]) > Some(40.0)
    });
    assert_eq!(
        told(&exporter, "polls fail").len(),
        1,
        "{}",
        exporter.output()
    );
    let lines = exporter.log();
    assert!(lines.len() <= 3, "{lines:#?}");
}

#[test]
fn causes_that_take_turns_are_told_once_until_polls_succeed() {
    let desk = Desk::with(rows::agents(3));
    desk.on_request(|n, _| match n / 3 % 2 {
        0 => Reply::Error(141_002),
        _ => Reply::Status(502, vec![], String::new()),
    });
    let exporter = Setup::busily(&desk).start();
    eventually(|| (desk.asked() > 20).then_some(())).unwrap();
    assert_eq!(
        told(&exporter, "polls fail").len(),
        2,
        "{}",
        exporter.output()
    );
    assert!(told(&exporter, "the first poll has succeeded").is_empty());
    desk.always(Reply::Normal);
    exporter.wait_until_up();
    exporter.wait_for_output("polls succeed again");
    let again = &told(&exporter, "polls succeed again")[0];
    assert_eq!(again["agents"], "3");
    assert!(again["lasted"].ends_with('s'), "{again:?}");
}

#[test]
fn the_first_success_is_one_line() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::busily(&desk).unset("ENDPOINTS").start();
    eventually(|| (desk.asked_at(Endpoint::AgentStatistics) > 2).then_some(())).unwrap();
    let first = told(&exporter, "the first poll has succeeded");
    assert_eq!(first.len(), 1, "{}", exporter.output());
}

#[test]
fn no_agent_is_one_line_in_the_log_and_a_warning_of_check() {
    let desk = Desk::with(vec![]);
    let setup = Setup::busily(&desk).set("AGENT_IDS", format!("ann,{}", rows::nth_id(1)));
    let exporter = setup.clone().start();
    eventually(|| (desk.asked() > 3).then_some(())).unwrap();
    let about = |exporter: &Exporter| {
        let lines = exporter.log().into_iter();
        let lines = lines.filter(|line| line.contains("Desk's answer has"));
        lines.collect::<Vec<_>>()
    };
    let lines = about(&exporter);
    assert_eq!(lines.len(), 1, "{}", exporter.output());
    assert!(lines[0].contains("level=warn") && lines[0].contains("no agent today"));
    assert!(
        lines[0].contains(": agent-0001@desk.example, ann"),
        "{lines:?}"
    );
    desk.set_rows(rows::agents(1));
    exporter.wait_for_output("Desk's answer has agents again");

    desk.set_rows(vec![]);
    let check = setup.args("check").run().expect_code(0).stdout;
    for told in [
        "Warning: Desk's answer has no agent today",
        ": agent-0001@desk.example, ann",
        "A poll would work, though there is no agent to show",
    ] {
        assert!(check.contains(told), "{told}: {check}");
    }
}

#[test]
fn the_settings_are_told_without_a_secret() {
    let desk = Desk::with(rows::agents(1));
    let key = desk.account().key.clone();
    let setup = Setup::of(&desk).set("AGENT_IDS", "ann,bob");
    let check = setup.clone().args("check").run().expect_code(0);
    for line in [
        "\n  TENCENT_DESK_POLL_INTERVAL=1h\n",
        "\n  TENCENT_DESK_REGION=china (default)\n",
        "\n  TENCENT_DESK_SECRET_KEY=given (not shown)\n",
        "\n  TENCENT_DESK_AGENT_IDS=2 of them (not shown)\n",
    ] {
        assert!(check.stdout.contains(line), "{line}: {check:?}");
    }
    assert!(!check.output().contains(&key), "{check:?}");
    let exporter = setup.set("LOG_LEVEL", "debug").start();
    let lines = exporter.log();
    let settings = lines.iter().filter(|line| line.contains("message=setting"));
    let interval = "name=TENCENT_DESK_POLL_INTERVAL value=1h";
    assert!(
        settings.clone().any(|line| line.contains(interval)),
        "{lines:#?}"
    );
    assert!(settings.count() > 15 && !exporter.output().contains(&key));
}

#[test]
fn health_says_why() {
    let desk = Desk::with(rows::agents(1));
    desk.always(Reply::Status(
        503,
        vec![],
        "A poll loop is stuck.\n".to_owned(),
    ));
    desk.expect_refusals();
    let health = format!("health --web.listen-address={}", desk.address());
    let finished = Setup::default().args(&health).run().expect_code(1);
    let why = "answers with status 503: A poll loop is stuck.";
    assert!(finished.stderr.contains(why), "{finished:?}");
}
