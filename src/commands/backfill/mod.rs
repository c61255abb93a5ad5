//! `backfill`: the figures of days before the exporter was there, as OpenMetrics with timestamps.
//!
//! Each day is polled as a service polls it, with its pace and pauses, and its samples have the names and labels of a
//! scrape: those of the day at its last second, those of an hour at the hour's. A day is in the file whole or not at
//! all, so that one that failed can be asked for alone, and added later.

mod output;
mod progress;
mod request;
mod spill;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tracing::Level;

use super::cli::BackfillFlags;
use super::{Failure, serve, signals};
use crate::base::clock::{Clock, DayWindow, SystemClock, Window};
use crate::base::{blocking, logging};
use crate::catalog::{Counts, ENDPOINTS, Endpoint, Family, exporter};
use crate::config::{Config, Environment};
use crate::desk::call::Period;
use crate::desk::{Class, Client, Error, Fetch as _};
use crate::exposition::labels::Labels;
use crate::exposition::snapshot::Snapshot;
use crate::exposition::text;
use crate::poll::schedule;
use output::Output;
use progress::Progress;
use request::Request;
use spill::Spill;

/// How often a day is tried.
const TRIES: u32 = 3;

/// By which pauses go, as those of a service that polls each minute.
const INTERVAL: Duration = Duration::from_secs(60);

/// After so many days in a row without an answer no further one is asked for.
const SILENT_DAYS: usize = 3;

/// Runs `backfill`.
///
/// # Errors
/// What is wrong with `flags` or the configuration, or that not all days are in the file.
pub(super) fn run(flags: &BackfillFlags, environment: Environment) -> Result<(), Failure> {
    let config = environment.config()?;
    let now = SystemClock.now().wall;
    let request = Request::of(flags, &config.account.time_zone, now).map_err(Failure::Usage)?;
    let endpoints = of_past_days(&config.polling.endpoints)?;
    super::start_logging(&config);
    let outcome = super::block_on(super::runtime()?, backfill(config, request, endpoints));
    logging::finish();
    Ok(outcome?)
}

/// Those that can be asked for a day.
///
/// # Errors
/// That there is none.
fn of_past_days(endpoints: &[&'static Endpoint]) -> Result<Vec<&'static Endpoint>, Failure> {
    let is_of_day =
        |endpoint: &&&Endpoint| endpoint.calls.iter().all(|call| call.period == Period::Day);
    let of_day: Vec<_> = endpoints.iter().filter(is_of_day).copied().collect();
    match of_day.is_empty() {
        false => Ok(of_day),
        true => {
            let names: Vec<_> = ENDPOINTS
                .iter()
                .filter(is_of_day)
                .map(|endpoint| endpoint.name())
                .collect();
            Err(Failure::Usage(vec![format!(
                "TENCENT_DESK_ENDPOINTS: names no endpoint that tells of past days: add {}",
                names.join(" or ")
            )]))
        }
    }
}

/// Asks for all days and writes what comes.
///
/// # Errors
/// Why there is no file, or which days are not in it.
async fn backfill(
    config: Config,
    request: Request,
    endpoints: Vec<&'static Endpoint>,
) -> Result<(), String> {
    let mut stop = Box::pin(signals::stop()?);
    let Config {
        account, polling, ..
    } = config;
    let (zone, labels) = (account.time_zone.clone(), polling.labels.clone());
    let (client, _) = serve::client(account, &polling, Arc::new(SystemClock))?;
    let spill = Spill::new(&request.output.folder())
        .map_err(|error| request.output.cannot_be_written(&error))?;
    let progress = Progress::of(request.days.len());
    let mut work = Backfill {
        client,
        zone,
        labels,
        endpoints,
        progress,
        spill,
        request,
        done: Vec::new(),
        failed: BTreeMap::new(),
    };
    let outcome = tokio::select! {
        outcome = work.fetch_all() => outcome,
        () = &mut stop => {
            // The next one is about what is written.
            stop.set(signals::stop()?);
            Ok(())
        }
    };
    work.progress.finish();
    outcome.map_err(|error| work.request.output.cannot_be_written(&error))?;
    if !work.request.output.is_stream() {
        return work.conclude();
    }
    // Its reader may never come, or not read on.
    tokio::select! {
        outcome = blocking::FILES.run(move || work.conclude()) => outcome,
        () = stop => Err("stopped before all samples were written".to_owned()),
    }
}

/// What is fetched, and what of it is there.
struct Backfill {
    client: Client,
    zone: TimeZone,
    labels: Arc<Labels>,
    /// Less those that Desk does not serve.
    endpoints: Vec<&'static Endpoint>,
    progress: Progress,
    spill: Spill,
    request: Request,
    done: Vec<Date>,
    failed: BTreeMap<Date, Error>,
}

impl Backfill {
    /// Asks for one day after the other, until all are there or asking on is of no use.
    ///
    /// # Errors
    /// That what came cannot be kept.
    async fn fetch_all(&mut self) -> io::Result<()> {
        let mut silent = 0;
        for day in &self.request.days.clone() {
            match self.fetch(day).await {
                Ok(snapshots) => {
                    silent = 0;
                    self.keep(day, &snapshots)?;
                    self.done.push(day.date());
                    self.progress.fetched(day.date(), rows_of(&snapshots));
                }
                Err(error) => {
                    self.progress
                        .note(&format!("{}: not fetched: {error}", day.date()));
                    let class = error.class();
                    silent = if class == Class::Network {
                        silent + 1
                    } else {
                        0
                    };
                    self.failed.insert(day.date(), error);
                    // The other days would fail alike.
                    if class == Class::Credentials || silent == SILENT_DAYS {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// What all endpoints say of `day`.
    ///
    /// # Errors
    /// The failure of one of them that no further try has overcome.
    async fn fetch(&mut self, day: &DayWindow) -> Result<Vec<Snapshot>, Error> {
        let mut snapshots = Vec::new();
        for endpoint in self.endpoints.clone() {
            match self.fetch_one(endpoint, day).await {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error)
                    if !snapshots.is_empty()
                        && error.may_mean_not_served()
                        && self.is_unserved(endpoint).await =>
                {
                    self.progress.note(&format!(
                        "{}: not served here ({error}): left out",
                        endpoint.name()
                    ));
                    self.endpoints
                        .retain(|served| served.name() != endpoint.name());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(snapshots)
    }

    /// Whether Desk refuses this one for any day. A day may be too old for it: so it is asked for the last one too.
    async fn is_unserved(&self, endpoint: &'static Endpoint) -> bool {
        let last = self.request.days.last().filter(|_| self.done.is_empty());
        let Some(last) = last else {
            return false;
        };
        let answer = self.fetch_one(endpoint, last).await;
        answer.is_err_and(|error| error.may_mean_not_served())
    }

    async fn fetch_one(
        &self,
        endpoint: &'static Endpoint,
        day: &DayWindow,
    ) -> Result<Snapshot, Error> {
        let window = Window::Day(*day);
        let mut failures = 0;
        loop {
            failures += 1;
            let started = Instant::now();
            match self.client.fetch(endpoint.calls, &window).await {
                Ok(answer) => {
                    return Ok(Snapshot::new(endpoint, window, answer, self.labels.clone()));
                }
                Err(error) if failures < TRIES && (error.is_passing() || error.pauses_all()) => {
                    let elapsed = started.elapsed();
                    let pause = schedule::pause_after(&error, failures, INTERVAL, elapsed)
                        .saturating_sub(elapsed);
                    let date = day.date();
                    self.progress.note(&format!(
                        "{date}: {error}: tried again in {:.0} s",
                        pause.as_secs_f64()
                    ));
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps what `snapshots` say of `day`.
    fn keep(&mut self, day: &DayWindow, snapshots: &[Snapshot]) -> io::Result<()> {
        let (last, hours) = (day.to_second(), ends_of_hours(day, &self.zone));
        let target = &self.request.target;
        let braced = if target.is_empty() {
            String::new()
        } else {
            format!("{{{target}}}")
        };
        let start = format!(
            "{}{braced} {} {last}\n",
            exporter::DAY_START.name,
            day.from_second()
        );
        self.spill.add(0, &[start])?;
        for (place, endpoint, family) in families() {
            let Some(snapshot) = snapshots
                .iter()
                .find(|snapshot| snapshot.endpoint.name() == endpoint.name())
            else {
                continue;
            };
            let stamp = |key: &str| match family.counts {
                Counts::Hourly => hours.get(key).copied(),
                Counts::Today | Counts::Now => Some(last),
            };
            self.spill
                .add(place, &text::stamped(snapshot, family, target, stamp))?;
        }
        Ok(())
    }

    /// Writes the file, and tells what is in it and what is not.
    ///
    /// # Errors
    /// That some days are not.
    fn conclude(self) -> Result<(), String> {
        let missing: Vec<_> = self
            .request
            .days
            .iter()
            .map(DayWindow::date)
            .filter(|date| !self.done.contains(date))
            .collect();
        if !self.spill.is_empty() {
            let written = self.request.output.write(|out| self.write(out));
            written.map_err(|error| self.request.output.cannot_be_written(&error))?;
            self.tell_done();
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.tell_missing(&missing);
        Err(format!(
            "{} of {} days are missing",
            missing.len(),
            self.request.days.len()
        ))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        let head = text::stamped_head(exporter::DAY_START.name, exporter::DAY_START.help);
        self.spill.write(0, &head, &mut out)?;
        for (place, endpoint, family) in families() {
            let head = text::stamped_head(family.name, &endpoint.help_of_past(family));
            self.spill.write(place, &head, &mut out)?;
        }
        out.write_all(b"# EOF\n")?;
        out.flush()
    }

    fn tell_done(&self) {
        let Output::File { path, .. } = &self.request.output else {
            return;
        };
        let (days, path) = (self.done.len(), path.display());
        let line = format!(
            "{path} holds {days} of {} days. Next: promtool tsdb create-blocks-from openmetrics {path} DIRECTORY",
            self.request.days.len()
        );
        logging::say(Level::INFO, &line);
    }

    /// Which days are missing, why, and how to ask for them.
    fn tell_missing(&self, missing: &[Date]) {
        for (first, last) in ranges(missing, |date| self.failed.get(&date)) {
            let why = match self.failed.get(&first) {
                Some(error) => format!(
                    "{error} ({}). What to do: {}",
                    error.class(),
                    error.advice()
                ),
                None => "not asked for".to_owned(),
            };
            let days = if first == last {
                first.to_string()
            } else {
                format!("{first} to {last}")
            };
            logging::say(Level::WARN, &format!("  {days}: {why}"));
            let line = format!(
                "    ask for it alone: tencent-desk-exporter backfill --from {first} --to {last} --output history-{first}.om{}",
                self.request.label_flags
            );
            logging::say(Level::WARN, &line);
        }
    }
}

/// All families, each behind its place in the file and its endpoint; the place 0 is left for the day itself.
fn families() -> impl Iterator<Item = (usize, &'static Endpoint, &'static Family)> {
    let of = |&endpoint: &&'static Endpoint| endpoint.families.iter().map(move |it| (endpoint, it));
    let all = ENDPOINTS.iter().flat_map(of);
    (1..)
        .zip(all)
        .map(|(place, (endpoint, family))| (place, endpoint, family))
}

/// When each hour of `day` ends, by its two digits: its last second. Where clocks go back and an hour comes twice, the
/// second one's, by when Desk has counted both. One that clocks leave out has none.
fn ends_of_hours(day: &DayWindow, zone: &TimeZone) -> BTreeMap<String, i64> {
    const MINUTE: i64 = 60;
    let minutes = (0..).map(|minute| day.from_second() + minute * MINUTE);
    let mut ends = BTreeMap::new();
    for start in minutes.take_while(|start| *start <= day.to_second()) {
        if let Ok(instant) = Timestamp::from_second(start) {
            let hour = instant.to_zoned(zone.clone()).hour();
            ends.insert(
                format!("{hour:02}"),
                (start + MINUTE - 1).min(day.to_second()),
            );
        }
    }
    ends
}

fn rows_of(snapshots: &[Snapshot]) -> String {
    let rows = |snapshot: &Snapshot| {
        let missing = match snapshot.missing_rows {
            0 => String::new(),
            missing => format!(" ({missing} more were counted and not given)"),
        };
        let discarded = snapshot.discarded.iter().filter(|(_, count)| **count > 0);
        let discarded =
            discarded.map(|(why, count)| format!(" ({count} left out: {})", why.as_str()));
        format!(
            "{} rows of {}{missing}{}",
            snapshot.count(0),
            snapshot.endpoint.name(),
            discarded.collect::<String>()
        )
    };
    snapshots.iter().map(rows).collect::<Vec<_>>().join(", ")
}

/// Days in a row that miss for one reason, as their first and last.
fn ranges<R: PartialEq>(dates: &[Date], why: impl Fn(Date) -> R) -> Vec<(Date, Date)> {
    let mut ranges: Vec<(Date, Date)> = Vec::new();
    for &date in dates {
        match ranges.last_mut() {
            Some((_, last)) if last.tomorrow().ok() == Some(date) && why(*last) == why(date) => {
                *last = date;
            }
            _ => ranges.push((date, date)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_end_where_the_clocks_of_the_zone_say() {
        let ends = |date: &str, zone: &str| {
            let zone = TimeZone::get(zone).unwrap();
            let date: Date = date.parse().unwrap();
            let midnight = date.to_zoned(zone.clone()).unwrap().timestamp();
            let day = DayWindow::around(midnight, &zone).unwrap();
            let ends = ends_of_hours(&day, &zone);
            let last = ends.values().max().copied();
            assert_eq!(last, Some(day.to_second()));
            (ends, midnight.as_second())
        };
        let (usual, start) = ends("2026-11-23", "Asia/Shanghai");
        assert_eq!((usual.len(), usual["09"] - start), (24, 10 * 3600 - 1));
        let (short, start) = ends("2026-03-29", "Europe/Berlin");
        assert_eq!(
            (short.len(), short.get("02"), short["03"] - start),
            (23, None, 3 * 3600 - 1)
        );
        let (long, start) = ends("2026-10-25", "Europe/Berlin");
        assert_eq!((long.len(), long["02"] - start), (24, 4 * 3600 - 1));
        let (half, start) = ends("2026-04-05", "Australia/Lord_Howe");
        assert_eq!((half.len(), half["01"] - start), (24, 5 * 1800 - 1));
    }

    #[test]
    fn days_in_a_row_that_miss_for_one_reason_are_one_range() {
        let dates: Vec<Date> = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-03"]
            .iter()
            .map(|date| date.parse().unwrap())
            .collect();
        let (first, last) = (dates[0], dates[3]);
        assert_eq!(ranges(&dates, |_| 0), [(first, dates[2]), (last, last)]);
        let alone = ranges(&dates, |date| date == first);
        assert_eq!(alone, [(first, first), (dates[1], dates[2]), (last, last)]);
        assert_eq!(ranges(&[], |_| 0), []);
    }
}
