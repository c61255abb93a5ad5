//! Content negotiation: the variant for a request's `Accept` and `Accept-Encoding` (RFC 9110, section
//! 12.5).
//!
//! A request that accepts nothing on offer gets the text format, uncompressed, and never status 406: an
//! unexpected format is of more use than no metrics.

use std::cmp::Reverse;
use std::sync::LazyLock;

use hyper::header::HeaderValue;

use crate::dayboard::words::Language;
use crate::exposition::coding::Coding;
use crate::exposition::{Format, Variant};

/// A format in one of its versions.
#[derive(Debug)]
struct Offer {
    format: Format,
    content_type: &'static str,
    /// The same, taken apart as a request's elements are.
    element: Element<'static>,
}

impl Offer {
    fn of((format, content_type): (Format, &'static str)) -> Self {
        Self {
            format,
            content_type,
            element: Element::of(content_type),
        }
    }
}

/// All formats and versions, in the order that decides where the request has no preference.
static OFFERS: LazyLock<[Offer; 5]> = LazyLock::new(|| {
    let offers = [
        (Format::Text, "text/plain; version=0.0.4; charset=utf-8"),
        (Format::Text, "text/plain; version=1.0.0; charset=utf-8"),
        (
            Format::OpenMetrics,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            Format::OpenMetrics,
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        (
            Format::Protobuf,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ];
    offers.map(Offer::of)
});

/// All codings, in the order that decides where the request has no preference: every client reads
/// gzip.
static CODINGS: [(Coding, &[&str]); 3] = [
    (Coding::Gzip, &["gzip", "x-gzip"]),
    (Coding::Identity, &["identity"]),
    (Coding::Zstd, &["zstd"]),
];

/// The escaping schemes that Prometheus 3 asks for. Our names are the same in each of them.
const ESCAPINGS: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

/// The variant to respond with, and its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The variant.
    pub variant: Variant,
    content_type: &'static str,
    escaping: Option<&'static str>,
}

impl Choice {
    /// Negotiates by the two headers. Several lines of one header are to be joined with commas.
    pub fn of(accept: Option<&str>, accept_encoding: Option<&str>) -> Self {
        let [text, ..] = &*OFFERS;
        let (offer, escaping) = match best(accept, &*OFFERS, closeness) {
            Some((offer, range)) => (offer, range.escaping),
            None => (text, None),
        };
        let coding = best(accept_encoding, &CODINGS, |(_, names), element| {
            let is_named = names.iter().any(|name| element.is(name));
            is_named.then_some(1).or(element.is("*").then_some(0))
        });
        let coding = coding.map_or(Coding::Identity, |((coding, _), _)| *coding);
        Self {
            variant: Variant::of(offer.format, coding),
            content_type: offer.content_type,
            escaping: ESCAPINGS.into_iter().find(|known| Some(*known) == escaping),
        }
    }

    /// The value of `Content-Type`. Prometheus 3 refuses a response without one that it knows.
    pub fn content_type(&self) -> HeaderValue {
        let bare = HeaderValue::from_static(self.content_type);
        match self.escaping {
            Some(escaping) => {
                let whole = format!("{}; escaping={escaping}", self.content_type);
                // Made of our own words only, so it is a header's value.
                HeaderValue::try_from(whole).unwrap_or(bare)
            }
            None => bare,
        }
    }
}

/// How closely `range` matches the offer; `None` where it does not.
fn closeness(offer: &Offer, range: &Element<'_>) -> Option<usize> {
    let offered = &offer.element;
    if range.is("*/*") {
        return Some(0);
    }
    if let Some(group) = range.name.strip_suffix("/*") {
        return (offered.name.split('/').next() == Some(group)).then_some(1);
    }
    // A version may be left out; the parameters of protobuf may not.
    let is_match = range.is(offered.name)
        && (range.version.is_none()
            || offered.version.is_none()
            || range.version == offered.version)
        && (offered.proto.is_none() || range.proto == offered.proto)
        && (offered.encoding.is_none() || range.encoding == offered.encoding);
    is_match.then(|| 2 + usize::from(range.version.is_some()))
}

/// The language for a request's `Accept-Language`: the first where none is asked for that there is.
pub fn language(accept_language: Option<&str>) -> Language {
    let chosen = best(accept_language, &Language::ALL, |language, element| {
        let is_it = Language::of_tag(element.name) == Some(*language);
        is_it.then_some(1).or(element.is("*").then_some(0))
    });
    chosen.map_or(Language::default(), |(language, _)| *language)
}

/// The offer that `header` rates highest, and the element that rates it: the one that matches it most
/// closely. Among equals the offer whose element stands first is chosen, and then the first offer.
fn best<'h, O>(
    header: Option<&'h str>,
    offers: &'static [O],
    closeness: impl Fn(&O, &Element<'h>) -> Option<usize>,
) -> Option<(&'static O, Element<'h>)> {
    let elements = header?.split(',').map(Element::of);
    let is_valid = |element: &Element<'_>| (0.0..=1.0).contains(&element.quality);
    let mut elements: Vec<Element<'h>> = elements.filter(is_valid).collect();
    elements.sort_by(|one, other| other.quality.total_cmp(&one.quality));
    let rated = offers.iter().filter_map(|offer| {
        let places = elements.iter().enumerate();
        let matching = places.filter_map(|(place, element)| {
            let closeness = closeness(offer, element)?;
            Some((closeness, Reverse(place)))
        });
        let (_, Reverse(place)) = matching.max()?;
        Some((place, offer))
    });
    let (place, offer) = rated.min_by_key(|(place, _)| *place)?;
    let element = elements.get(place)?;
    (element.quality > 0.0).then_some((offer, *element))
}

/// One element of a header: a name, and those parameters behind it that decide here.
#[derive(Debug, Clone, Copy)]
struct Element<'h> {
    name: &'h str,
    /// From 0 to 1, or else the element is invalid.
    quality: f64,
    version: Option<&'h str>,
    proto: Option<&'h str>,
    encoding: Option<&'h str>,
    escaping: Option<&'h str>,
}

impl<'h> Element<'h> {
    fn of(text: &'h str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut element = Self {
            name: name.trim(),
            quality: 1.0,
            version: None,
            proto: None,
            encoding: None,
            escaping: None,
        };
        // From the last on, so that of two of one name the first counts.
        for (key, value) in parameters
            .rsplit(';')
            .filter_map(|parameter| parameter.split_once('='))
        {
            let value = value.trim().trim_matches('"');
            let place = match key.trim() {
                key if key.eq_ignore_ascii_case("q") => {
                    element.quality = value.parse().unwrap_or(f64::NAN);
                    continue;
                }
                key if key.eq_ignore_ascii_case("version") => &mut element.version,
                key if key.eq_ignore_ascii_case("proto") => &mut element.proto,
                key if key.eq_ignore_ascii_case("encoding") => &mut element.encoding,
                key if key.eq_ignore_ascii_case("escaping") => &mut element.escaping,
                _ => continue,
            };
            *place = Some(value);
        }
        element
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_53: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const PROMETHEUS_3_5: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    fn answered(accept: &str) -> String {
        let content_type = Choice::of(Some(accept), None).content_type();
        content_type.to_str().unwrap().to_owned()
    }

    #[test]
    fn each_version_of_prometheus_gets_its_first_choice() {
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
    fn a_request_that_accepts_nothing_on_offer_gets_text() {
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
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
            "application/vnd.google.protobuf;proto=io.prometheus.client.Other;encoding=delimited",
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
        // What is said of a version counts for it, and not what is said of all.
        assert!(
            answered("application/openmetrics-text;q=0.1,text/plain;q=0.5,application/openmetrics-text;version=1.0.0")
                .contains("openmetrics")
        );
        assert!(
            answered("Text/Plain; Version=1.0.0 ; ESCAPING=\"dots\"; Q=0.3")
                .ends_with("version=1.0.0; charset=utf-8; escaping=dots")
        );
        assert!(!answered("text/plain;escaping=anything").contains("escaping"));
        assert!(!answered("text/plain;charset=dots").contains("escaping"));
    }

    #[test]
    fn the_best_coding_is_chosen() {
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
