//! What goes over the wire: the request's body, the answer's envelope, an agent's row.
//!
//! What decides over a page (its error code, how many rows there are, where they begin and end) is
//! read leniently in how it is written and strictly in what it says. A row is read leniently: a
//! field that holds no number costs only itself, and is remembered as such. Values are taken from
//! the JSON text and not through a tree, so that neither `1e400` nor a nest of brackets spoils the
//! rest, and a page of rows costs one pass; what is no JSON takes a second one, repaired.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{Class, Error, harmless};
use super::repair::repaired;
use super::table::{Field, NewRow, Rows};

/// The most rows that one request may ask for (the API's page: "the maximum is 100").
pub const LIMIT: usize = 100;

/// More names than any version of the API has; a flood of them is counted no further.
const MOST_UNKNOWN_NAMES: usize = 1000;

/// Longer than any name that the API has; of a longer one only the beginning is kept, for the log.
const LONGEST_UNKNOWN_NAME: usize = 64;

/// No account's name comes near this (the gateway's are of 32 bytes). An id is written once for each of
/// its agent's samples, so that a page of ids without bounds would take all memory.
const LONGEST_ID: usize = 4 * 1024;

/// No name that a person reads is longer.
const LONGEST_NICKNAME: usize = 128 * 1024;

/// The most agents that one walk may bring. An answer that promises more is not believed.
pub(super) const MOST_ROWS: usize = 200_000;

/// The body of `describe_agent_statistics`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request<'a> {
    /// The day's first second, Unix time.
    pub from: i64,
    /// The day's last second, Unix time.
    pub to: i64,
    /// At most [`LIMIT`].
    pub limit: usize,
    /// How many rows to pass over.
    pub offset: usize,
    /// Only these agents; all of them where it is empty. The page's table calls it a string, its
    /// example is an array of strings, and so is this.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub agent_ids: &'a [String],
}

/// A page of rows, as one answer holds them.
#[derive(Debug, Default)]
pub struct Page {
    /// How many rows Desk says there are in all.
    pub total_count: u64,
    /// In Desk's order, less those without an agent's id.
    pub rows: Rows,
    /// How many those are.
    pub rows_without_id: usize,
    /// Names of fields that this version does not know.
    pub unknown_fields: BTreeSet<String>,
    /// How many bytes it was written in.
    pub bytes: usize,
}

/// Reads the answer for the first rows.
///
/// # Errors
/// As [`decode_after`].
pub fn decode(body: &[u8]) -> Result<Page, Error> {
    decode_after(0, body)
}

/// Reads the answer for the rows after the first `offset`.
///
/// # Errors
/// What Desk refuses with, by its code; of class `protocol`, an answer that cannot be read or lacks
/// what it must have. HTTP's status says nothing here: success is `ErrorCode` 0 and nothing else.
pub fn decode_after(offset: usize, body: &[u8]) -> Result<Page, Error> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    // The one that repairs is slower, also where there is nothing to repair.
    let text =
        std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let page = match read(&text) {
        Err(error) if error.is_syntax() => read(&repaired(&text))
            .map(|answer| answer.page(offset))
            .map_err(|_| error),
        answer => answer.map(|answer| answer.page(offset)),
    };
    let page = page.map_err(|error| broken(&error))??;
    Ok(Page {
        bytes: body.len(),
        ..page
    })
}

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn read(text: &str) -> serde_json::Result<Answer<'_>> {
    let mut notes = Notes::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let envelope = EnvelopeSeed(&mut notes).deserialize(&mut json)?;
    json.end()?;
    Ok(Answer { envelope, notes })
}

/// An answer that is JSON, and what was noticed in it.
struct Answer<'a> {
    envelope: Envelope<'a>,
    notes: Notes,
}

/// What is noticed on the way over an answer.
#[derive(Default)]
struct Notes {
    unknown_fields: BTreeSet<String>,
    /// What there is too much of to be kept.
    excess: Option<&'static str>,
}

impl Answer<'_> {
    fn page(self, offset: usize) -> Result<Page, Error> {
        let Self { envelope, notes } = self;
        let info = envelope.error_info.and_then(text_of).unwrap_or_default();
        let code: i64 = envelope
            .error_code
            .and_then(whole)
            .ok_or_else(|| unreadable(&without_code(&info)))?;
        if code != 0 {
            return Err(Error::refused(code, &info));
        }
        let total_count = envelope
            .total_count
            .and_then(whole)
            .ok_or_else(|| unreadable("it says success but has no TotalCount"))?;
        // As many programs write an empty list: it is one where no more rows are promised, and behind a page
        // that was not full, which was the last one whatever is counted. Where a full page is due it is none.
        let is_behind_all = u64::try_from(offset).is_ok_and(|offset| offset >= total_count);
        let may_be_empty = is_behind_all || !offset.is_multiple_of(LIMIT);
        let data = envelope
            .data
            .filter(|data| !data.is_null || may_be_empty)
            .ok_or_else(|| unreadable("it says success but has no array as Data"))?;
        if let Some(excess) = notes.excess {
            return Err(unreadable(&format!("it holds {excess}")));
        }
        Ok(Page {
            total_count,
            rows: data.rows,
            rows_without_id: data.without_id,
            unknown_fields: notes.unknown_fields,
            bytes: 0,
        })
    }
}

fn without_code(info: &str) -> String {
    match harmless(info).as_str() {
        "" => "it has no ErrorCode".to_owned(),
        said => format!("it has no ErrorCode (it says: {said})"),
    }
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

/// The members of an answer that we know, still as JSON.
#[derive(Default)]
struct Envelope<'a> {
    error_code: Option<&'a RawValue>,
    error_info: Option<&'a RawValue>,
    total_count: Option<&'a RawValue>,
    /// The rows; nothing where it is no array.
    data: Option<Data>,
}

/// What `Data` holds.
#[derive(Default)]
struct Data {
    rows: Rows,
    without_id: usize,
    /// As many programs write an empty list; where rows are due it is none.
    is_null: bool,
}

struct EnvelopeSeed<'n>(&'n mut Notes);

impl<'de> DeserializeSeed<'de> for EnvelopeSeed<'_> {
    type Value = Envelope<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed<'_> {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "ErrorCode" => envelope.error_code = map.next_value()?,
                "ErrorInfo" => envelope.error_info = map.next_value()?,
                "TotalCount" => envelope.total_count = map.next_value()?,
                "Data" => envelope.data = map.next_value_seed(DataSeed(self.0))?,
                "ActionStatus" | "RequestId" => drop(map.next_value::<IgnoredAny>()?),
                unknown => {
                    remember(&mut self.0.unknown_fields, unknown);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
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

/// What is said of JSON that is of another kind than expected: nothing, and no error either.
macro_rules! nothing_else {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }
    };
}

/// Reads `Data`.
struct DataSeed<'n>(&'n mut Notes);

impl<'de> DeserializeSeed<'de> for DataSeed<'_> {
    type Value = Option<Data>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_> {
    type Value = Option<Data>;

    nothing_else!();

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some(Data {
            is_null: true,
            ..Data::default()
        }))
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut data = Data::default();
        data.rows.reserve(LIMIT);
        while let Some(row) = seq.next_element_seed(RowSeed(&mut data.rows, self.0))? {
            data.without_id += usize::from(row.is_none());
        }
        if data.rows.len() + data.without_id > MOST_ROWS {
            self.0.excess = Some("more rows than any Desk has agents");
        }
        Ok(Some(data))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads one row to where it belongs; whatever is no object has no agent's id, and is left out.
struct RowSeed<'n>(&'n mut Rows, &'n mut Notes);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Option<()>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Option<()>;

    nothing_else!();

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = NewRow::new();
        while let Some(name) = map.next_key::<FieldName<'de>>()? {
            match name {
                FieldName::Known(field) => take(&mut row, field, map.next_value()?),
                FieldName::Unknown(name) => {
                    remember(&mut self.1.unknown_fields, &name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !row.has_agent_id() {
            self.0.pass_over(&row);
            return Ok(None);
        }
        self.1.excess = self.1.excess.or_else(|| excess_of(&row));
        if self.1.excess.is_none() && self.0.len() <= MOST_ROWS {
            self.0.push(&row);
        }
        Ok(Some(()))
    }
}

fn take<'de>(row: &mut NewRow<'de>, field: Field, json: &'de RawValue) {
    match field {
        Field::AgentId => row.set_agent_id(text_of(json).unwrap_or_default()),
        Field::AgentNickName => row.set_nickname(text_of(json)),
        _ => row.set_number(field, number(json)),
    }
}

enum FieldName<'de> {
    Known(Field),
    Unknown(Cow<'de, str>),
}

impl<'de> Deserialize<'de> for FieldName<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Name;

        impl<'de> Visitor<'de> for Name {
            type Value = FieldName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Field::by_name(name).map_or_else(
                    || FieldName::Unknown(Cow::Owned(name.to_owned())),
                    FieldName::Known,
                ))
            }
        }

        json.deserialize_str(Name)
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

/// What a row says that is too long to be kept.
fn excess_of(row: &NewRow<'_>) -> Option<&'static str> {
    if row.agent_id().len() > LONGEST_ID {
        return Some("an agent's id of more than 4 KiB");
    }
    (row.nickname().len() > LONGEST_NICKNAME).then_some("a nickname of more than 128 KiB")
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
/// an exponent (`1.4e+14`) digits may have been lost before it came here, and it could be of anybody.
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
    use crate::desk::table::Row;

    fn page(data: &str) -> Page {
        let body = format!(r#"{{"ErrorCode": 0, "TotalCount": 1, "Data": {data}}}"#);
        decode(body.as_bytes()).unwrap()
    }

    fn row(members: &str) -> Rows {
        page(&format!(r#"[{{"AgentId": "a", {members}}}]"#)).rows
    }

    #[test]
    fn a_number_may_stand_in_a_string_and_must_be_finite() {
        let said = |json: &str| {
            let rows = row(&format!(r#""BusyTime": {json}"#));
            rows.at(0).number(Field::BusyTime)
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
        let rows = row(r#""BusyTime": null, "FreeTime": "x", "RestTime": 1, "AgentNickName": {}"#);
        let row = rows.at(0);
        let ignored: Vec<_> = row.ignored().collect();
        assert_eq!(
            ignored,
            [Field::AgentNickName, Field::FreeTime, Field::BusyTime]
        );
        assert_eq!(row.number(Field::RestTime), Some(1.0));
        assert_eq!(row.number(Field::TotalMsgCnt), None);
    }

    #[test]
    fn a_row_without_an_agent_is_counted_and_harms_no_other() {
        let page = page(
            r#"[{"BusyTime": 1}, {"AgentId": ""}, {"AgentId": null}, 5, null, [[]], {"AgentId": "a"}, {"AgentId": 42}]"#,
        );
        let ids: Vec<_> = page.rows.iter().map(Row::agent_id).collect();
        assert_eq!((ids, page.rows_without_id), (vec!["a", "42"], 6));
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
            assert!(decode(body.as_bytes()).unwrap().rows.is_empty(), "{data}");
        }
    }

    #[test]
    fn the_later_of_two_equal_names_counts() {
        let rows = row(r#""BusyTime": "x", "BusyTime": 2"#);
        let row = rows.at(0);
        assert_eq!(row.number(Field::BusyTime), Some(2.0));
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
            let rows = page.rows.iter();
            let agents: Vec<_> = rows
                .map(|row| {
                    let busy = row.number(Field::BusyTime);
                    format!("{} {:?} {:?}", row.agent_id(), row.nickname(), busy)
                })
                .collect();
            (agents, page.rows_without_id)
        };
        let whole = "b Some(\"B\") Some(5.0)".to_owned();
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
                "a Some(\"客\u{fffd}\") Some(1.0)",
            ),
            (
                b"{\"AgentId\":\"a\xff\",\"BusyTime\":1,\"\xc3\":\"\xed\xa0\x80\"}".to_vec(),
                "a\u{fffd} None Some(1.0)",
            ),
            (
                br#"{"AgentId":"a","AgentNickName":"\ud800","Mood\udfff":"\ud800","BusyTime":1}"#
                    .to_vec(),
                "a Some(\"\u{fffd}\") Some(1.0)",
            ),
            (
                b"{\"AgentId\":\"a\",\"AgentNickName\":\"x\0\ny\",\"BusyTime\":NaN}".to_vec(),
                "a Some(\"x\\0\\ny\") None",
            ),
            (
                br#"{"AgentId":"a","BusyTime":1e400}"#.to_vec(),
                "a None None",
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
            let (found, without_id) = agents(&data);
            let is_object = row.starts_with('{');
            assert_eq!(
                (found, without_id),
                (vec![whole.clone()], 1),
                "{row:.20} {is_object}"
            );
        }
        for value in [&nest, &maps] {
            let row = format!(r#"{{"AgentId":"a","BusyTime":{value},"New":{value}}}"#);
            let (found, _) = agents(&[row.as_bytes(), other].concat());
            assert_eq!(found, ["a None None", whole.as_str()]);
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
                assert_eq!((page.total_count, page.rows.len()), (1, 1), "{body}");
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
            let row = page.rows.at(0);
            assert_eq!((row.agent_id(), row.nickname()), (said, Some(said)));
        }
        for no_id in ["1.4e+14", "1e3", "7.5", "true", "{}"] {
            let page = page(&format!(r#"[{{"AgentId":{no_id}}}]"#));
            assert_eq!((page.rows.len(), page.rows_without_id), (0, 1), "{no_id}");
        }
    }

    #[test]
    fn null_is_an_empty_list_behind_the_last_page_and_where_there_is_none() {
        let counted = br#"{"ErrorCode":0,"TotalCount":250,"Data":null}"#;
        for offset in [1, 120, 250, 300] {
            assert!(decode_after(offset, counted).unwrap().rows.is_empty());
        }
        for offset in [0, 100, 200] {
            assert!(decode_after(offset, counted).is_err());
        }
        let nothing = br#"{"ErrorCode":0,"TotalCount":0,"Data":null}"#;
        assert!(decode(nothing).unwrap().rows.is_empty());
    }

    #[test]
    fn what_is_too_long_to_be_kept_is_of_class_protocol() {
        let row = |id: usize, name: usize| {
            let (id, name) = ("i".repeat(id), "n".repeat(name));
            let body = format!(
                r#"{{"ErrorCode":0,"TotalCount":1,"Data":[{{"AgentId":"{id}","AgentNickName":"{name}"}}]}}"#
            );
            decode(body.as_bytes()).map(|page| page.rows.len())
        };
        assert_eq!(row(LONGEST_ID, LONGEST_NICKNAME), Ok(1));
        for (id, name) in [(LONGEST_ID + 1, 0), (1, LONGEST_NICKNAME + 1)] {
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
    fn the_request_is_written_as_the_documents_have_it() {
        let ids = ["1289316652@qq.com".to_owned()];
        let mut request = Request {
            from: 1_736_697_600,
            to: 1_736_783_999,
            limit: 100,
            offset: 0,
            agent_ids: &ids,
        };
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"From":1736697600,"To":1736783999,"Limit":100,"Offset":0,"AgentIds":["1289316652@qq.com"]}"#
        );
        request.agent_ids = &[];
        assert!(
            !serde_json::to_string(&request)
                .unwrap()
                .contains("AgentIds")
        );
    }
}
