//! Which build this is; `build.rs` beside `Cargo.toml` finds out.

/// The version in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, or "unknown".
pub const REVISION: &str = env!("REVISION");

/// The compiler that built it, or "unknown".
pub const RUSTC_VERSION: &str = env!("RUSTC_VERSION");
