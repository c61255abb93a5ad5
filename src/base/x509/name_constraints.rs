//! The names that an authority may sign certificates for: its nameConstraints.
//!
//! The rules are Go's, with one exception: where there are constraints, an e-mail address with a quoted
//! local part is refused.

use std::net::IpAddr;

use x509_cert::der;
use x509_cert::ext::pkix;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

use super::alt_names::{AltNames, any_ip, host, ip, is_domain};
use super::require;

/// The names that certificates below this one may have.
#[derive(Debug)]
pub(super) struct NameConstraints {
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
    /// Whether there is a subtree of another type.
    has_others: bool,
}

impl NameConstraints {
    /// Parses the constraints. Returns also whether all of them are understood.
    pub(super) fn read(constraints: &pkix::NameConstraints) -> der::Result<(Self, bool)> {
        let subtrees =
            |all: &Option<Vec<GeneralSubtree>>| Subtrees::read(all.as_deref().unwrap_or_default());
        let count = |all: &Option<Vec<GeneralSubtree>>| all.as_ref().map_or(0, Vec::len);
        let (permitted, excluded) = (
            &constraints.permitted_subtrees,
            &constraints.excluded_subtrees,
        );
        require(count(permitted) + count(excluded) > 0)?;
        let constraints = Self {
            permitted: subtrees(permitted)?,
            excluded: subtrees(excluded)?,
        };
        let is_understood = !constraints.permitted.has_others && !constraints.excluded.has_others;
        Ok((constraints, is_understood))
    }

    /// Whether each of `names` is permitted and not excluded.
    pub(super) fn allow(&self, names: &AltNames) -> bool {
        let (yes, no) = (&self.permitted, &self.excluded);
        let ips = names.ips.iter().all(|ip| {
            let contains = |network: &Network| network.contains(*ip);
            (yes.networks.is_empty() || yes.networks.iter().any(contains))
                && !no.networks.iter().any(contains)
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
                GeneralName::DnsName(name) => subtrees.dns.push(domain_of(name.as_str())?),
                GeneralName::Rfc822Name(name) if name.as_str().contains('@') => {
                    let mailbox = Mailbox::read(name.as_str());
                    require(mailbox.is_some())?;
                    subtrees.mailboxes.extend(mailbox);
                }
                GeneralName::Rfc822Name(name) => {
                    subtrees.email_domains.push(domain_of(name.as_str())?);
                }
                GeneralName::UniformResourceIdentifier(name) => {
                    require(is_name(name.as_str()))?;
                    subtrees.hosts.push(domain_of(name.as_str())?);
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
                .any(|domain| contains(domain, &mailbox.domain))
    }

    fn exclude(&self, mailbox: &Mailbox) -> bool {
        self.mailboxes.contains(mailbox) || excludes(&self.email_domains, &mailbox.domain)
    }
}

/// Whether `name` is in one of `domains`, or there is none.
fn permits(domains: &[String], name: &str) -> bool {
    domains.is_empty() || domains.iter().any(|domain| contains(domain, name))
}

fn excludes(domains: &[String], name: &str) -> bool {
    // A wildcard includes the excluded name where that is one of its siblings.
    let is_wildcard_of = |domain: &String| {
        let beside = domain.find('.').and_then(|dot| domain.get(dot..));
        name.strip_prefix('*')
            .zip(beside)
            .is_some_and(|(rest, beside)| rest.eq_ignore_ascii_case(beside))
    };
    let mut domains = domains.iter();
    domains.any(|domain| contains(domain, name) || is_wildcard_of(domain))
}

/// Whether `name` is `domain` or below it; only below it where `domain` begins with a dot.
fn contains(domain: &str, name: &str) -> bool {
    let Some(split) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (Some(before), Some(end)) = (name.get(..split), name.get(split..)) else {
        return false;
    };
    let is_whole_label = before.is_empty() || before.ends_with('.') || domain.starts_with('.');
    domain.is_empty() || (end.eq_ignore_ascii_case(domain) && is_whole_label)
}

/// The domain of a constraint, which may begin with a dot.
fn domain_of(domain: &str) -> der::Result<String> {
    require(is_domain(domain.strip_prefix('.').unwrap_or(domain)))?;
    Ok(domain.to_owned())
}

/// Whether a host is a domain name and no IP address.
fn is_name(host: &str) -> bool {
    is_domain(host.strip_prefix('.').unwrap_or(host))
        && host.parse::<IpAddr>().is_err()
        && !host.starts_with('[')
}

/// An e-mail address. Its domain is in lower case.
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

/// A network of IP addresses.
#[derive(Debug)]
struct Network {
    address: IpAddr,
    mask: IpAddr,
}

impl Network {
    /// Parses an address followed by a mask.
    fn read(octets: &[u8]) -> der::Result<Self> {
        let (address, mask) = octets.split_at(octets.len() / 2);
        let network = Self {
            address: ip(address)?,
            mask: any_ip(mask)?,
        };
        require(network.mask_bits().leading_ones() == network.mask_bits().count_ones())?;
        Ok(network)
    }

    fn mask_bits(&self) -> u128 {
        bits(self.mask)
    }

    fn contains(&self, ip: IpAddr) -> bool {
        let prefix = |ip: IpAddr| bits(ip) & self.mask_bits();
        self.address.is_ipv4() == ip.is_ipv4() && prefix(ip) == prefix(self.address)
    }
}

/// The address, left-aligned.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}
