//! Which endpoints of Desk are polled, and when.

use std::sync::Arc;
use std::time::Duration;

use super::labels;
use super::list::List;
use super::reader::Reader;
use super::settings::{self, MAX_STALENESS};
use crate::base::{duration, spelling};
use crate::catalog::{ENDPOINTS, Endpoint, Need};
use crate::exposition::labels::Labels;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Settings of the polls.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Which endpoints are polled: the one that `tencent_desk_up` is about first.
    pub endpoints: Vec<&'static Endpoint>,
    /// From the start of one poll of today's figures to the start of the next.
    pub poll_interval: Duration,
    /// The same for the figures of now.
    pub realtime_interval: Duration,
    /// The same for agents' groups and limits.
    pub directory_interval: Duration,
    /// How agents and their statuses are named.
    pub labels: Arc<Labels>,
    /// The limit of one request, until its answer is complete.
    pub request_timeout: Duration,
    /// The most requests in any second.
    pub requests_per_second: usize,
    /// How long the last good poll of today's figures is served while newer ones fail.
    pub max_staleness: Duration,
}

impl Polling {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let interval = |text: &str| parse_duration(text, SECOND, DAY);
        let timeout = |text: &str| parse_duration(text, SECOND / 10, 300 * SECOND);
        let poll_interval = reader.read(settings::POLL_INTERVAL, interval);
        Self {
            endpoints: reader.read(settings::ENDPOINTS, parse_endpoints),
            poll_interval,
            realtime_interval: reader.read(settings::REALTIME_INTERVAL, interval),
            directory_interval: reader.read(settings::DIRECTORY_INTERVAL, interval),
            labels: Arc::new(labels::read(reader)),
            request_timeout: reader.read(settings::REQUEST_TIMEOUT, timeout),
            requests_per_second: reader.read(settings::REQUESTS_PER_SECOND, parse_rate),
            max_staleness: max_staleness(reader, poll_interval),
        }
    }
}

/// `MAX_STALENESS`, or three intervals, so that one failed poll takes nothing away, and at least 5 minutes.
fn max_staleness(reader: &mut Reader, interval: Duration) -> Duration {
    let set = reader.read_if_set(MAX_STALENESS, |text| parse_duration(text, interval, DAY));
    let staleness = set.unwrap_or_else(|| (3 * interval).max(300 * SECOND));
    if staleness < 2 * interval {
        reader.warning(
            MAX_STALENESS,
            "is less than two intervals: one poll that fails or takes long takes the figures away",
        );
    }
    staleness
}

fn parse_duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|parsed| (least..=most).contains(parsed))
        .ok_or_else(|| {
            let (least, most) = (duration::format(least), duration::format(most));
            format!("is no duration from {least} to {most}; write it as 90s, 5m or 1h30m")
        })
}

fn parse_rate(text: &str) -> Result<usize, String> {
    let rate = text.parse().ok().filter(|rate| (1..=1000).contains(rate));
    rate.ok_or_else(|| "is no whole number from 1 to 1000; write 10, say".to_owned())
}

/// The endpoints named in `text`, each once; `all` is all of them. In the order of the page, or of `text` where
/// the one that the exporter is for is not among them.
pub(super) fn parse_endpoints(text: &str) -> Result<Vec<&'static Endpoint>, String> {
    const LIST: List = List {
        item: "name",
        example: "describe_agent_statistics,get_member_list",
        none: "all",
    };
    if text.contains("://") {
        return Err("is a base URL, which belongs in TENCENT_DESK_ENDPOINT; write names of endpoints with commas between them, or all".to_owned());
    }
    let names: Vec<_> = ENDPOINTS.iter().map(|known| known.name()).collect();
    let named = LIST.parse_distinct(text, |name| {
        let known = names.iter().find(|known| **known == name);
        known.copied().ok_or_else(|| {
            format!(
                "is no endpoint; the nearest is {}; write some of {}, or all",
                spelling::nearest(name, names.iter().copied()).unwrap_or_default(),
                names.join(", ")
            )
        })
    })?;
    let by_name = |name: &&str| ENDPOINTS.iter().find(|known| known.name() == *name);
    let endpoints: Vec<_> = named.iter().filter_map(by_name).copied().collect();
    let has_required = endpoints
        .iter()
        .any(|endpoint| endpoint.need == Need::Required);
    let is_named = |known: &&Endpoint| named.is_empty() || named.contains(&known.name());
    Ok(match has_required || named.is_empty() {
        true => ENDPOINTS.iter().copied().filter(is_named).collect(),
        false => endpoints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_named_once_and_in_order() {
        let names = |text| -> Vec<_> {
            let endpoints = parse_endpoints(text).unwrap();
            endpoints.iter().map(|endpoint| endpoint.name()).collect()
        };
        let all: Vec<_> = ENDPOINTS.iter().map(|endpoint| endpoint.name()).collect();
        assert_eq!(names("all"), all);
        assert_eq!(
            names("get_member_list, describe_agent_statistics,get_member_list,"),
            ["describe_agent_statistics", "get_member_list"]
        );
        // The first of them is the one that tencent_desk_up is about.
        assert_eq!(
            names("get_member_list,describe_session_statistics,get_member_list"),
            ["get_member_list", "describe_session_statistics"]
        );
    }

    #[test]
    fn an_unknown_endpoint_is_told_with_the_nearest_and_all() {
        for (text, nearest) in [
            ("describe_agent_statistic", "describe_agent_statistics"),
            ("GET_MEMBER_LIST", "get_member_list"),
            ("get_member_list,get_group_list", "get_member_group_list"),
            ("all,get_member_list", "describe"),
            ("describe_session_statistics get_member_list", "describe"),
        ] {
            let why = parse_endpoints(text).unwrap_err();
            assert!(why.contains(&format!("the nearest is {nearest}")), "{why}");
            for name in ENDPOINTS {
                assert!(why.contains(name.name()), "{why}");
            }
        }
        for text in [",", "get_member_list;get_member_group_list", "'x'"] {
            assert!(parse_endpoints(text).is_err(), "{text}");
        }
        let swapped = parse_endpoints("https://desk.example").unwrap_err();
        assert!(swapped.contains("TENCENT_DESK_ENDPOINT;"), "{swapped}");
    }
}
