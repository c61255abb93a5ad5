//! A parser for the YAML of the toolkit, with limits of size, and with messages that repeat no value.
//!
//! The messages of the library quote the text, which may contain a hash, a key or a misplaced
//! password. So only their position is used. What was expected there is written by the visitors in this
//! file, between two marks that no other part of a message can contain.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use yaml_serde::Error;

/// Marks our own words within a message of the library, which escapes this character in values.
const MARK: char = '\u{1}';

/// The most brackets and `%` signs. The time that the library takes for them is quadratic.
const MAX_OPENINGS: usize = 1000;

/// The most values, lists and maps, with those of an alias counted at each use.
const MAX_VALUES: u32 = 100_000;

/// The similarity to a known key from which an unknown one is taken as its misspelling, and not as a
/// secret.
const MISSPELLING: f64 = 0.9;

/// A map with known keys.
pub(super) trait Section {
    /// The known keys.
    const KEYS: &'static [&'static str];

    /// Sets the value of a known key.
    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error>;
}

/// Parses the first document of `text`, as the toolkit does, into `into`.
///
/// # Errors
/// The first mistake and its position. Of the text only known keys and their misspellings are repeated.
pub(super) fn read<T: Section>(text: &[u8], into: &mut T) -> Result<(), String> {
    let text = decoded(text)?;
    let openings = text.matches(['[', '{', '%']).count();
    if openings > MAX_OPENINGS {
        return Err(format!(
            "has more than {MAX_OPENINGS} of [, {{ and %: it is some other file"
        ));
    }
    let Some(document) = yaml_serde::Deserializer::from_str(&text).next() else {
        return Ok(());
    };
    let state = State::default();
    let seed = Optional(Map(InSection::new(into, &state)), &state);
    seed.deserialize(document)
        .map(drop)
        .map_err(|error| state.message(&error))
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

/// The state of the parser.
#[derive(Default)]
struct State {
    /// How many values, lists and maps have been read.
    values: Cell<u32>,
    /// The keys above the present value.
    path: RefCell<Vec<&'static str>>,
}

impl State {
    /// Counts one more value.
    fn count(&self) -> Result<(), &'static str> {
        self.values.set(self.values.get() + 1);
        match self.values.get() > MAX_VALUES {
            true => Err("the aliases unfold to more than can be meant"),
            false => Ok(()),
        }
    }

    /// Runs `work` with `key` on the path, where it stays if that fails.
    fn within<T, E>(&self, key: &'static str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.path.borrow_mut().push(key);
        let done = work()?;
        self.path.borrow_mut().pop();
        Ok(done)
    }

    /// The message for `error`, with its path and position.
    fn message(&self, error: &Error) -> String {
        let message = error.to_string();
        let what = match message.rsplit(MARK).nth(1) {
            Some(own) => own,
            None => of_library(&message),
        };
        let (line, column) = error
            .location()
            .map_or((1, 1), |place| (place.line(), place.column()));
        let path = self
            .path
            .borrow()
            .iter()
            .map(|key| format!("{key}: "))
            .collect::<String>();
        format!("{path}{what}, at line {line} column {column}")
    }
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
    ];
    let found = known.iter().find(|(words, _)| message.contains(words));
    found.map_or("this is no YAML: something before this place is not ended, or not indented as it should be", |(_, ours)| ours)
}

fn own<E: serde::de::Error>(words: impl Display) -> E {
    E::custom(format_args!("{MARK}{words}{MARK}"))
}

/// Writes the words for a value of the wrong type.
fn expected(f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
    write!(f, "{MARK}here has to be {what}{MARK}")
}

/// The value of a known key, to be read as one of several types.
pub(super) struct Value<'v, A> {
    map: &'v mut A,
    key: &'static str,
    state: &'v State,
}

impl<'de, A: MapAccess<'de>> Value<'_, A> {
    fn read<S, T>(self, seed: S) -> Result<Option<T>, A::Error>
    where
        S: DeserializeSeed<'de, Value = T> + Visitor<'de, Value = T>,
    {
        let Self { map, key, state } = self;
        state.within(key, || map.next_value_seed(Optional(seed, state)))
    }

    /// Reads a string, number or truth value as text; `None` for an empty value or `null`.
    pub(super) fn text<T: TryFrom<String, Error: Display>>(self) -> Result<Option<T>, A::Error> {
        self.read(text())
    }

    /// Reads a text into `place`, which an empty value or `null` leaves as it is.
    pub(super) fn set<T>(self, place: &mut Option<T>) -> Result<(), A::Error>
    where
        T: TryFrom<String, Error: Display>,
    {
        *place = self.text()?.or(place.take());
        Ok(())
    }

    /// Reads a list of texts; `None` for an empty value or `null`.
    pub(super) fn list<T>(self) -> Result<Option<Vec<T>>, A::Error>
    where
        T: TryFrom<String, Error: Display>,
    {
        let list = List(self.state, PhantomData);
        self.read(list)
    }

    /// Reads a map with known keys, and adds its entries to `into`.
    pub(super) fn section<T: Section>(self, into: &mut T) -> Result<(), A::Error> {
        let entries = InSection::new(into, self.state);
        self.read(Map(entries)).map(drop)
    }

    /// Reads a map with arbitrary, different keys, and adds its entries to `into`.
    pub(super) fn map<T>(self, into: &mut BTreeMap<String, T>) -> Result<(), A::Error>
    where
        T: TryFrom<String, Error: Display>,
    {
        let entries = InMap(into, self.state);
        self.read(Map(entries)).map(drop)
    }
}

/// A truth value, in all notations of the toolkit's YAML parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl TryFrom<String> for Flag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Ok(Self(true)),
            "false" | "no" | "off" | "n" => Ok(Self(false)),
            _ => Err("is neither true nor false"),
        }
    }
}

/// The value with the name `text`.
pub(super) fn named<T: Copy>(text: &str, known: &[(&str, T)]) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value)
}

/// Reads a value by a seed; `None` for an empty value or `null`.
struct Optional<'s, S>(S, &'s State);

impl<'de, T, S> DeserializeSeed<'de> for Optional<'_, S>
where
    S: DeserializeSeed<'de, Value = T> + Visitor<'de, Value = T>,
{
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<Option<T>, D::Error> {
        self.1.count().map_err(own)?;
        node.deserialize_option(self)
    }
}

impl<'de, T, S> Visitor<'de> for Optional<'_, S>
where
    S: DeserializeSeed<'de, Value = T> + Visitor<'de, Value = T>,
{
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, node: D) -> Result<Option<T>, D::Error> {
        self.0.deserialize(node).map(Some)
    }
}

/// Reads a string, number or truth value by a function. The first field says what it has to be.
struct Text<F>(&'static str, F);

/// Reads any text that is a `T`.
fn text<T: TryFrom<String>>() -> Text<impl FnOnce(&str) -> Result<T, T::Error>> {
    Text("a text", |text: &str| T::try_from(text.to_owned()))
}

impl<'de, T, E: Display, F: FnOnce(&str) -> Result<T, E>> DeserializeSeed<'de> for Text<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<T, D::Error> {
        node.deserialize_str(self)
    }
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, self.0)
    }

    fn visit_str<X: serde::de::Error>(self, text: &str) -> Result<T, X> {
        (self.1)(text).map_err(own)
    }
}

/// Reads a list of texts.
struct List<'s, T>(&'s State, PhantomData<T>);

impl<'de, T: TryFrom<String, Error: Display>> DeserializeSeed<'de> for List<'_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<Vec<T>, D::Error> {
        node.deserialize_seq(self)
    }
}

impl<'de, T: TryFrom<String, Error: Display>> Visitor<'de> for List<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = list.next_element_seed(Optional(text(), self.0))? {
            all.push(element.ok_or_else(|| own("an element of this list is empty"))?);
        }
        Ok(all)
    }
}

/// The target for the entries of a map, including merged ones.
trait Entries {
    const WHAT: &'static str;

    /// Adds all entries of `map`.
    fn add<'de, A: MapAccess<'de>>(&mut self, map: A, is_merged: bool) -> Result<(), A::Error>;

    fn state(&self) -> &State;
}

/// The key whose value, a map or a list of maps, is merged into the map around it.
const MERGE: &str = "<<";

/// The entries of a section.
struct InSection<'s, T> {
    into: &'s mut T,
    state: &'s State,
    /// The keys set by the map itself.
    own: Vec<&'static str>,
    /// The keys set by maps merged into it.
    merged: Vec<&'static str>,
}

impl<'s, T: Section> InSection<'s, T> {
    fn new(into: &'s mut T, state: &'s State) -> Self {
        Self {
            into,
            state,
            own: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// The known key that `text` is, which is recorded as set; `None` for `<<`.
    fn key(&mut self, text: &str, is_merged: bool) -> Result<Option<&'static str>, String> {
        self.state.count()?;
        if text == MERGE {
            return Ok(None);
        }
        let known = T::KEYS.iter().find(|key| **key == text);
        let key = known.ok_or_else(|| unknown(text, T::KEYS))?;
        self.record(key, is_merged)?;
        Ok(Some(key))
    }

    /// Records that a key is set: at most once by merged maps, and once by the map itself, which takes
    /// precedence. (Where `<<` follows the key, YAML and the toolkit disagree on the precedence.)
    fn record(&mut self, key: &'static str, is_merged: bool) -> Result<(), String> {
        let (keys, twice) = match is_merged {
            true => (&mut self.merged, "comes twice in what << merges"),
            false => (&mut self.own, "comes twice"),
        };
        if keys.contains(&key) {
            return Err(format!("{key} {twice}"));
        }
        keys.push(key);
        match is_merged && self.own.contains(&key) {
            true => Err(format!("<< sets {key} again: put << before it")),
            false => Ok(()),
        }
    }
}

/// The message for an unknown key. It is repeated only as a misspelling: it may be a password.
fn unknown(text: &str, known: &[&str]) -> String {
    let (folded, all) = (text.to_ascii_lowercase(), known.join(", "));
    let is_like =
        |key: &&&str| strsim::jaro_winkler(&folded, &key.to_ascii_lowercase()) >= MISSPELLING;
    match known.iter().find(is_like) {
        Some(key) => format!("{text} is unknown here; did you mean {key}? Known are: {all}"),
        None => format!("a key is unknown here; known are: {all}"),
    }
}

impl<T: Section> Entries for InSection<'_, T> {
    const WHAT: &'static str = "a map of settings";

    fn add<'de, A: MapAccess<'de>>(&mut self, mut map: A, is_merged: bool) -> Result<(), A::Error> {
        let state = self.state;
        while let Some(key) =
            map.next_key_seed(Text("a key", |text: &str| self.key(text, is_merged)))?
        {
            let map = &mut map;
            match key {
                Some(key) => self.into.value(key, Value { map, key, state })?,
                None => map.next_value_seed(Merged(self))?,
            }
        }
        Ok(())
    }

    fn state(&self) -> &State {
        self.state
    }
}

/// The entries of a map with arbitrary keys.
struct InMap<'s, T>(&'s mut BTreeMap<String, T>, &'s State);

impl<T: TryFrom<String, Error: Display>> Entries for InMap<'_, T> {
    const WHAT: &'static str = "a map of names";

    fn add<'de, A: MapAccess<'de>>(&mut self, mut map: A, _: bool) -> Result<(), A::Error> {
        let Self(all, state) = self;
        let new_name = |all: &BTreeMap<String, T>, name: &str| {
            state.count()?;
            match all.contains_key(name) {
                true => Err("a name comes twice"),
                false => Ok(name.to_owned()),
            }
        };
        while let Some(name) =
            map.next_key_seed(Text("a name", |name: &str| new_name(all, name)))?
        {
            if name == MERGE {
                map.next_value_seed(Merged(&mut InMap(all, state)))?;
                continue;
            }
            let value = map.next_value_seed(Optional(text(), state))?;
            let value = value.ok_or_else(|| own("a name has nothing behind it"))?;
            all.insert(name, value);
        }
        Ok(())
    }

    fn state(&self) -> &State {
        self.1
    }
}

/// Reads a map into its entries.
struct Map<E>(E);

impl<'de, E: Entries> DeserializeSeed<'de> for Map<E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<(), D::Error> {
        node.deserialize_map(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Map<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, E::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.0.add(map, false)
    }
}

/// Reads the value of `<<`: a map, or a list of maps.
struct Merged<'e, E>(&'e mut E);

impl<'de, E: Entries> DeserializeSeed<'de> for Merged<'_, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<(), D::Error> {
        self.0.state().count().map_err(own)?;
        node.deserialize_any(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Merged<'_, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a map, or a list of maps")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.add(map, true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Merged(self.0))?.is_some() {}
        Ok(())
    }
}
