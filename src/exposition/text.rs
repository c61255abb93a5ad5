//! The two text formats, by one writer: 0.0.4, and OpenMetrics 1.0.0.
//!
//! They differ in the lines before a family's samples, in the escaping of help, in the name of a
//! counter's family and in how a bucket's bound is spelled. Everything else is the same.

use std::fmt::Write as _;
use std::mem::replace;

use prometheus::proto::{Histogram, Metric, MetricFamily, MetricType};

use super::coding::Encoder;
use super::{Format, family_name, unit_of};
use crate::base::strings::Strings;
use crate::catalog::Family;
use crate::catalog::exporter::Type;
use crate::desk::call::Column;
use crate::exposition::snapshot::Snapshot;

/// Bytes that are gathered before they are compressed: memory stays flat, calls few.
const CHUNK: usize = 64 * 1024;

/// Writes the families of `snapshot`; one without a single sample is not there at all.
pub(super) fn snapshot(format: Format, snapshot: &Snapshot, out: &mut Encoder) {
    let mut text = String::with_capacity(CHUNK + 4096);
    let mut labels = RowLabels::default();
    for family in snapshot.endpoint.families {
        labels.are_those_of(family, snapshot);
        let mut is_headed = false;
        snapshot.for_each_sample(family, |place, sample| {
            if !replace(&mut is_headed, true) {
                let help = snapshot.endpoint.help(family);
                head(format, &mut text, family.name, Type::Gauge, &help);
            }
            let of_row = labels.of_rows.at(place);
            write_sample(&mut text, family.name, of_row, sample.label, sample.value);
            text.push('\n');
            if text.len() >= CHUNK {
                out.push(text.as_bytes());
                text.clear();
            }
        });
    }
    out.push(text.as_bytes());
}

/// The lines before the samples of a family whose samples [`stamped`] writes.
pub fn stamped_head(name: &str, help: &str) -> String {
    let mut text = String::new();
    head(Format::OpenMetrics, &mut text, name, Type::Gauge, help);
    text
}

/// The samples of `family` in OpenMetrics, each with a timestamp: a line for each, in the order of the rows. `of_target` is
/// what they have in common, as [`pairs`] writes it. `stamp` says, by the row's key, of which second in Unix time a row
/// is; without one it is left out.
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
        let mut labels = vec![labels.of_rows.at(place), of_target];
        labels.retain(|labels| !labels.is_empty());
        let labels = labels.join(",");
        let mut line = String::new();
        write_sample(&mut line, family.name, &labels, sample.label, sample.value);
        let mut digits = itoa::Buffer::new();
        line.extend([" ", digits.format(stamp), "\n"]);
        lines.push(line);
    });
    lines
}

/// What tells the series of a line of [`stamped`] from others.
pub fn series_of(line: &str) -> &str {
    // Neither the value nor the timestamp has a space.
    let mut parts = line.rsplitn(3, ' ');
    parts.nth(2).unwrap_or(line)
}

/// The labels of every row, escaped once and used in every family with the same labels.
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
        for row in snapshot.rows(family.table) {
            let labels = family.labels.iter();
            let labels = labels.map(|(name, column)| (*name, row.text(*column)));
            self.of_rows.push_written(|text| write_pairs(text, labels));
        }
    }
}

/// Writes families that the `prometheus` crate has gathered.
pub(super) fn gathered(format: Format, families: &[MetricFamily], out: &mut Encoder) {
    let mut text = String::new();
    for family in families {
        let (name, of) = (family.name(), type_of(family));
        head(format, &mut text, name, of, family.help());
        for metric in family.get_metric() {
            let labels = pairs(own_labels(metric));
            let value = match of {
                Type::Gauge => metric.get_gauge().get_value(),
                Type::Counter => metric.get_counter().get_value(),
                Type::Histogram => {
                    histogram(format, &mut text, name, &labels, metric.get_histogram());
                    continue;
                }
            };
            write_sample(&mut text, name, &labels, None, value);
            text.push('\n');
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

/// The labels of a metric of the exporter's registry.
pub(super) fn own_labels(metric: &Metric) -> impl Iterator<Item = (&str, &str)> {
    let labels = metric.get_label().iter();
    labels.map(|label| (label.name(), label.value()))
}

fn head(format: Format, text: &mut String, name: &str, of: Type, help: &str) {
    let type_name = match of {
        Type::Gauge => "gauge",
        Type::Counter => "counter",
        Type::Histogram => "histogram",
    };
    let is_open_metrics = format == Format::OpenMetrics;
    let mut shown_help = String::with_capacity(help.len());
    write_escaped(&mut shown_help, help, is_open_metrics);
    let name = match format {
        Format::OpenMetrics => family_name(name, of),
        _ => name,
    };
    let mut comment = |keyword, content: &str| {
        text.extend(["# ", keyword, " ", name, " ", content, "\n"]);
    };
    if is_open_metrics {
        comment("TYPE", type_name);
        if let Some(unit) = unit_of(name) {
            comment("UNIT", unit);
        }
        comment("HELP", &shown_help);
    } else {
        comment("HELP", &shown_help);
        comment("TYPE", type_name);
    }
}

fn histogram(format: Format, text: &mut String, name: &str, labels: &str, histogram: &Histogram) {
    let mut write = |suffix, le: Option<&str>, value| {
        let le = le.map(|le| ("le", le));
        write_sample(text, &format!("{name}_{suffix}"), labels, le, value);
        text.push('\n');
    };
    for bucket in histogram.get_bucket() {
        let bound = bucket.upper_bound();
        let bound = match format {
            // It is to look like a float.
            Format::OpenMetrics => format!("{bound:?}"),
            _ => bound.to_string(),
        };
        write("bucket", Some(&bound), bucket.cumulative_count() as f64);
    }
    let count = histogram.get_sample_count() as f64;
    write("bucket", Some("+Inf"), count);
    write("sum", None, histogram.get_sample_sum());
    write("count", None, count);
}

/// A sample up to its value: the name, the `labels` that [`pairs`] has written, one more, and the value.
fn write_sample(
    text: &mut String,
    name: &str,
    labels: &str,
    more: Option<(&str, &str)>,
    value: f64,
) {
    text.push_str(name);
    if labels.is_empty() && more.is_none() {
        text.push(' ');
    } else {
        text.push('{');
        text.push_str(labels);
        if let Some((name, value)) = more {
            text.push_str(if labels.is_empty() { "" } else { "," });
            write_label(text, name, value);
        }
        text.push_str("} ");
    }
    write_number(text, value);
}

/// Labels as they are written in a sample.
pub fn pairs<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    write_pairs(&mut text, labels);
    text
}

fn write_pairs<'l>(text: &mut String, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
    for (place, (name, value)) in labels.into_iter().enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        write_label(text, name, value);
    }
}

fn write_label(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str("=\"");
    write_escaped(text, value, true);
    text.push('"');
}

/// Backslashes and newlines escaped, and quotes where the text stands in quotes or wants them so.
fn write_escaped(text: &mut String, raw: &str, quotes: bool) {
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
fn write_number(text: &mut String, value: f64) {
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
