//! Which web configurations are taken: the same as by the toolkit, held against `promtool`, but for
//! the places where `deploy/WEB-CONFIGURATION.md` says that we are stricter. And what no file may do: take for ever,
//! or have its secrets repeated.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::support::authority::Authority;
use crate::support::curl::curl;
use crate::support::exporter::Setup;
use crate::support::{eventually, tools};
use crate::web::{METRIC, TLS, authority, hash, setup};

/// What becomes of a file, by `promtool`'s word and by ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Both take it.
    Taken,
    /// Neither does.
    Refused,
    /// Only `promtool` does: `deploy/WEB-CONFIGURATION.md` says so.
    Stricter,
    /// Only we do: YAML's words for a text, or a truth value in quotes, say the same to us.
    Laxer,
}

use Verdict::{Laxer, Refused, Stricter, Taken};

/// The keys that Debian's `promtool` does not know yet.
const NEW_KEYS: [&str; 5] = [
    "rate_limit",
    "client_allowed_sans",
    "cert:",
    "key:",
    "client_ca:",
];

const H: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

/// `tls_server_config` with a certificate, and `more`.
fn tls(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("tls_server_config: {{ cert_file: server.crt, key_file: server.key{comma}{more} }}\n")
}

/// The same for clients with certificates.
fn clients(kind: &str, more: &str) -> String {
    tls(&format!(
        "client_auth_type: {kind}, client_ca_file: ca.crt{more}"
    ))
}

fn users(entries: &str) -> String {
    format!("basic_auth_users: {{ {} }}\n", entries.replace("HASH", H))
}

fn http(entries: &str) -> String {
    format!("http_server_config: {{ {entries} }}\n")
}

fn rate(entries: &str) -> String {
    format!("rate_limit: {{ {entries} }}\n")
}

fn header(name: &str, value: &str) -> String {
    http(&format!("headers: {{ {name}: {value} }}"))
}

/// The sample file of the toolkit's documents has these sections.
fn sample() -> String {
    format!(
        "# TLS and basic authentication.\ntls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n\n\
         basic_auth_users:\n  alice: {}\n  bob: {}\n\nrate_limit:\n  interval: \"1s\" # between two\n  burst: 20 # at most\n",
        hash("2y", "alice"),
        hash("2y", "bob")
    )
}

/// Files as YAML has them.
fn shapes() -> Vec<(Verdict, String)> {
    let deep = |open: &str| open.repeat(60_000);
    vec![
        (Taken, String::new()),
        (Taken, "# nothing\n".into()),
        (Taken, "{}\n".into()),
        (Taken, "~\n".into()),
        (Taken, "null\n".into()),
        (Taken, sample()),
        (Taken, format!("\u{feff}{TLS}")),
        (
            Taken,
            format!("{TLS}\r\n{}", users("a: HASH")).replace('\n', "\r\n"),
        ),
        (Taken, format!("---\n{TLS}")),
        (Taken, format!("%YAML 1.1\n---\n{TLS}")),
        (Taken, format!("{TLS}...\n")),
        (Taken, format!("{TLS}---\nunknown: 1\n")),
        (Taken, format!("{TLS}---\n[\n")),
        (Taken, "---\n---\nunknown: 1\n".into()),
        (
            Taken,
            "{\"http_server_config\": {\"http2\": true}}\n".into(),
        ),
        (Taken, "? http_server_config\n: {http2: true}\n".into()),
        (Taken, users("a: &h HASH, b: *h")),
        (Taken, users("a: !!str HASH")),
        (Taken, users("12: HASH, \"\": HASH")),
        (Taken, format!("basic_auth_users:\n  a: |\n    {H}\n")),
        (
            Taken,
            format!("basic_auth_users:\n  <<: {{a: {H}}}\n  b: {H}\n"),
        ),
        (
            Taken,
            format!("<<: &all\n  basic_auth_users:\n    a: {H}\n"),
        ),
        (
            Taken,
            format!(
                "<<: [{{basic_auth_users: {{a: {H}}}}}, {{http_server_config: {{http2: false}}}}]\n"
            ),
        ),
        (Taken, "<<: []\n".into()),
        (Taken, http("<<: {http2: false}, http2: true")),
        (
            Taken,
            "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n".into(),
        ),
        (Stricter, http("http2: true, <<: {http2: false}")),
        (Stricter, http("<<: [{http2: true}, {http2: false}]")),
        (
            Laxer,
            "\"<<\": {http_server_config: {http2: true}}\n".into(),
        ),
        (Laxer, format!("%YAML 1.2\n---\n{TLS}")),
        (Refused, "s3cret\n".into()),
        (Refused, "[]\n".into()),
        (Refused, "12\n".into()),
        (Refused, "unknown: {}\n".into()),
        (Refused, "tls-server-config: {}\n".into()),
        (Refused, "1: {}\n".into()),
        (Refused, "[a]: {}\n".into()),
        (Refused, "{a: b}: {}\n".into()),
        (Refused, "<<: {unknown: 1}\n".into()),
        (Refused, "<<: s3cret\n".into()),
        (Refused, "<<:\n".into()),
        (Refused, "tls_server_config: *unknown\n".into()),
        (Refused, "tls_server_config: &t { <<: *t }\n".into()),
        (Refused, "tls_server_config: [\n".into()),
        (Refused, "tls_server_config:\n\tcert_file: a\n".into()),
        (Refused, "# \u{1}\n".into()),
        (Refused, "# \u{7f}\n".into()),
        (Refused, TLS.repeat(2)),
        (Refused, users("a: HASH").repeat(2)),
        (Refused, http("http2: true, http2: true")),
        (Refused, users("a: HASH, a: HASH")),
        (Refused, users("12: HASH, \"12\": HASH")),
        (
            Refused,
            format!("basic_auth_users:\n  <<: {{a: {H}}}\n  a: {H}\n"),
        ),
        (Refused, deep("[")),
        (Refused, deep("{a: ")),
        (Refused, deep("- ")),
        (Refused, deep("? ")),
        (Refused, format!("{}: 1\n", "x".repeat(200_000))),
        (Refused, users(&format!("a: {}", "x".repeat(200_000)))),
    ]
}

/// Files as the sections have them.
fn sections() -> Vec<(Verdict, String)> {
    let all = "RequireAndVerifyClientCert";
    let sans = ", client_allowed_sans: [a]";
    vec![
        (Taken, tls("")),
        (
            Taken,
            tls(
                "client_auth_type: , cipher_suites: , min_version: , prefer_server_cipher_suites: ",
            ),
        ),
        (Taken, tls("client_auth_type: \"\"")),
        (Taken, tls("client_auth_type: RequireClientCert")),
        (
            Taken,
            tls("min_version: TLS12, max_version: TLS13, curve_preferences: [CurveP256, X25519]"),
        ),
        (
            Taken,
            tls("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"),
        ),
        (
            Taken,
            "tls_server_config: { cert_file: , key_file: }\n".into(),
        ),
        (Taken, clients("RequestClientCert", "")),
        (Taken, clients("RequireAnyClientCert", "")),
        (Taken, clients("VerifyClientCertIfGiven", "")),
        (Taken, clients(all, "")),
        (Taken, clients(all, sans)),
        (Taken, clients(all, ", client_allowed_sans: []")),
        (
            Taken,
            clients("RequireAnyClientCert", ", client_allowed_sans: "),
        ),
        (Stricter, clients("RequestClientCert", sans)),
        (Stricter, clients("RequireAnyClientCert", sans)),
        (Stricter, clients("VerifyClientCertIfGiven", sans)),
        (Stricter, tls("client_allowed_sans: [a]")),
        (
            Stricter,
            tls("client_auth_type: RequestClientCert, client_allowed_sans: []"),
        ),
        (Stricter, tls(&format!("client_auth_type: {all}"))),
        (Stricter, tls("client_auth_type: VerifyClientCertIfGiven")),
        (Stricter, clients(all, ", client_ca: x")),
        (Stricter, tls("cert: x")),
        (Stricter, tls("min_version: TLS10")),
        (Stricter, tls("min_version: TLS13, max_version: TLS12")),
        (Stricter, tls("curve_preferences: [CurveP521]")),
        (Stricter, tls("cipher_suites: [null]")),
        (Stricter, clients(all, ", client_allowed_sans: [a, null]")),
        (
            Refused,
            "tls_server_config: { cert_file: server.crt }\n".into(),
        ),
        (
            Refused,
            "tls_server_config: { cert_file: server.crt, key_file: nothing.key }\n".into(),
        ),
        (
            Refused,
            "tls_server_config: { cert_file: web.yml, key_file: server.key }\n".into(),
        ),
        (Refused, tls("client_ca_file: ca.crt")),
        (
            Refused,
            tls(&format!(
                "client_auth_type: {all}, client_ca_file: nothing.crt"
            )),
        ),
        (Refused, tls("client_auth_type: requireandverifyclientcert")),
        (Refused, tls("client_auth_type: 1")),
        (Refused, tls("client_auth_type: [a]")),
        (Refused, clients(all, ", client_allowed_sans: a")),
        (Refused, clients(all, ", client_allowed_sans: [[a]]")),
        (Refused, tls("min_version: TLS99")),
        (Refused, tls("min_version: \"\"")),
        (
            Refused,
            tls("cipher_suites: TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ),
        (Refused, tls("cipher_suites: [x]")),
        (Refused, tls("curve_preferences: [x]")),
        (Refused, tls("prefer_server_cipher_suites: maybe")),
        (Refused, tls("unknown: x")),
        (Refused, "tls_server_config: true\n".into()),
        (Refused, "tls_server_config: \"\"\n".into()),
        (Refused, "tls_server_config: []\n".into()),
        (Taken, http("http2: yes")),
        (Taken, http("http2: On")),
        (Taken, http("http2: n")),
        (Taken, http("http2: ")),
        (Laxer, http("http2: \"true\"")),
        (Laxer, http("http2: \"off\"")),
        (Refused, http("http2: perhaps")),
        (Refused, http("http2: 1")),
        (Refused, http("http2: \"\"")),
        (Taken, header("X-Frame-Options", "sameorigin")),
        (Taken, header("X-XSS-Protection", "0")),
        (Taken, header("X-XSS-Protection", "")),
        (Taken, header("Content-Security-Policy", "\"\u{e4}\"")),
        (Stricter, header("X-XSS-Protection", "\"a\\nb\"")),
        (Laxer, header("X-Frame-Options", "")),
        (Refused, header("X-Frame-Options", "\"\"")),
        (Refused, header("X-Frame-Options", "DENY")),
        (Refused, header("X-Content-Type-Options", "sniff")),
        (Refused, header("x-frame-options", "deny")),
        (Refused, header("Server", "x")),
        (Refused, http("headers: [X-XSS-Protection]")),
        (Taken, users("a: HASH")),
        (
            Stricter,
            users(&format!("a: {}", H.replace("$05$", "$17$"))),
        ),
        (
            Stricter,
            users(&format!("a: {}", H.replace("$2y$", "$2x$"))),
        ),
        (Stricter, users(&format!("a: {}", H.replace("$2y$", "$2$")))),
        (Stricter, users("a: HASHx")),
        (Stricter, users(&format!("a: {}", &H[..59]))),
        (Refused, users(&format!("a: {}", H.replace("$05$", "$03$")))),
        (Refused, users(&format!("a: {}", H.replace("$05$", "$32$")))),
        (Refused, users("a: ann")),
        (Refused, users("a: 12")),
        (Refused, users("a: true")),
        (Refused, users("a: ")),
        (Refused, users("a: [x]")),
        (Refused, users("[a]: HASH")),
        (Refused, "basic_auth_users: [a]\n".into()),
        (Taken, rate("interval: 1s, burst: 20")),
        (Taken, rate("interval: \"1h2m3.5s4ms\", burst: 1")),
        (Taken, rate("interval: 100µs, burst: 1_000")),
        (Taken, rate("interval: 1000000000, burst: 1")),
        (Taken, rate("interval: 1.5, burst: 1")),
        (Taken, rate("interval: 0, burst: 1")),
        (Taken, rate("interval: , burst: ")),
        (Taken, rate("burst: 1")),
        (Stricter, rate("interval: 1s")),
        (Stricter, rate("interval: 1s, burst: -1")),
        (Stricter, rate("interval: -1s, burst: 1")),
        (Stricter, rate("interval: 1s, burst: 1.5")),
        (Stricter, rate("interval: 1s, burst: 010")),
        (Laxer, rate("interval: 1s, burst: \"20\"")),
        (Laxer, rate("interval: \"10\", burst: 1")),
        (Refused, rate("interval: 1d, burst: 1")),
        (Refused, rate("interval: \"\", burst: 1")),
        (Refused, rate("interval: yes, burst: 1")),
        (Refused, rate("interval: 1s, burst: 1, unknown: 1")),
        (Refused, "rate_limit: 1s\n".into()),
    ]
}

/// Whether `promtool` takes the file.
fn is_taken_by(promtool: &Path, file: &Path) -> bool {
    let output = Command::new(promtool)
        .args(["check", "web-config"])
        .arg(file)
        .output();
    output.unwrap().status.success()
}

/// What `check` says of the file; nothing where it takes it. (There is no account, so it always has
/// something else to say.)
fn told_of(file: &Path) -> String {
    let check = Setup::bare().args("check").set("WEB_CONFIG_FILE", file);
    let told = check.run().expect_code(64).stderr;
    let lines = told.lines();
    lines
        .filter(|line| line.contains("WEB_CONFIG_FILE"))
        .collect()
}

fn hold_against_promtool(authority: &Authority, name: &str, verdict: Verdict, text: &str) {
    let file = authority.write(&format!("{name}.yml"), text);
    let is_new = NEW_KEYS.iter().any(|key| text.contains(key));
    let by_newest = is_taken_by(&tools::newer_promtool(), &file);
    let debians = tools::promtool();
    let by_debians = if is_new {
        by_newest
    } else {
        is_taken_by(&debians, &file)
    };
    let is_theirs = matches!(verdict, Taken | Stricter);
    let shown: String = text.chars().take(300).collect();
    assert_eq!(
        (by_newest, by_debians),
        (is_theirs, is_theirs),
        "promtool on {shown}"
    );
    let told = told_of(&file);
    let is_ours = matches!(verdict, Taken | Laxer);
    assert_eq!(told.is_empty(), is_ours, "{verdict:?} {shown}: {told}");
    assert!(!told.contains("s3cret") && told.len() < 600, "{told}");
}

#[test]
fn promtool_agrees_on_what_is_taken() {
    let authority = authority();
    authority.write("web.yml", "");
    let files: Vec<_> = shapes().into_iter().chain(sections()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((verdict, text)) = files.get(n) else {
                        break;
                    };
                    hold_against_promtool(&authority, &format!("file-{n}"), *verdict, text);
                }
            });
        }
    });
}

#[test]
fn a_file_of_utf_16_is_taken_as_promtool_takes_it() {
    let authority = authority();
    let units = format!("\u{feff}{TLS}{}", users("a: HASH"));
    let bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = authority.file("web.yml");
    fs::write(&file, bytes).unwrap();
    assert!(is_taken_by(&tools::newer_promtool(), &file));
    assert_eq!(told_of(&file), "");
}

/// What is deep, wide, long or large beyond all sense.
fn bombs() -> Vec<String> {
    let aliases = |times: usize, of: char| vec![format!("*{of}"); times].join(",");
    let mut laughs = "http_server_config: {<<: &b {http2: on}}\n".to_owned();
    for (new, old) in ('c'..='z').zip('b'..) {
        laughs += &format!("<<: &{new} {{<<: [{}]}}\n", aliases(9, old));
    }
    vec![
        "{a: ".repeat(60_000),
        "a: ".to_owned() + &"{a: ".repeat(60_000),
        "<<: {".repeat(900),
        "[".repeat(200_000),
        laughs,
        format!("tls_server_config: &a {{<<: [{}]}}", aliases(60_000, 'a')),
        "# s3cret\n".repeat(1_000_000),
        "s3cret".repeat(40_000),
    ]
}

#[test]
fn a_file_without_end_is_refused_at_the_start_and_at_a_reload() {
    let authority = authority();
    for bomb in bombs() {
        let file = authority.write("bomb.yml", &bomb);
        for command in ["check", "demo"] {
            let setup = Setup::bare().args(command).set("WEB_CONFIG_FILE", &file);
            let told = setup.run().expect_code(64).stderr;
            assert!(told.contains("WEB_CONFIG_FILE: "), "{told}");
            assert!(!told.contains("s3cret") && told.len() < 5000, "{told}");
        }
    }
    let file = authority.write("web.yml", TLS);
    let exporter = setup(&file).start();
    let url = format!("https://{}/metrics", exporter.address());
    for bomb in bombs() {
        for (text, line) in [
            (bomb.as_str(), format!("{METRIC} 0")),
            (TLS, format!("{METRIC} 1")),
        ] {
            authority.write("web.yml", text);
            let is_there = || {
                let page = curl(authority.folder(), &url, "--cacert ca.crt");
                assert_eq!(page.status, "200", "{page:?}");
                page.text.contains(&format!("\n{line}\n")).then_some(())
            };
            assert!(
                eventually(is_there).is_some(),
                "{line}: {}",
                exporter.output()
            );
        }
    }
    assert!(!exporter.output().contains("s3cret"));
}

/// A copy of the example works only with a hash of its own.
#[test]
fn the_example_is_taken_once_it_has_a_hash_and_not_before() {
    let authority = authority();
    for (from, to) in [("server.crt", "tls.crt"), ("server.key", "tls.key")] {
        fs::copy(authority.file(from), authority.file(to)).unwrap();
    }
    let page = include_str!("../../deploy/WEB-CONFIGURATION.md");
    let blocks = page.split("```yaml\n").skip(1);
    let mut texts = blocks.filter_map(|block| block.split("```").next());
    let example = texts
        .find(|text| text.contains("basic_auth_users"))
        .unwrap();
    let told = told_of(&authority.write("web.yml", example));
    assert!(told.contains("bcrypt"), "{told}");
    let lines = example.lines().map(|line| match line.split_once("$2y$") {
        Some((name, _)) => format!("{name}{H}\n"),
        None => format!("{line}\n"),
    });
    let file = authority.write("web.yml", &lines.collect::<String>());
    assert_eq!(told_of(&file), "");
    assert!(is_taken_by(&tools::newer_promtool(), &file));
}
