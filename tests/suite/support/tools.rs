//! Tools from outside: found on the `PATH`, else installed once from Debian's packages, else a failure
//! of one line that says what to install. A test is never skipped because a tool is missing.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

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

/// Python that can make environments of its own: Debian has that part in a package apart.
pub(crate) fn python_with_venv() -> PathBuf {
    let python = tool("python3", "python3-venv");
    let is_whole = || {
        let mut asked = Command::new(&python);
        let said = asked.args(["-c", "import ensurepip, venv"]).output();
        said.is_ok_and(|output| output.status.success())
    };
    if !is_whole() && may_install() {
        install("python3-venv");
    }
    assert!(
        is_whole(),
        "python3 lacks venv: install it (Debian: apt-get install python3-venv)"
    );
    python
}

pub(crate) fn prometheus() -> PathBuf {
    tool("prometheus", "prometheus")
}

pub(crate) fn promtool() -> PathBuf {
    tool("promtool", "prometheus")
}

pub(crate) fn alertmanager() -> PathBuf {
    tool("prometheus-alertmanager", "prometheus-alertmanager")
}

pub(crate) fn amtool() -> PathBuf {
    tool("amtool", "prometheus-alertmanager")
}

/// Suites of Debian to take a newer Prometheus from: the newest, which may want a newer libc than this
/// machine has, then the oldest with a Prometheus 3.
const SUITES: [&str; 2] = ["sid", "forky"];

/// Debian's newest Prometheus that runs here, unpacked beside this machine's own; apt is asked with
/// lists and sources of its own, made from those that are configured here.
pub(crate) fn newer_prometheus() -> PathBuf {
    newer("prometheus")
}

/// The `promtool` of the same suite, with the newest of what Prometheus' tools share.
pub(crate) fn newer_promtool() -> PathBuf {
    newer("promtool")
}

fn newer(program: &str) -> PathBuf {
    let recipe = format!("the first of {SUITES:?}, two packages");
    let folder = made_once("newer-prometheus", &recipe, fetch_newer_prometheus);
    folder.join("root/usr/bin").join(program)
}

fn fetch_newer_prometheus(folder: &Path) {
    for program in ["apt-get", "dpkg-deb"] {
        let is_there = find(program).is_some();
        assert!(
            is_there,
            "{program} is missing: install it, a newer Prometheus is unpacked from Debian's packages"
        );
    }
    let mut refusals = String::new();
    for suite in SUITES {
        match unpack_from(suite, &folder.join(suite)) {
            Ok(()) => {
                return fs::rename(folder.join(suite).join("root"), folder.join("root")).unwrap();
            }
            Err(why) => {
                let refusal = format!("Debian's {suite} has no Prometheus that serves here: {why}");
                eprintln!("{refusal}");
                refusals += &refusal;
            }
        }
    }
    panic!("{refusals}");
}

/// Unpacks Prometheus and its tools of a suite into `folder/root`, and sees whether they run.
fn unpack_from(suite: &str, folder: &Path) -> Result<(), String> {
    let targets = "$(REPO_URI)";
    let mirrors = attempt(
        Command::new("apt-get")
            .args(["indextargets", "--no-release-info", "--format", targets])
            .args(["Created-By: Packages", "Component: main"]),
    )?;
    let mirror = mirrors.lines().next();
    let mirror = mirror.ok_or("apt has no source of the component main")?;
    for cache in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(folder.join(cache)).unwrap();
    }
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let sources = format!("deb [signed-by={keys}] {mirror} {suite} main\n");
    fs::write(folder.join("sources.list"), sources).unwrap();
    fs::write(folder.join("status"), "").unwrap();
    attempt(private_apt(folder).arg("update"))?;
    let programs = ["prometheus", "promtool"];
    attempt(private_apt(folder).arg("download").args(programs))?;
    let files = folder.read_dir().unwrap();
    let packages = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"));
    let root = folder.join("root");
    for package in packages {
        attempt(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root))?;
    }
    // They may want a newer libc than this machine has.
    for program in programs {
        attempt(Command::new(root.join("usr/bin").join(program)).arg("--version"))?;
    }
    Ok(())
}

/// apt with everything of its own in `folder`, for packages of any suite, none of them installed.
fn private_apt(folder: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    let places = [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
    ];
    for (setting, place) in places {
        apt.arg("-o")
            .arg(format!("{setting}={}", folder.join(place).display()));
    }
    apt.args([
        "-q",
        "-o",
        "Dir::Etc::sourceparts=-",
        "-o",
        "Acquire::Languages=none",
    ]);
    apt.args([
        "-o",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    ]);
    apt.current_dir(folder);
    apt
}

/// A folder that `make` has filled, kept beneath `target/` until `recipe` changes. Tests that want it
/// at once, in whatever process, wait for the one that makes it.
pub(crate) fn made_once(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(place).unwrap();
    let lock = File::create(place.join(format!("{name}.lock"))).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let (folder, stamp) = (place.join(name), place.join(format!("{name}.made")));
    if fs::read_to_string(&stamp).is_ok_and(|made| made == recipe) {
        return folder;
    }
    let _ = fs::remove_file(&stamp);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    make(&folder);
    fs::write(stamp, recipe).unwrap();
    folder
}

/// What a command writes to its standard output; fails with all that it wrote where it does.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    attempt(command).unwrap_or_else(|why| panic!("{why}"))
}

/// The same, for what may fail.
fn attempt(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?} cannot be run: {error}"))?;
    succeeded(command, output)
}

/// The same, with `input` on its standard input.
#[track_caller]
pub(crate) fn run_with(command: &mut Command, input: &str) -> String {
    let output = output_with(command, input);
    succeeded(command, output).unwrap_or_else(|why| panic!("{why}"))
}

/// All that a command makes of `input`, however it ends.
fn output_with(command: &mut Command, input: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    child.wait_with_output().unwrap()
}

fn succeeded(command: &Command, output: Output) -> Result<String, String> {
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(text),
        false => Err(format!("{command:?}:\n{text}{errors}")),
    }
}

/// The library by which Debian's `faketime` changes the wall clock.
pub(crate) fn faketime_library() -> PathBuf {
    tool("faketime", "faketime");
    let folders = fs::read_dir("/usr/lib").into_iter().flatten();
    let libraries = folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = libraries.into_iter().find(|library| library.exists());
    found.expect("faketime comes with libfaketime.so.1")
}

pub(crate) fn curl() -> PathBuf {
    tool("curl", "curl")
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
    let mut promtool = Command::new(promtool());
    let output = output_with(promtool.args(["check", "metrics"]), page);
    let mut findings = String::from_utf8_lossy(&output.stdout).into_owned();
    findings.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        findings.push_str(&format!("promtool ended with {}", output.status));
    }
    findings
}
