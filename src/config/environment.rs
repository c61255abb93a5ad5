//! The environment's variables, and flags over them, as text.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::mem;

use jiff::tz::TimeZone;

use super::account::{Account, parse_zone};
use super::logging::Logging;
use super::polling::Polling;
use super::reader::Reader;
use super::serving::{self, Serving};
use super::settings::{self, PREFIX, SETTINGS};
use super::shown::{Shown, shown};
use super::systemd::Credentials;
use super::{Config, HealthConfig, Mistakes, kubernetes};
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
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            self.reader.misspelt.extend(warning_about(name, &value));
            return;
        };
        match value.into_string() {
            Ok(value) => self.set(name, value),
            Err(_) => self
                .reader
                .mistake(*setting, "is not UTF-8; write it as UTF-8 text"),
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
        let root_paths = mem::take(&mut self.root_paths);
        let proxies = mem::take(&mut self.proxies);
        let mut config = self.read(|reader| Account::read(reader, root_paths, &proxies))?;
        let proxy = config.account.proxy.as_ref();
        config.settings.extend(proxy.map(Shown::proxy));
        Ok(config)
    }

    /// The configuration of `demo`. Of the account's settings it has `TIME_ZONE` alone.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn demo(self) -> Result<Config<Option<TimeZone>>, Mistakes> {
        self.read(|reader| Some(reader.read_if_set(settings::TIME_ZONE, parse_zone)))
    }

    /// The configuration of `health`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn health(self) -> Result<HealthConfig, Mistakes> {
        let mut reader = self.reader();
        let listen_addresses = serving::listen_addresses(&mut reader);
        let has_web_config = reader.is_set(settings::WEB_CONFIG_FILE);
        reader.finish()?;
        Ok(HealthConfig {
            listen_addresses,
            has_web_config,
        })
    }

    /// All that commands which poll have in common, and the account that `account` reads: `None` is a mistake.
    fn read<A>(
        mut self,
        account: impl FnOnce(&mut Reader) -> Option<A>,
    ) -> Result<Config<A>, Mistakes> {
        self.credentials.add_to(&mut self.values, &mut self.reader);
        let settings = shown(&self.values);
        let mut reader = self.reader();
        let account = account(&mut reader);
        let polling = Polling::read(&mut reader);
        let serving = Serving::read(&mut reader);
        let logging = Logging::read(&mut reader);
        let warnings = reader.finish()?;
        Ok(Config {
            account: account.ok_or(Mistakes(Vec::new()))?,
            polling,
            serving,
            logging,
            settings,
            warnings,
        })
    }

    /// A reader of the values. Only known names with text in them are there, so that envy cannot fail.
    fn reader(self) -> Reader {
        Reader {
            variables: envy::from_iter(self.values).unwrap_or_default(),
            ..self.reader
        }
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
