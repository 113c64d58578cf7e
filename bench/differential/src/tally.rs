//! What was counted on the way, so that a green run also shows what it was green about.

use std::collections::BTreeMap;
use std::fmt;

use crate::deviation::Deviation;

/// Where several deviations each suffice to spoil an answer, none of them decides alone.
const SEVERAL: &str = "(several at once)";

/// Counts of pairs, of reasons, and of the deviations that mattered.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    agreed: u64,
    compensated: u64,
    by_deviation: BTreeMap<String, u64>,
    by_reason: BTreeMap<String, u64>,
}

impl Tally {
    /// All flag evaluations compared.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.agreed + self.compensated
    }

    /// Pairs on which the unchanged peer agreed.
    #[must_use]
    pub fn agreed(&self) -> u64 {
        self.agreed
    }

    /// How often the deviation alone decided whether the peer's answer is right.
    #[must_use]
    pub fn mattered(&self, deviation: Deviation) -> u64 {
        self.by_deviation
            .get(&deviation.name())
            .copied()
            .unwrap_or(0)
    }

    /// How many results carried this reason, as [`Observed::label`](crate::observed::Observed::label)
    /// words it.
    #[must_use]
    pub fn reason(&self, label: &str) -> u64 {
        self.by_reason.get(label).copied().unwrap_or(0)
    }

    pub(crate) fn count_reason(&mut self, label: String) {
        *self.by_reason.entry(label).or_default() += 1;
    }

    pub(crate) fn count_agreed(&mut self) {
        self.agreed += 1;
    }

    pub(crate) fn count_compensated(&mut self, mattering: impl Iterator<Item = Deviation>) {
        self.compensated += 1;
        let mut names: Vec<_> = mattering.map(Deviation::name).collect();
        if names.is_empty() {
            names.push(SEVERAL.to_owned());
        }
        for name in names {
            *self.by_deviation.entry(name).or_default() += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pairs                             {:>12}", self.pairs())?;
        writeln!(f, "agreed with the peer as it is     {:>12}", self.agreed)?;
        writeln!(
            f,
            "agreed, a deviation compensated   {:>12}",
            self.compensated
        )?;
        writeln!(
            f,
            "deviations, by pairs they decided (a pair may count for several):"
        )?;
        for deviation in Deviation::ALL {
            write_count(f, &deviation.name(), self.mattered(deviation))?;
        }
        write_count(
            f,
            SEVERAL,
            self.by_deviation.get(SEVERAL).copied().unwrap_or(0),
        )?;
        writeln!(f, "reasons:")?;
        for (reason, count) in &self.by_reason {
            write_count(f, reason, *count)?;
        }
        Ok(())
    }
}

fn write_count(f: &mut fmt::Formatter<'_>, name: &str, count: u64) -> fmt::Result {
    writeln!(f, "  {name:<31} {count:>12}")
}
