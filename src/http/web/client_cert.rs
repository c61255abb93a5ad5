//! Verification of client certificates for rustls, by the rules of Go's `crypto/tls`.
//!
//! [`x509`](crate::base::x509) verifies the chain. This file checks the subject alternative names and the
//! proof that the client has the certificate's key. (rustls' own functions for that proof reject
//! certificates of version 1.)

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::verify_tls13_signature_with_raw_key;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved,
    SignatureScheme,
};

use crate::base::x509::{Authorities, Certificate, Purpose};

/// Verifies the certificates of clients.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    /// Absent where any certificate is accepted.
    authorities: Option<Authorities>,
    subjects: Vec<DistinguishedName>,
    is_mandatory: bool,
    allowed_sans: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    pub(super) fn new(
        authorities: Option<Vec<Certificate>>,
        is_mandatory: bool,
        allowed_sans: Option<Vec<String>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let known = authorities.iter().flatten();
        let subjects = known.map(|known| known.subject().to_vec().into()).collect();
        Self {
            authorities: authorities.map(|known| Authorities::new(known, algorithms)),
            subjects,
            is_mandatory,
            allowed_sans,
            algorithms,
        }
    }
}

fn read(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::read(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let leaf = read(end_entity)?;
        let intermediates: Vec<_> = intermediates.iter().map(read).collect::<Result<_, _>>()?;
        if let Some(authorities) = &self.authorities {
            authorities.verify(&leaf, &intermediates, Purpose::Client, now)?;
        }
        if let Some(allowed) = &self.allowed_sans
            && !leaf.alt_names().iter().any(|name| allowed.contains(name))
        {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = read(certificate)?;
        let mut schemes = self.algorithms.mapping.iter();
        let (_, algorithms) = schemes
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let is_right = |algorithm| certificate.has_signed(algorithm, message, signed.signature());
        match algorithms.iter().any(|algorithm| is_right(*algorithm)) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = read(certificate)?;
        verify_tls13_signature_with_raw_key(message, &certificate.key(), signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
