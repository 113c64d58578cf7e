//! Records why, and where, a flag is malformed.

use super::Recorder;
use super::frame::{Frame, Part, rule_pointer};
use crate::eval::Cause;
use crate::explain::model::{MalformedCause, Step, StepKind};
use crate::text::Text;

impl<'a> Recorder<'a> {
    /// Records that the current step makes the current flag malformed.
    pub(super) fn record_malformed(&mut self, cause: Cause) {
        let at = self.position(cause);
        let cycle = self.cycle();
        let Some(part) = self.flag() else { return };
        let cause = match cause {
            Cause::Cycle => cycle,
            Cause::TooDeep => MalformedCause::TooDeep,
            Cause::TooManyVisits => MalformedCause::TooManyVisits,
            Cause::Reference(error) => MalformedCause::InvalidReference {
                error: error.to_string().into(),
            },
            Cause::Pattern => MalformedCause::PatternTooCostly,
            Cause::Variation(variation) => MalformedCause::VariationOutOfRange {
                variation,
                variations: part.flag.variations().len(),
            },
            Cause::NoOutcome => MalformedCause::NoOutcome,
        };
        let kind = StepKind::Malformed { cause };
        part.malformed = Some(Step {
            at,
            reached: true,
            kind,
        });
    }

    /// The keys of the flags, or of the segments if one is being evaluated, that lead to the
    /// current step.
    fn cycle(&self) -> MalformedCause {
        let parts = self.open.iter().map(|frame| &frame.part);
        if !matches!(parts.clone().next_back(), Some(Part::Segment(_))) {
            let path = parts.filter_map(|part| match part {
                Part::Flag(part) => Some(part.flag.key().clone()),
                _ => None,
            });
            return MalformedCause::PrerequisiteCycle {
                path: path.collect(),
            };
        }
        // The detection of cycles restarts in each flag.
        let inside = parts
            .rev()
            .take_while(|part| !matches!(part, Part::Flag(_)));
        let keys = inside.filter_map(|part| match part {
            Part::Segment(part) => Some(part.key.clone()),
            _ => None,
        });
        let mut path: Vec<_> = keys.collect();
        path.reverse();
        MalformedCause::SegmentCycle { path }
    }

    /// The JSON pointer, inside the current flag, to the innermost step.
    fn position(&self, cause: Cause) -> Option<Text> {
        let flag = |frame: &Frame<'_>| matches!(frame.part, Part::Flag(_));
        let flag = self.open.iter().rposition(flag)?;
        let mut open = self.open.iter().skip(flag).map(|frame| &frame.part);
        let Some(Part::Flag(flag)) = open.next() else {
            return None;
        };
        let places = open.map_while(|part| match part {
            Part::Prerequisite(part) => Some(part.at.clone()),
            Part::Rule(part) => Some(rule_pointer(part.clauses.rule)),
            Part::Fallthrough(_) => Some("/fallthrough".into()),
            Part::Clause(part) => Some(part.at.clone()),
            // Positions below are those inside another item.
            Part::Flag(_) | Part::Segment(_) | Part::SegmentRule(_) => None,
        });
        // Steps that cannot contain others are never open.
        places.last().or_else(|| match (cause, flag.steps.last()?) {
            (Cause::Cycle | Cause::TooDeep, _) => Some("/prerequisites".into()),
            (_, Step { kind, at, .. }) => match kind {
                StepKind::Targets { target, .. } => target.as_ref()?.at.clone(),
                _ => at.clone(),
            },
        })
    }
}
