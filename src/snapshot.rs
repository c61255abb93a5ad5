//! One whole poll, as an immutable value: every agent once, and the day that it is about.

use std::collections::BTreeMap;

use crate::clock::DayWindow;
use crate::desk::rows::{Field, Row, Rows};
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
    /// Rows that Desk promised and, asked twice, did not give.
    pub missing_rows: u64,
    /// Names that this version does not know.
    pub unknown_fields: Vec<String>,
}

impl Snapshot {
    /// Takes the rows of `listing` as the figures of `day`.
    pub fn new(listing: Listing, day: DayWindow) -> Self {
        let places = the_later_of_each(&listing.rows);
        Self {
            day,
            rows_without_id: listing.rows_without_id as u64,
            duplicate_rows: (listing.rows.len() - places.len()) as u64,
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

/// The places of the rows, sorted by agent; of several rows of one agent only that of the last.
fn the_later_of_each(rows: &Rows) -> Vec<usize> {
    let agent_id = |place: usize| rows.at(place).agent_id();
    // The last first: so it stays in front of the agent's others, and they are dropped.
    let mut places: Vec<_> = (0..rows.len()).rev().collect();
    places.sort_by_cached_key(|&place| agent_id(place));
    places.dedup_by_key(|place| agent_id(*place));
    places
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
            .agents()
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
