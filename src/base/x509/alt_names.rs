//! The names in a certificate: its subjectAltName.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use x509_cert::der;
use x509_cert::ext::pkix::name::GeneralName;

use super::require;

/// The names of the types that nameConstraints and `client_allowed_sans` apply to.
#[derive(Debug, Default)]
pub(super) struct AltNames {
    pub(super) dns: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) ips: Vec<IpAddr>,
    pub(super) uris: Vec<String>,
}

impl AltNames {
    pub(super) fn read(all: &[GeneralName]) -> der::Result<Self> {
        let mut names = Self::default();
        for name in all {
            match name {
                GeneralName::DnsName(name) => names.dns.push(name.to_string()),
                GeneralName::Rfc822Name(name) => names.emails.push(name.to_string()),
                GeneralName::UniformResourceIdentifier(name) => {
                    require(is_uri(name.as_str()))?;
                    names.uris.push(name.to_string());
                }
                GeneralName::IpAddress(octets) => names.ips.push(ip(octets.as_bytes())?),
                _ => {}
            }
        }
        Ok(names)
    }

    /// All of them, as Go writes them.
    pub(super) fn all(&self) -> Vec<String> {
        let texts = self.dns.iter().chain(&self.emails).cloned();
        let ips = self.ips.iter().map(IpAddr::to_string);
        texts.chain(ips).chain(self.uris.iter().cloned()).collect()
    }
}

/// Whether the text consists of labels, none of them empty. The empty text does, as in Go.
pub(super) fn is_domain(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic());
    text.is_empty() || text.split('.').all(is_label)
}

fn is_uri(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain && Url::parse(text).is_ok() && host(text).is_none_or(is_domain)
}

/// The host of a URI, if it has one.
pub(super) fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => host,
    };
    Some(host).filter(|host| !host.is_empty())
}

/// An IP address that is no IPv4 address written as an IPv6 one.
pub(super) fn ip(octets: &[u8]) -> der::Result<IpAddr> {
    let ip = any_ip(octets)?;
    let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    require(!is_mapped)?;
    Ok(ip)
}

pub(super) fn any_ip(octets: &[u8]) -> der::Result<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    let v6 = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into());
    v4.or(v6).map_err(|_| der::ErrorKind::Failed.into())
}
