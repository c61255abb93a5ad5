//! The vocabulary in which the tests are told: a fake Desk, the real binary, a strict reader of
//! its page, and the tools from outside.

pub(crate) mod alertmanager;
pub(crate) mod authority;
pub(crate) mod curl;
pub(crate) mod deploy;
pub(crate) mod desk;
pub(crate) mod exporter;
pub(crate) mod gate;
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

use std::time::{Duration, Instant};

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

/// A port of 127.0.0.1 on which nobody listened a moment ago.
pub(crate) fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    probe.local_addr().unwrap().port()
}
