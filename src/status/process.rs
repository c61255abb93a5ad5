//! What the kernel says of this process, under the names that every Prometheus client uses.
//!
//! Our own, because the collector of the `prometheus` crate counts whole seconds of CPU only, which
//! is more than this program uses in an hour with a few hundred agents.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::proto::MetricFamily;
use rustix::time::{ClockId, clock_gettime};

use crate::base::descriptors;
use crate::catalog::exporter;
use crate::exposition::const_metrics::single;

/// The families of a process that began at `started`, by name. What cannot be read, as elsewhere than on Linux, is left
/// out.
pub(crate) fn families(started: Timestamp) -> impl Iterator<Item = MetricFamily> {
    let (virtual_bytes, resident_bytes) = memory().unzip();
    let most_fds = descriptors::most().map(|most| most as f64);
    [
        single(exporter::PROCESS_CPU, cpu_seconds()),
        single(exporter::PROCESS_MAX_FDS, most_fds),
        single(exporter::PROCESS_OPEN_FDS, open_fds()),
        single(exporter::PROCESS_RESIDENT, resident_bytes),
        single(exporter::PROCESS_START, Some(seconds(started))),
        single(exporter::PROCESS_VIRTUAL, virtual_bytes),
    ]
    .into_iter()
    .flatten()
}

/// Unix time with its fraction, as metrics have it.
pub(crate) fn seconds(instant: Timestamp) -> f64 {
    instant.as_duration().as_secs_f64()
}

fn cpu_seconds() -> Option<f64> {
    let spent = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime));
    Some(spent.ok()?.as_secs_f64())
}

/// Virtual and resident bytes: the first two numbers of `statm`, in pages.
fn memory() -> Option<(f64, f64)> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split(' ').map(str::parse::<u64>);
    let page_size = rustix::param::page_size() as f64;
    let mut bytes = || Some(pages.next()?.ok()? as f64 * page_size);
    Some((bytes()?, bytes()?))
}

fn open_fds() -> Option<f64> {
    // One of them is the listing itself.
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(listed.saturating_sub(1) as f64)
}
