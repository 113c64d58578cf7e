//! The commands, one file each.

mod check;
mod completions;
mod config;
mod context;
pub(crate) mod diff;
mod eval;
mod explain;
mod generate;
mod help;
mod list;
mod man;
mod mirror;
mod serve;
mod show;
mod watch;

use clap::Subcommand;
use tracing_subscriber::filter::LevelFilter;
use vexil::model::DataKind;

use crate::args::ReadingArgs;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::snapshot::{Snapshot, Unreadable};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Diff(diff::DiffArgs),
    Eval(eval::EvalArgs),
    Explain(explain::ExplainArgs),
    List(list::ListArgs),
    Check(check::CheckArgs),
    Generate(generate::GenerateArgs),
    Mirror(mirror::MirrorArgs),
    Serve(Box<serve::ServeArgs>),
    Show(show::ShowArgs),
    Watch(watch::WatchArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Diff(args) => diff::run(args, session).await,
            Self::Eval(args) => eval::run(args, session).await,
            Self::Explain(args) => explain::run(args, session).await,
            Self::List(args) => list::run(args, session).await,
            Self::Check(args) => check::run(args, session).await,
            Self::Generate(args) => generate::run(args, session).await,
            Self::Mirror(args) => mirror::run(args, session).await,
            Self::Serve(args) => serve::run(*args, session).await,
            Self::Show(args) => show::run(args, session).await,
            Self::Watch(args) => watch::run(args, session).await,
            Self::Config(_) => config::run(session),
            Self::Completions(args) => completions::run(&args, session),
            Self::Man(args) => man::run(&args, session),
            Self::Help(args) => help::run(&args, session),
        }
    }

    /// Whether the command ends without being asked to, and so has a time limit.
    pub(crate) fn ends_by_itself(&self) -> bool {
        match self {
            Self::Diff(args) => !args.has_contexts(),
            Self::Eval(args) => !args.has_many_contexts(),
            // It has a limit of its own, which does not end a write half way.
            Self::Mirror(_) => false,
            Self::Serve(_) | Self::Watch(_) => false,
            _ => true,
        }
    }

    /// The level of the log without `-v`. Other commands print what is wrong themselves.
    pub(crate) fn default_log_level(&self) -> LevelFilter {
        match self {
            Self::Serve(_) => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        }
    }

    /// Whether the command reacts to the signals that end it, to leave nothing half written and no
    /// request unanswered.
    pub(crate) fn handles_signals(&self) -> bool {
        matches!(self, Self::Mirror(_) | Self::Serve(_))
    }
}

/// Names the items that could not be read. They make the command fail unless it is tolerant.
fn finish(
    unreadable: &[Unreadable],
    reading: &ReadingArgs,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    for Unreadable { kind, key, error } in unreadable {
        session.output.warn(format_args!(
            "{kind} {key:?} cannot be read and was left out: {error}"
        ));
    }
    if unreadable.is_empty() || reading.tolerant {
        Ok(Exit::Done)
    } else {
        Err(Failure::new(
            Exit::Unreadable,
            format_args!("{} of the items cannot be read", unreadable.len()),
        )
        .help("\"vexil check\" shows what is wrong; --tolerant accepts it"))
    }
}

/// A source does not have the item that the command line names.
fn unknown_key(source: &str, kind: DataKind, key: &str, snapshot: &Snapshot) -> Failure {
    let items = snapshot.of(kind);
    let similar = items
        .keys()
        .map(|known| (strsim::damerau_levenshtein(known, key), known))
        .min()
        .filter(|(distance, _)| *distance <= 3 && *distance < key.chars().count());
    let failure = Failure::new(
        Exit::Unreadable,
        format_args!("{source} has no {kind} {key:?}"),
    );
    let count = items.len();
    match similar {
        Some((_, similar)) => failure.help(format_args!(
            "did you mean {similar:?}? \"vexil list\" shows all {count} of this kind"
        )),
        None => failure.help(format_args!(
            "\"vexil list\" shows all {count} of this kind"
        )),
    }
}
