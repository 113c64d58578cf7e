//! The values of flags for one context.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use vexil::eval::{Detail, Reason};
use vexil::explain::{ExplainOptions, Explanation, Mask, Serve, StepKind};
use vexil::model::Flag;
use vexil::{Context, Text, Value};

use super::EvalArgs;
use crate::evaluator::{Evaluator, compact, described};
use crate::exit::Failure;
use crate::output::Table;
use crate::session::Session;
use crate::source::Contents;

#[derive(Serialize)]
struct Document<'e> {
    schema: &'static str,
    source: &'e str,
    context: &'e Context,
    flags: BTreeMap<&'e Text, Evaluated>,
}

/// The value of one flag.
#[derive(Serialize)]
pub(super) struct Evaluated {
    /// Null where an application gets its default, unless the command line has one.
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

impl Evaluated {
    pub(super) fn new(args: &EvalArgs, flag: &Flag, detail: Detail<Value>) -> Self {
        Self {
            value: match (detail.variation_index, &args.default) {
                (None, Some(default)) => default.clone(),
                _ => detail.value,
            },
            variation: detail.variation_index,
            version: flag.version(),
            reason: (!args.no_reasons).then_some(detail.reason),
        }
    }
}

/// Prints the values. Returns whether each flag has one.
pub(super) fn run(
    args: &EvalArgs,
    contents: &Contents,
    evaluator: &Evaluator,
    flags: &[Arc<Flag>],
    context: &Context,
    session: &mut Session<'_>,
) -> Result<bool, Failure> {
    let output = &mut session.output;
    let mut complete = true;
    let mut values = BTreeMap::new();
    let mut table = Table::new(&["FLAG", "VALUE", "VAR", "WHY"], &[2], &[1, 3]);
    for flag in flags {
        let key = flag.key();
        if output.json {
            let detail = evaluator.evaluate(key, context);
            complete &= detail.variation_index.is_some();
            values.insert(key, Evaluated::new(args, flag, detail));
        } else {
            let options = ExplainOptions::default().mask(Mask::Nothing);
            let explanation = evaluator.explain(key, context, &options);
            complete &= explanation.variation.is_some();
            let value = explanation.value.as_ref().or(args.default.as_ref());
            table.row([
                key.to_string(),
                value.map_or_else(|| "–".to_owned(), |value| compact(value).to_string()),
                explanation
                    .variation
                    .map_or_else(|| "–".to_owned(), |index| index.to_string()),
                if args.no_reasons {
                    String::new()
                } else {
                    why(&explanation)
                },
            ]);
        }
    }
    if output.json {
        output.document(&Document {
            schema: "vexil.eval/1",
            source: &contents.source,
            context,
            flags: values,
        })?;
    } else {
        let text = table.render(output);
        output.text(text)?;
        let plural = if flags.len() == 1 { "" } else { "s" };
        output.line(format_args!(
            "{} flag{plural} · context {}",
            flags.len(),
            described(context)
        ))?;
    }
    Ok(complete)
}

/// Returns the reason in words, with the bucket of a rollout.
fn why(explanation: &Explanation) -> String {
    let reason = &explanation.reason;
    if explanation.variation.is_none() && reason.error().is_none() {
        return format!("{reason}, and there is no off variation: the caller's default");
    }
    match decision(explanation) {
        Some(Serve::Rollout(rollout)) => {
            format!("{reason} (rollout, bucket {:.6})", rollout.bucket)
        }
        _ => reason.to_string(),
    }
}

/// Returns what the deciding step serves.
fn decision(explanation: &Explanation) -> Option<&Serve> {
    let reached = explanation.steps.iter().rev().find(|step| step.reached)?;
    match &reached.kind {
        StepKind::Rule(rule) => rule.serve.as_ref(),
        StepKind::Fallthrough { serve } => serve.as_ref(),
        _ => None,
    }
}
