//! The UserSig to send: made here from the key and renewed in good time, or taken as given.
//!
//! Either secret may live in a file that is rotated; [`Credentials::refresh`], called at the
//! start of each poll, takes up the new content.

use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;

use super::usersig::UserSig;
use crate::base::files;
use crate::base::mutex::lock;
use crate::base::secret::Secret;
use crate::base::secret_file::{Rereading, SecretSource};

/// How long a UserSig is good that is made here, in seconds: two months, as Tencent recommends.
const LIFETIME: i64 = 60 * 86_400;

/// It is renewed once half of that is over, so that a month is left to notice that this fails.
const RENEW_AFTER: i64 = LIFETIME / 2;

/// What proves to Desk that we may ask.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The application's key, with which UserSigs are made.
    Key(SecretSource),
    /// A UserSig that was made elsewhere.
    UserSig(SecretSource),
}

impl Proof {
    /// The secret as it is now.
    ///
    /// # Errors
    /// Why there is none, or none of this kind, as [`SecretSource::read`].
    pub fn read(&self) -> Result<Secret, String> {
        let secret = self.source().read()?;
        match (self.mistaken(secret.expose()), self.file()) {
            (None, _) => Ok(secret),
            (Some(what), None) => Err(format!("is {what}")),
            (Some(what), Some(path)) => Err(format!("{} holds {what}", files::shown(path))),
        }
    }

    /// What `secret` is instead of a secret of this kind, and where that belongs.
    fn mistaken(&self, secret: &str) -> Option<&'static str> {
        let is_key = secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            _ if secret.starts_with('/') => {
                Some("a path; that belongs into SECRET_KEY_FILE or USER_SIG_FILE")
            }
            Self::Key(_) if UserSig::decode(secret).is_ok() => {
                Some("a UserSig and no key; that belongs into USER_SIG or USER_SIG_FILE")
            }
            Self::UserSig(_) if is_key => {
                Some("a key and no UserSig; that belongs into SECRET_KEY or SECRET_KEY_FILE")
            }
            _ => None,
        }
    }

    fn source(&self) -> &SecretSource {
        let (Self::Key(source) | Self::UserSig(source)) = self;
        source
    }

    /// The file that it is in, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        self.source().file()
    }
}

/// The UserSig of one account, kept fresh.
#[derive(Debug)]
pub struct Credentials {
    sdk_app_id: u64,
    identifier: String,
    proof: Proof,
    state: Mutex<State>,
    rereading: Rereading,
}

#[derive(Debug)]
struct State {
    /// The key, or the UserSig as given.
    secret: Secret,
    /// What Desk gets until it is due for renewal or refused.
    sent: Option<Signed>,
}

#[derive(Debug, Clone)]
struct Signed {
    text: Secret,
    /// In Unix seconds.
    made_at: i64,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Reads the secret for the first time.
    ///
    /// # Errors
    /// Why its file gives none.
    pub fn new(sdk_app_id: u64, identifier: String, proof: Proof) -> Result<Self, String> {
        let secret = proof.read()?;
        Ok(Self::proven(sdk_app_id, identifier, proof, secret))
    }

    /// The same, where `secret` is what `proof` has been read to be.
    pub fn proven(sdk_app_id: u64, identifier: String, proof: Proof, secret: Secret) -> Self {
        let state = State { secret, sent: None };
        Self {
            sdk_app_id,
            identifier,
            proof,
            state: Mutex::new(state),
            rereading: Rereading::default(),
        }
    }

    /// The account that signs.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The application that it is of.
    pub fn sdk_app_id(&self) -> u64 {
        self.sdk_app_id
    }

    /// As [`Credentials::refresh`], unless the file was read within the last second: six endpoints may ask at
    /// once.
    pub async fn refresh_at_most_each_second(&self) {
        if self.rereading.is_due() {
            self.refresh().await;
        }
    }

    /// Takes up a secret that was rotated; keeps the last one where its file is gone or broken.
    pub async fn refresh(&self) {
        let Some(path) = self.proof.file() else {
            return;
        };
        let proof = self.proof.clone();
        let Some(secret) = self.rereading.read(path, move || proof.read()).await else {
            return;
        };
        let mut state = lock(&self.state);
        if secret != state.secret {
            tracing::info!("the file with the secret has changed: using its new content");
            state.secret = secret;
            state.sent = None;
        }
    }

    /// The UserSig to send at `now`, in Unix seconds.
    pub fn user_sig(&self, now: i64) -> Secret {
        let mut state = lock(&self.state);
        if let Some(signed) = &state.sent
            && !self.is_due(signed, now)
        {
            return signed.text.clone();
        }
        let signed = self.sign(&state.secret, now);
        let text = signed.text.clone();
        state.sent = Some(signed);
        text
    }

    /// Makes sure that `refused` is not sent again; false where there is nothing else to send.
    ///
    /// Pages are asked for side by side, so several may be refused with the same UserSig: only the
    /// first of them makes a new one.
    pub async fn replace(&self, refused: &Secret, now: i64) -> bool {
        self.refresh().await;
        let mut state = lock(&self.state);
        let is_current = state
            .sent
            .as_ref()
            .is_some_and(|signed| signed.text == *refused);
        match self.proof {
            Proof::Key(_) if is_current => {
                state.sent = Some(self.sign(&state.secret, now));
                true
            }
            Proof::Key(_) => true,
            Proof::UserSig(_) => state.secret != *refused,
        }
    }

    /// `text` without the key and without the UserSig that is sent, should they stand in it.
    pub fn conceal(&self, text: String) -> String {
        let state = lock(&self.state);
        let sent = state.sent.as_ref().map(|signed| &signed.text);
        [Some(&state.secret), sent]
            .into_iter()
            .flatten()
            .fold(text, |text, secret| {
                text.replace(secret.expose(), "[not shown]")
            })
    }

    /// When the UserSig that is sent expires; `None` where it cannot be read.
    pub fn expires_at(&self) -> Option<Timestamp> {
        lock(&self.state).sent.as_ref()?.expires_at
    }

    fn is_due(&self, signed: &Signed, now: i64) -> bool {
        let age = now.saturating_sub(signed.made_at);
        // A negative age: the wall clock was set back, and Desk may find it made in the future.
        matches!(self.proof, Proof::Key(_)) && !(0..RENEW_AFTER).contains(&age)
    }

    fn sign(&self, secret: &Secret, now: i64) -> Signed {
        match self.proof {
            Proof::UserSig(_) => Signed {
                text: secret.clone(),
                made_at: now,
                expires_at: UserSig::decode(secret.expose())
                    .ok()
                    .and_then(|sig| sig.expires_at()),
            },
            Proof::Key(_) => {
                let sig = UserSig::sign(self.sdk_app_id, &self.identifier, secret, now, LIFETIME);
                Signed {
                    text: sig.encode(),
                    made_at: now,
                    expires_at: sig.expires_at(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn with_key() -> Credentials {
        let key = SecretSource::Given(Secret::new("k3y"));
        Credentials::new(1, "admin".to_owned(), Proof::Key(key)).unwrap()
    }

    fn made_at(credentials: &Credentials, now: i64) -> i64 {
        UserSig::decode(credentials.user_sig(now).expose())
            .unwrap()
            .time
    }

    #[test]
    fn a_user_sig_serves_for_a_month_and_is_then_made_anew() {
        let credentials = with_key();
        assert_eq!(made_at(&credentials, NOW), NOW);
        assert_eq!(made_at(&credentials, NOW + RENEW_AFTER - 1), NOW);
        assert_eq!(made_at(&credentials, NOW + RENEW_AFTER), NOW + RENEW_AFTER);
        assert_eq!(
            made_at(&credentials, NOW - 5),
            NOW - 5,
            "the clock was set back"
        );
        assert_eq!(
            credentials.expires_at().unwrap().as_second(),
            NOW - 5 + LIFETIME
        );
    }

    #[tokio::test]
    async fn only_the_first_of_several_refusals_makes_a_new_one() {
        let credentials = with_key();
        let refused = credentials.user_sig(NOW);
        assert!(credentials.replace(&refused, NOW + 1).await);
        assert!(credentials.replace(&refused, NOW + 2).await);
        assert_eq!(made_at(&credentials, NOW + 3), NOW + 1);
    }

    #[tokio::test]
    async fn a_given_user_sig_is_sent_as_it_is_and_has_no_other() {
        let given = SecretSource::Given(Secret::new("made elsewhere"));
        let credentials = Credentials::new(1, "admin".to_owned(), Proof::UserSig(given)).unwrap();
        let sent = credentials.user_sig(NOW + 10 * LIFETIME);
        assert_eq!(sent.expose(), "made elsewhere");
        assert_eq!(credentials.expires_at(), None);
        assert!(!credentials.replace(&sent, NOW).await);
    }

    #[tokio::test]
    async fn a_rotated_file_is_taken_up_and_a_broken_one_is_not() {
        let file = std::env::temp_dir().join(format!("desk-secret-{}", fastrand::u64(..)));
        std::fs::write(&file, "first\n").unwrap();
        let source = SecretSource::File(file.clone());
        let credentials = Credentials::new(1, "a".to_owned(), Proof::UserSig(source)).unwrap();
        let sent = async || {
            credentials.refresh().await;
            credentials.user_sig(NOW).expose().to_owned()
        };
        assert_eq!(sent().await, "first");
        std::fs::write(&file, "second\r\n").unwrap();
        assert_eq!(sent().await, "second");
        std::fs::write(&file, "\n").unwrap();
        assert_eq!(sent().await, "second");
        std::fs::write(&file, "'third'").unwrap();
        assert_eq!(sent().await, "second");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(sent().await, "second");
    }

    #[test]
    fn a_secret_that_somebody_repeats_is_not_repeated() {
        let credentials = with_key();
        let sent = credentials.user_sig(NOW);
        let said = format!("refused: {} by k3y", sent.expose());
        assert_eq!(
            credentials.conceal(said),
            "refused: [not shown] by [not shown]"
        );
    }
}
