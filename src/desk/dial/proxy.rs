//! The proxy of the environment, read as curl reads it. A proxy that cannot be used is a mistake and is not
//! ignored: where a proxy is set, connections without it may be forbidden.
//!
//! `https_proxy` or else `all_proxy` is its URL, `no_proxy` lists the exceptions. The lower-case name wins
//! over the upper-case one, and an empty variable counts as unset. `no_proxy` has names (which include
//! their subdomains), addresses, networks and `*`, each with or without a port.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// A proxy, and the hosts that are reached without it.
pub struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
    exceptions: Exceptions,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// Its URL, without user and password.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The `Proxy-Authorization` of user and password, if it has them.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Its name or address; an IPv6 address without brackets.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Whether connections to `to` use it.
    pub(super) fn applies(&self, to: &Url) -> bool {
        is_proxied(to, &self.exceptions)
    }
}

/// The environment's variables about proxies.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, OsString>);

impl Variables {
    /// Takes the variable `name` if it is about proxies.
    pub fn take(&mut self, name: &str, value: &OsString) {
        let is_known = ["https_proxy", "all_proxy", "no_proxy"]
            .iter()
            .any(|known| name == *known || name == known.to_ascii_uppercase());
        if is_known && !value.is_empty() {
            self.0.insert(name.to_owned(), value.clone());
        }
    }

    /// The first of the variables `names` that is set, and its value.
    fn first(&self, names: &[&str]) -> Result<Option<(String, String)>, String> {
        let spellings = names
            .iter()
            .flat_map(|name| [(*name).to_owned(), name.to_ascii_uppercase()]);
        for name in spellings {
            if let Some(value) = self.0.get(&name) {
                let Some(text) = value.to_str() else {
                    return Err(format!("{name}: is not UTF-8; write it as UTF-8 text"));
                };
                return Ok(Some((name, text.trim().to_owned())));
            }
        }
        Ok(None)
    }

    /// The proxy for `hosts`; none if all of them are reached without one.
    ///
    /// # Errors
    /// A sentence with the variable's name, and without any part of its value.
    pub fn proxy_for(&self, hosts: &[Url]) -> Result<Option<Proxy>, String> {
        let exceptions = self.first(&["no_proxy"])?;
        let exceptions = Exceptions::parse(&exceptions.unwrap_or_default().1);
        let mut proxied = hosts
            .iter()
            .filter(|host| is_proxied(host, &exceptions))
            .peekable();
        if proxied.peek().is_none() {
            return Ok(None);
        }
        let Some((name, text)) = self.first(&["https_proxy", "all_proxy"])? else {
            return Ok(None);
        };
        let (uri, authorization) = parse(&text).map_err(|why| format!("{name}: {why}"))?;
        let is_of_ipv6 = |host: &Url| host.host_str().is_some_and(|host| host.starts_with('['));
        // Through a proxy, reqwest compares the name in the certificate with the address in brackets.
        if proxied.any(is_of_ipv6) {
            return Err(format!(
                "{name}: a proxy leads to no IPv6 address; write a name in TENCENT_DESK_ENDPOINT, or its address in NO_PROXY"
            ));
        }
        Ok(Some(Proxy {
            uri,
            authorization,
            exceptions,
        }))
    }
}

const ADVICE: &str = "is no URL of a proxy; write http://host:port, or http://user:password@host:port with what is \
     special in the password as %40 for @, %2F for /, %23 for #, %3F for ?, %25 for %";

/// The URL of a proxy, and its `Proxy-Authorization`.
fn parse(text: &str) -> Result<(Uri, Option<HeaderValue>), String> {
    let with_scheme = match text.contains("://") {
        true => text.to_owned(),
        false if is_half_a_scheme(text) => return Err(ADVICE.to_owned()),
        false => format!("http://{text}"),
    };
    let url = Url::parse(&with_scheme).map_err(|_| ADVICE)?;
    match url.scheme() {
        "http" | "https" => {}
        scheme if scheme.starts_with("socks") => {
            return Err(
                "names a SOCKS proxy, which is not supported; write that of an HTTP proxy, \
                        as http://host:port"
                    .to_owned(),
            );
        }
        _ => return Err(ADVICE.to_owned()),
    }
    // An @ after the host: the password has a character that ends the host.
    let behind_host = [Some(url.path()), url.query(), url.fragment()];
    if behind_host.iter().flatten().any(|part| part.contains('@')) {
        return Err(ADVICE.to_owned());
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or(ADVICE)?;
    let port = url.port_or_known_default().ok_or(ADVICE)?;
    let uri = format!("{}://{host}:{port}/", url.scheme());
    Ok((uri.parse().map_err(|_| ADVICE)?, authorization(&url)))
}

/// Whether `text` is like `http:/host`: no proxy is named "http".
fn is_half_a_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

fn authorization(url: &Url) -> Option<HeaderValue> {
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return None;
    }
    let mut both: Vec<u8> = percent_decode_str(url.username()).collect();
    both.push(b':');
    both.extend(percent_decode_str(password.unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether connections to `to` use the proxy: encrypted ones do, but for the exceptions. Others stay on
/// this machine.
fn is_proxied(to: &Url, exceptions: &Exceptions) -> bool {
    to.scheme() == "https" && !exceptions.contain(to)
}

/// Hosts that are reached without a proxy, each with a port or on all ports.
#[derive(Debug, Default)]
struct Exceptions(Vec<(Hosts, Option<u16>)>);

#[derive(Debug)]
enum Hosts {
    All,
    Address(IpAddr),
    Network(IpNet),
    /// A name in lower case, and its subdomains.
    Domain(String),
}

impl Exceptions {
    fn parse(text: &str) -> Self {
        let entries = text.split([',', ' ', '\t', '\n', '\r']);
        Self(
            entries
                .filter(|entry| !entry.is_empty())
                .map(exception)
                .collect(),
        )
    }

    fn contain(&self, to: &Url) -> bool {
        let (host, port) = (
            to.host_str().unwrap_or_default(),
            to.port_or_known_default(),
        );
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        self.0.iter().any(|(hosts, only_port)| {
            let is_in = match (hosts, address) {
                (Hosts::All, _) => true,
                (Hosts::Address(one), Some(address)) => *one == address,
                (Hosts::Network(network), Some(address)) => network.contains(&address),
                (Hosts::Domain(domain), None) => host
                    .strip_suffix(domain.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.')),
                _ => false,
            };
            is_in && (only_port.is_none() || *only_port == port)
        })
    }
}

/// Parses an entry. A colon that may belong to a port or to an IPv6 address belongs to the address.
fn exception(entry: &str) -> (Hosts, Option<u16>) {
    if let Some(hosts) = hosts(entry) {
        return (hosts, None);
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (entry, None),
    };
    match port {
        Some(port) => (hosts(name).unwrap_or_else(|| domain(name)), Some(port)),
        None => (domain(entry), None),
    }
}

fn hosts(text: &str) -> Option<Hosts> {
    if text == "*" {
        return Some(Hosts::All);
    }
    let bare = text.trim_matches(['[', ']']);
    let address = bare.parse().ok().map(Hosts::Address);
    address.or_else(|| bare.parse().ok().map(Hosts::Network))
}

fn domain(text: &str) -> Hosts {
    let name = text.strip_prefix('*').unwrap_or(text);
    Hosts::Domain(name.trim_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in all {
            variables.take(name, &OsString::from(value));
        }
        variables
    }

    fn proxy(all: &[(&str, &str)]) -> Result<Option<Proxy>, String> {
        let hosts = [Url::parse("https://desk.test").unwrap()];
        variables(all).proxy_for(&hosts)
    }

    fn said(proxy: &Proxy) -> (String, Option<String>) {
        let decoded = proxy.authorization().map(|value| {
            let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
            String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
        });
        (proxy.uri().to_string(), decoded)
    }

    #[test]
    fn a_proxy_is_a_url_with_or_without_a_scheme() {
        for (text, uri, user) in [
            ("http://p.test:3128", "http://p.test:3128/", None),
            ("p.test:3128", "http://p.test:3128/", None),
            (" http://p.test:3128/ ", "http://p.test:3128/", None),
            ("HTTP://p.test", "http://p.test:80/", None),
            ("https://p.test", "https://p.test:443/", None),
            ("http://[::1]:3128", "http://[::1]:3128/", None),
            ("10.0.0.1:8080", "http://10.0.0.1:8080/", None),
            ("u:p@p.test:1", "http://p.test:1/", Some("u:p")),
            ("http://u@p.test:1", "http://p.test:1/", Some("u:")),
            ("http://u:p@ss@p.test:1", "http://p.test:1/", Some("u:p@ss")),
            (
                "http://u:p%40s%3as@p.test:1",
                "http://p.test:1/",
                Some("u:p@s:s"),
            ),
            ("http://u:50%@p.test:1", "http://p.test:1/", Some("u:50%")),
        ] {
            let proxy = proxy(&[("HTTPS_PROXY", text)]).unwrap().unwrap();
            let expected = (uri.to_owned(), user.map(str::to_owned));
            assert_eq!(said(&proxy), expected, "{text}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_by_its_variable_and_not_repeated() {
        for text in [
            "http://",
            "http://:3128",
            "http://u:s3cret#@p.test:1",
            "http://u:s3cret/x@p.test:1",
            "http://u:1/s3cret@p.test:1",
            "http://u:1?s3cret@p.test:1",
            "http://p.test:s3cret",
            "http://p.test:99999",
            "ftp://u:s3cret@p.test",
            "socks5://u:s3cret@p.test:1080",
            "SOCKS5H://p.test",
            "socks4a://p.test",
            "s3cret s3cret",
            "://p.test",
            "http:/p.test:3128",
            "HTTPS:p.test",
        ] {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                let why = proxy(&[(name, text)]).unwrap_err();
                assert!(why.starts_with(&format!("{name}: ")), "{why}");
                assert!(!why.contains("s3cret"), "{why}");
                assert_eq!(why.contains("SOCKS"), text.to_lowercase().contains("socks"));
            }
            assert!(
                proxy(&[("HTTPS_PROXY", text), ("NO_PROXY", "*")])
                    .unwrap()
                    .is_none()
            );
        }
    }

    #[test]
    fn the_variables_have_an_order() {
        let uri = |all: &[_]| proxy(all).unwrap().map(|proxy| said(&proxy).0);
        let all = [
            ("https_proxy", "a"),
            ("HTTPS_PROXY", "b"),
            ("all_proxy", "c"),
            ("ALL_PROXY", "d"),
        ];
        for (first, (_, host)) in all.iter().enumerate() {
            assert_eq!(uri(&all[first..]), Some(format!("http://{host}:80/")));
        }
        assert_eq!(
            uri(&[("https_proxy", ""), all[1]]),
            Some("http://b:80/".to_owned())
        );
        assert_eq!(uri(&[("HTTP_PROXY", "x"), ("http_proxy", "x")]), None);
    }

    #[test]
    fn exceptions_are_those_of_curl_and_go() {
        for (exceptions, inside, outside) in [
            ("*", "desk.test 10.0.0.1 [::1]", ""),
            ("x.test, *", "desk.test", ""),
            (
                "desk.test",
                "desk.test a.desk.test DESK.test. desk.test:8443",
                "xdesk.test desk.test.x",
            ),
            (".desk.test", "desk.test a.desk.test", "xdesk.test"),
            ("*.desk.test", "a.desk.test", "xdesk.test"),
            ("a.test b.test\tc.test", "a.test b.test c.test", "d.test"),
            ("desk.test:443", "desk.test a.desk.test", "desk.test:8443"),
            ("desk.test:8443", "desk.test:8443", "desk.test"),
            ("10.0.0.1", "10.0.0.1 10.0.0.1:8443", "10.0.0.11"),
            ("10.0.0.1:443", "10.0.0.1", "10.0.0.1:8443"),
            ("10.0.0.0/8", "10.1.2.3", "11.0.0.1 10.0.0.1.test"),
            ("10.0.0.0/99", "", "10.0.0.0"),
            ("[::1]", "[::1] [::1]:8443", "[::2]"),
            ("::1", "[::1]", "[::2]"),
            ("[::1]:443", "[::1]", "[::1]:8443"),
            ("fd00::/8", "[fd12::1]", "[fe80::1]"),
            ("", "", "desk.test"),
        ] {
            let all = Exceptions::parse(exceptions);
            let is_in = |host: &str| all.contain(&format!("https://{host}/").parse().unwrap());
            for host in inside.split_whitespace() {
                assert!(is_in(host), "{exceptions} has {host}");
            }
            for host in outside.split_whitespace() {
                assert!(!is_in(host), "{exceptions} has not {host}");
            }
        }
    }

    #[test]
    fn an_ipv6_address_is_reached_without_a_proxy_only() {
        let hosts = [Url::parse("https://[::1]").unwrap()];
        let proxy = |no_proxy| {
            variables(&[("HTTPS_PROXY", "p.test"), ("NO_PROXY", no_proxy)]).proxy_for(&hosts)
        };
        assert!(proxy("[::1]").unwrap().is_none());
        let why = proxy("").unwrap_err();
        assert!(why.starts_with("HTTPS_PROXY: ") && why.contains("NO_PROXY"));
    }

    #[test]
    fn plain_http_uses_no_proxy() {
        let hosts = [Url::parse("http://127.0.0.1:1").unwrap()];
        let proxy = variables(&[("HTTPS_PROXY", "socks5://x")]).proxy_for(&hosts);
        assert!(proxy.unwrap().is_none());
    }
}
