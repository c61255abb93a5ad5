//! The file's content.

use hyper::header::HeaderMap;
use serde::Deserialize;

use super::basic_auth::Hashes;
use super::http_config::HttpConfig;
use super::rate_limit::RateLimit;
use super::tls_config::TlsConfig;
use super::yaml::{self, or_default};

/// A web configuration.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// TLS; none where the section is absent or empty.
    pub tls_server_config: Option<TlsConfig>,
    /// HTTP.
    #[serde(deserialize_with = "or_default")]
    pub http_server_config: HttpConfig,
    /// The users by name. Where there is none, requests need no authentication.
    #[serde(deserialize_with = "or_default")]
    pub basic_auth_users: Hashes,
    /// The rate of requests.
    #[serde(deserialize_with = "or_default")]
    pub rate_limit: RateLimit,
}

impl WebConfig {
    /// Parses the file's text.
    ///
    /// # Errors
    /// The first mistake of syntax or value, with its line, or all settings that are missing or
    /// contradict each other. No message repeats a value.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<String>> {
        let mut config: Self = yaml::read(text).map_err(|why| vec![why])?;
        // An empty section counts as absent, as in the toolkit.
        config.tls_server_config = config
            .tls_server_config
            .filter(|tls| *tls != TlsConfig::default());
        let tls = config.tls_server_config.as_ref();
        let mut mistakes = tls.map(TlsConfig::mistakes).unwrap_or_default();
        if matches!(config.rate_limit.bucket(), Some((_, 0))) {
            mistakes.push("rate_limit: with a burst below 1 no request is ever answered: set it, or interval to 0".to_owned());
        }
        match mistakes.is_empty() {
            true => Ok(config),
            false => Err(mistakes),
        }
    }

    /// Whether HTTP/2 is offered over TLS.
    pub fn http2(&self) -> bool {
        self.http_server_config.http2.unwrap_or(true)
    }

    /// The headers of every response.
    pub fn headers(&self) -> HeaderMap {
        self.http_server_config.headers()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls_config::ClientAuth;
    use super::*;
    use std::time::Duration;

    const HASH: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

    fn mistakes(text: &str) -> Vec<String> {
        WebConfig::parse(text.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn an_empty_file_configures_nothing() {
        for text in [
            "",
            "\n",
            "# only a comment\n",
            "{}",
            "tls_server_config:\n",
            "tls_server_config: {}\nbasic_auth_users:\nhttp_server_config:\n",
        ] {
            let config =
                WebConfig::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{text:?}: {why:?}"));
            assert!(config.tls_server_config.is_none() && config.basic_auth_users.0.is_empty());
            assert!(config.http2());
        }
    }

    #[test]
    fn all_settings_of_the_toolkit_are_known() {
        let text = format!(
            "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n  \
             client_ca_file: c\n  client_allowed_sans: [d, e]\n  min_version: TLS12\n  max_version: TLS13\n  \
             cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n  \
             curve_preferences: [CurveP256, X25519]\n  prefer_server_cipher_suites: yes\n\
             http_server_config:\n  http2: off\n  headers:\n    X-Frame-Options: deny\n    \
             X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    Strict-Transport-Security: max-age=1\n    \
             Content-Security-Policy: default-src 'self'\n\
             basic_auth_users:\n  alice: {HASH}\n  12: {HASH}\n"
        );
        let config = WebConfig::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}"));
        assert!(!config.http2());
        assert_eq!(config.headers().len(), 5);
        assert_eq!(config.headers()["x-xss-protection"], "1");
        assert_eq!(
            config.basic_auth_users.0.keys().collect::<Vec<_>>(),
            ["12", "alice"]
        );
    }

    #[test]
    fn an_unknown_double_or_invalid_setting_is_named_with_its_line() {
        for (text, word, line) in [
            ("\n\ntls_server_confg: {}\n", "tls_server_confg", 3),
            (
                "tls_server_config:\n  cert: a\n  cert_fil: a\n",
                "cert_fil",
                3,
            ),
            (
                "http_server_config:\n  headers:\n    Server: x\n",
                "X-Frame-Options",
                3,
            ),
            (
                "http_server_config:\n  headers:\n    X-Frame-Options: x\n",
                "sameorigin",
                3,
            ),
            (
                "http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\nb\"\n",
                "holds what no header can",
                3,
            ),
            ("http_server_config:\n\n  http2: maybe\n", "neither", 3),
            (
                "tls_server_config:\n  key: a\n  min_version: TLS10\n",
                "TLS12",
                3,
            ),
            (
                "tls_server_config:\n  key: a\n  client_auth_type: Some\n",
                "RequestClientCert",
                3,
            ),
            (
                "tls_server_config:\n  cipher_suites:\n  - TLS_RSA_WITH_RC4_128_SHA\n",
                "TLS_AES_128",
                3,
            ),
            (
                "tls_server_config:\n  key: a\n  key: a\n",
                "key comes twice",
                2,
            ),
            ("basic_auth_users:\n  a: b\n", "bcrypt", 2),
            ("a: 1\n", "unknown", 1),
            ("rate_limit: 5\n", "a map of settings", 1),
            (
                "tls_server_config:\n  client_auth_type: [a]\n",
                "client_auth_type: here has to be a text",
                2,
            ),
            (
                "rate_limit:\n  interval: 1s\n  burst: x\n",
                "rate_limit.burst: ",
                3,
            ),
            ("tls_server_config: [\n\n", "", 1),
        ] {
            let mistakes = mistakes(text);
            let [mistake] = mistakes.as_slice() else {
                panic!("{text}: {mistakes:?}")
            };
            assert!(mistake.contains(word), "{mistake}");
            assert!(
                mistake.contains(&format!("line {line} ")),
                "{text}: {mistake}"
            );
        }
        let twice = format!("basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n");
        assert!(
            mistakes(&twice)[0].contains("comes twice"),
            "{:?}",
            mistakes(&twice)
        );
    }

    /// A secret in every place where something else belongs, in every shape that YAML has.
    #[test]
    fn values_are_not_repeated() {
        let keys = |above: &'static str| {
            let told = mistakes(&format!("{above}s3cret: 1")).concat();
            let known = told.split("known are: ").nth(1).unwrap().split(", at line");
            let keys = known.take(1).flat_map(|known| known.split(", "));
            let keys: Vec<_> = keys.map(|key| format!("{above}{key}: VALUE")).collect();
            keys
        };
        let places = [
            "VALUE".to_owned(),
            "VALUE: 1".to_owned(),
            "<<: VALUE".to_owned(),
        ]
        .into_iter()
        .chain(keys(""))
        .chain(keys("tls_server_config:\n  "))
        .chain(keys("http_server_config:\n  "))
        .chain(keys("http_server_config:\n  headers:\n    "))
        .chain(keys("rate_limit:\n  "))
        .chain(
            ["VALUE: 1", "a: VALUE", "<<: VALUE", "a: 1\n  a: VALUE"]
                .map(|entry| format!("basic_auth_users:\n  {entry}")),
        )
        .chain(
            ["client_allowed_sans", "cipher_suites"]
                .map(|list| format!("tls_server_config:\n  {list}: [VALUE]\n  {list}: VALUE")),
        );
        let shapes = [
            "s3cret",
            "'s3cret'",
            "\"s3cret\\x01s3cret\"",
            "[s3cret]",
            "{s3cret: s3cret}",
            "{<<: s3cret}",
            "!s3cret s3cret",
            "!!int s3cret",
            "!!null s3cret",
            "!s3cret [s3cret]",
            "!s3cret {a: s3cret}",
            "*s3cret",
            "&s3cret [*s3cret]",
            "&s3cret {<<: *s3cret}",
            "s3cret: s3cret",
            "\"s3cret",
            "[s3cret",
            "|s3cret",
            "@s3cret",
            "`s3cret",
            "\ts3cret",
            "%s3cret",
            "? s3cret",
            "53.2e7",
            "532",
            "-532",
            "0x532",
            "53200000000000000000000000000000000000000",
        ];
        let mut wrong = 0;
        for place in places {
            for shape in shapes {
                let text = place.replace("VALUE", shape);
                let told = mistakes(&text).concat();
                wrong += usize::from(!told.is_empty());
                for secret in ["s3cret", "53.2", "532"] {
                    assert!(!told.contains(secret), "{text:?}: {told}");
                }
            }
        }
        assert!(wrong > 500, "{wrong}");
    }

    #[test]
    fn names_need_certificates_that_are_required_and_verified() {
        for (kind, is_well) in [
            ("NoClientCert", false),
            ("RequestClientCert", false),
            ("RequireAnyClientCert", false),
            ("RequireClientCert", false),
            ("VerifyClientCertIfGiven", false),
            ("RequireAndVerifyClientCert", true),
        ] {
            for names in ["[a]", "[]"] {
                let text = format!(
                    "tls_server_config: {{cert: a, key: b, client_ca: c, client_auth_type: {kind}, client_allowed_sans: {names}}}"
                );
                let told = mistakes(&text).concat();
                assert_eq!(
                    !told.contains("client_allowed_sans"),
                    is_well,
                    "{kind}: {told}"
                );
            }
        }
    }

    #[test]
    fn contradictions_are_reported_all_at_once() {
        let all = mistakes(
            "tls_server_config:\n  client_ca_file: a\n  client_allowed_sans: []\n  min_version: TLS13\n  max_version: TLS12\n",
        );
        assert_eq!(all.len(), 5, "{all:#?}");
        let unvouched =
            "tls_server_config: {cert: a, key: b, client_auth_type: VerifyClientCertIfGiven}";
        assert!(mistakes(unvouched)[0].contains("client_ca_file"));
    }

    /// A deep, wide or long file is parsed quickly, or refused.
    #[test]
    fn an_excessive_file_is_refused() {
        let many = 60_000;
        let deep = |open: &str| open.repeat(many);
        let alias = |times: usize, of: &str| vec![format!("*{of}"); times].join(",");
        let mut laughs =
            String::from("basic_auth_users: {a: &a x}\nhttp_server_config: {<<: &b {http2: on}}\n");
        for (new, old) in ('c'..='z').zip('b'..) {
            laughs += &format!("<<: &{new} {{<<: [{}]}}\n", alias(9, &old.to_string()));
        }
        let long = "x".repeat(200_000);
        let names = (0..many)
            .map(|n| format!("    x{n},\n"))
            .collect::<String>();
        for text in [
            deep("["),
            deep("{"),
            deep("{a: "),
            deep("tls_server_config: {"),
            deep("- "),
            deep("? "),
            deep("&a "),
            deep("!a "),
            deep("%TAG !a! b\n"),
            deep("--- a\n"),
            (0..500)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect(),
            "<<: {".repeat(900),
            "<<:\n- ".to_owned() + &deep("- "),
            format!("tls_server_config: &a {{<<: [{}]}}", alias(40_000, "a")),
            format!("basic_auth_users: {{a: \"{long}\"}}"),
            format!("{long}: 1"),
            format!("? {long}\n: 1"),
            format!("tls_server_config:\n  client_auth_type: {long}"),
            format!(
                "tls_server_config:\n  client_allowed_sans: &a [\n{names}  ]\n  cipher_suites: *a"
            ),
            laughs,
        ] {
            let told = mistakes(&text);
            // Only the first document counts, and it may be valid.
            let is_short = text.starts_with(['&', '!']) && told.is_empty();
            assert!(is_short || told.len() == 1, "{text:.100}: {told:?}");
            assert!(told.concat().len() < 500, "{told:?}");
        }
        // An alias for each of many long lists would be read for minutes.
        let wide = format!(
            "http_server_config:\n  headers: &a {{X-XSS-Protection: x}}\nbasic_auth_users: &u\n{}",
            (0..2000)
                .map(|n| format!("  u{n}: {HASH}\n"))
                .collect::<String>()
        );
        assert!(mistakes(&wide).is_empty(), "{:?}", mistakes(&wide));
        let again = format!("{wide}<<: [{}]", alias(30_000, "u"));
        assert_eq!(mistakes(&again).len(), 1);
    }

    #[test]
    fn other_encodings_and_further_documents_are_accepted() {
        let text = format!("basic_auth_users: {{ \u{e4}: {HASH} }}\n");
        let utf_16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{text}")
                .encode_utf16()
                .flat_map(unit)
                .collect()
        };
        for bytes in [
            text.clone().into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            utf_16(u16::to_le_bytes),
            utf_16(u16::to_be_bytes),
            format!("---\n{text}---\nunknown: [\n").into_bytes(),
            format!("{text}...\n]]").into_bytes(),
            text.replace('\n', "\r\n").into_bytes(),
        ] {
            let config = WebConfig::parse(&bytes).unwrap_or_else(|why| panic!("{why:?}"));
            let names: Vec<_> = config.basic_auth_users.0.keys().collect();
            assert_eq!(names, ["\u{e4}"]);
        }
        for (bytes, told) in [
            (&b"\n# \xff\n"[..], "UTF-8 nor UTF-16, at line 2"),
            (b"\xff\xfe\0\xd8", "UTF-16"),
            (b"\n\na: \0", "control character, at line 3"),
        ] {
            let why = WebConfig::parse(bytes).err().unwrap().concat();
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn maps_are_merged_and_the_map_itself_wins() {
        let text = format!(
            "tls_server_config:\n  <<: &tls {{cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}}\n  cert_file: c\n\
             http_server_config:\n  <<: [{{http2: off}}, {{headers: {{X-Frame-Options: deny}}}}]\n\
             basic_auth_users:\n  <<: {{ann: {HASH}}}\n  bob: {HASH}\n"
        );
        let config = WebConfig::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}"));
        let tls = config.tls_server_config.as_ref().unwrap();
        assert_eq!(tls.cert_file.as_deref(), Some("c"));
        assert_eq!(tls.client_auth_type, ClientAuth::RequireAnyClientCert);
        assert!(!config.http2() && config.headers().len() == 1);
        assert_eq!(config.basic_auth_users.0.len(), 2);
        // What is merged into a section of the same name is added to it.
        let deep = "<<: {tls_server_config: {key: b, client_auth_type: RequireAnyClientCert}}\ntls_server_config: {cert: a}\n";
        let tls = WebConfig::parse(deep.as_bytes()).unwrap_or_else(|why| panic!("{why:?}"));
        let kind = tls.tls_server_config.unwrap().client_auth_type;
        assert_eq!(kind, ClientAuth::RequireAnyClientCert);
        for (text, told) in [
            (
                "http_server_config:\n  http2: on\n  <<: {http2: off}\n",
                "put << before it",
            ),
            (
                "http_server_config:\n  <<: [{http2: on}, {http2: off}]\n",
                "comes twice",
            ),
            ("<<: s3cret\n", "a map, or a list of maps"),
        ] {
            assert!(
                mistakes(text).concat().contains(told),
                "{:?}",
                mistakes(text)
            );
        }
    }

    #[test]
    fn a_rate_limit_that_allows_no_request_is_a_mistake() {
        for (text, bucket) in [
            ("rate_limit:\n", None),
            ("rate_limit: {interval: 0, burst: 3}", None),
            ("rate_limit: {burst: 3}", None),
            (
                "rate_limit: {interval: 1m30s, burst: 3}",
                Some((Duration::from_secs(90), 3)),
            ),
        ] {
            let config = WebConfig::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}"));
            assert_eq!(config.rate_limit.bucket(), bucket, "{text}");
        }
        for text in [
            "{interval: 1s}",
            "{interval: 1s, burst: 0}",
            "{interval: 1s, burst: -1}",
        ] {
            assert!(
                mistakes(&format!("rate_limit: {text}"))
                    .concat()
                    .contains("burst")
            );
        }
    }
}
