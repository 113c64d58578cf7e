//! [`Segment`]: a set of contexts, given by key or by rules, that flags can refer to.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::clause::{Clause, reference};
use super::item::{ItemData, Prepared};
use super::keys::KeySet;
use super::pattern::{Pattern, Patterns};
use super::problem::{Defect, Problem};
use super::read::{MapOnly, RawSegment, RawSegmentRule, RawSegmentTarget};
use super::rollout::{BucketBy, Prefix, Weighted};
use crate::context::Kind;
use crate::text::Text;

/// A segment. Read one from JSON, alone or as part of a [`DataSet`](super::DataSet).
#[derive(Clone, Debug)]
pub struct Segment {
    pub(crate) key: Text,
    pub(crate) version: u64,
    pub(crate) included: Lists,
    pub(crate) excluded: Lists,
    pub(crate) rules: Box<[SegmentRule]>,
    pub(crate) big: Option<BigSegment>,
    problems: Box<[Problem]>,
    /// The JSON text, if stores may need it.
    json: Option<Bytes>,
}

/// The additional data of a big segment, whose lists are kept in a separate store.
#[derive(Clone, Debug)]
pub(crate) struct BigSegment {
    pub(crate) kind: Kind,
    /// The name in memberships: key and generation. `None` before the first synchronisation.
    pub(crate) reference: Option<Text>,
}

#[derive(Clone, Debug)]
pub(crate) struct SegmentRule {
    pub(crate) clauses: Box<[Clause]>,
    pub(crate) rollout: Option<Box<SegmentRollout>>,
}

/// The percentage of matching contexts to which a rule applies.
#[derive(Clone, Debug)]
pub(crate) struct SegmentRollout {
    pub(crate) kind: Kind,
    pub(crate) by: BucketBy,
    pub(crate) prefix: Prefix,
    pub(crate) end: f32,
}

impl Segment {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        &self.key
    }

    /// Returns the version. A higher version replaces a lower one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether its lists are kept in a big-segment store.
    #[must_use]
    pub fn is_big(&self) -> bool {
        self.big.is_some()
    }

    /// Returns the keys of the segments that the rules refer to.
    pub fn segments(&self) -> impl Iterator<Item = &Text> {
        self.rules
            .iter()
            .flat_map(|rule| &rule.clauses)
            .flat_map(Clause::segment_keys)
    }

    /// Returns defects that do not prevent the segment from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the same segment with another version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }
}

impl ItemData for Segment {
    fn key(&self) -> &Text {
        &self.key
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn patterns(&self) -> impl Iterator<Item = &Arc<Pattern>> {
        self.rules
            .iter()
            .flat_map(|rule| &rule.clauses)
            .flat_map(Clause::patterns)
    }

    fn json(&self) -> Option<&Bytes> {
        self.json.as_ref()
    }
}

impl Prepared for Segment {
    type Raw = RawSegment;

    fn set_json(&mut self, json: Option<Bytes>) {
        self.json = json;
    }

    fn set_version(&mut self, version: u64) {
        self.version = version;
    }

    fn prepare(raw: RawSegment, key: Option<Text>, patterns: &mut Patterns) -> Self {
        let key = key.unwrap_or(raw.key);
        let mut problems = Vec::new();
        let rules = raw
            .rules
            .into_iter()
            .enumerate()
            .map(|(index, MapOnly(rule))| {
                let mut defects = Vec::new();
                let rule = SegmentRule::prepare(rule, &key, &raw.salt, patterns, &mut defects);
                problems.extend(defects.into_iter().map(|defect| Problem {
                    rule: Some(index),
                    defect,
                }));
                rule
            });
        let rules = rules.collect();
        let big = raw.unbounded.then(|| BigSegment {
            kind: raw.unbounded_context_kind.into(),
            reference: raw
                .generation
                .map(|generation| format!("{key}.g{}", generation.0).into()),
        });
        Self {
            version: raw.version.0,
            included: Lists::prepare(raw.included, raw.included_contexts),
            excluded: Lists::prepare(raw.excluded, raw.excluded_contexts),
            rules,
            big,
            problems: problems.into(),
            json: None,
            key,
        }
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let text = Bytes::from(json.to_string());
        let MapOnly(raw) = MapOnly::<RawSegment>::deserialize(json).map_err(D::Error::custom)?;
        if raw.deleted {
            return Err(D::Error::custom(
                "a deleted segment is not a segment; read it as an item",
            ));
        }
        Ok(Self {
            json: Some(text),
            ..Self::prepare(raw, None, &mut Patterns::default())
        })
    }
}

impl SegmentRule {
    fn prepare(
        raw: RawSegmentRule,
        key: &Text,
        salt: &Text,
        patterns: &mut Patterns,
        defects: &mut Vec<Defect>,
    ) -> Self {
        let clauses = raw
            .clauses
            .into_iter()
            .map(|clause| Clause::prepare(clause.0, patterns, defects))
            .collect();
        let rollout = raw.weight.map(|weight| {
            let by = if raw.bucket_by.is_empty() {
                BucketBy::Key
            } else {
                BucketBy::Attribute(reference(raw.bucket_by, &raw.rollout_context_kind))
            };
            if let BucketBy::Attribute(reference) = &by
                && let Some(error) = reference.error()
            {
                defects.push(Defect::Attribute {
                    reference: reference.as_str().into(),
                    error,
                });
            }
            Box::new(SegmentRollout {
                kind: raw.rollout_context_kind.into(),
                by,
                prefix: Prefix::of_item(key, salt),
                end: Weighted::share(weight.0),
            })
        });
        Self { clauses, rollout }
    }
}

/// Lists of keys, in one set per kind.
#[derive(Clone, Debug)]
pub(crate) struct Lists(Box<[(Kind, KeySet)]>);

impl Lists {
    fn prepare(users: Vec<Text>, contexts: Vec<MapOnly<RawSegmentTarget>>) -> Self {
        let mut kinds: Vec<(Kind, Vec<Text>)> = vec![(Kind::User, users)];
        for MapOnly(target) in contexts {
            let kind = Kind::from(target.context_kind);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, keys)) => keys.extend(target.values),
                None => kinds.push((kind, target.values)),
            }
        }
        kinds.retain(|(_, keys)| !keys.is_empty());
        Self(
            kinds
                .into_iter()
                .map(|(kind, keys)| (kind, keys.into()))
                .collect(),
        )
    }

    /// Whether a context is listed. `key_of` returns the key of the context for a kind.
    pub(crate) fn contain<'c>(&self, key_of: impl Fn(&Kind) -> Option<&'c str>) -> bool {
        self.0
            .iter()
            .any(|(kind, keys)| key_of(kind).is_some_and(|key| keys.contains(key)))
    }
}
