//! What is asked of Desk and what it is called: the one place where a field becomes a metric.
//!
//! A [`Family`] says: this reading of a row is this metric, with this help. The exposition, the
//! README's reference, and the tests over dashboards and rules all follow from the tables here. [`agents`] is about the rows of `describe_agent_statistics`; another endpoint is
//! another file beside it. [`exporter`] is what the exporter says of itself.

pub mod agents;
pub mod exporter;

use crate::desk::table::{Field, Row};

/// How a row is read for one family.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// The number as it is.
    Number(Field),
    /// A Unix time; 0 means that there was no such instant.
    Timestamp(Field),
    /// An average, whose 0 means nothing where there was nothing to take it over.
    Average {
        /// The average itself.
        field: Field,
        /// How many sessions it was taken over.
        over: fn(Row<'_>) -> f64,
    },
    /// One count over another, where the other is more than 0.
    Ratio {
        /// The part.
        part: Field,
        /// The whole.
        whole: Field,
    },
    /// One sample for each value of a label.
    Split {
        /// The label's name.
        label: &'static str,
        /// Its values, and the field of each.
        parts: &'static [(&'static str, Field)],
    },
    /// Always 1, with the row's nickname as a label; one of blanks names the agent no better than none.
    Nickname {
        /// The label's name.
        label: &'static str,
    },
}

/// One metric about every agent.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The whole name, with the unit at its end (Prometheus' guideline on naming).
    pub name: &'static str,
    /// What it says, in half a sentence; [`Family::help`] says the rest.
    pub what: &'static str,
    /// How it is read from a row.
    pub reading: Reading,
}

/// One sample of one agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'r> {
    /// The label beside `agent_id`, if there is one.
    pub label: Option<(&'static str, &'r str)>,
    /// Finite.
    pub value: f64,
}

/// The label that every sample of an agent has.
pub const AGENT_ID: &str = "agent_id";

impl Family {
    /// The text behind `# HELP`.
    pub fn help(&self) -> String {
        let fields: Vec<_> = self.fields().map(Field::name).collect();
        format!(
            "{} (API field {} of describe_agent_statistics). Of Desk's present day, as Desk told it at the \
             last good poll, which is at most TENCENT_DESK_MAX_STALENESS ago.",
            self.what,
            fields.join(" / "),
        )
    }

    /// The fields of the API that it shows.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        let (single, parts): ([Option<Field>; 2], &[(&str, Field)]) = match self.reading {
            Reading::Number(field) | Reading::Timestamp(field) | Reading::Average { field, .. } => {
                ([Some(field), None], &[])
            }
            Reading::Ratio { part, whole } => ([Some(part), Some(whole)], &[]),
            Reading::Nickname { .. } => ([Some(Field::AgentNickName), None], &[]),
            Reading::Split { parts, .. } => ([None, None], parts),
        };
        single
            .into_iter()
            .flatten()
            .chain(parts.iter().map(|(_, field)| *field))
    }

    /// The name of its label beside `agent_id`, if there is one.
    pub fn label(&self) -> Option<&'static str> {
        match self.reading {
            Reading::Split { label, .. } | Reading::Nickname { label } => Some(label),
            _ => None,
        }
    }

    /// Hands each sample that `row` has for this family to `take`. Where there is nothing to say
    /// there is no sample: neither 0 nor NaN stands for "unknown".
    pub fn for_each_sample<'r>(&self, row: Row<'r>, mut take: impl FnMut(Sample<'r>)) {
        match self.reading {
            Reading::Split { label, parts } => {
                for &(part, field) in parts {
                    if let Some(value) = row.number(field) {
                        take(Sample {
                            label: Some((label, part)),
                            value,
                        });
                    }
                }
            }
            Reading::Nickname { label } => {
                let nickname = row.nickname();
                if let Some(nickname) = nickname.filter(|name| !name.trim().is_empty()) {
                    take(Sample {
                        label: Some((label, nickname)),
                        value: 1.0,
                    });
                }
            }
            Reading::Number(field) => take_if(row.number(field), take),
            Reading::Timestamp(field) => {
                take_if(row.number(field).filter(|&time| time != 0.0), take);
            }
            Reading::Average { field, over } => take_if(average(row, field, over), take),
            Reading::Ratio { part, whole } => take_if(ratio(row, part, whole), take),
        }
    }
}

fn take_if<'r>(value: Option<f64>, mut take: impl FnMut(Sample<'r>)) {
    if let Some(value) = value {
        take(Sample { label: None, value });
    }
}

/// An average of 0 over nothing is unknown. An average other than 0 speaks for itself, whatever the
/// counts beside it say.
fn average(row: Row<'_>, field: Field, over: fn(Row<'_>) -> f64) -> Option<f64> {
    let average = row.number(field)?;
    (average != 0.0 || over(row) > 0.0).then_some(average)
}

/// From 0 to 1, or nothing: a part that is more than its whole is not shown as a ratio.
fn ratio(row: Row<'_>, part: Field, whole: Field) -> Option<f64> {
    let whole = row.number(whole).filter(|&whole| whole > 0.0)?;
    let ratio = row.number(part)? / whole;
    (0.0..=1.0).contains(&ratio).then_some(ratio)
}
