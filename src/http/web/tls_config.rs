//! `tls_server_config`: the certificate, client certificates, and what TLS offers.

use serde::de::MapAccess;

use super::tls;
use super::yaml::{Flag, Section, Value, named};

/// The section. An empty file or text counts as absent.
#[derive(Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// The server's certificate, followed by the intermediate ones.
    pub cert_file: Option<String>,
    /// The same as text.
    pub cert: Option<String>,
    /// The certificate's private key.
    pub key_file: Option<String>,
    /// The same as text.
    pub key: Option<String>,
    /// Whether clients are asked for certificates.
    pub client_auth_type: ClientAuth,
    /// The authorities for client certificates.
    pub client_ca_file: Option<String>,
    /// The same as text.
    pub client_ca: Option<String>,
    /// Subject alternative names, of which a client's certificate must have one.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The lowest version of TLS; 1.2 unless set.
    pub min_version: Option<TlsVersion>,
    /// The highest version of TLS; 1.3 unless set.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites for TLS 1.2; all of rustls where it is empty.
    pub cipher_suites: Vec<Cipher>,
    /// The curves for key agreement in order of preference; all of ring where it is empty.
    pub curve_preferences: Vec<Curve>,
    /// Whether the server chooses the cipher suite; true unless set.
    pub prefer_server_cipher_suites: Option<Flag>,
}

impl Section for TlsConfig {
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
            "cert" => value.set(&mut self.cert)?,
            "cert_file" => value.set(&mut self.cert_file)?,
            "key" => value.set(&mut self.key)?,
            "key_file" => value.set(&mut self.key_file)?,
            "client_auth_type" => {
                self.client_auth_type = value.text()?.unwrap_or(self.client_auth_type);
            }
            "client_ca" => value.set(&mut self.client_ca)?,
            "client_ca_file" => value.set(&mut self.client_ca_file)?,
            "client_allowed_sans" => {
                self.client_allowed_sans = value.list()?.or(self.client_allowed_sans.take());
            }
            "min_version" => value.set(&mut self.min_version)?,
            "max_version" => value.set(&mut self.max_version)?,
            "cipher_suites" => self.cipher_suites = value.list()?.unwrap_or_default(),
            "curve_preferences" => self.curve_preferences = value.list()?.unwrap_or_default(),
            _ => value.set(&mut self.prefer_server_cipher_suites)?,
        }
        Ok(())
    }
}

impl TlsConfig {
    /// The settings that are missing or contradict each other.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut one_of = |name: &str, file: &Option<String>, text: &Option<String>| {
            if is_set(file) == is_set(text) {
                mistakes.push(format!(
                    "tls_server_config: set exactly one of {name}_file and {name}"
                ));
            }
        };
        one_of("cert", &self.cert_file, &self.cert);
        one_of("key", &self.key_file, &self.key);
        let has_ca = is_set(&self.client_ca_file) || is_set(&self.client_ca);
        if has_ca {
            one_of("client_ca", &self.client_ca_file, &self.client_ca);
        }
        let verifies = self.client_auth_type.verifies();
        let requires = self.client_auth_type.requires();
        let asks = self.client_auth_type != ClientAuth::NoClientCert;
        let rules = [
            (
                has_ca || !verifies,
                "client_auth_type verifies certificates: set client_ca_file to the authorities that sign them",
            ),
            (
                asks || !has_ca,
                "client_ca_file is set, yet client_auth_type asks for no certificate",
            ),
            // The toolkit accepts it with any other type too, and then serves clients without a
            // certificate, or with one that they signed themselves.
            (
                (requires && verifies) || self.client_allowed_sans.is_none(),
                "client_allowed_sans is set, which holds only with client_auth_type: RequireAndVerifyClientCert",
            ),
            (
                self.oldest() <= self.newest(),
                "min_version is above max_version",
            ),
        ];
        let broken = rules.into_iter().filter(|(is_kept, _)| !is_kept);
        mistakes.extend(broken.map(|(_, why)| format!("tls_server_config: {why}")));
        mistakes
    }

    pub(super) fn oldest(&self) -> TlsVersion {
        self.min_version.unwrap_or(TlsVersion::Tls12)
    }

    pub(super) fn newest(&self) -> TlsVersion {
        self.max_version.unwrap_or(TlsVersion::Tls13)
    }
}

/// Whether a setting has a value that is not empty.
fn is_set(value: &Option<String>) -> bool {
    value.as_ref().is_some_and(|value| !value.is_empty())
}

/// Whether clients are asked for a certificate, and whether it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Clients are not asked.
    #[default]
    NoClientCert,
    /// Clients are asked; any certificate or none is accepted.
    RequestClientCert,
    /// Clients must present a certificate; any is accepted.
    RequireAnyClientCert,
    /// Clients are asked; a certificate that is presented is verified.
    VerifyClientCertIfGiven,
    /// Clients must present a certificate, which is verified.
    RequireAndVerifyClientCert,
}

impl TryFrom<String> for ClientAuth {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = [
            ("", Self::NoClientCert),
            ("NoClientCert", Self::NoClientCert),
            ("RequestClientCert", Self::RequestClientCert),
            ("RequireAnyClientCert", Self::RequireAnyClientCert),
            ("RequireClientCert", Self::RequireAnyClientCert),
            ("VerifyClientCertIfGiven", Self::VerifyClientCertIfGiven),
            (
                "RequireAndVerifyClientCert",
                Self::RequireAndVerifyClientCert,
            ),
        ];
        named(&text, &known).ok_or(
            "is none of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
        )
    }
}

impl ClientAuth {
    /// Whether the certificates that clients present are verified.
    pub(super) fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
        )
    }

    /// Whether clients without a certificate are refused.
    pub(super) fn requires(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert
        )
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TryFrom<String> for TlsVersion {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = [("TLS12", Self::Tls12), ("TLS13", Self::Tls13)];
        named(&text, &known).ok_or(match text.as_str() {
            "TLS10" | "TLS11" => {
                "TLS10 and TLS11 are not offered (by rustls); write TLS12 or TLS13"
            }
            _ => "is no version of TLS; write TLS12 or TLS13",
        })
    }
}

/// A cipher suite by Go's name. Those of TLS 1.3 may be named too, and are always offered, as in Go.
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
        let known = [
            ("X25519", Self::X25519),
            ("CurveP256", Self::P256),
            ("CurveP384", Self::P384),
        ];
        named(&text, &known).ok_or(
            "this curve is not offered (by ring); those that are: X25519, CurveP256, CurveP384",
        )
    }
}
