//! Whatever Desk, or what stands between, answers: an error, or rows that can be shown.
//!
//! The seeds are whole answers; what libFuzzer makes of them goes through the decoder of each endpoint, and
//! what that accepts through a snapshot into text, since that is what a scrape shows.

#![no_main]

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::base::clock::{DayWindow, Window};
use tencent_desk_exporter::catalog::{ENDPOINTS, Endpoint};
use tencent_desk_exporter::desk::Answer;
use tencent_desk_exporter::desk::reply::decode;
use tencent_desk_exporter::desk::call::Start;
use tencent_desk_exporter::exposition::coding::Coding;
use tencent_desk_exporter::exposition::snapshot::Snapshot;
use tencent_desk_exporter::exposition::{Format, Variant};

/// What a person's curl gets.
const PLAIN: Variant = Variant {
    format: Format::Text,
    coding: Coding::Identity,
};

fuzz_target!(|body: &[u8]| {
    for endpoint in ENDPOINTS {
        check(endpoint, body);
    }
});

fn check(endpoint: &'static Endpoint, body: &[u8]) {
    let mut answer = Answer::default();
    for call in endpoint.calls {
        let page = match decode(call, Start::default(), body) {
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
        answer.tables.extend(page.tables);
    }
    let day = DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap();
    let snapshot = Snapshot::new(endpoint, Window::Day(day), answer, Arc::default());
    let shown = PLAIN.families(&snapshot).unwrap();
    let text = PLAIN.coding.join(&[&shown]).concat();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value.is_finite(), "{line}");
    }
}
