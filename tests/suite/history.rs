//! Every expression of every panel, variable and rule has an answer from a real Prometheus, and the
//! server has nothing to remark on it.
//!
//! It knows two days, midnight included, of the simulated Desk: what the exporter would have shown,
//! written as OpenMetrics and loaded by promtool. It scrapes the demo, whose present goes on where that
//! history ends, and evaluates the rules of `deploy/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::{Value, json};
use tencent_desk_exporter::base::clock::DayWindow;
use tencent_desk_exporter::catalog::StatusNames;
use tencent_desk_exporter::catalog::agents::ENDPOINT;
use tencent_desk_exporter::demo::day::Day;
use tencent_desk_exporter::demo::{SEED, zone_for};
use tencent_desk_exporter::desk::call::Start;
use tencent_desk_exporter::desk::reply;

use crate::support::exporter::Setup;
use crate::support::page::{Page, Sample};
use crate::support::prometheus::{Answer, Prometheus};
use crate::support::repository::{self, Asked, Expression, Variables, expressions, rules};
use crate::support::tools;

const HOUR: i64 = 3600;
/// As far back as the dashboards look: "the same hour yesterday", of a day that began this morning.
const LENGTH: i64 = 48 * HOUR;
/// Seconds between two scrapes: the shortest window of a rate, five minutes, holds more than one.
const STEP: i64 = 120;
/// Agents, of whom there are no rates, are written that seldom.
const AGENTS_STEP: i64 = 240;
/// Blocks of Prometheus begin at multiples of this.
const BLOCK: i64 = 2 * HOUR;
/// Before midnight, agents end that long earlier than they would: an import has no marks of
/// staleness, and Prometheus shows a value for five minutes where nothing says that it is over.
const LOOKBACK: i64 = 300;

const JOB: &str = "tencent-desk";

/// Samples of one block, by family and labels.
#[derive(Default)]
struct Block(BTreeMap<String, Family>);

#[derive(Default)]
struct Family {
    kind: String,
    series: BTreeMap<String, Vec<String>>,
}

impl Block {
    fn add(&mut self, family: &str, kind: &str, sample: &Sample, at: i64) {
        let labels: Vec<String> = sample.labels.iter().map(label).collect();
        let series = format!("{}{{{}}}", sample.name, labels.join(","));
        let family = self.0.entry(family.to_owned()).or_default();
        kind.clone_into(&mut family.kind);
        let samples = family.series.entry(series).or_default();
        samples.push(format!("{} {at}", sample.value));
    }

    /// The block as OpenMetrics.
    fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            text.push_str(&format!("# TYPE {name} {}\n", family.kind));
            for (series, samples) in &family.series {
                for sample in samples {
                    text.push_str(&format!("{series} {sample}\n"));
                }
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

fn label((name, value): (&String, &String)) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{}\"", value.replace('\n', "\\n"))
}

/// The days of the simulated Desk, by their start.
type Days = BTreeMap<Timestamp, Day>;

/// The simulated Desk's past, and an exporter that was there all the time.
struct Past<'a> {
    /// The demo's page, whose own metrics the past has too.
    live: &'a Page,
    instance: String,
    zone: TimeZone,
    /// Its first second.
    from: i64,
    /// Its last second.
    to: i64,
}

impl Past<'_> {
    /// Writes a file for each block.
    fn write(&self, folder: &Path) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        let mut days = Days::new();
        let mut begin = self.from - self.from.rem_euclid(BLOCK);
        while begin <= self.to {
            let mut block = Block::default();
            for at in (begin..begin + BLOCK).step_by(usize::try_from(STEP).unwrap()) {
                if (self.from..=self.to).contains(&at) {
                    self.add(at, &mut days, &mut block);
                }
            }
            let file = folder.join(format!("{begin}.txt"));
            fs::write(&file, block.text()).unwrap();
            files.push(file);
            begin += BLOCK;
        }
        files
    }

    fn day(&self, at: i64) -> DayWindow {
        DayWindow::around(Timestamp::from_second(at).unwrap(), &self.zone).unwrap()
    }

    fn add(&self, at: i64, days: &mut Days, block: &mut Block) {
        let day = self.day(at);
        let has_agents = at + LOOKBACK < day.end().as_second();
        if has_agents && at % AGENTS_STEP == 0 {
            let played = days.entry(day.start());
            let played = played.or_insert_with(|| Day::new(SEED, day, &self.zone));
            let rows = played.agents(Timestamp::from_second(at).unwrap());
            self.add_agents(&rows, at, block);
        }
        let up = self.sample("up", &[], 1.0);
        block.add("up", "gauge", &up, at);
        let took = self.sample("scrape_duration_seconds", &[], 0.004);
        block.add("scrape_duration_seconds", "gauge", &took, at);
        for family in self.live.families() {
            let name = family.name.trim_end_matches("_total");
            if name.starts_with("tencent_desk_agent_") {
                continue;
            }
            for live in &family.samples {
                let Some(value) = self
                    .own_value(live, at, &day)
                    .filter(|_| has_agents || name != "tencent_desk_day_start_timestamp_seconds")
                else {
                    continue;
                };
                block.add(
                    name,
                    &family.kind,
                    &self.sample(&live.name, &live.pairs(), value),
                    at,
                );
            }
        }
    }

    /// What the exporter would have made of Desk's rows.
    fn add_agents(&self, rows: &[Value], at: i64, block: &mut Block) {
        let answer = json!({ "ErrorCode": 0, "TotalCount": rows.len(), "Data": rows });
        let answer = answer.to_string();
        let page = reply::decode(&ENDPOINT.calls[0], Start::default(), answer.as_bytes()).unwrap();
        for row in page.rows().unwrap().iter() {
            for family in ENDPOINT.families {
                family.for_each_sample(row, &StatusNames::new(), |sample| {
                    let labels: Vec<(&str, &str)> = [("agent_id", row.key())]
                        .into_iter()
                        .chain(sample.label)
                        .collect();
                    let sample = self.sample(family.name, &labels, sample.value);
                    block.add(family.name, "gauge", &sample, at);
                });
            }
        }
    }

    fn sample(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
        let target = [("job", JOB), ("instance", &self.instance)];
        let labels = labels.iter().chain(&target);
        Sample {
            name: name.to_owned(),
            labels: labels
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            value,
        }
    }

    /// One poll a minute since the beginning, which took an eighth of a second; one in fifty failed.
    fn own_value(&self, live: &Sample, at: i64, day: &DayWindow) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "seconds")]
        let [polls, at] = [(at - self.from) / 60, at].map(|number| number as f64);
        let failed = (polls / 50.0).floor();
        let is_network = live.label("class") == Some("network");
        let name = live.name.trim_start_matches("tencent_desk_");
        Some(match name {
            "up" | "exporter_endpoint_up" => 1.0,
            #[allow(clippy::cast_precision_loss, reason = "seconds")]
            "day_start_timestamp_seconds" => day.from_second() as f64,
            "exporter_last_success_timestamp_seconds" => at - 20.0,
            "exporter_poll_interval_seconds" => 60.0,
            #[allow(clippy::cast_precision_loss, reason = "seconds")]
            "process_start_time_seconds" => self.from as f64,
            "exporter_polls_total" | "exporter_requests_total" => polls,
            "exporter_poll_failures_total" | "exporter_request_failures_total" if is_network => {
                failed
            }
            "exporter_request_duration_seconds_count" => polls,
            "exporter_request_duration_seconds_sum" => polls / 8.0,
            "exporter_request_duration_seconds_bucket" => {
                let bound: f64 = live.label("le")?.parse().ok()?;
                (polls * (1.0 - (-bound * 8.0).exp())).floor()
            }
            "process_cpu_seconds_total" => polls * 0.05,
            counter if counter.ends_with("_total") => 0.0,
            // What the demo shows now, it would have shown then.
            _ => live.value,
        })
    }
}

/// Two days and the present: the demo, scraped by a Prometheus that remembers.
fn prometheus(demo: &crate::support::exporter::Exporter, now: i64, zone: &TimeZone) -> Prometheus {
    let live = demo.wait_until_up();
    let folder = tempfile::tempdir().unwrap();
    let past = Past {
        live: &live,
        instance: demo.address().to_string(),
        zone: zone.clone(),
        from: now - LENGTH,
        to: now - 15,
    };
    let data = folder.path().join("data");
    for file in past.write(folder.path()) {
        let loaded = Command::new(tools::promtool())
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .args([&file, &data])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(loaded.status.success(), "{file:?}: {loaded:?}");
    }
    let alerts = repository::read("deploy/prometheus/alerts.yml");
    for (file, rules) in [
        ("rules.yml", repository::hurried_rules()),
        ("alerts.yml", alerts),
    ] {
        fs::write(folder.path().join(file), rules).unwrap();
    }
    let config = json!({
        "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
        "rule_files": ["rules.yml", "alerts.yml"],
        "scrape_configs": [
            { "job_name": JOB, "static_configs": [{ "targets": [past.instance] }] },
        ],
    });
    fs::write(folder.path().join("prometheus.yml"), config.to_string()).unwrap();
    Prometheus::over(folder)
}

/// An agent of whom everything is known: who has answered, was rated and has been off once.
fn well_known_agent(prometheus: &Prometheus) -> String {
    let families = [
        "average_first_response_seconds",
        "satisfaction_ratio",
        "last_logout_timestamp_seconds",
    ];
    let known = families.map(|family| format!("and on (agent_id) tencent_desk_agent_{family}"));
    let query = format!("topk(1, tencent_desk_agent_sessions {})", known.join(" "));
    let found = prometheus.expect_some(&query);
    repository::text(&found[0].0, "agent_id").to_owned()
}

/// Expressions and rules that rightly have no answer here, by their beginning, and why.
const SILENT: [(&str, &str); 5] = [
    ("ALERTS", "alerts that fire, which none may just now"),
    (
        "desk:tencent_desk_",
        "what is known of the last hour: the past has no hours of sessions",
    ),
    (
        "unless ignoring (agent_id) tencent_desk_agent_sessions",
        "realtime figures in place of agent statistics, which are there",
    ),
    ("tencent_desk_hour_", "the past has no hours"),
    (
        "tencent_desk_agent_current_sessions",
        "nor has it what is of now",
    ),
];

fn is_silent(expr: &str) -> bool {
    SILENT.iter().any(|(part, _)| expr.contains(part))
}

/// What stands in the way of an expression.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check(&mut self, whence: &str, expr: &str, answer: &Answer, needs_data: bool) {
        for remark in &answer.remarks {
            self.0.push(format!("{whence}: {remark}\n{expr}"));
        }
        if needs_data && answer.result.is_empty() {
            self.0.push(format!("{whence}: no data\n{expr}"));
        }
    }
}

/// The selectors of an expression, each as PromQL of its own, asked for the present.
fn selectors(expr: &str) -> Vec<String> {
    struct Collector(Vec<String>);
    impl ExprVisitor for Collector {
        type Error = ();
        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
            let selector: Option<&VectorSelector> = match expr {
                Expr::VectorSelector(selector) => Some(selector),
                Expr::MatrixSelector(matrix) => Some(&matrix.vs),
                _ => None,
            };
            if let Some(selector) = selector {
                let now = VectorSelector {
                    offset: None,
                    ..selector.clone()
                };
                self.0.push(now.to_string());
            }
            Ok(true)
        }
    }
    let mut collector = Collector(Vec::new());
    walk_expr(&mut collector, &parser::parse(expr).unwrap()).unwrap();
    collector.0
}

#[test]
fn every_expression_has_an_answer() {
    let started = Timestamp::now();
    let zone = zone_for(started);
    // A web configuration that asks for nothing, so that there is something to say about it.
    let web_config = tempfile::NamedTempFile::new().unwrap();
    let demo = Setup::bare()
        .args("demo")
        .set("WEB_CONFIG_FILE", web_config.path())
        .start();
    let now = started.as_second();
    let midnight = DayWindow::around(started, &zone).unwrap().from_second();
    let prometheus = prometheus(&demo, now, &zone);
    // The last rule of the last group that records anything, and both days.
    prometheus.expect_some("team:tencent_desk_satisfied_sessions:ratio");
    prometheus.expect_some("tencent_desk:user_sig_remaining_seconds:threshold");
    prometheus.expect_some("tencent_desk_agent_sessions offset 47h");
    // The present of each further endpoint.
    for family in [
        "tencent_desk_agent_realtime_sessions",
        "tencent_desk_agent_reception_limit",
        "tencent_desk_group_info",
        "tencent_desk_hour_sessions",
        "tencent_desk_online_agents",
    ] {
        prometheus.expect_some(family);
    }

    let instance = demo.address().to_string();
    let agent_id = well_known_agent(&prometheus);
    let variables = Variables {
        job: JOB,
        instance: &instance,
        agent_id: &agent_id,
        range: "1d",
    };
    let mut problems = Problems::default();
    let mut has_answer = BTreeMap::<String, bool>::new();
    // The board of past days needs more than two of them: it is asked over the file of `backfill`.
    let is_of_now = |asked: &Expression| !asked.whence.starts_with("tencent-desk-history");
    for expression in expressions().into_iter().filter(is_of_now) {
        let (whence, asked) = (&expression.whence, expression.asked);
        let expr = variables.fill_in(&expression.expr);
        let at_once = prometheus.ask(&expr).unwrap();
        problems.check(whence, &expr, &at_once, false);
        if asked == Asked::Now {
            let is_one = !at_once.result.is_empty() || is_silent(&expr);
            *has_answer.entry(expression.panel.clone()).or_default() |= is_one;
            // One of a panel's queries that has no answer now asks of what is there all the same.
            for selector in selectors(&expr) {
                let watched = prometheus.ask(&selector).unwrap();
                problems.check(whence, &selector, &watched, !is_silent(&selector));
            }
        }
        let end = Timestamp::now().as_second();
        // Today, as the dashboards show it.
        let today = prometheus.ask_over(&expr, midnight, end, 60).unwrap();
        let needs_data = asked == Asked::OverTime && !is_silent(&expr);
        problems.check(whence, &expr, &today, needs_data);
        // Both days, over midnight: whatever is there must not be in the way of each other.
        let both = prometheus.ask_over(&expr, now - LENGTH, end, 240).unwrap();
        problems.check(whence, &expr, &both, needs_data);
    }
    let without = has_answer.iter().filter(|(_, has_answer)| !**has_answer);
    problems
        .0
        .extend(without.map(|(panel, _)| format!("{panel}: no query has an answer")));
    for rule in rules() {
        let both = prometheus.ask_over(&rule.expr, now - LENGTH, now, 240);
        problems.check(&rule.name, &rule.expr, &both.unwrap(), false);
        let at_once = prometheus.ask(&rule.expr).unwrap();
        let needs_data = !rule.is_alert && !is_silent(&rule.name);
        problems.check(&rule.name, &rule.expr, &at_once, needs_data);
        // An alert that is silent has nothing to say; what it watches is there all the same.
        for selector in selectors(&rule.expr) {
            let watched = prometheus.ask(&selector).unwrap();
            problems.check(&rule.name, &selector, &watched, !is_silent(&selector));
        }
    }
    assert!(problems.0.is_empty(), "{}", problems.0.join("\n\n"));
    // No rule failed or warned while the server evaluated it by itself.
    let log = prometheus.log();
    assert!(!log.contains("Evaluating rule failed"), "{log}");
}
