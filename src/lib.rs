//! Prometheus exporter for Tencent Cloud Contact Center's Desk.

pub mod build;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod demo;
pub mod desk;
pub mod duration;
mod families;
pub mod http;
pub mod listen;
pub mod logging;
pub mod meters;
pub mod page;
pub mod poller;
mod process;
pub mod secret;
pub mod server;
pub mod snapshot;
pub mod state;
