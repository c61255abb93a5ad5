//! The service manager's side: a socket that it hands over, and what it wants to be told.
//!
//! Without systemd around, nothing here does anything.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::state::Heartbeat;

/// The socket of a `.socket` unit, which stays open over a restart so that no scrape is refused.
///
/// # Errors
/// Where what was handed over is no TCP socket that listens.
pub fn listener() -> io::Result<Option<TcpListener>> {
    let Some(listener) = ListenFd::from_env().take_tcp_listener(0)? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// Says that scrapes are answered from now on.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Says that it stops because it was asked to.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog, if there is one, for as long as the poll loop turns.
pub async fn feed_watchdog(heartbeat: Arc<Heartbeat>, clock: Arc<dyn Clock>) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let pause = (limit / 3).max(Duration::from_millis(100));
    loop {
        if heartbeat.is_alive(clock.now()) {
            tell(&[NotifyState::Watchdog]);
        }
        tokio::time::sleep(pause).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
