//! The five further endpoints, from fields to samples: every field, odd values, zero and unknown, pages, and what their
//! answers need not keep to.

use serde_json::{Value, json};

use crate::support::desk::{Count, Desk, Further, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::rows::{self, nth_id, with, without};

/// The agent of the documents.
const MEIMEI: &str = "1289316652@qq.com";

/// Polls each endpoint of this Desk once; the next polls come in an hour.
fn setup(desk: &Desk) -> Setup {
    Setup::of(desk)
        .unset("ENDPOINTS")
        .set("REALTIME_INTERVAL", "1h")
        .set("DIRECTORY_INTERVAL", "1h")
        .set("MAX_STALENESS", "4h")
}

fn desk(change: impl FnOnce(&mut Further)) -> Desk {
    let desk = Desk::with(vec![rows::example()]);
    desk.further(change);
    desk
}

/// The page after one good poll of each endpoint.
#[track_caller]
fn polled(exporter: &Exporter) -> Page {
    let page = exporter.after_first_poll();
    for endpoint in Endpoint::ALL {
        assert_eq!(
            up(&page, endpoint),
            Some(1.0),
            "{endpoint:?}\n{}",
            exporter.output()
        );
    }
    page
}

#[track_caller]
fn page_of(change: impl FnOnce(&mut Further)) -> Page {
    let desk = desk(change);
    polled(&setup(&desk).start())
}

fn up(page: &Page, endpoint: Endpoint) -> Option<f64> {
    own(page, "exporter_endpoint_up", endpoint)
}

fn own(page: &Page, name: &str, endpoint: Endpoint) -> Option<f64> {
    page.value(
        &format!("tencent_desk_{name}"),
        &[("endpoint", endpoint.name())],
    )
}

fn discarded(page: &Page, endpoint: Endpoint, reason: &str) -> Option<f64> {
    page.value(
        "tencent_desk_exporter_discarded_rows_total",
        &[("endpoint", endpoint.name()), ("reason", reason)],
    )
}

/// The samples of a family, each as its labels' values and its value.
fn shown(page: &Page, name: &str) -> Vec<(String, f64)> {
    let text = |labels: Vec<&String>| {
        labels
            .into_iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut shown: Vec<(String, f64)> = page
        .all(name)
        .into_iter()
        .map(|sample| (text(sample.labels.values().collect()), sample.value))
        .collect();
    shown.sort_by(|one, other| one.0.cmp(&other.0));
    shown
}

#[track_caller]
fn assert_shown(page: &Page, name: &str, expected: &[(&str, f64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(l, v)| ((*l).to_owned(), *v))
        .collect();
    assert_eq!(shown(page, name), expected, "{name}\n{page}");
}

/// Fields of the reception, and where their values are shown.
const RECEPTION: [(&str, &str, &str); 6] = [
    ("CurrentQueueCnt", "queued_sessions", ""),
    ("CurrentAgentAcceptCnt", "active_sessions", ""),
    ("CurrentTransferAgentCnt", "handed_over_sessions", ""),
    ("FreeAgentCnt", "online_agents", "free"),
    ("BusyAgentCnt", "online_agents", "busy"),
    ("RestAgentCnt", "online_agents", "rest"),
];

/// Fields of a member now, and what follows `agent_` in their metrics.
const MEMBER: [(&str, &str); 6] = [
    ("CurrentAcceptCnt", "current_sessions"),
    ("MemberStatus", "status_code"),
    ("TotalSessionCnt", "realtime_sessions"),
    (
        "AvgFirstRespTime",
        "realtime_average_first_response_seconds",
    ),
    ("AvgRespTime", "realtime_average_response_seconds"),
    ("AvgAcceptTime", "realtime_average_session_seconds"),
];

/// Fields of a time's sessions, what follows `day_` or `hour_` in their metrics, and the stars.
const SESSIONS: [(&str, &str, &str); 14] = [
    ("TotalSessionCnt", "sessions", ""),
    ("TransferAgentSessionCnt", "handed_over_sessions", ""),
    ("AgentAcceptCnt", "accepted_sessions", ""),
    ("EffectiveSessionCnt", "effective_sessions", ""),
    ("SatisfactionSelectedCnt", "rated_sessions", ""),
    ("OneStarSelectedCnt", "star_ratings", "1"),
    ("TwoStarSelectedCnt", "star_ratings", "2"),
    ("ThreeStarSelectedCnt", "star_ratings", "3"),
    ("FourStarSelectedCnt", "star_ratings", "4"),
    ("FiveStarSelectedCnt", "star_ratings", "5"),
    ("AvgFirstRespTime", "average_first_response_seconds", ""),
    ("AvgRespTime", "average_response_seconds", ""),
    ("AvgAcceptTime", "average_session_seconds", ""),
    ("AvgQueueTime", "average_queue_seconds", ""),
];

/// What the page shows for a label beside those of the row, or for the row alone.
fn value(
    page: &Page,
    name: &str,
    of_row: Option<(&str, &str)>,
    label: (&str, &str),
) -> Option<f64> {
    let labels = of_row
        .into_iter()
        .chain((!label.1.is_empty()).then_some(label));
    page.value(&format!("tencent_desk_{name}"), &labels.collect::<Vec<_>>())
}

/// A number of its own for each field.
fn numbered<'a>(fields: impl IntoIterator<Item = &'a str>) -> Value {
    let members = fields.into_iter().zip(101..);
    members
        .map(|(field, number)| (field.to_owned(), json!(number)))
        .collect()
}

#[test]
fn each_field_goes_to_its_own_metric() {
    let page = page_of(|further| {
        further.reception = with(
            numbered(RECEPTION.map(|row| row.0)),
            json!({ "CurrentGroupQueueCnt": [
                { "GroupId": 6103, "GroupName": "128931", "QueueCnt": 0 },
                { "GroupId": 1234, "GroupName": "VIP \"x\"", "QueueCnt": 9 },
            ]}),
        );
        further.members = vec![with(
            numbered(MEMBER.map(|row| row.0)),
            json!({ "MemberId": MEIMEI }),
        )];
        further.day = vec![numbered(SESSIONS.map(|row| row.0))];
        let hour = |time| with(numbered(SESSIONS.map(|row| row.0)), json!({ "Time": time }));
        further.hours = vec![hour("00:00"), hour("23:00")];
    });
    for ((_, name, state), number) in RECEPTION.into_iter().zip(101_i16..) {
        assert_eq!(
            value(&page, name, None, ("state", state)),
            Some(f64::from(number)),
            "{name}"
        );
    }
    assert_shown(
        &page,
        "group_queued_users",
        &[("1234 VIP \"x\"", 9.0), ("6103 128931", 0.0)],
    );
    for ((_, name), number) in MEMBER.into_iter().zip(101_i16..) {
        assert_eq!(page.agent(MEIMEI, name), Some(f64::from(number)), "{name}");
    }
    for ((_, name, stars), number) in SESSIONS.into_iter().zip(101_i16..) {
        let expected = Some(f64::from(number));
        let label = ("stars", stars);
        assert_eq!(
            value(&page, &format!("day_{name}"), None, label),
            expected,
            "{name}"
        );
        for hour in ["00", "23"] {
            let found = value(&page, &format!("hour_{name}"), Some(("hour", hour)), label);
            assert_eq!(found, expected, "{hour} {name}");
        }
    }
}

#[test]
fn members_and_groups_are_shown_as_the_documents_have_them() {
    let page = page_of(|_| {});
    assert_shown(&page, "members", &[("", 1.0)]);
    assert_shown(&page, "agent_reception_limit", &[(MEIMEI, 10.0)]);
    let of_groups = [
        (&*format!("{MEIMEI} 1234"), 1.0),
        (&*format!("{MEIMEI} 6103"), 1.0),
    ];
    assert_shown(&page, "agent_group_info", &of_groups);
    assert_shown(
        &page,
        "group_info",
        &[("1234 VIP", 1.0), ("6103 128931", 1.0)],
    );
    assert_shown(
        &page,
        "group_reception_limit",
        &[("1234", 5.0), ("6103", 10.0)],
    );
    assert_shown(&page, "group_members", &[("1234", 3.0), ("6103", 1.0)]);
    // What agent statistics say of the same agent stands beside it.
    assert_eq!(page.agent(MEIMEI, "sessions"), Some(12.0));
}

#[test]
fn a_status_has_the_name_that_was_given_to_its_number_and_no_other() {
    let desk = desk(|further| {
        let member = |n: usize, status: Value| {
            with(
                rows::member_example(),
                json!({ "MemberId": nth_id(n), "MemberStatus": status }),
            )
        };
        further.members = vec![
            member(1, json!(1)),
            member(2, json!(7)),
            member(3, json!("2")),
        ];
    });
    let exporter = setup(&desk)
        .set("STATUS_NAMES", "1=free,2=on the phone")
        .start();
    let page = polled(&exporter);
    let [one, two, three] = [1, 2, 3].map(nth_id);
    let codes = [(&*one, 1.0), (&*two, 7.0), (&*three, 2.0)];
    assert_shown(&page, "agent_status_code", &codes);
    let named = [
        (&*format!("{one} free"), 1.0),
        (&*format!("{three} on the phone"), 1.0),
    ];
    assert_shown(&page, "agent_status", &named);
    assert_shown(&polled(&setup(&desk).start()), "agent_status", &[]);
}

/// What is no number, in any field that should have one.
fn no_numbers() -> [Value; 7] {
    [
        Value::Null,
        json!(true),
        json!("x"),
        json!(""),
        json!([1]),
        json!({ "a": 1 }),
        json!("NaN"),
    ]
}

#[test]
fn an_odd_value_loses_only_itself() {
    for odd in no_numbers() {
        let page = page_of(|further| {
            // Each row has another field that is odd.
            let spoilt = |row: Value, field: &str| with(row, json!({ field: odd }));
            further.members = (1..)
                .zip(MEMBER)
                .map(|(n, (field, _))| {
                    let row = with(rows::member_example(), json!({ "MemberId": nth_id(n) }));
                    spoilt(row, field)
                })
                .collect();
            further.hours = (0..)
                .zip(SESSIONS)
                .map(|(hour, (field, _, _))| {
                    let time = format!("{hour:02}:00");
                    spoilt(
                        with(rows::session_example(), json!({ "Time": time })),
                        field,
                    )
                })
                .collect();
            further.reception = spoilt(rows::reception_example(), "CurrentQueueCnt");
            further.day = vec![spoilt(rows::session_example(), "AgentAcceptCnt")];
            further.member_list = vec![
                spoilt(rows::member_list_example(), "EffectiveReceptionLimit"),
                with(
                    spoilt(rows::member_list_example(), "MemberGroupIDList"),
                    json!({ "MemberMail": "b" }),
                ),
            ];
            further.group_list = vec![
                spoilt(rows::group_list_example()[0].clone(), "ReceptionLimit"),
                spoilt(rows::group_list_example()[1].clone(), "GroupMemberCount"),
            ];
        });
        for (n, (field, _)) in (1..).zip(MEMBER) {
            for (other, name) in MEMBER {
                let is_there = page.agent(&nth_id(n), name).is_some();
                assert_eq!(is_there, other != field, "{odd}: {field}, {name}");
            }
        }
        for (hour, (field, _, _)) in (0..).zip(SESSIONS) {
            let hour = format!("{hour:02}");
            for (other, name, stars) in SESSIONS {
                let name = format!("hour_{name}");
                let found = value(&page, &name, Some(("hour", &hour)), ("stars", stars));
                assert_eq!(
                    found.is_some(),
                    other != field,
                    "{odd}: {field}, {name} {stars}"
                );
            }
        }
        assert_shown(&page, "queued_sessions", &[]);
        assert_shown(&page, "active_sessions", &[("", 13.0)]);
        assert_shown(&page, "day_accepted_sessions", &[]);
        assert_shown(&page, "day_handed_over_sessions", &[("", 10.0)]);
        assert_shown(&page, "agent_reception_limit", &[("b", 10.0)]);
        assert_shown(&page, "group_reception_limit", &[("1234", 5.0)]);
        assert_shown(&page, "group_members", &[("6103", 1.0)]);
        // An array may be one of groups.
        let groups = if odd.is_array() { 3 } else { 2 };
        assert_eq!(page.all("agent_group_info").len(), groups, "{odd}: {page}");
        assert_eq!(page.all("group_info").len(), 2, "{odd}: {page}");
    }
}

#[test]
fn a_missing_field_is_absent_and_a_number_in_a_string_counts() {
    let page = page_of(|further| {
        further.reception = without(rows::reception_example(), "FreeAgentCnt");
        further.reception = with(further.reception.clone(), json!({ "CurrentQueueCnt": "3" }));
        further.members = vec![with(
            without(rows::member_example(), "MemberStatus"),
            json!({ "CurrentAcceptCnt": "4" }),
        )];
        further.day = vec![with(
            without(rows::session_example(), "AvgQueueTime"),
            json!({ "TotalSessionCnt": "5" }),
        )];
        further.member_list = vec![with(
            without(rows::member_list_example(), "MemberGroupIDList"),
            json!({ "EffectiveReceptionLimit": "6" }),
        )];
        further.group_list = vec![with(
            without(rows::group_list_example()[0].clone(), "GroupMemberCount"),
            json!({ "MemberGroupID": "6103", "ReceptionLimit": "7" }),
        )];
    });
    assert_shown(&page, "queued_sessions", &[("", 3.0)]);
    assert_shown(&page, "online_agents", &[("busy", 3.0), ("rest", 2.0)]);
    assert_shown(&page, "agent_current_sessions", &[(MEIMEI, 4.0)]);
    assert_shown(&page, "agent_status_code", &[]);
    assert_shown(&page, "day_sessions", &[("", 5.0)]);
    assert_shown(&page, "day_average_queue_seconds", &[]);
    assert_shown(&page, "agent_reception_limit", &[(MEIMEI, 6.0)]);
    assert_shown(&page, "agent_group_info", &[]);
    assert_shown(&page, "group_reception_limit", &[("6103", 7.0)]);
    assert_shown(&page, "group_members", &[]);
}

#[test]
fn zero_and_unknown_are_told_apart() {
    let averages = json!({
        "AvgFirstRespTime": 0, "AvgRespTime": 0, "AvgAcceptTime": 0, "AvgQueueTime": 0,
    });
    let hour = |time: &str, accepted: i64, effective: i64| {
        let counts = json!({
            "Time": time, "AgentAcceptCnt": accepted, "EffectiveSessionCnt": effective,
        });
        with(with(rows::session_example(), averages.clone()), counts)
    };
    let page = page_of(|further| {
        further.hours = vec![
            hour("08:00", 0, 0),
            hour("09:00", 1, 0),
            hour("10:00", 1, 1),
        ];
        let member = |n: usize, sessions: i64| {
            let row = with(rows::member_example(), averages.clone());
            with(
                row,
                json!({ "MemberId": nth_id(n), "TotalSessionCnt": sessions }),
            )
        };
        further.members = vec![member(1, 0), member(2, 1)];
        let limit = json!({ "EffectiveReceptionLimit": 0 });
        further.member_list = vec![with(rows::member_list_example(), limit)];
    });
    for of_accepted in ["first_response", "session", "queue"] {
        let name = format!("hour_average_{of_accepted}_seconds");
        assert_shown(&page, &name, &[("09", 0.0), ("10", 0.0)]);
    }
    assert_shown(&page, "hour_average_response_seconds", &[("10", 0.0)]);
    assert_eq!(page.all("hour_accepted_sessions").len(), 3);
    for average in ["first_response", "response", "session"] {
        let name = format!("agent_realtime_average_{average}_seconds");
        assert_shown(&page, &name, &[(&nth_id(2), 0.0)]);
    }
    assert_eq!(page.agent(&nth_id(1), "realtime_sessions"), Some(0.0));
    assert_shown(&page, "agent_reception_limit", &[]);
    assert_eq!(page.all("agent_group_info").len(), 2);
}

#[test]
fn groups_need_not_add_up_to_the_total() {
    // The documents' own example: two sessions wait, in no group's queue.
    let page = page_of(|_| {});
    assert_shown(&page, "queued_sessions", &[("", 2.0)]);
    assert_shown(&page, "group_queued_users", &[("6103 128931", 0.0)]);
    for none in [json!([]), Value::Null] {
        let page = page_of(|further| further.reception["CurrentGroupQueueCnt"] = none);
        assert_shown(&page, "queued_sessions", &[("", 2.0)]);
        assert_shown(&page, "group_queued_users", &[]);
    }
}

#[test]
fn an_odd_group_loses_only_itself() {
    let page = page_of(|further| {
        further.reception["CurrentGroupQueueCnt"] = json!([
            { "GroupId": 1, "GroupName": "a", "QueueCnt": "x" },
            { "GroupName": "no id", "QueueCnt": 2 },
            { "GroupId": 3, "QueueCnt": 3 },
            { "GroupId": 4, "GroupName": "first", "QueueCnt": 4 },
            { "GroupId": 4, "GroupName": "last", "QueueCnt": 5 },
            "no group",
        ]);
    });
    assert_shown(&page, "queued_sessions", &[("", 2.0)]);
    let shown = shown(&page, "group_queued_users");
    assert!(shown.contains(&("4 last".to_owned(), 5.0)), "{shown:?}");
    assert!(
        shown.iter().all(|(labels, _)| !labels.starts_with('1')),
        "{shown:?}"
    );
    assert!(shown.len() <= 2, "{shown:?}");
}

#[test]
fn a_desk_without_queues_may_write_no_groups_as_it_likes() {
    for none in [json!({}), json!([])] {
        let page = page_of(|further| further.reception["CurrentGroupQueueCnt"] = none.clone());
        assert_shown(&page, "group_queued_users", &[]);
        let reception = Endpoint::ReceptionRealtime;
        assert_eq!(discarded(&page, reception, "no_id"), Some(0.0), "{none}");
        let absent = own(&page, "exporter_absent_fields", reception);
        assert_eq!(absent, Some(0.0), "{none}");
    }
}

#[test]
fn groups_that_are_said_twice_count_as_they_are_said_last() {
    let desk = desk(|_| {});
    desk.reply_at(
        Endpoint::ReceptionRealtime,
        Reply::body(
            r#"{"ErrorCode":0,"Data":{"CurrentQueueCnt":1,
                "CurrentGroupQueueCnt":[{"GroupId":1,"GroupName":"a","QueueCnt":5},{"GroupId":2,"GroupName":"b","QueueCnt":6}],
                "CurrentGroupQueueCnt":[{"GroupId":1,"GroupName":"a","QueueCnt":7}]}}"#,
        ),
    );
    let page = polled(&setup(&desk).start());
    assert_shown(&page, "group_queued_users", &[("1 a", 7.0)]);
}

#[test]
fn an_agent_is_asked_for_without_regard_to_case() {
    let desk = desk(|further| further.members = members(3));
    desk.set_rows(vec![rows::agent(&nth_id(2))]);
    desk.ignore_filter();
    let asked = nth_id(2).to_uppercase();
    let page = polled(&setup(&desk).set("AGENT_IDS", asked).start());
    assert_shown(&page, "agent_current_sessions", &[(&nth_id(2), 2.0)]);
    let others = discarded(&page, Endpoint::MemberRealtime, "not_asked");
    assert_eq!(others, Some(2.0));
}

#[test]
fn a_time_of_another_day_is_left_out_and_counted() {
    let times = ["2020-01-01", "24:00", "9", "", "noon", "09:30:00 x"];
    let page = page_of(|further| {
        let row = |time: Value| with(rows::session_example(), json!({ "Time": time }));
        further.hours = times.iter().map(|time| row(json!(time))).collect();
        further.hours.push(row(Value::Null));
        further.hours.push(row(json!("17:00")));
        further.day = vec![row(json!("2020-01-01"))];
    });
    assert_shown(&page, "hour_sessions", &[("17", 12.0)]);
    assert_shown(&page, "day_sessions", &[]);
    let discarded = discarded(&page, Endpoint::SessionStatistics, "other_time");
    assert_eq!(discarded, Some(8.0), "{page}");
}

#[test]
fn hours_without_a_row_are_absent() {
    let page = page_of(|further| further.hours.clear());
    assert_shown(&page, "hour_sessions", &[]);
    assert_shown(&page, "day_sessions", &[("", 12.0)]);
}

fn members(count: usize) -> Vec<Value> {
    let row = |n| {
        let own = json!({ "MemberId": nth_id(n), "CurrentAcceptCnt": n });
        with(rows::member_example(), own)
    };
    (1..=count).map(row).collect()
}

fn member_list(count: usize) -> Vec<Value> {
    let row = |n| {
        let own = json!({ "MemberMail": nth_id(n), "EffectiveReceptionLimit": n });
        with(rows::member_list_example(), own)
    };
    (1..=count).map(row).collect()
}

fn group_list(count: usize) -> Vec<Value> {
    let row = |n| {
        let own = json!({ "MemberGroupID": n, "GroupMemberCount": n });
        with(rows::group_list_example()[0].clone(), own)
    };
    (1..=count).map(row).collect()
}

#[test]
fn each_list_is_walked_page_by_page_as_its_numbers_go() {
    let desk = desk(|further| {
        further.members = members(250);
        further.member_list = member_list(250);
        further.group_list = group_list(250);
    });
    let page = polled(&setup(&desk).start());
    let asked = |endpoint, parameter: &str| -> Vec<Value> {
        let requests = desk.requests_at(endpoint);
        let mut asked: Vec<_> = requests
            .iter()
            .map(|request| request.json()[parameter].clone())
            .collect();
        // Those after the first are asked for side by side.
        asked.sort_by_key(Value::as_u64);
        asked
    };
    assert_eq!(asked(Endpoint::MemberRealtime, "Offset"), [0, 100, 200]);
    assert_eq!(asked(Endpoint::MemberList, "PageNum"), [0, 1, 2]);
    assert_eq!(asked(Endpoint::MemberList, "PageSize"), [100, 100, 100]);
    assert_eq!(asked(Endpoint::GroupList, "PageNumber"), [1, 2, 3]);
    assert_eq!(asked(Endpoint::GroupList, "PageSize"), [100, 100, 100]);
    assert_eq!(desk.asked_at(Endpoint::ReceptionRealtime), 1);
    assert_eq!(asked(Endpoint::SessionStatistics, "GroupByHour").len(), 2);
    for (name, last) in [
        ("agent_current_sessions", nth_id(250)),
        ("agent_reception_limit", nth_id(250)),
        ("group_members", "250".to_owned()),
    ] {
        let shown = shown(&page, name);
        assert_eq!(shown.len(), 250, "{name}");
        assert!(shown.contains(&(last, 250.0)), "{name}");
    }
    assert_shown(&page, "members", &[("", 250.0)]);
}

#[test]
fn a_full_last_page_and_an_empty_list_are_whole() {
    for count in [0, 100, 101] {
        let page = page_of(|further| {
            further.members = members(count);
            further.member_list = member_list(count);
            further.group_list = group_list(count);
        });
        for name in [
            "agent_current_sessions",
            "agent_reception_limit",
            "group_members",
        ] {
            assert_eq!(page.all(name).len(), count, "{name}");
        }
    }
}

#[test]
fn a_total_that_ignores_the_choice_ends_and_shows_only_those_asked_for() {
    let desk = desk(|further| {
        further.members = members(5);
        further.member_list = member_list(5);
    });
    desk.set_rows(vec![rows::agent(&nth_id(2))]);
    desk.count_at(Endpoint::MemberRealtime, Count::Unfiltered);
    let page = polled(&setup(&desk).set("AGENT_IDS", nth_id(2)).start());
    assert_shown(&page, "agent_current_sessions", &[(&nth_id(2), 2.0)]);
    assert_shown(&page, "agent_reception_limit", &[(&nth_id(2), 2.0)]);
    assert!(
        page.all("agent_group_info")
            .iter()
            .all(|s| s.label("agent_id") == Some(&nth_id(2)))
    );
    assert!(
        desk.asked_at(Endpoint::MemberRealtime) <= 4,
        "it asks on and on"
    );
    assert_eq!(
        desk.requests_at(Endpoint::MemberRealtime)[0].json()["MemberIds"],
        json!([nth_id(2)])
    );
    assert_eq!(
        discarded(&page, Endpoint::MemberList, "not_asked"),
        Some(4.0)
    );
}

#[test]
fn a_desk_that_ignores_the_choice_shows_no_other_agent() {
    let desk = desk(|further| further.members = members(5));
    desk.set_rows(vec![rows::agent(&nth_id(2))]);
    desk.ignore_filter();
    let page = polled(&setup(&desk).set("AGENT_IDS", nth_id(2)).start());
    assert_shown(&page, "agent_current_sessions", &[(&nth_id(2), 2.0)]);
    assert_eq!(
        discarded(&page, Endpoint::MemberRealtime, "not_asked"),
        Some(4.0)
    );
}

#[test]
fn a_row_without_an_id_is_left_out_and_one_that_comes_twice_is_shown_once() {
    let page = page_of(|further| {
        let nameless = without(rows::member_example(), "MemberId");
        let later = with(rows::member_example(), json!({ "CurrentAcceptCnt": 9 }));
        further.members = vec![nameless, rows::member_example(), later];
        let of_no_mail = with(rows::member_list_example(), json!({ "MemberMail": null }));
        let later = with(
            rows::member_list_example(),
            json!({ "EffectiveReceptionLimit": 9 }),
        );
        further.member_list = vec![of_no_mail, rows::member_list_example(), later];
        let of_no_id = without(rows::group_list_example()[0].clone(), "MemberGroupID");
        further.group_list.push(of_no_id);
        further.group_list.push(with(
            rows::group_list_example()[0].clone(),
            json!({ "GroupMemberCount": 9 }),
        ));
    });
    assert_shown(&page, "agent_current_sessions", &[(MEIMEI, 9.0)]);
    assert_shown(&page, "agent_reception_limit", &[(MEIMEI, 9.0)]);
    assert_shown(&page, "group_members", &[("1234", 3.0), ("6103", 9.0)]);
    for endpoint in [
        Endpoint::MemberRealtime,
        Endpoint::MemberList,
        Endpoint::GroupList,
    ] {
        assert_eq!(
            discarded(&page, endpoint, "no_id"),
            Some(1.0),
            "{endpoint:?}"
        );
        assert_eq!(
            discarded(&page, endpoint, "duplicate"),
            Some(1.0),
            "{endpoint:?}"
        );
    }
}

#[test]
fn sources_are_named_where_an_endpoint_can_tell_them_apart() {
    let desk = desk(|_| {});
    let exporter = setup(&desk).set("CHANNELS", "4,10:@account").start();
    polled(&exporter);
    let sources = json!([{ "ChannelType": 4 }, { "ChannelType": 10, "ChannelId": "@account" }]);
    for request in desk.requests() {
        let is_told = [Endpoint::AgentStatistics, Endpoint::MemberRealtime]
            .map(Some)
            .contains(&request.endpoint());
        let expected = is_told.then_some(&sources);
        assert_eq!(
            request.json().get("ConversationSources"),
            expected,
            "{}",
            request.path()
        );
    }
}

#[test]
fn only_the_endpoints_that_are_chosen_are_asked() {
    let desk = desk(|_| {});
    let chosen = [Endpoint::ReceptionRealtime, Endpoint::MemberList];
    let setup = setup(&desk).set("ENDPOINTS", chosen.map(Endpoint::name).join(","));
    let exporter = setup.start();
    let page = exporter.after_first_poll();
    for endpoint in Endpoint::ALL {
        let is_chosen = chosen.contains(&endpoint);
        assert_eq!(
            desk.asked_at(endpoint),
            usize::from(is_chosen),
            "{endpoint:?}"
        );
        assert_eq!(
            up(&page, endpoint),
            is_chosen.then_some(1.0),
            "{endpoint:?}"
        );
    }
    // It is about the first of those that are asked.
    assert_eq!(page.value("tencent_desk_up", &[]), Some(1.0));
    assert!(page.agents().is_empty(), "{page}");
    assert_shown(&page, "queued_sessions", &[("", 2.0)]);
}
