//! Reads single values, and records every mistake and warning about them.

use super::Mistakes;
use super::settings::{PREFIX, default_of};
use crate::base::spelling;

/// What is wrong with the values that were read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// A line each: a variable, and what to write instead.
    pub mistakes: Vec<String>,
    /// A line each, to be logged once logging has started.
    pub warnings: Vec<String>,
    /// A line for each variable that is no setting. It may be what a mistake misses, so that it is told beside mistakes too.
    pub misspelt: Vec<String>,
    /// Credentials that systemd hands over with nothing in them, behind the first variable of their kind.
    pub empty_credentials: Vec<(&'static str, &'static str)>,
}

impl Reader {
    pub(super) fn mistake(&mut self, name: &str, advice: &str) {
        self.mistakes.push(format!("{PREFIX}{name}: {advice}"));
    }

    pub(super) fn warning(&mut self, name: &str, what: &str) {
        self.warnings.push(format!("{PREFIX}{name}: {what}"));
    }

    /// The value of the variable `name`, or the table's default if it is not set. A mistake is recorded, and
    /// the result is then any value: [`finish`](Self::finish) fails.
    pub(super) fn read<T: Default>(
        &mut self,
        name: &str,
        value: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.try_read(name, value, parse).unwrap_or_default()
    }

    /// As [`read`](Self::read), for a setting whose default is in words: `None` if it is not set, or is a
    /// mistake.
    pub(super) fn read_if_set<T>(
        &mut self,
        name: &str,
        value: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        value.as_ref()?;
        self.try_read(name, value, parse)
    }

    /// As [`read`](Self::read); `None` if it is a mistake.
    pub(super) fn try_read<T>(
        &mut self,
        name: &str,
        value: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = value.as_deref().unwrap_or_else(|| default_of(name));
        let text = spelling::trimmed(text);
        let parsed = match spelling::in_quotes(text) {
            Some(quotes) => Err(quotes),
            None => parse(text),
        };
        parsed.map_err(|advice| self.mistake(name, &advice)).ok()
    }

    /// The configuration, which `config` makes with the warnings.
    ///
    /// # Errors
    /// Every mistake.
    pub(super) fn finish<T>(
        self,
        config: impl FnOnce(Vec<String>) -> Option<T>,
    ) -> Result<T, Mistakes> {
        match self.mistakes.is_empty() {
            true => {
                let warnings = [self.misspelt, self.warnings].concat();
                config(warnings).ok_or_else(|| Mistakes(Vec::new()))
            }
            false => Err(Mistakes([self.mistakes, self.misspelt].concat())),
        }
    }
}
