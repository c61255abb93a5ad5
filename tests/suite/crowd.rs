//! Many connections, and readers that do not read: another client is served all the same, and at once.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::support::authority::Authority;
use crate::support::desk::Desk;
use crate::support::exporter::{Exporter, Setup, logfmt};
use crate::support::page::Page;
use crate::support::{eventually, rows};
use crate::web::{authority, hash};

/// A scraper's patience, beyond the two seconds promised and below what idle connections have.
const PATIENCE: Duration = Duration::from_secs(10);

const SCRAPER: [u8; 4] = [127, 0, 0, 2];
const CROWD: [u8; 4] = [127, 0, 0, 1];

/// The test itself has a descriptor for each connection of a crowd.
fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum.map(|most| most.min(8192)).or(Some(8192));
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// A connection from one of the loopback addresses.
fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn crowd(exporter: &Exporter, size: usize, said: &str) -> Vec<TcpStream> {
    let member = |_| {
        let mut stream = connect(CROWD, exporter.address());
        let _ = stream.write_all(said.as_bytes());
        stream
    };
    (0..size).map(member).collect()
}

/// The next answer on a kept connection: its head and its body.
fn read_answer(stream: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

fn ask(stream: &mut (impl Read + Write), path: &str) -> io::Result<(String, Vec<u8>)> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())?;
    read_answer(stream)
}

#[track_caller]
fn assert_scrapes(exporter: &Exporter, from: [u8; 4]) {
    let answer = ask(&mut connect(from, exporter.address()), "/metrics");
    let (head, _) = answer.unwrap_or_else(|error| panic!("{error}: {}", exporter.output()));
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

fn warnings(exporter: &Exporter, about: &str) -> usize {
    let lines = exporter.log();
    let lines = lines.iter().map(|line| logfmt(line));
    lines
        .filter(|line| line["level"] == "warn" && line["message"].contains(about))
        .count()
}

const SCARCE: &str = "a connection cannot be accepted";
const CROWDED: &str = "as many connections as there may be";

#[test]
fn idle_connections_give_way_to_a_scraper() {
    raise_limit();
    let desk = Desk::with(rows::agents(3));
    for said in ["", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let exporter = Setup::of(&desk).start();
        let mut kept = connect(SCRAPER, exporter.address());
        ask(&mut kept, "/metrics").unwrap();
        let mut idle = crowd(&exporter, 600, said);
        for from in [SCRAPER, CROWD] {
            for _ in 0..3 {
                assert_scrapes(&exporter, from);
            }
        }
        let health = format!("health --web.listen-address={}", exporter.address());
        Setup::default().args(&health).run().expect_code(0);
        // The client with few keeps them; of the many the oldest were closed.
        assert!(ask(&mut kept, "/metrics").is_ok());
        assert!(matches!(idle[0].read(&mut [0]), Ok(0) | Err(_)));
        assert_eq!(warnings(&exporter, CROWDED), 1, "{}", exporter.output());
    }
}

#[test]
fn connections_that_are_kept_busy_give_way_too() {
    raise_limit();
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    let mut kept = connect(SCRAPER, exporter.address());
    ask(&mut kept, "/metrics").unwrap();
    let mut busy = crowd(&exporter, 0, "");
    for _ in 0..520 {
        let mut one = connect(CROWD, exporter.address());
        ask(&mut one, "/-/healthy").unwrap();
        busy.push(one);
    }
    for _ in 0..2 {
        assert_scrapes(&exporter, SCRAPER);
        assert!(ask(&mut kept, "/metrics").is_ok());
        for one in &mut busy {
            if ask(one, "/-/healthy").is_err() {
                *one = connect(CROWD, exporter.address());
                ask(one, "/-/healthy").unwrap();
            }
        }
    }
}

#[test]
fn few_descriptors_are_enough() {
    raise_limit();
    let desk = Desk::with(rows::agents(3));
    // With 16 the system itself says that there is none left; the demo is both ends of its polls.
    for (command, limit) in [("serve", 40), ("demo", 40), ("serve", 16)] {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let setup = Setup::busily(&desk).args(command).through(&script);
        let exporter = setup.start();
        exporter.wait_until_up();
        let _idle = crowd(&exporter, 100, "");
        for from in [SCRAPER, CROWD] {
            for _ in 0..3 {
                assert_scrapes(&exporter, from);
            }
        }
        let polls = |page: &Page| page.own("exporter_polls_total", &[]);
        let before = polls(&exporter.page());
        exporter.wait_for("another poll", |page| polls(page) > before);
        assert!(warnings(&exporter, CROWDED) <= 1, "{}", exporter.output());
        assert!(warnings(&exporter, SCARCE) <= 1, "{}", exporter.output());
        assert!(warnings(&exporter, "") >= 1, "{}", exporter.output());
    }
}

#[test]
fn the_last_descriptor_is_a_scrapers() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    let process = Pid::from_raw(exporter.pid().try_into().unwrap());
    let folder = format!("/proc/{}/fd", exporter.pid());
    let open = || u64::try_from(std::fs::read_dir(&folder).unwrap().count()).unwrap();
    let mut fewest = open();
    let enough = fewest + 4;
    let allow = |most: u64| {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let current = Some(most);
        prlimit(process, Resource::Nofile, Rlimit { current, maximum }).unwrap();
    };
    // One less for each scrape, until there is none for it.
    for most in (0..enough).rev() {
        allow(most);
        let mut scraper = connect(SCRAPER, exporter.address());
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        scraper.write_all(request).unwrap();
        let is_scarce = eventually(|| match warnings(&exporter, SCARCE) {
            0 => readable(&scraper).then_some(false),
            _ => Some(true),
        });
        let is_scarce = is_scarce.unwrap();
        assert_ne!(is_scarce, readable(&scraper), "{}", exporter.output());
        // It is served as soon as there is one again.
        allow(enough);
        let answer = read_answer(&mut scraper);
        let (head, _) = answer.unwrap_or_else(|error| panic!("{error}: {}", exporter.output()));
        assert!(head.starts_with("http/1.1 200"), "{head}");
        if is_scarce {
            return;
        }
        drop(scraper);
        let is_closed = eventually(|| {
            let now = open();
            fewest = fewest.min(now);
            (now == fewest).then_some(())
        });
        assert!(is_closed.is_some());
    }
    panic!("no descriptor was needed: {}", exporter.output());
}

/// Whether there is anything to read, were it the end.
fn readable(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let is_so = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    is_so
}

#[test]
fn the_limit_of_descriptors_is_raised() {
    let desk = Desk::with(rows::agents(1));
    let script = "ulimit -Sn 100; ulimit -Hn 1000; exec \"$@\"";
    let exporter = Setup::of(&desk).through(script).start();
    let page = exporter.page();
    assert_eq!(page.value("process_max_fds", &[]), Some(1000.0));
}

/// Agents of such names that their page has some 12 MB.
fn desk_of_a_long_page() -> Desk {
    let row = |row| rows::with(row, json!({ "AgentNickName": "x".repeat(80_000) }));
    Desk::with(rows::agents(150).into_iter().map(row).collect())
}

#[test]
fn a_client_that_closes_its_sending_half_gets_the_whole_page() {
    let desk = desk_of_a_long_page();
    let exporter = Setup::of(&desk).start();
    exporter.after_first_poll();
    for more in ["", "Connection: close\r\n"] {
        let mut stream = connect(SCRAPER, exporter.address());
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let (_, body) = read_answer(&mut stream).unwrap();
        assert!(body.len() > 12_000_000, "{}", body.len());
        // Nothing more can be asked.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "{more}");
    }
    // One that has asked for nothing is not waited for.
    let mut stream = connect(SCRAPER, exporter.address());
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// TLS as curl would speak it, with a certificate of the authority's.
fn tls(authority: &Authority, exporter: &Exporter, protocol: &str, name: &str) -> Tls {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(authority.file("ca.crt")).unwrap();
    roots.add(ca).unwrap();
    let certificate =
        CertificateDer::from_pem_file(authority.file(&format!("{name}.crt"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(authority.file(&format!("{name}.key"))).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let address = exporter.address();
    let connection = ClientConnection::new(Arc::new(config), address.ip().into()).unwrap();
    StreamOwned::new(connection, connect(SCRAPER, address))
}

const TLS: &str = "tls_server_config: { cert_file: server.crt, key_file: server.key }\n";

#[test]
fn a_client_may_say_over_tls_that_it_says_no_more() {
    let authority = authority();
    let desk = desk_of_a_long_page();
    let exporter = Setup::of(&desk)
        .set("WEB_CONFIG_FILE", authority.write("web.yml", TLS))
        .start();
    let mut stream = tls(&authority, &exporter, "http/1.1", "server");
    let (_, ready) = ask(&mut stream, "/-/ready").unwrap();
    let is_ready = eventually(|| {
        let (head, _) = ask(&mut stream, "/-/ready").unwrap();
        head.starts_with("http/1.1 200").then_some(())
    });
    assert!(is_ready.is_some(), "{ready:?}");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let (_, body) = read_answer(&mut stream).unwrap();
    assert!(body.len() > 12_000_000, "{}", body.len());
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_client_that_lost_its_access_is_disconnected() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    let asking = |names: &str, users: &str| {
        let tls = "cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt";
        let clients =
            format!("client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [{names}]");
        authority.write(
            "web.yml",
            &format!("tls_server_config: {{ {tls}, {clients} }}\n{users}"),
        )
    };
    let desk = Desk::with(rows::agents(1));
    let file = asking("prometheus.test, other.test", "");
    let exporter = Setup::of(&desk).set("WEB_CONFIG_FILE", &file).start();
    let kept = |protocol| tls(&authority, &exporter, protocol, "client");
    let (mut one, mut two) = (kept("http/1.1"), kept("h2"));
    ask(&mut one, "/metrics").unwrap();
    two.write_all(HELLO).unwrap();
    two.write_all(&headers(1, "/-/healthy")).unwrap();

    // Another certificate of the same server changes nothing for them.
    authority.sign("server", "IP:127.0.0.1");
    exporter.wait_for_output("using its new content");
    assert!(ask(&mut one, "/metrics").is_ok());

    asking("other.test", "");
    let is_closed = eventually(|| ask(&mut one, "/-/healthy").is_err().then_some(()));
    assert!(is_closed.is_some());
    let mut rest = Vec::new();
    // Until it is closed, with or without a last word of TLS.
    let _ = two.read_to_end(&mut rest);
    let goodbye = [&[GOAWAY, 0][..], &[0; 4]].concat();
    assert!(rest.windows(6).any(|window| window == goodbye), "{rest:?}");
    let mut new = kept("http/1.1");
    assert!(ask(&mut new, "/metrics").is_err());
}

#[test]
fn other_users_are_no_reason_to_break_off_an_answer() {
    let authority = authority();
    let users = |name: &str| format!("{TLS}basic_auth_users:\n  {name}: {}\n", hash("2b", name));
    let file = authority.write("web.yml", &users("ann"));
    let desk = desk_of_a_long_page();
    let exporter = Setup::of(&desk).set("WEB_CONFIG_FILE", &file).start();
    let mut stream = tls(&authority, &exporter, "http/1.1", "server");
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5uOmFubg==\r\n\r\n";
    let long = eventually(|| {
        stream.write_all(request.as_bytes()).unwrap();
        let (_, body) = read_answer(&mut stream).unwrap();
        (body.len() > 12_000_000).then_some(())
    });
    assert!(long.is_some());
    stream.write_all(request.as_bytes()).unwrap();
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).unwrap();
    authority.write("web.yml", &users("bob"));
    exporter.wait_for_output("using its new content");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() > 12_000_000, "{}", rest.len());
}

/// The preface of HTTP/2, and settings with an initial window of 0.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
const GOAWAY: u8 = 7;

/// A request for `path` on stream `id`.
fn headers(id: u8, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let mut frame = vec![0, 0, 5 + length, 1, 5, 0, 0, 0, id];
    // From HPACK's static table GET and https, `:path` with a value of its own, and that gzip is taken.
    frame.extend_from_slice(&[0x82, 0x87, 0x04, length]);
    frame.extend_from_slice(path.as_bytes());
    frame.push(0x90);
    frame
}

#[test]
fn streams_that_are_not_read_hold_a_bounded_amount() {
    let authority = authority();
    // Names that compress to three quarters, so that a page has some 9 MB.
    let row = |row| {
        let name: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(80_000)
            .collect();
        rows::with(row, json!({ "AgentNickName": name }))
    };
    let desk = Desk::with(rows::agents(150).into_iter().map(row).collect());
    let exporter = Setup::busily(&desk)
        .set("WEB_CONFIG_FILE", authority.write("web.yml", TLS))
        .start();
    // When another poll has begun, what the one before has found is served.
    let wait_for_another_poll = || {
        let asked = desk.asked();
        let another = eventually(|| (desk.asked() > asked + 1).then_some(()));
        assert!(another.is_some(), "{}", exporter.output());
    };
    wait_for_another_poll();
    let mut hoarder = tls(&authority, &exporter, "h2", "server");
    hoarder.write_all(HELLO).unwrap();
    for stream in 0..5 {
        wait_for_another_poll();
        let _ = hoarder.write_all(&headers(2 * stream + 1, "/metrics"));
    }
    exporter.wait_for_output("unread answers hold more memory than they may");
    // Its connection ends, with or without a last word of TLS.
    let ended = hoarder.read_to_end(&mut Vec::new());
    let is_waiting = ended.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    assert!(!is_waiting, "{}", exporter.output());
}

#[test]
fn a_flood_of_requests_that_are_taken_back_does_not_fill_the_log() {
    let authority = authority();
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::of(&desk)
        .set("WEB_CONFIG_FILE", authority.write("web.yml", TLS))
        .start();
    let mut flood = HELLO.to_vec();
    for id in (1..=u8::MAX).step_by(2) {
        flood.extend_from_slice(&headers(id, "/metrics"));
        flood.extend_from_slice(&[0, 0, 4, 3, 0, 0, 0, 0, id, 0, 0, 0, 8]);
    }
    for _ in 0..3 {
        let mut stream = tls(&authority, &exporter, "h2", "server");
        let _ = stream.write_all(&flood);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let mut scraper = tls(&authority, &exporter, "http/1.1", "server");
    assert!(ask(&mut scraper, "/metrics").is_ok());
    let lines = exporter.log();
    let by_others = lines.iter().map(|line| logfmt(line));
    let by_others = by_others.filter(|line| !line["target"].starts_with("tencent_desk_exporter"));
    assert_eq!(by_others.count(), 0, "{}", exporter.output());
}
