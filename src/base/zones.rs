//! Time zones by IANA name: from the machine's database, which may be newer, or from the bundled one if the
//! zone is missing there, or its file is broken or hangs.

use jiff::tz::{self, TimeZone, TimeZoneDatabase};

use crate::base::{files, spelling};

/// The zone with this name, in any case; `None` if there is none.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    let wanted = name.to_owned();
    let of_this_machine = files::in_time("the database of time zones", move || {
        known(tz::db(), &wanted)
    });
    let of_this_machine = of_this_machine.ok().flatten();
    of_this_machine.or_else(|| known(&TimeZoneDatabase::bundled(), name))
}

fn known(database: &TimeZoneDatabase, name: &str) -> Option<TimeZone> {
    // Every database has "Etc/Unknown", which stands for no zone.
    let zone = database.get(name).ok();
    zone.filter(|zone| !zone.is_unknown())
}

/// What is wrong with `text`, the name of no zone, and what to write.
pub(crate) fn advice(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let is_beijing = ["beijing", "peking", "china", "+8", "+08", "cst"];
    let meant = match is_beijing.iter().any(|word| lower.contains(word)) {
        true => "Asia/Shanghai is Beijing's (UTC+8)".to_owned(),
        false => match nearest(text) {
            Some(name) => format!("the nearest that is known is {name}"),
            None => "as Asia/Shanghai or Europe/Berlin".to_owned(),
        },
    };
    format!("is no time zone; write its IANA name: {meant}")
}

/// The name of a zone that is spelled like `text`.
fn nearest(text: &str) -> Option<String> {
    const ALIKE: f64 = 0.85;
    let database = TimeZoneDatabase::bundled();
    let names = database.available().map(|name| name.as_str().to_owned());
    spelling::nearest(text, names).filter(|name| spelling::likeness(name, text) >= ALIKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_zone_in_any_case_and_nothing_else_is() {
        for name in ["Asia/Shanghai", "asia/shanghai", "PRC", "UTC", "Etc/GMT-8"] {
            assert!(named(name).is_some(), "{name}");
        }
        for text in [
            "",
            "UTC+8",
            "Beijing",
            "Etc/Unknown",
            "../../etc/passwd",
            "/etc/localtime",
        ] {
            assert!(named(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_advice_is_the_zone_that_was_meant() {
        for text in [
            "UTC+8",
            "GMT+08:00",
            "Beijing",
            "Asia/Beijing",
            "China Standard Time",
        ] {
            assert!(
                advice(text).contains("Asia/Shanghai is Beijing's"),
                "{text}"
            );
        }
        assert!(advice("Asia/Shangai").contains("known is Asia/Shanghai"));
        assert!(advice("Europe Berlin").contains("known is Europe/Berlin"));
        assert!(advice("my-v4lue").contains("as Asia/Shanghai or"));
    }
}
