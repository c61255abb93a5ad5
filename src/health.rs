//! `health`: asks the exporter that runs here, for containers that have no shell and no curl.

use std::time::Duration;

use crate::listen::ListenAddress;

/// An exporter on the same machine answers within this, or is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks what listens on `address` for `/-/healthy`.
///
/// # Errors
/// A sentence on why it is not healthy.
pub async fn ask(address: &ListenAddress) -> Result<(), String> {
    let url = format!("http://{}/-/healthy", address.reachable());
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .tls_backend_preconfigured(crate::tls::client_config()?)
        .build()
        .map_err(|error| error.to_string())?;
    let response = client
        .get(&url)
        .send()
        .await
        .map_err(|error| format!("{url} does not answer: {error}"))?;
    match response.status().is_success() {
        true => Ok(()),
        false => Err(format!(
            "{url} answers with status {}",
            response.status().as_u16()
        )),
    }
}
