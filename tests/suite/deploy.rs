//! What is under `deploy/` holds together: every file is valid by its own tool's word, names are those of the
//! binary's `--help`, and what is said twice is said the same.
//!
//! `BLESS=1` renders the Kubernetes manifests anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::deploy::{files, node, python, script, yaml};
use crate::support::desk::Desk;
use crate::support::exporter::Setup;
use crate::support::prometheus;
use crate::support::repository::{file, read};
use crate::support::rows::agents;
use crate::support::tools::{self, run, run_with, tool};

const CHART: &str = "deploy/kubernetes/chart";
const UNIT: &str = "deploy/systemd/tencent-desk-exporter.service";
const TEMPLATE: &str = "deploy/systemd/tencent-desk-exporter@.service";
const PREFIX: &str = "TENCENT_DESK_";
/// What a deployment decides by itself, and hands over in its own way.
const SECRETS: [&str; 6] = [
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "USER_SIG",
    "USER_SIG_FILE",
    "PSEUDONYM_KEY",
    "PSEUDONYM_KEY_FILE",
];
const OWN: [&str; 2] = ["LISTEN_ADDRESS", "WEB_CONFIG_FILE"];

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

fn names_without(left_out: &[&str]) -> BTreeSet<String> {
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
                assert!(
                    help.contains(&format!("{family}{flag} ")),
                    "{path}: {family}{flag}"
                );
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
            "deploy/kubernetes/chart/templates/deployment.yaml",
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
    let both = [
        "deploy/compose/compose.yaml",
        "deploy/compose/compose.real.yaml",
    ];
    run(python("check-jsonschema")
        .args(["--builtin-schema", "vendor.compose-spec"])
        .args(both.map(file)));

    let real = &yaml(&file(both[1]))[0]["services"]["exporter"]["environment"];
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

    // What is mounted is there.
    let compose = &yaml(&file(both[0]))[0]["services"];
    for service in compose.as_object().unwrap().values() {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let is_ours = source.starts_with("..");
            assert!(
                !is_ours || file("deploy/compose").join(source).exists(),
                "{source}"
            );
        }
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

/// Values that switch everything on.
fn everything() -> Value {
    json!({
        "settings": {
            "SDK_APP_ID": "1400000000", "REGION": "singapore", "REQUESTS_PER_SECOND": "5", "AGENT_LABELS": "pseudonym",
        },
        "credential": { "secretName": "tencent-desk", "kind": "user-sig" },
        "pseudonymKey": { "secretName": "pseudonyms" },
        "webConfig": { "secretName": "web" },
        "extraEnv": [{ "name": "HTTPS_PROXY", "value": "http://proxy.example:3128" }],
        "image": { "digest": format!("sha256:{}", "0".repeat(64)) },
        "imagePullSecrets": [{ "name": "registry" }],
        "service": { "annotations": { "a": "b" } },
        "networkPolicy": { "from": [{ "namespaceSelector": {} }], "extraEgress": [{ "ports": [{ "port": 3128 }] }] },
        "serviceMonitor": {
            "enabled": true, "labels": { "release": "stack" },
            "endpoint": { "scheme": "https", "tlsConfig": { "insecureSkipVerify": true } },
        },
        "prometheusRule": { "enabled": true, "labels": { "release": "stack" } },
        "dashboards": { "enabled": true, "annotations": { "grafana_folder": "Desk" } },
        "podDisruptionBudget": { "enabled": true },
        "podLabels": { "a": "b" }, "podAnnotations": { "a": "b" }, "nodeSelector": { "a": "b" },
        "tolerations": [{ "operator": "Exists" }], "priorityClassName": "high",
    })
}

/// The chart's objects as Helm renders them, or why it does not: by template, as text.
fn render(name: &str, values: &Value) -> Result<Vec<(String, String)>, String> {
    let chart = file(CHART);
    let answer = script(&[
        "render",
        chart.to_str().unwrap(),
        name,
        "monitoring",
        &values.to_string(),
    ]);
    if let Some(error) = answer["error"].as_str() {
        return Err(error.to_owned());
    }
    let objects = answer["objects"].as_object().unwrap().iter();
    let objects = objects.map(|(path, text)| {
        let template = path.rsplit('/').next().unwrap().to_owned();
        (template, text.as_str().unwrap().trim().to_owned())
    });
    Ok(objects
        .filter(|(name, text)| name.ends_with(".yaml") && !text.is_empty())
        .collect())
}

/// The same, validated and read.
fn objects(values: &Value) -> Vec<Value> {
    let bench = tempfile::tempdir().unwrap();
    let file = bench.path().join("rendered.yaml");
    let rendered = render("shop", values).unwrap().into_iter();
    let texts: Vec<_> = rendered.map(|(_, text)| text).collect();
    fs::write(&file, texts.join("\n---\n")).unwrap();
    validate(&file);
    yaml(&file)
}

/// Those of [`everything`], rendered once.
fn all_objects() -> &'static [Value] {
    static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| objects(&everything()));
    &OBJECTS
}

/// The only one of its kind among them.
fn the(kind: &str) -> &'static Value {
    all_objects()
        .iter()
        .find(|object| object["kind"] == kind)
        .unwrap()
}

/// By Kubernetes' own schemas, of the oldest version that the chart names and of a new one; and by the operator's.
fn validate(file: &Path) {
    for version in ["1.25", "1.37"] {
        let said = run(python("kubernetes-validate")
            .args(["--strict", "-k", version])
            .arg(file));
        let unknown = said.lines().filter(|line| line.contains("WARN"));
        for line in unknown {
            assert!(line.contains("monitoring.coreos.com/v1"), "{line}");
        }
    }
    let is_the_operators = |object: &&Value| object["apiVersion"] == "monitoring.coreos.com/v1";
    let all = yaml(file);
    let of_the_operator: Vec<_> = all.iter().filter(is_the_operators).collect();
    let findings = run_with(node().arg("operator"), &json!(of_the_operator).to_string());
    assert_eq!(findings, "");
}

#[test]
fn the_chart_renders_to_valid_objects() {
    let lint = script(&["lint", file(CHART).to_str().unwrap()]);
    assert_eq!(lint["errors"], json!([]), "{lint}");
    assert_eq!(objects(&json!({ "demo": true })).len(), 4);
    let kinds: BTreeSet<_> = all_objects()
        .iter()
        .map(|o| o["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
}

#[test]
fn the_chart_says_what_it_needs() {
    let refused = |values: Value| render("shop", &values).unwrap_err();
    assert!(refused(json!({})).contains("settings.SDK_APP_ID is needed"));
    assert!(
        refused(json!({ "settings": { "SDK_APP_ID": "1" } }))
            .contains("credential.secretName is needed")
    );
    assert!(refused(json!({ "settings": { "SDK_APP_ID": 1 } })).contains("/settings/SDK_APP_ID"));
    assert!(refused(json!({ "settings": { "SECRET_KEY": "x" } })).contains("SECRET_KEY"));
    let settings = json!({ "SDK_APP_ID": "1", "AGENT_LABELS": "pseudonym" });
    let credential = json!({ "secretName": "desk" });
    let without_key = json!({ "settings": settings, "credential": credential });
    assert!(refused(without_key).contains("pseudonymKey.secretName is needed"));
    assert!(refused(json!({ "replicas": 2 })).contains("replicas"));
}

#[test]
fn the_chart_knows_every_setting() {
    let schema: Value =
        serde_json::from_str(&read("deploy/kubernetes/chart/values.schema.json")).unwrap();
    let settings = schema["properties"]["settings"]["properties"]
        .as_object()
        .unwrap();
    let known: BTreeSet<_> = settings.keys().cloned().collect();
    assert_eq!(known, names_without(&[&SECRETS[..], &OWN[..]].concat()));

    let values = &yaml(&file("deploy/kubernetes/chart/values.yaml"))[0];
    for name in values.as_object().unwrap().keys() {
        assert!(
            !schema["properties"][name].is_null(),
            "{name} is not in the schema"
        );
    }
}

#[test]
fn the_pod_is_restricted_and_alone() {
    let deployment = the("Deployment");
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    // The Pod Security Standard "restricted".
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    let container = &pod["containers"][0];
    assert_eq!(
        container["securityContext"]["allowPrivilegeEscalation"],
        false
    );
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        container["securityContext"]["capabilities"]["drop"],
        json!(["ALL"])
    );
    assert!(
        pod["volumes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|volume| volume["secret"].is_object())
    );
}

#[test]
fn rules_and_dashboards_in_the_cluster_are_those_of_the_repository() {
    let rule = the("PrometheusRule");
    let mut groups = Vec::new();
    for name in [
        "deploy/prometheus/rules.yml",
        "deploy/prometheus/alerts.yml",
    ] {
        let mut rules = yaml(&file(name)).remove(0);
        for rule in rules["groups"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .flat_map(|g| g["rules"].as_array_mut().unwrap())
        {
            // Kubernetes takes a text where Prometheus takes a number.
            if let Value::Number(number) = &rule["expr"] {
                rule["expr"] = json!(number.to_string());
            }
        }
        groups.append(rules["groups"].as_array_mut().unwrap());
    }
    assert_eq!(rule["spec"]["groups"], json!(groups));

    let shown: BTreeSet<_> = all_objects()
        .iter()
        .filter(|object| object["kind"] == "ConfigMap")
        .flat_map(|map| map["data"].as_object().unwrap().iter())
        .map(|(name, content)| (name.clone(), content.as_str().unwrap().to_owned()))
        .collect();
    let ours = files("dashboards", &[".json"]).into_iter();
    // Those in Chinese are not among the chart's.
    let ours = ours.filter(|path| !path.to_str().unwrap().contains("/zh/"));
    let ours = ours.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    assert_eq!(shown, ours.collect());
}

#[test]
fn the_job_is_the_one_that_the_alerts_know() {
    let prometheus = &yaml(&file("deploy/prometheus/prometheus.yml"))[0];
    let job = &prometheus["scrape_configs"][0]["job_name"];
    let monitor = the("ServiceMonitor");
    let relabelings = &monitor["spec"]["endpoints"][0]["relabelings"];
    assert_eq!(
        relabelings[0],
        json!({ "targetLabel": "job", "replacement": job })
    );
    let (file, job) = ("deploy/prometheus/alerts.yml", job.as_str().unwrap());
    assert!(
        read(file).contains(&format!("up{{job=\"{job}\"}}")),
        "{file}"
    );
}

/// The Prometheus Operator gives each target a label `endpoint`, its port's name, before the monitor's own
/// relabelings. Whether these drop it, as the chart's do, or the monitor honours labels: the exporter's stays.
#[test]
fn the_operators_label_takes_no_place_of_the_exporters() {
    let desk = Desk::with(agents(3));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    let of_operator = json!({ "target_label": "endpoint", "replacement": "metrics" });
    let monitor = the("ServiceMonitor");
    let relabelings = monitor["spec"]["endpoints"][0]["relabelings"].to_string();
    let relabelings = relabelings.replace("targetLabel", "target_label");
    let mut relabelings: Vec<Value> = serde_json::from_str(&relabelings).unwrap();
    relabelings.insert(0, of_operator.clone());
    let honest = json!({ "honor_labels": true, "relabel_configs": [of_operator] });
    for (settings, of_others) in [
        (json!({ "relabel_configs": relabelings }), ""),
        (honest, "metrics"),
    ] {
        let prometheus = prometheus::Setup::of(tools::prometheus())
            .job_with("tencent-desk", exporter.address(), settings)
            .start();
        let polls = "tencent_desk_exporter_polls_total{endpoint=\"describe_agent_statistics\"}";
        prometheus.expect(polls, 1.0);
        let up = prometheus.expect("tencent_desk_up", 1.0);
        assert_eq!(up["endpoint"].as_str().unwrap_or_default(), of_others);
        let renamed = "count({exported_endpoint!=\"\"}) or vector(0)";
        prometheus.expect(renamed, 0.0);
    }
}

#[test]
fn the_manifests_are_those_of_the_chart() {
    let values = json!({
        "settings": { "SDK_APP_ID": "1400000000" },
        "credential": { "secretName": "tencent-desk" },
        "serviceMonitor": { "enabled": true },
        "prometheusRule": { "enabled": true },
    });
    let rendered = render("tencent-desk-exporter", &values).unwrap();
    let exporter = "What the chart makes of an SDKAppID and a Secret: set the first below, and make the second:\n\
                    # kubectl -n monitoring create secret generic tencent-desk --from-file=key";
    let operator = "The chart's part for the Prometheus Operator, which has to be there.";
    for (name, head, templates) in [
        (
            "exporter.yaml",
            exporter,
            &["serviceaccount", "service", "networkpolicy", "deployment"][..],
        ),
        (
            "operator.yaml",
            operator,
            &["servicemonitor", "prometheusrule"][..],
        ),
    ] {
        let mut manifest = format!(
            "# {head}\n#\n# Rendered from the chart (BLESS=1 cargo test --locked): change it there.\n"
        );
        for template in templates {
            let (_, text) = rendered
                .iter()
                .find(|(path, _)| *path == format!("{template}.yaml"))
                .unwrap();
            manifest += "---\n";
            // No tool but kubectl manages these.
            let of_helm =
                |line: &&str| line.contains("helm.sh/chart:") || line.contains("managed-by: Helm");
            for line in text.lines().filter(|line| !of_helm(line)) {
                manifest += line.trim_end();
                manifest += "\n";
            }
        }
        let path = file("deploy/kubernetes/manifests").join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &manifest).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == manifest,
            "{name} is not what the chart renders: BLESS=1 writes it anew"
        );
        validate(&path);
    }
}
