//! From Desk to the receivers of alerts: real exporter, real Prometheus, real Alertmanager, with the files of `deploy/`.
//! Trouble at Desk arrives as the right message, and so does its end.
//!
//! Only times and addresses are changed, and each change must find what it changes. No expression
//! is touched: `TencentDeskDataStale` is made quick through its limit, a number among the recording rules.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::alertmanager::{Alertmanager, MailServer, Webhook};
use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::eventually;
use crate::support::exporter::{Exporter, Setup};
use crate::support::prometheus::Prometheus;
use crate::support::repository;
use crate::support::rows::{self, agent, with};

/// `text` with all of `from` replaced.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "nothing to replace: {from}");
    text.replace(from, to)
}

/// The alerts, each after two seconds and for two more, and data that are stale after five.
fn hurried_alerts() -> String {
    let alerts = repository::read("deploy/prometheus/alerts.yml");
    let limit = "tencent_desk:data_age_seconds:threshold\n        expr: ";
    let alerts = replaced(&alerts, &format!("{limit}300"), &format!("{limit}5"));
    let alerts = replaced(&alerts, "keep_firing_for: 25m", "keep_firing_for: 2s");
    let hurried = |line: &str| match line.split_once("for: ") {
        Some((before, _)) if before.trim().is_empty() => format!("{before}for: 2s\n"),
        _ => format!("{line}\n"),
    };
    alerts.lines().map(hurried).collect()
}

fn prometheus(exporter: SocketAddr, alertmanager: SocketAddr) -> Prometheus {
    let folder = tempfile::tempdir().unwrap();
    let config = repository::read("deploy/prometheus/prometheus.yml");
    let config = replaced(&config, "_interval: 30s", "_interval: 1s");
    let config = replaced(&config, "localhost:10141", &exporter.to_string());
    let config = replaced(&config, "localhost:9093", &alertmanager.to_string());
    let rules = repository::hurried_rules();
    let files = [
        ("prometheus.yml", config),
        ("rules.yml", rules),
        ("alerts.yml", hurried_alerts()),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    Prometheus::over(folder)
}

fn alertmanager(webhook: &Webhook, mail: &MailServer) -> Alertmanager {
    let config = repository::read("deploy/alertmanager/alertmanager.yml");
    let config = replaced(&config, "http://127.0.0.1:8080/alerts", &webhook.url());
    // The mail server of the test has no TLS.
    let without_tls = format!("{}\"\n  smtp_require_tls: false", mail.address());
    let config = replaced(&config, "smtp.example.com:587\"", &without_tls);
    let config = replaced(&config, "group_wait: 30s", "group_wait: 1s");
    let config = replaced(&config, "group_wait: 1h", "group_wait: 1s");
    let config = replaced(&config, "group_interval: 5m", "group_interval: 1s");
    Alertmanager::configured(&config)
}

/// The whole chain, from end to end.
struct Chain {
    exporter: Exporter,
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    webhook: Webhook,
    mail: MailServer,
}

impl Chain {
    fn of(desk: &Desk) -> Chain {
        Chain::with(Setup::busily(desk))
    }

    fn with(setup: Setup) -> Chain {
        let webhook = Webhook::listen();
        let mail = MailServer::listen();
        let alertmanager = alertmanager(&webhook, &mail);
        let exporter = setup.start();
        Chain {
            prometheus: prometheus(exporter.address(), alertmanager.address()),
            exporter,
            alertmanager,
            webhook,
            mail,
        }
    }

    /// How often the webhook has been told so.
    fn told(&self, alert: &str, status: &str) -> Vec<Value> {
        let mut alerts = self.webhook.alerts();
        alerts.retain(|told| told["labels"]["alertname"] == alert && told["status"] == status);
        alerts
    }

    /// Waits until the webhook is told; hands back what.
    #[track_caller]
    fn wait_for(&self, alert: &str, status: &str) -> Value {
        let told = eventually(|| self.told(alert, status).pop()).unwrap_or_else(|| {
            let state = self.prometheus.query("ALERTS");
            let alerts = self.webhook.alerts();
            let (one, other) = (self.prometheus.log(), self.alertmanager.log());
            panic!("{alert} never {status}\n{state:?}\n{alerts:?}\n{one}\n{other}")
        });
        let instance = self.exporter.address().to_string();
        assert_eq!(told["labels"]["instance"], instance, "{told}");
        assert_eq!(told["labels"]["job"], "tencent-desk", "{told}");
        let runbook = format!("deploy/RUNBOOK.md#{}", alert.to_lowercase());
        let url = repository::text(&told["annotations"], "runbook_url");
        assert!(url.ends_with(&runbook), "{told}");
        told
    }

    #[track_caller]
    fn wait_for_mail(&self, to: &str, about: &str) {
        let found = eventually(|| {
            let mails = self.mail.mails();
            let found = mails.iter().any(|m| m.contains(to) && m.contains(about));
            found.then_some(())
        });
        assert!(
            found.is_some(),
            "no mail to {to} about {about}: {:?}",
            self.mail.mails()
        );
    }
}

/// An agent with 30 answered sessions, whose first answers took that long on average.
fn answering_within(seconds: u32) -> Vec<Value> {
    let day = json!({
        "TotalSessionCnt": 30, "NotRespSessionCnt": 0, "AvgFirstRespTime": seconds,
        "FirstRespUnder30sCnt": 28, "AvgRespTime": 20,
        "SatisfactionSelectedCnt": 20, "SatisfiedCnt": 19,
    });
    vec![with(agent("ann@desk.example"), day)]
}

/// How many mails went to those who lead the team.
fn lead_mails(mail: &MailServer) -> usize {
    let mails = mail.mails();
    let to_lead = |mail: &&String| mail.contains("To: desk-lead@example.com");
    mails.iter().filter(to_lead).count()
}

#[test]
fn trouble_arrives_and_so_does_its_end() {
    const SLOW: &str = "TencentDeskFirstResponseSlow";
    const STALE: &str = "TencentDeskDataStale";
    const DOWN: &str = "TencentDeskExporterDown";
    let desk = Desk::with(answering_within(10));
    let mut chain = Chain::of(&desk);
    let team = "team:tencent_desk_first_response_seconds:mean";
    chain.prometheus.expect(team, 10.0);
    chain.prometheus.expect("count(ALERTS) or vector(0)", 0.0);

    // Desk grows slow, and quick again.
    desk.set_rows(answering_within(95));
    let told = chain.wait_for(SLOW, "firing");
    let said = repository::text(&told["annotations"], "description");
    assert!(
        said.contains("took 1m 35s on average") && said.contains("limit is 30s"),
        "{said}"
    );
    assert_eq!(told["labels"]["severity"], "warning", "{told}");
    // That one agent is slow is for the team's lead, by mail.
    chain.wait_for_mail("desk-lead@example.com", "TencentDeskAgentFirstResponseSlow");
    desk.set_rows(answering_within(10));
    chain.wait_for(SLOW, "resolved");

    // Desk fails, and comes back.
    desk.always(Reply::Status(502, vec![], "<html></html>".to_owned()));
    let told = chain.wait_for(STALE, "firing");
    assert_eq!(told["labels"]["severity"], "critical", "{told}");
    chain.wait_for_mail("desk-operators@example.com", STALE);
    desk.always(Reply::Normal);
    chain.wait_for(STALE, "resolved");

    // The exporter is killed, and started again at the same address.
    let address = chain.exporter.address();
    let again = Setup::busily(&desk).set("LISTEN_ADDRESS", address.to_string());
    chain.exporter.kill();
    let told = chain.wait_for(DOWN, "firing");
    assert_eq!(told["labels"]["severity"], "critical", "{told}");
    chain.exporter = again.start();
    chain.wait_for(DOWN, "resolved");

    // Twelve hours have not passed: the lead of the team was told once, of all that there was, and of no end.
    let mails = lead_mails(&chain.mail);
    assert_eq!(mails, 1, "{:?}", chain.mail.mails());

    // No other alert went to the webhook.
    let told = chain.webhook.alerts();
    let others = told
        .iter()
        .map(|alert| repository::text(&alert["labels"], "alertname"));
    let others: Vec<&str> = others
        .filter(|name| ![SLOW, STALE, DOWN].contains(name))
        .collect();
    assert_eq!(others, Vec::<&str>::new());
}

/// A queue that no agent can take is told, and its end; and nothing of it where Desk does not serve it.
#[test]
fn a_queue_without_an_agent_arrives_and_so_does_its_end() {
    const QUEUE: &str = "TencentDeskQueueUnattended";
    let desk = Desk::with(answering_within(10));
    let reception = |queue: u32, free: u32| {
        let now = json!({ "CurrentQueueCnt": queue, "FreeAgentCnt": free });
        with(rows::reception_example(), now)
    };
    desk.further(|further| further.reception = reception(3, 2));
    let asked = "describe_agent_statistics,describe_reception_realtime_statistics";
    let setup = Setup::busily(&desk)
        .set("ENDPOINTS", asked)
        .set("REALTIME_INTERVAL", "1s");
    let chain = Chain::with(setup);
    chain.prometheus.expect("tencent_desk_queued_sessions", 3.0);
    chain.prometheus.expect("count(ALERTS) or vector(0)", 0.0);

    desk.further(|further| further.reception = reception(3, 0));
    let told = chain.wait_for(QUEUE, "firing");
    assert_eq!(told["labels"]["severity"], "critical", "{told}");
    let said = repository::text(&told["annotations"], "summary");
    assert_eq!(said, "3 in the queue, and no agent is free");
    chain.wait_for_mail("desk-operators@example.com", QUEUE);
    desk.further(|further| further.reception = reception(0, 1));
    chain.wait_for(QUEUE, "resolved");

    // Desk serves it no more: that is no trouble.
    desk.reply_at(
        Endpoint::ReceptionRealtime,
        Reply::Status(404, vec![], String::new()),
    );
    let gone = "count(tencent_desk_exporter_endpoint_up) or vector(0)";
    chain.prometheus.expect(gone, 1.0);
    chain.prometheus.expect("count(ALERTS) or vector(0)", 0.0);
    let told = chain.webhook.alerts();
    let others = told
        .iter()
        .filter(|alert| alert["labels"]["alertname"] != QUEUE);
    assert_eq!(others.count(), 0, "{told:?}");
}

/// Compose's mailbox is told of each target, and a target that is down silences its own alerts, not those of another one
/// with its job and instance.
#[test]
fn a_target_that_is_down_silences_no_other() {
    let mail = MailServer::listen();
    let config = repository::read("deploy/compose/alertmanager.yml");
    let config = replaced(&config, "mail:1025", &mail.address().to_string());
    let config = replaced(&config, "group_wait: 10s", "group_wait: 1s");
    let alertmanager = Alertmanager::configured(&config);
    let alert = |name: &str, place: Value, summary: &str| {
        let labels = json!({ "alertname": name, "job": "tencent-desk", "instance": "i", "severity": "warning" });
        let annotations = json!({ "summary": summary });
        json!({ "labels": with(labels, place), "annotations": annotations })
    };
    let place =
        |cluster: &str, namespace: &str| json!({ "cluster": cluster, "namespace": namespace });
    let (down, slow) = ("TencentDeskExporterDown", "TencentDeskResponseSlow");
    let silent = [place("east", "desk"), json!({})].map(|place| alert(slow, place, "silenced"));
    alertmanager.post(&json!([
        alert(down, place("east", "desk"), "down in the east"),
        alert(down, json!({}), "down somewhere"),
        silent[0],
        silent[1],
        alert(slow, place("west", "desk"), "slow in the west"),
        alert(slow, place("east", "shop"), "slow in the shop"),
    ]));
    for told in [
        "down in the east",
        "down somewhere",
        "slow in the west",
        "slow in the shop",
    ] {
        let found = eventually(|| {
            mail.mails()
                .iter()
                .any(|it| it.contains(told))
                .then_some(())
        });
        assert!(
            found.is_some(),
            "{told}: {:?}\n{}",
            mail.mails(),
            alertmanager.log()
        );
    }
    let mut found = alertmanager.inhibited();
    let mut expected = silent.map(|alert| alert["labels"].clone()).to_vec();
    for labels in [&mut found, &mut expected] {
        labels.sort_by_key(Value::to_string);
    }
    assert_eq!(found, expected);
}
