//! One session, played from the hand-over to its rating.
//!
//! All that will happen in it is laid down with its second; what has happened by now is for the
//! tally to ask. That is what makes the figures fit together and only grow.

use super::dice::Dice;
use super::roster::Member;

/// Usual seconds: to the first answer, to a later one, for the user to write on, to say goodbye.
const FIRST_ANSWER: i64 = 12;
const ANSWER: i64 = 21;
const WRITE_ON: i64 = 54;
const GOODBYE: i64 = 55;
/// How many exchanges a session has as a rule.
const EXCHANGES: i64 = 8;

/// What a user wrote, and the answer to it.
#[derive(Debug)]
pub(super) struct Turn {
    /// When the user wrote.
    pub(super) asked: i64,
    /// How many messages.
    pub(super) user_messages: i64,
    /// When the agent answered, if ever.
    pub(super) answered: Option<i64>,
    /// How many messages the answer has.
    pub(super) agent_messages: i64,
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
    /// The agent's place in the roster.
    pub(super) agent: usize,
    /// When the agent got it.
    pub(super) accepted: i64,
    /// When the agent wrote for the first time, if ever.
    pub(super) first_answer: Option<i64>,
    /// What was said; nothing where the agent greets a user who says nothing more.
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

/// What a session meets at the agent's desk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    /// How many sessions the agent has in hand, with this one.
    pub(super) in_hand: usize,
    /// Whether it is the bad hour.
    pub(super) rush: bool,
    /// When the agent logs out.
    pub(super) logout: i64,
}

impl Conditions {
    /// How long `usual` seconds become for `member`, who is busier with more in hand.
    fn stretch(&self, usual: i64, member: &Member, in_rush: i64) -> i64 {
        let busy = 70 + 14 * i64::try_from(self.in_hand).unwrap_or(0);
        let rush = if self.rush { in_rush } else { 100 };
        usual * member.pace * busy * rush / 1_000_000
    }
}

impl Session {
    /// The mean wait for an answer, over the whole session; `None` where no answer came to anything.
    pub(super) fn mean_wait(&self) -> Option<i64> {
        let waits = || {
            let turns = self.turns.iter();
            turns.filter_map(|turn| Some(turn.answered? - turn.asked))
        };
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
        let in_time = |at: &i64| *at <= logout;
        self.first_answer = self.first_answer.filter(in_time);
        self.turns.retain(|turn| in_time(&turn.asked));
        for turn in &mut self.turns {
            turn.answered = turn.answered.filter(in_time);
        }
    }
}

/// The session that `member`, at the place `agent` of the roster, takes at the second `at`.
pub(super) fn session(
    (agent, member): (usize, &Member),
    at: i64,
    conditions: Conditions,
    dice: &mut Dice,
) -> Session {
    let (missed, silent) = (if conditions.rush { 24 } else { 3 }, 5);
    let kind = dice.between(1, 100);
    let mut session = if kind <= missed {
        unanswered(agent, at, dice)
    } else if kind <= missed + silent {
        greeting((agent, member), at, conditions, dice)
    } else {
        conversation((agent, member), at, conditions, dice)
    };
    session.returning = dice.percent(7);
    session.hand_over_at(conditions.logout);
    session
}

/// A user who gives up, or whom the system gives up on.
fn unanswered(agent: usize, at: i64, dice: &mut Dice) -> Session {
    Session {
        agent,
        accepted: at,
        first_answer: None,
        turns: vec![Turn {
            asked: at,
            user_messages: dice.between(1, 3),
            answered: None,
            agent_messages: 0,
        }],
        bot_messages: dice.between(2, 4),
        end: at + dice.between(150, 330),
        ended_by_agent: false,
        transferred: false,
        returning: false,
        rating: None,
    }
}

/// A user who says nothing after the hand-over: the agent greets, waits, and ends it.
fn greeting(
    (agent, member): (usize, &Member),
    at: i64,
    conditions: Conditions,
    dice: &mut Dice,
) -> Session {
    let first_answer = at + first_wait(member, conditions, dice);
    Session {
        first_answer: Some(first_answer),
        turns: Vec::new(),
        end: first_answer + dice.between(150, 330),
        ended_by_agent: true,
        ..unanswered(agent, at, dice)
    }
}

fn conversation(
    (agent, member): (usize, &Member),
    at: i64,
    conditions: Conditions,
    dice: &mut Dice,
) -> Session {
    let turns = turns(member, at, conditions, dice);
    let answer = |turn: Option<&Turn>| turn.and_then(|turn| turn.answered);
    let first_answer = answer(turns.first());
    let last = answer(turns.last()).unwrap_or(at);
    let transferred = dice.percent(4);
    let mut session = Session {
        agent,
        accepted: at,
        first_answer,
        turns,
        bot_messages: dice.between(2, 6),
        end: last + dice.skewed(GOODBYE),
        ended_by_agent: !transferred && dice.percent(72),
        transferred,
        returning: false,
        rating: None,
    };
    if !transferred && dice.percent(20) {
        session.rating = Some(rating(&session, dice));
    }
    session
}

fn first_wait(member: &Member, conditions: Conditions, dice: &mut Dice) -> i64 {
    dice.skewed(conditions.stretch(FIRST_ANSWER, member, 680))
}

fn turns(member: &Member, at: i64, conditions: Conditions, dice: &mut Dice) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut asked = at;
    for nth in 0..dice.skewed(EXCHANGES) {
        let wait = if nth == 0 {
            first_wait(member, conditions, dice)
        } else {
            dice.skewed(conditions.stretch(ANSWER, member, 220))
        };
        turns.push(Turn {
            asked,
            user_messages: dice.between(1, 2),
            answered: Some(asked + wait),
            agent_messages: dice.between(1, 2),
        });
        asked += wait + dice.skewed(WRITE_ON);
    }
    turns
}

/// The longer the waits, the fewer stars.
fn rating(session: &Session, dice: &mut Dice) -> Rating {
    let wait = session.mean_wait().unwrap_or_default();
    Rating {
        at: session.end + dice.skewed(25),
        satisfied: dice.percent((94 - wait / 3).max(40)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::roster::ROSTER;
    use super::*;

    const AT: i64 = 1_736_730_000;

    fn sessions(rush: bool, logout: i64) -> Vec<Session> {
        let mut dice = Dice::of([1, 2, 3]);
        let conditions = Conditions {
            in_hand: 3,
            rush,
            logout,
        };
        let members = ROSTER.iter().enumerate().cycle().take(4000);
        members
            .map(|member| session(member, AT, conditions, &mut dice))
            .collect()
    }

    fn assert_in_order(session: &Session) {
        let mut at = session.accepted;
        for turn in &session.turns {
            assert!(at <= turn.asked && turn.asked <= session.end);
            let answered = turn.answered.unwrap_or(session.end);
            assert!(turn.asked < answered || turn.answered.is_none());
            assert!(answered <= session.end);
            at = answered;
        }
        assert!(
            session
                .first_answer
                .is_none_or(|first| first > session.accepted)
        );
        assert!(
            session
                .first_answer
                .is_none_or(|first| first <= session.end)
        );
        assert!(session.mean_wait() != Some(0));
        assert!(session.mean_wait().is_none() || session.first_answer.is_some());
        assert!(!(session.transferred && session.ended_by_agent));
        assert!(session.rating.iter().all(|r| r.at > session.end));
    }

    #[test]
    fn within_a_session_one_thing_follows_another() {
        for logout in [i64::MAX, AT + 300, AT + 5] {
            for session in sessions(false, logout) {
                assert_in_order(&session);
                assert!(session.end <= logout);
            }
        }
    }

    #[test]
    fn a_greeting_that_is_not_returned_has_no_response_time() {
        let greetings = sessions(false, i64::MAX)
            .into_iter()
            .filter(|s| s.first_answer.is_some() && s.turns.is_empty());
        let count = greetings
            .inspect(|greeting| assert_eq!(greeting.mean_wait(), None))
            .count();
        assert!(count > 100, "{count}");
    }

    #[test]
    fn of_everything_there_is_some_and_not_too_much() {
        for (rush, unanswered) in [(false, 2..=4), (true, 20..=27)] {
            let all = sessions(rush, i64::MAX);
            let percent = |what: fn(&Session) -> bool| {
                all.iter().filter(|session| what(session)).count() * 100 / all.len()
            };
            for (share, expected) in [
                (percent(|s| s.first_answer.is_none()), unanswered),
                (percent(|s| s.transferred), 2..=5),
                (percent(|s| s.ended_by_agent), 50..=75),
                (percent(|s| s.rating.is_some()), 12..=22),
                (percent(|s| s.returning), 5..=9),
            ] {
                assert!(expected.contains(&share), "{share} {expected:?} {rush}");
            }
        }
    }
}
