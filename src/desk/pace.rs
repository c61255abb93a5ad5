//! Never more requests in any second than allowed, as Desk counts them.
//!
//! A slot is handed out for each request and is free again one second after that request has
//! *ended*. Desk sees a request at some instant between its start and its end, so between the
//! arrivals of one request and of the next in the same slot there is at least a second, however
//! unsteady the network. Counting from the start would let a slow request and a quick one arrive
//! together.
//!
//! Where Desk refuses one request for the rate, all requests pause.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::base::mutex::lock;

const SECOND: Duration = Duration::from_secs(1);

/// Hands out the slots.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Arc<Semaphore>,
    /// When the free slots may be used, the earliest first.
    free_at: Arc<Mutex<VecDeque<Instant>>>,
    /// Until when no request may start.
    paused_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// Allows `per_second` requests to arrive within any second.
    pub(super) fn new(per_second: usize) -> Self {
        let now = Instant::now();
        Self {
            slots: Arc::new(Semaphore::new(per_second)),
            free_at: Arc::new(Mutex::new(vec![now; per_second].into())),
            paused_until: Mutex::default(),
        }
    }

    /// No request starts for `time` from now on, or longer where that was said before.
    pub(super) fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut paused = lock(&self.paused_until);
        *paused = Some(paused.map_or(until, |earlier| earlier.max(until)));
    }

    /// How long the pause still lasts; zero where there is none.
    pub(super) fn paused_for(&self) -> Duration {
        let until = *lock(&self.paused_until);
        until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Waits until another request may start; it ends when the slot is dropped.
    pub(super) async fn slot(&self) -> Slot {
        // The semaphore is never closed, so there always is a permit in the end.
        let permit = self.slots.clone().acquire_owned().await.ok();
        let free_at = lock(&self.free_at).pop_front();
        // From here on the slot is given back even if the caller goes away while it waits.
        let slot = Slot {
            free_at: self.free_at.clone(),
            _permit: permit,
        };
        if let Some(instant) = free_at {
            sleep_until(instant).await;
        }
        slot
    }
}

/// One request's right to be under way.
#[derive(Debug)]
pub(super) struct Slot {
    free_at: Arc<Mutex<VecDeque<Instant>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.free_at).push_back(Instant::now() + SECOND);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep};

    #[tokio::test(start_paused = true)]
    async fn no_window_of_a_second_holds_more_than_allowed() {
        let pace = Arc::new(Pace::new(5));
        let mut tasks = Vec::new();
        for request in 0..40_u64 {
            let pace = pace.clone();
            tasks.push(tokio::spawn(async move {
                let _slot = pace.slot().await;
                // Some are slow on their way to Desk, others on their way back.
                sleep(Duration::from_millis(request * 37 % 400)).await;
                let arrival = Instant::now();
                sleep(Duration::from_millis(request * 61 % 300)).await;
                arrival
            }));
        }
        let mut arrivals = Vec::new();
        for task in tasks {
            arrivals.push(task.await.unwrap());
        }
        arrivals.sort();
        for window in arrivals.windows(6) {
            assert!(window[5] - window[0] >= SECOND, "{window:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_counts_and_ends() {
        let pace = Pace::new(1);
        assert_eq!(pace.paused_for(), Duration::ZERO);
        pace.pause(Duration::from_secs(60));
        pace.pause(Duration::from_secs(5));
        advance(Duration::from_secs(20)).await;
        assert_eq!(pace.paused_for(), Duration::from_secs(40));
        advance(Duration::from_secs(40)).await;
        assert_eq!(pace.paused_for(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_gives_up_takes_no_slot_with_it() {
        let pace = Pace::new(1);
        drop(pace.slot().await);
        let gave_up = tokio::time::timeout(Duration::from_millis(10), pace.slot()).await;
        assert!(gave_up.is_err());
        advance(Duration::from_secs(2)).await;
        assert!(
            tokio::time::timeout(Duration::from_secs(3), pace.slot())
                .await
                .is_ok()
        );
    }
}
