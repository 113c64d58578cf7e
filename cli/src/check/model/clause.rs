//! [`Clause`]: a condition; [`Meaning`]: what it tests, for comparing clauses.

use std::collections::BTreeSet;

use vexil::model::{Defect, check_operand};
use vexil::{Reference, Value};

use super::USER;
use crate::check::item::Spot;

const SEGMENT_MATCH: &str = "segmentMatch";

#[derive(Debug)]
pub(in crate::check) struct Clause<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) attribute: &'t str,
    /// As written: empty if missing.
    pub(in crate::check) context_kind: &'t str,
    pub(in crate::check) op: &'t str,
    pub(in crate::check) values: Vec<Spot<'t>>,
    pub(in crate::check) negate: bool,
}

/// What a clause tests. Clauses with equal meanings match the same contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Meaning {
    pub(in crate::check) subject: Subject,
    pub(in crate::check) op: String,
    pub(in crate::check) negate: bool,
    /// The JSON of the operands, sorted.
    pub(in crate::check) operands: BTreeSet<String>,
}

/// What the operands are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) enum Subject {
    /// Membership in segments.
    Segments,
    /// The kinds of the context.
    Kind,
    /// An attribute of the context of a kind.
    Attribute { kind: String, path: Vec<String> },
    /// No valid attribute: the item is malformed when the clause is reached.
    Malformed,
}

impl<'t> Clause<'t> {
    /// Returns the clauses of a rule.
    pub(super) fn all(rule: &Spot<'t>) -> Vec<Self> {
        rule.list("clauses").into_iter().map(Self::new).collect()
    }

    fn new(spot: Spot<'t>) -> Self {
        let values = spot.node.member("values");
        let values = values.map(|_| spot.list("values")).unwrap_or_default();
        Self {
            attribute: spot.text("attribute"),
            context_kind: spot.text("contextKind"),
            op: spot.text("op"),
            values,
            negate: spot.flag("negate"),
            spot,
        }
    }

    pub(in crate::check) fn is_segment_match(&self) -> bool {
        self.op == SEGMENT_MATCH
    }

    /// Returns the attribute. Without a kind it is a plain name.
    pub(in crate::check) fn reference(&self) -> Reference {
        if self.context_kind.is_empty() {
            Reference::literal(self.attribute)
        } else {
            Reference::new(self.attribute)
        }
    }

    /// Whether the clause tests the built-in attribute of this name.
    pub(in crate::check) fn tests(&self, name: &str) -> bool {
        let reference = self.reference();
        !self.is_segment_match()
            && matches!(reference.components(), [only] if only.as_str() == name)
    }

    /// Returns the keys of segments, with their places.
    pub(in crate::check) fn segments(&self) -> impl Iterator<Item = (&Spot<'t>, &'t str)> {
        let values = self.values.iter().filter(|_| self.is_segment_match());
        values.filter_map(|value| Some((value, value.as_str()?)))
    }

    /// Whether there is such an operator.
    pub(in crate::check) fn is_operator_known(&self) -> bool {
        !matches!(
            check_operand(self.op, &Value::Null),
            Err(Defect::Operator { .. })
        )
    }

    /// Whether the clause can match because of an operand.
    pub(in crate::check) fn can_use(&self, operand: &Spot<'_>) -> bool {
        check_operand(self.op, &operand.node.to_value()).is_ok()
    }

    pub(in crate::check) fn meaning(&self) -> Meaning {
        let reference = self.reference();
        let subject = if self.is_segment_match() {
            Subject::Segments
        } else if reference.error().is_some() {
            Subject::Malformed
        } else if self.tests("kind") {
            Subject::Kind
        } else {
            let kind = match self.context_kind {
                "" => USER,
                kind => kind,
            };
            Subject::Attribute {
                kind: kind.to_owned(),
                path: reference
                    .components()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            }
        };
        Meaning {
            subject,
            op: self.op.to_owned(),
            negate: self.negate,
            operands: self
                .values
                .iter()
                .map(|value| value.node.to_json(true))
                .collect(),
        }
    }
}

impl Meaning {
    /// Whether the other clause matches whenever this one does. A clause matches if any operand
    /// does, so that one with more operands matches more, and less if both are negated.
    pub(in crate::check) fn implies(&self, other: &Self) -> bool {
        let (fewer, more) = if self.negate {
            (&other.operands, &self.operands)
        } else {
            (&self.operands, &other.operands)
        };
        self.subject == other.subject
            && self.subject != Subject::Malformed
            && self.op == other.op
            && self.negate == other.negate
            && fewer.is_subset(more)
    }

    /// Whether no context can match both clauses: the other one is negated, and would match if it
    /// were not whenever this one does.
    pub(in crate::check) fn excludes(&self, other: &Self) -> bool {
        let opposite = Self {
            negate: !other.negate,
            ..other.clone()
        };
        self.implies(&opposite)
    }
}
