//! Flags that all have the same simple shape, in any number.

use super::parts::boolean;
use super::patch::Patch;
use super::rng::Rng;
use super::shape::Data;

/// Larger than the version of any flag.
const NEWER: u32 = 100;
/// A prime, so that steps of this size visit every flag once.
const STEP: u64 = 7_919;

/// Generates boolean flags that are on and serve `true` to every context.
pub(crate) fn plain_flags(count: u32) -> Data {
    let mut rng = Rng::seeded();
    Data {
        flags: (0..count)
            .map(|index| boolean(&mut rng, &key(index)))
            .collect(),
        segments: Vec::new(),
    }
}

/// Returns the keys and the texts of newer versions of `count` of the [`plain_flags`], which must be that
/// many: other ones in each round, until all had their turn.
pub(crate) fn plain_patches(
    flags: u32,
    round: u32,
    count: u32,
) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut rng = Rng::seeded();
    let first = u64::from(round) * u64::from(count);
    (first..first + u64::from(count))
        .map(|number| {
            // Below the number of flags, which has 32 bits.
            let index = (number * STEP % u64::from(flags)) as u32;
            let patch = Patch::of(&boolean(&mut rng, &key(index)))?;
            Ok((key(index), patch.flag(NEWER * (round + 1))))
        })
        .collect()
}

fn key(index: u32) -> String {
    format!("flag-{index:07}")
}
