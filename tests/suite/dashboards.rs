//! Dashboards and rules name only what the exporter exposes, and break on no import.
//!
//! The expressions are parsed as PromQL; every selector's metric and every label are looked up in
//! the exporter's own tables, so that a renamed metric fails here and not in use.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{Matcher, Matchers};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use serde_json::Value;
use tencent_desk_exporter::catalog::exporter::Type;
use tencent_desk_exporter::catalog::{AGENT_ID, Counts, ENDPOINTS, exporter};

use crate::support::repository::{
    self, Expression, Variables, dashboards, expressions, list, rules, text,
};

/// Units that Grafana knows, of those that we use. `suffix:` and `time:` take any text.
const UNITS: &[&str] = &["none", "percentunit", "s", "bytes", "dateTimeFromNow"];

/// Labels that Prometheus gives every series of a target.
const TARGET: &[&str] = &["job", "instance"];

/// Functions that only make sense over what never falls.
const OF_COUNTERS: &[&str] = &["rate", "irate", "increase", "resets"];
/// Functions that a day's end makes nonsense of, beside those.
const OF_STEADY: &[&str] = &["delta", "idelta", "deriv", "predict_linear", "holt_winters"];

struct Metric {
    labels: Vec<String>,
    is_counter: bool,
    /// Counts from Desk's midnight and falls back there.
    is_daily: bool,
}

type Metrics = BTreeMap<String, Metric>;

/// Every metric that there is, and its labels beside those of the target.
fn metrics() -> Metrics {
    let mut known = Metrics::new();
    let mut add = |name: String, labels: &[&str], is_counter: bool, is_daily: bool| {
        let metric = Metric {
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            is_counter,
            is_daily,
        };
        assert!(known.insert(name.clone(), metric).is_none(), "{name} twice");
    };
    for endpoint in ENDPOINTS {
        for family in endpoint.families {
            let is_daily = family.counts != Counts::Now;
            add(
                family.name.to_owned(),
                &family.label_names(),
                false,
                is_daily,
            );
        }
    }
    for metric in exporter::ALL {
        if metric.metric_type == Type::Histogram {
            let buckets = [metric.labels, &["le"]].concat();
            add(format!("{}_bucket", metric.name), &buckets, true, false);
            add(format!("{}_sum", metric.name), metric.labels, true, false);
            add(format!("{}_count", metric.name), metric.labels, true, false);
        } else {
            let is_counter = metric.metric_type == Type::Counter;
            add(metric.name.to_owned(), metric.labels, is_counter, false);
        }
    }
    // What Prometheus itself adds.
    add("up".to_owned(), &[], false, false);
    add("scrape_duration_seconds".to_owned(), &[], false, false);
    let alert = ["alertname", "alertstate", "severity", "scope", AGENT_ID];
    let alert = [
        &alert[..],
        &["nickname", "class", "field", "sign", "endpoint"],
        &["group_id", "group_name"],
    ]
    .concat();
    add("ALERTS".to_owned(), &alert, false, false);
    add("ALERTS_FOR_STATE".to_owned(), &alert, false, false);
    // What the rules record. The thresholds have no labels at all.
    for rule in rules().iter().filter(|rule| !rule.is_alert) {
        let labels: &[&str] = match rule.name.split_once(':') {
            Some(("agent", _)) => &[AGENT_ID],
            Some(("team", metric)) if metric.contains("state_seconds") => &["state"],
            _ => &[],
        };
        add(rule.name.clone(), labels, false, rule.file == "rules.yml");
    }
    known
}

/// What one expression uses, and whether it may.
struct Reader<'a> {
    whence: &'a str,
    known: &'a Metrics,
    /// Labels that the expression's series have, or are given.
    labels: BTreeSet<String>,
    /// Labels that it groups by, joins on or keeps.
    wanted: BTreeSet<String>,
    problems: Vec<String>,
}

/// All that is wrong with an expression, and with the labels that its text or legend shows.
fn problems_of(known: &Metrics, whence: &str, expr: &str, shown: &[String]) -> Vec<String> {
    let mut reader = Reader {
        whence,
        known,
        labels: TARGET.iter().map(|&label| label.to_owned()).collect(),
        wanted: shown.iter().cloned().collect(),
        problems: Vec::new(),
    };
    match parser::parse(expr) {
        Ok(parsed) => reader.walk(&parsed, &[]),
        Err(error) => reader.problem(&format!("does not parse: {error}\n{expr}")),
    }
    for label in reader.wanted.clone().difference(&reader.labels.clone()) {
        reader.problem(&format!("nothing in it has the label {label}"));
    }
    reader.problems
}

impl Reader<'_> {
    fn problem(&mut self, problem: &str) {
        self.problems.push(format!("{}: {problem}", self.whence));
    }

    /// `calls`: the functions that this is an argument of, the innermost last.
    fn walk(&mut self, expr: &Expr, calls: &[&str]) {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector, calls),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs, calls),
            Expr::Aggregate(aggregate) => {
                let modifier = aggregate.modifier.iter();
                let labels = modifier.flat_map(|modifier| &modifier.labels().labels);
                self.wanted.extend(labels.cloned());
                self.walk(&aggregate.expr, calls);
                if let Some(param) = &aggregate.param {
                    self.walk(param, calls);
                }
            }
            Expr::Binary(binary) => {
                if let Some(modifier) = &binary.modifier {
                    // What a join ignores need not be there.
                    let matching = modifier.matching.iter().filter(|m| m.is_include());
                    let matching = matching.map(LabelModifier::labels);
                    let labels = matching.chain(modifier.card.labels());
                    let labels = labels.flat_map(|labels| &labels.labels);
                    self.wanted.extend(labels.cloned());
                }
                self.walk(&binary.lhs, calls);
                self.walk(&binary.rhs, calls);
            }
            Expr::Call(call) => {
                if call.func.name == "label_replace"
                    && let Some(Expr::StringLiteral(label)) =
                        call.args.args.get(1).map(AsRef::as_ref)
                {
                    self.labels.insert(label.val.clone());
                }
                let calls = [calls, &[call.func.name]].concat();
                for argument in &call.args.args {
                    self.walk(argument, &calls);
                }
            }
            Expr::Paren(paren) => self.walk(&paren.expr, calls),
            Expr::Unary(unary) => self.walk(&unary.expr, calls),
            Expr::Subquery(subquery) => self.walk(&subquery.expr, calls),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn selector(&mut self, selector: &VectorSelector, calls: &[&str]) {
        let Some(name) = &selector.name else {
            self.problem("a selector without a name");
            return;
        };
        let Some(metric) = self.known.get(name) else {
            self.problem(&format!("there is no metric {name}"));
            return;
        };
        self.labels.extend(metric.labels.iter().cloned());
        // "All" of a variable is a label that may be missing too.
        let of_variable = |matcher: &&Matcher| matcher.value != ".*";
        for label in matched(&selector.matchers, of_variable) {
            if !TARGET.contains(&label.as_str()) && !metric.labels.contains(&label) {
                self.problem(&format!("{name} has no label {label}"));
            }
        }
        if let Some(call) = calls.last().filter(|call| OF_COUNTERS.contains(*call))
            && !metric.is_counter
        {
            self.problem(&format!("{call} of {name}, which is no counter"));
        }
        let mut calls = calls.iter();
        let bad = calls.find(|call| OF_COUNTERS.contains(*call) || OF_STEADY.contains(*call));
        if let Some(call) = bad.filter(|_| metric.is_daily) {
            self.problem(&format!("{call} of a daily value, {name}"));
        }
    }
}

fn matched(matchers: &Matchers, is_meant: impl Fn(&&Matcher) -> bool) -> Vec<String> {
    let all = matchers
        .matchers
        .iter()
        .chain(matchers.or_matchers.iter().flatten());
    all.filter(is_meant)
        .map(|matcher| matcher.name.clone())
        .collect()
}

/// The names that stand between each `open` and the next character that is of no name.
fn names_after(open: &str, text: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(open)
        .skip(1)
        .map(str::trim_start)
        .map(|rest| rest.chars().take_while(|&c| is_of_name(c)).collect())
        .collect()
}

#[test]
fn the_lint_sees_what_is_wrong() {
    let known = metrics();
    let wrong = |expr: &str| !problems_of(&known, "test", expr, &[]).is_empty();
    for expr in [
        "tencent_desk_agent_session",
        "tencent_desk_agent_sessions{agent=\"a\"}",
        "sum by (agent) (tencent_desk_agent_sessions)",
        "sum by (state) (tencent_desk_agent_sessions)",
        "rate(tencent_desk_agent_sessions[5m])",
        "delta(tencent_desk_agent_sessions[1h])",
        "increase(sum(tencent_desk_agent_sessions)[1h:1m])",
        "deriv(team:tencent_desk_sessions:sum[1h])",
        "rate(tencent_desk_exporter_agents[5m])",
        "tencent_desk_exporter_request_duration_seconds",
        "{job=\"d\"}",
        "sum(tencent_desk_up",
    ] {
        assert!(wrong(expr), "{expr}");
    }
    for expr in [
        "sum by (agent_id, state) (tencent_desk_agent_state_seconds)",
        "rate(tencent_desk_exporter_request_duration_seconds_bucket{le=\"1\"}[5m])",
        "sum by (x) (label_replace(tencent_desk_up, \"x\", \"y\", \"\", \"\"))",
    ] {
        assert!(!wrong(expr), "{expr}");
    }
}

#[test]
fn rules_use_what_the_exporter_exposes() {
    let known = metrics();
    let mut problems = Vec::new();
    for rule in rules() {
        let whence = format!("{} {}", rule.file, rule.name);
        let shown = names_after("$labels.", &rule.rest);
        problems.extend(problems_of(&known, &whence, &rule.expr, &shown));
        let parts = rule.name.split(':').count();
        assert!(
            rule.is_alert || parts == 3,
            "{whence}: not level:metric:operation"
        );
    }
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn dashboards_use_what_the_exporter_exposes() {
    let known = metrics();
    let variables = Variables {
        job: "tencent-desk",
        instance: "localhost:10141",
        agent_id: "ann@example.com",
        range: "1d",
    };
    let mut problems = Vec::new();
    let expressions = expressions();
    assert!(expressions.len() > 100, "{}", expressions.len());
    for expression in &expressions {
        let expr = variables.fill_in(&expression.expr);
        problems.extend(problems_of(&known, &expression.whence, &expr, &[]));
    }
    for (file, dashboard) in dashboards() {
        for target in list(&dashboard["panels"])
            .iter()
            .flat_map(|p| list(&p["targets"]))
        {
            let expr = variables.fill_in(text(target, "expr"));
            let shown = names_after("{{", text(target, "legendFormat"));
            problems.extend(problems_of(&known, &file, &expr, &shown));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}

/// Recorded figures would be those of one exporter's rules; a dashboard works without any rules. That there
/// are rules is asked only where alerts are shown.
#[test]
fn dashboards_do_without_the_rules() {
    let recorded: Vec<String> = rules()
        .into_iter()
        .filter(|rule| !rule.is_alert)
        .map(|rule| rule.name)
        .collect();
    let is_about_alerts = |expression: &Expression| expression.expr.contains("ALERTS");
    for expression in expressions().into_iter().filter(|it| !is_about_alerts(it)) {
        let used = recorded.iter().find(|name| expression.expr.contains(*name));
        assert_eq!(used, None, "{}", expression.whence);
    }
}

#[test]
fn dashboards_survive_every_way_of_import() {
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 6);
    let uids: BTreeSet<&str> = dashboards.iter().map(|(_, d)| text(d, "uid")).collect();
    for (file, dashboard) in &dashboards {
        for gone in ["id", "__inputs", "__requires", "__elements"] {
            assert!(dashboard.get(gone).is_none(), "{file}: {gone}");
        }
        assert_eq!(dashboard["schemaVersion"], 39, "{file}");
        assert_eq!(&format!("{}.json", text(dashboard, "uid")), file);
        let from = match file.contains("history") {
            true => "now-30d/d",
            false => "now/d",
        };
        assert_eq!(dashboard["time"]["from"], from, "{file}");
        assert!(!text(dashboard, "description").is_empty(), "{file}");
        let variables = list(&dashboard["templating"]["list"]).iter();
        let variables: Vec<_> = variables.map(|variable| text(variable, "name")).collect();
        let first = ["datasource", "cluster", "namespace", "job", "instance"];
        assert_eq!(variables.get(..5), Some(first.as_slice()), "{file}");
        // A target need not have the labels cluster and namespace.
        for place in &list(&dashboard["templating"]["list"])[1..3] {
            assert_eq!(place["allValue"], ".*", "{file}");
            assert_eq!(place["current"]["value"], "$__all", "{file}");
        }

        let links: BTreeSet<&str> = list(&dashboard["links"])
            .iter()
            .map(|link| text(link, "url").trim_start_matches("/d/"))
            .collect();
        let mut others = uids.clone();
        others.remove(text(dashboard, "uid"));
        assert_eq!(links, others, "{file}");
    }
    assert_eq!(uids.len(), dashboards.len(), "a uid used twice");
}

/// Whatever a board asks of the chosen exporter, it asks of one cluster and one namespace, where these are chosen.
#[test]
fn an_exporter_is_chosen_by_its_place_too() {
    let place = r#"cluster=~"$cluster", namespace=~"$namespace", "#;
    for expression in expressions() {
        for of_job in [r#"job="$job", instance="$instance""#, r#"job="$job""#] {
            let whole = expression.expr.matches(&format!("{place}{of_job}")).count();
            let all = expression.expr.matches(of_job).count();
            assert_eq!(whole, all, "{}", expression.whence);
        }
    }
}

/// The overview's table of agents opens the dashboard of the agent in the row.
#[test]
fn the_table_opens_the_agent() {
    let dashboards = dashboards();
    let overview = dashboards
        .iter()
        .find(|(file, _)| file.contains("overview"));
    let panels = list(&overview.unwrap().1["panels"]).iter();
    let tables = panels.filter(|panel| panel["type"] == "table");
    let table = tables.map(Value::to_string).collect::<String>();
    assert!(table.contains("/d/tencent-desk-agent?"), "{table}");
    assert!(table.contains("var-agent_id=${__data.fields"), "{table}");
}

#[test]
fn panels_say_what_they_show() {
    for (file, dashboard) in dashboards() {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let whence = format!("{file}: {}", text(panel, "title"));
            assert!(!text(panel, "title").is_empty(), "{file}: {}", panel["id"]);
            assert!(list(&panel["panels"]).is_empty(), "{whence}: a closed row");
            let id = panel["id"].as_u64().unwrap();
            assert!(ids.insert(id), "{whence}: id used twice");
            let grid = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(grid("w") > 0 && grid("h") > 0, "{whence}: no room");
            assert!(grid("x") + grid("w") <= 24, "{whence}: too wide");
            for x in grid("x")..grid("x") + grid("w") {
                for y in grid("y")..grid("y") + grid("h") {
                    assert!(cells.insert((x, y)), "{whence}: lies over another panel");
                }
            }
            if text(panel, "type") != "row" {
                check_panel(&whence, panel);
            }
        }
    }
}

fn check_panel(whence: &str, panel: &Value) {
    let description = text(panel, "description");
    assert!(description.ends_with('.'), "{whence}: description");
    assert_eq!(panel["datasource"]["uid"], "${datasource}", "{whence}");
    let config = &panel["fieldConfig"];
    let no_value = text(&config["defaults"], "noValue");
    assert!(!no_value.is_empty(), "{whence}: noValue");
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
        assert_eq!(
            target["instant"] == true,
            target["range"] == false,
            "{whence}"
        );
    }
}

/// The README shows each dashboard, in no more bytes than a page can bear.
#[test]
fn each_dashboard_has_a_picture() {
    let readme = repository::read("README.md");
    for (file, _) in dashboards() {
        let picture = format!("dashboards/pictures/{}", file.replace(".json", ".png"));
        assert!(readme.contains(&format!("]({picture})")), "{picture}");
        let length = repository::file(&picture).metadata().unwrap().len();
        assert!(length < 300 * 1024, "{picture}: {length} bytes");
    }
}

/// Busy agents take no new sessions; those who serve sit in "free". That share is no occupancy.
#[test]
fn nothing_is_called_what_it_is_not() {
    for (file, dashboard) in dashboards() {
        for panel in list(&dashboard["panels"]) {
            let title = text(panel, "title").to_lowercase();
            for word in ["occupancy", "utilization", "utilisation", "asa", "abandon"] {
                assert!(!title.contains(word), "{file}: {title}");
            }
        }
    }
}
