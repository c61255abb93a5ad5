//! All pages of one answer, and whether to believe them.
//!
//! `TotalCount` says how many rows there are, but the documents' own example, filtered to one
//! agent, says 5 over one row. So it is a reason to ask on, never a reason to invent or to drop:
//!
//! - the next page starts where the rows so far end, whatever was expected;
//! - a walk ends where its rows reach `TotalCount`, or a page brings nothing new;
//! - a full page that is `TotalCount` or more is asked after, since that may count the page only, or
//!   only those of its rows that were asked for;
//! - a walk that does not add up is made once more, a little later: it may add up then, also with
//!   agents who came while it lasted; otherwise both must say the same, and so Desk means it.
//!
//! Where all is as promised, the pages after the first are asked for a few at a time.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use hashbrown::HashTable;

use super::answer::{LIMIT, MOST_ROWS, Page, remember};
use super::error::{Class, Error};
use super::table::{Row, Rows};

/// How many pages of one walk are under way at a time.
const ABREAST: usize = 4;

/// The most pages that one walk may take.
const MOST_PAGES: usize = MOST_ROWS / LIMIT;

/// The longest that all answers of one walk may be: [`MOST_PAGES`] full ones are 140 MB.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The most that all ids and nicknames of one walk may take: 80 bytes an agent, of as many agents.
const MOST_TEXT: usize = 16 * 1024 * 1024;

/// What upset one walk would upset one right after it, and twice the same would be no evidence.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// What Desk refuses a parameter with (the API's page, private error codes).
const INVALID_PARAMETER: i64 = 141_004;

/// Where pages come from: Desk, or a test.
pub(super) trait Pages {
    /// The page that starts after `offset` rows.
    fn page(&self, offset: usize) -> impl Future<Output = Result<Page, Error>>;
}

/// Every row of an answer that adds up, or that Desk gave twice alike.
#[derive(Debug, Default)]
pub struct Listing {
    /// In Desk's order, less those without an agent's id.
    pub rows: Rows,
    /// How many those are.
    pub rows_without_id: usize,
    /// How many rows `TotalCount` promised beyond those that came.
    pub missing_rows: u64,
    /// Names of fields that this version does not know.
    pub unknown_fields: BTreeSet<String>,
    /// The agents that were asked for; all where it is empty. Desk may have given others too.
    pub asked: BTreeSet<String>,
}

/// Walks over all pages, twice if need be.
///
/// # Errors
/// The first failure of a page; of class `protocol`, two walks that contradict each other.
pub(super) async fn list(pages: &impl Pages) -> Result<Listing, Error> {
    let first = walk(pages).await?;
    if first.adds_up() {
        return Ok(first.into_listing());
    }
    tokio::time::sleep(SECOND_LOOK).await;
    let second = walk(pages).await?;
    if second.is_complete() || second.agrees_with(&first) {
        return Ok(second.into_listing());
    }
    Err(Error::new(
        Class::Protocol,
        format!(
            "Desk's pages do not add up: asked twice, {} and {} rows of {} and {} promised, or not \
             of the same agents; they may be changing right now",
            first.received(),
            second.received(),
            first.total_count,
            second.total_count,
        ),
    ))
}

async fn walk(pages: &impl Pages) -> Result<Walk, Error> {
    let mut walk = Walk::default();
    walk.take(&pages.page(0).await?)?;
    side_by_side(pages, &mut walk).await?;
    while walk.goes_on() {
        if walk.pages >= MOST_PAGES {
            return Err(endless(&format!("{MOST_PAGES} pages and it promises more")));
        }
        match pages.page(walk.received()).await {
            Ok(next) => walk.take(&next)?,
            // As many as were counted are there: who refuses to look beyond them knows of no more.
            Err(error) if walk.may_count_pages && error.code() == Some(INVALID_PARAMETER) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(walk)
}

fn endless(what: &str) -> Error {
    Error::new(Class::Protocol, format!("Desk's answer has no end: {what}"))
}

/// Asks for the pages after a full first one, as long as each starts where the last one ended.
async fn side_by_side(pages: &impl Pages, walk: &mut Walk) -> Result<(), Error> {
    if walk.received() != LIMIT {
        return Ok(());
    }
    let promised = usize::try_from(walk.total_count).unwrap_or(usize::MAX);
    let offsets = (LIMIT..promised).step_by(LIMIT).take(MOST_PAGES - 1);
    let mut answers = stream::iter(offsets)
        .map(|offset| async move { (offset, pages.page(offset).await) })
        .buffered(ABREAST);
    while let Some((offset, page)) = answers.next().await {
        if offset != walk.received() {
            break;
        }
        walk.take(&page?)?;
        if walk.is_over {
            break;
        }
    }
    Ok(())
}

/// The pages so far.
#[derive(Debug, Default)]
struct Walk {
    rows: Rows,
    rows_without_id: usize,
    agents: Agents,
    unknown_fields: BTreeSet<String>,
    pages: usize,
    /// How long the answers were.
    bytes: usize,
    /// The largest `TotalCount` of a page that held rows.
    total_count: u64,
    /// The `TotalCount` of the last such page.
    last_total_count: u64,
    /// `TotalCount` was not the same on every page.
    is_unsteady: bool,
    /// It was less than on the page before: an agent has gone, and others have moved up.
    has_fallen: bool,
    /// Rows that came again on a later page, because rows moved or Desk ignored the offset.
    repeated: usize,
    /// The last page was full, and counted no more than itself.
    may_count_pages: bool,
    /// The last page brought nothing new.
    is_over: bool,
}

impl Walk {
    /// Puts `page` behind those that are there.
    ///
    /// # Errors
    /// Of class `protocol`: all of them together are more than this machine should have to hold.
    fn take(&mut self, page: &Page) -> Result<(), Error> {
        let held = page.rows.len() + page.rows_without_id;
        for name in &page.unknown_fields {
            remember(&mut self.unknown_fields, name);
        }
        if held > 0 || self.pages == 0 {
            self.is_unsteady |= self.pages > 0 && page.total_count != self.last_total_count;
            self.has_fallen |= self.pages > 0 && page.total_count < self.last_total_count;
            self.last_total_count = page.total_count;
            self.total_count = self.total_count.max(page.total_count);
        }
        if self.pages == 0 {
            let promised = usize::try_from(page.total_count).unwrap_or(usize::MAX);
            let believed = promised.min(MOST_ROWS);
            // At once, and no more than there is: growing by doubling would take twice the memory.
            self.rows.reserve(believed);
            self.agents.reserve(believed, &self.rows);
        }
        let earlier = self.rows.len();
        self.rows.append(&page.rows);
        let places = earlier..self.rows.len();
        let repeated = places
            .filter(|&place| self.agents.first(&self.rows, place) < earlier)
            .count();
        self.rows_without_id += page.rows_without_id;
        self.repeated += repeated;
        self.pages += 1;
        self.is_over = repeated == held;
        self.may_count_pages = held == LIMIT && page.total_count <= LIMIT as u64;
        self.bytes += page.bytes;
        self.is_bounded()
    }

    fn is_bounded(&self) -> Result<(), Error> {
        let mib = |bytes: usize| bytes >> 20;
        if self.received() > MOST_ROWS {
            return Err(endless(&format!("more than {MOST_ROWS} rows")));
        }
        if self.bytes > MOST_BYTES {
            return Err(endless(&format!("more than {} MiB", mib(MOST_BYTES))));
        }
        if self.rows.text_bytes() > MOST_TEXT {
            let most = mib(MOST_TEXT);
            return Err(endless(&format!(
                "more than {most} MiB of ids and nicknames"
            )));
        }
        Ok(())
    }

    /// How many rows have come, of whatever worth: where the next page starts.
    fn received(&self) -> usize {
        self.rows.len() + self.rows_without_id
    }

    fn goes_on(&self) -> bool {
        !self.is_over && (self.may_count_pages || (self.received() as u64) < self.last_total_count)
    }

    fn adds_up(&self) -> bool {
        !self.is_unsteady && self.is_complete()
    }

    /// Whether it holds as many rows as the most that were counted, each of them once. The count may have
    /// grown meanwhile, at the end: rows that move between pages are repeated or lack.
    fn is_complete(&self) -> bool {
        !self.has_fallen && self.repeated == 0 && self.received() as u64 == self.total_count
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.total_count == other.total_count
            && self.received() == other.received()
            && self.agents() == other.agents()
    }

    fn agents(&self) -> BTreeSet<&str> {
        self.rows.iter().map(Row::agent_id).collect()
    }

    fn into_listing(self) -> Listing {
        let distinct = (self.received() - self.repeated) as u64;
        Listing {
            rows: self.rows,
            rows_without_id: self.rows_without_id,
            missing_rows: self.total_count.saturating_sub(distinct),
            unknown_fields: self.unknown_fields,
            asked: BTreeSet::new(),
        }
    }
}

/// Where among rows each agent came first.
#[derive(Debug, Default)]
struct Agents {
    firsts: HashTable<usize>,
    hashes: RandomState,
}

impl Agents {
    fn reserve(&mut self, more: usize, rows: &Rows) {
        let hash = |&place: &usize| self.hashes.hash_one(rows.at(place).agent_id());
        self.firsts.reserve(more, hash);
    }

    /// Where the agent of the row at `place` came first, of all that were asked about.
    fn first(&mut self, rows: &Rows, place: usize) -> usize {
        let agent_id = |place: usize| rows.at(place).agent_id();
        let entry = self.firsts.entry(
            self.hashes.hash_one(agent_id(place)),
            |&first| agent_id(first) == agent_id(place),
            |&first| self.hashes.hash_one(agent_id(first)),
        );
        *entry.or_insert(place).get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::answer::decode;
    use std::cell::RefCell;

    /// The `TotalCount` of a rule that means: no page, but a refusal.
    const REFUSED: u64 = u64::MAX - 1;

    /// A Desk that answers by a rule, and remembers what it was asked.
    struct Desk<F> {
        rule: F,
        asked: RefCell<Vec<usize>>,
    }

    impl<F: Fn(usize, usize) -> (u64, Vec<usize>)> Desk<F> {
        /// `rule` says, of the n-th request and its offset, what `TotalCount` and which agents.
        fn new(rule: F) -> Self {
            Self {
                rule,
                asked: RefCell::default(),
            }
        }

        fn list(&self) -> Result<Listing, Error> {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap()
                .block_on(list(self))
        }

        fn requests(&self) -> usize {
            self.asked.borrow().len()
        }
    }

    impl<F: Fn(usize, usize) -> (u64, Vec<usize>)> Pages for Desk<F> {
        async fn page(&self, offset: usize) -> Result<Page, Error> {
            let nth = self.asked.borrow().len();
            self.asked.borrow_mut().push(offset);
            let (total, agents) = (self.rule)(nth, offset);
            if total == REFUSED {
                return Err(Error::refused(INVALID_PARAMETER, ""));
            }
            let rows: Vec<_> = agents
                .iter()
                .map(|id| format!(r#"{{"AgentId":"{id}"}}"#))
                .collect();
            let body = format!(
                r#"{{"ErrorCode":0,"TotalCount":{total},"Data":[{}]}}"#,
                rows.join(",")
            );
            decode(body.as_bytes())
        }
    }

    /// What an honest Desk with `agents` holds at `offset`, `cap` rows a page.
    fn honest(agents: usize, offset: usize, cap: usize) -> Vec<usize> {
        (offset..agents.min(offset + cap)).collect()
    }

    #[test]
    fn an_honest_desk_is_asked_for_each_page_once() {
        for (agents, requests) in [(0, 1), (1, 1), (99, 1), (101, 2), (250, 3), (1000, 10)] {
            let desk = Desk::new(|_, offset| (agents as u64, honest(agents, offset, 100)));
            let listing = desk.list().unwrap();
            assert_eq!((listing.rows.len(), listing.missing_rows), (agents, 0));
            assert_eq!(desk.requests(), requests, "{agents} agents");
        }
    }

    #[test]
    fn a_full_page_that_counts_itself_is_asked_after() {
        let desk = Desk::new(|_, offset| (100, honest(100, offset, 100)));
        assert_eq!(desk.list().unwrap().rows.len(), 100);
        assert_eq!(desk.requests(), 2);

        let counts_pages = Desk::new(|_, offset| {
            let rows = honest(250, offset, 100);
            (rows.len() as u64, rows)
        });
        let listing = counts_pages.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (250, 0));
    }

    #[test]
    fn a_count_of_those_who_were_asked_for_hides_none_of_them() {
        let counts_two = Desk::new(|_, offset| (2, honest(250, offset, 100)));
        let listing = counts_two.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (250, 0));
    }

    #[test]
    fn a_refusal_to_look_beyond_the_last_row_is_no_failure() {
        let refuses = Desk::new(|_, offset| match offset {
            0 => (100, honest(100, 0, 100)),
            _ => (REFUSED, Vec::new()),
        });
        let listing = refuses.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (100, 0));
        let refuses_the_middle = Desk::new(|_, offset| match offset {
            0 => (150, honest(150, 0, 100)),
            _ => (REFUSED, Vec::new()),
        });
        assert!(refuses_the_middle.list().is_err());
    }

    #[test]
    fn a_short_page_is_followed_from_where_it_ended() {
        let desk = Desk::new(|_, offset| (250, honest(250, offset, 60)));
        assert_eq!(desk.list().unwrap().rows.len(), 250);
        assert_eq!(*desk.asked.borrow(), [0, 60, 120, 180, 240]);

        let short_in_the_middle = Desk::new(|_, offset| {
            let cap = if offset == 100 { 30 } else { 100 };
            (450, honest(450, offset, cap))
        });
        let listing = short_in_the_middle.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (450, 0));
    }

    #[test]
    fn a_total_that_is_never_reached_is_believed_the_second_time() {
        let desk = Desk::new(|_, offset| (5, honest(1, offset, 100)));
        let listing = desk.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (1, 4));
        assert_eq!(*desk.asked.borrow(), [0, 1, 0, 1]);
    }

    #[test]
    fn more_rows_than_promised_are_kept() {
        let desk = Desk::new(|_, offset| (3, honest(8, offset, 100)));
        let listing = desk.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (8, 0));
    }

    #[test]
    fn a_total_that_moves_is_asked_again_and_then_refused() {
        let settles = Desk::new(|nth, offset| {
            let agents = if nth < 2 { 250 } else { 251 };
            (agents as u64, honest(agents, offset, 100))
        });
        assert_eq!(settles.list().unwrap().rows.len(), 251);

        let never_settles = Desk::new(|nth, offset| (250 + nth as u64, honest(250, offset, 100)));
        assert_eq!(never_settles.list().unwrap_err().class(), Class::Protocol);
    }

    #[test]
    fn agents_who_come_while_all_are_listed_are_listed_too() {
        // One more with each page, also while it is asked the second time.
        let grows = Desk::new(|nth, offset| {
            let agents = 250 + nth;
            (agents as u64, honest(agents, offset, 100))
        });
        let listing = grows.list().unwrap();
        assert_eq!((listing.rows.len(), listing.missing_rows), (255, 0));
        // The first agent goes, so that one is passed over; then two come.
        let falls_and_grows = Desk::new(|_, offset| match offset {
            0 => (250, (0..100).collect()),
            100 => (249, (101..201).collect()),
            _ => (251, (201..252).collect()),
        });
        let first_time_otherwise = Desk::new(|nth, offset| match nth {
            0..3 => (300 + nth as u64, honest(250, offset, 100)),
            _ => (falls_and_grows.rule)(nth, offset),
        });
        assert!(first_time_otherwise.list().is_err());
    }

    #[test]
    fn rows_that_move_between_pages_are_never_half_an_answer() {
        // With each request one more agent comes before all others, so that rows come twice.
        let move_back = Desk::new(|nth, offset| {
            let start = offset.saturating_sub(nth);
            (250, honest(250, start, 100))
        });
        assert_eq!(move_back.list().unwrap_err().class(), Class::Protocol);
        assert_eq!(*move_back.asked.borrow(), [0, 100, 200, 0, 100, 200]);

        // With each request the first agent leaves, so that rows are missed.
        let move_up = Desk::new(|nth, offset| (250, honest(250, offset + nth, 100)));
        assert_eq!(move_up.list().unwrap_err().class(), Class::Protocol);
        assert_eq!(
            *move_up.asked.borrow(),
            [0, 100, 200, 248, 0, 100, 200, 244]
        );
    }

    #[test]
    fn a_desk_that_ignores_the_offset_is_left_soon_and_its_gap_is_told() {
        let desk = Desk::new(|_, _| (250, honest(100, 0, 100)));
        let listing = desk.list().unwrap();
        assert_eq!(listing.missing_rows, 150);
        assert!(desk.requests() <= 2 * (1 + ABREAST), "{}", desk.requests());
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let endless = Desk::new(|nth, offset| (u64::MAX, vec![offset + nth; 1]));
        assert_eq!(endless.list().unwrap_err().class(), Class::Protocol);
        assert!(endless.requests() <= MOST_PAGES);
        let endless_and_full = Desk::new(|_, offset| (u64::MAX, (offset..offset + 100).collect()));
        assert!(endless_and_full.list().is_err());
        assert!(endless_and_full.requests() <= MOST_PAGES + ABREAST);
    }

    #[test]
    fn an_agent_twice_on_one_page_is_no_reason_to_ask_again() {
        let desk = Desk::new(|_, _| (3, vec![1, 1, 2]));
        let listing = desk.list().unwrap();
        assert_eq!(
            (listing.rows.len(), listing.missing_rows, desk.requests()),
            (3, 0, 1)
        );
    }
}
