//! [`Clause`]: a condition of a rule, with its operands parsed and condensed when the flag is read.
//!
//! Condensing makes the cost of an evaluation independent of the number of values: the list of an
//! `in` clause becomes a set, and because a clause matches if *any* value does,
//! `lessThan [3, 9, 5]` becomes `lessThan 9`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::date::Date;
use super::keys::KeySet;
use super::pattern::{Pattern, Patterns};
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
    pub(crate) test: Test,
}

/// The operator and its operands. Operands that can never match have been removed.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    In(Box<Members>),
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
pub(crate) struct Members {
    pub(crate) strings: KeySet,
    /// Sorted.
    pub(crate) numbers: Box<[f64]>,
    pub(crate) holds_true: bool,
    pub(crate) holds_false: bool,
}

impl Clause {
    pub(super) fn prepare(
        raw: RawClause,
        patterns: &mut Patterns,
        defects: &mut Vec<Defect>,
    ) -> Self {
        let test = Test::prepare(&raw.op, raw.values, patterns, defects);
        let attribute = reference(raw.attribute, &raw.context_kind);
        if let (Some(error), false) = (attribute.error(), matches!(test, Test::Segments(_))) {
            defects.push(Defect::Attribute {
                reference: attribute.as_str().into(),
                error,
            });
        }
        Self {
            kind: raw.context_kind.into(),
            attribute,
            negate: raw.negate,
            test,
        }
    }

    /// Returns the keys of the segments in a `segmentMatch` clause.
    pub(crate) fn segment_keys(&self) -> &[Text] {
        match &self.test {
            Test::Segments(keys) => keys,
            _ => &[],
        }
    }

    /// Returns the regular expressions of a `matches` clause.
    pub(super) fn patterns(&self) -> &[Arc<Pattern>] {
        match &self.test {
            Test::Matches(patterns) => patterns,
            _ => &[],
        }
    }
}

/// The attribute of a clause without a kind is a plain name; with a kind it is a reference.
pub(super) fn reference(attribute: Text, kind: &Text) -> Reference {
    if kind.is_empty() {
        Reference::literal(attribute)
    } else {
        Reference::new(attribute)
    }
}

impl Test {
    fn prepare(
        op: &Text,
        values: Vec<Value>,
        patterns: &mut Patterns,
        defects: &mut Vec<Defect>,
    ) -> Self {
        match op.as_str() {
            "in" => Self::In(Box::new(Members::collect(values))),
            "startsWith" => Self::StartsWith(texts(values)),
            "endsWith" => Self::EndsWith(texts(values)),
            "contains" => Self::Contains(texts(values)),
            "segmentMatch" => Self::Segments(texts(values)),
            "matches" => {
                let mut read_patterns = Vec::with_capacity(values.len());
                for pattern in texts(values) {
                    match patterns.read(&pattern) {
                        Ok(read) => read_patterns.push(read),
                        Err(error) => defects.push(Defect::Pattern { pattern, error }),
                    }
                }
                Self::Matches(read_patterns.into())
            }
            "lessThan" => number(&values, f64::max, Self::LessThan),
            "lessThanOrEqual" => number(&values, f64::max, Self::LessThanOrEqual),
            "greaterThan" => number(&values, f64::min, Self::GreaterThan),
            "greaterThanOrEqual" => number(&values, f64::min, Self::GreaterThanOrEqual),
            "before" => extreme(dates(&values, defects), |a, b| a > b, Self::Before),
            "after" => extreme(dates(&values, defects), |a, b| a < b, Self::After),
            "semVerEqual" => Self::VersionEqual(versions(&values, defects).into()),
            "semVerLessThan" => {
                let greater = |a: &Version<_>, b: &Version<_>| a.precedence(b) == Ordering::Greater;
                extreme(versions(&values, defects), greater, |limit| {
                    Self::VersionLessThan(Box::new(limit))
                })
            }
            "semVerGreaterThan" => {
                let less = |a: &Version<_>, b: &Version<_>| a.precedence(b) == Ordering::Less;
                extreme(versions(&values, defects), less, |limit| {
                    Self::VersionGreaterThan(Box::new(limit))
                })
            }
            _ => {
                defects.push(Defect::Operator { op: op.clone() });
                Self::Never
            }
        }
    }
}

impl Members {
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

fn texts(values: Vec<Value>) -> Box<[Text]> {
    let text = |value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    values.into_iter().filter_map(text).collect()
}

fn number(values: &[Value], better: fn(f64, f64) -> f64, test: fn(f64) -> Test) -> Test {
    values
        .iter()
        .filter_map(Value::as_f64)
        .reduce(better)
        .map_or(Test::Never, test)
}

fn dates(values: &[Value], defects: &mut Vec<Defect>) -> Vec<Date> {
    parsed(values, Date::parse, defects)
}

fn versions(values: &[Value], defects: &mut Vec<Defect>) -> Vec<Version<Text>> {
    parsed(
        values,
        |value| Version::parse(value).map(Version::to_owned),
        defects,
    )
}

fn parsed<T>(
    values: &[Value],
    parse: impl Fn(&Value) -> Option<T>,
    defects: &mut Vec<Defect>,
) -> Vec<T> {
    let mut operands = Vec::with_capacity(values.len());
    for value in values {
        match parse(value) {
            Some(operand) => operands.push(operand),
            None => defects.push(Defect::Operand {
                value: value.clone(),
            }),
        }
    }
    operands
}

/// Keeps the operand that is easiest to satisfy, because a clause matches if any operand does.
fn extreme<T>(operands: Vec<T>, beats: fn(&T, &T) -> bool, test: fn(T) -> Test) -> Test {
    let best = operands
        .into_iter()
        .reduce(|best, other| if beats(&other, &best) { other } else { best });
    best.map_or(Test::Never, test)
}
