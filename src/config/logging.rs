//! What is logged, and how.

use super::reader::Reader;
use super::settings::{LOG_FORMAT, LOG_LEVEL};
use crate::base::logging::{Directives, LogFormat};

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct Logging {
    /// What is logged.
    pub level: Directives,
    /// How a line is written.
    pub format: LogFormat,
}

impl Logging {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            level: reader.read(LOG_LEVEL, Directives::parse),
            format: reader.read(LOG_FORMAT, LogFormat::parse),
        }
    }
}
