//! The way to Desk: TLS whose certificate is verified, proxies, and plain HTTP for loopback only.

use std::collections::BTreeMap;

use crate::support::desk::Desk;
use crate::support::exporter::{Exporter, Setup};
use crate::support::rows;
use crate::support::tls::{Certificate, Middleman, NAME};

/// All variables by which a proxy can be named.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

fn url(address: impl std::fmt::Display) -> String {
    format!("https://{address}")
}

#[track_caller]
fn assert_network_fails(exporter: &Exporter, reason: &str) {
    let page = exporter.after_first_poll();
    let failures = page.own("exporter_poll_failures_total", &[("class", "network")]);
    assert!(failures >= Some(1.0), "{page}");
    exporter.wait_for_output(reason);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let desk = Desk::with(rows::agents(1));
    let front = Middleman::tls(&Certificate::make(), desk.address());
    let exporter = Setup::of(&desk)
        .set("ENDPOINT", url(front.address()))
        .start();
    assert_network_fails(&exporter, "UnknownIssuer");
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_certificate_in_ssl_cert_file_is_trusted_for_its_own_names_only() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let setup = Setup::of(&desk).env("SSL_CERT_FILE", certificate.file());
    setup
        .clone()
        .set("ENDPOINT", url(front.address()))
        .start()
        .wait_until_up();
    assert!(!front.seen().is_empty());

    let asked = desk.asked();
    let by_another_name = format!("localhost:{}", front.address().port());
    let exporter = setup.set("ENDPOINT", url(by_another_name)).start();
    assert_network_fails(&exporter, "not valid for");
    assert_eq!(desk.asked(), asked);
}

#[test]
fn a_proxy_carries_https_and_sees_no_more_than_where_to() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = Middleman::proxy(front.address());
        let setup = Setup::of(&desk)
            .set("ENDPOINT", url(NAME))
            .env("SSL_CERT_FILE", certificate.file())
            .env(variable, format!("http://{}", proxy.address()));
        setup.start().wait_until_up();
        let seen = proxy.seen();
        assert!(!seen.is_empty(), "{variable}");
        let connect = format!("CONNECT {NAME}:443 HTTP/1.1");
        assert!(
            seen.iter().all(|head| head.starts_with(&connect)),
            "{seen:?}"
        );
        assert!(!seen.concat().contains("usersig"));
    }
}

#[test]
fn a_host_in_no_proxy_is_asked_without() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let proxy = Middleman::refusing("HTTP/1.1 403 No\r\n\r\n");
    let setup = Setup::of(&desk)
        .set("ENDPOINT", url(front.address()))
        .env("SSL_CERT_FILE", certificate.file())
        .env("HTTPS_PROXY", format!("http://{}", proxy.address()))
        .env("NO_PROXY", "127.0.0.1");
    setup.start().wait_until_up();
    assert_eq!(proxy.seen(), Vec::<String>::new());
}

#[test]
fn plain_http_never_takes_a_proxy() {
    let desk = Desk::with(rows::agents(1));
    let trap = Middleman::refusing("HTTP/1.1 403 No\r\n\r\n");
    let proxied = |setup: Setup| {
        let proxy = format!("http://{}", trap.address());
        PROXIES
            .iter()
            .fold(setup, |setup, name| setup.env(name, &proxy))
    };
    let by_name = format!("http://localhost:{}", desk.address().port());
    for endpoint in [desk.url(), by_name] {
        proxied(Setup::of(&desk).set("ENDPOINT", endpoint))
            .start()
            .wait_until_up();
    }
    assert_eq!(trap.seen(), Vec::<String>::new());
}

#[test]
fn plain_http_is_for_loopback_only() {
    let desk = Desk::with(rows::agents(1));
    for endpoint in [
        "http://desk.test",
        "http://192.0.2.1",
        "http://0.0.0.0:1",
        "http://127.0.0.1.desk.test",
        "http://localhost.desk.test",
        "http://[::ffff:192.0.2.1]",
        "http://127.0.0.1@192.0.2.1",
        "ftp://127.0.0.1",
    ] {
        let refused = Setup::of(&desk)
            .set("ENDPOINT", endpoint)
            .run()
            .expect_code(64);
        assert!(
            refused.stderr.contains("TENCENT_DESK_ENDPOINT"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_proxy_that_refuses_is_the_networks_fault() {
    let desk = Desk::with(rows::agents(1));
    let proxy = Middleman::refusing("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    let password = "pr0xy-passw0rd";
    let setup = Setup::of(&desk)
        .set("ENDPOINT", url(NAME))
        .set("LOG_LEVEL", "trace")
        .env(
            "HTTPS_PROXY",
            format!("http://user:{password}@{}", proxy.address()),
        );
    let exporter = setup.start();
    let page = exporter.after_first_poll();
    let failures: BTreeMap<_, _> = ["network", "configuration", "protocol"]
        .map(|class| {
            (
                class,
                page.own("exporter_poll_failures_total", &[("class", class)]),
            )
        })
        .into();
    assert!(failures["network"] >= Some(1.0), "{failures:?}");
    assert_eq!(failures["configuration"], Some(0.0));
    assert_eq!(failures["protocol"], Some(0.0));
    assert!(
        !exporter.output().contains(password),
        "{}",
        exporter.output()
    );
    assert!(!exporter.get("/").text().contains(password));
}
