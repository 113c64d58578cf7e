//! `vexil explain`: why a flag has its value for a context.

use clap::Args;
use serde::Serialize;
use vexil::explain::{ExplainOptions, Explanation, Mask};

use super::context::ContextArgs;
use super::{finish, unknown_key};
use crate::args::SourceArgs;
use crate::evaluator::Evaluator;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::source;

/// Explain the value of a flag for a context, step by step.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil explain flags.yaml theme --key ada
  vexil explain redis://localhost theme --context @ada.json --mask
  vexil explain flags.yaml theme --key ada --set plan='\"gold\"' --beyond --json")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The key of the flag.
    flag: String,
    #[command(flatten)]
    context: ContextArgs,
    /// Evaluate the steps behind the decision too.
    #[arg(long)]
    beyond: bool,
    /// Hide the values of private attributes.
    #[arg(long)]
    mask: bool,
}

#[derive(Serialize)]
struct Document<'e> {
    schema: &'static str,
    source: &'e str,
    #[serde(flatten)]
    explanation: &'e Explanation,
}

pub(super) async fn run(args: ExplainArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let context = args.context.read(session)?;
    let contents = source::read(&args.source, session).await?;
    let evaluator = Evaluator::new(&contents)?;
    if evaluator.flag(&args.flag).is_none()
        && !evaluator
            .unreadable
            .iter()
            .any(|item| item.key == args.flag)
    {
        let kind = vexil::model::DataKind::Flag;
        return Err(unknown_key(
            &contents.source,
            kind,
            &args.flag,
            &contents.snapshot,
        ));
    }
    let mask = if args.mask {
        Mask::Private
    } else {
        Mask::Nothing
    };
    let options = ExplainOptions::default().mask(mask).beyond(args.beyond);
    let explanation = evaluator.explain(&args.flag, &context, &options);
    let output = &mut session.output;
    if output.json {
        output.document(&Document {
            schema: "vexil.explain/1",
            source: &contents.source,
            explanation: &explanation,
        })?;
    } else {
        let mut tree = explanation
            .tree()
            .ascii(output.ascii)
            .bold(output.has_colors());
        if let Some(width) = output.width {
            tree = tree.width(width);
        }
        output.text(tree)?;
    }
    finish(&evaluator.unreadable, &args.source.reading, session)
}
