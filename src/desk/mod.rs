//! Desk's API, and nothing of metrics.
//!
//! From the outside: [`Client::list_agents`] asks for one day's figures of every agent and gives
//! them whole or not at all. Inside, from the ground up: [`usersig`] signs, [`credentials`] keeps
//! the signature fresh, [`rows`] is what Desk tells, [`wire`] reads and writes it as JSON (`repair`ed where it is not quite that), [`error`]
//! tells failures apart, `pace` keeps to the allowed rate, `walk` goes over the pages, [`client`]
//! sends the requests.

pub mod client;
pub mod credentials;
pub mod error;
mod pace;
mod repair;
pub mod rows;
pub mod usersig;
mod walk;
pub mod wire;

pub use client::{Client, Endpoint, Observer, Settings};
pub use error::{Class, Error, harmless};
pub use walk::Listing;
