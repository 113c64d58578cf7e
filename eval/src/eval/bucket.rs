//! Selects the share of a rollout that a context belongs to.

use crate::context::{Context, Kind, Member};
use crate::model::bucket_hasher::BucketHasher;
use crate::model::rollout::{BucketBy, Rollout, Weighted};
use crate::value::Value;

/// The rollout buckets by an attribute whose reference is invalid.
pub(super) struct InvalidReference;

/// A position between 0 and 1.
pub(super) struct Bucket {
    pub(super) value: f32,
    /// Whether the context lacks the kind that the rollout buckets by.
    pub(super) kind_missing: bool,
}

pub(super) fn bucket(
    context: &Context,
    kind: &Kind,
    by: &BucketBy,
    hasher: &BucketHasher,
) -> Result<Bucket, InvalidReference> {
    // The reference is checked before the context, so that a malformed rollout fails for every
    // context.
    if let BucketBy::Attribute(reference) = by
        && reference.error().is_some()
    {
        return Err(InvalidReference);
    }
    let Some(member) = context.member(kind) else {
        return Ok(Bucket {
            value: 0.0,
            kind_missing: true,
        });
    };
    let value = attribute(member, by)
        .and_then(|value| hashed(value, hasher))
        .unwrap_or(0.0);
    Ok(Bucket {
        value,
        kind_missing: false,
    })
}

fn attribute<'a>(member: Member<'a>, by: &BucketBy) -> Option<&'a Value> {
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
