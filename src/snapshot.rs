//! One whole poll, as an immutable value: every agent once, and the day that it is about.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::clock::DayWindow;
use crate::desk::rows::{Field, Row, Rows};
use crate::desk::{Listing, harmless};

/// What one good poll brought.
#[derive(Debug)]
pub struct Snapshot {
    /// Every agent once, by id.
    pub rows: Rows,
    /// The day that was asked for.
    pub day: DayWindow,
    /// Rows without an agent's id.
    pub rows_without_id: u64,
    /// Rows whose agent came again later.
    pub duplicate_rows: u64,
    /// Rows that Desk promised and, asked twice, did not give.
    pub missing_rows: u64,
    /// Names that this version does not know.
    pub unknown_fields: Vec<String>,
}

impl Snapshot {
    /// Takes the rows of `listing` as the figures of `day`.
    pub fn new(listing: Listing, day: DayWindow) -> Self {
        let with_id = listing.rows.len();
        let rows = the_later_of_each(listing.rows);
        Self {
            day,
            rows_without_id: listing.rows_without_id as u64,
            duplicate_rows: (with_id - rows.len()) as u64,
            missing_rows: listing.missing_rows,
            unknown_fields: listing.unknown_fields.into_iter().collect(),
            rows,
        }
    }

    /// By field, how many rows held something there that could not be used.
    pub fn ignored_values(&self) -> BTreeMap<Field, u64> {
        let mut counts = BTreeMap::new();
        for field in self.rows.iter().flat_map(Row::ignored) {
            *counts.entry(field).or_default() += 1;
        }
        counts
    }
}

/// Sorted by agent; of several rows of one agent the one that came last.
fn the_later_of_each(rows: Rows) -> Rows {
    if rows.iter().is_sorted_by(|a, b| a.agent_id() < b.agent_id()) {
        return rows;
    }
    let places = rows.iter().enumerate();
    let mut order: Vec<_> = places
        .map(|(place, row)| (row.agent_id(), Reverse(place)))
        .collect();
    order.sort_unstable();
    order.dedup_by_key(|(agent_id, _)| *agent_id);
    let places: Vec<_> = order.iter().map(|(_, place)| place.0).collect();
    rows.at_all(&places)
}

/// Names of fields from Desk's answer, fit for a log: a few, and none that could be a secret.
pub fn named(fields: &[String]) -> String {
    const MOST: usize = 20;
    let names: Vec<_> = fields
        .iter()
        .take(MOST)
        .map(|name| harmless(name))
        .collect();
    let names = names.join(", ");
    match fields.len().saturating_sub(MOST) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::wire::decode;
    use jiff::{Timestamp, tz::TimeZone};

    fn snapshot(data: &str) -> Snapshot {
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":0,"Data":{data}}}"#);
        let page = decode(body.as_bytes()).unwrap();
        let day = DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap();
        Snapshot::new(
            Listing {
                rows: page.rows,
                rows_without_id: page.rows_without_id,
                ..Listing::default()
            },
            day,
        )
    }

    #[test]
    fn each_agent_is_there_once_with_the_later_row() {
        let snapshot = snapshot(
            r#"[{"AgentId":"b","BusyTime":1},{"BusyTime":9},{"AgentId":"a","BusyTime":2},
                {"AgentId":"b","BusyTime":3},{"AgentId":"b","BusyTime":4}]"#,
        );
        let busy: Vec<_> = snapshot
            .rows
            .iter()
            .map(|row| (row.agent_id(), row.number(Field::BusyTime)))
            .collect();
        assert_eq!(busy, [("a", Some(2.0)), ("b", Some(4.0))]);
        assert_eq!((snapshot.rows_without_id, snapshot.duplicate_rows), (1, 2));
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
