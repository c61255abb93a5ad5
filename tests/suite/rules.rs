//! The files of `deploy/` are accepted by the very tools that will read them, the rules do what
//! their unit tests say, and README and runbook say what the rules do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::repository::{self, Rule, Variables, expressions, names_in, rules};
use crate::support::tools;

const TESTS: [&str; 10] = [
    "tests/days_test.yml",
    "tests/exporter_test.yml",
    "tests/figures_test.yml",
    "tests/history_test.yml",
    "tests/queue_test.yml",
    "tests/rules_test.yml",
    "tests/service_test.yml",
    "tests/targets_test.yml",
    "tests/weeks_test.yml",
    "tests/cases_test.yml",
];

/// Runs a tool in a folder of the repository; hands back what it said, where it was content.
#[track_caller]
fn content(tool: PathBuf, arguments: &[&str], folder: &str) -> String {
    let output = Command::new(&tool)
        .args(arguments)
        .current_dir(repository::file(folder))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{tool:?} {arguments:?}\n{said}");
    said
}

#[test]
fn prometheus_accepts_configuration_and_rules() {
    let folder = "deploy/prometheus";
    content(
        tools::promtool(),
        &["check", "config", "prometheus.yml"],
        folder,
    );
    let lint = ["check", "rules", "--lint=all", "--lint-fatal"];
    for promtool in [tools::promtool(), tools::newer_promtool()] {
        for file in ["rules.yml", "alerts.yml"] {
            let said = content(promtool.clone(), &[&lint[..], &[file]].concat(), folder);
            let ours = rules().iter().filter(|rule| rule.file == file).count();
            assert!(said.contains(&format!("{ours} rules found")), "{said}");
        }
    }
}

#[track_caller]
fn unit_tests(promtool: PathBuf, tests: &[&str]) {
    let arguments = [&["test", "rules"], tests].concat();
    let said = content(promtool, &arguments, "deploy/prometheus");
    assert_eq!(said.matches("SUCCESS").count(), tests.len(), "{said}");
}

/// By the oldest Prometheus that is supported.
#[test]
fn the_rules_pass_their_unit_tests() {
    unit_tests(tools::promtool(), &TESTS);
}

/// Where all clusters and namespaces are chosen, targets that share job and instance are in no panel's way.
#[test]
fn the_boards_bear_targets_that_share_job_and_instance() {
    let tests = repository::read("deploy/prometheus/tests/targets_test.yml");
    let series = tests.lines().filter(|line| line.contains("{series: "));
    let series: Vec<&str> = series.collect();
    assert!(series.len() > 100);
    let variables = Variables {
        job: "tencent-desk",
        instance: "busy",
        agent_id: "ann",
        range: "1h",
    };
    let expressions = expressions().into_iter();
    let expressions = expressions.map(|it| variables.fill_in(&it.expr));
    let expressions: BTreeSet<String> = expressions.collect();
    let nothing = json!([{ "labels": "{}", "value": 0 }]);
    let expected = expressions.iter().map(|expr| {
        let expr = format!("count(\n{expr}\n) * 0 or vector(0)");
        json!({ "expr": expr, "eval_time": "65m", "exp_samples": nothing })
    });
    let expected: Vec<_> = expected.collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boards_test.yml");
    let head = "evaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:";
    let test = format!(
        "{head}\n{}\n    promql_expr_test: {}\n",
        series.join("\n"),
        json!(expected)
    );
    fs::write(&file, test).unwrap();
    unit_tests(tools::promtool(), &[file.to_str().unwrap()]);
}

/// A new one takes windows without their first instant, and templates by a newer Go.
#[test]
fn the_rules_pass_their_unit_tests_by_a_new_prometheus() {
    unit_tests(tools::newer_promtool(), &TESTS[..6]);
}

#[test]
fn alertmanager_accepts_its_configuration() {
    for folder in ["deploy/alertmanager", "deploy/compose"] {
        let arguments = ["check-config", "alertmanager.yml"];
        content(tools::amtool(), &arguments, folder);
    }
}

/// Each alert has a case that fires and one that stays silent; each figure has a value.
#[test]
fn every_rule_is_tested() {
    let tests: String = TESTS
        .iter()
        .map(|file| repository::read(&format!("deploy/prometheus/{file}")))
        .collect();
    for rule in rules() {
        let name = &rule.name;
        if rule.is_alert {
            let cases: Vec<&str> = tests.split(&format!("alertname: {name}")).skip(1).collect();
            let is_silent = |case: &&str| {
                let line = case.lines().next().unwrap_or_default();
                line.starts_with(", eval_time: ") && line.ends_with("exp_alerts: []}")
            };
            let silent = cases.iter().copied().filter(|case| is_silent(case)).count();
            assert!(silent > 0, "{name} has no case that stays silent");
            assert!(cases.len() > silent, "{name} has no case that fires");
        } else if rule.file == "rules.yml" {
            assert!(tests.contains(name), "{name} is not tested");
        }
    }
}

/// Our own names need no selector; the job's name is in `up` alone, for users who name it otherwise.
#[test]
fn only_up_is_chosen_by_job() {
    for rule in rules() {
        let rest = rule.expr.replace("up{job=\"tencent-desk\"}", "");
        assert!(!rest.contains("job="), "{}", rule.name);
        assert!(!rest.contains("instance="), "{}", rule.name);
    }
    let config = repository::read("deploy/prometheus/prometheus.yml");
    assert!(config.contains("\n  - job_name: tencent-desk\n"));
}

#[test]
fn every_alert_says_what_to_do() {
    let runbook = repository::read("deploy/RUNBOOK.md");
    let alerts: Vec<Rule> = rules().into_iter().filter(|rule| rule.is_alert).collect();
    assert_eq!(alerts.len(), 25);
    for alert in &alerts {
        let name = &alert.name;
        let section = format!("\n## {name}\n");
        assert!(runbook.contains(&section), "no section about {name}");
        let anchor = format!("/deploy/RUNBOOK.md#{}", name.to_lowercase());
        let runbook_url = alert.member("runbook_url").unwrap_or_default();
        assert!(runbook_url.ends_with(&anchor), "{name}: {runbook_url}");
        for member in ["for", "summary", "description"] {
            assert!(alert.member(member).is_some(), "{name}: no {member}");
        }
        let severity = alert.member("severity").unwrap_or_default();
        let severities = ["critical", "warning", "info"];
        assert!(severities.contains(&severity), "{name}: {severity}");
        // A bare number of seconds, or a ratio with sixteen digits, is no text for people.
        assert!(!alert.rest.contains("{{ $value }}"), "{name}");
    }
    let sections = runbook.matches("\n## TencentDesk").count();
    assert_eq!(sections, alerts.len(), "a section without an alert");
}

/// The README's table has a row for each alert, with its limits, its wait and its severity.
#[test]
fn the_readme_says_when_alerts_fire() {
    let readme = repository::read("README.md");
    let table = readme.split("<!-- alerts -->\n").nth(1).unwrap();
    let table = table.split("<!-- /alerts -->").next().unwrap();
    let rows: BTreeMap<&str, Vec<&str>> = table.lines().skip(2).map(cells).collect();

    let rules = rules();
    let (alerts, recorded): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| rule.is_alert);
    let limits = |alert: &Rule| -> Vec<String> {
        let used = recorded
            .iter()
            .filter(|rule| rule.file == "alerts.yml")
            .filter(|rule| names_in(&alert.expr).any(|name| name == rule.name));
        used.map(|rule| shown(&rule.name, &rule.expr)).collect()
    };
    for alert in &alerts {
        let name = &alert.name;
        let row = rows.get(name.as_str());
        let [when, wait, severity] = row.map(Vec::as_slice).unwrap_or_default() else {
            panic!("{name} has no row of four cells: {row:?}");
        };
        assert_eq!(Some(*wait), alert.member("for"), "{name}");
        assert_eq!(Some(*severity), alert.member("severity"), "{name}");
        for limit in limits(alert) {
            let has_it = format!(" {when} ").contains(&format!(" {limit} "));
            assert!(has_it, "{name}: {limit} is not in {when:?}");
        }
    }
    assert_eq!(rows.len(), alerts.len(), "a row without an alert");
    // Each limit is some alert's.
    let used: Vec<String> = alerts.iter().flat_map(|alert| limits(alert)).collect();
    for rule in recorded.iter().filter(|rule| rule.file == "alerts.yml") {
        let limit = shown(&rule.name, &rule.expr);
        assert!(used.contains(&limit), "{} is used nowhere", rule.name);
    }
}

/// A row's alert, and the cells behind it.
fn cells(row: &str) -> (&str, Vec<&str>) {
    let mut cells = row.trim_matches('|').split('|').map(str::trim);
    let name = cells.next().unwrap_or_default().trim_matches('`');
    (name, cells.collect())
}

/// A limit as people write it.
#[track_caller]
fn shown(name: &str, expr: &str) -> String {
    let factors = expr.split('*').map(|factor| factor.trim().parse::<f64>());
    let value: f64 = factors.map(|factor| factor.unwrap()).product();
    let name = name.trim_start_matches("tencent_desk:");
    match name.split_once(':').unwrap() {
        (what, _) if what.ends_with("_ratio") => format!("{} %", value * 100.0),
        (what, _) if what.ends_with("_seconds") && value >= 86_400.0 => {
            format!("{} days", value / 86_400.0)
        }
        (what, _) if what.ends_with("_seconds") => format!("{value} s"),
        _ => value.to_string(),
    }
}
