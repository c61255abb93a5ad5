//! Requests to Desk: one at a time, and all that make up an answer.
//!
//! A request goes out at the allowed pace with a fresh random number and the present UserSig; its
//! answer is read up to a limit. What passes by itself is tried again at once, a few times; a host
//! that cannot be reached gives way to its backup; a UserSig that is too old is replaced once.

use std::error::Error as _;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode, Url, redirect};

use super::credentials::Credentials;
use super::error::{Class, Error};
use super::pace::Pace;
use super::walk::{self, Listing, Pages};
use super::wire::{self, LIMIT, Page};
use crate::clock::{Clock, DayWindow};
use crate::secret::Secret;
use crate::tls::{self, Roots};

/// No page of a hundred rows comes near this; whatever is longer is not read on.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How often one request is sent in all, where its failures may pass.
const TRIES: u32 = 3;

/// How many requests of one poll may be sent again.
const RETRIES_PER_POLL: usize = 20;

/// The wait before a request is sent again, to begin with; it doubles, and is jittered.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The commands of Desk that we send; the values of the label `endpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Figures per agent, for whole days.
    DescribeAgentStatistics,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::DescribeAgentStatistics];

    /// The command's name in the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DescribeAgentStatistics => "describe_agent_statistics",
        }
    }
}

/// Who is told about every single request, retries included.
pub trait Observer: Send + Sync {
    /// A request to `endpoint` took `took`, and failed with `failure` or not at all.
    fn request_ended(&self, endpoint: Endpoint, took: Duration, failure: Option<Class>);
}

/// How to ask Desk.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The base URL of the API, then that of its backup if there is one.
    pub hosts: Vec<Url>,
    /// Whose certificates are taken for Desk's, or for a proxy's.
    pub roots: Roots,
    /// Only these agents; all where it is empty.
    pub agent_ids: Vec<String>,
    /// For one request, its whole answer included.
    pub request_timeout: Duration,
    /// Never exceeded over any second.
    pub requests_per_second: usize,
}

/// Asks Desk, over connections that are kept.
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    credentials: Arc<Credentials>,
    pace: Pace,
    /// Which of the hosts answered last.
    host: AtomicUsize,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// A sentence on why TLS or the proxy settings of the environment cannot be used.
    pub fn new(
        settings: Settings,
        credentials: Arc<Credentials>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, String> {
        Ok(Self {
            http: http_client(&settings)?,
            pace: Pace::new(settings.requests_per_second),
            settings,
            credentials,
            host: AtomicUsize::new(0),
            clock,
            observer,
        })
    }

    /// The day's figures of every agent, whole.
    ///
    /// # Errors
    /// The failure that could not be overcome; see [`Error`].
    pub async fn list_agents(&self, day: &DayWindow) -> Result<Listing, Error> {
        self.credentials.refresh().await;
        let poll = AgentPages {
            client: self,
            day: *day,
            retries: AtomicUsize::new(RETRIES_PER_POLL),
        };
        let listing = walk::list(&poll).await?;
        Ok(Listing {
            asked: self.settings.agent_ids.iter().cloned().collect(),
            ..listing
        })
    }

    /// What it signs with.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.credentials.clone()
    }

    /// When the UserSig that is sent expires; `None` where it cannot be read.
    pub fn user_sig_expiry(&self) -> Option<Timestamp> {
        self.credentials.expires_at()
    }

    async fn send(&self, ask: &Ask, user_sig: &Secret) -> Result<Page, Error> {
        let _slot = self.pace.slot().await;
        let started = Instant::now();
        let answer = self.exchange(ask, user_sig).await;
        let failure = answer.as_ref().err().map(Error::class);
        self.observer
            .request_ended(ask.endpoint, started.elapsed(), failure);
        tracing::debug!(
            endpoint = ask.endpoint.as_str(),
            seconds = started.elapsed().as_secs_f64(),
            failure = failure.map(Class::as_str),
            "request ended"
        );
        answer
    }

    async fn exchange(&self, ask: &Ask, user_sig: &Secret) -> Result<Page, Error> {
        let host = self.host.load(Ordering::Relaxed);
        let outcome = self.post(host, ask, user_sig).await;
        if let Err(error) = &outcome
            && error.is_unconnected()
        {
            self.turn_away_from(host);
        }
        self.read(ask, &outcome?)
    }

    /// What an answer says, less our own secrets: Desk may well repeat what it refuses.
    fn read(&self, ask: &Ask, body: &[u8]) -> Result<Page, Error> {
        let conceal = |text: String| self.credentials.conceal(text);
        let mut page =
            wire::decode_after(ask.offset, body).map_err(|error| error.reworded(conceal))?;
        page.unknown_fields = page.unknown_fields.into_iter().map(conceal).collect();
        Ok(page)
    }

    async fn post(&self, host: usize, ask: &Ask, user_sig: &Secret) -> Result<Vec<u8>, Error> {
        let response = self
            .http
            .post(self.url(host, ask.endpoint)?)
            .query(&[
                (
                    "sdkappid",
                    self.credentials.sdk_app_id().to_string().as_str(),
                ),
                ("identifier", self.credentials.identifier()),
                ("usersig", user_sig.expose()),
                ("random", fastrand::u32(..).to_string().as_str()),
                ("contenttype", "json"),
            ])
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(ask.body.clone())
            .send()
            .await
            .map_err(network_error)?;
        if response.status() != StatusCode::OK {
            return Err(unexpected_status(response.status()));
        }
        read_bounded(response).await
    }

    fn url(&self, host: usize, endpoint: Endpoint) -> Result<Url, Error> {
        let unusable = || Error::new(Class::Configuration, "the endpoint is no base of a URL");
        let mut url = self
            .settings
            .hosts
            .get(host)
            .cloned()
            .ok_or_else(unusable)?;
        url.path_segments_mut()
            .map_err(|()| unusable())?
            .pop_if_empty()
            .extend(["v4", "desk_http_svc", endpoint.as_str()]);
        Ok(url)
    }

    /// The next request goes to the other host, if there is one and nobody has turned before us.
    fn turn_away_from(&self, host: usize) {
        let other = (host + 1) % self.settings.hosts.len().max(1);
        let turned = self
            .host
            .compare_exchange(host, other, Ordering::Relaxed, Ordering::Relaxed);
        if other != host
            && turned.is_ok()
            && let Some(url) = self.settings.hosts.get(other)
        {
            tracing::info!(
                host = url.host_str(),
                "no connection: turning to the other host"
            );
        }
    }

    fn unix_time(&self) -> i64 {
        self.clock.now().wall.as_second()
    }
}

/// What a request asks for.
struct Ask {
    endpoint: Endpoint,
    /// How many rows it passes over.
    offset: usize,
    body: Bytes,
}

/// One poll's way over the pages of `describe_agent_statistics`.
struct AgentPages<'c> {
    client: &'c Client,
    day: DayWindow,
    retries: AtomicUsize,
}

impl AgentPages<'_> {
    fn ask(&self, offset: usize) -> Result<Ask, Error> {
        let request = wire::Request {
            from: self.day.from_second(),
            to: self.day.to_second(),
            limit: LIMIT,
            offset,
            agent_ids: &self.client.settings.agent_ids,
        };
        let body = serde_json::to_vec(&request)
            .map_err(|error| Error::new(Class::Protocol, error.to_string()))?;
        Ok(Ask {
            endpoint: Endpoint::DescribeAgentStatistics,
            offset,
            body: body.into(),
        })
    }

    fn may_retry(&self) -> bool {
        let take = |left: usize| left.checked_sub(1);
        self.retries
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

impl Pages for AgentPages<'_> {
    async fn page(&self, offset: usize) -> Result<Page, Error> {
        let ask = self.ask(offset)?;
        let mut tries = 0;
        let mut turns_left = self.client.settings.hosts.len().saturating_sub(1);
        let mut is_sig_replaced = false;
        loop {
            let user_sig = self.client.credentials.user_sig(self.client.unix_time())?;
            let sent = self.client.send(&ask, &user_sig).await;
            let Err(error) = sent else { return sent };
            if error.asks_for_fresh_user_sig() && !is_sig_replaced {
                is_sig_replaced = true;
                let now = self.client.unix_time();
                if self.client.credentials.replace(&user_sig, now).await {
                    continue;
                }
            }
            if error.is_unconnected() && turns_left > 0 {
                turns_left -= 1;
                continue;
            }
            tries += 1;
            if !error.is_passing() || tries >= TRIES || !self.may_retry() {
                return Err(error);
            }
            tracing::debug!(%error, offset, "asking for this page again");
            tokio::time::sleep(jittered(FIRST_WAIT * 2_u32.pow(tries - 1))).await;
        }
    }
}

/// Between half and one and a half of `wait`, so that several clients do not return together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64())
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, Error> {
    let promised = response.content_length().unwrap_or_default();
    if promised > LARGEST_ANSWER as u64 {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(usize::try_from(promised).unwrap_or_default());
    while let Some(chunk) = response.chunk().await.map_err(network_error)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn too_large() -> Error {
    Error::new(
        Class::Protocol,
        format!(
            "Desk's answer is larger than {} MiB; the rest was not read",
            LARGEST_ANSWER >> 20
        ),
    )
}

fn unexpected_status(status: StatusCode) -> Error {
    let hint = match status.is_redirection() {
        true => " (redirects are not followed: the URL holds a signature)",
        false => "",
    };
    Error::new(
        Class::Network,
        format!("HTTP status {} instead of 200{hint}", status.as_u16()),
    )
}

/// reqwest's errors name the URL, and with it the UserSig; what lies beneath them does not.
fn network_error(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_connect() {
        return Error::unconnected(format!("no connection: {}", causes(&error)));
    }
    if error.is_timeout() {
        return Error::new(
            Class::Network,
            "no whole answer within TENCENT_DESK_REQUEST_TIMEOUT",
        );
    }
    Error::new(
        Class::Network,
        format!("the connection broke: {}", causes(&error)),
    )
}

fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.join(": ")
}

fn http_client(settings: &Settings) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!(
            env!("CARGO_PKG_NAME"),
            "/",
            env!("CARGO_PKG_VERSION")
        ))
        .redirect(redirect::Policy::none())
        .timeout(settings.request_timeout)
        // A host that swallows packets must leave time for its backup.
        .connect_timeout(settings.request_timeout / 2)
        .tls_backend_preconfigured(tls::client_config(&settings.roots)?);
    if settings.hosts.iter().any(|host| host.scheme() == "http") {
        // Plain HTTP is for loopback only: no proxy, and no resolver, may carry it elsewhere.
        let loopback = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback);
    }
    builder.build().map_err(|error| {
        format!(
            "the HTTP client cannot be made: {}",
            causes(&error.without_url())
        )
    })
}
