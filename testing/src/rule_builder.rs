//! [`RuleBuilder`]: a flag rule under construction.

use serde_json::json;
use vexil::{Text, Value};

use crate::flag_builder::{FlagBuilder, USER, Variations, kind_or_user};
use crate::variation::{Choice, Variation};

/// A builder for a rule, started by [`FlagBuilder::if_match`] or one of its siblings.
///
/// The rule matches a context that matches all its clauses. Each clause tests the part of the
/// context that has the clause's kind, and does not match if there is none, negated or not.
/// [`RuleBuilder::then_return`] adds the rule to the flag and returns the flag's builder.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{FlagBuilder, TestData};
///
/// let flag = FlagBuilder::new("limit")
///     .variations([10, 100])
///     .fallthrough_variation(0)
///     .if_match_context("org", "plan", ["pro", "enterprise"])
///     .and_not_match("country", ["XX"])
///     .then_return(1);
/// let flags = TestData::new();
/// flags.update(flag);
/// let client = Client::builder("sdk-key").data_source(flags).start()?;
///
/// let org = Context::builder("acme").kind("org").set("plan", "pro").build()?;
/// let ada = Context::builder("ada").set("country", "GB").build()?;
/// let both = Context::multi([org.clone(), ada])?;
/// assert_eq!(client.int_variation("limit", &both, 0), 100);
/// // Without a user, the second clause does not match.
/// assert_eq!(client.int_variation("limit", &org, 0), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    variation: Choice,
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

    /// Adds a clause: the user has one of these attribute values.
    pub fn and_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and_match_context(USER, attribute, values)
    }

    /// Adds a clause: the context of this kind has one of these attribute values.
    pub fn and_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(kind.into(), attribute.into(), values, false)
    }

    /// Adds a clause: the user has none of these attribute values.
    pub fn and_not_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and_not_match_context(USER, attribute, values)
    }

    /// Adds a clause: the context of this kind has none of these attribute values.
    pub fn and_not_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(kind.into(), attribute.into(), values, true)
    }

    /// Finishes the rule: contexts that match it get this variation.
    pub fn then_return(self, variation: impl Into<Variation>) -> FlagBuilder {
        let Self { mut flag, clauses } = self;
        let variation = flag.choose(variation.into());
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
    /// Returns the rule as the service would write it. Its index in the flag is its id.
    pub(crate) fn to_json(&self, place: usize, variations: &mut Variations) -> serde_json::Value {
        let clauses = self.clauses.iter().map(Clause::to_json).collect::<Vec<_>>();
        let variation = variations.index(&self.variation);
        json!({"id": format!("rule{place}"), "variation": variation, "clauses": clauses})
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
