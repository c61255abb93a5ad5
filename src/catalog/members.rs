//! Now and today, per agent: `describe_member_realtime_statistics`.
//!
//! What its numbers of a status mean is not documented, so they are shown as they are, and by name only
//! where the operator gave one. The page's table of units could not be read; averages with the same names
//! and the same example values are in seconds in `describe_agent_statistics`.

use super::Reading::{Average, Named, Number};
use super::{AGENT_ID, Endpoint, Family, Interval, Need, Reading};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};

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

/// What tells one agent's samples from another's.
const AGENT: &[(&str, Column)] = &[(AGENT_ID, MEMBERS.text("MemberId"))];

const FAMILIES: &[Family] = families! {
    0, Now, AGENT => {
        "tencent_desk_agent_current_sessions", "Sessions that the agent serves",
            Number(number("CurrentAcceptCnt"));
        "tencent_desk_agent_status_code",
            "Desk's number of the agent's status; what the numbers mean is not documented",
            Number(number("MemberStatus"));
        "tencent_desk_agent_status",
            "The agent's status, always 1, where TENCENT_DESK_STATUS_NAMES has a name for its number",
            Named { label: "status", column: number("MemberStatus") };
    }
    0, Today, AGENT => {
        "tencent_desk_agent_realtime_sessions", "Sessions that the agent handled, as the realtime figures count them",
            Number(SESSIONS);
        "tencent_desk_agent_realtime_average_first_response_seconds",
            "Average time from the agent's accept to the agent's first message, as the realtime figures have it; 0 is absent where there was no session",
            average("AvgFirstRespTime");
        "tencent_desk_agent_realtime_average_response_seconds",
            "Average time from a user's message to the agent's answer, as the realtime figures have it; 0 is absent where there was no session",
            average("AvgRespTime");
        "tencent_desk_agent_realtime_average_session_seconds",
            "Average duration of a session, as the realtime figures have it; 0 is absent where there was none",
            average("AvgAcceptTime");
    }
};

const SESSIONS: Column = number("TotalSessionCnt");

const fn average(field: &str) -> Reading {
    Average {
        column: number(field),
        of: SESSIONS,
        without: None,
    }
}
