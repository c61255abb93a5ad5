//! The page for people: how things stand, in words, and the day so far in figures.
//!
//! [`figures`] says what the polls brought, [`state`] how they went; [`query`] is what a person asks for, [`words`] the
//! languages. [`charts`] and [`view`] make HTML of them, which needs no script and no other host.
//!
//! It keeps the promises of `/metrics`: a figure is shown while its endpoint's page may be, and not a moment longer, and
//! what is hidden there is hidden here, since both are made from the same snapshots. What is asked for is rendered once
//! for as long as these hold, on a thread of its own ([`cache`]); only the top is made for each answer, since ages pass.

mod cache;
mod charts;
mod figures;
mod limits;
mod measures;
mod query;
mod said;
mod state;
mod table;
mod view;
pub mod words;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use jiff::tz::TimeZone;
use ring::digest;

use crate::base::blocking;
use crate::base::clock::{Clock, DayWindow, Now};
use crate::catalog::{Endpoint, agents, members, reception, sessions};
use crate::exposition::coding::{Coding, Encoder, Piece};
use crate::exposition::page::Page;
use crate::status::board::{Board, Feed};
use cache::Cache;
use figures::Figures;
use query::Query;
use state::State;
use view::{Rest, STYLE, Served, Top};
use words::Language;

/// The page's `Content-Security-Policy`: its own style sheet, by its hash, and a form that asks this page.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// The page renews itself no more often than this, and no more seldom.
const RENEWAL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// The page: made once for each poll and question, and handed out from the cache.
#[derive(Debug)]
pub struct Dayboard {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    telemetry_path: Box<str>,
    cache: Cache<Key>,
}

/// What a rendered page depends on, beside what the polls brought.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    query: Query,
    language: Language,
    coding: Coding,
    served: Served,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The document, coded.
    pub body: Vec<Bytes>,
    /// Its language.
    pub language: Language,
    /// The value of `Refresh`, where a browser should ask again by itself.
    pub refresh: Option<String>,
}

impl Dayboard {
    /// The page about what pollers publish on `board`; Desk's day and hours are those of `zone`.
    pub fn new(
        board: Arc<Board>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        telemetry_path: &str,
    ) -> Self {
        Self {
            board,
            clock,
            zone,
            telemetry_path: telemetry_path.into(),
            cache: Cache::default(),
        }
    }

    /// The page as `query`, the part of an address behind its question mark, asks for it, in `language` unless it says
    /// another one.
    pub async fn answer(
        self: &Arc<Self>,
        query: &str,
        language: Language,
        coding: Coding,
    ) -> Answer {
        let query = Query::parse(query);
        let language = query.language.unwrap_or(language);
        loop {
            let feeds = self.board.feeds();
            let shown = shown(&feeds, self.clock.now());
            let key = Key {
                query: query.clone(),
                language,
                coding,
                served: match shown.is_empty() {
                    true => Served::default(),
                    false => served(&feeds),
                },
            };
            let rest = self.rest(&shown, key).await;
            // It took a while, perhaps: what may not be shown any more is not, and ages are those of the answer.
            let now = self.clock.now();
            if !is_current(&shown, now) {
                continue;
            }
            let top = self.top(&feeds, &shown, &query, language, now);
            return Answer {
                body: coding.join(&[&coded(&top, coding), &rest]),
                language,
                refresh: (!query.stands_still).then(|| refresh(&feeds, &query)),
            };
        }
    }

    fn top(
        &self,
        feeds: &[Arc<Feed>],
        shown: &[Arc<Page>],
        query: &Query,
        language: Language,
        now: Now,
    ) -> String {
        let state = State::of(feeds, now, &self.zone, language.words());
        let days = shown.iter().filter_map(|page| page.snapshot().window.day());
        let date = days.map(DayWindow::date).max();
        rendered(&Top::new(query, language, date, &state))
    }

    /// The rest of the page of `shown`. However many ask at once, it is made once.
    async fn rest(self: &Arc<Self>, shown: &[Arc<Page>], key: Key) -> Piece {
        let (figures, place) = self.cache.places(shown, &key);
        let made = place.get_or_init(|| async {
            let figures = figures.get_or_init(|| self.figures(shown)).await.clone();
            let dayboard = self.clone();
            let render = move || {
                let Key {
                    query,
                    language,
                    coding,
                    served,
                } = key;
                let rest = Rest::new(&figures, &query, language, served, &dayboard.telemetry_path);
                coded(&rendered(&rest), coding)
            };
            blocking::PEOPLE.run(render).await
        });
        made.await.clone()
    }

    async fn figures(&self, shown: &[Arc<Page>]) -> Arc<Figures> {
        let (shown, zone) = (shown.to_vec(), self.zone.clone());
        let make = move || Arc::new(Figures::of(&shown, &zone));
        blocking::PEOPLE.run(make).await
    }
}

/// What may be shown of `feeds` at `now`.
fn shown(feeds: &[Arc<Feed>], now: Now) -> Vec<Arc<Page>> {
    feeds
        .iter()
        .filter_map(|feed| feed.shown(now))
        .cloned()
        .collect()
}

fn is_current(shown: &[Arc<Page>], now: Now) -> bool {
    shown.iter().all(|page| page.is_current(now))
}

fn served(feeds: &[Arc<Feed>]) -> Served {
    // Before the first poll there is nothing to say of what is to come.
    let is_served = |endpoint: &Endpoint| {
        feeds.iter().any(|feed| {
            feed.endpoint.name() == endpoint.name() && feed.is_served() && feed.last_poll.is_some()
        })
    };
    Served {
        now: is_served(&reception::ENDPOINT),
        hours: is_served(&sessions::ENDPOINT),
        agents: is_served(&agents::ENDPOINT) || is_served(&members::ENDPOINT),
    }
}

/// After the shortest interval of polling there may be something new.
///
/// The address is said, and without a fragment: Chromium takes a refresh of an address with one for a link to that place
/// on the page, and loads nothing. It takes one of the same address for a reload, and stays where a person has scrolled to.
fn refresh(feeds: &[Arc<Feed>], query: &Query) -> String {
    format!("{}; url={}", renewal(feeds).as_secs(), query.link())
}

fn renewal(feeds: &[Arc<Feed>]) -> Duration {
    let (least, most) = RENEWAL;
    if feeds.iter().any(|feed| feed.last_poll.is_none()) {
        return least;
    }
    let served = feeds.iter().filter(|feed| feed.is_served());
    let shortest = served.map(|feed| feed.interval).min();
    shortest.unwrap_or(most).clamp(least, most)
}

fn rendered(template: &impl Template) -> String {
    // Writing to a string does not fail, and no template calls what does.
    template.render().unwrap_or_default()
}

fn coded(text: &str, coding: Coding) -> Piece {
    let mut encoder = Encoder::raw_within(usize::MAX, coding);
    encoder.push(text.as_bytes());
    // Of any size: it is there.
    encoder.finish().unwrap_or_default()
}
