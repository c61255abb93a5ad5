//! What negotiation and joining promise, on random input: whatever a header says gets an answer that
//! it does not exclude, and pieces, however cut, are one answer that every reader reads to its end.

// A test may panic: that is how it fails. Clippy's leave for tests does not reach their helpers.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Read as _;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;

use tencent_desk_exporter::exposition::coding::{Coding, Encoder, Piece};
use tencent_desk_exporter::exposition::{Format, Variant};
use tencent_desk_exporter::http::negotiate::Choice;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What we have, as a scraper asks for it by its full name.
const NAMES: [(&str, Format); 3] = [
    ("text/plain;version=0.0.4", Format::Text),
    (
        "application/openmetrics-text;version=1.0.0",
        Format::OpenMetrics,
    ),
    (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        Format::Protobuf,
    ),
];

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // What once failed is tried first from then on: commit the file.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/negotiation.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    }
}

/// A header made of what headers are made of, in no good order.
fn jumble() -> impl Strategy<Value = String> {
    const PIECES: [&str; 28] = [
        ",",
        ";",
        "=",
        " ",
        "\t",
        "\"",
        "q",
        "Q=",
        "q=0",
        "q=1",
        "q=0.5",
        "q=-1",
        "q=nan",
        "q=1e9",
        "*",
        "*/*",
        "/",
        "text/*",
        "application/*",
        "text/plain",
        "version=",
        "0.0.4",
        "escaping=dots",
        "application/openmetrics-text",
        "application/vnd.google.protobuf",
        "gzip",
        "zstd",
        "identity",
    ];
    let piece = prop_oneof![
        4 => select(&PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Qualities in thousandths, and how a scraper spells them.
fn quality() -> impl Strategy<Value = (u32, String)> {
    let spelled = |n: u32| format!("q={}.{:03}", n / 1000, n % 1000);
    prop_oneof![Just(0), Just(1000), 0..=1000_u32].prop_map(move |n| (n, spelled(n)))
}

/// `names` with a quality each, in any order.
fn ranked<T: Copy + std::fmt::Debug + 'static>(
    names: impl Into<Vec<(&'static str, T)>>,
) -> impl Strategy<Value = Vec<(T, u32, String)>> {
    let names: Vec<(&'static str, T)> = names.into();
    let qualities = vec(quality(), names.len());
    (Just(names).prop_shuffle(), qualities).prop_map(|(names, qualities)| {
        let ranked = names.into_iter().zip(qualities);
        ranked
            .map(|((name, what), (quality, spelled))| (what, quality, format!("{name};{spelled}")))
            .collect()
    })
}

fn header<T>(elements: &[(T, u32, String)]) -> String {
    let texts: Vec<&str> = elements.iter().map(|(_, _, text)| text.as_str()).collect();
    texts.join(" , ")
}

/// The first of the highest quality, unless that is 0.
fn best<T: Copy>(elements: &[(T, u32, String)]) -> Option<T> {
    let highest = elements.iter().map(|(_, quality, _)| *quality).max()?;
    let first = elements
        .iter()
        .find(|(_, quality, _)| *quality == highest)?;
    (highest > 0).then_some(first.0)
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn whatever_is_asked_there_is_an_answer(
        accept in option::of(jumble()),
        accept_encoding in option::of(jumble()),
    ) {
        let choice = Choice::of(accept.as_deref(), accept_encoding.as_deref());
        prop_assert!(Variant::ALL.contains(&choice.variant));
        let media_type = match choice.variant.format {
            Format::Text => "text/plain; version=",
            Format::OpenMetrics => "application/openmetrics-text; version=",
            Format::Protobuf => "application/vnd.google.protobuf; proto=",
        };
        prop_assert!(choice.content_type().to_str().is_ok_and(|text| text.starts_with(media_type)));
    }

    #[test]
    fn who_refuses_everything_gets_text(types in vec(select(&["*/*", "text/*", "application/*", NAMES[0].0, NAMES[1].0, NAMES[2].0]), 0..9)) {
        let refusals: Vec<String> = types.iter().map(|name| format!("{name};q=0")).collect();
        let choice = Choice::of(Some(&refusals.join(",")), Some("*;q=0,gzip;q=0,identity;q=0"));
        prop_assert_eq!(choice.content_type(), TEXT);
        prop_assert_eq!(choice.variant.coding, Coding::Identity);
    }

    #[test]
    fn the_best_of_the_formats_is_chosen(asked in ranked(NAMES), wild in option::of(quality())) {
        let mut accept = header(&asked);
        if let Some((_, spelled)) = wild {
            // A format that stands there by its name is not what a wildcard is about, but these are.
            accept.push_str(&format!(",image/*;{spelled},application/json;{spelled}"));
        }
        let expected = best(&asked).unwrap_or(Format::Text);
        prop_assert_eq!(Choice::of(Some(&accept), None).variant.format, expected, "{}", accept);
    }

    #[test]
    fn the_best_of_the_codings_is_chosen(
        asked in ranked([
            ("gzip", Some(Coding::Gzip)),
            ("zstd", Some(Coding::Zstd)),
            ("identity", Some(Coding::Identity)),
            ("br", None),
        ]),
        wild in option::of(quality()),
    ) {
        let ours: Vec<_> = asked.iter().filter_map(|(coding, q, text)| Some(((*coding)?, *q, text.clone()))).collect();
        let mut accept = header(&asked);
        if let Some((_, spelled)) = wild {
            accept.push_str(&format!(",*;{spelled}"));
        }
        let expected = best(&ours).unwrap_or(Coding::Identity);
        prop_assert_eq!(Choice::of(None, Some(&accept)).variant.coding, expected, "{}", accept);
    }
}

fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Identity => plain.extend_from_slice(bytes),
        // This reader stops after the first member, as curl does.
        Coding::Gzip => {
            let mut reader = flate2::bufread::GzDecoder::new(bytes);
            reader.read_to_end(&mut plain).unwrap();
            assert!(
                reader.into_inner().is_empty(),
                "nothing stands behind the member"
            );
        }
        // This one stops after the first frame.
        Coding::Zstd => {
            let mut rest = bytes;
            let reader = zstd::Decoder::with_buffer(&mut rest).unwrap();
            reader.single_frame().read_to_end(&mut plain).unwrap();
            assert!(rest.is_empty(), "nothing stands behind the frame");
        }
    }
    plain
}

/// A piece that is written in several goes.
fn piece(mut encoder: Encoder, writes: &[Vec<u8>]) -> Piece {
    for content in writes {
        encoder.push(content);
    }
    encoder.finish().unwrap()
}

/// Bytes that compress well, badly and not at all; some of them more than a compressor holds back.
fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..200),
        2 => (any::<u8>(), 0..200_000_usize).prop_map(|(byte, length)| vec![byte; length]),
        1 => (any::<u64>(), 0..200_000_usize).prop_map(|(seed, length)| {
            let mut dice = fastrand::Rng::with_seed(seed);
            std::iter::repeat_with(|| dice.u8(..)).take(length).collect()
        }),
    ]
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn pieces_however_cut_are_their_concatenation(
        writes in [vec(content(), 0..4), vec(content(), 0..4), vec(content(), 0..4)],
    ) {
        let whole = writes.concat().concat();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
            let [before, long, after] = &writes;
            let pieces = [
                &piece(Encoder::raw_within(usize::MAX, coding), before),
                &piece(Encoder::within(usize::MAX, coding), long),
                &piece(Encoder::raw_within(usize::MAX, coding), after),
            ];
            prop_assert!(decoded(coding, &coding.join(&pieces).concat()) == whole, "{coding:?}");
            let pieces = writes.each_ref().map(|writes| piece(Encoder::within(usize::MAX, coding), writes));
            let joined = coding.join(&pieces.each_ref()).concat();
            if coding == Coding::Zstd {
                prop_assert!(zstd::decode_all(joined.as_slice()).unwrap() == whole);
            } else {
                prop_assert!(decoded(coding, &joined) == whole, "{coding:?}");
            }
        }
    }
}
