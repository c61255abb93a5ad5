//! When Desk is asked, and what becomes of its answers.

pub mod poller;
mod report;
pub mod schedule;

pub use poller::{Plan, Poller, Shared};
pub use report::Report;
