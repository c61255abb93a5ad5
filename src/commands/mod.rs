//! What each command does: the parts of the other rooms put together.

pub mod check;
pub mod cli;
pub mod health;
pub mod serve;
