//! Prometheus exporter for Tencent Cloud Contact Center's Desk: today's figures of every agent.
//!
//! The binary calls [`commands::run`] and exits with its status. Each module imports only those in rows
//! below its own:
//!
//! | module | content |
//! |---|---|
//! | [`commands`] | the commands, each of which puts the other modules together |
//! | [`config`] | the settings |
//! | [`poll`], [`http`] | the polls and their schedule; the server, its pages and connections |
//! | [`dayboard`] | the page for people: how things stand, and the day so far |
//! | [`status`] | what all of these two share: the state of the polls, the exporter's own metrics |
//! | [`exposition`] | a poll as an immutable value, and as bytes |
//! | [`catalog`] | which field is which metric |
//! | [`desk`] | Desk's API, without metrics |
//! | [`demo`] | a simulated Desk |
//! | [`base`] | time, secrets, files, logs |

pub mod base;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod dayboard;
pub mod demo;
pub mod desk;
pub mod exposition;
pub mod http;
pub mod poll;
pub mod status;
