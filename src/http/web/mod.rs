//! The web configuration in the format of Prometheus' exporter-toolkit: TLS, basic authentication and
//! rate limits.
//!
//! A file for other exporters means the same here. Where a setting of it would have no effect (a list
//! of names without certificates to check them against), it is a mistake. [`config`] defines what the
//! file may contain, [`tls`] and [`basic_auth`] apply it, [`reload`] reads the file and follows its
//! changes, and [`access`] is what the server uses.

pub mod access;
mod admission;
pub mod basic_auth;
mod client_cert;
pub mod config;
mod handshake;
mod handshake_error;
mod hash_queue;
pub mod http_config;
pub mod rate_limit;
mod recent;
pub mod reload;
pub mod tls;
pub mod tls_config;
mod yaml;
