//! Connections that this program makes: to Desk, straight or through a proxy, and to itself.
//!
//! hyper's client pools them and speaks HTTP; here is how one comes to be: the name is looked up in
//! [`dns`], a proxy of the environment ([`proxy`]) is asked for a tunnel, and TLS is spoken with who
//! answers. Each step has words of its own for its failure, since each has another remedy.

pub(crate) mod dns;
pub mod proxy;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::Empty;
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Request, StatusCode, Uri, upgrade};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use dns::Resolver;
use proxy::Proxy;

/// What every request, and every tunnel's, is signed with.
pub(crate) const OUR_NAME: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A connection that is kept says so to its other end this often: what has gone is noticed.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A connection that was not used for so long is not used again.
const IDLE: Duration = Duration::from_secs(90);

/// A client whose connections `dialer` makes.
pub(crate) fn client<B>(dialer: Dialer) -> legacy::Client<Dialer, B>
where
    B: Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(dialer)
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The name has no address, or the resolver says nothing.
    Name(dns::Failure),
    /// The host, or the proxy, is not reached.
    Unreachable(String),
    /// The proxy answers, and makes no tunnel.
    Refused(StatusCode, HeaderMap),
    /// There is no agreement on encryption; a certificate is refused, most often.
    Tls(String),
    /// All of this has taken too long.
    TooSlow(Duration),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(failure) => failure.fmt(f),
            Self::Unreachable(why) => f.write_str(why),
            Self::Refused(status, _) => {
                write!(f, "the proxy answers with status {}", status.as_u16())
            }
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::TooSlow(patience) => write!(f, "not within {patience:?}"),
        }
    }
}

impl Error for Failure {}

/// What `error` is made of, from the outside to the inside.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    causes.join(": ")
}

/// Makes connections.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    tcp: HttpConnector<Resolver>,
    tls: Arc<ClientConfig>,
    proxy: Option<Arc<Proxy>>,
    patience: Duration,
}

impl Dialer {
    /// Connections take `patience` at most, the name's look-up and all that a proxy does included.
    pub(crate) fn new(tls: ClientConfig, proxy: Option<Proxy>, patience: Duration) -> Self {
        // A little less for the look-up: it is named where it takes all the time.
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(patience.mul_f64(0.9)));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_connect_timeout(Some(patience));
        Self {
            tcp,
            tls: Arc::new(tls),
            proxy: proxy.map(Arc::new),
            patience,
        }
    }

    async fn dial(self, to: Uri) -> Result<Wire, Failure> {
        let is_encrypted = to.scheme_str() == Some("https");
        let wire = match self.proxy.as_ref().filter(|proxy| proxy.carries(&to)) {
            Some(proxy) => self.tunnel(proxy, &to).await?,
            None => self.connect(to.clone()).await?,
        };
        match is_encrypted {
            true => self.encrypted(wire, &to).await,
            false => Ok(wire),
        }
    }

    async fn connect(&self, to: Uri) -> Result<Wire, Failure> {
        match self.tcp.clone().call(to).await {
            Ok(stream) => Ok(Wire::new(stream.into_inner())),
            Err(error) => Err(match dns::failure_in(&error) {
                Some(failure) => Failure::Name(failure),
                None => Failure::Unreachable(causes(&error)),
            }),
        }
    }

    async fn encrypted(&self, wire: Wire, to: &Uri) -> Result<Wire, Failure> {
        let host = to.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|error| Failure::Tls(error.to_string()))?;
        let shaken = TlsConnector::from(self.tls.clone()).connect(name, wire);
        let stream = shaken.await.map_err(|error| Failure::Tls(causes(&error)))?;
        Ok(Wire::new(stream))
    }

    /// A way to `to` by the proxy, which sees no more than where to.
    async fn tunnel(&self, proxy: &Proxy, to: &Uri) -> Result<Wire, Failure> {
        let broken = |error: hyper::Error| {
            Failure::Unreachable(format!("the proxy makes no tunnel: {}", causes(&error)))
        };
        let wire = self.connect(proxy.uri().clone()).await?;
        let wire = match proxy.uri().scheme_str() {
            Some("https") => self.encrypted(wire, proxy.uri()).await?,
            _ => wire,
        };
        let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(wire))
            .await
            .map_err(broken)?;
        tokio::spawn(connection.with_upgrades());
        let target = proxy::host_and_port(to);
        let mut request = Request::connect(&target)
            .header(HOST, &target)
            .header(USER_AGENT, OUR_NAME);
        if let Some(authorization) = proxy.authorization() {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            let (head, _) = response.into_parts();
            return Err(Failure::Refused(head.status, head.headers));
        }
        let tunnel = upgrade::on(response).await.map_err(broken)?;
        Ok(Wire::new(TokioIo::new(tunnel)))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let patience = self.patience;
        let dialing = timeout(patience, self.clone().dial(to));
        Box::pin(async move {
            let dialed = dialing.await.unwrap_or(Err(Failure::TooSlow(patience)));
            dialed.map(TokioIo::new)
        })
    }
}

/// A connection, whatever it is made of.
pub(crate) struct Wire(Box<dyn Duplex>);

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Wire {
    fn new(stream: impl Duplex + 'static) -> Self {
        Self(Box::new(stream))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
