//! How long a scrape waits for the first polls.
//!
//! A socket that systemd holds takes scrapes while the exporter restarts. One that is answered before the first
//! polls have ended has no agents: their series end for a moment, and the `for:` of each alert begins anew. So it
//! waits for them; not for long, and only just after the start: where Desk hangs, scrapes must not fail.

use std::time::Duration;

use hyper::header::HeaderMap;
use tokio::time::Instant;

use crate::status::board::Board;

/// How long after the start scrapes wait: half of the time after which Prometheus gives up, by default.
const LONGEST: Duration = Duration::from_secs(5);

/// After how many seconds the scraper gives up, in words of Prometheus (and VictoriaMetrics).
const TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Until when scrapes wait.
#[derive(Debug, Clone, Copy)]
pub struct Patience(Instant);

impl Patience {
    /// For an exporter that starts now.
    pub fn from_now() -> Self {
        Self(Instant::now() + LONGEST)
    }

    /// Returns once the first poll of each endpoint on `board` has ended, or it is time to answer the scrape with
    /// these `headers` as things are.
    pub(super) async fn wait(self, board: &Board, headers: &HeaderMap) {
        if board.is_ready() {
            return;
        }
        let limit = half_of_timeout(headers).unwrap_or(LONGEST);
        let until = self.0.min(Instant::now() + limit);
        // Ready or not.
        let _ = tokio::time::timeout_at(until, board.until_ready()).await;
    }
}

fn half_of_timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(TIMEOUT)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds / 2.0)
        .ok()
        .map(|half| half.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock as _, SystemClock};
    use crate::catalog::agents::ENDPOINT;
    use crate::status::board::{Feed, LastPoll, PollOutcome};
    use std::sync::Arc;

    fn feed() -> Feed {
        Feed::new(&ENDPOINT, Duration::from_secs(60))
    }

    fn board() -> Arc<Board> {
        Arc::new(Board::new(vec![feed()], SystemClock.now()))
    }

    fn headers(timeout: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TIMEOUT, timeout.parse().unwrap());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn a_scrape_waits_for_no_longer_than_half_of_its_time_and_only_after_the_start() {
        for (timeout, seconds) in [
            ("10", 5.0),
            ("3", 1.5),
            ("0.5", 0.25),
            ("60", 5.0),
            ("0", 0.0),
            ("-1", 5.0),
            ("NaN", 5.0),
            ("1e400", 5.0),
            ("soon", 5.0),
        ] {
            let (board, start) = (board(), Instant::now());
            let patience = Patience::from_now();
            patience.wait(&board, &headers(timeout)).await;
            let waited = start.elapsed().as_secs_f64();
            assert!((waited - seconds).abs() < 0.01, "{timeout}: {waited} s");
            tokio::time::sleep(LONGEST).await;
            let late = Instant::now();
            patience.wait(&board, &HeaderMap::new()).await;
            assert_eq!(late.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_over_with_the_first_poll() {
        let (board, start) = (board(), Instant::now());
        let patience = Patience::from_now();
        let publish = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = SystemClock.now().wall;
            let last_poll = LastPoll {
                ended: now,
                took: Duration::ZERO,
                outcome: PollOutcome::Good,
            };
            let feed = Feed {
                last_poll: Some(last_poll),
                ..feed()
            };
            board.publish(0, feed);
        };
        let headers = HeaderMap::new();
        tokio::join!(patience.wait(&board, &headers), publish);
        assert!(start.elapsed() < Duration::from_millis(1100));
    }
}
