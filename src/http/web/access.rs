//! The web configuration applied to connections and requests, always as the files have it now.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::basic_auth::{Authenticator, Outcome};
use super::handshake::tls_handshake;
use super::handshake_error::FailureLog;
use super::reload::{Loaded, WebConfigFile, follow};
use super::tls::H2;
use crate::http::response::{ResponseBody, text};
use crate::http::server::{Protocol, TcpConnection};

/// A connection for HTTP, encrypted or not.
pub trait IoStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> IoStream for S {}

/// Access to the server: which connections and requests it serves.
#[derive(Debug, Clone)]
pub struct Access {
    loaded: watch::Receiver<Arc<Loaded>>,
    changes: watch::Receiver<()>,
    authenticator: Arc<Authenticator>,
    failures: Arc<FailureLog>,
}

impl Access {
    /// Access as `file` has it, and the future that keeps it up to date for as long as it is polled.
    /// It calls `report` with whether the content of the files is in use, and reads them at once when
    /// `reread` changes.
    ///
    /// # Errors
    /// As [`Authenticator::new`].
    pub fn new(
        file: WebConfigFile,
        reread: watch::Receiver<()>,
        report: impl Fn(bool) + Send + 'static,
    ) -> Result<(Self, impl Future<Output = ()> + Send), String> {
        let (loaded_sender, loaded) = watch::channel(file.loaded.clone());
        let (changed, changes) = watch::channel(());
        let access = Self {
            loaded,
            changes,
            authenticator: Arc::new(Authenticator::new()?),
            failures: Arc::default(),
        };
        let publish = move |new: Arc<Loaded>| {
            let old = loaded_sender.send_replace(new.clone());
            if !new.admission.includes(&old.admission) {
                changed.send_replace(());
            }
        };
        Ok((access, follow(file, reread, publish, report)))
    }

    /// Changes whenever clients lose their access. Connections accepted before may be theirs.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.clone()
    }

    /// Performs the TLS handshake with the client at `peer`, where TLS is configured.
    ///
    /// # Errors
    /// It failed. The reason is in the log.
    pub async fn handshake(
        self,
        stream: TcpConnection,
        peer: IpAddr,
    ) -> io::Result<(Box<dyn IoStream>, Protocol)> {
        let tls = self.loaded.borrow().tls.clone();
        let Some(tls) = tls else {
            return Ok((Box::new(stream), Protocol::Http1));
        };
        let stream = match tls_handshake(tls, stream).await {
            Ok(stream) => stream,
            Err(reason) => {
                if let Some(reason) = reason {
                    self.failures.log(peer, &reason);
                }
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
        };
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((Box::new(stream), protocol))
    }

    /// The response that refuses a request of the client at `peer`; `None` where it may be answered.
    pub async fn refusal(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Option<Response<ResponseBody>> {
        let loaded = self.loaded.borrow().clone();
        let limiter = loaded.limiter.as_ref();
        if limiter.is_some_and(|limiter| !limiter.allows()) {
            return Some(text(
                StatusCode::TOO_MANY_REQUESTS,
                "More requests than rate_limit allows.\n",
            ));
        }
        let users = &loaded.admission.users;
        if users.is_empty() {
            return None;
        }
        let header = headers.get(AUTHORIZATION);
        match self.authenticator.check(users, peer, header).await {
            Outcome::Accepted => None,
            Outcome::Rejected => Some(unauthorized()),
            Outcome::Overloaded => Some(text(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords are being checked.\n",
            )),
        }
    }

    /// Adds the configured headers to a response.
    pub fn add_headers(&self, response: &mut Response<ResponseBody>) {
        let loaded = self.loaded.borrow().clone();
        for (name, value) in &loaded.headers {
            response.headers_mut().insert(name, value.clone());
        }
    }
}

fn unauthorized() -> Response<ResponseBody> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Unauthorized\n");
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    response
}
