//! Turns steps that have ended into parts of the explanation.

use super::frame::{
    Clauses, FlagPart, Frame, Part, PrerequisitePart, RulePart, SegmentPart, SegmentRulePart,
    rule_pointer,
};
use super::{Recorder, lists};
use crate::eval::{BigSegmentQuery, BigSegmentsStatus, MembershipAnswer};
use crate::explain::model::{
    BigSegmentAnswer, BigSegmentStep, PrerequisiteOutcome, PrerequisiteStep, RuleStep,
    SegmentDecision, SegmentRuleStep, SegmentStep, Serve, StepKind,
};
use crate::model::Segment;
use crate::model::flag::VariationOrRollout;

impl<'a> Recorder<'a> {
    /// Ends the current step and makes it part of the one below it.
    pub(super) fn close(&mut self) {
        let Some(Frame { admitted, part }) = self.open.pop() else {
            return;
        };
        match part {
            Part::Flag(part) => self.close_flag(part, admitted),
            _ if !admitted && !matches!(part, Part::Prerequisite(_)) => {}
            Part::Prerequisite(part) => self.close_prerequisite(part, admitted),
            Part::Rule(part) => self.close_rule(part),
            Part::Fallthrough(serve) => {
                self.add(Some("/fallthrough".into()), StepKind::Fallthrough { serve });
            }
            Part::Clause(part) => {
                let step = self.clause_step(part);
                match self.top() {
                    Some(Part::Rule(rule)) => rule.clauses.ended.push(step),
                    Some(Part::SegmentRule(rule)) => rule.clauses.ended.push(step),
                    _ => {}
                }
            }
            Part::Segment(part) => {
                let step = self.segment_step(part);
                if let Some(Part::Clause(clause)) = self.top() {
                    clause.segments.push(step);
                }
            }
            Part::SegmentRule(part) => self.close_segment_rule(part),
        }
    }

    fn close_flag(&mut self, part: FlagPart<'a>, admitted: bool) {
        let mut explanation = match part.decided {
            Some(decided) => *decided,
            None => part.undecided(),
        };
        explanation.steps = part.steps;
        explanation.as_written = part.without_text == self.texts.missing;
        match self.top() {
            Some(Part::Prerequisite(prerequisite)) => {
                prerequisite.found = Some((part.flag.on, explanation.variation));
                prerequisite.explanation = admitted.then(|| Box::new(explanation));
            }
            _ => self.explanation = Some(explanation),
        }
    }

    fn close_prerequisite(&mut self, part: PrerequisitePart<'a>, admitted: bool) {
        if !admitted {
            return;
        }
        let outcome = match (part.passed, part.found) {
            (None, _) => PrerequisiteOutcome::Error,
            (Some(true), _) => PrerequisiteOutcome::Passed,
            (_, None) => PrerequisiteOutcome::Missing,
            (_, Some((false, _))) => PrerequisiteOutcome::Off,
            (_, Some((true, Some(variation)))) => PrerequisiteOutcome::OtherVariation { variation },
            (_, Some((true, None))) => PrerequisiteOutcome::NoVariation,
        };
        let step = PrerequisiteStep {
            key: part.required.key.clone(),
            required: part.required.variation,
            outcome,
            explanation: part.explanation,
        };
        self.add(Some(part.at), StepKind::Prerequisite(step));
    }

    fn close_rule(&mut self, part: RulePart) {
        let Clauses {
            rule: index,
            begun,
            ended,
            matched,
        } = part.clauses;
        let Some(rule) = self.flag().and_then(|part| part.flag.rules.get(index)) else {
            return;
        };
        let serve = match &rule.result {
            VariationOrRollout::Variation(index) => Some(Serve::Variation(*index)),
            VariationOrRollout::Rollout(_) => part.serve,
            VariationOrRollout::Neither => Some(Serve::Nothing),
        };
        let step = RuleStep {
            index,
            id: rule.id.clone(),
            matched,
            not_evaluated: rule.clauses.len().saturating_sub(begun),
            clauses: ended,
            serve,
        };
        self.add(Some(rule_pointer(index)), StepKind::Rule(step));
    }

    fn close_segment_rule(&mut self, part: SegmentRulePart) {
        let Some(Part::Segment(owner)) = self.top() else {
            return;
        };
        let rules = owner.segment.map(|segment| &*segment.rules);
        let rule = rules.and_then(|rules| rules.get(part.clauses.rule));
        owner.ended.push(SegmentRuleStep {
            at: rule_pointer(part.clauses.rule),
            matched: part.clauses.matched,
            not_evaluated: rule
                .map_or(0, |rule| rule.clauses.len())
                .saturating_sub(part.clauses.begun),
            clauses: part.clauses.ended,
            share: part.share,
        });
    }

    fn segment_step(&self, part: SegmentPart<'a>) -> SegmentStep {
        let decision = match (part.segment, part.listed) {
            (None, _) => SegmentDecision::Missing,
            (Some(_), Some((kind, included))) => {
                let key = self.context.member(kind).map_or("", |member| member.key());
                let written = part.written.as_deref();
                SegmentDecision::Listed {
                    included,
                    at: written.and_then(|raw| lists::segment_list(raw, included, kind, key)),
                    kind: kind.text().into(),
                    key: key.into(),
                }
            }
            (Some(segment), None) => match &segment.big {
                Some(big) => SegmentDecision::Big(BigSegmentStep {
                    reference: big.reference.clone(),
                    kind: big.kind.text().into(),
                    answer: answer(part.query, big.reference.as_deref()),
                    status: match part.query {
                        Some(BigSegmentQuery::Answered(answer)) => Some(answer.status),
                        _ => None,
                    },
                    rules: part.ended,
                }),
                None => SegmentDecision::Rules(part.ended),
            },
        };
        SegmentStep {
            key: part.key.clone(),
            version: part.segment.map(Segment::version),
            contains: part.contains,
            decision,
        }
    }
}

fn answer(query: Option<BigSegmentQuery<'_>>, reference: Option<&str>) -> BigSegmentAnswer {
    let answer = match query {
        Some(BigSegmentQuery::Answered(answer)) => answer,
        Some(BigSegmentQuery::NoGeneration) => return BigSegmentAnswer::NoGeneration,
        Some(BigSegmentQuery::NoKind) => return BigSegmentAnswer::NoKind,
        Some(BigSegmentQuery::NoStore) => return BigSegmentAnswer::NoStore,
        // The evaluation was aborted before the query.
        None => return BigSegmentAnswer::Undecided,
    };
    match (&answer.membership, reference) {
        (Some(membership), Some(reference)) => match membership.is_included(reference) {
            Some(true) => BigSegmentAnswer::Included,
            Some(false) => BigSegmentAnswer::Excluded,
            None => BigSegmentAnswer::Undecided,
        },
        (None, _) => without_membership(answer),
        (Some(_), None) => BigSegmentAnswer::NoGeneration,
    }
}

fn without_membership(answer: &MembershipAnswer) -> BigSegmentAnswer {
    match answer.status {
        BigSegmentsStatus::NotConfigured => BigSegmentAnswer::NoStore,
        _ => BigSegmentAnswer::StoreError,
    }
}
