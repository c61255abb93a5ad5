//! `demo`: a contact centre to look at, without an account, a setting or a network.
//!
//! A simulated Desk runs inside the process and is spoken to as the real one is, over HTTP on
//! loopback. What it tells is a pure function of a seed and the time ([`day`], [`figures`]); now and then a request fails
//! or is late ([`trouble`]).

pub mod day;
pub mod desk;
pub mod figures;
pub mod trouble;

mod dice;
mod roster;
mod session;
mod shift;

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
mod tests;
