//! How agents and their statuses are named.

use std::collections::BTreeMap;

use super::list::List;
use super::reader::Reader;
use super::secret::{self, PSEUDONYMS};
use super::settings::{AGENT_LABELS, STATUS_NAMES};
use crate::base::secret::{Secret, looks_secret};
use crate::base::spelling;
use crate::exposition::labels::{AgentLabels, Labels, Pseudonyms};

/// With a shorter key, one pseudonym of a known id is enough to find the key by trying.
const SHORTEST_KEY: usize = 16;

pub(super) fn read(reader: &mut Reader) -> Labels {
    Labels {
        agents: agent_labels(reader),
        status_names: reader.read(STATUS_NAMES, parse_status_names),
    }
}

fn agent_labels(reader: &mut Reader) -> AgentLabels {
    let mut is_pseudonym = false;
    let labels = reader.read(AGENT_LABELS, |text| match text {
        "full" => Ok(AgentLabels::Full),
        "id" => Ok(AgentLabels::Id),
        "pseudonym" => {
            is_pseudonym = true;
            Ok(AgentLabels::Full)
        }
        _ => Err("is none of full, id and pseudonym; write one of these".to_owned()),
    });
    if is_pseudonym {
        return pseudonyms(reader).unwrap_or(labels);
    }
    for key in secret::set(reader, &PSEUDONYMS) {
        match reader.is_set(AGENT_LABELS) {
            // The people whom the key was to hide would be shown.
            false => reader.mistake(
                key,
                "is for pseudonyms, which are not asked for; set TENCENT_DESK_AGENT_LABELS to pseudonym, or take the key away",
            ),
            true => reader.warning(key, "is not used: TENCENT_DESK_AGENT_LABELS is not pseudonym"),
        }
    }
    labels
}

fn pseudonyms(reader: &mut Reader) -> Option<AgentLabels> {
    let (setting, source) = secret::only(reader, &PSEUDONYMS)?;
    let key = secret::read_in_time(reader, setting, &source, {
        let source = source.clone();
        move || source.read()
    })?;
    if is_path(&key) {
        reader.mistake(
            setting,
            "is a path; that belongs into TENCENT_DESK_PSEUDONYM_KEY_FILE",
        );
    }
    if key.expose().len() < SHORTEST_KEY {
        reader.warning(
            setting,
            "is short: it can be found by trying, from one id and its pseudonym; make one with openssl rand -hex 32",
        );
    }
    Some(AgentLabels::Pseudonym(Pseudonyms::new(source, key)))
}

/// Whether `key` is rather the path of a file. (Base64 may begin with a slash too.)
fn is_path(key: &Secret) -> bool {
    key.expose().starts_with('/') && !looks_secret(key.expose())
}

/// The names of `MemberStatus` in `text`, as `1=free,2=busy`, by number; none if it is `none`.
pub(super) fn parse_status_names(text: &str) -> Result<BTreeMap<i64, String>, String> {
    const LIST: List = List {
        item: "pair",
        example: "1=free,2=busy,3=rest",
        none: "none",
    };
    let advice = |what: &str| format!("{what}; write a number, = and a name, as {}", LIST.example);
    let pairs = LIST.parse(text, |pair| {
        let (number, name) = pair
            .split_once('=')
            .ok_or_else(|| advice("has no = between a number and a name"))?;
        let number = number.trim().parse::<i64>();
        let number = number.map_err(|_| advice("has no whole number before its ="))?;
        let name = spelling::trimmed(name);
        if let Some(quotes) = spelling::in_quotes(name) {
            return Err(format!("has a name that {quotes}"));
        }
        if name.is_empty() {
            return Err(advice("has no name behind its ="));
        }
        if name.contains('=') {
            return Err(advice("has more than one ="));
        }
        if name.contains(char::is_control) {
            return Err(advice("has a control character in its name"));
        }
        Ok((number, name.to_owned()))
    })?;
    let mut names = BTreeMap::new();
    for (number, name) in pairs {
        if names.insert(number, name).is_some() {
            return Err(format!(
                "names the number {number} twice; write each number once, as {}",
                LIST.example
            ));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_and_a_name() {
        let names = parse_status_names(" 1=free, 2 = on break ,-3=空闲,").unwrap();
        let expected = [(1, "free"), (2, "on break"), (-3, "空闲")];
        assert_eq!(
            names,
            expected
                .map(|(number, name)| (number, name.to_owned()))
                .into()
        );
        for (text, told) in [
            ("free", "no ="),
            ("1", "no ="),
            ("1=", "no name"),
            ("1= ,2=busy", "no name"),
            ("=free", "no whole number"),
            ("1.5=free", "no whole number"),
            ("free=1", "no whole number"),
            ("0x1=free", "no whole number"),
            ("99999999999999999999=free", "no whole number"),
            ("1=free,1=busy", "the number 1 twice"),
            ("1=free,01=free", "the number 1 twice"),
            ("1=free 2=busy", "more than one ="),
            ("1=free，2=busy", "else than commas"),
            ("1=free;2=busy", "else than commas between its pairs;"),
            ("1=fr\u{7}ee", "control character"),
            ("1='free'", "quotes"),
            ("1:free", "no ="),
            (" , ", "has no pair"),
        ] {
            let why = parse_status_names(text).unwrap_err();
            assert!(
                why.contains(told) && !why.contains("free "),
                "{text}: {why}"
            );
        }
    }
}
