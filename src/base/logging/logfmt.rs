//! Events as lines of logfmt: `ts=… level=info target=… message="…"`.
//!
//! Values are escaped as in JSON, which parsers of logfmt (Loki's, go-kit's) understand. Rust's own escapes
//! they do not: they reject the line.

use std::fmt::{self, Write};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Formats an event as a line.
pub(super) struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let level = metadata.level().as_str().to_ascii_lowercase();
        write!(
            line,
            "ts={:.6} level={level} target={}",
            Timestamp::now(),
            metadata.target()
        )?;
        let mut pairs = Pairs {
            line: &mut line,
            outcome: Ok(()),
        };
        event.record(&mut pairs);
        pairs.outcome?;
        writeln!(line)
    }
}

/// Formats the fields of an event, each after a blank.
struct Pairs<'l, W> {
    line: &'l mut W,
    outcome: fmt::Result,
}

impl<W: Write> Visit for Pairs<'_, W> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &value.to_string());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.outcome = self
            .outcome
            .and_then(|()| write!(self.line, " {}=", field.name()))
            .and_then(|()| write_value(self.line, value));
    }
}

/// Writes `value` as it is if it is one word, and otherwise in quotes.
fn write_value(line: &mut impl Write, value: &str) -> fmt::Result {
    let is_word = |c: char| c > ' ' && !matches!(c, '=' | '"') && !is_invisible(c);
    if value.chars().all(is_word) {
        return line.write_str(value);
    }
    line.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' => line.write_str("\\\"")?,
            '\\' => line.write_str("\\\\")?,
            '\n' => line.write_str("\\n")?,
            '\r' => line.write_str("\\r")?,
            '\t' => line.write_str("\\t")?,
            c if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(line, "\\u{unit:04x}")?;
                }
            }
            c => line.write_char(c)?,
        }
    }
    line.write_char('"')
}

/// Whether `c` is a control character, or another one that Rust's `escape_debug` escapes: invisible, or
/// changing the direction of text.
fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // After a letter, since a combining mark is escaped only at the start.
    let behind_a_letter: String = ['a', c].iter().collect();
    behind_a_letter.escape_debug().count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let mut line = String::new();
        write_value(&mut line, text).unwrap();
        line
    }

    #[test]
    fn words_stand_bare_and_all_else_in_quotes_with_the_escapes_of_json() {
        for bare in [
            "",
            "a",
            "客服",
            "a\\b",
            "it's",
            "https://a.example/b?c",
            "e\u{301}",
        ] {
            assert_eq!(value(bare), bare);
        }
        for text in [
            "two words",
            "a=b",
            "\"",
            "\\ \"",
            "it's two",
            "\0\u{1}\u{7f}\u{85}\u{9f}",
            "\n\r\t",
            "\u{200b}\u{202e}\u{feff}\u{2028}",
            "\u{e0001}\u{10ffff}",
            "客服 \u{fffd}",
        ] {
            let quoted = value(text);
            assert!(
                quoted.starts_with('"') && !quoted.contains("\\u{"),
                "{quoted}"
            );
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }
        assert_eq!(value("\u{200b}\u{e0001}"), "\"\\u200b\\udb40\\udc01\"");
    }

    #[test]
    fn every_character_is_read_back_as_json() {
        for c in ('\0'..='\u{30000}').chain('\u{e0000}'..='\u{e01ff}') {
            let text = format!("a {c}");
            assert_eq!(serde_json::from_str::<String>(&value(&text)).unwrap(), text);
        }
    }
}
