//! Reads single values, and records every mistake and warning about them.

use super::Mistakes;
use super::settings::{PREFIX, Setting, Variables};
use crate::base::spelling;

/// The values, and what is wrong with those that were read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The values.
    pub variables: Variables,
    /// A line each: a variable, and what to write instead.
    pub mistakes: Vec<String>,
    /// A line each, to be logged once logging has started.
    pub warnings: Vec<String>,
    /// A line for each variable that is no setting. It may be what a mistake misses, so that it is told beside mistakes too.
    pub misspelt: Vec<String>,
    /// Credentials that systemd hands over with nothing in them.
    pub empty_credentials: Vec<&'static str>,
}

impl Reader {
    pub(super) fn mistake(&mut self, of: Setting, advice: &str) {
        self.mistakes.push(format!("{PREFIX}{}: {advice}", of.name));
    }

    pub(super) fn warning(&mut self, of: Setting, what: &str) {
        self.warnings.push(format!("{PREFIX}{}: {what}", of.name));
    }

    pub(super) fn is_set(&self, setting: Setting) -> bool {
        (setting.value)(&self.variables).is_some()
    }

    /// The value of `setting`, or its default if it is not set. A mistake is recorded, and the result is then any
    /// value: [`finish`](Self::finish) fails.
    pub(super) fn read<T: Default>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.try_read(setting, parse).unwrap_or_default()
    }

    /// As [`read`](Self::read), for a setting whose default is in words: `None` if it is not set, or is a
    /// mistake.
    pub(super) fn read_if_set<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.is_set(setting) {
            true => self.try_read(setting, parse),
            false => None,
        }
    }

    /// As [`read`](Self::read); `None` if it is a mistake.
    pub(super) fn try_read<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = (setting.value)(&self.variables).unwrap_or(setting.default);
        let text = spelling::trimmed(text);
        let parsed = match spelling::in_quotes(text) {
            Some(quotes) => Err(quotes),
            None => parse(text),
        };
        parsed.map_err(|advice| self.mistake(setting, &advice)).ok()
    }

    /// The warnings.
    ///
    /// # Errors
    /// Every mistake.
    pub(super) fn finish(self) -> Result<Vec<String>, Mistakes> {
        match self.mistakes.is_empty() {
            true => Ok([self.misspelt, self.warnings].concat()),
            false => Err(Mistakes([self.mistakes, self.misspelt].concat())),
        }
    }
}
