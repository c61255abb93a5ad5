//! TLS as a client: whom to trust.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Trusts the machine's own certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), or those
/// of Mozilla, bundled, where it has none.
///
/// # Errors
/// None that was ever seen: ring knows the protocol versions that rustls asks for.
pub fn client_config() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
