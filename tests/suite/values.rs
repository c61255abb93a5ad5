//! From fields to samples: what Desk says is what the page says, zero and unknown told apart, and an
//! odd value loses only itself.

use serde_json::{Value, json};

use crate::support::desk::{Count, Desk};
use crate::support::exporter::Setup;
use crate::support::page::{Page, samples_of};
use crate::support::rows::{self, agent, idle, with, without};

/// The contract's table: field, metric, and `state` where one metric has several fields.
pub(crate) const FIELDS: [(&str, &str, &str); 22] = [
    ("FirstLoginTimestamp", "first_login_timestamp_seconds", ""),
    ("LastLogoutTimestamp", "last_logout_timestamp_seconds", ""),
    ("FreeTime", "state_seconds", "free"),
    ("BusyTime", "state_seconds", "busy"),
    ("RestTime", "state_seconds", "rest"),
    ("TotalSessionCnt", "sessions", ""),
    ("TransferSessionCnt", "transferred_sessions", ""),
    ("EffectiveSessionCnt", "effective_sessions", ""),
    ("AgentEndCnt", "ended_sessions", ""),
    ("NotRespSessionCnt", "unanswered_sessions", ""),
    ("ServeUserCnt", "served_users", ""),
    ("TotalAcceptTime", "session_seconds", ""),
    ("TotalMsgCnt", "messages", ""),
    ("AgentMsgCnt", "sent_messages", ""),
    ("UserMsgCnt", "user_messages", ""),
    ("AvgFirstRespTime", "average_first_response_seconds", ""),
    (
        "FirstRespUnder30sCnt",
        "first_response_under_30s_sessions",
        "",
    ),
    ("AvgRespTime", "average_response_seconds", ""),
    ("AvgRespUnder30sCnt", "response_under_30s_sessions", ""),
    ("AvgAcceptTime", "average_session_seconds", ""),
    ("SatisfactionSelectedCnt", "rated_sessions", ""),
    ("SatisfiedCnt", "satisfied_sessions", ""),
];

/// The page after one good poll of these rows.
fn polled(rows: Vec<Value>) -> Page {
    one_poll(&Desk::with(rows))
}

fn one_poll(desk: &Desk) -> Page {
    Setup::of(desk).start().wait_until_up()
}

/// What agent `a` has for a field of the table.
fn value_of(page: &Page, field: &str) -> Option<f64> {
    let (_, metric, state) = FIELDS.iter().find(|row| row.0 == field).unwrap();
    let name = format!("tencent_desk_agent_{metric}");
    match *state {
        "" => page.value(&name, &[("agent_id", "a")]),
        state => page.value(&name, &[("agent_id", "a"), ("state", state)]),
    }
}

fn ignored(page: &Page, field: &str) -> f64 {
    let labels = [("field", field)];
    page.own("exporter_ignored_values_total", &labels)
        .unwrap_or(0.0)
}

#[test]
fn the_documents_example_is_exactly_these_samples() {
    let desk = Desk::with(vec![rows::example(), agent("someone else")]);
    desk.count(Count::Always(5));
    let exporter = Setup::of(&desk)
        .set("AGENT_IDS", "1289316652@qq.com")
        .start();
    let page = exporter.wait_until_up();
    let expected = samples_of(
        r#"tencent_desk_agent_info{agent_id="1289316652@qq.com",nickname="Meimei"} 1
        tencent_desk_agent_first_login_timestamp_seconds{agent_id="1289316652@qq.com"} 1738923814
        tencent_desk_agent_last_logout_timestamp_seconds{agent_id="1289316652@qq.com"} 1738934235
        tencent_desk_agent_state_seconds{agent_id="1289316652@qq.com",state="free"} 3600
        tencent_desk_agent_state_seconds{agent_id="1289316652@qq.com",state="busy"} 300
        tencent_desk_agent_state_seconds{agent_id="1289316652@qq.com",state="rest"} 600
        tencent_desk_agent_sessions{agent_id="1289316652@qq.com"} 12
        tencent_desk_agent_transferred_sessions{agent_id="1289316652@qq.com"} 0
        tencent_desk_agent_effective_sessions{agent_id="1289316652@qq.com"} 8
        tencent_desk_agent_ended_sessions{agent_id="1289316652@qq.com"} 10
        tencent_desk_agent_unanswered_sessions{agent_id="1289316652@qq.com"} 2
        tencent_desk_agent_served_users{agent_id="1289316652@qq.com"} 10
        tencent_desk_agent_session_seconds{agent_id="1289316652@qq.com"} 1527
        tencent_desk_agent_messages{agent_id="1289316652@qq.com"} 450
        tencent_desk_agent_sent_messages{agent_id="1289316652@qq.com"} 200
        tencent_desk_agent_user_messages{agent_id="1289316652@qq.com"} 150
        tencent_desk_agent_average_first_response_seconds{agent_id="1289316652@qq.com"} 10
        tencent_desk_agent_first_response_under_30s_sessions{agent_id="1289316652@qq.com"} 9
        tencent_desk_agent_average_response_seconds{agent_id="1289316652@qq.com"} 25
        tencent_desk_agent_response_under_30s_sessions{agent_id="1289316652@qq.com"} 8
        tencent_desk_agent_average_session_seconds{agent_id="1289316652@qq.com"} 300
        tencent_desk_agent_rated_sessions{agent_id="1289316652@qq.com"} 8
        tencent_desk_agent_satisfied_sessions{agent_id="1289316652@qq.com"} 6
        tencent_desk_agent_satisfaction_ratio{agent_id="1289316652@qq.com"} 0.75"#,
    );
    assert_eq!(page.agent_samples(), expected);
    // More than were asked for: it counts others too, and says nothing of these.
    assert_eq!(page.own("exporter_missing_rows", &[]), Some(0.0));
    assert_eq!(page.own("exporter_agents", &[]), Some(1.0));
}

#[test]
fn every_family_is_a_gauge_whose_help_names_its_field() {
    let page = polled(vec![agent("a")]);
    assert_eq!(page.agent_families().len(), 22);
    assert!(
        page.agent_families()
            .iter()
            .all(|family| family.kind == "gauge")
    );
    let derived = [
        ("AgentNickName", "info", ""),
        ("SatisfiedCnt", "satisfaction_ratio", ""),
    ];
    for (field, metric, _) in FIELDS.into_iter().chain(derived) {
        let family = page
            .family(&format!("tencent_desk_agent_{metric}"))
            .unwrap();
        assert!(family.help.contains(field), "{field}: {}", family.help);
    }
}

#[test]
fn each_field_goes_to_its_own_metric() {
    let numbered = FIELDS
        .iter()
        .zip(101..)
        .map(|(f, n)| (f.0.to_owned(), json!(n)));
    let page = polled(vec![with(agent("a"), Value::Object(numbered.collect()))]);
    for ((field, _, _), number) in FIELDS.iter().zip(101..) {
        assert_eq!(value_of(&page, field), Some(f64::from(number)), "{field}");
    }
}

#[test]
fn names_with_any_character_come_through() {
    let names = [
        r#"quo"tes" and \back\slashes\"#,
        "two\nlines\r\n and a\ttab",
        "美美 🎧 ｶﾞｽ",
        r"\n is not a line's end",
        " blanks, {braces} # and = signs ",
        "\u{202e}backwards\u{0}",
    ];
    let row = |name: &&str| {
        with(
            agent(&format!("id of {name}")),
            json!({ "AgentNickName": name }),
        )
    };
    let page = polled(names.iter().map(row).collect());
    for name in names {
        let id = format!("id of {name}");
        let labels = [("agent_id", id.as_str()), ("nickname", name)];
        assert_eq!(
            page.value("tencent_desk_agent_info", &labels),
            Some(1.0),
            "{name:?}"
        );
        assert_eq!(page.agent(&id, "sessions"), Some(12.0), "{name:?}");
    }
}

#[test]
fn an_idle_agent_has_zeros_but_neither_times_nor_averages_nor_a_ratio() {
    let page = polled(vec![idle("a")]);
    let unknown = [
        "FirstLoginTimestamp",
        "LastLogoutTimestamp",
        "AvgFirstRespTime",
        "AvgRespTime",
        "AvgAcceptTime",
    ];
    for (field, _, _) in FIELDS {
        let expected = (!unknown.contains(&field)).then_some(0.0);
        assert_eq!(value_of(&page, field), expected, "{field}");
    }
    assert_eq!(page.agent("a", "satisfaction_ratio"), None);
}

#[test]
fn the_ratio_needs_a_rating_and_may_be_zero() {
    let ratio = |rated: u32, satisfied: u32| {
        let row = json!({ "SatisfactionSelectedCnt": rated, "SatisfiedCnt": satisfied });
        polled(vec![with(agent("a"), row)]).agent("a", "satisfaction_ratio")
    };
    assert_eq!(ratio(0, 0), None);
    assert_eq!(ratio(3, 0), Some(0.0));
    assert_eq!(ratio(3, 3), Some(1.0));
}

#[test]
fn an_agent_without_a_nickname_has_all_but_the_info() {
    let names = ["", " ", "\u{3000}\t"];
    let rows = names.iter().enumerate();
    let rows = rows.map(|(n, name)| with(agent(&n.to_string()), json!({ "AgentNickName": name })));
    let page = polled(rows.collect());
    assert_eq!(page.agents().len(), names.len());
    assert!(page.family("tencent_desk_agent_info").is_none(), "{page}");
    assert_eq!(ignored(&page, "AgentNickName"), 0.0, "it is a text");
}

#[test]
fn an_average_of_zero_counts_only_where_something_was_averaged() {
    let row = |id: &str, sessions: u32, unanswered: u32, effective: u32, average: u32| {
        let members = json!({
            "TotalSessionCnt": sessions, "NotRespSessionCnt": unanswered, "EffectiveSessionCnt": effective,
            "AvgFirstRespTime": average, "AvgRespTime": average, "AvgAcceptTime": average,
        });
        with(agent(id), members)
    };
    let unsaid = without(row("not said", 5, 0, 0, 0), "NotRespSessionCnt");
    let page = polled(vec![
        row("no session", 0, 0, 0, 0),
        row("none answered", 5, 5, 0, 0),
        row("fewer than none answered", 5, 6, 0, 0),
        row("answered, the user silent", 5, 4, 0, 0),
        row("some effective", 5, 4, 1, 0),
        row("an average from nowhere", 0, 0, 0, 7),
        without(unsaid, "EffectiveSessionCnt"),
    ]);
    let zero = Some(0.0);
    for (id, averages) in [
        ("no session", [None, None, None]),
        ("none answered", [None, None, zero]),
        ("fewer than none answered", [None, None, zero]),
        ("answered, the user silent", [zero, None, zero]),
        ("some effective", [zero; 3]),
        ("an average from nowhere", [Some(7.0); 3]),
        ("not said", [zero, None, zero]),
    ] {
        let names = ["first_response", "response", "session"];
        let shown = names.map(|name| page.agent(id, &format!("average_{name}_seconds")));
        assert_eq!(shown, averages, "{id}");
    }
}

#[test]
fn a_field_that_is_missing_loses_only_itself() {
    let all = polled(vec![agent("a")]).agent_samples().len();
    for field in [
        "FreeTime",
        "TotalMsgCnt",
        "LastLogoutTimestamp",
        "AgentNickName",
    ] {
        let page = polled(vec![without(agent("a"), field)]);
        assert_eq!(page.agent_samples().len(), all - 1, "{field}\n{page}");
        assert_eq!(ignored(&page, field), 0.0, "{field}");
    }
    let page = polled(vec![without(agent("a"), "SatisfiedCnt")]);
    assert_eq!(value_of(&page, "SatisfiedCnt"), None);
    assert_eq!(page.agent("a", "satisfaction_ratio"), None);
    assert_eq!(page.agent_samples().len(), all - 2);
}

#[test]
fn what_is_no_number_loses_only_itself_and_is_counted() {
    let oddities = json!({
        "FreeTime": null,
        "BusyTime": {},
        "RestTime": [1],
        "TotalMsgCnt": "many",
        "AgentMsgCnt": true,
        "UserMsgCnt": "",
        "ServeUserCnt": "NaN",
        "AgentEndCnt": "inf",
    });
    let page = polled(vec![with(agent("a"), oddities.clone()), agent("b")]);
    for field in oddities.as_object().unwrap().keys() {
        assert_eq!(value_of(&page, field), None, "{field}");
        assert_eq!(ignored(&page, field), 1.0, "{field}");
    }
    assert_eq!(value_of(&page, "TotalSessionCnt"), Some(12.0));
    assert_eq!(ignored(&page, "TotalSessionCnt"), 0.0);
    assert_eq!(page.agent("b", "messages"), Some(450.0));
}

#[test]
fn numbers_in_strings_fractions_and_negative_numbers_count_as_they_are() {
    let page = polled(vec![with(
        agent("a"),
        json!({
            "FreeTime": "3600", "BusyTime": "12.5", "RestTime": -5, "TotalMsgCnt": "-3",
            "AvgRespTime": 2.5, "AgentMsgCnt": 1e3, "FirstLoginTimestamp": "1738923814",
        }),
    )]);
    assert_eq!(value_of(&page, "FreeTime"), Some(3600.0));
    assert_eq!(value_of(&page, "BusyTime"), Some(12.5));
    assert_eq!(value_of(&page, "RestTime"), Some(-5.0));
    assert_eq!(value_of(&page, "TotalMsgCnt"), Some(-3.0));
    assert_eq!(value_of(&page, "AvgRespTime"), Some(2.5));
    assert_eq!(value_of(&page, "AgentMsgCnt"), Some(1000.0));
    assert_eq!(
        value_of(&page, "FirstLoginTimestamp"),
        Some(1_738_923_814.0)
    );
}

#[test]
fn zero_rules_hold_for_zeros_in_strings_too() {
    let zeros = json!({
        "FirstLoginTimestamp": "0", "SatisfactionSelectedCnt": "0",
        "TotalSessionCnt": "0", "AvgAcceptTime": "0",
    });
    let page = polled(vec![with(agent("a"), zeros)]);
    assert_eq!(value_of(&page, "FirstLoginTimestamp"), None);
    assert_eq!(value_of(&page, "AvgAcceptTime"), None);
    assert_eq!(page.agent("a", "satisfaction_ratio"), None);
}

#[test]
fn numbers_beyond_every_range_lose_only_themselves() {
    let desk = Desk::with(Vec::new());
    desk.set_row_texts(&[
        r#"{"AgentId":"a","AgentNickName":"A","FreeTime":1e400,"BusyTime":-1e400,
            "RestTime":18446744073709551616,"TotalSessionCnt":"1e400","TotalMsgCnt":7}"#,
    ]);
    let page = one_poll(&desk);
    for field in ["FreeTime", "BusyTime", "TotalSessionCnt"] {
        assert_eq!(value_of(&page, field), None, "{field}");
        assert_eq!(ignored(&page, field), 1.0, "{field}");
    }
    assert_eq!(
        value_of(&page, "RestTime"),
        Some(18_446_744_073_709_551_616.0)
    );
    assert_eq!(value_of(&page, "TotalMsgCnt"), Some(7.0));
}

#[test]
fn an_agent_who_comes_twice_is_shown_once_by_the_later_row() {
    let earlier = with(
        agent("a"),
        json!({ "TotalSessionCnt": 1, "AgentNickName": "old" }),
    );
    let later = with(
        idle("a"),
        json!({ "TotalSessionCnt": 2, "AgentNickName": "new" }),
    );
    let page = polled(vec![earlier, agent("b"), later]);
    assert_eq!(page.own("exporter_agents", &[]), Some(2.0));
    assert_eq!(value_of(&page, "TotalSessionCnt"), Some(2.0));
    assert_eq!(
        page.agent("a", "satisfaction_ratio"),
        None,
        "of the later row only"
    );
    let infos = &page.family("tencent_desk_agent_info").unwrap().samples;
    let of_a: Vec<_> = infos
        .iter()
        .filter(|s| s.label("agent_id") == Some("a"))
        .collect();
    assert_eq!(of_a.len(), 1);
    assert_eq!(of_a[0].label("nickname"), Some("new"));
    assert_eq!(discarded(&page, "duplicate"), 1.0);
}

#[test]
fn a_row_without_an_id_is_left_out_and_counted() {
    let page = polled(vec![without(agent("x"), "AgentId"), agent("b")]);
    assert_eq!(page.agents(), ["b".to_owned()].into());
    assert_eq!(page.own("exporter_agents", &[]), Some(1.0));
    assert_eq!(discarded(&page, "no_id"), 1.0);
    assert_eq!(discarded(&page, "duplicate"), 0.0);
}

fn discarded(page: &Page, reason: &str) -> f64 {
    let labels = [("reason", reason)];
    page.own("exporter_discarded_rows_total", &labels)
        .unwrap_or(0.0)
}

#[test]
fn fields_of_a_later_version_are_counted_and_do_no_harm() {
    let new = json!({ "NewCnt": 5, "NewList": [{ "a": null }] });
    let page = polled(vec![with(agent("a"), new.clone()), with(agent("b"), new)]);
    assert_eq!(page.own("exporter_unknown_fields", &[]), Some(2.0));
    assert_eq!(page.agent_samples().len(), 48);
    let known = polled(vec![agent("a")]);
    assert_eq!(known.own("exporter_unknown_fields", &[]), Some(0.0));
}

#[test]
fn fields_that_no_row_has_are_counted() {
    let absent = |rows| polled(rows).own("exporter_absent_fields", &[]);
    let poor = |id| without(without(agent(id), "BusyTime"), "SatisfiedCnt");
    assert_eq!(absent(vec![agent("a"), poor("b")]), Some(0.0));
    assert_eq!(absent(vec![poor("a"), poor("b")]), Some(2.0));
    assert_eq!(
        absent(vec![with(poor("a"), json!({ "BusyTime": null }))]),
        Some(1.0)
    );
    assert_eq!(absent(Vec::new()), Some(0.0));
}

#[test]
fn a_text_that_is_cut_off_costs_itself_and_no_other_agent() {
    let desk = Desk::with(Vec::new());
    let named = |id: &str, name: &str| with(agent(id), json!({ "AgentNickName": name }));
    let rows = [named("a", "客服"), named("b", "客服"), named("c", "C")];
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let whole = rows::answer(3, &rows).into_bytes();
    let last = whole.windows(3).rposition(|some| some == "服".as_bytes());
    let mut cut = [b"\xef\xbb\xbf", &whole[..]].concat();
    cut.remove(last.unwrap() + 3 + 2);
    desk.always(crate::support::desk::Reply::Body(cut));
    let page = one_poll(&desk);
    let infos = &page.family("tencent_desk_agent_info").unwrap().samples;
    let names: Vec<_> = infos
        .iter()
        .map(|sample| sample.label("nickname").unwrap())
        .collect();
    assert_eq!(names, ["客服", "客\u{fffd}", "C"]);
    assert_eq!(page.agent_samples().len(), 72);
}

#[test]
fn an_envelope_with_more_or_less_than_documented_is_read_by_its_error_code() {
    let desk = Desk::with(Vec::new());
    let row = agent("a").to_string();
    for envelope in [
        format!(r#"{{"ErrorCode":0,"TotalCount":1,"Data":[{row}]}}"#),
        format!(
            r#" {{"RequestId":"Id-1-O-Seq-2","ErrorDisplay":"","ErrorInfo":"OK","Data":[{row}],
                "TotalCount":1,"ErrorCode":0}} "#
        ),
        format!(r#"{{"ErrorCode":0.0,"TotalCount":1e0,"Data":[{row}]}}"#),
        format!(r#"{{"ErrorCode":"0","TotalCount":"1","Data":[{row},1e400,[[]]]}}"#),
    ] {
        desk.always(crate::support::desk::Reply::body(envelope));
        assert_eq!(one_poll(&desk).agents(), ["a".to_owned()].into());
    }
}
