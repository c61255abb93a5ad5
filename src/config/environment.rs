//! The environment's variables, and flags over them, as text.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::account::{Account, parse_zone};
use super::logging::Logging;
use super::polling::Polling;
use super::reader::Reader;
use super::serving::{self, Serving};
use super::settings::{self, PREFIX, SETTINGS, Variables};
use super::shown::{Shown, shown};
use super::systemd::Credentials;
use super::{Config, DemoConfig, HealthConfig, Mistakes, kubernetes};
use crate::base::logging::LogFormat;
use crate::base::secret::looks_secret;
use crate::base::spelling;
use crate::desk::dial::proxy;
use crate::desk::tls::{self, RootPaths};

/// The settings that are set, and the variables of other programs that count here too.
#[derive(Debug, Default)]
pub struct Environment {
    /// By name without the prefix.
    values: BTreeMap<String, String>,
    root_paths: RootPaths,
    proxies: proxy::Variables,
    credentials: Credentials,
    reader: Reader,
}

impl Environment {
    /// Takes the settings out of `variables`; those of other programs need not be UTF-8.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let name = name.to_string_lossy();
            environment.proxies.take(&name, &value);
            match name.as_ref() {
                "CREDENTIALS_DIRECTORY" => environment.credentials.0 = Some(value),
                tls::CERT_FILE => environment.root_paths.file = Some(value),
                tls::CERT_DIR => environment.root_paths.folders = Some(value),
                name => {
                    if let Some(name) = name.strip_prefix(PREFIX) {
                        environment.take(name, value);
                    }
                }
            }
        }
        environment
    }

    fn take(&mut self, name: &str, value: OsString) {
        if !SETTINGS.iter().any(|setting| setting.name == name) {
            self.reader.misspelt.extend(warning_about(name, &value));
            return;
        }
        match value.into_string() {
            Ok(value) => self.set(name, value),
            Err(_) => self
                .reader
                .mistake(name, "is not UTF-8; write it as UTF-8 text"),
        }
    }

    /// Sets the variable `name` (without the prefix), as a flag does. An empty value changes nothing.
    pub fn set(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// Sets the variable `name` (without the prefix), if it is not set.
    pub fn set_default(&mut self, name: &str, value: &str) {
        let entry = self.values.entry(name.to_owned());
        entry.or_insert_with(|| value.to_owned());
    }

    /// The format of the log, if one is chosen that exists.
    pub fn chosen_log_format(&self) -> Option<LogFormat> {
        let chosen = self.values.get("LOG_FORMAT")?;
        LogFormat::parse(spelling::trimmed(chosen)).ok()
    }

    /// The configuration of `serve` and `check`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn config(mut self) -> Result<Config, Mistakes> {
        self.credentials.add_to(&mut self.values, &mut self.reader);
        let mut settings = shown(&self.values);
        let v = self.variables();
        let mut reader = self.reader;
        let account = Account::read(&mut reader, &v, self.root_paths, &self.proxies);
        let proxy = account.as_ref().and_then(|account| account.proxy.as_ref());
        settings.extend(proxy.map(Shown::proxy));
        let polling = Polling::read(&mut reader, &v);
        let serving = Serving::read(&mut reader, &v);
        let logging = Logging::read(&mut reader, &v);
        reader.finish(|warnings| {
            Some(Config {
                account: account?,
                polling,
                serving,
                logging,
                settings,
                warnings,
            })
        })
    }

    /// The configuration of `demo`. Of the account's settings it has `TIME_ZONE` alone.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn demo(mut self) -> Result<DemoConfig, Mistakes> {
        self.credentials.add_to(&mut self.values, &mut self.reader);
        let settings = shown(&self.values);
        let v = self.variables();
        let mut reader = self.reader;
        let time_zone = reader.read_if_set("TIME_ZONE", &v.time_zone, parse_zone);
        let polling = Polling::read(&mut reader, &v);
        let serving = Serving::read(&mut reader, &v);
        let logging = Logging::read(&mut reader, &v);
        reader.finish(|warnings| {
            Some(DemoConfig {
                time_zone,
                polling,
                serving,
                logging,
                settings,
                warnings,
            })
        })
    }

    /// The configuration of `health`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn health(mut self) -> Result<HealthConfig, Mistakes> {
        let v = self.variables();
        let mut reader = self.reader;
        let listen_addresses = serving::listen_addresses(&mut reader, &v);
        reader.finish(|_| {
            Some(HealthConfig {
                listen_addresses,
                has_web_config: v.web_config_file.is_some(),
            })
        })
    }

    /// The values, by field. Only known names with text in them are there, so that this cannot fail.
    fn variables(&mut self) -> Variables {
        envy::from_iter(std::mem::take(&mut self.values)).unwrap_or_default()
    }
}

/// Tells that `name` is no setting, unless Kubernetes set it.
fn warning_about(name: &str, value: &OsStr) -> Option<String> {
    if kubernetes::injects(name, &value.to_string_lossy()) {
        return None;
    }
    let shown = match looks_secret(name) {
        true => "… (it looks like a secret)",
        false => name,
    };
    Some(format!(
        "{PREFIX}{shown} is no setting and is ignored; the nearest that is known is {PREFIX}{}",
        settings::nearest(name)
    ))
}
