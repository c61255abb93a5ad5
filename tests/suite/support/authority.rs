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
    pub(crate) fn make() -> Authority {
        let authority = Authority(tempfile::tempdir().unwrap());
        authority.config("CA:TRUE\nkeyUsage=keyCertSign", "DNS:authority.test");
        authority.openssl("req -x509 -config config -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt");
        authority
    }

    /// A certificate and its key, `NAME.crt` and `NAME.key`, for these names.
    pub(crate) fn sign(&self, name: &str, sans: &str) {
        self.config("CA:FALSE", sans);
        self.openssl(&format!("req -new -config config -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out request"));
        self.openssl(&format!("x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile config -extensions what -out {name}.crt"));
    }

    /// A certificate that nobody else vouches for.
    pub(crate) fn self_signed(&self, name: &str, sans: &str) {
        self.config("CA:FALSE", sans);
        self.openssl(&format!("req -x509 -config config -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"));
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

    fn config(&self, constraints: &str, sans: &str) {
        let config = format!(
            "[req]\nprompt=no\ndistinguished_name=who\nx509_extensions=what\n[who]\nCN=x\n\
             [what]\nbasicConstraints=critical,{constraints}\nsubjectAltName={sans}\n"
        );
        self.write("config", &config);
    }

    fn openssl(&self, args: &str) {
        let mut command = Command::new(tools::openssl());
        tools::run(command.args(args.split(' ')).current_dir(self.folder()));
    }
}
