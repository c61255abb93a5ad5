//! The way to Desk: TLS whose certificate is verified, proxies, and plain HTTP for loopback only.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::authority::Authority;
use crate::support::desk::{Desk, Reply, response};
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::tls::{Certificate, Middleman, NAME};
use crate::support::{eventually, rows, tools};
use crate::web;

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
fn a_certificate_of_an_unknown_authority_is_refused() {
    let desk = Desk::with(rows::agents(1));
    let front = Middleman::tls(&Certificate::make(), desk.address());
    let exporter = Setup::of(&desk)
        .set("ENDPOINT", url(front.address()))
        .start();
    assert_network_fails(&exporter, "UnknownIssuer");
    assert_eq!(desk.asked(), 0);
}

/// As Go's clients take one, whatever it says of authorities.
#[test]
fn a_certificate_in_ssl_cert_file_is_trusted_for_its_own_names_only() {
    let desk = Desk::with(rows::agents(1));
    for extensions in [
        "basicConstraints=critical,CA:FALSE",
        "basicConstraints=critical,CA:TRUE",
        "keyUsage=critical,digitalSignature",
    ] {
        let certificate = Certificate::with(extensions);
        let front = Middleman::tls(&certificate, desk.address());
        let setup = Setup::of(&desk).env(FILE, certificate.file());
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
}

#[test]
fn a_certificate_in_ssl_cert_file_has_to_be_one_of_a_server() {
    let desk = Desk::with(rows::agents(1));
    let certificate = Certificate::with("extendedKeyUsage=clientAuth");
    let front = Middleman::tls(&certificate, desk.address());
    let setup = Setup::of(&desk).env(FILE, certificate.file());
    let exporter = setup.set("ENDPOINT", url(front.address())).start();
    assert_network_fails(&exporter, "InvalidPurpose");
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_certificate_that_is_no_authoritys_vouches_for_no_other() {
    let (desk, authority) = (Desk::with(rows::agents(1)), Authority::make());
    let names = format!("subjectAltName=DNS:{NAME},IP:127.0.0.1");
    authority.issue("leaf", "basicConstraints=critical,CA:FALSE", None);
    authority.issue("below", &names, Some("leaf"));
    let front = Middleman::tls(&Certificate::of(&authority, "below"), desk.address());
    let setup = Setup::of(&desk).env(FILE, authority.file("leaf.crt"));
    let exporter = setup.set("ENDPOINT", url(front.address())).start();
    assert_network_fails(&exporter, "UnknownIssuer");
    assert_eq!(desk.asked(), 0);
}

const FILE: &str = "SSL_CERT_FILE";
const FOLDER: &str = "SSL_CERT_DIR";

/// They are never passed over in favour of certificates that were not named.
#[test]
fn ssl_cert_variables_that_lead_to_no_certificate_are_mistakes() {
    let (desk, authority) = (Desk::with(rows::agents(1)), Authority::make());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, text) in [("empty", ""), ("text", "ca.crt"), ("broken", broken)] {
        authority.write(name, text);
        fs::create_dir(authority.file(&format!("folder-of-{name}"))).unwrap();
        authority.write(&format!("folder-of-{name}/file"), text);
    }
    fs::create_dir(authority.file("nothing")).unwrap();
    let at = |name: &str| authority.file(name).display().to_string();
    let files = [
        "missing",
        "nothing",
        "empty",
        "text",
        "broken",
        "ca.key",
        "/dev/null",
    ];
    let folders = [
        "missing",
        "ca.crt",
        "nothing",
        "folder-of-empty",
        "folder-of-text",
        "folder-of-broken",
    ];
    let files = files.iter().map(|name| (FILE, at(name)));
    let folders = folders.iter().map(|name| (FOLDER, at(name)));
    let lists = [
        ":".to_owned(),
        format!("{}:{}", at("nothing"), at("folder-of-text")),
    ];
    let lists = lists.into_iter().map(|list| (FOLDER, list));
    for (variable, value) in files.chain(folders).chain(lists) {
        for command in ["", "check"] {
            let setup = Setup::of(&desk).args(command).env(variable, &value);
            let refused = setup.run().expect_code(64);
            assert!(refused.stderr.starts_with(variable), "{value}: {refused:?}");
        }
    }
    // Neither makes up for the other.
    let both = Setup::of(&desk).env(FILE, at("empty")).env(FOLDER, at(""));
    assert!(both.run().expect_code(64).stderr.starts_with(FILE));
    let both = Setup::of(&desk)
        .env(FILE, at("ca.crt"))
        .env(FOLDER, at("nothing"));
    assert!(both.run().expect_code(64).stderr.starts_with(FOLDER));
    assert_eq!(desk.asked(), 0);
}

#[test]
fn certificates_are_found_where_the_ssl_cert_variables_say() {
    let (desk, authority) = (Desk::with(rows::agents(1)), Authority::make());
    authority.sign("desk", &format!("DNS:{NAME},IP:127.0.0.1"));
    let front = Middleman::tls(&Certificate::of(&authority, "desk"), desk.address());
    let setup = Setup::of(&desk).set("ENDPOINT", url(front.address()));
    let (good, other) = (authority.file("ca.crt"), Authority::make());
    let folder = tempfile::tempdir().unwrap();
    fs::copy(&good, folder.path().join("any name")).unwrap();
    fs::write(folder.path().join("README"), "certificates").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let (folder, other) = (folder.path(), other.folder());
    let list = |folders: &[&Path]| std::env::join_paths(folders).unwrap();
    for variables in [
        vec![(FILE, good.clone().into())],
        vec![(FOLDER, folder.into())],
        vec![(FOLDER, list(&[other, folder]))],
        vec![(FOLDER, list(&[folder, Path::new(""), other]))],
        vec![(FILE, good.clone().into()), (FOLDER, other.into())],
        vec![(FILE, other.join("ca.crt").into()), (FOLDER, folder.into())],
        vec![(FILE, "".into()), (FOLDER, folder.into())],
        vec![(FILE, good.clone().into()), (FOLDER, "".into())],
    ] {
        let add = |setup: Setup, (name, value): (&'static str, OsString)| setup.env(name, value);
        let exporter = variables.into_iter().fold(setup.clone(), add).start();
        exporter.wait_until_up();
    }
    // Others are not trusted beside them; and what is empty is not set.
    for (name, value) in [
        (FILE, other.join("ca.crt").into()),
        (FOLDER, other.into()),
        (FILE, OsString::new()),
    ] {
        let exporter = setup.clone().env(name, value).start();
        assert_network_fails(&exporter, "invalid peer certificate");
    }
}

#[test]
fn a_broken_certificate_among_good_ones_is_left_out_with_a_word() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let good = fs::read_to_string(certificate.file()).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("# Ours\n{broken}{good}")).unwrap();
    let setup = Setup::of(&desk).env(FILE, file.path());
    let exporter = setup.set("ENDPOINT", url(front.address())).start();
    exporter.wait_until_up();
    exporter.wait_for_output("certificate 1 in");
}

#[test]
fn a_proxy_carries_https_and_sees_no_more_than_where_to() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = Middleman::proxy(front.address());
        let setup = Setup::of(&desk)
            .set("ENDPOINT", url(NAME))
            .env(FILE, certificate.file())
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

/// The proxy is asked over TLS of its own, around that of Desk.
#[test]
fn a_proxy_may_be_asked_over_tls() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let proxied_by = |proxy: &Middleman| {
        let outside = Middleman::tls(&certificate, proxy.address());
        let setup = Setup::of(&desk)
            .set("ENDPOINT", url(NAME))
            .env(FILE, certificate.file())
            .env(
                "HTTPS_PROXY",
                url(format!("user:pa55@{}", outside.address())),
            );
        (outside, setup)
    };
    let proxy = Middleman::proxy(front.address());
    let (_outside, setup) = proxied_by(&proxy);
    setup.start().wait_until_up();
    let seen = proxy.seen().concat();
    assert!(seen.starts_with(&format!("CONNECT {NAME}:443")), "{seen}");
    assert!(seen.contains(&STANDARD.encode("user:pa55")), "{seen}");

    let refusing = Middleman::refusing("HTTP/1.1 403 No\r\n\r\n");
    let (_outside, setup) = proxied_by(&refusing);
    let said = setup.args("check").run().expect_code(1).output();
    assert!(
        said.contains("the proxy answers with HTTP status 403"),
        "{said}"
    );
}

/// Its own failures are told as such: it is asked for its reasons, and has none.
#[test]
fn a_certificate_that_a_proxy_leads_to_is_judged_as_any_other() {
    let desk = Desk::with(rows::agents(1));
    let front = Middleman::tls(&Certificate::make(), desk.address());
    let proxy = Middleman::proxy(front.address());
    let setup = Setup::of(&desk)
        .set("ENDPOINT", url(NAME))
        .env("HTTPS_PROXY", format!("http://{}", proxy.address()));
    assert_network_fails(
        &setup.start(),
        "TLS: invalid peer certificate: UnknownIssuer",
    );
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_host_in_no_proxy_is_asked_without() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let proxy = Middleman::refusing("HTTP/1.1 403 No\r\n\r\n");
    let setup = Setup::of(&desk)
        .set("ENDPOINT", url(front.address()))
        .env(FILE, certificate.file())
        .env("HTTPS_PROXY", format!("http://{}", proxy.address()))
        .env("NO_PROXY", "127.0.0.1");
    setup.start().wait_until_up();
    assert_eq!(proxy.seen(), Vec::<String>::new());
}

#[test]
fn no_proxy_is_read_in_all_its_forms() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let port = front.address().port();
    for (exceptions, is_straight) in [
        ("*".to_owned(), true),
        ("desk.test , *".to_owned(), true),
        ("127.0.0.0/8".to_owned(), true),
        (format!("127.0.0.1:{port}"), true),
        (" desk.test 127.0.0.1 ".to_owned(), true),
        ("127.0.0.1:1".to_owned(), false),
        ("10.0.0.0/8,.test,[::1],0.0.1".to_owned(), false),
        (String::new(), false),
    ] {
        let proxy = Middleman::refusing("HTTP/1.1 403 No\r\n\r\n");
        for (proxies, no_proxy) in [("HTTPS_PROXY", "NO_PROXY"), ("all_proxy", "no_proxy")] {
            let setup = Setup::of(&desk)
                .set("ENDPOINT", url(front.address()))
                .env("SSL_CERT_FILE", certificate.file())
                .env(proxies, proxy.address().to_string())
                .env(no_proxy, &exceptions);
            let page = setup.start().after_first_poll();
            let up = f64::from(u8::from(is_straight));
            assert_eq!(page.own("up", &[]), Some(up), "{exceptions}: {page}");
        }
        assert_eq!(proxy.seen().is_empty(), is_straight, "{exceptions}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_at_the_start() {
    let desk = Desk::with(rows::agents(1));
    for proxy in [
        "http://",
        "http://user:s3cret/x@proxy.test:3128",
        "http://user:12?s3cret@proxy.test",
        "http://proxy.test:s3cret",
        "socks5://user:s3cret@proxy.test:1080",
        "ftp://user:s3cret@proxy.test",
        "s3cret s3cret",
    ] {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let setup = Setup::of(&desk)
                .set("ENDPOINT", url(NAME))
                .env(variable, proxy);
            let refused = setup.run().expect_code(64);
            let line = format!("{variable}: ");
            assert!(refused.stderr.contains(&line), "{refused:?}");
            assert!(!refused.output().contains("s3cret"), "{refused:?}");
        }
    }
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_proxys_password_may_hold_what_is_special_in_a_url() {
    for password in ["p@ss", "p%40ss"] {
        let proxy = Middleman::refusing("HTTP/1.1 407 No\r\n\r\n");
        let setup = Setup::bare()
            .set("ENDPOINT", url(NAME))
            .set("SDK_APP_ID", "1400000000")
            .set("SECRET_KEY", "k3y")
            .env(
                "HTTPS_PROXY",
                format!("http://user:{password}@{}", proxy.address()),
            );
        setup.start().after_first_poll();
        let expected = STANDARD.encode("user:p@ss");
        let seen = proxy.seen().concat();
        assert!(seen.contains(&expected), "{seen}");
    }
}

#[test]
fn a_proxys_status_is_named_with_what_to_do() {
    for (answer, requests, reason, advice) in [
        (
            "HTTP/1.1 403 No\r\n\r\n",
            1,
            "status 403",
            "lets this machine connect",
        ),
        (
            "HTTP/1.1 407 Who\r\n\r\n",
            1,
            "status 407",
            "the user and the password",
        ),
        (
            "HTTP/1.1 503 Busy\r\n\r\n",
            3,
            "status 503",
            "cannot reach the API's host",
        ),
        (
            "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\n\r\n",
            1,
            "status 503",
            "cannot reach the API's host",
        ),
    ] {
        let proxy = Middleman::refusing(answer);
        let setup = Setup::bare()
            .set("ENDPOINT", url(NAME))
            .set("SDK_APP_ID", "1400000000")
            .set("SECRET_KEY", "k3y")
            .set("ENDPOINTS", "describe_agent_statistics")
            .env("HTTPS_PROXY", format!("http://{}", proxy.address()));
        let finished = setup.args("check").run().expect_code(1);
        // Each time for a tunnel, and then for the reason why there is none.
        assert_eq!(proxy.seen().len(), 2 * requests, "{answer}");
        let said = finished.output();
        assert!(said.contains("(network)"), "{said}");
        assert!(said.contains(reason) && said.contains(advice), "{said}");
        assert!(!said.contains("DNS"), "{said}");
    }
}

#[test]
fn a_status_is_told_with_what_to_do_about_it() {
    for (status, advice) in [
        (401, "gateway"),
        (403, "gateway"),
        (404, "TENCENT_DESK_ENDPOINT"),
        (407, "the user and the password"),
        (302, "TENCENT_DESK_ENDPOINT"),
        (429, "ask less often"),
        (511, "login page"),
        (204, "in Desk's place"),
        (408, "if it lasts"),
        (500, "if it lasts"),
        (502, "if it lasts"),
        (503, "if it lasts"),
        (504, "if it lasts"),
    ] {
        let desk = Desk::with(rows::agents(1));
        desk.always(Reply::Status(status, vec![], String::new()));
        let finished = Setup::of(&desk).args("check").run().expect_code(1);
        let said = finished.output();
        assert!(said.contains(&format!("status {status}")), "{said}");
        assert!(said.contains(advice) && !said.contains("DNS"), "{said}");
    }
}

#[test]
fn an_answer_is_asked_for_as_it_is_and_understood_in_gzip() {
    let desk = Desk::with(rows::agents(1));
    let body = rows::answer(1, &[rows::agent("a").to_string()]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let coded = |coding: &str, body: &[u8]| {
        let head = response(200, &[("Content-Encoding", coding.to_owned())], body);
        Reply::Raw(head)
    };
    desk.always(coded("gzip", &encoder.finish().unwrap()));
    let page = Setup::of(&desk).start().wait_until_up();
    assert_eq!(page.agents(), ["a".to_owned()].into());
    let asked = &desk.requests()[0].headers;
    let coding = asked
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
    assert_eq!(coding.map(|(_, value)| value.as_str()), Some("identity"));

    desk.always(coded("br", b"\x0b\x02\x80"));
    let exporter = Setup::of(&desk).start();
    let page = exporter.after_first_poll();
    let failures = page.own("exporter_poll_failures_total", &[("class", "protocol")]);
    assert_eq!(failures, Some(1.0), "{page}");
    exporter.wait_for_output("Content-Encoding that was not asked for (it says: br)");
}

/// A getaddrinfo that never returns, in a library to be loaded before all others. It adds a letter to
/// the file `LOOK_UPS` for each call.
fn resolver_that_hangs(folder: &tempfile::TempDir) -> PathBuf {
    let source = folder.path().join("hangs.c");
    let library = folder.path().join("hangs.so");
    let code = r#"
        #include <fcntl.h>
        #include <stdlib.h>
        #include <unistd.h>
        int getaddrinfo() {
            int file = open(getenv("LOOK_UPS"), O_WRONLY | O_CREAT | O_APPEND, 0600);
            if (write(file, "x", 1) != 1) abort();
            for (;;) pause();
        }
    "#;
    fs::write(&source, code).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"])
        .args([&library, &source]);
    tools::run(&mut cc);
    library
}

#[test]
fn a_resolver_that_hangs_holds_up_no_scrape_and_no_stop() {
    let folder = tempfile::tempdir().unwrap();
    let web = folder.path().join("web.yml");
    let look_ups = folder.path().join("look-ups");
    let hash = web::hash("2y", "right");
    fs::write(&web, format!("basic_auth_users: {{ a: {hash} }}")).unwrap();
    let mut exporter = Setup::bare()
        .set("SDK_APP_ID", "1400000000")
        .set("SECRET_KEY", "k3y")
        .set("POLL_INTERVAL", "1s")
        .set("REQUEST_TIMEOUT", "200ms")
        .set("WEB_CONFIG_FILE", &web)
        .env("LD_PRELOAD", resolver_that_hangs(&folder))
        .env("LOOK_UPS", &look_ups)
        .start();
    let scrape = |password: &str| {
        let authorization = format!("Basic {}", STANDARD.encode(format!("a:{password}")));
        exporter.request("GET", "/metrics", &[("Authorization", &authorization)])
    };
    let polls_reach = |count: f64| {
        let reached = eventually(|| {
            let page = Page::parse(scrape("right").text());
            let failed = page.own("exporter_poll_failures_total", &[("class", "network")]);
            (failed >= Some(count)).then_some(())
        });
        assert!(reached.is_some(), "{}", exporter.output());
    };
    polls_reach(2.0);
    for guess in 0..10 {
        assert_eq!(scrape(&guess.to_string()).status, 401);
    }
    polls_reach(6.0);
    // One of Desk's host, and one of its backup: no thread more hangs, however many polls there are.
    assert_eq!(fs::read(&look_ups).unwrap(), b"xx");
    let output = exporter.output();
    assert!(output.contains("the resolver has not said"), "{output}");
    assert!(output.contains("DNS"), "{output}");
    assert!(exporter.terminate().success());
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
