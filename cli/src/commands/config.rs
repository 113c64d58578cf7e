//! `vexil config`: the settings that hold.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::source::Source;

/// Print the settings that hold. Secrets are masked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil config
  vexil config --json
  vexil config --config deploy/vexil.toml")]
pub(crate) struct ConfigArgs {}

#[derive(Serialize)]
struct Document<'s> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    sources: BTreeMap<&'s str, String>,
    check: Check<'s>,
}

#[derive(Serialize)]
struct Check<'s> {
    allow: &'s [String],
}

pub(super) fn run(session: &mut Session<'_>) -> Result<Exit, Failure> {
    let settings = &session.settings;
    let file = settings
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let mut sources = BTreeMap::new();
    for name in settings.sources.keys() {
        let source = Source::parse(&format!("@{name}"), session)?;
        sources.insert(name.as_str(), source.to_string());
    }
    let document = Document {
        schema: "vexil.config/1",
        file,
        sources,
        check: Check {
            allow: &settings.check.allow,
        },
    };
    let output = &mut session.output;
    if output.json {
        output.document(&document)?;
        return Ok(Exit::Done);
    }
    match &document.file {
        Some(file) => output.line(format_args!("# {file}"))?,
        None => output.line("# there is no vexil.toml here or above")?,
    }
    output.line("[sources]")?;
    for (name, source) in &document.sources {
        output.line(format_args!("{name} = {source:?}"))?;
    }
    output.line(format_args!(
        "\n[check]\nallow = {:?}",
        document.check.allow
    ))?;
    Ok(Exit::Done)
}
