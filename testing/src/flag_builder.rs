//! [`FlagBuilder`]: describes a test flag.
//!
//! It writes the service's JSON, which the SDK then parses, so a built flag is treated like any
//! other. Equal builders write equal JSON, whatever the order of independent calls.

use std::collections::BTreeMap;

use serde_json::json;
use vexil::model::Flag;
use vexil::{Text, Value};

use crate::rule_builder::{Rule, RuleBuilder};
use crate::variation::{Choice, Variation};

/// The variations of a boolean flag.
const BOOLEAN: [Value; 2] = [Value::Bool(true), Value::Bool(false)];

/// The default context kind.
pub(crate) const USER: Text = Text::from_static("user");

/// A builder for a flag: its variations, targets and rules.
///
/// A new one is a boolean flag that returns `true` for every context.
/// [`TestData::flag`](crate::TestData::flag) returns a builder with the flag's current settings;
/// pass it to [`TestData::update`](crate::TestData::update).
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
#[derive(Clone, Debug)]
#[must_use]
pub struct FlagBuilder {
    key: Text,
    on: bool,
    variations: Vec<Value>,
    fallthrough: Choice,
    off: Choice,
    /// The variation of each targeted key, by kind. A key has at most one.
    targets: BTreeMap<Text, BTreeMap<Text, Choice>>,
    rules: Vec<Rule>,
    sampling_ratio: Option<i64>,
    exclude_from_summaries: bool,
    check_ratio: Option<i64>,
}

impl FlagBuilder {
    /// Creates a boolean flag that is on and returns `true` for every context. When turned off, it
    /// returns `false`.
    pub fn new(key: impl Into<Text>) -> Self {
        let mut flag = Self {
            key: key.into(),
            on: true,
            variations: Vec::new(),
            fallthrough: Choice::Index(0),
            off: Choice::Index(0),
            targets: BTreeMap::new(),
            rules: Vec::new(),
            sampling_ratio: None,
            exclude_from_summaries: false,
            check_ratio: None,
        };
        flag.become_boolean();
        flag
    }

    /// Sets whether targeting is on. While it is off, the off variation is served. Default: `true`.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{FlagBuilder, TestData};
    ///
    /// let flags = TestData::new();
    /// flags.update(FlagBuilder::new("beta").variation_for_user("ada", true).on(false));
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// // Targets have no effect while the flag is off.
    /// let detail = client.bool_variation_detail("beta", &Context::new("ada")?, true);
    /// assert_eq!((detail.value, detail.reason.to_string()), (false, "the flag is off".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(mut self, on: bool) -> Self {
        self.on = on;
        self
    }

    /// Makes the variations `true` and `false`, the fallthrough `true` and the off variation
    /// `false`. Does nothing if those are the variations already. Every method that takes `true` or
    /// `false` as a variation calls this first.
    pub fn boolean_flag(mut self) -> Self {
        self.become_boolean();
        self
    }

    /// Replaces the variations of the flag. What the flag serves is chosen by index or by value:
    /// existing choices keep their index, or their value. Default: `true`, `false`.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{FlagBuilder, TestData};
    ///
    /// let themes = FlagBuilder::new("theme").variations(["light", "dark", "auto"]);
    /// let flags = TestData::new();
    /// flags.update(themes.fallthrough_variation(2).off_variation(0));
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let detail = client.str_variation_detail("theme", &Context::new("ada")?, "");
    /// assert_eq!((&*detail.value, detail.variation_index), ("auto", Some(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn variations<V: Into<Value>>(mut self, variations: impl IntoIterator<Item = V>) -> Self {
        self.variations = variations.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the variation served when no target or rule matches. Default: `true`.
    pub fn fallthrough_variation(mut self, variation: impl Into<Variation>) -> Self {
        self.fallthrough = self.choose(variation.into());
        self
    }

    /// Sets the variation served while targeting is off. Default: `false`.
    pub fn off_variation(mut self, variation: impl Into<Variation>) -> Self {
        self.off = self.choose(variation.into());
        self
    }

    /// Serves this variation to every context: turns targeting on and removes all targets and
    /// rules. The off variation stays.
    pub fn variation_for_all(mut self, variation: impl Into<Variation>) -> Self {
        self.fallthrough = self.choose(variation.into());
        self.on = true;
        self.clear_rules().clear_targets()
    }

    /// Serves this value to every context. It becomes the only variation, so it is also served
    /// while targeting is off.
    pub fn value_for_all(self, value: impl Into<Value>) -> Self {
        self.variations([value.into()])
            .off_variation(0)
            .variation_for_all(0)
    }

    /// Targets the user with this key: short for [`FlagBuilder::variation_for_key`] with the kind
    /// `user`.
    pub fn variation_for_user(self, key: impl Into<Text>, variation: impl Into<Variation>) -> Self {
        self.variation_for_key(USER, key, variation)
    }

    /// Serves a variation to the context with this kind and key. Replaces an earlier target for the
    /// same context. Targets are evaluated before rules.
    pub fn variation_for_key(
        mut self,
        kind: impl Into<Text>,
        key: impl Into<Text>,
        variation: impl Into<Variation>,
    ) -> Self {
        let choice = self.choose(variation.into());
        self.targets
            .entry(kind_or_user(kind.into()))
            .or_default()
            .insert(key.into(), choice);
        self
    }

    /// Starts a rule that matches users with one of these attribute values: short for
    /// [`FlagBuilder::if_match_context`] with the kind `user`.
    pub fn if_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        self.if_match_context(USER, attribute, values)
    }

    /// Starts a rule that matches contexts of this kind with one of these attribute values. Rules
    /// are evaluated in the order in which they were added.
    ///
    /// The attribute is a name, or a reference into an object such as `/address/city`.
    pub fn if_match_context<V: Into<Value>>(
        self,
        kind: impl Into<Text>,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        RuleBuilder::new(self).and_match_context(kind, attribute, values)
    }

    /// Starts a rule that matches users with none of these attribute values: short for
    /// [`FlagBuilder::if_not_match_context`] with the kind `user`.
    pub fn if_not_match<V: Into<Value>>(
        self,
        attribute: impl Into<Text>,
        values: impl IntoIterator<Item = V>,
    ) -> RuleBuilder {
        self.if_not_match_context(USER, attribute, values)
    }

    /// Starts a rule that matches contexts of this kind with none of these attribute values. A
    /// context without the attribute does not match, as in all negated clauses of the protocol.
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

    /// Removes all targets of every kind.
    pub fn clear_targets(mut self) -> Self {
        self.targets.clear();
        self
    }

    /// Sends one in `ratio` full events; 0 sends none. Default: every event.
    pub fn sampling_ratio(mut self, ratio: i64) -> Self {
        self.sampling_ratio = Some(ratio);
        self
    }

    /// Sets whether evaluations are excluded from summaries. Default: `false`.
    pub fn exclude_from_summaries(mut self, exclude: bool) -> Self {
        self.exclude_from_summaries = exclude;
        self
    }

    /// Compares both results in one in `ratio` migration operations; 0 compares none. Default:
    /// every operation.
    pub fn check_ratio(mut self, ratio: i64) -> Self {
        self.check_ratio = Some(ratio);
        self
    }

    /// Builds the flag with version 1, for custom data sources. Use [`Flag::with_version`] for
    /// another version.
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
        reason = "the caller controls only values, and any value is valid"
    )]
    pub fn build(&self) -> Flag {
        // `to_json` writes every property with the type that the protocol requires.
        serde_json::from_value(self.to_json()).expect("the builder writes valid flags")
    }

    /// Returns the flag as the service would write it, with version 1: for custom files, stores and
    /// services.
    ///
    /// ```
    /// use vexil_testing::FlagBuilder;
    ///
    /// let json = FlagBuilder::new("banner").value_for_all("hello").to_json();
    /// assert_eq!((&json["key"], &json["version"]), (&"banner".into(), &1.into()));
    /// assert_eq!(json["variations"], serde_json::json!(["hello"]));
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut variations = Variations(self.variations.clone());
        let fallthrough = variations.index(&self.fallthrough);
        let off = variations.index(&self.off);
        let (targets, context_targets) = self.target_lists(&mut variations);
        let rules: Vec<_> = self
            .rules
            .iter()
            .enumerate()
            .map(|(place, rule)| rule.to_json(place, &mut variations))
            .collect();
        let mut flag = json!({
            "key": self.key,
            "version": 1,
            "on": self.on,
            "variations": variations.0,
            "offVariation": off,
            "fallthrough": {"variation": fallthrough},
            "salt": "",
            "prerequisites": [],
            "targets": targets,
            "contextTargets": context_targets,
            "rules": rules,
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

    /// Prepares the flag for a variation: a boolean makes it boolean, and another value makes a
    /// boolean flag one of that value.
    pub(crate) fn choose(&mut self, variation: Variation) -> Choice {
        match &variation.0 {
            Choice::Index(_) => {}
            Choice::Value(Value::Bool(_)) => self.become_boolean(),
            value @ Choice::Value(_) => {
                if self.is_boolean() {
                    self.variations.clear();
                    self.fallthrough = value.clone();
                    self.off = value.clone();
                }
            }
        }
        variation.0
    }

    pub(crate) fn add_rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    fn become_boolean(&mut self) {
        if !self.is_boolean() {
            self.variations = BOOLEAN.into();
            self.fallthrough = Choice::Index(0);
            self.off = Choice::Index(1);
        }
    }

    fn is_boolean(&self) -> bool {
        self.variations == BOOLEAN
    }

    /// Returns the lists of targeted keys, by variation. Users are listed in the older form, with
    /// an empty list among the others, so that the order between kinds is defined.
    fn target_lists(
        &self,
        variations: &mut Variations,
    ) -> (Vec<serde_json::Value>, Vec<serde_json::Value>) {
        let mut lists: BTreeMap<(i64, &Text), Vec<&Text>> = BTreeMap::new();
        for (kind, keys) in &self.targets {
            for (key, choice) in keys {
                let variation = variations.index(choice);
                lists.entry((variation, kind)).or_default().push(key);
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

/// Builders are equal if they describe the same flag.
impl PartialEq for FlagBuilder {
    fn eq(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }
}

/// The variations of a flag that is being written.
pub(crate) struct Variations(Vec<Value>);

impl Variations {
    /// Returns the index of a variation. A value that is missing becomes the last one.
    pub(crate) fn index(&mut self, choice: &Choice) -> i64 {
        let value = match choice {
            Choice::Index(index) => return *index,
            Choice::Value(value) => value,
        };
        let known = self.0.iter().position(|variation| variation == value);
        let index = known.unwrap_or_else(|| {
            self.0.push(value.clone());
            self.0.len() - 1
        });
        // No list of values in memory is longer.
        i64::try_from(index).unwrap_or(i64::MAX)
    }
}

pub(crate) fn kind_or_user(kind: Text) -> Text {
    if kind.is_empty() { USER } else { kind }
}
