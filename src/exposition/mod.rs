//! Families as bytes, in every format and coding that a scraper asks for.
//!
//! [`text`] writes both text formats, [`protobuf`] the third, [`coding`] compresses what they write
//! in pieces that can be joined, [`negotiate`] finds out which of them a scraper wants. What a
//! family is made of comes from the catalog, so there is no tree in between: a row's values go
//! straight into the text.

pub mod coding;
pub(crate) mod const_metrics;
pub mod page;
pub mod protobuf;
pub mod snapshot;
pub mod text;

use std::io::{self, Write};

use prometheus::proto::MetricFamily;

use crate::catalog::exporter::Kind;
use crate::exposition::snapshot::Snapshot;
use coding::{Coding, Encoder, Piece};

/// How families are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The text format 0.0.4: what a person's curl gets.
    Text,
    /// OpenMetrics 1.0.0: the first choice of every Prometheus.
    OpenMetrics,
    /// Delimited protobuf: the first choice of a Prometheus with native histograms.
    Protobuf,
}

/// A format in a coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// How families are written.
    pub format: Format,
    /// How that is compressed.
    pub coding: Coding,
}

impl Variant {
    /// What every Prometheus asks for unless told otherwise.
    pub const USUAL: Self = Self::of(Format::OpenMetrics, Coding::Gzip);

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::of(Format::Text, Coding::Identity),
        Self::of(Format::Text, Coding::Gzip),
        Self::of(Format::Text, Coding::Zstd),
        Self::of(Format::OpenMetrics, Coding::Identity),
        Self::of(Format::OpenMetrics, Coding::Gzip),
        Self::of(Format::OpenMetrics, Coding::Zstd),
        Self::of(Format::Protobuf, Coding::Identity),
        Self::of(Format::Protobuf, Coding::Gzip),
        Self::of(Format::Protobuf, Coding::Zstd),
    ];

    /// `format` in `coding`.
    pub const fn of(format: Format, coding: Coding) -> Self {
        Self { format, coding }
    }

    /// The same format in gzip.
    pub const fn in_gzip(self) -> Self {
        Self::of(self.format, Coding::Gzip)
    }

    /// The same format as it is.
    pub const fn plain(self) -> Self {
        Self::of(self.format, Coding::Identity)
    }

    /// Its place in [`Variant::ALL`].
    fn place(self) -> usize {
        self.format as usize * 3 + self.coding as usize
    }

    /// The agents' families of `snapshot`.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub fn agents(self, snapshot: &Snapshot) -> io::Result<Piece> {
        self.agents_within(usize::MAX, snapshot)
    }

    /// The same, if it is of `most` bytes at most.
    ///
    /// # Errors
    /// It is larger ([`io::ErrorKind::FileTooLarge`]).
    pub fn agents_within(self, most: usize, snapshot: &Snapshot) -> io::Result<Piece> {
        let mut encoder = Encoder::within(most, self.coding)?;
        match self.format {
            Format::Text => text::agents(text::Dialect::Prometheus, snapshot, &mut encoder),
            Format::OpenMetrics => text::agents(text::Dialect::OpenMetrics, snapshot, &mut encoder),
            Format::Protobuf => protobuf::agents(snapshot, &mut encoder),
        }?;
        encoder.finish()
    }

    /// The exporter's own families.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub fn own(self, families: &[MetricFamily]) -> io::Result<Piece> {
        self.short(|out| match self.format {
            Format::Text => text::families(text::Dialect::Prometheus, families, out),
            Format::OpenMetrics => text::families(text::Dialect::OpenMetrics, families, out),
            Format::Protobuf => protobuf::families(families, out),
        })
    }

    /// What stands behind the last family.
    ///
    /// # Errors
    /// Those of the encoder: none, writing into memory.
    pub fn end(self) -> io::Result<Piece> {
        self.short(|out| match self.format {
            Format::OpenMetrics => out.write_all(b"# EOF\n"),
            Format::Text | Format::Protobuf => Ok(()),
        })
    }

    fn short(self, write: impl FnOnce(&mut Encoder) -> io::Result<()>) -> io::Result<Piece> {
        let mut encoder = Encoder::short(self.coding);
        write(&mut encoder)?;
        encoder.finish()
    }
}

/// One of a kind for each variant.
#[derive(Debug, Clone, Default)]
pub struct ByVariant<T>([T; Variant::ALL.len()]);

#[expect(
    clippy::indexing_slicing,
    reason = "a test holds that every variant has a place"
)]
impl<T> ByVariant<T> {
    /// That of `variant`.
    pub fn of(&self, variant: Variant) -> &T {
        &self.0[variant.place()]
    }

    /// That of `variant`, to be changed.
    pub fn of_mut(&mut self, variant: Variant) -> &mut T {
        &mut self.0[variant.place()]
    }
}

/// The unit that a family's name ends in, where it is one of those that OpenMetrics wants named.
fn unit_of(family: &str) -> Option<&'static str> {
    ["seconds", "bytes", "ratio"].into_iter().find(|unit| {
        family
            .strip_suffix(unit)
            .is_some_and(|rest| rest.ends_with('_'))
    })
}

/// A counter's family, which OpenMetrics names without the `_total` of its samples.
fn family_name(name: &str, kind: Kind) -> &str {
    match kind {
        Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
        Kind::Gauge | Kind::Histogram => name,
    }
}

#[cfg(test)]
mod tests {
    use super::coding::Inflating;
    use super::*;
    use crate::base::clock::DayWindow;
    use crate::catalog::agents::FAMILIES;
    use crate::catalog::{AGENT_ID, Family};
    use crate::desk::Listing;
    use crate::desk::answer::decode;
    use crate::exposition::const_metrics::{gauge, gauge_family};
    use jiff::{Timestamp, tz::TimeZone};
    use prometheus::core::{Collector, Desc};
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
    use std::collections::HashMap;
    use std::io::Read as _;
    use std::sync::Arc;

    /// The same families as const metrics of the `prometheus` crate: the oracle.
    struct AgentCollector {
        family: &'static Family,
        desc: Desc,
        snapshot: Arc<Snapshot>,
    }

    impl AgentCollector {
        fn new(family: &'static Family, snapshot: &Arc<Snapshot>) -> Self {
            let labels = [AGENT_ID]
                .into_iter()
                .chain(family.label())
                .map(str::to_owned)
                .collect();
            let name = family.name.to_owned();
            let desc = Desc::new(name, family.help(), labels, HashMap::new()).unwrap();
            Self {
                family,
                desc,
                snapshot: snapshot.clone(),
            }
        }
    }

    impl Collector for AgentCollector {
        fn desc(&self) -> Vec<&Desc> {
            vec![&self.desc]
        }

        fn collect(&self) -> Vec<MetricFamily> {
            let mut samples = Vec::new();
            for row in self.snapshot.agents() {
                self.family.for_each_sample(row, |sample| {
                    let agent = [(AGENT_ID, row.agent_id())];
                    samples.push(gauge(agent.into_iter().chain(sample.label), sample.value));
                });
            }
            let family = gauge_family(&self.desc.fq_name, &self.desc.help, samples);
            if family.get_metric().is_empty() {
                Vec::new()
            } else {
                vec![family]
            }
        }
    }

    fn snapshot(data: &str) -> Arc<Snapshot> {
        let body = format!(r#"{{"ErrorCode":0,"TotalCount":0,"Data":{data}}}"#);
        let rows = decode(body.as_bytes()).unwrap().rows;
        let day = DayWindow::around(Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap();
        Arc::new(Snapshot::new(
            Listing {
                rows,
                ..Listing::default()
            },
            day,
        ))
    }

    /// Names that need escaping, and numbers of every shape.
    fn odd_snapshot() -> Arc<Snapshot> {
        let numbers = [
            "0",
            "1",
            "-7",
            "0.1",
            "1e21",
            "-1.5e-9",
            "9007199254740993",
            "123456789012",
            "1e300",
            "null",
        ];
        let rows: Vec<_> = (0..300)
            .map(|agent| {
                let fields: Vec<_> = crate::desk::table::Field::ALL[2..]
                    .iter()
                    .map(|field| format!(r#""{}":{}"#, field.name(), numbers[fastrand::usize(..numbers.len())]))
                    .collect();
                let fields = fields.join(",");
                format!(r#"{{"AgentId":"a\\\"\n{agent}","AgentNickName":"张伟 \\n \" \u0000 🎧",{fields}}}"#)
            })
            .collect();
        snapshot(&format!("[{}]", rows.join(",")))
    }

    fn plain(variant: Variant, pieces: [&Piece; 3]) -> Vec<u8> {
        let joined = variant.coding.join(pieces).concat();
        let mut plain = Vec::new();
        match variant.coding {
            Coding::Identity => return joined,
            // These readers stop after the first member, as curl does, and the first frame.
            Coding::Gzip => flate2::read::GzDecoder::new(joined.as_slice())
                .read_to_end(&mut plain)
                .unwrap(),
            Coding::Zstd => zstd::Decoder::new(joined.as_slice())
                .unwrap()
                .single_frame()
                .read_to_end(&mut plain)
                .unwrap(),
        };
        plain
    }

    #[test]
    fn the_text_of_agents_is_that_of_the_crates_encoder() {
        for snapshot in [
            odd_snapshot(),
            snapshot("[]"),
            snapshot(r#"[{"AgentId":"a","BusyTime":7}]"#),
        ] {
            let collected: Vec<_> = FAMILIES
                .iter()
                .flat_map(|family| AgentCollector::new(family, &snapshot).collect())
                .collect();
            let oracle = TextEncoder::new().encode_to_string(&collected).unwrap();
            let mut ours = Vec::new();
            text::agents(text::Dialect::Prometheus, &snapshot, &mut ours).unwrap();
            assert_eq!(String::from_utf8(ours).unwrap(), oracle);
        }
    }

    /// A counter and a histogram with something in them, as the exporter's registry gives them.
    fn gathered() -> Vec<MetricFamily> {
        let registry = Registry::new();
        let polls = IntCounterVec::new(
            Opts::new("polls_total", "Polls \\ \"and\"\nmore."),
            &["class"],
        )
        .unwrap();
        let took = HistogramOpts::new("took_seconds", "How long.").buckets(vec![0.25, 1.0, 10.0]);
        let took = HistogramVec::new(took, &["endpoint"]).unwrap();
        registry.register(Box::new(polls.clone())).unwrap();
        registry.register(Box::new(took.clone())).unwrap();
        polls.with_label_values(&["network"]).inc_by(3);
        took.with_label_values(&["a"]).observe(0.5);
        took.with_label_values(&["a"]).observe(20.0);
        registry.gather()
    }

    #[test]
    fn the_text_of_own_families_is_that_of_the_crates_encoder() {
        let mut ours = Vec::new();
        text::families(text::Dialect::Prometheus, &gathered(), &mut ours).unwrap();
        let oracle = TextEncoder::new().encode_to_string(&gathered()).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), oracle);
    }

    #[test]
    fn open_metrics_is_as_its_specification_has_it() {
        let variant = Variant::of(Format::OpenMetrics, Coding::Identity);
        let agents = variant
            .agents(&snapshot(r#"[{"AgentId":"a","BusyTime":7}]"#))
            .unwrap();
        let own = variant.own(&gathered()).unwrap();
        let whole = plain(variant, [&own, &agents, &variant.end().unwrap()]);
        let help = FAMILIES[3].help();
        let expected = format!(
            "# TYPE polls counter\n\
             # HELP polls Polls \\\\ \\\"and\\\"\\nmore.\n\
             polls_total{{class=\"network\"}} 3\n\
             # TYPE took_seconds histogram\n\
             # UNIT took_seconds seconds\n\
             # HELP took_seconds How long.\n\
             took_seconds_bucket{{endpoint=\"a\",le=\"0.25\"}} 0\n\
             took_seconds_bucket{{endpoint=\"a\",le=\"1.0\"}} 1\n\
             took_seconds_bucket{{endpoint=\"a\",le=\"10.0\"}} 1\n\
             took_seconds_bucket{{endpoint=\"a\",le=\"+Inf\"}} 2\n\
             took_seconds_sum{{endpoint=\"a\"}} 20.5\n\
             took_seconds_count{{endpoint=\"a\"}} 2\n\
             # TYPE tencent_desk_agent_state_seconds gauge\n\
             # UNIT tencent_desk_agent_state_seconds seconds\n\
             # HELP tencent_desk_agent_state_seconds {help}\n\
             tencent_desk_agent_state_seconds{{agent_id=\"a\",state=\"busy\"}} 7\n\
             # EOF\n"
        );
        assert_eq!(String::from_utf8(whole).unwrap(), expected);
    }

    #[test]
    fn joined_pieces_are_one_valid_answer_in_every_coding() {
        let snapshot = odd_snapshot();
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let whole = |coding| {
                let variant = Variant::of(format, coding);
                let own = variant.own(&gathered()).unwrap();
                let agents = variant.agents(&snapshot).unwrap();
                plain(variant, [&own, &agents, &variant.end().unwrap()])
            };
            let identity = whole(Coding::Identity);
            assert_eq!(whole(Coding::Gzip), identity);
            assert_eq!(whole(Coding::Zstd), identity);
            assert!(
                identity.len() > 100_000,
                "large enough to be written in chunks"
            );
        }
    }

    #[test]
    fn what_is_decompressed_as_it_is_read_is_what_was_compressed() {
        let snapshot = odd_snapshot();
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let piece = |coding| Variant::of(format, coding).agents(&snapshot).unwrap();
            let gzip = Arc::new(piece(Coding::Gzip));
            let mut inflating = Inflating::new(gzip);
            let length = inflating.left();
            let parts: Vec<_> = inflating.by_ref().map(Result::unwrap).collect();
            let plain = Coding::Identity.join([&piece(Coding::Identity)]).concat();
            assert!(parts.concat() == plain);
            assert_eq!((length, inflating.left()), (plain.len() as u64, 0));
            assert!(parts.len() > 1, "one at a time");
        }
        let nothing = Inflating::new(Arc::default());
        assert_eq!(nothing.count(), 0);
    }

    #[test]
    fn a_piece_is_as_large_as_it_may_be_or_is_not_there() {
        let snapshot = odd_snapshot();
        for variant in Variant::ALL {
            let size = variant.agents(&snapshot).unwrap().size();
            let within = |most| variant.agents_within(most, &snapshot);
            assert_eq!(within(size).unwrap().size(), size);
            for less in [size - 1, size / 2, 0] {
                let refusal = within(less).unwrap_err();
                assert_eq!(refusal.kind(), io::ErrorKind::FileTooLarge);
            }
        }
    }

    #[test]
    fn nothing_is_a_valid_answer_too() {
        for variant in Variant::ALL {
            let nothing = Piece::default();
            let whole = plain(variant, [&nothing, &nothing, &variant.end().unwrap()]);
            let is_open_metrics = variant.format == Format::OpenMetrics;
            assert_eq!(
                whole,
                if is_open_metrics { "# EOF\n" } else { "" }.as_bytes()
            );
        }
    }

    #[test]
    fn variants_know_their_place() {
        for (place, variant) in Variant::ALL.into_iter().enumerate() {
            assert_eq!(variant.place(), place);
        }
    }

    #[test]
    fn the_catalog_is_one_that_a_registry_takes() {
        let registry = Registry::new();
        for family in FAMILIES {
            registry
                .register(Box::new(AgentCollector::new(family, &snapshot("[]"))))
                .unwrap();
        }
    }
}
