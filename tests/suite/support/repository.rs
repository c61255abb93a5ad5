//! What the repository gives to Prometheus, Alertmanager and Grafana, as the tests read it: rules,
//! dashboards, and every expression that stands in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file or folder of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[track_caller]
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every dashboard, by its file's name.
pub(crate) fn dashboards() -> Vec<(String, Value)> {
    dashboards_in("dashboards")
}

/// Those of one language.
pub(crate) fn dashboards_in(folder: &str) -> Vec<(String, Value)> {
    let mut names: Vec<String> = fs::read_dir(file(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    let json = |name: &String| serde_json::from_str(&read(&format!("{folder}/{name}"))).unwrap();
    names
        .into_iter()
        .map(|name| (name.clone(), json(&name)))
        .collect()
}

/// A member that is text; empty where it is not.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The elements of an array; none where it is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One rule of a rule file.
pub(crate) struct Rule {
    pub(crate) file: &'static str,
    pub(crate) is_alert: bool,
    pub(crate) name: String,
    pub(crate) expr: String,
    /// All lines that are not the expression, without what they are indented by.
    pub(crate) rest: String,
}

impl Rule {
    /// What stands behind `key: ` in a line of the rule's rest.
    pub(crate) fn member(&self, key: &str) -> Option<&str> {
        let mut lines = self.rest.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
    }
}

/// The recording rules, evaluated as often as Prometheus is told to, for a test that has no minute.
#[track_caller]
pub(crate) fn hurried_rules() -> String {
    let rules = read("deploy/prometheus/rules.yml");
    let interval = "    interval: 1m\n";
    assert!(rules.contains(interval), "no interval to take away");
    rules.replace(interval, "")
}

/// All rules. Our own files hold to one style, so that reading them needs no YAML library; that none
/// is overlooked is for promtool's count to say.
pub(crate) fn rules() -> Vec<Rule> {
    ["rules.yml", "alerts.yml"]
        .into_iter()
        .flat_map(rules_of)
        .collect()
}

/// The rules of one file.
pub(crate) fn rules_of(file: &'static str) -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    let mut in_expr = false;
    for line in read(&format!("deploy/prometheus/{file}")).lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') && !in_expr {
            continue;
        }
        if let Some((kind, name)) = head(trimmed) {
            found.push(Rule {
                file,
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
            in_expr = expr == "|";
            if !in_expr {
                expr.clone_into(&mut rule.expr);
            }
        } else if in_expr && line.starts_with("          ") {
            rule.expr.push_str(trimmed);
            rule.expr.push('\n');
        } else {
            in_expr = false;
            rule.rest.push_str(trimmed);
            rule.rest.push('\n');
        }
    }
    found
}

/// The line that begins a rule: its kind and its name.
fn head(line: &str) -> Option<(&str, &str)> {
    let (kind, name) = line.strip_prefix("- ")?.split_once(": ")?;
    ["record", "alert"].contains(&kind).then_some((kind, name))
}

/// An expression of a dashboard.
pub(crate) struct Expression {
    /// Dashboard, and panel, variable or annotation.
    pub(crate) panel: String,
    /// The same, and which of a panel's queries.
    pub(crate) whence: String,
    /// As it stands there, with Grafana's variables.
    pub(crate) expr: String,
    pub(crate) asked: Asked,
}

/// How Grafana asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// For the present.
    Now,
    /// For all of the time that the dashboard shows.
    OverTime,
}

/// Every expression of every panel, annotation and variable.
pub(crate) fn expressions() -> Vec<Expression> {
    let mut found = Vec::new();
    for (file, dashboard) in dashboards() {
        let board = file.trim_end_matches(".json");
        for panel in list(&dashboard["panels"]) {
            let title = format!("{board}: {} ({})", text(panel, "title"), panel["id"]);
            for target in list(&panel["targets"]) {
                found.push(Expression {
                    panel: title.clone(),
                    whence: format!("{title} {}", text(target, "refId")),
                    expr: text(target, "expr").to_owned(),
                    asked: if target["instant"] == true {
                        Asked::Now
                    } else {
                        Asked::OverTime
                    },
                });
            }
        }
        for annotation in list(&dashboard["annotations"]["list"]) {
            if let Some(expr) = annotation["expr"].as_str() {
                let whence = format!("{board}: annotation {}", text(annotation, "name"));
                found.push(Expression {
                    panel: whence.clone(),
                    whence,
                    expr: expr.to_owned(),
                    asked: Asked::OverTime,
                });
            }
        }
        for variable in list(&dashboard["templating"]["list"]) {
            if let Some(query) = variable["query"]["query"].as_str() {
                let whence = format!("{board}: variable {}", text(variable, "name"));
                found.push(Expression {
                    panel: whence.clone(),
                    whence,
                    expr: asked_by(query).to_owned(),
                    asked: Asked::Now,
                });
            }
        }
    }
    found
}

/// The PromQL in `label_values(…, label)` or `query_result(…)`.
#[track_caller]
fn asked_by(query: &str) -> &str {
    let (function, rest) = query.split_once('(').unwrap();
    let inner = rest.strip_suffix(')').unwrap();
    match function {
        "label_values" => inner.rsplit_once(", ").unwrap().0,
        "query_result" => inner,
        _ => panic!("a variable that asks in another way: {query}"),
    }
}

/// What Grafana's variables stand for, in a test.
pub(crate) struct Variables<'a> {
    pub(crate) job: &'a str,
    pub(crate) instance: &'a str,
    pub(crate) agent_id: &'a str,
    pub(crate) range: &'a str,
}

impl Variables<'_> {
    /// The expression as Prometheus gets it.
    #[track_caller]
    pub(crate) fn fill_in(&self, expr: &str) -> String {
        let mut filled = expr.to_owned();
        for (variable, value) in [
            ("$__rate_interval", "2m"),
            ("$__interval", "1m"),
            ("$__range", self.range),
            // All.
            ("$cluster", ".*"),
            ("$namespace", ".*"),
            ("$group", ".*"),
            ("$job", self.job),
            ("$instance", self.instance),
            ("$agent_id", self.agent_id),
        ] {
            filled = filled.replace(variable, value);
        }
        // "$1" is label_replace's.
        let rest = filled.replace("\"$1\"", "");
        assert!(!rest.contains('$'), "a variable without a meaning: {expr}");
        filled
    }
}

/// The names of metrics, functions and labels in an expression.
pub(crate) fn names_in(expr: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    expr.split(move |c: char| !is_of_name(c))
        .filter(|name| !name.is_empty())
}
