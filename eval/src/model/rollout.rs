//! [`Rollout`]: weighted variations.

use super::bucket_hasher::BucketHasher;
use crate::context::{Kind, Reference};

#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) experiment: bool,
    pub(crate) kind: Kind,
    pub(crate) by: BucketBy,
    pub(crate) hasher: BucketHasher,
    /// Never empty.
    pub(crate) weighted: Box<[Weighted]>,
}

/// The attribute by which contexts are bucketed.
#[derive(Clone, Debug)]
pub(crate) enum BucketBy {
    Key,
    Attribute(Reference),
}

#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    pub(crate) variation: i64,
    /// The end of this share: the sum of its weight and all earlier ones.
    pub(crate) end: f32,
    pub(crate) untracked: bool,
}

impl Weighted {
    /// Converts a weight to a fraction of one. Uses single precision like most other SDKs, so that
    /// contexts at a boundary get the same variation everywhere.
    #[expect(
        clippy::as_conversions,
        reason = "the protocol requires single precision"
    )]
    pub(crate) fn share(weight: i64) -> f32 {
        weight as f32 / 100_000.0
    }
}
