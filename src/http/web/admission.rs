//! Which clients are served, and which changes of that need no restart.
//!
//! A file may be read half written, or be emptied by mistake. What is missing from it then must not
//! give access: protection is removed only at a restart, which a person requests. Adding and removing
//! single users and names is part of normal operation, and needs none.

use super::basic_auth::Users;
use super::config::WebConfig;
use super::rate_limit::RateLimit;
use super::tls_config::ClientAuth;

/// The settings that decide which clients are served, and how often.
#[derive(Debug, Default)]
pub(super) struct Admission {
    has_tls: bool,
    client_certs: ClientCerts,
    /// The users, by name and password.
    pub(super) users: Users,
    /// The rate of requests.
    pub(super) rate_limit: RateLimit,
    /// Whether the file may end within a value.
    is_truncated: bool,
}

/// The settings that decide which client certificates are accepted.
#[derive(Debug, Default, PartialEq, Eq)]
struct ClientCerts {
    auth: ClientAuth,
    ca: Option<Vec<u8>>,
    allowed_sans: Option<Vec<String>>,
}

impl Admission {
    /// The settings in `config`, which was parsed from `text`, with the content of its client CA file.
    pub(super) fn new(config: &WebConfig, text: &[u8], ca: Option<Vec<u8>>) -> Self {
        let client_certs = config.tls_server_config.as_ref().map(|tls| ClientCerts {
            auth: tls.client_auth_type,
            ca,
            allowed_sans: tls.client_allowed_sans.clone(),
        });
        Self {
            has_tls: client_certs.is_some(),
            client_certs: client_certs.unwrap_or_default(),
            users: Users::new(config.basic_auth_users.0.clone()),
            rate_limit: config.rate_limit,
            is_truncated: !matches!(text.last(), None | Some(b'\n' | b'}' | b']' | b'"' | b'\'')),
        }
    }

    /// Whether all clients that `old` admits are admitted still.
    pub(super) fn includes(&self, old: &Self) -> bool {
        let (new, old_certs) = (&self.client_certs, &old.client_certs);
        let only_more_names = match (&new.allowed_sans, &old_certs.allowed_sans) {
            (Some(new), Some(old)) => old.iter().all(|name| new.contains(name)),
            (new, old) => new == old,
        };
        new.auth == old_certs.auth
            && new.ca == old_certs.ca
            && only_more_names
            && self.users.includes(&old.users)
    }

    /// Why it must not replace `old` without a restart; `None` where it may.
    pub(super) fn objection(&self, old: &Self) -> Option<&'static str> {
        let (new_clients, old_clients) = (&self.client_certs, &old.client_certs);
        let (new_auth, old_auth) = (new_clients.auth, old_clients.auth);
        let is_weaker = (old_auth.requires() && !new_auth.requires())
            || (old_auth.verifies() && !new_auth.verifies());
        let names_are_gone =
            old_clients.allowed_sans.is_some() && new_clients.allowed_sans.is_none();
        let names = |clients: &ClientCerts| clients.allowed_sans.clone().unwrap_or_default();
        let known = names(old_clients);
        let has_new_clients = new_clients.ca != old_clients.ca
            || names(new_clients).iter().any(|name| !known.contains(name));
        let objections = [
            (
                self.has_tls != old.has_tls,
                "tls_server_config came or went: restart the exporter to switch TLS on or off",
            ),
            (
                !old.users.is_empty() && self.users.is_empty(),
                "basic_auth_users are gone: restart the exporter to serve every client",
            ),
            (
                is_weaker,
                "client_auth_type asks for less than before: restart the exporter to let more clients in",
            ),
            (
                names_are_gone,
                "client_allowed_sans is gone: restart the exporter to let clients of any name in",
            ),
            (
                self.rate_limit.is_looser_than(&old.rate_limit),
                "rate_limit is gone or looser than before: restart the exporter to answer more often",
            ),
            (
                self.is_truncated && has_new_clients,
                "the file lets other clients in, and its last line has no end: end it with a line break",
            ),
        ];
        let found = objections.into_iter().find(|(is_one, _)| *is_one);
        found.map(|(_, why)| why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$hsFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";
    const OTHER: &str = "$2y$05$isFTMaTXRMAdcrFSSkgsAeSvFfRW/QFzN3yNBQzfN0PqAEHi9hTlm";

    fn admission(text: &str) -> Option<Admission> {
        let config = WebConfig::parse(text.as_bytes()).ok()?;
        let tls = config.tls_server_config.as_ref();
        let ca = tls.and_then(|tls| tls.client_ca_file.clone());
        Some(Admission::new(
            &config,
            text.as_bytes(),
            ca.map(String::into_bytes),
        ))
    }

    fn whole(tls: &str, rest: &str) -> String {
        format!("tls_server_config:\n  cert_file: a\n  key_file: b\n{tls}{rest}")
    }

    /// A client, by its certificate's authority and name, if it has one; its user's name, and how
    /// many requests it sends at once.
    type Client = (Option<(&'static str, &'static str)>, &'static str, u32);

    /// The meaning of the settings, independent of the code under test.
    fn lets_in(admission: &Admission, (certificate, user, requests): Client) -> bool {
        let ClientCerts {
            auth,
            ca,
            allowed_sans,
        } = &admission.client_certs;
        let is_vouched = |authority: &str| ca.as_deref() == Some(authority.as_bytes());
        let is_named = |name: &str| {
            let names = allowed_sans.as_ref();
            names.is_none_or(|names| names.iter().any(|known| known == name))
        };
        let by_certificate = match (auth, certificate) {
            (ClientAuth::NoClientCert | ClientAuth::RequestClientCert, _) => true,
            (ClientAuth::RequireAnyClientCert, certificate) => certificate.is_some(),
            (ClientAuth::VerifyClientCertIfGiven, None) => true,
            (ClientAuth::RequireAndVerifyClientCert, None) => false,
            (_, Some((authority, name))) => is_vouched(authority) && is_named(name),
        };
        let by_user =
            admission.users.is_empty() || admission.users.names().any(|name| name == user);
        let by_rate = admission
            .rate_limit
            .bucket()
            .is_none_or(|(_, burst)| requests <= burst);
        by_certificate && by_user && by_rate
    }

    fn clients() -> impl Iterator<Item = Client> {
        let certificates = [
            None,
            Some(("ca.pem", "prometheus.test")),
            Some(("ca.pem", "prometheus.tes")),
            Some(("ca.pem", "backup")),
            Some(("ca.pem", "other")),
            Some(("ca", "prometheus.test")),
            Some(("other", "prometheus.test")),
        ];
        certificates.into_iter().flat_map(|certificate| {
            ["ann", "bob", "an", ""]
                .into_iter()
                .flat_map(move |user| [1, 2, 20, 21].map(|requests| (certificate, user, requests)))
        })
    }

    #[test]
    fn no_part_of_a_file_admits_more_than_the_whole() {
        let names = "  client_allowed_sans:\n  - backup\n  - prometheus.test\n";
        let certificates =
            "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n";
        let users = format!("basic_auth_users:\n  ann: {HASH}\n  bob: {OTHER}\n");
        let rate = "rate_limit:\n  burst: 20\n  interval: 1m30s\n";
        let flow = format!(
            "{{\"tls_server_config\": {{\"cert_file\": \"a\", \"key_file\": \"b\", \"client_auth_type\": \"RequireAndVerifyClientCert\", \
             \"client_ca_file\": \"ca.pem\", \"client_allowed_sans\": [\"prometheus.test\"]}}, \"basic_auth_users\": {{\"ann\": \"{HASH}\"}}}}"
        );
        for text in [
            whole(&format!("{certificates}{names}"), &format!("{users}{rate}")),
            format!("{rate}{users}{}", whole(certificates, names)),
            format!("{users}{}", whole(names, certificates)),
            whole(
                "  client_auth_type: RequireAnyClientCert\n",
                &format!("{rate}{users}"),
            ),
            whole(
                "  client_ca_file: ca.pem\n  client_auth_type: VerifyClientCertIfGiven\n",
                rate,
            ),
            format!("{users}{rate}"),
            flow,
        ] {
            let old = admission(&text).unwrap();
            let mut taken = 0;
            for end in 0..text.len() {
                let Some(new) = admission(&text[..end]) else {
                    continue;
                };
                if let Some(why) = new.objection(&old) {
                    assert!(!why.is_empty());
                    continue;
                }
                taken += 1;
                for client in clients() {
                    let is_wider = lets_in(&new, client) && !lets_in(&old, client);
                    assert!(!is_wider, "{client:?} with {}", &text[..end]);
                }
            }
            assert!(taken < text.len() / 2, "{taken} of {text}");
        }
    }

    #[test]
    fn only_changes_that_remove_protection_need_a_restart() {
        let strict = "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n";
        let names = "  client_allowed_sans: [a, b]\n";
        let users = format!("basic_auth_users:\n  ann: {HASH}\n  bob: {HASH}\n");
        let rate = "rate_limit: {interval: 1s, burst: 2}\n";
        let old = admission(&whole(
            &format!("{strict}{names}"),
            &format!("{users}{rate}"),
        ))
        .unwrap();
        let all = [strict, names, users.as_str(), rate];
        let with = |place: usize, other: &str| {
            let mut parts = all;
            parts[place] = other;
            admission(&whole("", &parts.concat())).unwrap()
        };
        for (place, other, word, keeps_all) in [
            (1, "", "client_allowed_sans", false),
            (1, "  client_allowed_sans: [a]\n", "", false),
            (1, "  client_allowed_sans: [b, a, c]\n", "", true),
            (1, "  client_allowed_sans: []\n", "", false),
            (2, "", "basic_auth_users", false),
            (2, &format!("basic_auth_users:\n  bob: {HASH}\n"), "", false),
            (
                2,
                &format!("basic_auth_users:\n  bob: {HASH}\n  ann: {OTHER}\n"),
                "",
                false,
            ),
            (2, &format!("{users}  cyd: {HASH}\n"), "", true),
            (3, "", "rate_limit", true),
            (
                3,
                "rate_limit: {interval: 1s, burst: 3}\n",
                "rate_limit",
                true,
            ),
            (
                3,
                "rate_limit: {interval: 999ms, burst: 1}\n",
                "rate_limit",
                true,
            ),
            (3, "rate_limit: {interval: 2s, burst: 2}\n", "", true),
        ] {
            let new = with(place, other);
            let why = new.objection(&old).unwrap_or_default();
            assert!(
                why.contains(word) && why.is_empty() == word.is_empty(),
                "{other}: {why}"
            );
            assert_eq!(new.includes(&old), keeps_all, "{other}");
        }
        let kinds = [
            ("NoClientCert", ""),
            ("RequestClientCert", ""),
            ("RequireAnyClientCert", ""),
            ("VerifyClientCertIfGiven", "  client_ca_file: ca.pem\n"),
            ("RequireAndVerifyClientCert", "  client_ca_file: ca.pem\n"),
        ];
        let of = |(kind, ca): (&str, &str)| {
            admission(&whole(&format!("{ca}  client_auth_type: {kind}\n"), "")).unwrap()
        };
        // Whether a change from the row's type to the column's needs a restart.
        for (from, needs) in kinds
            .into_iter()
            .zip(["00000", "00000", "11010", "11100", "11110"])
        {
            for (to, needed) in kinds.into_iter().zip(needs.bytes()) {
                let why = of(to).objection(&of(from));
                assert_eq!(why.is_some(), needed == b'1', "{from:?} to {to:?}: {why:?}");
                assert_eq!(of(to).includes(&of(from)), from == to, "{from:?} to {to:?}");
            }
        }
    }
}
