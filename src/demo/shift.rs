//! When an agent is logged in on one day, and in which state.
//!
//! Shifts go by the hours of the day's opening, times are Unix seconds. A stretch between a login
//! and the logout after it is a [`Stint`], cut without gaps into spans of one state each.

use super::dice::Dice;

const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// So long before a logout the agent takes no further session.
const LAST_CALL: i64 = 13 * MINUTE;

/// When an agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// 08:00 to 17:00.
    Early,
    /// 10:00 to 19:00.
    Day,
    /// 13:00 to 22:00.
    Late,
}

impl Shift {
    /// Hours after the opening, and minutes after those: begin, end, meal.
    fn times(self) -> [(i64, i64); 3] {
        match self {
            Self::Early => [(0, 0), (9, 0), (3, 40)],
            Self::Day => [(2, 0), (11, 0), (5, 0)],
            Self::Late => [(5, 0), (14, 0), (9, 30)],
        }
    }
}

/// How an agent keeps to the shift on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attendance {
    /// Within some minutes.
    Whole,
    /// Comes an hour late, more or less.
    ComesLate,
    /// Leaves two hours early, more or less.
    LeavesEarly,
    /// Has the day off.
    Off,
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
    /// The second of the login.
    pub(super) from: i64,
    /// The second of the logout.
    pub(super) logout: i64,
    /// What happens between them, without a gap.
    pub(super) spans: Vec<Span>,
}

impl Stint {
    /// The state at the second `at`; `None` where the agent is not logged in.
    pub(super) fn state(&self, at: i64) -> Option<State> {
        let mut spans = self.spans.iter();
        let span = spans.find(|span| (span.from..span.to).contains(&at))?;
        Some(span.state)
    }
}

/// The stints of a day that opens at `opening`, in order.
pub(super) fn stints(
    shift: Shift,
    attendance: Attendance,
    opening: i64,
    dice: &mut Dice,
) -> Vec<Stint> {
    let [begin, end, meal] = shift
        .times()
        .map(|(hours, minutes)| opening + hours * HOUR + minutes * MINUTE);
    let mut from = begin + dice.between(-4 * MINUTE, 7 * MINUTE);
    let mut to = end + dice.between(0, 17 * MINUTE);
    let meal = meal + dice.between(-30 * MINUTE, 30 * MINUTE);
    let back = meal + dice.between(30 * MINUTE, 50 * MINUTE);
    match attendance {
        Attendance::Whole => {}
        Attendance::ComesLate => from += dice.between(45 * MINUTE, 95 * MINUTE),
        Attendance::LeavesEarly => to -= dice.between(100 * MINUTE, 150 * MINUTE),
        Attendance::Off => return Vec::new(),
    }
    // The early ones go out for the meal as a rule, of the others a third.
    let goes_out = if shift == Shift::Early { 75 } else { 35 };
    if dice.percent(goes_out) {
        vec![
            stint(from, meal, &[(from, meal)], dice),
            stint(back, to, &[(back, to)], dice),
        ]
    } else {
        vec![stint(from, to, &[(from, meal), (back, to)], dice)]
    }
}

/// A stint with these times of work, and breaks between them.
fn stint(from: i64, logout: i64, work: &[(i64, i64)], dice: &mut Dice) -> Stint {
    let last_call = logout - LAST_CALL;
    let mut spans: Vec<Span> = Vec::new();
    for &(work_from, work_to) in work {
        let idle_since = spans.last().map_or(work_from, |span| span.to);
        push(&mut spans, State::Rest, idle_since, work_from);
        add_work(&mut spans, work_from, work_to.min(last_call), dice);
    }
    push(&mut spans, State::Busy, last_call, logout);
    Stint {
        from,
        logout,
        spans,
    }
}

/// Work from `from` to `to`: free for the most part, with a pause now and then.
fn add_work(spans: &mut Vec<Span>, from: i64, to: i64, dice: &mut Dice) {
    let mut since = from;
    loop {
        let pause = since + dice.between(50 * MINUTE, 110 * MINUTE);
        let (state, length) = if dice.percent(55) {
            (State::Rest, dice.between(7 * MINUTE, 15 * MINUTE))
        } else {
            (State::Busy, dice.between(3 * MINUTE, 10 * MINUTE))
        };
        // No break a quarter of an hour before a longer one.
        if pause + length + 15 * MINUTE > to {
            return push(spans, State::Free, since, to);
        }
        push(spans, State::Free, since, pause);
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

    const SHIFTS: [Shift; 3] = [Shift::Early, Shift::Day, Shift::Late];
    const OPENING: i64 = 1_736_726_400;

    fn days(shift: Shift, attendance: Attendance) -> impl Iterator<Item = Vec<Stint>> {
        (0..200).map(move |day| stints(shift, attendance, OPENING, &mut Dice::of([day, 1, 2])))
    }

    #[test]
    fn stints_follow_each_other_and_their_spans_leave_no_gap() {
        for shift in SHIFTS {
            for attendance in [
                Attendance::Whole,
                Attendance::ComesLate,
                Attendance::LeavesEarly,
            ] {
                for stints in days(shift, attendance) {
                    let mut out_since = OPENING - HOUR;
                    for stint in &stints {
                        assert!(out_since < stint.from, "{shift:?} {attendance:?}");
                        let mut at = stint.from;
                        for span in &stint.spans {
                            assert_eq!(span.from, at, "{shift:?} {attendance:?}");
                            assert!(span.from < span.to);
                            at = span.to;
                        }
                        assert_eq!(stint.logout, at, "{shift:?} {attendance:?}");
                        assert_eq!(stint.state(at), None);
                        assert_eq!(stint.state(at - 1), Some(State::Busy));
                        out_since = at;
                    }
                }
            }
        }
    }

    #[test]
    fn a_shift_is_kept_within_minutes_but_by_those_who_come_late_or_leave_early() {
        let minutes = |seconds: i64| seconds.div_euclid(MINUTE);
        for stints in days(Shift::Early, Attendance::Whole) {
            let (first, last) = (stints.first().unwrap(), stints.last().unwrap());
            assert!((-4..=7).contains(&minutes(first.from - OPENING)));
            assert!((0..=17).contains(&minutes(last.logout - OPENING - 9 * HOUR)));
        }
        for stints in days(Shift::Early, Attendance::ComesLate) {
            assert!(minutes(stints.first().unwrap().from - OPENING) >= 40);
        }
        for stints in days(Shift::Early, Attendance::LeavesEarly) {
            assert!(minutes(stints.last().unwrap().logout - OPENING) <= 540 - 80);
        }
        assert_eq!(days(Shift::Day, Attendance::Off).flatten().count(), 0);
    }

    #[test]
    fn some_take_their_meal_logged_out_and_some_do_not() {
        let count = days(Shift::Day, Attendance::Whole)
            .filter(|s| s.len() == 2)
            .count();
        assert!((40..=100).contains(&count), "{count}");
    }
}
