//! How agents and their statuses are named on pages: the settings `AGENT_LABELS` and `STATUS_NAMES`.
//!
//! [`Snapshot::new`](super::snapshot::Snapshot::new) applies them to an answer, before anything of it is kept: what is
//! hidden there has no way to a page, a log or a terminal.

use std::borrow::Cow;
use std::fmt;

use ring::hmac;

use crate::base::secret::Secret;
use crate::catalog::StatusNames;
use crate::desk::call::Kind;
use crate::desk::table::Rows;

/// How agents and their statuses are named.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// What is shown of an agent.
    pub agents: AgentLabels,
    /// The names of Desk's numbers of a status.
    pub status_names: StatusNames,
}

/// What is shown of an agent: the setting `AGENT_LABELS`.
#[derive(Debug, Clone, Default)]
pub enum AgentLabels {
    /// Id and nickname.
    #[default]
    Full,
    /// The id.
    Id,
    /// A pseudonym in place of the id.
    Pseudonym(PseudonymKey),
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

    /// What is shown of the agent `id`.
    pub fn name<'i>(&self, id: &'i str) -> Cow<'i, str> {
        match self {
            Self::Full | Self::Id => Cow::Borrowed(id),
            Self::Pseudonym(key) => Cow::Owned(key.pseudonym(id)),
        }
    }

    /// Takes out of `rows` what is not shown.
    pub(super) fn hide(&self, rows: &mut Rows) {
        if !self.show_ids() {
            rows.rewrite(Kind::AgentId, |id| self.name(id).into_owned());
        }
        if !self.show_nicknames() {
            rows.rewrite(Kind::Nickname, |_| String::new());
        }
    }
}

/// The key of pseudonyms. `Debug` does not show it.
#[derive(Clone)]
pub struct PseudonymKey(hmac::Key);

impl PseudonymKey {
    /// How many bytes of the hash are shown, as two digits each.
    const SHOWN: usize = 8;

    /// A key of the bytes of `secret`'s text.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            secret.expose().as_bytes(),
        ))
    }

    /// The first 16 hexadecimal digits of the HMAC-SHA256 of `id` in small letters: the endpoints need not spell an
    /// e-mail address alike, and the same agent has one pseudonym.
    pub fn pseudonym(&self, id: &str) -> String {
        let tag = hmac::sign(&self.0, id.to_lowercase().as_bytes());
        let shown = tag.as_ref().iter().take(Self::SHOWN);
        shown.map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_beginning_of_the_hash() {
        let key = PseudonymKey::new(&Secret::new("a-key-of-this-test"));
        // printf %s anna@shop.example | openssl dgst -sha256 -hmac a-key-of-this-test
        assert_eq!(key.pseudonym("anna@shop.example"), "4b7f01152cf8cb3f");
        assert_eq!(
            key.pseudonym("Anna@Shop.Example"),
            key.pseudonym("anna@shop.example")
        );
        let other = PseudonymKey::new(&Secret::new("another-key"));
        assert_ne!(key.pseudonym("a"), other.pseudonym("a"));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let key = PseudonymKey::new(&Secret::new("k3y"));
        let shown = format!("{:?}", AgentLabels::Pseudonym(key));
        assert_eq!(shown, "Pseudonym(PseudonymKey(not shown))");
    }
}
