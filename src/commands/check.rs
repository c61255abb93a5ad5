//! `check`: polls once, and tells in words whether the exporter would work.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tracing::Level;

use super::{Failure, serve};
use crate::base::clock::{Clock, DayWindow, SystemClock, Window};
use crate::base::logging;
use crate::catalog::agents::NICKNAME;
use crate::catalog::{Discard, Endpoint, Need};
use crate::config::{Account, Config, Environment, Shown};
use crate::desk::{Client, Error, Fetch as _};
use crate::exposition::labels::{AgentLabels, Labels};
use crate::exposition::snapshot::{Snapshot, named, no_agents, unmatched};

/// How many agents are listed.
const NAMED: usize = 5;

/// How long no endpoint is asked after a refusal for the rate: more than a request waits for, so that the others
/// are told as not asked.
const REFUSED_FOR_THE_RATE: Duration = Duration::from_secs(60);

/// What `check` found out.
#[derive(Debug)]
struct Finding {
    /// For a person, several lines.
    text: Text,
    /// Whether a poll would work.
    is_good: bool,
}

/// Runs `check`.
///
/// # Errors
/// That the polls would not work, or why none could be tried.
pub(super) fn run(environment: Environment) -> Result<(), Failure> {
    let config = environment.config()?;
    super::start_logging(&config);
    let finding = super::block_on(super::runtime()?, check(config))?;
    // On one terminal, the log stands before the finding.
    logging::finish();
    if let Err(why) = super::print(&finding.text.0) {
        // The exit status tells the finding too, and does not change.
        logging::say(Level::ERROR, &format!("tencent-desk-exporter: {why}"));
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
        account,
        polling,
        settings,
        ..
    } = config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let day = DayWindow::around(clock.now().wall, &account.time_zone)
        .map_err(|error| error.to_string())?;
    let labels = polling.labels.clone();
    let mut text = Text::default();
    text.say("The configuration is complete:");
    for Shown { name, value } in &settings {
        text.say(&format!("  {name}={value}"));
    }
    tell_question(&mut text, &account, day, &labels.agents);
    let (client, _) = serve::client(account, &polling, clock)?;
    let polls = poll_all(&client, &polling.endpoints, day, &labels).await;
    if let Some(expiry) = client.user_sig_expiry() {
        text.say(&format!(
            "The UserSig that was sent is good until {expiry:.0}."
        ));
    }
    let is_good = tell_polls(&mut text, &polls, &labels.agents);
    if is_good {
        let lack = match polls.iter().any(|(_, polled)| is_without_agents(polled)) {
            true => ", though there is no agent to show",
            false => "",
        };
        text.say(&format!(
            "A poll would work{lack}: start the exporter with this configuration."
        ));
    }
    Ok(Finding { text, is_good })
}

/// Who asks which Desk, and for which day.
fn tell_question(text: &mut Text, account: &Account, day: DayWindow, labels: &AgentLabels) {
    let host = account.hosts.first().and_then(|host| host.host_str());
    let identifier = match labels.show_ids() {
        true => account.credentials.identifier(),
        // The account may be an agent's.
        false => "the account of TENCENT_DESK_IDENTIFIER",
    };
    let local = |instant: Timestamp| instant.to_zoned(account.time_zone.clone());
    text.say(&format!(
        "Asking {} as {identifier} of {} for {} ({} to {}).",
        host.unwrap_or_default(),
        account.credentials.sdk_app_id(),
        local(day.start()).date(),
        local(day.start()),
        local(day.end()),
    ));
}

/// What one poll brought.
type Polled = Result<Snapshot, Error>;

/// Polls the first of `endpoints`, and then all others at once: what it learns of a refusal for the rate, or of the
/// host that answers, holds for them.
async fn poll_all(
    client: &Client,
    endpoints: &[&'static Endpoint],
    day: DayWindow,
    labels: &Arc<Labels>,
) -> Vec<(&'static Endpoint, Polled)> {
    let one = |&endpoint: &&'static Endpoint| async move {
        (endpoint, poll(client, endpoint, day, labels.clone()).await)
    };
    let (first, others) = endpoints.split_at(endpoints.len().min(1));
    let mut polls = join_all(first.iter().map(one)).await;
    polls.extend(join_all(others.iter().map(one)).await);
    polls
}

/// Whether agent statistics have come, without an agent.
fn is_without_agents(polled: &Polled) -> bool {
    let snapshot = polled.as_ref().ok();
    snapshot.is_some_and(|it| it.endpoint.need == Need::Required && it.count(0) == 0)
}

async fn poll(
    client: &Client,
    endpoint: &'static Endpoint,
    day: DayWindow,
    labels: Arc<Labels>,
) -> Polled {
    let window = match endpoint.ends_at_midnight {
        true => Window::Day(day),
        false => Window::Now,
    };
    let answer = client.fetch(endpoint.calls, &window).await;
    if let Some(error) = answer.as_ref().err().filter(|error| error.pauses_all()) {
        client.pause(error.demanded_pause().unwrap_or(REFUSED_FOR_THE_RATE));
    }
    let answer = answer?;
    Ok(Snapshot::new(endpoint, window, answer, labels))
}

/// Whether all would work. Where Desk answers one endpoint, another may be one that it does not serve here.
fn tell_polls(text: &mut Text, polls: &[(&Endpoint, Polled)], labels: &AgentLabels) -> bool {
    let is_required = |endpoint: &Endpoint| endpoint.need == Need::Required;
    let mut required = polls
        .iter()
        .filter(|(endpoint, _)| is_required(endpoint))
        .peekable();
    let answers = match required.peek() {
        Some(_) => required.all(|(_, polled)| polled.is_ok()),
        None => polls.iter().any(|(_, polled)| polled.is_ok()),
    };
    let mut is_good = true;
    let mut told = Vec::new();
    for (endpoint, polled) in polls {
        match polled {
            Ok(snapshot) if is_required(endpoint) => tell_answer(text, snapshot, labels),
            Ok(snapshot) => {
                let rows = snapshot.count(0);
                text.say(&format!("{}: answered, {rows} rows.", endpoint.name()));
                tell_oddities(text, snapshot);
            }
            Err(error) if !is_required(endpoint) && answers && error.may_mean_not_served() => text.say(&format!(
                    "{}: not served here ({error}). That is no failure: its metrics will be absent.",
                    endpoint.name()
                )),
            Err(error) => {
                is_good = false;
                let name = endpoint.name();
                if told.contains(&error) {
                    text.say(&format!("{name}: it would fail for the same reason."));
                    continue;
                }
                if !is_required(endpoint) {
                    text.say(&format!("{name}:"));
                }
                tell_failure(text, error);
                told.push(error);
            }
        }
    }
    is_good
}

fn tell_answer(text: &mut Text, snapshot: &Snapshot, labels: &AgentLabels) {
    let agents = snapshot.count(0);
    text.say(&format!("Desk answered: {agents} agents today."));
    for row in snapshot.rows(0).take(NAMED) {
        let nickname = match row.text(NICKNAME) {
            _ if !labels.show_nicknames() => String::new(),
            "" => " (no nickname)".to_owned(),
            nickname => format!(" ({nickname})"),
        };
        text.say(&format!("  {}{nickname}", row.key()));
    }
    if agents > NAMED {
        text.say(&format!("  and {} more", agents - NAMED));
    }
    if agents == 0 {
        text.say(&format!("Warning: {}.", no_agents(&snapshot.unmatched_ids)));
    } else if !snapshot.unmatched_ids.is_empty() {
        text.say(&format!("Warning: {}.", unmatched(&snapshot.unmatched_ids)));
    }
    tell_oddities(text, snapshot);
}

/// What is there and should not be, or the other way round.
fn tell_oddities(text: &mut Text, snapshot: &Snapshot) {
    if snapshot.missing_rows > 0 {
        text.say(&format!(
            "It promised {} more rows than it gave, also when asked twice.",
            snapshot.missing_rows
        ));
    }
    let not_asked = snapshot.discarded.get(&Discard::NotAsked).copied();
    let mut calls = snapshot.endpoint.calls.iter();
    if let Some(rows @ 1..) = not_asked
        && calls.any(|call| call.agents.is_some())
    {
        text.say(&format!(
                "It gave {rows} rows of agents that TENCENT_DESK_AGENT_IDS does not name: they are not shown."
            ));
    }
    if !snapshot.absent_fields.is_empty() {
        let absent: Vec<_> = snapshot.absent_fields.iter().copied().collect();
        text.say(&format!("No row has these fields: {}.", absent.join(", ")));
    }
    if !snapshot.unknown_fields.is_empty() {
        text.say(&format!(
            "It has fields that this version does not know: {}.",
            named(&snapshot.unknown_fields)
        ));
    }
}

fn tell_failure(text: &mut Text, error: &Error) {
    text.say(&format!("A poll would fail ({}): {error}.", error.class()));
    text.say(&format!("What to do: {}.", error.advice()));
}

/// Lines for a terminal.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    /// Adds `line`, without control characters, which a nickname may have: a terminal would obey them.
    fn say(&mut self, line: &str) {
        self.0.extend([&*line.replace(char::is_control, " "), "\n"]);
    }
}
