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
    /// Its value, where it is set.
    pub(super) value: fn(&Variables) -> Option<&str>,
}

/// Declares each setting as a constant, the table of all of them, and the variables with their values.
macro_rules! settings {
    ($($variable:ident $name:ident $default:literal $meaning:literal;)*) => {
        $(
            pub(super) const $name: Setting = Setting {
                name: stringify!($name),
                default: $default,
                meaning: $meaning,
                value: |variables| variables.$variable.as_deref(),
            };
        )*

        /// All settings, in the order of README.
        pub const SETTINGS: &[Setting] = &[$($name),*];

        /// The variables, each as text.
        ///
        /// envy reads them without interpreting them: it would stop at the first mistake and repeat the value,
        /// which may be a secret in the wrong variable.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct Variables {
            $($variable: Option<String>,)*
        }
    };
}

settings! {
    sdk_app_id SDK_APP_ID "required" "SDKAppID of the application";
    identifier IDENTIFIER "administrator" "an App administrator account";
    secret_key SECRET_KEY "one of these" "the application's key: UserSigs are made and renewed here";
    secret_key_file SECRET_KEY_FILE "one of these" "a file that holds the key; read again when it changes";
    user_sig USER_SIG "one of these" "a UserSig made elsewhere";
    user_sig_file USER_SIG_FILE "one of these" "a file that holds the UserSig; read again when it changes";
    region REGION "china" "china, singapore, seoul, tokyo, frankfurt, silicon-valley or jakarta: picks host and backup host";
    endpoint ENDPOINT "from the region" "another base URL; http:// is accepted for loopback addresses only";
    time_zone TIME_ZONE "Asia/Shanghai" "IANA name of the zone in which Desk counts its days";
    agent_ids AGENT_IDS "all" "comma-separated agent ids to ask for; rows of others are not shown, by any endpoint";
    channels CHANNELS "all" "comma-separated conversation sources to count, as 4 or 10:@account (ChannelType, ChannelId), where an endpoint can tell them apart";
    endpoints ENDPOINTS "all" "comma-separated endpoints of Desk to ask, by their API names";
    poll_interval POLL_INTERVAL "60s" "time from the start of one poll to the start of the next, at least 1s: figures of today";
    realtime_interval REALTIME_INTERVAL "15s" "the same for the figures of now";
    directory_interval DIRECTORY_INTERVAL "5m" "the same for agents' groups and limits";
    status_names STATUS_NAMES "none" "names for Desk's numbers of an agent's status, as 1=free,2=busy,3=rest";
    agent_labels AGENT_LABELS "full" "full: id and nickname; id: no nickname; pseudonym: a keyed hash in place of the id, no nickname";
    pseudonym_key PSEUDONYM_KEY "one of these with pseudonym" "the key of those hashes: the same key gives the same pseudonyms";
    pseudonym_key_file PSEUDONYM_KEY_FILE "one of these with pseudonym" "a file that holds the key; read again when it changes, which gives each agent another pseudonym";
    request_timeout REQUEST_TIMEOUT "10s" "for one request, whole body included (the API's own limit is 3 s)";
    requests_per_second REQUESTS_PER_SECOND "10" "never exceeded, retries included";
    max_staleness MAX_STALENESS "5m, or three intervals where that is longer" "how long the last good poll of today's figures is served while newer ones fail";
    listen_address LISTEN_ADDRESS "[::]:10141" "IPv6 and IPv4; :10141 means the same; several with commas between";
    telemetry_path TELEMETRY_PATH "/metrics" "where the metrics are served";
    web_config_file WEB_CONFIG_FILE "none" "TLS, client certificates, basic auth: the exporter-toolkit's file format";
    log_level LOG_LEVEL "info" "error, warn, info, debug, trace or off, or per-target directives";
    log_format LOG_FORMAT "logfmt" "logfmt or json";
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
    fn each_setting_has_the_value_of_its_variable() {
        for setting in SETTINGS {
            let variables: Variables =
                envy::from_iter([(setting.name.into(), "x".into())]).unwrap();
            assert_eq!((setting.value)(&variables), Some("x"), "{}", setting.name);
        }
    }
}
