//! How things stand, in words: what is wrong and what to do, and how old each endpoint's figures are.
//!
//! It is told of the moment of the answer, while what the polls brought is rendered once.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::said;
use super::words::{Words, filled};
use crate::base::clock::Now;
use crate::catalog::{Need, agents, directory, members, reception, sessions};
use crate::desk::{Class, Error, harmless};
use crate::status::board::{Feed, PollOutcome};

/// So many of the ids that were asked for in vain are named.
const IDS_NAMED: usize = 10;

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Wait,
    Bad,
}

impl Tone {
    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
        }
    }
}

/// What a person is told first.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tone: Tone,
    pub(super) headline: &'static str,
    pub(super) explanation: String,
    /// What is wrong, where something is: of the first endpoint, then of others that fail otherwise.
    pub(super) failures: Vec<Failure>,
    pub(super) feeds: Vec<FeedState>,
}

/// Why polls fail, and what to do.
#[derive(Debug)]
pub(super) struct Failure {
    /// Of whom, by the names of their endpoints; empty where all fail alike.
    pub(super) of: String,
    /// As the log has it.
    pub(super) error: String,
    pub(super) advice: String,
    /// More than the class of the failure advises, as the log has it.
    pub(super) more: Option<&'static str>,
}

/// How one endpoint stands.
#[derive(Debug)]
pub(super) struct FeedState {
    pub(super) tone: Tone,
    pub(super) name: &'static str,
    /// The age of its figures, or why there are none.
    pub(super) said: String,
    /// Why its figures will not be renewed, where they are still shown.
    pub(super) but: &'static str,
    /// When its figures were told, of day, where there are any.
    pub(super) time: String,
}

impl State {
    /// How `feeds` stand at `now`, first of all the first.
    pub(super) fn of(
        feeds: &[Arc<Feed>],
        now: Now,
        zone: &TimeZone,
        words: &'static Words,
    ) -> Self {
        let (tone, headline, explanation) = match feeds.first() {
            Some(first) => verdict(first, now, words),
            None => (Tone::Wait, words.starting, words.starting_more.to_owned()),
        };
        Self {
            tone,
            headline,
            explanation,
            failures: failures(feeds, words),
            feeds: feeds
                .iter()
                .map(|feed| feed_state(feed, now, zone, words))
                .collect(),
        }
    }
}

fn verdict(feed: &Feed, now: Now, words: &'static Words) -> (Tone, &'static str, String) {
    let (tone, headline, explanation) = match standing(feed, now) {
        Standing::Starting => (Tone::Wait, words.starting, words.starting_more),
        Standing::Hangs => (Tone::Bad, words.hangs, words.hangs_more),
        Standing::NewDay => (Tone::Wait, words.new_day, words.new_day_more),
        Standing::NotServed => (Tone::Wait, words.not_served, words.not_served_more),
        Standing::Up => return (Tone::Good, words.up, brought(feed, now, words)),
        Standing::Fails => {
            let meanwhile = match (feed.shown(now), &feed.last_good) {
                (Some(_), _) => words.shown_meanwhile,
                (None, Some(page)) if page.is_recent(now) => words.new_day,
                (None, Some(_)) => words.too_old,
                (None, None) => words.never_reached,
            };
            (Tone::Bad, words.fails, meanwhile)
        }
    };
    (tone, headline, explanation.to_owned())
}

/// What the last good poll brought. Without an agent it is never said to be whole.
fn brought(feed: &Feed, now: Now, words: &Words) -> String {
    let snapshot = feed.shown(now).map(|page| page.snapshot());
    let of_agents = snapshot.filter(|snapshot| snapshot.endpoint.need == Need::Required);
    let brought = match feed.missing_rows() {
        0 if of_agents.is_some_and(|snapshot| snapshot.count(0) == 0) => {
            words.up_without_agents.to_owned()
        }
        0 => words.up_more.to_owned(),
        missing => filled(words.up_less_rows, &[missing.to_string()]),
    };
    let in_vain = of_agents.map_or(&[][..], |snapshot| &snapshot.unmatched_ids);
    if in_vain.is_empty() {
        return brought;
    }
    let named: Vec<_> = in_vain
        .iter()
        .take(IDS_NAMED)
        .map(|id| harmless(id))
        .collect();
    let more = if in_vain.len() > IDS_NAMED {
        ", …"
    } else {
        ""
    };
    let values = [in_vain.len().to_string(), named.join(", ") + more];
    let without_row = filled(words.ids_without_row, &values);
    format!("{brought} {without_row}")
}

/// How the last poll of a feed went, and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Starting,
    Up,
    Hangs,
    NewDay,
    NotServed,
    Fails,
}

fn standing(feed: &Feed, now: Now) -> Standing {
    match feed.last_poll.as_ref().map(|poll| &poll.outcome) {
        None => Standing::Starting,
        Some(PollOutcome::Good) if !feed.is_up(now) => Standing::Hangs,
        Some(PollOutcome::Good) if feed.shown(now).is_none() => Standing::NewDay,
        Some(PollOutcome::Good) => Standing::Up,
        Some(PollOutcome::NotServed) => Standing::NotServed,
        Some(PollOutcome::Failed(_)) => Standing::Fails,
    }
}

/// Each failure once, with all whom it befalls.
fn failures(feeds: &[Arc<Feed>], words: &'static Words) -> Vec<Failure> {
    let mut failures: Vec<(&Error, Vec<&str>)> = Vec::new();
    for feed in feeds {
        let Some(error) = feed.failure() else {
            continue;
        };
        // That no request is sent since another one was refused is no reason of its own.
        let same = failures.iter_mut().find(|(known, _)| {
            known.to_string() == error.to_string()
                || (error.is_unsent() && known.class() == error.class())
        });
        match same {
            Some((_, of)) => of.push(name(feed, words)),
            None => failures.push((error, vec![name(feed, words)])),
        }
    }
    let told = |(error, of): (&Error, Vec<&str>)| {
        let (advice, more) = advice(error, words);
        Failure {
            of: match of.len() == feeds.len() {
                true => String::new(),
                false => of.join(", "),
            },
            error: filled(
                words.fails_with,
                &[&error.to_string(), error.class().as_str()],
            ),
            advice: filled(words.what_to_do, &[advice]),
            more,
        }
    };
    failures.into_iter().map(told).collect()
}

/// What to do, and what the log says beyond that: it may know more than the class, in English.
fn advice(error: &Error, words: &'static Words) -> (&'static str, Option<&'static str>) {
    let of_class = match error.class() {
        Class::Network => words.do_network,
        Class::Server => words.do_server,
        Class::RateLimited => words.do_rate_limited,
        Class::Credentials => words.do_credentials,
        Class::Configuration => words.do_configuration,
        Class::Protocol => words.do_protocol,
    };
    let (told, usual) = (error.advice(), error.class().advice());
    match of_class == usual {
        true => (told, None),
        false => (of_class, (told != usual).then_some(told)),
    }
}

fn feed_state(feed: &Feed, now: Now, zone: &TimeZone, words: &'static Words) -> FeedState {
    let standing = standing(feed, now);
    let (tone, reason) = match standing {
        Standing::Up => (Tone::Good, ""),
        Standing::Starting => (Tone::Wait, words.feed_starting),
        Standing::NewDay => (Tone::Wait, words.feed_new_day),
        Standing::NotServed => (Tone::Wait, words.feed_not_served),
        Standing::Hangs => (Tone::Bad, words.feed_hangs),
        Standing::Fails => (Tone::Bad, words.feed_fails),
    };
    let name = name(feed, words);
    match feed.shown(now) {
        Some(page) => FeedState {
            tone,
            name,
            said: said::ago(now.since(page.ended), words),
            but: reason,
            time: page
                .ended
                .wall
                .to_zoned(zone.clone())
                .strftime("%H:%M:%S")
                .to_string(),
        },
        None => FeedState {
            tone,
            name,
            said: reason.to_owned(),
            but: "",
            time: String::new(),
        },
    }
}

fn name(feed: &Feed, words: &'static Words) -> &'static str {
    let names = [
        (agents::ENDPOINT.name(), words.agent_statistics),
        (reception::ENDPOINT.name(), words.reception),
        (members::ENDPOINT.name(), words.realtime),
        (sessions::ENDPOINT.name(), words.by_hour),
        (directory::MEMBERS.name(), words.members),
        (directory::GROUPS.name(), words.groups),
    ];
    let endpoint = feed.endpoint.name();
    let name = names.into_iter().find(|(known, _)| *known == endpoint);
    name.map_or(endpoint, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::words::Language;
    use super::*;
    use crate::base::clock::{Clock as _, SystemClock};
    use crate::exposition::page::Page;
    use crate::status::board::LastPoll;
    use std::time::Duration;

    fn noon() -> Now {
        Now {
            wall: "2026-01-01T12:00:00Z".parse().unwrap(),
            mono: SystemClock.now().mono,
        }
    }

    fn later(seconds: i64) -> Now {
        Now {
            wall: noon().wall + jiff::SignedDuration::from_secs(seconds),
            ..noon()
        }
    }

    /// After a poll that ended at noon, or as long before it as `good` says, where there was a good one.
    fn feed(good: Option<i64>, outcome: PollOutcome) -> Feed {
        let poll = LastPoll {
            ended: noon().wall,
            took: Duration::ZERO,
            outcome,
        };
        Feed {
            last_good: good.map(|before| Arc::new(Page::sample(1, later(-before), 0))),
            last_poll: Some(poll),
            ..unpolled()
        }
    }

    fn unpolled() -> Feed {
        Feed::new(&agents::ENDPOINT, Duration::from_secs(60))
    }

    fn failed(class: Class, what: &str) -> PollOutcome {
        PollOutcome::Failed(Error::new(class, what))
    }

    fn state(feeds: Vec<Feed>, now: Now, language: Language) -> State {
        let feeds: Vec<_> = feeds.into_iter().map(Arc::new).collect();
        State::of(&feeds, now, &TimeZone::UTC, language.words())
    }

    #[test]
    fn each_situation_is_told_in_words() {
        let network = || failed(Class::Network, "no <answer>");
        for (feed, now, tone, told) in [
            (
                unpolled(),
                noon(),
                Tone::Wait,
                "The first poll of Desk is under way.",
            ),
            (
                feed(Some(0), PollOutcome::Good),
                later(9),
                Tone::Good,
                "Desk answers.",
            ),
            (
                feed(Some(0), PollOutcome::Good),
                later(3600),
                Tone::Bad,
                "A poll of Desk finds no end.",
            ),
            (
                feed(Some(0), PollOutcome::Good),
                later(-86_400),
                Tone::Wait,
                "Desk's day has ended.",
            ),
            (
                feed(None, PollOutcome::NotServed),
                noon(),
                Tone::Wait,
                "Desk does not serve this here.",
            ),
            (
                feed(None, network()),
                noon(),
                Tone::Bad,
                "No figures have come yet.",
            ),
            (
                feed(Some(60), network()),
                noon(),
                Tone::Bad,
                "The figures from before are shown meanwhile.",
            ),
            (
                feed(Some(900), network()),
                noon(),
                Tone::Bad,
                "The figures from before are too old to be shown.",
            ),
            (
                feed(Some(0), network()),
                later(-86_400),
                Tone::Bad,
                "Desk's day has ended.",
            ),
        ] {
            let english = state(vec![feed.clone()], now, Language::English);
            let said = format!("{} {}", english.headline, english.explanation);
            assert!(said.contains(told), "{said}");
            assert_eq!(english.tone, tone, "{said}");
            let chinese = state(vec![feed], now, Language::Chinese);
            assert_ne!(chinese.headline, english.headline);
            assert_ne!(chinese.explanation, english.explanation);
        }
    }

    #[test]
    fn what_befalls_several_endpoints_is_told_once() {
        let of = |endpoint, outcome| Feed {
            endpoint,
            ..feed(None, outcome)
        };
        let refused = || failed(Class::RateLimited, "Desk refuses");
        let paused = || PollOutcome::Failed(Error::paused(Duration::from_secs(7)));
        let all = vec![
            of(&agents::ENDPOINT, refused()),
            of(&reception::ENDPOINT, paused()),
        ];
        let [failure] = &state(all, noon(), Language::English).failures[..] else {
            panic!("one reason");
        };
        assert_eq!(
            (&*failure.of, &*failure.error),
            ("", "Why: Desk refuses (rate_limited).")
        );
        assert!(failure.advice.starts_with("What to do: ask less often"));
        let two = vec![
            of(&agents::ENDPOINT, PollOutcome::Good),
            of(&reception::ENDPOINT, failed(Class::Server, "a")),
            of(&members::ENDPOINT, failed(Class::Network, "b")),
        ];
        let failures = state(two, noon(), Language::English).failures;
        let of: Vec<_> = failures.iter().map(|failure| failure.of.as_str()).collect();
        assert_eq!(of, ["Queue", "Agents now"]);
    }

    #[test]
    fn advice_that_says_more_than_the_class_is_told_as_the_log_has_it() {
        let error = Error::new(Class::Network, "no").with_advice("see the proxy");
        let feed = feed(None, PollOutcome::Failed(error));
        let chinese = &state(vec![feed.clone()], noon(), Language::Chinese).failures[0];
        assert!(chinese.advice.contains("端口"));
        assert_eq!(chinese.more, Some("see the proxy"));
        let english = &state(vec![feed], noon(), Language::English).failures[0];
        assert_eq!(
            (&*english.advice, english.more),
            ("What to do: see the proxy.", None)
        );
    }

    #[test]
    fn the_age_of_figures_is_that_of_the_answer() {
        let good = || feed(Some(0), PollOutcome::Good);
        for (seconds, said) in [(0, "0 s ago"), (61, "1 min 01 s ago")] {
            let state = state(vec![good()], later(seconds), Language::English);
            assert_eq!(
                (&*state.feeds[0].said, &*state.feeds[0].time),
                (said, "12:00:00")
            );
        }
    }
}
