//! The exporter's pages, each a pure function of what is there:
//!
//! - the telemetry path (`/metrics`): the exporter's own meters and the agents' page, if it may be shown
//! - `/`: how things stand, for a person
//! - `/-/healthy`: whether the poll loop turns
//! - `/-/ready`: whether a first poll has ended
//!
//! A scrape asks Desk for nothing, waits for nothing and renders nothing about agents.

use std::fmt::Write as _;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use tokio::sync::watch;

use crate::build;
use crate::clock::{Clock, Now};
use crate::http::Parts;
use crate::meters::Meters;
use crate::state::{Heartbeat, State};

/// The text format's own type (Prometheus' page on exposition formats).
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// All that the pages are made of.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the poller last published.
    pub state: watch::Receiver<Arc<State>>,
    /// Whether the poller's loop turns.
    pub heartbeat: Arc<Heartbeat>,
    /// The exporter's own counters.
    pub meters: Arc<Meters>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where the metrics are.
    pub telemetry_path: Arc<str>,
}

impl Site {
    /// The answer to one request.
    pub fn answer(&self, method: &Method, path: &str) -> Response<Parts> {
        let page: fn(&Self) -> Response<Parts> = match path {
            _ if path == &*self.telemetry_path => Self::metrics,
            "/" => Self::landing,
            "/-/healthy" => Self::healthy,
            "/-/ready" => Self::ready,
            _ => {
                return plain(
                    StatusCode::NOT_FOUND,
                    "There is no such page; / lists those that are.\n",
                );
            }
        };
        if method != Method::GET && method != Method::HEAD {
            let mut refusal = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "Only GET and HEAD are answered here.\n",
            );
            refusal
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        page(self)
    }

    fn metrics(&self) -> Response<Parts> {
        let now = self.clock.now();
        let state = self.state.borrow().clone();
        let agents = state
            .shown(now)
            .map_or_else(Bytes::new, |page| page.text.clone());
        match self.meters.render(&state, now) {
            Ok(own) => response(StatusCode::OK, TEXT_FORMAT, [own.into(), agents]),
            Err(error) => {
                tracing::error!(%error, "the exporter's own metrics cannot be encoded");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The metrics cannot be encoded; see the log.\n",
                )
            }
        }
    }

    fn healthy(&self) -> Response<Parts> {
        match self.heartbeat.is_alive(self.clock.now()) {
            true => plain(StatusCode::OK, "The poll loop turns.\n"),
            false => plain(StatusCode::SERVICE_UNAVAILABLE, "The poll loop is stuck.\n"),
        }
    }

    fn ready(&self) -> Response<Parts> {
        match self.state.borrow().last_poll {
            Some(_) => plain(StatusCode::OK, "A first poll has ended.\n"),
            None => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "The first poll has not ended yet.\n",
            ),
        }
    }

    fn landing(&self) -> Response<Parts> {
        let state = self.state.borrow().clone();
        let page = landing_page(&state, self.clock.now(), &self.telemetry_path);
        response(StatusCode::OK, HTML, [page.into()])
    }
}

fn landing_page(state: &State, now: Now, telemetry_path: &str) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>tencent-desk-exporter</title>\n\
         <h1>tencent-desk-exporter {}</h1>\n\
         <p>Today's figures of every agent of Tencent Cloud Contact Center's Desk, for Prometheus.</p>\n<ul>\n",
        build::VERSION
    );
    for line in standing(state, now) {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "<li>{}</li>", escaped(&line));
    }
    let path = escaped(telemetry_path);
    let _ = write!(
        page,
        "</ul>\n<p><a href=\"{path}\">Metrics</a> · <a href=\"/-/healthy\">Health</a> · \
         <a href=\"/-/ready\">Readiness</a></p>\n</html>\n"
    );
    page
}

/// How things stand, in sentences.
fn standing(state: &State, now: Now) -> Vec<String> {
    let Some(poll) = &state.last_poll else {
        return vec!["The first poll of Desk has not ended yet.".to_owned()];
    };
    let outcome = match &poll.failure {
        None => "succeeded".to_owned(),
        Some(error) => format!(
            "failed ({}): {error}. What to do: {}.",
            error.class(),
            error.class().advice()
        ),
    };
    let shown = match state.shown(now) {
        Some(page) => format!(
            "{} agents are exposed, as of {:.0}.",
            page.agents, page.ended.wall
        ),
        None => "No agents are exposed: there is no good poll of today that is recent enough."
            .to_owned(),
    };
    vec![
        format!("The last poll ended at {:.0} and {outcome}", poll.ended),
        shown,
        format!("The next poll is due at {:.0}.", poll.next),
    ]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Parts> {
    response(status, PLAIN, [Bytes::from_static(text.as_bytes())])
}

fn response<const N: usize>(
    status: StatusCode,
    content_type: &'static str,
    parts: [Bytes; N],
) -> Response<Parts> {
    let mut response = Response::new(Parts::from(parts));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::desk::{Class, Error};
    use crate::state::LastPoll;
    use jiff::Timestamp;
    use std::time::Duration;

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

    fn site(state: State, later: Duration) -> Site {
        Site {
            state: watch::channel(Arc::new(state)).1,
            heartbeat: Arc::new(Heartbeat::new(SystemClock.now())),
            meters: Arc::new(Meters::new(Duration::from_secs(60), Timestamp::UNIX_EPOCH).unwrap()),
            clock: Arc::new(Later(later)),
            telemetry_path: "/metrics".into(),
        }
    }

    fn status(site: &Site, path: &str) -> u16 {
        site.answer(&Method::GET, path).status().as_u16()
    }

    #[test]
    fn a_loop_that_is_stuck_is_unhealthy() {
        assert_eq!(
            status(
                &site(State::default(), Duration::from_secs(50)),
                "/-/healthy"
            ),
            200
        );
        assert_eq!(
            status(
                &site(State::default(), Duration::from_secs(70)),
                "/-/healthy"
            ),
            503
        );
    }

    #[test]
    fn it_is_ready_once_a_poll_has_ended_even_badly() {
        assert_eq!(
            status(&site(State::default(), Duration::ZERO), "/-/ready"),
            503
        );
        let failed = LastPoll {
            ended: Timestamp::now(),
            took: Duration::ZERO,
            failure: Some(Error::new(Class::Network, "no <answer>")),
            next: Timestamp::now(),
        };
        let state = State {
            last_poll: Some(failed),
            ..State::default()
        };
        assert_eq!(
            status(&site(state.clone(), Duration::ZERO), "/-/ready"),
            200
        );
        let page = landing_page(&state, SystemClock.now(), "/metrics");
        assert!(page.contains("no &lt;answer&gt;"), "{page}");
    }
}
