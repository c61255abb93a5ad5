//! The names in a certificate (its subjectAltName), and those that an authority may vouch for (its
//! nameConstraints).
//!
//! The rules are Go's. Where it reads an odd name that is seldom seen (a quoted e-mail address), and
//! there are constraints, the name is refused here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use x509_cert::der;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

use super::unless;

/// The names of the kinds that constraints and `client_allowed_sans` know.
#[derive(Debug, Default)]
pub(super) struct Names {
    dns: Vec<String>,
    emails: Vec<String>,
    ips: Vec<IpAddr>,
    uris: Vec<String>,
}

impl Names {
    pub(super) fn read(all: &[GeneralName]) -> der::Result<Self> {
        let mut names = Self::default();
        for name in all {
            match name {
                GeneralName::DnsName(name) => names.dns.push(name.to_string()),
                GeneralName::Rfc822Name(name) => names.emails.push(name.to_string()),
                GeneralName::UniformResourceIdentifier(name) => {
                    unless(is_uri(name.as_str()))?;
                    names.uris.push(name.to_string());
                }
                GeneralName::IpAddress(octets) => names.ips.push(ip(octets.as_bytes())?),
                _ => {}
            }
        }
        Ok(names)
    }

    pub(super) fn are_none(&self) -> bool {
        self.all().is_empty()
    }

    pub(super) fn all(&self) -> Vec<String> {
        let texts = self.dns.iter().chain(&self.emails).cloned();
        let ips = self.ips.iter().map(IpAddr::to_string);
        texts.chain(ips).chain(self.uris.iter().cloned()).collect()
    }
}

/// The names that an authority may vouch for.
#[derive(Debug)]
pub(super) struct Constraints {
    permitted: Subtrees,
    excluded: Subtrees,
}

#[derive(Debug, Default)]
struct Subtrees {
    dns: Vec<String>,
    email_domains: Vec<String>,
    mailboxes: Vec<Mailbox>,
    networks: Vec<Network>,
    hosts: Vec<String>,
    /// There is something of another kind.
    has_others: bool,
}

impl Constraints {
    /// The constraints, and whether all of them are understood.
    pub(super) fn read(constraints: &NameConstraints) -> der::Result<(Self, bool)> {
        let subtrees =
            |all: &Option<Vec<GeneralSubtree>>| Subtrees::read(all.as_deref().unwrap_or_default());
        let count = |all: &Option<Vec<GeneralSubtree>>| all.as_ref().map_or(0, Vec::len);
        let (permitted, excluded) = (
            &constraints.permitted_subtrees,
            &constraints.excluded_subtrees,
        );
        unless(count(permitted) + count(excluded) > 0)?;
        let constraints = Self {
            permitted: subtrees(permitted)?,
            excluded: subtrees(excluded)?,
        };
        let are_understood = !constraints.permitted.has_others && !constraints.excluded.has_others;
        Ok((constraints, are_understood))
    }

    /// Whether all of `names` are permitted, and none is excluded.
    pub(super) fn allow(&self, names: &Names) -> bool {
        let (yes, no) = (&self.permitted, &self.excluded);
        let ips = names.ips.iter().all(|ip| {
            let holds = |network: &Network| network.holds(*ip);
            (yes.networks.is_empty() || yes.networks.iter().any(holds))
                && !no.networks.iter().any(holds)
        });
        let dns = names
            .dns
            .iter()
            .all(|name| is_domain(name) && permits(&yes.dns, name) && !excludes(&no.dns, name));
        let uris = names.uris.iter().all(|uri| {
            host(uri)
                .filter(|host| is_name(host))
                .is_some_and(|host| permits(&yes.hosts, host) && !excludes(&no.hosts, host))
        });
        let emails = names.emails.iter().all(|email| {
            Mailbox::read(email)
                .is_some_and(|mailbox| yes.permit(&mailbox) && !no.exclude(&mailbox))
        });
        ips && dns && uris && emails
    }
}

impl Subtrees {
    fn read(all: &[GeneralSubtree]) -> der::Result<Self> {
        let mut subtrees = Self::default();
        for subtree in all {
            match &subtree.base {
                GeneralName::DnsName(name) => subtrees.dns.push(constraint(name.as_str())?),
                GeneralName::Rfc822Name(name) if name.as_str().contains('@') => {
                    let mailbox = Mailbox::read(name.as_str());
                    unless(mailbox.is_some())?;
                    subtrees.mailboxes.extend(mailbox);
                }
                GeneralName::Rfc822Name(name) => {
                    subtrees.email_domains.push(constraint(name.as_str())?);
                }
                GeneralName::UniformResourceIdentifier(name) => {
                    unless(is_name(name.as_str()))?;
                    subtrees.hosts.push(constraint(name.as_str())?);
                }
                GeneralName::IpAddress(octets) => {
                    subtrees.networks.push(Network::read(octets.as_bytes())?);
                }
                _ => subtrees.has_others = true,
            }
        }
        Ok(subtrees)
    }

    fn permit(&self, mailbox: &Mailbox) -> bool {
        let are_none = self.mailboxes.is_empty() && self.email_domains.is_empty();
        are_none
            || self.mailboxes.contains(mailbox)
            || self
                .email_domains
                .iter()
                .any(|domain| holds(domain, &mailbox.domain))
    }

    fn exclude(&self, mailbox: &Mailbox) -> bool {
        self.mailboxes.contains(mailbox) || excludes(&self.email_domains, &mailbox.domain)
    }
}

/// Whether `name` is in one of `domains`, or nothing is said of such names.
fn permits(domains: &[String], name: &str) -> bool {
    domains.is_empty() || domains.iter().any(|domain| holds(domain, name))
}

fn excludes(domains: &[String], name: &str) -> bool {
    // A wildcard stands for all names beside the excluded one, and so for that one too.
    let is_wildcard_of = |domain: &String| {
        let beside = domain.find('.').and_then(|dot| domain.get(dot..));
        name.strip_prefix('*')
            .zip(beside)
            .is_some_and(|(rest, beside)| rest.eq_ignore_ascii_case(beside))
    };
    let mut domains = domains.iter();
    domains.any(|domain| holds(domain, name) || is_wildcard_of(domain))
}

/// Whether `name` is `domain` or below it; only below, where that begins with a dot.
fn holds(domain: &str, name: &str) -> bool {
    let Some(split) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (Some(before), Some(end)) = (name.get(..split), name.get(split..)) else {
        return false;
    };
    let is_whole_label = before.is_empty() || before.ends_with('.') || domain.starts_with('.');
    domain.is_empty() || (end.eq_ignore_ascii_case(domain) && is_whole_label)
}

fn constraint(domain: &str) -> der::Result<String> {
    unless(is_domain(domain.strip_prefix('.').unwrap_or(domain)))?;
    Ok(domain.to_owned())
}

/// Whether it is made of labels, none of them empty; an empty text passes, as in Go.
fn is_domain(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic());
    text.is_empty() || text.split('.').all(is_label)
}

/// Whether it is a domain's name and no address.
fn is_name(host: &str) -> bool {
    is_domain(host.strip_prefix('.').unwrap_or(host))
        && host.parse::<IpAddr>().is_err()
        && !host.starts_with('[')
}

fn is_uri(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain && Url::parse(text).is_ok() && host(text).is_none_or(is_domain)
}

/// The host in a URI, if it has one.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => host,
    };
    Some(host).filter(|host| !host.is_empty())
}

/// An e-mail address; the domain is in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Mailbox {
    local: String,
    domain: String,
}

impl Mailbox {
    fn read(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let is_local = !local.is_empty()
            && local.chars().all(is_legal)
            && !local.split('.').any(str::is_empty);
        (is_local && is_domain(domain) && !domain.contains('@')).then(|| Self {
            local: local.to_owned(),
            domain: domain.to_ascii_lowercase(),
        })
    }
}

/// Addresses that begin alike.
#[derive(Debug)]
struct Network {
    address: IpAddr,
    mask: IpAddr,
}

impl Network {
    /// Reads an address with its mask behind it.
    fn read(octets: &[u8]) -> der::Result<Self> {
        let (address, mask) = octets.split_at(octets.len() / 2);
        let network = Self {
            address: ip(address)?,
            mask: plain_ip(mask)?,
        };
        unless(network.mask_bits().leading_ones() == network.mask_bits().count_ones())?;
        Ok(network)
    }

    /// The mask, with ones behind what is shorter than this.
    fn mask_bits(&self) -> u128 {
        bits(self.mask)
    }

    fn holds(&self, ip: IpAddr) -> bool {
        let is_alike = |ip: IpAddr| bits(ip) & self.mask_bits();
        self.address.is_ipv4() == ip.is_ipv4() && is_alike(ip) == is_alike(self.address)
    }
}

/// The address in the first bits.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn ip(octets: &[u8]) -> der::Result<IpAddr> {
    let ip = plain_ip(octets)?;
    let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    unless(!is_mapped)?;
    Ok(ip)
}

fn plain_ip(octets: &[u8]) -> der::Result<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    let v6 = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into());
    v4.or(v6).map_err(|_| der::ErrorKind::Failed.into())
}
