//! HTTP basic authentication: whether a request has the name and password of a configured user.
//!
//! A bcrypt hash takes milliseconds by design. So passwords are hashed on a few threads of their own,
//! in the order of [`hash_queue`](super::hash_queue), and the latest results are remembered. An
//! unknown name costs as much as a wrong password, so that the time of a refusal reveals no name.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hyper::header::HeaderValue;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::hash_queue::HashQueue;
use super::recent::{AttemptId, Recent};
use super::yaml::{Words, parsed};
use crate::base::mutex::lock;

/// The highest cost that is accepted. A hash of a higher one takes many seconds.
const MAX_COST: u32 = 16;

/// How many accepted and how many rejected attempts are remembered.
const REMEMBERED: usize = 256;

/// The length to which bcrypt truncates a password with its terminating zero.
const MAX_PASSWORD: usize = 72;

/// bcrypt's base64: its own alphabet, no padding, and spare bits in the last character.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A bcrypt hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl PasswordHash {
    /// Parses `$2y$10$`, followed by 22 characters of salt and 31 of digest. The versions 2a, 2b and
    /// 2y mean the same here: they differ in bugs of early implementations.
    fn parse(text: &str) -> Option<Self> {
        let versions = ["$2a$", "$2b$", "$2y$"];
        let rest = versions
            .iter()
            .find_map(|version| text.strip_prefix(version))?;
        let (cost, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_at_checked(22)?;
        let is_number = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self {
            cost: cost.parse().ok().filter(|_| is_number)?,
            salt: BCRYPT.decode(salt).ok()?.try_into().ok()?,
            digest: BCRYPT.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// Whether it is the hash of `password`, in constant time once that is hashed.
    fn matches(&self, password: &[u8]) -> bool {
        let made = digest(password, self.cost, self.salt);
        let difference = self
            .digest
            .iter()
            .zip(&made)
            .fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

fn digest(password: &[u8], cost: u32, salt: [u8; 16]) -> [u8; 24] {
    let terminated = password.iter().copied().chain([0]);
    let truncated: Vec<u8> = terminated.take(MAX_PASSWORD).collect();
    bcrypt::bcrypt(cost, salt, &truncated)
}

impl FromStr for PasswordHash {
    type Err = Words;

    fn from_str(text: &str) -> Result<Self, Words> {
        // A YAML block scalar ends with a line break.
        let Some(hash) = Self::parse(text.trim_end()) else {
            return Err("is no bcrypt hash; make one with: htpasswd -nBC 10 ''".into());
        };
        match hash.cost {
            4..=MAX_COST => Ok(hash),
            _ => Err(Words::from(format!(
                "is a hash of a cost that is not from 4 to {MAX_COST}; 10 is a good one"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for PasswordHash {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let hash = parsed(value, str::parse)?;
        hash.ok_or_else(|| D::Error::custom(Words::from("a name has nothing behind it")))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(not shown)")
    }
}

/// `basic_auth_users`: the hashes by the names of users.
#[derive(Default)]
pub struct Hashes(pub BTreeMap<String, PasswordHash>);

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        map.deserialize_map(EachOnce)
    }
}

/// Reads a map in which no name comes twice: of serde's maps the last entry would hold.
struct EachOnce;

impl<'de> Visitor<'de> for EachOnce {
    type Value = Hashes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hashes, A::Error> {
        let mut hashes = BTreeMap::new();
        while let Some((name, hash)) = map.next_entry()? {
            if hashes.insert(name, hash).is_some() {
                return Err(A::Error::custom(Words::from("a name comes twice")));
            }
        }
        Ok(Hashes(hashes))
    }
}

/// The users of `basic_auth_users`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Users {
    hashes: BTreeMap<String, PasswordHash>,
    /// The highest cost of all hashes, which every rejection takes.
    cost: u32,
}

impl Users {
    /// The users with these `hashes` of their passwords.
    pub fn new(hashes: BTreeMap<String, PasswordHash>) -> Self {
        let cost = hashes.values().map(|hash| hash.cost).max();
        Self {
            cost: cost.unwrap_or_default(),
            hashes,
        }
    }

    /// Whether there is no user, so that requests need no authentication.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether all of `others` are among these, with the same passwords.
    pub(super) fn includes(&self, others: &Self) -> bool {
        let is_same = |(name, hash)| self.hashes.get(name) == Some(hash);
        others.hashes.iter().all(is_same)
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.hashes.keys().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }
}

/// The outcome of an authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Name and password are a user's.
    Accepted,
    /// They are not, or the request has none.
    Rejected,
    /// Too many attempts wait: the password was not checked.
    Overloaded,
}

/// Authenticates requests.
#[derive(Debug)]
pub struct Authenticator {
    salt: [u8; 32],
    accepted: Mutex<Recent<AttemptId>>,
    rejected: Mutex<Recent<AttemptId>>,
    queue: HashQueue,
}

impl Authenticator {
    /// An authenticator that remembers no attempt yet.
    ///
    /// # Errors
    /// The system provides no random numbers.
    pub fn new() -> Result<Self, String> {
        let mut salt = [0; 32];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| "the system has no random numbers".to_owned())?;
        Ok(Self {
            salt,
            accepted: Mutex::new(Recent::new(REMEMBERED)),
            rejected: Mutex::new(Recent::new(REMEMBERED)),
            queue: HashQueue::new(),
        })
    }

    /// Whether the `Authorization` header of a request from `peer` has the name and password of one
    /// of `users`.
    pub async fn check(
        self: &Arc<Self>,
        users: &Users,
        peer: IpAddr,
        header: Option<&HeaderValue>,
    ) -> Outcome {
        let Some((name, password)) = header.and_then(credentials) else {
            return Outcome::Rejected;
        };
        let hash = users.hashes.get(&name).cloned();
        let attempt = Attempt {
            id: self.id(&name, &password, hash.as_ref()),
            password,
            hash,
            cost: users.cost,
        };
        if let Some(known) = self.remembered(&attempt.id) {
            return known;
        }
        let outcome = self.clone().resolve(peer, attempt).await;
        if outcome != Outcome::Accepted {
            self.queue.delay_refusal(peer).await;
        }
        outcome
    }

    /// Waits for the attempt's turn, and hashes. An attempt that missed its turn before is resolved
    /// even if its client disconnects: the client is about to try again.
    async fn resolve(self: Arc<Self>, peer: IpAddr, attempt: Attempt) -> Outcome {
        match self.queue.has_missed(attempt.id) {
            true => {
                let work = tokio::spawn(self.wait_and_hash(peer, attempt, true));
                work.await.unwrap_or(Outcome::Overloaded)
            }
            false => self.wait_and_hash(peer, attempt, false).await,
        }
    }

    async fn wait_and_hash(
        self: Arc<Self>,
        peer: IpAddr,
        attempt: Attempt,
        has_missed: bool,
    ) -> Outcome {
        let id = attempt.id;
        let Some(permit) = self.queue.permit(peer, id, has_missed).await else {
            return Outcome::Overloaded;
        };
        // Another request may have made the same attempt meanwhile.
        if let Some(known) = self.remembered(&id) {
            return known;
        }
        // A task of its own, since the outcome is of use though this request may be dropped.
        let work = tokio::spawn(async move {
            let start = Instant::now();
            let is_accepted = permit.run(move || attempt.is_accepted()).await;
            self.queue.record(peer, is_accepted, start.elapsed());
            let (memory, outcome) = match is_accepted {
                true => (&self.accepted, Outcome::Accepted),
                false => (&self.rejected, Outcome::Rejected),
            };
            lock(memory).insert(id);
            outcome
        });
        work.await.unwrap_or(Outcome::Overloaded)
    }

    /// The salted hash of all that decides an attempt.
    fn id(&self, name: &str, password: &[u8], hash: Option<&PasswordHash>) -> AttemptId {
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        let salt = hash.map_or(&[][..], |hash| &hash.salt);
        let digest = hash.map_or(&[][..], |hash| &hash.digest);
        for part in [name.as_bytes(), salt, digest, password] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut id = AttemptId::default();
        for (to, from) in id.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        id
    }

    fn remembered(&self, id: &AttemptId) -> Option<Outcome> {
        if lock(&self.accepted).contains(id) {
            return Some(Outcome::Accepted);
        }
        let is_rejected = lock(&self.rejected).contains(id);
        is_rejected.then_some(Outcome::Rejected)
    }
}

/// A password to be checked against the hash of the user that the request names, if there is one.
struct Attempt {
    id: AttemptId,
    password: Vec<u8>,
    hash: Option<PasswordHash>,
    /// The highest cost of all users' hashes.
    cost: u32,
}

impl Attempt {
    /// Whether the password is the user's. Takes the time of one hash at the highest cost in any case.
    fn is_accepted(&self) -> bool {
        let hash = self.hash.as_ref();
        let is_accepted = hash.is_some_and(|hash| hash.matches(&self.password));
        for cost in missing_costs(hash.map(|hash| hash.cost), self.cost) {
            std::hint::black_box(digest(&self.password, cost, [0x5a; 16]));
        }
        is_accepted
    }
}

/// Name and password of `Basic` credentials (RFC 7617).
fn credentials(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (name, password) = decoded.split_at_checked(colon)?;
    let name = String::from_utf8(name.to_vec()).ok()?;
    Some((name, password.get(1..)?.to_vec()))
}

/// The costs of the hashes to be made after one of cost `done`, or after none. Each step of the cost
/// doubles the work, so together they take as long as one hash of the `highest` cost.
fn missing_costs(done: Option<u32>, highest: u32) -> Range<u32> {
    match done {
        Some(done) => done..highest,
        None => highest..highest + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::blocking::HASHING;
    use std::net::Ipv4Addr;
    use std::time::Duration;
    use tokio::time::timeout;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn text(password: &str, cost: u32, version: &str) -> String {
        let salt = [7; 16];
        let made = digest(password.as_bytes(), cost, salt);
        format!(
            "${version}${cost:02}${}{}",
            BCRYPT.encode(salt),
            BCRYPT.encode(&made[..23])
        )
    }

    fn hash(password: &str, cost: u32, version: &str) -> PasswordHash {
        text(password, cost, version).parse().unwrap()
    }

    #[test]
    fn hashes_of_other_programs_are_read() {
        // From the test vectors of Openwall's bcrypt.
        for (password, hash) in [
            (
                "U*U",
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            ),
            (
                "U*U*",
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
            ),
            (
                "",
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
            ),
        ] {
            let hash = PasswordHash::from_str(hash).unwrap();
            assert!(hash.matches(password.as_bytes()), "{password}");
            assert!(!hash.matches(b"another"));
        }
        // Passwords are truncated to 72 bytes.
        let long = "p".repeat(100);
        assert!(hash(&long, 4, "2b").matches(&long.as_bytes()[..72]));
        assert!(!hash(&long, 4, "2b").matches(&long.as_bytes()[..71]));
    }

    fn users(all: &[(&str, PasswordHash)]) -> Users {
        Users::new(
            all.iter()
                .map(|(name, hash)| ((*name).to_owned(), hash.clone()))
                .collect(),
        )
    }

    fn header(name: &str, password: &str) -> HeaderValue {
        let encoded = STANDARD.encode(format!("{name}:{password}"));
        HeaderValue::try_from(format!("Basic {encoded}")).unwrap()
    }

    #[tokio::test]
    async fn all_versions_are_known_and_outcomes_are_remembered() {
        let users = users(&[
            ("a", hash("one", 4, "2a")),
            ("b", hash("two:2", 5, "2b")),
            ("y", hash("three", 4, "2y")),
        ]);
        let authenticator = Arc::new(Authenticator::new().unwrap());
        for _ in 0..2 {
            for (name, password, expected) in [
                ("a", "one", Outcome::Accepted),
                ("b", "two:2", Outcome::Accepted),
                ("y", "three", Outcome::Accepted),
                ("a", "three", Outcome::Rejected),
                ("a", "", Outcome::Rejected),
                ("", "one", Outcome::Rejected),
                ("x", "one", Outcome::Rejected),
            ] {
                let outcome = authenticator
                    .check(&users, PEER, Some(&header(name, password)))
                    .await;
                assert_eq!(outcome, expected, "{name}:{password}");
            }
        }
        assert_eq!(authenticator.accepted.lock().unwrap().len(), 3);
        assert_eq!(authenticator.rejected.lock().unwrap().len(), 4);
    }

    /// As in a crowd that leaves no turn, when the connection may be closed for another one too.
    #[tokio::test]
    async fn an_attempt_that_missed_its_turn_is_hashed_though_its_request_is_gone() {
        let users = users(&[("a", hash("p", 4, "2b"))]);
        let authenticator = Arc::new(Authenticator::new().unwrap());
        let header = header("a", "p");
        let id = authenticator.id("a", b"p", users.hashes.get("a"));
        let permits = HASHING.all_permits().await;
        let short = Duration::from_millis(50);
        for has_missed in [false, true] {
            assert_eq!(authenticator.queue.has_missed(id), has_missed);
            let check = authenticator.check(&users, PEER, Some(&header));
            assert!(timeout(short, check).await.is_err());
        }
        drop(permits);
        while authenticator.remembered(&id).is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(authenticator.remembered(&id), Some(Outcome::Accepted));
    }

    #[tokio::test]
    async fn an_accepted_password_is_rejected_once_the_hash_is_another() {
        let authenticator = Arc::new(Authenticator::new().unwrap());
        let old = users(&[("a", hash("old", 4, "2b"))]);
        let new = users(&[("a", hash("new", 4, "2b"))]);
        let header = header("a", "old");
        assert_eq!(
            authenticator.check(&old, PEER, Some(&header)).await,
            Outcome::Accepted
        );
        assert_eq!(
            authenticator.check(&new, PEER, Some(&header)).await,
            Outcome::Rejected
        );
    }

    #[tokio::test]
    async fn credentials_other_than_basic_are_rejected_at_once() {
        let users = users(&[("a", hash("p", 4, "2b"))]);
        let authenticator = Arc::new(Authenticator::new().unwrap());
        for text in ["", "Basic", "Basic !", "Bearer YTpw", "Basic YQ=="] {
            let header = HeaderValue::from_static(text);
            assert_eq!(
                authenticator.check(&users, PEER, Some(&header)).await,
                Outcome::Rejected,
                "{text}"
            );
        }
        assert_eq!(
            authenticator.check(&users, PEER, None).await,
            Outcome::Rejected
        );
        let lower = HeaderValue::from_static("basic YTpw");
        assert_eq!(
            authenticator.check(&users, PEER, Some(&lower)).await,
            Outcome::Accepted
        );
        assert!(authenticator.rejected.lock().unwrap().len() == 0);
    }

    #[test]
    fn an_unknown_name_a_wrong_password_and_a_cheap_hash_take_the_same_work() {
        let work = |cost: u32| 1_u64 << cost;
        for done in [None, Some(4), Some(7), Some(12)] {
            let missing: u64 = missing_costs(done, 12).map(work).sum();
            assert_eq!(done.map_or(0, work) + missing, work(12), "{done:?}");
        }
        let cheap = hash("p", 5, "2b");
        let is_accepted = |password: &[u8], hash: Option<&PasswordHash>| {
            let attempt = Attempt {
                id: AttemptId::default(),
                password: password.to_vec(),
                hash: hash.cloned(),
                cost: 6,
            };
            attempt.is_accepted()
        };
        assert!(is_accepted(b"p", Some(&cheap)));
        assert!(!is_accepted(b"wrong", Some(&cheap)) && !is_accepted(b"p", None));
    }

    #[test]
    fn a_value_that_is_no_hash_is_refused_and_not_repeated() {
        let good = text("p", 4, "2b");
        for bad in [
            "",
            "s3cret",
            "$2b$",
            "$2x$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm",
            &good[..59],
            &good.replace("$04$", "$31$"),
            &good.replace("$04$", "$03$"),
        ] {
            let why = bad.parse::<PasswordHash>().unwrap_err();
            assert!(!why.to_string().contains("s3cret"), "{why}");
        }
        assert!(!format!("{:?}", hash("p", 4, "2b")).contains('$'));
    }
}
