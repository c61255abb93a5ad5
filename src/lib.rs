//! Prometheus exporter for Tencent Cloud Contact Center's Desk.

pub mod clock;
pub mod desk;
pub mod secret;
