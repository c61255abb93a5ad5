//! Makes JSON of what is almost JSON, so that one bad text or number costs itself and not the page.
//!
//! Programs cut a text in the middle of a character, write half of a surrogate pair, a line's end
//! where an escape should be, or `NaN`. What such a text or value says is lost, but where it ends is
//! known. What is wrong between values (a missing comma, an open bracket) is left as it is: there
//! nothing can be known.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// In the place of what is no JSON value; it is no number and no text either.
const NO_VALUE: &str = "false";

/// In the place of what is no character.
const NO_CHARACTER: &str = "\\ufffd";

/// `text` with every string and every bare word in it made valid.
pub(super) fn repaired(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(&next) = rest.peek() {
        if next == '"' {
            rest.next();
            string(&mut rest, &mut repaired);
        } else if is_between_values(next) {
            rest.next();
            repaired.push(next);
        } else {
            repaired.push_str(&bare_word(&mut rest));
        }
    }
    repaired
}

fn is_between_values(c: char) -> bool {
    matches!(
        c,
        '{' | '}' | '[' | ']' | ':' | ',' | ' ' | '\t' | '\r' | '\n'
    )
}

/// A number or a literal, where it is one that JSON has and a float can hold.
fn bare_word(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|&c| c != '"' && !is_between_values(c)) {
        word.push(c);
    }
    let is_literal = matches!(word.as_str(), "true" | "false" | "null");
    match is_literal || serde_json::from_str::<f64>(&word).is_ok() {
        true => word,
        false => NO_VALUE.to_owned(),
    }
}

/// A string, behind its first quote.
fn string(rest: &mut Peekable<Chars<'_>>, repaired: &mut String) {
    repaired.push('"');
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                repaired.push('"');
                return;
            }
            '\\' => escape(rest, repaired),
            '\0'..'\u{20}' => push_unit(repaired, u32::from(c)),
            _ => repaired.push(c),
        }
    }
}

/// An escape, behind its backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, repaired: &mut String) {
    match rest.next() {
        Some('u') => code_units(rest, repaired),
        Some(c @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            repaired.push('\\');
            repaired.push(c);
        }
        Some(_) => repaired.push_str(NO_CHARACTER),
        None => {}
    }
}

/// What stands behind `\u`: a character, the two halves of one, or nothing of worth.
fn code_units(rest: &mut Peekable<Chars<'_>>, repaired: &mut String) {
    let Some(first) = code_unit(rest) else {
        return repaired.push_str(NO_CHARACTER);
    };
    if !(0xd800..0xe000).contains(&first) {
        return push_unit(repaired, first);
    }
    let mut ahead = rest.clone();
    let is_escape = ahead.next() == Some('\\') && ahead.next() == Some('u');
    match is_escape.then(|| code_unit(&mut ahead)).flatten() {
        Some(second @ 0xdc00..0xe000) if first < 0xdc00 => {
            *rest = ahead;
            push_unit(repaired, first);
            push_unit(repaired, second);
        }
        _ => repaired.push_str(NO_CHARACTER),
    }
}

fn code_unit(rest: &mut Peekable<Chars<'_>>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| {
        let digit = rest.next_if(char::is_ascii_hexdigit)?.to_digit(16)?;
        Some(unit * 16 + digit)
    })
}

fn push_unit(repaired: &mut String, unit: u32) {
    // Writing to a string cannot fail.
    let _ = write!(repaired, "\\u{unit:04x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_says_the_same() {
        let json = r#" {"a":[1,-2.5e3,true,false,null,"","\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00"], "客": {}} "#;
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&repaired(json)), value(json));
    }

    #[test]
    fn a_bad_text_keeps_what_is_good_in_it() {
        for (bad, good) in [
            (r"a\ud83dz", "a\u{fffd}z"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d", "\u{fffd}"),
            (r"\u12", "\u{fffd}"),
            (r"\uxyz", "\u{fffd}xyz"),
            (r"\x1", "\u{fffd}1"),
            ("a\0b\nc\td\u{1b}", "a\0b\nc\td\u{1b}"),
        ] {
            let text = repaired(&format!("\"{bad}\""));
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), good);
        }
    }

    #[test]
    fn what_is_no_value_becomes_one_that_says_nothing() {
        let bad = "[1e400,NaN,-Infinity,+5,.5,007,0x1F,None,'a',x\"y\"]";
        let good = "[false,false,false,false,false,false,false,false,false,false\"y\"]";
        assert_eq!(repaired(bad), good);
    }

    #[test]
    fn what_is_wrong_between_values_stays_wrong() {
        for broken in ["[", "{\"a\" 1}", "[1 2]", "\"a", "\"a\\", "[1,]", "<html>"] {
            assert!(serde_json::from_str::<Vec<u8>>(&repaired(broken)).is_err());
        }
    }
}
