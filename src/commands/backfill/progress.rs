//! How far it is, on standard error: a bar on a terminal, a line for each day otherwise.

use std::fmt::Display;
use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use tracing::Level;

use crate::base::logging;

/// Tells how far it is.
#[derive(Debug)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Of so many days.
    pub(super) fn of(days: usize) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(days as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} days, {eta} left  {msg}");
        Self(Some(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }))
    }

    /// The day `date` is fetched, with this in it.
    pub(super) fn fetched(&self, date: Date, what: impl Display) {
        let line = format!("{date}: {what}");
        match &self.0 {
            Some(bar) => {
                bar.inc(1);
                bar.set_message(line);
            }
            None => logging::say(Level::INFO, &line),
        }
    }

    /// Something that has to be known.
    pub(super) fn note(&self, line: &str) {
        match &self.0 {
            Some(bar) => bar.println(line),
            None => logging::say(Level::WARN, line),
        }
    }

    /// No more comes.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
