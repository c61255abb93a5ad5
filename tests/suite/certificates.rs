//! Which client certificates are accepted: those, and only those, with which Go's TLS would let a client in,
//! seen by curl; and what the log says of the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::support::authority::Authority;
use crate::support::curl::curl;
use crate::support::exporter::{Exporter, Finished, Setup, logfmt};
use crate::support::wall::Wall;
use crate::support::{LIMIT, eventually, tools};

const SERVER: &str = "DNS:localhost,IP:127.0.0.1";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign";
const CLIENT: &str = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:prometheus.test";
const REFUSED: &str = "a client was refused in the handshake";

fn authority() -> Authority {
    let authority = Authority::make();
    authority.sign("server", SERVER);
    authority
}

/// A web configuration whose clients have to be vouched for by those in `known`.crt.
fn guarded(authority: &Authority, known: &str) -> Setup {
    encrypted(
        authority,
        &format!(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {known}.crt"),
    )
}

fn encrypted(authority: &Authority, more: &str) -> Setup {
    let text =
        format!("tls_server_config: {{ cert_file: server.crt, key_file: server.key{more} }}\n");
    let file = authority.write("web.yml", &text);
    Setup::bare().args("demo").set("WEB_CONFIG_FILE", file)
}

/// The status of `/metrics` for a client with this certificate, "000" where it is refused.
fn status(authority: &Authority, exporter: &Exporter, name: &str, args: &str) -> String {
    let certificate = format!("--cert {name}.crt --key {name}.key");
    fetch(authority, exporter, &format!("{certificate} {args}"))
}

fn fetch(authority: &Authority, exporter: &Exporter, args: &str) -> String {
    let url = format!("https://{}/metrics", exporter.address());
    let fetched = curl(authority.folder(), &url, &format!("--cacert ca.crt {args}"));
    fetched.status
}

/// The reasons that were told, in their order.
fn reasons(exporter: &Exporter) -> Vec<String> {
    let log = exporter.log();
    let lines = log.iter().filter(|line| line.contains(REFUSED));
    lines.map(|line| logfmt(line)["reason"].clone()).collect()
}

#[test]
fn every_certificate_that_go_takes_is_taken() {
    let authority = authority();
    // As `openssl req -x509` makes them; one that is not that of an authority; and old ones.
    authority.issue(
        "own",
        "basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:x.test",
        None,
    );
    authority.issue("leaf", CLIENT, None);
    authority.issue("bare", "subjectAltName=DNS:x.test", None);
    authority.issue("old", "", None);
    authority.issue("old-client", "", Some("ca"));
    authority.issue("old-root", "", None);
    authority.issue("below-old", CLIENT, Some("old-root"));
    authority.issue("between", "basicConstraints=CA:TRUE", Some("ca"));
    authority.issue("below", CLIENT, Some("between"));
    authority.bundle("chain", &["below", "between"]);
    authority.issue(
        "any",
        &format!("{CLIENT}\nextendedKeyUsage=anyExtendedKeyUsage"),
        Some("ca"),
    );
    authority.issue("critical", &format!("{CLIENT}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,clientAuth,serverAuth"), Some("ca"));
    authority.issue_key("rsa:2048", "rsa", CLIENT, Some("ca"));
    authority.issue_key("rsa:2048", "old-rsa", "", Some("ca"));
    authority.issue_key("ed25519", "ed", CLIENT, Some("ca"));
    authority.issue_key(
        "ec -pkeyopt ec_paramgen_curve:secp384r1",
        "p384",
        CLIENT,
        Some("ca"),
    );
    authority.bundle("known", &["own", "leaf", "bare", "old", "old-root", "ca"]);
    let exporter = guarded(&authority, "known").start();
    for name in [
        "own",
        "leaf",
        "bare",
        "old",
        "old-client",
        "below-old",
        "between",
        "any",
        "critical",
        "rsa",
        "old-rsa",
        "ed",
        "p384",
        "ca",
    ] {
        for version in ["--tlsv1.3", "--tls-max 1.2"] {
            let seen = status(&authority, &exporter, name, version);
            assert_eq!(seen, "200", "{name} {version}\n{}", exporter.output());
        }
    }
    let chain = "--cert chain.crt --key below.key";
    assert_eq!(fetch(&authority, &exporter, chain), "200");
    // Without the one between there is no way to the authority.
    assert_eq!(status(&authority, &exporter, "below", ""), "000");
}

/// Authorities that Go would not believe, with what is said of them; and whether they are good for
/// nothing else.
const UNBELIEVABLE: [(&str, &str, &str, bool); 6] = [
    (
        "no-ca",
        "basicConstraints=critical,CA:FALSE",
        "is not that of an authority",
        false,
    ),
    (
        "silent",
        "subjectAltName=DNS:x.test",
        "is not that of an authority",
        false,
    ),
    (
        "no-signer",
        "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,cRLSign",
        "may not sign",
        false,
    ),
    (
        "unheard-of",
        "basicConstraints=CA:TRUE\n1.2.3.4=critical,DER:0500",
        "critical extension",
        true,
    ),
    (
        "for-servers",
        "basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth",
        "for another purpose",
        true,
    ),
    (
        "directories",
        "basicConstraints=CA:TRUE\nnameConstraints=critical,permitted;dirName:who",
        "critical extension",
        true,
    ),
];

#[test]
fn an_authority_that_go_does_not_trust_is_not_trusted_and_spoils_no_other() {
    let authority = authority();
    authority.issue("good", CLIENT, Some("ca"));
    for (name, extensions, reason, is_useless) in UNBELIEVABLE {
        authority.issue(name, extensions, None);
        authority.issue("client", CLIENT, Some(name));
        authority.bundle("known", &[name, "ca"]);
        let exporter = guarded(&authority, "known").start();
        assert_eq!(status(&authority, &exporter, "client", ""), "000", "{name}");
        assert_eq!(status(&authority, &exporter, "good", ""), "200", "{name}");
        let log = exporter.log();
        let warned = |line: &String| {
            line.contains("level=warn")
                && line.contains("known.crt: certificate 1 in it")
                && line.contains(reason)
        };
        assert!(log.iter().any(warned), "{name}: {log:#?}");
        wait_for_reason(&exporter, reason);
        let alone = guarded(&authority, name);
        match is_useless {
            true => expect_mistake(alone, reason),
            false => drop(alone.start()),
        }
    }
    // So it is where it comes while the exporter runs.
    let exporter = guarded(&authority, "ca").start();
    authority.bundle("ca", &["ca", "silent"]);
    exporter.wait_for_output("ca.crt: certificate 2 in it");
    authority.write("known.crt", "no certificate at all");
    expect_mistake(guarded(&authority, "known"), "there is no certificate");
    authority.write(
        "known.crt",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    expect_mistake(guarded(&authority, "known"), "cannot be read");
}

#[track_caller]
fn expect_mistake(setup: Setup, what: &str) {
    let refused: Finished = setup.run().expect_code(64);
    let said = &refused.stderr;
    assert!(
        said.contains("client_ca_file") && said.contains(what),
        "{said}"
    );
}

#[test]
fn a_path_below_an_authority_is_judged_as_a_whole() {
    let authority = authority();
    let root = |more: &str| format!("basicConstraints=critical,CA:TRUE{more}");
    for (name, roots, betweens, reason) in [
        ("short", root(",pathlen:0"), AUTHORITY.to_owned(), "pathlen"),
        (
            "flat",
            root(""),
            "basicConstraints=CA:FALSE".to_owned(),
            "is not that of an authority",
        ),
        (
            "mute",
            root(""),
            "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature".to_owned(),
            "may not sign",
        ),
        (
            "narrow",
            root("\nextendedKeyUsage=clientAuth"),
            "basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth".to_owned(),
            "for another purpose",
        ),
        (
            "bound",
            root("\nnameConstraints=permitted;DNS:other.test"),
            AUTHORITY.to_owned(),
            "nameConstraints",
        ),
        (
            "old",
            root(""),
            String::new(),
            "is not that of an authority",
        ),
    ] {
        authority.issue(name, &roots, None);
        authority.issue("between", &betweens, Some(name));
        authority.issue("below", CLIENT, Some("between"));
        authority.bundle("chain", &["below", "between"]);
        let exporter = guarded(&authority, name).start();
        let chain = "--cert chain.crt --key below.key";
        assert_eq!(fetch(&authority, &exporter, chain), "000", "{name}");
        wait_for_reason(&exporter, reason);
    }
}

#[test]
fn a_certificate_that_expires_while_the_exporter_runs_gives_no_access_any_more() {
    let authority = authority();
    authority.issue("client", CLIENT, Some("ca"));
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string();
    let wall = Wall::at(&now, "UTC");
    let exporter = wall.over(guarded(&authority, "ca")).start();
    assert_eq!(status(&authority, &exporter, "client", ""), "200");
    wall.jump(3 * 86_400);
    assert_eq!(status(&authority, &exporter, "client", ""), "000");
    wait_for_reason(&exporter, "its certificate has expired");
    // By now the file is refused at the start.
    let wall = Wall::at("2060-01-01T00:00:00", "UTC");
    expect_mistake(wall.over(guarded(&authority, "ca")), "has expired");
}

/// A session that is resumed would pass over what has expired since it began.
#[test]
fn a_client_with_a_certificate_shakes_hands_anew_each_time() {
    let authority = authority();
    authority.issue("client", CLIENT, Some("ca"));
    let exporter = guarded(&authority, "ca").start();
    for version in ["-tls1_2", "-tls1_3"] {
        let args = format!("{version} -CAfile ca.crt -cert client.crt -key client.key");
        let session = format!("session{version}");
        s_client(
            &authority,
            &exporter,
            &format!("{args} -sess_out {session}"),
        );
        // In TLS 1.3 there is none where the server offers none.
        let resume = match authority.file(&session).exists() {
            true => format!("-sess_in {session}"),
            false => String::new(),
        };
        let said = s_client(&authority, &exporter, &format!("{args} {resume}"));
        assert!(said.contains("New, TLSv1."), "{version}: {said}");
    }
}

/// What openssl's own client says, which is less cautious than curl.
fn s_client(authority: &Authority, exporter: &Exporter, args: &str) -> String {
    let mut command = Command::new(tools::openssl());
    command
        .args(["s_client", "-connect", &exporter.address().to_string()])
        .args(args.split_whitespace())
        .current_dir(authority.folder())
        .stdin(Stdio::null());
    String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
}

fn wait_for_reason(exporter: &Exporter, reason: &str) {
    let found = eventually(|| {
        reasons(exporter)
            .iter()
            .any(|told| told.contains(reason))
            .then_some(())
    });
    assert!(found.is_some(), "{reason}: {}", exporter.output());
}

#[test]
fn why_a_client_is_refused_is_told_in_words() {
    let authority = authority();
    authority.issue("stranger", CLIENT, None);
    authority.issue("other", "subjectAltName=DNS:other.test", Some("ca"));
    authority.issue(
        "server-only",
        &format!("{CLIENT}\nextendedKeyUsage=serverAuth"),
        Some("ca"),
    );
    authority.issue_key(
        "ec -pkeyopt ec_paramgen_curve:secp521r1",
        "p521",
        CLIENT,
        Some("ca"),
    );
    let names = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt, client_allowed_sans: [prometheus.test]";
    let exporter = encrypted(&authority, names).start();
    for (name, reason) in [
        ("stranger", "no authority that is known here"),
        ("other", "client_allowed_sans"),
        ("server-only", "is for another purpose"),
        ("p521", "P-256 or P-384"),
    ] {
        assert_eq!(status(&authority, &exporter, name, ""), "000", "{name}");
        wait_for_reason(&exporter, reason);
    }
    let exporter = guarded(&authority, "ca").start();
    assert_eq!(fetch(&authority, &exporter, ""), "000");
    wait_for_reason(&exporter, "it showed no certificate");
    let line = exporter
        .log()
        .into_iter()
        .find(|line| line.contains(REFUSED));
    let line = logfmt(&line.unwrap());
    assert_eq!(
        (line["level"].as_str(), line["peer"].as_str()),
        ("warn", "127.0.0.1")
    );

    let exporter = encrypted(&authority, ", min_version: TLS13").start();
    assert_eq!(fetch(&authority, &exporter, "--tls-max 1.2"), "000");
    wait_for_reason(&exporter, "no version of TLS");
    assert_eq!(fetch(&authority, &exporter, "--cacert stranger.crt"), "000");
    wait_for_reason(&exporter, "it does not trust this exporter's certificate");

    let exporter = encrypted(&authority, ", curve_preferences: [CurveP384]").start();
    s_client(&authority, &exporter, "-tls1_1 -cipher ALL:@SECLEVEL=0");
    wait_for_reason(&exporter, "no version of TLS");
    s_client(
        &authority,
        &exporter,
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA",
    );
    wait_for_reason(&exporter, "no cipher");
    s_client(&authority, &exporter, "-tls1_3 -groups X25519");
    wait_for_reason(&exporter, "no curve");
    let mut odd = TcpStream::connect(exporter.address()).unwrap();
    odd.write_all(b"\0\0\0\0\0\0\0\0").unwrap();
    wait_for_reason(&exporter, "no TLS");
}

#[test]
fn a_reason_is_told_once_however_often_it_occurs_and_a_look_at_the_port_is_none() {
    let authority = authority();
    let wall = Wall::at("2026-05-05T10:00:00", "UTC");
    let exporter = wall.over_waits(encrypted(&authority, "")).start();
    let garbage = || {
        let mut stream = TcpStream::connect(exporter.address()).unwrap();
        stream.write_all(b"\x01\x02\x03\x04\x05\x06").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    };
    for _ in 0..20 {
        drop(TcpStream::connect(exporter.address()).unwrap());
        garbage();
    }
    // All that came before it has been looked at by now.
    assert_eq!(fetch(&authority, &exporter, ""), "200");
    wait_for_reason(&exporter, "no TLS");
    assert_eq!(reasons(&exporter).len(), 1, "{}", exporter.output());
    wall.jump(61);
    garbage();
    let told = eventually(|| {
        let log = exporter.log();
        let mut lines = log.iter().filter(|line| line.contains(REFUSED)).skip(1);
        lines.next().map(|line| logfmt(line))
    });
    assert_eq!(told.unwrap()["times"], "20");
}

#[test]
fn http_without_tls_is_answered_with_what_is_wrong() {
    let authority = authority();
    let exporter = guarded(&authority, "ca").start();
    let url = format!("http://{}/metrics", exporter.address());
    for args in [
        "",
        "--http1.0",
        "--http2",
        "--http2-prior-knowledge",
        "-X POST -d a=b",
        "-X PUT -d a=b",
        "-X DELETE",
        "-X OPTIONS",
        "-X PROPFIND",
        "--head",
        "-u ann:ann",
    ] {
        let fetched = curl(authority.folder(), &url, args);
        assert_eq!(
            (fetched.code, fetched.status.as_str()),
            (0, "400"),
            "{args} {fetched:?}"
        );
        let says = fetched
            .text
            .contains("Client sent an HTTP request to an HTTPS server");
        assert!(says || args == "--head", "{args} {fetched:?}");
        let is_2 = args == "--http2-prior-knowledge";
        assert_eq!(fetched.version == "2", is_2, "{args} {fetched:?}");
    }
    wait_for_reason(&exporter, "it speaks HTTP without TLS");
    // The connection ends with it, whatever else is sent.
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let twice = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    stream.write_all(twice.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_those_that_can() {
    let authority = authority();
    for (key, what) in [
        ("ec -pkeyopt ec_paramgen_curve:secp521r1", "P-256 or P-384"),
        ("ec -pkeyopt ec_paramgen_curve:secp224r1", "P-256 or P-384"),
        ("rsa:1024", "RSA of 2048"),
    ] {
        authority.issue_key(
            key,
            "server",
            &format!("subjectAltName={SERVER}"),
            Some("ca"),
        );
        let refused = encrypted(&authority, "").run().expect_code(64);
        assert!(
            refused.stderr.contains("key:") && refused.stderr.contains(what),
            "{key}: {refused:?}"
        );
        authority.issue_key(key, "root", AUTHORITY, None);
        authority.sign("server", SERVER);
        expect_mistake(guarded(&authority, "root"), what);
    }
}

#[test]
fn a_certificate_of_version_1_is_shown_as_it_is() {
    let authority = authority();
    authority.issue("server", "", Some("ca"));
    let exporter = encrypted(&authority, "").start();
    let url = format!("https://{}/metrics", exporter.address());
    let fetched = curl(authority.folder(), &url, "--insecure");
    assert_eq!(fetched.status, "200", "{fetched:?}");
}
