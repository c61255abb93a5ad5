//! Reads the parameters behind a request's question mark, as strictly as they are documented.

use std::collections::BTreeMap;

/// Names and values, decoded; `None` where the query is broken or says one name twice.
pub(super) fn parameters(query: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let earlier = parameters.insert(decoded(name)?, decoded(value)?);
        if earlier.is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? * 16 + hex_digit(bytes.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16)?.try_into().ok()
}

/// A number in decimal digits and nothing else: no sign, no blank.
pub(super) fn decimal<N: std::str::FromStr>(text: &str) -> Option<N> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(query: &str) -> Option<String> {
        parameters(query)?.remove("a")
    }

    #[test]
    fn values_are_decoded() {
        assert_eq!(value("a=1&b=2").unwrap(), "1");
        assert_eq!(value("b=2&a=%2A%e4%BD%a0+x*-_").unwrap(), "*你 x*-_");
        assert_eq!(value("a=").unwrap(), "");
        assert_eq!(value("a=b=c").unwrap(), "b=c");
        assert_eq!(value("A=1"), None);
    }

    #[test]
    fn what_is_broken_is_refused_whole() {
        for broken in [
            "a", "a=1&b", "a=1&a=1", "a=%", "a=%4", "a=%4g", "a=%ff", "a=%+1",
        ] {
            assert_eq!(parameters(broken), None, "{broken}");
        }
        assert_eq!(parameters("").unwrap().len(), 0);
    }

    #[test]
    fn a_number_is_digits() {
        assert_eq!(decimal::<u32>("4294967295"), Some(u32::MAX));
        for text in ["", "4294967296", "-1", "+1", " 1", "1.0", "1e3", "0x1", "١"] {
            assert_eq!(decimal::<u32>(text), None, "{text}");
        }
    }
}
