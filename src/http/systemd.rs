//! The service manager's side: sockets that it hands over, and what it wants to be told.
//!
//! Without systemd around, nothing here does anything. A manager that does not read what it is told
//! holds up nothing: the socket is not waited for by any thread.

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
use crate::status::board::Heartbeat;

/// The sockets of a `.socket` unit, which stay open over a restart so that no scrape is refused.
///
/// # Errors
/// A sentence on one that was handed over and is no TCP socket that listens.
pub fn listeners() -> Result<Vec<TcpListener>, String> {
    let mut handed_over = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed_over.len() {
        let taken = take(&mut handed_over, index).map_err(|error| {
            format!(
                "cannot listen on socket {} of those that the service manager handed over: {error}; each \
                 ListenStream= of the socket unit is to be a port, or an address and a port",
                index + 1
            )
        })?;
        listeners.extend(taken);
    }
    Ok(listeners)
}

fn take(handed_over: &mut ListenFd, index: usize) -> io::Result<Option<TcpListener>> {
    let Some(listener) = handed_over.take_tcp_listener(index)? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// How long the manager is waited for where it does not read what it is told.
const PATIENCE: Duration = Duration::from_millis(200);

/// Says that scrapes are answered from now on, and then feeds the watchdog, if there is one, for as
/// long as the poll loop turns.
pub async fn attend(heartbeat: Arc<Heartbeat>, clock: Arc<dyn Clock>) -> Infallible {
    tell("READY=1").await;
    let Some(limit) = watchdog() else {
        return std::future::pending().await;
    };
    let pause = (limit / 3).max(Duration::from_millis(100));
    loop {
        let feed = async {
            if heartbeat.is_alive(clock.now()) {
                tell("WATCHDOG=1").await;
            }
            std::future::pending().await
        };
        // What the manager did not read in time is told anew.
        let _: Result<Infallible, _> = tokio::time::timeout(pause, feed).await;
    }
}

/// Says that it stops because it was asked to; without waiting for long.
pub async fn stopping() {
    // Whether it was heard or not: it stops.
    let _ = tokio::time::timeout(PATIENCE, tell("STOPPING=1")).await;
}

/// Tells the manager `state`, if there is one: waits for as long as it does not read.
async fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let told = async { connected(&name)?.send(state.as_bytes()).await };
    if let Err(error) = told.await {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// A socket to the manager's `name`: a path, or behind an `@` a name of Linux' own (`sd_notify(3)`).
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

/// How often this process has to be heard of, where the manager asks for that
/// (`sd_watchdog_enabled(3)`).
fn watchdog() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_meant = std::env::var_os("WATCHDOG_PID").is_none()
        || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    let limit = number("WATCHDOG_USEC").filter(|micros| is_meant && *micros > 0);
    limit.map(Duration::from_micros)
}
