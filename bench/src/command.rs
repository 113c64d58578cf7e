//! What is to be measured, by the names of the workload's own description.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use crate::allocations::{self, Allocated};
use crate::compare::Case;
use crate::measure::{Lane, Pace};
use crate::report::Report;
use crate::workload::generate;
use crate::{daemon, floor, growth, hooks, m1, m2, m3, m4, m5, m6, m7, m8, outage, paced, patch_cost, table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// One evaluation.
    M1,
    /// One evaluation, beside the least that one could cost.
    Floor,
    /// Evaluations with events.
    M2,
    /// Evaluations with events at a fixed rate, and in bursts.
    Paced,
    /// The state of all flags.
    M3,
    /// A start over the stream.
    M4,
    /// JSON text to the SDK's model.
    M5,
    /// Evaluations while flags change.
    M6,
    /// A context: built, and cloned.
    M7,
    /// What an evaluation with events allocates.
    M8,
    /// An evaluation with a hook around it.
    Hooks,
    /// A client that reads a database.
    Daemon,
    /// The same cost at many sizes.
    Growth,
    /// A client whose database goes away and comes back empty.
    Outage,
}

/// Those that `all` and `quick` measure, in their order.
const REGULAR: [Part; 13] = [
    Part::M1,
    Part::Floor,
    Part::M2,
    Part::Paced,
    Part::M3,
    Part::M4,
    Part::M5,
    Part::M6,
    Part::M7,
    Part::M8,
    Part::Hooks,
    Part::Daemon,
    Part::Growth,
];

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Too little to be quoted: does everything still work, and roughly how fast?
    Brief,
    Full,
}

impl Effort {
    /// One of two, by how much is measured.
    pub(crate) fn choose<T>(self, brief: T, full: T) -> T {
        match self {
            Self::Brief => brief,
            Self::Full => full,
        }
    }

    pub(crate) fn pace(self) -> Pace {
        self.choose(
            Pace { rounds: 3, batch: Duration::from_millis(5) },
            Pace { rounds: 9, batch: Duration::from_millis(200) },
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    parts: Vec<Part>,
    pub(crate) effort: Effort,
}

impl Command {
    /// `all`, `quick`, or parts by their names; `quick` among them measures those briefly.
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
            (true, Effort::Brief) => Ok(Self { parts: REGULAR.into(), effort }),
            (false, _) => Ok(Self { parts, effort }),
        }
    }

    /// What [`Self::parse`] makes the same command of.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'static str> {
        let brief = (self.effort == Effort::Brief).then_some("quick");
        self.parts.iter().map(|part| part.name()).chain(brief)
    }

    /// A command for each part.
    pub(crate) fn one_by_one(&self) -> impl Iterator<Item = Self> {
        self.parts.iter().map(|part| Self { parts: vec![*part], effort: self.effort })
    }

    /// Measures part after part. `each` is handed what was found, as soon as it was.
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

    /// All that is called in batches, whose allocations can be counted.
    pub(crate) fn lanes(&self) -> Result<Vec<Lane>, Box<dyn Error>> {
        let mut lanes = Vec::new();
        for part in &self.parts {
            lanes.extend(part.cases()?.into_iter().flat_map(Case::into_lanes));
            if *part == Part::Hooks {
                lanes.extend(hooks::lanes()?);
            }
        }
        Ok(lanes)
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::M1 => "m1",
            Self::Floor => "floor",
            Self::M2 => "m2",
            Self::Paced => "m2-paced",
            Self::M3 => "m3",
            Self::M4 => "m4",
            Self::M5 => "m5",
            Self::M6 => "m6",
            Self::M7 => "m7",
            Self::M8 => "m8",
            Self::Hooks => "hooks",
            Self::Daemon => "daemon",
            Self::Growth => "growth",
            Self::Outage => "outage",
        }
    }

    fn named(name: &str) -> Option<Self> {
        REGULAR.into_iter().chain([Self::Outage]).find(|part| part.name() == name)
    }

    /// Ours beside the peer, in batches.
    fn cases(self) -> Result<Vec<Case>, Box<dyn Error>> {
        match self {
            Self::M1 => m1::cases(),
            Self::M3 => m3::cases(),
            Self::M5 => m5::cases(),
            Self::M7 => m7::cases(),
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
            Self::M1 | Self::M3 | Self::M5 | Self::M7 => each(table::report(self.cases()?, pace, allocated)),
            Self::Floor => each(floor::report(pace)?),
            Self::M2 => {
                let (rounds, seconds) = effort.choose((1, 0.2), (3, 2.0));
                each(m2::report(&generate(1_000), rounds, seconds)?);
            }
            Self::Paced => each(paced::report(effort)?),
            Self::M4 => each(m4::report(&generate(10_000), effort.choose(1, 7))?),
            Self::M6 => {
                let data = generate(10_000);
                let (rounds, seconds) = effort.choose((1, 0.2), (3, 5.0));
                each(m6::report(&data, rounds, seconds)?);
                each(patch_cost::report(&data, effort.choose(1, 9))?);
            }
            Self::M8 => each(m8::report(effort)?),
            Self::Hooks => each(hooks::report(pace, allocated)?),
            Self::Daemon => daemon::reports(effort, each)?,
            Self::Growth => growth::reports(effort, each)?,
            Self::Outage => each(outage::report(effort)?),
        }
        Ok(())
    }
}

fn usage() -> String {
    let names: Vec<_> = REGULAR.iter().chain(&[Part::Outage]).map(|part| part.name()).collect();
    format!("usage: vexil-bench all | quick | PART… [quick]\nparts: {}", names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Option<Command> {
        Command::parse(arguments.split_whitespace().map(str::to_owned)).ok()
    }

    #[test]
    fn parts_are_named_one_by_one_or_all_at_once() {
        assert_eq!(parse("m1 floor"), Some(Command { parts: vec![Part::M1, Part::Floor], effort: Effort::Full }));
        assert_eq!(parse("all"), Some(Command { parts: REGULAR.into(), effort: Effort::Full }));
        assert_eq!(parse("quick"), Some(Command { parts: REGULAR.into(), effort: Effort::Brief }));
        assert_eq!(parse("outage quick"), Some(Command { parts: vec![Part::Outage], effort: Effort::Brief }));
        assert_eq!((parse(""), parse("m9")), (None, None));
    }

    #[test]
    fn a_command_is_passed_on_as_it_was_given() {
        let command = parse("m3 m8 quick").unwrap();
        assert_eq!(command.arguments().collect::<Vec<_>>(), ["m3", "m8", "quick"]);
        let each: Vec<_> = command.one_by_one().flat_map(|command| command.arguments().collect::<Vec<_>>()).collect();
        assert_eq!(each, ["m3", "quick", "m8", "quick"]);
    }
}
