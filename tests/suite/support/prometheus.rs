//! A real Prometheus, of whatever version, that scrapes what it is told and can be asked about it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::http;
use super::tools::run;
use super::{eventually, free_port};

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
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config.to_string()).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let child = Command::new(self.binary)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .args(self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Prometheus {
            child,
            address,
            folder,
        }
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
    /// An instant query: label sets and values.
    fn query(&self, query: &str) -> Option<Vec<(Value, f64)>> {
        let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/api/v1/query?query={encoded}");
        let response = http::fetch(self.address, "GET", &path, &[]).ok()?;
        let answer: Value = serde_json::from_slice(&response.body).ok()?;
        let result = answer["data"]["result"].as_array()?;
        let value = |row: &Value| row["value"][1].as_str()?.parse().ok();
        let rows = result
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
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            panic!(
                "{query} is not {expected} but {:?}\n{log}",
                self.query(query)
            )
        })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
