//! All pages of one answer, and whether to believe them.
//!
//! `TotalCount` says how many rows there are, but the documents' own example, filtered to one
//! agent, says 5 over one row. So it is a reason to ask on, never a reason to invent or to drop:
//!
//! - the next page starts where the rows so far end, whatever was expected;
//! - a walk ends where its rows reach `TotalCount`, or a page brings nothing new;
//! - a full page that is `TotalCount` or more is asked after, since that may count the page only, or
//!   only those of its rows that were asked for;
//! - a `TotalCount` of more agents than were asked for counts others too, and says nothing;
//! - a walk that does not add up is made once more, a little later: it may add up then, also with
//!   rows that came while it lasted; otherwise both must say the same, and so Desk means it.
//!
//! Where all is as promised, the pages after the first are asked for a few at a time. Pages with
//! numbers are asked for one after the other, since whether numbers begin at 0 or at 1 follows for one
//! command from an example only: where pages from 1 on lack rows or are refused, a walk begins at 0.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::call::{LIMIT, Paging, Start};
use super::codes::Class;
use super::error::Error;
use super::reply::{MOST_ROWS, Reply, remember};
use super::table::{Row, Rows};

/// How many pages of one walk are under way at a time.
const ABREAST: usize = 4;

/// The most pages that one walk may take.
const MOST_PAGES: usize = MOST_ROWS / LIMIT;

/// The longest that all answers of one walk may be: [`MOST_PAGES`] full ones are 140 MB.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The most that all ids and names of one walk may take: 80 bytes a row, of as many rows.
const MOST_TEXT: usize = 16 * 1024 * 1024;

/// What upset one walk would upset one right after it, and twice the same would be no evidence.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// What Desk refuses a parameter with (the API's page, private error codes).
const INVALID_PARAMETER: i64 = 141_004;

/// Where pages come from: Desk, or a test.
pub(super) trait Pages {
    /// The page that begins at `start`.
    fn page(&self, start: Start) -> impl Future<Output = Result<Reply, Error>>;
}

/// All that Desk told: answers that add up, or that it gave twice alike.
#[derive(Debug, Default)]
pub struct Answer {
    /// Those of all calls, in their order; the rows of each in Desk's order.
    pub tables: Vec<Rows>,
    /// How many rows there are, as Desk counts them, where the calls say so.
    pub total: Option<u64>,
    /// How many rows Desk counted beyond those that it gave.
    pub missing_rows: u64,
    /// Names of fields that this version does not know.
    pub unknown_fields: BTreeSet<String>,
    /// The agents that were asked for; all where it is empty. Desk may have told of others too.
    pub asked: BTreeSet<String>,
}

impl Answer {
    /// Puts the rows of `page` behind those that are there: a page of an answer without paging, or of one
    /// whose pages are known to add up.
    pub fn append(&mut self, page: Reply) {
        if self.tables.is_empty() {
            self.tables = page.tables;
        } else {
            for (rows, others) in self.tables.iter_mut().zip(&page.tables) {
                rows.append(others);
            }
        }
        self.unknown_fields.extend(page.unknown_fields);
    }

    /// Adds what another call brought. The count of the first one stays.
    pub(super) fn add(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.total = self.total.or(other.total);
        self.missing_rows += other.missing_rows;
        self.unknown_fields.extend(other.unknown_fields);
    }
}

/// Asks for all pages, twice if need be. `asked` is how many agents were asked for by name; 0 means all.
///
/// # Errors
/// The first failure of a page; of class `protocol`, two walks that contradict each other.
pub(super) async fn list(
    paging: Paging,
    asked: usize,
    pages: &impl Pages,
) -> Result<Answer, Error> {
    let first = walk(paging, asked, pages).await?;
    if first.adds_up() {
        return Ok(first.into_answer());
    }
    tokio::time::sleep(SECOND_LOOK).await;
    let second = walk(paging, asked, pages).await?;
    if second.is_complete() || second.agrees_with(&first) {
        return Ok(second.into_answer());
    }
    Err(Error::new(
        Class::Protocol,
        format!(
            "Desk's pages do not add up: asked twice, {} and {} rows of {} and {} promised, or not \
             the same ones; they may be changing right now",
            first.received(),
            second.received(),
            first.total_count,
            second.total_count,
        ),
    ))
}

async fn walk(paging: Paging, asked: usize, pages: &impl Pages) -> Result<Walk, Error> {
    match paging {
        Paging::Whole => begin(0, asked, pages).await,
        Paging::Offset => {
            let mut walk = begin(0, asked, pages).await?;
            side_by_side(pages, &mut walk).await?;
            one_by_one(pages, 0, &mut walk).await?;
            Ok(walk)
        }
        Paging::Number { first: 0, .. } => walk_from(0, asked, pages).await,
        Paging::Number { first, .. } => {
            let walk = walk_from(first, asked, pages).await;
            let lacks_pages = match &walk {
                Ok(walk) => !walk.is_complete(),
                Err(error) => is_of_no_page(error),
            };
            if !lacks_pages {
                return walk;
            }
            match walk_from(first - 1, asked, pages).await {
                Ok(other) if other.is_complete() => Ok(other),
                // Numbers begin at `first`, as the documents' example has it: the one before is refused, or read as it.
                Ok(_) => walk,
                Err(error) if is_of_no_page(&error) => walk,
                Err(error) => walk.and(Err(error)),
            }
        }
    }
}

/// Whether a page was refused that, it may be, there is not.
fn is_of_no_page(error: &Error) -> bool {
    error.code() == Some(INVALID_PARAMETER)
}

/// Asks for one numbered page after the other, from `first` on.
async fn walk_from(first: usize, asked: usize, pages: &impl Pages) -> Result<Walk, Error> {
    let mut walk = begin(first, asked, pages).await?;
    one_by_one(pages, first, &mut walk).await?;
    Ok(walk)
}

/// Asks for the first page.
async fn begin(number: usize, asked: usize, pages: &impl Pages) -> Result<Walk, Error> {
    Walk::new(asked, &pages.page(Start { rows: 0, number }).await?)
}

fn endless(what: &str) -> Error {
    Error::new(Class::Protocol, format!("Desk's answer has no end: {what}"))
}

/// Asks for the pages after a full first one, as long as each starts where the last one ended.
async fn side_by_side(pages: &impl Pages, walk: &mut Walk) -> Result<(), Error> {
    if walk.received() != LIMIT {
        return Ok(());
    }
    let promised = walk.counted().unwrap_or_default();
    let promised = usize::try_from(promised).unwrap_or(usize::MAX);
    let offsets = (LIMIT..promised).step_by(LIMIT).take(MOST_PAGES - 1);
    let mut answers = stream::iter(offsets)
        .map(|rows| async move { (rows, pages.page(Start { rows, number: 0 }).await) })
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

/// Asks for the pages that are left, the first of which has the number `first` or the offset 0.
async fn one_by_one(pages: &impl Pages, first: usize, walk: &mut Walk) -> Result<(), Error> {
    while walk.goes_on() {
        if walk.pages >= MOST_PAGES {
            return Err(endless(&format!("{MOST_PAGES} pages and it promises more")));
        }
        let start = Start {
            rows: walk.received(),
            number: first + walk.pages,
        };
        match pages.page(start).await {
            Ok(next) => walk.take(&next)?,
            // As many as were counted are there: Desk knows of no more where it refuses to look beyond.
            Err(error) if walk.may_count_pages && is_of_no_page(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The pages so far.
#[derive(Debug)]
struct Walk {
    tables: Vec<Rows>,
    /// How many agents were asked for by name.
    asked: usize,
    /// Whether the call's answers count their rows.
    is_counted: bool,
    seen: Seen,
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
    /// It was less than on the page before: a row has gone, and others have moved up.
    has_fallen: bool,
    /// Rows that came again on a later page, because rows moved or Desk ignored where it should start.
    repeated: usize,
    /// The last page was full.
    was_full: bool,
    /// The last page was full, and counted no more than itself.
    may_count_pages: bool,
    /// The last page brought nothing new.
    is_over: bool,
}

impl Walk {
    fn new(asked: usize, first: &Reply) -> Result<Self, Error> {
        let mut walk = Self {
            tables: first
                .tables
                .iter()
                .map(|rows| Rows::new(rows.table()))
                .collect(),
            asked,
            is_counted: first.total.is_some(),
            seen: Seen::default(),
            unknown_fields: BTreeSet::new(),
            pages: 0,
            bytes: 0,
            total_count: 0,
            last_total_count: 0,
            is_unsteady: false,
            has_fallen: false,
            repeated: 0,
            was_full: false,
            may_count_pages: false,
            is_over: false,
        };
        let promised = usize::try_from(first.total.unwrap_or_default()).unwrap_or(usize::MAX);
        // At once, and no more than there is: growing by doubling would take twice the memory.
        if let Some(rows) = walk.tables.first_mut() {
            rows.reserve(promised.min(MOST_ROWS));
        }
        walk.take(first)?;
        Ok(walk)
    }

    /// Puts `page` behind those that are there.
    ///
    /// # Errors
    /// Of class `protocol`: all of them together are more than this machine should have to hold.
    fn take(&mut self, page: &Reply) -> Result<(), Error> {
        let held = page.rows().map_or(0, Rows::received);
        let total = page.total.unwrap_or_default();
        if held > 0 || self.pages == 0 {
            self.is_unsteady |= self.pages > 0 && total != self.last_total_count;
            self.has_fallen |= self.pages > 0 && total < self.last_total_count;
            self.last_total_count = total;
            self.total_count = self.total_count.max(total);
        }
        let repeated = self.add(page);
        self.repeated += repeated;
        self.is_over = repeated == held;
        self.was_full = held == LIMIT;
        self.may_count_pages = self.was_full && total <= LIMIT as u64;
        self.is_bounded()
    }

    /// Adds the rows of `page`, and tells how many of them had come on pages before.
    fn add(&mut self, page: &Reply) -> usize {
        let repeated = page.rows().map_or(0, |rows| self.seen.count(rows));
        if let Some(rows) = page.rows() {
            self.seen.add(rows);
        }
        for (rows, others) in self.tables.iter_mut().zip(&page.tables) {
            rows.append(others);
        }
        for name in &page.unknown_fields {
            remember(&mut self.unknown_fields, name);
        }
        self.pages += 1;
        self.bytes += page.bytes;
        repeated
    }

    fn is_bounded(&self) -> Result<(), Error> {
        let mib = |bytes: usize| bytes >> 20;
        if self.received() > MOST_ROWS {
            return Err(endless(&format!("more than {MOST_ROWS} rows")));
        }
        if self.bytes > MOST_BYTES {
            return Err(endless(&format!("more than {} MiB", mib(MOST_BYTES))));
        }
        if self.tables.iter().map(Rows::text_bytes).sum::<usize>() > MOST_TEXT {
            let most = mib(MOST_TEXT);
            return Err(endless(&format!("more than {most} MiB of ids and names")));
        }
        Ok(())
    }

    /// How many rows have come, of whatever worth: where the next page starts.
    fn received(&self) -> usize {
        self.tables.first().map_or(0, Rows::received)
    }

    /// How many rows there are; `None` where the count is of others too, or there is none.
    fn counted(&self) -> Option<u64> {
        let is_of_others = self.asked > 0 && self.total_count > self.asked as u64;
        (self.is_counted && !is_of_others).then_some(self.total_count)
    }

    fn goes_on(&self) -> bool {
        let received = self.received() as u64;
        let lacks_rows = match self.counted() {
            Some(_) => self.may_count_pages || received < self.last_total_count,
            None => self.was_full || received < self.asked as u64,
        };
        !self.is_over && lacks_rows
    }

    fn adds_up(&self) -> bool {
        !self.is_unsteady && self.is_complete()
    }

    /// Whether it holds as many rows as the most that were counted, each of them once. The count may have
    /// grown meanwhile, at the end: rows that move between pages are repeated or lack.
    fn is_complete(&self) -> bool {
        let received = self.received() as u64;
        let is_all = self.counted().is_none_or(|counted| counted == received);
        !self.has_fallen && self.repeated == 0 && is_all
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.total_count == other.total_count
            && self.received() == other.received()
            && self.keys() == other.keys()
    }

    fn keys(&self) -> BTreeSet<&str> {
        let rows = self.tables.first().into_iter().flat_map(Rows::iter);
        rows.map(Row::key).collect()
    }

    fn into_answer(self) -> Answer {
        let distinct = (self.received() - self.repeated) as u64;
        let missing = self
            .counted()
            .map(|counted| counted.saturating_sub(distinct));
        Answer {
            total: self.is_counted.then_some(self.total_count),
            missing_rows: missing.unwrap_or_default(),
            tables: self.tables,
            unknown_fields: self.unknown_fields,
            asked: BTreeSet::new(),
        }
    }
}

/// Which keys have come, by their hashes: that two keys of one poll share one is as good as impossible, and
/// would only make it ask twice.
#[derive(Debug, Default)]
struct Seen {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    fn count(&self, rows: &Rows) -> usize {
        let hashes = rows.iter().map(|row| self.hasher.hash_one(row.key()));
        hashes.filter(|hash| self.hashes.contains(hash)).count()
    }

    fn add(&mut self, rows: &Rows) {
        let hashes = rows.iter().map(|row| self.hasher.hash_one(row.key()));
        self.hashes.extend(hashes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call::sample::{AGENTS, GROUPS};
    use crate::desk::reply::decode;
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

        fn list(&self) -> Result<Answer, Error> {
            self.list_of(0)
        }

        fn list_of(&self, asked: usize) -> Result<Answer, Error> {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap()
                .block_on(list(AGENTS.paging, asked, self))
        }

        fn requests(&self) -> usize {
            self.asked.borrow().len()
        }
    }

    impl<F: Fn(usize, usize) -> (u64, Vec<usize>)> Pages for Desk<F> {
        async fn page(&self, start: Start) -> Result<Reply, Error> {
            let offset = start.rows;
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
            decode(&AGENTS, Start::default(), body.as_bytes())
        }
    }

    impl Answer {
        /// How many rows there are, and how many lack.
        fn counts(&self) -> (usize, u64) {
            (self.tables[0].len(), self.missing_rows)
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
            assert_eq!(listing.counts(), (agents, 0));
            assert_eq!(desk.requests(), requests, "{agents} agents");
        }
    }

    #[test]
    fn a_full_page_that_counts_itself_is_asked_after() {
        let desk = Desk::new(|_, offset| (100, honest(100, offset, 100)));
        assert_eq!(desk.list().unwrap().counts().0, 100);
        assert_eq!(desk.requests(), 2);

        let counts_pages = Desk::new(|_, offset| {
            let rows = honest(250, offset, 100);
            (rows.len() as u64, rows)
        });
        let listing = counts_pages.list().unwrap();
        assert_eq!(listing.counts(), (250, 0));
    }

    #[test]
    fn a_count_of_those_who_were_asked_for_hides_none_of_them() {
        let counts_two = Desk::new(|_, offset| (2, honest(250, offset, 100)));
        let listing = counts_two.list().unwrap();
        assert_eq!(listing.counts(), (250, 0));
    }

    #[test]
    fn a_refusal_to_look_beyond_the_last_row_is_no_failure() {
        let refuses = Desk::new(|_, offset| match offset {
            0 => (100, honest(100, 0, 100)),
            _ => (REFUSED, Vec::new()),
        });
        let listing = refuses.list().unwrap();
        assert_eq!(listing.counts(), (100, 0));
        let refuses_the_middle = Desk::new(|_, offset| match offset {
            0 => (150, honest(150, 0, 100)),
            _ => (REFUSED, Vec::new()),
        });
        assert!(refuses_the_middle.list().is_err());
    }

    #[test]
    fn a_short_page_is_followed_from_where_it_ended() {
        let desk = Desk::new(|_, offset| (250, honest(250, offset, 60)));
        assert_eq!(desk.list().unwrap().counts().0, 250);
        assert_eq!(*desk.asked.borrow(), [0, 60, 120, 180, 240]);

        let short_in_the_middle = Desk::new(|_, offset| {
            let cap = if offset == 100 { 30 } else { 100 };
            (450, honest(450, offset, cap))
        });
        let listing = short_in_the_middle.list().unwrap();
        assert_eq!(listing.counts(), (450, 0));
    }

    #[test]
    fn a_total_that_is_never_reached_is_believed_the_second_time() {
        let desk = Desk::new(|_, offset| (5, honest(1, offset, 100)));
        let listing = desk.list().unwrap();
        assert_eq!(listing.counts(), (1, 4));
        assert_eq!(*desk.asked.borrow(), [0, 1, 0, 1]);
    }

    #[test]
    fn more_rows_than_promised_are_kept() {
        let desk = Desk::new(|_, offset| (3, honest(8, offset, 100)));
        let listing = desk.list().unwrap();
        assert_eq!(listing.counts(), (8, 0));
    }

    #[test]
    fn a_total_that_moves_is_asked_again_and_then_refused() {
        let settles = Desk::new(|nth, offset| {
            let agents = if nth < 2 { 250 } else { 251 };
            (agents as u64, honest(agents, offset, 100))
        });
        assert_eq!(settles.list().unwrap().counts().0, 251);

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
        assert_eq!(listing.counts(), (255, 0));
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
        assert_eq!((listing.counts(), desk.requests()), ((3, 0), 1));
    }

    #[test]
    fn a_count_of_more_agents_than_were_asked_for_says_nothing() {
        // The documents' example: one id, one row, and five counted.
        let example = Desk::new(|_, offset| (5, honest(1, offset, 100)));
        assert_eq!(example.list_of(1).unwrap().counts(), (1, 0));
        assert_eq!(example.requests(), 1);
        // One of three has no row: that no more come is seen once.
        let lacks_one = Desk::new(|_, offset| (5, honest(2, offset, 100)));
        assert_eq!(lacks_one.list_of(3).unwrap().counts(), (2, 0));
        assert_eq!(*lacks_one.asked.borrow(), [0, 2]);
        // The filter is passed over, and who was asked for may stand on any page.
        let passes_over = Desk::new(|_, offset| (250, honest(250, offset, 100)));
        assert_eq!(passes_over.list_of(1).unwrap().counts(), (250, 0));
        assert_eq!(passes_over.requests(), 3);
        // A count that may be of those who were asked for is believed.
        let counts = Desk::new(|_, offset| (2, honest(1, offset, 100)));
        assert_eq!(counts.list_of(3).unwrap().counts(), (1, 1));
    }

    /// Groups on pages by number, of which the first has the number `base`.
    struct Numbered {
        groups: usize,
        total: usize,
        base: usize,
        cap: usize,
        /// Whether a page in front of the first is refused; it is the first otherwise.
        refuses_before: bool,
        /// With what it is.
        refusal: i64,
        /// Whether a page behind the last is refused; it is empty otherwise.
        refuses_behind: bool,
        asked: RefCell<Vec<usize>>,
    }

    impl Numbered {
        fn new(groups: usize, total: usize, base: usize) -> Self {
            Self {
                groups,
                total,
                base,
                cap: 100,
                refuses_before: false,
                refusal: INVALID_PARAMETER,
                refuses_behind: false,
                asked: RefCell::default(),
            }
        }

        fn list(&self, paging: Paging) -> Result<Answer, Error> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build();
            runtime.unwrap().block_on(list(paging, 0, self))
        }
    }

    impl Pages for Numbered {
        async fn page(&self, start: Start) -> Result<Reply, Error> {
            self.asked.borrow_mut().push(start.number);
            let first = start
                .number
                .checked_sub(self.base)
                .map(|page| page * self.cap);
            let is_refused = match first {
                None => self.refuses_before,
                Some(first) => self.refuses_behind && first > 0 && first >= self.groups,
            };
            if is_refused {
                return Err(Error::refused(self.refusal, ""));
            }
            let first = first.unwrap_or(0);
            let rows = first..self.groups.min(first + self.cap);
            let rows: Vec<_> = rows.map(|id| format!(r#"{{"Id":{id}}}"#)).collect();
            let total = self.total;
            let body = format!(
                r#"{{"ErrorCode":0,"Total":{total},"List":[{}]}}"#,
                rows.join(",")
            );
            decode(&GROUPS, start, body.as_bytes())
        }
    }

    #[test]
    fn numbers_may_begin_at_one_or_at_zero() {
        for (groups, total, base, cap, expected, asked) in [
            (2, 2, 1, 100, (2, 0), vec![1]),
            (0, 0, 1, 100, (0, 0), vec![1]),
            (100, 100, 1, 100, (100, 0), vec![1, 2]),
            (250, 250, 1, 100, (250, 0), vec![1, 2, 3]),
            // A page is smaller than was asked for.
            (50, 50, 1, 20, (50, 0), vec![1, 2, 3]),
            // They begin at 0.
            (2, 2, 0, 100, (2, 0), vec![1, 0]),
            (100, 100, 0, 100, (100, 0), vec![1, 0, 1]),
            (150, 150, 0, 100, (150, 0), vec![1, 2, 0, 1]),
            // More are counted than there are, and page 0 is page 1.
            (2, 3, 1, 100, (2, 1), vec![1, 2, 0, 1, 1, 2, 0, 1]),
        ] {
            let desk = Numbered {
                cap,
                ..Numbered::new(groups, total, base)
            };
            let answer = desk.list(GROUPS.paging).unwrap();
            assert_eq!(answer.counts(), expected, "{groups} from {base}");
            assert_eq!(*desk.asked.borrow(), asked, "{groups} from {base}");
            assert_eq!(answer.total, Some(total as u64));
        }
    }

    #[test]
    fn pages_that_there_are_not_may_be_refused() {
        for base in [0, 1] {
            for groups in [0, 2, 99, 100, 101, 150, 200, 250] {
                let desk = Numbered {
                    refuses_before: true,
                    refuses_behind: true,
                    ..Numbered::new(groups, groups, base)
                };
                let answer = desk.list(GROUPS.paging).unwrap();
                assert_eq!(answer.counts(), (groups, 0), "{groups} from {base}");
            }
        }
        let lacks_a_row = |refuses_behind| Numbered {
            refuses_before: true,
            refuses_behind,
            ..Numbered::new(2, 3, 1)
        };
        let answer = lacks_a_row(false).list(GROUPS.paging).unwrap();
        assert_eq!(answer.counts(), (2, 1));
        // No proof that there is no third one.
        let error = lacks_a_row(true).list(GROUPS.paging).unwrap_err();
        assert_eq!(error.code(), Some(INVALID_PARAMETER));
    }

    #[test]
    fn a_failure_in_front_of_the_first_page_is_no_proof_that_there_is_none() {
        for refusal in [141_002, 60007] {
            let desk = Numbered {
                refuses_before: true,
                refusal,
                ..Numbered::new(2, 3, 1)
            };
            let error = desk.list(GROUPS.paging).unwrap_err();
            assert_eq!(error.code(), Some(refusal));
        }
    }

    #[test]
    fn pages_that_begin_at_zero_have_none_before_them() {
        let desk = Numbered::new(2, 3, 0);
        let paging = Paging::Number {
            number: "PageNum",
            size: "PageSize",
            first: 0,
            total: "Total",
        };
        assert_eq!(desk.list(paging).unwrap().counts(), (2, 1));
        assert_eq!(*desk.asked.borrow(), [0, 1, 0, 1]);
    }
}
