//! `demo`: a contact centre to look at, without an account, a setting or a network.
//!
//! A simulated Desk runs inside the process and is spoken to as the real one is, over HTTP on
//! loopback. What it tells is a pure function of a seed and the time ([`day`]); now and then a request
//! fails or is late ([`trouble`]).

pub mod day;
pub mod desk;
pub mod trouble;

mod dice;
mod roster;
mod session;
mod shift;
mod tally;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::base::zones;

/// The seed whose days the demo plays: every run shows the same centre.
pub const SEED: u64 = 1;

/// Where the centre stands while its day there is worth looking at.
const HOME: &str = "Asia/Shanghai";
/// The part of the day, at [`HOME`], with enough of it done and still enough to come.
const WORTH_SEEING: std::ops::RangeInclusive<Time> =
    Time::constant(12, 30, 0, 0)..=Time::constant(21, 0, 0, 0);
/// What o'clock it is in the zone that takes the place of [`HOME`]: the bad hour is ahead.
const AFTERNOON: i8 = 15;

/// In which zone the centre stands where none is set, so that there is something to look at:
/// Shanghai where its working day is well under way, and otherwise one where it is now between three
/// and four in the afternoon.
pub fn zone_for(now: Timestamp) -> TimeZone {
    zones::named(HOME)
        .filter(|zone| WORTH_SEEING.contains(&now.to_zoned(zone.clone()).time()))
        .or_else(|| zones::named(&afternoon_zone(now.to_zoned(TimeZone::UTC).hour())))
        // Without a database of zones (one is compiled in) the demo still runs.
        .unwrap_or(TimeZone::UTC)
}

/// The fixed-offset zone in which it is [`AFTERNOON`] when the hour is `utc_hour` in UTC. These
/// names count westwards: `Etc/GMT-8` is eight hours ahead of Greenwich.
fn afternoon_zone(utc_hour: i8) -> String {
    let ahead = match AFTERNOON - utc_hour {
        // There is no such zone; the one a day behind shows the same clock.
        15.. => AFTERNOON - utc_hour - 24,
        ahead => ahead,
    };
    format!("Etc/GMT{:+}", -ahead)
}

#[cfg(test)]
mod tests {
    use super::day::{AgentDay, Day};
    use super::*;
    use crate::base::clock::DayWindow;
    use std::collections::HashMap;

    const DATES: [(u64, &str); 3] = [
        (SEED, "2025-01-13T00:00:00Z"),
        (0, "2026-03-29T00:00:00Z"),
        (u64::MAX, "2028-02-29T00:00:00Z"),
    ];

    /// The families of the contract that may have no sample, each with whether this row gives one.
    fn exposable(row: &AgentDay) -> [(&'static str, bool); 6] {
        [
            ("nickname", !row.agent_nick_name.is_empty()),
            ("last logout", row.last_logout_timestamp > 0),
            ("average session", row.avg_accept_time > 0),
            ("first response", row.avg_first_resp_time > 0),
            ("response", row.avg_resp_time > 0),
            ("satisfaction", row.satisfaction_selected_cnt > 0),
        ]
    }

    #[test]
    fn whatever_the_minute_every_family_has_a_sample() {
        for (seed, date) in DATES {
            let first: Timestamp = date.parse().unwrap();
            let mut days: HashMap<DayWindow, Day> = HashMap::new();
            for minute in (0..1440).step_by(10) {
                let now = Timestamp::from_second(first.as_second() + minute * 60).unwrap();
                let zone = zone_for(now);
                let window = DayWindow::around(now, &zone).unwrap();
                let day = days.entry(window);
                let day = day.or_insert_with(|| Day::new(seed, window, &zone));
                let rows = day.rows(now);
                assert!(rows.len() >= 12, "{now}: {} rows", rows.len());
                let shown: Vec<_> = rows.iter().map(exposable).collect();
                for family in 0..6 {
                    let name = shown[0][family].0;
                    assert!(shown.iter().any(|row| row[family].1), "{now}: no {name}");
                }
            }
        }
    }

    #[test]
    fn whatever_the_date_an_agent_has_logged_out_by_then() {
        let first: Timestamp = "2026-01-01T04:30:00Z".parse().unwrap();
        for date in 0..90 {
            let now = Timestamp::from_second(first.as_second() + date * 86_400).unwrap();
            let zone = zone_for(now);
            assert_eq!(zone.iana_name(), Some(HOME));
            let day = Day::new(SEED, DayWindow::around(now, &zone).unwrap(), &zone);
            let rows = day.rows(now);
            assert!(
                rows.iter().any(|row| row.last_logout_timestamp > 0),
                "{now}"
            );
        }
    }

    #[test]
    fn it_is_shanghai_by_day_and_elsewhere_at_night() {
        let first: Timestamp = DATES[0].1.parse().unwrap();
        for minute in 0..1440 {
            let now = Timestamp::from_second(first.as_second() + minute * 60).unwrap();
            let zone = zone_for(now);
            let local = now.to_zoned(zone.clone()).time();
            if zone.iana_name() == Some(HOME) {
                assert!(WORTH_SEEING.contains(&local), "{now}");
            } else {
                assert_eq!(local.hour(), 15, "{now} in {zone:?}");
            }
        }
        let name = |now: &str| {
            let zone = zone_for(now.parse().unwrap());
            zone.iana_name().unwrap().to_owned()
        };
        assert_eq!(name("2025-01-13T04:30:00Z"), HOME);
        assert_eq!(name("2025-01-13T13:00:00Z"), HOME);
        assert_eq!(name("2025-01-13T13:01:00Z"), "Etc/GMT-2");
        assert_eq!(name("2025-01-13T00:00:00Z"), "Etc/GMT+9");
        assert_eq!(name("2025-01-13T15:00:00Z"), "Etc/GMT+0");
    }
}
