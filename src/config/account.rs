//! The application of Desk that is polled: hosts, credentials, whom TLS trusts, filters, and its calendar.

use std::net::IpAddr;

use jiff::tz::TimeZone;
use reqwest::Url;

use super::filter;
use super::polling;
use super::reader::Reader;
use super::secret::{self, PROOF};
use super::settings::{self, ENDPOINT, SDK_APP_ID};
use crate::base::secret::{Secret, looks_secret};
use crate::base::{files, spelling, zones};
use crate::desk::call::Channel;
use crate::desk::credentials::{Credentials, Proof};
use crate::desk::dial::proxy::{self, Proxy};
use crate::desk::tls::{self, RootPaths, Roots};

/// Hosts of the gateway and their backups, by data centre (the gateway's page on its REST API).
#[rustfmt::skip] // A row for each.
const REGIONS: &[(&str, &str, &str)] = &[
    ("china", "console.tim.qq.com", "adminapi.my-imcloud.com"),
    ("singapore", "adminapisgp.im.qcloud.com", "adminapisgp.my-imcloud.com"),
    ("seoul", "adminapikr.im.qcloud.com", "adminapikr.my-imcloud.com"),
    ("tokyo", "adminapijpn.im.qcloud.com", "adminapijpn.my-imcloud.com"),
    ("frankfurt", "adminapiger.im.qcloud.com", "adminapiger.my-imcloud.com"),
    ("silicon-valley", "adminapiusa.im.qcloud.com", "adminapiusa.my-imcloud.com"),
    ("jakarta", "adminapiidn.im.qcloud.com", "adminapiidn.my-imcloud.com"),
];

/// Settings of the application that is polled.
#[derive(Debug)]
pub struct Account {
    /// The base URL of the API, and that of its backup if there is one.
    pub hosts: Vec<Url>,
    /// What signs the requests.
    pub credentials: Credentials,
    /// The certificates that are trusted as Desk's, or a proxy's.
    pub roots: Roots,
    /// The proxy between this machine and the hosts.
    pub proxy: Option<Proxy>,
    /// Only these agents; all if it is empty.
    pub agent_ids: Vec<String>,
    /// Only these conversation sources; all if it is empty.
    pub channels: Vec<Channel>,
    /// The zone in which Desk counts its days.
    pub time_zone: TimeZone,
}

impl Account {
    pub(super) fn read(
        reader: &mut Reader,
        root_paths: RootPaths,
        proxies: &proxy::Variables,
    ) -> Option<Self> {
        let credentials = credentials(reader);
        let hosts = hosts(reader);
        let proxy = proxies.proxy_for(&hosts).unwrap_or_else(|why| {
            reader.mistakes.push(why);
            None
        });
        let time_zone = reader.try_read(settings::TIME_ZONE, parse_zone);
        Some(Self {
            hosts,
            roots: roots(reader, root_paths),
            proxy,
            agent_ids: reader.read(settings::AGENT_IDS, filter::parse_agent_ids),
            channels: reader.read(settings::CHANNELS, filter::parse_channels),
            credentials: credentials?,
            time_zone: time_zone?,
        })
    }
}

fn credentials(reader: &mut Reader) -> Option<Credentials> {
    let is_set = reader.is_set(SDK_APP_ID);
    let sdk_app_id = reader.read(SDK_APP_ID, |text| match is_set {
        true => parse_app_id(text),
        false => {
            Err("is not set; write the SDKAppID that the console shows, as 1400000000".to_owned())
        }
    });
    let identifier = reader.read(settings::IDENTIFIER, parse_identifier);
    let (proof, secret) = proof(reader)?;
    Some(Credentials::proven(sdk_app_id, identifier, proof, secret))
}

/// What proves to Desk that we may ask, and the secret as it is now.
fn proof(reader: &mut Reader) -> Option<(Proof, Secret)> {
    let (setting, source) = secret::only(reader, &PROOF)?;
    let proof = match setting.name.starts_with("SECRET_KEY") {
        true => Proof::Key(source.clone()),
        false => Proof::UserSig(source.clone()),
    };
    let secret = secret::read_in_time(reader, setting, &source, {
        let proof = proof.clone();
        move || proof.read()
    })?;
    Some((proof, secret))
}

/// The certificates to trust.
fn roots(reader: &mut Reader, paths: RootPaths) -> Roots {
    let what = format!("what {} or {} names", tls::CERT_FILE, tls::CERT_DIR);
    let found = files::in_time(&what, move || Roots::read(&paths));
    match found.unwrap_or_else(|why| Err(vec![why])) {
        Ok((roots, warnings)) => {
            reader.warnings.extend(warnings);
            roots
        }
        Err(mistakes) => {
            reader.mistakes.extend(mistakes);
            Roots::default()
        }
    }
}

/// `ENDPOINT`, or the hosts of `REGION`.
fn hosts(reader: &mut Reader) -> Vec<Url> {
    let region = reader.read(settings::REGION, parse_region);
    let endpoint = reader.read_if_set(ENDPOINT, parse_endpoint);
    match reader.is_set(ENDPOINT) {
        true => endpoint.into_iter().collect(),
        false => region,
    }
}

fn parse_app_id(text: &str) -> Result<u64, String> {
    let id = text.parse::<u32>().ok().filter(|&id| id > 0);
    id.map(u64::from).ok_or_else(|| {
        "is no SDKAppID; write the number that the console shows, as 1400000000".to_owned()
    })
}

/// An account's name has at most 32 letters, digits, `_` and `-` (the official libraries for UserSigs).
fn parse_identifier(text: &str) -> Result<String, String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=32).contains(&text.len()) && text.chars().all(is_legal) {
        return Ok(text.to_owned());
    }
    if looks_secret(text) {
        return Err("looks like a key or a UserSig; write the UserID of an App administrator here, as administrator, and the secret where it belongs".to_owned());
    }
    let what = spelling::one_word(text)
        .err()
        .unwrap_or_else(|| "is no account: that has at most 32 letters, digits, _ or -".to_owned());
    Err(format!(
        "{what}; write the UserID of an App administrator, as administrator"
    ))
}

pub(super) fn parse_zone(text: &str) -> Result<TimeZone, String> {
    zones::named(text).ok_or_else(|| zones::advice(text))
}

/// The base URLs of a region's host and of its backup.
fn parse_region(text: &str) -> Result<Vec<Url>, String> {
    let known = REGIONS.iter().find(|(name, ..)| *name == text);
    let hosts = known.and_then(|(_, host, backup)| {
        let urls = [host, backup].map(|host| Url::parse(&format!("https://{host}")).ok());
        urls.into_iter().collect()
    });
    hosts.ok_or_else(|| {
        let names: Vec<_> = REGIONS.iter().map(|(name, ..)| *name).collect();
        format!("is no region; write one of {}", names.join(", "))
    })
}

/// A base URL that may carry a signature: encrypted, or never leaving this machine.
fn parse_endpoint(text: &str) -> Result<Url, String> {
    if polling::parse_endpoints(text).is_ok() {
        return Err("names endpoints, which belong in TENCENT_DESK_ENDPOINTS; write a base URL, as https://host, or unset it for the region's".to_owned());
    }
    let advice = "is no base URL; write https://host, or http:// with a loopback address";
    let url = Url::parse(text).map_err(|_| advice)?;
    let is_bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) if is_bare => Ok(url),
        ("http", Some(host)) if is_bare && is_loopback(host) => Ok(url),
        ("http", Some(_)) => {
            Err("would send the signature in clear text; write https://, http:// is for loopback addresses only".to_owned())
        }
        _ => Err(advice.to_owned()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
