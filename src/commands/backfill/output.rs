//! Where the samples of `backfill` go: a file that is there whole or not at all, a pipe, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::commands::cli::BackfillFlags;

/// The file that is written unless another is named.
const OUTPUT: &str = "history.om";

/// Where samples go.
#[derive(Debug)]
pub(super) enum Output {
    /// To standard output.
    Stdout,
    /// To this file, which is replaced where `force` says so. What is there and is no file, as a pipe, is written to.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether it may be there.
        force: bool,
    },
}

impl Output {
    /// What `flags` say.
    pub(super) fn of(flags: &BackfillFlags) -> Self {
        match flags.output.as_deref().unwrap_or(Path::new(OUTPUT)) {
            path if path == Path::new("-") => Self::Stdout,
            path => Self::File {
                path: path.to_owned(),
                force: flags.force,
            },
        }
    }

    /// Whether it is there, and is a pipe or a device.
    pub(super) fn is_stream(&self) -> bool {
        match self {
            Self::Stdout => true,
            Self::File { path, .. } => path
                .metadata()
                .is_ok_and(|there| !there.is_file() && !there.is_dir()),
        }
    }

    /// Whether it can be a file, and nothing is lost by writing to it.
    ///
    /// # Errors
    /// That a file is there, or that no file can be.
    pub(super) fn is_free(&self) -> Result<(), String> {
        let Self::File { path, force } = self else {
            return Ok(());
        };
        let shown = path.display();
        if path.as_os_str().is_empty() {
            return Err(format!(
                "--output: is empty: name a file, or leave it out for {OUTPUT}"
            ));
        }
        if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(format!(
                "--output: {shown} is a folder: name a file in it, as {}",
                path.join(OUTPUT).display()
            ));
        }
        if !force && path.symlink_metadata().is_ok() && !self.is_stream() {
            return Err(format!(
                "--output: {shown} is there already: name another file, or replace it with --force"
            ));
        }
        Ok(())
    }

    /// Where its draft is, and what is kept meanwhile.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Self::File { path, .. } if !self.is_stream() => match path.parent() {
                Some(folder) if folder != Path::new("") => folder.to_owned(),
                _ => PathBuf::from("."),
            },
            _ => std::env::temp_dir(),
        }
    }

    /// Has it written by `write`.
    pub(super) fn write(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let Self::File { path, .. } = self else {
            return write(&mut io::stdout().lock());
        };
        if self.is_stream() {
            return write(&mut OpenOptions::new().write(true).open(path)?);
        }
        let (draft, mut file) = draft(&self.folder())?;
        let written = write(&mut file).and_then(|()| {
            file.sync_all()?;
            self.is_free().map_err(io::Error::other)?;
            fs::rename(&draft, path)
        });
        if written.is_err() {
            // Why it is not written is told, not that its draft is still there.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// What to say where it is not.
    pub(super) fn cannot_be_written(&self, error: &io::Error) -> String {
        match self {
            Self::Stdout => format!("cannot write the samples: {error}"),
            Self::File { path, .. } => {
                format!(
                    "cannot write {}: {error}; name a file in another folder with --output",
                    path.display()
                )
            }
        }
    }
}

/// A new file in `folder` that only its owner can read, for it is about people.
pub(super) fn draft(folder: &Path) -> io::Result<(PathBuf, File)> {
    let path = folder.join(format!(".history-{:016x}", fastrand::u64(..)));
    let mut options = OpenOptions::new();
    let new = options.read(true).write(true).create_new(true).mode(0o600);
    let file = new.open(&path)?;
    Ok((path, file))
}
