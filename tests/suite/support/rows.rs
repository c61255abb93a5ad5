//! Rows of Desk's answers: believable agents, and the documents' own examples.

use serde_json::{Value, json};

/// The body of an answer that went well, with these members as text.
pub(crate) fn well(members: &str) -> String {
    format!(r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"",{members}}}"#)
}

/// The body of an answer of `describe_agent_statistics` that went well.
pub(crate) fn answer(total: i64, rows: &[String]) -> String {
    well(&format!(
        r#""TotalCount":{total},"Data":[{}]"#,
        rows.join(",")
    ))
}

/// The body of an answer that did not.
pub(crate) fn refusal(code: i64, why: &str) -> String {
    json!({ "ActionStatus": "FAIL", "ErrorCode": code, "ErrorInfo": why }).to_string()
}

/// The row of the API's page, its missing comma mended.
pub(crate) fn example() -> Value {
    json!({
        "AgentId": "1289316652@qq.com", "AgentNickName": "Meimei",
        "FirstLoginTimestamp": 1738923814, "LastLogoutTimestamp": 1738934235,
        "FreeTime": 3600, "BusyTime": 300, "RestTime": 600,
        "TotalSessionCnt": 12, "TransferSessionCnt": 0, "EffectiveSessionCnt": 8,
        "AgentEndCnt": 10, "ServeUserCnt": 10, "TotalAcceptTime": 1527,
        "TotalMsgCnt": 450, "AgentMsgCnt": 200, "UserMsgCnt": 150,
        "NotRespSessionCnt": 2, "AvgFirstRespTime": 10, "FirstRespUnder30sCnt": 9,
        "AvgRespTime": 25, "AvgRespUnder30sCnt": 8, "AvgAcceptTime": 300,
        "SatisfactionSelectedCnt": 8, "SatisfiedCnt": 6,
    })
}

/// The row of the page on `describe_member_realtime_statistics`.
pub(crate) fn member_example() -> Value {
    json!({
        "MemberId": "1289316652@qq.com", "MemberNickName": "Meimei", "MemberStatus": 1,
        "CurrentAcceptCnt": 2, "TotalSessionCnt": 5,
        "AvgFirstRespTime": 10, "AvgRespTime": 25, "AvgAcceptTime": 300,
    })
}

/// The object of the page on `describe_reception_realtime_statistics`.
pub(crate) fn reception_example() -> Value {
    json!({
        "CurrentTransferAgentCnt": 15, "CurrentAgentAcceptCnt": 13, "CurrentQueueCnt": 2,
        "FreeAgentCnt": 10, "RestAgentCnt": 2, "BusyAgentCnt": 3,
        "CurrentGroupQueueCnt": [{ "GroupId": 6103, "GroupName": "128931", "QueueCnt": 0 }],
    })
}

/// The row of the page on `describe_session_statistics`, without its `Time`.
pub(crate) fn session_example() -> Value {
    json!({
        "TotalSessionCnt": 12, "TransferAgentSessionCnt": 10, "AgentAcceptCnt": 9,
        "EffectiveSessionCnt": 8, "SatisfactionSelectedCnt": 5,
        "OneStarSelectedCnt": 1, "TwoStarSelectedCnt": 1, "ThreeStarSelectedCnt": 1,
        "FourStarSelectedCnt": 1, "FiveStarSelectedCnt": 1,
        "AvgFirstRespTime": 10, "AvgRespTime": 25, "AvgAcceptTime": 300, "AvgQueueTime": 6,
    })
}

/// The row of the page on `get_member_list`, in the groups of [`group_list_example`].
pub(crate) fn member_list_example() -> Value {
    json!({
        "NickName": "Meimei", "MemberMail": "1289316652@qq.com", "RoleIDList": [5],
        "MemberGroupIDList": [6103, 1234], "Avatar": "https://example.com/avatar.png",
        "MemberReceptionLimit": 5, "MemberReceptionLimitEnabled": 0, "EffectiveReceptionLimit": 10,
    })
}

/// The rows of `get_member_group_list`, as its page has them.
pub(crate) fn group_list_example() -> Vec<Value> {
    vec![
        json!({
            "MemberGroupID": 6103, "MemberGroupName": "128931", "ReceptionLimit": 10,
            "GroupMemberCount": 1,
        }),
        json!({
            "MemberGroupID": 1234, "MemberGroupName": "VIP", "ReceptionLimit": 5,
            "GroupMemberCount": 3,
        }),
    ]
}

/// A busy agent of that id, with every field.
pub(crate) fn agent(id: &str) -> Value {
    with(example(), json!({ "AgentId": id, "AgentNickName": id }))
}

/// An agent who has not done anything today: every number is 0.
pub(crate) fn idle(id: &str) -> Value {
    let mut row = agent(id);
    for value in row.as_object_mut().unwrap().values_mut() {
        if value.is_number() {
            *value = json!(0);
        }
    }
    row
}

/// `row` with these members instead of, or beside, its own.
pub(crate) fn with(mut row: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        panic!("members are an object");
    };
    row.as_object_mut().unwrap().extend(members);
    row
}

/// `row` without this member.
pub(crate) fn without(mut row: Value, member: &str) -> Value {
    row.as_object_mut().unwrap().remove(member).unwrap();
    row
}

/// That many busy agents, each with as many sessions as its number says.
pub(crate) fn agents(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|n| with(agent(&nth_id(n)), json!({ "TotalSessionCnt": n })))
        .collect()
}

/// The id of the `n`th of [`agents`].
pub(crate) fn nth_id(n: usize) -> String {
    format!("agent-{n:04}@desk.example")
}
