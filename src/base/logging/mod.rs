//! Logs on standard error, as logfmt or JSON, without secrets.
//!
//! The level applies to events of this crate. Of other crates only errors are logged: at `debug` and `trace`
//! they print whole URLs, of which the UserSig is a part, and their warnings are about what clients do.
//!
//! Nothing else writes to standard error: [`say`] prints messages that are no events, and [`fatal`] why the program
//! ends.

mod journal;
mod logfmt;
mod queue;

use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt as format};

use self::journal::{Prioritized, priority};
use self::logfmt::Logfmt;
use self::queue::Lines;

/// How long the end of the program waits for the log to be written. On a busy machine the thread that writes
/// may have to wait for a processor, and the last line is often the error that matters.
const PATIENCE: Duration = Duration::from_secs(5);

const OURS: &str = env!("CARGO_CRATE_NAME");

/// How a line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `level=info message="…"`.
    #[default]
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

/// What is logged: a level, or directives by target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives(String);

impl Directives {
    /// Parses `info`, or `warn,tencent_desk_exporter::poll::poller=debug`.
    ///
    /// # Errors
    /// What to write instead.
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

    /// Errors alone.
    pub fn errors() -> Self {
        Self("error".to_owned())
    }

    /// The directives, and at any level why the program ends, and the warning that lines were dropped.
    fn filter(&self) -> EnvFilter {
        let fatal = module_path!();
        EnvFilter::new(format!("{},{fatal}=error,{}=warn", self.0, queue::TARGET))
    }
}

/// Starts logging, and makes a panic in any thread or task end the process with status 1: without one of
/// its tasks, the program would serve figures that are never renewed.
pub fn start(directives: &Directives, format: LogFormat) {
    let layer = format::layer().with_writer(|| Lines);
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        LogFormat::Logfmt => layer.event_format(Prioritized(Logfmt)).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .map_event_format(Prioritized)
            .boxed(),
    };
    let quiet = filter_fn(is_ours_or_error);
    // An error means that there is a subscriber already, as in a second test: it stays.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(quiet).with_filter(directives.filter()))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        // The place of a panic has no data in it; its message may.
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

/// Writes `line`, which is of `level` for the journal, to standard error.
pub fn say(level: Level, line: &str) {
    let priority = priority(level);
    queue::push(format!("{priority}{line}\n").as_bytes());
}

/// Writes why the program ends: as an event once logging has started, before that as a line for a person.
pub fn fatal(why: &str) {
    match tracing::dispatcher::has_been_set() {
        true => tracing::error!("{why}"),
        false => say(Level::ERROR, why),
    }
}

/// Waits until all lines are written, for [`PATIENCE`] at most.
pub fn finish() {
    queue::drain(PATIENCE);
}

/// Whether `event` is of this crate, or an error of another one.
fn is_ours_or_error(event: &Metadata<'_>) -> bool {
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
    fn dropped_lines_are_told_at_any_level() {
        let filter = Directives::parse("off").unwrap().filter().to_string();
        let target = "tencent_desk_exporter::base::logging::queue=warn";
        assert!(filter.contains(target), "{filter}");
    }

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
