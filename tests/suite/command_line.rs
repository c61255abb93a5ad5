//! Commands, flags and what they exit with.

use std::net::{SocketAddr, TcpListener};

use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Finished, Setup, logfmt};
use crate::support::gate::Gate;
use crate::support::{Unanswered, eventually, http, rows};

fn run(args: &str) -> Finished {
    Setup::default().args(args).run()
}

#[test]
fn help_names_every_command_setting_and_flag() {
    let help = run("--help").expect_code(0).stdout;
    let settings = [
        "SDK_APP_ID",
        "IDENTIFIER",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "USER_SIG",
        "USER_SIG_FILE",
        "REGION",
        "ENDPOINT",
        "TIME_ZONE",
        "AGENT_IDS",
        "CHANNELS",
        "ENDPOINTS",
        "POLL_INTERVAL",
        "REALTIME_INTERVAL",
        "DIRECTORY_INTERVAL",
        "STATUS_NAMES",
        "REQUEST_TIMEOUT",
        "REQUESTS_PER_SECOND",
        "MAX_STALENESS",
        "LISTEN_ADDRESS",
        "TELEMETRY_PATH",
        "WEB_CONFIG_FILE",
        "LOG_LEVEL",
        "LOG_FORMAT",
    ];
    let commands_and_flags = [
        "serve",
        "demo",
        "check",
        "health",
        "--web.listen-address",
        "--web.telemetry-path",
        "--web.config.file",
        "--log.level",
        "--log.format",
    ];
    // Each has a line of its own: "serve" stands in "serves" too, and a name in the longer one behind it.
    let lines = help.lines().map(|line| line.split_whitespace().next());
    let heads: Vec<&str> = lines.flatten().collect();
    for name in settings {
        let name = format!("TENCENT_DESK_{name}");
        assert!(heads.contains(&name.as_str()), "{name} in\n{help}");
    }
    for word in commands_and_flags {
        assert!(heads.contains(&word), "{word} in\n{help}");
    }
    let values = [
        ["[administrator]", "china,", "singapore,", "seoul,"],
        ["tokyo,", "frankfurt,", "silicon-valley", "jakarta"],
        ["[china]", "[Asia/Shanghai]", "[60s]", "[10s]"],
        ["[15s]", "[5m]", "4 or 10:@account", "1=free,2=busy,3=rest"],
        ["[5m, ", "[[::]:10141]", "[/metrics]", "[info]"],
        ["[all]", "[none]", "[logfmt]", "[required]"],
    ];
    for value in values.as_flattened() {
        assert!(help.contains(value), "{value} in\n{help}");
    }
    assert_eq!(run("-h").expect_code(0).stdout, help);
}

#[test]
fn version_is_that_of_the_package() {
    let finished = run("--version").expect_code(0);
    let expected = format!("tencent-desk-exporter {}", env!("CARGO_PKG_VERSION"));
    assert!(finished.stdout.starts_with(&expected), "{finished:?}");
}

#[test]
fn an_unknown_word_is_a_mistake_that_is_named() {
    for (args, named) in [
        ("--no.such.flag", "--no.such.flag"),
        ("polish", "polish"),
        ("serve more", "\"more\""),
        ("--web.listen-address", "--web.listen-address"),
        ("--secret-key=x", "--secret-key"),
    ] {
        let finished = run(args).expect_code(64);
        assert!(finished.stderr.contains(named), "{named}: {finished:?}");
        assert_eq!(finished.stdout, "", "{args}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let key = "0123456789abcdef".repeat(4);
    for args in [
        key.clone(),
        format!("check {key}"),
        format!("--secret-key={key}"),
        format!("--secret-key {key}"),
        format!("--{key}"),
        format!("-k{key}"),
        format!("TENCENT_DESK_SECRET_KEY={key} check"),
        "TENCENT_DESK_SECRET_KEY=0123 check".to_owned(),
        format!("--log.level={key}"),
        format!("--web.config.file={key}"),
    ] {
        let finished = run(&args).expect_code(64);
        assert!(!finished.output().contains("0123"), "{args}: {finished:?}");
    }
}

#[test]
fn check_is_content_with_a_desk_that_answers() {
    let desk = Desk::with(rows::agents(3));
    let finished = Setup::of(&desk).args("check").run().expect_code(0);
    assert!(
        finished.stdout.contains(": 3 agents today."),
        "it says what came back: {finished:?}"
    );
    assert_eq!(desk.asked(), 1, "one real request");
}

#[test]
fn check_with_a_wrong_key_names_the_class_and_what_to_do() {
    let desk = Desk::with(rows::agents(1));
    desk.expect_refusals();
    let finished = Setup::of(&desk)
        .set("SECRET_KEY", "0ther-k3y")
        .args("check")
        .run();
    let finished = finished.expect_code(1);
    for text in [
        "(credentials): Desk answered with error 70009: ",
        "\nWhat to do: see that the key in TENCENT_DESK_SECRET_KEY ",
    ] {
        assert!(finished.stdout.contains(text), "{text}: {finished:?}");
    }
    assert!(!finished.output().contains("0ther-k3y"), "{finished:?}");
}

/// Codes by class, as the reference's section 4 reads them.
const CODES: [(&str, &[i64]); 5] = [
    (
        "server",
        &[
            60008, 60013, 60014, 70169, 70202, 70308, 70348, 70362, 70401, 70500, 10002, 141_002,
        ],
    ),
    (
        "rate_limited",
        &[60007, 60011, 60018, 60019, 10006, 10023, 141_009],
    ),
    (
        "credentials",
        &[
            60004, 60005, 70001, 70002, 70003, 70005, 70009, 70013, 70014, 70050, 70052, 70346,
            70347, 10008,
        ],
    ),
    (
        "configuration",
        &[
            60006, 60009, 60010, 60016, 60017, 60020, 60021, 70016, 70020, 70051, 70107, 70114,
            70398, 70403, 10007, 10026, 141_000,
        ],
    ),
    (
        "protocol",
        &[
            60002, 60003, 60012, 60015, 70206, 70402, 10003, 10004, 10011, 10018, 141_001, 141_003,
            141_004, 141_010, 141_011, 141_012,
        ],
    ),
];

#[test]
fn check_asks_nothing_more_after_a_refusal_for_the_rate() {
    for refusal in [
        Reply::Error(60007),
        Reply::Status(429, vec![], String::new()),
    ] {
        let desk = Desk::with(vec![rows::example()]);
        desk.reply_at(Endpoint::AgentStatistics, refusal);
        let check = Setup::of(&desk).unset("ENDPOINTS").args("check").run();
        let finished = check.expect_code(1);
        for endpoint in Endpoint::FURTHER {
            assert_eq!(desk.asked_at(endpoint), 0, "{endpoint:?}");
            assert!(finished.stdout.contains(endpoint.name()), "{endpoint:?}");
        }
    }
}

#[test]
fn check_waits_for_one_endpoint_no_longer_than_for_all() {
    let desk = Desk::with(vec![rows::example()]);
    let gate = Gate::default();
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Hang(gate.clone()));
    }
    std::thread::scope(|scope| {
        let check = Setup::of(&desk).unset("ENDPOINTS").args("check");
        let check = scope.spawn(move || check.run().expect_code(0));
        let is_asked = |endpoint| desk.asked_at(endpoint) > 0;
        let all_are = || Endpoint::FURTHER.into_iter().all(is_asked).then_some(());
        eventually(all_are).expect("all are asked before one is answered");
        gate.open();
        check.join().unwrap();
    });
}

#[test]
fn check_knows_the_class_of_every_code() {
    std::thread::scope(|scope| {
        for (class, codes) in CODES {
            scope.spawn(move || {
                for code in codes {
                    let desk = Desk::with(Vec::new());
                    desk.always(Reply::Error(*code));
                    let finished = Setup::of(&desk).args("check").run().expect_code(1);
                    // The name of a class alone may stand anywhere: "The configuration is complete."
                    let told = format!("({class}): Desk answered with error {code}: ");
                    assert!(finished.stdout.contains(&told), "{told}: {finished:?}");
                }
            });
        }
    });
}

#[test]
fn health_is_what_the_exporter_here_says() {
    let desk = Desk::with(rows::agents(1));
    let health = |address: String| {
        let setup = Setup::of(&desk).set("LISTEN_ADDRESS", address);
        setup.args("health").run()
    };
    let unanswered = Unanswered::new();
    health(unanswered.address().to_string()).expect_code(1);
    for host in ["127.0.0.1", ""] {
        let setup = Setup::of(&desk).set("LISTEN_ADDRESS", format!("{host}:0"));
        let exporter = setup.start();
        health(format!("{host}:{}", exporter.address().port())).expect_code(0);
    }
}

#[test]
fn health_needs_no_account() {
    let desk = Desk::with(rows::agents(1));
    let exporter = Setup::of(&desk).start();
    let address = exporter.address();
    let asking = Setup::default().args(&format!("health --web.listen-address={address}"));
    asking.run().expect_code(0);
}

#[test]
fn health_minds_its_own_settings_only() {
    let odd = Setup::default()
        .set("LISTEN_ADDRESS", "127.0.0.1:1")
        .set("POLL_INTERVAL", "\"60s\"")
        .set("SECRET_KEY", "two words")
        .set("IDENTIFIER", "客服")
        .set("SECRET_KEY_FILE", "/nowhere")
        .set("LOG_LEVEL", "loud")
        .args("health");
    odd.clone().run().expect_code(1);
    let own = odd.set("LISTEN_ADDRESS", "'127.0.0.1:1'");
    let finished = own.run().expect_code(64);
    assert!(finished.stderr.contains("stands in quotes"), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
}

#[test]
fn every_address_that_is_named_is_served() {
    let desk = Desk::with(rows::agents(1));
    let twice = Setup::of(&desk).unset("LISTEN_ADDRESS");
    for setup in [
        twice
            .clone()
            .args("--web.listen-address=127.0.0.1:0 --web.listen-address=[::1]:0"),
        twice.set("LISTEN_ADDRESS", "127.0.0.1:0, [::1]:0"),
    ] {
        let exporter = setup.start();
        let addresses = eventually(|| {
            let lines = exporter.log();
            let listening = lines.iter().map(|line| logfmt(line));
            let listening = listening.filter(|line| line["message"] == "listening");
            let addresses = listening.map(|line| line["address"].parse().unwrap());
            Some(addresses.collect::<Vec<SocketAddr>>()).filter(|addresses| addresses.len() == 2)
        });
        let addresses = addresses.unwrap_or_else(|| panic!("{}", exporter.output()));
        for address in &addresses {
            let answer = http::fetch(*address, "GET", "/-/healthy", &[]).unwrap();
            assert_eq!(answer.status, 200);
        }
        // One that answers is enough, wherever in the list it stands.
        let unanswered = Unanswered::new();
        let silent = unanswered.address();
        for list in [
            format!("{silent},{}", addresses[1]),
            format!("{},{silent}", addresses[0]),
        ] {
            let health = format!("health --web.listen-address={list}");
            Setup::default().args(&health).run().expect_code(0);
        }
    }
}

#[test]
fn the_address_that_is_taken_is_the_one_that_is_named() {
    let desk = Desk::with(rows::agents(1));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let finished = Setup::of(&desk)
        .set("LISTEN_ADDRESS", format!("127.0.0.1:0,{address}"))
        .run()
        .expect_code(1);
    let named = format!("cannot listen on {address}: ");
    assert!(finished.stderr.contains(&named), "{finished:?}");
}
