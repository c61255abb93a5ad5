//! How a value is spelled: traces of editors, shells and `docker --env-file`, and the nearest known name.
//!
//! Blanks around a value, and the byte order mark of some editors, do not count. Quotes, blanks inside and
//! characters that only look like ASCII are mistakes, and are described, as the value is never shown.

/// `text` without the blanks, line ends and byte order marks around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The content of a file as text.
///
/// # Errors
/// What it is instead of UTF-8 and what to do, to follow the file's name.
pub(crate) fn text_of(bytes: Vec<u8>) -> Result<String, &'static str> {
    const UTF_16: &str = "is UTF-16 text or the like; save it as UTF-8";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(UTF_16);
    }
    String::from_utf8(bytes).map_err(|_| "holds no UTF-8 text; save it as UTF-8")
}

/// A message if `text` is in quotes.
pub(crate) fn in_quotes(text: &str) -> Option<String> {
    let is_quoted = text.starts_with(is_quote) || text.ends_with(is_quote);
    is_quoted.then(|| {
        "stands in quotes, which count as part of it (docker's --env-file keeps them); write it without quotes"
            .to_owned()
    })
}

/// Whether `c` is a quotation mark of any keyboard or word processor.
fn is_quote(c: char) -> bool {
    "\"'`´\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}\u{201d}\u{201e}\u{201f}\
     «»‹›「」『』\u{ff02}\u{ff07}"
        .contains(c)
}

/// Verifies that `text` is one word of printable ASCII.
///
/// # Errors
/// What is wrong with it and what to write, to follow its name.
pub(crate) fn one_word(text: &str) -> Result<(), String> {
    if let Some(quotes) = in_quotes(text) {
        return Err(quotes);
    }
    if text.contains(['\n', '\r']) {
        return Err("holds several lines; write one, and nothing else".to_owned());
    }
    let odd = text
        .chars()
        .enumerate()
        .find(|(_, c)| !c.is_ascii_graphic() || is_quote(*c));
    let Some((place, c)) = odd else {
        return Ok(());
    };
    let what = match c {
        c if c.is_whitespace() => "a blank",
        c if is_quote(c) => "a quotation mark",
        c if c.is_ascii() => "a control character",
        _ => "a character other than ASCII (one that cannot be seen, perhaps)",
    };
    Err(format!(
        "has {what} inside, as character {} of {}; copy it anew, and nothing else",
        place + 1,
        text.chars().count()
    ))
}

/// The one of `known` that is spelled most like `text`, in any case; `None` if `known` is empty.
pub(crate) fn nearest<S: AsRef<str>>(text: &str, known: impl IntoIterator<Item = S>) -> Option<S> {
    known
        .into_iter()
        .max_by(|a, b| likeness(a.as_ref(), text).total_cmp(&likeness(b.as_ref(), text)))
}

/// The similarity of two words in any case, from 0 to 1 for equal ones.
pub(crate) fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_goes() {
        for text in [
            "k",
            " k\t",
            "\u{feff}k\r\n",
            "\n\n k \n",
            "\u{a0}\u{3000}k",
            "k\u{feff}",
        ] {
            assert_eq!(trimmed(text), "k", "{text:?}");
        }
    }

    #[test]
    fn what_is_odd_is_told_without_the_value() {
        for (text, told) in [
            ("\"k3y\"", "quotes"),
            ("'k3y'", "quotes"),
            ("k3y\"", "quotes"),
            ("“k3y”", "quotes"),
            ("`k3y`", "quotes"),
            ("k3y\nk3y", "several lines"),
            ("k3y k3y", "a blank inside, as character 4 of 7"),
            ("k3y\u{3000}k3y", "a blank"),
            ("k3\"k3", "a quotation mark"),
            ("k3'k3", "a quotation mark"),
            ("k3y\u{7}", "a control character"),
            ("k3ｙ", "other than ASCII"),
            ("k3y\u{200b}", "other than ASCII"),
        ] {
            let why = one_word(text).unwrap_err();
            assert!(why.contains(told) && !why.contains("k3"), "{text:?}: {why}");
        }
        assert_eq!(one_word("eJw1*-_=+/k3y%2A@x.y"), Ok(()));
    }

    #[test]
    fn a_file_is_utf_8_or_it_is_told_what_it_is() {
        assert_eq!(text_of("客服".into()).unwrap(), "客服");
        for utf_16 in [&b"\xff\xfek\0"[..], b"\xfe\xff\0k", b"k\0e\0"] {
            assert!(text_of(utf_16.into()).unwrap_err().contains("UTF-16"));
        }
        assert!(
            text_of(b"\xe5\xae".into())
                .unwrap_err()
                .contains("no UTF-8")
        );
    }
}
