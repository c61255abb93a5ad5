//! When Desk is asked, and what becomes of its answers.

pub mod poller;
