//! [`BucketHasher`]: hashes attribute values to buckets.

use std::slice::from_ref;

use sha1::block_api::compress;

/// The hash input that precedes the attribute value, `key.salt.` or `seed.`: the SHA-1 state after
/// its full blocks, and the partial block that the value continues.
///
/// Blocks are assembled here because that is, besides the compression, the largest cost of a
/// rollout: cloning, updating and finalizing a hasher takes 50 % longer. See
/// docs/decisions/020-evaluation-path.md.
#[derive(Clone, Debug)]
pub(crate) struct BucketHasher {
    state: State,
    block: Block,
    length: usize,
}

type State = [u32; 5];
type Block = [u8; BLOCK];
const BLOCK: usize = 64;
const EMPTY: Block = [0; BLOCK];
/// FIPS 180-4, section 5.3.1.
const INITIAL: State = [
    0x6745_2301,
    0xEFCD_AB89,
    0x98BA_DCFE,
    0x1032_5476,
    0xC3D2_E1F0,
];
/// The position of the text length in the last block.
const LENGTH: usize = BLOCK - size_of::<u64>();

impl BucketHasher {
    pub(crate) fn of_item(key: &str, salt: &str) -> Self {
        Self::new(&[key, ".", salt, "."].concat())
    }

    pub(crate) fn of_seed(seed: i64) -> Self {
        Self::new(&format!("{seed}."))
    }

    fn new(text: &str) -> Self {
        let (mut state, mut block) = (INITIAL, EMPTY);
        absorb(&mut state, &mut block, 0, text.as_bytes());
        Self {
            state,
            block,
            length: text.len(),
        }
    }

    /// Returns the bucket of a value, from 0 to 1: the first 60 bits of the hash as a fraction.
    #[expect(
        clippy::as_conversions,
        reason = "the protocol requires single precision"
    )]
    pub(crate) fn bucket(&self, value: &[u8]) -> f32 {
        let [first, second, ..] = self.hash(value);
        let bits = (u64::from(first) << 32 | u64::from(second)) >> 4;
        bits as f32 / 0x0FFF_FFFF_FFFF_FFFF_u64 as f32
    }

    /// Finalizes the hash with a value: the text, a one bit, zeros, and the text length in bits
    /// (FIPS 180-4, section 5.1.1).
    fn hash(&self, value: &[u8]) -> State {
        let (mut state, mut block) = (self.state, self.block);
        let place = absorb(&mut state, &mut block, self.length % BLOCK, value);
        let place = absorb(&mut state, &mut block, place, &[0x80]);
        if place > LENGTH {
            compress(&mut state, from_ref(&block));
            block = EMPTY;
        }
        if let Some(length) = block.last_chunk_mut() {
            *length = u64::try_from(8 * (self.length + value.len()))
                .unwrap_or_default()
                .to_be_bytes();
        }
        compress(&mut state, from_ref(&block));
        state
    }
}

/// Appends text to a block filled up to `place`, and compresses the block whenever it is full.
/// Returns the position after the text.
#[inline]
fn absorb(state: &mut State, block: &mut Block, mut place: usize, text: &[u8]) -> usize {
    for byte in text {
        // `place` is always within the block.
        if let Some(free) = block.get_mut(place) {
            *free = *byte;
        }
        place += 1;
        if place == BLOCK {
            compress(state, from_ref(block));
            (*block, place) = (EMPTY, 0);
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use sha1::{Digest, Sha1};

    use super::*;

    #[test]
    fn texts_of_all_lengths_have_the_same_hash_as_with_the_sha1_crate() {
        let text = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(6);
        for length in 0..=text.len() {
            let whole: [u8; 20] = Sha1::digest(&text[..length]).into();
            for split in 0..=length {
                let hash = BucketHasher::new(&text[..split]).hash(&text.as_bytes()[split..length]);
                assert_eq!(
                    hash.map(u32::to_be_bytes).as_flattened(),
                    whole,
                    "{split} of {length}"
                );
            }
        }
    }

    // EVAL-7.1
    #[test]
    fn buckets_follow_the_table_of_vectors() {
        let item = BucketHasher::of_item;
        let seed = BucketHasher::of_seed;
        for (hasher, value, bucket) in [
            (item("hashKey", "saltyA"), "userKeyA", 0.421_575_87_f32),
            (item("hashKey", "saltyA"), "userKeyB", 0.670_848_5),
            (item("hashKey", "saltyA"), "userKeyC", 0.103_431_06),
            (item("hashKey", "saltyA"), "userKeyD", 0.781_628_1),
            (item("hashKey", "saltyA"), "33333", 0.547_714_23),
            (item("hashKey", "saltyA"), "99999", 0.730_965_8),
            (seed(61), "userKeyA", 0.098_012_07),
            (seed(61), "userKeyB", 0.144_837_77),
            (seed(61), "userKeyC", 0.924_264_1),
            (seed(42), "userKeyD", 0.888_489_9),
            (item("segkey", "salty"), "userKeyA", 0.145_747_53),
            (item("segkey", "salty"), "userKeyZ", 0.456_792_15),
            (item("segment3", "salty"), "user-key", 0.149_502_13),
            (item("segment3", "salty"), "unmatching-key", 0.365_635_63),
            (item("test", "salt"), "userkey", 0.125_519_4),
            (
                item("flag-with-fallthrough-rollout", ""),
                "user-key",
                0.722_406_7,
            ),
            (item("flag-with-rule-rollout", ""), "user-key", 0.673_459_4),
            (item("flagé", "salt"), "ключ", 0.079_649_77),
            (seed(-3), "-7", 0.067_754_41),
            (seed(0), "a.b.c", 0.583_692_67),
        ] {
            assert_eq!(
                hasher.bucket(value.as_bytes()).to_bits(),
                bucket.to_bits(),
                "{value}"
            );
        }
    }
}
