//! Locks without poisoning.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The data of `mutex`, poisoned or not: a panic in any thread ends the process (see
/// [`crate::base::logging::start`]), so a state that a panic left incomplete is never seen.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
