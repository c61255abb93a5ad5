//! What the log says of polls: a line for each change, not one for each failure, and one line where
//! several endpoints fail for the same reason.

use std::collections::BTreeMap;
use std::sync::Mutex;

use hyper::StatusCode;

use crate::base::mutex::lock;
use crate::catalog::{Endpoint, Need};
use crate::desk::{Class, Error};
use crate::exposition::snapshot::{Snapshot, named, unmatched};

/// Why polls fail, as far as the log tells failures apart.
type Cause = (Class, Option<i64>, Option<StatusCode>);

fn cause_of(error: &Error) -> Cause {
    (error.class(), error.code(), error.status_code())
}

/// What was last said, of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Report(Mutex<BTreeMap<&'static str, Said>>);

/// What was last said of one endpoint.
#[derive(Debug, Default)]
struct Said {
    failure: Option<Cause>,
    lacked_rows: bool,
    unknown_fields: Vec<String>,
    has_held_ids_against_rows: bool,
    /// Why Desk does not serve it, and whether that was said.
    not_served: Option<(Error, bool)>,
}

impl Report {
    /// A poll of `endpoint` has failed.
    pub(super) fn failed(&self, endpoint: &Endpoint, error: &Error) {
        let mut said = lock(&self.0);
        let is_news = said
            .values()
            .all(|said| said.failure != Some(cause_of(error)));
        let own = said.entry(endpoint.name()).or_default();
        own.failure = Some(cause_of(error));
        own.not_served = None;
        let (endpoint, class) = (endpoint.name(), error.class());
        if is_news {
            tracing::warn!(%class, reason = %error, advice = error.advice(), endpoint, "polls fail");
        } else {
            tracing::debug!(%class, reason = %error, endpoint, "the poll failed too");
        }
    }

    /// A poll of an endpoint has brought `snapshot`.
    pub(super) fn succeeded(&self, snapshot: &Snapshot) {
        let endpoint = snapshot.endpoint.name();
        let mut said = lock(&self.0);
        let own = said.entry(endpoint).or_default();
        own.note_oddities(snapshot);
        let failure = own.failure.take();
        let was_unserved = own.not_served.take().is_some();
        let lasts = |cause: Cause| said.values().any(|said| said.failure == Some(cause));
        if was_unserved || failure.is_some_and(|cause| !lasts(cause)) {
            tracing::info!(endpoint, "polls succeed again");
        }
        tracing::debug!(endpoint, rows = snapshot.count(0), "the poll succeeded");
    }

    /// Desk has refused `endpoint` in a way that says no more than that it does not serve it.
    pub(super) fn not_served(&self, endpoint: &Endpoint, error: Error) {
        let mut said = lock(&self.0);
        let own = said.entry(endpoint.name()).or_default();
        own.failure = None;
        if own.not_served.is_none() {
            own.not_served = Some((error, false));
        }
    }

    /// Names all endpoints that Desk does not serve and of which that was not said yet.
    pub(super) fn name_unserved(&self) {
        let mut said = lock(&self.0);
        let mut endpoints = Vec::new();
        let mut why = String::new();
        for (endpoint, own) in said.iter_mut() {
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
        if was_first && is_required && !snapshot.unmatched_ids.is_empty() {
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
