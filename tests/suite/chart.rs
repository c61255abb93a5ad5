//! The Helm chart, rendered by Helm's own engine and read by a reader that takes no key twice: for each use that its
//! folder `ci` has values of, with names as long as Helm allows; and the manifests for those without Helm.
//!
//! `BLESS=1` writes the manifests and the table of the chart's README anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::deploy::{OWN, SECRETS, names_without};
use crate::support::deploy::{files, node, python, script, script_with, yaml};
use crate::support::desk::Desk;
use crate::support::exporter::Setup;
use crate::support::prometheus;
use crate::support::repository::{self, file, list, read, text};
use crate::support::rows::agents;
use crate::support::tools::{self, run, run_with};

const CHART: &str = "deploy/kubernetes/chart";
const RULES: [&str; 2] = [
    "deploy/prometheus/rules.yml",
    "deploy/prometheus/alerts.yml",
];

/// What Helm makes of a release.
struct Release {
    /// Texts by the paths of their templates, without the chart's folder.
    templates: BTreeMap<String, String>,
    objects: Vec<Value>,
}

impl Release {
    fn all(&self, kind: &str) -> Vec<&Value> {
        let objects = self.objects.iter();
        objects.filter(|object| object["kind"] == kind).collect()
    }

    #[track_caller]
    fn the(&self, kind: &str) -> &Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "{kind}");
        all[0]
    }
}

/// Each release, by its name and values, in the namespace "monitoring"; or why there is none.
fn render(asked: &[(&str, Value)]) -> Vec<Result<Release, String>> {
    render_chart(&file(CHART), asked)
}

fn render_chart(chart: &Path, asked: &[(&str, Value)]) -> Vec<Result<Release, String>> {
    let release = |(name, values): &(&str, Value)| json!({ "name": name, "namespace": "monitoring", "values": values });
    let asked: Value = asked.iter().map(release).collect();
    let answer = script_with(&["render", chart.to_str().unwrap()], &asked);
    let made = |release: &Value| match release["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => {
            let templates = release["templates"].as_object().unwrap().iter();
            let templates = templates.map(|(path, text)| {
                let (_, path) = path.rsplit_once("templates/").unwrap();
                (path.to_owned(), text.as_str().unwrap().to_owned())
            });
            Ok(Release {
                templates: templates.collect(),
                objects: list(&release["objects"]).to_vec(),
            })
        }
    };
    answer.as_array().unwrap().iter().map(made).collect()
}

fn render_one(values: Value) -> Result<Release, String> {
    render(&[("shop", values)]).remove(0)
}

/// The longest name that Helm gives a release.
const LONG: &str = "a-release-whose-name-is-as-long-as-helm-lets-it-become";

/// Releases by what their values are for: named "shop", and as long as can be.
fn uses() -> &'static BTreeMap<String, [Release; 2]> {
    static USES: LazyLock<BTreeMap<String, [Release; 2]>> = LazyLock::new(|| {
        let folder = format!("{CHART}/ci");
        let files = files(&folder, &["-values.yaml"]);
        let long = &LONG[..53];
        let mut names = Vec::new();
        let mut asked = Vec::new();
        for path in &files {
            let name = path.file_name().unwrap().to_str().unwrap();
            names.push(name.trim_end_matches("-values.yaml").to_owned());
            let values = yaml(path).remove(0);
            asked.push(("shop", values.clone()));
            asked.push((long, values));
        }
        let mut releases = render(&asked).into_iter().map(Result::unwrap);
        let two = |name| (name, [releases.next().unwrap(), releases.next().unwrap()]);
        names.into_iter().map(two).collect()
    });
    &USES
}

fn release(of: &str) -> &'static Release {
    &uses()[of][0]
}

/// By Kubernetes' own schemas, of the oldest version that the chart names and of a new one; and by the operator's.
fn validate(objects: &[Value]) {
    let bench = tempfile::tempdir().unwrap();
    let file = bench.path().join("objects.yaml");
    let texts: Vec<_> = objects.iter().map(Value::to_string).collect();
    fs::write(&file, texts.join("\n---\n")).unwrap();
    for version in ["1.25", "1.37"] {
        let said = run(python("kubernetes-validate")
            .args(["--strict", "-k", version])
            .arg(&file));
        let unknown = said.lines().filter(|line| line.contains("WARN"));
        for line in unknown {
            assert!(line.contains("monitoring.coreos.com/v1"), "{line}");
        }
    }
    let is_the_operators = |object: &&Value| object["apiVersion"] == "monitoring.coreos.com/v1";
    let of_the_operator: Vec<_> = objects.iter().filter(is_the_operators).collect();
    let findings = run_with(node().arg("operator"), &json!(of_the_operator).to_string());
    assert_eq!(findings, "");
}

#[test]
fn every_use_of_the_chart_renders_to_valid_objects() {
    let lint = script(&["lint", file(CHART).to_str().unwrap()]);
    assert_eq!(lint["errors"], json!([]), "{lint}");
    let mut all = Vec::new();
    let mut kinds = BTreeSet::new();
    for (of, releases) in uses() {
        for release in releases {
            let mut ids = BTreeSet::new();
            for object in &release.objects {
                let (kind, meta) = (text(object, "kind"), &object["metadata"]);
                let name = text(meta, "name");
                kinds.insert(kind.to_owned());
                let id = (kind, text(meta, "namespace"), name);
                assert!(ids.insert(id), "{of}: {id:?} twice");
                let longest = if kind == "Service" { 63 } else { 253 };
                assert!(name.len() <= longest, "{of}: {kind} {name}");
                let labels = meta["labels"].as_object().into_iter().flatten();
                for (label, value) in labels {
                    let value = value.as_str().unwrap();
                    let is_end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
                    let is_sound = value.len() <= 63
                        && is_end(value.chars().next())
                        && is_end(value.chars().last());
                    assert!(is_sound, "{of}: {kind} {name}: {label}: {value}");
                }
            }
        }
        all.extend(releases[0].objects.iter().cloned());
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    validate(&all);
}

#[test]
fn the_chart_says_what_it_needs() {
    let desk = json!({ "secretName": "desk" });
    let rule = |rule: Value| json!({ "demo": true, "prometheusRule": rule });
    let monitor = json!({ "enabled": true });
    let cases = [
        (json!({}), "settings.SDK_APP_ID is needed"),
        (
            json!({ "settings": { "SDK_APP_ID": "1" } }),
            "credential.secretName is needed",
        ),
        (
            json!({ "settings": { "SDK_APP_ID": 1 } }),
            "/settings/SDK_APP_ID",
        ),
        (json!({ "settings": { "SECRET_KEY": "x" } }), "SECRET_KEY"),
        (
            json!({ "settings": { "SDK_APP_ID": "1", "AGENT_LABELS": "pseudonym" }, "credential": desk }),
            "pseudonymKey.secretName is needed",
        ),
        (json!({ "replicas": 2 }), "replicas"),
        (
            json!({ "demo": true, "serviceMonitor": monitor, "podMonitor": monitor }),
            "scraped twice",
        ),
        (
            rule(json!({ "enabled": true, "disabled": ["TencentDeskNoAgent"] })),
            "there is no alert TencentDeskNoAgent. There are: TencentDeskFirstResponseSlow, ",
        ),
        (
            rule(json!({ "enabled": true, "thresholds": { "team_seconds": 1 } })),
            "there is no limit team_seconds. There are: team_first_response_seconds, ",
        ),
        (
            rule(json!({ "enabled": true, "thresholds": { "unanswered_sessions_ratio": 5 } })),
            "/prometheusRule/thresholds/unanswered_sessions_ratio",
        ),
        (
            rule(json!({ "enabled": true, "thresholds": { "team_sessions": "1 or vector(1)" } })),
            "/prometheusRule/thresholds/team_sessions",
        ),
    ];
    let asked: Vec<_> = cases
        .iter()
        .map(|(values, _)| ("shop", values.clone()))
        .collect();
    for ((values, reason), made) in cases.iter().zip(render(&asked)) {
        let said = made.err().unwrap_or_else(|| panic!("{values} is taken"));
        assert!(said.contains(reason), "{values}: {said}");
    }
}

#[test]
fn the_chart_knows_every_setting() {
    let schema: Value =
        serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).unwrap();
    let settings = schema["properties"]["settings"]["properties"]
        .as_object()
        .unwrap();
    let known: BTreeSet<_> = settings.keys().cloned().collect();
    assert_eq!(known, names_without(&[&SECRETS[..], &OWN[..]].concat()));
    let values = &yaml(&file(&format!("{CHART}/values.yaml")))[0];
    for name in values.as_object().unwrap().keys() {
        let is_known = !schema["properties"][name].is_null();
        assert!(is_known, "{name} is not in the schema");
    }
}

/// A value that the chart has too comes once. The pod keeps the labels that it is chosen by, and monitors what makes
/// the target.
#[test]
fn what_values_say_of_the_charts_own_comes_once() {
    let release = release("everything");
    let deployment = release.the("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let chosen = deployment["spec"]["selector"]["matchLabels"].as_object();
    for (label, value) in chosen.unwrap() {
        assert_eq!(&labels[label], value, "{label}");
        let service = release.the("Service");
        assert_eq!(&service["metadata"]["labels"][label], value, "{label}");
        assert_eq!(&service["spec"]["selector"][label], value, "{label}");
    }
    assert_eq!(labels["app.kubernetes.io/version"], "1");
    for object in &release.objects {
        if !["ConfigMap", "Pod"].contains(&text(object, "kind")) {
            assert_eq!(object["metadata"]["labels"]["team"], "desk", "{object}");
        }
    }
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let variables = list(&container["env"]).iter();
    let regions: Vec<_> = variables
        .filter(|it| it["name"] == "TENCENT_DESK_REGION")
        .collect();
    assert_eq!(
        regions,
        [&json!({ "name": "TENCENT_DESK_REGION", "value": "tokyo" })]
    );

    let monitor = release.the("ServiceMonitor");
    assert_eq!(
        monitor["metadata"]["labels"]["app.kubernetes.io/instance"],
        "stack"
    );
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(
        (&endpoint["interval"], &endpoint["honorLabels"]),
        (&json!("15s"), &json!(false))
    );
    let relabelings = list(&endpoint["relabelings"]).iter();
    let targets: Vec<_> = relabelings.map(|it| text(it, "targetLabel")).collect();
    assert_eq!(targets, ["job", "instance", "", "site", "floor"]);

    let volumes = &self::release("vault").the("Deployment")["spec"]["template"]["spec"]["volumes"];
    let named = list(volumes)
        .iter()
        .filter(|volume| volume["name"] == "credential");
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), 1, "{volumes}");
    assert!(named[0]["csi"].is_object(), "{volumes}");
}

#[test]
fn the_pod_is_restricted_and_alone() {
    let deployment = release("plain").the("Deployment");
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    // The Pod Security Standard "restricted", also without users and groups of the chart's choice.
    let of_openshift = release("openshift");
    for release in [release("plain"), of_openshift] {
        for pod in [
            &release.the("Deployment")["spec"]["template"]["spec"],
            &release.the("Pod")["spec"],
        ] {
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true);
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
            let own = &pod["containers"][0]["securityContext"];
            assert_eq!(own["allowPrivilegeEscalation"], false);
            assert_eq!(own["readOnlyRootFilesystem"], true);
            assert_eq!(own["capabilities"]["drop"], json!(["ALL"]));
        }
    }
    let pods: String = of_openshift.templates.values().cloned().collect();
    for given_out in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert!(!pods.contains(given_out), "{given_out}");
    }
    let volumes = list(&pod["volumes"]).iter();
    assert!(volumes.clone().count() > 0);
    assert!(volumes.clone().all(|volume| volume["secret"].is_object()));
}

#[test]
fn images_come_from_the_registry_that_is_named() {
    let image = |release: &Release| {
        let pod = &release.the("Deployment")["spec"]["template"]["spec"];
        let image = text(&pod["containers"][0], "image").to_owned();
        assert_eq!(
            text(&release.the("Pod")["spec"]["containers"][0], "image"),
            image
        );
        image
    };
    let version = env!("CARGO_PKG_VERSION");
    let name = "tencent-desk-exporter/tencent-desk-exporter";
    assert_eq!(image(release("plain")), format!("ghcr.io/{name}:{version}"));
    assert_eq!(
        image(release("tls")),
        format!("registry.example:5000/{name}:{version}")
    );
    let own = json!({ "registry": "", "repository": "registry.example/desk", "tag": "edge" });
    let own = render_one(json!({ "demo": true, "image": own })).unwrap();
    assert_eq!(image(&own), "registry.example/desk:edge");
}

/// A chart of charts has this one twice, by other names, one of them switched off by its condition.
#[test]
fn the_chart_is_one_of_a_parents() {
    let bench = tempfile::tempdir().unwrap();
    let chart = bench.path().join("parent");
    fs::create_dir_all(chart.join("charts")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let depends = |alias: &str| json!({ "name": "tencent-desk-exporter", "version": version, "alias": alias, "condition": format!("{alias}.enabled") });
    let described = json!({
        "apiVersion": "v2", "name": "parent", "version": "1.0.0",
        "dependencies": [depends("sales"), depends("support")],
    });
    fs::write(chart.join("Chart.yaml"), described.to_string()).unwrap();
    let one = chart.join("charts/tencent-desk-exporter");
    std::os::unix::fs::symlink(file(CHART), one).unwrap();
    let both = |support: bool| {
        let one = |enabled: bool| json!({ "enabled": enabled, "demo": true, "podMonitor": { "enabled": true } });
        json!({ "global": { "imageRegistry": "registry.example" }, "sales": one(true), "support": one(support) })
    };
    let made = render_chart(&chart, &[("shop", both(true)), ("shop", both(false))]);
    let instances = |release: &Result<Release, String>| -> BTreeSet<String> {
        let monitors = release.as_ref().unwrap().all("PodMonitor").into_iter();
        let relabelings = monitors.map(|it| &it["spec"]["podMetricsEndpoints"][0]["relabelings"]);
        relabelings
            .map(|it| text(&it[1], "replacement").to_owned())
            .collect()
    };
    let [sales, support] = ["sales", "support"].map(|name| format!("monitoring/shop-{name}"));
    assert_eq!(
        instances(&made[0]),
        BTreeSet::from([sales.clone(), support])
    );
    assert_eq!(instances(&made[1]), BTreeSet::from([sales]));
}

/// The groups of the rule files, as Kubernetes takes them: an expression is a text, where Prometheus takes a number too.
fn groups() -> Vec<Value> {
    let mut groups = Vec::new();
    for name in RULES {
        let mut rules = yaml(&file(name)).remove(0);
        let all = rules["groups"].as_array_mut().unwrap();
        for rule in all
            .iter_mut()
            .flat_map(|g| g["rules"].as_array_mut().unwrap())
        {
            if let Value::Number(number) = &rule["expr"] {
                rule["expr"] = json!(number.to_string());
            }
        }
        groups.append(all);
    }
    groups
}

#[test]
fn rules_and_dashboards_in_the_cluster_are_those_of_the_repository() {
    let values = json!({ "demo": true, "prometheusRule": { "enabled": true }, "dashboards": { "enabled": true } });
    let plain = render_one(values).unwrap();
    assert_eq!(
        plain.the("PrometheusRule")["spec"]["groups"],
        json!(groups())
    );

    let shown = |release: &Release| -> BTreeSet<(String, String)> {
        let maps = release.all("ConfigMap").into_iter();
        let maps = maps.filter(|map| map["metadata"]["labels"]["grafana_dashboard"].is_string());
        maps.flat_map(|map| map["data"].as_object().unwrap().iter())
            .map(|(name, content)| (name.clone(), content.as_str().unwrap().to_owned()))
            .collect()
    };
    let ours = |zone: &str| -> BTreeSet<(String, String)> {
        let paths = files("dashboards", &[".json"]).into_iter();
        // Those in Chinese have to be asked for.
        paths
            .filter(|path| !path.to_str().unwrap().contains("/zh/"))
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let board = fs::read_to_string(path).unwrap();
                let own = "\"timezone\": \"Asia/Shanghai\"";
                assert_eq!(board.matches(own).count(), 1, "{name}");
                (
                    name,
                    board.replace(own, &format!("\"timezone\": \"{zone}\"")),
                )
            })
            .collect()
    };
    assert_eq!(shown(&plain), ours("Asia/Shanghai"));
    // Of settings.TIME_ZONE, and by a value of its own.
    assert_eq!(shown(release("operator")), ours("Asia/Singapore"));
    assert_eq!(shown(release("everything")), ours("Europe/Berlin"));
}

/// Nothing but the limits is changed, and Prometheus takes them; nothing but the alerts is left out.
#[test]
fn boards_and_alerts_are_told_in_the_language_that_is_asked_for() {
    let values = json!({
        "demo": true, "language": "zh",
        "prometheusRule": { "enabled": true }, "dashboards": { "enabled": true },
    });
    let release = render_one(values).unwrap();
    let rules = release.the("PrometheusRule").to_string();
    assert!(rules.contains("RUNBOOK.zh-CN.md#") && !rules.contains("RUNBOOK.md#"));
    let maps = release.all("ConfigMap").into_iter();
    let shown: BTreeSet<_> = maps
        .flat_map(|map| map["data"].as_object().unwrap().keys().cloned())
        .collect();
    let ours = repository::dashboards_in("dashboards/zh").into_iter();
    assert_eq!(shown, ours.map(|(name, _)| name).collect());
}

#[test]
fn limits_and_single_alerts_are_set_by_values() {
    let limits = [
        ("team_first_response_seconds:threshold", "45"),
        ("unanswered_sessions_ratio:threshold", "0.05"),
        ("user_sig_remaining_seconds:threshold", "1209600"),
    ];
    let left_out = ["TencentDeskNoAgents", "TencentDeskFiguresLate"];
    let mut expected = groups();
    let mut changed = 0;
    for group in &mut expected {
        let rules = group["rules"].as_array_mut().unwrap();
        rules.retain(|rule| !left_out.contains(&text(rule, "alert")));
        for rule in rules {
            let name = text(rule, "record").to_owned();
            for (limit, value) in limits {
                if name == format!("tencent_desk:{limit}") {
                    rule["expr"] = json!(value);
                    changed += 1;
                }
            }
        }
    }
    assert_eq!(changed, limits.len());
    let made = &release("operator").the("PrometheusRule")["spec"];
    assert_eq!(made["groups"], json!(expected));
    let bench = tempfile::NamedTempFile::new().unwrap();
    fs::write(bench.path(), made.to_string()).unwrap();
    run(Command::new(tools::promtool())
        .args(["check", "rules"])
        .arg(bench.path()));

    // As --set says a number with a fraction: as a text.
    let rule = json!({ "enabled": true, "thresholds": { "capacity_ratio": "0.75", "queued_sessions": 0 } });
    let made = render_one(json!({ "demo": true, "prometheusRule": rule })).unwrap();
    let rules = made.the("PrometheusRule")["spec"].to_string();
    for rule in [
        r#"{"expr":"0.75","record":"tencent_desk:capacity_ratio:threshold"}"#,
        r#"{"expr":"0","record":"tencent_desk:queued_sessions:threshold"}"#,
    ] {
        assert!(rules.contains(rule), "{rule}");
    }

    // By a mapping, of which each may be taken back by further values.
    let rules = release("everything").the("PrometheusRule")["spec"].to_string();
    assert!(!rules.contains(left_out[0]) && rules.contains(left_out[1]));
}

#[test]
fn monitors_rules_and_dashboards_are_where_they_are_looked_for() {
    let release = release("operator");
    for (kind, namespace) in [
        ("ServiceMonitor", "prometheus"),
        ("PrometheusRule", "prometheus"),
        ("ConfigMap", "grafana"),
        ("Service", "monitoring"),
    ] {
        for object in release.all(kind) {
            assert_eq!(object["metadata"]["namespace"], namespace, "{kind}");
        }
    }
    let monitor = &release.the("ServiceMonitor")["spec"];
    assert_eq!(
        monitor["namespaceSelector"],
        json!({ "matchNames": ["monitoring"] })
    );
    assert_eq!(monitor["sampleLimit"], 50_000);
    assert_eq!(
        monitor["targetLabels"],
        json!(["app.kubernetes.io/version"])
    );
    assert_eq!(list(&monitor["endpoints"][0]["metricRelabelings"]).len(), 1);
    let monitor = &self::release("podmonitor").the("PodMonitor")["spec"];
    assert_eq!(monitor["podTargetLabels"], json!(["team"]));
    assert_eq!(monitor["sampleLimit"], 50_000);
}

#[test]
fn the_job_is_the_one_that_the_alerts_know() {
    let prometheus = &yaml(&file("deploy/prometheus/prometheus.yml"))[0];
    let job = &prometheus["scrape_configs"][0]["job_name"];
    let service = &release("tls").the("ServiceMonitor")["spec"]["endpoints"][0];
    let pod = &release("podmonitor").the("PodMonitor")["spec"]["podMetricsEndpoints"][0];
    for endpoint in [service, pod] {
        let relabelings = &endpoint["relabelings"];
        let of_job = json!({ "targetLabel": "job", "replacement": job });
        assert_eq!(relabelings[0], of_job);
        let instance = "monitoring/shop-tencent-desk-exporter";
        let of_instance = json!({ "targetLabel": "instance", "replacement": instance });
        assert_eq!(relabelings[1], of_instance);
    }
    let (file, job) = (RULES[1], job.as_str().unwrap());
    let up = format!("up{{job=\"{job}\"}}");
    assert!(read(file).contains(&up), "{file}");
}

/// The Prometheus Operator gives each target a label `endpoint`, its port's name, before the monitor's own
/// relabelings. Whether these drop it, as the chart's do, or the monitor honours labels: the exporter's stays.
#[test]
fn the_operators_label_takes_no_place_of_the_exporters() {
    let desk = Desk::with(agents(3));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    let of_operator = json!({ "target_label": "endpoint", "replacement": "metrics" });
    let monitor = release("tls").the("ServiceMonitor");
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

/// What `helm test` runs, against an exporter; and its pod is none that the service leads to, or that is scraped.
#[test]
fn helm_test_asks_whether_the_exporter_is_healthy() {
    let desk = Desk::with(agents(1));
    let exporter = Setup::of(&desk).start();
    exporter.wait_until_up();
    for of in ["plain", "tls"] {
        let release = release(of);
        let pod = release.the("Pod");
        assert_eq!(pod["metadata"]["annotations"]["helm.sh/hook"], "test");
        let labels = &pod["metadata"]["labels"];
        let chosen = release.the("Service")["spec"]["selector"]
            .as_object()
            .unwrap();
        assert!(chosen.iter().any(|(label, value)| &labels[label] != value));
        let service = "shop-tencent-desk-exporter:10141";
        let arguments: Vec<String> = list(&pod["spec"]["containers"][0]["args"])
            .iter()
            .map(|it| {
                it.as_str()
                    .unwrap()
                    .replace(service, &exporter.address().to_string())
            })
            .collect();
        assert!(arguments.concat().contains(&exporter.address().to_string()));
        Setup::bare()
            .args(&arguments.join(" "))
            .run()
            .expect_code(0);
    }
    // Where only some may scrape, it may ask.
    let policy = release("tls").the("NetworkPolicy");
    let labels = &release("tls").the("Pod")["metadata"]["labels"];
    let may = list(&policy["spec"]["ingress"][0]["from"])
        .iter()
        .any(|from| {
            let chosen = from["podSelector"]["matchLabels"].as_object();
            chosen.is_some_and(|chosen| chosen.iter().all(|(label, value)| &labels[label] == value))
        });
    assert!(may, "{policy}");
}

/// Writes `content` where `BLESS` is set; fails where another content is found.
#[track_caller]
fn is_kept(path: &str, content: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file(path), content).unwrap();
    }
    let found = fs::read_to_string(file(path)).unwrap_or_default();
    assert!(
        found == content,
        "{path} is not what is made for it: BLESS=1 writes it anew"
    );
}

#[test]
fn the_charts_readme_has_every_value() {
    let values = script(&["values", file(CHART).to_str().unwrap()]);
    let mut table = "| Value | Default | |\n|---|---|---|\n".to_owned();
    for value in values.as_array().unwrap() {
        let (name, default, about) = (
            text(value, "name"),
            text(value, "default"),
            text(value, "text"),
        );
        let about = about.replace('|', "\\|");
        table += &format!("| `{name}` | `{default}` | {about} |\n");
    }
    let path = format!("{CHART}/README.md");
    let readme = read(&path);
    let (head, rest) = readme.split_once("<!-- values -->\n").unwrap();
    let (_, tail) = rest.split_once("<!-- /values -->").unwrap();
    is_kept(
        &path,
        &format!("{head}<!-- values -->\n{table}<!-- /values -->{tail}"),
    );
}

#[test]
fn the_manifests_are_those_of_the_chart() {
    let values = json!({
        "settings": { "SDK_APP_ID": "1400000000" },
        "credential": { "secretName": "tencent-desk" },
        "serviceMonitor": { "enabled": true },
        "prometheusRule": { "enabled": true },
    });
    let made = render(&[("tencent-desk-exporter", values)])
        .remove(0)
        .unwrap();
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
            "operator/operator.yaml",
            operator,
            &["servicemonitor", "prometheusrule"][..],
        ),
    ] {
        let mut manifest = format!(
            "# {head}\n#\n# Rendered from the chart (BLESS=1 cargo test --locked): change it there.\n"
        );
        for template in templates {
            let text = &made.templates[&format!("{template}.yaml")];
            manifest += "---\n";
            // No tool but kubectl manages these.
            let of_helm =
                |line: &&str| line.contains("helm.sh/chart:") || line.contains("managed-by: Helm");
            for line in text.lines().filter(|line| !of_helm(line)) {
                manifest += line.trim_end();
                manifest += "\n";
            }
        }
        is_kept(&format!("deploy/kubernetes/manifests/{name}"), &manifest);
    }
}

#[test]
fn without_helm_kustomize_puts_it_all_into_a_namespace() {
    let example = "deploy/kubernetes/example";
    let built = run(python("kubectl").args(["kustomize", file(example).to_str().unwrap()]));
    let bench = tempfile::NamedTempFile::new().unwrap();
    fs::write(bench.path(), built).unwrap();
    let objects = yaml(bench.path());
    validate(&objects);
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    for object in &objects {
        assert_eq!(
            object["metadata"]["namespace"], "desk",
            "{}",
            object["metadata"]
        );
    }
    let boards = of_kind("ConfigMap").flat_map(|map| map["data"].as_object().unwrap().keys());
    let boards: BTreeSet<_> = boards.cloned().collect();
    let ours = repository::dashboards().into_iter().map(|(name, _)| name);
    assert_eq!(boards, ours.collect());
    let deployment = of_kind("Deployment").next().unwrap();
    let env = list(&deployment["spec"]["template"]["spec"]["containers"][0]["env"]).iter();
    let ids: Vec<_> = env
        .filter(|it| it["name"] == "TENCENT_DESK_SDK_APP_ID")
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0]["value"], "1400000001");
    let monitor = of_kind("ServiceMonitor").next().unwrap();
    let instance = &monitor["spec"]["endpoints"][0]["relabelings"][1];
    let expected =
        json!({ "targetLabel": "instance", "replacement": "desk/tencent-desk-exporter" });
    assert_eq!(instance, &expected);
    assert_eq!(
        of_kind("PrometheusRule").count() + of_kind("ServiceMonitor").count(),
        2
    );
}
