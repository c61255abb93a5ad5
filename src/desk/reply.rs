//! Replies of Desk, read from their JSON.
//!
//! What decides over a page (its error code, how many rows there are, where they begin and end) is
//! read leniently in how it is written and strictly in what it says. A row is read leniently: a
//! field that holds no number costs only itself, and is remembered as such. Values are taken from
//! the JSON text and not through a tree, so that neither `1e400` nor a nest of brackets spoils the
//! rest, and a page of rows costs one pass; what is no JSON takes a second one, repaired.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::call::{Call, Kind, LIMIT, Paging, Shape, Start, Table};
use super::codes::Class;
use super::error::Error;
use super::repair::repaired;
use super::table::{NewRow, Rows};

/// More names than any version of the API has; a flood of them is counted no further.
const MOST_UNKNOWN_NAMES: usize = 1000;

/// Longer than any name that the API has; of a longer one only the beginning is kept, for the log.
const LONGEST_UNKNOWN_NAME: usize = 64;

/// No account's name comes near this (the gateway's are of 32 bytes). An id is written once for each of
/// its row's samples, so that a page of ids without bounds would take all memory.
const LONGEST_ID: usize = 4 * 1024;

/// No name that a person reads is longer.
const LONGEST_TEXT: usize = 128 * 1024;

/// More ids than one row has a use for.
const MOST_IDS: usize = 1000;

/// The most rows that one answer may bring. One that promises more is not believed.
pub(super) const MOST_ROWS: usize = 200_000;

/// One reply of Desk: an answer, or a page of one.
#[derive(Debug)]
pub struct Reply {
    /// One for each of the call's, in its order.
    pub tables: Vec<Rows>,
    /// How many rows Desk says there are in all, where the call's answers say so.
    pub total: Option<u64>,
    /// Names of fields that this version does not know.
    pub unknown_fields: BTreeSet<String>,
    /// How many bytes it was written in.
    pub bytes: usize,
}

impl Reply {
    /// Those of the table that is paged.
    pub fn rows(&self) -> Option<&Rows> {
        self.tables.first()
    }
}

/// Reads the answer of `call` for the page that begins at `start`.
///
/// # Errors
/// What Desk refuses with, by its code; of class `protocol`, an answer that cannot be read or lacks
/// what it must have. HTTP's status says nothing here: success is `ErrorCode` 0 and nothing else.
pub fn decode(call: &'static Call, start: Start, body: &[u8]) -> Result<Reply, Error> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    // The one that repairs is slower, also where there is nothing to repair.
    let text =
        std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let page = match read(call, &text) {
        Err(error) if error.is_syntax() => read(call, &repaired(&text))
            .map(|envelope| envelope.page(start))
            .map_err(|_| error),
        envelope => envelope.map(|envelope| envelope.page(start)),
    };
    let page = page.map_err(|error| broken(&error))??;
    Ok(Reply {
        bytes: body.len(),
        ..page
    })
}

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn read<'a>(call: &'static Call, text: &'a str) -> serde_json::Result<Envelope<'a>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let envelope = Envelope::new(call).deserialize(&mut json)?;
    json.end()?;
    Ok(envelope)
}

/// An answer that is JSON: its members that we know, and what was noticed in it.
struct Envelope<'a> {
    call: &'static Call,
    error_code: Option<&'a RawValue>,
    error_info: Option<&'a RawValue>,
    total: Option<&'a RawValue>,
    /// What stood where the rows should be; nothing where that was not there.
    held: Option<Held>,
    tables: Vec<Rows>,
    unknown_fields: BTreeSet<String>,
    /// What there is too much of to be kept.
    excess: Option<&'static str>,
}

/// What stood where rows should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Rows,
    /// As many programs write an empty list; where rows are due it is none.
    Null,
    Other,
}

impl<'a> Envelope<'a> {
    fn new(call: &'static Call) -> Self {
        Self {
            call,
            error_code: None,
            error_info: None,
            total: None,
            held: None,
            tables: call.tables.iter().map(Rows::new).collect(),
            unknown_fields: BTreeSet::new(),
            excess: None,
        }
    }

    fn page(self, start: Start) -> Result<Reply, Error> {
        let info = self.error_info.and_then(text_of).unwrap_or_default();
        let code: i64 = self
            .error_code
            .and_then(whole)
            .ok_or_else(|| unreadable("it has no ErrorCode").quoting(&info))?;
        if code != 0 {
            return Err(Error::refused(code, &info));
        }
        let total = self.total()?;
        let is_there = match self.held {
            Some(Held::Rows) => true,
            Some(Held::Null) => self.may_be_empty(start, total),
            Some(Held::Other) | None => false,
        };
        if !is_there {
            return Err(self.lacks_rows());
        }
        if let Some(excess) = self.excess {
            return Err(unreadable(&format!("it holds {excess}")));
        }
        Ok(Reply {
            tables: self.tables,
            total,
            unknown_fields: self.unknown_fields,
            bytes: 0,
        })
    }

    fn total(&self) -> Result<Option<u64>, Error> {
        let Some(name) = self.call.paging.total() else {
            return Ok(None);
        };
        match self.total.and_then(whole) {
            Some(total) => Ok(Some(total)),
            None => Err(unreadable(&format!("it says success but has no {name}"))),
        }
    }

    /// Whether `null` stands for an empty list: where no more rows are promised, and behind a page that was
    /// not full, which was the last one whatever is counted. Where a full page is due it is none.
    fn may_be_empty(&self, start: Start, total: Option<u64>) -> bool {
        let shape = self.call.tables.first().map(|table| table.shape);
        let is_behind_all = || {
            let rows = u64::try_from(start.rows).unwrap_or(u64::MAX);
            total.is_none_or(|total| rows >= total)
        };
        let is_uncertain = match self.call.paging {
            // Whether numbers begin there is not documented.
            Paging::Number { first, .. } => first > 0 && start.rows == 0,
            Paging::Whole | Paging::Offset => false,
        };
        shape != Some(Shape::Object)
            && (is_behind_all() || is_uncertain || !start.rows.is_multiple_of(LIMIT))
    }

    fn lacks_rows(&self) -> Error {
        let table = self.call.tables.first();
        let shape = match table.map(|table| table.shape) {
            Some(Shape::Object) => "object",
            _ => "array",
        };
        let member = table.map_or("", |table| table.member);
        unreadable(&format!("it says success but has no {shape} as {member}"))
    }

    /// Reads the row that `map` is, of the table at `place`. Whether it has any member.
    fn read_row<'de, A: MapAccess<'de>>(
        &mut self,
        place: usize,
        row: &mut NewRow<'de>,
        mut map: A,
    ) -> Result<bool, A::Error> {
        row.clear();
        let Some(table) = self.call.tables.get(place) else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(false);
        };
        let (mut expected, mut has_members) = (0, false);
        while let Some(name) = map.next_key_seed(FieldName { table, expected })? {
            has_members = true;
            let field = match name {
                Name::Known(field) => field,
                Name::Unknown(name) => {
                    remember(&mut self.unknown_fields, &name);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            expected = field + 1;
            match table.fields.get(field).map(|field| field.kind) {
                Some(Kind::Rows(inner)) => {
                    if let Some(rows) = self.tables.get_mut(inner).filter(|_| row.had(field)) {
                        // Said twice, it counts as it is said last.
                        *rows = Rows::new(rows.table());
                    }
                    let held = map.next_value_seed(TableOf(self, inner))?;
                    row.note(field, held != Held::Other);
                }
                None | Some(Kind::Unused) => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(kind) => take(row, field, kind, map.next_value()?),
            }
        }
        Ok(has_members)
    }

    fn keep(&mut self, place: usize, row: &NewRow<'_>) {
        self.excess = self.excess.or_else(|| excess_of(row));
        if let Some(rows) = self.tables.get_mut(place)
            && self.excess.is_none()
        {
            rows.push(row);
            if rows.received() > MOST_ROWS {
                self.excess = Some("more rows than any Desk has");
            }
        }
    }

    fn push_nothing(&mut self, place: usize) {
        if let Some(rows) = self.tables.get_mut(place) {
            rows.push_nothing();
        }
    }
}

fn take<'de>(row: &mut NewRow<'de>, field: usize, kind: Kind, json: &'de RawValue) {
    match kind {
        Kind::Number => row.set_number(field, number(json)),
        Kind::AgentId | Kind::Id | Kind::Nickname | Kind::Text => {
            row.set_text(field, text_of(json));
        }
        Kind::Date => row.set_text(field, text_of(json).and_then(|text| date(&text))),
        Kind::Hour => row.set_text(field, text_of(json).and_then(|text| hour(&text))),
        Kind::Ids => take_ids(row, field, json),
        Kind::Rows(_) | Kind::Unused => {}
    }
}

/// Each id once; what is none of them costs itself. `null` is an empty list, as many programs write it.
fn take_ids<'de>(row: &mut NewRow<'de>, field: usize, json: &'de RawValue) {
    let Ok(items) = serde_json::from_str::<Option<Vec<&RawValue>>>(json.get()) else {
        return row.set_ids(field, None);
    };
    let items = items.unwrap_or_default();
    let mut ids = Vec::new();
    let mut seen = BTreeSet::new();
    let mut are_understood = true;
    for item in items {
        match text_of(item).filter(|id| !id.is_empty()) {
            Some(id) if seen.insert(id.clone()) => ids.push(id),
            Some(_) => {}
            None => are_understood = false,
        }
    }
    row.set_ids(field, Some(ids));
    row.note(field, are_understood);
}

/// A calendar day, as `2025-04-06`.
fn date<'t>(text: &str) -> Option<Cow<'t, str>> {
    let date: Date = text.trim().parse().ok()?;
    Some(Cow::Owned(date.to_string()))
}

/// A full hour, `09:00`, as two digits.
fn hour<'t>(text: &str) -> Option<Cow<'t, str>> {
    let mut parts = text.trim().split(':');
    let digits = parts
        .next()
        .filter(|digits| (1..=2).contains(&digits.len()))?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    let hour: u8 = digits.parse().ok().filter(|hour| is_number && *hour < 24)?;
    let is_full = parts.next() == Some("00") && parts.all(|part| part == "00");
    is_full.then(|| Cow::Owned(format!("{hour:02}")))
}

/// What a row says that is too long to be kept.
fn excess_of(row: &NewRow<'_>) -> Option<&'static str> {
    let (ids, longest_id) = row.most_ids();
    if row.key().len() > LONGEST_ID || longest_id > LONGEST_ID {
        return Some("an id of more than 4 KiB");
    }
    if ids > MOST_IDS {
        return Some("a row with more than 1000 ids");
    }
    (row.longest_text() > LONGEST_TEXT).then_some("a name of more than 128 KiB")
}

fn unreadable(why: &str) -> Error {
    Error::new(
        Class::Protocol,
        format!("Desk's answer cannot be used: {why}"),
    )
}

/// Where the JSON breaks, but not what stands there: that is Desk's text, and may repeat ours.
fn broken(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    unreadable(&match error.classify() {
        serde_json::error::Category::Eof => format!("its JSON ends early, at column {column}"),
        serde_json::error::Category::Data => {
            format!("at line {line}, column {column} it is not what the API promises")
        }
        _ => format!("its JSON breaks at line {line}, column {column}"),
    })
}

/// Adds `name` to those that were seen, of a page or of all pages, within bounds.
pub(super) fn remember(unknown_fields: &mut BTreeSet<String>, name: &str) {
    let name = name
        .char_indices()
        .nth(LONGEST_UNKNOWN_NAME)
        .and_then(|(end, _)| name.get(..end))
        .unwrap_or(name);
    if unknown_fields.len() < MOST_UNKNOWN_NAMES && !unknown_fields.contains(name) {
        unknown_fields.insert(name.to_owned());
    }
}

impl<'de> DeserializeSeed<'de> for Envelope<'de> {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        let total = self.call.paging.total();
        let rows = self.call.tables.first().map(|table| table.member);
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "ErrorCode" => self.error_code = map.next_value()?,
                "ErrorInfo" => self.error_info = map.next_value()?,
                name if Some(name) == total => self.total = map.next_value()?,
                name if Some(name) == rows => {
                    // Said twice, it counts as it is said last.
                    self.tables = self.call.tables.iter().map(Rows::new).collect();
                    self.held = Some(map.next_value_seed(TableOf(&mut self, 0))?);
                }
                "ActionStatus" | "RequestId" | "TotalCount" => {
                    map.next_value::<IgnoredAny>()?;
                }
                unknown => {
                    remember(&mut self.unknown_fields, unknown);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self)
    }
}

/// What is said of JSON that is of another kind than expected: no error, but this.
macro_rules! otherwise {
    ($self:ident => $value:expr) => {
        fn visit_bool<E>($self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_u64<E>($self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_i64<E>($self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_f64<E>($self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_str<E>($self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}

/// Reads the rows of the table at a place.
struct TableOf<'s, 'a>(&'s mut Envelope<'a>, usize);

impl TableOf<'_, '_> {
    fn shape(&self) -> Option<Shape> {
        self.0.call.tables.get(self.1).map(|table| table.shape)
    }
}

impl<'de> DeserializeSeed<'de> for TableOf<'_, '_> {
    type Value = Held;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Held, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TableOf<'_, '_> {
    type Value = Held;

    otherwise!(self => Held::Other);

    fn visit_unit<E>(self) -> Result<Held, E> {
        Ok(Held::Null)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Held, A::Error> {
        if self.shape() == Some(Shape::Object) {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Held::Other);
        }
        let Self(envelope, place) = self;
        if let Some(rows) = envelope.tables.get_mut(place) {
            rows.reserve(LIMIT);
        }
        let mut row = NewRow::new();
        while seq
            .next_element_seed(RowOf(envelope, place, &mut row))?
            .is_some()
        {}
        Ok(Held::Rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Held, A::Error> {
        if self.shape() == Some(Shape::Array) {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Held::Other);
        }
        let is_list_or_row = self.shape() == Some(Shape::Either);
        let Self(envelope, place) = self;
        let mut row = NewRow::new();
        let has_members = envelope.read_row(place, &mut row, map)?;
        // Some programs write a list without rows as `{}`.
        if has_members || !is_list_or_row {
            envelope.keep(place, &row);
        }
        Ok(Held::Rows)
    }
}

/// Reads one row into the table at a place; what is no object has no key, and is counted as such.
struct RowOf<'s, 'a, 'r>(&'s mut Envelope<'a>, usize, &'s mut NewRow<'r>);

impl<'de> DeserializeSeed<'de> for RowOf<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowOf<'_, '_, 'de> {
    type Value = ();

    otherwise!(self => self.0.push_nothing(self.1));

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push_nothing(self.1);
        Ok(())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.0.push_nothing(self.1);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self(envelope, place, row) = self;
        envelope.read_row(place, row, map)?;
        envelope.keep(place, row);
        Ok(())
    }
}

/// Finds a field by its name: where the last row had it, or anywhere.
struct FieldName {
    table: &'static Table,
    expected: usize,
}

enum Name {
    /// The field's place.
    Known(usize),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Name, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        let fields = self.table.fields;
        let is_next = fields
            .get(self.expected)
            .is_some_and(|field| field.name == name);
        let place = match is_next {
            true => Some(self.expected),
            false => fields.iter().position(|field| field.name == name),
        };
        Ok(place.map_or_else(|| Name::Unknown(name.to_owned()), Name::Known))
    }
}

/// A finite number, written as one or inside a string.
fn number(json: &RawValue) -> Option<f64> {
    if let Some(count) = small_count(json.get()) {
        return Some(count);
    }
    let number: f64 = unquoted(json)?.trim().parse().ok()?;
    // Adding zero makes one zero of the two: "-0" is nothing that a page should show.
    number.is_finite().then_some(number + 0.0)
}

/// What almost every value is: a few digits, exact as a float.
fn small_count(text: &str) -> Option<f64> {
    if !(1..=15).contains(&text.len()) {
        return None;
    }
    let count = text.bytes().try_fold(0_u64, |count, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| count * 10 + u64::from(digit))
    });
    count.map(|count| count as f64)
}

/// A whole number, written as one, with a fraction that is zero, or inside a string.
fn whole<T: TryFrom<i128>>(json: &RawValue) -> Option<T> {
    /// Up to here a float holds every whole number.
    const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;

    let text = unquoted(json)?;
    let text = text.trim();
    let as_float = || {
        let number: f64 = text.parse().ok()?;
        let is_whole = number.abs() <= EXACT && number.fract() == 0.0;
        is_whole.then(|| format!("{number:.0}").parse().ok())?
    };
    text.parse::<i128>().ok().or_else(as_float)?.try_into().ok()
}

/// Text, written as a string or as an integer (an id may be spelled as either).
fn text_of(json: &RawValue) -> Option<Cow<'_, str>> {
    match json.get().starts_with('"') {
        true => unquoted(json),
        false => digits(json.get()).map(Cow::Borrowed),
    }
}

/// An integer as it stands, digit for digit and however long; of `7.0` what stands before the point. With
/// an exponent (`1.4e+14`) digits may have been lost before it came here, and it could be of any agent.
fn digits(number: &str) -> Option<&str> {
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = integer.strip_prefix('-').unwrap_or(integer);
    let is_integer = !digits.is_empty()
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && fraction.bytes().all(|digit| digit == b'0');
    is_integer.then_some(integer)
}

/// What a JSON string says, or any other JSON as it stands.
fn unquoted(json: &RawValue) -> Option<Cow<'_, str>> {
    let raw = json.get();
    let Some(inside) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
        return Some(Cow::Borrowed(raw));
    };
    if inside.contains('\\') {
        let said = serde_json::from_str(raw).or_else(|_| serde_json::from_str(&repaired(raw)));
        return said.ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call::sample::{AGENTS, GROUPS, NOW};
    use crate::desk::call::{Column, Start};
    use crate::desk::table::Row;

    const BUSY: Column = AGENTS.tables[0].number("BusyTime");
    const NICKNAME: Column = AGENTS.tables[0].text("AgentNickName");

    fn decode(body: &[u8]) -> Result<Reply, Error> {
        super::decode(&AGENTS, Start::default(), body)
    }

    fn decode_after(rows: usize, body: &[u8]) -> Result<Reply, Error> {
        super::decode(&AGENTS, Start { rows, number: 0 }, body)
    }

    fn page(data: &str) -> Reply {
        let body = format!(r#"{{"ErrorCode": 0, "TotalCount": 1, "Data": {data}}}"#);
        decode(body.as_bytes()).unwrap()
    }

    fn row(members: &str) -> Reply {
        page(&format!(r#"[{{"AgentId": "a", {members}}}]"#))
    }

    impl Reply {
        fn only(&self) -> &Rows {
            self.rows().unwrap()
        }
    }

    #[test]
    fn a_number_may_stand_in_a_string_and_must_be_finite() {
        let said = |json: &str| {
            let page = row(&format!(r#""BusyTime": {json}"#));
            page.only().at(0).number(BUSY)
        };
        assert_eq!(said("300"), Some(300.0));
        assert_eq!(said(r#""300""#), Some(300.0));
        assert_eq!(said(r#"" 3\u0030 ""#), Some(30.0));
        assert_eq!(said("-5.5e1"), Some(-55.0));
        assert_eq!(
            said("18446744073709551616"),
            Some(18_446_744_073_709_551_616.0)
        );
        assert!(said("-0").unwrap().is_sign_positive());
        for none in [
            "null", "true", "{}", "[3]", r#""""#, r#""NaN""#, r#""inf""#, "1e400",
        ] {
            assert_eq!(said(none), None, "{none}");
        }
    }

    #[test]
    fn what_holds_no_number_is_remembered_and_what_is_missing_is_not() {
        let page = row(r#""BusyTime": null, "FreeTime": "x", "RestTime": 1, "AgentNickName": {}"#);
        let row = page.only().at(0);
        let ignored: Vec<_> = row.ignored().collect();
        assert_eq!(ignored, ["AgentNickName", "FreeTime", "BusyTime"]);
        let number = |field| row.number(AGENTS.tables[0].number(field));
        assert_eq!(
            (number("RestTime"), number("TotalMsgCnt")),
            (Some(1.0), None)
        );
    }

    #[test]
    fn a_row_without_an_agent_is_counted_and_harms_no_other() {
        let page = page(
            r#"[{"BusyTime": 1}, {"AgentId": ""}, {"AgentId": null}, 5, null, [[]], {"AgentId": "a"}, {"AgentId": 42}]"#,
        );
        let ids: Vec<_> = page.only().iter().map(Row::key).collect();
        assert_eq!((ids, page.only().without_key()), (vec!["a", "42"], 6));
    }

    #[test]
    fn unknown_fields_are_named_once_wherever_they_stand() {
        let body = br#"{"ErrorCode": 0, "New": [[]], "RequestId": "Id-1", "ActionStatus": "OK", "TotalCount": 2,
            "Data": [{"AgentId": "a", "Mood": {}}, {"AgentId": "b", "Mood": 1e999}]}"#;
        let names: Vec<_> = decode(body).unwrap().unknown_fields.into_iter().collect();
        assert_eq!(names, ["Mood", "New"]);
    }

    #[test]
    fn nobody_may_be_an_empty_list_or_null() {
        for data in ["[]", "null"] {
            let body = format!(r#"{{"ErrorCode": 0, "Data": {data}, "TotalCount": 0}}"#);
            assert!(decode(body.as_bytes()).unwrap().only().is_empty(), "{data}");
        }
    }

    #[test]
    fn the_later_of_two_equal_names_counts() {
        let page = row(r#""BusyTime": "x", "BusyTime": 2"#);
        let row = page.only().at(0);
        assert_eq!(row.number(BUSY), Some(2.0));
        assert_eq!(row.ignored().count(), 0);
    }

    #[test]
    fn an_envelope_that_lacks_something_is_refused() {
        let open = "[".repeat(100_000);
        let nested = format!(r#"{{"ErrorCode": 0, "TotalCount": 1, "Data": {open}"#);
        for body in [
            "",
            "null",
            "[]",
            "<html>502</html>",
            "{}",
            r#"{"ErrorCode": 0}"#,
            r#"{"ErrorCode": 0, "TotalCount": 1}"#,
            r#"{"ErrorCode": 0, "TotalCount": 0}"#,
            r#"{"ErrorCode": 0, "TotalCount": 1, "Data": null}"#,
            r#"{"ErrorCode": 0, "TotalCount": -1, "Data": []}"#,
            r#"{"ErrorCode": 0, "TotalCount": 1.5, "Data": []}"#,
            r#"{"ErrorCode": 0, "Data": []}"#,
            r#"{"ErrorCode": null, "TotalCount": 0, "Data": []}"#,
            r#"{"TotalCount": 0, "Data": []}"#,
            r#"{"ErrorCode": 0, "TotalCount": 0, "Data": {}}"#,
            r#"{"ErrorCode": 0, "TotalCount": 0, "Data": []} and more"#,
            r#"{"ErrorCode": 0, "TotalCount": 1, "Data": [{"AgentId": "a""#,
            r#"{"ErrorCode": 0, "TotalCount": 1, "Data": [{"AgentId": "a" "BusyTime": 1}]}"#,
            open.as_str(),
            nested.as_str(),
        ] {
            let error = decode(body.as_bytes()).unwrap_err();
            assert_eq!(error.class(), Class::Protocol, "{body:.60}");
        }
    }

    #[test]
    fn a_text_that_is_bad_costs_itself() {
        let agents = |data: &[u8]| {
            let body = [br#"{"ErrorCode":0,"TotalCount":2,"Data":["#, data, b"]}"].concat();
            let page = decode(&body).unwrap();
            let rows = page.only().iter();
            let agents: Vec<_> = rows
                .map(|row| {
                    format!(
                        "{} {:?} {:?}",
                        row.key(),
                        row.text(NICKNAME),
                        row.number(BUSY)
                    )
                })
                .collect();
            (agents, page.only().without_key())
        };
        let whole = "b \"B\" Some(5.0)".to_owned();
        let other = br#",{"AgentId":"b","BusyTime":5,"AgentNickName":"B"}"#;
        let cut_off = &"客服".as_bytes()[..5];
        for (row, said) in [
            (
                [
                    br#"{"AgentId":"a","AgentNickName":""#,
                    cut_off,
                    br#"","BusyTime":1}"#,
                ]
                .concat(),
                "a \"客\u{fffd}\" Some(1.0)",
            ),
            (
                b"{\"AgentId\":\"a\xff\",\"BusyTime\":1,\"\xc3\":\"\xed\xa0\x80\"}".to_vec(),
                "a\u{fffd} \"\" Some(1.0)",
            ),
            (
                br#"{"AgentId":"a","AgentNickName":"\ud800","Mood\udfff":"\ud800","BusyTime":1}"#
                    .to_vec(),
                "a \"\u{fffd}\" Some(1.0)",
            ),
            (
                b"{\"AgentId\":\"a\",\"AgentNickName\":\"x\0\ny\",\"BusyTime\":NaN}".to_vec(),
                "a \"x\\0\\ny\" None",
            ),
            (
                br#"{"AgentId":"a","BusyTime":1e400}"#.to_vec(),
                "a \"\" None",
            ),
        ] {
            let expected = (vec![said.to_owned(), whole.clone()], 0);
            assert_eq!(agents(&[&row, &other[..]].concat()), expected);
        }
        let nest = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let maps = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        for row in [
            "1e400",
            "-1e999",
            "NaN",
            "5",
            "\"x\"",
            "\"\\ud800\"",
            &nest,
            &maps,
        ] {
            let data = [row.as_bytes(), other].concat();
            let (held, without_id) = agents(&data);
            let is_object = row.starts_with('{');
            assert_eq!(
                (held, without_id),
                (vec![whole.clone()], 1),
                "{row:.20} {is_object}"
            );
        }
        for value in [&nest, &maps] {
            let row = format!(r#"{{"AgentId":"a","BusyTime":{value},"New":{value}}}"#);
            let (held, _) = agents(&[row.as_bytes(), other].concat());
            assert_eq!(held, ["a \"\" None", whole.as_str()]);
        }
    }

    #[test]
    fn the_envelope_may_be_written_in_many_ways() {
        for (code, count) in [
            ("0", "1"),
            ("0.0", "1.0"),
            ("\"0\"", "\"1\""),
            ("-0", "1e0"),
            ("0e0", "10e-1"),
            ("\" 0.0 \"", "\"1.0\""),
        ] {
            let body = format!(
                r#"{{"ErrorCode":{code},"TotalCount":{count},"Data":[{{"AgentId":"a"}}]}}"#
            );
            for body in [body.clone(), format!("\u{feff}{body}")] {
                let page = decode(body.as_bytes()).unwrap();
                assert_eq!((page.total, page.only().len()), (Some(1), 1), "{body}");
            }
        }
        for count in [
            "1.5", "1e300", "\"\"", "\"inf\"", "true", "1e400", "-1.0", "[1]",
        ] {
            let body = format!(r#"{{"ErrorCode":0,"TotalCount":{count},"Data":[]}}"#);
            assert!(decode(body.as_bytes()).is_err(), "{count}");
        }
        let fails = br#"{"ErrorCode": 70001.0}"#;
        assert_eq!(decode(fails).unwrap_err().code(), Some(70_001));
        let says = br#"{"ActionStatus": "FAIL", "ErrorInfo": "who are you?"}"#;
        let error = decode(says).unwrap_err();
        assert_eq!(error.class(), Class::Protocol);
        assert!(error.to_string().contains("who are you?"), "{error}");
    }

    #[test]
    fn an_id_may_be_an_integer_of_any_length() {
        for (id, said) in [
            ("9223372036854775808", "9223372036854775808"),
            ("-42", "-42"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("1289316652.0", "1289316652"),
        ] {
            let page = page(&format!(r#"[{{"AgentId":{id},"AgentNickName":{id}}}]"#));
            let row = page.only().at(0);
            assert_eq!((row.key(), row.text(NICKNAME)), (said, said));
        }
        for no_id in ["1.4e+14", "1e3", "7.5", "true", "{}"] {
            let page = page(&format!(r#"[{{"AgentId":{no_id}}}]"#));
            assert_eq!(
                (page.only().len(), page.only().without_key()),
                (0, 1),
                "{no_id}"
            );
        }
    }

    #[test]
    fn null_is_an_empty_list_behind_the_last_page_and_where_there_is_none() {
        let counted = br#"{"ErrorCode":0,"TotalCount":250,"Data":null}"#;
        for offset in [1, 120, 250, 300] {
            assert!(decode_after(offset, counted).unwrap().only().is_empty());
        }
        for offset in [0, 100, 200] {
            assert!(decode_after(offset, counted).is_err());
        }
        let nothing = br#"{"ErrorCode":0,"TotalCount":0,"Data":null}"#;
        assert!(decode(nothing).unwrap().only().is_empty());
    }

    #[test]
    fn what_is_too_long_to_be_kept_is_of_class_protocol() {
        let row = |id: usize, name: usize| {
            let (id, name) = ("i".repeat(id), "n".repeat(name));
            let body = format!(
                r#"{{"ErrorCode":0,"TotalCount":1,"Data":[{{"AgentId":"{id}","AgentNickName":"{name}"}}]}}"#
            );
            decode(body.as_bytes()).map(|page| page.only().len())
        };
        assert_eq!(row(LONGEST_ID, LONGEST_TEXT), Ok(1));
        for (id, name) in [(LONGEST_ID + 1, 0), (1, LONGEST_TEXT + 1)] {
            assert_eq!(row(id, name).unwrap_err().class(), Class::Protocol);
        }
        let rows = vec![r#"{"AgentId":"a"}"#; MOST_ROWS + 1].join(",");
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":1,"Data":[{rows}]}}"#);
        assert_eq!(
            decode(body.as_bytes()).unwrap_err().class(),
            Class::Protocol
        );
    }

    #[test]
    fn a_refusal_is_told_by_its_code_whatever_else_the_answer_lacks() {
        let body = br#"{"ActionStatus": "FAIL", "ErrorCode": 141009, "ErrorInfo": "slow down", "Data": 7}"#;
        let error = decode(body).unwrap_err();
        assert_eq!(
            (error.class(), error.code()),
            (Class::RateLimited, Some(141_009))
        );
        assert!(error.to_string().contains("slow down"));
        assert_eq!(
            decode(br#"{"ErrorCode": "70001"}"#).unwrap_err().code(),
            Some(70_001)
        );
    }

    #[test]
    fn a_single_row_is_an_object_and_holds_rows_of_its_own() {
        let decode = |data: &str| {
            let body = format!(r#"{{"ErrorCode":0,"Data":{data}}}"#);
            super::decode(&NOW, Start::default(), body.as_bytes())
        };
        let groups = |page: &Reply| -> Vec<String> {
            page.tables[1]
                .iter()
                .map(|row| row.key().to_owned())
                .collect()
        };
        let queue = NOW.tables[0].number("Queue");
        let page =
            decode(r#"{"Queue":2,"Groups":[{"GroupId":7,"Queue":1},{"Queue":1},5],"New":1}"#)
                .unwrap();
        assert_eq!(page.only().at(0).number(queue), Some(2.0));
        assert_eq!(
            (groups(&page), page.tables[1].without_key()),
            (vec!["7".to_owned()], 2)
        );
        assert_eq!(page.unknown_fields, ["New".to_owned()].into());
        // The documents have the groups as an object too.
        let page = decode(r#"{"Groups":{"GroupId":7,"Queue":1},"Queue":2}"#).unwrap();
        assert_eq!(groups(&page), ["7"]);
        assert_eq!(
            decode(r#"{"Groups":null}"#)
                .unwrap()
                .only()
                .at(0)
                .ignored()
                .count(),
            0
        );
        for none in ["5", "\"x\""] {
            let page = decode(&format!(r#"{{"Groups":{none}}}"#)).unwrap();
            assert_eq!(
                page.only().at(0).ignored().collect::<Vec<_>>(),
                ["Groups"],
                "{none}"
            );
        }
        for refused in ["[]", "null", "[{}]", "5"] {
            assert!(decode(refused).is_err(), "{refused}");
        }
        // Said twice, only the last counts.
        let body = br#"{"ErrorCode":0,"Data":{"Groups":[{"GroupId":1}]},"Data":{"Queue":1}}"#;
        let page = super::decode(&NOW, Start::default(), body).unwrap();
        assert_eq!((page.only().len(), page.tables[1].len()), (1, 0));
    }

    #[test]
    fn ids_are_each_there_once_and_what_is_none_costs_itself() {
        let ids = |json: &str| {
            let body = format!(r#"{{"ErrorCode":0,"Total":1,"List":[{{"Id":"a","Ids":{json}}}]}}"#);
            let page = super::decode(&GROUPS, Start::default(), body.as_bytes()).unwrap();
            let row = page.only().at(0);
            let ids: Vec<_> = row
                .ids(GROUPS.tables[0].ids("Ids"))
                .map(str::to_owned)
                .collect();
            (ids.join(","), row.ignored().count())
        };
        assert_eq!(
            ids("[3067,\"1234\",3067,\"3067\"]"),
            ("3067,1234".to_owned(), 0)
        );
        for empty in ["[]", "null"] {
            assert_eq!(ids(empty), (String::new(), 0), "{empty}");
        }
        assert_eq!(ids("[1,null,\"\",1.5,[2],3]"), ("1,3".to_owned(), 1));
        for none in ["5", "{}", "\"1\""] {
            assert_eq!(ids(none), (String::new(), 1), "{none}");
        }
        let many: Vec<_> = (0..=MOST_IDS).map(|id| id.to_string()).collect();
        let body = format!(
            r#"{{"ErrorCode":0,"Total":1,"List":[{{"Id":"a","Ids":[{}]}}]}}"#,
            many.join(",")
        );
        let error = super::decode(&GROUPS, Start::default(), body.as_bytes()).unwrap_err();
        assert_eq!(error.class(), Class::Protocol);
    }

    #[test]
    fn null_is_an_empty_page_where_numbers_may_begin_elsewhere() {
        let body = br#"{"ErrorCode":0,"Total":250,"List":null}"#;
        let at = |rows| super::decode(&GROUPS, Start { rows, number: 1 }, body).is_ok();
        assert!(at(0) && at(250) && at(30) && !at(100));
    }

    #[test]
    fn days_and_full_hours_are_read_and_nothing_else() {
        for (text, said) in [
            ("09:00", Some("09")),
            ("9:00", Some("09")),
            ("23:00:00", Some("23")),
            (" 00:00 ", Some("00")),
            ("7", None),
            ("24:00", None),
            ("09:30", None),
            ("-1:00", None),
            ("+9:00", None),
            ("2025-04-06", None),
            ("", None),
        ] {
            assert_eq!(hour(text).as_deref(), said, "{text}");
        }
        assert_eq!(date(" 2025-04-06 ").as_deref(), Some("2025-04-06"));
        for none in ["2025-13-06", "09:00", "", "yesterday"] {
            assert_eq!(date(none), None, "{none}");
        }
    }
}
