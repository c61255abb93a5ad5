//! Serves HTTP to whoever connects, within bounds, until told to stop.
//!
//! Knows nothing of metrics: it binds no address, catches no signal, answers by the function that it
//! is given, and leaves it to another one (the door) what a connection has to do before that. A
//! client that sends its request slowly, reads its answer slowly, sends endless headers or opens many
//! connections holds up nobody else, and costs a bounded amount. (One that reads next to nothing keeps
//! its answer for longer than `LONGEST_ANSWER`, which is looked at between two parts of it.)

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_io_timeout::TimeoutStream;

use crate::lock::lock;

/// Connections at a time; further ones wait to be accepted.
const MOST_CONNECTIONS: u32 = 512;

/// For all that comes before HTTP, encryption that is.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests at a time on one connection of HTTP/2, and what it may send unread.
const MOST_STREAMS: u32 = 16;
const SMALLEST_WINDOW: u32 = 65_535;

/// For a whole request head; and how long a connection may idle between two scrapes.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to read all of it, as seen when the next part is wanted. Until then it keeps
/// the page of its poll in memory, and each poll makes another.
const LONGEST_ANSWER: Duration = Duration::from_secs(120);

/// A request head may have this many bytes and headers.
const LARGEST_HEAD: u32 = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// How long answers under way may still take once the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// The wait after a connection could not be accepted, when the process is out of descriptors, say.
const PAUSE_AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// An answer's body, one part after the other, none of them copied.
#[derive(Debug)]
pub struct Parts {
    left: VecDeque<Part>,
    /// When it breaks off, if it has not been read by then.
    deadline: Instant,
}

/// A part of an answer's body.
#[derive(Debug)]
pub enum Part {
    /// Bytes that are there already.
    Made(Bytes),
    /// Bytes that are made as they are read, so that a slow reader keeps none of them.
    Making(Box<dyn Making>),
}

/// Makes bytes, some at a time.
pub trait Making: Iterator<Item = io::Result<Bytes>> + fmt::Debug + Send {
    /// How many are still to come.
    fn left(&self) -> u64;
}

impl Part {
    fn left(&self) -> u64 {
        match self {
            Self::Made(bytes) => bytes.len() as u64,
            Self::Making(making) => making.left(),
        }
    }
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        Self::Made(bytes)
    }
}

impl<P: Into<Part>> FromIterator<P> for Parts {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        let parts = parts.into_iter().map(Into::into);
        Self {
            left: parts.filter(|part| part.left() > 0).collect(),
            deadline: Instant::now() + LONGEST_ANSWER,
        }
    }
}

impl Parts {
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.left.pop_front()? {
                Part::Made(bytes) => return Some(Ok(bytes)),
                Part::Making(mut making) => {
                    if let Some(bytes) = making.next() {
                        if making.left() > 0 {
                            self.left.push_front(Part::Making(making));
                        }
                        return Some(bytes);
                    }
                }
            }
        }
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.left.is_empty() && self.deadline <= Instant::now() {
            self.left.clear();
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        Poll::Ready(self.next().map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.iter().map(Part::left).sum())
    }
}

/// An answer.
pub fn response(status: StatusCode, content_type: HeaderValue, body: Parts) -> Response<Parts> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer of a line of text.
pub fn text(status: StatusCode, line: &'static str) -> Response<Parts> {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let body = std::iter::once(Bytes::from_static(line.as_bytes()));
    response(status, plain, body.collect())
}

/// What HEAD gets in place of `response`: the same, less its body, which hyper leaves out by itself
/// in HTTP/1 only.
fn head_of(response: Response<Parts>) -> Response<Parts> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(head, Parts::from_iter([Bytes::new()]))
}

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and 1.0
    Http1,
    /// HTTP/2
    Http2,
}

/// A connection of which no more than a bounded time is spent on writing.
pub type Bounded = Pin<Box<TimeoutStream<TcpStream>>>;

/// The door of a server without encryption: everybody comes in as they are.
///
/// # Errors
/// None.
pub async fn plain(stream: Bounded, _: IpAddr) -> io::Result<(Bounded, Protocol)> {
    Ok((stream, Protocol::Http1))
}

/// Answers requests on all `listeners` by `answer` until `stop` ends, then lets answers under way
/// finish. Each connection goes through `door` first, which may shake hands, or turn it away. Both are
/// told the address of the other side.
///
/// Whenever `admission` changes, connections that were accepted before that end as if the server
/// stopped: they were let in by rules that hold no longer.
pub async fn serve<D, O, S, A, F>(
    listeners: Vec<TcpListener>,
    door: D,
    answer: A,
    admission: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) where
    D: Fn(Bounded, IpAddr) -> O + Clone + Send + 'static,
    O: Future<Output = io::Result<(S, Protocol)>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Parts>> + Send + 'static,
{
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS as usize));
    let (stopping, stopped) = watch::channel(false);
    let converse = move |stream, peer| {
        let (door, answer) = (door.clone(), answer.clone());
        let mut told = Told {
            stopped: stopped.clone(),
            admission: admission.clone(),
        };
        // What has changed before it was accepted is no news to it.
        told.admission.mark_unchanged();
        async move {
            let opened = tokio::select! {
                opened = tokio::time::timeout(HANDSHAKE_TIMEOUT, door(stream, peer)) => opened,
                // Nobody waits for an answer yet.
                () = told.asks_to_end() => return,
            };
            let answer = move |request| answer(request, peer);
            match opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok((stream, protocol)) => converse(stream, protocol, answer, told).await,
                Err(error) => tracing::debug!(%error, "a client's handshake failed"),
            }
        }
    };
    let accepting = listeners
        .iter()
        .map(|listener| accept(listener, &connections, &converse));
    tokio::select! {
        () = stop => {}
        _ = join_all(accepting) => {}
    }
    drop(listeners);
    stopping.send_replace(true);
    // Every connection that ends gives its permit back.
    let all_ended = connections.acquire_many(MOST_CONNECTIONS);
    if tokio::time::timeout(DRAIN, all_ended).await.is_err() {
        tracing::info!("some answers were not read to their end: closing their connections");
    }
}

/// What tells a connection to end.
struct Told {
    stopped: watch::Receiver<bool>,
    admission: watch::Receiver<()>,
}

impl Told {
    async fn asks_to_end(&mut self) {
        tokio::select! {
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
            Ok(()) = self.admission.changed() => {}
        }
    }
}

async fn accept<F>(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    converse: impl Fn(Bounded, IpAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    // The semaphore is never closed, so this goes on for ever.
    while let Ok(permit) = connections.clone().acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_ACCEPT_ERROR).await;
                continue;
            }
        };
        let conversation = converse(bounded_io(stream), peer);
        tokio::spawn(async move {
            conversation.await;
            drop(permit);
        });
    }
}

/// All requests of one connection.
async fn converse<S, A, F>(stream: S, protocol: Protocol, answer: A, told: Told)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Parts>> + Send + 'static,
{
    let latest = Arc::new(Latest::default());
    let service = service_fn({
        let latest = latest.clone();
        move |request: Request<Incoming>| {
            latest.note();
            let is_head = request.method() == Method::HEAD;
            let response = answer(request);
            async move {
                let response = response.await;
                Ok::<_, Infallible>(if is_head { head_of(response) } else { response })
            }
        }
    });
    let stream = TokioIo::new(stream);
    let ended = match protocol {
        Protocol::Http1 => {
            let connection = bounded_http1().serve_connection(stream, service);
            converse_http1(pin!(connection), told).await
        }
        Protocol::Http2 => {
            let connection = bounded_http2().serve_connection(stream, service);
            converse_http2(pin!(connection), told, &latest).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection broke");
    }
}

async fn converse_http1<I, S>(
    mut connection: Pin<&mut http1::Connection<I, S>>,
    mut told: Told,
) -> hyper::Result<()>
where
    http1::Connection<I, S>: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: HttpService<Incoming, ResBody = Parts>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = told.asks_to_end() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// As HTTP/1.1, but hyper has no time limits of its own here: a connection without a request for
/// [`HEAD_TIMEOUT`] is closed, and what it has not read by then it gets [`WRITE_TIMEOUT`] for.
async fn converse_http2<I, S>(
    mut connection: Pin<&mut http2::Connection<I, S, TokioExecutor>>,
    mut told: Told,
    latest: &Latest,
) -> hyper::Result<()>
where
    http2::Connection<I, S, TokioExecutor>: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: HttpService<Incoming, ResBody = Parts>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    TokioExecutor: Http2ServerConnExec<S::Future, Parts>,
{
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = told.asks_to_end() => {}
        () = latest.is_long_ago() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(WRITE_TIMEOUT, connection)
        .await
        .unwrap_or(Ok(()))
}

/// When a connection's latest request came, or the connection itself.
#[derive(Debug)]
struct Latest(Mutex<Instant>);

impl Default for Latest {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Latest {
    fn note(&self) {
        *lock(&self.0) = Instant::now();
    }

    async fn is_long_ago(&self) {
        loop {
            let due = *lock(&self.0) + HEAD_TIMEOUT;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

fn bounded_http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD as usize)
        .max_headers(MOST_HEADERS);
    builder
}

fn bounded_http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD)
        // Bodies of requests are not read: the least that the protocol allows to begin with.
        .initial_stream_window_size(SMALLEST_WINDOW)
        .initial_connection_window_size(SMALLEST_WINDOW);
    builder
}

fn bounded_io(stream: TcpStream) -> Bounded {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with delayed packets");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    Box::pin(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What HTTP/2 begins with: the preface, and settings that set nothing.
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    fn never_told() -> (watch::Sender<bool>, Told) {
        let (stop, stopped) = watch::channel(false);
        let admission = watch::channel(()).1;
        (stop, Told { stopped, admission })
    }

    /// How long a connection lasts whose client says `hello` and no more, nor answers anything.
    async fn lasts(protocol: Protocol, hello: &[u8]) -> Duration {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let (_stop, told) = never_told();
        let answer = |_| async { text(StatusCode::OK, "") };
        let start = Instant::now();
        let conversation = tokio::spawn(converse(server, protocol, answer, told));
        client.write_all(hello).await.unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.unwrap();
        conversation.await.unwrap();
        start.elapsed()
    }

    /// So many parts that are made as they are read.
    #[derive(Debug)]
    struct Countdown(u8);

    impl Iterator for Countdown {
        type Item = io::Result<Bytes>;

        fn next(&mut self) -> Option<Self::Item> {
            self.0 = self.0.checked_sub(1)?;
            Some(Ok(vec![b'0' + self.0].into()))
        }
    }

    impl Making for Countdown {
        fn left(&self) -> u64 {
            self.0.into()
        }
    }

    #[tokio::test]
    async fn parts_that_are_made_as_they_are_read_come_in_their_order() {
        let parts = [
            Part::Made(Bytes::from_static(b"<")),
            Part::Making(Box::new(Countdown(3))),
            Part::Making(Box::new(Countdown(0))),
            Part::Made(Bytes::from_static(b">")),
        ];
        let mut parts = Parts::from_iter(parts);
        assert_eq!(parts.size_hint().exact(), Some(5));
        let mut read = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut parts).poll_frame(cx)).await {
            read.extend_from_slice(&frame.unwrap().into_data().unwrap());
            let left = u64::try_from(5 - read.len()).unwrap();
            assert_eq!(parts.size_hint().exact(), Some(left));
            assert_eq!(parts.is_end_stream(), left == 0);
        }
        assert_eq!(read, b"<210>");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_slowly_breaks_off() {
        const SIZE: usize = 10_000_000;
        let body = || std::iter::repeat_n(Bytes::from_static(&[b'.'; 1000]), SIZE / 1000).collect();
        let answer = move |_| async move {
            response(
                StatusCode::OK,
                HeaderValue::from_static("text/plain"),
                body(),
            )
        };
        let (mut client, server) = tokio::io::duplex(1000);
        let (_stop, told) = never_told();
        tokio::spawn(converse(server, Protocol::Http1, answer, told));
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let start = Instant::now();
        let mut read = 0;
        let mut some = [0; 1000];
        while let Ok(more @ 1..) = client.read(&mut some).await {
            read += more;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(read < SIZE);
        // What was on its way by then is still read.
        let lasted = start.elapsed();
        assert!(
            (LONGEST_ANSWER..2 * LONGEST_ANSWER).contains(&lasted),
            "{lasted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_does_not_last() {
        let most = HEAD_TIMEOUT + WRITE_TIMEOUT + Duration::from_secs(1);
        for (protocol, hello) in [
            (Protocol::Http1, &b""[..]),
            (Protocol::Http1, b"GET / HTTP/1.1\r\nA: "),
            (Protocol::Http2, b""),
            (Protocol::Http2, HELLO),
        ] {
            let lasted = lasts(protocol, hello).await;
            assert!((HEAD_TIMEOUT..most).contains(&lasted), "{lasted:?}");
        }
    }
}
