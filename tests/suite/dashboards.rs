//! Dashboards and rules name only what the exporter exposes, and break on no import.
//!
//! The expressions are parsed as PromQL; every selector's metric and labels are looked up in the table of what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, VectorSelector};
use serde_json::Value;

/// Units that Grafana knows, of those that we use. `suffix:` and `time:` take any text.
const UNITS: &[&str] = &[
    "none",
    "short",
    "percentunit",
    "s",
    "m",
    "bytes",
    "reqpm",
    "dthms",
];

const DAILY: &str = "tencent_desk_agent_";

/// Labels that Prometheus gives every series of a target.
const TARGET: &[&str] = &["job", "instance"];

/// Every metric and its own labels. To be taken from the exporter's table once that is here.
fn known_metrics() -> BTreeMap<String, Vec<&'static str>> {
    let agent = [
        "first_login_timestamp_seconds",
        "last_logout_timestamp_seconds",
        "sessions",
        "transferred_sessions",
        "effective_sessions",
        "ended_sessions",
        "unanswered_sessions",
        "served_users",
        "session_seconds",
        "messages",
        "sent_messages",
        "user_messages",
        "average_first_response_seconds",
        "first_response_under_30s_sessions",
        "average_response_seconds",
        "response_under_30s_sessions",
        "average_session_seconds",
        "rated_sessions",
        "satisfied_sessions",
        "satisfaction_ratio",
    ];
    let own: &[(&str, &[&str])] = &[
        ("up", &[]),
        ("day_start_timestamp_seconds", &[]),
        ("exporter_last_success_timestamp_seconds", &[]),
        ("exporter_poll_interval_seconds", &[]),
        ("exporter_poll_duration_seconds", &[]),
        ("exporter_polls_total", &[]),
        ("exporter_poll_failures_total", &["class"]),
        ("exporter_requests_total", &["endpoint"]),
        ("exporter_request_failures_total", &["endpoint", "class"]),
        (
            "exporter_request_duration_seconds_bucket",
            &["endpoint", "le"],
        ),
        ("exporter_request_duration_seconds_sum", &["endpoint"]),
        ("exporter_request_duration_seconds_count", &["endpoint"]),
        ("exporter_agents", &[]),
        ("exporter_missing_rows", &[]),
        ("exporter_discarded_rows_total", &["reason"]),
        ("exporter_ignored_values_total", &["field"]),
        ("exporter_unknown_fields", &[]),
        ("exporter_user_sig_expiry_timestamp_seconds", &[]),
        (
            "exporter_build_info",
            &["version", "revision", "rustc_version"],
        ),
    ];
    let process = [
        "cpu_seconds_total",
        "resident_memory_bytes",
        "virtual_memory_bytes",
        "open_fds",
        "max_fds",
        "start_time_seconds",
    ];
    let mut known = BTreeMap::new();
    for name in agent {
        known.insert(format!("{DAILY}{name}"), vec!["agent_id"]);
    }
    known.insert(format!("{DAILY}info"), vec!["agent_id", "nickname"]);
    known.insert(format!("{DAILY}state_seconds"), vec!["agent_id", "state"]);
    for (name, labels) in own {
        known.insert(format!("tencent_desk_{name}"), labels.to_vec());
    }
    for name in process {
        known.insert(format!("process_{name}"), vec![]);
    }
    // What Prometheus itself adds.
    known.insert("up".to_owned(), vec![]);
    known.insert("scrape_duration_seconds".to_owned(), vec![]);
    let alerts = vec!["alertname", "alertstate", "severity", "scope", "agent_id"];
    known.insert("ALERTS".to_owned(), alerts);
    known
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dashboards() -> Vec<(String, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("dashboards"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            (name, json)
        })
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One rule of a rule file: its kind, its name, its expression.
struct Rule {
    file: String,
    is_alert: bool,
    name: String,
    expr: String,
    rest: String,
}

/// Our own rule files hold to one style, so that reading them needs no YAML library.
fn rules() -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    for file in ["rules.yml", "alerts.yml"] {
        let content = fs::read_to_string(root().join("deploy/prometheus").join(file)).unwrap();
        let mut in_expr = false;
        for line in content.lines() {
            let trimmed = line.trim();
            if let Some((kind, name)) = trimmed
                .strip_prefix("- ")
                .and_then(|rule| rule.split_once(": "))
                .filter(|(kind, _)| ["record", "alert"].contains(kind))
            {
                found.push(Rule {
                    file: file.to_owned(),
                    is_alert: kind == "alert",
                    name: name.to_owned(),
                    expr: String::new(),
                    rest: String::new(),
                });
                in_expr = false;
                continue;
            }
            let Some(rule) = found.last_mut() else {
                continue;
            };
            if let Some(expr) = line.strip_prefix("        expr: ") {
                rule.expr = expr.trim_start_matches('|').to_owned();
                in_expr = expr == "|";
            } else if in_expr && line.starts_with("          ") {
                rule.expr.push_str(trimmed);
                rule.expr.push('\n');
            } else {
                in_expr = false;
                rule.rest.push_str(trimmed);
                rule.rest.push('\n');
            }
        }
    }
    found
}

/// Grafana's variables become what they stand for.
fn filled_in(expr: &str) -> String {
    let mut expr = expr.to_owned();
    for (variable, value) in [
        ("$__rate_interval", "2m"),
        ("$__range", "1d"),
        ("$job", "tencent-desk"),
        ("$instance", "localhost:10141"),
        ("$agent_id", "ann@example.com"),
    ] {
        expr = expr.replace(variable, value);
    }
    assert!(
        !expr.replace("\"$1\"", "").contains('$'),
        "a variable without a meaning: {expr}"
    );
    expr
}

/// What one expression uses, and whether it may.
struct Reader<'a> {
    whence: &'a str,
    known: &'a BTreeMap<String, Vec<&'static str>>,
    /// Labels that may be grouped by, joined on or kept.
    labels: BTreeSet<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, expr: &str) {
        match parser::parse(expr) {
            Ok(parsed) => self.walk(&parsed, None),
            Err(error) => self.problem(&format!("does not parse: {error}\n{expr}")),
        }
    }

    fn problem(&mut self, problem: &str) {
        self.problems.push(format!("{}: {problem}", self.whence));
    }

    /// `call`: the function whose argument this is.
    fn walk(&mut self, expr: &Expr, call: Option<&str>) {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector, call),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs, call),
            Expr::Aggregate(aggregate) => {
                if let Some(modifier) = &aggregate.modifier {
                    for label in &modifier.labels().labels {
                        self.label(label);
                    }
                }
                self.walk(&aggregate.expr, None);
                if let Some(param) = &aggregate.param {
                    self.walk(param, None);
                }
            }
            Expr::Binary(binary) => {
                if let Some(modifier) = &binary.modifier {
                    let matching = modifier
                        .matching
                        .iter()
                        .flat_map(|m| m.labels().labels.clone());
                    let group = modifier
                        .card
                        .labels()
                        .into_iter()
                        .flat_map(|l| l.labels.clone());
                    for label in matching.chain(group).collect::<Vec<_>>() {
                        self.label(&label);
                    }
                }
                self.walk(&binary.lhs, None);
                self.walk(&binary.rhs, None);
            }
            Expr::Call(call) => {
                for argument in &call.args.args {
                    self.walk(argument, Some(call.func.name));
                }
            }
            Expr::Paren(paren) => self.walk(&paren.expr, call),
            Expr::Unary(unary) => self.walk(&unary.expr, call),
            Expr::Subquery(subquery) => self.walk(&subquery.expr, call),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn label(&mut self, label: &str) {
        if !TARGET.contains(&label) && !self.labels.contains(label) {
            self.problem(&format!("no metric of ours has the label {label}"));
        }
    }

    fn selector(&mut self, selector: &VectorSelector, call: Option<&str>) {
        let Some(name) = &selector.name else {
            self.problem("a selector without a name");
            return;
        };
        let Some(labels) = self.known.get(name) else {
            self.problem(&format!("there is no metric {name}"));
            return;
        };
        for label in matched(&selector.matchers) {
            if !TARGET.contains(&label.as_str()) && !labels.contains(&label.as_str()) {
                self.problem(&format!("{name} has no label {label}"));
            }
        }
        let is_counted = ["rate", "irate", "increase"].contains(&call.unwrap_or_default());
        let is_counter = name.ends_with("_total") || name.ends_with("_bucket");
        if is_counted && !is_counter {
            self.problem(&format!(
                "{} of {name}, which is no counter",
                call.unwrap_or_default()
            ));
        }
        let forbidden = ["delta", "idelta", "deriv", "predict_linear", "resets"];
        if name.starts_with(DAILY) && forbidden.contains(&call.unwrap_or_default()) {
            self.problem(&format!(
                "{} of a daily value, {name}",
                call.unwrap_or_default()
            ));
        }
    }
}

fn matched(matchers: &Matchers) -> Vec<String> {
    let all = matchers
        .matchers
        .iter()
        .chain(matchers.or_matchers.iter().flatten());
    all.map(|matcher| matcher.name.clone()).collect()
}

fn read_all(
    expressions: &[(String, String)],
    known: &BTreeMap<String, Vec<&'static str>>,
) -> Vec<String> {
    let labels: BTreeSet<String> = known
        .values()
        .flatten()
        .map(|&label| label.to_owned())
        .collect();
    let mut problems = Vec::new();
    for (whence, expr) in expressions {
        let mut reader = Reader {
            whence,
            known,
            labels: labels.clone(),
            problems: Vec::new(),
        };
        reader.read(expr);
        problems.append(&mut reader.problems);
    }
    problems
}

#[test]
fn rules_use_what_the_exporter_exposes() {
    let mut known = known_metrics();
    let rules = rules();
    for rule in rules.iter().filter(|rule| !rule.is_alert) {
        let labels = if rule.name.starts_with("agent:") {
            vec!["agent_id"]
        } else {
            vec![]
        };
        assert_eq!(
            rule.name.split(':').count(),
            3,
            "{} is not level:metric:operation",
            rule.name
        );
        known.insert(rule.name.clone(), labels);
    }
    let expressions: Vec<_> = rules
        .iter()
        .map(|rule| (format!("{} {}", rule.file, rule.name), rule.expr.clone()))
        .collect();
    assert_eq!(expressions.len(), 39);
    assert_eq!(read_all(&expressions, &known), Vec::<String>::new());
}

#[test]
fn only_up_is_chosen_by_job() {
    for rule in rules() {
        assert_eq!(
            rule.expr.contains("job=\""),
            rule.expr.contains("up{job=\"tencent-desk\"}"),
            "{}",
            rule.name
        );
    }
}

#[test]
fn every_alert_leads_to_its_section_of_the_runbook() {
    let runbook = fs::read_to_string(root().join("deploy/RUNBOOK.md")).unwrap();
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.is_alert).collect();
    assert_eq!(alerts.len(), 15);
    for alert in &alerts {
        let name = &alert.name;
        assert!(
            runbook.contains(&format!("\n## {name}\n")),
            "no section about {name}"
        );
        let anchor = format!("/deploy/RUNBOOK.md#{}\n", name.to_lowercase());
        assert!(alert.rest.contains(&anchor), "{name}: runbook_url");
        for part in ["for: ", "summary: ", "description: "] {
            assert!(alert.rest.contains(part), "{name}: no {part}");
        }
        let severities = ["critical", "warning", "info"];
        assert!(
            severities
                .iter()
                .any(|s| alert.rest.contains(&format!("severity: {s}\n"))),
            "{name}"
        );
    }
    assert_eq!(
        runbook.matches("\n## TencentDesk").count(),
        alerts.len(),
        "a section without an alert"
    );
}

#[test]
fn every_rule_is_tested() {
    let tests: String = ["rules_test.yml", "service_test.yml", "exporter_test.yml"]
        .iter()
        .map(|file| fs::read_to_string(root().join("deploy/prometheus/tests").join(file)).unwrap())
        .collect();
    for rule in rules() {
        if rule.is_alert {
            let silent = format!("alertname: {}, eval_time: ", rule.name);
            let firing = format!("- alertname: {}\n", rule.name);
            assert!(
                tests.contains(&silent) && tests.contains(&firing),
                "{}",
                rule.name
            );
        } else if rule.file == "rules.yml" {
            assert!(tests.contains(&rule.name), "{}", rule.name);
        }
    }
}

#[test]
fn dashboards_use_what_the_exporter_exposes() {
    let mut expressions = Vec::new();
    for (file, dashboard) in dashboards() {
        for panel in list(&dashboard["panels"]) {
            for target in list(&panel["targets"]) {
                let whence = format!("{file}: {} {}", text(panel, "title"), text(target, "refId"));
                expressions.push((whence, filled_in(text(target, "expr"))));
            }
        }
        for annotation in list(&dashboard["annotations"]["list"]) {
            if let Some(expr) = annotation["expr"].as_str() {
                expressions.push((format!("{file}: annotation"), filled_in(expr)));
            }
        }
        for variable in list(&dashboard["templating"]["list"]) {
            let Some(query) = variable["query"]["query"].as_str() else {
                continue;
            };
            let inner = query
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')'))
                .unwrap();
            let expr = match query.strip_prefix("label_values") {
                Some(_) => inner.rsplit_once(", ").unwrap().0,
                None => inner,
            };
            expressions.push((
                format!("{file}: variable {}", text(variable, "name")),
                filled_in(expr),
            ));
        }
    }
    assert!(expressions.len() > 60);
    // "limit" is made by label_replace, to tell what is counted.
    assert_eq!(
        read_all(&expressions, &known_metrics()),
        Vec::<String>::new()
    );
}

#[test]
fn dashboards_survive_every_way_of_import() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in dashboards() {
        assert!(
            dashboard["id"].is_null() && dashboard.get("id").is_some(),
            "{file}: id"
        );
        assert!(dashboard.get("__inputs").is_none(), "{file}: __inputs");
        assert_eq!(dashboard["schemaVersion"], 39, "{file}");
        assert_eq!(format!("{}.json", text(&dashboard, "uid")), file);
        assert!(uids.insert(text(&dashboard, "uid").to_owned()));
        assert_eq!(dashboard["time"]["from"], "now/d", "{file}");
        assert!(!text(&dashboard, "description").is_empty(), "{file}");
        let variables: Vec<_> = list(&dashboard["templating"]["list"])
            .iter()
            .map(|variable| text(variable, "name"))
            .collect();
        assert_eq!(
            variables.get(..3),
            Some(["datasource", "job", "instance"].as_slice()),
            "{file}"
        );
    }
    for (file, dashboard) in dashboards() {
        let links: BTreeSet<_> = list(&dashboard["links"])
            .iter()
            .map(|link| text(link, "url").trim_start_matches("/d/").to_owned())
            .collect();
        let others: BTreeSet<_> = uids
            .iter()
            .filter(|uid| **uid != text(&dashboard, "uid"))
            .cloned()
            .collect();
        assert_eq!(links, others, "{file}");
    }
}

#[test]
fn panels_say_what_they_show() {
    for (file, dashboard) in dashboards() {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let whence = format!("{file}: {}", text(panel, "title"));
            assert!(!text(panel, "title").is_empty(), "{file}: {}", panel["id"]);
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{whence}: id used twice"
            );
            let grid = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(grid("x") + grid("w") <= 24, "{whence}: too wide");
            for x in grid("x")..grid("x") + grid("w") {
                for y in grid("y")..grid("y") + grid("h") {
                    assert!(cells.insert((x, y)), "{whence}: lies over another panel");
                }
            }
            if text(panel, "type") == "row" {
                continue;
            }
            assert!(
                text(panel, "description").ends_with('.'),
                "{whence}: description"
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{whence}");
            let config = &panel["fieldConfig"];
            assert!(
                !text(&config["defaults"], "noValue").is_empty(),
                "{whence}: noValue"
            );
            let overrides = list(&config["overrides"])
                .iter()
                .flat_map(|o| list(&o["properties"]));
            let units = overrides
                .filter(|property| property["id"] == "unit")
                .map(|property| text(property, "value"))
                .chain(config["defaults"]["unit"].as_str());
            for unit in units {
                let is_free = unit.starts_with("suffix:") || unit.starts_with("time:");
                assert!(is_free || UNITS.contains(&unit), "{whence}: unit {unit}");
            }
            let mut refs = BTreeSet::new();
            assert!(!list(&panel["targets"]).is_empty(), "{whence}: no query");
            for target in list(&panel["targets"]) {
                assert!(refs.insert(text(target, "refId")), "{whence}: refId twice");
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{whence}");
            }
        }
    }
}

/// Of what a user has of Prometheus's tools, everything has to be content with our files.
#[test]
fn prometheus_and_alertmanager_accept_the_files() {
    let deploy = root().join("deploy");
    let tests = [
        "tests/rules_test.yml",
        "tests/service_test.yml",
        "tests/exporter_test.yml",
    ];
    run(
        "promtool",
        &["check", "config", "prometheus.yml"],
        &deploy.join("prometheus"),
    );
    run(
        "promtool",
        &["check", "rules", "--lint-fatal", "rules.yml", "alerts.yml"],
        &deploy.join("prometheus"),
    );
    run(
        "promtool",
        &[&["test", "rules"], tests.as_slice()].concat(),
        &deploy.join("prometheus"),
    );
    run(
        "amtool",
        &["check-config", "alertmanager.yml"],
        &deploy.join("alertmanager"),
    );
}

fn run(tool: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("{tool}: {error}; it comes with Debian's package prometheus")
    });
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{tool} {arguments:?}\n{}",
        String::from_utf8_lossy(&said)
    );
}
