//! A real Prometheus scrapes the exporter, and answers questions about it with the right values.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::desk::Desk;
use crate::support::exporter::Setup;
use crate::support::http;
use crate::support::rows::{agent, agents, example, with};
use crate::support::{eventually, free_port, tools};

/// A Prometheus of its own folder and port; killed when dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes each target, once a second, under the name of its job.
    fn scraping(targets: &[(&str, SocketAddr)]) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let job = |(job, address): &(&str, SocketAddr)| {
            let target = address.to_string();
            json!({ "job_name": job, "static_configs": [{ "targets": [target] }] })
        };
        let jobs: Vec<Value> = targets.iter().map(job).collect();
        // JSON is YAML too.
        let config = json!({ "global": { "scrape_interval": "1s" }, "scrape_configs": jobs });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config.to_string()).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let child = Command::new(tools::prometheus())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
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
    fn expect(&self, query: &str, expected: f64) -> Value {
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

#[test]
fn prometheus_answers_with_what_desk_said() {
    let odd = "quo\"te \\ back\nslash 美美 🎧";
    let named = with(agent("odd"), json!({ "AgentNickName": odd }));
    let desk = Desk::with([agents(120), vec![named, example()]].concat());
    let exporter = Setup::of(&desk).start();
    let demo = Setup::bare().args("demo").start();
    exporter.wait_until_up();
    demo.wait_until_up();
    let prometheus =
        Prometheus::scraping(&[("desk", exporter.address()), ("demo", demo.address())]);

    prometheus.expect(r#"up{job="desk"}"#, 1.0);
    prometheus.expect(r#"up{job="demo"}"#, 1.0);
    prometheus.expect(r#"tencent_desk_up{job="desk"}"#, 1.0);
    prometheus.expect(r#"tencent_desk_up{job="demo"}"#, 1.0);
    prometheus.expect(r#"count(tencent_desk_agent_info{job="desk"})"#, 122.0);
    prometheus.expect(
        r#"count(count by (__name__) ({__name__=~"tencent_desk_agent_.+",job="demo"}))"#,
        22.0,
    );
    prometheus.expect(
        r#"tencent_desk_agent_satisfaction_ratio{agent_id="1289316652@qq.com"}"#,
        0.75,
    );
    prometheus.expect(
        r#"tencent_desk_agent_sessions{agent_id="agent-0042@desk.example"}"#,
        42.0,
    );
    prometheus.expect(
        r#"sum(tencent_desk_agent_state_seconds{agent_id="1289316652@qq.com"})"#,
        4500.0,
    );
    let labels = prometheus.expect(r#"tencent_desk_agent_info{agent_id="odd"}"#, 1.0);
    assert_eq!(labels["nickname"], odd);
}
