//! What the server asks before anything else: does this connection become HTTP, and may this
//! request be answered?

use std::io;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::auth::{Checker, Verdict};
use super::reload::{Loaded, Source, follow};
use super::tls::H2;
use crate::http::{Parts, Protocol, text};

/// A connection that HTTP is spoken on, encrypted or not.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// The web configuration as it is now, at work.
#[derive(Debug, Clone)]
pub struct Gate {
    current: watch::Receiver<Arc<Loaded>>,
    admission: watch::Receiver<()>,
    checker: Arc<Checker>,
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

    /// Shakes hands, where there is TLS.
    ///
    /// # Errors
    /// The client speaks no TLS, or none that will do, or may not come.
    pub async fn open<S: Wire + 'static>(self, stream: S) -> io::Result<(Box<dyn Wire>, Protocol)> {
        let tls = self.current.borrow().tls.clone();
        let Some(tls) = tls else {
            return Ok((Box::new(stream), Protocol::Http1));
        };
        let stream = TlsAcceptor::from(tls).accept(stream).await?;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((Box::new(stream), protocol))
    }

    /// The answer to a request that may not be answered otherwise.
    pub async fn refusal(&self, headers: &HeaderMap) -> Option<Response<Parts>> {
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
        match self.checker.check(users, header).await {
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

fn unauthorized() -> Response<Parts> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Unauthorized\n");
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    response
}
