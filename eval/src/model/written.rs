//! Parts of flags and segments as they were written, for explanations.
//!
//! Preparing an item condenses it: `lessThan [3, 9, 5]` becomes one limit, an unknown operator
//! becomes "never", two formats of targets become one table. An item that keeps its text can be read
//! again; otherwise [`Operator::operands`] returns what preparing has left.

use super::clause::{Operator, ValueSet};
use super::entry::ItemData;
use super::flag::Flag;
use super::keys::KeySet;
use super::pattern::Patterns;
use super::preparation::Preparation;
use super::problem::Defect;
pub(crate) use super::read::{RawClause, RawFlag, RawRollout, RawSegment, RawTarget};
use super::segment::Segment;
use crate::json::Cursor;
use crate::text::Text;
use crate::value::Value;

/// Reads a flag again from its text; `None` if the text was not kept.
pub(crate) fn written_flag(flag: &Flag) -> Option<RawFlag> {
    written(flag)
}

/// Reads a segment again from its text; `None` if the text was not kept.
pub(crate) fn written_segment(segment: &Segment) -> Option<RawSegment> {
    written(segment)
}

fn written<T: ItemData>(item: &T) -> Option<T::Raw> {
    let json = item.json()?;
    let text = std::str::from_utf8(json).ok()?;
    match Cursor::whole(text).value::<T::Raw>() {
        Ok(Some(raw)) => Some(raw),
        // Malformed properties that a later duplicate replaces.
        _ => serde_json::from_value(serde_json::from_str(text).ok()?).ok(),
    }
}

impl Operator {
    /// Whether there is an operator of this name.
    pub(crate) fn is_known(op: &Text) -> bool {
        !matches!(prepared(op, Vec::new()).1, Some(Defect::Operator { .. }))
    }

    /// Returns the operator with one operand.
    ///
    /// # Errors
    /// Returns the defect if the operand can never match; `None` if only its type is wrong.
    pub(crate) fn of_operand(op: &Text, operand: &Value) -> Result<Self, Option<Defect>> {
        let (operator, defect) = prepared(op, vec![operand.clone()]);
        if operator.operands().is_empty() {
            Err(defect)
        } else {
            Ok(operator)
        }
    }

    /// Returns the name; `None` for an operator that is unknown or has no usable operand.
    pub(crate) fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::In(_) => "in",
            Self::StartsWith(_) => "startsWith",
            Self::EndsWith(_) => "endsWith",
            Self::Contains(_) => "contains",
            Self::Matches(_) => "matches",
            Self::LessThan(_) => "lessThan",
            Self::LessThanOrEqual(_) => "lessThanOrEqual",
            Self::GreaterThan(_) => "greaterThan",
            Self::GreaterThanOrEqual(_) => "greaterThanOrEqual",
            Self::Before(_) => "before",
            Self::After(_) => "after",
            Self::VersionEqual(_) => "semVerEqual",
            Self::VersionLessThan(_) => "semVerLessThan",
            Self::VersionGreaterThan(_) => "semVerGreaterThan",
            Self::Segments(_) => "segmentMatch",
            Self::Never => return None,
        })
    }

    /// Returns the operands that can match.
    pub(crate) fn operands(&self) -> Vec<Value> {
        let texts = |texts: &[Text]| texts.iter().cloned().map(Value::from).collect();
        match self {
            Self::In(values) => values.values(),
            Self::StartsWith(operands)
            | Self::EndsWith(operands)
            | Self::Contains(operands)
            | Self::Segments(operands) => texts(operands),
            Self::Matches(patterns) => patterns
                .iter()
                .map(|pattern| pattern.text().clone().into())
                .collect(),
            Self::LessThan(limit)
            | Self::LessThanOrEqual(limit)
            | Self::GreaterThan(limit)
            | Self::GreaterThanOrEqual(limit) => vec![Value::from(*limit)],
            Self::Before(limit) | Self::After(limit) => vec![limit.to_millis().into()],
            Self::VersionEqual(versions) => versions
                .iter()
                .map(|version| version.to_text().into())
                .collect(),
            Self::VersionLessThan(limit) | Self::VersionGreaterThan(limit) => {
                vec![limit.to_text().into()]
            }
            Self::Never => Vec::new(),
        }
    }
}

fn prepared(op: &Text, values: Vec<Value>) -> (Operator, Option<Defect>) {
    let (no_text, mut patterns) = (Text::default(), Patterns::default());
    let mut preparation = Preparation::new(&no_text, &no_text, &mut patterns);
    let operator = Operator::prepare(op, values, &mut preparation);
    let defect = preparation.finish().into_iter().next();
    (operator, defect.map(|problem| problem.defect))
}

impl ValueSet {
    /// Returns the values: strings in order, numbers, booleans.
    fn values(&self) -> Vec<Value> {
        let mut strings: Vec<_> = match &self.strings {
            KeySet::Few(keys) => keys.to_vec(),
            KeySet::Many(keys) => keys.iter().cloned().collect(),
        };
        strings.sort();
        let strings = strings.into_iter().map(Value::from);
        let numbers = self.numbers.iter().map(|number| Value::from(*number));
        let booleans = [(self.holds_true, true), (self.holds_false, false)];
        let booleans = booleans.into_iter().filter(|(holds, _)| *holds);
        let booleans = booleans.map(|(_, value)| Value::from(value));
        strings.chain(numbers).chain(booleans).collect()
    }
}
