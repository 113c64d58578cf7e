//! `vexil eval`: the values of flags for one context or for many.

pub(super) mod contexts;
mod distribution;
mod one;

use std::sync::Arc;

use clap::{Args, ValueEnum};
use vexil::Value;
use vexil::model::{DataKind, Flag};

use self::contexts::ContextsArgs;
use super::context::ContextArgs;
use super::{finish, unknown_key};
use crate::args::SourceArgs;
use crate::evaluator::Evaluator;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::source::{self, Contents};

/// Evaluate flags for a context, or count their values over many contexts.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil eval flags.yaml --key ada --set plan='\"gold\"'
  vexil eval redis://localhost theme new-checkout --context @ada.json --json
  vexil eval flags.yaml theme --contexts contexts.jsonl")]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The keys of flags. Default: all flags.
    #[arg(value_name = "FLAG")]
    flags: Vec<String>,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    contexts: ContextsArgs,
    /// Evaluate only the flags that clients of this type receive.
    #[arg(long, value_name = "TYPE")]
    client: Option<ClientType>,
    /// Print this value where an application would get its default.
    #[arg(long, value_name = "JSON", value_parser = json)]
    default: Option<Value>,
    /// Leave out the reasons.
    #[arg(long)]
    no_reasons: bool,
    /// Fail with exit status 1 if a flag has an error or no value.
    #[arg(long)]
    strict: bool,
}

/// The types of clients that receive evaluated flags.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClientType {
    /// Mobile apps.
    Mobile,
    /// JavaScript in a browser.
    Js,
}

impl EvalArgs {
    pub(super) fn has_many_contexts(&self) -> bool {
        self.contexts.are_given()
    }

    /// Returns the flags to evaluate.
    fn flags(&self, evaluator: &Evaluator, contents: &Contents) -> Result<Vec<Arc<Flag>>, Failure> {
        let mut flags = Vec::new();
        for key in &self.flags {
            match evaluator.flag(key) {
                Some(flag) => flags.push(Arc::clone(flag)),
                None => {
                    return Err(unknown_key(
                        &contents.source,
                        DataKind::Flag,
                        key,
                        &contents.snapshot,
                    ));
                }
            }
        }
        if self.flags.is_empty() {
            flags.extend_from_slice(evaluator.flags());
        }
        match self.client {
            None => {}
            Some(ClientType::Mobile) => flags.retain(|flag| flag.using_mobile_key()),
            Some(ClientType::Js) => flags.retain(|flag| flag.using_environment_id()),
        }
        Ok(flags)
    }
}

pub(super) async fn run(args: EvalArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let many = args.has_many_contexts();
    let context = if many {
        None
    } else {
        Some(args.context.read(session)?)
    };
    let contents = source::read(&args.source, session).await?;
    let evaluator = Evaluator::new(&contents)?;
    let flags = args.flags(&evaluator, &contents)?;
    let complete = match &context {
        Some(context) => one::run(&args, &contents, &evaluator, &flags, context, session)?,
        None => distribution::run(&args, &contents, &evaluator, &flags, session).await?,
    };
    let exit = finish(&evaluator.unreadable, &args.source.reading, session)?;
    Ok(if args.strict && !complete {
        Exit::No
    } else {
        exit
    })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}
