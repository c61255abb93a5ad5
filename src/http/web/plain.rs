//! What a client gets that speaks HTTP without TLS where there is TLS: an answer that says so, as from
//! Go's server, instead of silence.

use std::convert::Infallible;
use std::pin::pin;

use hyper::StatusCode;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use crate::http::server::text;

/// As much of a request as is read for it.
const LARGEST_HEAD: u32 = 16 * 1024;

/// Answers the first request, in HTTP/1 or HTTP/2, and ends the connection; whether there was one.
pub(super) async fn turn_away<S>(stream: S) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Notify::new();
    let service = service_fn(|_| {
        asked.notify_one();
        let line = "Client sent an HTTP request to an HTTPS server: write https:// for http://.\n";
        let answer = text(StatusCode::BAD_REQUEST, line);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .keep_alive(false)
        .max_buf_size(LARGEST_HEAD as usize);
    builder.http2().max_header_list_size(LARGEST_HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        () = asked.notified() => {}
        _ = connection.as_mut() => return false,
    }
    connection.as_mut().graceful_shutdown();
    // How it ends does not matter: the answer was all there was to say.
    let _ = connection.await;
    true
}
