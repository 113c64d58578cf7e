//! Evaluates whether a context belongs to a segment.

use super::bucket::bucket;
use super::detail::BigSegmentsStatus;
use super::lookup::{Found, Need};
use super::trace::{BigSegmentQuery, Cause, Trace};
use super::{Abort, Ancestors, Evaluator};
use crate::context::{Kind, Member};
use crate::model::Segment;
use crate::model::segment::SegmentRollout;
use crate::text::Text;

impl<'a, T: Trace<'a>> Evaluator<'_, 'a, T> {
    /// Whether any of the segments exists and contains the context.
    pub(super) fn any_segment_contains(
        &mut self,
        keys: &'a [Text],
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        for key in keys {
            let contains = match self.data.segment(key) {
                Found::Present(segment) => {
                    self.trace.segment_begins(key, Some(segment));
                    self.segment_contains(segment, ancestors)?
                }
                Found::Absent => {
                    self.trace.segment_begins(key, None);
                    false
                }
                Found::Unknown => return Err(Abort::Needs(Need::Segment(key.clone()))),
            };
            self.trace.segment_ends(contains);
            if contains {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn segment_contains(
        &mut self,
        segment: &'a Segment,
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        self.visit()?;
        let ancestors = &self.enter(ancestors, segment.key())?;
        let listed = if segment.big.is_some() {
            self.big_segment_lists(segment)?
        } else {
            self.lists(segment)
        };
        match listed {
            Some(listed) => Ok(listed),
            None => self.segment_rules_match(segment, ancestors),
        }
    }

    /// Whether the context is included or excluded by key; `None` if it is neither.
    fn lists(&mut self, segment: &Segment) -> Option<bool> {
        let key_of = |kind: &Kind| self.context.member(kind).map(Member::key);
        let listed = match segment.included.contain(key_of) {
            true => Some(true),
            false => segment.excluded.contain(key_of).then_some(false),
        };
        if let Some(included) = listed {
            self.trace.segment_lists(included);
        }
        listed
    }

    /// Like `lists`, for a segment whose lists are kept in a big-segment store.
    fn big_segment_lists(&mut self, segment: &'a Segment) -> Result<Option<bool>, Abort> {
        let Some(big) = &segment.big else {
            return Ok(None);
        };
        let Some(reference) = &big.reference else {
            self.trace.big_segment(BigSegmentQuery::NoGeneration);
            self.report(BigSegmentsStatus::NotConfigured);
            return Ok(Some(false));
        };
        let Some(member) = self.context.member(&big.kind) else {
            self.trace.big_segment(BigSegmentQuery::NoKind);
            return Ok(Some(false));
        };
        match self.data.membership(member.key()) {
            Found::Present(answer) => {
                self.trace.big_segment(BigSegmentQuery::Answered(answer));
                self.report(answer.status);
                Ok(answer
                    .membership
                    .as_ref()
                    .and_then(|membership| membership.is_included(reference)))
            }
            Found::Absent => {
                self.trace.big_segment(BigSegmentQuery::NoStore);
                self.report(BigSegmentsStatus::NotConfigured);
                Ok(None)
            }
            Found::Unknown => Err(Abort::Needs(Need::Membership(member.key().into()))),
        }
    }

    /// Records the status of a query. The worst of several wins.
    fn report(&mut self, status: BigSegmentsStatus) {
        let worst = &mut self.found.big_segments_status;
        *worst = (*worst).max(Some(status));
    }

    fn segment_rules_match(
        &mut self,
        segment: &'a Segment,
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        for rule in &segment.rules {
            self.trace.segment_rule_begins();
            let matches = self.clauses_match(&rule.clauses, ancestors)?
                && match &rule.rollout {
                    Some(rollout) => self.is_in_share(rollout)?,
                    None => true,
                };
            self.trace.segment_rule_ends(matches);
            if matches {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_in_share(&mut self, rollout: &'a SegmentRollout) -> Result<bool, Abort> {
        let bucket = bucket(self.context, &rollout.kind, &rollout.by, &rollout.hasher)
            .map_err(|error| self.abort(Cause::Reference(error)))?;
        let inside = !bucket.kind_missing() && bucket.value < rollout.end;
        self.trace.segment_rollout(rollout, &bucket, inside);
        Ok(inside)
    }
}
