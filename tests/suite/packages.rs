//! The packages for Debian and for Fedora's kin: what is in them, and what their scripts do with what runs.
//!
//! `deploy/debian/try` tries a package under a systemd that runs, which takes minutes: CI does. Here the scripts run in a
//! folder, with programs that write down how they are called.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::repository::{file, read};
use crate::support::tools::run;

const NAME: &str = "tencent-desk-exporter";

/// A machine in a folder, on which systemd runs.
struct Machine {
    root: TempDir,
}

impl Machine {
    /// On which these units run, and where env is a conffile of the package or not.
    fn new(running: &str, is_conffile: bool) -> Machine {
        let machine = Machine {
            root: TempDir::new().unwrap(),
        };
        machine.write("run/systemd/system/x", "");
        machine.write(
            &format!("usr/share/{NAME}/env"),
            &read("deploy/systemd/env"),
        );
        let systemctl = format!("case $* in *list-units*) printf '%b' '{running}' ;; esac");
        let conffile = format!("echo ' {} 0123456789abcdef'", machine.etc("env").display());
        let query = if is_conffile { &conffile } else { "" };
        for (program, does) in [
            ("systemctl", systemctl.as_str()),
            ("deb-systemd-invoke", ""),
            ("dpkg-query", query),
        ] {
            let calls = machine.path("calls");
            let script = format!(
                "#!/bin/sh\necho {program} \"$@\" >> {}\n{does}\n",
                calls.display()
            );
            machine.write(&format!("bin/{program}"), &script);
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(machine.path(&format!("bin/{program}")), executable).unwrap();
        }
        machine
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    fn etc(&self, name: &str) -> std::path::PathBuf {
        self.path(&format!("etc/{NAME}/{name}"))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a script as dpkg or rpm does; what it says.
    #[track_caller]
    fn run(&self, script: &str, arguments: &str) -> String {
        let mut text = read(&format!("deploy/{script}"));
        for folder in ["/etc/", "/usr/share/", "/run/systemd/"] {
            let here = format!("{}{folder}", self.root.path().display());
            text = text.replace(folder, &here);
        }
        let own = self.path("bin");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", own.display());
        run(Command::new("sh")
            .args(["-c", &text, "script"])
            .args(arguments.split(' '))
            .env("PATH", path))
    }

    /// How systemd was called, less questions.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let is_call = |line: &&str| !line.contains("list-units") && !line.contains("dpkg-query");
        calls.lines().filter(is_call).map(str::to_owned).collect()
    }
}

const RUNNING: &str = "tencent-desk-exporter.service loaded active running x\\n\
                       tencent-desk-exporter@shop.service loaded active running x\\n";

#[test]
fn env_is_installed_once_and_never_touched() {
    let machine = Machine::new("", false);
    machine.run("debian/postinst", "configure");
    assert_eq!(
        fs::read_to_string(machine.etc("env")).unwrap(),
        read("deploy/systemd/env")
    );
    fs::write(machine.etc("env"), "edited").unwrap();
    machine.run("debian/preinst", "upgrade 0.1.0-1");
    machine.run("debian/postinst", "configure 0.1.0-1");
    assert_eq!(fs::read_to_string(machine.etc("env")).unwrap(), "edited");
    // One who took it away wants none.
    fs::remove_file(machine.etc("env")).unwrap();
    machine.run("debian/postinst", "configure 0.1.0-1");
    assert!(!machine.etc("env").exists());
    assert!(!machine.calls().iter().any(|call| call.contains("restart")));
}

#[test]
fn what_was_a_conffile_is_taken_over_with_its_edits() {
    let env = format!("etc/{NAME}/env");
    for (script, arguments) in [
        ("debian/postinst", "configure 0.0.1"),
        ("debian/postrm", "abort-upgrade 0.0.1"),
    ] {
        let machine = Machine::new("", true);
        machine.write(&env, "edited");
        machine.run("debian/preinst", "upgrade 0.0.1");
        assert!(!machine.etc("env").exists(), "dpkg is to forget it");
        machine.run(script, arguments);
        assert_eq!(fs::read_to_string(machine.etc("env")).unwrap(), "edited");
        assert!(!machine.etc("env.kept").exists());
    }
}

#[test]
fn an_upgrade_restarts_what_runs_and_not_the_socket() {
    let machine = Machine::new(RUNNING, false);
    machine.run("debian/prerm", "upgrade 0.1.0-2");
    machine.run("debian/postrm", "upgrade 0.1.0-2");
    machine.run("debian/postinst", "configure 0.1.0-1");
    let calls = machine.calls();
    let acts: Vec<_> = calls
        .iter()
        .filter(|call| !call.contains("daemon-reload"))
        .collect();
    let expected = ["", "@shop"]
        .map(|instance| format!("deb-systemd-invoke restart {NAME}{instance}.service"));
    assert_eq!(acts, expected.iter().collect::<Vec<_>>());
    let asked = fs::read_to_string(machine.path("calls")).unwrap();
    assert!(!asked.contains(".socket"), "{asked}");
}

#[test]
fn a_removal_stops_all_that_runs_and_the_socket_first() {
    let running = format!("{RUNNING}{NAME}.socket loaded active running x\\n");
    let machine = Machine::new(&running, false);
    machine.run("debian/prerm", "remove");
    let units = [".socket", ".service", "@shop.service"];
    let expected = units.map(|unit| format!("deb-systemd-invoke stop {NAME}{unit}"));
    assert_eq!(machine.calls(), expected);
}

#[test]
fn a_purge_removes_links_and_names_the_keys_that_it_leaves() {
    let machine = Machine::new("", false);
    for path in ["env", "key", "shop/env", "shop/key"] {
        machine.write(&format!("etc/{NAME}/{path}"), "x");
    }
    let wants = machine.path("etc/systemd/system/multi-user.target.wants");
    let sockets = machine.path("etc/systemd/system/sockets.target.wants");
    for (folder, unit) in [
        (&wants, format!("{NAME}.service")),
        (&wants, format!("{NAME}@shop.service")),
        (&wants, "other.service".to_owned()),
        (&sockets, format!("{NAME}.socket")),
    ] {
        fs::create_dir_all(folder).unwrap();
        symlink("/nowhere", folder.join(unit)).unwrap();
    }
    machine.run("debian/postrm", "remove");
    assert!(machine.etc("env").exists() && wants.join(format!("{NAME}.service")).is_symlink());
    let said = machine.run("debian/postrm", "purge");
    for left in ["key", "shop/env", "shop/key"] {
        let path = machine.etc(left);
        assert!(
            path.exists() && said.contains(&format!("  {}\n", path.display())),
            "{said}"
        );
    }
    assert!(!machine.etc("env").exists() && !said.contains(&format!("{NAME}/env\n")));
    let links = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!((links(&wants), links(&sockets)), (1, 0));

    let bare = Machine::new("", false);
    bare.run("debian/postinst", "configure");
    assert_eq!(bare.run("debian/postrm", "purge"), "", "nothing is left");
    assert!(!bare.path(&format!("etc/{NAME}")).exists());
}

#[test]
fn without_systemd_none_is_asked() {
    let machine = Machine::new(RUNNING, false);
    fs::remove_dir_all(machine.path("run/systemd")).unwrap();
    machine.run("debian/postinst", "configure 0.1.0-1");
    machine.run("debian/prerm", "remove");
    for action in ["remove", "purge"] {
        machine.run("debian/postrm", action);
    }
    for (script, argument) in [("rpm/post", "1"), ("rpm/preun", "0"), ("rpm/postun", "0")] {
        machine.run(script, argument);
    }
    assert_eq!(machine.calls(), Vec::<String>::new());
}

#[test]
fn the_rpms_scripts_do_the_same() {
    let machine = Machine::new("", false);
    machine.run("rpm/post", "1");
    assert!(machine.etc("env").exists());
    fs::write(machine.etc("env"), "edited").unwrap();
    machine.run("rpm/post", "2");
    machine.run("rpm/preun", "1");
    machine.run("rpm/postun", "1");
    assert_eq!(fs::read_to_string(machine.etc("env")).unwrap(), "edited");
    let restart = format!("systemctl try-restart {NAME}.service {NAME}@*.service");
    let calls = machine.calls();
    assert_eq!(
        calls.iter().filter(|call| **call == restart).count(),
        1,
        "{calls:?}"
    );
    assert!(
        !calls
            .iter()
            .any(|call| call.contains("stop") || call.contains("disable"))
    );
    machine.run("rpm/preun", "0");
    let stop = format!("systemctl stop {NAME}@*.service");
    assert!(machine.calls().contains(&stop));
}

/// The parts of Cargo.toml about packages.
fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--locked", "--no-deps", "--format-version=1"])
        .current_dir(file(""));
    let metadata: Value = serde_json::from_str(&run(&mut cargo)).unwrap();
    metadata["packages"][0]["metadata"].clone()
}

#[test]
fn both_packages_have_the_same_files_and_all_of_them_are_here() {
    let metadata = metadata();
    let debian = metadata["deb"]["assets"].as_array().unwrap().iter();
    let debian: Vec<_> = debian.map(|asset| asset[0].as_str().unwrap()).collect();
    let rpm = metadata["generate-rpm"]["assets"]
        .as_array()
        .unwrap()
        .iter();
    let rpm: Vec<_> = rpm.map(|asset| asset["source"].as_str().unwrap()).collect();
    let [debian, rpm] = [debian, rpm].map(|all| {
        let once: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len(), "twice: {all:?}");
        once
    });
    for (only, allowed) in [
        (&debian - &rpm, vec!["deploy/debian/lintian-overrides"]),
        (&rpm - &debian, vec!["LICENSE"]),
    ] {
        assert_eq!(only.into_iter().collect::<Vec<_>>(), allowed);
    }
    for source in debian
        .iter()
        .filter(|source| !source.starts_with("target/"))
    {
        let (folder, name) = source.rsplit_once('/').unwrap_or((".", source));
        let end = name.trim_start_matches('*');
        let files = fs::read_dir(file(folder)).unwrap();
        let mut files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(files.any(|name| name.ends_with(end)), "{source}");
    }
    let changelog = read("deploy/debian/changelog");
    let head = format!("{NAME} ({}-1) ", env!("CARGO_PKG_VERSION"));
    assert!(changelog.starts_with(&head), "{changelog}");
}
