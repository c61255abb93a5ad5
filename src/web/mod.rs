//! The web configuration: who may scrape, and how it is encrypted, in the exporter-toolkit's format.
//!
//! The file is one that users of other exporters have already, so it means here what it means
//! there; where it would mean nothing (a list of names that no certificate is held against), it is
//! a mistake. From the ground up: this file says what may be written, [`tls`] and [`auth`] make of
//! it what connections and requests are held against, [`reload`] reads it and keeps it fresh, and
//! the [`gate`] is what the server asks. Nothing here knows of Desk or of metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub mod auth;
pub mod gate;
mod names;
pub mod reload;
pub mod tls;

use auth::Hash;

/// What the file may hold.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Encryption; none where it is absent or empty.
    pub tls_server_config: Option<Tls>,
    /// How HTTP is spoken.
    pub http_server_config: Option<Http>,
    /// Who may ask: a bcrypt hash for each name. Everybody where it is empty.
    #[serde(deserialize_with = "unique_names")]
    pub basic_auth_users: BTreeMap<String, Hash>,
}

/// `tls_server_config`.
#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// `http_server_config`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Whether HTTP/2 is spoken, where there is TLS; true unless set.
    pub http2: Option<Flag>,
    /// Headers of every answer.
    pub headers: Option<Headers>,
}

/// The headers that may be set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Headers {
    #[serde(rename = "Content-Security-Policy")]
    content_security_policy: Option<String>,
    #[serde(rename = "X-Frame-Options")]
    x_frame_options: Option<FrameOptions>,
    #[serde(rename = "X-Content-Type-Options")]
    x_content_type_options: Option<ContentTypeOptions>,
    #[serde(rename = "X-XSS-Protection")]
    x_xss_protection: Option<String>,
    #[serde(rename = "Strict-Transport-Security")]
    strict_transport_security: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FrameOptions {
    Deny,
    SameOrigin,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ContentTypeOptions {
    NoSniff,
}

/// Whether a client shows a certificate, and whether somebody has to vouch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum ClientAuth {
    /// It is not asked for one.
    #[default]
    #[serde(alias = "")]
    NoClientCert,
    /// It is asked; any will do, or none.
    RequestClientCert,
    /// It has to show one; any will do.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// It is asked; one that is shown has to be vouched for.
    VerifyClientCertIfGiven,
    /// It has to show one that is vouched for.
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    /// Whether somebody has to vouch for the certificates that are shown.
    pub(super) fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
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

/// Texts that are read by `TryFrom`, so that what is wrong with one is told with its own place.
/// (serde's `try_from` attribute tells it with the place of the section.)
macro_rules! from_text {
    ($($kind:ty),*) => {
        $(impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(PhantomData))
            }
        })*
    };
}

from_text!(Version, Cipher, Curve, Flag, Hash);

struct Text<T>(PhantomData<T>);

impl<T: TryFrom<String>> Visitor<'_> for Text<T>
where
    T::Error: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text.to_owned()).map_err(E::custom)
    }
}

impl WebConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Every mistake that can be seen in the text alone, or the one that keeps the rest from being
    /// read, with its line.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        // Of a file with nothing but comments nothing is asked.
        let config: Option<Self> =
            serde_norway::from_str(text).map_err(|error| vec![told(&error)])?;
        let mut config = config.unwrap_or_default();
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
            let value = HeaderValue::from_str(value).map_err(|_| {
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
        unless(
            asks || self.client_allowed_sans.is_none(),
            "client_allowed_sans is set, yet client_auth_type asks for no certificate",
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

/// The names and hashes; a name that comes twice is a mistake, and not the later one's gain.
fn unique_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Hash>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = BTreeMap<String, Hash>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names with their bcrypt hashes")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut users = BTreeMap::new();
            while let Some((name, hash)) = map.next_entry::<String, Hash>()? {
                if users.contains_key(&name) {
                    return Err(A::Error::custom(format!("the name {name} comes twice")));
                }
                users.insert(name, hash);
            }
            Ok(users)
        }
    }

    deserializer.deserialize_any(Names)
}

/// The mistake with its place.
fn told(error: &serde_norway::Error) -> String {
    let message = redacted(&error.to_string());
    // The place is left out where it is the very first character.
    match message.contains(" at line ") {
        true => message,
        false => format!("{message} at line 1 column 1"),
    }
}

/// The message without the value that it may repeat: that may be a key, or a hash in a wrong place.
fn redacted(message: &str) -> String {
    let Some((before, rest)) = message.split_once("string \"") else {
        return message.to_owned();
    };
    match rest.rsplit_once("\", expected") {
        Some((_, after)) => format!("{before}a text, expected{after}"),
        None => format!("{before}a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

    fn mistakes(text: &str) -> Vec<String> {
        WebConfig::parse(text).err().unwrap_or_default()
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
            let config = WebConfig::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why:?}"));
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
        let config = WebConfig::parse(&text).unwrap_or_else(|why| panic!("{why:?}"));
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
                "Server",
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
            ("tls_server_config:\n  key: a\n  key: a\n", "duplicate", 2),
            ("basic_auth_users:\n  a: b\n", "bcrypt", 2),
            ("a: 1\n", "unknown field", 1),
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

    #[test]
    fn values_are_not_repeated() {
        for text in [
            "tls_server_config: s3cret\n",
            "basic_auth_users: s3cret\n",
            "basic_auth_users:\n  a: s3cret\n",
            "s3cret",
        ] {
            let mistakes = mistakes(text);
            assert!(
                !mistakes.is_empty() && !mistakes.concat().contains("s3cret"),
                "{mistakes:?}"
            );
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

    #[test]
    fn a_bomb_is_defused() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (new, old) in ('b'..='p').zip('a'..) {
            text += &format!(
                "{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
            );
        }
        assert_eq!(
            mistakes(&format!(
                "tls_server_config:\n  client_allowed_sans: {}",
                "[".repeat(10_000)
            ))
            .len(),
            1
        );
        assert_eq!(mistakes(&text).len(), 1);
    }
}
