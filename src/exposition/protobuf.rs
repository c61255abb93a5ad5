//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each with its length before it.
//!
//! Field numbers are those of `metrics.proto` in Prometheus' client_model. Three wire types are
//! enough, so this is written by hand, straight from the rows: a family is one buffer, not a tree.

use prometheus::proto::{Histogram, MetricFamily};

use super::coding::Encoder;
use super::text::{own_labels, type_of};
use super::{family_name, unit_of};
use crate::catalog::exporter::Type;
use crate::exposition::snapshot::Snapshot;

/// Writes the families of `snapshot`.
pub(super) fn snapshot(snapshot: &Snapshot, out: &mut Encoder) {
    for family in snapshot.endpoint.families {
        let mut message = Message::default();
        let rows: Vec<_> = snapshot.rows(family.table).collect();
        snapshot.for_each_sample(family, |place, sample| {
            if message.0.is_empty() {
                let help = snapshot.endpoint.help(family);
                head(&mut message, family.name, &help, Type::Gauge);
            }
            message.message(4, |metric| {
                if let Some(row) = rows.get(place) {
                    let of_row = family.labels.iter();
                    labels(
                        metric,
                        of_row.map(|(name, column)| (*name, row.text(*column))),
                    );
                }
                labels(metric, sample.label);
                value(metric, 2, sample.value);
            });
        });
        delimited(&message, out);
    }
}

/// Writes families that the `prometheus` crate has gathered.
pub(super) fn gathered(families: &[MetricFamily], out: &mut Encoder) {
    for family in families {
        let of = type_of(family);
        let mut message = Message::default();
        head(&mut message, family.name(), family.help(), of);
        for own in family.get_metric() {
            message.message(4, |metric| {
                labels(metric, own_labels(own));
                match of {
                    Type::Gauge => value(metric, 2, own.get_gauge().get_value()),
                    Type::Counter => value(metric, 3, own.get_counter().get_value()),
                    Type::Histogram => {
                        metric.message(7, |message| histogram(message, own.get_histogram()));
                    }
                }
            });
        }
        delimited(&message, out);
    }
}

/// A gauge or a counter: a message with one number.
fn value(message: &mut Message, field: u64, value: f64) {
    message.message(field, |message| message.double(1, value));
}

fn histogram(message: &mut Message, histogram: &Histogram) {
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
    let type_number = match of {
        Type::Counter => 0,
        Type::Gauge => 1,
        Type::Histogram => 4,
    };
    message.integer(3, type_number);
    if let Some(unit) = unit_of(family_name(name, of)) {
        message.bytes(5, unit.as_bytes());
    }
}

fn labels<'l>(message: &mut Message, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
    for (name, value) in labels {
        message.message(1, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.bytes(2, value.as_bytes());
        });
    }
}

fn delimited(message: &Message, out: &mut Encoder) {
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

    /// A message within this one. It is written where it is, and its length moved before it.
    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        self.key(field, 2);
        let start = self.0.len();
        write(self);
        let end = self.0.len();
        self.varint((end - start) as u64);
        let digits = self.0.len() - end;
        if let Some(written) = self.0.get_mut(start..) {
            written.rotate_right(digits);
        }
    }
}
