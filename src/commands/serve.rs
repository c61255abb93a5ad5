//! The parts put together: from a configuration to a poller and a server that run until told to stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts as Head;
use hyper::{Request, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::base::clock::{Clock, SystemClock};
use crate::base::descriptors;
use crate::base::secret::Secret;
use crate::config::{Account, Config, Program};
use crate::demo::desk::Desk;
use crate::desk::credentials::{Credentials, Proof, SecretSource};
use crate::desk::tls::Roots;
use crate::desk::{self, Client};
use crate::exposition::page::Demand;
use crate::http::response::ResponseBody;
use crate::http::routes::Site;
use crate::http::server;
use crate::http::systemd;
use crate::http::web::access::Access;
use crate::http::web::reload::WebConfigFile;
use crate::poll::poller::{self, Poller};
use crate::status::board::Heartbeat;
use crate::status::meters::Meters;

/// How often the demo polls where nothing else is set.
pub const DEMO_INTERVAL: &str = "5s";

/// What signs the demo's requests: the simulated Desk looks at no signature.
const DEMO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Polls and serves until `stop` ends, then lets scrapes under way finish. `announce` is told the
/// first address once all are listened on; the files of secrets and of the web configuration are read at
/// once when `reread` changes.
///
/// # Errors
/// A sentence on why it cannot start, or had to stop by itself. A Desk that is down or refuses is
/// no reason: that is what the metrics are for.
pub async fn serve(
    config: Config,
    announce: impl FnOnce(SocketAddr),
    reread: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let Config { program, account } = config;
    descriptors::raise();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let meters = Meters::new(program.poll_interval, Timestamp::now())
        .map(Arc::new)
        .map_err(|error| format!("the exporter's own metrics cannot be set up: {error}"))?;
    let heartbeat = Arc::new(Heartbeat::new(clock.now()));
    let (address, listeners) = bind(&program).await?;
    announce(address);
    let settings = poller::Settings {
        time_zone: account.time_zone.clone(),
        interval: program.poll_interval,
        max_staleness: program.max_staleness,
    };
    let client = client(&program, account, clock.clone(), meters.clone())?;
    let rereading = tokio::spawn(reread_secret(client.credentials(), reread.clone()));
    let demand = Arc::new(Demand::new(clock.now()));
    let (poller, state) = Poller::new(
        client,
        settings,
        clock.clone(),
        meters.clone(),
        heartbeat.clone(),
        demand.clone(),
    );
    let site = Site::new(
        state,
        heartbeat.clone(),
        meters.clone(),
        demand,
        clock.clone(),
        &program.telemetry_path,
    )
    .map_err(|error| format!("the server cannot be set up: {error}"))?;
    let mut polling = tokio::spawn(poller.run());
    let mut outcome = Ok(());
    let stop = async {
        tokio::select! {
            () = stop => {}
            // It never returns, so it must have panicked; without it figures would only grow old.
            _ = &mut polling => outcome = Err("the poll loop has ended by itself".to_owned()),
            _ = systemd::attend(heartbeat, clock) => {}
        }
        systemd::stopping().await;
    };
    match program.web {
        None => listen(listeners, site, stop).await,
        Some(web) => listen_guarded(listeners, site, web, meters, reread, stop).await?,
    }
    polling.abort();
    rereading.abort();
    tracing::info!("stopped");
    outcome
}

/// Reads the secret's file at once, whenever `reread` changes.
async fn reread_secret(credentials: Arc<Credentials>, mut reread: watch::Receiver<()>) {
    while reread.changed().await.is_ok() {
        credentials.refresh().await;
    }
}

/// Serves every client, without encryption.
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
    let keep_fresh = tokio::spawn(keep_fresh);
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
    keep_fresh.abort();
    Ok(())
}

async fn answer(site: &Site, head: &Head) -> Response<ResponseBody> {
    site.answer(&head.method, head.uri.path(), &head.headers)
        .await
}

/// Polls a simulated Desk inside this process, which counts its days in `time_zone`, and serves what
/// it says, until `stop` ends.
///
/// # Errors
/// As [`serve`].
pub async fn demo(
    program: Program,
    time_zone: TimeZone,
    announce: impl FnOnce(SocketAddr),
    reread: watch::Receiver<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let no_desk =
        |error: io::Error| format!("the simulated Desk cannot listen on loopback: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(no_desk)?;
    let address = listener.local_addr().map_err(no_desk)?;
    let desk = Desk::new(time_zone.clone(), Arc::new(SystemClock));
    tokio::spawn(desk.serve(listener));
    let proof = Proof::Key(SecretSource::Given(Secret::new(DEMO_KEY)));
    let account = Account {
        hosts: vec![Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?],
        credentials: Credentials::new(1_400_000_000, "administrator".to_owned(), proof)?,
        roots: Roots::default(),
        agent_ids: Vec::new(),
        channels: Vec::new(),
        time_zone,
        proxy: None,
    };
    serve(Config { program, account }, announce, reread, stop).await
}

/// A client for `account`, as `program` is configured.
///
/// # Errors
/// As [`Client::new`].
pub fn client(
    program: &Program,
    account: Account,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
) -> Result<Client, String> {
    let settings = desk::Settings {
        hosts: account.hosts,
        roots: account.roots,
        proxy: account.proxy,
        agent_ids: account.agent_ids,
        request_timeout: program.request_timeout,
        requests_per_second: program.requests_per_second,
    };
    Client::new(settings, Arc::new(account.credentials), clock, meters)
}

/// Listens on all that is configured or handed over; first the address of the first.
async fn bind(program: &Program) -> Result<(SocketAddr, Vec<TcpListener>), String> {
    let mut listeners = systemd::listeners()?;
    if listeners.is_empty() {
        for address in &program.listen_addresses {
            let listener = address.bind().await.map_err(|error| {
                format!(
                    "cannot listen on {address}: {error}; set TENCENT_DESK_LISTEN_ADDRESS (--web.listen-address) to \
                     one that is free"
                )
            })?;
            listeners.push(listener);
        }
    }
    let tls = program.web.as_ref().is_some_and(WebConfigFile::has_tls);
    let mut addresses = Vec::new();
    for listener in &listeners {
        let address = listener.local_addr();
        let address =
            address.map_err(|error| format!("a socket to listen on has no address: {error}"))?;
        tracing::info!(%address, path = program.telemetry_path, tls, "listening");
        addresses.push(address);
    }
    match addresses.first() {
        Some(first) => Ok((*first, listeners)),
        None => Err("there is no address to listen on".to_owned()),
    }
}
