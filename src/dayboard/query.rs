//! What a person asks the page for: language, order, filter and place, as they stand in its address.
//!
//! Whatever cannot be understood counts as not said: no address leads to an error. What is kept of it is bounded,
//! and written in one way, so that two ways of asking for the same are one page.

use super::words::Language;

/// So many agents stand on one page.
pub(super) const ROWS: usize = 100;

/// No text is kept that is longer, in characters.
const LONGEST: usize = 100;

/// No more parameters are read.
const MOST: usize = 32;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Query {
    /// Where the browser's languages do not decide.
    pub(super) language: Option<Language>,
    pub(super) sort: Sort,
    /// The other way round than one looks at it first.
    pub(super) reversed: bool,
    /// The id of the only group that is shown; empty for all.
    pub(super) group: String,
    /// What a name or an id contains.
    pub(super) search: String,
    /// From 0.
    pub(super) page: usize,
    /// The hours as numbers too.
    pub(super) hours_as_table: bool,
    /// The page is not to be renewed by itself.
    pub(super) stands_still: bool,
}

/// What the agents are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Those with more figures beyond a limit first, then those with more sessions.
    #[default]
    Exceptions,
    Name,
    Status,
    Current,
    Sessions,
    FirstResponse,
    Response,
    Within30s,
    Unanswered,
    Satisfied,
}

/// Each order, in that of the columns, and as it stands in the address.
const SORTS: [(Sort, &str); 10] = [
    (Sort::Exceptions, "exceptions"),
    (Sort::Name, "name"),
    (Sort::Status, "status"),
    (Sort::Current, "current"),
    (Sort::Sessions, "sessions"),
    (Sort::FirstResponse, "first_response"),
    (Sort::Response, "response"),
    (Sort::Within30s, "within_30s"),
    (Sort::Unanswered, "unanswered"),
    (Sort::Satisfied, "satisfied"),
];

impl Sort {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        SORTS.into_iter().map(|(sort, _)| sort)
    }

    fn name(self) -> &'static str {
        let known = SORTS.into_iter().find(|(sort, _)| *sort == self);
        known.map_or("", |(_, name)| name)
    }

    /// Whether it begins with the smallest, unless it is reversed: names from A to Z, and shares of which little
    /// is bad.
    pub(super) fn begins_small(self) -> bool {
        matches!(
            self,
            Self::Name | Self::Status | Self::Within30s | Self::Satisfied
        )
    }
}

impl Query {
    /// Reads the part of an address behind the question mark.
    pub(super) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(MOST) {
            let value = bounded(&value);
            match &*name {
                "lang" => query.language = Language::of_tag(&value),
                "sort" => {
                    let known = SORTS.into_iter().find(|(_, name)| *name == value);
                    query.sort = known.map_or_else(Sort::default, |(sort, _)| sort);
                }
                "order" => query.reversed = value == "reversed",
                "group" => query.group = value,
                "q" => query.search = value,
                "page" => query.page = value.parse().map_or(0, |page: usize| page.max(1) - 1),
                "hours" => query.hours_as_table = value == "table",
                "refresh" => query.stands_still = value == "off",
                _ => {}
            }
        }
        query
    }

    /// What an address has to say for this, by name.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let page = self.page.saturating_add(1).to_string();
        let language = self.language.map(|language| language.tag().to_owned());
        [
            ("lang", language),
            (
                "sort",
                (self.sort != Sort::default()).then(|| self.sort.name().to_owned()),
            ),
            ("order", self.reversed.then(|| "reversed".to_owned())),
            (
                "group",
                (!self.group.is_empty()).then(|| self.group.clone()),
            ),
            ("q", (!self.search.is_empty()).then(|| self.search.clone())),
            ("page", (self.page > 0).then_some(page)),
            ("hours", self.hours_as_table.then(|| "table".to_owned())),
            ("refresh", self.stands_still.then(|| "off".to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// The address, relative to the page's own, so that it holds behind a proxy that serves it elsewhere.
    pub(super) fn link(&self) -> String {
        let pairs = self.pairs();
        if pairs.is_empty() {
            return "./".to_owned();
        }
        let mut written = form_urlencoded::Serializer::new(String::new());
        written.extend_pairs(pairs);
        format!("?{}", written.finish())
    }

    /// The same, changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// The same of all agents, from the first page on.
    pub(super) fn of_all(&self) -> Self {
        self.with(|query| {
            query.group.clear();
            query.search.clear();
            query.page = 0;
        })
    }

    /// The same sorted by `sort`; the other way round where it is already. It begins at the first page.
    pub(super) fn sorted_by(&self, sort: Sort) -> Self {
        self.with(|query| {
            query.reversed = query.sort == sort && !query.reversed && sort != Sort::Exceptions;
            query.sort = sort;
            query.page = 0;
        })
    }
}

/// `text` without blanks around it and control characters, as long as it may be.
fn bounded(text: &str) -> String {
    let seen = text.trim().chars().filter(|c| !c.is_control());
    seen.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "",
            "lang=zh&sort=first_response&order=reversed&group=6103&q=%E5%91%A8+%26+x&page=3&hours=table&refresh=off",
            "sort=satisfied",
            "q=%3Cscript%3E",
        ] {
            let query = Query::parse(text);
            let link = query.link();
            assert_eq!(link.strip_prefix('?').unwrap_or_default(), text);
            assert_eq!(Query::parse(text), query);
        }
    }

    #[test]
    fn what_is_not_understood_counts_as_not_said() {
        for text in [
            "sort=nothing",
            "sort=",
            "lang=tlh",
            "page=0",
            "page=-1",
            "page=1",
            "page=99999999999999999999999",
            "page=x",
            "order=up",
            "hours=1",
            "refresh=on",
            "%",
            "&&&=&",
            "q=%20%09%00",
            "group=%0a",
            "unknown=1",
            "sort",
            "%ff%fe=%ff",
        ] {
            assert_eq!(Query::parse(text), Query::default(), "{text}");
        }
        assert_eq!(
            Query::parse("page=18446744073709551615").link(),
            "?page=18446744073709551615"
        );
    }

    #[test]
    fn little_is_kept_of_much() {
        let long = "x".repeat(1_000_000);
        let query = Query::parse(&format!("q={long}&group={long}"));
        assert_eq!((query.search.len(), query.group.len()), (100, 100));
        let many = format!("{}sort=name", "a=1&".repeat(MOST));
        assert_eq!(Query::parse(&many), Query::default());
    }

    #[test]
    fn a_column_turns_round_when_it_is_chosen_again() {
        let first = Query::parse("q=a&page=7").sorted_by(Sort::Response);
        assert_eq!(first.link(), "?sort=response&q=a");
        let again = first.sorted_by(Sort::Response);
        assert_eq!(again.link(), "?sort=response&order=reversed&q=a");
        assert_eq!(again.sorted_by(Sort::Response), first);
        assert_eq!(again.sorted_by(Sort::Name).link(), "?sort=name&q=a");
        assert_eq!(again.sorted_by(Sort::Exceptions).link(), "?q=a");
    }

    #[test]
    fn every_order_has_a_name_of_its_own() {
        for sort in Sort::all() {
            let query = Query {
                sort,
                ..Query::default()
            };
            assert_eq!(
                Query::parse(query.link().trim_start_matches("?")).sort,
                sort
            );
        }
    }
}
