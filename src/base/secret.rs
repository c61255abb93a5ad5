//! Text that signs for the whole application, and must never be printed.
//!
//! A type of its own, so that it takes a spelled-out [`Secret::expose`] to see what is inside:
//! no `{:?}` of a struct that holds one, and no forgotten field of an error, can leak it.

use std::fmt;

use crate::base::spelling;

/// A key or a UserSig. Neither `Debug` nor anything else of it shows what it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A key or a UserSig as it was written: without the blanks around it, and one word of ASCII.
    ///
    /// # Errors
    /// What is odd about it and what to write, to be put behind the name of where it stands.
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

    /// The text itself, for the one place that signs or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is as `SECRET_KEY=...`: no key and no UserSig holds these names.
fn begins_with_a_name(text: &str) -> bool {
    let name = text.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| name.ends_with("SECRET_KEY") || name.ends_with("USER_SIG"))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// A longer run of [`is_secret_char`] is not shown, whatever it is: half of a key (64 digits) is
/// longer, and a UserSig by far.
pub(crate) const LONGEST_SHOWN: usize = 31;

/// Whether keys and UserSigs are made of `c`: hexadecimal digits, both base64s and their
/// percent-encoded forms.
pub(crate) fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=*-_%".contains(c)
}

/// Whether a key or a UserSig may stand in `text`: hexadecimal digits as many as in half a key, or a run as
/// long of digits and letters of both sizes.
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
        for name in ["SECRET_KEY", "TENCENT_DESK_SECRET_KEY", "USER_SIG"] {
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
