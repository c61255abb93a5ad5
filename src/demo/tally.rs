//! What Desk says of an agent: the day's plan, added up as of one instant.
//!
//! Desk's page on the indicators says what counts as what; when it counts is not documented. Here a
//! session is counted from its first answer on, or, unanswered, from its end: so sessions less the
//! unanswered are the answered ones at every instant. Whether it was effective, and how long its
//! answers took, is judged at its end. So each mean is one of as many sessions as the count beside
//! it says, and no count ever falls.

use serde::Serialize;

use super::roster::Member;
use super::session::Session;
use super::shift::{Span, State, Stint};

/// "Within 30 s", in two of the fields.
const QUICK: i64 = 30;

/// One row of the answer, under the names of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API's page says what each field is")]
pub struct AgentDay {
    pub agent_id: &'static str,
    pub agent_nick_name: &'static str,
    pub first_login_timestamp: i64,
    pub last_logout_timestamp: i64,
    pub free_time: i64,
    pub busy_time: i64,
    pub rest_time: i64,
    pub total_session_cnt: i64,
    pub transfer_session_cnt: i64,
    pub effective_session_cnt: i64,
    pub agent_end_cnt: i64,
    pub serve_user_cnt: i64,
    pub total_accept_time: i64,
    pub total_msg_cnt: i64,
    pub agent_msg_cnt: i64,
    pub user_msg_cnt: i64,
    pub not_resp_session_cnt: i64,
    pub avg_first_resp_time: i64,
    pub first_resp_under30s_cnt: i64,
    pub avg_resp_time: i64,
    pub avg_resp_under30s_cnt: i64,
    pub avg_accept_time: i64,
    pub satisfaction_selected_cnt: i64,
    pub satisfied_cnt: i64,
}

/// A row that is being added up, with the sums that its averages are made of.
pub(super) struct Tally {
    row: AgentDay,
    first_waits: i64,
    mean_waits: i64,
}

impl Tally {
    /// The row of an agent of whom nothing is known yet.
    pub(super) fn of(member: &Member) -> Self {
        let row = AgentDay {
            agent_id: member.id,
            agent_nick_name: member.nickname,
            ..AgentDay::default()
        };
        Self {
            row,
            first_waits: 0,
            mean_waits: 0,
        }
    }

    /// Adds the part of a stint that has passed by `now`.
    pub(super) fn add_stint(&mut self, stint: &Stint, now: i64) {
        if stint.from > now {
            return;
        }
        let row = &mut self.row;
        if row.first_login_timestamp == 0 {
            row.first_login_timestamp = stint.from;
        }
        if stint.logout <= now {
            row.last_logout_timestamp = stint.logout;
        }
        for Span { state, from, to } in &stint.spans {
            let time = match state {
                State::Free => &mut row.free_time,
                State::Busy => &mut row.busy_time,
                State::Rest => &mut row.rest_time,
            };
            *time += (now.min(*to) - from).max(0);
        }
    }

    /// Adds what has happened in a session by `now`.
    pub(super) fn add_session(&mut self, session: &Session, now: i64) {
        if session.first_answer.unwrap_or(session.end) > now {
            return;
        }
        let row = &mut self.row;
        row.total_session_cnt += 1;
        row.total_accept_time += now.min(session.end) - session.accepted;
        row.serve_user_cnt += i64::from(!session.returning);
        match session.first_answer {
            Some(first_answer) => {
                let wait = first_answer - session.accepted;
                self.first_waits += wait;
                row.first_resp_under30s_cnt += i64::from(wait <= QUICK);
            }
            None => row.not_resp_session_cnt += 1,
        }
        self.add_messages(session, now);
        if session.end <= now {
            self.add_end(session, now);
        }
    }

    fn add_messages(&mut self, session: &Session, now: i64) {
        // A greeting that is not returned is a message too.
        let greets = session.turns.is_empty();
        let (mut agent, mut user) = (i64::from(greets), 0);
        for turn in session.turns.iter().filter(|turn| turn.asked <= now) {
            user += turn.user_messages;
            if turn.answered.is_some_and(|answered| answered <= now) {
                agent += turn.agent_messages;
            }
        }
        let row = &mut self.row;
        row.agent_msg_cnt += agent;
        row.user_msg_cnt += user;
        row.total_msg_cnt += session.bot_messages + agent + user;
    }

    /// Adds what is known only once a session is over.
    fn add_end(&mut self, session: &Session, now: i64) {
        let row = &mut self.row;
        row.total_msg_cnt += 1; // The system says that the session is over.
        row.transfer_session_cnt += i64::from(session.transferred);
        row.agent_end_cnt += i64::from(session.ended_by_agent);
        if let Some(mean) = session.mean_wait() {
            row.effective_session_cnt += 1;
            row.avg_resp_under30s_cnt += i64::from(mean <= QUICK);
            self.mean_waits += mean;
        }
        if let Some(rating) = session.rating.as_ref().filter(|rating| rating.at <= now) {
            row.satisfaction_selected_cnt += 1;
            row.satisfied_cnt += i64::from(rating.satisfied);
        }
    }

    /// The row with its averages; `None` for an agent who has not logged in.
    pub(super) fn finish(self) -> Option<AgentDay> {
        let mut row = self.row;
        let answered = row.total_session_cnt - row.not_resp_session_cnt;
        row.avg_first_resp_time = average(self.first_waits, answered);
        row.avg_resp_time = average(self.mean_waits, row.effective_session_cnt);
        row.avg_accept_time = average(row.total_accept_time, row.total_session_cnt);
        (row.first_login_timestamp != 0).then_some(row)
    }
}

/// The whole number that Desk gives for a mean; 0 where there is none.
fn average(sum: i64, count: i64) -> i64 {
    sum.checked_div(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::roster::ROSTER;
    use super::super::session::{Rating, Turn};
    use super::*;

    fn turn(asked: i64, answered: i64) -> Turn {
        Turn {
            asked,
            user_messages: 2,
            answered: Some(answered),
            agent_messages: 1,
        }
    }

    /// From 100 to 250, answered after 10 s and after 60 s, rated at 260.
    fn session() -> Session {
        Session {
            agent: 0,
            accepted: 100,
            first_answer: Some(110),
            turns: vec![turn(100, 110), turn(130, 190)],
            bot_messages: 3,
            end: 250,
            ended_by_agent: true,
            transferred: false,
            returning: false,
            rating: Some(Rating {
                at: 260,
                satisfied: true,
            }),
        }
    }

    fn at(now: i64, sessions: &[Session]) -> AgentDay {
        let mut tally = Tally::of(&ROSTER[0]);
        let stint = Stint {
            from: 50,
            logout: 400,
            spans: vec![Span {
                state: State::Free,
                from: 50,
                to: 400,
            }],
        };
        tally.add_stint(&stint, now);
        for session in sessions {
            tally.add_session(session, now);
        }
        tally.finish().unwrap()
    }

    #[test]
    fn a_session_counts_from_its_first_answer_and_is_judged_at_its_end() {
        let waiting = at(109, &[session()]);
        assert_eq!((waiting.total_session_cnt, waiting.total_msg_cnt), (0, 0));

        let running = at(140, &[session()]);
        assert_eq!(running.total_session_cnt, 1);
        assert_eq!(running.total_accept_time, 40);
        assert_eq!((running.agent_msg_cnt, running.user_msg_cnt), (1, 4));
        assert_eq!(running.total_msg_cnt, 3 + 1 + 4);
        assert_eq!(
            (running.avg_first_resp_time, running.first_resp_under30s_cnt),
            (10, 1)
        );
        assert_eq!(
            (running.effective_session_cnt, running.avg_resp_time),
            (0, 0)
        );
        assert_eq!(running.agent_end_cnt, 0);

        let over = at(259, &[session()]);
        assert_eq!((over.total_accept_time, over.avg_accept_time), (150, 150));
        assert_eq!((over.effective_session_cnt, over.avg_resp_time), (1, 35));
        assert_eq!(over.avg_resp_under30s_cnt, 0);
        assert_eq!((over.agent_end_cnt, over.satisfaction_selected_cnt), (1, 0));

        let rated = at(260, &[session()]);
        assert_eq!(
            (rated.satisfaction_selected_cnt, rated.satisfied_cnt),
            (1, 1)
        );
    }

    #[test]
    fn an_unanswered_one_counts_when_it_is_over() {
        let missed = || {
            let mut session = session();
            session.turns.truncate(1);
            session.turns[0].answered = None;
            session.first_answer = None;
            session
        };
        assert_eq!(at(249, &[missed()]).total_session_cnt, 0);
        let over = at(250, &[missed(), session()]);
        assert_eq!((over.total_session_cnt, over.not_resp_session_cnt), (2, 1));
        assert_eq!(over.effective_session_cnt, 1);
        assert_eq!((over.avg_first_resp_time, over.avg_resp_time), (10, 35));
        assert_eq!(at(250, &[missed()]).avg_first_resp_time, 0);
    }

    #[test]
    fn a_greeting_that_is_not_returned_is_answered_but_not_effective() {
        let mut greeting = session();
        greeting.turns.clear();
        let over = at(250, &[greeting, session()]);
        assert_eq!((over.total_session_cnt, over.not_resp_session_cnt), (2, 0));
        assert_eq!((over.effective_session_cnt, over.avg_resp_time), (1, 35));
        assert_eq!(over.first_resp_under30s_cnt, 2);
        assert_eq!((over.agent_msg_cnt, over.user_msg_cnt), (3, 4));
    }

    #[test]
    fn login_logout_and_time_are_known_when_they_have_happened() {
        let working = at(399, &[]);
        assert_eq!(working.first_login_timestamp, 50);
        assert_eq!((working.last_logout_timestamp, working.free_time), (0, 349));
        let gone = at(10_000, &[]);
        assert_eq!((gone.last_logout_timestamp, gone.free_time), (400, 350));
        assert!(Tally::of(&ROSTER[0]).finish().is_none());
    }

    #[test]
    fn the_fields_are_those_of_the_documents() {
        let json = serde_json::to_value(at(300, &[])).unwrap();
        let mut documented = [
            "AgentId AgentNickName FirstLoginTimestamp LastLogoutTimestamp FreeTime BusyTime",
            "RestTime TotalSessionCnt TransferSessionCnt EffectiveSessionCnt AgentEndCnt",
            "ServeUserCnt TotalAcceptTime TotalMsgCnt AgentMsgCnt UserMsgCnt NotRespSessionCnt",
            "AvgFirstRespTime FirstRespUnder30sCnt AvgRespTime AvgRespUnder30sCnt AvgAcceptTime",
            "SatisfactionSelectedCnt SatisfiedCnt",
        ]
        .map(str::split_whitespace)
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        documented.sort_unstable();
        let mut names: Vec<&String> = json.as_object().unwrap().keys().collect();
        names.sort_unstable();
        assert_eq!(names, documented);
    }
}
