//! The key signs for a whole application: it is used as the documents say, and never shown.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::Unanswered;
use crate::support::desk::{Desk, Reply, Request};
use crate::support::exporter::Setup;
use crate::support::rows;
use crate::support::rules::Account;
use crate::support::secrecy::{assert_hides, everything_shown};
use crate::support::tls::{Certificate, Middleman};
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
        key: "the-key-is-text:not-hexadecimal".to_owned(),
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
fn what_stands_around_a_secret_is_not_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let desk = Desk::with(rows::agents(1));
    let bare = || Setup::of(&desk).unset("SECRET_KEY");
    let (vector, signature) = desk_of_vector();
    for (before, after) in [
        ("", "\n"),
        ("", "\r\n"),
        ("\u{feff}", ""),
        ("\u{feff} \t", " \t\r\n"),
        ("\n\n", "\n\n\n"),
        ("\r\n\u{3000}", "\u{a0}\u{feff}\n"),
    ] {
        let key = format!("{before}{}{after}", desk.account().key);
        fs::write(&file, &key).unwrap();
        bare().set("SECRET_KEY_FILE", &file).start().wait_until_up();
        bare().set("SECRET_KEY", &key).start().wait_until_up();

        fs::write(&file, format!("{before}{signature}{after}")).unwrap();
        let setup = Setup::of(&vector).unset("SECRET_KEY");
        setup.set("USER_SIG_FILE", &file).start().wait_until_up();
    }
    assert!(desk.refusals().is_empty() && vector.refusals().is_empty());
}

/// What a file may hold that is no secret, though one stands in it.
const ODD: [(&[u8], &str); 12] = [
    (b"\"0123abcd\"", "quotes"),
    (b"'0123abcd'\n", "quotes"),
    ("“0123abcd”".as_bytes(), "quotes"),
    (b"0123 abcd", "a blank"),
    (b"0123\tabcd", "a blank"),
    (b"0123abcd\n4567\n", "several lines"),
    ("0123ａbcd".as_bytes(), "other than ASCII"),
    ("0123abcd\u{200b}".as_bytes(), "other than ASCII"),
    (b"0123\x1babcd", "a control character"),
    (b"\xff\xfe0\x001\x002\x003\x00", "UTF-16"),
    (b"0123abcd\0", "UTF-16"),
    (b"0123\xff", "UTF-8"),
];

#[test]
fn an_odd_secret_is_refused_with_a_word_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let desk = Desk::with(rows::agents(1));
    let bare = Setup::of(&desk).unset("SECRET_KEY");
    for (content, told) in ODD {
        for name in ["SECRET_KEY", "USER_SIG"] {
            fs::write(&file, content).unwrap();
            let of_file = format!("{name}_FILE");
            let mut finished = vec![(
                bare.clone().set(&of_file, &file).run().expect_code(64),
                of_file,
            )];
            // What a variable can hold.
            if !content.contains(&0) && content.is_ascii() {
                let value = std::str::from_utf8(content).unwrap();
                let run = bare.clone().set(name, value).args("check").run();
                finished.push((run.expect_code(64), name.to_owned()));
            }
            for (finished, name) in finished {
                let line = finished.stderr.trim();
                assert!(
                    line.starts_with(&format!("TENCENT_DESK_{name}: ")),
                    "{line}"
                );
                assert!(line.contains(told) && !line.contains("0123"), "{line}");
                assert_eq!(line.lines().count(), 1, "{line}");
            }
        }
    }
    assert_eq!(desk.asked(), 0);
}

#[test]
fn a_secret_in_anothers_place_is_told_and_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let (desk, signature) = desk_of_vector();
    let key = desk.account().key.clone();
    let path = file.to_str().unwrap().to_owned();
    for (name, value, told) in [
        ("SECRET_KEY", &path, "a path"),
        ("USER_SIG", &path, "a path"),
        ("SECRET_KEY", &signature, "a UserSig and no key"),
        ("USER_SIG", &key, "a key and no UserSig"),
    ] {
        fs::write(&file, value).unwrap();
        let bare = Setup::of(&desk).unset("SECRET_KEY").args("check");
        let of_file = format!("{name}_FILE");
        for setup in [bare.clone().set(name, value), bare.set(&of_file, &file)] {
            let line = setup.run().expect_code(64).stderr;
            let names = line.starts_with(&format!("TENCENT_DESK_{name}"));
            assert!(names && line.contains(told), "{line}");
            assert!(!line.contains(&key) && !line.contains(&signature), "{line}");
        }
    }
    assert_eq!(desk.asked(), 0);
}

#[test]
fn an_odd_secret_that_comes_later_is_told_once_and_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let desk = Desk::with(rows::agents(1));
    fs::write(&file, &desk.account().key).unwrap();
    let setup = Setup::busily(&desk).unset("SECRET_KEY");
    let exporter = setup.set("SECRET_KEY_FILE", &file).start();
    exporter.wait_until_up();
    // What is the same as before is not told again.
    let mut odd = ODD.to_vec();
    odd.dedup_by_key(|(_, told)| *told);
    for (content, told) in odd {
        let before = exporter.log().len();
        fs::write(&file, content).unwrap();
        exporter.hang_up();
        exporter.wait_for("a word", |_| {
            let log = exporter.log();
            log[before..].iter().any(|line| line.contains(told))
        });
    }
    let asked = desk.asked();
    exporter.wait_for("more polls", |_| desk.asked() > asked + 2);
    let log = exporter.output();
    assert!(desk.refusals().is_empty(), "{log}");
    assert!(!log.contains("0123") && !log.contains("abcd"), "{log}");
    assert_eq!(log.matches("holds no UTF-8 text").count(), 1, "{log}");
}

#[test]
fn a_rotated_key_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "yesterdays-key").unwrap();
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

/// Answers that hold what they were asked, so that logging them gives it away.
fn echoes(request: &Request, key: &str) -> Vec<Reply> {
    let (target, signature) = (&request.target, request.user_sig());
    let said = |code: i64, info: &str| Reply::body(rows::refusal(code, info));
    let member = |name: &str| {
        let row = rows::with(rows::agent("a"), json!({ name: 1, "FreeTime": name }));
        rows::answer(1, &[row.to_string()])
    };
    let location = |url: String| Reply::Status(302, vec![("Location", url)], signature.clone());
    let raw = |head: String| Reply::Raw(head.into_bytes());
    vec![
        said(70_003, &format!("cannot read {target}")),
        said(70_009, &format!("bad usersig {signature}, by key {key}")),
        said(141_002, &format!("usersig={signature}\nkey={key}")),
        said(99_999, &format!("<{key}>\"{signature}\"")),
        location(target.clone()),
        location(format!("http://elsewhere.test{target}&key={key}")),
        location(format!("http://[{signature}")),
        raw(format!("HTTP/1.1 500 {signature}\r\n\r\n")),
        raw(format!("HTTP/1.1 200 OK\r\n{signature}\r\n\r\n")),
        raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {signature}\r\n\r\n"
        )),
        raw(format!("{signature} {key}\r\n\r\n")),
        Reply::body(format!("{{\"ErrorCode\":\"{signature}\"}}")),
        Reply::body(format!("{{\"{key}\" {signature}")),
        Reply::body(member(&signature)),
        Reply::body(member(key)),
        Reply::body(member(target)),
    ]
}

#[test]
fn what_desk_repeats_is_not_repeated_by_us() {
    std::thread::scope(|scope| {
        for format in ["logfmt", "json"] {
            scope.spawn(move || {
                let desk = Desk::with(rows::agents(1));
                let key = desk.account().key.clone();
                desk.on_request(move |n, request| {
                    let replies = echoes(request, &key);
                    replies[n % replies.len()].clone()
                });
                let setup = Setup::busily(&desk)
                    .set("LOG_LEVEL", "trace")
                    .set("LOG_FORMAT", format);
                let exporter = setup
                    .env("RUST_LOG", "trace")
                    .env("RUST_BACKTRACE", "1")
                    .start();
                exporter.wait_for("every echo", |_| {
                    assert_hides(&everything_shown(&exporter), &desk);
                    desk.asked() >= 20
                });
                let polled = desk.requests();
                let path = polled[0].path().to_owned();
                assert!(
                    polled.iter().all(|r| r.path() == path),
                    "a redirect was followed"
                );
            });
        }
    });
}

#[test]
fn connections_that_cannot_be_made_show_nothing_either() {
    let (desk, certificate) = (Desk::with(rows::agents(1)), Certificate::make());
    let front = Middleman::tls(&certificate, desk.address());
    let refusing = Middleman::refusing("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    let proxy = format!("http://user:pr0xy-passw0rd@{}", refusing.address());
    // So that the Desk sees a signature that can be looked for.
    let setup = Setup::of(&desk).set("LOG_LEVEL", "trace");
    setup.clone().start().wait_until_up();
    let signed = setup
        .unset("SECRET_KEY")
        .set("USER_SIG", desk.requests()[0].user_sig());
    let unanswered = Unanswered::new();
    let closed = unanswered.address().to_string();
    for (endpoint, proxy) in [
        (format!("http://{closed}"), ""),
        (format!("https://{closed}"), ""),
        (format!("https://{}", front.address()), ""),
        (format!("https://{}", desk.address()), ""),
        ("https://desk.invalid".to_owned(), ""),
        ("https://desk.invalid".to_owned(), proxy.as_str()),
        ("https://desk.invalid".to_owned(), closed.as_str()),
    ] {
        for format in ["logfmt", "json"] {
            let exporter = signed
                .clone()
                .set("ENDPOINT", &endpoint)
                .set("LOG_FORMAT", format)
                .set("REQUEST_TIMEOUT", "2s")
                .env("HTTPS_PROXY", proxy)
                .start();
            let page = exporter.after_first_poll();
            let failures = page.own("exporter_poll_failures_total", &[("class", "network")]);
            assert!(failures >= Some(1.0), "{endpoint} by {proxy:?}: {page}");
            let shown = everything_shown(&exporter);
            assert_hides(&shown, &desk);
            assert!(!shown.contains("pr0xy-passw0rd"), "{shown}");
        }
    }
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
