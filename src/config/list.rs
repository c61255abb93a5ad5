//! Values that are several items with commas between them.

use crate::base::spelling;

/// What the items of a list are, for the messages about them.
pub(super) struct List {
    /// One of them, as in `id`.
    pub item: &'static str,
    /// Some of them, as they are to be written.
    pub example: &'static str,
    /// What is written in place of no item at all: the setting's default.
    pub none: &'static str,
}

impl List {
    /// Parses each item of `text`, without the blanks around it. Empty items are left out: a comma at
    /// the end is no mistake.
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
            none,
        } = self;
        if text == *none {
            return Ok(Vec::new());
        }
        if text.contains(SEPARATORS) {
            return Err(format!(
                "has something else than commas between its {item}s; write them as {example}"
            ));
        }
        let items = text.split(',').map(spelling::trimmed);
        let items: Vec<&str> = items.filter(|item| !item.is_empty()).collect();
        if items.is_empty() {
            return Err(format!(
                "has no {item}; write {item}s with commas between them, as {example}, or {none}"
            ));
        }
        let parsed = items.into_iter().enumerate().map(|(place, text)| {
            let parsed = spelling::in_quotes(text).map_or_else(|| parse(text), Err);
            parsed.map_err(|what| format!("its {item} number {} {what}", place + 1))
        });
        parsed.collect()
    }

    /// As [`parse`](Self::parse), with each item once.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(super) fn parse_distinct<T: PartialEq>(
        &self,
        text: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut distinct = Vec::new();
        for item in self.parse(text, parse)? {
            if !distinct.contains(&item) {
                distinct.push(item);
            }
        }
        Ok(distinct)
    }
}
