//! `rate_limit`: a token bucket for all requests together, as in the toolkit.
//!
//! The bucket is full at first. Each request takes a token, and is refused where there is none. One
//! token is added each interval, until the bucket is full.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use super::yaml::parsed;
use crate::base::mutex::lock;

/// The section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// The time after which one token is added.
    #[serde(deserialize_with = "interval")]
    interval: Option<Duration>,
    /// How many tokens a full bucket holds.
    #[serde(deserialize_with = "burst")]
    burst: Option<u32>,
}

impl RateLimit {
    /// The interval at which tokens are added, and how many the bucket holds; `None` where nothing is
    /// limited.
    pub fn bucket(&self) -> Option<(Duration, u32)> {
        let interval = self.interval.filter(|interval| !interval.is_zero())?;
        Some((interval, self.burst.unwrap_or_default()))
    }

    /// Whether it allows more than `other`.
    pub(super) fn is_looser_than(&self, other: &Self) -> bool {
        let Some((old_interval, old_burst)) = other.bucket() else {
            return false;
        };
        let is_as_tight = |(interval, burst)| interval >= old_interval && burst <= old_burst;
        !self.bucket().is_some_and(is_as_tight)
    }
}

/// Go's units of time, in nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

fn interval<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    parsed(value, |text| {
        duration(text).ok_or_else(|| {
            "is no length of time that is 0 or more; write one like 1s, 500ms or 1m30s".into()
        })
    })
}

/// The duration in Go's notation (`1m30s`), or as a number of nanoseconds.
fn duration(text: &str) -> Option<Duration> {
    let nanoseconds = text.parse().ok().or_else(|| nanoseconds(text))?;
    Duration::try_from_secs_f64(nanoseconds / 1e9).ok()
}

/// The nanoseconds in `1m30s`; `None` where it does not consist of numbers with units.
fn nanoseconds(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, after) = after.split_at(unit_end.unwrap_or(after.len()));
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    Some(sum)
}

fn burst<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    parsed(value, |text| {
        // YAML reads a number with a leading 0 as octal.
        let is_plain = text == "0" || !text.starts_with('0');
        let number = text.replace('_', "").parse().ok().filter(|_| is_plain);
        number.ok_or_else(|| "is no whole number from 0 on".into())
    })
}

/// A bucket in use.
#[derive(Debug)]
pub(super) struct Limiter {
    interval: Duration,
    burst: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    /// When it held that many.
    at: Instant,
}

impl Limiter {
    /// A full bucket; `None` where nothing is limited.
    pub(super) fn new(limit: RateLimit) -> Option<Self> {
        let (interval, burst) = limit.bucket()?;
        let burst = f64::from(burst);
        let bucket = Bucket {
            tokens: burst,
            at: Instant::now(),
        };
        Some(Self {
            interval,
            burst,
            bucket: Mutex::new(bucket),
        })
    }

    /// Takes a token for a request; whether there was one.
    pub(super) fn allows(&self) -> bool {
        let mut bucket = lock(&self.bucket);
        let now = Instant::now();
        let more = (now - bucket.at).div_duration_f64(self.interval);
        let tokens = (bucket.tokens + more).min(self.burst);
        let is_allowed = tokens >= 1.0;
        *bucket = Bucket {
            tokens: if is_allowed { tokens - 1.0 } else { tokens },
            at: now,
        };
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_gos_notation() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1_000_000_000),
            ("+1s", 1_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1h2m3s4ms", 3_723_004_000_000),
            ("100\u{b5}s", 100_000),
            ("100\u{3bc}s", 100_000),
            ("7us8ns", 7_008),
            ("1000000", 1_000_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_nanos(nanoseconds)),
                "{text}"
            );
        }
        for text in [
            "", "s", "1d", "-1s", "-1", "1 s", "1s ", "yes", "inf", "nan", "1e300h", "1..s", "+",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_then_one_request_each_interval() {
        let limit = RateLimit {
            interval: Some(Duration::from_secs(10)),
            burst: Some(3),
        };
        let limiter = Limiter::new(limit).unwrap();
        let answered = |asked: u32| (0..asked).filter(|_| limiter.allows()).count();
        assert_eq!(answered(10), 3);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(answered(1), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(answered(2), 1);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(answered(10), 3);
    }
}
