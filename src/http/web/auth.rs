//! Passwords: whether a request comes from a user of the file.
//!
//! A bcrypt hash is work by design: milliseconds for each guess. So hashing is done off the async
//! threads, a few at a time, in the order that [`line`](super::line) has, and not again for what was
//! asked before; and a name that no user has costs exactly what a wrong password costs, so that the
//! time of a refusal tells no name.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hyper::header::HeaderValue;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::line::Line;
use super::recent::{Key, Recent};
use crate::base::mutex::lock;

/// Dearer hashes would let anybody keep a core busy for minutes with one request.
const HIGHEST_COST: u32 = 16;

/// How many answers are remembered, of either kind.
const REMEMBERED: usize = 256;

/// What bcrypt looks at of a password, and the byte behind its end.
const LONGEST_PASSWORD: usize = 72;

/// Base64 with bcrypt's own order of characters; the last one of a part has bits to spare.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A bcrypt hash, taken apart so that it can be held against a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl Hash {
    /// Reads `$2y$10$` with 22 characters of salt and 31 of the digest behind it; all three kinds
    /// mean the same: they differ in the mistakes of old programs only.
    fn parse(text: &str) -> Option<Self> {
        let kinds = ["$2a$", "$2b$", "$2y$"];
        let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind))?;
        let (cost, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_at_checked(22)?;
        let is_number = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self {
            cost: cost.parse().ok().filter(|_| is_number)?,
            salt: BCRYPT.decode(salt).ok()?.try_into().ok()?,
            digest: BCRYPT.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// Whether it is of this password; takes the same time whichever byte is the first to differ.
    fn is_of(&self, password: &[u8]) -> bool {
        let made = digest(password, self.cost, self.salt);
        let difference = self
            .digest
            .iter()
            .zip(&made)
            .fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

/// The work itself.
fn digest(password: &[u8], cost: u32, salt: [u8; 16]) -> [u8; 24] {
    let ended = password.iter().copied().chain([0]);
    let looked_at: Vec<u8> = ended.take(LONGEST_PASSWORD).collect();
    bcrypt::bcrypt(cost, salt, &looked_at)
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // A block of YAML ends with a line break.
        let Some(hash) = Self::parse(text.trim_end()) else {
            return Err("is no bcrypt hash; make one with: htpasswd -nBC 10 ''".to_owned());
        };
        match hash.cost {
            4..=HIGHEST_COST => Ok(hash),
            _ => Err(format!(
                "is a hash of a cost that is not from 4 to {HIGHEST_COST}; 10 is a good one"
            )),
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(not shown)")
    }
}

/// All users who may ask.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Users {
    hashes: BTreeMap<String, Hash>,
    /// The cost of the dearest hash: that of every refusal.
    cost: u32,
}

impl Users {
    /// Those of the file.
    pub fn new(hashes: BTreeMap<String, Hash>) -> Self {
        let cost = hashes.values().map(|hash| hash.cost).max();
        Self {
            cost: cost.unwrap_or_default(),
            hashes,
        }
    }

    /// Whether there is no user, so that every client may ask.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether all of `others` are named, with the same passwords.
    pub(super) fn has_all_of(&self, others: &Self) -> bool {
        let is_same = |(name, hash)| self.hashes.get(name) == Some(hash);
        others.hashes.iter().all(is_same)
    }

    /// Their names.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.hashes.keys().map(String::as_str)
    }

    /// How many are named.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }
}

/// What became of a request's name and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They belong together.
    Right,
    /// They do not, or there are none.
    Wrong,
    /// Too many others are asking: not looked at.
    Busy,
}

/// Holds names and passwords against the file's users.
#[derive(Debug)]
pub struct Checker {
    salt: [u8; 32],
    right: Mutex<Recent<Key>>,
    wrong: Mutex<Recent<Key>>,
    line: Line,
}

impl Checker {
    /// One that remembers nothing yet.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<Self, String> {
        let mut salt = [0; 32];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| "the system has no random numbers".to_owned())?;
        Ok(Self {
            salt,
            right: Mutex::new(Recent::new(REMEMBERED)),
            wrong: Mutex::new(Recent::new(REMEMBERED)),
            line: Line::new(),
        })
    }

    /// Whether the `Authorization` header of a request of `peer` names one of `users` with its password.
    pub async fn check(
        self: &Arc<Self>,
        users: &Users,
        peer: IpAddr,
        header: Option<&HeaderValue>,
    ) -> Verdict {
        let Some((name, password)) = header.and_then(credentials) else {
            return Verdict::Wrong;
        };
        let hash = users.hashes.get(&name).cloned();
        let question = Question {
            key: self.key(&name, &password, hash.as_ref()),
            password,
            hash,
            cost: users.cost,
        };
        let verdict = match self.known(&question.key) {
            Some(known) => return known,
            None => self.clone().find_out(peer, question).await,
        };
        if verdict != Verdict::Right {
            self.line.hold(peer).await;
        }
        verdict
    }

    /// Waits for a turn, and hashes. To its end, also where the client has gone, if it has come back
    /// with this before, and will again.
    async fn find_out(self: Arc<Self>, peer: IpAddr, question: Question) -> Verdict {
        match self.line.is_back(question.key) {
            true => {
                let work = tokio::spawn(self.take_turn(peer, question, true));
                work.await.unwrap_or(Verdict::Busy)
            }
            false => self.take_turn(peer, question, false).await,
        }
    }

    async fn take_turn(
        self: Arc<Self>,
        peer: IpAddr,
        question: Question,
        is_back: bool,
    ) -> Verdict {
        let key = question.key;
        let Some(turn) = self.line.turn(peer, key, is_back).await else {
            return Verdict::Busy;
        };
        // Another request may have asked the same while this one waited.
        if let Some(known) = self.known(&key) {
            return known;
        }
        // Once begun it is of use to the next request that asks the same.
        let work = tokio::spawn(async move {
            let start = Instant::now();
            let is_right = turn.run(move || question.is_right()).await;
            self.line.note(peer, is_right, start.elapsed());
            let (answers, verdict) = match is_right {
                true => (&self.right, Verdict::Right),
                false => (&self.wrong, Verdict::Wrong),
            };
            lock(answers).remember(key);
            verdict
        });
        work.await.unwrap_or(Verdict::Busy)
    }

    /// What tells one question from every other; it gives no password away.
    fn key(&self, name: &str, password: &[u8], hash: Option<&Hash>) -> Key {
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        let salt = hash.map_or(&[][..], |hash| &hash.salt);
        let digest = hash.map_or(&[][..], |hash| &hash.digest);
        for part in [name.as_bytes(), salt, digest, password] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut key = Key::default();
        for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        key
    }

    fn known(&self, key: &Key) -> Option<Verdict> {
        if lock(&self.right).contains(key) {
            return Some(Verdict::Right);
        }
        lock(&self.wrong).contains(key).then_some(Verdict::Wrong)
    }
}

/// A password to be held against a hash; there may be none.
struct Question {
    key: Key,
    password: Vec<u8>,
    hash: Option<Hash>,
    /// The highest of all hashes.
    cost: u32,
}

impl Question {
    /// Whether the password is that of the hash. The work is that of one hash at the highest cost, in
    /// any case.
    fn is_right(&self) -> bool {
        let hash = self.hash.as_ref();
        let is_right = hash.is_some_and(|hash| hash.is_of(&self.password));
        for missing in missing_work(hash.map(|hash| hash.cost), self.cost) {
            waste(&self.password, missing);
        }
        is_right
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

/// The costs of the hashes that are still to be made after one of `done`, or after none. Each step
/// of the cost doubles the work, so these add up to the highest one.
fn missing_work(done: Option<u32>, highest: u32) -> Range<u32> {
    match done {
        Some(done) => done..highest,
        None => highest..highest + 1,
    }
}

fn waste(password: &[u8], cost: u32) {
    std::hint::black_box(digest(password, cost, [0x5a; 16]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::blocking::HASHING;
    use std::net::Ipv4Addr;
    use std::time::Duration;
    use tokio::time::timeout;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn text(password: &str, cost: u32, kind: &str) -> String {
        let salt = [7; 16];
        let made = digest(password.as_bytes(), cost, salt);
        format!(
            "${kind}${cost:02}${}{}",
            BCRYPT.encode(salt),
            BCRYPT.encode(&made[..23])
        )
    }

    fn hash(password: &str, cost: u32, kind: &str) -> Hash {
        Hash::try_from(text(password, cost, kind)).unwrap()
    }

    #[test]
    fn hashes_of_other_programs_are_read() {
        // Of the first test vectors of bcrypt, as OpenBSD and Openwall have them.
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
            let hash = Hash::try_from(hash.to_owned()).unwrap();
            assert!(hash.is_of(password.as_bytes()), "{password}");
            assert!(!hash.is_of(b"another"));
        }
        // No more than 72 bytes are looked at, by anybody.
        let long = "p".repeat(100);
        assert!(hash(&long, 4, "2b").is_of(&long.as_bytes()[..72]));
        assert!(!hash(&long, 4, "2b").is_of(&long.as_bytes()[..71]));
    }

    fn users(all: &[(&str, Hash)]) -> Users {
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
    async fn all_three_kinds_are_known_and_answers_are_remembered() {
        let users = users(&[
            ("a", hash("one", 4, "2a")),
            ("b", hash("two:2", 5, "2b")),
            ("y", hash("three", 4, "2y")),
        ]);
        let checker = Arc::new(Checker::new().unwrap());
        for _ in 0..2 {
            for (name, password, expected) in [
                ("a", "one", Verdict::Right),
                ("b", "two:2", Verdict::Right),
                ("y", "three", Verdict::Right),
                ("a", "three", Verdict::Wrong),
                ("a", "", Verdict::Wrong),
                ("", "one", Verdict::Wrong),
                ("x", "one", Verdict::Wrong),
            ] {
                let verdict = checker
                    .check(&users, PEER, Some(&header(name, password)))
                    .await;
                assert_eq!(verdict, expected, "{name}:{password}");
            }
        }
        assert_eq!(checker.right.lock().unwrap().len(), 3);
        assert_eq!(checker.wrong.lock().unwrap().len(), 4);
    }

    /// As behind a crowd that leaves no turn, when the connection is closed for others' sake too.
    #[tokio::test]
    async fn a_password_that_comes_back_is_hashed_though_its_request_is_gone() {
        let users = users(&[("a", hash("p", 4, "2b"))]);
        let checker = Arc::new(Checker::new().unwrap());
        let header = header("a", "p");
        let key = checker.key("a", b"p", users.hashes.get("a"));
        let permits = HASHING.all_permits().await;
        let short = Duration::from_millis(50);
        for is_back in [false, true] {
            assert_eq!(checker.line.is_back(key), is_back);
            let check = checker.check(&users, PEER, Some(&header));
            assert!(timeout(short, check).await.is_err());
        }
        drop(permits);
        while checker.known(&key).is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(checker.known(&key), Some(Verdict::Right));
    }

    #[tokio::test]
    async fn what_was_right_is_not_once_the_hash_is_another() {
        let checker = Arc::new(Checker::new().unwrap());
        let old = users(&[("a", hash("old", 4, "2b"))]);
        let new = users(&[("a", hash("new", 4, "2b"))]);
        let header = header("a", "old");
        assert_eq!(
            checker.check(&old, PEER, Some(&header)).await,
            Verdict::Right
        );
        assert_eq!(
            checker.check(&new, PEER, Some(&header)).await,
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn what_is_no_basic_header_is_wrong_at_once() {
        let users = users(&[("a", hash("p", 4, "2b"))]);
        let checker = Arc::new(Checker::new().unwrap());
        for text in ["", "Basic", "Basic !", "Bearer YTpw", "Basic YQ=="] {
            let header = HeaderValue::from_static(text);
            assert_eq!(
                checker.check(&users, PEER, Some(&header)).await,
                Verdict::Wrong,
                "{text}"
            );
        }
        assert_eq!(checker.check(&users, PEER, None).await, Verdict::Wrong);
        let lower = HeaderValue::from_static("basic YTpw");
        assert_eq!(
            checker.check(&users, PEER, Some(&lower)).await,
            Verdict::Right
        );
        assert!(checker.wrong.lock().unwrap().len() == 0);
    }

    #[test]
    fn a_wrong_name_a_wrong_password_and_a_cheap_hash_are_the_same_work() {
        let work = |cost: u32| 1_u64 << cost;
        for done in [None, Some(4), Some(7), Some(12)] {
            let missing: u64 = missing_work(done, 12).map(work).sum();
            assert_eq!(done.map_or(0, work) + missing, work(12), "{done:?}");
        }
        let cheap = hash("p", 5, "2b");
        let is_right = |password: &[u8], hash: Option<&Hash>| {
            let question = Question {
                key: Key::default(),
                password: password.to_vec(),
                hash: hash.cloned(),
                cost: 6,
            };
            question.is_right()
        };
        assert!(is_right(b"p", Some(&cheap)));
        assert!(!is_right(b"wrong", Some(&cheap)) && !is_right(b"p", None));
    }

    #[test]
    fn what_is_no_hash_is_refused_and_not_repeated() {
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
            let why = Hash::try_from(bad.to_owned()).unwrap_err();
            assert!(!why.contains("s3cret"), "{why}");
        }
        assert!(!format!("{:?}", hash("p", 4, "2b")).contains('$'));
    }
}
