//! What the listener answers, path by path and method by method, and how the process ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use crate::support::desk::{Desk, Reply};
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup, logfmt};
use crate::support::gate::Gate;
use crate::support::http;
use crate::support::page::Page;
use crate::support::rows;

fn exporter_of_three() -> (Desk, Exporter) {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    (desk, exporter)
}

fn status(exporter: &Exporter, path: &str) -> u16 {
    exporter.get(path).status
}

#[test]
fn ready_comes_with_the_end_of_the_first_poll() {
    let desk = Desk::with(rows::agents(1));
    let gate = Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let exporter = Setup::of(&desk).start();
    eventually(|| (desk.asked() > 0).then_some(())).expect("a first request");
    assert_eq!(status(&exporter, "/-/ready"), 503);
    assert_eq!(status(&exporter, "/-/healthy"), 200);
    assert_eq!(status(&exporter, "/metrics"), 200);
    gate.open();
    exporter.wait_until_up();
    assert_eq!(status(&exporter, "/-/ready"), 200);
}

#[test]
fn ready_comes_with_a_poll_that_fails_too() {
    let desk = Desk::with(rows::agents(1));
    desk.always(Reply::Error(141_000));
    let exporter = Setup::of(&desk).start();
    let page = exporter.after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0));
    assert_eq!(status(&exporter, "/-/healthy"), 200);
}

#[test]
fn metrics_come_in_the_text_format() {
    let (_desk, exporter) = exporter_of_three();
    let response = exporter.get("/metrics");
    let kind = response.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert_eq!(status(&exporter, "/metrics?anything=else"), 200);
}

#[test]
fn the_front_page_says_what_this_is_and_where_to_go() {
    let (_desk, exporter) = exporter_of_three();
    let front = exporter.get("/");
    assert_eq!(front.status, 200);
    assert!(
        front
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    for text in [
        env!("CARGO_PKG_VERSION"),
        "href=\"./metrics\"",
        "/-/healthy",
        "/-/ready",
    ] {
        assert!(front.text().contains(text), "{text} in {}", front.text());
    }
}

#[test]
fn other_paths_are_not_found() {
    let (_desk, exporter) = exporter_of_three();
    for path in [
        "/metric",
        "/metrics/",
        "/-/",
        "/-/reload",
        "/favicon.ico",
        "//metrics",
    ] {
        assert_eq!(status(&exporter, path), 404, "{path}");
    }
}

#[test]
fn other_methods_are_refused_with_those_allowed() {
    let (_desk, exporter) = exporter_of_three();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
            let response = exporter.request(method, path, &[("Content-Length", "0")]);
            assert_eq!(response.status, 405, "{method} {path}");
            let mut allowed: Vec<_> = response.header("allow").unwrap().split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, ["GET", "HEAD"], "{method} {path}");
        }
    }
}

#[test]
fn head_works_where_get_does_and_has_no_body() {
    let (_desk, exporter) = exporter_of_three();
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/nowhere"] {
        let (get, head) = (exporter.get(path), exporter.request("HEAD", path, &[]));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert_eq!(head.body, b"", "{path}");
    }
}

#[test]
fn metrics_move_to_the_configured_path() {
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::of(&desk).set("TELEMETRY_PATH", "/desk/now").start();
    assert_eq!(status(&exporter, "/metrics"), 404);
    let response = exporter.get("/desk/now");
    assert_eq!(response.status, 200);
    Page::parse(response.text());
    assert!(exporter.get("/").text().contains("href=\"./desk/now\""));
}

#[test]
fn asked_to_stop_it_stops_with_zero() {
    let (_desk, mut exporter) = exporter_of_three();
    assert_eq!(
        exporter.terminate().code(),
        Some(0),
        "{}",
        exporter.output()
    );
    let (_desk, mut exporter) = exporter_of_three();
    assert_eq!(
        exporter.interrupt().code(),
        Some(0),
        "{}",
        exporter.output()
    );
}

#[test]
fn it_stops_in_the_middle_of_a_poll_too() {
    let desk = Desk::with(rows::agents(1));
    desk.always(Reply::Hang(Gate::default()));
    let mut exporter = Setup::of(&desk).start();
    eventually(|| (desk.asked() > 0).then_some(())).expect("a first request");
    assert_eq!(
        exporter.terminate().code(),
        Some(0),
        "{}",
        exporter.output()
    );
}

#[test]
fn a_taken_address_is_exit_code_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let desk = Desk::with(rows::agents(1));
    let finished = Setup::of(&desk)
        .set("LISTEN_ADDRESS", &address)
        .run()
        .expect_code(1);
    assert!(finished.stderr.contains(&address), "{finished:?}");
    assert_eq!(desk.asked(), 0);
}

/// The loopback addresses of this machine, which need not have IPv6, nor IPv4.
fn loopbacks() -> Vec<IpAddr> {
    let both = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
    let is_there = |ip: &IpAddr| TcpListener::bind((*ip, 0)).is_ok();
    both.into_iter().filter(is_there).collect()
}

#[test]
fn an_address_without_a_host_is_every_address() {
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::of(&desk).set("LISTEN_ADDRESS", ":0").start();
    exporter.wait_until_up();
    let port = exporter.address().port();
    for ip in loopbacks() {
        let answer = http::fetch((ip, port).into(), "GET", "/metrics", &[]);
        assert_eq!(answer.unwrap().status, 200, "{ip}");
    }
    // On a machine with one kind of address, that one alone would do for the above.
    let every = [format!("[::]:{port}"), format!("0.0.0.0:{port}")];
    let log = exporter.log();
    let mut told = log.iter().filter_map(|line| logfmt(line).remove("address"));
    assert!(told.any(|address| every.contains(&address)), "{log:#?}");
}
