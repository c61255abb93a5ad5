//! `health`: asks the exporter that runs here, for containers that have no shell and no curl.
//!
//! It has no password and no client certificate. Where a web configuration asks for them, a
//! refusal is a sign of life too: the process accepts, shakes hands and answers. Whether the poll
//! loop turns is then left to the watchdog, or to an alert on `tencent_desk_up`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::select_ok;
use reqwest::StatusCode;
use rustls::ClientConfig;

use super::Failure;
use crate::config::{Environment, HealthConfig};
use crate::desk::dial::{self, causes};
use crate::desk::tls::{self, AnyServer};
use crate::http::listen::ListenAddress;

/// An exporter on the same machine answers within this, or is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `health`.
///
/// # Errors
/// Why the exporter is not healthy, or cannot be asked.
pub(super) fn run(environment: Environment) -> Result<(), Failure> {
    let config = environment.health()?;
    Ok(super::block_on(super::runtime()?, ask(&config))?)
}

/// Asks what listens on `addresses` for `/-/healthy`, on all at once: one that is reachable is enough.
/// Over TLS first where it may have that, since there is a web configuration (`is_guarded`).
///
/// # Errors
/// A sentence on why it is not healthy.
async fn ask(config: &HealthConfig) -> Result<(), String> {
    let asked = config
        .listen_addresses
        .iter()
        .map(|address| Box::pin(ask_one(address, config.has_web_config)));
    select_ok(asked).await.map(|((), _)| ())
}

async fn ask_one(address: &ListenAddress, is_guarded: bool) -> Result<(), String> {
    let url = |scheme: &str| format!("{scheme}://{}/-/healthy", address.reachable());
    let server = Arc::new(AnyServer::default());
    let config = tls::trusting_client_config(server.clone())?;
    if !is_guarded {
        let answer = get(&url("http"), config).await;
        return judge(&url("http"), answer, false);
    }
    let answer = get(&url("https"), config.clone()).await;
    let has_tls = server.was_met.load(Ordering::Acquire);
    match answer {
        // It showed its certificate, and wants to see ours.
        Err(error) if has_tls && !error.is_timeout() => Ok(()),
        Err(error) if !error.is_timeout() => {
            judge(&url("http"), get(&url("http"), config).await, true)
        }
        answer => judge(&url("https"), answer, true),
    }
}

async fn get(url: &str, config: ClientConfig) -> reqwest::Result<StatusCode> {
    let client = dial::client(config, PATIENCE).timeout(PATIENCE).build()?;
    Ok(client.get(url).send().await?.status())
}

fn judge(url: &str, answer: reqwest::Result<StatusCode>, is_guarded: bool) -> Result<(), String> {
    let status = answer.map_err(|error| match error.is_timeout() {
        true => format!("{url} does not answer within {PATIENCE:?}"),
        false => format!("{url} does not answer: {}", causes(error)),
    })?;
    let refusals = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
    match status.is_success() || (is_guarded && refusals.contains(&status)) {
        true => Ok(()),
        false => Err(format!("{url} answers with status {}", status.as_u16())),
    }
}
