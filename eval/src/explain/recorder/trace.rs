//! Observes the evaluator.

use super::frame::{
    ClausePart, Clauses, FlagPart, Part, PrerequisitePart, RulePart, SegmentPart, SegmentRulePart,
};
use super::{Recorder, lists};
use crate::context::{Kind, Member};
use crate::eval::{BigSegmentQuery, Bucket, Cause, Evaluation, Reason, Trace};
use crate::explain::model::{Explanation, Serve, StepKind, Target};
use crate::model::clause::Clause;
use crate::model::flag::{self, Prerequisite, VariationOrRollout};
use crate::model::rollout::{Rollout, Weighted};
use crate::model::segment::SegmentRollout;
use crate::model::{Flag, Segment};
use crate::text::Text;
use crate::value::Value;

#[deny(clippy::missing_trait_methods)]
impl<'a> Trace<'a> for &mut Recorder<'a> {
    fn flag_begins(&mut self, flag: &'a Flag) {
        let without_text = self.texts.missing;
        let written = match self.truncated {
            true => None,
            false => self.texts.flag(flag),
        };
        self.open(Part::Flag(FlagPart {
            flag,
            written,
            without_text,
            steps: Vec::new(),
            prerequisites: 0,
            rules: 0,
            targets_reached: false,
            fallthrough_reached: false,
            malformed: None,
            decided: None,
        }));
        self.add(Some("/on".into()), StepKind::On { on: flag.on });
    }

    fn flag_ends(&mut self, found: &Evaluation<'a>) {
        self.settle();
        let beyond = self.options.beyond && !self.is_beyond;
        if let Some(part) = self.flag() {
            let (index, value) = found.variation.unzip();
            part.decided = Some(Box::new(Explanation {
                value: value.cloned(),
                variation: index,
                reason: Reason {
                    is_override: part.flag.is_override,
                    ..found.verdict.to_kind().into()
                },
                ..part.undecided()
            }));
            let flag = part.flag;
            if beyond {
                self.explain_beyond(flag);
            }
        }
        self.close();
    }

    fn prerequisite_begins(&mut self, required: &'a Prerequisite) {
        let Some(part) = self.flag() else { return };
        let at = format!("/prerequisites/{}", part.prerequisites).into();
        part.prerequisites += 1;
        self.open(Part::Prerequisite(PrerequisitePart {
            required,
            at,
            passed: None,
            found: None,
            explanation: None,
        }));
    }

    fn prerequisite_ends(&mut self, passed: bool) {
        if let Some(Part::Prerequisite(part)) = self.top() {
            part.passed = Some(passed);
        }
        self.close();
    }

    fn targets(&mut self, found: Option<(&'a Kind, &'a flag::Target)>) {
        let context = self.context;
        let Some(part) = self.flag() else { return };
        part.targets_reached = true;
        if part.flag.targets.is_empty() {
            return;
        }
        let written = part.written.clone();
        let raw = written.as_deref();
        let target = found.map(|(kind, target)| Target {
            at: raw.map(|raw| lists::target_list(raw, target.place())),
            kind: kind.text().into(),
            key: context
                .member(kind)
                .map_or("", |member| member.key())
                .into(),
            variation: target.variation(),
        });
        let kind = StepKind::Targets {
            lists: raw.map(|raw| lists::targets(raw).1.len()),
            target,
        };
        self.add(raw.map(|raw| lists::targets(raw).0.into()), kind);
    }

    fn rule_begins(&mut self) {
        let Some(part) = self.flag() else { return };
        let rule = part.rules;
        part.rules += 1;
        let clauses = Clauses {
            rule,
            ..Clauses::default()
        };
        self.open(Part::Rule(RulePart {
            clauses,
            serve: None,
        }));
    }

    fn rule_ends(&mut self, matched: bool) {
        if let Some(Part::Rule(part)) = self.top() {
            part.clauses.matched = matched;
        }
        self.close();
    }

    fn fallthrough_begins(&mut self) {
        let Some(part) = self.flag() else { return };
        part.fallthrough_reached = true;
        let serve = match &part.flag.fallthrough {
            VariationOrRollout::Variation(index) => Some(Serve::Variation(*index)),
            VariationOrRollout::Rollout(_) => None,
            VariationOrRollout::Neither => Some(Serve::Nothing),
        };
        self.open(Part::Fallthrough(serve));
    }

    fn fallthrough_ends(&mut self) {
        self.close();
    }

    fn off(&mut self) {
        let Some(part) = self.flag() else { return };
        let variation = part.flag.off_variation;
        self.add(Some("/offVariation".into()), StepKind::Off { variation });
    }

    fn clause_begins(&mut self, clause: &'a Clause) {
        let (at, wording) = self.clause_wording(clause);
        self.open(Part::Clause(ClausePart {
            clause,
            at,
            wording,
            value: None,
            segments: Vec::new(),
            matched: false,
        }));
    }

    fn attribute(&mut self, value: Option<&'a Value>) {
        if let Some(Part::Clause(part)) = self.top() {
            part.value = value;
        }
    }

    fn clause_ends(&mut self, matched: bool) {
        if let Some(Part::Clause(part)) = self.top() {
            part.matched = matched;
        }
        self.close();
    }

    fn segment_begins(&mut self, key: &'a Text, segment: Option<&'a Segment>) {
        let written = match (segment, self.truncated) {
            (Some(segment), false) => self.texts.segment(segment),
            _ => None,
        };
        self.open(Part::Segment(SegmentPart {
            key,
            segment,
            written,
            listed: None,
            query: None,
            rules: 0,
            ended: Vec::new(),
            contains: false,
        }));
    }

    fn segment_lists(&mut self, included: bool) {
        let context = self.context;
        if let Some(Part::Segment(part)) = self.top()
            && let Some(segment) = part.segment
        {
            let lists = match included {
                true => &segment.included,
                false => &segment.excluded,
            };
            let kind = lists.kind_of(|kind| context.member(kind).map(Member::key));
            part.listed = kind.map(|kind| (kind, included));
        }
    }

    fn big_segment(&mut self, query: BigSegmentQuery<'a>) {
        if let Some(Part::Segment(part)) = self.top() {
            part.query = Some(query);
        }
    }

    fn segment_ends(&mut self, contains: bool) {
        if let Some(Part::Segment(part)) = self.top() {
            part.contains = contains;
        }
        self.close();
    }

    fn segment_rule_begins(&mut self) {
        let Some(Part::Segment(part)) = self.top() else {
            return;
        };
        let rule = part.rules;
        part.rules += 1;
        let clauses = Clauses {
            rule,
            ..Clauses::default()
        };
        self.open(Part::SegmentRule(SegmentRulePart {
            clauses,
            share: None,
        }));
    }

    fn segment_rule_ends(&mut self, matched: bool) {
        if let Some(Part::SegmentRule(part)) = self.top() {
            part.clauses.matched = matched;
        }
        self.close();
    }

    fn rollout(&mut self, rollout: &'a Rollout, bucket: &Bucket, chosen: &'a Weighted) {
        let Some(step) = self.rollout_step(rollout, bucket, chosen) else {
            return;
        };
        let step = Some(Serve::Rollout(Box::new(step)));
        match self.top() {
            Some(Part::Rule(part)) => part.serve = step,
            Some(Part::Fallthrough(serve)) => *serve = step,
            _ => {}
        }
    }

    fn segment_rollout(&mut self, rollout: &'a SegmentRollout, bucket: &Bucket, inside: bool) {
        let step = self.share_step(rollout, bucket, inside);
        if let Some(Part::SegmentRule(part)) = self.top() {
            part.share = Some(step);
        }
    }

    fn malformed(&mut self, cause: Cause) {
        self.record_malformed(cause);
    }
}
