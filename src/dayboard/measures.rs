//! What is told of an agent's day, as of the team's: what each figure is called and counted in, and which limits judge it.

use super::figures::{Day, Mean, Source};
use super::limits::{self, Limit};
use super::said::{Unit, counted};
use super::words::Words;

/// A figure of the day.
pub(super) struct Measure {
    pub(super) title: fn(&Words) -> &'static str,
    pub(super) unit: Unit,
    of: fn(&Day) -> Mean,
    /// What is counted that it is over.
    over: fn(&Words) -> &'static str,
    of_agent: Option<Limit>,
    of_team: Option<Limit>,
}

pub(super) static FIRST_RESPONSE: Measure = Measure {
    title: |words| words.first_response,
    unit: Unit::Seconds,
    of: |day| day.first_response,
    over: |words| words.over_sessions,
    of_agent: Some(limits::AGENT_FIRST_RESPONSE),
    of_team: Some(limits::TEAM_FIRST_RESPONSE),
};

pub(super) static RESPONSE: Measure = Measure {
    title: |words| words.response,
    unit: Unit::Seconds,
    of: |day| day.response,
    over: |words| words.over_sessions,
    of_agent: Some(limits::AGENT_RESPONSE),
    of_team: Some(limits::TEAM_RESPONSE),
};

pub(super) static WITHIN_30S: Measure = Measure {
    title: |words| words.within_30s,
    unit: Unit::Share,
    of: |day| day.within_30s,
    over: |words| words.over_sessions,
    of_agent: None,
    of_team: Some(limits::TEAM_WITHIN_30S),
};

pub(super) static UNANSWERED: Measure = Measure {
    title: |words| words.unanswered,
    unit: Unit::Share,
    of: |day| day.unanswered,
    over: |words| words.over_sessions,
    of_agent: Some(limits::AGENT_UNANSWERED),
    of_team: Some(limits::TEAM_UNANSWERED),
};

pub(super) static SATISFIED: Measure = Measure {
    title: |words| words.satisfied,
    unit: Unit::Share,
    of: |day| day.satisfied,
    over: |words| words.over_ratings,
    of_agent: Some(limits::SATISFIED),
    of_team: Some(limits::SATISFIED),
};

static SESSION: Measure = Measure {
    title: |words| words.session_duration,
    unit: Unit::Seconds,
    of: |day| day.session,
    over: |words| words.over_sessions,
    of_agent: None,
    of_team: None,
};

/// All of them, in the order of the page.
pub(super) static ALL: [&Measure; 6] = [
    &FIRST_RESPONSE,
    &RESPONSE,
    &WITHIN_30S,
    &UNANSWERED,
    &SATISFIED,
    &SESSION,
];

impl Measure {
    /// Whether it is among the figures of `source`: shares are in agent statistics alone.
    pub(super) fn is_in(&self, source: Option<Source>) -> bool {
        self.unit != Unit::Share || source == Some(Source::Statistics)
    }

    /// Its value, where it is known and can be one.
    pub(super) fn value(&self, day: &Day) -> Option<f64> {
        let can_be = |value: &f64| self.unit != Unit::Share || (0.0..=1.0).contains(value);
        (self.of)(day).value().filter(can_be)
    }

    /// How many sessions it is over; unknown in realtime figures, which count none but all.
    fn count(&self, day: &Day) -> Option<f64> {
        let over = (self.of)(day).over;
        over.filter(|_| day.source == Some(Source::Statistics))
    }

    /// What it is over, in words.
    pub(super) fn over(&self, day: &Day, words: &Words) -> String {
        let text = (self.over)(words);
        let count = self.count(day);
        count.map_or_else(String::new, |count| counted(text, count))
    }

    fn is_beyond(&self, day: &Day, limit: Option<Limit>) -> bool {
        limit.is_some_and(|limit| limit.is_beyond(self.value(day), self.count(day)))
    }

    /// Whether it is beyond the limit for an agent.
    pub(super) fn is_beyond_for_agent(&self, day: &Day) -> bool {
        self.is_beyond(day, self.of_agent)
    }

    /// Whether it is beyond the limit for the team.
    pub(super) fn is_beyond_for_team(&self, day: &Day) -> bool {
        self.is_beyond(day, self.of_team)
    }
}

/// How many figures of an agent's `day` are beyond their limits.
pub(super) fn exceptions(day: &Day) -> usize {
    let is_beyond = |measure: &&&Measure| measure.is_beyond_for_agent(day);
    ALL.iter().filter(is_beyond).count()
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figures, realtime, statistics};
    use super::*;

    #[test]
    fn no_limit_judges_what_counts_no_sessions() {
        let day = r#""TotalSessionCnt":30,"NotRespSessionCnt":0,"AvgFirstRespTime":600"#;
        let statistics = statistics(&format!(r#"{{"AgentId":"a",{day}}}"#));
        let realtime = realtime(&format!(r#"{{"MemberId":"a",{day}}}"#));
        for (page, is_judged) in [(statistics, true), (realtime, false)] {
            let team = figures(&[page]).team;
            assert_eq!(FIRST_RESPONSE.value(&team), Some(600.0));
            assert_eq!(FIRST_RESPONSE.is_beyond_for_team(&team), is_judged);
            assert_eq!(exceptions(&team), usize::from(is_judged));
        }
    }

    #[test]
    fn a_part_that_is_more_than_its_whole_is_no_share() {
        let rows =
            r#"{"AgentId":"a","TotalSessionCnt":3,"SatisfactionSelectedCnt":2,"SatisfiedCnt":3}"#;
        let figures = figures(&[statistics(rows)]);
        assert_eq!(SATISFIED.value(&figures.team), None);
        assert_eq!(SATISFIED.value(&figures.agents[0].day), None);
    }
}
