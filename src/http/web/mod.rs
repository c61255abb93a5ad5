//! The web configuration: who may scrape, and how it is encrypted, in the exporter-toolkit's format.
//!
//! The file is one that users of other exporters have already, so it means here what it means
//! there; where it would mean nothing (a list of names that no certificate is held against), it is
//! a mistake. From the ground up: this file says what may be written, [`tls`] and [`basic_auth`] make of
//! it what connections and requests are held against, [`reload`] reads it and keeps it fresh, and
//! the [`access`] is what the server asks. Nothing here knows of Desk or of metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::MapAccess;

pub mod access;
mod admission;
pub mod basic_auth;
mod client_cert;
mod handshake;
mod handshake_error;
mod hash_queue;
mod rate_limit;
mod recent;
pub mod reload;
pub mod tls;
mod yaml;

use basic_auth::PasswordHash;
use rate_limit::{Burst, Interval};
use yaml::{Section, Value};

/// What the file may hold.
#[derive(Default)]
pub struct WebConfig {
    /// Encryption; none where it is absent or empty.
    pub tls_server_config: Option<Tls>,
    /// How HTTP is spoken.
    pub http_server_config: Option<Http>,
    /// Who may ask: a bcrypt hash for each name. Everybody where it is empty.
    pub basic_auth_users: BTreeMap<String, PasswordHash>,
    /// How often anybody may ask; as often as they like where it is absent.
    pub rate_limit: RateLimit,
}

impl Section for WebConfig {
    const KEYS: &'static [&'static str] = &[
        "tls_server_config",
        "http_server_config",
        "basic_auth_users",
        "rate_limit",
    ];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "tls_server_config" => value.section(self.tls_server_config.get_or_insert_default()),
            "http_server_config" => value.section(self.http_server_config.get_or_insert_default()),
            "basic_auth_users" => value.map(&mut self.basic_auth_users),
            _ => value.section(&mut self.rate_limit),
        }
    }
}

/// `tls_server_config`.
#[derive(Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those between it and its root.
    pub cert_file: Option<String>,
    /// The same in the file itself.
    pub cert: Option<String>,
    /// The certificate's key.
    pub key_file: Option<String>,
    /// The same in the file itself.
    pub key: Option<String>,
    /// Whether clients show a certificate too.
    pub client_auth_type: ClientAuth,
    /// Who vouches for clients.
    pub client_ca_file: Option<String>,
    /// The same in the file itself.
    pub client_ca: Option<String>,
    /// The names of which a client's certificate has to have one.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The oldest version of TLS that is spoken.
    pub min_version: Option<Version>,
    /// The newest.
    pub max_version: Option<Version>,
    /// Which ciphers TLS 1.2 may use; all of rustls' where it is empty.
    pub cipher_suites: Vec<Cipher>,
    /// Which curves keys are agreed on, the preferred ones first.
    pub curve_preferences: Vec<Curve>,
    /// Whether the server chooses the cipher (true unless set) or the client.
    pub prefer_server_cipher_suites: Option<Flag>,
}

impl Section for Tls {
    const KEYS: &'static [&'static str] = &[
        "cert",
        "cert_file",
        "key",
        "key_file",
        "client_auth_type",
        "client_ca",
        "client_ca_file",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "curve_preferences",
        "prefer_server_cipher_suites",
    ];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "cert" => take_up(&mut self.cert, value.text()?),
            "cert_file" => take_up(&mut self.cert_file, value.text()?),
            "key" => take_up(&mut self.key, value.text()?),
            "key_file" => take_up(&mut self.key_file, value.text()?),
            "client_auth_type" => {
                self.client_auth_type = value.text()?.unwrap_or(self.client_auth_type);
            }
            "client_ca" => take_up(&mut self.client_ca, value.text()?),
            "client_ca_file" => take_up(&mut self.client_ca_file, value.text()?),
            "client_allowed_sans" => take_up(&mut self.client_allowed_sans, value.list()?),
            "min_version" => take_up(&mut self.min_version, value.text()?),
            "max_version" => take_up(&mut self.max_version, value.text()?),
            "cipher_suites" => self.cipher_suites = value.list()?.unwrap_or_default(),
            "curve_preferences" => self.curve_preferences = value.list()?.unwrap_or_default(),
            _ => take_up(&mut self.prefer_server_cipher_suites, value.text()?),
        }
        Ok(())
    }
}

/// A value that is absent leaves what is there.
fn take_up<T>(place: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *place = value;
    }
}

/// `http_server_config`.
#[derive(Default)]
pub struct Http {
    /// Whether HTTP/2 is spoken, where there is TLS; true unless set.
    pub http2: Option<Flag>,
    /// Headers of every answer.
    pub headers: Option<Headers>,
}

impl Section for Http {
    const KEYS: &'static [&'static str] = &["http2", "headers"];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "http2" => take_up(&mut self.http2, value.text()?),
            _ => value.section(self.headers.get_or_insert_default())?,
        }
        Ok(())
    }
}

/// The headers that may be set.
#[derive(Default)]
pub struct Headers {
    content_security_policy: Option<String>,
    x_frame_options: Option<FrameOptions>,
    x_content_type_options: Option<ContentTypeOptions>,
    x_xss_protection: Option<String>,
    strict_transport_security: Option<String>,
}

impl Section for Headers {
    const KEYS: &'static [&'static str] = &[
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "X-XSS-Protection",
        "Strict-Transport-Security",
    ];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "Content-Security-Policy" => take_up(&mut self.content_security_policy, value.text()?),
            "X-Frame-Options" => take_up(&mut self.x_frame_options, value.text()?),
            "X-Content-Type-Options" => take_up(&mut self.x_content_type_options, value.text()?),
            "X-XSS-Protection" => take_up(&mut self.x_xss_protection, value.text()?),
            _ => take_up(&mut self.strict_transport_security, value.text()?),
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum FrameOptions {
    Deny,
    SameOrigin,
}

impl TryFrom<String> for FrameOptions {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "deny" => Ok(Self::Deny),
            "sameorigin" => Ok(Self::SameOrigin),
            _ => Err("is neither deny nor sameorigin"),
        }
    }
}

#[derive(Clone, Copy)]
enum ContentTypeOptions {
    NoSniff,
}

impl TryFrom<String> for ContentTypeOptions {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "nosniff" => Ok(Self::NoSniff),
            _ => Err("is not nosniff"),
        }
    }
}

/// `rate_limit`: a bucket of tokens, of which every request takes one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    interval: Option<Interval>,
    burst: Option<Burst>,
}

impl RateLimit {
    /// How long it takes until there is one token more, and how many there are at most; absent
    /// where nothing is limited.
    pub fn bucket(&self) -> Option<(Duration, u32)> {
        let Interval(interval) = self.interval.filter(|interval| !interval.0.is_zero())?;
        Some((interval, self.burst.map_or(0, |burst| burst.0)))
    }

    /// Whether it lets through more than `other`.
    fn is_looser_than(&self, other: &Self) -> bool {
        let Some((old_interval, old_burst)) = other.bucket() else {
            return false;
        };
        let is_as_tight = |(interval, burst)| interval >= old_interval && burst <= old_burst;
        !self.bucket().is_some_and(is_as_tight)
    }
}

impl Section for RateLimit {
    const KEYS: &'static [&'static str] = &["interval", "burst"];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "interval" => take_up(&mut self.interval, value.text()?),
            _ => take_up(&mut self.burst, value.text()?),
        }
        Ok(())
    }
}

/// Whether a client shows a certificate, and whether an authority has to vouch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// It is not asked for one.
    #[default]
    NoClientCert,
    /// It is asked; any will do, or none.
    RequestClientCert,
    /// It has to show one; any will do.
    RequireAnyClientCert,
    /// It is asked; one that is shown has to be vouched for.
    VerifyClientCertIfGiven,
    /// It has to show one that is vouched for.
    RequireAndVerifyClientCert,
}

impl TryFrom<String> for ClientAuth {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "" | "NoClientCert" => Ok(Self::NoClientCert),
            "RequestClientCert" => Ok(Self::RequestClientCert),
            "RequireAnyClientCert" | "RequireClientCert" => Ok(Self::RequireAnyClientCert),
            "VerifyClientCertIfGiven" => Ok(Self::VerifyClientCertIfGiven),
            "RequireAndVerifyClientCert" => Ok(Self::RequireAndVerifyClientCert),
            _ => Err(
                "is none of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
            ),
        }
    }
}

impl ClientAuth {
    /// Whether an authority has to vouch for the certificates that are shown.
    pub(super) fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
        )
    }

    /// Whether a client without a certificate does not come in.
    pub(super) fn requires(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert
        )
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "TLS12" => Ok(Self::Tls12),
            "TLS13" => Ok(Self::Tls13),
            "TLS10" | "TLS11" => {
                Err("TLS10 and TLS11 are not offered (by rustls); write TLS12 or TLS13")
            }
            _ => Err("is no version of TLS; write TLS12 or TLS13"),
        }
    }
}

/// A cipher by Go's name; those of TLS 1.3 are known too, and always offered, as in Go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cipher(pub String);

impl TryFrom<String> for Cipher {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = tls::cipher_names();
        match known.contains(&text) {
            true => Ok(Self(text)),
            false => Err(format!(
                "this cipher is not offered (by rustls); those that are: {}",
                known.join(", ")
            )),
        }
    }
}

/// A curve by Go's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// X25519
    X25519,
    /// NIST's P-256
    P256,
    /// NIST's P-384
    P384,
}

impl TryFrom<String> for Curve {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "X25519" => Ok(Self::X25519),
            "CurveP256" => Ok(Self::P256),
            "CurveP384" => Ok(Self::P384),
            _ => Err(
                "this curve is not offered (by ring); those that are: X25519, CurveP256, CurveP384",
            ),
        }
    }
}

/// Yes or no, in all the words that the toolkit's reader of YAML takes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl TryFrom<String> for Flag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Ok(Self(true)),
            "false" | "no" | "off" | "n" => Ok(Self(false)),
            _ => Err("is neither true nor false"),
        }
    }
}

impl WebConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Every mistake that can be seen in the text alone, or the one that keeps the rest from being
    /// read, with its line. No value is repeated.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<String>> {
        let mut config = Self::default();
        yaml::read(text, &mut config).map_err(|why| vec![why])?;
        // An empty section is as good as none, as in the toolkit.
        config.tls_server_config = config
            .tls_server_config
            .filter(|tls| *tls != Tls::default());
        let mut mistakes = config
            .tls_server_config
            .as_ref()
            .map(Tls::mistakes)
            .unwrap_or_default();
        mistakes.extend(config.headers().err());
        if matches!(config.rate_limit.bucket(), Some((_, 0))) {
            mistakes.push("rate_limit: with a burst below 1 no request is ever answered: set it, or interval to 0".to_owned());
        }
        match mistakes.is_empty() {
            true => Ok(config),
            false => Err(mistakes),
        }
    }

    /// Whether HTTP/2 is offered to those who come by TLS.
    pub fn http2(&self) -> bool {
        let flag = self.http_server_config.as_ref().and_then(|http| http.http2);
        flag.is_none_or(|flag| flag.0)
    }

    /// The headers of every answer.
    ///
    /// # Errors
    /// A sentence on the one that cannot be sent.
    pub fn headers(&self) -> Result<HeaderMap, String> {
        let set = self
            .http_server_config
            .as_ref()
            .and_then(|http| http.headers.as_ref());
        let mut headers = HeaderMap::new();
        for (name, value) in set.map(Headers::pairs).into_iter().flatten() {
            let Some(value) = value else { continue };
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                format!("http_server_config: headers: {name} holds what no header can")
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }
}

impl Headers {
    fn pairs(&self) -> [(&'static str, Option<&str>); 5] {
        let frames = self.x_frame_options.map(|option| match option {
            FrameOptions::Deny => "deny",
            FrameOptions::SameOrigin => "sameorigin",
        });
        let types = self
            .x_content_type_options
            .map(|ContentTypeOptions::NoSniff| "nosniff");
        [
            (
                "content-security-policy",
                self.content_security_policy.as_deref(),
            ),
            ("x-frame-options", frames),
            ("x-content-type-options", types),
            ("x-xss-protection", self.x_xss_protection.as_deref()),
            (
                "strict-transport-security",
                self.strict_transport_security.as_deref(),
            ),
        ]
    }
}

impl Tls {
    /// What does not go together.
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut one_of = |name: &str, file: &Option<String>, text: &Option<String>| {
            let count = usize::from(given(file)) + usize::from(given(text));
            if count != 1 {
                mistakes.push(format!(
                    "tls_server_config: set exactly one of {name}_file and {name}"
                ));
            }
        };
        one_of("cert", &self.cert_file, &self.cert);
        one_of("key", &self.key_file, &self.key);
        let has_ca = given(&self.client_ca_file) || given(&self.client_ca);
        if has_ca {
            one_of("client_ca", &self.client_ca_file, &self.client_ca);
        }
        let verifies = self.client_auth_type.verifies();
        let requires = self.client_auth_type.requires();
        let asks = self.client_auth_type != ClientAuth::NoClientCert;
        let mut unless = |is_well: bool, why: &str| {
            if !is_well {
                mistakes.push(format!("tls_server_config: {why}"));
            }
        };
        unless(
            has_ca || !verifies,
            "client_auth_type verifies certificates: set client_ca_file to those who vouch for them",
        );
        unless(
            asks || !has_ca,
            "client_ca_file is set, yet client_auth_type asks for no certificate",
        );
        // The toolkit takes it with any other type too, and then lets in those without a certificate,
        // or those with one that they wrote themselves.
        unless(
            (requires && verifies) || self.client_allowed_sans.is_none(),
            "client_allowed_sans is set, which holds only with client_auth_type: RequireAndVerifyClientCert",
        );
        unless(
            self.oldest() <= self.newest(),
            "min_version is above max_version",
        );
        mistakes
    }

    fn oldest(&self) -> Version {
        self.min_version.unwrap_or(Version::Tls12)
    }

    fn newest(&self) -> Version {
        self.max_version.unwrap_or(Version::Tls13)
    }
}

/// Whether there is something: `cert_file:` without a value counts as nothing.
fn given(value: &Option<String>) -> bool {
    value.as_ref().is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

    fn mistakes(text: &str) -> Vec<String> {
        WebConfig::parse(text.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn nothing_in_it_asks_for_nothing() {
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
            assert!(config.tls_server_config.is_none() && config.basic_auth_users.is_empty());
            assert!(config.http2());
        }
    }

    #[test]
    fn all_that_the_toolkit_knows_is_known() {
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
        assert_eq!(config.headers().unwrap().len(), 5);
        assert_eq!(config.headers().unwrap()["x-xss-protection"], "1");
        assert_eq!(
            config.basic_auth_users.keys().collect::<Vec<_>>(),
            ["12", "alice"]
        );
    }

    #[test]
    fn what_is_unknown_or_twice_or_wrong_is_named_with_its_line() {
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
            ("tls_server_config:\n  key: a\n  key: a\n", "comes twice", 3),
            ("basic_auth_users:\n  a: b\n", "bcrypt", 2),
            ("a: 1\n", "unknown", 1),
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
        fn keys<T: Section>(above: &'static str) -> impl Iterator<Item = String> {
            T::KEYS
                .iter()
                .map(move |key| format!("{above}{key}: VALUE"))
        }
        let places = [
            "VALUE".to_owned(),
            "VALUE: 1".to_owned(),
            "<<: VALUE".to_owned(),
        ]
        .into_iter()
        .chain(keys::<WebConfig>(""))
        .chain(keys::<Tls>("tls_server_config:\n  "))
        .chain(keys::<Http>("http_server_config:\n  "))
        .chain(keys::<Headers>("http_server_config:\n  headers:\n    "))
        .chain(keys::<RateLimit>("rate_limit:\n  "))
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
    fn names_count_only_where_a_certificate_has_to_be_shown_and_vouched_for() {
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
    fn what_does_not_go_together_is_told_all_at_once() {
        let all = mistakes(
            "tls_server_config:\n  client_ca_file: a\n  client_allowed_sans: []\n  min_version: TLS13\n  max_version: TLS12\n",
        );
        assert_eq!(all.len(), 5, "{all:#?}");
        let unvouched =
            "tls_server_config: {cert: a, key: b, client_auth_type: VerifyClientCertIfGiven}";
        assert!(mistakes(unvouched)[0].contains("client_ca_file"));
    }

    /// Whatever is deep, wide or long is read within moments, or refused.
    #[test]
    fn what_has_no_end_is_refused() {
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
            // The first document of a text without end may be well, and is all that counts.
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
    fn other_encodings_and_further_documents_are_taken() {
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
            let names: Vec<_> = config.basic_auth_users.keys().collect();
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
    fn maps_are_merged_and_the_map_itself_holds() {
        let text = format!(
            "tls_server_config:\n  <<: &tls {{cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}}\n  cert_file: c\n\
             http_server_config:\n  <<: [{{http2: off}}, {{headers: {{X-Frame-Options: deny}}}}]\n\
             basic_auth_users:\n  <<: {{ann: {HASH}}}\n  bob: {HASH}\n"
        );
        let config = WebConfig::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}"));
        let tls = config.tls_server_config.as_ref().unwrap();
        assert_eq!(tls.cert_file.as_deref(), Some("c"));
        assert_eq!(tls.client_auth_type, ClientAuth::RequireAnyClientCert);
        assert!(!config.http2() && config.headers().unwrap().len() == 1);
        assert_eq!(config.basic_auth_users.len(), 2);
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
    fn a_rate_limit_that_lets_nothing_through_is_a_mistake() {
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
