//! Selects the share of a rollout that a context belongs to.

use crate::context::{Context, Kind, Member, ReferenceError};
use crate::model::bucket_hasher::BucketHasher;
use crate::model::rollout::{BucketBy, Rollout, Weighted};
use crate::value::Value;

/// A position between 0 and 1, and what determined it.
pub(crate) struct Bucket {
    pub(crate) value: f32,
    pub(crate) origin: Origin,
}

/// What determines a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    /// The hash of the attribute's value.
    Hash,
    /// Nothing: the value is missing, or of a type that is not hashed. The bucket is 0.
    NoHash,
    /// Nothing: the context lacks the kind that the rollout buckets by. The bucket is 0.
    NoKind,
}

impl Bucket {
    /// Whether the context lacks the kind that the rollout buckets by.
    pub(super) fn kind_missing(&self) -> bool {
        self.origin == Origin::NoKind
    }
}

/// Fails if the attribute to bucket by has an invalid reference.
pub(super) fn bucket(
    context: &Context,
    kind: &Kind,
    by: &BucketBy,
    hasher: &BucketHasher,
) -> Result<Bucket, ReferenceError> {
    // The reference is checked before the context, so that a malformed rollout fails for every
    // context.
    if let BucketBy::Attribute(reference) = by
        && let Some(error) = reference.error()
    {
        return Err(error);
    }
    let Some(member) = context.member(kind) else {
        return Ok(Bucket {
            value: 0.0,
            origin: Origin::NoKind,
        });
    };
    Ok(
        match attribute(member, by).and_then(|value| hashed(value, hasher)) {
            Some(value) => Bucket {
                value,
                origin: Origin::Hash,
            },
            None => Bucket {
                value: 0.0,
                origin: Origin::NoHash,
            },
        },
    )
}

pub(crate) fn attribute<'a>(member: Member<'a>, by: &BucketBy) -> Option<&'a Value> {
    match by {
        BucketBy::Key => Some(member.key_value()),
        BucketBy::Attribute(reference) => member.lookup(reference),
    }
}

/// Returns `None` unless the value is a string or a whole number, the only types that are hashed.
fn hashed(value: &Value, hasher: &BucketHasher) -> Option<f32> {
    match value {
        Value::String(text) => Some(hasher.bucket(text.as_bytes())),
        Value::Number(number) => {
            let mut digits = Digits::default();
            Some(hasher.bucket(digits.of(number.as_i64()?)))
        }
        _ => None,
    }
}

/// An integer formatted as decimal digits without an allocation.
#[derive(Default)]
struct Digits([u8; 20]);

impl Digits {
    fn of(&mut self, number: i64) -> &[u8] {
        let mut rest = number.unsigned_abs();
        let mut start = self.0.len();
        // At most 19 digits and a sign fit into the 20 bytes.
        for (place, byte) in self.0.iter_mut().enumerate().rev() {
            start = place;
            *byte = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            start = start.saturating_sub(1);
            if let Some(sign) = self.0.get_mut(start) {
                *sign = b'-';
            }
        }
        self.0.get(start..).unwrap_or_default()
    }
}

impl Rollout {
    /// Returns the share that contains the bucket; the last one if the shares end before it.
    pub(super) fn choose(&self, bucket: &Bucket) -> Option<&Weighted> {
        self.weighted
            .iter()
            .find(|weighted| bucket.value < weighted.end)
            .or(self.weighted.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_in_plain_decimal() {
        for number in [0, 7, -7, 33_333, i64::MAX, i64::MIN] {
            assert_eq!(Digits::default().of(number), number.to_string().as_bytes());
        }
    }
}
