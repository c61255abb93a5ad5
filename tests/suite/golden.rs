//! Whole pages, kept as files: what a change of the exposition looks like is seen in a diff.
//!
//! `BLESS=1 cargo test --test suite golden` writes the files; look at what changed before committing.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::Unanswered;
use crate::support::desk::Desk;
use crate::support::exporter::Setup;
use crate::support::page::Page;
use crate::support::rows::{example, idle, with};
use crate::support::tools::promtool_findings;

/// Samples whose values differ from run to run.
const VOLATILE: [&str; 6] = [
    "process_",
    "tencent_desk_day_start_timestamp_seconds",
    "tencent_desk_exporter_last_success_timestamp_seconds",
    "tencent_desk_exporter_poll_duration_seconds",
    "tencent_desk_exporter_request_duration_seconds",
    "tencent_desk_exporter_user_sig_expiry_timestamp_seconds",
];

/// Those that differ as well where Desk did not answer: how often it was tried.
const ATTEMPTS: [&str; 4] = [
    "tencent_desk_exporter_polls_total",
    "tencent_desk_exporter_poll_failures_total{class=\"network\",endpoint=\"describe_agent_statistics\"}",
    "tencent_desk_exporter_requests_total",
    "tencent_desk_exporter_request_failures_total",
];

#[test]
fn a_normal_day() {
    let desk = Desk::with(vec![
        example(),
        idle("idle@desk.example"),
        with(
            idle("张伟@desk.example"),
            json!({
                "AgentNickName": "张伟 \"\\\"\n🎧",
                "FirstLoginTimestamp": 1_738_890_000, "FreeTime": 7200,
                "TotalSessionCnt": 3, "NotRespSessionCnt": 3,
            }),
        ),
    ]);
    let page = Setup::of(&desk).start().wait_until_up();
    compare("normal-day", &page, &[]);
}

#[test]
fn an_empty_day() {
    let desk = Desk::with(Vec::new());
    let page = Setup::of(&desk).start().wait_until_up();
    compare("empty-day", &page, &[]);
}

#[test]
fn a_desk_that_was_never_reached() {
    let desk = Desk::with(Vec::new());
    let unanswered = Unanswered::new();
    let page = Setup::of(&desk)
        .set("ENDPOINT", format!("http://{}", unanswered.address()))
        .start()
        .after_first_poll();
    compare("never-reached", &page, &ATTEMPTS);
}

/// Compares with the file of that name, or writes it; promtool has a look either way.
#[track_caller]
fn compare(name: &str, page: &Page, volatile: &[&str]) {
    assert_eq!(promtool_findings(&page.to_string()), "");
    let seen = steady(&page.to_string(), volatile);
    let file = folder().join(format!("{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&file, seen).unwrap();
        return;
    }
    let Ok(kept) = fs::read_to_string(&file) else {
        panic!("tests/golden/{name}.txt is missing: run with BLESS=1, and look at what it wrote");
    };
    assert_eq!(
        first_difference(&kept, &seen),
        None,
        "BLESS=1 keeps the new page:\n{seen}"
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The page without what differs from run to run.
fn steady(page: &str, volatile: &[&str]) -> String {
    let lines = page.lines().filter(|line| !line.contains("_bucket{"));
    lines
        .map(|line| steady_line(line, volatile) + "\n")
        .collect()
}

fn steady_line(line: &str, volatile: &[&str]) -> String {
    if line.starts_with("tencent_desk_exporter_build_info{") {
        return "tencent_desk_exporter_build_info{…} 1".to_owned();
    }
    let varies = VOLATILE
        .iter()
        .chain(volatile)
        .any(|name| line.starts_with(name));
    match line.rsplit_once(' ') {
        Some((series, _)) if varies => format!("{series} …"),
        _ => line.to_owned(),
    }
}

fn first_difference<'a>(kept: &'a str, seen: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let longest = kept.lines().count().max(seen.lines().count());
    let line = |text: &'a str, n: usize| text.lines().nth(n).unwrap_or("(no line)");
    let lines = (0..longest).map(|n| (n + 1, line(kept, n), line(seen, n)));
    lines.into_iter().find(|(_, old, new)| old != new)
}
