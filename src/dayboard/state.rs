//! How things stand, in words: what is wrong and what to do, and how old each endpoint's figures are.
//!
//! It is told of the moment of the answer, while what the polls brought is rendered once.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::said;
use super::words::{Words, filled};
use crate::base::clock::Now;
use crate::catalog::{agents, directory, members, reception, sessions};
use crate::desk::{Class, Error};
use crate::status::board::{Feed, PollOutcome};

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
        Standing::Up => {
            let explanation = match feed.missing_rows() {
                0 => words.up_more.to_owned(),
                missing => filled(words.up_less_rows, &[&missing.to_string()]),
            };
            return (Tone::Good, words.up, explanation);
        }
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
    let told = |(error, of): (&Error, Vec<&str>)| Failure {
        of: match of.len() == feeds.len() {
            true => String::new(),
            false => of.join(", "),
        },
        error: filled(
            words.fails_with,
            &[&error.to_string(), error.class().as_str()],
        ),
        advice: filled(words.what_to_do, &[advice(error, words)]),
        more: (error.advice() != error.class().advice()).then(|| error.advice()),
    };
    failures.into_iter().map(told).collect()
}

fn advice(error: &Error, words: &'static Words) -> &'static str {
    match error.class() {
        Class::Network => words.do_network,
        Class::Server => words.do_server,
        Class::RateLimited => words.do_rate_limited,
        Class::Credentials => words.do_credentials,
        Class::Configuration => words.do_configuration,
        Class::Protocol => words.do_protocol,
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
