//! Counts of a run, which show what a successful run has exercised.

use std::collections::BTreeMap;
use std::fmt;

use crate::deviation::Deviation;

/// The label for results that several deviations affect, none of them alone.
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
    /// Returns the number of compared evaluations.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.agreed + self.compensated
    }

    /// Returns the number of pairs on which the unmodified peer agreed.
    #[must_use]
    pub fn agreed(&self) -> u64 {
        self.agreed
    }

    /// Returns how many results of the peer were wrong because of this deviation alone.
    #[must_use]
    pub fn mattered(&self, deviation: Deviation) -> u64 {
        self.by_deviation
            .get(&deviation.name())
            .copied()
            .unwrap_or(0)
    }

    /// Returns how many results have this reason, in the wording of
    /// [`Observed::label`](crate::observed::Observed::label).
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
        writeln!(f, "agreed with the unmodified peer   {:>12}", self.agreed)?;
        writeln!(
            f,
            "agreed after compensation         {:>12}",
            self.compensated
        )?;
        writeln!(
            f,
            "deviations, by number of affected pairs (a pair may count for several):"
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
