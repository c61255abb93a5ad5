//! Today, per agent: `describe_agent_statistics`, what the exporter is for.
//!
//! Meanings are those of the API's page and of the console's page on its indicators. A new field is a line
//! in the table and one among the families.

use super::Reading::{Average, Info, NonZero, Number, Ratio, Split};
use super::{AGENT_ID, Endpoint, Family, Interval, Need, Reading};
use crate::desk::call::{self, Call, Column, Field, Kind, Paging, Period, Shape, Table};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    calls: &[Call {
        command: "describe_agent_statistics",
        period: Period::Day,
        paging: Paging::Offset,
        constants: &[],
        agents: Some("AgentIds"),
        channels: Some("ConversationSources"),
        tables: &[AGENTS],
    }],
    families: FAMILIES,
    interval: Interval::Poll,
    ends_at_midnight: true,
    need: Need::Required,
};

/// An agent's day so far.
const AGENTS: Table = Table {
    member: "Data",
    shape: Shape::Array,
    fields: &[
        Field::new("AgentId", Kind::AgentId),
        Field::new("AgentNickName", Kind::Nickname),
        call::number("FirstLoginTimestamp"),
        call::number("LastLogoutTimestamp"),
        call::number("FreeTime"),
        call::number("BusyTime"),
        call::number("RestTime"),
        call::number("TotalSessionCnt"),
        call::number("TransferSessionCnt"),
        call::number("EffectiveSessionCnt"),
        call::number("AgentEndCnt"),
        call::number("ServeUserCnt"),
        call::number("TotalAcceptTime"),
        call::number("TotalMsgCnt"),
        call::number("AgentMsgCnt"),
        call::number("UserMsgCnt"),
        call::number("NotRespSessionCnt"),
        call::number("AvgFirstRespTime"),
        call::number("FirstRespUnder30sCnt"),
        call::number("AvgRespTime"),
        call::number("AvgRespUnder30sCnt"),
        call::number("AvgAcceptTime"),
        call::number("SatisfactionSelectedCnt"),
        call::number("SatisfiedCnt"),
    ],
};

/// The agent's nickname.
pub const NICKNAME: Column = text("AgentNickName");

const fn text(field: &str) -> Column {
    AGENTS.text(field)
}

const fn number(field: &str) -> Column {
    AGENTS.number(field)
}

/// What tells one agent's samples from another's.
const AGENT: &[(&str, Column)] = &[(AGENT_ID, text("AgentId"))];

const FAMILIES: &[Family] = families! {
    0, Today, AGENT => {
        "tencent_desk_agent_info", "The agent's nickname, always 1; absent where it is empty",
            Info { label: "nickname", column: NICKNAME };
        "tencent_desk_agent_first_login_timestamp_seconds",
            "When the agent first logged in, in Unix time; absent before",
            NonZero(number("FirstLoginTimestamp"));
        "tencent_desk_agent_last_logout_timestamp_seconds",
            "When the agent last went offline, in Unix time; absent before",
            NonZero(number("LastLogoutTimestamp"));
        "tencent_desk_agent_state_seconds", "Time that the agent spent free, busy (takes no new sessions) and resting",
            STATES;
        "tencent_desk_agent_sessions", "Sessions that the agent handled",
            Number(SESSIONS);
        "tencent_desk_agent_transferred_sessions",
            "Sessions that were transferred; whether to or from the agent is not documented",
            Number(number("TransferSessionCnt"));
        "tencent_desk_agent_effective_sessions",
            "Valid sessions: both the user and the agent wrote after the hand-over",
            Number(number("EffectiveSessionCnt"));
        "tencent_desk_agent_ended_sessions", "Sessions that the agent ended",
            Number(number("AgentEndCnt"));
        "tencent_desk_agent_unanswered_sessions", "Sessions without a reply",
            Number(number("NotRespSessionCnt"));
        "tencent_desk_agent_served_users", "Users that the agent served",
            Number(number("ServeUserCnt"));
        "tencent_desk_agent_session_seconds", "Duration of all sessions, added up",
            Number(number("TotalAcceptTime"));
        "tencent_desk_agent_messages",
            "Messages in all; whose there are beside the agent's and the users' is not documented",
            Number(number("TotalMsgCnt"));
        "tencent_desk_agent_sent_messages", "Messages that the agent sent",
            Number(number("AgentMsgCnt"));
        "tencent_desk_agent_user_messages", "Messages that users sent",
            Number(number("UserMsgCnt"));
        "tencent_desk_agent_average_first_response_seconds",
            "Average time from the agent's accept to the agent's first message; 0 is absent where no session was answered",
            Average { column: number("AvgFirstRespTime"), of: SESSIONS, without: Some(number("NotRespSessionCnt")) };
        "tencent_desk_agent_first_response_under_30s_sessions", "Sessions whose first response came within 30 seconds",
            Number(number("FirstRespUnder30sCnt"));
        "tencent_desk_agent_average_response_seconds",
            "Time from a user's message to the agent's answer: the mean of the sessions' means that are not 0; 0 is absent where no session was valid",
            Average { column: number("AvgRespTime"), of: number("EffectiveSessionCnt"), without: None };
        "tencent_desk_agent_response_under_30s_sessions", "Sessions whose mean response time is within 30 seconds",
            Number(number("AvgRespUnder30sCnt"));
        "tencent_desk_agent_average_session_seconds", "Average duration of a session; 0 is absent where there was none",
            Average { column: number("AvgAcceptTime"), of: SESSIONS, without: None };
        "tencent_desk_agent_rated_sessions", "Sessions that the user rated",
            Number(number("SatisfactionSelectedCnt"));
        "tencent_desk_agent_satisfied_sessions", "Sessions that the user rated with 4 or 5 stars",
            Number(number("SatisfiedCnt"));
        "tencent_desk_agent_satisfaction_ratio",
            "Part of the rated sessions that were rated with 4 or 5 stars, from 0 to 1; absent where none was rated",
            Ratio { part: number("SatisfiedCnt"), whole: number("SatisfactionSelectedCnt") };
    }
};

const SESSIONS: Column = number("TotalSessionCnt");

const STATES: Reading = Split {
    label: "state",
    parts: &[
        ("free", number("FreeTime")),
        ("busy", number("BusyTime")),
        ("rest", number("RestTime")),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::StatusNames;
    use crate::desk::call::Start;
    use crate::desk::reply::decode;

    /// What `family` (less its prefix) says of a row with these members.
    fn said(family: &str, members: &str) -> Option<f64> {
        let body =
            format!(r#"{{"ErrorCode":0,"TotalCount":1,"Data":[{{"AgentId":"a",{members}}}]}}"#);
        let page = decode(&ENDPOINT.calls[0], Start::default(), body.as_bytes()).unwrap();
        let rows = page.rows().unwrap();
        let name = format!("tencent_desk_agent_{family}");
        let family = FAMILIES.iter().find(|known| known.name == name).unwrap();
        let mut value = None;
        family.for_each_sample(rows.at(0), &StatusNames::new(), |sample| {
            value = Some(sample.value);
        });
        value
    }

    #[test]
    fn a_ratio_needs_something_to_be_a_part_of() {
        let ratio = |part, whole| {
            said(
                "satisfaction_ratio",
                &format!(r#""SatisfiedCnt":{part},"SatisfactionSelectedCnt":{whole}"#),
            )
        };
        assert_eq!(ratio(6, 8), Some(0.75));
        assert_eq!(ratio(0, 8), Some(0.0));
        assert_eq!(ratio(0, 0), None);
        assert_eq!(ratio(9, 8), None);
        assert_eq!(ratio(-1, 8), None);
        assert_eq!(said("satisfaction_ratio", r#""SatisfiedCnt":1"#), None);
    }

    #[test]
    fn a_time_of_zero_is_no_time() {
        assert_eq!(
            said(
                "first_login_timestamp_seconds",
                r#""FirstLoginTimestamp":0"#
            ),
            None
        );
        assert_eq!(
            said(
                "last_logout_timestamp_seconds",
                r#""LastLogoutTimestamp":17"#
            ),
            Some(17.0)
        );
    }

    #[test]
    fn an_average_of_zero_needs_something_to_be_taken_over() {
        let first = "average_first_response_seconds";
        let response = "average_response_seconds";
        let session = "average_session_seconds";
        for (family, members, expected) in [
            (
                first,
                r#""AvgFirstRespTime":0,"TotalSessionCnt":5,"NotRespSessionCnt":2"#,
                Some(0.0),
            ),
            (
                first,
                r#""AvgFirstRespTime":0,"TotalSessionCnt":5,"NotRespSessionCnt":5"#,
                None,
            ),
            (
                first,
                r#""AvgFirstRespTime":0,"TotalSessionCnt":5,"NotRespSessionCnt":6"#,
                None,
            ),
            (
                first,
                r#""AvgFirstRespTime":7,"TotalSessionCnt":5,"NotRespSessionCnt":5"#,
                Some(7.0),
            ),
            // What the row does not say counts as 0.
            (
                first,
                r#""AvgFirstRespTime":0,"TotalSessionCnt":5"#,
                Some(0.0),
            ),
            (
                first,
                r#""AvgFirstRespTime":0,"TotalSessionCnt":5,"NotRespSessionCnt":null"#,
                Some(0.0),
            ),
            (first, r#""AvgFirstRespTime":0,"NotRespSessionCnt":0"#, None),
            (first, r#""AvgFirstRespTime":7"#, Some(7.0)),
            (
                response,
                r#""AvgRespTime":0,"EffectiveSessionCnt":1"#,
                Some(0.0),
            ),
            (
                response,
                r#""AvgRespTime":0,"EffectiveSessionCnt":0,"TotalSessionCnt":5"#,
                None,
            ),
            (
                response,
                r#""AvgRespTime":0,"TotalSessionCnt":5,"NotRespSessionCnt":0"#,
                None,
            ),
            (
                response,
                r#""AvgRespTime":7,"EffectiveSessionCnt":0"#,
                Some(7.0),
            ),
            (
                session,
                r#""AvgAcceptTime":0,"TotalSessionCnt":1"#,
                Some(0.0),
            ),
            (session, r#""AvgAcceptTime":0,"TotalSessionCnt":0"#, None),
            (session, r#""AvgAcceptTime":0"#, None),
        ] {
            assert_eq!(said(family, members), expected, "{family} of {members}");
        }
    }

    #[test]
    fn a_nickname_that_names_nobody_is_absent() {
        let info = |nickname| said("info", &format!(r#""AgentNickName":"{nickname}""#));
        assert_eq!(info(" Amy "), Some(1.0));
        for empty in ["", " ", "\\t\\n", "\u{3000}"] {
            assert_eq!(info(empty), None, "{empty:?}");
        }
    }
}
