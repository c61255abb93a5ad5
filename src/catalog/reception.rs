//! Now, the whole Desk: `describe_reception_realtime_statistics`.
//!
//! The groups need not add up to the whole: sessions may queue without a group. The API's page counts
//! sessions in the whole queue and people in that of a group.

use super::Reading::{Number, Split};
use super::{Endpoint, Family, Interval, Need, Reading};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    calls: &[Call {
        command: "describe_reception_realtime_statistics",
        period: Period::Now,
        paging: Paging::Whole,
        constants: &[],
        agents: None,
        channels: None,
        tables: &[WHOLE, GROUPS],
    }],
    families: FAMILIES,
    interval: Interval::Realtime,
    ends_at_midnight: false,
    need: Need::WhereServed,
};

/// How the whole Desk stands.
const WHOLE: Table = Table {
    member: "Data",
    shape: Shape::Object,
    fields: &[
        call::number("CurrentTransferAgentCnt"),
        call::number("CurrentAgentAcceptCnt"),
        call::number("CurrentQueueCnt"),
        call::number("FreeAgentCnt"),
        call::number("RestAgentCnt"),
        call::number("BusyAgentCnt"),
        Field::new("CurrentGroupQueueCnt", Kind::Rows(1)),
    ],
};

/// The queue of each group. (The page's table calls it an object, its example is an array.)
const GROUPS: Table = Table {
    member: "CurrentGroupQueueCnt",
    shape: Shape::Either,
    fields: &[
        Field::new("GroupId", Kind::Id),
        call::text("GroupName"),
        call::number("QueueCnt"),
    ],
};

/// The name of a group; empty where Desk has none.
pub const GROUP_NAME: Column = GROUPS.text("GroupName");

const fn number(field: &str) -> Column {
    WHOLE.number(field)
}

const FAMILIES: &[Family] = families! {
    0, Now, &[] => {
        "tencent_desk_queued_sessions", "Sessions that wait for an agent",
            Number(number("CurrentQueueCnt"));
        "tencent_desk_active_sessions", "Sessions that an agent serves",
            Number(number("CurrentAgentAcceptCnt"));
        "tencent_desk_handed_over_sessions",
            "Sessions that are handed over to agents: those that are served, those that wait, and those that an agent has yet to accept",
            Number(number("CurrentTransferAgentCnt"));
        "tencent_desk_online_agents", "Agents who are online and free, busy (take no new sessions) or resting",
            STATES;
    }
    1, Now, GROUP => {
        "tencent_desk_group_queued_users",
            "People who wait for an agent of this group; the groups need not add up to the whole queue",
            Number(GROUPS.number("QueueCnt"));
    }
};

/// What tells one group's samples from another's.
const GROUP: &[(&str, Column)] = &[
    ("group_id", GROUPS.text("GroupId")),
    ("group_name", GROUP_NAME),
];

const STATES: Reading = Split {
    label: "state",
    parts: &[
        ("free", number("FreeAgentCnt")),
        ("busy", number("BusyAgentCnt")),
        ("rest", number("RestAgentCnt")),
    ],
};
