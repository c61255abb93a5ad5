//! Verification of certificates by the rules of Go's `crypto/x509`, which the exporter-toolkit uses.
//!
//! This file parses a certificate, and refuses one that Go refuses to parse. [`alt_names`] and
//! [`name_constraints`] hold two of its extensions, and [`chain`] verifies it.

mod alt_names;
mod chain;
mod name_constraints;

use std::fmt;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{SubjectPublicKeyInfoDer, UnixTime};
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::asn1::{BitStringRef, ObjectIdentifier};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc5280::{
    ANY_EXTENDED_KEY_USAGE, ID_CE_INHIBIT_ANY_POLICY, ID_CE_POLICY_MAPPINGS, ID_KP_CLIENT_AUTH,
    ID_KP_SERVER_AUTH,
};
use x509_cert::der::{self, Decode, Encode, EncodeValue, Reader, SliceReader, Tag, Tagged};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    self, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, PolicyConstraints, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

use alt_names::AltNames;
pub(crate) use chain::{Authorities, Refusal};
use name_constraints::NameConstraints;

/// The supported keys, in words.
pub(crate) const KEYS: &str = "ECDSA with P-256 or P-384, Ed25519, RSA of 2048 to 8192 bits";

/// The size of the modulus of the shortest supported RSA key, in bytes. The key in DER is longer.
const MIN_RSA_MODULUS: usize = 2048 / 8;

/// What a certificate is presented for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To authenticate a server.
    Server,
    /// To authenticate a client.
    Client,
}

impl Purpose {
    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Server => ID_KP_SERVER_AUTH,
            Self::Client => ID_KP_CLIENT_AUTH,
        }
    }
}

/// What is wrong with a certificate. It is displayed as a predicate of "the certificate".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Expired,
    NotYetValid,
    UnknownExtension,
    NoAuthority,
    NoSigner,
    PathLength,
    Purpose,
    Policies,
    NameConstraints,
    Key,
    Signature,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "has expired",
            Self::NotYetValid => "is not valid yet",
            Self::UnknownExtension => "has a critical extension that is not understood here",
            Self::NoAuthority => {
                "is not that of an authority (basicConstraints are missing, or say CA:FALSE)"
            }
            Self::NoSigner => "may not sign certificates (keyUsage without keyCertSign)",
            Self::PathLength => "allows fewer authorities below it (basicConstraints, pathlen)",
            Self::Purpose => "is for another purpose (extendedKeyUsage)",
            Self::Policies => "asks for certificate policies, which are not understood here",
            Self::NameConstraints => "does not allow the names below it (nameConstraints)",
            Self::Key => {
                return write!(
                    f,
                    "has a key of a kind that is not taken here (taken: {KEYS})"
                );
            }
            Self::Signature => "is signed in a way that is not taken (SHA-1 or MD5, say)",
        })
    }
}

/// How far a configured certificate is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// For itself, and for certificates that it has signed.
    Vouches,
    /// The same, once it is valid.
    Later,
    /// Only for itself, because of the flaw.
    ForItself(Flaw),
    /// Not at all, because of the flaw.
    Useless(Flaw),
}

impl Standing {
    pub(crate) fn is_usable(self) -> bool {
        !matches!(self, Self::Useless(_))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vouches => f.write_str("vouches for others"),
            Self::Later => write!(
                f,
                "{}: until then it vouches for no other",
                Flaw::NotYetValid
            ),
            Self::ForItself(flaw) => {
                write!(f, "{flaw}: it stands for itself, and vouches for no other")
            }
            Self::Useless(flaw) => write!(f, "{flaw}, and vouches for no other"),
        }
    }
}

/// A certificate.
#[derive(Debug)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    version: Version,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    not_before: u64,
    not_after: u64,
    /// Its SubjectPublicKeyInfo in DER, and the two parts of that.
    key: Vec<u8>,
    key_algorithm: Vec<u8>,
    key_bits: Vec<u8>,
    /// The TBSCertificate in DER, and its signature.
    signed: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    extensions: Extensions,
}

/// The content of the extensions.
#[derive(Debug, Default)]
struct Extensions {
    /// From basicConstraints, if present.
    is_authority: Option<bool>,
    max_path: Option<usize>,
    /// Absent where every usage is allowed.
    key_usage: Option<KeyUsage>,
    purposes: Vec<ObjectIdentifier>,
    alt_names: Option<AltNames>,
    name_constraints: Option<NameConstraints>,
    /// Whether there is a critical extension that is not understood.
    has_unknown: bool,
    requires_policies: bool,
}

impl Certificate {
    /// Parses a certificate in DER.
    ///
    /// # Errors
    /// It is no certificate, or one that Go does not parse.
    pub(crate) fn read(der: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let (signed, algorithm, signature) = reader.sequence(|reader| {
            let signed = reader.tlv_bytes()?;
            let algorithm = AlgorithmIdentifierOwned::decode(reader)?;
            let signature = BitStringRef::decode(reader)?;
            Ok::<_, der::Error>((signed, algorithm, signature))
        })?;
        reader.finish()?;
        let content = TbsCertificate::from_der(signed)?;
        require(*content.signature() == algorithm)?;
        require(has_valid_text(content.subject()) && has_valid_text(content.issuer()))?;
        let is_negative = |byte: &u8| *byte >= 0x80;
        require(
            !content
                .serial_number()
                .as_bytes()
                .first()
                .is_some_and(is_negative),
        )?;
        let extensions = match content.version() {
            Version::V3 => content.extensions().map_or(&[][..], Vec::as_slice),
            Version::V1 | Version::V2 => &[],
        };
        let key = content.subject_public_key_info();
        Ok(Self {
            der: der.to_vec(),
            version: content.version(),
            subject: content.subject().to_der()?,
            issuer: content.issuer().to_der()?,
            not_before: content.validity().not_before.to_unix_duration().as_secs(),
            not_after: content.validity().not_after.to_unix_duration().as_secs(),
            key: key.to_der()?,
            key_algorithm: content_of(&key.algorithm)?,
            key_bits: whole_bytes(key.subject_public_key.as_bytes())?,
            signed: signed.to_vec(),
            signature_algorithm: content_of(&algorithm)?,
            signature: whole_bytes(signature.as_bytes())?,
            extensions: Extensions::read(extensions)?,
        })
    }

    /// The subject in DER.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The DNS names, e-mail addresses, IP addresses and URIs in subjectAltName, as Go writes them.
    pub(crate) fn alt_names(&self) -> Vec<String> {
        let names = self.extensions.alt_names.as_ref();
        names.map(AltNames::all).unwrap_or_default()
    }

    /// Its SubjectPublicKeyInfo.
    pub(crate) fn key(&self) -> SubjectPublicKeyInfoDer<'_> {
        self.key.as_slice().into()
    }

    /// Whether `signature` is one of `message` with its key, by `algorithm`.
    pub(crate) fn has_signed(
        &self,
        algorithm: &dyn rustls::pki_types::SignatureVerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        *algorithm.public_key_alg_id() == self.key_algorithm[..]
            && algorithm
                .verify_signature(&self.key_bits, message, signature)
                .is_ok()
    }

    fn is_valid_at(&self, now: UnixTime) -> Result<(), Flaw> {
        if now.as_secs() < self.not_before {
            return Err(Flaw::NotYetValid);
        }
        if now.as_secs() > self.not_after {
            return Err(Flaw::Expired);
        }
        Ok(())
    }

    /// What any certificate of a chain must be: understood, and valid at `now`.
    fn may_be_used(&self, now: UnixTime) -> Result<(), Flaw> {
        if self.extensions.has_unknown {
            return Err(Flaw::UnknownExtension);
        }
        self.is_valid_at(now)
    }

    /// Whether it may sign certificates.
    fn may_sign(&self) -> Result<(), Flaw> {
        let is_authority = self.extensions.is_authority;
        if !is_authority.unwrap_or(self.version != Version::V3) {
            return Err(Flaw::NoAuthority);
        }
        match self.extensions.key_usage {
            Some(usage) if !usage.key_cert_sign() => Err(Flaw::NoSigner),
            _ => Ok(()),
        }
    }

    /// Whether it may sign certificates, though perhaps not at present.
    pub(crate) fn is_authority(&self) -> bool {
        !self.extensions.has_unknown && self.may_sign().is_ok()
    }

    fn serves(&self, purpose: Purpose) -> Result<(), Flaw> {
        let purposes = &self.extensions.purposes;
        let is_served =
            |oid: &ObjectIdentifier| *oid == purpose.oid() || *oid == ANY_EXTENDED_KEY_USAGE;
        match purposes.is_empty() || purposes.iter().any(is_served) {
            true => Ok(()),
            false => Err(Flaw::Purpose),
        }
    }

    /// How far it is trusted where it is configured.
    pub(crate) fn standing(
        &self,
        purpose: Purpose,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Standing {
        let may_be_shown = || {
            self.has_supported_key(algorithms)?;
            self.serves(purpose)?;
            self.may_be_used(now)
        };
        match (may_be_shown(), self.may_sign()) {
            (Err(flaw), _) if flaw != Flaw::NotYetValid => Standing::Useless(flaw),
            (_, Err(flaw)) => Standing::ForItself(flaw),
            (Err(_), Ok(())) => Standing::Later,
            (Ok(()), Ok(())) => Standing::Vouches,
        }
    }

    fn has_supported_key(&self, algorithms: &WebPkiSupportedAlgorithms) -> Result<(), Flaw> {
        let is_known = |id: &[u8]| id == self.key_algorithm;
        let mut known = algorithms.all.iter().map(|known| known.public_key_alg_id());
        let is_rsa = self.key_algorithm == rustls::pki_types::alg_id::RSA_ENCRYPTION.as_ref();
        match known.any(|id| is_known(&id)) && (!is_rsa || self.key_bits.len() > MIN_RSA_MODULUS) {
            true => Ok(()),
            false => Err(Flaw::Key),
        }
    }
}

impl Extensions {
    fn read(extensions: &[Extension]) -> der::Result<Self> {
        let mut all = Self::default();
        for (place, extension) in extensions.iter().enumerate() {
            let mut earlier = extensions.iter().take(place);
            require(!earlier.any(|earlier| earlier.extn_id == extension.extn_id))?;
            let is_understood = all.add(extension)?;
            all.has_unknown |= extension.critical && !is_understood;
        }
        Ok(all)
    }

    /// Adds the content of an extension. Returns whether it is understood.
    fn add(&mut self, extension: &Extension) -> der::Result<bool> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            BasicConstraints::OID => {
                let constraints = BasicConstraints::from_der(value)?;
                self.is_authority = Some(constraints.ca);
                self.max_path = constraints.path_len_constraint.map(usize::from);
            }
            KeyUsage::OID => {
                // An empty keyUsage counts as absent.
                require(is_padded_with_zeros(BitStringRef::from_der(value)?))?;
                let usage = KeyUsage::from_der(value)?;
                self.key_usage = (!usage.0.is_empty()).then_some(usage);
            }
            ExtendedKeyUsage::OID => self.purposes = ExtendedKeyUsage::from_der(value)?.0,
            SubjectAltName::OID => {
                let names = AltNames::read(&SubjectAltName::from_der(value)?.0)?;
                let is_understood = !names.all().is_empty();
                self.alt_names = Some(names);
                return Ok(is_understood);
            }
            pkix::NameConstraints::OID => {
                let (constraints, is_understood) =
                    NameConstraints::read(&pkix::NameConstraints::from_der(value)?)?;
                self.name_constraints = Some(constraints);
                return Ok(is_understood);
            }
            PolicyConstraints::OID => {
                let constraints = PolicyConstraints::from_der(value)?;
                self.requires_policies = constraints.require_explicit_policy.is_some();
            }
            CrlDistributionPoints::OID => drop(CrlDistributionPoints::from_der(value)?),
            CertificatePolicies::OID => drop(CertificatePolicies::from_der(value)?),
            // They matter only where policies are required.
            ID_CE_POLICY_MAPPINGS | ID_CE_INHIBIT_ANY_POLICY => {}
            // The next three must not be critical.
            SubjectKeyIdentifier::OID => {
                drop(SubjectKeyIdentifier::from_der(value)?);
                require(!extension.critical)?;
            }
            AuthorityKeyIdentifier::OID => {
                drop(AuthorityKeyIdentifier::from_der(value)?);
                require(!extension.critical)?;
            }
            AuthorityInfoAccessSyntax::OID => {
                drop(AuthorityInfoAccessSyntax::from_der(value)?);
                require(!extension.critical)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The content of an AlgorithmIdentifier without its tag and length, by which webpki identifies
/// algorithms.
fn content_of(algorithm: &AlgorithmIdentifierOwned) -> der::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    algorithm.encode_value(&mut bytes)?;
    Ok(bytes)
}

/// A bit string of whole bytes.
fn whole_bytes(bytes: Option<&[u8]>) -> der::Result<Vec<u8>> {
    require(bytes.is_some())?;
    Ok(bytes.unwrap_or_default().to_vec())
}

/// Whether the unused bits of the last byte are zero.
fn is_padded_with_zeros(bits: BitStringRef<'_>) -> bool {
    let unused = (1_u16 << bits.unused_bits()) - 1;
    bits.raw_bytes()
        .last()
        .is_none_or(|last| u16::from(*last) & unused == 0)
}

/// Whether each attribute of a name is valid for its type of string.
fn has_valid_text(name: &Name) -> bool {
    name.iter().all(|attribute| {
        let value = attribute.value.value();
        match attribute.value.tag() {
            Tag::Utf8String => std::str::from_utf8(value).is_ok(),
            Tag::Ia5String => value.is_ascii(),
            Tag::PrintableString => value
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b" '()*+,-./:=?&".contains(byte)),
            Tag::NumericString => value.iter().all(|byte| b" 0123456789".contains(byte)),
            _ => true,
        }
    })
}

/// Fails to parse where a condition is not met.
fn require(is_met: bool) -> der::Result<()> {
    match is_met {
        true => Ok(()),
        false => Err(der::ErrorKind::Failed.into()),
    }
}

#[cfg(test)]
mod tests;
