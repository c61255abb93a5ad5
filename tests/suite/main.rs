//! The contract, held against the real binary: it is started as a user starts it, polls a strict fake
//! Desk over HTTP, and is looked at through what it serves, writes and exits with. Nothing here knows
//! the program's inside, but its tables of metrics and the simulated Desk's figures.
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

mod admission;
mod alerting;
mod backfill;
mod certificates;
mod chart;
mod command_line;
mod configuration;
mod crowd;
mod dashboards;
mod demo;
mod deploy;
mod documents;
mod empty_root;
mod fake_desk;
mod faults;
mod formats;
mod further;
mod generated;
mod golden;
mod history;
mod imports;
mod languages;
mod liveness;
mod logs;
mod manual;
mod meters;
mod midnight;
mod not_served;
mod notices;
mod packages;
mod page_reader;
mod people;
mod privacy;
mod prometheus;
mod readme;
mod retries;
mod routes;
mod rules;
mod secrets;
mod soak;
mod streams;
mod support;
mod systemd;
mod transport;
mod values;
mod walk;
mod web;
mod web_files;
