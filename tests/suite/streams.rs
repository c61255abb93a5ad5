//! What becomes of standard output and standard error: closed, full, gone or never read, they change
//! neither what is served nor what a command exits with.

use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Instant;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::desk::{Desk, Reply};
use crate::support::exporter::{Setup, logfmt, send};
use crate::support::{LIMIT, eventually, http, rows};

/// Ways in which a stream is no use, as a shell makes them; a pipe whose reader has gone is `FD 8`.
const USELESS: [&str; 3] = ["&-", "/dev/full", "&8"];

/// Runs before the binary: both streams, or one of them, are as `USELESS` has it.
fn scripts() -> Vec<String> {
    let gone = "exec 8> >(exit 0); wait $!;";
    let mut scripts = Vec::new();
    for way in USELESS {
        for streams in [
            format!("2>{way}"),
            format!(">{way}"),
            format!(">{way} 2>{way}"),
        ] {
            scripts.push(format!("{gone} exec \"$@\" {streams}"));
        }
    }
    scripts
}

#[test]
fn every_command_exits_with_what_it_would_whatever_its_streams_are() {
    let desk = Desk::with(rows::agents(1));
    let refusing = Desk::with(Vec::new());
    refusing.always(Reply::Error(60_008));
    let cases = [
        (Setup::bare(), "serve", 64),
        (Setup::bare(), "check", 64),
        (Setup::bare(), "polish", 64),
        (Setup::bare().set("LOG_LEVEL", "loud"), "demo", 64),
        (Setup::of(&desk), "check", 0),
        (Setup::of(&refusing), "check", 1),
        // A port on which nothing can listen.
        (
            Setup::default().set("LISTEN_ADDRESS", "192.0.2.1:1"),
            "demo",
            1,
        ),
        (
            Setup::default().set("LISTEN_ADDRESS", "127.0.0.1:1"),
            "health",
            1,
        ),
    ];
    for script in scripts() {
        for (setup, command, code) in &cases {
            let setup = setup.clone().args(command).through(&script);
            assert_eq!(setup.run().code, Some(*code), "{command} by {script}");
        }
    }
}

#[test]
fn what_was_to_be_printed_and_could_not_be_is_a_failure() {
    for args in ["--help", "--version"] {
        let run = |script: &str| Setup::default().args(args).through(script).run();
        let full = run("exec \"$@\" >/dev/full").expect_code(1);
        assert!(full.stderr.contains("standard output"), "{full:?}");
        run("exec \"$@\" >/dev/full 2>/dev/full").expect_code(1);
        // As of `head`, which has read what it wants.
        run("exec 8> >(exit 0); wait $!; exec \"$@\" >&8").expect_code(0);
    }
}

#[test]
fn it_serves_and_stops_as_asked_whatever_its_streams_are() {
    let desk = Desk::with(rows::agents(1));
    for script in scripts() {
        for (setup, command) in [(Setup::of(&desk), "serve"), (Setup::default(), "demo")] {
            let mut serving = Serving::start(setup.args(command), &script, Stdio::null());
            serving.answers();
            assert_eq!(serving.terminate().code(), Some(0), "{command} by {script}");
        }
    }
}

/// The binary on a socket that it is given, since it cannot be asked for its address.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    fn start(setup: Setup, script: &str, stderr: impl Into<Stdio>) -> Serving {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        fcntl_setfd(&socket, FdFlags::empty()).unwrap();
        let handed = format!(
            "exec 3<&{}; export LISTEN_PID=$$ LISTEN_FDS=1; {script}",
            socket.as_raw_fd()
        );
        let mut command = setup.through(&handed).command();
        command.stdout(Stdio::null()).stderr(stderr);
        Serving {
            child: command.spawn().unwrap(),
            address: socket.local_addr().unwrap(),
        }
    }

    fn answers(&self) {
        let answer = http::fetch(self.address, "GET", "/metrics", &[]).unwrap();
        assert_eq!(answer.status, 200);
    }

    fn terminate(&mut self) -> ExitStatus {
        send(self.child.id(), Signal::TERM);
        let status = eventually(|| self.child.try_wait().unwrap());
        status.expect("it ends")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One that logs all it can into a pipe of 4 kB, of which nothing is read for two polls and more:
/// each of them alone logs more than that.
fn unread(format: &str) -> (Serving, PipeReader) {
    let desk = Desk::with(rows::agents(3000));
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let setup = Setup::busily(&desk)
        .set("LOG_LEVEL", "trace")
        .set("LOG_FORMAT", format);
    let serving = Serving::start(setup, "exec \"$@\"", writer);
    let polled = eventually(|| {
        serving.answers();
        (desk.asked() > 70).then_some(())
    });
    polled.expect("polls go on");
    (serving, reader)
}

#[test]
fn a_log_that_is_not_read_holds_up_neither_polls_nor_scrapes_nor_the_end() {
    let (mut serving, _reader) = unread("logfmt");
    let start = Instant::now();
    assert_eq!(serving.terminate().code(), Some(0));
    let took = start.elapsed();
    assert!(took < LIMIT / 4, "{took:?}");
}

#[test]
fn a_log_that_is_read_again_has_every_line_whole() {
    for format in ["logfmt", "json"] {
        let (mut serving, mut reader) = unread(format);
        let all = std::thread::spawn(move || {
            let mut log = String::new();
            reader.read_to_string(&mut log).map(|_| log)
        });
        assert_eq!(serving.terminate().code(), Some(0));
        let log = all.join().unwrap().unwrap();
        assert!(log.ends_with('\n'), "{log}");
        for line in log.lines() {
            let is_whole = match format {
                "json" => serde_json::from_str::<Value>(line).is_ok(),
                _ => logfmt(line).contains_key("message"),
            };
            assert!(is_whole, "{line}");
        }
        for message in ["starting", "listening", "the poll succeeded", "stopped"] {
            assert!(log.contains(message), "{message} in {log}");
        }
        let requests = log.matches("request ended").count();
        // Of those that were asked some may not have ended; two polls have.
        assert!(requests >= 60, "{requests} in {log}");
    }
}

#[test]
fn what_finds_no_room_in_the_log_is_counted_and_told() {
    let (mut serving, reader) = unread("logfmt");
    // Each is a line of more than 128 bytes, so the queue of 256 KiB has no room for all.
    for _ in 0..2500 {
        send(serving.child.id(), Signal::HUP);
        http::fetch(serving.address, "GET", "/-/healthy", &[]).unwrap();
    }
    let mut lines = BufReader::new(reader).lines();
    let told = lines.find(|line| line.as_ref().unwrap().contains("were dropped"));
    let told = logfmt(&told.expect("a word on it").unwrap());
    assert!(told["lines"].parse::<u32>().unwrap() > 0, "{told:?}");
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).last());
    assert_eq!(serving.terminate().code(), Some(0));
    let last = rest.join().unwrap().unwrap();
    assert_eq!(logfmt(&last)["message"], "stopped");
}

#[test]
fn a_line_of_logfmt_is_escaped_as_json_is() {
    let desk = Desk::with(Vec::new());
    let said = "no\u{200b}\u{feff}\u{202e} \"reason\" it's \\ 客服";
    desk.always(Reply::body(rows::refusal(60_008, said)));
    let exporter = Setup::of(&desk).start();
    exporter.after_first_poll();
    let log = exporter.log();
    let line = log.iter().find(|line| line.contains("it's")).unwrap();
    let (_, reason) = line.split_once(" reason=").unwrap();
    let mut values = serde_json::Deserializer::from_str(reason).into_iter::<String>();
    let reason = values.next().unwrap().unwrap();
    assert!(reason.contains(said), "{line}");
    assert!(line.contains("\\u200b\\ufeff\\u202e"), "{line}");
}
