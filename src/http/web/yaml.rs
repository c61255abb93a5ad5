//! YAML as the toolkit takes it, within bounds, and in words of our own.
//!
//! The library's messages repeat what they stumble over, which may be a hash, a key, or a password
//! in a wrong place. So nothing of them is shown but the place: what was expected there is said by
//! the readers in this file, and they say it between two marks that no other text can hold.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use yaml_serde::Error;

/// Around our own words within a message of the library, which escapes it in values.
const MARK: char = '\u{1}';

/// How many lists and maps may be begun by a bracket, and directives by a `%`: the library takes
/// time with the square of their number.
const MOST_OPENINGS: usize = 1000;

/// How many values, lists and maps may be read, those behind an alias anew for each use.
const MOST_VALUES: u32 = 100_000;

/// How alike a key has to be to a known one to be its misspelling, and not a secret.
const MISSPELT: f64 = 0.9;

/// What a map with known keys is read into.
pub(super) trait Section {
    /// The keys that it may have.
    const KEYS: &'static [&'static str];

    /// Takes up the value of one of them.
    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error>;
}

/// Reads the first document of `text`, which is all that the toolkit looks at.
///
/// # Errors
/// What is wrong, and where; nothing of the text is repeated but known keys and their misspellings.
pub(super) fn read<T: Section>(text: &[u8], into: &mut T) -> Result<(), String> {
    let text = decoded(text)?;
    let openings = text.matches(['[', '{', '%']).count();
    if openings > MOST_OPENINGS {
        return Err(format!(
            "has more than {MOST_OPENINGS} of [, {{ and %: it is some other file"
        ));
    }
    let Some(document) = yaml_serde::Deserializer::from_str(&text).next() else {
        return Ok(());
    };
    let reading = Reading::default();
    let seed = Whole(InSection::new(into, &reading));
    seed.deserialize(document)
        .map_err(|error| reading.told(&error))
}

/// The characters of the file: UTF-8, or UTF-16 where it begins so, as PowerShell writes it.
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

/// Where a reader is, and how much it has read.
#[derive(Default)]
struct Reading {
    values: Cell<u32>,
    path: RefCell<Vec<&'static str>>,
}

impl Reading {
    /// Counts one value more.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        match self.values.get() > MOST_VALUES {
            true => Err(own("the aliases unfold to more than can be meant")),
            false => Ok(()),
        }
    }

    /// Does `work` as a part of `key`, whose name is told if it fails.
    fn within<T, E>(&self, key: &'static str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.path.borrow_mut().push(key);
        let done = work()?;
        self.path.borrow_mut().pop();
        Ok(done)
    }

    /// The mistake with its place.
    fn told(&self, error: &Error) -> String {
        let message = error.to_string();
        let what = match message.rsplit(MARK).nth(1) {
            Some(own) => own.to_owned(),
            None => of_library(&message).to_owned(),
        };
        let (line, column) = error
            .location()
            .map_or((1, 1), |place| (place.line(), place.column()));
        let mut text: String = self
            .path
            .borrow()
            .iter()
            .fold(String::new(), |path, key| path + key + ": ");
        text += &format!("{what}, at line {line} column {column}");
        text
    }
}

/// What the library means, where it is not a reader that has something to say.
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
    found.map_or("this is no YAML: something before this place is not ended, or not indented as it should be", |(_, told)| told)
}

fn own<E: serde::de::Error>(words: impl Display) -> E {
    E::custom(format_args!("{MARK}{words}{MARK}"))
}

/// The words for what should be in a place where something else is.
fn expected(f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
    write!(f, "{MARK}here has to be {what}{MARK}")
}

/// The value of a known key, to be read as what it has to be.
pub(super) struct Value<'v, A> {
    map: &'v mut A,
    key: &'static str,
    reading: &'v Reading,
}

impl<'de, A: MapAccess<'de>> Value<'_, A> {
    fn read<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let Self { map, key, reading } = self;
        reading.within(key, || map.next_value_seed(seed))
    }

    /// A text, numbers and truth values included; absent where nothing or `null` stands.
    pub(super) fn text<T>(self) -> Result<Option<T>, A::Error>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let seed = Text(self.reading, PhantomData);
        self.read(seed)
    }

    /// Sets `place` to a text; leaves it where nothing or `null` stands.
    pub(super) fn set<T>(self, place: &mut Option<T>) -> Result<(), A::Error>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        *place = self.text()?.or(place.take());
        Ok(())
    }

    /// A list of texts.
    pub(super) fn list<T>(self) -> Result<Option<Vec<T>>, A::Error>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let seed = List(self.reading, PhantomData);
        self.read(seed)
    }

    /// A map with known keys, added to what `into` holds already.
    pub(super) fn section<T: Section>(self, into: &mut T) -> Result<(), A::Error> {
        let seed = Whole(InSection::new(into, self.reading));
        self.read(seed)
    }

    /// A map with any keys, none of them twice, added to what `into` holds already.
    pub(super) fn map<T>(self, into: &mut BTreeMap<String, T>) -> Result<(), A::Error>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let seed = Whole(InMap(into, self.reading));
        self.read(seed)
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

struct Text<'r, T>(&'r Reading, PhantomData<T>);

impl<'de, T: TryFrom<String>> DeserializeSeed<'de> for Text<'_, T>
where
    T::Error: Display,
{
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<Option<T>, D::Error> {
        self.0.count()?;
        node.deserialize_option(self)
    }
}

impl<'de, T: TryFrom<String>> Visitor<'de> for Text<'_, T>
where
    T::Error: Display,
{
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a text")
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, node: D) -> Result<Option<T>, D::Error> {
        node.deserialize_str(self)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<T>, E> {
        T::try_from(text.to_owned()).map(Some).map_err(own)
    }
}

struct List<'r, T>(&'r Reading, PhantomData<T>);

impl<'de, T: TryFrom<String>> DeserializeSeed<'de> for List<'_, T>
where
    T::Error: Display,
{
    type Value = Option<Vec<T>>;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<Option<Vec<T>>, D::Error> {
        self.0.count()?;
        node.deserialize_option(self)
    }
}

impl<'de, T: TryFrom<String>> Visitor<'de> for List<'_, T>
where
    T::Error: Display,
{
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a list of texts")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, node: D) -> Result<Self::Value, D::Error> {
        node.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = list.next_element_seed(Text(self.0, PhantomData))? {
            all.push(element.ok_or_else(|| own("an element of this list is empty"))?);
        }
        Ok(Some(all))
    }
}

/// A key that is known, or `<<`: what follows is merged into the map around it.
enum Key {
    Known(&'static str),
    Merge,
}

const MERGE: &str = "<<";

/// Reads a key of the section, and notes that it is set.
struct KeyOf<'k, 's, T>(&'k mut InSection<'s, T>, bool);

impl<'de, T: Section> DeserializeSeed<'de> for KeyOf<'_, '_, T> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<Key, D::Error> {
        self.0.reading.count()?;
        node.deserialize_str(self)
    }
}

impl<T: Section> Visitor<'_> for KeyOf<'_, '_, T> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a key")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Key, E> {
        if text == MERGE {
            return Ok(Key::Merge);
        }
        let Self(section, is_merged) = self;
        let known = T::KEYS.iter().find(|key| **key == text);
        let key = known.ok_or_else(|| own(unknown(text, T::KEYS)))?;
        section.note(key, is_merged)?;
        Ok(Key::Known(key))
    }
}

/// What is said of a key that does not belong here. It is repeated only where it is one with a
/// slip: it may as well be a password.
fn unknown(text: &str, known: &[&str]) -> String {
    let (folded, all) = (text.to_ascii_lowercase(), known.join(", "));
    let is_like =
        |key: &&&str| strsim::jaro_winkler(&folded, &key.to_ascii_lowercase()) >= MISSPELT;
    match known.iter().find(is_like) {
        Some(key) => format!("{text} is unknown here; did you mean {key}? Known are: {all}"),
        None => format!("a key is unknown here; known are: {all}"),
    }
}

/// What the entries of a map go into, those included that are merged into it.
trait Entries {
    const WHAT: &'static str;

    /// Takes up all entries of `map`.
    fn take<'de, A: MapAccess<'de>>(&mut self, map: A, is_merged: bool) -> Result<(), A::Error>;

    fn reading(&self) -> &Reading;
}

/// Entries of known keys.
struct InSection<'s, T> {
    into: &'s mut T,
    reading: &'s Reading,
    /// The keys that the map has set itself.
    here: Vec<&'static str>,
    /// Those that were merged into it.
    merged: Vec<&'static str>,
}

impl<'s, T> InSection<'s, T> {
    fn new(into: &'s mut T, reading: &'s Reading) -> Self {
        Self {
            into,
            reading,
            here: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// Each key is set once by what is merged, and once by the map itself, which then holds. (Where
    /// the merged one stands behind it, YAML and the toolkit disagree on which does.)
    fn note<E: serde::de::Error>(&mut self, key: &'static str, is_merged: bool) -> Result<(), E> {
        let (mine, twice) = match is_merged {
            true => (&mut self.merged, "comes twice in what << merges"),
            false => (&mut self.here, "comes twice"),
        };
        if mine.contains(&key) {
            return Err(own(format_args!("{key} {twice}")));
        }
        mine.push(key);
        match is_merged && self.here.contains(&key) {
            true => Err(own(format_args!("<< sets {key} again: put << before it"))),
            false => Ok(()),
        }
    }
}

impl<T: Section> Entries for InSection<'_, T> {
    const WHAT: &'static str = "a map of settings";

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        is_merged: bool,
    ) -> Result<(), A::Error> {
        let reading = self.reading;
        while let Some(key) = map.next_key_seed(KeyOf(self, is_merged))? {
            let map = &mut map;
            match key {
                Key::Known(key) => self.into.value(key, Value { map, key, reading })?,
                Key::Merge => map.next_value_seed(Merged(self))?,
            }
        }
        Ok(())
    }

    fn reading(&self) -> &Reading {
        self.reading
    }
}

/// Entries of any key.
struct InMap<'s, T>(&'s mut BTreeMap<String, T>, &'s Reading);

impl<T: TryFrom<String>> Entries for InMap<'_, T>
where
    T::Error: Display,
{
    const WHAT: &'static str = "a map of names";

    fn take<'de, A: MapAccess<'de>>(&mut self, mut map: A, _: bool) -> Result<(), A::Error> {
        let Self(all, reading) = self;
        while let Some(name) = map.next_key_seed(NameOf(all, reading))? {
            if name == MERGE {
                map.next_value_seed(Merged(&mut InMap(all, reading)))?;
                continue;
            }
            let value = map.next_value_seed(Text(reading, PhantomData))?;
            let value = value.ok_or_else(|| own("a name has nothing behind it"))?;
            all.insert(name, value);
        }
        Ok(())
    }

    fn reading(&self) -> &Reading {
        self.1
    }
}

/// Reads a name that is not there yet.
struct NameOf<'s, T>(&'s BTreeMap<String, T>, &'s Reading);

impl<'de, T> DeserializeSeed<'de> for NameOf<'_, T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<String, D::Error> {
        self.1.count()?;
        node.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for NameOf<'_, T> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        match self.0.contains_key(text) {
            true => Err(own("a name comes twice")),
            false => Ok(text.to_owned()),
        }
    }
}

/// The map itself; or nothing, or `null`.
struct Whole<E>(E);

impl<'de, E: Entries> DeserializeSeed<'de> for Whole<E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<(), D::Error> {
        self.0.reading().count()?;
        node.deserialize_option(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Whole<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, E::WHAT)
    }

    fn visit_none<F>(self) -> Result<(), F> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, node: D) -> Result<(), D::Error> {
        node.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.0.take(map, false)
    }
}

/// What `<<` merges into a map: another one, or a list of such.
struct Merged<'e, E>(&'e mut E);

impl<'de, E: Entries> DeserializeSeed<'de> for Merged<'_, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, node: D) -> Result<(), D::Error> {
        self.0.reading().count()?;
        node.deserialize_any(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Merged<'_, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(f, "a map, or a list of maps")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.take(map, true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Merged(self.0))?.is_some() {}
        Ok(())
    }
}
