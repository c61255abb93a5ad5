//! The secrets that systemd hands over: files in `$CREDENTIALS_DIRECTORY`, each by the name that `LoadCredential=`
//! gives it (`systemd.exec(5)`). A variable with the secret, or with a file's path, wins over them.
//!
//! They are looked for by name: that a unit hands over their paths (`%d`) takes systemd 250.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::secret::{PROOF, PSEUDONYMS};
use super::settings::Setting;
use crate::base::{files, spelling};

/// No secret is longer; a larger file is some other file.
const LARGEST: u64 = 64 * 1024;

/// The folder with the credentials of this service, if it has any.
#[derive(Debug, Default)]
pub(super) struct Credentials(pub(super) Option<OsString>);

impl Credentials {
    /// Sets, in `values`, the paths of those that hold something; notes those that are empty.
    pub(super) fn add_to(&self, values: &mut BTreeMap<String, String>, reader: &mut Reader) {
        let Some(folder) = self.0.as_deref().filter(|folder| !folder.is_empty()) else {
            return;
        };
        for kind in [PROOF, PSEUDONYMS] {
            let is_set = |setting: &Setting| values.contains_key(setting.name);
            if kind.settings.iter().any(is_set) {
                continue;
            }
            for (credential, setting) in kind.credentials {
                let path = Path::new(folder).join(credential);
                match (path.to_str(), is_empty(&path)) {
                    (Some(path), Some(false)) => {
                        values.insert(setting.name.to_owned(), path.to_owned());
                    }
                    (_, Some(true)) => reader.empty_credentials.push(credential),
                    _ => {}
                }
            }
        }
    }
}

/// Whether the file at `path` holds nothing but blanks; `None` if there is no file. What cannot be read is not
/// empty: reading it again tells why.
fn is_empty(path: &Path) -> Option<bool> {
    if !path.exists() {
        return None;
    }
    let what = files::shown(path);
    let path = PathBuf::from(path);
    let content = files::in_time(&what, move || files::read(&path, LARGEST));
    let text = content.and_then(|content| spelling::text_of(content?).map_err(str::to_owned));
    Some(text.is_ok_and(|text| spelling::trimmed(&text).is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_wins_and_what_is_empty_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let credentials = Credentials(Some(folder.path().into()));
        let found = |set: &str| {
            let mut values = BTreeMap::from([(set.to_owned(), "x".to_owned())]);
            let mut reader = Reader::default();
            credentials.add_to(&mut values, &mut reader);
            values.remove(set);
            let values: Vec<_> = values.into_iter().collect();
            (values, reader.empty_credentials)
        };
        let empty_key = "key";
        let of = |name: &str, credential: &str| (name.to_owned(), path(credential));

        assert_eq!(found("REGION"), (vec![], vec![]), "none is there");
        std::fs::write(path("key"), "\u{feff} \r\n").unwrap();
        assert_eq!(found("REGION"), (vec![], vec![empty_key]));
        std::fs::write(path("user-sig"), "eJw1").unwrap();
        std::fs::write(path("pseudonym-key"), "k3y\n").unwrap();
        let user_sig = of("USER_SIG_FILE", "user-sig");
        let pseudonym = of("PSEUDONYM_KEY_FILE", "pseudonym-key");
        assert_eq!(
            found("REGION"),
            (vec![pseudonym.clone(), user_sig.clone()], vec![empty_key])
        );
        for set in PROOF.settings {
            let set = set.name;
            assert_eq!(found(set), (vec![pseudonym.clone()], vec![]), "{set}");
        }
        for set in PSEUDONYMS.settings {
            let set = set.name;
            assert_eq!(
                found(set),
                (vec![user_sig.clone()], vec![empty_key]),
                "{set}"
            );
        }
        // What cannot be read as text is for the secret's reader to tell.
        std::fs::write(path("key"), b"\xff").unwrap();
        assert!(found("REGION").0.contains(&of("SECRET_KEY_FILE", "key")));
    }
}
