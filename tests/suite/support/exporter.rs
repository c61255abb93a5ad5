//! The real binary as a user runs it: in an environment of its own, listening where the system
//! likes, watched from outside only. What it writes is kept; what it leaves running is killed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::desk::Desk;
use super::http::{self, Response};
use super::page::Page;
use super::{LIMIT, eventually};

const PREFIX: &str = "TENCENT_DESK_";

/// How the binary is to be started. Nothing of the tests' own environment but `PATH` reaches it.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    args: Vec<OsString>,
    /// What a shell does before it becomes the binary (`exec "$@"`).
    script: Option<String>,
    vars: BTreeMap<OsString, OsString>,
}

impl Setup {
    /// No setting at all but a listener on a loopback port of the system's choice.
    pub(crate) fn bare() -> Setup {
        Setup::default().set("LISTEN_ADDRESS", "127.0.0.1:0")
    }

    /// All that is needed to poll this Desk's agent statistics, once: the second poll comes in an hour.
    pub(crate) fn of(desk: &Desk) -> Setup {
        let account = desk.account();
        Setup::bare()
            .set("ENDPOINT", desk.url())
            .set("SDK_APP_ID", account.sdk_app_id.to_string())
            .set("IDENTIFIER", &account.identifier)
            .set("SECRET_KEY", &account.key)
            .set("ENDPOINTS", "describe_agent_statistics")
            .set("POLL_INTERVAL", "1h")
    }

    /// As [`Setup::of`], but polling as often as it may.
    pub(crate) fn busily(desk: &Desk) -> Setup {
        Setup::of(desk)
            .set("POLL_INTERVAL", "1s")
            .set("REQUESTS_PER_SECOND", "100")
    }

    /// A setting, by its name without the prefix.
    pub(crate) fn set(self, name: &str, value: impl AsRef<OsStr>) -> Setup {
        self.env(format!("{PREFIX}{name}"), value)
    }

    pub(crate) fn unset(mut self, name: &str) -> Setup {
        self.vars.remove(OsStr::new(&format!("{PREFIX}{name}")));
        self
    }

    /// Any variable, by its whole name.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Setup {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.vars.insert(name, value);
        self
    }

    /// One argument more, or several with blanks between.
    pub(crate) fn args(mut self, args: &str) -> Setup {
        self.args
            .extend(args.split_whitespace().map(OsString::from));
        self
    }

    /// Lets a shell (bash, which knows descriptors beyond 9) run `script` first, which ends in `exec "$@"`.
    pub(crate) fn through(mut self, script: &str) -> Setup {
        self.script = Some(script.to_owned());
        self
    }

    /// Starts the binary and waits until it listens.
    pub(crate) fn start(self) -> Exporter {
        let running = Running::start(&self);
        let address = running.wait_for_address();
        Exporter { running, address }
    }

    /// Runs the binary to its end.
    pub(crate) fn run(self) -> Finished {
        Running::start(&self).finished()
    }

    /// Starts the binary, waits until it has written `text`, and sends it `signal`; what it leaves behind.
    pub(crate) fn run_until(self, text: &str, signal: Signal) -> Finished {
        let running = Running::start(&self);
        let found = eventually(|| running.output().contains(text).then_some(()));
        assert!(
            found.is_some(),
            "never wrote {text:?}:\n{}",
            running.output()
        );
        send(running.child.id(), signal);
        running.finished()
    }

    /// The same as a command, for a test that chooses its streams.
    pub(crate) fn command(&self) -> Command {
        let mut command = match &self.script {
            None => Command::new(BINARY),
            Some(script) => {
                let mut shell = Command::new("bash");
                shell.args(["-c", script, "bash", BINARY]);
                shell
            }
        };
        command
            .args(&self.args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(&self.vars)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_tencent-desk-exporter");

/// What a run that came to its end left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// All that it wrote.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails, showing all, where it did not end with this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "exit code of: {self:#?}");
        self
    }
}

/// The binary while it serves.
pub(crate) struct Exporter {
    running: Running,
    address: SocketAddr,
}

impl Exporter {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.child.id()
    }

    /// All that it has written, to both streams.
    pub(crate) fn output(&self) -> String {
        self.running.output()
    }

    /// Its log, line by line.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = self.running.stderr.text();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[])
    }

    #[track_caller]
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        match http::fetch(self.address, method, path, headers) {
            Ok(response) => response,
            Err(error) => panic!("{method} {path}: {error}\n{}", self.output()),
        }
    }

    /// What `/metrics` says now, in the text format.
    #[track_caller]
    pub(crate) fn page(&self) -> Page {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "{}", self.output());
        Page::parse(response.text())
    }

    /// Scrapes until the page is as wanted.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: &str, is_there: impl Fn(&Page) -> bool) -> Page {
        let found = eventually(|| Some(self.page()).filter(&is_there));
        found.unwrap_or_else(|| {
            let (page, output) = (self.page(), self.output());
            panic!("waited in vain for: {wanted}\n--- page\n{page}\n--- output\n{output}")
        })
    }

    /// Scrapes until the last poll succeeded.
    #[track_caller]
    pub(crate) fn wait_until_up(&self) -> Page {
        self.wait_for("up 1", |page| {
            page.value("tencent_desk_up", &[]) == Some(1.0)
        })
    }

    /// The page after the first poll, however it ended.
    #[track_caller]
    pub(crate) fn after_first_poll(&self) -> Page {
        self.wait_for("the end of the first poll", |_| {
            self.get("/-/ready").status == 200
        });
        self.page()
    }

    /// Waits for something that it writes.
    #[track_caller]
    pub(crate) fn wait_for_output(&self, text: &str) {
        let found = eventually(|| self.output().contains(text).then_some(()));
        assert!(found.is_some(), "never wrote {text:?}:\n{}", self.output());
    }

    /// Asks it to stop (SIGTERM), and says how it did.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.stop_by(Signal::TERM)
    }

    /// Asks it to stop the way Ctrl-C does (SIGINT).
    pub(crate) fn interrupt(&mut self) -> ExitStatus {
        self.stop_by(Signal::INT)
    }

    /// Ends it at once (SIGKILL), as the kernel does when memory runs out.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.stop_by(Signal::KILL)
    }

    /// Asks it to read its files again (SIGHUP).
    pub(crate) fn hang_up(&self) {
        send(self.pid(), Signal::HUP);
    }

    fn stop_by(&mut self, signal: Signal) -> ExitStatus {
        send(self.pid(), signal);
        self.running.wait()
    }
}

/// Sends a signal to a process that the test has started.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

/// A child with both its streams read as they come.
struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    fn start(setup: &Setup) -> Running {
        let mut child = setup.command().spawn().expect("the program starts");
        Running {
            stdout: Stream::read(child.stdout.take().unwrap()),
            stderr: Stream::read(child.stderr.take().unwrap()),
            child,
        }
    }

    fn output(&self) -> String {
        format!("{}{}", self.stdout.text(), self.stderr.text())
    }

    /// Waits for the end.
    fn finished(mut self) -> Finished {
        let status = self.wait();
        Finished {
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }

    fn wait_for_address(&self) -> SocketAddr {
        let found = self
            .stderr
            .wait_for(|text| text.lines().find_map(address_of));
        found.unwrap_or_else(|| panic!("it never listened:\n{}", self.output()))
    }

    /// Waits for the end, and until all that it wrote is read.
    fn wait(&mut self) -> ExitStatus {
        let status = eventually(|| self.child.try_wait().unwrap());
        let Some(status) = status else {
            panic!("it does not end:\n{}", self.output());
        };
        self.stdout.finish();
        self.stderr.finish();
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address of the log line whose message is `listening`, in either format.
fn address_of(line: &str) -> Option<SocketAddr> {
    let fields = if line.starts_with('{') {
        json_fields(line)?
    } else {
        logfmt(line)
    };
    let message = fields.get("message").or_else(|| fields.get("msg"))?;
    (message == "listening").then_some(())?;
    let mut address: SocketAddr = fields.get("address")?.parse().ok()?;
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    Some(address)
}

fn json_fields(line: &str) -> Option<BTreeMap<String, String>> {
    let Value::Object(mut members) = serde_json::from_str(line).ok()? else {
        return None;
    };
    if let Some(Value::Object(inner)) = members.remove("fields") {
        members.extend(inner);
    }
    let text = |value: Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    Some(members.into_iter().map(|(k, v)| (k, text(v))).collect())
}

/// The pairs of a logfmt line.
pub(crate) fn logfmt(line: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut rest = line.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = logfmt_value(after);
        pairs.insert(key.trim().to_owned(), value);
        rest = after.trim_start();
    }
    pairs
}

fn logfmt_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(' ').unwrap_or((text, ""));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[position + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// What a child wrote to one stream so far, and whether there can be more.
struct Stream {
    state: Arc<(Mutex<Written>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    fn read(mut pipe: impl Read + Send + 'static) -> Stream {
        let state = Arc::new((Mutex::new(Written::default()), Condvar::new()));
        let reader = thread::spawn({
            let state = Arc::clone(&state);
            move || {
                let mut chunk = [0; 8192];
                loop {
                    let count = pipe.read(&mut chunk).unwrap_or(0);
                    let mut written = state.0.lock().unwrap();
                    written.bytes.extend_from_slice(&chunk[..count]);
                    written.ended = count == 0;
                    state.1.notify_all();
                    if written.ended {
                        break;
                    }
                }
            }
        });
        Stream {
            state,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.state.0.lock().unwrap().bytes).into()
    }

    /// Waits until `find` finds something; `None` at the stream's end or after too long.
    fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let start = Instant::now();
        let mut written = self.state.0.lock().unwrap();
        loop {
            if let Some(found) = find(&String::from_utf8_lossy(&written.bytes)) {
                return Some(found);
            }
            if written.ended || start.elapsed() > LIMIT {
                return None;
            }
            let tick = Duration::from_millis(100);
            written = self.state.1.wait_timeout(written, tick).unwrap().0;
        }
    }

    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}
