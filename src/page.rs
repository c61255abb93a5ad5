//! A snapshot as bytes: rendered once per poll, handed out at every scrape.
//!
//! The families are collected and encoded one after the other, so that only one of them is ever in
//! memory as a tree. A page carries what decides how long it may be shown; it is shown whole or
//! not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, TextEncoder};

use crate::catalog::agents::FAMILIES;
use crate::catalog::{AGENT_ID, Family};
use crate::clock::{DayWindow, Now};
use crate::families::{gauge, gauge_family};
use crate::snapshot::Snapshot;

/// The agents' part of `/metrics`, as of one good poll.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the text format 0.0.4; shared, never copied.
    pub text: Bytes,
    /// How many agents it shows.
    pub agents: usize,
    /// The day that it is about.
    pub day: DayWindow,
    /// When the poll ended.
    pub ended: Now,
    /// How long after that it may be shown.
    pub good_for: Duration,
    /// See [`Snapshot::missing_rows`].
    pub missing_rows: u64,
    /// See [`Snapshot::unknown_fields`].
    pub unknown_fields: Vec<String>,
}

impl Page {
    /// Renders `snapshot`, whose poll ended at `ended`, to be shown for `good_for` at most.
    ///
    /// # Errors
    /// Those of the encoder: none, as long as the catalog's names are legal (a test sees to that).
    pub fn render(
        snapshot: &Arc<Snapshot>,
        ended: Now,
        good_for: Duration,
    ) -> prometheus::Result<Self> {
        Ok(Self {
            text: encode(snapshot)?.into(),
            agents: snapshot.rows.len(),
            day: snapshot.day,
            ended,
            good_for,
            missing_rows: snapshot.missing_rows,
            unknown_fields: snapshot.unknown_fields.clone(),
        })
    }

    /// Whether it may be shown at `now`: its day lasts, and it is not too old.
    ///
    /// A page from the future is one of a wall clock that was since set back, by less than a day:
    /// its age is then what the monotonic clock says.
    pub fn is_current(&self, now: Now) -> bool {
        self.day.contains(now.wall) && now.since(self.ended) <= self.good_for
    }
}

fn encode(snapshot: &Arc<Snapshot>) -> prometheus::Result<Vec<u8>> {
    let mut text = Vec::new();
    for family in FAMILIES {
        let collected = AgentCollector::new(family, snapshot.clone())?.collect();
        TextEncoder::new().encode(&collected, &mut text)?;
    }
    Ok(text)
}

/// One family of the catalog over the agents of one poll.
struct AgentCollector {
    family: &'static Family,
    desc: Desc,
    snapshot: Arc<Snapshot>,
}

impl AgentCollector {
    fn new(family: &'static Family, snapshot: Arc<Snapshot>) -> prometheus::Result<Self> {
        let labels = [AGENT_ID]
            .into_iter()
            .chain(family.label())
            .map(str::to_owned)
            .collect();
        let desc = Desc::new(
            family.name.to_owned(),
            family.help(),
            labels,
            HashMap::new(),
        )?;
        Ok(Self {
            family,
            desc,
            snapshot,
        })
    }
}

impl Collector for AgentCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    /// No family at all where no agent has a sample: the encoder refuses an empty one.
    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Vec::with_capacity(self.snapshot.rows.len());
        for row in &self.snapshot.rows {
            self.family.for_each_sample(row, |sample| {
                let agent = [(AGENT_ID, &*row.agent_id)];
                samples.push(gauge(agent.into_iter().chain(sample.label), sample.value));
            });
        }
        if samples.is_empty() {
            return Vec::new();
        }
        vec![gauge_family(&self.desc.fq_name, &self.desc.help, samples)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Listing;
    use crate::desk::wire::decode;
    use jiff::{Timestamp, ToSpan, tz::TimeZone};
    use prometheus::Registry;
    use std::time::Instant;

    fn now(wall: &str) -> Now {
        Now {
            wall: wall.parse().unwrap(),
            mono: Instant::now(),
        }
    }

    fn page(data: &str, ended: Now) -> Page {
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":0,"Data":{data}}}"#);
        let rows = decode(body.as_bytes()).unwrap().rows;
        let day = DayWindow::around(ended.wall, &TimeZone::UTC).unwrap();
        let snapshot = Snapshot::new(
            Listing {
                rows,
                ..Listing::default()
            },
            day,
        );
        Page::render(&Arc::new(snapshot), ended, Duration::from_secs(300)).unwrap()
    }

    #[test]
    fn the_catalog_is_one_that_a_registry_takes() {
        let snapshot = Arc::new(Snapshot::new(
            Listing::default(),
            DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap(),
        ));
        let registry = Registry::new();
        for family in FAMILIES {
            let collector = AgentCollector::new(family, snapshot.clone()).unwrap();
            registry.register(Box::new(collector)).unwrap();
        }
    }

    #[test]
    fn a_family_without_samples_is_not_there() {
        let page = page(
            r#"[{"AgentId":"a","BusyTime":7}]"#,
            now("2026-01-01T12:00:00Z"),
        );
        let text = std::str::from_utf8(&page.text).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [r#"tencent_desk_agent_state_seconds{agent_id="a",state="busy"} 7"#]
        );
        assert_eq!(text.matches("# TYPE").count(), 1);
    }

    #[test]
    fn it_is_shown_within_its_day_and_time_only() {
        let ended = now("2026-01-01T23:58:00Z");
        let page = page("[]", ended);
        let later = |wall: i64, mono| Now {
            wall: ended.wall + wall.seconds(),
            mono: ended.mono + Duration::from_secs(mono),
        };
        assert!(page.is_current(ended));
        assert!(page.is_current(later(119, 119)));
        assert!(!page.is_current(later(120, 120)), "the day is over");
        assert!(
            !page.is_current(later(0, 301)),
            "too old, though the wall clock stood still"
        );
        assert!(
            page.is_current(later(-7200, 60)),
            "the wall clock was set back"
        );
        assert!(
            !page.is_current(later(-86_400, 60)),
            "set back to another day"
        );
    }
}
