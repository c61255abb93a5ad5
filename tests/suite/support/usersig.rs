//! UserSigs read, checked and made a second time, from the documents alone. Shares no line with the
//! program's own module and none of its cryptography, so that one mistake cannot hide in both.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The members of a UserSig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) identifier: String,
    pub(crate) sdk_app_id: u64,
    pub(crate) time: i64,
    pub(crate) expire: i64,
    pub(crate) signature: String,
}

impl Members {
    /// Reads the text; `None` where it is no UserSig of version 2.
    pub(crate) fn read(text: &str) -> Option<Members> {
        let document = inflate(&BASE64.decode(standard_alphabet(text)).ok()?)?;
        let document: Value = serde_json::from_slice(&document).ok()?;
        (document["TLS.ver"] == "2.0").then_some(())?;
        Some(Members {
            identifier: document["TLS.identifier"].as_str()?.to_owned(),
            sdk_app_id: document["TLS.sdkappid"].as_u64()?,
            time: document["TLS.time"].as_i64()?,
            expire: document["TLS.expire"].as_i64()?,
            signature: document["TLS.sig"].as_str()?.to_owned(),
        })
    }

    /// The signature that `key` makes over the other members.
    pub(crate) fn signature_by(&self, key: &str) -> String {
        let signed = format!(
            "TLS.identifier:{}\nTLS.sdkappid:{}\nTLS.time:{}\nTLS.expire:{}\n",
            self.identifier, self.sdk_app_id, self.time, self.expire
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        BASE64.encode(mac.finalize().into_bytes())
    }

    /// The last second at which it is good.
    pub(crate) fn good_until(&self) -> i64 {
        self.time + self.expire
    }

    /// The text, as Go's official encoder writes it: stored, not compressed.
    pub(crate) fn write(&self) -> String {
        let document = json!({
            "TLS.ver": "2.0",
            "TLS.identifier": self.identifier,
            "TLS.sdkappid": self.sdk_app_id,
            "TLS.time": self.time,
            "TLS.expire": self.expire,
            "TLS.sig": self.signature,
        });
        let stored = flate2::Compression::none();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), stored);
        encoder.write_all(document.to_string().as_bytes()).unwrap();
        BASE64
            .encode(encoder.finish().unwrap())
            .replace('+', "*")
            .replace('/', "-")
            .replace('=', "_")
    }
}

/// A UserSig made elsewhere, good from `time` on for `expire` seconds.
pub(crate) fn made_elsewhere(
    sdk_app_id: u64,
    identifier: &str,
    key: &str,
    time: i64,
    expire: i64,
) -> String {
    let mut members = Members {
        identifier: identifier.to_owned(),
        sdk_app_id,
        time,
        expire,
        signature: String::new(),
    };
    members.signature = members.signature_by(key);
    members.write()
}

fn standard_alphabet(text: &str) -> String {
    text.replace('*', "+").replace('-', "/").replace('_', "=")
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut document = Vec::new();
    flate2::read::ZlibDecoder::new(bytes)
        .read_to_end(&mut document)
        .ok()?;
    Some(document)
}
