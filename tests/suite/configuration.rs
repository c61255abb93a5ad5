//! Settings: every mistake at once, no setting a surprise, and nothing in the environment that can
//! stop the start without being a mistake.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::desk::Desk;
use crate::support::exporter::{Exporter, Finished, Setup, logfmt};
use crate::support::http;
use crate::support::rows;
use crate::support::rules::Account;

/// Settings that would do, of a Desk that is never asked.
fn sound() -> Setup {
    let account = Account::default();
    Setup::bare()
        .set("SDK_APP_ID", account.sdk_app_id.to_string())
        .set("SECRET_KEY", account.key)
}

/// The lines that name a setting.
fn complaints(finished: &Finished) -> Vec<&str> {
    let lines = finished.stderr.lines();
    lines
        .filter(|line| line.contains("TENCENT_DESK_"))
        .collect()
}

fn mistaken(setup: Setup) -> Finished {
    let finished = setup.run().expect_code(64);
    assert_eq!(finished.stdout, "");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    finished
}

#[test]
fn seven_mistakes_are_seven_lines_that_name_them() {
    let finished = mistaken(
        Setup::bare()
            .set("SDK_APP_ID", "fourteen")
            .set("ENDPOINT", "http://desk.example")
            .set("TIME_ZONE", "Mars/Olympus_Mons")
            .set("POLL_INTERVAL", "100ms")
            .set("REQUESTS_PER_SECOND", "0")
            .set("LISTEN_ADDRESS", "nowhere"),
    );
    let complaints = complaints(&finished);
    assert_eq!(complaints.len(), 7, "{finished:#?}");
    let names = [
        "SDK_APP_ID",
        "ENDPOINT",
        "TIME_ZONE",
        "POLL_INTERVAL",
        "REQUESTS_PER_SECOND",
        "LISTEN_ADDRESS",
        "SECRET_KEY",
    ];
    for name in names {
        let name = format!("TENCENT_DESK_{name}");
        let about = complaints.iter().filter(|line| line.contains(&name));
        assert_eq!(about.count(), 1, "{name} in {finished:#?}");
    }
}

#[test]
fn each_kind_of_mistake_is_told_by_its_variable() {
    let mistakes = [
        ("SDK_APP_ID", "-1"),
        ("SDK_APP_ID", "1400000000.5"),
        ("REGION", "mars"),
        ("ENDPOINT", "desk.example"),
        ("ENDPOINT", "ftp://desk.example"),
        ("ENDPOINT", "http://10.0.0.1"),
        ("TIME_ZONE", "Beijing"),
        ("POLL_INTERVAL", "60"),
        ("POLL_INTERVAL", "soon"),
        ("POLL_INTERVAL", "0s"),
        ("REALTIME_INTERVAL", "999ms"),
        ("REALTIME_INTERVAL", "15"),
        ("DIRECTORY_INTERVAL", "0s"),
        ("DIRECTORY_INTERVAL", "daily"),
        ("ENDPOINTS", "describe_agents"),
        ("ENDPOINTS", "all,get_member_list"),
        ("STATUS_NAMES", "1=free,1=busy"),
        ("STATUS_NAMES", "1="),
        ("STATUS_NAMES", "free=1"),
        ("CHANNELS", "web"),
        ("CHANNELS", "10:"),
        ("REQUEST_TIMEOUT", "-1s"),
        ("REQUEST_TIMEOUT", "0s"),
        ("REQUESTS_PER_SECOND", "many"),
        ("REQUESTS_PER_SECOND", "-3"),
        ("MAX_STALENESS", "long"),
        ("LISTEN_ADDRESS", "127.0.0.1:99999"),
        ("TELEMETRY_PATH", "metrics"),
        ("WEB_CONFIG_FILE", "/nowhere/web.yml"),
        ("LOG_FORMAT", "xml"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ];
    for (name, value) in mistakes {
        let setup = match name {
            "SECRET_KEY_FILE" => sound().unset("SECRET_KEY"),
            _ => sound(),
        };
        let finished = mistaken(setup.set(name, value));
        let name = format!("TENCENT_DESK_{name}");
        assert_eq!(
            complaints(&finished).len(),
            1,
            "{name}={value}: {finished:#?}"
        );
        assert!(
            finished.stderr.contains(&name),
            "{name}={value}: {finished:#?}"
        );
    }
}

#[test]
fn a_secrets_mistake_is_told_beside_those_of_its_account() {
    let mistaken = mistaken(
        Setup::bare()
            .set("IDENTIFIER", "two words")
            .set("SECRET_KEY_FILE", "/nowhere/key"),
    );
    assert_eq!(complaints(&mistaken).len(), 3, "{mistaken:#?}");
}

#[test]
fn a_key_or_a_signature_is_needed() {
    let finished = mistaken(sound().unset("SECRET_KEY"));
    for name in ["SECRET_KEY", "USER_SIG"] {
        assert!(finished.stderr.contains(name), "{finished:?}");
    }
}

#[test]
fn check_tells_the_same_mistakes() {
    let mistakes = sound().set("TIME_ZONE", "Mars").set("LOG_FORMAT", "xml");
    let finished = mistakes.args("check").run().expect_code(64);
    for name in ["TENCENT_DESK_TIME_ZONE", "TENCENT_DESK_LOG_FORMAT"] {
        assert!(finished.output().contains(name), "{finished:?}");
    }
}

/// Starts with these settings beside the sound ones, and polls well.
fn starts_with(change: impl FnOnce(Setup) -> Setup) -> (Desk, Exporter) {
    let desk = Desk::with(rows::agents(1));
    let exporter = change(Setup::of(&desk)).start();
    exporter.wait_until_up();
    (desk, exporter)
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let slips = [
        ("POL_INTERVAL", "POLL_INTERVAL"),
        ("agent_ids", "AGENT_IDS"),
    ];
    let (_desk, exporter) = starts_with(|setup| {
        let set = |setup: Setup, (slip, _): &(&str, &str)| setup.set(slip, "5s");
        slips.iter().fold(setup, set)
    });
    let log = exporter.log();
    for (slip, meant) in slips {
        let slip = format!("TENCENT_DESK_{slip} ");
        let warnings: Vec<_> = log.iter().filter(|line| line.contains(&slip)).collect();
        assert_eq!(warnings.len(), 1, "{log:#?}");
        let meant = format!("TENCENT_DESK_{meant}\"");
        assert!(warnings[0].contains(&meant), "{log:#?}");
        let level = logfmt(warnings[0])["level"].to_lowercase();
        assert_eq!(level, "warn", "{log:#?}");
    }
}

/// The lines that say that a variable is no setting.
fn unknown(exporter: &Exporter) -> Vec<String> {
    let log = exporter.log().into_iter();
    log.filter(|line| line.contains("is no setting")).collect()
}

#[test]
fn what_kubernetes_injects_is_no_slip() {
    // For the services "tencent-desk-exporter" and "tencent-desk".
    let (_desk, exporter) = starts_with(|setup| {
        ["EXPORTER_", ""].iter().fold(setup, |setup, service| {
            let set = |setup: Setup, (end, value): &(&str, &str)| {
                setup.set(&format!("{service}{end}"), value)
            };
            [
                ("SERVICE_HOST", "10.96.0.12"),
                ("SERVICE_PORT", "10141"),
                ("SERVICE_PORT_METRICS", "10141"),
                ("PORT", "tcp://10.96.0.12:10141"),
                ("PORT_10141_TCP", "tcp://10.96.0.12:10141"),
                ("PORT_10141_TCP_PROTO", "tcp"),
                ("PORT_10141_TCP_PORT", "10141"),
                ("PORT_10141_TCP_ADDR", "10.96.0.12"),
            ]
            .iter()
            .fold(setup, set)
        })
    });
    assert_eq!(unknown(&exporter), [""; 0]);
}

#[test]
fn what_only_looks_like_it_is_a_slip() {
    let slips = [
        ("LISTEN_ADDR", "127.0.0.1:1"),
        ("PORT", "10141"),
        ("LISTEN_PORT", "10141"),
        ("ADDR", "127.0.0.1"),
        ("LISTEN_PORT_TCP", "10141"),
    ];
    let set = |setup: Setup, (name, value): &(&str, &str)| setup.set(name, value);
    let (_desk, exporter) = starts_with(|setup| slips.iter().fold(setup, set));
    let warnings = unknown(&exporter);
    assert_eq!(warnings.len(), slips.len(), "{warnings:#?}");
    for (name, _) in slips {
        let name = format!("TENCENT_DESK_{name} ");
        let warning = warnings.iter().find(|line| line.contains(&name));
        let warning = warning.unwrap_or_else(|| panic!("{name} in {warnings:#?}"));
        assert!(warning.contains("TENCENT_DESK_LISTEN_ADDRESS"), "{warning}");
    }
}

#[test]
fn quotes_around_any_value_are_told() {
    let settings = [
        ("SDK_APP_ID", "1400000000"),
        ("IDENTIFIER", "administrator"),
        ("SECRET_KEY", "k3y"),
        ("REGION", "china"),
        ("ENDPOINT", "https://desk.example"),
        ("TIME_ZONE", "Asia/Shanghai"),
        ("AGENT_IDS", "a@shop.example"),
        ("CHANNELS", "4"),
        ("ENDPOINTS", "get_member_list"),
        ("POLL_INTERVAL", "60s"),
        ("REALTIME_INTERVAL", "15s"),
        ("DIRECTORY_INTERVAL", "5m"),
        ("STATUS_NAMES", "1=free"),
        ("REQUEST_TIMEOUT", "10s"),
        ("REQUESTS_PER_SECOND", "10"),
        ("MAX_STALENESS", "5m"),
        ("LISTEN_ADDRESS", "127.0.0.1:0"),
        ("TELEMETRY_PATH", "/metrics"),
        ("WEB_CONFIG_FILE", "/nowhere/web.yml"),
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "logfmt"),
    ];
    for quotes in ["\"\"", "''", "“”"] {
        let (open, close) = quotes.split_at(quotes.len() / 2);
        let quoted = |setup: Setup, (name, value): &(&str, &str)| {
            setup.set(name, format!("{open}{value}{close}"))
        };
        let finished = mistaken(settings.iter().fold(Setup::bare(), quoted));
        let complaints = complaints(&finished);
        assert_eq!(complaints.len(), settings.len(), "{finished:#?}");
        for line in complaints {
            assert!(line.contains("stands in quotes"), "{line}");
            assert!(!line.contains("k3y"), "{line}");
        }
    }
    for name in ["SECRET_KEY_FILE", "USER_SIG_FILE"] {
        let finished = mistaken(sound().unset("SECRET_KEY").set(name, "'/nowhere/key'"));
        assert!(finished.stderr.contains("stands in quotes"), "{finished:?}");
    }
    let flag = sound().args("--log.level='info'").run().expect_code(64);
    assert!(flag.stderr.contains("stands in quotes"), "{flag:?}");
}

#[test]
fn an_identifier_is_an_accounts_name() {
    let key = "0123456789abcdef".repeat(4);
    let long = "a".repeat(33);
    for bad in [
        key.as_str(),
        &format!("key-{key}"),
        &long,
        "two words",
        "amy@shop.example",
        "客服",
        "ａdmin",
        "admin\u{200b}",
    ] {
        for command in ["check", "serve"] {
            let swapped = sound().set("SECRET_KEY", "administrator");
            let finished = mistaken(swapped.set("IDENTIFIER", bad).args(command));
            let complaints = complaints(&finished);
            assert_eq!(complaints.len(), 1, "{finished:?}");
            assert!(complaints[0].contains("TENCENT_DESK_IDENTIFIER: "));
            assert!(!finished.output().contains(bad), "{finished:?}");
        }
    }
    let told = mistaken(sound().set("IDENTIFIER", &key));
    assert!(told.stderr.contains("looks like a key"), "{told:?}");
}

#[test]
fn agent_ids_are_words_with_commas_between_them() {
    for bad in [
        "a@x.example，b@x.example",
        "a@x.example、b@x.example",
        "a@x.example;b@x.example",
        "a@x.example； b@x.example",
        "a@x.example b@x.example",
        "a@x.example\nb@x.example",
        "\"a@x.example\",\"b@x.example\"",
        "a@x.example,'b@x.example',c@x.example",
        "[\"a@x.example\"]",
        "ａ@x.example",
        "a@x.example,b\u{200b}@x.example",
    ] {
        let finished = mistaken(sound().set("AGENT_IDS", bad));
        let complaints = complaints(&finished);
        assert_eq!(complaints.len(), 1, "{bad}: {finished:?}");
        assert!(complaints[0].contains("AGENT_IDS: "), "{finished:?}");
        assert!(!complaints[0].contains("x.example"), "{finished:?}");
    }
    let desk = Desk::with(rows::agents(1));
    let ids = "o'brien@x.example, b+c@x.example ,,#!$%&*/=?^_`{|}~.@x.example,4711";
    let ids = ids.replace('`', "");
    let exporter = Setup::of(&desk).set("AGENT_IDS", &ids).start();
    exporter.after_first_poll();
    let sent = &desk.requests()[0].json()["AgentIds"];
    assert_eq!(sent.as_array().unwrap().len(), 4, "{sent}");
}

#[test]
fn an_unknown_endpoint_is_told_with_the_nearest_and_all() {
    for command in ["serve", "demo", "check"] {
        let setup = sound().set("ENDPOINTS", "describe_agent_statistics,get_group_list");
        let finished = mistaken(setup.args(command));
        let complaints = complaints(&finished);
        assert_eq!(complaints.len(), 1, "{finished:?}");
        for told in [
            "TENCENT_DESK_ENDPOINTS: its name number 2 is no endpoint",
            "the nearest is get_member_group_list",
            "describe_agent_statistics",
            "describe_reception_realtime_statistics",
            "describe_member_realtime_statistics",
            "describe_session_statistics",
            "get_member_list,",
        ] {
            assert!(complaints[0].contains(told), "{told} in {finished:?}");
        }
    }
}

#[test]
fn endpoints_channels_and_names_of_a_status_are_taken() {
    starts_with(|setup| {
        setup
            .set("ENDPOINTS", "describe_agent_statistics")
            .set("REALTIME_INTERVAL", "1s")
            .set("DIRECTORY_INTERVAL", "1s")
            .set("STATUS_NAMES", "1=free, 2=忙碌,3=on break")
            .set("CHANNELS", "4,10:@account")
    });
}

#[test]
fn the_default_of_a_list_may_be_written() {
    let (desk, _exporter) = starts_with(|setup| {
        setup
            .set("AGENT_IDS", "all")
            .set("CHANNELS", "all")
            .set("ENDPOINTS", "all")
            .set("STATUS_NAMES", "none")
    });
    assert_eq!(desk.requests()[0].json().get("AgentIds"), None);
}

#[test]
fn a_zone_that_the_machine_lacks_or_has_broken_is_had_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let zones = folder.path().join("Asia");
    std::fs::create_dir(&zones).unwrap();
    let shanghai = zones.join("Shanghai");
    let desk = Desk::with(rows::agents(1));
    let starts = || {
        let setup = Setup::of(&desk).env("TZDIR", folder.path());
        setup.start().wait_until_up();
    };
    starts();
    // A database in which one zone is well (UTC, in the layout of RFC 9636) and this one is not there.
    let block = |version: u8| {
        let mut block = b"TZif".to_vec();
        block.push(version);
        block.extend([0; 15]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            block.extend(count.to_be_bytes());
        }
        block.extend([0; 6]);
        block.extend(b"UTC\0");
        block
    };
    let utc = [block(b'2'), block(b'2'), b"\nUTC0\n".to_vec()].concat();
    std::fs::write(folder.path().join("UTC"), &utc).unwrap();
    starts();
    for broken in [
        &b""[..],
        b"TZif",
        &utc[..50],
        &utc[..utc.len() - 7],
        b"no zone at all",
    ] {
        std::fs::write(&shanghai, broken).unwrap();
        starts();
    }
    std::fs::remove_file(&shanghai).unwrap();
    mkfifo(&shanghai);
    starts();
}

fn mkfifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn what_is_no_zone_is_told_with_what_to_write() {
    for (text, told) in [
        ("UTC+8", "Asia/Shanghai"),
        ("Beijing", "Asia/Shanghai"),
        ("Asia/Beijing", "Asia/Shanghai"),
        ("Asia/Shangai", "Asia/Shanghai"),
        ("Europe/Berlinn", "Europe/Berlin"),
        ("Etc/Unknown", "Asia/Shanghai"),
    ] {
        let finished = mistaken(sound().set("TIME_ZONE", text));
        let complaints = complaints(&finished);
        assert_eq!(complaints.len(), 1, "{finished:?}");
        assert!(complaints[0].contains(told), "{text}: {finished:?}");
    }
    for name in ["asia/shanghai", "Asia/Shanghai ", "\u{feff}PRC\r"] {
        starts_with(|setup| setup.set("TIME_ZONE", name));
    }
}

#[test]
fn a_file_that_hangs_or_never_ends_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo);
    let fifo = fifo.to_str().unwrap();
    // Once it has been read to its end, reading the kernel's log blocks.
    let files = [
        fifo,
        "/dev/zero",
        "/proc/kmsg",
        "/proc/kmsg",
        "/proc/kcore",
        "/",
        "/dev/null",
    ];
    let told = |setup: Setup, name: &str| {
        for command in ["serve", "check"] {
            let finished = mistaken(setup.clone().args(command));
            let line = format!("TENCENT_DESK_{name}: ");
            assert!(finished.stderr.contains(&line), "{finished:?}");
        }
    };
    std::thread::scope(|scope| {
        for (n, file) in files.into_iter().enumerate() {
            let web = folder.path().join(format!("web-{n}.yml"));
            let section = format!("tls_server_config: {{cert_file: {file}, key_file: {file}}}");
            std::fs::write(&web, section).unwrap();
            for name in ["SECRET_KEY_FILE", "USER_SIG_FILE"] {
                scope.spawn(move || told(sound().unset("SECRET_KEY").set(name, file), name));
            }
            let name = "WEB_CONFIG_FILE";
            scope.spawn(move || told(sound().set(name, file), name));
            scope.spawn(move || told(sound().set(name, web), name));
            // It warns of none of these.
            let health = sound()
                .set("LISTEN_ADDRESS", "127.0.0.1:1")
                .set("SECRET_KEY_FILE", file)
                .set("WEB_CONFIG_FILE", file);
            health.args("health").run().expect_code(1);
        }
    });
}

#[test]
fn paths_are_told_as_they_are_and_a_secret_in_their_place_is_not() {
    let key = "0123456789abcdef".repeat(4);
    for path in [
        format!("/nowhere/{key}"),
        format!(
            "/{}/web.yml",
            "Configuration-of-the-contact-centre-2".repeat(4)
        ),
        format!("{key}/web.yml"),
    ] {
        let finished = mistaken(sound().set("WEB_CONFIG_FILE", &path));
        assert!(finished.stderr.contains(&path), "{finished:?}");
        let finished = mistaken(sound().unset("SECRET_KEY").set("SECRET_KEY_FILE", &path));
        assert!(finished.stderr.contains(&path), "{finished:?}");
    }
    for name in ["WEB_CONFIG_FILE", "SECRET_KEY_FILE", "USER_SIG_FILE"] {
        let finished = mistaken(sound().unset("SECRET_KEY").set(name, &key));
        assert!(!finished.stderr.contains("0123"), "{finished:?}");
    }
}

#[test]
fn variables_that_are_not_utf_8_do_not_stop_the_start() {
    let garbage = OsStr::from_bytes(b"\xff\xfe");
    starts_with(|setup| {
        setup
            .env("LS_COLORS", garbage)
            .env(OsStr::from_bytes(b"NAME_\xff"), "x")
            .set("SOMETHING_ELSE", garbage)
            .env(OsStr::from_bytes(b"TENCENT_DESK_\xff"), "x")
    });
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let empty = [
        "REGION",
        "TIME_ZONE",
        "AGENT_IDS",
        "CHANNELS",
        "ENDPOINTS",
        "REALTIME_INTERVAL",
        "DIRECTORY_INTERVAL",
        "STATUS_NAMES",
        "REQUEST_TIMEOUT",
        "REQUESTS_PER_SECOND",
        "MAX_STALENESS",
        "TELEMETRY_PATH",
        "WEB_CONFIG_FILE",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "USER_SIG",
        "USER_SIG_FILE",
        "SECRET_KEY_FILE",
    ];
    let (desk, exporter) = starts_with(|setup| {
        let emptied = |setup: Setup, name: &&str| setup.set(name, "");
        empty.iter().fold(setup, emptied).set("IDENTIFIER", "")
    });
    assert_eq!(exporter.get("/metrics").status, 200);
    assert_eq!(desk.requests()[0].json().get("AgentIds"), None);
    let finished = mistaken(sound().set("SDK_APP_ID", ""));
    assert!(
        finished.stderr.contains("TENCENT_DESK_SDK_APP_ID"),
        "{finished:?}"
    );
}

#[test]
fn durations_are_written_as_prometheus_users_do() {
    for (text, seconds) in [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1500ms", 1.5),
    ] {
        let (_desk, exporter) = starts_with(|setup| setup.set("POLL_INTERVAL", text));
        let shown = exporter.page().own("exporter_poll_interval_seconds", &[]);
        assert_eq!(shown, Some(seconds), "{text}");
    }
}

#[test]
fn flags_win_over_variables() {
    let (_desk, exporter) = starts_with(|setup| {
        setup
            .set("LISTEN_ADDRESS", "nowhere at all")
            .set("LOG_FORMAT", "logfmt")
            .set("LOG_LEVEL", "error")
            .args("--web.listen-address=127.0.0.1:0 --log.format json --log.level=info")
    });
    let line = &exporter.log()[0];
    serde_json::from_str::<serde_json::Value>(line).expect("a log line in JSON");

    let desk = Desk::with(rows::agents(1));
    let elsewhere = Setup::of(&desk).set("TELEMETRY_PATH", "/by-variable");
    let exporter = elsewhere
        .args("serve --web.telemetry-path /by-flag")
        .start();
    assert_eq!(exporter.get("/by-flag").status, 200);
    assert_eq!(exporter.get("/by-variable").status, 404);
}

/// A proxy that writes down where its clients want to go, and lets none of them.
struct Toll {
    address: std::net::SocketAddr,
    asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Toll {
    fn open() -> Toll {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let toll = Toll {
            address: listener.local_addr().unwrap(),
            asked: std::sync::Arc::default(),
        };
        let asked = std::sync::Arc::clone(&toll.asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = http::read_request(&mut stream, &mut Vec::new());
                if let Ok(Some(request)) = request {
                    let line = format!("{} {}", request.method, request.target);
                    asked.lock().unwrap().push(line);
                }
                let refused = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
                let _ = std::io::Write::write_all(&mut stream, refused);
            }
        });
        toll
    }
}

#[test]
fn each_region_has_its_host_and_its_backup_host() {
    let regions = [
        ("", "console.tim.qq.com", "adminapi.my-imcloud.com"),
        ("china", "console.tim.qq.com", "adminapi.my-imcloud.com"),
        (
            "singapore",
            "adminapisgp.im.qcloud.com",
            "adminapisgp.my-imcloud.com",
        ),
        (
            "seoul",
            "adminapikr.im.qcloud.com",
            "adminapikr.my-imcloud.com",
        ),
        (
            "tokyo",
            "adminapijpn.im.qcloud.com",
            "adminapijpn.my-imcloud.com",
        ),
        (
            "frankfurt",
            "adminapiger.im.qcloud.com",
            "adminapiger.my-imcloud.com",
        ),
        (
            "silicon-valley",
            "adminapiusa.im.qcloud.com",
            "adminapiusa.my-imcloud.com",
        ),
        (
            "jakarta",
            "adminapiidn.im.qcloud.com",
            "adminapiidn.my-imcloud.com",
        ),
    ];
    std::thread::scope(|scope| {
        for (region, host, backup) in regions {
            scope.spawn(move || {
                let toll = Toll::open();
                let proxy = format!("http://{}", toll.address);
                let setup = sound().set("REGION", region).env("HTTPS_PROXY", proxy);
                let finished = setup.args("check").run();
                assert_eq!(finished.code, Some(1), "{finished:?}");
                let mut asked = toll.asked.lock().unwrap().clone();
                asked.dedup();
                let expected = [host, backup].map(|host| format!("CONNECT {host}:443"));
                assert!(asked.starts_with(&expected), "{region}: {asked:?}");
            });
        }
    });
}
