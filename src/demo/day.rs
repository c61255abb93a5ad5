//! One day of the simulated centre: who works, who writes in, who waits, and who serves whom.
//!
//! A day follows from a seed, its window and its zone alone, and is laid down once, to its end; a
//! figure is then read off it as of an instant. So a restarted demo goes on where it was, and a test
//! may ask for any second of any day. The centre is open from 08:00 to 22:00 by its own clock.
//!
//! A contact waits in the queue of its group until an agent of the group is free and has fewer
//! sessions in hand than the limit; the one with the fewest takes it. Every day has one bad hour in
//! the afternoon: more contacts come, and answers take several times as long.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::dice::Dice;
use super::roster::{Group, Member, ROSTER};
use super::session::{Conditions, Session, session};
use super::shift::{Attendance, HOUR, State, Stint, stints};
use super::tally::Tally;
use crate::base::clock::DayWindow;

pub use super::tally::AgentDay;

/// When the centre opens, by the clock on its wall.
const OPENING_HOUR: i8 = 8;
/// Contacts an hour, in each half hour from the opening on: as many as leave an agent with two to
/// four sessions in hand at the peaks of the morning, the afternoon and the evening.
const DEMAND: [i64; 28] = [
    60, 85, 110, 140, // from 08:00
    215, 255, 265, 230, // from 10:00
    165, 140, 185, 245, // from 12:00
    330, 355, 345, 310, // from 14:00
    300, 280, 200, 185, // from 16:00
    170, 150, 135, 145, // from 18:00
    145, 120, 75, 40, // from 20:00
];
/// The last contact is let in that long after the opening.
const LAST_CONTACT: i64 = 13 * HOUR + HOUR / 2;
/// How many more contacts come in the bad hour, in percent of the usual.
const RUSH_DEMAND: i64 = 150;
/// How long a contact waits in the queue before giving up, as a rule.
const PATIENCE: i64 = 240;

/// One day, laid down to its end.
#[derive(Debug)]
pub struct Day {
    window: DayWindow,
    /// By their place in the roster.
    stints: Vec<Vec<Stint>>,
    contacts: Vec<Contact>,
    rush: Range<i64>,
}

/// A user who wants to speak with an agent.
#[derive(Debug)]
struct Contact {
    /// When it joined the queue.
    queued: i64,
    /// When it left the queue, for an agent or for good.
    left: i64,
    /// What followed, if an agent took it.
    session: Option<Session>,
}

impl Day {
    /// The day that `seed` makes of `window`, a day of `zone`.
    pub fn new(seed: u64, window: DayWindow, zone: &TimeZone) -> Self {
        let dice = |what| Dice::of([seed, window.from_second().cast_unsigned(), what]);
        let opening = opening(&window, zone);
        let rush = rush(opening, &mut dice(0));
        let stints = plan_shifts(opening, &mut dice(1));
        let mut contacts = Vec::new();
        for (group, stream) in Group::ALL.into_iter().zip(2..) {
            let mut dice = dice(stream);
            let arrivals = arrivals(group, opening, &rush, &mut dice);
            let floor = Floor::new(group, &stints, &rush);
            contacts.extend(floor.play(arrivals, &mut dice));
        }
        Self {
            window,
            stints,
            contacts,
            rush,
        }
    }

    /// Which day it is.
    pub fn window(&self) -> DayWindow {
        self.window
    }

    /// The bad hour, in Unix seconds.
    pub fn rush(&self) -> Range<i64> {
        self.rush.clone()
    }

    /// A row for each agent who logged in on this day and by `now`, in the order of their ids.
    pub fn rows(&self, now: Timestamp) -> Vec<AgentDay> {
        let now = now.as_second();
        let mut tallies: Vec<Tally> = ROSTER.iter().map(Tally::of).collect();
        for (tally, stints) in tallies.iter_mut().zip(&self.stints) {
            for stint in stints {
                tally.add_stint(stint, now);
            }
        }
        for session in self.sessions() {
            if let Some(tally) = tallies.get_mut(session.agent) {
                tally.add_session(session, now);
            }
        }
        tallies.into_iter().filter_map(Tally::finish).collect()
    }

    /// How many contacts wait in the queues at `now`.
    pub fn queued(&self, now: Timestamp) -> usize {
        let now = now.as_second();
        let waits = |contact: &&Contact| (contact.queued..contact.left).contains(&now);
        self.contacts.iter().filter(waits).count()
    }

    /// How many sessions each agent who takes any has in hand at `now`.
    pub fn in_hand(&self, now: Timestamp) -> Vec<usize> {
        let now = now.as_second();
        let of = |agent: usize| {
            let open = |s: &&Session| s.agent == agent && (s.accepted..s.end).contains(&now);
            self.sessions().filter(open).count()
        };
        let agents = self.stints.iter().enumerate();
        agents
            .filter(|(_, stints)| state(stints, now) == Some(State::Free))
            .map(|(agent, _)| of(agent))
            .collect()
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.contacts.iter().filter_map(|c| c.session.as_ref())
    }
}

/// The second at which the centre opens on this day.
fn opening(window: &DayWindow, zone: &TimeZone) -> i64 {
    let (from, to) = (window.from_second(), window.to_second());
    let by_the_clock = || {
        let noon = Timestamp::from_second(from.midpoint(to)).ok()?;
        let date = noon.to_zoned(zone.clone()).date();
        let opening = date.at(OPENING_HOUR, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(opening.timestamp().as_second())
    };
    // Only where the calendar ends is there no such instant.
    by_the_clock().unwrap_or(from + i64::from(OPENING_HOUR) * HOUR)
}

/// Begins between 15:45 and 16:30, and lasts an hour or a little more.
fn rush(opening: i64, dice: &mut Dice) -> Range<i64> {
    let from = opening + 7 * HOUR + dice.between(45, 90) * 60;
    from..from + dice.between(60, 75) * 60
}

/// Two have the day off, another one comes late, and yet another leaves early.
fn plan_shifts(opening: i64, dice: &mut Dice) -> Vec<Vec<Stint>> {
    let mut attendances = [Attendance::Whole; ROSTER.len()];
    for exception in [
        Attendance::Off,
        Attendance::Off,
        Attendance::ComesLate,
        Attendance::LeavesEarly,
    ] {
        let first = dice.below(ROSTER.len());
        let mut from_first = (first..ROSTER.len()).chain(0..first);
        let usual = from_first.find(|&i| attendances.get(i) == Some(&Attendance::Whole));
        if let Some(attendance) = usual.and_then(|i| attendances.get_mut(i)) {
            *attendance = exception;
        }
    }
    let members = ROSTER.iter().zip(attendances);
    members
        .map(|(member, attendance)| stints(member.shift, attendance, opening, dice))
        .collect()
}

/// When contacts of `group` come, in order.
fn arrivals(group: Group, opening: i64, rush: &Range<i64>, dice: &mut Dice) -> Vec<i64> {
    let mut arrivals = Vec::new();
    let mut at = opening;
    while at < opening + LAST_CONTACT {
        let half_hour = usize::try_from((at - opening) / (HOUR / 2)).ok();
        let usual = half_hour.and_then(|i| DEMAND.get(i)).copied();
        let percent = if rush.contains(&at) { RUSH_DEMAND } else { 100 };
        let an_hour = usual.unwrap_or(40) * group.share() * percent / 10_000;
        at += dice.gap(HOUR / an_hour.max(1));
        arrivals.push(at);
    }
    arrivals
}

fn state(stints: &[Stint], at: i64) -> Option<State> {
    stints.iter().find_map(|stint| stint.state(at))
}

/// What may let a contact be served; of two at the same second, the seat comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An agent has a hand free, or is back from a break.
    Seat,
    /// A contact comes.
    Arrival,
}

/// The agents of one group, at work.
struct Floor<'a> {
    seats: Vec<Seat<'a>>,
    rush: &'a Range<i64>,
    queue: VecDeque<Contact>,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    /// Contacts that have left the queue.
    done: Vec<Contact>,
}

/// One agent of the floor.
struct Seat<'a> {
    agent: usize,
    member: &'static Member,
    stints: &'a [Stint],
    /// The ends of the sessions in hand.
    open: Vec<i64>,
    /// When the agent last took a session.
    latest: i64,
}

impl<'a> Floor<'a> {
    fn new(group: Group, stints: &'a [Vec<Stint>], rush: &'a Range<i64>) -> Self {
        let members = ROSTER.iter().enumerate().zip(stints.iter());
        let seats: Vec<Seat<'_>> = members
            .filter(|((_, member), _)| member.group == group)
            .map(|((agent, member), stints)| Seat {
                agent,
                member,
                stints,
                open: Vec::new(),
                latest: i64::MIN,
            })
            .collect();
        let spans = seats
            .iter()
            .flat_map(|seat| seat.stints)
            .flat_map(|stint| &stint.spans);
        let events = spans
            .map(|span| Reverse((span.from, Event::Seat)))
            .collect();
        Self {
            seats,
            rush,
            queue: VecDeque::new(),
            events,
            done: Vec::new(),
        }
    }

    /// The whole day; returns its contacts.
    fn play(mut self, arrivals: Vec<i64>, dice: &mut Dice) -> Vec<Contact> {
        let arrivals = arrivals.into_iter();
        self.events
            .extend(arrivals.map(|at| Reverse((at, Event::Arrival))));
        while let Some(Reverse((at, event))) = self.events.pop() {
            if event == Event::Arrival {
                self.queue.push_back(Contact {
                    queued: at,
                    left: at + dice.skewed(PATIENCE),
                    session: None,
                });
            }
            self.serve(at, dice);
        }
        self.done.extend(self.queue);
        self.done
    }

    /// Gives those who wait to agents, as far as both reach.
    fn serve(&mut self, at: i64, dice: &mut Dice) {
        while let Some(mut contact) = self.queue.pop_front() {
            if contact.left > at {
                let Some(seat) = free_seat(&mut self.seats, at) else {
                    return self.queue.push_front(contact);
                };
                let session = seat.take(at, self.rush.contains(&at), dice);
                self.events.push(Reverse((session.end, Event::Seat)));
                if session.transferred {
                    // The colleague who gets it next has it from the same queue.
                    self.events.push(Reverse((session.end, Event::Arrival)));
                }
                contact.left = at;
                contact.session = Some(session);
            }
            self.done.push(contact);
        }
    }
}

/// The seat with the fewest sessions in hand, and of those the one that has waited the longest.
fn free_seat<'b, 'a>(seats: &'b mut [Seat<'a>], at: i64) -> Option<&'b mut Seat<'a>> {
    for seat in seats.iter_mut() {
        seat.open.retain(|&end| end > at);
    }
    let free = seats.iter_mut().filter(|seat| {
        seat.open.len() < seat.member.limit && state(seat.stints, at) == Some(State::Free)
    });
    free.min_by_key(|seat| (seat.open.len(), seat.latest))
}

impl Seat<'_> {
    fn take(&mut self, at: i64, rush: bool, dice: &mut Dice) -> Session {
        let stint = self.stints.iter().find(|stint| at < stint.logout);
        let conditions = Conditions {
            in_hand: self.open.len() + 1,
            rush,
            logout: stint.map_or(i64::MAX, |stint| stint.logout),
        };
        let session = session((self.agent, self.member), at, conditions, dice);
        self.latest = at;
        self.open.push(session.end);
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::SEED;

    fn window(instant: &str, zone: &TimeZone) -> DayWindow {
        DayWindow::around(instant.parse().unwrap(), zone).unwrap()
    }

    fn day(seed: u64, instant: &str, zone: &str) -> Day {
        let zone = TimeZone::get(zone).unwrap();
        Day::new(seed, window(instant, &zone), &zone)
    }

    /// Days of 23, 24 and 25 hours, at different ends of the world and of the calendar.
    fn days() -> Vec<Day> {
        let days = [
            ("2025-01-13T03:00:00Z", "Asia/Shanghai"),
            ("2025-01-14T03:00:00Z", "Asia/Shanghai"),
            ("2026-03-29T12:00:00Z", "Europe/Berlin"),
            ("2026-10-25T12:00:00Z", "Europe/Berlin"),
            ("2026-11-01T12:00:00Z", "America/New_York"),
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

    /// What only grows within a day.
    fn growing(row: &AgentDay) -> [i64; 17] {
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
        ]
    }

    fn assert_fits(row: &AgentDay, day: &Day, now: i64) {
        let answered = row.total_session_cnt - row.not_resp_session_cnt;
        let effective = row.effective_session_cnt;
        let id = row.agent_id;
        for (what, part, whole) in [
            ("effective", effective, answered),
            ("answered", answered, row.total_session_cnt),
            (
                "transferred",
                row.transfer_session_cnt,
                row.total_session_cnt,
            ),
            ("ended", row.agent_end_cnt, answered),
            ("users", row.serve_user_cnt, row.total_session_cnt),
            ("first quick", row.first_resp_under30s_cnt, answered),
            ("quick", row.avg_resp_under30s_cnt, effective),
            ("rated", row.satisfaction_selected_cnt, effective),
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
            ("answers", answered, row.agent_msg_cnt),
            (
                "from midnight",
                day.window.from_second(),
                row.first_login_timestamp,
            ),
            ("until now", row.first_login_timestamp, now),
            ("out", row.last_logout_timestamp, now.max(0)),
        ] {
            assert!(part <= whole, "{id} {now}: {what} {part} > {whole}");
        }
        let online = row.free_time + row.busy_time + row.rest_time;
        assert!(online <= now - row.first_login_timestamp, "{id} {now}");
        let mean = |sum: i64, count: i64| if count == 0 { 0 } else { sum / count };
        let (time, sessions) = (row.total_accept_time, row.total_session_cnt);
        assert_eq!(row.avg_accept_time, mean(time, sessions));
        assert_eq!(row.avg_first_resp_time > 0, answered > 0, "{id} {now}");
        assert_eq!(row.avg_resp_time > 0, effective > 0, "{id} {now}");
    }

    #[test]
    fn the_figures_fit_and_grow_at_every_instant() {
        for day in days() {
            let mut before: Vec<AgentDay> = Vec::new();
            let end = day.window.to_second();
            for now in (day.window.from_second()..end).step_by(1201).chain([end]) {
                let rows = day.rows(second(now));
                assert!(rows.is_sorted_by_key(|row| row.agent_id));
                rows.iter().for_each(|row| assert_fits(row, &day, now));
                for old in &before {
                    let new = rows.iter().find(|row| row.agent_id == old.agent_id);
                    let new = new.expect("an agent stays in the answer");
                    assert_eq!(new.first_login_timestamp, old.first_login_timestamp);
                    assert!(old.last_logout_timestamp <= new.last_logout_timestamp);
                    for (new, old) in growing(new).into_iter().zip(growing(old)) {
                        assert!(old <= new, "{now}: {old} {new}");
                    }
                }
                before = rows;
            }
            assert_eq!(before.len(), 24, "two have the day off");
            assert!(before.iter().all(|row| row.last_logout_timestamp > 0));
        }
    }

    #[test]
    fn agents_come_at_eight_by_the_clock_on_the_wall_and_leave_by_half_past_ten() {
        for (day, zone) in [
            ("2026-03-29T12:00:00Z", "Europe/Berlin"),
            ("2026-10-25T12:00:00Z", "Europe/Berlin"),
            ("2018-11-04T15:00:00Z", "America/Sao_Paulo"),
            ("2025-01-13T03:00:00Z", "Asia/Shanghai"),
        ]
        .map(|(instant, zone)| (day(3, instant, zone), TimeZone::get(zone).unwrap()))
        {
            let time = |second_of: i64| second(second_of).to_zoned(zone.clone()).time();
            let rows = day.rows(day.window.end());
            let first = rows.iter().map(|row| row.first_login_timestamp).min();
            let last = rows.iter().map(|row| row.last_logout_timestamp).max();
            let (first, last) = (time(first.unwrap()), time(last.unwrap()));
            assert!(("07:55".parse().unwrap().."08:05".parse().unwrap()).contains(&first));
            assert!(("22:00".parse().unwrap().."22:30".parse().unwrap()).contains(&last));
            assert!(time(day.rush.start) >= "15:45".parse().unwrap());
            for hour in [0, 3, 7] {
                let early = second(opening(&day.window, &zone) - (8 - hour) * HOUR);
                assert_eq!(day.rows(early), []);
                assert_eq!((day.queued(early), day.in_hand(early)), (0, vec![]));
            }
        }
    }

    #[test]
    fn after_the_day_nothing_more_happens() {
        for day in days() {
            let finished = day.rows(day.window.end());
            assert_eq!(day.rows(Timestamp::MAX), finished);
            assert_eq!(day.rows(Timestamp::MIN), []);
            assert_eq!(day.queued(day.window.end()), 0);
        }
    }

    /// The team's figures, as the rules add them up: answered and all sessions, and the seconds that
    /// the answered ones waited for the first answer, as far as whole averages tell.
    fn team(day: &Day, now: i64) -> [i64; 3] {
        let rows = day.rows(second(now));
        let answered = |r: &AgentDay| r.total_session_cnt - r.not_resp_session_cnt;
        let sum = |of: &dyn Fn(&AgentDay) -> i64| rows.iter().map(of).sum();
        [
            sum(&answered),
            sum(&|r| r.total_session_cnt),
            sum(&|r| r.avg_first_resp_time * answered(r)),
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

    #[test]
    fn every_day_has_one_bad_hour_that_begins_and_ends() {
        for seed in 0..8 {
            let day = day(seed, "2025-01-13T03:00:00Z", "Asia/Shanghai");
            let opening = day.window.from_second() + 8 * HOUR;
            let Range { start, end } = day.rush;
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
        }
    }

    #[test]
    fn a_day_is_as_busy_as_a_centre_is() {
        for seed in 0..8 {
            let day = day(seed, "2025-01-13T03:00:00Z", "Asia/Shanghai");
            let opening = day.window.from_second() + 8 * HOUR;
            let rows = day.rows(day.window.end());
            let sum = |of: fn(&AgentDay) -> i64| rows.iter().map(of).sum::<i64>();
            let sessions = sum(|r| r.total_session_cnt);
            let seconds = sum(|r| r.total_accept_time) / sessions;
            assert!(
                (360..720).contains(&seconds),
                "{seed}: {seconds} s a session"
            );
            let rated = sum(|r| r.satisfaction_selected_cnt) * 100 / sessions;
            assert!((10..25).contains(&rated), "{seed}: {rated} % rated");
            let satisfied = sum(|r| r.satisfied_cnt) * 100 / sum(|r| r.satisfaction_selected_cnt);
            assert!(
                (78..95).contains(&satisfied),
                "{seed}: {satisfied} % satisfied"
            );
            for peak in [3, 6, 12] {
                let minutes = (0..60).map(|m| second(opening + peak * HOUR + m * 60));
                let in_hand: Vec<usize> = minutes.flat_map(|now| day.in_hand(now)).collect();
                let tenths = in_hand.iter().sum::<usize>() * 10 / in_hand.len();
                assert!((18..=40).contains(&tenths), "{seed} {peak}: {tenths}");
            }
        }
    }

    #[test]
    fn no_agent_has_more_in_hand_than_the_limit_and_few_contacts_wait() {
        for day in days() {
            for (seat, (member, stints)) in ROSTER.iter().zip(&day.stints).enumerate() {
                let own = || day.sessions().filter(|session| session.agent == seat);
                for session in own() {
                    let at = session.accepted;
                    assert_eq!(state(stints, at), Some(State::Free));
                    let open = own().filter(|s| (s.accepted..s.end).contains(&at)).count();
                    assert!(open <= member.limit, "{open}");
                    assert!(
                        stints
                            .iter()
                            .any(|s| s.from <= at && session.end <= s.logout)
                    );
                }
            }
            let waits = |contact: &&Contact| contact.queued < contact.left;
            let waited = day.contacts.iter().filter(waits).count();
            assert!(waited > 0 && waited * 4 < day.contacts.len(), "{waited}");
            assert!(day.contacts.iter().any(|contact| contact.session.is_none()));
        }
    }

    #[test]
    fn the_same_seed_and_day_play_the_same_and_others_do_not() {
        let rows = |seed, instant| {
            let day = day(seed, instant, "Asia/Shanghai");
            let mut rows = day.rows(day.window.end());
            for row in &mut rows {
                row.first_login_timestamp -= day.window.from_second();
                row.last_logout_timestamp -= day.window.from_second();
            }
            rows
        };
        let (monday, tuesday) = ("2025-01-13T03:00:00Z", "2025-01-14T03:00:00Z");
        assert_eq!(rows(1, monday), rows(1, monday));
        assert_ne!(rows(1, monday), rows(2, monday));
        assert_ne!(rows(1, monday), rows(1, tuesday));
    }
}
