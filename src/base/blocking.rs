//! Work that blocks its thread: a pool for each kind of it.
//!
//! tokio runs all blocking work on threads with one queue. Lookups of a resolver that hangs, or reads of
//! a disk that does not answer, would take all threads, and a password would wait for them. So each
//! kind has a limit of its own, and tokio gets as many threads as all limits together: work that has a
//! permit finds a thread.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::LazyLock;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinError;

/// Lookups of names: Desk's, its backup's and a proxy's, and one to spare.
pub(crate) static DNS: LazyLock<Pool> = LazyLock::new(|| Pool::new(4));

/// Hashing of passwords, on half of the cores: the others are left to polls and scrapes.
pub(crate) static HASHING: LazyLock<Pool> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Pool::new((cores / 2).max(1))
});

/// Rendering and compression of pages, one after the other: what it uses of memory is used again by the next.
pub(crate) static RENDERING: LazyLock<Pool> = LazyLock::new(|| Pool::new(1));

/// Rendering of the page for people, which no scrape and no poll waits for.
pub(crate) static PEOPLE: LazyLock<Pool> = LazyLock::new(|| Pool::new(1));

/// Reading of files: secrets, and the web configuration with the files that it names.
pub(crate) static FILES: LazyLock<Pool> = LazyLock::new(|| Pool::new(4));

/// How many threads tokio needs for all pools.
pub(crate) fn threads() -> usize {
    let pools = [&DNS, &HASHING, &RENDERING, &PEOPLE, &FILES];
    pools.iter().map(|pool| pool.size).sum()
}

/// One kind of blocking work, and how much of it runs at a time.
#[derive(Debug)]
pub(crate) struct Pool {
    size: usize,
    permits: Semaphore,
}

impl Pool {
    const fn new(size: usize) -> Self {
        Self {
            size,
            permits: Semaphore::const_new(size),
        }
    }

    /// Waits until one more piece of work may run.
    pub(crate) async fn permit(&'static self) -> Permit {
        // The semaphore is never closed, so this is never an error.
        Permit(self.permits.acquire().await.ok())
    }

    /// Every permit, so that no work can run.
    #[cfg(test)]
    pub(crate) async fn all_permits(&'static self) -> Vec<Permit> {
        let mut permits = Vec::new();
        for _ in 0..self.size {
            permits.push(self.permit().await);
        }
        permits
    }

    /// Runs `work` on a thread of this pool, once one is free.
    ///
    /// Work that has begun runs to its end and occupies its thread until then, even if this future is
    /// dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.permit().await.run(work).await
    }
}

/// The right to run one piece of work.
#[derive(Debug)]
pub(crate) struct Permit(Option<SemaphorePermit<'static>>);

impl Permit {
    /// As [`Pool::run`], without a wait.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let Self(permit) = self;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match done.await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime shuts down, and drops the task that waits here.
            Err(Err(_)) => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_pool_that_hangs_delays_no_other() {
        static HUNG: Pool = Pool::new(2);
        static OTHER: Pool = Pool::new(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(HUNG.size + OTHER.size)
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
            while HUNG.permits.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(OTHER.run(|| 7).await, 7);
            // A caller that is dropped while it waits takes no permit with it.
            let waits = tokio::time::timeout(Duration::from_millis(1), HUNG.run(|| ()));
            assert!(waits.await.is_err());
            drop(let_go);
            assert_eq!(HUNG.run(|| 8).await, 8);
        });
    }
}
