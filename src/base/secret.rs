//! Keys and UserSigs, which must never be printed.
//!
//! A type of its own keeps them out of `{:?}` and of errors: the text is had by [`Secret::expose`] only.

use std::fmt;

use crate::base::spelling;

/// A key or a UserSig. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Takes `text` as a person wrote it into a setting or a file: one word of ASCII, with blanks around
    /// it that do not count.
    ///
    /// # Errors
    /// What is wrong with it and what to write, to follow the name of the setting or file.
    pub fn written(text: &str) -> Result<Self, String> {
        let text = spelling::trimmed(text);
        if text.is_empty() {
            return Err("is empty; write the secret into it".to_owned());
        }
        spelling::one_word(text)?;
        if begins_with_a_name(text) {
            return Err(
                "begins with a setting's name, as a line of an env file does; write only what stands behind the ="
                    .to_owned(),
            );
        }
        Ok(Self::new(text))
    }

    /// The text, to sign with it or to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is a line such as `SECRET_KEY=...`. No key and no UserSig contains these names.
fn begins_with_a_name(text: &str) -> bool {
    let name = text.split_once('=').map(|(name, _)| name);
    let names = ["SECRET_KEY", "USER_SIG", "PSEUDONYM_KEY"];
    name.is_some_and(|name| names.iter().any(|secret| name.ends_with(secret)))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// The longest run of [`is_secret_char`] that is shown. Half of a key is longer (32 of its 64 digits), and
/// so is a UserSig.
pub(crate) const LONGEST_SHOWN: usize = 31;

/// Whether `c` occurs in keys and UserSigs: in hexadecimal digits, in base64 of either alphabet, or in
/// percent-encoded base64.
pub(crate) fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=*-_%".contains(c)
}

/// Whether `text` may contain a key or a UserSig: a run of as many hexadecimal digits as half of a key has,
/// or a run of that length with digits, small and capital letters.
pub(crate) fn looks_secret(text: &str) -> bool {
    let is_long = |run: &str| run.len() > LONGEST_SHOWN;
    let is_mixed = |run: &str| {
        let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
        has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
    };
    let mut digits = text.split(|c: char| !c.is_ascii_hexdigit());
    let mut runs = text.split(|c| !is_secret_char(c));
    digits.any(is_long) || runs.any(|run| is_long(run) && is_mixed(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_user_sigs_are_recognized_and_words_are_not() {
        let key = "0123456789abcdef".repeat(4);
        let (half, in_quotes) = (&key[..32], format!("\"{key}\""));
        let sig = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwonJJZllIKWlRamJRSBlAA__";
        for secret in [
            key.as_str(),
            half,
            &in_quotes,
            sig,
            &key.to_uppercase(),
            &format!("key-of_{half}"),
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for text in [
            "",
            "serve",
            "exporter-of-the-contact-centre-in-shanghai-2",
            "certificates/production/shop.example/web.yml",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            assert!(!looks_secret(text), "{text}");
        }
    }

    #[test]
    fn a_line_of_an_env_file_is_no_secret() {
        for name in [
            "SECRET_KEY",
            "TENCENT_DESK_SECRET_KEY",
            "USER_SIG",
            "PSEUDONYM_KEY",
        ] {
            let why = Secret::written(&format!("{name}=k3y\n")).unwrap_err();
            assert!(
                why.contains("setting's name") && !why.contains("k3y"),
                "{why}"
            );
        }
        for secret in ["k3y==", "SECRET_KEYS", "my=SECRET_KEY"] {
            assert!(Secret::written(secret).is_ok(), "{secret}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let shown = format!("{:?} {:#?}", Secret::new("k3y"), Some(Secret::new("k3y")));
        assert!(!shown.contains("k3y"), "{shown}");
    }
}
