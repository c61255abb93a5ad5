//! Text that signs for the whole application, and must never be printed.
//!
//! A type of its own, so that it takes a spelled-out [`Secret::expose`] to see what is inside:
//! no `{:?}` of a struct that holds one, and no forgotten field of an error, can leak it.

use std::fmt;

/// A key or a UserSig. Neither `Debug` nor anything else of it shows what it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that signs or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let shown = format!("{:?} {:#?}", Secret::new("k3y"), Some(Secret::new("k3y")));
        assert!(!shown.contains("k3y"), "{shown}");
    }
}
