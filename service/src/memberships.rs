//! [`Memberships`]: the big segments that contexts belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use vexil_eval::model::{Flag, Segment};
use vexil_eval::{Context, Found, Lookup, MembershipAnswer, Need, Outcome, Text, evaluate};

use crate::Rules;

/// Answers of a big-segment store, by the keys of contexts. The lists of big segments are not among the
/// items, so a server fetches what an evaluation needs before it.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind::{Flag, Segment};
/// use vexil_eval::{BigSegmentsStatus, Context, Membership, MembershipAnswer};
/// use vexil_service::{ClientFlags, Items, Memberships, Rules, SdkFamily};
///
/// let mut items = Items::new("shop-1f0c");
/// let clause = json!({"op": "segmentMatch", "attribute": "", "values": ["vip"]});
/// let flag = json!({
///     "on": true, "variations": ["a", "b"], "fallthrough": {"variation": 0},
///     "rules": [{"clauses": [clause], "variation": 1}],
/// });
/// items.put(Flag, "banner", flag);
/// items.put(Segment, "vip", json!({"unbounded": true, "generation": 2}));
/// let mut rules = Rules::default();
/// rules.update(&items)?;
///
/// let ada = Context::new("ada")?;
/// let mut memberships = Memberships::default();
/// loop {
///     let needed = memberships.needed(&rules, &ada);
///     if needed.is_empty() {
///         break;
///     }
///     for key in needed {
///         // A server asks its store.
///         let membership = Membership::new(["vip.g2"], []);
///         let answer = MembershipAnswer::new(Some(membership), BigSegmentsStatus::Healthy);
///         memberships.insert(key, answer);
///     }
/// }
/// let flags = ClientFlags::with_memberships(
///     &rules, "shop-1f0c", ada, SdkFamily::Mobile, true, memberships,
/// );
/// let expected = r#"{"banner":{"version":2,"value":"b","variation":1,"flagVersion":1,"reason":{"kind":"RULE_MATCH","ruleIndex":0,"bigSegmentsStatus":"HEALTHY"}}}"#;
/// assert_eq!(flags.body(), expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Memberships(BTreeMap<Text, MembershipAnswer>);

impl Memberships {
    /// Adds the answer for a context, given by its key alone, whatever its kind.
    pub fn insert(&mut self, context_key: impl Into<Text>, answer: MembershipAnswer) {
        self.0.insert(context_key.into(), answer);
    }

    /// Returns the keys whose answers are still needed to evaluate the flags for a context. After they
    /// were added, others may be needed, as many in all as the context has kinds.
    #[must_use]
    pub fn needed(&self, rules: &Rules, context: &Context) -> BTreeSet<Text> {
        if !rules.has_big_segments() {
            return BTreeSet::new();
        }
        let data = self.over(rules);
        let needs = rules
            .flags()
            .filter_map(|flag| match evaluate(flag, context, &data) {
                Outcome::Needs(Need::Membership(key)) => Some(key),
                // `Rules` knows of every item whether it exists.
                Outcome::Needs(Need::Flag(_) | Need::Segment(_)) | Outcome::Done(_) => None,
            });
        needs.collect()
    }

    /// Returns the rules together with these memberships, for evaluations.
    #[must_use]
    pub fn over<'m>(&'m self, rules: &'m Rules) -> RulesWithMemberships<'m> {
        RulesWithMemberships {
            rules,
            memberships: self,
        }
    }
}

/// Omits the keys of contexts, which are personal data.
impl fmt::Debug for Memberships {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memberships")
            .field("len", &self.0.len())
            .finish_non_exhaustive()
    }
}

/// The data of evaluations that need big segments. See [`Memberships::over`].
#[derive(Clone, Copy, Debug)]
pub struct RulesWithMemberships<'m> {
    rules: &'m Rules,
    memberships: &'m Memberships,
}

impl Lookup for RulesWithMemberships<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.rules.flag(key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.rules.segment(key)
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        match self.memberships.0.get(context_key) {
            Some(answer) => Found::Present(answer),
            None => Found::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
