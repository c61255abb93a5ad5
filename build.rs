//! Tells the binary which commit and which compiler it comes from, for `--version` and the metric
//! `tencent_desk_exporter_build_info`. The commit is `TENCENT_DESK_EXPORTER_REVISION` where that is
//! set, as where an image is built without `.git`; else git's; else "unknown".

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=TENCENT_DESK_EXPORTER_REVISION");
    for file in [".git/HEAD", ".git/logs/HEAD"] {
        if std::path::Path::new(file).exists() {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let revision = std::env::var("TENCENT_DESK_EXPORTER_REVISION")
        .ok()
        .filter(|given| !given.is_empty())
        .or_else(|| first_line("git", &["rev-parse", "--short=12", "HEAD"]));
    let compiler = first_line(&rustc, &["--version"])
        .and_then(|line| line.split(' ').nth(1).map(str::to_owned));
    export("REVISION", revision);
    export("RUSTC_VERSION", compiler);
}

fn export(name: &str, value: Option<String>) {
    let value = value.unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env={name}={value}");
}

fn first_line(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
