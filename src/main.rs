//! The program: arguments, configuration, logs, then the command; and what each end exits with.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use tencent_desk_exporter::cli::{self, Command, CommandLine};
use tencent_desk_exporter::config::{Environment, Mistakes, Program};
use tencent_desk_exporter::web::reload::Source;
use tencent_desk_exporter::{app, build, check, health, lanes, logging};
use tokio::signal::unix::{SignalKind, signal};

/// The configuration is wrong (`EX_USAGE` of sysexits.h).
const EXIT_USAGE: u8 = 64;

/// Why the program ends otherwise than asked.
enum Failure {
    /// Somebody has to change the configuration or the command line.
    Usage(Vec<String>),
    /// Anything else.
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

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(lines)) => {
            eprintln!("{}", lines.join("\n"));
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Other(why)) => {
            eprintln!("tencent-desk-exporter: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let line = CommandLine::parse(std::env::args_os().skip(1)).map_err(|why| {
        Failure::Usage(vec![format!(
            "tencent-desk-exporter: {why}; --help lists all"
        )])
    })?;
    let mut environment = Environment::new(std::env::vars_os());
    for (name, value) in line.settings {
        environment.set(name, value);
    }
    match line.command {
        Command::Help => print(&cli::help()),
        Command::Version => print(&cli::version()),
        Command::Health => {
            let (address, is_guarded) = environment.place()?;
            block_on(health::ask(&address, is_guarded))
        }
        Command::Check => {
            let config = environment.config()?;
            start_logging(&config.program);
            let finding = block_on(check::check(config))?;
            print(&finding.text)?;
            if finding.is_good {
                Ok(())
            } else {
                Err(Failure::Other("the check has failed".to_owned()))
            }
        }
        Command::Serve => {
            let config = environment.config()?;
            start_logging(&config.program);
            block_on(async { app::serve(config, |_| {}, stop_signal()?).await })
        }
        Command::Demo => {
            environment.set_default("POLL_INTERVAL", app::DEMO_INTERVAL);
            let program = environment.program()?;
            start_logging(&program);
            let path = program.telemetry_path.clone();
            let has_tls = program.web.as_ref().is_some_and(Source::has_tls);
            let scheme = if has_tls { "https" } else { "http" };
            let announce = |address| println!("{}", where_to_look(scheme, address, &path));
            block_on(async { app::demo(program, announce, stop_signal()?).await })
        }
    }
}

fn start_logging(program: &Program) {
    logging::start(&program.log_level, program.log_format);
    tracing::info!(
        version = build::VERSION,
        revision = build::REVISION,
        "starting"
    );
    for warning in &program.warnings {
        tracing::warn!("{warning}");
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, Failure> {
    // One thread answers scrapes and asks Desk: there is little to do in either, and a second one
    // would cost memory and being woken up.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(lanes::threads())
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(work);
    // A file that hangs while it is read must not keep the program from ending.
    runtime.shutdown_background();
    Ok(outcome?)
}

fn where_to_look(scheme: &str, address: SocketAddr, path: &str) -> String {
    let host = match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    format!(
        "The demo runs: see {scheme}://{host}{path} or {scheme}://{host}/, stop it with Ctrl-C."
    )
}

/// Ends with the first SIGTERM or SIGINT after this call.
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let cannot = |error| format!("cannot listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
    })
}

/// To standard output, where a reader that goes away early is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Other(error.to_string()))
        }
        _ => Ok(()),
    }
}
