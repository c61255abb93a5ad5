//! Every format in every coding over real HTTP: its headers, and its samples as other people's readers
//! read them. A day of odd names, an empty day and a Desk that says nothing must each say the same in
//! all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Reply};
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::http::Response;
use crate::support::page::Page;
use crate::support::python::samples_of_equal_answers;
use crate::support::rows::{agents, with};
use crate::support::scrapers::{
    CHROMIUM, CURL, FIREFOX, PROMETHEUS_2_42, PROMETHEUS_2_53, PROMETHEUS_3_5, PROTOBUF,
};
use crate::support::tools::{promtool_findings, run, tool};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const DELIMITED: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// By the name that the comparison knows: what is asked for, and what is answered.
const FORMATS: [(&str, &str, &str); 3] = [
    ("text", "text/plain;version=0.0.4", TEXT),
    (
        "openmetrics",
        "application/openmetrics-text;version=1.0.0",
        OPEN_METRICS,
    ),
    ("protobuf", PROTOBUF, DELIMITED),
];
const CODINGS: [&str; 3] = ["identity", "gzip", "zstd"];

const ODD_NAMES: [&str; 12] = [
    "quo\"te",
    "back\\slash",
    "new\nline",
    "trailing\\",
    "\\n is no newline",
    "\t\r\u{b}\u{85}\u{2028}",
    "美美 张伟",
    "🎧👩‍💻",
    "\u{202e}right to left",
    "{a=\"b\",c=\"d\"} 1",
    "# EOF",
    "",
];

/// Agents enough for two pages, odd in name and id.
fn odd_day() -> Vec<Value> {
    let rows = agents(150)
        .into_iter()
        .zip(ODD_NAMES.iter().cycle())
        .enumerate();
    let odd = rows.map(|(n, (row, name))| {
        with(row, json!({ "AgentId": format!("{name}{n}"), "AgentNickName": name, "AvgRespTime": n as f64 / 7.0 }))
    });
    odd.collect()
}

fn exporter_of(rows: Vec<Value>) -> (Desk, Exporter) {
    let desk = Desk::with(rows);
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    (desk, exporter)
}

fn ask(exporter: &Exporter, method: &str, accept: &str, coding: &str) -> Response {
    let headers = [("Accept", accept), ("Accept-Encoding", coding)];
    exporter.request(method, "/metrics", &headers)
}

#[test]
fn a_day_of_odd_names_is_the_same_in_every_format() {
    let (_desk, exporter) = exporter_of(odd_day());
    let page = compare_all(&exporter);
    assert_eq!(page.agents().len(), 150);
    assert_eq!(promtool_findings(&page.to_string()), "");
}

#[test]
fn an_empty_day_is_the_same_in_every_format() {
    let (_desk, exporter) = exporter_of(Vec::new());
    assert_eq!(compare_all(&exporter).agents().len(), 0);
}

#[test]
fn a_desk_that_never_answered_is_the_same_in_every_format() {
    let desk = Desk::with(Vec::new());
    // One request that does not end, so that no counter moves between two scrapes.
    desk.always(Reply::Hang(Gate::default()));
    let exporter = Setup::of(&desk).set("REQUEST_TIMEOUT", "5m").start();
    eventually(|| (desk.asked() > 0).then_some(())).expect("a first request");
    assert_eq!(compare_all(&exporter).own("up", &[]), Some(0.0));
}

/// Every format in every coding, and what curl makes of the compressed ones, hold the same samples:
/// those that our own strict reader finds in the text.
#[track_caller]
fn compare_all(exporter: &Exporter) -> Page {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: String, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for (format, accept, content_type) in FORMATS {
        for coding in CODINGS {
            let response = ask(exporter, "GET", accept, coding);
            expect_headers(&response, content_type, coding);
            files.push(file(format!("http.{format}.{coding}"), &response.body));
        }
        for coding in ["gzip", "zstd"] {
            let content = curl(exporter, accept, coding, folder.path());
            files.push(file(format!("curl-{coding}.{format}.identity"), &content));
        }
    }
    let page = exporter.page();
    assert_eq!(samples_of_equal_answers(&files), page.samples().count());
    page
}

#[track_caller]
fn expect_headers(response: &Response, content_type: &str, coding: &str) {
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some(content_type));
    let content_encoding = Some(coding).filter(|coding| *coding != "identity");
    assert_eq!(response.header("content-encoding"), content_encoding);
    assert_eq!(response.header("vary"), Some("Accept, Accept-Encoding"));
    let length = response.body.len().to_string();
    assert_eq!(response.header("content-length"), Some(length.as_str()));
    assert_eq!(response.header("transfer-encoding"), None);
}

/// What curl has decompressed.
fn curl(exporter: &Exporter, accept: &str, coding: &str, folder: &Path) -> Vec<u8> {
    let out = folder.join("curl");
    run(Command::new(tool("curl", "curl"))
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--noproxy",
            "*",
            "--compressed",
        ])
        .args(["--header", &format!("Accept: {accept}")])
        .args(["--header", &format!("Accept-Encoding: {coding}")])
        .arg("--output")
        .arg(&out)
        .arg(format!("http://{}/metrics", exporter.address())));
    fs::read(out).unwrap()
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let (_desk, exporter) = exporter_of(agents(3));
    for (format, accept, _) in FORMATS {
        for coding in CODINGS {
            // What the process says of itself may change in length between two scrapes.
            let equal = eventually(|| {
                let get = ask(&exporter, "GET", accept, coding);
                let head = ask(&exporter, "HEAD", accept, coding);
                assert_eq!(head.body, b"", "{format} {coding}");
                let headers = |response: &Response| {
                    let mut headers = response.headers.clone();
                    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
                    headers.sort_unstable();
                    headers
                };
                (headers(&get) == headers(&head)).then_some(())
            });
            assert!(equal.is_some(), "{format} {coding}");
        }
    }
}

#[test]
fn each_scraper_gets_its_first_choice() {
    let (_desk, exporter) = exporter_of(agents(3));
    let utf_8 = format!("{OPEN_METRICS}; escaping=allow-utf-8");
    let protobuf_first = |accept: &str| format!("{PROTOBUF},{accept}");
    let asked = [
        (PROMETHEUS_2_42.to_owned(), OPEN_METRICS),
        (PROMETHEUS_2_53.to_owned(), OPEN_METRICS),
        (PROMETHEUS_3_5.to_owned(), &*utf_8),
        (protobuf_first(PROMETHEUS_2_42), DELIMITED),
        (protobuf_first(PROMETHEUS_2_53), DELIMITED),
        (protobuf_first(PROMETHEUS_3_5), DELIMITED),
        (FIREFOX.to_owned(), TEXT),
        (CHROMIUM.to_owned(), TEXT),
        (CURL.to_owned(), TEXT),
        ("application/json".to_owned(), TEXT),
        ("*/*;q=0".to_owned(), TEXT),
    ];
    for (accept, content_type) in asked {
        let response = ask(&exporter, "GET", &accept, "gzip");
        expect_headers(&response, content_type, "gzip");
    }
    expect_headers(&exporter.get("/metrics"), TEXT, "identity");
}

#[test]
fn headers_that_come_in_several_lines_are_one_list() {
    let (_desk, exporter) = exporter_of(agents(3));
    let headers = [
        ("Accept", "text/plain;q=0.1"),
        ("Accept", "application/openmetrics-text;q=0.2"),
        ("Accept-Encoding", "gzip;q=0.1"),
        ("Accept-Encoding", "zstd;q=0.2"),
    ];
    let response = exporter.request("GET", "/metrics", &headers);
    expect_headers(&response, OPEN_METRICS, "zstd");
}

/// A variant that was not asked for is made with the first scrape that wants it; those that come
/// meanwhile wait for the same bytes.
#[test]
fn many_who_ask_at_once_for_what_is_not_made_yet_get_the_same() {
    const SCRAPERS: usize = 40;
    let (desk, exporter) = exporter_of(odd_day());
    let asked = desk.asked();
    let (exporter, barrier) = (Arc::new(exporter), Arc::new(Barrier::new(SCRAPERS)));
    let scrape = || {
        let (exporter, barrier) = (Arc::clone(&exporter), Arc::clone(&barrier));
        thread::spawn(move || {
            barrier.wait();
            ask(&exporter, "GET", "text/plain;version=0.0.4", "zstd")
        })
    };
    let scrapes: Vec<_> = (0..SCRAPERS).map(|_| scrape()).collect();
    let agents = Page::parse(exporter.get("/metrics").text()).agent_samples();
    for scrape in scrapes {
        let response = scrape.join().unwrap();
        expect_headers(&response, TEXT, "zstd");
        let text = zstd::decode_all(response.body.as_slice()).unwrap();
        let page = Page::parse(std::str::from_utf8(&text).unwrap());
        assert!(page.agent_samples() == agents);
        assert_eq!(page.own("exporter_agents", &[]), Some(150.0));
    }
    assert_eq!(desk.asked(), asked, "a scrape asks Desk for nothing");
}
