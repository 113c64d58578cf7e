//! [`Clause`]: a condition of a rule, with its operands parsed and condensed when the flag is read.
//!
//! Condensing makes the cost of an evaluation independent of the number of values: the list of an
//! `in` clause becomes a set, and because a clause matches if *any* value does,
//! `lessThan [3, 9, 5]` becomes `lessThan 9`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::date::Date;
use super::keys::KeySet;
use super::pattern::Pattern;
use super::preparation::{Preparation, reference};
use super::problem::Defect;
use super::read::RawClause;
use super::version::Version;
use crate::context::{Kind, Reference};
use crate::text::Text;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) kind: Kind,
    pub(crate) attribute: Reference,
    pub(crate) negate: bool,
    pub(crate) operator: Operator,
}

/// The operator and its operands. Operands that can never match have been removed.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
    In(Box<ValueSet>),
    StartsWith(Box<[Text]>),
    EndsWith(Box<[Text]>),
    Contains(Box<[Text]>),
    Matches(Box<[Arc<Pattern>]>),
    LessThan(f64),
    LessThanOrEqual(f64),
    GreaterThan(f64),
    GreaterThanOrEqual(f64),
    Before(Date),
    After(Date),
    VersionEqual(Box<[Version<Text>]>),
    /// Boxed, like everything larger than a pointer and a length, because flags have many clauses.
    VersionLessThan(Box<Version<Text>>),
    VersionGreaterThan(Box<Version<Text>>),
    Segments(Box<[Text]>),
    /// An unknown operator or no usable operand: matches nothing, so a negated clause matches
    /// everything.
    Never,
}

/// The operands of an `in` clause by type. Values of different types are never equal.
#[derive(Clone, Debug)]
pub(crate) struct ValueSet {
    pub(crate) strings: KeySet,
    /// Sorted.
    pub(crate) numbers: Box<[f64]>,
    pub(crate) holds_true: bool,
    pub(crate) holds_false: bool,
}

impl Clause {
    pub(super) fn prepare_all(
        raw: Vec<RawClause>,
        preparation: &mut Preparation<'_>,
    ) -> Box<[Self]> {
        raw.into_iter()
            .map(|clause| Self::prepare(clause, preparation))
            .collect()
    }

    fn prepare(raw: RawClause, preparation: &mut Preparation<'_>) -> Self {
        let operator = Operator::prepare(&raw.op, raw.values.0, preparation);
        let attribute = reference(raw.attribute, &raw.context_kind);
        if !matches!(operator, Operator::Segments(_)) {
            preparation.check(&attribute);
        }
        Self {
            kind: raw.context_kind.into(),
            attribute,
            negate: raw.negate,
            operator,
        }
    }

    /// Returns the keys of the segments in a `segmentMatch` clause.
    pub(crate) fn segment_keys(&self) -> &[Text] {
        match &self.operator {
            Operator::Segments(keys) => keys,
            _ => &[],
        }
    }

    /// Returns the regular expressions of a `matches` clause.
    pub(super) fn patterns(&self) -> &[Arc<Pattern>] {
        match &self.operator {
            Operator::Matches(patterns) => patterns,
            _ => &[],
        }
    }
}

impl Operator {
    pub(super) fn prepare(
        op: &Text,
        values: Vec<Value>,
        preparation: &mut Preparation<'_>,
    ) -> Self {
        match op.as_str() {
            "in" => Self::In(Box::new(ValueSet::collect(values))),
            "startsWith" => Self::StartsWith(texts(values).collect()),
            "endsWith" => Self::EndsWith(texts(values).collect()),
            "contains" => Self::Contains(texts(values).collect()),
            "segmentMatch" => Self::Segments(texts(values).collect()),
            "matches" => Self::Matches(
                texts(values)
                    .filter_map(|pattern| preparation.pattern(pattern))
                    .collect(),
            ),
            "lessThan" => number(&values, f64::max, Self::LessThan),
            "lessThanOrEqual" => number(&values, f64::max, Self::LessThanOrEqual),
            "greaterThan" => number(&values, f64::min, Self::GreaterThan),
            "greaterThanOrEqual" => number(&values, f64::min, Self::GreaterThanOrEqual),
            "before" => extreme(dates(&values, preparation), Date::gt, Self::Before),
            "after" => extreme(dates(&values, preparation), Date::lt, Self::After),
            "semVerEqual" => Self::VersionEqual(versions(&values, preparation).into()),
            "semVerLessThan" => {
                let greater = |a: &Version<_>, b: &Version<_>| a.precedence(b) == Ordering::Greater;
                extreme(versions(&values, preparation), greater, |limit| {
                    Self::VersionLessThan(Box::new(limit))
                })
            }
            "semVerGreaterThan" => {
                let less = |a: &Version<_>, b: &Version<_>| a.precedence(b) == Ordering::Less;
                extreme(versions(&values, preparation), less, |limit| {
                    Self::VersionGreaterThan(Box::new(limit))
                })
            }
            _ => {
                preparation.report(Defect::Operator { op: op.clone() });
                Self::Never
            }
        }
    }
}

impl ValueSet {
    fn collect(values: Vec<Value>) -> Self {
        let (mut strings, mut numbers, mut holds_true, mut holds_false) =
            (Vec::new(), Vec::new(), false, false);
        for value in values {
            match value {
                Value::Bool(true) => holds_true = true,
                Value::Bool(false) => holds_false = true,
                Value::Number(number) => numbers.push(number.as_f64()),
                Value::String(text) => strings.push(text),
                // Arrays, objects and nulls never match.
                Value::Null | Value::Array(_) | Value::Object(_) => {}
            }
        }
        numbers.sort_by(f64::total_cmp);
        Self {
            strings: strings.into(),
            numbers: numbers.into(),
            holds_true,
            holds_false,
        }
    }
}

fn texts(values: Vec<Value>) -> impl Iterator<Item = Text> {
    values.into_iter().filter_map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    })
}

fn number(values: &[Value], better: fn(f64, f64) -> f64, of: fn(f64) -> Operator) -> Operator {
    values
        .iter()
        .filter_map(Value::as_f64)
        .reduce(better)
        .map_or(Operator::Never, of)
}

fn dates(values: &[Value], preparation: &mut Preparation<'_>) -> Vec<Date> {
    parsed(values, Date::parse, preparation)
}

fn versions(values: &[Value], preparation: &mut Preparation<'_>) -> Vec<Version<Text>> {
    let parse = |value| Version::parse(value).map(Version::to_owned);
    parsed(values, parse, preparation)
}

fn parsed<'v, T>(
    values: &'v [Value],
    parse: impl Fn(&'v Value) -> Option<T>,
    preparation: &mut Preparation<'_>,
) -> Vec<T> {
    let mut operands = Vec::with_capacity(values.len());
    for value in values {
        match parse(value) {
            Some(operand) => operands.push(operand),
            None => preparation.report(Defect::Operand {
                value: value.clone(),
            }),
        }
    }
    operands
}

/// Keeps the operand that is easiest to satisfy, because a clause matches if any operand does.
fn extreme<T>(operands: Vec<T>, beats: fn(&T, &T) -> bool, of: fn(T) -> Operator) -> Operator {
    let best = operands
        .into_iter()
        .reduce(|best, other| if beats(&other, &best) { other } else { best });
    best.map_or(Operator::Never, of)
}
