//! curl, as the client that others have: its TLS is OpenSSL's.

use std::path::Path;
use std::process::{Command, Stdio};

use super::tools;

/// What curl has to say.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// 0, where there was an answer at all.
    pub(crate) code: i32,
    pub(crate) status: String,
    pub(crate) version: String,
    pub(crate) text: String,
}

/// Fetches `url` in `folder`, where the files are that `args` name.
pub(crate) fn curl(folder: &Path, url: &str, args: &str) -> Fetched {
    let output = Command::new(tools::curl())
        .args([
            "-sS",
            "-i",
            "-m",
            "30",
            "-w",
            "\n%{http_code} %{http_version}",
        ])
        .args(args.split_whitespace())
        .arg(url)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    let (status, version) = last.split_once(' ').unwrap_or_default();
    Fetched {
        code: output.status.code().unwrap(),
        status: status.to_owned(),
        version: version.to_owned(),
        text: format!("{text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
