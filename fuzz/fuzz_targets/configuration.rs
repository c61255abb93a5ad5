//! Whatever stands in the environment: a configuration, or mistakes that repeat no secret.
//!
//! A line of the input is a variable: its name less the prefix, `=`, its value.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::config::{Environment, PREFIX};

/// In place of any key or UserSig: nothing else can hold it by chance.
const SECRET: &str = "5ecre7-0f-th1s-f1le-5ecre7-0f-th1s-f1le";

fuzz_target!(|input: &[u8]| {
    let variables = input.split(|byte| *byte == b'\n').filter_map(variable);
    let environment = Environment::new(variables);
    let lines = match environment.config() {
        Ok(config) => {
            assert!(!format!("{config:?}").contains(SECRET));
            config.warnings
        }
        Err(mistakes) => {
            assert!(!mistakes.0.is_empty());
            mistakes.0
        }
    };
    for line in lines {
        assert!(line.starts_with(PREFIX) && !line.contains(SECRET), "{line}");
    }
});

/// No file is opened on the fuzzer's word.
fn variable(line: &[u8]) -> Option<(OsString, OsString)> {
    let split = line.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&line[..split], &line[split + 1..]);
    let name = [PREFIX.as_bytes(), name].concat();
    let is_file = name.ends_with(b"_FILE");
    let is_secret = name.ends_with(b"SECRET_KEY") || name.ends_with(b"USER_SIG");
    let value = match is_file || is_secret {
        true => SECRET.as_bytes(),
        false => value,
    };
    Some((OsString::from_vec(name), OsString::from_vec(value.to_vec())))
}
