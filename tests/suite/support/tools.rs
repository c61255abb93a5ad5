//! Tools from outside: found on the `PATH`, else installed once from Debian's packages, else a failure
//! of one line that says what to install. A test is never skipped because a tool is missing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where `program` is; installs `package` where it is nowhere.
pub(crate) fn tool(program: &str, package: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = find(program) {
        return found;
    }
    if may_install() {
        install(package);
    }
    find(program).unwrap_or_else(|| {
        panic!("{program} is missing: install it (Debian: apt-get install {package})")
    })
}

pub(crate) fn prometheus() -> PathBuf {
    tool("prometheus", "prometheus")
}

pub(crate) fn promtool() -> PathBuf {
    tool("promtool", "prometheus")
}

/// The library by which Debian's `faketime` lies about the wall clock.
pub(crate) fn faketime_library() -> PathBuf {
    tool("faketime", "faketime");
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let libraries = folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = libraries.into_iter().find(|library| library.exists());
    found.expect("faketime comes with libfaketime.so.1")
}

pub(crate) fn openssl() -> PathBuf {
    tool("openssl", "openssl")
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    candidates.find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

fn may_install() -> bool {
    rustix::process::geteuid().is_root() && find("apt-get").is_some()
}

/// Failing is for [`tool`] to notice: the program is then still missing.
fn install(package: &str) {
    eprintln!("installing Debian's {package} for the tests");
    let install = ["install", "-y", "--no-install-recommends", package];
    for arguments in [&["update"][..], &install] {
        let _ = Command::new("apt-get")
            .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status();
    }
}

/// Everything that `promtool check metrics` has to say on a page; nothing, where all is well.
pub(crate) fn promtool_findings(page: &str) -> String {
    let mut child = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let mut findings = String::from_utf8_lossy(&output.stdout).into_owned();
    findings.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        findings.push_str(&format!("promtool ended with {}", output.status));
    }
    findings
}
