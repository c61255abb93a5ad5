//! Work that blocks its thread, in lanes: one for each kind of such work.
//!
//! tokio runs it on a pool of threads with one queue. Lookups of a resolver that hangs, or a file
//! on a disk that does not answer, would fill the pool, and a password would wait behind them. So
//! each kind of work has a bound of its own, waits for its own turn only, and the pool is as large
//! as all bounds together: a thread is always free for work that has its turn.

use std::sync::LazyLock;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinError;

/// Names that are looked up: those of Desk, its backup and a proxy, and one to spare.
pub(crate) static DNS: LazyLock<Lane> = LazyLock::new(|| Lane::new(4));

/// Passwords that are hashed: half of the cores are left for polls and scrapes.
pub(crate) static HASHING: LazyLock<Lane> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Lane::new((cores / 2).max(1))
});

/// Pages that are rendered and compressed.
pub(crate) static RENDERING: LazyLock<Lane> = LazyLock::new(|| Lane::new(2));

/// Files that are read: secrets, and the web configuration with all that it names.
pub(crate) static FILES: LazyLock<Lane> = LazyLock::new(|| Lane::new(4));

/// How many threads the pool needs, so that no lane waits for another.
pub fn threads() -> usize {
    [&DNS, &HASHING, &RENDERING, &FILES]
        .map(|lane| lane.bound())
        .iter()
        .sum()
}

/// One kind of work, and how much of it may be under way.
#[derive(Debug)]
pub(crate) struct Lane {
    bound: usize,
    turns: Semaphore,
}

impl Lane {
    const fn new(bound: usize) -> Self {
        Self {
            bound,
            turns: Semaphore::const_new(bound),
        }
    }

    /// How much may be under way.
    pub(crate) const fn bound(&self) -> usize {
        self.bound
    }

    /// Waits until another piece of work may start.
    pub(crate) async fn turn(&'static self) -> Turn {
        // The semaphore is never closed, so there always is a permit in the end.
        Turn(self.turns.acquire().await.ok())
    }

    /// All turns, so that nothing else gets one.
    #[cfg(test)]
    pub(crate) async fn all_turns(&'static self) -> Vec<Turn> {
        let mut turns = Vec::new();
        for _ in 0..self.bound {
            turns.push(self.turn().await);
        }
        turns
    }

    /// Does `work` when its turn has come, off the thread that serves scrapes.
    ///
    /// Once begun it goes on to its end, and its turn lasts as long, though the caller may have gone.
    ///
    /// # Errors
    /// The program ends.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        self.turn().await.run(work).await
    }
}

/// The right to do one piece of work.
#[derive(Debug)]
pub(crate) struct Turn(Option<SemaphorePermit<'static>>);

impl Turn {
    /// As [`Lane::run`], now.
    ///
    /// # Errors
    /// The program ends.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let Self(permit) = self;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_lane_that_hangs_starves_no_other() {
        static HUNG: Lane = Lane::new(2);
        static OTHER: Lane = Lane::new(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(HUNG.bound + OTHER.bound)
            .enable_time()
            .build()
            .unwrap();
        let (let_go, hangs) = mpsc::channel::<()>();
        let hangs = std::sync::Arc::new(std::sync::Mutex::new(hangs));
        runtime.block_on(async {
            for _ in 0..20 {
                let hangs = hangs.clone();
                tokio::spawn(HUNG.run(move || hangs.lock().unwrap().recv()));
            }
            while HUNG.turns.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(OTHER.run(|| 7).await.unwrap(), 7);
            // Who gives up while it waits takes no turn with it; who gives up later leaves its work.
            let waits = tokio::time::timeout(Duration::from_millis(1), HUNG.run(|| ()));
            assert!(waits.await.is_err());
            drop(let_go);
            assert_eq!(HUNG.run(|| 8).await.unwrap(), 8);
        });
    }
}
