//! The program: arguments, configuration, logs, then the command; and what each end exits with.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tencent_desk_exporter::base::{blocking, logging, version};
use tencent_desk_exporter::commands::cli::{self, Command, CommandLine};
use tencent_desk_exporter::commands::{check, health, serve as app};
use tencent_desk_exporter::config::{Environment, Mistakes, Program};
use tencent_desk_exporter::demo;
use tencent_desk_exporter::http::web::reload::WebConfigFile;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The configuration is wrong (`EX_USAGE` of sysexits.h).
const EXIT_USAGE: u8 = 64;

/// Why the program ends otherwise than asked.
enum Failure {
    /// The configuration or the command line has to be changed.
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
    let code = match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(lines)) => {
            logging::say(&lines.join("\n"));
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Other(why)) => {
            logging::say(&format!("tencent-desk-exporter: {why}"));
            ExitCode::FAILURE
        }
    };
    logging::finish();
    code
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
        Command::Health => health(environment),
        Command::Check => check(environment),
        Command::Serve => serve(environment),
        Command::Demo => demo(environment),
    }
}

fn health(environment: Environment) -> Result<(), Failure> {
    let (addresses, is_guarded) = environment.place()?;
    block_on(runtime()?, health::ask(&addresses, is_guarded))
}

fn check(environment: Environment) -> Result<(), Failure> {
    let config = environment.config()?;
    start_logging(&config.program);
    let finding = block_on(runtime()?, check::check(config))?;
    // Where both go to one terminal, the log stands first.
    logging::finish();
    if let Err(Failure::Other(why)) = print(&finding.text) {
        // The status is the answer, and it stays what it is.
        logging::say(&format!("tencent-desk-exporter: {why}"));
    }
    match finding.is_good {
        true => Ok(()),
        false => Err(Failure::Other("the check has failed".to_owned())),
    }
}

fn serve(environment: Environment) -> Result<(), Failure> {
    let runtime = runtime()?;
    let reread = reread_signal(&runtime)?;
    let config = environment.config()?;
    start_logging(&config.program);
    block_on(runtime, async {
        app::serve(config, |_| {}, reread, stop_signal()?).await
    })
}

fn demo(mut environment: Environment) -> Result<(), Failure> {
    let runtime = runtime()?;
    let reread = reread_signal(&runtime)?;
    for name in ["POLL_INTERVAL", "REALTIME_INTERVAL"] {
        environment.set_default(name, app::DEMO_INTERVAL);
    }
    environment.set_default("STATUS_NAMES", demo::figures::STATUS_NAMES);
    let (program, time_zone) = environment.demo()?;
    start_logging(&program);
    let time_zone = time_zone.unwrap_or_else(|| demo::zone_for(Timestamp::now()));
    let (zone, time) = local_time(&time_zone);
    tracing::info!(
        time_zone = zone,
        local_time = time,
        "a simulated Desk is polled: nothing here is real"
    );
    let path = program.telemetry_path.clone();
    let has_tls = program.web.as_ref().is_some_and(WebConfigFile::has_tls);
    let scheme = if has_tls { "https" } else { "http" };
    let announce = |address| {
        let place = place_to_look(scheme, address);
        let text = format!(
            "The demo runs, in {zone}, where it is {time}; its agents work from 08:00 to 22:00. See {place}{path} or {place}/, stop it with Ctrl-C.\n"
        );
        // Serving waits for no reader, and goes on without one.
        std::thread::spawn(move || print(&text).ok());
    };
    block_on(runtime, async {
        app::demo(program, time_zone, announce, reread, stop_signal()?).await
    })
}

/// The zone's name and what o'clock it is there.
fn local_time(zone: &TimeZone) -> (String, String) {
    let now = Timestamp::now().to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("a zone without a name");
    (name.to_owned(), now.strftime("%H:%M").to_string())
}

fn start_logging(program: &Program) {
    logging::start(&program.log_level, program.log_format);
    tracing::info!(
        version = version::VERSION,
        revision = version::REVISION,
        "starting"
    );
    for warning in &program.warnings {
        tracing::warn!("{warning}");
    }
}

fn runtime() -> Result<Runtime, String> {
    // One thread answers scrapes and asks Desk: there is little to do in either, and a second one
    // would cost memory and being woken up.
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(blocking::threads())
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
}

fn block_on<T>(
    runtime: Runtime,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, Failure> {
    let outcome = runtime.block_on(work);
    // A file that hangs while it is read must not keep the program from ending.
    runtime.shutdown_background();
    Ok(outcome?)
}

fn place_to_look(scheme: &str, address: SocketAddr) -> String {
    let host = match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    format!("{scheme}://{host}")
}

/// Ends with the first SIGTERM or SIGINT after this call.
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|why| cannot_listen(&why))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|why| cannot_listen(&why))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
    })
}

/// Changes with each SIGHUP after this call: none ends the program from now on.
fn reread_signal(runtime: &Runtime) -> Result<watch::Receiver<()>, String> {
    let _context = runtime.enter();
    let mut hangup = signal(SignalKind::hangup()).map_err(|why| cannot_listen(&why))?;
    let (sender, reread) = watch::channel(());
    runtime.spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: reading secrets and web configuration from their files");
            sender.send_replace(());
        }
    });
    Ok(reread)
}

fn cannot_listen(error: &io::Error) -> String {
    format!("cannot listen for signals: {error}")
}

/// To standard output, where a reader that goes away early is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Other(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
