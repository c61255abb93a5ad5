//! The fake Desk tested by itself: a lenient fake would let a wrong exporter pass.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Count, Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::gate::Gate;
use crate::support::http::{self, Response};
use crate::support::rows;
use crate::support::rules::Account;
use crate::support::usersig::{self, Members};

/// A request as the documents want it, to be made wrong one way at a time.
#[derive(Clone)]
struct Letter {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    body: String,
}

impl Letter {
    fn to(desk: &Desk) -> Letter {
        let account = desk.account();
        let (from, to) = desk.today();
        let sig = usersig::made_elsewhere(
            account.sdk_app_id,
            &account.identifier,
            &account.key,
            from,
            604_800,
        );
        let query = [
            ("sdkappid", account.sdk_app_id.to_string()),
            ("identifier", account.identifier.clone()),
            ("usersig", sig),
            ("random", "4294967295".to_owned()),
            ("contenttype", "json".to_owned()),
        ];
        Letter {
            method: "POST",
            path: Endpoint::AgentStatistics.path(),
            query: query.map(|(n, v)| (n.to_owned(), v)).into(),
            body: json!({ "From": from, "To": to, "Limit": 100, "Offset": 0 }).to_string(),
        }
    }

    fn by(mut self, method: &'static str) -> Letter {
        self.method = method;
        self
    }

    fn at(mut self, path: &str) -> Letter {
        path.clone_into(&mut self.path);
        self
    }

    fn saying(mut self, name: &str, value: impl ToString) -> Letter {
        self.query.retain(|(n, _)| n != name);
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    fn not_saying(mut self, name: &str) -> Letter {
        self.query.retain(|(n, _)| n != name);
        self
    }

    fn asking(mut self, members: Value) -> Letter {
        let body = serde_json::from_str(&self.body).unwrap();
        self.body = rows::with(body, members).to_string();
        self
    }

    /// To another endpoint, with these members and no other.
    fn of(mut self, endpoint: Endpoint, members: Value) -> Letter {
        self.path = endpoint.path();
        self.body = members.to_string();
        self
    }

    fn with_body(mut self, body: &str) -> Letter {
        body.clone_into(&mut self.body);
        self
    }

    fn send(&self, desk: &Desk) -> std::io::Result<Response> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        let request = format!(
            "{} {}?{query} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
            self.method,
            self.path,
            desk.address(),
            self.body.len(),
            self.body
        );
        let stream = std::net::TcpStream::connect(desk.address())?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        ask(stream, &request)
    }

    fn answer(&self, desk: &Desk) -> Value {
        let response = self.send(desk).unwrap();
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).unwrap()
    }

    fn code(&self, desk: &Desk) -> i64 {
        self.answer(desk)["ErrorCode"].as_i64().unwrap()
    }
}

/// One request, after which the client says that no more will come.
fn ask(mut stream: std::net::TcpStream, request: &str) -> std::io::Result<Response> {
    use std::io::{Read, Write};
    stream.write_all(request.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    http::parse_response(&bytes)
}

#[test]
fn a_good_request_gets_the_rows_it_asks_for() {
    let desk = Desk::with(rows::agents(3));
    let wanted = json!({ "Offset": 1, "Limit": 1, "AgentIds": [rows::nth_id(1), rows::nth_id(3)] });
    let answer = Letter::to(&desk).asking(wanted).answer(&desk);
    assert_eq!(answer["ErrorCode"], 0);
    assert_eq!(answer["TotalCount"], 2);
    assert_eq!(answer["Data"], json!([rows::agents(3)[2]]));
}

#[test]
fn every_broken_rule_gets_its_documented_code() {
    let desk = Desk::with(rows::agents(1));
    desk.expect_refusals();
    let good = Letter::to(&desk);
    let (from, to) = desk.today();
    let account = Account::default();
    let sign = |id: u64, who: &str, key: &str| usersig::made_elsewhere(id, who, key, from, 604_800);
    let sig_of_another = sign(1, "administrator", &account.key);
    let sig_by_another = sign(account.sdk_app_id, "someone", &account.key);
    let sig_with_another = sign(account.sdk_app_id, "administrator", "another key");
    let cases = [
        (60002, good.clone().by("GET")),
        (60009, good.clone().at("/v4/desk_http_svc/other")),
        (60012, good.clone().not_saying("sdkappid")),
        (60002, good.clone().not_saying("random")),
        (60002, good.clone().saying("more", "1")),
        (60002, good.clone().saying("random", "4294967296")),
        (60002, good.clone().saying("random", "-1")),
        (60002, good.clone().saying("contenttype", "JSON")),
        (60006, good.clone().saying("sdkappid", "1400000001")),
        (60010, good.clone().saying("identifier", "someone")),
        (70002, good.clone().saying("usersig", "")),
        (70003, good.clone().saying("usersig", "xxx")),
        (70013, good.clone().saying("usersig", sig_by_another)),
        (70014, good.clone().saying("usersig", sig_of_another)),
        (70009, good.clone().saying("usersig", sig_with_another)),
        (60003, good.clone().with_body("")),
        (60003, good.clone().with_body("[]")),
        (141_004, good.clone().asking(json!({ "from": from }))),
        (141_004, good.clone().asking(json!({ "From": from + 1 }))),
        (141_004, good.clone().asking(json!({ "To": to + 1 }))),
        (
            141_004,
            good.clone().asking(json!({ "From": from.to_string() })),
        ),
        (141_004, good.clone().asking(json!({ "Limit": 0 }))),
        (141_004, good.clone().asking(json!({ "Limit": 101 }))),
        (141_004, good.clone().asking(json!({ "Offset": -1 }))),
        (141_004, good.clone().asking(json!({ "AgentIds": "a" }))),
        (141_004, good.clone().asking(json!({ "AgentIds": [1] }))),
        (
            141_004,
            good.clone().asking(json!({ "ConversationSources": [] })),
        ),
        (0, good),
    ];
    for (number, (code, letter)) in cases.iter().enumerate() {
        assert_eq!(letter.code(&desk), *code, "case {number}");
    }
    assert_eq!(desk.refusals().len(), cases.len() - 1);
}

/// What each further endpoint is asked with, at the least.
fn asking_of(endpoint: Endpoint, desk: &Desk) -> Value {
    let (from, to) = desk.today();
    match endpoint {
        Endpoint::AgentStatistics | Endpoint::SessionStatistics => {
            json!({ "From": from, "To": to })
        }
        Endpoint::MemberList => json!({ "PageSize": 100, "PageNum": 0 }),
        _ => json!({}),
    }
}

#[test]
fn each_further_endpoint_refuses_what_the_documents_forbid() {
    let desk = Desk::with(vec![]);
    desk.expect_refusals();
    let good = Letter::to(&desk);
    let (from, to) = desk.today();
    let source = |source: Value| json!({ "ConversationSources": [source] });
    let wrong = [
        (Endpoint::MemberRealtime, json!({ "Limit": 101 })),
        (Endpoint::MemberRealtime, json!({ "Limit": "100" })),
        (Endpoint::MemberRealtime, json!({ "Offset": -1 })),
        (Endpoint::MemberRealtime, json!({ "From": from, "To": to })),
        (Endpoint::MemberRealtime, json!({ "AgentIds": ["a"] })),
        (Endpoint::MemberRealtime, json!({ "MemberIds": "a" })),
        (Endpoint::MemberRealtime, source(json!(4))),
        (
            Endpoint::MemberRealtime,
            source(json!({ "ChannelType": "4" })),
        ),
        (
            Endpoint::MemberRealtime,
            source(json!({ "ChannelType": 5 })),
        ),
        (
            Endpoint::MemberRealtime,
            source(json!({ "ChannelId": "a" })),
        ),
        (
            Endpoint::MemberRealtime,
            source(json!({ "ChannelType": 4, "ChannelId": 1 })),
        ),
        (
            Endpoint::MemberRealtime,
            source(json!({ "ChannelType": 4, "More": 1 })),
        ),
        (Endpoint::ReceptionRealtime, json!({ "Limit": 1 })),
        (Endpoint::SessionStatistics, json!({ "From": from })),
        (Endpoint::SessionStatistics, json!({ "To": to })),
        (
            Endpoint::SessionStatistics,
            json!({ "From": from.to_string(), "To": to }),
        ),
        (
            Endpoint::SessionStatistics,
            json!({ "From": from, "To": to - 1 }),
        ),
        (
            Endpoint::SessionStatistics,
            json!({ "From": from, "To": to, "GroupByHour": 1 }),
        ),
        (
            Endpoint::SessionStatistics,
            json!({ "From": from, "To": to, "Limit": 1 }),
        ),
        (Endpoint::MemberList, json!({ "PageNum": 0 })),
        (Endpoint::MemberList, json!({ "PageSize": 100 })),
        (
            Endpoint::MemberList,
            json!({ "PageSize": 101, "PageNum": 0 }),
        ),
        (
            Endpoint::MemberList,
            json!({ "PageSize": 100, "PageNum": "0" }),
        ),
        (
            Endpoint::MemberList,
            json!({ "PageSize": 100, "PageNum": 0, "Order": 2 }),
        ),
        (
            Endpoint::MemberList,
            json!({ "PageSize": 100, "PageNumber": 1 }),
        ),
        (Endpoint::GroupList, json!({ "PageSize": 101 })),
        (Endpoint::GroupList, json!({ "PageNumber": 0 })),
        (
            Endpoint::GroupList,
            json!({ "PageSize": 100, "PageNum": 0 }),
        ),
    ];
    for (endpoint, members) in &wrong {
        let letter = good.clone().of(*endpoint, members.clone());
        assert_eq!(letter.code(&desk), 141_004, "{endpoint:?} {members}");
    }
    assert_eq!(desk.refusals().len(), wrong.len());
    for endpoint in Endpoint::FURTHER {
        let letter = good.clone().of(endpoint, asking_of(endpoint, &desk));
        assert_eq!(letter.code(&desk), 0, "{endpoint:?}");
        assert_eq!(letter.clone().with_body("[]").code(&desk), 60003);
        assert_eq!(letter.by("GET").code(&desk), 60002);
    }
    let both = json!([{ "ChannelType": 4 }, { "ChannelType": 10, "ChannelId": "@a" }]);
    for (endpoint, of_it) in [
        (Endpoint::AgentStatistics, "ConversationSources"),
        (Endpoint::MemberRealtime, "ConversationSources"),
    ] {
        let members = rows::with(asking_of(endpoint, &desk), json!({ of_it: both }));
        assert_eq!(good.clone().of(endpoint, members).code(&desk), 0);
    }
}

#[test]
fn each_endpoint_answers_as_its_page_shows() {
    let desk = Desk::with(vec![]);
    let ask = |endpoint: Endpoint, members: Value| {
        let asking = rows::with(asking_of(endpoint, &desk), members);
        Letter::to(&desk).of(endpoint, asking).answer(&desk)
    };
    let reception = ask(Endpoint::ReceptionRealtime, json!({}));
    assert_eq!(reception["Data"]["CurrentQueueCnt"], 2);
    assert_eq!(reception.get("TotalCount"), None);

    let (from, _) = desk.today();
    let date = jiff::Timestamp::from_second(from + 8 * 3600).unwrap();
    let day = ask(Endpoint::SessionStatistics, json!({}));
    assert_eq!(day["Data"][0]["Time"], date.strftime("%F").to_string());
    let hours = ask(Endpoint::SessionStatistics, json!({ "GroupByHour": true }));
    assert_eq!(hours["Data"][0]["Time"], "09:00");

    let groups = ask(
        Endpoint::GroupList,
        json!({ "PageSize": 1, "PageNumber": 2 }),
    );
    assert_eq!(groups["Total"], 2);
    assert_eq!(groups["MemberGroupList"][0]["MemberGroupID"], 1234);
    let members = ask(Endpoint::MemberList, json!({ "PageNum": 1 }));
    assert_eq!(
        (&members["Total"], &members["MemberList"]),
        (&json!(1), &json!([]))
    );

    let nothing = json!({ "MemberIds": ["another"] });
    let filtered = ask(Endpoint::MemberRealtime, nothing.clone());
    assert_eq!(
        (&filtered["TotalCount"], &filtered["Data"]),
        (&json!(0), &json!([]))
    );
    desk.count_at(Endpoint::MemberRealtime, Count::Unfiltered);
    assert_eq!(ask(Endpoint::MemberRealtime, nothing)["TotalCount"], 1);
}

#[test]
fn one_endpoint_is_refused_and_the_others_are_not() {
    let desk = Desk::with(rows::agents(1));
    desk.reply_at(Endpoint::GroupList, Reply::Error(60017));
    for endpoint in Endpoint::ALL {
        let letter = Letter::to(&desk).of(endpoint, asking_of(endpoint, &desk));
        let code = if endpoint == Endpoint::GroupList {
            60017
        } else {
            0
        };
        assert_eq!(letter.code(&desk), code);
        assert_eq!(desk.asked_at(endpoint), 1);
    }
    desk.further(|further| further.reception["CurrentQueueCnt"] = json!("3"));
    let letter = Letter::to(&desk).of(Endpoint::ReceptionRealtime, json!({}));
    assert_eq!(letter.answer(&desk)["Data"]["CurrentQueueCnt"], "3");
}

/// The official packages' signatures, with what is in them.
fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/usersig-vectors.json")).unwrap()
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

#[test]
fn the_independent_reader_agrees_with_the_official_packages() {
    for vector in vectors() {
        for package in ["usersig_pypi_1_1", "usersig_npm_1_0_2"] {
            let members = Members::read(text(&vector, package)).unwrap();
            assert_eq!(members.identifier, text(&vector, "identifier"));
            assert_eq!(members.sdk_app_id, vector["sdkappid"]);
            assert_eq!(members.time, vector["time"]);
            assert_eq!(members.expire, vector["expire"]);
            assert_eq!(members.signature, text(&vector, "tls_sig"));
            assert_eq!(
                members.signature_by(text(&vector, "key")),
                members.signature
            );
            assert_eq!(Members::read(&members.write()).unwrap(), members);
        }
    }
}

#[test]
fn a_signature_is_good_until_its_last_second() {
    let vector = &vectors()[0];
    let desk = Desk::of(Account {
        sdk_app_id: 88_888_888,
        identifier: text(vector, "identifier").to_owned(),
        key: text(vector, "key").to_owned(),
    });
    desk.expect_refusals();
    let code_at = |second: i64| {
        desk.use_clock(move || jiff::Timestamp::from_second(second).unwrap());
        let letter = Letter::to(&desk).saying("usersig", text(vector, "usersig_pypi_1_1"));
        letter.code(&desk)
    };
    assert_eq!(code_at(1_736_784_000), 0);
    assert_eq!(code_at(1_736_784_001), 70001);
}

#[test]
fn faults_are_played_as_they_are_called() {
    let desk = Desk::with(rows::agents(2));
    let letter = Letter::to(&desk);
    let normal = letter.send(&desk).unwrap();

    desk.always(Reply::Reset);
    assert!(letter.send(&desk).is_err());
    desk.always(Reply::Truncated);
    assert!(letter.send(&desk).unwrap().body.len() < normal.body.len());
    desk.always(Reply::Drip(Duration::from_micros(10)));
    assert_eq!(letter.send(&desk).unwrap().body, normal.body);
    desk.always(Reply::Raw(b"HTTP/1.1 200 OK\r\n\r\nhalf".to_vec()));
    assert_eq!(letter.send(&desk).unwrap().text(), "half");
    desk.always(Reply::Status(
        502,
        vec![("Via", "x".into())],
        "<html>".into(),
    ));
    assert_eq!(letter.send(&desk).unwrap().status, 502);
    desk.always(Reply::Error(141_009));
    assert_eq!(letter.code(&desk), 141_009);

    let gate = Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let answer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| letter.send(&desk).unwrap());
        gate.open();
        waiting.join().unwrap()
    });
    assert_eq!(answer.body, normal.body);
}
