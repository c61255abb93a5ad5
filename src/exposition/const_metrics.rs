//! Const metrics on the `prometheus` crate: a family out of samples that are there already.
//!
//! Nothing here is ever *set*. A family is made from what is known, encoded and dropped, so what is
//! no longer known leaves nothing behind.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::catalog::exporter::{self, Type};

/// One sample: its labels by name, and its value.
pub(crate) fn gauge<'l>(
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    value: f64,
) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(labels.into_iter().map(label_pair).collect());
    metric.set_gauge(gauge);
    metric
}

fn label_pair((name, value): (&str, &str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// A family of gauges.
pub(crate) fn gauge_family(name: &str, help: &str, samples: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(MetricType::GAUGE);
    family.set_metric(samples);
    family
}

/// What the exporter says of each of several things, by one label; nothing where there is no value.
pub(crate) fn by_label<'l>(
    own: exporter::Metric,
    label: &'l str,
    values: impl IntoIterator<Item = (&'l str, Option<f64>)>,
) -> Option<MetricFamily> {
    let samples: Vec<_> = values
        .into_iter()
        .filter_map(|(name, value)| Some(gauge([(label, name)], value?)))
        .collect();
    (!samples.is_empty()).then(|| gauge_family(own.name, own.help, samples))
}

/// What the exporter says of itself with one value and no labels; nothing where there is no value.
pub(crate) fn single(own: exporter::Metric, value: Option<f64>) -> Option<MetricFamily> {
    let value = value?;
    if own.metric_type == Type::Gauge {
        return Some(gauge_family(own.name, own.help, vec![gauge([], value)]));
    }
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    let mut family = gauge_family(own.name, own.help, vec![metric]);
    family.set_field_type(MetricType::COUNTER);
    Some(family)
}
