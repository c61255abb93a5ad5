//! The version, commit and compiler of this build. `build.rs` determines the last two.

/// The version in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit of the source, or "unknown".
pub const REVISION: &str = env!("REVISION");

/// The version of the compiler, or "unknown".
pub const RUSTC_VERSION: &str = env!("RUSTC_VERSION");
