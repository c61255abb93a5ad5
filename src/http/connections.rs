//! The table of all connections, which bounds their number, their memory and their time.
//!
//! - **Number.** A new connection is always accepted; where the table is full, an old one is closed
//!   for it. (A server that lets new clients wait can be blocked by idle ones.) It is the one idle
//!   longest, of the client with the most connections. A connection whose response is being read is
//!   closed last. One that waits for its response is not spared: clients that guess passwords wait too.
//! - **Memory.** What pending responses hold is bounded in the same way.
//! - **Time.** The first request, the head of each request, reading a response and the time between
//!   two requests each have a limit. A periodic sweep enforces the limits, so that they do not depend
//!   on anything that the client sends.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::base::mutex::lock;
use crate::http::client_addr::ClientAddr;
use crate::http::throttle::Throttle;

/// From the start of a connection to its first request, and from the first byte of a request's head
/// to its last.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two requests. Longer than any scrape interval, so that scrapers keep their connections.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// From a request to the last byte of its response. Until then the response holds the page of its
/// poll in memory, and each poll makes another page.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);

/// For pending responses once a connection is draining.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server that stops waits for a new connection's first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_millis(200);

/// How often time-outs are checked.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);

/// What pending responses may hold in total, each page counted once; or twice the newest page, if
/// that is more, since one page may be read while the next poll makes another. A poll of 10,000
/// agents makes 2 MB in the variant that Prometheus asks for and 20 MB uncompressed; the memory
/// limits in deploy/ are 128 MiB and more.
const MAX_PENDING_BYTES: usize = 32 * 1024 * 1024;

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    /// Notified whenever a connection has closed.
    closed: Notify,
    max: usize,
    full: Throttle,
    heavy: Throttle,
}

#[derive(Debug, Default)]
struct Table {
    latest_id: u64,
    entries: BTreeMap<u64, Entry>,
}

/// What the table knows of a connection.
#[derive(Debug)]
struct Entry {
    client: ClientAddr,
    phase: Phase,
    /// When it was accepted, or its last response was read.
    since: Instant,
    /// When a request's head began that is not complete.
    head_since: Option<Instant>,
    /// Its pending responses, the oldest first.
    pending: Vec<Pending>,
    /// When it began to drain.
    draining_since: Option<Instant>,
    is_closing: bool,
    signals: Arc<Signals>,
}

/// What a connection's task waits for.
#[derive(Debug, Default)]
struct Signals {
    /// To close once its pending responses are read.
    drain: Notify,
    /// To close at once.
    close: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshake,
    /// HTTP without a request so far.
    New,
    /// There was a request.
    Used,
}

/// A response that is not written to its end.
#[derive(Debug)]
struct Pending {
    id: u64,
    since: Instant,
    /// What it holds, once it is made.
    held: Option<Held>,
}

/// What a response holds in memory: a page that other responses may hold too, and bytes of its own.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    page: Option<PageId>,
    page_bytes: usize,
    own_bytes: usize,
}

/// The address in memory of a page, which no other page has while it is held.
type PageId = usize;

impl Held {
    fn of<'b>(parts: impl Iterator<Item = &'b Bytes>) -> Self {
        let mut held = Self::default();
        let mut largest = 0;
        for part in parts {
            if part.is_unique() {
                held.own_bytes += part.len();
                continue;
            }
            held.page_bytes += part.len();
            if part.len() > largest {
                largest = part.len();
                held.page = Some(part.as_ptr().addr());
            }
        }
        held
    }
}

impl Entry {
    /// When it times out.
    fn deadline(&self) -> Instant {
        if let Some(oldest) = self.pending.first() {
            return oldest.since + RESPONSE_TIMEOUT;
        }
        let timeout = match self.phase {
            Phase::Handshake | Phase::New => HEAD_TIMEOUT,
            Phase::Used => IDLE_TIMEOUT,
        };
        let earlier = [
            self.head_since.map(|since| since + HEAD_TIMEOUT),
            self.draining_since.map(|since| since + DRAIN_TIMEOUT),
        ];
        let deadline = self.since + timeout;
        earlier.into_iter().flatten().fold(deadline, Instant::min)
    }

    fn close(&mut self) {
        self.is_closing = true;
        self.signals.close.notify_one();
    }
}

impl Connections {
    /// A table of at most `max` connections.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            closed: Notify::new(),
            max,
            full: Throttle::default(),
            heavy: Throttle::default(),
        })
    }

    /// Adds a connection from `peer`; closes another where the table is full.
    pub(crate) fn add(self: &Arc<Self>, peer: IpAddr) -> Connection {
        let mut table = lock(&self.table);
        if table.open().count() >= self.max
            && let Some((client, held)) = table.evict()
        {
            self.warn_of_number(client, held);
        }
        let id = table.next_id();
        let signals = Arc::<Signals>::default();
        let entry = Entry {
            client: peer.into(),
            phase: Phase::Handshake,
            since: Instant::now(),
            head_since: None,
            pending: Vec::new(),
            draining_since: None,
            is_closing: false,
            signals: signals.clone(),
        };
        table.entries.insert(id, entry);
        let all = self.clone();
        Connection {
            handle: Handle { all, id },
            signals,
        }
    }

    fn warn_of_number(&self, client: ClientAddr, held: usize) {
        if let Some(times) = self.full.count() {
            tracing::warn!(
                address = %client,
                held,
                most = self.max,
                times,
                "there are as many connections as there may be: for a new one the one that has been idle longest \
                 is closed, first of the address that holds the most"
            );
        }
    }

    fn warn_of_memory(&self, client: ClientAddr) {
        if let Some(times) = self.heavy.count() {
            tracing::warn!(
                address = %client,
                times,
                "unread answers hold more memory than they may: the connection with the oldest of them is closed, \
                 first of the address whose answers hold the most"
            );
        }
    }

    /// Frees a descriptor where the system has none left: waits until a connection has closed, and
    /// closes one first unless one is about to. Returns whether there was any connection.
    pub(crate) async fn free_one(&self) -> bool {
        let closed = self.closed.notified();
        let is_any = {
            let mut table = lock(&self.table);
            table.entries.values().any(|entry| entry.is_closing) || table.evict().is_some()
        };
        if is_any {
            closed.await;
        }
        is_any
    }

    /// Lets the present connections close once their pending responses are read; those without a
    /// request so far, after their first one, which may be on its way.
    pub(crate) fn drain_present(&self) {
        for entry in lock(&self.table).entries.values_mut() {
            entry.draining_since.get_or_insert_with(Instant::now);
            if entry.phase == Phase::Used {
                entry.signals.drain.notify_one();
            }
        }
    }

    /// Lets all connections close once their pending responses are read, and waits until they have.
    /// The server accepts no more of them.
    pub(crate) async fn shut_down(&self) {
        self.drain_present();
        // The request of a connection that was just made may be on its way: it is answered, as one of the next
        // process would be.
        let _ = tokio::time::timeout(FIRST_REQUEST_TIMEOUT, self.all_closed()).await;
        for entry in lock(&self.table).entries.values_mut() {
            match entry.phase {
                Phase::Handshake => entry.close(),
                Phase::New | Phase::Used => entry.signals.drain.notify_one(),
            }
        }
        self.all_closed().await;
    }

    async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if lock(&self.table).entries.is_empty() {
                return;
            }
            closed.await;
        }
    }

    /// Closes connections that have timed out, for as long as it is polled.
    pub(crate) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let now = Instant::now();
            let mut table = lock(&self.table);
            for entry in table.open_mut().filter(|entry| entry.deadline() <= now) {
                tracing::debug!(address = %entry.client, "a connection has timed out");
                entry.close();
            }
        }
    }
}

impl Table {
    fn next_id(&mut self) -> u64 {
        self.latest_id += 1;
        self.latest_id
    }

    /// All connections but those that are closing.
    fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| !entry.is_closing)
    }

    fn open_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.values_mut().filter(|entry| !entry.is_closing)
    }

    /// Closes the connection that the module's rule on their number names. Returns its client, and
    /// how many connections that had.
    fn evict(&mut self) -> Option<(ClientAddr, usize)> {
        let mut held: HashMap<ClientAddr, usize> = HashMap::new();
        for entry in self.open() {
            *held.entry(entry.client).or_default() += 1;
        }
        let held_by = |client| held.get(&client).copied().unwrap_or_default();
        let entry = self.open_mut().min_by_key(|entry| {
            let oldest = entry.pending.first();
            let since = oldest.map_or(entry.since, |oldest| oldest.since);
            let is_read = entry.pending.iter().any(|pending| pending.held.is_some());
            (is_read, Reverse(held_by(entry.client)), since)
        })?;
        entry.close();
        Some((entry.client, held_by(entry.client)))
    }

    /// Closes connections until pending responses hold no more than they may. The `newest` page, of
    /// which another response was just made, counts for the total and for no client. Of the client
    /// that holds the most, the connection with the oldest response of an older page is closed first.
    /// Returns the client of the last one closed.
    fn bound_memory(&mut self, newest: Held) -> Option<ClientAddr> {
        let max = MAX_PENDING_BYTES.max(2 * newest.page_bytes);
        let is_newest = |pending: &Pending| pending.held.and_then(|held| held.page) == newest.page;
        let mut last = None;
        loop {
            let (total, largest) = self.pending_bytes(newest.page);
            let Some(client) = largest.filter(|_| total > max) else {
                break;
            };
            let of_client = self.open_mut().filter(|entry| entry.client == client);
            let by_age = of_client.filter_map(|entry| {
                let mut older = entry.pending.iter().filter(|pending| !is_newest(pending));
                let oldest = older.next().or(entry.pending.first())?;
                Some(((is_newest(oldest), oldest.since), entry))
            });
            let Some((_, entry)) = by_age.min_by_key(|(age, _)| *age) else {
                break;
            };
            entry.close();
            last = Some(client);
        }
        last
    }

    /// What pending responses hold in total, and the client that holds the most beside the `newest`
    /// page.
    fn pending_bytes(&self, newest: Option<PageId>) -> (usize, Option<ClientAddr>) {
        let mut total = 0;
        let mut by_client: HashMap<ClientAddr, usize> = HashMap::new();
        let mut counted: HashSet<(Option<ClientAddr>, PageId)> = HashSet::new();
        for entry in self.open() {
            for held in entry.pending.iter().filter_map(|pending| pending.held) {
                let of_client = by_client.entry(entry.client).or_default();
                total += held.own_bytes;
                *of_client += held.own_bytes;
                let Some(page) = held.page else { continue };
                if counted.insert((None, page)) {
                    total += held.page_bytes;
                }
                if held.page != newest && counted.insert((Some(entry.client), page)) {
                    *of_client += held.page_bytes;
                }
            }
        }
        let by_client = by_client.into_iter().filter(|(_, held)| *held > 0);
        let largest = by_client.max_by_key(|(_, held)| *held);
        (total, largest.map(|(client, _)| client))
    }
}

/// A connection in the table; dropping it removes it from there.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Records what happens on it.
    pub(crate) handle: Handle,
    signals: Arc<Signals>,
}

impl Connection {
    /// Waits until it is to close once its pending responses are read.
    pub(crate) async fn must_drain(&self) {
        self.signals.drain.notified().await;
    }

    /// Waits until it is to close at once.
    pub(crate) async fn must_close(&self) {
        self.signals.close.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Handle { all, id } = &self.handle;
        lock(&all.table).entries.remove(id);
        all.closed.notify_waiters();
    }
}

/// Records what happens on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    all: Arc<Connections>,
    id: u64,
}

impl Handle {
    fn update(&self, update: impl FnOnce(&mut Entry)) {
        if let Some(entry) = lock(&self.all.table).entries.get_mut(&self.id) {
            update(entry);
        }
    }

    /// The handshake is over: what follows is HTTP.
    pub(crate) fn handshake_done(&self) {
        self.update(|entry| entry.phase = Phase::New);
    }

    /// The client has sent something, which ends within a request's head, or within a frame.
    pub(crate) fn received(&self, is_incomplete: bool) {
        self.update(|entry| match is_incomplete && entry.pending.is_empty() {
            true => {
                entry.head_since.get_or_insert_with(Instant::now);
            }
            false => entry.head_since = None,
        });
    }

    /// A request has come. Its response is pending until the returned value is dropped.
    pub(crate) fn request(&self) -> PendingResponse {
        let mut table = lock(&self.all.table);
        let id = table.next_id();
        if let Some(entry) = table.entries.get_mut(&self.id) {
            entry.phase = Phase::Used;
            entry.head_since = None;
            if entry.draining_since.is_some() {
                entry.signals.drain.notify_one();
            }
            entry.pending.push(Pending {
                id,
                since: Instant::now(),
                held: None,
            });
        }
        PendingResponse {
            handle: self.clone(),
            id,
        }
    }
}

/// A response that is made or written.
#[derive(Debug)]
pub(crate) struct PendingResponse {
    handle: Handle,
    id: u64,
}

impl PendingResponse {
    /// The response is made: until it is written it holds `parts`, and `more` bytes beside. Where
    /// pending responses hold too much by that, connections are closed.
    pub(crate) fn has_body<'b>(&self, parts: impl Iterator<Item = &'b Bytes>, more: usize) {
        let mut held = Held::of(parts);
        held.own_bytes += more;
        let all = &self.handle.all;
        let mut table = lock(&all.table);
        if let Some(entry) = table.entries.get_mut(&self.handle.id) {
            let mut pending = entry.pending.iter_mut();
            if let Some(this) = pending.find(|pending| pending.id == self.id) {
                this.held = Some(held);
            }
        }
        if let Some(client) = table.bound_memory(held) {
            all.warn_of_memory(client);
        }
    }
}

impl Drop for PendingResponse {
    fn drop(&mut self) {
        self.handle.update(|entry| {
            entry.pending.retain(|pending| pending.id != self.id);
            if entry.pending.is_empty() {
                entry.since = Instant::now();
            }
        });
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

    /// A connection with a response that is read; each is a second younger than the one before.
    async fn used(all: &Arc<Connections>, peer: IpAddr) -> Connection {
        let connection = all.add(peer);
        connection.handle.handshake_done();
        drop(connection.handle.request());
        tokio::time::advance(Duration::from_secs(1)).await;
        connection
    }

    fn is_closed(connection: &Connection) -> bool {
        connection.must_close().now_or_never().is_some()
    }

    fn reading(connection: &Connection) -> PendingResponse {
        let response = connection.handle.request();
        response.has_body(std::iter::empty(), 0);
        response
    }

    #[tokio::test(start_paused = true)]
    async fn the_client_with_the_most_connections_loses_the_one_idle_longest() {
        let all = Connections::new(4);
        let alone = used(&all, host(1)).await;
        let mut many = Vec::new();
        for _ in 0..3 {
            many.push(used(&all, host(2)).await);
        }
        // The oldest is busy, and the youngest but for that has become the one idle longest.
        let busy = reading(&many[0]);
        drop(many[1].handle.request());
        let _new = all.add(host(3));
        assert!(is_closed(&many[2]));
        let _new = all.add(host(3));
        assert!(is_closed(&many[1]) && !is_closed(&many[0]));
        drop(busy);
        assert!(!is_closed(&alone));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_read_the_oldest_response_breaks_off() {
        let all = Connections::new(2);
        let (one, other) = (used(&all, host(1)).await, used(&all, host(1)).await);
        let _older = reading(&other);
        tokio::time::advance(Duration::from_secs(1)).await;
        let _younger = reading(&one);
        let _new = all.add(host(1));
        assert!(is_closed(&other) && !is_closed(&one));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_wait_for_a_response_do_not_displace_a_new_one() {
        let all = Connections::new(3);
        let (one, other) = (used(&all, host(1)).await, used(&all, host(1)).await);
        let _waiting = [one.handle.request(), other.handle.request()];
        let scraper = all.add(host(2));
        let _guesser = all.add(host(1));
        assert!(is_closed(&one) && !is_closed(&other) && !is_closed(&scraper));
        drop(scraper);
        // Of one address too the oldest goes, not the only one that has not asked yet.
        let scraper = all.add(host(1));
        let _guesser = all.add(host(1));
        assert!(is_closed(&other) && !is_closed(&scraper));
    }

    #[tokio::test(start_paused = true)]
    async fn what_pending_responses_hold_is_bounded_and_counted_once() {
        const PAGE: usize = 12 << 20;
        let all = Connections::new(100);
        // Each page is held by its poll too.
        let polls: [_; 3] = std::array::from_fn(|_| Bytes::from(vec![0; PAGE]));
        let [first, second, third] = polls.clone();
        // One client leaves an answer of each poll unread, another reads one slowly.
        let slow = used(&all, host(1)).await;
        let slowly = slow.handle.request();
        slowly.has_body([&first].into_iter(), 0);
        let hoarder = used(&all, host(2)).await;
        let hoarded = [hoarder.handle.request(), hoarder.handle.request()];
        hoarded[0].has_body([&first].into_iter(), 0);
        hoarded[1].has_body([&second].into_iter(), 0);
        assert_eq!(lock(&all.table).pending_bytes(None).0, 2 * PAGE);
        let scraper = used(&all, host(3)).await;
        let scrape = scraper.handle.request();
        scrape.has_body([&third].into_iter(), 0);
        assert!(is_closed(&hoarder) && !is_closed(&slow) && !is_closed(&scraper));
        drop(hoarded);
        assert_eq!(lock(&all.table).pending_bytes(None).0, 2 * PAGE);
        drop((slowly, scrape));
        assert_eq!(lock(&all.table).pending_bytes(None).0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_page_may_be_read_while_the_next_is_made() {
        const PAGE: usize = 40 << 20;
        let all = Connections::new(100);
        let mut reading = Vec::new();
        for (ended, _) in (0..3).enumerate() {
            let (one, page) = (used(&all, host(1)).await, Bytes::from(vec![0; PAGE]));
            let answer = one.handle.request();
            answer.has_body([&page.clone()].into_iter(), 0);
            reading.push((one, answer, page));
            let over = reading
                .iter()
                .filter(|(one, ..)| lock(&all.table).entries[&one.handle.id].is_closing);
            assert_eq!(over.count(), ended.saturating_sub(1));
        }
    }
}
