//! UserSig, version 2: the signature in every request's URL.
//!
//! Four lines are signed with HMAC-SHA256. Their values and the signature are members of a JSON object,
//! which is compressed by zlib and encoded in base64 with an alphabet of Tencent's own. Compressed bytes
//! differ between implementations, so two UserSigs are compared by their members. The key is the text
//! that the console shows: its hexadecimal digits are not decoded.

use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::base::secret::Secret;

/// The only version that is made and read. It is compared, as the signature does not cover it.
const VERSION: &str = "2.0";

/// The most bytes that are decompressed. A UserSig has a few hundred.
const LONGEST_DOCUMENT: u64 = 16 * 1024;

/// The members of a UserSig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSig {
    #[serde(rename = "TLS.ver")]
    version: String,
    /// The account.
    #[serde(rename = "TLS.identifier")]
    pub identifier: String,
    /// The SDKAppID.
    #[serde(rename = "TLS.sdkappid")]
    pub sdk_app_id: u64,
    /// How long it is valid, in seconds.
    #[serde(rename = "TLS.expire")]
    pub expire: i64,
    /// The time at which it was made, in Unix seconds.
    #[serde(rename = "TLS.time")]
    pub time: i64,
    /// The signature in base64: as secret as the whole.
    #[serde(
        rename = "TLS.sig",
        serialize_with = "expose",
        deserialize_with = "conceal"
    )]
    signature: Secret,
}

impl UserSig {
    /// Signs for `identifier`. The UserSig is valid from `time`, in Unix seconds, for `expire` seconds.
    pub fn sign(sdk_app_id: u64, identifier: &str, key: &Secret, time: i64, expire: i64) -> Self {
        let signed = string_to_sign(sdk_app_id, identifier, time, expire);
        let tag = hmac::sign(&hmac_key(key), signed.as_bytes());
        Self {
            version: VERSION.to_owned(),
            identifier: identifier.to_owned(),
            sdk_app_id,
            expire,
            time,
            signature: Secret::new(BASE64.encode(tag.as_ref())),
        }
    }

    /// The text for `usersig` in a URL.
    pub fn encode(&self) -> Secret {
        // Strings and numbers are always JSON, and writing to memory does not fail.
        let document = serde_json::to_vec(self).unwrap_or_default();
        let mut compressed = Vec::new();
        let _ = ZlibEncoder::new(document.as_slice(), Compression::default())
            .read_to_end(&mut compressed);
        let text = BASE64.encode(compressed);
        Secret::new(text.chars().map(to_url_safe).collect::<String>())
    }

    /// The members of a UserSig. The signature is not verified.
    ///
    /// # Errors
    /// [`Unreadable`], if the text is no UserSig of version 2.
    pub fn decode(text: &str) -> Result<Self, Unreadable> {
        let standard: String = text.chars().map(from_url_safe).collect();
        let deflated = BASE64
            .decode(standard)
            .map_err(|_| Unreadable("its base64 is broken"))?;
        let mut document = Vec::new();
        ZlibDecoder::new(deflated.as_slice())
            .take(LONGEST_DOCUMENT)
            .read_to_end(&mut document)
            .map_err(|_| Unreadable("its zlib stream is broken"))?;
        let sig: Self = serde_json::from_slice(&document)
            .map_err(|_| Unreadable("its JSON lacks a member of UserSig version 2"))?;
        if sig.version != VERSION {
            return Err(Unreadable("it is of another version than 2.0"));
        }
        Ok(sig)
    }

    /// Whether the signature is that of `key` over the members.
    pub fn is_signed_with(&self, key: &Secret) -> bool {
        let signed = string_to_sign(self.sdk_app_id, &self.identifier, self.time, self.expire);
        BASE64
            .decode(self.signature.expose())
            .is_ok_and(|tag| hmac::verify(&hmac_key(key), signed.as_bytes(), &tag).is_ok())
    }

    /// The last instant at which it is valid; `None` if that is beyond the calendar.
    pub fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.time.checked_add(self.expire)?).ok()
    }
}

/// Why a text is no UserSig of version 2, without any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(&'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unreadable {}

fn hmac_key(key: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes())
}

fn string_to_sign(sdk_app_id: u64, identifier: &str, time: i64, expire: i64) -> String {
    format!(
        "TLS.identifier:{identifier}\nTLS.sdkappid:{sdk_app_id}\nTLS.time:{time}\nTLS.expire:{expire}\n"
    )
}

fn to_url_safe(standard: char) -> char {
    match standard {
        '+' => '*',
        '/' => '-',
        '=' => '_',
        other => other,
    }
}

fn from_url_safe(safe: char) -> char {
    match safe {
        '*' => '+',
        '-' => '/',
        '_' => '=',
        other => other,
    }
}

fn expose<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn conceal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[derive(Deserialize)]
    struct Vector {
        sdkappid: u64,
        key: String,
        identifier: String,
        time: i64,
        expire: i64,
        tls_sig: String,
        usersig_pypi_1_1: String,
        usersig_npm_1_0_2: String,
    }

    /// Made with the official packages for Python and Node, their clock pinned.
    fn vectors() -> Vec<Vector> {
        serde_json::from_str(include_str!("../../tests/data/usersig-vectors.json")).unwrap()
    }

    #[test]
    fn ours_has_the_members_of_the_official_ones() {
        for v in vectors() {
            let key = Secret::new(&v.key);
            let ours = UserSig::sign(v.sdkappid, &v.identifier, &key, v.time, v.expire);
            assert_eq!(ours.signature.expose(), v.tls_sig);
            for official in [v.usersig_pypi_1_1, v.usersig_npm_1_0_2] {
                assert_eq!(UserSig::decode(&official).unwrap(), ours);
            }
            assert_eq!(UserSig::decode(ours.encode().expose()).unwrap(), ours);
            assert!(ours.is_signed_with(&key));
        }
    }

    #[test]
    fn another_key_or_another_member_does_not_verify() {
        let key = Secret::new(KEY);
        let good = UserSig::sign(1, "admin", &key, 1_700_000_000, 86_400);
        assert!(!good.is_signed_with(&Secret::new(KEY.replace('f', "e"))));
        let changes: [fn(&mut UserSig); 4] = [
            |sig| sig.sdk_app_id = 2,
            |sig| sig.identifier.push('x'),
            |sig| sig.expire += 1,
            |sig| sig.time += 1,
        ];
        for change in changes {
            let mut forged = good.clone();
            change(&mut forged);
            assert!(!forged.is_signed_with(&key), "{forged:?}");
        }
    }

    #[test]
    fn base64_is_tencents_own() {
        assert_eq!(
            "++++//8=".chars().map(to_url_safe).collect::<String>(),
            "****--8_"
        );
        assert_eq!(
            "****--8_".chars().map(from_url_safe).collect::<String>(),
            "++++//8="
        );
    }

    #[test]
    fn what_cannot_be_read_is_said_without_repeating_it() {
        let bomb = {
            let mut deflated = Vec::new();
            let zeros = vec![b'['; 10 << 20];
            ZlibEncoder::new(zeros.as_slice(), Compression::best())
                .read_to_end(&mut deflated)
                .unwrap();
            BASE64.encode(deflated)
        };
        for text in ["", "no UserSig", "eJyrVgrxCdYr", "xxxx", bomb.as_str()] {
            assert!(UserSig::decode(text).is_err());
        }
        let shown = format!("{:?}", UserSig::sign(1, "a", &Secret::new(KEY), 0, 1));
        assert!(
            !shown.contains(KEY) && shown.contains("not shown"),
            "{shown}"
        );
    }

    #[test]
    fn an_expiry_beyond_the_calendar_is_none() {
        let mut sig = UserSig::sign(1, "a", &Secret::new(KEY), 1_700_000_000, 86_400);
        assert_eq!(sig.expires_at().unwrap().as_second(), 1_700_086_400);
        sig.expire = i64::MAX;
        assert_eq!(sig.expires_at(), None);
    }
}
