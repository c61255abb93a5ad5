//! One session, played from the hand-over to its rating.
//!
//! All that will happen in it is laid down with its second; what has happened by an instant is read off it. That is
//! what makes the figures fit together and only grow.

use super::dice::Dice;
use super::roster::Member;

/// Usual seconds: to the first answer, to a later one, for the user to write on, to say goodbye.
const FIRST_ANSWER: i64 = 12;
const ANSWER: i64 = 21;
const WRITE_ON: i64 = 54;
const GOODBYE: i64 = 55;
/// How many exchanges a session has as a rule.
const EXCHANGES: i64 = 8;
/// In how many of a hundred sessions the user says nothing more, in how many the agent does not answer, and how many
/// that is in the bad hour.
const SILENT: i64 = 5;
const MISSED: i64 = 3;
const MISSED_IN_RUSH: i64 = 24;

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
    /// From one to five.
    pub(super) stars: i64,
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
    /// Whether the agent ended it.
    pub(super) ended_by_agent: bool,
    /// Whether it ended by going to a colleague.
    pub(super) transferred: bool,
    /// Whether the agent had served this user before on this day.
    pub(super) returning: bool,
    /// The user's rating, where one was given.
    pub(super) rating: Option<Rating>,
}

/// What a session meets at its agent.
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
        mean_wait(&self.turns)
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

fn mean_wait(turns: &[Turn]) -> Option<i64> {
    let waits = turns
        .iter()
        .filter_map(|turn| Some(turn.answered? - turn.asked));
    let (count, sum) = waits.fold((0, 0), |(count, sum), wait| (count + 1, sum + wait));
    i64::checked_div(sum, count)
}

/// The session that `member`, at the place `agent` of the roster, takes at the second `at`.
pub(super) fn session(
    (agent, member): (usize, &Member),
    at: i64,
    conditions: Conditions,
    dice: &mut Dice,
) -> Session {
    let missed = if conditions.rush {
        MISSED_IN_RUSH
    } else {
        MISSED
    };
    let kind = dice.between(1, 100);
    let talks = kind > missed + SILENT;
    let turns = if talks {
        turns(member, at, conditions, dice)
    } else if kind > missed {
        Vec::new()
    } else {
        vec![unanswered(at, dice)]
    };
    let first_answer = match turns.first() {
        Some(turn) => turn.answered,
        None => Some(at + first_wait(member, conditions, dice)),
    };
    let last = turns.last().map_or(first_answer, |turn| turn.answered);
    let wait_for_more = if talks {
        dice.skewed(GOODBYE)
    } else {
        dice.between(150, 330)
    };
    let end = last.unwrap_or(at) + wait_for_more;
    let transferred = talks && dice.percent(4);
    let is_rated = talks && !transferred && dice.percent(20);
    let mut session = Session {
        agent,
        accepted: at,
        first_answer,
        bot_messages: dice.between(2, 6),
        end,
        ended_by_agent: last.is_some() && !transferred && (!talks || dice.percent(72)),
        transferred,
        returning: dice.percent(7),
        rating: is_rated.then(|| rating(end, mean_wait(&turns), dice)),
        turns,
    };
    session.hand_over_at(conditions.logout);
    session
}

/// What a user writes who then gives up, or is given up by the system.
fn unanswered(asked: i64, dice: &mut Dice) -> Turn {
    Turn {
        asked,
        user_messages: dice.between(1, 3),
        answered: None,
        agent_messages: 0,
    }
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
fn rating(end: i64, wait: Option<i64>, dice: &mut Dice) -> Rating {
    let is_satisfied = dice.percent((94 - wait.unwrap_or_default() / 3).max(40));
    let (fewest, most) = if is_satisfied { (4, 5) } else { (1, 3) };
    Rating {
        at: end + dice.skewed(25),
        stars: dice.between(fewest, most),
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
        let first = session.first_answer;
        assert!(first.is_none_or(|first| session.accepted < first && first <= session.end));
        assert!(session.mean_wait() != Some(0));
        assert!(session.mean_wait().is_none() || first.is_some());
        assert!(!(session.transferred && session.ended_by_agent));
        assert!(session.rating.iter().all(|r| r.at > session.end));
        assert!(session.rating.iter().all(|r| (1..=5).contains(&r.stars)));
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
    fn of_everything_there_is_some_and_not_too_much() {
        for (rush, unanswered) in [(false, 2..=4), (true, 20..=27)] {
            let all = sessions(rush, i64::MAX);
            let percent = |what: fn(&Session) -> bool| {
                all.iter().filter(|session| what(session)).count() * 100 / all.len()
            };
            for (share, expected) in [
                (percent(|s| s.first_answer.is_none()), unanswered),
                (
                    percent(|s| s.first_answer.is_some() && s.mean_wait().is_none()),
                    3..=7,
                ),
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
