//! The command line: a command, and flags that set a variable.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::base::secret::looks_secret;
use crate::base::version;
use crate::config::{PREFIX, SETTINGS};

/// The commands, and what each does. `--help`, the man page and the shells' completions are made of it.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "serve",
        "polls the Desk API and serves the metrics until SIGTERM or SIGINT (the default)",
    ),
    (
        "demo",
        "the same against a simulated Desk inside the process: no account, no network",
    ),
    (
        "check",
        "reads the configuration, makes one real poll, says what came back and what to do",
    ),
    (
        "backfill",
        "writes the figures of past days as OpenMetrics, for promtool tsdb create-blocks-from openmetrics",
    ),
    (
        "health",
        "asks the exporter that runs here for /-/healthy; exits with 0 or 1",
    ),
];

/// The flags of `backfill`, an example of each one's value, if it has one, and what it does.
pub const BACKFILL_FLAGS: &[(&str, &str, &str)] = &[
    ("from", "2026-11-01", "the first day"),
    ("to", "2026-11-24", "the last day"),
    (
        "output",
        "history.om",
        "the file to write, - for standard output; this one unless given",
    ),
    (
        "label",
        "job=desk",
        "a label that every sample gets, as Prometheus gives it; may be given again",
    ),
    ("force", "", "replace the file if it is there"),
];

/// The flags, which are those of other exporters, and the settings that they set. A secret has no flag:
/// every user of the machine can read command lines.
pub const FLAGS: &[(&str, &str)] = &[
    ("web.listen-address", "LISTEN_ADDRESS"),
    ("web.telemetry-path", "TELEMETRY_PATH"),
    ("web.config.file", "WEB_CONFIG_FILE"),
    ("log.level", "LOG_LEVEL"),
    ("log.format", "LOG_FORMAT"),
];

/// The command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Command {
    /// Poll Desk and serve the metrics.
    #[default]
    Serve,
    /// The same against a simulated Desk.
    Demo,
    /// Poll once, and tell what came back.
    Check,
    /// Write the figures of past days to a file.
    Backfill,
    /// Ask the exporter that runs here whether it is healthy.
    Health,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// A parsed command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// The command.
    pub command: Command,
    /// The settings of the flags: the variable's name without the prefix, and its value.
    pub settings: Vec<(&'static str, String)>,
    /// What `backfill` is told.
    pub backfill: BackfillFlags,
}

/// The flags of `backfill`, as they are given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BackfillFlags {
    /// The first day.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
    /// The file to write.
    pub output: Option<PathBuf>,
    /// Whether a file that is there is replaced.
    pub force: bool,
    /// Labels that every sample gets, as `name=value`.
    pub labels: Vec<String>,
}

impl CommandLine {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    /// A sentence on what is wrong with them, without a value.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut parser = Parser::from_args(arguments);
        let mut line = Self::default();
        let mut command = None;
        while let Some(argument) = parser.next().map_err(in_words)? {
            let only = |command| Self {
                command,
                ..Self::default()
            };
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(only(Command::Help)),
                Arg::Long("version") | Arg::Short('V') => return Ok(only(Command::Version)),
                Arg::Value(word) if command.is_none() => command = Some(command_named(&word)?),
                Arg::Long("from") => line.backfill.from = Some(text(&mut parser)?),
                Arg::Long("to") => line.backfill.to = Some(text(&mut parser)?),
                Arg::Long("output") => {
                    line.backfill.output = Some(parser.value().map_err(in_words)?.into());
                }
                Arg::Long("label") => line.backfill.labels.push(text(&mut parser)?),
                Arg::Long("force") => line.backfill.force = true,
                Arg::Long(flag) => {
                    let name = setting_of(flag)?;
                    line.set(name, text(&mut parser)?);
                }
                Arg::Value(word) => return Err(format!("there is no use for {}", shown(&word))),
                Arg::Short(flag) => return Err(format!("there is no flag -{flag}")),
            }
        }
        line.command = command.unwrap_or_default();
        if line.command != Command::Backfill && line.backfill != BackfillFlags::default() {
            return Err("--from, --to, --output, --label and --force are for backfill".to_owned());
        }
        Ok(line)
    }

    /// Takes the value of a flag. The last one counts, but of addresses to listen on all do.
    fn set(&mut self, name: &'static str, value: String) {
        let given = self.settings.iter_mut().find(|(given, _)| *given == name);
        match given {
            Some((_, addresses)) if name == "LISTEN_ADDRESS" => {
                addresses.push(',');
                addresses.push_str(&value);
            }
            _ => self.settings.push((name, value)),
        }
    }
}

fn text(parser: &mut Parser) -> Result<String, String> {
    parser.value().and_then(ValueExt::string).map_err(in_words)
}

fn command_named(word: &OsStr) -> Result<Command, String> {
    match word.to_str() {
        Some("serve") => Ok(Command::Serve),
        Some("demo") => Ok(Command::Demo),
        Some("check") => Ok(Command::Check),
        Some("backfill") => Ok(Command::Backfill),
        Some("health") => Ok(Command::Health),
        _ => Err(format!("there is no command {}", shown(word))),
    }
}

fn setting_of(flag: &str) -> Result<&'static str, String> {
    let known = FLAGS.iter().find(|(name, _)| *name == flag);
    known.map(|(_, setting)| *setting).ok_or_else(|| {
        format!(
            "there is no flag {}",
            shown(OsStr::new(&format!("--{flag}")))
        )
    })
}

/// The argument for a message, without a value after `=`, or other words if it looks like a secret.
fn shown(argument: &OsStr) -> String {
    let text = argument.to_string_lossy();
    let (name, has_value) = match text.split_once('=') {
        Some((name, _)) => (name, true),
        None => (text.as_ref(), false),
    };
    match (looks_secret(name), has_value) {
        (true, _) => "what looks like a secret (it is not shown)".to_owned(),
        (false, true) => format!("{name:?} (its value is not shown)"),
        (false, false) => format!("{name:?}"),
    }
}

/// An error of the parser in words, without the value that it is about.
fn in_words(error: lexopt::Error) -> String {
    match error {
        lexopt::Error::MissingValue { option: Some(flag) } => format!("{flag} needs a value"),
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        lexopt::Error::NonUnicodeValue(_) => "a flag's value is not UTF-8".to_owned(),
        _ => "an argument cannot be read".to_owned(),
    }
}

/// What `--help` prints.
pub(super) fn help() -> String {
    let commands: String = COMMANDS
        .iter()
        .map(|(command, meaning)| format!("  {command:<9} {meaning}\n"))
        .collect();
    let flags_of_backfill: String = BACKFILL_FLAGS
        .iter()
        .map(|(flag, value, meaning)| format!("  --{:<20} {meaning}\n", format!("{flag} {value}")))
        .collect();
    let flags: String = FLAGS
        .iter()
        .map(|(flag, setting)| format!("  --{flag:<20} {PREFIX}{setting}\n"))
        .collect();
    let settings: String = SETTINGS
        .iter()
        .map(|it| {
            format!(
                "  {PREFIX}{}\n      {} [{}]\n",
                it.name, it.meaning, it.default
            )
        })
        .collect();
    format!(
        "\
Prometheus exporter for Tencent Cloud Contact Center's Desk: today's figures of every agent.

Usage: tencent-desk-exporter [COMMAND] [FLAGS]

Commands:
{commands}
Flags of backfill (days of TENCENT_DESK_TIME_ZONE, before the present one):
{flags_of_backfill}
Flags, each another spelling of a variable, over which it wins:
{flags}  --help, --version

Settings are environment variables; an empty one counts as unset:
{settings}
Exit status: 0 stopped as asked, 64 the configuration is wrong, 1 anything else.
"
    )
}

/// What `--version` prints.
pub(super) fn version() -> String {
    format!(
        "tencent-desk-exporter {} (revision {}, rustc {})\n",
        version::VERSION,
        version::REVISION,
        version::RUSTC_VERSION
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<CommandLine, String> {
        CommandLine::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_command_and_flags_in_any_order() {
        assert_eq!(parse("").unwrap().command, Command::Serve);
        let line = parse("--log.level=debug demo --web.listen-address 127.0.0.1:1").unwrap();
        assert_eq!(line.command, Command::Demo);
        let expected = [
            ("LOG_LEVEL", "debug".to_owned()),
            ("LISTEN_ADDRESS", "127.0.0.1:1".to_owned()),
        ];
        assert_eq!(line.settings, expected);
        assert_eq!(parse("demo --help").unwrap().command, Command::Help);
    }

    #[test]
    fn each_address_to_listen_on_counts() {
        let line =
            parse("--web.listen-address=:1 --log.level=a --web.listen-address :2 --log.level=b")
                .unwrap();
        let expected = [
            ("LISTEN_ADDRESS", ":1,:2".to_owned()),
            ("LOG_LEVEL", "a".to_owned()),
            ("LOG_LEVEL", "b".to_owned()),
        ];
        assert_eq!(line.settings, expected);
    }

    #[test]
    fn a_mistake_is_named() {
        for (line, named) in [
            ("--secret.key=x", "--secret.key"),
            ("run", "run"),
            ("demo demo", "demo"),
            ("-x", "-x"),
            ("--log.level", "log.level"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_possible_secret_is_not_repeated() {
        let key = "0123456789abcdef".repeat(4);
        for line in [
            key.clone(),
            format!("serve {key}"),
            format!("--{key}"),
            format!("--{key}={key}"),
            format!("--secret-key={key}"),
            format!("TENCENT_DESK_SECRET_KEY={key}"),
            "serve SECRET_KEY=0123".to_owned(),
            "--secret-key=0123".to_owned(),
            format!("-k{key}"),
            format!("-k={key}"),
        ] {
            let error = parse(&line).unwrap_err();
            assert!(!error.contains("0123"), "{error}");
        }
    }

    #[test]
    fn every_command_of_the_table_can_be_given() {
        for (command, _) in COMMANDS {
            assert!(parse(command).is_ok(), "{command}");
        }
    }

    #[test]
    fn flags_set_settings_that_exist() {
        for (_, name) in FLAGS {
            assert!(
                SETTINGS.iter().any(|setting| setting.name == *name),
                "{name}"
            );
        }
        for setting in SETTINGS {
            assert!(help().contains(&format!("{PREFIX}{}\n", setting.name)));
        }
    }
}
