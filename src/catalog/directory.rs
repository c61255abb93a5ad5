//! Who belongs where, and how many sessions an agent may serve: `get_member_list` and
//! `get_member_group_list`.
//!
//! `EffectiveReceptionLimit` is the limit in force, of the agent's own and those of the groups; what a limit
//! of 0 means is not documented, so it is none. That pages of groups begin at number 1 follows from the
//! page's example alone.

use super::Reading::{Each, Info, NonZero, Number, Total};
use super::{AGENT_ID, Endpoint, Interval, Need};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};

/// All agents, those who are offline too.
pub const MEMBERS: Endpoint = Endpoint {
    calls: &[Call {
        command: "get_member_list",
        period: Period::Now,
        paging: Paging::Number {
            number: "PageNum",
            size: "PageSize",
            first: 0,
            total: "Total",
        },
        constants: &[],
        agents: None,
        channels: None,
        tables: &[MEMBER],
    }],
    families: families! {
        0, Now, &[] => {
            "tencent_desk_members", "Agents that Desk has, online or not",
                Total { field: "Total" };
        }
        0, Now, AGENT => {
            "tencent_desk_agent_reception_limit", "Sessions that the agent may serve at a time; absent where it is 0",
                NonZero(MEMBER.number("EffectiveReceptionLimit"));
            "tencent_desk_agent_group_info", "A group that the agent is in, always 1; an agent can be in several",
                Each { label: "group_id", column: GROUPS_OF_MEMBER };
        }
    },
    ..DIRECTORY
};

/// The ids of the groups that an agent is in.
pub const GROUPS_OF_MEMBER: Column = MEMBER.ids("MemberGroupIDList");

/// All groups.
pub const GROUPS: Endpoint = Endpoint {
    calls: &[Call {
        command: "get_member_group_list",
        period: Period::Now,
        paging: Paging::Number {
            number: "PageNumber",
            size: "PageSize",
            first: 1,
            total: "Total",
        },
        constants: &[],
        agents: None,
        channels: None,
        tables: &[GROUP],
    }],
    families: families! {
        0, Now, OF_GROUP => {
            "tencent_desk_group_info", "The group's name, always 1; absent where it is empty",
                Info { label: "group_name", column: GROUP.text("MemberGroupName") };
            "tencent_desk_group_reception_limit",
                "Sessions that each agent of the group may serve at a time, where the agent has no limit of their own",
                Number(GROUP.number("ReceptionLimit"));
            "tencent_desk_group_members", "Agents in the group; one who is in several counts in each",
                Number(GROUP.number("GroupMemberCount"));
        }
    },
    ..DIRECTORY
};

const DIRECTORY: Endpoint = Endpoint {
    calls: &[],
    families: &[],
    interval: Interval::Directory,
    ends_at_midnight: false,
    need: Need::WhereServed,
};

const MEMBER: Table = Table {
    member: "MemberList",
    shape: Shape::Array,
    fields: &[
        Field::new("MemberMail", Kind::AgentId),
        Field::new("MemberGroupIDList", Kind::Ids),
        call::number("EffectiveReceptionLimit"),
        call::unused("NickName"),
        call::unused("RoleIDList"),
        call::unused("Avatar"),
        call::unused("MemberReceptionLimit"),
        call::unused("MemberReceptionLimitEnabled"),
        // Of the page on the members of one group.
        call::unused("CreateTime"),
        call::unused("KickOff"),
    ],
};

const GROUP: Table = Table {
    member: "MemberGroupList",
    shape: Shape::Array,
    fields: &[
        Field::new("MemberGroupID", Kind::Id),
        call::text("MemberGroupName"),
        call::number("ReceptionLimit"),
        call::number("GroupMemberCount"),
    ],
};

/// What tells one agent's samples from another's.
const AGENT: &[(&str, Column)] = &[(AGENT_ID, MEMBER.text("MemberMail"))];

/// What tells one group's samples from another's.
const OF_GROUP: &[(&str, Column)] = &[("group_id", GROUP.text("MemberGroupID"))];
