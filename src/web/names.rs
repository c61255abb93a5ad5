//! The names in a certificate (its subjectAltName), as Go writes them: for `client_allowed_sans`.
//!
//! A few lines of DER instead of a library: the way to one extension is short, and rustls' own
//! parser gives the DNS names only.

use std::net::{Ipv4Addr, Ipv6Addr};

/// 2.5.29.17, encoded.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[3]` of a TBSCertificate.
const EXTENSIONS: u8 = 0xa3;

/// `rfc822Name`, `dNSName`, `uniformResourceIdentifier` and `iPAddress` of a GeneralName.
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// One value: its tag and what is in it.
type Value<'d> = (u8, &'d [u8]);

/// All DNS names, e-mail addresses, IP addresses and URIs of a certificate in DER; none where it
/// has none, or cannot be read.
pub(super) fn of(certificate: &[u8]) -> Vec<String> {
    let names = extension(certificate).and_then(|content| inside(content, SEQUENCE));
    values(names.unwrap_or_default())
        .filter_map(shown)
        .collect()
}

fn shown((tag, content): Value<'_>) -> Option<String> {
    match tag {
        EMAIL | DNS | URI => Some(std::str::from_utf8(content).ok()?.to_owned()),
        IP => match content.len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(content).ok()?).to_string()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(content).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// What the extension holds.
fn extension(certificate: &[u8]) -> Option<&[u8]> {
    let to_be_signed = inside(inside(certificate, SEQUENCE)?, SEQUENCE)?;
    let (_, extensions) = values(to_be_signed).find(|(tag, _)| *tag == EXTENSIONS)?;
    values(inside(extensions, SEQUENCE)?).find_map(|(_, extension)| {
        let mut members = values(extension).filter(|(tag, _)| *tag != BOOLEAN);
        let is_it = members.next()? == (OBJECT_IDENTIFIER, SUBJECT_ALT_NAME);
        let (tag, content) = members.next()?;
        (is_it && tag == OCTET_STRING).then_some(content)
    })
}

/// The content of the first value, which has to be of this tag.
fn inside(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, content) = values(der).next()?;
    (first == tag).then_some(content)
}

/// One value after the other, up to the end or to what is none.
fn values(mut der: &[u8]) -> impl Iterator<Item = Value<'_>> {
    std::iter::from_fn(move || {
        let (value, rest) = split(der)?;
        der = rest;
        Some(value)
    })
}

fn split(der: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // No certificate that comes by TLS is as long as three bytes can say.
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(((tag, content), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    }

    fn certificate(names: &[Vec<u8>]) -> Vec<u8> {
        let other = value(
            SEQUENCE,
            &[
                value(OBJECT_IDENTIFIER, &[0x55, 0x1d, 0x0f]),
                value(OCTET_STRING, b"x"),
            ]
            .concat(),
        );
        let content = value(OCTET_STRING, &value(SEQUENCE, &names.concat()));
        let critical = value(BOOLEAN, &[0xff]);
        let ours = value(
            SEQUENCE,
            &[
                value(OBJECT_IDENTIFIER, SUBJECT_ALT_NAME),
                critical,
                content,
            ]
            .concat(),
        );
        let extensions = value(EXTENSIONS, &value(SEQUENCE, &[other, ours].concat()));
        value(
            SEQUENCE,
            &value(SEQUENCE, &[value(0x02, b"7"), extensions].concat()),
        )
    }

    #[test]
    fn all_four_kinds_are_read() {
        let certificate = certificate(&[
            value(DNS, b"prometheus.test"),
            value(EMAIL, b"a@b.test"),
            value(URI, b"spiffe://a/b"),
            value(IP, &[127, 0, 0, 1]),
            value(IP, &Ipv6Addr::LOCALHOST.octets()),
            value(IP, b"odd"),
            value(0x88, b"an object's id"),
        ]);
        assert_eq!(
            of(&certificate),
            [
                "prometheus.test",
                "a@b.test",
                "spiffe://a/b",
                "127.0.0.1",
                "::1"
            ]
        );
    }

    #[test]
    fn what_is_cut_off_or_spoilt_is_no_panic() {
        let whole = certificate(&[value(DNS, b"prometheus.test")]);
        for end in 0..whole.len() {
            assert_eq!(of(&whole[..end]), Vec::<String>::new());
        }
        for place in 0..whole.len() {
            for byte in [0, 0x80, 0x84, 0xff] {
                let mut spoilt = whole.clone();
                spoilt[place] = byte;
                let _ = of(&spoilt);
            }
        }
    }
}
