//! The addresses to listen on: parsing and binding.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// The most connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A host and a port. Without a host: all addresses of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    port: u16,
}

impl ListenAddress {
    /// Parses `[::]:10141`, `127.0.0.1:10141`, `localhost:10141` or `:10141`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let advice = "write host:port, as 127.0.0.1:10141, [::1]:10141 or :10141 for all addresses";
        let (host, port) = text.rsplit_once(':').ok_or(advice)?;
        let port = port.parse().map_err(|_| advice)?;
        let host = match host {
            "" => Ipv6Addr::UNSPECIFIED.to_string(),
            _ => match host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
            {
                Some(inside) => inside.parse::<Ipv6Addr>().map_err(|_| advice)?.to_string(),
                None if host.contains([':', '/', ' ', '[']) => return Err(advice.to_owned()),
                None => host.to_owned(),
            },
        };
        Ok(Self { host, port })
    }

    /// Parses addresses separated by commas. One that another covers is left out.
    ///
    /// # Errors
    /// As [`ListenAddress::parse`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let mut all: Vec<Self> = Vec::new();
        for part in text.split(',') {
            let address = Self::parse(part.trim())?;
            if !all.iter().any(|other| other.covers(&address)) {
                all.retain(|other| !address.covers(other));
                all.push(address);
            }
        }
        Ok(all)
    }

    /// Whether a listener here is reachable by the `other` address too. (Port 0 is a different port each
    /// time.)
    fn covers(&self, other: &Self) -> bool {
        let has_its_host = match self.host.as_str() {
            "::" => true,
            "0.0.0.0" => other.host.parse::<Ipv4Addr>().is_ok(),
            host => host == other.host,
        };
        has_its_host && self.port == other.port && self.port != 0
    }

    /// Binds the address, and listens.
    ///
    /// # Errors
    /// Those of the resolver and the kernel: the address may be in use, or not be this machine's.
    pub async fn bind(&self) -> io::Result<TcpListener> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match listen(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        // The machine may have no IPv6.
        if self.host == Ipv6Addr::UNSPECIFIED.to_string() && last.kind() != io::ErrorKind::AddrInUse
        {
            return listen((Ipv4Addr::UNSPECIFIED, self.port).into());
        }
        Err(last)
    }

    /// The authority of a URL by which programs on this machine reach the listener.
    pub fn reachable(&self) -> String {
        let port = self.port;
        match self.host.as_str() {
            "::" | "0.0.0.0" => format!("localhost:{port}"),
            host if host.contains(':') => format!("[{host}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // "All addresses" includes those of IPv4, whatever the system's default.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[test]
    fn addresses_are_parsed_in_all_notations() {
        for (text, shown, reachable) in [
            (":10141", "[::]:10141", "localhost:10141"),
            ("[::]:10141", "[::]:10141", "localhost:10141"),
            ("0.0.0.0:1", "0.0.0.0:1", "localhost:1"),
            ("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80", "[::1]:80"),
            ("localhost:80", "localhost:80", "localhost:80"),
        ] {
            let address = ListenAddress::parse(text).unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.reachable().as_str()),
                (shown, reachable)
            );
        }
        for text in [
            "",
            "10141",
            "localhost",
            "::1:80",
            "[::1]",
            "a:b",
            "127.0.0.1:65536",
            "http://x:80",
            "[x]:80",
        ] {
            assert!(ListenAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_that_another_covers_is_left_out() {
        for (text, kept) in [
            (":1", &["[::]:1"][..]),
            ("127.0.0.1:1, [::1]:1", &["127.0.0.1:1", "[::1]:1"]),
            ("127.0.0.1:1,127.0.0.1:1", &["127.0.0.1:1"]),
            ("127.0.0.1:0,127.0.0.1:0", &["127.0.0.1:0", "127.0.0.1:0"]),
            ("0.0.0.0:1,:1", &["[::]:1"]),
            (":1,0.0.0.0:1,[::1]:1", &["[::]:1"]),
            ("127.0.0.1:1,0.0.0.0:1,[::1]:1", &["0.0.0.0:1", "[::1]:1"]),
            (":1,:2", &["[::]:1", "[::]:2"]),
        ] {
            let all = ListenAddress::parse_list(text).unwrap();
            let shown: Vec<_> = all.iter().map(ToString::to_string).collect();
            assert_eq!(shown, kept, "{text}");
        }
        for text in ["", ",", ":1,", ":1,,:2", ":1 :2"] {
            assert!(ListenAddress::parse_list(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn all_addresses_include_ipv4_and_ipv6() {
        let listener = ListenAddress::parse(":0").unwrap().bind().await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_unspecified(), "{address}");
        for loopback in ["127.0.0.1", "::1"] {
            // Not every machine has both.
            if TcpListener::bind((loopback, 0)).await.is_err() {
                continue;
            }
            let connected = TcpStream::connect((loopback, address.port())).await;
            assert!(connected.is_ok(), "{loopback}: {connected:?}");
        }
    }
}
