//! [`FlagBuilder`]: a flag of a test, described by what it gives to whom.
//!
//! It writes the JSON of the service and has it read by the SDK, so that a built flag is treated
//! like any other. Equal builders write equal JSON, whatever the order of the calls that do not
//! depend on one another.

use std::collections::BTreeMap;

use serde_json::json;
use vexil::model::Flag;
use vexil::{Text, Value};

use crate::rule_builder::{Rule, RuleBuilder};
use crate::variation::{Choice, Variation};

/// The kind of a context that names none.
pub(crate) const USER: Text = Text::from_static("user");

/// Describes a flag: its variations and who gets which.
///
/// A new one is a boolean flag that gives `true` to everybody. Get one from [`TestData::flag`](crate::TestData::flag)
/// to change what is there, and hand it to [`TestData::update`](crate::TestData::update).
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// let data = TestData::new();
/// data.update(
///     data.flag("new-checkout")
///         .variation_for_user("ada", true)
///         .if_match("country", ["GB", "IE"])
///         .and_not_match("plan", ["free"])
///         .then_return(true)
///         .fallthrough_variation(false),
/// );
///
/// let client = Client::builder("sdk-key").data_source(data).start()?;
/// let gets = |context| client.bool_variation("new-checkout", &context, false);
/// assert!(gets(Context::new("ada")?));
/// assert!(gets(Context::builder("bob").set("country", "IE").set("plan", "pro").build()?));
/// assert!(!gets(Context::builder("cleo").set("country", "IE").set("plan", "free").build()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct FlagBuilder {
    key: Text,
    on: bool,
    variations: Vec<Value>,
    fallthrough: i64,
    off: i64,
    /// The variation of each targeted key, by kind: a key has one at the most.
    targets: BTreeMap<Text, BTreeMap<Text, i64>>,
    rules: Vec<Rule>,
    sampling_ratio: Option<i64>,
    exclude_from_summaries: bool,
    check_ratio: Option<i64>,
}

impl FlagBuilder {
    /// A boolean flag that is on and gives `true` to everybody; turned off, it gives `false`.
    pub fn new(key: impl Into<Text>) -> Self {
        let mut flag = Self {
            key: key.into(),
            on: true,
            variations: Vec::new(),
            fallthrough: 0,
            off: 0,
            targets: BTreeMap::new(),
            rules: Vec::new(),
            sampling_ratio: None,
            exclude_from_summaries: false,
            check_ratio: None,
        };
        flag.become_boolean();
        flag
    }

    /// Whether targeting is on; off, everybody gets the off variation. Default: `true`.
    pub fn on(mut self, on: bool) -> Self {
        self.on = on;
        self
    }

    /// Makes the variations `true` and `false`, the fallthrough `true` and the off variation
    /// `false`. If those are the variations already, nothing changes. Whatever takes `true` or
    /// `false` for a variation does this first.
    pub fn boolean_flag(mut self) -> Self {
        self.become_boolean();
        self
    }

    /// Replaces the values that the flag can have. What refers to them by their index goes on doing
    /// so. Default: `true`, `false`.
    pub fn variations<V: Into<Value>>(mut self, variations: impl IntoIterator<Item = V>) -> Self {
        self.variations = variations.into_iter().map(Into::into).collect();
        self
    }

    /// What everybody gets whom neither a target nor a rule concerns. Default: `true`.
    pub fn fallthrough_variation(mut self, variation: impl Into<Variation>) -> Self {
        self.fallthrough = self.index(variation.into());
        self
    }

    /// What everybody gets while targeting is off. Default: `false`.
    pub fn off_variation(mut self, variation: impl Into<Variation>) -> Self {
        self.off = self.index(variation.into());
        self
    }

    /// Gives everybody this variation: turns targeting on and removes all targets and rules. The
    /// off variation stays.
    pub fn variation_for_all(mut self, variation: impl Into<Variation>) -> Self {
        self.fallthrough = self.index(variation.into());
        self.on = true;
        self.clear_rules().clear_targets()
    }

    /// Gives everybody this value, which becomes the only variation, also while targeting is off.
    pub fn value_for_all(self, value: impl Into<Value>) -> Self {
        self.variations([value.into()])
            .off_variation(0)
            .variation_for_all(0)
    }

    /// Gives the user with this key a variation; short for [`FlagBuilder::variation_for_key`] with
    /// the kind `user`.
    pub fn variation_for_user(self, key: impl Into<Text>, variation: impl Into<Variation>) -> Self {
        self.variation_for_key(USER, key, variation)
    }

    /// Gives the context of this kind and key a variation, instead of any other that it was given
    /// before. It comes before all rules.
    pub fn variation_for_key(
        mut self,
        kind: impl Into<Text>,
        key: impl Into<Text>,
        variation: impl Into<Variation>,
    ) -> Self {
        let index = self.index(variation.into());
        self.targets
            .entry(kind_or_user(kind.into()))
            .or_default()
            .insert(key.into(), index);
        self
    }

    /// Starts a rule for users that have one of these values for an attribute; short for
    /// [`FlagBuilder::if_match_context`] with the kind `user`.
    pub fn if_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        self.if_match_context(USER, attribute, values)
    }

    /// Starts a rule for contexts of this kind that have one of these values for an attribute.
    /// Rules are tried in the order in which they were added.
    ///
    /// The attribute is a name or a reference into an object, such as `/address/city`.
    pub fn if_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        RuleBuilder::new(self).and_match_context(kind, attribute, values)
    }

    /// Starts a rule for users that have none of these values for an attribute; short for
    /// [`FlagBuilder::if_not_match_context`] with the kind `user`.
    pub fn if_not_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        self.if_not_match_context(USER, attribute, values)
    }

    /// Starts a rule for contexts of this kind that have none of these values for an attribute. One
    /// that lacks the attribute does not match, as in all negated clauses of the protocol.
    pub fn if_not_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        RuleBuilder::new(self).and_not_match_context(kind, attribute, values)
    }

    /// Removes all rules.
    pub fn clear_rules(mut self) -> Self {
        self.rules.clear();
        self
    }

    /// Removes all targets, of every kind.
    pub fn clear_targets(mut self) -> Self {
        self.targets.clear();
        self
    }

    /// One in how many full events is sent, 0 meaning none. Default: each.
    pub fn sampling_ratio(mut self, ratio: i64) -> Self {
        self.sampling_ratio = Some(ratio);
        self
    }

    /// Whether evaluations are left out of the summaries. Default: `false`.
    pub fn exclude_from_summaries(mut self, exclude: bool) -> Self {
        self.exclude_from_summaries = exclude;
        self
    }

    /// One in how many operations of a migration compares both results, 0 meaning none. Default:
    /// each.
    pub fn check_ratio(mut self, ratio: i64) -> Self {
        self.check_ratio = Some(ratio);
        self
    }

    /// The flag, in version 1: for data sources of your own. Another version has
    /// [`Flag::with_version`].
    ///
    /// ```
    /// use vexil::model::DataSet;
    /// use vexil_testing::FlagBuilder;
    ///
    /// let flag = FlagBuilder::new("banner").value_for_all("hello").build();
    /// let data = DataSet::new(vec![flag.with_version(7).into()], vec![]);
    /// assert_eq!(data.flags[0].version(), 7);
    /// ```
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the JSON does not depend on the caller but for values, which may be any"
    )]
    pub fn build(&self) -> Flag {
        // `to_json` gives every property the type that the protocol demands.
        serde_json::from_value(self.to_json()).expect("the builder writes flags")
    }

    /// The flag as the service would write it, in version 1: for files, stores and services of your
    /// own.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let (targets, context_targets) = self.target_lists();
        let rules = self
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| rule.to_json(index));
        let mut flag = json!({
            "key": self.key,
            "version": 1,
            "on": self.on,
            "variations": self.variations,
            "offVariation": self.off,
            "fallthrough": {"variation": self.fallthrough},
            "salt": "",
            "prerequisites": [],
            "targets": targets,
            "contextTargets": context_targets,
            "rules": rules.collect::<Vec<_>>(),
        });
        if let Some(ratio) = self.sampling_ratio {
            flag["samplingRatio"] = ratio.into();
        }
        if self.exclude_from_summaries {
            flag["excludeFromSummaries"] = true.into();
        }
        if let Some(ratio) = self.check_ratio {
            flag["migration"] = json!({"checkRatio": ratio});
        }
        flag
    }

    pub(crate) fn key(&self) -> &Text {
        &self.key
    }

    /// The index of a variation, after making the flag boolean if that is what the variation takes.
    pub(crate) fn index(&mut self, variation: Variation) -> i64 {
        match variation.0 {
            Choice::Index(index) => index,
            Choice::Bool(value) => {
                self.become_boolean();
                i64::from(!value)
            }
        }
    }

    pub(crate) fn add_rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    fn become_boolean(&mut self) {
        let boolean = [Value::Bool(true), Value::Bool(false)];
        if self.variations != boolean {
            self.variations = boolean.into();
            self.fallthrough = 0;
            self.off = 1;
        }
    }

    /// The lists of targeted keys, by variation. Users have theirs in the older form, and a place
    /// among the others, so that the order between kinds is defined.
    fn target_lists(&self) -> (Vec<serde_json::Value>, Vec<serde_json::Value>) {
        let mut lists: BTreeMap<(i64, &Text), Vec<&Text>> = BTreeMap::new();
        for (kind, keys) in &self.targets {
            for (key, variation) in keys {
                lists.entry((*variation, kind)).or_default().push(key);
            }
        }
        let (mut users, mut contexts) = (Vec::new(), Vec::new());
        for ((variation, kind), mut keys) in lists {
            if *kind == USER {
                users.push(json!({"variation": variation, "values": keys}));
                keys.clear();
            }
            contexts.push(json!({"contextKind": kind, "variation": variation, "values": keys}));
        }
        (users, contexts)
    }
}

pub(crate) fn kind_or_user(kind: Text) -> Text {
    if kind.is_empty() { USER } else { kind }
}
