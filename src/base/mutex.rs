//! How this program takes its locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What `mutex` guards. A panic in any thread ends the process (see [`crate::base::logging::start`]), so
/// what a lock's holder left half done is never seen.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
