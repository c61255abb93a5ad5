//! Serves HTTP to all clients, within bounds, until told to stop.
//!
//! Knows nothing of metrics: it binds no address, catches no signal, answers by the function that it
//! is given, and leaves it to another one (the door) what a connection has to do before that. A
//! client that sends its request slowly, reads its answer slowly, sends endless headers or opens many
//! connections holds up no other client, and costs a bounded amount (see [`crate::http::connections`]).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::{Body, Buf, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tokio_util::io::InspectReader;

use crate::base::descriptors;
use crate::http::connections::{Admitted, Answer, Connections, DRAIN};
use crate::http::heads::Heads;
use crate::http::throttle::Throttle;

/// Connections at a time, where the system gives the process descriptors enough.
const MOST_CONNECTIONS: usize = 512;

/// Descriptors that are for other things: sockets to listen on and to ask Desk by (in the demo both
/// of their ends are here), logs, files.
const OTHER_DESCRIPTORS: usize = 24;

/// For all that comes before HTTP, encryption that is.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests at a time on one connection of HTTP/2, and what it may send unread.
const MOST_STREAMS: u32 = 16;
const SMALLEST_WINDOW: u32 = 65_535;

/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A request head may have this many bytes and headers.
const LARGEST_HEAD: u32 = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// The wait after a connection could not be accepted for want of something that none of ours holds.
const PAUSE_AFTER_ACCEPT_ERROR: Duration = Duration::from_secs(1);

/// The wait where nothing is left for another connection, and none has come yet.
const PAUSE_WHILE_SCARCE: Duration = Duration::from_millis(50);

/// An answer's body, one part after the other, none of them copied.
#[derive(Debug, Default)]
pub struct Parts {
    left: VecDeque<Part>,
    answer: Option<Arc<Answer>>,
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

    /// What they are made of, which is kept in memory meanwhile.
    fn source(&self) -> &[Bytes] {
        &[]
    }
}

/// What it takes to make bytes as they are read: what was made last, and a window of 32 KiB.
const WORKSHOP: usize = 128 * 1024;

impl Part {
    fn left(&self) -> u64 {
        match self {
            Self::Made(bytes) => bytes.len() as u64,
            Self::Making(making) => making.left(),
        }
    }

    fn kept(&self) -> &[Bytes] {
        match self {
            Self::Made(bytes) => std::slice::from_ref(bytes),
            Self::Making(making) => making.source(),
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
            answer: None,
        }
    }
}

impl Parts {
    /// They are of `answer`, which is under way until the last of them is written.
    fn of(mut self, answer: Answer) -> Self {
        let makings = self
            .left
            .iter()
            .filter(|part| matches!(part, Part::Making(_)));
        answer.keeps(
            self.left.iter().flat_map(Part::kept),
            makings.count() * WORKSHOP,
        );
        self.answer = Some(Arc::new(answer));
        self
    }

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
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Chunk>>>> {
        let bytes = self.next();
        let chunk = bytes.map(|bytes| {
            bytes.map(|bytes| Chunk {
                bytes,
                _answer: self.answer.clone(),
            })
        });
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.iter().map(Part::left).sum())
    }
}

/// Bytes of an answer on their way: it is under way for as long as these are.
#[derive(Debug)]
pub struct Chunk {
    bytes: Bytes,
    _answer: Option<Arc<Answer>>,
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
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
    Response::from_parts(head, Parts::default())
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

/// The door of a server without encryption: it is open to every connection.
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
/// Whenever `admission` changes, connections that were accepted before end as if the server stopped:
/// what let them in holds no longer.
pub async fn serve<D, O, S, A, F>(
    listeners: Vec<TcpListener>,
    door: D,
    answer: A,
    admission: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) where
    D: Fn(Bounded, IpAddr) -> O,
    O: Future<Output = io::Result<(S, Protocol)>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Parts>> + Send + 'static,
{
    let connections = Connections::new(most_connections());
    let welcome = |stream, peer| {
        let connection = connections.admit(peer);
        let opened = tokio::time::timeout(HANDSHAKE_TIMEOUT, door(stream, peer));
        let answer = answer.clone();
        tokio::spawn(async move {
            let conversation = async {
                match opened
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                {
                    Ok((stream, protocol)) => {
                        let answer = move |request| answer(request, peer);
                        converse(stream, protocol, answer, &connection).await;
                    }
                    Err(error) => tracing::debug!(%error, "a client's handshake failed"),
                }
            };
            tokio::select! {
                () = conversation => {}
                () = connection.is_over() => {}
            }
        });
    };
    let accepting = listeners
        .iter()
        .map(|listener| accept(listener, &connections, &welcome));
    tokio::select! {
        () = stop => {}
        _ = join_all(accepting) => {}
        () = follow(admission, &connections) => {}
        () = connections.sweep() => {}
    }
    drop(listeners);
    connections.ask_all_to_end();
    if tokio::time::timeout(DRAIN, connections.all_ended())
        .await
        .is_err()
    {
        tracing::info!("some answers were not read to their end: closing their connections");
    }
}

/// How many connections there may be, with the descriptors that the process may have.
fn most_connections() -> usize {
    let left = descriptors::most().map(|most| most.saturating_sub(OTHER_DESCRIPTORS));
    left.map_or(MOST_CONNECTIONS, |left| left.clamp(1, MOST_CONNECTIONS))
}

/// Asks connections to end whenever others may come than before, for ever.
async fn follow(mut admission: watch::Receiver<()>, connections: &Connections) {
    while admission.changed().await.is_ok() {
        connections.ask_older_to_end();
    }
    std::future::pending::<()>().await;
}

/// Accepts connections for ever.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    welcome: impl Fn(Bounded, IpAddr),
) {
    let scarce = Throttle::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => welcome(bounded_io(stream), peer.ip().to_canonical()),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection broke before it was accepted");
            }
            Err(_) if !has_come(listener) => tokio::time::sleep(PAUSE_WHILE_SCARCE).await,
            Err(error) => {
                if let Some(times) = scarce.count() {
                    tracing::warn!(
                        %error,
                        times,
                        "a connection cannot be accepted, so an older one is closed for it; where descriptors are \
                         short, raise their limit (ulimit -n, LimitNOFILE=)"
                    );
                }
                if !connections.free_one().await {
                    tokio::time::sleep(PAUSE_AFTER_ACCEPT_ERROR).await;
                }
            }
        }
    }
}

/// Whether a connection waits to be accepted. The system looks for a descriptor first, so that where
/// none is left accepting fails without one too, and nothing needs to give way.
fn has_come(listener: &TcpListener) -> bool {
    let mut events = [PollFd::new(listener, PollFlags::IN)];
    // Where it cannot be told, there may be one.
    poll(&mut events, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Whether the next connection may be accepted all the same (accept(2): errors of the network that
/// are already pending on the new socket).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::PermissionDenied
            | Kind::TimedOut
    )
}

/// All requests of one connection.
async fn converse<S, A, F>(stream: S, protocol: Protocol, answer: A, admitted: &Admitted)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Parts>> + Send + 'static,
{
    let one = &admitted.one;
    one.is_open();
    let mut heads = Heads::of(protocol == Protocol::Http2);
    let stream = InspectReader::new(stream, {
        let one = one.clone();
        move |bytes: &[u8]| one.has_read(heads.are_open_after(bytes))
    });
    let service = service_fn({
        let one = one.clone();
        move |request: Request<Incoming>| {
            let under_way = one.answers();
            let is_head = request.method() == Method::HEAD;
            let response = answer(request);
            async move {
                let response = response.await;
                let response = if is_head { head_of(response) } else { response };
                Ok::<_, Infallible>(response.map(|body| body.of(under_way)))
            }
        }
    });
    let builder = bounded(protocol);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = admitted.is_asked_to_end() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection broke");
    }
}

/// HTTP within bounds. It has no limits of time: the connections' table has.
fn bounded(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        // A client that has asked may close its sending half, and still wants the answer.
        .half_close(true)
        .max_buf_size(LARGEST_HEAD as usize)
        .max_headers(MOST_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD)
        // Bodies of requests are not read: the least that the protocol allows to begin with.
        .initial_stream_window_size(SMALLEST_WINDOW)
        .initial_connection_window_size(SMALLEST_WINDOW);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
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
    use crate::http::connections::{HEAD_TIMEOUT, IDLE_TIMEOUT, LONGEST_ANSWER};
    use std::future::poll_fn;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    /// What HTTP/2 begins with: the preface, and settings that set nothing.
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    /// GET / by https, all of it from the static table.
    const ASK: &[u8] = b"\0\0\x03\x01\x05\0\0\0\x01\x82\x87\x84";

    /// A conversation with a client, and what ends it when its time is up.
    async fn conversation<A, F>(stream: DuplexStream, protocol: Protocol, answer: A)
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Parts>> + Send + 'static,
    {
        let connections = Connections::new(1);
        let connection = connections.admit(Ipv4Addr::LOCALHOST.into());
        tokio::select! {
            () = converse(stream, protocol, answer, &connection) => {}
            () = connection.is_over() => {}
            () = connections.sweep() => {}
        }
    }

    /// How long a connection lasts whose client says `parts`, a second between two of them, and no
    /// more, nor answers anything.
    async fn lasts(protocol: Protocol, parts: &[&[u8]]) -> Duration {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let answer = |_| async { text(StatusCode::OK, "") };
        let start = Instant::now();
        let conversation = tokio::spawn(conversation(server, protocol, answer));
        for part in parts {
            client.write_all(part).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
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
            read.extend_from_slice(frame.unwrap().into_data().unwrap().chunk());
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
        tokio::spawn(conversation(server, Protocol::Http1, answer));
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let start = Instant::now();
        let mut read = 0;
        let mut some = [0; 1000];
        while let Ok(more @ 1..) = client.read(&mut some).await {
            read += more;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(read < SIZE);
        let lasted = start.elapsed();
        assert!(
            (LONGEST_ANSWER..2 * LONGEST_ANSWER).contains(&lasted),
            "{lasted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_read_breaks_off() {
        /// Settings with an initial window of 0, behind the preface.
        const SHUT: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
        const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0........";
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let page = Bytes::from(vec![b'.'; 1_000_000]);
        let answer = {
            let page = page.clone();
            move |_| {
                let body = std::iter::once(page.clone()).collect();
                async { response(StatusCode::OK, HeaderValue::from_static("a/b"), body) }
            }
        };
        let start = Instant::now();
        let conversation = tokio::spawn(conversation(server, Protocol::Http2, answer));
        client.write_all(SHUT).await.unwrap();
        client.write_all(ASK).await.unwrap();
        // It goes on to say something, so that nothing but the answer's age ends it.
        while client.write_all(PING).await.is_ok() && !conversation.is_finished() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        conversation.await.unwrap();
        let lasted = start.elapsed();
        let about = LONGEST_ANSWER..LONGEST_ANSWER + Duration::from_secs(10);
        assert!(about.contains(&lasted), "{lasted:?}");
        tokio::task::yield_now().await;
        assert!(page.is_unique(), "the page is still held");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_seconds_and_an_idle_connection_minutes() {
        /// The same, with the end of its head to come.
        const HALF: &[u8] = b"\0\0\x03\x01\x01\0\0\0\x03\x82\x87\x84";
        const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0........";
        let request = &b"GET / HTTP/1.1\r\n\r\n"[..];
        let begun = &b"GET / HTTP/1.1\r\nA: "[..];
        for (protocol, parts, most) in [
            (Protocol::Http1, &[][..], HEAD_TIMEOUT),
            (Protocol::Http1, &[begun], HEAD_TIMEOUT),
            (Protocol::Http1, &[request], IDLE_TIMEOUT),
            (Protocol::Http1, &[request, begun], HEAD_TIMEOUT),
            (Protocol::Http2, &[], HEAD_TIMEOUT),
            (Protocol::Http2, &[HELLO], HEAD_TIMEOUT),
            (Protocol::Http2, &[HELLO, PING, PING], HEAD_TIMEOUT),
            (Protocol::Http2, &[HELLO, ASK], IDLE_TIMEOUT),
            (Protocol::Http2, &[HELLO, ASK, PING, PING], IDLE_TIMEOUT),
            (Protocol::Http2, &[HELLO, ASK, HALF], HEAD_TIMEOUT),
        ] {
            let lasted = lasts(protocol, parts).await;
            let about = most..most + Duration::from_secs(10);
            assert!(about.contains(&lasted), "{lasted:?} after {parts:?}");
        }
    }
}
