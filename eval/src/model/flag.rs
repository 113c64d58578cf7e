//! [`Flag`]: a feature flag prepared for evaluation.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

use super::clause::Clause;
use super::entry::{self, ItemData, Meta, Prepared};
use super::keys::KeyMap;
use super::kind::DataKind;
use super::pattern::Patterns;
use super::preparation::Preparation;
use super::problem::{Defect, Problem};
use super::read::{Integer, List, RawAvailability, RawFlag, RawRollout, RawRule, RawTarget};
use super::rollout::{BucketBy, Rollout, Weighted};
use crate::context::Kind;
use crate::text::{Text, key_hash};
use crate::value::Value;

/// A feature flag. Read one from JSON, alone or as part of a [`DataSet`](super::DataSet); the crate
/// `vexil-testing` has a builder.
///
/// ```
/// use vexil_eval::model::Flag;
///
/// let flag: Flag = serde_json::from_str(
///     r#"{"key": "banner", "version": 3, "on": true, "variations": ["a", "b"]}"#,
/// )?;
/// assert!(flag.is_on());
/// assert_eq!(flag.variations(), ["a".into(), "b".into()]);
///
/// let error = serde_json::from_str::<Flag>(r#"{"key": "banner", "deleted": true}"#).unwrap_err();
/// assert_eq!(error.to_string(), "a deleted flag is not a flag; read it as an item");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Flag {
    meta: Meta,
    /// A hash of the key.
    key_hash: u64,
    pub(crate) on: bool,
    variations: Variations,
    pub(crate) off_variation: Option<i64>,
    pub(crate) fallthrough: VariationOrRollout,
    pub(crate) targets: Targets,
    pub(crate) rules: Box<[FlagRule]>,
    pub(crate) prerequisites: Box<[Prerequisite]>,
    using_mobile_key: bool,
    using_environment_id: bool,
    pub(crate) track_events: bool,
    pub(crate) track_events_fallthrough: bool,
    exclude_from_summaries: bool,
    rare: Option<Box<Rare>>,
    pub(crate) is_override: bool,
}

/// The values of a flag. Those of a boolean flag are not stored: most flags are boolean.
#[derive(Clone, Debug)]
enum Variations {
    TrueFalse,
    Other(Box<[Value]>),
}

impl Variations {
    fn values(&self) -> &[Value] {
        const TRUE_FALSE: &[Value] = &[Value::Bool(true), Value::Bool(false)];
        match self {
            Self::TrueFalse => TRUE_FALSE,
            Self::Other(values) => values,
        }
    }
}

impl From<Vec<Value>> for Variations {
    fn from(values: Vec<Value>) -> Self {
        match values.as_slice() {
            [Value::Bool(true), Value::Bool(false)] => Self::TrueFalse,
            _ => Self::Other(values.into()),
        }
    }
}

/// What few flags have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    debug_events_until: Option<u64>,
    sampling_ratio: Option<i64>,
    check_ratio: Option<i64>,
}

/// What a rule or the fallthrough returns.
#[derive(Clone, Debug)]
pub(crate) enum VariationOrRollout {
    Variation(i64),
    /// Boxed, because it is large and most flags and rules have none.
    Rollout(Box<Rollout>),
    /// Neither is present: the flag is malformed if an evaluation gets here.
    Neither,
}

#[derive(Clone, Debug)]
pub(crate) struct FlagRule {
    pub(crate) id: Text,
    pub(crate) clauses: Box<[Clause]>,
    pub(crate) result: VariationOrRollout,
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
        &self.meta.key
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
        self.meta.version
    }

    /// Whether targeting is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Returns the values that the flag can have.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag = serde_json::from_str(r#"{"key": "theme", "variations": ["light", "dark"]}"#)?;
    /// assert_eq!(flag.variations(), ["light".into(), "dark".into()]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn variations(&self) -> &[Value] {
        self.variations.values()
    }

    /// Returns the keys of the prerequisite flags, in order.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag =
    ///     serde_json::from_str(r#"{"prerequisites": [{"key": "base", "variation": 1}]}"#)?;
    /// assert!(flag.prerequisites().eq(["base"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn prerequisites(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.prerequisites
            .iter()
            .map(|prerequisite| &prerequisite.key)
    }

    /// Returns the keys of the segments that the rules refer to.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag = serde_json::from_str(
    ///     r#"{"rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}"#,
    /// )?;
    /// assert!(flag.segments().eq(["staff"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn segments(&self) -> impl Iterator<Item = &Text> {
        self.clauses().flat_map(Clause::segment_keys)
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
        self.rare.as_ref()?.debug_events_until
    }

    /// Whether evaluations are excluded from summary events.
    #[must_use]
    pub fn exclude_from_summaries(&self) -> bool {
        self.exclude_from_summaries
    }

    /// Returns the sampling ratio n: one in n full events is sent. `None` means every event, 0 or
    /// less means no event.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag = serde_json::from_str(r#"{"samplingRatio": 100}"#)?;
    /// assert_eq!(flag.sampling_ratio(), Some(100));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn sampling_ratio(&self) -> Option<i64> {
        self.rare.as_ref()?.sampling_ratio
    }

    /// Returns the check ratio n: one in n migration operations compares both results. `None`
    /// means every operation.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag = serde_json::from_str(r#"{"migration": {"checkRatio": 10}}"#)?;
    /// assert_eq!(flag.check_ratio(), Some(10));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn check_ratio(&self) -> Option<i64> {
        self.rare.as_ref()?.check_ratio
    }

    /// Returns defects that do not prevent the flag from being used.
    ///
    /// ```
    /// use vexil_eval::model::Flag;
    ///
    /// let flag: Flag = serde_json::from_str(
    ///     r#"{"key": "theme", "fallthrough": {"variation": 0}, "rules": [{"variation": 1,
    ///         "clauses": [{"attribute": "email", "op": "matches", "values": ["("]}]}]}"#,
    /// )?;
    /// // The clause never matches. Other rules of the flag are not affected.
    /// let [problem] = flag.problems() else { panic!("{:?}", flag.problems()) };
    /// assert!(problem.to_string().starts_with("rule 0: regular expression of 1 bytes is rejected"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.meta.problems()
    }

    /// Returns the same flag with another version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.meta.version = version;
        self
    }

    /// Whether the flag is an override: it replaces the flag that the service delivers.
    #[must_use]
    pub fn is_override(&self) -> bool {
        self.is_override
    }

    /// Marks the flag as an override. Reasons of its evaluations have
    /// [`is_override`](crate::Reason::is_override), and events report them separately.
    ///
    /// ```
    /// use vexil_eval::model::{Flag, Segment};
    /// use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};
    ///
    /// # struct Nothing;
    /// # impl Lookup for Nothing {
    /// #     fn flag(&self, _: &str) -> Found<&Flag> {
    /// #         Found::Absent
    /// #     }
    /// #     fn segment(&self, _: &str) -> Found<&Segment> {
    /// #         Found::Absent
    /// #     }
    /// # }
    /// let flag: Flag = serde_json::from_str(r#"{"variations": ["a"], "offVariation": 0}"#)?;
    /// let flag = flag.into_override();
    /// let context = Context::new("ada")?;
    /// let Outcome::Done(evaluation) = evaluate(&flag, &context, &Nothing) else { unreachable!() };
    /// assert_eq!(
    ///     serde_json::to_value(evaluation.reason())?,
    ///     serde_json::json!({"kind": "OFF", "isOverride": true}),
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_override(mut self) -> Self {
        self.is_override = true;
        self
    }

    /// Returns the variation at an index from flag data, which may be out of range.
    pub(crate) fn variation(&self, index: i64) -> Option<(usize, &Value)> {
        let index = usize::try_from(index).ok()?;
        let value = self.variations().get(index)?;
        Some((index, value))
    }
}

impl ItemData for Flag {}

impl Prepared for Flag {
    const KIND: DataKind = DataKind::Flag;

    type Raw = RawFlag;

    fn prepare(raw: RawFlag, key: Text, patterns: &mut Patterns) -> Self {
        let mut preparation = Preparation::new(&key, &raw.salt, patterns);
        let rules = preparation.rules(raw.rules.0, FlagRule::prepare);
        let fallthrough = VariationOrRollout::prepare(
            raw.fallthrough.variation,
            raw.fallthrough.rollout,
            &mut preparation,
        );
        let problems = preparation.finish();
        let availability = raw.client_side_availability.unwrap_or(RawAvailability {
            using_mobile_key: true,
            using_environment_id: raw.client_side,
        });
        let debug_events_until = raw.debug_events_until_date.map(Integer::unsigned);
        let rare = Rare {
            debug_events_until: debug_events_until.filter(|date| *date > 0),
            sampling_ratio: raw.sampling_ratio.map(|ratio| ratio.0),
            check_ratio: raw.migration.check_ratio.map(|ratio| ratio.0),
        };
        let prerequisites = raw.prerequisites.0.into_iter();
        Self {
            on: raw.on,
            variations: raw.variations.0.into(),
            off_variation: raw.off_variation.map(|index| index.0),
            fallthrough,
            targets: Targets::prepare(raw.targets.0, raw.context_targets.0),
            rules,
            prerequisites: prerequisites
                .map(|raw| Prerequisite {
                    key: raw.key,
                    variation: raw.variation.0,
                })
                .collect(),
            using_mobile_key: availability.using_mobile_key,
            using_environment_id: availability.using_environment_id,
            track_events: raw.track_events,
            track_events_fallthrough: raw.track_events_fallthrough,
            exclude_from_summaries: raw.exclude_from_summaries,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            is_override: false,
            key_hash: key_hash(&key),
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

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        entry::deserialize(deserializer)
    }
}

impl FlagRule {
    fn prepare(preparation: &mut Preparation<'_>, raw: RawRule) -> Self {
        Self {
            id: raw.id,
            clauses: Clause::prepare_all(raw.clauses.0, preparation),
            result: VariationOrRollout::prepare(raw.variation, raw.rollout, preparation),
            track_events: raw.track_events,
        }
    }
}

impl VariationOrRollout {
    fn prepare(
        variation: Option<Integer>,
        rollout: Option<RawRollout>,
        preparation: &mut Preparation<'_>,
    ) -> Self {
        match (variation, rollout) {
            (Some(index), _) => Self::Variation(index.0),
            (None, Some(rollout)) if !rollout.variations.0.is_empty() => {
                Self::Rollout(Box::new(prepare_rollout(rollout, preparation)))
            }
            _ => {
                preparation.report(Defect::NoOutcome);
                Self::Neither
            }
        }
    }
}

fn prepare_rollout(raw: RawRollout, preparation: &mut Preparation<'_>) -> Rollout {
    let experiment = raw.kind == "experiment";
    // An experiment always buckets by the key and ignores the attribute.
    let by = match experiment {
        true => BucketBy::Key,
        false => preparation.bucket_by(raw.bucket_by, &raw.context_kind),
    };
    let mut end = 0.0;
    let weighted = raw.variations.0.into_iter().map(|raw| {
        end += Weighted::share(raw.weight.0);
        Weighted {
            variation: raw.variation.0,
            end,
            untracked: raw.untracked,
        }
    });
    Rollout {
        experiment,
        weighted: weighted.collect(),
        kind: raw.context_kind.into(),
        by,
        hasher: preparation.bucket_hasher(raw.seed.map(|seed| seed.0)),
    }
}

/// Individual targets, in one table per kind.
///
/// Flag data lists targets by variation, and between kinds the order of these lists decides. Each
/// key therefore keeps the position of its list; among matches of several kinds the first position
/// wins.
#[derive(Clone, Debug)]
pub(crate) struct Targets(Box<[(Kind, KeyMap<Target>)]>);

/// The list that contains a targeted key. Small, because there is one for each key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    place: u32,
    /// An index beyond 32 bits is as invalid as the largest one that fits.
    variation: i32,
}

impl Target {
    fn new(place: usize, variation: i64) -> Self {
        let most = if variation < 0 { i32::MIN } else { i32::MAX };
        Self {
            place: u32::try_from(place).unwrap_or(u32::MAX),
            variation: i32::try_from(variation).unwrap_or(most),
        }
    }

    /// Returns the position of the list.
    pub(crate) fn place(self) -> usize {
        usize::try_from(self.place).unwrap_or(usize::MAX)
    }

    pub(crate) fn variation(self) -> i64 {
        self.variation.into()
    }
}

impl Targets {
    fn prepare(targets: Vec<RawTarget>, context_targets: Vec<RawTarget>) -> Self {
        let lists = if context_targets.is_empty() {
            targets
        } else {
            Self::resolve(&targets, context_targets)
        };
        let mut kinds: Vec<(Kind, Vec<(Text, Target)>)> = Vec::new();
        for (place, list) in lists.into_iter().enumerate() {
            let kind = Kind::from(list.context_kind);
            let target = Target::new(place, list.variation.0);
            let keys = list.values.0.into_iter().map(|key| (key, target));
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
    fn resolve(targets: &[RawTarget], context_targets: Vec<RawTarget>) -> Vec<RawTarget> {
        let mut older: HashMap<i64, &RawTarget> = HashMap::new();
        for target in targets {
            older.entry(target.variation.0).or_insert(target);
        }
        let resolved = context_targets.into_iter().map(|target| {
            let is_user = Kind::from(target.context_kind.clone()) == Kind::User;
            match older.get(&target.variation.0) {
                Some(list) if is_user && target.values.0.is_empty() => RawTarget {
                    variation: list.variation,
                    values: List(list.values.0.clone()),
                    context_kind: list.context_kind.clone(),
                },
                _ => target,
            }
        });
        resolved.collect()
    }

    /// Whether no key is targeted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the kind and the list by which a context is targeted. `key_of` returns the key of
    /// the context for a kind.
    #[inline]
    pub(crate) fn find<'c>(
        &self,
        key_of: impl Fn(&Kind) -> Option<&'c str>,
    ) -> Option<(&Kind, &Target)> {
        if self.is_empty() {
            return None;
        }
        let hits = self
            .0
            .iter()
            .filter_map(|(kind, keys)| Some((kind, keys.get(key_of(kind)?)?)));
        hits.min_by_key(|(_, target)| target.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Entry;

    /// An environment has thousands of each.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_parts_of_a_flag_are_small() {
        assert_eq!(size_of::<Entry<Flag>>(), 16);
        assert_eq!(size_of::<Flag>(), 160);
        assert_eq!(size_of::<FlagRule>(), 64);
        assert_eq!(size_of::<Clause>(), 96);
        assert_eq!(size_of::<(Text, Target)>(), 32);
        assert_eq!(size_of::<KeyMap<Target>>(), 16);
    }

    #[test]
    fn a_target_beyond_32_bits_stays_invalid() {
        for (variation, kept) in [
            (1, 1),
            (-1, -1),
            (1 << 40, i64::from(i32::MAX)),
            (-1 << 40, i64::from(i32::MIN)),
        ] {
            assert_eq!(Target::new(2, variation).variation(), kept);
        }
        assert_eq!(Target::new(2, 0).place(), 2);
    }
}
