//! What readers of foreign input promise, on random input: Desk's answers, UserSigs, the environment,
//! durations; and what a calendar day is, in every zone there is.
//!
//! The same promises as those of the targets in `fuzz/`, where a machine looks for days.

// Outside `#[test]` functions too: that is how tests fail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::FileFailurePersistence;

use tencent_desk_exporter::base::clock::DayWindow;
use tencent_desk_exporter::base::duration;
use tencent_desk_exporter::base::secret::Secret;
use tencent_desk_exporter::catalog::ENDPOINTS;
use tencent_desk_exporter::catalog::agents::ENDPOINT;
use tencent_desk_exporter::config::{Environment, PREFIX, SETTINGS};
use tencent_desk_exporter::desk::call::{Kind, Start, Table};
use tencent_desk_exporter::desk::reply::{Reply, decode};
use tencent_desk_exporter::desk::usersig::UserSig;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // What once failed is tried first from then on: commit the file.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/properties.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    }
}

/// One change to some bytes.
#[derive(Debug, Clone)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, &'static str),
    Delete(Index, usize),
    Repeat(Index, usize),
    CutOff(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    const PIECES: [&str; 16] = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", "1e400", "null", "NaN", "\\u0000",
        "\\ud800", " ",
    ];
    let edit = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (any::<Index>(), select(&PIECES)).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        (any::<Index>(), 1..60_usize).prop_map(|(at, length)| Edit::Repeat(at, length)),
        any::<Index>().prop_map(Edit::CutOff),
    ];
    vec(edit, 1..4)
}

fn edited(original: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for edit in edits {
        let end = |at: usize, length: usize, bytes: &[u8]| (at + length).min(bytes.len());
        match edit {
            _ if bytes.is_empty() => {}
            Edit::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Edit::Insert(at, piece) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
            Edit::Delete(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..end(at, *length, &bytes));
            }
            Edit::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let again = bytes[at..end(at, *length, &bytes)].to_vec();
                bytes.splice(at..at, again);
            }
            Edit::CutOff(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

type Verdict = Result<(), TestCaseError>;

mod answers {
    use super::*;

    const AGENTS: &Table = &ENDPOINT.calls[0].tables[0];

    const GOOD: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"RequestId":"Id-1","TotalCount":2,
        "Data":[{"AgentId":"a@b.c","AgentNickName":"\u4f60\u597d","FirstLoginTimestamp":1736730000,
        "LastLogoutTimestamp":0,"FreeTime":"300","BusyTime":-5.5e1,"RestTime":null,"TotalSessionCnt":7,
        "AvgFirstRespTime":1.25,"SatisfactionSelectedCnt":2,"SatisfiedCnt":1,"Mood":{"x":[1,2]}},
        {"AgentId":42,"TotalMsgCnt":18446744073709551616}]}"#;

    fn check(body: &[u8]) -> Verdict {
        for call in ENDPOINTS.iter().flat_map(|endpoint| endpoint.calls) {
            match decode(call, Start::default(), body) {
                Ok(page) => check_page(&page)?,
                Err(error) => {
                    let length = error.to_string().chars().count();
                    prop_assert!(length < 500, "an error of {} characters", length);
                }
            }
        }
        Ok(())
    }

    fn check_page(page: &Reply) -> Verdict {
        for rows in &page.tables {
            let table = rows.table();
            for row in rows.iter() {
                prop_assert!(table.key().is_none() || !row.key().is_empty());
                for field in table
                    .fields
                    .iter()
                    .filter(|field| field.kind == Kind::Number)
                {
                    let number = row.number(table.number(field.name));
                    prop_assert!(number.is_none_or(f64::is_finite), "{:?}", number);
                    let is_ignored = row.ignored().any(|ignored| ignored == field.name);
                    prop_assert!(number.is_none() || !is_ignored);
                }
            }
        }
        prop_assert!(page.unknown_fields.len() <= 1000);
        for name in &page.unknown_fields {
            prop_assert!(name.chars().count() <= 64, "{} characters", name.len());
        }
        Ok(())
    }

    /// A value of a row: what it should be, or anything that JSON has, and some that it has not.
    fn values() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<f64>().prop_map(|number| format!("{number:e}")),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("\"{number}\"")),
            "[-+]?[0-9]{0,30}\\.?[0-9]{0,5}([eE][-+]?[0-9]{1,5})?",
            "\"[ -~]{0,10}\"",
            ".{0,5}".prop_map(|text| serde_json::Value::from(text).to_string()),
            select(vec!["null", "true", "[]", "{}", "[[{}]]", "\"\\ud800\""])
                .prop_map(str::to_owned),
        ]
    }

    fn names() -> impl Strategy<Value = String> {
        let known = select(AGENTS.fields).prop_map(|field| field.name.to_owned());
        prop_oneof![8 => known, 1 => "[A-Z][a-z]{1,9}", 1 => "[a-z]{50,300}"]
    }

    proptest! {
        #![proptest_config(cases(3000))]

        #[test]
        fn any_bytes_are_an_error_or_rows(body in vec(any::<u8>(), 0..300)) {
            check(&body)?;
        }

        #[test]
        fn a_broken_answer_is_an_error_or_rows(edits in edits()) {
            check(&edited(GOOD.as_bytes(), &edits))?;
        }

        #[test]
        fn a_row_of_anything_costs_itself_only(members in vec((names(), values()), 0..12)) {
            let members: Vec<_> = members
                .iter()
                .filter(|(name, _)| name != "AgentId")
                .map(|(name, value)| format!(r#""{name}":{value}"#))
                .collect();
            let body = format!(
                r#"{{"ErrorCode":0,"TotalCount":2,"Data":[{{{}}},{{"AgentId":"other","BusyTime":7}}]}}"#,
                members.join(",")
            );
            check(body.as_bytes())?;
            if serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok() {
                let page = decode(&ENDPOINT.calls[0], Start::default(), body.as_bytes()).unwrap();
                let rows = page.rows().unwrap();
                prop_assert_eq!(rows.without_key(), 1);
                prop_assert_eq!(rows.at(0).number(AGENTS.number("BusyTime")), Some(7.0));
            }
        }
    }

    #[test]
    fn a_flood_of_unknown_names_is_bounded_in_number_and_length() {
        let flood: Vec<_> = (0..5000).map(|n| format!(r#""N{n}":0"#)).collect();
        let long = "n".repeat(1 << 20);
        let body = format!(
            r#"{{"ErrorCode":0,"TotalCount":1,"{long}":0,"Data":[{{"AgentId":"a",{}}}]}}"#,
            flood.join(",")
        );
        check(body.as_bytes()).unwrap();
    }
}

mod user_sigs {
    use super::*;

    /// An official signature of `tests/data`, and the key that made it.
    fn official() -> impl Strategy<Value = (String, Secret)> {
        let text = include_str!("data/usersig-vectors.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        let signed: Vec<_> = vectors
            .iter()
            .flat_map(|vector| {
                let text = |name: &str| vector[name].as_str().unwrap().to_owned();
                ["usersig_pypi_1_1", "usersig_npm_1_0_2"].map(|name| (text(name), text("key")))
            })
            .collect();
        select(signed).prop_map(|(text, key)| (text, Secret::new(key)))
    }

    fn document(text: &str) -> Vec<u8> {
        let standard = text.replace('*', "+").replace('-', "/").replace('_', "=");
        let deflated = STANDARD.decode(standard).unwrap();
        let mut document = Vec::new();
        ZlibDecoder::new(deflated.as_slice())
            .read_to_end(&mut document)
            .unwrap();
        document
    }

    fn coated(document: &[u8]) -> String {
        let mut deflated = Vec::new();
        ZlibEncoder::new(document, Compression::fast())
            .read_to_end(&mut deflated)
            .unwrap();
        STANDARD.encode(deflated)
    }

    /// What can be read can be written and read again; what is new to the key does not verify.
    fn check(text: &str, original: &UserSig, key: &Secret) -> Verdict {
        let Ok(sig) = UserSig::decode(text) else {
            return Ok(());
        };
        let again = UserSig::decode(sig.encode().expose());
        prop_assert_eq!(again.as_ref(), Ok(&sig));
        let _ = sig.expires_at();
        prop_assert!(sig == *original || !sig.is_signed_with(key), "{:?}", sig);
        Ok(())
    }

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn any_text_is_unreadable_or_can_be_written_again(
            text in prop_oneof![".{0,80}", "[A-Za-z0-9*_-]{0,200}", "eJ[A-Za-z0-9*-]{0,100}"],
            (official, key) in official(),
        ) {
            check(&text, &UserSig::decode(&official).unwrap(), &key)?;
        }

        #[test]
        fn a_changed_signature_never_verifies(edits in edits(), (official, key) in official()) {
            let sig = UserSig::decode(&official).unwrap();
            prop_assert!(sig.is_signed_with(&key));
            let changed = edited(official.as_bytes(), &edits);
            check(&String::from_utf8_lossy(&changed), &sig, &key)?;
        }

        #[test]
        fn a_changed_document_never_verifies(edits in edits(), (official, key) in official()) {
            let changed = coated(&edited(&document(&official), &edits));
            check(&changed, &UserSig::decode(&official).unwrap(), &key)?;
        }

        #[test]
        fn another_value_of_a_member_never_verifies(
            member in select(vec!["TLS.ver", "TLS.identifier", "TLS.sdkappid", "TLS.expire", "TLS.time", "TLS.sig"]),
            text in prop_oneof![Just("1.0".to_owned()), ".{0,20}", "a\nTLS.sdkappid:[0-9]\nTLS.time:[0-9]"],
            number in any::<i64>(),
            (official, key) in official(),
        ) {
            let mut members: serde_json::Value =
                serde_json::from_slice(&document(&official)).unwrap();
            members[member] = match members[member].is_string() {
                true => text.into(),
                false => number.into(),
            };
            let changed = coated(&serde_json::to_vec(&members).unwrap());
            check(&changed, &UserSig::decode(&official).unwrap(), &key)?;
        }

        #[test]
        fn what_is_signed_can_be_read(
            app in any::<u64>(),
            identifier in ".{0,40}",
            key in ".{0,80}",
            (time, expire) in any::<(i64, i64)>(),
        ) {
            let key = Secret::new(key);
            let sig = UserSig::sign(app, &identifier, &key, time, expire);
            let read = UserSig::decode(sig.encode().expose()).unwrap();
            prop_assert_eq!(&read, &sig);
            prop_assert!(read.is_signed_with(&key));
        }
    }
}

mod configuration {
    use super::*;

    /// In place of any key or UserSig: nothing else holds it by chance.
    const SECRET: &str = "5ec2e70f74157e575ec2e70f7415fe575ec2e70f7415fe575ec2e70f7415fe57";

    fn names() -> impl Strategy<Value = OsString> {
        let known: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        prop_oneof![
            12 => select(known.clone()).prop_map(|name| format!("{PREFIX}{name}").into()),
            2 => (select(known), edits())
                .prop_map(|(name, edits)| edited(name.as_bytes(), &edits))
                .prop_map(|name| OsString::from_vec([PREFIX.as_bytes(), &name].concat())),
            1 => vec(any::<u8>(), 0..30).prop_map(OsString::from_vec),
        ]
    }

    fn values() -> impl Strategy<Value = OsString> {
        let plausible = select(vec![
            "",
            " ",
            "1400000000",
            "0",
            "admin",
            "china",
            "Jakarta",
            "https://a.example/x",
            "http://[::1]:1",
            "http://localhost",
            "UTC",
            "Europe/Berlin",
            "a,b",
            ",",
            "60s",
            "1s",
            "24h",
            "25h",
            "9999999y",
            "10",
            "1000",
            ":10141",
            "[::1]:1",
            "host:99999",
            "/metrics",
            "/-/ready",
            "debug",
            "warn,x=trace",
            "json",
            "logfmt",
            "all",
            "describe_agent_statistics,get_member_list",
            "1=free,2=busy",
            "4,10:@account",
        ]);
        prop_oneof![
            8 => plausible.prop_map(OsString::from),
            4 => Just(SECRET.into()),
            1 => Just(format!(" {SECRET}\n").into()),
            3 => ".{0,40}".prop_map(OsString::from),
            1 => vec(any::<u8>(), 0..40).prop_map(OsString::from_vec),
            // Neither "/" nor ".": what begins with the one, or ends as a file's name, is a path and is shown.
            1 => ("[a-z0-9:,=\\[\\]-]{0,20}", any::<bool>())
                .prop_map(|(text, is_before)| match is_before {
                    true => format!("{text}{SECRET}").into(),
                    false => format!("{SECRET}{text}").into(),
                }),
        ]
    }

    proptest! {
        // A web configuration is looked at twice, a moment apart: fewer than of what takes no time.
        #![proptest_config(cases(500))]

        #[test]
        fn an_environment_is_a_configuration_or_mistakes_without_a_secret(
            mut variables in vec((names(), values()), 0..12),
            is_nearly_good in any::<bool>(),
        ) {
            if is_nearly_good {
                let good = [("SDK_APP_ID", "1400000000"), ("SECRET_KEY", SECRET)];
                variables.truncate(3);
                variables.extend(good.map(|(name, value)| {
                    (OsString::from(format!("{PREFIX}{name}")), OsString::from(value))
                }));
            }
            let lines = match Environment::new(variables).config() {
                Ok(config) => {
                    prop_assert!(config.polling.max_staleness >= config.polling.poll_interval);
                    config.warnings
                }
                Err(mistakes) => {
                    prop_assert!(!mistakes.0.is_empty());
                    mistakes.0
                }
            };
            for line in lines {
                prop_assert!(line.starts_with(PREFIX), "{}", line);
                prop_assert!(!line.contains(SECRET), "{}", line);
            }
        }
    }

    /// A key in the place of the path to it is a likely slip.
    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_repeated() {
        for name in ["SECRET_KEY_FILE", "USER_SIG_FILE"] {
            let variables = [("SDK_APP_ID", "1400000000"), (name, SECRET)];
            let environment = Environment::new(
                variables.map(|(name, value)| (format!("{PREFIX}{name}").into(), value.into())),
            );
            let mistakes = environment.config().unwrap_err().0;
            assert!(!mistakes.concat().contains(SECRET), "{mistakes:?}");
        }
    }
}

mod durations {
    use super::*;

    proptest! {
        #![proptest_config(cases(5000))]

        #[test]
        fn what_is_written_is_read(millis in prop_oneof![any::<u64>(), 0..100_000_000_u64]) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(duration::parse(&duration::format(duration)), Some(duration));
        }

        #[test]
        fn any_text_is_none_or_can_be_written(text in prop_oneof![".{0,20}", "([0-9]{1,20}(y|w|d|h|m|s|ms)){1,4}"]) {
            if let Some(read) = duration::parse(&text) {
                prop_assert_eq!(duration::parse(&duration::format(read)), Some(read));
            }
        }
    }
}

mod days {
    use super::*;

    const FIRST: i64 = 0;
    const LAST: i64 = 4_102_444_800;

    fn zones() -> Vec<TimeZone> {
        let zones: Vec<_> = jiff::tz::db()
            .available()
            .map(|name| TimeZone::get(name.as_str()).unwrap())
            .collect();
        assert!(zones.len() > 400, "{} zones", zones.len());
        zones
    }

    /// Days hold their instants, follow each other without a gap, and are of the calendar.
    fn check(zone: &TimeZone, instant: Timestamp) {
        let name = zone.iana_name();
        let around = |instant| DayWindow::around(instant, zone).unwrap();
        let day = around(instant);
        assert!(
            day.contains(instant),
            "{name:?} {instant} is not in {day:?}"
        );
        assert_eq!(around(day.start()), day, "{name:?} {instant}");
        assert_eq!(
            around(day.end() - 1.nanosecond()),
            day,
            "{name:?} {instant}"
        );
        assert_eq!(around(day.end()).start(), day.end(), "{name:?} {instant}");
        let before = around(day.start() - 1.nanosecond());
        assert_eq!(before.end(), day.start(), "{name:?} {instant}");

        // Vostok went from +07 to +00 and back in 1994.
        let hours = day.end().duration_since(day.start()).as_hours();
        assert!(
            (16..=32).contains(&hours),
            "{name:?} {instant}: {hours} hours"
        );
        assert_eq!(
            day.to_second() - day.from_second() + 1,
            day.end().as_second() - day.start().as_second()
        );
        assert_eq!(
            (
                day.start().subsec_nanosecond(),
                day.end().subsec_nanosecond()
            ),
            (0, 0)
        );
        check_date(zone, day, instant);
    }

    /// Its date is that of the instant, except where clocks went back over midnight: what they show
    /// twice of the old date is of the new one by then.
    fn check_date(zone: &TimeZone, day: DayWindow, instant: Timestamp) {
        let date = |instant: Timestamp| instant.to_zoned(zone.clone()).date();
        let is_of_its_date = date(day.start()) == date(instant);
        let is_shown_twice = date(day.start()) == date(instant).tomorrow().unwrap()
            && instant.duration_since(day.start()) < SignedDuration::from_hours(4);
        assert!(
            is_of_its_date || is_shown_twice,
            "{:?} {instant}",
            zone.iana_name()
        );
    }

    #[test]
    fn every_change_of_every_zones_clocks_leaves_days_whole() {
        let (first, last) = (FIRST + 200_000, Timestamp::from_second(LAST).unwrap());
        // From 2040 on all zones repeat themselves by a rule.
        let rules = Timestamp::from_second(2_208_988_800).unwrap();
        for zone in zones() {
            let changes = zone.following(Timestamp::from_second(first).unwrap());
            for change in changes.map(|change| change.timestamp()) {
                if change > last.min(rules) {
                    break;
                }
                check(&zone, change - 1.nanosecond());
                check(&zone, change + 30.minutes());
            }
        }
    }

    proptest! {
        #![proptest_config(cases(4000))]

        #[test]
        fn every_instant_is_of_one_day(zone in select(zones()), second in FIRST..LAST, nanos in 0..1_000_000_000_i32) {
            check(&zone, Timestamp::new(second, nanos).unwrap());
        }
    }
}
