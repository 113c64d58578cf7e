//! [`Flag`]: a feature flag prepared for evaluation.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::clause::{Clause, reference};
use super::item::{ItemData, Prepared};
use super::keys::KeyMap;
use super::pattern::{Pattern, Patterns};
use super::problem::{Defect, Problem};
use super::read::{MapOnly, RawAvailability, RawFlag, RawOutcome, RawRollout, RawRule, RawTarget};
use super::rollout::{BucketBy, Prefix, Rollout, Weighted};
use crate::context::Kind;
use crate::text::{Text, key_hash};
use crate::value::Value;

/// A feature flag. Read one from JSON, alone or as part of a [`DataSet`](super::DataSet); the crate
/// `vexil-testing` has a builder.
#[derive(Clone, Debug)]
pub struct Flag {
    pub(crate) key: Text,
    /// A hash of the key.
    pub(crate) key_hash: u64,
    pub(crate) version: u64,
    pub(crate) on: bool,
    pub(crate) variations: Box<[Value]>,
    pub(crate) off_variation: Option<i64>,
    pub(crate) fallthrough: Serve,
    pub(crate) targets: Targets,
    pub(crate) rules: Box<[FlagRule]>,
    pub(crate) prerequisites: Box<[Prerequisite]>,
    using_mobile_key: bool,
    using_environment_id: bool,
    pub(crate) track_events: bool,
    pub(crate) track_events_fallthrough: bool,
    debug_events_until: Option<u64>,
    exclude_from_summaries: bool,
    sampling_ratio: Option<i64>,
    check_ratio: Option<i64>,
    problems: Box<[Problem]>,
    /// The JSON text, if stores may need it.
    json: Option<Bytes>,
}

/// The outcome of a rule or of the fallthrough.
#[derive(Clone, Debug)]
pub(crate) enum Serve {
    Variation(i64),
    /// Boxed, because it is large and most flags and rules have none.
    Rollout(Box<Rollout>),
    /// Neither is present: the flag is malformed if an evaluation gets here.
    Nothing,
}

#[derive(Clone, Debug)]
pub(crate) struct FlagRule {
    pub(crate) id: Text,
    pub(crate) clauses: Box<[Clause]>,
    pub(crate) serve: Serve,
    pub(crate) track_events: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Prerequisite {
    pub(crate) key: Text,
    pub(crate) variation: i64,
}

impl Flag {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        &self.key
    }

    /// Returns a hash of the key, computed when the flag was read; see
    /// [`key_hash`](crate::key_hash).
    #[inline]
    #[must_use]
    pub fn key_hash(&self) -> u64 {
        self.key_hash
    }

    /// Returns the version. A higher version replaces a lower one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether targeting is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Returns the values that the flag can have.
    #[must_use]
    pub fn variations(&self) -> &[Value] {
        &self.variations
    }

    /// Returns the keys of the prerequisite flags, in order.
    pub fn prerequisites(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.prerequisites
            .iter()
            .map(|prerequisite| &prerequisite.key)
    }

    /// Returns the keys of the segments that the rules refer to.
    pub fn segments(&self) -> impl Iterator<Item = &Text> {
        self.rules
            .iter()
            .flat_map(|rule| &rule.clauses)
            .flat_map(Clause::segment_keys)
    }

    /// Whether the flag is available to client-side SDKs in browsers.
    #[must_use]
    pub fn using_environment_id(&self) -> bool {
        self.using_environment_id
    }

    /// Whether the flag is available to client-side SDKs on mobile devices.
    #[must_use]
    pub fn using_mobile_key(&self) -> bool {
        self.using_mobile_key
    }

    /// Whether every evaluation sends a full event.
    #[must_use]
    pub fn track_events(&self) -> bool {
        self.track_events
    }

    /// Returns the time until which every evaluation sends a debug event, in milliseconds since
    /// 1970.
    #[must_use]
    pub fn debug_events_until(&self) -> Option<u64> {
        self.debug_events_until
    }

    /// Whether evaluations are excluded from summary events.
    #[must_use]
    pub fn exclude_from_summaries(&self) -> bool {
        self.exclude_from_summaries
    }

    /// Returns the sampling ratio n: one in n full events is sent. `None` means every event, 0 or
    /// less means no event.
    #[must_use]
    pub fn sampling_ratio(&self) -> Option<i64> {
        self.sampling_ratio
    }

    /// Returns the check ratio n: one in n migration operations compares both results. `None`
    /// means every operation.
    #[must_use]
    pub fn check_ratio(&self) -> Option<i64> {
        self.check_ratio
    }

    /// Returns defects that do not prevent the flag from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the same flag with another version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Returns the variation at an index from flag data, which may be out of range.
    pub(crate) fn variation(&self, index: i64) -> Option<(usize, &Value)> {
        let index = usize::try_from(index).ok()?;
        self.variations.get(index).map(|value| (index, value))
    }
}

impl ItemData for Flag {
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

impl Prepared for Flag {
    type Raw = RawFlag;

    fn set_json(&mut self, json: Option<Bytes>) {
        self.json = json;
    }

    fn set_version(&mut self, version: u64) {
        self.version = version;
    }

    fn prepare(raw: RawFlag, key: Option<Text>, patterns: &mut Patterns) -> Self {
        let key = key.unwrap_or(raw.key);
        let mut problems = Vec::new();
        let mut prepare = Prepare {
            key: &key,
            salt: &raw.salt,
            patterns,
        };
        let rules = raw.rules.into_iter().enumerate();
        let rules = rules.map(|(index, rule)| {
            let mut defects = Vec::new();
            let rule = prepare.rule(rule.0, &mut defects);
            problems.extend(defects.into_iter().map(|defect| Problem {
                rule: Some(index),
                defect,
            }));
            rule
        });
        let rules = rules.collect();
        let mut defects = Vec::new();
        let fallthrough = prepare.outcome(raw.fallthrough.0, &mut defects);
        problems.extend(
            defects
                .into_iter()
                .map(|defect| Problem { rule: None, defect }),
        );
        let availability = raw.client_side_availability.map_or_else(
            || RawAvailability {
                using_mobile_key: true,
                using_environment_id: raw.client_side,
            },
            |given| given.0,
        );
        let prerequisites = raw.prerequisites.into_iter();
        Self {
            version: raw.version.0,
            on: raw.on,
            variations: raw.variations.into(),
            off_variation: raw.off_variation.map(|index| index.0),
            fallthrough,
            targets: Targets::prepare(raw.targets, raw.context_targets),
            rules,
            prerequisites: prerequisites
                .map(|MapOnly(raw)| Prerequisite {
                    key: raw.key,
                    variation: raw.variation.0,
                })
                .collect(),
            using_mobile_key: availability.using_mobile_key,
            using_environment_id: availability.using_environment_id,
            track_events: raw.track_events,
            track_events_fallthrough: raw.track_events_fallthrough,
            debug_events_until: raw
                .debug_events_until_date
                .map(|date| date.unsigned())
                .filter(|date| *date > 0),
            exclude_from_summaries: raw.exclude_from_summaries,
            sampling_ratio: raw.sampling_ratio.map(|ratio| ratio.0),
            check_ratio: raw.migration.0.check_ratio.map(|ratio| ratio.0),
            problems: problems.into(),
            json: None,
            key_hash: key_hash(&key),
            key,
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let text = Bytes::from(json.to_string());
        let MapOnly(raw) = MapOnly::<RawFlag>::deserialize(json).map_err(D::Error::custom)?;
        if raw.deleted {
            return Err(D::Error::custom(
                "a deleted flag is not a flag; read it as an item",
            ));
        }
        Ok(Self {
            json: Some(text),
            ..Self::prepare(raw, None, &mut Patterns::default())
        })
    }
}

/// The data of the flag that its parts need when they are prepared.
struct Prepare<'a> {
    key: &'a Text,
    salt: &'a Text,
    patterns: &'a mut Patterns,
}

impl Prepare<'_> {
    fn rule(&mut self, raw: RawRule, defects: &mut Vec<Defect>) -> FlagRule {
        let clauses = raw
            .clauses
            .into_iter()
            .map(|clause| Clause::prepare(clause.0, self.patterns, defects))
            .collect();
        let serve = self.outcome(
            RawOutcome {
                variation: raw.variation,
                rollout: raw.rollout,
            },
            defects,
        );
        FlagRule {
            id: raw.id,
            clauses,
            serve,
            track_events: raw.track_events,
        }
    }

    fn outcome(&self, raw: RawOutcome, defects: &mut Vec<Defect>) -> Serve {
        match (raw.variation, raw.rollout) {
            (Some(index), _) => Serve::Variation(index.0),
            (None, Some(MapOnly(rollout))) if !rollout.variations.is_empty() => {
                Serve::Rollout(Box::new(self.rollout(rollout, defects)))
            }
            _ => {
                defects.push(Defect::NoOutcome);
                Serve::Nothing
            }
        }
    }

    fn rollout(&self, raw: RawRollout, defects: &mut Vec<Defect>) -> Rollout {
        let experiment = raw.kind == "experiment";
        let by = match raw.bucket_by.as_str() {
            "" => BucketBy::Key,
            // An experiment always buckets by the key and ignores the attribute.
            _ if experiment => BucketBy::Key,
            _ => BucketBy::Attribute(reference(raw.bucket_by, &raw.context_kind)),
        };
        if let BucketBy::Attribute(reference) = &by
            && let Some(error) = reference.error()
        {
            defects.push(Defect::Attribute {
                reference: reference.as_str().into(),
                error,
            });
        }
        let prefix = raw.seed.map_or_else(
            || Prefix::of_item(self.key, self.salt),
            |seed| Prefix::of_seed(seed.0),
        );
        let mut end = 0.0;
        let weighted = raw.variations.into_iter().map(|MapOnly(raw)| {
            end += Weighted::share(raw.weight.0);
            Weighted {
                variation: raw.variation.0,
                end,
                untracked: raw.untracked,
            }
        });
        let weighted = weighted.collect();
        Rollout {
            experiment,
            kind: raw.context_kind.into(),
            by,
            prefix,
            weighted,
        }
    }
}

/// Individual targets, in one table per kind.
///
/// Flag data lists targets by variation, and between kinds the order of these lists decides. Each
/// key therefore keeps the position of its list; among matches of several kinds the first position
/// wins.
#[derive(Clone, Debug)]
pub(crate) struct Targets(Box<[(Kind, KeyMap<Target>)]>);

#[derive(Clone, Copy, Debug)]
struct Target {
    place: usize,
    variation: i64,
}

impl Targets {
    fn prepare(targets: Vec<MapOnly<RawTarget>>, context_targets: Vec<MapOnly<RawTarget>>) -> Self {
        let lists = if context_targets.is_empty() {
            targets
        } else {
            Self::resolve(&targets, context_targets)
        };
        let mut kinds: Vec<(Kind, Vec<(Text, Target)>)> = Vec::new();
        for (place, MapOnly(list)) in lists.into_iter().enumerate() {
            let kind = Kind::from(list.context_kind);
            let target = Target {
                place,
                variation: list.variation.0,
            };
            let keys = list.values.into_iter().map(|key| (key, target));
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, entries)) => entries.extend(keys),
                None => kinds.push((kind, keys.collect())),
            }
        }
        kinds.retain(|(_, entries)| !entries.is_empty());
        Self(
            kinds
                .into_iter()
                .map(|(kind, entries)| (kind, entries.into_iter().collect()))
                .collect(),
        )
    }

    /// Converts the lists of flag data. An empty list of kind `user` stands for the first list of
    /// the older format with the same variation.
    fn resolve(
        targets: &[MapOnly<RawTarget>],
        context_targets: Vec<MapOnly<RawTarget>>,
    ) -> Vec<MapOnly<RawTarget>> {
        let mut older: HashMap<i64, &RawTarget> = HashMap::new();
        for MapOnly(target) in targets {
            older.entry(target.variation.0).or_insert(target);
        }
        let resolved = context_targets.into_iter().map(|MapOnly(target)| {
            let is_user = Kind::from(target.context_kind.clone()) == Kind::User;
            match older.get(&target.variation.0) {
                Some(list) if is_user && target.values.is_empty() => MapOnly(RawTarget {
                    variation: list.variation,
                    values: list.values.clone(),
                    context_kind: list.context_kind.clone(),
                }),
                _ => MapOnly(target),
            }
        });
        resolved.collect()
    }

    /// Returns the variation for which a context is targeted. `key_of` returns the key of the
    /// context for a kind.
    #[inline]
    pub(crate) fn find<'c>(&self, key_of: impl Fn(&Kind) -> Option<&'c str>) -> Option<i64> {
        if self.0.is_empty() {
            return None;
        }
        let hits = self
            .0
            .iter()
            .filter_map(|(kind, keys)| keys.get(key_of(kind)?));
        hits.min_by_key(|target| target.place)
            .map(|target| target.variation)
    }
}
