//! Evaluates clauses: attribute values against operators.

use std::cmp::Ordering;
use std::slice::from_ref;
use std::sync::Arc;

use super::trace::{Cause, Trace};
use super::{Abort, Evaluator};
use crate::model::clause::{Clause, Operator, ValueSet};
use crate::model::date::Date;
use crate::model::pattern::Pattern;
use crate::model::version::Version;
use crate::text::Text;
use crate::value::Value;

impl<'a, T: Trace<'a>> Evaluator<'_, 'a, T> {
    /// Whether all clauses match. Stops at the first one that does not.
    pub(super) fn clauses_match(
        &mut self,
        clauses: &'a [Clause],
        ancestors: &super::Ancestors<'_>,
    ) -> Result<bool, Abort> {
        for clause in clauses {
            self.trace.clause_begins(clause);
            let matches = self.clause_matches(clause, ancestors)?;
            self.trace.clause_ends(matches);
            if !matches {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn clause_matches(
        &mut self,
        clause: &'a Clause,
        ancestors: &super::Ancestors<'_>,
    ) -> Result<bool, Abort> {
        if let Operator::Segments(keys) = &clause.operator {
            return Ok(self.any_segment_contains(keys, ancestors)? != clause.negate);
        }
        if let Some(error) = clause.attribute.error() {
            return Err(self.abort(Cause::Reference(error)));
        }
        self.attribute_matches(clause)
            .ok_or_else(|| self.abort(Cause::Pattern))
    }

    /// Whether a clause matches; `None` if a regular expression exceeds its step limit.
    #[inline]
    fn attribute_matches(&mut self, clause: &'a Clause) -> Option<bool> {
        if clause.attribute.is_kind() {
            return Some(clause.operator.matches_any(self.context.kinds())? != clause.negate);
        }
        let value = self
            .context
            .member(&clause.kind)
            .and_then(|member| member.lookup(&clause.attribute));
        self.trace.attribute(value);
        // Without the kind or the attribute a negated clause does not match either.
        let Some(value) = value else {
            return Some(false);
        };
        let matches = match value {
            Value::Array(elements) => clause.operator.matches_any(elements.iter())?,
            value => clause.operator.matches(value)?,
        };
        Some(matches != clause.negate)
    }
}

impl Operator {
    fn matches_any<'v>(&self, values: impl Iterator<Item = &'v Value>) -> Option<bool> {
        for value in values {
            if self.matches(value)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether the value has the operator's type and satisfies it. Does not descend into nested
    /// arrays. Returns `None` if a regular expression exceeds its step limit.
    pub(crate) fn matches(&self, value: &Value) -> Option<bool> {
        let text = |meets: &dyn Fn(&str) -> bool| value.as_str().is_some_and(meets);
        let number = |meets: fn(f64, f64) -> bool, limit| {
            value.as_f64().is_some_and(|number| meets(number, limit))
        };
        let date = |meets: fn(&Date, &Date) -> bool, limit| {
            Date::parse(value).is_some_and(|date| meets(&date, limit))
        };
        let version = |order, limits: &[Version<Text>]| {
            let version = Version::parse(value);
            version.is_some_and(|version| {
                limits
                    .iter()
                    .any(|limit| version.precedence(limit) == order)
            })
        };
        Some(match self {
            Self::In(values) => values.contain(value),
            Self::StartsWith(prefixes) => text(&|text| {
                prefixes
                    .iter()
                    .any(|prefix| text.starts_with(prefix.as_str()))
            }),
            Self::EndsWith(suffixes) => text(&|text| {
                suffixes
                    .iter()
                    .any(|suffix| text.ends_with(suffix.as_str()))
            }),
            Self::Contains(parts) => {
                text(&|text| parts.iter().any(|part| text.contains(part.as_str())))
            }
            Self::Matches(patterns) => return any_is_found(patterns, value),
            Self::LessThan(limit) => number(|number, limit| number < limit, *limit),
            Self::LessThanOrEqual(limit) => number(|number, limit| number <= limit, *limit),
            Self::GreaterThan(limit) => number(|number, limit| number > limit, *limit),
            Self::GreaterThanOrEqual(limit) => number(|number, limit| number >= limit, *limit),
            Self::Before(limit) => date(Date::lt, limit),
            Self::After(limit) => date(Date::gt, limit),
            Self::VersionEqual(versions) => version(Ordering::Equal, versions),
            Self::VersionLessThan(limit) => version(Ordering::Less, from_ref(limit)),
            Self::VersionGreaterThan(limit) => version(Ordering::Greater, from_ref(limit)),
            // Segment clauses are evaluated by the caller, which has access to the data.
            Self::Segments(_) | Self::Never => false,
        })
    }
}

fn any_is_found(patterns: &[Arc<Pattern>], value: &Value) -> Option<bool> {
    let Some(text) = value.as_str() else {
        return Some(false);
    };
    for pattern in patterns {
        if pattern.is_match(text)? {
            return Some(true);
        }
    }
    Some(false)
}

impl ValueSet {
    fn contain(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.strings.contains(text),
            Value::Number(number) => self
                .numbers
                .binary_search_by(|number_in_set| number_in_set.total_cmp(&number.as_f64()))
                .is_ok(),
            Value::Bool(true) => self.holds_true,
            Value::Bool(false) => self.holds_false,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }
}
