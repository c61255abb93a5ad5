//! Chance, as the simulation needs it: repeatable, and in whole numbers.
//!
//! People's times are not evenly spread: most answers are quick and a few take long. Two small
//! tables of quantiles give such spreads without floating point, so that the same seed plays the
//! same day on every machine.

use fastrand::Rng;

/// Percent of the mean, each as likely as the next: a hump with a long tail to the right.
const SKEWED: [i64; 12] = [20, 35, 48, 60, 70, 80, 90, 100, 112, 128, 150, 300];
/// The same for the time between arrivals that know nothing of each other.
const EXPONENTIAL: [i64; 15] = [
    3, 9, 16, 24, 32, 42, 53, 65, 80, 98, 120, 150, 190, 250, 360,
];

/// A stream of chances that `parts` alone decide.
pub(super) struct Dice(Rng);

impl Dice {
    /// The stream that belongs to `parts`; neighbouring numbers give streams without resemblance.
    pub(super) fn of(parts: [u64; 3]) -> Self {
        let mixed = parts
            .into_iter()
            .fold(0, |state, part| Rng::with_seed(state ^ part).u64(..));
        Self(Rng::with_seed(mixed))
    }

    /// Yes, in `percent` of a hundred cases.
    pub(super) fn percent(&mut self, percent: i64) -> bool {
        self.0.i64(0..100) < percent
    }

    /// A number from `low` to `high`, both possible; `low` where there is none between.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// A place in a list of `count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.usize(0..count.max(1))
    }

    /// How long something takes that takes `mean` seconds as a rule; at least one.
    pub(super) fn skewed(&mut self, mean: i64) -> i64 {
        self.of_table(&SKEWED, mean)
    }

    /// How long until the next arrival where they come every `mean` seconds; at least one.
    pub(super) fn gap(&mut self, mean: i64) -> i64 {
        self.of_table(&EXPONENTIAL, mean)
    }

    fn of_table(&mut self, table: &[i64], mean: i64) -> i64 {
        let percent = self.0.choice(table).copied().unwrap_or(100);
        (mean * (percent * 10 + self.between(-30, 30)) / 1000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_throw_the_same() {
        let throw = |parts| {
            let mut dice = Dice::of(parts);
            [(); 8].map(|()| dice.between(0, 1_000_000))
        };
        assert_eq!(throw([1, 2, 3]), throw([1, 2, 3]));
        for other in [[2, 2, 3], [1, 3, 3], [1, 2, 4], [2, 1, 3], [3, 2, 1]] {
            assert_ne!(throw([1, 2, 3]), throw(other));
        }
    }

    #[test]
    fn both_spreads_keep_their_mean_and_are_never_zero() {
        let mut dice = Dice::of([1, 2, 3]);
        for mean in [1, 20, 300] {
            let mut sums = [0, 0];
            for _ in 0..20_000 {
                let throws = [dice.skewed(mean), dice.gap(mean)];
                assert!(throws.iter().all(|&seconds| seconds >= 1));
                sums = [sums[0] + throws[0], sums[1] + throws[1]];
            }
            if mean > 1 {
                for sum in sums {
                    let off = (sum / 200 - mean * 100).abs();
                    assert!(off < mean * 10, "mean {mean}: {sum}");
                }
            }
        }
        assert_eq!(dice.between(5, 4), 5);
    }
}
