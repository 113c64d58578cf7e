//! Runs both evaluators and requires equal results.

use std::fmt;

use serde_json::{Value, json};

use crate::case::Case;
use crate::deviation::{Deviation, DeviationSet, Prepared};
use crate::observed::Observed;
use crate::shrink::shrink;
use crate::tally::Tally;
use crate::{ours, peer};

/// Evaluates all flags of the case with both evaluators.
///
/// # Errors
///
/// Returns a [`Difference`] if our result differs from that of the peer with its deviations
/// compensated.
pub fn examine(case: &Case) -> Result<Agreement<'_>, Box<Difference>> {
    let answers = peer::evaluate_all(case, DeviationSet::ALL);
    if let Some(difference) = differences(case, &answers).next() {
        return Err(Box::new(difference.smallest()));
    }
    Ok(Agreement { case, answers })
}

fn differences<'a>(
    case: &'a Case,
    expected: &'a [Observed],
) -> impl Iterator<Item = Difference> + 'a {
    let mut ours = ours::evaluate_all(case);
    if case.has_big_segments() {
        // The peer has no such status, and the compensation does not add one.
        ours.iter_mut().for_each(Observed::drop_big_segments_status);
    }
    let answers = ours.into_iter().zip(expected);
    case.flag_keys()
        .zip(answers)
        .filter(|(_, (ours, expected))| ours != *expected)
        .map(|(flag, (ours, expected))| Difference {
            case: case.clone(),
            flag: flag.to_owned(),
            ours,
            expected: expected.clone(),
        })
}

/// A case for which both evaluators returned the same results.
#[derive(Clone, Debug)]
pub struct Agreement<'a> {
    case: &'a Case,
    answers: Vec<Observed>,
}

impl Agreement<'_> {
    /// Returns the number of evaluated flags.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.answers.len() as u64
    }

    /// Counts the results, and the deviations that had to be compensated. Finding these evaluates
    /// the case with the peer many more times.
    pub fn count(&self, tally: &mut Tally) {
        let as_is = peer::evaluate_all(self.case, DeviationSet::NONE);
        let mattering = if as_is == self.answers {
            Vec::new()
        } else {
            self.without_each_deviation()
        };
        for (at, answer) in self.answers.iter().enumerate() {
            tally.count_reason(answer.label());
            if as_is.get(at) == Some(answer) {
                tally.count_agreed();
                continue;
            }
            let mattering = mattering
                .iter()
                .filter(|(_, answers)| answers.get(at) != Some(answer))
                .map(|(deviation, _)| *deviation);
            tally.count_compensated(mattering);
        }
    }

    /// Returns the peer's results with one deviation left uncompensated, for each in the case.
    fn without_each_deviation(&self) -> Vec<(Deviation, Vec<Observed>)> {
        let complete = Prepared::new(self.case, DeviationSet::ALL);
        Deviation::ALL
            .into_iter()
            .filter(|deviation| deviation.is_in(self.case, &complete))
            .map(|left_out| {
                let answers = peer::evaluate_all(self.case, DeviationSet::ALL.without(left_out));
                (left_out, answers)
            })
            .collect()
    }
}

/// A flag for which the evaluators returned different results.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// The data set and the context, reduced to what the difference needs.
    pub case: Case,
    /// The evaluated flag.
    pub flag: String,
    /// The result of our evaluator.
    pub ours: Observed,
    /// The result of the peer, with its deviations compensated.
    pub expected: Observed,
}

impl Difference {
    /// Returns the same difference for the smallest case that shows it.
    fn smallest(self) -> Self {
        let same = |case: &Case| {
            let expected = peer::evaluate_all(case, DeviationSet::ALL);
            differences(case, &expected).find(|found| {
                found.flag == self.flag
                    && found.ours.label() == self.ours.label()
                    && found.expected.label() == self.expected.label()
            })
        };
        let case = shrink(&self.case, &|case| same(case).is_some());
        same(&case).unwrap_or(self)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = |observed: &Observed| -> Value {
            json!({ "value": observed.value, "index": observed.index, "reason": observed.reason })
        };
        writeln!(f, "seed {}, {}", self.case.seed, self.flag)?;
        writeln!(f, "  ours     {}", answer(&self.ours))?;
        writeln!(f, "  expected {}", answer(&self.expected))?;
        writeln!(f, "  context  {}", self.case.context)?;
        write!(f, "  data     {}", self.case.data_set())
    }
}
