//! What `backfill` is asked for, and whether that can be done.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::output::Output;
use crate::base::clock::DayWindow;
use crate::catalog::{ENDPOINTS, Family};
use crate::commands::cli::BackfillFlags;
use crate::exposition::text;

/// Ten years: more days are a slip of the pen.
const MOST_DAYS: usize = 3_660;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Request {
    /// Closed days, in order.
    pub(super) days: Vec<DayWindow>,
    /// Where the samples go.
    pub(super) output: Output,
    /// The labels that every sample gets, as they are written in one.
    pub(super) target: String,
    /// The flags that gave those labels, for a shell; a blank before each.
    pub(super) label_flags: String,
}

impl Request {
    /// Reads `flags`, in `zone` and at `now`.
    ///
    /// # Errors
    /// A line for each mistake: the flag, and what to write instead.
    pub(super) fn of(
        flags: &BackfillFlags,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let days = days(flags, zone, now).unwrap_or_else(|mistake| {
            mistakes.extend(mistake);
            Vec::new()
        });
        let target = target(&flags.labels).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            String::new()
        });
        let output = Output::of(flags);
        if let Err(mistake) = output.is_free() {
            mistakes.push(mistake);
        }
        match mistakes.is_empty() {
            true => Ok(Self {
                days,
                output,
                target,
                label_flags: label_flags(&flags.labels),
            }),
            false => Err(mistakes),
        }
    }
}

fn days(
    flags: &BackfillFlags,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<DayWindow>, Vec<String>> {
    let today = DayWindow::around(now, zone).map_err(|error| vec![error.to_string()])?;
    let yesterday = today.date().checked_sub(1.day()).unwrap_or(Date::MIN);
    let read = |flag: &str, value: &Option<String>| day(flag, value.as_deref(), yesterday, zone);
    let (from, to) = match (read("--from", &flags.from), read("--to", &flags.to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err([from.err(), to.err()].into_iter().flatten().collect()),
    };
    if from > to {
        return Err(vec![format!(
            "--from: {from} is after --to, {to}: swap them"
        )]);
    }
    let dates = from.series(1.day()).take_while(|date| *date <= to);
    // A zone may have left out a date: Samoa did on 30 December 2011.
    let windows = dates.take(MOST_DAYS + 1).filter_map(|date| {
        let midnight = date.to_zoned(zone.clone()).ok()?;
        let window = DayWindow::around(midnight.timestamp(), zone).ok()?;
        (window.date() == date).then_some(window)
    });
    let windows: Vec<_> = windows.collect();
    match windows.len() {
        0 => Err(vec![format!(
            "--from: the calendar of TENCENT_DESK_TIME_ZONE has no day {from}"
        )]),
        1..=MOST_DAYS => Ok(windows),
        _ => Err(vec![format!(
            "--from: that is more than {MOST_DAYS} days: ask for fewer at a time"
        )]),
    }
}

fn day(flag: &str, value: Option<&str>, yesterday: Date, zone: &TimeZone) -> Result<Date, String> {
    let value =
        value.ok_or_else(|| format!("{flag}: is missing: write a day, as {flag} {yesterday}"))?;
    let is_plain = value.len() == "2026-11-01".len();
    let date: Date = value.parse().ok().filter(|_| is_plain).ok_or_else(|| {
        format!("{flag}: is no day of the calendar: write year, month and day, as {yesterday}")
    })?;
    match date > yesterday {
        true => Err(format!(
            "{flag}: {date} is not over in {}: figures are final after midnight, so the last day is {yesterday}",
            zone.iana_name().unwrap_or("TENCENT_DESK_TIME_ZONE")
        )),
        false => Ok(date),
    }
}

/// The labels of the target, which Prometheus adds to what it scrapes.
fn target(labels: &[String]) -> Result<String, String> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in labels {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            format!("--label: {pair:?} has no value: write it as job=tencent-desk")
        })?;
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !is_name(name) || name.starts_with("__") {
            return Err(format!(
                "--label: {name:?} is no name of a label: use letters, digits and _"
            ));
        }
        let families = ENDPOINTS.iter().flat_map(|endpoint| endpoint.families);
        if families
            .flat_map(Family::label_names)
            .any(|own| own == name)
        {
            return Err(format!(
                "--label: {name} is a label that the figures have themselves: leave it out"
            ));
        }
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(format!("--label: {name} is given twice"));
        }
        pairs.push((name, value));
    }
    Ok(text::pairs(pairs))
}

/// `--label` for each of `labels`, in quotes where a shell would read anything else than it says.
fn label_flags(labels: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-=.,:/@".contains(c);
    let quoted = |label: &String| match label.chars().all(is_plain) {
        true => format!(" --label {label}"),
        false => format!(" --label '{}'", label.replace('\'', r"'\''")),
    };
    labels.iter().map(quoted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_can_be_given_to_a_shell_again() {
        let flags = |labels: &[&str]| {
            let labels: Vec<_> = labels.iter().map(|&label| label.to_owned()).collect();
            label_flags(&labels)
        };
        assert_eq!(flags(&[]), "");
        assert_eq!(
            flags(&["job=desk", "instance=one:10141", "team=it's $HOME"]),
            r" --label job=desk --label instance=one:10141 --label 'team=it'\''s $HOME'"
        );
    }

    fn request(from: &str, to: &str, zone: &str) -> Result<Request, Vec<String>> {
        let flags = BackfillFlags {
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            output: Some("-".into()),
            ..BackfillFlags::default()
        };
        let now = "2026-11-25T16:30:00Z".parse().unwrap();
        Request::of(&flags, &TimeZone::get(zone).unwrap(), now)
    }

    #[test]
    fn days_are_those_of_the_zone_and_over() {
        let days = |from, to, zone| request(from, to, zone).unwrap().days.len();
        assert_eq!(days("2026-11-01", "2026-11-24", "Asia/Shanghai"), 24);
        assert_eq!(days("2026-11-25", "2026-11-25", "Asia/Shanghai"), 1);
        assert_eq!(days("2011-12-28", "2012-01-02", "Pacific/Apia"), 5);
        for (from, to, zone, told) in [
            (
                "2026-11-25",
                "2026-11-25",
                "Europe/Berlin",
                "is not over in Europe/Berlin",
            ),
            (
                "2026-11-26",
                "2026-11-26",
                "Asia/Shanghai",
                "the last day is 2026-11-25",
            ),
            (
                "2026-11-24",
                "2027-01-01",
                "Asia/Shanghai",
                "--to: 2027-01-01 is not over",
            ),
            ("2026-11-24", "2026-11-23", "Asia/Shanghai", "is after --to"),
            (
                "2011-12-30",
                "2011-12-30",
                "Pacific/Apia",
                "has no day 2011-12-30",
            ),
            (
                "1990-01-01",
                "2026-11-24",
                "Asia/Shanghai",
                "more than 3660 days",
            ),
            (
                "2026-02-30",
                "2026-11-24",
                "Asia/Shanghai",
                "--from: is no day",
            ),
            (
                "1.11.2026",
                "yesterday",
                "Asia/Shanghai",
                "--from: is no day",
            ),
            (
                "2026-11-01T10:00",
                "2026-11-24",
                "Asia/Shanghai",
                "--from: is no day",
            ),
        ] {
            let mistakes = request(from, to, zone).unwrap_err().join("\n");
            assert!(mistakes.contains(told), "{from}: {mistakes}");
        }
        assert_eq!(request("x", "y", "Asia/Shanghai").unwrap_err().len(), 2);
    }

    #[test]
    fn labels_are_those_that_a_target_can_have() {
        let target = |labels: &[&str]| {
            let labels: Vec<_> = labels.iter().map(|&label| label.to_owned()).collect();
            target(&labels)
        };
        assert_eq!(target(&[]).unwrap(), "");
        assert_eq!(
            target(&["job=desk", "instance=a\"b=c"]).unwrap(),
            r#"job="desk",instance="a\"b=c""#
        );
        for wrong in [
            &["job"][..],
            &["1=a"],
            &["=a"],
            &["__a=b"],
            &["agent_id=a"],
            &["hour=a"],
            &["a=b", "a=c"],
        ] {
            assert!(target(wrong).is_err(), "{wrong:?}");
        }
    }
}
