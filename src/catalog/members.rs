//! Now and today, per agent: `describe_member_realtime_statistics`.
//!
//! What its numbers of a status mean is not documented, so they are shown as they are, and by name only
//! where the operator gave one. The page's table of units could not be read; averages with the same names
//! and the same example values are in seconds in `describe_agent_statistics`.

use super::Reading::{Average, Named, Number};
use super::{AGENT_ID, Counts, Endpoint, Family, Interval, Need, Reading, count};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};
use crate::desk::table::Row;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    calls: &[Call {
        command: "describe_member_realtime_statistics",
        period: Period::Now,
        paging: Paging::Offset,
        constants: &[],
        agents: Some("MemberIds"),
        channels: Some("ConversationSources"),
        tables: &[MEMBERS],
    }],
    families: FAMILIES,
    interval: Interval::Realtime,
    // Four of its figures count from there.
    ends_at_midnight: true,
    need: Need::WhereServed,
};

/// How an agent stands.
const MEMBERS: Table = Table {
    member: "Data",
    shape: Shape::Array,
    fields: &[
        Field::new("MemberId", Kind::AgentId),
        // agent_info has it.
        call::unused("MemberNickName"),
        call::number("MemberStatus"),
        call::number("CurrentAcceptCnt"),
        call::number("TotalSessionCnt"),
        call::number("AvgFirstRespTime"),
        call::number("AvgRespTime"),
        call::number("AvgAcceptTime"),
    ],
};

const fn number(field: &str) -> Column {
    MEMBERS.number(field)
}

/// In the order of the page.
const FAMILIES: &[Family] = &[
    family(
        "tencent_desk_agent_current_sessions",
        "Sessions that the agent serves",
        Counts::Now,
        Number(number("CurrentAcceptCnt")),
    ),
    family(
        "tencent_desk_agent_status_code",
        "Desk's number of the agent's status; what the numbers mean is not documented",
        Counts::Now,
        Number(number("MemberStatus")),
    ),
    family(
        "tencent_desk_agent_status",
        "The agent's status, always 1, where TENCENT_DESK_STATUS_NAMES has a name for its number",
        Counts::Now,
        Named {
            label: "status",
            column: number("MemberStatus"),
        },
    ),
    family(
        "tencent_desk_agent_realtime_sessions",
        "Sessions that the agent handled, as the realtime figures count them",
        Counts::Today,
        Number(number("TotalSessionCnt")),
    ),
    average(
        "tencent_desk_agent_realtime_average_first_response_seconds",
        "Average time from the agent's accept to the agent's first message, as the realtime figures have it; 0 is absent where there was no session",
        number("AvgFirstRespTime"),
    ),
    average(
        "tencent_desk_agent_realtime_average_response_seconds",
        "Average time from a user's message to the agent's answer, as the realtime figures have it; 0 is absent where there was no session",
        number("AvgRespTime"),
    ),
    average(
        "tencent_desk_agent_realtime_average_session_seconds",
        "Average duration of a session, as the realtime figures have it; 0 is absent where there was none",
        number("AvgAcceptTime"),
    ),
];

/// What tells one agent's samples from another's.
const AGENT: &[(&str, Column)] = &[(AGENT_ID, MEMBERS.text("MemberId"))];

const fn family(
    name: &'static str,
    what: &'static str,
    counts: Counts,
    reading: Reading,
) -> Family {
    Family {
        name,
        what,
        counts,
        table: 0,
        labels: AGENT,
        reading,
    }
}

const fn average(name: &'static str, what: &'static str, column: Column) -> Family {
    let over = sessions;
    family(name, what, Counts::Today, Average { column, over })
}

fn sessions(row: Row<'_>) -> f64 {
    const TOTAL: Column = number("TotalSessionCnt");
    count(row, TOTAL)
}
