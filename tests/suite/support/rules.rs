//! What Desk refuses, and by which documented code: the reference's sections 1.1, 2, 3 and 4.
//!
//! Stricter than the real one may be, never more lenient. A request that passes is an [`Ask`].

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};

use super::desk::Request;
use super::usersig::Members;

pub(crate) const PATH: &str = "/v4/desk_http_svc/describe_agent_statistics";

/// How long after midnight a request may still be of the day at which its poll began.
const POLL_OVER_MIDNIGHT: i64 = 120;

/// Whose Desk this is.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) sdk_app_id: u64,
    pub(crate) identifier: String,
    pub(crate) key: String,
}

impl Default for Account {
    fn default() -> Self {
        Account {
            sdk_app_id: 1_400_000_000,
            identifier: "administrator".to_owned(),
            key: "afe76470a2f47c65ff95385b42de1fb78de3164ae9931120c51a9e9162e8ae2b".to_owned(),
        }
    }
}

/// What a good request asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) agent_ids: Option<Vec<String>>,
}

/// The documented code, and why, for whoever reads the failed test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) why: String,
}

fn refuse<T>(code: i64, why: impl Into<String>) -> Result<T, Refusal> {
    let why = why.into();
    Err(Refusal { code, why })
}

/// Checks everything about a request; `now` and `zone` say what Desk's day is.
pub(crate) fn judge(
    request: &Request,
    account: &Account,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Ask, Refusal> {
    check_line(request)?;
    check_query(request)?;
    check_account(request, account)?;
    check_signature(request, account, now)?;
    check_body(request, now, zone)
}

fn check_line(request: &Request) -> Result<(), Refusal> {
    if request.method != "POST" {
        return refuse(60002, format!("{} instead of POST", request.method));
    }
    if request.path() != PATH {
        return refuse(60009, format!("no such path: {}", request.path()));
    }
    if super::http::header(&request.headers, "host").is_none() {
        return refuse(60002, "no Host");
    }
    Ok(())
}

fn check_query(request: &Request) -> Result<(), Refusal> {
    let query = request.query();
    let mut names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if !names.contains(&"sdkappid") {
        return refuse(60012, "no sdkappid");
    }
    if names != ["contenttype", "identifier", "random", "sdkappid", "usersig"] {
        return refuse(60002, format!("query parameters {names:?}"));
    }
    let random = request.parameter("random");
    if !is_u32(&random) {
        return refuse(60002, format!("random={random} is no u32"));
    }
    if request.parameter("contenttype") != "json" {
        return refuse(60002, "contenttype is not json");
    }
    Ok(())
}

fn is_u32(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|n| n.to_string() == text)
}

fn check_account(request: &Request, account: &Account) -> Result<(), Refusal> {
    if request.parameter("sdkappid") != account.sdk_app_id.to_string() {
        return refuse(60006, "another sdkappid");
    }
    if request.parameter("identifier") != account.identifier {
        return refuse(60010, "not the App administrator");
    }
    Ok(())
}

fn check_signature(request: &Request, account: &Account, now: Timestamp) -> Result<(), Refusal> {
    let text = request.user_sig();
    if text.is_empty() {
        return refuse(70002, "usersig is empty");
    }
    let Some(members) = Members::read(&text) else {
        return refuse(70003, "usersig cannot be read");
    };
    if members.identifier != account.identifier {
        return refuse(70013, "usersig of another identifier");
    }
    if members.sdk_app_id != account.sdk_app_id {
        return refuse(70014, "usersig of another sdkappid");
    }
    if members.signature != members.signature_by(&account.key) {
        return refuse(70009, "usersig by another key");
    }
    if now.as_second() > members.good_until() {
        return refuse(70001, "usersig has expired");
    }
    Ok(())
}

fn check_body(request: &Request, now: Timestamp, zone: &TimeZone) -> Result<Ask, Refusal> {
    let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
        return refuse(60003, "the body is no JSON object");
    };
    let known = ["From", "To", "Limit", "Offset", "AgentIds"];
    if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
        return refuse(141_004, format!("unknown member {name}"));
    }
    check_window(&body, now, zone)?;
    let limit = whole(&body, "Limit", 100)?;
    if !(1..=100).contains(&limit) {
        return refuse(141_004, format!("Limit {limit}"));
    }
    Ok(Ask {
        limit,
        offset: whole(&body, "Offset", 0)?,
        agent_ids: agent_ids(&body)?,
    })
}

fn check_window(body: &Map<String, Value>, now: Timestamp, zone: &TimeZone) -> Result<(), Refusal> {
    let asked = (whole_second(body, "From")?, whole_second(body, "To")?);
    let just_now = now - POLL_OVER_MIDNIGHT.seconds();
    if asked == day(now, zone) || asked == day(just_now, zone) {
        return Ok(());
    }
    let why = format!("From and To {asked:?} instead of {:?}", day(now, zone));
    refuse(141_004, why)
}

/// First and last second of the calendar day, by `zone`, that holds `instant`.
pub(crate) fn day(instant: Timestamp, zone: &TimeZone) -> (i64, i64) {
    let date = instant.to_zoned(zone.clone()).date();
    let start_of = |date: jiff::civil::Date| date.to_zoned(zone.clone()).unwrap().timestamp();
    let next = start_of(date.tomorrow().unwrap());
    (start_of(date).as_second(), next.as_second() - 1)
}

fn whole_second(body: &Map<String, Value>, name: &str) -> Result<i64, Refusal> {
    match body.get(name).and_then(Value::as_i64) {
        Some(second) => Ok(second),
        None => refuse(141_004, format!("{name} is no integer")),
    }
}

fn whole(body: &Map<String, Value>, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(value) = body.get(name) else {
        return Ok(default);
    };
    match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
        Some(number) => Ok(number),
        None => refuse(141_004, format!("{name} is {value}")),
    }
}

fn agent_ids(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = body.get("AgentIds") else {
        return Ok(None);
    };
    match serde_json::from_value(value.clone()) {
        Ok(ids) => Ok(Some(ids)),
        Err(_) => refuse(141_004, format!("AgentIds is no array of strings: {value}")),
    }
}
