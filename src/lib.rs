//! Prometheus exporter for Tencent Cloud Contact Center's Desk: today's figures of every agent.
//!
//! The library holds everything; the binary only decides what to run and what to exit with. Data
//! takes one way through it, without turning back:
//!
//! ```text
//! once          environment -> config -> app: desk::Client, poller, http
//! each poll     clock -> desk (signed requests, pages, rows) -> snapshot -> page -> state
//! each scrape   server: meters + the page that is there
//! ```
//!
//! From the ground up: [`clock`] says what day it is; [`desk`] asks the API and knows nothing of
//! metrics; [`catalog`] says which field is which metric; [`snapshot`] is one whole poll, [`page`]
//! the same as bytes; [`state`] is what the [`poller`] publishes and the [`server`] shows, and all
//! that the two have in common. [`meters`] count what the exporter itself does.

pub mod app;
pub mod build;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
mod connections;
pub mod demo;
mod descriptors;
pub mod desk;
pub mod dial;
pub mod duration;
pub mod exposition;
mod families;
mod files;
mod heads;
pub mod health;
pub mod http;
mod kubernetes;
mod landing;
pub mod lanes;
pub mod listen;
mod lock;
pub mod logging;
pub mod meters;
pub mod page;
pub mod poller;
mod process;
pub mod secret;
pub mod server;
pub mod snapshot;
mod spelling;
pub mod state;
pub mod systemd;
mod texts;
mod throttle;
pub mod tls;
pub mod web;
mod x509;
mod zones;
