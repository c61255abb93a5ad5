//! Durations as users of Prometheus write them: `90s`, `5m`, `1h30m`.

use std::time::Duration;

/// The units and their milliseconds, in the order in which they may follow each other.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses whole numbers with units, larger units first; `None` for any other text.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut millis: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = behind.split_at(
            behind
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(behind.len()),
        );
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(digits.parse::<u64>().ok()?.checked_mul(*size)?)?;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::from_millis(millis))
}

/// Formats `duration`, in whole milliseconds, as [`parse`] reads it.
pub fn format(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, size) in UNITS.iter().skip(2) {
        if left >= *size {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// The same, in whole seconds, and of at least one.
pub fn in_seconds(duration: Duration) -> String {
    format(Duration::from_secs(duration.as_secs().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, millis) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1m500ms", 60_500),
            ("1y1w1d", 32_227_200_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "1s1m",
            "1s1s",
            "1 s",
            "5M",
            "99999999999y",
            "1s ",
            "٣s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0s", "1s", "1m30s", "1h30m", "1d2h3m4s5ms"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
