//! Files that a user names: read whole, within bounds, and without waiting for anybody.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::secret::{LONGEST_SHOWN, is_secret_char};

/// What the file holds, if that is no more than `largest` bytes.
///
/// # Errors
/// A sentence that names the file, and nothing of its content.
pub(crate) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let shown = shown(path);
    let cannot_open = |error| format!("cannot open {shown}: {error}");
    // Asked before it is opened: to open a pipe is to wait for whoever writes into it.
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

/// The path, unless it may well be a secret, put where its path belongs.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut runs = text.split(|c| c == '/' || !is_secret_char(c));
    if runs.all(|run| run.len() <= LONGEST_SHOWN) {
        return text.into_owned();
    }
    "the file (its name is long and not shown: it has to be a path, not the secret)".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_and_a_secret_in_its_place_is_not() {
        let path = "/run/credentials/tencent-desk-exporter@shop.service/key";
        assert_eq!(shown(Path::new(path)), path);
        let key = "0123456789abcdef".repeat(4);
        for secret in [
            key.clone(),
            format!("/etc/{key}"),
            format!("'{key}'"),
            "eJ*-_x".repeat(20),
        ] {
            assert!(!shown(Path::new(&secret)).contains("0123"), "{secret}");
            assert!(!shown(Path::new(&secret)).contains("eJ*"), "{secret}");
        }
    }
}
