//! What Desk says: the day's plan, read off as of one instant.
//!
//! All endpoints are answered from the same sessions, so their figures agree. Desk's page on the indicators says what
//! counts as what; when it counts is not documented. Here an agent's session counts from its first answer on, or,
//! unanswered, from its end: so sessions less the unanswered are the answered ones at every instant. Whether it was
//! effective, and how long its answers took, is judged at its end. So each mean is one of as many sessions as the count
//! beside it says, and no count ever falls.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::day::{Contact, Day, state};
use super::roster::{GROUPS, Member, ROSTER};
use super::session::{Session, Turn};
use super::shift::{State, Stint};

/// "Within 30 s", in two of the fields.
const QUICK: i64 = 30;
/// Names for the numbers that stand for an agent's status here; the API's page has none. An agent who has been there
/// today and is logged out stays in the list.
pub const STATUS_NAMES: &str = "1=free,2=busy,3=rest,4=offline";

impl Day {
    /// The rows of `describe_agent_statistics`: agents who logged in on this day and by `now`, in the order of their
    /// ids.
    pub fn agents(&self, now: Timestamp) -> Vec<Value> {
        let now = now.as_second();
        let row = |agent: Agent<'_>| agent.statistics(now);
        self.team(now).map(row).collect()
    }

    /// The rows of `describe_member_realtime_statistics`: the same agents.
    pub fn members(&self, now: Timestamp) -> Vec<Value> {
        let now = now.as_second();
        let row = |agent: Agent<'_>| agent.realtime(now);
        self.team(now).map(row).collect()
    }

    /// The object of `describe_reception_realtime_statistics`.
    pub fn reception(&self, now: Timestamp) -> Value {
        let now = now.as_second();
        let waits = |contact: &&Contact| (contact.queued..contact.left).contains(&now);
        let queue: Vec<&Contact> = self.contacts.iter().filter(waits).collect();
        let served = self.sessions().filter(|s| s.is_in_hand(now)).count();
        let states = || self.stints.iter().filter_map(|stints| state(stints, now));
        let online = |state| states().filter(|&s| s == state).count();
        let groups = GROUPS.map(|group| {
            let queue = queue.iter().filter(|contact| contact.group == group);
            json!({ "GroupId": group.id, "GroupName": group.name, "QueueCnt": queue.count() })
        });
        json!({
            "CurrentTransferAgentCnt": served + queue.len(),
            "CurrentAgentAcceptCnt": served,
            "CurrentQueueCnt": queue.len(),
            "FreeAgentCnt": online(State::Free),
            "RestAgentCnt": online(State::Rest),
            "BusyAgentCnt": online(State::Busy),
            "CurrentGroupQueueCnt": groups,
        })
    }

    /// The rows of `describe_session_statistics`, for the day or for each of its hours. A session counts for the hour
    /// in which it began; one that an agent passes on stays one.
    pub fn session_statistics(&self, now: Timestamp, by_hour: bool) -> Vec<Value> {
        let now = now.as_second();
        let time = |second| {
            let local = Timestamp::from_second(second).unwrap_or_default();
            let format = if by_hour { "%H:00" } else { "%F" };
            let local = local.to_zoned(self.zone.clone()).strftime(format);
            local.to_string()
        };
        let mut rows: BTreeMap<String, (usize, Vec<&Contact>)> = BTreeMap::new();
        for &at in self.helped_by_bot.iter().filter(|&&at| at <= now) {
            rows.entry(time(at)).or_default().0 += 1;
        }
        let begun = |contact: &&Contact| contact.queued <= now && !contact.is_passed_on;
        for contact in self.contacts.iter().filter(begun) {
            rows.entry(time(contact.queued))
                .or_default()
                .1
                .push(contact);
        }
        let rows = rows.into_iter();
        rows.map(|(time, (helped_by_bot, contacts))| {
            session_statistics(&time, helped_by_bot, &contacts, now)
        })
        .collect()
    }

    /// The agents who have logged in by `now`.
    fn team(&self, now: i64) -> impl Iterator<Item = Agent<'_>> {
        let members = ROSTER.iter().zip(&self.stints).enumerate();
        members.filter_map(move |(place, (member, stints))| {
            let first_login = stints.first().filter(|stint| stint.from <= now)?.from;
            let own = self.sessions().filter(|session| session.agent == place);
            Some(Agent {
                member,
                stints,
                first_login,
                sessions: own.collect(),
            })
        })
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.contacts.iter().filter_map(|c| c.session.as_ref())
    }
}

/// The row of a time in which the bot helped so many users, and handed over `contacts`.
fn session_statistics(time: &str, helped_by_bot: usize, contacts: &[&Contact], now: i64) -> Value {
    let accepted = contacts.iter().filter_map(|contact| contact.accepted(now));
    let (waits, sessions): (Vec<i64>, Vec<&Session>) = accepted.unzip();
    let progress = Progress { sessions, now };
    let stars = progress.stars();
    let rated = |with: i64| stars.iter().filter(|&&stars| stars == with).count();
    json!({
        "Time": time,
        "TotalSessionCnt": helped_by_bot + contacts.len(),
        "TransferAgentSessionCnt": contacts.len(),
        "AgentAcceptCnt": waits.len(),
        "EffectiveSessionCnt": progress.mean_waits().len(),
        "SatisfactionSelectedCnt": stars.len(),
        "OneStarSelectedCnt": rated(1),
        "TwoStarSelectedCnt": rated(2),
        "ThreeStarSelectedCnt": rated(3),
        "FourStarSelectedCnt": rated(4),
        "FiveStarSelectedCnt": rated(5),
        "AvgFirstRespTime": mean(&progress.first_waits()),
        "AvgRespTime": mean(&progress.mean_waits()),
        "AvgAcceptTime": mean(&progress.times()),
        "AvgQueueTime": mean(&waits),
    })
}

/// An agent who has logged in.
struct Agent<'a> {
    member: &'static Member,
    stints: &'a [Stint],
    first_login: i64,
    sessions: Vec<&'a Session>,
}

impl Agent<'_> {
    fn statistics(&self, now: i64) -> Value {
        let progress = self.progress(now);
        let (first_waits, mean_waits) = (progress.first_waits(), progress.mean_waits());
        let (times, stars) = (progress.times(), progress.stars());
        let [by_agent, by_user, by_others] = progress.messages();
        let over = |is: fn(&Session) -> bool| progress.over().filter(|s| is(s)).count();
        let logouts = self.stints.iter().map(|stint| stint.logout);
        json!({
            "AgentId": self.member.id,
            "AgentNickName": self.member.nickname,
            "FirstLoginTimestamp": self.first_login,
            "LastLogoutTimestamp": logouts.filter(|&at| at <= now).max().unwrap_or(0),
            "FreeTime": self.time(State::Free, now),
            "BusyTime": self.time(State::Busy, now),
            "RestTime": self.time(State::Rest, now),
            "TotalSessionCnt": progress.sessions.len(),
            "TransferSessionCnt": over(|session| session.transferred),
            "EffectiveSessionCnt": mean_waits.len(),
            "AgentEndCnt": over(|session| session.ended_by_agent),
            "ServeUserCnt": progress.sessions.iter().filter(|s| !s.returning).count(),
            "TotalAcceptTime": times.iter().sum::<i64>(),
            "TotalMsgCnt": by_agent + by_user + by_others,
            "AgentMsgCnt": by_agent,
            "UserMsgCnt": by_user,
            "NotRespSessionCnt": over(|session| session.first_answer.is_none()),
            "AvgFirstRespTime": mean(&first_waits),
            "FirstRespUnder30sCnt": first_waits.iter().filter(|&&wait| wait <= QUICK).count(),
            "AvgRespTime": mean(&mean_waits),
            "AvgRespUnder30sCnt": mean_waits.iter().filter(|&&wait| wait <= QUICK).count(),
            "AvgAcceptTime": mean(&times),
            "SatisfactionSelectedCnt": stars.len(),
            "SatisfiedCnt": stars.iter().filter(|&&stars| stars >= 4).count(),
        })
    }

    fn realtime(&self, now: i64) -> Value {
        let progress = self.progress(now);
        let status = match state(self.stints, now) {
            Some(State::Free) => 1,
            Some(State::Busy) => 2,
            Some(State::Rest) => 3,
            None => 4,
        };
        json!({
            "MemberId": self.member.id,
            "MemberNickName": self.member.nickname,
            "MemberStatus": status,
            "CurrentAcceptCnt": self.sessions.iter().filter(|s| s.is_in_hand(now)).count(),
            "TotalSessionCnt": progress.sessions.len(),
            "AvgFirstRespTime": mean(&progress.first_waits()),
            "AvgRespTime": mean(&progress.mean_waits()),
            "AvgAcceptTime": mean(&progress.times()),
        })
    }

    fn progress(&self, now: i64) -> Progress<'_> {
        let counts = |s: &&Session| s.first_answer.unwrap_or(s.end) <= now;
        let sessions = self.sessions.iter().copied().filter(counts).collect();
        Progress { sessions, now }
    }

    fn time(&self, state: State, now: i64) -> i64 {
        let spans = self.stints.iter().flat_map(|stint| &stint.spans);
        let spans = spans.filter(|span| span.state == state);
        spans
            .map(|span| (now.min(span.to) - span.from).max(0))
            .sum()
    }
}

/// Sessions, and how far they have gone.
struct Progress<'a> {
    sessions: Vec<&'a Session>,
    now: i64,
}

impl Progress<'_> {
    fn over(&self) -> impl Iterator<Item = &Session> {
        let sessions = self.sessions.iter().copied();
        sessions.filter(|session| session.end <= self.now)
    }

    /// How long each has lasted.
    fn times(&self) -> Vec<i64> {
        let sessions = self.sessions.iter();
        sessions.map(|s| self.now.min(s.end) - s.accepted).collect()
    }

    /// How long the first answer took, of those that have one.
    fn first_waits(&self) -> Vec<i64> {
        let sessions = self.sessions.iter();
        let answered = sessions.filter_map(|s| Some((s.accepted, s.first_answer?)));
        let answered = answered.filter(|(_, answer)| *answer <= self.now);
        answered
            .map(|(accepted, answer)| answer - accepted)
            .collect()
    }

    /// How long answers took on the average, of the effective ones.
    fn mean_waits(&self) -> Vec<i64> {
        self.over().filter_map(Session::mean_wait).collect()
    }

    fn stars(&self) -> Vec<i64> {
        let ratings = self.sessions.iter().filter_map(|s| s.rating.as_ref());
        let given = ratings.filter(|rating| rating.at <= self.now);
        given.map(|rating| rating.stars).collect()
    }

    /// Messages by agents, by users, and by the bot and the system.
    fn messages(&self) -> [i64; 3] {
        let mut messages = [0; 3];
        for session in &self.sessions {
            let of_one = session.messages(self.now);
            for (sum, count) in messages.iter_mut().zip(of_one) {
                *sum += count;
            }
        }
        messages
    }
}

impl Contact {
    /// How long it waited for an agent, and its session.
    fn accepted(&self, now: i64) -> Option<(i64, &Session)> {
        let session = self.session.as_ref().filter(|s| s.accepted <= now)?;
        Some((session.accepted - self.queued, session))
    }
}

impl Session {
    fn is_in_hand(&self, now: i64) -> bool {
        (self.accepted..self.end).contains(&now)
    }

    fn messages(&self, now: i64) -> [i64; 3] {
        // A greeting that is not returned is a message too, and the system says that the session is over.
        let greeting = i64::from(self.turns.is_empty());
        let goodbye = i64::from(self.end <= now);
        let asked = self.turns.iter().filter(|turn| turn.asked <= now);
        let is_answered = |turn: &&Turn| turn.answered.is_some_and(|answered| answered <= now);
        let answered = self.turns.iter().filter(is_answered);
        [
            greeting + answered.map(|turn| turn.agent_messages).sum::<i64>(),
            asked.map(|turn| turn.user_messages).sum(),
            self.bot_messages + goodbye,
        ]
    }
}

/// The whole number that Desk gives for a mean; 0 where there is none.
fn mean(values: &[i64]) -> i64 {
    let count = i64::try_from(values.len()).unwrap_or_default();
    let sum: i64 = values.iter().sum();
    sum.checked_div(count).unwrap_or_default()
}
