//! Secrets, each of which is given in one of several settings: as it is, or by the path of a file.

use super::reader::Reader;
use super::settings::{
    PREFIX, PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, SECRET_KEY, SECRET_KEY_FILE, Setting, USER_SIG,
    USER_SIG_FILE,
};
use crate::base::secret::Secret;
use crate::base::secret_file::SecretSource;
use crate::base::{files, spelling};

/// What gives a secret.
pub(super) struct Kind {
    /// Exactly one of them is to be set.
    pub settings: &'static [Setting],
    /// The credentials that systemd hands over, each with the setting that its path is for.
    pub credentials: &'static [(&'static str, Setting)],
}

/// What proves to Desk that it may be asked.
pub(super) const PROOF: Kind = Kind {
    settings: &[SECRET_KEY, SECRET_KEY_FILE, USER_SIG, USER_SIG_FILE],
    credentials: &[("key", SECRET_KEY_FILE), ("user-sig", USER_SIG_FILE)],
};

/// The key of the pseudonyms.
pub(super) const PSEUDONYMS: Kind = Kind {
    settings: &[PSEUDONYM_KEY, PSEUDONYM_KEY_FILE],
    credentials: &[("pseudonym-key", PSEUDONYM_KEY_FILE)],
};

/// The settings of `kind` that are set to more than blanks.
pub(super) fn set(reader: &Reader, kind: &Kind) -> Vec<Setting> {
    let value = |setting: &Setting| (setting.value)(&reader.variables);
    let is_blank = |value: &str| spelling::trimmed(value).is_empty();
    let set = kind.settings.iter().copied();
    set.filter(|setting| value(setting).is_some_and(|value| !is_blank(value)))
        .collect()
}

/// The only setting of `kind` that is set, and the source that it gives.
pub(super) fn only(reader: &mut Reader, kind: &Kind) -> Option<(Setting, SecretSource)> {
    let set = set(reader, kind);
    let [setting] = set[..] else {
        let problem = match set.is_empty() {
            true => unset(reader, kind),
            false => "is not the only one of its kind; ".to_owned(),
        };
        let (first, (last, others)) = (kind.settings.first()?, kind.settings.split_last()?);
        let others: Vec<_> = others.iter().map(|setting| setting.name).collect();
        reader.mistake(
            *first,
            &format!(
                "{problem}set exactly one of {} and {} (each with the prefix {PREFIX})",
                others.join(", "),
                last.name
            ),
        );
        return None;
    };
    let source = match setting.name.ends_with("_FILE") {
        true => SecretSource::File(reader.try_read(setting, |path| Ok(path.into()))?),
        false => SecretSource::Given(reader.try_read(setting, Secret::written)?),
    };
    Some((setting, source))
}

/// What is wrong where no setting of `kind` is set: a credential that stands for them may be empty.
fn unset(reader: &Reader, kind: &Kind) -> String {
    let mut credentials = kind.credentials.iter().map(|(credential, _)| credential);
    match credentials.find(|credential| reader.empty_credentials.contains(credential)) {
        None => "is not set; ".to_owned(),
        Some(credential) => format!(
            "is not set, and systemd hands over nothing as {credential}: write the secret into the file that \
             LoadCredential={credential}: in the unit names (/etc/tencent-desk-exporter/{credential}, or that of the \
             instance) and start the service again, or "
        ),
    }
}

/// What `read` makes of the secret in `source`, or of `setting` a mistake; the file may be on a disk that does not
/// answer.
pub(super) fn read_in_time(
    reader: &mut Reader,
    setting: Setting,
    source: &SecretSource,
    read: impl FnOnce() -> Result<Secret, String> + Send + 'static,
) -> Option<Secret> {
    let secret = match source.file() {
        None => read(),
        Some(path) => files::in_time(&files::shown(path), read).unwrap_or_else(Err),
    };
    secret.map_err(|why| reader.mistake(setting, &why)).ok()
}
