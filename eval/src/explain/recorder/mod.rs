//! [`Recorder`]: records the steps of an evaluation as an explanation.

mod beyond;
mod clause;
mod closing;
mod frame;
mod lists;
mod position;
mod rollout;
mod texts;
mod trace;

use frame::{FlagPart, Frame, Part};
use texts::Texts;

use super::limits::MAX_STEPS;
use super::model::{Explanation, Step, StepKind, context_keys};
use super::options::ExplainOptions;
use crate::context::Context;
use crate::eval::{EvalErrorKind, Evaluation, Lookup, Need};
use crate::model::Flag;
use crate::text::Text;

pub(super) struct Recorder<'a> {
    context: &'a Context,
    data: &'a dyn Lookup,
    options: &'a ExplainOptions,
    texts: Texts,
    /// The steps that have begun, the outermost first.
    open: Vec<Frame<'a>>,
    /// The number of steps so far.
    steps: usize,
    /// The number of operands shown so far.
    operands: usize,
    truncated: bool,
    /// Whether steps behind a decision are being evaluated.
    is_beyond: bool,
    /// The prerequisites and segments visited behind decisions.
    visits_beyond: u32,
    /// Data that the steps behind a decision require.
    need: Option<Need>,
    /// The explanation of the outermost flag, when it has ended.
    explanation: Option<Explanation>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        context: &'a Context,
        data: &'a dyn Lookup,
        options: &'a ExplainOptions,
    ) -> Self {
        Self {
            context,
            data,
            options,
            texts: Texts::default(),
            open: Vec::new(),
            steps: 0,
            operands: 0,
            truncated: false,
            is_beyond: false,
            visits_beyond: 0,
            need: None,
            explanation: None,
        }
    }

    /// Returns the explanation, after the evaluation has ended or was aborted by an error.
    pub(super) fn finish(
        mut self,
        flag: &Flag,
        evaluation: &Evaluation<'_>,
    ) -> Result<Explanation, Need> {
        self.close_to(0);
        if let Some(need) = self.need {
            return Err(need);
        }
        let malformed = EvalErrorKind::MalformedFlag;
        let explanation = self.explanation.unwrap_or_else(|| {
            Explanation::not_evaluated(flag.key().clone(), Some(self.context), malformed)
        });
        Ok(Explanation {
            context: context_keys(self.context),
            reason: evaluation.reason(),
            truncated: self.truncated,
            ..explanation
        })
    }

    /// Begins a step.
    fn open(&mut self, part: Part<'a>) {
        let admitted = self.admit();
        self.open.push(Frame { admitted, part });
    }

    /// Whether another step fits into the explanation.
    fn admit(&mut self) -> bool {
        self.steps += 1;
        self.truncated |= self.steps > MAX_STEPS;
        self.steps <= MAX_STEPS
    }

    fn top(&mut self) -> Option<&mut Part<'a>> {
        self.open.last_mut().map(|frame| &mut frame.part)
    }

    /// The flag that is being evaluated.
    fn flag(&mut self) -> Option<&mut FlagPart<'a>> {
        self.open
            .iter_mut()
            .rev()
            .find_map(|frame| match &mut frame.part {
                Part::Flag(part) => Some(part),
                _ => None,
            })
    }

    /// Adds a step to the current flag.
    fn add(&mut self, at: Option<Text>, kind: StepKind) {
        if let Some(part) = self.flag() {
            let reached = part.decided.is_none();
            part.steps.push(Step { at, reached, kind });
        }
    }

    /// Adds the step that says why the flag is malformed, after the step that makes it so.
    fn settle(&mut self) {
        if let Some(part) = self.flag()
            && let Some(mut step) = part.malformed.take()
        {
            step.reached = part.decided.is_none();
            part.steps.push(step);
        }
    }

    /// Ends the steps that an error has aborted.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(Part::Flag(_)) = self.top() {
                self.settle();
            }
            self.close();
        }
    }
}
