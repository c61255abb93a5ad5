//! The queue for password hashing: which attempt is hashed next where more come than can be hashed.
//!
//! Hashing is slow by design, so clients that guess passwords could delay all others. Therefore:
//!
//! - Clients whose latest password was right come first, those with a wrong one lately last. Among
//!   equals they take turns.
//! - Of one client the latest request comes first, and so does the latest of the clients without a
//!   turn so far. The early requests of a crowd time out before their turn would come, and a scraper
//!   does not wait behind them.
//! - Before all others of its client comes an attempt that missed its turn before.
//! - Refusals to one client leave one after the other, each after twice the time of a hash. Clients
//!   that wait for a refusal before the next guess use no more than half of the hashing capacity.
//!
//! Behind a proxy all clients have one address, and only the rules for one client apply.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::recent::{AttemptId, Recent};
use crate::base::blocking::{HASHING, Permit};
use crate::base::mutex::lock;
use crate::http::client_addr::ClientAddr;

/// How long an attempt may wait for its turn.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// How long a refusal may be delayed.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// How long a wrong password counts against its client.
const WRONG_FOR: Duration = Duration::from_secs(60);

/// The most attempts that wait, of one client and in total.
const MAX_OF_CLIENT: usize = 512;
const MAX_WAITING: usize = 1024;

/// The most clients that are remembered.
const MAX_CLIENTS: usize = 1024;

/// The most attempts that are remembered as missed: those that a crowd of impatient clients makes in
/// a minute or more.
const MAX_MISSED: usize = 65_536;

/// The queue, and the attempts that left it without a turn.
#[derive(Debug)]
pub(super) struct HashQueue {
    queue: Mutex<Queue<oneshot::Sender<Permit>>>,
    missed: Mutex<Recent<ShortId>>,
}

impl HashQueue {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue::new(Instant::now())),
            missed: Mutex::new(Recent::new(MAX_MISSED)),
        }
    }

    /// Whether the attempt missed its turn before.
    pub(super) fn has_missed(&self, id: AttemptId) -> bool {
        lock(&self.missed).contains(&short(id))
    }

    /// Waits until it is the attempt's turn, and returns the permit to hash; `None` where too many wait, or it waits too long.
    pub(super) async fn permit(
        &self,
        peer: IpAddr,
        id: AttemptId,
        has_missed: bool,
    ) -> Option<Permit> {
        let (sender, mut receiver) = oneshot::channel();
        lock(&self.queue).push(peer.into(), has_missed, sender, Instant::now());
        let mut waiting = Waiting {
            queue: self,
            id: Some(short(id)),
        };
        let permit = async {
            loop {
                tokio::select! {
                    biased;
                    permit = &mut receiver => return permit.ok(),
                    // A permit that any waiting request obtains goes to the first in the queue.
                    permit = HASHING.permit() => lock(&self.queue).give(permit),
                }
            }
        };
        let permit = timeout(MAX_WAIT, permit).await.ok().flatten()?;
        waiting.id = None;
        Some(permit)
    }

    /// Records the result of a turn that took `time`.
    pub(super) fn record(&self, peer: IpAddr, is_right: bool, time: Duration) {
        lock(&self.queue).record(peer.into(), is_right, time, Instant::now());
    }

    /// Waits until a refusal to the client may leave.
    pub(super) async fn delay_refusal(&self, peer: IpAddr) {
        let leaves = lock(&self.queue).next_refusal(peer.into(), Instant::now());
        sleep_until(leaves).await;
    }
}

/// The start of an id. A collision does no harm: it changes only the order.
type ShortId = u64;

fn short(id: AttemptId) -> ShortId {
    let [a, b, c, d, e, f, g, h, ..] = id;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// An attempt in the queue; dropped with its id, it has missed its turn.
struct Waiting<'q> {
    queue: &'q HashQueue,
    id: Option<ShortId>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            lock(&self.queue.missed).insert(id);
        }
    }
}

/// The order of attempts, each with a ticket of any type.
#[derive(Debug)]
struct Queue<T> {
    clients: HashMap<ClientAddr, Client<T>>,
    /// How many attempts were pushed, and how many were popped.
    pushed: u64,
    popped: u64,
    /// How long the latest hash took.
    hash_time: Duration,
    /// When clients were last removed.
    cleaned: Instant,
}

#[derive(Debug)]
struct Client<T> {
    /// The tickets of its attempts, the latest last, and whether each missed its turn before.
    waiting: Vec<(bool, T)>,
    latest: Latest,
    /// The value of [`Queue::popped`] at its latest turn; 0 before that.
    turn: u64,
    /// The value of [`Queue::pushed`] at its latest attempt.
    pushed: u64,
    /// When its latest refusal leaves.
    refusal: Instant,
}

/// The result of a client's latest attempt.
#[derive(Debug)]
enum Latest {
    Right,
    Unknown,
    Wrong(Instant),
}

/// The rank of a client without a result, or with one that no longer counts.
const UNKNOWN: u8 = 1;

impl<T> Queue<T> {
    fn new(now: Instant) -> Self {
        Self {
            clients: HashMap::new(),
            pushed: 0,
            popped: 0,
            hash_time: Duration::ZERO,
            cleaned: now,
        }
    }

    /// Adds an attempt. Where too many wait, the client with the most loses one.
    fn push(&mut self, addr: ClientAddr, has_missed: bool, ticket: T, now: Instant) {
        let clients = self.clients.values();
        let total: usize = clients.map(|client| client.waiting.len()).sum();
        self.pushed += 1;
        let pushed = self.pushed;
        let client = self.client(addr, now);
        client.pushed = pushed;
        client.waiting.push((has_missed, ticket));
        if client.waiting.len() > MAX_OF_CLIENT {
            client.drop_one();
        } else if total >= MAX_WAITING {
            let clients = self.clients.values_mut();
            let is_first_try = |(missed, _): &(bool, T)| !missed;
            let largest = clients.max_by_key(|client| {
                let waiting = &client.waiting;
                (waiting.len(), waiting.iter().any(is_first_try))
            });
            if let Some(client) = largest {
                client.drop_one();
            }
        }
    }

    /// Removes the attempt whose turn it is.
    fn pop(&mut self, now: Instant) -> Option<T> {
        let clients = self.clients.values_mut();
        let client = clients
            .filter(|client| !client.waiting.is_empty())
            .min_by_key(|client| (client.rank(now), client.turn, Reverse(client.pushed)))?;
        self.popped += 1;
        client.turn = self.popped;
        let missed = client.waiting.iter().rposition(|(missed, _)| *missed);
        let place = missed.unwrap_or(client.waiting.len() - 1);
        Some(client.waiting.remove(place).1)
    }

    fn record(&mut self, addr: ClientAddr, is_right: bool, time: Duration, now: Instant) {
        self.hash_time = time;
        self.client(addr, now).latest = match is_right {
            true => Latest::Right,
            false => Latest::Wrong(now),
        };
    }

    /// When the next refusal to a client leaves.
    fn next_refusal(&mut self, addr: ClientAddr, now: Instant) -> Instant {
        let pause = 2 * self.hash_time;
        let client = self.client(addr, now);
        client.refusal = (client.refusal.max(now) + pause).min(now + MAX_DELAY);
        client.refusal
    }

    /// What is known of a client. Removes clients that need not be known any more.
    fn client(&mut self, addr: ClientAddr, now: Instant) -> &mut Client<T> {
        let is_full = self.clients.len() >= MAX_CLIENTS && !self.clients.contains_key(&addr);
        if is_full || now - self.cleaned > WRONG_FOR {
            self.cleaned = now;
            self.clients.retain(|_, client| match client.latest {
                _ if !client.waiting.is_empty() => true,
                // They have a password, so there are few.
                Latest::Right => true,
                _ => !is_full && client.rank(now) > UNKNOWN,
            });
        }
        self.clients.entry(addr).or_insert_with(|| Client {
            waiting: Vec::new(),
            latest: Latest::Unknown,
            turn: 0,
            pushed: 0,
            refusal: now,
        })
    }
}

impl<T> Client<T> {
    /// Drops the earliest attempt that has not missed its turn before, or else the earliest.
    fn drop_one(&mut self) {
        let first = self.waiting.iter().position(|(missed, _)| !missed);
        self.waiting.remove(first.unwrap_or_default());
    }

    /// Clients of a lower rank come first.
    fn rank(&self, now: Instant) -> u8 {
        match self.latest {
            Latest::Right => 0,
            Latest::Wrong(at) if now < at + WRONG_FOR => 2,
            Latest::Wrong(_) | Latest::Unknown => UNKNOWN,
        }
    }
}

impl Queue<oneshot::Sender<Permit>> {
    /// Gives the permit to the first attempt whose request is still there.
    fn give(&mut self, mut permit: Permit) {
        while let Some(ticket) = self.pop(Instant::now()) {
            match ticket.send(permit) {
                Ok(()) => return,
                Err(unsent) => permit = unsent,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> ClientAddr {
        address.parse::<IpAddr>().unwrap().into()
    }

    fn all<T>(queue: &mut Queue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop(Instant::now())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn clients_take_turns_and_their_latest_attempts_come_first() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        for (peer, has_missed, ticket) in [
            ("192.0.2.1", false, "a1"),
            ("192.0.2.1", false, "a2"),
            ("192.0.2.1", true, "missed"),
            ("192.0.2.1", false, "a3"),
            ("192.0.2.2", false, "b1"),
        ] {
            queue.push(client(peer), has_missed, ticket, now);
        }
        let first = queue.pop(now);
        let mut rest = all(&mut queue);
        assert!(matches!(first, Some("missed" | "b1")), "{first:?}");
        rest.retain(|ticket| *ticket != "b1" && *ticket != "missed");
        assert_eq!(rest, ["a3", "a2", "a1"]);
        // Both had turns: the client whose latest is longer ago comes first.
        queue.push(client("192.0.2.1"), false, "a4", now);
        queue.push(client("192.0.2.2"), false, "b2", now);
        assert_eq!(all(&mut queue), ["b2", "a4"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_displace_an_attempt_that_missed_its_turn() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        queue.push(client("192.0.2.1"), true, "missed", now);
        for _ in 0..2 * MAX_OF_CLIENT {
            queue.push(client("192.0.2.1"), false, "guess", now);
        }
        assert_eq!(queue.pop(now), Some("missed"));
        // Nor where as many wait as may, from many clients.
        queue.push(client("192.0.2.1"), true, "missed", now);
        for n in 0..2 * MAX_WAITING {
            let [.., high, low] = n.to_be_bytes();
            queue.push(
                ClientAddr::from(IpAddr::from([10, 0, high, low])),
                false,
                "guess",
                now,
            );
        }
        assert!(all(&mut queue).contains(&"missed"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_password_counts_against_its_client_for_a_minute() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        for (a, b) in (0..4).flat_map(|a| (0..100).map(move |b| (a, b))) {
            let guesser = ClientAddr::from(IpAddr::from([10, 0, a, b]));
            queue.record(guesser, false, Duration::from_millis(50), now);
            queue.push(guesser, false, "guess", now);
        }
        queue.push(client("192.0.2.1"), false, "scrape", now);
        assert_eq!(queue.pop(now), Some("scrape"));
        assert_eq!(all(&mut queue).len(), 400);
        let rank = |queue: &Queue<_>, at| queue.clients[&client("10.0.0.7")].rank(at);
        assert_eq!((rank(&queue, now), rank(&queue, now + WRONG_FOR)), (2, 1));
        queue.record(client("10.0.0.7"), true, Duration::from_millis(50), now);
        assert_eq!(rank(&queue, now), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_password_precedes_a_crowd_of_others() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        queue.push(client("192.0.2.1"), false, "scrape", now);
        queue.pop(now);
        queue.record(client("192.0.2.1"), true, Duration::from_millis(50), now);
        for n in 0..200 {
            queue.push(
                ClientAddr::from(IpAddr::from([10, 0, 0, n])),
                false,
                "guess",
                now,
            );
        }
        queue.push(client("192.0.2.1"), false, "scrape", now);
        queue.push(client("192.0.2.9"), false, "new", now);
        assert_eq!(queue.pop(now), Some("scrape"));
        // A client that comes after the crowd precedes it too.
        assert_eq!(queue.pop(now), Some("new"));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_to_one_client_leave_one_by_one() {
        let now = Instant::now();
        let mut queue = Queue::<()>::new(now);
        queue.record(client("192.0.2.1"), false, Duration::from_millis(50), now);
        let wait =
            |queue: &mut Queue<()>, peer| (queue.next_refusal(client(peer), now) - now).as_millis();
        assert_eq!(wait(&mut queue, "192.0.2.1"), 100);
        assert_eq!(wait(&mut queue, "192.0.2.1"), 200);
        assert_eq!(wait(&mut queue, "192.0.2.2"), 100);
        for _ in 0..1000 {
            wait(&mut queue, "192.0.2.1");
        }
        assert_eq!(wait(&mut queue, "192.0.2.1"), MAX_DELAY.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limits_wait_or_are_remembered() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        for n in 0..2 * MAX_OF_CLIENT {
            queue.push(client("192.0.2.1"), false, n, now);
        }
        assert_eq!(all(&mut queue).len(), MAX_OF_CLIENT);
        for n in 0..4 * MAX_WAITING {
            let [.., high, low] = n.to_be_bytes();
            queue.push(client("192.0.2.1"), false, n, now);
            queue.push(
                ClientAddr::from(IpAddr::from([10, 0, high, low])),
                false,
                n,
                now,
            );
        }
        let waiting: usize = queue
            .clients
            .values()
            .map(|client| client.waiting.len())
            .sum();
        assert!(waiting <= MAX_WAITING, "{waiting}");
        assert!(queue.clients.len() <= MAX_CLIENTS + MAX_WAITING);
        all(&mut queue);
        queue.push(client("192.0.2.1"), false, 0, now);
        for n in 0..4 * MAX_CLIENTS {
            let [.., high, low] = n.to_be_bytes();
            queue.record(
                ClientAddr::from(IpAddr::from([10, 0, high, low])),
                false,
                Duration::ZERO,
                now,
            );
        }
        assert!(
            queue.clients.len() <= MAX_CLIENTS,
            "{}",
            queue.clients.len()
        );
        assert_eq!(all(&mut queue), [0]);
    }
}
