//! The two text formats, by one writer: 0.0.4, and OpenMetrics 1.0.0.
//!
//! They differ in the lines before a family's samples, in the escaping of help, in the name of a
//! counter's family and in how a bucket's bound is spelled. Everything else is the same.

use std::io::{self, Write};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::{family_name, unit_of};
use crate::catalog::agents::FAMILIES;
use crate::catalog::own::Kind;
use crate::catalog::{AGENT_ID, Family};
use crate::snapshot::Snapshot;

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
    let labels = AgentLabels::of(snapshot);
    let mut text = Vec::with_capacity(CHUNK + 4096);
    for family in FAMILIES {
        agent_family(dialect, family, snapshot, &labels, &mut text, out)?;
    }
    out.write_all(&text)
}

/// One family; without a single sample it is not there at all.
fn agent_family(
    dialect: Dialect,
    family: &Family,
    snapshot: &Snapshot,
    labels: &AgentLabels,
    text: &mut Vec<u8>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut is_headed = false;
    for (row, agent) in snapshot.rows.iter().zip(labels.iter()) {
        family.for_each_sample(row, |sample| {
            if !is_headed {
                is_headed = true;
                head(dialect, text, family.name, Kind::Gauge, &family.help());
            }
            text.extend_from_slice(family.name.as_bytes());
            text.extend_from_slice(agent);
            if let Some((name, value)) = sample.label {
                text.push(b',');
                label(text, name, value);
            }
            text.extend_from_slice(b"} ");
            number(text, sample.value);
            text.push(b'\n');
        });
        if text.len() >= CHUNK {
            out.write_all(text)?;
            text.clear();
        }
    }
    Ok(())
}

/// `{agent_id="…"` of every row, escaped once and used in every family.
struct AgentLabels {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl AgentLabels {
    fn of(snapshot: &Snapshot) -> Self {
        let lengths = snapshot.rows.iter().map(|row| row.agent_id().len());
        let around = AGENT_ID.len() + r#"{="""#.len();
        let mut labels = Self {
            // Enough where nothing has to be escaped, which is nearly always.
            text: Vec::with_capacity(lengths.map(|length| length + around).sum()),
            ends: Vec::with_capacity(snapshot.rows.len()),
        };
        for row in snapshot.rows.iter() {
            labels.text.push(b'{');
            label(&mut labels.text, AGENT_ID, row.agent_id());
            labels.ends.push(labels.text.len());
        }
        labels
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| self.text.get(start..end).unwrap_or_default())
    }
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
    let mut text = Vec::new();
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
    out.write_all(&text)
}

/// The kinds that the exporter has; there are no others in its registry.
pub(super) fn kind_of(family: &MetricFamily) -> Kind {
    match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ => Kind::Gauge,
    }
}

fn head(dialect: Dialect, text: &mut Vec<u8>, name: &str, kind: Kind, help: &str) {
    let type_name = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    };
    let mut shown_help = Vec::with_capacity(help.len());
    escaped(&mut shown_help, help, dialect == Dialect::OpenMetrics);
    let shown_type = type_name.as_bytes();
    match dialect {
        Dialect::Prometheus => {
            comment(text, "HELP", name, &shown_help);
            comment(text, "TYPE", name, shown_type);
        }
        Dialect::OpenMetrics => {
            let name = family_name(name, kind);
            comment(text, "TYPE", name, shown_type);
            if let Some(unit) = unit_of(name) {
                comment(text, "UNIT", name, unit.as_bytes());
            }
            comment(text, "HELP", name, &shown_help);
        }
    }
}

fn comment(text: &mut Vec<u8>, keyword: &str, name: &str, content: &[u8]) {
    for part in [
        b"# ",
        keyword.as_bytes(),
        b" ",
        name.as_bytes(),
        b" ",
        content,
        b"\n",
    ] {
        text.extend_from_slice(part);
    }
}

fn histogram(dialect: Dialect, text: &mut Vec<u8>, name: &str, metric: &Metric) {
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

fn sample(text: &mut Vec<u8>, name: &str, metric: &Metric, le: Option<&str>, value: f64) {
    text.extend_from_slice(name.as_bytes());
    let pairs = metric
        .get_label()
        .iter()
        .map(|pair: &LabelPair| (pair.name(), pair.value()));
    let mut opening = b'{';
    for (name, value) in pairs.chain(le.map(|le| ("le", le))) {
        text.push(opening);
        label(text, name, value);
        opening = b',';
    }
    if opening == b',' {
        text.push(b'}');
    }
    text.push(b' ');
    number(text, value);
    text.push(b'\n');
}

fn label(text: &mut Vec<u8>, name: &str, value: &str) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"=\"");
    escaped(text, value, true);
    text.push(b'"');
}

/// Backslashes and newlines escaped, and quotes where the text stands in quotes or wants them so.
fn escaped(text: &mut Vec<u8>, raw: &str, quotes: bool) {
    let raw = raw.as_bytes();
    if !raw.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'"')) {
        // Nearly always, and much cheaper at once than byte by byte.
        return text.extend_from_slice(raw);
    }
    for &byte in raw {
        match byte {
            b'\\' => text.extend_from_slice(br"\\"),
            b'\n' => text.extend_from_slice(br"\n"),
            b'"' if quotes => text.extend_from_slice(br#"\""#),
            _ => text.push(byte),
        }
    }
}

/// As Rust prints an `f64`: whole numbers without a point, all others by their shortest digits.
fn number(text: &mut Vec<u8>, value: f64) {
    const EXACT: u64 = 1 << 53;
    #[allow(clippy::cast_possible_truncation, reason = "compared right away")]
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() < EXACT {
        text.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        // Writing to a vector cannot fail.
        let _ = write!(text, "{value}");
    }
}
