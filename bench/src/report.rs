//! The report of a measurement: a table, and the results that have targets.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::layout;

/// A table, with the findings that have targets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) findings: Vec<Finding>,
}

/// A measured number and its target.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finding {
    what: String,
    measured: f64,
    target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Finding {
    pub(crate) fn new(what: impl Into<String>, measured: f64, target: Target) -> Self {
        Self {
            what: what.into(),
            measured,
            target,
        }
    }

    /// NaN never meets a target.
    fn is_met(&self) -> bool {
        match self.target {
            Target::AtLeast(bound) => self.measured >= bound,
            Target::AtMost(bound) => self.measured <= bound,
        }
    }

    fn cells(&self) -> [String; 4] {
        let met = if self.is_met() { "met" } else { "NOT MET" };
        [
            self.what.clone(),
            number(self.measured),
            self.target.to_string(),
            met.into(),
        ]
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "at least {}", number(*bound)),
            Self::AtMost(bound) => write!(f, "at most {}", number(*bound)),
        }
    }
}

/// Formats all findings as one table; empty if there are none.
pub(crate) fn targets(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = findings.iter().map(Finding::cells).collect();
    let met = findings.iter().filter(|finding| finding.is_met()).count();
    let table = layout::aligned(
        ["targets", "measured", "target", ""].map(String::from),
        &rows,
    );
    format!("{table}{met} of {} targets met\n", findings.len())
}

/// Formats a number with enough digits to tell it from its target.
fn number(number: f64) -> String {
    match number.abs() {
        size if size == 0.0 || size >= 100.0 => layout::grouped(number),
        size if size < 0.1 => format!("{number:.4}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_or_not_and_a_missing_number_meets_none() {
        let met = |measured, target| Finding::new("a", measured, target).is_met();
        assert!(met(15.0, Target::AtLeast(15.0)) && !met(14.9, Target::AtLeast(15.0)));
        assert!(met(0.0, Target::AtMost(0.0)) && !met(0.1, Target::AtMost(0.0)));
        assert!(!met(f64::NAN, Target::AtMost(1.0)) && !met(f64::NAN, Target::AtLeast(1.0)));
    }

    #[test]
    fn the_table_counts_the_targets_that_were_met() {
        let findings = [
            Finding::new("speed", 20.0, Target::AtLeast(15.0)),
            Finding::new("allocations", 0.125, Target::AtMost(0.0)),
        ];
        let text = targets(&findings);
        assert!(
            text.contains("20.00") && text.contains("at least 15.00") && text.contains("0.12"),
            "{text}"
        );
        assert!(
            text.contains("NOT MET") && text.ends_with("1 of 2 targets met\n"),
            "{text}"
        );
        assert_eq!(targets(&[]), "");
    }
}
