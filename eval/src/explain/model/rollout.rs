//! [`Serve`], [`RolloutStep`] and [`ShareStep`]: what a rule returns, and which share of a rollout a
//! context is in.

use serde::{Serialize, Serializer};

use super::absent::is_false;
use super::found::FoundValue;
use crate::text::Text;
use crate::value::Value;

/// What a rule or the fallthrough serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Serve {
    /// The variation with this index, which may be out of range.
    Variation(i64),
    /// A rollout.
    Rollout(Box<RolloutStep>),
    /// Neither a variation nor a rollout, which makes the flag malformed.
    Nothing,
}

/// A percentage rollout or an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RolloutStep {
    /// Whether it is an experiment.
    pub experiment: bool,
    /// The context kind by which it buckets.
    pub kind: Text,
    /// The attribute by which it buckets.
    pub by: Text,
    /// The attribute that the flag names, which experiments ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_by: Option<Text>,
    /// The value of the attribute.
    pub found: FoundValue,
    /// Whether the value was hashed. If not, because it is missing or neither a string nor a whole
    /// number, the bucket is 0.
    pub hashed: bool,
    /// The seed; `None` if the key and salt of the flag are hashed instead, or the flag's text is
    /// not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The bucket, from 0 to 1. It does not reveal the value by itself, but confirms a guess.
    #[serde(serialize_with = "six_digits")]
    pub bucket: f32,
    /// The shares in order.
    pub shares: Vec<Share>,
    /// The index of the share that contains the bucket.
    pub chosen: usize,
    /// Whether the shares end before the bucket, so that the last one is chosen.
    #[serde(skip_serializing_if = "is_false")]
    pub past_the_end: bool,
    /// Whether the context takes part in an experiment.
    #[serde(skip_serializing_if = "is_false")]
    pub in_experiment: bool,
}

/// A share of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Share {
    /// The index of the variation, as written in the flag.
    pub variation: i64,
    /// The value of the variation; `None` if the index is out of range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The first bucket of the share.
    #[serde(serialize_with = "six_digits")]
    pub from: f32,
    /// The first bucket after the share.
    #[serde(serialize_with = "six_digits")]
    pub to: f32,
    /// Whether contexts of this share do not take part in the experiment.
    #[serde(skip_serializing_if = "is_false")]
    pub untracked: bool,
}

/// The share of contexts to which a segment rule applies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShareStep {
    /// The context kind by which it buckets.
    pub kind: Text,
    /// The attribute by which it buckets.
    pub by: Text,
    /// The value of the attribute.
    pub found: FoundValue,
    /// Whether the value was hashed. If not, because it is missing or neither a string nor a whole
    /// number, the bucket is 0.
    pub hashed: bool,
    /// The bucket, from 0 to 1.
    #[serde(serialize_with = "six_digits")]
    pub bucket: f32,
    /// The first bucket after the share.
    #[serde(serialize_with = "six_digits")]
    pub limit: f32,
    /// Whether the context is in the share.
    pub inside: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn six_digits<S: Serializer>(bucket: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let rounded = (f64::from(*bucket) * 1e6).round() / 1e6;
    Value::from(rounded).serialize(serializer)
}
