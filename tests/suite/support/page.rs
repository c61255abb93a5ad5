//! A strict reader of Prometheus' text format 0.0.4, our own, so that the page is held to the format
//! and not to what one encoder happens to write. Whatever is wrong is a panic that says where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A page that kept all rules.
pub(crate) struct Page {
    text: String,
    families: Vec<Family>,
}

/// HELP, TYPE and samples of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// All its labels, as a page is asked for them.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.labels.iter();
        pairs.map(|(name, value)| (&**name, &**value)).collect()
    }
}

impl Page {
    /// Reads a whole page.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Page {
        match families_of(text) {
            Ok(families) => Page {
                text: text.to_owned(),
                families,
            },
            Err(wrong) => panic!("not the text format: {wrong}\n{text}"),
        }
    }

    pub(crate) fn families(&self) -> &[Family] {
        &self.families
    }

    pub(crate) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The value of the sample with exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: BTreeMap<String, String> = labels.iter().map(owned).collect();
        self.samples()
            .find(|sample| sample.name == name && sample.labels == labels)
            .map(|sample| sample.value)
    }

    /// The value, by the short name, of a metric that the exporter has of itself; of agent statistics, where
    /// it has one for each endpoint and `labels` name none.
    pub(crate) fn own(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let name = format!("tencent_desk_{name}");
        let of_agents = [labels, &[("endpoint", "describe_agent_statistics")]].concat();
        self.value(&name, labels)
            .or_else(|| self.value(&name, &of_agents))
    }

    /// The values, by the short name, of a family that any endpoint has.
    pub(crate) fn all(&self, name: &str) -> Vec<&Sample> {
        let name = format!("tencent_desk_{name}");
        self.samples()
            .filter(|sample| sample.name == name)
            .collect()
    }

    /// The value, by the short name, that an agent has.
    pub(crate) fn agent(&self, id: &str, name: &str) -> Option<f64> {
        self.value(&format!("tencent_desk_agent_{name}"), &[("agent_id", id)])
    }

    /// What agent statistics say: the samples of the agents, in an order of their own.
    pub(crate) fn agent_samples(&self) -> Vec<Sample> {
        sorted(self.samples().filter(|s| is_agents(&s.name)).cloned())
    }

    pub(crate) fn agent_families(&self) -> Vec<&Family> {
        let families = self.families.iter();
        families.filter(|family| is_agents(&family.name)).collect()
    }

    /// The ids of all agents who have any sample of agent statistics.
    pub(crate) fn agents(&self) -> BTreeSet<String> {
        let samples = self.samples().filter(|sample| is_agents(&sample.name));
        samples
            .filter_map(|sample| sample.labels.get("agent_id").cloned())
            .collect()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the further endpoints say of an agent, by what follows `tencent_desk_agent_`.
const OF_FURTHER_ENDPOINTS: [&str; 5] = ["current_", "group_", "realtime_", "reception_", "status"];

/// Whether a family is of agent statistics.
fn is_agents(name: &str) -> bool {
    let what = name.strip_prefix("tencent_desk_agent_");
    what.is_some_and(|what| {
        !OF_FURTHER_ENDPOINTS
            .iter()
            .any(|of_further| what.starts_with(of_further))
    })
}

/// Samples written by hand in a test, to compare with [`Page::agent_samples`].
pub(crate) fn samples_of(text: &str) -> Vec<Sample> {
    sorted(text.lines().map(|line| sample(line.trim()).unwrap()))
}

fn sorted(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let mut samples: Vec<Sample> = samples.collect();
    samples.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    samples
}

type Wrong<T> = Result<T, String>;

fn families_of(text: &str) -> Wrong<Vec<Family>> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut families: Vec<Family> = Vec::new();
    for line in text.split_terminator('\n') {
        take_line(&mut families, line).map_err(|wrong| format!("{wrong}, in: {line}"))?;
    }
    check_families(&families)?;
    Ok(families)
}

fn take_line(families: &mut Vec<Family>, line: &str) -> Wrong<()> {
    if let Some(rest) = line.strip_prefix("# HELP ") {
        let (name, help) = rest.split_once(' ').ok_or("HELP without a text")?;
        return open_family(families, name, help);
    }
    let family = families.last_mut().ok_or("no HELP before it")?;
    if let Some(rest) = line.strip_prefix("# TYPE ") {
        return set_type(family, rest);
    }
    let sample = sample(line)?;
    if !family.takes(&sample.name) {
        return Err(format!("not of the family {}", family.name));
    }
    family.samples.push(sample);
    Ok(())
}

fn open_family(families: &mut Vec<Family>, name: &str, help: &str) -> Wrong<()> {
    if families.iter().any(|family| family.name == name) {
        return Err("a family twice".to_owned());
    }
    if !is_metric_name(name) {
        return Err("no name of a metric".to_owned());
    }
    families.push(Family {
        name: name.to_owned(),
        help: unescape(help, false)?,
        kind: String::new(),
        samples: Vec::new(),
    });
    Ok(())
}

fn set_type(family: &mut Family, rest: &str) -> Wrong<()> {
    let (name, kind) = rest.split_once(' ').ok_or("half a TYPE")?;
    let known = ["counter", "gauge", "histogram", "summary", "untyped"];
    if name != family.name || !family.kind.is_empty() || !known.contains(&kind) {
        return Err("a TYPE out of place".to_owned());
    }
    kind.clone_into(&mut family.kind);
    Ok(())
}

impl Family {
    fn takes(&self, sample: &str) -> bool {
        let suffix = sample.strip_prefix(self.name.as_str());
        match self.kind.as_str() {
            "" => false,
            "histogram" => matches!(suffix, Some("_bucket" | "_sum" | "_count")),
            _ => suffix == Some(""),
        }
    }
}

fn check_families(families: &[Family]) -> Wrong<()> {
    let mut seen = BTreeSet::new();
    for family in families {
        if family.samples.is_empty() {
            return Err(format!("{} has no sample", family.name));
        }
        if family.help.trim().is_empty() {
            return Err(format!("{} has no help", family.name));
        }
        for sample in &family.samples {
            if !seen.insert((&sample.name, &sample.labels)) {
                return Err(format!("a series twice: {sample:?}"));
            }
        }
    }
    Ok(())
}

/// One sample's line; a time stamp behind the value is against the contract.
fn sample(line: &str) -> Wrong<Sample> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    if !is_metric_name(name) {
        return Err("no name of a metric".to_owned());
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value: number(value)?,
    })
}

fn number(text: &str) -> Wrong<f64> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        _ if text.contains(|c: char| !"+-.eE0123456789".contains(c)) => {
            Err(format!("no number, or more than one: {text}"))
        }
        _ => text.parse().map_err(|_| format!("no number: {text}")),
    }
}

/// The labels after the opening brace, and what follows the closing one.
fn labels(mut text: &str) -> Wrong<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or("a broken label")?;
        if !is_label_name(name) {
            return Err(format!("no name of a label: {name}"));
        }
        let end = closing_quote(rest).ok_or("a label without its end")?;
        let value = unescape(&rest[..end], true)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("label {name} twice"));
        }
        text = &rest[end + 1..];
        if let Some(rest) = text.strip_prefix('}') {
            return Ok((labels, rest));
        }
        text = text.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(position, character)| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes.then_some(position)
    })
}

fn unescape(text: &str, quotes: bool) -> Wrong<String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quotes => plain.push('"'),
            other => return Err(format!("no such escape: {other:?}")),
        }
    }
    Ok(plain)
}

fn is_metric_name(text: &str) -> bool {
    is_name(text, |c| c == '_' || c == ':')
}

fn is_label_name(text: &str) -> bool {
    is_name(text, |c| c == '_') && !text.starts_with("__")
}

fn is_name(text: &str, also: impl Fn(char) -> bool) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also(c))
}
