//! Values that are several items with commas between them.

use crate::base::spelling;

/// What the items of a list are, for the messages about them.
pub(super) struct List {
    /// One of them, as in `id`.
    pub item: &'static str,
    /// Some of them, as they are to be written.
    pub example: &'static str,
    /// What an unset list stands for.
    pub unset: &'static str,
}

impl List {
    /// Reads each item of `text` with `parse`, which gets it without blanks around it. Empty items do
    /// not count: a comma at the end is no mistake.
    ///
    /// # Errors
    /// What is wrong and what to write instead, without any part of the value.
    pub(super) fn parse<T>(
        &self,
        text: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        // Commas of other scripts, and other signs that are written between the items of a list.
        const SEPARATORS: &[char] = &['，', '、', '､', '﹐', '﹑', ';', '；', '\n'];
        let Self {
            item,
            example,
            unset,
        } = self;
        if text.contains(SEPARATORS) {
            return Err(format!(
                "has something else than commas between its {item}s; write them as {example}"
            ));
        }
        let items = text.split(',').map(spelling::trimmed);
        let items: Vec<&str> = items.filter(|item| !item.is_empty()).collect();
        if items.is_empty() {
            return Err(format!(
                "has no {item}; write {item}s with commas between them, as {example}, or unset it for {unset}"
            ));
        }
        let parsed = items.into_iter().enumerate().map(|(place, text)| {
            let parsed = spelling::in_quotes(text).map_or_else(|| parse(text), Err);
            parsed.map_err(|what| format!("its {item} number {} {what}", place + 1))
        });
        parsed.collect()
    }
}
