//! [`ContextArgs`]: the context on the command line.

use std::fs;

use clap::Args;
use vexil::{Context, Value};

use crate::exit::Failure;
use crate::session::Session;

/// The context to evaluate for.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ContextArgs {
    /// The context as JSON, or @FILE to read it from a file.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["key", "kind", "set"], help_heading = "Context")]
    pub(crate) context: Option<String>,
    /// The key of the context.
    #[arg(long, value_name = "KEY", help_heading = "Context")]
    pub(crate) key: Option<String>,
    /// The kind of the context.
    #[arg(
        long,
        value_name = "KIND",
        default_value = "user",
        help_heading = "Context"
    )]
    pub(crate) kind: String,
    /// An attribute with its value as JSON, for example plan='"gold"'. May be repeated.
    #[arg(long, value_name = "NAME=JSON", help_heading = "Context")]
    pub(crate) set: Vec<String>,
}

impl ContextArgs {
    /// Whether the command line names a context.
    pub(crate) fn is_given(&self) -> bool {
        self.context.is_some() || self.key.is_some()
    }

    pub(crate) fn read(&self, session: &Session<'_>) -> Result<Context, Failure> {
        let Some(context) = &self.context else {
            return self.build();
        };
        let json = match context.strip_prefix('@') {
            Some(file) => fs::read_to_string(session.io.path(file)).map_err(|error| {
                Failure::usage(format_args!("cannot read the context in {file}: {error}"))
                    .help("the file contains one context as JSON")
            })?,
            None => context.clone(),
        };
        json.parse().map_err(|error| invalid(&error))
    }

    fn build(&self) -> Result<Context, Failure> {
        let Some(key) = &self.key else {
            return Err(Failure::usage("no context is given")
                .help("--key ada, or --context '{\"kind\":\"user\",\"key\":\"ada\"}', or --context @file.json"));
        };
        let mut builder = Context::builder(key.as_str()).kind(self.kind.as_str());
        for attribute in &self.set {
            let (name, json) = attribute.split_once('=').ok_or_else(|| {
                Failure::usage(format_args!("--set {attribute} has no value"))
                    .help("--set NAME=JSON, for example --set plan='\"gold\"' or --set seats=12")
            })?;
            let value: Value = serde_json::from_str(json).map_err(|_| {
                Failure::usage(format_args!(
                    "the value of --set {name} is not JSON: {json}"
                ))
                .help(format_args!("text needs quotes: --set {name}='\"{json}\"'"))
            })?;
            if !builder.try_set(name, value) {
                return Err(Failure::usage(format_args!("the attribute {name:?} cannot have this value"))
                    .help("name is text, anonymous is true or false, and key and kind have options of their own"));
            }
        }
        builder.build().map_err(|error| invalid(&error))
    }
}

fn invalid(error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format_args!("the context is invalid: {error}"))
        .help("--context '{\"kind\":\"user\",\"key\":\"ada\"}', or --context @file.json")
}
