//! Files that a setting names: read whole, with limits of size and time.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::base::duration;
use crate::base::secret::looks_secret;

/// The content of the file at `path`, of at most `largest` bytes.
///
/// # Errors
/// A sentence with the path, and without any of the content.
pub(crate) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let shown = shown(path);
    let cannot_open = |error| format!("cannot open {shown}: {error}");
    // Before it is opened: opening a pipe waits for a writer.
    if !path.metadata().map_err(cannot_open)?.is_file() {
        return Err(format!("{shown} is no regular file"));
    }
    let mut content = Vec::new();
    File::open(path)
        .map_err(cannot_open)?
        .take(largest + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("cannot read {shown}: {error}"))?;
    if content.len() as u64 > largest {
        return Err(format!(
            "{shown} is too large: more than {} KiB, so it is some other file",
            largest / 1024
        ));
    }
    Ok(content)
}

/// How long reading a file may take. A disk that spins up, a share that is mounted, or a machine that starts
/// many services takes seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The result of `read`, which runs on a thread of its own, since reading may hang.
///
/// # Errors
/// A sentence with `what` is read, if that takes longer than [`PATIENCE`].
pub(crate) fn in_time<T: Send + 'static>(
    what: &str,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (sender, outcome) = mpsc::sync_channel(1);
    let reading = thread::Builder::new().spawn(move || sender.send(read()));
    let outcome = reading
        .ok()
        .and_then(|_| outcome.recv_timeout(PATIENCE).ok());
    outcome.ok_or_else(|| {
        format!(
            "{what} cannot be read: nothing comes within {}; name a regular file, on a disk that answers",
            duration::format(PATIENCE)
        )
    })
}

/// The path for a message, or other words if it looks like a secret in the place of its path. Text that
/// begins with `/`, or ends in a file extension, is shown.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let has_extension = path.extension().is_some_and(|extension| {
        let letters = extension.as_encoded_bytes();
        (2..=5).contains(&letters.len()) && letters.iter().all(u8::is_ascii_lowercase)
    });
    if path.is_absolute() || has_extension || !looks_secret(&text) {
        return text.into_owned();
    }
    "the file (it is not shown, since it looks like a secret: it has to be a path)".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_and_a_secret_in_its_place_is_not() {
        let key = "0123456789abcdef".repeat(4);
        for path in [
            "/run/credentials/tencent-desk-exporter@shop.service/key".to_owned(),
            format!("/etc/{key}"),
            format!("/{}/key", "Configuration-2".repeat(9)),
            format!("{key}/web.yml"),
            "secrets/of-the-contact-centre-in-shanghai/the-key-of-desk".to_owned(),
        ] {
            assert_eq!(shown(Path::new(&path)), path);
        }
        for secret in [key.clone(), format!("'{key}'"), "eJ*-_x0A".repeat(20)] {
            let shown = shown(Path::new(&secret));
            assert!(!shown.contains("0123") && !shown.contains("eJ"), "{shown}");
        }
    }
}
