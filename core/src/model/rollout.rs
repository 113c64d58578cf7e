//! [`Rollout`]: shares of contexts, and the hash input that is the same for all of them.

use sha1::{Digest, Sha1};

use crate::context::{Kind, Reference};

#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) experiment: bool,
    pub(crate) kind: Kind,
    pub(crate) by: BucketBy,
    pub(crate) prefix: Prefix,
    /// Never empty.
    pub(crate) weighted: Box<[Weighted]>,
}

/// Which attribute decides the bucket.
#[derive(Clone, Debug)]
pub(crate) enum BucketBy {
    Key,
    Attribute(Reference),
}

#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    pub(crate) variation: i64,
    /// Where this share ends: the sum of its own weight and those before it.
    pub(crate) end: f32,
    pub(crate) untracked: bool,
}

impl Weighted {
    /// A weight as a share of one. In single precision, as most SDKs of the field calculate: only so do contexts at
    /// a boundary get the same variation everywhere.
    #[expect(clippy::as_conversions, reason = "single precision is the protocol")]
    pub(crate) fn share(weight: i64) -> f32 {
        weight as f32 / 100_000.0
    }
}

/// The hash of everything that precedes the attribute's value: `key.salt.` or `seed.`.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(Sha1);

impl Prefix {
    pub(crate) fn of_item(key: &str, salt: &str) -> Self {
        Self(Sha1::new().chain_update(key).chain_update(".").chain_update(salt).chain_update("."))
    }

    pub(crate) fn of_seed(seed: i64) -> Self {
        Self(Sha1::new().chain_update(seed.to_string()).chain_update("."))
    }

    /// The bucket of a value, from 0 to 1: the first 60 bits of the hash as a fraction.
    #[expect(clippy::as_conversions, reason = "single precision is the protocol")]
    pub(crate) fn bucket(&self, value: &[u8]) -> f32 {
        let digest = self.0.clone().chain_update(value).finalize();
        let bits = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> 4;
        bits as f32 / 0x0FFF_FFFF_FFFF_FFFF_u64 as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Spec 01, section 7.1
    #[test]
    fn buckets_follow_the_table_of_vectors() {
        let item = Prefix::of_item;
        let seed = Prefix::of_seed;
        for (prefix, value, bucket) in [
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
            (item("flag-with-fallthrough-rollout", ""), "user-key", 0.722_406_7),
            (item("flag-with-rule-rollout", ""), "user-key", 0.673_459_4),
            (item("flagé", "salt"), "ключ", 0.079_649_77),
            (seed(-3), "-7", 0.067_754_41),
            (seed(0), "a.b.c", 0.583_692_67),
        ] {
            assert_eq!(prefix.bucket(value.as_bytes()).to_bits(), bucket.to_bits(), "{value}");
        }
    }
}
