//! The only source of randomness: a seeded generator, so that a seed always yields the same case.
//!
//! No clock and no system entropy is used. A difference found on one machine can be reproduced on
//! any other from its seed.

/// A seeded random generator.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns `true` with a probability of `percent`.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// Returns one of the given items with equal probability.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        const { assert!(N > 0, "expected at least one item") };
        // In bounds: the index is below N, which is at least one.
        from[self.0.usize(..N)]
    }

    /// Returns a number from `low` to `high`, inclusive.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high)
    }

    /// Returns between `low` and `high` items, inclusive.
    pub(crate) fn several<T>(
        &mut self,
        low: i64,
        high: i64,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let count = self.between(low, high);
        (0..count).map(|_| make(self)).collect()
    }
}
