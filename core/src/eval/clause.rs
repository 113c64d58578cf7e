//! Operators against attributes.

use std::cmp::Ordering;

use super::Evaluator;
use super::Halt;
use crate::context::Context;
use crate::model::clause::{Clause, Members, Test};
use crate::model::date::Date;
use crate::model::version::Version;
use crate::value::Value;

impl<'a> Evaluator<'_, 'a> {
    /// Whether all clauses match. A clause behind one that does not match is not even looked at.
    pub(super) fn clauses_match(&mut self, clauses: &'a [Clause], path: &super::Path<'_>) -> Result<bool, Halt> {
        for clause in clauses {
            if !self.clause_matches(clause, path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn clause_matches(&mut self, clause: &'a Clause, path: &super::Path<'_>) -> Result<bool, Halt> {
        if let Test::Segments(keys) = &clause.test {
            return Ok(self.any_segment_contains(keys, path)? != clause.negate);
        }
        if clause.attribute.error().is_some() {
            return Err(Halt::Malformed);
        }
        Ok(attribute_matches(clause, self.context))
    }
}

fn attribute_matches(clause: &Clause, context: &Context) -> bool {
    if let [only] = clause.attribute.components()
        && *only == "kind"
    {
        return context.kinds().any(|kind| clause.test.matches(kind)) != clause.negate;
    }
    // Without the kind or the attribute there is nothing to negate either.
    let Some(value) = context.member(&clause.kind).and_then(|member| member.lookup(&clause.attribute)) else {
        return false;
    };
    let matches = match value {
        Value::Array(elements) => elements.iter().any(|element| clause.test.matches(element)),
        value => clause.test.matches(value),
    };
    matches != clause.negate
}

impl Test {
    fn matches(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.matches_text(text) || self.matches_parsed(value),
            Value::Number(number) => self.matches_number(number.as_f64()) || self.matches_parsed(value),
            Value::Bool(value) => matches!(self, Self::In(members) if members.holds(*value)),
            // Types without an operator; elements of nested arrays are not looked at.
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }

    fn matches_text(&self, text: &str) -> bool {
        match self {
            Self::In(members) => members.strings.contains(text),
            Self::StartsWith(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())),
            Self::EndsWith(suffixes) => suffixes.iter().any(|suffix| text.ends_with(suffix.as_str())),
            Self::Contains(parts) => parts.iter().any(|part| text.contains(part.as_str())),
            Self::Matches(patterns) => patterns.iter().any(|pattern| pattern.is_match(text)),
            _ => false,
        }
    }

    fn matches_number(&self, number: f64) -> bool {
        match *self {
            Self::In(ref members) => members.numbers.binary_search_by(|member| member.total_cmp(&number)).is_ok(),
            Self::LessThan(limit) => number < limit,
            Self::LessThanOrEqual(limit) => number <= limit,
            Self::GreaterThan(limit) => number > limit,
            Self::GreaterThanOrEqual(limit) => number >= limit,
            _ => false,
        }
    }

    /// Operators that read a date or a version out of the value.
    fn matches_parsed(&self, value: &Value) -> bool {
        match self {
            Self::Before(limit) => Date::parse(value).is_some_and(|date| date < *limit),
            Self::After(limit) => Date::parse(value).is_some_and(|date| date > *limit),
            Self::VersionEqual(versions) => Version::parse(value)
                .is_some_and(|version| versions.iter().any(|other| version.precedence(other) == Ordering::Equal)),
            Self::VersionLessThan(limit) => {
                Version::parse(value).is_some_and(|version| version.precedence(limit) == Ordering::Less)
            }
            Self::VersionGreaterThan(limit) => {
                Version::parse(value).is_some_and(|version| version.precedence(limit) == Ordering::Greater)
            }
            _ => false,
        }
    }
}

impl Members {
    fn holds(&self, value: bool) -> bool {
        if value { self.holds_true } else { self.holds_false }
    }
}
