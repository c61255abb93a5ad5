//! Ten minutes of a Desk of which a third of all requests fails: nothing grows. Too long for every
//! day: `cargo test --test suite soak -- --ignored --nocapture`.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::desk::{Desk, Reply};
use crate::support::exporter::{Exporter, Setup};
use crate::support::rows;

const MINUTE: Duration = Duration::from_secs(60);

/// Resident bytes and open descriptors.
fn measure(exporter: &Exporter) -> (f64, f64) {
    let page = exporter.page();
    let value = |name| page.value(name, &[]).unwrap();
    (
        value("process_resident_memory_bytes"),
        value("process_open_fds"),
    )
}

#[test]
#[ignore = "takes ten minutes"]
fn a_soak() {
    let desk = Desk::with(rows::agents(300));
    desk.on_request(|n, _| match n % 12 {
        0 => Reply::Reset,
        3 => Reply::Error(141_002),
        6 => Reply::Truncated,
        9 => Reply::Status(503, vec![], "<html>".into()),
        _ => Reply::Normal,
    });
    let exporter = Setup::busily(&desk).start();
    exporter.wait_until_up();
    let mut figures = Vec::new();
    let start = Instant::now();
    for minute in 0..=10 {
        while start.elapsed() < MINUTE * minute {
            exporter.page();
            thread::sleep(Duration::from_millis(250));
        }
        let (memory, fds) = measure(&exporter);
        println!(
            "minute {minute}: {memory} bytes, {fds} descriptors, {} requests",
            desk.asked()
        );
        figures.push((memory, fds));
    }
    // The first minute warms up; after it the figures go up and down by some pages of the allocator.
    let (memory, fds) = figures[1];
    let (memory_at_last, fds_at_last) = figures[10];
    assert!(memory_at_last < 1.3 * memory, "{figures:?}");
    assert!(fds_at_last <= fds + 4.0, "{figures:?}");
}
