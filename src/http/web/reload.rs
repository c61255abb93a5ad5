//! Reads the web configuration and the files that it names, and reloads them when they change.
//!
//! The content is compared, not times or inodes: Kubernetes swaps links, editors replace files, and
//! some filesystems send no notice. New content is used once two reads in a row agree on it, since a
//! certificate and its key cannot be replaced at the same moment.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hyper::header::HeaderMap;
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use tokio::sync::watch;

use super::admission::Admission;
use super::config::WebConfig;
use super::rate_limit::Limiter;
use super::tls::{Material, server_config};
use super::tls_config::TlsConfig;
use crate::base::blocking;
use crate::base::files;

/// The largest file that is read. A larger one is none of these files.
const MAX_FILE_SIZE: u64 = 256 * 1024;

/// How often the files are read.
const INTERVAL: Duration = Duration::from_secs(2);

/// The pause after a change until they are read again, to see whether it is complete.
const SETTLE_PAUSE: Duration = Duration::from_millis(300);

/// The same at the start, which waits for it, and the most reads there.
const START_SETTLE_PAUSE: Duration = Duration::from_millis(100);
const MAX_START_READS: usize = 50;

/// A web configuration, ready for use.
#[derive(Default)]
pub struct Loaded {
    /// TLS, if it is configured.
    pub tls: Option<Arc<ServerConfig>>,
    /// Headers of every response.
    pub headers: HeaderMap,
    /// Which clients are served.
    pub(super) admission: Admission,
    /// Limits the rate of requests, if that is configured.
    pub(super) limiter: Option<Arc<Limiter>>,
    /// Warnings on what is valid, and probably not intended.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tls, users) = (self.tls.is_some(), self.admission.users.len());
        write!(f, "Loaded {{ tls: {tls}, users: {users} }}")
    }
}

/// A file with a valid web configuration.
#[derive(Debug, Clone)]
pub struct WebConfigFile {
    path: PathBuf,
    /// Of the content of the file and those that it names.
    fingerprint: Vec<u8>,
    /// The configuration in it.
    pub loaded: Arc<Loaded>,
}

impl WebConfigFile {
    /// Reads the file at `path` and those that it names.
    ///
    /// # Errors
    /// All mistakes that can be found at once. No message repeats a secret.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let files = Files::read_settled(path)?;
        Ok(Self {
            path: path.to_owned(),
            fingerprint: files.fingerprint.clone(),
            loaded: Arc::new(files.load()?),
        })
    }

    /// Whether connections are encrypted.
    pub fn has_tls(&self) -> bool {
        self.loaded.tls.is_some()
    }
}

/// The content of all files.
struct Files {
    config: WebConfig,
    material: Material,
    admission: Admission,
    fingerprint: Vec<u8>,
}

impl Files {
    fn read(path: &Path) -> Result<Self, Vec<String>> {
        let named = |why: String| format!("{}: {why}", files::shown(path));
        let text = files::read(path, MAX_FILE_SIZE).map_err(|why| vec![why])?;
        let config = WebConfig::parse(&text)
            .map_err(|mistakes| mistakes.into_iter().map(named).collect::<Vec<_>>())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let material = match &config.tls_server_config {
            Some(tls) => material(tls, folder)?,
            None => Material::default(),
        };
        let fingerprint = fingerprint(&text, &material);
        let admission = Admission::new(&config, &text, material.client_ca.clone());
        Ok(Self {
            config,
            material,
            admission,
            fingerprint,
        })
    }

    /// Reads them until two reads in a row agree: they may be being written.
    fn read_settled(path: &Path) -> Result<Self, Vec<String>> {
        let reread = || {
            thread::sleep(START_SETTLE_PAUSE);
            Self::read(path)
        };
        settled(Self::read(path), reread).unwrap_or_else(|| {
            let path = files::shown(path);
            Err(vec![format!(
                "{path}, or a file that it names, changes all the time"
            )])
        })
    }

    fn load(self) -> Result<Loaded, Vec<String>> {
        let headers = self.config.headers();
        let http2 = self.config.http2();
        let tls = self
            .config
            .tls_server_config
            .map(|tls| server_config(&tls, http2, &self.material))
            .transpose()
            .map_err(|why| vec![why])?;
        let (tls, warnings) = tls.unzip();
        Ok(Loaded {
            tls: tls.map(Arc::new),
            headers,
            limiter: Limiter::new(self.admission.rate_limit).map(Arc::new),
            admission: self.admission,
            warnings: warnings.unwrap_or_default(),
        })
    }
}

/// What two reads are compared by: the fingerprint, or why the files cannot be used.
fn state(files: &Result<Files, Vec<String>>) -> Result<&[u8], &[String]> {
    match files {
        Ok(files) => Ok(&files.fingerprint),
        Err(why) => Err(why),
    }
}

/// The first result that two reads in a row agree on, beginning with `latest`.
fn settled(
    mut latest: Result<Files, Vec<String>>,
    mut reread: impl FnMut() -> Result<Files, Vec<String>>,
) -> Option<Result<Files, Vec<String>>> {
    for _ in 0..MAX_START_READS {
        let again = reread();
        if state(&again) == state(&latest) {
            return Some(again);
        }
        latest = again;
    }
    None
}

/// A hash of the content of all files.
fn fingerprint(text: &[u8], material: &Material) -> Vec<u8> {
    let client_ca = material.client_ca.as_deref().unwrap_or_default();
    let mut all = Vec::new();
    for part in [text, &material.cert, &material.key, client_ca] {
        all.extend_from_slice(&part.len().to_be_bytes());
        all.extend_from_slice(part);
    }
    digest(&SHA256, &all).as_ref().to_vec()
}

/// The content of the files that the section names.
///
/// # Errors
/// Each of them that cannot be read.
fn material(tls: &TlsConfig, folder: &Path) -> Result<Material, Vec<String>> {
    let mut mistakes = Vec::new();
    let mut content = |name: &str, file: &Option<String>, text: &Option<String>| {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            return Some(text.clone().into_bytes());
        }
        let file = file.as_ref().filter(|file| !file.is_empty())?;
        files::read(&folder.join(file), MAX_FILE_SIZE)
            .map_err(|why| mistakes.push(format!("tls_server_config: {name}_file: {why}")))
            .ok()
    };
    let cert = content("cert", &tls.cert_file, &tls.cert);
    let key = content("key", &tls.key_file, &tls.key);
    let client_ca = content("client_ca", &tls.client_ca_file, &tls.client_ca);
    match mistakes.is_empty() {
        true => Ok(Material {
            cert: cert.unwrap_or_default(),
            key: key.unwrap_or_default(),
            client_ca,
        }),
        false => Err(mistakes),
    }
}

/// Reads the files again and again, at once when `reread` changes, for as long as it is polled. Passes
/// new content to `publish`, and calls `report` after each read with whether the content is in use.
pub async fn follow(
    file: WebConfigFile,
    mut reread: watch::Receiver<()>,
    publish: impl Fn(Arc<Loaded>) + Send,
    report: impl Fn(bool) + Send,
) {
    let mut follower = Follower {
        file,
        problem: None,
    };
    report(true);
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            Ok(()) = reread.changed() => {}
        }
        let changed = {
            let mut changed = pin!(follower.changed());
            tokio::select! {
                changed = &mut changed => changed,
                () = tokio::time::sleep(files::PATIENCE) => {
                    report(false);
                    tracing::warn!(
                        "the web configuration's files take long to be read: using what they held before"
                    );
                    changed.await
                }
            }
        };
        if let Some(loaded) = changed {
            publish(loaded);
        }
        report(follower.problem.is_none());
    }
}

/// The configuration in use, and why newer content is not used.
struct Follower {
    file: WebConfigFile,
    problem: Option<Vec<String>>,
}

impl Follower {
    /// The configuration in the files, if it is new, valid and settled.
    async fn changed(&mut self) -> Option<Arc<Loaded>> {
        match self.has_changed().await {
            true => self.settle(SETTLE_PAUSE).await,
            false => None,
        }
    }

    async fn read(&self) -> Result<Files, Vec<String>> {
        let path = self.file.path.clone();
        blocking::FILES.run(move || Files::read(&path)).await
    }

    /// Whether the content is not the one in use, or is that again after a problem.
    async fn has_changed(&self) -> bool {
        let files = self.read().await;
        let is_in_use = state(&files) == Ok(self.file.fingerprint.as_slice());
        !is_in_use || self.problem.is_some()
    }

    /// Reads twice, and returns what both reads agree on, if it is new and valid.
    async fn settle(&mut self, pause: Duration) -> Option<Arc<Loaded>> {
        let first = self.read().await;
        tokio::time::sleep(pause).await;
        let second = self.read().await;
        if state(&first) != state(&second) {
            return None;
        }
        let files = match second {
            Ok(files) => files,
            Err(why) => return self.report_problem(why),
        };
        let fingerprint = files.fingerprint.clone();
        if fingerprint == self.file.fingerprint {
            self.clear_problem("the web configuration is what it was before");
            return None;
        }
        match files.load().and_then(|new| self.replacement(new)) {
            Ok(loaded) => {
                self.clear_problem("the web configuration has changed: using its new content");
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                self.file.fingerprint = fingerprint;
                self.file.loaded = loaded.clone();
                Some(loaded)
            }
            Err(why) => self.report_problem(why),
        }
    }

    /// `new`, if it may replace the configuration in use without a restart. An unchanged limiter keeps
    /// its tokens.
    fn replacement(&self, mut new: Loaded) -> Result<Arc<Loaded>, Vec<String>> {
        let old = &self.file.loaded;
        if let Some(why) = new.admission.objection(&old.admission) {
            return Err(vec![why.to_owned()]);
        }
        if new.admission.rate_limit == old.admission.rate_limit {
            new.limiter.clone_from(&old.limiter);
        }
        Ok(Arc::new(new))
    }

    fn clear_problem(&mut self, message: &str) {
        self.problem = None;
        tracing::info!(file = files::shown(&self.file.path), "{message}");
    }

    fn report_problem(&mut self, why: Vec<String>) -> Option<Arc<Loaded>> {
        if self.problem.as_ref() != Some(&why) {
            tracing::error!(
                file = files::shown(&self.file.path),
                reason = why.join("; "),
                "the web configuration cannot be used as it is now: using what it was before"
            );
        }
        self.problem = Some(why);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Mutex;
    use tokio::sync::mpsc;
    use tracing::subscriber::{DefaultGuard, set_default};

    const HASH: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

    /// What this thread logs.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        /// Every test that may log a problem has one: tracing caches for each log statement whether
        /// there is a subscriber, and a thread without one that came first would decide for all.
        fn keep() -> (Self, DefaultGuard) {
            let log = Self::default();
            let writer = log.clone();
            let lines = tracing_subscriber::fmt().with_writer(move || writer.clone());
            (log, set_default(lines.finish()))
        }

        fn times(&self, what: &str) -> usize {
            let written = self.0.lock().unwrap();
            String::from_utf8_lossy(&written).matches(what).count()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn broken_content_and_less_protection_are_not_used() {
        let _log = Log::keep();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(&format!("basic_auth_users: {{ a: {HASH} }}"));
        let file = WebConfigFile::read(&path).unwrap();
        let mut follower = Follower {
            file,
            problem: None,
        };
        assert!(!follower.has_changed().await);
        for broken in [
            "",
            "# emptied",
            "basic_auth_users: {",
            "tls_server_config: {cert_file: a, key_file: b}",
        ] {
            write(broken);
            assert!(follower.has_changed().await);
            assert!(follower.settle(SETTLE_PAUSE).await.is_none());
            assert!(follower.problem.is_some(), "{broken}");
        }
        write(&format!("basic_auth_users: {{ a: {HASH} }}"));
        assert!(follower.settle(SETTLE_PAUSE).await.is_none() && follower.problem.is_none());
        write(&format!("basic_auth_users: {{ a: {HASH}, b: {HASH} }}"));
        assert_eq!(
            follower
                .settle(SETTLE_PAUSE)
                .await
                .unwrap()
                .admission
                .users
                .len(),
            2
        );
        assert!(!follower.has_changed().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_problem_is_logged_once_however_long_it_lasts() {
        const WORDS: &str = "a key is unknown";
        const OTHERS: &str = "a map of settings";
        let (log, _guard) = Log::keep();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let good = format!("basic_auth_users: {{ a: {HASH} }}");
        std::fs::write(&path, &good).unwrap();

        let file = WebConfigFile::read(&path).unwrap();
        let (report, mut reports) = mpsc::unbounded_channel();
        let (_reread, never) = watch::channel(());
        tokio::spawn(follow(file, never, drop, move |is_good| {
            let _ = report.send(is_good);
        }));
        assert_eq!(reports.recv().await, Some(true));
        for (text, is_good, told) in [
            ("http2: on", false, [(WORDS, 1), (OTHERS, 0)]),
            ("rate_limit: on", false, [(WORDS, 1), (OTHERS, 1)]),
            (&good, true, [(WORDS, 1), (OTHERS, 1)]),
            ("http2: on", false, [(WORDS, 2), (OTHERS, 1)]),
        ] {
            std::fs::write(&path, text).unwrap();
            let looks = if is_good { 1 } else { 10 };
            for _ in 0..looks {
                assert_eq!(reports.recv().await, Some(is_good), "{text}");
            }
            for (told, times) in told {
                assert_eq!(log.times(told), times, "{told} after {text}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_hang_are_not_in_use_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, "").unwrap();
        let (reports, mut reported) = mpsc::unbounded_channel();
        let file = WebConfigFile::read(&path).unwrap();
        // As if reading other files hung: no permit is left for this one.
        let permits = blocking::FILES.all_permits().await;
        let never = watch::channel(()).1;
        let report = move |is_good| reports.send(is_good).unwrap_or_default();
        tokio::spawn(follow(file, never, drop, report));
        assert_eq!(reported.recv().await, Some(true));
        assert_eq!(reported.recv().await, Some(false));
        drop(permits);
        assert_eq!(reported.recv().await, Some(true));
    }

    #[test]
    fn a_file_that_is_being_written_is_read_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let whole = format!("basic_auth_users: {{ a: {HASH} }}\n");
        let looks = |parts: &[&str]| {
            let mut parts = parts.iter();
            let mut look = || {
                let part = parts.next().unwrap();
                std::fs::write(&path, part).unwrap();
                Files::read(&path)
            };
            settled(look(), look)
        };
        let parts = [
            "",
            "basic_auth_users:",
            "basic_auth_users: {",
            &whole,
            &whole,
        ];
        let files = looks(&parts).unwrap().unwrap();
        assert_eq!(files.load().unwrap().admission.users.len(), 1);
        // A mistake that persists is reported.
        assert!(looks(&["", "a: 1", "a: 1"]).unwrap().is_err());
        let restless: Vec<_> = (0..=MAX_START_READS).map(|n| "#".repeat(n)).collect();
        let restless: Vec<_> = restless.iter().map(String::as_str).collect();
        assert!(looks(&restless).is_none());
    }

    #[test]
    fn every_unreadable_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, "tls_server_config: {cert_file: no, key_file: such}").unwrap();
        let why = WebConfigFile::read(&path).unwrap_err();
        assert_eq!(why.len(), 2, "{why:?}");
        assert!(
            why[1].contains("key_file") && why[1].contains("such"),
            "{why:?}"
        );
        let large = vec![b'#'; usize::try_from(MAX_FILE_SIZE).unwrap() + 1];
        std::fs::write(&path, large).unwrap();
        assert!(WebConfigFile::read(&path).unwrap_err()[0].contains("too large"));
        assert!(WebConfigFile::read(folder.path()).unwrap_err()[0].contains("no regular file"));
    }
}
