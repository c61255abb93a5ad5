//! The page for a person: how things stand, in words, and where to go from here.
//!
//! `board.html` is the page with names in braces; here is what stands for them. All of it is
//! escaped, since failures quote what came from outside. Its links are relative, so that they hold
//! behind a reverse proxy that serves it as `/desk/`, say; as `/desk` they would not, which is why
//! proxies send one on to the other.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::clock::Now;
use crate::base::duration;
use crate::base::version;
use crate::status::board::{Feed, PollOutcome};

const TEMPLATE: &str = include_str!("board.html");

/// The page, as things stand at `now`: in detail of the first of `feeds`, and in a word of all others.
pub(crate) fn page(feeds: &[Arc<Feed>], now: Now, telemetry_path: &str) -> String {
    let Some((first, others)) = feeds.split_first() else {
        return String::new();
    };
    let verdict = Verdict::of(first, now);
    let shown = first.shown(now);
    let poll = first.last_poll.as_ref();
    let values = [
        ("word", verdict.word.to_owned()),
        ("color", verdict.color.to_owned()),
        ("version", version::VERSION.to_owned()),
        ("headline", verdict.headline.to_owned()),
        ("explanation", verdict.explanation),
        (
            "agents",
            shown.map_or_else(no_agents, |page| page.snapshot().count(0).to_string()),
        ),
        ("as_of", moment(shown.map(|page| page.ended.wall), now)),
        ("last_poll", moment(poll.map(|poll| poll.ended), now)),
        ("next_poll", moment(poll.map(|poll| poll.next), now)),
        ("others", in_words(others, now)),
        ("metrics", telemetry_path.to_owned()),
        ("repository", env!("CARGO_PKG_REPOSITORY").to_owned()),
    ];
    filled(TEMPLATE, &values)
}

/// How each further endpoint stands.
fn in_words(feeds: &[Arc<Feed>], now: Now) -> String {
    let one = |feed: &Arc<Feed>| {
        let word = match feed.last_poll.as_ref().map(|poll| &poll.outcome) {
            None => "first poll under way",
            Some(PollOutcome::NotServed) => "not served here",
            Some(PollOutcome::Failed(_)) => "polls fail",
            Some(PollOutcome::Good) if !feed.is_up(now) => "poll hangs",
            Some(PollOutcome::Good) => "up",
        };
        format!("{}: {word}", feed.endpoint.name())
    };
    match feeds {
        [] => "none is polled".to_owned(),
        feeds => feeds.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// How the last poll went, for a person.
struct Verdict {
    word: &'static str,
    color: &'static str,
    headline: &'static str,
    explanation: String,
}

impl Verdict {
    fn of(feed: &Feed, now: Now) -> Self {
        match feed.last_poll.as_ref().map(|poll| &poll.outcome) {
            None => Self {
                word: "starting",
                color: "wait",
                headline: "The first poll of Desk is under way.",
                explanation: "This page shows more as soon as it has ended.".to_owned(),
            },
            Some(PollOutcome::Good) if !feed.is_up(now) => Self {
                word: "poll hangs",
                color: "bad",
                headline: "A poll of Desk finds no end.",
                explanation: "The one before it succeeded, but is too old to be shown.".to_owned(),
            },
            Some(PollOutcome::Good) if feed.shown(now).is_none() => Self {
                word: "new day",
                color: "wait",
                headline: "Desk's day has ended.",
                explanation: "The first poll of the new one is under way.".to_owned(),
            },
            Some(PollOutcome::Good) => Self {
                word: "up",
                color: "good",
                headline: "Desk answers.",
                explanation: match feed.missing_rows() {
                    0 => "The last poll brought today's figures, whole.".to_owned(),
                    missing => format!(
                        "The last poll brought today's figures, less {missing} rows that Desk counted and did not give."
                    ),
                },
            },
            Some(PollOutcome::NotServed) => Self {
                word: "not served",
                color: "wait",
                headline: "Desk does not serve this here.",
                explanation: "It is asked again each hour.".to_owned(),
            },
            Some(PollOutcome::Failed(error)) => Self {
                word: "polls fail",
                color: "bad",
                headline: "Polls of Desk fail.",
                explanation: format!(
                    "{error} ({}). What to do: {}.",
                    error.class(),
                    error.advice()
                ),
            },
        }
    }
}

fn no_agents() -> String {
    "none: there is no good poll of today that is recent enough".to_owned()
}

/// An instant, and how far it is from `now`.
fn moment(instant: Option<Timestamp>, now: Now) -> String {
    let Some(instant) = instant else {
        return "none yet".to_owned();
    };
    let distance = instant.duration_since(now.wall);
    let span = duration::format(Duration::from_secs(distance.unsigned_abs().as_secs()));
    match distance.is_positive() {
        true => format!("in {span} ({instant:.0})"),
        false => format!("{span} ago ({instant:.0})"),
    }
}

/// `template` with each name in braces replaced, in one pass: what stands for a name is not looked
/// at again.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len() + 1024);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        page.push_str(before);
        let known = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match known {
            Some((value, behind)) => {
                page.push_str(&escaped(value));
                rest = behind;
            }
            // A brace of the style sheet.
            None => {
                page.push('{');
                rest = after;
            }
        }
    }
    page + rest
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, SystemClock};
    use crate::catalog::agents::ENDPOINT;
    use crate::desk::{Class, Error};
    use crate::exposition::page::Page;
    use crate::status::board::LastPoll;

    /// A good poll at noon, or one that failed.
    fn after(failure: Option<Error>) -> Feed {
        let ended = noon();
        let page = Page::sample(0, ended, 0);
        let poll = LastPoll {
            ended: ended.wall,
            took: Duration::ZERO,
            next: ended.wall,
            outcome: failure.map_or(PollOutcome::Good, PollOutcome::Failed),
        };
        Feed {
            last_good: (poll.outcome == PollOutcome::Good).then(|| Arc::new(page)),
            last_poll: Some(poll),
            ..unpolled()
        }
    }

    fn unpolled() -> Feed {
        Feed::new(&ENDPOINT, Duration::from_secs(60))
    }

    fn noon() -> Now {
        Now {
            wall: "2026-01-01T12:00:00Z".parse().unwrap(),
            mono: SystemClock.now().mono,
        }
    }

    #[test]
    fn each_state_is_told_in_words_and_no_name_is_left() {
        let later = |hours: i64| Now {
            wall: noon().wall + jiff::SignedDuration::from_hours(hours),
            ..noon()
        };
        let failed = after(Some(Error::new(Class::Network, "no <answer> {word}")));
        for (feed, now, told) in [
            (unpolled(), noon(), "The first poll"),
            (after(None), noon(), "Desk answers."),
            (after(None), later(1), "A poll of Desk finds no end."),
            (after(None), later(-24), "Desk's day has ended."),
            (
                failed,
                noon(),
                "no &lt;answer&gt; {word} (network). What to do: ",
            ),
        ] {
            let page = page(&[Arc::new(feed)], now, "/metrics");
            assert!(page.contains(told), "{page}");
            assert!(
                !page.contains("{headline}") && !page.contains("{color}"),
                "{page}"
            );
        }
    }

    #[test]
    fn every_link_within_is_relative() {
        for path in ["/metrics", "/desk/now", "/a:b/c", "//x"] {
            let page = page(&[Arc::new(unpolled())], noon(), path);
            let links = page.split("href=\"").skip(1);
            let links = links.filter_map(|link| link.split_once('"'));
            let mut within: Vec<_> = links.map(|(link, _)| link).collect();
            within.retain(|link| !link.starts_with(env!("CARGO_PKG_REPOSITORY")));
            let metrics = format!(".{path}");
            assert_eq!(within, [&*metrics, "./-/healthy", "./-/ready"]);
        }
    }

    #[test]
    fn instants_are_told_by_their_distance() {
        let now = SystemClock.now();
        let at = |seconds: i64| Some(now.wall + jiff::SignedDuration::from_secs(seconds));
        assert!(moment(at(90), now).starts_with("in 1m30s ("));
        assert!(moment(at(-5), now).starts_with("5s ago ("));
        assert_eq!(moment(None, now), "none yet");
    }
}
