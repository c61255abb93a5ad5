//! The binary with nothing around it: no time zones, no certificates, no users, no `/proc`, as in an
//! image that holds only the binary. (The image's is static; the libraries of this one come along.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::exporter::Setup;
use crate::support::tools::run;

const BINARY: &str = env!("CARGO_BIN_EXE_tencent-desk-exporter");

/// A folder that holds the binary and the shared libraries that it is linked with.
fn empty_root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for library in libraries() {
        let copy = root.path().join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&library, copy).unwrap();
    }
    fs::copy(BINARY, root.path().join("exporter")).unwrap();
    root
}

fn libraries() -> Vec<PathBuf> {
    let listed = run(Command::new("ldd").arg(BINARY));
    let paths = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

/// A shell's way into `root`: as root itself, or as one in a user namespace.
fn within(root: &Path) -> String {
    let enter = match rustix::process::geteuid().is_root() {
        true => "chroot",
        false => "unshare --map-root-user chroot",
    };
    format!("shift; exec {enter} {} /exporter \"$@\"", root.display())
}

#[test]
fn it_needs_nothing_around_it() {
    let root = empty_root();
    let mut exporter = Setup::bare()
        .args("demo")
        .through(&within(root.path()))
        .start();
    let page = exporter.wait_until_up();
    assert!(page.value("tencent_desk_exporter_agents", &[]) > Some(10.0));
    assert!(exporter.terminate().success());
}

#[test]
fn it_knows_time_zones_and_whom_to_trust_by_itself() {
    let root = empty_root();
    let finished = Setup::bare()
        .set("SDK_APP_ID", "1400000000")
        .set("SECRET_KEY", "k3y")
        .set("TIME_ZONE", "America/Argentina/Buenos_Aires")
        .set("ENDPOINT", "https://127.0.0.1:9")
        .args("check")
        .through(&within(root.path()))
        .run();
    let finished = finished.expect_code(1);
    assert!(finished.stdout.contains("no connection"), "{finished:?}");
    assert!(finished.stdout.contains("Buenos_Aires"), "{finished:?}");
}
