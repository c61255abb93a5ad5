//! What the polls say, as the page needs it: made once from the snapshots that may be shown, whichever languages and
//! orders are asked for.
//!
//! Values are read through the catalog's families, so that what is unknown on `/metrics` is unknown here. Means and
//! ratios are made as the recording rules make them (`dashboards/source`): means weighted by what Desk divided them by,
//! ratios as sum over sum of the agents who have both fields. Figures of today are those of agent statistics, and where
//! these have no agent, the members' realtime figures, never some of both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::limits;
use crate::catalog::{Endpoint, Family, agents, directory, members, reception, sessions};
use crate::desk::table::Row;
use crate::exposition::page::Page;
use crate::exposition::snapshot::Snapshot;

/// No name is shown that is longer, in characters.
const LONGEST_NAME: usize = 80;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) now: Now,
    /// The queue of each group, the longest first.
    pub(super) queues: Vec<GroupQueue>,
    pub(super) seats: Option<Seats>,
    pub(super) hours: Option<Hours>,
    /// Whether the agents' statistics are shown, even of none.
    pub(super) has_agents: bool,
    /// The day of all agents together.
    pub(super) team: Day,
    pub(super) agents: Vec<Agent>,
    /// The groups that agents are in, by their ids; what each is called.
    pub(super) groups: BTreeMap<String, String>,
}

/// How the whole Desk stands.
#[derive(Debug, Default)]
pub(super) struct Now {
    pub(super) queued: Option<f64>,
    pub(super) free: Option<f64>,
    pub(super) busy: Option<f64>,
    pub(super) rest: Option<f64>,
    pub(super) active: Option<f64>,
}

impl Now {
    /// Whether sessions wait, and no agent is free to take them.
    pub(super) fn is_unattended(&self) -> bool {
        self.queued > Some(0.0) && self.free == Some(0.0)
    }

    /// How many agents are online.
    pub(super) fn online(&self) -> Option<f64> {
        let states = [self.free, self.busy, self.rest];
        states
            .into_iter()
            .flatten()
            .reduce(|all, count| all + count)
    }
}

/// How many wait for a group.
#[derive(Debug)]
pub(super) struct GroupQueue {
    pub(super) name: String,
    pub(super) queued: f64,
}

/// Sessions that agents have, of those that they may have at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seats {
    pub(super) taken: f64,
    pub(super) all: f64,
    /// Whose these are.
    pub(super) of: SeatsOf,
}

/// How it is known who is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeatsOf {
    /// The operator has named Desk's numbers of a status.
    Named,
    /// Desk's count of agents, at their mean limit.
    Desk,
    /// It is not: of all agents whom Desk lists.
    Listed,
}

/// What each hour brought, and the day in all.
#[derive(Debug, Default)]
pub(super) struct Hours {
    pub(super) each: Vec<Hour>,
    pub(super) day: Hour,
}

/// One hour, or the day.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Hour {
    /// From 0 to 23.
    pub(super) hour: u8,
    /// The poll fell into it: it is not over, and is not judged, since what still waits is not accepted yet.
    pub(super) is_running: bool,
    pub(super) sessions: Option<f64>,
    pub(super) handed_over: Option<f64>,
    pub(super) accepted: Option<f64>,
    pub(super) queue_seconds: Option<f64>,
}

impl Hour {
    /// Of the sessions handed over, those that an agent accepted. No more than 1: sessions that an agent began are
    /// accepted, and were never handed over.
    pub(super) fn accepted_share(&self) -> Option<f64> {
        let handed_over = self.handed_over.filter(|&count| count > 0.0)?;
        let share = self.accepted? / handed_over;
        (share >= 0.0).then_some(share.min(1.0))
    }

    pub(super) fn few_accepted(&self) -> bool {
        !self.is_running && limits::ACCEPTED.is_beyond(self.accepted_share(), self.handed_over)
    }

    pub(super) fn queue_takes_long(&self) -> bool {
        !self.is_running && limits::QUEUE_SECONDS.is_beyond(self.queue_seconds, self.accepted)
    }
}

/// So much over so many: an average or a share, of one agent or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mean {
    /// One agent's average as Desk tells it, be it known or not what it is over.
    told: Option<f64>,
    sum: f64,
    /// What it is over, where that is known.
    pub(super) over: Option<f64>,
}

impl Mean {
    fn of_average(average: Option<f64>, over: Option<f64>) -> Self {
        let sum = average.zip(over).map(|(average, over)| average * over);
        Self {
            told: average,
            ..Self::of_sum(sum, over)
        }
    }

    fn of_sum(sum: Option<f64>, over: Option<f64>) -> Self {
        Self {
            told: None,
            sum: sum.unwrap_or_default(),
            over: over.filter(|_| sum.is_some()),
        }
    }

    /// It is added up over those of which both are known.
    fn add(&mut self, other: Self) {
        if let Some(over) = other.over {
            self.sum += other.sum;
            *self.over.get_or_insert_default() += over;
        }
    }

    pub(super) fn value(self) -> Option<f64> {
        let over = self.over.filter(|&over| over > 0.0);
        self.told.or_else(|| Some(self.sum / over?))
    }
}

/// Where figures of a day come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Statistics,
    Realtime,
}

/// The day of an agent, or of all together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Day {
    /// Where there are any figures.
    pub(super) source: Option<Source>,
    pub(super) sessions: Option<f64>,
    pub(super) first_response: Mean,
    pub(super) response: Mean,
    pub(super) session: Mean,
    pub(super) within_30s: Mean,
    pub(super) unanswered: Mean,
    pub(super) satisfied: Mean,
}

impl Day {
    fn of_all(agents: &[Agent], source: Option<Source>) -> Self {
        let mut all = Self {
            source,
            ..Self::default()
        };
        for Agent { day, .. } in agents {
            if let Some(sessions) = day.sessions {
                *all.sessions.get_or_insert_default() += sessions;
            }
            all.first_response.add(day.first_response);
            all.response.add(day.response);
            all.session.add(day.session);
            all.within_30s.add(day.within_30s);
            all.unanswered.add(day.unanswered);
            all.satisfied.add(day.satisfied);
        }
        all
    }
}

/// One agent: today, and now.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) id: String,
    /// The nickname; empty where there is none.
    pub(super) name: String,
    /// The groups that the agent is in, by their ids.
    pub(super) groups: Vec<String>,
    pub(super) status: Option<Status>,
    pub(super) current: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) day: Day,
}

/// How Desk says that an agent stands.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Status {
    /// By Desk's number.
    Code(f64),
    /// By the name that the operator gave.
    Named(String),
}

impl Agent {
    /// What the agent is called: the nickname, or the id where there is none.
    pub(super) fn called(&self) -> &str {
        match self.name.as_str() {
            "" => &self.id,
            name => name,
        }
    }

    /// Whether name or id contain `folded`, which is in small letters.
    pub(super) fn is_named(&self, folded: &str) -> bool {
        let names = [&self.name, &self.id];
        names
            .iter()
            .any(|name| name.to_lowercase().contains(folded))
    }

    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|id| id == group)
    }

    /// By the name of the status.
    fn is_online(&self) -> bool {
        matches!(&self.status, Some(Status::Named(name)) if ["free", "busy", "rest"].contains(&name.as_str()))
    }
}

impl Figures {
    /// What `shown` say; hours are those of `zone`.
    pub(super) fn of(shown: &[Arc<Page>], zone: &TimeZone) -> Self {
        let page = |endpoint: &Endpoint| {
            let is_it = |page: &&Arc<Page>| page.snapshot().endpoint.name() == endpoint.name();
            shown.iter().find(is_it)
        };
        let snapshot = |endpoint| page(endpoint).map(|page| page.snapshot());
        let reception = snapshot(&reception::ENDPOINT);
        let names = group_names(snapshot(&directory::GROUPS), reception);
        let now = reception.map(now).unwrap_or_default();
        let statistics = snapshot(&agents::ENDPOINT);
        let realtime = snapshot(&members::ENDPOINT);
        let (mut agents, source) = agents(statistics, realtime);
        let members = snapshot(&directory::MEMBERS);
        let limits = members.map_or_else(Vec::new, |members| add_directory(&mut agents, members));
        Self {
            queues: reception.map_or_else(Vec::new, |reception| queues(reception, &names)),
            seats: seats(&agents, &now, &limits),
            hours: page(&sessions::ENDPOINT).map(|page| {
                let running = page.ended.wall.to_zoned(zone.clone()).hour();
                hours(page.snapshot(), u8::try_from(running).unwrap_or_default())
            }),
            has_agents: statistics.is_some() || realtime.is_some(),
            team: Day::of_all(&agents, source),
            groups: groups(&agents, &names),
            now,
            agents,
        }
    }
}

/// What `family` says of `row`.
fn number(snapshot: &Snapshot, row: Row<'_>, family: &Family) -> Option<f64> {
    snapshot.sample(row, family).map(|sample| sample.value)
}

/// The text of `family`'s own label of `row`; empty where there is none.
fn text(snapshot: &Snapshot, row: Row<'_>, family: &Family) -> String {
    let label = snapshot.sample(row, family).and_then(|sample| sample.label);
    label.map_or_else(String::new, |(_, text)| shortened(text))
}

/// A text of Desk's, as long as it may be.
pub(super) fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn now(snapshot: &Snapshot) -> Now {
    const QUEUED: Family = reception::ENDPOINT.family("tencent_desk_queued_sessions");
    const ACTIVE: Family = reception::ENDPOINT.family("tencent_desk_active_sessions");
    const ONLINE: Family = reception::ENDPOINT.family("tencent_desk_online_agents");
    let whole = snapshot.rows(QUEUED.table).next();
    let whole = |family| number(snapshot, whole?, family);
    let mut now = Now {
        queued: whole(&QUEUED),
        active: whole(&ACTIVE),
        ..Now::default()
    };
    snapshot.for_each_sample(&ONLINE, |_, sample| {
        let state = match sample.label {
            Some((_, "free")) => &mut now.free,
            Some((_, "busy")) => &mut now.busy,
            _ => &mut now.rest,
        };
        *state = Some(sample.value);
    });
    now
}

const GROUP_QUEUED: Family = reception::ENDPOINT.family("tencent_desk_group_queued_users");

fn queues(snapshot: &Snapshot, names: &HashMap<String, String>) -> Vec<GroupQueue> {
    let queue = |row: Row<'_>| {
        Some(GroupQueue {
            name: group_name(row.key(), names),
            queued: number(snapshot, row, &GROUP_QUEUED)?,
        })
    };
    let mut queues: Vec<_> = snapshot
        .rows(GROUP_QUEUED.table)
        .filter_map(queue)
        .collect();
    queues.sort_by(|a, b| {
        let lengths = b.queued.total_cmp(&a.queued);
        lengths.then_with(|| a.name.cmp(&b.name))
    });
    queues
}

/// The names of groups by their ids; where both have one, that of `reception`, which is polled more often.
fn group_names(groups: Option<&Snapshot>, reception: Option<&Snapshot>) -> HashMap<String, String> {
    const INFO: Family = directory::GROUPS.family("tencent_desk_group_info");
    let named = |row: Row<'_>, name| (row.key().to_owned(), name);
    let of_groups = groups.into_iter().flat_map(|groups| {
        let rows = groups.rows(INFO.table);
        rows.map(move |row| named(row, text(groups, row, &INFO)))
    });
    let of_reception = reception.into_iter().flat_map(|reception| {
        let rows = reception.rows(GROUP_QUEUED.table);
        rows.map(move |row| named(row, shortened(row.text(reception::GROUP_NAME))))
    });
    let all = of_groups.chain(of_reception);
    all.filter(|(_, name)| !name.is_empty()).collect()
}

/// What a group is called: by its id where it has no name.
fn group_name(id: &str, names: &HashMap<String, String>) -> String {
    names.get(id).cloned().unwrap_or_else(|| shortened(id))
}

/// Those that any of `agents` is in.
fn groups(agents: &[Agent], names: &HashMap<String, String>) -> BTreeMap<String, String> {
    let ids = agents.iter().flat_map(|agent| &agent.groups);
    ids.map(|id| (id.clone(), group_name(id, names))).collect()
}

/// The agents of both, by what Desk calls them. The whole Desk is read in one way: by its statistics wherever any
/// agent has them.
fn agents(
    statistics: Option<&Snapshot>,
    realtime: Option<&Snapshot>,
) -> (Vec<Agent>, Option<Source>) {
    let has_any = |agents: &[Agent]| agents.iter().any(|agent| agent.day.sessions.is_some());
    let mut agents = statistics.map(of_statistics).unwrap_or_default();
    let realtime = realtime.map(of_realtime).unwrap_or_default();
    let source = match (has_any(&agents), has_any(&realtime)) {
        (true, _) => Some(Source::Statistics),
        (false, true) => Some(Source::Realtime),
        (false, false) => None,
    };
    let places = Places::of_all(&agents);
    for mut agent in realtime {
        if source != Some(Source::Realtime) {
            // These say the same as the statistics, of another moment.
            agent.day = Day::default();
        }
        match places.of(&agent.id).and_then(|place| agents.get_mut(place)) {
            Some(known) => {
                known.status = agent.status;
                known.current = agent.current;
                if source == Some(Source::Realtime) {
                    known.day = agent.day;
                }
            }
            None => agents.push(agent),
        }
    }
    (agents, source)
}

/// Where the agent of an id is: one that is spelled so, or else one of the same letters. An id is an e-mail address,
/// and the endpoints need not spell it alike.
struct Places(HashMap<String, usize>);

impl Places {
    fn of_all(agents: &[Agent]) -> Self {
        let ids = || agents.iter().map(|agent| agent.id.as_str()).zip(0..);
        let folded = ids().map(|(id, place)| (id.to_lowercase(), place));
        let exact = ids().map(|(id, place)| (id.to_owned(), place));
        Self(folded.chain(exact).collect())
    }

    fn of(&self, id: &str) -> Option<usize> {
        let place = self.0.get(id).or_else(|| self.0.get(&id.to_lowercase()));
        place.copied()
    }
}

fn of_statistics(snapshot: &Snapshot) -> Vec<Agent> {
    const fn family(name: &str) -> Family {
        agents::ENDPOINT.family(name)
    }
    const NAME: Family = family("tencent_desk_agent_info");
    const SESSIONS: Family = family("tencent_desk_agent_sessions");
    const EFFECTIVE: Family = family("tencent_desk_agent_effective_sessions");
    const UNANSWERED: Family = family("tencent_desk_agent_unanswered_sessions");
    const FIRST_RESPONSE: Family = family("tencent_desk_agent_average_first_response_seconds");
    const WITHIN_30S: Family = family("tencent_desk_agent_first_response_under_30s_sessions");
    const RESPONSE: Family = family("tencent_desk_agent_average_response_seconds");
    const SESSION: Family = family("tencent_desk_agent_average_session_seconds");
    const RATED: Family = family("tencent_desk_agent_rated_sessions");
    const SATISFIED: Family = family("tencent_desk_agent_satisfied_sessions");
    let agent = |row| {
        let number = |family| number(snapshot, row, family);
        let (sessions, unanswered) = (number(&SESSIONS), number(&UNANSWERED));
        let both = sessions.zip(unanswered);
        let answered = both.map(|(all, unanswered)| (all - unanswered).max(0.0));
        Agent {
            id: row.key().to_owned(),
            name: text(snapshot, row, &NAME),
            day: Day {
                source: Some(Source::Statistics),
                sessions,
                first_response: Mean::of_average(number(&FIRST_RESPONSE), answered),
                response: Mean::of_average(number(&RESPONSE), number(&EFFECTIVE)),
                session: Mean::of_average(number(&SESSION), sessions),
                within_30s: Mean::of_sum(number(&WITHIN_30S), sessions),
                unanswered: Mean::of_sum(unanswered, sessions),
                satisfied: Mean::of_sum(number(&SATISFIED), number(&RATED)),
            },
            ..Agent::default()
        }
    };
    snapshot.rows(SESSIONS.table).map(agent).collect()
}

fn of_realtime(snapshot: &Snapshot) -> Vec<Agent> {
    const fn family(name: &str) -> Family {
        members::ENDPOINT.family(name)
    }
    const CURRENT: Family = family("tencent_desk_agent_current_sessions");
    const CODE: Family = family("tencent_desk_agent_status_code");
    const STATUS: Family = family("tencent_desk_agent_status");
    const SESSIONS: Family = family("tencent_desk_agent_realtime_sessions");
    const FIRST_RESPONSE: Family =
        family("tencent_desk_agent_realtime_average_first_response_seconds");
    const RESPONSE: Family = family("tencent_desk_agent_realtime_average_response_seconds");
    const SESSION: Family = family("tencent_desk_agent_realtime_average_session_seconds");
    let agent = |row| {
        let number = |family| number(snapshot, row, family);
        let sessions = number(&SESSIONS);
        let mean = |family| Mean::of_average(number(family), sessions);
        Agent {
            id: row.key().to_owned(),
            status: match text(snapshot, row, &STATUS) {
                name if name.is_empty() => number(&CODE).map(Status::Code),
                name => Some(Status::Named(name)),
            },
            current: number(&CURRENT),
            day: Day {
                source: Some(Source::Realtime),
                sessions,
                first_response: mean(&FIRST_RESPONSE),
                response: mean(&RESPONSE),
                session: mean(&SESSION),
                ..Day::default()
            },
            ..Agent::default()
        }
    };
    snapshot.rows(CURRENT.table).map(agent).collect()
}

/// Adds limits and groups to `agents`; gives the limits of all whom Desk has.
fn add_directory(agents: &mut [Agent], members: &Snapshot) -> Vec<f64> {
    const LIMIT: Family = directory::MEMBERS.family("tencent_desk_agent_reception_limit");
    let places = Places::of_all(agents);
    let mut limits = Vec::new();
    for row in members.rows(LIMIT.table) {
        let limit = number(members, row, &LIMIT);
        limits.extend(limit);
        if let Some(agent) = places.of(row.key()).and_then(|place| agents.get_mut(place)) {
            agent.limit = limit;
            agent
                .groups
                .extend(row.ids(directory::GROUPS_OF_MEMBER).map(str::to_owned));
        }
    }
    limits
}

/// As the rule `team:tencent_desk_capacity:ratio`: of agents online by their named status, or by Desk's own count
/// at their mean limit, or of all whom it lists.
fn seats(agents: &[Agent], now: &Now, limits: &[f64]) -> Option<Seats> {
    let with_both = agents
        .iter()
        .filter_map(|agent| Some((agent, agent.current?, agent.limit?)));
    let with_both: Vec<_> = with_both.collect();
    let sums_of = |is_one: fn(&Agent) -> bool| {
        let ones = with_both.iter().filter(|(agent, ..)| is_one(agent));
        ones.fold((0.0, 0.0), |(taken, all), (_, current, limit)| {
            (taken + current, all + limit)
        })
    };
    let seats = |taken: f64, all: f64, of| {
        (all > 0.0 && all.is_finite() && taken.is_finite()).then_some(Seats { taken, all, of })
    };
    let (taken, all) = sums_of(Agent::is_online);
    if let Some(named) = seats(taken, all, SeatsOf::Named) {
        return Some(named);
    }
    let (taken, all) = sums_of(|_| true);
    let Some(online) = now.online() else {
        return seats(taken, all, SeatsOf::Listed);
    };
    // Of no limit at all there is no mean, and there are no seats.
    let mean = match with_both.len() {
        0 => limits.iter().sum::<f64>() / limits.len() as f64,
        count => all / count as f64,
    };
    seats(now.active?, online * mean, SeatsOf::Desk)
}

fn hours(snapshot: &Snapshot, running: u8) -> Hours {
    const fn family(name: &str) -> Family {
        sessions::ENDPOINT.family(name)
    }
    const OF_HOUR: [Family; 4] = [
        family("tencent_desk_hour_sessions"),
        family("tencent_desk_hour_handed_over_sessions"),
        family("tencent_desk_hour_accepted_sessions"),
        family("tencent_desk_hour_average_queue_seconds"),
    ];
    const OF_DAY: [Family; 4] = [
        family("tencent_desk_day_sessions"),
        family("tencent_desk_day_handed_over_sessions"),
        family("tencent_desk_day_accepted_sessions"),
        family("tencent_desk_day_average_queue_seconds"),
    ];
    let told = |row, families: &[Family; 4]| {
        let numbers = families
            .each_ref()
            .map(|family| number(snapshot, row, family));
        let [sessions, handed_over, accepted, queue_seconds] = numbers;
        Hour {
            sessions,
            handed_over,
            accepted,
            queue_seconds,
            ..Hour::default()
        }
    };
    let each = snapshot.rows(OF_HOUR[0].table).filter_map(|row| {
        let hour = row.key().split(':').next()?.parse().ok()?;
        (hour < 24).then(|| Hour {
            hour,
            is_running: hour == running,
            ..told(row, &OF_HOUR)
        })
    });
    let day = snapshot.rows(OF_DAY[0].table).next();
    Hours {
        each: each.collect(),
        day: day.map(|row| told(row, &OF_DAY)).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::clock::{Clock as _, DayWindow, Now as Instant, SystemClock, Window};
    use crate::exposition::labels::Labels;

    pub(in super::super) fn now() -> Instant {
        Instant {
            wall: "2026-11-26T09:30:00Z".parse().unwrap(),
            mono: SystemClock.now().mono,
        }
    }

    /// A poll of `endpoint` that ended at half past nine.
    pub(in super::super) fn page(endpoint: &'static Endpoint, answers: &[&str]) -> Arc<Page> {
        let day = DayWindow::around(now().wall, &TimeZone::UTC).unwrap();
        let window = match endpoint.ends_at_midnight {
            true => Window::Day(day),
            false => Window::Now,
        };
        let names = [(1, "free"), (2, "busy"), (3, "rest"), (4, "offline")];
        let labels = Labels {
            status_names: names.map(|(code, name)| (code, name.to_owned())).into(),
            ..Labels::default()
        };
        let snapshot = Snapshot::of_answers(endpoint, window, answers, labels);
        Arc::new(Page::of(snapshot, now()))
    }

    pub(in super::super) fn statistics(rows: &str) -> Arc<Page> {
        page(
            &agents::ENDPOINT,
            &[&format!(r#""TotalCount":9,"Data":[{rows}]"#)],
        )
    }

    pub(in super::super) fn realtime(rows: &str) -> Arc<Page> {
        page(
            &members::ENDPOINT,
            &[&format!(r#""TotalCount":9,"Data":[{rows}]"#)],
        )
    }

    fn directory(rows: &str) -> Arc<Page> {
        page(
            &directory::MEMBERS,
            &[&format!(r#""Total":9,"MemberList":[{rows}]"#)],
        )
    }

    fn reception(members: &str) -> Arc<Page> {
        page(&reception::ENDPOINT, &[&format!(r#""Data":{{{members}}}"#)])
    }

    pub(in super::super) fn figures(pages: &[Arc<Page>]) -> Figures {
        Figures::of(pages, &TimeZone::UTC)
    }

    const TWO: &str = r#"
        {"AgentId":"a","AgentNickName":"Amy","TotalSessionCnt":30,"NotRespSessionCnt":10,"EffectiveSessionCnt":10,
         "AvgFirstRespTime":10,"AvgRespTime":20,"AvgAcceptTime":100,"FirstRespUnder30sCnt":15,
         "SatisfactionSelectedCnt":4,"SatisfiedCnt":1},
        {"AgentId":"b","TotalSessionCnt":10,"NotRespSessionCnt":0,"EffectiveSessionCnt":5,
         "AvgFirstRespTime":40,"AvgRespTime":80,"AvgAcceptTime":200,"FirstRespUnder30sCnt":5,
         "SatisfactionSelectedCnt":0,"SatisfiedCnt":0}"#;

    #[test]
    fn means_are_weighted_by_what_they_are_of_and_ratios_are_sum_over_sum() {
        let figures = figures(&[statistics(TWO)]);
        let team = &figures.team;
        assert_eq!(team.sessions, Some(40.0));
        // 20 answered and 10: (10 * 20 + 40 * 10) / 30.
        assert_eq!(team.first_response.value(), Some(20.0));
        // 10 effective and 5: (20 * 10 + 80 * 5) / 15.
        assert_eq!(team.response.value(), Some(40.0));
        assert_eq!(team.session.value(), Some(125.0));
        assert_eq!(team.within_30s.value(), Some(0.5));
        assert_eq!(team.unanswered.value(), Some(0.25));
        assert_eq!(team.satisfied.value(), Some(0.25));
        assert_eq!(figures.agents[1].day.satisfied.value(), None);
        assert_eq!(figures.agents[0].called(), "Amy");
        assert_eq!(figures.agents[1].called(), "b");
    }

    #[test]
    fn what_a_row_does_not_say_is_in_no_sum() {
        let rows = r#"{"AgentId":"a","TotalSessionCnt":30,"AvgFirstRespTime":10,"NotRespSessionCnt":null,
                       "FirstRespUnder30sCnt":null,"AvgRespTime":0,"EffectiveSessionCnt":0},
                      {"AgentId":"b","NotRespSessionCnt":3}"#;
        let figures = figures(&[statistics(rows)]);
        let team = &figures.team;
        assert_eq!(team.sessions, Some(30.0));
        assert_eq!(team.first_response.value(), None);
        assert_eq!(team.response.value(), None, "an average of 0 over nothing");
        assert_eq!(team.within_30s.value(), None);
        assert_eq!(team.unanswered.value(), None);
        assert_eq!(figures.agents[0].day.first_response.value(), Some(10.0));
    }

    #[test]
    fn realtime_figures_stand_in_where_no_agent_has_statistics_and_never_beside_them() {
        let rows = r#"{"MemberId":"A","MemberStatus":1,"CurrentAcceptCnt":2,"TotalSessionCnt":8,"AvgFirstRespTime":6},
                      {"MemberId":"c","MemberStatus":9,"CurrentAcceptCnt":1,"TotalSessionCnt":2,"AvgFirstRespTime":16}"#;
        let alone = figures(&[realtime(rows)]);
        assert_eq!(alone.team.source, Some(Source::Realtime));
        assert_eq!(alone.team.sessions, Some(10.0));
        assert_eq!(alone.team.first_response.value(), Some(8.0));
        let empty_day = figures(&[statistics(""), realtime(rows)]);
        assert_eq!(empty_day.team.source, Some(Source::Realtime));
        let without_sessions = r#"{"AgentId":"a","AvgFirstRespTime":99}"#;
        let no_sessions = figures(&[statistics(without_sessions), realtime(rows)]);
        assert_eq!(no_sessions.agents.len(), 2);
        let day = &no_sessions.agents[0].day;
        assert_eq!(day.sessions, Some(8.0));
        assert_eq!(day.first_response.value(), Some(6.0));

        let both = figures(&[statistics(TWO), realtime(rows)]);
        assert_eq!(both.team.source, Some(Source::Statistics));
        assert_eq!(both.team.sessions, Some(40.0));
        let ids: Vec<_> = both.agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"], "ids are the same in any case");
        assert_eq!(
            both.agents[0].status,
            Some(Status::Named("free".to_owned()))
        );
        assert_eq!(both.agents[0].current, Some(2.0));
        assert_eq!(both.agents[1].current, None);
        assert_eq!(both.agents[2].status, Some(Status::Code(9.0)));
        assert_eq!(
            (
                both.agents[2].day.sessions,
                both.agents[2].day.first_response.value()
            ),
            (None, None)
        );
    }

    #[test]
    fn two_ids_that_differ_in_case_alone_are_two_agents() {
        let figures = figures(&[
            statistics(r#"{"AgentId":"Amy@x"},{"AgentId":"amy@x"},{"AgentId":"BOB@x"}"#),
            realtime(
                r#"{"MemberId":"Amy@x","CurrentAcceptCnt":1},{"MemberId":"amy@x","CurrentAcceptCnt":2},
                   {"MemberId":"bob@x","CurrentAcceptCnt":3}"#,
            ),
            directory(
                r#"{"MemberMail":"amy@x","EffectiveReceptionLimit":20},
                   {"MemberMail":"Amy@x","EffectiveReceptionLimit":10}"#,
            ),
        ]);
        let of_each = figures.agents.iter().map(|it| (it.current, it.limit));
        let of_each: Vec<_> = of_each.collect();
        assert_eq!(
            of_each,
            [
                (Some(1.0), Some(10.0)),
                (Some(3.0), None),
                (Some(2.0), Some(20.0))
            ]
        );
    }

    #[test]
    fn a_sum_that_no_number_can_hold_makes_no_seats() {
        let row = |id| format!(r#"{{"MemberId":"{id}","CurrentAcceptCnt":1e308}}"#);
        let limit = |id| format!(r#"{{"MemberMail":"{id}","EffectiveReceptionLimit":1e308}}"#);
        let figures = figures(&[
            realtime(&["a", "b"].map(row).join(",")),
            directory(&["a", "b"].map(limit).join(",")),
        ]);
        assert_eq!(figures.seats, None);
    }

    #[test]
    fn seats_are_those_of_agents_online_or_of_desks_own_count() {
        let now = r#""CurrentAgentAcceptCnt":9,"FreeAgentCnt":2,"BusyAgentCnt":1,"RestAgentCnt":0"#;
        let limits = r#"{"MemberMail":"A","EffectiveReceptionLimit":4,"MemberGroupIDList":[7,8]},
                        {"MemberMail":"b","EffectiveReceptionLimit":6},{"MemberMail":"c","EffectiveReceptionLimit":0},
                        {"MemberMail":"d","EffectiveReceptionLimit":20}"#;
        let rows = |status: [i64; 3]| {
            let row = |(id, status)| {
                format!(r#"{{"MemberId":"{id}","MemberStatus":{status},"CurrentAcceptCnt":3}}"#)
            };
            ["a", "b", "c"]
                .into_iter()
                .zip(status)
                .map(row)
                .collect::<Vec<_>>()
                .join(",")
        };
        let seats = |pages: &[Arc<Page>]| {
            let seats = figures(pages).seats?;
            Some((seats.taken, seats.all, seats.of))
        };
        let named = [
            reception(now),
            realtime(&rows([1, 4, 1])),
            directory(limits),
        ];
        // b is offline, and c has no limit.
        assert_eq!(seats(&named), Some((3.0, 4.0, SeatsOf::Named)));
        let unnamed = [
            reception(now),
            realtime(&rows([0, 0, 0])),
            directory(limits),
        ];
        // Three online, at the mean of 4 and 6.
        assert_eq!(seats(&unnamed), Some((9.0, 15.0, SeatsOf::Desk)));
        assert_eq!(
            seats(&[reception(now), directory(limits)]),
            Some((9.0, 30.0, SeatsOf::Desk))
        );
        assert_eq!(seats(&unnamed[1..]), Some((6.0, 10.0, SeatsOf::Listed)));
        assert_eq!(seats(&[reception(now), realtime(&rows([1, 1, 1]))]), None);
        let figures = figures(&named);
        assert!(figures.agents[0].is_in("7") && figures.agents[0].is_in("8"));
        assert!(!figures.agents[0].is_in("9") && !figures.agents[1].is_in("7"));
        assert_eq!(
            figures.groups.keys().map(|id| &**id).collect::<Vec<_>>(),
            ["7", "8"]
        );
    }

    #[test]
    fn the_queue_of_each_group_has_the_groups_name() {
        let groups = r#""CurrentQueueCnt":3,"FreeAgentCnt":0,"CurrentGroupQueueCnt":[
            {"GroupId":1,"GroupName":"","QueueCnt":1},{"GroupId":2,"GroupName":"VIP","QueueCnt":2},{"GroupId":3}]"#;
        let figures = figures(&[reception(groups)]);
        let queues: Vec<_> = figures
            .queues
            .iter()
            .map(|it| (it.name.as_str(), it.queued))
            .collect();
        assert_eq!(queues, [("VIP", 2.0), ("1", 1.0)]);
        assert!(figures.now.is_unattended());
    }

    #[test]
    fn the_accepted_are_never_more_than_were_handed_over() {
        let hour = |handed_over, accepted| Hour {
            handed_over,
            accepted,
            ..Hour::default()
        };
        assert_eq!(hour(Some(10.0), Some(9.0)).accepted_share(), Some(0.9));
        assert_eq!(hour(Some(10.0), Some(12.0)).accepted_share(), Some(1.0));
        assert_eq!(hour(Some(0.0), Some(2.0)).accepted_share(), None);
        assert_eq!(hour(Some(10.0), None).accepted_share(), None);
    }

    #[test]
    fn names_are_shown_as_long_as_they_may_be() {
        let long = "名".repeat(500);
        let rows = format!(r#"{{"AgentId":"a","AgentNickName":" {long}","TotalSessionCnt":1}}"#);
        let figures = figures(&[statistics(&rows)]);
        assert_eq!(figures.agents[0].name.chars().count(), LONGEST_NAME + 1);
    }
}
