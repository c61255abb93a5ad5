//! Whom `AGENT_LABELS` hides is in no page, no log and no message, whatever Desk says.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::support::answers::Past;
use crate::support::desk::{Count, Desk, Reply, Request};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup};
use crate::support::page::Page;
use crate::support::repository;
use crate::support::rows::{self, with};
use crate::support::secrecy::{assert_hides_all, everything_shown};
use crate::support::tools::{self, run};

const KEY: &str = "a-key-of-this-test";

/// Agents, as agent statistics spell their ids, and their nicknames.
const PEOPLE: [(&str, &str); 4] = [
    ("Anna.Zhang@desk.example", "Nick \"Anna\" Zhang"),
    ("o'brien+vip@desk.example", "Patrick & O'Brien"),
    ("Wei%Zhang@desk.example", "张伟 阿伟 & Söhne"),
    ("7700123456789", "Number Seven"),
];

/// Named in `AGENT_IDS`, and in no answer.
const ABSENT: &str = "Missing.Person@desk.example";

/// What its key makes of the first of them:
/// printf %s anna.zhang@desk.example | openssl dgst -sha256 -hmac a-key-of-this-test
const ANNA: &str = "2753da27f005cdaa";

fn ids() -> impl Iterator<Item = &'static str> {
    PEOPLE.into_iter().map(|(id, _)| id).chain([ABSENT])
}

fn nicknames() -> impl Iterator<Item = &'static str> {
    PEOPLE.into_iter().map(|(_, nickname)| nickname)
}

fn agent((id, nickname): (&str, &str)) -> Value {
    let names = json!({ "AgentNickName": nickname, format!("Boss of {id}"): nickname });
    with(rows::agent(id), names)
}

/// A Desk that spells ids differently at each endpoint, and knows more of people than is asked.
fn desk() -> Desk {
    let desk = Desk::with(PEOPLE.map(agent).to_vec());
    desk.further(|further| {
        let member = |(id, nickname): (&str, &str)| {
            let member = json!({ "MemberId": id.to_uppercase(), "MemberNickName": nickname });
            with(rows::member_example(), member)
        };
        further.members = PEOPLE.map(member).to_vec();
        let listed = |(id, nickname): (&str, &str)| {
            let avatar = format!("https://pictures.example/{id}.png");
            let mail = id.to_lowercase();
            let listed = json!({ "MemberMail": mail, "NickName": nickname, "Avatar": avatar });
            with(rows::member_list_example(), listed)
        };
        further.member_list = PEOPLE.map(listed).to_vec();
    });
    desk.ignore_filter();
    desk
}

/// All endpoints, each polled as often as it may.
fn setup(desk: &Desk, labels: &str) -> Setup {
    let setup = Setup::busily(desk)
        .unset("ENDPOINTS")
        .set("REALTIME_INTERVAL", "1s")
        .set("DIRECTORY_INTERVAL", "1s")
        .set("AGENT_IDS", ids().collect::<Vec<_>>().join(","))
        .set("AGENT_LABELS", labels);
    match labels {
        "pseudonym" => setup.set("PSEUDONYM_KEY", KEY),
        _ => setup,
    }
}

/// Fails where something stands in `shown` that `labels` hide.
#[track_caller]
fn assert_hidden(shown: &str, labels: &str) {
    assert_hides_all(shown, [KEY]);
    if labels != "full" {
        assert_hides_all(shown, nicknames());
    }
    if labels == "pseudonym" {
        assert_hides_all(shown, ids());
    }
}

/// The values of `agent_id` of a family.
fn agents_of(page: &Page, family: &str) -> BTreeSet<String> {
    let family = page.family(&format!("tencent_desk_{family}"));
    let samples = family.into_iter().flat_map(|family| &family.samples);
    let ids = samples.filter_map(|sample| sample.label("agent_id"));
    ids.map(str::to_owned).collect()
}

/// A family with agents of each endpoint that has any.
const WITH_AGENTS: [&str; 3] = [
    "agent_sessions",
    "agent_current_sessions",
    "agent_reception_limit",
];

#[track_caller]
fn wait_until_all_are_there(exporter: &Exporter) -> Page {
    exporter.wait_for("agents of each endpoint", |page| {
        WITH_AGENTS
            .iter()
            .all(|family| agents_of(page, family).len() == PEOPLE.len())
    })
}

#[test]
fn an_agent_has_one_pseudonym_wherever_and_however_it_is_named() {
    let desk = desk();
    let page = wait_until_all_are_there(&setup(&desk, "pseudonym").start());
    let [names, others @ ..] = WITH_AGENTS.map(|family| agents_of(&page, family));
    assert!(names.contains(ANNA), "{names:?}");
    let is_hash =
        |name: &String| name.len() == 16 && name.bytes().all(|c| b"0123456789abcdef".contains(&c));
    assert!(names.iter().all(is_hash), "{names:?}");
    assert_eq!(others, [names.clone(), names.clone()]);
    assert_eq!(agents_of(&page, "agent_group_info"), names);
    assert_eq!(page.family("tencent_desk_agent_info"), None);
    // Their order is that of the pseudonyms, and says nothing of the ids.
    let shown = page.family("tencent_desk_agent_sessions").unwrap();
    let shown: Vec<_> = shown
        .samples
        .iter()
        .filter_map(|sample| sample.label("agent_id"))
        .collect();
    assert!(shown.is_sorted(), "{shown:?}");
}

#[test]
fn nicknames_and_ids_are_shown_as_the_setting_says() {
    for (labels, has_nicknames) in [("full", true), ("id", false)] {
        let desk = desk();
        let exporter = setup(&desk, labels).start();
        let page = wait_until_all_are_there(&exporter);
        assert!(
            ids()
                .take(4)
                .all(|id| agents_of(&page, "agent_sessions").contains(id))
        );
        assert_eq!(
            page.family("tencent_desk_agent_info").is_some(),
            has_nicknames
        );
        assert_hidden(&everything_shown(&exporter), labels);
    }
}

/// Answers that name people where Desk words freely, or where no name belongs: a person each, by turns.
fn echoes() -> Vec<Reply> {
    let mut people = PEOPLE.into_iter().cycle();
    let mut name = move || {
        let (id, nickname) = people.next().unwrap();
        format!("{id} {nickname}")
    };
    let mut coded = {
        let mut people = PEOPLE.into_iter().cycle();
        move || -> String {
            form_urlencoded::byte_serialize(people.next().unwrap().0.as_bytes()).collect()
        }
    };
    let said = |code: i64, info: String| Reply::body(rows::refusal(code, &info));
    let json = |body: Value| Reply::body(body.to_string());
    let row = |row: Value| Reply::body(rows::answer(1, &[row.to_string()]));
    let raw = |text: String| Reply::Raw(text.into_bytes());
    let head = |head: String| raw(format!("HTTP/1.1 {head}\r\n\r\n"));
    vec![
        // One of each class but a refusal for the rate, which would stop all polls.
        said(141_002, name()),
        said(141_004, format!("no statistics of {}", name())),
        said(70_009, format!("\"{}\" may not ask", name())),
        said(20_012, format!("[{}]", name())),
        said(99_999, format!("{}\n{}", name(), name())),
        json(json!({ "ErrorInfo": name() })),
        json(json!({ "ErrorCode": [name()], "ErrorInfo": name() })),
        Reply::body(format!(
            "{{\"ErrorCode\":0,\"Data\":[{{\"AgentId\":{} {}",
            name(),
            name()
        )),
        Reply::body(format!("<html>{}", name())),
        json(json!({ "ErrorCode": 0, name(): name(), "TotalCount": name(), "Data": name() })),
        row(json!({ "AgentId": name(), "MemberId": name(), name(): name(), "BusyTime": name() })),
        row(
            json!({ "AgentId": name(), "MemberId": name(), "AgentNickName": [name()], "FreeTime": { name(): name() } }),
        ),
        head(format!(
            "302 Moved\r\nLocation: http://{}.example/{}?agent={}",
            coded(),
            coded(),
            coded()
        )),
        head(format!("500 {}\r\nContent-Length: 0", coded())),
        head(format!(
            "503 Slow\r\nRetry-After: of {}\r\nContent-Length: 0",
            coded()
        )),
        head(format!("200 OK\r\n{}\r\n", coded())),
        head(format!("200 OK\r\nContent-Length: {}a\r\n", coded())),
        head(format!(
            "200 OK\r\nContent-Encoding: {}\r\nContent-Length: 2\r\n\r\n{{}}",
            coded()
        )),
        raw(format!("{}\r\n\r\n", name())),
        Reply::Reset,
        Reply::Truncated,
    ]
}

#[test]
fn whatever_desk_says_of_people_is_not_repeated() {
    std::thread::scope(|scope| {
        for (labels, format) in [("pseudonym", "logfmt"), ("id", "json")] {
            scope.spawn(move || {
                let desk = desk();
                // After some echoes a page is asked for that there is none of.
                desk.expect_refusals();
                // More rows are promised than given.
                desk.count(Count::Always(9));
                let replies = echoes();
                let all = replies.len();
                // Every second one goes well, so that there are pages, and failures end.
                desk.on_request(move |n, _: &Request| match n % 2 {
                    0 => replies[n / 2 % all].clone(),
                    _ => Reply::Normal,
                });
                let exporter = setup(&desk, labels)
                    .set("LOG_LEVEL", "trace")
                    .set("LOG_FORMAT", format)
                    .env("RUST_LOG", "trace")
                    .env("RUST_BACKTRACE", "1")
                    .start();
                exporter.wait_for("every echo", |_| desk.asked() > 2 * all);
                assert_hidden(&everything_shown(&exporter), labels);
                desk.on_request(|_, _| Reply::Normal);
                let page = wait_until_all_are_there(&exporter);
                assert_hidden(&everything_shown(&exporter), labels);
                assert!(
                    page.samples()
                        .any(|sample| sample.name.ends_with("exporter_unknown_fields"))
                );
                // What stops polls comes last.
                let refused = |code| Reply::body(rows::refusal(code, &PEOPLE[0].0.repeat(3)));
                desk.reply_at(Endpoint::GroupList, refused(60_009));
                exporter.wait_for_output("not served here");
                desk.always(refused(141_009));
                exporter.wait_for_output("rate_limited");
                assert_hidden(&everything_shown(&exporter), labels);
                // Which endpoint gets which echo is chance, and so is which of these is told.
                let log = exporter.output();
                let told = [
                    "error 99999",
                    "fields that this version does not know",
                    "Desk's answer has no agent ",
                ];
                assert!(told.iter().any(|told| log.contains(told)), "{log}");
            });
        }
    });
}

#[test]
fn check_tells_no_more_of_people_than_pages_do() {
    for labels in ["pseudonym", "id", "full"] {
        let desk = desk();
        desk.count(Count::Always(9));
        let check = || {
            setup(&desk, labels)
                .set("LOG_LEVEL", "trace")
                .args("check")
                .run()
        };
        let output = check().expect_code(0).output();
        assert_hidden(&output, labels);
        assert!(output.contains("Desk answered: 4 agents"), "{output}");
        let is_named = [ANNA, "Anna.Zhang@desk.example"].map(|name| output.contains(name));
        assert_eq!(
            is_named,
            [labels == "pseudonym", labels != "pseudonym"],
            "{output}"
        );
        assert!(!output.contains("no nickname"), "{output}");
        for reply in echoes().into_iter().step_by(5) {
            desk.always(reply);
            assert_hidden(&check().output(), labels);
        }
    }
}

#[test]
fn past_days_tell_no_more_of_people_either() {
    for labels in ["pseudonym", "id", "full"] {
        let desk = desk();
        let last = Timestamp::now().to_zoned(TimeZone::get("Asia/Shanghai").unwrap());
        let last = last.date().yesterday().unwrap();
        let dates = [3, 2, 1, 0].map(|n| last - n.days());
        desk.set_past(dates.map(|date| {
            let past = Past {
                agents: PEOPLE.map(agent).to_vec(),
                ..Past::default()
            };
            (date, past)
        }));
        let replies = echoes();
        // The first request goes well, others do not: days that fail are named with why.
        desk.expect_refusals();
        desk.on_request(move |n, _| match n % 8 {
            5 => replies[1].clone(),
            _ => Reply::Normal,
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.om");
        let finished = setup(&desk, labels)
            .unset("REALTIME_INTERVAL")
            .set("LOG_LEVEL", "trace")
            .args(&format!(
                "backfill --from {} --to {last} --output {}",
                dates[0],
                file.display()
            ))
            .run();
        let text = fs::read_to_string(&file).unwrap();
        assert!(finished.stderr.contains("are missing"), "{finished:?}");
        assert_hidden(&finished.output(), labels);
        assert_hidden(&text, labels);
        let is_named = [ANNA, "Anna.Zhang@desk.example"].map(|name| text.contains(name));
        assert_eq!(
            is_named,
            [labels == "pseudonym", labels != "pseudonym"],
            "{text}"
        );
    }
}

#[test]
fn an_account_that_is_an_agents_is_not_named_either() {
    let desk = Desk::of(crate::support::rules::Account {
        identifier: "anna_zhang".to_owned(),
        ..Default::default()
    });
    desk.set_rows(vec![rows::agent("anna_zhang")]);
    let check = |labels| {
        setup(&desk, labels)
            .unset("AGENT_IDS")
            .args("check")
            .run()
            .expect_code(0)
            .output()
    };
    assert_hides_all(&check("pseudonym"), ["anna_zhang"]);
    assert!(check("id").contains("anna_zhang"));
}

#[test]
fn a_new_key_renames_all_agents_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let desk = desk();
    let exporter = setup(&desk, "pseudonym")
        .unset("PSEUDONYM_KEY")
        .set("PSEUDONYM_KEY_FILE", &file)
        .set("POLL_INTERVAL", "1h")
        .set("DIRECTORY_INTERVAL", "1h")
        .set("MAX_STALENESS", "4h")
        .start();
    let first = agents_of(&wait_until_all_are_there(&exporter), "agent_sessions");
    let asked = desk.asked_at(Endpoint::MemberList);

    fs::write(&file, "").unwrap();
    exporter.wait_for_output("cannot be read: using what it held before");
    assert_eq!(agents_of(&exporter.page(), "agent_sessions"), first);

    fs::write(&file, "another-key-of-this-test").unwrap();
    let others = exporter.wait_for("other names", |page| {
        let [agents, rest @ ..] = WITH_AGENTS.map(|family| agents_of(page, family));
        // Names of two keys never stand side by side.
        let all: BTreeSet<_> = rest.iter().flatten().chain(&agents).collect();
        assert!(all.len() <= PEOPLE.len(), "{page}");
        agents.len() == PEOPLE.len()
            && agents.is_disjoint(&first)
            && rest.iter().all(|names| *names == agents)
    });
    assert_hidden(&everything_shown(&exporter), "pseudonym");
    assert_eq!(agents_of(&others, "agent_group_info").len(), PEOPLE.len());
    // Though the interval is an hour.
    assert_eq!(desk.asked_at(Endpoint::MemberList), asked + 1);
    let log = exporter.output();
    assert_eq!(
        log.matches("the key of pseudonyms has changed").count(),
        1,
        "{log}"
    );
}

/// Endpoints that tell of no person.
const WITHOUT_PEOPLE: &str = "describe_reception_realtime_statistics,describe_session_statistics";

/// Every sample of `page` as it stays for three hours, as promtool takes it.
fn as_input(page: &Page, target: &str) -> Vec<Value> {
    let series = page.samples().map(|sample| {
        let labels = sample.pairs().into_iter();
        let labels: String = labels
            .map(|(name, value)| format!("{name}={}, ", serde_json::to_string(value).unwrap()))
            .collect();
        let values = match sample.name.as_str() {
            name if name.ends_with("last_success_timestamp_seconds") => "0+60x180".to_owned(),
            name if name.ends_with("day_start_timestamp_seconds") => "0x180".to_owned(),
            _ => format!("{}x180", sample.value),
        };
        json!({ "series": format!("{}{{{labels}{target}}}", sample.name), "values": values })
    });
    series
        .chain([json!({ "series": format!("up{{{target}}}"), "values": "1x180" })])
        .collect()
}

#[test]
fn without_people_nothing_is_asked_about_them_and_no_alert_misses_them() {
    let desk = desk();
    let start = || {
        setup(&desk, "full")
            .unset("AGENT_IDS")
            .set("ENDPOINTS", WITHOUT_PEOPLE)
            .start()
    };
    let exporter = start();
    let page = exporter.after_first_poll();
    let about_people = page
        .samples()
        .find(|sample| sample.label("agent_id").is_some());
    assert_eq!(about_people, None);
    let asked: BTreeSet<_> = desk
        .requests()
        .iter()
        .map(|request| request.path().to_owned())
        .collect();
    let paths = [Endpoint::ReceptionRealtime, Endpoint::SessionStatistics].map(Endpoint::path);
    assert_eq!(asked, BTreeSet::from(paths));
    let shown = everything_shown(&exporter);
    assert_hidden(&shown, "pseudonym");
    assert_eq!(exporter.get("/").status, 200);

    // The same with a queue that no alert may pass over.
    desk.further(|further| {
        let queue = json!({ "CurrentQueueCnt": 90, "FreeAgentCnt": 0 });
        further.reception = with(further.reception.clone(), queue);
    });
    let queued = start().after_first_poll();
    let input = [
        as_input(&page, r#"job="tencent-desk", instance="one""#),
        as_input(&queued, r#"job="tencent-desk", instance="two""#),
    ];
    let firing = |instance: &str, expected: Value| {
        let expr = format!(
            "count by (alertname) (ALERTS{{instance=\"{instance}\", alertstate=\"firing\"}})"
        );
        json!({ "expr": expr, "eval_time": "180m", "exp_samples": expected })
    };
    let alert = |name: &str| json!({ "labels": format!("{{alertname=\"{name}\"}}"), "value": 1 });
    let told = json!([
        alert("TencentDeskQueueLong"),
        alert("TencentDeskQueueUnattended")
    ]);
    let rules = ["rules.yml", "alerts.yml"];
    let rules = rules.map(|name| repository::file("deploy/prometheus").join(name));
    let test = json!({
        "rule_files": rules,
        "tests": [{
            "interval": "1m",
            "input_series": input.concat(),
            "promql_expr_test": [firing("one", json!([])), firing("two", told)],
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.yml");
    // JSON is YAML too.
    fs::write(&file, test.to_string()).unwrap();
    run(Command::new(tools::promtool())
        .args(["test", "rules"])
        .arg(&file));
}
