//! The README's tables are those of the code: settings, metrics about agents, metrics about itself.
//!
//! `BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::sync::{Mutex, PoisonError};

use tencent_desk_exporter::catalog::{ENDPOINTS, Interval, exporter};
use tencent_desk_exporter::config::SETTINGS;

use crate::support::repository;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

#[test]
fn the_settings_are_those_of_the_code() {
    let mut table = String::from("| variable | default | meaning |\n|---|---|---|\n");
    for setting in SETTINGS {
        let default = match setting.default {
            prose if prose.contains(' ') || ["required", "all", "none"].contains(&prose) => {
                prose.to_owned()
            }
            value => format!("`{value}`"),
        };
        table += &format!("| `{}` | {default} | {} |\n", setting.name, setting.meaning);
    }
    hold("settings", &table);
}

#[test]
fn the_metrics_about_desk_are_those_of_the_code() {
    let mut text = String::new();
    for endpoint in ENDPOINTS {
        let _ = write!(
            text,
            "\n`{}`, {}:\n\n| metric | labels | field | |\n|---|---|---|---|\n",
            endpoint.name(),
            every(endpoint.interval),
        );
        for family in endpoint.families {
            let labels = family
                .label_names()
                .into_iter()
                .map(|label| format!("`{label}`"));
            let _ = writeln!(
                text,
                "| `{}` | {} | `{}` | {} |",
                family.name,
                labels.collect::<Vec<_>>().join(", "),
                family.fields().join("`, `"),
                family.what
            );
        }
    }
    hold("desk", &text);
}

fn every(interval: Interval) -> &'static str {
    match interval {
        Interval::Poll => "each `POLL_INTERVAL`",
        Interval::Realtime => "each `REALTIME_INTERVAL`",
        Interval::Directory => "each `DIRECTORY_INTERVAL`",
    }
}

#[test]
fn the_metrics_about_the_exporter_are_those_of_the_code() {
    let mut table = String::from("| metric | type | labels | |\n|---|---|---|---|\n");
    for metric in exporter::ALL {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let kind = format!("{:?}", metric.metric_type).to_lowercase();
        table += &format!(
            "| `{}` | {kind} | {} | {} |\n",
            metric.name,
            labels.join(", "),
            metric.help
        );
    }
    hold("own", &table);
}

/// Holds what stands between the marks of `section` against `table`.
fn hold(section: &str, table: &str) {
    // Those that write side by side would undo each other.
    static FILE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let readme = fs::read_to_string(README).unwrap();
    let open = format!("<!-- {section} -->\n");
    let start = readme.find(&open).unwrap() + open.len();
    let end = readme.find(&format!("<!-- /{section} -->")).unwrap();
    if std::env::var_os("BLESS").is_some() {
        let blessed = format!("{}{table}{}", &readme[..start], &readme[end..]);
        fs::write(README, blessed).unwrap();
    } else {
        assert_eq!(
            &readme[start..end],
            table,
            "BLESS=1 cargo test --locked writes it anew"
        );
    }
}

#[test]
fn the_tour_passes_every_room() {
    let tour = repository::read("CONTRIBUTING.md");
    for entry in fs::read_dir(repository::file("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let end = if entry.file_type().unwrap().is_dir() {
            "/`"
        } else {
            "`"
        };
        assert!(tour.contains(&format!("`src/{name}{end}")), "src/{name}");
    }
}
