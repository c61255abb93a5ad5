//! TLS as a client: which servers are trusted.

use std::collections::HashSet;
use std::env::split_paths;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};

use crate::base::files;
use crate::base::x509::{Authorities, Certificate, Purpose};

/// The variable with a file of certificates to trust.
pub const CERT_FILE: &str = "SSL_CERT_FILE";

/// The variable with folders of such files, separated by colons.
pub const CERT_DIR: &str = "SSL_CERT_DIR";

/// The most bytes of a file of certificates. A larger file is something else.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// The paths of certificates to trust in the environment.
#[derive(Debug, Clone, Default)]
pub struct RootPaths {
    /// The value of [`CERT_FILE`].
    pub file: Option<OsString>,
    /// The value of [`CERT_DIR`].
    pub folders: Option<OsString>,
}

/// Certificates that are trusted. If there are none, Mozilla's are, which are bundled.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// The certificates in `paths`, or in the machine's own place if no path is set, and a warning about each
    /// file that cannot be read. An empty path counts as unset.
    ///
    /// # Errors
    /// A sentence about each path that is set and has no certificate.
    pub fn read(paths: &RootPaths) -> Result<(Self, Vec<String>), Vec<String>> {
        let is_set = |path: &&OsString| !path.is_empty();
        let file = paths.file.as_ref().filter(is_set);
        let folders = paths.folders.as_ref().filter(is_set);
        if file.is_none() && folders.is_none() {
            return Ok((Self::of_the_machine(), Vec::new()));
        }
        let (mut found, mut mistakes) = (Found::default(), Vec::new());
        if let Some(file) = file {
            mistakes.extend(found.take_named_file(Path::new(file)).err());
        }
        if let Some(folders) = folders {
            mistakes.extend(found.take_named_folders(folders).err());
        }
        match mistakes.is_empty() {
            true => Ok((Self(found.certificates), found.warnings)),
            false => Err(mistakes),
        }
    }

    /// The certificates in the places of the operating system; there may be none.
    fn of_the_machine() -> Self {
        let places = openssl_probe::probe();
        let mut found = Found::default();
        // Errors do not matter: these places were not set.
        let _ = places.cert_file.map(|file| found.take_file(&file));
        for folder in places.cert_dir {
            let _ = found.take_folder(&folder);
        }
        Self(found.certificates)
    }
}

/// The certificates that were read so far.
#[derive(Default)]
struct Found {
    certificates: Vec<CertificateDer<'static>>,
    warnings: Vec<String>,
    /// Device and inode of the files that were read: folders have several links to each.
    seen: HashSet<(u64, u64)>,
}

impl Found {
    fn take_named_file(&mut self, file: &Path) -> Result<(), String> {
        self.take_file(file)
            .and_then(|count| match count {
                0 => Err(format!("{} holds no certificate in PEM", files::shown(file))),
                _ => Ok(()),
            })
            .map_err(|why| {
                format!("{CERT_FILE}: {why}; write the path of a file of certificates, or unset it to trust those of this machine")
            })
    }

    fn take_named_folders(&mut self, folders: &OsString) -> Result<(), String> {
        let advice = "write the paths of folders of certificates with colons between them, or unset it to trust those of this machine";
        let mut count = 0;
        for folder in split_paths(folders).filter(|folder| !folder.as_os_str().is_empty()) {
            count += self
                .take_folder(&folder)
                .map_err(|why| format!("{CERT_DIR}: {why}; {advice}"))?;
        }
        match count {
            0 => Err(format!(
                "{CERT_DIR}: no certificate in PEM is there; {advice}"
            )),
            _ => Ok(()),
        }
    }

    /// Takes the certificates in a file, and returns their number.
    fn take_file(&mut self, file: &Path) -> Result<usize, String> {
        let content = files::read(file, LARGEST_FILE)?;
        let before = self.certificates.len();
        for (number, der) in (1..).zip(CertificateDer::pem_slice_iter(&content)) {
            match der.ok().filter(is_readable) {
                Some(der) => self.certificates.push(der),
                None => self.warnings.push(format!(
                    "certificate {number} in {} cannot be read and is left out",
                    files::shown(file)
                )),
            }
        }
        Ok(self.certificates.len() - before)
    }

    /// Takes the certificates in all files of a folder, and returns their number.
    fn take_folder(&mut self, folder: &Path) -> Result<usize, String> {
        let cannot = |error| format!("cannot read the folder {}: {error}", files::shown(folder));
        let mut count = 0;
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let path: PathBuf = entry.map_err(cannot)?.path();
            // Broken links and folders are skipped.
            let Ok(metadata) = path.metadata() else {
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            if !self.seen.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            match self.take_file(&path) {
                Ok(taken) => count += taken,
                Err(why) => self.warnings.push(why),
            }
        }
        Ok(count)
    }
}

fn is_readable(der: &CertificateDer<'_>) -> bool {
    Certificate::read(der).is_ok() || RootCertStore::empty().add(der.clone()).is_ok()
}

/// A configuration that trusts `roots`.
///
/// # Errors
/// A sentence, if rustls refuses ring as its provider of cryptography.
pub fn client_config(roots: &Roots) -> Result<ClientConfig, String> {
    let server = Arc::new(KnownServer::new(roots)?);
    Ok(builder()?
        .dangerous()
        .with_custom_certificate_verifier(server)
        .with_no_client_auth())
}

/// Accepts the certificates that webpki accepts, and a server's own certificate that is trusted itself, as Go
/// does.
#[derive(Debug)]
struct KnownServer {
    trusted: Authorities,
    /// `None` if no trusted certificate may sign others.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl KnownServer {
    fn new(roots: &Roots) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let mut anchors = RootCertStore::empty();
        let mut trusted = Vec::new();
        for der in &roots.0 {
            let certificate = Certificate::read(der).ok();
            // webpki would let any certificate sign others.
            if certificate.as_ref().is_none_or(Certificate::is_authority) {
                anchors.add_parsable_certificates([der.clone()]);
            }
            trusted.extend(certificate);
        }
        if roots.0.is_empty() {
            anchors.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let webpki = match anchors.is_empty() {
            true => None,
            false => Some(
                WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), provider)
                    .build()
                    .map_err(|error| format!("TLS cannot be set up: {error}"))?,
            ),
        };
        Ok(Self {
            trusted: Authorities::new(trusted, algorithms),
            webpki,
            algorithms,
        })
    }
}

impl ServerCertVerifier for KnownServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Certificate::read(end_entity).ok();
        if let Some(shown) = shown.filter(|shown| self.trusted.contain(shown)) {
            self.trusted.verify(&shown, &[], Purpose::Server, now)?;
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let webpki = self
            .webpki
            .as_ref()
            .ok_or(CertificateError::UnknownIssuer)?;
        webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A configuration that trusts any server, for `/-/healthy` of this machine: nothing secret is sent.
///
/// # Errors
/// As [`client_config`].
pub fn trusting_client_config(server: Arc<AnyServer>) -> Result<ClientConfig, String> {
    Ok(builder()?
        .dangerous()
        .with_custom_certificate_verifier(server)
        .with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

/// Accepts any certificate, and records that there was one.
#[derive(Debug, Default)]
pub struct AnyServer {
    /// Whether a server has sent a certificate.
    pub has_certificate: AtomicBool,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.has_certificate.store(true, Ordering::Release);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
