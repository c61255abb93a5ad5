//! From the environment to a [`Config`], with every mistake found at once.
//!
//! [`SETTINGS`] is the table of all settings: `--help`, the README's table and the search for the
//! nearest known name follow from it or are checked against it. envy turns the variables into one
//! flat struct of texts; what each must be is decided here, because envy stops at the first mistake
//! and repeats the value. Values are never repeated: one of them may be a key in the wrong place.

mod kubernetes;
mod list;
mod polling;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use reqwest::Url;
use serde::Deserialize;

use crate::base::duration;
use crate::base::logging::{Directives, Format};
use crate::base::secret::{Secret, looks_secret};
use crate::base::{files, spelling, zones};
use crate::desk::credentials::{Credentials, Proof, SecretSource};
use crate::desk::dial::proxy::{self, Proxy};
use crate::desk::tls::{self, Roots};
use crate::http::listen::ListenAddress;
use crate::http::routes;
use crate::http::web::reload::WebConfigFile;

use list::List;
pub use polling::{Channel, ENDPOINTS};

/// What the names of all variables begin with.
pub const PREFIX: &str = "TENCENT_DESK_";

/// One setting, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable's name, less the prefix.
    pub name: &'static str,
    /// What it is where the variable is not set.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        default,
        meaning,
    }
}

/// All settings, in the order of the README.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("SDK_APP_ID", "required", "SDKAppID of the application"),
    setting("IDENTIFIER", "administrator", "an App administrator account"),
    setting("SECRET_KEY", "one of these", "the application's key: UserSigs are made and renewed here"),
    setting("SECRET_KEY_FILE", "one of these", "a file that holds the key; read again when it changes"),
    setting("USER_SIG", "one of these", "a UserSig made elsewhere"),
    setting("USER_SIG_FILE", "one of these", "a file that holds the UserSig; read again when it changes"),
    setting("REGION", "china", "china, singapore, seoul, tokyo, frankfurt, silicon-valley or jakarta: picks host and backup host"),
    setting("ENDPOINT", "from the region", "another base URL; http:// is accepted for loopback addresses only"),
    setting("TIME_ZONE", "Asia/Shanghai", "IANA name of the zone in which Desk counts its days"),
    setting("AGENT_IDS", "all", "comma-separated agent ids to ask for; rows of others are not shown, by any endpoint"),
    setting("CHANNELS", "all", "comma-separated conversation sources to count, as 4 or 10:@account (ChannelType, ChannelId), where an endpoint can tell them apart"),
    setting("ENDPOINTS", "all", "comma-separated endpoints of Desk to ask, by their API names"),
    setting("POLL_INTERVAL", "60s", "time from the start of one poll to the start of the next, at least 1s: figures of today"),
    setting("REALTIME_INTERVAL", "15s", "the same for the figures of now"),
    setting("DIRECTORY_INTERVAL", "5m", "the same for agents' groups and limits"),
    setting("STATUS_NAMES", "none", "names for Desk's numbers of an agent's status, as 1=free,2=busy,3=rest"),
    setting("REQUEST_TIMEOUT", "10s", "for one request, whole body included (the API's own limit is 3 s)"),
    setting("REQUESTS_PER_SECOND", "10", "never exceeded, retries included"),
    setting("MAX_STALENESS", "5m, or three intervals where that is longer", "how long the last good poll of today's figures is served while newer ones fail"),
    setting("LISTEN_ADDRESS", "[::]:10141", "IPv6 and IPv4; :10141 means the same; several with commas between"),
    setting("TELEMETRY_PATH", "/metrics", "where the metrics are served"),
    setting("WEB_CONFIG_FILE", "none", "TLS, client certificates, basic auth: the exporter-toolkit's file format"),
    setting("LOG_LEVEL", "info", "error, warn, info, debug, trace or off, or per-target directives"),
    setting("LOG_FORMAT", "logfmt", "logfmt or json"),
];

/// The variables as they are; a test holds them against [`SETTINGS`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Variables {
    sdk_app_id: Option<String>,
    identifier: Option<String>,
    secret_key: Option<String>,
    secret_key_file: Option<String>,
    user_sig: Option<String>,
    user_sig_file: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    time_zone: Option<String>,
    agent_ids: Option<String>,
    channels: Option<String>,
    endpoints: Option<String>,
    poll_interval: Option<String>,
    realtime_interval: Option<String>,
    directory_interval: Option<String>,
    status_names: Option<String>,
    request_timeout: Option<String>,
    requests_per_second: Option<String>,
    max_staleness: Option<String>,
    listen_address: Option<String>,
    telemetry_path: Option<String>,
    web_config_file: Option<String>,
    log_level: Option<String>,
    log_format: Option<String>,
}

/// Hosts of the gateway and their backups, by data centre (the gateway's page on its REST API).
const REGIONS: &[(&str, &str, &str)] = &[
    ("china", "console.tim.qq.com", "adminapi.my-imcloud.com"),
    (
        "singapore",
        "adminapisgp.im.qcloud.com",
        "adminapisgp.my-imcloud.com",
    ),
    (
        "seoul",
        "adminapikr.im.qcloud.com",
        "adminapikr.my-imcloud.com",
    ),
    (
        "tokyo",
        "adminapijpn.im.qcloud.com",
        "adminapijpn.my-imcloud.com",
    ),
    (
        "frankfurt",
        "adminapiger.im.qcloud.com",
        "adminapiger.my-imcloud.com",
    ),
    (
        "silicon-valley",
        "adminapiusa.im.qcloud.com",
        "adminapiusa.my-imcloud.com",
    ),
    (
        "jakarta",
        "adminapiidn.im.qcloud.com",
        "adminapiidn.my-imcloud.com",
    ),
];

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Settings of the program itself: those that the demo has too (which heeds the time zone besides).
#[derive(Debug, Clone)]
pub struct Program {
    /// Which of [`ENDPOINTS`] are polled, in their order.
    pub endpoints: Vec<&'static str>,
    /// From the start of one poll of today's figures to the start of the next.
    pub poll_interval: Duration,
    /// The same of the figures of now.
    pub realtime_interval: Duration,
    /// The same of agents' groups and limits.
    pub directory_interval: Duration,
    /// Names of `MemberStatus`, by its number.
    pub status_names: BTreeMap<i64, String>,
    /// For one request, its whole answer included.
    pub request_timeout: Duration,
    /// Never exceeded over any second.
    pub requests_per_second: usize,
    /// How long a good poll is served while newer ones fail.
    pub max_staleness: Duration,
    /// Where to serve.
    pub listen_addresses: Vec<ListenAddress>,
    /// Where the metrics are.
    pub telemetry_path: String,
    /// What is logged.
    pub log_level: Directives,
    /// How it is logged.
    pub log_format: Format,
    /// Who may scrape, and over TLS or not; everybody, and without, where there is none.
    pub web: Option<WebConfigFile>,
    /// What deserves a word, but is no mistake: to be logged once logging has started.
    pub warnings: Vec<String>,
}

/// Settings of the account that is asked about.
#[derive(Debug)]
pub struct Account {
    /// The base URL of the API, then that of its backup if there is one.
    pub hosts: Vec<Url>,
    /// Who asks, and what proves it.
    pub credentials: Credentials,
    /// Whose certificates are taken for Desk's.
    pub roots: Roots,
    /// Only these agents; all where it is empty.
    pub agent_ids: Vec<String>,
    /// Only these conversation sources; all where it is empty.
    pub channels: Vec<Channel>,
    /// The zone in which Desk counts its days.
    pub time_zone: TimeZone,
    /// By which the hosts are asked, if not straight.
    pub proxy: Option<Proxy>,
}

/// Everything that can be configured.
#[derive(Debug)]
pub struct Config {
    /// The program's part.
    pub program: Program,
    /// The account's part.
    pub account: Account,
}

/// Every mistake in the configuration, a line each: the variable, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

/// Settings by name, less the prefix: those of the environment, and over them those of flags.
#[derive(Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// [`tls::CERT_FILE`] and [`tls::CERT_DIR`], which are not ours alone.
    trust: BTreeMap<&'static str, OsString>,
    proxies: proxy::Variables,
    mistakes: Vec<String>,
    warnings: Vec<String>,
}

impl Environment {
    /// Takes what is ours out of `variables` (of which others need not even be UTF-8).
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            environment.proxies.take(&name.to_string_lossy(), &value);
            let is_named = |known: &&str| name == *known;
            if let Some(known) = [tls::CERT_FILE, tls::CERT_DIR].into_iter().find(is_named) {
                environment.trust.insert(known, value);
            } else if let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) {
                environment.take(name, value);
            }
        }
        environment
    }

    fn take(&mut self, name: &str, value: OsString) {
        if !SETTINGS.iter().any(|setting| setting.name == name) {
            self.warnings.extend(warning_about(name, &value));
            return;
        }
        match value.into_string() {
            Ok(value) => self.set(name, value),
            Err(_) => self.mistakes.push(format!(
                "{PREFIX}{name}: is not UTF-8; write it as UTF-8 text"
            )),
        }
    }

    /// Sets the variable `name` (less the prefix), as a flag does; an empty value counts as none.
    pub fn set(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// Says what the variable `name` (less the prefix) is where it is not set, instead of the
    /// table's default.
    pub fn set_default(&mut self, name: &str, value: &str) {
        let entry = self.values.entry(name.to_owned());
        entry.or_insert_with(|| value.to_owned());
    }

    /// The whole configuration.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn config(mut self) -> Result<Config, Mistakes> {
        let proxies = std::mem::take(&mut self.proxies);
        let trust = std::mem::take(&mut self.trust);
        let (variables, mut mistakes, mut warnings) = self.variables();
        let roots = mistakes.roots(trust, &mut warnings);
        let program = mistakes.program(&variables, warnings);
        let account = mistakes.account(&variables, roots, &proxies);
        mistakes.or(program
            .zip(account)
            .map(|(program, account)| Config { program, account }))
    }

    /// What the demo needs: the program's part, and the zone, where one is set.
    ///
    /// # Errors
    /// Every mistake in these.
    pub fn demo(self) -> Result<(Program, Option<TimeZone>), Mistakes> {
        let (variables, mut mistakes, warnings) = self.variables();
        let program = mistakes.program(&variables, warnings);
        let zone = variables.time_zone.as_ref();
        let time_zone =
            mistakes.read_or("TIME_ZONE", zone, None, |text| parse_zone(text).map(Some));
        mistakes.or(program.zip(time_zone))
    }

    /// Where an exporter of these settings listens, and whether it has a web configuration. That
    /// may be broken by now, while what it was before is still in use: it is not read.
    ///
    /// # Errors
    /// Every mistake in these two.
    pub fn place(self) -> Result<(Vec<ListenAddress>, bool), Mistakes> {
        let (variables, mut mistakes, _) = self.variables();
        let addresses = mistakes.listen_addresses(&variables);
        let is_guarded = variables.web_config_file.is_some();
        mistakes.or(addresses.map(|addresses| (addresses, is_guarded)))
    }

    fn variables(self) -> (Variables, Mistakes, Vec<String>) {
        let mut mistakes = Mistakes(self.mistakes);
        let prefixed = self
            .values
            .into_iter()
            .map(|(name, value)| (format!("{PREFIX}{name}"), value));
        let variables = envy::prefixed(PREFIX)
            .from_iter(prefixed)
            .unwrap_or_else(|_| {
                mistakes.add("*", "the variables cannot be read");
                Variables::default()
            });
        (variables, mistakes, self.warnings)
    }
}

/// A variable of ours that is no setting: a slip, most likely, unless Kubernetes made it.
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
        nearest_setting(name)
    ))
}

/// The setting that was meant, most likely: one with the name's words in it, or one spelled alike.
fn nearest_setting(name: &str) -> &'static str {
    // Of an address people write any part.
    const PARTS: [&str; 4] = ["ADDR", "ADDRESS", "LISTEN", "PORT"];
    let name = name.to_ascii_uppercase();
    if name.split('_').any(|word| PARTS.contains(&word)) {
        return "LISTEN_ADDRESS";
    }
    spelling::nearest(&name, SETTINGS.iter().map(|setting| setting.name)).unwrap_or_default()
}

/// The readers of single values: what is wrong with one goes onto the list, and the next is read.
impl Mistakes {
    fn add(&mut self, name: &str, advice: &str) {
        self.0.push(format!("{PREFIX}{name}: {advice}"));
    }

    /// `value`, if nothing was wrong on the way to it.
    fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    /// What `value` says, or the table's default where it is not set; `None` where it is a mistake.
    fn read<T>(
        &mut self,
        name: &str,
        value: Option<&String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = spelling::trimmed(value.map_or_else(|| default_of(name), String::as_str));
        let parsed = match spelling::in_quotes(text) {
            Some(quotes) => Err(quotes),
            None => parse(text),
        };
        parsed.map_err(|advice| self.add(name, &advice)).ok()
    }

    /// What `value` says, or `default` where it is not set and the table has only words for that.
    fn read_or<T>(
        &mut self,
        name: &str,
        value: Option<&String>,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match value {
            Some(_) => self.read(name, value, parse),
            None => Some(default),
        }
    }

    fn program(&mut self, v: &Variables, mut warnings: Vec<String>) -> Option<Program> {
        let endpoints = self.read("ENDPOINTS", v.endpoints.as_ref(), polling::parse_endpoints);
        let poll_interval = self.interval("POLL_INTERVAL", v.poll_interval.as_ref());
        let realtime_interval = self.interval("REALTIME_INTERVAL", v.realtime_interval.as_ref());
        let directory_interval = self.interval("DIRECTORY_INTERVAL", v.directory_interval.as_ref());
        let status_names = self.read_or(
            "STATUS_NAMES",
            v.status_names.as_ref(),
            BTreeMap::new(),
            polling::parse_status_names,
        );
        let interval = poll_interval.unwrap_or(SECOND);
        let max_staleness = self.read_or(
            "MAX_STALENESS",
            v.max_staleness.as_ref(),
            default_staleness(interval),
            |text| parse_duration(text, interval, DAY),
        );
        let request_timeout = self.read("REQUEST_TIMEOUT", v.request_timeout.as_ref(), |text| {
            parse_duration(text, SECOND / 10, 300 * SECOND)
        });
        let rate = v.requests_per_second.as_ref();
        let requests_per_second = self.read("REQUESTS_PER_SECOND", rate, parse_rate);
        let listen_addresses = self.listen_addresses(v);
        let path = v.telemetry_path.as_ref();
        let telemetry_path = self.read("TELEMETRY_PATH", path, parse_path);
        let log_level = self.read("LOG_LEVEL", v.log_level.as_ref(), Directives::parse);
        let log_format = self.read("LOG_FORMAT", v.log_format.as_ref(), parse_format);
        let web = self.web(v);
        let told = web.iter().flat_map(|web| &web.loaded.warnings);
        warnings.extend(told.map(|warning| format!("{PREFIX}WEB_CONFIG_FILE: {warning}")));
        let (poll_interval, max_staleness) = (poll_interval?, max_staleness?);
        if max_staleness < 2 * poll_interval {
            warnings.push(format!(
                "{PREFIX}MAX_STALENESS is less than two intervals: one poll that fails or takes long takes the figures away"
            ));
        }
        Some(Program {
            endpoints: endpoints?,
            poll_interval,
            realtime_interval: realtime_interval?,
            directory_interval: directory_interval?,
            status_names: status_names?,
            request_timeout: request_timeout?,
            requests_per_second: requests_per_second?,
            max_staleness,
            listen_addresses: listen_addresses?,
            telemetry_path: telemetry_path?,
            log_level: log_level?,
            log_format: log_format?,
            web,
            warnings,
        })
    }

    fn interval(&mut self, name: &str, value: Option<&String>) -> Option<Duration> {
        self.read(name, value, |text| parse_duration(text, SECOND, DAY))
    }

    fn listen_addresses(&mut self, v: &Variables) -> Option<Vec<ListenAddress>> {
        let addresses = v.listen_address.as_ref();
        self.read("LISTEN_ADDRESS", addresses, ListenAddress::parse_list)
    }

    /// The web configuration, read for the first time.
    fn web(&mut self, v: &Variables) -> Option<WebConfigFile> {
        let path = self.path("WEB_CONFIG_FILE", v.web_config_file.as_ref())?;
        let shown = files::shown(&path);
        let read = files::in_time(move || WebConfigFile::read(&path));
        read.unwrap_or_else(|| Err(vec![slow(&format!("{shown}, or a file that it names,"))]))
            .map_err(|mistakes| {
                for mistake in mistakes {
                    self.add("WEB_CONFIG_FILE", &mistake);
                }
            })
            .ok()
    }

    fn path(&mut self, name: &str, value: Option<&String>) -> Option<PathBuf> {
        self.read_or(name, value, None, |path| Ok(Some(PathBuf::from(path))))?
    }

    fn roots(
        &mut self,
        trust: BTreeMap<&'static str, OsString>,
        warnings: &mut Vec<String>,
    ) -> Option<Roots> {
        let find = move || Roots::find(trust.get(tls::CERT_FILE), trust.get(tls::CERT_DIR));
        let found = files::in_time(find);
        match found.unwrap_or_else(|| {
            Err(vec![slow(&format!(
                "what {} or {} names",
                tls::CERT_FILE,
                tls::CERT_DIR
            ))])
        }) {
            Ok((roots, told)) => {
                warnings.extend(told);
                Some(roots)
            }
            Err(mistakes) => {
                self.0.extend(mistakes);
                None
            }
        }
    }

    fn account(
        &mut self,
        v: &Variables,
        roots: Option<Roots>,
        proxies: &proxy::Variables,
    ) -> Option<Account> {
        let sdk_app_id = self.read_or("SDK_APP_ID", v.sdk_app_id.as_ref(), None, |text| {
            parse_app_id(text).map(Some)
        });
        if v.sdk_app_id.is_none() {
            self.add(
                "SDK_APP_ID",
                "is not set; write the SDKAppID that the console shows, as 1400000000",
            );
        }
        let identifier = self.read("IDENTIFIER", v.identifier.as_ref(), parse_identifier);
        let proof = self.proof(v);
        let credentials = sdk_app_id.flatten().zip(identifier).zip(proof).map(
            |((sdk_app_id, identifier), (proof, secret))| {
                Credentials::proven(sdk_app_id, identifier, proof, secret)
            },
        );
        let hosts = self.hosts(v);
        let proxy = hosts.as_deref().map(|hosts| proxies.proxy_for(hosts));
        let proxy = proxy.and_then(|proxy| proxy.map_err(|why| self.0.push(why)).ok());
        let agent_ids = self.read_or("AGENT_IDS", v.agent_ids.as_ref(), Vec::new(), parse_ids);
        let channels = self.read("CHANNELS", v.channels.as_ref(), polling::parse_channels);
        let time_zone = self.read("TIME_ZONE", v.time_zone.as_ref(), parse_zone);
        Some(Account {
            hosts: hosts?,
            credentials: credentials?,
            roots: roots?,
            agent_ids: agent_ids?,
            channels: channels?,
            time_zone: time_zone?,
            proxy: proxy?,
        })
    }

    /// The one proof that is set, and what it is.
    fn proof(&mut self, v: &Variables) -> Option<(Proof, Secret)> {
        let set = [
            ("SECRET_KEY", v.secret_key.as_ref()),
            ("SECRET_KEY_FILE", v.secret_key_file.as_ref()),
            ("USER_SIG", v.user_sig.as_ref()),
            ("USER_SIG_FILE", v.user_sig_file.as_ref()),
        ];
        let set: Vec<_> = set
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(_, value)| !spelling::trimmed(value).is_empty())
            .collect();
        if let [(name, value)] = set[..] {
            let source = match name.ends_with("_FILE") {
                true => SecretSource::File(self.path(name, Some(value))?),
                false => SecretSource::Given(self.read(name, Some(value), Secret::written)?),
            };
            let proof = match name.starts_with("SECRET_KEY") {
                true => Proof::Key(source),
                false => Proof::UserSig(source),
            };
            let secret = self.secret(name, &proof);
            return Some(proof).zip(secret);
        }
        let problem = if set.is_empty() {
            "is not set"
        } else {
            "is not the only one of its kind"
        };
        self.add(
            "SECRET_KEY",
            &format!("{problem}; set exactly one of SECRET_KEY, SECRET_KEY_FILE, USER_SIG and USER_SIG_FILE (each with the prefix {PREFIX})"),
        );
        None
    }

    /// What `proof`, which the variable `name` sets, is for the time being.
    fn secret(&mut self, name: &str, proof: &Proof) -> Option<Secret> {
        let read = match proof.file() {
            None => proof.read(),
            Some(path) => {
                let proof = proof.clone();
                let read = files::in_time(move || proof.read());
                read.unwrap_or_else(|| Err(slow(&files::shown(path))))
            }
        };
        read.map_err(|why| self.add(name, &why)).ok()
    }

    fn hosts(&mut self, v: &Variables) -> Option<Vec<Url>> {
        let region = self.read("REGION", v.region.as_ref(), parse_region);
        let endpoint = self.read_or("ENDPOINT", v.endpoint.as_ref(), None, |text| {
            parse_endpoint(text).map(Some)
        });
        match endpoint? {
            Some(endpoint) => region.map(|_| vec![endpoint]),
            None => region,
        }
    }
}

/// What the table says of a setting that is not set.
fn default_of(name: &str) -> &'static str {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    setting.map_or("", |setting| setting.default)
}

fn parse_duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|parsed| (least..=most).contains(parsed))
        .ok_or_else(|| {
            let (least, most) = (duration::format(least), duration::format(most));
            format!("is no duration from {least} to {most}; write it as 90s, 5m or 1h30m")
        })
}

/// Three intervals, so that one poll that fails takes nothing away, and 5 minutes at least.
fn default_staleness(interval: Duration) -> Duration {
    (3 * interval).max(Duration::from_secs(300))
}

fn parse_rate(text: &str) -> Result<usize, String> {
    let rate = text.parse().ok().filter(|rate| (1..=1000).contains(rate));
    rate.ok_or_else(|| "is no whole number from 1 to 1000; write 10, say".to_owned())
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

fn parse_format(text: &str) -> Result<Format, String> {
    match text {
        "logfmt" => Ok(Format::Logfmt),
        "json" => Ok(Format::Json),
        _ => Err("is no format; write logfmt or json".to_owned()),
    }
}

fn parse_app_id(text: &str) -> Result<u64, String> {
    let id = text.parse::<u32>().ok().filter(|&id| id > 0);
    id.map(u64::from).ok_or_else(|| {
        "is no SDKAppID; write the number that the console shows, as 1400000000".to_owned()
    })
}

/// An account's name has at most 32 letters, digits, `_` and `-` (the official libraries for UserSigs).
fn parse_identifier(text: &str) -> Result<String, String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=32).contains(&text.len()) && text.chars().all(is_legal) {
        return Ok(text.to_owned());
    }
    if looks_secret(text) {
        return Err("looks like a key or a UserSig; write the UserID of an App administrator here, as administrator, and the secret where it belongs".to_owned());
    }
    let what = spelling::one_word(text)
        .err()
        .unwrap_or_else(|| "is no account: that has at most 32 letters, digits, _ or -".to_owned());
    Err(format!(
        "{what}; write the UserID of an App administrator, as administrator"
    ))
}

fn parse_ids(text: &str) -> Result<Vec<String>, String> {
    const LIST: List = List {
        item: "id",
        example: "a@shop.example,b@shop.example",
        unset: "all",
    };
    LIST.parse(text, |id| {
        // An e-mail address may well have an apostrophe inside.
        spelling::one_word(&id.replace('\'', "-")).map(|()| id.to_owned())
    })
}

fn parse_zone(text: &str) -> Result<TimeZone, String> {
    zones::named(text).ok_or_else(|| zones::advice(text))
}

/// Says that a file hangs.
fn slow(what: &str) -> String {
    format!(
        "{what} cannot be read: nothing comes within {}; name a regular file, on a disk that answers",
        duration::format(files::PATIENCE)
    )
}

/// The base URLs of a region's host and of its backup.
fn parse_region(text: &str) -> Result<Vec<Url>, String> {
    let known = REGIONS.iter().find(|(name, ..)| *name == text);
    let hosts = known.and_then(|(_, host, backup)| {
        let urls = [host, backup].map(|host| Url::parse(&format!("https://{host}")).ok());
        urls.into_iter().collect()
    });
    hosts.ok_or_else(|| {
        let names: Vec<_> = REGIONS.iter().map(|(name, ..)| *name).collect();
        format!("is no region; write one of {}", names.join(", "))
    })
}

/// A base URL that may carry a signature: encrypted, or never leaving this machine.
fn parse_endpoint(text: &str) -> Result<Url, String> {
    if polling::parse_endpoints(text).is_ok() {
        return Err("names endpoints, which belong in TENCENT_DESK_ENDPOINTS; write a base URL, as https://host, or unset it for the region's".to_owned());
    }
    let advice = "is no base URL; write https://host, or http:// with a loopback address";
    let url = Url::parse(text).map_err(|_| advice)?;
    let is_bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) if is_bare => Ok(url),
        ("http", Some(host)) if is_bare && is_loopback(host) => Ok(url),
        ("http", Some(_)) => {
            Err("would send the signature in clear text; write https://, http:// is for loopback addresses only".to_owned())
        }
        _ => Err(advice.to_owned()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables
                .iter()
                .map(|(name, value)| (format!("{PREFIX}{name}").into(), (*value).into())),
        )
    }

    fn config(variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
        let mut all = vec![("SDK_APP_ID", "1400000000"), ("SECRET_KEY", "k3y")];
        all.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        all.extend_from_slice(variables);
        environment(&all).config()
    }

    fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
        config(variables).unwrap_err().0
    }

    #[test]
    fn the_table_and_the_struct_name_the_same_settings() {
        let all = SETTINGS
            .iter()
            .map(|setting| (setting.name.to_owned(), "x".to_owned()));
        let variables: Variables = envy::from_iter(all).unwrap();
        let shown = format!("{variables:?}");
        assert!(!shown.contains("None"), "{shown}");
        assert_eq!(shown.matches("Some").count(), SETTINGS.len());
    }

    #[test]
    fn two_variables_are_enough() {
        let config = config(&[]).unwrap();
        assert_eq!(config.program.poll_interval, Duration::from_secs(60));
        assert_eq!(config.program.endpoints, ENDPOINTS);
        assert_eq!(config.program.realtime_interval, Duration::from_secs(15));
        assert_eq!(config.program.directory_interval, Duration::from_secs(300));
        assert!(config.program.status_names.is_empty() && config.account.channels.is_empty());
        assert_eq!(config.program.max_staleness, Duration::from_secs(300));
        assert_eq!(config.program.listen_addresses[0].to_string(), "[::]:10141");
        assert_eq!(config.account.credentials.identifier(), "administrator");
        let hosts: Vec<_> = config.account.hosts.iter().map(Url::as_str).collect();
        assert_eq!(
            hosts,
            [
                "https://console.tim.qq.com/",
                "https://adminapi.my-imcloud.com/"
            ]
        );
    }

    #[test]
    fn every_mistake_is_a_line_that_names_its_variable_and_not_its_value() {
        let lines = mistakes(&[
            ("SDK_APP_ID", "my-v4lue"),
            ("SECRET_KEY", ""),
            ("REGION", "my-v4lue"),
            ("ENDPOINT", "http://my-v4lue.example"),
            ("TIME_ZONE", "my-v4lue"),
            ("POLL_INTERVAL", "999ms"),
            ("REQUEST_TIMEOUT", "my-v4lue"),
            ("REQUESTS_PER_SECOND", "0"),
            ("TELEMETRY_PATH", "my-v4lue"),
            ("LISTEN_ADDRESS", "my-v4lue"),
            ("LOG_LEVEL", "my-v4lue"),
            ("LOG_FORMAT", "my-v4lue"),
            ("IDENTIFIER", "my v4lue"),
            ("AGENT_IDS", " , "),
            ("CHANNELS", "my-v4lue"),
            ("ENDPOINTS", "my-v4lue"),
            ("REALTIME_INTERVAL", "999ms"),
            ("DIRECTORY_INTERVAL", "my-v4lue"),
            ("STATUS_NAMES", "my-v4lue"),
        ]);
        assert_eq!(lines.len(), 19, "{lines:#?}");
        for line in lines {
            assert!(
                line.starts_with(PREFIX) && !line.contains("v4lue"),
                "{line}"
            );
        }
    }

    #[test]
    fn exactly_one_proof_is_needed() {
        assert_eq!(mistakes(&[("SECRET_KEY", "")]).len(), 1);
        assert_eq!(mistakes(&[("SECRET_KEY", " \n")]).len(), 1, "blank");
        assert_eq!(mistakes(&[("USER_SIG", "eJw1")]).len(), 1);
        assert!(config(&[("SECRET_KEY", ""), ("USER_SIG", "eJw1")]).is_ok());
        let missing = mistakes(&[("SECRET_KEY", ""), ("SECRET_KEY_FILE", "/does/not/exist")]);
        assert!(
            missing[0].starts_with("TENCENT_DESK_SECRET_KEY_FILE: cannot open /does/not/exist"),
            "{missing:?}"
        );
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:80/",
            "http://localhost:1",
            "https://a.example",
        ] {
            assert!(config(&[("ENDPOINT", good)]).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example",
            "http://localhost.a.example",
            "http://10.0.0.1",
            "http://[::2]",
            "ftp://127.0.0.1",
            "describe_agent_statistics",
            "https://user:pass@a.example",
            "https://a.example/?x=y",
            "127.0.0.1:8080",
        ] {
            assert_eq!(mistakes(&[("ENDPOINT", bad)]).len(), 1, "{bad}");
        }
    }

    #[test]
    fn figures_are_kept_for_an_interval_at_least() {
        assert_eq!(
            config(&[("POLL_INTERVAL", "10m")])
                .unwrap()
                .program
                .max_staleness,
            Duration::from_secs(1800)
        );
        assert_eq!(
            mistakes(&[("POLL_INTERVAL", "10m"), ("MAX_STALENESS", "9m")]).len(),
            1
        );
        let warnings = |staleness| {
            let both = [("POLL_INTERVAL", "10s"), ("MAX_STALENESS", staleness)];
            config(&both).unwrap().program.warnings.len()
        };
        assert_eq!(
            (warnings("10s"), warnings("19s"), warnings("20s")),
            (1, 1, 0)
        );
    }

    #[test]
    fn a_slip_is_pointed_out_and_what_kubernetes_injects_is_not() {
        let warnings = config(&[
            ("POLL_INTERVALL", "5s"),
            ("EXPORTER_PORT", "tcp://10.0.0.1:10141"),
            ("EXPORTER_PORT_10141_TCP_ADDR", "10.0.0.1"),
            ("EXPORTER_SERVICE_PORT_METRICS", "10141"),
            ("PORT", "tcp://10.0.0.1:10141"),
            ("SERVICE_HOST", "10.0.0.1"),
        ])
        .unwrap()
        .program
        .warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains("TENCENT_DESK_POLL_INTERVAL"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_variable_that_is_not_utf8_matters_only_if_it_is_ours() {
        use std::os::unix::ffi::OsStringExt as _;
        let broken = || OsString::from_vec(vec![0xff]);
        let environment = Environment::new([
            (broken(), broken()),
            ("OTHER".into(), broken()),
            ("TENCENT_DESK_SDK_APP_ID".into(), "1".into()),
            ("TENCENT_DESK_SECRET_KEY".into(), broken()),
        ]);
        let lines = environment.config().unwrap_err().0;
        assert!(
            lines[0].starts_with("TENCENT_DESK_SECRET_KEY: is not UTF-8"),
            "{lines:?}"
        );
    }
}
