//! What time it is, and which calendar day that belongs to.
//!
//! An instant is read from two clocks. The wall clock tells the day; it can be set, and jumps. The
//! monotonic clock tells how much time has passed; it cannot be set, but stands still while the machine
//! sleeps. An age is the longer of the two differences.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan, Zoned, civil::Date, tz::TimeZone};

/// One instant, read from both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The reading of the wall clock.
    pub wall: Timestamp,
    /// The reading of the monotonic clock.
    pub mono: Instant,
}

impl Now {
    /// The time since `earlier`: the longer of the two clocks' differences.
    ///
    /// The wall clock's is too short, or negative, after it was set back; the monotonic clock's is too
    /// short after the machine slept.
    pub fn since(&self, earlier: Now) -> Duration {
        let mono = self.mono.saturating_duration_since(earlier.mono);
        let wall = Duration::try_from(self.wall.duration_since(earlier.wall)).unwrap_or_default();
        mono.max(wall)
    }
}

/// A source of the present instant; tests have a scripted one.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Now;
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp::now(),
            mono: Instant::now(),
        }
    }
}

/// One calendar day in one time zone: from its first instant to the first of the next day.
///
/// Desk counts whole days, with `From` at 00:00:00 and `To` at 23:59:59 (the API's page). A day has 23
/// or 25 hours when clocks change, and starts after 00:00 if they change at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayWindow {
    date: Date,
    start: Timestamp,
    end: Timestamp,
}

impl DayWindow {
    /// The day of `zone`'s calendar that contains `instant`.
    ///
    /// # Errors
    /// At the ends of the calendar, in the years -9999 and 9999: the wall clock is wrong.
    pub fn around(instant: Timestamp, zone: &TimeZone) -> Result<Self, NoDay> {
        let local = instant.to_zoned(zone.clone());
        let start = local.start_of_day().map_err(NoDay)?.timestamp();
        let end = first_instant_after(&local).map_err(NoDay)?;
        if end <= instant {
            // Clocks went back over midnight and show the end of the last date again, as Newfoundland's
            // did until 2011, from 00:01 to 23:01. The new day goes on all the same.
            return Self::around(end, zone);
        }
        Ok(Self {
            date: local.date(),
            start,
            end,
        })
    }

    /// Its date.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The first instant of the day.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The first instant after the day.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The request's `From`: the day's first second, in Unix seconds.
    pub fn from_second(&self) -> i64 {
        self.start.as_second()
    }

    /// The request's `To`: the day's last second, in Unix seconds.
    pub fn to_second(&self) -> i64 {
        self.end.as_second() - 1
    }

    /// Whether the day contains `instant`.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// The time from `instant` to the end of the day; zero after it.
    pub fn remaining(&self, instant: Timestamp) -> Duration {
        Duration::try_from(self.end.duration_since(instant)).unwrap_or_default()
    }
}

/// For how long what was asked for can be true: until its day ends, or without such an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// It counts since midnight.
    Day(DayWindow),
    /// It tells how things are; its age alone decides.
    Now,
}

impl Window {
    /// Its day, where it has one.
    pub fn day(&self) -> Option<&DayWindow> {
        match self {
            Self::Day(day) => Some(day),
            Self::Now => None,
        }
    }

    /// Whether `instant` is in it.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.day().is_none_or(|day| day.contains(instant))
    }

    /// How long it still lasts from `instant` on; zero once it is over.
    pub fn remaining(&self, instant: Timestamp) -> Duration {
        self.day()
            .map_or(Duration::MAX, |day| day.remaining(instant))
    }
}

/// The wall clock is at an end of the calendar.
#[derive(Debug)]
pub struct NoDay(jiff::Error);

impl fmt::Display for NoDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this machine's clock is off, it has no day: {}", self.0)
    }
}

impl std::error::Error for NoDay {}

/// The first instant of the next date that exists. Zones have skipped whole dates: in Samoa,
/// 31 December 2011 followed the 29th.
fn first_instant_after(local: &Zoned) -> Result<Timestamp, jiff::Error> {
    let tomorrow = local.date().checked_add(1.day())?;
    let midnight = tomorrow.to_zoned(local.time_zone().clone())?;
    Ok(midnight.start_of_day()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(instant: &str, zone: &str) -> DayWindow {
        let zone = TimeZone::get(zone).unwrap();
        DayWindow::around(instant.parse().unwrap(), &zone).unwrap()
    }

    fn hours(day: DayWindow) -> i64 {
        (day.to_second() + 1 - day.from_second()) / 3600
    }

    #[test]
    fn the_documents_example_is_a_day_in_shanghai() {
        let day = day("2025-01-13T03:00:00Z", "Asia/Shanghai");
        assert_eq!(day.from_second(), 1_736_697_600);
        assert_eq!(day.to_second(), 1_736_783_999);
    }

    #[test]
    fn days_have_23_24_or_25_hours() {
        assert_eq!(hours(day("2026-03-29T12:00:00Z", "Europe/Berlin")), 23);
        assert_eq!(hours(day("2026-03-30T12:00:00Z", "Europe/Berlin")), 24);
        assert_eq!(hours(day("2026-11-01T12:00:00Z", "America/New_York")), 25);
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_starts_at_one() {
        let day = day("2018-11-04T15:00:00Z", "America/Sao_Paulo");
        assert_eq!(day.start().to_string(), "2018-11-04T03:00:00Z");
        assert_eq!(hours(day), 23);
    }

    #[test]
    fn the_last_day_before_a_skipped_date_ends_where_the_next_begins() {
        let before = day("2011-12-30T09:59:59Z", "Pacific/Apia");
        let after = day("2011-12-30T10:00:00Z", "Pacific/Apia");
        assert_eq!(before.end(), after.start());
    }

    #[test]
    fn a_midnight_that_comes_twice_is_crossed_once() {
        let zone = "America/St_Johns";
        let new = day("2006-10-29T02:30:30Z", zone);
        assert_eq!(new.start().to_string(), "2006-10-29T02:30:00Z");
        assert_eq!(new, day("2006-10-29T02:31:00Z", zone), "23:01 once more");
        assert_eq!(new, day("2006-10-29T12:00:00Z", zone));
        assert_eq!(new.start(), day("2006-10-29T02:29:59Z", zone).end());
    }

    #[test]
    fn its_last_second_is_inside_and_the_next_is_not() {
        let day = day("2025-01-13T03:00:00Z", "Asia/Shanghai");
        assert!(day.contains(Timestamp::from_second(day.from_second()).unwrap()));
        assert!(day.contains(Timestamp::from_second(day.to_second()).unwrap()));
        assert!(!day.contains(day.end()));
        assert_eq!(day.remaining(day.end()), Duration::ZERO);
        assert_eq!(
            day.remaining("2025-01-13T15:59:00Z".parse().unwrap()),
            Duration::from_secs(60)
        );
    }

    #[test]
    fn age_believes_the_clock_that_says_more() {
        let then = Now {
            wall: Timestamp::UNIX_EPOCH,
            mono: Instant::now(),
        };
        let later = |wall, mono| Now {
            wall: Timestamp::from_second(wall).unwrap(),
            mono: then.mono + Duration::from_secs(mono),
        };
        assert_eq!(later(10, 10).since(then), Duration::from_secs(10));
        assert_eq!(later(-3600, 10).since(then), Duration::from_secs(10));
        assert_eq!(later(3600, 10).since(then), Duration::from_secs(3600));
    }
}
