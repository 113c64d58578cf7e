//! Evaluates the steps behind the decision of a flag, for the explanation only.

use super::Recorder;
use crate::eval::{Abort, Ancestors, Evaluation, Evaluator};
use crate::model::Flag;

impl<'a> Recorder<'a> {
    /// Explains the steps that the evaluation of the current flag did not reach. They do not affect
    /// its result, and the steps behind the decisions of their prerequisites are left out.
    pub(super) fn explain_beyond(&mut self, flag: &'a Flag) {
        let Some(part) = self.flag() else { return };
        let (prerequisites, rules) = (part.prerequisites, part.rules);
        let (targets, fallthrough) = (!part.targets_reached, !part.fallthrough_reached);
        self.is_beyond = true;
        if let Ok(ancestors) = Ancestors::Root.enter(flag.key()) {
            for required in flag.prerequisites.iter().skip(prerequisites) {
                self.step_beyond(|evaluator| {
                    let passed = evaluator.prerequisite_passes(flag, required, &ancestors);
                    passed.map(drop)
                });
            }
        }
        if targets {
            self.step_beyond(|evaluator| {
                evaluator.is_targeted(flag);
                Ok(())
            });
        }
        for (index, rule) in flag.rules.iter().enumerate().skip(rules) {
            self.step_beyond(|evaluator| evaluator.rule_matches(flag, index, rule).map(drop));
        }
        if fallthrough {
            self.step_beyond(|evaluator| {
                evaluator.fallthrough(flag);
                Ok(())
            });
        }
        self.is_beyond = false;
    }

    /// Evaluates one step with a result of its own.
    fn step_beyond(
        &mut self,
        step: impl FnOnce(&mut Evaluator<'_, 'a, &mut Self>) -> Result<(), Abort>,
    ) {
        if self.need.is_some() || self.truncated {
            return;
        }
        let depth = self.open.len();
        let mut ignored = Evaluation::new();
        let mut evaluator = Evaluator {
            context: self.context,
            data: self.data,
            visits: self.visits_beyond,
            found: &mut ignored,
            trace: &mut *self,
        };
        let ended = step(&mut evaluator);
        self.visits_beyond = evaluator.visits;
        self.close_to(depth);
        self.settle();
        if let Err(Abort::Needs(need)) = ended {
            self.need = Some(need);
        }
    }
}
