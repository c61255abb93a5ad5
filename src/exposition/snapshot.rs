//! One whole poll of one endpoint, as an immutable value: every key once, and until when it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::clock::Window;
use crate::catalog::{Discard, Endpoint, Family, Reading, Sample};
use crate::desk::call::Kind;
use crate::desk::table::{Row, Rows};
use crate::desk::{Answer, harmless};
use crate::exposition::labels::{AgentLabels, Labels, Naming};

/// What one good poll brought.
#[derive(Debug)]
pub struct Snapshot {
    /// What was polled.
    pub endpoint: &'static Endpoint,
    /// The day that was asked for, where it counts from midnight.
    pub window: Window,
    /// Those of the endpoint, in its order.
    tables: Vec<Kept>,
    total: Option<u64>,
    labels: Arc<Labels>,
    naming: Naming,
    /// How many rows are not exposed, by the reason.
    pub discarded: BTreeMap<Discard, u64>,
    /// The agents that were asked for, and of which there is no row; named as in the rows.
    pub unmatched_ids: Vec<String>,
    /// Rows that Desk promised and, asked twice, did not give.
    pub missing_rows: u64,
    /// Names that this version does not know; stand-ins where free text is not shown.
    pub unknown_fields: Vec<String>,
    /// Fields that no row had, though there were rows.
    pub absent_fields: BTreeSet<&'static str>,
}

/// The rows of one table, and which of them are exposed.
#[derive(Debug)]
struct Kept {
    /// As Desk gave them, those that come again later too.
    rows: Rows,
    /// Where the exposed ones are, by their key.
    places: Vec<usize>,
}

impl Kept {
    fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.places.iter().map(|&place| self.rows.at(place))
    }
}

impl Snapshot {
    /// Takes `answer` as what `endpoint` said of `window`. Whom `labels` hides is hidden from here on.
    pub fn new(
        endpoint: &'static Endpoint,
        window: Window,
        mut answer: Answer,
        labels: Arc<Labels>,
    ) -> Self {
        let naming = labels.agents.hide(&mut answer.tables, &mut answer.asked);
        let mut discarded: BTreeMap<_, _> = endpoint
            .discards()
            .into_iter()
            .map(|reason| (reason, 0))
            .collect();
        let absent_fields = answer.tables.iter().flat_map(Rows::absent_fields).collect();
        let tables: Vec<_> = answer
            .tables
            .into_iter()
            .map(|rows| kept(rows, &window, &answer.asked, &mut discarded))
            .collect();
        Self {
            endpoint,
            window,
            unmatched_ids: unmatched_ids(&answer.asked, &tables),
            tables,
            total: answer.total,
            discarded,
            missing_rows: answer.missing_rows,
            unknown_fields: shown_fields(answer.unknown_fields, &labels.agents),
            absent_fields,
            labels,
            naming,
        }
    }

    /// Whether its agents are still named like those of any snapshot that is made now: pages with names of
    /// different keys do not fit together.
    pub fn is_named_as_now(&self) -> bool {
        self.labels.agents.still_have(&self.naming)
    }

    /// Every row of the endpoint's table at `place` once, by key.
    pub fn rows(&self, place: usize) -> impl Iterator<Item = Row<'_>> {
        self.tables.get(place).into_iter().flat_map(Kept::rows)
    }

    /// How many of them there are.
    pub fn count(&self, place: usize) -> usize {
        self.tables.get(place).map_or(0, |table| table.places.len())
    }

    /// Whether it has any row to show.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.places.is_empty())
    }

    /// Hands each sample of `family` to `take`, with the place of its row among [`Snapshot::rows`].
    pub fn for_each_sample<'s>(&'s self, family: &Family, mut take: impl FnMut(usize, Sample<'s>)) {
        if let Reading::Total { .. } = family.reading {
            if let Some(total) = self.total {
                let value = total as f64;
                take(0, Sample { label: None, value });
            }
            return;
        }
        let Some(table) = self.tables.get(family.table) else {
            return;
        };
        for (place, row) in table.rows().enumerate() {
            family.for_each_sample(row, &self.labels.status_names, |sample| take(place, sample));
        }
    }

    /// The first sample of `family` about `row`, which is of its table.
    pub fn sample<'s>(&'s self, row: Row<'s>, family: &Family) -> Option<Sample<'s>> {
        let mut first = None;
        family.for_each_sample(row, &self.labels.status_names, |sample| {
            first.get_or_insert(sample);
        });
        first
    }

    /// By field, how many rows held something there that could not be used.
    pub fn ignored_values(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for field in self
            .tables
            .iter()
            .flat_map(Kept::rows)
            .flat_map(Row::ignored)
        {
            *counts.entry(field).or_default() += 1;
        }
        counts
    }
}

/// Names of fields, without what they are where `labels` shows no free text: Desk may put a person's name there.
fn shown_fields(names: BTreeSet<String>, labels: &AgentLabels) -> Vec<String> {
    let shown = |name| match labels.show_nicknames() {
        true => name,
        false => "[not shown]".to_owned(),
    };
    names.into_iter().map(shown).collect()
}

/// Which of `rows` are exposed: those that were asked for and are of the window, each key once.
fn kept(
    rows: Rows,
    window: &Window,
    asked: &BTreeSet<String>,
    discarded: &mut BTreeMap<Discard, u64>,
) -> Kept {
    let Some(key) = rows.table().key() else {
        let places = (0..rows.len()).collect();
        return Kept { rows, places };
    };
    let mut discard = |reason, count: usize| *discarded.entry(reason).or_default() += count as u64;
    discard(Discard::without(key), rows.without_key());
    let mut places: Vec<usize> = (0..rows.len()).collect();
    let key_at = |place: usize| rows.at(place).key();
    match (key, window) {
        (Kind::AgentId, _) if !asked.is_empty() => {
            // An id is an e-mail address, and the endpoints need not spell it alike.
            let asked: BTreeSet<_> = asked.iter().map(|id| id.to_lowercase()).collect();
            places.retain(|&place| asked.contains(&key_at(place).to_lowercase()));
            discard(Discard::NotAsked, rows.len() - places.len());
        }
        (Kind::Date, Window::Day(day)) => {
            let date = day.date().to_string();
            places.retain(|&place| key_at(place) == date);
            discard(Discard::OtherTime, rows.len() - places.len());
        }
        _ => {}
    }
    let asked_rows = places.len();
    keep_the_later_of_each(&mut places, key_at);
    discard(Discard::Duplicate, asked_rows - places.len());
    Kept { rows, places }
}

/// Sorts the places of rows by key; of several rows of one key only the last is kept.
fn keep_the_later_of_each<'r>(places: &mut Vec<usize>, key_at: impl Fn(usize) -> &'r str) {
    // The last first: so it stays in front of the others of its key, and they are dropped.
    places.reverse();
    places.sort_by_cached_key(|&place| key_at(place));
    places.dedup_by_key(|place| key_at(*place));
}

fn unmatched_ids(asked: &BTreeSet<String>, tables: &[Kept]) -> Vec<String> {
    let of_agents = |table: &&Kept| table.rows.table().key() == Some(Kind::AgentId);
    let Some(table) = tables.iter().find(of_agents) else {
        return Vec::new();
    };
    if asked.is_empty() {
        return Vec::new();
    }
    let there: BTreeSet<_> = table.rows().map(|row| row.key().to_lowercase()).collect();
    let is_missing = |id: &&String| !there.contains(&id.to_lowercase());
    asked.iter().filter(is_missing).cloned().collect()
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

/// What a person should know of an answer without agents, where `ids` were asked for in vain.
pub fn no_agents(ids: &[String]) -> String {
    let in_vain = match ids.is_empty() {
        true => String::new(),
        false => format!(
            "; it has none of the {} ids in TENCENT_DESK_AGENT_IDS: {}",
            ids.len(),
            named(ids)
        ),
    };
    format!(
        "Desk's answer has no agent today, so there are no figures of agents. Where some have worked today, see that \
         TENCENT_DESK_SDK_APP_ID is the right application, and that TENCENT_DESK_AGENT_IDS and TENCENT_DESK_CHANNELS, \
         if set, are spelt as Desk has them{in_vain}"
    )
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
impl Snapshot {
    /// Of agent statistics, on the first day of Unix time: `data` is the array of rows.
    pub(crate) fn of_agents(data: &str, asked: &[&str]) -> Self {
        Self::of_labelled_agents(data, asked, AgentLabels::default())
    }

    /// Of any endpoint: `answers` are the members of each call's answer, beside its error code.
    pub(crate) fn of_answers(
        endpoint: &'static Endpoint,
        window: Window,
        answers: &[&str],
        labels: Labels,
    ) -> Self {
        use crate::desk::reply::decode;
        let mut answer = Answer::default();
        for (call, members) in endpoint.calls.iter().zip(answers) {
            let body = format!(r#"{{"ErrorCode":0,{members}}}"#);
            let page = decode(call, Default::default(), body.as_bytes()).unwrap();
            answer.tables.extend(page.tables);
        }
        Self::new(endpoint, window, answer, Arc::new(labels))
    }

    fn of_labelled_agents(data: &str, asked: &[&str], agents: AgentLabels) -> Self {
        use crate::base::clock::DayWindow;
        use crate::catalog::agents::ENDPOINT;
        use crate::desk::reply::decode;
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":0,"Data":{data}}}"#);
        let page = decode(&ENDPOINT.calls[0], Default::default(), body.as_bytes()).unwrap();
        let answer = Answer {
            tables: page.tables,
            asked: asked.iter().map(|&id| id.to_owned()).collect(),
            unknown_fields: page.unknown_fields,
            ..Answer::default()
        };
        let day = DayWindow::around(jiff::Timestamp::UNIX_EPOCH, &jiff::tz::TimeZone::UTC);
        let window = Window::Day(day.unwrap());
        let labels = Labels {
            agents,
            ..Labels::default()
        };
        Self::new(&ENDPOINT, window, answer, Arc::new(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::agents::ENDPOINT;
    use crate::desk::call::Column;

    fn snapshot(data: &str) -> Snapshot {
        Snapshot::of_agents(data, &[])
    }

    const BUSY: Column = ENDPOINT.calls[0].tables[0].number("BusyTime");

    fn discarded(snapshot: &Snapshot) -> [u64; 3] {
        [Discard::NoId, Discard::Duplicate, Discard::NotAsked]
            .map(|reason| snapshot.discarded[&reason])
    }

    #[test]
    fn each_agent_is_there_once_with_the_later_row() {
        let snapshot = snapshot(
            r#"[{"AgentId":"b","BusyTime":1},{"BusyTime":9},{"AgentId":"a","BusyTime":2},
                {"AgentId":"b","BusyTime":3},{"AgentId":"b","BusyTime":4}]"#,
        );
        let busy: Vec<_> = snapshot
            .rows(0)
            .map(|row| (row.key(), row.number(BUSY)))
            .collect();
        assert_eq!(busy, [("a", Some(2.0)), ("b", Some(4.0))]);
        assert_eq!(discarded(&snapshot), [1, 2, 0]);
        assert_eq!(snapshot.count(0), 2);
    }

    #[test]
    fn agents_that_were_not_asked_for_are_not_there() {
        let snapshot = Snapshot::of_agents(
            r#"[{"AgentId":"b"},{"AgentId":"a","BusyTime":1},{"AgentId":"b"},{"AgentId":"a"},{}]"#,
            &["a", "z"],
        );
        let agents: Vec<_> = snapshot.rows(0).map(Row::key).collect();
        assert_eq!(agents, ["a"]);
        assert_eq!(discarded(&snapshot), [1, 1, 2]);
        assert_eq!(snapshot.unmatched_ids, ["z"]);
    }

    #[test]
    fn whom_labels_hide_is_in_no_part_of_a_snapshot() {
        const NICKNAME: Column = crate::catalog::agents::NICKNAME;
        for (labels, shown, unmatched, names) in [
            (
                AgentLabels::Full,
                vec!["Anna@shop", "berta@shop"],
                "Emil@shop",
                2,
            ),
            (
                AgentLabels::Id,
                vec!["Anna@shop", "berta@shop"],
                "Emil@shop",
                0,
            ),
            (
                AgentLabels::keyed("a-key-of-this-test"),
                // In the order of the pseudonyms, and not of the ids.
                vec!["a4c0a3b5bea59a63", "af8bcf10107d7f92"],
                "8c39afef803df9a0",
                0,
            ),
        ] {
            let snapshot = Snapshot::of_labelled_agents(
                r#"[{"AgentId":"berta@shop","AgentNickName":"B."},{"AgentId":"clara@shop"},
                    {"AgentId":"Anna@shop","AgentNickName":"A.","Boss of berta@shop":1}]"#,
                &["anna@SHOP", "berta@shop", "Emil@shop"],
                labels,
            );
            let keys: Vec<_> = snapshot.rows(0).map(Row::key).collect();
            assert_eq!(keys, shown);
            assert_eq!(snapshot.unmatched_ids, [unmatched]);
            let with_name = snapshot
                .rows(0)
                .filter(|row| !row.text(NICKNAME).is_empty());
            assert_eq!(with_name.count(), names);
            assert_eq!(
                (snapshot.unknown_fields.len(), discarded(&snapshot)),
                (1, [0, 0, 1])
            );
            let all = format!("{snapshot:?}");
            if !snapshot.labels.agents.show_ids() {
                assert!(!all.contains("@") && !all.contains("shop"), "{all}");
            }
            assert_eq!(all.contains("Boss"), names > 0, "{all}");
            assert_eq!(all.contains("A."), names > 0, "{all}");
        }
    }

    #[test]
    fn ids_of_one_pseudonym_are_one_agent() {
        let snapshot = Snapshot::of_labelled_agents(
            r#"[{"AgentId":"A","BusyTime":1},{"AgentId":"a","BusyTime":2}]"#,
            &[],
            AgentLabels::keyed("k3y"),
        );
        let busy: Vec<_> = snapshot.rows(0).map(|row| row.number(BUSY)).collect();
        assert_eq!(busy, [Some(2.0)]);
        assert_eq!(discarded(&snapshot), [0, 1, 0]);
    }

    #[test]
    fn a_field_that_no_row_has_is_absent_and_one_that_is_null_is_not() {
        let absent = |data: &str| -> Vec<_> { snapshot(data).absent_fields.into_iter().collect() };
        let fields = ENDPOINT.calls[0].tables[0].fields;
        let all: String = fields
            .iter()
            .map(|field| format!(r#","{}":null"#, field.name))
            .collect();
        let without_busy = all.replace("BusyTime", "New");
        assert_eq!(absent(&format!("[{{{}}}]", &all[1..])), [""; 0]);
        assert_eq!(
            absent(&format!("[{{{}}}]", &without_busy[1..])),
            ["BusyTime"]
        );
        assert_eq!(
            absent(&format!("[{{{}}},{{\"BusyTime\":1}}]", &without_busy[1..])),
            [""; 0]
        );
        assert_eq!(absent("[]"), [""; 0]);
        assert_eq!(absent("[{}]").len(), fields.len());
    }

    #[test]
    fn ignored_values_are_counted_by_field() {
        let snapshot =
            snapshot(r#"[{"AgentId":"a","BusyTime":null},{"AgentId":"b","BusyTime":{}}]"#);
        assert_eq!(snapshot.ignored_values(), BTreeMap::from([("BusyTime", 2)]));
    }
}
