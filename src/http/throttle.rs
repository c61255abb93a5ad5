//! Limits a log message that clients cause to one a minute, with the number of its occurrences.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::mutex::lock;

const INTERVAL: Duration = Duration::from_secs(60);

/// The limit for one message.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Occurrences>);

#[derive(Debug, Default)]
struct Occurrences {
    logged: Option<Instant>,
    count: u64,
}

impl Throttle {
    /// Counts an occurrence. Returns the number since the last message if one is to be logged now.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut occurrences = lock(&self.0);
        occurrences.count += 1;
        if occurrences
            .logged
            .is_some_and(|logged| logged.elapsed() < INTERVAL)
        {
            return None;
        }
        occurrences.logged = Some(Instant::now());
        Some(std::mem::take(&mut occurrences.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_message_a_minute_counts_all_occurrences() {
        let throttle = Throttle::default();
        assert_eq!(throttle.count(), Some(1));
        assert_eq!(throttle.count(), None);
        tokio::time::advance(INTERVAL - Duration::from_secs(1)).await;
        assert_eq!(throttle.count(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.count(), Some(3));
    }
}
