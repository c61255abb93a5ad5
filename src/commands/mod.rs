//! The commands: each puts the other rooms together for one purpose.

mod backfill;
mod check;
mod cli;
mod demo;
mod health;
mod serve;
mod signals;

use std::ffi::OsString;
use std::io::{self, Write as _};

use tokio::runtime::Runtime;

use crate::base::logging::{self, Directives};
use crate::base::{blocking, version};
use crate::config::{Config, Environment, Mistakes, Shown};
use cli::{Command, CommandLine};

pub use cli::{BACKFILL_FLAGS, COMMANDS, FLAGS};

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
    let line = CommandLine::parse(arguments);
    let mut environment = Environment::new(variables);
    for (name, value) in line.iter().flat_map(|line| &line.settings) {
        environment.set(name, value.clone());
    }
    let command = line.as_ref().map(|line| line.command).ok();
    let format = environment.chosen_log_format();
    let outcome = match line {
        Ok(line) => run_command(&line, environment),
        Err(why) => Err(Failure::Usage(vec![format!(
            "tencent-desk-exporter: {why}; --help lists all"
        )])),
    };
    if let Some(format) = format
        && outcome.is_err()
        && command != Some(Command::Health)
    {
        // Where logging has not started, the reason is told in the format that was chosen all the same.
        logging::start(&Directives::errors(), format);
    }
    outcome
}

fn run_command(line: &CommandLine, environment: Environment) -> Result<(), Failure> {
    match line.command {
        Command::Help => Ok(print(&cli::help())?),
        Command::Version => Ok(print(&cli::version())?),
        Command::Health => health::run(environment),
        Command::Check => check::run(environment),
        Command::Backfill => backfill::run(&line.backfill, environment),
        Command::Serve => serve::run(environment),
        Command::Demo => demo::run(environment),
    }
}

fn start_logging<A>(config: &Config<A>) {
    logging::start(&config.logging.level, config.logging.format);
    tracing::info!(
        version = version::VERSION,
        revision = version::REVISION,
        "starting"
    );
    for Shown { name, value } in &config.settings {
        tracing::debug!(name, value, "setting");
    }
    for warning in &config.warnings {
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
