//! The command line: which parts to measure, and how thoroughly.

use std::collections::HashMap;
use std::error::Error;

use crate::allocations::{self, Allocated};
use crate::compare::Case;
use crate::effort::Effort;
use crate::measure::Lane;
use crate::report::Report;
use crate::workload::generate;
use crate::{
    all_flags, big_segments, change_sets, contexts, daemon, evaluation, event_allocations, events,
    floor, growth, hooks, many_clients, many_contexts, many_flags, outage, paced, parsing,
    patch_cost, peers, read_through, scope, serve, startup, table, tower, typed_flags,
    under_patches,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// One evaluation.
    Evaluation,
    /// One evaluation, compared with the minimal possible cost.
    Floor,
    /// Evaluations with events.
    Events,
    /// Evaluations with events at a fixed rate and in bursts.
    Paced,
    /// The state of all flags.
    AllFlags,
    /// A start that receives its flags over the stream.
    Startup,
    /// Parsing of JSON text into the model of the SDK.
    Parsing,
    /// Evaluations while flags change.
    UnderPatches,
    /// Complete data and changes in both protocols.
    ChangeSets,
    /// Building and cloning a context.
    Contexts,
    /// Allocations of an evaluation with events.
    EventAllocations,
    /// An evaluation with a hook.
    Hooks,
    /// One evaluation through a scope.
    Scope,
    /// A struct of flags.
    TypedFlags,
    /// A request through the tower layer.
    Tower,
    /// Memberships of big segments that are cached.
    BigSegments,
    /// Flags in the cache of a read-through store.
    ReadThrough,
    /// A client that reads its flags from a database.
    Daemon,
    /// The command `vexil eval` over many contexts.
    ManyContexts,
    /// Clients that share a process.
    ManyClients,
    /// A client with up to a million flags.
    ManyFlags,
    /// Costs as functions of a size.
    Growth,
    /// A client whose database goes down and comes back empty.
    Outage,
    /// The flag server with many clients.
    Serve,
    /// The published SDKs of other languages, and the newest one for Rust.
    Peers,
}

/// The parts measured by `all` and `quick`, in order.
const REGULAR: [Part; 22] = [
    Part::Evaluation,
    Part::Floor,
    Part::Events,
    Part::Paced,
    Part::AllFlags,
    Part::Startup,
    Part::Parsing,
    Part::UnderPatches,
    Part::ChangeSets,
    Part::Contexts,
    Part::EventAllocations,
    Part::Hooks,
    Part::Scope,
    Part::TypedFlags,
    Part::Tower,
    Part::BigSegments,
    Part::ReadThrough,
    Part::Daemon,
    Part::ManyContexts,
    Part::ManyClients,
    Part::ManyFlags,
    Part::Growth,
];

/// The parts that are measured only if they are named.
const LONG: [Part; 3] = [Part::Outage, Part::Serve, Part::Peers];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    parts: Vec<Part>,
    pub(crate) effort: Effort,
}

impl Command {
    /// Parses `all`, `quick`, or names of parts; with `quick` among the names, effort is brief.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut parts, mut effort) = (Vec::new(), Effort::Full);
        for argument in arguments {
            match argument.as_str() {
                "all" => parts.extend(REGULAR),
                "quick" => effort = Effort::Brief,
                name => parts.push(Part::named(name).ok_or_else(usage)?),
            }
        }
        match (parts.is_empty(), effort) {
            (true, Effort::Full) => Err(usage().into()),
            (true, Effort::Brief) => Ok(Self {
                parts: REGULAR.into(),
                effort,
            }),
            (false, _) => Ok(Self { parts, effort }),
        }
    }

    /// Returns arguments that [`Self::parse`] reads as the same command.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'static str> {
        let brief = (self.effort == Effort::Brief).then_some("quick");
        self.parts.iter().map(|part| part.name()).chain(brief)
    }

    /// Returns one command per part.
    pub(crate) fn one_by_one(&self) -> impl Iterator<Item = Self> {
        self.parts.iter().map(|part| Self {
            parts: vec![*part],
            effort: self.effort,
        })
    }

    /// Measures the parts in order. Calls `each` with each report as soon as it is complete.
    pub(crate) fn measure(&self, mut each: impl FnMut(Report)) -> Result<(), Box<dyn Error>> {
        let allocated = match self.lanes()?.is_empty() {
            true => HashMap::new(),
            false => allocations::from_neighbour(self)?,
        };
        for part in &self.parts {
            part.measure(self.effort, &allocated, &mut each)?;
        }
        Ok(())
    }

    /// Returns the lanes of all parts that run in batches, whose allocations can be counted.
    pub(crate) fn lanes(&self) -> Result<Vec<Lane>, Box<dyn Error>> {
        let mut lanes = Vec::new();
        for part in &self.parts {
            lanes.extend(part.cases()?.into_iter().flat_map(Case::into_lanes));
            match part {
                Part::Hooks => lanes.extend(hooks::lanes()?),
                Part::Scope => lanes.extend(scope::lanes()?),
                Part::TypedFlags => lanes.extend(typed_flags::lanes()?),
                Part::Tower => lanes.extend(tower::lanes()?),
                Part::BigSegments => lanes.extend(big_segments::lanes()?),
                _ => {}
            }
        }
        Ok(lanes)
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Evaluation => "evaluation",
            Self::Floor => "floor",
            Self::Events => "events",
            Self::Paced => "paced-events",
            Self::AllFlags => "all-flags",
            Self::Startup => "startup",
            Self::Parsing => "parsing",
            Self::UnderPatches => "under-patches",
            Self::ChangeSets => "change-sets",
            Self::Contexts => "contexts",
            Self::EventAllocations => "event-allocations",
            Self::Hooks => "hooks",
            Self::Scope => "scope",
            Self::TypedFlags => "typed-flags",
            Self::Tower => "tower",
            Self::BigSegments => "big-segments",
            Self::ReadThrough => "read-through",
            Self::Daemon => "daemon",
            Self::ManyContexts => "many-contexts",
            Self::ManyClients => "many-clients",
            Self::ManyFlags => "many-flags",
            Self::Growth => "growth",
            Self::Outage => "outage",
            Self::Serve => "serve",
            Self::Peers => "peers",
        }
    }

    fn named(name: &str) -> Option<Self> {
        REGULAR
            .into_iter()
            .chain(LONG)
            .find(|part| part.name() == name)
    }

    /// Returns the cases that compare our side with the peer in batches.
    fn cases(self) -> Result<Vec<Case>, Box<dyn Error>> {
        match self {
            Self::Evaluation => evaluation::cases(),
            Self::AllFlags => all_flags::cases(),
            Self::Parsing => parsing::cases(),
            Self::Contexts => contexts::cases(),
            _ => Ok(Vec::new()),
        }
    }

    fn measure(
        self,
        effort: Effort,
        allocated: &HashMap<String, Allocated>,
        each: &mut impl FnMut(Report),
    ) -> Result<(), Box<dyn Error>> {
        let pace = effort.pace();
        match self {
            Self::Evaluation | Self::AllFlags | Self::Parsing | Self::Contexts => {
                each(table::report(self.cases()?, pace, allocated))
            }
            Self::Floor => each(floor::report(pace)?),
            Self::Events => {
                let (rounds, seconds) = effort.choose((1, 0.2), (3, 2.0));
                each(events::report(&generate(1_000), rounds, seconds)?);
            }
            Self::Paced => each(paced::report(effort)?),
            Self::Startup => each(startup::report(&generate(10_000), effort.choose(1, 7))?),
            Self::UnderPatches => {
                let data = generate(10_000);
                let (rounds, seconds) = effort.choose((1, 0.2), (3, 5.0));
                each(under_patches::report(&data, rounds, seconds)?);
                each(patch_cost::report(&data, effort.choose(1, 9))?);
            }
            Self::ChangeSets => each(change_sets::report(&generate(10_000), effort.choose(1, 9))?),
            Self::EventAllocations => each(event_allocations::report(effort)?),
            Self::Hooks => each(hooks::report(pace, allocated)?),
            Self::Scope => each(scope::report(pace, allocated)?),
            Self::TypedFlags => each(typed_flags::report(pace, allocated)?),
            Self::Tower => each(tower::report(pace, allocated)?),
            Self::BigSegments => each(big_segments::report(effort, allocated)?),
            Self::ReadThrough => each(read_through::report(&generate(1_000), pace)?),
            Self::Daemon => daemon::reports(effort, each)?,
            Self::ManyContexts => {
                let (contexts, rounds) = effort.choose((10_000, 1), (100_000, 7));
                each(many_contexts::report(&generate(1_000), contexts, rounds)?);
            }
            Self::ManyClients => each(many_clients::report(effort)?),
            Self::ManyFlags => each(many_flags::report(effort)?),
            Self::Growth => growth::reports(effort, each)?,
            Self::Outage => each(outage::report(effort)?),
            Self::Serve => each(serve::report(effort)?),
            Self::Peers => each(peers::report(effort)?),
        }
        Ok(())
    }
}

fn usage() -> String {
    let names: Vec<_> = REGULAR
        .iter()
        .chain(&LONG)
        .map(|part| part.name())
        .collect();
    format!(
        "usage: vexil-bench all | quick | PART… [quick]\nparts: {}",
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Option<Command> {
        Command::parse(arguments.split_whitespace().map(str::to_owned)).ok()
    }

    #[test]
    fn parts_are_selected_by_name_or_all_at_once() {
        assert_eq!(
            parse("evaluation floor"),
            Some(Command {
                parts: vec![Part::Evaluation, Part::Floor],
                effort: Effort::Full
            })
        );
        assert_eq!(
            parse("all"),
            Some(Command {
                parts: REGULAR.into(),
                effort: Effort::Full
            })
        );
        assert_eq!(
            parse("quick"),
            Some(Command {
                parts: REGULAR.into(),
                effort: Effort::Brief
            })
        );
        assert_eq!(
            parse("outage quick"),
            Some(Command {
                parts: vec![Part::Outage],
                effort: Effort::Brief
            })
        );
        assert_eq!((parse(""), parse("no-such-part")), (None, None));
    }

    #[test]
    fn a_command_is_passed_on_unchanged() {
        let command = parse("all-flags event-allocations quick").unwrap();
        assert_eq!(
            command.arguments().collect::<Vec<_>>(),
            ["all-flags", "event-allocations", "quick"]
        );
        let each: Vec<_> = command
            .one_by_one()
            .flat_map(|command| command.arguments().collect::<Vec<_>>())
            .collect();
        assert_eq!(each, ["all-flags", "quick", "event-allocations", "quick"]);
    }
}
