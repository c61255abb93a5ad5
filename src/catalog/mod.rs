//! What is asked of Desk and what it is called: the one place where a field becomes a metric.
//!
//! An [`Endpoint`] is data: how it is asked, and the [`Family`]s that its answer is read as. A new one is a
//! file beside [`agents`] and a line in [`ENDPOINTS`]; the exposition, the README's reference, and the
//! tests over dashboards and rules follow from that. [`exporter`] is what the exporter says of itself.

/// The families of an endpoint, in the order of the page. A block is of one table, one time from which values count,
/// and the labels that tell rows apart; each of its families has a name, what it says, and how it is read.
macro_rules! families {
    ($($table:literal, $counts:ident, $labels:expr => { $($name:expr, $what:expr, $reading:expr;)* })*) => {
        &[$($($crate::catalog::Family {
            name: $name,
            what: $what,
            counts: $crate::catalog::Counts::$counts,
            table: $table,
            labels: $labels,
            reading: $reading,
        },)*)*]
    };
}

pub mod agents;
pub mod directory;
pub mod exporter;
pub mod members;
pub mod reception;
pub mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::call::{Call, Column, Kind, Table, is_same};
use crate::desk::table::Row;

/// All endpoints, in the order of the page.
pub const ENDPOINTS: &[&Endpoint] = &[
    &agents::ENDPOINT,
    &reception::ENDPOINT,
    &members::ENDPOINT,
    &sessions::ENDPOINT,
    &directory::MEMBERS,
    &directory::GROUPS,
];

/// What is polled by itself.
#[derive(Debug)]
pub struct Endpoint {
    /// What one poll asks, one after the other; the first names the endpoint.
    pub calls: &'static [Call],
    /// What the answers are read as.
    pub families: &'static [Family],
    /// How often it is polled, and so how old its figures may be.
    pub interval: Interval,
    /// Whether figures go at midnight, since some count from there.
    pub ends_at_midnight: bool,
    /// What it means where Desk does not serve it.
    pub need: Need,
}

/// The setting that says how often an endpoint is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// `POLL_INTERVAL`: figures of today.
    Poll,
    /// `REALTIME_INTERVAL`: figures of now.
    Realtime,
    /// `DIRECTORY_INTERVAL`: groups and limits.
    Directory,
}

impl Interval {
    /// How old figures can be, for the end of a sentence.
    fn longest_age(self) -> &'static str {
        match self {
            Self::Poll => "TENCENT_DESK_MAX_STALENESS ago",
            Self::Realtime => {
                "three times TENCENT_DESK_REALTIME_INTERVAL ago (at least 30 s, at most TENCENT_DESK_MAX_STALENESS)"
            }
            Self::Directory => {
                "TENCENT_DESK_MAX_STALENESS or three times TENCENT_DESK_DIRECTORY_INTERVAL ago, the longer of them"
            }
        }
    }
}

/// What it means where Desk does not serve an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The exporter is of no use without it.
    Required,
    /// Its families are absent there.
    WhereServed,
}

/// Why a row of a good answer is not exposed; the values of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Discard {
    /// The same key comes again later.
    Duplicate,
    /// It has no id.
    NoId,
    /// `AGENT_IDS` does not name its agent.
    NotAsked,
    /// It is of another day than was asked for, or its time cannot be read.
    OtherTime,
}

impl Discard {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::NoId => "no_id",
            Self::NotAsked => "not_asked",
            Self::OtherTime => "other_time",
        }
    }

    /// For lack of a key of this kind.
    pub fn without(key: Kind) -> Self {
        match key {
            Kind::Date | Kind::Hour => Self::OtherTime,
            _ => Self::NoId,
        }
    }
}

impl Endpoint {
    /// The API's name, and the value of the label `endpoint`.
    pub fn name(&self) -> &'static str {
        self.calls.first().map_or("", |call| call.command)
    }

    /// The tables of all its calls; a family names its own by its place here.
    pub fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.calls.iter().flat_map(|call| call.tables)
    }

    /// The reasons for which its rows may be left out.
    pub fn discards(&self) -> BTreeSet<Discard> {
        let keys = self.tables().filter_map(Table::key);
        keys.flat_map(|key| {
            let not_asked = (key == Kind::AgentId).then_some(Discard::NotAsked);
            [Discard::Duplicate, Discard::without(key)]
                .into_iter()
                .chain(not_asked)
        })
        .collect()
    }

    /// The names of the fields that may hold something else than they should. (Without its key a row is left
    /// out whole, so that a key is none of them.)
    pub fn values(&self) -> BTreeSet<&'static str> {
        let fields = self.tables().flat_map(|table| table.fields);
        let values = fields.filter(|field| field.is_used() && !field.kind.is_key());
        values.map(|field| field.name).collect()
    }

    /// Its family of this name; in a constant, there has to be one, or it does not compile.
    #[expect(
        clippy::panic,
        reason = "families are constants: it stops the compiler"
    )]
    pub const fn family(&self, name: &str) -> Family {
        let mut families = self.families;
        while let [family, rest @ ..] = families {
            if is_same(family.name.as_bytes(), name.as_bytes()) {
                return *family;
            }
            families = rest;
        }
        panic!("the endpoint has no such family")
    }

    /// The text behind `# HELP` of one of its families.
    pub fn help(&self, family: &Family) -> String {
        format!(
            "{}. {}, as Desk told it at the last good poll, which is at most {}.",
            self.origin(family),
            family.counts.as_str(),
            self.interval.longest_age(),
        )
    }

    /// The same where its samples are of days that are over.
    pub fn help_of_past(&self, family: &Family) -> String {
        let origin = self.origin(family);
        format!("{origin}. Of the day, or the hour of it, at whose last second it stands.")
    }

    fn origin(&self, family: &Family) -> String {
        let fields = family.fields().join(" / ");
        format!("{} (API field {fields} of {})", family.what, self.name())
    }
}

/// How a row is read for one family.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// The number as it is.
    Number(Column),
    /// The number, of which 0 says that there is none: no such instant, no limit.
    NonZero(Column),
    /// An average, whose 0 means nothing where there was nothing to take it over.
    Average {
        /// The average itself.
        column: Column,
        /// How many sessions there were.
        of: Column,
        /// How many of them it was not taken over, where it leaves some out.
        without: Option<Column>,
    },
    /// One count over another, where the other is more than 0.
    Ratio {
        /// The part.
        part: Column,
        /// The whole.
        whole: Column,
    },
    /// One sample for each value of a label.
    Split {
        /// The label's name.
        label: &'static str,
        /// Its values, and the column of each.
        parts: &'static [(&'static str, Column)],
    },
    /// Always 1, with a text of the row as a label; one of blanks names it no better than none.
    Info {
        /// The label's name.
        label: &'static str,
        /// The text.
        column: Column,
    },
    /// Always 1, once for each of the row's ids.
    Each {
        /// The label's name.
        label: &'static str,
        /// The ids.
        column: Column,
    },
    /// Always 1, with the name that the operator gave the row's number as a label.
    Named {
        /// The label's name.
        label: &'static str,
        /// The number.
        column: Column,
    },
    /// How many rows Desk counts, whatever they are: one sample without a row.
    Total {
        /// The member of the answer that says so.
        field: &'static str,
    },
}

/// Since when a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Since midnight.
    Today,
    /// Within one hour of the present day.
    Hourly,
    /// Not at all: it is how things stand.
    Now,
}

impl Counts {
    fn as_str(self) -> &'static str {
        match self {
            Self::Today => "Of Desk's present day",
            Self::Hourly => "Of one hour of Desk's present day",
            Self::Now => "As it is now",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The whole name, with the unit at its end (Prometheus' guideline on naming).
    pub name: &'static str,
    /// What it says, in half a sentence; [`Endpoint::help`] says the rest.
    pub what: &'static str,
    /// Since when.
    pub counts: Counts,
    /// Which of the endpoint's tables it is about.
    pub table: usize,
    /// The labels that tell its rows apart.
    pub labels: &'static [(&'static str, Column)],
    /// How it is read from a row.
    pub reading: Reading,
}

/// One sample of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'r> {
    /// The label beside the row's own, if there is one.
    pub label: Option<(&'static str, &'r str)>,
    /// Finite.
    pub value: f64,
}

/// The label that every sample about an agent has.
pub const AGENT_ID: &str = "agent_id";

/// The operator's names for Desk's numbers of an agent's status (`STATUS_NAMES`).
pub type StatusNames = BTreeMap<i64, String>;

impl Family {
    /// The columns that its samples' values come from.
    pub fn columns(&self) -> Vec<Column> {
        match self.reading {
            Reading::Number(column)
            | Reading::NonZero(column)
            | Reading::Average { column, .. }
            | Reading::Info { column, .. }
            | Reading::Each { column, .. }
            | Reading::Named { column, .. } => vec![column],
            Reading::Ratio { part, whole } => vec![part, whole],
            Reading::Split { parts, .. } => parts.iter().map(|(_, column)| *column).collect(),
            Reading::Total { .. } => Vec::new(),
        }
    }

    /// The fields of the API that it shows.
    pub fn fields(&self) -> Vec<&'static str> {
        match self.reading {
            Reading::Total { field } => vec![field],
            _ => self.columns().iter().map(|column| column.field).collect(),
        }
    }

    /// The name of its label beside those of its rows, if there is one.
    pub fn label(&self) -> Option<&'static str> {
        match self.reading {
            Reading::Split { label, .. }
            | Reading::Info { label, .. }
            | Reading::Each { label, .. }
            | Reading::Named { label, .. } => Some(label),
            _ => None,
        }
    }

    /// The names of all its labels.
    pub fn label_names(&self) -> Vec<&'static str> {
        let of_rows = self.labels.iter().map(|(name, _)| *name);
        of_rows.chain(self.label()).collect()
    }

    /// Hands each sample that `row` has for this family to `take`. Where there is nothing to say
    /// there is no sample: neither 0 nor NaN stands for "unknown".
    pub fn for_each_sample<'r>(
        &self,
        row: Row<'r>,
        names: &'r StatusNames,
        mut take: impl FnMut(Sample<'r>),
    ) {
        let plain = |value| Sample { label: None, value };
        let labelled = |label, text, value| Sample {
            label: Some((label, text)),
            value,
        };
        let one = match self.reading {
            Reading::Split { label, parts } => {
                let samples = parts.iter().filter_map(|&(part, column)| {
                    let value = row.number(column)?;
                    Some(labelled(label, part, value))
                });
                return samples.for_each(take);
            }
            Reading::Each { label, column } => {
                let ids = row.ids(column);
                return ids.for_each(|id| take(labelled(label, id, 1.0)));
            }
            Reading::Info { label, column } => {
                let text = Some(row.text(column)).filter(|text| !text.trim().is_empty());
                text.map(|text| labelled(label, text, 1.0))
            }
            Reading::Named { label, column } => {
                named(row, column, names).map(|name| labelled(label, name, 1.0))
            }
            Reading::Number(column) => row.number(column).map(plain),
            Reading::NonZero(column) => {
                let number = row.number(column).filter(|&number| number != 0.0);
                number.map(plain)
            }
            Reading::Average {
                column,
                of,
                without,
            } => average(row, column, of, without).map(plain),
            Reading::Ratio { part, whole } => ratio(row, part, whole).map(plain),
            Reading::Total { .. } => None,
        };
        one.into_iter().for_each(take);
    }
}

fn named<'n>(row: Row<'_>, column: Column, names: &'n StatusNames) -> Option<&'n str> {
    let number = row.number(column)?;
    let name = names.iter().find(|(known, _)| **known as f64 == number);
    name.map(|(_, name)| name.as_str())
}

/// An average of 0 over nothing is unknown. An average other than 0 speaks for itself, whatever the counts beside it
/// say; a count that the row does not say is 0.
fn average(row: Row<'_>, column: Column, of: Column, without: Option<Column>) -> Option<f64> {
    let average = row.number(column)?;
    let count = |column| row.number(column).unwrap_or_default();
    let over = count(of) - without.map_or(0.0, count);
    (average != 0.0 || over > 0.0).then_some(average)
}

/// From 0 to 1, or nothing: a part that is more than its whole is not shown as a ratio.
fn ratio(row: Row<'_>, part: Column, whole: Column) -> Option<f64> {
    let whole = row.number(whole).filter(|&whole| whole > 0.0)?;
    let ratio = row.number(part)? / whole;
    (0.0..=1.0).contains(&ratio).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call::MOST_FIELDS;

    #[test]
    fn each_family_names_columns_of_its_own_table_and_stands_in_one_endpoint() {
        let mut names = BTreeSet::new();
        for endpoint in ENDPOINTS {
            for family in endpoint.families {
                assert!(names.insert(family.name), "{} twice", family.name);
                let table = endpoint.tables().nth(family.table).unwrap();
                let labels = family.labels.iter().map(|(_, column)| *column);
                for column in family.columns().into_iter().chain(labels) {
                    assert!(column.is_of(table), "{} of {}", column.field, family.name);
                }
                let total = endpoint.calls.first().and_then(|call| call.paging.total());
                if let Reading::Total { field } = family.reading {
                    assert_eq!(Some(field), total, "{}", family.name);
                }
            }
        }
        for own in exporter::ALL {
            assert!(names.insert(own.name), "{} twice", own.name);
        }
    }

    #[test]
    fn labels_tell_the_rows_of_a_table_apart() {
        for endpoint in ENDPOINTS {
            for family in endpoint.families {
                let table = endpoint.tables().nth(family.table).unwrap();
                // The only row of a day needs no label.
                let is_single = matches!(table.key(), None | Some(Kind::Date))
                    || matches!(family.reading, Reading::Total { .. });
                let has_key = family.labels.iter().any(|(_, column)| {
                    table.key().is_some() && column.field == table.fields[0].name
                });
                assert!(is_single != has_key, "{}", family.name);
                let labels = family.label_names();
                let distinct: BTreeSet<_> = labels.iter().collect();
                assert_eq!(distinct.len(), labels.len(), "{}", family.name);
            }
        }
    }

    #[test]
    fn each_field_that_is_used_is_shown() {
        for endpoint in ENDPOINTS {
            for (place, table) in endpoint.tables().enumerate() {
                assert!(table.fields.len() <= MOST_FIELDS);
                for field in table.fields.iter().filter(|field| field.is_used()) {
                    let families = endpoint.families.iter();
                    let mut columns =
                        families
                            .filter(|family| family.table == place)
                            .flat_map(|family| {
                                let labels = family.labels.iter().map(|(_, column)| *column);
                                labels.chain(family.columns())
                            });
                    let is_inner = matches!(field.kind, Kind::Rows(_));
                    let is_time = field.kind == Kind::Date;
                    let is_shown = columns.any(|column| column.field == field.name);
                    assert!(is_shown || is_inner || is_time, "{}", field.name);
                }
            }
        }
    }
}
