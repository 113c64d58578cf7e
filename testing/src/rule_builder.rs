//! [`RuleBuilder`]: a rule of a flag in the making.

use serde_json::json;
use vexil::{Text, Value};

use crate::flag_builder::{FlagBuilder, USER, kind_or_user};
use crate::variation::Variation;

/// A rule that was started with [`FlagBuilder::if_match`] or one of its siblings.
///
/// It matches a context that matches all its clauses; each clause looks at the part of a context that is of its kind,
/// and does not match where there is none, negated or not. [`RuleBuilder::then_return`] adds the rule to the flag and
/// gives the flag back.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct RuleBuilder {
    flag: FlagBuilder,
    clauses: Vec<Clause>,
}

/// A finished rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    clauses: Vec<Clause>,
    variation: i64,
}

#[derive(Clone, Debug, PartialEq)]
struct Clause {
    kind: Text,
    attribute: Text,
    values: Vec<Value>,
    negate: bool,
}

impl RuleBuilder {
    pub(crate) fn new(flag: FlagBuilder) -> Self {
        Self {
            flag,
            clauses: Vec::new(),
        }
    }

    /// And the user has one of these values for an attribute.
    pub fn and_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and_match_context(USER, attribute, values)
    }

    /// And the context of this kind has one of these values for an attribute.
    pub fn and_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(kind.into(), attribute.into(), values, false)
    }

    /// And the user has none of these values for an attribute.
    pub fn and_not_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and_not_match_context(USER, attribute, values)
    }

    /// And the context of this kind has none of these values for an attribute.
    pub fn and_not_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(kind.into(), attribute.into(), values, true)
    }

    /// Finishes the rule: whom it matches gets this variation.
    pub fn then_return(self, variation: impl Into<Variation>) -> FlagBuilder {
        let Self { mut flag, clauses } = self;
        let variation = flag.index(variation.into());
        flag.add_rule(Rule { clauses, variation });
        flag
    }

    fn and<V: Into<Value>>(
        mut self,
        kind: Text,
        attribute: Text,
        values: impl IntoIterator<Item = V>,
        negate: bool,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.clauses.push(Clause {
            kind: kind_or_user(kind),
            attribute,
            values,
            negate,
        });
        self
    }
}

impl Rule {
    /// The rule as the service would write it; its place in the flag is its id.
    pub(crate) fn to_json(&self, place: usize) -> serde_json::Value {
        let clauses = self.clauses.iter().map(Clause::to_json).collect::<Vec<_>>();
        json!({"id": format!("rule{place}"), "variation": self.variation, "clauses": clauses})
    }
}

impl Clause {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "contextKind": self.kind,
            "attribute": self.attribute,
            "op": "in",
            "values": self.values,
            "negate": self.negate,
        })
    }
}
