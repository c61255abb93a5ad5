//! Which variant a scraper wants, by its `Accept` and `Accept-Encoding` (RFC 9110, section 12.5).
//!
//! Whatever it says gets an answer: a request that accepts nothing that we have is answered with the
//! plain text format, never with 406: a page in another format is of more use than none.

use crate::exposition::coding::Coding;
use crate::exposition::{Format, Variant};

/// What to answer with, and how to call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The bytes.
    pub variant: Variant,
    version: &'static str,
    escaping: Option<&'static str>,
}

impl Choice {
    /// Reads the two headers; several of one name are joined with commas by the caller.
    pub fn of(accept: Option<&str>, accept_encoding: Option<&str>) -> Self {
        let coding = coding(accept_encoding.unwrap_or_default());
        let (format, version, escaping) =
            accept
                .and_then(format)
                .unwrap_or((Format::Text, "0.0.4", None));
        Self {
            variant: Variant { format, coding },
            version,
            escaping,
        }
    }

    /// The value of `Content-Type`. Prometheus 3 refuses an answer without one that it knows.
    pub fn content_type(&self) -> String {
        let version = self.version;
        let base = match self.variant.format {
            Format::Text => format!("text/plain; version={version}; charset=utf-8"),
            Format::OpenMetrics => format!("application/openmetrics-text; version={version}; charset=utf-8"),
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited".to_owned()
            }
        };
        match self.escaping {
            Some(escaping) => format!("{base}; escaping={escaping}"),
            None => base,
        }
    }
}

/// The representations that we have, in the order that decides where a scraper does not care.
const OFFERS: [(Format, &str); 5] = [
    (Format::Text, "0.0.4"),
    (Format::Text, "1.0.0"),
    (Format::OpenMetrics, "1.0.0"),
    (Format::OpenMetrics, "0.0.1"),
    (Format::Protobuf, ""),
];

/// Schemes of escaping by which Prometheus 3 asks. Our names need none, so each is kept by itself.
const ESCAPINGS: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

/// A format, its version and its scheme of escaping.
type Named = (Format, &'static str, Option<&'static str>);

/// One element of `Accept`.
struct Range<'h> {
    media_type: &'h str,
    parameters: Vec<(&'h str, &'h str)>,
    quality: u32,
}

/// The best of [`OFFERS`]: each has the quality of the most specific range that matches it; among
/// equals, the range that stands first wins, and then the order of the offers.
fn format(accept: &str) -> Option<Named> {
    let ranges: Vec<Range<'_>> = split(accept, ',').filter_map(range).collect();
    let mut best: Option<(u32, usize, Named)> = None;
    for (format, version) in OFFERS {
        let Some((place, range)) = most_specific(&ranges, format, version) else {
            continue;
        };
        let is_better = best.is_none_or(|(quality, earlier, _)| {
            range.quality > quality || (range.quality == quality && place < earlier)
        });
        if range.quality > 0 && is_better {
            best = Some((range.quality, place, (format, version, range.escaping())));
        }
    }
    best.map(|(_, _, chosen)| chosen)
}

fn most_specific<'r, 'h>(
    ranges: &'r [Range<'h>],
    format: Format,
    version: &str,
) -> Option<(usize, &'r Range<'h>)> {
    let matching = ranges
        .iter()
        .enumerate()
        .filter_map(|(place, range)| Some((range.specificity(format, version)?, place, range)));
    // The first of the most specific ones: `max_by_key` would take the last.
    matching
        .min_by_key(|(specificity, place, _)| (u8::MAX - specificity, *place))
        .map(|(_, place, range)| (place, range))
}

impl Range<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    /// How closely it matches an offer; `None` where it does not.
    fn specificity(&self, format: Format, version: &str) -> Option<u8> {
        let is = |name: &str| self.media_type.eq_ignore_ascii_case(name);
        let own_type = match format {
            Format::Text => "text/plain",
            Format::OpenMetrics => "application/openmetrics-text",
            Format::Protobuf => "application/vnd.google.protobuf",
        };
        let own_group = if format == Format::Text {
            "text/*"
        } else {
            "application/*"
        };
        if is("*/*") {
            return Some(0);
        }
        if is(own_group) {
            return Some(1);
        }
        (is(own_type) && self.allows(format, version)).then(|| match self.parameter("version") {
            Some(_) => 3,
            None => 2,
        })
    }

    /// Whether its parameters allow an offer of its own type.
    fn allows(&self, format: Format, version: &str) -> bool {
        match format {
            Format::Protobuf => {
                self.parameter("proto") == Some("io.prometheus.client.MetricFamily")
                    && self.parameter("encoding") == Some("delimited")
            }
            Format::Text | Format::OpenMetrics => self
                .parameter("version")
                .is_none_or(|asked| asked == version),
        }
    }

    fn escaping(&self) -> Option<&'static str> {
        let asked = self.parameter("escaping")?;
        ESCAPINGS.into_iter().find(|known| *known == asked)
    }
}

fn range(element: &str) -> Option<Range<'_>> {
    let mut parts = split(element, ';');
    let media_type = parts.next().filter(|media_type| media_type.contains('/'))?;
    let parameters: Vec<(&str, &str)> = parts.filter_map(parameter).collect();
    let quality = quality(&parameters)?;
    Some(Range {
        media_type,
        parameters,
        quality,
    })
}

fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// In thousandths; 1 where it is not given, and nothing at all where it is garbage.
fn quality(parameters: &[(&str, &str)]) -> Option<u32> {
    let Some((_, value)) = parameters
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("q"))
    else {
        return Some(1000);
    };
    let quality = value
        .parse::<f64>()
        .ok()
        .filter(|quality| (0.0..=1.0).contains(quality))?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 1000"
    )]
    Some((quality * 1000.0).round() as u32)
}

/// The codings that we have, by their names. Where one stands for all (`*`), the first of them is
/// meant: what everybody reads stands first.
const CODINGS: [(Coding, &[&str]); 3] = [
    (Coding::Gzip, &["gzip", "x-gzip"]),
    (Coding::Identity, &["identity"]),
    (Coding::Zstd, &["zstd"]),
];

/// The coding of the highest quality, by its own name or else by `*`; among equals, the one whose name
/// stands first, and then the order of [`CODINGS`].
fn coding(accept_encoding: &str) -> Coding {
    let named: Vec<(&str, u32)> = split(accept_encoding, ',')
        .filter_map(coding_name)
        .collect();
    let place_of = |names: &[&str]| {
        let is_one = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        named.iter().position(|(name, _)| is_one(name))
    };
    let mut best: Option<(u32, usize, Coding)> = None;
    for (coding, names) in CODINGS {
        let place = place_of(names).or_else(|| place_of(&["*"]));
        let Some((place, quality)) = place.and_then(|at| Some((at, named.get(at)?.1))) else {
            continue;
        };
        let is_better = best.is_none_or(|(highest, earlier, _)| {
            quality > highest || (quality == highest && place < earlier)
        });
        if quality > 0 && is_better {
            best = Some((quality, place, coding));
        }
    }
    best.map_or(Coding::Identity, |(_, _, coding)| coding)
}

/// One element of `Accept-Encoding`; nothing where its quality is garbage.
fn coding_name(element: &str) -> Option<(&str, u32)> {
    let mut parts = split(element, ';');
    let name = parts.next()?;
    let parameters: Vec<_> = parts.filter_map(parameter).collect();
    Some((name, quality(&parameters)?))
}

fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_53: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const PROMETHEUS_3_5: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    fn answered(accept: &str) -> String {
        Choice::of(Some(accept), None).content_type()
    }

    #[test]
    fn each_prometheus_gets_its_first_choice() {
        let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answered(PROMETHEUS_2_42), open_metrics);
        assert_eq!(answered(PROMETHEUS_2_53), open_metrics);
        assert_eq!(
            answered(PROMETHEUS_3_5),
            format!("{open_metrics}; escaping=allow-utf-8")
        );
        let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        for accept in [PROMETHEUS_2_42, PROMETHEUS_2_53] {
            assert_eq!(answered(&format!("{PROTOBUF},{accept}")), protobuf);
        }
        assert_eq!(
            answered(&format!(
                "{PROTOBUF};escaping=allow-utf-8;q=0.7,{PROMETHEUS_3_5}"
            )),
            format!("{protobuf}; escaping=allow-utf-8")
        );
    }

    #[test]
    fn whoever_asks_for_nothing_that_we_have_gets_text() {
        let text = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(Choice::of(None, None).content_type(), text);
        for accept in [
            "",
            "*/*",
            "text/*",
            "text/plain",
            "application/json",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/openmetrics-text;version=7.0.0",
            "application/vnd.google.protobuf",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=much",
            ";;;,,,=,q=,/",
            "\u{7f}\u{80}",
        ] {
            assert_eq!(answered(accept), text, "{accept}");
        }
    }

    #[test]
    fn quality_and_order_decide_and_zero_excludes() {
        assert!(
            answered("text/plain;q=0.5,application/openmetrics-text;q=0.6").contains("openmetrics")
        );
        assert!(answered("text/plain,application/openmetrics-text").starts_with("text/plain"));
        assert!(answered("application/openmetrics-text,text/plain").contains("openmetrics"));
        assert!(answered("*/*,text/plain;q=0").contains("openmetrics"));
        assert!(answered("*/*;q=0,text/plain;q=0").starts_with("text/plain; version=0.0.4"));
        assert!(answered("application/*").contains("openmetrics"));
        assert!(
            answered("Text/Plain; Version=1.0.0 ; ESCAPING=\"dots\"; Q=0.3")
                .ends_with("version=1.0.0; charset=utf-8; escaping=dots")
        );
        assert!(!answered("text/plain;escaping=anything").contains("escaping"));
    }

    #[test]
    fn codings_likewise() {
        for (accept, coding) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Gzip),
            ("zstd, gzip", Coding::Zstd),
            ("gzip;q=0.5, zstd;q=0.6", Coding::Zstd),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0, *", Coding::Identity),
            ("gzip;q=0.2, zstd;q=0.5, *;q=0.9", Coding::Identity),
            ("*;q=0.5, gzip;q=0.2, zstd;q=0.6", Coding::Zstd),
            ("*, gzip;q=0", Coding::Identity),
            ("x-gzip;q=0.5, *;q=0.1", Coding::Gzip),
            ("*", Coding::Gzip),
            ("*;q=0", Coding::Identity),
            ("identity, gzip;q=0.9", Coding::Identity),
            ("br", Coding::Identity),
            ("GZIP ; Q=1.0", Coding::Gzip),
            ("gzip;q=nonsense", Coding::Identity),
        ] {
            assert_eq!(
                Choice::of(None, Some(accept)).variant.coding,
                coding,
                "{accept}"
            );
        }
    }
}
