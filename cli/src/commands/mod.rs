//! The commands, one file each.

mod show;

use clap::Subcommand;
use vexil::model::DataKind;

use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::snapshot::Snapshot;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(show::ShowArgs),
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Show(args) => show::run(args, session).await,
        }
    }

    /// Whether the command ends without being asked to, and so has a time limit.
    pub(crate) fn ends_by_itself(&self) -> bool {
        match self {
            Self::Show(_) => true,
        }
    }

    /// Whether the command reacts to the signals that end it, to leave nothing half written.
    pub(crate) fn handles_signals(&self) -> bool {
        match self {
            Self::Show(_) => false,
        }
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
