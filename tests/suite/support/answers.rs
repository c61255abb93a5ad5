//! What the fake Desk has to say: the rows of each endpoint, and how a page of them is counted and cut.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::endpoints::{Ask, Endpoint};
use super::rows;

/// What `TotalCount` says, and `Total`.
pub(crate) enum Count {
    /// How many rows match, as one would think.
    Matching,
    /// How many rows there are, whichever are asked for.
    Unfiltered,
    /// How many rows this page holds.
    ThisPage,
    /// Always the same number.
    Always(i64),
    /// What the script makes of the request's number.
    Scripted(Box<dyn Fn(usize) -> i64 + Send + Sync>),
}

/// The rows of the five further endpoints, as a test may change them.
pub(crate) struct Further {
    pub(crate) members: Vec<Value>,
    pub(crate) reception: Value,
    /// A row without `Time` is of the day that is asked for.
    pub(crate) day: Vec<Value>,
    pub(crate) hours: Vec<Value>,
    pub(crate) member_list: Vec<Value>,
    pub(crate) group_list: Vec<Value>,
}

impl Default for Further {
    /// The documents' examples.
    fn default() -> Further {
        Further {
            members: vec![rows::member_example()],
            reception: rows::reception_example(),
            day: vec![rows::session_example()],
            hours: vec![rows::with(
                rows::session_example(),
                json!({ "Time": "09:00" }),
            )],
            member_list: vec![rows::member_list_example()],
            group_list: rows::group_list_example(),
        }
    }
}

/// What a day was that is over. A row without `Time` is of that day.
#[derive(Clone, Default)]
pub(crate) struct Past {
    pub(crate) agents: Vec<Value>,
    pub(crate) day: Vec<Value>,
    pub(crate) hours: Vec<Value>,
}

/// All that Desk knows, and how well it keeps to its documents.
pub(super) struct Answers {
    pub(super) agents: Vec<Row>,
    pub(super) further: Further,
    pub(super) past: BTreeMap<Date, Past>,
    pub(super) counts: BTreeMap<Endpoint, Count>,
    pub(super) page_cap: usize,
    pub(super) heeds_offset: bool,
    pub(super) heeds_filter: bool,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers {
            agents: Vec::new(),
            further: Further::default(),
            past: BTreeMap::new(),
            counts: BTreeMap::new(),
            page_cap: 100,
            heeds_offset: true,
            heeds_filter: true,
        }
    }
}

/// A row as it is written.
#[derive(Clone)]
pub(super) struct Row {
    id: Option<String>,
    text: String,
}

impl Row {
    pub(super) fn of_value(row: &Value, id: &str) -> Row {
        Row {
            id: row[id].as_str().map(str::to_owned),
            text: row.to_string(),
        }
    }

    /// A row that no filter finds.
    pub(super) fn of_text(text: &str) -> Row {
        Row {
            id: None,
            text: text.to_owned(),
        }
    }

    fn is_asked(&self, ask: &Ask) -> bool {
        let Some(wanted) = &ask.ids else {
            return true;
        };
        self.id.as_ref().is_some_and(|id| wanted.contains(id))
    }
}

impl Answers {
    /// The answer to a good request, the number `n` of all, on this date.
    pub(super) fn answer(&self, n: usize, ask: &Ask, today: Date) -> String {
        let Some((list, total)) = ask.endpoint.list() else {
            return rows::well(&format!(r#""Data":{}"#, self.further.reception));
        };
        let all = self.rows(ask, today);
        let is_asked = |row: &&Row| !self.heeds_filter || row.is_asked(ask);
        let matching: Vec<&Row> = all.iter().filter(is_asked).collect();
        let offset = if self.heeds_offset { ask.offset } else { 0 };
        let length = ask.limit.min(self.page_cap);
        let page = matching.iter().skip(offset).take(length);
        let page: Vec<&str> = page.map(|row| row.text.as_str()).collect();
        let count = |rows: usize| i64::try_from(rows).unwrap();
        let said = match self.counts.get(&ask.endpoint) {
            None | Some(Count::Matching) => count(matching.len()),
            Some(Count::Unfiltered) => count(all.len()),
            Some(Count::ThisPage) => count(page.len()),
            Some(Count::Always(number)) => *number,
            Some(Count::Scripted(script)) => script(n),
        };
        rows::well(&format!(
            r#""{total}":{said},"{list}":[{}]"#,
            page.join(",")
        ))
    }

    fn rows(&self, ask: &Ask, today: Date) -> Vec<Row> {
        if ask.date < today && !self.past.is_empty() {
            let past = self.past.get(&ask.date).cloned().unwrap_or_default();
            return past.rows(ask);
        }
        let further = &self.further;
        let rows = match ask.endpoint {
            Endpoint::AgentStatistics => return self.agents.clone(),
            Endpoint::ReceptionRealtime => return Vec::new(),
            Endpoint::MemberRealtime => &further.members,
            Endpoint::SessionStatistics if ask.by_hour => &further.hours,
            Endpoint::SessionStatistics => {
                return further.day.iter().map(|row| dated(row, today)).collect();
            }
            Endpoint::MemberList => &further.member_list,
            Endpoint::GroupList => &further.group_list,
        };
        let row = |row| Row::of_value(row, ask.endpoint.id());
        rows.iter().map(row).collect()
    }
}

impl Past {
    fn rows(&self, ask: &Ask) -> Vec<Row> {
        let row = |row| Row::of_value(row, ask.endpoint.id());
        match ask.endpoint {
            Endpoint::AgentStatistics => self.agents.iter().map(row).collect(),
            Endpoint::SessionStatistics if ask.by_hour => self.hours.iter().map(row).collect(),
            _ => self.day.iter().map(|row| dated(row, ask.date)).collect(),
        }
    }
}

fn dated(row: &Value, today: Date) -> Row {
    let mut row = row.clone();
    if row.get("Time").is_none() {
        row["Time"] = json!(today.to_string());
    }
    Row::of_value(&row, "")
}
