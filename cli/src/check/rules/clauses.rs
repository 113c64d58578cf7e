//! The operator and the attribute of a clause.

use vexil::Context;

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::item::Item;
use crate::check::model::Clause;
use crate::check::registry::{Id, Severity};
use crate::check::rules::structure::similar;
use crate::check::rules::{operands, segments, text};
use crate::schema::OPERATORS;

/// Operators that keep the widest of their limits.
const LIMITS: [&str; 8] = [
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "semVerLessThan",
    "semVerGreaterThan",
];

pub(in crate::check) fn check(
    item: &Item,
    clauses: &[Clause<'_>],
    data: &Data<'_>,
    found: &mut Found,
) {
    for clause in clauses {
        if clause.values.is_empty() {
            let message = if clause.negate {
                "there are no values: the clause matches whenever the attribute is there"
            } else {
                "there are no values: the clause never matches"
            };
            found.add_property(Id::NoOperands, item, &clause.spot, "values", message);
        }
        if !operator(item, clause, found) {
            continue;
        }
        limits(item, clause, found);
        if clause.is_segment_match() {
            segments::operands(item, clause, data, found);
        } else {
            attribute(item, clause, found);
            operands::check(item, clause, found);
            reserved(item, clause, found);
        }
        text::check_operands(item, clause, found);
    }
}

/// Returns whether the operator is known.
fn operator(item: &Item, clause: &Clause<'_>, found: &mut Found) -> bool {
    if clause.is_operator_known() {
        return true;
    }
    let op = clause.op;
    let effect = if clause.negate {
        "the clause is negated, and so matches everything that has the attribute"
    } else {
        "the clause never matches"
    };
    let message = if op.is_empty() {
        format!("there is no operator: {effect}")
    } else {
        format!("there is no operator {op:?}: {effect}")
    };
    let finding = found.add_property(Id::UnknownOperator, item, &clause.spot, "op", message);
    if let Some(similar) = similar(op, OPERATORS.iter().copied()) {
        finding.help(format!("did you mean {similar:?}?"));
    }
    false
}

fn limits(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    if LIMITS.contains(&clause.op)
        && clause.values.len() > 1
        && let Some(values) = clause.spot.member("values")
    {
        let message = format!(
            "{} has {} limits: the widest one counts",
            clause.op,
            clause.values.len()
        );
        found.add(Id::SeveralLimits, item, &values, message);
    }
}

fn attribute(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    let spot = &clause.spot;
    if clause.attribute.is_empty() {
        let message = "there is no attribute: the flag is malformed when the clause is reached";
        found.add_property(Id::NoAttribute, item, spot, "attribute", message);
        return;
    }
    if let Some(error) = clause.reference().error() {
        let message = format!("{error}: the flag is malformed when the clause is reached");
        found.add_property(Id::InvalidReference, item, spot, "attribute", message);
    } else if clause.context_kind.is_empty() && clause.attribute.starts_with('/') {
        let message = format!(
            "without contextKind, this is the attribute called {:?}",
            clause.attribute
        );
        found
            .add_property(Id::LiteralSlash, item, spot, "attribute", message)
            .help("set contextKind to \"user\" for a path into an attribute");
    }
}

/// Clauses on attributes whose types are known.
fn reserved(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    if clause.tests("kind") {
        kind(item, clause, found);
    }
    for (name, wanted) in [
        ("anonymous", "a boolean"),
        ("key", "a string"),
        ("kind", "a string"),
    ] {
        if !clause.tests(name) {
            continue;
        }
        for value in &clause.values {
            let actual = value.node.type_name();
            // Other findings report values that the operator cannot use.
            if actual != wanted && clause.can_use(value) {
                let message = format!("{name:?} is always {wanted}, and never equals {actual}");
                found.add(Id::ReservedAttribute, item, value, message);
            }
        }
    }
}

fn kind(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    if !clause.context_kind.is_empty() {
        let message = "the clause tests all kinds of the context: contextKind is ignored";
        found.add_property(
            Id::KindAttribute,
            item,
            &clause.spot,
            "contextKind",
            message,
        );
    }
    for value in clause.values.iter().filter(|_| clause.op == "in") {
        let Some(kind) = value.as_str() else { continue };
        if Context::builder("key").kind(kind).build().is_err() || kind == "multi" || kind.is_empty()
        {
            let message = format!("{kind:?} is no valid kind: it never matches");
            found
                .add(Id::KindAttribute, item, value, message)
                .severity(Severity::Error);
        }
    }
}
