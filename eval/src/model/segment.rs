//! [`Segment`]: a set of contexts, given by key or by rules, that flags can refer to.

use serde::{Deserialize, Deserializer};

use super::bucket_hasher::BucketHasher;
use super::clause::Clause;
use super::entry::{self, ItemData, Meta, Prepared};
use super::keys::KeySet;
use super::kind::DataKind;
use super::pattern::Patterns;
use super::preparation::Preparation;
use super::problem::Problem;
use super::read::{RawSegment, RawSegmentRule, RawSegmentTarget};
use super::rollout::{BucketBy, Weighted};
use crate::context::Kind;
use crate::text::Text;

/// A segment. Read one from JSON, alone or as part of a [`DataSet`](super::DataSet).
///
/// ```
/// use vexil_eval::model::Segment;
///
/// let segment: Segment =
///     serde_json::from_str(r#"{"key": "staff", "version": 5, "included": ["ada"]}"#)?;
/// assert_eq!((segment.key().as_str(), segment.version()), ("staff", 5));
/// assert!(serde_json::from_str::<Segment>(r#"{"included": "ada"}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Segment {
    meta: Meta,
    pub(crate) included: Lists,
    pub(crate) excluded: Lists,
    pub(crate) rules: Box<[SegmentRule]>,
    pub(crate) big: Option<BigSegment>,
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
    pub(crate) hasher: BucketHasher,
    pub(crate) end: f32,
}

impl Segment {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        &self.meta.key
    }

    /// Returns the version. A higher version replaces a lower one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.meta.version
    }

    /// Whether its lists are kept in a big-segment store.
    ///
    /// ```
    /// use vexil_eval::model::Segment;
    ///
    /// let segment: Segment = serde_json::from_str(r#"{"unbounded": true, "generation": 2}"#)?;
    /// assert!(segment.is_big());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_big(&self) -> bool {
        self.big.is_some()
    }

    /// Returns the keys of the segments that the rules refer to.
    pub fn segments(&self) -> impl Iterator<Item = &Text> {
        self.clauses().flat_map(Clause::segment_keys)
    }

    /// Returns defects that do not prevent the segment from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.meta.problems()
    }

    /// Returns the same segment with another version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.meta.version = version;
        self
    }
}

impl ItemData for Segment {}

impl Prepared for Segment {
    const KIND: DataKind = DataKind::Segment;

    type Raw = RawSegment;

    fn prepare(raw: RawSegment, key: Text, patterns: &mut Patterns) -> Self {
        let mut preparation = Preparation::new(&key, &raw.salt, patterns);
        let rules = preparation.rules(raw.rules.0, SegmentRule::prepare);
        let problems = preparation.finish();
        let big = raw.unbounded.then(|| BigSegment {
            kind: raw.unbounded_context_kind.into(),
            reference: raw
                .generation
                .map(|generation| format!("{key}.g{}", generation.0).into()),
        });
        Self {
            included: Lists::prepare(raw.included.0, raw.included_contexts.0),
            excluded: Lists::prepare(raw.excluded.0, raw.excluded_contexts.0),
            rules,
            big,
            meta: Meta::new(key, raw.version.0, problems),
        }
    }

    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }

    fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.rules.iter().flat_map(|rule| &rule.clauses)
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        entry::deserialize(deserializer)
    }
}

impl SegmentRule {
    fn prepare(preparation: &mut Preparation<'_>, raw: RawSegmentRule) -> Self {
        let clauses = Clause::prepare_all(raw.clauses.0, preparation);
        let rollout = raw.weight.map(|weight| {
            Box::new(SegmentRollout {
                by: preparation.bucket_by(raw.bucket_by, &raw.rollout_context_kind),
                kind: raw.rollout_context_kind.into(),
                hasher: preparation.bucket_hasher(None),
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
    fn prepare(users: Vec<Text>, contexts: Vec<RawSegmentTarget>) -> Self {
        let mut kinds: Vec<(Kind, Vec<Text>)> = vec![(Kind::User, users)];
        for target in contexts {
            let kind = Kind::from(target.context_kind);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, keys)) => keys.extend(target.values.0),
                None => kinds.push((kind, target.values.0)),
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

    /// Returns the kind by which a context is listed, for explanations. An evaluation needs less.
    pub(crate) fn kind_of<'c>(&self, key_of: impl Fn(&Kind) -> Option<&'c str>) -> Option<&Kind> {
        let kinds = self.0.iter();
        let listed =
            kinds.filter(|(kind, keys)| key_of(kind).is_some_and(|key| keys.contains(key)));
        listed.map(|(kind, _)| kind).next()
    }
}
