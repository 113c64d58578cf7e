//! Evaluates whether a context belongs to a segment.

use super::bucket::bucket;
use super::detail::BigSegmentsStatus;
use super::lookup::{Found, Need};
use super::{Abort, Ancestors, Evaluator};
use crate::context::{Kind, Member};
use crate::model::Segment;
use crate::model::segment::SegmentRollout;
use crate::text::Text;

impl<'a> Evaluator<'_, 'a> {
    /// Whether any of the segments exists and contains the context.
    pub(super) fn any_segment_contains(
        &mut self,
        keys: &'a [Text],
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        for key in keys {
            let found = match self.data.segment(key) {
                Found::Present(segment) => self.segment_contains(segment, ancestors)?,
                Found::Absent => false,
                Found::Unknown => return Err(Abort::Needs(Need::Segment(key.clone()))),
            };
            if found {
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
        let ancestors = &ancestors.enter(segment.key())?;
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
    fn lists(&self, segment: &Segment) -> Option<bool> {
        let key_of = |kind: &Kind| self.context.member(kind).map(Member::key);
        if segment.included.contain(key_of) {
            return Some(true);
        }
        segment.excluded.contain(key_of).then_some(false)
    }

    /// Like `lists`, for a segment whose lists are kept in a big-segment store.
    fn big_segment_lists(&mut self, segment: &'a Segment) -> Result<Option<bool>, Abort> {
        let Some(big) = &segment.big else {
            return Ok(None);
        };
        let Some(reference) = &big.reference else {
            self.report(BigSegmentsStatus::NotConfigured);
            return Ok(Some(false));
        };
        let Some(member) = self.context.member(&big.kind) else {
            return Ok(Some(false));
        };
        match self.data.membership(member.key()) {
            Found::Present(answer) => {
                self.report(answer.status);
                Ok(answer
                    .membership
                    .as_ref()
                    .and_then(|membership| membership.is_included(reference)))
            }
            Found::Absent => {
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
            if !self.clauses_match(&rule.clauses, ancestors)? {
                continue;
            }
            let in_share = match &rule.rollout {
                Some(rollout) => self.is_in_share(rollout)?,
                None => true,
            };
            if in_share {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_in_share(&self, rollout: &SegmentRollout) -> Result<bool, Abort> {
        let bucket = bucket(self.context, &rollout.kind, &rollout.by, &rollout.hasher)
            .map_err(|_| Abort::Malformed)?;
        Ok(!bucket.kind_missing && bucket.value < rollout.end)
    }
}
