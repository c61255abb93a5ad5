//! Whatever Desk, or what stands between, answers: an error, or rows that can be shown.
//!
//! The seeds are whole answers; what libFuzzer makes of them goes through the decoder, and what that
//! accepts through a snapshot into text, since that is what a scrape shows.

#![no_main]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::base::clock::DayWindow;
use tencent_desk_exporter::desk::Listing;
use tencent_desk_exporter::desk::table::Field;
use tencent_desk_exporter::desk::answer::decode;
use tencent_desk_exporter::exposition::coding::Coding;
use tencent_desk_exporter::exposition::{Format, Variant};
use tencent_desk_exporter::exposition::snapshot::Snapshot;

/// What a person's curl gets.
const PLAIN: Variant = Variant {
    format: Format::Text,
    coding: Coding::Identity,
};

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
    for row in page.rows.iter() {
        assert!(!row.agent_id().is_empty());
        for field in Field::ALL {
            assert!(row.number(*field).is_none_or(f64::is_finite));
        }
    }
    let listing = Listing {
        rows: page.rows,
        rows_without_id: page.rows_without_id,
        ..Listing::default()
    };
    let day = DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap();
    let snapshot = Snapshot::new(listing, day);
    let shown = PLAIN.agents(&snapshot).unwrap();
    let text = PLAIN.coding.join([&shown]).concat();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value.is_finite(), "{line}");
    }
});
