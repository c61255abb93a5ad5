//! One agent's sessions of one day, each played from its first message to its rating.
//!
//! Everything that will happen is laid down with its second of the day; what has happened by now
//! is for the tally to ask. That is what makes the figures fit together and only grow.

use super::dice::Dice;
use super::roster::Member;
use super::shift::{State, Stint};

/// How many sessions come, in percent of a busy hour, each half hour of the day: a peak in the
/// morning, and one in the evening that fewer agents share.
const DEMAND: [i64; 48] = [
    45, 40, 35, 30, 25, 25, 20, 20, // from 00:00
    20, 20, 20, 20, 25, 30, 30, 35, // from 04:00
    45, 55, 70, 85, 110, 115, 110, 80, // from 08:00
    55, 50, 45, 45, 45, 50, 50, 50, // from 12:00
    50, 55, 55, 60, 70, 120, 180, 190, // from 16:00
    180, 110, 80, 65, 55, 50, 45, 45, // from 20:00
];
/// Seconds between two sessions for one agent in a busy hour.
const USUAL_GAP: i64 = 260;
/// Whoever leaves within this many seconds takes no further session.
const LAST_CALL: i64 = 120;
/// Usual seconds: to the first answer, to a later one, for the user to write on, to say goodbye.
const FIRST_ANSWER: i64 = 15;
const ANSWER: i64 = 20;
const WRITE_ON: i64 = 25;
const GOODBYE: i64 = 40;

/// What a user wrote, and the answer to it.
#[derive(Debug)]
pub(super) struct Turn {
    /// When the user began to wait.
    pub(super) asked: i64,
    /// Messages of the user; none where the agent greets somebody who never says anything.
    pub(super) user_messages: i64,
    /// When the agent answered, if ever.
    pub(super) answered: Option<i64>,
    /// Messages of the answer.
    pub(super) agent_messages: i64,
}

impl Turn {
    /// How long the user waited, where the answer has come by `now`.
    pub(super) fn wait(&self, now: i64) -> Option<i64> {
        let answered = self.answered.filter(|&answered| answered <= now)?;
        Some(answered - self.asked)
    }
}

/// What a user thought of it.
#[derive(Debug)]
pub(super) struct Rating {
    /// When the user said so.
    pub(super) at: i64,
    /// Whether it was four or five stars.
    pub(super) satisfied: bool,
}

/// One session, from the hand-over to the agent to its end.
#[derive(Debug)]
pub(super) struct Session {
    /// When the agent got it.
    pub(super) accepted: i64,
    /// What was said.
    pub(super) turns: Vec<Turn>,
    /// Messages of the bot and of the system before the hand-over.
    pub(super) bot_messages: i64,
    /// When it ended.
    pub(super) end: i64,
    /// Whether it ended by the agent's hand.
    pub(super) ended_by_agent: bool,
    /// Whether it ended by going to a colleague.
    pub(super) transferred: bool,
    /// Whether the agent had served this user before on this day.
    pub(super) returning: bool,
    /// The user's rating, where one was given.
    pub(super) rating: Option<Rating>,
}

impl Session {
    /// When the agent answered for the first time, if ever.
    pub(super) fn first_answer(&self) -> Option<i64> {
        self.turns.first()?.answered
    }

    /// The mean wait for an answer so far; `None` before the first.
    pub(super) fn mean_wait(&self, now: i64) -> Option<i64> {
        let waits = || self.turns.iter().filter_map(|turn| turn.wait(now));
        let answers = i64::try_from(waits().count()).ok()?;
        waits().sum::<i64>().checked_div(answers)
    }

    /// An agent who logs out leaves what is still open to a colleague.
    fn hand_over_at(&mut self, logout: i64) {
        if self.end < logout {
            return;
        }
        self.end = logout;
        self.transferred = true;
        self.ended_by_agent = false;
        self.rating = None;
        self.turns.retain(|turn| turn.asked <= logout);
        for turn in &mut self.turns {
            turn.answered = turn.answered.filter(|&answered| answered <= logout);
        }
    }
}

/// The sessions that `member` takes in these stints, in the order of their start.
pub(super) fn sessions(member: &Member, stints: &[Stint], dice: &mut Dice) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    for stint in stints {
        let last_call = stint.logout.map_or(i64::MAX, |logout| logout - LAST_CALL);
        for span in stint.spans.iter().filter(|span| span.state == State::Free) {
            let mut at = span.from + next_gap(span.from, dice);
            while at < span.to.min(last_call) {
                let open = sessions.iter().rev().take(20).filter(|s| s.end > at);
                if open.count() < member.slots {
                    let mut session = session(member, at, dice);
                    session.returning = !sessions.is_empty() && dice.percent(8);
                    if let Some(logout) = stint.logout {
                        session.hand_over_at(logout);
                    }
                    sessions.push(session);
                }
                at += next_gap(at, dice);
            }
        }
    }
    sessions
}

fn next_gap(at: i64, dice: &mut Dice) -> i64 {
    let half_hour = usize::try_from(at / 1800).ok();
    // The 25th hour of a long day is a night's.
    let demand = half_hour.and_then(|i| DEMAND.get(i)).copied().unwrap_or(45);
    // Not every second: the least gap bounds the work for a day, too.
    dice.gap(USUAL_GAP * 100 / demand).max(4)
}

fn session(member: &Member, at: i64, dice: &mut Dice) -> Session {
    let unanswered = dice.percent(1 + member.pace / 40);
    if unanswered {
        missed(at, dice)
    } else {
        conversation(member, at, dice)
    }
}

/// A user who gives up, or whom the system gives up on.
fn missed(at: i64, dice: &mut Dice) -> Session {
    Session {
        accepted: at,
        turns: vec![Turn {
            asked: at,
            user_messages: dice.between(1, 3),
            answered: None,
            agent_messages: 0,
        }],
        bot_messages: dice.between(2, 4),
        end: at + dice.between(60, 240),
        ended_by_agent: false,
        transferred: false,
        returning: false,
        rating: None,
    }
}

fn conversation(member: &Member, at: i64, dice: &mut Dice) -> Session {
    let turns = turns(member, at, dice);
    let last = turns.last().and_then(|turn| turn.answered).unwrap_or(at);
    let transferred = dice.percent(5);
    let mut session = Session {
        accepted: at,
        turns,
        bot_messages: dice.between(2, 6),
        end: last + dice.skewed(GOODBYE),
        ended_by_agent: !transferred && dice.percent(72),
        transferred,
        returning: false,
        rating: None,
    };
    if !transferred && dice.percent(48) {
        session.rating = Some(rating(&session, dice));
    }
    session
}

fn turns(member: &Member, at: i64, dice: &mut Dice) -> Vec<Turn> {
    let silent = dice.percent(6);
    let opening = if silent { 0 } else { dice.between(1, 2) };
    let (count, mut asked) = (if silent { 1 } else { dice.skewed(7) }, at);
    let mut turns = Vec::new();
    for nth in 0..count {
        let first = nth == 0;
        let usual = if first { FIRST_ANSWER } else { ANSWER };
        let answered = asked + dice.skewed(usual * member.pace / 100);
        turns.push(Turn {
            asked,
            user_messages: if first { opening } else { dice.between(1, 2) },
            answered: Some(answered),
            agent_messages: dice.between(1, 2),
        });
        asked = answered + dice.skewed(WRITE_ON);
    }
    turns
}

/// The longer the waits, the fewer stars.
fn rating(session: &Session, dice: &mut Dice) -> Rating {
    let wait = session.mean_wait(i64::MAX).unwrap_or_default();
    Rating {
        at: session.end + dice.skewed(25),
        satisfied: dice.percent((96 - wait / 2).max(45)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::roster::ROSTER;
    use super::super::shift::stints;
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn whole_centre(day: u64) -> Vec<(&'static Member, Vec<Stint>, Vec<Session>)> {
        (0..)
            .zip(&ROSTER)
            .map(|(agent, member)| {
                let mut dice = Dice::of([7, day, agent]);
                let stints = stints(member.shift, DAY, &mut dice);
                let sessions = sessions(member, &stints, &mut dice);
                (member, stints, sessions)
            })
            .collect()
    }

    #[test]
    fn a_session_starts_while_free_and_ends_before_the_logout() {
        for (member, stints, sessions) in (0..30).flat_map(whole_centre) {
            for session in &sessions {
                let stint = stints.iter().rev().find(|s| s.from <= session.accepted);
                let stint = stint.expect("logged in");
                let free = |at| {
                    let mut spans = stint.spans.iter();
                    spans.any(|s| s.state == State::Free && s.from <= at && at < s.to)
                };
                assert!(free(session.accepted), "{}", member.id);
                assert!(session.end <= stint.logout.unwrap_or(i64::MAX));
            }
        }
    }

    #[test]
    fn within_a_session_one_thing_follows_another() {
        for (_, _, sessions) in (0..30).flat_map(whole_centre) {
            for session in &sessions {
                assert_eq!(session.turns[0].asked, session.accepted);
                let mut at = session.accepted;
                for turn in &session.turns {
                    assert!(at <= turn.asked && turn.asked <= session.end);
                    let answered = turn.answered.unwrap_or(session.end);
                    assert!(turn.asked < answered || turn.answered.is_none());
                    assert!(answered <= session.end);
                    at = answered;
                }
                assert!(!(session.transferred && session.ended_by_agent));
                assert!(session.rating.iter().all(|r| r.at > session.end));
            }
        }
    }

    #[test]
    fn agents_have_several_at_once_but_never_more_than_they_take() {
        let mut most = 0;
        for (member, _, sessions) in (0..10).flat_map(whole_centre) {
            for session in &sessions {
                let at = session.accepted;
                let open = sessions.iter().filter(|s| s.accepted <= at && at < s.end);
                let open = open.count();
                assert!(open <= member.slots, "{}: {open}", member.id);
                most = most.max(open);
            }
        }
        assert_eq!(most, 4);
    }

    #[test]
    fn the_day_has_its_two_peaks_and_a_quiet_night() {
        let mut hours = [0; 24];
        for (_, _, sessions) in (0..20).flat_map(whole_centre) {
            for session in sessions {
                hours[usize::try_from(session.accepted / 3600).unwrap()] += 1;
            }
        }
        let at = |hour: usize| hours[hour];
        assert!(
            at(10) > at(8) && at(10) > at(12) && at(10) > at(13),
            "{hours:?}"
        );
        assert!(
            at(19) > at(17) && at(19) > at(21) && at(19) > at(14),
            "{hours:?}"
        );
        assert!(
            (0..6).all(|hour| at(hour) > 0 && at(hour) * 5 < at(10)),
            "{hours:?}"
        );
    }

    #[test]
    fn of_everything_there_is_some_and_not_too_much() {
        let days: Vec<_> = (0..20).flat_map(whole_centre).collect();
        let all: Vec<&Session> = days.iter().flat_map(|(_, _, s)| s).collect();
        let percent = |what: fn(&Session) -> bool| {
            all.iter().filter(|session| what(session)).count() * 100 / all.len()
        };
        for (share, low, high) in [
            (percent(|s| s.first_answer().is_none()), 2, 6),
            (percent(|s| s.transferred), 4, 10),
            (percent(|s| s.ended_by_agent), 55, 75),
            (percent(|s| s.rating.is_some()), 35, 55),
            (
                percent(|s| s.rating.as_ref().is_some_and(|r| r.satisfied)),
                28,
                48,
            ),
            (percent(|s| s.returning), 5, 10),
        ] {
            assert!((low..=high).contains(&share), "{share} {low} {high}");
        }
    }
}
