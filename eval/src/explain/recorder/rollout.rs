//! Records which share of a rollout contains the context.

use std::ptr;

use super::Recorder;
use super::frame::Part;
use crate::context::Kind;
use crate::eval::{Bucket, Origin, bucketed_attribute};
use crate::explain::model::{FoundValue, RolloutStep, Share, ShareStep};
use crate::model::rollout::{BucketBy, Rollout, Weighted};
use crate::model::segment::SegmentRollout;
use crate::model::written::RawRollout;
use crate::text::Text;

impl<'a> Recorder<'a> {
    pub(super) fn rollout_step(
        &mut self,
        rollout: &'a Rollout,
        bucket: &Bucket,
        chosen: &'a Weighted,
    ) -> Option<RolloutStep> {
        let found = self.bucketed(&rollout.kind, &rollout.by);
        let rule = match self.top() {
            Some(Part::Rule(part)) => Some(part.clauses.rule),
            _ => None,
        };
        let part = self.flag()?;
        let (seed, by) = part
            .written
            .as_deref()
            .and_then(|raw| match rule {
                Some(index) => raw.rules.0.get(index)?.rollout.as_ref(),
                None => raw.fallthrough.rollout.as_ref(),
            })
            .map(|raw: &RawRollout| (raw.seed, raw.bucket_by.clone()))
            .unwrap_or_default();
        let mut from = 0.0;
        let shares = rollout.weighted.iter().map(|weighted| {
            let share = Share {
                variation: weighted.variation,
                value: part
                    .flag
                    .variation(weighted.variation)
                    .map(|(_, value)| value.clone()),
                from,
                to: weighted.end,
                untracked: weighted.untracked,
            };
            from = weighted.end;
            share
        });
        let shares: Vec<_> = shares.collect();
        let is_chosen = |weighted: &Weighted| ptr::eq(weighted, chosen);
        Some(RolloutStep {
            experiment: rollout.experiment,
            kind: rollout.kind.text().into(),
            by: name(&rollout.by),
            ignored_by: (rollout.experiment && !by.is_empty()).then_some(by),
            found,
            hashed: bucket.origin == Origin::Hash,
            seed: seed.map(|seed| seed.0),
            bucket: bucket.value,
            shares,
            chosen: rollout.weighted.iter().position(is_chosen).unwrap_or(0),
            past_the_end: bucket.value >= chosen.end,
            in_experiment: rollout.experiment
                && !chosen.untracked
                && bucket.origin != Origin::NoKind,
        })
    }

    pub(super) fn share_step(
        &self,
        rollout: &'a SegmentRollout,
        bucket: &Bucket,
        inside: bool,
    ) -> ShareStep {
        ShareStep {
            kind: rollout.kind.text().into(),
            by: name(&rollout.by),
            found: self.bucketed(&rollout.kind, &rollout.by),
            hashed: bucket.origin == Origin::Hash,
            bucket: bucket.value,
            limit: rollout.end,
            inside,
        }
    }

    /// The value of the attribute by which a rollout buckets.
    fn bucketed(&self, kind: &Kind, by: &BucketBy) -> FoundValue {
        let value = self
            .context
            .member(kind)
            .and_then(|member| bucketed_attribute(member, by));
        match (by, value) {
            (BucketBy::Key, Some(key)) => FoundValue::Value(key.clone()),
            (BucketBy::Key, None) => FoundValue::MissingKind {
                kind: kind.text().into(),
            },
            (BucketBy::Attribute(reference), value) => self.found(kind, reference, value),
        }
    }
}

fn name(by: &BucketBy) -> Text {
    match by {
        BucketBy::Key => "key".into(),
        BucketBy::Attribute(reference) => reference.as_str().into(),
    }
}
