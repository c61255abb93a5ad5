//! The key signs for a whole application: it is used as the documents say, and shown to nobody.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::desk::{Desk, Reply, Request};
use crate::support::exporter::{Exporter, Setup};
use crate::support::rows;
use crate::support::rules::Account;
use crate::support::usersig::{Members, made_elsewhere};

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn our_signatures_verify_by_an_independent_reader() {
    let account = Account {
        sdk_app_id: 20_000_001,
        identifier: "desk_exporter-01".to_owned(),
        key: "the key is text: not hexadecimal, not even ASCII ✓".to_owned(),
    };
    let desk = Desk::of(account.clone());
    Setup::of(&desk).start().wait_until_up();
    let members = Members::read(&desk.requests()[0].user_sig()).unwrap();
    assert_eq!(members.signature, members.signature_by(&account.key));
    assert!(
        (now() - 3600..=now()).contains(&members.time),
        "{members:?}"
    );
}

#[test]
fn one_signature_serves_many_requests() {
    let desk = Desk::with(rows::agents(1000));
    Setup::of(&desk)
        .set("REQUESTS_PER_SECOND", "100")
        .start()
        .wait_until_up();
    let mut signatures: Vec<_> = desk.requests().iter().map(Request::user_sig).collect();
    signatures.dedup();
    assert_eq!(signatures.len(), 1);
}

/// A Desk of the official packages' third vector, whose signature is good until 2033.
fn desk_of_vector() -> (Desk, String) {
    let vectors = include_str!("../data/usersig-vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    let text = |member: &str| vectors[2][member].as_str().unwrap().to_owned();
    let desk = Desk::of(Account {
        sdk_app_id: 20_000_001,
        identifier: text("identifier"),
        key: text("key"),
    });
    desk.set_rows(rows::agents(1));
    (desk, text("usersig_pypi_1_1"))
}

#[test]
fn a_given_signature_is_used_as_it_is() {
    let (desk, signature) = desk_of_vector();
    let setup = Setup::of(&desk)
        .unset("SECRET_KEY")
        .set("USER_SIG", &signature);
    let page = setup.start().wait_until_up();
    assert!(desk.requests().iter().all(|r| r.user_sig() == signature));
    let expiry = page.own("exporter_user_sig_expiry_timestamp_seconds", &[]);
    assert_eq!(expiry, Some(2_015_552_000.0));
}

#[test]
fn a_signature_that_cannot_be_read_is_sent_all_the_same() {
    let desk = Desk::with(rows::agents(1));
    desk.expect_refusals();
    let setup = Setup::of(&desk)
        .unset("SECRET_KEY")
        .set("USER_SIG", "eJw-of-another*kind_");
    let page = setup.start().after_first_poll();
    assert_eq!(desk.requests()[0].user_sig(), "eJw-of-another*kind_");
    assert_eq!(desk.refusals()[0].code, 70003);
    assert_eq!(
        page.own("exporter_user_sig_expiry_timestamp_seconds", &[]),
        None
    );
    let failures = page.own("exporter_poll_failures_total", &[("class", "credentials")]);
    assert!(failures >= Some(1.0), "{page}");
}

#[test]
fn a_secret_in_a_file_ends_before_its_line_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let desk = Desk::with(rows::agents(1));
    for end in ["", "\n", "\r\n"] {
        fs::write(&file, format!("{}{end}", desk.account().key)).unwrap();
        let setup = Setup::of(&desk).unset("SECRET_KEY");
        setup.set("SECRET_KEY_FILE", &file).start().wait_until_up();
    }
    let (desk, signature) = desk_of_vector();
    fs::write(&file, format!("{signature}\n")).unwrap();
    let setup = Setup::of(&desk).unset("SECRET_KEY");
    setup.set("USER_SIG_FILE", &file).start().wait_until_up();
}

#[test]
fn a_rotated_key_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "yesterday's key").unwrap();
    let desk = Desk::with(rows::agents(1));
    desk.expect_refusals();
    let setup = Setup::busily(&desk).unset("SECRET_KEY");
    let exporter = setup.set("SECRET_KEY_FILE", &file).start();
    let page = exporter.after_first_poll();
    assert_eq!(page.own("up", &[]), Some(0.0));
    fs::write(&file, &desk.account().key).unwrap();
    exporter.wait_until_up();
}

#[test]
fn a_rotated_signature_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signature");
    let desk = Desk::with(rows::agents(1));
    desk.expect_refusals();
    let Account {
        sdk_app_id,
        identifier,
        key,
    } = desk.account().clone();
    let made = |time: i64| made_elsewhere(sdk_app_id, &identifier, &key, time, 86_400);
    fs::write(&file, made(now() - 90_000)).unwrap();
    let setup = Setup::busily(&desk).unset("SECRET_KEY");
    let exporter = setup.set("USER_SIG_FILE", &file).start();
    exporter.after_first_poll();
    assert_eq!(desk.refusals()[0].code, 70001);
    fs::write(&file, made(now())).unwrap();
    exporter.wait_until_up();
}

/// The ways in which a text could stand in a log or a URL.
fn spellings(text: &str) -> Vec<String> {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let starred = text.replace('*', "%2A");
    vec![text.to_owned(), encoded, starred]
}

#[track_caller]
fn assert_hides(shown: &str, desk: &Desk) {
    let mut secrets = vec![desk.account().key.clone()];
    for request in desk.requests() {
        let signature = request.user_sig();
        secrets.extend(Members::read(&signature).map(|members| members.signature));
        secrets.push(signature);
    }
    secrets.sort_unstable();
    secrets.dedup();
    for secret in secrets.iter().flat_map(|secret| spellings(secret)) {
        if let Some(line) = shown.lines().find(|line| line.contains(&secret)) {
            panic!("{secret} is shown: {line}");
        }
    }
}

fn everything_shown(exporter: &Exporter) -> String {
    let mut shown = exporter.output();
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        shown.push_str(exporter.get(path).text());
    }
    let command_line = fs::read(format!("/proc/{}/cmdline", exporter.pid()));
    shown.push_str(&String::from_utf8_lossy(&command_line.unwrap_or_default()));
    shown
}

#[test]
fn neither_key_nor_signature_is_ever_shown() {
    let desk = Desk::with(rows::agents(150));
    let elsewhere = format!("{}/v4/elsewhere?usersig=1", desk.url());
    desk.on_request(move |n, _| match n % 9 {
        1 => Reply::Reset,
        2 => Reply::Truncated,
        3 => Reply::Error(141_002),
        4 => Reply::Status(302, vec![("Location", elsewhere.clone())], String::new()),
        5 => Reply::body("<html>"),
        6 => Reply::Raw(b"nonsense".to_vec()),
        _ => Reply::Normal,
    });
    let setup = Setup::busily(&desk).set("LOG_LEVEL", "trace");
    let exporter = setup
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .start();
    exporter.wait_for("several failed polls", |_| desk.asked() >= 20);
    assert!(
        desk.requests().iter().all(|r| r.path() != "/v4/elsewhere"),
        "redirects are not followed"
    );
    assert_hides(&everything_shown(&exporter), &desk);
}

#[test]
fn mistakes_and_checks_show_no_secret_either() {
    let desk = Desk::with(rows::agents(1));
    let mistaken = Setup::of(&desk)
        .set("USER_SIG", "given")
        .set("TIME_ZONE", "Mars");
    assert_hides(&mistaken.run().output(), &desk);
    for reply in [
        Reply::Normal,
        Reply::Reset,
        Reply::Error(70_009),
        Reply::body("<html>"),
    ] {
        desk.always(reply);
        let check = Setup::of(&desk).set("LOG_LEVEL", "trace").args("check");
        assert_hides(&check.run().output(), &desk);
    }
}
