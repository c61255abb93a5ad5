//! What the page says, in each language: one table, filled once for each, so that none can lack a text.
//!
//! `{}` stands for what is put in, in the order in which it comes; `|` parts what is said of one from what is said of
//! several. Errors of Desk and of the network are told as
//! the log has them, in English, so that they can be looked up; what to do about them is said in each language.

mod en;
mod zh;

use super::said;

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese, with the terms of Desk's console.
    Chinese,
}

impl Language {
    /// All of them; the first where a person has no preference.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its primary tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// As `lang` has it, for a browser to choose the right glyphs by.
    pub fn html_tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// The language of a tag such as `zh-CN`, by the part before its first hyphen.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_it = |language: &Self| language.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(is_it)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &en::WORDS,
            Self::Chinese => &zh::WORDS,
        }
    }
}

/// `text` with `values` in the places of its `{}`.
pub(super) fn filled(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        filled.push_str(values.next().copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}

/// `text` with `count` in the place of its `{}`; what stands before a `|` is said of one.
pub(super) fn counted(text: &str, count: f64) -> String {
    let (one, many) = text.split_once('|').unwrap_or((text, text));
    let text = if count == 1.0 { one } else { many };
    filled(text, &[&said::count(count)])
}

macro_rules! words {
    ($($(#[doc = $about:literal])* $name:ident,)*) => {
        /// Every text of the page.
        #[derive(Debug)]
        pub(super) struct Words {
            $($(#[doc = $about])* pub(super) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Words {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

words! {
    /// The language's own name, for those who read it.
    language,
    /// The head of the page, and its title in the browser.
    title,
    /// Of `jiff`'s `strftime`, with `{}` for the weekday.
    date,
    /// The days of the week from Monday on, with commas between.
    weekdays,
    pause,
    resume,

    starting,
    starting_more,
    hangs,
    hangs_more,
    new_day,
    new_day_more,
    up,
    up_more,
    up_less_rows,
    up_without_agents,
    /// How many of the ids that are asked for have no row, and which.
    ids_without_row,
    not_served,
    not_served_more,
    fails,
    /// The error, and its class.
    fails_with,
    /// What to do about it.
    what_to_do,
    never_reached,
    shown_meanwhile,
    too_old,

    /// What to do, by the class of a failure.
    do_network,
    do_server,
    do_rate_limited,
    do_credentials,
    do_configuration,
    do_protocol,

    endpoints,
    agent_statistics,
    reception,
    realtime,
    by_hour,
    members,
    groups,
    /// How old figures are: a span.
    ago,
    feed_starting,
    feed_not_served,
    feed_fails,
    feed_hangs,
    feed_new_day,

    now,
    queue,
    queue_unit,
    unattended,
    agents_online,
    free,
    busy,
    rest,
    offline,
    active,
    active_unit,
    seats,
    /// So many of so many.
    seats_of,
    seats_of_desk,
    seats_of_listed,
    queue_by_group,
    /// How many groups more there are, whose queues are empty.
    other_groups_empty,
    /// How many people wait in groups that are not listed.
    other_groups,
    nobody_waits,

    today_by_hour,
    sessions,
    accepted,
    queue_time,
    hour,
    handed_over,
    running_hour,
    as_table,
    as_bars,
    /// A bar: its hour and its value.
    bar,
    no_hours,
    of_handed_over,
    of_accepted,
    begun,

    team,
    of_statistics,
    of_realtime,
    first_response,
    response,
    within_30s,
    unanswered,
    satisfied,
    session_duration,
    agents_today,
    /// How many sessions a figure is over.
    over_sessions,
    over_ratings,
    nobody_yet,
    no_figures,

    agents,
    agent,
    status,
    now_of_limit,
    search,
    group,
    all_groups,
    show,
    reset,
    worst_first,
    /// Which rows of how many.
    rows,
    no_match,
    earlier,
    later,
    limit_legend,
    print_more,

    metrics,
    health,
    readiness,

    seconds,
    minutes,
    whole_minutes,
    whole_hours,
    hours,
    percent,
    /// Between a sentence and the next.
    gap,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_all_of_it_and_in_its_own_words() {
        let english = Language::English.words().all();
        let chinese = Language::Chinese.words().all();
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        for ((name, en), (_, zh)) in english.into_iter().zip(chinese) {
            if name != "gap" {
                assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{name}");
            }
            let places = |text: &str| {
                text.split('|')
                    .next_back()
                    .map(|text| text.matches("{}").count())
            };
            assert_eq!(places(en), places(zh), "{name}");
            assert!(!en.chars().any(is_chinese), "{name}: {en}");
            let is_same_in_all = ["bar", "gap", "percent"].contains(&name);
            assert!(is_same_in_all || zh.chars().any(is_chinese), "{name}: {zh}");
        }
    }

    #[test]
    fn weeks_have_seven_days() {
        for language in Language::ALL {
            assert_eq!(language.words().weekdays.split(',').count(), 7);
        }
    }

    #[test]
    fn a_tag_is_known_by_its_first_part() {
        for tag in ["zh", "ZH-cn", "zh-Hans-CN", "zh-TW"] {
            assert_eq!(Language::of_tag(tag), Some(Language::Chinese), "{tag}");
        }
        assert_eq!(Language::of_tag("en-GB"), Some(Language::English));
        for tag in ["", "-", "fr", "zhx", "z"] {
            assert_eq!(Language::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(filled("{} of {}.", &["{}", "7"]), "{} of 7.");
        assert_eq!(filled("none", &["7"]), "none");
        assert_eq!(filled("{}{}", &["1"]), "1");
        assert_eq!(counted("{} man|{} men", 1.0), "1 man");
        assert_eq!(counted("{} man|{} men", 0.0), "0 men");
        assert_eq!(counted("一共 {}", 1.0), "一共 1");
    }
}
