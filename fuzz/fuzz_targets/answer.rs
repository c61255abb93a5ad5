//! Whatever Desk, or what stands between, answers: an error, or rows that can be shown.
//!
//! The seeds are whole answers; what libFuzzer makes of them goes through the decoder, and what that
//! accepts through a snapshot into a page, since that is what a scrape shows.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::clock::{DayWindow, Now};
use tencent_desk_exporter::desk::Listing;
use tencent_desk_exporter::desk::wire::{Field, decode};
use tencent_desk_exporter::page::Page;
use tencent_desk_exporter::snapshot::Snapshot;

fuzz_target!(|body: &[u8]| {
    let page = match decode(body) {
        Ok(page) => page,
        Err(error) => {
            assert!(error.to_string().chars().count() < 500);
            return;
        }
    };
    assert!(page.unknown_fields.len() <= 1000);
    assert!(
        page.unknown_fields
            .iter()
            .all(|name| name.chars().count() <= 64)
    );
    for row in &page.rows {
        assert!(!row.agent_id.is_empty());
        for field in Field::ALL {
            assert!(row.number(*field).is_none_or(f64::is_finite));
        }
    }
    let now = Now {
        wall: "2026-01-01T12:00:00Z".parse().unwrap(),
        mono: Instant::now(),
    };
    let listing = Listing {
        rows: page.rows,
        ..Listing::default()
    };
    let day = DayWindow::around(now.wall, &TimeZone::UTC).unwrap();
    let snapshot = Arc::new(Snapshot::new(listing, day));
    let shown = Page::render(&snapshot, now, Duration::from_secs(1)).unwrap();
    let text = std::str::from_utf8(&shown.text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value.is_finite(), "{line}");
    }
});
