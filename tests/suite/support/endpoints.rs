//! Desk's endpoints: what each may be asked with, and what its answer is made of. Sections 1 to 6 of the reference.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};

use super::desk::Request;
use super::rules::{Refusal, refuse};

const SERVICE: &str = "/v4/desk_http_svc/";

/// How long after midnight a request may still be of the day at which its poll began.
const POLL_OVER_MIDNIGHT: i64 = 120;

/// One endpoint that the exporter may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    AgentStatistics,
    MemberRealtime,
    ReceptionRealtime,
    SessionStatistics,
    MemberList,
    GroupList,
}

impl Endpoint {
    pub(crate) const ALL: [Endpoint; 6] = [
        Endpoint::AgentStatistics,
        Endpoint::MemberRealtime,
        Endpoint::ReceptionRealtime,
        Endpoint::SessionStatistics,
        Endpoint::MemberList,
        Endpoint::GroupList,
    ];

    /// Those that Desk need not serve.
    pub(crate) const FURTHER: [Endpoint; 5] = [
        Endpoint::MemberRealtime,
        Endpoint::ReceptionRealtime,
        Endpoint::SessionStatistics,
        Endpoint::MemberList,
        Endpoint::GroupList,
    ];

    /// The API's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Endpoint::AgentStatistics => "describe_agent_statistics",
            Endpoint::MemberRealtime => "describe_member_realtime_statistics",
            Endpoint::ReceptionRealtime => "describe_reception_realtime_statistics",
            Endpoint::SessionStatistics => "describe_session_statistics",
            Endpoint::MemberList => "get_member_list",
            Endpoint::GroupList => "get_member_group_list",
        }
    }

    pub(crate) fn path(self) -> String {
        format!("{SERVICE}{}", self.name())
    }

    pub(crate) fn of_path(path: &str) -> Option<Endpoint> {
        let name = path.strip_prefix(SERVICE)?;
        Endpoint::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The answer's member that holds the rows, and the one that counts them; none for the answer that is no list.
    pub(crate) fn list(self) -> Option<(&'static str, &'static str)> {
        match self {
            Endpoint::ReceptionRealtime => None,
            Endpoint::MemberList => Some(("MemberList", "Total")),
            Endpoint::GroupList => Some(("MemberGroupList", "Total")),
            _ => Some(("Data", "TotalCount")),
        }
    }

    /// The member of a row by which a request can choose it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Endpoint::AgentStatistics => "AgentId",
            Endpoint::MemberRealtime => "MemberId",
            _ => "",
        }
    }

    /// The members that a request may have.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Endpoint::AgentStatistics => &[
                "From",
                "To",
                "Limit",
                "Offset",
                "AgentIds",
                "ConversationSources",
            ],
            Endpoint::MemberRealtime => &["Limit", "Offset", "MemberIds", "ConversationSources"],
            Endpoint::ReceptionRealtime => &[],
            Endpoint::SessionStatistics => &["From", "To", "GroupByHour"],
            Endpoint::MemberList => &["PageSize", "PageNum", "Order"],
            Endpoint::GroupList => &["PageSize", "PageNumber"],
        }
    }
}

/// What a good request asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) endpoint: Endpoint,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) by_hour: bool,
    /// The day that it is about.
    pub(crate) date: Date,
}

/// What Desk goes by.
pub(crate) struct Calendar {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    /// The first day that it can be asked for; the present one where there is none.
    pub(crate) since: Option<Date>,
}

impl Calendar {
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }
}

/// Checks the body of a request.
pub(crate) fn check_body(
    endpoint: Endpoint,
    request: &Request,
    calendar: &Calendar,
) -> Result<Ask, Refusal> {
    let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
        return refuse(60003, "the body is no JSON object");
    };
    let known = endpoint.parameters();
    if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
        return refuse(141_004, format!("unknown member {name}"));
    }
    let date = match known.contains(&"From") {
        true => date(&body, calendar)?,
        false => calendar.today(),
    };
    check_sources(&body)?;
    whole(&body, "Order", Some(0), 0..=1)?;
    let (limit, offset) = page(endpoint, &body)?;
    Ok(Ask {
        endpoint,
        limit,
        offset,
        ids: ids(&body)?,
        by_hour: by_hour(&body)?,
        date,
    })
}

/// How many rows are asked for, and how many stand before them.
fn page(endpoint: Endpoint, body: &Map<String, Value>) -> Result<(usize, usize), Refusal> {
    let (size, pages) = match endpoint {
        Endpoint::MemberList => {
            let size = whole(body, "PageSize", None, 0..=100)?;
            let size = if size == 0 { 15 } else { size };
            (size, whole(body, "PageNum", None, 0..=usize::MAX)?)
        }
        Endpoint::GroupList => {
            let number = whole(body, "PageNumber", Some(1), 1..=usize::MAX)?;
            (whole(body, "PageSize", Some(100), 1..=100)?, number - 1)
        }
        Endpoint::SessionStatistics | Endpoint::ReceptionRealtime => (usize::MAX, 0),
        Endpoint::AgentStatistics | Endpoint::MemberRealtime => {
            let offset = whole(body, "Offset", Some(0), 0..=usize::MAX)?;
            return Ok((whole(body, "Limit", Some(100), 1..=100)?, offset));
        }
    };
    Ok((size, size.saturating_mul(pages)))
}

/// The one day that From and To are the first and the last second of.
fn date(body: &Map<String, Value>, calendar: &Calendar) -> Result<Date, Refusal> {
    let asked = (whole_second(body, "From")?, whole_second(body, "To")?);
    let (now, zone) = (calendar.now, &calendar.zone);
    let first = Timestamp::from_second(asked.0)
        .ok()
        .filter(|first| asked == day(*first, zone));
    let date = first.map(|first| first.to_zoned(zone.clone()).date());
    let just_now = now - POLL_OVER_MIDNIGHT.seconds();
    let since = calendar
        .since
        .unwrap_or(just_now.to_zoned(zone.clone()).date());
    match date {
        Some(date) if (since..=calendar.today()).contains(&date) => Ok(date),
        _ => refuse(
            141_004,
            format!("From and To {asked:?} instead of {:?}", day(now, zone)),
        ),
    }
}

/// First and last second of the calendar day, by `zone`, that holds `instant`.
pub(crate) fn day(instant: Timestamp, zone: &TimeZone) -> (i64, i64) {
    let date = instant.to_zoned(zone.clone()).date();
    let start_of = |date: Date| date.to_zoned(zone.clone()).unwrap().timestamp();
    let next = start_of(date.tomorrow().unwrap());
    (start_of(date).as_second(), next.as_second() - 1)
}

fn whole_second(body: &Map<String, Value>, name: &str) -> Result<i64, Refusal> {
    match body.get(name).and_then(Value::as_i64) {
        Some(second) => Ok(second),
        None => refuse(141_004, format!("{name} is no integer")),
    }
}

/// A number within a range; one that is required has no default.
fn whole(
    body: &Map<String, Value>,
    name: &str,
    default: Option<usize>,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    let Some(value) = body.get(name) else {
        return match default {
            Some(default) => Ok(default),
            None => refuse(141_004, format!("no {name}")),
        };
    };
    let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
    match number.filter(|number| range.contains(number)) {
        Some(number) => Ok(number),
        None => refuse(141_004, format!("{name} is {value}")),
    }
}

fn ids(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = body.get("AgentIds").or(body.get("MemberIds")) else {
        return Ok(None);
    };
    match serde_json::from_value(value.clone()) {
        Ok(ids) => Ok(Some(ids)),
        Err(_) => refuse(141_004, format!("ids are no array of strings: {value}")),
    }
}

fn by_hour(body: &Map<String, Value>) -> Result<bool, Refusal> {
    match body.get("GroupByHour") {
        None => Ok(false),
        Some(Value::Bool(by_hour)) => Ok(*by_hour),
        Some(value) => refuse(141_004, format!("GroupByHour is {value}")),
    }
}

fn check_sources(body: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(value) = body.get("ConversationSources") else {
        return Ok(());
    };
    let is_source = |source: &Value| {
        let Some(members) = source.as_object() else {
            return false;
        };
        let kind = members.get("ChannelType").and_then(Value::as_u64);
        let id = members.get("ChannelId");
        let known = 1 + usize::from(id.is_some());
        kind.is_some_and(|kind| [2, 3, 4, 7, 10].contains(&kind))
            && id.is_none_or(Value::is_string)
            && members.len() == known
    };
    let sources = value.as_array().filter(|sources| !sources.is_empty());
    if sources.is_some_and(|sources| sources.iter().all(is_source)) {
        return Ok(());
    }
    refuse(141_004, format!("ConversationSources are {value}"))
}
