//! The settings as they are shown: in the log at `debug`, and by `check`. No secret is among them, and of people no id.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::{PREFIX, SETTINGS};
use crate::base::secret::looks_secret;
use crate::base::{files, spelling};
use crate::desk::dial::proxy::Proxy;

const HIDDEN: &str = "given (not shown)";

/// A variable's whole name, and its value in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// As it is spelt in the environment.
    pub name: String,
    /// What counts: the value, its default, or what can be said of it.
    pub value: String,
}

impl Shown {
    /// The proxy that is used, without user and password.
    pub(super) fn proxy(proxy: &Proxy) -> Self {
        Self {
            name: "HTTPS_PROXY".to_owned(),
            value: proxy.uri().to_string(),
        }
    }
}

/// All settings that count, by `values`, which has those that are set.
pub(super) fn shown(values: &BTreeMap<String, String>) -> Vec<Shown> {
    let hides_ids = values
        .get("AGENT_LABELS")
        .is_some_and(|labels| spelling::trimmed(labels) == "pseudonym");
    let show = |name: &str, value: &str| match name {
        "SECRET_KEY" | "USER_SIG" | "PSEUDONYM_KEY" => HIDDEN.to_owned(),
        "AGENT_IDS" => {
            let ids = value
                .split(',')
                .filter(|id| !spelling::trimmed(id).is_empty());
            format!("{} of them (not shown)", ids.count())
        }
        // The account may be an agent's.
        "IDENTIFIER" if hides_ids => HIDDEN.to_owned(),
        _ if name.ends_with("_FILE") => files::shown(Path::new(value)),
        _ if looks_secret(value) => HIDDEN.to_owned(),
        _ => value.to_owned(),
    };
    // Where one of several is set, the others have no default.
    let has_default =
        |text: &str| !text.starts_with("one of these") && !["required", "none"].contains(&text);
    let all = SETTINGS.iter().filter_map(|setting| {
        let value = match values.get(setting.name) {
            Some(value) => show(setting.name, value),
            None if !has_default(setting.default) => return None,
            None => format!("{} (default)", setting.default),
        };
        let name = format!("{PREFIX}{}", setting.name);
        Some(Shown { name, value })
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let shown = shown(&values).into_iter();
        shown.map(|shown| (shown.name, shown.value)).collect()
    }

    #[test]
    fn no_secret_and_no_person_is_shown_in_any_setting() {
        let key = "0123456789abcdef".repeat(4);
        for setting in SETTINGS {
            let shown = of(&[(setting.name, &key)]);
            assert!(!format!("{shown:?}").contains("0123"), "{}", setting.name);
        }
        let shown = of(&[
            ("AGENT_LABELS", "\u{feff}pseudonym "),
            ("AGENT_IDS", "ann@desk.example, ,bob@desk.example,"),
            ("IDENTIFIER", "ann"),
        ]);
        assert!(!format!("{shown:?}").contains("ann"), "{shown:?}");
        assert_eq!(shown["TENCENT_DESK_AGENT_IDS"], "2 of them (not shown)");
    }

    #[test]
    fn what_is_set_and_what_is_not_are_told_apart() {
        let shown = of(&[
            ("REGION", "tokyo"),
            ("SECRET_KEY_FILE", "/run/credentials/a.service/key"),
        ]);
        let value = |name: &str| shown.get(&format!("{PREFIX}{name}")).map(String::as_str);
        assert_eq!(value("REGION"), Some("tokyo"));
        assert_eq!(value("POLL_INTERVAL"), Some("60s (default)"));
        let path = "/run/credentials/a.service/key";
        assert_eq!(value("SECRET_KEY_FILE"), Some(path));
        for unset in ["USER_SIG", "WEB_CONFIG_FILE", "PSEUDONYM_KEY"] {
            assert_eq!(value(unset), None, "{unset}");
        }
    }
}
