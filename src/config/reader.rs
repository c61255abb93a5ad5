//! Reads single values, and keeps every mistake and warning about them.

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
}

impl Reader {
    pub(super) fn mistake(&mut self, name: &str, advice: &str) {
        self.mistakes.push(format!("{PREFIX}{name}: {advice}"));
    }

    pub(super) fn warning(&mut self, name: &str, what: &str) {
        self.warnings.push(format!("{PREFIX}{name}: {what}"));
    }

    /// The value of the variable `name`, or the table's default where it is not set; `None` where it
    /// is a mistake.
    pub(super) fn read<T>(
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

    /// As [`read`](Self::read), for a setting whose default is in words: `Some(None)` where it is not
    /// set.
    pub(super) fn read_if_set<T>(
        &mut self,
        name: &str,
        value: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match value {
            Some(_) => self.read(name, value, parse).map(Some),
            None => Some(None),
        }
    }

    /// What `config` makes of the warnings, unless there were mistakes.
    pub(super) fn finish<T>(
        self,
        config: impl FnOnce(Vec<String>) -> Option<T>,
    ) -> Result<T, Mistakes> {
        match self.mistakes.is_empty() {
            true => config(self.warnings).ok_or_else(|| Mistakes(Vec::new())),
            false => Err(Mistakes(self.mistakes)),
        }
    }
}
