//! How this program takes its locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What `mutex` guards. A panic in any thread ends the process (see [`crate::logging::start`]), so
/// nobody is left to see what a lock's holder broke off.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
