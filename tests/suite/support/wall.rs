//! A wall clock that a test may set: the exporter under Debian's `faketime` and the fake Desk both
//! go by it. The tests' own clocks are left alone, and the monotonic one where nothing else is asked for.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{Timestamp, ToSpan, Zoned};
use tempfile::TempDir;

use super::desk::Desk;
use super::exporter::Setup;
use super::tools;

/// The real wall clock and some whole seconds. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Wall(Arc<Inside>);

struct Inside {
    seconds: AtomicI64,
    folder: TempDir,
}

impl Wall {
    /// It is `civil` time in `zone` now, as in `2026-11-01T23:50:00`.
    pub(crate) fn at(civil: &str, zone: &str) -> Wall {
        let wall = Wall(Arc::new(Inside {
            seconds: AtomicI64::new(0),
            folder: tempfile::tempdir().unwrap(),
        }));
        wall.set(civil, zone);
        wall
    }

    pub(crate) fn set(&self, civil: &str, zone: &str) {
        let wanted: Zoned = format!("{civil}[{zone}]").parse().unwrap();
        let seconds = wanted.timestamp().as_second() - Timestamp::now().as_second();
        self.0.seconds.store(seconds, Ordering::SeqCst);
        self.publish();
    }

    pub(crate) fn jump(&self, seconds: i64) {
        self.0.seconds.fetch_add(seconds, Ordering::SeqCst);
        self.publish();
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + self.0.seconds.load(Ordering::SeqCst).seconds()
    }

    /// A reader at this moment finds the old file or the new one, whole.
    fn publish(&self) {
        let seconds = self.0.seconds.load(Ordering::SeqCst);
        let draft = self.0.folder.path().join("draft");
        fs::write(&draft, format!("{seconds:+}\n")).unwrap();
        fs::rename(draft, self.file()).unwrap();
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.folder.path().join("offset")
    }

    /// Desk goes by this clock from now on.
    pub(crate) fn rule(&self, desk: &Desk) {
        let wall = self.clone();
        desk.use_clock(move || wall.now());
    }

    /// An exporter that goes by this clock.
    pub(crate) fn over(&self, setup: Setup) -> Setup {
        setup
            .env("LD_PRELOAD", tools::faketime_library())
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// One whose monotonic clock jumps as well, so that what it waits for comes when a test wants it.
    pub(crate) fn over_waits(&self, setup: Setup) -> Setup {
        self.over(setup).env("FAKETIME_DONT_FAKE_MONOTONIC", "0")
    }
}
