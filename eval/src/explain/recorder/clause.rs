//! Records clauses: as they were written, what they found, and the operand that matched.

use super::Recorder;
use super::frame::{ClausePart, ClauseWording, Frame, Part};
use crate::context::{Kind, Reference};
use crate::explain::limits::MAX_OPERANDS;
use crate::explain::model::{ClauseNote, ClauseStep, FoundValue, OperandMatch, ValueType};
use crate::model::clause::{Clause, Operator};
use crate::model::date::Date;
use crate::model::version::Version;
use crate::model::written::RawClause;
use crate::model::{Defect, Problem};
use crate::text::Text;
use crate::value::Value;

/// The maximum number of operands in an explanation. Clauses beyond it show only a few.
const MAX_OPERANDS_IN_ALL: usize = 100_000;

/// The number of operands that a clause shows in any case.
const FEW_OPERANDS: usize = 20;

impl<'a> Recorder<'a> {
    /// Returns the position of a clause that begins, and its wording.
    pub(super) fn clause_wording(&mut self, clause: &'a Clause) -> (Text, ClauseWording) {
        let truncated = self.truncated;
        let [.., owner, parent] = self.open.as_mut_slice() else {
            return Default::default();
        };
        let clauses = match &mut parent.part {
            Part::Rule(part) => &mut part.clauses,
            Part::SegmentRule(part) => &mut part.clauses,
            _ => return Default::default(),
        };
        let (rule, index) = (clauses.rule, clauses.begun);
        clauses.begun += 1;
        let at = format!("/rules/{rule}/clauses/{index}").into();
        if truncated {
            return (at, ClauseWording::default());
        }
        let wording = match written(owner, rule, index) {
            Some(raw) => as_written(raw, clause),
            None => as_prepared(clause, unknown_operator(owner, rule, index)),
        };
        (at, wording)
    }

    pub(super) fn clause_step(&mut self, part: ClausePart<'a>) -> ClauseStep {
        let ClausePart {
            clause,
            at,
            wording,
            value,
            segments,
            matched,
        } = part;
        let is_segments = matches!(clause.operator, Operator::Segments(_));
        let found = (!is_segments).then(|| self.clause_found(clause, value));
        let tested = match &found {
            Some(FoundValue::Kinds(_)) => self.context.kinds().collect(),
            Some(_) => value.map_or_else(Vec::new, elements),
            None => Vec::new(),
        };
        // A missing attribute never matches, even if the clause is negated.
        let is_tested = value.is_some() || matches!(found, Some(FoundValue::Kinds(_)));
        let satisfied = is_tested && matched != clause.negate;
        let mut notes = operand_notes(&wording);
        if is_tested {
            notes.extend(value_notes(clause, value, &tested, satisfied));
        } else if clause.negate && !is_segments {
            notes.push(ClauseNote::NegateIgnored);
        }
        let is_private = matches!(found, Some(FoundValue::Private(_)));
        let is_list =
            matches!(value, Some(Value::Array(_))) || matches!(found, Some(FoundValue::Kinds(_)));
        let matched_operand = (satisfied && !is_private)
            .then(|| matching_operand(&wording, &tested, is_list))
            .flatten();
        let mut values = wording.values;
        let most = match MAX_OPERANDS_IN_ALL.checked_sub(self.operands) {
            Some(left) => left.clamp(FEW_OPERANDS, MAX_OPERANDS),
            None => FEW_OPERANDS,
        };
        let more_values = values.len().saturating_sub(most);
        values.truncate(most);
        self.operands += values.len();
        ClauseStep {
            at,
            kind: wording.kind,
            attribute: wording.attribute,
            op: wording.op,
            values,
            more_values,
            negate: clause.negate,
            found,
            matched_operand,
            segments,
            matched,
            notes,
        }
    }

    fn clause_found(&self, clause: &Clause, value: Option<&Value>) -> FoundValue {
        let kinds = || {
            self.context
                .individual_contexts()
                .map(|member| member.kind().into())
        };
        if clause.attribute.is_kind() {
            FoundValue::Kinds(kinds().collect())
        } else {
            self.found(&clause.kind, &clause.attribute, value)
        }
    }

    /// What the explanation shows of the value that the evaluation has found.
    pub(super) fn found(
        &self,
        kind: &Kind,
        reference: &Reference,
        value: Option<&Value>,
    ) -> FoundValue {
        if let Some(error) = reference.error() {
            return FoundValue::InvalidReference {
                error: error.to_string().into(),
            };
        }
        let Some(member) = self.context.individual_context(kind.text()) else {
            return FoundValue::MissingKind {
                kind: kind.text().into(),
            };
        };
        match value {
            Some(value) => self.options.mask.shown(member, reference, value),
            None => {
                let names = reference.components();
                let exists = |depth: &usize| {
                    let path = names.iter().take(*depth).map(|name| name.as_str());
                    member.value_at(path).is_some()
                };
                FoundValue::MissingAttribute {
                    depth: (1..names.len()).take_while(exists).count(),
                }
            }
        }
    }
}

/// The clause in the text of the flag or segment that is being evaluated.
fn written<'r>(owner: &'r Frame<'_>, rule: usize, index: usize) -> Option<&'r RawClause> {
    let clauses = match &owner.part {
        Part::Flag(part) => &part.written.as_deref()?.rules.0.get(rule)?.clauses,
        Part::Segment(part) => &part.written.as_deref()?.rules.0.get(rule)?.clauses,
        _ => return None,
    };
    clauses.0.get(index)
}

fn as_written(raw: &RawClause, clause: &Clause) -> ClauseWording {
    ClauseWording {
        op: Some(raw.op.clone()),
        values: raw.values.0.clone(),
        ..attribute(clause, &raw.attribute)
    }
}

fn as_prepared(clause: &Clause, unknown: Option<Text>) -> ClauseWording {
    ClauseWording {
        op: clause.operator.name().map(Text::from_static).or(unknown),
        values: clause.operator.operands(),
        ..attribute(clause, clause.attribute.as_str())
    }
}

/// What a clause tests; nothing for `segmentMatch`, which ignores it.
fn attribute(clause: &Clause, attribute: &str) -> ClauseWording {
    if matches!(clause.operator, Operator::Segments(_)) {
        return ClauseWording::default();
    }
    ClauseWording {
        kind: clause.kind.text().into(),
        attribute: attribute.into(),
        ..ClauseWording::default()
    }
}

/// The name of the unknown operator of a clause, if the problems of the item name it.
fn unknown_operator(owner: &Frame<'_>, rule: usize, index: usize) -> Option<Text> {
    let (problems, clauses) = match &owner.part {
        Part::Flag(part) => (part.flag.problems(), &part.flag.rules.get(rule)?.clauses),
        Part::Segment(part) => {
            let segment = part.segment?;
            (segment.problems(), &segment.rules.get(rule)?.clauses)
        }
        _ => return None,
    };
    let named = |problem: &Problem| match &problem.defect {
        Defect::Operator { op } if problem.rule == Some(rule) => Some(op.clone()),
        _ => None,
    };
    let names: Vec<_> = problems.iter().filter_map(named).collect();
    let never = |clause: &Clause| matches!(clause.operator, Operator::Never);
    let (before, rest) = clauses.split_at_checked(index)?;
    let [own, after @ ..] = rest else { return None };
    let count = |clauses: &[Clause]| clauses.iter().filter(|clause| never(clause)).count();
    // A clause without a usable operand looks the same: the names belong to the clauses only if
    // there are as many.
    let place = count(before);
    let is_certain = never(own) && names.len() == place + 1 + count(after);
    is_certain.then(|| names.get(place).cloned()).flatten()
}

fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        value => vec![value],
    }
}

/// The first element that an operand matches, and the first such operand.
fn matching_operand(
    wording: &ClauseWording,
    tested: &[&Value],
    is_list: bool,
) -> Option<OperandMatch> {
    let op = wording.op.as_ref()?;
    let operands: Vec<_> = wording
        .values
        .iter()
        .map(|operand| Operator::of_operand(op, operand).ok())
        .collect();
    tested.iter().enumerate().find_map(|(element, value)| {
        let matches = |operator: &Option<Operator>| {
            operator
                .as_ref()
                .and_then(|operator| operator.matches(value))
                == Some(true)
        };
        let operand = operands.iter().position(matches)?;
        Some(OperandMatch {
            operand,
            value: wording.values.get(operand)?.clone(),
            element: is_list.then_some(element),
        })
    })
}

/// Notes on the operands of a clause, which do not depend on the context.
fn operand_notes(wording: &ClauseWording) -> Vec<ClauseNote> {
    let Some(op) = &wording.op else {
        return vec![ClauseNote::NoUsableOperand];
    };
    if !Operator::is_known(op) {
        return vec![ClauseNote::UnknownOperator];
    }
    let defect = |(operand, value)| {
        let defect = Operator::of_operand(op, value).err()?;
        let reason = match defect {
            Some(defect) => defect.to_string().into(),
            None => "a value is not of the type that the operator compares".into(),
        };
        Some(ClauseNote::OperandIgnored { operand, reason })
    };
    let shown = wording.values.iter().take(MAX_OPERANDS).enumerate();
    let mut notes: Vec<_> = shown.filter_map(defect).collect();
    if notes.len() == wording.values.len() {
        notes.insert(0, ClauseNote::NoUsableOperand);
    }
    notes
}

/// Notes on a value that a clause has tested.
fn value_notes(
    clause: &Clause,
    value: Option<&Value>,
    tested: &[&Value],
    satisfied: bool,
) -> Option<ClauseNote> {
    if tested.is_empty() {
        return Some(ClauseNote::EmptyArray);
    }
    let compared = compared_type(&clause.operator)?;
    if satisfied || tested.iter().any(|value| (compared.includes)(value)) {
        return None;
    }
    Some(ClauseNote::TypeMismatch {
        found: value.map(ValueType::from)?,
        expected: compared.name,
    })
}

/// The type of values that an operator compares.
struct ComparedType {
    /// The name with its article.
    name: &'static str,
    includes: fn(&Value) -> bool,
}

/// The type of values that an operator compares; `None` for several types, or none.
fn compared_type(operator: &Operator) -> Option<ComparedType> {
    let of = |name, includes| Some(ComparedType { name, includes });
    match operator {
        Operator::StartsWith(_)
        | Operator::EndsWith(_)
        | Operator::Contains(_)
        | Operator::Matches(_) => of("a string", |value| value.as_str().is_some()),
        Operator::LessThan(_)
        | Operator::LessThanOrEqual(_)
        | Operator::GreaterThan(_)
        | Operator::GreaterThanOrEqual(_) => of("a number", |value| value.as_f64().is_some()),
        Operator::Before(_) | Operator::After(_) => {
            of("a date", |value| Date::parse(value).is_some())
        }
        Operator::VersionEqual(_)
        | Operator::VersionLessThan(_)
        | Operator::VersionGreaterThan(_) => {
            of("a version", |value| Version::parse(value).is_some())
        }
        Operator::In(_) | Operator::Segments(_) | Operator::Never => None,
    }
}
