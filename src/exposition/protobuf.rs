//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each with its length before it.
//!
//! Field numbers are those of `metrics.proto` in Prometheus' client_model. Three wire types are
//! enough, so this is written by hand, straight from the rows: a family is one buffer, not a tree.

use prometheus::proto::{Metric, MetricFamily};

use super::text::type_of;
use super::{Output, family_name, unit_of};
use crate::catalog::exporter::Type;
use crate::exposition::snapshot::Snapshot;

/// Writes the families of `snapshot`.
pub fn snapshot(snapshot: &Snapshot, out: &mut impl Output) {
    let mut message = Message::default();
    let mut metric = Message::default();
    for family in snapshot.endpoint.families {
        message.0.clear();
        let rows: Vec<_> = snapshot.rows(family.table).collect();
        snapshot.for_each_sample(family, |place, sample| {
            if message.0.is_empty() {
                head(
                    &mut message,
                    family.name,
                    &snapshot.endpoint.help(family),
                    Type::Gauge,
                );
            }
            metric.0.clear();
            if let Some(row) = rows.get(place) {
                for (name, column) in family.labels {
                    label(&mut metric, name, row.text(*column));
                }
            }
            if let Some((name, value)) = sample.label {
                label(&mut metric, name, value);
            }
            value(&mut metric, 2, sample.value);
            message.bytes(4, &metric.0);
        });
        delimited(&message, out);
    }
}

/// Writes families that the `prometheus` crate has gathered.
pub fn gathered(families: &[MetricFamily], out: &mut impl Output) {
    for family in families {
        let of = type_of(family);
        let mut message = Message::default();
        head(&mut message, family.name(), family.help(), of);
        for metric in family.get_metric() {
            message.message(4, |message| own_metric(message, metric, of));
        }
        delimited(&message, out);
    }
}

fn own_metric(message: &mut Message, metric: &Metric, of: Type) {
    for pair in metric.get_label() {
        label(message, pair.name(), pair.value());
    }
    match of {
        Type::Gauge => value(message, 2, metric.get_gauge().get_value()),
        Type::Counter => value(message, 3, metric.get_counter().get_value()),
        Type::Histogram => message.message(7, |message| histogram(message, metric)),
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

fn head(message: &mut Message, name: &str, help: &str, of: Type) {
    message.bytes(1, name.as_bytes());
    message.bytes(2, help.as_bytes());
    message.integer(
        3,
        match of {
            Type::Counter => 0,
            Type::Gauge => 1,
            Type::Histogram => 4,
        },
    );
    if let Some(unit) = unit_of(family_name(name, of)) {
        message.bytes(5, unit.as_bytes());
    }
}

fn label(message: &mut Message, name: &str, value: &str) {
    message.message(1, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.bytes(2, value.as_bytes());
    });
}

fn delimited(message: &Message, out: &mut impl Output) {
    if message.0.is_empty() {
        return;
    }
    let mut length = Message::default();
    length.varint(message.0.len() as u64);
    out.push(&length.0);
    out.push(&message.0);
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
