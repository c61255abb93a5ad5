//! One day of the simulated centre: who works, who writes in, who waits, and who serves whom.
//!
//! A day follows from a seed, its window and its zone alone, and is laid down once, to its end; figures are then read
//! off it as of an instant (`figures`). So a restarted demo goes on where it was, and a test may ask for any second of
//! any day. The centre is open from 08:00 to 22:00 by its own clock.
//!
//! A contact waits in the queue of its group until an agent of the group is free and has fewer sessions in hand than
//! the limit; the one with the fewest takes it. Every day has one bad hour in the afternoon: more contacts come, and
//! answers take several times as long.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::ops::Range;

use jiff::tz::TimeZone;

use super::dice::Dice;
use super::roster::{GROUPS, Group, Member, ROSTER};
use super::session::{Conditions, Session, session};
use super::shift::{Attendance, HOUR, State, Stint, stints};
use crate::base::clock::DayWindow;

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
/// How many contacts come in the bad hour, in percent of the usual.
const RUSH_DEMAND: i64 = 190;
/// How long a contact waits in the queue before giving up, as a rule.
const PATIENCE: i64 = 240;

/// How many users the bot helps without an agent, to a hundred whom it hands over.
const HELPED_BY_BOT: i64 = 40;

/// One day, laid down to its end.
#[derive(Debug)]
pub struct Day {
    window: DayWindow,
    pub(super) zone: TimeZone,
    /// By their agents' places in the roster.
    pub(super) stints: Vec<Vec<Stint>>,
    pub(super) contacts: Vec<Contact>,
    /// When users wrote in whom the bot could help.
    pub(super) helped_by_bot: Vec<i64>,
    rush: Range<i64>,
}

/// A user who wants to speak with an agent.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) group: Group,
    /// Whether another agent had the session before.
    pub(super) is_passed_on: bool,
    /// When it joined the queue.
    pub(super) queued: i64,
    /// When it left the queue, for an agent or for good.
    pub(super) left: i64,
    /// What followed, if an agent took it.
    pub(super) session: Option<Session>,
}

impl Day {
    /// The day that `seed` makes of `window`, a day of `zone`.
    pub fn new(seed: u64, window: DayWindow, zone: &TimeZone) -> Self {
        let dice = |what| Dice::of([seed, window.from_second().cast_unsigned(), what]);
        let opening = opening(&window, zone);
        let rush = rush(opening, &mut dice(0));
        let stints = plan_shifts(opening, &mut dice(1));
        let mut floor = Floor::new(&stints, &rush);
        for (group, stream) in GROUPS.into_iter().zip(4..) {
            for at in arrivals(group.share, opening, &rush, &mut dice(stream)) {
                floor.expect(at, group, false);
            }
        }
        Self {
            window,
            zone: zone.clone(),
            contacts: floor.play(&mut dice(2)),
            helped_by_bot: arrivals(HELPED_BY_BOT, opening, &rush, &mut dice(3)),
            stints,
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
}

/// The second at which the centre opens on this day.
fn opening(window: &DayWindow, zone: &TimeZone) -> i64 {
    let opening = window.date().at(OPENING_HOUR, 0, 0, 0);
    // Only where the calendar ends is there no such instant.
    let by_the_clock = opening.to_zoned(zone.clone()).ok();
    by_the_clock.map_or(window.from_second(), |opening| {
        opening.timestamp().as_second()
    })
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

/// When those come of whom there are `share` to a hundred contacts, in order.
fn arrivals(share: i64, opening: i64, rush: &Range<i64>, dice: &mut Dice) -> Vec<i64> {
    let mut arrivals = Vec::new();
    let mut at = opening;
    while at < opening + LAST_CONTACT {
        let half_hour = usize::try_from((at - opening) / (HOUR / 2)).ok();
        let usual = half_hour.and_then(|i| DEMAND.get(i)).copied();
        let percent = if rush.contains(&at) { RUSH_DEMAND } else { 100 };
        let an_hour = usual.unwrap_or(40) * share * percent / 10_000;
        at += dice.gap(HOUR / an_hour.max(1));
        arrivals.push(at);
    }
    arrivals
}

/// The state of an agent with these stints at the second `at`; `None` where the agent is not logged in.
pub(super) fn state(stints: &[Stint], at: i64) -> Option<State> {
    stints.iter().find_map(|stint| stint.state(at))
}

/// What may let a contact be served; of two at the same second, the seat comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An agent has a session less, or is back from a break.
    Seat,
    /// A contact comes.
    Arrival { group: Group, is_passed_on: bool },
}

/// The agents at work.
struct Floor<'a> {
    seats: Vec<Seat<'a>>,
    rush: &'a Range<i64>,
    queue: Vec<Contact>,
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
    fn new(stints: &'a [Vec<Stint>], rush: &'a Range<i64>) -> Self {
        let members = ROSTER.iter().enumerate().zip(stints);
        let seats = members.map(|((agent, member), stints)| Seat {
            agent,
            member,
            stints,
            open: Vec::new(),
            latest: i64::MIN,
        });
        let spans = stints.iter().flatten().flat_map(|stint| &stint.spans);
        Self {
            seats: seats.collect(),
            rush,
            queue: Vec::new(),
            events: spans
                .map(|span| Reverse((span.from, Event::Seat)))
                .collect(),
            done: Vec::new(),
        }
    }

    /// A contact of `group` will come at the second `at`.
    fn expect(&mut self, at: i64, group: Group, is_passed_on: bool) {
        let arrival = Event::Arrival {
            group,
            is_passed_on,
        };
        self.events.push(Reverse((at, arrival)));
    }

    /// The whole day; returns its contacts.
    fn play(mut self, dice: &mut Dice) -> Vec<Contact> {
        while let Some(Reverse((at, event))) = self.events.pop() {
            if let Event::Arrival {
                group,
                is_passed_on,
            } = event
            {
                self.queue.push(Contact {
                    group,
                    is_passed_on,
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
        for mut contact in mem::take(&mut self.queue) {
            if contact.left > at {
                let Some(seat) = free_seat(&mut self.seats, contact.group, at) else {
                    self.queue.push(contact);
                    continue;
                };
                let session = seat.take(at, self.rush.contains(&at), dice);
                self.events.push(Reverse((session.end, Event::Seat)));
                if session.transferred {
                    // The next agent gets it from the same queue.
                    self.expect(session.end, contact.group, true);
                }
                contact.left = at;
                contact.session = Some(session);
            }
            self.done.push(contact);
        }
    }
}

/// The group's seat with the fewest sessions in hand, and of those the one that has waited the longest.
fn free_seat<'b, 'a>(seats: &'b mut [Seat<'a>], group: Group, at: i64) -> Option<&'b mut Seat<'a>> {
    for seat in seats.iter_mut() {
        seat.open.retain(|&end| end > at);
    }
    let free = seats.iter_mut().filter(|seat| {
        seat.member.groups.contains(&group)
            && seat.open.len() < seat.member.limit()
            && state(seat.stints, at) == Some(State::Free)
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
