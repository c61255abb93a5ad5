//! When an agent is logged in on one day, and in which state.
//!
//! Times are seconds since the day's start, as the centre's clock on the wall would count them;
//! days of 23 and 25 hours end where they end. A stretch between a login and the logout after it
//! is a [`Stint`], cut without gaps into spans of one state each.

use super::dice::Dice;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// When an agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// 07:00 to 16:00.
    Early,
    /// 09:00 to 18:00.
    Day,
    /// 14:00 to 23:00.
    Late,
    /// 22:00 to 07:30: on one calendar day the end of one night and the start of the next.
    Night,
}

/// What Desk counts an agent's time as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Takes sessions (空闲).
    Free,
    /// Logged in, but takes no further session (示忙).
    Busy,
    /// On a break (小休).
    Rest,
}

/// A time in one state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// The state.
    pub(super) state: State,
    /// Its first second.
    pub(super) from: i64,
    /// The first second after it.
    pub(super) to: i64,
}

/// From a login to the logout after it.
#[derive(Debug)]
pub(super) struct Stint {
    /// The second of the login; 0 for who was there at midnight.
    pub(super) from: i64,
    /// The second of the logout; `None` for who is still there when the day ends.
    pub(super) logout: Option<i64>,
    /// What happens between them, without a gap.
    pub(super) spans: Vec<Span>,
}

/// The stints of a day of `length` seconds, in order.
pub(super) fn stints(shift: Shift, length: i64, dice: &mut Dice) -> Vec<Stint> {
    let mut stints = Vec::new();
    for presence in presences(shift, length, dice) {
        add_stints(&mut stints, &presence, dice);
    }
    stints.retain(|stint| stint.from < length);
    for stint in &mut stints {
        stint.end_with_the_day(length);
    }
    stints
}

impl Stint {
    /// Whoever works beyond midnight does not log out for it; the rest is the next day's.
    fn end_with_the_day(&mut self, length: i64) {
        self.logout = self.logout.filter(|&logout| logout < length);
        self.spans.retain(|span| span.from < length);
        for span in &mut self.spans {
            span.to = span.to.min(length);
        }
    }
}

/// From when to when somebody is at work, and how the meal is taken, if one is due.
struct Presence {
    from: i64,
    to: i64,
    meal: Option<i64>,
    /// How many in a hundred log out for it.
    logs_out: i64,
}

fn presences(shift: Shift, length: i64, dice: &mut Dice) -> Vec<Presence> {
    let mut around = |hours: i64, minutes: i64, early: i64, late: i64| {
        hours * HOUR + dice.between((minutes - early) * MINUTE, (minutes + late) * MINUTE)
    };
    let mut by_day = |from: i64, meal_hour: i64| Presence {
        from: around(from, 0, 14, 7),
        to: around(from + 9, 0, 2, 20),
        meal: Some(around(meal_hour, 30, 25, 30)),
        logs_out: 35,
    };
    match shift {
        Shift::Early => vec![by_day(7, 11)],
        Shift::Day => vec![by_day(9, 12)],
        Shift::Late => vec![by_day(14, 17)],
        Shift::Night => vec![
            // There are few enough at night: none of them logs out for a meal.
            Presence {
                from: 0,
                to: around(7, 30, 5, 15),
                meal: Some(around(3, 0, 90, 90)),
                logs_out: 0,
            },
            // Beyond the day's end, so that a day of 25 hours is covered to its last second.
            Presence {
                from: around(22, 0, 15, 5),
                to: length + HOUR,
                meal: None,
                logs_out: 0,
            },
        ],
    }
}

/// One stint, or two where the meal is taken logged out.
fn add_stints(stints: &mut Vec<Stint>, presence: &Presence, dice: &mut Dice) {
    let (from, to) = (presence.from, presence.to);
    let Some(meal) = presence.meal else {
        stints.push(stint(from, to, vec![(from, to)], dice));
        return;
    };
    let back = meal + dice.between(30, 55) * MINUTE;
    if dice.percent(presence.logs_out) {
        stints.push(stint(from, meal, vec![(from, meal)], dice));
        stints.push(stint(back, to, vec![(back, to)], dice));
    } else {
        stints.push(stint(from, to, vec![(from, meal), (back, to)], dice));
    }
}

/// A stint with these times of work, whatever lies between them being a break.
fn stint(from: i64, to: i64, work: Vec<(i64, i64)>, dice: &mut Dice) -> Stint {
    let mut spans: Vec<Span> = Vec::new();
    for (work_from, work_to) in work {
        let idle_since = spans.last().map_or(work_from, |span| span.to);
        push(&mut spans, State::Rest, idle_since, work_from);
        add_work(&mut spans, work_from, work_to, dice);
    }
    Stint {
        from,
        logout: Some(to),
        spans,
    }
}

/// Work from `from` to `to`: free for the most part, with a pause now and then.
fn add_work(spans: &mut Vec<Span>, from: i64, to: i64, dice: &mut Dice) {
    let mut since = from;
    loop {
        let pause = since + dice.between(35, 85) * MINUTE + dice.between(0, 59);
        // Nobody takes a break a quarter of an hour before going anyway.
        if pause + 30 * MINUTE > to {
            return push(spans, State::Free, since, to);
        }
        push(spans, State::Free, since, pause);
        let (state, length) = if dice.percent(55) {
            (State::Rest, dice.between(7 * MINUTE, 15 * MINUTE))
        } else {
            (State::Busy, dice.between(3 * MINUTE, 12 * MINUTE))
        };
        push(spans, state, pause, pause + length);
        since = pause + length;
    }
}

fn push(spans: &mut Vec<Span>, state: State, from: i64, to: i64) {
    if from < to {
        spans.push(Span { state, from, to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFTS: [Shift; 4] = [Shift::Early, Shift::Day, Shift::Late, Shift::Night];

    #[test]
    fn stints_follow_each_other_and_their_spans_leave_no_gap() {
        for day in 0..200 {
            for shift in SHIFTS {
                for hours in [1, 22, 23, 24, 25] {
                    let length = hours * HOUR;
                    let mut out_since = -1;
                    for stint in stints(shift, length, &mut Dice::of([day, 1, 2])) {
                        assert!(out_since < stint.from, "{shift:?} {day}");
                        let mut at = stint.from;
                        for span in &stint.spans {
                            assert_eq!(span.from, at, "{shift:?} {day}");
                            assert!(span.from < span.to);
                            at = span.to;
                        }
                        assert_eq!(stint.logout.unwrap_or(length), at, "{shift:?} {day}");
                        out_since = at;
                    }
                }
            }
        }
    }

    #[test]
    fn the_night_is_manned_from_midnight_to_midnight() {
        for hours in [23, 24, 25] {
            let night = stints(Shift::Night, hours * HOUR, &mut Dice::of([0, 1, 2]));
            assert_eq!(night.first().unwrap().from, 0);
            assert!(night.first().unwrap().logout.is_some());
            assert_eq!(night.last().unwrap().logout, None);
            assert_eq!(night.last().unwrap().spans.last().unwrap().to, hours * HOUR);
        }
    }

    #[test]
    fn some_take_their_meal_logged_out_and_some_do_not() {
        let days = |stints_wanted: usize| {
            (0..100)
                .map(|day| stints(Shift::Day, 24 * HOUR, &mut Dice::of([day, 0, 0])).len())
                .filter(|&count| count == stints_wanted)
                .count()
        };
        assert!(days(1) > 20 && days(2) > 20, "{} {}", days(1), days(2));
    }
}
