//! What the exporter says of itself: every name and type of the contract's table, and that the
//! numbers are true.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::Unanswered;
use crate::support::desk::{Desk, Reply};
use crate::support::exporter::Setup;
use crate::support::page::Page;
use crate::support::rows::{agent, agents, with, without};
use crate::support::usersig::Members;

const ENDPOINT: (&str, &str) = ("endpoint", "describe_agent_statistics");

const CLASSES: [&str; 6] = [
    "network",
    "server",
    "rate_limited",
    "credentials",
    "configuration",
    "protocol",
];

/// Name, type and label names of everything in the contract's table.
const OWN: [(&str, &str, &[&str]); 25] = [
    ("tencent_desk_up", "gauge", &[]),
    ("tencent_desk_exporter_endpoint_up", "gauge", &["endpoint"]),
    ("tencent_desk_day_start_timestamp_seconds", "gauge", &[]),
    (
        "tencent_desk_exporter_last_success_timestamp_seconds",
        "gauge",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_poll_interval_seconds",
        "gauge",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_poll_duration_seconds",
        "gauge",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_polls_total",
        "counter",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_poll_failures_total",
        "counter",
        &["class", "endpoint"],
    ),
    (
        "tencent_desk_exporter_requests_total",
        "counter",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_request_failures_total",
        "counter",
        &["class", "endpoint"],
    ),
    (
        "tencent_desk_exporter_request_duration_seconds",
        "histogram",
        &["endpoint"],
    ),
    ("tencent_desk_exporter_agents", "gauge", &[]),
    ("tencent_desk_exporter_missing_rows", "gauge", &["endpoint"]),
    (
        "tencent_desk_exporter_discarded_rows_total",
        "counter",
        &["endpoint", "reason"],
    ),
    (
        "tencent_desk_exporter_ignored_values_total",
        "counter",
        &["endpoint", "field"],
    ),
    (
        "tencent_desk_exporter_absent_fields",
        "gauge",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_unknown_fields",
        "gauge",
        &["endpoint"],
    ),
    (
        "tencent_desk_exporter_user_sig_expiry_timestamp_seconds",
        "gauge",
        &[],
    ),
    (
        "tencent_desk_exporter_build_info",
        "gauge",
        &["revision", "rustc_version", "version"],
    ),
    ("process_cpu_seconds_total", "counter", &[]),
    ("process_resident_memory_bytes", "gauge", &[]),
    ("process_virtual_memory_bytes", "gauge", &[]),
    ("process_open_fds", "gauge", &[]),
    ("process_max_fds", "gauge", &[]),
    ("process_start_time_seconds", "gauge", &[]),
];

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

/// A poll after which every one of them has something to say: one request failed, one row had no
/// id, one value was no number.
fn eventful_poll() -> Page {
    let odd = with(agent("a"), json!({ "FreeTime": "x" }));
    let desk = Desk::with(vec![odd, without(agent("b"), "AgentId")]);
    desk.on_request(|n, _| {
        if n == 1 {
            Reply::Error(141_002)
        } else {
            Reply::Normal
        }
    });
    Setup::of(&desk)
        .set("POLL_INTERVAL", "30s")
        .start()
        .wait_until_up()
}

#[test]
fn every_metric_of_the_table_is_there_with_its_type_and_labels() {
    let page = eventful_poll();
    for (name, kind, labels) in OWN {
        let family = page
            .family(name)
            .unwrap_or_else(|| panic!("no {name}\n{page}"));
        assert_eq!(family.kind, kind, "{name}");
        for sample in &family.samples {
            let own = sample.labels.keys().filter(|label| *label != "le");
            assert!(own.eq(labels), "{sample:?}");
        }
    }
}

#[test]
fn nothing_else_is_there() {
    let page = eventful_poll();
    let unknown = page.families().iter().filter(|family| {
        let name = family.name.as_str();
        let own = OWN.iter().any(|(known, _, _)| *known == name);
        !own && !name.starts_with("tencent_desk_agent_") && !name.starts_with("process_")
    });
    let unknown: Vec<&str> = unknown.map(|family| family.name.as_str()).collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn before_the_first_answer_every_class_is_there_with_zero() {
    let desk = Desk::with(agents(1));
    let gate = crate::support::gate::Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let page = Setup::of(&desk).start().page();
    assert_eq!(page.own("up", &[]), Some(0.0));
    assert_eq!(page.own("exporter_agents", &[]), Some(0.0));
    assert_eq!(
        page.own("exporter_last_success_timestamp_seconds", &[]),
        None
    );
    assert_eq!(page.own("day_start_timestamp_seconds", &[]), None);
    let failures = page
        .family("tencent_desk_exporter_poll_failures_total")
        .unwrap();
    assert_eq!(failures.samples.len(), CLASSES.len());
    for class in CLASSES {
        let count = page.own("exporter_poll_failures_total", &[("class", class)]);
        assert_eq!(count, Some(0.0), "{class}");
    }
    gate.open();
}

#[test]
fn a_good_poll_is_told_as_it_was() {
    let before = now();
    let desk = Desk::with(agents(250));
    let page = Setup::of(&desk).start().wait_until_up();
    let own = |name: &str| {
        page.own(name, &[])
            .unwrap_or_else(|| panic!("no {name}\n{page}"))
    };
    assert_eq!(own("exporter_polls_total"), 1.0);
    assert_eq!(own("exporter_agents"), 250.0);
    assert_eq!(own("exporter_missing_rows"), 0.0);
    assert_eq!(own("exporter_poll_interval_seconds"), 3600.0);
    assert!(own("exporter_poll_duration_seconds") > 0.0);
    assert!((before..=now()).contains(&own("exporter_last_success_timestamp_seconds")));
    assert_eq!(page.own("exporter_requests_total", &[ENDPOINT]), Some(3.0));
    let observed = page.own("exporter_request_duration_seconds_count", &[ENDPOINT]);
    assert_eq!(observed, Some(3.0));
    let from = desk.requests()[0].json()["From"].as_f64();
    assert_eq!(page.own("day_start_timestamp_seconds", &[]), from);
}

#[test]
fn the_signature_in_use_tells_when_it_expires() {
    let desk = Desk::with(agents(1));
    let page = Setup::of(&desk).start().wait_until_up();
    let members = Members::read(&desk.requests()[0].user_sig()).unwrap();
    let shown = page
        .own("exporter_user_sig_expiry_timestamp_seconds", &[])
        .unwrap();
    assert_eq!(shown.to_string(), members.good_until().to_string());
    let day = 86_400;
    assert!(
        (day..=50 * 365 * day).contains(&members.expire),
        "{members:?}"
    );
}

#[test]
fn the_build_is_the_one_that_runs() {
    let desk = Desk::with(agents(1));
    let page = Setup::of(&desk).start().page();
    let info = &page
        .family("tencent_desk_exporter_build_info")
        .unwrap()
        .samples[0];
    assert_eq!(info.value, 1.0);
    assert_eq!(info.label("version"), Some(env!("CARGO_PKG_VERSION")));
    let rustc = info.label("rustc_version").unwrap();
    assert!(rustc.starts_with("1."), "{rustc}");
}

#[test]
fn the_process_is_measured() {
    let desk = Desk::with(agents(1));
    let page = Setup::of(&desk).start().wait_until_up();
    let process = |name: &str| page.value(&format!("process_{name}"), &[]).unwrap();
    let cpu = process("cpu_seconds_total");
    assert!(cpu > 0.0 && cpu.fract() > 0.0, "finer than a second: {cpu}");
    assert!(process("resident_memory_bytes") > 1e6);
    assert!(process("virtual_memory_bytes") >= process("resident_memory_bytes"));
    assert!((3.0..process("max_fds")).contains(&process("open_fds")));
    let age = now() - process("start_time_seconds");
    assert!((-2.0..600.0).contains(&age), "started {age} s ago");
}

/// One poll that fails this way, and the page after it.
fn failed(reply: Reply) -> Page {
    let desk = Desk::with(agents(1));
    desk.always(reply);
    let page = Setup::of(&desk).start().after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0), "{page}");
    let asked = page.own("exporter_requests_total", &[ENDPOINT]);
    assert!(asked >= Some(1.0), "{page}");
    page
}

#[test]
fn each_failure_counts_in_its_class_alone() {
    let failures = [
        ("network", Reply::Reset),
        (
            "network",
            Reply::Status(502, vec![], "<html>bad gateway</html>".into()),
        ),
        ("server", Reply::Error(141_002)),
        ("rate_limited", Reply::Error(141_009)),
        ("credentials", Reply::Error(70_009)),
        ("configuration", Reply::Error(141_000)),
        ("protocol", Reply::Error(141_004)),
        (
            "protocol",
            Reply::body("{\"ErrorCode\":0,\"TotalCount\":1}"),
        ),
        ("protocol", Reply::body("<html>")),
    ];
    std::thread::scope(|scope| {
        for (class, reply) in failures {
            scope.spawn(move || {
                let page = failed(reply);
                for other in CLASSES {
                    let polls = page.own("exporter_poll_failures_total", &[("class", other)]);
                    assert_eq!(polls > Some(0.0), other == class, "{class}\n{page}");
                    let labels = [ENDPOINT, ("class", other)];
                    let requests = page.own("exporter_request_failures_total", &labels);
                    assert_eq!(requests > Some(0.0), other == class, "{class}\n{page}");
                }
            });
        }
    });
}

#[test]
fn nobody_at_the_other_end_is_a_matter_of_the_network() {
    let unanswered = Unanswered::new();
    let desk = Desk::with(Vec::new());
    let page = Setup::of(&desk)
        .set("ENDPOINT", format!("http://{}", unanswered.address()))
        .start()
        .after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0));
    let failures = page.own("exporter_poll_failures_total", &[("class", "network")]);
    assert!(failures >= Some(1.0), "{page}");
}
