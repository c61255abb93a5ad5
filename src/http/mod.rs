//! The HTTP server: what scrapers and people are served, and over which connections.

mod client_addr;
mod connections;
mod framing;
pub mod listen;
pub mod negotiate;
pub mod patience;
pub mod response;
pub mod routes;
pub mod server;
pub mod systemd;
mod throttle;
pub mod web;
