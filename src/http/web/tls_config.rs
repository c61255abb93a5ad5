//! `tls_server_config`: the certificate, client certificates, and what TLS offers.

use rustls::CipherSuite;
use rustls::crypto::ring::ALL_CIPHER_SUITES;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::yaml::{Words, or_default, parsed, texts, truth};

/// The section. An empty file or text counts as absent.
#[derive(Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
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
    #[serde(deserialize_with = "or_default")]
    pub client_auth_type: ClientAuth,
    /// The authorities for client certificates.
    pub client_ca_file: Option<String>,
    /// The same as text.
    pub client_ca: Option<String>,
    /// Subject alternative names, of which a client's certificate must have one.
    #[serde(deserialize_with = "texts")]
    pub client_allowed_sans: Option<Vec<String>>,
    /// The lowest version of TLS; 1.2 unless set.
    pub min_version: Option<TlsVersion>,
    /// The highest version of TLS; 1.3 unless set.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites for TLS 1.2; all of rustls where it is empty.
    #[serde(deserialize_with = "or_default")]
    pub cipher_suites: Vec<Cipher>,
    /// The curves for key agreement in order of preference; all of ring where it is empty.
    #[serde(deserialize_with = "or_default")]
    pub curve_preferences: Vec<Curve>,
    /// Whether the server chooses the cipher suite; true unless set.
    #[serde(deserialize_with = "truth")]
    pub prefer_server_cipher_suites: Option<bool>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub enum ClientAuth {
    /// Clients are not asked.
    #[default]
    #[serde(alias = "")]
    NoClientCert,
    /// Clients are asked; any certificate or none is accepted.
    RequestClientCert,
    /// Clients must present a certificate; any is accepted.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// Clients are asked; a certificate that is presented is verified.
    VerifyClientCertIfGiven,
    /// Clients must present a certificate, which is verified.
    RequireAndVerifyClientCert,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TlsVersion {
    /// TLS 1.2; older ones are not offered by rustls.
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// A cipher suite by Go's name. Those of TLS 1.3 may be named too, and are always offered, as in Go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cipher(pub String);

impl<'de> Deserialize<'de> for Cipher {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let known = cipher_names();
        let cipher = parsed(value, |text| match known.contains(&text.to_owned()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Words::from(format!(
                "this cipher is not offered (by rustls); those that are: {}",
                known.join(", ")
            ))),
        });
        cipher?.ok_or_else(|| D::Error::custom(Words::from("an element of this list is empty")))
    }
}

/// Go's names of all cipher suites that are offered.
fn cipher_names() -> Vec<String> {
    let suites = ALL_CIPHER_SUITES.iter();
    suites.map(|suite| go_name(suite.suite())).collect()
}

pub(super) fn go_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replace("TLS13_", "TLS_")
}

/// A curve by Go's name; others are not offered by ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub enum Curve {
    /// X25519
    X25519,
    /// NIST's P-256
    #[serde(rename = "CurveP256")]
    P256,
    /// NIST's P-384
    #[serde(rename = "CurveP384")]
    P384,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_have_gos_names() {
        let names = cipher_names();
        assert!(
            names.contains(&"TLS_AES_256_GCM_SHA384".to_owned()),
            "{names:?}"
        );
        assert!(
            names.contains(&"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".to_owned()),
            "{names:?}"
        );
    }
}
