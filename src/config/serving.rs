//! Where the metrics are served, and to whom.

use std::path::PathBuf;

use super::reader::Reader;
use super::settings::{LISTEN_ADDRESS, TELEMETRY_PATH, WEB_CONFIG_FILE};
use crate::base::files;
use crate::http::listen::ListenAddress;
use crate::http::routes;
use crate::http::web::reload::WebConfigFile;

/// Settings of the HTTP server.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The addresses to listen on.
    pub listen_addresses: Vec<ListenAddress>,
    /// The path of the metrics.
    pub telemetry_path: String,
    /// TLS and passwords; none without a web configuration.
    pub web: Option<WebConfigFile>,
}

impl Serving {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            listen_addresses: listen_addresses(reader),
            telemetry_path: reader.read(TELEMETRY_PATH, parse_path),
            web: web(reader),
        }
    }
}

pub(super) fn listen_addresses(reader: &mut Reader) -> Vec<ListenAddress> {
    reader.read(LISTEN_ADDRESS, ListenAddress::parse_list)
}

/// The web configuration, if one is set.
fn web(reader: &mut Reader) -> Option<WebConfigFile> {
    let path = reader.read_if_set(WEB_CONFIG_FILE, |path| Ok(PathBuf::from(path)))?;
    let what = format!("{}, or a file that it names,", files::shown(&path));
    let read = files::in_time(&what, move || WebConfigFile::read(&path));
    match read.unwrap_or_else(|why| Err(vec![why])) {
        Ok(web) => {
            for warning in &web.loaded.warnings {
                reader.warning(WEB_CONFIG_FILE, warning);
            }
            Some(web)
        }
        Err(mistakes) => {
            for mistake in mistakes {
                reader.mistake(WEB_CONFIG_FILE, &mistake);
            }
            None
        }
    }
}

fn parse_path(text: &str) -> Result<String, String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c);
    if text.starts_with('/') && !routes::is_taken(text) && text.chars().all(is_legal) {
        return Ok(text.to_owned());
    }
    Err(
        "is no path for the metrics; write one that starts with / and is not taken, as /metrics"
            .to_owned(),
    )
}
