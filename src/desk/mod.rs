//! Desk's API, and nothing of metrics.
//!
//! From the outside: [`Client::fetch`] asks what a [`call`] says and gives the answer whole or not at
//! all. Inside, from the ground up: [`usersig`] signs, [`credentials`] keeps the signature fresh, [`call`]
//! is how a command is asked and its answer laid out, [`table`] holds rows by column, [`reply`] reads
//! them from JSON (`repair`ed where it is not quite that), [`error`] tells failures apart by their `codes`, `pace` keeps
//! to the allowed rate, `paging` goes over the pages, [`client`] sends the requests over connections that
//! [`dial`] and [`tls`] make.

pub mod call;
pub mod client;
mod codes;
pub mod credentials;
pub mod dial;
pub mod error;
mod pace;
mod paging;
mod repair;
pub mod reply;
pub mod table;
pub mod tls;
pub mod usersig;

pub use client::{Client, Fetch, Observer, Settings};
pub use codes::Class;
pub use error::{Error, harmless};
pub use paging::Answer;
