//! `demo`: a contact centre to look at, without an account, a setting or a network.
//!
//! A simulated Desk runs inside the process and is spoken to as the real one is: over HTTP, with
//! UserSigs, page by page. What it tells is a pure function of a seed and the time ([`centre`]);
//! how it answers is as strict as the API's pages ([`desk`]), so that a demo that runs also shows
//! that the exporter asks correctly. It stands on a loopback address and keeps nothing.

pub mod centre;
pub mod desk;
pub mod server;

mod dice;
mod query;
mod roster;
mod session;
mod shift;
mod tally;

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::secret::Secret;
use crate::zones;

/// The seed whose days the demo plays: whoever runs it sees the same centre.
pub const SEED: u64 = 1;

/// Where the centre stands while its day there is worth looking at.
const HOME: &str = "Asia/Shanghai";
/// The part of the day, at [`HOME`], with enough of it done and still enough to come.
const WORTH_SEEING: std::ops::RangeInclusive<Time> =
    Time::constant(10, 30, 0, 0)..=Time::constant(21, 0, 0, 0);
/// What o'clock it is in the zone that takes the place of [`HOME`].
const AFTERNOON: i8 = 15;

/// The account that the simulated Desk knows, and the only one.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its SDKAppID.
    pub sdk_app_id: u64,
    /// Its administrator.
    pub identifier: String,
    /// The key that signs for it.
    pub key: Secret,
}

impl Account {
    /// An account for one run of the demo: its key was never used and is good for nothing else.
    pub fn throw_away() -> Self {
        let mut key = String::with_capacity(64);
        for _ in 0..4 {
            // Writing into a String cannot fail.
            let _ = write!(key, "{:016x}", fastrand::u64(..));
        }
        Self {
            sdk_app_id: 1_400_000_000,
            identifier: "administrator".to_owned(),
            key: Secret::new(key),
        }
    }
}

/// In which zone the centre stands, so that there is something to look at: Shanghai where its
/// working day is well under way, and otherwise one where it is now between three and four in the
/// afternoon. First the IANA name.
pub fn zone_for(now: Timestamp) -> (String, TimeZone) {
    let at_home =
        zones::named(HOME).filter(|zone| WORTH_SEEING.contains(&now.to_zoned(zone.clone()).time()));
    if let Some(zone) = at_home {
        return (HOME.to_owned(), zone);
    }
    let name = afternoon_zone(now.to_zoned(TimeZone::UTC).hour());
    match zones::named(&name) {
        Some(zone) => (name, zone),
        None => ("UTC".to_owned(), TimeZone::UTC),
    }
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
    use super::*;
    use crate::clock::DayWindow;
    use crate::demo::centre::{Centre, DayPlan};
    use crate::demo::tally::AgentDay;
    use std::collections::HashMap;

    const DATES: [(u64, &str); 3] = [
        (SEED, "2025-01-13T00:00:00Z"),
        (0, "2026-03-29T00:00:00Z"),
        (u64::MAX, "2028-02-29T00:00:00Z"),
    ];

    /// The families of the contract that may have no sample, each with whether this row gives one.
    fn exposable(row: &AgentDay) -> [(&'static str, bool); 7] {
        let answered = row.total_session_cnt > row.not_resp_session_cnt;
        [
            ("first login", row.first_login_timestamp > 0),
            ("last logout", row.last_logout_timestamp > 0),
            ("average session", row.avg_accept_time > 0),
            ("first response", answered && row.avg_first_resp_time > 0),
            ("response", answered && row.avg_resp_time > 0),
            ("satisfaction", row.satisfaction_selected_cnt > 0),
            ("satisfied", row.satisfied_cnt > 0),
        ]
    }

    fn minutes_of(date: &str) -> impl Iterator<Item = Timestamp> {
        let midnight: Timestamp = date.parse().unwrap();
        let first = midnight.as_second();
        (0..1440).map(move |minute| Timestamp::from_second(first + minute * 60).unwrap())
    }

    fn assert_worth_seeing(plan: &DayPlan, now: Timestamp) {
        let rows = plan.rows(now);
        assert!(rows.len() >= 12, "{now}: {} rows", rows.len());
        let shown: Vec<_> = rows.iter().map(exposable).collect();
        for family in 0..7 {
            let name = shown[0][family].0;
            assert!(shown.iter().any(|row| row[family].1), "{now}: no {name}");
        }
    }

    #[test]
    fn whatever_the_minute_every_family_has_a_sample() {
        for (seed, date) in DATES {
            let mut plans: HashMap<DayWindow, DayPlan> = HashMap::new();
            for now in minutes_of(date) {
                let day = DayWindow::around(now, &zone_for(now).1).unwrap();
                let plan = plans
                    .entry(day)
                    .or_insert_with(|| Centre::new(seed).plan(&day));
                assert_worth_seeing(plan, now);
            }
        }
    }

    #[test]
    fn whatever_the_date_every_family_has_a_sample_early_on() {
        let earliest: Timestamp = "2026-01-01T02:30:00Z".parse().unwrap();
        for date in 0..366 {
            let now = Timestamp::from_second(earliest.as_second() + date * 86_400).unwrap();
            let (name, zone) = zone_for(now);
            assert_eq!(name, HOME);
            let day = DayWindow::around(now, &zone).unwrap();
            assert_worth_seeing(&Centre::new(SEED).plan(&day), now);
        }
    }

    #[test]
    fn it_is_shanghai_by_day_and_elsewhere_at_night() {
        for now in minutes_of(DATES[0].1) {
            let (name, zone) = zone_for(now);
            assert_eq!(TimeZone::get(&name).unwrap(), zone);
            let local = now.to_zoned(zone).time();
            if name == HOME {
                assert!(WORTH_SEEING.contains(&local), "{now}");
            } else {
                assert_eq!(local.hour(), 15, "{now} in {name}");
            }
        }
        let name = |now: &str| zone_for(now.parse().unwrap()).0;
        assert_eq!(name("2025-01-13T02:30:00Z"), HOME);
        assert_eq!(name("2025-01-13T13:00:00Z"), HOME);
        assert_eq!(name("2025-01-13T13:01:00Z"), "Etc/GMT-2");
        assert_eq!(name("2025-01-13T00:00:00Z"), "Etc/GMT+9");
        assert_eq!(name("2025-01-13T15:00:00Z"), "Etc/GMT+0");
    }

    #[test]
    fn each_run_has_a_key_of_its_own() {
        let (one, other) = (Account::throw_away(), Account::throw_away());
        assert_ne!(one.key, other.key);
        assert_eq!(one.key.expose().len(), 64);
    }
}
