//! Whatever is given as a UserSig: unreadable, or members that can be written and read again.
//!
//! zlib's checksum keeps a fuzzer out, so each input is tried twice: as the text itself, and as the
//! JSON document, put into a coat that is right.

#![no_main]

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibEncoder;
use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::desk::usersig::UserSig;
use tencent_desk_exporter::base::secret::Secret;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
    let mut deflated = Vec::new();
    ZlibEncoder::new(input, Compression::fast())
        .read_to_end(&mut deflated)
        .unwrap();
    check(&STANDARD.encode(deflated));
});

fn check(text: &str) {
    let Ok(sig) = UserSig::decode(text) else {
        return;
    };
    let again = UserSig::decode(sig.encode().expose()).unwrap();
    assert_eq!(again, sig);
    let _ = sig.expires_at();
    // The seeds are signed with another key, which no input can know.
    assert!(!sig.is_signed_with(&Secret::new("n0-0ne-5igned-with-this")));
}
