//! The table of agents: which of them are shown, in which order and columns.

use std::cmp::Ordering;

use super::figures::{Agent, Figures, Status, shortened};
use super::measures::{self, Measure};
use super::query::{Query, ROWS, Sort};
use super::said::{self, Unit};
use super::words::{Words, filled};

/// A page of the table, and the form above it.
pub(super) struct Table {
    /// What the form keeps of the query.
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) search: String,
    pub(super) groups: Vec<GroupChoice>,
    pub(super) reset: Option<String>,
    pub(super) worst_first: Option<String>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Which rows these are, of how many.
    pub(super) range: String,
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
}

/// A group to choose.
pub(super) struct GroupChoice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

/// The head of a column.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) link: String,
    /// The value of `aria-sort`, of the column that the rows are sorted by.
    pub(super) sorted: Option<&'static str>,
}

/// A row of a table.
pub(super) struct Row {
    pub(super) name: String,
    /// The id, where the name is another.
    pub(super) more: String,
    pub(super) cells: Vec<Cell>,
}

/// What is said in one place, and whether it is an exception.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_beyond: bool,
}

impl Table {
    /// What `query` asks for of the agents of `figures`.
    pub(super) fn of(figures: &Figures, query: &Query, words: &'static Words) -> Self {
        let mut query = query.clone();
        if !figures.groups.contains_key(&query.group) {
            query.group.clear();
        }
        let agents = sorted(chosen(&figures.agents, &query), &query);
        let last = agents.len().saturating_sub(1) / ROWS;
        query.page = query.page.min(last);
        let first = query.page * ROWS;
        let columns = columns(figures);
        let shown = agents.iter().skip(first).take(ROWS);
        let rows: Vec<_> = shown.map(|agent| row(agent, &columns, words)).collect();
        let bounds = [first + 1, first + rows.len(), agents.len()];
        let bounds = bounds.map(|place| said::count(place as f64));
        let is_filtered = !query.group.is_empty() || !query.search.is_empty();
        let of_form = |(name, _): &(&str, String)| !["group", "q", "page"].contains(name);
        let turned = |page| query.with(|query| query.page = page).link();
        let heads = std::iter::once(Sort::Name).chain(columns);
        Self {
            hidden: query.pairs().into_iter().filter(of_form).collect(),
            search: query.search.clone(),
            groups: group_choices(figures, &query),
            reset: is_filtered.then(|| query.of_all().link()),
            worst_first: (query.sort != Sort::Exceptions)
                .then(|| query.sorted_by(Sort::Exceptions).link()),
            columns: heads.map(|sort| column(sort, &query, words)).collect(),
            range: filled(words.rows, &bounds),
            earlier: query.page.checked_sub(1).map(turned),
            later: (query.page < last).then(|| turned(query.page + 1)),
            rows,
        }
    }
}

fn group_choices(figures: &Figures, query: &Query) -> Vec<GroupChoice> {
    let choice = |(id, name): (&String, &String)| GroupChoice {
        id: id.clone(),
        name: name.clone(),
        is_chosen: *id == query.group,
    };
    let mut choices: Vec<_> = figures.groups.iter().map(choice).collect();
    choices.sort_by(|a, b| a.name.cmp(&b.name));
    choices
}

fn chosen<'f>(agents: &'f [Agent], query: &Query) -> Vec<&'f Agent> {
    let search = query.search.to_lowercase();
    let is_chosen = |agent: &&Agent| {
        (query.group.is_empty() || agent.is_in(&query.group))
            && (search.is_empty() || agent.is_named(&search))
    };
    agents.iter().filter(is_chosen).collect()
}

fn sorted<'f>(mut agents: Vec<&'f Agent>, query: &Query) -> Vec<&'f Agent> {
    let is_ascending = query.sort.begins_small() != query.reversed;
    agents.sort_by(|a, b| (a.called(), &a.id).cmp(&(b.called(), &b.id)));
    match query.sort {
        Sort::Name if is_ascending => {}
        Sort::Name => agents.reverse(),
        Sort::Status => sort(&mut agents, is_ascending, |agent| agent.status.as_ref()),
        Sort::Exceptions => sort(&mut agents, false, |agent| {
            let exceptions = measures::exceptions(&agent.day);
            Some((exceptions, agent.day.sessions))
        }),
        by => sort(&mut agents, is_ascending, |agent| number(by, agent)),
    }
    agents
}

/// Sorts by what is known; the unknown stands last, whichever way round.
fn sort<'f, K: PartialOrd>(
    agents: &mut [&'f Agent],
    is_ascending: bool,
    key: impl Fn(&'f Agent) -> Option<K>,
) {
    agents.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) => {
            // No number of Desk's is NaN.
            let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            if is_ascending { order } else { order.reverse() }
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// The columns behind the name that there is anything to say in.
fn columns(figures: &Figures) -> Vec<Sort> {
    let has_now = |agent: &Agent| agent.current.is_some() || agent.status.is_some();
    let has_now = figures.agents.iter().any(has_now);
    let is_shown = |column: &Sort| match column {
        Sort::Exceptions | Sort::Name => false,
        Sort::Status | Sort::Current => has_now,
        Sort::Sessions => true,
        of_day => measure(*of_day).is_some_and(|it| it.is_in(figures.team.source)),
    };
    Sort::all().filter(is_shown).collect()
}

/// What a column tells of the day.
fn measure(column: Sort) -> Option<&'static Measure> {
    match column {
        Sort::FirstResponse => Some(&measures::FIRST_RESPONSE),
        Sort::Response => Some(&measures::RESPONSE),
        Sort::Within30s => Some(&measures::WITHIN_30S),
        Sort::Unanswered => Some(&measures::UNANSWERED),
        Sort::Satisfied => Some(&measures::SATISFIED),
        _ => None,
    }
}

fn column(sort: Sort, query: &Query, words: &Words) -> Column {
    let is_ascending = sort.begins_small() != query.reversed;
    let order = if is_ascending {
        "ascending"
    } else {
        "descending"
    };
    Column {
        title: match sort {
            Sort::Name => words.agent,
            Sort::Status => words.status,
            Sort::Current => words.now_of_limit,
            Sort::Sessions => words.sessions,
            of_day => measure(of_day).map_or("", |measure| (measure.title)(words)),
        },
        link: query.sorted_by(sort).link(),
        sorted: (query.sort == sort).then_some(order),
    }
}

fn row(agent: &Agent, columns: &[Sort], words: &Words) -> Row {
    let cell = |&column: &Sort| {
        let measure = measure(column);
        let unit = measure.map_or(Unit::Count, |measure| measure.unit);
        let said = |number| unit.say(number, words);
        Cell {
            text: match (column, agent.limit) {
                (Sort::Status, _) => status(agent.status.as_ref(), words),
                (Sort::Current, Some(_)) => {
                    format!("{} / {}", said(agent.current), said(agent.limit))
                }
                (column, _) => said(number(column, agent)),
            },
            is_beyond: measure.is_some_and(|it| it.is_beyond_for_agent(&agent.day)),
        }
    };
    Row {
        name: shortened(agent.called()),
        more: match agent.name.is_empty() {
            true => String::new(),
            false => shortened(&agent.id),
        },
        cells: columns.iter().map(cell).collect(),
    }
}

/// The number that a column has of an agent.
fn number(column: Sort, agent: &Agent) -> Option<f64> {
    match column {
        Sort::Current => agent.current,
        Sort::Sessions => agent.day.sessions,
        of_day => measure(of_day)?.value(&agent.day),
    }
}

fn status(status: Option<&Status>, words: &Words) -> String {
    let named = match status {
        Some(Status::Named(name)) => name.as_str(),
        Some(Status::Code(code)) => return said::count(*code),
        None => said::UNKNOWN,
    };
    match named {
        "free" => words.free,
        "busy" => words.busy,
        "rest" => words.rest,
        "offline" => words.offline,
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figures, statistics};
    use super::super::words::Language;
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
        let table = Table::of(figures, &query, Language::English.words());
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
        let page = |query| Table::of(&figures, &Query::parse(query), Language::English.words());
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
            let table = Table::of(&figures, &Query::default(), Language::English.words());
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
            let table = Table::of(&figures, &Query::default(), Language::English.words());
            table.rows[0].cells.iter().any(|cell| cell.is_beyond)
        };
        assert!(is_beyond(10) && !is_beyond(9));
    }

    #[test]
    fn the_hidden_part_of_the_form_keeps_order_and_language() {
        let figures = five();
        let query = Query::parse("sort=sessions&order=reversed&lang=zh&q=nick&page=2&refresh=off");
        let table = Table::of(&figures, &query, Language::Chinese.words());
        let names: Vec<_> = table.hidden.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["lang", "sort", "order", "refresh"]);
        assert_eq!(table.search, "nick");
        assert_eq!(
            table.reset.as_deref(),
            Some("?lang=zh&sort=sessions&order=reversed&refresh=off")
        );
    }
}
