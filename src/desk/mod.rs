//! Desk's API, and nothing of metrics.
//!
//! From the outside: [`Client::list_agents`] asks for one day's figures of every agent and gives
//! them whole or not at all. Inside, from the ground up: [`usersig`] signs, [`credentials`] keeps
//! the signature fresh, [`table`] is what Desk tells, [`answer`] reads and writes it as JSON (`repair`ed where it is not quite that), [`error`]
//! tells failures apart, `pace` keeps to the allowed rate, `paging` goes over the pages, [`client`]
//! sends the requests.

pub mod answer;
pub mod client;
pub mod credentials;
pub mod dial;
pub mod error;
mod pace;
mod paging;
mod repair;
pub mod table;
pub mod tls;
pub mod usersig;

pub use client::{Client, Endpoint, Observer, Settings};
pub use error::{Class, Error, harmless};
pub use paging::Listing;
