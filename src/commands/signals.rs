//! The signals: SIGTERM and SIGINT stop the program, SIGHUP has it read its files again.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Ends with the first SIGTERM or SIGINT after this call.
///
/// # Errors
/// A sentence on why these signals cannot be received.
pub(super) fn stop() -> Result<impl Future<Output = ()>, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| in_words(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| in_words(&error))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
    })
}

/// Changes with each SIGHUP after this call, which no longer ends the program.
///
/// # Errors
/// A sentence on why this signal cannot be received.
pub(super) fn reread(runtime: &Runtime) -> Result<watch::Receiver<()>, String> {
    let _context = runtime.enter();
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| in_words(&error))?;
    let (sender, reread) = watch::channel(());
    runtime.spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: reading secrets and web configuration from their files");
            sender.send_replace(());
        }
    });
    Ok(reread)
}

fn in_words(error: &io::Error) -> String {
    format!("cannot listen for signals: {error}")
}
