//! What the kernel says of this process, under the names that every Prometheus client uses.
//!
//! Our own, because the collector of the `prometheus` crate counts whole seconds of CPU only, which
//! is more than this program uses in an hour with a few hundred agents.

use jiff::Timestamp;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::base::descriptors;
use crate::catalog::exporter;
use crate::exposition::const_metrics::single;

/// Reads `/proc/self` at each scrape; what cannot be read is left out.
#[derive(Debug)]
pub(crate) struct ProcessCollector {
    started: Timestamp,
}

impl ProcessCollector {
    /// `started` is when this process began.
    pub(crate) fn new(started: Timestamp) -> Self {
        Self { started }
    }
}

impl Collector for ProcessCollector {
    /// None: families with other names than the registry's own need no check against each other.
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (virtual_bytes, resident_bytes) = memory().unzip();
        [
            single(exporter::PROCESS_CPU, cpu_seconds()),
            single(exporter::PROCESS_RESIDENT, resident_bytes),
            single(exporter::PROCESS_VIRTUAL, virtual_bytes),
            single(exporter::PROCESS_OPEN_FDS, open_fds()),
            single(
                exporter::PROCESS_MAX_FDS,
                descriptors::most().map(|most| most as f64),
            ),
            single(exporter::PROCESS_START, Some(seconds(self.started))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Unix time with its fraction, as metrics have it.
pub(crate) fn seconds(instant: Timestamp) -> f64 {
    instant.as_duration().as_secs_f64()
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::time::{ClockId, clock_gettime};

    pub(super) fn cpu_seconds() -> Option<f64> {
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        std::time::Duration::try_from(spent)
            .ok()
            .map(|spent| spent.as_secs_f64())
    }

    /// Virtual and resident bytes: the first two numbers of `statm`, in pages.
    pub(super) fn memory() -> Option<(f64, f64)> {
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        let mut pages = statm.split(' ').map(str::parse::<u64>);
        let page_size = rustix::param::page_size() as f64;
        let mut bytes = || Some(pages.next()?.ok()? as f64 * page_size);
        Some((bytes()?, bytes()?))
    }

    pub(super) fn open_fds() -> Option<f64> {
        // One of them is the listing itself.
        let listed = std::fs::read_dir("/proc/self/fd").ok()?.count();
        Some(listed.saturating_sub(1) as f64)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    pub(super) fn cpu_seconds() -> Option<f64> {
        None
    }

    pub(super) fn memory() -> Option<(f64, f64)> {
        None
    }

    pub(super) fn open_fds() -> Option<f64> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
use elsewhere::{cpu_seconds, memory, open_fds};
#[cfg(target_os = "linux")]
use linux::{cpu_seconds, memory, open_fds};
