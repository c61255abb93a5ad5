//! The base of all rooms: time, secrets, files, logs, certificates and blocking work.

pub(crate) mod blocking;
pub mod clock;
pub(crate) mod descriptors;
pub mod duration;
pub(crate) mod files;
pub mod logging;
pub(crate) mod mutex;
pub mod secret;
pub mod secret_file;
pub(crate) mod spelling;
pub(crate) mod strings;
pub mod version;
pub(crate) mod x509;
pub(crate) mod zones;
