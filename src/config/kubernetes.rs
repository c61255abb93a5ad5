//! The variables that Kubernetes sets in each container for each service of the namespace.
//!
//! Those of a service named `tencent-desk-exporter` have the prefix of the settings. They are recognized by
//! name and value; any other unknown variable is a misspelt setting.

use std::net::{IpAddr, SocketAddr};

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Whether Kubernetes sets a variable with this name (without the prefix) and value.
///
/// For a service `S` on port 80: `S_SERVICE_HOST=10.0.0.1`, `S_SERVICE_PORT=80`,
/// `S_SERVICE_PORT_HTTP=80`, `S_PORT=tcp://10.0.0.1:80`, `S_PORT_80_TCP=tcp://10.0.0.1:80`,
/// `S_PORT_80_TCP_PROTO=tcp`, `S_PORT_80_TCP_PORT=80` and `S_PORT_80_TCP_ADDR=10.0.0.1`.
pub(crate) fn injects(name: &str, value: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let is_service_port = is_end(name, "SERVICE_PORT") || after(name, "SERVICE_PORT_").is_some();
    let is_of_port = || {
        let (port, rest) = after(name, "PORT_")?.split_once('_')?;
        let (protocol, what) = rest.split_once('_').unwrap_or((rest, ""));
        let is_right = match what {
            "" => is_url(value),
            "PROTO" => value.eq_ignore_ascii_case(protocol),
            "PORT" => value == port,
            "ADDR" => is_address(value),
            _ => false,
        };
        Some(is_port(port) && PROTOCOLS.contains(&protocol) && is_right)
    };
    (is_end(name, "SERVICE_HOST") && is_address(value))
        || (is_service_port && is_port(value))
        || (is_end(name, "PORT") && is_url(value))
        || is_of_port().unwrap_or(false)
}

/// Whether `name` is `end`, or a service's name and `end`.
fn is_end(name: &str, end: &str) -> bool {
    let service = name.strip_suffix(end);
    service.is_some_and(|service| service.is_empty() || service.ends_with('_'))
}

/// The part of `name` after the last `middle`, if a service's name or nothing is before that.
fn after<'n>(name: &'n str, middle: &str) -> Option<&'n str> {
    let (service, after) = name.rsplit_once(middle)?;
    (service.is_empty() || service.ends_with('_')).then_some(after)
}

/// Whether `value` is like `tcp://10.0.0.1:80`.
fn is_url(value: &str) -> bool {
    let Some((scheme, address)) = value.split_once("://") else {
        return false;
    };
    let is_protocol = PROTOCOLS
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let address = address.parse::<SocketAddr>();
    is_protocol && address.is_ok_and(|address| !address.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_are_told_from_misspelt_settings() {
        let services = ["", "EXPORTER_", "EXPORTER_PORT_", "A_SERVICE_PORT_"];
        for service in services {
            for (name, value) in [
                ("SERVICE_HOST", "10.0.0.1"),
                ("SERVICE_HOST", "fd00::1"),
                ("SERVICE_PORT", "10141"),
                ("SERVICE_PORT_METRICS", "10141"),
                ("SERVICE_PORT_HTTP_WEB", "10141"),
                ("PORT", "tcp://10.0.0.1:10141"),
                ("PORT", "tcp://[fd00::1]:10141"),
                ("PORT_10141_TCP", "tcp://10.0.0.1:10141"),
                ("PORT_10141_TCP_PROTO", "tcp"),
                ("PORT_10141_TCP_PORT", "10141"),
                ("PORT_10141_TCP_ADDR", "10.0.0.1"),
                ("PORT_53_UDP", "udp://10.0.0.1:53"),
                ("PORT_9_SCTP_PROTO", "sctp"),
            ] {
                assert!(
                    injects(&format!("{service}{name}"), value),
                    "{service}{name}"
                );
            }
        }
        for (name, value) in [
            ("PORT", "10141"),
            ("PORT", "tcp://0.0.0.0:10141"),
            ("PORT", "http://10.0.0.1:80"),
            ("LISTEN_PORT", "10141"),
            ("LISTEN_ADDR", "10.0.0.1"),
            ("ADDR", "10.0.0.1"),
            ("TCP", "tcp://10.0.0.1:80"),
            ("PROTO", "tcp"),
            ("TCP_PORT", "10141"),
            ("METRICS_TCP", "1"),
            ("SERVICE_HOST", "desk.example"),
            ("SERVICE_PORT", "http"),
            ("MICROSERVICE_HOST", "10.0.0.1"),
            ("SUPPORT_80_TCP", "tcp://10.0.0.1:80"),
            ("PORT_80_TCP_PORT", "81"),
            ("PORT_80_TCP_NAME", "a"),
            ("PORT_HTTP_TCP", "tcp://10.0.0.1:80"),
            ("PORT_80_HTTP", "tcp://10.0.0.1:80"),
        ] {
            assert!(!injects(name, value), "{name}={value}");
        }
    }
}
