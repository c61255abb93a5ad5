//! The page as HTML: what the templates say of figures, in one language. They escape all that they are given.
//!
//! It has two parts, one behind the other: the top, which tells how things stand at the moment of the answer, and the
//! rest, which holds for as long as what the polls brought does.

use askama::Template;

use super::charts::{self, Chart};
use super::figures::{Figures, Hour, Now, Seats, SeatsOf, Source};
use super::limits;
use super::measures;
use super::query::Query;
use super::said::{self, Unit, counted};
use super::state::State;
use super::table::{Cell, Row, Table};
use super::words::{Language, Words, filled};
use crate::base::version;

/// The style sheet, which the policy of the page names by its hash.
pub(super) const STYLE: &str = include_str!("../../templates/page.css");

/// So many groups are listed by themselves.
const MOST_QUEUES: usize = 12;

/// The beginning of the document.
#[derive(Template)]
#[template(path = "top.html")]
pub(super) struct Top<'t> {
    language: &'static str,
    style: &'static str,
    words: &'static Words,
    date: String,
    links: Vec<Link>,
    state: &'t State,
}

struct Link {
    address: String,
    text: &'static str,
    /// Of what it leads to, where that is another one.
    language: Option<&'static str>,
}

impl<'t> Top<'t> {
    /// The top of what `query` asks for, in `language`; `date` is Desk's day, where that is known.
    pub(super) fn new(
        query: &Query,
        language: Language,
        date: Option<jiff::civil::Date>,
        state: &'t State,
    ) -> Self {
        let words = language.words();
        let others = Language::ALL.into_iter().filter(|other| *other != language);
        let languages = others.map(|other| Link {
            address: query.with(|query| query.language = Some(other)).link(),
            text: other.words().language,
            language: Some(other.html_tag()),
        });
        let renewal = Link {
            address: query
                .with(|query| query.stands_still = !query.stands_still)
                .link(),
            text: match query.stands_still {
                true => words.resume,
                false => words.pause,
            },
            language: None,
        };
        Self {
            language: language.html_tag(),
            style: STYLE,
            words,
            date: date.map_or_else(String::new, |date| said::date(date, words)),
            links: std::iter::once(renewal).chain(languages).collect(),
            state,
        }
    }
}

/// What of the page Desk serves here: what it does not is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Served {
    pub(super) now: bool,
    pub(super) hours: bool,
    pub(super) agents: bool,
}

/// The end of the document.
#[derive(Template)]
#[template(path = "rest.html")]
pub(super) struct Rest<'r> {
    words: &'static Words,
    served: Served,
    now: Vec<Fact>,
    queues: Vec<QueueRow>,
    /// What is said of the groups that are not listed.
    other_queues: String,
    hours: Option<HoursView>,
    team: Vec<Fact>,
    /// What the team's figures are, or why there are none.
    team_note: &'static str,
    table: Option<Table>,
    metrics: &'r str,
    version: &'static str,
}

impl<'r> Rest<'r> {
    /// What `figures` say to `query`, in `language`; the metrics are at the path `metrics`.
    pub(super) fn new(
        figures: &Figures,
        query: &Query,
        language: Language,
        served: Served,
        metrics: &'r str,
    ) -> Self {
        let words = language.words();
        let queues = queues(figures);
        Self {
            words,
            served,
            now: now(figures, words),
            other_queues: other_queues(figures, queues.len(), words),
            queues,
            hours: hours(figures, query, words),
            team: team(figures, words),
            team_note: match figures.team.source {
                Some(Source::Statistics) => words.of_statistics,
                Some(Source::Realtime) => words.of_realtime,
                None if figures.has_agents => words.nobody_yet,
                None => words.no_figures,
            },
            table: (!figures.agents.is_empty()).then(|| Table::of(figures, query, words)),
            metrics,
            version: version::VERSION,
        }
    }
}

/// A figure by itself.
#[derive(Default)]
struct Fact {
    title: &'static str,
    number: String,
    /// What it is of.
    of: String,
    is_beyond: bool,
    /// What makes it urgent.
    alarm: &'static str,
    more: String,
    /// The parts of a strip that draws it.
    strip: Vec<Part>,
}

/// A part of a strip, in hundredths of it.
struct Part {
    class: &'static str,
    x: String,
    width: String,
    /// What is said of it below the strip; empty where nothing is.
    text: String,
}

struct QueueRow {
    name: String,
    count: String,
    width: String,
    is_beyond: bool,
}

fn now(figures: &Figures, words: &'static Words) -> Vec<Fact> {
    let now = &figures.now;
    let facts = [
        now.queued.map(|queued| queue(queued, figures, words)),
        now.active.map(|active| Fact {
            title: words.active,
            number: said::count(active),
            of: counted(words.active_unit, active),
            ..Fact::default()
        }),
        now.online().map(|online| Fact {
            title: words.agents_online,
            number: said::count(online),
            strip: states(now, online, words),
            ..Fact::default()
        }),
        figures.seats.map(|of| seats(of, words)),
    ];
    facts.into_iter().flatten().collect()
}

fn queue(queued: f64, figures: &Figures, words: &'static Words) -> Fact {
    let is_unattended = figures.now.is_unattended();
    let groups = &figures.queues;
    let all_are_empty = !groups.is_empty() && groups.iter().all(|group| group.queued <= 0.0);
    Fact {
        title: words.queue,
        number: said::count(queued),
        of: counted(words.queue_unit, queued),
        is_beyond: limits::QUEUE.is_beyond(Some(queued), None) || is_unattended,
        alarm: if is_unattended { words.unattended } else { "" },
        more: match all_are_empty {
            true => counted(words.nobody_waits, groups.len() as f64),
            false => String::new(),
        },
        ..Fact::default()
    }
}

/// The agents who are online, by their states.
fn states(now: &Now, online: f64, words: &Words) -> Vec<Part> {
    let states = [
        ("free", words.free, now.free),
        ("busy", words.busy, now.busy),
        ("rest", words.rest, now.rest),
    ];
    let mut x = 0.0;
    let part = |(class, text, count): (_, _, Option<f64>)| {
        let count = count?;
        let width = hundredths(count, online);
        let part = Part {
            class,
            x: units(x),
            width: units(width),
            text: format!("{} {text}", said::count(count)),
        };
        x += width;
        Some(part)
    };
    states.into_iter().filter_map(part).collect()
}

fn seats(seats: Seats, words: &'static Words) -> Fact {
    let text = match seats.of {
        SeatsOf::Named => words.seats_of,
        SeatsOf::Desk => words.seats_of_desk,
        SeatsOf::Listed => words.seats_of_listed,
    };
    let part = |class, width| Part {
        class,
        x: units(0.0),
        width: units(width),
        text: String::new(),
    };
    let ratio = seats.taken / seats.all;
    Fact {
        title: words.seats,
        // More than all where sessions were picked up by hand.
        number: said::percent(ratio, words),
        of: filled(text, &[said::count(seats.taken), said::count(seats.all)]),
        is_beyond: limits::CAPACITY.is_beyond(Some(ratio), None),
        strip: vec![
            part("track", 100.0),
            part("taken", hundredths(seats.taken, seats.all)),
        ],
        ..Fact::default()
    }
}

/// The longest queues.
fn queues(figures: &Figures) -> Vec<QueueRow> {
    let queues = &figures.queues;
    let longest = queues.first().map_or(0.0, |first| first.queued);
    let listed = queues.iter().take(MOST_QUEUES);
    listed
        .take_while(|queue| queue.queued > 0.0)
        .map(|queue| QueueRow {
            name: queue.name.clone(),
            count: said::count(queue.queued),
            width: units(hundredths(queue.queued, longest)),
            is_beyond: limits::GROUP_QUEUE.is_beyond(Some(queue.queued), None),
        })
        .collect()
}

/// What is said of the groups behind the first `listed`.
fn other_queues(figures: &Figures, listed: usize, words: &Words) -> String {
    let others = figures.queues.get(listed..).unwrap_or_default();
    let waiting: f64 = others.iter().map(|queue| queue.queued.max(0.0)).sum();
    match others.len() {
        0 => String::new(),
        _ if waiting > 0.0 => counted(words.other_groups, waiting),
        groups => counted(words.other_groups_empty, groups as f64),
    }
}

/// How many hundredths of `all` are `part`.
fn hundredths(part: f64, all: f64) -> f64 {
    match all > 0.0 {
        true => (part / all * 100.0).clamp(0.0, 100.0),
        false => 0.0,
    }
}

fn units(number: f64) -> String {
    format!("{number:.1}")
}

struct HoursView {
    charts: Vec<Chart>,
    as_table: bool,
    rows: Vec<Row>,
    /// To where these are shown, or are not.
    toggle: String,
}

fn hours(figures: &Figures, query: &Query, words: &'static Words) -> Option<HoursView> {
    let hours = figures.hours.as_ref()?;
    let cell = |unit: Unit, number, is_beyond| Cell {
        text: unit.say(number, words),
        is_beyond,
    };
    let row = |hour: &Hour| Row {
        name: charts::name(hour.hour),
        more: String::new(),
        cells: vec![
            cell(Unit::Count, hour.sessions, false),
            cell(Unit::Count, hour.handed_over, false),
            cell(Unit::Share, hour.accepted_share(), hour.few_accepted()),
            cell(Unit::Seconds, hour.queue_seconds, hour.queue_takes_long()),
        ],
    };
    let as_table = query.hours_as_table;
    Some(HoursView {
        charts: charts::of(hours, words),
        as_table,
        rows: hours.each.iter().map(row).collect(),
        toggle: query.with(|query| query.hours_as_table = !as_table).link(),
    })
}

/// The team's day; nothing where no agent has any figures of it.
fn team(figures: &Figures, words: &'static Words) -> Vec<Fact> {
    let day = &figures.team;
    if day.source.is_none() {
        return Vec::new();
    }
    let with_sessions = figures.agents.iter().filter(|it| it.day.sessions.is_some());
    let sessions = Fact {
        title: words.sessions,
        number: Unit::Count.say(day.sessions, words),
        of: counted(words.agents_today, with_sessions.count() as f64),
        ..Fact::default()
    };
    let measures = measures::ALL.iter().filter(|it| it.is_in(day.source));
    let measures = measures.map(|measure| Fact {
        title: (measure.title)(words),
        number: measure.unit.say(measure.value(day), words),
        of: measure.over(day, words),
        is_beyond: measure.is_beyond_for_team(day),
        ..Fact::default()
    });
    std::iter::once(sessions).chain(measures).collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figures, statistics};
    use super::*;

    #[test]
    fn the_team_are_those_whose_sessions_are_known() {
        let rows = r#"{"AgentId":"a","TotalSessionCnt":30,"AvgFirstRespTime":10},{"AgentId":"b","NotRespSessionCnt":3}"#;
        let facts = team(&figures(&[statistics(rows)]), Language::English.words());
        let told = |fact: &Fact| (fact.number.clone(), fact.of.clone());
        assert_eq!(told(&facts[0]), ("30".to_owned(), "1 agent".to_owned()));
        assert_eq!(told(&facts[1]), ("–".to_owned(), String::new()));
    }
}
