//! What the exporter says of itself: counters that live, and gauges about the state it is in.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::base::clock::Now;
use crate::base::mutex::lock;
use crate::base::version;
use crate::catalog::exporter::{self, Own};
use crate::desk::table::Field;
use crate::desk::{Class, Endpoint, Observer};
use crate::exposition::coding::Piece;
use crate::exposition::const_metrics::{by_label, single};
use crate::exposition::snapshot::Snapshot;
use crate::exposition::{ByVariant, Variant};
use crate::status::board::State;
use crate::status::process::{ProcessCollector, seconds};

/// Upper bounds for requests; Desk itself gives up after 3 s (the gateway's FAQ).
const REQUEST_SECONDS: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// The counters, each of them at 0 from the start.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    polls: IntCounterVec,
    poll_failures: IntCounterVec,
    requests: IntCounterVec,
    request_failures: IntCounterVec,
    request_duration: HistogramVec,
    discarded_rows: IntCounterVec,
    ignored_values: IntCounterVec,
    poll_interval: Duration,
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
    state: Arc<State>,
    standing: (bool, bool),
    at: Instant,
    families: Vec<MetricFamily>,
    pieces: ByVariant<Option<Piece>>,
}

impl Gathered {
    /// Whether it would say the same at `now`.
    fn holds(&self, changes: u64, state: &Arc<State>, now: Now) -> bool {
        self.changes == changes
            && Arc::ptr_eq(&self.state, state)
            && self.standing == standing(state, now)
            && now.mono.saturating_duration_since(self.at) < PROCESS_FIGURES_LAST
    }

    fn piece(&mut self, variant: Variant) -> io::Result<Piece> {
        let slot = self.pieces.of_mut(variant);
        if let Some(piece) = slot {
            return Ok(piece.clone());
        }
        Ok(slot.insert(variant.own(&self.families)?).clone())
    }
}

/// What a state comes to by the mere passing of time: whether its figures may be shown, and whether
/// Desk is up.
fn standing(state: &State, now: Now) -> (bool, bool) {
    (state.shown(now).is_some(), state.is_up(now))
}

impl Meters {
    /// Starts counting; `started` is when the process began.
    ///
    /// # Errors
    /// Those of the registry: none, as long as the catalog's names are legal and unique.
    pub fn new(poll_interval: Duration, started: Timestamp) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let meters = Self {
            polls: counters(&registry, exporter::POLLS)?,
            poll_failures: counters(&registry, exporter::POLL_FAILURES)?,
            requests: counters(&registry, exporter::REQUESTS)?,
            request_failures: counters(&registry, exporter::REQUEST_FAILURES)?,
            request_duration: durations(&registry, exporter::REQUEST_DURATION)?,
            discarded_rows: counters(&registry, exporter::DISCARDED_ROWS)?,
            ignored_values: counters(&registry, exporter::IGNORED_VALUES)?,
            registry,
            poll_interval,
            changes: AtomicU64::new(0),
            gathered: Mutex::new(None),
            web_config: Mutex::new(None),
        };
        let build_info = build_labels(opts(exporter::BUILD_INFO));
        registered(&meters.registry, Gauge::with_opts(build_info)?)?.set(1.0);
        meters
            .registry
            .register(Box::new(ProcessCollector::new(started)))?;
        meters.start_at_zero();
        Ok(meters)
    }

    /// A counter that appears with its first event hides that event from `increase()`.
    fn start_at_zero(&self) {
        for endpoint in Endpoint::ALL.map(Endpoint::as_str) {
            self.polls.with_label_values(&[endpoint]);
            self.requests.with_label_values(&[endpoint]);
            self.request_duration.with_label_values(&[endpoint]);
            for class in Class::ALL.map(Class::as_str) {
                self.poll_failures.with_label_values(&[endpoint, class]);
                self.request_failures.with_label_values(&[endpoint, class]);
            }
            for reason in [NO_ID, DUPLICATE, NOT_ASKED] {
                self.discarded_rows.with_label_values(&[endpoint, reason]);
            }
            for field in fields_with_values() {
                self.ignored_values
                    .with_label_values(&[endpoint, field.name()]);
            }
        }
    }

    /// A poll has ended, well or with a failure of `class`.
    pub fn poll_ended(&self, failure: Option<Class>) {
        self.polls.with_label_values(&[AGENTS]).inc();
        if let Some(class) = failure {
            self.poll_failures
                .with_label_values(&[AGENTS, class.as_str()])
                .inc();
        }
        self.changed();
    }

    /// A good poll brought `snapshot`.
    pub fn snapshot_taken(&self, snapshot: &Snapshot) {
        for (reason, rows) in [
            (NO_ID, snapshot.rows_without_id),
            (DUPLICATE, snapshot.duplicate_rows),
            (NOT_ASKED, snapshot.rows_not_asked),
        ] {
            self.discarded_rows
                .with_label_values(&[AGENTS, reason])
                .inc_by(rows);
        }
        for (field, ignored) in snapshot.ignored_values() {
            self.ignored_values
                .with_label_values(&[AGENTS, field.name()])
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

    /// The exporter's own part of `/metrics` in `variant`, as of `now`.
    ///
    /// Counters and state are those of this very moment, yet gathered and compressed only when one
    /// of them has changed.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub fn piece(&self, variant: Variant, state: &Arc<State>, now: Now) -> io::Result<Piece> {
        let changes = self.changes.load(Ordering::Acquire);
        let mut gathered = lock(&self.gathered);
        if let Some(gathered) = gathered
            .as_mut()
            .filter(|gathered| gathered.holds(changes, state, now))
        {
            return gathered.piece(variant);
        }
        gathered
            .insert(self.gather(changes, state, now))
            .piece(variant)
    }

    fn gather(&self, changes: u64, state: &Arc<State>, now: Now) -> Gathered {
        let mut families = state_families(state, self.poll_interval, now);
        let web_config = lock(&self.web_config).map(|is_good| f64::from(u8::from(is_good)));
        families.extend(single(exporter::WEB_CONFIG_GOOD, web_config));
        families.extend(self.registry.gather());
        Gathered {
            changes,
            state: state.clone(),
            standing: standing(state, now),
            at: now.mono,
            families,
            pieces: ByVariant::default(),
        }
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl Observer for Meters {
    fn request_ended(&self, endpoint: Endpoint, took: Duration, failure: Option<Class>) {
        let endpoint = endpoint.as_str();
        self.requests.with_label_values(&[endpoint]).inc();
        self.request_duration
            .with_label_values(&[endpoint])
            .observe(took.as_secs_f64());
        if let Some(class) = failure {
            self.request_failures
                .with_label_values(&[endpoint, class.as_str()])
                .inc();
        }
        self.changed();
    }
}

/// The endpoint that is polled.
const AGENTS: &str = Endpoint::DescribeAgentStatistics.as_str();

const NO_ID: &str = "no_id";
const DUPLICATE: &str = "duplicate";
const NOT_ASKED: &str = "not_asked";

/// A row without its `AgentId` is discarded whole, so that field never holds an ignored value.
fn fields_with_values() -> impl Iterator<Item = Field> {
    Field::ALL
        .iter()
        .copied()
        .filter(|&field| field != Field::AgentId)
}

fn state_families(state: &State, poll_interval: Duration, now: Now) -> Vec<MetricFamily> {
    let shown = state.shown(now);
    let last_good = state.last_good.as_ref();
    let last_poll = state.last_poll.as_ref();
    let of_agents = |own, value: Option<f64>| by_label(own, "endpoint", [(AGENTS, value)]);
    let up = Some(f64::from(u8::from(state.is_up(now))));
    let snapshot = last_good.map(|page| page.snapshot());
    [
        single(exporter::UP, up),
        single(
            exporter::DAY_START,
            shown
                .filter(|page| page.snapshot().agents().len() > 0)
                .map(|page| seconds(page.day().start())),
        ),
        of_agents(exporter::ENDPOINT_UP, up),
        of_agents(
            exporter::LAST_SUCCESS,
            last_good.map(|page| seconds(page.ended.wall)),
        ),
        of_agents(exporter::POLL_INTERVAL, Some(poll_interval.as_secs_f64())),
        of_agents(
            exporter::POLL_DURATION,
            last_poll.map(|poll| poll.took.as_secs_f64()),
        ),
        single(
            exporter::AGENTS,
            Some(shown.map_or(0, |page| page.snapshot().agents().len()) as f64),
        ),
        of_agents(
            exporter::MISSING_ROWS,
            snapshot.map(|snapshot| snapshot.missing_rows as f64),
        ),
        of_agents(
            exporter::ABSENT_FIELDS,
            snapshot.map(|snapshot| snapshot.absent_fields.len() as f64),
        ),
        of_agents(
            exporter::UNKNOWN_FIELDS,
            snapshot.map(|snapshot| snapshot.unknown_fields.len() as f64),
        ),
        single(
            exporter::USER_SIG_EXPIRY,
            state.user_sig_expiry.map(seconds),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn opts(own: Own) -> Opts {
    Opts::new(own.name, own.help)
}

fn build_labels(opts: Opts) -> Opts {
    opts.const_label("version", version::VERSION)
        .const_label("revision", version::REVISION)
        .const_label("rustc_version", version::RUSTC_VERSION)
}

fn counters(registry: &Registry, own: Own) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(opts(own), own.labels)?)
}

fn durations(registry: &Registry, own: Own) -> prometheus::Result<HistogramVec> {
    let opts = HistogramOpts::new(own.name, own.help).buckets(REQUEST_SECONDS.to_vec());
    registered(registry, HistogramVec::new(opts, own.labels)?)
}

fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> prometheus::Result<M> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, SystemClock};

    fn text(meters: &Meters, state: &Arc<State>) -> String {
        let plain = Variant::ALL[0];
        let piece = meters.piece(plain, state, SystemClock.now()).unwrap();
        String::from_utf8(plain.coding.join([&piece])[0].to_vec()).unwrap()
    }

    fn meters() -> Meters {
        Meters::new(Duration::from_secs(60), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn only_what_is_known_is_there_before_the_first_poll() {
        let text = text(&meters(), &Arc::default());
        assert!(text.contains("\ntencent_desk_up 0\n"));
        assert!(text.contains("\ntencent_desk_exporter_agents 0\n"));
        assert!(text.contains("\ntencent_desk_exporter_poll_interval_seconds{endpoint=\"describe_agent_statistics\"} 60\n"));
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
        for own in exporter::ALL {
            let is_there = text.contains(&format!("# TYPE {} ", own.name));
            let is_expected = absent.iter().all(|absent| absent.name != own.name);
            assert_eq!(is_there, is_expected, "{}", own.name);
        }
    }

    #[test]
    fn whatever_changes_is_seen_by_the_next_scrape() {
        let (meters, state) = (meters(), Arc::default());
        assert!(text(&meters, &state).contains(
            "\ntencent_desk_exporter_polls_total{endpoint=\"describe_agent_statistics\"} 0\n"
        ));
        meters.poll_ended(None);
        assert!(text(&meters, &state).contains(
            "\ntencent_desk_exporter_polls_total{endpoint=\"describe_agent_statistics\"} 1\n"
        ));
        meters.request_ended(
            Endpoint::DescribeAgentStatistics,
            Duration::ZERO,
            Some(Class::Server),
        );
        assert!(
            text(&meters, &state)
                .contains("class=\"server\",endpoint=\"describe_agent_statistics\"} 1\n")
        );
        for (is_good, line) in [(true, "successful 1\n"), (false, "successful 0\n")] {
            meters.web_config_read(is_good);
            let line = format!("\ntencent_desk_exporter_web_config_last_reload_{line}");
            assert!(text(&meters, &state).contains(&line));
        }
        let expiry = Some(Timestamp::UNIX_EPOCH);
        let signed = Arc::new(State {
            user_sig_expiry: expiry,
            ..State::default()
        });
        assert!(text(&meters, &signed).contains("user_sig_expiry_timestamp_seconds 0\n"));
    }
}
