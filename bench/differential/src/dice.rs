//! The only source of chance: a seeded generator, so that a seed names a case for ever.
//!
//! Nothing here reads a clock or the machine's entropy. A difference found on one machine is found
//! on every other by its seed alone.

/// A seeded source of choices.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True in `percent` of a hundred throws.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// One of the given things, all equally likely.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        const { assert!(N > 0, "nothing to pick from") };
        // In bounds: the throw is below N, which is at least one.
        from[self.0.usize(..N)]
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high)
    }

    /// As many things as a throw from `low` to `high` says.
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
