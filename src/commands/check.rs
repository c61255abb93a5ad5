//! `check`: polls once, and tells in words whether the exporter would work.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Failure, serve};
use crate::base::clock::{Clock, DayWindow, SystemClock};
use crate::base::logging;
use crate::config::{Config, Environment};
use crate::desk::{Error, Listing};
use crate::exposition::snapshot::{Snapshot, named, unmatched};
use crate::status::meters::Meters;

/// How many agents are listed.
const NAMED: usize = 5;

/// What `check` found out.
#[derive(Debug)]
struct Finding {
    /// For a person, several lines.
    text: String,
    /// Whether a poll would work.
    is_good: bool,
}

/// Runs `check`.
///
/// # Errors
/// That the polls would not work, or why none could be tried.
pub(super) fn run(environment: Environment) -> Result<(), Failure> {
    let config = environment.config()?;
    super::start_logging(&config.logging, &config.warnings);
    let finding = super::block_on(super::runtime()?, check(config))?;
    // On one terminal, the log stands before the finding.
    logging::finish();
    if let Err(why) = super::print(&finding.text) {
        // The exit status tells the finding too, and does not change.
        logging::say(&format!("tencent-desk-exporter: {why}"));
    }
    match finding.is_good {
        true => Ok(()),
        false => Err(Failure::Other("the check has failed".to_owned())),
    }
}

/// Polls Desk once.
///
/// # Errors
/// Why no poll could be tried.
async fn check(config: Config) -> Result<Finding, String> {
    let Config {
        account, polling, ..
    } = config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let zone = account.time_zone.clone();
    let day = DayWindow::around(clock.now().wall, &zone).map_err(|error| error.to_string())?;
    let mut text = String::from("The configuration is complete.\n");
    say(
        &mut text,
        format_args!(
            "Asking {} as {} of {} for {} ({} to {}).",
            account
                .hosts
                .first()
                .and_then(|host| host.host_str())
                .unwrap_or_default(),
            account.credentials.identifier(),
            account.credentials.sdk_app_id(),
            day.start().to_zoned(zone.clone()).date(),
            day.start().to_zoned(zone.clone()),
            day.end().to_zoned(zone),
        ),
    );
    let meters =
        Meters::new(polling.poll_interval, Timestamp::now()).map_err(|error| error.to_string())?;
    let client = serve::client(account, &polling, clock, Arc::new(meters))?;
    let answer = client.list_agents(&day).await;
    if let Some(expiry) = client.user_sig_expiry() {
        say(
            &mut text,
            format_args!("The UserSig that was sent is good until {expiry:.0}."),
        );
    }
    let is_good = answer.is_ok();
    match answer {
        Ok(listing) => tell_answer(&mut text, listing, day),
        Err(error) => tell_failure(&mut text, &error),
    }
    Ok(Finding { text, is_good })
}

fn tell_answer(text: &mut String, listing: Listing, day: DayWindow) {
    let snapshot = Snapshot::new(listing, day);
    say(
        text,
        format_args!("Desk answered: {} agents today.", snapshot.agents().len()),
    );
    for row in snapshot.agents().take(NAMED) {
        say(
            text,
            format_args!(
                "  {} ({})",
                row.agent_id(),
                row.nickname().unwrap_or("no nickname")
            ),
        );
    }
    if snapshot.agents().len() > NAMED {
        say(
            text,
            format_args!("  and {} more", snapshot.agents().len() - NAMED),
        );
    }
    if snapshot.missing_rows > 0 {
        say(
            text,
            format_args!(
                "It promised {} more rows than it gave, also when asked twice.",
                snapshot.missing_rows
            ),
        );
    }
    if !snapshot.unmatched_ids.is_empty() {
        say(
            text,
            format_args!("Warning: {}.", unmatched(&snapshot.unmatched_ids)),
        );
    }
    if snapshot.rows_not_asked > 0 {
        say(
            text,
            format_args!(
                "It gave {} rows of agents that TENCENT_DESK_AGENT_IDS does not name: they are not shown.",
                snapshot.rows_not_asked
            ),
        );
    }
    if !snapshot.absent_fields.is_empty() {
        let absent: Vec<_> = snapshot
            .absent_fields
            .iter()
            .map(|field| field.name())
            .collect();
        say(
            text,
            format_args!("No agent's row has these fields: {}.", absent.join(", ")),
        );
    }
    if !snapshot.unknown_fields.is_empty() {
        say(
            text,
            format_args!(
                "It has fields that this version does not know: {}.",
                named(&snapshot.unknown_fields)
            ),
        );
    }
    say(
        text,
        format_args!("A poll would work: start the exporter with this configuration."),
    );
}

fn tell_failure(text: &mut String, error: &Error) {
    say(
        text,
        format_args!("A poll would fail ({}): {error}.", error.class()),
    );
    say(text, format_args!("What to do: {}.", error.advice()));
}

fn say(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Without control characters, which a nickname may have: a terminal would obey them.
    let _ = writeln!(text, "{}", line.to_string().replace(char::is_control, " "));
}
