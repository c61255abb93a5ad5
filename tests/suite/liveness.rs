//! A bad scraper holds up no other client, and the process is seen to live, however Desk behaves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::json;

use crate::support::desk::{Desk, Reply};
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::http;
use crate::support::rows;
use crate::support::{LIMIT, eventually};

fn open_fds(exporter: &Exporter) -> usize {
    let folder = format!("/proc/{}/fd", exporter.pid());
    std::fs::read_dir(folder).unwrap().count()
}

fn resident_bytes(exporter: &Exporter) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", exporter.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
    1024 * kibibytes.unwrap().parse::<usize>().unwrap()
}

/// A connection on which so much has been said.
fn connection(exporter: &Exporter, said: &str) -> TcpStream {
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(said.as_bytes()).unwrap();
    stream
}

/// As many agents as [`exporter_of_a_long_page`] has.
const AGENTS: usize = 150;

/// Agents of such names that their page does not fit into what the system holds for a slow reader.
fn exporter_of_a_long_page() -> (Desk, Exporter) {
    let long = json!({ "AgentNickName": "x".repeat(80_000) });
    let rows = rows::agents(AGENTS);
    let desk = Desk::with(
        rows.into_iter()
            .map(|row| rows::with(row, long.clone()))
            .collect(),
    );
    let exporter = Setup::of(&desk).start();
    let ready = eventually(|| (exporter.get("/-/ready").status == 200).then_some(()));
    assert!(ready.is_some(), "{}", exporter.output());
    (desk, exporter)
}

const ASK: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

/// A reader that has asked for the page and, of its answer, has read only the beginning.
fn lazy_reader(exporter: &Exporter) -> TcpStream {
    let mut stream = connection(exporter, ASK);
    let mut beginning = [0; 16];
    stream.read_exact(&mut beginning).unwrap();
    assert!(beginning.starts_with(b"HTTP/1.1 200 OK"));
    stream
}

fn scrape_forty_times_at_once(exporter: &Exporter, agents: usize) {
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let response = exporter.get("/metrics");
                let shown = response
                    .text()
                    .matches("\ntencent_desk_agent_info{")
                    .count();
                assert_eq!(shown, agents);
            });
        }
    });
}

#[test]
fn it_is_healthy_while_desk_hangs() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::busily(&desk).set("REQUEST_TIMEOUT", "1s").start();
    exporter.wait_until_up();
    desk.always(Reply::Hang(Gate::default()));
    exporter.wait_for("a poll that Desk never answers", |page| {
        assert_eq!(exporter.get("/-/healthy").status, 200);
        page.own("up", &[]) == Some(0.0)
    });
    assert_eq!(exporter.get("/-/ready").status, 200);
}

/// Waits until no more descriptors are open than `before`, but for what a scrape takes.
fn wait_until_closed(exporter: &Exporter, before: usize) {
    let all_closed = eventually(|| (open_fds(exporter) <= before + 2).then_some(()));
    assert!(
        all_closed.is_some(),
        "{before} descriptors became {}",
        open_fds(exporter)
    );
}

#[test]
fn two_hundred_half_open_requests_hold_up_no_scrape() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    let before = open_fds(&exporter);
    let half = "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow";
    let open: Vec<_> = (0..200)
        .map(|n| connection(&exporter, &half[..n % half.len()]))
        .collect();
    let all_taken = eventually(|| (open_fds(&exporter) >= before + 190).then_some(()));
    assert!(all_taken.is_some(), "{} descriptors", open_fds(&exporter));
    scrape_forty_times_at_once(&exporter, 3);
    // The kernel is asked once a second at most, so the page may be that far behind.
    exporter.wait_for("the page to say so too", |page| {
        page.value("process_open_fds", &[]) >= Some(200.0)
    });
    drop(open);
    wait_until_closed(&exporter, before);
}

#[test]
fn a_huge_head_is_refused() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    let long = format!("X-Long: {}\r\n", "x".repeat(60_000));
    let many: String = (0..200).map(|n| format!("X-{n}: x\r\n")).collect();
    for (name, headers) in [("one header", long), ("many headers", many)] {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        // The refusal may be lost in the reset of a connection whose rest is not read.
        if let Ok(response) = http::exchange(exporter.address(), request.as_bytes()) {
            assert_eq!(response.status, 431, "{name}");
            assert_eq!(response.body, b"", "{name}");
        }
    }
    assert_eq!(exporter.get("/metrics").status, 200);
}

#[test]
fn an_endless_head_is_refused_while_it_comes() {
    let desk = Desk::with(rows::agents(3));
    let exporter = Setup::of(&desk).start();
    let mut stream = connection(&exporter, "GET /metrics HTTP/1.1\r\nX-Long: ");
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    let mut sent = 0;
    while stream.write_all(&[b'x'; 1024]).is_ok() {
        sent += 1024;
        assert!(sent < 64 << 20, "64 MiB of a header were taken");
    }
}

#[test]
fn readers_that_do_not_read_hold_up_nobody() {
    let (_desk, exporter) = exporter_of_a_long_page();
    let before = open_fds(&exporter);
    let lazy: Vec<_> = (0..50).map(|_| lazy_reader(&exporter)).collect();
    scrape_forty_times_at_once(&exporter, AGENTS);
    drop(lazy);
    wait_until_closed(&exporter, before);
}

#[test]
fn many_scrapes_do_not_multiply_the_page_in_memory() {
    let (_desk, exporter) = exporter_of_a_long_page();
    let size = exporter.get("/metrics").body.len();
    let before = resident_bytes(&exporter);
    let _lazy: Vec<_> = (0..100).map(|_| lazy_reader(&exporter)).collect();
    let grown = resident_bytes(&exporter).saturating_sub(before);
    assert!(
        grown < 10 * size,
        "100 readers of {size} bytes cost {grown}"
    );
}

#[test]
fn it_stops_although_a_client_never_reads() {
    let (_desk, mut exporter) = exporter_of_a_long_page();
    let _lazy = lazy_reader(&exporter);
    let _half = connection(&exporter, "GET /metrics HT");
    let _idle = connection(&exporter, "");
    assert_eq!(
        exporter.terminate().code(),
        Some(0),
        "{}",
        exporter.output()
    );
}

#[test]
fn it_stops_although_a_client_reads_for_ever() {
    let (_desk, mut exporter) = exporter_of_a_long_page();
    let mut slow = lazy_reader(&exporter);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let reading = std::thread::spawn(move || {
        // Enough for no write to time out, too little for the page to end before the test gives up.
        let mut chunk = vec![0; 64 * 1024];
        while stopped.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Timeout) {
            if !matches!(slow.read(&mut chunk), Ok(1..)) {
                break;
            }
        }
    });
    let code = exporter.terminate().code();
    drop(stop);
    reading.join().unwrap();
    assert_eq!(code, Some(0), "{}", exporter.output());
}

#[test]
fn an_answer_under_way_is_read_to_its_end_although_it_stops() {
    let (_desk, mut exporter) = exporter_of_a_long_page();
    let mut reader = connection(&exporter, ASK);
    let mut bytes = vec![0; 16];
    reader.read_exact(&mut bytes).unwrap();
    let rest = std::thread::spawn(move || {
        reader
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(
        exporter.terminate().code(),
        Some(0),
        "{}",
        exporter.output()
    );
    let answer = http::parse_response(&rest.join().unwrap()).unwrap();
    let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(answer.body.len(), promised);
}
