//! The two text formats, by one writer: 0.0.4, and OpenMetrics 1.0.0.
//!
//! They differ in the lines before a family's samples, in the escaping of help, in the name of a
//! counter's family and in how a bucket's bound is spelled. Everything else is the same.

use std::fmt::Write as _;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::{Output, family_name, unit_of};
use crate::base::strings::Strings;
use crate::catalog::Family;
use crate::catalog::exporter::Type;
use crate::desk::call::Column;
use crate::exposition::snapshot::Snapshot;

/// Bytes that are gathered before they are compressed: memory stays flat, calls few.
const CHUNK: usize = 64 * 1024;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.0, less the `# EOF` behind all families.
    OpenMetrics,
}

/// Writes the families of `snapshot`.
pub fn snapshot(dialect: Dialect, snapshot: &Snapshot, out: &mut impl Output) {
    let mut text = String::with_capacity(CHUNK + 4096);
    let mut labels = RowLabels::default();
    for family in snapshot.endpoint.families {
        labels.are_those_of(family, snapshot);
        write_family(dialect, family, snapshot, &labels.of_rows, &mut text, out);
    }
    out.push(text.as_bytes());
}

/// One family; without a single sample it is not there at all.
fn write_family(
    dialect: Dialect,
    family: &Family,
    snapshot: &Snapshot,
    labels: &Strings,
    text: &mut String,
    out: &mut impl Output,
) {
    let mut is_headed = false;
    snapshot.for_each_sample(family, |place, sample| {
        if !is_headed {
            is_headed = true;
            let help = snapshot.endpoint.help(family);
            head(dialect, text, family.name, Type::Gauge, &help);
        }
        series(text, family.name, labels.at(place), sample.label);
        number(text, sample.value);
        text.push('\n');
        if text.len() >= CHUNK {
            out.push(text.as_bytes());
            text.clear();
        }
    });
}

/// A sample up to its value: the name, the labels of its row as they are written, and one more.
fn series(text: &mut String, name: &str, of_row: &str, more: Option<(&str, &str)>) {
    text.push_str(name);
    text.push_str(of_row);
    if let Some((name, value)) = more {
        text.push(if of_row.is_empty() { '{' } else { ',' });
        label(text, name, value);
    }
    let has_labels = !of_row.is_empty() || more.is_some();
    text.push_str(if has_labels { "} " } else { " " });
}

/// The lines before the samples of a family whose samples [`stamped`] writes.
pub fn stamped_head(name: &str, help: &str) -> String {
    let mut text = String::new();
    head(Dialect::OpenMetrics, &mut text, name, Type::Gauge, help);
    text
}

/// The samples of `family` in OpenMetrics, each with a timestamp: a line for each, in the order of their series. `of_target`
/// is what they have in common, as it is written behind `{`. `stamp` says, by the row's key, of which second in Unix
/// time a row is; without one it is left out.
pub fn stamped(
    snapshot: &Snapshot,
    family: &Family,
    of_target: &str,
    stamp: impl Fn(&str) -> Option<i64>,
) -> Vec<String> {
    let mut labels = RowLabels::default();
    labels.are_those_of(family, snapshot);
    let stamps: Vec<_> = snapshot
        .rows(family.table)
        .map(|row| stamp(row.key()))
        .collect();
    let mut lines = Vec::new();
    snapshot.for_each_sample(family, |place, sample| {
        let Some(stamp) = stamps.get(place).copied().flatten() else {
            return;
        };
        let of_row = match (of_target, labels.of_rows.at(place)) {
            ("", of_row) => of_row.to_owned(),
            (_, "") => format!("{{{of_target}"),
            (_, of_row) => format!("{of_row},{of_target}"),
        };
        let mut line = String::new();
        series(&mut line, family.name, &of_row, sample.label);
        number(&mut line, sample.value);
        let mut digits = itoa::Buffer::new();
        line.extend([" ", digits.format(stamp), "\n"]);
        lines.push(line);
    });
    lines.sort_unstable_by(|one, other| series_of(one).cmp(series_of(other)));
    lines
}

/// What tells the series of a line of [`stamped`] from others.
pub fn series_of(line: &str) -> &str {
    // Neither the value nor the timestamp has a space.
    let mut parts = line.rsplitn(3, ' ');
    parts.nth(2).unwrap_or(line)
}

/// Pairs of labels as they are written in a sample.
pub fn pairs<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        if !text.is_empty() {
            text.push(',');
        }
        label(&mut text, name, value);
    }
    text
}

/// `{agent_id="…"` of every row, escaped once and used in every family with the same labels.
#[derive(Default)]
struct RowLabels {
    /// What they were last made for.
    of: Option<(usize, &'static [(&'static str, Column)])>,
    of_rows: Strings,
}

impl RowLabels {
    fn are_those_of(&mut self, family: &Family, snapshot: &Snapshot) {
        let of = Some((family.table, family.labels));
        if self.of == of {
            return;
        }
        self.of = of;
        self.of_rows = Strings::default();
        let rows = snapshot.rows(family.table);
        let values = rows.flat_map(|row| {
            family
                .labels
                .iter()
                .map(move |(_, column)| row.text(*column))
        });
        let names: usize = family
            .labels
            .iter()
            .map(|(name, _)| name.len() + r#"{="""#.len())
            .sum();
        let (count, length) = (
            snapshot.count(family.table),
            values.map(str::len).sum::<usize>(),
        );
        // Enough where nothing has to be escaped, which is nearly always.
        self.of_rows.reserve(count, length + names * count);
        for row in snapshot.rows(family.table) {
            self.of_rows.push_written(|text| {
                for (place, (name, column)) in family.labels.iter().enumerate() {
                    text.push(if place == 0 { '{' } else { ',' });
                    label(text, name, row.text(*column));
                }
            });
        }
    }
}

/// Writes families that the `prometheus` crate has gathered.
pub fn gathered(dialect: Dialect, families: &[MetricFamily], out: &mut impl Output) {
    let mut text = String::new();
    for family in families {
        let (name, of) = (family.name(), type_of(family));
        head(dialect, &mut text, name, of, family.help());
        for metric in family.get_metric() {
            let value = match of {
                Type::Gauge => metric.get_gauge().get_value(),
                Type::Counter => metric.get_counter().get_value(),
                Type::Histogram => {
                    histogram(dialect, &mut text, name, metric);
                    continue;
                }
            };
            sample(&mut text, name, metric, None, value);
        }
    }
    out.push(text.as_bytes());
}

/// The types that the exporter has; there are no others in its registry.
pub(super) fn type_of(family: &MetricFamily) -> Type {
    match family.get_field_type() {
        MetricType::COUNTER => Type::Counter,
        MetricType::HISTOGRAM => Type::Histogram,
        _ => Type::Gauge,
    }
}

fn head(dialect: Dialect, text: &mut String, name: &str, of: Type, help: &str) {
    let type_name = match of {
        Type::Gauge => "gauge",
        Type::Counter => "counter",
        Type::Histogram => "histogram",
    };
    let mut shown_help = String::with_capacity(help.len());
    escaped(&mut shown_help, help, dialect == Dialect::OpenMetrics);
    match dialect {
        Dialect::Prometheus => {
            comment(text, "HELP", name, &shown_help);
            comment(text, "TYPE", name, type_name);
        }
        Dialect::OpenMetrics => {
            let name = family_name(name, of);
            comment(text, "TYPE", name, type_name);
            if let Some(unit) = unit_of(name) {
                comment(text, "UNIT", name, unit);
            }
            comment(text, "HELP", name, &shown_help);
        }
    }
}

fn comment(text: &mut String, keyword: &str, name: &str, content: &str) {
    text.extend(["# ", keyword, " ", name, " ", content, "\n"]);
}

fn histogram(dialect: Dialect, text: &mut String, name: &str, metric: &Metric) {
    let histogram = metric.get_histogram();
    let name_of = |suffix| format!("{name}_{suffix}");
    for bucket in histogram.get_bucket() {
        let bound = bound(dialect, bucket.upper_bound());
        sample(
            text,
            &name_of("bucket"),
            metric,
            Some(&bound),
            bucket.cumulative_count() as f64,
        );
    }
    let count = histogram.get_sample_count() as f64;
    sample(text, &name_of("bucket"), metric, Some("+Inf"), count);
    sample(
        text,
        &name_of("sum"),
        metric,
        None,
        histogram.get_sample_sum(),
    );
    sample(text, &name_of("count"), metric, None, count);
}

/// OpenMetrics wants the bound of a bucket to look like a float.
fn bound(dialect: Dialect, bound: f64) -> String {
    match dialect {
        Dialect::OpenMetrics if bound.fract() == 0.0 => format!("{bound}.0"),
        _ => bound.to_string(),
    }
}

fn sample(text: &mut String, name: &str, metric: &Metric, le: Option<&str>, value: f64) {
    text.push_str(name);
    let pairs = metric
        .get_label()
        .iter()
        .map(|pair: &LabelPair| (pair.name(), pair.value()));
    let mut opening = '{';
    for (name, value) in pairs.chain(le.map(|le| ("le", le))) {
        text.push(opening);
        label(text, name, value);
        opening = ',';
    }
    if opening == ',' {
        text.push('}');
    }
    text.push(' ');
    number(text, value);
    text.push('\n');
}

fn label(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str("=\"");
    escaped(text, value, true);
    text.push('"');
}

/// Backslashes and newlines escaped, and quotes where the text stands in quotes or wants them so.
fn escaped(text: &mut String, raw: &str, quotes: bool) {
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'"');
    if !raw.as_bytes().iter().any(is_special) {
        // Nearly always, and much cheaper at once than one by one.
        return text.push_str(raw);
    }
    for symbol in raw.chars() {
        match symbol {
            '\\' => text.push_str(r"\\"),
            '\n' => text.push_str(r"\n"),
            '"' if quotes => text.push_str(r#"\""#),
            _ => text.push(symbol),
        }
    }
}

/// As Rust prints an `f64`: whole numbers without a point, all others by their shortest digits.
fn number(text: &mut String, value: f64) {
    const EXACT: u64 = 1 << 53;
    #[allow(clippy::cast_possible_truncation, reason = "compared right away")]
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() < EXACT {
        text.push_str(itoa::Buffer::new().format(whole));
    } else {
        // Writing to a string cannot fail.
        let _ = write!(text, "{value}");
    }
}
