//! Tunnels through the proxy, and why the proxy refuses one.
//!
//! reqwest opens the tunnels, but does not tell the status and the `Retry-After` of a refusal. So after a
//! connection through the proxy has failed, this module asks for the same tunnel once more, to read the
//! answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::OUR_NAME;
use super::dns::Resolver;
use super::proxy::Proxy;

/// The status and the headers with which a proxy refuses a tunnel.
pub(crate) type Refusal = (StatusCode, HeaderMap);

/// The tunnels of a proxy.
pub(crate) struct Tunnels {
    proxy: Arc<Proxy>,
    tls: TlsConnector,
    resolver: Resolver,
}

impl Tunnels {
    /// Tunnels of `proxy`. `tls` is for a proxy that is itself reached by HTTPS; looking up its name may take
    /// `patience`.
    pub(crate) fn new(proxy: Proxy, tls: ClientConfig, patience: Duration) -> Self {
        Self {
            proxy: Arc::new(proxy),
            tls: Arc::new(tls).into(),
            resolver: Resolver::new(patience),
        }
    }

    /// The proxy as reqwest takes it.
    pub(crate) fn rule(&self) -> reqwest::Proxy {
        let proxy = self.proxy.clone();
        let rule =
            reqwest::Proxy::custom(move |to| proxy.applies(to).then(|| proxy.uri().to_string()));
        match self.proxy.authorization() {
            Some(value) => rule.custom_http_auth(value.clone()),
            None => rule,
        }
    }

    /// Asks the proxy for a tunnel to `to`, within `patience`; `None` if it does not refuse, or does not
    /// answer.
    pub(crate) async fn refusal(&self, to: &Url, patience: Duration) -> Option<Refusal> {
        if !self.proxy.applies(to) {
            return None;
        }
        timeout(patience, self.answer(to))
            .await
            .ok()?
            .filter(|(status, _)| !status.is_success())
    }

    async fn answer(&self, to: &Url) -> Option<Refusal> {
        let (host, port) = (self.proxy.host(), self.proxy.uri().port_u16()?);
        let found = self
            .resolver
            .clone()
            .addresses(host.to_owned())
            .await
            .ok()?;
        let addresses: Vec<_> = found
            .iter()
            .map(|address| SocketAddr::new(address.ip(), port))
            .collect();
        let stream = TcpStream::connect(&*addresses).await.ok()?;
        if self.proxy.uri().scheme_str() != Some("https") {
            return self.answer_on(stream, to).await;
        }
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let stream = self.tls.connect(name, stream).await.ok()?;
        self.answer_on(stream, to).await
    }

    async fn answer_on<S>(&self, stream: S, to: &Url) -> Option<Refusal>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let target = format!("{}:{}", to.host_str()?, to.port_or_known_default()?);
        let mut request = Request::connect(&target)
            .header(HOST, &target)
            .header(USER_AGENT, OUR_NAME);
        if let Some(authorization) = self.proxy.authorization() {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        // The task ends when `sender` is dropped.
        tokio::spawn(connection);
        let (head, _) = sender.send_request(request).await.ok()?.into_parts();
        Some((head.status, head.headers))
    }
}
