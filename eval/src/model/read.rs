//! The JSON reader of flags and segments, exactly as tolerant as the protocol requires.
//!
//! Unknown properties are ignored; a missing or null property means its default; integers may be
//! written as `1.0`. A value of the wrong type rejects the whole item. The result is raw:
//! [`super::flag`] and [`super::segment`] prepare it for evaluation once the key and the shared
//! patterns are known.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

use crate::text::Text;
use crate::value::Value;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawFlag {
    #[serde(deserialize_with = "or_default")]
    pub(super) key: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: ItemVersion,
    #[serde(deserialize_with = "or_default")]
    pub(super) deleted: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) on: bool,
    #[serde(deserialize_with = "list")]
    pub(super) variations: Vec<Value>,
    pub(super) off_variation: Option<Integer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) fallthrough: MapOnly<RawOutcome>,
    #[serde(deserialize_with = "list")]
    pub(super) targets: Vec<MapOnly<RawTarget>>,
    #[serde(deserialize_with = "list")]
    pub(super) context_targets: Vec<MapOnly<RawTarget>>,
    #[serde(deserialize_with = "list")]
    pub(super) rules: Vec<MapOnly<RawRule>>,
    #[serde(deserialize_with = "list")]
    pub(super) prerequisites: Vec<MapOnly<RawPrerequisite>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) salt: Text,
    pub(super) client_side_availability: Option<MapOnly<RawAvailability>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) client_side: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) track_events: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) track_events_fallthrough: bool,
    pub(super) debug_events_until_date: Option<Integer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) exclude_from_summaries: bool,
    pub(super) sampling_ratio: Option<Integer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) migration: MapOnly<RawMigration>,
}

/// A variation or a rollout: the fallthrough, or the outcome of a rule.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawOutcome {
    pub(super) variation: Option<Integer>,
    pub(super) rollout: Option<MapOnly<RawRollout>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawRule {
    #[serde(deserialize_with = "or_default")]
    pub(super) id: Text,
    #[serde(deserialize_with = "list")]
    pub(super) clauses: Vec<MapOnly<RawClause>>,
    pub(super) variation: Option<Integer>,
    pub(super) rollout: Option<MapOnly<RawRollout>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) track_events: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawTarget {
    #[serde(deserialize_with = "or_default")]
    pub(super) variation: Integer,
    #[serde(deserialize_with = "list")]
    pub(super) values: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(super) context_kind: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPrerequisite {
    #[serde(deserialize_with = "or_default")]
    pub(super) key: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) variation: Integer,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawRollout {
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) context_kind: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) bucket_by: Text,
    pub(super) seed: Option<Integer>,
    #[serde(deserialize_with = "list")]
    pub(super) variations: Vec<MapOnly<RawWeighted>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawWeighted {
    #[serde(deserialize_with = "or_default")]
    pub(super) variation: Integer,
    #[serde(deserialize_with = "or_default")]
    pub(super) weight: Integer,
    #[serde(deserialize_with = "or_default")]
    pub(super) untracked: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawClause {
    #[serde(deserialize_with = "or_default")]
    pub(super) attribute: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) context_kind: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) op: Text,
    #[serde(deserialize_with = "list")]
    pub(super) values: Vec<Value>,
    #[serde(deserialize_with = "or_default")]
    pub(super) negate: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawAvailability {
    #[serde(deserialize_with = "or_default")]
    pub(super) using_mobile_key: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) using_environment_id: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawMigration {
    pub(super) check_ratio: Option<Integer>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSegment {
    #[serde(deserialize_with = "or_default")]
    pub(super) key: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: ItemVersion,
    #[serde(deserialize_with = "or_default")]
    pub(super) deleted: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) salt: Text,
    #[serde(deserialize_with = "list")]
    pub(super) included: Vec<Text>,
    #[serde(deserialize_with = "list")]
    pub(super) excluded: Vec<Text>,
    #[serde(deserialize_with = "list")]
    pub(super) included_contexts: Vec<MapOnly<RawSegmentTarget>>,
    #[serde(deserialize_with = "list")]
    pub(super) excluded_contexts: Vec<MapOnly<RawSegmentTarget>>,
    #[serde(deserialize_with = "list")]
    pub(super) rules: Vec<MapOnly<RawSegmentRule>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) unbounded: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) unbounded_context_kind: Text,
    pub(super) generation: Option<Integer>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSegmentTarget {
    #[serde(deserialize_with = "or_default")]
    pub(super) context_kind: Text,
    #[serde(deserialize_with = "list")]
    pub(super) values: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSegmentRule {
    #[serde(deserialize_with = "list")]
    pub(super) clauses: Vec<MapOnly<RawClause>>,
    pub(super) weight: Option<Integer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) bucket_by: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) rollout_context_kind: Text,
}

/// The part of a deleted item that is read; its other properties are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawTombstone {
    #[serde(deserialize_with = "or_default")]
    pub(super) version: ItemVersion,
}

fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a list; null is an empty one. Most lists are short, and there are many: collecting on the
/// stack first allows a single allocation of the exact size.
fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct ListVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_none<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
            deserializer.deserialize_seq(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = SmallVec::<[T; 4]>::new();
            while let Some(element) = elements.next_element()? {
                list.push(element);
            }
            if list.spilled() {
                return Ok(list.into_vec());
            }
            let mut exact = Vec::with_capacity(list.len());
            exact.extend(list);
            Ok(exact)
        }
    }

    deserializer.deserialize_option(ListVisitor(PhantomData))
}

/// The version of an item, read as an integer. A negative version becomes zero, the lowest one.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a version is a number")]
pub struct ItemVersion(pub u64);

impl<'de> Deserialize<'de> for ItemVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Integer::deserialize(deserializer).map(|version| Self(version.unsigned()))
    }
}

/// A number that is read as an integer. As in Go's reader, which converts any number, a fraction is
/// truncated. A number beyond 64 bits becomes the largest or smallest integer, where Go's result
/// depends on the processor. Integers within 64 bits are exact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Integer(pub(super) i64);

impl Integer {
    /// Converts times and versions, which are never negative.
    pub(super) fn unsigned(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;

        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(i64::try_from(value).unwrap_or(i64::MAX)))
            }

            #[expect(
                clippy::as_conversions,
                reason = "truncating the fraction and saturating are intended"
            )]
            fn visit_f64<E>(self, value: f64) -> Result<Integer, E> {
                Ok(Integer(value as i64))
            }
        }

        // Requests any value rather than an i64, for which a deserializer may reject `1.0`.
        deserializer.deserialize_any(IntegerVisitor)
    }
}

/// Accepts only an object. Derived deserializers also accept an array of the fields in order, and
/// because every field here has a default, `[]` would be a valid flag.
#[derive(Default)]
pub(super) struct MapOnly<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for MapOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrictVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for StrictVisitor<T> {
            type Value = MapOnly<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MapOnly<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(MapOnly)
            }
        }

        deserializer.deserialize_map(StrictVisitor(PhantomData))
    }
}
