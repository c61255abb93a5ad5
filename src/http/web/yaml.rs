//! The YAML of the toolkit, with limits of size, and with messages that repeat no value.
//!
//! serde reads it, and its messages quote the text, which may contain a hash, a key or a misplaced password. Of such
//! a message is used what cannot come from the text: its position, the settings above it, what serde expected there,
//! and what this program says of it in [`Words`].

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use yaml_serde::{Error, Mapping, Value};

/// Marks our own words within a message of the library, which escapes this character in values.
const MARK: char = '\u{1}';

/// The most brackets, aliases and `%` signs. The time that the library takes for them is quadratic, and an alias may
/// stand for many values.
const MAX_OPENINGS: usize = 1000;

/// The similarity to a known key from which an unknown one is taken as its misspelling, and not as a
/// secret.
const MISSPELLING: f64 = 0.9;

/// The one setting below which keys are not known but names of users.
const USERS: &str = "basic_auth_users";

/// Parses the first document of `text`, as the toolkit does.
///
/// # Errors
/// The first mistake and its position. Of the text only known keys and their misspellings are repeated.
pub(super) fn read<T: DeserializeOwned + Default>(text: &[u8]) -> Result<T, String> {
    let text = decoded(text)?;
    let openings = text.matches(['[', '{', '%', '*']).count();
    if openings > MAX_OPENINGS {
        return Err(format!(
            "has more than {MAX_OPENINGS} of [, {{, * and %: it is some other file"
        ));
    }
    match without_merges(&text)? {
        // What is merged stands in no line of the file.
        Some(text) => first_document(&text).map_err(|error| message(&error)),
        None => first_document(&text).map_err(|error| {
            let place = error.location();
            let (line, column) = place.map_or((1, 1), |place| (place.line(), place.column()));
            format!("{}, at line {line} column {column}", message(&error))
        }),
    }
}

fn first_document<T: DeserializeOwned + Default>(text: &str) -> Result<T, Error> {
    let document = yaml_serde::Deserializer::from_str(text).next();
    let read = document.map(Option::<T>::deserialize).transpose()?;
    Ok(read.flatten().unwrap_or_default())
}

/// Decodes UTF-8, and UTF-16 with a byte order mark, as PowerShell writes it.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let utf_16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks(2).map(|pair| match pair {
            [first, second] => unit([*first, *second]),
            _ => 0,
        });
        let characters: Result<String, _> = char::decode_utf16(units).collect();
        characters.map_err(|_| "begins as UTF-16 does, and is not".to_owned())
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_be_bytes)?),
        _ => {
            let text = std::str::from_utf8(bytes);
            Cow::Borrowed(text.map_err(|why| {
                let line = line_of(bytes, why.valid_up_to());
                format!("is neither UTF-8 nor UTF-16, at line {line}")
            })?)
        }
    };
    let is_bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.find(is_bad) {
        Some(place) => Err(format!(
            "holds a control character, at line {}",
            line_of(text.as_bytes(), place)
        )),
        None => Ok(text),
    }
}

/// The line of the byte at `place`, counted from 1.
fn line_of(text: &[u8], place: usize) -> usize {
    let before = text.iter().take(place);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// The key whose value, a map or a list of maps, is merged into the map around it.
const MERGE: &str = "<<";

/// The first document with its merges done; `None` where it has none.
fn without_merges(text: &str) -> Result<Option<String>, String> {
    if !text.contains(MERGE) {
        return Ok(None);
    }
    let Ok(mut document) = first_document::<Value>(text) else {
        // It is told with its line by what reads it next.
        return Ok(None);
    };
    let mut has_merges = false;
    merge_within(&mut document, false, &mut has_merges)?;
    let merged = has_merges.then(|| yaml_serde::to_string(&document));
    merged.transpose().map_err(|error| message(&error))
}

/// Does the merges within `value`, which may be that of [`USERS`].
fn merge_within(value: &mut Value, of_users: bool, has_merges: &mut bool) -> Result<(), String> {
    match value {
        Value::Mapping(map) => {
            for (key, mut value) in std::mem::take(map) {
                merge_within(&mut value, key == USERS, has_merges)?;
                if key == MERGE {
                    *has_merges = true;
                    merge(value, map)?;
                } else if of_users && map.contains_key(&key) {
                    return Err("a name comes twice, of which << brings one".to_owned());
                } else {
                    add(key, value, map);
                }
            }
            Ok(())
        }
        Value::Sequence(values) => values
            .iter_mut()
            .try_for_each(|value| merge_within(value, false, has_merges)),
        _ => Ok(()),
    }
}

/// Adds an entry of the map itself, which takes precedence over what was merged into it before.
fn add(key: Value, value: Value, map: &mut Mapping) {
    match (map.get_mut(&key), value) {
        (Some(Value::Mapping(there)), Value::Mapping(more)) => {
            more.into_iter()
                .for_each(|(key, value)| add(key, value, there));
        }
        (_, value) => {
            map.insert(key, value);
        }
    }
}

/// Merges the value of `<<` into what `map` has so far. Where a key that `<<` sets is there already, YAML and the
/// toolkit disagree on the precedence.
fn merge(value: Value, map: &mut Mapping) -> Result<(), String> {
    match value {
        Value::Mapping(more) => {
            more.into_iter()
                .try_for_each(|(key, value)| match map.insert(key, value) {
                    Some(_) => Err(
                        "<< sets a key that is there already, or comes twice: put << before it"
                            .to_owned(),
                    ),
                    None => Ok(()),
                })
        }
        Value::Sequence(values) => values.into_iter().try_for_each(|value| merge(value, map)),
        _ => Err("<< has to have a map, or a list of maps".to_owned()),
    }
}

/// The message for `error`, below the settings around it, without its position.
fn message(error: &Error) -> String {
    let text = error.to_string();
    let above = settings_above(&text);
    let of_serde = text.strip_prefix(above).unwrap_or(&text);
    let of_serde = of_serde.strip_prefix(": ").unwrap_or(of_serde);
    let what = of_key(of_serde).or_else(|| own_words(of_serde));
    let what = what.unwrap_or_else(|| of_library(of_serde).to_owned());
    match above.is_empty() {
        true => what,
        false => format!("{above}: {what}"),
    }
}

/// The settings that a message names in front, but no user.
fn settings_above(message: &str) -> &str {
    if message.starts_with(USERS) {
        return USERS;
    }
    let above = message.split_once(": ").map(|(above, _)| above);
    above.filter(|above| !above.contains(' ')).unwrap_or("")
}

/// What stands between the last two marks, where nothing but a position is behind them.
fn own_words(message: &str) -> Option<String> {
    let mut parts = message.rsplit(MARK);
    let behind = parts.next()?;
    let is_end = behind.is_empty() || behind.starts_with(" at line ");
    parts.next().filter(|_| is_end).map(str::to_owned)
}

/// Our words for a key or a word that serde does not know, or finds twice. It is repeated only where it is a
/// misspelling: it may be a password.
fn of_key(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("duplicate field `") {
        let (key, _) = rest.split_once('`')?;
        return Some(format!("{key} comes twice in this map"));
    }
    let (before, known) = message.rsplit_once("`, expected ")?;
    let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
    let all = known.join(", ");
    if before.starts_with("unknown variant `") {
        return Some(format!("has to be one of {all}"));
    }
    let key = before.strip_prefix("unknown field `")?;
    let folded = key.to_ascii_lowercase();
    let is_like =
        |key: &&&str| strsim::jaro_winkler(&folded, &key.to_ascii_lowercase()) >= MISSPELLING;
    Some(match known.iter().find(is_like) {
        Some(meant) => format!("{key} is unknown here; did you mean {meant}? Known are: {all}"),
        None => format!("a key is unknown here; known are: {all}"),
    })
}

/// Our words for an error that the library itself found.
fn of_library(message: &str) -> &'static str {
    let known = [
        ("unknown anchor", "an alias (*) has no anchor (&) before it"),
        (
            "repetition limit",
            "the aliases unfold to more than can be meant",
        ),
        ("recursion limit", "it is nested too deeply"),
        (
            "cannot start any token",
            "a character (a tab, perhaps) can begin nothing here",
        ),
        (
            "mapping values are not allowed",
            "a colon stands where no key can be",
        ),
        (", expected struct", "here has to be a map of settings"),
        (", expected a map", "here has to be a map"),
        (", expected a sequence", "here has to be a list of texts"),
        (", expected a string", "here has to be a text"),
        (", expected a YAML tag", "here has to be a text"),
    ];
    let found = known.iter().find(|(words, _)| message.contains(words));
    found.map_or("this is no YAML: something before this place is not ended, or not indented as it should be", |(_, ours)| ours)
}

/// Words of this program, which repeat nothing of the text that they are about.
#[derive(Debug)]
pub struct Words(Cow<'static, str>);

impl<T: Into<Cow<'static, str>>> From<T> for Words {
    fn from(words: T) -> Self {
        Self(words.into())
    }
}

impl Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}{MARK}", self.0)
    }
}

/// Reads an empty value or `null` as what is not set.
pub(super) fn or_default<'de, D, T>(value: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// Reads a string, number or truth value as text, and parses it; `None` for an empty value or `null`.
pub(super) fn parsed<'de, D, T>(
    value: D,
    parse: impl FnOnce(&str) -> Result<T, Words>,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    value.deserialize_option(Parsed(parse))
}

/// An error that is made here has the position of the text, and not of the map around it.
struct Parsed<F>(F);

impl<'de, T, F: FnOnce(&str) -> Result<T, Words>> Visitor<'de> for Parsed<F> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Option<T>, D::Error> {
        value.deserialize_str(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        (self.0)(text).map(Some).map_err(E::custom)
    }
}

/// Reads a list of texts, none of which is empty; `None` for an empty value or `null`.
pub(super) fn texts<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<String>>, D::Error> {
    let Some(texts) = Option::<Vec<Option<String>>>::deserialize(value)? else {
        return Ok(None);
    };
    let texts: Option<Vec<_>> = texts.into_iter().collect();
    let is_empty = || de::Error::custom(Words::from("an element of this list is empty"));
    texts.ok_or_else(is_empty).map(Some)
}

/// Reads a truth value in all notations of the toolkit's YAML parser.
pub(super) fn truth<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    parsed(value, |text| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Ok(true),
        "false" | "no" | "off" | "n" => Ok(false),
        _ => Err("is neither true nor false".into()),
    })
}
