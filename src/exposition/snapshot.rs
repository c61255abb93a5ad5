//! One whole poll, as an immutable value: every agent once, and the day that it is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::clock::DayWindow;
use crate::desk::table::{Field, Row, Rows};
use crate::desk::{Listing, harmless};

/// What one good poll brought.
#[derive(Debug)]
pub struct Snapshot {
    /// As Desk gave them, an agent's earlier ones too.
    rows: Rows,
    /// Where the last row of each agent is, by agent.
    places: Vec<usize>,
    /// The day that was asked for.
    pub day: DayWindow,
    /// Rows without an agent's id.
    pub rows_without_id: u64,
    /// Rows whose agent came again later.
    pub duplicate_rows: u64,
    /// Rows of agents that were not asked for.
    pub rows_not_asked: u64,
    /// The ids that were asked for, and of which there is no row.
    pub unmatched_ids: Vec<String>,
    /// Rows that Desk promised and, asked twice, did not give.
    pub missing_rows: u64,
    /// Names that this version does not know.
    pub unknown_fields: Vec<String>,
    /// Fields that no row had, though there were rows.
    pub absent_fields: Vec<Field>,
}

impl Snapshot {
    /// Takes the rows of `listing` as the figures of `day`.
    pub fn new(listing: Listing, day: DayWindow) -> Self {
        let asked = &listing.asked;
        let agent_id = |place: usize| listing.rows.at(place).agent_id();
        let is_asked = |&place: &usize| asked.is_empty() || asked.contains(agent_id(place));
        let mut places: Vec<_> = (0..listing.rows.len()).filter(is_asked).collect();
        let asked_rows = places.len();
        keep_the_later_of_each(&mut places, agent_id);
        Self {
            day,
            rows_without_id: listing.rows_without_id as u64,
            duplicate_rows: (asked_rows - places.len()) as u64,
            rows_not_asked: (listing.rows.len() - asked_rows) as u64,
            unmatched_ids: missing(asked, places.iter().map(|&place| agent_id(place))),
            absent_fields: absent_fields(&listing),
            missing_rows: listing.missing_rows,
            unknown_fields: listing.unknown_fields.into_iter().collect(),
            rows: listing.rows,
            places,
        }
    }

    /// Every agent once, by id.
    pub fn agents(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.places.iter().map(|&place| self.rows.at(place))
    }

    /// By field, how many rows held something there that could not be used.
    pub fn ignored_values(&self) -> BTreeMap<Field, u64> {
        let mut counts = BTreeMap::new();
        for field in self.agents().flat_map(Row::ignored) {
            *counts.entry(field).or_default() += 1;
        }
        counts
    }
}

/// Sorts the places of rows by agent; of several rows of one agent only the last is kept.
fn keep_the_later_of_each<'r>(places: &mut Vec<usize>, agent_id: impl Fn(usize) -> &'r str) {
    // The last first: so it stays in front of the agent's others, and they are dropped.
    places.reverse();
    places.sort_by_cached_key(|&place| agent_id(place));
    places.dedup_by_key(|place| agent_id(*place));
}

fn missing<'r>(asked: &BTreeSet<String>, there: impl Iterator<Item = &'r str>) -> Vec<String> {
    if asked.is_empty() {
        return Vec::new();
    }
    let there: BTreeSet<_> = there.collect();
    let is_missing = |id: &&String| !there.contains(id.as_str());
    asked.iter().filter(is_missing).cloned().collect()
}

/// Where no row came, none lacks anything.
fn absent_fields(listing: &Listing) -> Vec<Field> {
    let had_rows = !listing.rows.is_empty() || listing.rows_without_id > 0;
    let is_absent = |field: &Field| had_rows && !listing.rows.had(*field);
    Field::ALL.iter().copied().filter(is_absent).collect()
}

/// Names of fields or agents, fit for a log: a few, and none that could be a secret.
pub fn named(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<_> = names.iter().take(MOST).map(|name| harmless(name)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a person should know of ids that were asked for in vain.
pub fn unmatched(ids: &[String]) -> String {
    format!(
        "Desk's answer has no agent for {} of the ids in TENCENT_DESK_AGENT_IDS: {}; see whether they \
         are spelt as Desk has them (an agent who has not worked today may have no row either)",
        ids.len(),
        named(ids)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::answer::decode;
    use jiff::{Timestamp, tz::TimeZone};

    fn listing(data: &str) -> Listing {
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":0,"Data":{data}}}"#);
        let page = decode(body.as_bytes()).unwrap();
        Listing {
            rows: page.rows,
            rows_without_id: page.rows_without_id,
            ..Listing::default()
        }
    }

    fn day() -> DayWindow {
        DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap()
    }

    fn snapshot(data: &str) -> Snapshot {
        Snapshot::new(listing(data), day())
    }

    #[test]
    fn each_agent_is_there_once_with_the_later_row() {
        let snapshot = snapshot(
            r#"[{"AgentId":"b","BusyTime":1},{"BusyTime":9},{"AgentId":"a","BusyTime":2},
                {"AgentId":"b","BusyTime":3},{"AgentId":"b","BusyTime":4}]"#,
        );
        let busy: Vec<_> = snapshot
            .agents()
            .map(|row| (row.agent_id(), row.number(Field::BusyTime)))
            .collect();
        assert_eq!(busy, [("a", Some(2.0)), ("b", Some(4.0))]);
        assert_eq!((snapshot.rows_without_id, snapshot.duplicate_rows), (1, 2));
    }

    #[test]
    fn agents_that_were_not_asked_for_are_not_there() {
        let mut listing = listing(
            r#"[{"AgentId":"b"},{"AgentId":"a","BusyTime":1},{"AgentId":"b"},{"AgentId":"a"},{}]"#,
        );
        listing.asked = ["a", "z"].map(str::to_owned).into();
        let snapshot = Snapshot::new(listing, day());
        let agents: Vec<_> = snapshot.agents().map(Row::agent_id).collect();
        assert_eq!(agents, ["a"]);
        assert_eq!((snapshot.rows_not_asked, snapshot.duplicate_rows), (2, 1));
        assert_eq!(snapshot.rows_without_id, 1);
        assert_eq!(snapshot.unmatched_ids, ["z"]);
    }

    #[test]
    fn a_field_that_no_row_has_is_absent_and_one_that_is_null_is_not() {
        let absent = |data: &str| snapshot(data).absent_fields;
        let all: String = Field::ALL
            .iter()
            .map(|field| format!(r#","{}":null"#, field.name()))
            .collect();
        let without_busy = all.replace("BusyTime", "New");
        assert_eq!(absent(&format!("[{{{}}}]", &all[1..])), []);
        assert_eq!(
            absent(&format!("[{{{}}}]", &without_busy[1..])),
            [Field::BusyTime]
        );
        assert_eq!(
            absent(&format!("[{{{}}},{{\"BusyTime\":1}}]", &without_busy[1..])),
            []
        );
        assert_eq!(absent("[]"), []);
        assert_eq!(absent("[{}]").len(), Field::ALL.len());
    }

    #[test]
    fn ignored_values_are_counted_by_field() {
        let snapshot =
            snapshot(r#"[{"AgentId":"a","BusyTime":null},{"AgentId":"b","BusyTime":{}}]"#);
        assert_eq!(
            snapshot.ignored_values(),
            BTreeMap::from([(Field::BusyTime, 2)])
        );
    }
}
