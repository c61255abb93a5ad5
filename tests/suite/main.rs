//! The contract, held against the real binary: it is started as a user starts it, polls a strict fake
//! Desk over HTTP, and is looked at through what it serves, writes and exits with. Nothing here knows
//! the program's inside.
//!
//! `BLESS=1` writes the golden pages anew.

// A test may panic: that is how it fails. Clippy's leave for tests does not reach their helpers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod command_line;
mod configuration;
mod demo;
mod deploy;
mod fake_desk;
mod faults;
mod formats;
mod golden;
mod liveness;
mod meters;
mod midnight;
mod page_reader;
mod prometheus;
mod readme;
mod retries;
mod routes;
mod secrets;
mod soak;
mod support;
mod systemd;
mod transport;
mod values;
mod walk;
