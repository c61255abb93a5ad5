//! A certificate authority of a test's own, by openssl: certificates for the exporter and for those
//! who scrape it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::tools;

/// An authority, and the folder that all of its certificates are in.
pub(crate) struct Authority(TempDir);

impl Authority {
    /// One that has no certificate yet, not even its own.
    pub(crate) fn empty() -> Authority {
        Authority(tempfile::tempdir().unwrap())
    }

    pub(crate) fn make() -> Authority {
        let authority = Authority::empty();
        let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign";
        authority.issue("ca", extensions, None);
        authority
    }

    /// A certificate and its key, `NAME.crt` and `NAME.key`, for these names.
    pub(crate) fn sign(&self, name: &str, sans: &str) {
        let extensions = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName={sans}");
        self.issue(name, &extensions, Some("ca"));
    }

    /// A certificate signed with its own key.
    pub(crate) fn self_signed(&self, name: &str, sans: &str) {
        let extensions = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName={sans}");
        self.issue(name, &extensions, None);
    }

    /// A certificate with these extensions, a line each, signed with the key of `by`, or with its own.
    pub(crate) fn issue(&self, name: &str, extensions: &str, by: Option<&str>) {
        self.issue_key(
            "ec -pkeyopt ec_paramgen_curve:prime256v1",
            name,
            extensions,
            by,
        );
    }

    /// As [`Authority::issue`], with a key of this kind.
    pub(crate) fn issue_key(&self, key: &str, name: &str, extensions: &str, by: Option<&str>) {
        let config = "[req]\nprompt=no\ndistinguished_name=who\n[who]\nCN=x\n[what]\n";
        self.write("config", &format!("{config}{extensions}\n"));
        self.openssl(&format!("req -new -config config -newkey {key} -nodes -subj /CN={name} -keyout {name}.key -out request"));
        let by = match by {
            Some(by) => format!("-CA {by}.crt -CAkey {by}.key -CAcreateserial"),
            None => format!("-signkey {name}.key"),
        };
        let extensions = match extensions {
            // Without any, it is of version 1.
            "" => "",
            _ => "-extfile config -extensions what",
        };
        self.openssl(&format!(
            "x509 -req -in request {by} -days 2 {extensions} -out {name}.crt"
        ));
    }

    /// One file of several certificates.
    pub(crate) fn bundle(&self, name: &str, certificates: &[&str]) {
        let read = |name: &&str| fs::read_to_string(self.file(&format!("{name}.crt"))).unwrap();
        let all: String = certificates.iter().map(read).collect();
        self.write(&format!("{name}.crt"), &all);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Puts a file beside the certificates.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn openssl(&self, args: &str) {
        let mut command = Command::new(tools::openssl());
        tools::run(
            command
                .args(args.split_whitespace())
                .current_dir(self.folder()),
        );
    }
}
