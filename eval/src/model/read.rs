//! The JSON reader of flags and segments, exactly as tolerant as the protocol requires.
//!
//! Unknown properties are ignored; a missing or null property means its default; integers may be
//! written as `1.0`. A value of the wrong type rejects the whole item. The result is raw:
//! [`super::flag`] and [`super::segment`] prepare it for evaluation once the key and the shared
//! patterns are known.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

use crate::text::Text;
use crate::value::Value;

/// Defines the raw form of JSON objects, whose missing or null properties have their default. Of
/// duplicate properties the last wins.
///
/// A derived deserializer would also accept an array of the fields in order, and because every field
/// has a default, `[]` would be a valid flag.
macro_rules! raw {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident $property:literal: $type:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[expect(non_camel_case_types, reason = "they have the names of fields")]
                #[derive(Deserialize)]
                #[serde(field_identifier)]
                enum Property {
                    $(#[serde(rename = $property)] $field,)*
                    #[serde(other)]
                    Unknown,
                }

                struct ObjectVisitor;

                impl<'de> Visitor<'de> for ObjectVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut raw = $name::default();
                        while let Some(property) = map.next_key()? {
                            match property {
                                $(Property::$field => {
                                    raw.$field = map.next_value::<Option<_>>()?.unwrap_or_default();
                                })*
                                Property::Unknown => {
                                    map.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(raw)
                    }
                }

                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    )+};
}

raw! {
    struct RawFlag {
        key "key": Text,
        version "version": ItemVersion,
        deleted "deleted": bool,
        on "on": bool,
        variations "variations": List<Value>,
        off_variation "offVariation": Option<Integer>,
        fallthrough "fallthrough": RawFallthrough,
        targets "targets": List<RawTarget>,
        context_targets "contextTargets": List<RawTarget>,
        rules "rules": List<RawRule>,
        prerequisites "prerequisites": List<RawPrerequisite>,
        salt "salt": Text,
        client_side_availability "clientSideAvailability": Option<RawAvailability>,
        client_side "clientSide": bool,
        track_events "trackEvents": bool,
        track_events_fallthrough "trackEventsFallthrough": bool,
        debug_events_until_date "debugEventsUntilDate": Option<Integer>,
        exclude_from_summaries "excludeFromSummaries": bool,
        sampling_ratio "samplingRatio": Option<Integer>,
        migration "migration": RawMigration,
    }

    struct RawFallthrough {
        variation "variation": Option<Integer>,
        rollout "rollout": Option<RawRollout>,
    }

    struct RawRule {
        id "id": Text,
        clauses "clauses": List<RawClause>,
        variation "variation": Option<Integer>,
        rollout "rollout": Option<RawRollout>,
        track_events "trackEvents": bool,
    }

    struct RawTarget {
        variation "variation": Integer,
        values "values": List<Text>,
        context_kind "contextKind": Text,
    }

    struct RawPrerequisite {
        key "key": Text,
        variation "variation": Integer,
    }

    struct RawRollout {
        kind "kind": Text,
        context_kind "contextKind": Text,
        bucket_by "bucketBy": Text,
        seed "seed": Option<Integer>,
        variations "variations": List<RawWeighted>,
    }

    struct RawWeighted {
        variation "variation": Integer,
        weight "weight": Integer,
        untracked "untracked": bool,
    }

    struct RawClause {
        attribute "attribute": Text,
        context_kind "contextKind": Text,
        op "op": Text,
        values "values": List<Value>,
        negate "negate": bool,
    }

    struct RawAvailability {
        using_mobile_key "usingMobileKey": bool,
        using_environment_id "usingEnvironmentId": bool,
    }

    struct RawMigration {
        check_ratio "checkRatio": Option<Integer>,
    }

    struct RawSegment {
        key "key": Text,
        version "version": ItemVersion,
        deleted "deleted": bool,
        salt "salt": Text,
        included "included": List<Text>,
        excluded "excluded": List<Text>,
        included_contexts "includedContexts": List<RawSegmentTarget>,
        excluded_contexts "excludedContexts": List<RawSegmentTarget>,
        rules "rules": List<RawSegmentRule>,
        unbounded "unbounded": bool,
        unbounded_context_kind "unboundedContextKind": Text,
        generation "generation": Option<Integer>,
    }

    struct RawSegmentTarget {
        context_kind "contextKind": Text,
        values "values": List<Text>,
    }

    struct RawSegmentRule {
        clauses "clauses": List<RawClause>,
        weight "weight": Option<Integer>,
        bucket_by "bucketBy": Text,
        rollout_context_kind "rolloutContextKind": Text,
    }

    /// The part of a deleted item that is read; its other properties are ignored.
    struct RawTombstone {
        version "version": ItemVersion,
    }
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
