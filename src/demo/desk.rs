//! The simulated Desk: answers the one command that the exporter sends, over HTTP on loopback.
//!
//! It checks no more than an answer needs; the strict Desk, which holds every request to the API's
//! pages, is the tests'. HTTP's status is always 200; the body says how it went.

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

use super::SEED;
use super::day::Day;
use super::trouble::{self, Trouble};
use crate::base::clock::{Clock, DayWindow};
use crate::base::mutex::lock;

/// The one command that it knows.
const PATH: &str = "/v4/desk_http_svc/describe_agent_statistics";
/// The most rows of one page, and what is given where no limit is asked for.
const LARGEST_PAGE: usize = 100;
/// Some hundreds of agent ids fit in.
const LARGEST_BODY: usize = 64 * 1024;

/// A Desk with one centre.
#[derive(Debug)]
pub struct Desk {
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    /// The day that was last asked for.
    day: Mutex<Option<Arc<Day>>>,
    requests: AtomicU64,
}

/// The rows that are asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Question {
    from: i64,
    to: i64,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    agent_ids: Option<Vec<String>>,
}

impl Desk {
    /// A Desk that counts its days in `zone`.
    pub fn new(zone: TimeZone, clock: Arc<dyn Clock>) -> Self {
        Self {
            zone,
            clock,
            day: Mutex::new(None),
            requests: AtomicU64::new(0),
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
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let trouble = trouble::of_request(self.requests.fetch_add(1, Ordering::Relaxed));
        if let Some(Trouble::Delay(delay)) = trouble {
            tokio::time::sleep(delay).await;
        }
        let said = match body {
            _ if trouble == Some(Trouble::Failure) => refusal(141_002, "internal error, retry"),
            Ok(body) => self.answer(head.uri.path(), &body.to_bytes(), self.clock.now().wall),
            Err(_) => refusal(60003, "the request's JSON is too long or broken off"),
        };
        let mut response = Response::new(Full::from(said.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    fn answer(&self, path: &str, body: &[u8], now: Timestamp) -> Value {
        if path != PATH {
            return refusal(60009, "no such resource, check the URL");
        }
        let Ok(question) = serde_json::from_slice::<Question>(body) else {
            return refusal(60003, "the request's JSON cannot be read");
        };
        let Some(day) = self.day(&question) else {
            return refusal(141_004, "From and To are not the ends of one day");
        };
        let mut rows = day.rows(now);
        if let Some(ids) = &question.agent_ids {
            rows.retain(|row| ids.iter().any(|id| id == row.agent_id));
        }
        let total = rows.len();
        let limit = question.limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
        let page = rows.into_iter().skip(question.offset).take(limit);
        json!({
            "ActionStatus": "OK",
            "ErrorCode": 0,
            "ErrorInfo": "",
            "TotalCount": total,
            "Data": page.collect::<Vec<_>>(),
        })
    }

    /// The day that is asked about, if it is a whole one.
    fn day(&self, question: &Question) -> Option<Arc<Day>> {
        let start = Timestamp::from_second(question.from).ok()?;
        let window = DayWindow::around(start, &self.zone).ok()?;
        if (window.from_second(), window.to_second()) != (question.from, question.to) {
            return None;
        }
        let mut known = lock(&self.day);
        match &*known {
            Some(day) if day.window() == window => Some(Arc::clone(day)),
            _ => {
                let day = Arc::new(Day::new(SEED, window, &self.zone));
                *known = Some(Arc::clone(&day));
                Some(day)
            }
        }
    }
}

fn refusal(code: i64, info: &str) -> Value {
    json!({ "ActionStatus": "FAIL", "ErrorCode": code, "ErrorInfo": info })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    /// Half past four in the afternoon in Shanghai, and its day.
    const NOW: i64 = 1_736_757_000;
    const FROM: i64 = 1_736_697_600;
    const TO: i64 = 1_736_783_999;

    fn desk() -> Desk {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Desk::new(zone, Arc::new(SystemClock))
    }

    fn ask(desk: &Desk, body: &str) -> Value {
        desk.answer(PATH, body.as_bytes(), Timestamp::from_second(NOW).unwrap())
    }

    fn day_and(more: &str) -> String {
        format!("{{\"From\":{FROM},\"To\":{TO}{more}}}")
    }

    fn ids(answer: &Value) -> Vec<&str> {
        let rows = answer["Data"].as_array().unwrap().iter();
        rows.map(|row| row["AgentId"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_day_is_given_page_by_page() {
        let desk = desk();
        let whole = ask(&desk, &day_and(""));
        assert_eq!(whole["ErrorCode"], 0);
        let ids_of_all = ids(&whole);
        assert!(ids_of_all.len() >= 20 && ids_of_all.is_sorted());
        let mut walked = Vec::new();
        for offset in [0, 10, 20, 30] {
            let page = ask(
                &desk,
                &day_and(&format!(",\"Limit\":10,\"Offset\":{offset}")),
            );
            assert_eq!(page["TotalCount"], ids_of_all.len());
            walked.extend(page["Data"].as_array().unwrap().clone());
        }
        assert_eq!(&walked, whole["Data"].as_array().unwrap());
    }

    #[test]
    fn agent_ids_filter() {
        let two = ids(&ask(&desk(), &day_and("")))[3..5].join("\",\"");
        let filter = format!(",\"Limit\":1,\"AgentIds\":[\"nobody\",\"{two}\"]");
        let answer = ask(&desk(), &day_and(&filter));
        assert_eq!(answer["TotalCount"], 2);
        assert_eq!(ids(&answer).len(), 1);
    }

    #[test]
    fn another_day_is_another_one_and_what_is_no_day_is_refused() {
        let desk = desk();
        let window = |from, to| format!("{{\"From\":{from},\"To\":{to}}}");
        let yesterday = ask(&desk, &window(FROM - 86_400, FROM - 1));
        assert_ne!(yesterday["Data"], ask(&desk, &day_and(""))["Data"]);
        assert_eq!(
            ask(&desk, &window(FROM + 86_400, TO + 86_400))["TotalCount"],
            0
        );
        for (from, to) in [(FROM + 1, TO), (FROM, TO + 86_400), (FROM, i64::MAX)] {
            assert_eq!(ask(&desk, &window(from, to))["ErrorCode"], 141_004);
        }
        for broken in ["", "{}", "[]", "{\"From\":\"1\",\"To\":2}"] {
            assert_eq!(ask(&desk, broken)["ErrorCode"], 60003);
        }
        let elsewhere = desk.answer("/", b"{}", Timestamp::UNIX_EPOCH);
        assert_eq!(elsewhere["ErrorCode"], 60009);
    }
}
