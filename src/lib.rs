//! Prometheus exporter for Tencent Cloud Contact Center's Desk: today's figures of every agent.
//!
//! The library holds everything; the binary only decides what to run and what to exit with. Each
//! room stands on those named after it, and on no other:
//!
//! | room | what lives there |
//! |---|---|
//! | [`commands`] | what each command does, and the parts put together |
//! | [`config`] | the settings |
//! | [`poll`], [`http`] | when Desk is asked; what scrapers and people are answered. Neither knows the other |
//! | [`status`] | all that these two have in common |
//! | [`exposition`] | a poll as an immutable value, and as bytes |
//! | [`catalog`] | which field is which metric |
//! | [`desk`] | how Desk is asked and read; nothing of metrics |
//! | [`demo`] | a simulated Desk |
//! | [`base`] | time, secrets, files, logs |

pub mod base;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod demo;
pub mod desk;
pub mod exposition;
pub mod http;
pub mod poll;
pub mod status;
