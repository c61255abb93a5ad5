//! Who is next to have a password hashed, when more ask than can be served.
//!
//! Hashing is slow by design, so those who guess could keep everybody waiting. Against that:
//!
//! - Addresses that were right come first, and those that were wrong lately last. They take turns.
//! - Of one address the latest request comes first, as does the latest of addresses that had no
//!   turn yet. The early ones of a crowd have given up before their turn would come, and a scraper
//!   does not wait behind them.
//! - Before all others of its address comes a password that had to go without an answer before.
//! - Refusals of one address leave one by one, each after twice the time that a hash takes. Those who
//!   wait for them before they guess again take no more than half of what can be hashed.
//!
//! Behind a proxy all have one address; what holds among addresses is lost there, the rest is not.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::recent::{Key, Recent};
use crate::base::blocking::{HASHING, Permit};
use crate::base::mutex::lock;

/// How long a request may wait for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a refusal may be held back.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// How long an address counts as one that was wrong.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// How many requests wait at most, of one address and of all.
const MOST_OF_ONE: usize = 512;
const MOST_OF_ALL: usize = 1024;

/// How many addresses are known at most.
const MOST_ADDRESSES: usize = 1024;

/// How many passwords are remembered that went without an answer: those of a minute or more of a
/// crowd that gives up at once and comes again.
const MOST_MISSED: usize = 65_536;

/// All who wait, and what is known of their addresses.
#[derive(Debug)]
pub(super) struct Line {
    order: Mutex<Order<oneshot::Sender<Permit>>>,
    missed: Mutex<Recent<Short>>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            order: Mutex::new(Order::new(Instant::now())),
            missed: Mutex::new(Recent::new(MOST_MISSED)),
        }
    }

    /// Whether the password behind `key` had to go without an answer before.
    pub(super) fn is_back(&self, key: Key) -> bool {
        lock(&self.missed).contains(&short(key))
    }

    /// Waits for the turn to have the password behind `key` hashed; none where too many wait, or for
    /// too long.
    pub(super) async fn turn(&self, peer: IpAddr, key: Key, is_back: bool) -> Option<Permit> {
        let (give, mut given) = oneshot::channel();
        lock(&self.order).push(address(peer), is_back, give, Instant::now());
        let mut waiting = Waiting {
            line: self,
            key: Some(short(key)),
        };
        let turn = async {
            loop {
                tokio::select! {
                    biased;
                    turn = &mut given => return turn.ok(),
                    // Whichever request gets the next turn: it is for the first in the line.
                    turn = HASHING.permit() => lock(&self.order).give(turn),
                }
            }
        };
        let turn = timeout(LONGEST_WAIT, turn).await.ok().flatten()?;
        waiting.key = None;
        Some(turn)
    }

    /// Notes what came of a turn that took `time`.
    pub(super) fn note(&self, peer: IpAddr, is_right: bool, time: Duration) {
        lock(&self.order).note(address(peer), is_right, time, Instant::now());
    }

    /// Waits until a refusal may leave.
    pub(super) async fn hold(&self, peer: IpAddr) {
        let leaves = lock(&self.order).leaves(address(peer), Instant::now());
        sleep_until(leaves).await;
    }
}

/// A key as far as a mistake would do no harm.
type Short = u64;

fn short(key: Key) -> Short {
    let [a, b, c, d, e, f, g, h, ..] = key;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A request in the line; its key is remembered where it leaves without its turn.
struct Waiting<'l> {
    line: &'l Line,
    key: Option<Short>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            lock(&self.line.missed).remember(key);
        }
    }
}

/// One client's address: all of a network of IPv6, where each client has as many as it likes.
type Address = [u16; 8];

fn address(peer: IpAddr) -> Address {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().segments(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            [a, b, c, d, 0, 0, 0, 0]
        }
    }
}

/// The line itself, for tickets of any kind.
#[derive(Debug)]
struct Order<T> {
    askers: HashMap<Address, Asker<T>>,
    /// How many requests came, and how many turns there were.
    came: u64,
    turns: u64,
    /// How long a hash took lately.
    pace: Duration,
    /// When addresses were last looked through.
    swept: Instant,
}

#[derive(Debug)]
struct Asker<T> {
    /// The latest one is the last; whether it is back, after it went without an answer.
    waiting: Vec<(bool, T)>,
    standing: Standing,
    /// Its latest turn, 0 before it had one.
    turn: u64,
    /// The place of its latest request among those of all.
    came: u64,
    /// When its latest refusal leaves.
    leaves: Instant,
}

/// What came of an address's latest password.
#[derive(Debug)]
enum Standing {
    Right,
    Unknown,
    Wrong(Instant),
}

impl Standing {
    const UNKNOWN: u8 = 1;
}

impl<T> Order<T> {
    fn new(now: Instant) -> Self {
        Self {
            askers: HashMap::new(),
            came: 0,
            turns: 0,
            pace: Duration::ZERO,
            swept: now,
        }
    }

    /// Takes up one more. The longest line of one address loses one for it, if need be.
    fn push(&mut self, address: Address, is_back: bool, ticket: T, now: Instant) {
        let all: usize = self.askers.values().map(|asker| asker.waiting.len()).sum();
        self.came += 1;
        let came = self.came;
        let asker = self.asker(address, now);
        asker.came = came;
        let waiting = &mut asker.waiting;
        waiting.push((is_back, ticket));
        if waiting.len() > MOST_OF_ONE {
            asker.lose_one();
        } else if all >= MOST_OF_ALL {
            let askers = self.askers.values_mut();
            if let Some(longest) = askers.max_by_key(|asker| asker.waiting.len()) {
                longest.lose_one();
            }
        }
    }

    /// Takes out the one whose turn it is.
    fn next(&mut self, now: Instant) -> Option<T> {
        let askers = self.askers.values_mut();
        let asker = askers
            .filter(|asker| !asker.waiting.is_empty())
            .min_by_key(|asker| (asker.rank(now), asker.turn, Reverse(asker.came)))?;
        self.turns += 1;
        asker.turn = self.turns;
        let back = asker.waiting.iter().rposition(|(is_back, _)| *is_back);
        let place = back.unwrap_or(asker.waiting.len() - 1);
        Some(asker.waiting.remove(place).1)
    }

    fn note(&mut self, address: Address, is_right: bool, time: Duration, now: Instant) {
        self.pace = time;
        let asker = self.asker(address, now);
        asker.standing = match is_right {
            true => Standing::Right,
            false => Standing::Wrong(now),
        };
    }

    fn leaves(&mut self, address: Address, now: Instant) -> Instant {
        let pause = 2 * self.pace;
        let asker = self.asker(address, now);
        asker.leaves = (asker.leaves.max(now) + pause).min(now + LONGEST_HOLD);
        asker.leaves
    }

    /// What is known of an address, as it is now.
    fn asker(&mut self, address: Address, now: Instant) -> &mut Asker<T> {
        let is_full = self.askers.len() >= MOST_ADDRESSES && !self.askers.contains_key(&address);
        if is_full || now - self.swept > FORGIVEN_AFTER {
            self.swept = now;
            self.askers.retain(|_, asker| match asker.standing {
                _ if !asker.waiting.is_empty() => true,
                // Those who guess cannot be so many.
                Standing::Right => true,
                _ => !is_full && asker.rank(now) > Standing::UNKNOWN,
            });
        }
        self.askers.entry(address).or_insert_with(|| Asker {
            waiting: Vec::new(),
            standing: Standing::Unknown,
            turn: 0,
            came: 0,
            leaves: now,
        })
    }
}

impl<T> Asker<T> {
    /// The earliest goes without an answer, of those that did not before.
    fn lose_one(&mut self) {
        let first = self.waiting.iter().position(|(is_back, _)| !is_back);
        self.waiting.remove(first.unwrap_or_default());
    }

    /// The lower, the earlier it has its turn.
    fn rank(&self, now: Instant) -> u8 {
        match self.standing {
            Standing::Right => 0,
            Standing::Wrong(at) if now < at + FORGIVEN_AFTER => 2,
            Standing::Wrong(_) | Standing::Unknown => Standing::UNKNOWN,
        }
    }
}

impl Order<oneshot::Sender<Permit>> {
    /// Gives the turn to the next one who is still there.
    fn give(&mut self, mut turn: Permit) {
        while let Some(ticket) = self.next(Instant::now()) {
            match ticket.send(turn) {
                Ok(()) => return,
                Err(back) => turn = back,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str) -> Address {
        address(peer.parse().unwrap())
    }

    fn all<T>(order: &mut Order<T>) -> Vec<T> {
        std::iter::from_fn(|| order.next(Instant::now())).collect()
    }

    #[test]
    fn an_address_is_one_client_and_a_network_of_ipv6_too() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_take_turns_and_their_latest_requests_come_first() {
        let now = Instant::now();
        let mut order = Order::new(now);
        for (peer, is_back, ticket) in [
            ("192.0.2.1", false, "a1"),
            ("192.0.2.1", false, "a2"),
            ("192.0.2.1", true, "back"),
            ("192.0.2.1", false, "a3"),
            ("192.0.2.2", false, "b1"),
        ] {
            order.push(of(peer), is_back, ticket, now);
        }
        let first = order.next(now);
        let mut rest = all(&mut order);
        assert!(matches!(first, Some("back" | "b1")), "{first:?}");
        rest.retain(|ticket| *ticket != "b1" && *ticket != "back");
        assert_eq!(rest, ["a3", "a2", "a1"]);
        // Each has had turns: the one whose latest is longer ago comes first.
        order.push(of("192.0.2.1"), false, "a4", now);
        order.push(of("192.0.2.2"), false, "b2", now);
        assert_eq!(all(&mut order), ["b2", "a4"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_push_out_who_is_back() {
        let now = Instant::now();
        let mut order = Order::new(now);
        order.push(of("192.0.2.1"), true, "back", now);
        for _ in 0..2 * MOST_OF_ONE {
            order.push(of("192.0.2.1"), false, "guess", now);
        }
        assert_eq!(order.next(now), Some("back"));
        // Nor where there are as many as can wait, of many addresses.
        order.push(of("192.0.2.1"), true, "back", now);
        for n in 0..2 * MOST_OF_ALL {
            let [.., high, low] = n.to_be_bytes();
            order.push(
                address(IpAddr::from([10, 0, high, low])),
                false,
                "guess",
                now,
            );
        }
        assert!(all(&mut order).contains(&"back"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_wrong_waits_for_who_was_not_and_is_forgiven() {
        let now = Instant::now();
        let mut order = Order::new(now);
        for (a, b) in (0..4).flat_map(|a| (0..100).map(move |b| (a, b))) {
            let guesser = address(IpAddr::from([10, 0, a, b]));
            order.note(guesser, false, Duration::from_millis(50), now);
            order.push(guesser, false, "guess", now);
        }
        order.push(of("192.0.2.1"), false, "scrape", now);
        assert_eq!(order.next(now), Some("scrape"));
        assert_eq!(all(&mut order).len(), 400);
        let rank = |order: &Order<_>, at| order.askers[&of("10.0.0.7")].rank(at);
        assert_eq!(
            (rank(&order, now), rank(&order, now + FORGIVEN_AFTER)),
            (2, 1)
        );
        order.note(of("10.0.0.7"), true, Duration::from_millis(50), now);
        assert_eq!(rank(&order, now), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_right_does_not_wait_for_a_crowd_of_others() {
        let now = Instant::now();
        let mut order = Order::new(now);
        order.push(of("192.0.2.1"), false, "scrape", now);
        order.next(now);
        order.note(of("192.0.2.1"), true, Duration::from_millis(50), now);
        for n in 0..200 {
            order.push(address(IpAddr::from([10, 0, 0, n])), false, "guess", now);
        }
        order.push(of("192.0.2.1"), false, "scrape", now);
        order.push(of("192.0.2.9"), false, "new", now);
        assert_eq!(order.next(now), Some("scrape"));
        // Nor does who comes after the crowd, and was never seen.
        assert_eq!(order.next(now), Some("new"));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_one_address_leave_one_by_one() {
        let now = Instant::now();
        let mut order = Order::<()>::new(now);
        order.note(of("192.0.2.1"), false, Duration::from_millis(50), now);
        let wait = |order: &mut Order<()>, peer| (order.leaves(of(peer), now) - now).as_millis();
        assert_eq!(wait(&mut order, "192.0.2.1"), 100);
        assert_eq!(wait(&mut order, "192.0.2.1"), 200);
        assert_eq!(wait(&mut order, "192.0.2.2"), 100);
        for _ in 0..1000 {
            wait(&mut order, "192.0.2.1");
        }
        assert_eq!(wait(&mut order, "192.0.2.1"), LONGEST_HOLD.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_comes_no_more_than_so_many_wait() {
        let now = Instant::now();
        let mut order = Order::new(now);
        for n in 0..2 * MOST_OF_ONE {
            order.push(of("192.0.2.1"), false, n, now);
        }
        assert_eq!(all(&mut order).len(), MOST_OF_ONE);
        for n in 0..4 * MOST_OF_ALL {
            let [.., high, low] = n.to_be_bytes();
            order.push(of("192.0.2.1"), false, n, now);
            order.push(address(IpAddr::from([10, 0, high, low])), false, n, now);
        }
        let waiting: usize = order.askers.values().map(|asker| asker.waiting.len()).sum();
        assert!(waiting <= MOST_OF_ALL, "{waiting}");
        assert!(order.askers.len() <= MOST_ADDRESSES + MOST_OF_ALL);
        all(&mut order);
        order.push(of("192.0.2.1"), false, 0, now);
        for n in 0..4 * MOST_ADDRESSES {
            let [.., high, low] = n.to_be_bytes();
            order.note(
                address(IpAddr::from([10, 0, high, low])),
                false,
                Duration::ZERO,
                now,
            );
        }
        assert!(
            order.askers.len() <= MOST_ADDRESSES,
            "{}",
            order.askers.len()
        );
        assert_eq!(all(&mut order), [0]);
    }
}
