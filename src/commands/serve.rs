//! `serve`: polls Desk and serves the metrics until SIGTERM or SIGINT.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts as Head;
use hyper::{Request, Response};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Failure, signals};
use crate::base::clock::{Clock, SystemClock};
use crate::base::descriptors;
use crate::catalog::{Endpoint, Interval};
use crate::config::{Account, Config, Environment, Polling, Serving};
use crate::desk::credentials::Credentials;
use crate::desk::{self, Client};
use crate::exposition::labels::Labels;
use crate::exposition::page::Demand;
use crate::http::patience::Patience;
use crate::http::response::ResponseBody;
use crate::http::routes::Site;
use crate::http::server;
use crate::http::systemd;
use crate::http::web::access::Access;
use crate::http::web::reload::WebConfigFile;
use crate::poll::{Plan, Poller, Report, Shared, schedule};
use crate::status::board::{Board, Feed};
use crate::status::meters::Meters;

/// Runs `serve`.
///
/// # Errors
/// Why it ended otherwise than asked.
pub(super) fn run(environment: Environment) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let reread = signals::reread(&runtime)?;
    let config = environment.config()?;
    super::start_logging(&config);
    let Config {
        account,
        polling,
        serving,
        ..
    } = config;
    let serve = serve(account, polling, serving, |_| {}, reread);
    Ok(super::block_on(runtime, serve)?)
}

/// Polls and serves until SIGTERM or SIGINT, then lets the scrapes under way finish. Calls `announce`
/// with the first address once it listens on all. Reads the files of secrets and of the web
/// configuration again when `reread` changes.
///
/// # Errors
/// A sentence on why it cannot start, or has stopped by itself.
pub(super) async fn serve(
    account: Account,
    polling: Polling,
    serving: Serving,
    announce: impl FnOnce(SocketAddr),
    reread: watch::Receiver<()>,
) -> Result<(), String> {
    let stop = signals::stop()?;
    descriptors::raise();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let time_zone = account.time_zone.clone();
    let (client, meters) = client(account, &polling, clock.clone())?;
    let plans = plans(&polling);
    let feeds = plans
        .iter()
        .map(|plan| Feed::new(plan.endpoint, plan.interval));
    let board = Arc::new(Board::new(feeds.collect(), clock.now()));
    let handed_over = systemd::listeners()?;
    let patience = (!handed_over.is_empty()).then(Patience::from_now);
    let (address, listeners) = bind(&serving, handed_over).await?;
    announce(address);
    let demand = Arc::new(Demand::new(clock.now()));
    let site = Site::new(
        board.clone(),
        meters.clone(),
        demand.clone(),
        clock.clone(),
        time_zone.clone(),
        &serving.telemetry_path,
        patience,
    );
    let (credentials, labels) = (client.credentials(), polling.labels.clone());
    tokio::spawn(reread_secrets(credentials, labels, reread.clone()));
    let shared = Arc::new(Shared {
        clock: clock.clone(),
        time_zone,
        labels: polling.labels,
        meters: meters.clone(),
        board: board.clone(),
        demand,
        report: Report::default(),
    });
    let client = Arc::new(client);
    let poller = |plan| Poller::new(plan, client.clone(), shared.clone());
    let mut poll_loops: JoinSet<_> = plans.into_iter().map(poller).map(Poller::run).collect();
    let mut outcome = Ok(());
    let stop = async {
        tokio::select! {
            () = stop => {}
            // They have no end, so one has panicked. Without it no figure of its endpoint is renewed.
            _ = poll_loops.join_next() => outcome = Err("a poll loop has ended by itself".to_owned()),
            _ = systemd::notify(board, clock) => {}
        }
        systemd::stopping().await;
    };
    match serving.web {
        None => listen(listeners, site, stop).await,
        Some(web) => listen_guarded(listeners, site, web, meters, reread, stop).await?,
    }
    tracing::info!("stopped");
    outcome
}

fn plans(polling: &Polling) -> Vec<Plan> {
    let plan = |(place, endpoint): (usize, &&'static Endpoint)| {
        let interval = match endpoint.interval {
            Interval::Poll => polling.poll_interval,
            Interval::Realtime => polling.realtime_interval,
            Interval::Directory => polling.directory_interval,
        };
        Plan {
            endpoint,
            place,
            interval,
            good_for: schedule::good_for(endpoint.interval, interval, polling.max_staleness),
        }
    };
    polling.endpoints.iter().enumerate().map(plan).collect()
}

/// Reads the files of secrets each time `reread` changes.
async fn reread_secrets(
    credentials: Arc<Credentials>,
    labels: Arc<Labels>,
    mut reread: watch::Receiver<()>,
) {
    while reread.changed().await.is_ok() {
        credentials.refresh().await;
        labels.agents.refresh().await;
    }
}

/// Serves all clients, without TLS.
async fn listen(listeners: Vec<TcpListener>, site: Site, stop: impl Future<Output = ()>) {
    let answer = move |request: Request<Incoming>, _: IpAddr| {
        let site = site.clone();
        async move { answer(&site, &request.into_parts().0).await }
    };
    server::serve(listeners, answer, stop).await;
}

/// Serves the clients that the web configuration admits.
async fn listen_guarded(
    listeners: Vec<TcpListener>,
    site: Site,
    web: WebConfigFile,
    meters: Arc<Meters>,
    reread: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let report = move |is_good| meters.web_config_read(is_good);
    let (access, keep_fresh) = Access::new(web, reread, report)?;
    tokio::spawn(keep_fresh);
    let changes = access.changes();
    let handshake = {
        let access = access.clone();
        move |stream, peer| access.clone().handshake(stream, peer)
    };
    let answer = move |request: Request<Incoming>, peer: IpAddr| {
        let (site, access) = (site.clone(), access.clone());
        async move {
            let (head, _) = request.into_parts();
            let mut response = match access.refusal(peer, &head.headers).await {
                Some(refusal) => refusal,
                None => answer(&site, &head).await,
            };
            access.add_headers(&mut response);
            response
        }
    };
    server::serve_behind(listeners, handshake, answer, changes, stop).await;
    Ok(())
}

async fn answer(site: &Site, head: &Head) -> Response<ResponseBody> {
    site.answer(&head.method, &head.uri, &head.headers).await
}

/// A client for `account`, and what counts its requests.
///
/// # Errors
/// As [`Client::new`].
pub(super) fn client(
    account: Account,
    polling: &Polling,
    clock: Arc<dyn Clock>,
) -> Result<(Client, Arc<Meters>), String> {
    let meters = Meters::new(&polling.endpoints, Timestamp::now())
        .map(Arc::new)
        .map_err(|error| format!("the exporter's own metrics cannot be set up: {error}"))?;
    let settings = desk::Settings {
        hosts: account.hosts,
        roots: account.roots,
        proxy: account.proxy,
        agent_ids: account.agent_ids,
        channels: account.channels,
        quotes: polling.labels.agents.show_nicknames(),
        request_timeout: polling.request_timeout,
        requests_per_second: polling.requests_per_second,
    };
    let credentials = Arc::new(account.credentials);
    let client = Client::new(settings, credentials, clock, meters.clone())?;
    Ok((client, meters))
}

/// The sockets to listen on, those `handed_over` or else those of the configuration, and the first one's address.
async fn bind(
    serving: &Serving,
    handed_over: Vec<TcpListener>,
) -> Result<(SocketAddr, Vec<TcpListener>), String> {
    let mut listeners = handed_over;
    if listeners.is_empty() {
        for address in &serving.listen_addresses {
            let listener = address.bind().await.map_err(|error| {
                format!(
                    "cannot listen on {address}: {error}; set TENCENT_DESK_LISTEN_ADDRESS (--web.listen-address) to \
                     one that is free"
                )
            })?;
            listeners.push(listener);
        }
    }
    let tls = serving.web.as_ref().is_some_and(WebConfigFile::has_tls);
    let mut addresses = Vec::new();
    for listener in &listeners {
        let address = listener.local_addr();
        let address =
            address.map_err(|error| format!("a socket to listen on has no address: {error}"))?;
        tracing::info!(%address, path = serving.telemetry_path, tls, "listening");
        addresses.push(address);
    }
    match addresses.first() {
        Some(first) => Ok((*first, listeners)),
        None => Err("there is no address to listen on".to_owned()),
    }
}
