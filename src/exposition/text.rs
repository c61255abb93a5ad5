//! The two text formats, by one writer: 0.0.4, and OpenMetrics 1.0.0.
//!
//! They differ in the lines before a family's samples, in the escaping of help, in the name of a
//! counter's family and in how a bucket's bound is spelled. Everything else is the same.

use std::fmt::Write as _;
use std::io::{self, Write};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::{family_name, unit_of};
use crate::base::strings::Strings;
use crate::catalog::agents::FAMILIES;
use crate::catalog::exporter::Kind;
use crate::catalog::{AGENT_ID, Family};
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

/// Writes the agents' families of `snapshot`.
///
/// # Errors
/// Those of `out`.
pub fn agents(dialect: Dialect, snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let labels = agent_labels(snapshot);
    let mut text = String::with_capacity(CHUNK + 4096);
    for family in FAMILIES {
        agent_family(dialect, family, snapshot, &labels, &mut text, out)?;
    }
    out.write_all(text.as_bytes())
}

/// One family; without a single sample it is not there at all.
fn agent_family(
    dialect: Dialect,
    family: &Family,
    snapshot: &Snapshot,
    labels: &Strings,
    text: &mut String,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut is_headed = false;
    for (row, agent) in snapshot.agents().zip(labels.iter()) {
        family.for_each_sample(row, |sample| {
            if !is_headed {
                is_headed = true;
                head(dialect, text, family.name, Kind::Gauge, &family.help());
            }
            text.push_str(family.name);
            text.push_str(agent);
            if let Some((name, value)) = sample.label {
                text.push(',');
                label(text, name, value);
            }
            text.push_str("} ");
            number(text, sample.value);
            text.push('\n');
        });
        if text.len() >= CHUNK {
            out.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    Ok(())
}

/// `{agent_id="…"` of every agent, escaped once and used in every family.
fn agent_labels(snapshot: &Snapshot) -> Strings {
    let around = AGENT_ID.len() + r#"{="""#.len();
    let lengths = snapshot.agents().map(|row| row.agent_id().len() + around);
    let mut labels = Strings::default();
    // Enough where nothing has to be escaped, which is nearly always.
    labels.reserve(snapshot.agents().len(), lengths.sum());
    for row in snapshot.agents() {
        labels.push_written(|text| {
            text.push('{');
            label(text, AGENT_ID, row.agent_id());
        });
    }
    labels
}

/// Writes families that the `prometheus` crate has gathered.
///
/// # Errors
/// Those of `out`.
pub fn families(
    dialect: Dialect,
    families: &[MetricFamily],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut text = String::new();
    for family in families {
        let kind = kind_of(family);
        head(dialect, &mut text, family.name(), kind, family.help());
        for metric in family.get_metric() {
            match kind {
                Kind::Gauge => sample(
                    &mut text,
                    family.name(),
                    metric,
                    None,
                    metric.get_gauge().get_value(),
                ),
                Kind::Counter => sample(
                    &mut text,
                    family.name(),
                    metric,
                    None,
                    metric.get_counter().get_value(),
                ),
                Kind::Histogram => histogram(dialect, &mut text, family.name(), metric),
            }
        }
    }
    out.write_all(text.as_bytes())
}

/// The kinds that the exporter has; there are no others in its registry.
pub(super) fn kind_of(family: &MetricFamily) -> Kind {
    match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ => Kind::Gauge,
    }
}

fn head(dialect: Dialect, text: &mut String, name: &str, kind: Kind, help: &str) {
    let type_name = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    };
    let mut shown_help = String::with_capacity(help.len());
    escaped(&mut shown_help, help, dialect == Dialect::OpenMetrics);
    match dialect {
        Dialect::Prometheus => {
            comment(text, "HELP", name, &shown_help);
            comment(text, "TYPE", name, type_name);
        }
        Dialect::OpenMetrics => {
            let name = family_name(name, kind);
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
