//! Families as bytes, in every format and coding that a scraper asks for.
//!
//! [`snapshot`] is one poll as a value, in which people are named as [`labels`] says, [`page`] the same as bytes. [`text`] writes both text formats,
//! [`protobuf`] the third, [`coding`] compresses what they write in pieces that can be joined. What a
//! family is made of comes from the catalog, so there is no tree in between: a row's values go
//! straight into the text.

pub mod coding;
pub(crate) mod const_metrics;
pub mod labels;
pub mod page;
pub mod protobuf;
pub mod snapshot;
pub mod text;

use prometheus::proto::MetricFamily;

use crate::catalog::Need;
use crate::catalog::exporter::Type;
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

    /// The families of `snapshot`.
    pub fn families(self, snapshot: &Snapshot) -> Option<Piece> {
        self.families_within(usize::MAX, snapshot)
    }

    /// The same, if that is of `most` bytes at most.
    pub fn families_within(self, most: usize, snapshot: &Snapshot) -> Option<Piece> {
        // In zstd one page of an answer can be compressed: the one that is there everywhere.
        let mut encoder = match snapshot.endpoint.need {
            Need::Required => Encoder::within(most, self.coding),
            Need::WhereServed => Encoder::raw_within(most, self.coding),
        };
        match self.format {
            Format::Protobuf => protobuf::snapshot(snapshot, &mut encoder),
            format => text::snapshot(format, snapshot, &mut encoder),
        }
        encoder.finish()
    }

    /// The exporter's own families.
    pub fn own(self, families: &[MetricFamily]) -> Piece {
        self.raw(|out| match self.format {
            Format::Protobuf => protobuf::gathered(families, out),
            format => text::gathered(format, families, out),
        })
    }

    /// What stands behind the last family.
    pub fn end(self) -> Piece {
        self.raw(|out| match self.format {
            Format::OpenMetrics => out.push(b"# EOF\n"),
            Format::Text | Format::Protobuf => {}
        })
    }

    fn raw(self, write: impl FnOnce(&mut Encoder)) -> Piece {
        let mut encoder = Encoder::raw_within(usize::MAX, self.coding);
        write(&mut encoder);
        // Of any size, and without a compressor that needs memory: it is there.
        encoder.finish().unwrap_or_default()
    }
}

/// The unit that a family's name ends in, where it is one of those that OpenMetrics wants named.
fn unit_of(family: &str) -> Option<&'static str> {
    let (_, last) = family.rsplit_once('_')?;
    let mut units = ["seconds", "bytes", "ratio"].into_iter();
    units.find(|unit| *unit == last)
}

/// A counter's family, which OpenMetrics names without the `_total` of its samples.
fn family_name(name: &str, of: Type) -> &str {
    match of {
        Type::Counter => name.strip_suffix("_total").unwrap_or(name),
        Type::Gauge | Type::Histogram => name,
    }
}

#[cfg(test)]
mod tests {
    use super::coding::Inflating;
    use super::const_metrics::{gauge, gauge_family};
    use super::*;
    use crate::catalog::agents::ENDPOINT;
    use crate::catalog::{ENDPOINTS, Family};
    use prometheus::core::{Collector, Desc};
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
    use std::collections::HashMap;
    use std::io::Read as _;
    use std::sync::Arc;

    /// The same families as const metrics of the `prometheus` crate: the oracle.
    struct Oracle {
        family: &'static Family,
        desc: Desc,
        snapshot: Arc<Snapshot>,
    }

    impl Oracle {
        fn new(family: &'static Family, snapshot: &Arc<Snapshot>) -> Self {
            let labels = family.label_names().into_iter().map(str::to_owned);
            let (name, help) = (family.name.to_owned(), snapshot.endpoint.help(family));
            let desc = Desc::new(name, help, labels.collect(), HashMap::new()).unwrap();
            Self {
                family,
                desc,
                snapshot: snapshot.clone(),
            }
        }
    }

    impl Collector for Oracle {
        fn desc(&self) -> Vec<&Desc> {
            vec![&self.desc]
        }

        fn collect(&self) -> Vec<MetricFamily> {
            let mut samples = Vec::new();
            let rows: Vec<_> = self.snapshot.rows(self.family.table).collect();
            self.snapshot.for_each_sample(self.family, |place, sample| {
                let of_row = self.family.labels.iter();
                let labels = of_row.map(|(name, column)| (*name, rows[place].text(*column)));
                samples.push(gauge(labels.chain(sample.label), sample.value));
            });
            let family = gauge_family(&self.desc.fq_name, &self.desc.help, samples);
            if family.get_metric().is_empty() {
                Vec::new()
            } else {
                vec![family]
            }
        }
    }

    fn snapshot(data: &str) -> Arc<Snapshot> {
        Arc::new(Snapshot::of_agents(data, &[]))
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
                let fields: Vec<_> = ENDPOINT.calls[0].tables[0].fields[2..]
                    .iter()
                    .map(|field| format!(r#""{}":{}"#, field.name, numbers[fastrand::usize(..numbers.len())]))
                    .collect();
                let fields = fields.join(",");
                format!(r#"{{"AgentId":"a\\\"\n{agent}","AgentNickName":"张伟 \\n \" \u0000 🎧",{fields}}}"#)
            })
            .collect();
        snapshot(&format!("[{}]", rows.join(",")))
    }

    fn plain(variant: Variant, pieces: [&Piece; 3]) -> Vec<u8> {
        let joined = variant.coding.join(&pieces).concat();
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
            let collected: Vec<_> = ENDPOINT
                .families
                .iter()
                .flat_map(|family| Oracle::new(family, &snapshot).collect())
                .collect();
            let oracle = TextEncoder::new().encode_to_string(&collected).unwrap();
            let ours = Variant::ALL[0].families(&snapshot).unwrap();
            assert_eq!(Coding::Identity.join(&[&ours]).concat(), oracle.as_bytes());
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
        let ours = Variant::ALL[0].own(&gathered());
        let oracle = TextEncoder::new().encode_to_string(&gathered()).unwrap();
        assert_eq!(Coding::Identity.join(&[&ours]).concat(), oracle.as_bytes());
    }

    #[test]
    fn open_metrics_is_as_its_specification_has_it() {
        let variant = Variant::of(Format::OpenMetrics, Coding::Identity);
        let agents = variant
            .families(&snapshot(r#"[{"AgentId":"a","BusyTime":7}]"#))
            .unwrap();
        let own = variant.own(&gathered());
        let whole = plain(variant, [&own, &agents, &variant.end()]);
        let help = ENDPOINT.help(&ENDPOINT.families[3]);
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
                let own = variant.own(&gathered());
                let agents = variant.families(&snapshot).unwrap();
                plain(variant, [&own, &agents, &variant.end()])
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
            let piece = |coding| Variant::of(format, coding).families(&snapshot).unwrap();
            let gzip = Arc::new(piece(Coding::Gzip));
            let mut inflating = Inflating::new(gzip);
            let length = inflating.left();
            let parts: Vec<_> = inflating.by_ref().map(Result::unwrap).collect();
            let plain = Coding::Identity.join(&[&piece(Coding::Identity)]).concat();
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
            let size = variant.families(&snapshot).unwrap().size();
            let within = |most| variant.families_within(most, &snapshot);
            assert_eq!(within(size).unwrap().size(), size);
            for less in [size - 1, size / 2, 0] {
                assert!(within(less).is_none());
            }
        }
    }

    #[test]
    fn nothing_is_a_valid_answer_too() {
        for variant in Variant::ALL {
            let nothing = Piece::default();
            let whole = plain(variant, [&nothing, &nothing, &variant.end()]);
            let is_open_metrics = variant.format == Format::OpenMetrics;
            assert_eq!(
                whole,
                if is_open_metrics { "# EOF\n" } else { "" }.as_bytes()
            );
        }
    }

    #[test]
    fn the_catalog_is_one_that_a_registry_takes() {
        let (registry, empty) = (Registry::new(), snapshot("[]"));
        for family in ENDPOINTS.iter().flat_map(|endpoint| endpoint.families) {
            registry
                .register(Box::new(Oracle::new(family, &empty)))
                .unwrap();
        }
    }
}
