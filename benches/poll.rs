//! What a poll costs, step by step: decode, render, compress; and what a scrape decides.
//!
//! `cargo bench` prints medians; compare them within one run, as ratios. `benches/README.md` has the
//! figures of one such run, and the side-by-side measurement of whole scrapes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tencent_desk_exporter::base::clock::{Clock as _, DayWindow, SystemClock, Window};
use tencent_desk_exporter::catalog::agents::ENDPOINT;
use tencent_desk_exporter::desk::Answer;
use tencent_desk_exporter::desk::call::{LIMIT, Start};
use tencent_desk_exporter::desk::reply;
use tencent_desk_exporter::exposition::Variant;
use tencent_desk_exporter::exposition::coding::Coding;
use tencent_desk_exporter::exposition::page::Page;
use tencent_desk_exporter::exposition::snapshot::Snapshot;
use tencent_desk_exporter::http::negotiate::Choice;

const AGENTS: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// The bodies of all pages of so many agents, in the order of their ids.
fn pages(agents: usize) -> Vec<String> {
    pages_of(&(0..agents).collect::<Vec<_>>())
}

fn pages_of(numbers: &[usize]) -> Vec<String> {
    let agents = numbers.len();
    let page = |numbers: &[usize]| {
        let rows: Vec<_> = numbers.iter().map(|&number| row(number)).collect();
        format!(
            r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","TotalCount":{agents},"Data":[{}]}}"#,
            rows.join(",")
        )
    };
    numbers.chunks(LIMIT).map(page).collect()
}

fn row(number: usize) -> String {
    let mut row =
        format!(r#"{{"AgentId":"agent-{number:05}@desk.example","AgentNickName":"客服 {number}""#);
    let fields = ENDPOINT.calls.iter().flat_map(|call| call.tables);
    let fields = fields.flat_map(|table| table.fields);
    for (index, field) in fields.enumerate().skip(2) {
        let value = (number * 7919 + index * 104_729) % 5000 + 1;
        let _ = write!(row, r#","{}":{value}"#, field.name);
    }
    row.push('}');
    row
}

fn whole(pages: &[String]) -> Answer {
    let mut whole = Answer::default();
    for call in ENDPOINT.calls {
        for page in pages {
            if let Ok(page) = reply::decode(call, Start::default(), page.as_bytes()) {
                whole.append(page);
            }
        }
    }
    whole
}

fn of_today(answer: Answer) -> Option<Snapshot> {
    let day = DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).ok()?;
    Some(Snapshot::new(
        &ENDPOINT,
        Window::Day(day),
        answer,
        Arc::default(),
    ))
}

fn snapshot(agents: usize) -> Option<Snapshot> {
    of_today(whole(&pages(agents)))
}

#[divan::bench(args = AGENTS)]
fn decode(bencher: Bencher<'_, '_>, agents: usize) {
    let pages = pages(agents);
    bencher
        .counter(ItemsCount::new(agents))
        .bench(|| whole(black_box(&pages)));
}

#[divan::bench(args = AGENTS)]
fn sort(bencher: Bencher<'_, '_>, agents: usize) {
    let mut numbers: Vec<usize> = (0..agents).collect();
    fastrand::Rng::with_seed(1).shuffle(&mut numbers);
    let pages = pages_of(&numbers);
    bencher
        .counter(ItemsCount::new(agents))
        .with_inputs(|| whole(&pages))
        .bench_values(of_today);
}

#[divan::bench(args = AGENTS)]
fn whole_poll(bencher: Bencher<'_, '_>, agents: usize) {
    let pages = pages(agents);
    let now = SystemClock.now();
    bencher.counter(ItemsCount::new(agents)).bench(|| {
        let snapshot = of_today(whole(black_box(&pages)))?;
        Some(Page::render(
            snapshot,
            now,
            Duration::from_secs(300),
            &[Variant::USUAL],
        ))
    });
}

#[divan::bench(args = VARIANTS, consts = AGENTS)]
fn render<const N: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let variant = Variant::ALL
        .into_iter()
        .zip(VARIANTS)
        .find(|(_, known)| *known == name);
    if let (Some((variant, _)), Some(snapshot)) = (variant, snapshot(N)) {
        bencher
            .counter(ItemsCount::new(N))
            .bench(|| variant.families(black_box(&snapshot)));
    }
}

/// The names of [`Variant::ALL`], in its order.
const VARIANTS: [&str; 9] = [
    "text",
    "text_gzip",
    "text_zstd",
    "openmetrics",
    "openmetrics_gzip",
    "openmetrics_zstd",
    "protobuf",
    "protobuf_gzip",
    "protobuf_zstd",
];

/// What a scrape does with pages that are there: of one endpoint, or of six.
#[divan::bench(args = [1, 6])]
fn join(bencher: Bencher<'_, '_>, endpoints: usize) {
    let (own, end) = (Variant::USUAL.own(&[]), Variant::USUAL.end());
    if let Some(page) = snapshot(1_000).and_then(|snapshot| Variant::USUAL.families(&snapshot)) {
        let pages = std::iter::repeat_n(&page, endpoints);
        let pieces: Vec<_> = [&own].into_iter().chain(pages).chain([&end]).collect();
        bencher.bench(|| Variant::USUAL.coding.join(black_box(&pieces)));
    }
}

#[divan::bench]
fn negotiate() -> Coding {
    let accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    Choice::of(black_box(Some(accept)), black_box(Some("gzip")))
        .variant
        .coding
}
