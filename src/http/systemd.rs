//! The protocol of systemd: sockets that it passes, readiness, the watchdog, and a line on how things stand.
//!
//! Without systemd nothing here has an effect. A service manager that does not read its socket delays
//! nothing else: no thread waits for it.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixDatagram};

use crate::base::clock::Clock;
use crate::catalog::Need;
use crate::status::board::{Board, Feed};

/// The sockets of a `.socket` unit. They stay open during a restart, so that no scrape is refused.
///
/// # Errors
/// One of the sockets is no listening TCP socket.
pub fn listeners() -> Result<Vec<TcpListener>, String> {
    let mut sockets = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..sockets.len() {
        let listener = take(&mut sockets, index).map_err(|error| {
            format!(
                "cannot listen on socket {} of those that the service manager handed over: {error}; each \
                 ListenStream= of the socket unit is to be a port, or an address and a port",
                index + 1
            )
        })?;
        listeners.extend(listener);
    }
    Ok(listeners)
}

fn take(sockets: &mut ListenFd, index: usize) -> io::Result<Option<TcpListener>> {
    let Some(listener) = sockets.take_tcp_listener(index)? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// How long to wait for a manager that does not read.
const STOPPING_TIMEOUT: Duration = Duration::from_millis(200);

/// Notifies the manager that the service is ready; then of how things stand, and its watchdog, if there is one,
/// for as long as the poll loops are alive.
pub async fn notify(board: Arc<Board>, clock: Arc<dyn Clock>) -> Infallible {
    send("READY=1").await;
    tokio::select! {
        never = tell_changes(&board) => never,
        never = keep_alive(&board, &*clock) => never,
    }
}

async fn keep_alive(board: &Board, clock: &dyn Clock) -> Infallible {
    let Some(limit) = watchdog() else {
        return std::future::pending().await;
    };
    let pause = (limit / 3).max(Duration::from_millis(100));
    loop {
        let keep_alive = async {
            if board.is_alive(clock.now()) {
                send("WATCHDOG=1").await;
            }
            std::future::pending().await
        };
        // A notification that the manager did not read in time is replaced by the next.
        let _: Result<Infallible, _> = tokio::time::timeout(pause, keep_alive).await;
    }
}

/// Notifies the manager each time things stand otherwise, for `systemctl status`.
async fn tell_changes(board: &Board) -> Infallible {
    let mut changes = board.changes();
    let mut told = String::new();
    loop {
        let standing = standing(&board.feeds());
        if standing != told {
            send(&format!("STATUS={standing}")).await;
            told = standing;
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// How the polls stand, in one line.
fn standing(feeds: &[Arc<Feed>]) -> String {
    let failures: Vec<_> = feeds.iter().filter_map(|feed| feed.failure()).collect();
    let all = feeds.len();
    let line = match failures.first() {
        Some(error) => format!(
            "Polls of {} of {all} endpoints fail ({}): {error}. What to do: {}",
            failures.len(),
            error.class(),
            error.advice()
        ),
        None if feeds.iter().any(|feed| feed.last_poll.is_none()) => {
            "Waiting for the first poll of each endpoint".to_owned()
        }
        None => {
            let required = feeds
                .iter()
                .find(|feed| feed.endpoint.need == Need::Required);
            let agents = required.and_then(|feed| feed.last_good.as_ref());
            let agents = agents.map(|page| format!("{} agents today; ", page.snapshot().count(0)));
            format!("{}the polls succeed", agents.unwrap_or_default())
        }
    };
    line.replace(char::is_control, " ")
}

/// Notifies the manager that the service stops.
pub async fn stopping() {
    // The service stops in any case.
    let _ = tokio::time::timeout(STOPPING_TIMEOUT, send("STOPPING=1")).await;
}

/// Sends `state` to the manager, if there is one. Waits until its socket has room.
async fn send(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let sent = async { connected(&name)?.send(state.as_bytes()).await };
    if let Err(error) = sent.await {
        tracing::debug!(%error, "the service manager could not be notified");
    }
}

/// A socket connected to `name`: a path, or after `@` an abstract name of Linux (`sd_notify(3)`).
fn connected(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    UnixDatagram::from_std(socket)
}

/// The longest time between two notifications, if the watchdog is enabled
/// (`sd_watchdog_enabled(3)`).
fn watchdog() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_meant = std::env::var_os("WATCHDOG_PID").is_none()
        || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    let limit = number("WATCHDOG_USEC").filter(|micros| is_meant && *micros > 0);
    limit.map(Duration::from_micros)
}
