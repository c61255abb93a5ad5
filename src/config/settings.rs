//! The table of all settings. `--help`, README's table and the search for the nearest name are made of it.

use serde::Deserialize;

use crate::base::spelling;

/// The prefix of all variables.
pub const PREFIX: &str = "TENCENT_DESK_";

/// One setting, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable's name without the prefix.
    pub name: &'static str,
    /// The value if the variable is not set, or words for it.
    pub default: &'static str,
    /// What it sets.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        default,
        meaning,
    }
}

/// All settings, in the order of README.
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
    setting("AGENT_LABELS", "full", "full: id and nickname; id: no nickname; pseudonym: a keyed hash in place of the id, no nickname"),
    setting("PSEUDONYM_KEY", "one of these with pseudonym", "the key of those hashes: the same key gives the same pseudonyms"),
    setting("PSEUDONYM_KEY_FILE", "one of these with pseudonym", "a file that holds the key; read again when it changes, which gives each agent another pseudonym"),
    setting("REQUEST_TIMEOUT", "10s", "for one request, whole body included (the API's own limit is 3 s)"),
    setting("REQUESTS_PER_SECOND", "10", "never exceeded, retries included"),
    setting("MAX_STALENESS", "5m, or three intervals where that is longer", "how long the last good poll of today's figures is served while newer ones fail"),
    setting("LISTEN_ADDRESS", "[::]:10141", "IPv6 and IPv4; :10141 means the same; several with commas between"),
    setting("TELEMETRY_PATH", "/metrics", "where the metrics are served"),
    setting("WEB_CONFIG_FILE", "none", "TLS, client certificates, basic auth: the exporter-toolkit's file format"),
    setting("LOG_LEVEL", "info", "error, warn, info, debug, trace or off, or per-target directives"),
    setting("LOG_FORMAT", "logfmt", "logfmt or json"),
];

/// The variables, each as text. A test compares them with [`SETTINGS`].
///
/// envy reads them without interpreting them: it would stop at the first mistake and repeat the value,
/// which may be a secret in the wrong variable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Variables {
    pub sdk_app_id: Option<String>,
    pub identifier: Option<String>,
    pub secret_key: Option<String>,
    pub secret_key_file: Option<String>,
    pub user_sig: Option<String>,
    pub user_sig_file: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    pub time_zone: Option<String>,
    pub agent_ids: Option<String>,
    pub channels: Option<String>,
    pub endpoints: Option<String>,
    pub poll_interval: Option<String>,
    pub realtime_interval: Option<String>,
    pub directory_interval: Option<String>,
    pub status_names: Option<String>,
    pub agent_labels: Option<String>,
    pub pseudonym_key: Option<String>,
    pub pseudonym_key_file: Option<String>,
    pub request_timeout: Option<String>,
    pub requests_per_second: Option<String>,
    pub max_staleness: Option<String>,
    pub listen_address: Option<String>,
    pub telemetry_path: Option<String>,
    pub web_config_file: Option<String>,
    pub log_level: Option<String>,
    pub log_format: Option<String>,
}

/// The default of the setting `name`.
pub(super) fn default_of(name: &str) -> &'static str {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    setting.map_or("", |setting| setting.default)
}

/// The setting that `name` most likely stands for: one spelled alike, or the address where `name` is
/// about a part of one.
pub(super) fn nearest(name: &str) -> &'static str {
    const PARTS: [&str; 4] = ["ADDR", "ADDRESS", "LISTEN", "PORT"];
    let name = name.to_ascii_uppercase();
    if name.split('_').any(|word| PARTS.contains(&word)) {
        return "LISTEN_ADDRESS";
    }
    spelling::nearest(&name, SETTINGS.iter().map(|setting| setting.name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
