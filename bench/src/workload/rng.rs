//! The random generator of the data: xorshift64*.
//!
//! Implemented here rather than taken from a crate, because the bytes of the data depend on the
//! exact sequence, which a crate may change between versions.

const SEED: u64 = 0x1D_5DC0_FFEE;
const MULTIPLIER: u64 = 0x2545_F491_4F6C_DD1D;

#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn seeded() -> Self {
        Self(SEED)
    }

    /// Returns a number in `0..bound`. Drops the lowest bits, which are the weak ones.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let number = (self.next() >> 11) % u64::from(bound);
        // The remainder of a division by a `u32` fits into one.
        number as u32
    }

    /// Returns one of `choices`.
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, choices: &[T; N]) -> T {
        // Every list of choices is a short constant, and `below` stays within its length.
        choices[self.below(N as u32) as usize]
    }

    /// Returns `length` hexadecimal digits, as in salts and rule ids.
    pub(super) fn hex(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(self.pick(b"0123456789abcdef")))
            .collect()
    }

    fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(MULTIPLIER)
    }
}
