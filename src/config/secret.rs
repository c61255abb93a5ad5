//! Secrets, each of which is given in one of several variables: as it is, or by the path of a file.

use super::reader::Reader;
use super::settings::{PREFIX, Setting};
use crate::base::secret::Secret;
use crate::base::secret_file::SecretSource;
use crate::base::{files, spelling};

/// Those of `settings` that are set to more than blanks.
pub(super) fn set(reader: &Reader, settings: &[Setting]) -> Vec<Setting> {
    let value = |setting: &Setting| (setting.value)(&reader.variables);
    let is_blank = |value: &str| spelling::trimmed(value).is_empty();
    let set = settings.iter().copied();
    set.filter(|setting| value(setting).is_some_and(|value| !is_blank(value)))
        .collect()
}

/// The only one of `settings` that is set, and the source that it gives.
pub(super) fn only(reader: &mut Reader, settings: &[Setting]) -> Option<(Setting, SecretSource)> {
    let set = set(reader, settings);
    let [setting] = set[..] else {
        let problem = match set.is_empty() {
            true => unset(reader, settings),
            false => "is not the only one of its kind; ".to_owned(),
        };
        let names: Vec<_> = settings.iter().map(|setting| setting.name).collect();
        let (last, others) = names.split_last()?;
        reader.mistake(
            *settings.first()?,
            &format!(
                "{problem}set exactly one of {} and {last} (each with the prefix {PREFIX})",
                others.join(", ")
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

/// What is wrong where none of `settings` is set: a credential that stands for them may be empty.
fn unset(reader: &Reader, settings: &[Setting]) -> String {
    let is_of_kind = |(first, _): &&(&str, &str)| settings.iter().any(|it| it.name == *first);
    match reader.empty_credentials.iter().find(is_of_kind) {
        None => "is not set; ".to_owned(),
        Some((_, credential)) => format!(
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
