//! Python with the readers and builders of others, in an environment of its own beneath `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{made_once, python_with_venv, run};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// How many samples these answers hold, each of them the same; the files' names say how to read them.
#[track_caller]
pub(crate) fn samples_of_equal_answers(files: &[PathBuf]) -> usize {
    let said = run(Command::new(python())
        .arg(support().join("compare_formats.py"))
        .args(files));
    said.trim().parse().unwrap()
}

/// The interpreter of that environment.
pub(crate) fn python() -> PathBuf {
    let folder = made_once("python", REQUIREMENTS, |folder| {
        run(Command::new(python_with_venv())
            .args(["-m", "venv"])
            .arg(folder));
        run(Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(support().join("requirements.txt")));
    });
    folder.join("bin/python")
}

fn support() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support")
}
