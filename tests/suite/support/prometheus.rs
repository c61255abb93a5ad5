//! A real Prometheus, of whatever version, that scrapes what it is told and can be asked about it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::http;
use super::tools::{self, run};
use super::{eventually, listening};

/// What Prometheus answered to a query.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The series, each with `metric` and `value` or `values`.
    pub(crate) result: Vec<Value>,
    /// Why there is none, and whatever else it had to say: error, warnings, notes.
    pub(crate) remarks: Vec<String>,
}

/// A Prometheus of its own folder and port; killed when dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

/// How one is to be started.
pub(crate) struct Setup {
    binary: PathBuf,
    flags: Vec<String>,
    jobs: Vec<Value>,
}

impl Setup {
    pub(crate) fn of(binary: PathBuf) -> Setup {
        Setup {
            binary,
            flags: Vec::new(),
            jobs: Vec::new(),
        }
    }

    pub(crate) fn flag(mut self, flag: &str) -> Setup {
        self.flags.push(flag.to_owned());
        self
    }

    /// Scrapes this target once a second under the name of a job.
    pub(crate) fn job(self, name: &str, target: SocketAddr) -> Setup {
        self.job_with(name, target, json!({}))
    }

    /// As [`Setup::job`], with further settings of the job.
    pub(crate) fn job_with(mut self, name: &str, target: SocketAddr, mut settings: Value) -> Setup {
        settings["job_name"] = json!(name);
        settings["static_configs"] = json!([{ "targets": [target.to_string()] }]);
        self.jobs.push(settings);
        self
    }

    pub(crate) fn start(self) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        // JSON is YAML too.
        let config = json!({ "global": { "scrape_interval": "1s" }, "scrape_configs": self.jobs });
        fs::write(folder.path().join("prometheus.yml"), config.to_string()).unwrap();
        Prometheus::start(&self.binary, &self.flags, folder)
    }
}

/// What a binary calls its version.
pub(crate) fn version_of(binary: &PathBuf) -> String {
    let text = run(Command::new(binary).arg("--version"));
    let mut words = text
        .split_whitespace()
        .skip_while(|word| *word != "version");
    words.nth(1).expect("a version").to_owned()
}

impl Prometheus {
    /// Debian's, with the `prometheus.yml` of this folder, and the data below its `data`, if there are any, however old.
    pub(crate) fn over(folder: tempfile::TempDir) -> Prometheus {
        let flags = ["--storage.tsdb.retention.time=10y".to_owned()];
        Prometheus::start(&tools::prometheus(), &flags, folder)
    }

    fn start(binary: &Path, flags: &[String], folder: tempfile::TempDir) -> Prometheus {
        let inside = |name: &str| folder.path().join(name).display().to_string();
        let log = fs::File::create(inside("log")).unwrap();
        let child = Command::new(binary)
            .arg(format!("--config.file={}", inside("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", inside("data")))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut prometheus = Prometheus {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            folder,
        };
        prometheus.address = listening(|| prometheus.log());
        prometheus
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        let file: &Path = &self.folder.path().join("log");
        fs::read_to_string(file).unwrap_or_default()
    }

    /// The answer for the present; `None` while it does not listen.
    pub(crate) fn ask(&self, query: &str) -> Option<Answer> {
        self.call("query", &[("query", query.to_owned())])
    }

    /// The answer for each `step` seconds of a time; `None` while it does not listen.
    pub(crate) fn ask_over(&self, query: &str, from: i64, to: i64, step: i64) -> Option<Answer> {
        let parameters = [
            ("query", query.to_owned()),
            ("start", from.to_string()),
            ("end", to.to_string()),
            ("step", step.to_string()),
        ];
        self.call("query_range", &parameters)
    }

    fn call(&self, endpoint: &str, parameters: &[(&str, String)]) -> Option<Answer> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        let path = format!("/api/v1/{endpoint}?{}", query.finish());
        let response = http::fetch(self.address, "GET", &path, &[]).ok()?;
        let answer: Value = serde_json::from_slice(&response.body).ok()?;
        let mut remarks = Vec::new();
        for member in ["error", "warnings", "infos"] {
            if !answer[member].is_null() {
                remarks.push(format!("{member}: {}", answer[member]));
            }
        }
        let result = answer["data"]["result"].as_array();
        Some(Answer {
            result: result.cloned().unwrap_or_default(),
            remarks,
        })
    }

    /// An instant query: label sets and values.
    pub(crate) fn query(&self, query: &str) -> Option<Vec<(Value, f64)>> {
        let value = |row: &Value| row["value"][1].as_str()?.parse().ok();
        let rows = self.ask(query)?.result;
        let rows = rows
            .iter()
            .map(|row| Some((row["metric"].clone(), value(row)?)));
        rows.collect()
    }

    /// Waits until the query has exactly one answer of this value; hands back its labels.
    #[track_caller]
    pub(crate) fn expect(&self, query: &str, expected: f64) -> Value {
        let found = eventually(|| match self.query(query)?.as_slice() {
            [(labels, value)] if *value == expected => Some(labels.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| {
            panic!(
                "{query} is not {expected} but {:?}\n{}",
                self.query(query),
                self.log()
            )
        })
    }

    /// Waits until the query has any answer.
    #[track_caller]
    pub(crate) fn expect_some(&self, query: &str) -> Vec<(Value, f64)> {
        let found = eventually(|| self.query(query).filter(|rows| !rows.is_empty()));
        found.unwrap_or_else(|| panic!("{query} stays without an answer\n{}", self.log()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
