//! The TLS handshake with a client, and what a client gets that speaks HTTP without TLS: a response
//! that says so, as Go's server sends it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::handshake_error::{NO_TLS, Reason, reason};
use crate::http::response::text;
use crate::http::server::{MAX_HEAD_SIZE, TcpConnection};

/// Performs the handshake.
///
/// # Errors
/// Why it failed; `None` where the client sent nothing, as port scans and health checks do.
pub(super) async fn tls_handshake(
    config: Arc<ServerConfig>,
    stream: TcpConnection,
) -> Result<TlsStream<TcpConnection>, Option<Reason>> {
    let mut first = [0];
    if !matches!(stream.get_ref().peek(&mut first).await, Ok(1..)) {
        return Err(None);
    }
    // The first byte of TLS is not printable, that of HTTP is.
    if first.iter().all(u8::is_ascii_graphic) {
        return Err(Some(match answer_plaintext(stream).await {
            true => "it speaks HTTP without TLS (http:// for https://)".into(),
            false => NO_TLS.into(),
        }));
    }
    let accepted = TlsAcceptor::from(config).accept(stream).await;
    accepted.map_err(|error| Some(reason(&error)))
}

/// Answers the first request, in HTTP/1 or HTTP/2, and closes the connection. Returns whether there
/// was a request.
async fn answer_plaintext(stream: TcpConnection) -> bool {
    let requested = Notify::new();
    let service = service_fn(|_| {
        requested.notify_one();
        let line = "Client sent an HTTP request to an HTTPS server: write https:// for http://.\n";
        let response = text(StatusCode::BAD_REQUEST, line);
        async { Ok::<_, Infallible>(response) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_SIZE as usize);
    builder.http2().max_header_list_size(MAX_HEAD_SIZE);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        () = requested.notified() => {}
        _ = connection.as_mut() => return false,
    }
    connection.as_mut().graceful_shutdown();
    // An error here is the client's: its request is answered.
    let _ = connection.await;
    true
}
