//! Numbers as people read them, in each language. What is unknown is a dash, and no other number is.

use std::time::Duration;

use jiff::civil::Date;

use super::words::{Words, filled};

/// What stands for an unknown number.
pub(super) const UNKNOWN: &str = "–";

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Sessions, agents and the like.
    Count,
    /// A ratio, from 0 to 1.
    Share,
    Seconds,
}

impl Unit {
    /// `number` in words.
    pub(super) fn say(self, number: Option<f64>, words: &Words) -> String {
        let Some(number) = number else {
            return UNKNOWN.to_owned();
        };
        match self {
            Self::Count => count(number),
            Self::Share => percent(number, words),
            Self::Seconds => span(number, words),
        }
    }
}

/// Nothing is counted beyond this; Desk may say it all the same.
const MOST_COUNTED: f64 = 1e12;

/// Below zero.
const MINUS: &str = "\u{2212}";

/// Of more hours the minutes are not said.
const MOST_HOURS: f64 = 9999.0;

/// A count, with a thin space after each three digits. A sum that no number can hold is unknown.
pub(super) fn count(number: f64) -> String {
    if !number.is_finite() {
        return UNKNOWN.to_owned();
    }
    let sign = if number < -0.5 { MINUS } else { "" };
    let number = number.abs();
    if number > MOST_COUNTED {
        return format!("{sign}{number:.0e}");
    }
    let digits = format!("{number:.0}");
    let mut text = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// `text` with `number` as a count in the place of its `{}`; what stands before a `|` is said of one.
pub(super) fn counted(text: &str, number: f64) -> String {
    let (one, many) = text.split_once('|').unwrap_or((text, text));
    let text = if number == 1.0 { one } else { many };
    filled(text, &[count(number)])
}

/// A ratio in percent. Only what is all or nothing is said to be so.
pub(super) fn percent(ratio: f64, words: &Words) -> String {
    let rounded = count(ratio * 100.0);
    let said = match rounded.as_str() {
        UNKNOWN => return rounded,
        "0" if ratio > 0.0 => "<1",
        "100" if ratio < 1.0 => ">99",
        rounded => rounded,
    };
    filled(words.percent, &[said])
}

/// A span, in whole seconds below an hour, in minutes above it, and in hours where these are more than are counted by hand.
pub(super) fn span(seconds: f64, words: &Words) -> String {
    let padded = |number: f64| format!("{number:02.0}");
    let seconds = seconds.round();
    if !seconds.is_finite() {
        return UNKNOWN.to_owned();
    }
    if seconds < 0.0 {
        // Not that it could be; but it is not 0 either.
        return format!("{MINUS}{}", span(-seconds, words));
    }
    let (minutes, hours) = ((seconds / 60.0).floor(), (seconds / 3600.0).floor());
    if hours > MOST_HOURS {
        filled(words.whole_hours, &[count(hours)])
    } else if hours > 0.0 {
        let minutes = padded(minutes - hours * 60.0);
        filled(words.hours, &[count(hours), minutes])
    } else if minutes > 0.0 && seconds == minutes * 60.0 {
        filled(words.whole_minutes, &[count(minutes)])
    } else if minutes > 0.0 {
        let seconds = padded(seconds - minutes * 60.0);
        filled(words.minutes, &[count(minutes), seconds])
    } else {
        filled(words.seconds, &[count(seconds)])
    }
}

/// How long ago something was.
pub(super) fn ago(age: Duration, words: &Words) -> String {
    // What has not lasted a second more is not said to have.
    filled(words.ago, &[span(age.as_secs() as f64, words)])
}

/// A date with its day of the week, as the language has them.
pub(super) fn date(date: Date, words: &Words) -> String {
    let monday_is_0 = date.weekday().to_monday_zero_offset();
    let place = usize::try_from(monday_is_0).unwrap_or_default();
    let weekday = words.weekdays.split(',').nth(place).unwrap_or_default();
    filled(&date.strftime(words.date).to_string(), &[weekday])
}

#[cfg(test)]
mod tests {
    use super::super::words::Language;
    use super::*;

    fn en() -> &'static Words {
        Language::English.words()
    }

    #[test]
    fn counts_are_whole_and_long_ones_are_parted() {
        for (number, said) in [
            (0.0, "0"),
            (7.0, "7"),
            (1234.0, "1234"),
            (12_345.0, "12\u{2009}345"),
            (1_234_567.0, "1\u{2009}234\u{2009}567"),
            (-3.0, "\u{2212}3"),
            (1e300, "1e300"),
            (-1e300, "\u{2212}1e300"),
            (-0.4, "0"),
            (-0.0, "0"),
            (f64::INFINITY, UNKNOWN),
            (f64::NAN, UNKNOWN),
        ] {
            assert_eq!(count(number), said);
        }
    }

    #[test]
    fn what_is_said_of_one_is_another_text() {
        assert_eq!(counted("{} man|{} men", 1.0), "1 man");
        assert_eq!(counted("{} man|{} men", 0.0), "0 men");
        assert_eq!(counted("一共 {}", 1.0), "一共 1");
    }

    #[test]
    fn a_ratio_is_all_or_nothing_only_where_it_is() {
        for (ratio, said) in [
            (0.0, "0 %"),
            (0.004, "<1 %"),
            (0.005, "<1 %"),
            (0.0051, "1 %"),
            (0.5, "50 %"),
            (0.996, ">99 %"),
            (1.0, "100 %"),
            (1.2, "120 %"),
            (1e300, "1e302 %"),
            (-0.5, "\u{2212}50 %"),
            (-0.001, "0 %"),
            (f64::INFINITY, UNKNOWN),
        ] {
            assert_eq!(percent(ratio, en()), said, "{ratio}");
        }
        assert_eq!(percent(0.5, Language::Chinese.words()), "50%");
    }

    #[test]
    fn spans_are_in_units_that_people_use() {
        for (seconds, said) in [
            (0.0, "0 s"),
            (0.4, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (125.0, "2 min 05 s"),
            (3599.7, "1 h 00 min"),
            (7384.0, "2 h 03 min"),
            (-0.4, "0 s"),
            (-30.0, "\u{2212}30 s"),
            (-7384.0, "\u{2212}2 h 03 min"),
            (36_000_000.0, "10\u{2009}000 h"),
            (1e300, "3e296 h"),
            (f64::INFINITY, UNKNOWN),
        ] {
            assert_eq!(span(seconds, en()), said);
        }
        assert_eq!(span(125.0, Language::Chinese.words()), "2 分 05 秒");
        assert_eq!(ago(Duration::from_millis(59_999), en()), "59 s ago");
    }

    #[test]
    fn dates_have_their_day_of_the_week() {
        let date_of = |language: Language| date(jiff::civil::date(2026, 11, 26), language.words());
        assert_eq!(date_of(Language::English), "Thursday 26 November 2026");
        assert_eq!(date_of(Language::Chinese), "2026年11月26日 星期四");
    }
}
