//! Looks for secrets where none may be.

use std::fs;

use super::desk::Desk;
use super::exporter::Exporter;
use super::usersig::Members;

/// The ways in which a text could stand in a log or a URL.
fn spellings(text: &str) -> Vec<String> {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let starred = text.replace('*', "%2A");
    vec![text.to_owned(), encoded, starred]
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
    for secret in secrets.iter().flat_map(|secret| spellings(secret)) {
        if let Some(line) = shown.lines().find(|line| line.contains(&secret)) {
            panic!("{secret} is shown: {line}");
        }
    }
}

/// All that it has written, all that it serves, and its command line.
pub(crate) fn everything_shown(exporter: &Exporter) -> String {
    let mut shown = exporter.output();
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        shown.push_str(exporter.get(path).text());
    }
    let command_line = fs::read(format!("/proc/{}/cmdline", exporter.pid()));
    shown.push_str(&String::from_utf8_lossy(&command_line.unwrap_or_default()));
    shown
}
