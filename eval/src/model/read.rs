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

/// Defines the raw form of JSON objects, whose missing or null properties have their default.
macro_rules! raw {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident: $type:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(crate) struct $name {
            $(#[serde(deserialize_with = "or_default")] pub(crate) $field: $type,)*
        }
    )+};
}

raw! {
    struct RawFlag {
        key: Text,
        version: ItemVersion,
        deleted: bool,
        on: bool,
        variations: List<Value>,
        off_variation: Option<Integer>,
        fallthrough: MapOnly<RawFallthrough>,
        targets: List<MapOnly<RawTarget>>,
        context_targets: List<MapOnly<RawTarget>>,
        rules: List<MapOnly<RawRule>>,
        prerequisites: List<MapOnly<RawPrerequisite>>,
        salt: Text,
        client_side_availability: Option<MapOnly<RawAvailability>>,
        client_side: bool,
        track_events: bool,
        track_events_fallthrough: bool,
        debug_events_until_date: Option<Integer>,
        exclude_from_summaries: bool,
        sampling_ratio: Option<Integer>,
        migration: MapOnly<RawMigration>,
    }

    struct RawFallthrough {
        variation: Option<Integer>,
        rollout: Option<MapOnly<RawRollout>>,
    }

    struct RawRule {
        id: Text,
        clauses: List<MapOnly<RawClause>>,
        variation: Option<Integer>,
        rollout: Option<MapOnly<RawRollout>>,
        track_events: bool,
    }

    struct RawTarget {
        variation: Integer,
        values: List<Text>,
        context_kind: Text,
    }

    struct RawPrerequisite {
        key: Text,
        variation: Integer,
    }

    struct RawRollout {
        kind: Text,
        context_kind: Text,
        bucket_by: Text,
        seed: Option<Integer>,
        variations: List<MapOnly<RawWeighted>>,
    }

    struct RawWeighted {
        variation: Integer,
        weight: Integer,
        untracked: bool,
    }

    struct RawClause {
        attribute: Text,
        context_kind: Text,
        op: Text,
        values: List<Value>,
        negate: bool,
    }

    struct RawAvailability {
        using_mobile_key: bool,
        using_environment_id: bool,
    }

    struct RawMigration {
        check_ratio: Option<Integer>,
    }

    struct RawSegment {
        key: Text,
        version: ItemVersion,
        deleted: bool,
        salt: Text,
        included: List<Text>,
        excluded: List<Text>,
        included_contexts: List<MapOnly<RawSegmentTarget>>,
        excluded_contexts: List<MapOnly<RawSegmentTarget>>,
        rules: List<MapOnly<RawSegmentRule>>,
        unbounded: bool,
        unbounded_context_kind: Text,
        generation: Option<Integer>,
    }

    struct RawSegmentTarget {
        context_kind: Text,
        values: List<Text>,
    }

    struct RawSegmentRule {
        clauses: List<MapOnly<RawClause>>,
        weight: Option<Integer>,
        bucket_by: Text,
        rollout_context_kind: Text,
    }

    /// The part of a deleted item that is read; its other properties are ignored.
    struct RawTombstone {
        version: ItemVersion,
    }
}

fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The properties that the raw forms of flags and segments share.
pub(super) trait RawItem {
    fn key(&self) -> &Text;

    /// Returns the version of the deletion if the item is a tombstone.
    fn deleted(&self) -> Option<u64>;
}

macro_rules! raw_item {
    ($($name:ident)+) => {$(
        impl RawItem for $name {
            fn key(&self) -> &Text {
                &self.key
            }

            fn deleted(&self) -> Option<u64> {
                self.deleted.then_some(self.version.0)
            }
        }
    )+};
}
raw_item! { RawFlag RawSegment }

/// A list of exactly the required size. Most lists are short, and there are many: collecting on the
/// stack first allows a single allocation.
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
                let mut list = SmallVec::<[T; 4]>::new();
                while let Some(element) = elements.next_element()? {
                    list.push(element);
                }
                if list.spilled() {
                    return Ok(List(list.into_vec()));
                }
                let mut exact = Vec::with_capacity(list.len());
                exact.extend(list);
                Ok(List(exact))
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
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
pub(crate) struct Integer(pub(crate) i64);

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
pub(crate) struct MapOnly<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for MapOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnlyVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOnlyVisitor<T> {
            type Value = MapOnly<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MapOnly<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(MapOnly)
            }
        }

        deserializer.deserialize_map(MapOnlyVisitor(PhantomData))
    }
}
