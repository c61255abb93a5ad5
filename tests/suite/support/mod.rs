//! What the tests share: a fake Desk, the real binary, a strict reader of its page, and the tools from outside.

pub(crate) mod alertmanager;
pub(crate) mod answers;
pub(crate) mod authority;
pub(crate) mod curl;
pub(crate) mod deploy;
pub(crate) mod desk;
pub(crate) mod endpoints;
pub(crate) mod exporter;
pub(crate) mod gate;
pub(crate) mod html;
pub(crate) mod http;
pub(crate) mod page;
pub(crate) mod prometheus;
pub(crate) mod python;
pub(crate) mod repository;
pub(crate) mod rows;
pub(crate) mod rules;
pub(crate) mod scrapers;
pub(crate) mod secrecy;
pub(crate) mod tap;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod usersig;
pub(crate) mod wall;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// How long anything may take before a test calls it stuck: generous, for a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer; `None` where there is none within [`LIMIT`].
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > LIMIT {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An address on which nothing listens, and nothing can while this is kept: its socket is bound.
pub(crate) struct Unanswered {
    address: SocketAddr,
    _bound: Socket,
}

impl Unanswered {
    pub(crate) fn new() -> Unanswered {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Unanswered {
            address: socket.local_addr().unwrap().as_socket().unwrap(),
            _bound: socket,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Where a program of the exporter-toolkit listens that was given a port of the system's choice, as
/// its log says.
#[track_caller]
pub(crate) fn listening(log: impl Fn() -> String) -> SocketAddr {
    let address = eventually(|| {
        let log = log();
        let line = log.lines().find(|line| line.contains("Listening on"))?;
        let (_, address) = line.split_once("address=")?;
        address.split_whitespace().next()?.parse().ok()
    });
    address.unwrap_or_else(|| panic!("it never listened:\n{}", log()))
}
