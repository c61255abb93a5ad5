//! What is told in Chinese is what is told in English: the same boards, alerts and pages, in other words.

use std::process::Command;

use serde_json::Value;

use crate::support::repository::{dashboards, dashboards_in, file, read, rules_of};
use crate::support::tools;

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// All members that differ, by their path and what stands there in both.
fn differences(one: &Value, other: &Value, path: &str, found: &mut Vec<(String, String, String)>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            assert!(one.keys().eq(other.keys()), "{path}");
            for (key, value) in one {
                differences(value, &other[key], &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{path}");
            for (place, value) in one.iter().enumerate() {
                differences(value, &other[place], &format!("{path}/{place}"), found);
            }
        }
        (Value::String(one), Value::String(other)) if one != other => {
            found.push((path.to_owned(), one.clone(), other.clone()));
        }
        _ => assert_eq!(one, other, "{path}"),
    }
}

/// Names of columns stand in expressions' stead in overrides and transformations too: where they are the same texts.
#[test]
fn boards_in_chinese_ask_and_judge_the_same() {
    let chinese = dashboards_in("dashboards/zh");
    let english = dashboards();
    assert_eq!(english.len(), chinese.len());
    for ((file, board), (_, other)) in english.iter().zip(&chinese) {
        let mut found = Vec::new();
        differences(board, other, file, &mut found);
        assert!(found.len() > 20, "{file}: {} texts", found.len());
        for (path, was, is) in found {
            let key = path.rsplit('/').next().unwrap();
            assert!(key != "expr" && key != "query" && key != "refId", "{path}");
            // What Grafana reads a unit by is in no language.
            let unit = "suffix: ";
            assert_eq!(was.starts_with(unit), is.starts_with(unit), "{path}: {is}");
            let leads = key == "uid" || key == "url";
            let is_told = is_chinese(&is) || leads || is == "ID" || is == "99%";
            assert!(is_told, "{path}: {was:?}, {is:?}");
        }
        // Every description and title is told in Chinese.
        let mut words = Vec::new();
        texts(other, &mut words);
        for (key, text) in words {
            let is_name = text.chars().count() < 20 || text.starts_with("tencent");
            assert!(is_chinese(text) || is_name, "{file}: {key}: {text}");
        }
    }
}

fn texts<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value.as_str() {
                    Some(text) if key == "title" || key == "description" => found.push((key, text)),
                    _ => texts(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[test]
fn alerts_in_chinese_judge_the_same() {
    let (english, chinese) = (rules_of("alerts.yml"), rules_of("alerts.zh.yml"));
    assert_eq!(english.len(), chinese.len());
    for (one, other) in english.iter().zip(&chinese) {
        let name = &one.name;
        assert_eq!(name, &other.name);
        assert_eq!(one.expr, other.expr, "{name}");
        for member in ["for", "keep_firing_for", "severity", "scope"] {
            assert_eq!(one.member(member), other.member(member), "{name}");
        }
        if one.is_alert {
            assert!(is_chinese(other.member("summary").unwrap()), "{name}");
            let (_, description) = other.rest.split_once("description: ").unwrap();
            let (description, _) = description.split_once("runbook_url").unwrap();
            assert!(is_chinese(description), "{name}");
            let page = other.member("runbook_url").unwrap();
            let anchor = format!("/deploy/RUNBOOK.zh-CN.md#{}", name.to_lowercase());
            assert!(page.ends_with(&anchor), "{name}: {page}");
            // The same figures are told: what the templates print and choose by.
            let mut told = [values_of(&one.rest), values_of(&other.rest)];
            told.iter_mut().for_each(|it| it.sort_unstable());
            assert_eq!(told[0], told[1], "{name}");
        }
    }
    let output = Command::new(tools::newer_promtool())
        .args(["check", "rules", "--lint=all", "--lint-fatal"])
        .arg(file("deploy/prometheus/alerts.zh.yml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The templates of a text, but those that give a word of its own where a label is missing.
fn values_of(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let templates = text.split("{{").skip(1);
    let templates = templates.filter_map(|it| Some(it.split_once("}}")?.0.trim().to_owned()));
    templates
        .filter(|it| !it.starts_with("or $labels.nickname \""))
        .collect()
}

/// Pages, and their twins.
const PAGES: [(&str, &str); 2] = [
    ("README.md", "README.zh-CN.md"),
    ("deploy/RUNBOOK.md", "deploy/RUNBOOK.zh-CN.md"),
];

/// What a page has in any language: its headings' depths, blocks of code, rows of tables, entries of lists, and in each
/// section the names, commands and addresses.
#[derive(Debug, Default, PartialEq, Eq)]
struct Section {
    depth: usize,
    /// A heading that is a name, and the same in all languages.
    name: Option<String>,
    blocks: Vec<String>,
    rows: Vec<Vec<String>>,
    entries: usize,
    names: Vec<String>,
}

fn sections(page: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut block: Option<String> = None;
    for line in read(page).lines() {
        let section = sections.last_mut().unwrap();
        if line.trim_start().starts_with("```") {
            match block.take() {
                Some(done) => section.blocks.push(done),
                None => block = Some(String::new()),
            }
        } else if let Some(block) = &mut block {
            // What a comment in it says is in the page's language.
            if !line.trim_start().starts_with('#') {
                *block += line;
                block.push('\n');
            }
        } else if line.starts_with('#') {
            let (marks, heading) = line.split_once(' ').unwrap();
            sections.push(Section {
                depth: marks.len(),
                name: heading.starts_with("Tencent").then(|| heading.to_owned()),
                ..Section::default()
            });
        } else {
            let names = spans(line);
            if line.starts_with('|') {
                section.rows.push(names);
            } else {
                let (mark, _) = line.trim_start().split_once(' ').unwrap_or_default();
                let number = mark.strip_suffix('.');
                let is_entry = mark == "-" || number.is_some_and(|it| it.parse::<u8>().is_ok());
                section.entries += usize::from(is_entry);
                section.names.extend(names);
            }
        }
    }
    for section in &mut sections {
        section.names.sort_unstable();
        section.names.dedup();
    }
    sections
}

/// What stands between backticks, but for what leads to the other language.
fn spans(line: &str) -> Vec<String> {
    let spans = line.split('`').skip(1).step_by(2);
    let mut spans: Vec<String> = spans
        .map(|span| span.replace("-zh?", "?").replace(".zh.yml", ".yml"))
        .collect();
    spans.sort_unstable();
    spans
}

#[test]
fn pages_in_chinese_are_the_twins_of_the_english_ones() {
    for (english, chinese) in PAGES {
        let (one, other) = (sections(english), sections(chinese));
        for (place, (one, other)) in one.iter().zip(&other).enumerate() {
            assert_eq!(one, other, "{english}, {chinese}: section {place}");
        }
        assert_eq!(one.len(), other.len(), "{chinese}: sections");
        assert!(one.len() > 5, "{english}: sections are not found any more");
        for page in [english, chinese] {
            let twin = if page == english { chinese } else { english };
            let name = twin.rsplit('/').next().unwrap();
            assert!(read(page).contains(&format!("]({name})")), "{page}: {name}");
        }
    }
}
