//! Which clients are let in, over time: while files are half written, after a reload that shuts clients out, and while
//! many guess passwords. Seen by curl, and on connections that are kept.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::support::authority::Authority;
use crate::support::curl::curl;
use crate::support::exporter::{Exporter, Setup};
use crate::support::{LIMIT, eventually, tools};
use crate::web::{METRIC, TLS, authority, hash, setup, status};

const CLIENT: &str = "--cert client.crt --key client.key";

/// TLS for clients with certificates of `kind`, by `ca.crt`.
fn strict(kind: &str, more: &str) -> String {
    format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n{more}  client_auth_type: {kind}\n"
    )
}

#[test]
fn names_never_open_the_door_to_those_without_a_certificate() {
    let authority = authority();
    let names = "  client_allowed_sans: [prometheus.test]\n";
    for kind in [
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "VerifyClientCertIfGiven",
    ] {
        let file = authority.write("web.yml", &strict(kind, names));
        for command in ["check", "demo"] {
            let setup = Setup::bare().args(command).set("WEB_CONFIG_FILE", &file);
            let told = setup.run().expect_code(64).stderr;
            assert!(told.contains("client_allowed_sans"), "{kind}: {told}");
        }
    }
    authority.sign("client", "DNS:prometheus.test");
    let file = authority.write("web.yml", &strict("RequireAndVerifyClientCert", names));
    let exporter = setup(file).start();
    assert_eq!(status(&authority, &exporter, CLIENT), "200");
    assert_eq!(status(&authority, &exporter, ""), "000");
}

/// Waits until the exporter says in its metrics whether it uses the files as they are.
#[track_caller]
fn wait_for_reload(authority: &Authority, exporter: &Exporter, args: &str, is_good: bool) {
    let url = format!("https://{}/metrics", exporter.address());
    let line = format!("\n{METRIC} {}\n", u8::from(is_good));
    let found = eventually(|| {
        let page = curl(authority.folder(), &url, &format!("--cacert ca.crt {args}"));
        page.text.contains(&line).then_some(())
    });
    assert!(found.is_some(), "{line}: {}", exporter.output());
}

#[test]
fn a_half_written_file_gives_access_to_no_further_client() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    let users = format!("basic_auth_users:\n  ann: {}\n", hash("2b", "ann"));
    let rate = "rate_limit:\n  interval: 1ms\n  burst: 1000\n";
    let tls = strict(
        "RequireAndVerifyClientCert",
        "  client_allowed_sans: [prometheus.test]\n",
    );
    let whole = format!("{rate}{users}{tls}");
    let file = authority.write("web.yml", &whole);
    let exporter = setup(&file).start();
    let known = format!("{CLIENT} -u ann:ann");
    assert_eq!(status(&authority, &exporter, &known), "200");
    for (rest, word) in [
        // Cut before it, as a file is while it is written.
        ("  client_auth_type", "client_ca_file is set"),
        ("  client_allowed_sans", "client_auth_type asks for less"),
        ("tls_server_config", "switch TLS on or off"),
    ] {
        let (part, _) = whole.split_once(rest).unwrap();
        let part = part.replace(
            "  client_ca_file: ca.crt\n",
            if rest.contains("sans") {
                ""
            } else {
                "  client_ca_file: ca.crt\n"
            },
        );
        authority.write("web.yml", &part);
        wait_for_reload(&authority, &exporter, &known, false);
        exporter.wait_for_output(word);
        assert_eq!(status(&authority, &exporter, "-u ann:ann"), "000", "{word}");
        assert_eq!(status(&authority, &exporter, CLIENT), "401", "{word}");
        authority.write("web.yml", &whole);
        wait_for_reload(&authority, &exporter, &known, true);
    }
    for (text, word) in [
        (format!("{rate}{tls}"), "basic_auth_users are gone"),
        (format!("{users}{tls}"), "rate_limit is gone"),
        (
            whole.replace("[prometheus.test]", ""),
            "client_allowed_sans is gone",
        ),
    ] {
        authority.write("web.yml", &text);
        wait_for_reload(&authority, &exporter, &known, false);
        exporter.wait_for_output(word);
    }
}

fn login(name: &str, password: &str) -> String {
    let encoded = STANDARD.encode(format!("{name}:{password}"));
    format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {encoded}\r\n")
}

/// Sends one request on a kept connection, and reads the answer's head and body; nothing where the
/// connection has ended.
fn ask(stream: &mut (impl Read + Write), request: &str) -> Option<u16> {
    stream.write_all(format!("{request}\r\n").as_bytes()).ok()?;
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().unwrap())
        });
        if body.len() >= length.expect("a content-length") {
            return head.split(' ').nth(1)?.parse().ok();
        }
    }
}

#[test]
fn a_removed_user_loses_access_on_kept_connections_too() {
    let authority = authority();
    let (ann, bob) = (hash("2b", "ann"), hash("2b", "bob"));
    let both = format!("basic_auth_users:\n  ann: {ann}\n  bob: {bob}\n");
    let file = authority.write("web.yml", &both);
    let exporter = setup(&file).start();
    let connect = || {
        let stream = TcpStream::connect(exporter.address()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    };
    let mut kept = connect();
    assert_eq!(ask(&mut kept, &login("bob", "bob")), Some(200));
    let written = |users: &str| {
        let before = exporter.output().matches("has changed").count();
        authority.write("web.yml", &format!("basic_auth_users:\n{users}"));
        let taken_up = || (exporter.output().matches("has changed").count() > before).then_some(());
        assert!(eventually(taken_up).is_some(), "{}", exporter.output());
    };
    // One more is no reason to end anything.
    written(&format!("  ann: {ann}\n  bob: {bob}\n  cyd: {ann}\n"));
    assert_eq!(ask(&mut kept, &login("bob", "bob")), Some(200));
    for users in [
        format!("  ann: {ann}\n  bob: {}\n", hash("2b", "new")),
        format!("  ann: {ann}\n"),
    ] {
        let mut kept = connect();
        assert_eq!(ask(&mut kept, &login("ann", "ann")), Some(200));
        written(&users);
        // It ends by itself, and nothing is answered before it does.
        assert_eq!(kept.read(&mut [0; 1]).unwrap(), 0, "{users}");
        assert_eq!(ask(&mut connect(), &login("bob", "bob")), Some(401));
        assert_eq!(ask(&mut connect(), &login("ann", "ann")), Some(200));
    }
}

#[test]
fn a_certificate_that_is_out_ends_the_connections_that_it_opened() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    authority.sign("backup", "DNS:backup.test");
    let with = |names: &str| {
        let names = format!("  client_allowed_sans: [{names}]\n");
        strict("RequireAndVerifyClientCert", &names)
    };
    let file = authority.write("web.yml", &with("prometheus.test, backup.test"));
    let exporter = setup(&file).start();
    let mut kept = Command::new(tools::openssl())
        .args([
            "s_client",
            "-quiet",
            "-CAfile",
            "ca.crt",
            "-cert",
            "client.crt",
            "-key",
            "client.key",
            "-connect",
        ])
        .arg(exporter.address().to_string())
        .current_dir(authority.folder())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut request = kept.stdin.take().unwrap();
    let mut answer = kept.stdout.take().unwrap();
    request
        .write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut first = [0; 15];
    answer.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    authority.write("web.yml", &with("backup.test"));
    // Its input is still open: it is the exporter that ends the connection.
    let ended = eventually(|| kept.try_wait().unwrap());
    let _ = kept.kill();
    assert!(ended.is_some(), "{}", exporter.output());
    assert_eq!(status(&authority, &exporter, CLIENT), "000");
    assert_eq!(
        status(&authority, &exporter, "--cert backup.crt --key backup.key"),
        "200"
    );
}

#[test]
fn more_requests_than_the_rate_limit_allows_are_turned_away() {
    let authority = authority();
    let text = format!("{TLS}rate_limit:\n  interval: 1h\n  burst: 3\n");
    let file = authority.write("web.yml", &text);
    let exporter = setup(&file).start();
    let seen = [(); 5].map(|()| status(&authority, &exporter, ""));
    assert_eq!(seen, ["200", "200", "200", "429", "429"]);
    // A reload of something else does not fill the bucket again, and health is not ill.
    let before = exporter.output();
    authority.write(
        "web.yml",
        &format!("{text}http_server_config: {{ http2: false }}\n"),
    );
    assert!(!before.contains("has changed"));
    exporter.wait_for_output("has changed");
    assert_eq!(status(&authority, &exporter, ""), "429");
    Setup::default()
        .args("health")
        .set("LISTEN_ADDRESS", exporter.address().to_string())
        .set("WEB_CONFIG_FILE", &file)
        .run()
        .expect_code(0);
}

/// A connection from `source`, which is of this machine.
fn connect_from(source: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let made = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&made, &SocketAddr::from((source, 0)))?;
    connect(&made, &to)?;
    let stream = TcpStream::from(made);
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Guesses passwords of ann from `source`, one after the other, each on a connection of its own.
fn guess(source: Ipv4Addr, to: SocketAddr, done: &AtomicBool, guesses: &AtomicUsize) {
    while !done.load(Ordering::Acquire) {
        let Ok(mut stream) = connect_from(source, to) else {
            continue;
        };
        let guess = guesses.fetch_add(1, Ordering::AcqRel);
        let request = login("ann", &guess.to_string());
        // Whatever comes of it, or does not.
        let _ = stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes());
        let _ = stream.read(&mut [0; 1024]);
    }
}

/// Scrapes once with a password of ann, as patient as Prometheus is.
fn is_let_in(to: SocketAddr, password: &str) -> bool {
    let mut stream = connect_from(Ipv4Addr::LOCALHOST, to).unwrap();
    let patience = Duration::from_secs(10);
    stream.set_read_timeout(Some(patience)).unwrap();
    ask(&mut stream, &login("ann", password)) == Some(200)
}

/// 400 clients that guess, and one scraper with the right password, after a start and after a rotated hash: it
/// is let in at the second scrape at the latest, and at every one after that.
fn hold_out_against(source_of: impl Fn(u8, u8) -> Ipv4Addr) {
    let authority = authority();
    let text = |password: &str| format!("basic_auth_users:\n  ann: {}\n", dear_hash(password));
    let file = authority.write("web.yml", &text("first"));
    let exporter = setup(&file).start();
    let (done, guesses) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for (a, b) in (0..4).flat_map(|a| (1..=100).map(move |b| (a, b))) {
            let (source, to) = (source_of(a, b), exporter.address());
            let (done, guesses) = (&done, &guesses);
            scope.spawn(move || guess(source, to, done, guesses));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let all_are_there = || (guesses.load(Ordering::Acquire) > 400).then_some(());
            assert!(eventually(all_are_there).is_some(), "{}", exporter.output());
            for password in ["first", "second"] {
                let found = (0..2).any(|_| is_let_in(exporter.address(), password));
                assert!(found, "{password}: {}", exporter.output());
                if password == "first" {
                    authority.write("web.yml", &text("second"));
                    exporter.wait_for_output("has changed");
                }
            }
            // Once known, it never waits.
            let is_known = (0..20).all(|_| is_let_in(exporter.address(), "second"));
            assert!(is_known, "{}", exporter.output());
        }));
        done.store(true, Ordering::Release);
        // None of them waits for an answer any more.
        drop(exporter);
        outcome.unwrap();
    });
}

/// Of the cost that is usual.
fn dear_hash(password: &str) -> String {
    let script = "print crypt($ARGV[0], $ARGV[1])";
    let salt = "$2b$10$abcdefghijklmnopqrstuu";
    tools::run(Command::new(tools::tool("perl", "perl")).args(["-e", script, password, salt]))
}

#[test]
fn guessers_of_many_addresses_do_not_keep_a_scraper_out() {
    hold_out_against(|a, b| Ipv4Addr::new(127, 1, a, b));
}

#[test]
fn guessers_behind_the_proxy_of_a_scraper_do_not_keep_it_out() {
    hold_out_against(|_, _| Ipv4Addr::LOCALHOST);
}
