//! What the polls leave for scrapes: how each ended, and what the exporter counts of itself.

pub mod board;
pub mod meters;
pub(crate) mod process;
