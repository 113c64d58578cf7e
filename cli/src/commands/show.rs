//! `vexil show`: the JSON of a flag or segment.

use clap::Args;
use vexil::model::DataKind;

use crate::args::SourceArgs;
use crate::commands::unknown_key;
use crate::exit::{Exit, Failure};
use crate::output::indented;
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::source;

/// Print the JSON of a flag or segment.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil show flags.yaml theme
  vexil show redis://localhost staff --segment --raw
  vexil show redis://localhost --all > snapshot.json")]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The key of the flag.
    #[arg(required_unless_present = "all")]
    key: Option<String>,
    /// Show a segment instead of a flag.
    #[arg(long)]
    segment: bool,
    /// Show all flags and segments as one document, which is a source itself.
    #[arg(long, conflicts_with_all = ["key", "segment", "raw"])]
    all: bool,
    /// Print the bytes that the source contains.
    #[arg(long)]
    raw: bool,
}

pub(super) async fn run(args: ShowArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let contents = source::read(&args.source, session).await?;
    let snapshot = &contents.snapshot;
    let Some(key) = &args.key else {
        session.output.line(whole(snapshot))?;
        return Ok(Exit::Done);
    };
    let kind = if args.segment {
        DataKind::Segment
    } else {
        DataKind::Flag
    };
    let Some(stored) = snapshot.of(kind).get(key.as_str()) else {
        return Err(unknown_key(&contents.source, kind, key, snapshot));
    };
    let output = &mut session.output;
    if args.raw {
        output.bytes(&stored.json)?;
    } else {
        output.text(indented(&stored.text(), output))?;
    }
    Ok(Exit::Done)
}

/// Returns all items as one document, of the form of a poll.
fn whole(snapshot: &Snapshot) -> String {
    let section = |kind| {
        let members = snapshot
            .of(kind)
            .iter()
            .map(|(key, stored)| format!("{}:{}", quoted(key), stored.text()));
        members.collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"flags\":{{{}}},\"segments\":{{{}}}}}",
        section(DataKind::Flag),
        section(DataKind::Segment)
    )
}

fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}
