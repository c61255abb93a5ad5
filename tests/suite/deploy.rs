//! What is under `deploy/` holds together: every file is valid by its own tool's word, names are those of the
//! binary's `--help`, and what is said twice is said the same. The chart has tests of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::deploy::{files, node, python, yaml};
use crate::support::exporter::Setup;
use crate::support::repository::{file, read};
use crate::support::tools::{run, tool};

const UNIT: &str = "deploy/systemd/tencent-desk-exporter.service";
const TEMPLATE: &str = "deploy/systemd/tencent-desk-exporter@.service";
const PREFIX: &str = "TENCENT_DESK_";
/// What a deployment decides by itself, and hands over in its own way.
pub(crate) const SECRETS: [&str; 6] = [
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "USER_SIG",
    "USER_SIG_FILE",
    "PSEUDONYM_KEY",
    "PSEUDONYM_KEY_FILE",
];
pub(crate) const OWN: [&str; 2] = ["LISTEN_ADDRESS", "WEB_CONFIG_FILE"];

/// The settings that `--help` lists, less the prefix, and their defaults.
fn settings() -> Vec<(String, String)> {
    let help = Setup::bare().args("--help").run().expect_code(0).stdout;
    let mut lines = help.lines();
    let mut settings = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("  ").and_then(|l| l.strip_prefix(PREFIX)) {
            let (_, default) = lines.next().unwrap().rsplit_once(" [").unwrap();
            let default = default.strip_suffix(']').unwrap().to_owned();
            settings.push((name.to_owned(), default));
        }
    }
    assert!(settings.len() > 15, "{help}");
    settings
}

pub(crate) fn names_without(left_out: &[&str]) -> BTreeSet<String> {
    let names = settings().into_iter().map(|(name, _)| name);
    names
        .filter(|name| !left_out.contains(&name.as_str()))
        .collect()
}

/// What follows `start` in `text`, each time, as long as characters `belong`.
fn words<'a>(
    text: &'a str,
    start: &'a str,
    belong: fn(char) -> bool,
) -> impl Iterator<Item = &'a str> {
    text.match_indices(start).map(move |(at, _)| {
        let rest = &text[at + start.len()..];
        &rest[..rest.find(|c| !belong(c)).unwrap_or(rest.len())]
    })
}

#[test]
fn variables_flags_and_pages_are_those_of_the_binary() {
    let help = Setup::bare().args("--help").run().expect_code(0).stdout;
    let known = names_without(&[]);
    // Prometheus's and Alertmanager's.
    let of_others = "--web.external-url";
    let in_a_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let in_a_flag = |c: char| c.is_ascii_lowercase() || c == '.' || c == '-';
    for path in files("deploy", &[""]) {
        // A picture has no names in it.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let path = path.display();
        for name in words(&text, PREFIX, in_a_name) {
            let is_known = known.contains(name) || ["", "EXPORTER_REVISION"].contains(&name);
            assert!(is_known, "{path}: {PREFIX}{name}");
        }
        for family in ["--web.", "--log."] {
            for flag in words(&text, family, in_a_flag) {
                let flag = format!("{family}{flag}");
                let is_known = help.contains(&format!("{flag} ")) || flag == of_others;
                assert!(is_known, "{path}: {flag}");
            }
        }
        for page in words(&text, "/-/", |c| c.is_ascii_lowercase()) {
            assert!(["healthy", "ready"].contains(&page), "{path}: /-/{page}");
        }
    }
}

#[test]
fn every_yaml_can_be_read() {
    for folder in ["deploy", ".github"] {
        for path in files(folder, &[".yml", ".yaml"]) {
            if !path.to_str().unwrap().contains("/templates/") {
                assert!(!yaml(&path).is_empty(), "{}", path.display());
            }
        }
    }
}

#[test]
fn the_environment_file_has_every_setting_with_its_default() {
    let file = read("deploy/systemd/env");
    let lines = file.lines().map(|line| line.trim_start_matches('#'));
    let found: Vec<_> = lines
        .filter_map(|line| line.strip_prefix(PREFIX)?.split_once('='))
        .collect();
    let names: BTreeSet<_> = found.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, names_without(&[]));
    for (name, default) in settings() {
        let (_, value) = found.iter().find(|(found, _)| *found == name).unwrap();
        let is_prose =
            default.contains(' ') || ["required", "all", "none"].contains(&default.as_str());
        assert!(
            is_prose || *value == default,
            "{name}: {value} is not {default}"
        );
    }
}

#[test]
fn the_units_are_sound_and_expose_little() {
    let analyze = tool("systemd-analyze", "systemd");
    let bench = tempfile::tempdir().unwrap();
    for unit in [
        UNIT,
        TEMPLATE,
        "deploy/systemd/tencent-desk-exporter.socket",
    ] {
        let name = Path::new(unit).file_name().unwrap();
        let here = read(unit).replace(
            "/usr/bin/tencent-desk-exporter",
            env!("CARGO_BIN_EXE_tencent-desk-exporter"),
        );
        fs::write(bench.path().join(name), here).unwrap();
        let mut verify = Command::new(&analyze);
        let findings = verify
            .arg("verify")
            .arg(bench.path().join(name))
            .output()
            .unwrap();
        let findings = String::from_utf8_lossy(&findings.stderr).into_owned();
        assert!(!findings.contains("tencent-desk"), "{findings}");
    }
    for unit in [UNIT, TEMPLATE] {
        // In tenths: at most 1.5.
        let mut security = Command::new(&analyze);
        run(security
            .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
            .arg(file(unit)));
    }
}

#[test]
fn the_template_unit_is_the_unit_but_for_its_folder() {
    let body = |unit: &str| {
        let text = read(unit);
        text[text.find("[Unit]").unwrap()..].to_owned()
    };
    let expected = body(UNIT)
        .replace(
            "/etc/tencent-desk-exporter/",
            "/etc/tencent-desk-exporter/%i/",
        )
        .replace("Tencent Cloud Desk\n", "Tencent Cloud Desk (%i)\n");
    assert_eq!(body(TEMPLATE), expected);
}

#[test]
fn the_port_is_the_same_everywhere() {
    let (_, address) = settings()
        .into_iter()
        .find(|(name, _)| name == "LISTEN_ADDRESS")
        .unwrap();
    let port = address.rsplit(':').next().unwrap().to_owned();
    for (file, line) in [
        (
            "deploy/systemd/tencent-desk-exporter.socket",
            "ListenStream=[::]:PORT\n",
        ),
        ("deploy/container/Dockerfile", "\nEXPOSE PORT\n"),
        ("deploy/compose/compose.yaml", "\"127.0.0.1:PORT:PORT\""),
        ("deploy/prometheus/prometheus.yml", "\"localhost:PORT\""),
        ("deploy/kubernetes/chart/values.yaml", "  port: PORT\n"),
        (
            "deploy/kubernetes/chart/templates/deployment.yaml",
            "containerPort: PORT\n",
        ),
        (
            "deploy/kubernetes/chart/templates/_helpers.tpl",
            "value: \":PORT\"\n",
        ),
    ] {
        assert!(
            read(file).contains(&line.replace("PORT", &port)),
            "{file}: {line}"
        );
    }
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = &yaml(&file("deploy/kubernetes/chart/Chart.yaml"))[0];
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&json!(version), &json!(version))
    );
    let compose = &yaml(&file("deploy/compose/compose.yaml"))[0];
    let image = compose["services"]["exporter"]["image"].as_str().unwrap();
    assert!(image.ends_with(&format!(":{version}")), "{image}");
}

#[test]
fn the_dockerfile_has_no_flaw_and_the_image_no_luxury() {
    let path = file("deploy/container/Dockerfile");
    run(python("hadolint").arg(&path));
    let file = read("deploy/container/Dockerfile");
    let (_, last) = file.rsplit_once("FROM scratch").unwrap();
    for line in [
        "\nUSER 65532:65532\n",
        "\nENTRYPOINT [\"/tencent-desk-exporter\"]\n",
        "CMD [\"/tencent-desk-exporter\", \"health\"]\n",
    ] {
        assert!(last.contains(line), "{line}");
    }
    assert!(!last.contains("\nRUN "), "there is no shell in the image");
}

#[test]
fn the_image_is_built_from_what_the_context_lets_through() {
    let ignore = read(".dockerignore");
    let let_through: BTreeSet<_> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let file = read("deploy/container/Dockerfile");
    let copied = file.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copied = copied.filter(|line| !line.starts_with("--from"));
    let copied: BTreeSet<_> = copied
        .flat_map(|line| line.rsplit_once(' ').unwrap().0.split(' '))
        .collect();
    assert_eq!(copied, let_through);
}

#[test]
fn compose_is_valid_and_hands_every_setting_over() {
    let [demo, real, build] =
        ["", ".real", ".build"].map(|part| file(&format!("deploy/compose/compose{part}.yaml")));
    run(python("check-jsonschema")
        .args(["--builtin-schema", "vendor.compose-spec"])
        .args([&demo, &real, &build]));

    let real = &yaml(&real)[0]["services"]["exporter"]["environment"];
    let real: Vec<String> = serde_json::from_value(real.clone()).unwrap();
    let real = real.iter().filter_map(|line| line.strip_prefix(PREFIX));
    let real: BTreeSet<_> = real
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    let left_out = [
        "SECRET_KEY",
        "USER_SIG",
        "USER_SIG_FILE",
        "PSEUDONYM_KEY",
        "LISTEN_ADDRESS",
        "TELEMETRY_PATH",
        "WEB_CONFIG_FILE",
    ];
    assert_eq!(real, names_without(&left_out));
    let example = read("deploy/compose/.env.example");
    for name in real.iter().filter(|name| !SECRETS.contains(&name.as_str())) {
        assert!(example.contains(&format!("{PREFIX}{name}=")), "{name}");
    }

    // An image of each, and what is mounted, is there where nothing is but a release's archive: deploy and dashboards.
    let compose = &yaml(&demo)[0]["services"];
    for service in compose.as_object().unwrap().values() {
        assert!(service["image"].is_string() && service["build"].is_null());
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let volume = volume.as_str().unwrap();
            let volume = volume
                .replace("${ALERTMANAGER_CONFIG:-./", "./")
                .replace('}', "");
            let source = volume.split(':').next().unwrap();
            if source.starts_with('.') {
                let source = file("deploy/compose").join(source).canonicalize().unwrap();
                let is_in = |folder: &str| source.starts_with(file(folder).canonicalize().unwrap());
                assert!(is_in("deploy") || is_in("dashboards"), "{source:?}");
            }
        }
    }
}

/// Those of Compose are the files for one machine, but for the names of services; and its Alertmanager keeps silent
/// about the same.
#[test]
fn composes_files_are_those_of_one_machine() {
    let body = |path: &str, begin: &str| {
        let text = read(&format!("deploy/{path}"));
        text[text.find(begin).unwrap()..].to_owned()
    };
    let of_services = |text: String| {
        let names = [
            ("10141", "exporter"),
            ("9093", "alertmanager"),
            ("9090", "prometheus"),
        ];
        names.iter().fold(text, |text, (port, name)| {
            text.replace(&format!("localhost:{port}"), &format!("{name}:{port}"))
        })
    };
    for (path, origin, begin) in [
        ("prometheus.yml", "prometheus/prometheus.yml", "\nglobal:"),
        (
            "datasource.yml",
            "grafana/provisioning/datasources/tencent-desk.yml",
            "\napiVersion:",
        ),
        (
            "alertmanager.yml",
            "alertmanager/alertmanager.yml",
            "\ninhibit_rules:",
        ),
    ] {
        let expected = of_services(body(origin, begin));
        let expected = expected.replace("  - alerts.yml\n", "  - alerts.yml\n  - demo.yml\n");
        assert_eq!(body(&format!("compose/{path}"), begin), expected, "{path}");
    }
    let compose = &yaml(&file("deploy/compose/compose.yaml"))[0]["services"];
    for name in ["exporter", "alertmanager", "prometheus", "mail"] {
        assert!(compose[name].is_object(), "{name}");
    }
    let alerts = read("deploy/prometheus/alerts.yml");
    let limits = &yaml(&file("deploy/compose/demo.yml"))[0]["groups"][0]["rules"];
    for limit in limits.as_array().unwrap() {
        let record = limit["record"].as_str().unwrap();
        assert!(alerts.contains(&format!("record: {record}\n")), "{record}");
    }
}

#[test]
fn actions_are_named_by_their_commits_and_rust_by_one_line() {
    let is_hex = |text: &str| text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit());
    let dockerfile = read("deploy/container/Dockerfile");
    let froms: Vec<_> = words(&dockerfile, " rust:", |c| c != '-' && c != ' ').collect();
    let [rust] = froms[..] else {
        panic!("one line names Rust: {froms:?}");
    };
    let digest = words(&dockerfile, "@sha256:", |c| c.is_ascii_hexdigit()).next();
    assert_eq!(digest.unwrap().len(), 64);
    for workflow in files(".github/workflows", &[".yml"]) {
        let text = fs::read_to_string(workflow).unwrap();
        for action in words(&text, "uses: ", |c| c != '\n') {
            let pin = action.split_once('@').map(|(_, pin)| pin);
            let is_pinned = pin.and_then(|pin| pin.split_once(" # v"));
            let is_ours = action.starts_with("./");
            assert!(
                is_ours || is_pinned.is_some_and(|(commit, _)| is_hex(commit)),
                "{action}"
            );
        }
        assert!(
            !text.contains(rust) && !text.contains(&rust[..4]),
            "Rust is said twice"
        );
    }
}

#[test]
fn workflows_are_valid() {
    let workflows = files(".github/workflows", &[".yml"]);
    let schema = |name: &str| {
        let mut check = python("check-jsonschema");
        check.args(["--builtin-schema", name]);
        check
    };
    run(schema("vendor.github-workflows").args(&workflows));
    run(schema("vendor.dependabot").arg(file(".github/dependabot.yml")));
    let findings = run(node().arg("workflows").args(&workflows));
    // A permission that is younger than this linter; the schema above knows it.
    let findings: Vec<_> = findings
        .lines()
        .filter(|l| !l.contains("scope \"attestations\""))
        .collect();
    assert!(findings.is_empty(), "{findings:#?}");
}
