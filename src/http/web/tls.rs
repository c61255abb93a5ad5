//! The rustls configuration for `tls_server_config` and the content of its files.
//!
//! Go's names are translated to those of rustls. What rustls does not offer is refused earlier, in
//! [`tls_config`](super::tls_config).

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::client_cert::ClientVerifier;
use super::tls_config::{ClientAuth, Curve, TlsConfig, TlsVersion, go_name};
use crate::base::files;
use crate::base::x509::{Certificate, KEYS, Purpose, Standing};

/// The content of the section's files, in PEM.
#[derive(Default)]
pub struct Material {
    /// The certificate, followed by the intermediate ones.
    pub cert: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
    /// The authorities for client certificates.
    pub client_ca: Option<Vec<u8>>,
}

/// The configuration for handshakes, and warnings on certificates that have no effect.
///
/// # Errors
/// What is wrong with a file. The message repeats nothing of its content.
pub fn server_config(
    tls: &TlsConfig,
    http2: bool,
    material: &Material,
) -> Result<(ServerConfig, Vec<String>), String> {
    let provider = Arc::new(provider(tls));
    let (verifier, warnings) = client_verifier(tls, material, &provider)?;
    let identity = identity(material, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(tls))
        .map_err(|error| format!("tls_server_config: {error}"))?;
    let verifies = verifier.is_some();
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    if verifies {
        // Resuming a session does not verify the certificate, which may have expired meanwhile.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = match http2 {
        true => vec![H2.to_vec(), HTTP_1_1.to_vec()],
        false => vec![HTTP_1_1.to_vec()],
    };
    Ok((config, warnings))
}

/// The names of protocols in ALPN.
pub(super) const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

fn versions(tls: &TlsConfig) -> Vec<&'static SupportedProtocolVersion> {
    let spoken = [
        (TlsVersion::Tls13, &version::TLS13),
        (TlsVersion::Tls12, &version::TLS12),
    ];
    let range = tls.oldest()..=tls.newest();
    let spoken = spoken.into_iter().filter(|(name, _)| range.contains(name));
    spoken.map(|(_, version)| version).collect()
}

/// ring, limited to the configured cipher suites and curves.
fn provider(tls: &TlsConfig) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if !tls.cipher_suites.is_empty() {
        let is_named = |name: &str| tls.cipher_suites.iter().any(|cipher| cipher.0 == name);
        provider.cipher_suites.retain(|suite| {
            // Those of TLS 1.3 are always offered, as in Go.
            suite.tls13().is_some() || is_named(&go_name(suite.suite()))
        });
    }
    if !tls.curve_preferences.is_empty() {
        provider.kx_groups = tls.curve_preferences.iter().copied().map(group).collect();
    }
    provider
}

fn group(curve: Curve) -> &'static dyn SupportedKxGroup {
    match curve {
        Curve::X25519 => ring::kx_group::X25519,
        Curve::P256 => ring::kx_group::SECP256R1,
        Curve::P384 => ring::kx_group::SECP384R1,
    }
}

fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates
        .map_err(|_| format!("tls_server_config: {name}: this is no certificate in PEM"))?;
    match certificates.is_empty() {
        true => Err(format!(
            "tls_server_config: {name}: there is no certificate in PEM"
        )),
        false => Ok(certificates),
    }
}

fn client_verifier(
    tls: &TlsConfig,
    material: &Material,
    provider: &CryptoProvider,
) -> Result<(Option<ClientVerifier>, Vec<String>), String> {
    let is_mandatory = match tls.client_auth_type {
        ClientAuth::NoClientCert => return Ok((None, Vec::new())),
        ClientAuth::RequestClientCert | ClientAuth::VerifyClientCertIfGiven => false,
        ClientAuth::RequireAnyClientCert | ClientAuth::RequireAndVerifyClientCert => true,
    };
    let algorithms = provider.signature_verification_algorithms;
    let (authorities, warnings) = match material.client_ca.as_ref() {
        Some(pem) if tls.client_auth_type.verifies() => {
            let file = tls.client_ca_file.as_ref().filter(|file| !file.is_empty());
            let (authorities, warnings) = authorities(pem, file, &algorithms)?;
            (Some(authorities), warnings)
        }
        _ => (None, Vec::new()),
    };
    let allowed_sans = tls.client_allowed_sans.clone();
    let clients = ClientVerifier::new(authorities, is_mandatory, allowed_sans, algorithms);
    Ok((Some(clients), warnings))
}

/// The authorities for client certificates, and a warning on each certificate that is none. It is kept
/// too if it can be parsed: a client may present it as its own, or it may not be valid yet.
fn authorities(
    pem: &[u8],
    file: Option<&String>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(Vec<Certificate>, Vec<String>), String> {
    let place = match file {
        Some(file) => format!(
            "tls_server_config: client_ca_file {}",
            files::shown(Path::new(file))
        ),
        None => "tls_server_config: client_ca".to_owned(),
    };
    let (mut known, mut flaws, mut is_any_usable) = (Vec::new(), Vec::new(), false);
    for (number, der) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
        let certificate = der.ok().and_then(|der| Certificate::read(&der).ok());
        let standing = certificate
            .as_ref()
            .map(|certificate| certificate.standing(Purpose::Client, UnixTime::now(), algorithms));
        known.extend(certificate);
        is_any_usable |= standing.is_some_and(Standing::is_usable);
        let flaw = match standing {
            Some(Standing::Vouches) => continue,
            Some(standing) => standing.to_string(),
            None => "cannot be read, and vouches for no client".to_owned(),
        };
        flaws.push(format!("certificate {number} in it {flaw}"));
    }
    if !is_any_usable {
        let why = match flaws.is_empty() {
            true => "there is no certificate in PEM".to_owned(),
            false => format!("none of its certificates will do: {}", flaws.join("; ")),
        };
        return Err(format!("{place}: {why}"));
    }
    let warnings = flaws.iter().map(|flaw| format!("{place}: {flaw}"));
    Ok((known, warnings.collect()))
}

/// The certificate that is presented to clients, with its key.
fn identity(material: &Material, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = certificates("cert", &material.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&material.key).map_err(|_| {
        "tls_server_config: key: there is no key in PEM, or it has a passphrase".to_owned()
    })?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        format!("tls_server_config: key: this key is of no kind that can be used; write one of these: {KEYS}")
    })?;
    let leaf = chain.first().and_then(|der| Certificate::read(der).ok());
    let leaf = leaf.ok_or("tls_server_config: cert: the first certificate cannot be read")?;
    match key.public_key().is_none_or(|public| public == leaf.key()) {
        true => Ok(CertifiedKey::new(chain, key)),
        false => Err("tls_server_config: cert and key: the key is another certificate's (cert's own certificate comes first, those above it follow)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_no_pem_is_refused_and_not_repeated() {
        let material = Material {
            cert: b"s3cret".to_vec(),
            key: b"s3cret".to_vec(),
            client_ca: None,
        };
        let why = server_config(&TlsConfig::default(), true, &material).unwrap_err();
        assert!(
            why.contains("no certificate") && !why.contains("s3cret"),
            "{why}"
        );
    }

    #[test]
    fn configured_ciphers_are_offered_and_those_of_tls_1_3_always() {
        let tls = TlsConfig {
            cipher_suites: vec![super::super::tls_config::Cipher(
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned(),
            )],
            curve_preferences: vec![Curve::P384, Curve::X25519],
            min_version: Some(TlsVersion::Tls13),
            ..TlsConfig::default()
        };
        let provider = provider(&tls);
        assert_eq!(provider.cipher_suites.len(), 4);
        let groups: Vec<_> = provider
            .kx_groups
            .iter()
            .map(|group| format!("{:?}", group.name()))
            .collect();
        assert_eq!(groups, ["secp384r1", "X25519"]);
        assert_eq!(versions(&tls), [&version::TLS13]);
    }
}
