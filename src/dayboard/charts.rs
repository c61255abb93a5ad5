//! The day's hours as bars: where each rectangle stands. The template draws them as inline SVG.
//!
//! A bar of 0 is a line on the ground, and an hour that Desk does not list has none. What a chart shows stands in its
//! description too, for those who hear the page.

use std::ops::RangeInclusive;

use super::figures::{Hour, Hours};
use super::said::{self, Unit, counted};
use super::words::{Words, filled};

/// Units of the drawing, which is as wide as a phone is in pixels, so that its texts are readable there.
const WIDTH: f64 = 360.0;
/// Left of it stand the numbers of the scale.
const LEFT: f64 = 40.0;
const TOP: f64 = 8.0;
const GROUND: f64 = 128.0;
/// What a bar of 0 is high, to be seen.
const LINE: f64 = 1.5;
/// As many hours are drawn at least, so that few bars are not wide ones.
const FEWEST: u8 = 12;
/// As many hours are named at most.
const MOST_NAMED: usize = 8;

/// One series of the day.
#[derive(Debug)]
pub(super) struct Chart {
    /// In the document, for what describes it.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The day's figure, and what it is of.
    pub(super) figure: String,
    pub(super) figure_of: String,
    pub(super) description: String,
    pub(super) bars: Vec<Bar>,
    /// The lines of the scale: how far down each is, and what it stands for.
    pub(super) lines: Vec<(f64, String)>,
    /// The names of hours: how far to the right each is, and what it says.
    pub(super) ticks: Vec<(String, String)>,
}

/// One hour's value.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    /// In the style sheet.
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// What is drawn of the hours.
struct Series {
    id: &'static str,
    title: &'static str,
    unit: Unit,
    value: fn(&Hour) -> Option<f64>,
    is_exception: fn(&Hour) -> bool,
    /// What the day's figure is of.
    figure_of: String,
    /// The top of the scale for values up to this one.
    top: fn(f64) -> f64,
}

/// Sessions, the share of them that agents accepted, and the time in the queue.
pub(super) fn of(hours: &Hours, words: &'static Words) -> Vec<Chart> {
    let of_count =
        |text, count: Option<f64>| count.map_or_else(String::new, |count| counted(text, count));
    let series = [
        Series {
            id: "sessions",
            title: words.sessions,
            unit: Unit::Count,
            value: |hour| hour.sessions,
            is_exception: |_| false,
            figure_of: words.begun.to_owned(),
            top: round_count,
        },
        Series {
            id: "accepted",
            title: words.accepted,
            unit: Unit::Share,
            value: Hour::accepted_share,
            is_exception: Hour::few_accepted,
            figure_of: of_count(words.of_handed_over, hours.day.handed_over),
            top: |_| 1.0,
        },
        Series {
            id: "queue-time",
            title: words.queue_time,
            unit: Unit::Seconds,
            value: |hour| hour.queue_seconds,
            is_exception: Hour::queue_takes_long,
            figure_of: of_count(words.of_accepted, hours.day.accepted),
            top: round_span,
        },
    ];
    let range = range(hours);
    series
        .into_iter()
        .map(|series| chart(series, hours, &range, words))
        .collect()
}

fn chart(
    series: Series,
    hours: &Hours,
    range: &RangeInclusive<u8>,
    words: &'static Words,
) -> Chart {
    let shown = hours.each.iter().filter(|hour| range.contains(&hour.hour));
    let known: Vec<_> = shown
        .filter_map(|hour| Some((hour, (series.value)(hour)?)))
        .collect();
    let largest = known.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let top = (series.top)(largest);
    let slot = (WIDTH - LEFT) / f64::from(range.end() - range.start() + 1);
    let width = (slot * 0.64).min(22.0);
    let left = |hour: u8| LEFT + f64::from(hour - range.start()) * slot;
    let said = |value| series.unit.say(Some(value), words);
    let bar = |&(hour, value): &(&Hour, f64)| {
        let height = (value / top * (GROUND - TOP)).max(LINE);
        Bar {
            x: rounded(left(hour.hour) + (slot - width) / 2.0),
            y: rounded(GROUND - height),
            width: rounded(width),
            height: rounded(height),
            class: match ((series.is_exception)(hour), hour.is_running) {
                (true, _) => "beyond",
                (false, true) => "running",
                (false, false) => "whole",
            },
            title: filled(words.bar, &[name(hour.hour), said(value)]),
        }
    };
    let bars: Vec<_> = known.iter().map(bar).collect();
    let told: Vec<_> = bars.iter().map(|bar| bar.title.as_str()).collect();
    let line = |share: f64| (GROUND - share * (GROUND - TOP), said(top * share));
    let tick = |hour: u8| (rounded(left(hour) + slot / 2.0), format!("{hour:02}"));
    let step = usize::from(range.end() - range.start() + 1).div_ceil(MOST_NAMED);
    Chart {
        id: series.id,
        title: series.title,
        figure: series.unit.say((series.value)(&hours.day), words),
        figure_of: series.figure_of,
        description: match told.is_empty() {
            true => said::UNKNOWN.to_owned(),
            false => told.join(", "),
        },
        bars,
        lines: [1.0, 0.5, 0.0].map(line).into(),
        ticks: range.clone().step_by(step).map(tick).collect(),
    }
}

/// An hour as people read it.
pub(super) fn name(hour: u8) -> String {
    format!("{hour:02}:00")
}

/// The hours that are drawn: those in which anything was, and some more where these are few.
fn range(hours: &Hours) -> RangeInclusive<u8> {
    let any = |hour: &&Hour| {
        let counts = [hour.sessions, hour.handed_over, hour.accepted];
        counts.into_iter().flatten().any(|count| count != 0.0)
    };
    let with_any = hours.each.iter().filter(any).map(|hour| hour.hour);
    let (first, last) = with_any.fold((None, None), |(first, last), hour| {
        let first = first.map_or(hour, |first: u8| first.min(hour));
        let last = last.map_or(hour, |last: u8| last.max(hour));
        (Some(first), Some(last))
    });
    let first = first.unwrap_or(8).min(24 - FEWEST);
    let last = last.unwrap_or(first).max(first + FEWEST - 1);
    first..=last
}

/// The next even digit with only zeros behind it.
fn round_count(value: f64) -> f64 {
    let mut tens = 1.0;
    while value > tens * 10.0 {
        tens *= 10.0;
    }
    let steps = [2.0, 4.0, 6.0, 8.0, 10.0].map(|step| step * tens);
    let step = steps.into_iter().find(|step| value <= *step);
    step.filter(|step| step.is_finite()).unwrap_or(value)
}

/// The next span that people say.
fn round_span(seconds: f64) -> f64 {
    const SPANS: [f64; 10] = [
        10.0, 20.0, 40.0, 60.0, 120.0, 240.0, 360.0, 600.0, 1200.0, 3600.0,
    ];
    let span = SPANS.into_iter().find(|span| seconds <= *span);
    span.unwrap_or_else(|| round_count(seconds / 3600.0) * 3600.0)
}

fn rounded(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::words::Language;
    use super::*;

    fn hour(hour: u8, sessions: Option<f64>) -> Hour {
        Hour {
            hour,
            sessions,
            is_running: hour == 10,
            ..Hour::default()
        }
    }

    fn charts(each: Vec<Hour>) -> Vec<Chart> {
        let hours = Hours {
            each,
            day: Hour::default(),
        };
        of(&hours, Language::English.words())
    }

    #[test]
    fn unknown_is_no_bar_and_nothing_is_a_line() {
        let charts = charts(vec![
            hour(8, Some(0.0)),
            hour(9, Some(40.0)),
            hour(10, Some(20.0)),
            hour(11, None),
        ]);
        let bars: Vec<_> = charts[0].bars.iter().collect();
        let heights: Vec<_> = bars.iter().map(|bar| bar.height.as_str()).collect();
        // From 9:00 on: the hour before it had none.
        assert_eq!(heights, ["120", "60"]);
        assert_eq!(bars[1].class, "running");
        assert_eq!(charts[0].description, "09:00: 40, 10:00: 20");
        assert_eq!((charts[1].bars.len(), &*charts[1].description), (0, "–"));
        let nothing = self::charts(vec![hour(9, Some(0.0))]);
        assert_eq!(nothing[0].bars[0].height, "1.5");
    }

    #[test]
    fn what_cannot_be_is_said_as_desk_says_it() {
        let strange = |of, sessions, queue_seconds| Hour {
            accepted: Some(1.0),
            queue_seconds: Some(queue_seconds),
            ..hour(of, sessions)
        };
        // The last one has sessions that Desk does not count.
        let charts = charts(vec![
            strange(8, Some(-3.0), -20.0),
            strange(9, Some(f64::MAX), f64::MAX),
            strange(22, None, 30.0),
        ]);
        assert_eq!(charts[0].description, "08:00: \u{2212}3, 09:00: 2e308");
        assert_eq!(
            charts[2].description,
            "08:00: \u{2212}20 s, 09:00: 5e304 h, 22:00: 30 s"
        );
        for bar in charts.iter().flat_map(|chart| &chart.bars) {
            let height: f64 = bar.height.parse().unwrap();
            assert!((LINE..=GROUND - TOP).contains(&height), "{bar:?}");
        }
    }

    #[test]
    fn every_bar_is_within_its_drawing() {
        for hours in [0..=23_u8, 23..=23, 0..=0, 7..=22] {
            let each = hours.map(|of| hour(of, Some(f64::from(of) * 1e3 + 1.0)));
            for bar in &charts(each.collect())[0].bars {
                let of = |text: &str| text.parse::<f64>().unwrap();
                assert!(of(&bar.x) >= LEFT && of(&bar.x) + of(&bar.width) <= WIDTH);
                assert!(of(&bar.y) >= TOP - 0.1 && of(&bar.y) + of(&bar.height) <= GROUND + 0.1);
            }
        }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, top) in [
            (0.0, 2.0),
            (1.0, 2.0),
            (7.0, 8.0),
            (41.0, 60.0),
            (100.0, 100.0),
        ] {
            assert_eq!(round_count(value), top);
        }
        for (seconds, top) in [(0.0, 10.0), (61.0, 120.0), (3601.0, 7200.0)] {
            assert_eq!(round_span(seconds), top);
        }
        assert!(round_count(f64::MAX).is_finite());
    }

    #[test]
    fn exceptions_are_marked_over_enough_sessions_only() {
        let with = |of, accepted| Hour {
            sessions: Some(accepted),
            handed_over: Some(accepted * 2.0),
            accepted: Some(accepted),
            queue_seconds: Some(90.0),
            ..hour(of, None)
        };
        for (of, accepted, class) in [
            (9, 40.0, "beyond"),
            (9, 8.0, "whole"),
            (10, 40.0, "running"),
        ] {
            let charts = charts(vec![with(of, accepted)]);
            assert_eq!(charts[1].bars[0].class, class);
            assert_eq!(charts[2].bars[0].class, class);
        }
    }
}
