//! The fake Desk tested by itself: a lenient fake would let a wrong exporter pass.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Reply};
use crate::support::gate::Gate;
use crate::support::http::{self, Response};
use crate::support::rows;
use crate::support::rules::{Account, PATH};
use crate::support::usersig::{self, Members};

/// A request as the documents want it, to be spoilt one way at a time.
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
            path: PATH.to_owned(),
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

    fn code(&self, desk: &Desk) -> i64 {
        let response = self.send(desk).unwrap();
        assert_eq!(response.status, 200);
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        answer["ErrorCode"].as_i64().unwrap()
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
    let response = Letter::to(&desk).asking(wanted).send(&desk).unwrap();
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
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
        (0, good),
    ];
    for (number, (code, letter)) in cases.iter().enumerate() {
        assert_eq!(letter.code(&desk), *code, "case {number}");
    }
    assert_eq!(desk.refusals().len(), cases.len() - 1);
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
