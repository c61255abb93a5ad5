//! The commands: each puts the other rooms together for one purpose.

mod check;
mod cli;
mod demo;
mod health;
mod serve;
mod signals;

use std::ffi::OsString;
use std::io::{self, Write as _};

use tokio::runtime::Runtime;

use crate::base::{blocking, logging, version};
use crate::config::{Environment, Logging, Mistakes};
use cli::{Command, CommandLine};

/// Why the program ends otherwise than asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the configuration has to be changed: a line for each mistake.
    Usage(Vec<String>),
    /// Anything else, in a sentence.
    Other(String),
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::Usage(mistakes.0)
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

/// Runs the command that `arguments` (without the program's name) ask for, to its end.
///
/// # Errors
/// Why it ended otherwise than asked.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Failure> {
    let line = CommandLine::parse(arguments).map_err(|why| {
        let line = format!("tencent-desk-exporter: {why}; --help lists all");
        Failure::Usage(vec![line])
    })?;
    let mut environment = Environment::new(variables);
    for (name, value) in line.settings {
        environment.set(name, value);
    }
    match line.command {
        Command::Help => Ok(print(&cli::help())?),
        Command::Version => Ok(print(&cli::version())?),
        Command::Health => health::run(environment),
        Command::Check => check::run(environment),
        Command::Serve => serve::run(environment),
        Command::Demo => demo::run(environment),
    }
}

fn start_logging(logging: &Logging, warnings: &[String]) {
    logging::start(&logging.level, logging.format);
    tracing::info!(
        version = version::VERSION,
        revision = version::REVISION,
        "starting"
    );
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// One thread for scrapes and polls: there is little to do in either, and a second one would cost
/// memory and wake-ups.
fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(blocking::threads())
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
}

/// Runs `work` to its end. Blocking work that goes on does not keep the program from ending.
fn block_on<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

/// Writes `text` to standard output. A reader that has gone away is no failure.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
