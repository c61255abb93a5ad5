//! What scrapers really ask for: `Accept` as it was captured from each of them.

pub(crate) const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
pub(crate) const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
pub(crate) const PROMETHEUS_2_53: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
pub(crate) const PROMETHEUS_3_5: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

pub(crate) const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8";
pub(crate) const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
pub(crate) const CURL: &str = "*/*";

/// The header of a Prometheus by its version, without native histograms; of another version, none is
/// known.
pub(crate) fn accept_of_prometheus(version: &str) -> Option<&'static str> {
    let known = [
        ("2.42.", PROMETHEUS_2_42),
        ("2.53.", PROMETHEUS_2_53),
        ("3.5.", PROMETHEUS_3_5),
    ];
    let found = known
        .into_iter()
        .find(|(start, _)| version.starts_with(start));
    found.map(|(_, accept)| accept)
}
