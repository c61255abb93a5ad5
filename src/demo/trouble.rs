//! How the simulated Desk fails now and then, so that failures and retries can be seen.
//!
//! It goes by the endpoint and the number of its request, so that it is the same with any interval: single requests
//! fail or are late, which the exporter makes up for; and once in a while so many fail in a row that two polls do, or
//! three. Figures never get as old as that they are dropped.

use std::time::Duration;

use super::SEED;
use super::dice::Dice;

/// The first requests of a run go well: a demo should not begin with an error.
const QUIET: u64 = 12;
/// One row of failures in so many requests: some 20 minutes of a poll each 5 s.
const PERIOD: u64 = 240;
/// Enough for two polls of three tries each.
const IN_A_ROW: u64 = 7;
/// How many in a hundred requests fail alone, and how many are late.
const SINGLE: i64 = 2;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Desk says that it failed inside.
    Failure,
    /// The answer comes, but only after this time.
    Delay(Duration),
}

/// What happens to the request with this number, counted from 0, to this endpoint: nothing, for the most part.
pub fn of_request(endpoint: u64, number: u64) -> Option<Trouble> {
    if number < QUIET {
        return None;
    }
    let (period, place) = (number / PERIOD, number % PERIOD);
    let failures_from = Dice::of([SEED + endpoint, period, PERIOD])
        .between(30, 120)
        .cast_unsigned();
    if (failures_from..failures_from + IN_A_ROW).contains(&place) {
        return Some(Trouble::Failure);
    }
    let mut dice = Dice::of([SEED + endpoint, number, 0]);
    if dice.percent(SINGLE) {
        return Some(Trouble::Failure);
    }
    let delay = Duration::from_millis(dice.between(900, 2800).cast_unsigned());
    dice.percent(SINGLE).then_some(Trouble::Delay(delay))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many in a row fail, each time that any does.
    fn failures(requests: u64) -> Vec<usize> {
        let fails = |number| of_request(3, number) == Some(Trouble::Failure);
        let all: Vec<bool> = (0..requests).map(fails).collect();
        let runs = all.chunk_by(|one, next| one == next);
        runs.filter(|run| run[0]).map(<[bool]>::len).collect()
    }

    #[test]
    fn each_period_has_a_row_of_failures_that_three_polls_outlast() {
        let runs = failures(PERIOD * 200);
        let long = runs.iter().filter(|&&run| run >= 6).count();
        assert_eq!(long, 200);
        assert!(runs.iter().all(|&run| run <= 9), "{runs:?}");
        let single = runs.iter().filter(|&&run| run < 3).count();
        assert!((500..1200).contains(&single), "{single}");
    }

    #[test]
    fn it_begins_well_and_some_answers_are_late() {
        assert!((0..QUIET).all(|number| of_request(0, number).is_none()));
        let late = (0..10_000).filter(|&n| matches!(of_request(0, n), Some(Trouble::Delay(_))));
        assert!((120..280).contains(&late.count()));
    }
}
