//! Desk's API, and nothing of metrics.

pub mod usersig;
