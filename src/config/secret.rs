//! Secrets, each of which is given in one of several variables: as it is, or by the path of a file.

use super::reader::Reader;
use super::settings::PREFIX;
use crate::base::secret::Secret;
use crate::base::secret_file::SecretSource;
use crate::base::{files, spelling};

/// A variable's name without the prefix, and its value.
pub(super) type Variable<'v> = (&'static str, &'v Option<String>);

/// Those of `variables` that are set to more than blanks.
pub(super) fn set<'v>(variables: &[Variable<'v>]) -> Vec<Variable<'v>> {
    let is_blank = |value: &str| spelling::trimmed(value).is_empty();
    let is_set = |value: &Option<String>| value.as_deref().is_some_and(|value| !is_blank(value));
    let set = variables.iter().filter(|(_, value)| is_set(value));
    set.copied().collect()
}

/// The only one of `variables` that is set, and the source that it gives.
pub(super) fn only(
    reader: &mut Reader,
    variables: &[Variable<'_>],
) -> Option<(&'static str, SecretSource)> {
    let set = set(variables);
    let [(name, value)] = set[..] else {
        let problem = match set.is_empty() {
            true => unset(reader, variables),
            false => "is not the only one of its kind; ".to_owned(),
        };
        let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        let (last, others) = names.split_last()?;
        reader.mistake(
            names.first()?,
            &format!(
                "{problem}set exactly one of {} and {last} (each with the prefix {PREFIX})",
                others.join(", ")
            ),
        );
        return None;
    };
    let source = match name.ends_with("_FILE") {
        true => SecretSource::File(reader.try_read(name, value, |path| Ok(path.into()))?),
        false => SecretSource::Given(reader.try_read(name, value, Secret::written)?),
    };
    Some((name, source))
}

/// What is wrong where none of `variables` is set: a credential that stands for them may be empty.
fn unset(reader: &Reader, variables: &[Variable<'_>]) -> String {
    let is_of_kind = |(first, _): &&(&str, &str)| variables.iter().any(|(name, _)| name == first);
    match reader.empty_credentials.iter().find(is_of_kind) {
        None => "is not set; ".to_owned(),
        Some((_, credential)) => format!(
            "is not set, and systemd hands over nothing as {credential}: write the secret into the file that \
             LoadCredential={credential}: in the unit names (/etc/tencent-desk-exporter/{credential}, or that of the \
             instance) and start the service again, or "
        ),
    }
}

/// What `read` makes of the secret in `source`, or of the variable `name` a mistake; the file may be on a disk that
/// does not answer.
pub(super) fn read_in_time(
    reader: &mut Reader,
    name: &str,
    source: &SecretSource,
    read: impl FnOnce() -> Result<Secret, String> + Send + 'static,
) -> Option<Secret> {
    let secret = match source.file() {
        None => read(),
        Some(path) => files::in_time(&files::shown(path), read).unwrap_or_else(Err),
    };
    secret.map_err(|why| reader.mistake(name, &why)).ok()
}
