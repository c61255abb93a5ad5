//! The configuration: settings of the environment and of flags, and every mistake in them at once.
//!
//! [`Environment`] has the values as text. Each other module reads the settings of one subject; a
//! mistake in one value hides none in another. No message repeats a value: it may be a secret in the
//! wrong variable.

mod account;
mod environment;
mod filter;
mod kubernetes;
mod labels;
mod list;
mod logging;
mod polling;
mod reader;
mod secret;
mod serving;
mod settings;
mod shown;
mod systemd;

pub use account::Account;
pub use environment::Environment;
pub use logging::Logging;
pub use polling::Polling;
pub use serving::Serving;
pub use settings::{PREFIX, SETTINGS, Setting};
pub use shown::Shown;

use crate::http::listen::ListenAddress;

/// The configuration of a command that polls.
#[derive(Debug)]
pub struct Config<A = Account> {
    /// Which application of Desk is polled; of `demo`, the zone of the simulated Desk, if one is set.
    pub account: A,
    /// What is polled, and when.
    pub polling: Polling,
    /// Where the metrics are served.
    pub serving: Serving,
    /// What is logged.
    pub logging: Logging,
    /// All that counts, fit for a log.
    pub settings: Vec<Shown>,
    /// A line each, to be logged once logging has started.
    pub warnings: Vec<String>,
}

/// The configuration of `health`.
#[derive(Debug)]
pub struct HealthConfig {
    /// The addresses on which the exporter listens.
    pub listen_addresses: Vec<ListenAddress>,
    /// Whether it has a web configuration. The file is not read: the exporter may still use what it
    /// held before a mistake.
    pub has_web_config: bool,
}

/// Every mistake in the configuration, a line each: the variable, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use reqwest::Url;

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
    fn what_is_misspelt_is_told_beside_what_is_not_set() {
        let told = environment(&[("SDK_APPID", "1400000000"), ("SECRET_KEY", "k3y")]);
        let told = told.config().unwrap_err().0;
        assert!(told[0].starts_with("TENCENT_DESK_SDK_APP_ID: is not set"));
        assert!(told[1].contains("nearest that is known is TENCENT_DESK_SDK_APP_ID"));
        assert_eq!(told.len(), 2, "{told:?}");
    }

    #[test]
    fn two_variables_are_enough() {
        let config = config(&[]).unwrap();
        assert_eq!(config.polling.poll_interval, Duration::from_secs(60));
        assert_eq!(config.polling.endpoints.len(), 6);
        assert_eq!(config.polling.realtime_interval, Duration::from_secs(15));
        assert_eq!(config.polling.directory_interval, Duration::from_secs(300));
        assert!(
            config.polling.labels.status_names.is_empty() && config.account.channels.is_empty()
        );
        assert_eq!(config.polling.max_staleness, Duration::from_secs(300));
        assert_eq!(config.serving.listen_addresses[0].to_string(), "[::]:10141");
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
            ("AGENT_LABELS", "my-v4lue"),
        ]);
        assert_eq!(lines.len(), 20, "{lines:#?}");
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
    fn pseudonyms_need_a_key_and_a_key_needs_pseudonyms() {
        const KEY: &str = "0123456789abcdef";
        let labels = |mode, name, key| config(&[("AGENT_LABELS", mode), (name, key)]);
        let agents = |mode| {
            let polling = labels(mode, "PSEUDONYM_KEY", "").unwrap().polling;
            let agents = &polling.labels.agents;
            (agents.show_ids(), agents.show_nicknames())
        };
        assert_eq!((agents(""), agents("full")), ((true, true), (true, true)));
        assert_eq!(agents("id"), (true, false));
        let config = labels("pseudonym", "PSEUDONYM_KEY", KEY).unwrap();
        assert!(!config.polling.labels.agents.show_ids() && config.warnings.is_empty());
        assert!(!format!("{config:?}").contains(KEY));

        let short = labels("pseudonym", "PSEUDONYM_KEY", "0123456789abcde").unwrap();
        assert!(
            short.warnings[0].contains("is short"),
            "{:?}",
            short.warnings
        );
        for mode in ["full", "id"] {
            let unused = labels(mode, "PSEUDONYM_KEY", KEY).unwrap();
            assert!(
                unused.warnings[0].contains("is not used"),
                "{:?}",
                unused.warnings
            );
        }
        for (mode, name, key, told) in [
            (
                "pseudonym",
                "PSEUDONYM_KEY",
                "",
                "PSEUDONYM_KEY: is not set; set exactly one of PSEUDONYM_KEY and PSEUDONYM_KEY_FILE",
            ),
            (
                "pseudonym",
                "PSEUDONYM_KEY",
                "/run/secrets/pseudonym-key",
                "PSEUDONYM_KEY: is a path",
            ),
            ("pseudonym", "PSEUDONYM_KEY", "two words", "PSEUDONYM_KEY: "),
            (
                "pseudonym",
                "PSEUDONYM_KEY_FILE",
                "/does/not/exist",
                "PSEUDONYM_KEY_FILE: cannot open",
            ),
            ("", "PSEUDONYM_KEY", KEY, "PSEUDONYM_KEY: is for pseudonyms"),
            (
                "",
                "PSEUDONYM_KEY_FILE",
                "/does/not/exist",
                "PSEUDONYM_KEY_FILE: is for pseudonyms",
            ),
            (
                "pseudonyms",
                "PSEUDONYM_KEY",
                KEY,
                "AGENT_LABELS: is none of",
            ),
        ] {
            let lines = labels(mode, name, key).unwrap_err().0;
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(
                lines[0].contains(told) && !lines[0].contains(KEY),
                "{lines:?}"
            );
        }
        let both = [
            ("AGENT_LABELS", "pseudonym"),
            ("PSEUDONYM_KEY", KEY),
            ("PSEUDONYM_KEY_FILE", "/f"),
        ];
        assert!(mistakes(&both)[0].contains("is not the only one of its kind"));
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
                .polling
                .max_staleness,
            Duration::from_secs(1800)
        );
        assert_eq!(
            mistakes(&[("POLL_INTERVAL", "10m"), ("MAX_STALENESS", "9m")]).len(),
            1
        );
        let warnings = |staleness| {
            let both = [("POLL_INTERVAL", "10s"), ("MAX_STALENESS", staleness)];
            config(&both).unwrap().warnings.len()
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
