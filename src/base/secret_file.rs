//! Secrets in files, which are read again: a rotated secret needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::base::blocking;
use crate::base::files;
use crate::base::mutex::lock;
use crate::base::secret::Secret;
use crate::base::spelling;

/// No secret is longer; a larger file is some other file.
const LARGEST_FILE: u64 = 64 * 1024;

/// How long a poll waits for the secret's file, which may be on a disk that does not answer.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// It was in the environment.
    Given(Secret),
    /// It is the content of this file, without blanks, ends of lines and a mark around it.
    File(PathBuf),
}

impl SecretSource {
    /// The secret as it is now.
    ///
    /// # Errors
    /// A sentence on why the file gives none; it names the file, and nothing of its content.
    pub fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => read_file(path),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Given(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

fn read_file(path: &Path) -> Result<Secret, String> {
    let of_file = |why: &str| format!("{} {why}", files::shown(path));
    let content = files::read(path, LARGEST_FILE)?;
    let text = spelling::text_of(content).map_err(of_file)?;
    Secret::written(&text).map_err(|why| of_file(&why))
}

/// How reading one file again has gone so far.
#[derive(Debug, Default)]
pub struct Rereading {
    state: Mutex<State>,
    reading: SharedRead,
}

#[derive(Debug, Default)]
struct State {
    /// Why the file could not be read the last time, to say so once.
    unreadable: Option<String>,
    /// When it was last found to be due.
    due_at: Option<Instant>,
}

impl Rereading {
    /// Whether the file is to be read now; the next time is a second later.
    pub fn is_due(&self) -> bool {
        const SECOND: Duration = Duration::from_secs(1);
        let mut state = lock(&self.state);
        let is_due = state.due_at.is_none_or(|at| at.elapsed() >= SECOND);
        if is_due {
            state.due_at = Some(Instant::now());
        }
        is_due
    }

    /// The secret that `read` finds in the file at `path`; `None`, and a line in the log, where there is none.
    pub async fn read(
        &self,
        path: &Path,
        read: impl FnOnce() -> Result<Secret, String> + Send + 'static,
    ) -> Option<Secret> {
        let too_slow = || Err(format!("{} is not read in time", files::shown(path)));
        let read = self.reading.result(read).await.unwrap_or_else(too_slow);
        let mut state = lock(&self.state);
        match read {
            Ok(secret) => {
                if state.unreadable.take().is_some() {
                    tracing::info!("the file with the secret can be read again");
                }
                Some(secret)
            }
            Err(why) => {
                if state.unreadable.as_ref() != Some(&why) {
                    tracing::warn!(reason = %why, "the file with the secret cannot be read: using what it held before");
                }
                state.unreadable = Some(why);
                None
            }
        }
    }
}

/// Reads off the async threads, once at a time: a read that hangs is waited for once, and no second
/// thread is lost to it.
#[derive(Debug, Default)]
struct SharedRead(tokio::sync::Mutex<Option<JoinHandle<Read>>>);

/// What a read has led to.
type Read = Result<Secret, String>;

impl SharedRead {
    /// What `read` says, or what an earlier one said that has ended only now; `None` where it takes
    /// longer than [`READ_TIMEOUT`].
    async fn result(&self, read: impl FnOnce() -> Read + Send + 'static) -> Option<Read> {
        let mut under_way = self.0.lock().await;
        if under_way.as_ref().is_some_and(|read| !read.is_finished()) {
            // It was waited for when it was started.
            return None;
        }
        let reading = under_way.get_or_insert_with(|| tokio::spawn(blocking::FILES.run(read)));
        let read = tokio::time::timeout(READ_TIMEOUT, reading).await.ok()?;
        *under_way = None;
        read.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_hangs_is_waited_for_by_one_thread_and_not_for_long() {
        let reading = SharedRead::default();
        let (answer, file) = std::sync::mpsc::channel();
        let hangs = move || file.recv().map_err(|error| error.to_string());
        assert_eq!(reading.result(hangs).await, None);
        answer.send(Secret::new("late")).unwrap();
        let never = || Err("a second read".to_owned());
        let late = loop {
            if let Some(late) = reading.result(never).await {
                break late;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(late, Ok(Secret::new("late")));
        let next = || Ok(Secret::new("next"));
        assert_eq!(reading.result(next).await, Some(Ok(Secret::new("next"))));
    }

    #[test]
    fn a_file_that_gives_no_secret_is_named() {
        let missing = SecretSource::File("/does/not/exist".into())
            .read()
            .unwrap_err();
        assert!(missing.contains("/does/not/exist"), "{missing}");
        assert!(SecretSource::File(std::env::temp_dir()).read().is_err());
    }
}
