//! Real Prometheuses scrape the exporter, and answer questions about it with the right values: this
//! machine's own and Debian's newest, in every format that they ask for.

use std::path::PathBuf;

use serde_json::json;

use crate::support::desk::Desk;
use crate::support::exporter::{Exporter, Setup};
use crate::support::prometheus::{self, Prometheus, version_of};
use crate::support::rows::{agent, agents, example, with};
use crate::support::scrapers::{PROTOBUF, accept_of_prometheus};
use crate::support::tap::Tap;
use crate::support::tools;

const ODD: &str = "quo\"te \\ back\nslash 美美 🎧";

/// 120 agents, the documents' own, and one with an odd name.
fn exporter() -> (Desk, Exporter) {
    let named = with(agent("odd"), json!({ "AgentNickName": ODD }));
    let desk = Desk::with([agents(120), vec![named, example()]].concat());
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    (desk, exporter)
}

/// All of `exporter` is there, once, under the name of the job.
#[track_caller]
fn expect_all(prometheus: &Prometheus, job: &str, exporter: &Exporter) {
    let samples = exporter.page().samples().count();
    prometheus.expect(&format!("up{{job=\"{job}\"}}"), 1.0);
    prometheus.expect(
        &format!("scrape_samples_scraped{{job=\"{job}\"}}"),
        samples as f64,
    );
    let expected = [
        ("tencent_desk_up", "", 1.0),
        (
            "tencent_desk_exporter_polls_total",
            r#"endpoint="describe_agent_statistics""#,
            1.0,
        ),
        (
            "tencent_desk_exporter_poll_failures_total",
            r#"class="network",endpoint="describe_agent_statistics""#,
            0.0,
        ),
        (
            "tencent_desk_agent_satisfaction_ratio",
            r#"agent_id="1289316652@qq.com""#,
            0.75,
        ),
        (
            "tencent_desk_agent_sessions",
            r#"agent_id="agent-0042@desk.example""#,
            42.0,
        ),
        (
            "tencent_desk_agent_state_seconds",
            r#"agent_id="odd",state="busy""#,
            300.0,
        ),
        // Two pages of a hundred. However a bound is written, Prometheus calls it by one name.
        (
            "tencent_desk_exporter_request_duration_seconds_bucket",
            r#"le="+Inf""#,
            2.0,
        ),
        (
            "tencent_desk_exporter_request_duration_seconds_bucket",
            r#"le="10.0""#,
            2.0,
        ),
        (
            "tencent_desk_exporter_request_duration_seconds_count",
            "",
            2.0,
        ),
    ];
    for (name, labels, value) in expected {
        prometheus.expect(&format!("{name}{{job=\"{job}\",{labels}}}"), value);
    }
    let count = |name: &str| format!("count({name}{{job=\"{job}\"}})");
    prometheus.expect(&count("tencent_desk_agent_info"), 122.0);
    prometheus.expect(
        &count("tencent_desk_exporter_request_duration_seconds_bucket"),
        11.0,
    );
    let odd = format!("tencent_desk_agent_info{{job=\"{job}\",agent_id=\"odd\"}}");
    assert_eq!(prometheus.expect(&odd, 1.0)["nickname"], ODD);
}

/// Scrapes once as it comes and once with native histograms, and looks at what was negotiated.
#[track_caller]
fn scrapes_in_its_first_choice(binary: PathBuf) {
    let (_desk, exporter) = exporter();
    let golden = accept_of_prometheus(&version_of(&binary));

    let tap = Tap::before(exporter.address());
    let plain = prometheus::Setup::of(binary.clone())
        .job("plain", tap.address())
        .start();
    expect_all(&plain, "plain", &exporter);
    drop(plain);
    let scrape = tap.expect(|scrape| scrape.response.status == 200);
    if let Some(golden) = golden {
        assert_eq!(scrape.accept, golden);
    }
    let content_type = scrape.response.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{content_type}"
    );
    assert_eq!(scrape.response.header("content-encoding"), Some("gzip"));

    let tap = Tap::before(exporter.address());
    let native = prometheus::Setup::of(binary)
        .flag("--enable-feature=native-histograms")
        .job("native", tap.address())
        .start();
    expect_all(&native, "native", &exporter);
    let scrape = tap.expect(|scrape| scrape.response.status == 200);
    assert!(scrape.accept.starts_with(PROTOBUF), "{}", scrape.accept);
    let content_type = scrape.response.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/vnd.google.protobuf;"),
        "{content_type}"
    );
    assert_eq!(scrape.response.header("content-encoding"), Some("gzip"));
}

#[test]
fn this_machines_own_gets_its_first_choice_and_all_values() {
    scrapes_in_its_first_choice(tools::prometheus());
}

#[test]
fn debians_newest_gets_its_first_choice_and_all_values() {
    scrapes_in_its_first_choice(tools::newer_prometheus());
}

#[test]
fn debians_newest_gets_every_format_that_it_can_be_told_to_ask_for() {
    let protocols = [
        (
            "PrometheusText0.0.4",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        (
            "PrometheusText1.0.0",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "OpenMetricsText0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        (
            "OpenMetricsText1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "PrometheusProto",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ];
    let (_desk, exporter) = exporter();
    let tap = Tap::before(exporter.address());
    let mut setup = prometheus::Setup::of(tools::newer_prometheus());
    for (protocol, _) in protocols {
        setup = setup.job_with(
            protocol,
            tap.address(),
            json!({ "scrape_protocols": [protocol] }),
        );
    }
    let prometheus = setup.start();
    for (protocol, content_type) in protocols {
        expect_all(&prometheus, protocol, &exporter);
        tap.expect(|scrape| scrape.response.header("content-type") == Some(content_type));
    }
}

#[test]
fn the_demo_can_be_scraped_too() {
    let demo = Setup::bare().args("demo").start();
    demo.wait_until_up();
    let prometheus = prometheus::Setup::of(tools::prometheus())
        .job("demo", demo.address())
        .start();
    prometheus.expect(r#"up{job="demo"}"#, 1.0);
    prometheus.expect(r#"tencent_desk_up{job="demo"}"#, 1.0);
    let of_further = "tencent_desk_agent_(current|group|realtime|reception|status).*";
    prometheus.expect(
        &format!(
            r#"count(count by (__name__) ({{__name__=~"tencent_desk_agent_.+",__name__!~"{of_further}",job="demo"}}))"#
        ),
        22.0,
    );
}
