//! The chain from a certificate to a trusted authority.
//!
//! These are the rules of Go's `Certificate.Verify`. webpki, which rustls uses, is no less strict with
//! the certificates that a client sends. But it does not check the configured ones (which may have
//! expired, be no authority's, or be for another purpose), and it refuses certificates that Go
//! accepts: those that are configured themselves, are of version 1, or are an authority's.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{SignatureVerificationAlgorithm, UnixTime};
use rustls::{CertificateError, OtherError};

use super::{Certificate, Flaw, Purpose};

/// The most signatures that are checked for one certificate, as in Go.
const MAX_SIGNATURES: usize = 100;

/// Why a certificate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither a trusted authority nor an intermediate one has signed it.
    Unknown,
    /// The certificate itself has a flaw.
    Itself(Flaw),
    /// An authority above it has a flaw.
    Authority(Flaw),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("no authority that is known here vouches for its certificate")
            }
            Self::Itself(flaw) => write!(f, "its certificate {flaw}"),
            Self::Authority(flaw) => {
                write!(
                    f,
                    "the certificate of an authority that vouches for it {flaw}"
                )
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// rustls chooses the alert that it sends by this error.
impl From<Refusal> for rustls::Error {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal {
            Refusal::Unknown => CertificateError::UnknownIssuer,
            Refusal::Itself(Flaw::Expired) => CertificateError::Expired,
            Refusal::Itself(Flaw::NotYetValid) => CertificateError::NotValidYet,
            Refusal::Itself(Flaw::Purpose) => CertificateError::InvalidPurpose,
            other => CertificateError::Other(OtherError(Arc::new(other))),
        };
        error.into()
    }
}

/// Trusted certificates, and the algorithms to check signatures with.
#[derive(Debug)]
pub(crate) struct Authorities {
    certificates: Vec<Certificate>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Authorities {
    pub(crate) fn new(
        certificates: Vec<Certificate>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            certificates,
            algorithms,
        }
    }

    /// Whether `certificate` is one of them.
    pub(crate) fn contain(&self, certificate: &Certificate) -> bool {
        self.certificates
            .iter()
            .any(|known| known.der == certificate.der)
    }

    /// Verifies `leaf` for `purpose` at `now`, with `intermediates` that may stand between it and an
    /// authority.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn verify(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        leaf.may_be_used(now).map_err(Refusal::Itself)?;
        if self.contain(leaf) {
            return leaf.serves(purpose).map_err(Refusal::Itself);
        }
        let mut search = Search {
            authorities: self,
            intermediates,
            purpose,
            now,
            signatures_left: MAX_SIGNATURES,
            chain: vec![leaf],
        };
        search.extend()
    }
}

/// The search for a chain, by depth first.
struct Search<'a> {
    authorities: &'a Authorities,
    intermediates: &'a [Certificate],
    purpose: Purpose,
    now: UnixTime,
    signatures_left: usize,
    chain: Vec<&'a Certificate>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority,
    Intermediate,
}

impl<'a> Search<'a> {
    /// Extends the chain from its last certificate up to an authority.
    fn extend(&mut self) -> Result<(), Refusal> {
        let known = self.authorities.certificates.iter();
        let known = known.map(|certificate| (Role::Authority, certificate));
        let intermediates = self.intermediates.iter();
        let intermediates = intermediates.map(|certificate| (Role::Intermediate, certificate));
        let mut refusal = Refusal::Unknown;
        for (role, candidate) in known.chain(intermediates) {
            match self.try_issuer(role, candidate) {
                Ok(()) => return Ok(()),
                Err(why) if refusal == Refusal::Unknown => refusal = why,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Tries `candidate` as the issuer of the chain's last certificate.
    fn try_issuer(&mut self, role: Role, candidate: &'a Certificate) -> Result<(), Refusal> {
        let child = self.chain.last().ok_or(Refusal::Unknown)?;
        let is_same =
            |other: &&Certificate| other.subject == candidate.subject && other.key == candidate.key;
        if child.issuer != candidate.subject || self.chain.iter().any(is_same) {
            return Err(Refusal::Unknown);
        }
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or(Refusal::Unknown)?;
        self.check_signature(child, candidate)?;
        self.may_issue(role, candidate)
            .map_err(Refusal::Authority)?;
        self.chain.push(candidate);
        let outcome = match role {
            Role::Authority => self.check_chain(),
            Role::Intermediate => self.extend(),
        };
        self.chain.pop();
        outcome
    }

    fn check_signature(&self, child: &Certificate, candidate: &Certificate) -> Result<(), Refusal> {
        let algorithms = &self.authorities.algorithms;
        let is_algorithm = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            *algorithm.signature_alg_id() == child.signature_algorithm[..]
        };
        let mut matching = algorithms.all.iter().filter(is_algorithm).peekable();
        if matching.peek().is_none() {
            return Err(Self::flawed(self.chain.len() - 1, Flaw::Signature));
        }
        if matching
            .any(|algorithm| candidate.has_signed(*algorithm, &child.signed, &child.signature))
        {
            return Ok(());
        }
        candidate
            .has_supported_key(algorithms)
            .map_err(Refusal::Authority)?;
        Err(Refusal::Unknown)
    }

    fn may_issue(&self, role: Role, candidate: &Certificate) -> Result<(), Flaw> {
        candidate.may_sign()?;
        candidate.may_be_used(self.now)?;
        let extensions = &candidate.extensions;
        // A certificate of version 1 has no basicConstraints. It is an authority only if it is trusted.
        if role == Role::Intermediate && extensions.is_authority != Some(true) {
            return Err(Flaw::NoAuthority);
        }
        let below = self.chain.len() - 1;
        match extensions.max_path.is_some_and(|max| below > max) {
            true => Err(Flaw::PathLength),
            false => Ok(()),
        }
    }

    /// Checks the rules for a complete chain: purposes, policies and name constraints.
    fn check_chain(&self) -> Result<(), Refusal> {
        for (place, certificate) in self.chain.iter().enumerate() {
            certificate
                .serves(self.purpose)
                .map_err(|flaw| Self::flawed(place, flaw))?;
            let is_below = place + 1 < self.chain.len();
            if is_below && certificate.extensions.requires_policies {
                return Err(Self::flawed(place, Flaw::Policies));
            }
            let Some(constraints) = &certificate.extensions.name_constraints else {
                continue;
            };
            let below = self.chain.iter().take(place);
            let mut names = below.filter_map(|below| below.extensions.alt_names.as_ref());
            if !names.all(|names| constraints.allow(names)) {
                return Err(Refusal::Authority(Flaw::NameConstraints));
            }
        }
        Ok(())
    }

    fn flawed(place: usize, flaw: Flaw) -> Refusal {
        match place {
            0 => Refusal::Itself(flaw),
            _ => Refusal::Authority(flaw),
        }
    }
}
