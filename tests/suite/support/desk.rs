//! A strict fake Desk on a loopback port, of plain threads and raw sockets, so that it can break
//! an answer at any byte. It checks every request as [`rules`](super::rules) say, remembers it, and
//! answers from the rows that a test gave it, unless the test's script says otherwise.
//!
//! When dropped, it asserts that no handler panicked, and that it refused nothing where the test expected no refusal.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::answers::{Answers, Past, Row};
use super::endpoints::{self, Calendar, Endpoint};
use super::gate::Gate;
use super::http::{self, Headers, Incoming};
use super::rows;
use super::rules::{self, Account, Refusal};

pub(crate) use super::answers::{Count, Further};

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// What it asks; none of what Desk has, where the path is another one.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        Endpoint::of_path(self.path())
    }

    /// The query's parameters, decoded, in their order.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    /// A parameter's value, empty where it is missing.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let found = self.query().into_iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value).unwrap_or_default()
    }

    pub(crate) fn user_sig(&self) -> String {
        self.parameter("usersig")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.json()["Offset"].as_u64().unwrap_or(0)
    }
}

/// What becomes of one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// The answer that the rules and the rows give.
    Normal,
    /// This `ErrorCode`, with status 200, as Desk says no.
    Error(i64),
    /// Status 200 with this body.
    Body(Vec<u8>),
    /// Another status, headers beside `Content-Length`, and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// These bytes and nothing else, then the end of the connection.
    Raw(Vec<u8>),
    /// No answer: the connection is reset.
    Reset,
    /// The normal answer's head and half of its body, then the end of the connection.
    Truncated,
    /// The normal answer, a byte at a time, with this pause after each.
    Drip(Duration),
    /// The normal answer, once the gate is open.
    Hang(Gate),
}

impl Reply {
    pub(crate) fn body(text: impl Into<String>) -> Reply {
        Reply::Body(text.into().into_bytes())
    }
}

type Script = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// What a test may change while Desk runs.
struct Ways {
    answers: Answers,
    zone: TimeZone,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    script: Arc<Script>,
    /// What an endpoint replies, whatever the script says.
    replies: BTreeMap<Endpoint, Reply>,
}

/// What has come, and what was refused.
#[derive(Default)]
struct Diary {
    requests: Vec<Request>,
    refusals: Vec<Refusal>,
}

struct Shared {
    account: Account,
    ways: Mutex<Ways>,
    diary: Mutex<Diary>,
    streams: Mutex<BTreeMap<usize, TcpStream>>,
    connections: AtomicUsize,
    refusals_expected: AtomicBool,
    closing: AtomicBool,
}

/// The fake Desk; closes when dropped.
pub(crate) struct Desk {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Desk {
    /// A Desk of the default account that has these agents today.
    pub(crate) fn with(rows: Vec<Value>) -> Desk {
        let desk = Desk::of(Account::default());
        desk.set_rows(rows);
        desk
    }

    /// A Desk of this account, without agents, in Asia/Shanghai.
    pub(crate) fn of(account: Account) -> Desk {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            account,
            ways: Mutex::new(Ways::default()),
            diary: Mutex::default(),
            streams: Mutex::default(),
            connections: AtomicUsize::new(0),
            refusals_expected: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Desk {
            shared,
            address,
            acceptor: Some(acceptor),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn account(&self) -> &Account {
        &self.shared.account
    }

    /// From now on, these are today's rows.
    pub(crate) fn set_rows(&self, rows: Vec<Value>) {
        let row = |row| Row::of_value(row, Endpoint::AgentStatistics.id());
        self.ways().answers.agents = rows.iter().map(row).collect();
    }

    /// Rows as text, for what JSON allows and a `Value` cannot hold. A filter finds none of them.
    pub(crate) fn set_row_texts(&self, rows: &[&str]) {
        let rows = rows.iter().map(|text| Row::of_text(text));
        self.ways().answers.agents = rows.collect();
    }

    /// Changes what the further endpoints say.
    pub(crate) fn further(&self, change: impl FnOnce(&mut Further)) {
        change(&mut self.ways().answers.further);
    }

    /// From now on, it can be asked for past days from the first of these on; one that is not among them was empty.
    pub(crate) fn set_past(&self, days: impl IntoIterator<Item = (Date, Past)>) {
        self.ways().answers.past = days.into_iter().collect();
    }

    pub(crate) fn count(&self, count: Count) {
        self.count_at(Endpoint::AgentStatistics, count);
    }

    pub(crate) fn count_at(&self, endpoint: Endpoint, count: Count) {
        self.ways().answers.counts.insert(endpoint, count);
    }

    /// No page holds more rows than this, whatever is asked for.
    pub(crate) fn cap_pages_at(&self, rows: usize) {
        self.ways().answers.page_cap = rows;
    }

    pub(crate) fn ignore_offset(&self) {
        self.ways().answers.heeds_offset = false;
    }

    pub(crate) fn ignore_filter(&self) {
        self.ways().answers.heeds_filter = false;
    }

    /// Desk's days are this zone's.
    pub(crate) fn use_zone(&self, name: &str) {
        self.ways().zone = TimeZone::get(name).unwrap();
    }

    /// What Desk takes for the present.
    pub(crate) fn use_clock(&self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) {
        self.ways().clock = Arc::new(clock);
    }

    /// Decides over each request by its number, from 1 on, and what it is.
    pub(crate) fn on_request(
        &self,
        script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) {
        self.ways().script = Arc::new(script);
    }

    /// Every request gets this reply, until told otherwise.
    pub(crate) fn always(&self, reply: Reply) {
        self.on_request(move |_, _| reply.clone());
    }

    /// Every request to this endpoint gets this reply, until told otherwise; the others go on as before.
    pub(crate) fn reply_at(&self, endpoint: Endpoint, reply: Reply) {
        self.ways().replies.insert(endpoint, reply);
    }

    /// This test means to be refused.
    pub(crate) fn expect_refusals(&self) {
        self.shared.refusals_expected.store(true, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.diary.lock().unwrap().requests.clone()
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.shared.diary.lock().unwrap().requests.len()
    }

    pub(crate) fn requests_at(&self, endpoint: Endpoint) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint() == Some(endpoint));
        requests
    }

    /// How many requests came to this endpoint.
    pub(crate) fn asked_at(&self, endpoint: Endpoint) -> usize {
        self.requests_at(endpoint).len()
    }

    /// The shortest time within which so many requests came. Each is noted before it is answered: what the
    /// exporter leaves between the end of one and the start of the next, a busy machine can only stretch.
    pub(crate) fn shortest_time_of(&self, requests: usize) -> Duration {
        let mut came: Vec<Instant> = self.requests().iter().map(|request| request.at).collect();
        came.sort();
        let times = came
            .windows(requests)
            .map(|some| some[requests - 1] - some[0]);
        times.min().expect("so many requests")
    }

    pub(crate) fn offsets(&self) -> Vec<u64> {
        self.requests().iter().map(Request::offset).collect()
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.shared.diary.lock().unwrap().refusals.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// First and last second of Desk's present day.
    pub(crate) fn today(&self) -> (i64, i64) {
        let ways = self.ways();
        endpoints::day((ways.clock)(), &ways.zone)
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.shared.ways.lock().unwrap()
    }

    fn close(&mut self) -> Vec<thread::Result<()>> {
        self.shared.closing.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let acceptor = self.acceptor.take().unwrap();
        let handlers = acceptor.join().unwrap_or_default();
        for stream in self.shared.streams.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        handlers.into_iter().map(JoinHandle::join).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let handlers = self.close();
        if thread::panicking() {
            return;
        }
        let panicked = handlers.iter().filter(|ended| ended.is_err()).count();
        assert_eq!(panicked, 0, "the fake Desk's own threads panicked");
        if !self.shared.refusals_expected.load(Ordering::Relaxed) {
            assert_eq!(self.refusals(), [], "Desk refused what it was asked");
        }
    }
}

impl Default for Ways {
    fn default() -> Self {
        Ways {
            answers: Answers::default(),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            clock: Arc::new(Timestamp::now),
            script: Arc::new(|_, _| Reply::Normal),
            replies: BTreeMap::new(),
        }
    }
}

impl Shared {
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Drops the spare handle of a connection, so that it really closes with the other one.
    fn forget(&self, connection: usize) {
        self.streams.lock().unwrap().remove(&connection);
    }

    /// Notes the request down; says what to reply, and what the normal answer would be.
    fn consider(&self, request: Request) -> (Reply, Vec<u8>) {
        let ways = self.ways.lock().unwrap();
        let mut diary = self.diary.lock().unwrap();
        diary.requests.push(request.clone());
        let n = diary.requests.len();
        let calendar = Calendar {
            now: (ways.clock)(),
            zone: ways.zone.clone(),
            since: ways.answers.past.keys().next().copied(),
        };
        let body = match rules::judge(&request, &self.account, &calendar) {
            Ok(ask) => ways.answers.answer(n, &ask, calendar.today()),
            Err(refusal) => {
                let body = rows::refusal(refusal.code, &refusal.why);
                diary.refusals.push(refusal);
                body
            }
        };
        let script = Arc::clone(&ways.script);
        let of_endpoint = request.endpoint().and_then(|it| ways.replies.get(&it));
        let of_endpoint = of_endpoint.cloned();
        drop((diary, ways));
        let reply = of_endpoint.unwrap_or_else(|| script(n, &request));
        (reply, body.into_bytes())
    }
}

/// Takes connections until Desk closes; hands back the threads that serve them.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut handlers = Vec::new();
    for stream in listener.incoming() {
        if shared.is_closing() {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(copy) = stream.try_clone() else {
            continue;
        };
        let connection = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
        shared.streams.lock().unwrap().insert(connection, copy);
        let shared = Arc::clone(shared);
        handlers.push(thread::spawn(move || {
            // A client may go away in the middle.
            let _ = serve(stream, connection, &shared);
            shared.forget(connection);
        }));
    }
    handlers
}

fn serve(mut stream: TcpStream, connection: usize, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(incoming) = http::read_request(&mut stream, &mut buffer)? {
        let (reply, body) = shared.consider(Request::arrived(incoming, connection));
        if !play(&mut stream, reply, &body, shared)? {
            break;
        }
    }
    Ok(())
}

impl Request {
    fn arrived(incoming: Incoming, connection: usize) -> Request {
        Request {
            at: Instant::now(),
            connection,
            method: incoming.method,
            target: incoming.target,
            headers: incoming.headers,
            body: incoming.body,
        }
    }
}

/// Plays a reply; says whether the connection may be used again.
fn play(stream: &mut TcpStream, reply: Reply, normal: &[u8], shared: &Shared) -> io::Result<bool> {
    match reply {
        Reply::Normal => stream.write_all(&response(200, &[], normal))?,
        Reply::Error(code) => {
            let body = rows::refusal(code, "as the test wants it");
            stream.write_all(&response(200, &[], body.as_bytes()))?;
        }
        Reply::Body(body) => stream.write_all(&response(200, &[], &body))?,
        Reply::Status(status, headers, body) => {
            stream.write_all(&response(status, &headers, body.as_bytes()))?;
        }
        Reply::Raw(bytes) => {
            stream.write_all(&bytes)?;
            return Ok(false);
        }
        Reply::Reset => {
            let at_once = Some(Duration::ZERO);
            rustix::net::sockopt::set_socket_linger(&*stream, at_once)?;
            return Ok(false);
        }
        Reply::Truncated => {
            let whole = response(200, &[], normal);
            stream.write_all(&whole[..whole.len() - normal.len() / 2])?;
            return Ok(false);
        }
        Reply::Drip(pause) => {
            for byte in response(200, &[], normal) {
                if shared.is_closing() {
                    return Ok(false);
                }
                stream.write_all(&[byte])?;
                thread::sleep(pause);
            }
        }
        Reply::Hang(gate) => {
            gate.wait(|| shared.is_closing());
            stream.write_all(&response(200, &[], normal))?;
        }
    }
    Ok(true)
}

/// The bytes of an answer.
pub(crate) fn response(status: u16, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status} As Told\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}
