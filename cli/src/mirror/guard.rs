//! [`Refusal`]: why a plan is not carried out.

use super::plan::{Counts, Plan};
use crate::exit::{Exit, Failure};
use crate::output::counted;
use crate::snapshot::Snapshot;

/// Why a plan is not carried out without being asked twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The target would lose all its flags, or more than half of them.
    Empties(Counts),
    /// The target contains items that are not in the source, so another program has filled it.
    Foreign {
        /// How many of its items are not in the source.
        items: usize,
    },
}

impl Refusal {
    /// Returns why the target would lose too much.
    pub(crate) fn of_loss(plan: &Plan) -> Option<Self> {
        let counts = plan.flags;
        let loses = counts.after == 0 || counts.after * 2 < counts.before;
        (counts.before > 0 && loses).then_some(Self::Empties(counts))
    }

    /// Returns why a person should look at the target first.
    pub(crate) fn of_first_write(plan: &Plan, to: &Snapshot) -> Option<Self> {
        let foreign = to
            .items()
            .filter(|(kind, key, item)| !item.deleted && !plan.has_in_source(*kind, key))
            .count();
        (foreign > 0).then_some(Self::Foreign { items: foreign })
    }

    /// Returns the failure of a command without permission to continue.
    pub(crate) fn failure(self) -> Failure {
        let failure = Failure::new(
            Exit::Refused,
            format_args!("nothing was written: {}", self.reason()),
        );
        match self {
            Self::Empties(_) => failure
                .help("is the source the right one, and complete? --allow-empty writes it anyway"),
            Self::Foreign { .. } => failure.help(
                "--dry-run shows what would change; --yes replaces what is there, and --yes \
                 --keep-missing keeps what the source does not have",
            ),
        }
    }

    /// Returns the reason in words.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Empties(Counts { before, after, .. }) => format!(
                "the target has {}, and would have {after} afterwards",
                counted(before, "flag")
            ),
            Self::Foreign { items } => format!(
                "the target has {} that the source does not have, so another program may have \
                 filled it",
                counted(items, "item")
            ),
        }
    }
}
