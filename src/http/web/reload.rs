//! Reads the web configuration and the files that it names, and takes up what changes in them.
//!
//! Content is compared, not time or inode: Kubernetes swaps links, editors write anew, and some
//! filesystems give no notice. What is new has to be the same twice in a row before it is believed,
//! since a certificate and its key cannot be written both at once.

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
use super::rate::Limiter;
use super::tls::{Material, server_config};
use super::{Tls, WebConfig};
use crate::base::blocking;
use crate::base::files;

/// No such file is larger; a larger one is some other file.
const LARGEST_FILE: u64 = 256 * 1024;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// How long after a change they are looked at again, to see whether it is over.
const SETTLES_IN: Duration = Duration::from_millis(300);

/// The same at the start, when everything waits for it; and how often, if it does not end.
const SETTLES_AT_START_IN: Duration = Duration::from_millis(100);
const MOST_LOOKS: usize = 50;

/// What connections and requests are held against.
#[derive(Default)]
pub struct Loaded {
    /// Encryption, if any.
    pub tls: Option<Arc<ServerConfig>>,
    /// Headers of every answer.
    pub headers: HeaderMap,
    /// Who may come.
    pub(super) admission: Admission,
    /// Counts how often they do, where that is limited.
    pub(super) limiter: Option<Arc<Limiter>>,
    /// What deserves a word, but is no mistake.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tls, users) = (self.tls.is_some(), self.admission.users.len());
        write!(f, "Loaded {{ tls: {tls}, users: {users} }}")
    }
}

/// A web configuration that was read well, and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    /// Of what the files held.
    fingerprint: Vec<u8>,
    /// What was made of it.
    pub loaded: Arc<Loaded>,
}

impl Source {
    /// Reads the file at `path` and those that it names.
    ///
    /// # Errors
    /// Every mistake that can be seen; none of them repeats a secret.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let files = Files::read_settled(path)?;
        Ok(Self {
            path: path.to_owned(),
            fingerprint: files.fingerprint.clone(),
            loaded: Arc::new(files.load()?),
        })
    }

    /// Whether clients have to speak TLS.
    pub fn has_tls(&self) -> bool {
        self.loaded.tls.is_some()
    }
}

/// What all files hold at some moment.
struct Files {
    config: WebConfig,
    material: Material,
    admission: Admission,
    fingerprint: Vec<u8>,
}

impl Files {
    fn read(path: &Path) -> Result<Self, Vec<String>> {
        let named = |why: String| format!("{}: {why}", files::shown(path));
        let text = files::read(path, LARGEST_FILE).map_err(|why| vec![why])?;
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

    /// Reads them until two looks agree: the first may fall into a moment when they are written.
    fn read_settled(path: &Path) -> Result<Self, Vec<String>> {
        let look = || {
            thread::sleep(SETTLES_AT_START_IN);
            Self::read(path)
        };
        settled(Self::read(path), look).unwrap_or_else(|| {
            let path = files::shown(path);
            Err(vec![format!(
                "{path}, or a file that it names, changes all the time"
            )])
        })
    }

    fn load(self) -> Result<Loaded, Vec<String>> {
        let headers = self.config.headers().map_err(|why| vec![why])?;
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

/// What was seen in the files: their fingerprint, or why they cannot be read.
fn seen(files: &Result<Files, Vec<String>>) -> Result<&[u8], &[String]> {
    match files {
        Ok(files) => Ok(&files.fingerprint),
        Err(why) => Err(why),
    }
}

/// What is seen first, or after that, as soon as it is seen twice.
fn settled(
    mut seen_last: Result<Files, Vec<String>>,
    mut look: impl FnMut() -> Result<Files, Vec<String>>,
) -> Option<Result<Files, Vec<String>>> {
    for _ in 0..MOST_LOOKS {
        let again = look();
        if seen(&again) == seen(&seen_last) {
            return Some(again);
        }
        seen_last = again;
    }
    None
}

/// Changes with any of the files, and with nothing else.
fn fingerprint(text: &[u8], material: &Material) -> Vec<u8> {
    let client_ca = material.client_ca.as_deref().unwrap_or_default();
    let mut all = Vec::new();
    for part in [text, &material.cert, &material.key, client_ca] {
        all.extend_from_slice(&part.len().to_be_bytes());
        all.extend_from_slice(part);
    }
    digest(&SHA256, &all).as_ref().to_vec()
}

/// What the section's files hold; all that cannot be read is told.
fn material(tls: &Tls, folder: &Path) -> Result<Material, Vec<String>> {
    let mut mistakes = Vec::new();
    let mut content = |name: &str, file: &Option<String>, text: &Option<String>| {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            return Some(text.clone().into_bytes());
        }
        let file = file.as_ref().filter(|file| !file.is_empty())?;
        files::read(&folder.join(file), LARGEST_FILE)
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

/// Looks at the files of `source` for ever, at once when `reread` changes, lets `publish` have what
/// they become, and tells `report` whether the last thing found in them is what is served.
pub async fn follow(
    source: Source,
    mut reread: watch::Receiver<()>,
    publish: impl Fn(Arc<Loaded>) + Send,
    report: impl Fn(bool) + Send,
) {
    let mut follower = Follower {
        source,
        complaint: None,
    };
    report(true);
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
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
        report(follower.complaint.is_none());
    }
}

/// What is served, and what keeps something newer from being served.
struct Follower {
    source: Source,
    complaint: Option<Vec<String>>,
}

impl Follower {
    /// What is new in the files, and good.
    async fn changed(&mut self) -> Option<Arc<Loaded>> {
        match self.has_news().await {
            true => self.settle(SETTLES_IN).await,
            false => None,
        }
    }

    async fn look(&self) -> Result<Files, Vec<String>> {
        let path = self.source.path.clone();
        blocking::FILES.run(move || Files::read(&path)).await
    }

    /// Whether the files hold anything but what is served, or are well again.
    async fn has_news(&self) -> bool {
        let files = self.look().await;
        let is_served = seen(&files) == Ok(self.source.fingerprint.as_slice());
        !is_served || self.complaint.is_some()
    }

    /// Looks twice, and takes up what was the same both times; hands back what is new and good.
    async fn settle(&mut self, pause: Duration) -> Option<Arc<Loaded>> {
        let first = self.look().await;
        tokio::time::sleep(pause).await;
        let second = self.look().await;
        if seen(&first) != seen(&second) {
            return None;
        }
        let files = match second {
            Ok(files) => files,
            Err(why) => return self.complain(why),
        };
        let fingerprint = files.fingerprint.clone();
        if fingerprint == self.source.fingerprint {
            self.is_well("the web configuration is what it was before");
            return None;
        }
        match files.load().and_then(|new| self.replaces(new)) {
            Ok(loaded) => {
                self.is_well("the web configuration has changed: using its new content");
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                self.source.fingerprint = fingerprint;
                self.source.loaded = loaded.clone();
                Some(loaded)
            }
            Err(why) => self.complain(why),
        }
    }

    /// `new`, if it may take the place of what is served.
    fn replaces(&self, mut new: Loaded) -> Result<Arc<Loaded>, Vec<String>> {
        let old = &self.source.loaded;
        if let Some(why) = new.admission.objection(&old.admission) {
            return Err(vec![why.to_owned()]);
        }
        if new.admission.rate_limit == old.admission.rate_limit {
            new.limiter.clone_from(&old.limiter);
        }
        Ok(Arc::new(new))
    }

    fn is_well(&mut self, message: &str) {
        self.complaint = None;
        tracing::info!(file = files::shown(&self.source.path), "{message}");
    }

    fn complain(&mut self, why: Vec<String>) -> Option<Arc<Loaded>> {
        if self.complaint.as_ref() != Some(&why) {
            tracing::error!(
                file = files::shown(&self.source.path),
                reason = why.join("; "),
                "the web configuration cannot be used as it is now: using what it was before"
            );
        }
        self.complaint = Some(why);
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
        /// Every test that may complain keeps one: tracing remembers of a line whether anybody
        /// listens to it, and a thread without a log that comes first would answer for all.
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
    async fn what_is_broken_or_takes_protection_away_is_not_taken_up() {
        let _log = Log::keep();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(&format!("basic_auth_users: {{ a: {HASH} }}"));
        let source = Source::read(&path).unwrap();
        let mut follower = Follower {
            source,
            complaint: None,
        };
        assert!(!follower.has_news().await);
        for broken in [
            "",
            "# emptied",
            "basic_auth_users: {",
            "tls_server_config: {cert_file: a, key_file: b}",
        ] {
            write(broken);
            assert!(follower.has_news().await);
            assert!(follower.settle(SETTLES_IN).await.is_none());
            assert!(follower.complaint.is_some(), "{broken}");
        }
        write(&format!("basic_auth_users: {{ a: {HASH} }}"));
        assert!(follower.settle(SETTLES_IN).await.is_none() && follower.complaint.is_none());
        write(&format!("basic_auth_users: {{ a: {HASH}, b: {HASH} }}"));
        assert_eq!(
            follower
                .settle(SETTLES_IN)
                .await
                .unwrap()
                .admission
                .users
                .len(),
            2
        );
        assert!(!follower.has_news().await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_is_told_once_however_long_it_lasts() {
        const WORDS: &str = "a key is unknown";
        const OTHERS: &str = "a map of settings";
        let (log, _guard) = Log::keep();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let good = format!("basic_auth_users: {{ a: {HASH} }}");
        std::fs::write(&path, &good).unwrap();

        let source = Source::read(&path).unwrap();
        let (report, mut reports) = mpsc::unbounded_channel();
        let (_reread, never) = watch::channel(());
        tokio::spawn(follow(source, never, drop, move |is_good| {
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
        let source = Source::read(&path).unwrap();
        // As if the reading of other files hung: this one's does not get its turn.
        let permits = blocking::FILES.all_permits().await;
        let never = watch::channel(()).1;
        let report = move |is_good| reports.send(is_good).unwrap_or_default();
        tokio::spawn(follow(source, never, drop, report));
        assert_eq!(reported.recv().await, Some(true));
        assert_eq!(reported.recv().await, Some(false));
        drop(permits);
        assert_eq!(reported.recv().await, Some(true));
    }

    #[test]
    fn a_file_that_is_being_written_is_waited_for() {
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
        // A mistake that stays is told.
        assert!(looks(&["", "a: 1", "a: 1"]).unwrap().is_err());
        let restless: Vec<_> = (0..=MOST_LOOKS).map(|n| "#".repeat(n)).collect();
        let restless: Vec<_> = restless.iter().map(String::as_str).collect();
        assert!(looks(&restless).is_none());
    }

    #[test]
    fn every_file_that_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, "tls_server_config: {cert_file: no, key_file: such}").unwrap();
        let why = Source::read(&path).unwrap_err();
        assert_eq!(why.len(), 2, "{why:?}");
        assert!(
            why[1].contains("key_file") && why[1].contains("such"),
            "{why:?}"
        );
        let large = vec![b'#'; usize::try_from(LARGEST_FILE).unwrap() + 1];
        std::fs::write(&path, large).unwrap();
        assert!(Source::read(&path).unwrap_err()[0].contains("too large"));
        assert!(Source::read(folder.path()).unwrap_err()[0].contains("no regular file"));
    }
}
