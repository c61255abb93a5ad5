//! Logs on standard error, as logfmt or JSON, and never with a secret.
//!
//! Our own events are logged at whatever level was asked for. Those of other crates are not, below
//! a warning: at `debug` and `trace` they print whole URLs, and a UserSig is part of one.
//!
//! Nothing else writes to standard error: [`say`] is for what has to be said beside the log.

mod logfmt;
mod queue;

use std::fmt;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt as format};

use self::logfmt::Logfmt;
use self::queue::Lines;

/// How long the end of the program waits for a log that is not read. On a machine with much else to do,
/// the thread that writes it may have to wait for its turn: a last error is worth some seconds.
const PATIENCE: Duration = Duration::from_secs(5);

const OURS: &str = env!("CARGO_CRATE_NAME");

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `level=info message="…"`.
    Logfmt,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Reads `logfmt` or `json`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "logfmt" => Ok(Self::Logfmt),
            "json" => Ok(Self::Json),
            _ => Err("is no format; write logfmt or json".to_owned()),
        }
    }
}

/// What is logged: a level, or directives for single targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives(String);

impl Directives {
    /// Takes `info`, or `warn,tencent_desk_exporter::poll::poller=debug`.
    ///
    /// # Errors
    /// A sentence on what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let advice = || {
            "write error, warn, info, debug, trace or off, or directives as \
             warn,tencent_desk_exporter::poll::poller=debug"
                .to_owned()
        };
        let is_known = |part: &str| {
            part.contains('=') || (!part.is_empty() && part.parse::<LevelFilter>().is_ok())
        };
        if !text.split(',').map(str::trim).all(is_known) {
            return Err(advice());
        }
        EnvFilter::try_new(text).map_err(|_| advice())?;
        Ok(Self(text.to_owned()))
    }

    /// What was asked for; and that lines are missing, whatever was asked for.
    fn filter(&self) -> EnvFilter {
        let filter = EnvFilter::new(&self.0);
        match concat!(env!("CARGO_CRATE_NAME"), "::logging::queue=warn").parse() {
            Ok(always) => filter.add_directive(always),
            Err(_) => filter,
        }
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Starts logging, and lets a panic in any thread or task end the process with status 1.
///
/// A program that goes on without one of its parts would serve figures that are never renewed.
pub fn start(directives: &Directives, format: LogFormat) {
    let layer = format::layer().with_writer(|| Lines);
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        LogFormat::Logfmt => layer.event_format(Logfmt).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let quiet = filter_fn(is_ours_or_serious);
    // Fails where a subscriber is set already, as in a test that starts twice: that one stays.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(quiet).with_filter(directives.filter()))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        // Its message may hold whatever the code was at work on; where it happened does not.
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(
            place,
            "a part of the program panicked: this is a bug, please report it"
        );
        finish();
        std::process::exit(1);
    }));
}

/// Says `text`, a line or several, on standard error.
pub fn say(text: &str) {
    queue::push(format!("{text}\n").as_bytes());
}

/// Waits until what was logged and said is written, for [`PATIENCE`] at most.
pub fn finish() {
    queue::drain(PATIENCE);
}

/// Libraries warn of what the other side does, which a client may do again and again: what of it
/// matters is told by ours.
fn is_ours_or_serious(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let is_ours = target
        .strip_prefix(OURS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    is_ours || *event.level() == Level::ERROR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_directives_and_nothing_else() {
        for good in [
            "info",
            "TRACE",
            "off",
            "warn,tencent_desk_exporter::poll::poller=debug",
        ] {
            assert!(Directives::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "loud", "info,loud", "a=b=c", "x=loud"] {
            assert!(Directives::parse(bad).is_err(), "{bad}");
        }
    }
}
