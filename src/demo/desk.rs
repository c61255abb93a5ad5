//! The simulated Desk: answers the endpoints that the exporter asks, over HTTP on loopback.
//!
//! It takes of a request what an answer depends on and checks nothing: the strict Desk, which holds every request to
//! the API's pages, is the tests'. No list has more rows than a page. HTTP's status is always 200; the body says how it
//! went.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::day::Day;
use super::trouble::{self, Trouble};
use super::{SEED, roster};
use crate::base::clock::{Clock, DayWindow};
use crate::base::mutex::lock;

/// The endpoints that it knows, each after [`SERVICE`] in the request's path.
const ENDPOINTS: [&str; 6] = [
    "describe_agent_statistics",
    "describe_member_realtime_statistics",
    "describe_reception_realtime_statistics",
    "describe_session_statistics",
    "get_member_list",
    "get_member_group_list",
];
const SERVICE: &str = "/v4/desk_http_svc/";

/// A Desk with one centre.
#[derive(Debug)]
pub struct Desk {
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    /// The day that was last asked for.
    day: Mutex<Option<Arc<Day>>>,
    /// How many requests each of [`ENDPOINTS`] has had.
    requests: [AtomicU64; ENDPOINTS.len()],
}

/// What an answer depends on, of all that an endpoint may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Question {
    from: Option<i64>,
    group_by_hour: bool,
}

impl Desk {
    /// A Desk that counts its days in `zone`.
    pub fn new(zone: TimeZone, clock: Arc<dyn Clock>) -> Self {
        Self {
            zone,
            clock,
            day: Mutex::default(),
            requests: Default::default(),
        }
    }

    /// Answers requests on `listener` for as long as it is polled.
    pub async fn serve(self, listener: TcpListener) {
        let desk = Arc::new(self);
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // No descriptor is left for now.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let desk = Arc::clone(&desk);
            let respond = service_fn(move |request| {
                let desk = Arc::clone(&desk);
                async move { desk.respond(request).await }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
            tokio::spawn(connection);
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = head.uri.path();
        let trouble = self.trouble(path);
        if let Some(Trouble::Delay(delay)) = trouble {
            tokio::time::sleep(delay).await;
        }
        let said = match trouble {
            Some(Trouble::Failure) => refuse(141_002, "internal error, retry"),
            _ => self.answer(path, &body, self.clock.now().wall),
        };
        let mut response = Response::new(Full::from(said.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    fn trouble(&self, path: &str) -> Option<Trouble> {
        let endpoint = path.strip_prefix(SERVICE)?;
        let place = ENDPOINTS.iter().position(|known| *known == endpoint)?;
        let number = self.requests.get(place)?.fetch_add(1, Ordering::Relaxed);
        trouble::of_request(u64::try_from(place).ok()?, number)
    }

    /// What is said to a request with this path and this body at `now`.
    fn answer(&self, path: &str, body: &[u8], now: Timestamp) -> Value {
        let question: Question = serde_json::from_slice(body).unwrap_or_default();
        let from = question.from.map(Timestamp::from_second);
        let asked_for = from.and_then(Result::ok).unwrap_or(now);
        let Ok(window) = DayWindow::around(asked_for, &self.zone) else {
            return refuse(141_002, "there is no such day");
        };
        let day = self.day(window);
        let members = match path.strip_prefix(SERVICE).unwrap_or_default() {
            "describe_agent_statistics" => list("Data", "TotalCount", day.agents(now)),
            "describe_member_realtime_statistics" => list("Data", "TotalCount", day.members(now)),
            "describe_reception_realtime_statistics" => vec![("Data", day.reception(now))],
            "describe_session_statistics" => {
                let rows = day.session_statistics(now, question.group_by_hour);
                list("Data", "TotalCount", rows)
            }
            "get_member_list" => list("MemberList", "Total", roster::members()),
            "get_member_group_list" => list("MemberGroupList", "Total", roster::groups()),
            _ => return refuse(60009, "no such resource, check the URL"),
        };
        let well = [
            ("ActionStatus", "OK".into()),
            ("ErrorCode", 0.into()),
            ("ErrorInfo", "".into()),
        ];
        well.into_iter().chain(members).collect()
    }

    fn day(&self, window: DayWindow) -> Arc<Day> {
        let mut last = lock(&self.day);
        let known = last.take().filter(|day| day.window() == window);
        let day = known.unwrap_or_else(|| Arc::new(Day::new(SEED, window, &self.zone)));
        Arc::clone(last.insert(day))
    }
}

/// All `rows` under the name `list`, and how many they are under the name `total`.
fn list(list: &'static str, total: &'static str, rows: Vec<Value>) -> Vec<(&'static str, Value)> {
    vec![(total, rows.len().into()), (list, rows.into())]
}

fn refuse(code: i64, info: &str) -> Value {
    json!({ "ActionStatus": "FAIL", "ErrorCode": code, "ErrorInfo": info })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::demo::figures::STATUS_NAMES;

    /// Half past four in the afternoon in Shanghai, and its day.
    const NOW: i64 = 1_736_757_000;
    const FROM: i64 = 1_736_697_600;
    const TO: i64 = 1_736_783_999;

    fn desk() -> Desk {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Desk::new(zone, Arc::new(SystemClock))
    }

    fn ask(desk: &Desk, endpoint: &str, body: &Value) -> Value {
        let now = Timestamp::from_second(NOW).unwrap();
        let body = body.to_string();
        desk.answer(&format!("{SERVICE}{endpoint}"), body.as_bytes(), now)
    }

    /// A request that each endpoint answers.
    fn question(endpoint: &str) -> Value {
        match endpoint {
            "describe_agent_statistics" | "describe_session_statistics" => {
                json!({ "From": FROM, "To": TO })
            }
            "get_member_list" => json!({ "PageSize": 100, "PageNum": 0 }),
            _ => json!({}),
        }
    }

    fn fields(row: &Value) -> Vec<&str> {
        row.as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    fn number(row: &Value, field: &str) -> i64 {
        row[field].as_i64().unwrap()
    }

    #[test]
    fn the_fields_are_those_of_the_documents() {
        let desk = desk();
        for (endpoint, answer, first_row, documented) in [
            (
                "describe_agent_statistics",
                "Data TotalCount",
                "/Data/0",
                "AgentId AgentNickName FirstLoginTimestamp LastLogoutTimestamp FreeTime BusyTime RestTime \
                 TotalSessionCnt TransferSessionCnt EffectiveSessionCnt AgentEndCnt ServeUserCnt TotalAcceptTime \
                 TotalMsgCnt AgentMsgCnt UserMsgCnt NotRespSessionCnt AvgFirstRespTime FirstRespUnder30sCnt \
                 AvgRespTime AvgRespUnder30sCnt AvgAcceptTime SatisfactionSelectedCnt SatisfiedCnt",
            ),
            (
                "describe_member_realtime_statistics",
                "Data TotalCount",
                "/Data/0",
                "MemberId MemberNickName MemberStatus CurrentAcceptCnt TotalSessionCnt AvgFirstRespTime AvgRespTime \
                 AvgAcceptTime",
            ),
            (
                "describe_reception_realtime_statistics",
                "Data",
                "/Data",
                "CurrentTransferAgentCnt CurrentAgentAcceptCnt CurrentQueueCnt FreeAgentCnt RestAgentCnt BusyAgentCnt \
                 CurrentGroupQueueCnt",
            ),
            (
                "describe_reception_realtime_statistics",
                "Data",
                "/Data/CurrentGroupQueueCnt/0",
                "GroupId GroupName QueueCnt",
            ),
            (
                "describe_session_statistics",
                "Data TotalCount",
                "/Data/0",
                "Time TotalSessionCnt TransferAgentSessionCnt AgentAcceptCnt EffectiveSessionCnt \
                 SatisfactionSelectedCnt OneStarSelectedCnt TwoStarSelectedCnt ThreeStarSelectedCnt \
                 FourStarSelectedCnt FiveStarSelectedCnt AvgFirstRespTime AvgRespTime AvgAcceptTime AvgQueueTime",
            ),
            (
                "get_member_list",
                "MemberList Total",
                "/MemberList/0",
                "NickName MemberMail RoleIDList MemberGroupIDList Avatar MemberReceptionLimit \
                 MemberReceptionLimitEnabled EffectiveReceptionLimit",
            ),
            (
                "get_member_group_list",
                "MemberGroupList Total",
                "/MemberGroupList/0",
                "MemberGroupID MemberGroupName ReceptionLimit GroupMemberCount",
            ),
        ] {
            let said = ask(&desk, endpoint, &question(endpoint));
            let envelope = ["ActionStatus", "ErrorCode", "ErrorInfo"].into_iter();
            let whole: Vec<&str> = envelope.chain(answer.split(' ')).collect();
            assert_eq!(fields(&said), sorted(whole), "{endpoint}");
            let row = said.pointer(first_row).unwrap();
            assert_eq!(fields(row), sorted(documented.split_whitespace().collect()));
        }
    }

    fn sorted(mut names: Vec<&str>) -> Vec<&str> {
        names.sort_unstable();
        names
    }

    #[test]
    fn each_list_counts_its_rows() {
        let desk = desk();
        for (endpoint, list, total) in [
            (ENDPOINTS[0], "Data", "TotalCount"),
            (ENDPOINTS[1], "Data", "TotalCount"),
            (ENDPOINTS[3], "Data", "TotalCount"),
            ("get_member_list", "MemberList", "Total"),
            ("get_member_group_list", "MemberGroupList", "Total"),
        ] {
            let answer = ask(&desk, endpoint, &question(endpoint));
            let rows = answer[list].as_array().unwrap().len();
            // The exporter asks for pages of a hundred.
            assert!((1..=100).contains(&rows), "{endpoint}: {rows}");
            assert_eq!(answer[total], rows, "{endpoint}");
        }
    }

    #[test]
    fn another_day_is_another_one_and_what_is_not_there_is_refused() {
        let desk = desk();
        let agents =
            |from: i64, to: i64| ask(&desk, ENDPOINTS[0], &json!({ "From": from, "To": to }));
        let today = agents(FROM, TO);
        assert_ne!(agents(FROM - 86_400, FROM - 1)["Data"], today["Data"]);
        assert_eq!(agents(FROM + 86_400, TO + 86_400)["TotalCount"], 0);
        assert_eq!(agents(FROM, TO), today);
        for endpoint in ["delete_member", ""] {
            let answer = ask(&desk, endpoint, &json!({}));
            assert_eq!(answer["ErrorCode"], 60009, "{endpoint}");
            assert_eq!(answer["ActionStatus"], "FAIL");
        }
        let elsewhere = desk.answer("/describe_agent_statistics", b"{}", Timestamp::UNIX_EPOCH);
        assert_eq!(elsewhere["ErrorCode"], 60009);
    }

    #[test]
    fn agents_members_and_groups_are_the_same_everywhere() {
        let desk = desk();
        let rows = |endpoint: &str, list: &str, id: &str| -> Vec<Value> {
            let answer = ask(&desk, endpoint, &question(endpoint));
            let rows = answer[list].as_array().unwrap().iter();
            rows.map(|row| row[id].clone()).collect()
        };
        let agents = rows(ENDPOINTS[0], "Data", "AgentId");
        assert_eq!(rows(ENDPOINTS[1], "Data", "MemberId"), agents);
        let members = rows("get_member_list", "MemberList", "MemberMail");
        assert!(agents.len() >= 20 && agents.iter().all(|agent| members.contains(agent)));
        let groups = rows("get_member_group_list", "MemberGroupList", "MemberGroupID");
        let reception = ask(&desk, ENDPOINTS[2], &json!({}));
        let queues = reception["Data"]["CurrentGroupQueueCnt"]
            .as_array()
            .unwrap();
        let queues: Vec<Value> = queues.iter().map(|row| row["GroupId"].clone()).collect();
        assert_eq!(queues, groups);
    }

    #[test]
    fn each_status_has_its_name() {
        let names: Vec<i64> = STATUS_NAMES
            .split(',')
            .map(|pair| pair.split_once('=').unwrap().0.parse().unwrap())
            .collect();
        let answer = ask(&desk(), ENDPOINTS[1], &json!({}));
        for row in answer["Data"].as_array().unwrap() {
            assert!(names.contains(&number(row, "MemberStatus")), "{row}");
        }
    }
}
