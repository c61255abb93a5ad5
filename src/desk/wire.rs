//! What goes over the wire: the request's body, the answer's envelope, an agent's row.
//!
//! The envelope is read strictly: what cannot be trusted there fails the page. A row is read
//! leniently: a field that holds no number costs only itself, and is remembered as such. Values
//! are taken from the JSON text and not through a tree, so that neither `1e400` nor a nest of
//! brackets spoils the rest, and a page of rows costs one pass.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{Class, Error};
use super::rows::{Field, NewRow, Rows};

/// The most rows that one request may ask for (the API's page: "the maximum is 100").
pub const LIMIT: usize = 100;

/// More names than any version of the API has; a flood of them is counted no further.
const MOST_UNKNOWN_NAMES: usize = 1000;

/// Longer than any name that the API has; of a longer one only the beginning is kept, for the log.
const LONGEST_UNKNOWN_NAME: usize = 64;

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
}

/// Reads one answer.
///
/// # Errors
/// What Desk refuses with, by its code; of class `protocol`, an answer that cannot be read or lacks
/// what it must have. HTTP's status says nothing here: success is `ErrorCode` 0 and nothing else.
pub fn decode(body: &[u8]) -> Result<Page, Error> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8"))?;
    let mut unknown_fields = BTreeSet::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let envelope = EnvelopeSeed(&mut unknown_fields)
        .deserialize(&mut json)
        .and_then(|envelope| json.end().map(|()| envelope))
        .map_err(|error| broken(&error))?;
    let code = envelope
        .error_code
        .and_then(integer::<i64>)
        .ok_or_else(|| unreadable("it has no ErrorCode"))?;
    if code != 0 {
        let info = envelope.error_info.and_then(text_of);
        return Err(Error::refused(code, info.as_deref().unwrap_or_default()));
    }
    let total_count = envelope
        .total_count
        .and_then(integer)
        .ok_or_else(|| unreadable("it says success but has no TotalCount"))?;
    let data = envelope
        .data
        .filter(|data| !data.is_null || total_count == 0)
        .ok_or_else(|| unreadable("it says success but has no array as Data"))?;
    Ok(Page {
        total_count,
        rows: data.rows,
        rows_without_id: data.without_id,
        unknown_fields,
    })
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
    /// As many programs write an empty list; where rows are counted it is none.
    is_null: bool,
}

struct EnvelopeSeed<'u>(&'u mut BTreeSet<String>);

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
                    remember(self.0, unknown);
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
struct DataSeed<'u>(&'u mut BTreeSet<String>);

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
        Ok(Some(data))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads one row to where it belongs; whatever is no object has no agent's id, and is left out.
struct RowSeed<'u>(&'u mut Rows, &'u mut BTreeSet<String>);

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
                    remember(self.1, &name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !row.has_agent_id() {
            self.0.pass_over(&row);
            return Ok(None);
        }
        self.0.push(&row);
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

/// An integer, written as one or inside a string.
fn integer<T: std::str::FromStr>(json: &RawValue) -> Option<T> {
    unquoted(json)?.trim().parse().ok()
}

/// Text, written as a string or as an integer (an id may be spelled as either).
fn text_of(json: &RawValue) -> Option<Cow<'_, str>> {
    match json.get().starts_with('"') {
        true => unquoted(json),
        false => integer::<i64>(json).map(|id| Cow::Owned(id.to_string())),
    }
}

/// What a JSON string says, or any other JSON as it stands.
fn unquoted(json: &RawValue) -> Option<Cow<'_, str>> {
    let raw = json.get();
    let Some(inside) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
        return Some(Cow::Borrowed(raw));
    };
    if inside.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::rows::Row;

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
        let error = decode(b"{\"ErrorCode\": 0, \"TotalCount\": 0, \"Data\": [\"\xff\"]}");
        assert_eq!(error.unwrap_err().class(), Class::Protocol);
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
