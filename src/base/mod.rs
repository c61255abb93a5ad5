//! What every room stands on: time, secrets, files, logs, and work that may block.

pub(crate) mod blocking;
pub mod clock;
pub(crate) mod descriptors;
pub mod duration;
pub(crate) mod files;
pub mod logging;
pub(crate) mod mutex;
pub mod secret;
pub(crate) mod spelling;
pub(crate) mod strings;
pub mod version;
pub(crate) mod x509;
pub(crate) mod zones;
