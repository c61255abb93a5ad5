//! The simulated Desk: answers the endpoints that the exporter asks, over HTTP on loopback.
//!
//! It checks no more than an answer needs; the strict Desk, which holds every request to the API's pages, is the
//! tests'. HTTP's status is always 200; the body says how it went.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
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
pub const ENDPOINTS: [&str; 6] = [
    "describe_agent_statistics",
    "describe_member_realtime_statistics",
    "describe_reception_realtime_statistics",
    "describe_session_statistics",
    "get_member_list",
    "get_member_group_list",
];
const SERVICE: &str = "/v4/desk_http_svc/";

/// The most rows of one page, and what is given where no limit is asked for.
const LARGEST_PAGE: usize = 100;
/// What a size of 0 stands for in `get_member_list`.
const USUAL_PAGE: usize = 15;
/// Some hundreds of agent ids fit in.
const LARGEST_BODY: usize = 64 * 1024;

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

/// All that an endpoint may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Question {
    from: Option<i64>,
    to: Option<i64>,
    group_by_hour: bool,
    limit: Option<usize>,
    offset: usize,
    page_size: Option<usize>,
    page_num: Option<usize>,
    page_number: Option<usize>,
    agent_ids: Option<Vec<String>>,
    member_ids: Option<Vec<String>>,
}

/// The code and the text with which Desk refuses.
type Refusal = (i64, &'static str);
/// Members of an answer.
type Members = Vec<(&'static str, Value)>;

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
                async move { Ok::<_, Infallible>(desk.respond(request).await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
            tokio::spawn(connection);
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let said = match (self.trouble(path), body) {
            (Some(Trouble::Failure), _) => refuse((141_002, "internal error, retry")),
            (_, Err(_)) => refuse((60003, "the request's JSON is too long or broken off")),
            (trouble, Ok(body)) => {
                if let Some(Trouble::Delay(delay)) = trouble {
                    tokio::time::sleep(delay).await;
                }
                self.answer(path, &body.to_bytes(), self.clock.now().wall)
            }
        };
        let mut response = Response::new(Full::from(said.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    fn trouble(&self, path: &str) -> Option<Trouble> {
        let endpoint = path.strip_prefix(SERVICE)?;
        let place = ENDPOINTS.iter().position(|known| *known == endpoint)?;
        let number = self.requests.get(place)?.fetch_add(1, Ordering::Relaxed);
        trouble::of_request(u64::try_from(place).ok()?, number)
    }

    /// What is said to a request with this path and this body at `now`.
    pub fn answer(&self, path: &str, body: &[u8], now: Timestamp) -> Value {
        let Ok(question) = serde_json::from_slice(body) else {
            return refuse((60003, "the request's JSON cannot be read"));
        };
        match self.members(path, &question, now) {
            Err(refusal) => refuse(refusal),
            Ok(members) => {
                let well = [
                    ("ActionStatus", Value::from("OK")),
                    ("ErrorCode", Value::from(0)),
                    ("ErrorInfo", Value::from("")),
                ];
                well.into_iter().chain(members).collect()
            }
        }
    }

    fn members(&self, path: &str, question: &Question, now: Timestamp) -> Result<Members, Refusal> {
        match path.strip_prefix(SERVICE).unwrap_or_default() {
            "describe_agent_statistics" => {
                let mut rows = self.day_asked_for(question)?.agents(now);
                keep(&mut rows, "AgentId", question.agent_ids.as_deref());
                Ok(question.page_by_offset(rows))
            }
            "describe_member_realtime_statistics" => {
                let mut rows = self.today(now)?.members(now);
                keep(&mut rows, "MemberId", question.member_ids.as_deref());
                Ok(question.page_by_offset(rows))
            }
            "describe_reception_realtime_statistics" => {
                Ok(vec![("Data", self.today(now)?.reception(now))])
            }
            "describe_session_statistics" => {
                let day = self.day_asked_for(question)?;
                let rows = day.session_statistics(now, question.group_by_hour);
                Ok(vec![
                    ("TotalCount", rows.len().into()),
                    ("Data", rows.into()),
                ])
            }
            "get_member_list" => {
                let size = question.page_size.ok_or((141_004, "PageSize is missing"))?;
                let page = question.page_num.ok_or((141_004, "PageNum is missing"))?;
                let size = if size == 0 { USUAL_PAGE } else { size };
                Ok(page_of("MemberList", roster::members(), page, size))
            }
            "get_member_group_list" => {
                let page = question.page_number.unwrap_or(1).checked_sub(1);
                let page = page.ok_or((141_004, "PageNumber begins at 1"))?;
                let size = question.page_size.unwrap_or(LARGEST_PAGE);
                Ok(page_of("MemberGroupList", roster::groups(), page, size))
            }
            _ => Err((60009, "no such resource, check the URL")),
        }
    }

    fn today(&self, now: Timestamp) -> Result<Arc<Day>, Refusal> {
        let window = DayWindow::around(now, &self.zone);
        let window = window.map_err(|_| (141_002, "there is no such day"))?;
        Ok(self.day(window))
    }

    fn day_asked_for(&self, question: &Question) -> Result<Arc<Day>, Refusal> {
        let from = question.from.ok_or((141_004, "From is missing"))?;
        let to = question.to.ok_or((141_004, "To is missing"))?;
        let start = Timestamp::from_second(from).ok();
        let day = start.and_then(|start| DayWindow::around(start, &self.zone).ok());
        let whole = day.filter(|day| (day.from_second(), day.to_second()) == (from, to));
        let window = whole.ok_or((141_004, "From and To are not the ends of one day"))?;
        Ok(self.day(window))
    }

    fn day(&self, window: DayWindow) -> Arc<Day> {
        let mut last = lock(&self.day);
        let known = last.take().filter(|day| day.window() == window);
        let day = known.unwrap_or_else(|| Arc::new(Day::new(SEED, window, &self.zone)));
        Arc::clone(last.insert(day))
    }
}

impl Question {
    fn page_by_offset(&self, rows: Vec<Value>) -> Members {
        let total = rows.len();
        let limit = self.limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
        let page: Vec<Value> = rows.into_iter().skip(self.offset).take(limit).collect();
        vec![("TotalCount", total.into()), ("Data", page.into())]
    }
}

/// The page with this number, from 0 on, of a list with this name.
fn page_of(list: &'static str, rows: Vec<Value>, number: usize, size: usize) -> Members {
    let (total, size) = (rows.len(), size.min(LARGEST_PAGE));
    let before = number.saturating_mul(size);
    let page: Vec<Value> = rows.into_iter().skip(before).take(size).collect();
    vec![("Total", total.into()), (list, page.into())]
}

/// Only the rows with one of these ids, where any are asked for.
fn keep(rows: &mut Vec<Value>, id: &str, asked: Option<&[String]>) {
    if let Some(ids) = asked {
        rows.retain(|row| ids.iter().any(|asked| row[id] == **asked));
    }
}

fn refuse((code, info): Refusal) -> Value {
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
    fn a_list_is_given_page_by_page() {
        let desk = desk();
        for (endpoint, list, total, page) in [
            ("describe_agent_statistics", "Data", "TotalCount", "Offset"),
            (
                "describe_member_realtime_statistics",
                "Data",
                "TotalCount",
                "Offset",
            ),
            ("get_member_list", "MemberList", "Total", "PageNum"),
            (
                "get_member_group_list",
                "MemberGroupList",
                "Total",
                "PageNumber",
            ),
        ] {
            let whole = ask(&desk, endpoint, &question(endpoint));
            let size = if page == "PageNumber" { 2 } else { 10 };
            let mut walked = Vec::new();
            for nth in 0..4 {
                let mut question = question(endpoint);
                let (of_size, number) = match page {
                    "Offset" => ("Limit", nth * size),
                    "PageNum" => ("PageSize", nth),
                    _ => ("PageSize", nth + 1),
                };
                question[of_size] = json!(size);
                question[page] = json!(number);
                let answer = ask(&desk, endpoint, &question);
                assert_eq!(answer[total], whole[list].as_array().unwrap().len());
                walked.extend(answer[list].as_array().unwrap().clone());
            }
            assert!(walked.len() > size, "{endpoint}");
            assert_eq!(Value::from(walked), whole[list], "{endpoint}");
        }
        let usual = ask(
            &desk,
            "get_member_list",
            &json!({ "PageSize": 0, "PageNum": 0 }),
        );
        assert_eq!(usual["MemberList"].as_array().unwrap().len(), 15);
    }

    #[test]
    fn ids_filter() {
        let desk = desk();
        for (endpoint, id, filter) in [
            ("describe_agent_statistics", "AgentId", "AgentIds"),
            (
                "describe_member_realtime_statistics",
                "MemberId",
                "MemberIds",
            ),
        ] {
            let whole = ask(&desk, endpoint, &question(endpoint));
            let mut question = question(endpoint);
            question[filter] = json!(["unknown", whole["Data"][4][id], whole["Data"][3][id]]);
            question["Limit"] = json!(1);
            let answer = ask(&desk, endpoint, &question);
            assert_eq!(answer["TotalCount"], 2);
            assert_eq!(answer["Data"], json!([whole["Data"][3]]));
        }
    }

    #[test]
    fn another_day_is_another_one_and_what_cannot_be_answered_is_refused() {
        let desk = desk();
        let agents =
            |from: i64, to: i64| ask(&desk, ENDPOINTS[0], &json!({ "From": from, "To": to }));
        let today = agents(FROM, TO);
        assert_ne!(agents(FROM - 86_400, FROM - 1)["Data"], today["Data"]);
        assert_eq!(agents(FROM + 86_400, TO + 86_400)["TotalCount"], 0);
        assert_eq!(agents(FROM, TO), today);
        for (from, to) in [(FROM + 1, TO), (FROM, TO + 86_400), (FROM, i64::MAX)] {
            assert_eq!(agents(from, to)["ErrorCode"], 141_004);
        }
        for (code, endpoint, question) in [
            (60003, ENDPOINTS[0], json!("From")),
            (60003, ENDPOINTS[0], json!({ "From": "1", "To": 2 })),
            (141_004, ENDPOINTS[0], json!({})),
            (
                141_004,
                "describe_session_statistics",
                json!({ "From": FROM }),
            ),
            (141_004, "get_member_list", json!({ "PageNum": 0 })),
            (141_004, "get_member_list", json!({ "PageSize": 100 })),
            (141_004, "get_member_group_list", json!({ "PageNumber": 0 })),
            (60009, "delete_member", json!({})),
            (60009, "", json!({})),
        ] {
            let answer = ask(&desk, endpoint, &question);
            assert_eq!(answer["ErrorCode"], code, "{endpoint} {question}");
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
