//! Why handshakes fail, in words for the log, each reason at most once a minute: clients cannot fill
//! the log.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::base::mutex::lock;
use crate::base::x509::{Flaw, KEYS, Refusal};
use crate::http::throttle::Throttle;

/// The most reasons that are counted. There are fewer.
const MAX_REASONS: usize = 64;

/// A reason. It contains nothing that the client sent, so there are few different ones.
pub(super) type Reason = Cow<'static, str>;

/// Logs failed handshakes.
#[derive(Debug, Default)]
pub(super) struct FailureLog(Mutex<BTreeMap<Reason, Throttle>>);

impl FailureLog {
    /// Logs that `peer` was refused, unless the same reason was logged within a minute.
    pub(super) fn log(&self, peer: IpAddr, reason: &Reason) {
        if let Some(times) = self.count(reason) {
            tracing::warn!(%peer, %reason, times, "a client was refused in the handshake");
        }
    }

    fn count(&self, reason: &Reason) -> Option<u64> {
        let mut all = lock(&self.0);
        if all.len() < MAX_REASONS {
            return all.entry(reason.clone()).or_default().count();
        }
        all.get(reason)?.count()
    }
}

/// The reason behind the error of a handshake.
pub(super) fn reason(error: &io::Error) -> Reason {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
        return of_tls(error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => LEFT.into(),
        kind => format!("the connection broke: {kind}").into(),
    }
}

pub(super) const NO_TLS: &str = "it sent something that is no TLS";

const LEFT: &str = "it went away in the middle of the handshake (as clients do that do not trust this exporter's certificate)";

fn of_tls(error: &Error) -> Reason {
    match error {
        Error::NoCertificatesPresented => format!(
            "it showed no certificate, or has none with a key of a kind that is taken ({KEYS})"
        )
        .into(),
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::PeerIncompatible(error) => of_offer(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => NO_TLS.into(),
        other => other.to_string().into(),
    }
}

fn of_certificate(error: &CertificateError) -> Reason {
    let refusal = match error {
        CertificateError::UnknownIssuer => Refusal::Unknown,
        CertificateError::Expired => Refusal::Itself(Flaw::Expired),
        CertificateError::NotValidYet => Refusal::Itself(Flaw::NotYetValid),
        CertificateError::InvalidPurpose => Refusal::Itself(Flaw::Purpose),
        CertificateError::BadEncoding => return "its certificate cannot be read".into(),
        CertificateError::BadSignature => {
            return "it does not have the key of the certificate that it shows".into();
        }
        CertificateError::ApplicationVerificationFailure => {
            return "its certificate has none of the names in client_allowed_sans".into();
        }
        CertificateError::Other(other) => return other.0.to_string().into(),
        other => return other.to_string().into(),
    };
    refusal.to_string().into()
}

/// Client and server have nothing in common.
fn of_offer(error: &PeerIncompatible) -> Reason {
    match error {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired
        // Older versions did not have it.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            "it offers no version of TLS that is spoken here (min_version, max_version; never older than 1.2)".into()
        }
        PeerIncompatible::NoCipherSuitesInCommon => {
            "it offers no cipher that is spoken here (cipher_suites; for TLS 1.2 it has to fit the key, too)".into()
        }
        PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired => {
            "it offers no curve that is spoken here (curve_preferences)".into()
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "it cannot check signatures of this exporter's key".into()
        }
        other => format!("it speaks another TLS: {other:?}").into(),
    }
}

fn of_alert(alert: AlertDescription) -> Reason {
    match alert {
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => LEFT.into(),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked => {
            format!("it does not trust this exporter's certificate (it says {alert:?})").into()
        }
        alert => format!("it broke off the handshake (it says {alert:?})").into(),
    }
}
