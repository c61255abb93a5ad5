//! A wait that ends when a test says so: how a fake holds an answer back without a clock.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Closed at first; once open, it stays open. Clones are the same gate.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until the gate opens, or `given_up` says that it will not be opened any more.
    pub(crate) fn wait(&self, given_up: impl Fn() -> bool) {
        let mut open = self.0.0.lock().unwrap();
        while !*open && !given_up() {
            let tick = Duration::from_millis(50);
            open = self.0.1.wait_timeout(open, tick).unwrap().0;
        }
    }
}
