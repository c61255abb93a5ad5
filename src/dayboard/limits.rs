//! The limits that the alerts judge by, and this page colours by.
//!
//! The numbers are those of `deploy/prometheus/alerts.yml` as it is delivered, which a test compares. A ratio
//! of sessions has to be worse by more than chance makes it at that count, as in the alerts.

/// How far beyond its limit a ratio has to be: so many standard deviations of one that is just at the limit,
/// which one look in twenty exceeds.
const SIGMAS: f64 = 1.64;

/// What is an exception.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    value: f64,
    worse: Worse,
    /// With fewer sessions nothing is said.
    minimum: f64,
}

#[derive(Debug, Clone, Copy)]
enum Worse {
    Above,
    RatioAbove,
    RatioBelow,
}

/// Sessions of the team, of an agent, and rated ones, below which nothing is judged.
const TEAM: f64 = 20.0;
const AGENT: f64 = 10.0;
const RATED: f64 = 20.0;
/// What is judged whatever it is over.
const ANY: f64 = 0.0;

use Worse::{Above, RatioAbove, RatioBelow};

pub(super) const TEAM_FIRST_RESPONSE: Limit = limit(30.0, Above, TEAM);
pub(super) const TEAM_RESPONSE: Limit = limit(45.0, Above, TEAM);
pub(super) const TEAM_WITHIN_30S: Limit = limit(0.8, RatioBelow, TEAM);
pub(super) const TEAM_UNANSWERED: Limit = limit(0.1, RatioAbove, TEAM);
pub(super) const SATISFIED: Limit = limit(0.8, RatioBelow, RATED);
pub(super) const AGENT_FIRST_RESPONSE: Limit = limit(60.0, Above, AGENT);
pub(super) const AGENT_RESPONSE: Limit = limit(90.0, Above, AGENT);
pub(super) const AGENT_UNANSWERED: Limit = limit(0.1, RatioAbove, AGENT);
pub(super) const QUEUE: Limit = limit(10.0, Above, ANY);
pub(super) const GROUP_QUEUE: Limit = limit(5.0, Above, ANY);
pub(super) const QUEUE_SECONDS: Limit = limit(60.0, Above, TEAM);
pub(super) const ACCEPTED: Limit = limit(0.8, RatioBelow, TEAM);
pub(super) const CAPACITY: Limit = limit(0.9, Above, ANY);

const fn limit(value: f64, worse: Worse, minimum: f64) -> Limit {
    Limit {
        value,
        worse,
        minimum,
    }
}

impl Limit {
    /// Whether `figure`, which is over `count` sessions, is beyond it. Where either is unknown it is not.
    pub(super) fn is_beyond(self, figure: Option<f64>, count: Option<f64>) -> bool {
        let any = (self.minimum == ANY).then_some(ANY);
        let (Some(figure), Some(count)) = (figure, count.or(any)) else {
            return false;
        };
        let chance = || SIGMAS * (self.value * (1.0 - self.value) / count).sqrt();
        let is_worse = match self.worse {
            Above => figure > self.value,
            RatioAbove => figure > self.value + chance(),
            RatioBelow => figure < self.value - chance(),
        };
        is_worse && count >= self.minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By their names in the alerts.
    const ALL: [(Limit, &str, &str); 13] = [
        (
            TEAM_FIRST_RESPONSE,
            "team_first_response_seconds",
            "team_sessions",
        ),
        (TEAM_RESPONSE, "team_response_seconds", "team_sessions"),
        (
            TEAM_WITHIN_30S,
            "first_response_under_30s_sessions_ratio",
            "team_sessions",
        ),
        (
            TEAM_UNANSWERED,
            "unanswered_sessions_ratio",
            "team_sessions",
        ),
        (SATISFIED, "satisfied_sessions_ratio", "rated_sessions"),
        (
            AGENT_FIRST_RESPONSE,
            "agent_first_response_seconds",
            "agent_sessions",
        ),
        (AGENT_RESPONSE, "agent_response_seconds", "agent_sessions"),
        (
            AGENT_UNANSWERED,
            "unanswered_sessions_ratio",
            "agent_sessions",
        ),
        (QUEUE, "queued_sessions", ""),
        (GROUP_QUEUE, "group_queued_users", ""),
        (QUEUE_SECONDS, "average_queue_seconds", "team_sessions"),
        (ACCEPTED, "accepted_sessions_ratio", "team_sessions"),
        (CAPACITY, "capacity_ratio", ""),
    ];

    /// What the file of alerts records under this name.
    fn recorded(name: &str) -> f64 {
        const ALERTS: &str = include_str!("../../deploy/prometheus/alerts.yml");
        let record = format!("record: tencent_desk:{name}\n");
        let (_, behind) = ALERTS.split_once(&record).expect(&record);
        let number: String = behind
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        number.parse().unwrap()
    }

    #[test]
    fn they_are_those_of_the_alerts() {
        for (limit, name, minimum) in ALL {
            let alert = recorded(&format!("{name}:threshold"));
            assert!((alert - limit.value).abs() < 1e-9, "{name}");
            let alert = match minimum {
                "" => ANY,
                minimum => recorded(&format!("{minimum}:minimum")),
            };
            assert!((alert - limit.minimum).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn little_is_not_judged_and_a_ratio_by_no_more_than_chance_is_not_either() {
        assert!(TEAM_FIRST_RESPONSE.is_beyond(Some(31.0), Some(20.0)));
        assert!(!TEAM_FIRST_RESPONSE.is_beyond(Some(30.0), Some(20.0)));
        assert!(!TEAM_FIRST_RESPONSE.is_beyond(Some(300.0), Some(19.0)));
        assert!(!TEAM_FIRST_RESPONSE.is_beyond(Some(300.0), None));
        assert!(!TEAM_FIRST_RESPONSE.is_beyond(None, Some(20.0)));
        assert!(QUEUE.is_beyond(Some(11.0), None));
        // 0.8 less 1.64 times 0.04 is 0.7344.
        assert!(!TEAM_WITHIN_30S.is_beyond(Some(0.74), Some(100.0)));
        assert!(TEAM_WITHIN_30S.is_beyond(Some(0.73), Some(100.0)));
        // 0.1 and 1.64 times 0.03 are 0.1492.
        assert!(!TEAM_UNANSWERED.is_beyond(Some(0.149), Some(100.0)));
        assert!(TEAM_UNANSWERED.is_beyond(Some(0.15), Some(100.0)));
    }
}
