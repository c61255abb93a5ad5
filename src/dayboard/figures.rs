//! What the polls say, as the page needs it: made once from the snapshots that may be shown, whichever languages and
//! orders are asked for.
//!
//! Values are read through the catalog's families, so that what is unknown on `/metrics` is unknown here. Means and
//! ratios are made as the recording rules make them (`dashboards/source`): means weighted by what Desk divided them by,
//! ratios as sum over sum of the agents who have both fields. Figures of today are those of agent statistics, and where
//! these have no agent, the members' realtime figures, never some of both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::limits;
use crate::catalog::{Endpoint, Family, agents, directory, members, reception, sessions};
use crate::exposition::page::Page;
use crate::exposition::snapshot::Snapshot;

/// No name is shown that is longer, in characters.
const LONGEST_NAME: usize = 80;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) now: Option<Now>,
    /// The queue of each group, the longest first.
    pub(super) queues: Vec<GroupQueue>,
    pub(super) seats: Option<Seats>,
    pub(super) hours: Option<Hours>,
    /// Which figures of the agents' day these are, where there are any.
    pub(super) reading: Option<Reading>,
    /// Whether the agents' statistics are shown, even of none.
    pub(super) has_agents: bool,
    pub(super) team: Team,
    pub(super) agents: Vec<Agent>,
    /// The groups that agents are in, by their ids; what each is called.
    pub(super) groups: BTreeMap<Arc<str>, String>,
}

/// Where figures of today come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Statistics,
    Realtime,
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

/// Some of a whole, added up over rows that have both.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Share {
    part: f64,
    whole: f64,
}

impl Share {
    fn of(part: Option<f64>, whole: Option<f64>) -> Self {
        match (part, whole) {
            (Some(part), Some(whole)) => Self { part, whole },
            _ => Self::default(),
        }
    }

    fn add(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
    }

    /// From 0 to 1, where there is a whole.
    pub(super) fn ratio(self) -> Option<f64> {
        let ratio = (self.whole > 0.0).then(|| self.part / self.whole)?;
        (0.0..=1.0).contains(&ratio).then_some(ratio)
    }

    /// What there is of the whole, where it is known.
    pub(super) fn whole(self) -> Option<f64> {
        (self.whole > 0.0).then_some(self.whole)
    }
}

/// An average, and what it is over.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mean {
    sum: f64,
    weight: f64,
    /// Whether it is over what the limits count.
    counts: bool,
}

impl Mean {
    fn of(average: Option<f64>, weight: Option<f64>, reading: Reading) -> Self {
        let (Some(average), Some(weight)) = (average, weight) else {
            return Self::default();
        };
        Self {
            sum: average * weight,
            weight,
            counts: reading == Reading::Statistics,
        }
    }

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
        self.counts |= other.counts;
    }

    /// The average, where there is something that it is over.
    pub(super) fn value(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// How many sessions it is over; unknown in realtime figures, which count none but all.
    pub(super) fn count(self) -> Option<f64> {
        self.counts.then_some(self.weight)
    }
}

/// The day of all agents together.
#[derive(Debug, Default)]
pub(super) struct Team {
    pub(super) agents: usize,
    pub(super) sessions: Option<f64>,
    pub(super) first_response: Mean,
    pub(super) response: Mean,
    pub(super) session: Mean,
    pub(super) within_30s: Share,
    pub(super) unanswered: Share,
    pub(super) satisfied: Share,
}

/// One agent: today, and now.
#[derive(Debug, Default)]
pub(super) struct Agent {
    /// As it is shown.
    pub(super) id: String,
    /// The nickname; empty where there is none.
    pub(super) name: String,
    /// Name and id in small letters, to search in.
    folded: String,
    /// The groups that the agent is in, by their ids.
    pub(super) groups: Vec<Arc<str>>,
    pub(super) status: Option<Status>,
    pub(super) current: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) sessions: Option<f64>,
    /// Desk's average as it is.
    pub(super) first_response: Option<f64>,
    pub(super) response: Option<f64>,
    weights: Weights,
    pub(super) within_30s: Share,
    pub(super) unanswered: Share,
    pub(super) satisfied: Share,
}

/// The agent's means as they count in the team's.
#[derive(Debug, Default)]
struct Weights {
    first_response: Mean,
    response: Mean,
    session: Mean,
}

/// How Desk says that an agent stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Status {
    /// By the name that the operator gave.
    Named(String),
    /// By Desk's number.
    Code(f64),
}

impl Status {
    fn is_one_of(&self, names: &[&str]) -> bool {
        matches!(self, Self::Named(name) if names.contains(&name.as_str()))
    }
}

/// Which figures of an agent are beyond a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Exceptions {
    pub(super) first_response: bool,
    pub(super) response: bool,
    pub(super) unanswered: bool,
    pub(super) satisfied: bool,
}

impl Exceptions {
    pub(super) fn count(self) -> usize {
        let all = [
            self.first_response,
            self.response,
            self.unanswered,
            self.satisfied,
        ];
        all.into_iter().filter(|&is_one| is_one).count()
    }
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
        self.folded.contains(folded)
    }

    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|id| &**id == group)
    }

    pub(super) fn exceptions(&self) -> Exceptions {
        Exceptions {
            first_response: limits::AGENT_FIRST_RESPONSE
                .is_beyond(self.first_response, self.weights.first_response.count()),
            response: limits::AGENT_RESPONSE
                .is_beyond(self.response, self.weights.response.count()),
            unanswered: limits::AGENT_UNANSWERED
                .is_beyond(self.unanswered.ratio(), self.unanswered.whole()),
            satisfied: limits::SATISFIED.is_beyond(self.satisfied.ratio(), self.satisfied.whole()),
        }
    }
}

/// The pages that may be shown, by endpoint.
pub(super) struct Shown<'p>(pub(super) &'p [Arc<Page>]);

impl<'p> Shown<'p> {
    fn page(&self, endpoint: &Endpoint) -> Option<&'p Arc<Page>> {
        let is_it = |page: &&Arc<Page>| page.snapshot().endpoint.name() == endpoint.name();
        self.0.iter().find(is_it)
    }

    fn of(&self, endpoint: &Endpoint) -> Option<&'p Snapshot> {
        self.page(endpoint).map(|page| page.snapshot())
    }
}

impl Figures {
    /// What `shown` say; `hour_of` tells the hour of an instant in Desk's zone.
    pub(super) fn of(shown: &Shown<'_>, hour_of: impl Fn(&Page) -> u8) -> Self {
        let statistics = shown.of(&agents::ENDPOINT);
        let realtime = shown.of(&members::ENDPOINT);
        let groups = groups(shown);
        let reading = reading(statistics, realtime);
        let mut agents = agents_of(statistics, realtime, reading);
        let limits = add_directory(&mut agents, shown.of(&directory::MEMBERS));
        let now = shown.of(&reception::ENDPOINT).map(now);
        Self {
            queues: shown
                .of(&reception::ENDPOINT)
                .map(queues)
                .unwrap_or_default(),
            seats: seats(&agents, now.as_ref(), &limits),
            hours: shown
                .page(&sessions::ENDPOINT)
                .map(|page| hours(page.snapshot(), hour_of(page))),
            reading,
            has_agents: statistics.is_some() || realtime.is_some(),
            team: team(&agents),
            groups: groups_of(&agents, &groups),
            now,
            agents,
        }
    }
}

/// The values of `family` by the places of their rows.
fn numbers(snapshot: &Snapshot, family: &Family) -> Vec<Option<f64>> {
    let mut numbers = vec![None; snapshot.count(family.table)];
    snapshot.for_each_sample(family, |place, sample| {
        if let Some(number) = numbers.get_mut(place) {
            *number = Some(sample.value);
        }
    });
    numbers
}

/// The texts of `family`'s own label by the places of their rows.
fn texts(snapshot: &Snapshot, family: &Family) -> Vec<String> {
    let mut texts = vec![String::new(); snapshot.count(family.table)];
    snapshot.for_each_sample(family, |place, sample| {
        if let (Some(text), Some((_, label))) = (texts.get_mut(place), sample.label) {
            *text = shortened(label);
        }
    });
    texts
}

/// The only value of `family`, or the one with this value of its own label.
fn only(snapshot: &Snapshot, family: &Family, label: Option<&str>) -> Option<f64> {
    let mut only = None;
    snapshot.for_each_sample(family, |_, sample| {
        if sample.label.map(|(_, value)| value) == label {
            only = Some(sample.value);
        }
    });
    only
}

/// A text of Desk's, as long as it may be.
pub(super) fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn at(numbers: &[Option<f64>], place: usize) -> Option<f64> {
    numbers.get(place).copied().flatten()
}

fn now(snapshot: &Snapshot) -> Now {
    const QUEUED: Family = reception::ENDPOINT.family("tencent_desk_queued_sessions");
    const ACTIVE: Family = reception::ENDPOINT.family("tencent_desk_active_sessions");
    const ONLINE: Family = reception::ENDPOINT.family("tencent_desk_online_agents");
    let online = |state| only(snapshot, &ONLINE, Some(state));
    Now {
        queued: only(snapshot, &QUEUED, None),
        active: only(snapshot, &ACTIVE, None),
        free: online("free"),
        busy: online("busy"),
        rest: online("rest"),
    }
}

fn queues(snapshot: &Snapshot) -> Vec<GroupQueue> {
    const QUEUED: Family = reception::ENDPOINT.family("tencent_desk_group_queued_users");
    let queued = numbers(snapshot, &QUEUED);
    let name = QUEUED
        .labels
        .iter()
        .find(|(label, _)| *label == "group_name");
    let rows = snapshot.rows(QUEUED.table).zip(queued);
    let mut queues: Vec<_> = rows
        .filter_map(|(row, queued)| {
            let name = name.map_or("", |(_, column)| row.text(*column));
            let name = if name.trim().is_empty() {
                row.key()
            } else {
                name
            };
            Some(GroupQueue {
                name: shortened(name),
                queued: queued?,
            })
        })
        .collect();
    queues.sort_by(|a, b| {
        b.queued
            .total_cmp(&a.queued)
            .then_with(|| a.name.cmp(&b.name))
    });
    queues
}

/// The names of groups, by their ids.
fn groups(shown: &Shown<'_>) -> HashMap<String, String> {
    const INFO: Family = directory::GROUPS.family("tencent_desk_group_info");
    const QUEUED: Family = reception::ENDPOINT.family("tencent_desk_group_queued_users");
    let mut names = HashMap::new();
    if let Some(snapshot) = shown.of(&reception::ENDPOINT) {
        let name = QUEUED
            .labels
            .iter()
            .find(|(label, _)| *label == "group_name");
        for row in snapshot.rows(QUEUED.table) {
            let name = name.map_or("", |(_, column)| row.text(*column));
            names.insert(row.key().to_owned(), shortened(name));
        }
    }
    if let Some(snapshot) = shown.of(&directory::GROUPS) {
        for (row, name) in snapshot.rows(INFO.table).zip(texts(snapshot, &INFO)) {
            names.insert(row.key().to_owned(), name);
        }
    }
    names
}

/// Those that any of `agents` is in; one without a name is called by its id.
fn groups_of(agents: &[Agent], names: &HashMap<String, String>) -> BTreeMap<Arc<str>, String> {
    let ids = agents.iter().flat_map(|agent| &agent.groups);
    ids.map(|id| {
        let name = names.get(&**id).filter(|name| !name.is_empty());
        (id.clone(), name.cloned().unwrap_or_else(|| shortened(id)))
    })
    .collect()
}

const SESSIONS: Family = agents::ENDPOINT.family("tencent_desk_agent_sessions");
const REALTIME_SESSIONS: Family = members::ENDPOINT.family("tencent_desk_agent_realtime_sessions");

/// A whole Desk is read in one way: statistics wherever any agent has them.
fn reading(statistics: Option<&Snapshot>, realtime: Option<&Snapshot>) -> Option<Reading> {
    let has_any = |snapshot: Option<&Snapshot>, family| {
        snapshot.is_some_and(|snapshot| numbers(snapshot, family).iter().any(Option::is_some))
    };
    if has_any(statistics, &SESSIONS) {
        Some(Reading::Statistics)
    } else {
        has_any(realtime, &REALTIME_SESSIONS).then_some(Reading::Realtime)
    }
}

/// The agents of both, by what Desk calls them. An id is an e-mail address, and the endpoints need not spell it alike.
fn agents_of(
    statistics: Option<&Snapshot>,
    realtime: Option<&Snapshot>,
    reading: Option<Reading>,
) -> Vec<Agent> {
    let mut agents = statistics.map(of_statistics).unwrap_or_default();
    let places = Places::of_all(&agents);
    for agent in realtime
        .map(|it| of_realtime(it, reading))
        .into_iter()
        .flatten()
    {
        match places.of(&agent.id).and_then(|place| agents.get_mut(place)) {
            Some(known) => {
                known.status = agent.status;
                known.current = agent.current;
            }
            None => agents.push(agent),
        }
    }
    for agent in &mut agents {
        agent.folded = format!("{}\n{}", agent.name, agent.id).to_lowercase();
    }
    agents
}

/// Where the agent of an id is: one that is spelled so, or else one of the same letters.
struct Places {
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl Places {
    fn of_all(agents: &[Agent]) -> Self {
        let ids = || agents.iter().map(|agent| agent.id.as_str()).zip(0..);
        Self {
            exact: ids().map(|(id, place)| (id.to_owned(), place)).collect(),
            folded: ids()
                .map(|(id, place)| (id.to_lowercase(), place))
                .collect(),
        }
    }

    fn of(&self, id: &str) -> Option<usize> {
        let exact = self.exact.get(id);
        exact
            .or_else(|| self.folded.get(&id.to_lowercase()))
            .copied()
    }
}

fn of_statistics(snapshot: &Snapshot) -> Vec<Agent> {
    const fn family(name: &str) -> Family {
        agents::ENDPOINT.family(name)
    }
    const NAME: Family = family("tencent_desk_agent_info");
    const EFFECTIVE: Family = family("tencent_desk_agent_effective_sessions");
    const UNANSWERED: Family = family("tencent_desk_agent_unanswered_sessions");
    const FIRST_RESPONSE: Family = family("tencent_desk_agent_average_first_response_seconds");
    const WITHIN_30S: Family = family("tencent_desk_agent_first_response_under_30s_sessions");
    const RESPONSE: Family = family("tencent_desk_agent_average_response_seconds");
    const SESSION: Family = family("tencent_desk_agent_average_session_seconds");
    const RATED: Family = family("tencent_desk_agent_rated_sessions");
    const SATISFIED: Family = family("tencent_desk_agent_satisfied_sessions");
    let [
        sessions,
        effective,
        unanswered,
        first_response,
        within_30s,
        response,
        session,
        rated,
        satisfied,
    ] = [
        SESSIONS,
        EFFECTIVE,
        UNANSWERED,
        FIRST_RESPONSE,
        WITHIN_30S,
        RESPONSE,
        SESSION,
        RATED,
        SATISFIED,
    ]
    .map(|family| numbers(snapshot, &family));
    let names = texts(snapshot, &NAME);
    let rows = snapshot.rows(SESSIONS.table).zip(names).enumerate();
    rows.map(|(place, (row, name))| {
        let [sessions, unanswered] = [&sessions, &unanswered].map(|numbers| at(numbers, place));
        let answered = sessions
            .zip(unanswered)
            .map(|(all, none)| (all - none).max(0.0));
        let [first_response, response, session] =
            [&first_response, &response, &session].map(|numbers| at(numbers, place));
        let mean = |average, weight| Mean::of(average, weight, Reading::Statistics);
        Agent {
            id: row.key().to_owned(),
            name,
            sessions,
            first_response,
            response,
            weights: Weights {
                first_response: mean(first_response, answered),
                response: mean(response, at(&effective, place)),
                session: mean(session, sessions),
            },
            within_30s: Share::of(at(&within_30s, place), sessions),
            unanswered: Share::of(unanswered, sessions),
            satisfied: Share::of(at(&satisfied, place), at(&rated, place)),
            ..Agent::default()
        }
    })
    .collect()
}

fn of_realtime(snapshot: &Snapshot, reading: Option<Reading>) -> Vec<Agent> {
    const fn family(name: &str) -> Family {
        members::ENDPOINT.family(name)
    }
    const CURRENT: Family = family("tencent_desk_agent_current_sessions");
    const CODE: Family = family("tencent_desk_agent_status_code");
    const STATUS: Family = family("tencent_desk_agent_status");
    const FIRST_RESPONSE: Family =
        family("tencent_desk_agent_realtime_average_first_response_seconds");
    const RESPONSE: Family = family("tencent_desk_agent_realtime_average_response_seconds");
    const SESSION: Family = family("tencent_desk_agent_realtime_average_session_seconds");
    let [current, code] = [CURRENT, CODE].map(|family| numbers(snapshot, &family));
    // Beside agent statistics these say the same of another moment.
    let [sessions, first_response, response, session] =
        [REALTIME_SESSIONS, FIRST_RESPONSE, RESPONSE, SESSION].map(|family| match reading {
            Some(Reading::Realtime) => numbers(snapshot, &family),
            _ => Vec::new(),
        });
    let status = texts(snapshot, &STATUS);
    let rows = snapshot.rows(CURRENT.table).zip(status).enumerate();
    rows.map(|(place, (row, status))| {
        let sessions = at(&sessions, place);
        let mean =
            |averages: &[Option<f64>]| Mean::of(at(averages, place), sessions, Reading::Realtime);
        Agent {
            id: row.key().to_owned(),
            status: match status.as_str() {
                "" => at(&code, place).map(Status::Code),
                _ => Some(Status::Named(status)),
            },
            current: at(&current, place),
            sessions,
            first_response: at(&first_response, place),
            response: at(&response, place),
            weights: Weights {
                first_response: mean(&first_response),
                response: mean(&response),
                session: mean(&session),
            },
            ..Agent::default()
        }
    })
    .collect()
}

/// Adds limits and groups to `agents`; gives the limits of all whom Desk has.
fn add_directory(agents: &mut [Agent], members: Option<&Snapshot>) -> Vec<f64> {
    const LIMIT: Family = directory::MEMBERS.family("tencent_desk_agent_reception_limit");
    const GROUP: Family = directory::MEMBERS.family("tencent_desk_agent_group_info");
    let Some(snapshot) = members else {
        return Vec::new();
    };
    let places = Places::of_all(agents);
    let rows = snapshot.rows(LIMIT.table);
    let of_rows: Vec<_> = rows.map(|row| places.of(row.key())).collect();
    let limits = numbers(snapshot, &LIMIT);
    for (place, limit) in of_rows.iter().zip(&limits) {
        if let Some(agent) = place.and_then(|place| agents.get_mut(place)) {
            agent.limit = *limit;
        }
    }
    let mut ids: HashMap<&str, Arc<str>> = HashMap::new();
    snapshot.for_each_sample(&GROUP, |row, sample| {
        let place = of_rows.get(row).copied().flatten();
        if let (Some(agent), Some((_, id))) =
            (place.and_then(|place| agents.get_mut(place)), sample.label)
        {
            agent
                .groups
                .push(ids.entry(id).or_insert_with(|| id.into()).clone());
        }
    });
    limits.into_iter().flatten().collect()
}

/// As the rule `team:tencent_desk_capacity:ratio`: of agents online by their named status, or by Desk's own count
/// at their mean limit, or of all whom it lists.
fn seats(agents: &[Agent], now: Option<&Now>, limits: &[f64]) -> Option<Seats> {
    let with_both = |is_one: &dyn Fn(&Agent) -> bool| {
        let pairs = agents.iter().filter(|agent| is_one(agent));
        let pairs = pairs.filter_map(|agent| agent.current.zip(agent.limit));
        pairs.fold(
            (0.0, 0.0, 0_u32),
            |(taken, all, count), (current, limit)| (taken + current, all + limit, count + 1),
        )
    };
    let seats = |taken: f64, all: f64, of| {
        (all > 0.0 && all.is_finite() && taken.is_finite()).then_some(Seats { taken, all, of })
    };
    let is_online = |agent: &Agent| {
        let status = agent.status.as_ref();
        status.is_some_and(|status| status.is_one_of(&["free", "busy", "rest"]))
    };
    let (taken, all, _) = with_both(&is_online);
    if let Some(named) = seats(taken, all, SeatsOf::Named) {
        return Some(named);
    }
    let (taken, all, count) = with_both(&|_| true);
    let online = now.and_then(|now| {
        let states: Vec<_> = [now.free, now.busy, now.rest]
            .into_iter()
            .flatten()
            .collect();
        (!states.is_empty()).then(|| states.iter().sum::<f64>())
    });
    let Some(online) = online else {
        return seats(taken, all, SeatsOf::Listed);
    };
    let mean = match count {
        0 if limits.is_empty() => return None,
        0 => limits.iter().sum::<f64>() / limits.len() as f64,
        count => all / f64::from(count),
    };
    let active = now.and_then(|now| now.active)?;
    seats(active, online * mean, SeatsOf::Desk)
}

fn team(agents: &[Agent]) -> Team {
    let mut team = Team::default();
    for agent in agents {
        if let Some(sessions) = agent.sessions {
            team.agents += 1;
            *team.sessions.get_or_insert(0.0) += sessions;
        }
        team.first_response.add(agent.weights.first_response);
        team.response.add(agent.weights.response);
        team.session.add(agent.weights.session);
        team.within_30s.add(agent.within_30s);
        team.unanswered.add(agent.unanswered);
        team.satisfied.add(agent.satisfied);
    }
    team
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
    let hour = |hour, [sessions, handed_over, accepted, queue_seconds]: [Option<f64>; 4]| Hour {
        hour,
        is_running: hour == running,
        sessions,
        handed_over,
        accepted,
        queue_seconds,
    };
    let [first, ..] = OF_HOUR;
    let columns = OF_HOUR.map(|family| numbers(snapshot, &family));
    let rows = snapshot.rows(first.table).enumerate();
    let each = rows.filter_map(|(place, row)| {
        let of_day = row.key().split(':').next()?.parse().ok()?;
        let values = columns.each_ref().map(|numbers| at(numbers, place));
        (of_day < 24).then(|| hour(of_day, values))
    });
    Hours {
        each: each.collect(),
        day: Hour {
            is_running: false,
            ..hour(0, OF_DAY.map(|family| only(snapshot, &family, None)))
        },
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
        let day = DayWindow::around(now().wall, &jiff::tz::TimeZone::UTC).unwrap();
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

    fn realtime(rows: &str) -> Arc<Page> {
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
        Figures::of(&Shown(pages), |_| 9)
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
        assert_eq!((team.agents, team.sessions), (2, Some(40.0)));
        // 20 answered and 10: (10 * 20 + 40 * 10) / 30.
        assert_eq!(team.first_response.value(), Some(20.0));
        // 10 effective and 5: (20 * 10 + 80 * 5) / 15.
        assert_eq!(team.response.value(), Some(40.0));
        assert_eq!(team.session.value(), Some(125.0));
        assert_eq!(team.within_30s.ratio(), Some(0.5));
        assert_eq!(team.unanswered.ratio(), Some(0.25));
        assert_eq!(team.satisfied.ratio(), Some(0.25));
        assert_eq!(figures.agents[1].satisfied.ratio(), None);
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
        assert_eq!((team.agents, team.sessions), (1, Some(30.0)));
        assert_eq!(team.first_response.value(), None);
        assert_eq!(team.response.value(), None, "an average of 0 over nothing");
        assert_eq!(team.within_30s.ratio(), None);
        assert_eq!(team.unanswered.ratio(), None);
        assert_eq!(figures.agents[0].first_response, Some(10.0));
    }

    #[test]
    fn realtime_figures_stand_in_where_no_agent_has_statistics_and_never_beside_them() {
        let rows = r#"{"MemberId":"A","MemberStatus":1,"CurrentAcceptCnt":2,"TotalSessionCnt":8,"AvgFirstRespTime":6},
                      {"MemberId":"c","MemberStatus":9,"CurrentAcceptCnt":1,"TotalSessionCnt":2,"AvgFirstRespTime":16}"#;
        let alone = figures(&[realtime(rows)]);
        assert_eq!(alone.reading, Some(Reading::Realtime));
        assert_eq!((alone.team.agents, alone.team.sessions), (2, Some(10.0)));
        assert_eq!(alone.team.first_response.value(), Some(8.0));
        assert_eq!(
            alone.team.first_response.count(),
            None,
            "no limit judges these"
        );
        let empty_day = figures(&[statistics(""), realtime(rows)]);
        assert_eq!(empty_day.reading, Some(Reading::Realtime));

        let both = figures(&[statistics(TWO), realtime(rows)]);
        assert_eq!(both.reading, Some(Reading::Statistics));
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
            (both.agents[2].sessions, both.agents[2].first_response),
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
        assert!(figures.now.unwrap().is_unattended());
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
