//! The pages for people lead where they say, and their queries give what they say.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::repository::{self, dashboards, dashboards_in, list, text};
use crate::support::tools;

/// All pages, from the repository's root.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository::file(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            let is_folder = entry.file_type().unwrap().is_dir();
            if is_folder && !name.starts_with('.') && name != "target" && name != "node_modules" {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn every_link_has_its_target() {
    let mut links = 0;
    for page in pages() {
        let text = without_code(&repository::read(&page));
        for link in targets(&text) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                let folder = Path::new(&page).parent().unwrap();
                folder.join(file).to_str().unwrap().to_owned()
            };
            assert!(repository::file(&target).exists(), "{page}: {link}");
            if !anchor.is_empty() {
                let anchors = anchors(&repository::read(&target));
                assert!(anchors.contains(anchor), "{page}: {link}");
            }
        }
    }
    assert!(links > 20, "links are not found any more: {links}");
}

/// What stands in `](…)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let (target, _) = rest.split_once(')')?;
        Some(target.trim())
    })
}

/// The headings of a page, as GitHub names them in addresses.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = without_code(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        kept.collect()
    };
    headings.map(anchor).collect()
}

/// The text without its blocks of code.
fn without_code(text: &str) -> String {
    let mut is_code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The queries of a page: a block has one, or several with empty lines between.
fn queries(page: &str) -> Vec<String> {
    let page = repository::read(page);
    let blocks = page.split("```promql\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let queries = blocks.flat_map(|block| block.trim_end().split("\n\n"));
    queries.map(str::to_owned).collect()
}

fn indented(text: &str, by: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{by}{line}");
        all
    })
}

#[track_caller]
fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new(tools::promtool())
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
}

/// Of each query, in order: what it gives of the days below.
const GIVEN: [&[(&str, &str)]; 5] = [
    &[(r#"{instance="one"}"#, "12.903225806451612")],
    &[],
    &[(r#"{instance="new"}"#, "4"), (r#"{instance="one"}"#, "22")],
    &[
        (
            r#"{instance="one", group_id="1", group_name="Sales"}"#,
            "40",
        ),
        (
            r#"{instance="one", group_id="2", group_name="Service"}"#,
            "41",
        ),
    ],
    &[
        (
            r#"tencent_desk_agent_sessions{instance="one", agent_id="ann"}"#,
            "40",
        ),
        (
            r#"tencent_desk_agent_sessions{instance="one", agent_id="ben"}"#,
            "1",
        ),
        (
            r#"tencent_desk_agent_sessions{instance="one", agent_id="cid"}"#,
            "5",
        ),
    ],
];

/// At "one" cid answered nobody, and ben came within the hour; at "new" the day began within the hour.
const DAYS: &str = r#"
      - {series: 'tencent_desk_agent_sessions{instance="one", agent_id="ann"}', values: '40x90'}
      - {series: 'tencent_desk_agent_sessions{instance="one", agent_id="ben"}', values: '1x90'}
      - {series: 'tencent_desk_agent_sessions{instance="one", agent_id="cid"}', values: '5x90'}
      - {series: 'tencent_desk_agent_unanswered_sessions{instance="one", agent_id="ann"}', values: '10x90'}
      - {series: 'tencent_desk_agent_unanswered_sessions{instance="one", agent_id="ben"}', values: '0x90'}
      - {series: 'tencent_desk_agent_unanswered_sessions{instance="one", agent_id="cid"}', values: '5x90'}
      - {series: 'tencent_desk_agent_average_first_response_seconds{instance="one", agent_id="ann"}', values: '10x90'}
      - {series: 'tencent_desk_agent_average_first_response_seconds{instance="one", agent_id="ben"}', values: '100x90'}
      - {series: 'tencent_desk_agent_messages{instance="one", agent_id="ann"}', values: '10x59 25x30'}
      - {series: 'tencent_desk_agent_messages{instance="one", agent_id="ben"}', values: '_x59 7x30'}
      - {series: 'tencent_desk_agent_messages{instance="new", agent_id="dan"}', values: '90x59 4x30'}
      - {series: 'tencent_desk_day_start_timestamp_seconds{instance="one"}', values: '0x90'}
      - {series: 'tencent_desk_day_start_timestamp_seconds{instance="new"}', values: '0x59 3600x30'}
      - {series: 'tencent_desk_agent_group_info{instance="one", agent_id="ann", group_id="1"}', values: '1x90'}
      - {series: 'tencent_desk_agent_group_info{instance="one", agent_id="ann", group_id="2"}', values: '1x90'}
      - {series: 'tencent_desk_agent_group_info{instance="one", agent_id="ben", group_id="2"}', values: '1x90'}
      - {series: 'tencent_desk_group_info{instance="one", group_id="1", group_name="Sales"}', values: '1x90'}
      - {series: 'tencent_desk_group_info{instance="one", group_id="2", group_name="Service"}', values: '1x90'}
"#;

#[test]
fn the_readmes_queries_are_right() {
    let queries = queries("README.md");
    assert_eq!(queries.len(), GIVEN.len(), "a query without what it gives");
    let mut file = String::from("rule_files: []\ntests:\n  - interval: 1m\n    input_series:");
    file += DAYS;
    file += "    promql_expr_test:\n";
    for (query, given) in queries.iter().zip(GIVEN) {
        // An instant of the days below in place of the page's.
        let query = query.split(" @ ").next().unwrap();
        let _ = write!(
            file,
            "      - expr: |\n{}        eval_time: 90m\n        exp_samples:\n",
            indented(query, "          ")
        );
        for (labels, value) in given {
            let _ = writeln!(file, "          - {{labels: '{labels}', value: {value}}}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries_test.yml");
    fs::write(&path, file).unwrap();
    promtool(&["test", "rules"], &path);
}

/// Each can be read, and knows no name that neither the exporter nor the rules have.
#[test]
fn every_query_can_be_asked() {
    let rules = repository::rules();
    let mut file = String::from("groups:\n  - name: queries\n    rules:\n");
    let queries = [queries("README.md"), queries("deploy/RUNBOOK.md")].concat();
    assert!(queries.len() > 10, "queries are not found any more");
    for query in queries {
        for name in repository::names_in(&query).filter(|name| name.contains(':')) {
            assert!(rules.iter().any(|rule| rule.name == name), "{name}");
        }
        let _ = write!(
            file,
            "      - record: asked\n        expr: |\n{}",
            indented(&query, "          ")
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.yml");
    fs::write(&path, file).unwrap();
    promtool(&["check", "rules", "--lint=none"], &path);
}

/// A section of the runbook says where to look, what to do, who is concerned and how soon; its boards are there, with the
/// variables that it names.
#[test]
fn the_runbook_says_where_to_look_what_to_do_and_how_soon() {
    let runbook = repository::read("deploy/RUNBOOK.md");
    let boards = dashboards();
    for section in runbook.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap();
        for part in ["**Look here first:**", "**Do", "**Who, and how soon:**"] {
            assert!(section.contains(part), "{name}: {part}");
        }
        for link in section.split("`/d/").skip(1) {
            let link = link.split('`').next().unwrap();
            let (uid, variables) = link.split_once('?').unwrap();
            let board = boards.iter().find(|(_, board)| text(board, "uid") == uid);
            let (_, board) = board.unwrap_or_else(|| panic!("{name}: {link}"));
            for variable in variables.split('&') {
                let variable = variable.trim_start_matches("var-").split('=').next();
                let mut known = list(&board["templating"]["list"]).iter();
                let is_known = known.any(|it| Some(text(it, "name")) == variable);
                assert!(is_known, "{name}: {link}: {variable:?}");
            }
        }
    }
}

/// README's line sets the time zone of every board, in both languages.
#[test]
fn one_line_sets_the_time_zone_of_all_boards() {
    let readme = repository::read("README.md");
    let mut lines = readme.lines();
    let line = lines.find(|line| line.starts_with("sed -i ")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut boards = Vec::new();
    for language in ["dashboards", "dashboards/zh"] {
        fs::create_dir(folder.path().join(language)).unwrap();
        for (name, _) in dashboards_in(language) {
            let path = format!("{language}/{name}");
            fs::copy(repository::file(&path), folder.path().join(&path)).unwrap();
            boards.push(path);
        }
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder.path());
    assert!(shell.status().unwrap().success());
    for path in boards {
        let board = fs::read_to_string(folder.path().join(&path)).unwrap();
        let board: Value = serde_json::from_str(&board).unwrap();
        assert_eq!(board["timezone"], "Europe/Berlin", "{path}");
    }
}

/// The commands of the page on installing are of this version, and a shell can read them.
#[test]
fn the_page_on_installing_is_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let page = repository::read("deploy/INSTALL.md");
    let mut versions = 0;
    for block in page.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for mark in ["V=", "exporter:", "--version "] {
            for rest in block
                .split(mark)
                .skip(1)
                .filter(|it| it.starts_with(|c: char| c.is_ascii_digit()))
            {
                assert_eq!(rest.split_whitespace().next(), Some(version), "{mark}");
                versions += 1;
            }
        }
        let mut shell = Command::new("bash");
        let read = shell.args(["-n", "-c", block]).output().unwrap();
        assert!(read.status.success(), "{block}\n{read:?}");
    }
    assert_eq!(versions, 4, "places that name the version");
}
