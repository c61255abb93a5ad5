//! What the exporter says of itself: counters that live, and gauges about the state it is in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus::proto::MetricFamily;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, register_gauge_with_registry,
    register_histogram_vec_with_registry, register_int_counter_vec_with_registry,
};

use crate::base::clock::Now;
use crate::base::mutex::lock;
use crate::base::version;
use crate::catalog::exporter::{self, Metric};
use crate::catalog::{Endpoint, Interval, Need};
use crate::desk::{Class, Observer};
use crate::exposition::Variant;
use crate::exposition::coding::Piece;
use crate::exposition::const_metrics::{by_label, single};
use crate::exposition::snapshot::Snapshot;
use crate::status::board::Feed;
use crate::status::process::{self, seconds};

/// Upper bounds for requests; Desk itself gives up after 3 s (the gateway's FAQ).
const REQUEST_SECONDS: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// The counters, each of them at 0 from the start.
#[derive(Debug)]
pub struct Meters {
    /// When the process began.
    started: Timestamp,
    registry: Registry,
    polls: IntCounterVec,
    poll_failures: IntCounterVec,
    requests: IntCounterVec,
    request_failures: IntCounterVec,
    request_duration: HistogramVec,
    discarded_rows: IntCounterVec,
    ignored_values: IntCounterVec,
    /// Counts changes, so that what was gathered before can be told from what holds now.
    changes: AtomicU64,
    gathered: Mutex<Option<Gathered>>,
    /// Whether the web configuration is in use as its files have it; nothing where there is none.
    web_config: Mutex<Option<bool>>,
}

/// The kernel is asked about this process no more often than this, however often scrapes come.
const PROCESS_FIGURES_LAST: Duration = Duration::from_secs(1);

/// The exporter's own families as of some moment, and the variants of them that were asked for.
#[derive(Debug)]
struct Gathered {
    changes: u64,
    feeds: Vec<Arc<Feed>>,
    standing: Vec<(bool, bool)>,
    at: Instant,
    families: Vec<MetricFamily>,
    pieces: HashMap<Variant, Piece>,
}

impl Gathered {
    /// Whether it would say the same at `now`.
    fn holds(&self, changes: u64, feeds: &[Arc<Feed>], now: Now) -> bool {
        let are_same = |(a, b): (&Arc<Feed>, &Arc<Feed>)| Arc::ptr_eq(a, b);
        self.changes == changes
            && self.feeds.len() == feeds.len()
            && self.feeds.iter().zip(feeds).all(are_same)
            && self.standing == standing(feeds, now)
            && now.mono.saturating_duration_since(self.at) < PROCESS_FIGURES_LAST
    }

    fn piece(&mut self, variant: Variant) -> Piece {
        let place = self.pieces.entry(variant);
        place.or_insert_with(|| variant.own(&self.families)).clone()
    }
}

/// What each feed comes to by the mere passing of time: whether its figures may be shown, and whether it is up.
fn standing(feeds: &[Arc<Feed>], now: Now) -> Vec<(bool, bool)> {
    let standing = |feed: &Arc<Feed>| (feed.shown(now).is_some(), feed.is_up(now));
    feeds.iter().map(standing).collect()
}

impl Meters {
    /// Starts counting for `endpoints`; `started` is when the process began.
    ///
    /// # Errors
    /// Those of the registry: none, as long as the catalog's names are legal and unique.
    pub fn new(endpoints: &[&Endpoint], started: Timestamp) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let meters = Self {
            started,
            polls: counters(&registry, exporter::POLLS)?,
            poll_failures: counters(&registry, exporter::POLL_FAILURES)?,
            requests: counters(&registry, exporter::REQUESTS)?,
            request_failures: counters(&registry, exporter::REQUEST_FAILURES)?,
            request_duration: durations(&registry, exporter::REQUEST_DURATION)?,
            discarded_rows: counters(&registry, exporter::DISCARDED_ROWS)?,
            ignored_values: counters(&registry, exporter::IGNORED_VALUES)?,
            registry,
            changes: AtomicU64::new(0),
            gathered: Mutex::new(None),
            web_config: Mutex::new(None),
        };
        let build_info = opts(exporter::BUILD_INFO)
            .const_label("version", version::VERSION)
            .const_label("revision", version::REVISION)
            .const_label("rustc_version", version::RUSTC_VERSION);
        register_gauge_with_registry!(build_info, meters.registry)?.set(1.0);
        endpoints
            .iter()
            .for_each(|endpoint| meters.start_at_zero(endpoint));
        Ok(meters)
    }

    /// A counter that appears with its first event hides that event from `increase()`.
    fn start_at_zero(&self, endpoint: &Endpoint) {
        let name = endpoint.name();
        self.polls.with_label_values(&[name]);
        self.requests.with_label_values(&[name]);
        self.request_duration.with_label_values(&[name]);
        for class in Class::ALL.map(Class::as_str) {
            self.poll_failures.with_label_values(&[name, class]);
            self.request_failures.with_label_values(&[name, class]);
        }
        for reason in endpoint.discards() {
            self.discarded_rows
                .with_label_values(&[name, reason.as_str()]);
        }
        for field in endpoint.values() {
            self.ignored_values.with_label_values(&[name, field]);
        }
    }

    /// A poll of `endpoint` has ended, well or with a failure of `class`.
    pub fn poll_ended(&self, endpoint: &Endpoint, failure: Option<Class>) {
        let name = endpoint.name();
        self.polls.with_label_values(&[name]).inc();
        if let Some(class) = failure {
            self.poll_failures
                .with_label_values(&[name, class.as_str()])
                .inc();
        }
        self.changed();
    }

    /// A good poll brought `snapshot`.
    pub fn snapshot_taken(&self, snapshot: &Snapshot) {
        let name = snapshot.endpoint.name();
        for (reason, rows) in &snapshot.discarded {
            self.discarded_rows
                .with_label_values(&[name, reason.as_str()])
                .inc_by(*rows);
        }
        for (field, ignored) in snapshot.ignored_values() {
            self.ignored_values
                .with_label_values(&[name, field])
                .inc_by(ignored);
        }
        self.changed();
    }

    /// The web configuration's files were looked at, and are in use as they are, or not.
    pub fn web_config_read(&self, is_good: bool) {
        let mut web_config = lock(&self.web_config);
        if *web_config != Some(is_good) {
            *web_config = Some(is_good);
            self.changed();
        }
    }

    /// The exporter's own part of `/metrics` in `variant`, where `feeds` stand as they do at `now`.
    ///
    /// Counters and feeds are those of this very moment, yet gathered and compressed only when one
    /// of them has changed.
    pub fn piece(&self, variant: Variant, feeds: &[Arc<Feed>], now: Now) -> Piece {
        let changes = self.changes.load(Ordering::Acquire);
        let mut gathered = lock(&self.gathered);
        if let Some(gathered) = gathered
            .as_mut()
            .filter(|gathered| gathered.holds(changes, feeds, now))
        {
            return gathered.piece(variant);
        }
        gathered
            .insert(self.gather(changes, feeds, now))
            .piece(variant)
    }

    fn gather(&self, changes: u64, feeds: &[Arc<Feed>], now: Now) -> Gathered {
        let mut families = feed_families(feeds, now);
        let web_config = lock(&self.web_config).map(|is_good| f64::from(u8::from(is_good)));
        families.extend(single(exporter::WEB_CONFIG_GOOD, web_config));
        families.extend(process::families(self.started));
        families.extend(self.registry.gather());
        Gathered {
            changes,
            feeds: feeds.to_vec(),
            standing: standing(feeds, now),
            at: now.mono,
            families,
            pieces: HashMap::new(),
        }
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl Observer for Meters {
    fn request_ended(&self, command: &'static str, took: Duration, failure: Option<Class>) {
        self.requests.with_label_values(&[command]).inc();
        self.request_duration
            .with_label_values(&[command])
            .observe(took.as_secs_f64());
        if let Some(class) = failure {
            self.request_failures
                .with_label_values(&[command, class.as_str()])
                .inc();
        }
        self.changed();
    }
}

/// What the exporter says of how `feeds` stand; the first of them decides whether Desk is up.
fn feed_families(feeds: &[Arc<Feed>], now: Now) -> Vec<MetricFamily> {
    let one = |is_so: bool| f64::from(u8::from(is_so));
    let by_endpoint = |metric, value: &dyn Fn(&Feed) -> Option<f64>| {
        let values = feeds.iter().map(|feed| (feed.endpoint.name(), value(feed)));
        by_label(metric, "endpoint", values)
    };
    let of_last_good = |metric, value: &dyn Fn(&Snapshot) -> f64| {
        let snapshot = |feed: &Feed| feed.last_good.as_ref().map(|page| value(page.snapshot()));
        by_endpoint(metric, &snapshot)
    };
    [
        single(
            exporter::UP,
            Some(one(feeds.first().is_some_and(|feed| feed.is_up(now)))),
        ),
        single(exporter::DAY_START, day_start(feeds, now)),
        by_endpoint(exporter::ENDPOINT_UP, &|feed| {
            feed.is_served().then(|| one(feed.is_up(now)))
        }),
        by_endpoint(exporter::LAST_SUCCESS, &|feed| {
            feed.last_good.as_ref().map(|page| seconds(page.ended.wall))
        }),
        by_endpoint(exporter::POLL_INTERVAL, &|feed| {
            feed.is_served().then_some(feed.interval.as_secs_f64())
        }),
        by_endpoint(exporter::POLL_DURATION, &|feed| {
            feed.last_poll.as_ref().map(|poll| poll.took.as_secs_f64())
        }),
        single(exporter::AGENTS, Some(agents(feeds, now) as f64)),
        of_last_good(exporter::MISSING_ROWS, &|snapshot| {
            snapshot.missing_rows as f64
        }),
        of_last_good(exporter::ABSENT_FIELDS, &|snapshot| {
            snapshot.absent_fields.len() as f64
        }),
        of_last_good(exporter::UNKNOWN_FIELDS, &|snapshot| {
            snapshot.unknown_fields.len() as f64
        }),
        single(
            exporter::USER_SIG_EXPIRY,
            user_sig_expiry(feeds).map(seconds),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Start of the day that the shown figures of today are about.
fn day_start(feeds: &[Arc<Feed>], now: Now) -> Option<f64> {
    let of_today = feeds
        .iter()
        .filter(|feed| feed.endpoint.interval == Interval::Poll);
    let shown = of_today.filter_map(|feed| feed.shown(now));
    let mut snapshots = shown.map(|page| page.snapshot());
    snapshots.find_map(|snapshot| {
        let day = snapshot.window.day().filter(|_| !snapshot.is_empty())?;
        Some(seconds(day.start()))
    })
}

/// How many agents of today's figures are shown.
fn agents(feeds: &[Arc<Feed>], now: Now) -> usize {
    let mut feeds = feeds.iter();
    let feed = feeds.find(|feed| feed.endpoint.need == Need::Required);
    let shown = feed.and_then(|feed| feed.shown(now));
    shown.map_or(0, |page| page.snapshot().count(0))
}

/// As the poll that ended last saw it.
fn user_sig_expiry(feeds: &[Arc<Feed>]) -> Option<Timestamp> {
    let ended = |feed: &&Arc<Feed>| feed.last_poll.as_ref().map(|poll| poll.ended);
    feeds.iter().max_by_key(ended)?.user_sig_expiry
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}

fn counters(registry: &Registry, metric: Metric) -> prometheus::Result<IntCounterVec> {
    register_int_counter_vec_with_registry!(opts(metric), metric.labels, registry)
}

fn durations(registry: &Registry, metric: Metric) -> prometheus::Result<HistogramVec> {
    let opts = HistogramOpts::new(metric.name, metric.help).buckets(REQUEST_SECONDS.to_vec());
    register_histogram_vec_with_registry!(opts, metric.labels, registry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, SystemClock};
    use crate::catalog::agents::ENDPOINT;
    use crate::status::board::{LastPoll, PollOutcome};

    fn text(meters: &Meters, feed: &Arc<Feed>) -> String {
        let plain = Variant::ALL[0];
        let piece = meters.piece(plain, std::slice::from_ref(feed), SystemClock.now());
        String::from_utf8(plain.coding.join(&[&piece])[0].to_vec()).unwrap()
    }

    fn meters() -> Meters {
        Meters::new(&[&ENDPOINT], Timestamp::UNIX_EPOCH).unwrap()
    }

    fn feed() -> Feed {
        Feed::new(&ENDPOINT, Duration::from_secs(60))
    }

    #[test]
    fn only_what_is_known_is_there_before_the_first_poll() {
        let text = text(&meters(), &Arc::new(feed()));
        assert!(text.contains("\ntencent_desk_up 0\n"));
        assert!(text.contains("\ntencent_desk_exporter_agents 0\n"));
        for line in ["poll_interval_seconds{} 60", "endpoint_up{} 0"] {
            let line = line.replace("{}", "{endpoint=\"describe_agent_statistics\"}");
            assert!(text.contains(&format!("\ntencent_desk_exporter_{line}\n")));
        }
        let absent = [
            exporter::DAY_START,
            exporter::LAST_SUCCESS,
            exporter::POLL_DURATION,
            exporter::MISSING_ROWS,
            exporter::ABSENT_FIELDS,
            exporter::UNKNOWN_FIELDS,
            exporter::USER_SIG_EXPIRY,
            exporter::WEB_CONFIG_GOOD,
        ];
        for metric in exporter::ALL {
            let is_there = text.contains(&format!("# TYPE {} ", metric.name));
            let is_expected = absent.iter().all(|absent| absent.name != metric.name);
            assert_eq!(is_there, is_expected, "{}", metric.name);
        }
    }

    #[test]
    fn what_is_not_served_has_neither_an_interval_nor_a_state() {
        let polled = Feed {
            last_poll: Some(LastPoll {
                ended: Timestamp::UNIX_EPOCH,
                took: Duration::from_secs(1),
                outcome: PollOutcome::NotServed,
            }),
            ..feed()
        };
        let text = text(&meters(), &Arc::new(polled));
        assert!(!text.contains("endpoint_up") && !text.contains("poll_interval_seconds"));
        assert!(text.contains("\ntencent_desk_exporter_poll_duration_seconds{"));
    }

    #[test]
    fn what_changes_is_seen_by_the_next_scrape() {
        let (meters, unpolled) = (meters(), Arc::new(feed()));
        let polls = |count| {
            format!(
                "\ntencent_desk_exporter_polls_total{{endpoint=\"describe_agent_statistics\"}} {count}\n"
            )
        };
        assert!(text(&meters, &unpolled).contains(&polls(0)));
        meters.poll_ended(&ENDPOINT, None);
        assert!(text(&meters, &unpolled).contains(&polls(1)));
        meters.request_ended(ENDPOINT.name(), Duration::ZERO, Some(Class::Server));
        assert!(
            text(&meters, &unpolled)
                .contains("class=\"server\",endpoint=\"describe_agent_statistics\"} 1\n")
        );
        for (is_good, line) in [(true, "successful 1\n"), (false, "successful 0\n")] {
            meters.web_config_read(is_good);
            let line = format!("\ntencent_desk_exporter_web_config_last_reload_{line}");
            assert!(text(&meters, &unpolled).contains(&line));
        }
        let signed = Arc::new(Feed {
            user_sig_expiry: Some(Timestamp::UNIX_EPOCH),
            ..feed()
        });
        assert!(text(&meters, &signed).contains("user_sig_expiry_timestamp_seconds 0\n"));
    }
}
