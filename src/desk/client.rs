//! Requests to Desk: one at a time, and all that make up an answer.
//!
//! A request goes out at the allowed pace with a fresh random number and the present UserSig; its
//! answer is read up to a limit. What passes by itself is tried again at once, a few times; a host
//! that cannot be reached gives way to its backup; a UserSig that is too old is replaced once.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use hyper::body::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode, Url};

use super::call::{Call, Channel, Request, Start};
use super::codes::Class;
use super::credentials::Credentials;
use super::error::Error;
use super::pace::{Pace, Slot};
use super::paging::{self, Answer, Pages};
use super::reply::{self, Reply};
use crate::base::clock::{Clock, Window};
use crate::base::secret::Secret;
use crate::desk::dial::proxy::Proxy;
use crate::desk::dial::tunnel::Tunnels;
use crate::desk::dial::{self, causes, look_up_failure};
use crate::desk::tls::{self, Roots};

/// No page of a hundred rows comes near this; whatever is longer is not read on.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How often one request is sent in all, where its failures may pass.
const TRIES: u32 = 3;

/// How many requests of one poll may be sent again.
const RETRIES_PER_POLL: usize = 20;

/// The wait before a request is sent again, to begin with; it doubles, and is jittered.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest pause of all requests that a poll under way waits for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is polled: Desk, or a test's script.
pub trait Fetch: Send + Sync {
    /// What it answers to `calls`, one after the other, whole.
    ///
    /// # Errors
    /// The failure that could not be overcome; see [`Error`].
    fn fetch(
        &self,
        calls: &'static [Call],
        window: &Window,
    ) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// When the UserSig that is sent expires; `None` where it cannot be read.
    fn user_sig_expiry(&self) -> Option<Timestamp>;

    /// Sends no request for `time` from now on: Desk is asked too often.
    fn pause(&self, time: Duration);

    /// How long it still sends no request; zero where it does.
    fn paused_for(&self) -> Duration;
}

/// Is told about every single request, retries included.
pub trait Observer: Send + Sync {
    /// A request of `command` took `took`, and failed with `failure` or not at all.
    fn request_ended(&self, command: &'static str, took: Duration, failure: Option<Class>);
}

/// How to ask Desk.
#[derive(Debug)]
pub struct Settings {
    /// The base URL of the API, then that of its backup if there is one.
    pub hosts: Vec<Url>,
    /// Whose certificates are taken for Desk's, or for a proxy's.
    pub roots: Roots,
    /// By which these are asked, if not straight.
    pub proxy: Option<Proxy>,
    /// Only these agents; all where it is empty.
    pub agent_ids: Vec<String>,
    /// Only these channels, where a command can tell them apart; all where it is empty.
    pub channels: Vec<Channel>,
    /// Whether an error repeats what Desk writes in words of its own, which may name a person.
    pub quotes: bool,
    /// For one request, its whole answer included.
    pub request_timeout: Duration,
    /// Never exceeded over any second.
    pub requests_per_second: usize,
}

/// Asks Desk, over connections that are kept.
pub struct Client {
    http: reqwest::Client,
    /// By which it goes, where there is a proxy.
    tunnels: Option<Tunnels>,
    settings: Settings,
    credentials: Arc<Credentials>,
    pace: Pace,
    /// Which of the hosts is asked.
    host: AtomicUsize,
    /// Which of them answered last.
    answering: AtomicUsize,
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

impl Fetch for Client {
    async fn fetch(&self, calls: &'static [Call], window: &Window) -> Result<Answer, Error> {
        self.credentials.refresh_at_most_each_second().await;
        let retries = AtomicUsize::new(RETRIES_PER_POLL);
        let mut whole = Answer::default();
        for call in calls {
            let pages = CallPages {
                client: self,
                call,
                window,
                retries: &retries,
            };
            let asked = call.agents.map_or(0, |_| self.settings.agent_ids.len());
            whole.add(paging::list(call.paging, asked, &pages).await?);
        }
        whole.asked = self.settings.agent_ids.iter().cloned().collect();
        Ok(whole)
    }

    fn pause(&self, time: Duration) {
        self.pace.pause(time);
    }

    fn paused_for(&self) -> Duration {
        self.pace.paused_for()
    }

    fn user_sig_expiry(&self) -> Option<Timestamp> {
        self.credentials.expires_at()
    }
}

impl Client {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// A sentence on why TLS cannot be set up.
    pub fn new(
        mut settings: Settings,
        credentials: Arc<Credentials>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, String> {
        // A host that swallows packets must leave time for its backup.
        let patience = settings.request_timeout / 2;
        let tls = tls::client_config(&settings.roots)?;
        let mut http = dial::client(tls.clone(), patience).timeout(settings.request_timeout);
        let tunnels = settings.proxy.take();
        let tunnels = tunnels.map(|proxy| Tunnels::new(proxy, tls, patience));
        if let Some(tunnels) = &tunnels {
            http = http.proxy(tunnels.rule());
        }
        let http = http.build();
        Ok(Self {
            http: http.map_err(|error| format!("TLS cannot be set up: {}", causes(error)))?,
            tunnels,
            pace: Pace::new(settings.requests_per_second),
            settings,
            credentials,
            host: AtomicUsize::new(0),
            answering: AtomicUsize::new(0),
            clock,
            observer,
        })
    }

    /// What it signs with.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.credentials.clone()
    }

    async fn send(&self, ask: &Ask, user_sig: &Secret) -> Result<Reply, Error> {
        let _slot = self.slot().await?;
        let started = Instant::now();
        let answer = self.exchange(ask, user_sig).await;
        let failure = answer.as_ref().err().map(Error::class);
        self.observer
            .request_ended(ask.call.command, started.elapsed(), failure);
        tracing::debug!(
            endpoint = ask.call.command,
            seconds = started.elapsed().as_secs_f64(),
            failure = failure.map(Class::as_str),
            "request ended"
        );
        answer
    }

    async fn slot(&self) -> Result<Slot, Error> {
        loop {
            let slot = self.pace.slot().await;
            let pause = self.pace.paused_for();
            if pause.is_zero() {
                return Ok(slot);
            }
            if pause > LONGEST_PAUSE {
                return Err(Error::paused(pause));
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn exchange(&self, ask: &Ask, user_sig: &Secret) -> Result<Reply, Error> {
        let host = self.host.load(Ordering::Relaxed);
        let outcome = self.post(host, ask, user_sig).await;
        match &outcome {
            Err(error) if error.is_unconnected() => self.turn_away_from(host),
            _ => self.answered(host),
        }
        let reply = outcome.and_then(|body| reply::decode(ask.call, ask.start, &body));
        reply
            .map(|reply| self.without_secrets_in_names(reply))
            .map_err(|error| self.without_secrets(error))
    }

    /// `error` less our own secrets, which Desk may well repeat, and less what else it repeats where that may
    /// name a person.
    fn without_secrets(&self, error: Error) -> Error {
        let error = error.reworded(|text| self.credentials.conceal(text));
        match self.settings.quotes {
            true => error,
            false => error.unquoted(),
        }
    }

    fn without_secrets_in_names(&self, reply: Reply) -> Reply {
        let names = reply.unknown_fields.into_iter();
        let unknown_fields = names.map(|name| self.credentials.conceal(name)).collect();
        Reply {
            unknown_fields,
            ..reply
        }
    }

    async fn post(&self, host: usize, ask: &Ask, user_sig: &Secret) -> Result<Vec<u8>, Error> {
        let url = self.url(host, ask, user_sig)?;
        let started = Instant::now();
        let sent = self
            .http
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT_ENCODING, "identity")
            .body(ask.body.clone())
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let left = self
                    .settings
                    .request_timeout
                    .saturating_sub(started.elapsed());
                return Err(self.not_sent(error, &url, left).await);
            }
        };
        if response.status() != StatusCode::OK {
            let (status, headers) = (response.status(), response.headers());
            return Err(Error::status(status, headers, self.clock.now().wall.into()));
        }
        read_bounded(response).await
    }

    /// Why there is no answer; a proxy is asked for its reasons within what is `left` of the time.
    async fn not_sent(&self, error: reqwest::Error, to: &Url, left: Duration) -> Error {
        if !error.is_connect() {
            return broke(error);
        }
        if let Some(why) = look_up_failure(&error) {
            return Error::unconnected(format!("no connection: {why}")).with_advice(
                "see that names can be looked up on this machine (DNS: /etc/resolv.conf, the cluster's DNS, a firewall \
                 on port 53); it is tried again by itself",
            );
        }
        if error.is_timeout() {
            let patience = self.settings.request_timeout / 2;
            return Error::unconnected(format!("no connection: not within {patience:?}"));
        }
        if let Some(tunnels) = &self.tunnels
            && let Some((status, headers)) = tunnels.refusal(to, left).await
        {
            return Error::proxy_status(status, &headers, self.clock.now().wall.into());
        }
        Error::unconnected(format!("no connection: {}", causes(error)))
    }

    fn url(&self, host: usize, ask: &Ask, user_sig: &Secret) -> Result<Url, Error> {
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
            .extend(["v4", "desk_http_svc", ask.call.command]);
        url.query_pairs_mut()
            .append_pair("sdkappid", &self.credentials.sdk_app_id().to_string())
            .append_pair("identifier", self.credentials.identifier())
            .append_pair("usersig", user_sig.expose())
            .append_pair("random", &fastrand::u32(..).to_string())
            .append_pair("contenttype", "json");
        Ok(url)
    }

    /// The next request goes to the other host, if there is one.
    fn turn_away_from(&self, host: usize) {
        let other = (host + 1) % self.settings.hosts.len().max(1);
        // Where another request has turned before, that stands.
        let _ = self
            .host
            .compare_exchange(host, other, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Tells that Desk is asked at another host than before: once that one has answered, since where neither can be
    /// reached each request turns to the other.
    fn answered(&self, host: usize) {
        let before = self.answering.swap(host, Ordering::Relaxed);
        if before != host
            && let Some(url) = self.settings.hosts.get(host)
        {
            tracing::info!(
                host = url.host_str(),
                "no connection to the other host: this one is asked from now on"
            );
        }
    }

    fn unix_time(&self) -> i64 {
        self.clock.now().wall.as_second()
    }
}

/// What a request asks for.
struct Ask {
    call: &'static Call,
    start: Start,
    body: Bytes,
}

/// The pages of one call, as one poll asks for them.
struct CallPages<'c> {
    client: &'c Client,
    call: &'static Call,
    window: &'c Window,
    /// How many requests of the poll may still be sent again.
    retries: &'c AtomicUsize,
}

impl CallPages<'_> {
    fn ask(&self, start: Start) -> Result<Ask, Error> {
        let settings = &self.client.settings;
        let request = Request {
            call: self.call,
            window: self.window,
            start,
            agent_ids: &settings.agent_ids,
            channels: &settings.channels,
        };
        let body = serde_json::to_vec(&request)
            .map_err(|error| Error::new(Class::Protocol, error.to_string()))?;
        Ok(Ask {
            call: self.call,
            start,
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

impl Pages for CallPages<'_> {
    async fn page(&self, start: Start) -> Result<Reply, Error> {
        let ask = self.ask(start)?;
        let mut tries = 0;
        let mut turns_left = self.client.settings.hosts.len().saturating_sub(1);
        let mut is_sig_replaced = false;
        loop {
            let user_sig = self.client.credentials.user_sig(self.client.unix_time());
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
            tracing::debug!(%error, endpoint = self.call.command, rows = start.rows, "asking for this page again");
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
    while let Some(chunk) = response.chunk().await.map_err(broke)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    plain(response.headers(), body)
}

/// An answer as it was before it was coded. It was asked for as it is, and some gateways do not heed
/// that; others take the coding away and leave its name, or the other way round.
fn plain(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, Error> {
    const GZIP: &[u8] = b"\x1f\x8b";

    let unreadable = |what: String| Err(Error::new(Class::Protocol, what));
    if body.starts_with(GZIP) {
        let mut inflated = Vec::new();
        let mut limited = MultiGzDecoder::new(&*body).take(LARGEST_ANSWER as u64 + 1);
        return match limited.read_to_end(&mut inflated) {
            Ok(length) if length > LARGEST_ANSWER => Err(too_large()),
            Ok(_) => Ok(inflated),
            Err(error) => unreadable(format!("the answer's gzip cannot be read: {error}")),
        };
    }
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let codings: Vec<_> = codings.filter_map(|coding| coding.to_str().ok()).collect();
    let codings = codings.join(", ");
    let is_ours = |coding: &str| {
        let known = ["", "identity", "gzip", "x-gzip"];
        known
            .iter()
            .any(|known| coding.trim().eq_ignore_ascii_case(known))
    };
    match codings.split(',').all(is_ours) {
        true => Ok(body),
        false => {
            let what = "the answer has a Content-Encoding that was not asked for";
            Err(Error::new(Class::Protocol, what).quoting(&codings))
        }
    }
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

/// Why an answer did not come, or not whole, over a connection that there was.
fn broke(error: reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::new(Class::Configuration, "the endpoint makes no URL");
    }
    let what = match error.is_timeout() {
        true => "no whole answer within TENCENT_DESK_REQUEST_TIMEOUT".to_owned(),
        false => format!("the connection broke: {}", causes(error)),
    };
    Error::new(Class::Network, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    fn coded(coding: Option<&str>, body: Bytes) -> Result<Vec<u8>, Error> {
        let mut headers = HeaderMap::new();
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
        }
        plain(&headers, body.into())
    }

    #[test]
    fn gzip_that_nobody_asked_for_is_understood_and_another_coding_is_named() {
        for coding in [None, Some("gzip"), Some("X-GZip"), Some("identity")] {
            assert_eq!(coded(coding, gzip(b"{}")).unwrap(), b"{}");
            assert_eq!(coded(coding, Bytes::from_static(b"{}")).unwrap(), b"{}");
        }
        let members = [gzip(b"{"), gzip(b"}")].concat();
        assert_eq!(coded(None, members.into()).unwrap(), b"{}");
        for coding in ["br", "deflate", "zstd", "gzip, br"] {
            let error = coded(Some(coding), Bytes::from_static(b"\x0b\x02")).unwrap_err();
            assert_eq!(error.class(), Class::Protocol);
            assert!(error.to_string().contains(coding), "{error}");
        }
        let cut = gzip(b"{}").slice(..15);
        assert!(coded(None, cut).unwrap_err().to_string().contains("gzip"));
    }

    #[test]
    fn a_small_answer_that_inflates_without_end_is_too_large() {
        let bomb = gzip(&vec![b' '; LARGEST_ANSWER + 1]);
        assert!(bomb.len() < 100_000);
        let error = coded(Some("gzip"), bomb).unwrap_err();
        assert_eq!(
            (error.class(), error.to_string()),
            (Class::Protocol, too_large().to_string())
        );
        assert!(coded(None, gzip(&vec![b' '; LARGEST_ANSWER])).is_ok());
    }
}
