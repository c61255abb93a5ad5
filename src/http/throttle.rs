//! A line of the log that many may cause is written once a minute at most, with how often it would
//! have been.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::mutex::lock;

const PAUSE: Duration = Duration::from_secs(60);

/// What is left of one kind of line.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    written: Option<Instant>,
    times: u64,
}

impl Throttle {
    /// Counts one; where a line is due, how many were counted since the one before, this included.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut kept = lock(&self.0);
        kept.times += 1;
        if kept
            .written
            .is_some_and(|written| written.elapsed() < PAUSE)
        {
            return None;
        }
        kept.written = Some(Instant::now());
        Some(std::mem::take(&mut kept.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_a_minute_says_how_many_there_were() {
        let throttle = Throttle::default();
        assert_eq!(throttle.count(), Some(1));
        assert_eq!(throttle.count(), None);
        tokio::time::advance(PAUSE - Duration::from_secs(1)).await;
        assert_eq!(throttle.count(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.count(), Some(3));
    }
}
