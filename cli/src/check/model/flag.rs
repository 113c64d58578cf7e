//! [`Flag`]: a flag and its parts.

use super::{Clause, Rollout, kind_of};
use crate::check::item::{Item, Spot};

/// A flag that can be read.
#[derive(Debug)]
pub(in crate::check) struct Flag<'t> {
    pub(in crate::check) item: &'t Item,
    pub(in crate::check) on: bool,
    pub(in crate::check) variations: Vec<Spot<'t>>,
    pub(in crate::check) off_variation: Option<Spot<'t>>,
    pub(in crate::check) fallthrough: Outcome<'t>,
    pub(in crate::check) targets: Vec<Target<'t>>,
    pub(in crate::check) context_targets: Vec<Target<'t>>,
    pub(in crate::check) rules: Vec<FlagRule<'t>>,
    pub(in crate::check) prerequisites: Vec<Prerequisite<'t>>,
    pub(in crate::check) salt: &'t str,
}

/// What a rule or the fallthrough serves.
#[derive(Debug)]
pub(in crate::check) struct Outcome<'t> {
    /// The rule or the fallthrough; `None` if the fallthrough is missing.
    pub(in crate::check) spot: Option<Spot<'t>>,
    pub(in crate::check) variation: Option<Spot<'t>>,
    pub(in crate::check) rollout: Option<Rollout<'t>>,
}

#[derive(Debug)]
pub(in crate::check) struct FlagRule<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) id: &'t str,
    pub(in crate::check) clauses: Vec<Clause<'t>>,
    pub(in crate::check) outcome: Outcome<'t>,
}

#[derive(Debug)]
pub(in crate::check) struct Target<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) kind: &'t str,
    pub(in crate::check) variation: i64,
    pub(in crate::check) values: Vec<Spot<'t>>,
}

#[derive(Debug)]
pub(in crate::check) struct Prerequisite<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) key: &'t str,
    pub(in crate::check) variation: i64,
}

impl<'t> Flag<'t> {
    pub(in crate::check) fn new(item: &'t Item) -> Self {
        let root = item.root();
        if item.is_value {
            return Self::of_value(item, root);
        }
        Self {
            item,
            on: root.flag("on"),
            variations: root.list("variations"),
            off_variation: root.member("offVariation"),
            fallthrough: Outcome::new(root.member("fallthrough")),
            targets: root.list("targets").into_iter().map(Target::new).collect(),
            context_targets: root
                .list("contextTargets")
                .into_iter()
                .map(Target::new)
                .collect(),
            rules: root.list("rules").into_iter().map(FlagRule::new).collect(),
            prerequisites: root
                .list("prerequisites")
                .into_iter()
                .map(Prerequisite::new)
                .collect(),
            salt: root.text("salt"),
        }
    }

    /// A flag that serves one value to all contexts.
    fn of_value(item: &'t Item, value: Spot<'t>) -> Self {
        Self {
            item,
            on: true,
            variations: vec![value],
            off_variation: None,
            fallthrough: Outcome::new(None),
            targets: Vec::new(),
            context_targets: Vec::new(),
            rules: Vec::new(),
            prerequisites: Vec::new(),
            salt: "",
        }
    }

    /// Returns what all rules and the fallthrough serve.
    pub(in crate::check) fn outcomes(&self) -> impl Iterator<Item = &Outcome<'t>> {
        let rules = self.rules.iter().map(|rule| &rule.outcome);
        rules.chain([&self.fallthrough])
    }

    /// Returns the rollouts, also those that a variation overrules.
    pub(in crate::check) fn rollouts(&self) -> impl Iterator<Item = &Rollout<'t>> {
        self.outcomes()
            .filter_map(|outcome| outcome.rollout.as_ref())
    }

    /// Whether something in the flag may select the variation.
    pub(in crate::check) fn may_serve(&self, index: i64) -> bool {
        if self.item.is_value {
            return index == 0;
        }
        let off = self.off_variation.as_ref().and_then(Spot::as_integer);
        let targets = self.targets.iter().chain(&self.context_targets);
        off == Some(index)
            || targets.into_iter().any(|target| target.variation == index)
            || self.outcomes().any(|outcome| outcome.may_serve(index))
    }
}

impl<'t> Outcome<'t> {
    fn new(spot: Option<Spot<'t>>) -> Self {
        let member = |name| spot.as_ref().and_then(|spot| spot.member(name));
        Self {
            variation: member("variation"),
            rollout: member("rollout").map(Rollout::new),
            spot,
        }
    }

    /// Returns the only variation that is served.
    pub(in crate::check) fn single(&self) -> Option<i64> {
        if let Some(variation) = &self.variation {
            return variation.as_integer();
        }
        let shares = &self.rollout.as_ref()?.shares;
        let first = shares.first()?.variation;
        shares
            .iter()
            .all(|share| share.variation == first)
            .then_some(first)
    }

    fn may_serve(&self, index: i64) -> bool {
        match (&self.variation, &self.rollout) {
            (Some(variation), _) => variation.as_integer() == Some(index),
            (None, Some(rollout)) => rollout.may_serve(index),
            (None, None) => false,
        }
    }
}

impl<'t> FlagRule<'t> {
    fn new(spot: Spot<'t>) -> Self {
        Self {
            id: spot.text("id"),
            clauses: Clause::all(&spot),
            outcome: Outcome::new(Some(spot.clone())),
            spot,
        }
    }
}

impl<'t> Target<'t> {
    fn new(spot: Spot<'t>) -> Self {
        Self {
            kind: kind_of(&spot, "contextKind"),
            variation: integer(&spot, "variation"),
            values: spot.list("values"),
            spot,
        }
    }
}

impl<'t> Prerequisite<'t> {
    fn new(spot: Spot<'t>) -> Self {
        Self {
            key: spot.text("key"),
            variation: integer(&spot, "variation"),
            spot,
        }
    }
}

fn integer(spot: &Spot<'_>, name: &str) -> i64 {
    let member = spot.member(name);
    member.and_then(|member| member.as_integer()).unwrap_or(0)
}
