//! An HTTP server: accepts connections and answers their requests, within bounds, until it is stopped.
//!
//! It knows nothing of metrics. Its caller binds the addresses, decides when to stop, and passes two
//! functions: the handshake of a connection, and the response to a request. A client that sends its
//! request slowly, reads its response slowly, sends endless headers or opens many connections delays
//! no other client and costs a bounded amount (see [`crate::http::connections`]).

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tokio_util::io::InspectReader;

use crate::base::descriptors;
use crate::http::connections::{Connection, Connections, DRAIN_TIMEOUT};
use crate::http::framing::Frames;
use crate::http::response::{ResponseBody, without_body};
use crate::http::throttle::Throttle;

/// The most connections at a time, where the process may have enough descriptors.
const MAX_CONNECTIONS: usize = 512;

/// Descriptors kept for other uses: listening sockets, requests to Desk (in the demo both ends of
/// them), logs, files.
const OTHER_DESCRIPTORS: usize = 24;

/// The time for the handshake, TLS included.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 16;

/// The flow-control window of HTTP/2: the smallest that it can begin with, as request bodies are not
/// read.
const WINDOW: u32 = 65_535;

/// How long a write may make no progress.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest request head, in bytes and in headers.
pub(crate) const MAX_HEAD_SIZE: u32 = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// The pause after an accept error that closing a connection cannot cure.
const ACCEPT_ERROR_PAUSE: Duration = Duration::from_secs(1);

/// The pause while descriptors are short and no connection waits for one.
const SCARCITY_PAUSE: Duration = Duration::from_millis(50);

/// The version of HTTP on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and 1.0
    Http1,
    /// HTTP/2
    Http2,
}

/// A TCP connection whose writes time out.
pub type TcpConnection = Pin<Box<TimeoutStream<TcpStream>>>;

/// Answers requests on all `listeners` by `respond` in HTTP/1 without encryption until `stop` ends, as
/// [`serve_behind`] does.
pub async fn serve<R, F>(listeners: Vec<TcpListener>, respond: R, stop: impl Future<Output = ()>)
where
    R: Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    let handshake = |stream, _| ready(Ok((stream, Protocol::Http1)));
    let (_unchanged, access) = watch::channel(());
    serve_behind(listeners, handshake, respond, access, stop).await;
}

/// Answers requests on all `listeners` by `respond` until `stop` ends, then lets pending responses
/// finish. Each connection first passes `handshake`, which may refuse it. Both functions get the
/// client's address.
///
/// Whenever `access` changes, the connections accepted before drain: a change may exclude their
/// clients.
pub async fn serve_behind<H, O, S, R, F>(
    listeners: Vec<TcpListener>,
    handshake: H,
    respond: R,
    access: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) where
    H: Fn(TcpConnection, IpAddr) -> O,
    O: Future<Output = io::Result<(S, Protocol)>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    R: Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    let connections = Connections::new(max_connections());
    let start = |stream, peer| {
        let connection = connections.add(peer);
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(stream, peer));
        let respond = respond.clone();
        tokio::spawn(async move {
            let conversation = async {
                let timed_out = |_| Err(io::ErrorKind::TimedOut.into());
                match handshake.await.unwrap_or_else(timed_out) {
                    Ok((stream, protocol)) => {
                        let respond = move |request| respond(request, peer);
                        serve_connection(stream, protocol, respond, &connection).await;
                    }
                    Err(error) => tracing::debug!(%error, "a client's handshake failed"),
                }
            };
            tokio::select! {
                () = conversation => {}
                () = connection.must_close() => {}
            }
        });
    };
    let accepting = listeners
        .iter()
        .map(|listener| accept(listener, &connections, &start));
    tokio::select! {
        () = stop => {}
        _ = join_all(accepting) => {}
        () = drain_at_changes(access, &connections) => {}
        () = connections.sweep() => {}
    }
    drop(listeners);
    let shut_down = tokio::time::timeout(DRAIN_TIMEOUT, connections.shut_down());
    if shut_down.await.is_err() {
        tracing::info!("some answers were not read to their end: closing their connections");
    }
}

/// The most connections, given the descriptors that the process may have.
fn max_connections() -> usize {
    let available = descriptors::most().map(|most| most.saturating_sub(OTHER_DESCRIPTORS));
    available.map_or(MAX_CONNECTIONS, |available| {
        available.clamp(1, MAX_CONNECTIONS)
    })
}

/// Drains the present connections at each change of `access`, for as long as it is polled.
async fn drain_at_changes(mut access: watch::Receiver<()>, connections: &Connections) {
    while access.changed().await.is_ok() {
        connections.drain_present();
    }
    std::future::pending::<()>().await;
}

/// Accepts connections for as long as it is polled.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    start: impl Fn(TcpConnection, IpAddr),
) {
    let scarcity = Throttle::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => start(with_write_timeout(stream), peer.ip().to_canonical()),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection broke before it was accepted");
            }
            Err(_) if !is_one_waiting(listener) => tokio::time::sleep(SCARCITY_PAUSE).await,
            Err(error) => {
                if let Some(times) = scarcity.count() {
                    tracing::warn!(
                        %error,
                        times,
                        "a connection cannot be accepted, so an older one is closed for it; where descriptors are \
                         short, raise their limit (ulimit -n, LimitNOFILE=)"
                    );
                }
                if !connections.free_one().await {
                    tokio::time::sleep(ACCEPT_ERROR_PAUSE).await;
                }
            }
        }
    }
}

/// Whether a connection waits to be accepted. Where no descriptor is left, accepting fails even if no
/// connection waits; then none has to be closed.
fn is_one_waiting(listener: &TcpListener) -> bool {
    let mut events = [PollFd::new(listener, PollFlags::IN)];
    // An error of poll itself says nothing of the listener.
    poll(&mut events, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Whether the error is one of a single connection, so that the next may be accepted at once
/// (accept(2): network errors that are already pending on the new socket).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::PermissionDenied
            | ErrorKind::TimedOut
    )
}

/// Answers all requests of one connection.
async fn serve_connection<S, R, F>(
    stream: S,
    protocol: Protocol,
    respond: R,
    connection: &Connection,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    R: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    let handle = &connection.handle;
    handle.handshake_done();
    let stream = InspectReader::new(stream, {
        let handle = handle.clone();
        let mut frames = (protocol == Protocol::Http2).then(Frames::new);
        move |bytes: &[u8]| {
            let frames = frames.as_mut();
            handle.received(frames.is_none_or(|frames| frames.is_incomplete_after(bytes)));
        }
    });
    let service = service_fn({
        let handle = handle.clone();
        move |request: Request<Incoming>| {
            let pending = handle.request();
            let is_head = request.method() == Method::HEAD;
            let response = respond(request);
            async move {
                let mut response = response.await;
                if is_head {
                    response = without_body(response);
                }
                Ok::<_, Infallible>(response.map(|body| body.of(pending)))
            }
        }
    });
    let builder = http(protocol);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = connection.must_drain() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a client's connection broke");
    }
}

/// HTTP with limits of size and number. Those of time are in [`Connections`].
fn http(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        // A client may close its sending half after the request, and still reads the response.
        .half_close(true)
        .max_buf_size(MAX_HEAD_SIZE as usize)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_SIZE)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}

fn with_write_timeout(stream: TcpStream) -> TcpConnection {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set on a connection");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    Box::pin(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::connections::{HEAD_TIMEOUT, IDLE_TIMEOUT, RESPONSE_TIMEOUT};
    use crate::http::response::{response, text};
    use hyper::StatusCode;
    use hyper::body::Bytes;
    use hyper::header::HeaderValue;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    /// The start of HTTP/2: the preface, and settings that set nothing.
    const START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    /// GET / by https, all of it from the static table.
    const GET: &[u8] = b"\0\0\x03\x01\x05\0\0\0\x01\x82\x87\x84";

    /// Serves one connection, with time-outs.
    async fn conversation<R, F>(stream: DuplexStream, protocol: Protocol, respond: R)
    where
        R: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<ResponseBody>> + Send + 'static,
    {
        let connections = Connections::new(1);
        let connection = connections.add(Ipv4Addr::LOCALHOST.into());
        tokio::select! {
            () = serve_connection(stream, protocol, respond, &connection) => {}
            () = connection.must_close() => {}
            () = connections.sweep() => {}
        }
    }

    /// How long a connection lasts whose client sends `parts`, with a second between two of them, and
    /// nothing more.
    async fn lasts(protocol: Protocol, parts: &[&[u8]]) -> Duration {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let respond = |_| async { text(StatusCode::OK, "") };
        let start = Instant::now();
        let conversation = tokio::spawn(conversation(server, protocol, respond));
        for part in parts {
            client.write_all(part).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut sent = Vec::new();
        client.read_to_end(&mut sent).await.unwrap();
        conversation.await.unwrap();
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_slowly_breaks_off() {
        const SIZE: usize = 10_000_000;
        let body = || std::iter::repeat_n(Bytes::from_static(&[b'.'; 1000]), SIZE / 1000).collect();
        let respond = move |_| async move {
            response(
                StatusCode::OK,
                HeaderValue::from_static("text/plain"),
                body(),
            )
        };
        let (mut client, server) = tokio::io::duplex(1000);
        tokio::spawn(conversation(server, Protocol::Http1, respond));
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
            (RESPONSE_TIMEOUT..2 * RESPONSE_TIMEOUT).contains(&lasted),
            "{lasted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_not_read_breaks_off() {
        /// Settings with an initial window of 0, behind the preface.
        const SHUT: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
        const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0........";
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let page = Bytes::from(vec![b'.'; 1_000_000]);
        let respond = {
            let page = page.clone();
            move |_| {
                let body = std::iter::once(page.clone()).collect();
                async { response(StatusCode::OK, HeaderValue::from_static("a/b"), body) }
            }
        };
        let start = Instant::now();
        let conversation = tokio::spawn(conversation(server, Protocol::Http2, respond));
        client.write_all(SHUT).await.unwrap();
        client.write_all(GET).await.unwrap();
        // The client goes on sending, so that nothing but the response's age ends it.
        while client.write_all(PING).await.is_ok() && !conversation.is_finished() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        conversation.await.unwrap();
        let lasted = start.elapsed();
        let about = RESPONSE_TIMEOUT..RESPONSE_TIMEOUT + Duration::from_secs(10);
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
            (Protocol::Http2, &[START], HEAD_TIMEOUT),
            (Protocol::Http2, &[START, PING, PING], HEAD_TIMEOUT),
            (Protocol::Http2, &[START, GET], IDLE_TIMEOUT),
            (Protocol::Http2, &[START, GET, PING, PING], IDLE_TIMEOUT),
            (Protocol::Http2, &[START, GET, HALF], HEAD_TIMEOUT),
        ] {
            let lasted = lasts(protocol, parts).await;
            let about = most..most + Duration::from_secs(10);
            assert!(about.contains(&lasted), "{lasted:?} after {parts:?}");
        }
    }
}
