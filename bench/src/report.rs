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

    fn row(&self) -> String {
        let Self { what, target, .. } = self;
        let met = if self.is_met() { "met" } else { "**not met**" };
        let measured = number(self.measured);
        format!("| {what} | {measured} | {target} | {met} |\n")
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

/// Formats all findings as one table in Markdown, as in `docs/performance.md`; empty if there are
/// none.
pub(crate) fn targets(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let rows: String = findings.iter().map(Finding::row).collect();
    let met = findings.iter().filter(|finding| finding.is_met()).count();
    let all = findings.len();
    format!(
        "{met} of {all} targets are met.\n\n\
         | what | measured | target | |\n| --- | ---: | ---: | --- |\n{rows}"
    )
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
            text.contains("| speed | 20.00 | at least 15.00 | met |"),
            "{text}"
        );
        assert!(
            text.contains("| allocations | 0.12 | at most 0 | **not met** |"),
            "{text}"
        );
        assert!(text.starts_with("1 of 2 targets are met.\n"), "{text}");
        assert_eq!(targets(&[]), "");
    }
}
