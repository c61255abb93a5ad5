//! What scrapers and people are answered, and over which connections.

pub(crate) mod board;
mod connections;
mod heads;
pub mod listen;
pub mod negotiate;
pub mod routes;
pub mod server;
pub mod systemd;
mod throttle;
pub mod web;
