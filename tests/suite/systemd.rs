//! What systemd sees of the binary: that it is ready, alive and stopping; and a socket handed over.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::desk::{Desk, Reply};
use crate::support::exporter::{Setup, send};
use crate::support::gate::Gate;
use crate::support::{LIMIT, eventually, http, rows};

/// The socket that `NOTIFY_SOCKET` names.
struct Manager {
    directory: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Manager {
        let directory = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Manager { directory, socket }
    }

    fn over(&self, setup: Setup) -> Setup {
        setup.env("NOTIFY_SOCKET", self.directory.path().join("notify"))
    }

    /// Waits until it is told `state`.
    #[track_caller]
    fn hears(&self, state: &str) {
        self.hears_one(state, |line| line == state);
    }

    #[track_caller]
    fn hears_one(&self, state: &str, is_it: impl Fn(&str) -> bool) {
        let mut message = [0; 4096];
        loop {
            let length = match self.socket.recv(&mut message) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => panic!("never told {state}: {error}"),
            };
            let told = std::str::from_utf8(&message[..length]).unwrap();
            if told.lines().any(&is_it) {
                return;
            }
        }
    }
}

#[test]
fn it_says_when_it_is_ready_that_it_is_alive_and_that_it_stops() {
    let desk = Desk::with(rows::agents(1));
    let manager = Manager::new();
    let watchdog = Duration::from_millis(300).as_micros().to_string();
    let mut exporter = manager
        .over(Setup::of(&desk))
        .env("WATCHDOG_USEC", watchdog)
        .start();
    manager.hears("READY=1");
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    assert!(exporter.terminate().success());
    manager.hears("STOPPING=1");
}

#[test]
fn it_says_how_things_stand() {
    let desk = Desk::with(rows::agents(3));
    let manager = Manager::new();
    let gate = Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let _exporter = manager.over(Setup::busily(&desk)).start();
    manager.hears("STATUS=Waiting for the first poll of each endpoint");
    gate.open();
    desk.always(Reply::Normal);
    manager.hears("STATUS=3 agents today; the polls succeed");
    desk.set_rows(rows::agents(2));
    manager.hears("STATUS=2 agents today; the polls succeed");
    desk.always(Reply::Error(70_009));
    manager.hears_one("that polls fail", |line| {
        line.starts_with("STATUS=Polls of 1 of 1 endpoints fail (credentials): ")
            && line.contains("70009")
            && line.contains("What to do: see that the key")
    });
    desk.always(Reply::Normal);
    manager.hears("STATUS=2 agents today; the polls succeed");
}

#[test]
fn a_manager_that_does_not_listen_for_a_while_holds_up_nothing_and_hears_it_all_the_same() {
    let desk = Desk::with(rows::agents(1));
    let manager = Manager::new();
    let stuffing = UnixDatagram::unbound().unwrap();
    stuffing.set_nonblocking(true).unwrap();
    let path = manager.directory.path().join("notify");
    while stuffing.send_to(b"STATUS=full", &path).is_ok() {}
    let mut exporter = manager
        .over(Setup::of(&desk))
        .env("WATCHDOG_USEC", "300000")
        .start();
    exporter.wait_until_up();
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    while stuffing.send_to(b"STATUS=full", &path).is_ok() {}
    exporter.page();
    assert!(exporter.terminate().success());
}

#[test]
fn a_manager_may_have_a_name_of_linux_own() {
    let desk = Desk::with(rows::agents(1));
    let name = format!("desk-exporter-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let _exporter = Setup::of(&desk)
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .start();
    let mut message = [0; 64];
    let length = socket.recv(&mut message).unwrap();
    assert_eq!(&message[..length], b"READY=1");
}

#[test]
fn a_hangup_reads_the_files_and_ends_nothing() {
    let folder = TempDir::new().unwrap();
    let web = folder.path().join("web.yml");
    let key = folder.path().join("key");
    let desk = Desk::with(rows::agents(1));
    std::fs::write(&web, "").unwrap();
    std::fs::write(&key, &desk.account().key).unwrap();
    // The next poll is an hour off: what reads the key is the signal.
    let exporter = Setup::of(&desk)
        .unset("SECRET_KEY")
        .set("SECRET_KEY_FILE", &key)
        .set("WEB_CONFIG_FILE", &web)
        .start();
    exporter.wait_until_up();
    std::fs::write(&key, "another-key").unwrap();
    exporter.hang_up();
    exporter.wait_for_output("SIGHUP");
    exporter.wait_for_output("the file with the secret has changed");
    exporter.page();

    let mut demo = Setup::bare().args("demo").start();
    demo.hang_up();
    demo.wait_for_output("SIGHUP");
    demo.wait_until_up();
    assert!(demo.terminate().success());
}

#[test]
fn a_hangup_before_it_serves_does_not_end_it_either() {
    // A database of zones that is waited for: some seconds in which the start goes no further.
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("Asia")).unwrap();
    let mut hangs = Command::new("mkfifo");
    hangs.arg(folder.path().join("Asia/Shanghai"));
    assert!(hangs.status().unwrap().success());
    let desk = Desk::with(rows::agents(1));
    let mut child = Setup::of(&desk)
        .env("TZDIR", folder.path())
        .command()
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let catches = || {
        let status = std::fs::read_to_string(&status).ok()?;
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        // SIGHUP is the first.
        (caught & 1 == 1).then_some(())
    };
    eventually(catches).expect("it catches SIGHUP");
    assert_eq!(desk.asked(), 0, "it was still starting");
    send(child.id(), Signal::HUP);
    let polled = eventually(|| (desk.asked() > 0).then_some(()));
    let _ = child.kill();
    child.wait().unwrap();
    polled.expect("it started");
}

/// Hands these sockets over as a socket unit does, and starts the exporter of two agents.
fn start_with(desk: &Desk, sockets: &[BorrowedFd<'_>]) -> Setup {
    let mut script = String::new();
    for (socket, fd) in sockets.iter().zip(3..) {
        fcntl_setfd(socket, FdFlags::empty()).unwrap();
        script += &format!("exec {fd}<&{}; ", socket.as_raw_fd());
    }
    script += &format!(
        "export LISTEN_PID=$$ LISTEN_FDS={}; exec \"$@\"",
        sockets.len()
    );
    Setup::of(desk).through(&script)
}

#[test]
fn it_serves_on_the_sockets_that_it_is_given() {
    let desk = Desk::with(rows::agents(2));
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = sockets
        .each_ref()
        .map(|socket| socket.local_addr().unwrap());
    for count in [1, 2] {
        let handed: Vec<_> = sockets.iter().take(count).map(AsFd::as_fd).collect();
        let exporter = start_with(&desk, &handed).start();
        assert_eq!(exporter.address(), addresses[0]);
        let page = exporter.wait_until_up();
        assert_eq!(page.value("tencent_desk_exporter_agents", &[]), Some(2.0));
        for address in &addresses[..count] {
            let answer = http::fetch(*address, "GET", "/metrics", &[]).unwrap();
            assert_eq!(answer.status, 200);
        }
    }
}

#[test]
fn a_scrape_at_the_socket_waits_for_the_first_poll_and_not_for_long() {
    let desk = Desk::with(rows::agents(2));
    let gate = Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut exporter = start_with(&desk, &[socket.as_fd()]).start();
    // Nothing else waits.
    assert_eq!(exporter.get("/-/ready").status, 503);
    assert_eq!(exporter.get("/-/healthy").status, 200);
    // One that would not wait for long gets what there is.
    let impatient = [("X-Prometheus-Scrape-Timeout-Seconds", "0.1")];
    let page = exporter.request("GET", "/metrics", &impatient);
    assert!(page.text().contains("\ntencent_desk_up 0\n"));
    std::thread::scope(|scope| {
        let scrape = scope.spawn(|| exporter.page());
        eventually(|| (desk.asked() > 0).then_some(())).unwrap();
        gate.open();
        let page = scrape.join().unwrap();
        assert_eq!(page.value("tencent_desk_exporter_agents", &[]), Some(2.0));
    });

    assert!(exporter.terminate().success());

    // Where Desk does not answer, the exporter does.
    desk.always(Reply::Hang(Gate::default()));
    let exporter = start_with(&desk, &[socket.as_fd()]).start();
    let page = exporter.page();
    assert_eq!(page.value("tencent_desk_up", &[]), Some(0.0));
    assert_eq!(exporter.get("/-/ready").status, 503, "the poll goes on");
}

#[test]
fn no_scrape_at_the_socket_lacks_agents_over_restarts() {
    let desk = Desk::with(rows::agents(2));
    desk.always(Reply::Drip(Duration::from_micros(200)));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut exporter = start_with(&desk, &[socket.as_fd()]).start();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scraper = scope.spawn(|| {
            let mut scrapes = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                let page = http::fetch(address, "GET", "/metrics", &[]).unwrap();
                scrapes.0 += 1;
                scrapes.1 += usize::from(!page.text().contains("tencent_desk_agent_sessions{"));
            }
            scrapes
        });
        for _ in 0..3 {
            assert!(exporter.terminate().success());
            exporter = start_with(&desk, &[socket.as_fd()]).start();
            exporter.wait_until_up();
        }
        is_over.store(true, Ordering::Relaxed);
        let (scrapes, bare) = scraper.join().unwrap();
        assert!(
            scrapes >= 3 && bare == 0,
            "{bare} of {scrapes} had no agents"
        );
    });
}

#[test]
fn the_credentials_that_systemd_hands_over_are_found_by_name() {
    let desk = Desk::with(rows::agents(1));
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let setup = Setup::of(&desk)
        .unset("SECRET_KEY")
        .env("CREDENTIALS_DIRECTORY", folder.path());
    write("key", &desk.account().key);
    setup.clone().start().wait_until_up();

    // As the unit has it where no file is there: all are empty.
    for name in ["key", "user-sig", "pseudonym-key"] {
        write(name, "");
    }
    let refused = setup.clone().run().expect_code(64).stderr;
    for told in [
        "TENCENT_DESK_SECRET_KEY: is not set, and systemd hands over nothing as key",
        "LoadCredential=key: in the unit names (/etc/tencent-desk-exporter/key",
    ] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert_eq!(refused.lines().count(), 1, "{refused}");
    let pseudonyms = setup.clone().set("AGENT_LABELS", "pseudonym");
    let refused = pseudonyms.clone().run().expect_code(64).stderr;
    assert!(refused.contains("nothing as pseudonym-key: "), "{refused}");

    write("user-sig", &desk.requests()[0].user_sig());
    write("pseudonym-key", "0123456789abcdef");
    pseudonyms.start().wait_until_up();

    // What is set wins.
    write("pseudonym-key", "");
    write("key", "another");
    let wins = setup.clone().set("SECRET_KEY", &desk.account().key);
    wins.start().wait_until_up();
    let both = setup.run().expect_code(64).stderr;
    assert!(both.contains("is not the only one of its kind"), "{both}");
    assert!(desk.refusals().is_empty());
}

#[test]
fn a_socket_of_another_kind_is_named() {
    let desk = Desk::with(rows::agents(2));
    let good = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = UnixDatagram::unbound().unwrap();
    let finished = start_with(&desk, &[good.as_fd(), other.as_fd()])
        .run()
        .expect_code(1);
    assert!(
        finished.stderr.contains("socket 2 of those"),
        "{finished:?}"
    );
    assert!(finished.stderr.contains("ListenStream="), "{finished:?}");
}
