//! What `dashboards/generate` makes is what is committed, so that nothing is changed by hand beside its source.
//!
//! `BLESS=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::python::python;
use crate::support::repository::file;
use crate::support::tools::run;

/// The files below `folder`, without it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

fn generate(folder: &Path) {
    let mut generate = Command::new(python());
    // No compiled modules beside the sources.
    generate.arg("-B").arg(file("dashboards/generate"));
    run(generate.arg(folder));
}

#[test]
fn rules_and_boards_are_made_from_their_source() {
    if std::env::var_os("BLESS").is_some() {
        generate(&file(""));
    }
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path());
    let made = files_below(folder.path());
    assert!(!made.is_empty());
    for name in made {
        let expected = fs::read_to_string(folder.path().join(&name)).unwrap();
        let found = fs::read_to_string(file("").join(&name)).unwrap_or_default();
        let name = name.display();
        assert!(
            found == expected,
            "{name} is not what dashboards/generate makes: BLESS=1 writes it anew"
        );
    }
}
