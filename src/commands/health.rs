//! `health`: asks the exporter on this machine for `/-/healthy`, for containers without a shell and curl.
//!
//! It has no password and no client certificate. If the web configuration requires one, a refusal
//! counts as healthy: the process accepts connections and answers. That the poll loops turn is then for
//! the watchdog to see, or for an alert on `tencent_desk_up`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::select_ok;
use reqwest::StatusCode;
use rustls::ClientConfig;

use super::Failure;
use crate::config::{Environment, HealthConfig};
use crate::desk::dial::{self, causes};
use crate::desk::harmless;
use crate::desk::tls::{self, AnyServer};
use crate::http::listen::ListenAddress;

/// The time for an answer; longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `health`.
///
/// # Errors
/// Why the exporter is not healthy, or cannot be asked.
pub(super) fn run(environment: Environment) -> Result<(), Failure> {
    let config = environment.health()?;
    Ok(super::block_on(super::runtime()?, ask(&config))?)
}

/// Asks on all addresses at once; one healthy answer is enough.
///
/// # Errors
/// A sentence on why the exporter is not healthy.
async fn ask(config: &HealthConfig) -> Result<(), String> {
    let asked = config
        .listen_addresses
        .iter()
        .map(|address| Box::pin(ask_one(address, config.has_web_config)));
    select_ok(asked).await.map(|((), _)| ())
}

/// Asks on one address: with a web configuration over TLS first, as there may be TLS.
async fn ask_one(address: &ListenAddress, has_web_config: bool) -> Result<(), String> {
    let url = |scheme: &str| format!("{scheme}://{}/-/healthy", address.reachable());
    let server = Arc::new(AnyServer::default());
    let config = tls::trusting_client_config(server.clone())?;
    if !has_web_config {
        let answer = get(&url("http"), config).await;
        return judge(&url("http"), answer, false);
    }
    let answer = get(&url("https"), config.clone()).await;
    let has_tls = server.has_certificate.load(Ordering::Acquire);
    match answer {
        // It sent its certificate and closed the connection: it requires a client certificate.
        Err(error) if has_tls && !error.is_timeout() => Ok(()),
        Err(error) if !error.is_timeout() => {
            judge(&url("http"), get(&url("http"), config).await, true)
        }
        answer => judge(&url("https"), answer, true),
    }
}

/// What it answers: the status, and the first words of the text.
type Answer = (StatusCode, String);

async fn get(url: &str, config: ClientConfig) -> reqwest::Result<Answer> {
    let client = dial::client(config, PATIENCE).timeout(PATIENCE).build()?;
    let mut answer = client.get(url).send().await?;
    // Text that breaks off tells less; the status counts.
    let start = answer.chunk().await.ok().flatten().unwrap_or_default();
    let said = harmless(&String::from_utf8_lossy(&start));
    Ok((answer.status(), said))
}

fn judge(url: &str, answer: reqwest::Result<Answer>, has_web_config: bool) -> Result<(), String> {
    let (status, said) = answer.map_err(|error| match error.is_timeout() {
        true => format!("{url} does not answer within {PATIENCE:?}"),
        false => format!("{url} does not answer: {}", causes(error)),
    })?;
    let refusals = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
    match status.is_success() || (has_web_config && refusals.contains(&status)) {
        true => Ok(()),
        false => Err(format!(
            "{url} answers with status {}: {said}",
            status.as_u16()
        )),
    }
}
