//! The values of a clause that can never match.

use vexil::model::{Defect, PatternError, check_operand};

use crate::check::finding::Found;
use crate::check::item::{Item, Spot};
use crate::check::model::Clause;
use crate::check::registry::Id;

pub(in crate::check) fn check(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    for value in &clause.values {
        match check_operand(clause.op, &value.node.to_value()) {
            Err(Defect::Pattern { pattern, error }) => {
                broken(item, value, &pattern, &error, found);
            }
            Err(_) if clause.op == "in" => {
                let message = format!("{} never matches", value.node.type_name());
                found
                    .add(Id::OperandUnusable, item, value, message)
                    .help("an array attribute matches if any of its elements does");
            }
            Err(_) => {
                let message = format!(
                    "{} compares {}, found {}: the value never matches",
                    clause.op,
                    compared(clause.op),
                    actual(value)
                );
                let finding = found.add(Id::OperandType, item, value, message);
                if let Some(help) = help(clause.op) {
                    finding.help(help);
                }
            }
            Ok(()) => {}
        }
    }
}

fn broken(item: &Item, value: &Spot<'_>, pattern: &str, error: &PatternError, found: &mut Found) {
    let rejected = pattern.get(error.offset()..).unwrap_or_default();
    let is_look_around = ["(?=", "(?!", "(?<=", "(?<!"]
        .iter()
        .any(|start| rejected.starts_with(start));
    let is_back_reference = rejected
        .strip_prefix('\\')
        .is_some_and(|rest| rest.starts_with(|first: char| matches!(first, '1'..='9' | 'k')));
    let reason = if is_look_around {
        format!("look-around at byte {} is not supported", error.offset())
    } else if is_back_reference {
        format!(
            "a back-reference at byte {} is not supported",
            error.offset()
        )
    } else {
        error.to_string()
    };
    let message = format!("the regular expression is invalid and never matches: {reason}");
    found
        .add(Id::BrokenRegex, item, value, message)
        .help("the syntax is that of RE2, as in Go");
}

/// Returns what an operator compares.
fn compared(op: &str) -> &'static str {
    match op {
        "before" | "after" => "dates",
        "lessThan" | "lessThanOrEqual" | "greaterThan" | "greaterThanOrEqual" => "numbers",
        "semVerEqual" | "semVerLessThan" | "semVerGreaterThan" => "versions",
        _ => "strings",
    }
}

fn actual(value: &Spot<'_>) -> String {
    match value.as_str() {
        Some(text) => format!("{text:?}"),
        None => value.node.type_name().to_owned(),
    }
}

fn help(op: &str) -> Option<&'static str> {
    match compared(op) {
        "dates" => Some(
            "a date is milliseconds since 1970, or a string such as \"2026-01-31T08:00:00Z\", with a \
             zone",
        ),
        "numbers" => Some("remove the quotes"),
        "versions" => {
            Some("a version is a string such as \"1.2\" or \"1.2.3-beta.1\", without a v")
        }
        _ => None,
    }
}
