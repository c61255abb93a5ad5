//! All connections of the server, so that one more always finds a place.
//!
//! A server that makes a new client wait until an older one goes can be stopped by clients that stay
//! and say nothing. Here the older one goes: the one that has been idle longest, first of the address
//! that holds the most; one with an answer to be read only where no other is left. To wait for an
//! answer is no merit: those who guess passwords do so. What unread answers keep in memory is bounded
//! in the same way.
//!
//! And each has its time: for its first request, for the head of each, for reading an answer, between
//! two requests. A sweep looks whose is up. It does not depend on what a client does next, which may
//! be nothing.

use std::cmp::Reverse;
use std::collections::hash_map::{Entry, HashMap};
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::base::mutex::lock;
use crate::http::throttle::Throttle;

/// From the begin of a connection to its first request, and from the first byte of a head to its last.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two requests. Longer than any interval between scrapes, which would otherwise break now
/// and then; an idle connection costs little, and is the first to go where there are many.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// From a request to the last byte of its answer. Until then it keeps the page of its poll in
/// memory, and each poll makes another.
pub(crate) const LONGEST_ANSWER: Duration = Duration::from_secs(120);

/// For whatever is under way on a connection that was asked to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// How often it is looked whose time is up.
const SWEEP: Duration = Duration::from_secs(2);

/// What unread answers may hold in all, each page counted once. Where a page is larger: twice that
/// page, since one may be read while the next poll makes another. A poll of 10,000 agents makes 2 MB
/// in the form that Prometheus asks for and 20 without compression; memory limits are 128 MiB and more.
const MOST_UNREAD: usize = 32 * 1024 * 1024;

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    /// Told whenever one has ended.
    ended: Notify,
    most: usize,
    crowded: Throttle,
    heavy: Throttle,
}

#[derive(Debug, Default)]
struct Table {
    latest: u64,
    connections: BTreeMap<u64, Connection>,
    /// The pages that unread answers hold.
    pages: HashMap<Place, Page>,
    /// What unread answers hold in all.
    unread_bytes: usize,
}

#[derive(Debug)]
struct Connection {
    owner: Owner,
    phase: Phase,
    /// When it was accepted, or its last answer was read.
    since: Instant,
    /// When a head began that has not ended.
    head: Option<Instant>,
    /// Its answers under way, the oldest first.
    unread: Vec<Unread>,
    /// When it was asked to end.
    asked: Option<Instant>,
    /// Whether it was told to end at once.
    is_over: bool,
    signals: Arc<Signals>,
}

/// What a connection is told.
#[derive(Debug, Default)]
struct Signals {
    /// To end once its answers are read.
    asked: Notify,
    /// To end at once.
    over: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It shakes hands.
    Door,
    /// Nothing was asked yet.
    New,
    /// It has asked something.
    Used,
}

/// An answer that is not written to its end.
#[derive(Debug)]
struct Unread {
    id: u64,
    since: Instant,
    /// Whether it is there to be read.
    is_made: bool,
    share: Share,
}

/// What an answer keeps in memory: a page that others may hold too, and bytes of its own.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    page: Option<Place>,
    page_bytes: usize,
    own_bytes: usize,
}

/// Where in memory a page is, which tells it from every other that is held.
type Place = usize;

#[derive(Debug, Default)]
struct Page {
    answers: usize,
    bytes: usize,
}

/// Whose a connection is: an address, or a network of IPv6, of which one client has all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Owner(IpAddr);

impl Owner {
    fn of(peer: IpAddr) -> Self {
        Self(match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

impl Connection {
    /// When its time is up.
    fn due(&self) -> Instant {
        if let Some(oldest) = self.unread.first() {
            return oldest.since + LONGEST_ANSWER;
        }
        let patience = match self.phase {
            Phase::Door | Phase::New => HEAD_TIMEOUT,
            Phase::Used => IDLE_TIMEOUT,
        };
        let sooner = [
            self.head.map(|head| head + HEAD_TIMEOUT),
            self.asked.map(|asked| asked + DRAIN),
        ];
        let due = self.since + patience;
        sooner.into_iter().flatten().fold(due, Instant::min)
    }

    fn end(&mut self) {
        self.is_over = true;
        self.signals.over.notify_one();
    }
}

impl Connections {
    /// No more than `most` at a time.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            ended: Notify::new(),
            most,
            crowded: Throttle::default(),
            heavy: Throttle::default(),
        })
    }

    /// Takes in a connection from `peer`; another gives way where there are too many.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Admitted {
        let mut table = lock(&self.table);
        if table.lasting().count() >= self.most {
            let gave_way = table.give_way();
            self.warn_of_crowd(gave_way);
        }
        let id = table.next_id();
        let signals = Arc::<Signals>::default();
        let connection = Connection {
            owner: Owner::of(peer),
            phase: Phase::Door,
            since: Instant::now(),
            head: None,
            unread: Vec::new(),
            asked: None,
            is_over: false,
            signals: signals.clone(),
        };
        table.connections.insert(id, connection);
        let all = self.clone();
        let one = One { all, id };
        Admitted { one, signals }
    }

    fn warn_of_crowd(&self, gave_way: Option<(Owner, usize)>) {
        let Some((owner, held)) = gave_way else {
            return;
        };
        if let Some(times) = self.crowded.count() {
            tracing::warn!(
                address = %owner.0,
                held,
                most = self.most,
                times,
                "there are as many connections as there may be: for a new one the one that has been idle longest \
                 is closed, first of the address that holds the most"
            );
        }
    }

    fn warn_of_weight(&self, owner: Owner) {
        if let Some(times) = self.heavy.count() {
            tracing::warn!(
                address = %owner.0,
                times,
                "unread answers hold more memory than they may: the connection with the oldest of them is closed, \
                 first of the address whose answers hold the most"
            );
        }
    }

    /// Where the system has nothing left for one more, waits until one has ended; where none is about
    /// to, makes one give way. Whether there was one.
    pub(crate) async fn free_one(&self) -> bool {
        let ended = self.ended.notified();
        let is_one = {
            let mut table = lock(&self.table);
            table.connections.values().any(|one| one.is_over) || table.give_way().is_some()
        };
        if is_one {
            ended.await;
        }
        is_one
    }

    /// Asks those that are there now to end once their answers are read, and those that have asked
    /// nothing yet after their first request: it may be on its way.
    pub(crate) fn ask_older_to_end(&self) {
        for connection in lock(&self.table).connections.values_mut() {
            connection.asked.get_or_insert_with(Instant::now);
            if connection.phase == Phase::Used {
                connection.signals.asked.notify_one();
            }
        }
    }

    /// Asks all to end once their answers are read.
    pub(crate) fn ask_all_to_end(&self) {
        for connection in lock(&self.table).connections.values_mut() {
            connection.asked.get_or_insert_with(Instant::now);
            match connection.phase {
                Phase::Door => connection.end(),
                Phase::New | Phase::Used => connection.signals.asked.notify_one(),
            }
        }
    }

    /// Waits until all have ended.
    pub(crate) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if lock(&self.table).connections.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Ends connections whose time is up, for ever.
    pub(crate) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let now = Instant::now();
            let mut table = lock(&self.table);
            for connection in table.lasting_mut().filter(|one| one.due() <= now) {
                tracing::debug!(address = %connection.owner.0, "a connection's time is up");
                connection.end();
            }
        }
    }
}

impl Table {
    fn next_id(&mut self) -> u64 {
        self.latest += 1;
        self.latest
    }

    /// All but those that are about to end.
    fn lasting(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(|one| !one.is_over)
    }

    fn lasting_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.connections.values_mut().filter(|one| !one.is_over)
    }

    /// Ends the connection that is missed least; says whose it was, and how many were the same's.
    fn give_way(&mut self) -> Option<(Owner, usize)> {
        let mut held: HashMap<Owner, usize> = HashMap::new();
        for connection in self.lasting() {
            *held.entry(connection.owner).or_default() += 1;
        }
        let held_by = |owner| held.get(&owner).copied().unwrap_or_default();
        let first = self.lasting_mut().min_by_key(|one| {
            let oldest = one.unread.first();
            let since = oldest.map_or(one.since, |oldest| oldest.since);
            let is_reading = one.unread.iter().any(|unread| unread.is_made);
            (is_reading, Reverse(held_by(one.owner)), since)
        })?;
        first.end();
        Some((first.owner, held_by(first.owner)))
    }

    fn take(&mut self, share: Share) {
        self.unread_bytes += share.own_bytes;
        let Some(place) = share.page else { return };
        let page = self.pages.entry(place).or_default();
        if page.answers == 0 {
            page.bytes = share.page_bytes;
            self.unread_bytes += page.bytes;
        }
        page.answers += 1;
    }

    fn give_back(&mut self, share: Share) {
        self.unread_bytes -= share.own_bytes;
        let Some(place) = share.page else { return };
        if let Entry::Occupied(mut page) = self.pages.entry(place) {
            page.get_mut().answers -= 1;
            if page.get().answers == 0 {
                self.unread_bytes -= page.remove().bytes;
            }
        }
    }

    /// Ends connections until unread answers hold no more than they may: first those whose owner's
    /// answers hold the most beside the `newest` page, of them that with the oldest such answer. Says
    /// whose was the last.
    fn make_room(&mut self, newest: Share) -> Option<Owner> {
        let most = MOST_UNREAD.max(2 * newest.page_bytes);
        let mut last = None;
        // A look at the sum is enough, but for what is about to be given back.
        while self.unread_bytes > most {
            let (in_all, heaviest) = self.weigh(newest.page);
            let Some(owner) = heaviest.filter(|_| in_all > most) else {
                break;
            };
            let of_owner = self.lasting_mut().filter(|one| one.owner == owner);
            let is_older = |unread: &&Unread| unread.share.page != newest.page;
            let by_oldest = of_owner.filter_map(|one| {
                let oldest = one.unread.iter().find(is_older).or(one.unread.first())?;
                Some(((!is_older(&oldest), oldest.since), one))
            });
            let Some((_, connection)) = by_oldest.min_by_key(|(age, _)| *age) else {
                break;
            };
            connection.end();
            last = Some(owner);
        }
        last
    }

    /// What answers hold of connections that are not about to end; and whose hold the most beside the
    /// `newest` page.
    fn weigh(&self, newest: Option<Place>) -> (usize, Option<Owner>) {
        let mut pages: HashSet<Place> = HashSet::new();
        let mut by_owner: HashMap<Owner, (usize, HashSet<Place>)> = HashMap::new();
        let mut in_all = 0;
        for connection in self.lasting() {
            let (held, its_pages) = by_owner.entry(connection.owner).or_default();
            for Unread { share, .. } in &connection.unread {
                in_all += share.own_bytes;
                *held += share.own_bytes;
                let Some(place) = share.page else { continue };
                if pages.insert(place) {
                    in_all += share.page_bytes;
                }
                if its_pages.insert(place) && share.page != newest {
                    *held += share.page_bytes;
                }
            }
        }
        let by_owner = by_owner.into_iter().filter(|(_, (held, _))| *held > 0);
        let heaviest = by_owner.max_by_key(|(_, (held, _))| *held);
        (in_all, heaviest.map(|(owner, _)| owner))
    }
}

/// A connection in the table, for as long as this is there.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// To say what happens on it.
    pub(crate) one: One,
    signals: Arc<Signals>,
}

impl Admitted {
    /// Waits until it is asked to end once its answers are read.
    pub(crate) async fn is_asked_to_end(&self) {
        self.signals.asked.notified().await;
    }

    /// Waits until it has to end at once.
    pub(crate) async fn is_over(&self) {
        self.signals.over.notified().await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let One { all, id } = &self.one;
        lock(&all.table).connections.remove(id);
        all.ended.notify_waiters();
    }
}

/// One of the connections.
#[derive(Debug, Clone)]
pub(crate) struct One {
    all: Arc<Connections>,
    id: u64,
}

impl One {
    fn note(&self, what: impl FnOnce(&mut Connection)) {
        if let Some(connection) = lock(&self.all.table).connections.get_mut(&self.id) {
            what(connection);
        }
    }

    /// HTTP is spoken on it from now on.
    pub(crate) fn is_open(&self) {
        self.note(|connection| connection.phase = Phase::New);
    }

    /// Something has come, and a head has begun (or another part of what is spoken) that has not
    /// ended; or there is none.
    pub(crate) fn has_read(&self, is_within_head: bool) {
        self.note(
            |connection| match is_within_head && connection.unread.is_empty() {
                true => {
                    connection.head.get_or_insert_with(Instant::now);
                }
                false => connection.head = None,
            },
        );
    }

    /// A request has come: its answer is under way until what is returned is dropped.
    pub(crate) fn answers(&self) -> Answer {
        let mut table = lock(&self.all.table);
        let id = table.next_id();
        if let Some(connection) = table.connections.get_mut(&self.id) {
            connection.phase = Phase::Used;
            connection.head = None;
            if connection.asked.is_some() {
                connection.signals.asked.notify_one();
            }
            connection.unread.push(Unread {
                id,
                since: Instant::now(),
                is_made: false,
                share: Share::default(),
            });
        }
        Answer {
            one: self.clone(),
            id,
            share: OnceLock::new(),
        }
    }
}

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Answer {
    one: One,
    id: u64,
    share: OnceLock<Share>,
}

impl Answer {
    /// It is made: it keeps these `parts` until it is read, and `more` bytes beside. Where that is too much,
    /// other connections end.
    pub(crate) fn keeps<'b>(&self, parts: impl Iterator<Item = &'b Bytes>, more: usize) {
        let mut share = Share::of(parts);
        share.own_bytes += more;
        if self.share.set(share).is_err() {
            return;
        }
        let all = &self.one.all;
        let mut table = lock(&all.table);
        table.take(share);
        if let Some(connection) = table.connections.get_mut(&self.one.id) {
            let unread = connection.unread.iter_mut();
            for this in unread.filter(|unread| unread.id == self.id) {
                this.is_made = true;
                this.share = share;
            }
        }
        if let Some(owner) = table.make_room(share) {
            all.warn_of_weight(owner);
        }
    }
}

impl Share {
    fn of<'b>(parts: impl Iterator<Item = &'b Bytes>) -> Self {
        let mut share = Self::default();
        let mut largest = 0;
        for part in parts {
            // What is of this answer alone goes with it.
            if part.is_unique() {
                share.own_bytes += part.len();
                continue;
            }
            share.page_bytes += part.len();
            if part.len() > largest {
                largest = part.len();
                share.page = Some(part.as_ptr().addr());
            }
        }
        share
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut table = lock(&self.one.all.table);
        if let Some(share) = self.share.get() {
            table.give_back(*share);
        }
        if let Some(connection) = table.connections.get_mut(&self.one.id) {
            connection.unread.retain(|unread| unread.id != self.id);
            if connection.unread.is_empty() {
                connection.since = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::net::Ipv4Addr;

    fn host(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    /// A connection that has asked and been answered; each is a second younger than the one before.
    async fn used(all: &Arc<Connections>, peer: IpAddr) -> Admitted {
        let admitted = all.admit(peer);
        admitted.one.is_open();
        drop(admitted.one.answers());
        tokio::time::advance(Duration::from_secs(1)).await;
        admitted
    }

    fn is_over(admitted: &Admitted) -> bool {
        admitted.is_over().now_or_never().is_some()
    }

    fn reading(admitted: &Admitted) -> Answer {
        let answer = admitted.one.answers();
        answer.keeps(std::iter::empty(), 0);
        answer
    }

    #[test]
    fn one_client_may_have_a_whole_network_of_ipv6() {
        let owner = |address: &str| Owner::of(address.parse().unwrap());
        assert_eq!(owner("2001:db8::1"), owner("2001:db8::ffff:0:0:2"));
        assert_ne!(owner("2001:db8::1"), owner("2001:db8:0:1::1"));
        assert_ne!(owner("192.0.2.1"), owner("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_way_is_who_holds_the_most_and_idles_longest() {
        let all = Connections::new(4);
        let alone = used(&all, host(1)).await;
        let mut many = Vec::new();
        for _ in 0..3 {
            many.push(used(&all, host(2)).await);
        }
        // The oldest is busy, and the youngest but for that has become the one idle longest.
        let busy = reading(&many[0]);
        drop(many[1].one.answers());
        let _new = all.admit(host(3));
        assert!(is_over(&many[2]));
        let _new = all.admit(host(3));
        assert!(is_over(&many[1]) && !is_over(&many[0]));
        drop(busy);
        assert!(!is_over(&alone));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_busy_the_oldest_answer_breaks_off() {
        let all = Connections::new(2);
        let (one, other) = (used(&all, host(1)).await, used(&all, host(1)).await);
        let _older = reading(&other);
        tokio::time::advance(Duration::from_secs(1)).await;
        let _younger = reading(&one);
        let _new = all.admit(host(1));
        assert!(is_over(&other) && !is_over(&one));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_for_an_answer_do_not_turn_out_who_comes_in() {
        let all = Connections::new(3);
        let (one, other) = (used(&all, host(1)).await, used(&all, host(1)).await);
        let _waiting = [one.one.answers(), other.one.answers()];
        let scraper = all.admit(host(2));
        let _guesser = all.admit(host(1));
        assert!(is_over(&one) && !is_over(&other) && !is_over(&scraper));
        drop(scraper);
        // Of one address too the oldest goes, not the only one that has not asked yet.
        let scraper = all.admit(host(1));
        let _guesser = all.admit(host(1));
        assert!(is_over(&other) && !is_over(&scraper));
    }

    #[tokio::test(start_paused = true)]
    async fn what_unread_answers_hold_is_bounded_and_counted_once() {
        const PAGE: usize = 12 << 20;
        let all = Connections::new(100);
        // Each page is held by its poll too.
        let polls: [_; 3] = std::array::from_fn(|_| Bytes::from(vec![0; PAGE]));
        let [first, second, third] = polls.clone();
        // One client leaves an answer of each poll unread, another reads one slowly.
        let slow = used(&all, host(1)).await;
        let slowly = slow.one.answers();
        slowly.keeps([&first].into_iter(), 0);
        let hoarder = used(&all, host(2)).await;
        let hoarded = [hoarder.one.answers(), hoarder.one.answers()];
        hoarded[0].keeps([&first].into_iter(), 0);
        hoarded[1].keeps([&second].into_iter(), 0);
        assert_eq!(lock(&all.table).unread_bytes, 2 * PAGE);
        let scraper = used(&all, host(3)).await;
        let scrape = scraper.one.answers();
        scrape.keeps([&third].into_iter(), 0);
        assert!(is_over(&hoarder) && !is_over(&slow) && !is_over(&scraper));
        drop(hoarded);
        assert_eq!(lock(&all.table).unread_bytes, 2 * PAGE);
        drop((slowly, scrape));
        assert_eq!(lock(&all.table).unread_bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_page_may_be_read_while_the_next_is_made() {
        const PAGE: usize = 40 << 20;
        let all = Connections::new(100);
        let mut reading = Vec::new();
        for (ended, _) in (0..3).enumerate() {
            let (one, page) = (used(&all, host(1)).await, Bytes::from(vec![0; PAGE]));
            let answer = one.one.answers();
            answer.keeps([&page.clone()].into_iter(), 0);
            reading.push((one, answer, page));
            let over = reading
                .iter()
                .filter(|(one, ..)| lock(&all.table).connections[&one.one.id].is_over);
            assert_eq!(over.count(), ended.saturating_sub(1));
        }
    }
}
