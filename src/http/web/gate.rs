//! What the server asks before anything else: does this connection become HTTP, and may this
//! request be answered?

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::auth::{Checker, Verdict};
use super::plain::turn_away;
use super::refusals::{NO_TLS, Reason, Refusals, reason};
use super::reload::{Loaded, Source, follow};
use super::tls::H2;
use crate::http::server::{Bounded, Parts, Protocol, text};

/// A connection that HTTP is spoken on, encrypted or not.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// The web configuration as it is now, at work.
#[derive(Debug, Clone)]
pub struct Gate {
    current: watch::Receiver<Arc<Loaded>>,
    admission: watch::Receiver<()>,
    checker: Arc<Checker>,
    refusals: Arc<Refusals>,
}

impl Gate {
    /// A gate as `source` has it, and what keeps it so for ever: `report` is told whether the files'
    /// present content is what is at work. They are read at once when `reread` changes.
    ///
    /// # Errors
    /// As [`Checker::new`].
    pub fn new(
        source: Source,
        reread: watch::Receiver<()>,
        report: impl Fn(bool) + Send + 'static,
    ) -> Result<(Self, impl Future<Output = ()> + Send), String> {
        let (sender, current) = watch::channel(source.loaded.clone());
        let (admits_others, admission) = watch::channel(());
        let gate = Self {
            current,
            admission,
            checker: Arc::new(Checker::new()?),
            refusals: Arc::default(),
        };
        let publish = move |loaded: Arc<Loaded>| {
            let before = sender.send_replace(loaded.clone());
            if !loaded.admission.has_all_of(&before.admission) {
                admits_others.send_replace(());
            }
        };
        Ok((gate, follow(source, reread, publish, report)))
    }

    /// Changes whenever some may come no more: what let older connections in holds no longer.
    pub fn admission(&self) -> watch::Receiver<()> {
        self.admission.clone()
    }

    /// Shakes hands with `peer`, where there is TLS.
    ///
    /// # Errors
    /// The client speaks no TLS, or none that will do, or may not come: that is told in the log.
    pub async fn open(
        self,
        stream: Bounded,
        peer: IpAddr,
    ) -> io::Result<(Box<dyn Wire>, Protocol)> {
        let tls = self.current.borrow().tls.clone();
        let Some(tls) = tls else {
            return Ok((Box::new(stream), Protocol::Http1));
        };
        let stream = match encrypted(tls, stream).await {
            Ok(stream) => stream,
            Err(reason) => {
                if let Some(reason) = reason {
                    self.refusals.tell(peer, &reason);
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

    /// The answer to a request of `peer` that may not be answered otherwise.
    pub async fn refusal(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Response<Parts>> {
        let current = self.current.borrow().clone();
        if current
            .limiter
            .as_ref()
            .is_some_and(|limiter| !limiter.allows())
        {
            return Some(text(
                StatusCode::TOO_MANY_REQUESTS,
                "More requests than rate_limit allows.\n",
            ));
        }
        let users = &current.admission.users;
        if users.is_empty() {
            return None;
        }
        let header = headers.get(AUTHORIZATION);
        match self.checker.check(users, peer, header).await {
            Verdict::Right => None,
            Verdict::Wrong => Some(unauthorized()),
            Verdict::Busy => Some(text(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords are being checked.\n",
            )),
        }
    }

    /// Puts the configured headers onto an answer.
    pub fn dress(&self, response: &mut Response<Parts>) {
        let current = self.current.borrow().clone();
        for (name, value) in &current.headers {
            response.headers_mut().insert(name, value.clone());
        }
    }
}

/// Shakes hands with a client that speaks TLS.
///
/// # Errors
/// It does not, or not well enough: why, if there is anything to say.
async fn encrypted(
    tls: Arc<ServerConfig>,
    stream: Bounded,
) -> Result<TlsStream<Bounded>, Option<Reason>> {
    let mut first = [0];
    // A client that leaves without a word has looked whether the port is open.
    if !matches!(stream.get_ref().peek(&mut first).await, Ok(1..)) {
        return Err(None);
    }
    // TLS begins with a byte that is no character.
    if first.iter().all(u8::is_ascii_graphic) {
        return Err(Some(match turn_away(stream).await {
            true => "it speaks HTTP without TLS (http:// for https://)".into(),
            false => NO_TLS.into(),
        }));
    }
    let shaken = TlsAcceptor::from(tls).accept(stream).await;
    shaken.map_err(|error| Some(reason(&error)))
}

fn unauthorized() -> Response<Parts> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Unauthorized\n");
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    response
}
