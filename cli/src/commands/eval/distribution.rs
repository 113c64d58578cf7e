//! The values of flags over many contexts, counted.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use indicatif::HumanCount;
use serde::Serialize;
use vexil::eval::{Detail, ReasonKind};
use vexil::explain::{ExplainOptions, Serve, StepKind};
use vexil::model::Flag;
use vexil::{Context, Text, Value};

use super::EvalArgs;
use super::contexts::ContextReader;
use super::one::Evaluated;
use crate::evaluator::{Evaluator, compact, described};
use crate::exit::Failure;
use crate::output::escaped;
use crate::session::Session;
use crate::source::Contents;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'e> {
    schema: &'static str,
    source: &'e str,
    contexts: u64,
    /// The number of lines that contain no context.
    bad_lines: u64,
    flags: BTreeMap<&'e Text, Counted<'e>>,
}

#[derive(Serialize)]
struct Counted<'e> {
    values: Vec<Share<'e>>,
    reasons: &'e BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Share<'e> {
    /// Absent where an application gets its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'e Value>,
    count: u64,
    share: f64,
    /// The share according to the rollout that has decided for all contexts.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
}

/// One document of `--each`.
#[derive(Serialize)]
struct EachDocument<'e> {
    schema: &'static str,
    context: &'e Context,
    flags: BTreeMap<&'e Text, Evaluated>,
}

/// The counts of one flag.
#[derive(Default)]
struct Counts {
    /// By index of the variation.
    variations: BTreeMap<Option<usize>, u64>,
    reasons: BTreeMap<&'static str, u64>,
    /// The part of the flag that has decided, if it was the same for all contexts.
    decided_by: Deciding,
}

#[derive(Default, PartialEq, Eq)]
enum Deciding {
    #[default]
    Nothing,
    Fallthrough,
    Rule(usize),
    Several,
}

/// Prints the counts. Returns whether each evaluation had a value, and each line a context.
pub(super) async fn run(
    args: &EvalArgs,
    contents: &Contents,
    evaluator: &Evaluator,
    flags: &[Arc<Flag>],
    session: &mut Session<'_>,
) -> Result<bool, Failure> {
    let contexts = args.contexts.open(&args.context.kind, session)?;
    let mut reader = ContextReader::new(contexts, args.contexts.count(), session);
    let mut counts: Vec<Counts> = flags.iter().map(|_| Counts::default()).collect();
    let mut expected: Vec<Option<Expected>> = flags.iter().map(|_| None).collect();
    let (mut complete, mut printed) = (true, 0_u64);
    while let Some(context) = reader.next(session).await? {
        let mut details = Vec::with_capacity(flags.len());
        for ((flag, counts), expected) in flags.iter().zip(&mut counts).zip(&mut expected) {
            let detail = evaluator.evaluate(flag.key(), &context);
            complete &= detail.variation_index.is_some();
            if counts.decided_by == Deciding::Nothing {
                *expected = Expected::of(evaluator, flag, &context);
            }
            counts.add(&detail);
            details.push(detail);
        }
        if args.contexts.each && args.contexts.at_most.is_none_or(|most| printed < most) {
            printed += 1;
            print_each(args, &context, flags, details, session)?;
        }
    }
    let (read, bad_lines) = (reader.read, reader.bad_lines);
    reader.finish();
    let evaluated = read - bad_lines;
    let shares = flags
        .iter()
        .zip(&counts)
        .zip(&expected)
        .map(|((flag, counts), expected)| {
            let expected = expected
                .as_ref()
                .filter(|expected| expected.place == counts.decided_by);
            (flag.key(), counts.shares(flag, evaluated, expected), counts)
        });
    let output = &mut session.output;
    if args.contexts.each {
        // The rows are the result.
    } else if output.json {
        let counted = shares.map(|(key, values, counts)| {
            (
                key,
                Counted {
                    values,
                    reasons: &counts.reasons,
                },
            )
        });
        output.document(&Document {
            schema: "vexil.eval/1",
            source: &contents.source,
            contexts: evaluated,
            bad_lines,
            flags: counted.collect(),
        })?;
    } else {
        let width = flags
            .iter()
            .map(|flag| flag.key().chars().count())
            .max()
            .unwrap_or_default();
        for (key, shares, _) in shares {
            output.line(sentence(key, width, &shares, evaluated))?;
        }
    }
    if bad_lines > 0 {
        session.output.warn(format_args!(
            "{} of {} lines contain no context",
            HumanCount(bad_lines),
            HumanCount(read)
        ));
    }
    Ok(complete && bad_lines == 0)
}

fn print_each(
    args: &EvalArgs,
    context: &Context,
    flags: &[Arc<Flag>],
    details: Vec<Detail<Value>>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let output = &mut session.output;
    if output.json {
        return output.document_line(&EachDocument {
            schema: "vexil.eval/1",
            context,
            flags: flags
                .iter()
                .zip(details)
                .map(|(flag, detail)| (flag.key(), Evaluated::new(args, flag, detail)))
                .collect(),
        });
    }
    let name = described(context);
    for (flag, detail) in flags.iter().zip(details) {
        let value = match detail.variation_index {
            Some(_) => compact(&detail.value),
            None => "–".into(),
        };
        output.line(escaped(&format!(
            "{name}  {}  {value}  {}",
            flag.key(),
            detail.reason
        )))?;
    }
    Ok(())
}

/// `theme  "light" 50.1 % (501)  "dark" 49.9 % (499)  of 1,000; expected 50/50`
fn sentence(key: &Text, width: usize, shares: &[Share<'_>], contexts: u64) -> String {
    let mut text = format!("{:width$}", escaped(key));
    for share in shares {
        let value = share.value.map_or_else(|| "–".into(), compact);
        let percent = share.share * 100.0;
        // Writing to a string succeeds.
        let _ = write!(
            text,
            "  {} {percent:.1} % ({})",
            escaped(&value),
            HumanCount(share.count)
        );
    }
    let _ = write!(text, "  of {}", HumanCount(contexts));
    let expected: Option<Vec<String>> = shares
        .iter()
        .map(|share| {
            Some(format!(
                "{}",
                (share.expected? * 100_000.0).round() / 1000.0
            ))
        })
        .collect();
    if let Some(expected) = expected.filter(|expected| expected.len() > 1) {
        let _ = write!(text, "; expected {}", expected.join("/"));
    }
    text
}

impl Counts {
    fn add(&mut self, detail: &Detail<Value>) {
        *self.variations.entry(detail.variation_index).or_default() += 1;
        let (name, place) = match &detail.reason.kind {
            ReasonKind::Off => ("OFF", Deciding::Several),
            ReasonKind::Fallthrough { .. } => ("FALLTHROUGH", Deciding::Fallthrough),
            ReasonKind::TargetMatch => ("TARGET_MATCH", Deciding::Several),
            ReasonKind::RuleMatch { rule_index, .. } => ("RULE_MATCH", Deciding::Rule(*rule_index)),
            ReasonKind::PrerequisiteFailed { .. } => ("PREREQUISITE_FAILED", Deciding::Several),
            _ => ("ERROR", Deciding::Several),
        };
        *self.reasons.entry(name).or_default() += 1;
        if self.decided_by == Deciding::Nothing {
            self.decided_by = place;
        } else if self.decided_by != place {
            self.decided_by = Deciding::Several;
        }
    }

    /// Returns the shares in the order of the variations. Those of a rollout are listed even if no
    /// context has them.
    fn shares<'f>(
        &self,
        flag: &'f Flag,
        contexts: u64,
        expected: Option<&Expected>,
    ) -> Vec<Share<'f>> {
        let mut indexes: Vec<Option<usize>> = self.variations.keys().copied().collect();
        if let Some(expected) = expected {
            indexes.extend(expected.shares.keys().map(|index| Some(*index)));
        }
        indexes.sort_by_key(|index| index.unwrap_or(usize::MAX));
        indexes.dedup();
        let share = |variation: Option<usize>| {
            let count = self.variations.get(&variation).copied().unwrap_or_default();
            Share {
                variation,
                value: variation.and_then(|index| flag.variations().get(index)),
                count,
                share: ratio(count, contexts),
                expected: expected.map(|expected| {
                    variation
                        .and_then(|index| expected.shares.get(&index))
                        .copied()
                        .unwrap_or_default()
                }),
            }
        };
        indexes.into_iter().map(share).collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shares are shown with few digits"
)]
fn ratio(count: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 / of as f64
    }
}

/// The shares of the first rollout that has decided.
struct Expected {
    place: Deciding,
    /// By index of the variation.
    shares: BTreeMap<usize, f64>,
}

impl Expected {
    /// Returns the shares of the rollout that decides for this context, if one does.
    fn of(evaluator: &Evaluator, flag: &Flag, context: &Context) -> Option<Self> {
        let explanation = evaluator.explain(flag.key(), context, &ExplainOptions::default());
        let step = explanation.steps.iter().rev().find(|step| step.reached)?;
        let (place, serve) = match &step.kind {
            StepKind::Rule(rule) => (Deciding::Rule(rule.index), rule.serve.as_ref()?),
            StepKind::Fallthrough { serve } => (Deciding::Fallthrough, serve.as_ref()?),
            _ => return None,
        };
        let Serve::Rollout(rollout) = serve else {
            return None;
        };
        let mut shares = BTreeMap::new();
        for share in &rollout.shares {
            if let Ok(index) = usize::try_from(share.variation) {
                *shares.entry(index).or_default() += f64::from(share.to) - f64::from(share.from);
            }
        }
        Some(Self { place, shares })
    }
}
