//! [`Mutations`]: random inputs made from those of the corpus, without a measure of coverage.

use fastrand::Rng;

/// Mutated inputs, the same for the same seed.
#[derive(Debug)]
pub struct Mutations<'c> {
    corpus: &'c [Vec<u8>],
    words: &'c [Vec<u8>],
    max_len: usize,
    random: Rng,
}

impl<'c> Mutations<'c> {
    /// Mutates the inputs of a corpus, and inserts the words of a dictionary into them.
    #[must_use]
    pub fn new(corpus: &'c [Vec<u8>], words: &'c [Vec<u8>], max_len: usize, seed: u64) -> Self {
        Self {
            corpus,
            words,
            max_len,
            random: Rng::with_seed(seed),
        }
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let (from, to) = (random.usize(..=input.len()), random.usize(..=input.len()));
        let near = to.min(from + random.usize(..16));
        let range = from.min(near)..near;
        match random.u8(..8) {
            0 => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            1 => input.insert(from, random.u8(..)),
            2 => drop(input.drain(range)),
            3 => {
                let copy = input.get(range).unwrap_or_default().to_vec();
                input.splice(to..to, copy);
            }
            4 => {
                let digits = [
                    "0",
                    "-1",
                    "1.5",
                    "9007199254740993",
                    "18446744073709551616",
                    "1e400",
                ];
                let digits = random.choice(digits).unwrap_or_default();
                input.splice(range, digits.bytes());
            }
            5 => {
                let other = random.choice(self.corpus).map_or(&[][..], Vec::as_slice);
                let begin = random.usize(..=other.len());
                let end = random.usize(begin..=other.len());
                input.splice(range, other.iter().take(end).skip(begin).copied());
            }
            _ => {
                let word = random.choice(self.words).map_or(&[][..], Vec::as_slice);
                let range = if random.bool() { from..from } else { range };
                input.splice(range, word.iter().copied());
            }
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    /// Returns the next input; there is no last one.
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut input = self.random.choice(self.corpus).cloned().unwrap_or_default();
        for _ in 0..self.random.usize(1..=6) {
            self.mutate(&mut input);
        }
        input.truncate(self.max_len);
        Some(input)
    }
}
