//! The web configuration, as users of other exporters have it: TLS, client certificates and
//! passwords, seen by curl and by a real Prometheus; taken up anew while scrapes go on.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, available_parallelism};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::curl::curl;
use crate::support::exporter::{Exporter, Finished, Setup};
use crate::support::wall::Wall;
use crate::support::{LIMIT, Unanswered, eventually, http, prometheus, tools};

const SERVER: &str = "DNS:localhost,IP:127.0.0.1";
pub(crate) const TLS: &str = "tls_server_config: { cert_file: server.crt, key_file: server.key }\n";
pub(crate) const METRIC: &str = "tencent_desk_exporter_web_config_last_reload_successful";

/// An authority with a certificate for the exporter.
pub(crate) fn authority() -> Authority {
    let authority = Authority::make();
    authority.sign("server", SERVER);
    authority
}

/// A hash of `password` by the C library, which shares no code with ours.
pub(crate) fn hash(kind: &str, password: &str) -> String {
    let salt = format!("${kind}$05$abcdefghijklmnopqrstuu");
    let script = "print crypt($ARGV[0], $ARGV[1])";
    let made =
        tools::run(Command::new(tools::tool("perl", "perl")).args(["-e", script, password, &salt]));
    assert_eq!(made.len(), 60, "{made}");
    made
}

pub(crate) fn setup(file: impl AsRef<Path>) -> Setup {
    Setup::bare()
        .args("demo")
        .set("WEB_CONFIG_FILE", file.as_ref())
}

pub(crate) fn https(exporter: &Exporter, path: &str) -> String {
    format!("https://{}{path}", exporter.address())
}

/// The status of `/metrics`, "000" where the handshake fails.
#[track_caller]
pub(crate) fn status(authority: &Authority, exporter: &Exporter, args: &str) -> String {
    let url = https(exporter, "/metrics");
    let fetched = curl(authority.folder(), &url, &format!("--cacert ca.crt {args}"));
    assert_eq!(fetched.code == 0, fetched.status != "000", "{fetched:?}");
    fetched.status
}

#[test]
fn passwords_and_headers_hold_on_every_page() {
    let authority = authority();
    let users: String = [("2a", "ann"), ("2b", "bob"), ("2y", "cyd")]
        .map(|(kind, name)| format!("  {name}: {}\n", hash(kind, &format!("{name}:word"))))
        .concat();
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=7\n";
    let text = format!("{TLS}{headers}basic_auth_users:\n{users}");
    let exporter = setup(authority.write("web.yml", &text)).start();
    for name in ["ann", "bob", "cyd"] {
        assert_eq!(
            status(&authority, &exporter, &format!("-u {name}:{name}:word")),
            "200"
        );
    }
    for path in ["/metrics", "/", "/-/healthy", "/-/ready", "/nothing"] {
        for args in [
            "",
            "-u ann:word",
            "-u nobody:ann:word",
            "-u ann:",
            "-H Authorization:x",
        ] {
            let args = format!("--cacert ca.crt {args}");
            let fetched = curl(authority.folder(), &https(&exporter, path), &args);
            assert_eq!(fetched.status, "401", "{path} {args} {fetched:?}");
            let text = fetched.text.to_lowercase();
            for header in [
                "www-authenticate: basic",
                "x-frame-options: deny",
                "strict-transport-security: max-age=7",
            ] {
                assert!(text.contains(header), "{fetched:?}");
            }
        }
    }
}

#[test]
fn http2_is_spoken_unless_it_is_switched_off() {
    let authority = authority();
    for (more, version) in [("", "2"), ("http_server_config: { http2: false }\n", "1.1")] {
        let file = authority.write("web.yml", &format!("{TLS}{more}"));
        let mut exporter = setup(file).start();
        let url = https(&exporter, "/metrics");
        let fetched = curl(authority.folder(), &url, "--cacert ca.crt");
        assert_eq!(
            (fetched.status.as_str(), fetched.version.as_str()),
            ("200", version)
        );
        assert!(
            fetched.text.contains(&format!("\n{METRIC} 1\n")),
            "{}",
            fetched.text
        );
        // Two requests on one connection, and HTTP/1.1 where a client asks for it.
        let args = format!("--cacert ca.crt {url} -w %{{num_connects}}");
        let twice = curl(authority.folder(), &url, &args);
        assert_eq!(twice.code, 0);
        assert!(twice.text.ends_with("\n0"), "another connection: {twice:?}");
        let old = curl(authority.folder(), &url, "--cacert ca.crt --http1.1");
        assert_eq!(old.version, "1.1");
        assert!(exporter.terminate().success());
    }
}

#[test]
fn head_has_a_length_and_no_body_in_either_protocol() {
    let authority = authority();
    let users = format!("basic_auth_users:\n  ann: {}\n", hash("2b", "ann"));
    let exporter = setup(authority.write("web.yml", &format!("{TLS}{users}"))).start();
    for protocol in ["--http1.1", "--http2"] {
        for (login, status) in [("ann:ann", "200"), ("ann:bob", "401")] {
            let args = format!("--cacert ca.crt {protocol} --head -u {login}");
            let fetched = curl(authority.folder(), &https(&exporter, "/metrics"), &args);
            assert_eq!(
                (fetched.code, fetched.status.as_str()),
                (0, status),
                "{fetched:?}"
            );
            let text = fetched.text.to_lowercase();
            assert!(text.contains("\ncontent-length: "), "{text}");
            assert!(!text.contains("\ncontent-length: 0"), "{text}");
        }
    }
}

#[test]
fn clients_show_the_certificates_that_are_asked_for() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    authority.self_signed("stranger", "DNS:prometheus.test");
    let shows = [
        "",
        "--cert client.crt --key client.key",
        "--cert stranger.crt --key stranger.key",
    ];
    for (kind, expected) in [
        ("NoClientCert", ["200", "200", "200"]),
        ("RequestClientCert", ["200", "200", "200"]),
        ("RequireAnyClientCert", ["000", "200", "200"]),
        ("VerifyClientCertIfGiven", ["200", "200", "000"]),
        ("RequireAndVerifyClientCert", ["000", "200", "000"]),
    ] {
        let ca = match kind {
            "NoClientCert" => "",
            _ => "client_ca_file: ca.crt, ",
        };
        let text = format!(
            "tls_server_config: {{ cert_file: server.crt, key_file: server.key, {ca}client_auth_type: {kind} }}\n"
        );
        let exporter = setup(authority.write("web.yml", &text)).start();
        for tls in ["--tlsv1.3", "--tls-max 1.2"] {
            let seen = shows.map(|show| status(&authority, &exporter, &format!("{tls} {show}")));
            assert_eq!(seen, expected, "{kind} {tls}");
        }
    }
}

#[test]
fn only_clients_of_an_allowed_name_may_come() {
    let authority = authority();
    for (name, sans) in [
        ("dns", "DNS:other.test,DNS:prometheus.test"),
        ("email", "email:prometheus@test.test"),
        ("ip", "IP:192.0.2.7"),
        ("uri", "URI:spiffe://test/prometheus"),
        ("other", "DNS:x.prometheus.test"),
    ] {
        authority.sign(name, sans);
    }
    let text = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n  \
                client_auth_type: RequireAndVerifyClientCert\n  \
                client_allowed_sans: [prometheus.test, prometheus@test.test, 192.0.2.7, 'spiffe://test/prometheus']\n";
    let exporter = setup(authority.write("web.yml", text)).start();
    for (name, expected) in [
        ("dns", "200"),
        ("email", "200"),
        ("ip", "200"),
        ("uri", "200"),
        ("other", "000"),
    ] {
        let args = format!("--cert {name}.crt --key {name}.key");
        assert_eq!(status(&authority, &exporter, &args), expected, "{name}");
    }
}

#[test]
fn only_the_versions_and_ciphers_that_are_named_are_spoken() {
    let authority = authority();
    let cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    for (setting, expected) in [
        ("min_version: TLS13", ["000", "200"]),
        ("max_version: TLS12", ["200", "000"]),
        (
            &format!("cipher_suites: [{cipher}], prefer_server_cipher_suites: true"),
            ["200", "200"],
        ),
        // There is no RSA certificate, so this leaves nothing for TLS 1.2.
        (
            "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
            ["000", "200"],
        ),
        ("curve_preferences: [CurveP384]", ["200", "200"]),
    ] {
        let text = format!(
            "tls_server_config: {{ cert_file: server.crt, key_file: server.key, {setting} }}\n"
        );
        let exporter = setup(authority.write("web.yml", &text)).start();
        let seen = ["--tls-max 1.2", "--tlsv1.3"].map(|args| status(&authority, &exporter, args));
        assert_eq!(seen, expected, "{setting}");
    }
}

#[test]
fn a_real_prometheus_gets_in_with_all_that_is_asked_for_and_not_without() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    let text = format!(
        "tls_server_config: {{ cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, \
         client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.test] }}\n\
         basic_auth_users: {{ prometheus: {} }}\n",
        hash("2y", "right")
    );
    let exporter = setup(authority.write("web.yml", &text)).start();
    let job = |password: &str, has_certificate: bool, http2: bool| {
        let mut tls = json!({ "ca_file": authority.file("ca.crt") });
        if has_certificate {
            tls["cert_file"] = json!(authority.file("client.crt"));
            tls["key_file"] = json!(authority.file("client.key"));
        }
        let login = json!({ "username": "prometheus", "password": password });
        json!({ "scheme": "https", "tls_config": tls, "basic_auth": login, "enable_http2": http2 })
    };
    let address = exporter.address();
    let prometheus = prometheus::Setup::of(tools::prometheus())
        .job_with("right", address, job("right", true, true))
        .job_with("old", address, job("right", true, false))
        .job_with("wrong", address, job("wrong", true, true))
        .job_with("unvouched", address, job("right", false, true))
        .start();
    for (name, up) in [
        ("right", 1.0),
        ("old", 1.0),
        ("wrong", 0.0),
        ("unvouched", 0.0),
    ] {
        prometheus.expect(&format!("up{{job=\"{name}\"}}"), up);
    }
    prometheus.expect("tencent_desk_up{job=\"right\"}", 1.0);
    prometheus.expect(&format!("{METRIC}{{job=\"old\"}}"), 1.0);
}

/// A folder as Kubernetes mounts a Secret: links to links, of which one is swapped.
struct Mounted(tempfile::TempDir, u32);

impl Mounted {
    fn new(authority: &Authority, text: &str) -> Mounted {
        let mut mounted = Mounted(tempfile::tempdir().unwrap(), 0);
        mounted.swap(authority, text);
        for name in ["web.yml", "server.crt", "server.key"] {
            symlink(format!("data/{name}"), mounted.0.path().join(name)).unwrap();
        }
        mounted
    }

    fn swap(&mut self, authority: &Authority, text: &str) {
        self.1 += 1;
        let (folder, new) = (self.0.path(), format!("data-{}", self.1));
        fs::create_dir(folder.join(&new)).unwrap();
        for name in ["server.crt", "server.key"] {
            fs::copy(authority.file(name), folder.join(&new).join(name)).unwrap();
        }
        fs::write(folder.join(&new).join("web.yml"), text).unwrap();
        symlink(&new, folder.join("swap")).unwrap();
        fs::rename(folder.join("swap"), folder.join("data")).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("web.yml")
    }
}

#[test]
fn certificates_and_users_rotate_under_load_without_a_failed_scrape() {
    let (old, new) = (authority(), authority());
    let (ann, bob) = (hash("2b", "ann"), hash("2b", "bob"));
    let text = |users: &str| format!("{TLS}basic_auth_users: {{ {users} }}\n");
    let mut mounted = Mounted::new(&old, &text(&format!("ann: {ann}")));
    let exporter = setup(mounted.file()).start();
    let url = https(&exporter, "/metrics");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let load: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while !done.load(Ordering::Acquire) {
                        let fetched = curl(old.folder(), &url, "-k -u ann:ann");
                        assert_eq!(fetched.status, "200", "{fetched:?}");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        mounted.swap(&new, &text(&format!("ann: {ann}, bob: {bob}")));
        let taken_up = eventually(|| {
            let fetched = curl(new.folder(), &url, "--cacert ca.crt -u bob:bob");
            (fetched.status == "200").then_some(())
        });
        done.store(true, Ordering::Release);
        let counts: Vec<i32> = load.into_iter().map(|load| load.join().unwrap()).collect();
        assert!(taken_up.is_some(), "{}", exporter.output());
        assert!(counts.iter().all(|&count| count > 3), "{counts:?}");
    });
    assert_eq!(
        status(&old, &exporter, "-u ann:ann"),
        "000",
        "the old certificate is gone"
    );
    mounted.swap(&new, &text(&format!("bob: {bob}")));
    let gone = eventually(|| (status(&new, &exporter, "-u ann:ann") == "401").then_some(()));
    assert!(gone.is_some(), "{}", exporter.output());
    assert_eq!(status(&new, &exporter, "-u bob:bob"), "200");
}

#[test]
fn a_broken_new_file_keeps_the_old_one_running() {
    let authority = authority();
    let good = format!("{TLS}basic_auth_users: {{ ann: {} }}\n", hash("2b", "ann"));
    let file = authority.write("web.yml", &good);
    let exporter = setup(&file).start();
    let (url, args) = (https(&exporter, "/metrics"), "--cacert ca.crt -u ann:ann");
    let wait_for = |value: &str| {
        let line = format!("\n{METRIC} {value}\n");
        let found = eventually(|| {
            let fetched = curl(authority.folder(), &url, args);
            assert_eq!(fetched.status, "200", "{fetched:?}");
            fetched.text.contains(&line).then_some(())
        });
        assert!(found.is_some(), "{value}: {}", exporter.output());
    };
    wait_for("1");
    let key = fs::read_to_string(authority.file("server.key")).unwrap();
    authority.write("web.yml", &format!("{good}tls_sever_config: {{}}\n"));
    wait_for("0");
    authority.write("web.yml", &good);
    wait_for("1");
    for (name, text) in [("server.key", "no key"), ("web.yml", "")] {
        let before = fs::read_to_string(authority.file(name)).unwrap();
        authority.write(name, text);
        wait_for("0");
        authority.write(name, &before);
        wait_for("1");
    }
    // Once each; that it stays so while it lasts is told by web::reload's own test.
    for word in ["tls_sever_config", "there is no key", "switch TLS"] {
        exporter.wait_for_output(word);
        let log = exporter.log();
        let about = |line: &&String| line.contains("cannot be used") && line.contains(word);
        let complaints = log.iter().filter(about).count();
        assert_eq!(complaints, 1, "{word}: {log:#?}");
    }
    for secret in ["PRIVATE KEY", key.lines().nth(1).unwrap(), "$2b$"] {
        assert!(!exporter.output().contains(secret), "{}", exporter.output());
    }
}

fn mistaken(authority: &Authority, text: &str) -> Finished {
    let file = authority.write("web.yml", text);
    setup(file).run().expect_code(64)
}

#[test]
fn a_mistake_is_told_with_its_line_before_anything_starts() {
    let authority = authority();
    let text = "\ntls_server_config:\n  cert_file: server.crt\n  key_fil: server.key\n";
    let told = mistaken(&authority, text).stderr;
    for word in [
        "TENCENT_DESK_WEB_CONFIG_FILE",
        "web.yml",
        "key_fil",
        "line 4",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let file = authority.file("web.yml");
    let check = Setup::bare()
        .args("check")
        .args(&format!("--web.config.file={}", file.display()))
        .set("TIME_ZONE", "Mars")
        .run()
        .expect_code(64);
    for word in ["WEB_CONFIG_FILE", "key_fil", "TIME_ZONE"] {
        assert!(check.output().contains(word), "{word}: {check:?}");
    }
    let old = mistaken(
        &authority,
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS10\n",
    );
    assert!(
        old.stderr.contains("line 4") && old.stderr.contains("TLS12"),
        "{old:?}"
    );
    authority.sign("other", SERVER);
    let pair = mistaken(
        &authority,
        "tls_server_config: { cert_file: server.crt, key_file: other.key }\n",
    );
    assert!(pair.stderr.contains("cert and key"), "{pair:?}");
    let hash = mistaken(&authority, "basic_auth_users: { ann: s3cret }\n");
    assert!(
        hash.stderr.contains("bcrypt") && !hash.stderr.contains("s3cret"),
        "{hash:?}"
    );
}

#[test]
fn health_works_behind_tls_and_passwords() {
    let authority = authority();
    let users = format!("basic_auth_users: {{ ann: {} }}\n", hash("2b", "ann"));
    let client = "tls_server_config: { cert_file: server.crt, key_file: server.key, \
                  client_auth_type: RequireAnyClientCert";
    for text in [
        users.clone(),
        TLS.to_owned(),
        format!("{TLS}{users}"),
        format!("{client} }}\n"),
        format!("{client}, max_version: TLS12 }}\n"),
    ] {
        let file = authority.write("web.yml", &text);
        let exporter = setup(&file).start();
        let health = |address: SocketAddr| {
            Setup::default()
                .args("health")
                .set("LISTEN_ADDRESS", address.to_string())
                .set("WEB_CONFIG_FILE", &file)
                .run()
        };
        health(exporter.address()).expect_code(0);
        // Broken by now, and still in use as it was.
        authority.write("web.yml", "broken");
        health(exporter.address()).expect_code(0);
        health(Unanswered::new().address()).expect_code(1);
    }
}

#[test]
fn a_handshake_that_fails_or_never_ends_holds_up_nobody() {
    let authority = authority();
    let mut exporter = setup(authority.write("web.yml", TLS)).start();
    let silent: Vec<_> = (0..50)
        .map(|_| TcpStream::connect(exporter.address()).unwrap())
        .collect();
    assert_ne!(exporter_in_clear_text(&exporter), "200");
    assert_eq!(status(&authority, &exporter, ""), "200");
    // Nor does it hold up the end: that nothing is waited for is all the log says of it.
    assert!(exporter.terminate().success());
    let said = exporter.output();
    assert!(!said.contains("closing their connections"), "{said}");
    drop(silent);
}

#[test]
fn a_handshake_that_never_ends_is_ended_and_scrapes_go_on() {
    let authority = authority();
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    let setup = setup(authority.write("web.yml", TLS));
    let exporter = wall.over_waits(setup).start();
    let mut silent = TcpStream::connect(exporter.address()).unwrap();
    let mut hesitant = TcpStream::connect(exporter.address()).unwrap();
    // The head of a TLS record that does not come.
    hesitant.write_all(&[22, 3, 1, 2, 0]).unwrap();
    // They were accepted before this one.
    assert_eq!(status(&authority, &exporter, ""), "200");
    wall.jump(11);
    for client in [&mut silent, &mut hesitant] {
        client.set_read_timeout(Some(LIMIT)).unwrap();
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }
    assert_eq!(status(&authority, &exporter, ""), "200");
}

/// The same files, written into the configuration itself.
#[test]
fn certificates_and_keys_may_stand_in_the_file_itself() {
    let authority = authority();
    authority.sign("client", "DNS:prometheus.test");
    let block = |name: &str| {
        let pem = fs::read_to_string(authority.file(name)).unwrap();
        pem.lines()
            .map(|line| format!("\n    {line}"))
            .collect::<String>()
    };
    let text = format!(
        "tls_server_config:\n  cert: |{}\n  key: |{}\n  client_ca: |{}\n  \
         client_auth_type: RequireAndVerifyClientCert\n",
        block("server.crt"),
        block("server.key"),
        block("ca.crt")
    );
    // Alone in its folder, so that there is no file to fall back on.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yml");
    fs::write(&file, text).unwrap();
    let exporter = setup(&file).start();
    let known = "--cert client.crt --key client.key";
    assert_eq!(status(&authority, &exporter, known), "200");
    assert_eq!(status(&authority, &exporter, ""), "000");
}

/// Sends a request of ann with a password that no other client tries, and leaves the answer to be read.
fn guess(exporter: &Exporter, n: usize) -> TcpStream {
    let login = STANDARD.encode(format!("ann:guess {n}"));
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_request_that_waits_too_long_for_its_password_check_is_told_so() {
    let authority = authority();
    // The dearest that is accepted: seconds of work for each guess.
    let dear = hash("2b", "ann").replace("$05$", "$16$");
    let text = format!("basic_auth_users: {{ ann: {dear} }}\n");
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    let setup = setup(authority.write("web.yml", &text));
    let exporter = wall.over_waits(setup).start();
    let checked_at_once = (available_parallelism().unwrap().get() / 2).max(1);
    let (tell, told) = mpsc::channel();
    for n in 0..checked_at_once + 4 {
        let (mut stream, tell) = (guess(&exporter, n), tell.clone());
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            // The exporter may be gone before it has answered all.
            http::parse_response(&bytes).map(|answer| tell.send(answer.status))
        });
    }
    drop(tell);
    // Without a password there is nothing to check, and those before it are waiting by now.
    assert_eq!(exporter.get("/metrics").status, 401);
    wall.jump(11);
    let mut statuses = Vec::new();
    let is_busy = told.iter().any(|status| {
        statuses.push(status);
        status == 503
    });
    assert!(is_busy, "{statuses:?}\n{}", exporter.output());
}

fn exporter_in_clear_text(exporter: &Exporter) -> String {
    let url = format!("http://{}/metrics", exporter.address());
    curl(Path::new("/"), &url, "").status
}
