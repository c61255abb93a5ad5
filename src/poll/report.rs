//! What the log says of polls: a line for each change, not one for each failure, and one line where
//! several endpoints fail for the same reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use hyper::StatusCode;

use crate::base::clock::{Now, Window};
use crate::base::duration;
use crate::base::mutex::lock;
use crate::catalog::{Endpoint, Need};
use crate::desk::{Class, Error};
use crate::exposition::snapshot::{Snapshot, named, no_agents, unmatched};

/// Why polls fail, as far as the log tells failures apart.
type Cause = (Class, Option<i64>, Option<StatusCode>);

fn cause_of(error: &Error) -> Cause {
    (error.class(), error.code(), error.status_code())
}

/// What was last said, of all endpoints.
#[derive(Debug, Default)]
pub struct Report(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    endpoints: BTreeMap<&'static str, Said>,
    /// How many agents the last good poll of agent statistics brought, and of which day.
    agents: Option<(usize, Window)>,
    has_succeeded: bool,
}

/// What was last said of one endpoint.
#[derive(Debug, Default)]
struct Said {
    failing: Option<Failing>,
    lacked_rows: bool,
    unknown_fields: Vec<String>,
    has_held_ids_against_rows: bool,
    /// Why Desk does not serve it, and whether that was said.
    not_served: Option<(Error, bool)>,
}

/// An endpoint's failures since its last good poll.
#[derive(Debug)]
struct Failing {
    since: Now,
    /// Each was said once, of this endpoint or another.
    causes: BTreeSet<Cause>,
}

impl Report {
    /// A poll of `endpoint` has failed, by `now`.
    pub(super) fn failed(&self, endpoint: &Endpoint, error: &Error, now: Now) {
        let mut state = lock(&self.0);
        let cause = cause_of(error);
        // Why no request is sent was said of the one that was refused.
        let is_news = !error.is_unsent() && !state.lasts(cause);
        let own = state.endpoints.entry(endpoint.name()).or_default();
        own.not_served = None;
        let failing = own.failing.get_or_insert_with(|| Failing {
            since: now,
            causes: BTreeSet::new(),
        });
        failing.causes.insert(cause);
        let (endpoint, class) = (endpoint.name(), error.class());
        if is_news {
            tracing::warn!(%class, reason = %error, advice = error.advice(), endpoint, "polls fail");
        } else {
            tracing::debug!(%class, reason = %error, endpoint, "the poll failed too");
        }
    }

    /// A poll of an endpoint has brought `snapshot`, by `now`.
    pub(super) fn succeeded(&self, snapshot: &Snapshot, now: Now) {
        let endpoint = snapshot.endpoint.name();
        let mut state = lock(&self.0);
        if snapshot.endpoint.need == Need::Required {
            state.note_agents(snapshot);
        }
        let own = state.endpoints.entry(endpoint).or_default();
        own.note_oddities(snapshot);
        let failing = own.failing.take();
        let was_unserved = own.not_served.take().is_some();
        let agents = state.agents.map(|(agents, _)| agents);
        let is_over = |failing: &Failing| !failing.causes.iter().any(|&cause| state.lasts(cause));
        let is_first = !state.has_succeeded;
        if let Some(failing) = failing.filter(is_over) {
            let lasted = duration::in_seconds(now.since(failing.since));
            tracing::info!(endpoint, lasted, agents, "polls succeed again");
        } else if was_unserved {
            tracing::info!(endpoint, "polls succeed again");
        } else if is_first {
            tracing::info!(endpoint, agents, "the first poll has succeeded");
        }
        state.has_succeeded = true;
        tracing::debug!(endpoint, rows = snapshot.count(0), "the poll succeeded");
    }

    /// Desk has refused `endpoint` in a way that says no more than that it does not serve it.
    pub(super) fn not_served(&self, endpoint: &Endpoint, error: Error) {
        let mut state = lock(&self.0);
        let own = state.endpoints.entry(endpoint.name()).or_default();
        own.failing = None;
        if own.not_served.is_none() {
            own.not_served = Some((error, false));
        }
    }

    /// Names all endpoints that Desk does not serve and of which that was not said yet.
    pub(super) fn name_unserved(&self) {
        let mut state = lock(&self.0);
        let mut endpoints = Vec::new();
        let mut why = String::new();
        for (endpoint, own) in &mut state.endpoints {
            if let Some((error, is_said @ false)) = &mut own.not_served {
                *is_said = true;
                endpoints.push(*endpoint);
                why = error.to_string();
            }
        }
        if !endpoints.is_empty() {
            tracing::info!(
                endpoints = endpoints.join(","),
                reason = why,
                "not served here: no failure, their families are absent; asked again each hour"
            );
        }
    }
}

impl State {
    /// Whether an endpoint fails that has failed by `cause` since its last good poll.
    fn lasts(&self, cause: Cause) -> bool {
        let mut failing = self
            .endpoints
            .values()
            .filter_map(|said| said.failing.as_ref());
        failing.any(|failing| failing.causes.contains(&cause))
    }

    /// Tells when the last agent goes, and when there is one again.
    fn note_agents(&mut self, snapshot: &Snapshot) {
        let (agents, window) = (snapshot.count(0), snapshot.window);
        match (self.agents.replace((agents, window)), agents) {
            (Some((0, _)), 0) => {}
            // As in each night.
            (Some((_, before)), 0) if before != window => {
                tracing::info!("Desk's new day has no agent yet");
            }
            (_, 0) => tracing::warn!("{}", no_agents(&snapshot.unmatched_ids)),
            (Some((0, _)), _) => tracing::info!(agents, "Desk's answer has agents again"),
            _ => {}
        }
    }
}

impl Said {
    fn note_oddities(&mut self, snapshot: &Snapshot) {
        let endpoint = snapshot.endpoint.name();
        if snapshot.unknown_fields != self.unknown_fields {
            if !snapshot.unknown_fields.is_empty() {
                tracing::warn!(
                    endpoint,
                    fields = named(&snapshot.unknown_fields),
                    "fields that this version does not know: not exposed"
                );
            }
            self.unknown_fields.clone_from(&snapshot.unknown_fields);
        }
        // Once, and of the figures of today: which agents have a row changes with who works.
        let was_first = !std::mem::replace(&mut self.has_held_ids_against_rows, true);
        let is_required = snapshot.endpoint.need == Need::Required;
        let has_agents = snapshot.count(0) > 0;
        if was_first && is_required && has_agents && !snapshot.unmatched_ids.is_empty() {
            tracing::warn!("{}", unmatched(&snapshot.unmatched_ids));
        }
        let lacks_rows = snapshot.missing_rows > 0;
        let lacked_rows = std::mem::replace(&mut self.lacked_rows, lacks_rows);
        match (lacks_rows, lacked_rows) {
            (true, false) => tracing::warn!(
                endpoint,
                missing_rows = snapshot.missing_rows,
                rows = snapshot.count(0),
                "Desk promises more rows than it gives, also when asked twice"
            ),
            (false, true) => {
                tracing::info!(endpoint, "Desk gives as many rows as it promises again");
            }
            _ => {}
        }
    }
}
