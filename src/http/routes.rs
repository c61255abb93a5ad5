//! The exporter's pages, each a pure function of what is there:
//!
//! - the telemetry path (`/metrics`): the exporter's own meters, and the page of each endpoint that may be shown
//! - `/`: how things stand and the day so far, for people
//! - `/-/healthy`: whether the poll loops turn
//! - `/-/ready`: whether the first poll of each endpoint has ended
//!
//! A scrape asks Desk for nothing. It joins bytes that are there: pages were made by the polls, in the
//! variant that scrapers have lately asked for. (The first scrape that asks for another one waits until it is
//! made, once.)

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    REFRESH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Response, StatusCode, Uri};
use jiff::tz::TimeZone;

use crate::base::clock::Clock;
use crate::dayboard::{self, Dayboard};
use crate::exposition::Variant;
use crate::exposition::coding::{Coding, Piece};
use crate::exposition::page::{Demand, Page, Shown};
use crate::http::negotiate::{self, Choice};
use crate::http::patience::Patience;
use crate::http::response::{Part, ResponseBody, response, text};
use crate::status::board::Board;
use crate::status::meters::Meters;

const HTML: &str = "text/html; charset=utf-8";

/// All that the pages are made of.
#[derive(Debug, Clone)]
pub struct Site {
    board: Arc<Board>,
    meters: Arc<Meters>,
    demand: Arc<Demand>,
    clock: Arc<dyn Clock>,
    telemetry_path: Arc<str>,
    dayboard: Arc<Dayboard>,
    /// Where scrapes are to wait for the first polls.
    patience: Option<Patience>,
    /// What stands behind the last family.
    ends: Arc<HashMap<Variant, Piece>>,
}

const LANDING: &str = "/";
const HEALTHY: &str = "/-/healthy";
const READY: &str = "/-/ready";

/// Whether a page is at `path` that is always there, so that the metrics cannot be.
pub fn is_taken(path: &str) -> bool {
    [LANDING, HEALTHY, READY].contains(&path)
}

impl Site {
    /// Pages about what pollers publish on `board`, with the metrics at `telemetry_path`; Desk's day is that of `zone`.
    /// Scrapes wait for the first polls for as long as `patience` says.
    pub fn new(
        board: Arc<Board>,
        meters: Arc<Meters>,
        demand: Arc<Demand>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        telemetry_path: &str,
        patience: Option<Patience>,
    ) -> Self {
        let dayboard = Dayboard::new(board.clone(), clock.clone(), zone, telemetry_path);
        let ends = Variant::ALL.map(|variant| (variant, variant.end()));
        Self {
            board,
            meters,
            demand,
            clock,
            telemetry_path: telemetry_path.into(),
            dayboard: Arc::new(dayboard),
            patience,
            ends: Arc::new(ends.into()),
        }
    }

    /// The answer to one request.
    pub async fn answer(
        &self,
        method: &Method,
        address: &Uri,
        headers: &HeaderMap,
    ) -> Response<ResponseBody> {
        let path = address.path();
        if !is_taken(path) && path != &*self.telemetry_path {
            return text(
                StatusCode::NOT_FOUND,
                "There is no such page; / lists those that are.\n",
            );
        }
        if method != Method::GET && method != Method::HEAD {
            return not_allowed();
        }
        match path {
            LANDING => self.landing(address.query(), headers).await,
            HEALTHY => self.healthy(),
            READY => self.ready(),
            _ => self.metrics(headers).await,
        }
    }

    async fn metrics(&self, headers: &HeaderMap) -> Response<ResponseBody> {
        let choice = Choice::of(
            list(headers, &ACCEPT).as_deref(),
            list(headers, &ACCEPT_ENCODING).as_deref(),
        );
        if let Some(patience) = self.patience {
            patience.wait(&self.board, headers).await;
        }
        let (coding, body) = self.exposition(choice.variant).await;
        exposition_response(&choice, coding, body)
    }

    /// The exporter's own families, those of each endpoint whose page may be shown, and the end.
    async fn exposition(&self, variant: Variant) -> (Coding, ResponseBody) {
        let now = self.clock.now();
        self.demand.note(variant, now);
        let feeds = self.board.feeds();
        let pages: Vec<_> = feeds.iter().filter_map(|feed| feed.shown(now)).collect();
        if let Some(pages) = held(&pages, variant).await {
            let own = self.meters.piece(variant, &feeds, now);
            let mut pieces = vec![&own];
            pieces.extend(pages.iter().map(Arc::as_ref));
            pieces.extend(self.ends.get(&variant));
            let body = variant.coding.join(&pieces).into_iter().collect();
            return (variant.coding, body);
        }
        let plain = variant.plain();
        let own = self.meters.piece(plain, &feeds, now);
        let mut parts: Vec<_> = own.chunks().map(Part::Ready).collect();
        for page in pages {
            match page.show(plain).await {
                Shown::Held(piece) => parts.extend(piece.chunks().map(Part::Ready)),
                Shown::Inflated(bytes) => parts.push(Part::Lazy(bytes)),
            }
        }
        let ends = self.ends.get(&plain).into_iter();
        parts.extend(ends.flat_map(Piece::chunks).map(Part::Ready));
        (plain.coding, parts.into_iter().collect())
    }

    fn healthy(&self) -> Response<ResponseBody> {
        let stuck = self.board.stuck(self.clock.now());
        match stuck.is_empty() {
            true => text(StatusCode::OK, "The poll loops turn.\n"),
            false => text(
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "A poll loop is stuck, which is a bug: {}. A restart helps.\n",
                    stuck.join(", ")
                ),
            ),
        }
    }

    fn ready(&self) -> Response<ResponseBody> {
        match self.board.is_ready() {
            true => text(
                StatusCode::OK,
                "The first poll of each endpoint has ended.\n",
            ),
            false => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "The first poll of an endpoint has not ended yet.\n",
            ),
        }
    }

    async fn landing(&self, query: Option<&str>, headers: &HeaderMap) -> Response<ResponseBody> {
        let language = negotiate::language(list(headers, &ACCEPT_LANGUAGE).as_deref());
        let codings = list(headers, &ACCEPT_ENCODING);
        let coding = Choice::of(None, codings.as_deref()).variant.coding;
        let query = query.unwrap_or_default();
        let answer = self.dayboard.answer(query, language, coding).await;
        let html = HeaderValue::from_static(HTML);
        let mut response = response(StatusCode::OK, html, answer.body.into_iter().collect());
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(VARY, "Accept-Encoding, Accept-Language");
        set(CACHE_CONTROL, "no-store");
        set(REFERRER_POLICY, "no-referrer");
        set(X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(CONTENT_LANGUAGE, answer.language.html_tag());
        if let Some(coding) = coding.name() {
            set(CONTENT_ENCODING, coding);
        }
        // Made of our own words only, so it is a header's value.
        if let Ok(policy) = HeaderValue::try_from(dayboard::POLICY.as_str()) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        let refresh = answer
            .refresh
            .and_then(|refresh| HeaderValue::try_from(refresh).ok());
        if let Some(refresh) = refresh {
            headers.insert(REFRESH, refresh);
        }
        response
    }
}

/// All `pages` in `variant`, if each of them is held in it.
async fn held(pages: &[&Arc<Page>], variant: Variant) -> Option<Vec<Arc<Piece>>> {
    let mut pieces = Vec::with_capacity(pages.len());
    for page in pages {
        match page.show(variant).await {
            Shown::Held(piece) => pieces.push(piece),
            Shown::Inflated(_) => return None,
        }
    }
    Some(pieces)
}

fn not_allowed() -> Response<ResponseBody> {
    let mut refusal = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only GET and HEAD are answered here.\n",
    );
    refusal
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    refusal
}

fn exposition_response(
    choice: &Choice,
    coding: Coding,
    body: ResponseBody,
) -> Response<ResponseBody> {
    let mut response = response(StatusCode::OK, choice.content_type(), body);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(coding) = coding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// All headers of one name as one list (RFC 9110, section 5.3); nothing where there is none, or none
/// that is text.
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, str>> {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let first = values.next()?;
    Some(values.fold(Cow::Borrowed(first), |list, value| {
        Cow::Owned(format!("{list},{value}"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Now, SystemClock};
    use crate::catalog::agents::ENDPOINT;
    use crate::desk::{Class, Error};
    use crate::exposition::page::Page;
    use crate::status::board::{Feed, LastPoll, PollOutcome};
    use http_body_util::BodyExt as _;
    use hyper::body::Body as _;
    use jiff::Timestamp;
    use std::time::Duration;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    #[derive(Debug)]
    struct Later(Duration);

    impl Clock for Later {
        fn now(&self) -> Now {
            let now = SystemClock.now();
            Now {
                wall: now.wall + self.0,
                mono: now.mono + self.0,
            }
        }
    }

    fn site(feed: Feed, later: Duration) -> Site {
        let now = SystemClock.now();
        Site::new(
            Arc::new(Board::new(vec![feed], now)),
            Arc::new(Meters::new(&[&ENDPOINT], Timestamp::UNIX_EPOCH).unwrap()),
            Arc::new(Demand::new(now)),
            Arc::new(Later(later)),
            TimeZone::UTC,
            "/metrics",
            None,
        )
    }

    fn unpolled() -> Feed {
        Feed::new(&ENDPOINT, Duration::from_secs(60))
    }

    fn block_on<F: Future>(work: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(work)
    }

    fn status(site: &Site, path: &str) -> u16 {
        let headers = HeaderMap::new();
        let address = path.parse().unwrap();
        let answer = site.answer(&Method::GET, &address, &headers);
        block_on(answer).status().as_u16()
    }

    /// The metrics in some format: how they are coded, how long they are said to be, and what is sent.
    fn metrics(site: &Site, accept: &'static str, coding: &'static str) -> (bool, u64, Vec<u8>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
        block_on(async {
            let answer = site
                .answer(&Method::GET, &"/metrics".parse().unwrap(), &headers)
                .await;
            let is_coded = answer.headers().contains_key(CONTENT_ENCODING);
            let length = answer.body().size_hint().exact().unwrap();
            let body = answer.into_body().collect().await.unwrap();
            (is_coded, length, body.to_bytes().to_vec())
        })
    }

    #[test]
    fn what_is_too_large_to_be_held_is_whole_and_said_to_be_as_it_is() {
        let site_of = |most_held| {
            let feed = Feed {
                last_good: Some(Arc::new(Page::sample(500, SystemClock.now(), most_held))),
                ..unpolled()
            };
            site(feed, Duration::ZERO)
        };
        let (held, not_held) = (site_of(usize::MAX), site_of(0));
        for accept in ["text/plain", "application/openmetrics-text", PROTOBUF] {
            let agents = |(is_coded, length, body): (bool, u64, Vec<u8>)| {
                assert!(!is_coded);
                assert_eq!(length, body.len() as u64);
                let start = body
                    .windows(11)
                    .position(|part| part == b"agent_info\x12" || part == b"agent_info ");
                body[start.unwrap()..].to_vec()
            };
            let plain = agents(metrics(&held, accept, "identity"));
            assert!(agents(metrics(&not_held, accept, "identity")) == plain);
            assert!(agents(metrics(&not_held, accept, "zstd")) == plain);
            assert!(metrics(&held, accept, "zstd").0);
            assert!(metrics(&not_held, accept, "gzip").0);
        }
    }

    #[test]
    fn a_loop_that_is_stuck_is_unhealthy() {
        assert_eq!(
            status(&site(unpolled(), Duration::from_secs(50)), "/-/healthy"),
            200
        );
        assert_eq!(
            status(&site(unpolled(), Duration::from_secs(70)), "/-/healthy"),
            503
        );
    }

    #[test]
    fn it_is_ready_once_a_poll_has_ended_even_badly() {
        assert_eq!(status(&site(unpolled(), Duration::ZERO), "/-/ready"), 503);
        let failed = LastPoll {
            ended: Timestamp::now(),
            took: Duration::ZERO,
            outcome: PollOutcome::Failed(Error::new(Class::Network, "no <answer>")),
        };
        let feed = Feed {
            last_poll: Some(failed),
            ..unpolled()
        };
        assert_eq!(status(&site(feed, Duration::ZERO), "/-/ready"), 200);
    }
}
