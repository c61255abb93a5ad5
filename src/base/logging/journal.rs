//! Priorities for systemd's journal, which reads them from the start of each line (`sd-daemon(3)`): so `journalctl
//! -p warning` shows what it should, in either format.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::LazyLock;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Whether the journal reads standard error. A shell may have led it elsewhere since systemd set the variable, so
/// the device and the inode that it names are compared (`systemd.exec(5)`).
static IS_READER: LazyLock<bool> = LazyLock::new(|| {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    standard_error().is_ok_and(|name| name == stream)
});

/// Device and inode of standard error, as `JOURNAL_STREAM` has them.
fn standard_error() -> io::Result<String> {
    let stream = File::from(io::stderr().as_fd().try_clone_to_owned()?).metadata()?;
    Ok(format!("{}:{}", stream.dev(), stream.ino()))
}

/// What stands before a line of `level`; nothing where the journal does not read it.
pub(super) fn priority(level: Level) -> &'static str {
    match level {
        _ if !*IS_READER => "",
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// Formats an event as the other format does, behind its priority.
pub(super) struct Prioritized<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Prioritized<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str(priority(*event.metadata().level()))?;
        self.0.format_event(context, line, event)
    }
}
