//! What is true of every simulated day, at any instant of it, in any zone.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::day::Day;
use super::roster::ROSTER;
use super::shift::HOUR;
use super::{HOME, SEED, WORTH_SEEING, zone_for};
use crate::base::clock::DayWindow;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn day_around(seed: u64, now: Timestamp, zone: &TimeZone) -> Day {
    Day::new(seed, DayWindow::around(now, zone).unwrap(), zone)
}

fn day(seed: u64, instant: &str, name: &str) -> Day {
    day_around(seed, instant.parse().unwrap(), &zone(name))
}

/// Days of 23, 24 and 25 hours, at different ends of the world and of the calendar.
fn days() -> Vec<Day> {
    let days = [
        ("2025-01-13T03:00:00Z", "Asia/Shanghai"),
        ("2026-03-29T12:00:00Z", "Europe/Berlin"),
        ("2026-10-25T12:00:00Z", "Europe/Berlin"),
        ("2018-11-04T15:00:00Z", "America/Sao_Paulo"),
        ("2006-10-29T12:00:00Z", "America/St_Johns"),
        ("2011-12-30T12:00:00Z", "Pacific/Apia"),
        ("2026-06-01T12:00:00Z", "Etc/GMT-14"),
        ("2026-04-05T12:00:00Z", "Australia/Lord_Howe"),
        ("1971-06-01T12:00:00Z", "Asia/Shanghai"),
        ("9998-06-01T12:00:00Z", "Asia/Shanghai"),
    ];
    let seeds = [SEED, 0, u64::MAX].into_iter().chain(2..);
    let days = days.into_iter().zip(seeds);
    days.map(|((instant, zone), seed)| day(seed, instant, zone))
        .collect()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn number(row: &Value, field: &str) -> i64 {
    let number = row[field].as_i64();
    number.unwrap_or_else(|| panic!("{field} of {row}"))
}

fn sum(rows: &[Value], field: &str) -> i64 {
    rows.iter().map(|row| number(row, field)).sum()
}

/// When the centre opens, on a day on which no clock changes after midnight.
fn opening(day: &Day) -> i64 {
    day.window().from_second() + 8 * HOUR
}

/// Every family of the contract that may have no sample has one, whatever the minute.
#[test]
fn whatever_the_minute_every_family_has_a_sample() {
    let may_be_zero = [
        "LastLogoutTimestamp",
        "AvgAcceptTime",
        "AvgFirstRespTime",
        "AvgRespTime",
        "SatisfactionSelectedCnt",
    ];
    for (seed, date) in [
        (SEED, "2025-01-13T00:00:00Z"),
        (0, "2026-03-29T00:00:00Z"),
        (u64::MAX, "2028-02-29T00:00:00Z"),
    ] {
        let first: Timestamp = date.parse().unwrap();
        let mut days: HashMap<DayWindow, Day> = HashMap::new();
        for minute in (0..1440).step_by(20) {
            let now = second(first.as_second() + minute * 60);
            let zone = zone_for(now);
            let window = DayWindow::around(now, &zone).unwrap();
            let day = days.entry(window);
            let day = day.or_insert_with(|| Day::new(seed, window, &zone));
            let rows = day.agents(now);
            assert!(rows.len() >= 12, "{now}: {} rows", rows.len());
            for field in may_be_zero {
                assert!(rows.iter().any(|row| row[field] != 0), "{now}: no {field}");
            }
            assert!(rows.iter().any(|row| row["AgentNickName"] != ""));
        }
    }
}

#[test]
fn whatever_the_date_an_agent_has_logged_out_by_half_past_twelve() {
    let first: Timestamp = "2026-01-01T04:30:00Z".parse().unwrap();
    for date in 0..90 {
        let now = second(first.as_second() + date * 86_400);
        let zone = zone_for(now);
        assert_eq!(zone.iana_name(), Some(HOME));
        let rows = day_around(SEED, now, &zone).agents(now);
        let is_out = |row: &Value| row["LastLogoutTimestamp"] != 0;
        assert!(rows.iter().any(is_out), "{now}");
    }
}

#[test]
fn it_is_shanghai_by_day_and_elsewhere_at_night() {
    let first: Timestamp = "2025-01-13T00:00:00Z".parse().unwrap();
    for minute in 0..1440 {
        let now = second(first.as_second() + minute * 60);
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

/// What only grows within a day.
const GROWING: [&str; 17] = [
    "FreeTime",
    "BusyTime",
    "RestTime",
    "TotalSessionCnt",
    "TransferSessionCnt",
    "EffectiveSessionCnt",
    "AgentEndCnt",
    "ServeUserCnt",
    "TotalAcceptTime",
    "TotalMsgCnt",
    "AgentMsgCnt",
    "UserMsgCnt",
    "NotRespSessionCnt",
    "FirstRespUnder30sCnt",
    "AvgRespUnder30sCnt",
    "SatisfactionSelectedCnt",
    "SatisfiedCnt",
];

fn assert_agent_fits(row: &Value, day: &Day, now: i64) {
    let of = |field| number(row, field);
    let sessions = of("TotalSessionCnt");
    let answered = sessions - of("NotRespSessionCnt");
    let effective = of("EffectiveSessionCnt");
    for (what, part, whole) in [
        ("effective", effective, answered),
        ("answered", answered, sessions),
        ("transferred", of("TransferSessionCnt"), sessions),
        ("ended", of("AgentEndCnt"), answered),
        ("users", of("ServeUserCnt"), sessions),
        ("first quick", of("FirstRespUnder30sCnt"), answered),
        ("quick", of("AvgRespUnder30sCnt"), effective),
        ("rated", of("SatisfactionSelectedCnt"), effective),
        (
            "satisfied",
            of("SatisfiedCnt"),
            of("SatisfactionSelectedCnt"),
        ),
        (
            "messages",
            of("AgentMsgCnt") + of("UserMsgCnt"),
            of("TotalMsgCnt"),
        ),
        ("answers", answered, of("AgentMsgCnt")),
        (
            "from midnight",
            day.window().from_second(),
            of("FirstLoginTimestamp"),
        ),
        ("until now", of("FirstLoginTimestamp"), now),
        ("out", of("LastLogoutTimestamp"), now.max(0)),
    ] {
        assert!(part <= whole, "{now}: {what} {part} > {whole}: {row}");
    }
    let online = of("FreeTime") + of("BusyTime") + of("RestTime");
    assert!(online <= now - of("FirstLoginTimestamp"), "{now}: {row}");
    let average = of("TotalAcceptTime").checked_div(sessions);
    assert_eq!(of("AvgAcceptTime"), average.unwrap_or(0));
    assert_eq!(of("AvgFirstRespTime") > 0, answered > 0, "{now}: {row}");
    assert_eq!(of("AvgRespTime") > 0, effective > 0, "{now}: {row}");
}

#[test]
fn agents_figures_fit_and_grow_at_every_instant() {
    for day in days() {
        let mut before: Vec<Value> = Vec::new();
        let end = day.window().to_second();
        for now in (day.window().from_second()..end).step_by(4801).chain([end]) {
            let rows = day.agents(second(now));
            assert!(rows.is_sorted_by_key(|row| row["AgentId"].as_str()));
            rows.iter()
                .for_each(|row| assert_agent_fits(row, &day, now));
            for old in &before {
                let new = rows.iter().find(|row| row["AgentId"] == old["AgentId"]);
                let new = new.expect("an agent stays in the answer");
                assert_eq!(new["FirstLoginTimestamp"], old["FirstLoginTimestamp"]);
                for field in GROWING.into_iter().chain(["LastLogoutTimestamp"]) {
                    assert!(number(old, field) <= number(new, field), "{now}: {field}");
                }
            }
            before = rows;
        }
        assert_eq!(before.len(), 24, "two have the day off");
        assert!(before.iter().all(|row| row["LastLogoutTimestamp"] != 0));
    }
}

/// How many agents have each of the numbers that stand for a status.
fn with_status(members: &[Value], status: i64) -> i64 {
    let with = members.iter().filter(|row| row["MemberStatus"] == status);
    i64::try_from(with.count()).unwrap()
}

fn assert_endpoints_agree(day: &Day, now: Timestamp) {
    let (agents, members) = (day.agents(now), day.members(now));
    assert_eq!(agents.len(), members.len());
    for (agent, member) in agents.iter().zip(&members) {
        assert_eq!(agent["AgentId"], member["MemberId"]);
        assert_eq!(agent["AgentNickName"], member["MemberNickName"]);
        for same in [
            "TotalSessionCnt",
            "AvgFirstRespTime",
            "AvgRespTime",
            "AvgAcceptTime",
        ] {
            assert_eq!(agent[same], member[same], "{now}: {same}");
        }
        let of_roster = ROSTER.iter().find(|m| member["MemberId"] == m.id).unwrap();
        let limit = i64::try_from(of_roster.limit()).unwrap();
        assert!(
            number(member, "CurrentAcceptCnt") <= limit,
            "{now}: {member}"
        );
    }
    let reception = day.reception(now);
    let (served, queued) = (
        number(&reception, "CurrentAgentAcceptCnt"),
        number(&reception, "CurrentQueueCnt"),
    );
    assert_eq!(served, sum(&members, "CurrentAcceptCnt"), "{now}");
    assert_eq!(
        number(&reception, "CurrentTransferAgentCnt"),
        served + queued
    );
    let groups = reception["CurrentGroupQueueCnt"].as_array().unwrap();
    assert_eq!(sum(groups, "QueueCnt"), queued, "{now}");
    for (field, status) in [
        ("FreeAgentCnt", 1),
        ("BusyAgentCnt", 2),
        ("RestAgentCnt", 3),
    ] {
        assert_eq!(number(&reception, field), with_status(&members, status));
    }
}

const COUNTS_OF_SESSIONS: [&str; 10] = [
    "TotalSessionCnt",
    "TransferAgentSessionCnt",
    "AgentAcceptCnt",
    "EffectiveSessionCnt",
    "SatisfactionSelectedCnt",
    "OneStarSelectedCnt",
    "TwoStarSelectedCnt",
    "ThreeStarSelectedCnt",
    "FourStarSelectedCnt",
    "FiveStarSelectedCnt",
];

fn assert_sessions_fit(day: &Day, now: Timestamp) {
    let (whole, hours) = (
        day.session_statistics(now, false),
        day.session_statistics(now, true),
    );
    for field in COUNTS_OF_SESSIONS {
        assert_eq!(sum(&whole, field), sum(&hours, field), "{now}: {field}");
    }
    let first_time = || day.contacts.iter().filter(|contact| !contact.is_passed_on);
    let by_now = |at: i64| at <= now.as_second();
    let begun = first_time()
        .filter(|contact| by_now(contact.queued))
        .count();
    let sessions = first_time().filter_map(|contact| contact.session.as_ref());
    let accepted = sessions.filter(|session| by_now(session.accepted)).count();
    let helped = day.helped_by_bot.iter().filter(|&&at| by_now(at)).count();
    for (field, expected) in [
        ("TotalSessionCnt", helped + begun),
        ("TransferAgentSessionCnt", begun),
        ("AgentAcceptCnt", accepted),
    ] {
        let counted = usize::try_from(sum(&whole, field)).unwrap();
        assert_eq!(counted, expected, "{now}: {field}");
    }
    let date = now.to_zoned(day.zone.clone()).date().to_string();
    assert!(whole.len() <= 1 && whole.iter().all(|row| row["Time"] == date));
    for row in whole.iter().chain(&hours) {
        let counts = &COUNTS_OF_SESSIONS[..5];
        assert!(counts.is_sorted_by(|more, fewer| number(row, more) >= number(row, fewer)));
        let stars: i64 = COUNTS_OF_SESSIONS[5..].iter().map(|f| number(row, f)).sum();
        assert_eq!(
            stars,
            number(row, "SatisfactionSelectedCnt"),
            "{now}: {row}"
        );
        let is_effective = number(row, "EffectiveSessionCnt") > 0;
        assert_eq!(number(row, "AvgRespTime") > 0, is_effective, "{now}: {row}");
    }
    let this_hour = now.to_zoned(day.zone.clone()).strftime("%H:00").to_string();
    let times: Vec<&str> = hours
        .iter()
        .filter_map(|row| row["Time"].as_str())
        .collect();
    assert!(times.is_sorted() && times.iter().all(|time| **time <= *this_hour));
}

#[test]
fn all_endpoints_tell_the_same_day_at_every_instant() {
    for day in days() {
        let end = day.window().to_second();
        for now in (day.window().from_second()..end).step_by(4799).chain([end]) {
            assert_endpoints_agree(&day, second(now));
            assert_sessions_fit(&day, second(now));
        }
    }
}

#[test]
fn what_the_day_counts_is_what_its_agents_count() {
    for day in days() {
        let end = day.window().end();
        let (agents, whole) = (day.agents(end), day.session_statistics(end, false));
        // A session that is passed on is one for the day, and one for each of its agents.
        for (of_agents, of_day) in [
            ("TotalSessionCnt", "AgentAcceptCnt"),
            ("EffectiveSessionCnt", "EffectiveSessionCnt"),
            ("SatisfactionSelectedCnt", "SatisfactionSelectedCnt"),
        ] {
            let (more, fewer) = (sum(&agents, of_agents), sum(&whole, of_day));
            let passed_on = sum(&agents, "TransferSessionCnt");
            assert!(
                (fewer..=fewer + passed_on).contains(&more),
                "{of_day}: {more} {fewer}"
            );
        }
        let queue_time = number(&whole[0], "AvgQueueTime");
        assert!((1..60).contains(&queue_time), "{queue_time}");
    }
}

#[test]
fn agents_come_at_eight_by_the_clock_on_the_wall_and_leave_by_half_past_ten() {
    for (instant, name) in [
        ("2026-03-29T12:00:00Z", "Europe/Berlin"),
        ("2026-10-25T12:00:00Z", "Europe/Berlin"),
        ("2018-11-04T15:00:00Z", "America/Sao_Paulo"),
        ("2025-01-13T03:00:00Z", "Asia/Shanghai"),
    ] {
        let (day, zone) = (day(3, instant, name), zone(name));
        let time = |at: i64| second(at).to_zoned(zone.clone()).time();
        let of_the_clock = |time: &str| time.parse::<jiff::civil::Time>().unwrap();
        let rows = day.agents(day.window().end());
        let all = |field| rows.iter().map(move |row| number(row, field));
        let first = time(all("FirstLoginTimestamp").min().unwrap());
        let last = time(all("LastLogoutTimestamp").max().unwrap());
        assert!((of_the_clock("07:55")..of_the_clock("08:05")).contains(&first));
        assert!((of_the_clock("22:00")..of_the_clock("22:30")).contains(&last));
        assert!(time(day.rush().start) >= of_the_clock("15:45"));
        let seven = second(
            day.window()
                .start()
                .to_zoned(zone)
                .date()
                .at(7, 0, 0, 0)
                .to_zoned(self::zone(name))
                .unwrap()
                .timestamp()
                .as_second(),
        );
        assert_eq!(day.agents(seven), Vec::<Value>::new());
        assert_eq!(day.session_statistics(seven, true), Vec::<Value>::new());
        assert_eq!(number(&day.reception(seven), "FreeAgentCnt"), 0);
    }
}

#[test]
fn after_the_day_nothing_more_happens() {
    for day in days() {
        let end = day.window().end();
        let finished = day.agents(end);
        assert_eq!(day.agents(Timestamp::MAX), finished);
        assert_eq!(day.agents(Timestamp::MIN), Vec::<Value>::new());
        assert_eq!(number(&day.reception(end), "CurrentQueueCnt"), 0);
        assert_eq!(with_status(&day.members(end), 4), 24);
    }
}

/// The team's figures, as the rules add them up: answered and all sessions, and the seconds that the answered ones
/// waited for the first answer, as far as whole averages tell.
fn team(day: &Day, now: i64) -> [i64; 3] {
    let rows = day.agents(second(now));
    let answered = |row: &Value| number(row, "TotalSessionCnt") - number(row, "NotRespSessionCnt");
    [
        rows.iter().map(answered).sum(),
        sum(&rows, "TotalSessionCnt"),
        rows.iter()
            .map(|row| number(row, "AvgFirstRespTime") * answered(row))
            .sum(),
    ]
}

/// How the hour up to `now` was: the mean first response in seconds, the unanswered in percent.
fn last_hour(day: &Day, now: i64) -> (i64, i64) {
    let (then, now) = (team(day, now - HOUR), team(day, now));
    let [answered, sessions, seconds] = [0, 1, 2].map(|i| now[i] - then[i]);
    (
        seconds / answered.max(1),
        (sessions - answered) * 100 / sessions.max(1),
    )
}

/// The mean length of the queue, in tenths, as seen once a minute.
fn mean_queue(day: &Day, during: Range<i64>) -> i64 {
    let lengths = during
        .step_by(60)
        .map(|now| number(&day.reception(second(now)), "CurrentQueueCnt"));
    let lengths: Vec<i64> = lengths.collect();
    lengths.iter().sum::<i64>() * 10 / i64::try_from(lengths.len()).unwrap()
}

#[test]
fn every_day_has_one_bad_hour_that_begins_and_ends() {
    for seed in 0..8 {
        let day = day(seed, "2025-01-13T03:00:00Z", "Asia/Shanghai");
        let opening = opening(&day);
        let Range { start, end } = day.rush();
        let (first, unanswered) = last_hour(&day, end);
        assert!(
            first > 40 && unanswered > 13,
            "{seed}: {first} {unanswered}"
        );
        assert!(last_hour(&day, start + 25 * 60).0 > 30, "{seed}");
        let calm = (opening + HOUR..start).chain(end + 65 * 60..opening + 13 * HOUR);
        for now in calm.step_by(2400) {
            let (first, unanswered) = last_hour(&day, now);
            assert!(first < 26 && unanswered < 9, "{seed}: {first} {unanswered}");
        }
        // More come then than there are seats for.
        let (bad, morning) = (
            mean_queue(&day, start..end),
            mean_queue(&day, opening..opening + 6 * HOUR),
        );
        assert!(bad > 30 && morning * 2 < bad, "{seed}: {bad} {morning}");
    }
}

#[test]
fn a_day_is_as_busy_as_a_centre_is() {
    for seed in 0..8 {
        let day = day(seed, "2025-01-13T03:00:00Z", "Asia/Shanghai");
        let rows = day.agents(day.window().end());
        let sessions = sum(&rows, "TotalSessionCnt");
        let seconds = sum(&rows, "TotalAcceptTime") / sessions;
        assert!(
            (360..720).contains(&seconds),
            "{seed}: {seconds} s a session"
        );
        let rated = sum(&rows, "SatisfactionSelectedCnt");
        let share = rated * 100 / sessions;
        assert!((10..25).contains(&share), "{seed}: {share} % rated");
        let satisfied = sum(&rows, "SatisfiedCnt") * 100 / rated;
        assert!(
            (78..95).contains(&satisfied),
            "{seed}: {satisfied} % satisfied"
        );
        for peak in [3, 6, 12] {
            let (mut served, mut free) = (0, 0);
            for minute in 0..60 {
                let members = day.members(second(opening(&day) + peak * HOUR + minute * 60));
                let is_free = |row: &&Value| row["MemberStatus"] == 1;
                let are_free: Vec<Value> = members.iter().filter(is_free).cloned().collect();
                served += sum(&are_free, "CurrentAcceptCnt");
                free += with_status(&members, 1);
            }
            let tenths = served * 10 / free;
            assert!((18..=40).contains(&tenths), "{seed} {peak}: {tenths}");
        }
    }
}

#[test]
fn agents_take_sessions_only_of_their_groups_while_free() {
    for day in days() {
        for contact in &day.contacts {
            let Some(session) = &contact.session else {
                continue;
            };
            assert!(ROSTER[session.agent].groups.contains(&contact.group));
            let stints = &day.stints[session.agent];
            let at = session.accepted;
            assert_eq!(
                super::day::state(stints, at),
                Some(super::shift::State::Free)
            );
            let in_stint = stints
                .iter()
                .any(|s| s.from <= at && session.end <= s.logout);
            assert!(in_stint, "{session:?}");
        }
        let waited = day.contacts.iter().filter(|c| c.queued < c.left).count();
        assert!(waited > 0 && waited * 4 < day.contacts.len(), "{waited}");
        assert!(day.contacts.iter().any(|contact| contact.session.is_none()));
        assert!(day.contacts.iter().any(|contact| contact.is_passed_on));
    }
}

#[test]
fn the_same_seed_and_day_play_the_same_and_others_do_not() {
    let counts = |seed, instant| {
        let day = day(seed, instant, "Asia/Shanghai");
        let rows = day.agents(day.window().end());
        GROWING.map(|field| sum(&rows, field))
    };
    let (monday, tuesday) = ("2025-01-13T03:00:00Z", "2025-01-14T03:00:00Z");
    assert_eq!(counts(1, monday), counts(1, monday));
    assert_ne!(counts(1, monday), counts(2, monday));
    assert_ne!(counts(1, monday), counts(1, tuesday));
}
