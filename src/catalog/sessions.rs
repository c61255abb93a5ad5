//! Today, the whole Desk and by hour: `describe_session_statistics`, asked twice.
//!
//! A row of an hour has no date: it is of the day that was asked for. Whether hours without sessions have a
//! row is not documented; an hour without a row has no samples.

use super::Reading::{Average, Number, Split};
use super::{Endpoint, Family, Interval, Need, Reading};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    calls: &[
        Call {
            constants: &[],
            tables: &[table(FIELDS_OF_DAY)],
            ..CALL
        },
        Call {
            constants: &[("GroupByHour", true)],
            tables: &[table(FIELDS_OF_HOUR)],
            ..CALL
        },
    ],
    families: FAMILIES,
    interval: Interval::Poll,
    ends_at_midnight: true,
    need: Need::WhereServed,
};

const CALL: Call = Call {
    command: "describe_session_statistics",
    period: Period::Day,
    paging: Paging::Whole,
    constants: &[],
    agents: None,
    channels: None,
    tables: &[],
};

const fn table(fields: &'static [Field]) -> Table {
    Table {
        member: "Data",
        shape: Shape::Array,
        fields,
    }
}

/// The fields of a row, behind the one that says of which time it is.
macro_rules! fields {
    ($time:expr) => {
        &[
            $time,
            call::number("TotalSessionCnt"),
            call::number("TransferAgentSessionCnt"),
            call::number("AgentAcceptCnt"),
            call::number("EffectiveSessionCnt"),
            call::number("SatisfactionSelectedCnt"),
            call::number("OneStarSelectedCnt"),
            call::number("TwoStarSelectedCnt"),
            call::number("ThreeStarSelectedCnt"),
            call::number("FourStarSelectedCnt"),
            call::number("FiveStarSelectedCnt"),
            call::number("AvgFirstRespTime"),
            call::number("AvgRespTime"),
            call::number("AvgAcceptTime"),
            call::number("AvgQueueTime"),
        ]
    };
}

const FIELDS_OF_DAY: &[Field] = fields!(Field::new("Time", Kind::Date));
const FIELDS_OF_HOUR: &[Field] = fields!(Field::new("Time", Kind::Hour));

/// Of the day and of the hours alike: they differ in what their key is.
const fn number(field: &str) -> Column {
    table(FIELDS_OF_DAY).number(field)
}

/// What tells one hour's samples from another's.
const HOUR: &[(&str, Column)] = &[("hour", table(FIELDS_OF_HOUR).text("Time"))];

/// Families of the day, and their twins of the hours.
macro_rules! twins {
    ($($name:literal, $what:literal, $reading:expr;)*) => {
        families! {
            0, Today, &[] => { $(concat!("tencent_desk_day_", $name), $what, $reading;)* }
            1, Hourly, HOUR => { $(concat!("tencent_desk_hour_", $name), $what, $reading;)* }
        }
    };
}

const FAMILIES: &[Family] = twins! {
    "sessions", "Sessions that users or agents began",
        Number(number("TotalSessionCnt"));
    "handed_over_sessions", "Sessions that were handed over to agents",
        Number(number("TransferAgentSessionCnt"));
    "accepted_sessions", "Sessions that agents served",
        Number(number("AgentAcceptCnt"));
    "effective_sessions", "Valid sessions: both the user and the agent wrote after the hand-over",
        Number(number("EffectiveSessionCnt"));
    "rated_sessions", "Sessions that the user rated",
        Number(number("SatisfactionSelectedCnt"));
    "star_ratings", "Ratings with one to five stars",
        STARS;
    "average_first_response_seconds", "Average time from an agent's accept to the agent's first message; 0 is absent where no session was served",
        average("AvgFirstRespTime", "AgentAcceptCnt");
    "average_response_seconds", "Time from a user's message to the agent's answer: the mean of the sessions' means that are not 0; 0 is absent where no session was valid",
        average("AvgRespTime", "EffectiveSessionCnt");
    "average_session_seconds", "Average duration of a served session; 0 is absent where none was served",
        average("AvgAcceptTime", "AgentAcceptCnt");
    "average_queue_seconds", "Average time in the queue of the sessions that were served, and of no others; 0 is absent where none was served",
        average("AvgQueueTime", "AgentAcceptCnt");
};

const STARS: Reading = Split {
    label: "stars",
    parts: &[
        ("1", number("OneStarSelectedCnt")),
        ("2", number("TwoStarSelectedCnt")),
        ("3", number("ThreeStarSelectedCnt")),
        ("4", number("FourStarSelectedCnt")),
        ("5", number("FiveStarSelectedCnt")),
    ],
};

const fn average(field: &str, of: &str) -> Reading {
    Average {
        column: number(field),
        of: number(of),
        without: None,
    }
}
