//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each with its length before it.
//!
//! Field numbers are those of `metrics.proto` in Prometheus' client_model. Three wire types are
//! enough, so this is written by hand, straight from the rows: a family is one buffer, not a tree.

use std::io::{self, Write};

use prometheus::proto::{Metric, MetricFamily};

use super::text::kind_of;
use super::{family_name, unit_of};
use crate::catalog::agents::FAMILIES;
use crate::catalog::exporter::Kind;
use crate::catalog::{AGENT_ID, Sample};
use crate::exposition::snapshot::Snapshot;

/// Writes the agents' families of `snapshot`.
///
/// # Errors
/// Those of `out`.
pub fn agents(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let mut message = Message::default();
    let mut metric = Message::default();
    for family in FAMILIES {
        message.0.clear();
        for row in snapshot.agents() {
            family.for_each_sample(row, |sample| {
                if message.0.is_empty() {
                    head(&mut message, family.name, &family.help(), Kind::Gauge);
                }
                agent_metric(&mut metric, row.agent_id(), &sample);
                message.bytes(4, &metric.0);
            });
        }
        delimited(&message, out)?;
    }
    Ok(())
}

fn agent_metric(metric: &mut Message, agent_id: &str, sample: &Sample<'_>) {
    metric.0.clear();
    label(metric, AGENT_ID, agent_id);
    if let Some((name, value)) = sample.label {
        label(metric, name, value);
    }
    value(metric, 2, sample.value);
}

/// Writes families that the `prometheus` crate has gathered.
///
/// # Errors
/// Those of `out`.
pub fn families(families: &[MetricFamily], out: &mut impl Write) -> io::Result<()> {
    for family in families {
        let kind = kind_of(family);
        let mut message = Message::default();
        head(&mut message, family.name(), family.help(), kind);
        for metric in family.get_metric() {
            message.message(4, |message| own_metric(message, metric, kind));
        }
        delimited(&message, out)?;
    }
    Ok(())
}

fn own_metric(message: &mut Message, metric: &Metric, kind: Kind) {
    for pair in metric.get_label() {
        label(message, pair.name(), pair.value());
    }
    match kind {
        Kind::Gauge => value(message, 2, metric.get_gauge().get_value()),
        Kind::Counter => value(message, 3, metric.get_counter().get_value()),
        Kind::Histogram => message.message(7, |message| histogram(message, metric)),
    }
}

/// A gauge or a counter: a message with one number.
fn value(message: &mut Message, field: u64, value: f64) {
    message.message(field, |message| message.double(1, value));
}

fn histogram(message: &mut Message, metric: &Metric) {
    let histogram = metric.get_histogram();
    message.integer(1, histogram.get_sample_count());
    message.double(2, histogram.get_sample_sum());
    for bucket in histogram.get_bucket() {
        message.message(3, |message| {
            message.integer(1, bucket.cumulative_count());
            message.double(2, bucket.upper_bound());
        });
    }
}

fn head(message: &mut Message, name: &str, help: &str, kind: Kind) {
    message.bytes(1, name.as_bytes());
    message.bytes(2, help.as_bytes());
    message.integer(
        3,
        match kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        },
    );
    if let Some(unit) = unit_of(family_name(name, kind)) {
        message.bytes(5, unit.as_bytes());
    }
}

fn label(message: &mut Message, name: &str, value: &str) {
    message.message(1, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.bytes(2, value.as_bytes());
    });
}

fn delimited(message: &Message, out: &mut impl Write) -> io::Result<()> {
    if message.0.is_empty() {
        return Ok(());
    }
    let mut length = Message::default();
    length.varint(message.0.len() as u64);
    out.write_all(&length.0)?;
    out.write_all(&message.0)
}

/// The fields of a message, as they are written one behind the other.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn integer(&mut self, field: u64, number: u64) {
        self.key(field, 0);
        self.varint(number);
    }

    fn double(&mut self, field: u64, number: f64) {
        self.key(field, 1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }
}
