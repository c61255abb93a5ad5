//! The page as HTML: what the templates say of figures, in one language. They escape all that they are given.
//!
//! It has two parts, one behind the other: the top, which tells how things stand at the moment of the answer, and the
//! rest, which holds for as long as what the polls brought does.

use askama::Template;

use super::charts::{self, Chart};
use super::figures::{Agent, Figures, Now, Reading, Seats, SeatsOf, Share, Status, shortened};
use super::limits::{self, Limit};
use super::query::{Query, ROWS, Sort};
use super::said::{self, counted};
use super::state::State;
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
    now: Option<NowView>,
    hours: Option<HoursView>,
    team: Option<TeamView>,
    table: Option<TableView>,
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
        let has_now = figures.now.is_some() || figures.seats.is_some();
        Self {
            words,
            now: (served.now || has_now).then(|| now_view(figures, words)),
            hours: served.hours.then(|| hours_view(figures, query, words)),
            team: served.agents.then(|| team_view(figures, words)),
            table: (!figures.agents.is_empty()).then(|| table_view(figures, query, words)),
            metrics,
            version: version::VERSION,
        }
    }
}

/// A number, and whether it is an exception.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    text: String,
    is_beyond: bool,
}

impl Cell {
    fn of(number: Option<f64>, say: impl Fn(f64) -> String, is_beyond: bool) -> Self {
        Self {
            text: number
                .filter(|number| number.is_finite())
                .map_or_else(|| said::UNKNOWN.to_owned(), say),
            is_beyond,
        }
    }
}

#[derive(Default)]
struct NowView {
    queue: Option<QueueView>,
    online: Option<OnlineView>,
    seats: Option<SeatsView>,
    active: Option<(String, String)>,
    queues: Option<QueuesView>,
}

impl NowView {
    fn is_empty(&self) -> bool {
        self.queue.is_none()
            && self.online.is_none()
            && self.seats.is_none()
            && self.active.is_none()
    }
}

struct QueueView {
    count: String,
    unit: String,
    is_beyond: bool,
    is_unattended: bool,
    /// That all of their queues are empty; empty itself where one is not.
    groups: String,
}

struct OnlineView {
    count: String,
    parts: Vec<PartView>,
}

struct PartView {
    class: &'static str,
    text: &'static str,
    count: String,
    x: String,
    width: String,
}

struct SeatsView {
    ratio: String,
    said: String,
    width: String,
    is_beyond: bool,
}

struct QueuesView {
    rows: Vec<QueueRow>,
    others: String,
}

struct QueueRow {
    name: String,
    count: String,
    width: String,
    is_beyond: bool,
}

fn now_view(figures: &Figures, words: &'static Words) -> NowView {
    let Some(now) = &figures.now else {
        return NowView {
            seats: figures.seats.map(|seats| seats_view(seats, words)),
            ..NowView::default()
        };
    };
    NowView {
        queue: now.queued.map(|queued| QueueView {
            count: said::count(queued),
            unit: counted(words.queue_unit, queued),
            is_beyond: limits::QUEUE.is_beyond(now.queued, None) || now.is_unattended(),
            is_unattended: now.is_unattended(),
            groups: match figures.queues.iter().any(|group| group.queued > 0.0) {
                false if !figures.queues.is_empty() => {
                    counted(words.nobody_waits, figures.queues.len() as f64)
                }
                _ => String::new(),
            },
        }),
        online: online_view(now, words),
        seats: figures.seats.map(|seats| seats_view(seats, words)),
        active: now
            .active
            .map(|count| (said::count(count), counted(words.active_unit, count))),
        queues: queues_view(figures, words),
    }
}

fn online_view(now: &Now, words: &'static Words) -> Option<OnlineView> {
    let states = [
        ("free", words.free, now.free),
        ("busy", words.busy, now.busy),
        ("rest", words.rest, now.rest),
    ];
    let known: Vec<_> = states
        .into_iter()
        .filter_map(|(class, text, count)| Some((class, text, count?)))
        .collect();
    let all: f64 = known.iter().map(|(_, _, count)| count).sum();
    let mut x = 0.0;
    let parts: Vec<_> = known
        .iter()
        .map(|&(class, text, count)| {
            let width = hundredths(count, all);
            let part = PartView {
                class,
                text,
                count: said::count(count),
                x: units(x),
                width: units(width),
            };
            x += width;
            part
        })
        .collect();
    (!parts.is_empty()).then(|| OnlineView {
        count: said::count(all),
        parts,
    })
}

fn seats_view(seats: Seats, words: &'static Words) -> SeatsView {
    let text = match seats.of {
        SeatsOf::Named => words.seats_of,
        SeatsOf::Desk => words.seats_of_desk,
        SeatsOf::Listed => words.seats_of_listed,
    };
    let ratio = seats.taken / seats.all;
    SeatsView {
        // More than all where sessions were picked up by hand.
        ratio: said::percent(ratio, words),
        said: filled(text, &[said::count(seats.taken), said::count(seats.all)]),
        width: units(hundredths(seats.taken, seats.all)),
        is_beyond: limits::CAPACITY.is_beyond(Some(ratio), None),
    }
}

fn queues_view(figures: &Figures, words: &'static Words) -> Option<QueuesView> {
    let queues = &figures.queues;
    let longest = queues.first().filter(|first| first.queued > 0.0)?.queued;
    let is_listed = |(place, queue): &(usize, &super::figures::GroupQueue)| {
        *place < MOST_QUEUES && queue.queued > 0.0
    };
    let rows: Vec<_> = queues
        .iter()
        .enumerate()
        .take_while(is_listed)
        .map(|(_, queue)| QueueRow {
            name: queue.name.clone(),
            count: said::count(queue.queued),
            width: units(hundredths(queue.queued, longest)),
            is_beyond: limits::GROUP_QUEUE.is_beyond(Some(queue.queued), None),
        })
        .collect();
    let others = queues.get(rows.len()..).unwrap_or_default();
    let waiting: f64 = others.iter().map(|queue| queue.queued.max(0.0)).sum();
    let others = match others.is_empty() {
        true => String::new(),
        false if waiting > 0.0 => counted(words.other_groups, waiting),
        false => counted(words.other_groups_empty, others.len() as f64),
    };
    Some(QueuesView { rows, others })
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

#[derive(Default)]
struct HoursView {
    /// Whether they are served, and not there now.
    is_missing: bool,
    charts: Vec<Chart>,
    as_table: bool,
    rows: Vec<HourRow>,
    toggle: String,
    toggle_text: &'static str,
}

struct HourRow {
    name: String,
    cells: [Cell; 4],
}

fn hours_view(figures: &Figures, query: &Query, words: &'static Words) -> HoursView {
    let Some(hours) = &figures.hours else {
        return HoursView {
            is_missing: true,
            ..HoursView::default()
        };
    };
    let rows = hours.each.iter().map(|hour| HourRow {
        name: charts::name(hour.hour),
        cells: [
            Cell::of(hour.sessions, said::count, false),
            Cell::of(hour.handed_over, said::count, false),
            Cell::of(
                hour.accepted_share(),
                |share| said::percent(share, words),
                hour.few_accepted(),
            ),
            Cell::of(
                hour.queue_seconds,
                |seconds| said::span(seconds, words),
                hour.queue_takes_long(),
            ),
        ],
    });
    let as_table = query.hours_as_table;
    HoursView {
        is_missing: false,
        charts: charts::of(hours, words),
        as_table,
        rows: rows.collect(),
        toggle: query.with(|query| query.hours_as_table = !as_table).link(),
        toggle_text: if as_table {
            words.as_bars
        } else {
            words.as_table
        },
    }
}

#[derive(Default)]
struct TeamView {
    facts: Vec<Fact>,
    note: &'static str,
}

struct Fact {
    title: &'static str,
    number: String,
    of: String,
    is_beyond: bool,
}

fn team_view(figures: &Figures, words: &'static Words) -> TeamView {
    let team = &figures.team;
    let Some(reading) = figures.reading else {
        return TeamView {
            facts: Vec::new(),
            note: match figures.has_agents {
                true => words.nobody_yet,
                false => words.no_figures,
            },
        };
    };
    let mean = |title, mean: super::figures::Mean, limit: Option<Limit>| {
        let is_beyond = limit.is_some_and(|limit| limit.is_beyond(mean.value(), mean.count()));
        let cell = Cell::of(
            mean.value(),
            |seconds| said::span(seconds, words),
            is_beyond,
        );
        fact(title, cell, over(words.over_sessions, mean.count()))
    };
    let share = |title, share: Share, limit: Limit, text| {
        let cell = share_cell(share, limit.is_beyond(share.ratio(), share.whole()), words);
        fact(title, cell, over(text, share.whole()))
    };
    let agents = counted(words.agents_today, team.agents as f64);
    let sessions = Cell::of(team.sessions, said::count, false);
    let mut facts = vec![
        fact(words.sessions, sessions, agents),
        mean(
            words.first_response,
            team.first_response,
            Some(limits::TEAM_FIRST_RESPONSE),
        ),
        mean(words.response, team.response, Some(limits::TEAM_RESPONSE)),
    ];
    if reading == Reading::Statistics {
        facts.extend([
            share(
                words.within_30s,
                team.within_30s,
                limits::TEAM_WITHIN_30S,
                words.over_sessions,
            ),
            share(
                words.unanswered,
                team.unanswered,
                limits::TEAM_UNANSWERED,
                words.over_sessions,
            ),
            share(
                words.satisfied,
                team.satisfied,
                limits::SATISFIED,
                words.over_ratings,
            ),
        ]);
    }
    facts.push(mean(words.session_duration, team.session, None));
    TeamView {
        facts,
        note: match reading {
            Reading::Statistics => words.of_statistics,
            Reading::Realtime => words.of_realtime,
        },
    }
}

fn fact(title: &'static str, cell: Cell, of: String) -> Fact {
    Fact {
        title,
        number: cell.text,
        of,
        is_beyond: cell.is_beyond,
    }
}

fn over(text: &str, count: Option<f64>) -> String {
    count.map_or_else(String::new, |count| counted(text, count))
}

fn share_cell(share: Share, is_beyond: bool, words: &'static Words) -> Cell {
    Cell::of(
        share.ratio(),
        |ratio| said::percent(ratio, words),
        is_beyond,
    )
}

struct TableView {
    /// What the form keeps of the query.
    hidden: Vec<(&'static str, String)>,
    search: String,
    groups: Vec<GroupChoice>,
    reset: Option<String>,
    worst_first: Option<String>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    range: String,
    earlier: Option<String>,
    later: Option<String>,
}

struct GroupChoice {
    id: String,
    name: String,
    is_chosen: bool,
}

struct Column {
    title: &'static str,
    link: String,
    /// The value of `aria-sort`, of the column that the rows are sorted by.
    sorted: Option<&'static str>,
}

struct Row {
    name: String,
    /// The id, where the name is another.
    more: String,
    cells: Vec<Cell>,
}

/// A column of the table: what it is sorted by, its title, and its cell of an agent.
type ColumnOf = (
    Sort,
    fn(&Words) -> &'static str,
    fn(&Agent, &'static Words) -> Cell,
);

const OF_NOW: [ColumnOf; 2] = [
    (
        Sort::Status,
        |words| words.status,
        |agent, words| Cell {
            text: status(agent.status.as_ref(), words),
            is_beyond: false,
        },
    ),
    (
        Sort::Current,
        |words| words.now_of_limit,
        |agent, _| Cell {
            text: current(agent),
            is_beyond: false,
        },
    ),
];

const OF_DAY: [ColumnOf; 3] = [
    (
        Sort::Sessions,
        |words| words.sessions,
        |agent, _| Cell::of(agent.sessions, said::count, false),
    ),
    (
        Sort::FirstResponse,
        |words| words.first_response,
        |agent, words| {
            let is_beyond = agent.exceptions().first_response;
            Cell::of(agent.first_response, |it| said::span(it, words), is_beyond)
        },
    ),
    (
        Sort::Response,
        |words| words.response,
        |agent, words| {
            let is_beyond = agent.exceptions().response;
            Cell::of(agent.response, |it| said::span(it, words), is_beyond)
        },
    ),
];

const OF_STATISTICS: [ColumnOf; 3] = [
    (
        Sort::Within30s,
        |words| words.within_30s,
        |agent, words| share_cell(agent.within_30s, false, words),
    ),
    (
        Sort::Unanswered,
        |words| words.unanswered,
        |agent, words| share_cell(agent.unanswered, agent.exceptions().unanswered, words),
    ),
    (
        Sort::Satisfied,
        |words| words.satisfied,
        |agent, words| share_cell(agent.satisfied, agent.exceptions().satisfied, words),
    ),
];

fn table_view(figures: &Figures, query: &Query, words: &'static Words) -> TableView {
    let mut query = query.clone();
    if !figures.groups.contains_key(query.group.as_str()) {
        query.group.clear();
    }
    let mut agents = chosen(&figures.agents, &query);
    sort(&mut agents, &query);
    let last = agents.len().saturating_sub(1) / ROWS;
    query.page = query.page.min(last);
    let first = query.page * ROWS;
    let shown = agents.iter().skip(first).take(ROWS);
    let columns = columns(figures);
    let row = |agent: &&Agent| Row {
        name: shortened(agent.called()),
        more: match agent.name.is_empty() {
            true => String::new(),
            false => shortened(&agent.id),
        },
        cells: columns
            .iter()
            .map(|(_, _, cell)| cell(agent, words))
            .collect(),
    };
    let rows: Vec<_> = shown.map(row).collect();
    let bounds = [first + 1, first + rows.len(), agents.len()];
    let bounds = bounds.map(|place| said::count(place as f64));
    let is_filtered = !query.group.is_empty() || !query.search.is_empty();
    let of_form = |(name, _): &(&str, String)| !["group", "q", "page"].contains(name);
    let turned = |page| query.with(|query| query.page = page).link();
    let name: (Sort, fn(&Words) -> &'static str) = (Sort::Name, |words| words.agent);
    let heads = std::iter::once(name).chain(columns.iter().map(|(sort, title, _)| (*sort, *title)));
    TableView {
        hidden: query.pairs().into_iter().filter(of_form).collect(),
        search: query.search.clone(),
        groups: group_choices(figures, &query),
        reset: is_filtered.then(|| {
            let all = query.with(|query| {
                query.group.clear();
                query.search.clear();
                query.page = 0;
            });
            all.link()
        }),
        worst_first: (query.sort != Sort::Exceptions)
            .then(|| query.sorted_by(Sort::Exceptions).link()),
        columns: heads
            .map(|(sort, title)| Column {
                title: title(words),
                link: query.sorted_by(sort).link(),
                sorted: (query.sort == sort).then(|| match sort.begins_small() != query.reversed {
                    true => "ascending",
                    false => "descending",
                }),
            })
            .collect(),
        range: filled(words.rows, &bounds),
        earlier: query.page.checked_sub(1).map(turned),
        later: (query.page < last).then(|| turned(query.page + 1)),
        rows,
    }
}

/// The columns that there is anything to say in.
fn columns(figures: &Figures) -> Vec<ColumnOf> {
    let has_now = figures
        .agents
        .iter()
        .any(|agent| agent.current.is_some() || agent.status.is_some());
    let of_now = OF_NOW.into_iter().filter(|_| has_now);
    let of_statistics = OF_STATISTICS.into_iter();
    let of_statistics = of_statistics.filter(|_| figures.reading == Some(Reading::Statistics));
    of_now.chain(OF_DAY).chain(of_statistics).collect()
}

fn chosen<'f>(agents: &'f [Agent], query: &Query) -> Vec<&'f Agent> {
    let search = query.search.to_lowercase();
    let is_chosen = |agent: &&Agent| {
        (query.group.is_empty() || agent.is_in(&query.group))
            && (search.is_empty() || agent.is_named(&search))
    };
    agents.iter().filter(is_chosen).collect()
}

fn sort(agents: &mut [&Agent], query: &Query) {
    let by_name = |a: &&Agent, b: &&Agent| {
        let names = a.called().cmp(b.called());
        names.then_with(|| a.id.cmp(&b.id))
    };
    agents.sort_by(by_name);
    match query.sort {
        Sort::Name => {
            if query.reversed {
                agents.reverse();
            }
        }
        Sort::Status => by(agents, query, |agent| match &agent.status {
            Some(Status::Named(name)) => Some((name.clone(), 0)),
            Some(Status::Code(code)) => Some((String::new(), code.to_bits())),
            None => None,
        }),
        Sort::Exceptions => {
            let key = |agent: &&Agent| {
                (
                    agent.exceptions().count(),
                    Ordered(agent.sessions.unwrap_or(-1.0)),
                )
            };
            agents.sort_by_cached_key(|agent| std::cmp::Reverse(key(agent)));
        }
        Sort::Current => by_number(agents, query, |agent| agent.current),
        Sort::Sessions => by_number(agents, query, |agent| agent.sessions),
        Sort::FirstResponse => by_number(agents, query, |agent| agent.first_response),
        Sort::Response => by_number(agents, query, |agent| agent.response),
        Sort::Within30s => by_number(agents, query, |agent| agent.within_30s.ratio()),
        Sort::Unanswered => by_number(agents, query, |agent| agent.unanswered.ratio()),
        Sort::Satisfied => by_number(agents, query, |agent| agent.satisfied.ratio()),
    }
}

fn by_number(agents: &mut [&Agent], query: &Query, number: impl Fn(&Agent) -> Option<f64>) {
    by(agents, query, |agent| number(agent).map(Ordered));
}

/// Sorts by what is known; the unknown stands last, whichever way round.
fn by<K: Ord>(agents: &mut [&Agent], query: &Query, key: impl Fn(&Agent) -> Option<K>) {
    let is_ascending = query.sort.begins_small() != query.reversed;
    agents.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) if is_ascending => a.cmp(&b),
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// A number that is never NaN.
#[derive(Debug, Clone, Copy)]
struct Ordered(f64);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn group_choices(figures: &Figures, query: &Query) -> Vec<GroupChoice> {
    let mut choices: Vec<_> = figures
        .groups
        .iter()
        .map(|(id, name)| GroupChoice {
            id: id.to_string(),
            name: name.clone(),
            is_chosen: **id == *query.group,
        })
        .collect();
    choices.sort_by(|a, b| a.name.cmp(&b.name));
    choices
}

fn status(status: Option<&Status>, words: &Words) -> String {
    match status {
        Some(Status::Named(name)) => match name.as_str() {
            "free" => words.free,
            "busy" => words.busy,
            "rest" => words.rest,
            "offline" => words.offline,
            name => name,
        }
        .to_owned(),
        Some(Status::Code(code)) => said::count(*code),
        None => said::UNKNOWN.to_owned(),
    }
}

fn current(agent: &Agent) -> String {
    let said = |number: Option<f64>| number.map_or_else(|| said::UNKNOWN.to_owned(), said::count);
    match agent.limit {
        Some(_) => format!("{} / {}", said(agent.current), said(agent.limit)),
        None => said(agent.current),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figures, statistics};
    use super::*;

    /// Agents by their first response and sessions; without one where it is `null`.
    fn five() -> Figures {
        let rows = [
            ("a", "30", "5"),
            ("b", "null", "7"),
            ("c", "90", "20"),
            ("d", "10", "1"),
            ("e", "70", "9"),
        ];
        let row = |(id, first, sessions)| {
            format!(
                r#"{{"AgentId":"{id}@desk","AgentNickName":"Nick {id}","TotalSessionCnt":{sessions},
                    "NotRespSessionCnt":0,"AvgFirstRespTime":{first}}}"#
            )
        };
        figures(&[statistics(&rows.map(row).join(","))])
    }

    fn names(figures: &Figures, query: &str) -> String {
        let query = Query::parse(query);
        let table = table_view(figures, &query, Language::English.words());
        let names = table
            .rows
            .iter()
            .map(|row| row.name.trim_start_matches("Nick "));
        names.collect()
    }

    #[test]
    fn the_unknown_stands_last_whichever_way_round() {
        let figures = five();
        for (query, order) in [
            // c is beyond its limit; of the others more sessions come first.
            ("", "cebad"),
            ("sort=first_response", "ceadb"),
            ("sort=first_response&order=reversed", "daecb"),
            ("sort=sessions", "cebad"),
            ("sort=sessions&order=reversed", "dabec"),
            ("sort=name", "abcde"),
            ("sort=name&order=reversed", "edcba"),
            ("sort=satisfied", "abcde"),
            ("sort=current", "abcde"),
            ("sort=status&order=reversed", "abcde"),
        ] {
            assert_eq!(names(&figures, query), order, "{query}");
        }
    }

    #[test]
    fn names_and_ids_are_found_in_any_case() {
        let figures = five();
        for (query, found) in [
            ("q=NICK+C", "c"),
            ("q=%20e%40DESK", "e"),
            ("q=desk&sort=name", "abcde"),
            ("q=nobody", ""),
            ("q=nick&group=none", "cebad"),
        ] {
            assert_eq!(names(&figures, query), found, "{query}");
        }
    }

    #[test]
    fn pages_hold_a_hundred_and_one_behind_the_last_is_the_last() {
        let rows: Vec<_> = (0..250)
            .map(|n| format!(r#"{{"AgentId":"{n:03}","TotalSessionCnt":1}}"#))
            .collect();
        let figures = figures(&[statistics(&rows.join(","))]);
        let page = |query| table_view(&figures, &Query::parse(query), Language::English.words());
        let first = page("sort=name");
        assert_eq!((first.rows.len(), &*first.range), (100, "1 to 100 of 250"));
        assert_eq!(first.earlier, None);
        assert_eq!(first.later.as_deref(), Some("?sort=name&page=2"));
        for last in ["sort=name&page=3", "sort=name&page=4000"] {
            let last = page(last);
            assert_eq!((last.rows.len(), &*last.range), (50, "201 to 250 of 250"));
            assert_eq!(last.later, None);
            assert_eq!(last.earlier.as_deref(), Some("?sort=name&page=2"));
        }
        let one = page("q=249&page=3");
        assert_eq!((one.rows.len(), one.earlier, one.later), (1, None, None));
    }

    #[test]
    fn an_id_is_shown_as_long_as_it_may_be() {
        let id = "x".repeat(2000);
        let row = |nick| {
            let rows = format!(r#"{{"AgentId":"{id}","AgentNickName":"{nick}"}}"#);
            let figures = figures(&[statistics(&rows)]);
            let table = table_view(&figures, &Query::default(), Language::English.words());
            table.rows.into_iter().next().unwrap()
        };
        for shown in [row("").name, row("Amy").more] {
            assert_eq!(shown.chars().count(), 81);
        }
    }

    #[test]
    fn few_sessions_make_no_exception() {
        let row = |sessions: u32| {
            format!(
                r#"{{"AgentId":"a","TotalSessionCnt":{sessions},"NotRespSessionCnt":0,"AvgFirstRespTime":600}}"#
            )
        };
        let is_beyond = |sessions| {
            let figures = figures(&[statistics(&row(sessions))]);
            let table = table_view(&figures, &Query::default(), Language::English.words());
            table.rows[0].cells.iter().any(|cell| cell.is_beyond)
        };
        assert!(is_beyond(10) && !is_beyond(9));
    }

    #[test]
    fn the_hidden_part_of_the_form_keeps_order_and_language() {
        let figures = five();
        let query = Query::parse("sort=sessions&order=reversed&lang=zh&q=nick&page=2&refresh=off");
        let table = table_view(&figures, &query, Language::Chinese.words());
        let names: Vec<_> = table.hidden.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["lang", "sort", "order", "refresh"]);
        assert_eq!(table.search, "nick");
        assert_eq!(
            table.reset.as_deref(),
            Some("?lang=zh&sort=sessions&order=reversed&refresh=off")
        );
    }
}
