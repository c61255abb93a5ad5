//! Who vouches for whom: the way from a certificate to an authority.
//!
//! This is Go's `Certificate.Verify`, rule by rule. webpki, which verifies for rustls, is no less
//! strict with what a client sends, yet it takes each configured authority as it is (expired, no
//! authority at all, for another purpose), and refuses clients that Go lets in: with a certificate
//! that is configured itself, is of version 1, or is an authority's.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{SignatureVerificationAlgorithm, UnixTime};
use rustls::{CertificateError, OtherError};

use super::{Certificate, Flaw, Purpose};

/// Signatures that are checked for one certificate: no chain of good will needs more.
const MOST_SIGNATURES: usize = 100;

/// Why a certificate is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No authority that is configured has signed it, nor one of those that came with it.
    Unknown,
    /// Something is wrong with the certificate itself.
    Itself(Flaw),
    /// Something is wrong with an authority that has signed it, or with one above that.
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

/// In rustls' words: they decide which alert the other side is sent.
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

/// Certificates that are trusted, and what signatures are checked with.
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

    /// Whether `shown` may be taken for `purpose` at `now`; `between` may stand between it and an
    /// authority.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn verify(
        &self,
        shown: &Certificate,
        between: &[Certificate],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        shown.may_be_used(now).map_err(Refusal::Itself)?;
        if self.contain(shown) {
            return shown.serves(purpose).map_err(Refusal::Itself);
        }
        let mut search = Search {
            authorities: self,
            between,
            purpose,
            now,
            signatures_left: MOST_SIGNATURES,
            chain: vec![shown],
        };
        search.climb()
    }
}

/// A chain on its way from a certificate upwards.
struct Search<'a> {
    authorities: &'a Authorities,
    between: &'a [Certificate],
    purpose: Purpose,
    now: UnixTime,
    signatures_left: usize,
    chain: Vec<&'a Certificate>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority,
    Between,
}

impl<'a> Search<'a> {
    /// Goes on upwards from the chain's last certificate.
    fn climb(&mut self) -> Result<(), Refusal> {
        let known = self.authorities.certificates.iter();
        let known = known.map(|certificate| (Role::Authority, certificate));
        let between = self.between.iter();
        let between = between.map(|certificate| (Role::Between, certificate));
        let mut refusal = Refusal::Unknown;
        for (role, candidate) in known.chain(between) {
            match self.step(role, candidate) {
                Ok(()) => return Ok(()),
                Err(why) if refusal == Refusal::Unknown => refusal = why,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Takes `candidate` for the one that has signed the chain's last certificate, if it has.
    fn step(&mut self, role: Role, candidate: &'a Certificate) -> Result<(), Refusal> {
        let child = self.chain.last().ok_or(Refusal::Unknown)?;
        let is_met_again =
            |met: &&Certificate| met.subject == candidate.subject && met.key == candidate.key;
        if child.issuer != candidate.subject || self.chain.iter().any(is_met_again) {
            return Err(Refusal::Unknown);
        }
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or(Refusal::Unknown)?;
        self.is_signed(child, candidate)?;
        self.may_vouch(role, candidate)
            .map_err(Refusal::Authority)?;
        self.chain.push(candidate);
        let outcome = match role {
            Role::Authority => self.judge(),
            Role::Between => self.climb(),
        };
        self.chain.pop();
        outcome
    }

    fn is_signed(&self, child: &Certificate, candidate: &Certificate) -> Result<(), Refusal> {
        let algorithms = &self.authorities.algorithms;
        let is_fitting = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            *algorithm.signature_alg_id() == child.signature_algorithm[..]
        };
        let mut fitting = algorithms.all.iter().filter(is_fitting).peekable();
        if fitting.peek().is_none() {
            return Err(Self::flawed(self.chain.len() - 1, Flaw::Signature));
        }
        if fitting
            .any(|algorithm| candidate.has_signed(*algorithm, &child.signed, &child.signature))
        {
            return Ok(());
        }
        candidate
            .has_possible_key(algorithms)
            .map_err(Refusal::Authority)?;
        Err(Refusal::Unknown)
    }

    fn may_vouch(&self, role: Role, candidate: &Certificate) -> Result<(), Flaw> {
        candidate.may_sign()?;
        candidate.may_be_used(self.now)?;
        let extensions = &candidate.extensions;
        // Version 1 says nothing of authorities: such a one has to be configured.
        if role == Role::Between && extensions.is_authority != Some(true) {
            return Err(Flaw::NoAuthority);
        }
        let below = self.chain.len() - 1;
        match extensions
            .longest_path
            .is_some_and(|longest| below > longest)
        {
            true => Err(Flaw::PathLength),
            false => Ok(()),
        }
    }

    /// Judges a chain that is whole, from the certificate shown up to an authority that is configured.
    fn judge(&self) -> Result<(), Refusal> {
        for (place, certificate) in self.chain.iter().enumerate() {
            certificate
                .serves(self.purpose)
                .map_err(|flaw| Self::flawed(place, flaw))?;
            let is_below = place + 1 < self.chain.len();
            if is_below && certificate.extensions.wants_policies {
                return Err(Self::flawed(place, Flaw::Policies));
            }
            let Some(constraints) = &certificate.extensions.constraints else {
                continue;
            };
            let below = self.chain.iter().take(place);
            let mut names = below.filter_map(|below| below.extensions.names.as_ref());
            if !names.all(|names| constraints.allow(names)) {
                return Err(Refusal::Authority(Flaw::Names));
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
