//! The simulated contact centre: what its agents have done today, as a function of seed and time.
//!
//! No clock and no state: a day's plan follows from the seed and the day, and the figures from
//! the plan and the instant. So a restarted demo goes on where it was, and a test may ask for any
//! second of any day.

use jiff::Timestamp;

use super::dice::Dice;
use super::roster::{Member, ROSTER};
use super::session::{Session, sessions};
use super::shift::{Shift, Stint, stints};
use super::tally::Tally;
use crate::clock::DayWindow;

pub use super::tally::AgentDay;

/// So many of the roster have a day off (fewer where the lot falls on the night shift, which is
/// never short of people).
const DAYS_OFF: usize = 2;

/// A contact centre with some two dozen agents.
#[derive(Debug, Clone)]
pub struct Centre {
    seed: u64,
}

impl Centre {
    /// The centre whose days `seed` decides.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A row for each agent who logged in within `days` and by `now`, in the order of their ids.
    ///
    /// Several days make one row for each agent, as they do in Desk's answers.
    pub fn rows(&self, days: &[DayWindow], now: Timestamp) -> Vec<AgentDay> {
        let mut tallies: Vec<Tally> = ROSTER.iter().map(Tally::of).collect();
        for day in days.iter().filter(|day| day.start() <= now) {
            self.plan(day).add_to(&mut tallies, now);
        }
        tallies.into_iter().filter_map(Tally::finish).collect()
    }

    /// All that will have happened by the end of `day`.
    pub fn plan(&self, day: &DayWindow) -> DayPlan {
        let off = self.days_off(day);
        let members = (0..).zip(ROSTER.iter().enumerate());
        let agents = members
            .map(|(number, (place, member))| {
                let at_work = member.shift == Shift::Night || !off.contains(&place);
                AgentPlan::new(member, at_work, length(day), &mut self.dice(day, number))
            })
            .collect();
        DayPlan { day: *day, agents }
    }

    /// Who may stay at home, by the place in the roster.
    fn days_off(&self, day: &DayWindow) -> Vec<usize> {
        let mut dice = self.dice(day, u64::MAX);
        (0..DAYS_OFF).map(|_| dice.below(ROSTER.len())).collect()
    }

    /// The chances of one agent on one day.
    fn dice(&self, day: &DayWindow, agent: u64) -> Dice {
        Dice::of([self.seed, day.from_second().cast_unsigned(), agent])
    }
}

/// Seconds from the day's start to its end.
fn length(day: &DayWindow) -> i64 {
    day.to_second() + 1 - day.from_second()
}

/// One day of the whole centre, laid down to its end: for whoever asks about many of its instants.
#[derive(Debug)]
pub struct DayPlan {
    day: DayWindow,
    agents: Vec<AgentPlan>,
}

impl DayPlan {
    /// A row for each agent who logged in on this day and by `now`, in the order of their ids.
    pub fn rows(&self, now: Timestamp) -> Vec<AgentDay> {
        let mut tallies: Vec<Tally> = ROSTER.iter().map(Tally::of).collect();
        self.add_to(&mut tallies, now);
        tallies.into_iter().filter_map(Tally::finish).collect()
    }

    fn add_to(&self, tallies: &mut [Tally], now: Timestamp) {
        let midnight = self.day.from_second();
        // What a day's last sessions still do after midnight is not of this day.
        let since_midnight = (now.as_second() - midnight).min(length(&self.day));
        for (tally, agent) in tallies.iter_mut().zip(&self.agents) {
            for stint in &agent.stints {
                tally.add_stint(stint, midnight, since_midnight);
            }
            for session in &agent.sessions {
                tally.add_session(session, since_midnight);
            }
        }
    }
}

#[derive(Debug)]
struct AgentPlan {
    stints: Vec<Stint>,
    sessions: Vec<Session>,
}

impl AgentPlan {
    fn new(member: &Member, at_work: bool, length: i64, dice: &mut Dice) -> Self {
        let stints = if at_work {
            stints(member.shift, length, dice)
        } else {
            Vec::new()
        };
        let sessions = sessions(member, &stints, dice);
        Self { stints, sessions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::SEED;
    use jiff::tz::TimeZone;

    fn day(instant: &str, zone: &str) -> DayWindow {
        let zone = TimeZone::get(zone).unwrap();
        DayWindow::around(instant.parse().unwrap(), &zone).unwrap()
    }

    /// Days of 23, 24 and 25 hours, at different ends of the world and of the calendar.
    fn days() -> Vec<DayWindow> {
        vec![
            day("2025-01-13T03:00:00Z", "Asia/Shanghai"),
            day("2025-01-14T03:00:00Z", "Asia/Shanghai"),
            day("2026-03-29T12:00:00Z", "Europe/Berlin"),
            day("2026-11-01T12:00:00Z", "America/New_York"),
            day("2018-11-04T15:00:00Z", "America/Sao_Paulo"),
            day("2026-06-01T12:00:00Z", "Etc/GMT-14"),
            day("1931-06-01T12:00:00Z", "Asia/Shanghai"),
            day("9998-06-01T12:00:00Z", "Asia/Shanghai"),
        ]
    }

    /// Every five minutes and a second of the day, its ends included.
    fn instants(day: &DayWindow) -> impl Iterator<Item = Timestamp> {
        let seconds = (day.from_second()..=day.to_second() + 1).step_by(301);
        seconds
            .chain([day.to_second(), day.to_second() + 1])
            .map(|second| Timestamp::from_second(second).unwrap())
    }

    /// What only grows within a day.
    fn growing(row: &AgentDay) -> [i64; 18] {
        [
            row.free_time,
            row.busy_time,
            row.rest_time,
            row.total_session_cnt,
            row.transfer_session_cnt,
            row.effective_session_cnt,
            row.agent_end_cnt,
            row.serve_user_cnt,
            row.total_accept_time,
            row.total_msg_cnt,
            row.agent_msg_cnt,
            row.user_msg_cnt,
            row.not_resp_session_cnt,
            row.first_resp_under30s_cnt,
            row.avg_resp_under30s_cnt,
            row.satisfaction_selected_cnt,
            row.satisfied_cnt,
            row.free_time + row.busy_time + row.rest_time,
        ]
    }

    fn assert_fits(row: &AgentDay, day: &DayWindow, now: Timestamp) {
        let answered = row.total_session_cnt - row.not_resp_session_cnt;
        let id = row.agent_id;
        for (what, part, whole) in [
            ("effective", row.effective_session_cnt, answered),
            (
                "unanswered",
                row.not_resp_session_cnt,
                row.total_session_cnt,
            ),
            (
                "transferred",
                row.transfer_session_cnt,
                row.total_session_cnt,
            ),
            ("ended", row.agent_end_cnt, answered),
            ("users", row.serve_user_cnt, row.total_session_cnt),
            ("first quick", row.first_resp_under30s_cnt, answered),
            ("quick", row.avg_resp_under30s_cnt, answered),
            (
                "rated",
                row.satisfaction_selected_cnt,
                row.total_session_cnt,
            ),
            (
                "satisfied",
                row.satisfied_cnt,
                row.satisfaction_selected_cnt,
            ),
            (
                "messages",
                row.agent_msg_cnt + row.user_msg_cnt,
                row.total_msg_cnt,
            ),
            ("answers", row.effective_session_cnt, row.agent_msg_cnt),
            (
                "from midnight",
                day.from_second(),
                row.first_login_timestamp,
            ),
            ("until now", row.first_login_timestamp, now.as_second()),
        ] {
            assert!(0 <= part || what == "from midnight" || now.as_second() < 0);
            assert!(part <= whole, "{id} {now}: {what} {part} > {whole}");
        }
        let online = row.free_time + row.busy_time + row.rest_time;
        let since_login = now.as_second() - row.first_login_timestamp;
        if row.last_logout_timestamp == 0 {
            assert_eq!(online, since_login, "{id} {now}");
        } else {
            assert!(row.first_login_timestamp < row.last_logout_timestamp);
            assert!(row.last_logout_timestamp <= now.as_second());
            assert!(online <= since_login, "{id} {now}");
        }
        let sessions = row.total_session_cnt.max(1);
        assert_eq!(row.avg_accept_time, row.total_accept_time / sessions);
        let averages = [row.avg_first_resp_time, row.avg_resp_time];
        assert!(
            averages
                .iter()
                .all(|&average| (average > 0) == (answered > 0))
        );
    }

    #[test]
    fn the_figures_fit_and_grow_at_every_instant() {
        for seed in [SEED, u64::MAX] {
            for day in days() {
                let plan = Centre::new(seed).plan(&day);
                let mut before: Vec<AgentDay> = Vec::new();
                for now in instants(&day) {
                    let rows = plan.rows(now);
                    rows.iter().for_each(|row| assert_fits(row, &day, now));
                    for old in &before {
                        let new = rows.iter().find(|row| row.agent_id == old.agent_id);
                        let new = new.expect("nobody vanishes");
                        assert_eq!(new.first_login_timestamp, old.first_login_timestamp);
                        let (out, was_out) = (new.last_logout_timestamp, old.last_logout_timestamp);
                        assert!(was_out == 0 || was_out <= out, "{now}: {was_out} {out}");
                        for (new, old) in growing(new).into_iter().zip(growing(old)) {
                            assert!(old <= new, "{now}: {old} {new}");
                        }
                    }
                    before = rows;
                }
            }
        }
    }

    #[test]
    fn somebody_is_logged_in_at_every_minute() {
        for day in days() {
            let plan = Centre::new(SEED).plan(&day);
            let stints = || plan.agents.iter().flat_map(|agent| &agent.stints);
            let there = |second: i64| {
                stints().any(|s| s.from <= second && s.logout.is_none_or(|out| second < out))
            };
            assert!((0..length(&day)).step_by(60).all(there), "{day:?}");
        }
    }

    #[test]
    fn values_move_within_five_seconds() {
        for day in days() {
            let plan = Centre::new(SEED).plan(&day);
            let online = |second| {
                let rows = plan.rows(Timestamp::from_second(second).unwrap());
                let times = rows.iter().map(|r| r.free_time + r.busy_time + r.rest_time);
                times.sum::<i64>()
            };
            for second in (day.from_second()..day.to_second() - 5).step_by(599) {
                assert!(online(second + 5) >= online(second) + 5, "{second}");
            }
        }
    }

    #[test]
    fn some_two_dozen_come_on_a_day_and_not_always_the_same() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..20 {
            for day in days() {
                let rows = Centre::new(seed).rows(&[day], day.end());
                assert!((24..=26).contains(&rows.len()), "{}", rows.len());
                assert!(rows.is_sorted_by_key(|row| row.agent_id));
                seen.insert(rows.iter().map(|row| row.agent_id).collect::<Vec<_>>());
            }
        }
        assert!(seen.len() > 20);
    }

    #[test]
    fn the_same_seed_and_day_play_the_same_and_others_do_not() {
        let [monday, tuesday, ..] = days()[..] else {
            panic!("two days");
        };
        let noon = |seed, day: DayWindow| {
            let now = Timestamp::from_second(day.from_second() + 12 * 3600).unwrap();
            let mut rows = Centre::new(seed).rows(&[day], now);
            for row in &mut rows {
                row.first_login_timestamp -= day.from_second();
                row.last_logout_timestamp = 0;
            }
            rows
        };
        assert_eq!(noon(1, monday), noon(1, monday));
        assert_ne!(noon(1, monday), noon(2, monday));
        assert_ne!(noon(1, monday), noon(1, tuesday));
    }

    #[test]
    fn before_the_day_there_is_nothing_and_after_it_nothing_more() {
        let centre = Centre::new(1);
        for day in days() {
            let early = Timestamp::from_second(day.from_second() - 1).unwrap();
            assert_eq!(centre.rows(&[day], early), []);
            assert_eq!(centre.rows(&[day], Timestamp::MIN), []);
            let finished = centre.rows(&[day], day.end());
            assert_eq!(centre.rows(&[day], Timestamp::MAX), finished);
            // On a day of 23 hours the late shift still works when it ends.
            let all_out = finished.iter().all(|row| row.last_logout_timestamp != 0);
            assert!(all_out || length(&day) < 24 * 3600);
        }
        assert_eq!(centre.rows(&[], Timestamp::MAX), []);
    }

    #[test]
    fn several_days_make_one_row_for_each_agent() {
        let [monday, tuesday, ..] = days()[..] else {
            panic!("two days");
        };
        let centre = Centre::new(1);
        let both = centre.rows(&[monday, tuesday], tuesday.end());
        let sessions = |rows: &[AgentDay]| rows.iter().map(|r| r.total_session_cnt).sum::<i64>();
        let one_by_one = [monday, tuesday].map(|day| sessions(&centre.rows(&[day], day.end())));
        assert_eq!(sessions(&both), one_by_one.iter().sum::<i64>());
        assert!(both.len() <= ROSTER.len());
        for row in &both {
            assert_eq!(
                row.avg_accept_time,
                row.total_accept_time / row.total_session_cnt
            );
        }
    }

    #[test]
    fn some_sessions_are_missed_and_the_quick_are_quicker_than_the_slow() {
        let (mut grace, mut liu_yang, mut missed) = (0, 0, 0);
        for seed in 0..20 {
            for row in Centre::new(seed).rows(&days()[..1], Timestamp::MAX) {
                missed += row.not_resp_session_cnt;
                match row.agent_id {
                    "grace.lin@desk.example" => grace += row.avg_resp_time,
                    "liu.yang@desk.example" => liu_yang += row.avg_resp_time,
                    _ => {}
                }
            }
        }
        assert!(
            missed > 0 && grace > 0 && grace * 2 < liu_yang,
            "{grace} {liu_yang}"
        );
    }
}
