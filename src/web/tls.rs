//! TLS as a server: from the file's section and what the files hold to a rustls configuration.
//!
//! Pure: whoever calls it has read the files. What Go's TLS does and rustls does by another name is
//! translated here; what rustls does not do is a mistake long before (see [`super`]).

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion, version,
};

use super::{ClientAuth, Curve, Tls, Version, names};

/// What the section's files hold.
#[derive(Default)]
pub struct Material {
    /// The certificate and those above it, in PEM.
    pub cert: Vec<u8>,
    /// The key, in PEM.
    pub key: Vec<u8>,
    /// Those who vouch for clients, in PEM.
    pub client_ca: Option<Vec<u8>>,
}

/// All ciphers that can be named, by Go's names.
pub(super) fn cipher_names() -> Vec<String> {
    let suites = ring::default_provider().cipher_suites;
    suites.iter().map(|suite| go_name(suite.suite())).collect()
}

fn go_name(suite: rustls::CipherSuite) -> String {
    format!("{suite:?}").replace("TLS13_", "TLS_")
}

/// What connections are held against.
///
/// # Errors
/// A sentence on what is wrong with a file; it repeats nothing of it.
pub fn server_config(tls: &Tls, http2: bool, material: &Material) -> Result<ServerConfig, String> {
    let provider = Arc::new(provider(tls));
    let verifier = client_verifier(tls, material, &provider)?;
    let certificates = certificates("cert", &material.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&material.key).map_err(|_| {
        "tls_server_config: key: there is no key in PEM, or it has a passphrase".to_owned()
    })?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(tls))
        .map_err(|error| format!("tls_server_config: {error}"))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(|error| format!("tls_server_config: cert and key: {error}"))?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.is_none_or(|flag| flag.0);
    config.alpn_protocols = match http2 {
        true => vec![H2.to_vec(), HTTP_1_1.to_vec()],
        false => vec![HTTP_1_1.to_vec()],
    };
    Ok(config)
}

/// The protocols' names in a handshake (ALPN).
pub(super) const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

fn versions(tls: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let spoken = [
        (Version::Tls13, &version::TLS13),
        (Version::Tls12, &version::TLS12),
    ];
    let range = tls.oldest()..=tls.newest();
    let spoken = spoken.into_iter().filter(|(name, _)| range.contains(name));
    spoken.map(|(_, version)| version).collect()
}

/// ring, with no more than the ciphers and curves that are named, if any are.
fn provider(tls: &Tls) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if !tls.cipher_suites.is_empty() {
        let is_named = |name: &str| tls.cipher_suites.iter().any(|cipher| cipher.0 == name);
        provider.cipher_suites.retain(|suite| {
            // Those of TLS 1.3 are not to be chosen from, as in Go.
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
    tls: &Tls,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let is_mandatory = match tls.client_auth_type {
        ClientAuth::NoClientCert => return Ok(None),
        ClientAuth::RequestClientCert | ClientAuth::VerifyClientCertIfGiven => false,
        ClientAuth::RequireAnyClientCert | ClientAuth::RequireAndVerifyClientCert => true,
    };
    let vouched = match material.client_ca.as_ref() {
        Some(pem) if tls.client_auth_type.verifies() => Some(vouched_for(pem, provider)?),
        _ => None,
    };
    Ok(Some(Arc::new(Clients {
        vouched,
        is_mandatory,
        allowed_names: tls.client_allowed_sans.clone(),
        provider: provider.clone(),
    })))
}

fn vouched_for(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", pem)? {
        roots
            .add(certificate)
            .map_err(|error| format!("tls_server_config: client_ca: {error}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = builder
        .build()
        .map_err(|error| format!("tls_server_config: client_ca: {error}"))?;
    Ok(verifier)
}

/// Which clients may come: vouched for or not, and by which names.
#[derive(Debug)]
struct Clients {
    /// Absent where any certificate will do.
    vouched: Option<Arc<dyn ClientCertVerifier>>,
    is_mandatory: bool,
    allowed_names: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.vouched
            .as_ref()
            .map_or(&[], |vouched| vouched.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(vouched) = &self.vouched {
            vouched.verify_client_cert(end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed_names {
            let names = names::of(end_entity);
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    // Any certificate may do, yet the client has to have its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
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

    #[test]
    fn what_is_in_no_pem_is_told_and_not_repeated() {
        let material = Material {
            cert: b"s3cret".to_vec(),
            key: b"s3cret".to_vec(),
            client_ca: None,
        };
        let why = server_config(&Tls::default(), true, &material).unwrap_err();
        assert!(
            why.contains("no certificate") && !why.contains("s3cret"),
            "{why}"
        );
    }

    #[test]
    fn only_what_is_named_is_offered_and_tls_1_3_always() {
        let tls = Tls {
            cipher_suites: vec![super::super::Cipher(
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned(),
            )],
            curve_preferences: vec![Curve::P384, Curve::X25519],
            min_version: Some(Version::Tls13),
            ..Tls::default()
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
