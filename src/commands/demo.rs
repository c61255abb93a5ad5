//! `demo`: the exporter against a simulated Desk inside the process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::Url;
use tokio::net::TcpListener;

use super::{Failure, serve, signals};
use crate::base::clock::SystemClock;
use crate::base::secret::Secret;
use crate::base::secret_file::SecretSource;
use crate::config::{Account, Environment};
use crate::demo;
use crate::demo::desk::Desk;
use crate::desk::credentials::{Credentials, Proof};
use crate::desk::tls::Roots;
use crate::http::web::reload::WebConfigFile;

/// The default of the intervals of figures.
const INTERVAL: &str = "5s";

/// The key that signs the requests. The simulated Desk verifies no signature.
const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Runs `demo`.
///
/// # Errors
/// Why it ended otherwise than asked.
pub(super) fn run(mut environment: Environment) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let reread = signals::reread(&runtime)?;
    for name in ["POLL_INTERVAL", "REALTIME_INTERVAL"] {
        environment.set_default(name, INTERVAL);
    }
    environment.set_default("STATUS_NAMES", demo::figures::STATUS_NAMES);
    let config = environment.demo()?;
    super::start_logging(&config);
    let now = Timestamp::now();
    let time_zone = config.account.unwrap_or_else(|| demo::zone_for(now));
    let zone = time_zone
        .iana_name()
        .unwrap_or("a zone without a name")
        .to_owned();
    let time = now
        .to_zoned(time_zone.clone())
        .strftime("%H:%M")
        .to_string();
    tracing::info!(
        time_zone = zone,
        local_time = time,
        "a simulated Desk is polled: nothing here is real"
    );
    let path = config.serving.telemetry_path.clone();
    let has_tls = config
        .serving
        .web
        .as_ref()
        .is_some_and(WebConfigFile::has_tls);
    let announce = move |address| {
        let url = base_url(has_tls, address);
        let text = format!(
            "The demo runs, in {zone}, where it is {time}; its agents work from 08:00 to 22:00. Open {url}/ in a browser; the metrics are at {url}{path}. Stop it with Ctrl-C.\n"
        );
        // On a thread of its own: standard output may not be read.
        thread::spawn(move || super::print(&text).ok());
    };
    Ok(super::block_on(runtime, async {
        let account = account(time_zone).await?;
        serve::serve(account, config.polling, config.serving, announce, reread).await
    })?)
}

/// The URL of what listens on `address`, without a path, for a browser on this machine.
fn base_url(has_tls: bool, address: SocketAddr) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    match address.ip().is_unspecified() {
        true => format!("{scheme}://localhost:{}", address.port()),
        false => format!("{scheme}://{address}"),
    }
}

/// Starts a simulated Desk that counts its days in `time_zone`; the account that it knows.
async fn account(time_zone: TimeZone) -> Result<Account, String> {
    let no_desk =
        |error: io::Error| format!("the simulated Desk cannot listen on loopback: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(no_desk)?;
    let address = listener.local_addr().map_err(no_desk)?;
    let desk = Desk::new(time_zone.clone(), Arc::new(SystemClock));
    tokio::spawn(desk.serve(listener));
    let proof = Proof::Key(SecretSource::Given(Secret::new(KEY)));
    Ok(Account {
        hosts: vec![Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?],
        credentials: Credentials::new(1_400_000_000, "administrator".to_owned(), proof)?,
        roots: Roots::default(),
        proxy: None,
        agent_ids: Vec::new(),
        channels: Vec::new(),
        time_zone,
    })
}
