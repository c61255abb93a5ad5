//! Looks for what may not be shown where it must not be: secrets, and the ids and nicknames of people.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::desk::Desk;
use super::exporter::Exporter;
use super::usersig::Members;

/// What `Accept` says for each format.
const FORMATS: [&str; 3] = [
    "text/plain;version=0.0.4",
    "application/openmetrics-text;version=1.0.0",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
];

/// The ways in which a text could stand in a log or a URL, but for base64 without regard to case.
fn spellings(text: &str) -> Vec<String> {
    let percent = |byte: u8| format!("%{byte:02x}");
    let escaped = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.escape_unicode().to_string().replace(['{', '}'], ""),
    };
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    vec![
        text.to_owned(),
        text.replace('*', "%2A"),
        encoded.replace('+', "%20"),
        encoded,
        text.bytes().map(percent).collect(),
        text.chars().map(escaped).collect(),
        serde_json::to_string(text)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
        text.replace('&', "&amp;")
            .replace('\'', "&#39;")
            .replace('"', "&quot;"),
    ]
}

/// What base64 makes of `text`, in either alphabet, wherever it stands in what is encoded.
fn base64_spellings(text: &str) -> Vec<String> {
    let engines = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
    let at = |before: usize| {
        let padded = [vec![b' '; before], text.as_bytes().to_vec()].concat();
        // Digits that hold bits of what stands before or behind.
        let (first, bits) = ((before * 8).div_ceil(6), padded.len() * 8);
        engines.map(|engine| engine.encode(&padded)[first..bits / 6].to_owned())
    };
    [0, 1, 2].into_iter().flat_map(at).collect()
}

/// Fails where one of `hidden` stands in `shown`, however it is spelled.
#[track_caller]
pub(crate) fn assert_hides_all<'h>(shown: &str, hidden: impl IntoIterator<Item = &'h str>) {
    let lower_case = shown.to_lowercase();
    for text in hidden {
        let lower = spellings(text)
            .into_iter()
            .map(|it| (it.to_lowercase(), &*lower_case));
        let exact = base64_spellings(text).into_iter().map(|it| (it, shown));
        for (spelling, shown) in lower.chain(exact) {
            if let Some(line) = shown.lines().find(|line| line.contains(&spelling)) {
                panic!("{text} is shown: {line}");
            }
        }
    }
}

/// Fails where the key, or a UserSig that this Desk saw, stands in `shown`.
#[track_caller]
pub(crate) fn assert_hides(shown: &str, desk: &Desk) {
    let mut secrets = vec![desk.account().key.clone()];
    for request in desk.requests() {
        let signature = request.user_sig();
        secrets.extend(Members::read(&signature).map(|members| members.signature));
        secrets.push(signature);
    }
    secrets.sort_unstable();
    secrets.dedup();
    assert_hides_all(shown, secrets.iter().map(String::as_str));
}

/// All that it has written, all that it serves, in each format, and its command line.
pub(crate) fn everything_shown(exporter: &Exporter) -> String {
    let mut shown = exporter.output();
    for path in [
        "/",
        "/?lang=zh&hours=table",
        "/-/healthy",
        "/-/ready",
        "/elsewhere",
    ] {
        shown.push_str(exporter.get(path).text());
    }
    for format in FORMATS {
        let page = exporter.request("GET", "/metrics", &[("Accept", format)]);
        shown.push_str(&String::from_utf8_lossy(&page.body));
        shown.push('\n');
    }
    let command_line = fs::read(format!("/proc/{}/cmdline", exporter.pid()));
    shown.push_str(&String::from_utf8_lossy(&command_line.unwrap_or_default()));
    shown
}

#[test]
fn a_text_is_found_however_it_is_spelled() {
    let text = "Anna+o'brien@desk.example";
    let base64 = URL_SAFE_NO_PAD.encode(format!("{{\"AgentId\":\"{text}\"}}"));
    for shown in [
        format!("id={text}."),
        format!("id={}", text.to_uppercase()),
        "id=anna%2Bo%27brien%40desk.example&".to_owned(),
        format!("usersig={base64}"),
    ] {
        let found = std::panic::catch_unwind(|| assert_hides_all(&shown, [text]));
        assert!(found.is_err(), "{shown}");
    }
    assert_hides_all("agent_id=\"4b7f01152cf8cb3f\"", [text]);
}
