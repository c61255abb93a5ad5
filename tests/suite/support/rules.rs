//! What Desk refuses, and by which documented code: the reference's sections 1.1, 2, 3 and 4.
//!
//! Stricter than the real one may be, never more lenient. A request that passes is an [`Ask`].

use jiff::Timestamp;

use super::desk::Request;
use super::endpoints::{Ask, Calendar, Endpoint, check_body};
use super::usersig::Members;

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

/// The documented code, and why, for the report of a failed test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) why: String,
}

pub(super) fn refuse<T>(code: i64, why: impl Into<String>) -> Result<T, Refusal> {
    let why = why.into();
    Err(Refusal { code, why })
}

/// Checks everything about a request; `now` and `zone` say what Desk's day is.
pub(crate) fn judge(
    request: &Request,
    account: &Account,
    calendar: &Calendar,
) -> Result<Ask, Refusal> {
    let endpoint = check_line(request)?;
    check_query(request)?;
    check_account(request, account)?;
    check_signature(request, account, calendar.now)?;
    check_body(endpoint, request, calendar)
}

fn check_line(request: &Request) -> Result<Endpoint, Refusal> {
    if request.method != "POST" {
        return refuse(60002, format!("{} instead of POST", request.method));
    }
    if super::http::header(&request.headers, "host").is_none() {
        return refuse(60002, "no Host");
    }
    match request.endpoint() {
        Some(endpoint) => Ok(endpoint),
        None => refuse(60009, format!("no such path: {}", request.path())),
    }
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
