//! How agents and their statuses are named on pages: the settings `AGENT_LABELS` and `STATUS_NAMES`.
//!
//! [`Snapshot::new`](super::snapshot::Snapshot::new) applies them to an answer, before anything of it is kept: what is
//! hidden there has no way to a page, a log or a terminal.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ring::hmac;

use crate::base::mutex::lock;
use crate::base::secret::Secret;
use crate::base::secret_file::{Rereading, SecretSource};
use crate::catalog::StatusNames;
use crate::desk::call::Kind;
use crate::desk::table::Rows;

/// How agents and their statuses are named.
#[derive(Debug, Default)]
pub struct Labels {
    /// What is shown of an agent.
    pub agents: AgentLabels,
    /// The names of Desk's numbers of a status.
    pub status_names: StatusNames,
}

/// What is shown of an agent: the setting `AGENT_LABELS`.
#[derive(Debug, Default)]
pub enum AgentLabels {
    /// Id and nickname.
    #[default]
    Full,
    /// The id.
    Id,
    /// A pseudonym in place of the id.
    Pseudonym(Pseudonyms),
}

impl AgentLabels {
    /// Whether nicknames are shown, and with them any text that Desk words freely, such as the reason of an error
    /// or the name of an unknown field: it may hold a nickname or an id.
    pub fn show_nicknames(&self) -> bool {
        matches!(self, Self::Full)
    }

    /// Whether ids are shown.
    pub fn show_ids(&self) -> bool {
        !matches!(self, Self::Pseudonym(_))
    }

    /// Takes up a key of pseudonyms that has changed; keeps the last one where its file is gone or broken.
    pub async fn refresh(&self) {
        if let Self::Pseudonym(pseudonyms) = self {
            pseudonyms.refresh().await;
        }
    }

    /// Takes out of `rows`, and of the ids that were `asked` for, what is not shown.
    pub(super) fn hide(&self, rows: &mut [Rows], asked: &mut BTreeSet<String>) -> Naming {
        if !self.show_nicknames() {
            for rows in &mut *rows {
                rows.rewrite(Kind::Nickname, |_| String::new());
            }
        }
        let Self::Pseudonym(pseudonyms) = self else {
            return Naming(None);
        };
        let key = pseudonyms.key();
        for rows in &mut *rows {
            rows.rewrite(Kind::AgentId, |id| key.pseudonym(id));
        }
        *asked = asked.iter().map(|id| key.pseudonym(id)).collect();
        let has_agents = |rows: &Rows| rows.table().key() == Some(Kind::AgentId);
        Naming(rows.iter().any(has_agents).then_some(key))
    }

    /// Whether agents are still named as `naming` has it.
    pub(super) fn still_have(&self, naming: &Naming) -> bool {
        match (self, &naming.0) {
            (Self::Pseudonym(pseudonyms), Some(key)) => Arc::ptr_eq(&pseudonyms.key(), key),
            _ => true,
        }
    }
}

/// The key by which the agents of a snapshot are named, if they are named by one.
#[derive(Debug)]
pub(super) struct Naming(Option<Arc<Key>>);

/// Keyed hashes in place of ids.
#[derive(Debug)]
pub struct Pseudonyms {
    source: SecretSource,
    key: Mutex<Arc<Key>>,
    rereading: Rereading,
}

impl Pseudonyms {
    /// By the key `secret`, which `source` has been read to hold.
    pub fn new(source: SecretSource, secret: Secret) -> Self {
        Self {
            source,
            key: Mutex::new(Arc::new(Key(secret))),
            rereading: Rereading::default(),
        }
    }

    async fn refresh(&self) {
        let Some(path) = self.source.file() else {
            return;
        };
        let source = self.source.clone();
        let Some(secret) = self.rereading.read(path, move || source.read()).await else {
            return;
        };
        let mut key = lock(&self.key);
        if secret != key.0 {
            tracing::warn!(
                "the key of pseudonyms has changed: each agent has another pseudonym from now on"
            );
            *key = Arc::new(Key(secret));
        }
    }

    fn key(&self) -> Arc<Key> {
        lock(&self.key).clone()
    }
}

/// The key of a hash, as a text.
#[derive(Debug)]
struct Key(Secret);

impl Key {
    /// How many bytes of the hash are shown, as two digits each.
    const SHOWN: usize = 8;

    /// The first 16 hexadecimal digits of the HMAC-SHA256 of `id` in small letters: the endpoints need not spell an
    /// e-mail address alike, and the same agent has one pseudonym.
    fn pseudonym(&self, id: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose().as_bytes());
        let tag = hmac::sign(&key, id.to_lowercase().as_bytes());
        let shown = tag.as_ref().iter().take(Self::SHOWN);
        shown.map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
impl AgentLabels {
    /// Pseudonyms by the key `text`.
    pub(crate) fn keyed(text: &str) -> Self {
        let secret = Secret::new(text);
        Self::Pseudonym(Pseudonyms::new(SecretSource::Given(secret.clone()), secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_beginning_of_the_hash() {
        let pseudonym = |key: &str, id| Key(Secret::new(key)).pseudonym(id);
        let by_key = |id| pseudonym("a-key-of-this-test", id);
        // printf %s anna@shop.example | openssl dgst -sha256 -hmac a-key-of-this-test
        assert_eq!(by_key("anna@shop.example"), "4b7f01152cf8cb3f");
        assert_eq!(by_key("Anna@Shop.Example"), by_key("anna@shop.example"));
        assert_ne!(by_key("a"), pseudonym("another-key", "a"));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let shown = format!("{:?}", AgentLabels::keyed("k3y"));
        assert!(!shown.contains("k3y"), "{shown}");
    }
}
